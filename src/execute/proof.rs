//! A consumer's new way, proved before its old one is taken.
//!
//! The documents are read again and put to the evaluator: the consumer's own, the access role's
//! with its trust, the target's. All sides of the new way that this stack writes have to say yes.
//! What others attached is not asked, for it was there under the old way as well.

use std::collections::{BTreeMap, BTreeSet};

use crate::cloud::{CallError, Cloud};
use crate::graph::with_principals;
use crate::kinds::{Context, Ids, Part, Resource, Role, rest_api, role};
use crate::model::{AccountId, Address, Arn, Place};
use crate::plan::{Move, Plan, SENDS, Step};
use crate::policy::three::Three;
use crate::policy::widen::alone;
use crate::policy::{Document, Request, Who};
use crate::stack::Endpoint;

/// The documents of one step's consumers, as the cloud has them now.
pub(super) struct Proof<'a> {
    plan: &'a Plan,
    cloud: &'a dyn Cloud,
    ids: &'a Ids,
    roles: BTreeMap<AccountId, role::Account>,
    targets: BTreeMap<Address, Document>,
}

/// A request as clients make it.
fn over_tls(who: Who, action: &str, resource: &str) -> Request {
    Request::new(who, action, resource).with("aws:SecureTransport", ["true"])
}

/// Returns the moves whose old way a part of a step closes: what lets the consumer in lets go of it, or the consumer's own
/// policy, which held both ways until then.
pub(super) fn closed_by<'a>(
    plan: &'a Plan,
    step: &'a Step,
    part: Option<Part>,
) -> impl Iterator<Item = &'a Move> {
    let lets_go = step
        .want
        .as_ref()
        .is_none_or(|it| part == Some(with_principals(it)));
    let narrows = step.bridge.is_some() && part == Some(Part::Settled);
    plan.moves.iter().filter(move |it| {
        let carries =
            it.from.address == step.address && it.from.removed == step.want.is_none() && lets_go;
        carries || narrows && it.caller == step.address
    })
}

impl<'a> Proof<'a> {
    /// A proof that has read nothing yet.
    pub(super) fn of(plan: &'a Plan, cloud: &'a dyn Cloud, ids: &'a Ids) -> Self {
        Self {
            plan,
            cloud,
            ids,
            roles: BTreeMap::new(),
            targets: BTreeMap::new(),
        }
    }

