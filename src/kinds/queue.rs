//! SQS queues.
//!
//! Name and FIFO flag are fixed at creation; the rest changes in place, any
//! number of attributes in one call. An attribute that is left out keeps its
//! value, so a default is written out where the live value is another.
//!
//! | field                | attributes                                   | change  |
//! |----------------------|----------------------------------------------|---------|
//! | `fifo`               | `FifoQueue`                                  | replace |
//! | `content_based_deduplication` | `ContentBasedDeduplication`         | update  |
//! | `message_group_deduplication` | `DeduplicationScope`                     | update  |
//! | `message_group_throughput` | `FifoThroughputLimit`                       | update  |
//! | `delay`              | `DelaySeconds`                               | update  |
//! | `max_message_size`   | `MaximumMessageSize`                         | update  |
//! | `retention`          | `MessageRetentionPeriod`                     | update  |
//! | `receive_wait`       | `ReceiveMessageWaitTimeSeconds`              | update  |
//! | `visibility_timeout` | `VisibilityTimeout`                          | update  |
//! | `encryption`         | `SqsManagedSseEnabled`, `KmsMasterKeyId`, `KmsDataKeyReusePeriodSeconds` | update |
//! | `dead_letter`        | `RedrivePolicy`                              | update  |
//! | `redrive_allow`      | `RedriveAllowPolicy`                         | update  |
//! | `policy`             | `Policy`                                     | update  |
//!
//! See <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::role::gone_is_fine;
use super::{
    Context, Have, Kind, Resource, Want, mark_keys, or_none, policy_details, release_details,
    stale_tags, tag_details,
};
use crate::cloud::sqs::{self, Attributes};
use crate::cloud::{self, CallError, Cloud, Fault};
use crate::model::change::seconds;
use crate::model::tags::unmarked;
use crate::model::{Arn, Differences, Mark, Partition, Place, Tags};
use crate::policy::{Document, Statement};
use crate::stack::Encryption;

/// `https://sqs.REGION.SUFFIX/ACCOUNT/NAME`, by which calls name a queue.
#[must_use]
pub fn url(arn: &Arn) -> String {
    format!(
        "https://sqs.{}.{}/{}/{}",
        arn.region(),
        Partition::of_region(arn.region()).dns_suffix(),
        arn.account(),
        arn.name()
    )
}

/// A queue, as the stack wants it or as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    /// The ARN.
    pub arn: Arn,
    /// First in, first out.
    pub fifo: bool,
    /// Deduplicate by content (FIFO).
    pub content_based_deduplication: bool,
    /// Whether deduplication is by message group (FIFO). A stack says it with the throughput; SQS has it alone too.
    pub message_group_deduplication: bool,
    /// Whether throughput is counted by message group (FIFO).
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
    /// The dead-letter queue and how many receives it takes.
    pub dead_letter: Option<(Arn, u32)>,
    /// Which queues may use this one as their dead-letter queue.
    pub redrive_allow: RedriveAllow,
    /// Our statements of the access policy.
    pub policy: Document,
    /// The author's tags.
    pub tags: Tags,
}

/// Which queues may use a queue as their dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedriveAllow {
    /// Every queue of the account and region.
    All,
    /// None.
    Deny,
    /// These.
    Queues(BTreeSet<Arn>),
}

impl RedriveAllow {
    fn to_json(&self) -> Value {
        match self {
            Self::All => json!({"redrivePermission": "allowAll"}),
            Self::Deny => json!({"redrivePermission": "denyAll"}),
            Self::Queues(arns) => json!({"redrivePermission": "byQueue", "sourceQueueArns": arns}),
        }
    }

    fn parse(text: &str) -> Self {
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        match value["redrivePermission"].as_str() {
            Some("denyAll") => Self::Deny,
            Some("byQueue") => Self::Queues(
                value["sourceQueueArns"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|it| Arn::parse(it.as_str()?).ok())
                    .collect(),
            ),
            _ => Self::All,
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Deny => "none".to_owned(),
            Self::Queues(arns) => arns.iter().map(Arn::as_str).collect::<Vec<_>>().join(", "),
        }
    }
}

/// The topics that statements of a queue's policy let deliver to it.
pub(crate) fn delivered_by<'a>(
    statements: impl IntoIterator<Item = &'a Statement>,
) -> BTreeSet<Arn> {
    let conditions = statements.into_iter().map(|it| &it.conditions);
    conditions
        .flat_map(|it| it.values().flatten())
        .filter(|(key, _)| key.eq_ignore_ascii_case("aws:SourceArn"))
        .flat_map(|(_, values)| values)
        .filter_map(|it| Arn::parse(it).ok())
        .filter(|it| it.service() == "sns")
        .collect()
}

