//! The policies of KMS keys: whatever befalls a run, nobody uses what a key encrypts without leave of the key.

use provision::cloud::{Sandbox, kms};
use provision::lower::Desired;

use crate::operator::send;
use crate::sweep::{conclude, sweep};
use crate::world::{Command, apply, assert_in_step, run, sandbox_for, wanted};

const OWNER: &str = "111111111111";
const KEY: &str = "arn:aws:kms:eu-west-1:111111111111:key/mrk-1234abcd12ab34cd56ef1234567890ab";

/// A topic and a queue under one key, with these publishers of another account.
fn stack(publishers: &[&str]) -> Desired {
    let mut text = format!(
        "[stack]\nname = \"case\"\nregion = \"eu-west-1\"\n[accounts.own]\nid = \"{OWNER}\"\n\
         [accounts.far]\nid = \"222222222222\"\n[keys.k]\nexisting = \"{KEY}\"\n\
         [topics.t]\naccount = \"own\"\nkms_key = \"keys.k\"\n\
         [queues.q]\naccount = \"far\"\nsubscribe = \"t\"\nencryption = {{ kms = \"keys.k\" }}\n"
    );
    for it in publishers {
        text += &format!(
            "[roles.{it}]\naccount = \"far\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
             [[access]]\nfrom = \"roles.{it}\"\nto = \"topics.t\"\n"
        );
    }
    wanted(&[&text])
}

async fn policy(sandbox: &Sandbox) -> String {
    let key = KEY.to_owned();
    send(sandbox, OWNER, kms::GetKeyPolicy { key }).await
}

#[test]
fn a_run_that_goes_wrong_at_any_call_arrives_with_the_next() {
    let (one, other) = (stack(&["a", "b"]), stack(&["b", "c"]));
    let mut wrong = Vec::new();
    let runs = run(async {
        let base = sandbox_for([&one]);
        let first = policy(&base).await;
        let mut runs = sweep("it is made", &base, Command::Apply(&one), &mut wrong).await;
        apply(&one, &base).await;
        assert_in_step(&one, &base, "it is made").await;
        let changes = Command::Apply(&other);
        runs += sweep("one comes, one goes", &base, changes, &mut wrong).await;
        apply(&other, &base).await;
        assert_in_step(&other, &base, "one comes, one goes").await;
        let ends = Command::Destroy(&other);
        runs += sweep("it is destroyed", &base, ends, &mut wrong).await;
        ends.done(&base).await;
        assert_eq!(
            policy(&base).await,
            first,
            "the owner's policy is as it was"
        );
        runs
    });
    conclude(runs, &wrong);
}

/// Who publishes is let in by the key before by the topic, and shut out after.
#[test]
fn a_key_lets_in_first_and_shuts_out_last() {
    let (one, other) = (stack(&["a"]), stack(&["b"]));
    run(async {
        let sandbox = sandbox_for([&one]);
        apply(&one, &sandbox).await;
        let ran = Command::Apply(&other).with(&sandbox, []).await;
        let mut records = ran.records.clone();
        records.retain(|it| it.writes);
        records.sort_by_key(|it| it.number);
        let of = |action: &str| -> Vec<usize> {
            let all = records.iter().enumerate();
            let these = all.filter(|(_, it)| it.action == action);
            these.map(|(at, _)| at).collect()
        };
        let (keys, topics) = (of("PutKeyPolicy"), of("SetTopicAttributes"));
        assert_eq!(keys.len(), 2, "{}", ran.story());
        assert!(
            topics.iter().all(|it| keys[0] < *it && *it < keys[1]),
            "{}",
            ran.story()
        );
    });
}
