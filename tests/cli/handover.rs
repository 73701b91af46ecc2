//! What a consumer is handed: names, policies, and programs that their own languages can read.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Folder, Ran};

/// Consumers outside the stack, by each of the ways in which an access names them.
const OUTSIDE: &str = r#"
[stack]
name   = "market"
region = "eu-west-1"

[accounts.orders]
id = "333333333333"

[roles.own]
trusted_by = "ec2.amazonaws.com"

[apis.orders.routes]
"GET /orders/{id}"       = { mock = 200 }
"GET /orders/{id}/notes" = { mock = 200 }
"PUT /orders/{id}"       = { mock = 200 }

[apis.hidden]
endpoint            = "private"
vpc_endpoints       = "vpce-0123456789abcdef0"
disable_execute_api = true

[apis.hidden.routes]
"GET /a" = { mock = 200 }

[topics.events]
fifo    = true
kms_key = "alias/events"

[topics.news]
fifo                        = true
content_based_deduplication = true

[topics.theirs]
existing = "arn:aws:sns:eu-west-1:888888888888:theirs"

[queues.inbox]
fifo       = true
encryption = { kms = "alias/inbox" }
subscribe  = [
  { topic = "events", filter = { kind = ["a'b"] } },
  "arn:aws:sns:eu-west-1:888888888888:theirs.fifo",
]

[[access]]
from        = "arn:aws:iam::555555555555:role/partners/writer"
to          = "apis.orders"
allow       = ["PUT /orders/{id}", "GET /orders/*/notes"]
via         = "assume-role"
external_id = "orders:7/@=,.+-"

[[access]]
from = "arn:aws:iam::555555555555:role/partners/writer"
to   = "topics.events"
via  = "resource-policy"

[[access]]
from = { account = "666666666666", role_prefix = "batch/import-" }
to   = "topics.news"
via  = "assume-role"

[[access]]
from  = { account = "666666666666" }
to    = "apis.hidden"
allow = "GET /a"
via   = "resource-policy"

[[access]]
from = "roles.own"
to   = "topics.theirs"
via  = "resource-policy"
"#;

/// Consumers that use queues: they send, receive, or both, and each way.
const QUEUES: &str = r#"
[stack]
name   = "queues"
region = "eu-west-1"

[accounts.a]
id = "111111111111"

[accounts.b]
id = "222222222222"

[queues.jobs]
account = "a"

[queues.locked]
account    = "a"
encryption = { kms = "alias/locked" }

[queues.ordered]
account = "a"
fifo    = true

[queues.by-content]
account                     = "a"
fifo                        = true
content_based_deduplication = true

[roles.sender]
account    = "b"
trusted_by = "lambda.amazonaws.com"

[roles.both]
account    = "b"
trusted_by = "lambda.amazonaws.com"

[roles.reader]
account    = "a"
trusted_by = "lambda.amazonaws.com"

[roles.assuming]
account    = "b"
trusted_by = "lambda.amazonaws.com"

[[access]]
from = "roles.sender"
to   = "queues.jobs"

[[access]]
from = "roles.sender"
to   = "queues.ordered"

[[access]]
from = "roles.sender"
to   = "queues.by-content"

[[access]]
from = "roles.sender"
to   = "queues.locked"

[[access]]
from  = "roles.both"
to    = "queues.jobs"
allow = ["send", "receive"]

[[access]]
from  = "roles.reader"
to    = "queues.jobs"
allow = "receive"

[[access]]
from  = "roles.assuming"
to    = "queues.ordered"
allow = ["send", "receive"]
via   = "assume-role"

[[access]]
from        = "arn:aws:iam::777777777777:role/o"
to          = "queues.jobs"
via         = "assume-role"
external_id = "abc"
"#;

const LANGUAGES: [&str; 4] = ["python", "cli", "rust", "javascript"];
const WRITER: &str = "arn:aws:iam::555555555555:role/partners/writer";

fn ground() -> Folder {
    let folder = Folder::with_stacks();
    folder.write("provision.toml", OUTSIDE);
    // The owner of `theirs.fifo` has not let the queue subscribe yet.
    folder.run("apply --sandbox --yes").ends(4);
    folder
        .run("apply stacks/marketplace.toml --sandbox --yes")
        .ends(0);
    folder.write("queues.toml", QUEUES);
    folder.run("apply queues.toml --sandbox --yes").ends(0);
    folder
}

