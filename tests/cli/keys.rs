//! KMS keys that a stack declares: their policies are written, proved, held against drift, and let go of.

use serde_json::{Value, json};

use super::Folder;

const KEY: &str = "arn:aws:kms:eu-west-1:111111111111:key/11111111-2222-3333-4444-555555555555";
const WORLD: &str = "sb/sandbox.json";

/// A topic and a queue under one key; who publishes is of another account than the key.
const STACK: &str = r#"
[stack]
name   = "case"
region = "eu-west-1"

[accounts.a]
id = "111111111111"

[accounts.b]
id = "222222222222"

[keys.messages]
existing = "arn:aws:kms:eu-west-1:111111111111:key/11111111-2222-3333-4444-555555555555"

[topics.events]
account = "a"
kms_key = "keys.messages"

[queues.inbox]
account    = "a"
subscribe  = "events"
encryption = { kms = "keys.messages" }

[roles.writer]
account    = "b"
trusted_by = "lambda.amazonaws.com"

[roles.reader]
account    = "a"
trusted_by = "lambda.amazonaws.com"

[[access]]
from = "roles.writer"
to   = "topics.events"

[[access]]
from  = "roles.reader"
to    = "queues.inbox"
allow = "receive"
"#;

/// The statements that the key's owner has in its policy: what a key begins with, and an administrator.
fn owner() -> Vec<Value> {
    vec![
        json!({
            "Sid": "Enable IAM User Permissions", "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "kms:*", "Resource": "*",
        }),
        json!({
            "Sid": "Admins", "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::999999999999:role/admin"}, "Action": ["kms:Describe*", "kms:PutKeyPolicy"],
            "Resource": "*",
        }),
    ]
}

fn policy_of(world: &mut Value) -> &mut Value {
    let keys = &mut world["accounts"]["111111111111"]["regions"]["eu-west-1"]["keys"];
    &mut keys["11111111-2222-3333-4444-555555555555"]["policy"]
}

fn world(folder: &Folder) -> Value {
    serde_json::from_str(&folder.read(WORLD)).expect("JSON")
}

/// The statements of the key's policy.
fn statements(folder: &Folder) -> Vec<Value> {
    let text = policy_of(&mut world(folder)).clone();
    let policy: Value = serde_json::from_str(text.as_str().expect("a text")).expect("JSON");
    policy["Statement"].as_array().expect("a list").clone()
}

fn set(folder: &Folder, statements: &[Value]) {
    let mut world = world(folder);
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    *policy_of(&mut world) = json!(policy.to_string());
    folder.write(WORLD, &world.to_string());
}

/// A folder with the stack, and a sandbox with the key under its owner's policy.
fn ground() -> Folder {
    let folder = Folder::new();
    let bare = "[stack]\nname = \"bare\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n[topics.t]\n";
    folder.write("bare.toml", bare);
    folder.run("apply bare.toml --sandbox sb --yes").ends(0);
    let mut world = world(&folder);
    world["accounts"]["111111111111"]["regions"]["eu-west-1"]["keys"] =
        json!({"11111111-2222-3333-4444-555555555555": {"policy": ""}});
    folder.write(WORLD, &world.to_string());
    set(&folder, &owner());
    folder.write("stack.toml", STACK);
    folder
}

fn ours(folder: &Folder) -> Vec<Value> {
    let marked = |it: &Value| {
        it["Sid"]
            .as_str()
            .is_some_and(|it| it.starts_with("Provision"))
    };
    statements(folder).into_iter().filter(marked).collect()
}

