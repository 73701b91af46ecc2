//! SNS topics.
//!
//! Name and FIFO flag are fixed at creation; the rest changes in place, one
//! attribute a call. A topic always has a policy: the one SNS gives a fresh
//! topic lets the whole account in, so a topic we own always gets one of ours. Where the
//! stack wants no statement and none of others is there, a placeholder stands in it.
//!
//! | field                         | attribute                   | change  |
//! |-------------------------------|-----------------------------|---------|
//! | `fifo`                        | `FifoTopic`                 | replace |
//! | `content_based_deduplication` | `ContentBasedDeduplication` | update  |
//! | `message_group_throughput`    | `FifoThroughputScope`       | update  |
//! | `display_name`                | `DisplayName`               | update  |
//! | `kms_key`                     | `KmsMasterKeyId`            | update  |
//! | `delivery_policy`             | `DeliveryPolicy`            | update  |
//! | `signature_version`           | `SignatureVersion`          | update  |
//! | `tracing`                     | `TracingConfig`             | update  |
//! | `…_feedback_…`, `archive_policy` | as in [`OPTIONAL`]       | update, where set |
//! | `policy`                      | `Policy`                    | update  |
//!
//! See <https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html>.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::role::gone_is_fine;
use super::{
    Context, Have, Kind, Resource, Want, mark_keys, or_none, policy_details, release_details,
    stale_tags, tag_details,
};
use crate::cloud::sns::{self, Attributes};
use crate::cloud::{self, CallError, Cloud, Fault};
use crate::model::tags::unmarked;
use crate::model::{Arn, Differences, Mark, Place, Tags};
use crate::policy::patterns::Pattern;
use crate::policy::{Clause, Document, Effect, PrincipalClause, Statement, own, same_statement};
use crate::stack::OPTIONAL_OF_TOPICS as OPTIONAL;

/// A topic, as the stack wants it or as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Topic {
    /// The ARN.
    pub arn: Arn,
    /// First in, first out.
    pub fifo: bool,
    /// Deduplicate by content (FIFO).
    pub content_based_deduplication: bool,
    /// Whether FIFO throughput is counted by message group.
    pub message_group_throughput: bool,
    /// The name in SMS and e-mail messages; empty for none.
    pub display_name: String,
    /// The KMS key; empty for none.
    pub kms_key: String,
    /// Retries of HTTP deliveries.
    pub delivery_policy: Option<Value>,
    /// 1 or 2.
    pub signature_version: u8,
    /// Whether X-Ray traces are passed on.
    pub tracing: bool,
    /// Attributes that are left alone unless the stack sets them, by SNS's names for them.
    pub optional: BTreeMap<String, String>,
    /// Our statements of the access policy.
    pub policy: Document,
    /// The author's tags.
    pub tags: Tags,
}

/// A topic's attributes; `None` when it is not there.
pub(crate) async fn attributes(
    cloud: &dyn Cloud,
    at: &Place,
    arn: &Arn,
) -> Result<Option<Attributes>, CallError> {
    let arn = arn.to_string();
    or_none(cloud::call(cloud, at, sns::GetTopicAttributes { arn }).await)
}

/// A topic's tags.
pub(crate) async fn tags(cloud: &dyn Cloud, at: &Place, arn: &Arn) -> Result<Tags, CallError> {
    let arn = arn.to_string();
    cloud::call(cloud, at, sns::ListTopicTags { arn }).await
}

/// A topic's subscriptions, whoever owns them.
pub(crate) async fn subscriptions(
    cloud: &dyn Cloud,
    at: &Place,
    arn: &Arn,
) -> Result<Vec<sns::SubscriptionListing>, CallError> {
    let ask = |token| sns::ListSubscriptionsByTopic {
        topic: arn.to_string(),
        token,
    };
    cloud::all_pages(cloud, at, ask).await
}

/// The attribute that archives messages.
const ARCHIVE: &str = "ArchivePolicy";

/// An attribute's value as it is compared: JSON by its meaning, numbers in texts as numbers, other texts as they are.
fn json_form(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(fields)) => {
            let fields = fields.into_iter().map(|(name, value)| {
                let number = value.as_str().and_then(|it| it.parse::<u64>().ok());
                (name, number.map_or(value, Value::from))
            });
            Value::Object(fields.collect()).to_string()
        }
        _ => text.to_owned(),
    }
}

