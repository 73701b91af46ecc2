//! Subscriptions of SQS queues to SNS topics.
//!
//! Always made in the queue's account, in the topic's region: then SNS confirms
//! at once and the queue's account owns it. Topic and queue are the key; the
//! rest changes in place, one attribute a call. A subscription carries no tags:
//! it is ours when its queue is.
//!
//! One that the topic's side made belongs to the account that made it, and SNS lets only that
//! account change it; the topic's account may read and end it too. See [`Keeper`].
//!
//! | field            | attribute             | change  |
//! |------------------|-----------------------|---------|
//! | `raw`            | `RawMessageDelivery`  | update  |
//! | `filter`         | `FilterPolicy`        | update  |
//! | `filter_on_body` | `FilterPolicyScope`   | update  |
//! | `dead_letter`    | `RedrivePolicy`       | update  |
//!
//! See <https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html>.

use serde_json::{Value, json};

use super::role::gone_is_fine;
use super::{Context, Have, Kind, Resource, Want, or_none};
use crate::cloud::sns::{self, Attributes};
use crate::cloud::{self, CallError, Cloud, Fault};
use crate::model::{Address, Arn, Differences, Place, Region, Tags};
use crate::policy::narrowing::MessageFilter;

/// A subscription, as the stack wants it or as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscription {
    /// The topic.
    pub topic: Arn,
    /// The queue.
    pub queue: Arn,
    /// Deliver the message alone, without SNS's envelope.
    pub raw: bool,
    /// Which messages.
    pub filter: Option<Value>,
    /// Whether the filter reads the body; false without a filter.
    pub filter_on_body: bool,
    /// Where messages go that cannot be delivered.
    pub dead_letter: Option<Arn>,
}

/// The account that owns a subscription to a queue of another account, and who may do what with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Keeper {
    /// The account's id.
    pub id: String,
    /// Where it is changed: in the owner's account; `None` when the stack does not enter that one.
    pub changed_in: Option<Place>,
    /// Where it can be ended: in the owner's account or else the topic's.
    pub ended_in: Option<Place>,
}

impl Keeper {
    /// Returns the account that owns a subscription, where that is not the account of the queue; `entered` are the
    /// places where the caller has credentials, one an account.
    pub(crate) fn of<'a>(
        owner: &str,
        topic: &Arn,
        queue: &Place,
        entered: &(impl Iterator<Item = &'a Place> + Clone),
    ) -> Option<Self> {
        let entered = |id: &str| {
            let at = entered.clone().find(|it| it.id.as_str() == id)?;
            Some(place(at, topic))
        };
        (owner != queue.id.as_str()).then(|| Self {
            id: owner.to_owned(),
            changed_in: entered(owner),
            ended_in: entered(owner).or_else(|| entered(topic.account())),
        })
    }

    /// Says whose a subscription is, and what to do about it.
    #[must_use]
    pub fn says(&self, address: &Address, arn: &str) -> String {
        let whose = format!(
            "account {} made this subscription, not the queue's account",
            self.id
        );
        let adopt = format!(
            "`--adopt {address}` ends it and subscribes from the queue's account, which loses what is published in between"
        );
        match (&self.changed_in, &self.ended_in) {
            (Some(_), _) => format!(
                "{whose}; it is read, changed and ended with that account's credentials. {adopt}"
            ),
            (None, Some(_)) => format!(
                "{whose}, and this stack cannot enter that one: its settings stay as they are. {adopt}"
            ),
            (None, None) => format!(
                "{whose}, and this stack enters neither that account nor the topic's: its settings stay as they are. \
                 Its owner ends it with `aws sns unsubscribe --subscription-arn {arn}`; the next apply then subscribes"
            ),
        }
    }
}

/// The subscriptions that an account owns, of topics in a region.
pub(crate) async fn listed(
    cloud: &dyn Cloud,
    at: &Place,
) -> Result<Vec<sns::SubscriptionListing>, CallError> {
    cloud::all_pages(cloud, at, |token| sns::ListSubscriptions { token }).await
}

