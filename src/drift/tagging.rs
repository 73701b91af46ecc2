//! Chains of roles that break when sessions of the first may carry tags or a source identity.

use std::collections::BTreeSet;

use crate::kinds::survey::Live;
use crate::kinds::{Resource, Role};
use crate::lower::Desired;
use crate::policy::sessions::{TAG_SESSION, passed_on};

/// Returns the access roles that a role may no longer assume in every session, a sentence each, where sessions of it may carry
/// tags or a source identity by its trust policy in AWS and not by the stack's.
///
/// A principal that begins a session may make its tags transitive. They then go on to each role that is assumed next, as a
/// source identity always does, and that role must allow both.
///
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining> and
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html>.
pub(super) fn refused_in_chains(
    desired: &Desired,
    live: &Live,
    role: &str,
    wanted: &Role,
    found: &Role,
) -> Vec<String> {
    let wanted = passed_on(&wanted.trust);
    let mut sentences = Vec::new();
    for action in passed_on(&found.trust) {
        if wanted.contains(&action) {
            continue;
        }
        let own = desired.grants.iter().filter(|it| it.who == role);
        let next: BTreeSet<_> = own.filter_map(|it| it.role.as_ref()).collect();
        let allows = |address: &&_| {
            let have = live.have.get(*address).map(|it| &it.resource);
            matches!(have, Some(Resource::Role(it)) if passed_on(&it.trust).contains(&action))
        };
        let carrying = match action {
            TAG_SESSION => "transitive tags",
            _ => "a source identity",
        };
        sentences.extend(next.into_iter().filter(|it| !allows(it)).map(|it| {
            format!(
                "{role} may no longer assume {it} in sessions with {carrying}, which it now allows: {it} does not allow {action}"
            )
        }));
    }
    sentences
}