/// A delivery policy without what SNS adds to every one; `None` when nothing is left.
fn without_defaults(mut policy: Value) -> Option<Value> {
    let overrides = "disableSubscriptionOverrides";
    if let Some(http) = policy.get_mut("http").and_then(Value::as_object_mut) {
        http.retain(|name, value| {
            !(value.is_null() || name == overrides && *value == json!(false))
        });
    }
    if let Some(fields) = policy.as_object_mut() {
        fields.retain(|_, value| !value.is_null() && *value != json!({}));
    }
    (policy != json!({}) && !policy.is_null()).then_some(policy)
}

impl Topic {
    /// For how many days messages are archived, 0 for none; `None` where the archive is left alone.
    #[must_use]
    pub fn archived_days(&self) -> Option<u32> {
        let policy: Value = serde_json::from_str(self.optional.get(ARCHIVE)?).ok()?;
        let days = &policy["MessageRetentionPeriod"];
        let days = days.as_u64().or_else(|| days.as_str()?.parse().ok());
        u32::try_from(days.unwrap_or_default()).ok()
    }

    /// Whether its policy names this queue, or a pattern of it, among those that may subscribe.
    #[must_use]
    pub fn lets_subscribe(&self, queue: &str) -> bool {
        let names = |statement: &Statement| {
            let endpoints = statement
                .conditions
                .values()
                .flat_map(|keys| keys.iter())
                .filter(|(key, _)| key.eq_ignore_ascii_case("sns:Endpoint"));
            endpoints
                .flat_map(|(_, values)| values)
                .any(|it| Pattern::of(it).matches(queue))
        };
        self.policy
            .statements
            .iter()
            .filter(|it| it.effect == Effect::Allow && it.action.values == ["sns:Subscribe"])
            .any(names)
    }

    /// Every attribute but the policy, as SNS takes them. FIFO ones only where they are taken.
    #[must_use]
    pub fn encode(&self) -> Attributes {
        let mut found = Attributes::new();
        let mut set = |name: &str, value: String| {
            found.insert(name.to_owned(), value);
        };
        set("DisplayName", self.display_name.clone());
        set("KmsMasterKeyId", self.kms_key.clone());
        set(
            "DeliveryPolicy",
            self.delivery_policy
                .as_ref()
                .map(Value::to_string)
                .unwrap_or_default(),
        );
        set("SignatureVersion", self.signature_version.to_string());
        set(
            "TracingConfig",
            if self.tracing {
                "Active"
            } else {
                "PassThrough"
            }
            .to_owned(),
        );
        for (name, value) in &self.optional {
            set(name, value.clone());
        }
        if self.fifo {
            set("FifoTopic", "true".to_owned());
            set(
                "ContentBasedDeduplication",
                self.content_based_deduplication.to_string(),
            );
            let scope = if self.message_group_throughput {
                "MessageGroup"
            } else {
                "Topic"
            };
            set("FifoThroughputScope", scope.to_owned());
        }
        found
    }

    /// What to send at creation: what is not SNS's own default.
    fn encode_new(&self) -> Attributes {
        let plain = Self {
            fifo: self.fifo,
            arn: self.arn.clone(),
            content_based_deduplication: false,
            message_group_throughput: false,
            display_name: String::new(),
            kms_key: String::new(),
            delivery_policy: None,
            signature_version: 1,
            tracing: false,
            optional: BTreeMap::new(),
            policy: Document::of(Vec::new()),
            tags: Tags::new(),
        };
        let defaults = plain.encode();
        self.encode()
            .into_iter()
            .filter(|(name, value)| name == "FifoTopic" || defaults.get(name) != Some(value))
            .collect()
    }

    /// The purpose of the statement that delegates to the account's own policies.
    pub const OWNER: &str = "owner";

    /// The statement that stands in a policy which would be empty: it lets the account's own policies decide who reads the
    /// topic's attributes, as they do without it. SNS takes no empty policy.
    fn placeholder(&self, stack: &str) -> Statement {
        let root = format!(
            "arn:{}:iam::{}:root",
            self.arn.partition(),
            self.arn.account()
        );
        let sid = own::sid(stack, "no statement");
        Statement::allow(sid, Clause::of(["sns:GetTopicAttributes"]))
            .to(PrincipalClause::aws([root]))
            .on([self.arn.as_str()])
    }

    /// Whether the policy that SNS gives a fresh topic gives way to ours.
    #[must_use]
    pub fn replaces_first(&self, want: &Want) -> bool {
        let owner = own::sid(&want.stack, Self::OWNER);
        want.owned
            && self
                .policy
                .statements
                .iter()
                .any(|it| it.sid.as_deref() == Some(&*owner))
    }

