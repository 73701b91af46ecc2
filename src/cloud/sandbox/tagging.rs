//! The Resource Groups Tagging API, and what every service asks of tags.
//!
//! See <https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html>.

use std::collections::BTreeMap;

use super::Turn;
use super::refusal::Answered;
use super::state::{Indexed, Regional};
use crate::cloud::Page;
use crate::cloud::tagging::{GetTagged, Tagged};
use crate::model::tags::{LONGEST_KEY, LONGEST_VALUE, is_of_aws, refused_character};
use crate::model::{AccountId, Region, Tags};

const PAGE: usize = 100;

impl Turn<'_> {
    /// Topics, queues, REST APIs and stages as the index has them; never roles.
    pub(super) fn tagged(&mut self, call: &GetTagged) -> Answered<Page<Tagged>> {
        let now = self.now;
        let found = self
            .regional()
            .index
            .iter()
            .map(|(arn, it)| (arn, it.at(now)))
            .filter(|(_, tags)| tags.get(&call.key) == Some(&call.value))
            .map(|(arn, tags)| Tagged {
                arn: arn.clone(),
                tags: tags.clone(),
            })
            .collect();
        self.page(found, call.token.as_deref(), PAGE)
    }

    /// Lets the index hear of every tag in the region that is called.
    ///
    /// It shows a change only when the lag has passed: till then what is new is
    /// missing from it, and what is gone lingers.
    pub(super) fn index_tags(&mut self) {
        let due = self.now + i64::try_from(self.habits.index_lag.as_millis()).unwrap_or(i64::MAX);
        for (id, account) in &mut self.world.accounts {
            let Some(region) = account.regions.get_mut(&self.at.region) else {
                continue;
            };
            let mut tags = tags_of(&self.at.region, id, region);
            for (arn, indexed) in &mut region.index {
                indexed.hear(tags.remove(arn).unwrap_or_default(), self.now, due);
            }
            for (arn, tags) in tags.into_iter().filter(|(_, it)| !it.is_empty()) {
                let indexed = region.index.entry(arn).or_default();
                indexed.hear(tags, self.now, due);
            }
            region.index.retain(|_, it| !it.is_empty());
        }
    }
}

impl Indexed {
    fn at(&self, now: i64) -> &Tags {
        match &self.coming {
            Some((due, tags)) if *due <= now => tags,
            _ => &self.shown,
        }
    }

    fn hear(&mut self, tags: Tags, now: i64, due: i64) {
        if let Some((_, arrived)) = self.coming.take_if(|(due, _)| *due <= now) {
            self.shown = arrived;
        }
        let newest = self.coming.as_ref().map_or(&self.shown, |(_, it)| it);
        if *newest == tags {
            return;
        }
        if due <= now {
            self.shown = tags;
        } else {
            self.coming = Some((due, tags));
        }
    }

    fn is_empty(&self) -> bool {
        self.shown.is_empty() && self.coming.as_ref().is_none_or(|(_, tags)| tags.is_empty())
    }
}

fn tags_of(region: &Region, account: &AccountId, it: &Regional) -> BTreeMap<String, Tags> {
    let partition = region.partition();
    let arn =
        |service: &str, name: &str| format!("arn:{partition}:{service}:{region}:{account}:{name}");
    let mut tags = BTreeMap::new();
    for (name, topic) in &it.topics {
        tags.insert(arn("sns", name), topic.tags.clone());
    }
    for (name, queue) in &it.queues {
        tags.insert(arn("sqs", name), queue.tags.clone());
    }
    for (id, api) in &it.apis {
        let arn = format!("arn:{partition}:apigateway:{region}::/restapis/{id}");
        for (name, stage) in &api.stages {
            tags.insert(format!("{arn}/stages/{name}"), stage.tags.clone());
        }
        tags.insert(arn, api.about.tags.clone());
    }
    tags
}

/// Tags without those that AWS sets itself: they count towards no quota, and only AWS writes them.
pub(super) fn authors(tags: &Tags) -> Tags {
    let own = tags.iter().filter(|(key, _)| !is_of_aws(key));
    own.map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Whether AWS takes these keys and values.
pub(super) fn check(tags: &Tags) -> Result<(), String> {
    let refused =
        |text: &str, most| text.chars().count() > most || refused_character(text).is_some();
    for (key, value) in tags {
        if key.is_empty() || refused(key, LONGEST_KEY) {
            return Err(format!("`{key}` is not a tag's key"));
        }
        if is_of_aws(key) {
            return Err(format!(
                "`{key}`: keys that begin with aws: are reserved for system use"
            ));
        }
        if refused(value, LONGEST_VALUE) {
            return Err(format!("`{value}` is not a tag's value"));
        }
    }
    Ok(())
}
