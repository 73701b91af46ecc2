//! No report makes up a name: every account and every ARN that it prints is one of the stack's, or one that a policy
//! names. Where an example stands for others, it says so in words.

use serde_json::{Value, json};

use super::Folder;

const WORLD: &str = ".provision/sandbox.json";

const ACCOUNTS: &str = r#"[stack]
name = "s"
region = "eu-west-1"
[accounts]
a = { id = "111111111111" }
b = { id = "222222222222" }
"#;

const STACK: &str = r#"[topics.t]
account = "a"
[queues.q]
account = "a"
subscribe = "t"
[roles.w]
account = "a"
trusted_by = "lambda.amazonaws.com"
[apis.x]
account = "a"
routes = { "GET /s" = { mock = 200 } }
"#;

/// Accounts of the stack, and one that a policy names.
const REAL: [&str; 3] = ["111111111111", "222222222222", "777777777777"];

/// Fails where a text has an account or an ARN that is not there.
#[track_caller]
fn makes_nothing_up(text: &str) {
    let mut digits = text.split(|it: char| !it.is_ascii_digit());
    let made_up = digits.find(|it| it.len() == 12 && !REAL.contains(it));
    assert_eq!(made_up, None, "an account that is not there, in:\n{text}");
    for at in text.match_indices("arn:aws:").map(|(at, _)| at) {
        let arn = &text[at..];
        let ends = |it: char| it.is_whitespace() || "\"`',;)|".contains(it);
        let arn = &arn[..arn.find(ends).unwrap_or(arn.len())];
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let account = parts.get(4).copied().unwrap_or_default();
        assert!(!account.is_empty(), "`{arn}` is in no account, in:\n{text}");
    }
    for name in ["someone", "provision-verify", "/example", ":example"] {
        assert!(!text.contains(name), "`{name}` in:\n{text}");
    }
}

fn applied() -> Folder {
    let folder = Folder::new();
    folder.write("s.toml", &format!("{ACCOUNTS}{STACK}"));
    folder.run("apply s.toml --sandbox --yes").ends(0);
    folder
}

fn tamper(folder: &Folder, deed: impl FnOnce(&mut Value)) {
    let mut world: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    deed(&mut world["accounts"]["111111111111"]);
    folder.write(WORLD, &world.to_string());
}

