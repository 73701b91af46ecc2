//! What holds of any role, topic, queue and subscription: what is written is what is read,
//! and a thing does not differ from itself.
//!
//! Of APIs and stages the same is told beside them.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, btree_set};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::queue::RedriveAllow;
use super::rest_api::testing::{STACK, place, run, sandbox};
use super::{Context, Have, Ids, Queue, Resource, Role, Subscription, Topic, Want};
use crate::cloud::{self, Cloud, Sandbox, sqs};
use crate::model::{Address, Arn, Tags};
use crate::policy::{Clause, Document, PrincipalClause, Statement, own};
use crate::stack::Encryption;

fn arn(text: &str) -> Arn {
    Arn::parse(text).expect("an ARN")
}

fn queue_arn(name: &str) -> Arn {
    arn(&format!("arn:aws:sqs:eu-west-1:333333333333:{name}"))
}

fn topic_arn(name: &str) -> Arn {
    arn(&format!("arn:aws:sns:eu-west-1:333333333333:{name}"))
}

fn tags() -> impl Strategy<Value = Tags> {
    btree_map(
        "[a-zA-Z][a-zA-Z0-9._/-]{0,8}",
        "[a-zA-Z0-9 ._/-]{0,12}",
        0..4,
    )
    // IAM takes no two keys that differ in the case of their letters alone.
    .prop_filter("keys are told apart by more than case", |tags: &Tags| {
        let keys = tags.keys().map(|it| it.to_ascii_lowercase());
        keys.collect::<std::collections::BTreeSet<_>>().len() == tags.len()
    })
}

/// Statements of this stack on a resource, each under a `Sid` of its own.
fn policy(action: &'static str, resource: String, least: usize) -> impl Strategy<Value = Document> {
    let condition = option::of("[a-z0-9-]{1,8}");
    let statement = (any::<bool>(), condition);
    btree_map("[a-z]{1,6}", statement, least..4).prop_map(move |statements| {
        let made = statements.iter().map(|(name, (owner, source))| {
            let account = if *owner {
                "333333333333"
            } else {
                "111111111111"
            };
            let root = format!("arn:aws:iam::{account}:root");
            let statement = Statement::allow(own::sid(STACK, name), Clause::of([action]))
                .to(PrincipalClause::aws([root]))
                .on([resource.clone()]);
            match source {
                Some(name) => {
                    statement.when("ArnEquals", "aws:SourceArn", [topic_arn(name).to_string()])
                }
                None => statement,
            }
        });
        Document::of(made.collect())
    })
}

fn delivery_policy() -> impl Strategy<Value = Value> {
    (1_u32..100, 1_u32..20, 20_u32..40).prop_map(|(retries, least, most)| {
        json!({"http": {"defaultHealthyRetryPolicy": {
            "numRetries": retries, "minDelayTarget": least, "maxDelayTarget": most,
        }}})
    })
}

fn topic(fifo: bool) -> impl Strategy<Value = Topic> {
    let name = if fifo { "news.fifo" } else { "news" };
    (
        any::<(bool, bool, bool)>(),
        "[A-Za-z][A-Za-z0-9 -]{0,20}|",
        "alias/[a-z]{1,8}|",
        option::of(delivery_policy()),
        1_u8..=2,
        // A topic of ours always has a statement of ours.
        policy("sns:Publish", topic_arn(name).to_string(), 1),
        tags(),
    )
        .prop_map(
            move |((content, group, tracing), display, key, delivery, signature, policy, tags)| {
                Topic {
                    arn: topic_arn(name),
                    fifo,
                    content_based_deduplication: fifo && content,
                    message_group_throughput: fifo && group,
                    display_name: display,
                    kms_key: key,
                    delivery_policy: delivery,
                    signature_version: signature,
                    tracing,
                    optional: optional_of(fifo),
                    policy,
                    tags,
                }
            },
        )
}

/// Attributes that are managed where they are set, and left alone where they are not: the same for all topics of a type.
fn optional_of(fifo: bool) -> std::collections::BTreeMap<String, String> {
    let role = "arn:aws:iam::111111111111:role/logs".to_owned();
    let mut found = std::collections::BTreeMap::new();
    if fifo {
        let days = r#"{"MessageRetentionPeriod":7}"#;
        found.insert("ArchivePolicy".to_owned(), days.to_owned());
    } else {
        found.insert("SQSSuccessFeedbackRoleArn".to_owned(), role);
        found.insert("SQSSuccessFeedbackSampleRate".to_owned(), "10".to_owned());
    }
    found
}

fn encryption() -> impl Strategy<Value = Encryption> {
    prop_oneof![
        Just(Encryption::Sqs),
        Just(Encryption::Off),
        ("alias/[a-z]{1,8}", 60_u32..=86_400)
            .prop_map(|(key, reuse)| Encryption::Kms { key, reuse }),
    ]
}

