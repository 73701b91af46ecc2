//! The policies of keys, beside everything that uses what the keys encrypt.
//!
//! A key lets in before anybody is let in to what it encrypts, and shuts out after: in between, nobody has leave
//! of a topic or queue without that of its key. A policy that does both is written twice, first with both.

use std::collections::BTreeSet;

use petgraph::graph::NodeIndex;

use super::{Action, Step};
use crate::graph::{Task, Tasks};
use crate::kinds::statements::details;
use crate::kinds::{Key, Part, Resource};
use crate::model::{Address, Arn};

/// Whether a step adds statements to a key's policy, and whether it takes any away.
fn turns(step: &Step) -> (bool, bool) {
    let statements = |it: Option<&Resource>| {
        let policy = it.and_then(Resource::policy);
        policy.map_or(Vec::new(), |it| it.statements.clone())
    };
    let live = statements(step.have.as_ref().map(|it| &it.resource));
    let wanted = statements(step.want.as_ref().map(|it| &it.resource));
    let found = details(&live, &wanted);
    let has = |sign| found.iter().any(|it| it.sign == sign);
    (has('+'), has('-'))
}

fn resources(step: &Step) -> impl Iterator<Item = &Resource> {
    let have = step.have.as_ref().map(|it| &it.resource);
    let want = step.want.as_ref().map(|it| &it.resource);
    have.into_iter().chain(want)
}

/// The keys whose policies change, with their steps.
fn changing(steps: &[Step]) -> impl Iterator<Item = (&Step, &Key)> {
    let moving = steps.iter().filter(|it| it.action != Action::Keep);
    moving.filter_map(|step| match resources(step).next()? {
        Resource::Key(key) => Some((step, key)),
        _ => None,
    })
}

/// The keys whose policies are written twice.
pub(super) fn to_bridge(steps: &[Step]) -> BTreeSet<Address> {
    let both =
        changing(steps).filter(|(step, _)| step.want.is_some() && turns(step) == (true, true));
    both.map(|(step, _)| step.address.clone()).collect()
}

/// What waits for what: those who use what a key encrypts for what lets them, and what shuts out for them.
pub(super) fn order(steps: &[Step], tasks: &Tasks) -> Vec<(NodeIndex, NodeIndex)> {
    let mut found = Vec::new();
    for (step, key) in changing(steps) {
        let (_, takes) = turns(step);
        let queues: BTreeSet<&Arn> = steps
            .iter()
            .flat_map(resources)
            .filter(|it| matches!(it, Resource::Queue(_)) && key.is_used_by(it))
            .filter_map(Resource::arn)
            .collect();
        let uses = |it: &Resource| match it {
            Resource::Subscription(it) => queues.contains(&it.queue),
            other => key.is_used_by(other),
        };
        let users: Vec<&Step> = steps.iter().filter(|it| resources(it).any(uses)).collect();
        let is_user = |task: &Task| users.iter().any(|it| it.has(task));
        for own in tasks.node_indices().filter(|it| step.has(&tasks[*it])) {
            let closes = takes && tasks[own].part != Some(Part::Opened);
            let users = tasks.node_indices().filter(|it| is_user(&tasks[*it]));
            found.extend(users.map(|user| if closes { (user, own) } else { (own, user) }));
        }
    }
    found
}
