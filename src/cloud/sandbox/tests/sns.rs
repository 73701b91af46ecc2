//! Topics.

use super::*;
use crate::cloud::sns::{
    Attributes, CreateTopic, DeleteTopic, GetTopicAttributes, ListTopicTags, SetTopicAttributes,
    TagTopic, UntagTopic,
};

pub(super) fn topic_arn(account: &str, name: &str) -> String {
    format!("arn:aws:sns:eu-west-1:{account}:{name}")
}

pub(super) fn create_topic(name: &str, attributes: Attributes) -> CreateTopic {
    CreateTopic {
        name: name.to_owned(),
        attributes,
        tags: Tags::new(),
    }
}

fn get(name: &str) -> GetTopicAttributes {
    GetTopicAttributes {
        arn: topic_arn(ORDERS, name),
    }
}

fn set(name: &str, value: &str) -> SetTopicAttributes {
    SetTopicAttributes {
        arn: topic_arn(ORDERS, "events"),
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

#[test]
fn a_bare_topic_reads_with_aws_s_defaults() {
    run(async {
        let bench = Bench::quick();
        let arn = bench.ok(ORDERS, create_topic("events", Tags::new())).await;
        assert_eq!(arn, topic_arn(ORDERS, "events"));
        let shown = bench.ok(ORDERS, get("events")).await;
        let names: Vec<&str> = shown.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "DisplayName",
                "EffectiveDeliveryPolicy",
                "Owner",
                "Policy",
                "SubscriptionsConfirmed",
                "SubscriptionsDeleted",
                "SubscriptionsPending",
                "TopicArn"
            ]
        );
        assert_eq!(shown["Owner"], ORDERS);
        let policy = read(&shown["Policy"]);
        assert_eq!(policy["Version"], "2008-10-17");
        assert_eq!(policy["Id"], "__default_policy_ID");
        let statement = &policy["Statement"][0];
        assert_eq!(statement["Sid"], "__default_statement_ID");
        assert_eq!(statement["Action"].as_array().map(Vec::len), Some(8));
        assert_eq!(
            statement["Condition"],
            json!({ "StringEquals": { "AWS:SourceOwner": ORDERS } })
        );
    });
}

#[test]
fn creating_again_is_fine_with_less_and_refused_with_anything_else() {
    run(async {
        let bench = Bench::quick();
        let with = |attributes: Attributes, its: Tags| CreateTopic {
            tags: its,
            ..create_topic("events", attributes)
        };
        let shown = tags([("DisplayName", "Events")]);
        let first = with(shown.clone(), tags([("a", "1"), ("b", "2")]));
        bench.ok(ORDERS, first).await;
        bench.ok(ORDERS, with(Tags::new(), Tags::new())).await;
        bench.ok(ORDERS, with(shown, tags([("a", "1")]))).await;
        let plain = tags([("FifoTopic", "false")]);
        bench.ok(ORDERS, with(plain, Tags::new())).await;
        for other in [
            tags([("DisplayName", "Others")]),
            tags([("SignatureVersion", "2")]),
        ] {
            assert_fault(
                &bench.refused(ORDERS, with(other, Tags::new())).await,
                Fault::Exists,
                "InvalidParameter",
                "Invalid parameter: Attributes Reason: Topic already exists with different \
                 attributes",
            );
        }
        for other in [tags([("a", "2")]), tags([("c", "3")])] {
            assert_fault(
                &bench.refused(ORDERS, with(Tags::new(), other)).await,
                Fault::Exists,
                "InvalidParameter",
                "Invalid parameter: Tags Reason: Topic already exists with different tags",
            );
        }
    });
}

#[test]
fn a_fifo_topic_s_name_and_attribute_go_together_and_stay() {
    run(async {
        let bench = Bench::quick();
        let fifo = tags([("FifoTopic", "true")]);
        for wrong in [
            create_topic("events.fifo", Tags::new()),
            create_topic("events", fifo.clone()),
            create_topic("no spaces", Tags::new()),
            create_topic("", Tags::new()),
        ] {
            let error = bench.refused(ORDERS, wrong).await;
            assert_eq!(error.message, "Invalid parameter: Topic Name");
        }
        bench.ok(ORDERS, create_topic("events.fifo", fifo)).await;
        let shown = bench.ok(ORDERS, get("events.fifo")).await;
        assert_eq!(shown["FifoTopic"], "true");
        assert_eq!(shown["ContentBasedDeduplication"], "false");
        bench.ok(ORDERS, create_topic("events", Tags::new())).await;
        let error = bench.refused(ORDERS, set("FifoTopic", "true")).await;
        assert_eq!(error.message, "Invalid parameter: AttributeName");
    });
}

