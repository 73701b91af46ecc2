//! Policies that this stack cannot write: their documents, and the same as lines of a stack.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::consumer::{Consumer, Whom};
use super::granted;
use crate::kinds::survey::{KeyReading, Keys, Live};
use crate::kinds::with_ids;
use crate::lower::{Desired, KeyUse};
use crate::model::{Address, Arn, KindName, KmsKey, Partition};
use crate::policy::{Clause, Document, Statement};
use crate::stack::{Principal, QueueUse, Stack};

/// A policy that somebody has to attach.
#[derive(Clone, Debug, PartialEq)]
pub struct Attach {
    /// To what.
    pub to: Holder,
    /// What it is for.
    pub why: String,
    /// A name for it.
    pub name: String,
    /// The policy.
    pub document: Document,
    /// The same as lines of a stack that manages the holder, where a stack can.
    pub toml: Option<String>,
}

/// What a policy is attached to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// One role, as a policy of its own.
    Role(Arn),
    /// The roles of an account that are to have it, said in words.
    Roles(String),
    /// A topic that is somebody else's, as a part of its access policy.
    Topic(Arn),
    /// A KMS key, as a part of its key policy.
    Key(KmsKey),
}

impl std::fmt::Display for Holder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Role(arn) => write!(out, "role {arn}"),
            Self::Roles(words) => out.write_str(words),
            Self::Topic(arn) => write!(out, "the access policy of topic {arn}"),
            Self::Key(key) => write!(out, "the key policy of KMS key {key}"),
        }
    }
}

/// The policies that others have to attach before the consumer's edges work.
pub(super) fn to_attach(
    consumer: &Consumer,
    stack: &Stack,
    desired: &Desired,
    live: &Live,
) -> Vec<Attach> {
    let ids = &live.ids();
    let mut found: Vec<Attach> = Vec::new();
    let mut topics: Vec<Arn> = Vec::new();
    let first = stack.accounts.values().next();
    let partition = first.map_or(Partition::Aws, |it| it.place.partition());
    for (access, grant) in granted(consumer, stack, desired) {
        let why = format!("to use {}", grant.target);
        let theirs = desired
            .handovers
            .iter()
            .filter(|it| it.principal == grant.who && it.why == why);
        for handover in theirs {
            let (to, example) = holder(consumer, &access.from, partition);
            let name = format!("{}-{}", stack.name, grant.target.name).replace('.', "-");
            let document = with_ids(&handover.document, ids);
            let new = Attach {
                toml: example.map(|it| as_stack(it, &name, &document)),
                to,
                why: why.clone(),
                name,
                document,
            };
            if !found.contains(&new) {
                found.push(new);
            }
        }
        if let crate::stack::Target::Topic { name } = &access.to {
            topics.push(stack.topics[name].arn.clone());
        }
    }
    if let Whom::Queue(name) = &consumer.whom {
        let queue = &stack.queues[name];
        for it in &queue.subscribe {
            topics.push(match &it.topic {
                crate::stack::TopicRef::Stack(name) => stack.topics[name].arn.clone(),
                crate::stack::TopicRef::Arn(arn) | crate::stack::TopicRef::Contract { arn, .. } => {
                    arn.clone()
                }
            });
        }
        found.push(receiving(name, &queue.arn, desired));
    }
    topics.sort();
    topics.dedup();
    for topic in topics {
        let theirs = desired
            .handovers
            .iter()
            .filter(|it| it.principal == topic.as_str());
        found.extend(theirs.map(|it| Attach {
            to: Holder::Topic(topic.clone()),
            why: "its owner lets this stack in".to_owned(),
            name: topic.name().to_owned(),
            document: with_ids(&it.document, ids),
            toml: None,
        }));
    }
    let missing = desired
        .key_uses
        .iter()
        .filter(|it| it.is_missing(&live.keys));
    let mut by_key: BTreeMap<&KmsKey, Vec<&KeyUse>> = BTreeMap::new();
    for it in missing.filter(|it| concerns(consumer, stack, desired, it)) {
        by_key.entry(&it.key).or_default().push(it);
    }
    found.extend(by_key.into_iter().map(|(key, uses)| Attach {
        to: Holder::Key(key.clone()),
        why: KeyUse::why(&uses),
        name: key.arn().name().to_owned(),
        document: Document::of(uses.iter().map(|it| it.statement.clone()).collect()),
        toml: None,
    }));
    found
}

/// The keys that a consumer's edges need, and whose policies could not be read.
pub(super) fn unread_keys(
    consumer: &Consumer,
    stack: &Stack,
    desired: &Desired,
    keys: &Keys,
) -> Vec<String> {
    let uses = desired.key_uses.iter();
    let uses = uses.filter(|it| concerns(consumer, stack, desired, it) && !it.is_missing(keys));
    let unread = uses.filter_map(|it| {
        let why = match keys.get(&it.key) {
            Some(KeyReading::Read { .. }) => return None,
            Some(KeyReading::Unread(why)) => why,
            None => "it was not asked for",
        };
        Some(format!(
            "The policy of KMS key {} of {} could not be read ({why}). It must leave account {} to its own policies, as a \
             key's first policy does, or allow this: `{}`",
            it.key,
            it.target,
            it.key.arn().account(),
            it.statement.to_value()
        ))
    });
    unread.collect()
}

