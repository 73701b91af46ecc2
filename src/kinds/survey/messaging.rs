//! The topics and queues of an account and region.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::{Reading, Survey, common_prefix, ours_in, sorted};
use crate::cloud::CallError;
use crate::kinds::{Extra, Have, Queue, Resource, Stranger, Topic, Want, queue, topic};
use crate::model::{Address, Arn, KindName, Place, Tags};

impl Survey<'_> {
    pub(super) async fn topics(&self, place: &Place, index: &BTreeMap<String, Tags>) -> Reading {
        let mut arns: BTreeMap<Arn, Option<(&Address, &Want)>> = ours_in(index, "sns", "");
        for (address, want) in self.wanted(KindName::Topic, place) {
            if let Resource::Topic(topic) = &want.resource {
                arns.insert(topic.arn.clone(), Some((address, want)));
            }
        }
        let reads = arns.iter().map(|(arn, wanted)| async move {
            (*wanted, self.topic(place, arn, *wanted, index).await)
        });
        sorted(place, join_all(reads).await)
    }

    async fn topic(
        &self,
        place: &Place,
        arn: &Arn,
        wanted: Option<(&Address, &Want)>,
        index: &BTreeMap<String, Tags>,
    ) -> Result<Option<Have>, CallError> {
        let Some(attributes) = topic::attributes(self.cloud, place, arn).await? else {
            return Ok(None);
        };
        let mut tags = index.get(arn.as_str()).cloned().unwrap_or_default();
        let replaces = wanted.is_none_or(|(_, want)| match &want.resource {
            Resource::Topic(topic) => topic.replaces_first(want),
            _ => true,
        });
        let mut have = Topic::decode(arn, &attributes, &tags, self.stack, replaces)?;
        if self.to_be_read_again(wanted, &have) {
            tags = topic::tags(self.cloud, place, arn).await?;
            have = Topic::decode(arn, &attributes, &tags, self.stack, replaces)?;
        }
        Ok(self.still_ours(wanted.is_some(), have))
    }

    pub(super) async fn queues(
        &self,
        place: &Place,
        index: &BTreeMap<String, Tags>,
    ) -> Result<Reading, CallError> {
        let mut arns: BTreeMap<Arn, Option<(&Address, &Want)>> = ours_in(index, "sqs", "");
        for (address, want) in self.wanted(KindName::Queue, place) {
            if let Resource::Queue(queue) = &want.resource {
                arns.insert(queue.arn.clone(), Some((address, want)));
            }
        }
        let unknown: Vec<&str> = arns
            .keys()
            .filter(|it| !index.contains_key(it.as_str()))
            .map(Arn::name)
            .collect();
        if unknown.len() > 1 {
            let prefix = common_prefix(unknown.iter().copied());
            let there = queue::names(self.cloud, place, prefix).await?;
            let there: BTreeSet<String> = there.into_iter().collect();
            arns.retain(|arn, _| index.contains_key(arn.as_str()) || there.contains(arn.name()));
        }
        let reads = arns.iter().map(|(arn, wanted)| async move {
            (*wanted, self.queue(place, arn, *wanted, index).await)
        });
        Ok(sorted(place, join_all(reads).await))
    }

    async fn queue(
        &self,
        place: &Place,
        arn: &Arn,
        wanted: Option<(&Address, &Want)>,
        index: &BTreeMap<String, Tags>,
    ) -> Result<Option<Have>, CallError> {
        let Some(attributes) = queue::attributes(self.cloud, place, arn.name()).await? else {
            return Ok(None);
        };
        let mut tags = index.get(arn.as_str()).cloned().unwrap_or_default();
        let mut have = Queue::decode(arn, &attributes, &tags, self.stack)?;
        if self.to_be_read_again(wanted, &have) {
            tags = queue::tags(self.cloud, place, arn.name()).await?;
            have = Queue::decode(arn, &attributes, &tags, self.stack)?;
        }
        let count = attributes
            .get("ApproximateNumberOfMessages")
            .and_then(|it| it.parse::<u64>().ok());
        if wanted.is_none()
            && let Some(count) = count.filter(|it| *it > 0)
        {
            have.extras.push(Extra::new(
                Stranger::Messages,
                format!("it holds {count} messages"),
            ));
        }
        Ok(self.still_ours(wanted.is_some(), have))
    }
}
