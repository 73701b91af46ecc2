//! Queues.

use provision::cloud::Fault;
use provision::cloud::iam::DeleteRole;
use provision::cloud::sqs::{
    Attributes, CreateQueue, DeleteQueue, GetQueueAttributes, ListQueueTags, ListQueues,
    SetQueueAttributes, TagQueue, UntagQueue,
};
use provision::model::{Arn, Place};
use provision::policy::Document;
use serde_json::json;

use crate::iam::{role, trust_of};
use crate::{World, json, map};

crate::scenarios! {
    a_bare_queue_has_its_defaults,
    a_fifo_queue_has_its_own_defaults,
    a_queue_reads_back_as_it_was_made,
    making_a_queue_again_comes_off_with_a_part_of_what_it_has,
    attributes_change_all_at_once,
    a_standard_queue_knows_no_fifo_attribute,
    encryption_by_key_turns_the_other_off_and_does_not_bring_it_back,
    a_deleted_queues_name_stays_taken_for_a_while,
    a_queue_policy_cannot_name_a_role_that_is_not_there,
    a_deleted_principal_shows_its_id_in_the_queue_policy,
    an_empty_policy_removes_it,
    a_dead_letter_queue_must_be_there,
    a_queue_policy_has_its_limits,
    a_queue_that_is_not_there_is_missing,
    queue_tags_are_added_replaced_and_removed,
    queues_are_listed_by_the_beginning_of_their_names,
}

fn arn(at: &Place, name: &str) -> String {
    Arn::regional(at, "sqs", name).to_string()
}

fn queue(name: &str, attributes: Attributes) -> CreateQueue {
    CreateQueue {
        name: name.to_owned(),
        attributes,
        tags: map([]),
    }
}

async fn attributes(w: &World<'_>, at: &Place, name: &str) -> Attributes {
    let name = name.to_owned();
    w.ok(at, GetQueueAttributes { name }).await
}

fn setting(name: &str, attributes: Attributes) -> SetQueueAttributes {
    SetQueueAttributes {
        name: name.to_owned(),
        attributes,
    }
}

/// A queue policy of one statement.
fn letting(queue: &str, principal: &serde_json::Value) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "one",
            "Effect": "Allow",
            "Principal": principal,
            "Action": "sqs:SendMessage",
            "Resource": queue,
        }],
    })
    .to_string()
}

fn assert_holds(found: &Attributes, expected: &Attributes) {
    for (name, value) in expected {
        assert_eq!(found.get(name), Some(value), "{name}");
    }
}

async fn a_bare_queue_has_its_defaults(w: &World<'_>) {
    w.ok(&w.a, queue("bare", map([]))).await;
    let found = attributes(w, &w.a, "bare").await;
    assert_holds(
        &found,
        &map([
            ("QueueArn", &arn(&w.a, "bare")),
            ("DelaySeconds", "0"),
            ("MaximumMessageSize", "1048576"),
            ("MessageRetentionPeriod", "345600"),
            ("ReceiveMessageWaitTimeSeconds", "0"),
            ("VisibilityTimeout", "30"),
            ("SqsManagedSseEnabled", "true"),
        ]),
    );
    for absent in [
        "Policy",
        "RedrivePolicy",
        "RedriveAllowPolicy",
        "KmsMasterKeyId",
        "KmsDataKeyReusePeriodSeconds",
        "FifoQueue",
        "ContentBasedDeduplication",
    ] {
        assert_eq!(found.get(absent), None, "{absent}");
    }
}

async fn a_fifo_queue_has_its_own_defaults(w: &World<'_>) {
    let fifo = map([("FifoQueue", "true")]);
    w.ok(&w.a, queue("ordered.fifo", fifo.clone())).await;
    assert_holds(
        &attributes(w, &w.a, "ordered.fifo").await,
        &map([
            ("FifoQueue", "true"),
            ("ContentBasedDeduplication", "false"),
            ("DeduplicationScope", "queue"),
            ("FifoThroughputLimit", "perQueue"),
        ]),
    );
    w.refused(&w.a, Fault::Invalid, queue("ordered", fifo))
        .await;
    w.refused(&w.a, Fault::Invalid, queue("plain.fifo", map([])))
        .await;
}

