//! What one stack offers to others, and what others claim of it: the words both sides share.
//!
//! The owner's stack offers; `provision export` writes what it offers into a contract; the
//! consumer's stack claims from the contract by name. A claims file goes the other way: it
//! tells the owner who uses what. Both files are written here, and read in `sealed.rs`,
//! `contracts.rs` and `claims.rs`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::escape::toml::{self, comment, key, string as quoted};
use crate::model::{AccountId, Address, Arn, KindName, Region};

use super::routes::covers;
use super::sealed::{VERSION, seal};
use super::{Principal, RouteKey, Via};

/// What may be done with a target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leave {
    /// These routes of an API may be called.
    Call(Vec<RouteKey>),
    /// A topic may be published to.
    Publish,
    /// A queue may be subscribed to a topic.
    Subscribe,
}

impl Leave {
    /// As a sentence has it: `call GET /orders/{id} of`.
    #[must_use]
    pub fn verb(&self) -> String {
        match self {
            Self::Call(routes) => {
                let routes: Vec<String> = routes.iter().map(ToString::to_string).collect();
                format!("call {} of", routes.join(", "))
            }
            Self::Publish => "publish to".to_owned(),
            Self::Subscribe => "subscribe to".to_owned(),
        }
    }

    /// As `allow` has it.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Call(routes) => routes.iter().map(ToString::to_string).collect(),
            Self::Publish => vec!["publish".to_owned()],
            Self::Subscribe => vec!["subscribe".to_owned()],
        }
    }
}

/// Who an offer is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invited {
    /// Whoever claims it, once the claims file is listed in the owner's stack.
    Anyone,
    /// A role of another stack, the roles of a prefix, or a whole account.
    Principal(Principal),
    /// A queue of another stack.
    Queue(Arn),
}

impl Invited {
    /// Whether a role or queue with this ARN is meant.
    #[must_use]
    pub fn means(&self, by: &Arn) -> bool {
        match self {
            Self::Anyone => true,
            Self::Queue(arn) | Self::Principal(Principal::Named(arn)) => arn == by,
            Self::Principal(Principal::Account(id)) => by.account() == id.as_str(),
            Self::Principal(Principal::RolePrefix { account, prefix }) => {
                by.account() == account.as_str()
                    && by
                        .resource()
                        .strip_prefix("role/")
                        .is_some_and(|it| it.starts_with(prefix))
            }
            Self::Principal(_) => false,
        }
    }

    /// As a sentence has it.
    #[must_use]
    pub fn says(&self) -> String {
        match self {
            Self::Anyone => "anyone who claims it".to_owned(),
            Self::Queue(arn) | Self::Principal(Principal::Named(arn)) => arn.to_string(),
            Self::Principal(Principal::Account(id)) => format!("account {id}"),
            Self::Principal(Principal::RolePrefix { account, prefix }) => {
                format!("roles {prefix}* of account {account}")
            }
            Self::Principal(_) => String::new(),
        }
    }

    fn toml(&self) -> String {
        match self {
            Self::Anyone => quoted("anyone"),
            Self::Queue(arn) | Self::Principal(Principal::Named(arn)) => quoted(arn.as_str()),
            Self::Principal(Principal::RolePrefix { account, prefix }) => format!(
                "{{ account = {}, role_prefix = {} }}",
                quoted(account.as_str()),
                quoted(prefix)
            ),
            Self::Principal(Principal::Account(id)) => {
                format!("{{ account = {} }}", quoted(id.as_str()))
            }
            Self::Principal(_) => String::new(),
        }
    }
}

/// What a stack offers to one consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The API or topic.
    pub to: Address,
    /// What may be done with it.
    pub leave: Leave,
    /// To whom.
    pub to_whom: Invited,
    /// What the owner calls the consumer, when it says so.
    pub name: Option<String>,
    /// By which mechanism: never `Auto`.
    pub via: Via,
    /// The access role's name in IAM, when it is not the usual one.
    pub role_name: Option<String>,
    /// The external id that the access role asks for.
    pub external_id: Option<String>,
    /// Where it is written, as `file:line`.
    pub written_at: String,
}

