//! Queues.

use super::*;
use crate::cloud::sqs::{
    Attributes, CreateQueue, DeleteQueue, GetQueueAttributes, ListQueueTags, ListQueues,
    SetQueueAttributes, TagQueue, UntagQueue,
};

pub(super) fn create_queue(name: &str, attributes: Attributes) -> CreateQueue {
    CreateQueue {
        name: name.to_owned(),
        attributes,
        tags: Tags::new(),
    }
}

fn get(name: &str) -> GetQueueAttributes {
    GetQueueAttributes {
        name: name.to_owned(),
    }
}

fn set<const N: usize>(pairs: [(&str, &str); N]) -> SetQueueAttributes {
    SetQueueAttributes {
        name: "inbox".to_owned(),
        attributes: tags(pairs),
    }
}

async fn with_queue() -> Bench {
    let bench = Bench::quick();
    bench.ok(SHOP, create_queue("inbox", Tags::new())).await;
    bench
}

#[test]
fn a_bare_queue_reads_with_aws_s_defaults() {
    run(async {
        let bench = with_queue().await;
        let shown = bench.ok(SHOP, get("inbox")).await;
        for (name, value) in [
            ("DelaySeconds", "0"),
            ("MaximumMessageSize", "1048576"),
            ("MessageRetentionPeriod", "345600"),
            ("QueueArn", "arn:aws:sqs:eu-west-1:111111111111:inbox"),
            ("ReceiveMessageWaitTimeSeconds", "0"),
            ("SqsManagedSseEnabled", "true"),
            ("VisibilityTimeout", "30"),
        ] {
            assert_eq!(shown[name], value);
        }
        for name in ["Policy", "RedrivePolicy", "KmsMasterKeyId", "FifoQueue"] {
            assert!(!shown.contains_key(name), "{name}");
        }
    });
}

#[test]
fn creating_again_is_fine_while_what_is_sent_is_equal() {
    run(async {
        let bench = with_queue().await;
        bench.ok(SHOP, set([("DelaySeconds", "5")])).await;
        let again = |attributes: Attributes| create_queue("inbox", attributes);
        bench.ok(SHOP, again(Tags::new())).await;
        bench.ok(SHOP, again(tags([("DelaySeconds", "5")]))).await;
        bench
            .ok(SHOP, again(tags([("VisibilityTimeout", "30")])))
            .await;
        let other_tags = CreateQueue {
            tags: tags([("a", "1")]),
            ..again(Tags::new())
        };
        bench.ok(SHOP, other_tags).await;
        let error = bench
            .refused(SHOP, again(tags([("DelaySeconds", "0")])))
            .await;
        assert_fault(
            &error,
            Fault::Exists,
            "QueueAlreadyExists",
            "A queue already exists with the same name and a different value for attribute \
             DelaySeconds",
        );
    });
}

#[test]
fn a_deleted_queues_name_is_taken_for_sixty_seconds() {
    run(async {
        let bench = with_queue().await;
        let delete = || DeleteQueue {
            name: "inbox".to_owned(),
        };
        bench.ok(SHOP, delete()).await;
        assert_fault(
            &bench.refused(SHOP, delete()).await,
            Fault::Missing,
            "AWS.SimpleQueueService.NonExistentQueue",
            "The specified queue does not exist.",
        );
        let again = || create_queue("inbox", Tags::new());
        seconds_pass(50).await;
        let error = bench.refused(SHOP, again()).await;
        assert_eq!(error.fault, Fault::TooSoon);
        assert_eq!(error.code, "AWS.SimpleQueueService.QueueDeletedRecently");
        // Another account's queue of that name is another one.
        bench.ok(BILLING, again()).await;
        seconds_pass(10).await;
        bench.ok(SHOP, again()).await;
    });
}

#[test]
fn an_empty_policy_removes_it_and_an_unknown_attribute_is_refused() {
    run(async {
        let bench = with_queue().await;
        let document = policy(&json!("*"), "sqs:SendMessage", "*");
        bench.ok(SHOP, set([("Policy", &document)])).await;
        // As sent: the list of one stays, and so does the bare star.
        assert_eq!(bench.ok(SHOP, get("inbox")).await["Policy"], document);
        bench.ok(SHOP, set([("Policy", "")])).await;
        assert!(!bench.ok(SHOP, get("inbox")).await.contains_key("Policy"));
        let error = bench.refused(SHOP, set([("FifoQueue", "false")])).await;
        assert_eq!(error.fault, Fault::Invalid);
        let standard = create_queue("other", tags([("FifoQueue", "false")]));
        assert_fault(
            &bench.refused(SHOP, standard).await,
            Fault::Invalid,
            "InvalidAttributeName",
            "Unknown Attribute FifoQueue.",
        );
    });
}