/// A queue's attributes; `None` when it is not there.
pub(crate) async fn attributes(
    cloud: &dyn Cloud,
    at: &Place,
    name: &str,
) -> Result<Option<Attributes>, CallError> {
    let name = name.to_owned();
    or_none(cloud::call(cloud, at, sqs::GetQueueAttributes { name }).await)
}

/// A queue's tags.
pub(crate) async fn tags(cloud: &dyn Cloud, at: &Place, name: &str) -> Result<Tags, CallError> {
    let name = name.to_owned();
    cloud::call(cloud, at, sqs::ListQueueTags { name }).await
}

/// The names of queues that begin with this; of all, with nothing.
pub(crate) async fn names(
    cloud: &dyn Cloud,
    at: &Place,
    prefix: &str,
) -> Result<Vec<String>, CallError> {
    let ask = |token| sqs::ListQueues {
        prefix: prefix.to_owned(),
        token,
    };
    cloud::all_pages(cloud, at, ask).await
}

/// What SQS takes as the largest message when nothing is said: 1 MiB.
pub const DEFAULT_MAX_MESSAGE_SIZE: u32 = 1_048_576;
/// How long a data key is reused when nothing is said.
pub const DEFAULT_KEY_REUSE: u32 = 300;

impl Queue {
    /// Every attribute but the policy, as SQS takes them. FIFO ones only where they are taken.
    #[must_use]
    pub fn encode(&self) -> Attributes {
        let mut found = Attributes::new();
        let mut set = |name: &str, value: String| {
            found.insert(name.to_owned(), value);
        };
        set("DelaySeconds", self.delay.to_string());
        set("MaximumMessageSize", self.max_message_size.to_string());
        set("MessageRetentionPeriod", self.retention.to_string());
        set(
            "ReceiveMessageWaitTimeSeconds",
            self.receive_wait.to_string(),
        );
        set("VisibilityTimeout", self.visibility_timeout.to_string());
        if self.fifo {
            set("FifoQueue", "true".to_owned());
            set(
                "ContentBasedDeduplication",
                self.content_based_deduplication.to_string(),
            );
            let scope = if self.message_group_deduplication {
                "messageGroup"
            } else {
                "queue"
            };
            set("DeduplicationScope", scope.to_owned());
            let limit = if self.message_group_throughput {
                "perMessageGroupId"
            } else {
                "perQueue"
            };
            set("FifoThroughputLimit", limit.to_owned());
        }
        // SQS refuses both kinds of encryption at once, even the one of them as "off" beside the other.
        match &self.encryption {
            Encryption::Sqs => set("SqsManagedSseEnabled", "true".to_owned()),
            Encryption::Off => set("SqsManagedSseEnabled", "false".to_owned()),
            Encryption::Kms { key, reuse } => {
                set("KmsMasterKeyId", key.clone());
                set("KmsDataKeyReusePeriodSeconds", reuse.to_string());
            }
        }
        let redrive = self.dead_letter.as_ref().map(|(arn, receives)| {
            json!({"deadLetterTargetArn": arn, "maxReceiveCount": receives}).to_string()
        });
        set("RedrivePolicy", redrive.unwrap_or_default());
        set(
            "RedriveAllowPolicy",
            self.redrive_allow.to_json().to_string(),
        );
        found
    }

    /// What to send at creation: removals and SQS's own default of a redrive-allow policy are left out.
    fn encode_new(&self) -> Attributes {
        let mut found = self.encode();
        found.retain(|_, value| !value.is_empty());
        if self.redrive_allow == RedriveAllow::All {
            found.remove("RedriveAllowPolicy");
        }
        if !self.policy.statements.is_empty() {
            found.insert("Policy".to_owned(), self.policy.to_text());
        }
        found
    }

    /// What to send to get from `live` here.
    fn encode_changes(&self, live: &Self) -> Attributes {
        let there = live.encode();
        let mut found: Attributes = self
            .encode()
            .into_iter()
            .filter(|(name, value)| there.get(name) != Some(value))
            .collect();
        if self.encryption != live.encryption
            && matches!(live.encryption, Encryption::Kms { .. })
            && !matches!(self.encryption, Encryption::Kms { .. })
        {
            found.insert("KmsMasterKeyId".to_owned(), String::new());
        }
        found
    }