/// Whether a consumer's edges need this use of a key.
fn concerns(consumer: &Consumer, stack: &Stack, desired: &Desired, it: &KeyUse) -> bool {
    match &consumer.whom {
        Whom::Queue(name) => it.target == Address::new(KindName::Queue, name),
        _ => granted(consumer, stack, desired).iter().any(|(_, grant)| {
            let calls = grant.who == it.by && grant.target == it.target;
            // An API that sends what it is called with to a queue works with a role of its own.
            calls || it.by == grant.target.to_string()
        }),
    }
}

/// Who attaches a policy, and the role that an example of a stack is about.
fn holder(
    consumer: &Consumer,
    from: &Principal,
    partition: Partition,
) -> (Holder, Option<Example>) {
    let of = |arn: &Arn| Example {
        arn: arn.to_string(),
        role: arn.name().to_owned(),
        remark: None,
    };
    match (&consumer.whom, from) {
        (Whom::OutsideRole(arn), _) | (_, Principal::RoleArn(arn) | Principal::Named(arn)) => {
            (Holder::Role(arn.clone()), Some(of(arn)))
        }
        (_, Principal::RolePrefix { account, prefix }) => (
            Holder::Roles(format!(
                "each role of account {account} that is to use it; its path and name begin with `{prefix}`"
            )),
            Some(Example {
                arn: format!("arn:{partition}:iam::{account}:role/{prefix}NAME"),
                role: "caller".to_owned(),
                remark: Some("your own role's ARN"),
            }),
        ),
        (_, Principal::Account(account)) => (
            Holder::Roles(format!("each role of account {account} that is to use it")),
            Some(Example {
                arn: format!("arn:{partition}:iam::{account}:role/NAME"),
                role: "caller".to_owned(),
                remark: Some("your own role's ARN"),
            }),
        ),
        _ => (Holder::Roles(consumer.name.clone()), None),
    }
}

/// What a role needs to receive from a queue; whose role that is, the stack does not say.
fn receiving(name: &str, queue: &Arn, desired: &Desired) -> Attach {
    let actions = QueueUse::Receive.actions().iter().copied();
    let sid: String = name
        .split(|it: char| !it.is_ascii_alphanumeric())
        .filter_map(|it| it.split_at_checked(1))
        .map(|(head, tail)| head.to_ascii_uppercase() + tail)
        .collect();
    let statement =
        Statement::allow(format!("Receive{sid}"), Clause::of(actions)).on([queue.as_str()]);
    let mut statements = vec![statement];
    let address = Address::new(KindName::Queue, name);
    statements.extend(desired.receiving_by_key(&address, &format!("Decrypt{sid}")));
    let document = Document::of(statements);
    let policy = format!("receive-{name}");
    let toml = as_stack(
        Example {
            arn: format!(
                "arn:{}:iam::{}:role/NAME",
                queue.partition(),
                queue.account()
            ),
            role: "receiver".to_owned(),
            remark: Some("or without `existing`, a role of the stack"),
        },
        &policy,
        &document,
    );
    Attach {
        to: Holder::Roles(format!(
            "the role in account {} that is to receive",
            queue.account()
        )),
        why: format!("to use queues.{name}"),
        name: policy,
        document,
        toml: Some(toml),
    }
}

/// The role that lines of a stack are about.
struct Example {
    arn: String,
    role: String,
    remark: Option<&'static str>,
}

/// A policy as lines of a stack that manages the role's.
fn as_stack(example: Example, policy: &str, document: &Document) -> String {
    let role = key(&example.role);
    let policy = key(policy);
    let mut text = format!(
        "[roles.{role}]\nexisting = {}",
        inline(&Value::String(example.arn))
    );
    if let Some(remark) = example.remark {
        let _ = write!(text, "   # {remark}");
    }
    let table = format!("roles.{role}.policies.{policy}");
    let _ = write!(text, "\n\n[{table}]\n");
    let value = document.to_value();
    for (name, value) in value.as_object().into_iter().flatten() {
        if name != "Statement" {
            let _ = writeln!(text, "{} = {}", key(name), inline(value));
        }
    }
    for statement in value["Statement"].as_array().into_iter().flatten() {
        let _ = write!(text, "\n[[{table}.Statement]]\n");
        let fields: Vec<_> = statement.as_object().into_iter().flatten().collect();
        let width = fields.iter().map(|(name, _)| key(name).len()).max();
        for (name, value) in fields {
            let width = width.unwrap_or_default();
            let _ = writeln!(text, "{:width$} = {}", key(name), inline(value));
        }
    }
    text
}

fn key(name: &str) -> String {
    toml_edit::Key::new(name).display_repr().into_owned()
}

/// A JSON value on one line of TOML.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => toml_edit::Value::from(text.as_str()).to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{} = {}", key(name), inline(value)))
                .collect();
            format!("{{ {} }}", fields.join(", "))
        }
        // A policy has no null.
        Value::Null => "\"\"".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}
