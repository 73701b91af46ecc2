//! Who reaches what in the embedded cloud, by the evaluator over what it has at that moment; an API's policy as it is deployed.

use std::collections::{BTreeMap, BTreeSet};

use provision::cloud::Sandbox;
use provision::policy::{Decision, Document, MethodAuth, Policies, Request, Who, decide};
use serde_json::Value;

/// A role as the cloud has it.
struct Role {
    trust: Document,
    identity: Vec<Document>,
}

/// What the cloud has, as far as it decides who reaches what.
pub(crate) struct Snapshot {
    roles: BTreeMap<String, Role>,
    /// Policies of topics and queues by ARN, and of stages by the ARN up to the stage.
    policies: BTreeMap<String, Option<Document>>,
    /// Private APIs, by the beginning of their ARNs.
    private: BTreeSet<String>,
    /// Everything that may be asked for: an action on a resource.
    things: BTreeSet<(&'static str, String)>,
}

fn document(text: &Value) -> Document {
    Document::parse(text.as_str().expect("a text")).expect("a policy")
}

pub(crate) fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

impl Snapshot {
    pub(crate) fn of(sandbox: &Sandbox) -> Self {
        let picture = sandbox.picture();
        let mut found = Self {
            roles: BTreeMap::new(),
            policies: BTreeMap::new(),
            private: BTreeSet::new(),
            things: BTreeSet::new(),
        };
        for (account, it) in fields(&picture) {
            for (_, role) in fields(&it["roles"]) {
                let identity = fields(&role["inline"]).map(|(_, it)| document(it));
                let attached = role["attached"].as_array().into_iter().flatten();
                let managed = attached.filter_map(|arn| {
                    let name = arn.as_str()?.rsplit('/').next()?;
                    it["policies"].get(name).map(document)
                });
                let role_of = Role {
                    trust: document(&role["trust"]),
                    identity: identity.chain(managed).collect(),
                };
                let arn = role["arn"].as_str().expect("an ARN").to_owned();
                found.roles.insert(arn, role_of);
            }
            for (region, it) in fields(&it["regions"]) {
                for (name, topic) in fields(&it["topics"]) {
                    let arn = format!("arn:aws:sns:{region}:{account}:{name}");
                    let policy = document(&topic["policy"]);
                    found.policies.insert(arn.clone(), Some(policy));
                    found.things.insert(("sns:Publish", arn));
                }
                for (name, queue) in fields(&it["queues"]) {
                    let arn = format!("arn:aws:sqs:{region}:{account}:{name}");
                    let policy = &queue["attributes"]["Policy"];
                    let policy =
                        Some(policy).filter(|it| it.as_str().is_some_and(|it| !it.is_empty()));
                    found.policies.insert(arn.clone(), policy.map(document));
                    for action in ["sqs:SendMessage", "sqs:ReceiveMessage"] {
                        found.things.insert((action, arn.clone()));
                    }
                }
                for (_, api) in fields(&it["apis"]) {
                    let id = api["about"]["id"].as_str().expect("an id");
                    let head = format!("arn:aws:execute-api:{region}:{account}:{id}");
                    if api["about"]["endpoint_type"] == "PRIVATE" {
                        found.private.insert(format!("{head}/"));
                    }
                    for (stage, it) in fields(&api["stages"]) {
                        found.add_stage(&format!("{head}/{stage}"), api, it);
                    }
                }
            }
        }
        found
    }

    fn add_stage(&mut self, head: &str, api: &Value, stage: &Value) {
        let served = stage["deployment"].as_str().expect("a deployment");
        let served = &api["deployments"][served];
        let policy = Some(&served["policy"]).filter(|it| it.is_string());
        self.policies.insert(head.to_owned(), policy.map(document));
        for (path, verbs) in fields(&served["methods"]) {
            let path = path.replace(['{', '}'], "");
            for (verb, _) in fields(verbs) {
                let thing = ("execute-api:Invoke", format!("{head}/{verb}{path}"));
                self.things.insert(thing);
            }
        }
    }

    fn allows(&self, who: &str, request: &Request, own: Option<&Document>) -> bool {
        let policies = Policies {
            identity: self.roles[who].identity.clone(),
            resource: own.cloned(),
            ..Policies::default()
        };
        decide(request, &policies).decision == Decision::Allow
    }

    fn reaches_directly(&self, who: &str, (action, resource): &(&str, String)) -> bool {
        let mut request = Request::new(Who::Arn(who.to_owned()), *action, resource.clone());
        request.method_auth = Some(MethodAuth::Iam);
        if self.private.iter().any(|it| resource.starts_with(it)) {
            request = request.with("aws:SourceVpce", ["vpce-0a1b2c3d4e5f67890"]);
        }
        let own = self
            .policies
            .iter()
            .find(|(arn, _)| resource == *arn || resource.starts_with(&format!("{arn}/")));
        self.allows(who, &request, own.and_then(|(_, it)| it.as_ref()))
    }

    /// The ways by which somebody reaches something: the ARN of who asks in the end, its own or a role's that it assumes.
    pub(crate) fn ways(&self, who: &str, what: &(&str, String)) -> BTreeSet<String> {
        if !self.roles.contains_key(who) {
            return BTreeSet::new();
        }
        let by = |(arn, role): &(&String, &Role)| {
            let request = Request::new(Who::Arn(who.to_owned()), "sts:AssumeRole", arn.as_str())
                .with("sts:ExternalId", ["an-id"]);
            self.reaches_directly(arn, what)
                && (*arn == who || self.allows(who, &request, Some(&role.trust)))
        };
        let found = self.roles.iter().filter(by);
        found.map(|(arn, _)| arn.clone()).collect()
    }

    /// Whether somebody reaches something, directly or through a role.
    pub(crate) fn reaches(&self, who: &str, what: &(&str, String)) -> bool {
        !self.ways(who, what).is_empty()
    }

    /// Who reaches what.
    pub(crate) fn reached(&self) -> BTreeSet<(String, (&'static str, String))> {
        let pairs = self.roles.keys().flat_map(|who| {
            let things = self.things.iter().map(|it| (who.clone(), it.clone()));
            things.filter(|(who, it)| self.reaches(who, it))
        });
        pairs.collect()
    }
}
