//! The Resource Groups Tagging API, and what every service asks of tags.
//!
//! See <https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html>.

use super::Turn;
use super::refusal::Answered;
use crate::cloud::Page;
use crate::cloud::tagging::{GetTagged, Tagged};
use crate::model::{Arn, Tags};

const PAGE: usize = 100;

impl Turn<'_> {
    /// Topics, queues, REST APIs and stages; never roles.
    pub(super) fn tagged(&mut self, call: &GetTagged) -> Answered<Page<Tagged>> {
        let at = self.at;
        let partition = at.partition();
        let region = self.regional();
        let topics = region
            .topics
            .iter()
            .map(|(name, it)| (Arn::regional(at, "sns", name).to_string(), &it.tags));
        let queues = region
            .queues
            .iter()
            .map(|(name, it)| (Arn::regional(at, "sqs", name).to_string(), &it.tags));
        let apis = region.apis.iter().flat_map(|(id, api)| {
            let arn = format!("arn:{partition}:apigateway:{}::/restapis/{id}", at.region);
            let stages = api
                .stages
                .iter()
                .map(|(name, it)| (format!("{arn}/stages/{name}"), &it.tags))
                .collect::<Vec<_>>();
            std::iter::once((arn, &api.about.tags)).chain(stages)
        });
        let mut found: Vec<Tagged> = topics
            .chain(queues)
            .chain(apis)
            .filter(|(_, tags)| tags.get(&call.key) == Some(&call.value))
            .map(|(arn, tags)| Tagged {
                arn,
                tags: tags.clone(),
            })
            .collect();
        found.sort_by(|a, b| a.arn.cmp(&b.arn));
        self.page(found, call.token.as_deref(), PAGE)
    }
}

/// Whether every service takes these keys and values.
pub(super) fn check(tags: &Tags) -> Result<(), String> {
    for (key, value) in tags {
        let allowed = |text: &str| {
            text.chars()
                .all(|it| it.is_alphanumeric() || it == ' ' || "_.:/=+-@".contains(it))
        };
        if key.is_empty() || key.chars().count() > 128 || !allowed(key) {
            return Err(format!("`{key}` is not a tag's key"));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(format!(
                "`{key}`: keys that begin with aws: are reserved for system use"
            ));
        }
        if value.chars().count() > 256 || !allowed(value) {
            return Err(format!("`{value}` is not a tag's value"));
        }
    }
    Ok(())
}