fn redrive_allow(fifo: bool) -> impl Strategy<Value = RedriveAllow> {
    let queues = btree_set("[a-z]{1,8}", 1..=10).prop_map(move |names| {
        let arns = names.iter().map(|it| queue_arn(&suffixed(it, fifo)));
        RedriveAllow::Queues(arns.collect())
    });
    prop_oneof![Just(RedriveAllow::All), Just(RedriveAllow::Deny), queues]
}

fn suffixed(name: &str, fifo: bool) -> String {
    if fifo {
        format!("{name}.fifo")
    } else {
        name.to_owned()
    }
}

fn queue(fifo: bool) -> impl Strategy<Value = Queue> {
    let name = suffixed("inbox", fifo);
    (
        any::<(bool, bool, bool)>(),
        (0_u32..=900, 1_024_u32..=1_048_576, 60_u32..=1_209_600),
        (0_u32..=20, 0_u32..=43_200),
        encryption(),
        option::of(1_u32..=1_000),
        redrive_allow(fifo),
        policy("sqs:SendMessage", queue_arn(&name).to_string(), 0),
        tags(),
    )
        .prop_map(
            move |(
                (content, group, alone),
                (delay, size, retention),
                (wait, hidden),
                encryption,
                dead,
                allow,
                policy,
                tags,
            )| {
                Queue {
                    arn: queue_arn(&name),
                    fifo,
                    content_based_deduplication: fifo && content,
                    message_group_deduplication: fifo && (group || alone),
                    message_group_throughput: fifo && group,
                    delay,
                    max_message_size: size,
                    retention,
                    receive_wait: wait,
                    visibility_timeout: hidden,
                    encryption,
                    dead_letter: dead.map(|it| (queue_arn(&suffixed("dead", fifo)), it)),
                    redrive_allow: allow,
                    policy,
                    tags,
                }
            },
        )
}

fn filter() -> impl Strategy<Value = (Value, bool)> {
    let values = proptest::collection::vec("[a-z]{1,6}", 1..3);
    let flat = btree_map("[a-z]{1,6}", values, 1..3).prop_map(|it| json!(it));
    let nested = flat.clone().prop_map(|it| json!({ "order": it }));
    prop_oneof![
        flat.clone().prop_map(|it| (it, false)),
        flat.prop_map(|it| (it, true)),
        nested.prop_map(|it| (it, true)),
    ]
}

fn subscription() -> impl Strategy<Value = Subscription> {
    (any::<bool>(), option::of(filter()), any::<bool>()).prop_map(|(raw, filter, dead)| {
        Subscription {
            topic: topic_arn("news"),
            queue: queue_arn("inbox"),
            raw,
            filter_on_body: filter.as_ref().is_some_and(|(_, on_body)| *on_body),
            filter: filter.map(|(it, _)| it),
            dead_letter: dead.then(|| queue_arn("dead")),
        }
    })
}

fn role() -> impl Strategy<Value = Role> {
    let service = prop_oneof![
        Just("ec2.amazonaws.com"),
        Just("lambda.amazonaws.com"),
        Just("ecs-tasks.amazonaws.com")
    ];
    let external = option::of("[a-z0-9-]{2,10}");
    let inline = btree_map("[a-z]{1,6}", "[a-z0-9*-]{1,10}", 0..3);
    let attached = btree_set("[A-Z][a-z]{1,8}", 0..3);
    (
        service,
        external,
        inline,
        attached,
        option::of("[A-Z][a-z]{1,8}"),
        "[A-Za-z][A-Za-z0-9 .,-]{0,20}|",
        3_600_u32..=43_200,
        tags(),
    )
        .prop_map(
            |(service, external, inline, attached, boundary, description, max_session, tags)| {
                let mut trust = Statement::allow("Trust", Clause::of(["sts:AssumeRole"]))
                    .to(PrincipalClause::service([service]));
                if let Some(id) = external {
                    trust = trust.when("StringEquals", "sts:ExternalId", [id]);
                }
                let inline: BTreeMap<String, Document> = inline
                    .into_iter()
                    .map(|(name, topic)| {
                        let statement = Statement::allow("Publish", Clause::of(["sns:Publish"]))
                            .on([format!("arn:aws:sns:eu-west-1:333333333333:{topic}")]);
                        let name = format!("{}{name}", super::role::inline_prefix(STACK));
                        (name, Document::of(vec![statement]))
                    })
                    .collect();
                let managed = |name: String| format!("arn:aws:iam::aws:policy/{name}");
                Role {
                    arn: arn("arn:aws:iam::333333333333:role/provision/shop/worker"),
                    path: "/provision/shop/".to_owned(),
                    trust: Document::of(vec![trust]),
                    inline,
                    managed: BTreeMap::new(),
                    attached: attached.into_iter().map(managed).collect(),
                    boundary: boundary.map(managed),
                    description,
                    max_session,
                    tags,
                }
            },
        )
}

