//! How a principal is named, end to end: somebody let in by hand beside the owner's statement, on every kind of
//! document and in every form, is access that opens in `drift`, a claim that fails in `verify --live`, and access
//! that `plan` calls broadened when the stack says it.

use serde_json::{Value, json};

use super::Folder;

const STACK: &str = r#"
[stack]
name   = "levels"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[roles.caller]
account    = "a"
trusted_by = "lambda.amazonaws.com"
[roles.target]
account    = "a"
trusted_by = { account = "111111111111" }
[keys.messages]
existing = "arn:aws:kms:eu-west-1:111111111111:key/k"
[topics.events]
account = "a"
[queues.jobs]
account    = "a"
subscribe  = "events"
encryption = { kms = "keys.messages" }
[apis.orders]
account = "a"
[apis.orders.routes]
"GET /orders" = { mock = 200 }
[[access]]
from  = "roles.caller"
to    = "apis.orders"
allow = "GET /orders"
[[access]]
from = "roles.caller"
to   = "topics.events"
"#;

const WORLD: &str = "sb/sandbox.json";

/// Each form of a principal of the resource's own account, and a service, which is of none.
fn principals() -> [(&'static str, Value); 4] {
    let of_account = |it: &str| json!({"AWS": it});
    [
        (
            "arn:aws:iam::111111111111:user/eve",
            of_account("arn:aws:iam::111111111111:user/eve"),
        ),
        (
            "arn:aws:iam::111111111111:role/stranger",
            of_account("arn:aws:iam::111111111111:role/stranger"),
        ),
        (
            "arn:aws:sts::111111111111:assumed-role/stranger/job",
            of_account("arn:aws:sts::111111111111:assumed-role/stranger/job"),
        ),
        (
            "events.amazonaws.com",
            json!({"Service": "events.amazonaws.com"}),
        ),
    ]
}

/// Each kind of document, with what is done there and on what.
const DOCUMENTS: [(&str, &str, &str); 5] = [
    (
        "topics.events",
        "sns:Publish",
        "arn:aws:sns:eu-west-1:111111111111:events",
    ),
    (
        "queues.jobs",
        "sqs:SendMessage",
        "arn:aws:sqs:eu-west-1:111111111111:jobs",
    ),
    ("apis.orders", "execute-api:Invoke", "execute-api:/*"),
    ("keys.messages", "kms:Decrypt", "*"),
    ("roles.target", "sts:AssumeRole", ""),
];

/// Adds a statement to a document of the world, of an API to what it serves as well.
fn add(world: &mut Value, address: &str, statement: &Value) {
    let account = &mut world["accounts"]["111111111111"];
    let region = &mut account["regions"]["eu-west-1"];
    let policies: Vec<&mut Value> = match address {
        "topics.events" => vec![&mut region["topics"]["events"]["policy"]],
        "queues.jobs" => vec![&mut region["queues"]["jobs"]["attributes"]["Policy"]],
        "keys.messages" => vec![&mut region["keys"]["k"]["policy"]],
        "roles.target" => vec![&mut account["roles"]["target"]["trust"]],
        _ => {
            let apis = region["apis"].as_object_mut().expect("APIs");
            let api = apis.values_mut().next().expect("an API");
            let api = api.as_object_mut().expect("an object");
            let mut found = Vec::new();
            for (field, value) in api {
                match field.as_str() {
                    "about" => found.push(&mut value["policy"]),
                    "deployments" => {
                        let all = value.as_object_mut().expect("deployments").values_mut();
                        found.extend(all.map(|it| &mut it["policy"]));
                    }
                    _ => {}
                }
            }
            found
        }
    };
    for policy in policies {
        let is_text = policy.is_string();
        let mut document: Value = match policy.as_str() {
            Some(text) => serde_json::from_str(text).expect("JSON"),
            None => policy.clone(),
        };
        let statements = document["Statement"].as_array_mut().expect("a list");
        statements.push(statement.clone());
        *policy = if is_text {
            json!(document.to_string())
        } else {
            document
        };
    }
}

/// The stack, applied beside a key that its owner has as KMS makes it.
fn ground(folder: &Folder) {
    let bare = "[stack]\nname = \"bare\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n[topics.t]\n";
    folder.write("bare.toml", bare);
    folder.run("apply bare.toml --sandbox sb --yes").ends(0);
    let mut world: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    let first = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "kms:*", "Resource": "*",
    }]});
    world["accounts"]["111111111111"]["regions"]["eu-west-1"]["keys"] =
        json!({"k": {"policy": first.to_string()}});
    folder.write(WORLD, &world.to_string());
    folder.write("stack.toml", STACK);
    folder.run("apply stack.toml --sandbox sb --yes").ends(0);
}

