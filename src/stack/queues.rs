//! `[queues.NAME]`: an SQS queue, and what it receives.
//!
//! See <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html>
//! and <https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering.html>.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{KindName, KmsKey};

use super::accept::{ACCEPT, accept};
use super::checker::{Checker, Declared, Noun, Standing, texts};
use super::diagnostic::{Code, Diagnostic, Span};
use super::fields::{Fields, Item};
use super::queue_refs::queue_ref;
use super::shape::{Field, Kind, Shape};
use super::syntax::Spanned;
use super::{Encryption, Queue, QueueRef, RedriveAllow, keys, names, subscriptions, topics};

pub(super) const QUEUE: Shape = Shape {
    noun: "queue",
    doc: "An SQS queue and the topics it receives from. Its policy lets those topics deliver, and nobody else.",
    fields: &[
        Field::new("account", Kind::Text, "The account, by its name in the stack; may be left out when there is only one.").with_existing(),
        Field::new("subscribe", Kind::OneOrMany(&Kind::Either(&[Kind::Text, Kind::Table(&subscriptions::SUBSCRIBE)])), "The topics it receives from.").with_existing().alias(&["subscriptions", "topics", "subscription", "subscribes"]),
        Field::new("dead_letter", Kind::Either(&[Kind::Text, Kind::Table(&DEAD_LETTER)]), "The queue that takes messages which were received too often without being deleted.").alias(&["dlq", "redrive_policy", "redrive", "dead_letter_queue"]),
        Field::new("existing", Kind::Text, "The ARN of a queue that something else makes: then only this stack's subscriptions and statements of its policy are managed.").with_existing().alias(&["arn"]),
        Field::new("name", Kind::Text, "The name in AWS; without it, the table's, with `.fifo` added to a FIFO queue's."),
        Field::new("fifo", Kind::Flag, "First in, first out. Changing it replaces the queue.").default("false").alias(&["fifo_queue"]),
        Field::new("content_based_deduplication", Kind::Flag, "With `fifo`: messages of the same content are one.").default("false"),
        Field::new("message_group_throughput", Kind::Flag, "With `fifo`: deduplication and throughput are by message group (high throughput).").default("false").alias(&["deduplication_scope", "fifo_throughput_limit", "high_throughput"]),
        Field::new("visibility_timeout", Kind::Seconds(0, 43_200), "How long a received message is hidden.").default("\"30s\"").alias(&["visibility_timeout_seconds", "visibility"]),
        Field::new("retention", Kind::Seconds(60, 1_209_600), "How long messages are kept.").default("\"4d\"").alias(&["message_retention_period", "message_retention_seconds"]),
        Field::new("delay", Kind::Seconds(0, 900), "How long a new message is held back.").default("\"0s\"").alias(&["delay_seconds"]),
        Field::new("receive_wait", Kind::Seconds(0, 20), "How long a receive waits for a message.").default("\"0s\"").alias(&["receive_message_wait_time_seconds", "receive_wait_time_seconds", "wait_time"]),
        Field::new("max_message_size", Kind::Bytes(1024, 1_048_576), "The largest message.").default("\"1MiB\"").alias(&["maximum_message_size"]),
        Field::new("encryption", Kind::Either(&[Kind::OneOf(&["sqs", "off"]), Kind::Table(&KMS)]), "Encryption at rest: by keys that SQS owns, not at all, or by a KMS key.").default("\"sqs\"").alias(&["kms_key", "kms_master_key_id", "kms", "sse", "sqs_managed_sse_enabled"]),
        Field::new("earlier_keys", Kind::OneOrMany(&Kind::Text), "KMS keys that messages in the queue may still be encrypted with: whoever receives keeps `kms:Decrypt` on them. A message stays encrypted with the key it was sent under, whatever key the queue has now.").with_existing(),
        Field::new("redrive_allow", Kind::Either(&[Kind::OneOf(&["all", "none"]), Kind::List(&Kind::Text)]), "Which queues may use this one as their dead-letter queue: all of the account and region, none, or those listed.").default("\"all\"").alias(&["redrive_allow_policy"]),
        Field::new("tags", Kind::Map(&Kind::Text), "Its tags."),
        Field::new("tls_only", Kind::Flag, "Refuse every request that does not come over TLS.").default("false").with_existing().alias(&["enforce_ssl", "enforce_tls", "ssl_only", "https_only"]),
        Field::new("exclusive", Kind::Flag, "Remove statements of its policy that this stack does not declare.").default("false"),
        ACCEPT,
    ],
    one_of: &[],
};