    /// What SNS's attributes and tags say.
    ///
    /// `replaces_first`: SNS's first statement gives way to ours.
    pub fn decode(
        arn: &Arn,
        attributes: &Attributes,
        tags: &Tags,
        stack: &str,
        replaces_first: bool,
    ) -> Result<Have, CallError> {
        let text = |name: &str| attributes.get(name).map_or("", String::as_str);
        let mut topic = Self {
            arn: arn.clone(),
            fifo: text("FifoTopic") == "true",
            content_based_deduplication: text("ContentBasedDeduplication") == "true",
            message_group_throughput: text("FifoThroughputScope") == "MessageGroup",
            display_name: text("DisplayName").to_owned(),
            kms_key: text("KmsMasterKeyId").to_owned(),
            delivery_policy: serde_json::from_str(text("DeliveryPolicy"))
                .ok()
                .and_then(without_defaults),
            signature_version: text("SignatureVersion").parse().unwrap_or(1),
            tracing: text("TracingConfig") == "Active",
            optional: OPTIONAL
                .iter()
                .filter_map(|(_, name)| attributes.get_key_value(*name))
                .filter(|(_, value)| !value.is_empty() && *value != "{}")
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            policy: Document::of(Vec::new()),
            tags: unmarked(tags),
        };
        let mut have = Have::of(Resource::Topic(topic.clone()), arn.as_str(), tags);
        if let Some(text) = attributes.get("Policy").filter(|it| !it.is_empty()) {
            let document = Document::parse(text).map_err(|error| {
                CallError::new(
                    Fault::Invalid,
                    "UnreadablePolicy",
                    format!("the policy of {arn} cannot be read: {error}"),
                )
            })?;
            let is_first = |it: &Statement| {
                replaces_first && own::is_default_topic_statement(it, arn.account())
            };
            topic.policy = have.take_policy(document, stack, is_first);
            let placeholder = topic.placeholder(stack);
            let statements = &mut topic.policy.statements;
            statements.retain(|it| !same_statement(it, &placeholder));
        }
        have.resource = Resource::Topic(topic);
        Ok(have)
    }

    fn live(have: &Have) -> &Self {
        match &have.resource {
            Resource::Topic(it) => it,
            other => unreachable!("a topic was compared with a {}", other.kind().singular()),
        }
    }

    async fn set(
        &self,
        place: &Place,
        cx: &Context<'_>,
        name: &str,
        value: String,
    ) -> Result<(), CallError> {
        let call = sns::SetTopicAttributes {
            arn: self.arn.to_string(),
            name: name.to_owned(),
            value,
        };
        cloud::call(cx.cloud, place, call).await
    }
}

impl Kind for Topic {
    fn differences(&self, want: &Want, have: &Have) -> Differences {
        let live = Self::live(have);
        let policy = policy_details(want, &self.policy, &live.policy, have);
        if !want.owned {
            return Differences::default()
                .list("policy", policy)
                .list("mark", release_details(have));
        }
        let json = |it: &Option<Value>| {
            it.clone()
                .and_then(without_defaults)
                .map(|it| it.to_string())
        };
        let optional = OPTIONAL.iter().filter_map(|(field, name)| {
            let there = live.optional.get(*name).map_or("", String::as_str);
            Some((
                *field,
                json_form(there),
                json_form(self.optional.get(*name)?),
            ))
        });
        let differences = optional.fold(Differences::default(), |found, (field, there, wanted)| {
            found.field(field, &there, &wanted)
        });
        differences
            .fixed("fifo", &live.fifo, &self.fifo)
            .field(
                "content_based_deduplication",
                &live.content_based_deduplication,
                &self.content_based_deduplication,
            )
            .field(
                "message_group_throughput",
                &live.message_group_throughput,
                &self.message_group_throughput,
            )
            .field("display_name", &live.display_name, &self.display_name)
            .field("kms_key", &live.kms_key, &self.kms_key)
            .field(
                "delivery_policy",
                &json(&live.delivery_policy),
                &json(&self.delivery_policy),
            )
            .field(
                "signature_version",
                &live.signature_version,
                &self.signature_version,
            )
            .field("tracing", &live.tracing, &self.tracing)
            .list("policy", policy)
            .list(
                "tags",
                tag_details(&self.tags, &live.tags, have.mark.as_ref()),
            )
    }

