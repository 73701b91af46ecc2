//! The arguments of a consumer's coming and going, and of letting go.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Files, LeaseArgs, Reach, STACK, Where, address, quoted};
use crate::model::{Address, Arn};

/// Which consumers may get another mechanism.
#[derive(Clone, Debug, Default, Args)]
pub struct Moves {
    /// Let a consumer get another mechanism, which its clients must be ready for: `--move roles.billing`.
    /// With `via = "auto"` it is chosen anew. May be repeated.
    #[arg(long = "move", value_name = "CONSUMER")]
    pub consumers: Vec<String>,
}

impl Moves {
    /// The flags that say it again, each after a space.
    #[must_use]
    pub fn flags<'a>(consumers: impl IntoIterator<Item = &'a String>) -> String {
        let flag = |it: &String| format!(" --move {}", quoted(it));
        consumers.into_iter().map(flag).collect()
    }
}

/// `onboard`
#[derive(Debug, Args)]
#[command(
    after_help = "\
On a terminal, whatever is not said is asked. More, with examples: --help",
    after_long_help = "\
On a terminal, whatever is not said is asked. The file is written only once the plan was shown
and agreed to, and before anything is applied; an unanswered question leaves it untouched.

Exit codes: 0 done, 1 error or not agreed (the file is untouched), 3 a policy would be too
large (the file is untouched), 4 applied in part and 130 interrupted (`apply` goes on).

Examples:
  provision onboard                               asks everything
  provision onboard shop.toml --consumer analytics --account shop \\
      --calls 'apis.orders: GET /orders/*' --publishes topics.events --subscribes topics.events
  provision onboard --consumer audit --account audit --account-id 444444444444 \\
      --account-role provision --subscribes topics.events
  provision onboard --consumer etl --publishes topics.events \\
      --role arn:aws:iam::222222222222:role/etl
  provision onboard --consumer etl --account shop --publishes topics.events --write
                                                  edits the file only: for a pull request"
)]
pub struct Onboard {
    /// The stack's files.
    #[command(flatten)]
    pub files: Files,
    /// Which cloud.
    #[command(flatten)]
    pub place: Where,
    /// Which accounts are entered.
    #[command(flatten)]
    pub reach: Reach,
    /// What the consumer is called: its role, and its queue.
    #[arg(long, value_name = "NAME")]
    pub consumer: Option<String>,
    /// The account it works in, by its name in the stack; a new name adds an account.
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// Of a new account: its id.
    #[arg(long, value_name = "ID", requires = "account")]
    pub account_id: Option<String>,
    /// Of a new account: the role assumed there. Without it, the one of the stack's other accounts.
    #[arg(
        long,
        value_name = "ROLE",
        requires = "account_id",
        hide_short_help = true
    )]
    pub account_role: Option<String>,
    /// Of a new account: the external id which that role asks for.
    #[arg(
        long,
        value_name = "TEXT",
        requires = "account_id",
        hide_short_help = true
    )]
    pub account_external_id: Option<String>,
    /// Of a new account: its region, where the stack has none for all.
    #[arg(
        long,
        value_name = "REGION",
        requires = "account_id",
        hide_short_help = true
    )]
    pub account_region: Option<String>,
    /// An existing role it works under, by its ARN; without it, the stack makes one.
    #[arg(long, value_name = "ARN", conflicts_with = "trusted_by")]
    pub role: Option<String>,
    /// Who assumes the role that is made [default: lambda.amazonaws.com]. May be repeated.
    #[arg(long, value_name = "PRINCIPAL")]
    pub trusted_by: Vec<String>,
    /// What it calls, as `apis.orders: GET /orders/*, POST /orders`. May be repeated.
    #[arg(long, value_name = "API: ROUTES")]
    pub calls: Vec<String>,
    /// A topic it publishes to. May be repeated.
    #[arg(long, value_name = "TOPIC")]
    pub publishes: Vec<String>,
    /// A topic it receives from, by a queue of its own, which its role may read. May be repeated.
    #[arg(long, value_name = "TOPIC")]
    pub subscribes: Vec<String>,
    /// A queue it sends to. May be repeated.
    #[arg(long, value_name = "QUEUE")]
    pub sends: Vec<String>,
    /// A queue it receives from, beside its own. May be repeated.
    #[arg(long, value_name = "QUEUE")]
    pub receives: Vec<String>,
    /// How it is let in; `auto` lets the engine choose.
    #[arg(long, value_enum, value_name = "HOW")]
    pub via: Option<Mechanism>,
    /// Which file is edited, where overlays are given [default: the stack file].
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub into: Option<PathBuf>,
    /// Write the file and stop there: no call is made.
    #[arg(long, conflicts_with = "yes")]
    pub write: bool,
    /// Whether the lease is taken.
    #[command(flatten)]
    pub lease: LeaseArgs,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// Print a document for machines; never asks.
    #[arg(long)]
    pub json: bool,
}