const DEAD_LETTER: Shape = Shape {
    noun: "dead letter",
    doc: "Where messages go that were received too often without being deleted. A text is the queue alone.",
    fields: &[
        Field::new("queue", Kind::Text, "The queue, by its name in the stack or its ARN: in the same account and region, and FIFO if this one is.").required(),
        Field::new("max_receives", Kind::Whole(1, 1000), "After how many receives a message goes there.").default("5").alias(&["max_receive_count"]),
    ],
    one_of: &[],
};

const KMS: Shape = Shape {
    noun: "encryption",
    doc: "Encryption by a KMS key.",
    fields: &[
        Field::new(
            "kms",
            Kind::Text,
            "The key: `\"keys.NAME\"`, or its id, ARN or alias.",
        )
        .required()
        .alias(&["key", "kms_key", "key_id"]),
        Field::new(
            "reuse",
            Kind::Seconds(60, 86_400),
            "How long a data key is used again before KMS is asked for another.",
        )
        .default("\"5m\"")
        .alias(&["kms_data_key_reuse_period_seconds"]),
    ],
    one_of: &[],
};

/// Finds where each queue stands, and reports names that are taken.
pub(super) fn place(checker: &mut Checker<'_>, declared: &[Declared<'_>]) {
    topics::place_all(checker, declared, Noun::Queue, "sqs", &names::QUEUE);
}

