//! Queues that must receive: what lets them subscribe, what delivers, and the subscription that is there.

use std::borrow::Cow;

use crate::kinds::{Resource, Subscription};
use crate::lower::keys::SENDING;
use crate::model::{Address, Arn, KindName};
use crate::policy::deliver::delivery;
use crate::policy::narrowing::lost_messages;
use crate::policy::{Request, Who};
use crate::stack::{Queue, QueueRef, Subscribe, TopicRef};

use super::claim::{Finding, Promise, Trial};
use super::may::Case;
use super::promised::promised_topic;
use super::voice::{Voice, root};
use super::world::{Caller, Thing};

impl Case<'_> {
    /// A queue that must receive from a topic.
    pub(super) fn subscription(
        &self,
        queue_name: &str,
        queue: &Queue,
        subscribe: &Subscribe,
    ) -> Finding {
        let (topic_arn, topic_address) = match &subscribe.topic {
            TopicRef::Stack(name) => (
                &self.stack.topics[name].arn,
                Address::new(KindName::Topic, name),
            ),
            TopicRef::Arn(arn) | TopicRef::Contract { arn, .. } => {
                (arn, Address::new(KindName::Topic, arn.as_str()))
            }
        };
        let address = Address::new(KindName::Queue, queue_name);
        let topic_name = match &subscribe.topic {
            TopicRef::Stack(_) => topic_address.to_string(),
            TopicRef::Arn(arn) => arn.to_string(),
            TopicRef::Contract { contract, name, .. } => {
                format!("contracts.{contract}.topics.{name}")
            }
        };
        let mut trial = Trial::default();
        let place = self.world.thing(&address).map(|it| &it.place);
        let topic = match (&subscribe.topic, place) {
            (
                TopicRef::Contract {
                    contract,
                    name,
                    arn,
                },
                Some(place),
            ) => {
                let owner = &self.stack.contracts[contract].stack;
                let topic = promised_topic(arn, name, owner, &queue.arn, place);
                Some(Cow::Owned(topic))
            }
            _ => self.target(&topic_address, Some(topic_arn)),
        };
        match (topic, self.world.thing(&address)) {
            (None, _) => trial.lacks(format!("{topic_name} is not there")),
            (_, None) => trial.lacks(format!("{address} is not there")),
            (Some(topic), Some(thing)) => {
                let request = Request::new(
                    Who::Arn(root(&thing.place, queue.arn.account())),
                    "sns:Subscribe",
                    topic.arn.clone(),
                )
                .with("sns:Protocol", ["sqs"])
                .with("sns:Endpoint", [queue.arn.as_str()]);
                self.step(&mut trial, &request, Caller::Bare, &topic);
                if !matches!(subscribe.topic, TopicRef::Contract { .. }) {
                    self.owner_must_let(&mut trial, &topic);
                }
                self.delivery(&mut trial, topic_arn, thing);
                if self.world.live {
                    self.delivers(&mut trial, topic_arn, queue, (&address, &topic_name));
                }
            }
        }
        if let Some(QueueRef::Stack(name)) = &subscribe.dead_letter {
            let letters = Address::new(KindName::Queue, name);
            match self.world.thing(&letters) {
                Some(thing) => self.delivery(&mut trial, topic_arn, thing),
                None => trial.lacks(format!("{letters} is not there")),
            }
        }
        Finding {
            claim: format!("{address} receives from {topic_name}"),
            promise: Promise::May,
            subject: address,
            written_at: None,
            steps: trial.steps.clone(),
            outcome: trial.outcome(),
        }
    }

    /// A message of a topic that must arrive in a queue.
    fn delivery(&self, trial: &mut Trial, topic: &Arn, queue: &Thing) {
        let request = delivery(topic.as_str(), &queue.arn);
        self.step(trial, &request, Caller::Bare, queue);
        if let (Some(key), Who::Service(service)) = (queue.kms_key(), &request.principal) {
            let mut sns = Voice::service(service.clone());
            let context = request.context.iter();
            let context = context
                .flat_map(|(key, values)| values.iter().map(move |it| (key.clone(), it.clone())));
            sns.context = context.collect();
            self.uses_key(trial, key, &SENDING, &sns, queue);
        }
    }

    /// Holds the subscription that is there against the stack's: as many messages, in the same form.
    fn delivers(&self, trial: &mut Trial, topic: &Arn, queue: &Queue, named: (&Address, &str)) {
        let (address, topic_name) = named;
        let ends = (topic.to_string(), queue.arn.to_string());
        let Some(live) = self.world.subscriptions.get(&ends) else {
            trial.lacks(format!(
                "there is no subscription of {address} to {topic_name}"
            ));
            return;
        };
        let mut wants = self.desired.wants.values();
        let wanted: Option<&Subscription> = wants.find_map(|want| match &want.resource {
            Resource::Subscription(it) if it.topic == *topic && it.queue == queue.arn => Some(it),
            _ => None,
        });
        let Some(wanted) = wanted else { return };
        let same = wanted.filter == live.filter && wanted.filter_on_body == live.filter_on_body;
        if !same {
            let lost = lost_messages(wanted.messages(), live.messages());
            let says = lost
                .messages
                .into_iter()
                .map(|it| format!("the subscription of {address} to {topic_name} leaves out {it}"));
            if lost.certain {
                says.for_each(|it| trial.lacks(it));
            } else {
                trial.depends_on(says);
            }
        }
        if wanted.raw != live.raw {
            trial.lacks(if live.raw {
                format!(
                    "{address} gets the messages of {topic_name} raw, and not in SNS's envelope"
                )
            } else {
                format!(
                    "{address} gets the messages of {topic_name} in SNS's envelope, and not raw"
                )
            });
        }
    }
}
