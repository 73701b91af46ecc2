//! Chains of roles that break when sessions of the first may carry tags.

use std::collections::BTreeSet;

use crate::kinds::survey::Live;
use crate::kinds::{Resource, Role};
use crate::lower::Desired;
use crate::policy::sessions::{TAG_SESSION, lets_tag};

/// Returns the access roles that a role may no longer assume in every session, a sentence each, where sessions of it may carry
/// tags by its trust policy in AWS and not by the stack's.
///
/// Who begins a session may make its tags transitive. They then go on to each role that is assumed next, which must allow
/// [`TAG_SESSION`].
///
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining>.
pub(super) fn refused_with_tags(
    desired: &Desired,
    live: &Live,
    role: &str,
    wanted: &Role,
    found: &Role,
) -> Vec<String> {
    if lets_tag(&wanted.trust) || !lets_tag(&found.trust) {
        return Vec::new();
    }
    let own = desired.grants.iter().filter(|it| it.who == role);
    let mut next: BTreeSet<_> = own.filter_map(|it| it.role.as_ref()).collect();
    next.retain(|address| {
        let have = live.have.get(address).map(|it| &it.resource);
        !matches!(have, Some(Resource::Role(it)) if lets_tag(&it.trust))
    });
    let says = |it| {
        format!(
            "{role} may no longer assume {it} in sessions with transitive tags, which it now allows: {it} does not allow \
             {TAG_SESSION}"
        )
    };
    next.into_iter().map(says).collect()
}
