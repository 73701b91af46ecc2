//! Stages that others made beside the stack's, known by what they serve.

use serde_json::json;

use super::api_of;
use crate::cloud::apigateway::StageRecord;
use crate::kinds::{Extra, Have, Resource, Stranger, digest};
use crate::model::Tags;

/// The digest of a stage as AWS lists it, but for its description and tags, which nothing of a call meets.
pub(super) fn listed(record: &StageRecord) -> String {
    digest(&json!(StageRecord {
        description: None,
        tags: Tags::new(),
        ..record.clone()
    }))
}

/// A stage beside that of the stack, with what it serves in its digest.
#[must_use]
pub fn beside(have: &Have) -> Option<Extra> {
    let Resource::Stage(stage) = &have.resource else {
        return None;
    };
    let what = Stranger::Stage {
        api: api_of(&have.id).to_owned(),
        name: stage.name.clone(),
    };
    let says = format!("stage `{}`, which serves this API too", stage.name);
    Some(Extra::with_content(what, says, &json!(stage.listed)))
}