impl Offer {
    /// Whether somebody's claim lies within it.
    #[must_use]
    pub fn covers(&self, to: &Address, leave: &Leave, by: &Arn) -> bool {
        self.to == *to && self.to_whom.means(by) && within(leave, &self.leave)
    }
}

/// Whether a leave lies within another.
fn within(inner: &Leave, outer: &Leave) -> bool {
    match (inner, outer) {
        (Leave::Call(inner), Leave::Call(outer)) => inner
            .iter()
            .all(|it| outer.iter().any(|outer| covers(outer, it))),
        (Leave::Publish, Leave::Publish) | (Leave::Subscribe, Leave::Subscribe) => true,
        _ => false,
    }
}

/// A queue, or an account's queues, that may subscribe to a topic of the stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subscriber {
    /// The topic, by its name in the stack.
    pub topic: String,
    /// One queue, or every queue of an account.
    pub who: Subscribing,
}

/// Who may subscribe.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subscribing {
    /// This queue.
    Queue(Arn),
    /// Every queue of this account.
    Account(AccountId),
}

/// What another stack offers, as its contract says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// The owner's stack.
    pub stack: String,
    /// What the owner's stack wanted when it was exported.
    pub stack_digest: String,
    /// The digest of the contract itself; empty until it is written.
    pub digest: String,
    /// The APIs, by their names in the owner's stack.
    pub apis: BTreeMap<String, ContractApi>,
    /// The topics, by their names in the owner's stack.
    pub topics: BTreeMap<String, ContractTopic>,
    /// What is offered.
    pub offers: Vec<Offered>,
}

/// An API of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractApi {
    /// Its account.
    pub account: AccountId,
    /// Its region.
    pub region: Region,
    /// Its stage.
    pub stage: String,
    /// Its id; `None` while the owner had not made it.
    pub id: Option<String>,
}

/// A topic of a contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractTopic {
    /// Its ARN.
    pub arn: Arn,
    /// The owner had not made it yet.
    pub pending: bool,
    /// The KMS key that whoever publishes must be able to use: its ARN, or that of an alias.
    pub kms_key: Option<Arn>,
}

/// Something offered to one consumer, with what the consumer needs to use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The API or topic, as the owner's stack calls it.
    pub to: Address,
    /// What may be done with it.
    pub leave: Leave,
    /// To whom.
    pub to_whom: Invited,
    /// By which mechanism: never `Auto`.
    pub via: Via,
    /// The access role, where it has one name for all.
    pub role: Option<Arn>,
    /// The external id that the access role asks for.
    pub external_id: Option<String>,
}

/// What a stack claims of a contract for one of its roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The role, by its name in the stack.
    pub from: String,
    /// The contract, by its name in the stack.
    pub contract: String,
    /// The API or topic, as the owner's stack calls it.
    pub to: Address,
    /// What is claimed: no more than is offered.
    pub leave: Leave,
    /// The offer it lies within.
    pub offered: Offered,
    /// Where it is written, as `file:line`.
    pub written_at: String,
}

/// Something that another stack says it uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The stack that claims.
    pub stack: String,
    /// The API or topic of this stack.
    pub to: Address,
    /// What is claimed.
    pub leave: Leave,
    /// The role or queue it is claimed for.
    pub by: Arn,
    /// Where it is written, as `file:line`.
    pub written_at: String,
}

/// A claim that no contract covers any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// The role or queue that claims.
    pub by: Address,
    /// What is the matter, in one line.
    pub says: String,
    /// Where it is written, as `file:line`.
    pub written_at: String,
}

fn list(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|it| quoted(it)).collect();
    toml::list(&words)
}

fn comments(lines: &[&str]) -> String {
    lines.iter().map(|it| comment(it) + "\n").collect()
}

