//! Subscriptions of topics.
//!
//! A subscription belongs to the account that made it. One that the queue's own
//! account makes is confirmed at once; any other stays pending, because nobody
//! reads the request to confirm it that SNS puts in the queue.
//!
//! See <https://docs.aws.amazon.com/sns/latest/dg/sns-send-message-to-sqs-cross-account.html>.

use serde_json::Value;

use super::Turn;
use super::refusal::{Answered, invalid_parameter, refuse};
use super::sns::{is_fifo, same_value};
use super::state::{HEX, Subscription};
use crate::cloud::sns::{
    Attributes, GetSubscriptionAttributes, ListSubscriptions, ListSubscriptionsByTopic, ListTopics,
    SetSubscriptionAttributes, Subscribe, SubscriptionListing, Unsubscribe,
};
use crate::cloud::{Fault, Page};
use crate::model::{AccountId, Arn};
use crate::policy::filter;

const PAGE: usize = 100;

impl Turn<'_> {
    pub(super) fn subscribe(&mut self, mut call: Subscribe) -> Answered<String> {
        // An empty filter is none.
        call.attributes
            .retain(|name, value| name != "FilterPolicy" || !same_value(value, "{}"));
        let account = self.at.id.clone();
        let principal = self.caller();
        let known = [
            ("sns:protocol", call.protocol.as_str()),
            ("sns:endpoint", call.endpoint.as_str()),
        ];
        let fifo = is_fifo(&call.topic);
        if self.world.presumes(&call.topic) {
            self.world.topic_at(&call.topic);
        }
        self.topic(&call.topic, "SNS:Subscribe", &known)?;
        let owner = check_endpoint(&call.protocol, &call.endpoint, fifo)?;
        let scope = call.attributes.get("FilterPolicyScope").cloned();
        for (name, value) in &call.attributes {
            check_attribute(name, value, scope.as_deref(), fifo).map_err(
                |reason| match reason {
                    Wrong::Name => invalid_parameter("Attributes"),
                    Wrong::Value(reason) => {
                        invalid_parameter(&format!("Attributes Reason: {reason}"))
                    }
                },
            )?;
        }
        let topic = self.topic(&call.topic, "SNS:Subscribe", &known)?;
        let same =
            |it: &&mut Subscription| it.protocol == call.protocol && it.endpoint == call.endpoint;
        if let Some(there) = topic.subscriptions.iter_mut().find(same) {
            let different = call.attributes.iter().any(|(name, value)| {
                let has = match (name.as_str(), there.attributes.get(name)) {
                    ("RawMessageDelivery", None) => Some("false"),
                    (_, has) => has.map(String::as_str),
                };
                !has.is_some_and(|it| same_value(it, value))
            });
            if different {
                return refuse(
                    Fault::Exists,
                    "InvalidParameter",
                    "Invalid parameter: Attributes Reason: Subscription already exists with \
                     different attributes",
                );
            }
            // The endpoint's own account needs nobody's confirmation.
            if !there.confirmed && owner == account {
                there.confirmed = true;
                there.owner = account;
                there.principal = principal;
            }
            return Ok(there.arn.clone());
        }
        let name = format!("{} {} {}", call.topic, call.protocol, call.endpoint);
        let (digits, _) = self.world.fresh_id("subscription", &name, HEX, 32);
        let arn = format!(
            "{}:{}-{}-{}-{}-{}",
            call.topic,
            &digits[..8],
            &digits[8..12],
            &digits[12..16],
            &digits[16..20],
            &digits[20..]
        );
        let subscription = Subscription {
            arn: arn.clone(),
            confirmed: owner == account,
            owner: account,
            protocol: call.protocol.clone(),
            endpoint: call.endpoint.clone(),
            principal,
            attributes: call.attributes.clone(),
        };
        let topic = self.topic(&call.topic, "SNS:Subscribe", &known)?;
        topic.subscriptions.push(subscription);
        Ok(arn)
    }

    pub(super) fn unsubscribe(&mut self, call: &Unsubscribe) -> Answered<()> {
        match self.subscription(&call.arn, "SNS:Unsubscribe", true) {
            Ok(it) if !it.confirmed => {
                return Err(invalid_parameter(
                    "SubscriptionArn Reason: Cannot unsubscribe a subscription that is pending \
                     confirmation",
                ));
            }
            Ok(_) => {}
            Err(error) if error.fault == Fault::Missing => return Ok(()),
            Err(error) => return Err(error),
        }
        let topic = self.topic_arn(topic_of(&call.arn))?;
        if let Some(topic) = self
            .region_of(&topic)
            .and_then(|it| it.topics.get_mut(topic.name()))
        {
            topic.subscriptions.retain(|it| it.arn != call.arn);
        }
        Ok(())
    }

    pub(super) fn subscription_attributes(
        &mut self,
        call: &GetSubscriptionAttributes,
    ) -> Answered<Attributes> {
        let it = self.subscription(&call.arn, "SNS:GetSubscriptionAttributes", true)?;
        let mut shown = it.attributes.clone();
        if shown.contains_key("FilterPolicy") {
            shown
                .entry("FilterPolicyScope".to_owned())
                .or_insert_with(|| "MessageAttributes".to_owned());
        } else {
            shown.remove("FilterPolicyScope");
        }
        shown
            .entry("RawMessageDelivery".to_owned())
            .or_insert_with(|| "false".to_owned());
        let mut put = |name: &str, value: &str| {
            shown.insert(name.to_owned(), value.to_owned());
        };
        put("SubscriptionArn", &it.arn);
        put("TopicArn", topic_of(&it.arn));
        put("Owner", it.owner.as_str());
        put("Protocol", &it.protocol);
        put("Endpoint", &it.endpoint);
        put("SubscriptionPrincipal", &it.principal);
        put(
            "PendingConfirmation",
            if it.confirmed { "false" } else { "true" },
        );
        put(
            "ConfirmationWasAuthenticated",
            if it.confirmed { "true" } else { "false" },
        );
        Ok(shown)
    }

    pub(super) fn set_subscription_attribute(
        &mut self,
        call: SetSubscriptionAttributes,
    ) -> Answered<()> {
        let fifo = is_fifo(topic_of(&call.arn));
        let it = self.subscription(&call.arn, "SNS:SetSubscriptionAttributes", false)?;
        let Some(value) = call.value else {
            return match call.name.as_str() {
                "RedrivePolicy" | "DeliveryPolicy" => {
                    it.attributes.remove(&call.name);
                    Ok(())
                }
                name => Err(invalid_parameter(&format!("{name}: no value"))),
            };
        };
        let scope = it.attributes.get("FilterPolicyScope").map(String::as_str);
        check_attribute(&call.name, &value, scope, fifo).map_err(|reason| match reason {
            Wrong::Name => invalid_parameter("AttributeName"),
            Wrong::Value(reason) => invalid_parameter(&reason),
        })?;
        if call.name == "FilterPolicyScope"
            && let Some(filter) = it.attributes.get("FilterPolicy")
        {
            check_attribute("FilterPolicy", filter, Some(&value), fifo).map_err(|reason| {
                match reason {
                    Wrong::Name => invalid_parameter("AttributeName"),
                    Wrong::Value(reason) => invalid_parameter(&reason),
                }
            })?;
        }
        if call.name == "FilterPolicy" && same_value(&value, "{}") {
            it.attributes.remove("FilterPolicy");
            it.attributes.remove("FilterPolicyScope");
        } else {
            it.attributes.insert(call.name, value);
        }
        Ok(())
    }

    pub(super) fn list_topics(&mut self, call: &ListTopics) -> Answered<Page<String>> {
        let account = self.world.accounts.get(&self.at.id);
        let region = account.and_then(|it| it.regions.get(&self.at.region));
        let names = region.into_iter().flat_map(|it| it.topics.keys());
        let arns = names
            .map(|it| Arn::regional(self.at, "sns", it).to_string())
            .collect();
        self.page(arns, call.token.as_deref(), PAGE)
    }

    pub(super) fn list_subscriptions(
        &mut self,
        call: &ListSubscriptions,
    ) -> Answered<Page<SubscriptionListing>> {
        let region = &self.at.region;
        let mine = self
            .world
            .accounts
            .values()
            .filter_map(|it| it.regions.get(region))
            .flat_map(|it| it.topics.values())
            .flat_map(|it| &it.subscriptions)
            .filter(|it| it.owner == self.at.id)
            .map(listed)
            .collect();
        self.page(mine, call.token.as_deref(), PAGE)
    }

    pub(super) fn list_subscriptions_by_topic(
        &mut self,
        call: &ListSubscriptionsByTopic,
    ) -> Answered<Page<SubscriptionListing>> {
        let topic = self.topic(&call.topic, "SNS:ListSubscriptionsByTopic", &[])?;
        let all = topic.subscriptions.iter().map(listed).collect();
        self.page(all, call.token.as_deref(), PAGE)
    }

    /// A subscription by its ARN, for its owner, or for the topic's account too.
    fn subscription(
        &mut self,
        arn: &str,
        action: &str,
        for_topic_owner: bool,
    ) -> Answered<&mut Subscription> {
        let topic = self.topic_arn(topic_of(arn))?;
        let account = self.at.id.clone();
        let caller = self.caller();
        let found = self
            .region_of(&topic)
            .and_then(|it| it.topics.get_mut(topic.name()))
            .and_then(|it| it.subscriptions.iter_mut().find(|it| it.arn == arn));
        let Some(subscription) = found else {
            return refuse(Fault::Missing, "NotFound", "Subscription does not exist");
        };
        let owns_topic = for_topic_owner && topic.account() == account.as_str();
        if subscription.owner != account && !owns_topic {
            return refuse(
                Fault::Denied,
                "AuthorizationError",
                format!("User: {caller} is not authorized to perform: {action} on resource: {arn}"),
            );
        }
        Ok(subscription)
    }
}

