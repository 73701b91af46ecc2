//! Simple Notification Service.
//!
//! See <https://docs.aws.amazon.com/sns/latest/api/API_Operations.html>.

use aws_sdk_sns::Client;
use aws_sdk_sns::types::Tag;

use super::fault::{Sent, incomplete, refused};
use crate::cloud::sns::{
    Attributes, CreateTopic, DeleteTopic, GetSubscriptionAttributes, GetTopicAttributes,
    ListSubscriptions, ListSubscriptionsByTopic, ListTopicTags, ListTopics,
    SetSubscriptionAttributes, SetTopicAttributes, Subscribe, SubscriptionListing, TagTopic,
    Unsubscribe, UntagTopic,
};
use crate::cloud::{CallError, Page, Service};
use crate::model::Tags;

const SNS: Service = Service::Sns;

pub(super) async fn create_topic(client: &Client, call: CreateTopic) -> Result<String, CallError> {
    client
        .create_topic()
        .name(call.name)
        .set_attributes(some(call.attributes))
        .set_tags(tags(call.tags)?)
        .send()
        .await
        .sent(SNS)?
        .topic_arn
        .ok_or_else(|| incomplete("CreateTopic", "topic ARN"))
}

pub(super) async fn get_topic_attributes(
    client: &Client,
    call: GetTopicAttributes,
) -> Result<Attributes, CallError> {
    let answer = client
        .get_topic_attributes()
        .topic_arn(call.arn)
        .send()
        .await
        .sent(SNS)?;
    Ok(answer.attributes.unwrap_or_default().into_iter().collect())
}

pub(super) async fn set_topic_attributes(
    client: &Client,
    call: SetTopicAttributes,
) -> Result<(), CallError> {
    client
        .set_topic_attributes()
        .topic_arn(call.arn)
        .attribute_name(call.name)
        .attribute_value(call.value)
        .send()
        .await
        .sent(SNS)
        .map(drop)
}

pub(super) async fn delete_topic(client: &Client, call: DeleteTopic) -> Result<(), CallError> {
    client
        .delete_topic()
        .topic_arn(call.arn)
        .send()
        .await
        .sent(SNS)
        .map(drop)
}

pub(super) async fn list_topic_tags(
    client: &Client,
    call: ListTopicTags,
) -> Result<Tags, CallError> {
    let answer = client
        .list_tags_for_resource()
        .resource_arn(call.arn)
        .send()
        .await
        .sent(SNS)?;
    Ok(answer
        .tags
        .unwrap_or_default()
        .into_iter()
        .map(|tag| (tag.key, tag.value))
        .collect())
}

pub(super) async fn tag_topic(client: &Client, call: TagTopic) -> Result<(), CallError> {
    client
        .tag_resource()
        .resource_arn(call.arn)
        .set_tags(Some(tags(call.tags)?.unwrap_or_default()))
        .send()
        .await
        .sent(SNS)
        .map(drop)
}

pub(super) async fn untag_topic(client: &Client, call: UntagTopic) -> Result<(), CallError> {
    client
        .untag_resource()
        .resource_arn(call.arn)
        .set_tag_keys(Some(call.keys))
        .send()
        .await
        .sent(SNS)
        .map(drop)
}

pub(super) async fn subscribe(client: &Client, call: Subscribe) -> Result<String, CallError> {
    client
        .subscribe()
        .topic_arn(call.topic)
        .protocol(call.protocol)
        .endpoint(call.endpoint)
        .set_attributes(some(call.attributes))
        // Otherwise a pending subscription answers the words "pending confirmation".
        .return_subscription_arn(true)
        .send()
        .await
        .sent(SNS)?
        .subscription_arn
        .ok_or_else(|| incomplete("Subscribe", "subscription ARN"))
}

pub(super) async fn unsubscribe(client: &Client, call: Unsubscribe) -> Result<(), CallError> {
    client
        .unsubscribe()
        .subscription_arn(call.arn)
        .send()
        .await
        .sent(SNS)
        .map(drop)
}

pub(super) async fn get_subscription_attributes(
    client: &Client,
    call: GetSubscriptionAttributes,
) -> Result<Attributes, CallError> {
    let answer = client
        .get_subscription_attributes()
        .subscription_arn(call.arn)
        .send()
        .await
        .sent(SNS)?;
    Ok(answer.attributes.unwrap_or_default().into_iter().collect())
}

pub(super) async fn set_subscription_attributes(
    client: &Client,
    call: SetSubscriptionAttributes,
) -> Result<(), CallError> {
    client
        .set_subscription_attributes()
        .subscription_arn(call.arn)
        .attribute_name(call.name)
        .set_attribute_value(call.value)
        .send()
        .await
        .sent(SNS)
        .map(drop)
}

pub(super) async fn list_topics(
    client: &Client,
    call: ListTopics,
) -> Result<Page<String>, CallError> {
    let page = client
        .list_topics()
        .set_next_token(call.token)
        .send()
        .await
        .sent(SNS)?;
    let topics = page.topics.unwrap_or_default();
    Ok(Page {
        items: topics.into_iter().filter_map(|it| it.topic_arn).collect(),
        next: page.next_token,
    })
}

pub(super) async fn list_subscriptions(
    client: &Client,
    call: ListSubscriptions,
) -> Result<Page<SubscriptionListing>, CallError> {
    let page = client
        .list_subscriptions()
        .set_next_token(call.token)
        .send()
        .await
        .sent(SNS)?;
    Ok(listing(page.subscriptions, page.next_token))
}

pub(super) async fn list_subscriptions_by_topic(
    client: &Client,
    call: ListSubscriptionsByTopic,
) -> Result<Page<SubscriptionListing>, CallError> {
    let page = client
        .list_subscriptions_by_topic()
        .topic_arn(call.topic)
        .set_next_token(call.token)
        .send()
        .await
        .sent(SNS)?;
    Ok(listing(page.subscriptions, page.next_token))
}

fn listing(
    subscriptions: Option<Vec<aws_sdk_sns::types::Subscription>>,
    next: Option<String>,
) -> Page<SubscriptionListing> {
    Page {
        items: subscriptions
            .unwrap_or_default()
            .into_iter()
            .map(|it| SubscriptionListing {
                arn: it.subscription_arn.unwrap_or_default(),
                owner: it.owner.unwrap_or_default(),
                protocol: it.protocol.unwrap_or_default(),
                endpoint: it.endpoint.unwrap_or_default(),
                topic: it.topic_arn.unwrap_or_default(),
            })
            .collect(),
        next: next.filter(|it| !it.is_empty()),
    }
}

fn some(attributes: Attributes) -> Option<std::collections::HashMap<String, String>> {
    (!attributes.is_empty()).then(|| attributes.into_iter().collect())
}

fn tags(tags: Tags) -> Result<Option<Vec<Tag>>, CallError> {
    if tags.is_empty() {
        return Ok(None);
    }
    let built: Result<_, _> = tags
        .into_iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect();
    built.map(Some).map_err(|error| refused(&error))
}
