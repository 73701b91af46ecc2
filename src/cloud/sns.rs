//! Simple Notification Service: topics and subscriptions.
//!
//! Attributes are texts by AWS's names. Calls about a subscription are sent in
//! its owner's account but in the topic's region.
//!
//! See <https://docs.aws.amazon.com/sns/latest/api/API_Operations.html>.

use std::collections::BTreeMap;

use crate::model::Tags;

/// Attributes by name.
pub type Attributes = BTreeMap<String, String>;

/// Makes a topic and gives its ARN.
///
/// Gives the ARN too when the topic exists with a superset of these attributes
/// and tags, and changes nothing then; anything different is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateTopic {
    /// The name.
    pub name: String,
    /// The attributes, `Policy` included.
    pub attributes: Attributes,
    /// The tags.
    pub tags: Tags,
}

/// The ARNs of an account's topics in a region: 100 a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListTopics {
    /// The page's token.
    pub token: Option<String>,
}

/// A topic's attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetTopicAttributes {
    /// The topic's ARN.
    pub arn: String,
}

/// Sets one attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetTopicAttributes {
    /// The topic's ARN.
    pub arn: String,
    /// The attribute's name.
    pub name: String,
    /// The new value.
    pub value: String,
}

/// Removes a topic; no error when there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteTopic {
    /// The topic's ARN.
    pub arn: String,
}

/// A topic's tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListTopicTags {
    /// The topic's ARN.
    pub arn: String,
}

/// Adds or replaces a topic's tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagTopic {
    /// The topic's ARN.
    pub arn: String,
    /// The tags.
    pub tags: Tags,
}

/// Removes a topic's tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UntagTopic {
    /// The topic's ARN.
    pub arn: String,
    /// The tags' keys.
    pub keys: Vec<String>,
}

/// Subscribes an endpoint and gives the subscription's ARN.
///
/// Gives the ARN too when the subscription exists with a superset of these
/// attributes; a different one is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// The topic's ARN.
    pub topic: String,
    /// The protocol: `sqs`.
    pub protocol: String,
    /// The endpoint: a queue's ARN.
    pub endpoint: String,
    /// The attributes.
    pub attributes: Attributes,
}

/// Removes a subscription; no error when there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscribe {
    /// The subscription's ARN.
    pub arn: String,
}

/// A subscription's attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetSubscriptionAttributes {
    /// The subscription's ARN.
    pub arn: String,
}

/// Sets one attribute; `None` removes it where AWS removes by leaving the value out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetSubscriptionAttributes {
    /// The subscription's ARN.
    pub arn: String,
    /// The attribute's name.
    pub name: String,
    /// The new value.
    pub value: Option<String>,
}

/// The subscriptions that the caller's account owns: 100 a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListSubscriptions {
    /// The page's token.
    pub token: Option<String>,
}

/// A topic's subscriptions, whoever owns them: 100 a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListSubscriptionsByTopic {
    /// The topic's ARN.
    pub topic: String,
    /// The page's token.
    pub token: Option<String>,
}

/// A subscription as listings show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionListing {
    /// The ARN; `PendingConfirmation` while it is pending, `Deleted` when it is gone.
    pub arn: String,
    /// The account that owns it.
    pub owner: String,
    /// The protocol.
    pub protocol: String,
    /// The endpoint.
    pub endpoint: String,
    /// The topic's ARN.
    pub topic: String,
}
