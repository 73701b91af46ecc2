//! Names that the engine makes.

use sha2::{Digest as _, Sha256};

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

/// Regions an account must switch on. Topics there deliver to other regions as `sns.REGION.amazonaws.com`.
///
/// See <https://docs.aws.amazon.com/sns/latest/dg/sns-cross-region-delivery.html>.
const OPT_IN: [&str; 16] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-south-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-west-1",
    "eu-central-2",
    "eu-south-1",
    "eu-south-2",
    "il-central-1",
    "me-central-1",
    "me-south-1",
];

/// The service principal that delivers messages of a topic in one region to a queue in another.
#[must_use]
pub fn sns_principal(topic_region: &str, queue_region: &str) -> String {
    if topic_region != queue_region && OPT_IN.contains(&topic_region) {
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