    /// What SQS's attributes and tags say.
    pub fn decode(
        arn: &Arn,
        attributes: &Attributes,
        tags: &Tags,
        stack: &str,
    ) -> Result<Have, CallError> {
        let text = |name: &str| attributes.get(name).map_or("", String::as_str);
        let number = |name: &str, default: u32| text(name).parse().unwrap_or(default);
        let key = text("KmsMasterKeyId");
        let encryption = if !key.is_empty() {
            Encryption::Kms {
                key: key.to_owned(),
                reuse: number("KmsDataKeyReusePeriodSeconds", DEFAULT_KEY_REUSE),
            }
        } else if text("SqsManagedSseEnabled") == "false" {
            Encryption::Off
        } else {
            Encryption::Sqs
        };
        let redrive: Value = serde_json::from_str(text("RedrivePolicy")).unwrap_or_default();
        // The count comes back as a number or as text.
        let receives = &redrive["maxReceiveCount"];
        let receives = receives
            .as_u64()
            .or_else(|| receives.as_str()?.parse().ok());
        let dead_letter = redrive["deadLetterTargetArn"]
            .as_str()
            .and_then(|it| Arn::parse(it).ok())
            .map(|it| {
                (
                    it,
                    receives.and_then(|it| u32::try_from(it).ok()).unwrap_or(10),
                )
            });
        let mut queue = Self {
            arn: arn.clone(),
            fifo: text("FifoQueue") == "true",
            content_based_deduplication: text("ContentBasedDeduplication") == "true",
            message_group_deduplication: text("DeduplicationScope") == "messageGroup",
            message_group_throughput: text("FifoThroughputLimit") == "perMessageGroupId",
            delay: number("DelaySeconds", 0),
            max_message_size: number("MaximumMessageSize", DEFAULT_MAX_MESSAGE_SIZE),
            retention: number("MessageRetentionPeriod", 345_600),
            receive_wait: number("ReceiveMessageWaitTimeSeconds", 0),
            visibility_timeout: number("VisibilityTimeout", 30),
            encryption,
            dead_letter,
            redrive_allow: RedriveAllow::parse(text("RedriveAllowPolicy")),
            policy: Document::of(Vec::new()),
            tags: unmarked(tags),
        };
        let mut have = Have::of(Resource::Queue(queue.clone()), arn.as_str(), tags);
        if let Some(text) = attributes.get("Policy").filter(|it| !it.is_empty()) {
            let document = Document::parse(text).map_err(|error| {
                CallError::new(
                    Fault::Invalid,
                    "UnreadablePolicy",
                    format!("the policy of {arn} cannot be read: {error}"),
                )
            })?;
            queue.policy = have.take_policy(document, stack, |_| false);
        }
        have.resource = Resource::Queue(queue);
        Ok(have)
    }

    /// The topics that our statements let deliver to it.
    #[must_use]
    pub fn delivering(&self) -> BTreeSet<Arn> {
        delivered_by(&self.policy.statements)
    }

    fn live(have: &Have) -> &Self {
        match &have.resource {
            Resource::Queue(it) => it,
            other => unreachable!("a queue was compared with a {}", other.kind().singular()),
        }
    }

    fn encryption_shown(&self) -> String {
        match &self.encryption {
            Encryption::Sqs => "sqs".to_owned(),
            Encryption::Off => "off".to_owned(),
            Encryption::Kms { key, reuse } => {
                format!("kms {key}, data keys reused for {}", seconds(*reuse))
            }
        }
    }
}

impl Kind for Queue {
    fn differences(&self, want: &Want, have: &Have) -> Differences {
        let live = Self::live(have);
        let policy = policy_details(want, &self.policy, &live.policy, have);
        if !want.owned {
            return Differences::default()
                .list("policy", policy)
                .list("mark", release_details(have));
        }
        let dead_letter = |it: &Self| {
            it.dead_letter
                .as_ref()
                .map(|(arn, count)| format!("{} after {count} receives", arn.name()))
        };
        Differences::default()
            .fixed("fifo", &live.fifo, &self.fifo)
            .field(
                "content_based_deduplication",
                &live.content_based_deduplication,
                &self.content_based_deduplication,
            )
            .field(
                "message_group_deduplication",
                &live.message_group_deduplication,
                &self.message_group_deduplication,
            )
            .field(
                "message_group_throughput",
                &live.message_group_throughput,
                &self.message_group_throughput,
            )
            .field("delay", &seconds(live.delay), &seconds(self.delay))
            .field(
                "max_message_size",
                &live.max_message_size,
                &self.max_message_size,
            )
            .field(
                "retention",
                &seconds(live.retention),
                &seconds(self.retention),
            )
            .field(
                "receive_wait",
                &seconds(live.receive_wait),
                &seconds(self.receive_wait),
            )
            .field(
                "visibility_timeout",
                &seconds(live.visibility_timeout),
                &seconds(self.visibility_timeout),
            )
            .field(
                "encryption",
                &live.encryption_shown(),
                &self.encryption_shown(),
            )
            .field("dead_letter", &dead_letter(live), &dead_letter(self))
            .field(
                "redrive_allow",
                &live.redrive_allow.shown(),
                &self.redrive_allow.shown(),
            )
            .list("policy", policy)
            .list(
                "tags",
                tag_details(&self.tags, &live.tags, have.mark.as_ref()),
            )
    }