#[test]
fn principals_come_back_in_another_order_and_statements_with_empty_ids() {
    run(async {
        let bench = Bench::quick();
        let a = bench.role(SHOP, "a").await.arn;
        let b = bench.role(SHOP, "b").await.arn;
        let arn = topic_arn(ORDERS, "events");
        let sent = policy(&json!({ "AWS": [a, b] }), "sns:Publish", &arn);
        let attributes = tags([("Policy", &sent)]);
        bench.ok(ORDERS, create_topic("events", attributes)).await;
        let shown = bench.ok(ORDERS, get("events")).await;
        let shown = read(&shown["Policy"]);
        assert_eq!(principal_of(&shown), &json!({ "AWS": [b, a] }));
        assert_eq!(shown["Statement"][0]["Sid"], "");
    });
}

#[test]
fn a_topic_policy_names_actions_of_topics_and_one_resource_the_topic() {
    run(async {
        let bench = Bench::quick();
        bench.ok(ORDERS, create_topic("events", Tags::new())).await;
        let arn = topic_arn(ORDERS, "events");
        let of = |action: &str, resource: &str| {
            set("Policy", &policy(&json!({ "AWS": SHOP }), action, resource))
        };
        bench.ok(ORDERS, of("SNS:Publish", &arn)).await;
        bench.ok(ORDERS, of("sns:Get*", &arn)).await;
        for action in ["sns:*", "sns:CreateTopic", "sqs:SendMessage", "*"] {
            let error = bench.refused(ORDERS, of(action, &arn)).await;
            assert_eq!(
                error.message,
                "Invalid parameter: Policy statement action out of service scope!"
            );
            assert_eq!(error.fault, Fault::Invalid);
        }
        let other = topic_arn(ORDERS, "other");
        for wrong in [of("sns:Publish", &other), set("Policy", "")] {
            let error = bench.refused(ORDERS, wrong).await;
            assert_eq!(error.message, "Invalid parameter: Policy Error: null");
        }
    });
}

#[test]
fn a_topic_policy_has_a_size_and_a_hundred_statements() {
    run(async {
        let bench = Bench::quick();
        bench.ok(ORDERS, create_topic("events", Tags::new())).await;
        let arn = topic_arn(ORDERS, "events");
        let of = |count: usize, padding: usize| {
            let statement = json!({
                "Effect": "Allow", "Principal": { "AWS": SHOP }, "Action": "sns:Publish",
                "Resource": arn,
                "Condition": { "StringEquals": { "aws:PrincipalTag/x": "y".repeat(padding) } },
            });
            let document = json!({ "Version": "2012-10-17", "Statement": vec![statement; count] });
            set("Policy", &document.to_string())
        };
        bench.ok(ORDERS, of(100, 1)).await;
        for wrong in [of(101, 1), of(100, 300)] {
            let error = bench.refused(ORDERS, wrong).await;
            assert_eq!(error.message, "Invalid parameter: Policy Error: null");
        }
    });
}

