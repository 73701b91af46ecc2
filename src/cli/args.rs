//! The command line.

mod accounts;
mod consumers;
mod destroy;
mod help;
mod import;
mod lease;
mod permissions;
mod proofs;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::drift::revert::Selector;
use crate::handover::client::Language;
use crate::model::{Address, Arn};
use crate::plan::adopt::Adopt;

pub use accounts::{Also, AlsoAccount, Publish, Reach};
pub use consumers::{Forget, Mechanism, Moves, Offboard, Onboard};
pub use destroy::{Destroy, Duplicates};
pub use import::Import;
pub use lease::{LeaseArgs, Unlock};
pub use permissions::{Only, Permissions};
pub use proofs::{Verify, WhoCan};

/// Service-to-service access on AWS, declared once and kept true in every account.
#[derive(Debug, Parser)]
#[command(
    name = "provision",
    version,
    about,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = help::EXIT_CODES,
    after_long_help = help::exit_codes_and_limits(),
    max_term_width = 100
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Use colour: auto, always, never; symbols carry the same meaning.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto, value_name = "WHEN", hide_possible_values = true, hide_default_value = true)]
    pub color: Colour,
    /// Print each call with its account, target and end; on stderr.
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Write each call to this file, a line of JSON each, after what is there; without any secret.
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub log: Option<PathBuf>,
    /// Print errors and results only.
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal that wants it (`NO_COLOR`, `CLICOLOR_FORCE`, TERM are obeyed).
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check a stack without any call: every fault at once, each at its words
    Validate(Validate),
    /// Show what apply would do: who gains access first, then every change
    Plan(Plan),
    /// Make the cloud what the stack says; shows the plan and asks first
    Apply(Apply),
    /// Remove everything the stack made, and its statements elsewhere
    Destroy(Destroy),
    /// Tell what moved in AWS while the stack did not; exit 2 when something did
    Drift(Drift),
    /// Prove that every declared access works and nothing else is allowed; exit 3 when not
    Verify(Verify),
    /// Bring a new consumer in: edits the stack, shows the plan, asks, applies
    Onboard(Box<Onboard>),
    /// Let a consumer go: every side of it, and says who loses what
    Offboard(Offboard),
    /// Let go of resources without deleting them: no mark of the stack is left on them
    Forget(Forget),
    /// Free the lease that a dead run holds on a stack
    Unlock(Unlock),
    /// Write a stack file from what is live, or of what another tool says it made
    Import(Import),
    /// Say who may do something, by which way, and by which statements
    WhoCan(WhoCan),
    /// Print the IAM policy that the role in an account needs, and its trust policy
    Permissions(Permissions),
    /// Print ARNs, ids and URLs of what is there
    Output(Output),
    /// Print what a consumer needs: names, policies to attach, and clients that work
    Handover(Handover),
    /// Write what the stack offers to others as a contract, or what it claims of theirs
    Export(Export),
    /// Say what a code means that was printed, and how to mend it
    Explain(Explain),
    /// Print the stack's graph: who may do what, who needs whom
    Graph(Graph),
    /// Lay a stack file out in the one way, comments kept
    Fmt(Fmt),
    /// Print the JSON Schema (draft 7) of stack files, or of a drift report
    Schema(Schema),
    /// Print shell completions
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Decide requests from the policies given with each: JSON lines in, JSON lines out
    Simulate(Simulate),
    /// Say whether a changed policy lets anyone do more, with a request to show for it
    Compare(Compare),
}

/// The stack file where none is named.
const STACK: &str = "provision.toml";
/// Where the sandbox is kept where no folder is named.
const SANDBOX: &str = ".provision";

/// The stack's files.
#[derive(Clone, Debug, Args)]
pub struct Files {
    /// The stack file.
    #[arg(value_name = "STACK", default_value = STACK)]
    pub stack: PathBuf,
    /// A file laid over the stack: `--with prod.toml`. May be repeated; the last one wins.
    #[arg(long, value_name = "FILE")]
    pub with: Vec<PathBuf>,
}

