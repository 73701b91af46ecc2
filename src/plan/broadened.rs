//! Does a plan let anyone do more? Decided by inclusion, of whole documents: what each will
//! allow against what it allows now.
//!
//! What is decided is what documents say, each by itself, at every level of the caller's own
//! policies; whether the other side agrees is no part of it. A fresh resource that nobody is let in to broadens nothing: its owner's
//! account decides by its own policies, as it does of everything there.

use crate::kinds::survey::ManagedPolicies;
use crate::kinds::{Resource, Role};
use crate::model::{Address, KindName};
use crate::policy::narrowing::lost_messages;
use crate::policy::widen::Change;
use crate::policy::{
    Clause, Document, PrincipalClause, Request, Statement, Who, compare_beside_others,
    only_refuses_more,
};

use super::documents::{self, Pair, TRUST};
use super::edges::{ASSUME_ROLE, open_routes};
use super::{Action, Plan, Step};

/// What a plan calls managed policies that are not the stack's own.
const MANAGED: &str = "managed policies";

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
pub(super) fn widenings(steps: &[Step], read: &ManagedPolicies) -> Vec<Widening> {
    let mut found = Vec::new();
    for step in steps.iter().filter(|it| it.action != Action::Keep) {
        for pair in documents::pairs(step) {
            found.extend(widening(step, &pair));
        }
        found.extend(borrowed(step, read));
        found.extend(unfiltered(step));
        found.extend(opened(step));
    }
    found
}

impl Plan {
    /// Returns what lets more through, where no change of access says it: a `Deny` that goes, a filter that lets more
    /// messages through.
    pub fn gained_beside(&self) -> impl Iterator<Item = &Widening> {
        let certain = self.widenings.iter();
        let certain = certain.filter(|it| it.verdict == Broadened::Yes);
        certain.filter(|it| !self.is_gain_told(&it.address))
    }

    /// Whether a change of access says what a resource lets through from now on.
    fn is_gain_told(&self, address: &Address) -> bool {
        let named = address.to_string();
        let mut told = self.access.iter().filter(|it| !it.turn.loses());
        told.any(|it| match address.kind {
            // What a key encrypts is where access comes and goes.
            KindName::Key => true,
            KindName::Role if it.edge.via == ASSUME_ROLE => true,
            _ => it.edge.who == named || it.edge.target == named,
        })
    }
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
        (Some(before), documents::POLICY) if before.statements.is_empty() => unruled(step, pair),
        (Some(before), _) => before.clone(),
        // Who may work under a role that is allowed nothing gains nothing.
        (None, TRUST) => return None,
        (None, documents::POLICY) => documents::delegation(&step.place),
        (None, _) => nothing,
    };
    let mut found = compare_beside_others(step.place.id.as_str(), &before, after);
    if pair.document == documents::INLINE {
        found.gains = asked_by(step, found.gains);
    }
    match found.verdict {
        Change::Widened | Change::Both => told(Broadened::Yes, found.gains, Vec::new()),
        Change::Unproven if only_refuses_more(&before, after) => None,
        Change::Unproven => told(Broadened::Unknown, found.gains, found.because),
        Change::Equal | Change::Cosmetic | Change::Narrowed => None,
    }
}

/// What a resource without a policy allows: what its account's own policies say, and of an API the routes that have no
/// authorizer to anyone.
fn unruled(step: &Step, pair: &Pair) -> Document {
    let mut document = documents::delegation(&step.place);
    let routes = open_routes(step, std::slice::from_ref(pair), false);
    let resources: Vec<String> = routes
        .iter()
        .filter_map(|it| it.split_once(' '))
        .map(|(verb, path)| format!("execute-api:/*/{verb}{path}"))
        .collect();
    if !resources.is_empty() {
        let open = Statement::allow("", Clause::of(["execute-api:Invoke"]))
            .to(PrincipalClause::anyone())
            .on(resources);
        document.statements.push(open);
    }
    documents::spelled(&document, step)
}

/// Messages that the filter of a subscription lets through from now on.
fn unfiltered(step: &Step) -> Option<Widening> {
    let (want, have) = (step.want.as_ref()?, step.have.as_ref()?);
    let (Resource::Subscription(want), Resource::Subscription(live)) =
        (&want.resource, &have.resource)
    else {
        return None;
    };
    if want.messages() == live.messages() {
        return None;
    }
    let gained = lost_messages(want.messages(), live.messages());
    let verdict = match (gained.messages.is_empty(), gained.certain) {
        (false, true) => Broadened::Yes,
        (_, false) => Broadened::Unknown,
        (true, true) => return None,
    };
    let mut why = gained.messages;
    if why.is_empty() {
        why.push("messages that only the later of its two patterns takes".to_owned());
    }
    Some(Widening {
        address: step.address.clone(),
        document: "filter",
        verdict,
        gains: Vec::new(),
        why,
    })
}