/// The queues that have no fault.
pub(super) fn queues(
    checker: &mut Checker<'_>,
    declared: &[Declared<'_>],
) -> BTreeMap<String, Queue> {
    check_redrive_allowed(checker, declared);
    check_rings(checker, declared);
    declared
        .iter()
        .filter_map(|it| Some((it.name.to_owned(), queue(checker, it)?)))
        .collect()
}

fn queue(checker: &mut Checker<'_>, it: &Declared<'_>) -> Option<Queue> {
    let fields = it.fields;
    accept(checker, it, KindName::Queue);
    fields.check_existing(&mut checker.faults);
    topics::check_fifo_only(checker, it, Noun::Queue);
    let standing = checker.standing(Noun::Queue, it.name).cloned();
    let dead_letter = dead_letter(checker, it, standing.as_ref());
    let redrive_allow = redrive_allow(checker, it, standing.as_ref());
    let encryption = encryption(checker, it);
    let earlier_keys = earlier_keys(checker, it);
    let subscribe = subscriptions::subscriptions(checker, it, standing.as_ref());
    let tags = names::tags_of(checker, it);
    let standing = standing?;
    Some(Queue {
        account: standing.account?,
        arn: standing.arn?,
        existing: standing.existing,
        fifo: standing.fifo,
        content_based_deduplication: fields.flag("content_based_deduplication"),
        message_group_throughput: fields.flag("message_group_throughput"),
        delay: fields.whole_or_default("delay"),
        max_message_size: fields.whole_or_default("max_message_size"),
        retention: fields.whole_or_default("retention"),
        receive_wait: fields.whole_or_default("receive_wait"),
        visibility_timeout: fields.whole_or_default("visibility_timeout"),
        encryption,
        earlier_keys,
        dead_letter,
        redrive_allow,
        subscribe,
        tags,
        tls_only: fields.flag("tls_only"),
        exclusive: fields.flag("exclusive"),
    })
}

fn dead_letter_text(fields: &Fields) -> Option<Spanned<&str>> {
    let item = fields.get("dead_letter")?;
    match &item.value {
        Item::Text(text) => Some(Spanned::new(text, item.span)),
        Item::Fields(fields) => fields.text("queue"),
        _ => None,
    }
}

fn dead_letter(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
    standing: Option<&Standing>,
) -> Option<(QueueRef, u32)> {
    let text = dead_letter_text(it.fields)?;
    let receives = it
        .fields
        .fields("dead_letter")
        .map_or(5, |it| it.whole_or_default("max_receives"));
    let span = text.span;
    let found = queue_ref(checker, text, &it.fields.owner)?;
    if let (Some(standing), Some(place)) = (standing, &found.place) {
        let here = (standing.id.to_string(), standing.region.to_string());
        let mut fault = None;
        if *place != here {
            fault = Some(
                Diagnostic::new(
                    Code::Place,
                    span,
                    format!(
                        "the dead-letter queue of {} is in another account or region",
                        it.fields.owner
                    ),
                    format!("in {} {}", place.0, place.1),
                )
                .and(it.key, format!("in {} {}", here.0, here.1))
                .help("SQS moves messages only within an account and region: declare a dead-letter queue beside this one"),
            );
        } else if found.fifo != standing.fifo {
            let kind = |fifo| if fifo { "FIFO" } else { "standard" };
            fault = Some(
                Diagnostic::new(
                    Code::Unsupported,
                    span,
                    format!(
                        "the dead-letter queue of {} is of another type",
                        it.fields.owner
                    ),
                    format!("{} queue", kind(found.fifo)),
                )
                .and(it.key, format!("{} queue", kind(standing.fifo)))
                .help("a FIFO queue has a FIFO dead-letter queue, a standard queue a standard one"),
            );
        }
        if let Some(fault) = fault {
            checker.report(fault);
        }
    }
    Some((found.queue, receives))
}

fn redrive_allow(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
    standing: Option<&Standing>,
) -> RedriveAllow {
    let Some(item) = it.fields.get("redrive_allow") else {
        return RedriveAllow::All;
    };
    match &item.value {
        Item::Text(text) if text == "none" => RedriveAllow::Deny,
        Item::List(items) => {
            if items.is_empty() || items.len() > 10 {
                checker.report(
                    Diagnostic::new(
                        Code::OutOfRange,
                        item.span,
                        format!(
                            "`redrive_allow` of {} lists {} queues",
                            it.fields.owner,
                            items.len()
                        ),
                        "SQS takes 1 to 10",
                    )
                    .help(
                        "write `\"all\"` for every queue of the account and region, or `\"none\"`",
                    ),
                );
            }
            let mut queues = Vec::new();
            for text in texts(items) {
                let span = text.span;
                let Some(found) = queue_ref(checker, text, &it.fields.owner) else {
                    continue;
                };
                if let (Some(standing), Some(place)) = (standing, &found.place)
                    && (place.0 != standing.id.as_str() || place.1 != standing.region.as_str())
                {
                    checker.report(
                        Diagnostic::new(
                            Code::Place,
                            span,
                            format!(
                                "{} cannot be the dead-letter queue of a queue elsewhere",
                                it.fields.owner
                            ),
                            format!("in {} {}", place.0, place.1),
                        )
                        .help("SQS moves messages only within an account and region"),
                    );
                }
                queues.push(found.queue);
            }
            RedriveAllow::Queues(queues)
        }
        _ => RedriveAllow::All,
    }
}

/// Reports dead-letter queues that do not let the queue in which names them.
fn check_redrive_allowed(checker: &mut Checker<'_>, declared: &[Declared<'_>]) {
    for it in declared {
        let Some(text) = dead_letter_text(it.fields) else {
            continue;
        };
        let name = text.value.strip_prefix("queues.").unwrap_or(text.value);
        let Some(target) = declared.iter().find(|it| it.name == name) else {
            continue;
        };
        let Some(allow) = target.fields.get("redrive_allow") else {
            continue;
        };
        let let_in = match &allow.value {
            Item::Text(text) => text != "none",
            Item::List(items) => {
                let arn = checker
                    .standing(Noun::Queue, it.name)
                    .and_then(|it| it.arn.clone());
                texts(items).any(|text| {
                    text.value.strip_prefix("queues.").unwrap_or(text.value) == it.name
                        || arn.as_ref().is_some_and(|it| it.as_str() == text.value)
                })
            }
            _ => true,
        };
        if !let_in {
            checker.report(
                Diagnostic::new(
                    Code::Conflict,
                    text.span,
                    format!(
                        "queue `{name}` does not let {} use it as its dead-letter queue",
                        it.fields.owner
                    ),
                    "used here",
                )
                .and(allow.span, "this leaves it out")
                .help(format!(
                    "let it in, `redrive_allow = [\"{}\"]` at queue `{name}`; without `redrive_allow` every queue beside it is let in",
                    it.name
                )),
            );
        }
    }
}