/// How a consumer is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mechanism {
    /// The engine chooses, and says why.
    Auto,
    /// By the target's own policy: no STS call.
    ResourcePolicy,
    /// By a role beside the target that the consumer assumes.
    AssumeRole,
}

/// `offboard`
#[derive(Debug, Args)]
#[command(after_help = "\
Its role goes, the queue of its name with its subscriptions, every `[[access]]` of its with what
that made, and an account where nothing is left. The file is written last, so that the same
command goes on from wherever it was stopped.

Exit codes: 0 done, 1 error or not agreed (nothing was changed), 4 applied in part and
130 interrupted (the same command goes on).

Examples:
  provision offboard --consumer analytics         shows who loses what, asks, does it
  provision offboard shop.toml --consumer invoicer --queue billing-inbox --yes
  provision offboard --consumer an --role arn:aws:iam::555555555555:role/an
                                                  as it came: under a role that is not of the stack
  provision offboard --consumer audit --unreachable audit
                                                  its account is gone: the others are cleaned")]
pub struct Offboard {
    /// The stack's files.
    #[command(flatten)]
    pub files: Files,
    /// Which cloud.
    #[command(flatten)]
    pub place: Where,
    /// The consumer: a role's name, a queue's, or a role's ARN.
    #[arg(long, value_name = "NAME", required_unless_present = "role")]
    pub consumer: Option<String>,
    /// The role it works under, by its ARN, where that is not of the stack.
    #[arg(long, value_name = "ARN", value_parser = role_arn)]
    pub role: Option<Arn>,
    /// A queue of another name that goes with it. May be repeated.
    #[arg(long, value_name = "QUEUE")]
    pub queue: Vec<String>,
    /// Which accounts are entered.
    #[command(flatten)]
    pub reach: Reach,
    /// Edit the files and stop there: no call is made.
    #[arg(long, conflicts_with = "yes")]
    pub write: bool,
    /// Whether the lease is taken.
    #[command(flatten)]
    pub lease: LeaseArgs,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// Print a document for machines; never asks.
    #[arg(long)]
    pub json: bool,
}

impl Offboard {
    /// What the consumer is called: by its name, or else by its role.
    #[must_use]
    pub fn name(&self) -> String {
        let role = || self.role.as_ref().map(ToString::to_string);
        self.consumer.clone().or_else(role).unwrap_or_default()
    }
}

fn role_arn(text: &str) -> Result<Arn, String> {
    Arn::parse(text)
        .ok()
        .filter(|it| it.service() == "iam" && it.resource().starts_with("role/"))
        .ok_or_else(|| {
            format!("`{text}` is not a role's ARN; write it as `arn:aws:iam::ACCOUNT:role/NAME`")
        })
}

/// `forget`
#[derive(Debug, Args)]
#[command(after_help = "\
The mark comes off, and what the stack had written on a resource stays there as nobody's: whatever
works goes on working, and no apply, drift or destroy of this stack touches it again. What the rest
of the stack speaks of becomes `existing`: its accesses stay this stack's. The file is written last,
so that the same command goes on from wherever it was stopped.

Exit codes: 0 done, 1 error or not agreed (nothing was changed), 3 a policy would be too large,
4 applied in part and 130 interrupted (the same command goes on).

Examples:
  provision forget topics.order-events            shows what changes, asks, does it
  provision forget queues.inbox --stack shop.toml --yes
                                                  also of what left the file: apply will not delete it
  provision import --stack shop --name order-events …
                                                  takes it back")]
pub struct Forget {
    /// What is let go of: `topics.order-events`.
    #[arg(value_name = "ADDRESS", required = true, value_parser = address)]
    pub addresses: Vec<Address>,
    /// The stack file.
    #[arg(long, value_name = "STACK", default_value = STACK)]
    pub stack: PathBuf,
    /// A file laid over the stack: `--with prod.toml`. May be repeated; the last one wins.
    #[arg(long, value_name = "FILE")]
    pub with: Vec<PathBuf>,
    /// Which cloud.
    #[command(flatten)]
    pub place: Where,
    /// Which accounts are entered.
    #[command(flatten)]
    pub reach: Reach,
    /// Whether the lease is taken.
    #[command(flatten)]
    pub lease: LeaseArgs,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// Print a document for machines; never asks.
    #[arg(long)]
    pub json: bool,
}

impl Forget {
    /// The stack's files.
    #[must_use]
    pub fn files(&self) -> Files {
        Files {
            stack: self.stack.clone(),
            with: self.with.clone(),
        }
    }
}
