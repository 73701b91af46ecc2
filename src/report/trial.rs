//! How a plan did in the sandbox before it is carried out, for people and for machines.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::human::{self, refused};
use super::style::{BAD, GOOD, LOUD, counted, styled};
use crate::execute::{Outcome, Trial};
use crate::plan::Plan;

/// What the calls of a trial came to, with each refusal above.
#[must_use]
pub fn human(plan: &Plan, trial: &Trial) -> String {
    let outcomes = &trial.outcomes;
    let mut text = refused(plan, outcomes);
    if let Some(error) = &trial.lease {
        let _ = writeln!(text, "\n{}: the lease: {error}", styled(BAD, "error"));
    }
    let calls = human::calls(&trial.ledger, 0, trial.took, true);
    let ends = [
        (
            outcomes.count(|it| matches!(it, Outcome::Failed(_))),
            "would fail",
        ),
        (
            outcomes.count(|it| matches!(it, Outcome::Skipped(_))),
            "would be held back",
        ),
        (
            outcomes.count(|it| matches!(it, Outcome::NotStarted)),
            "would not start",
        ),
        (
            outcomes.count(|it| matches!(it, Outcome::Awaits(_))),
            "would wait for another stack",
        ),
    ];
    let ends = ends.into_iter().filter(|(count, _)| *count > 0);
    let mut ends: Vec<String> = ends
        .map(|(count, how)| format!("{} {how}", counted(count, "step")))
        .collect();
    if !trial.failed() {
        ends.insert(0, styled(GOOD, "nothing was refused"));
    }
    let head = styled(LOUD, "Rehearsed");
    let _ = writeln!(text, "{head}  {calls}; {}", ends.join(", "));
    text
}

/// The same for machines.
#[must_use]
pub fn json(plan: &Plan, trial: &Trial) -> Value {
    let outcomes = super::json::steps_done(plan, &trial.outcomes);
    json!({
        "failed": trial.failed(),
        "lease": trial.lease.as_ref().map(ToString::to_string),
        "steps": outcomes,
        "calls": super::json::calls(&trial.ledger, 0, trial.took),
    })
}