#[test]
fn attributes_are_set_one_at_a_time_and_some_cannot_be_unset() {
    run(async {
        let bench = Bench::quick();
        bench.ok(ORDERS, create_topic("events", Tags::new())).await;
        for (name, value) in [
            ("DisplayName", "Events"),
            ("SignatureVersion", "2"),
            ("TracingConfig", "Active"),
            ("KmsMasterKeyId", "alias/any"),
            ("SQSFailureFeedbackRoleArn", "arn:aws:iam::1:role/x"),
            ("SQSSuccessFeedbackSampleRate", "50"),
            ("DeliveryPolicy", r#"{"http":{}}"#),
        ] {
            bench.ok(ORDERS, set(name, value)).await;
            assert_eq!(bench.ok(ORDERS, get("events")).await[name], value);
        }
        bench.ok(ORDERS, set("KmsMasterKeyId", "")).await;
        bench.ok(ORDERS, set("DeliveryPolicy", "")).await;
        let shown = bench.ok(ORDERS, get("events")).await;
        assert!(!shown.contains_key("KmsMasterKeyId"));
        assert_eq!(
            shown["DeliveryPolicy"],
            r#"{"http":{"disableSubscriptionOverrides":false}}"#
        );
        for (name, value) in [
            ("SignatureVersion", "3"),
            ("TracingConfig", "On"),
            ("ContentBasedDeduplication", "true"),
            ("DeliveryPolicy", "["),
            ("Colour", "red"),
        ] {
            let error = bench.refused(ORDERS, set(name, value)).await;
            assert_eq!(error.fault, Fault::Invalid, "{name}");
        }
    });
}

#[test]
fn a_topic_that_archives_messages_is_not_deleted() {
    run(async {
        let bench = Bench::quick();
        let mut line = create_topic("line.fifo", Tags::new());
        line.attributes = [("FifoTopic", "true"), ("ArchivePolicy", ARCHIVED)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let arn = bench.ok(ORDERS, line).await;
        let delete = || DeleteTopic { arn: arn.clone() };
        let error = bench.refused(ORDERS, delete()).await;
        assert_eq!(error.code, "InvalidState");
        let ends = SetTopicAttributes {
            arn: arn.clone(),
            name: "ArchivePolicy".to_owned(),
            value: "{}".to_owned(),
        };
        bench.ok(ORDERS, ends).await;
        bench.ok(ORDERS, delete()).await;
        // Only FIFO topics archive.
        bench.ok(ORDERS, create_topic("events", Tags::new())).await;
        bench.refused(ORDERS, set("ArchivePolicy", ARCHIVED)).await;
    });
}

const ARCHIVED: &str = r#"{"MessageRetentionPeriod":"7"}"#;

#[test]
fn deleting_a_topic_that_is_not_there_comes_off() {
    run(async {
        let bench = Bench::quick();
        let delete = || DeleteTopic {
            arn: topic_arn(ORDERS, "events"),
        };
        bench.ok(ORDERS, delete()).await;
        bench.ok(ORDERS, create_topic("events", Tags::new())).await;
        bench.ok(ORDERS, delete()).await;
        let error = bench.refused(ORDERS, get("events")).await;
        assert_fault(&error, Fault::Missing, "NotFound", "Topic does not exist");
        // And made again at once, with other tags.
        let again = CreateTopic {
            tags: tags([("a", "1")]),
            ..create_topic("events", Tags::new())
        };
        bench.ok(ORDERS, again).await;
    });
}

#[test]
fn a_topic_is_read_in_its_region_and_by_its_account() {
    run(async {
        let bench = Bench::quick();
        bench.ok(ORDERS, create_topic("events", Tags::new())).await;
        let error = bench.refused(SHOP, get("events")).await;
        assert_eq!(error.fault, Fault::Denied);
        assert_eq!(error.code, "AuthorizationError");
        let elsewhere = GetTopicAttributes {
            arn: format!("arn:aws:sns:us-east-1:{ORDERS}:events"),
        };
        let error = bench.refused(ORDERS, elsewhere).await;
        assert_eq!(error.message, "Invalid parameter: TopicArn");
    });
}

#[test]
fn tags_of_a_topic_are_added_to_and_taken_from() {
    run(async {
        let bench = Bench::quick();
        bench.ok(ORDERS, create_topic("events", Tags::new())).await;
        let arn = || topic_arn(ORDERS, "events");
        let tag = TagTopic {
            arn: arn(),
            tags: tags([("a", "1"), ("b", "2")]),
        };
        bench.ok(ORDERS, tag).await;
        let untag = UntagTopic {
            arn: arn(),
            keys: vec!["a".to_owned()],
        };
        bench.ok(ORDERS, untag).await;
        let left = bench.ok(ORDERS, ListTopicTags { arn: arn() }).await;
        assert_eq!(left, tags([("b", "2")]));
        let nowhere = ListTopicTags {
            arn: topic_arn(ORDERS, "nowhere"),
        };
        let error = bench.refused(ORDERS, nowhere).await;
        assert_eq!(error.code, "ResourceNotFound");
        let many = TagTopic {
            arn: arn(),
            tags: (0..50)
                .map(|it| (format!("k{it}"), String::new()))
                .collect(),
        };
        assert_eq!(bench.refused(ORDERS, many).await.fault, Fault::Quota);
    });
}
