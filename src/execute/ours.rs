//! What of a resource is this stack's, at the moment a step is carried out.

use crate::cloud::{CallError, Fault};
use crate::kinds::{Have, Part, Want};
use crate::model::KindName;
use crate::plan::{Plan, Step};
use crate::policy::Document;

/// What is wanted of a resource that is not ours, once our statements are to go.
pub(super) fn guest(step: &Step, have: &Have, plan: &Plan) -> Want {
    let mut resource = have.resource.clone();
    if let Some(policy) = resource.policy_mut() {
        *policy = Document::of(Vec::new());
    }
    Want::of_another(&plan.stack, &step.place, resource)
}

/// What a part of a step wants of a document that others write, too.
pub(super) fn wanted(plan: &Plan, step: &Step, part: Option<Part>, have: &Have) -> Want {
    let bridge = step.bridge.as_deref();
    let bridge = bridge.filter(|_| part == Some(Part::Opened));
    let want = bridge.or(step.want.as_ref()).cloned();
    want.unwrap_or_else(|| guest(step, have, plan))
}

/// A resource that turned up under our hands must be this stack's.
pub(super) fn check(plan: &Plan, step: &Step, found: &Have) -> Result<(), CallError> {
    let owned = step.want.as_ref().is_some_and(|it| it.owned);
    let marked = found
        .mark
        .as_ref()
        .is_some_and(|it| it.stack == plan.stack && it.address == step.address);
    // A subscription has no tags, and a stage none before the call after the one that makes it.
    let bare = matches!(step.address.kind, KindName::Subscription | KindName::Stage);
    if !owned || marked || step.have.is_some() || bare {
        return Ok(());
    }
    Err(CallError::new(
        Fault::Denied,
        "NotOurs",
        format!(
            "`{}` is there already and carries no mark of this stack; take it over with `--adopt {}`, \
             or declare it `existing`",
            found.id, step.address
        ),
    ))
}
