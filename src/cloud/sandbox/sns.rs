//! Topics.
//!
//! See <https://docs.aws.amazon.com/sns/latest/api/API_Operations.html>; what a
//! policy may say, <https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html>.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::Turn;
use super::access::{self, Asked, like};
use super::elements::{statements, strings};
use super::principals::reorder;
use super::refusal::{Answered, invalid_parameter, refuse};
use super::state::Topic;
use super::tagging::authors;
use crate::cloud::sns::{
    Attributes, CreateTopic, DeleteTopic, GetTopicAttributes, ListTopicTags, SetTopicAttributes,
    TagTopic, UntagTopic,
};
use crate::cloud::{CallError, Fault};
use crate::model::{Arn, Place, Tags};
use crate::policy::grammar::OUT_OF_SCOPE;
use crate::policy::{Document, Grammar, Holder, delivery, size};

const TAGS: usize = 50;

const DEFAULT_ACTIONS: [&str; 8] = [
    "SNS:GetTopicAttributes",
    "SNS:SetTopicAttributes",
    "SNS:AddPermission",
    "SNS:RemovePermission",
    "SNS:DeleteTopic",
    "SNS:Subscribe",
    "SNS:ListSubscriptionsByTopic",
    "SNS:Publish",
];

/// What every topic delivers by, unless it says otherwise.
const EFFECTIVE_DELIVERY: &str = concat!(
    r#"{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"#,
    r#""numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"#,
    r#""backoffFunction":"linear"},"disableSubscriptionOverrides":false,"#,
    r#""defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"}}}"#
);

/// What a delivery policy is after it was cleared: not absent.
const CLEARED_DELIVERY: &str = r#"{"http":{"disableSubscriptionOverrides":false}}"#;

