//! Saved plans: refused when AWS or the stack has moved since.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Failure;
use super::args;
use crate::execute::Rehearsal;
use crate::model::Arn;
use crate::plan::Plan;
use crate::plan::adopt::Adopt;
use crate::report::json;

/// A plan that `plan --out` saved: what it was made of, and what it showed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Saved {
    /// `provision.saved-plan/1`
    pub(super) schema: String,
    /// The stack file.
    pub(super) stack_file: String,
    /// What was laid over it.
    pub(super) with: Vec<String>,
    /// What was taken over.
    pub(super) adopt: Vec<Adopt>,
    /// Accounts that were not entered.
    #[serde(default)]
    pub(super) unreachable: Vec<String>,
    /// Whose subscriptions were to be ended.
    #[serde(default)]
    pub(super) cut_off: Vec<Arn>,
    /// Consumers that were to get another mechanism.
    #[serde(default)]
    pub(super) moves: Vec<String>,
    /// Stands for everything that was wanted.
    pub(super) stack_digest: String,
    /// Stands for everything that was found.
    pub(super) live_digest: String,
    /// The plan as it was shown.
    pub(super) plan: Value,
}

const SCHEMA: &str = "provision.saved-plan/1";

/// Saves a plan.
pub(super) fn write(
    path: &Path,
    plan: &Plan,
    rehearsal: &Rehearsal,
    args: &args::Plan,
) -> Result<(), Failure> {
    let saved = Saved {
        schema: SCHEMA.to_owned(),
        stack_file: args.files.stack.display().to_string(),
        with: args
            .files
            .with
            .iter()
            .map(|it| it.display().to_string())
            .collect(),
        adopt: args.adopt.clone(),
        unreachable: args.reach.unreachable.clone(),
        cut_off: args.cut_off.clone(),
        moves: args.moves.consumers.clone(),
        stack_digest: plan.stack_digest.clone(),
        live_digest: plan.live_digest.clone(),
        plan: json::plan(plan, rehearsal),
    };
    let failed = |error: &dyn std::fmt::Display| {
        Failure::Plain(format!(
            "cannot save the plan to `{}`: {error}",
            path.display()
        ))
    };
    let text = serde_json::to_string_pretty(&saved).map_err(|error| failed(&error))?;
    fs::write(path, text + "\n").map_err(|error| failed(&error))
}

/// The saved plan in a file; `None` when it is something else, such as a stack.
pub(super) fn read(path: &Path) -> Result<Option<Saved>, Failure> {
    let Ok(text) = fs::read_to_string(path) else {
        return Ok(None);
    };
    if !text.trim_start().starts_with('{') {
        return Ok(None);
    }
    match serde_json::from_str::<Saved>(&text) {
        Ok(saved) if saved.schema == SCHEMA => Ok(Some(saved)),
        Ok(saved) => Err(Failure::Plain(format!(
            "`{}` is a saved plan of another form (`{}`); make it anew with `provision plan --out`",
            path.display(),
            saved.schema
        ))),
        Err(error) => Err(Failure::Plain(format!(
            "`{}` is neither a stack nor a saved plan: {error}",
            path.display()
        ))),
    }
}

impl Saved {
    /// Refuses when what the plan was made of is no longer so.
    pub(super) fn check(&self, plan: &Plan) -> Result<(), Failure> {
        let moved = match (
            self.stack_digest == plan.stack_digest,
            self.live_digest == plan.live_digest,
        ) {
            (true, true) => return Ok(()),
            (false, true) => "the stack has changed",
            (true, false) => "AWS has changed",
            (false, false) => "the stack and AWS have changed",
        };
        Err(Failure::Plain(format!(
            "{moved} since this plan was saved, so it would not do what it showed; make it anew with `provision plan --out`"
        )))
    }
}
