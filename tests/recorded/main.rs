//! Answers that were recorded from AWS, decoded and compared as a plan does it.
//!
//! `answers.toml` has them with the stack that says the same. The refusals in `refusals.toml`
//! are read by `src/aws/fault.rs`, beside the table that classifies them. `facts.toml` has what no answer shows.

mod facts;
#[cfg(feature = "aws")]
mod wire;

use std::collections::BTreeMap;

use provision::kinds::{Have, Resource, Want};
use provision::lower;
use provision::model::{Arn, KindName, Tags};
use provision::policy::own;
use provision::stack::{self, Source};
use serde::Deserialize;

#[derive(Deserialize)]
struct Answers {
    answer: Vec<Answer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    of: String,
    when: String,
    attributes: BTreeMap<String, String>,
    says: String,
    other: String,
    differs: String,
    /// Whether the policy is the first one of SNS.
    #[serde(default)]
    default_policy: bool,
}

impl Answer {
    fn kind(&self) -> KindName {
        match self.of.as_str() {
            "queue" => KindName::Queue,
            "topic" => KindName::Topic,
            "subscription" => KindName::Subscription,
            other => panic!("no kind is called {other}"),
        }
    }

    /// Returns the resource as a stack with these fields wants it.
    fn wanted(&self, fields: &str) -> Want {
        let (topic, queue) = match self.kind() {
            KindName::Topic => (fields.to_owned(), String::new()),
            KindName::Queue => (String::new(), fields.to_owned()),
            _ => {
                let comma = if fields.is_empty() { "" } else { ", " };
                let subscribe = format!("subscribe = {{ topic = \"it\"{comma}{fields} }}");
                (String::new(), subscribe)
            }
        };
        let text = format!(
            "[stack]\nname = \"recorded\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
             [topics.it]\n{topic}\n[queues.it]\n{queue}\n"
        );
        let source = Source {
            name: "recorded.toml".to_owned(),
            text,
        };
        let stack = match stack::check(&source, &[], &|_| Err("no file".to_owned())) {
            Ok(stack) => stack,
            Err(faults) => panic!("{}: {}", self.when, faults.render(false)),
        };
        let desired = lower::lower(&stack).expect("it lowers");
        let mut wants = desired.wants.into_values();
        wants
            .find(|it| it.resource.kind() == self.kind())
            .expect("the resource is wanted")
    }

    /// Returns what is there, decoded as a plan decodes it.
    fn decoded(&self, want: &Want) -> Have {
        let (attributes, tags) = (&self.attributes, Tags::new());
        let have = match &want.resource {
            Resource::Queue(it) => {
                provision::kinds::queue::Queue::decode(&it.arn, attributes, &tags, &want.stack)
            }
            Resource::Topic(it) => provision::kinds::topic::Topic::decode(
                &it.arn,
                attributes,
                &tags,
                &want.stack,
                it.replaces_first(want),
            ),
            Resource::Subscription(it) => Ok(provision::kinds::subscription::Subscription::decode(
                &it.topic, &it.queue, "arn", attributes,
            )),
            other => panic!("no answer of a {}", other.kind().singular()),
        };
        have.expect("it can be decoded")
    }

    /// Returns the fields that differ, those left out that the answer does not carry.
    fn differing(&self, fields: &str) -> Vec<String> {
        let want = self.wanted(fields);
        let have = self.decoded(&want);
        let changes = want.resource.differences(&want, &have);
        let changes = changes.into_changes().into_iter().map(|it| it.field);
        changes
            .filter(|it| !matches!(it.as_str(), "policy" | "tags" | "mark"))
            .collect()
    }
}

fn answers() -> Vec<Answer> {
    let text = include_str!("answers.toml");
    toml::from_str::<Answers>(text)
        .expect("the answers are TOML")
        .answer
}

#[test]
fn what_aws_answered_is_what_the_stack_says() {
    for answer in answers() {
        let found = answer.differing(&answer.says);
        assert!(found.is_empty(), "{}: {found:?}", answer.when);
    }
}

#[test]
fn a_stack_that_says_otherwise_differs_in_that_field() {
    for answer in answers() {
        let found = answer.differing(&answer.other);
        assert!(
            found.contains(&answer.differs),
            "{}: {found:?}",
            answer.when
        );
    }
}

#[test]
fn the_first_policy_of_sns_is_known_and_not_kept() {
    let mut seen = 0;
    for answer in answers().iter().filter(|it| it.default_policy) {
        seen += 1;
        let document = provision::policy::Document::parse(&answer.attributes["Policy"]);
        let document = document.expect("a policy");
        let arn = Arn::parse("arn:aws:sns:eu-west-1:111111111111:it").expect("an ARN");
        assert!(own::is_default_topic_policy(&document, arn.account()));
        let want = answer.wanted(&answer.says);
        let have = answer.decoded(&want);
        match have.resource {
            Resource::Topic(topic) => {
                assert!(own::is_default_topic_policy(&topic.policy, arn.account()));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(seen > 0);
}