#[test]
fn a_declared_keys_policy_lets_in_who_uses_what_it_encrypts() {
    let folder = ground();
    folder
        .run("plan stack.toml --sandbox sb")
        .ends(0)
        .says("keys.messages");
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    // What the owner wrote is there as it was.
    assert_eq!(statements(&folder)[..2], owner()[..]);
    let ours = ours(&folder);
    let find = |principal: Value, action: Value| {
        let found = ours
            .iter()
            .find(|it| it["Principal"] == principal && it["Action"] == action);
        found
            .unwrap_or_else(|| panic!("{principal} {action}: {ours:#?}"))
            .clone()
    };
    let send = json!(["kms:Decrypt", "kms:GenerateDataKey"]);
    let writer = find(
        json!({"AWS": "arn:aws:iam::222222222222:root"}),
        send.clone(),
    );
    assert_eq!(
        writer["Condition"]["ArnLike"]["aws:PrincipalArn"],
        "arn:aws:iam::222222222222:role/provision/case/writer"
    );
    let sns = find(json!({"Service": "sns.amazonaws.com"}), send);
    assert_eq!(
        sns["Condition"]["ArnEquals"]["aws:SourceArn"],
        "arn:aws:sns:eu-west-1:111111111111:events"
    );
    find(
        json!({"AWS": "arn:aws:iam::111111111111:root"}),
        json!("kms:Decrypt"),
    );
    folder
        .run("apply stack.toml --sandbox sb --yes")
        .ends(0)
        .says("Nothing to do");
    // Nothing is left for the owner to write.
    folder
        .run("handover roles.writer stack.toml --sandbox sb")
        .ends(0)
        .says("Nothing: the stack `case` writes both sides of it.");
}

#[test]
fn the_owners_statements_are_drift_until_the_stack_knows_them() {
    let folder = ground();
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    // What a key begins with is nobody's addition; the administrator is.
    let drift = folder.run("drift stack.toml --sandbox sb").ends(2);
    assert!(!drift.out.contains("Enable IAM"), "{}", drift.out);
    let drift = drift.says("keys.messages").says("Admins");
    drop(drift);
    folder
        .run("verify stack.toml --sandbox sb --live")
        .ends(3)
        .says("the policy of keys.messages");
    folder
        .run("drift stack.toml --sandbox sb --accept keys.messages --reason administrators --yes")
        .ends(0);
    folder.run("drift stack.toml --sandbox sb").ends(0);
    folder.run("verify stack.toml --sandbox sb --live").ends(0);
    folder
        .run("apply stack.toml --sandbox sb --yes")
        .ends(0)
        .says("Nothing to do");
    assert_eq!(statements(&folder)[..2], owner()[..]);
}

#[test]
fn what_was_changed_by_hand_is_put_back() {
    let folder = ground();
    set(&folder, &owner()[..1]);
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    folder.run("drift stack.toml --sandbox sb").ends(0);
    let applied = statements(&folder);
    // Without ours the writer cannot publish any more.
    set(&folder, &owner()[..1]);
    folder
        .run("drift stack.toml --sandbox sb")
        .ends(2)
        .says("keys.messages")
        .says("cuts access");
    folder
        .run("verify stack.toml --sandbox sb --live")
        .ends(3)
        .says("does not let");
    folder
        .run("drift stack.toml --sandbox sb --revert keys.messages --yes")
        .ends(0);
    let sorted = |mut it: Vec<Value>| {
        it.sort_by_key(ToString::to_string);
        it
    };
    assert_eq!(sorted(statements(&folder)), sorted(applied));
    folder.run("verify stack.toml --sandbox sb --live").ends(0);
}

#[test]
fn an_access_that_leaves_takes_its_statement_along() {
    let folder = ground();
    set(&folder, &owner()[..1]);
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    let text = without(STACK, "[[access]]\nfrom = \"roles.writer\"");
    folder.write("stack.toml", &text);
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    let names_b = |folder: &Folder| {
        ours(folder)
            .iter()
            .any(|it| it.to_string().contains("222222222222"))
    };
    assert!(!names_b(&folder));
    // A key that is declared no more, and encrypts nothing any more, is left as its owner had it.
    folder.write("stack.toml", STACK);
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    assert!(names_b(&folder));
    folder.write("stack.toml", &plain());
    folder
        .run("apply stack.toml --sandbox sb --yes --close queues.inbox")
        .ends(0);
    assert_eq!(statements(&folder), owner()[..1]);
}

