//! Roles: the author's own, with what `[[access]]` lets them do.

use std::collections::{BTreeMap, BTreeSet};

use super::trust::{Who, trust_policy};
use super::{Draft, role_address};
use crate::kinds::role::{Managed, inline_prefix, managed};
use crate::kinds::{Resource, Role, full_length};
use crate::policy::spread::{Room, spread};
use crate::policy::{Document, Statement, size};

/// The name of the inline policy that holds what `[[access]]` grants.
pub(super) const ACCESS: &str = "access";

/// Where what a role may do stands.
pub(super) struct Placed {
    /// Its inline policies, the author's own among them.
    pub(super) inline: BTreeMap<String, Document>,
    /// Managed policies, for what those have no room for.
    pub(super) managed: BTreeMap<String, Managed>,
}

/// Places what a role may do beside the author's own policies, `inline`.
pub(super) fn place(
    stack: &str,
    role: &str,
    mut inline: BTreeMap<String, Document>,
    statements: Vec<Statement>,
) -> Placed {
    let length = |it: &Document| size::managed(&full_length(it)).used;
    let used: usize = inline.values().map(length).sum();
    let room = Room {
        first: size::INLINE.saturating_sub(used),
        further: size::MANAGED,
    };
    let spread = spread(&Document::of(statements), room, &length);
    let access = format!("{}{ACCESS}", inline_prefix(stack));
    inline.extend(spread.stays.map(|it| (access, it)));
    let managed = spread.goes.into_iter().map(|(number, document)| {
        let managed = Managed {
            document,
            attached: true,
        };
        (managed::name(stack, role, number), managed)
    });
    Placed {
        inline,
        managed: managed.collect(),
    }
}

/// Wants the roles that the author declared.
pub(super) fn compile(draft: &mut Draft<'_>) {
    let stack = draft.stack;
    let prefix = inline_prefix(&stack.name);
    for (name, role) in &stack.roles {
        let place = draft.place(&role.account);
        let who: BTreeSet<Who> = role
            .trusted_by
            .iter()
            .map(|it| Who::of(it, stack, &place))
            .collect();
        let own: BTreeMap<String, Document> = role
            .policies
            .iter()
            .map(|(policy, document)| (format!("{prefix}{policy}"), document.clone()))
            .collect();
        let placed = match draft.identity.get(name) {
            Some(identity) => {
                let statements = identity.statements(|it| draft.sid(it));
                self::place(&stack.name, &role.name, own, statements)
            }
            None => Placed {
                inline: own,
                managed: BTreeMap::new(),
            },
        };
        let resource = Role {
            arn: role.arn.clone(),
            path: role.path.clone(),
            trust: role
                .trust_policy
                .clone()
                .unwrap_or_else(|| trust_policy(&stack.name, &draft.passed_on, &place, &who, None)),
            inline: placed.inline,
            managed: placed.managed,
            attached: role.attach.iter().map(ToString::to_string).collect(),
            boundary: role
                .boundary
                .as_ref()
                .map(ToString::to_string)
                .or_else(|| draft.boundary(&place)),
            description: role.description.clone(),
            max_session: role.max_session,
            tags: role.tags.clone(),
        };
        let want = draft.want(role_address(name), place, Resource::Role(resource));
        want.owned = !role.existing;
        want.exclusive = role.exclusive;
    }
}