/// Reports queues that are one another's dead-letter queues in a ring: none can be made before the next.
fn check_rings(checker: &mut Checker<'_>, declared: &[Declared<'_>]) {
    let names: BTreeSet<&str> = declared.iter().map(|it| it.name).collect();
    let of_stack = |text: &str| {
        let has_arn = |it: &&Declared<'_>| {
            let standing = checker.standing(Noun::Queue, it.name);
            let arn = standing.and_then(|it| it.arn.as_ref());
            arn.is_some_and(|it| it.as_str() == text)
        };
        if text.starts_with("arn:") {
            return declared.iter().find(has_arn).map(|it| it.name);
        }
        let name = text.strip_prefix("queues.").unwrap_or(text);
        names.get(name).copied()
    };
    let next: BTreeMap<&str, (&str, Span)> = declared
        .iter()
        .filter_map(|it| {
            let text = dead_letter_text(it.fields)?;
            Some((it.name, (of_stack(text.value)?, text.span)))
        })
        .collect();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut rings = Vec::new();
    for start in next.keys() {
        let mut way: Vec<&str> = Vec::new();
        let mut here = *start;
        while seen.insert(here) {
            way.push(here);
            match next.get(here) {
                Some((to, _)) => here = to,
                None => break,
            }
        }
        if let Some(first) = way
            .iter()
            .position(|it| *it == here && next.contains_key(here))
        {
            rings.push(way[first..].to_vec());
        }
    }
    for ring in rings {
        let names: Vec<String> = ring
            .iter()
            .chain(ring.first())
            .map(|it| format!("`{it}`"))
            .collect();
        let mut spans = ring.iter().map(|it| next[it].1);
        let Some(first) = spans.next() else { continue };
        let fault = Diagnostic::new(
            Code::Conflict,
            first,
            format!("dead-letter queues form a ring: {}", names.join(" -> ")),
            "each must exist before the one that names it",
        );
        let fault = spans.fold(fault, |fault, span| fault.and(span, "in the ring too"));
        checker.report(fault.help(
            "end the ring: let the last queue have no `dead_letter`; messages that came back round would never leave it",
        ));
    }
}

fn earlier_keys(checker: &mut Checker<'_>, it: &Declared<'_>) -> BTreeSet<KmsKey> {
    let arn = checker.standing(Noun::Queue, it.name);
    let arn = arn.and_then(|it| it.arn.clone());
    let mut found = BTreeSet::new();
    for key in texts(it.fields.list("earlier_keys")) {
        topics::check_key(checker, &it.fields.owner, key, "sqs");
        let named = keys::named(checker, it, key, Noun::Queue);
        found.extend(
            named
                .zip(arn.as_ref())
                .and_then(|(key, arn)| KmsKey::of(&key, arn)),
        );
    }
    found
}