fn handover(folder: &Folder, words: &str) -> Ran {
    folder.run(&format!("handover {words} --sandbox"))
}

#[test]
fn a_role_of_the_stack_is_told_what_to_call_and_as_whom() {
    let folder = ground();
    let page = handover(&folder, "refunds stacks/marketplace.toml").ends(0);
    let url = folder
        .run("output stacks/marketplace.toml --sandbox --raw apis.orders.url")
        .out;
    page.says("# Handover: roles.refunds")
        .says("`POST /orders/{id}/refunds` of `apis.orders`")
        .says(&format!("- URL: `{}`", url.trim()))
        .says("role/provision/marketplace/marketplace-orders-for-refunds`")
        .says("Nothing: the stack `marketplace` writes both sides")
        .says("queues.billing-inbox receives only what has")
        .says("client.py publish-order-events '{\"id\":\"17\"}' type=created");
}

#[test]
fn a_consumer_may_be_named_in_every_way_the_stack_knows_it() {
    let folder = ground();
    let run = |name: &str| handover(&folder, &format!("{name} stacks/marketplace.toml --json"));
    let whole = run("roles.refunds").ends(0).out;
    assert_eq!(run("refunds").ends(0).out, whole);
    let arn = "arn:aws:iam::222222222222:role/provision/marketplace/refunds";
    assert_eq!(run(arn).ends(0).out, whole);
    let queue = run("queues.billing-inbox").ends(0).out;
    assert_eq!(run("billing-inbox").ends(0).out, queue);
}

#[test]
fn a_name_that_is_no_consumer_is_answered_with_those_that_are() {
    let folder = ground();
    for (name, words) in [
        ("refund", "did you mean `refunds`?"),
        ("roles.refnds", "did you mean `roles.refunds`?"),
        (
            "apis.orders",
            "name one of them: roles.checkout, roles.invoicer, roles.refunds",
        ),
        (
            "topics.order-events",
            "name one of them: roles.checkout, roles.refunds",
        ),
        ("444444444444", "there are queues.billing-dead-letters"),
        (
            "arn:aws:iam::444444444444:role/x",
            "no consumer of this stack",
        ),
        (
            "arn:aws:sns:eu-west-1:333333333333:order-events",
            "no consumer of this stack",
        ),
    ] {
        let ran = handover(&folder, &format!("{name} stacks/marketplace.toml")).ends(1);
        assert_eq!(ran.out, "");
        ran.tells(words);
    }
    let idle = "[roles.idle]\naccount = \"shop\"\ntrusted_by = \"ec2.amazonaws.com\"\n";
    folder.write("idle.toml", idle);
    handover(&folder, "idle stacks/marketplace.toml --with idle.toml")
        .ends(1)
        .tells(
            "`roles.idle` may do nothing yet: write an `[[access]]` with `from = \"roles.idle\"`",
        );
}

#[test]
fn nothing_is_handed_over_that_is_not_there() {
    let folder = Folder::with_stacks();
    let ran = handover(&folder, "refunds stacks/marketplace.toml --only python").ends(1);
    assert_eq!(ran.out, "");
    ran.tells("apis.orders")
        .tells("are not there yet")
        .tells("provision apply stacks/marketplace.toml --sandbox");
}

#[test]
fn what_this_stack_may_not_write_comes_as_a_policy_and_as_lines_of_a_stack() {
    let folder = ground();
    let document = handover(&folder, &format!("{WRITER} --json"))
        .ends(0)
        .document();
    assert_eq!(document["schema"], "provision.handover/1");
    assert_eq!(document["consumer"]["account_id"], "555555555555");
    let edge = &document["edges"][0];
    assert_eq!(edge["assume"]["external_id"], "orders:7/@=,.+-");
    assert_eq!(edge["example"]["path"], "/orders/17/notes");
    let attach = document["attach"].as_array().expect("a list");
    // The last is for the owner of the topic's key.
    assert_eq!(attach.len(), 3, "{attach:#?}");
    assert_eq!(attach[2]["to"]["kind"], "key-policy");
    let allows = |it: &Value, action: &str, resource: &Value| {
        let statement = &it["policy"]["Statement"][0];
        assert_eq!(statement["Action"], action);
        assert_eq!(statement["Resource"], *resource);
    };
    allows(&attach[0], "sts:AssumeRole", &edge["assume"]["role_arn"]);
    let topic = &document["edges"][1]["topic_arn"];
    allows(&attach[1], "sns:Publish", topic);

    // The lines are a stack's.
    let head = "[stack]\nname = \"partners\"\nregion = \"eu-west-1\"\n\n\
                [accounts.partners]\nid = \"555555555555\"\n\n";
    for (number, it) in attach[..2].iter().enumerate() {
        assert_eq!(it["to"]["arn"], WRITER);
        let name = format!("partners-{number}.toml");
        let lines = it["toml"].as_str().expect("a text");
        folder.write(&name, &format!("{head}{lines}"));
        folder.run(&format!("validate {name}")).ends(0);
    }
}