/// Which cloud.
#[derive(Clone, Debug, Args)]
pub struct Where {
    /// Use the cloud built into this program, kept in DIR/sandbox.json, instead of AWS.
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = SANDBOX)]
    pub sandbox: Option<PathBuf>,
    /// Stop after this time: what is only read ends with code 1, what is being applied as by ctrl-c.
    #[arg(long, value_name = "TIME", value_parser = interval, hide_short_help = true)]
    pub deadline: Option<Duration>,
    /// Enter roles with a session policy: to read only, and to write only what the plan is about.
    #[arg(long, hide_short_help = true)]
    pub session_policy: bool,
    /// Whether what is read is kept as it was answered.
    #[arg(skip)]
    pub keep: bool,
}

/// `validate`
#[derive(Debug, Args)]
pub struct Validate {
    /// The stack's files.
    #[command(flatten)]
    pub files: Files,
    /// Print a document for machines.
    #[arg(long)]
    pub json: bool,
}

/// `plan`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  provision plan                                  what apply would do, from provision.toml
  provision plan shop.toml --with prod.toml       the same stack, in production
  provision plan --out plan.json                  then: provision apply plan.json
  provision plan --detailed-exitcode              exit 2 when there is something to do
  provision plan --fail-on broadened              in CI: exit 3 when anyone may do more")]
pub struct Plan {
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
    /// Which consumers may get another mechanism.
    #[command(flatten)]
    pub moves: Moves,
    /// Exit 2 when there is something to do.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// Print a document for machines.
    #[arg(long)]
    pub json: bool,
    /// End a subscription of another's queue that is no longer let in. May be repeated.
    #[arg(long, value_name = "QUEUE_ARN", value_parser = queue_arn)]
    pub cut_off: Vec<Arn>,
    /// Cut off the callers that the plan says a change of this resource cuts off. May be repeated.
    ///
    /// Routes of another's API that get `AWS_IAM` or a first policy; an API that gets another kind of endpoint or asks for an
    /// API key; a topic or queue that gets a KMS key which refuses its callers, or whose messages stay under a key that is
    /// taken away; a setting that refuses or deletes messages or calls.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub close: Vec<Address>,
    /// Exit 3 when the plan would do this: `--fail-on broadened`, when it lets anyone do more, or may.
    #[arg(long, value_enum, value_name = "WHAT")]
    pub fail_on: Option<FailOn>,
    /// Carry the plan out in the sandbox, as loaded with what was read: tells calls, time and refusals.
    #[arg(long)]
    pub rehearse: bool,
    /// Save the plan: `apply FILE` does it, unless AWS or the stack has moved.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Take over an unmarked resource: `--adopt queues.inbox`, an API by its id: `apis.orders=a1b2c3d4e5`. May be repeated.
    #[arg(long, value_name = "ADDRESS[=ID]")]
    pub adopt: Vec<Adopt>,
}

/// What a plan may be refused for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// It lets somebody do more than before, or may.
    Broadened,
}

/// `apply`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  provision apply                                 shows the plan, asks, makes it so
  provision apply shop.toml --sandbox             adds without a question if nobody can answer
  provision apply plan.json --yes                 a saved plan, if nothing has moved since
  provision apply --yes --prune                   also delete what left the stack")]
pub struct Apply {
    /// The stack file, or a plan that `plan --out` saved.
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
    /// Which consumers may get another mechanism.
    #[command(flatten)]
    pub moves: Moves,
    /// Which APIs of others may be deployed with what is not deployed.
    #[command(flatten)]
    pub publish: Publish,
    /// Cut off the callers that the plan says a change of this resource cuts off. May be repeated.
    ///
    /// Routes of another's API that get `AWS_IAM` or a first policy; an API that gets another kind of endpoint or asks for an
    /// API key; a topic or queue that gets a KMS key which refuses its callers, or whose messages stay under a key that is
    /// taken away; a setting that refuses or deletes messages or calls.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub close: Vec<Address>,
    /// Do not ask. Deletions, other mechanisms and what is done to APIs of others need flags of their own.
    #[arg(long)]
    pub yes: bool,
    /// Whether the lease is taken.
    #[command(flatten)]
    pub lease: LeaseArgs,
    /// Agree to each deletion and replacement, but of queues with messages.
    #[arg(long)]
    pub prune: bool,
    /// Agree to one deletion or replacement: `--allow-delete queues.inbox`. May be repeated.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub allow_delete: Vec<Address>,
    /// Take over an unmarked resource: `--adopt queues.inbox`, an API by its id: `apis.orders=a1b2c3d4e5`. May be repeated.
    #[arg(long, value_name = "ADDRESS[=ID]")]
    pub adopt: Vec<Adopt>,
    /// End a subscription of another's queue that is no longer let in. May be repeated.
    #[arg(long, value_name = "QUEUE_ARN", value_parser = queue_arn)]
    pub cut_off: Vec<Arn>,
    /// Print a document for machines; never asks.
    #[arg(long)]
    pub json: bool,
}

