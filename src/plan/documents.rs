//! The documents of a step, whole: as they are, and as they will be.
//!
//! Whole means with the statements of others, whom a change may let in or shut out as well.

use crate::kinds::release::let_go_inline;
use crate::kinds::role::inline_prefix;
use crate::kinds::statements::details;
use crate::kinds::{Have, Resource, Role, Want, pending_in, with_ids};
use crate::model::{Address, Detail, KindName, Place};
use crate::policy::{ApiName, Clause, Document, PrincipalClause, Statement, spread};

use super::{Action, Step};

/// A document that bears on access, before and after a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// The resource.
    pub(super) address: Address,
    /// Which of its documents.
    pub(super) document: &'static str,
    /// As it is; `None` where there is no resource.
    pub(super) before: Option<Document>,
    /// As it will be; `None` where there will be no resource.
    pub(super) after: Option<Document>,
}

/// A statement that comes, goes or changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementChange {
    /// The resource.
    pub address: Address,
    /// Which of its documents.
    pub document: &'static str,
    /// `+`, `-` or `~`, and the statement in a line.
    pub detail: Detail,
}

/// What differs between the documents of all steps, statement by statement. What goes with its resource,
/// and that a resource's own account decides by itself, goes without saying.
pub(super) fn statements(steps: &[Step]) -> Vec<StatementChange> {
    let moving = steps
        .iter()
        .filter(|it| !matches!(it.action, Action::Keep | Action::Delete));
    moving
        .flat_map(|step| pairs(step).into_iter().map(move |pair| (step, pair)))
        .flat_map(|(step, pair)| {
            let none = Document::of(Vec::new());
            let before = pair.before.as_ref().unwrap_or(&none);
            let mut after = pair.after.clone().unwrap_or(none.clone());
            if pair.before.is_none() {
                let own = root_of(&step.place);
                after.statements.retain(|it| {
                    let named = it.principal.as_ref().map(PrincipalClause::aws_values);
                    named != Some(std::slice::from_ref(&own))
                });
            }
            let (address, document) = (pair.address.clone(), pair.document);
            details(&before.statements, &after.statements)
                .into_iter()
                .map(move |detail| StatementChange {
                    address: address.clone(),
                    document,
                    detail,
                })
        })
        .collect()
}

/// The name of a role's trust policy.
pub(super) const TRUST: &str = "trust policy";
/// The name of all of a role's own policies together.
pub(super) const INLINE: &str = "inline policies";
/// The name of a resource's policy.
pub(super) const POLICY: &str = "policy";

/// The documents of a step that does something.
pub(super) fn pairs(step: &Step) -> Vec<Pair> {
    let before = step.have.as_ref().map(|it| live(it, step));
    let after = match (&step.want, step.action) {
        (Some(want), _) => Some(wanted(step, want)),
        // Of another's resource, all but ours stays.
        (None, Action::Update) => step.have.as_ref().map(|it| without_ours(it, step)),
        (None, _) => None,
    };
    let names: &[&'static str] = match step.address.kind {
        KindName::Role => &[TRUST, INLINE],
        KindName::Key | KindName::Topic | KindName::Queue | KindName::RestApi => &[POLICY],
        KindName::Subscription | KindName::Stage => &[],
    };
    let of = |all: &Option<Vec<Document>>, at: usize| all.as_ref()?.get(at).cloned();
    names
        .iter()
        .enumerate()
        .map(|(at, document)| Pair {
            address: step.address.clone(),
            document,
            before: of(&before, at),
            after: of(&after, at),
        })
        .collect()
}

/// All of a role's policies as one, so that what moves from one to another is no change.
fn joined<'a>(documents: impl IntoIterator<Item = &'a Document>) -> Document {
    spread::gathered(documents.into_iter().map(|it| {
        // An API that AWS has given no id yet stands under its address.
        let ids = pending_in(it).into_iter().map(|it| {
            let name = it.to_string();
            (it, name)
        });
        with_ids(it, &ids.collect())
    }))
}

fn live(have: &Have, step: &Step) -> Vec<Document> {
    match &have.resource {
        Resource::Role(role) => vec![role.trust.clone(), joined(role.identity())],
        _ => vec![spelled(
            have.document.as_ref().unwrap_or(&Document::of(Vec::new())),
            step,
        )],
    }
}

fn wanted(step: &Step, want: &Want) -> Vec<Document> {
    let policy = |ours: &Document| {
        let whole = step
            .have
            .as_ref()
            .map_or_else(|| ours.clone(), |it| it.policy_for(want, ours));
        vec![spelled(&whole, step)]
    };
    match &want.resource {
        Resource::Role(role) => role_after(role, want, step.have.as_ref()),
        other => other.policy().map(policy).unwrap_or_default(),
    }
}

fn role_after(role: &Role, want: &Want, have: Option<&Have>) -> Vec<Document> {
    let live = have.and_then(|it| match &it.resource {
        Resource::Role(live) => Some(live),
        _ => None,
    });
    let prefix = inline_prefix(&want.stack);
    let stays = live
        .into_iter()
        .flat_map(|it| &it.inline)
        .filter(|(name, it)| !want.drops_inline(name, it) && !name.starts_with(&prefix))
        .map(|(_, document)| document);
    let trust = match live {
        Some(live) if !want.owned => &live.trust,
        _ => &role.trust,
    };
    let gone = live
        .filter(|_| want.letting_go)
        .map(|live| let_go_inline(&want.stack, &live.inline, &role.inline))
        .unwrap_or_default();
    let all = role.identity().chain(stays).chain(gone.values());
    vec![trust.clone(), joined(all)]
}

fn without_ours(have: &Have, step: &Step) -> Vec<Document> {
    match &have.resource {
        // Ours are all that was read of another's role.
        Resource::Role(role) => vec![role.trust.clone(), Document::of(Vec::new())],
        _ => vec![spelled(&Document::of(have.foreign.clone()), step)],
    }
}

/// An API's policy with its resources written out.
pub(super) fn spelled(document: &Document, step: &Step) -> Document {
    if step.address.kind != KindName::RestApi {
        return document.clone();
    }
    let id = step
        .have
        .as_ref()
        .map_or_else(|| step.address.to_string(), |it| it.id.clone());
    name_of(&step.place, &id).expand(document)
}

fn name_of<'a>(place: &'a Place, api: &'a str) -> ApiName<'a> {
    ApiName {
        partition: place.partition().as_str(),
        region: place.region.as_str(),
        account: place.id.as_str(),
        api,
    }
}

/// That the owner's account decides by its own policies: what a resource allows that nobody was let in to.
pub(super) fn delegation(place: &Place) -> Document {
    let mut statement = Statement::allow("", Clause::of(["*"]))
        .to(PrincipalClause::aws([root_of(place)]))
        .on(["*"]);
    statement.sid = None;
    Document::of(vec![statement])
}

fn root_of(place: &Place) -> String {
    format!("arn:{}:iam::{}:root", place.partition(), place.id)
}
