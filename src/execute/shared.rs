//! Documents that have several writers, and how a run makes sure that a write to one lasted.
//!
//! AWS replaces a whole policy at once and has no conditional write, so of two writers that read
//! the same policy, the first loses its statements. Three rules together exclude that, as long as
//! a call takes less than half a second from here to AWS:
//!
//! - A write rests on a read that is at most [`FRESH`](crate::cloud::FRESH) old when the write is sent.
//! - [`SETTLED`] after the write, when nothing can be sent any more that rests on an older read,
//!   the policy is read back. If our statements are not as they were written, another writer has
//!   replaced the policy without having seen ours: it is read and written again, after a pause
//!   that differs from stack to stack, and read back again, up to [`ROUNDS`] times.
//! - Statements without a stack's mark that stood there before our write and were lost together
//!   with ours are written again, too. Those of other stacks are not: their own runs read back,
//!   and what one of them takes away on purpose must not return.

use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::cloud::{CallError, Fault};
use crate::kinds::{Have, Part, Resource, Want, statements};
use crate::model::{Address, KindName};
use crate::plan::{Action, Step};
use crate::policy::{Statement, own};

/// How long after a write the document is read back.
pub(super) const SETTLED: Duration = Duration::from_millis(1500);
/// How often a document is written before the run gives up.
pub(super) const ROUNDS: u32 = 8;

/// Whether a part of a step writes a document that others may write into, too.
pub(super) fn writes_shared(step: &Step, part: Option<Part>) -> bool {
    let part_with_document = match step.address.kind {
        KindName::Key | KindName::Topic | KindName::Queue | KindName::Stage => Part::Exists,
        KindName::RestApi => Part::Settled,
        KindName::Role | KindName::Subscription => return false,
    };
    let Some(part) = part else {
        // Of what is not ours, only our statements go.
        let lent = step.have.as_ref().is_some_and(|it| it.mark.is_none());
        return lent && step.address.kind != KindName::Stage;
    };
    let changes = |field: &str| step.changes.iter().any(|it| it.field == field);
    let carries = match &step.address.kind {
        // An import of an API carries its whole policy, whatever it is for.
        KindName::RestApi => true,
        KindName::Stage => changes("deployment") && step.want.as_ref().is_some_and(|it| !it.owned),
        _ => changes("policy"),
    };
    let writes = part == part_with_document || part == Part::Opened;
    writes && step.action == Action::Update && carries
}

/// What a write left of the document as it is read back.
#[derive(Debug, Default)]
pub(super) struct Loss {
    /// Our statements that are missing or not as they were written, and those that should be gone, in words.
    pub(super) ours: Vec<String>,
    /// Statements without any stack's mark that were there before the write and are gone.
    pub(super) foreign: Vec<Statement>,
}

impl Loss {
    /// Compares what was wanted with what is there now; `before` is what the write rested on.
    pub(super) fn of(want: &Want, before: Option<&Have>, after: &Have) -> Self {
        let mut ours: Vec<String> = Vec::new();
        if let (Some(wanted), Some(live)) = (want.resource.policy(), after.resource.policy()) {
            let differs = statements::details(&live.statements, &wanted.statements);
            let counts = |sign| !want.letting_go || sign == '+';
            let differs = differs.into_iter().filter(|it| counts(it.sign));
            ours.extend(differs.map(|it| match it.sign {
                '+' => format!("missing: {}", it.text),
                _ => format!("still there: {}", it.text),
            }));
        }
        if let (Resource::Stage(wanted), Resource::Stage(live)) = (&want.resource, &after.resource)
            && live.surface != wanted.surface
        {
            ours.push(
                "missing: a deployment that says it holds this stack's statements".to_owned(),
            );
        }
        if ours.is_empty() {
            return Self::default();
        }
        let marked = |it: &Statement| {
            let sid = it.sid.as_deref();
            sid.is_some_and(|it| it.starts_with(own::RESERVED))
        };
        let before = before.into_iter().flat_map(|it| &it.foreign);
        let foreign = before
            .filter(|it| !marked(it) && !after.foreign.contains(it) && !want.drops_statement(it))
            .cloned()
            .collect();
        Self { ours, foreign }
    }

    /// The error of a run that gave up.
    pub(super) fn error(&self, address: &Address) -> CallError {
        let foreign = self.foreign.iter().map(|it| {
            format!(
                "missing, and not this stack's: {}",
                statements::describe(it)
            )
        });
        let all: Vec<String> = self.ours.iter().cloned().chain(foreign).collect();
        let message = format!(
            "another writer replaced the policy of `{address}` after each of {ROUNDS} writes; {}",
            all.join("; ")
        );
        CallError::new(Fault::Conflict, "Overwritten", message)
    }
}

/// Takes over the policy as it was read later, and leaves what else was read before.
pub(super) fn renew(have: &mut Have, newer: Have) {
    match (have.resource.policy_mut(), newer.resource.policy()) {
        (Some(policy), Some(newer)) => policy.clone_from(newer),
        _ => have.resource = newer.resource,
    }
    have.document = newer.document;
    have.foreign = newer.foreign;
    have.ghosts = newer.ghosts;
}

/// How long to wait before a document is written again: half a second to two and a half, and
/// different for each stack, document and round.
pub(super) fn pause(stack: &str, address: &Address, round: u32) -> Duration {
    let digest = Sha256::digest(format!("{stack} {address} {round}"));
    let part = u64::from(u16::from_be_bytes([digest[0], digest[1]]));
    Duration::from_millis(500 + part * 2000 / u64::from(u16::MAX))
}
