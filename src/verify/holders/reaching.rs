//! Roles by what their own policies speak of, so that a resource asks only those that could reach it.

use std::collections::{BTreeMap, HashMap};

use crate::model::KindName;

use super::super::paper::allowing;
use super::super::reaching::arn_in;
use super::super::world::{Thing, What, World};

/// Roles by the resources that their own policies allow something on.
#[derive(Clone, Debug, Default)]
pub(super) struct Reaching<'a> {
    /// By a resource's ARN, where a statement writes it out.
    named: HashMap<&'a str, Vec<&'a Thing>>,
    /// Those that could reach anything: by a pattern, or by a policy that nobody read.
    wide: Vec<&'a Thing>,
}

impl<'a> Reaching<'a> {
    pub(super) fn of(world: &'a World) -> Self {
        let mut found = Self::default();
        for role in world.of_kind(KindName::Role) {
            let What::Role {
                identity, unread, ..
            } = &role.what
            else {
                continue;
            };
            let mut wide = !unread.is_empty();
            for statement in identity.iter().flat_map(allowing) {
                let Some(clause) = statement.resource.as_ref().filter(|it| !it.negated) else {
                    wide = true;
                    continue;
                };
                for value in &clause.values {
                    match arn_in(value) {
                        Some(arn) => found.named.entry(arn).or_default().push(role),
                        None => wide = true,
                    }
                }
            }
            if wide {
                found.wide.push(role);
            }
        }
        found
    }

    /// The roles whose own policies may speak of a resource, in the order of their addresses.
    pub(super) fn to(&self, thing: &Thing) -> impl Iterator<Item = &'a Thing> {
        let named = self.named.get(thing.arn.as_str()).into_iter().flatten();
        let all = named.chain(&self.wide).map(|it| (&it.address, *it));
        all.collect::<BTreeMap<_, _>>().into_values()
    }
}