#[test]
fn whatever_is_wrong_with_a_policy_the_answer_is_the_same() {
    run(async {
        let bench = with_queue().await;
        let statement = json!({
            "Effect": "Allow", "Principal": { "AWS": SHOP }, "Action": "sqs:SendMessage",
            "Resource": "*",
        });
        let of = |statements: Vec<Value>| {
            json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
        };
        let change = |field: &str, value: Value| {
            let mut changed = statement.clone();
            changed[field] = value;
            of(vec![changed])
        };
        let actions: Vec<String> = [
            "Send", "Receive", "Delete", "Purge", "Get", "Set", "List", "Tag",
        ]
        .map(|it| format!("sqs:{it}*"))
        .to_vec();
        let principals: Vec<String> = (0..51).map(|it| format!("9999999990{it:02}")).collect();
        bench
            .ok(SHOP, set([("Policy", &of(vec![statement.clone(); 20]))]))
            .await;
        bench
            .ok(
                SHOP,
                set([("Policy", &change("Action", json!(actions[..7])))]),
            )
            .await;
        bench
            .ok(
                SHOP,
                set([(
                    "Policy",
                    &change("Principal", json!({ "AWS": principals[..50] })),
                )]),
            )
            .await;
        for wrong in [
            "{".to_owned(),
            of(vec![statement.clone(); 21]),
            change("Action", json!(actions)),
            change("Action", json!("sns:Publish")),
            change("Principal", json!({ "AWS": principals })),
            change("Sid", json!("x".repeat(8192))),
            change(
                "Condition",
                json!({ "StringEquals": (0..11).map(|it| (format!("aws:k{it}"), json!("v"))).collect::<serde_json::Map<_, _>>() }),
            ),
        ] {
            assert_fault(
                &bench.refused(SHOP, set([("Policy", &wrong)])).await,
                Fault::Unsettled,
                "InvalidAttributeValue",
                "Invalid value for the parameter Policy.",
            );
        }
    });
}

#[test]
fn one_kind_of_encryption_ends_the_other_and_taking_the_key_away_brings_nothing_back() {
    run(async {
        let bench = with_queue().await;
        bench.ok(SHOP, set([("KmsMasterKeyId", "alias/any")])).await;
        let shown = bench.ok(SHOP, get("inbox")).await;
        assert_eq!(shown["SqsManagedSseEnabled"], "false");
        assert_eq!(shown["KmsDataKeyReusePeriodSeconds"], "300");
        bench.ok(SHOP, set([("KmsMasterKeyId", "")])).await;
        let shown = bench.ok(SHOP, get("inbox")).await;
        assert!(!shown.contains_key("KmsMasterKeyId"));
        assert_eq!(shown["SqsManagedSseEnabled"], "false");
        bench
            .ok(SHOP, set([("SqsManagedSseEnabled", "true")]))
            .await;
        let both = set([("KmsMasterKeyId", "k"), ("SqsManagedSseEnabled", "true")]);
        let error = bench.refused(SHOP, both).await;
        assert_eq!(error.code, "InvalidAttributeName");
        assert!(
            error
                .message
                .starts_with("You can use one type of server-side encryption")
        );
    });
}