async fn a_queue_reads_back_as_it_was_made(w: &World<'_>) {
    w.ok(&w.a, queue("dead", map([]))).await;
    let redrive = format!(
        r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":5}}"#,
        arn(&w.a, "dead")
    );
    let allow = format!(
        r#"{{"redrivePermission":"byQueue","sourceQueueArns":["{}"]}}"#,
        arn(&w.a, "source")
    );
    let policy = letting(
        &arn(&w.a, "whole"),
        &json!({ "Service": "sns.amazonaws.com" }),
    );
    let plain = map([
        ("DelaySeconds", "5"),
        ("MaximumMessageSize", "2048"),
        ("MessageRetentionPeriod", "3600"),
        ("ReceiveMessageWaitTimeSeconds", "10"),
        ("VisibilityTimeout", "60"),
        ("SqsManagedSseEnabled", "false"),
    ]);
    let mut sent = plain.clone();
    sent.extend(map([
        ("RedrivePolicy", &redrive),
        ("RedriveAllowPolicy", &allow),
        ("Policy", &policy),
    ]));
    let made = CreateQueue {
        tags: map([("team", "shop")]),
        ..queue("whole", sent)
    };
    w.ok(&w.a, made).await;
    let found = attributes(w, &w.a, "whole").await;
    assert_holds(&found, &plain);
    assert_eq!(json(&found["RedriveAllowPolicy"]), json(&allow));
    let read = json(&found["RedrivePolicy"]);
    assert_eq!(read["deadLetterTargetArn"], arn(&w.a, "dead"));
    // Written as a number, it may come back as a text.
    assert_eq!(read["maxReceiveCount"].to_string().trim_matches('"'), "5");
    assert_eq!(Document::parse(&found["Policy"]), Document::parse(&policy));
    let name = "whole".to_owned();
    let tags = w.ok(&w.a, ListQueueTags { name }).await;
    assert_eq!(tags, map([("team", "shop")]));
}

async fn making_a_queue_again_comes_off_with_a_part_of_what_it_has(w: &World<'_>) {
    let first = map([("DelaySeconds", "5"), ("VisibilityTimeout", "60")]);
    w.ok(&w.a, queue("again", first.clone())).await;
    for same in [first, map([]), map([("DelaySeconds", "5")])] {
        w.ok(&w.a, queue("again", same)).await;
    }
    // A default that was never sent counts as well.
    w.ok(
        &w.a,
        queue("again", map([("MessageRetentionPeriod", "345600")])),
    )
    .await;
    let other = map([("DelaySeconds", "6")]);
    w.refused(&w.a, Fault::Exists, queue("again", other)).await;
    // What counts is what the queue has now, and tags do not.
    w.ok(&w.a, setting("again", map([("DelaySeconds", "7")])))
        .await;
    let now = CreateQueue {
        tags: map([("new", "tag")]),
        ..queue("again", map([("DelaySeconds", "7")]))
    };
    w.ok(&w.a, now).await;
    let found = attributes(w, &w.a, "again").await;
    assert_eq!(found["DelaySeconds"], "7");
    assert_eq!(found["VisibilityTimeout"], "60");
}

async fn attributes_change_all_at_once(w: &World<'_>) {
    w.ok(&w.a, queue("changing", map([]))).await;
    let changed = map([
        ("DelaySeconds", "5"),
        ("MessageRetentionPeriod", "3600"),
        ("VisibilityTimeout", "60"),
    ]);
    w.ok(&w.a, setting("changing", changed.clone())).await;
    let found = attributes(w, &w.a, "changing").await;
    assert_holds(&found, &changed);
    assert_eq!(found["MaximumMessageSize"], "1048576");
    let wrong = setting("changing", map([("DelaySeconds", "901")]));
    w.refused(&w.a, Fault::Invalid, wrong).await;
    let wrong = setting("changing", map([("NoSuchAttribute", "1")]));
    w.refused(&w.a, Fault::Invalid, wrong).await;
}