#[test]
fn somebody_let_in_by_hand_opens_access_and_fails_the_claim_on_every_kind_of_document() {
    let folder = Folder::new();
    ground(&folder);
    folder.run("verify stack.toml --sandbox sb --live").ends(0);
    folder.run("drift stack.toml --sandbox sb").ends(0);
    let applied: Value = serde_json::from_str(&folder.read(WORLD)).expect("JSON");
    for (address, action, resource) in DOCUMENTS {
        for (who, principal) in principals() {
            let mut statement = json!({
                "Sid": "Theirs", "Effect": "Allow", "Principal": principal, "Action": action,
            });
            if !resource.is_empty() {
                statement["Resource"] = json!(resource);
            }
            let mut world = applied.clone();
            add(&mut world, address, &statement);
            folder.write(WORLD, &world.to_string());
            let request = format!(r#""principal":"{who}""#);
            folder
                .run("drift stack.toml --sandbox sb")
                .ends(2)
                .says("OPENS ACCESS")
                .says(&format!("gains: {who} may "))
                .says(&request);
            let proof = folder.run("verify stack.toml --sandbox sb --live").ends(3);
            proof
                .says("Failed n")
                .says(&format!("lets {who} {action} on {address}"))
                .says(&request);
        }
    }
}

/// What the author adds is broadened too, wherever the stack has words for it.
#[test]
fn somebody_let_in_by_the_stack_is_access_that_is_broadened() {
    let folder = Folder::new();
    ground(&folder);
    folder
        .run("plan stack.toml --sandbox sb")
        .ends(0)
        .says("Nothing to do");
    for (address, action, _) in &DOCUMENTS[..4] {
        for (who, principal) in principals() {
            let (kind, name) = principal
                .as_object()
                .and_then(|it| it.iter().next())
                .expect("a principal");
            let more = format!(
                "{STACK}[[statement]]\non = \"{address}\"\nstatement = {{ Effect = \"Allow\", Principal = {{ {kind} = {name} }}, Action = \"{action}\" }}\n"
            );
            folder.write("more.toml", &more);
            let plan = folder.run("plan more.toml --sandbox sb");
            assert!(
                plan.out.contains("broadened: yes"),
                "{address} {who}\n{}\n{}",
                plan.out,
                plan.err
            );
        }
    }
    for (who, principal) in principals() {
        let (kind, name) = principal
            .as_object()
            .and_then(|it| it.iter().next())
            .expect("a principal");
        let trust = format!(
            "trust_policy = {{ Version = \"2012-10-17\", Statement = [\
             {{ Effect = \"Allow\", Principal = {{ AWS = \"111111111111\" }}, Action = \"sts:AssumeRole\" }}, \
             {{ Effect = \"Allow\", Principal = {{ {kind} = {name} }}, Action = \"sts:AssumeRole\" }}] }}"
        );
        let more = STACK.replace(r#"trusted_by = { account = "111111111111" }"#, &trust);
        folder.write("more.toml", &more);
        let plan = folder.run("plan more.toml --sandbox sb");
        assert!(
            plan.out.contains("broadened: yes"),
            "{who}\n{}\n{}",
            plan.out,
            plan.err
        );
    }
}