#[test]
fn what_still_encrypts_keeps_the_statements_of_a_key_that_is_declared_no_more() {
    let folder = ground();
    set(&folder, &owner()[..1]);
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    let applied = statements(&folder);
    let text = without(STACK, "[keys.messages]");
    folder.write("stack.toml", &text.replace("keys.messages", KEY));
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    assert_eq!(statements(&folder), applied);
}

#[test]
fn a_destruction_takes_ours_and_nothing_else() {
    let folder = ground();
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    assert!(!ours(&folder).is_empty());
    folder.run("destroy stack.toml --sandbox sb --yes").ends(0);
    assert_eq!(statements(&folder), owner());
}

#[test]
fn a_key_that_is_not_there_is_said_before_anything_is_written() {
    let folder = ground();
    let other = STACK.replace("11111111-2222", "99999999-2222");
    folder.write("stack.toml", &other);
    folder
        .run("apply stack.toml --sandbox sb --yes")
        .ends(1)
        .tells("`keys.messages` is declared `existing`, but nothing is there");
}

/// Access that moves from one consumer to another widens the key's policy before, and narrows it after.
#[test]
fn a_policy_that_lets_in_and_shuts_out_is_written_twice() {
    let folder = ground();
    set(&folder, &owner()[..1]);
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    let other = STACK
        .replace("roles.writer", "roles.other")
        .replace("[roles.other]", "[roles.writer]")
        .replace(
            "[roles.reader]",
            "[roles.other]\naccount = \"b\"\ntrusted_by = \"lambda.amazonaws.com\"\n[roles.reader]",
        );
    folder.write("stack.toml", &other);
    folder
        .run("apply stack.toml --sandbox sb --yes --log calls.jsonl")
        .ends(0);
    let log = folder.read("calls.jsonl");
    let at = |needle: &str| -> Vec<usize> {
        let lines = log.lines().enumerate();
        lines
            .filter(|(_, it)| it.contains(needle))
            .map(|(at, _)| at)
            .collect()
    };
    let (puts, publishes) = (at("PutKeyPolicy"), at("SetTopicAttributes"));
    assert_eq!(puts.len(), 2, "{log}");
    assert!(puts[0] < publishes[0] && publishes[0] < puts[1], "{log}");
    let left = ours(&folder);
    assert!(
        left.iter().all(|it| !it.to_string().contains("/writer")),
        "{left:#?}"
    );
}

/// The stack without the key, and without encryption.
fn plain() -> String {
    let text = STACK
        .replace("kms_key = \"keys.messages\"\n", "")
        .replace("encryption = { kms = \"keys.messages\" }\n", "");
    without(&text, "[keys.messages]")
}

/// A text without what begins so, up to the next empty line.
fn without(text: &str, head: &str) -> String {
    let (before, rest) = text.split_once(head).expect("it is there");
    let after = rest.split_once("\n\n").map_or("", |it| it.1);
    format!("{before}{after}")
}

#[test]
fn an_import_declares_the_key_whose_policy_has_statements_of_the_stack() {
    let folder = ground();
    // Accesses to queues are not read back by an import.
    let text = without(STACK, "[[access]]\nfrom  = \"roles.reader\"");
    folder.write("stack.toml", &text);
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    folder
        .run("import --sandbox sb --stack case --account a=111111111111 --account b=222222222222 --region eu-west-1 --out again.toml")
        .ends(0);
    let text = folder.read("again.toml");
    assert!(text.contains(KEY), "{text}");
    let named = "\"keys.11111111-2222-3333-4444-555555555555\"";
    assert_eq!(text.matches(named).count(), 3, "{text}");
    folder
        .run("plan again.toml --sandbox sb")
        .ends(0)
        .says("Nothing to do");
    folder.run("drift again.toml --sandbox sb").ends(0);
}

