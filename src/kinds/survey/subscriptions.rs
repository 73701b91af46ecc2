//! Subscriptions: read last, for topics and queues tell where to look, and whose they are.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{join_all, try_join_all};

use super::{Guest, Live, Orphan, Survey, SurveyError, or_none};
use crate::cloud::{self, sns};
use crate::kinds::{Resource, Subscription};
use crate::model::{AccountId, Address, Arn, KindName, Place, Region};

impl Survey<'_> {
    /// Subscriptions, once topics and queues are known.
    pub(super) async fn subscriptions(&self, live: &mut Live) -> Result<(), SurveyError> {
        let mut listed: Vec<(Option<Address>, sns::SubscriptionListing)> = Vec::new();
        let topics: Vec<(Address, Place, Arn)> = live
            .have
            .iter()
            .filter_map(|(address, have)| match &have.resource {
                Resource::Topic(topic) => Some((
                    address.clone(),
                    self.wants.get(address)?.place.clone(),
                    topic.arn.clone(),
                )),
                _ => None,
            })
            .collect();
        let lists = join_all(topics.iter().map(|(_, place, arn)| async move {
            let ask = |token| sns::ListSubscriptionsByTopic {
                topic: arn.to_string(),
                token,
            };
            cloud::all_pages(self.cloud, place, ask).await
        }))
        .await;
        for ((address, place, _), list) in topics.iter().zip(lists) {
            let list = or_none(list).map_err(|source| SurveyError {
                place: place.clone(),
                source,
            })?;
            listed.extend(
                list.into_iter()
                    .flatten()
                    .map(|it| (Some(address.clone()), it)),
            );
        }
        self.foreign_topics(live, &topics, &mut listed).await?;
        let reads = self.wants.iter().filter_map(|(address, want)| {
            let Resource::Subscription(it) = &want.resource else {
                return None;
            };
            if !self.entered.contains(&want.place.id) {
                return None;
            }
            let found = listed.iter().find(|(_, listing)| {
                listing.topic == it.topic.as_str()
                    && listing.endpoint == it.queue.as_str()
                    && listing.arn.starts_with("arn:")
            })?;
            let arn = found.1.arn.clone();
            Some(async move {
                let call = sns::GetSubscriptionAttributes { arn: arn.clone() };
                let attributes = or_none(cloud::call(self.cloud, &want.place, call).await)
                    .map_err(|source| SurveyError {
                        place: want.place.clone(),
                        source,
                    })?;
                Ok(attributes.map(|found| {
                    (
                        address.clone(),
                        Subscription::decode(&it.topic, &it.queue, &arn, &found),
                    )
                }))
            })
        });
        live.have
            .extend(try_join_all(reads).await?.into_iter().flatten());
        self.sort_subscriptions(listed, live);
        Ok(())
    }

    /// Whether a topic is of the stack, in an account that is entered: it tells its subscriptions itself.
    fn reads_topic(&self, arn: &Arn) -> bool {
        self.wants.values().any(|want| {
            matches!(&want.resource, Resource::Topic(topic) if topic.arn == *arn)
                && self.entered.contains(&want.place.id)
        })
    }

    /// Subscriptions of our queues to topics that tell us nothing, as the queues' accounts list them.
    ///
    /// What the stack wants tells of some, and what our statements in a queue's policy still let
    /// deliver of the others: those have left the stack, and nothing else remembers them.
    async fn foreign_topics(
        &self,
        live: &Live,
        topics: &[(Address, Place, Arn)],
        listed: &mut Vec<(Option<Address>, sns::SubscriptionListing)>,
    ) -> Result<(), SurveyError> {
        let of_the_stack =
            |arn: &Arn| topics.iter().any(|(_, _, it)| it == arn) || self.reads_topic(arn);
        let wanted = self.wants.values().filter_map(|want| match &want.resource {
            Resource::Subscription(it) => Some((it.topic.clone(), &want.place)),
            _ => None,
        });
        let kept = live.have.iter().filter_map(|(address, have)| {
            let want = self.wants.get(address)?;
            Some((have, &want.place))
        });
        let left = live.orphans.iter().map(|it| (&it.have, &it.place));
        let let_in = kept.chain(left).flat_map(|(have, place)| {
            let topics = match &have.resource {
                Resource::Queue(queue) => queue.delivering(),
                _ => BTreeSet::new(),
            };
            topics.into_iter().map(move |topic| (topic, place))
        });
        let foreign: BTreeMap<(AccountId, Region), Place> = wanted
            .chain(let_in)
            .filter(|(topic, place)| self.entered.contains(&place.id) && !of_the_stack(topic))
            .map(|(topic, place)| {
                let mut place = place.clone();
                if let Some(region) = Region::parse(topic.region()) {
                    place.region = region;
                }
                ((place.id.clone(), place.region.clone()), place)
            })
            .collect();
        for place in foreign.values() {
            let found =
                cloud::all_pages(self.cloud, place, |token| sns::ListSubscriptions { token })
                    .await
                    .map_err(|source| SurveyError {
                        place: place.clone(),
                        source,
                    })?;
            listed.extend(found.into_iter().map(|it| (None, it)));
        }
        Ok(())
    }

    /// What is listed and not wanted: ours when its queue is, else a stranger's.
    fn sort_subscriptions(
        &self,
        listed: Vec<(Option<Address>, sns::SubscriptionListing)>,
        live: &mut Live,
    ) {
        let wanted: BTreeSet<(&str, &str)> = self
            .wants
            .values()
            .filter_map(|want| match &want.resource {
                Resource::Subscription(it) => Some((it.topic.as_str(), it.queue.as_str())),
                _ => None,
            })
            .collect();
        let mut queues: BTreeMap<String, (Address, Place)> = BTreeMap::new();
        for (address, have) in &live.have {
            if let (Resource::Queue(queue), Some(want)) = (&have.resource, self.wants.get(address))
                && want.owned
            {
                queues.insert(queue.arn.to_string(), (address.clone(), want.place.clone()));
            }
        }
        for it in &live.orphans {
            if let Resource::Queue(queue) = &it.have.resource {
                queues.insert(
                    queue.arn.to_string(),
                    (it.address.clone(), it.place.clone()),
                );
            }
        }
        for (topic, listing) in listed {
            if wanted.contains(&(listing.topic.as_str(), listing.endpoint.as_str()))
                || listing.arn == "Deleted"
            {
                continue;
            }
            let ours = queues
                .get(&listing.endpoint)
                .filter(|_| listing.arn.starts_with("arn:"));
            if let (Some((queue, place)), Ok(topic), Ok(endpoint)) = (
                ours,
                Arn::parse(&listing.topic),
                Arn::parse(&listing.endpoint),
            ) {
                let mut place = place.clone();
                if let Some(region) = Region::parse(topic.region()) {
                    place.region = region;
                }
                let address = Address::new(
                    KindName::Subscription,
                    format!("{}.{}", queue.name, topic.name()),
                );
                let have =
                    Subscription::decode(&topic, &endpoint, &listing.arn, &sns::Attributes::new());
                live.orphans.push(Orphan {
                    address,
                    place,
                    have,
                });
            } else if let Some(topic) =
                topic.filter(|it| self.wants.get(it).is_some_and(|want| want.owned))
                && let Some(have) = live.have.get_mut(&topic)
            {
                let is_pending = !listing.arn.starts_with("arn:");
                let want = &self.wants[&topic].resource;
                let offered =
                    matches!(want, Resource::Topic(it) if it.lets_subscribe(&listing.endpoint));
                if !offered {
                    let pending = if is_pending {
                        ", pending confirmation"
                    } else {
                        ""
                    };
                    have.extras.push(format!(
                        "subscription of {} {} by account {}{pending}",
                        listing.protocol, listing.endpoint, listing.owner
                    ));
                }
                live.guests.push(Guest {
                    topic,
                    queue: listing.endpoint,
                    arn: listing.arn,
                    pending: is_pending,
                    offered,
                });
            }
        }
    }
}
