//! Subscriptions, once topics and queues are known: each topic lists its own.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::{Guest, Live, Orphan, Reading, Survey, Visits};
use crate::cloud::sns;
use crate::kinds::subscription::Keeper;
use crate::kinds::{
    Extra, Have, Resource, Stranger, Subscription, Want, or_none, queue, subscription, topic,
};
use crate::model::{AccountId, Address, Arn, KindName, Place, Region};
use crate::policy::own;

impl Survey<'_> {
    /// Subscriptions, once topics and queues are known.
    pub(super) async fn subscriptions(&self, visits: &Visits<'_>, reading: &mut Reading) {
        let mut listed: Vec<(Option<Address>, sns::SubscriptionListing)> = Vec::new();
        let mut topics: Vec<(Address, Place, Arn)> = reading
            .live
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
        // Of a topic that was not read nobody knows who subscribes.
        for unread in &mut reading.unread {
            let topics: Vec<&Arn> = unread
                .addresses
                .iter()
                .filter_map(|it| match &self.wants.get(it)?.resource {
                    Resource::Topic(topic) => Some(&topic.arn),
                    _ => None,
                })
                .collect();
            let theirs: Vec<Address> = topics.iter().flat_map(|it| self.subscribers(it)).collect();
            unread.addresses.extend(theirs);
        }
        let asked = topics.iter();
        let lists = asked.map(|(_, place, arn)| topic::subscriptions(self.cloud, place, arn));
        let lists = join_all(lists).await;
        let mut silent = BTreeSet::new();
        for ((address, place, arn), list) in topics.iter().zip(lists) {
            match or_none(list) {
                Ok(list) => listed.extend(
                    list.into_iter()
                        .flatten()
                        .map(|it| (Some(address.clone()), it)),
                ),
                // The accounts of the queues list their own subscriptions to it all the same.
                Err(error) => {
                    silent.insert(arn.clone());
                    reading.lacks(place, error, [address.clone()].into());
                }
            }
        }
        topics.retain(|(_, _, arn)| !silent.contains(arn));
        self.foreign_topics(&topics, &silent, &mut listed, reading)
            .await;
        let unread: BTreeSet<Address> = reading.unread_addresses().into_iter().cloned().collect();
        let reads = self.wants.iter().filter_map(|(address, want)| {
            let Resource::Subscription(it) = &want.resource else {
                return None;
            };
            if unread.contains(address) || !self.entered.contains_key(&want.place.id) {
                return None;
            }
            let found = listed.iter().find(|(_, listing)| {
                listing.topic == it.topic.as_str()
                    && listing.endpoint == it.queue.as_str()
                    && listing.arn.starts_with("arn:")
            })?;
            let arn = found.1.arn.clone();
            let keeper = self.keeper(&found.1, &it.topic, &want.place);
            Some(async move {
                let reader = keeper.as_ref().and_then(|it| it.ended_in.as_ref());
                let place = reader.unwrap_or(&want.place);
                let found = subscription::attributes(self.cloud, place, &arn).await;
                let decoded = |found| Have {
                    keeper: keeper.clone(),
                    ..Subscription::decode(&it.topic, &it.queue, &arn, &found)
                };
                let found = found.map(|it| it.map(decoded));
                (address, want, found.map_err(|error| (error, keeper, arn)))
            })
        });
        for (address, want, found) in join_all(reads).await {
            match found {
                Ok(Some(have)) => {
                    reading.live.have.insert(address.clone(), have);
                }
                Ok(None) => {}
                Err((mut error, keeper, arn)) => {
                    if let Some(keeper) = &keeper {
                        error.message =
                            format!("{}: {}", keeper.says(address, &arn), error.message);
                    }
                    reading.lacks(&want.place, error, [address.clone()].into());
                    if let Some(it) = reading.unread.last_mut() {
                        it.foreign = keeper.is_some();
                    }
                }
            }
        }
        // The tag index may not know of a queue that left yet. Only the stack's own topics are asked about: to one of
        // somebody else's, hundreds may be subscribed.
        let own = |topic: &Address| self.wants.get(topic).is_some_and(|want| want.owned);
        let to_own = |it: &&(Option<Address>, _)| it.0.as_ref().is_some_and(own);
        let subscribed = listed.iter().filter(to_own);
        let subscribed = subscribed.map(|(_, it)| it.endpoint.as_str());
        self.left_subscribed(visits, subscribed, &mut reading.live)
            .await;
        self.sort_subscriptions(listed, &mut reading.live);
        self.lost_subscribers(reading).await;
        self.left_dead_letters(&mut reading.live).await;
    }

    /// Where subscriptions that go send what they cannot deliver: such a queue goes after them.
    async fn left_dead_letters(&self, live: &mut Live) {
        let is_queue = |it: &Orphan| matches!(it.have.resource, Resource::Queue(_));
        if !live.orphans.iter().any(is_queue) {
            return;
        }
        let left = live.orphans.iter().enumerate();
        let reads = left.filter_map(|(at, it)| {
            let Resource::Subscription(gone) = &it.have.resource else {
                return None;
            };
            let keeper = it.have.keeper.clone();
            Some(async move {
                let ended_in = keeper.as_ref().and_then(|it| it.ended_in.as_ref());
                let place = ended_in.unwrap_or(&it.place);
                let found = subscription::attributes(self.cloud, place, &it.have.id).await;
                // Who may not read it can end it all the same.
                let found = found.ok()??;
                let read = Subscription::decode(&gone.topic, &gone.queue, &it.have.id, &found);
                Some((at, Have { keeper, ..read }))
            })
        });
        let read: Vec<(usize, Have)> = join_all(reads).await.into_iter().flatten().collect();
        for (at, have) in read {
            live.orphans[at].have = have;
        }
    }

    /// Who else is subscribed to a topic that goes: their subscriptions end with it.
    async fn lost_subscribers(&self, reading: &mut Reading) {
        let live = &reading.live;
        let wanted = live.have.iter();
        let wanted =
            wanted.filter(|(address, _)| self.wants.get(address).is_some_and(|it| it.owned));
        let haves = wanted.map(|(_, have)| have);
        let haves = haves.chain(live.orphans.iter().map(|it| &it.have));
        let own: BTreeSet<String> = haves
            .filter_map(|it| match &it.resource {
                Resource::Queue(queue) => Some(queue.arn.to_string()),
                _ => None,
            })
            .collect();
        let topics = live.orphans.iter().enumerate();
        let topics = topics.filter_map(|(at, it)| match &it.have.resource {
            Resource::Topic(topic) => Some((at, &it.place, &topic.arn)),
            _ => None,
        });
        let lists = topics.map(|(at, place, arn)| async move {
            (
                at,
                or_none(topic::subscriptions(self.cloud, place, arn).await),
            )
        });
        for (at, list) in join_all(lists).await {
            let orphan = &mut reading.live.orphans[at];
            match list {
                Ok(list) => {
                    let theirs = list.into_iter().flatten();
                    let theirs =
                        theirs.filter(|it| it.arn != "Deleted" && !own.contains(&it.endpoint));
                    orphan.have.extras.extend(theirs.map(|it| stranger(&it)));
                }
                Err(error) => {
                    let (place, address) = (orphan.place.clone(), orphan.address.clone());
                    reading.lacks(&place, error, [address].into());
                }
            }
        }
    }

    /// The account that owns a subscription, when it is not the account of the queue.
    fn keeper(
        &self,
        listing: &sns::SubscriptionListing,
        topic: &Arn,
        queue: &Place,
    ) -> Option<Keeper> {
        let entered = self.entered.values().copied();
        Keeper::of(&listing.owner, topic, queue, &entered)
    }

    /// The subscriptions that are wanted to a topic.
    fn subscribers(&self, topic: &Arn) -> Vec<Address> {
        let to = |want: &Want| matches!(&want.resource, Resource::Subscription(it) if it.topic == *topic);
        let found = self.wants.iter().filter(|(_, want)| to(want));
        found.map(|(address, _)| address.clone()).collect()
    }

    /// Whether a topic is of the stack, in an account that is entered: it tells its subscriptions itself.
    fn reads_topic(&self, arn: &Arn) -> bool {
        self.wants.values().any(|want| {
            matches!(&want.resource, Resource::Topic(topic) if topic.arn == *arn)
                && self.entered.contains_key(&want.place.id)
        })
    }

    /// Subscriptions of our queues to topics that tell us nothing, as the queues' accounts list them.
    ///
    /// What the stack wants tells of some, and what our statements in a queue's policy still let
    /// deliver of the others: those have left the stack, and nothing else remembers them.
    async fn foreign_topics(
        &self,
        topics: &[(Address, Place, Arn)],
        silent: &BTreeSet<Arn>,
        listed: &mut Vec<(Option<Address>, sns::SubscriptionListing)>,
        reading: &mut Reading,
    ) {
        let live = &reading.live;
        let of_the_stack = |arn: &Arn| {
            let told = topics.iter().any(|(_, _, it)| it == arn);
            told || (self.reads_topic(arn) && !silent.contains(arn))
        };
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
            .filter(|(topic, place)| self.entered.contains_key(&place.id) && !of_the_stack(topic))
            .map(|(topic, place)| {
                let place = subscription::place(place, &topic);
                ((place.id.clone(), place.region.clone()), place)
            })
            .collect();
        for place in foreign.into_values() {
            match subscription::listed(self.cloud, &place).await {
                Ok(found) => listed.extend(found.into_iter().map(|it| (None, it))),
                Err(error) => {
                    let concerned = self.wants.iter().filter(|(_, want)| {
                        let here = want.place.id == place.id && want.place.region == place.region;
                        here && matches!(&want.resource, Resource::Subscription(it)
                            if !of_the_stack(&it.topic))
                    });
                    let all = concerned.map(|(address, _)| address.clone()).collect();
                    reading.lacks(&place, error, all);
                }
            }
        }
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
        // A subscription bears no mark. Another stack that subscribes our queue marks what lets the topic deliver.
        let mut of_others: BTreeSet<(String, String)> = BTreeSet::new();
        for (address, have) in &live.have {
            if let (Resource::Queue(queue), Some(want)) = (&have.resource, self.wants.get(address))
                && want.owned
            {
                queues.insert(queue.arn.to_string(), (address.clone(), want.place.clone()));
                let theirs = have.foreign.iter().filter(|it| own::is_of_a_stack(it));
                let theirs = theirs.filter(|it| !want.drops_statement(it));
                let topics = queue::delivered_by(theirs).into_iter();
                of_others.extend(topics.map(|it| (it.to_string(), queue.arn.to_string())));
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
                .filter(|_| listing.arn.starts_with("arn:"))
                .filter(|_| {
                    !of_others.contains(&(listing.topic.clone(), listing.endpoint.clone()))
                });
            if let (Some((queue, place)), Ok(topic), Ok(endpoint)) = (
                ours,
                Arn::parse(&listing.topic),
                Arn::parse(&listing.endpoint),
            ) {
                let place = subscription::place(place, &topic);
                let address = Address::new(
                    KindName::Subscription,
                    format!("{}.{}", queue.name, topic.name()),
                );
                let have = Have {
                    keeper: self.keeper(&listing, &topic, &place),
                    ..Subscription::decode(&topic, &endpoint, &listing.arn, &sns::Attributes::new())
                };
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
                    have.extras.push(stranger(&listing));
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

/// A subscription that somebody else made.
fn stranger(listing: &sns::SubscriptionListing) -> Extra {
    let pending = if listing.arn.starts_with("arn:") {
        ""
    } else {
        ", pending confirmation"
    };
    let text = format!(
        "subscription of {} {} by account {}{pending}",
        listing.protocol, listing.endpoint, listing.owner
    );
    let what = Stranger::Subscription {
        arn: listing.arn.clone(),
        endpoint: listing.endpoint.clone(),
    };
    Extra::new(what, text)
}
