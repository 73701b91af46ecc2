//! Does a plan let anyone do more? Decided by inclusion, of whole documents: what each will
//! allow against what it allows now.
//!
//! What is decided is what documents say, each by itself; whether the other side agrees is no
//! part of it. A fresh resource that nobody is let in to broadens nothing: its owner's
//! account decides by its own policies, as it does of everything there.

use std::collections::BTreeSet;

use crate::kinds::Resource;
use crate::model::Address;
use crate::policy::widen::Change;
use crate::policy::{Document, Request, compare};

use super::documents::{self, Pair, TRUST};
use super::{Action, Step};

/// Whether a plan lets anyone do more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Broadened {
    /// Nobody may do more.
    #[default]
    No,
    /// It cannot be told: a document that nobody reads is involved.
    Unknown,
    /// Somebody may do more.
    Yes,
}

impl Broadened {
    /// As a plan prints it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Unknown => "unknown",
            Self::Yes => "yes",
        }
    }
}

/// A document, or something like it, that lets more through than before, or may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Widening {
    /// The resource.
    pub address: Address,
    /// Which of its documents: `policy`, `trust policy`.
    pub document: &'static str,
    /// Whether it does, or may.
    pub verdict: Broadened,
    /// Requests that it lets through and did not.
    pub gains: Vec<Request>,
    /// In words, where no request says it.
    pub why: Vec<String>,
}

/// Every document that lets more through than before, or may.
pub(super) fn widenings(steps: &[Step]) -> Vec<Widening> {
    let mut found = Vec::new();
    for step in steps.iter().filter(|it| it.action != Action::Keep) {
        for pair in documents::pairs(step) {
            found.extend(widening(step, &pair));
        }
        found.extend(unread(step));
        found.extend(opened(step));
    }
    found
}

/// The verdict of all of them.
#[must_use]
pub fn verdict(widenings: &[Widening]) -> Broadened {
    let all = widenings.iter().map(|it| it.verdict);
    all.max().unwrap_or_default()
}

fn widening(step: &Step, pair: &Pair) -> Option<Widening> {
    let after = pair.after.as_ref()?;
    let told = |verdict, gains, why| {
        Some(Widening {
            address: pair.address.clone(),
            document: pair.document,
            verdict,
            gains,
            why,
        })
    };
    let nothing = Document::of(Vec::new());
    let before = match (&pair.before, pair.document) {
        (Some(before), documents::POLICY) if before.statements.is_empty() => {
            documents::delegation(&step.place)
        }
        (Some(before), _) => before.clone(),
        // Who may work under a role that is allowed nothing gains nothing.
        (None, TRUST) => return None,
        (None, documents::POLICY) => documents::delegation(&step.place),
        (None, _) => nothing,
    };
    let found = compare(&before, after);
    match found.verdict {
        Change::Widened | Change::Both => told(Broadened::Yes, found.gains, Vec::new()),
        Change::Unproven => told(Broadened::Unknown, found.gains, found.because),
        Change::Equal | Change::Cosmetic | Change::Narrowed => None,
    }
}

/// Managed policies and boundaries, whose documents nobody reads.
fn unread(step: &Step) -> Option<Widening> {
    let want = step.want.as_ref().filter(|it| it.owned)?;
    let Resource::Role(role) = &want.resource else {
        return None;
    };
    let live = step.have.as_ref().and_then(|it| match &it.resource {
        Resource::Role(role) => Some(role),
        _ => None,
    });
    let none = BTreeSet::new();
    let attached = live.map_or(&none, |it| &it.attached);
    let mut why: Vec<String> = role
        .attached
        .difference(attached)
        .map(|it| format!("the managed policy {it} is attached, and not read"))
        .collect();
    if let Some(boundary) = live.and_then(|it| it.boundary.as_ref())
        && role.boundary.as_ref() != Some(boundary)
    {
        why.push(format!("its permissions boundary is no longer {boundary}"));
    }
    (!why.is_empty()).then(|| Widening {
        address: step.address.clone(),
        document: "managed policies",
        verdict: Broadened::Unknown,
        gains: Vec::new(),
        why,
    })
}

/// Methods that ask nothing of their callers, and asked something before or were not there.
fn opened(step: &Step) -> Option<Widening> {
    let want = step.want.as_ref()?;
    let Resource::RestApi(api) = &want.resource else {
        return None;
    };
    let live = step.have.as_ref().and_then(|it| match &it.resource {
        Resource::RestApi(api) => Some(api),
        _ => None,
    });
    let open = |it: &str| it == "NONE" || it.is_empty();
    let why: Vec<String> = api
        .methods
        .iter()
        .filter(|(_, it)| open(&it.authorization))
        .filter(|(key, _)| {
            let before = live.and_then(|it| it.methods.get(*key));
            before.is_none_or(|it| !open(&it.authorization))
        })
        .map(|(key, _)| format!("anyone may call {key}, unsigned"))
        .collect();
    (!why.is_empty()).then(|| Widening {
        address: step.address.clone(),
        document: "methods",
        verdict: Broadened::Yes,
        gains: Vec::new(),
        why,
    })
}
