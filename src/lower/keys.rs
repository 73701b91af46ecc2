//! Encryption with a KMS key: what it asks of those who send and receive, and of the key's own policy.
//!
//! Who publishes to an encrypted topic, sends to an encrypted queue or receives from one uses the key
//! with permissions of their own. The identity side is written with the rest of what they may do. The key's side
//! is written into the policy of a key that the stack declares; of any other it is handed over to the key's owner.
//!
//! | who                              | what                                   | where                             |
//! |----------------------------------|----------------------------------------|-----------------------------------|
//! | publishers, senders              | `kms:Decrypt`, `kms:GenerateDataKey`   | their own policy, and the key's   |
//! | receivers of a queue             | `kms:Decrypt`                          | their own policy, and the key's   |
//! | SNS, delivering to a queue       | `kms:Decrypt`, `kms:GenerateDataKey`   | the key's policy                  |
//!
//! A message stays encrypted with the key it was sent under, in the dead-letter queue too: who receives from a queue needs
//! each key that its messages may be under ([`keys_of_messages`]).
//!
//! In the key's own account its policy may leave it to the account's own policies, as the default one does.
//!
//! See <https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html>.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::identity::Identity;
use super::trust::{Who, statements_for};
use super::{Desired, Draft, Handover, HandoverKind};
use crate::kinds::key::{USES, encrypting};
use crate::kinds::survey::{KeyReading, Keys, Live};
use crate::kinds::{Key, Resource};
use crate::model::{Address, Arn, KindName, KmsKey};
use crate::policy::{
    Change, Clause, Document, PrincipalClause, Principals, Statement, compare, own,
};
use crate::stack::{self, Encryption, QueueRef, QueueUse, Stack};

/// What sending takes.
pub const SENDING: [&str; 2] = ["kms:Decrypt", "kms:GenerateDataKey"];

/// What receiving takes.
pub const RECEIVING: [&str; 1] = ["kms:Decrypt"];

/// Returns what using a queue takes of its key.
#[must_use]
pub fn by_key(it: QueueUse) -> &'static [&'static str] {
    match it {
        QueueUse::Send => &SENDING,
        QueueUse::Receive => &RECEIVING,
    }
}

/// Something that the policy of a KMS key must allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// The key.
    pub key: KmsKey,
    /// Who uses it, as the author calls them.
    pub by: String,
    /// What they do: `publish to`.
    pub does: &'static str,
    /// The topic or queue that the key encrypts.
    pub target: Address,
    /// What the key's policy needs, unless it allows that already.
    pub statement: Statement,
    /// Whether this stack writes that into the key's policy itself.
    pub written: bool,
}

impl KeyUse {
    /// Returns what uses of one key are for, as the end of a sentence.
    #[must_use]
    pub fn why(uses: &[&Self]) -> String {
        let uses = uses.iter();
        let uses: Vec<String> = uses
            .map(|it| format!("{} can {} {}", it.by, it.does, it.target))
            .collect();
        format!("so that {}", uses.join(", and "))
    }

    /// Whether the policy of the key may leave it to its account's own policies.
    #[must_use]
    pub fn is_of_the_keys_account(&self) -> bool {
        let account = self.key.arn().account();
        let principals = self.statement.principal.iter();
        let mut names = principals.flat_map(PrincipalClause::aws_values).peekable();
        names.peek().is_some() && names.all(|it| it.split(':').nth(4) == Some(account))
    }