    async fn read(&self, want: &Want, cx: &Context<'_>) -> Result<Option<Have>, CallError> {
        // The policy comes last: what is written next should rest on as new a read as can be.
        let Some(tags) = or_none(tags(cx.cloud, &want.place, &self.arn).await)? else {
            return Ok(None);
        };
        let Some(attributes) = attributes(cx.cloud, &want.place, &self.arn).await? else {
            return Ok(None);
        };
        let replaces = self.replaces_first(want);
        Self::decode(&self.arn, &attributes, &tags, cx.stack, replaces).map(Some)
    }

    async fn read_back(
        &self,
        want: &Want,
        _: &Have,
        cx: &Context<'_>,
    ) -> Result<Option<Have>, CallError> {
        let found = attributes(cx.cloud, &want.place, &self.arn).await?;
        let replaces = self.replaces_first(want);
        let decode = |it| Self::decode(&self.arn, &it, &Tags::new(), cx.stack, replaces);
        found.map(decode).transpose()
    }

    async fn exist(
        &self,
        want: &Want,
        have: Option<&Have>,
        cx: &Context<'_>,
    ) -> Result<String, CallError> {
        let place = &want.place;
        let Some(have) = have else {
            let mut attributes = self.encode_new();
            let mut policy = self.policy.clone();
            if policy.statements.is_empty() {
                policy.statements.push(self.placeholder(cx.stack));
            }
            attributes.insert("Policy".to_owned(), policy.to_text());
            let call = sns::CreateTopic {
                name: self.arn.name().to_owned(),
                attributes,
                tags: cx.marked(want),
            };
            return cloud::call(cx.cloud, place, call).await;
        };
        let live = Self::live(have);
        if want.owned {
            let there = live.encode();
            for (name, value) in self.encode() {
                if there.get(&name).map(|it| json_form(it)) != Some(json_form(&value)) {
                    self.set(place, cx, &name, value).await?;
                }
            }
        }
        if !policy_details(want, &self.policy, &live.policy, have).is_empty() {
            let mut document = have.policy_for(want, &self.policy);
            if document.statements.is_empty() {
                // A topic cannot be without a policy: one that is not ours gets back its first one.
                document = if want.owned {
                    Document::of(vec![self.placeholder(cx.stack)])
                } else {
                    own::default_topic_policy(self.arn.as_str(), self.arn.account())
                };
            }
            self.set(place, cx, "Policy", document.to_text()).await?;
        }
        if have.released {
            let call = sns::UntagTopic {
                arn: self.arn.to_string(),
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
                    sns::UntagTopic {
                        arn: self.arn.to_string(),
                        keys,
                    },
                )
                .await?;
            }
            let tags = cx.marked(want);
            if Mark::read(&tags) != have.mark
                || !tag_details(&self.tags, &live.tags, None).is_empty()
            {
                cloud::call(
                    cx.cloud,
                    place,
                    sns::TagTopic {
                        arn: self.arn.to_string(),
                        tags,
                    },
                )
                .await?;
            }
        }
        Ok(have.id.clone())
    }

    async fn settle(&self, _: &Want, _: Option<&Have>, _: &Context<'_>) -> Result<(), CallError> {
        Ok(())
    }

    async fn remove(&self, place: &Place, have: &Have, cx: &Context<'_>) -> Result<(), CallError> {
        if have.mark.as_ref().is_some_and(|it| it.stack == cx.stack) {
            if Self::live(have).optional.contains_key(ARCHIVE) {
                // SNS deletes no topic that archives messages.
                let ends = self.set(place, cx, ARCHIVE, "{}".to_owned());
                gone_is_fine(ends.await)?;
            }
            let call = sns::DeleteTopic {
                arn: self.arn.to_string(),
            };
            return gone_is_fine(cloud::call(cx.cloud, place, call).await);
        }
        if self.policy.statements.is_empty() {
            return Ok(());
        }
        let mut document = have.policy_with(&Document::of(Vec::new()), |_| true);
        if document.statements.is_empty() {
            document = own::default_topic_policy(self.arn.as_str(), self.arn.account());
        }
        gone_is_fine(self.set(place, cx, "Policy", document.to_text()).await)
    }

    fn to_value(&self) -> Value {
        let mut attributes = self.encode();
        attributes.insert("Policy".to_owned(), self.policy.to_text());
        json!({"arn": self.arn, "attributes": attributes, "tags": self.tags})
    }
}