#[test]
fn what_is_let_go_of_works_on_as_the_owners() {
    let folder = ground();
    set(&folder, &owner()[..1]);
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    let before = statements(&folder).len();
    folder.write("stack.toml", &plain());
    folder
        .run("forget keys.11111111-2222-3333-4444-555555555555 --stack stack.toml --sandbox sb --yes")
        .ends(0);
    assert_eq!(ours(&folder), [] as [Value; 0]);
    assert_eq!(statements(&folder).len(), before);
    folder
        .run("apply stack.toml --sandbox sb --yes --close queues.inbox")
        .ends(0);
    assert_eq!(statements(&folder).len(), before);
}

#[test]
fn a_revert_takes_what_was_added_and_never_the_accounts_own_leave() {
    let folder = ground();
    set(&folder, &owner()[..1]);
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    let applied = statements(&folder);
    let mut more = applied.clone();
    more.push(json!({
        "Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
        "Action": "kms:Decrypt", "Resource": "*",
    }));
    set(&folder, &more);
    folder
        .run("drift stack.toml --sandbox sb --revert keys.messages --yes")
        .ends(0);
    assert_eq!(statements(&folder), applied);
}

#[test]
fn a_key_that_refuses_a_publisher_of_today_needs_consent() {
    let folder = ground();
    let plain = plain();
    folder.write("stack.toml", &plain);
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    let under = format!("[topics.events]\nkms_key = \"{KEY}\"\n");
    folder.write("stack.toml", &plain.replace("[topics.events]\n", &under));
    folder
        .run("plan stack.toml --sandbox sb")
        .says("0 gained  1 lost")
        .says("- roles.writer may no longer publish to topics.events");
    folder
        .run("apply stack.toml --sandbox sb --yes")
        .ends(1)
        .tells("roles.writer may no longer publish to topics.events")
        .tells("--close topics.events --yes");
    assert!(
        !folder.read(WORLD).contains("\"KmsMasterKeyId\": \"arn"),
        "nothing was changed"
    );
    folder
        .run("apply stack.toml --sandbox sb --yes --close topics.events")
        .ends(0);
    // SNS is refused as a publisher is: what it delivers to the queue would be lost.
    let queue = format!("kms_key = \"{KEY}\"\n");
    let queue = plain
        .replace("[topics.events]\n", &format!("[topics.events]\n{queue}"))
        .replace(
            "subscribe  = \"events\"\n",
            &format!("subscribe  = \"events\"\nencryption = {{ kms = \"{KEY}\" }}\n"),
        );
    folder.write("stack.toml", &queue);
    folder
        .run("apply stack.toml --sandbox sb --yes")
        .ends(1)
        .tells("SNS may no longer deliver to queues.inbox")
        .tells("--close queues.inbox --yes");
}

#[test]
fn a_queue_whose_key_goes_keeps_its_messages_readable_or_asks() {
    let folder = ground();
    set(&folder, &owner()[..1]);
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
    let off = |earlier: &str| {
        STACK.replace(
            "encryption = { kms = \"keys.messages\" }",
            &format!("encryption = \"sqs\"\n{earlier}"),
        )
    };
    folder.write("stack.toml", &off(""));
    folder
        .run("apply stack.toml --sandbox sb --yes")
        .ends(1)
        .tells("roles.reader may no longer receive the messages that are in queues.inbox now")
        .tells("earlier_keys = ")
        .tells("--close queues.inbox --yes");
    folder.write("stack.toml", &off("earlier_keys = \"keys.messages\""));
    folder
        .run("apply stack.toml --sandbox sb --yes")
        .ends(0)
        .says("0 lost");
    folder
        .run("plan stack.toml --sandbox sb")
        .says("Nothing to do");
    folder.run("verify stack.toml --sandbox sb --live").ends(0);
    folder.run("drift stack.toml --sandbox sb").ends(0);
    // Once the messages are gone, so is the line.
    folder.write("stack.toml", &off(""));
    folder
        .run("apply stack.toml --sandbox sb --yes")
        .ends(0)
        .says("kms:Decrypt");
    folder.run("verify stack.toml --sandbox sb --live").ends(0);
}
