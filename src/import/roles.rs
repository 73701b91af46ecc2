//! Roles: the author's own, and what IAM says of those that are taken over.

use super::Scene;
use super::text::{Section, key, of_json, quoted, texts};
use crate::kinds::Role;
use crate::kinds::role::{DEFAULT_SESSION, inline_prefix};
use crate::kinds::survey::census::Found;
use crate::model::change::seconds;
use crate::model::{Address, KindName};
use crate::policy::{Effect, Statement, own};

/// What a role that the engine makes is for, as its description says.
pub(super) enum Derived<'a> {
    /// Access to `apis.orders`.
    Access(&'a str),
    /// The integrations of an API.
    Integration,
}

/// What a role of the stack is for, when an access or an API made it.
pub(super) fn derived<'a>(role: &'a Role, stack: &str) -> Option<Derived<'a>> {
    let rest = role
        .description
        .strip_suffix(&format!(" of stack {stack}"))?;
    if let Some(target) = rest.strip_prefix("Access to ") {
        return Some(Derived::Access(target));
    }
    rest.strip_prefix("Integrations of api ")
        .map(|_| Derived::Integration)
}

/// The inline policy that holds what accesses grant.
pub(super) const ACCESS: &str = "access";

impl<'a> Scene<'a> {
    /// A role's tables; with its address, when it has to be taken over.
    pub(super) fn role(
        &mut self,
        found: &'a Found,
        role: &'a Role,
    ) -> (Option<Address>, Vec<Section>) {
        let ours = self.is_ours(found);
        if self.is_made(role.arn.as_str()) {
            return (None, Vec::new());
        }
        let name = self
            .name_of(role.arn.as_str())
            .unwrap_or_default()
            .to_owned();
        let address = Address::new(KindName::Role, &name);
        let mut section = Section::new(format!("[roles.{}]", key(&name)));
        if self.unfit.plain.contains(role.arn.as_str()) {
            section.comments.push(
                "What accesses gave this role is written out: a stack has no other words for part of it."
                    .to_owned(),
            );
        }
        if self.is_lent(found, &address) {
            section.text("existing", role.arn.as_str());
            let mut sections = vec![section];
            sections.extend(self.policies(&address, role));
            return (None, sections);
        }
        section.text("account", &found.place.account);
        if role.name() != name {
            section.text("name", role.name());
        }
        if role.path != format!("/provision/{}/", self.stack) {
            section.text("path", &role.path);
        }
        section.some_text("description", &role.description);
        if let Some(who) = self.trusted_by(role).filter(|_| ours) {
            section.one_or_many("trusted_by", &who);
        } else if let Some(trust) = of_json(&role.trust.to_value()) {
            section.raw("trust_policy", trust);
        }
        let mark = self.mark(found);
        let own = |it: &&String| mark.is_none_or(|mark| mark.owns(it));
        let attached = role.attached.iter().filter(own).map(String::as_str);
        section.one_or_many("attach", &texts(attached));
        let of_account = self.boundary_of(&found.place);
        let boundary = role.boundary.as_ref().filter(own);
        if let Some(boundary) = boundary.filter(|it| Some(*it) != of_account) {
            section.text("boundary", boundary);
        }
        if role.max_session != DEFAULT_SESSION {
            section.text("max_session", &seconds(role.max_session));
        }
        if let Some(tags) = self.own_tags(found) {
            section.raw("tags", tags);
        }
        let mut sections = vec![section];
        sections.extend(self.policies(&address, role));
        let prefix = inline_prefix(self.stack);
        for policy in role.inline.keys().filter(|it| !it.starts_with(&prefix)) {
            sections[0].comments.push(format!(
                "Its inline policy `{policy}` is not this stack's, and kept as it is."
            ));
        }
        ((!ours).then_some(address), sections)
    }

    /// Returns who may assume a role; `None` where `trusted_by` would not make the same trust policy.
    fn trusted_by(&self, role: &Role) -> Option<Vec<String>> {
        let (own, foreign) = own::split(&role.trust, self.stack);
        if !foreign.is_empty() || self.unfit.trusts.contains(role.arn.as_str()) {
            return None;
        }
        let allows = |it: &Statement| it.effect == Effect::Allow;
        let who = own.iter().map(|it| self.who(it).filter(|_| allows(it)));
        let who: Option<Vec<_>> = who.collect();
        let who = who?.into_iter().flatten();
        Some(who.map(|it| self.principal(&it)).collect())
    }

    /// The author's own inline policies.
    fn policies(&self, address: &Address, role: &Role) -> Vec<Section> {
        let prefix = inline_prefix(self.stack);
        let mut sections = Vec::new();
        for (policy, document) in &role.inline {
            let Some(policy) = policy.strip_prefix(&prefix) else {
                continue;
            };
            if policy == ACCESS && !self.unfit.plain.contains(role.arn.as_str()) {
                continue;
            }
            let mut section = Section::new(format!(
                "[roles.{}.policies.{}]",
                key(&address.name),
                key(policy)
            ));
            let value = document.to_value();
            for (field, value) in value.as_object().into_iter().flatten() {
                section.raw(field, of_json(value).unwrap_or_else(|| quoted("")));
            }
            sections.push(section);
        }
        sections
    }
}
