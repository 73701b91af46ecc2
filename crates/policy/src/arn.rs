//! Amazon Resource Names: `arn:partition:service:region:account:resource`.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AccountId, Place};

/// A well-formed ARN: six parts, the first `arn`, the partition, service and resource not empty.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Arn(String);

/// A text that is not an ARN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an ARN (`arn:partition:service:region:account:resource`)")]
pub struct ArnError(String);

impl Arn {
    /// The ARN, when `text` has its six parts.
    pub fn parse(text: &str) -> Result<Self, ArnError> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        match parts.as_slice() {
            ["arn", partition, service, _, _, resource]
                if !partition.is_empty()
                    && !service.is_empty()
                    && !resource.is_empty()
                    && !text.contains(char::is_whitespace) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(ArnError(text.to_owned())),
        }
    }

    /// `arn:P:service:region:account:resource` for a resource of a regional service.
    #[must_use]
    pub fn regional(place: &Place, service: &str, resource: &str) -> Self {
        Self(format!(
            "arn:{}:{service}:{}:{}:{resource}",
            place.partition(),
            place.region,
            place.id
        ))
    }

    /// `arn:P:iam::account:role/path/name`; `path` begins and ends with `/`.
    #[must_use]
    pub fn role(place: &Place, path: &str, name: &str) -> Self {
        Self(format!(
            "arn:{}:iam::{}:role{path}{name}",
            place.partition(),
            place.id
        ))
    }

    /// A managed policy's, in the account of `place`. `path` begins and ends with `/`.
    #[must_use]
    pub fn policy(place: &Place, path: &str, name: &str) -> Self {
        Self(format!(
            "arn:{}:iam::{}:policy{path}{name}",
            place.partition(),
            place.id
        ))
    }

    /// `arn:P:iam::account:root`, which stands for the whole account.
    #[must_use]
    pub fn root(partition: &str, account: &AccountId) -> Self {
        Self(format!("arn:{partition}:iam::{account}:root"))
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn part(&self, index: usize) -> &str {
        self.0.splitn(6, ':').nth(index).unwrap_or_default()
    }

    /// `aws`, `aws-cn`, …
    #[must_use]
    pub fn partition(&self) -> &str {
        self.part(1)
    }

    /// `sns`, `iam`, …
    #[must_use]
    pub fn service(&self) -> &str {
        self.part(2)
    }

    /// The region; empty for a global service.
    #[must_use]
    pub fn region(&self) -> &str {
        self.part(3)
    }

    /// The account's text; empty where the service leaves it out.
    #[must_use]
    pub fn account(&self) -> &str {
        self.part(4)
    }

    /// The account, when the ARN names one.
    #[must_use]
    pub fn account_id(&self) -> Option<AccountId> {
        AccountId::parse(self.account())
    }

    /// All that follows the account.
    #[must_use]
    pub fn resource(&self) -> &str {
        self.part(5)
    }

    /// What follows the last `/` or `:`: a topic's, queue's or role's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.resource()
            .rsplit(['/', ':'])
            .next()
            .unwrap_or_default()
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl TryFrom<String> for Arn {
    type Error = ArnError;
    fn try_from(text: String) -> Result<Self, ArnError> {
        Self::parse(&text)
    }
}

impl From<Arn> for String {
    fn from(arn: Arn) -> Self {
        arn.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_has_six_parts() {
        let arn = Arn::parse("arn:aws:iam::123456789012:role/team/checkout").expect("an ARN");
        assert_eq!(arn.partition(), "aws");
        assert_eq!(arn.service(), "iam");
        assert_eq!(arn.region(), "");
        assert_eq!(arn.account(), "123456789012");
        assert_eq!(arn.resource(), "role/team/checkout");
        assert_eq!(arn.name(), "checkout");
        assert_eq!(
            arn.to_string(),
            "arn:aws:iam::123456789012:role/team/checkout"
        );
        for bad in [
            "",
            "arn",
            "arn:aws:iam::1",
            "arn:aws:sns:eu-west-1:1:",
            "nra:aws:iam::1:x",
            "arn:aws:iam::1:a b",
        ] {
            assert!(Arn::parse(bad).is_err(), "{bad}");
        }
    }

    /// Buckets name no account, and policies of AWS name `aws`:
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>
    #[test]
    fn the_account_of_an_arn_is_twelve_digits_or_none() {
        for (arn, account) in [
            ("arn:aws:sqs:eu-west-1:123456789012:q", Some("123456789012")),
            ("arn:aws:s3:::bucket", None),
            ("arn:aws:iam::aws:policy/ReadOnlyAccess", None),
        ] {
            let found = Arn::parse(arn).expect("an ARN").account_id();
            assert_eq!(found.as_ref().map(AccountId::as_str), account, "{arn}");
        }
    }
}
