//! What a change takes away with what access is to: a route of an API, and the name that a resource had.
//!
//! Whoever may call a pattern of routes loses a route that goes, though the pattern stays. A topic, queue or API that is renamed or
//! moved gets another ARN, or another id: roles of the stack change over, and whoever is named from outside goes on asking for the
//! old one.

use std::collections::{BTreeMap, BTreeSet};

use super::Step;
use super::edges::{Edge, calls};
use crate::kinds::rest_api::Methods;
use crate::kinds::survey::Guest;
use crate::kinds::{Have, Resource, Stranger};
use crate::model::KindName;
use crate::policy::patterns::Pattern;

/// Returns the calls of an API that are answered before a step and not after it.
pub(super) fn unanswered(step: &Step) -> BTreeSet<String> {
    let (Some(want), Some(have)) = (&step.want, &step.have) else {
        return BTreeSet::new();
    };
    let (Resource::RestApi(api), Resource::RestApi(live)) = (&want.resource, &have.resource) else {
        return BTreeSet::new();
    };
    let after = api.methods_after(Some(have));
    let is_answered = |call: &str, methods: &Methods| {
        let mut routes = methods.keys();
        routes.any(|it| Pattern::of(&calls(it)).matches(call))
    };
    let gone = live.methods.keys().filter(|it| !after.contains_key(*it));
    let gone = gone.map(calls);
    gone.filter(|it| !is_answered(it, &after)).collect()
}

/// Returns what those lose who may call more than the routes that go: the routes, of what stays allowed in words.
pub(super) fn lost_routes(step: &Step, before: &BTreeSet<Edge>) -> Vec<Edge> {
    let target = step.address.to_string();
    let mut found = Vec::new();
    for call in unanswered(step) {
        for edge in before.iter().filter(|it| it.target == target) {
            let Some(route) = edge.route().filter(|it| *it != call) else {
                continue;
            };
            // Of a route for every method, somebody who may use one loses that one.
            let (own, _) = route.split_once(' ').unwrap_or_default();
            let lost = match call.split_once(' ') {
                Some(("*", path)) => format!("{own} {path}"),
                _ => call.clone(),
            };
            if Pattern::of(route).matches(&lost) {
                found.push(Edge {
                    may: format!("call {lost} of"),
                    ..edge.clone()
                });
            }
        }
    }
    found
}

/// Returns what the topics, queues and APIs are called until now that these steps make again under another name, by their addresses.
pub(super) fn old_names(steps: &[Step]) -> BTreeMap<String, String> {
    let called = |kind, have: &Have| match kind {
        KindName::Topic | KindName::Queue => Some(have.resource.arn()?.to_string()),
        KindName::RestApi => Some(format!("api {}", have.id)),
        _ => None,
    };
    let removed = steps.iter().filter(|it| it.want.is_none());
    let removed = removed.filter_map(|it| {
        let name = called(it.address.kind, it.have.as_ref()?)?;
        let is_made = |other: &&Step| {
            other.address == it.address && other.want.is_some() && other.have.is_none()
        };
        let made = steps.iter().any(|other| is_made(&other));
        made.then(|| (it.address.to_string(), name))
    });
    removed.collect()
}

/// Says of what somebody from outside the stack may do with what gets another name that it is by the old one.
pub(super) fn by_old_names(
    before: BTreeSet<Edge>,
    old: &BTreeMap<String, String>,
    own: &BTreeSet<String>,
) -> BTreeSet<Edge> {
    let rename = |mut it: Edge| {
        if let (Some(name), false) = (old.get(&it.target), own.contains(&it.who)) {
            it.target.clone_from(name);
        }
        it
    };
    before.into_iter().map(rename).collect()
}

/// Returns what queues from outside the stack receive from topics that go.
pub(super) fn guests(steps: &[Step], guests: &[Guest]) -> Vec<Edge> {
    let removed = steps.iter().filter(|it| it.want.is_none());
    let removed = removed.filter_map(|it| match &it.have.as_ref()?.resource {
        Resource::Topic(topic) => Some((it, topic)),
        _ => None,
    });
    let of = |(step, topic): (&Step, &crate::kinds::Topic)| {
        let its = format!("{}:", topic.arn);
        let told = guests
            .iter()
            .filter(|it| it.topic == step.address && !it.pending);
        let told = told.map(|it| (&it.arn, &it.queue));
        // Of a topic that left the stack, or is replaced, those beside it tell.
        let beside = step.have.iter().flat_map(|it| &it.extras);
        let beside = beside.filter_map(|it| match &it.what {
            Stranger::Subscription { arn, endpoint } => Some((arn, endpoint)),
            _ => None,
        });
        let all: BTreeSet<&String> = told
            .chain(beside)
            .filter(|(arn, _)| arn.starts_with(&its))
            .map(|(_, endpoint)| endpoint)
            .collect();
        let edge = |who: &String| Edge {
            who: who.clone(),
            may: "receive from".to_owned(),
            target: topic.arn.to_string(),
            via: "subscription",
        };
        all.into_iter().map(edge).collect::<Vec<_>>()
    };
    removed.flat_map(of).collect()
}
