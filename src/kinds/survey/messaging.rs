//! The topics and queues of an account and region.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::join_all;
use tokio::time::sleep;

use super::common::common_prefix;
use super::{Reading, Survey, ours_in, sorted};
use crate::cloud::CallError;
use crate::cloud::sqs::Attributes;
use crate::kinds::{Extra, Have, Queue, Resource, Stranger, Topic, Want, queue, topic};
use crate::model::{Address, Arn, KindName, Place, Tags};

/// How often a queue that is listed, and whose attributes cannot be read, is asked for again.
const LOOKS: u32 = 5;
/// How long is waited between. SQS asks for a second at least before a new queue is used.
const BETWEEN: Duration = Duration::from_secs(1);

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
        let mut shown: BTreeSet<String> = index.keys().cloned().collect();
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
            shown.extend(arns.keys().map(ToString::to_string));
        }
        let shown = &shown;
        let reads = arns.iter().map(|(arn, wanted)| async move {
            let listed = shown.contains(arn.as_str());
            (
                *wanted,
                self.queue(place, arn, *wanted, (index, listed)).await,
            )
        });
        Ok(sorted(place, join_all(reads).await))
    }

    async fn queue(
        &self,
        place: &Place,
        arn: &Arn,
        wanted: Option<(&Address, &Want)>,
        (index, listed): (&BTreeMap<String, Tags>, bool),
    ) -> Result<Option<Have>, CallError> {
        let mut attributes = queue::attributes(self.cloud, place, arn.name()).await?;
        // A queue that was just made is listed before its attributes can be read; one that was just deleted, too.
        for _ in 0..LOOKS {
            if attributes.is_some() || !listed {
                break;
            }
            sleep(BETWEEN).await;
            attributes = queue::attributes(self.cloud, place, arn.name()).await?;
        }
        let Some(attributes) = attributes else {
            return Ok(None);
        };
        let mut tags = index.get(arn.as_str()).cloned().unwrap_or_default();
        let mut have = Queue::decode(arn, &attributes, &tags, self.stack)?;
        if self.to_be_read_again(wanted, &have) {
            tags = queue::tags(self.cloud, place, arn.name()).await?;
            have = Queue::decode(arn, &attributes, &tags, self.stack)?;
        }
        have.holds = messages(&attributes);
        if wanted.is_none()
            && let Some(says) = &have.holds
        {
            have.extras
                .push(Extra::new(Stranger::Messages, says.clone()));
        }
        Ok(self.still_ours(wanted.is_some(), have))
    }
}

/// What a queue that is to go holds, in words: messages that wait, that were received and not deleted, and that are delayed.
fn messages(attributes: &Attributes) -> Option<String> {
    let count = |which: &str| {
        let counter = attributes.get(&format!("ApproximateNumberOfMessages{which}"));
        counter.and_then(|it| it.parse::<u64>().ok()).unwrap_or(0)
    };
    let (waiting, received, delayed) = (count(""), count("NotVisible"), count("Delayed"));
    let all = waiting + received + delayed;
    (all > 0).then(|| {
        format!(
            "it holds about {all} messages ({waiting} waiting, {received} received and not deleted, {delayed} delayed), \
             which go with it: let its consumers empty it first"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_count_whether_they_wait_or_are_out_or_delayed() {
        let held = |counts: [&str; 3]| {
            let names =
                ["", "NotVisible", "Delayed"].map(|it| format!("ApproximateNumberOfMessages{it}"));
            messages(&names.into_iter().zip(counts.map(str::to_owned)).collect())
        };
        assert_eq!(held(["0", "0", "0"]), None);
        for (counts, says) in [
            (["3", "0", "0"], "about 3 messages (3 waiting"),
            (["0", "2", "0"], "2 received and not deleted"),
            (["0", "0", "1"], "1 delayed"),
        ] {
            let found = held(counts).expect("some");
            assert!(found.contains(says), "{found}");
        }
    }
}
