//! `[queues.NAME]`: an SQS queue, and what it receives.
//!
//! See <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html>
//! and <https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering.html>.

use std::collections::BTreeMap;

use crate::model::Arn;

use super::check::{Checker, Declared, Noun, Standing, texts};
use super::diagnostic::{Code, Diagnostic, Span};
use super::shape::{Field, Fields, Item, Kind, Shape};
use super::syntax::Spanned;
use super::{
    Encryption, Queue, QueueRef, RedriveAllow, Subscribe, TopicRef, filters, names, topics,
};

pub(super) const QUEUE: Shape = Shape {
    noun: "queue",
    doc: "An SQS queue and the topics it receives from. Its policy lets those topics deliver, and nobody else.",
    fields: &[
        Field::new("account", Kind::Text, "The account, by its name in the stack; may be left out when there is only one.").with_existing(),
        Field::new("subscribe", Kind::OneOrMany(&Kind::Either(&[Kind::Text, Kind::Table(&SUBSCRIBE)])), "The topics it receives from.").with_existing().alias(&["subscriptions", "topics", "subscription", "subscribes"]),
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
        Field::new("redrive_allow", Kind::Either(&[Kind::OneOf(&["all", "none"]), Kind::List(&Kind::Text)]), "Which queues may use this one as their dead-letter queue: all of the account and region, none, or those listed.").default("\"all\"").alias(&["redrive_allow_policy"]),
        Field::new("tags", Kind::Map(&Kind::Text), "Its tags."),
        Field::new("exclusive", Kind::Flag, "Remove statements of its policy that this stack does not declare.").default("false").with_existing(),
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
        Field::new("kms", Kind::Text, "The key: its id, ARN or alias.")
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

const SUBSCRIBE: Shape = Shape {
    noun: "subscription",
    doc: "A topic the queue receives from. A text is the topic alone.",
    fields: &[
        Field::new("topic", Kind::Text, "The topic, by its name in the stack or its ARN.").required().alias(&["topic_arn", "to"]),
        Field::new("raw", Kind::Flag, "Deliver the message alone, without SNS's envelope.").default("false").alias(&["raw_message_delivery"]),
        Field::new("filter", Kind::Json, "Which messages, as SNS's filter policy: `{ type = [\"created\"] }`.").alias(&["filter_policy"]),
        Field::new("filter_on_body", Kind::Flag, "The filter reads the message's body, instead of its attributes.").default("false").alias(&["filter_policy_scope", "filter_scope"]),
        Field::new("dead_letter", Kind::Text, "The queue that takes messages which cannot be delivered, by its name in the stack or its ARN.").alias(&["dlq", "redrive_policy"]),
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
    declared
        .iter()
        .filter_map(|it| Some((it.name.to_owned(), queue(checker, it)?)))
        .collect()
}

fn queue(checker: &mut Checker<'_>, it: &Declared<'_>) -> Option<Queue> {
    let fields = it.fields;
    fields.check_existing(&mut checker.faults);
    topics::check_fifo_only(checker, it, Noun::Queue);
    let standing = checker.standing(Noun::Queue, it.name).cloned();
    let dead_letter = dead_letter(checker, it, standing.as_ref());
    let redrive_allow = redrive_allow(checker, it, standing.as_ref());
    let encryption = encryption(checker, fields);
    let subscribe = subscriptions(checker, it, standing.as_ref());
    let tags = checker.tags_of(it);
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
        dead_letter,
        redrive_allow,
        subscribe,
        tags,
        exclusive: fields.flag("exclusive"),
    })
}

/// What a queue reference points at.
struct Found {
    queue: QueueRef,
    /// Where it stands; `None` when the queue is declared and broken.
    place: Option<(String, String)>,
    fifo: bool,
    /// Where it is declared.
    key: Option<Span>,
}

/// The queue in a text: of the stack by its name, or another by its ARN.
fn queue_ref(checker: &mut Checker<'_>, text: Spanned<&str>, who: &str) -> Option<Found> {
    if text.value.starts_with("arn:") {
        let arn = topics::regional_arn(checker, text, "sqs", "a queue's ARN", &names::QUEUE)?;
        let own = own_by_arn(checker, Noun::Queue, &arn);
        return Some(Found {
            place: Some((arn.account().to_owned(), arn.region().to_owned())),
            fifo: arn.as_str().ends_with(".fifo"),
            key: None,
            queue: own.map_or(QueueRef::Arn(arn), QueueRef::Stack),
        });
    }
    let name = checker.reference(Noun::Queue, text, who)?;
    let standing = checker.standing(Noun::Queue, &name);
    Some(Found {
        place: standing.map(|it| (it.id.to_string(), it.region.to_string())),
        fifo: standing.is_some_and(|it| it.fifo),
        key: standing.map(|it| it.key),
        queue: QueueRef::Stack(name),
    })
}

/// The queue an integration sends to, and whether it is FIFO.
pub(super) fn integration_queue(
    checker: &mut Checker<'_>,
    text: Spanned<&str>,
    who: &str,
) -> Option<(QueueRef, bool)> {
    queue_ref(checker, text, who).map(|it| (it.queue, it.fifo))
}

/// The stack's name for what an ARN names, if the stack declares it.
fn own_by_arn(checker: &Checker<'_>, noun: Noun, arn: &Arn) -> Option<String> {
    checker
        .standings
        .iter()
        .find(|((it, _), standing)| *it == noun && standing.arn.as_ref() == Some(arn))
        .map(|((_, name), _)| name.clone())
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
                    "add `\"{}\"` to `redrive_allow` of queue `{name}`, or remove it there",
                    it.name
                )),
            );
        }
    }
}