/// The topic's part of a subscription's ARN.
fn topic_of(arn: &str) -> &str {
    arn.rsplit_once(':').map_or(arn, |(topic, _)| topic)
}

fn listed(it: &Subscription) -> SubscriptionListing {
    SubscriptionListing {
        arn: if it.confirmed {
            it.arn.clone()
        } else {
            "PendingConfirmation".to_owned()
        },
        owner: it.owner.to_string(),
        protocol: it.protocol.clone(),
        endpoint: it.endpoint.clone(),
        topic: topic_of(&it.arn).to_owned(),
    }
}

/// The account an endpoint belongs to. That the endpoint exists is not asked.
fn check_endpoint(protocol: &str, endpoint: &str, fifo: bool) -> Answered<AccountId> {
    if protocol != "sqs" {
        return Err(invalid_parameter(&format!(
            "Amazon SNS does not support this protocol string: {protocol}"
        )));
    }
    let allowed = |it: u8| it.is_ascii_alphanumeric() || b"_-.".contains(&it);
    let owner = Arn::parse(endpoint)
        .ok()
        .filter(|it| {
            it.service() == "sqs" && !it.region().is_empty() && it.resource().bytes().all(allowed)
        })
        .and_then(|it| it.account_id());
    let Some(owner) = owner else {
        return Err(invalid_parameter("SQS endpoint ARN"));
    };
    if is_fifo(endpoint) && !fifo {
        return Err(invalid_parameter(
            "Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics",
        ));
    }
    Ok(owner)
}

