//! The arguments of `destroy`.

use clap::{Args, ValueEnum};

use super::{Also, Files, LeaseArgs, Publish, Reach, Where, address};
use crate::model::Address;

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
    /// Agree to the deletion of a queue that holds messages: `--allow-delete queues.inbox`. May be repeated.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub allow_delete: Vec<Address>,
    /// What becomes of further resources that bear the mark of one address, as copied tags make them:
    /// without it, they are asked about.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub duplicates: Option<Duplicates>,
    /// Print a document for machines; never asks.
    #[arg(long)]
    pub json: bool,
}

impl Destroy {
    /// The flags that name what is deleted with its data, each after a space.
    #[must_use]
    pub fn named(&self) -> String {
        let flags = self.allow_delete.iter();
        flags.map(|it| format!(" --allow-delete {it}")).collect()
    }
}

/// What becomes of resources that bear the mark of an address that another one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Duplicates {
    /// They are removed with the stack.
    Remove,
    /// They stay, and the stack's mark comes off them.
    Keep,
}
