//! Reads what is there without a stack that says what to look for: whole accounts, by name, tag or mark.
//!
//! Names come from listings, which are cheap; attributes are read only of what may be
//! asked for. What bears a stack's mark is told by the tag index, for topics and queues,
//! and by the listings themselves, for roles and APIs.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use futures::future::{join_all, try_join_all};

use super::{SurveyError, SurveyErrors, Visits};
use crate::cloud::apigateway::RestApiRecord;
use crate::cloud::{self, CallError, Cloud, Fault, sns};
use crate::kinds::key::{self, encrypting};
use crate::kinds::role::inline_prefix;
use crate::kinds::subscription::Keeper;
use crate::kinds::{
    Have, Key, Queue, Resource, Role, Subscription, Topic, or_none, queue, rest_api, role, stage,
    subscription, topic,
};
use crate::model::{Address, Arn, KindName, Mark, Place, Tags};
use crate::policy::Document;

/// Something that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its account and region.
    pub place: Place,
    /// What is there.
    pub have: Have,
    /// Whether it is another's, and only statements on it are the stack's.
    pub existing: bool,
    /// An API's stages.
    pub stages: Vec<Have>,
}

/// All that is there of what was asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Census {
    /// Roles, topics, queues and APIs.
    pub found: Vec<Found>,
    /// Subscriptions of the queues among them, with their own account and the topic's region.
    pub subscriptions: Vec<(Place, Have)>,
    /// Those of the subscriptions whose settings could not be read, by ARN, and why: they stand above with none.
    pub unread_subscriptions: BTreeMap<String, String>,
    /// Other subscriptions of the topics among them: protocol, endpoint, topic.
    pub others: Vec<(String, String, Arn)>,
    /// What could not be read, and why.
    pub unread: Vec<(String, String)>,
}

/// A thing that may be asked for: tags are `None` as long as they are not read.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The kind.
    pub kind: KindName,
    /// The name in AWS.
    pub name: &'a str,
    /// The ARN; an API's id.
    pub id: &'a str,
    /// Where.
    pub place: &'a Place,
    /// The tags, the mark among them.
    pub tags: Option<&'a Tags>,
}

/// Which things are asked for.
pub type Choice<'a> = dyn Fn(&Candidate<'_>) -> bool + 'a;

struct Reader<'a> {
    stack: &'a str,
    choice: &'a Choice<'a>,
    cloud: &'a dyn Cloud,
    unread: RefCell<Vec<(String, String)>>,
}

/// Reads what is asked for in these accounts and regions, and what else bears the stack's statements.
pub async fn census(
    stack: &str,
    places: &BTreeSet<Place>,
    choice: &Choice<'_>,
    cloud: &dyn Cloud,
) -> Result<Census, SurveyErrors> {
    let reader = Reader {
        stack,
        choice,
        cloud,
        unread: RefCell::default(),
    };
    let Visits { accounts, regions } = Visits::of(places);
    let roles = accounts
        .values()
        .map(|it| async { (*it, reader.roles(it).await) });
    let rest = regions
        .values()
        .map(|it| async { (*it, reader.region(it).await) });
    let (roles, rest) = (join_all(roles), join_all(rest));
    let (roles, rest) = futures::future::join(roles, rest).await;
    let mut census = Census::default();
    let mut errors = Vec::new();
    for (place, part) in roles.into_iter().chain(rest) {
        match part {
            Ok(part) => census.found.extend(part),
            Err(source) => errors.push(SurveyError {
                place: place.clone(),
                source,
            }),
        }
    }
    errors.sort_by(|a, b| a.place.cmp(&b.place));
    errors.dedup_by(|a, b| a.place == b.place && a.source.code == b.source.code);
    if !errors.is_empty() {
        return Err(SurveyErrors(errors));
    }
    let places: Vec<&Place> = regions.into_values().collect();
    reader.lent(&places, &mut census).await?;
    reader.subscriptions(&places, &mut census).await?;
    census
        .found
        .sort_by(|a, b| (&a.place, &a.have.id).cmp(&(&b.place, &b.have.id)));
    census.unread = reader.unread.into_inner();
    Ok(census)
}

