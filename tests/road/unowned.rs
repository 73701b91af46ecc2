//! What is not ours is refused, taken over when that is asked for, or lent: never taken.

use std::collections::BTreeMap;
use std::time::Duration;

use provision::cloud::sandbox::Habits;
use provision::cloud::{Sandbox, iam, sns, sqs};
use provision::lower::Desired;
use provision::plan::Consent;

use crate::operator::{ORDERS, make_queue, make_role, make_topic, send};
use crate::sweep::difference;
use crate::world::{Command, address, apply, assert_in_step, destroy, run, sandbox_for, wanted};

fn stack(name: &str, rest: &str) -> Desired {
    let head = format!(
        "[stack]\nname = \"{name}\"\nregion = \"eu-west-1\"\n[accounts.orders]\nid = \"{ORDERS}\"\n"
    );
    wanted(&[&format!("{head}{rest}")])
}

const ALL: &str = "
[roles.worker]
account = \"orders\"
trusted_by = \"ec2.amazonaws.com\"
name = \"worker\"
path = \"/\"
[topics.news]
account = \"orders\"
[queues.inbox]
account = \"orders\"
subscribe = [{ topic = \"news\" }]
[[access]]
from = \"roles.worker\"
to = \"topics.news\"
";

async fn make_all(sandbox: &Sandbox) {
    make_role(sandbox, ORDERS, "worker").await;
    make_topic(sandbox, ORDERS, "news").await;
    make_queue(sandbox, ORDERS, "inbox").await;
}

#[test]
fn what_is_there_without_our_mark_is_refused_and_left_as_it_is() {
    let desired = stack("one", ALL);
    run(async {
        let sandbox = sandbox_for([&desired]);
        make_all(&sandbox).await;
        let before = sandbox.picture();
        let ran = Command::Apply(&desired).with(&sandbox, []).await;
        let refused: Vec<String> = ran
            .plan()
            .refusals
            .iter()
            .map(|it| it.address.to_string())
            .collect();
        assert_eq!(refused, ["roles.worker", "topics.news", "queues.inbox"]);
        assert!(
            ran.plan().refusals[0]
                .message
                .contains("--adopt roles.worker")
        );
        assert_eq!(difference(&before, &sandbox.picture()), None);
        // Nor does a destroy touch it.
        destroy(&desired, &sandbox).await;
        assert_eq!(difference(&before, &sandbox.picture()), None);
    });
}

#[test]
fn what_is_adopted_becomes_ours_and_goes_with_the_stack() {
    let desired = stack("one", ALL);
    run(async {
        let fresh = sandbox_for([&desired]);
        apply(&desired, &fresh).await;
        let sandbox = sandbox_for([&desired]);
        make_all(&sandbox).await;
        let adopt = ["roles.worker", "topics.news", "queues.inbox"].map(address);
        let consent = Consent {
            adopt: adopt.into(),
            ..Consent::default()
        };
        let ran = Command::Apply(&desired)
            .consenting(&sandbox, [], &consent)
            .await;
        assert!(ran.came_off(), "{}", ran.story());
        assert_in_step(&desired, &sandbox, "once adopted").await;
        assert_eq!(difference(&fresh.picture(), &sandbox.picture()), None);
        destroy(&desired, &sandbox).await;
        assert!(sandbox.is_empty());
    });
}

#[test]
fn what_another_stack_has_is_refused_even_when_it_is_to_be_adopted() {
    let (one, two) = (stack("one", ALL), stack("two", ALL));
    run(async {
        let sandbox = sandbox_for([&one]);
        apply(&one, &sandbox).await;
        let before = sandbox.picture();
        let adopt = ["roles.worker", "topics.news", "queues.inbox"].map(address);
        let consent = Consent {
            adopt: adopt.into(),
            ..Consent::default()
        };
        let ran = Command::Apply(&two)
            .consenting(&sandbox, [], &consent)
            .await;
        let refusals = &ran.plan().refusals;
        assert_eq!(refusals.len(), 3, "{refusals:?}");
        assert!(
            refusals
                .iter()
                .all(|it| it.message.contains("the stack `one`"))
        );
        destroy(&two, &sandbox).await;
        assert_eq!(difference(&before, &sandbox.picture()), None);
        assert_in_step(&one, &sandbox, "one").await;
    });
}

#[test]
fn what_exists_gets_our_statements_and_gives_them_back() {
    let text = format!(
        "
[topics.news]
existing = \"arn:aws:sns:eu-west-1:{ORDERS}:news\"
[queues.inbox]
existing = \"arn:aws:sqs:eu-west-1:{ORDERS}:inbox\"
subscribe = [{{ topic = \"news\" }}]
[roles.worker]
existing = \"arn:aws:iam::{ORDERS}:role/worker\"
[[access]]
from = \"roles.worker\"
to = \"topics.news\"
"
    );
    let desired = stack("one", &text);
    run(async {
        let sandbox = sandbox_for([&desired]);
        let ran = Command::Apply(&desired).with(&sandbox, []).await;
        assert_eq!(ran.plan().refusals.len(), 3, "{:?}", ran.plan().refusals);
        make_all(&sandbox).await;
        let before = sandbox.picture();
        apply(&desired, &sandbox).await;
        assert_in_step(&desired, &sandbox, "lent").await;
        let lent = sandbox.picture();
        assert!(lent.to_string().contains("provision-one.access"));
        let text = lent.to_string();
        assert!(
            !text.contains("provision:stack"),
            "another's resource was marked"
        );
        destroy(&desired, &sandbox).await;
        // The topic's first policy stands again; only its version is not set back.
        let text = before.to_string().replace("2008-10-17", "2012-10-17");
        assert_eq!(text, sandbox.picture().to_string());
    });
}

fn subscriber(name: &str) -> Desired {
    stack(
        name,
        &format!(
            "
[topics.news]
existing = \"arn:aws:sns:eu-west-1:{ORDERS}:news\"
[queues.{name}-inbox]
account = \"orders\"
subscribe = [{{ topic = \"news\" }}]
[roles.{name}-worker]
account = \"orders\"
trusted_by = \"ec2.amazonaws.com\"
[[access]]
from = \"roles.{name}-worker\"
to = \"topics.news\"
"
        ),
    )
}

#[test]
fn two_stacks_on_one_topic_do_not_disturb_each_other() {
    let owner = stack("owner", "[topics.news]\naccount = \"orders\"\n");
    let (one, two) = (subscriber("one"), subscriber("two"));
    run(async {
        let sandbox = sandbox_for([&owner]);
        apply(&owner, &sandbox).await;
        let alone = sandbox.picture();
        apply(&one, &sandbox).await;
        let with_one = sandbox.picture();
        apply(&two, &sandbox).await;
        for (stack, name) in [(&owner, "owner"), (&one, "one"), (&two, "two")] {
            assert_in_step(stack, &sandbox, name).await;
        }
        destroy(&two, &sandbox).await;
        assert_eq!(difference(&with_one, &sandbox.picture()), None);
        assert_in_step(&one, &sandbox, "one, when two is gone").await;
        destroy(&one, &sandbox).await;
        assert_eq!(difference(&alone, &sandbox.picture()), None);
        assert_in_step(&owner, &sandbox, "owner, when all are gone").await;
    });
}

#[test]
fn a_role_that_two_stacks_write_to_keeps_what_is_the_others() {
    let lent = |name: &str| {
        let text = format!(
            "[roles.worker]\nexisting = \"arn:aws:iam::{ORDERS}:role/worker\"\n\
             [topics.{name}-news]\naccount = \"orders\"\n\
             [[access]]\nfrom = \"roles.worker\"\nto = \"topics.{name}-news\"\n"
        );
        stack(name, &text)
    };
    // The one name begins as the other does.
    let (one, two) = (lent("one"), lent("one-more"));
    run(async {
        let sandbox = sandbox_for([&one]);
        make_role(&sandbox, ORDERS, "worker").await;
        let before = sandbox.picture();
        apply(&one, &sandbox).await;
        apply(&two, &sandbox).await;
        assert_in_step(&one, &sandbox, "one").await;
        assert_in_step(&two, &sandbox, "two").await;
        destroy(&one, &sandbox).await;
        assert_in_step(&two, &sandbox, "two, when one is gone").await;
        destroy(&two, &sandbox).await;
        assert_eq!(difference(&before, &sandbox.picture()), None);
    });
}

#[test]
fn tags_and_policies_of_others_on_our_resources_stay() {
    let desired = stack("one", ALL);
    run(async {
        let sandbox = sandbox_for([&desired]);
        apply(&desired, &sandbox).await;
        let theirs = BTreeMap::from([("cost-centre".to_owned(), "7".to_owned())]);
        let tag = iam::TagRole {
            name: "worker".to_owned(),
            tags: theirs.clone(),
        };
        send(&sandbox, ORDERS, tag).await;
        let tag = sns::TagTopic {
            arn: format!("arn:aws:sns:eu-west-1:{ORDERS}:news"),
            tags: theirs.clone(),
        };
        send(&sandbox, ORDERS, tag).await;
        let tag = sqs::TagQueue {
            name: "inbox".to_owned(),
            tags: theirs,
        };
        send(&sandbox, ORDERS, tag).await;
        assert_in_step(&desired, &sandbox, "with tags of others").await;
        // Our own tag comes and goes beside them.
        let tagged = stack(
            "one",
            &ALL.replace(
                "account = \"orders\"\n",
                "account = \"orders\"\ntags = { ours = \"1\" }\n",
            ),
        );
        apply(&tagged, &sandbox).await;
        assert_in_step(&tagged, &sandbox, "tagged").await;
        assert!(sandbox.picture().to_string().contains("\"ours\":\"1\""));
        apply(&desired, &sandbox).await;
        assert_in_step(&desired, &sandbox, "untagged").await;
        let text = sandbox.picture().to_string();
        assert!(!text.contains("\"ours\":\"1\""), "{text}");
        assert_eq!(text.matches("\"cost-centre\":\"7\"").count(), 3, "{text}");
    });
}

/// A queue that is to receive from another stack's topic, or not, or is not there.
fn listener(queue: &str) -> Desired {
    stack(
        "listener",
        &format!(
            "[roles.worker]\naccount = \"orders\"\ntrusted_by = \"ec2.amazonaws.com\"\n{queue}"
        ),
    )
}

#[test]
fn a_subscription_to_anothers_topic_goes_when_it_leaves_the_stack() {
    let owner = stack("owner", "[topics.news]\naccount = \"orders\"\n");
    let topic = format!("arn:aws:sns:eu-west-1:{ORDERS}:news");
    let with = listener(&format!(
        "[queues.inbox]\naccount = \"orders\"\nsubscribe = [{{ topic = \"{topic}\" }}]\n"
    ));
    let silent = listener("[queues.inbox]\naccount = \"orders\"\n");
    let none = listener("");
    for without in [&silent, &none] {
        run(async {
            let sandbox = sandbox_for([&owner]);
            apply(&owner, &sandbox).await;
            apply(without, &sandbox).await;
            let before = sandbox.picture();
            apply(&with, &sandbox).await;
            assert!(sandbox.picture().to_string().contains("inbox"));
            apply(without, &sandbox).await;
            assert_in_step(without, &sandbox, "without it").await;
            assert_eq!(difference(&before, &sandbox.picture()), None);
        });
    }
}

/// The tag index knows nothing of what is lent, and may know nothing at all: documents name what left the stack.
#[test]
fn what_left_the_stack_is_found_without_the_tag_index_where_documents_name_it() {
    let role = "[roles.worker]\naccount = \"orders\"\ntrusted_by = \"ec2.amazonaws.com\"\n";
    let own = "[topics.own]\naccount = \"orders\"\n[queues.inbox]\naccount = \"orders\"\nsubscribe = [{ topic = \"own\" }]\n\
        [[access]]\nfrom = \"roles.worker\"\nto = \"topics.own\"\nvia = \"resource-policy\"\n";
    let lent = format!(
        "[topics.news]\nexisting = \"arn:aws:sns:eu-west-1:{ORDERS}:news\"\n\
         [[access]]\nfrom = \"roles.worker\"\nto = \"topics.news\"\nvia = \"resource-policy\"\n"
    );
    let other = "[topics.kept]\naccount = \"orders\"\n";
    let before = stack("one", &format!("{role}{own}{lent}{other}"));
    let after = stack("one", &format!("{role}{other}"));
    run(async {
        let sandbox = sandbox_for([&before]).with(Habits {
            index_lag: Duration::from_hours(24),
            ..Habits::default()
        });
        make_topic(&sandbox, ORDERS, "news").await;
        let untouched = sandbox.picture();
        apply(&before, &sandbox).await;
        let ran = apply(&after, &sandbox).await;
        let removed: Vec<String> = ran
            .plan()
            .to_do()
            .filter(|it| it.want.is_none())
            .map(|it| format!("{} {}", it.action.sign(), it.address))
            .collect();
        assert_eq!(
            removed,
            ["~ topics.news", "- topics.own", "- queues.inbox"],
            "{removed:?}"
        );
        let policy = |it: &serde_json::Value| {
            let news = &it[ORDERS]["regions"]["eu-west-1"]["topics"]["news"];
            let policy: serde_json::Value =
                serde_json::from_str(news["policy"].as_str().expect("a policy")).expect("JSON");
            policy["Statement"].clone()
        };
        assert_eq!(policy(&untouched), policy(&sandbox.picture()));
        assert_in_step(&after, &sandbox, "what left is gone").await;
    });
}