/// `drift`
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 in step, 2 drift, 1 something could not be read (the rest is reported all the same).

Examples:
  provision drift                                 in a schedule: the exit code tells
  provision drift --json                          one document, stable codes PD001 to PD010
  provision drift --revert PD004 queues.inbox     puts back what others added, and one queue
  provision drift --accept queues.inbox           writes what AWS has into the stack file
  provision drift --watch 15m                     stays, and tells what is new with every look")]
pub struct Drift {
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
    /// Print a document for machines.
    #[arg(long, conflicts_with = "format")]
    pub json: bool,
    /// In which form.
    #[arg(long, value_enum, default_value_t = DriftFormat::Human)]
    pub format: DriftFormat,
    /// Put back what is named, and nothing else; asks as apply does.
    #[arg(long, value_name = "CODE|ADDRESS", num_args = 1.., value_parser = selector)]
    pub revert: Vec<Selector>,
    /// Whether the lease is taken.
    #[command(flatten)]
    pub lease: LeaseArgs,
    /// Do not ask before putting back.
    #[arg(long, requires = "revert")]
    pub yes: bool,
    /// Write what AWS has into the stack file, comments kept.
    #[arg(long, value_name = "ADDRESS", num_args = 1.., value_parser = address, conflicts_with = "revert")]
    pub accept: Vec<Address>,
    /// With `--accept`: why what others put there may stay.
    #[arg(long, value_name = "TEXT", requires = "accept")]
    pub reason: Option<String>,
    /// With `--reason`: the last day on which it may stay, as `2027-01-31`.
    #[arg(long, value_name = "DATE", requires = "reason")]
    pub until: Option<String>,
    /// Look again and again, about so far apart: `--watch 15m`.
    #[arg(long, value_name = "INTERVAL", value_parser = interval, conflicts_with_all = ["revert", "accept"])]
    pub watch: Option<Duration>,
    /// With `--watch`: end after so many looks.
    #[arg(long, value_name = "COUNT", requires = "watch", value_parser = clap::value_parser!(u64).range(1..))]
    pub rounds: Option<u64>,
}

impl Drift {
    /// The form to print in.
    #[must_use]
    pub fn form(&self) -> DriftFormat {
        if self.json {
            DriftFormat::Json
        } else {
            self.format
        }
    }
}

/// A form of a drift report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DriftFormat {
    /// For people.
    Human,
    /// For machines.
    Json,
    /// For pull requests.
    Markdown,
}

/// `output`
#[derive(Debug, Args)]
pub struct Output {
    /// The stack's files.
    #[command(flatten)]
    pub files: Files,
    /// Which cloud.
    #[command(flatten)]
    pub place: Where,
    /// Print a document for machines.
    #[arg(long, conflicts_with = "raw")]
    pub json: bool,
    /// Print one value and nothing else: `--raw apis.orders.url`.
    #[arg(long, value_name = "NAME")]
    pub raw: Option<String>,
}

/// `handover`
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 printed, 1 no such consumer, or what it uses is not there yet.

Examples:
  provision handover roles.refunds                a page in Markdown, clients included
  provision handover queues.inbox --json          the same for machines
  provision handover refunds --only python > client.py
  provision handover arn:aws:iam::555555555555:role/reader
  provision handover 555555555555 shop.toml       everybody of an account who is let in")]
