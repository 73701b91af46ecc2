//! The lease of a stack on the command line.

use clap::Args;

use super::{Files, Reach, Where};

/// Whether a command that writes takes the lease of its stack.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct LeaseArgs {
    /// Write without the lease: only where no other run can write to this stack.
    #[arg(long, hide_short_help = true)]
    pub no_lease: bool,
}

impl LeaseArgs {
    /// The flag that says it again, after a space.
    #[must_use]
    pub fn flags(self) -> &'static str {
        if self.no_lease { " --no-lease" } else { "" }
    }
}

/// `unlock`
#[derive(Debug, Args)]
#[command(after_help = "\
A run that writes holds the lease of its stack and gives it back at its end. One that was killed holds it until its time is
over, a quarter of an hour at least; on the same Linux machine the next run sees that it is dead and takes the lease over.

Examples:
  provision unlock shop.toml                      shows who holds the lease, and asks
  provision unlock shop.toml --yes                without a question")]
pub struct Unlock {
    /// The stack's files.
    #[command(flatten)]
    pub files: Files,
    /// Which cloud.
    #[command(flatten)]
    pub place: Where,
    /// Which accounts are entered.
    #[command(flatten)]
    pub reach: Reach,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// Print a document for machines; never asks.
    #[arg(long)]
    pub json: bool,
}
