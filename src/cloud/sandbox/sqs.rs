//! Queues.
//!
//! See <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html>; what
//! a policy may hold, <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html>.

use serde_json::Value;

use super::Turn;
use super::refusal::{Answered, refuse};
use super::sns::{is_fifo, same_value};
use super::state::Queue;
use super::tagging::authors;
use crate::cloud::sqs::{
    Attributes, CreateQueue, DeleteQueue, GetQueueAttributes, ListQueueTags, ListQueues,
    SetQueueAttributes, TagQueue, UntagQueue,
};
use crate::cloud::{CallError, Fault, Page};
use crate::model::{Arn, Tags};
use crate::policy::{Document, Grammar, Holder, size};

/// How long a deleted queue's name stays taken, in milliseconds.
const NAME_TAKEN: i64 = 60_000;
const TAGS: usize = 50;
const PAGE: usize = 1000;

const DEFAULTS: [(&str, &str); 6] = [
    ("DelaySeconds", "0"),
    ("MaximumMessageSize", "1048576"),
    ("MessageRetentionPeriod", "345600"),
    ("ReceiveMessageWaitTimeSeconds", "0"),
    ("VisibilityTimeout", "30"),
    ("SqsManagedSseEnabled", "true"),
];
const FIFO_DEFAULTS: [(&str, &str); 4] = [
    ("FifoQueue", "true"),
    ("ContentBasedDeduplication", "false"),
    ("DeduplicationScope", "queue"),
    ("FifoThroughputLimit", "perQueue"),
];

