//! `subscribe` of `[queues.NAME]`: the topics a queue receives from.
//!
//! See <https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html>.

use crate::model::{Address, KindName};

use super::checker::{Checker, Declared, Noun, Standing, is_fifo};
use super::claims::Claimant;
use super::diagnostic::{Code, Diagnostic, Span};
use super::fields::Fields;
use super::queue_refs::{own_by_arn, queue_ref};
use super::shape::{Field, Kind, Shape};
use super::syntax::Spanned;
use super::{QueueRef, Subscribe, TopicRef, claims, filters, names, topics};

pub(super) const SUBSCRIBE: Shape = Shape {
    noun: "subscription",
    doc: "A topic the queue receives from. A text is the topic alone.",
    fields: &[
        Field::new("topic", Kind::Text, "The topic, by its name in the stack or its ARN; of another stack, `\"contracts.NAME.topics.NAME\"`.").required().alias(&["topic_arn", "to"]),
        Field::new("raw", Kind::Flag, "Deliver the message alone, without SNS's envelope.").default("false").alias(&["raw_message_delivery"]),
        Field::new("filter", Kind::Json, "Which messages, as SNS's filter policy: `{ type = [\"created\"] }`.").alias(&["filter_policy"]),
        Field::new("filter_on_body", Kind::Flag, "The filter reads the message's body, instead of its attributes.").default("false").alias(&["filter_policy_scope", "filter_scope"]),
        Field::new("dead_letter", Kind::Text, "The queue that takes messages which cannot be delivered, by its name in the stack or its ARN.").alias(&["dlq", "redrive_policy"]),
    ],
    one_of: &[],
};

/// The subscriptions of a queue that have no fault.
pub(super) fn subscriptions(
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
        let topic = text.and_then(|text| topic_ref(checker, text, it, standing));
        let raw = fields.is_some_and(|it| it.flag("raw"));
        let on_body = fields.is_some_and(|it| it.flag("filter_on_body"));
        let filter = fields.and_then(|fields| filters::filter(checker, fields, on_body));
        let dead_letter = fields.and_then(|fields| {
            subscription_dead_letter(checker, it, fields, topic.as_ref(), standing)
        });
        let Some(Found { topic, span, .. }) = topic else {
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

/// The topic that a subscription names.
struct Found {
    topic: TopicRef,
    fifo: bool,
    /// Where SNS keeps the subscription; unknown of a topic with a fault.
    region: Option<String>,
    span: Span,
}

/// Returns the topic in a text, and reports what SNS refuses of the pair.
fn topic_ref(
    checker: &mut Checker<'_>,
    text: Spanned<&str>,
    it: &Declared<'_>,
    standing: Option<&Standing>,
) -> Option<Found> {
    let span = text.span;
    let owner = &it.fields.owner;
    let (topic, arn, fifo) = if text.value.starts_with("contracts.") {
        let queue = standing.and_then(|it| it.arn.as_ref());
        let queue = queue.map(|arn| Claimant {
            address: Address::new(KindName::Queue, it.name),
            arn,
        });
        let topic = claims::topic(checker, text, owner, queue.as_ref())?;
        let TopicRef::Contract { arn, .. } = &topic else {
            return None;
        };
        let (arn, fifo) = (arn.clone(), is_fifo(arn));
        (topic, Some(arn), fifo)
    } else if text.value.starts_with("arn:") {
        let arn = topics::regional_arn(checker, text, "sns", "a topic's ARN", &names::TOPIC)?;
        let fifo = is_fifo(&arn);
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
    Some(Found {
        topic,
        fifo,
        region: arn.map(|it| it.region().to_owned()),
        span,
    })
}

fn subscription_dead_letter(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
    fields: &Fields,
    topic: Option<&Found>,
    standing: Option<&Standing>,
) -> Option<QueueRef> {
    let text = fields.text("dead_letter")?;
    let span = text.span;
    let found = queue_ref(checker, text, &it.fields.owner)?;
    let region = topic.and_then(|it| it.region.as_deref());
    if let (Some(standing), Some(place), Some(region)) = (standing, &found.place, region)
        && (place.0 != standing.id.as_str() || place.1 != region)
    {
        checker.report(
            Diagnostic::new(
                Code::Place,
                span,
                "the dead-letter queue of a subscription is in another account or region",
                format!("in {} {}", place.0, place.1),
            )
            .and(it.key, format!("the subscription is in {} {region}", standing.id))
            .help(format!(
                "a subscription is its queue's account's, in its topic's region: name a dead-letter queue in account {}, {region}",
                standing.id
            )),
        );
    }
    if let (Some(Found { fifo, span: at, .. }), true) = (topic, found.place.is_some())
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
