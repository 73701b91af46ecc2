//! Resource Groups Tagging API: the tags of many resources in one call.
//!
//! Its index lags behind by seconds to minutes and leaves roles out, so it
//! finds candidates; it never proves that something is absent.
//!
//! See <https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html>.

use crate::model::Tags;

/// The resources of this account and region that carry a tag with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetTagged {
    /// The tag's key.
    pub key: String,
    /// The tag's value.
    pub value: String,
    /// The page's token.
    pub token: Option<String>,
}

/// A resource and its tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// The resource's ARN.
    pub arn: String,
    /// All its tags.
    pub tags: Tags,
}
