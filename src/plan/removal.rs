//! Steps that take resources away.

use std::collections::BTreeSet;

use super::{Action, Plan, Step, goes_with_its_api, is_our_subscription, release};
use crate::kinds::subscription::Keeper;
use crate::kinds::survey::{Live, Orphan};
use crate::kinds::{Have, Resource, Want};
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
    // Whoever takes our statements out of another's API deploys it without them, once.
    if let Resource::Stage(stage) = &want.resource
        && stage.existing
        && live.have.get(&stage.api).is_some_and(holds_ours)
    {
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

pub(super) fn holds_ours(have: &Have) -> bool {
    match &have.resource {
        Resource::Role(it) => !it.inline.is_empty() || !it.managed.is_empty(),
        Resource::Stage(it) => it.existing && !it.surface.is_empty(),
        Resource::RestApi(it) => it.has_part(),
        other => other.policy().is_some_and(|it| !it.statements.is_empty()),
    }
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
        // A subscription has no mark, and goes whole.
        (false, _) if have.mark.is_none() && have.resource.policy().is_some() => (
            Action::Update,
            "it left the stack: only our statements on it are removed",
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

impl Plan {
    /// Whether another resource than this step's bears the mark of the same address: a copied tag is enough.
    #[must_use]
    pub fn has_twin(&self, step: &Step) -> bool {
        let mut others = self.steps.iter().filter(|it| it.address == step.address);
        others.any(|it| it.key() != step.key())
    }

    /// The resources that are removed beside another one of the same address: all but the one that the stack
    /// means, or else was made first.
    #[must_use]
    pub fn duplicates(&self, live: &Live) -> Vec<&Step> {
        let age = |it: &Step| {
            let have = it.have.as_ref();
            let created = have.and_then(|it| it.created).unwrap_or(i64::MAX);
            let meant = live.have.get(&it.address).map(|it| &it.id);
            let is_meant = it.want.is_some() || meant == have.map(|it| &it.id);
            (!is_meant, created, it.key())
        };
        let is_first = |step: &Step| {
            let mut others = self.steps.iter().filter(|it| it.address == step.address);
            others.all(|it| age(step) <= age(it))
        };
        let removed = self.to_do().filter(|it| it.want.is_none());
        removed.filter(|it| !is_first(it)).collect()
    }

    /// The same with the duplicates kept: the mark comes off them, so that no later run takes them for the stack's own.
    #[must_use]
    pub fn keeping_duplicates(mut self, desired: &Desired, live: &Live) -> Self {
        let kept: Vec<Step> = self.duplicates(live).into_iter().cloned().collect();
        let keys: BTreeSet<_> = kept.iter().map(Step::key).collect();
        self.steps.retain(|it| !keys.contains(&it.key()));
        self.steps
            .extend(kept.iter().filter_map(|it| release::unmarking(it, desired)));
        self
    }
}

impl Step {
    /// Returns what else goes with the resource that is deleted, and the data that goes with one that is deleted or
    /// replaced, in words.
    #[must_use]
    pub fn goes_with_it(&self) -> Vec<String> {
        let Some(have) = &self.have else {
            return Vec::new();
        };
        let extras = have.extras.iter().filter(|_| self.action == Action::Delete);
        let mut all: Vec<String> = extras.map(ToString::to_string).collect();
        let is_new = |it: &&String| !all.iter().any(|extra| extra.contains(*it));
        let loses = matches!(self.action, Action::Delete | Action::Replace);
        let data = have
            .holds
            .as_ref()
            .filter(|_| loses)
            .filter(is_new)
            .cloned();
        all.extend(data);
        all
    }

    /// Whether it removes an API that has nothing in it and so never served anything: what a run leaves
    /// that was stopped just after it had made a second one.
    #[must_use]
    pub fn removes_an_empty_api(&self) -> bool {
        let have = self.have.as_ref().filter(|_| self.want.is_none());
        have.is_some_and(|it| {
            matches!(&it.resource, Resource::RestApi(api)
                if it.mark.is_some() && api.methods.is_empty() && api.policy.statements.is_empty() && it.foreign.is_empty())
        })
    }
}
