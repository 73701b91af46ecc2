//! Simple Queue Service.
//!
//! A queue is named by its name in the place's account and region; its URL is
//! the cloud's own business. Attributes are texts by AWS's names.
//!
//! See <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_Operations.html>.

use std::collections::BTreeMap;

use crate::model::Tags;

/// Attributes by name.
pub type Attributes = BTreeMap<String, String>;

/// Makes a queue; no error when it exists and these attributes are equal to its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateQueue {
    /// The name.
    pub name: String,
    /// The attributes, `Policy` included.
    pub attributes: Attributes,
    /// The tags.
    pub tags: Tags,
}

/// All of a queue's attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetQueueAttributes {
    /// The queue's name.
    pub name: String,
}

/// Sets any number of attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetQueueAttributes {
    /// The queue's name.
    pub name: String,
    /// The attributes; empty removes a policy.
    pub attributes: Attributes,
}

/// Removes a queue. Its name stays taken for 60 seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteQueue {
    /// The queue's name.
    pub name: String,
}

/// The names of the account's queues in the region: 1,000 a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQueues {
    /// Only queues whose name begins with this; empty for all.
    pub prefix: String,
    /// The page's token.
    pub token: Option<String>,
}

/// A queue's tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQueueTags {
    /// The queue's name.
    pub name: String,
}

/// Adds or replaces a queue's tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagQueue {
    /// The queue's name.
    pub name: String,
    /// The tags.
    pub tags: Tags,
}

/// Removes a queue's tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UntagQueue {
    /// The queue's name.
    pub name: String,
    /// The tags' keys.
    pub keys: Vec<String>,
}
