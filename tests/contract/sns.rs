//! Topics and subscriptions.

use provision::cloud::sns::{
    Attributes, CreateTopic, DeleteTopic, GetSubscriptionAttributes, GetTopicAttributes,
    ListSubscriptions, ListSubscriptionsByTopic, ListTopicTags, SetSubscriptionAttributes,
    SetTopicAttributes, Subscribe, SubscriptionListing, TagTopic, Unsubscribe, UntagTopic,
};
use provision::cloud::{Fault, iam, sqs};
use provision::model::{Arn, Place};
use provision::policy::Document;
use serde_json::json;

use crate::iam::{role, trust_of};
use crate::{World, json, map};

crate::scenarios! {
    a_bare_topic_has_its_defaults,
    a_fifo_topic_has_its_own_defaults,
    a_topic_reads_back_as_it_was_made,
    making_a_topic_again_comes_off_with_a_part_of_what_it_has,
    a_fifo_topic_is_named_so,
    attributes_change_one_at_a_time,
    a_topic_policy_cannot_name_a_role_that_is_not_there,
    a_deleted_principal_shows_its_id_in_the_topic_policy,
    a_wrong_topic_policy_is_refused,
    deleting_a_topic_twice_is_no_error,
    a_topic_that_is_not_there_is_missing,
    topic_tags_are_added_replaced_and_removed,
    a_subscription_reads_back_as_it_was_made,
    subscribing_again_comes_off_with_a_part_of_what_it_has,
    a_queue_that_is_not_there_can_be_subscribed,
    a_subscription_by_the_queues_account_is_confirmed_and_its_own,
    a_subscription_by_the_topics_account_stays_pending,
    subscription_attributes_are_set_and_removed,
    unsubscribing_twice_is_no_error,
    subscriptions_come_a_hundred_a_page,
}

fn arn(at: &Place, name: &str) -> String {
    Arn::regional(at, "sns", name).to_string()
}

fn queue_arn(at: &Place, name: &str) -> String {
    Arn::regional(at, "sqs", name).to_string()
}

fn topic(name: &str) -> CreateTopic {
    CreateTopic {
        name: name.to_owned(),
        attributes: map([]),
        tags: map([]),
    }
}

fn queue(name: &str) -> sqs::CreateQueue {
    sqs::CreateQueue {
        name: name.to_owned(),
        attributes: map([]),
        tags: map([]),
    }
}

/// A topic policy of one statement.
fn letting(topic: &str, principal: &serde_json::Value, action: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "one",
            "Effect": "Allow",
            "Principal": principal,
            "Action": action,
            "Resource": topic,
        }],
    })
    .to_string()
}

async fn attributes(w: &World<'_>, at: &Place, arn: &str) -> Attributes {
    let arn = arn.to_owned();
    w.ok(at, GetTopicAttributes { arn }).await
}

async fn set(w: &World<'_>, at: &Place, arn: &str, name: &str, value: &str) {
    w.ok(at, setting(arn, name, value)).await;
}

