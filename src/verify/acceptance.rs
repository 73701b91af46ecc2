//! What others put on the stack's resources and the stack accepts, by `[[known]]`.

use crate::kinds::extra::{is_meant, statement_digest};
use crate::kinds::survey::Live;
use crate::kinds::{Extra, Have, Stranger, Want};
use crate::lower::Desired;
use crate::model::Address;
use crate::policy::Statement;

/// Something of others that the stack accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// The resource that it is on.
    pub on: Address,
    /// What it is.
    pub what: Stranger,
    /// A statement of the resource's policy, as AWS has it.
    pub statement: Option<Statement>,
    /// The same in a sentence.
    pub text: String,
    /// Why it may stay.
    pub reason: String,
    /// The last day on which it may, as `2027-01-31`.
    pub until: Option<String>,
    /// Where in the files that is written, as `file:line`.
    pub written_at: String,
}

/// Returns what the stack accepts of what is there. What has expired or changed is not among it.
pub(super) fn acceptances(desired: &Desired, live: &Live) -> Vec<Acceptance> {
    let wants = desired.wants.iter();
    let there = wants.filter_map(|(address, want)| Some((address, want, live.have.get(address)?)));
    there
        .flat_map(|(address, want, have)| {
            let extras = have.extras.iter();
            extras.filter_map(move |it| acceptance(desired, address, want, have, it))
        })
        .collect()
}

fn acceptance(
    desired: &Desired,
    address: &Address,
    want: &Want,
    have: &Have,
    extra: &Extra,
) -> Option<Acceptance> {
    if !want.knows(extra) {
        return None;
    }
    let mut known = desired.known.iter();
    let known = known.find(|it| !it.expired && is_meant(it, address, extra))?;
    let mut statements = have.foreign.iter();
    let statement = (extra.what == Stranger::Statement)
        .then(|| statements.find(|it| statement_digest(it) == extra.digest))
        .flatten();
    Some(Acceptance {
        on: address.clone(),
        what: extra.what.clone(),
        statement: statement.cloned(),
        text: extra.text.clone(),
        reason: known.reason.clone(),
        until: known.until.clone(),
        written_at: known.written_at.clone(),
    })
}