async fn a_standard_queue_knows_no_fifo_attribute(w: &World<'_>) {
    let fifo = map([("FifoQueue", "false")]);
    w.refused(&w.a, Fault::Invalid, queue("plain", fifo.clone()))
        .await;
    w.ok(&w.a, queue("plain", map([]))).await;
    w.refused(&w.a, Fault::Invalid, setting("plain", fifo))
        .await;
}

async fn encryption_by_key_turns_the_other_off_and_does_not_bring_it_back(w: &World<'_>) {
    w.ok(&w.a, queue("sealed", map([]))).await;
    let by_key = map([("KmsMasterKeyId", "alias/aws/sqs")]);
    w.ok(&w.a, setting("sealed", by_key)).await;
    assert_holds(
        &attributes(w, &w.a, "sealed").await,
        &map([
            ("KmsMasterKeyId", "alias/aws/sqs"),
            ("KmsDataKeyReusePeriodSeconds", "300"),
            ("SqsManagedSseEnabled", "false"),
        ]),
    );
    w.ok(&w.a, setting("sealed", map([("KmsMasterKeyId", "")])))
        .await;
    let found = attributes(w, &w.a, "sealed").await;
    assert_eq!(found.get("KmsMasterKeyId"), None);
    assert_eq!(found["SqsManagedSseEnabled"], "false");
    let on = map([("SqsManagedSseEnabled", "true")]);
    w.ok(&w.a, setting("sealed", on.clone())).await;
    assert_holds(&attributes(w, &w.a, "sealed").await, &on);
    let both = map([
        ("KmsMasterKeyId", "alias/aws/sqs"),
        ("SqsManagedSseEnabled", "true"),
    ]);
    w.refused(&w.a, Fault::Invalid, setting("sealed", both))
        .await;
}

async fn a_deleted_queues_name_stays_taken_for_a_while(w: &World<'_>) {
    w.ok(&w.a, queue("brief", map([]))).await;
    let name = "brief".to_owned();
    w.ok(&w.a, DeleteQueue { name }).await;
    w.refused(&w.a, Fault::TooSoon, queue("brief", map([])))
        .await;
    tokio::time::sleep(w.cooldown).await;
    w.ok(&w.a, queue("brief", map([]))).await;
}

async fn a_queue_policy_cannot_name_a_role_that_is_not_there(w: &World<'_>) {
    let sender = Arn::role(&w.b, "/", "sender");
    let policy = |name: &str| {
        let policy = letting(&arn(&w.a, name), &json!({ "AWS": sender.as_str() }));
        map([("Policy", policy.as_str())])
    };
    w.refused(&w.a, Fault::Unsettled, queue("early", policy("early")))
        .await;
    let name = "early".to_owned();
    w.refused(&w.a, Fault::Missing, GetQueueAttributes { name })
        .await;
    w.ok(&w.a, queue("later", map([]))).await;
    w.refused(&w.a, Fault::Unsettled, setting("later", policy("later")))
        .await;
    let service = trust_of(&json!({ "Service": "lambda.amazonaws.com" }));
    w.ok(&w.b, role("sender", service)).await;
    w.settle().await;
    w.ok(&w.a, setting("later", policy("later"))).await;
    w.ok(&w.a, queue("early", policy("early"))).await;
}

async fn a_deleted_principal_shows_its_id_in_the_queue_policy(w: &World<'_>) {
    let service = trust_of(&json!({ "Service": "lambda.amazonaws.com" }));
    let sender = w.ok(&w.b, role("sender", service)).await;
    w.settle().await;
    let policy = letting(&arn(&w.a, "haunted"), &json!({ "AWS": sender.arn }));
    w.ok(&w.a, queue("haunted", map([("Policy", &policy)])))
        .await;
    let name = "sender".to_owned();
    w.ok(&w.b, DeleteRole { name }).await;
    let found = attributes(w, &w.a, "haunted").await;
    let document = Document::parse(&found["Policy"]).expect("a policy");
    let principal = document.statements[0].principal.clone();
    assert_eq!(
        principal.expect("a principal").aws_values(),
        [sender.id.as_str()]
    );
}

