//! Subscriptions, their owners and what they wait for.

use super::sns::{create_topic, topic_arn};
use super::*;
use crate::cloud::sns::{
    Attributes, DeleteTopic, GetSubscriptionAttributes, GetTopicAttributes, ListSubscriptions,
    ListSubscriptionsByTopic, SetSubscriptionAttributes, SetTopicAttributes, Subscribe,
    SubscriptionListing, Unsubscribe,
};

fn queue_arn(account: &str, name: &str) -> String {
    format!("arn:aws:sqs:eu-west-1:{account}:{name}")
}

fn subscribe(endpoint: &str, attributes: Attributes) -> Subscribe {
    Subscribe {
        topic: topic_arn(ORDERS, "events"),
        protocol: "sqs".to_owned(),
        endpoint: endpoint.to_owned(),
        attributes,
    }
}

fn of_topic() -> ListSubscriptionsByTopic {
    ListSubscriptionsByTopic {
        topic: topic_arn(ORDERS, "events"),
        token: None,
    }
}

async fn read_subscription(bench: &Bench, account: &str, arn: &str) -> Attributes {
    let get = GetSubscriptionAttributes {
        arn: arn.to_owned(),
    };
    bench.ok(account, get).await
}

fn set(arn: &str, name: &str, value: Option<&str>) -> SetSubscriptionAttributes {
    SetSubscriptionAttributes {
        arn: arn.to_owned(),
        name: name.to_owned(),
        value: value.map(str::to_owned),
    }
}

/// A bench with the topic `events` whose policy lets one queue of `billing` subscribe.
async fn with_topic() -> Bench {
    let bench = Bench::quick();
    bench.ok(ORDERS, create_topic("events", Tags::new())).await;
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{BILLING}:root") },
            "Action": "sns:Subscribe",
            "Resource": topic_arn(ORDERS, "events"),
            "Condition": {
                "StringEquals": {
                    "sns:Protocol": "sqs",
                    "sns:Endpoint": queue_arn(BILLING, "inbox"),
                },
            },
        }],
    });
    let policy = SetTopicAttributes {
        arn: topic_arn(ORDERS, "events"),
        name: "Policy".to_owned(),
        value: document.to_string(),
    };
    bench.ok(ORDERS, policy).await;
    bench
}

#[test]
fn the_queues_account_subscribes_at_once_and_owns_the_subscription() {
    run(async {
        let bench = with_topic().await;
        let endpoint = queue_arn(BILLING, "inbox");
        let arn = bench.ok(BILLING, subscribe(&endpoint, Tags::new())).await;
        assert!(arn.starts_with(&topic_arn(ORDERS, "events:")));
        let shown = read_subscription(&bench, BILLING, &arn).await;
        let names: Vec<&str> = shown.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "ConfirmationWasAuthenticated",
                "Endpoint",
                "Owner",
                "PendingConfirmation",
                "Protocol",
                "RawMessageDelivery",
                "SubscriptionArn",
                "SubscriptionPrincipal",
                "TopicArn"
            ]
        );
        assert_eq!(shown["Owner"], BILLING);
        assert_eq!(shown["PendingConfirmation"], "false");
        assert_eq!(shown["RawMessageDelivery"], "false");
        let expected = SubscriptionListing {
            arn,
            owner: BILLING.to_owned(),
            protocol: "sqs".to_owned(),
            endpoint,
            topic: topic_arn(ORDERS, "events"),
        };
        // The topic's account sees it, whoever owns it; the owner sees it among its own.
        let seen = bench.ok(ORDERS, of_topic()).await.items;
        assert_eq!(seen, std::slice::from_ref(&expected));
        let mine = bench.ok(BILLING, ListSubscriptions { token: None }).await;
        assert_eq!(mine.items, [expected]);
        let theirs = bench.ok(ORDERS, ListSubscriptions { token: None }).await;
        assert!(theirs.items.is_empty());
        let topic = GetTopicAttributes {
            arn: topic_arn(ORDERS, "events"),
        };
        let topic = bench.ok(ORDERS, topic).await;
        assert_eq!(topic["SubscriptionsConfirmed"], "1");
    });
}

#[test]
fn a_queue_that_the_topics_policy_does_not_name_cannot_subscribe() {
    run(async {
        let bench = with_topic().await;
        for (account, queue) in [(BILLING, "other"), (SHOP, "inbox")] {
            let call = subscribe(&queue_arn(account, queue), Tags::new());
            let error = bench.refused(account, call).await;
            assert_eq!(error.fault, Fault::Denied);
            assert_eq!(error.code, "AuthorizationError");
            assert!(error.message.contains("SNS:Subscribe"), "{error}");
        }
        let error = bench.refused(BILLING, of_topic()).await;
        assert_eq!(error.fault, Fault::Denied);
    });
}