/// Adds a statement to a policy that is kept as text.
fn add(policy: &mut Value, statement: Value) {
    let text = policy
        .as_str()
        .unwrap_or(r#"{"Version":"2012-10-17","Statement":[]}"#);
    let mut document: Value = serde_json::from_str(text).expect("JSON");
    let statements = document["Statement"].as_array_mut().expect("a list");
    statements.push(statement);
    *policy = json!(document.to_string());
}

/// Statements of others on the topic, each of which lets in callers that it does not name.
fn statements() -> Vec<Value> {
    let allow = |principal: Value, action: &str, condition: Value| {
        json!({
            "Effect": "Allow", "Principal": principal, "Action": action,
            "Resource": "arn:aws:sns:eu-west-1:111111111111:t", "Condition": condition,
        })
    };
    vec![
        allow(json!("*"), "sns:Publish", json!({})),
        allow(
            json!({"AWS": "*"}),
            "sns:Subscribe",
            json!({"StringEquals": {"sns:Protocol": "sqs"}}),
        ),
        allow(
            json!("*"),
            "sns:*",
            json!({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::111111111111:role/app-*"}}),
        ),
        allow(json!({"AWS": "777777777777"}), "sns:Publish", json!({})),
        allow(
            json!({"AWS": "arn:aws:iam::777777777777:role/them"}),
            "sns:Publish",
            json!({}),
        ),
        allow(
            json!({"Service": "s3.amazonaws.com"}),
            "sns:Publish",
            json!({}),
        ),
        allow(
            json!("*"),
            "sns:Publish",
            json!({"StringNotEquals": {"aws:PrincipalAccount": "111111111111"}}),
        ),
        allow(
            json!("*"),
            "sns:Publish",
            json!({"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:*"}}),
        ),
    ]
}

#[test]
fn a_live_proof_says_in_words_whom_its_examples_stand_for() {
    for statement in statements() {
        let folder = applied();
        tamper(&folder, |account| {
            let region = &mut account["regions"]["eu-west-1"];
            add(&mut region["topics"]["t"]["policy"], statement);
        });
        for command in [
            "verify s.toml --sandbox --live",
            "verify s.toml --sandbox --live --json",
        ] {
            makes_nothing_up(&folder.run(command).out);
        }
        for command in [
            "who-can publish topics.t --stack s.toml --sandbox --json",
            "who-can subscribe topics.t --stack s.toml --sandbox",
            "drift s.toml --sandbox",
            "drift s.toml --sandbox --json",
            "drift s.toml --sandbox --format markdown",
            "plan s.toml --sandbox --json",
        ] {
            makes_nothing_up(&folder.run(command).out);
        }
    }
}

#[test]
fn an_open_route_may_be_called_by_any_account() {
    let folder = applied();
    tamper(&folder, |account| {
        let apis = account["regions"]["eu-west-1"]["apis"].as_object_mut();
        let api = apis.and_then(|it| it.values_mut().next()).expect("an API");
        api["resources"]["/s"]["methods"]["GET"]["authorization"] = json!("NONE");
        let deployments = api["deployments"].as_object_mut().expect("deployments");
        for it in deployments.values_mut() {
            it["methods"]["/s"]["GET"]["authorization"] = json!("NONE");
        }
    });
    let ran = folder.run("verify s.toml --sandbox --live").ends(3).says(
        "any role or user of an AWS account outside the stack may execute-api:Invoke on apis.x/live/GET/s",
    );
    makes_nothing_up(&ran.out);
    let document = folder
        .run("verify s.toml --sandbox --live --json")
        .ends(3)
        .document();
    let claims = document["claims"].as_array().expect("claims");
    let requests = claims
        .iter()
        .flat_map(|it| it["evidence"].as_array().expect("a list"));
    let stands = requests.filter_map(|it| it["request"]["standIns"]["principal"].as_str());
    let stands: Vec<&str> = stands.collect();
    assert_eq!(
        stands,
        ["any role or user of an AWS account outside the stack"]
    );
}

#[test]
fn gains_of_a_role_name_what_they_reach() {
    for statement in [
        json!({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}),
        json!({"Effect": "Allow", "Action": ["s3:*", "dynamodb:GetItem"], "Resource": "*"}),
        json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/admin"}),
        json!({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
        json!({"Effect": "Allow", "Action": "sns:Publish", "NotResource": "arn:aws:sns:eu-west-1:111111111111:t"}),
    ] {
        let folder = applied();
        let text = json!({"Version": "2012-10-17", "Statement": [statement]}).to_string();
        tamper(&folder, |account| {
            account["roles"]["w"]["inline"]["theirs"] = json!(text);
        });
        for command in [
            "drift s.toml --sandbox",
            "drift s.toml --sandbox --json",
            "verify s.toml --sandbox --live --json",
        ] {
            let out = folder
                .run(command)
                .out
                .replace(r"arn:aws:iam::*:role/admin", "");
            makes_nothing_up(&out);
        }
        let folder = Folder::new();
        folder.write("s.toml", &format!("{ACCOUNTS}{STACK}"));
        folder.run("apply s.toml --sandbox --yes").ends(0);
        let policy = "trusted_by = \"lambda.amazonaws.com\"\npolicies = { p = \"p.json\" }\n";
        let stack =
            format!("{ACCOUNTS}{STACK}").replace("trusted_by = \"lambda.amazonaws.com\"\n", policy);
        folder.write("s.toml", &stack);
        folder.write("p.json", &text);
        for command in ["plan s.toml --sandbox", "plan s.toml --sandbox --json"] {
            let ran = folder.run(command);
            assert_ne!(ran.code, 1, "{}", ran.err);
            makes_nothing_up(&ran.out.replace(r"arn:aws:iam::*:role/admin", ""));
        }
    }
}

#[test]
fn a_comparison_marks_its_stand_ins() {
    let folder = Folder::new();
    let policy = |principal: &str, resource: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"sns:Publish","Resource":"{resource}"}}]}}"#
        )
    };
    let topic = "arn:aws:sns:eu-west-1:111111111111:t";
    folder.write("old.json", &policy(r#"{"AWS":"111111111111"}"#, topic));
    folder.write("new.json", &policy(r#"{"AWS":"*"}"#, topic));
    let ran = folder
        .run("compare old.json new.json")
        .ends(0)
        .says("widened");
    makes_nothing_up(&ran.out);
    folder.write("old.json", r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}]}"#);
    folder.write("new.json", r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:*","Resource":"*"}]}"#);
    let ran = folder
        .run("compare old.json new.json")
        .ends(0)
        .says("+ the role or user that has the policy may sqs:ReceiveMessage on any queue");
    makes_nothing_up(&ran.out);
    let document = folder
        .run("compare old.json new.json --json")
        .ends(0)
        .document();
    let stands = &document["gains"][0]["standIns"];
    assert_eq!(stands["principal"], "the role or user that has the policy");
    assert_eq!(stands["resource"], "any queue");
}

#[test]
fn the_short_form_of_an_apis_resources_is_its_whole_arn() {
    let folder = Folder::new();
    let policy = |resource: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"{resource}"}}]}}"#
        )
    };
    let head = "arn:aws:execute-api:eu-west-1:111111111111:a1b2c3d4e5";
    for (short, whole, verdict) in [
        ("execute-api:/*", "/*", "equal\n"),
        (
            "execute-api:/live/GET/orders",
            "/live/GET/orders",
            "equal\n",
        ),
        ("execute-api:/live/GET/orders", "/live/*", "widened\n"),
        ("execute-api:/*", "/live/GET/orders", "narrowed\n"),
    ] {
        folder.write("old.json", &policy(short));
        folder.write("new.json", &policy(&format!("{head}{whole}")));
        for words in [
            "compare old.json new.json --kind api",
            "compare old.json new.json",
        ] {
            let ran = folder.run(words).ends(0);
            assert!(ran.out.starts_with(verdict), "{short} {whole}: {}", ran.out);
            makes_nothing_up(&ran.out);
        }
    }
}