fn address(resource: &Resource) -> Address {
    let name = match resource {
        Resource::Subscription(_) => "inbox.news",
        _ => "it",
    };
    Address::new(resource.kind(), name)
}

fn want(resource: &Resource) -> Want {
    Want::of(STACK, place(), resource.clone())
}

/// Makes it so, from what is there, and gives what is there then.
async fn make(cloud: &dyn Cloud, resource: &Resource, have: Option<&Have>) -> Have {
    let (want, address, ids) = (want(resource), address(resource), Ids::default());
    let cx = Context {
        cloud,
        stack: STACK,
        address: &address,
        ids: &ids,
        closed: None,
    };
    resource.exist(&want, have, &cx).await.expect("it is made");
    resource
        .settle(&want, have, &cx)
        .await
        .expect("it is settled");
    let found = resource.read(&want, &cx).await.expect("it is read");
    found.expect("it is there")
}

/// What the others name: dead-letter queues of both sorts.
async fn ground() -> Sandbox {
    let cloud = sandbox();
    for fifo in [false, true] {
        let sort = fifo.then(|| ("FifoQueue".to_owned(), "true".to_owned()));
        let call = sqs::CreateQueue {
            name: suffixed("dead", fifo),
            attributes: sort.into_iter().collect(),
            tags: Tags::new(),
        };
        let made = cloud::call(&cloud, &place(), call).await;
        made.expect("a dead-letter queue");
    }
    cloud
}

/// One is made, then turned into the other; each is read as it was written.
fn arrives(first: &Resource, second: &Resource, others: &[Resource]) {
    run(async {
        let cloud = ground().await;
        for other in others {
            make(&cloud, other, None).await;
        }
        let mut have = None;
        for resource in [first, second, second] {
            let found = make(&cloud, resource, have.as_ref()).await;
            assert_eq!(
                found.resource, *resource,
                "what is read is not what was written"
            );
            let differences = resource.differences(&want(resource), &found).into_changes();
            assert_eq!(differences, [], "it differs from itself");
            have = Some(found);
        }
    });
}

/// A plain topic and queue, for what joins them.
fn plain() -> [Resource; 2] {
    let statement = Statement::allow(own::sid(STACK, "all"), Clause::of(["sns:Subscribe"]))
        .to(PrincipalClause::aws(["arn:aws:iam::333333333333:root"]))
        .on([topic_arn("news").to_string()]);
    let policy = Document::of(vec![statement]).to_text();
    let attributes = BTreeMap::from([("Policy".to_owned(), policy)]);
    let (none, tags) = (BTreeMap::new(), Tags::new());
    let topic = Topic::decode(&topic_arn("news"), &attributes, &tags, STACK, true);
    let queue = Queue::decode(&queue_arn("inbox"), &none, &tags, STACK);
    [topic, queue].map(|it| it.expect("it can be read").resource)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_topic_is_read_as_it_was_written(
        (first, second) in any::<bool>().prop_flat_map(|fifo| (topic(fifo), topic(fifo))),
    ) {
        let decoded = Topic::decode(&first.arn, &first.encode(), &first.tags, STACK, true);
        let bare = Topic { policy: Document::of(Vec::new()), ..first.clone() };
        prop_assert_eq!(decoded.expect("it can be read").resource, Resource::Topic(bare));
        arrives(&Resource::Topic(first), &Resource::Topic(second), &[]);
    }

    #[test]
    fn a_queue_is_read_as_it_was_written(
        (first, second) in any::<bool>().prop_flat_map(|fifo| (queue(fifo), queue(fifo))),
    ) {
        let decoded = Queue::decode(&first.arn, &first.encode(), &first.tags, STACK);
        let bare = Queue { policy: Document::of(Vec::new()), ..first.clone() };
        prop_assert_eq!(decoded.expect("it can be read").resource, Resource::Queue(bare));
        arrives(&Resource::Queue(first), &Resource::Queue(second), &[]);
    }

    #[test]
    fn a_subscription_is_read_as_it_was_written(first in subscription(), second in subscription()) {
        let decoded = Subscription::decode(&first.topic, &first.queue, "arn", &first.encode());
        prop_assert_eq!(decoded.resource, Resource::Subscription(first.clone()));
        arrives(&Resource::Subscription(first), &Resource::Subscription(second), &plain());
    }

    #[test]
    fn a_role_is_read_as_it_was_written(first in role(), second in role()) {
        arrives(&Resource::Role(first), &Resource::Role(second), &[]);
    }
}
