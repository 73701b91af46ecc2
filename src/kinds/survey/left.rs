//! What left the stack, as its own documents name it.
//!
//! The tag index finds topics and queues that bear the mark and are wanted no more, but it lags behind, and
//! of what belongs to somebody else it tells nothing. What is there of the stack names them as well: a role
//! may still publish to a topic that left, and a topic may still let a queue subscribe.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::{Live, Orphan, Reading, Survey, Visits, orphan};
use crate::cloud::CallError;
use crate::cloud::apigateway::RestApiRecord;
use crate::kinds::key::{self, USES, encrypting};
use crate::kinds::role::inline_prefix;
use crate::kinds::statements::arns_in;
use crate::kinds::{
    Have, Key, Queue, Resource, Topic, Want, or_none, queue, rest_api, stage, topic,
};
use crate::model::{Address, Arn, KindName, KmsKey, Mark, Place};
use crate::policy::{Statement, own};

impl Survey<'_> {
    /// Adds what is named by documents of the stack, is wanted no more, and bears its mark or its statements;
    /// then what that names in turn.
    pub(super) async fn left_over(&self, visits: &Visits<'_>, reading: &mut Reading) {
        let wanted = self.wants.values().flat_map(|it| self.named(&it.resource));
        let mut known: BTreeSet<String> = wanted.map(|it| it.to_string()).collect();
        let live = &reading.live;
        let all = live
            .have
            .values()
            .chain(live.orphans.iter().map(|it| &it.have));
        known.extend(all.clone().map(|it| it.id.clone()));
        let mut named: BTreeSet<Arn> = all.flat_map(|it| self.named(&it.resource)).collect();
        while !named.is_empty() {
            let mut found = Vec::new();
            for arn in std::mem::take(&mut named) {
                let id = id_of(&arn).to_owned();
                let place = if arn.service() == "kms" {
                    visits.place_of_key(&KmsKey::from(arn.clone()))
                } else {
                    visits.place_of(&arn)
                };
                let Some(place) = place.filter(|_| !known.contains(&id)) else {
                    continue;
                };
                let place = &place;
                known.insert(id);
                let read = match arn.service() {
                    "sns" => self.left_topic(place, &arn).await,
                    "sqs" => self.left_queue(place, &arn).await,
                    "execute-api" => self.left_api(place, id_of(&arn)).await,
                    "kms" => self.left_key(place, &arn).await,
                    _ => Ok(None),
                };
                found.extend(read.ok().flatten());
            }
            for it in &found {
                named.extend(self.named(&it.have.resource));
                if let Resource::Topic(topic) = &it.have.resource
                    && it.have.mark.is_some()
                {
                    let listed = topic::subscriptions(self.cloud, &it.place, &topic.arn).await;
                    let listed = listed.unwrap_or_default().into_iter();
                    named.extend(listed.filter_map(|it| Arn::parse(&it.endpoint).ok()));
                }
            }
            reading.live.orphans.extend(found);
        }
    }

    /// Adds the queues that are wanted no more and bear the stack's mark, of those that are subscribed.
    pub(super) async fn left_subscribed(
        &self,
        visits: &Visits<'_>,
        subscribed: impl Iterator<Item = &str>,
        live: &mut Live,
    ) {
        let wanted = self.wants.values().filter_map(|it| match &it.resource {
            Resource::Queue(queue) => Some(queue.arn.to_string()),
            _ => None,
        });
        let mut known: BTreeSet<String> = wanted.collect();
        known.extend(live.orphans.iter().map(|it| it.have.id.clone()));
        let unknown: BTreeSet<&str> = subscribed.filter(|it| !known.contains(*it)).collect();
        let asked = unknown.into_iter().filter_map(|it| {
            let arn = Arn::parse(it).ok().filter(|it| it.service() == "sqs")?;
            let place = visits.place_of(&arn)?;
            Some(async move { self.left_queue(&place, &arn).await })
        });
        let found = join_all(asked).await.into_iter();
        live.orphans
            .extend(found.filter_map(|it| it.ok().flatten()));
    }

    /// The ARNs that the stack's own statements on a resource name, and its own.
    fn named(&self, resource: &Resource) -> Vec<Arn> {
        let mut own = Vec::new();
        let statements: Vec<&Statement> = match resource {
            Resource::Role(role) => {
                let prefix = inline_prefix(self.stack);
                let inline = role.inline.iter().filter(|(it, _)| it.starts_with(&prefix));
                let managed = role.managed.values().map(|it| &it.document);
                let all = inline.map(|(_, it)| it).chain(managed);
                all.flat_map(|it| &it.statements).collect()
            }
            Resource::Key(it) => {
                own.push(it.arn.clone());
                // Its statements name topics and queues of which nothing else is to be told.
                Vec::new()
            }
            Resource::Topic(Topic { arn, policy, .. })
            | Resource::Queue(Queue { arn, policy, .. }) => {
                own.push(arn.clone());
                own.extend(encrypting(resource).map(|it| it.arn().clone()));
                policy.statements.iter().collect()
            }
            Resource::Subscription(it) => {
                own.extend([it.topic.clone(), it.queue.clone()]);
                Vec::new()
            }
            Resource::RestApi(_) | Resource::Stage(_) => Vec::new(),
        };
        let named = statements.into_iter().flat_map(arns_in);
        own.into_iter().chain(named).collect()
    }

    async fn left_topic(&self, place: &Place, arn: &Arn) -> Result<Option<Orphan>, CallError> {
        let Some(tags) = or_none(topic::tags(self.cloud, place, arn).await)? else {
            return Ok(None);
        };
        let Some(attributes) = topic::attributes(self.cloud, place, arn).await? else {
            return Ok(None);
        };
        let have = Topic::decode(arn, &attributes, &tags, self.stack, false)?;
        Ok(self.left(place, KindName::Topic, arn.name(), have))
    }

    async fn left_queue(&self, place: &Place, arn: &Arn) -> Result<Option<Orphan>, CallError> {
        let Some(tags) = or_none(queue::tags(self.cloud, place, arn.name()).await)? else {
            return Ok(None);
        };
        let Some(attributes) = queue::attributes(self.cloud, place, arn.name()).await? else {
            return Ok(None);
        };
        let have = Queue::decode(arn, &attributes, &tags, self.stack)?;
        Ok(self.left(place, KindName::Queue, arn.name(), have))
    }

    /// Of keys that the stack does not declare, only what it once wrote itself is its own: what was handed over
    /// to the key's owner is not.
    async fn left_key(&self, place: &Place, arn: &Arn) -> Result<Option<Orphan>, CallError> {
        let Some(policy) = key::policy(self.cloud, place, arn.as_str()).await? else {
            return Ok(None);
        };
        let mut have = Key::decode(arn, policy, self.stack);
        let written = own::sid(self.stack, USES);
        if let Some(policy) = have.resource.policy_mut() {
            let (ours, handed): (Vec<_>, Vec<_>) = std::mem::take(&mut policy.statements)
                .into_iter()
                .partition(|it| it.sid.as_ref().is_some_and(|it| it.starts_with(&written)));
            policy.statements = ours;
            have.foreign.extend(handed);
        }
        Ok(self.left(place, KindName::Key, arn.name(), have))
    }

    /// The APIs of wanted ones that lost their tags, by id: of the wanted name, without any mark, and with statements of
    /// the stack or a stage that it deployed.
    pub(super) async fn without_mark<'b>(
        &self,
        place: &Place,
        records: &[RestApiRecord],
        wanted: &[(&'b Address, &Want)],
    ) -> Result<BTreeMap<&'b Address, String>, CallError> {
        let lent = |id: &str| {
            let mut all = wanted.iter().map(|(_, it)| &it.resource);
            all.any(|it| matches!(it, Resource::RestApi(it) if it.existing.as_deref() == Some(id)))
        };
        let mut found = BTreeMap::new();
        for (address, want) in wanted {
            let Resource::RestApi(api) = &want.resource else {
                continue;
            };
            if !want.owned || rest_api::found(records, self.stack, address, want).is_some() {
                continue;
            }
            let bare = |it: &&RestApiRecord| it.name == api.name && Mark::read(&it.tags).is_none();
            for record in records.iter().filter(bare).filter(|it| !lent(&it.id)) {
                if rest_api::has_statements(record, self.stack)
                    || self.is_deployed(place, record, address).await?
                {
                    found.insert(*address, record.id.clone());
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Whether an API has a stage that bears the stack's mark, or serves what it deployed.
    async fn is_deployed(
        &self,
        place: &Place,
        record: &RestApiRecord,
        address: &Address,
    ) -> Result<bool, CallError> {
        let stage = self.stage_of(address).map(|(_, it)| &it.resource);
        let stage = stage.and_then(|it| match it {
            Resource::Stage(it) => Some(it),
            _ => None,
        });
        let found = stage::read_all(self.cloud, place, self.stack, record, address, stage).await?;
        Ok(found.iter().any(|it| {
            // A mark that tags say has a digest; one that a deployment stands for has none.
            let tagged = it.mark.as_ref().filter(|it| it.digest.is_some());
            let deployed = matches!(&it.resource, Resource::Stage(it) if !it.surface.is_empty());
            deployed || self.is_ours(tagged)
        }))
    }

    /// Of APIs, marks are found by their listing: here only what the stack has in those of somebody else is.
    async fn left_api(&self, place: &Place, id: &str) -> Result<Option<Orphan>, CallError> {
        let records = rest_api::read_all(self.cloud, place).await?;
        let Some(record) = records.iter().find(|it| it.id == *id) else {
            return Ok(None);
        };
        let marked = Mark::read(&record.tags).is_some_and(|it| it.stack == self.stack);
        if marked || !self.is_lent(place, record) {
            return Ok(None);
        }
        let have = rest_api::fill(self.cloud, place, self.stack, record, false).await?;
        Ok(self.left(place, KindName::RestApi, id, have))
    }

    /// Whether an API is another's, by the statements of the stack in its policy: one of a wanted name has lost its mark,
    /// and is the author's to judge.
    pub(super) fn is_lent(&self, place: &Place, record: &RestApiRecord) -> bool {
        let is_wanted = |(_, want): (&Address, &Want)| matches!(&want.resource, Resource::RestApi(api) if api.name == record.name);
        let mut wanted = self.wanted(KindName::RestApi, place);
        !wanted.any(is_wanted) && rest_api::is_lent(record, self.stack)
    }

    /// What is there, if it bears the stack's mark or statements of it.
    pub(super) fn left(
        &self,
        place: &Place,
        kind: KindName,
        name: &str,
        have: Have,
    ) -> Option<Orphan> {
        if self.is_ours(have.mark.as_ref()) {
            return orphan(place, have);
        }
        let lent = match &have.resource {
            Resource::RestApi(it) => it.has_part(),
            other => other.policy().is_some_and(|it| !it.statements.is_empty()),
        };
        lent.then(|| Orphan {
            address: Address::new(kind, name),
            place: place.clone(),
            have: have.of_another(self.stack),
        })
    }
}

/// The id by which a survey knows what an ARN names.
fn id_of(arn: &Arn) -> &str {
    match arn.service() {
        "execute-api" => arn.resource().split('/').next().unwrap_or_default(),
        _ => arn.as_str(),
    }
}
