//! A consumer's way to a target changes: wherever the change stops, one way works.
//!
//! The ways are decided by the evaluator over what the cloud has at that moment, the API's policy as
//! it is deployed; nothing of the engine that orders the change is asked.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::LocalBoxFuture;
use provision::cloud::seam::{FaultRule, Trouble};
use provision::cloud::{Answer, CallError, Cloud, Request as CloudRequest, Sandbox};
use provision::lower::Desired;
use provision::model::{AccountId, Place};
use provision::policy::{Decision, Document, MethodAuth, Policies, Request, Who, decide};
use serde_json::Value;

use crate::operator::make_role;
use crate::world::{
    Command, apply, assert_in_step, plan, run, sandbox_for, spoken, text_of, wanted,
};

/// A role as the cloud has it.
struct Role {
    trust: Document,
    identity: Vec<Document>,
}

/// What the cloud has, as far as it decides who reaches what.
pub(crate) struct Snapshot {
    roles: BTreeMap<String, Role>,
    /// Policies of topics by ARN, and of stages by the ARN up to the stage.
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

    /// Whether somebody reaches something, directly or through a role.
    fn reaches(&self, who: &str, what: &(&str, String)) -> bool {
        let Some(_) = self.roles.get(who) else {
            return false;
        };
        self.reaches_directly(who, what)
            || self.roles.iter().any(|(arn, role)| {
                let request = Request::new(Who::Arn(who.to_owned()), "sts:AssumeRole", arn.clone())
                    .with("sts:ExternalId", ["an-id"]);
                arn != who
                    && self.reaches_directly(arn, what)
                    && self.allows(who, &request, Some(&role.trust))
            })
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

/// Changes one stack into another, stopping dead after each call, and once not at all.
///
/// Gives what the undisturbed change did.
pub(crate) fn never_without(from: &Desired, to: &Desired) -> Vec<String> {
    run(async {
        let base = sandbox_for([from, to]);
        apply(from, &base).await;
        let before = Snapshot::of(&base).reached();
        let undisturbed = base.fork();
        let ran = apply(to, &undisturbed).await;
        assert_in_step(to, &undisturbed, "after the change").await;
        let after = Snapshot::of(&undisturbed).reached();
        // Access roles come and go; whoever stays has to keep what it had.
        let keeps: BTreeSet<_> = before.intersection(&after).collect();
        assert!(
            !keeps.is_empty(),
            "nobody keeps anything: {before:#?} {after:#?}"
        );
        let mut wrong = Vec::new();
        let mut stops = 0;
        let mut records = ran.records.clone();
        records.sort_by_key(|it| it.number);
        for record in records.iter().filter(|it| it.writes) {
            stops += 1;
            let sandbox = base.fork();
            let rule = FaultRule::at(record.number, Trouble::StopAfter);
            Command::Apply(to).with(&sandbox, [rule]).await;
            let now = Snapshot::of(&sandbox);
            for (who, what) in keeps.iter().filter(|(who, it)| !now.reaches(who, it)) {
                wrong.push(format!("after {record}: {who} is without {what:?}"));
            }
            apply(to, &sandbox).await;
            assert_in_step(to, &sandbox, "after the second run").await;
        }
        println!("{stops} stops, {} accesses kept", keeps.len());
        let calls: Vec<String> = records.iter().map(ToString::to_string).collect();
        assert!(wrong.is_empty(), "{wrong:#?}\ncalls: {calls:#?}");
        spoken(ran.plan())
    })
}

/// Both directions of a change.
fn there_and_back(from: &str, to: &str) {
    let (from, to) = (wanted(&[from]), wanted(&[to]));
    never_without(&from, &to);
    never_without(&to, &from);
}

const POLICY: &str = "\"resource-policy\"";
const ROLE: &str = "\"assume-role\"";

#[test]
fn a_consumer_is_never_without_a_way_while_its_mechanism_changes() {
    let text = text_of("marketplace.toml");
    let all_policy = text.replace(ROLE, POLICY);
    let all_role = text.replace(POLICY, ROLE);
    there_and_back(&all_policy, &all_role);
    // Some go there while others come back.
    let turned = text
        .replace(ROLE, "(another)")
        .replace(POLICY, ROLE)
        .replace("(another)", POLICY);
    there_and_back(&text, &turned);
}

#[test]
fn the_policy_of_a_private_api_holds_both_ways_for_a_while() {
    let text = text_of("private-api.toml");
    there_and_back(&text, &text.replace(POLICY, ROLE));
}

/// Two consumers, an API and a topic, each reached as this says.
fn crossing(ways: [&str; 4]) -> String {
    let mut text = "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n\
                    [accounts.a]\nid = \"111111111111\"\n[accounts.b]\nid = \"222222222222\"\n\
                    [roles.x]\naccount = \"a\"\ntrusted_by = \"ec2.amazonaws.com\"\n\
                    [roles.y]\naccount = \"a\"\ntrusted_by = \"ec2.amazonaws.com\"\n\
                    [topics.t]\naccount = \"b\"\n\
                    [apis.p]\naccount = \"b\"\n[apis.p.routes]\n\"GET /x\" = { mock = 200 }\n"
        .to_owned();
    let edges = [
        ("x", "topics.t"),
        ("x", "apis.p"),
        ("y", "topics.t"),
        ("y", "apis.p"),
    ];
    for ((from, to), way) in edges.into_iter().zip(ways) {
        let allow = if to == "apis.p" {
            "allow = [\"GET /x\"]\n"
        } else {
            ""
        };
        text += &format!("[[access]]\nfrom = \"roles.{from}\"\nto = \"{to}\"\n{allow}{way}\n");
    }
    text
}

#[test]
fn consumers_that_cross_each_other_are_never_without_a_way() {
    let (policy, role) = ("via = \"resource-policy\"", "via = \"assume-role\"");
    there_and_back(
        &crossing([policy, role, role, policy]),
        &crossing([role, policy, policy, role]),
    );
    let named = |name: &str| format!("via = \"assume-role\"\nrole_name = \"{name}\"");
    let (one, two, three, four) = (named("one"), named("two"), named("three"), named("four"));
    there_and_back(
        &crossing([&one, &three, &two, &four]),
        &crossing([&two, &four, &one, &three]),
    );
}

/// A cloud that takes a role's new policy and forgets it.
struct Forgetful<'a> {
    inner: &'a Sandbox,
    role: &'a str,
}

impl Cloud for Forgetful<'_> {
    fn send<'a>(
        &'a self,
        at: &'a Place,
        request: CloudRequest,
    ) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        Box::pin(async move {
            match &request {
                CloudRequest::PutRolePolicy(it) if it.name == self.role => {
                    Ok(Answer::PutRolePolicy(()))
                }
                _ => self.inner.send(at, request).await,
            }
        })
    }

    fn now(&self) -> i64 {
        self.inner.now()
    }
}