impl Turn<'_> {
    pub(super) fn create_topic(&mut self, call: CreateTopic) -> Answered<String> {
        let mut attributes = call.attributes;
        let fifo = attributes.get("FifoTopic").is_some_and(|it| it == "true");
        check_name(&call.name, fifo)?;
        for (name, value) in &attributes {
            if name != "FifoTopic" || !matches!(value.as_str(), "true" | "false") {
                check_attribute(name, value, fifo).map_err(|reason| match reason {
                    Wrong::Name => {
                        invalid_parameter(&format!("Attributes Reason: Unknown attribute {name}"))
                    }
                    Wrong::Value(reason) => {
                        invalid_parameter(&format!("Attributes Reason: {reason}"))
                    }
                })?;
            }
        }
        check_tags(&call.tags)?;
        let arn = Arn::regional(self.at, "sns", &call.name).to_string();
        if let Some(policy) = attributes.get_mut("Policy") {
            *policy = self.checked_topic_policy(policy, &arn)?;
        }
        if let Some(topic) = self.regional().topics.get(&call.name) {
            same_or_less(topic, &attributes, &call.tags)?;
            return Ok(arn);
        }
        let policy = attributes
            .remove("Policy")
            .unwrap_or_else(|| default_policy(self.at, &arn));
        if !fifo {
            attributes.remove("FifoTopic");
        }
        attributes.retain(|name, value| !(name == "KmsMasterKeyId" && value.is_empty()));
        let topic = Topic {
            attributes,
            policy,
            policy_since: self.policy_time(),
            tags: call.tags,
            subscriptions: Vec::new(),
        };
        self.regional().topics.insert(call.name, topic);
        Ok(arn)
    }

    pub(super) fn topic_attributes(&mut self, call: &GetTopicAttributes) -> Answered<Attributes> {
        let topic = self.topic(&call.arn, "SNS:GetTopicAttributes", &[])?;
        let mut shown = topic.attributes.clone();
        let count = |confirmed: bool| {
            let alike = topic
                .subscriptions
                .iter()
                .filter(|it| it.confirmed == confirmed);
            alike.count().to_string()
        };
        let owner = call.arn.split(':').nth(4).unwrap_or_default().to_owned();
        let mut put = |name: &str, value: String| {
            shown.entry(name.to_owned()).or_insert(value);
        };
        put("TopicArn", call.arn.clone());
        put("Owner", owner);
        put("Policy", as_shown(&topic.policy));
        put("DisplayName", String::new());
        put("EffectiveDeliveryPolicy", EFFECTIVE_DELIVERY.to_owned());
        put("SubscriptionsConfirmed", count(true));
        put("SubscriptionsPending", count(false));
        put("SubscriptionsDeleted", "0".to_owned());
        if topic.attributes.contains_key("FifoTopic") {
            put("ContentBasedDeduplication", "false".to_owned());
        }
        Ok(shown)
    }

    pub(super) fn set_topic_attribute(&mut self, call: SetTopicAttributes) -> Answered<()> {
        let topic = self.topic(&call.arn, "SNS:SetTopicAttributes", &[])?;
        let fifo = topic.attributes.contains_key("FifoTopic");
        check_attribute(&call.name, &call.value, fifo).map_err(|reason| match reason {
            Wrong::Name => invalid_parameter("AttributeName"),
            Wrong::Value(reason) => invalid_parameter(&reason),
        })?;
        if call.name == "Policy" {
            let policy = self.checked_topic_policy(&call.value, &call.arn)?;
            let since = self.policy_time();
            let topic = self.topic(&call.arn, "SNS:SetTopicAttributes", &[])?;
            topic.policy = policy;
            topic.policy_since = since;
            return Ok(());
        }
        let topic = self.topic(&call.arn, "SNS:SetTopicAttributes", &[])?;
        match (call.name.as_str(), call.value.as_str()) {
            ("KmsMasterKeyId", "") => {
                topic.attributes.remove("KmsMasterKeyId");
            }
            ("DeliveryPolicy", "") => {
                let cleared = CLEARED_DELIVERY.to_owned();
                topic.attributes.insert(call.name, cleared);
            }
            ("ArchivePolicy", "{}") => {
                topic.attributes.remove("ArchivePolicy");
            }
            _ => {
                topic.attributes.insert(call.name, call.value);
            }
        }
        Ok(())
    }

    pub(super) fn delete_topic(&mut self, call: &DeleteTopic) -> Answered<()> {
        match self.topic(&call.arn, "SNS:DeleteTopic", &[]) {
            Ok(topic) if topic.attributes.contains_key("ArchivePolicy") => {
                return refuse(
                    Fault::Invalid,
                    "InvalidState",
                    "Invalid state: Cannot delete a topic with an ArchivePolicy",
                );
            }
            Ok(_) => {}
            Err(error) if error.fault == Fault::Missing => return Ok(()),
            Err(error) => return Err(error),
        }
        let arn = self.topic_arn(&call.arn)?;
        if let Some(region) = self.region_of(&arn) {
            region.topics.remove(arn.name());
        }
        if let Some(absent) = &mut self.world.absent {
            absent.insert(call.arn.clone());
        }
        Ok(())
    }

    pub(super) fn topic_tags(&mut self, call: &ListTopicTags) -> Answered<Tags> {
        Ok(self
            .tagged_topic(&call.arn, "SNS:ListTagsForResource")?
            .tags
            .clone())
    }

    pub(super) fn tag_topic(&mut self, call: TagTopic) -> Answered<()> {
        let topic = self.tagged_topic(&call.arn, "SNS:TagResource")?;
        let mut tags = authors(&topic.tags);
        tags.extend(call.tags);
        check_tags(&tags)?;
        topic.tags.extend(tags);
        Ok(())
    }

    pub(super) fn untag_topic(&mut self, call: &UntagTopic) -> Answered<()> {
        let topic = self.tagged_topic(&call.arn, "SNS:UntagResource")?;
        topic.tags.retain(|key, _| !call.keys.contains(key));
        Ok(())
    }

    // The tag calls have a code of their own for what is not there.
    fn tagged_topic(&mut self, arn: &str, action: &str) -> Answered<&mut Topic> {
        self.topic(arn, action, &[])
            .map_err(|error| match error.fault {
                Fault::Missing => CallError::new(
                    Fault::Missing,
                    "ResourceNotFound",
                    "Resource does not exist",
                ),
                _ => error,
            })
    }

    /// When a policy is written, where it is not in force at once.
    fn policy_time(&self) -> Option<i64> {
        (!self.habits.hearsay.is_zero()).then_some(self.now)
    }

    /// A topic by its ARN, when the caller may do this to it.
    ///
    /// The topic's own account always may; another one needs the topic's policy.
    pub(super) fn topic(
        &mut self,
        arn: &str,
        action: &str,
        known: &[(&str, &str)],
    ) -> Answered<&mut Topic> {
        let parsed = self.topic_arn(arn)?;
        let account = self.at.id.as_str();
        let caller = self.caller();
        let foreign = parsed.account() != account;
        let (now, hearsay) = (self.now, self.habits.hearsay);
        let Some(topic) = self
            .region_of(&parsed)
            .and_then(|it| it.topics.get_mut(parsed.name()))
        else {
            return refuse(Fault::Missing, "NotFound", "Topic does not exist");
        };
        if foreign {
            let mut facts = known.to_vec();
            facts.push(("aws:sourceowner", account));
            facts.push(("aws:sourceaccount", account));
            facts.push(("aws:principalaccount", account));
            let asked = Asked {
                account,
                action,
                known: &facts,
            };
            let age = topic
                .policy_since
                .and_then(|it| u64::try_from(now - it).ok());
            let is_new = age.is_some_and(|it| Duration::from_millis(it) < hearsay);
            let is_new = is_new && action == "SNS:Subscribe";
            if is_new || !access::allows(&topic.policy, &asked) {
                return refuse(
                    Fault::Denied,
                    "AuthorizationError",
                    format!(
                        "User: {caller} is not authorized to perform: {action} on resource: {arn}"
                    ),
                );
            }
        }
        Ok(topic)
    }

    /// A topic's ARN, when it is one of the region that is called.
    pub(super) fn topic_arn(&self, arn: &str) -> Answered<Arn> {
        Arn::parse(arn)
            .ok()
            .filter(|it| {
                it.service() == "sns"
                    && it.region() == self.at.region.as_str()
                    && it.account_id().is_some()
            })
            .ok_or_else(|| invalid_parameter("TopicArn"))
    }

    /// What there is in an ARN's account, in the region that is called.
    pub(super) fn region_of(&mut self, arn: &Arn) -> Option<&mut super::state::Regional> {
        let account = self.world.accounts.get_mut(&arn.account_id()?)?;
        account.regions.get_mut(&self.at.region)
    }

    /// The policy to store: as sent, unless a principal is shown otherwise.
    fn checked_topic_policy(&self, text: &str, arn: &str) -> Answered<String> {
        let malformed = || invalid_parameter("Policy Error: null");
        if text.len() > size::TOPIC_BYTES || !text.is_ascii() {
            return Err(malformed());
        }
        let unknown = || {
            CallError::new(
                Fault::Unsettled,
                "InvalidParameter",
                "Invalid parameter: Policy Error: PrincipalNotFound",
            )
        };
        let mut document = Grammar::Resource(Holder::Topic)
            .read(self.at.partition(), text)
            .map_err(|refusal| match refusal.words.as_str() {
                OUT_OF_SCOPE => invalid_parameter(OUT_OF_SCOPE),
                _ if refusal.is_of_principal() => unknown(),
                _ => malformed(),
            })?;
        let budgets = Document::from_value(&document).map(|it| size::topic(&it));
        let of_topic = statements(&document).all(|it| {
            let named = it.get("Resource").or_else(|| it.get("NotResource"));
            strings(named).iter().all(|it| like(it, arn))
        });
        if !of_topic || !budgets.is_ok_and(|all| !all.iter().any(size::Budget::is_over)) {
            return Err(malformed());
        }
        match self.sight().settle(&mut document) {
            Ok(false) => Ok(text.to_owned()),
            Ok(true) => Ok(document.to_string()),
            Err(_) => Err(unknown()),
        }
    }
}