/// A subscription's attributes; `None` when it is not there.
pub(crate) async fn attributes(
    cloud: &dyn Cloud,
    at: &Place,
    arn: &str,
) -> Result<Option<Attributes>, CallError> {
    let arn = arn.to_owned();
    or_none(cloud::call(cloud, at, sns::GetSubscriptionAttributes { arn }).await)
}

/// Where calls about a subscription go: to the queue's account, in the topic's region.
pub(crate) fn place(queue: &Place, topic: &Arn) -> Place {
    let mut place = queue.clone();
    if let Some(region) = Region::parse(topic.region()) {
        place.region = region;
    }
    place
}

fn scope(on_body: bool) -> String {
    if on_body {
        "MessageBody"
    } else {
        "MessageAttributes"
    }
    .to_owned()
}

fn redrive(queue: &Arn) -> String {
    json!({ "deadLetterTargetArn": queue }).to_string()
}

impl Subscription {
    /// Returns its filter with where that reads.
    #[must_use]
    pub fn messages(&self) -> MessageFilter<'_> {
        MessageFilter {
            policy: self.filter.as_ref(),
            on_body: self.filter_on_body,
        }
    }

    /// The attributes to subscribe with.
    #[must_use]
    pub fn encode(&self) -> Attributes {
        let mut found = Attributes::from([("RawMessageDelivery".to_owned(), self.raw.to_string())]);
        if let Some(filter) = &self.filter {
            found.insert("FilterPolicy".to_owned(), filter.to_string());
            found.insert("FilterPolicyScope".to_owned(), scope(self.filter_on_body));
        }
        if let Some(queue) = &self.dead_letter {
            found.insert("RedrivePolicy".to_owned(), redrive(queue));
        }
        found
    }

    /// What SNS's attributes say.
    #[must_use]
    pub fn decode(topic: &Arn, queue: &Arn, arn: &str, attributes: &Attributes) -> Have {
        let text = |name: &str| attributes.get(name).map_or("", String::as_str);
        let filter: Option<Value> = serde_json::from_str(text("FilterPolicy"))
            .ok()
            .filter(|it| *it != json!({}));
        let redrive: Value = serde_json::from_str(text("RedrivePolicy")).unwrap_or_default();
        let subscription = Self {
            topic: topic.clone(),
            queue: queue.clone(),
            raw: text("RawMessageDelivery") == "true",
            filter_on_body: filter.is_some() && text("FilterPolicyScope") == "MessageBody",
            filter,
            dead_letter: redrive["deadLetterTargetArn"]
                .as_str()
                .and_then(|it| Arn::parse(it).ok()),
        };
        Have::of(Resource::Subscription(subscription), arn, &Tags::new())
    }

    fn live(have: &Have) -> &Self {
        match &have.resource {
            Resource::Subscription(it) => it,
            other => unreachable!(
                "a subscription was compared with a {}",
                other.kind().singular()
            ),
        }
    }

    async fn set(
        &self,
        place: &Place,
        cx: &Context<'_>,
        arn: &str,
        name: &str,
        value: Option<String>,
    ) -> Result<(), CallError> {
        let call = sns::SetSubscriptionAttributes {
            arn: arn.to_owned(),
            name: name.to_owned(),
            value,
        };
        cloud::call(cx.cloud, place, call).await
    }

    /// SNS reads and checks a filter against the scope that the subscription has at that moment.
    async fn set_filter(
        &self,
        place: &Place,
        cx: &Context<'_>,
        arn: &str,
        live: &Self,
    ) -> Result<(), CallError> {
        // A filter that was cleared may have left its scope behind, and SNS shows none without a filter.
        let new_scope = self.filter.is_some()
            && (live.filter.is_none() || self.filter_on_body != live.filter_on_body);
        // No filter is read against the other scope: meanwhile all is delivered, and nothing is lost.
        if new_scope && live.filter.is_some() {
            self.set(place, cx, arn, "FilterPolicy", Some("{}".to_owned()))
                .await?;
        }
        if new_scope {
            let scope = Some(scope(self.filter_on_body));
            self.set(place, cx, arn, "FilterPolicyScope", scope).await?;
        }
        if self.filter != live.filter || new_scope {
            let filter = self
                .filter
                .as_ref()
                .map_or_else(|| "{}".to_owned(), Value::to_string);
            self.set(place, cx, arn, "FilterPolicy", Some(filter))
                .await?;
        }
        Ok(())
    }
}

