//! Text to [`Stack`], in the author's nouns: account, role, api, topic, queue, access.
//!
//! A `Stack` that exists is right: every reference resolves, every name is one
//! AWS takes, every default is spelled out. Faults are gathered and shown
//! together, each at the words that caused it.

#![cfg_attr(
    test,
    allow(
        clippy::needless_raw_string_hashes,
        reason = "snapshots are rewritten by their tests, with hashes"
    )
)]

mod accept;
mod access;
mod accounts;
mod allow;
mod api;
mod apis;
mod callers;
mod check;
mod checker;
mod claims;
mod contract;
mod contracts;
mod diagnostic;
mod documents;
mod downgrade;
pub mod edit;
mod fields;
mod filters;
mod integrations;
mod keys;
mod known;
#[cfg(test)]
mod laws;
mod layout;
mod moved;
mod names;
mod networks;
mod nevers;
mod offers;
mod openapi;
mod organization;
mod passed;
mod principals;
mod queue_refs;
mod queues;
mod reference;
mod roles;
mod routes;
mod schema;
mod sealed;
mod services;
mod shape;
mod stages;
mod statements;
mod subscriptions;
mod surfaces;
mod syntax;
mod targets;
#[cfg(test)]
mod testing;
mod topics;
mod units;
mod written;

pub use accept::Accepted;
pub use api::{Api, Endpoint, Integration, LogLevel, Route, RouteKey, RouteRole, Stage, Surface};
pub use contract::{
    Claim, Claimed, Contract, ContractApi, ContractTopic, Invited, Leave, Offer, Offered,
    Subscriber, Subscribing, Withdrawn, claims_text,
};
pub use diagnostic::{Code, Diagnostic, Faults, Fix, Label, Span, nearest};
pub use known::{Known, KnownContent};
pub use moved::Moved;
pub use networks::Network;
pub use nevers::{Deed, Forbidden, Never, Whom};
pub use statements::WrittenStatement;
pub use targets::{QueueUse, Target};
pub use topics::OPTIONAL as OPTIONAL_OF_TOPICS;
pub use written::{TooMuch, Written, written};

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{AccountId, Address, Arn, KmsKey, Place, Tags};
use crate::policy::Document;

/// A file of the author's: its name as messages show it, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The name, such as `shop.toml`.
    pub name: String,
    /// All of its text.
    pub text: String,
}

