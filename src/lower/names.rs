//! Names that the engine makes.

use sha2::{Digest as _, Sha256};

use crate::model::place::is_opt_in;

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

/// Returns the service principal as which SNS delivers messages of a topic in one region to a queue in another.
///
/// Between regions that every account has it is `sns.amazonaws.com`, as within one region. Otherwise it
/// carries the name of the opt-in region, and of two opt-in regions the queue's.
///
/// See <https://docs.aws.amazon.com/sns/latest/dg/sns-cross-region-delivery.html>.
pub(super) fn sns_principal(topic_region: &str, queue_region: &str) -> String {
    let mut ends = [queue_region, topic_region].into_iter();
    match ends.find(|it| topic_region != queue_region && is_opt_in(it)) {
        Some(region) => format!("sns.{region}.amazonaws.com"),
        None => "sns.amazonaws.com".to_owned(),
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
    fn the_opt_in_region_names_the_principal_and_of_two_the_queues_does() {
        for (topic, queue, expected) in [
            ("eu-west-1", "us-east-1", "sns.amazonaws.com"),
            ("eu-west-1", "af-south-1", "sns.af-south-1.amazonaws.com"),
            ("af-south-1", "eu-south-1", "sns.eu-south-1.amazonaws.com"),
            ("eu-south-1", "eu-west-1", "sns.eu-south-1.amazonaws.com"),
            ("af-south-1", "af-south-1", "sns.amazonaws.com"),
            (
                "ap-northeast-1",
                "ap-northeast-3",
                "sns.ap-northeast-3.amazonaws.com",
            ),
            (
                "ap-northeast-3",
                "us-west-2",
                "sns.ap-northeast-3.amazonaws.com",
            ),
            ("cn-north-1", "cn-northwest-1", "sns.amazonaws.com"),
            ("us-gov-west-1", "us-gov-east-1", "sns.amazonaws.com"),
        ] {
            assert_eq!(sns_principal(topic, queue), expected, "{topic} to {queue}");
        }
    }
}
