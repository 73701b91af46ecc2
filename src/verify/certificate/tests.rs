use serde_json::{Value, json};

use super::super::World;
use super::super::check::{Accepted, check, digest};
use super::super::prove;
use super::certificate;
use crate::lower::lower;
use crate::stack::{self, Source};

const STACK: &str = r#"
[stack]
name   = "c"
region = "eu-west-1"
[accounts]
a = { id = "111111111111" }
b = { id = "222222222222" }
[roles.caller]
account    = "a"
trusted_by = "lambda.amazonaws.com"
[roles.other]
account    = "b"
trusted_by = "ec2.amazonaws.com"
[topics.events]
account = "b"
[queues.jobs]
account   = "b"
subscribe = "events"
[apis.orders]
account = "b"
[apis.orders.routes]
"GET /orders" = { mock = 200 }
"GET /health" = { mock = 200, public = true }
[[access]]
from  = "roles.caller"
to    = "apis.orders"
allow = "GET /orders"
via   = "assume-role"
[[access]]
from = "roles.caller"
to   = "topics.events"
via  = "resource-policy"
[[access]]
from = "roles.other"
to   = "topics.events"
"#;

fn made() -> Value {
    let source = Source {
        name: "c.toml".to_owned(),
        text: STACK.to_owned(),
    };
    let stack = stack::check(&source, &[], &|_| Err(String::new()))
        .unwrap_or_else(|it| panic!("{}", it.render(false)));
    let desired = lower(&stack).expect("it fits");
    let mut world = World::wanted(&desired);
    world.keeps_steps = true;
    certificate("c", &prove(&stack, &desired, &world))
}

/// A certificate with its seal as it would be, whatever else was changed.
fn sealed(mut it: Value) -> String {
    let fields = it.as_object_mut().expect("an object");
    fields.remove("seal");
    let seal = digest(&it);
    it["seal"] = json!(seal);
    it.to_string()
}

#[test]
fn a_certificate_is_accepted_by_a_checker_that_knows_nothing_of_the_prover() {
    let made = made();
    let found = check(&made.to_string()).expect("it is right");
    assert!(found.certified >= 9, "{found:?} {made:#}");
    assert_eq!(found.open, 0);
    let uncertified = made["claims"].as_array().expect("claims").iter();
    let uncertified = uncertified.filter(|it| it.get("uncertified").is_some());
    assert_eq!(uncertified.count(), found.uncertified);
    // It is found again after it was laid out, and sealed again as it is.
    assert!(check(&format!("{made:#}")).is_ok());
    assert!(check(&sealed(made)).is_ok());
}

/// Every value of a certificate, by its path.
fn paths(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, it) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                paths(it, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, it) in items.iter().enumerate() {
                paths(it, &format!("{at}/{index}"), found);
            }
        }
        _ => found.push(at.to_owned()),
    }
}

#[test]
fn whatever_is_changed_in_a_certificate_it_is_refused() {
    let made = made();
    let mut all = Vec::new();
    paths(&made, "", &mut all);
    assert!(all.len() > 200, "{}", all.len());
    for path in all {
        let mut changed = made.clone();
        let value = changed.pointer_mut(&path).expect("it is there");
        *value = match &*value {
            Value::String(text) => json!(format!("{text}x")),
            Value::Number(it) => json!(it.as_u64().unwrap_or_default() + 1),
            other => json!(other.is_null()),
        };
        assert!(check(&changed.to_string()).is_err(), "{path}");
    }
}

/// Even with the seal of what it says now.
#[test]
fn a_change_that_is_sealed_again_is_refused_by_what_it_means() {
    let made = made();
    let claims = made["claims"].as_array().expect("claims");
    let of = |promise: &str, field: &str| {
        claims
            .iter()
            .position(|it| it["promise"] == promise && it["steps"][0].get(field).is_some())
            .expect("such a claim")
    };
    let (may, only) = (of("may", "request"), of("only", "within"));
    let refused = |what: &str, change: &dyn Fn(&mut Value)| {
        let mut changed = made.clone();
        change(&mut changed);
        assert!(check(&sealed(changed)).is_err(), "{what}");
    };
    // The prover's documents, under the digests of others.
    refused("a document", &|it| {
        let documents = it["documents"].as_object_mut().expect("documents");
        for document in documents.values_mut() {
            document["Statement"] =
                json!([{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]);
        }
    });
    refused("no documents", &|it| it["documents"] = json!({}));
    // A claim that is turned round, or left without what it rests on.
    refused("another promise", &|it| {
        it["claims"][may]["promise"] = json!("only");
    });
    refused("no steps", &|it| it["claims"][may]["steps"] = json!([]));
    refused("another verdict", &|it| {
        it["claims"][may]["verdict"] = json!("maybe");
    });
    refused("another caller", &|it| {
        let request = &mut it["claims"][may]["steps"][0]["request"];
        request["principal"] = json!("arn:aws:iam::999999999999:role/stranger");
    });
    refused("another action", &|it| {
        it["claims"][may]["steps"][0]["request"]["action"] = json!("sns:DeleteTopic");
    });
    refused("another decision", &|it| {
        it["claims"][may]["steps"][0]["decision"] = json!("deny");
    });
    refused("no policy of the caller", &|it| {
        for step in it["claims"][may]["steps"].as_array_mut().expect("steps") {
            step["identity"] = json!([]);
            step["resource"] = Value::Null;
            step["by"] = json!([]);
        }
    });
    refused("another statement decides", &|it| {
        it["claims"][may]["steps"][0]["by"][0]["statement"] = json!(99);
    });
    // An inclusion whose pieces do not cover it, or lie in what does not take them in.
    refused("no pieces", &|it| {
        it["claims"][only]["steps"][0]["pieces"] = json!([]);
    });
    refused("a piece less", &|it| {
        let pieces = it["claims"][only]["steps"][0]["pieces"].as_array_mut();
        pieces.expect("pieces").pop();
    });
    refused("a piece of another statement", &|it| {
        for piece in it["claims"][only]["steps"][0]["pieces"]
            .as_array_mut()
            .expect("pieces")
        {
            piece["by"] = json!(99);
        }
    });
    refused("within another document", &|it| {
        let own = it["claims"][may]["steps"][0]["identity"][0].clone();
        it["claims"][only]["steps"][0]["within"] = own;
    });
    for text in [
        "",
        "[]",
        "{}",
        r#"{"format":"provision certificate","version":2}"#,
    ] {
        assert!(check(text).is_err());
    }
    assert_eq!(
        check(&sealed(json!({
            "format": "provision certificate", "version": 1, "stack": "c", "documents": {}, "claims": [],
        }))),
        Ok(Accepted::default())
    );
}
