//! What a plan takes away where no sentence on access says it: a trusted service, a statement of a role's own, a
//! request without TLS, messages that a filter leaves out.

use std::collections::BTreeSet;

use super::keys::rekeyed;
use super::{Action, Plan, Step, documents};
use crate::kinds::key::USES;
use crate::kinds::{Have, Resource};
use crate::model::{Address, KindName};
use crate::policy::losses::cut_off;
use crate::policy::narrowing::lost_messages;
use crate::policy::widen::Change;
use crate::policy::{Document, Request, Statement, compare_beside_others, only_refuses_more, own};

/// Something that lets less through than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Narrowing {
    /// The resource.
    pub address: Address,
    /// Which of its documents: `policy`, `trust policy`, `filter`.
    pub document: &'static str,
    /// Requests that it let through and does not any more.
    pub loses: Vec<Request>,
    /// In words, where no request says it.
    pub why: Vec<String>,
}

/// Returns what a plan narrows and does not say among the changes of access.
#[must_use]
pub fn narrowings(plan: &Plan) -> Vec<Narrowing> {
    let told: BTreeSet<&str> = plan
        .access
        .iter()
        .flat_map(|it| [it.edge.who.as_str(), it.edge.target.as_str()])
        .collect();
    let stays = |it: &&Step| matches!(it.action, Action::Update) && it.want.is_some();
    let silent = |it: &&Step| !told.contains(it.address.to_string().as_str());
    let steps = plan.to_do().filter(stays).filter(silent);
    let rekeyed = plan.to_do().any(|it| rekeyed(it).is_some());
    steps.flat_map(|it| of_step(it, rekeyed)).collect()
}

/// Returns a document as it is without the statements of which [`super::cuts`] says what their end takes away: by itself a
/// key lets nobody do anything, and who is left outside an API's VPC endpoints is told by these.
fn told_elsewhere(step: &Step, document: &Document, rekeyed: bool) -> Document {
    let stack = step.want.as_ref().map_or("", |it| &it.stack);
    let is_ours = |it: &Statement, purpose: &str| {
        let sid = it.sid.as_deref().unwrap_or_default();
        sid.starts_with(&own::sid(stack, purpose))
    };
    let of_keys = |it: &Statement| {
        let mut actions = it.action.values.iter();
        actions.all(|it| it.starts_with("kms:")) && is_ours(it, "")
    };
    let mut document = document.clone();
    document.statements.retain(|it| match step.address.kind {
        KindName::Key => !is_ours(it, USES),
        KindName::Role => !(rekeyed && of_keys(it)),
        KindName::RestApi => !is_ours(it, "only through endpoints"),
        _ => true,
    });
    document
}

fn of_step(step: &Step, rekeyed: bool) -> Vec<Narrowing> {
    let mut found: Vec<Narrowing> = documents::pairs(step)
        .iter()
        .filter_map(|it| of_pair(step, it, rekeyed))
        .collect();
    let both = (step.want.as_ref(), step.have.as_ref());
    if let (Some(want), Some(Have { resource, .. })) = both
        && let (Resource::Subscription(want), Resource::Subscription(live)) =
            (&want.resource, resource)
    {
        let why = lost_messages(live.messages(), want.messages()).messages;
        if !why.is_empty() {
            found.push(Narrowing {
                address: step.address.clone(),
                document: "filter",
                loses: Vec::new(),
                why,
            });
        }
    }
    found
}

fn of_pair(step: &Step, pair: &documents::Pair, rekeyed: bool) -> Option<Narrowing> {
    let before = &told_elsewhere(step, pair.before.as_ref()?, rekeyed);
    let after = pair.after.as_ref()?;
    let after = match step.address.kind {
        KindName::RestApi => &told_elsewhere(step, after, rekeyed),
        _ => after,
    };
    let compared = compare_beside_others(step.place.id.as_str(), before, after);
    let narrows = match compared.verdict {
        Change::Narrowed | Change::Both => true,
        Change::Unproven => only_refuses_more(before, after),
        Change::Widened | Change::Equal | Change::Cosmetic => false,
    };
    if !narrows {
        return None;
    }
    let is_identity = pair.document == documents::INLINE;
    let owner = Some(step.place.id.as_str()).filter(|_| !is_identity);
    let parts = cut_off(before, after, owner);
    let (mut loses, mut why) = (Vec::new(), Vec::new());
    if is_identity {
        // What a role may do is said as its own statement says it: it names no principal.
        let said = |it: &Statement| {
            let resource = it.resource.as_ref();
            let resource = resource.map_or_else(String::new, |it| it.values.join(", "));
            format!("{} on {resource}", it.action.values.join(", "))
        };
        why.extend(parts.iter().map(|(it, _)| said(it)));
    } else {
        loses = compared.loses;
        loses.extend(parts.into_iter().map(|(_, it)| it));
    }
    let have = step.have.as_ref().map(|it| &it.resource);
    if let Some(Resource::Role(role)) = have {
        // A trust policy names no resource: it is about its own role.
        for it in &mut loses {
            it.resource = role.arn.to_string();
        }
    }
    let mut seen = BTreeSet::new();
    loses.retain(|it| {
        let key = (
            it.principal.to_string(),
            it.action.clone(),
            it.resource.clone(),
        );
        seen.insert(key)
    });
    if loses.is_empty() && why.is_empty() {
        why.push("what its new Deny statements refuse".to_owned());
    }
    Some(Narrowing {
        address: pair.address.clone(),
        document: pair.document,
        loses,
        why,
    })
}