fn encryption(checker: &mut Checker<'_>, fields: &Fields) -> Encryption {
    let Some(item) = fields.get("encryption") else {
        return Encryption::Sqs;
    };
    match &item.value {
        Item::Text(text) if text == "off" => Encryption::Off,
        Item::Fields(kms) => {
            let Some(key) = kms.text("kms") else {
                return Encryption::Sqs;
            };
            if key.value.is_empty() || key.value.contains(char::is_whitespace) {
                checker.report(
                    Diagnostic::new(
                        Code::Name,
                        key.span,
                        format!("`{}` is not a KMS key", key.value),
                        "not an id, an ARN or an alias",
                    )
                    .help("write `alias/NAME`, a key's id or its ARN"),
                );
            }
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
                key: key.value.to_owned(),
                reuse: kms.whole_or_default("reuse"),
            }
        }
        _ => Encryption::Sqs,
    }
}

fn subscriptions(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
    standing: Option<&Standing>,
) -> Vec<Subscribe> {
    let mut found: Vec<(Subscribe, Span)> = Vec::new();
    for item in it.fields.list("subscribe") {
        let fields = item.fields();
        let text = match fields {
            Some(fields) => fields.text("topic"),
            None => item.text().map(|it| Spanned::new(it, item.span)),
        };
        let topic = text.and_then(|text| {
            let span = text.span;
            topic_ref(checker, text, it, standing).map(|it| (it, span))
        });
        let raw = fields.is_some_and(|it| it.flag("raw"));
        let on_body = fields.is_some_and(|it| it.flag("filter_on_body"));
        let filter = fields.and_then(|fields| filters::filter(checker, fields, on_body));
        let dead_letter = fields.and_then(|fields| {
            subscription_dead_letter(checker, it, fields, topic.as_ref(), standing)
        });
        let Some(((topic, _), span)) = topic else {
            continue;
        };
        if let Some((_, first)) = found.iter().find(|(it, _)| it.topic == topic) {
            checker.report(
                Diagnostic::new(
                    Code::Duplicate,
                    span,
                    format!("{} subscribes to a topic twice", it.fields.owner),
                    "again here",
                )
                .and(*first, "first here")
                .help("SNS keeps one subscription of a queue to a topic: put both filters into one, `{ type = [\"a\", \"b\"] }`"),
            );
            continue;
        }
        let subscribe = Subscribe {
            topic,
            raw,
            filter,
            filter_on_body: on_body,
            dead_letter,
        };
        found.push((subscribe, span));
    }
    found.into_iter().map(|(it, _)| it).collect()
}

/// The topic in a text, and whether it is FIFO; with what SNS says of the pair.
fn topic_ref(
    checker: &mut Checker<'_>,
    text: Spanned<&str>,
    it: &Declared<'_>,
    standing: Option<&Standing>,
) -> Option<(TopicRef, bool)> {
    let span = text.span;
    let owner = &it.fields.owner;
    let (topic, arn, fifo) = if text.value.starts_with("arn:") {
        let arn = topics::regional_arn(checker, text, "sns", "a topic's ARN", &names::TOPIC)?;
        let fifo = arn.as_str().ends_with(".fifo");
        let own = own_by_arn(checker, Noun::Topic, &arn);
        let topic = own.map_or_else(|| TopicRef::Arn(arn.clone()), TopicRef::Stack);
        (topic, Some(arn), fifo)
    } else {
        let name = checker.reference(Noun::Topic, text, owner)?;
        let standing = checker.standing(Noun::Topic, &name);
        let arn = standing.and_then(|it| it.arn.clone());
        let fifo = standing.is_some_and(|it| it.fifo);
        (TopicRef::Stack(name), arn, fifo)
    };
    if let (Some(standing), Some(arn)) = (standing, &arn) {
        checker.check_partition(Spanned::new(arn, span), standing.partition, owner);
        if standing.fifo && !fifo {
            checker.report(
                Diagnostic::new(
                    Code::Unsupported,
                    span,
                    format!("{owner} is FIFO, and the topic is not"),
                    "a standard topic",
                )
                .and(it.key, "a FIFO queue")
                .help("SNS delivers from a standard topic to standard queues only: make the topic FIFO, or the queue standard"),
            );
        }
    }
    Some((topic, fifo))
}

fn subscription_dead_letter(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
    fields: &Fields,
    topic: Option<&((TopicRef, bool), Span)>,
    standing: Option<&Standing>,
) -> Option<QueueRef> {
    let text = fields.text("dead_letter")?;
    let span = text.span;
    let found = queue_ref(checker, text, &it.fields.owner)?;
    if let (Some(standing), Some(place)) = (standing, &found.place)
        && (place.0 != standing.id.as_str() || place.1 != standing.region.as_str())
    {
        checker.report(
            Diagnostic::new(
                Code::Place,
                span,
                "the dead-letter queue of a subscription is in another account or region",
                format!("in {} {}", place.0, place.1),
            )
            .and(it.key, format!("in {} {}", standing.id, standing.region))
            .help("the subscription belongs to its queue's account and region: declare its dead-letter queue there"),
        );
    }
    if let (Some(((_, fifo), at)), true) = (topic, found.place.is_some())
        && *fifo != found.fifo
    {
        let kind = |fifo| if fifo { "FIFO" } else { "standard" };
        let fault = Diagnostic::new(
            Code::Unsupported,
            span,
            "the dead-letter queue of a subscription is of another type than its topic",
            format!("{} queue", kind(found.fifo)),
        )
        .and(*at, format!("{} topic", kind(*fifo)))
        .help("a FIFO topic has a FIFO dead-letter queue, a standard topic a standard one");
        checker.report(match found.key {
            Some(key) => fault.and(key, "declared here"),
            None => fault,
        });
    }
    Some(found.queue)
}
