//! Which roles' identity policies reach a resource.

use std::collections::BTreeMap;

use super::bound::account_of;
use super::paper::allowing;
use super::world::{Thing, What, World};
use crate::lower::calls::Texts;
use crate::model::{Address, KindName};
use crate::policy::patterns::Pattern;
use crate::policy::{Clause, Statement};

/// Statements of identity policies, by the resources that they reach.
pub(super) struct Reaching<'a> {
    /// By the resource's address: roles with a statement that reaches it.
    found: BTreeMap<&'a Address, BTreeMap<&'a Address, &'a Thing>>,
    /// By account: roles with documents that nobody read.
    pub(super) unread: BTreeMap<&'a str, Vec<&'a Thing>>,
}

/// The actions by which a resource of the stack is used.
const USES: [&str; 3] = ["sns:publish", "sns:subscribe", "execute-api:invoke"];

pub(super) fn takes(clause: &Clause, action: &str) -> bool {
    clause
        .values
        .iter()
        .any(|it| Pattern::of(&it.to_ascii_lowercase()).matches(action))
        != clause.negated
}

impl<'a> Reaching<'a> {
    pub(super) fn of(world: &'a World) -> Self {
        let mut reaching = Self {
            found: BTreeMap::new(),
            unread: BTreeMap::new(),
        };
        let targets: Vec<&Thing> = world
            .things
            .values()
            .filter(|it| matches!(it.what, What::Topic { .. } | What::Api(_)))
            .collect();
        for role in world.of_kind(KindName::Role) {
            let What::Role {
                identity, unread, ..
            } = &role.what
            else {
                continue;
            };
            if !unread.is_empty() {
                reaching
                    .unread
                    .entry(account_of(role))
                    .or_default()
                    .push(role);
            }
            for paper in identity {
                for statement in allowing(paper) {
                    if !USES.iter().any(|it| takes(&statement.action, it)) {
                        continue;
                    }
                    for target in reached(world, &targets, statement) {
                        let known = reaching.found.entry(&target.address).or_default();
                        known.insert(&role.address, role);
                    }
                }
            }
        }
        reaching
    }

    pub(super) fn to(&self, thing: &Thing) -> impl Iterator<Item = &'a Thing> {
        self.found
            .get(&thing.address)
            .into_iter()
            .flat_map(|it| it.values().copied())
    }
}

/// The resources that a statement may reach.
fn reached<'a>(world: &'a World, targets: &[&'a Thing], statement: &Statement) -> Vec<&'a Thing> {
    let Some(clause) = &statement.resource else {
        return targets.to_vec();
    };
    if clause.negated {
        return targets.to_vec();
    }
    let mut found: BTreeMap<&Address, &Thing> = BTreeMap::new();
    for value in &clause.values {
        // An API's own name ends at the first slash.
        let head = value.split('/').next().unwrap_or_default();
        if head.contains(['*', '?', '$']) {
            let pattern = Texts::pattern(value);
            let plain = |it: &&&Thing| pattern.clone().past(&it.arn).is_some();
            found.extend(targets.iter().filter(plain).map(|it| (&it.address, *it)));
        } else {
            found.extend(world.with_arn(head).map(|it| (&it.address, it)));
        }
    }
    found.into_values().collect()
}
