//! Roles that may do everything in their account: what a plan says before all else.

use super::{Action, Step};
use crate::kinds::role::inline_prefix;
use crate::kinds::{Have, Resource, Role, Stranger, Want};
use crate::model::{Address, Place};
use crate::policy::Document;

/// A role that may do everything in its account once a plan is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Administrator {
    /// The role.
    pub address: Address,
    /// Its account.
    pub place: Place,
    /// What lets it, in words.
    pub by: String,
    /// Whether the plan makes it one; else somebody else's policy does, which stays.
    pub new: bool,
}

/// Whether a managed policy of AWS lets a role do everything, or give itself the rest.
#[must_use]
pub fn is_administrator(arn: &str) -> bool {
    ["AdministratorAccess", "IAMFullAccess"]
        .iter()
        .any(|it| arn.ends_with(&format!(":iam::aws:policy/{it}")))
}

/// The roles that a plan makes administrators, and those that others made so.
#[must_use]
pub fn administrators(steps: &[Step]) -> Vec<Administrator> {
    let mut found = Vec::new();
    for step in steps.iter().filter(|it| it.action != Action::Delete) {
        let Some(want) = &step.want else { continue };
        let Resource::Role(role) = &want.resource else {
            continue;
        };
        let own = by_own(role).filter(|_| !was_by_own(want, step.have.as_ref()));
        let theirs = || by_others(want, step.have.as_ref()?);
        let (by, new) = match own {
            Some(by) => (by, true),
            None => match theirs() {
                Some(by) => (by, false),
                None => continue,
            },
        };
        found.push(Administrator {
            address: step.address.clone(),
            place: step.place.clone(),
            by,
            new,
        });
    }
    found
}

fn by_own(role: &Role) -> Option<String> {
    let inline = role.inline.iter().find(|(_, it)| it.makes_administrator());
    let attached = role.attached.iter().find(|it| is_administrator(it));
    inline
        .map(|(name, _)| format!("its inline policy `{name}`"))
        .or_else(|| attached.map(|it| format!("managed policy {it}")))
}

fn was_by_own(want: &Want, have: Option<&Have>) -> bool {
    let Some(Resource::Role(live)) = have.map(|it| &it.resource) else {
        return false;
    };
    let prefix = inline_prefix(&want.stack);
    let mut own = live
        .inline
        .iter()
        .filter(|(name, _)| name.starts_with(&prefix));
    let declared = |it: &&String| matches!(&want.resource, Resource::Role(role) if role.attached.contains(*it));
    own.any(|(_, it): (_, &Document)| it.makes_administrator())
        || live
            .attached
            .iter()
            .filter(declared)
            .any(|it| is_administrator(it))
}

fn by_others(want: &Want, have: &Have) -> Option<String> {
    let Resource::Role(live) = &have.resource else {
        return None;
    };
    let staying = have.staying(want).into_iter();
    let mut staying = staying.filter(|it| !want.knows(it));
    let extra = staying.find(|it| match &it.what {
        Stranger::Inline(name) => live
            .inline
            .get(name)
            .is_some_and(Document::makes_administrator),
        Stranger::Managed(arn) => is_administrator(arn),
        _ => false,
    })?;
    Some(match &extra.what {
        Stranger::Inline(name) => format!("inline policy `{name}`, which is not this stack's"),
        _ => format!("{extra}, which is not this stack's"),
    })
}
