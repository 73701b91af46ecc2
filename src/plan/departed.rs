//! Accounts that left the stack, as what is left of it elsewhere names them.
//!
//! There is no state file to remember them by. But what stands in an account that left is named by
//! what stands in the others: a role of the stack by its path, in our own statements.

use std::collections::BTreeSet;

use crate::kinds::role::inline_prefix;
use crate::kinds::statements::arns_in;
use crate::kinds::survey::Live;
use crate::kinds::{Have, Resource};
use crate::lower::Desired;
use crate::model::{AccountId, Arn};
use crate::policy::{Document, Statement, own};

/// Accounts that are not the stack's, and in which our own statements name something that may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Departed {
    /// Where a role stands below this stack's path: it was the stack's account.
    pub certain: BTreeSet<AccountId>,
    /// Where something else is named that the stack does not want any more: it may have been another's.
    pub likely: BTreeSet<AccountId>,
}

impl Departed {
    /// What live statements of the stack tell.
    #[must_use]
    pub fn of(desired: &Desired, live: &Live) -> Self {
        let mut found = Self::default();
        let known: BTreeSet<&AccountId> = desired
            .places
            .iter()
            .map(|it| &it.id)
            .chain(&desired.unreachable)
            .collect();
        let wanted: BTreeSet<AccountId> = desired
            .wants
            .values()
            .flat_map(|it| named(&it.resource, &desired.stack))
            .filter_map(|it| it.account_id())
            .collect();
        let have = live.have.iter();
        let kept = have.filter(|(address, have)| {
            let lent = desired.wants.get(*address).is_some_and(|it| !it.owned);
            lent || is_ours(have, &desired.stack)
        });
        let kept = kept.map(|(_, have)| have);
        let path = format!("role/provision/{}/", desired.stack);
        // Who shares by contract names other stacks' accounts for good reason.
        let alone = desired.claims.is_empty()
            && desired.offers.is_empty()
            && desired.claimed.is_empty()
            && desired.withdrawn.is_empty();
        for have in kept.chain(live.orphans.iter().map(|it| &it.have)) {
            for arn in named(&have.resource, &desired.stack) {
                let Some(id) = arn.account_id() else { continue };
                if known.contains(&id) || wanted.contains(&id) {
                    continue;
                }
                if arn.service() == "iam" && arn.resource().starts_with(&path) {
                    found.certain.insert(id);
                } else if alone {
                    found.likely.insert(id);
                }
            }
        }
        found.likely.retain(|it| !found.certain.contains(it));
        found
    }
}

fn is_ours(have: &Have, stack: &str) -> bool {
    have.mark.as_ref().is_some_and(|it| it.stack == stack)
}

/// What the statements of ours in a resource's documents name.
fn named(resource: &Resource, stack: &str) -> Vec<Arn> {
    let statements: Vec<Statement> = match resource {
        Resource::Role(role) => {
            let ours = inline_prefix(stack);
            let inline = role.inline.iter().filter(|(it, _)| it.starts_with(&ours));
            let inline = inline.flat_map(|(_, it)| it.statements.clone());
            own::split(&role.trust, stack)
                .0
                .into_iter()
                .chain(inline)
                .collect()
        }
        other => other.policy().map(of).unwrap_or_default(),
    };
    statements.iter().flat_map(arns_in).collect()
}

fn of(document: &Document) -> Vec<Statement> {
    document.statements.clone()
}
