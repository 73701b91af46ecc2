//! Steps that take resources away.

use std::collections::BTreeSet;

use super::{Action, Step, goes_with_its_api, holds_ours, is_our_subscription};
use crate::kinds::subscription::Keeper;
use crate::kinds::survey::{Live, Orphan};
use crate::kinds::{Resource, Want};
use crate::lower::Desired;
use crate::model::Address;

/// What takes away a resource of ours, or our part of one that is not; `None` when nothing is there.
pub(super) fn unmaking(
    address: &Address,
    want: &Want,
    desired: &Desired,
    live: &Live,
) -> Option<Step> {
    let have = live.have.get(address)?;
    let ours = have
        .mark
        .as_ref()
        .is_some_and(|it| it.stack == desired.stack)
        || (!want.owned && holds_ours(have))
        || is_our_subscription(want, desired, live);
    if !ours || goes_with_its_api(address, want, desired) {
        return None;
    }
    // Only its owner or the topic's can end it.
    let out_of_reach = |it: &Keeper| it.ended_in.is_none();
    Some(Step {
        address: address.clone(),
        place: want.place.clone(),
        action: if have.keeper.as_ref().is_some_and(out_of_reach) {
            Action::Keep
        } else if want.owned {
            Action::Delete
        } else {
            Action::Update
        },
        changes: Vec::new(),
        want: None,
        have: Some(have.clone()),
        because: (!want.owned).then(|| "only our statements on it are removed".to_owned()),
        drifted: false,
        publishes: Vec::new(),
        bridge: None,
    })
}

pub(super) fn removal(orphan: &Orphan, kept: &BTreeSet<String>) -> Step {
    let have = &orphan.have;
    let role = matches!(have.resource, Resource::Role(_));
    // Without a mark it was found by the policies that the stack made for it.
    let (action, because) = match (role && have.mark.is_none(), have.created) {
        (true, Some(_)) => (
            Action::Update,
            "it left the stack: only our policies on it are removed",
        ),
        (true, None) => (
            Action::Delete,
            "the role is gone: the policies made for it are left",
        ),
        (false, _) if kept.contains(&orphan.address.to_string()) => {
            (Action::Delete, "its place in the stack is taken by another")
        }
        (false, _) => (Action::Delete, "it left the stack"),
    };
    Step {
        address: orphan.address.clone(),
        place: orphan.place.clone(),
        action,
        changes: Vec::new(),
        want: None,
        have: Some(orphan.have.clone()),
        because: Some(because.to_owned()),
        drifted: false,
        publishes: Vec::new(),
        bridge: None,
    }
}
