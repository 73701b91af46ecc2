//! Simple Queue Service.
//!
//! A queue's URL follows from its name, so no call asks for it: AWS reads only
//! the path, and what stands before it is the endpoint the call goes to.
//!
//! See <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html>.

use std::collections::HashMap;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;

use super::fault::Sent;
use crate::cloud::sqs::{
    Attributes, CreateQueue, DeleteQueue, GetQueueAttributes, ListQueueTags, ListQueues,
    SetQueueAttributes, TagQueue, UntagQueue,
};
use crate::cloud::{CallError, Page, Service};
use crate::model::{Place, Tags};

/// The most a page may hold. Without a limit SQS does not say that there is more.
const PAGE: i32 = 1000;

const SQS: Service = Service::Sqs;

/// The URL of a queue of this place; `endpoint` is where calls go instead of AWS.
pub(super) fn url(at: &Place, endpoint: Option<&str>, name: &str) -> String {
    match endpoint {
        Some(endpoint) => format!("{}/{}/{name}", endpoint.trim_end_matches('/'), at.id),
        None => format!(
            "https://sqs.{}.{}/{}/{name}",
            at.region,
            at.partition().dns_suffix(),
            at.id
        ),
    }
}

pub(super) async fn create_queue(client: &Client, call: CreateQueue) -> Result<(), CallError> {
    client
        .create_queue()
        .queue_name(call.name)
        .set_attributes((!call.attributes.is_empty()).then(|| named(call.attributes)))
        .set_tags((!call.tags.is_empty()).then(|| call.tags.into_iter().collect()))
        .send()
        .await
        .sent(SQS)
        .map(drop)
}

pub(super) async fn get_queue_attributes(
    client: &Client,
    url: impl Fn(&str) -> String,
    call: GetQueueAttributes,
) -> Result<Attributes, CallError> {
    let answer = client
        .get_queue_attributes()
        .queue_url(url(&call.name))
        .attribute_names(QueueAttributeName::All)
        .send()
        .await
        .sent(SQS)?;
    Ok(answer
        .attributes
        .unwrap_or_default()
        .into_iter()
        .map(|(name, value)| (name.as_str().to_owned(), value))
        .collect())
}

pub(super) async fn set_queue_attributes(
    client: &Client,
    url: impl Fn(&str) -> String,
    call: SetQueueAttributes,
) -> Result<(), CallError> {
    client
        .set_queue_attributes()
        .queue_url(url(&call.name))
        .set_attributes(Some(named(call.attributes)))
        .send()
        .await
        .sent(SQS)
        .map(drop)
}

pub(super) async fn delete_queue(
    client: &Client,
    url: impl Fn(&str) -> String,
    call: DeleteQueue,
) -> Result<(), CallError> {
    client
        .delete_queue()
        .queue_url(url(&call.name))
        .send()
        .await
        .sent(SQS)
        .map(drop)
}

pub(super) async fn list_queues(
    client: &Client,
    call: ListQueues,
) -> Result<Page<String>, CallError> {
    let page = client
        .list_queues()
        .set_queue_name_prefix(Some(call.prefix).filter(|it| !it.is_empty()))
        .max_results(PAGE)
        .set_next_token(call.token)
        .send()
        .await
        .sent(SQS)?;
    Ok(Page {
        items: page
            .queue_urls
            .unwrap_or_default()
            .iter()
            .filter_map(|url| url.rsplit('/').next().map(str::to_owned))
            .collect(),
        next: page.next_token.filter(|it| !it.is_empty()),
    })
}

pub(super) async fn list_queue_tags(
    client: &Client,
    url: impl Fn(&str) -> String,
    call: ListQueueTags,
) -> Result<Tags, CallError> {
    let answer = client
        .list_queue_tags()
        .queue_url(url(&call.name))
        .send()
        .await
        .sent(SQS)?;
    Ok(answer.tags.unwrap_or_default().into_iter().collect())
}

pub(super) async fn tag_queue(
    client: &Client,
    url: impl Fn(&str) -> String,
    call: TagQueue,
) -> Result<(), CallError> {
    client
        .tag_queue()
        .queue_url(url(&call.name))
        .set_tags(Some(call.tags.into_iter().collect()))
        .send()
        .await
        .sent(SQS)
        .map(drop)
}

pub(super) async fn untag_queue(
    client: &Client,
    url: impl Fn(&str) -> String,
    call: UntagQueue,
) -> Result<(), CallError> {
    client
        .untag_queue()
        .queue_url(url(&call.name))
        .set_tag_keys(Some(call.keys))
        .send()
        .await
        .sent(SQS)
        .map(drop)
}

fn named(attributes: Attributes) -> HashMap<QueueAttributeName, String> {
    attributes
        .into_iter()
        .map(|(name, value)| (QueueAttributeName::from(name.as_str()), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AccountId, Region};

    #[test]
    fn a_queue_has_the_url_of_its_partition_or_of_the_endpoint_asked_for() {
        let mut at = Place {
            account: "shop".to_owned(),
            id: AccountId::parse("111111111111").expect("twelve digits"),
            region: Region::parse("eu-west-1").expect("a region"),
        };
        assert_eq!(
            url(&at, None, "inbox"),
            "https://sqs.eu-west-1.amazonaws.com/111111111111/inbox"
        );
        assert_eq!(
            url(&at, Some("http://127.0.0.1:4566/"), "inbox"),
            "http://127.0.0.1:4566/111111111111/inbox"
        );
        at.region = Region::parse("cn-north-1").expect("a region");
        assert_eq!(
            url(&at, None, "inbox"),
            "https://sqs.cn-north-1.amazonaws.com.cn/111111111111/inbox"
        );
    }
}
