//! A resource that has another name in the file keeps what it is on AWS.

use provision::plan::Action;

use crate::world::{apply, assert_in_step, destroy, plan, run, sandbox_for, spoken, wanted};

const STACK: &str = r#"
[stack]
name = "s"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[roles.shop]
account = "a"
name = "the-shop"
trusted_by = "ec2.amazonaws.com"
[topics.events]
account = "a"
name = "the-events"
[queues.inbox]
account = "a"
name = "the-inbox"
subscribe = [{ topic = "events" }]
[apis.orders]
account = "a"
name = "the-orders"
[apis.orders.routes]
"GET /x" = { mock = 200 }
[[access]]
from = "roles.shop"
to = "topics.events"
[[access]]
from = "roles.shop"
to = "apis.orders"
allow = ["GET /x"]
"#;

const RENAMED: [(&str, &str, &str); 4] = [
    ("roles", "shop", "store"),
    ("topics", "events", "news"),
    ("queues", "inbox", "mail"),
    ("apis", "orders", "sales"),
];

/// The stack with every key renamed, and the entries that say so.
fn renamed() -> (String, String) {
    let (mut text, mut moved) = (STACK.to_owned(), String::new());
    for (table, old, new) in RENAMED {
        text = text
            .replace(&format!("[{table}.{old}"), &format!("[{table}.{new}"))
            .replace(&format!("\"{table}.{old}\""), &format!("\"{table}.{new}\""))
            .replace(&format!("topic = \"{old}\""), &format!("topic = \"{new}\""));
        moved += &format!("[[moved]]\nfrom = \"{table}.{old}\"\nto = \"{table}.{new}\"\n");
    }
    (text, moved)
}

#[test]
fn a_moved_address_rewrites_marks_and_replaces_nothing() {
    let (text, moved) = renamed();
    let (from, to) = (wanted(&[STACK]), wanted(&[&format!("{text}{moved}")]));
    run(async {
        let sandbox = sandbox_for([&from]);
        apply(&from, &sandbox).await;
        let ran = apply(&to, &sandbox).await;
        let actions = ran.plan().steps.iter().map(|it| it.action);
        let updates = actions.filter(|it| *it != Action::Keep);
        assert!(
            updates.clone().all(|it| it == Action::Update),
            "{:?}",
            spoken(ran.plan())
        );
        assert_eq!(updates.count(), 5, "{:?}", spoken(ran.plan()));
        for made in ["Create", "Delete", "Subscribe", "Unsubscribe"] {
            let calls = ran.records.iter().map(ToString::to_string);
            let calls: Vec<_> = calls
                .filter(|it| it.contains(&format!(":{made}")))
                .collect();
            let calls = calls.iter().filter(|it| !it.contains("Deployment"));
            assert_eq!(calls.count(), 0, "{made}: {}", ran.story());
        }
        assert_in_step(&to, &sandbox, "after the move").await;
        // The entries have done their work, and may go or stay.
        let without = wanted(&[&text]);
        assert_in_step(&without, &sandbox, "without the entries").await;
        destroy(&without, &sandbox).await;
        assert!(sandbox.is_empty(), "{:#}", sandbox.picture());
    });
}

#[test]
fn a_stack_whose_move_was_not_applied_yet_can_be_destroyed() {
    let (text, moved) = renamed();
    let (from, to) = (wanted(&[STACK]), wanted(&[&format!("{text}{moved}")]));
    run(async {
        let sandbox = sandbox_for([&from]);
        apply(&from, &sandbox).await;
        destroy(&to, &sandbox).await;
        assert!(sandbox.is_empty(), "{:#}", sandbox.picture());
    });
}

#[test]
fn a_plan_says_how_to_rename_what_stands_under_another_address() {
    let from = wanted(&[STACK]);
    let to = wanted(&[&STACK.replace("[queues.inbox]", "[queues.mail]")]);
    run(async {
        let sandbox = sandbox_for([&from]);
        apply(&from, &sandbox).await;
        let found = plan(&to, &sandbox).await;
        let says = &found.refusals[0].message;
        assert!(
            says.contains("`[[moved]]` with `from = \"queues.inbox\"` and `to = \"queues.mail\"`"),
            "{says}"
        );
    });
}

#[test]
fn access_roles_of_what_moved_keep_their_names() {
    let by_role =
        |text: &str| text.replace("to = \"topics.", "via = \"assume-role\"\nto = \"topics.");
    let (text, moved) = renamed();
    let (from, to) = (
        wanted(&[&by_role(STACK)]),
        wanted(&[&format!("{}{moved}", by_role(&text))]),
    );
    run(async {
        let sandbox = sandbox_for([&from]);
        apply(&from, &sandbox).await;
        let ran = apply(&to, &sandbox).await;
        let made = ran.plan().steps.iter().map(|it| it.action);
        let made: Vec<Action> = made
            .filter(|it| !matches!(it, Action::Keep | Action::Update))
            .collect();
        assert_eq!(made, [], "{:?}", spoken(ran.plan()));
        assert_in_step(&to, &sandbox, "after the move").await;
    });
}