/// Whether a call failed for a reason of what it asked for, so that the rest can be read.
fn is_refused(error: &CallError) -> bool {
    matches!(error.fault, Fault::Denied | Fault::Invalid)
}

fn failed(place: &Place, source: CallError) -> SurveyErrors {
    SurveyErrors(vec![SurveyError {
        place: place.clone(),
        source,
    }])
}

impl Reader<'_> {
    fn chosen(
        &self,
        kind: KindName,
        name: &str,
        id: &str,
        place: &Place,
        tags: Option<&Tags>,
    ) -> bool {
        (self.choice)(&Candidate {
            kind,
            name,
            id,
            place,
            tags,
        })
    }

    /// Notes what cannot be read for a reason of its own, and goes on without it.
    fn or_unread<T>(
        &self,
        what: &str,
        place: &Place,
        result: Result<T, CallError>,
    ) -> Result<Option<T>, CallError> {
        match result {
            Err(error) if is_refused(&error) => {
                let why = format!("could not be read: {error}");
                let what = format!("{what} in {place}");
                self.unread.borrow_mut().push((what, why));
                Ok(None)
            }
            other => other.map(Some),
        }
    }

    async fn roles(&self, place: &Place) -> Result<Vec<Found>, CallError> {
        let prefix = inline_prefix(self.stack);
        let account = role::details(self.cloud, place).await?;
        let chosen: Vec<_> = account
            .roles
            .iter()
            .filter_map(|it| {
                let asked = self.chosen(KindName::Role, &it.name, &it.arn, place, Some(&it.tags));
                let lent = it.inline.keys().any(|it| it.starts_with(&prefix))
                    || account.of_role(self.stack, &it.name).next().is_some();
                (asked || lent).then_some((it, !asked))
            })
            .collect();
        if chosen.is_empty() {
            return Ok(Vec::new());
        }
        let path = super::common::common_path(chosen.iter().map(|(it, _)| it.path.as_str()));
        let listings = role::listings(self.cloud, place, &path).await?;
        let mut found = Vec::new();
        for (detail, existing) in chosen {
            let what = format!("role `{}`", detail.name);
            let have = Role::decode(detail, listings.get(&detail.name), self.stack, &account);
            found.extend(self.or_unread(&what, place, have)?.map(|have| Found {
                place: place.clone(),
                have,
                existing,
                stages: Vec::new(),
            }));
        }
        Ok(found)
    }

    async fn region(&self, place: &Place) -> Result<Vec<Found>, CallError> {
        let index = super::tagged(self.cloud, place, self.stack).await;
        let index = self.or_unread("the index of tags", place, index)?;
        let index = index.unwrap_or_default();
        let (topics, queues, apis) = futures::future::try_join3(
            self.topics(place, &index),
            self.queues(place, &index),
            self.apis(place),
        )
        .await?;
        Ok([topics, queues, apis].into_iter().flatten().collect())
    }

    async fn topics(
        &self,
        place: &Place,
        index: &BTreeMap<String, Tags>,
    ) -> Result<Vec<Found>, CallError> {
        let arns = cloud::all_pages(self.cloud, place, |token| sns::ListTopics { token }).await;
        let arns = self.or_unread("topics", place, arns)?.unwrap_or_default();
        let arns = arns.iter().filter_map(|it| Arn::parse(it).ok());
        let asked = arns.filter(|arn| self.asked(KindName::Topic, arn, place, index));
        let read = async |arn: &Arn| {
            let Some(tags) = or_none(topic::tags(self.cloud, place, arn).await)? else {
                return Ok(None);
            };
            if !self.chosen(
                KindName::Topic,
                arn.name(),
                arn.as_str(),
                place,
                Some(&tags),
            ) {
                return Ok(None);
            }
            self.topic(place, arn, &tags, false).await
        };
        let reads = asked.map(|arn| async move {
            let what = format!("topic `{}`", arn.name());
            self.or_unread(&what, place, read(&arn).await)
        });
        let found = try_join_all(reads).await?;
        Ok(found.into_iter().flatten().flatten().collect())
    }

    /// Whether something may be asked for, by its name and what the index knows of it.
    fn asked(
        &self,
        kind: KindName,
        arn: &Arn,
        place: &Place,
        index: &BTreeMap<String, Tags>,
    ) -> bool {
        let tags = index.get(arn.as_str());
        self.chosen(kind, arn.name(), arn.as_str(), place, tags)
    }

    async fn topic(
        &self,
        place: &Place,
        arn: &Arn,
        tags: &Tags,
        existing: bool,
    ) -> Result<Option<Found>, CallError> {
        let Some(attributes) = topic::attributes(self.cloud, place, arn).await? else {
            return Ok(None);
        };
        // As another's: what SNS gave a fresh topic is told too.
        let marked = Mark::read(tags).is_some_and(|it| it.stack == self.stack);
        let have = Topic::decode(arn, &attributes, tags, self.stack, marked)?;
        Ok(Some(Found {
            place: place.clone(),
            have,
            existing,
            stages: Vec::new(),
        }))
    }

    async fn queues(
        &self,
        place: &Place,
        index: &BTreeMap<String, Tags>,
    ) -> Result<Vec<Found>, CallError> {
        let names = queue::names(self.cloud, place, "").await;
        let names = self.or_unread("queues", place, names)?.unwrap_or_default();
        let arns = names.iter().map(|it| Arn::regional(place, "sqs", it));
        let asked = arns.filter(|arn| self.asked(KindName::Queue, arn, place, index));
        let read = async |arn: &Arn| {
            let Some(tags) = or_none(queue::tags(self.cloud, place, arn.name()).await)? else {
                return Ok(None);
            };
            if !self.chosen(
                KindName::Queue,
                arn.name(),
                arn.as_str(),
                place,
                Some(&tags),
            ) {
                return Ok(None);
            }
            self.queue(place, arn, &tags, false).await
        };
        let reads = asked.map(|arn| async move {
            let what = format!("queue `{}`", arn.name());
            self.or_unread(&what, place, read(&arn).await)
        });
        let found = try_join_all(reads).await?;
        Ok(found.into_iter().flatten().flatten().collect())
    }

    async fn queue(
        &self,
        place: &Place,
        arn: &Arn,
        tags: &Tags,
        existing: bool,
    ) -> Result<Option<Found>, CallError> {
        let Some(attributes) = queue::attributes(self.cloud, place, arn.name()).await? else {
            return Ok(None);
        };
        Ok(Some(Found {
            place: place.clone(),
            have: Queue::decode(arn, &attributes, tags, self.stack)?,
            existing,
            stages: Vec::new(),
        }))
    }

    async fn apis(&self, place: &Place) -> Result<Vec<Found>, CallError> {
        let wanted = |it: &RestApiRecord| {
            let tags = Some(&it.tags);
            let asked = self.chosen(KindName::RestApi, &it.name, &it.id, place, tags);
            let lent = rest_api::has_statements(it, self.stack);
            (asked || lent).then_some(!asked)
        };
        self.apis_that(place, &wanted).await
    }

    /// The APIs that are wanted, each as its owner's (`Some(true)`) or not.
    async fn apis_that(
        &self,
        place: &Place,
        wanted: &dyn Fn(&RestApiRecord) -> Option<bool>,
    ) -> Result<Vec<Found>, CallError> {
        let records = rest_api::read_all(self.cloud, place).await;
        let records = self
            .or_unread("REST APIs", place, records)?
            .unwrap_or_default();
        let chosen = records.iter().filter_map(|it| Some((it, wanted(it)?)));
        let read = async |record: &RestApiRecord, existing: bool| {
            let mut have = rest_api::fill(self.cloud, place, self.stack, record, !existing).await?;
            if have.mark.is_none() && !existing {
                have.parts = rest_api::read_parts(self.cloud, place, &record.id).await?;
            }
            let address = have.mark.as_ref().map_or_else(
                || Address::new(KindName::RestApi, &record.id),
                |it| it.address.clone(),
            );
            let stages =
                stage::read_all(self.cloud, place, self.stack, record, &address, None).await?;
            Ok::<_, CallError>(Found {
                place: place.clone(),
                have,
                existing,
                stages,
            })
        };
        let reads = chosen.map(|(record, existing)| async move {
            let what = format!("REST API `{}` ({})", record.name, record.id);
            self.or_unread(&what, place, read(record, existing).await)
        });
        let found = try_join_all(reads).await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn key(&self, place: &Place, arn: &Arn) -> Result<Option<Found>, CallError> {
        let policy = key::policy(self.cloud, place, arn.as_str()).await?;
        Ok(policy.map(|it| Found {
            place: place.clone(),
            have: Key::decode(arn, it, self.stack),
            existing: true,
            stages: Vec::new(),
        }))
    }

    /// Topics, queues and keys of others on which the stack has statements: what is found names them.
    async fn lent(&self, places: &[&Place], census: &mut Census) -> Result<(), SurveyErrors> {
        let known: BTreeSet<String> = census.found.iter().map(|it| it.have.id.clone()).collect();
        // What accesses let roles use, and what else names something.
        let (mut targets, mut named) = (BTreeSet::<Arn>::new(), BTreeSet::<Arn>::new());
        for found in &census.found {
            match &found.have.resource {
                Resource::Role(role) => {
                    let ours = inline_prefix(self.stack);
                    let of = |documents: Vec<&Document>| -> Vec<Arn> {
                        let statements = documents.into_iter().flat_map(|it| &it.statements);
                        let resources = statements.filter_map(|it| it.resource.as_ref());
                        resources
                            .flat_map(|it| &it.values)
                            .filter_map(|it| Arn::parse(it).ok())
                            .collect()
                    };
                    let inline = role.inline.iter().filter(|(it, _)| it.starts_with(&ours));
                    let managed = role.managed.values().map(|it| &it.document);
                    named.extend(of(inline.map(|(_, it)| it).chain(managed).collect()));
                    // An access role is for its target alone.
                    if role.description.starts_with("Access to ") {
                        targets.extend(of(role.identity().collect()));
                    }
                }
                Resource::Topic(topic) => {
                    let conditions = topic
                        .policy
                        .statements
                        .iter()
                        .flat_map(|it| it.conditions.values());
                    let values = conditions.flat_map(BTreeMap::values).flatten();
                    named.extend(values.filter_map(|it| Arn::parse(it).ok()));
                }
                _ => {}
            }
        }
        let keys = census.found.iter();
        let keys = keys.filter_map(|it| encrypting(&it.have.resource));
        named.extend(keys.map(|it| it.arn().clone()));
        for place in places {
            let ids = targets.iter().filter(|it| {
                let here =
                    it.account() == place.id.as_str() && it.region() == place.region.as_str();
                here && it.service() == "execute-api"
            });
            let ids: BTreeSet<&str> = ids
                .filter_map(|it| it.resource().split('/').next())
                .collect();
            let ids: BTreeSet<&str> = ids.into_iter().filter(|it| !known.contains(*it)).collect();
            if !ids.is_empty() {
                let wanted = |it: &RestApiRecord| ids.contains(it.id.as_str()).then_some(true);
                let found = self.apis_that(place, &wanted).await;
                census.found.extend(found.map_err(|it| failed(place, it))?);
            }
        }
        for arn in named.iter().filter(|it| !known.contains(it.as_str())) {
            let place = places
                .iter()
                .find(|it| it.id.as_str() == arn.account() && it.region.as_str() == arn.region());
            let Some(place) = place else { continue };
            let found = match arn.service() {
                "sns" => self.topic(place, arn, &Tags::new(), true).await,
                "sqs" => self.queue(place, arn, &Tags::new(), true).await,
                // A key whose policy may not be read is written as a topic or queue names it.
                "kms" => Ok(self.key(place, arn).await.ok().flatten()),
                _ => Ok(None),
            };
            let found = found.map_err(|it| failed(place, it))?;
            let ours = |it: &Found| {
                let policy = it.have.resource.policy();
                let is_target = arn.service() != "kms" && targets.contains(arn);
                is_target || policy.is_some_and(|it| !it.statements.is_empty())
            };
            census.found.extend(found.filter(ours));
        }
        Ok(())
    }

    /// Subscriptions of the queues, whatever topic they are of; and what else is subscribed to the topics.
    async fn subscriptions(
        &self,
        places: &[&Place],
        census: &mut Census,
    ) -> Result<(), SurveyErrors> {
        let queues: BTreeMap<&str, &Place> = census
            .found
            .iter()
            .filter(|it| it.have.resource.kind() == KindName::Queue)
            .map(|it| (it.have.id.as_str(), &it.place))
            .collect();
        let topics = census
            .found
            .iter()
            .filter_map(|it| match &it.have.resource {
                Resource::Topic(topic) => Some((&it.place, &topic.arn)),
                _ => None,
            });
        let mut lists = Vec::new();
        for (place, arn) in topics {
            let found = topic::subscriptions(self.cloud, place, arn).await;
            lists.extend(found.map_err(|it| failed(place, it))?);
        }
        // A queue's account lists what it subscribed to elsewhere.
        for place in places.iter().filter(|place| {
            let mut own = queues.values();
            own.any(|it| it.id == place.id)
        }) {
            let found = subscription::listed(self.cloud, place).await;
            lists.extend(found.map_err(|it| failed(place, it))?);
        }
        let key = |it: &sns::SubscriptionListing| (it.topic.clone(), it.endpoint.clone());
        let listed: BTreeMap<_, _> = lists.into_iter().map(|it| (key(&it), it)).collect();
        let (mut subscriptions, mut others) = (Vec::new(), Vec::new());
        let mut unread = BTreeMap::new();
        for listing in listed.into_values() {
            let Ok(topic) = Arn::parse(&listing.topic) else {
                continue;
            };
            let own = queues.get(listing.endpoint.as_str());
            let (Some(place), true, Ok(queue)) = (
                own,
                listing.arn.starts_with("arn:"),
                Arn::parse(&listing.endpoint),
            ) else {
                others.push((listing.protocol, listing.endpoint, topic));
                continue;
            };
            let place = subscription::place(place, &topic);
            let entered = places.iter().copied();
            let keeper = Keeper::of(&listing.owner, &topic, &place, &entered);
            let reader = keeper.as_ref().and_then(|it| it.ended_in.as_ref());
            let reader = reader.unwrap_or(&place);
            let attributes = subscription::attributes(self.cloud, reader, &listing.arn).await;
            let attributes = match attributes {
                Err(error) if is_refused(&error) => {
                    unread.insert(listing.arn.clone(), error.to_string());
                    Some(sns::Attributes::new())
                }
                other => other.map_err(|it| failed(reader, it))?,
            };
            if let Some(attributes) = attributes {
                let have = Subscription::decode(&topic, &queue, &listing.arn, &attributes);
                subscriptions.push((place, have));
            }
        }
        census.subscriptions = subscriptions;
        census.others = others;
        census.unread_subscriptions = unread;
        Ok(())
    }
}