fn setting(arn: &str, name: &str, value: &str) -> SetTopicAttributes {
    SetTopicAttributes {
        arn: arn.to_owned(),
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

fn subscribe(topic: &str, queue: &str) -> Subscribe {
    Subscribe {
        topic: topic.to_owned(),
        protocol: "sqs".to_owned(),
        endpoint: queue.to_owned(),
        attributes: map([]),
    }
}

async fn by_topic(w: &World<'_>, at: &Place, topic: &str) -> Vec<SubscriptionListing> {
    w.all(at, |token| ListSubscriptionsByTopic {
        topic: topic.to_owned(),
        token,
    })
    .await
}

async fn subscription(w: &World<'_>, at: &Place, arn: &str) -> Attributes {
    let arn = arn.to_owned();
    w.ok(at, GetSubscriptionAttributes { arn }).await
}

async fn a_bare_topic_has_its_defaults(w: &World<'_>) {
    let made = w.ok(&w.a, topic("bare")).await;
    assert_eq!(made, arn(&w.a, "bare"));
    let found = attributes(w, &w.a, &made).await;
    assert_eq!(found["TopicArn"], made);
    assert_eq!(found["Owner"], w.a.id.as_str());
    assert_eq!(found["DisplayName"], "");
    assert!(found.contains_key("EffectiveDeliveryPolicy"));
    for absent in [
        "DeliveryPolicy",
        "KmsMasterKeyId",
        "SignatureVersion",
        "TracingConfig",
        "FifoTopic",
        "ContentBasedDeduplication",
        "FifoThroughputScope",
        "MaximumMessageSize",
    ] {
        assert_eq!(found.get(absent), None, "{absent}");
    }
    let policy = json(&found["Policy"]);
    assert_eq!(policy["Version"], "2008-10-17");
    assert_eq!(policy["Id"], "__default_policy_ID");
    let statement = &policy["Statement"][0];
    assert_eq!(statement["Sid"], "__default_statement_ID");
    assert_eq!(statement["Principal"], json!({ "AWS": "*" }));
    assert_eq!(statement["Resource"], made.as_str());
    assert_eq!(
        statement["Condition"],
        json!({ "StringEquals": { "AWS:SourceOwner": w.a.id.as_str() } })
    );
    let mut actions: Vec<&str> = statement["Action"]
        .as_array()
        .expect("actions")
        .iter()
        .filter_map(serde_json::Value::as_str)
        .collect();
    actions.sort_unstable();
    assert_eq!(
        actions,
        [
            "SNS:AddPermission",
            "SNS:DeleteTopic",
            "SNS:GetTopicAttributes",
            "SNS:ListSubscriptionsByTopic",
            "SNS:Publish",
            "SNS:RemovePermission",
            "SNS:SetTopicAttributes",
            "SNS:Subscribe",
        ]
    );
}

async fn a_fifo_topic_has_its_own_defaults(w: &World<'_>) {
    let made = w
        .ok(
            &w.a,
            CreateTopic {
                attributes: map([("FifoTopic", "true")]),
                ..topic("ordered.fifo")
            },
        )
        .await;
    let found = attributes(w, &w.a, &made).await;
    assert_eq!(found["FifoTopic"], "true");
    assert_eq!(found["ContentBasedDeduplication"], "false");
}

async fn a_topic_reads_back_as_it_was_made(w: &World<'_>) {
    let caller = w
        .ok(
            &w.b,
            role(
                "caller",
                trust_of(&json!({ "Service": "lambda.amazonaws.com" })),
            ),
        )
        .await;
    w.settle().await;
    let policy = letting(
        &arn(&w.a, "whole"),
        &json!({ "AWS": caller.arn }),
        "sns:Publish",
    );
    let made = w
        .ok(
            &w.a,
            CreateTopic {
                name: "whole".to_owned(),
                attributes: map([
                    ("DisplayName", "Orders"),
                    ("KmsMasterKeyId", "alias/aws/sns"),
                    ("SignatureVersion", "2"),
                    ("TracingConfig", "Active"),
                    ("Policy", &policy),
                ]),
                tags: map([("team", "shop")]),
            },
        )
        .await;
    let found = attributes(w, &w.a, &made).await;
    assert_eq!(found["DisplayName"], "Orders");
    assert_eq!(found["KmsMasterKeyId"], "alias/aws/sns");
    assert_eq!(found["SignatureVersion"], "2");
    assert_eq!(found["TracingConfig"], "Active");
    assert_eq!(Document::parse(&found["Policy"]), Document::parse(&policy));
    let tags = w.ok(&w.a, ListTopicTags { arn: made }).await;
    assert_eq!(tags, map([("team", "shop")]));
}

async fn making_a_topic_again_comes_off_with_a_part_of_what_it_has(w: &World<'_>) {
    let with = |attributes, tags| CreateTopic {
        name: "again".to_owned(),
        attributes,
        tags,
    };
    let first = with(
        map([("DisplayName", "Value1"), ("SignatureVersion", "2")]),
        map([("stack", "shop"), ("team", "a")]),
    );
    let made = w.ok(&w.a, first.clone()).await;
    for same in [
        topic("again"),
        first,
        with(map([("DisplayName", "Value1")]), map([("team", "a")])),
        with(map([("FifoTopic", "false")]), map([])),
    ] {
        assert_eq!(w.ok(&w.a, same).await, made);
    }
    for other in [
        with(map([("DisplayName", "Value2")]), map([])),
        with(map([("TracingConfig", "Active")]), map([])),
        with(map([]), map([("team", "b")])),
        with(map([]), map([("new", "tag")])),
    ] {
        w.refused(&w.a, Fault::Exists, other).await;
    }
    let found = attributes(w, &w.a, &made).await;
    assert_eq!(found["DisplayName"], "Value1");
    assert_eq!(found.get("TracingConfig"), None);
    let tags = w.ok(&w.a, ListTopicTags { arn: made }).await;
    assert_eq!(tags, map([("stack", "shop"), ("team", "a")]));
}

async fn a_fifo_topic_is_named_so(w: &World<'_>) {
    let fifo = |name: &str| CreateTopic {
        attributes: map([("FifoTopic", "true")]),
        ..topic(name)
    };
    w.refused(&w.a, Fault::Invalid, fifo("ordered")).await;
    w.refused(&w.a, Fault::Invalid, topic("ordered.fifo")).await;
    let made = w.ok(&w.a, topic("ordered")).await;
    let set = setting(&made, "FifoTopic", "true");
    w.refused(&w.a, Fault::Invalid, set).await;
}

async fn attributes_change_one_at_a_time(w: &World<'_>) {
    let made = w.ok(&w.a, topic("changing")).await;
    set(w, &w.a, &made, "DisplayName", "Orders").await;
    set(w, &w.a, &made, "KmsMasterKeyId", "alias/aws/sns").await;
    let delivery = r#"{"http":{"defaultHealthyRetryPolicy":{"numRetries":5,"minDelayTarget":1,"maxDelayTarget":20}}}"#;
    set(w, &w.a, &made, "DeliveryPolicy", delivery).await;
    let found = attributes(w, &w.a, &made).await;
    assert_eq!(found["DisplayName"], "Orders");
    assert_eq!(found["KmsMasterKeyId"], "alias/aws/sns");
    assert_eq!(
        json(&found["DeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]["numRetries"],
        5
    );

    set(w, &w.a, &made, "DisplayName", "").await;
    set(w, &w.a, &made, "KmsMasterKeyId", "").await;
    set(w, &w.a, &made, "DeliveryPolicy", "").await;
    let found = attributes(w, &w.a, &made).await;
    assert_eq!(found["DisplayName"], "");
    assert_eq!(found.get("KmsMasterKeyId"), None);
    // Cleared, it does not go away.
    assert_eq!(
        json(&found["DeliveryPolicy"]),
        json!({ "http": { "disableSubscriptionOverrides": false } })
    );
}

async fn a_topic_policy_cannot_name_a_role_that_is_not_there(w: &World<'_>) {
    let caller = Arn::role(&w.b, "/", "caller");
    let policy = |name: &str| {
        letting(
            &arn(&w.a, name),
            &json!({ "AWS": caller.as_str() }),
            "sns:Publish",
        )
    };
    let with_policy = CreateTopic {
        attributes: map([("Policy", &policy("early"))]),
        ..topic("early")
    };
    w.refused(&w.a, Fault::Unsettled, with_policy.clone()).await;
    let early = arn(&w.a, "early");
    w.refused(&w.a, Fault::Missing, GetTopicAttributes { arn: early })
        .await;

    let made = w.ok(&w.a, topic("later")).await;
    let set = setting(&made, "Policy", &policy("later"));
    w.refused(&w.a, Fault::Unsettled, set.clone()).await;
    w.ok(
        &w.b,
        role(
            "caller",
            trust_of(&json!({ "Service": "lambda.amazonaws.com" })),
        ),
    )
    .await;
    w.settle().await;
    w.ok(&w.a, set).await;
    w.ok(&w.a, with_policy).await;
    assert_eq!(
        Document::parse(&attributes(w, &w.a, &made).await["Policy"]),
        Document::parse(&policy("later"))
    );
}

async fn a_deleted_principal_shows_its_id_in_the_topic_policy(w: &World<'_>) {
    let service = trust_of(&json!({ "Service": "lambda.amazonaws.com" }));
    let caller = w.ok(&w.b, role("caller", service.clone())).await;
    w.settle().await;
    let made = w.ok(&w.a, topic("haunted")).await;
    let policy = letting(&made, &json!({ "AWS": caller.arn }), "sns:Publish");
    set(w, &w.a, &made, "Policy", &policy).await;
    let name = "caller".to_owned();
    w.ok(&w.b, iam::DeleteRole { name }).await;

    let principal = async || {
        let text = &attributes(w, &w.a, &made).await["Policy"];
        let document = Document::parse(text).expect("a policy");
        let principal = document.statements[0].principal.clone();
        principal.expect("a principal").aws_values().to_vec()
    };
    assert_eq!(principal().await, [caller.id.as_str()]);
    w.ok(&w.b, role("caller", service)).await;
    w.settle().await;
    assert_eq!(principal().await, [caller.id.as_str()]);
    set(w, &w.a, &made, "Policy", &policy).await;
    assert_eq!(principal().await, [caller.arn.as_str()]);
}

async fn a_wrong_topic_policy_is_refused(w: &World<'_>) {
    let made = w.ok(&w.a, topic("strict")).await;
    let root = json!({ "AWS": Arn::root("aws", &w.b.id).as_str() });
    for policy in [
        "{".to_owned(),
        letting(&arn(&w.a, "other"), &root, "sns:Publish"),
        letting(&made, &root, "sqs:SendMessage"),
    ] {
        let set = setting(&made, "Policy", &policy);
        w.refused(&w.a, Fault::Invalid, set).await;
    }
}

async fn deleting_a_topic_twice_is_no_error(w: &World<'_>) {
    let arn = w.ok(&w.a, topic("gone")).await;
    for _ in 0..2 {
        let arn = arn.clone();
        w.ok(&w.a, DeleteTopic { arn }).await;
    }
    w.refused(&w.a, Fault::Missing, GetTopicAttributes { arn })
        .await;
    // A topic's name is free at once.
    w.ok(&w.a, topic("gone")).await;
}

async fn a_topic_that_is_not_there_is_missing(w: &World<'_>) {
    let absent = arn(&w.a, "absent");
    let arn = absent.clone();
    w.refused(&w.a, Fault::Missing, GetTopicAttributes { arn })
        .await;
    let set = setting(&absent, "DisplayName", "x");
    w.refused(&w.a, Fault::Missing, set).await;
    let subscribe = subscribe(&absent, &queue_arn(&w.a, "inbox"));
    w.refused(&w.a, Fault::Missing, subscribe).await;
    let arn = absent.clone();
    w.refused(&w.a, Fault::Missing, ListTopicTags { arn }).await;
}

async fn topic_tags_are_added_replaced_and_removed(w: &World<'_>) {
    let made = CreateTopic {
        tags: map([("kept", "1"), ("changed", "1"), ("gone", "1")]),
        ..topic("tagged")
    };
    let arn = w.ok(&w.a, made).await;
    let tag = TagTopic {
        arn: arn.clone(),
        tags: map([("changed", "2"), ("new", "")]),
    };
    w.ok(&w.a, tag).await;
    let untag = UntagTopic {
        arn: arn.clone(),
        keys: vec!["gone".to_owned(), "never".to_owned()],
    };
    w.ok(&w.a, untag).await;
    assert_eq!(
        w.ok(&w.a, ListTopicTags { arn }).await,
        map([("kept", "1"), ("changed", "2"), ("new", "")])
    );
}

async fn a_subscription_reads_back_as_it_was_made(w: &World<'_>) {
    let topic = w.ok(&w.a, topic("source")).await;
    w.ok(&w.a, queue("inbox")).await;
    w.ok(&w.a, queue("dead")).await;
    let inbox = queue_arn(&w.a, "inbox");
    let dead = format!(r#"{{"deadLetterTargetArn":"{}"}}"#, queue_arn(&w.a, "dead"));
    let made = w
        .ok(
            &w.a,
            Subscribe {
                attributes: map([
                    ("RawMessageDelivery", "true"),
                    ("FilterPolicy", r#"{"type":["created"]}"#),
                    ("FilterPolicyScope", "MessageBody"),
                    ("RedrivePolicy", &dead),
                ]),
                ..subscribe(&topic, &inbox)
            },
        )
        .await;
    assert!(made.starts_with(&format!("{topic}:")), "{made}");
    let found = subscription(w, &w.a, &made).await;
    assert_eq!(found["SubscriptionArn"], made);
    assert_eq!(found["TopicArn"], topic);
    assert_eq!(found["Protocol"], "sqs");
    assert_eq!(found["Endpoint"], inbox);
    assert_eq!(found["Owner"], w.a.id.as_str());
    assert_eq!(found["PendingConfirmation"], "false");
    assert_eq!(found["RawMessageDelivery"], "true");
    assert_eq!(json(&found["FilterPolicy"]), json!({ "type": ["created"] }));
    assert_eq!(found["FilterPolicyScope"], "MessageBody");
    assert_eq!(json(&found["RedrivePolicy"]), json(&dead));

    let listing = SubscriptionListing {
        arn: made,
        owner: w.a.id.to_string(),
        protocol: "sqs".to_owned(),
        endpoint: inbox,
        topic: topic.clone(),
    };
    assert_eq!(
        by_topic(w, &w.a, &topic).await,
        std::slice::from_ref(&listing)
    );
    let own = w.all(&w.a, |token| ListSubscriptions { token }).await;
    assert_eq!(own, [listing]);

    // A bare one has no filter, and so no scope of one.
    let made = w
        .ok(&w.a, subscribe(&topic, &queue_arn(&w.a, "dead")))
        .await;
    let found = subscription(w, &w.a, &made).await;
    assert_eq!(found["RawMessageDelivery"], "false");
    for absent in ["FilterPolicy", "FilterPolicyScope", "RedrivePolicy"] {
        assert_eq!(found.get(absent), None, "{absent}");
    }
}

async fn subscribing_again_comes_off_with_a_part_of_what_it_has(w: &World<'_>) {
    let topic = w.ok(&w.a, topic("source")).await;
    w.ok(&w.a, queue("inbox")).await;
    let with = |attributes| Subscribe {
        attributes,
        ..subscribe(&topic, &queue_arn(&w.a, "inbox"))
    };
    let first = with(map([
        ("RawMessageDelivery", "true"),
        ("FilterPolicy", r#"{"type":["created"]}"#),
    ]));
    let made = w.ok(&w.a, first.clone()).await;
    for same in [
        first,
        with(map([])),
        with(map([("RawMessageDelivery", "true")])),
    ] {
        assert_eq!(w.ok(&w.a, same).await, made);
    }
    for other in [
        with(map([("RawMessageDelivery", "false")])),
        with(map([("FilterPolicy", r#"{"type":["gone"]}"#)])),
    ] {
        w.refused(&w.a, Fault::Exists, other).await;
    }
    assert_eq!(by_topic(w, &w.a, &topic).await.len(), 1);
}

async fn a_queue_that_is_not_there_can_be_subscribed(w: &World<'_>) {
    let topic = w.ok(&w.a, topic("source")).await;
    let absent = queue_arn(&w.a, "absent");
    let made = w.ok(&w.a, subscribe(&topic, &absent)).await;
    assert!(made.starts_with(&topic));
    // But not by its URL.
    let url = format!("https://sqs.{}.amazonaws.com/{}/x", w.a.region, w.a.id);
    w.refused(&w.a, Fault::Invalid, subscribe(&topic, &url))
        .await;
}

async fn a_subscription_by_the_queues_account_is_confirmed_and_its_own(w: &World<'_>) {
    let topic = w.ok(&w.a, topic("source")).await;
    let root = Arn::root("aws", &w.b.id);
    let policy = letting(&topic, &json!({ "AWS": root.as_str() }), "sns:Subscribe");
    set(w, &w.a, &topic, "Policy", &policy).await;
    w.ok(&w.b, queue("inbox")).await;
    let made = w
        .ok(&w.b, subscribe(&topic, &queue_arn(&w.b, "inbox")))
        .await;
    let found = subscription(w, &w.b, &made).await;
    assert_eq!(found["PendingConfirmation"], "false");
    assert_eq!(found["Owner"], w.b.id.as_str());
    // The topic's account sees it, with its owner; so does the owner.
    let seen = by_topic(w, &w.a, &topic).await;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].arn, made);
    assert_eq!(seen[0].owner, w.b.id.as_str());
    let own = w.all(&w.b, |token| ListSubscriptions { token }).await;
    assert_eq!(own, seen);
    let own = w.all(&w.a, |token| ListSubscriptions { token }).await;
    assert!(own.is_empty(), "{own:?}");
}

async fn a_subscription_by_the_topics_account_stays_pending(w: &World<'_>) {
    let topic = w.ok(&w.a, topic("source")).await;
    w.ok(&w.b, queue("inbox")).await;
    let made = w
        .ok(&w.a, subscribe(&topic, &queue_arn(&w.b, "inbox")))
        .await;
    assert!(made.starts_with(&topic), "{made}");
    let seen = by_topic(w, &w.a, &topic).await;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].arn, "PendingConfirmation");
    w.refused(&w.a, Fault::Invalid, Unsubscribe { arn: made })
        .await;
}

async fn subscription_attributes_are_set_and_removed(w: &World<'_>) {
    let topic = w.ok(&w.a, topic("source")).await;
    w.ok(&w.a, queue("inbox")).await;
    let made = w
        .ok(&w.a, subscribe(&topic, &queue_arn(&w.a, "inbox")))
        .await;
    let change = async |name: &str, value: Option<&str>| {
        let set = SetSubscriptionAttributes {
            arn: made.clone(),
            name: name.to_owned(),
            value: value.map(str::to_owned),
        };
        w.ok(&w.a, set).await;
    };
    let dead = format!(
        r#"{{"deadLetterTargetArn":"{}"}}"#,
        queue_arn(&w.a, "inbox")
    );
    change("RawMessageDelivery", Some("true")).await;
    change("FilterPolicy", Some(r#"{"type":["created"]}"#)).await;
    change("RedrivePolicy", Some(&dead)).await;
    let found = subscription(w, &w.a, &made).await;
    assert_eq!(found["RawMessageDelivery"], "true");
    assert_eq!(json(&found["FilterPolicy"]), json!({ "type": ["created"] }));
    assert_eq!(found["FilterPolicyScope"], "MessageAttributes");
    assert_eq!(json(&found["RedrivePolicy"]), json(&dead));

    change("FilterPolicyScope", Some("MessageBody")).await;
    change("FilterPolicy", Some(r#"{"order":{"type":["created"]}}"#)).await;
    let found = subscription(w, &w.a, &made).await;
    assert_eq!(found["FilterPolicyScope"], "MessageBody");

    change("RawMessageDelivery", Some("false")).await;
    change("FilterPolicy", Some("{}")).await;
    change("RedrivePolicy", None).await;
    let found = subscription(w, &w.a, &made).await;
    assert_eq!(found["RawMessageDelivery"], "false");
    assert!(
        found.get("FilterPolicy").is_none_or(|it| it == "{}"),
        "{found:?}"
    );
    assert_eq!(found.get("RedrivePolicy"), None);
}

async fn unsubscribing_twice_is_no_error(w: &World<'_>) {
    let topic = w.ok(&w.a, topic("source")).await;
    w.ok(&w.a, queue("inbox")).await;
    let arn = w
        .ok(&w.a, subscribe(&topic, &queue_arn(&w.a, "inbox")))
        .await;
    for _ in 0..2 {
        let arn = arn.clone();
        w.ok(&w.a, Unsubscribe { arn }).await;
    }
    assert!(by_topic(w, &w.a, &topic).await.is_empty());
    w.refused(&w.a, Fault::Missing, GetSubscriptionAttributes { arn })
        .await;
}

async fn subscriptions_come_a_hundred_a_page(w: &World<'_>) {
    let topic = w.ok(&w.a, topic("wide")).await;
    for number in 0..101 {
        let endpoint = queue_arn(&w.a, &format!("inbox-{number}"));
        w.ok(&w.a, subscribe(&topic, &endpoint)).await;
    }
    let first = ListSubscriptionsByTopic {
        topic: topic.clone(),
        token: None,
    };
    let page = w.ok(&w.a, first).await;
    assert_eq!(page.items.len(), 100);
    assert!(page.next.is_some());
    assert_eq!(by_topic(w, &w.a, &topic).await.len(), 101);
    let own = w.all(&w.a, |token| ListSubscriptions { token }).await;
    assert_eq!(own.len(), 101);
}