    /// Returns the statement for no more than the calls that are made of the key: those of a principal come through the service
    /// whose messages it encrypts, and those of a service are made for the source that the statement names.
    ///
    /// See <https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service>.
    fn as_called(&self) -> Statement {
        let mut found = self.statement.clone();
        let principals = self.statement.principal.iter();
        let accounts: BTreeSet<&str> = principals
            .flat_map(PrincipalClause::aws_values)
            .filter_map(|it| it.split(':').nth(4))
            .collect();
        let service = match self.target.kind {
            KindName::Topic => "sns",
            _ => "sqs",
        };
        let tests = found
            .conditions
            .entry("StringEquals".to_owned())
            .or_default();
        if accounts.is_empty() {
            let conditions = self.statement.conditions.values().flatten();
            let sources = conditions.filter(|(key, _)| key.eq_ignore_ascii_case("aws:SourceArn"));
            let owners: Option<BTreeSet<String>> = sources
                .flat_map(|(_, values)| values)
                .map(|it| Some(Arn::parse(it).ok()?.account_id()?.to_string()))
                .collect();
            if let Some(owners) = owners.filter(|it| !it.is_empty()) {
                tests
                    .entry("aws:SourceAccount".to_owned())
                    .or_insert(owners.into_iter().collect());
            }
        } else {
            let via = format!("{service}.{}.amazonaws.com", self.key.arn().region());
            tests.insert("kms:ViaService".to_owned(), vec![via]);
            let accounts = accounts.into_iter().map(str::to_owned).collect();
            tests.insert("kms:CallerAccount".to_owned(), accounts);
        }
        found.conditions.retain(|_, tests| !tests.is_empty());
        found
    }

    /// Whether somebody else has to add it to the key's policy, as far as is known: where the policy was not read, the key's own
    /// account is taken to decide by its own policies, as a key's first policy has it.
    #[must_use]
    pub fn is_missing(&self, keys: &Keys) -> bool {
        match keys.get(&self.key) {
            _ if self.written => false,
            Some(KeyReading::Read { policy, .. }) => {
                let mut with = policy.clone();
                with.statements.push(self.as_called());
                let change = compare(policy, &with).verdict;
                !matches!(change, Change::Equal | Change::Cosmetic)
            }
            Some(KeyReading::Unread(_)) | None => !self.is_of_the_keys_account(),
        }
    }
}

impl Desired {
    /// The statements that the owners of keys have to add to their keys' policies.
    #[must_use]
    pub fn key_handovers(&self, keys: &Keys) -> Vec<Handover> {
        let mut by_key: BTreeMap<&KmsKey, Vec<&KeyUse>> = BTreeMap::new();
        for it in self.key_uses.iter().filter(|it| it.is_missing(keys)) {
            by_key.entry(&it.key).or_default().push(it);
        }
        let handovers = by_key.into_iter().map(|(key, uses)| {
            let statements = uses.iter().map(|it| it.statement.clone()).collect();
            Handover {
                principal: key.to_string(),
                why: KeyUse::why(&uses),
                document: Document::of(statements),
                offered: false,
                kind: HandoverKind::KeyPolicy,
            }
        });
        handovers.collect()
    }

    /// The statements that let a role receive from a queue whose messages are encrypted with keys of the owner's.
    #[must_use]
    pub fn receiving_by_key(&self, queue: &Address, sid: &str) -> Vec<Statement> {
        let mut identity = Identity::default();
        for it in self.key_uses.iter().filter(|it| it.target == *queue) {
            identity.allow_key(&RECEIVING, &it.key);
        }
        let mut statements = identity.statements(|_| sid.to_owned());
        for (number, it) in (2..).zip(statements.iter_mut().skip(1)) {
            it.sid = Some(format!("{sid}{number}"));
        }
        statements
    }
}

/// The keys that topics and queues of a stack are encrypted with: as declared, and those of existing ones as AWS has them.
pub(super) fn keys_of(stack: &Stack, live: Option<&Live>) -> BTreeMap<Address, KmsKey> {
    let mut keys = BTreeMap::new();
    let mut add = |kind, name: &String, arn: &Arn, declared: Option<&str>| {
        let address = Address::new(kind, name);
        let there = || encrypting(&live?.have.get(&address)?.resource);
        let key = declared.map_or_else(there, |it| KmsKey::of(it, arn));
        keys.extend(key.map(|it| (address, it)));
    };
    for (name, topic) in &stack.topics {
        let declared = topic.kms_key.as_deref().unwrap_or_default();
        let declared = Some(declared).filter(|_| !topic.existing);
        add(KindName::Topic, name, &topic.arn, declared);
    }
    for (name, queue) in &stack.queues {
        let declared = match &queue.encryption {
            Encryption::Kms { key, .. } => key.as_str(),
            Encryption::Sqs | Encryption::Off => "",
        };
        let declared = Some(declared).filter(|_| !queue.existing);
        add(KindName::Queue, name, &queue.arn, declared);
    }
    keys
}

