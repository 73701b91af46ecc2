//! Facts of `facts.toml`, held against what a stack becomes.

use provision::lower;
use provision::model::KindName;
use provision::stack::{self, Source};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Facts {
    delivery: Vec<Delivery>,
    limit: Vec<Limit>,
}

/// As which principal SNS delivers from one region to another.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delivery {
    topic: String,
    queue: String,
    principal: String,
}

/// How much of something AWS takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    of: String,
    most: usize,
}

fn facts() -> Facts {
    toml::from_str(include_str!("facts.toml")).expect("the facts are TOML")
}

#[test]
fn a_queue_lets_sns_deliver_as_the_principal_that_it_delivers_as() {
    for fact in facts().delivery {
        let text = format!(
            "[stack]\nname = \"facts\"\nregion = \"{}\"\n[accounts.t]\nid = \"111111111111\"\n\
             [accounts.q]\nid = \"222222222222\"\nregion = \"{}\"\n[topics.t]\naccount = \"t\"\n\
             [queues.q]\naccount = \"q\"\nsubscribe = \"t\"\n",
            fact.topic, fact.queue
        );
        let source = Source {
            name: "facts.toml".to_owned(),
            text,
        };
        let stack = match stack::check(&source, &[], &|_| Err("no file".to_owned())) {
            Ok(stack) => stack,
            Err(faults) => panic!("{}", faults.render(false)),
        };
        let desired = lower::lower(&stack).expect("it lowers");
        let mut wants = desired.wants.values();
        let queue = wants.find(|it| it.resource.kind() == KindName::Queue);
        let policy = queue.and_then(|it| it.resource.policy());
        let policy = policy.expect("the queue's policy").to_value();
        assert_eq!(
            policy["Statement"][0]["Principal"]["Service"], fact.principal,
            "{} to {}: {policy}",
            fact.topic, fact.queue
        );
    }
}

#[test]
fn a_document_may_be_as_large_as_aws_takes_it() {
    use provision::policy::size;
    let all = facts().limit;
    let mut known = vec![
        ("characters of a trust policy", size::TRUST),
        (
            "characters of a role's inline policies together",
            size::INLINE,
        ),
        ("managed policies of a role", size::ATTACHED),
        ("characters of a managed policy", size::MANAGED),
        ("bytes of a topic's policy", size::TOPIC_BYTES),
        ("statements of a topic's policy", size::TOPIC_STATEMENTS),
        ("principals of a topic's policy", size::TOPIC_PRINCIPALS),
        ("bytes of a queue's policy", size::QUEUE_BYTES),
        ("statements of a queue's policy", size::QUEUE_STATEMENTS),
        ("principals of a queue's policy", size::QUEUE_PRINCIPALS),
        (
            "actions of a statement of a queue's policy",
            size::QUEUE_ACTIONS,
        ),
        (
            "conditions of a statement of a queue's policy",
            size::QUEUE_CONDITIONS,
        ),
        ("characters of an API's policy", size::API),
        ("resources of an API", size::RESOURCES),
    ];
    for fact in &all {
        let at = known.iter().position(|it| it.0 == fact.of);
        let (_, held) =
            known.remove(at.unwrap_or_else(|| panic!("{} is held by nothing", fact.of)));
        assert_eq!(held, fact.most, "{}", fact.of);
    }
    assert!(known.is_empty(), "no fact is kept of {known:?}");
}