enum Wrong {
    Name,
    Value(String),
}

fn check_attribute(name: &str, value: &str, scope: Option<&str>, fifo: bool) -> Result<(), Wrong> {
    let wrong = |text: String| Err(Wrong::Value(text));
    match name {
        "RawMessageDelivery" => match value {
            "true" | "false" => Ok(()),
            _ => wrong(format!(
                "RawMessageDelivery: Invalid value [{value}]. Must be true or false."
            )),
        },
        "FilterPolicyScope" => match value {
            "MessageAttributes" | "MessageBody" => Ok(()),
            _ => wrong(format!(
                "FilterPolicyScope: Invalid value [{value}]. Please use either MessageBody or \
                 MessageAttributes"
            )),
        },
        "FilterPolicy" => match serde_json::from_str::<Value>(value) {
            Ok(filter @ Value::Object(_)) => {
                let refusals = filter::refusals(&filter, scope == Some("MessageBody"));
                match refusals.into_iter().next() {
                    Some(refusal) => wrong(format!("FilterPolicy: {}", refusal.words)),
                    None => Ok(()),
                }
            }
            _ => wrong("FilterPolicy: failed to parse JSON.".to_owned()),
        },
        "RedrivePolicy" => {
            let target = serde_json::from_str::<Value>(value).ok().and_then(|it| {
                let target = it.get("deadLetterTargetArn")?.as_str()?;
                Arn::parse(target).ok().filter(|it| it.service() == "sqs")
            });
            match target {
                None => wrong("RedrivePolicy: deadLetterTargetArn is an invalid arn".to_owned()),
                Some(it) if fifo && !is_fifo(it.resource()) => wrong(
                    "RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a \
                     FIFO Topic."
                        .to_owned(),
                ),
                Some(_) => Ok(()),
            }
        }
        "DeliveryPolicy" | "ReplayPolicy" => match serde_json::from_str::<Value>(value) {
            Ok(Value::Object(_)) => Ok(()),
            _ => wrong(format!("{name}: failed to parse JSON.")),
        },
        "SubscriptionRoleArn" => Ok(()),
        _ => Err(Wrong::Name),
    }
}