/// Returns the keys, beside its own, that messages in a queue of the stack may be encrypted with: those that it had earlier, and those
/// of the queues whose dead letters it takes.
///
/// See <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-server-side-encryption.html>.
pub fn keys_of_messages(
    stack: &Stack,
    queue: &Arn,
    own_key: impl Fn(&Address) -> Option<KmsKey>,
) -> BTreeSet<KmsKey> {
    let mut found = BTreeSet::new();
    for (name, it) in &stack.queues {
        let gives = it.dead_letter.as_ref().is_some_and(|(to, _)| match to {
            QueueRef::Stack(to) => stack.queues[to].arn == *queue,
            QueueRef::Arn(to) => to == queue,
        });
        if it.arn == *queue || gives {
            found.extend(it.earlier_keys.iter().cloned());
        }
        if gives {
            found.extend(own_key(&Address::new(KindName::Queue, name)));
        }
    }
    found.retain(|it| !it.is_managed_by_aws());
    found
}

impl Draft<'_> {
    /// Returns the keys, beside its own, that messages in a queue may be encrypted with.
    pub(super) fn keys_of_messages(&self, queue: &Arn) -> BTreeSet<KmsKey> {
        keys_of_messages(self.stack, queue, |it| self.keys.get(it).cloned())
    }
}

/// Wants, of the policies of the keys that the stack declares, what those need who use what the keys encrypt.
pub(super) fn compile(draft: &mut Draft<'_>) {
    let stack = draft.stack;
    for (name, key) in &stack.keys {
        let uses = draft.key_uses.iter_mut();
        let uses = uses.filter(|it| *it.key.arn() == key.arn).map(|it| {
            it.written = true;
            it.statement.clone()
        });
        let mut statements = merged(uses.collect(), |it| own::sid(&stack.name, it));
        let address = Address::new(KindName::Key, name);
        statements.extend(draft.written(&address, "*", false));
        let resource = Key {
            arn: key.arn.clone(),
            policy: Document::of(statements),
        };
        let place = draft.place(&key.account);
        draft.want(address, place, Resource::Key(resource)).owned = false;
    }
}

/// Returns fewer statements that allow the same: those that differ in a single list are one.
fn merged(statements: Vec<Statement>, sid: impl Fn(&str) -> String) -> Vec<Statement> {
    let mut found: BTreeMap<String, Statement> = BTreeMap::new();
    for mut it in statements {
        it.sid = None;
        let mut rest = it.clone();
        let list = list_of(&mut rest).map(std::mem::take).unwrap_or_default();
        let purpose = format!("{USES} {}", kinds_of_use(&rest));
        match found.entry(purpose) {
            Entry::Vacant(place) => {
                place.insert(it);
            }
            Entry::Occupied(mut place) => {
                if let Some(all) = list_of(place.get_mut()) {
                    all.extend(list);
                    all.sort();
                    all.dedup();
                }
            }
        }
    }
    let found = found.into_iter().map(|(purpose, mut it)| {
        it.sid = Some(sid(&purpose));
        it
    });
    found.collect()
}

/// The list of a statement in which those differ that can be one: the values of its only condition, or whom it names.
fn list_of(statement: &mut Statement) -> Option<&mut Vec<String>> {
    let conditions = statement.conditions.values().map(BTreeMap::len).sum();
    match (conditions, &mut statement.principal.as_mut()?.principals) {
        (1, _) => statement
            .conditions
            .values_mut()
            .flat_map(BTreeMap::values_mut)
            .next(),
        (0, Principals::Of(types)) if types.len() == 1 => types.values_mut().next(),
        _ => None,
    }
}

/// What a statement is for, but for the list that [`list_of`] gives: the same of all that can be one.
fn kinds_of_use(rest: &Statement) -> String {
    let receives = rest.action.values == RECEIVING;
    let mut words = vec![
        if receives {
            "to receive by"
        } else {
            "to send by"
        }
        .to_owned(),
    ];
    match rest.principal.as_ref().map(|it| &it.principals) {
        Some(Principals::Of(types)) => {
            for (kind, names) in types {
                let name = |it: &String| it.split(':').nth(4).unwrap_or(it).to_owned();
                words.push(if names.is_empty() {
                    kind.clone()
                } else {
                    String::new()
                });
                words.extend(names.iter().map(name));
            }
        }
        Some(Principals::Anyone) | None => words.push("anyone".to_owned()),
    }
    for (operator, keys) in &rest.conditions {
        for (key, values) in keys {
            words.push(format!("{operator} {key}"));
            words.extend(values.iter().cloned());
        }
    }
    words.join(" ")
}

