//! Accounts, regions and partitions: where a resource stands.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A twelve-digit AWS account id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(String);

impl AccountId {
    /// The id, when `text` is exactly twelve digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 12 && text.bytes().all(|it| it.is_ascii_digit()))
            .then(|| Self(text.to_owned()))
    }

    /// The twelve digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// An AWS region such as `eu-west-1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Region(String);

impl Region {
    /// The region, when `text` has the shape of one: `eu-west-1`, `us-gov-east-1`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('-').collect();
        let words = parts.len().checked_sub(1)?;
        let shaped = (2..=4).contains(&words)
            && parts[..words]
                .iter()
                .all(|it| !it.is_empty() && it.bytes().all(|b| b.is_ascii_lowercase()))
            && !parts[words].is_empty()
            && parts[words].bytes().all(|b| b.is_ascii_digit());
        shaped.then(|| Self(text.to_owned()))
    }

    /// The region's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition this region belongs to.
    #[must_use]
    pub fn partition(&self) -> Partition {
        Partition::of_region(&self.0)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A group of regions with accounts of its own: ARNs do not reach from one into another.
///
/// See <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Partition {
    /// The commercial regions.
    Aws,
    /// China.
    China,
    /// AWS `GovCloud` (US).
    GovCloud,
    /// The European sovereign cloud.
    Europe,
    /// An isolated partition, by its ARN name.
    Isolated(&'static str),
}

impl Partition {
    /// The partition a region's name says it belongs to.
    #[must_use]
    pub fn of_region(region: &str) -> Self {
        match region {
            it if it.starts_with("cn-") => Self::China,
            it if it.starts_with("us-gov-") => Self::GovCloud,
            it if it.starts_with("eusc-") => Self::Europe,
            it if it.starts_with("us-isob-") => Self::Isolated("aws-iso-b"),
            it if it.starts_with("us-isof-") => Self::Isolated("aws-iso-f"),
            it if it.starts_with("eu-isoe-") => Self::Isolated("aws-iso-e"),
            it if it.starts_with("us-iso-") => Self::Isolated("aws-iso"),
            _ => Self::Aws,
        }
    }

    /// The partition as ARNs write it: `aws`, `aws-cn`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::China => "aws-cn",
            Self::GovCloud => "aws-us-gov",
            Self::Europe => "aws-eusc",
            Self::Isolated(name) => name,
        }
    }

    /// Whether API Gateway has edge-optimized APIs there.
    ///
    /// See <https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-abp.html>.
    #[must_use]
    pub fn has_edge_apis(self) -> bool {
        self == Self::Aws
    }

    /// The suffix of host names in this partition, without a leading dot.
    #[must_use]
    pub fn dns_suffix(self) -> &'static str {
        match self {
            Self::Aws | Self::GovCloud => "amazonaws.com",
            Self::China => "amazonaws.com.cn",
            Self::Europe => "amazonaws.eu",
            Self::Isolated("aws-iso") => "c2s.ic.gov",
            Self::Isolated("aws-iso-b") => "sc2s.sgov.gov",
            Self::Isolated("aws-iso-e") => "cloud.adc-e.uk",
            Self::Isolated(_) => "csp.hci.ic.gov",
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// The regions that every account has, without ap-northeast-3: SNS counts that one among the opt-in regions.
///
/// See <https://docs.aws.amazon.com/sns/latest/dg/sns-cross-region-delivery.html>.
const ALWAYS_ON: [&str; 16] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Returns whether SNS counts a region among those that an account has to opt in to.
///
/// Other partitions than the commercial one have no such regions.
#[must_use]
pub fn is_opt_in(region: &str) -> bool {
    Partition::of_region(region) == Partition::Aws && !ALWAYS_ON.contains(&region)
}

/// An account and region, under the name the stack gives the account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The account's name in the stack.
    pub account: String,
    /// The account's id.
    pub id: AccountId,
    /// The region.
    pub region: Region,
}

impl Place {
    /// The partition of the region.
    #[must_use]
    pub fn partition(&self) -> Partition {
        self.region.partition()
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({}) {}", self.account, self.id, self.region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_id_is_twelve_digits() {
        let id = AccountId::parse("123456789012");
        assert_eq!(id.as_ref().map(AccountId::as_str), Some("123456789012"));
        assert_eq!(id.map(|it| it.to_string()).as_deref(), Some("123456789012"));
        assert!(AccountId::parse("12345678901").is_none());
        assert!(AccountId::parse("12345678901a").is_none());
    }

    #[test]
    fn a_region_has_words_and_a_number() {
        for good in [
            "eu-west-1",
            "us-gov-east-1",
            "ap-southeast-2",
            "us-isob-east-1",
        ] {
            let region = Region::parse(good);
            assert_eq!(region.as_ref().map(Region::as_str), Some(good));
        }
        for bad in ["eu-west", "EU-west-1", "eu--1", "1", "", "eu_west_1"] {
            assert!(Region::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_region_tells_its_partition() {
        assert_eq!(Partition::of_region("cn-north-1").as_str(), "aws-cn");
        assert_eq!(Partition::of_region("eu-west-1").as_str(), "aws");
        assert_eq!(Partition::of_region("us-isob-east-1").as_str(), "aws-iso-b");
        assert_eq!(Partition::of_region("us-gov-west-1").as_str(), "aws-us-gov");
        assert_eq!(Partition::of_region("eusc-de-east-1").as_str(), "aws-eusc");
        assert_eq!(Partition::of_region("us-iso-east-1").as_str(), "aws-iso");
    }

    #[test]
    fn a_partition_has_host_names_of_its_own() {
        for (region, suffix) in [
            ("eu-west-1", "amazonaws.com"),
            ("us-gov-west-1", "amazonaws.com"),
            ("cn-north-1", "amazonaws.com.cn"),
            ("eusc-de-east-1", "amazonaws.eu"),
            ("us-iso-east-1", "c2s.ic.gov"),
            ("us-isob-east-1", "sc2s.sgov.gov"),
            ("eu-isoe-west-1", "cloud.adc-e.uk"),
            ("us-isof-south-1", "csp.hci.ic.gov"),
        ] {
            assert_eq!(
                Partition::of_region(region).dns_suffix(),
                suffix,
                "{region}"
            );
        }
    }
}