    /// The first consumer whose new way does not work yet.
    pub(super) async fn missing(
        mut self,
        step: &'a Step,
        part: Option<Part>,
    ) -> Result<Option<&'a Move>, CallError> {
        for it in closed_by(self.plan, step, part) {
            if !self.holds(it).await? {
                return Ok(Some(it));
            }
        }
        Ok(None)
    }

    fn step(&self, address: &Address) -> Option<&'a Step> {
        let mut wanted = self.plan.steps.iter().filter(|it| it.want.is_some());
        wanted.find(|it| it.address == *address)
    }

    async fn holds(&mut self, it: &Move) -> Result<bool, CallError> {
        let Some(caller) = self.role(&it.caller).await? else {
            return Ok(false);
        };
        let says = |role: &Role, request: &Request| {
            let mut documents = role.identity();
            documents.any(|it| alone(it, request) == Three::Yes)
        };
        if it.to == it.target {
            let policy = self.target(&it.target).await?;
            let requests = self.requests(it, &caller.arn);
            return Ok(requests
                .iter()
                .all(|it| says(&caller, it) && alone(&policy, it) == Three::Yes));
        }
        let Some(role) = self.role(&it.to).await? else {
            return Ok(false);
        };
        let mut assume = Request::new(
            Who::Arn(caller.arn.to_string()),
            "sts:AssumeRole",
            role.arn.as_str(),
        );
        if let Some(id) = external_id(&role.trust) {
            assume = assume.with("sts:ExternalId", [id]);
        }
        let requests = self.requests(it, &role.arn);
        let mut holds = says(&caller, &assume)
            && alone(&role.trust, &assume) == Three::Yes
            && requests.iter().all(|it| says(&role, it));
        if holds && self.endpoints(&it.target).is_some() {
            let policy = self.target(&it.target).await?;
            holds = requests.iter().all(|it| alone(&policy, it) == Three::Yes);
        }
        Ok(holds)
    }

    /// What the consumer does there by the new way.
    fn requests(&self, it: &Move, who: &Arn) -> Vec<Request> {
        let who = Who::Arn(who.to_string());
        let Some(want) = self.step(&it.target).and_then(|it| it.want.as_ref()) else {
            return Vec::new();
        };
        match &want.resource {
            Resource::Topic(topic) => {
                vec![over_tls(who, "sns:Publish", topic.arn.as_str())]
            }
            Resource::Queue(queue) => {
                let request = |does: &String| {
                    let action = match does.as_str() {
                        SENDS => "sqs:SendMessage",
                        _ => "sqs:ReceiveMessage",
                    };
                    over_tls(who.clone(), action, queue.arn.as_str())
                };
                it.does.iter().map(request).collect()
            }
            Resource::RestApi(_) => {
                let id = self.ids.borrow().get(&it.target).cloned();
                let arn = Arn::regional(&want.place, "execute-api", &id.unwrap_or_default());
                let endpoints = self.endpoints(&it.target);
                let request = |path: &String| {
                    // Any call that the pattern means will do.
                    let resource = format!("{arn}/{}", path.replace('*', "x"));
                    let request = over_tls(who.clone(), "execute-api:Invoke", &resource);
                    match endpoints.and_then(BTreeSet::first) {
                        Some(endpoint) => request.with("aws:SourceVpce", [endpoint.as_str()]),
                        None => request,
                    }
                };
                it.does.iter().map(request).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The VPC endpoints of a private API.
    fn endpoints(&self, target: &Address) -> Option<&'a BTreeSet<String>> {
        match &self.step(target)?.want.as_ref()?.resource {
            Resource::RestApi(api) if api.endpoint == Endpoint::Private => Some(&api.vpc_endpoints),
            _ => None,
        }
    }

    /// A role of the stack, as it is now.
    async fn role(&mut self, address: &Address) -> Result<Option<Role>, CallError> {
        let Some(want) = self.step(address).and_then(|it| it.want.as_ref()) else {
            return Ok(None);
        };
        let Resource::Role(wanted) = &want.resource else {
            return Ok(None);
        };
        let stack = &self.plan.stack;
        let account = self.roles_of(&want.place).await?;
        let Some(found) = account
            .roles
            .iter()
            .find(|it| it.name.eq_ignore_ascii_case(wanted.name()))
        else {
            return Ok(None);
        };
        let have = Role::decode(found, None, stack, account)?;
        match have.resource {
            Resource::Role(role) => Ok(Some(role)),
            _ => Ok(None),
        }
    }

    async fn roles_of(&mut self, place: &Place) -> Result<&role::Account, CallError> {
        if !self.roles.contains_key(&place.id) {
            let found = role::details(self.cloud, place).await?;
            self.roles.insert(place.id.clone(), found);
        }
        Ok(&self.roles[&place.id])
    }

    /// A target's own policy, as it is now.
    async fn target(&mut self, address: &Address) -> Result<Document, CallError> {
        if let Some(policy) = self.targets.get(address) {
            return Ok(policy.clone());
        }
        let mut policy = Document::of(Vec::new());
        if let Some(want) = self.step(address).and_then(|it| it.want.as_ref()) {
            let cx = Context {
                cloud: self.cloud,
                stack: &self.plan.stack,
                address,
                ids: self.ids,
                closed: None,
            };
            let have = match &want.resource {
                Resource::Topic(_) | Resource::Queue(_) => want.resource.read(want, &cx).await?,
                Resource::RestApi(_) => {
                    let id = self.ids.borrow().get(address).cloned();
                    let all = rest_api::read_all(self.cloud, &want.place).await?;
                    let record = all.iter().find(|it| Some(&it.id) == id.as_ref());
                    let have =
                        |it| rest_api::decode(&want.place, &self.plan.stack, it, &[], want.owned);
                    record.map(have).transpose()?
                }
                _ => None,
            };
            policy = have.and_then(|it| it.document).unwrap_or(policy);
        }
        self.targets.insert(address.clone(), policy.clone());
        Ok(policy)
    }
}

/// The external id that a trust policy asks for.
fn external_id(trust: &Document) -> Option<String> {
    let conditions = trust
        .statements
        .iter()
        .flat_map(|it| it.conditions.values());
    let mut ids = conditions
        .flatten()
        .filter(|(key, _)| key.eq_ignore_ascii_case("sts:ExternalId"))
        .flat_map(|(_, values)| values);
    ids.next().cloned()
}