/// The stack that the files declare, or all that is wrong with them.
///
/// Overlays are laid over the stack in their order: tables merge by key,
/// `[[access]]`, `[[never]]`, `[[moved]]`, `[[known]]` and `[[statement]]` are added, anything else replaces.
/// `read` gives the text of the files that the stack names (`OpenAPI` documents, policies), or says why it cannot.
pub fn check(
    main: &Source,
    overlays: &[Source],
    read: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Stack, Faults> {
    let sources: Vec<Source> = std::iter::once(main).chain(overlays).cloned().collect();
    check::check(&sources, read, Unmet::Refused)
}

/// The same, where a claim that no contract covers is no fault, but told in [`Stack::withdrawn`].
pub fn check_withdrawn(
    main: &Source,
    overlays: &[Source],
    read: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Stack, Faults> {
    let sources: Vec<Source> = std::iter::once(main).chain(overlays).cloned().collect();
    check::check(&sources, read, Unmet::Told)
}

/// What becomes of claims that no contract covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unmet {
    /// They are faults.
    Refused,
    /// They are told.
    Told,
}

/// The text of a stack or overlay in its one layout, or every syntax error of it.
///
/// [`Faults::in_file`] gives the faults the name of the file.
pub fn format(text: &str) -> Result<String, Faults> {
    layout::format(&Source {
        name: "the stack".to_owned(),
        text: text.to_owned(),
    })
}

/// Why nothing in a stack can have this name; `None` when it can.
#[must_use]
pub fn refuses_name(name: &str) -> Option<String> {
    names::KEY.refuses(name).map(names::Refusal::reason)
}

/// A span of time as a stack spells it: `90s`, `5m`, `1h30m`.
#[must_use]
pub fn duration(text: &str) -> Option<std::time::Duration> {
    let millis = units::duration(text)?;
    u64::try_from(millis)
        .ok()
        .map(std::time::Duration::from_millis)
}

/// The JSON Schema (draft 7) of a stack file.
#[must_use]
pub fn schema() -> serde_json::Value {
    schema::schema()
}

/// Every table and field of a stack, as Markdown.
#[must_use]
pub fn reference() -> String {
    reference::reference()
}

/// What the author declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Stack {
    /// The stack's name: the mark on everything it owns.
    pub name: String,
    /// Tags that every resource gets.
    pub tags: Tags,
    /// Accounts by name.
    pub accounts: BTreeMap<String, Account>,
    /// The account from which the organization's policies are read.
    pub organization: Option<Account>,
    /// Roles by name.
    pub roles: BTreeMap<String, Role>,
    /// REST APIs by name.
    pub apis: BTreeMap<String, Api>,
    /// KMS keys whose policies this stack writes into, by name.
    pub keys: BTreeMap<String, Key>,
    /// Topics by name.
    pub topics: BTreeMap<String, Topic>,
    /// Queues by name.
    pub queues: BTreeMap<String, Queue>,
    /// Who may do what, in the order written; what is offered to others after it.
    pub access: Vec<Access>,
    /// What other stacks may claim, in the order written.
    pub offers: Vec<Offer>,
    /// Queues of others that may subscribe to topics of this stack.
    pub subscribers: BTreeSet<Subscriber>,
    /// What other stacks say they use of this one.
    pub claimed: Vec<Claimed>,
    /// What other stacks offer, by the name this stack gives each contract.
    pub contracts: BTreeMap<String, Contract>,
    /// What this stack claims of them for its roles.
    pub claims: Vec<Claim>,
    /// Claims that no contract covers, where they are told and not refused.
    pub withdrawn: Vec<Withdrawn>,
    /// What may never be possible, in the order written.
    pub nevers: Vec<Never>,
    /// Resources that have another address than before.
    pub moved: Vec<Moved>,
    /// Guardrails that resources may go over, and why.
    pub accepts: BTreeMap<Address, Accepted>,
    /// What others put on resources of the stack and may stay, in the order written.
    pub known: Vec<Known>,
    /// Statements of resources' policies as the author wrote them, in the order written.
    pub statements: Vec<WrittenStatement>,
    /// What the author should know of, though AWS takes it.
    pub warnings: Option<Faults>,
}

/// An account in one region, and how the engine gets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Name, id and region.
    pub place: Place,
    /// How the engine gets credentials there.
    pub credentials: Credentials,
    /// The permissions boundary of every role made there, unless the role names another.
    pub boundary: Option<Arn>,
    /// What AWS allows there of each role and API, where it was raised.
    pub quotas: crate::policy::size::Quotas,
}

/// How the engine gets credentials for an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The profile to begin with; `None` for the default chain.
    pub profile: Option<String>,
    /// The role to assume there; `None` to use the beginning credentials as they are.
    pub role: Option<Arn>,
    /// The external id that role asks for.
    pub external_id: Option<String>,
}

/// An IAM role.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// The account's name in the stack.
    pub account: String,
    /// The role's ARN: known before it exists, since the author names it.
    pub arn: Arn,
    /// The name in IAM.
    pub name: String,
    /// The path, `/` at both ends.
    pub path: String,
    /// Something else made the role: only our inline policy on it is ours.
    pub existing: bool,
    /// The description; empty for none.
    pub description: String,
    /// Who may assume it, beside what `[[access]]` adds.
    pub trusted_by: Vec<Principal>,
    /// The trust policy itself, in place of `trusted_by`.
    pub trust_policy: Option<Document>,
    /// The author's inline policies by name.
    pub policies: BTreeMap<String, Document>,
    /// Managed policies attached.
    pub attach: BTreeSet<Arn>,
    /// The permissions boundary.
    pub boundary: Option<Arn>,
    /// Longest session, in seconds.
    pub max_session: u32,
    /// The author's tags, the stack's included.
    pub tags: Tags,
    /// Remove policies on the role that this stack does not declare.
    pub exclusive: bool,
}