/// Managed policies that come to a role, and boundaries that change: by their documents, as far as they were read.
fn borrowed(step: &Step, read: &ManagedPolicies) -> Vec<Widening> {
    let Some(want) = step.want.as_ref().filter(|it| it.owned) else {
        return Vec::new();
    };
    let Resource::Role(role) = &want.resource else {
        return Vec::new();
    };
    let live = step.have.as_ref().and_then(|it| match &it.resource {
        Resource::Role(role) => Some(role),
        _ => None,
    });
    let told = |document, verdict, gains, why| Widening {
        address: step.address.clone(),
        document,
        verdict,
        gains,
        why,
    };
    let attached = live.map(|it| it.attached.clone()).unwrap_or_default();
    let mut found = Vec::new();
    let coming: Vec<&String> = role.attached.difference(&attached).collect();
    let (known, unknown): (Vec<&String>, Vec<&String>) =
        coming.into_iter().partition(|it| read.contains_key(*it));
    let before: Vec<&Document> = live
        .into_iter()
        .flat_map(Role::identity)
        .chain(attached.iter().filter_map(|it| read.get(it)))
        .collect();
    let after = before
        .iter()
        .copied()
        .chain(known.iter().map(|it| &read[*it]));
    let compared = compare_beside_others(
        step.place.id.as_str(),
        &Document::joined(before.iter().copied()),
        &Document::joined(after),
    );
    let widened = match compared.verdict {
        Change::Widened | Change::Both => Some(Broadened::Yes),
        Change::Unproven => Some(Broadened::Unknown),
        Change::Equal | Change::Cosmetic | Change::Narrowed => None,
    };
    found.extend(widened.map(|it| {
        let gains = asked_by(step, compared.gains);
        told(MANAGED, it, gains, compared.because)
    }));
    let mut why: Vec<String> = unknown
        .into_iter()
        .map(|it| format!("the managed policy {it} is attached, and not read"))
        .collect();
    let after = step
        .have
        .as_ref()
        .zip(live)
        .and_then(|(have, live)| role.boundary_after(have, live, want.exclusive));
    why.extend(live.and_then(|it| unbound(it, after.as_ref(), read)));
    if !why.is_empty() {
        found.push(told(MANAGED, Broadened::Unknown, Vec::new(), why));
    }
    found
}

/// Requests that a role's own policies let through, asked by that role: the policies say nothing of who asks.
fn asked_by(step: &Step, requests: Vec<Request>) -> Vec<Request> {
    let resource = step.want.as_ref().map(|it| &it.resource);
    let Some(Resource::Role(role)) = resource else {
        return requests;
    };
    let asked = |mut it: Request| {
        let told = |key: &String| key.to_ascii_lowercase().starts_with("aws:principal");
        if !it.context.keys().any(told) {
            it.principal = Who::Arn(role.arn.to_string());
        }
        it
    };
    requests.into_iter().map(asked).collect()
}

/// That a role's boundary may leave room for more than the one before.
fn unbound(live: &Role, after: Option<&String>, read: &ManagedPolicies) -> Option<String> {
    let before = live.boundary.as_ref()?;
    if after == Some(before) {
        return None;
    }
    let documents = (read.get(before), after.and_then(|it| read.get(it)));
    if let (Some(old), Some(new)) = documents
        && !matches!(
            compare_beside_others(live.arn.account(), old, new).verdict,
            Change::Widened | Change::Both | Change::Unproven
        )
    {
        return None;
    }
    Some(format!("its permissions boundary is no longer {before}"))
}

/// Routes that anyone may call without a signature, and could not before or that were not there.
fn opened(step: &Step) -> Option<Widening> {
    let pairs = documents::pairs(step);
    let before = open_routes(step, &pairs, false);
    let after = open_routes(step, &pairs, true);
    let why: Vec<String> = after
        .difference(&before)
        .map(|it| format!("anyone may call {it}, unsigned"))
        .collect();
    (!why.is_empty()).then(|| Widening {
        address: step.address.clone(),
        document: "methods",
        verdict: Broadened::Yes,
        gains: Vec::new(),
        why,
    })
}
