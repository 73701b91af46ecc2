//! Names that the engine makes.

use sha2::{Digest as _, Sha256};

use crate::model::Partition;

/// The longest name of an IAM role.
const ROLE_NAME: usize = 64;

/// `parts` joined by `-`, shortened with a hash of the whole where IAM would refuse the length.
pub(super) fn role_name(parts: &[&str]) -> String {
    let whole: String = parts
        .join("-")
        .chars()
        .map(|it| {
            if it.is_ascii_alphanumeric() || "+=,.@_-".contains(it) {
                it
            } else {
                '-'
            }
        })
        .collect();
    if whole.len() <= ROLE_NAME {
        return whole;
    }
    let hash = Sha256::digest(whole.as_bytes());
    format!(
        "{}-{:02x}{:02x}{:02x}{:02x}",
        &whole[..ROLE_NAME - 9],
        hash[0],
        hash[1],
        hash[2],
        hash[3]
    )
}

/// Regions that every account has. In any other one of the commercial partition, topics
/// deliver to other regions as `sns.REGION.amazonaws.com`.
///
/// See <https://docs.aws.amazon.com/sns/latest/dg/sns-cross-region-delivery.html>.
const ALWAYS_ON: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
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

/// The service principal that delivers messages of a topic in one region to a queue in another.
#[must_use]
pub fn sns_principal(topic_region: &str, queue_region: &str) -> String {
    let opt_in =
        Partition::of_region(topic_region) == Partition::Aws && !ALWAYS_ON.contains(&topic_region);
    if topic_region != queue_region && opt_in {
        format!("sns.{topic_region}.amazonaws.com")
    } else {
        "sns.amazonaws.com".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_its_beginning_and_stays_unique() {
        let long = "a".repeat(40);
        let one = role_name(&[&long, &long, "x"]);
        let two = role_name(&[&long, &long, "y"]);
        assert_eq!(one.len(), 64);
        assert_ne!(one, two);
        assert_eq!(
            role_name(&["shop", "orders", "checkout"]),
            "shop-orders-checkout"
        );
    }

    #[test]
    fn an_opt_in_region_delivers_under_its_own_name() {
        assert_eq!(
            sns_principal("eu-south-1", "eu-west-1"),
            "sns.eu-south-1.amazonaws.com"
        );
        assert_eq!(sns_principal("eu-west-1", "us-east-1"), "sns.amazonaws.com");
    }
}