#[test]
fn a_queue_of_another_account_stays_pending_until_its_own_account_subscribes() {
    run(async {
        let bench = with_topic().await;
        let endpoint = queue_arn(BILLING, "inbox");
        let arn = bench.ok(ORDERS, subscribe(&endpoint, Tags::new())).await;
        let shown = read_subscription(&bench, ORDERS, &arn).await;
        assert_eq!(shown["PendingConfirmation"], "true");
        let listed = bench.ok(ORDERS, of_topic()).await.items;
        assert_eq!(listed[0].arn, "PendingConfirmation");
        let unsubscribe = Unsubscribe { arn: arn.clone() };
        let error = bench.refused(ORDERS, unsubscribe).await;
        assert_eq!(
            error.message,
            "Invalid parameter: SubscriptionArn Reason: Cannot unsubscribe a subscription that \
             is pending confirmation"
        );
        let again = bench.ok(BILLING, subscribe(&endpoint, Tags::new())).await;
        assert_eq!(again, arn);
        let shown = read_subscription(&bench, BILLING, &arn).await;
        assert_eq!(shown["PendingConfirmation"], "false");
        assert_eq!(shown["Owner"], BILLING);
    });
}

#[test]
fn subscribing_again_is_fine_with_less_and_refused_with_anything_else() {
    run(async {
        let bench = with_topic().await;
        let own = queue_arn(ORDERS, "no-such-queue");
        let first = tags([
            ("RawMessageDelivery", "true"),
            ("FilterPolicy", r#"{"a":["b"]}"#),
        ]);
        // That there is no such queue is not noticed.
        let arn = bench.ok(ORDERS, subscribe(&own, first.clone())).await;
        for same in [
            Tags::new(),
            first,
            tags([("FilterPolicy", r#"{ "a": [ "b" ] }"#)]),
        ] {
            assert_eq!(bench.ok(ORDERS, subscribe(&own, same)).await, arn);
        }
        for other in [
            tags([("RawMessageDelivery", "false")]),
            tags([("FilterPolicy", r#"{"a":["c"]}"#)]),
        ] {
            assert_fault(
                &bench.refused(ORDERS, subscribe(&own, other)).await,
                Fault::Exists,
                "InvalidParameter",
                "Invalid parameter: Attributes Reason: Subscription already exists with \
                 different attributes",
            );
        }
    });
}

#[test]
fn an_endpoint_is_a_queues_arn_and_not_a_fifo_queues_for_a_standard_topic() {
    run(async {
        let bench = with_topic().await;
        for wrong in ["https://sqs.eu-west-1.amazonaws.com/1/x", "inbox"] {
            let error = bench.refused(ORDERS, subscribe(wrong, Tags::new())).await;
            assert_eq!(error.message, "Invalid parameter: SQS endpoint ARN");
        }
        let fifo = queue_arn(ORDERS, "inbox.fifo");
        let error = bench.refused(ORDERS, subscribe(&fifo, Tags::new())).await;
        assert_eq!(
            error.message,
            "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to \
             standard SNS topics"
        );
        let topic = create_topic("in-order.fifo", tags([("FifoTopic", "true")]));
        bench.ok(ORDERS, topic).await;
        let of_fifo = |endpoint: &str, attributes: Attributes| Subscribe {
            topic: topic_arn(ORDERS, "in-order.fifo"),
            ..subscribe(endpoint, attributes)
        };
        bench.ok(ORDERS, of_fifo(&fifo, Tags::new())).await;
        let standard = queue_arn(ORDERS, "inbox");
        bench.ok(ORDERS, of_fifo(&standard, Tags::new())).await;
        let dead = json!({ "deadLetterTargetArn": queue_arn(ORDERS, "dead") }).to_string();
        let other = queue_arn(ORDERS, "third.fifo");
        let with_dead = of_fifo(&other, tags([("RedrivePolicy", &dead)]));
        assert!(
            bench
                .refused(ORDERS, with_dead)
                .await
                .message
                .contains("must use a FIFO queue")
        );
    });
}

#[test]
fn a_filter_is_removed_by_an_empty_object_and_takes_its_scope_with_it() {
    run(async {
        let bench = with_topic().await;
        let own = queue_arn(ORDERS, "inbox");
        let arn = bench.ok(ORDERS, subscribe(&own, Tags::new())).await;
        bench
            .ok(ORDERS, set(&arn, "FilterPolicy", Some(r#"{"a":["b"]}"#)))
            .await;
        let shown = read_subscription(&bench, ORDERS, &arn).await;
        assert_eq!(shown["FilterPolicyScope"], "MessageAttributes");
        let error = bench
            .refused(ORDERS, set(&arn, "FilterPolicy", Some("")))
            .await;
        assert_eq!(error.fault, Fault::Invalid);
        bench
            .ok(ORDERS, set(&arn, "FilterPolicy", Some("{}")))
            .await;
        let shown = read_subscription(&bench, ORDERS, &arn).await;
        assert!(!shown.contains_key("FilterPolicy"));
        assert!(!shown.contains_key("FilterPolicyScope"));
    });
}

#[test]
fn a_nested_filter_needs_the_scope_of_the_body_before_it() {
    run(async {
        let bench = with_topic().await;
        let own = queue_arn(ORDERS, "inbox");
        let nested = r#"{"a":{"b":["c"]}}"#;
        let wrong = subscribe(&own, tags([("FilterPolicy", nested)]));
        assert_eq!(bench.refused(ORDERS, wrong).await.fault, Fault::Invalid);
        let arn = bench.ok(ORDERS, subscribe(&own, Tags::new())).await;
        let filter = || set(&arn, "FilterPolicy", Some(nested));
        let scope = |value| set(&arn, "FilterPolicyScope", Some(value));
        assert_eq!(bench.refused(ORDERS, filter()).await.fault, Fault::Invalid);
        bench.ok(ORDERS, scope("MessageBody")).await;
        bench.ok(ORDERS, filter()).await;
        let error = bench.refused(ORDERS, scope("MessageAttributes")).await;
        assert_eq!(error.fault, Fault::Invalid);
        bench
            .ok(ORDERS, set(&arn, "FilterPolicy", Some(r#"{"a":["b"]}"#)))
            .await;
        bench.ok(ORDERS, scope("MessageAttributes")).await;
    });
}

#[test]
fn a_redrive_policy_is_removed_by_leaving_its_value_out() {
    run(async {
        let bench = with_topic().await;
        let own = queue_arn(ORDERS, "inbox");
        let dead = json!({ "deadLetterTargetArn": queue_arn(ORDERS, "dead") }).to_string();
        let with_dead = subscribe(&own, tags([("RedrivePolicy", &dead)]));
        let arn = bench.ok(ORDERS, with_dead).await;
        let error = bench
            .refused(ORDERS, set(&arn, "RedrivePolicy", Some("")))
            .await;
        assert_eq!(error.fault, Fault::Invalid);
        bench.ok(ORDERS, set(&arn, "RedrivePolicy", None)).await;
        let shown = read_subscription(&bench, ORDERS, &arn).await;
        assert!(!shown.contains_key("RedrivePolicy"));
        for (name, value) in [("RawMessageDelivery", "yes"), ("Colour", "red")] {
            let error = bench.refused(ORDERS, set(&arn, name, Some(value))).await;
            assert_eq!(error.fault, Fault::Invalid);
        }
    });
}

#[test]
fn the_topics_account_may_end_a_foreign_subscription_but_not_change_it() {
    run(async {
        let bench = with_topic().await;
        let endpoint = queue_arn(BILLING, "inbox");
        let arn = bench.ok(BILLING, subscribe(&endpoint, Tags::new())).await;
        let raw = || set(&arn, "RawMessageDelivery", Some("true"));
        assert_eq!(bench.refused(ORDERS, raw()).await.fault, Fault::Denied);
        bench.ok(BILLING, raw()).await;
        let unsubscribe = || Unsubscribe { arn: arn.clone() };
        assert_eq!(
            bench.refused(SHOP, unsubscribe()).await.fault,
            Fault::Denied
        );
        bench.ok(ORDERS, unsubscribe()).await;
        bench.ok(BILLING, unsubscribe()).await;
        assert!(bench.ok(ORDERS, of_topic()).await.items.is_empty());
    });
}

#[test]
fn subscriptions_go_with_their_topic() {
    run(async {
        let bench = with_topic().await;
        let endpoint = queue_arn(BILLING, "inbox");
        let arn = bench.ok(BILLING, subscribe(&endpoint, Tags::new())).await;
        let gone = DeleteTopic {
            arn: topic_arn(ORDERS, "events"),
        };
        bench.ok(ORDERS, gone).await;
        let get = GetSubscriptionAttributes { arn };
        assert_eq!(bench.refused(BILLING, get).await.fault, Fault::Missing);
    });
}

#[test]
fn a_statement_for_a_role_of_the_account_lets_it_subscribe_and_a_denial_does_not() {
    run(async {
        let bench = with_topic().await;
        let caller = bench.role(SHOP, "caller").await.arn;
        let arn = topic_arn(ORDERS, "events");
        let allow = json!({
            "Effect": "Allow", "Principal": { "AWS": caller }, "Action": "SNS:Subscribe",
            "Resource": arn,
            "Condition": { "StringLike": { "sns:Endpoint": "arn:aws:sqs:*:inbox" } },
        });
        let deny = json!({
            "Effect": "Deny", "Principal": { "AWS": "*" }, "Action": "SNS:Subscribe",
            "Resource": arn,
            "Condition": { "StringNotEquals": { "sns:Protocol": "sqs" } },
        });
        let document = |statements: Value| SetTopicAttributes {
            arn: arn.clone(),
            name: "Policy".to_owned(),
            value: json!({ "Version": "2012-10-17", "Statement": statements }).to_string(),
        };
        let inbox = || subscribe(&queue_arn(SHOP, "inbox"), Tags::new());
        bench.ok(ORDERS, document(json!([allow, deny]))).await;
        bench.ok(SHOP, inbox()).await;
        let mut all = deny.clone();
        all["Condition"] = json!({ "StringEquals": { "sns:Protocol": "sqs" } });
        bench.ok(ORDERS, document(json!([allow, all]))).await;
        assert_eq!(bench.refused(SHOP, inbox()).await.fault, Fault::Denied);
    });
}