impl Contract {
    /// The contract as a file, sealed.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "{}\n[contract]\nversion   = {VERSION}\nstack     = {}\nexported  = {}\ndigest    = \"\"\n",
            comments(&[
                &format!(
                    "What the stack `{}` offers to others. `provision export` writes this file, and its digest",
                    self.stack
                ),
                "tells when something else did: change the stack and export again.",
                &format!(
                    "A consumer's stack names it: `[contracts.{}]` and under it `file = \"…\"`.",
                    self.stack
                ),
            ]),
            quoted(&self.stack),
            quoted(&self.stack_digest),
        );
        for (name, api) in &self.apis {
            let _ = write!(
                text,
                "\n[apis.{}]\naccount = {}\nregion  = {}\nstage   = {}\n",
                key(name),
                quoted(api.account.as_str()),
                quoted(api.region.as_str()),
                quoted(&api.stage)
            );
            let _ = match &api.id {
                Some(id) => writeln!(text, "id      = {}", quoted(id)),
                None => writeln!(text, "pending = true"),
            };
        }
        for (name, topic) in &self.topics {
            let _ = write!(
                text,
                "\n[topics.{}]\narn = {}\n",
                key(name),
                quoted(topic.arn.as_str())
            );
            if topic.pending {
                text.push_str("pending = true\n");
            }
            if let Some(key) = &topic.kms_key {
                let _ = writeln!(text, "kms_key = {}", quoted(key.as_str()));
            }
        }
        for it in &self.offers {
            let _ = write!(
                text,
                "\n[[offers]]\nto    = {}\nallow = {}\nfor   = {}\nvia   = {}\n",
                quoted(&it.to.to_string()),
                list(&it.leave.words()),
                it.to_whom.toml(),
                quoted(match it.via {
                    Via::AssumeRole => "assume-role",
                    Via::ResourcePolicy | Via::Auto => "resource-policy",
                }),
            );
            if let Some(role) = &it.role {
                let _ = writeln!(text, "role  = {}", quoted(role.as_str()));
            }
            if let Some(id) = &it.external_id {
                let _ = writeln!(text, "external_id = {}", quoted(id));
            }
        }
        seal(&text, "contract")
    }

    /// Everything that is offered, as `allow` of a claim would have it, for whom it is.
    pub fn offers_of<'a>(&'a self, to: &'a Address) -> impl Iterator<Item = &'a Offered> {
        self.offers.iter().filter(move |it| it.to == *to)
    }
}

/// The file by which a stack tells an owner what it claims of a contract.
#[must_use]
pub fn claims_text(stack: &str, contract: &Contract, claims: &[Claimed]) -> String {
    let mut text = format!(
        "{}\n[claims]\nversion   = {VERSION}\nstack     = {}\nof        = {}\ncontract  = {}\ndigest    = \"\"\n",
        comments(&[
            &format!(
                "What the stack `{stack}` claims of the stack `{}`. `provision export --claims` writes this file.",
                contract.stack
            ),
            "The owner's stack lists it: `claims = [\"…\"]` under `[stack]`.",
        ]),
        quoted(stack),
        quoted(&contract.stack),
        quoted(&contract.digest),
    );
    for it in claims {
        let _ = write!(
            text,
            "\n[[claim]]\nto    = {}\nallow = {}\nby    = {}\n",
            quoted(&it.to.to_string()),
            list(&it.leave.words()),
            quoted(it.by.as_str()),
        );
    }
    seal(&text, "claims")
}

/// `apis.orders` or `topics.events`, as an address.
pub(super) fn target(text: &str) -> Option<Address> {
    let found: Address = text.parse().ok()?;
    matches!(found.kind, KindName::RestApi | KindName::Topic).then_some(found)
}

impl Offered {
    /// Whether a claim of somebody lies within it.
    #[must_use]
    pub fn covers(&self, to: &Address, leave: &Leave, by: &Arn) -> bool {
        self.to == *to && self.to_whom.means(by) && within(leave, &self.leave)
    }
}
