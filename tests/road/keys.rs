//! The policies of KMS keys: whatever befalls a run, nobody uses what a key encrypts without leave of the key.

use provision::cloud::seam::{FaultRule, Trouble};
use provision::cloud::{Sandbox, kms};
use provision::lower::Desired;
use provision::lower::keys::SENDING;
use provision::policy::{Decision, Document, Policies, Request, Who, decide};
use serde_json::Value;

use crate::operator::send;
use crate::reached::fields;
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

const OTHER: &str = "arn:aws:kms:eu-west-1:111111111111:key/5678abcd-12ab-34cd-56ef-1234567890ab";

/// A topic that a role publishes to and a queue that another sends to and receives from, under these settings.
fn encrypted(topic: &str, queue: &str) -> Desired {
    let used = |who: &str, via: &str| {
        format!(
            "[[access]]\nfrom = \"roles.{who}\"\nto = \"topics.t\"\n{via}\
             [[access]]\nfrom = \"roles.{who}\"\nto = \"queues.q\"\nallow = [\"send\", \"receive\"]\n{via}"
        )
    };
    let text = format!(
        "[stack]\nname = \"case\"\nregion = \"eu-west-1\"\n[accounts.own]\nid = \"{OWNER}\"\n\
         [accounts.far]\nid = \"222222222222\"\n[keys.k]\nexisting = \"{KEY}\"\n[keys.l]\nexisting = \"{OTHER}\"\n\
         [roles.w]\naccount = \"far\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
         [roles.x]\naccount = \"far\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
         [topics.t]\naccount = \"own\"\n{topic}\n[queues.q]\naccount = \"own\"\n{queue}\n{}{}",
        used("w", ""),
        used("x", "via = \"assume-role\"\n")
    );
    wanted(&[&text])
}

/// What the users of the topic and the queue may not do with a key that encrypts them now, or that messages are under.
async fn refused(sandbox: &Sandbox, messages_under: &[&str]) -> Vec<String> {
    let picture = sandbox.picture();
    let region = &picture[OWNER]["regions"]["eu-west-1"];
    let key_of = |it: &Value| {
        it["attributes"]["KmsMasterKeyId"]
            .as_str()
            .map(str::to_owned)
    };
    let (topic, queue) = (
        key_of(&region["topics"]["t"]),
        key_of(&region["queues"]["q"]),
    );
    let sending = |key: Option<&String>| {
        let key = key.filter(|it| !it.is_empty()).into_iter();
        key.flat_map(|key| SENDING.map(|it| (key.clone(), it)))
            .collect::<Vec<_>>()
    };
    let messages = messages_under.iter();
    let messages = messages.map(|it| ((*it).to_owned(), "kms:Decrypt"));
    let of_topic = sending(topic.as_ref());
    let of_queue: Vec<_> = messages.chain(sending(queue.as_ref())).collect();
    let mut found = Vec::new();
    let roles = ["222222222222", OWNER].map(|it| fields(&picture[it]["roles"]));
    let roles = roles.into_iter().flatten();
    // Of the role that assumes others, those are asked that it assumes.
    for (name, role) in roles.filter(|(it, _)| *it != "x") {
        let inline = fields(&role["inline"]);
        let identity =
            inline.map(|(_, it)| Document::parse(it.as_str().expect("a text")).expect("a policy"));
        let identity: Vec<Document> = identity.collect();
        // Each access role is for one of the two.
        let needs = [(&of_topic, "case-q"), (&of_queue, "case-t")];
        let needs = needs.iter().filter(|(_, other)| !name.starts_with(other));
        for (key, action) in needs.flat_map(|(it, _)| *it) {
            let text = send(sandbox, OWNER, kms::GetKeyPolicy { key: key.clone() }).await;
            let policies = Policies {
                identity: identity.clone(),
                resource: Some(Document::parse(&text).expect("a policy")),
                ..Policies::default()
            };
            let who = Who::Arn(role["arn"].as_str().expect("an ARN").to_owned());
            let request = Request::new(who, *action, key);
            if decide(&request, &policies).decision != Decision::Allow {
                found.push(format!("{name} may not {action} on {key}"));
            }
        }
    }
    found
}

/// Changes the settings of the topic and the queue, stopping after each call.
fn never_refused(from: (&str, &str), to: (&str, &str), messages_under: &[&str]) {
    let (from, to) = (encrypted(from.0, from.1), encrypted(to.0, to.1));
    run(async {
        let base = sandbox_for([&from, &to]);
        apply(&from, &base).await;
        assert_eq!(refused(&base, messages_under).await, [""; 0], "before");
        let whole = base.fork();
        let ran = apply(&to, &whole).await;
        assert_in_step(&to, &whole, "after the change").await;
        assert_eq!(refused(&whole, messages_under).await, [""; 0], "after");
        let mut wrong = Vec::new();
        for record in ran.records.iter().filter(|it| it.writes) {
            let sandbox = base.fork();
            let rule = FaultRule::at(record.number, Trouble::StopAfter);
            Command::Apply(&to).with(&sandbox, [rule]).await;
            let now = refused(&sandbox, messages_under).await;
            wrong.extend(now.iter().map(|it| format!("after {record}: {it}")));
            apply(&to, &sandbox).await;
            assert_in_step(&to, &sandbox, "after the second run").await;
        }
        let calls: Vec<String> = ran.records.iter().map(ToString::to_string).collect();
        assert!(wrong.is_empty(), "{wrong:#?}\ncalls: {calls:#?}");
    });
}

const BY_K: (&str, &str) = ("kms_key = \"keys.k\"", "encryption = { kms = \"keys.k\" }");

#[test]
fn a_key_comes_after_the_permissions_on_it_and_goes_before_them() {
    never_refused(("", ""), BY_K, &[]);
    never_refused(BY_K, ("", ""), &[]);
}

#[test]
fn between_two_keys_both_may_be_used() {
    let by_l = ("kms_key = \"keys.l\"", "encryption = { kms = \"keys.l\" }");
    never_refused(BY_K, by_l, &[]);
}

#[test]
fn who_receives_keeps_the_key_that_messages_are_under() {
    let off = ("", "encryption = \"off\"\nearlier_keys = \"keys.k\"");
    never_refused(BY_K, off, &[KEY]);
    let by_l = (
        "kms_key = \"keys.l\"",
        "encryption = { kms = \"keys.l\" }\nearlier_keys = [\"keys.k\"]",
    );
    never_refused(BY_K, by_l, &[KEY]);
}