impl Turn<'_> {
    pub(super) fn create_queue(&mut self, call: CreateQueue) -> Answered<()> {
        let mut attributes = call.attributes;
        let fifo = attributes.get("FifoQueue").is_some_and(|it| it == "true");
        check_name(&call.name, fifo)?;
        self.check_attributes(&mut attributes, fifo)?;
        check_tags(&call.tags)?;
        let now = self.now;
        let region = self.regional();
        if let Some(deleted) = region.freed_queues.get(&call.name)
            && now - deleted < NAME_TAKEN
        {
            return refuse(
                Fault::TooSoon,
                "AWS.SimpleQueueService.QueueDeletedRecently",
                "You must wait 60 seconds after deleting a queue before you can create another \
                 with the same name.",
            );
        }
        if let Some(queue) = region.queues.get(&call.name) {
            // What is sent must equal what is there; what is not sent is not compared, nor are tags.
            let different = attributes.iter().find(|(name, value)| {
                let has = queue.attributes.get(*name);
                !has.map_or(value.is_empty(), |it| same_value(it, value))
            });
            return match different {
                None => Ok(()),
                Some((name, _)) => refuse(
                    Fault::Exists,
                    "QueueAlreadyExists",
                    format!(
                        "A queue already exists with the same name and a different value for \
                         attribute {name}"
                    ),
                ),
            };
        }
        let mut queue = Queue {
            attributes: defaults(fifo),
            tags: call.tags,
            created: now,
            modified: now,
        };
        set(&mut queue.attributes, attributes);
        check_throughput(&queue.attributes)?;
        region.freed_queues.remove(&call.name);
        region.queues.insert(call.name, queue);
        Ok(())
    }

    pub(super) fn queue_attributes(&mut self, call: &GetQueueAttributes) -> Answered<Attributes> {
        let arn = Arn::regional(self.at, "sqs", &call.name).to_string();
        let queue = self.queue(&call.name)?;
        let mut shown = queue.attributes.clone();
        let mut put = |name: &str, value: String| {
            shown.insert(name.to_owned(), value);
        };
        put("QueueArn", arn);
        put(
            "CreatedTimestamp",
            queue.created.div_euclid(1000).to_string(),
        );
        put(
            "LastModifiedTimestamp",
            queue.modified.div_euclid(1000).to_string(),
        );
        // No call of ours sends a message: a queue that holds some has the counters in the file.
        for counter in ["", "Delayed", "NotVisible"] {
            let name = format!("ApproximateNumberOfMessages{counter}");
            shown.entry(name).or_insert_with(|| "0".to_owned());
        }
        Ok(shown)
    }

    pub(super) fn set_queue_attributes(&mut self, call: SetQueueAttributes) -> Answered<()> {
        let now = self.now;
        let mut attributes = call.attributes;
        let queue = self.queue(&call.name)?;
        let is_fifo = queue.attributes.get("FifoQueue").cloned();
        if let Some(asked) = attributes.get("FifoQueue")
            && Some(asked) != is_fifo.as_ref()
        {
            return refuse(
                Fault::Invalid,
                "InvalidAttributeValue",
                "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not \
                 supported.",
            );
        }
        self.check_attributes(&mut attributes, is_fifo.is_some())?;
        let queue = self.queue(&call.name)?;
        let mut changed = queue.attributes.clone();
        set(&mut changed, attributes);
        check_throughput(&changed)?;
        queue.attributes = changed;
        queue.modified = now;
        Ok(())
    }

    pub(super) fn delete_queue(&mut self, call: &DeleteQueue) -> Answered<()> {
        self.queue(&call.name)?;
        let now = self.now;
        let region = self.regional();
        region.queues.remove(&call.name);
        region
            .freed_queues
            .retain(|_, deleted| now - *deleted < NAME_TAKEN);
        region.freed_queues.insert(call.name.clone(), now);
        Ok(())
    }

    pub(super) fn list_queues(&mut self, call: &ListQueues) -> Answered<Page<String>> {
        let names = self.regional().queues.keys();
        let names = names
            .filter(|it| it.starts_with(&call.prefix))
            .cloned()
            .collect();
        self.page(names, call.token.as_deref(), PAGE)
    }

    pub(super) fn queue_tags(&mut self, call: &ListQueueTags) -> Answered<Tags> {
        Ok(self.queue(&call.name)?.tags.clone())
    }

    pub(super) fn tag_queue(&mut self, call: TagQueue) -> Answered<()> {
        let queue = self.queue(&call.name)?;
        let mut tags = authors(&queue.tags);
        tags.extend(call.tags);
        check_tags(&tags)?;
        queue.tags.extend(tags);
        Ok(())
    }

    pub(super) fn untag_queue(&mut self, call: &UntagQueue) -> Answered<()> {
        let queue = self.queue(&call.name)?;
        queue.tags.retain(|key, _| !call.keys.contains(key));
        Ok(())
    }

    fn queue(&mut self, name: &str) -> Answered<&mut Queue> {
        let there = self.regional().queues.get(name).map(|it| it.created);
        let is_seen = there.is_some_and(|created| !self.is_unseen(created));
        match self.regional().queues.get_mut(name).filter(|_| is_seen) {
            Some(queue) => Ok(queue),
            None => refuse(
                Fault::Missing,
                "AWS.SimpleQueueService.NonExistentQueue",
                "The specified queue does not exist.",
            ),
        }
    }

    fn check_attributes(&mut self, attributes: &mut Attributes, fifo: bool) -> Answered<()> {
        for (name, value) in attributes.iter_mut() {
            check_attribute(name, value, fifo)?;
            if name == "Policy" && !value.is_empty() {
                *value = self.checked_queue_policy(value)?;
            }
            if name == "RedrivePolicy" && !value.is_empty() {
                self.check_dead_letter_queue(value, fifo)?;
            }
        }
        let set = |name: &str| attributes.get(name).filter(|it| !it.is_empty());
        if set("KmsMasterKeyId").is_some()
            && set("SqsManagedSseEnabled").is_some_and(|it| it == "true")
        {
            return refuse(
                Fault::Invalid,
                "InvalidAttributeName",
                "You can use one type of server-side encryption (SSE) at one time. You can either \
                 enable KMS SSE or SQS SSE.",
            );
        }
        Ok(())
    }

    /// The policy to store. SQS answers the same whatever is wrong with one, an
    /// unknown principal included.
    fn checked_queue_policy(&self, text: &str) -> Answered<String> {
        let refused = || {
            CallError::new(
                Fault::Unsettled,
                "InvalidAttributeValue",
                "Invalid value for the parameter Policy.",
            )
        };
        let mut document = Grammar::Resource(Holder::Queue)
            .read(self.at.partition(), text)
            .map_err(|_| refused())?;
        if text.len() > size::QUEUE_BYTES || !within_quotas(&document) {
            return Err(refused());
        }
        match self.sight().settle(&mut document) {
            Ok(false) => Ok(text.to_owned()),
            Ok(true) => Ok(document.to_string()),
            Err(_) => Err(refused()),
        }
    }

    /// A dead-letter queue must be there, in the same account and region, and of the same type.
    fn check_dead_letter_queue(&mut self, value: &str, fifo: bool) -> Answered<()> {
        let wrong = |reason: &str| {
            refuse(
                Fault::Invalid,
                "InvalidParameterValue",
                format!("Value {value} for parameter RedrivePolicy is invalid. Reason: {reason}"),
            )
        };
        let Ok(Value::Object(policy)) = serde_json::from_str::<Value>(value) else {
            return wrong("Redrive policy is not a valid JSON map.");
        };
        let count = match policy.get("maxReceiveCount") {
            Some(Value::String(text)) => text.parse::<u64>().ok(),
            Some(other) => other.as_u64(),
            None => None,
        };
        if !count.is_some_and(|it| (1..=1000).contains(&it)) {
            return wrong(
                "Invalid value for maxReceiveCount. Valid values are from 1 to 1000 both inclusive.",
            );
        }
        let target = policy.get("deadLetterTargetArn").and_then(Value::as_str);
        let Some(target) = target.and_then(|it| Arn::parse(it).ok()) else {
            return wrong("Invalid value for deadLetterTargetArn.");
        };
        let own = target.as_str() == Arn::regional(self.at, "sqs", target.name()).as_str();
        let there = self.regional().queues.get(target.name());
        let created = there.map(|it| it.created).filter(|_| own);
        let freed = self.regional().freed_queues.contains_key(target.name());
        if own && created.is_none() && !freed && self.world.presumes(target.as_str()) {
            return Ok(());
        }
        if created.is_none_or(|it| self.is_unseen(it)) {
            let reason = "Dead letter target does not exist.";
            return refuse(
                Fault::Missing,
                "InvalidParameterValue",
                format!("Value {value} for parameter RedrivePolicy is invalid. Reason: {reason}"),
            );
        }
        if is_fifo(target.name()) != fifo {
            return wrong("Dead letter queue must be same type of queue as the source.");
        }
        Ok(())
    }
}

