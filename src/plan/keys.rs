//! The policies of keys, beside everything that uses what the keys encrypt.
//!
//! A key lets in before anybody is let in to what it encrypts, and shuts out after: in between, nobody has leave
//! of a topic or queue without that of its key. A policy that does both is written twice, first with both.
//!
//! A topic or queue that gets another key, or none, stands between the permissions of the roles that use it: those on the
//! new key come before it, those on the old one go after.

use std::collections::BTreeSet;

use petgraph::graph::NodeIndex;

use super::{Action, Step};
use crate::graph::{Task, Tasks};
use crate::kinds::key::encrypting;
use crate::kinds::statements::details;
use crate::kinds::{Key, Part, Resource, Role};
use crate::model::{Address, Arn, KmsKey};
use crate::policy::Effect;

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

/// The keys, and the roles that use what they encrypt, whose policies are written twice.
pub(super) fn to_bridge(steps: &[Step]) -> BTreeSet<Address> {
    let both =
        changing(steps).filter(|(step, _)| step.want.is_some() && turns(step) == (true, true));
    let keys = both.map(|(step, _)| step.address.clone());
    let turns: Vec<RoleTurn<'_>> = role_turns(steps).collect();
    let gains = |role| turns.iter().any(|it| it.role == role && it.gives);
    let roles = turns.iter().filter(|it| it.takes && gains(it.role));
    keys.chain(roles.map(|it| it.role.clone())).collect()
}

/// Returns the keys of a topic or queue that stays and gets another one: as it is, and as it will be.
pub(super) fn rekeyed(step: &Step) -> Option<(Option<KmsKey>, Option<KmsKey>)> {
    let want = step.want.as_ref().filter(|it| it.owned)?;
    let old = encrypting(&step.have.as_ref()?.resource);
    let new = encrypting(&want.resource);
    (step.action == Action::Update && old != new).then_some((old, new))
}

/// What a change of a topic's or queue's key does to a role's permissions on its keys.
struct RoleTurn<'a> {
    encrypted: &'a Address,
    role: &'a Address,
    /// The role gets permissions on the new key.
    gives: bool,
    /// The role loses permissions on the old key.
    takes: bool,
}

/// Returns the actions that a role's own policies allow on a key.
fn actions_on<'a>(role: &'a Role, key: &KmsKey) -> BTreeSet<&'a str> {
    let pattern = key.pattern();
    let statements = role.identity().flat_map(|it| &it.statements);
    let of_key = statements.filter(|it| {
        let mut resources = it.resource.iter().flat_map(|it| &it.values);
        let mut values = it.conditions.values().flat_map(|it| it.values()).flatten();
        it.effect == Effect::Allow
            && resources.any(|it| *it == pattern)
            && key.alias().is_none_or(|key| values.any(|it| it == key))
    });
    let actions = of_key.flat_map(|it| &it.action.values);
    actions.map(String::as_str).collect()
}

/// Returns what changes of keys do to the permissions of roles that stay.
fn role_turns(steps: &[Step]) -> impl Iterator<Item = RoleTurn<'_>> {
    let rekeyed = steps
        .iter()
        .filter_map(|it| Some((&it.address, rekeyed(it)?)));
    rekeyed.flat_map(move |(encrypted, (old, new))| {
        let updated = steps.iter().filter(|it| it.action == Action::Update);
        updated.filter_map(move |step| {
            let have = step.have.as_ref().map(|it| &it.resource);
            let want = step.want.as_ref().map(|it| &it.resource);
            let (Some(Resource::Role(live)), Some(Resource::Role(wanted))) = (have, want) else {
                return None;
            };
            let more = |key: &Option<KmsKey>, than: &Role, role: &Role| {
                let key = key.as_ref()?;
                Some(!actions_on(role, key).is_subset(&actions_on(than, key)))
            };
            Some(RoleTurn {
                encrypted,
                role: &step.address,
                gives: more(&new, live, wanted).unwrap_or_default(),
                takes: more(&old, wanted, live).unwrap_or_default(),
            })
        })
    })
}

/// What waits for what: a topic's or queue's other key for the permissions on it, and for that key the end of those on
/// the old one.
fn order_of_roles(steps: &[Step], tasks: &Tasks) -> Vec<(NodeIndex, NodeIndex)> {
    let nodes = |address: &Address, part| {
        let is_it = move |it: &NodeIndex| tasks[*it].address == *address && tasks[*it].part == part;
        tasks.node_indices().filter(is_it).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    for it in role_turns(steps) {
        let opens = nodes(it.role, Some(Part::Opened));
        let settles = nodes(it.role, Some(Part::Settled));
        for encrypted in nodes(it.encrypted, Some(Part::Exists)) {
            let before = if opens.is_empty() { &settles } else { &opens };
            let before = before.iter().filter(|_| it.gives);
            found.extend(before.map(|role| (*role, encrypted)));
            let after = settles.iter().filter(|_| it.takes);
            found.extend(after.map(|role| (encrypted, *role)));
        }
    }
    found
}

/// What waits for what: those who use what a key encrypts for what lets them, and what shuts out for them.
pub(super) fn order(steps: &[Step], tasks: &Tasks) -> Vec<(NodeIndex, NodeIndex)> {
    let mut found = order_of_roles(steps, tasks);
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