#[test]
fn an_account_is_told_of_each_of_its_roles_and_its_policies_have_no_holes() {
    let folder = ground();
    let run = |name: &str| {
        let ran = handover(&folder, &format!("{name} --json")).ends(0);
        ran.document()
    };
    let document = run("666666666666");
    let edges = document["edges"].as_array().expect("a list");
    assert_eq!(edges.len(), 2);
    assert_eq!(
        edges[0]["who"],
        "every role whose path and name begin with `batch/import-`"
    );
    assert_eq!(edges[1]["url"], Value::Null);
    let policies = document["attach"].to_string();
    assert!(!policies.contains("${provision:"), "{policies}");
    // One of its roles is let by both: what is for it alone, and what is for all.
    for (role, count) in [("batch/import-7", 2), ("other", 1)] {
        let document = run(&format!("arn:aws:iam::666666666666:role/{role}"));
        assert_eq!(document["edges"].as_array().map(Vec::len), Some(count));
    }
}

#[test]
fn the_owner_of_a_topic_elsewhere_is_told_as_well() {
    let folder = ground();
    for consumer in ["own", "inbox"] {
        let ran = handover(&folder, &format!("{consumer} --json")).ends(0);
        let document = ran.document();
        let attach = document["attach"].as_array().expect("a list");
        let theirs = attach.iter().any(|it| it["to"]["kind"] == "topic-policy");
        assert!(theirs, "{consumer}: {attach:#?}");
    }
}

#[test]
fn sending_to_a_queue_is_an_edge_as_publishing_is() {
    let folder = ground();
    let document = |name: &str| {
        let ran = handover(&folder, &format!("{name} queues.toml --json"));
        ran.ends(0).document()
    };
    let edges = |name: &str| -> Vec<Value> {
        let document = document(name);
        let edges = document["edges"].as_array().expect("edges").clone();
        // None is without a function in any language.
        for language in LANGUAGES {
            let client = document["clients"][language].as_str().expect("a client");
            for edge in &edges {
                let word = edge["word"].as_str().expect("a word");
                let function = word.replace('-', "_");
                let named = client.replace('_', "").to_lowercase();
                let times = named.matches(&function.replace('_', "")).count();
                assert!(times >= 2, "{name}, {language}: {word}");
                assert!(client.contains(&format!(" {word}")), "{client}");
            }
        }
        edges
    };
    let sent = edges("sender");
    let url = "https://sqs.eu-west-1.amazonaws.com/111111111111/jobs";
    assert_eq!(
        sent[0],
        serde_json::json!({
            "kind": "send", "word": "send-jobs", "target": "queues.jobs", "region": "eu-west-1",
            "queue_arn": "arn:aws:sqs:eu-west-1:111111111111:jobs", "url": url,
            "fifo": false, "content_based_deduplication": null, "who": null, "assume": null,
            "example": {"message": "{\"id\":\"17\"}", "attributes": {}},
        })
    );
    let deduplicates = |it: &Value| it["content_based_deduplication"].clone();
    assert_eq!(deduplicates(&sent[1]), false);
    assert_eq!(deduplicates(&sent[2]), true);
    // The key's owner has to let the sender use it.
    let attach = &document("sender")["attach"][0];
    assert_eq!(attach["to"]["kind"], "key-policy");
    assert_eq!(
        attach["why"],
        "so that roles.sender can send to queues.locked"
    );

    let words = |name: &str| -> Vec<String> {
        let edges = edges(name);
        let words = edges.iter().map(|it| it["word"].to_string());
        words.map(|it| it.trim_matches('"').to_owned()).collect()
    };
    assert_eq!(words("both"), ["send-jobs", "receive-jobs"]);
    assert_eq!(words("reader"), ["receive-jobs"]);
    assert_eq!(words("assuming"), ["send-ordered", "receive-ordered"]);
    assert_eq!(words("queues.jobs"), ["receive-jobs"]);
    for edge in edges("assuming") {
        let role = edge["assume"]["role_arn"].as_str().expect("a role");
        assert!(
            role.starts_with("arn:aws:iam::111111111111:role/"),
            "{role}"
        );
    }
    let theirs = edges("arn:aws:iam::777777777777:role/o");
    assert_eq!(theirs[0]["word"], "send-jobs");
    assert_eq!(theirs[0]["assume"]["external_id"], "abc");

    let page = handover(&folder, "both queues.toml").ends(0);
    page.says("1. Send to `queues.jobs`")
        .says(&format!("   - URL: `{url}`"))
        .says("2. Receive from `queues.jobs`")
        .says("client.py send-jobs '{\"id\":\"17\"}'");
    let page = handover(&folder, "sender queues.toml").ends(0);
    page.says("   - FIFO: each message has a group and a deduplication id")
        .says("client.py send-ordered GROUP '{\"id\":\"17\"}'");
}

