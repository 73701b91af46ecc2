//! Roles: the author's own, with what `[[access]]` lets them do.

use std::collections::{BTreeMap, BTreeSet};

use super::trust::{Who, trust_policy};
use super::{Draft, role_address};
use crate::kinds::role::inline_prefix;
use crate::kinds::{Resource, Role};
use crate::policy::{Clause, Document, Statement};

/// The name of the inline policy that holds what `[[access]]` grants.
pub(super) const ACCESS: &str = "access";

/// What a role may do: actions, to resources.
#[derive(Clone, Debug, Default)]
pub(super) struct Identity {
    /// ARNs by action.
    allowed: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Identity {
    /// Adds resources that an action is allowed on.
    pub(super) fn allow(
        &mut self,
        action: &'static str,
        resources: impl IntoIterator<Item = String>,
    ) {
        self.allowed.entry(action).or_default().extend(resources);
    }

    /// The statements, one an action.
    pub(super) fn statements(&self, sid: impl Fn(&str) -> String) -> Vec<Statement> {
        self.allowed
            .iter()
            .map(|(action, resources)| {
                let verb = action.split(':').nth(1).unwrap_or_default();
                Statement::allow(sid(verb), Clause::of([*action])).on(resources.iter().cloned())
            })
            .collect()
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
        let mut inline: BTreeMap<String, Document> = role
            .policies
            .iter()
            .map(|(policy, document)| (format!("{prefix}{policy}"), document.clone()))
            .collect();
        if let Some(identity) = draft.identity.get(name) {
            let statements = identity.statements(|it| draft.sid(it));
            inline.insert(format!("{prefix}{ACCESS}"), Document::of(statements));
        }
        let resource = Role {
            arn: role.arn.clone(),
            path: role.path.clone(),
            trust: role
                .trust_policy
                .clone()
                .unwrap_or_else(|| trust_policy(&stack.name, &place, &who, None)),
            inline,
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