async fn an_empty_policy_removes_it(w: &World<'_>) {
    let policy = letting(
        &arn(&w.a, "closed"),
        &json!({ "Service": "sns.amazonaws.com" }),
    );
    w.ok(&w.a, queue("closed", map([("Policy", &policy)])))
        .await;
    w.ok(&w.a, setting("closed", map([("Policy", "")]))).await;
    assert_eq!(attributes(w, &w.a, "closed").await.get("Policy"), None);
}

async fn a_dead_letter_queue_must_be_there(w: &World<'_>) {
    let redrive = format!(
        r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":5}}"#,
        arn(&w.a, "dead")
    );
    let with = map([("RedrivePolicy", redrive.as_str())]);
    // It may only be too new to be found.
    w.refused(&w.a, Fault::Missing, queue("source", with.clone()))
        .await;
    w.ok(&w.a, queue("dead", map([]))).await;
    w.ok(&w.a, queue("source", with)).await;
    // Empty takes it away.
    w.ok(&w.a, setting("source", map([("RedrivePolicy", "")])))
        .await;
    let found = attributes(w, &w.a, "source").await;
    assert_eq!(found.get("RedrivePolicy"), None);
}

async fn a_queue_policy_has_its_limits(w: &World<'_>) {
    w.ok(&w.a, queue("limits", map([]))).await;
    let with = |count: usize| {
        let statements: Vec<_> = (0..count)
            .map(|number| {
                json!({
                    "Sid": format!("s{number}"),
                    "Effect": "Allow",
                    "Principal": { "Service": "sns.amazonaws.com" },
                    "Action": "sqs:SendMessage",
                    "Resource": arn(&w.a, "limits"),
                })
            })
            .collect();
        let policy = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
        setting("limits", map([("Policy", policy.as_str())]))
    };
    w.ok(&w.a, with(20)).await;
    let refusal = w.send(&w.a, with(21)).await;
    // SQS says the same of every policy it does not take.
    assert!(refusal.is_err_and(|it| it.message.contains("parameter Policy")));
}

async fn a_queue_that_is_not_there_is_missing(w: &World<'_>) {
    let name = || "absent".to_owned();
    w.refused(&w.a, Fault::Missing, GetQueueAttributes { name: name() })
        .await;
    let set = setting("absent", map([("DelaySeconds", "1")]));
    w.refused(&w.a, Fault::Missing, set).await;
    w.refused(&w.a, Fault::Missing, DeleteQueue { name: name() })
        .await;
    w.refused(&w.a, Fault::Missing, ListQueueTags { name: name() })
        .await;
    // The same name in another account is another queue.
    w.ok(&w.b, queue("absent", map([]))).await;
    w.refused(&w.a, Fault::Missing, GetQueueAttributes { name: name() })
        .await;
}

async fn queue_tags_are_added_replaced_and_removed(w: &World<'_>) {
    let made = CreateQueue {
        tags: map([("kept", "1"), ("changed", "1"), ("gone", "1")]),
        ..queue("tagged", map([]))
    };
    w.ok(&w.a, made).await;
    let tag = TagQueue {
        name: "tagged".to_owned(),
        tags: map([("changed", "2"), ("new", "")]),
    };
    w.ok(&w.a, tag).await;
    let untag = UntagQueue {
        name: "tagged".to_owned(),
        keys: vec!["gone".to_owned(), "never".to_owned()],
    };
    w.ok(&w.a, untag).await;
    let name = "tagged".to_owned();
    assert_eq!(
        w.ok(&w.a, ListQueueTags { name }).await,
        map([("kept", "1"), ("changed", "2"), ("new", "")])
    );
}

async fn queues_are_listed_by_the_beginning_of_their_names(w: &World<'_>) {
    for name in ["shop-a", "shop-b", "other"] {
        w.ok(&w.a, queue(name, map([]))).await;
    }
    let list = async |prefix: &str| {
        let mut names = w
            .all(&w.a, |token| ListQueues {
                prefix: prefix.to_owned(),
                token,
            })
            .await;
        names.sort();
        names
    };
    assert_eq!(list("shop-").await, ["shop-a", "shop-b"]);
    assert_eq!(list("").await, ["other", "shop-a", "shop-b"]);
    assert!(list("none").await.is_empty());
}