/// Whether a program is on this machine.
fn has(program: &str) -> bool {
    let mut command = Command::new(program);
    command
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|it| it.success())
}

#[test]
fn every_client_is_a_program_of_its_language() {
    let folder = ground();
    let checks: [(&str, &str, &[&str]); 3] = [
        ("cli", "bash", &["-n", "client.cli"]),
        ("python", "python3", &["-m", "py_compile", "client.python"]),
        ("javascript", "node", &["--check", "client.mjs"]),
    ];
    for consumer in [
        WRITER,
        "666666666666",
        "own",
        "inbox",
        "refunds stacks/marketplace.toml",
        "checkout stacks/marketplace.toml",
        "billing-inbox stacks/marketplace.toml",
        "sender queues.toml",
        "both queues.toml",
        "reader queues.toml",
        "assuming queues.toml",
        "jobs queues.toml",
        "arn:aws:iam::777777777777:role/o queues.toml",
        "777777777777 queues.toml",
    ] {
        for language in LANGUAGES {
            let ran = handover(&folder, &format!("{consumer} --only {language}")).ends(0);
            assert_eq!(ran.err, "");
            assert!(!ran.out.contains(['«', '»']), "{}", ran.out);
            assert!(!ran.out.lines().any(|it| it.ends_with(' ')), "{}", ran.out);
            let end = if language == "javascript" {
                "mjs"
            } else {
                language
            };
            folder.write(&format!("client.{end}"), &ran.out);
        }
        for (language, program, words) in checks {
            if program != "bash" && !has(program) {
                continue;
            }
            let output = folder.command(program).args(words).output();
            let output = output.expect("it runs");
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{language} for {consumer}: {told}");
        }
        // Without a word the script says what it can do, calls nothing, and fails.
        let idle = folder.command("bash").arg("client.cli").output();
        let idle = idle.expect("bash runs");
        assert_eq!(idle.status.code(), Some(1));
        let told = String::from_utf8_lossy(&idle.stderr);
        assert!(told.starts_with("usage:\n  bash client.sh "), "{told}");
    }
}

/// Texts that would end a literal, or be read again, were they not quoted.
const NASTY: [&str; 12] = [
    "",
    "plain",
    "it's \"quoted\"",
    "back\\slash\\",
    "line\nbreak\r\tand tab",
    "$HOME `id` $(id) ${x} !x",
    "'''\"\"\"",
    "«NAME»",
    "naïve 日本 🦀 \u{2028}",
    "*/ // # --",
    "-n --option=x",
    "\u{7f}\u{80}\u{1}",
];