impl Kind for Subscription {
    fn differences(&self, _: &Want, have: &Have) -> Differences {
        let live = Self::live(have);
        if have
            .keeper
            .as_ref()
            .is_some_and(|it| it.changed_in.is_none())
        {
            return Differences::default();
        }
        let json = |it: &Option<Value>| it.as_ref().map(Value::to_string);
        Differences::default()
            .field("raw", &live.raw, &self.raw)
            .field("filter", &json(&live.filter), &json(&self.filter))
            .field("filter_on_body", &live.filter_on_body, &self.filter_on_body)
            .field("dead_letter", &live.dead_letter, &self.dead_letter)
    }

    async fn read(&self, want: &Want, cx: &Context<'_>) -> Result<Option<Have>, CallError> {
        let mine = listed(cx.cloud, &want.place).await?;
        let (topic, queue) = (self.topic.as_str(), self.queue.as_str());
        let Some(found) = mine
            .iter()
            .find(|it| it.topic == topic && it.endpoint == queue && it.arn.starts_with("arn:"))
        else {
            return Ok(None);
        };
        let there = attributes(cx.cloud, &want.place, &found.arn).await?;
        Ok(there.map(|it| Self::decode(&self.topic, &self.queue, &found.arn, &it)))
    }

    async fn exist(
        &self,
        want: &Want,
        have: Option<&Have>,
        cx: &Context<'_>,
    ) -> Result<String, CallError> {
        let place = &want.place;
        let Some(have) = have else {
            let call = sns::Subscribe {
                topic: self.topic.to_string(),
                protocol: "sqs".to_owned(),
                endpoint: self.queue.to_string(),
                attributes: self.encode(),
            };
            let arn = cloud::call(cx.cloud, place, call).await?;
            if !arn.starts_with("arn:") {
                return Err(CallError::new(
                    Fault::Invalid,
                    "PendingConfirmation",
                    format!(
                        "SNS did not confirm the subscription of {} at once",
                        self.queue
                    ),
                ));
            }
            return Ok(arn);
        };
        let keeper = have.keeper.as_ref().and_then(|it| it.changed_in.as_ref());
        let place = keeper.unwrap_or(place);
        let live = Self::live(have);
        if self.raw != live.raw {
            self.set(
                place,
                cx,
                &have.id,
                "RawMessageDelivery",
                Some(self.raw.to_string()),
            )
            .await?;
        }
        self.set_filter(place, cx, &have.id, live).await?;
        if self.dead_letter != live.dead_letter {
            self.set(
                place,
                cx,
                &have.id,
                "RedrivePolicy",
                self.dead_letter.as_ref().map(redrive),
            )
            .await?;
        }
        Ok(have.id.clone())
    }

    async fn settle(&self, _: &Want, _: Option<&Have>, _: &Context<'_>) -> Result<(), CallError> {
        Ok(())
    }

    async fn remove(&self, place: &Place, have: &Have, cx: &Context<'_>) -> Result<(), CallError> {
        let keeper = have.keeper.as_ref().and_then(|it| it.ended_in.as_ref());
        let place = keeper.unwrap_or(place);
        gone_is_fine(
            cloud::call(
                cx.cloud,
                place,
                sns::Unsubscribe {
                    arn: have.id.clone(),
                },
            )
            .await,
        )
    }

    fn to_value(&self) -> Value {
        json!({"topic": self.topic, "queue": self.queue, "attributes": self.encode()})
    }
}
