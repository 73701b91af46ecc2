//! Getting into accounts, and being kept out of them.
//!
//! Whoever is kept out must read which account it was, by which role, and what
//! to do; and nothing may have been changed.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use provision::aws::Keys;
use provision::model::Arn;
use serde_json::{Value, json};

use crate::caller::Wire;
use crate::emulator::Emulator;
use crate::ground::{OPERATOR, bare_provision, run_provision, told};

const SHOP: &str = "111111111111";
const ORDERS: &str = "333333333333";

/// A stack over two accounts; `shop` and `orders` are what else is said of them.
pub(crate) fn stack(name: &str, shop: &str, orders: &str) -> PathBuf {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("entering-{name}.toml"));
    let text = format!(
        r#"
[stack]
name   = "entering"
region = "eu-west-1"

[accounts.shop]
id = "{SHOP}"
{shop}

[accounts.orders]
id = "{ORDERS}"
{orders}

[roles.checkout]
account    = "shop"
trusted_by = "lambda.amazonaws.com"

[topics.order-events]
account = "orders"

[[access]]
from = "roles.checkout"
to   = "topics.order-events"
via  = "resource-policy"
"#
    );
    fs::write(&file, text).expect("the target directory is writable");
    file
}

/// An emulator with a role `provision` in these accounts that the operator may assume.
pub(crate) fn emulator(accounts: &[&str], external_id: Option<&str>) -> Option<Emulator> {
    let emulator = Emulator::start(&[("AUTH", "true")])?;
    let wire = Wire {
        port: emulator.port(),
    };
    for account in accounts {
        let mut statement = json!({
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{OPERATOR}:root") },
            "Action": "sts:AssumeRole",
        });
        if let Some(id) = external_id {
            statement["Condition"] = json!({ "StringEquals": { "sts:ExternalId": id } });
        }
        let trust = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
        wire.set_up(
            account,
            "iam",
            &[
                ("Action", "CreateRole"),
                ("Version", "2010-05-08"),
                ("RoleName", "provision"),
                ("AssumeRolePolicyDocument", &trust),
            ],
        );
        wire.set_up(
            account,
            "iam",
            &[
                ("Action", "AttachRolePolicy"),
                ("Version", "2010-05-08"),
                ("RoleName", "provision"),
                ("PolicyArn", "arn:aws:iam::aws:policy/AdministratorAccess"),
            ],
        );
    }
    Some(emulator)
}

/// A user of the operator's account that may assume anything that lets it; no root key, so it is
/// judged as anybody.
fn user(emulator: &Emulator) -> Keys {
    let wire = Wire {
        port: emulator.port(),
    };
    wire.set_up(
        OPERATOR,
        "iam",
        &[
            ("Action", "CreateUser"),
            ("Version", "2010-05-08"),
            ("UserName", "someone"),
        ],
    );
    let everything = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": "sts:*", "Resource": "*" }],
    });
    wire.set_up(
        OPERATOR,
        "iam",
        &[
            ("Action", "PutUserPolicy"),
            ("Version", "2010-05-08"),
            ("UserName", "someone"),
            ("PolicyName", "all"),
            ("PolicyDocument", &everything.to_string()),
        ],
    );
    let answer = wire.set_up(
        OPERATOR,
        "iam",
        &[
            ("Action", "CreateAccessKey"),
            ("Version", "2010-05-08"),
            ("UserName", "someone"),
        ],
    );
    Wire::keys_in(&answer)
}

fn as_user(emulator: &Emulator, keys: &Keys, args: &[&str]) -> Output {
    bare_provision(emulator.port(), args)
        .env("AWS_ACCESS_KEY_ID", &keys.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key)
        .output()
        .expect("the program runs")
}

