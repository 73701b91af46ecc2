//! What `permissions` takes.

use clap::{Args, ValueEnum};

use super::Files;
use crate::model::Arn;

/// `permissions`
#[derive(Debug, Args)]
#[command(after_help = "\
No call is made: the policy comes from the stack and from what each call of the program needs.
It is enough for a first apply, updates, drift, `verify --live` and destroy of this stack file.

Examples:
  provision permissions shop.toml --account orders              the policy and the trust policy
  provision permissions shop.toml --account orders --read-only  for plan, drift and verify --live
  provision permissions shop.toml --account orders --only policy > policy.json
  provision permissions shop.toml --account orders --trusts arn:aws:iam::111111111111:role/pipeline")]
pub struct Permissions {
    /// The stack's files.
    #[command(flatten)]
    pub files: Files,
    /// The account, by its name in the stack or its id.
    #[arg(long, value_name = "ACCOUNT")]
    pub account: String,
    /// Only what commands need that change nothing.
    #[arg(long)]
    pub read_only: bool,
    /// Who may assume the role: the ARN of a role, a user or an account's root. May be repeated.
    #[arg(long, value_name = "ARN", value_parser = principal)]
    pub trusts: Vec<Arn>,
    /// Print one document and nothing else.
    #[arg(long, value_enum, value_name = "WHICH", conflicts_with = "json")]
    pub only: Option<Only>,
    /// Print a document for machines.
    #[arg(long)]
    pub json: bool,
}

/// One of the documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Only {
    /// What the role may do.
    Policy,
    /// Who may assume it.
    Trust,
}

/// Reads a principal that can assume a role.
pub(super) fn principal(text: &str) -> Result<Arn, String> {
    let wrong = || {
        format!(
            "`{text}` cannot be trusted here: write the ARN of a role, a user or an account's root, as in \
             arn:aws:iam::111111111111:role/pipeline"
        )
    };
    let arn = Arn::parse(text).map_err(|_| wrong())?;
    let resource = arn.resource();
    let is_principal = resource == "root"
        || ["role/", "user/"]
            .iter()
            .any(|it| resource.strip_prefix(it).is_some_and(|it| !it.is_empty()));
    let is_exact = !text.contains(['*', '?', '$']);
    (arn.service() == "iam" && arn.account_id().is_some() && is_principal && is_exact)
        .then_some(arn)
        .ok_or_else(wrong)
}