/// Who may assume a role or is let in by an access.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Principal {
    /// A role of this stack, by name.
    Role(String),
    /// A role that this stack does not own.
    RoleArn(Arn),
    /// A role of another stack that this one offers something to: it need not exist yet.
    Named(Arn),
    /// Every role of an account whose path and name begin with this.
    RolePrefix {
        /// The account.
        account: AccountId,
        /// What `role/` is followed by: `billing-`, `team/billing-`.
        prefix: String,
    },
    /// A whole account: whoever its own policies let.
    Account(AccountId),
    /// An AWS service, such as `lambda.amazonaws.com`.
    Service(String),
    /// Tokens of an OIDC provider known to the account.
    Oidc {
        /// The provider's host and path: `token.actions.githubusercontent.com`.
        provider: String,
        /// The audience tokens must carry.
        audience: String,
        /// The subjects let in; `*` and `?` match as in `StringLike`.
        subjects: Vec<String>,
    },
    /// An AWS service that acts for resources or an account: `s3.amazonaws.com` for a bucket.
    ServiceFor {
        /// The service, as for [`Principal::Service`].
        service: String,
        /// ARNs of the resources it acts for; `*` and `?` match as in `ArnLike`.
        sources: Vec<String>,
        /// The account it acts for.
        account: Option<AccountId>,
    },
    /// Every account of an organization, or of a part of it.
    Organization {
        /// `o-a1b2c3d4e5`
        id: String,
        /// `r-ab12/ou-ab12-11111111`: only the accounts of this unit and of those below it.
        unit: Option<String>,
    },
    /// Everyone who comes by a network.
    Network(Network),
}

/// A role of the stack, or another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleRef {
    /// By its name in the stack.
    Stack(String),
    /// By its ARN.
    Arn(Arn),
}

/// A queue of the stack, or another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueRef {
    /// By its name in the stack.
    Stack(String),
    /// By its ARN.
    Arn(Arn),
}

/// A topic of the stack, or another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopicRef {
    /// By its name in the stack.
    Stack(String),
    /// By its ARN.
    Arn(Arn),
    /// By a contract of the stack that owns it.
    Contract {
        /// The contract, by its name in the stack.
        contract: String,
        /// The topic, as the owner's stack calls it.
        name: String,
        /// Its ARN.
        arn: Arn,
    },
}

/// A KMS key: only our statements of its policy are ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The account's name in the stack.
    pub account: String,
    /// The key's own ARN.
    pub arn: Arn,
}

/// An SNS topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Topic {
    /// The account's name in the stack; for an existing topic elsewhere, `None`.
    pub account: Option<String>,
    /// The ARN.
    pub arn: Arn,
    /// Something else made the topic: only our statements of its policy are ours.
    pub existing: bool,
    /// First in, first out.
    pub fifo: bool,
    /// Deduplicate by content (FIFO).
    pub content_based_deduplication: bool,
    /// Whether FIFO throughput is counted by message group.
    pub message_group_throughput: bool,
    /// The name in SMS and e-mail messages; empty for none.
    pub display_name: String,
    /// The KMS key: id, ARN or alias.
    pub kms_key: Option<String>,
    /// Retries of HTTP deliveries, as SNS's JSON.
    pub delivery_policy: Option<serde_json::Value>,
    /// 1 or 2.
    pub signature_version: u8,
    /// Whether X-Ray traces are passed on (`Active`).
    pub tracing: bool,
    /// Attributes that are left alone unless they are set, by SNS's names for them.
    pub optional: BTreeMap<&'static str, String>,
    /// Those of them that name a role.
    pub feedback_roles: BTreeMap<&'static str, RoleRef>,
    /// Write the statement that lets the account's own policies work on it.
    pub owner_statement: bool,
    /// The author's tags, the stack's included.
    pub tags: Tags,
    /// Refuse every request that does not come over TLS.
    pub tls_only: bool,
    /// Remove statements of its policy that this stack does not declare.
    pub exclusive: bool,
}

