//! What a change means for what arrives: by a key, by a subscription's filter, by a deployment.

use std::collections::BTreeSet;

use super::class::Severity;
use super::meaning::{Meaning, Means};
use super::voice::told;
use crate::kinds::{Resource, Stage, Subscription, rest_api};
use crate::model::{Address, Arn, KmsKey};
use crate::policy::narrowing::lost_messages;

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

    /// Returns what an API lets through that has no policy, where this is none: a first policy opens nothing that the API
    /// answers without one.
    pub(super) fn before_a_policy(
        &self,
        (api, place): (&str, &crate::model::Place),
        policy: &crate::policy::Document,
    ) -> Option<crate::policy::Document> {
        let mut all = self.live.have.iter();
        let (_, have) = all.find(|(address, _)| address.to_string() == api)?;
        let Resource::RestApi(live) = &have.resource else {
            return None;
        };
        let leave = crate::policy::Document::of(crate::lower::api::leave_without_policy(live));
        let name = super::documents::api_name(place, &have.id);
        policy.statements.is_empty().then(|| name.expand(&leave))
    }

    /// Whether the authorizers of the routes that a request calls refuse it, whatever the policy says, or take it for
    /// another: a signature counts only where `AWS_IAM` asks for it.
    pub(super) fn is_refused_anyway(&self, api: &str, request: &crate::policy::Request) -> bool {
        let mut all = self.live.have.iter();
        let found = all.find(|(address, _)| address.to_string() == api);
        let parts: Vec<&str> = request.resource.splitn(4, '/').collect();
        let (Some(Resource::RestApi(api)), [_, _, method, path]) =
            (found.map(|(_, it)| &it.resource), parts.as_slice())
        else {
            return false;
        };
        let called = crate::stack::RouteKey {
            method: (*method).to_owned(),
            path: format!("/{path}"),
        };
        let is_signed = request.principal != crate::policy::Who::Anonymous;
        let serving = api.methods.iter();
        let mut serving = serving
            .filter(|(key, _)| crate::lower::api::matches(&called, key))
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
            let gained = match &live.filter {
                None => Some(format!(
                    "{queue} receives every message of {topic}, without a filter"
                )),
                // Where nothing is said to be lost, other messages arrive than the stack says.
                Some(filter) if lost.is_empty() => {
                    Some(format!("{queue} receives of {topic} what passes {filter}"))
                }
                Some(_) => None,
            };
            if let Some(says) = gained {
                found.add(Severity::ChangesBehaviour, told(true, queue.clone(), says));
            }
            for what in lost {
                let says = format!("{queue} no longer receives {what} from {topic}");
                found.add(Severity::ChangesBehaviour, told(false, queue.clone(), says));
            }
        }
    }

    /// Whether every stage of an API serves what was deployed from the stack.
    pub(super) fn serves_the_stack(&self, api: &Address) -> bool {
        let stages = self.desired.wants.iter();
        let mut stages = stages.filter_map(|(address, want)| match &want.resource {
            Resource::Stage(stage) if stage.api == *api => Some((address, stage)),
            _ => None,
        });
        let deployed = |(address, stage): (&Address, &Stage)| {
            let live = self.live.have.get(address).map(|it| &it.resource);
            matches!(live, Some(Resource::Stage(live)) if live.surface == stage.surface)
        };
        let first = stages.next();
        first.is_some_and(deployed) && stages.all(deployed)
    }
}