/// A document as a read shows it: missing statement ids are empty ones, and
/// lists of principals have another order.
fn as_shown(policy: &str) -> String {
    let Ok(mut document) = serde_json::from_str::<Value>(policy) else {
        return policy.to_owned();
    };
    reorder(&mut document);
    let statements = match document.get_mut("Statement") {
        Some(Value::Array(items)) => items.as_mut_slice(),
        Some(other) => std::slice::from_mut(other),
        None => &mut [],
    };
    for statement in statements.iter_mut().filter_map(Value::as_object_mut) {
        statement.entry("Sid").or_insert_with(|| json!(""));
    }
    document.to_string()
}

/// The policy of a topic for which none was given.
pub(super) fn default_policy(at: &Place, arn: &str) -> String {
    json!({
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [{
            "Sid": "__default_statement_ID",
            "Effect": "Allow",
            "Principal": { "AWS": "*" },
            "Action": DEFAULT_ACTIONS,
            "Resource": arn,
            "Condition": { "StringEquals": { "AWS:SourceOwner": at.id.as_str() } },
        }],
    })
    .to_string()
}

fn check_name(name: &str, fifo: bool) -> Answered<()> {
    let plain = name.strip_suffix(".fifo");
    let allowed = |it: u8| it.is_ascii_alphanumeric() || b"_-".contains(&it);
    let stem = plain.unwrap_or(name);
    if stem.is_empty() || name.len() > 256 || !stem.bytes().all(allowed) || plain.is_some() != fifo
    {
        return Err(invalid_parameter("Topic Name"));
    }
    Ok(())
}

enum Wrong {
    Name,
    Value(String),
}