/// An SQS queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    /// The account's name in the stack.
    pub account: String,
    /// The ARN.
    pub arn: Arn,
    /// Something else made the queue: only our statements of its policy are ours.
    pub existing: bool,
    /// First in, first out.
    pub fifo: bool,
    /// Deduplicate by content (FIFO).
    pub content_based_deduplication: bool,
    /// Whether deduplication and throughput are by message group (high throughput FIFO).
    pub message_group_throughput: bool,
    /// Delay of deliveries, in seconds.
    pub delay: u32,
    /// Largest message, in bytes.
    pub max_message_size: u32,
    /// How long messages are kept, in seconds.
    pub retention: u32,
    /// How long a receive waits, in seconds.
    pub receive_wait: u32,
    /// How long a received message is hidden, in seconds.
    pub visibility_timeout: u32,
    /// Encryption at rest.
    pub encryption: Encryption,
    /// KMS keys that messages in the queue may still be encrypted with.
    pub earlier_keys: BTreeSet<KmsKey>,
    /// The dead-letter queue, by its name in the stack, and how many receives it takes.
    pub dead_letter: Option<(QueueRef, u32)>,
    /// Which queues may use this one as their dead-letter queue.
    pub redrive_allow: RedriveAllow,
    /// The topics it receives from.
    pub subscribe: Vec<Subscribe>,
    /// The author's tags, the stack's included.
    pub tags: Tags,
    /// Refuse every request that does not come over TLS.
    pub tls_only: bool,
    /// Remove statements of its policy that this stack does not declare.
    pub exclusive: bool,
}

/// How a queue is encrypted at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// By keys that SQS owns.
    Sqs,
    /// Not at all.
    Off,
    /// By a KMS key.
    Kms {
        /// Key id, ARN or alias.
        key: String,
        /// How long a data key is reused, in seconds.
        reuse: u32,
    },
}

/// Which queues may use a queue as their dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedriveAllow {
    /// Every queue of the account and region.
    All,
    /// None.
    Deny,
    /// These.
    Queues(Vec<QueueRef>),
}

/// A subscription of the queue it is written at.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscribe {
    /// The topic.
    pub topic: TopicRef,
    /// Deliver the message alone, without SNS's envelope.
    pub raw: bool,
    /// Which messages, as SNS's filter policy.
    pub filter: Option<serde_json::Value>,
    /// Whether the filter reads the body, instead of message attributes.
    pub filter_on_body: bool,
    /// Where messages go that cannot be delivered.
    pub dead_letter: Option<QueueRef>,
}

/// Who may do what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who.
    pub from: Principal,
    /// On what.
    pub to: Target,
    /// How.
    pub via: Via,
    /// The access role's name in IAM, when it is not the usual one.
    pub role_name: Option<String>,
    /// The external id that the access role asks for.
    pub external_id: Option<String>,
    /// It is an offer: the caller's side is the business of the caller's own stack.
    pub offered: bool,
    /// Where in the files it is written, as `file:line`.
    pub written_at: String,
}

/// The mechanism of an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// Chosen by the engine.
    Auto,
    /// A statement in the target's own policy, and one in the caller's.
    ResourcePolicy,
    /// A role beside the target that the caller assumes.
    AssumeRole,
}