fn encryption(checker: &mut Checker<'_>, it: &Declared<'_>) -> Encryption {
    let fields = it.fields;
    let Some(item) = fields.get("encryption") else {
        return Encryption::Sqs;
    };
    match &item.value {
        Item::Text(text) if text == "off" => Encryption::Off,
        Item::Fields(kms) => {
            let Some(key) = kms.text("kms") else {
                return Encryption::Sqs;
            };
            topics::check_key(checker, &fields.owner, key, "sqs");
            // SNS needs leave from the key's policy, and that of AWS's own key cannot be changed.
            if key.value.ends_with("alias/aws/sqs")
                && let Some(subscribe) = fields.key_of("subscribe")
            {
                checker.report(
                    Diagnostic::new(
                        Code::Unsupported,
                        key.span,
                        format!("SNS cannot deliver to {} under this key", fields.owner),
                        "AWS's own key lets SNS do nothing, and its policy cannot be changed",
                    )
                    .and(subscribe, "deliveries would be lost without a word")
                    .help("use `encryption = \"sqs\"`, which needs nothing; or a key of your own whose policy lets `sns.amazonaws.com` use it"),
                );
            }
            Encryption::Kms {
                key: keys::named(checker, it, key, Noun::Queue).unwrap_or_default(),
                reuse: kms.whole_or_default("reuse"),
            }
        }
        _ => Encryption::Sqs,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{faults, faults_of, stack};

    #[test]
    fn attributes_keep_within_what_sqs_takes() {
        snapbox::assert_data_eq!(
            faults(
                "[queues.a]\nvisibility_timeout = \"13h\"\nretention = 30\ndelay = \"16m\"\nreceive_wait = 21\nmax_message_size = \"2MiB\"\n"
            ),
            snapbox::str![[r#"
E0104: `visibility_timeout` of queue `a` is out of range [must be from 0 to 12h]
E0104: `retention` of queue `a` is out of range [must be from 1m to 14d]
E0104: `delay` of queue `a` is out of range [must be from 0 to 15m]
E0104: `receive_wait` of queue `a` is out of range [must be from 0 to 20s]
E0104: `max_message_size` of queue `a` is out of range [must be from 1KiB to 1MiB]

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[queues.a]\nvisibility_timeout = \"12h\"\nretention = \"14d\"\ndelay = \"15m\"\nreceive_wait = 20\nmax_message_size = \"1KiB\"\n"
            ),
            snapbox::str![[r#"
no fault

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[queues.a]\nvisibility_timeout = \"500ms\"\n"),
            snapbox::str![[r#"
E0102: `visibility_timeout` of queue `a` cannot be read [not whole seconds] help: write seconds or a duration such as "5m"

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[queues.a]\nvisibility_timeout = -1\n"),
            snapbox::str![[r#"
E0104: `visibility_timeout` of queue `a` is out of range [must be from 0 to 12h]

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[queues.a]\nmax_message_size = \"big\"\n"),
            snapbox::str![[r#"
E0102: `max_message_size` of queue `a` cannot be read [not a size] help: write bytes or a size such as "256KiB"

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[queues.a]\nencryption = \"kms\"\n"),
            snapbox::str![[r#"
E0102: `encryption` of queue `a` cannot be `kms` [no such choice] help: write `"sqs"` or `"off"`, or a table such as `{ kms = … }`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[queues.a]\nencryption = { kms = \"\", reuse = \"1s\" }\n"),
            snapbox::str![[r#"
E0203: `` is not a KMS key [not an id, an ARN or an alias] help: write `alias/NAME`, a key's id or its ARN; leave it out for none
E0104: `reuse` of `encryption` of queue `a` is out of range [must be from 1m to 1d]

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[queues.a]\nname = \"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq\"\n[queues.b]\nfifo = true\nname = \"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq.fifo\"\n"
            ),
            snapbox::str![[r#"
E0203: queue `b` cannot have the queue name `qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq.fifo` [81 characters long] help: at most 80, `.fifo` included

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[queues.a]\nmessage_group_throughput = true\n"),
            snapbox::str![[r#"
E0105: queue `a` is not FIFO, and has `message_group_throughput` [only FIFO queues have it] help: add `fifo = true` (which replaces a queue that exists), or remove `message_group_throughput`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[queues.a]\nvisibilityTimeout = 3\n"),
            snapbox::str![[r#"
E0101: unknown field `visibilityTimeout` in queue `a` [no such field] a field with a like name exists: visibility_timeout

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[queues.a]\ndlq = \"a\"\nfifo = \"yes\"\n"),
            snapbox::str![[r#"
E0101: unknown field `dlq` in queue `a` [no such field] a field with a like name exists: dead_letter
E0105: dead-letter queues form a ring: `a` -> `a` [each must exist before the one that names it] help: end the ring: let the last queue have no `dead_letter`; messages that came back round would never leave it
E0102: `fifo` of queue `a` has the wrong type [this is a text] help: write `true` or `false`

"#]]
        );
    }

    #[test]
    fn a_dead_letter_queue_is_beside_its_queue_and_of_its_type() {
        snapbox::assert_data_eq!(
            faults_of(
                "[accounts.a]\nid = \"111111111111\"\n[accounts.b]\nid = \"222222222222\"\n[queues.x]\naccount = \"a\"\ndead_letter = \"y\"\n[queues.y]\naccount = \"b\"\n"
            ),
            snapbox::str![[r#"
E0303: the dead-letter queue of queue `x` is in another account or region [in 222222222222 eu-west-1 | in 111111111111 eu-west-1] help: SQS moves messages only within an account and region: declare a dead-letter queue beside this one

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of(
                "[accounts.a]\nid = \"111111111111\"\n[accounts.b]\nid = \"111111111111\"\n[queues.x]\naccount = \"a\"\ndead_letter = \"y\"\n[queues.y]\naccount = \"b\"\n"
            ),
            snapbox::str![[r#"
no fault

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of(
                "[accounts.a]\nid = \"111111111111\"\n[queues.x]\nfifo = true\ndead_letter = { queue = \"y\" }\n[queues.y]\n"
            ),
            snapbox::str![[r#"
E0304: the dead-letter queue of queue `x` is of another type [standard queue | FIFO queue] help: a FIFO queue has a FIFO dead-letter queue, a standard queue a standard one

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of(
                "[accounts.a]\nid = \"111111111111\"\n[queues.x]\ndead_letter = { queue = \"arn:aws:sqs:eu-west-1:111111111111:z.fifo\", max_receives = 0 }\n"
            ),
            snapbox::str![[r#"
E0304: the dead-letter queue of queue `x` is of another type [FIFO queue | standard queue] help: a FIFO queue has a FIFO dead-letter queue, a standard queue a standard one
E0104: `max_receives` of `dead_letter` of queue `x` is out of range [must be from 1 to 1000]

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of(
                "[accounts.a]\nid = \"111111111111\"\n[queues.x]\ndead_letter = { max_receives = 3 }\n"
            ),
            snapbox::str![[r#"
E0103: `dead_letter` of queue `x` has no `queue` [`queue` is missing] help: add `queue = "…"`: the queue, by its name in the stack or its ARN: in the same account and region, and FIFO if this one is

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of(
                "[accounts.a]\nid = \"111111111111\"\n[queues.x]\ndead_letter = \"y\"\n[queues.y]\nredrive_allow = \"none\"\n"
            ),
            snapbox::str![[r#"
E0105: queue `y` does not let queue `x` use it as its dead-letter queue [used here | this leaves it out] help: let it in, `redrive_allow = ["x"]` at queue `y`; without `redrive_allow` every queue beside it is let in

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of(
                "[accounts.a]\nid = \"111111111111\"\n[queues.x]\ndead_letter = \"y\"\n[queues.y]\nredrive_allow = [\"z\"]\n[queues.z]\n"
            ),
            snapbox::str![[r#"
E0105: queue `y` does not let queue `x` use it as its dead-letter queue [used here | this leaves it out] help: let it in, `redrive_allow = ["x"]` at queue `y`; without `redrive_allow` every queue beside it is let in

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of("[accounts.a]\nid = \"111111111111\"\n[queues.x]\nredrive_allow = []\n"),
            snapbox::str![[r#"
E0104: `redrive_allow` of queue `x` lists 0 queues [SQS takes 1 to 10] help: write `"all"` for every queue of the account and region, or `"none"`

"#]]
        );
    }

    #[test]
    fn a_ring_of_dead_letter_queues_is_shown_at_each_of_them() {
        snapbox::assert_data_eq!(
            faults(
                "[queues.one]\ndead_letter = \"two\"\n[queues.two]\ndead_letter = \"queues.one\"\n[queues.in]\ndead_letter = \"one\"\n[queues.self]\ndead_letter = { queue = \"arn:aws:sqs:eu-west-1:111111111111:self\" }\n"
            ),
            snapbox::str![[r#"
E0105: dead-letter queues form a ring: `one` -> `two` -> `one` [each must exist before the one that names it | in the ring too] help: end the ring: let the last queue have no `dead_letter`; messages that came back round would never leave it
E0105: dead-letter queues form a ring: `self` -> `self` [each must exist before the one that names it] help: end the ring: let the last queue have no `dead_letter`; messages that came back round would never leave it

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[queues.a]\ndead_letter = \"b\"\n[queues.b]\ndead_letter = \"c\"\n[queues.c]\n[queues.d]\ndead_letter = \"c\"\n"
            ),
            snapbox::str![[r#"
no fault

"#]]
        );
    }

    #[test]
    fn a_queue_subscribes_to_what_can_deliver_to_it() {
        snapbox::assert_data_eq!(
            faults("[topics.t]\n[queues.a]\nfifo = true\nsubscribe = \"t\"\n"),
            snapbox::str![[r#"
E0304: queue `a` is FIFO, and the topic is not [a standard topic | a FIFO queue] help: SNS delivers from a standard topic to standard queues only: make the topic FIFO, or the queue standard

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.t]\nfifo = true\n[queues.a]\nsubscribe = \"topics.t\"\n"),
            snapbox::str![[r#"
no fault

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.t]\n[queues.a]\nsubscribe = [\"t\", { topic = \"t\", raw = true }]\n"),
            snapbox::str![[r#"
E0202: queue `a` subscribes to a topic twice [again here | first here] help: SNS keeps one subscription of a queue to a topic: put both filters into one, `{ type = ["a", "b"] }`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[queues.a]\nsubscribe = \"arn:aws-cn:sns:cn-north-1:111111111111:t\"\n"),
            snapbox::str![[r#"
E0303: `arn:aws-cn:sns:cn-north-1:111111111111:t` is in partition `aws-cn`, and queue `a` is in `aws` [in another partition] help: partitions share no accounts and no IAM: nothing in one can be let into another

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[topics.t]\nfifo = true\n[queues.a]\nsubscribe = { topic = \"t\", dead_letter = \"d\" }\n[queues.d]\n"
            ),
            snapbox::str![[r#"
E0304: the dead-letter queue of a subscription is of another type than its topic [standard queue | FIFO topic | declared here] help: a FIFO topic has a FIFO dead-letter queue, a standard topic a standard one

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[topics.t]\n[queues.a]\nsubscribe = { topic = \"t\", dead_letter = \"arn:aws:sqs:us-east-1:111111111111:d\" }\n"
            ),
            snapbox::str![[r#"
E0303: the dead-letter queue of a subscription is in another account or region [in 111111111111 us-east-1 | the subscription is in 111111111111 eu-west-1] help: a subscription is its queue's account's, in its topic's region: name a dead-letter queue in account 111111111111, eu-west-1

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[topics.t]\n[queues.a]\nsubscribe = \"t\"\nencryption = { kms = \"alias/aws/sqs\" }\n"
            ),
            snapbox::str![[r#"
E0304: SNS cannot deliver to queue `a` under this key [AWS's own key lets SNS do nothing, and its policy cannot be changed | deliveries would be lost without a word] help: use `encryption = "sqs"`, which needs nothing; or a key of your own whose policy lets `sns.amazonaws.com` use it

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.t]\n[queues.a]\nsubscribe = { raw = true }\n"),
            snapbox::str![[r#"
E0103: a subscription of queue `a` has no `topic` [`topic` is missing] help: add `topic = "…"`: the topic, by its name in the stack or its ARN; of another stack, `"contracts.NAME.topics.NAME"`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.t]\n[queues.a]\nsubscribe = { topc = \"t\" }\n"),
            snapbox::str![[r#"
E0101: unknown field `topc` in a subscription of queue `a` [no such field] a field with a like name exists: topic

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.t]\n[queues.a]\nsubscribe = \"queues.a\"\n"),
            snapbox::str![[r#"
E0201: queue `a` refers to queue `queues.a` where topics are meant [not of `[topics]`] help: topics that are declared: `t`

"#]]
        );
    }

    #[test]
    fn an_existing_queue_still_subscribes() {
        snapbox::assert_data_eq!(
            faults(
                "[topics.t]\n[queues.a]\nexisting = \"arn:aws:sqs:eu-west-1:111111111111:q\"\nsubscribe = \"t\"\n"
            ),
            snapbox::str![[r#"
no fault

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[topics.t]\n[queues.a]\nexisting = \"arn:aws:sqs:eu-west-1:111111111111:q\"\ndelay = 3\n"
            ),
            snapbox::str![[r#"
E0105: `delay` cannot be set on an existing queue [describes the queue itself | something else made it, and keeps it] help: remove `delay`; or remove `existing`, and the queue becomes this stack's own

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.t]\n[queues.a]\nexisting = \"arn:aws:sqs:us-east-1:111111111111:q\"\n"),
            snapbox::str![[r#"
E0303: queue `a` is in no account of the stack [in account 111111111111 in us-east-1] help: add `[accounts.NAME]` and under it `id = "111111111111"` and `region = "us-east-1"`

"#]]
        );
    }

    #[test]
    fn a_queue_without_a_word_has_the_defaults_of_sqs() {
        let stack = stack("[queues.inbox]\n[queues.line]\nfifo = true\n");
        let queue = &stack.queues["inbox"];
        assert_eq!(
            queue.arn.as_str(),
            "arn:aws:sqs:eu-west-1:111111111111:inbox"
        );
        assert_eq!((queue.delay, queue.receive_wait), (0, 0));
        assert_eq!((queue.visibility_timeout, queue.retention), (30, 345_600));
        assert_eq!(queue.max_message_size, 1_048_576);
        assert_eq!(queue.encryption, super::Encryption::Sqs);
        assert_eq!(queue.redrive_allow, super::RedriveAllow::All);
        assert_eq!(stack.queues["line"].arn.name(), "line.fifo");
        assert!(stack.queues["line"].fifo && !queue.fifo);
    }

    #[test]
    fn a_reference_has_its_table_before_it_or_not_and_an_arn_of_ones_own_is_a_reference() {
        use super::QueueRef::Stack;
        let stack = stack(
            "[queues.a]\ndead_letter = \"d\"\n[queues.b]\ndead_letter = \"queues.d\"\n[queues.c]\ndead_letter = { queue = \"arn:aws:sqs:eu-west-1:111111111111:d\", max_receives = 3 }\n[queues.d]\n",
        );
        let of = |name: &str| stack.queues[name].dead_letter.clone();
        assert_eq!(of("a"), Some((Stack("d".to_owned()), 5)));
        assert_eq!(of("b"), of("a"));
        assert_eq!(of("c"), Some((Stack("d".to_owned()), 3)));
    }
}
