//! What `verify` and `who-can` take.

use std::path::PathBuf;

use clap::Args;

use super::{Files, STACK, Where};

/// `verify`
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 proved (what cannot be known is shown), 3 a claim failed, 1 AWS could not be read.

Examples:
  provision verify                                from the stack alone: no call is made
  provision verify --live                         from what AWS has now, deployed authorizers included
  provision verify --live --sandbox               the same of the sandbox
  provision verify --strict                       exit 3 also for what cannot be known
  provision verify --live --certificate proof.json   a proof that others can check
  provision verify --check proof.json             accept such a proof, offline; exit 3 if it is not right")]
pub struct Verify {
    /// The stack's files.
    #[command(flatten)]
    pub files: Files,
    /// Read what AWS has now, instead of what the stack says.
    #[arg(long)]
    pub live: bool,
    /// Which cloud; one that is named is read.
    #[command(flatten)]
    pub place: Where,
    /// Exit 3 when a claim is unproven, too.
    #[arg(long)]
    pub strict: bool,
    /// Write what each claim rests on to a file that `--check` accepts.
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// Check a certificate without the stack, AWS or the prover.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["stack", "with", "live", "strict", "certificate", "sandbox"])]
    pub check: Option<PathBuf>,
    /// Print a document for machines.
    #[arg(long)]
    pub json: bool,
}

/// `who-can`
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 answered, also when it is nobody; 1 a name or action is unknown, or AWS could not be read.

Examples:
  provision who-can publish topics.order-events            by the stack alone: no call is made
  provision who-can sns:Publish arn:aws:sns:eu-west-1:333333333333:order-events --live
  provision who-can 'GET /orders/{id}' apis.orders --stack shop.toml
  provision who-can call apis.orders --json                every route of it, for machines")]
pub struct WhoCan {
    /// An action of AWS (`sns:Publish`), a word of the stack (`publish`, `send`, `assume`, `call`), or a route.
    #[arg(value_name = "ACTION")]
    pub action: String,
    /// A resource: an address (`topics.order-events`, `'apis.orders GET /orders/{id}'`) or an ARN.
    #[arg(value_name = "RESOURCE")]
    pub resource: String,
    /// The stack file.
    #[arg(long, value_name = "STACK", default_value = STACK)]
    pub stack: PathBuf,
    /// A file laid over the stack: `--with prod.toml`. May be repeated; the last one wins.
    #[arg(long, value_name = "FILE")]
    pub with: Vec<PathBuf>,
    /// Read what AWS has now, instead of what the stack says.
    #[arg(long)]
    pub live: bool,
    /// Which cloud; one that is named is read.
    #[command(flatten)]
    pub place: Where,
    /// Print a document for machines.
    #[arg(long)]
    pub json: bool,
}
