//! Saved plans: refused when the file was changed, or when AWS or the stack has moved since.
//!
//! The seal is a digest of the whole file. It is no signature: whoever may write the file may write its seal. It
//! tells an edit, a bad merge and a file that was cut short.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Failure, args, reading};
use crate::disk::{self, Readers};
use crate::escape::screen::page;
use crate::execute::Rehearsal;
use crate::model::{Address, Arn};
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
    /// Resources whose change may cut off callers.
    #[serde(default)]
    pub(super) close: Vec<Address>,
    /// Stands for everything that was wanted.
    pub(super) stack_digest: String,
    /// Stands for everything that was found.
    pub(super) live_digest: String,
    /// The plan as it was shown.
    pub(super) plan: Value,
    /// The digest of all the rest.
    pub(super) seal: String,
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
        close: args.close.clone(),
        stack_digest: plan.stack_digest.clone(),
        live_digest: plan.live_digest.clone(),
        plan: json::plan(plan, rehearsal),
        seal: String::new(),
    };
    let failed = |error: &dyn std::fmt::Display| {
        Failure::Plain(format!(
            "cannot save the plan to `{}`: {error}",
            path.display()
        ))
    };
    let mut document = serde_json::to_value(&saved).map_err(|error| failed(&error))?;
    document["seal"] = seal(&document).into();
    // What this command read may have been opened after its outputs were looked at.
    reading::refuse_input(path)?;
    let text = page(&format!("{document:#}\n")).into_owned();
    disk::create(path, text.as_bytes(), Readers::Owner).map_err(|error| failed(&disk::why(&error)))
}

/// The digest of a saved plan, its own seal left out.
fn seal(document: &Value) -> String {
    let mut rest = document.clone();
    if let Some(fields) = rest.as_object_mut() {
        fields.remove("seal");
    }
    let hash = Sha256::digest(rest.to_string().as_bytes());
    hash.iter().fold("sha256:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The saved plan in a file; `None` when it is something else, such as a stack.
pub(super) fn read(path: &Path) -> Result<Option<Saved>, Failure> {
    let Ok(text) = fs::read_to_string(path) else {
        return Ok(None);
    };
    if !text.trim_start().starts_with('{') {
        return Ok(None);
    }
    let sealed = serde_json::from_str::<Value>(&text).map(|it| it["seal"] == seal(&it));
    match serde_json::from_str::<Saved>(&text) {
        Ok(saved) if saved.schema == SCHEMA && sealed.is_ok_and(|it| it) => Ok(Some(saved)),
        Ok(saved) if saved.schema == SCHEMA => Err(Failure::Plain(format!(
            "`{}` was changed since `provision plan --out` saved it: what it shows may not be what it would do; make it anew",
            path.display()
        ))),
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
    ///
    /// So a plan is done once: when it was done, AWS is no longer what it was made of.
    pub(super) fn check(&self, plan: &Plan, rehearsal: &Rehearsal) -> Result<(), Failure> {
        let moved = match (
            self.stack_digest == plan.stack_digest,
            self.live_digest == plan.live_digest,
        ) {
            (true, true) if self.plan == json::plan(plan, rehearsal) => return Ok(()),
            (true, true) => "the flags or the version of this program have changed",
            (false, true) => "the stack has changed",
            (true, false) => "AWS has changed",
            (false, false) => "the stack and AWS have changed",
        };
        Err(Failure::Plain(format!(
            "{moved} since this plan was saved, so it would not do what it showed; make it anew with `provision plan --out`"
        )))
    }
}