#[test]
fn a_dead_letter_queue_must_be_there_and_of_the_same_type() {
    run(async {
        let bench = with_queue().await;
        let redrive = |name: &str, count: Value| {
            json!({
                "deadLetterTargetArn": format!("arn:aws:sqs:eu-west-1:{SHOP}:{name}"),
                "maxReceiveCount": count,
            })
            .to_string()
        };
        let error = bench
            .refused(SHOP, set([("RedrivePolicy", &redrive("dead", json!(3)))]))
            .await;
        assert!(
            error
                .message
                .ends_with("Reason: Dead letter target does not exist.")
        );
        bench.ok(SHOP, create_queue("dead", Tags::new())).await;
        bench
            .ok(
                SHOP,
                create_queue("dead.fifo", tags([("FifoQueue", "true")])),
            )
            .await;
        for count in [json!(3), json!("3")] {
            let call = set([("RedrivePolicy", &redrive("dead", count))]);
            bench.ok(SHOP, call).await;
        }
        for wrong in [
            redrive("dead.fifo", json!(3)),
            redrive("dead", json!(0)),
            redrive("dead", json!(1001)),
            "{}".to_owned(),
            "dead".to_owned(),
        ] {
            let error = bench.refused(SHOP, set([("RedrivePolicy", &wrong)])).await;
            assert_eq!(error.code, "InvalidParameterValue", "{wrong}");
        }
        bench.ok(SHOP, set([("RedrivePolicy", "")])).await;
        assert!(
            !bench
                .ok(SHOP, get("inbox"))
                .await
                .contains_key("RedrivePolicy")
        );
        for (value, good) in [
            (r#"{"redrivePermission":"allowAll"}"#, true),
            (r#"{"redrivePermission":"byQueue"}"#, false),
            (
                r#"{"redrivePermission":"byQueue","sourceQueueArns":["a"]}"#,
                true,
            ),
            (r#"{"redrivePermission":"nobody"}"#, false),
        ] {
            let answer = bench.call(SHOP, set([("RedriveAllowPolicy", value)])).await;
            assert_eq!(answer.is_ok(), good, "{value}");
        }
    });
}

#[test]
fn a_fifo_queue_is_one_by_name_and_attribute_and_stays_one() {
    run(async {
        let bench = Bench::quick();
        for wrong in [
            create_queue("inbox.fifo", Tags::new()),
            create_queue("inbox", tags([("FifoQueue", "true")])),
            create_queue(&"x".repeat(81), Tags::new()),
        ] {
            let error = bench.refused(SHOP, wrong).await;
            assert_eq!(error.code, "InvalidParameterValue");
        }
        let fifo = create_queue("inbox.fifo", tags([("FifoQueue", "true")]));
        bench.ok(SHOP, fifo).await;
        let shown = bench.ok(SHOP, get("inbox.fifo")).await;
        assert_eq!(shown["FifoQueue"], "true");
        assert_eq!(shown["ContentBasedDeduplication"], "false");
        assert_eq!(shown["DeduplicationScope"], "queue");
        assert_eq!(shown["FifoThroughputLimit"], "perQueue");
        let set_fifo = |pairs: Attributes| SetQueueAttributes {
            name: "inbox.fifo".to_owned(),
            attributes: pairs,
        };
        let fast = tags([("FifoThroughputLimit", "perMessageGroupId")]);
        assert_eq!(
            bench.refused(SHOP, set_fifo(fast.clone())).await.fault,
            Fault::Invalid
        );
        let mut whole = fast;
        whole.insert("DeduplicationScope".to_owned(), "messageGroup".to_owned());
        bench.ok(SHOP, set_fifo(whole)).await;
    });
}

#[test]
fn attributes_have_ranges() {
    run(async {
        let bench = with_queue().await;
        for (name, low, high) in [
            ("DelaySeconds", 0, 900),
            ("MaximumMessageSize", 1024, 1_048_576),
            ("MessageRetentionPeriod", 60, 1_209_600),
            ("ReceiveMessageWaitTimeSeconds", 0, 20),
            ("VisibilityTimeout", 0, 43_200),
            ("KmsDataKeyReusePeriodSeconds", 60, 86_400),
        ] {
            for (value, good) in [
                (low - 1, false),
                (low, true),
                (high, true),
                (high + 1, false),
            ] {
                let value = i64::from(value).to_string();
                let answer = bench.call(SHOP, set([(name, &value)])).await;
                assert_eq!(answer.is_ok(), good, "{name} {value}");
            }
        }
    });
}

#[test]
fn queues_are_listed_by_prefix_and_tagged() {
    run(async {
        let bench = with_queue().await;
        bench.ok(SHOP, create_queue("other", Tags::new())).await;
        let list = |prefix: &str| ListQueues {
            prefix: prefix.to_owned(),
            token: None,
        };
        assert_eq!(bench.ok(SHOP, list("in")).await.items, ["inbox"]);
        assert_eq!(bench.ok(SHOP, list("")).await.items.len(), 2);
        let name = || "inbox".to_owned();
        let tag = TagQueue {
            name: name(),
            tags: tags([("a", "1"), ("b", "2")]),
        };
        bench.ok(SHOP, tag).await;
        let untag = UntagQueue {
            name: name(),
            keys: vec!["a".to_owned()],
        };
        bench.ok(SHOP, untag).await;
        let left = bench.ok(SHOP, ListQueueTags { name: name() }).await;
        assert_eq!(left, tags([("b", "2")]));
    });
}
