//! A consumer that goes: every side of it, wherever it is stopped, and nothing of anybody else.

use std::collections::BTreeSet;

use provision::cloud::Sandbox;
use provision::onboard::{Parting, parted};
use provision::stack::{self, Source, Stack};

use crate::sweep::{conclude, sweep};
use crate::world::{
    Command, all_stacks, apply, assert_in_step, folder, run, sandbox_for, text_of, wanted,
};

fn read(name: &str) -> Result<String, String> {
    std::fs::read_to_string(folder().join(name)).map_err(|error| error.to_string())
}

fn source(name: &str, text: &str) -> Source {
    Source {
        name: name.to_owned(),
        text: text.to_owned(),
    }
}

fn stack_of(source: &Source) -> Stack {
    match stack::check(source, &[], &read) {
        Ok(stack) => stack,
        Err(faults) => panic!("{}", faults.render(false)),
    }
}

/// The stack of a text without a consumer; `None` where others rest on it.
fn without(text: &str, consumer: &str) -> Option<Parting> {
    let source = source("it.toml", text);
    let stack = stack_of(&source);
    let queues: Vec<String> = stack
        .queues
        .iter()
        .filter(|(_, it)| it.account == stack.roles[consumer].account && !it.subscribe.is_empty())
        .map(|(name, _)| name.clone())
        .collect();
    parted(
        std::slice::from_ref(&source),
        &stack,
        (consumer, None),
        &queues,
        &read,
    )
    .ok()
}

#[test]
fn whatever_goes_wrong_while_a_consumer_is_let_go_the_same_command_arrives() {
    let mut wrong = Vec::new();
    let mut runs = 0;
    let mut seen = 0;
    for (name, before) in all_stacks() {
        let text = text_of(&name);
        let stack = stack_of(&source(&name, &text));
        for consumer in stack.roles.keys() {
            let Some(parting) = without(&text, consumer) else {
                continue;
            };
            seen += 1;
            let after = &parting.after.desired;
            runs += run(async {
                let base = sandbox_for([&before]);
                apply(&before, &base).await;
                let goes = Command::Depart(&before, after);
                let what = format!("{name}, {consumer} goes");
                let runs = sweep(&what, &base, goes, &mut wrong).await;
                goes.done(&base).await;
                assert_in_step(after, &base, &what).await;
                assert!(goes.planned(&base).await.is_empty(), "{what}");
                // What is left is what the rest alone would be.
                let alone = sandbox_for([&before]);
                apply(after, &alone).await;
                assert_eq!(held(&base), held(&alone), "{what}");
                runs
            });
        }
    }
    assert!(seen >= 5, "consumers were let go: {seen}");
    conclude(runs, &wrong);
}

/// What holds which documents as what, and what they say.
fn held(sandbox: &Sandbox) -> BTreeSet<String> {
    sandbox
        .documents()
        .into_iter()
        .filter(|it| !it.by.contains(":execute-api:"))
        .map(|it| {
            let document = provision::policy::Document::parse(&it.text).expect("a policy");
            let mut statements: Vec<String> = document
                .statements
                .iter()
                .map(|it| format!("{it:?}"))
                .collect();
            statements.sort();
            format!("{} {:?} {statements:?}", it.by, it.used)
        })
        .map(|it| generalised(&it))
        .collect()
}

/// API ids are the cloud's choice: they differ between two worlds.
fn generalised(text: &str) -> String {
    let mut parts = text.split("execute-api:");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut fields = part.splitn(3, ':');
        let (region, account, rest) = (fields.next(), fields.next(), fields.next());
        let rest = rest.and_then(|it| it.split_once('/')).map(|(_, it)| it);
        out += &format!("execute-api:{region:?}:{account:?}:{rest:?}");
    }
    out
}

#[test]
fn a_consumer_whose_account_is_gone_leaves_nothing_of_it_with_others() {
    let mut wrong = Vec::new();
    let mut runs = 0;
    let text = format!(
        "{}\n[accounts.audit]\nid = \"444444444444\"\nrole = \"provision\"\n\
         [roles.audit]\naccount = \"audit\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
         [queues.audit]\naccount = \"audit\"\nsubscribe = \"order-events\"\n\
         [[access]]\nfrom = \"roles.audit\"\nto = \"apis.orders\"\nallow = [\"GET /orders/*\"]\n\
         [[access]]\nfrom = \"roles.audit\"\nto = \"topics.order-events\"\nvia = \"resource-policy\"\n",
        text_of("marketplace.toml")
    );
    let mut before = wanted(&[&text]);
    let parting = without(&text, "audit").expect("it can go");
    assert_eq!(parting.accounts, ["audit"]);
    let mut after = parting.after.desired;
    let whole = before.clone();
    let gone = before
        .places
        .iter()
        .find(|it| it.account == "audit")
        .map(|it| it.id.clone())
        .expect("its account");
    before.unreachable.insert(gone.clone());
    after.unreachable.insert(gone.clone());
    let before = before.with_subscriptions_at_topics();
    runs += run(async {
        let base = sandbox_for([&whole]);
        apply(&whole, &base).await;
        let there = base.picture()[gone.as_str()].clone();
        let goes = Command::Depart(&before, &after);
        let runs = sweep("the account is gone", &base, goes, &mut wrong).await;
        let ran = goes.done(&base).await;
        let entered = ran.records.iter().filter(|it| it.at.id == gone);
        assert_eq!(entered.count(), 0, "{}", ran.story());
        assert_eq!(ran.plan().left[0].account, "audit");
        assert_eq!(
            base.picture()[gone.as_str()],
            there,
            "what is there is left"
        );
        let owner = base.picture()["333333333333"].to_string();
        assert!(!owner.contains(gone.as_str()), "{owner}");
        assert_in_step(&after, &base, "the account is gone").await;
        runs
    });
    conclude(runs, &wrong);
}