fn defaults(fifo: bool) -> Attributes {
    let fifo_only: &[(&str, &str)] = if fifo { &FIFO_DEFAULTS } else { &[] };
    DEFAULTS
        .iter()
        .chain(fifo_only)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Sets attributes over others. Empty ones are removed; one kind of encryption ends the other.
fn set(attributes: &mut Attributes, sent: Attributes) {
    for (name, value) in sent {
        match (name.as_str(), value.as_str()) {
            ("KmsMasterKeyId", "") => {
                // This does not bring back the other kind of encryption.
                attributes.remove("KmsMasterKeyId");
                attributes.remove("KmsDataKeyReusePeriodSeconds");
            }
            ("KmsMasterKeyId", _) => {
                attributes.insert("SqsManagedSseEnabled".to_owned(), "false".to_owned());
                attributes
                    .entry("KmsDataKeyReusePeriodSeconds".to_owned())
                    .or_insert_with(|| "300".to_owned());
                attributes.insert(name, value);
            }
            ("SqsManagedSseEnabled", "true") => {
                attributes.remove("KmsMasterKeyId");
                attributes.remove("KmsDataKeyReusePeriodSeconds");
                attributes.insert(name, value);
            }
            ("Policy" | "RedrivePolicy" | "RedriveAllowPolicy", "") => {
                attributes.remove(&name);
            }
            _ => {
                attributes.insert(name, value);
            }
        }
    }
}

fn check_name(name: &str, fifo: bool) -> Answered<()> {
    let stem = name.strip_suffix(".fifo").filter(|_| fifo);
    let allowed = |it: u8| it.is_ascii_alphanumeric() || b"_-".contains(&it);
    let plain = stem.unwrap_or(name);
    if (fifo && stem.is_none())
        || plain.is_empty()
        || name.len() > 80
        || !plain.bytes().all(allowed)
    {
        let message = if fifo {
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or \
             underscores, must end with .fifo suffix and be 1 to 80 in length."
        } else {
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        };
        return refuse(Fault::Invalid, "InvalidParameterValue", message);
    }
    Ok(())
}

fn check_attribute(name: &str, value: &str, fifo: bool) -> Answered<()> {
    let number = |low: u32, high: u32| {
        value
            .parse::<u32>()
            .is_ok_and(|it| (low..=high).contains(&it))
    };
    let truth = || matches!(value, "true" | "false");
    let right = match name {
        "DelaySeconds" => number(0, 900),
        "MaximumMessageSize" => number(1024, 1_048_576),
        "MessageRetentionPeriod" => number(60, 1_209_600),
        "ReceiveMessageWaitTimeSeconds" => number(0, 20),
        "VisibilityTimeout" => number(0, 43_200),
        "KmsDataKeyReusePeriodSeconds" => number(60, 86_400),
        "Policy" | "RedrivePolicy" | "KmsMasterKeyId" => true,
        "RedriveAllowPolicy" => value.is_empty() || is_redrive_allow(value),
        "SqsManagedSseEnabled" => truth(),
        "FifoQueue" if fifo => value == "true",
        "ContentBasedDeduplication" if fifo => truth(),
        "DeduplicationScope" if fifo => matches!(value, "queue" | "messageGroup"),
        "FifoThroughputLimit" if fifo => matches!(value, "perQueue" | "perMessageGroupId"),
        _ => {
            return refuse(
                Fault::Invalid,
                "InvalidAttributeName",
                format!("Unknown Attribute {name}."),
            );
        }
    };
    if right {
        return Ok(());
    }
    refuse(
        Fault::Invalid,
        "InvalidAttributeValue",
        format!("Invalid value for the parameter {name}."),
    )
}

fn is_redrive_allow(value: &str) -> bool {
    let Ok(Value::Object(policy)) = serde_json::from_str::<Value>(value) else {
        return false;
    };
    let sources = policy.get("sourceQueueArns").and_then(Value::as_array);
    match policy.get("redrivePermission").and_then(Value::as_str) {
        Some("allowAll" | "denyAll") => sources.is_none(),
        Some("byQueue") => sources.is_some_and(|it| (1..=10).contains(&it.len())),
        _ => false,
    }
}

/// The limit for each message group wants deduplication for each message group.
fn check_throughput(attributes: &Attributes) -> Answered<()> {
    let is = |name: &str, value: &str| attributes.get(name).is_some_and(|it| it == value);
    if is("FifoThroughputLimit", "perMessageGroupId") && !is("DeduplicationScope", "messageGroup") {
        return refuse(
            Fault::Invalid,
            "InvalidAttributeValue",
            "Invalid value for the parameter FifoThroughputLimit. Reason: The perMessageGroupId \
             value is allowed only when the value for DeduplicationScope is messageGroup.",
        );
    }
    Ok(())
}

fn within_quotas(document: &Value) -> bool {
    let budgets = Document::from_value(document).map(|it| size::queue(&it));
    budgets.is_ok_and(|all| !all.iter().any(size::Budget::is_over))
}

fn check_tags(tags: &Tags) -> Answered<()> {
    if tags.len() > TAGS {
        return refuse(
            Fault::Invalid,
            "InvalidParameterValue",
            format!("Too many tags added for queue: {} of {TAGS}.", tags.len()),
        );
    }
    super::tagging::check(tags)
        .or_else(|message| refuse(Fault::Invalid, "InvalidParameterValue", message))
}
