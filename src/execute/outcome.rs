//! How a step ended, and how a run.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::graph::NodeIndex;

use super::schedule::Schedule;
use crate::cloud::{CallError, Fault};
use crate::graph::Tasks;
use crate::model::Address;
use crate::plan::{Action, Step, StepKey};

/// A step that AWS refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot {verb} {address}: {source}")]
pub struct StepError {
    /// `make`, `change`, `remove`.
    pub verb: &'static str,
    /// The resource.
    pub address: Address,
    /// What AWS said.
    pub source: CallError,
    /// The writes of this step that AWS had accepted before, as `service:Action`.
    pub written: Vec<String>,
    /// What to do about it, where that can be told.
    pub help: Option<String>,
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// AWS refused it.
    Failed(StepError),
    /// It waits for this stack, whose half of it is not there yet.
    Awaits(String),
    /// It needs a step that failed.
    Skipped(Address),
    /// The run was stopped before it was done.
    NotStarted,
}

/// How a run ended.
#[derive(Clone, Debug, Default)]
pub struct Outcomes {
    /// Each step's ending.
    pub steps: BTreeMap<StepKey, Outcome>,
    /// Ids that AWS chose, by address.
    pub ids: BTreeMap<Address, String>,
    /// Whether it was stopped from outside.
    pub interrupted: bool,
    /// The writes that were sent and had no answer when the run was left, as `service:Action`, by step.
    pub unanswered: BTreeMap<Address, Vec<String>>,
    /// The writes that AWS accepted of steps that are not done, in order.
    pub accepted: BTreeMap<Address, Vec<String>>,
    /// What AWS left out of documents that it imported, by address.
    pub warnings: BTreeMap<Address, BTreeSet<String>>,
}

impl Outcomes {
    /// How many steps ended in a way.
    pub fn count(&self, which: impl Fn(&Outcome) -> bool) -> usize {
        self.steps.values().filter(|it| which(it)).count()
    }

    /// The same, with how a run ended that came after it.
    #[must_use]
    pub fn and(mut self, later: Self) -> Self {
        self.steps.extend(later.steps);
        self.ids.extend(later.ids);
        self.interrupted |= later.interrupted;
        self.unanswered.extend(later.unanswered);
        self.accepted.extend(later.accepted);
        self.warnings.extend(later.warnings);
        self
    }

    /// Whether every step was done.
    #[must_use]
    pub fn all_done(&self) -> bool {
        self.steps.values().all(|it| *it == Outcome::Done)
    }
}

/// How a step ended that AWS refused: what is another stack's to allow is waited for.
fn failed(step: &Step, error: &StepError) -> Outcome {
    let refused = matches!(error.source.fault, Fault::Denied | Fault::Missing);
    let owner = step.want.as_ref().and_then(|it| it.other_half.clone());
    match owner.filter(|_| refused && step.action == Action::Create) {
        Some(owner) => Outcome::Awaits(owner),
        None => Outcome::Failed(error.clone()),
    }
}

/// How a step ended, once all its parts have.
pub(super) fn of(
    step: &Step,
    tasks: &Tasks,
    ended: &BTreeMap<NodeIndex, Result<(), StepError>>,
    schedule: &Schedule<'_>,
) -> Option<Outcome> {
    let own: Vec<NodeIndex> = tasks
        .node_indices()
        .filter(|it| step.has(&tasks[*it]))
        .collect();
    // What failed first of a step holds its other parts back.
    if let Some(error) = own.iter().find_map(|it| ended.get(it)?.as_ref().err()) {
        return Some(if error.source.fault == Fault::Stopped {
            Outcome::NotStarted
        } else {
            failed(step, error)
        });
    }
    if let Some(root) = own.iter().find_map(|it| schedule.skipped().get(it)) {
        return Some(Outcome::Skipped(root.clone()));
    }
    let done = own.iter().all(|it| ended.contains_key(it));
    done.then_some(Outcome::Done)
}