/// Notes what the policy of a target's key must allow these principals.
pub(super) fn note_use(
    draft: &mut Draft<'_>,
    target: &Address,
    who: &BTreeSet<Who>,
    by: &str,
    does: &'static str,
    actions: &[&'static str],
) {
    let own = draft.keys.get(target).filter(|it| !it.is_managed_by_aws());
    let mut keys: BTreeSet<KmsKey> = own.cloned().into_iter().collect();
    if let Some(queue) = draft.stack.queues.get(&target.name)
        && target.kind == KindName::Queue
        && actions == RECEIVING
    {
        keys.extend(draft.keys_of_messages(&queue.arn));
    }
    // A key's policy that names a role must be written after the role is made; a condition need not.
    let named = |it: &Who| match it {
        Who::Role(arn) => Who::Matching {
            root: format!("arn:{}:iam::{}:root", arn.partition(), arn.account()),
            pattern: arn.to_string(),
        },
        // What EventBridge publishes to an encrypted topic carries no source to KMS.
        // <https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html>
        Who::ServiceFor { service, .. }
            if target.kind == KindName::Topic && service == "events.amazonaws.com" =>
        {
            Who::Service(service.clone())
        }
        other => other.clone(),
    };
    let who = who.iter().map(named).collect();
    let base = Statement::allow("", Clause::of(actions.iter().copied())).on(["*"]);
    let mut statements = Vec::new();
    let sid = |it: &str| draft.sid(&format!("key {by} {does} {target} {it}"));
    statements_for(&who, &base, sid, &mut statements);
    for (key, statement) in keys
        .iter()
        .flat_map(|key| statements.iter().map(move |it| (key, it)))
    {
        let found = KeyUse {
            key: key.clone(),
            by: by.to_owned(),
            does,
            target: target.clone(),
            statement: statement.clone(),
            written: false,
        };
        if !draft.key_uses.contains(&found) {
            draft.key_uses.push(found);
        }
    }
}

/// Notes who uses the key of a queue: SNS, by its statements of the queue's own policy; and, of a key that the stack does not
/// declare, those whom the queue's account lets receive. In the policy of a declared key only accesses let somebody in.
pub(super) fn note_queue(
    draft: &mut Draft<'_>,
    queue: &Address,
    arn: &Arn,
    deliveries: &[Statement],
) {
    let key = draft.keys.get(queue).filter(|it| !it.is_managed_by_aws());
    if let Some(key) = key.cloned() {
        for (number, it) in (1..).zip(deliveries) {
            let mut statement = it.clone().on(["*"]);
            statement.action = Clause::of(SENDING);
            statement.sid = Some(draft.sid(&format!("key deliver {queue} {number}")));
            draft.key_uses.push(KeyUse {
                key: key.clone(),
                by: "SNS".to_owned(),
                does: "deliver to",
                target: queue.clone(),
                statement,
                written: false,
            });
        }
    }
    let root = format!("arn:{}:iam::{}:root", arn.partition(), arn.account());
    let account = format!("account {}", arn.account());
    let who = BTreeSet::from([Who::Account(root)]);
    let noted = draft.key_uses.len();
    note_use(draft, queue, &who, &account, "receive from", &RECEIVING);
    let declared: BTreeSet<&Arn> = draft.stack.keys.values().map(|it| &it.arn).collect();
    let new = draft.key_uses.split_off(noted);
    let kept = new
        .into_iter()
        .filter(|it| !declared.contains(it.key.arn()));
    draft.key_uses.extend(kept);
}

/// The queues that an API sends to with the role that is made for it.
#[must_use]
pub fn queues_of_integrations(api: &stack::Api) -> BTreeSet<Address> {
    let made = api.sends_to().filter(|(_, role)| role.is_none());
    made.map(|(name, _)| Address::new(KindName::Queue, name))
        .collect()
}

#[cfg(test)]
mod tests;