pub struct Handover {
    /// A role or queue of the stack, or the ARN of a role or the id of an account that an
    /// `[[access]]` lets in.
    #[arg(value_name = "CONSUMER")]
    pub consumer: String,
    /// The stack's files.
    #[command(flatten)]
    pub files: Files,
    /// Which cloud.
    #[command(flatten)]
    pub place: Where,
    /// Print one client and nothing else: a program that runs as it is.
    #[arg(long, value_enum, value_name = "LANGUAGE", conflicts_with = "json")]
    pub only: Option<ClientLanguage>,
    /// Print a document for machines.
    #[arg(long)]
    pub json: bool,
}

/// A language of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ClientLanguage {
    /// With boto3.
    Python,
    /// A shell script with the AWS CLI and curl.
    Cli,
    /// With the AWS SDK.
    Rust,
    /// For Node, with the AWS SDK v3.
    #[value(name = "javascript")]
    JavaScript,
}

impl From<ClientLanguage> for Language {
    fn from(language: ClientLanguage) -> Self {
        match language {
            ClientLanguage::Python => Self::Python,
            ClientLanguage::Cli => Self::Cli,
            ClientLanguage::Rust => Self::Rust,
            ClientLanguage::JavaScript => Self::JavaScript,
        }
    }
}

/// `export`
#[derive(Debug, Args)]
#[command(after_help = "\
The owner's stack exports a contract of its `[[offer]]`s; a consumer's stack names the file under
`[contracts.NAME]`. With --claims it goes the other way: the owner lists the file under
`claims` of `[stack]`, and sees who uses what.

Exit codes: 0 written, 1 not (the stack is wrong, or AWS could not be read), 2 with --check: the
file is not what would be written.

Examples:
  provision export --out contracts/orders.toml            what this stack offers
  provision export --out contracts/orders.toml --check    in CI: exit 2 when that is out of date
  provision export shop.toml --claims orders              what it claims of the contract `orders`
  provision export --sandbox                              the same of the sandbox, on stdout")]
pub struct Export {
    /// The stack's files.
    #[command(flatten)]
    pub files: Files,
    /// Which cloud.
    #[command(flatten)]
    pub place: Where,
    /// Write what the stack claims of this contract, by its name in the stack; no call is made.
    #[arg(long, value_name = "CONTRACT")]
    pub claims: Option<String>,
    /// Write to this file instead of stdout.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write nothing; exit 2 when the file is not what would be written.
    #[arg(long, requires = "out")]
    pub check: bool,
    /// Print a document for machines, with the text in it.
    #[arg(long)]
    pub json: bool,
}

/// `schema`
#[derive(Debug, Args)]
pub struct Schema {
    /// Of what.
    #[arg(value_enum, default_value_t = SchemaOf::Stack)]
    pub of: SchemaOf,
}

/// What there is a schema of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// Stack files.
    Stack,
    /// What `drift --json` prints.
    Drift,
}

/// `graph`
#[derive(Debug, Args)]
pub struct Graph {
    /// The stack's files.
    #[command(flatten)]
    pub files: Files,
    /// In which language.
    #[arg(long, value_enum, default_value_t = GraphFormat::Mermaid)]
    pub format: GraphFormat,
}

/// `explain`
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 explained, 1 no such code.

Examples:
  provision explain                               every code
  provision explain PG001                         a guardrail: what it means, why, how to mend it
  provision explain E0201                         a fault of a stack file
  provision explain only                          a kind of claim that `verify` puts")]
pub struct Explain {
    /// The code, such as PG001; all are listed without it.
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
    /// Print a document for machines.
    #[arg(long, requires = "code")]
    pub json: bool,
}

/// What a policy is attached to: AWS takes other documents for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PolicyKind {
    /// A role's or user's own policy, a boundary or a session policy.
    Identity,
    /// A role's trust policy.
    Trust,
    /// A topic's policy.
    Topic,
    /// A queue's policy.
    Queue,
    /// A REST API's policy.
    Api,
    /// A KMS key's policy.
    Key,
    /// The policy of another resource.
    Resource,
    /// A service or resource control policy of an organization.
    Organization,
}

