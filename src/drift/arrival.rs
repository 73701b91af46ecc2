//! What a change means for what arrives: by a key, by a subscription's filter, by a deployment.

use std::collections::BTreeSet;

use super::class::Severity;
use super::documents::api_name;
use super::meaning::{Meaning, Means};
use super::voice::told;
use crate::kinds::extra::statement_digest;
use crate::kinds::{Have, Resource, Subscription, Want, rest_api};
use crate::lower::api;
use crate::model::{Address, Arn, KmsKey, Place};
use crate::policy::narrowing::lost_messages;
use crate::policy::{Decision, Document, Policies, Request, Statement, Who, decide};
use crate::stack::{Endpoint, RouteKey};

impl Means<'_> {
    /// Whether every method of an API that is there asks for a signature.
    pub(super) fn is_signed(&self, api: &str) -> bool {
        let mut all = self.live.have.iter();
        let found = all.find(|(address, _)| address.to_string() == api);
        let Some(Resource::RestApi(api)) = found.map(|(_, it)| &it.resource) else {
            return false;
        };
        let iam = |it: &rest_api::Method| it.authorization == "AWS_IAM";
        !api.methods.is_empty() && api.methods.values().all(iam)
    }

    /// Whether an API that is there has no policy at all, of whomever.
    pub(super) fn has_no_policy(&self, api: &str) -> bool {
        let mut all = self.live.have.iter();
        let found = all.find(|(address, _)| address.to_string() == api);
        let document = found.and_then(|(_, it)| it.document.as_ref());
        document.is_none_or(|it| it.statements.is_empty())
    }

    /// Returns what an API lets through that has no policy, where this is none: a first policy opens nothing that the API
    /// answers without one, and the end of its last one opens the routes without an authorizer to anyone.
    pub(super) fn without_policy(
        &self,
        (named, place): (&str, &Place),
        policy: &Document,
    ) -> Option<Document> {
        let mut all = self.live.have.iter();
        let (_, have) = all.find(|(address, _)| address.to_string() == named)?;
        let Resource::RestApi(live) = &have.resource else {
            return None;
        };
        let leave = Document::of(api::leave_without_policy(live));
        let name = api_name(place, &have.id);
        policy.statements.is_empty().then(|| name.expand(&leave))
    }

    /// Whether a role may still do what a resource's policy allows it no longer: where both are in one account, its own
    /// policies are enough. Of a key they are not, and of a private API its policy decides.
    pub(super) fn may_all_the_same(
        &self,
        (named, place): (&str, &Place),
        request: &Request,
        policy: &Document,
    ) -> bool {
        let there = self.live.have.iter();
        let mut of_name = there.filter(|(address, _)| address.to_string() == named);
        let takes_either = of_name.any(|(_, it)| match &it.resource {
            Resource::Topic(_) | Resource::Queue(_) => true,
            Resource::RestApi(it) => it.endpoint != Endpoint::Private,
            _ => false,
        });
        let role = self.live.have.values().find_map(|it| match &it.resource {
            Resource::Role(role) => {
                let asks = request.principal == Who::Arn(role.arn.to_string());
                (asks && role.arn.account() == place.id.as_str()).then_some(role)
            }
            _ => None,
        });
        let Some(role) = role.filter(|it| takes_either && it.boundary.is_none()) else {
            return false;
        };
        let attached = role.attached.iter().map(|it| self.live.policies.get(it));
        let Some(attached) = attached.collect::<Option<Vec<_>>>() else {
            return false;
        };
        let policies = Policies {
            identity: role.identity().chain(attached).cloned().collect(),
            resource: Some(policy.clone()),
            ..Policies::default()
        };
        decide(request, &policies).decision == Decision::Allow
    }

    /// Whether a role may still do what its own policies allow it no longer: where the resource is in its account and is
    /// no key, a policy that names the role is enough.
    pub(super) fn is_let_in_by_target(&self, role: &str, request: &Request) -> bool {
        let mut all = self.live.have.iter();
        let found = all.find(|(address, _)| address.to_string() == role);
        let Some(Resource::Role(role)) = found.map(|(_, it)| &it.resource) else {
            return false;
        };
        let request = Request {
            principal: Who::Arn(role.arn.to_string()),
            ..request.clone()
        };
        self.live.have.iter().any(|(address, have)| {
            let place = self.desired.wants.get(address).map(|it| &it.place);
            let (Some(place), Some(document)) = (place, &have.document) else {
                return false;
            };
            let (named, policy) = match &have.resource {
                Resource::RestApi(_) => {
                    let name = api_name(place, &have.id);
                    (
                        request.resource.starts_with(&name.head()),
                        name.expand(document),
                    )
                }
                other => {
                    let arn = other.arn().map(ToString::to_string);
                    (
                        arn.is_some_and(|it| it == request.resource),
                        document.clone(),
                    )
                }
            };
            named && self.may_all_the_same((&address.to_string(), place), &request, &policy)
        })
    }

    /// Whether the authorizers of the routes that a request calls refuse it, whatever the policy says, or take it for
    /// another: a signature counts only where `AWS_IAM` asks for it.
    pub(super) fn is_refused_anyway(&self, named: &str, request: &Request) -> bool {
        let mut all = self.live.have.iter();
        let found = all.find(|(address, _)| address.to_string() == named);
        let parts: Vec<&str> = request.resource.splitn(4, '/').collect();
        let (Some(Resource::RestApi(live)), [_, _, method, path]) =
            (found.map(|(_, it)| &it.resource), parts.as_slice())
        else {
            return false;
        };
        let called = RouteKey {
            method: (*method).to_owned(),
            path: format!("/{path}"),
        };
        let is_signed = request.principal != Who::Anonymous;
        let serving = live.methods.iter();
        let mut serving = serving
            .filter(|(key, _)| api::matches(&called, key))
            .peekable();
        serving.peek().is_some()
            && serving.all(|(_, it)| (it.authorization == rest_api::method::AWS_IAM) != is_signed)
    }

    /// The stage of an API of the stack.
    pub(super) fn stage_of(&self, api: &str) -> String {
        let stages = self.desired.wants.values();
        let mut found = stages.filter_map(|it| match &it.resource {
            Resource::Stage(it) if it.api.to_string() == api => Some(it.name.clone()),
            _ => None,
        });
        found.next().unwrap_or_else(|| "*".to_owned())
    }

    /// Says who can no longer use a topic or queue since it is encrypted with another key.
    pub(super) fn key(&self, found: &mut Meaning, address: &Address, owner: &Arn, key: &str) {
        let Some(key) = KmsKey::of(key, owner) else {
            return;
        };
        let target = address.to_string();
        let mut lost: Vec<(String, String)> = Vec::new();
        for want in self.desired.wants.values() {
            let Resource::Subscription(it) = &want.resource else {
                continue;
            };
            let queue = self.voice.name(it.queue.as_str());
            if queue == target {
                let topic = self.voice.name(it.topic.as_str());
                lost.push((queue, format!("receive from {topic}")));
            }
        }
        for grant in self
            .desired
            .grants
            .iter()
            .filter(|it| it.target == *address)
        {
            let role = grant.role.as_ref().map(ToString::to_string);
            let account = self.account_of(role.as_ref().unwrap_or(&grant.who));
            if account != key.arn().account() || !key.is_managed_by_aws() {
                lost.push((grant.who.clone(), format!("{} {target}", grant.may)));
            }
        }
        if lost.is_empty() {
            return;
        }
        if !key.is_managed_by_aws() {
            found.at_least(Severity::CutsAccess);
            let who: BTreeSet<&str> = lost.iter().map(|(who, _)| who.as_str()).collect();
            let who: Vec<&str> = who.into_iter().collect();
            found.because.push(format!(
                "whether {} can use the KMS key {key}: the stack gives none of them access to it, and its policy is not read",
                who.join(", ")
            ));
            return;
        }
        for (who, does) in lost {
            let says = format!(
                "{who} may no longer {does}: {target} is encrypted with {key}, a key that AWS manages for principals of account {} only",
                key.arn().account()
            );
            found.add(Severity::CutsAccess, told(false, who, says));
        }
    }

    pub(super) fn subscription(
        &self,
        found: &mut Meaning,
        stack: &Subscription,
        live: &Subscription,
    ) {
        let queue = self.voice.name(stack.queue.as_str());
        let topic = self.voice.name(stack.topic.as_str());
        if stack.filter != live.filter || stack.filter_on_body != live.filter_on_body {
            let lost = lost_messages(stack.messages(), live.messages()).messages;
            let more = lost_messages(live.messages(), stack.messages()).messages;
            let gained = match &live.filter {
                None => vec![format!(
                    "{queue} receives every message of {topic}, without a filter"
                )],
                // Where nothing is said to be lost, other messages arrive than the stack says.
                Some(filter) if lost.is_empty() && more.is_empty() => {
                    vec![format!("{queue} receives of {topic} what passes {filter}")]
                }
                Some(_) => more
                    .iter()
                    .map(|it| format!("{queue} receives {it} from {topic}"))
                    .collect(),
            };
            for says in gained {
                found.add(Severity::ChangesBehaviour, told(true, queue.clone(), says));
            }
            for what in lost {
                let says = format!("{queue} no longer receives {what} from {topic}");
                found.add(Severity::ChangesBehaviour, told(false, queue.clone(), says));
            }
        }
    }

    /// What statements of others mean on a resource's policy: of an API's also when, since AWS asks the policy that was
    /// deployed.
    pub(super) fn statements(
        &self,
        found: &mut Meaning,
        address: &Address,
        want: &Want,
        have: &Have,
    ) {
        let Some(policy) = want.resource.policy() else {
            return;
        };
        let is_new = |it: &Statement| {
            let digest = statement_digest(it);
            have.extras.iter().any(|it| it.digest == digest)
        };
        let expand = |document: &Document| match &want.resource {
            Resource::RestApi(_) => api_name(&want.place, &have.id).expand(document),
            _ => document.clone(),
        };
        let named = address.to_string();
        let held = self.deployed(address, &have.foreign);
        let foreign = || have.foreign.iter().zip(&held);
        let mut before = policy.clone();
        let known = foreign().map(|(it, _)| it).filter(|it| !is_new(it));
        before.statements.extend(known.cloned());
        for when in [Some(true), None, Some(false)] {
            let new = foreign().filter(|(it, held)| **held == when && is_new(it));
            let new: Vec<Statement> = new.map(|(it, _)| it.clone()).collect();
            if new.is_empty() {
                continue;
            }
            let all = before.statements.iter().cloned().chain(new);
            let after = Document::of(all.collect());
            let mut part = Meaning::nothing();
            let at = Some((named.as_str(), &want.place));
            self.documents(&mut part, &expand(&before), &expand(&after), None, at);
            let from = format!("from the next deployment of {named} on");
            let (suffix, why) = match when {
                Some(true) => (String::new(), None),
                None => (
                    format!(", now or {from}"),
                    Some(format!(
                        "what {named} lets through now: the deployment that it serves does not tell whether it holds this"
                    )),
                ),
                Some(false) => (
                    format!(", {from}"),
                    Some(format!(
                        "what {named} will let through: its policy is not deployed as it is now, and takes effect with the \
                         next deployment"
                    )),
                ),
            };
            for effect in &mut part.effects {
                effect.says += &suffix;
            }
            part.because.extend(why);
            found.join(part);
            before = after;
        }
    }

    /// Returns of each statement of others on a policy whether AWS asks it by now; `None` where that cannot be known.
    fn deployed(&self, address: &Address, foreign: &[Statement]) -> Vec<Option<bool>> {
        let mut stages = self.desired.wants.iter();
        let stage = stages.find_map(|(at, want)| match &want.resource {
            Resource::Stage(stage) if stage.api == *address => Some((at, stage)),
            _ => None,
        });
        let live = stage.and_then(|(at, stage)| match &self.live.have.get(at)?.resource {
            // What is not deployed as the stack says is told of the stage.
            Resource::Stage(live) if live.surface == stage.surface => Some(live),
            _ => None,
        });
        match live {
            Some(live) => live.holds(foreign),
            None => vec![Some(true); foreign.len()],
        }
    }
}
