//! SNS's deliveries as requests: which service principal makes them.
//!
//! | topic's region | queue's region | principal |
//! |---|---|---|
//! | one that every account has | one that every account has | `sns.amazonaws.com` |
//! | one that every account has | opt-in | `sns.QUEUE-REGION.amazonaws.com` |
//! | opt-in | opt-in, another | `sns.QUEUE-REGION.amazonaws.com` |
//! | opt-in | one that every account has | `sns.TOPIC-REGION.amazonaws.com` |
//! | any | the same | `sns.amazonaws.com` |
//!
//! A queue whose policy allows another one of them receives nothing, and SNS reports nothing. This is
//! written apart from the code that makes queue policies, so that a proof does not repeat its mistakes.
//!
//! See <https://docs.aws.amazon.com/sns/latest/dg/sns-cross-region-delivery.html>.

use super::request::{Request, Who};
use crate::place::is_opt_in;

/// Returns the request by which SNS puts a topic's message into a queue; both are given by their ARNs.
#[must_use]
pub fn delivery(topic: &str, queue: &str) -> Request {
    let part = |arn: &'_ str, at| arn.split(':').nth(at).unwrap_or_default().to_owned();
    let (from, to) = (part(topic, 3), part(queue, 3));
    let service = match (is_opt_in(&from), is_opt_in(&to)) {
        _ if from == to => "sns.amazonaws.com".to_owned(),
        (false, false) => "sns.amazonaws.com".to_owned(),
        (false | true, true) => format!("sns.{to}.amazonaws.com"),
        (true, false) => format!("sns.{from}.amazonaws.com"),
    };
    Request::new(Who::Service(service), "sqs:SendMessage", queue)
        .with("aws:SourceArn", [topic])
        .with("aws:SourceAccount", [part(topic, 4)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_of_the_table_has_its_principal() {
        for (topic, queue, expected) in [
            ("eu-west-1", "eu-central-1", "sns.amazonaws.com"),
            (
                "us-east-1",
                "me-central-1",
                "sns.me-central-1.amazonaws.com",
            ),
            ("il-central-1", "ap-east-1", "sns.ap-east-1.amazonaws.com"),
            (
                "mx-central-1",
                "us-east-2",
                "sns.mx-central-1.amazonaws.com",
            ),
            ("ca-west-1", "ca-west-1", "sns.amazonaws.com"),
            (
                "ap-northeast-3",
                "ap-northeast-1",
                "sns.ap-northeast-3.amazonaws.com",
            ),
            ("us-gov-east-1", "us-gov-west-1", "sns.amazonaws.com"),
        ] {
            let arn =
                |service: &str, region: &str| format!("arn:aws:{service}:{region}:111111111111:x");
            let request = delivery(&arn("sns", topic), &arn("sqs", queue));
            assert_eq!(
                request.principal,
                Who::Service(expected.to_owned()),
                "{topic} to {queue}"
            );
        }
    }
}