/// `simulate`
#[derive(Debug, Args)]
#[command(after_help = "\
Reads JSON lines on stdin and answers each with one. A line that cannot be read, or whose
documents AWS refuses, gets an error with its place; the other lines are answered.")]
pub struct Simulate {
    /// What `resourcePolicy` is attached to; told from the request if left out.
    #[arg(long, value_name = "KIND")]
    pub kind: Option<PolicyKind>,
}

/// `compare`
#[derive(Debug, Args)]
#[command(after_help = "\
Without files it reads JSON lines {\"name\", \"old\", \"new\"} on stdin and answers each with one.

Examples:
  provision compare old.json new.json             widened, narrowed, both, cosmetic or equal
  provision compare < pairs.jsonl")]
pub struct Compare {
    /// The policy as it was.
    #[arg(value_name = "OLD", requires = "new")]
    pub old: Option<PathBuf>,
    /// The policy as it is to be.
    #[arg(value_name = "NEW")]
    pub new: Option<PathBuf>,
    /// What the policies are attached to; told from the documents if left out.
    #[arg(long, value_name = "KIND")]
    pub kind: Option<PolicyKind>,
    /// Print a document for machines.
    #[arg(long)]
    pub json: bool,
}

/// A language for graphs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Graphviz.
    Dot,
    /// Mermaid.
    Mermaid,
    /// JSON, with what each resource needs.
    Json,
}

/// `fmt`
#[derive(Debug, Args)]
pub struct Fmt {
    /// The files; `provision.toml` when none is named.
    #[arg(value_name = "FILE", default_value = "provision.toml")]
    pub files: Vec<PathBuf>,
    /// Change nothing; exit 1 when a file is not laid out so.
    #[arg(long)]
    pub check: bool,
}

/// The command that does `verb` to the same stack in the same place, ready to be pasted.
#[must_use]
pub fn command(verb: &str, files: &Files, place: &Where) -> String {
    let mut text = format!("provision {verb}");
    if files.stack.as_os_str() != STACK {
        text += &format!(" {}", quoted(&files.stack.display().to_string()));
    }
    text + &beside_stack(files, place)
}

/// The flags that name the same stack in the same place, of a command whose first words are others.
pub(super) fn stack_flags(files: &Files, place: &Where) -> String {
    let mut text = String::new();
    if files.stack.as_os_str() != STACK {
        text += &format!(" --stack {}", quoted(&files.stack.display().to_string()));
    }
    text + &beside_stack(files, place)
}

fn beside_stack(files: &Files, place: &Where) -> String {
    let mut text = String::new();
    let mut add = |flag: &str, path: &std::path::Path| {
        text += flag;
        text += &quoted(&path.display().to_string());
    };
    for file in &files.with {
        add(" --with ", file);
    }
    match &place.sandbox {
        Some(directory) if directory.as_os_str() == SANDBOX => text += " --sandbox",
        Some(directory) => add(" --sandbox ", directory),
        None => {}
    }
    if place.session_policy {
        text += " --session-policy";
    }
    text
}

pub(super) use crate::escape::language::shell as quoted;

fn selector(text: &str) -> Result<Selector, String> {
    text.parse()
}

fn interval(text: &str) -> Result<Duration, String> {
    match crate::stack::duration(text) {
        Some(it) if it >= Duration::from_secs(1) => Ok(it),
        Some(_) => Err("less than a second is too short; write `30s` or `15m`".to_owned()),
        None => Err(format!(
            "`{text}` is not a span of time; write `30s` or `15m`"
        )),
    }
}

fn address(text: &str) -> Result<Address, String> {
    let wrong = "is not an address; write the kind's table and the name, as in `queues.inbox`";
    text.parse().map_err(|()| format!("`{text}` {wrong}"))
}

fn queue_arn(text: &str) -> Result<Arn, String> {
    Arn::parse(text)
        .ok()
        .filter(|it| it.service() == "sqs")
        .ok_or_else(|| {
            format!("`{text}` is not a queue's ARN; write it as `arn:aws:sqs:REGION:ACCOUNT:NAME`")
        })
}