    async fn read(&self, want: &Want, cx: &Context<'_>) -> Result<Option<Have>, CallError> {
        let name = self.arn.name();
        // The policy comes last: what is written next should rest on as new a read as can be.
        let Some(tags) = or_none(tags(cx.cloud, &want.place, name).await)? else {
            return Ok(None);
        };
        let Some(attributes) = attributes(cx.cloud, &want.place, name).await? else {
            return Ok(None);
        };
        Self::decode(&self.arn, &attributes, &tags, cx.stack).map(Some)
    }

    async fn read_back(
        &self,
        want: &Want,
        _: &Have,
        cx: &Context<'_>,
    ) -> Result<Option<Have>, CallError> {
        let found = attributes(cx.cloud, &want.place, self.arn.name()).await?;
        let decode = |it| Self::decode(&self.arn, &it, &Tags::new(), cx.stack);
        found.map(decode).transpose()
    }

    async fn exist(
        &self,
        want: &Want,
        have: Option<&Have>,
        cx: &Context<'_>,
    ) -> Result<String, CallError> {
        let place = &want.place;
        let name = self.arn.name().to_owned();
        let Some(have) = have else {
            let call = sqs::CreateQueue {
                name,
                attributes: self.encode_new(),
                tags: cx.marked(want),
            };
            cloud::call(cx.cloud, place, call).await?;
            return Ok(self.arn.to_string());
        };
        let live = Self::live(have);
        let mut attributes = if want.owned {
            self.encode_changes(live)
        } else {
            Attributes::new()
        };
        if !policy_details(want, &self.policy, &live.policy, have).is_empty() {
            let document = have.policy_for(want, &self.policy);
            let text = if document.statements.is_empty() {
                String::new()
            } else {
                document.to_text()
            };
            attributes.insert("Policy".to_owned(), text);
        }
        if !attributes.is_empty() {
            cloud::call(
                cx.cloud,
                place,
                sqs::SetQueueAttributes {
                    name: name.clone(),
                    attributes,
                },
            )
            .await?;
        }
        if have.released {
            let call = sqs::UntagQueue {
                name: name.clone(),
                keys: mark_keys(),
            };
            cloud::call(cx.cloud, place, call).await?;
        }
        if want.owned {
            let keys = stale_tags(want, have);
            if !keys.is_empty() {
                cloud::call(
                    cx.cloud,
                    place,
                    sqs::UntagQueue {
                        name: name.clone(),
                        keys,
                    },
                )
                .await?;
            }
            let tags = cx.marked(want);
            if Mark::read(&tags) != have.mark
                || !tag_details(&self.tags, &live.tags, None).is_empty()
            {
                cloud::call(cx.cloud, place, sqs::TagQueue { name, tags }).await?;
            }
        }
        Ok(have.id.clone())
    }

    async fn settle(&self, _: &Want, _: Option<&Have>, _: &Context<'_>) -> Result<(), CallError> {
        Ok(())
    }

    async fn remove(&self, place: &Place, have: &Have, cx: &Context<'_>) -> Result<(), CallError> {
        let name = self.arn.name().to_owned();
        if have.mark.as_ref().is_some_and(|it| it.stack == cx.stack) {
            return gone_is_fine(cloud::call(cx.cloud, place, sqs::DeleteQueue { name }).await);
        }
        if self.policy.statements.is_empty() {
            return Ok(());
        }
        let document = have.policy_with(&Document::of(Vec::new()), |_| true);
        let text = if document.statements.is_empty() {
            String::new()
        } else {
            document.to_text()
        };
        let attributes = Attributes::from([("Policy".to_owned(), text)]);
        gone_is_fine(
            cloud::call(
                cx.cloud,
                place,
                sqs::SetQueueAttributes { name, attributes },
            )
            .await,
        )
    }

    fn to_value(&self) -> Value {
        let mut attributes = self.encode();
        attributes.insert("Policy".to_owned(), self.policy.to_text());
        json!({"arn": self.arn, "attributes": attributes, "tags": self.tags})
    }
}
