//! The arguments of `destroy`.

use clap::{Args, ValueEnum};

use super::{Also, Files, LeaseArgs, Publish, Reach, Where};

/// `destroy`
#[derive(Debug, Args)]
pub struct Destroy {
    /// The stack's files.
    #[command(flatten)]
    pub files: Files,
    /// Which cloud.
    #[command(flatten)]
    pub place: Where,
    /// Which accounts are entered.
    #[command(flatten)]
    pub reach: Reach,
    /// Which accounts are read that are not in the stack any more.
    #[command(flatten)]
    pub also: Also,
    /// Which APIs of others may be deployed with what is not deployed.
    #[command(flatten)]
    pub publish: Publish,
    /// Whether the lease is taken.
    #[command(flatten)]
    pub lease: LeaseArgs,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// What becomes of further resources that bear the mark of one address, as copied tags make them:
    /// without it, they are asked about.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub duplicates: Option<Duplicates>,
    /// Print a document for machines; never asks.
    #[arg(long)]
    pub json: bool,
}

/// What becomes of resources that bear the mark of an address that another one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Duplicates {
    /// They are removed with the stack.
    Remove,
    /// They stay as they are.
    Keep,
}