fn check_attribute(name: &str, value: &str, fifo: bool) -> Result<(), Wrong> {
    let one_of = |allowed: &[&str]| {
        if allowed.contains(&value) {
            Ok(())
        } else {
            Err(Wrong::Value(format!(
                "{name}: Invalid value [{value}]. Must be one of {}",
                allowed.join(", ")
            )))
        }
    };
    let number = |low: u32, high: u32| match value.parse::<u32>() {
        Ok(it) if (low..=high).contains(&it) => Ok(()),
        _ => Err(Wrong::Value(format!(
            "{name}: Invalid value [{value}]. Must be between {low} and {high}"
        ))),
    };
    match name {
        "DisplayName" if value.chars().count() > 100 => Err(Wrong::Value("DisplayName".to_owned())),
        "DisplayName" | "Policy" | "KmsMasterKeyId" => Ok(()),
        "DeliveryPolicy" if value.is_empty() => Ok(()),
        "ArchivePolicy" if !fifo => Err(Wrong::Value(
            "ArchivePolicy: Only supported on FIFO topics".to_owned(),
        )),
        "DeliveryPolicy" | "ArchivePolicy" | "DataProtectionPolicy" => {
            match serde_json::from_str::<Value>(value) {
                Ok(policy @ Value::Object(_)) => match delivery::refusal(&policy) {
                    Some((at, wrong)) if name == "DeliveryPolicy" => {
                        Err(Wrong::Value(format!("DeliveryPolicy: {at} {wrong}")))
                    }
                    _ => Ok(()),
                },
                _ => Err(Wrong::Value(format!("{name}: failed to parse JSON."))),
            }
        }
        "SignatureVersion" => one_of(&["1", "2"]),
        "TracingConfig" => one_of(&["PassThrough", "Active"]),
        "MaximumMessageSize" => number(1024, 1_048_576),
        "ContentBasedDeduplication" if fifo => one_of(&["true", "false"]),
        "FifoThroughputScope" if fifo => one_of(&["Topic", "MessageGroup"]),
        "ContentBasedDeduplication" | "FifoThroughputScope" => Err(Wrong::Value(format!(
            "{name} can only be set for FIFO topics"
        ))),
        _ if is_feedback(name, "RoleArn") => Ok(()),
        _ if is_feedback(name, "SampleRate") => number(0, 100),
        _ => Err(Wrong::Name),
    }
}

/// `SQSSuccessFeedbackRoleArn` and its like.
fn is_feedback(name: &str, what: &str) -> bool {
    let rest = ["HTTP", "Firehose", "Lambda", "Application", "SQS"]
        .into_iter()
        .find_map(|it| name.strip_prefix(it));
    rest.and_then(|it| it.strip_suffix(what))
        .is_some_and(|it| it == "SuccessFeedback" || (it == "FailureFeedback" && what == "RoleArn"))
}

fn check_tags(tags: &Tags) -> Answered<()> {
    if tags.len() > TAGS {
        return refuse(
            Fault::Quota,
            "TagLimitExceeded",
            "Could not complete request: tag quota of per resource exceeded",
        );
    }
    super::tagging::check(tags).map_err(|message| invalid_parameter(&message))
}

/// Creating again is fine with a subset of what the topic has; anything new or different is not.
fn same_or_less(topic: &Topic, attributes: &Attributes, tags: &Tags) -> Answered<()> {
    let unset: BTreeMap<&str, &str> = BTreeMap::from([
        ("FifoTopic", "false"),
        ("DisplayName", ""),
        ("ContentBasedDeduplication", "false"),
    ]);
    let same = attributes.iter().all(|(name, value)| {
        let has = match name.as_str() {
            "Policy" => Some(topic.policy.as_str()),
            _ => topic.attributes.get(name).map(String::as_str),
        };
        let has = has.or_else(|| unset.get(name.as_str()).copied());
        has.is_some_and(|it| same_value(it, value))
    });
    let exists = |what: &str| {
        let message = format!(
            "Invalid parameter: {what} Reason: Topic already exists with different {}",
            what.to_lowercase()
        );
        refuse(Fault::Exists, "InvalidParameter", message)
    };
    if !same {
        return exists("Attributes");
    }
    if tags
        .iter()
        .any(|(key, value)| topic.tags.get(key) != Some(value))
    {
        return exists("Tags");
    }
    Ok(())
}

/// Whether a topic or queue of this name or ARN is a FIFO one.
pub(super) fn is_fifo(name: &str) -> bool {
    name.strip_suffix(".fifo").is_some()
}

/// Whether two values are the same text, or the same JSON document.
pub(super) fn same_value(a: &str, b: &str) -> bool {
    let document = |text: &str| {
        serde_json::from_str::<Value>(text)
            .ok()
            .filter(Value::is_object)
    };
    a == b || document(a).is_some_and(|it| Some(it) == document(b))
}