#[test]
fn a_literal_is_read_back_as_it_was() {
    use provision::escape::language;
    let folder = Folder::new();
    let read = |program: &str, text: &str| -> Option<String> {
        if !has(program) {
            return None;
        }
        folder.write("literals", text);
        let output = folder.command(program).arg("literals").output();
        let output = output.expect("it runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        Some(String::from_utf8(output.stdout).expect("UTF-8"))
    };
    let list = |quoted: fn(&str) -> String| {
        let texts: Vec<String> = NASTY.iter().map(|it| quoted(it)).collect();
        texts.join(", ")
    };
    let wanted: Vec<Value> = NASTY.iter().map(|it| Value::from(*it)).collect();
    let python = format!(
        "import json\nprint(json.dumps([{}]))",
        list(language::python)
    );
    let node = format!(
        "console.log(JSON.stringify([{}]))",
        list(language::javascript)
    );
    let backs = [read("python3", &python), read("node", &node)];
    for json in backs.into_iter().flatten() {
        let back: Vec<Value> = serde_json::from_str(&json).expect("a list");
        assert_eq!(back, wanted);
    }
    let words: Vec<String> = NASTY.iter().map(|it| language::shell(it)).collect();
    let shell = format!("printf '%s\\0' {}", words.join(" "));
    let back = read("bash", &shell).expect("bash runs");
    let back: Vec<&str> = back.split('\0').collect();
    assert_eq!(back[..NASTY.len()], NASTY);
}

#[test]
fn the_clients_that_are_compiled_are_those_that_are_printed() {
    let folder = Folder::new();
    let clients = std::path::Path::new(super::ROOT).join("tests/access/clients");
    let stack = std::fs::read_to_string(clients.join("stack.toml")).expect("the stack");
    folder.write("stack.toml", &stack);
    folder.run("apply stack.toml --sandbox --yes").ends(0);
    for consumer in ["till", "inbox", "raw", "ordered"] {
        let words = format!("handover {consumer} stack.toml --sandbox --only rust");
        let printed = folder.run(&words).ends(0).out;
        let file = clients.join(format!("{consumer}.rs"));
        if super::rewrites() {
            std::fs::write(&file, &printed).expect("a client");
        }
        let compiled = std::fs::read_to_string(&file).expect("a client");
        assert_eq!(
            printed, compiled,
            "run with PROVISION_REWRITE=1, then read {consumer}.rs"
        );
    }
}

const ENCRYPTED: &str = r#"
[stack]
name   = "case"
region = "eu-west-1"

[accounts.a]
id = "111111111111"

[accounts.b]
id = "222222222222"

[topics.events]
account = "a"
kms_key = "arn:aws:kms:eu-west-1:111111111111:key/11111111-2222-3333-4444-555555555555"

[queues.inbox]
account    = "b"
subscribe  = "events"
encryption = { kms = "alias/inbox" }

[roles.writer]
account    = "b"
trusted_by = "lambda.amazonaws.com"

[[access]]
from = "roles.writer"
to   = "topics.events"
via  = "resource-policy"
"#;

#[test]
fn a_publisher_to_an_encrypted_topic_is_handed_what_the_keys_owner_must_write() {
    let folder = Folder::new();
    folder.write("provision.toml", ENCRYPTED);
    let applied = folder.run("apply --sandbox --yes").ends(0);
    applied
        .says("+ allow kms:Decrypt, kms:GenerateDataKey on")
        .says("needs these statements in its key policy, so that roles.writer can publish to topics.events:")
        .says("arn:aws:kms:eu-west-1:222222222222:alias/inbox needs these statements in its key policy, so that SNS can deliver to queues.inbox:");
    let page = handover(&folder, "roles.writer").ends(0);
    assert!(!page.out.contains("Nothing"), "{}", page.out);
    let document = handover(&folder, "roles.writer --json").ends(0).document();
    let attach = &document["attach"][0];
    assert_eq!(attach["to"]["kind"], "key-policy");
    let statement = &attach["policy"]["Statement"][0];
    assert_eq!(
        statement["Action"],
        serde_json::json!(["kms:Decrypt", "kms:GenerateDataKey"])
    );
    assert_eq!(
        statement["Condition"]["ArnLike"]["aws:PrincipalArn"],
        "arn:aws:iam::222222222222:role/provision/case/writer"
    );
    assert_eq!(statement["Resource"], "*");

    // Whoever receives needs the key too, and SNS to deliver.
    let document = handover(&folder, "queues.inbox --json").ends(0).document();
    let attach = document["attach"].as_array().expect("policies");
    let receiving = attach[0]["policy"]["Statement"]
        .as_array()
        .expect("statements");
    assert_eq!(receiving[1]["Action"], "kms:Decrypt");
    assert_eq!(
        receiving[1]["Condition"]["ForAnyValue:StringEquals"]["kms:ResourceAliases"],
        "alias/inbox"
    );
    assert_eq!(
        attach[1]["to"]["arn"],
        "arn:aws:kms:eu-west-1:222222222222:alias/inbox"
    );
    assert_eq!(
        attach[1]["policy"]["Statement"][0]["Principal"]["Service"],
        "sns.amazonaws.com"
    );
}

#[test]
fn a_key_whose_policy_is_read_settles_what_is_missing() {
    let folder = Folder::new();
    folder.write("provision.toml", ENCRYPTED);
    folder.run("apply --sandbox --yes").ends(0);
    let file = folder.path(".provision/sandbox.json");
    let text = std::fs::read_to_string(&file).expect("the sandbox");
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111111111111:root","arn:aws:iam::222222222222:root"]},"Action":"kms:*","Resource":"*"}]}"#;
    let mut world: Value = serde_json::from_str(&text).expect("JSON");
    world["accounts"]["111111111111"]["regions"]["eu-west-1"]["keys"] =
        serde_json::json!({"11111111-2222-3333-4444-555555555555": {"policy": policy}});
    std::fs::write(&file, world.to_string()).expect("it is written");
    handover(&folder, "roles.writer")
        .ends(0)
        .says("Nothing: the stack `case` writes both sides of it.");
    let verified = folder.run("verify --sandbox --json").ends(0).document();
    let claims = verified["claims"].as_array().expect("claims");
    let claim = claims
        .iter()
        .find(|it| it["claim"] == "roles.writer may publish to topics.events");
    assert_eq!(claim.expect("the claim")["outcome"], "proved");
}

#[test]
fn a_policy_that_is_handed_over_has_the_apis_id_or_says_when_it_will() {
    let folder = Folder::new();
    folder.write(
        "provision.toml",
        r#"
[stack]
name   = "case"
region = "eu-west-1"

[accounts.a]
id = "111111111111"

[apis.orders]
routes = { "GET /orders" = { mock = 200 } }

[[access]]
from  = { account = "333333333333", role_prefix = "partner-" }
to    = "apis.orders"
allow = "GET /orders"
via   = "resource-policy"
"#,
    );
    let first = folder
        .run("plan --sandbox")
        .ends(0)
        .says("AWS chooses the id of apis.orders when it is made")
        .says("`provision handover` prints it");
    assert!(!first.out.contains("${"), "{}", first.out);
    let document = folder.run("plan --sandbox --json").ends(0).document();
    assert_eq!(document["handovers"][0]["policy"], Value::Null);
    assert_eq!(
        document["handovers"][0]["waits_for"],
        serde_json::json!(["apis.orders"])
    );

    let applied = folder.run("apply --sandbox --yes").ends(0);
    let id = folder.run("output --sandbox --raw apis.orders.id").out;
    let resource = format!(
        "arn:aws:execute-api:eu-west-1:111111111111:{}/live/GET/orders",
        id.trim()
    );
    assert!(!applied.out.contains("${"), "{}", applied.out);
    assert!(applied.out.contains(&resource), "{}", applied.out);
    folder.run("plan --sandbox").ends(0).says(&resource);
    for command in ["plan --sandbox --json", "apply --sandbox --yes --json"] {
        let document = folder.run(command).ends(0).document();
        let statement = &document["handovers"][0]["policy"]["Statement"][0];
        assert_eq!(statement["Resource"], resource, "{command}");
    }
}

#[test]
fn every_document_says_that_an_organizations_policies_were_not_read() {
    let folder = Folder::new();
    folder.write("provision.toml", ENCRYPTED);
    for command in [
        "plan --sandbox",
        "apply --sandbox --yes",
        "verify --sandbox",
        "drift --sandbox",
        "who-can sns:Publish topics.events --sandbox",
    ] {
        let ran = folder.run(command);
        let times = ran.err.matches("SCPs and RCPs").count();
        assert_eq!(times, 1, "{command}: {}", ran.err);
        let document = folder.run(&format!("{command} --json")).document();
        assert_eq!(document["organization_policies"], "not_read", "{command}");
    }
}