/// Asserts that the program was kept out with these words, and that nothing was changed.
fn kept_out(emulator: &Emulator, output: &Output, words: &[&str]) {
    let text = told(output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for word in words {
        assert!(text.contains(word), "no `{word}` in: {text}");
    }
    assert!(text.contains("nothing was changed"), "{text}");
    let calls = emulator.control("GET", "/_emulator/calls?last=0", "");
    let changed = |it: &&Value| {
        let action = it["action"].as_str().unwrap_or_default();
        it["account"] != OPERATOR && (action == "CreateTopic" || action == "PutRolePolicy")
    };
    let counts = calls["counts"].as_array().expect("counts");
    assert_eq!(counts.iter().find(changed), None);
}

#[test]
fn each_account_is_entered_by_its_role_once() {
    let Some(emulator) = emulator(&[SHOP, ORDERS], None) else {
        return;
    };
    let file = stack("roles", r#"role = "provision""#, r#"role = "provision""#);
    let file = file.display().to_string();
    let keys = user(&emulator);
    let first = as_user(&emulator, &keys, &["apply", &file, "--yes"]);
    assert_eq!(first.status.code(), Some(0), "{}", told(&first));
    let calls = emulator.control("GET", "/_emulator/calls", "");
    let entered: Vec<&Value> = calls["last"]
        .as_array()
        .expect("calls")
        .iter()
        .filter(|it| it["service"] == "sts")
        .collect();
    assert_eq!(entered.len(), 2, "{entered:?}");
    assert!(entered.iter().all(|it| it["action"] == "AssumeRole"));
}

#[test]
fn an_external_id_opens_a_role_that_asks_for_it() {
    let Some(emulator) = emulator(&[SHOP, ORDERS], Some("orders-7")) else {
        return;
    };
    let keys = user(&emulator);
    let with = "role = \"provision\"\nexternal_id = \"orders-7\"";
    let file = stack("external", with, with).display().to_string();
    let first = as_user(&emulator, &keys, &["apply", &file, "--yes"]);
    assert_eq!(first.status.code(), Some(0), "{}", told(&first));

    let file = stack("no-external", with, r#"role = "provision""#);
    let file = file.display().to_string();
    let refused = as_user(&emulator, &keys, &["plan", &file]);
    let role = format!("arn:aws:iam::{ORDERS}:role/provision");
    let text = told(&refused);
    assert_eq!(refused.status.code(), Some(1), "{text}");
    for word in ["orders", ORDERS, &role, "without an external id"] {
        assert!(text.contains(word), "no `{word}` in: {text}");
    }
}

#[test]
fn a_profile_says_whose_credentials_to_begin_with() {
    let Some(emulator) = emulator(&[SHOP, ORDERS], None) else {
        return;
    };
    let config = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("entering-config");
    let port = emulator.port();
    // One account by keys of its own, the other by a role that the profile assumes.
    let text = format!(
        "[profile shop]\n\
         aws_access_key_id = {SHOP}\n\
         aws_secret_access_key = any\n\
         endpoint_url = http://127.0.0.1:{port}\n\
         [profile operator]\n\
         aws_access_key_id = {OPERATOR}\n\
         aws_secret_access_key = any\n\
         [profile orders]\n\
         role_arn = arn:aws:iam::{ORDERS}:role/provision\n\
         source_profile = operator\n\
         region = eu-west-1\n"
    );
    fs::write(&config, text).expect("the target directory is writable");
    let file = stack("profiles", r#"profile = "shop""#, r#"profile = "orders""#);
    let file = file.display().to_string();
    let first = bare_provision(port, &["apply", &file, "--yes"])
        .env("AWS_CONFIG_FILE", &config)
        .output()
        .expect("the program runs");
    assert_eq!(first.status.code(), Some(0), "{}", told(&first));

    let file = stack("no-profile", r#"profile = "shop""#, r#"profile = "ordres""#);
    let file = file.display().to_string();
    let refused = bare_provision(port, &["plan", &file])
        .env("AWS_CONFIG_FILE", &config)
        .output()
        .expect("the program runs");
    let text = told(&refused);
    assert_eq!(refused.status.code(), Some(1), "{text}");
    for word in [
        "account `orders`",
        "`ordres`",
        "there are: operator, orders, shop",
    ] {
        assert!(text.contains(word), "no `{word}` in: {text}");
    }
}

#[test]
fn without_credentials_the_account_is_named_and_nothing_is_changed() {
    let Some(emulator) = emulator(&[SHOP, ORDERS], None) else {
        return;
    };
    let file = stack("nobody", r#"role = "provision""#, r#"role = "provision""#);
    let file = file.display().to_string();
    let output = bare_provision(emulator.port(), &["apply", &file, "--yes"])
        .output()
        .expect("the program runs");
    kept_out(
        &emulator,
        &output,
        &["needed for accounts `orders`, `shop`", "AWS_PROFILE"],
    );
}

#[test]
fn a_role_that_cannot_be_assumed_is_named_with_its_account() {
    let Some(emulator) = emulator(&[SHOP], None) else {
        return;
    };
    let file = stack("locked", r#"role = "provision""#, r#"role = "provision""#);
    let file = file.display().to_string();
    let keys = user(&emulator);
    let output = as_user(&emulator, &keys, &["apply", &file, "--yes"]);
    let role = format!("arn:aws:iam::{ORDERS}:role/provision");
    let account = format!("account `orders` ({ORDERS})");
    kept_out(&emulator, &output, &[&role, &account, "trust policy"]);
}

#[test]
fn credentials_of_another_account_are_not_used() {
    let Some(emulator) = emulator(&[SHOP, ORDERS], None) else {
        return;
    };
    // No role for orders: the caller's own credentials are the operator's.
    let file = stack("wrong", r#"role = "provision""#, "");
    let file = file.display().to_string();
    let output = run_provision(emulator.port(), OPERATOR, &["apply", &file, "--yes"]);
    let account = format!("account `orders` ({ORDERS})");
    kept_out(&emulator, &output, &[&account, OPERATOR, "`role`"]);
    let calls = emulator.control("GET", "/_emulator/calls", "");
    let topics = calls["last"].as_array().expect("calls").iter();
    assert_eq!(topics.filter(|it| it["service"] == "sns").count(), 0);
}

#[test]
fn keys_that_are_no_good_any_more_are_to_be_renewed() {
    let Some(emulator) = emulator(&[SHOP, ORDERS], None) else {
        return;
    };
    let file = stack("stale", r#"role = "provision""#, r#"role = "provision""#);
    let file = file.display().to_string();
    let stale = Keys {
        access_key_id: "ASIAEXAMPLEEXAMPLE00".to_owned(),
        secret_access_key: "any".to_owned(),
        session_token: None,
    };
    let output = as_user(&emulator, &stale, &["apply", &file, "--yes"]);
    kept_out(&emulator, &output, &["account `", "renew"]);
}

#[test]
fn what_was_refused_half_way_is_said_and_the_same_command_goes_on() {
    let Some(emulator) = emulator(&[SHOP, ORDERS], None) else {
        return;
    };
    let file = stack("half", r#"role = "provision""#, r#"role = "provision""#);
    let file = file.display().to_string();
    let apply = || run_provision(emulator.port(), OPERATOR, &["apply", &file, "--yes"]);
    emulator.faults(&json!([
        { "kind": "access_denied", "service": "sns", "action": "CreateTopic" },
    ]));
    let half = apply();
    let text = told(&half);
    assert_eq!(half.status.code(), Some(4), "{text}");
    for word in ["topics.order-events", "CreateTopic", ORDERS] {
        assert!(text.contains(word), "no `{word}` in: {text}");
    }
    emulator.faults(&json!([]));
    let whole = apply();
    assert_eq!(whole.status.code(), Some(0), "{}", told(&whole));
    let again = apply();
    assert!(told(&again).contains("Nothing to do"), "{}", told(&again));
}

#[test]
fn a_throttled_and_forgetful_cloud_is_brought_to_the_same_end() {
    let Some(emulator) = emulator(&[SHOP, "222222222222", ORDERS], None) else {
        return;
    };
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("stacks/marketplace.toml");
    let file = file.display().to_string();
    // Every service throttles, breaks and keeps answers to itself, now and then.
    emulator.faults(&json!([
        { "kind": "lost_response", "action": "CreateRestApi", "nth": 1 },
        { "kind": "lost_response", "action": "CreateRole", "nth": [2, 4] },
        { "kind": "lost_response", "action": "CreateTopic", "nth": 1 },
        { "kind": "lost_response", "action": "Subscribe", "nth": 1 },
        { "kind": "throttle", "probability": 0.1, "seed": 7, "times": 10 },
        { "kind": "error500", "probability": 0.1, "seed": 8, "times": 5 },
    ]));
    let apply = || run_provision(emulator.port(), OPERATOR, &["apply", &file, "--yes"]);
    let mut text = String::new();
    for _ in 0..5 {
        let output = apply();
        text.push_str(&told(&output));
        if output.status.code() == Some(0) {
            break;
        }
    }
    emulator.faults(&json!([]));
    let last = apply();
    assert!(
        told(&last).contains("Nothing to do"),
        "{text}\n{}",
        told(&last)
    );
    let wire = Wire {
        port: emulator.port(),
    };
    let apis = wire.api_ids(ORDERS, "eu-west-1");
    assert_eq!(apis.len(), 1, "{apis:?}");
    let role = Arn::parse(&format!("arn:aws:iam::{ORDERS}:role/provision")).expect("an ARN");
    let root = Keys {
        access_key_id: OPERATOR.to_owned(),
        secret_access_key: "any".to_owned(),
        session_token: None,
    };
    let session = wire.assume(Some(&root), "eu-west-1", &role, None);
    assert!(session.is_some(), "what is not ours is as it was");
}