#[test]
fn an_old_way_is_not_taken_from_whom_the_new_one_does_not_let_in() {
    let (policy, role) = ("via = \"resource-policy\"", "via = \"assume-role\"");
    let from = wanted(&[&crossing([policy; 4])]);
    let to = wanted(&[&crossing([role, role, policy, policy])]);
    run(async {
        let sandbox = sandbox_for([&from, &to]);
        apply(&from, &sandbox).await;
        let before = Snapshot::of(&sandbox).reached();
        let forgetful = Forgetful {
            inner: &sandbox,
            role: "x",
        };
        let ran = Command::Apply(&to).with(&forgetful, []).await;
        assert!(!ran.came_off(), "{}", ran.story());
        assert!(ran.story().contains("NotProved"), "{}", ran.story());
        let now = Snapshot::of(&sandbox);
        for (who, what) in &before {
            assert!(now.reaches(who, what), "{who} is without {what:?}");
        }
        apply(&to, &sandbox).await;
        assert_in_step(&to, &sandbox, "once it is remembered").await;
    });
}

#[test]
fn a_plan_tells_whose_way_changes_that_nobody_here_can_see() {
    let stranger = "arn:aws:iam::999999999999:role/elsewhere";
    let text =
        |way: &str| crossing([way; 4]).replacen("\"roles.x\"", &format!("\"{stranger}\""), 1);
    let from = wanted(&[&text("via = \"resource-policy\"")]);
    let to = wanted(&[&text("via = \"assume-role\"")]);
    run(async {
        let accounts = ["111111111111", "222222222222", "999999999999"];
        let accounts = accounts.map(|it| AccountId::parse(it).expect("an account"));
        let sandbox = Sandbox::in_memory(&accounts);
        make_role(&sandbox, "999999999999", "elsewhere").await;
        apply(&from, &sandbox).await;
        assert!(plan(&from, &sandbox).await.strangers.is_empty());
        let found = plan(&to, &sandbox).await.strangers;
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.who.as_str(), it.target.to_string()))
            .collect();
        assert_eq!(found, [(stranger, "topics.t".to_owned())]);
    });
}
