//! Resource Groups Tagging API.
//!
//! See <https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html>.

use aws_sdk_resourcegroupstagging::Client;
use aws_sdk_resourcegroupstagging::types::TagFilter;

use super::fault::Sent;
use crate::cloud::tagging::{GetTagged, Tagged};
use crate::cloud::{CallError, Page, Service};

/// The most a page may hold.
const PAGE: i32 = 100;

pub(super) async fn get_tagged(
    client: &Client,
    call: GetTagged,
) -> Result<Page<Tagged>, CallError> {
    let page = client
        .get_resources()
        .tag_filters(
            TagFilter::builder()
                .key(call.key)
                .values(call.value)
                .build(),
        )
        .resources_per_page(PAGE)
        .set_pagination_token(call.token)
        .send()
        .await
        .sent(Service::Tagging)?;
    Ok(Page {
        items: page
            .resource_tag_mapping_list
            .unwrap_or_default()
            .into_iter()
            .map(|it| Tagged {
                arn: it.resource_arn.unwrap_or_default(),
                tags: it
                    .tags
                    .unwrap_or_default()
                    .into_iter()
                    .map(|tag| (tag.key, tag.value))
                    .collect(),
            })
            .collect(),
        // The last page carries an empty token.
        next: page.pagination_token.filter(|it| !it.is_empty()),
    })
}
