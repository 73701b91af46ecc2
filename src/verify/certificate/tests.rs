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

pub(super) fn made() -> Value {
    let source = Source {
        name: "c.toml".to_owned(),
        text: STACK.to_owned(),
    };
    let stack = stack::check(&source, &[], &|_| Err(String::new()))
        .unwrap_or_else(|it| panic!("{}", it.render(false)));
    let desired = lower(&stack).expect("it fits");
    let mut world = World::wanted(&desired);
    world.keeps_steps = true;
    certificate(&prove(&stack, &desired, &world), &world)
}

/// A certificate with its seal as it would be, whatever else was changed.
pub(super) fn sealed(mut it: Value) -> String {
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
    assert_eq!((found.certified, found.uncertified), (12, 1), "{made:#}");
    assert_eq!(found.open, 0);
    let uncertified = made["claims"].as_array().expect("claims").iter();
    let uncertified = uncertified.filter(|it| it.get("uncertified").is_some());
    assert_eq!(uncertified.count(), found.uncertified);
    // It is found again after it was laid out, and sealed again as it is.
    assert!(check(&format!("{made:#}")).is_ok());
    assert!(check(&sealed(made)).is_ok());
}

pub(super) fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
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
    // A sentence that its steps do not amount to.
    refused("another caller's name", &|it| {
        let text = text_of(&it["claims"][may]["claim"]).replace("roles.caller", "roles.other");
        it["claims"][may]["claim"] = json!(text);
    });
    refused("another target", &|it| {
        it["claims"][may]["claim"] = json!("roles.caller may publish to queues.jobs");
        it["claims"][may]["subject"] = json!("queues.jobs");
    });
    refused("another deed", &|it| {
        it["claims"][may]["claim"] = json!("roles.caller may send to apis.orders");
    });
    refused("another route", &|it| {
        it["claims"][may]["claim"] = json!("roles.caller may call DELETE /orders of apis.orders");
    });
    refused("a sentence of its own", &|it| {
        it["claims"][may]["claim"] = json!("roles.caller is harmless");
    });
    refused("another's ARN", &|it| {
        let other = it["things"]["roles.other"]["arn"].clone();
        it["things"]["roles.caller"]["arn"] = other;
    });
    refused("a thing without its policy", &|it| {
        it["things"]["topics.events"]["policy"] = Value::Null;
    });
    refused("steps that are about something else", &|it| {
        it["claims"][only]["steps"] = json!([{
            "request": {
                "principal": "arn:aws:iam::999999999999:role/x",
                "action": "sns:Publish",
                "resource": "arn:aws:sns:eu-west-1:222222222222:other",
            },
            "silence": "plain", "decision": "deny", "identity": [], "boundary": null, "resource": null,
            "scps": [], "rcps": [], "endpoint": null, "by": [],
        }]);
    });
    refused("everything is declared", &|it| {
        let open = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "*", "Resource": "*",
        }]});
        let own = text_of(&it["things"]["topics.events"]["policy"]).to_owned();
        let name = digest(&open);
        it["documents"][&name] = open.clone();
        it["things"]["topics.events"]["policy"] = json!(name);
        for claim in it["claims"].as_array_mut().expect("claims") {
            for step in claim["steps"].as_array_mut().into_iter().flatten() {
                if step["document"] == own {
                    step["document"] = json!(name);
                    step["within"] = json!(name);
                    step["pieces"] = json!([{
                        "statement": 0, "by": 0, "of": ["AWS arn:aws:iam::999999999999:root", "*", "*"],
                    }]);
                }
                if step["resource"] == own {
                    step["resource"] = json!(name);
                }
            }
        }
    });
    refused("a role may do more than what its claims say", &|it| {
        let more = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sns:SetTopicAttributes", "Resource": "*",
        }]});
        let name = digest(&more);
        it["documents"][&name] = more;
        let own = it["things"]["roles.other"]["identity"].clone();
        let mut wide = own.as_array().expect("policies").clone();
        wide.push(json!(name));
        it["things"]["roles.other"]["identity"] = json!(wide);
        let arn = it["things"]["roles.other"]["arn"].clone();
        for claim in it["claims"].as_array_mut().expect("claims") {
            for step in claim["steps"].as_array_mut().into_iter().flatten() {
                if step["request"]["principal"] == arn {
                    step["identity"] = json!(wide);
                }
            }
        }
    });
    // A condition that a claim's request is let in by, or a principal that is one of many.
    let everywhere = |it: &mut Value, change: &dyn Fn(&str) -> String| {
        let mut names = Vec::new();
        let documents = it["documents"].as_object().expect("documents").clone();
        let mut text = it.to_string();
        for (name, document) in &documents {
            let changed: Value =
                serde_json::from_str(&change(&document.to_string())).expect("JSON");
            names.push((digest(&changed), changed));
            text = text.replace(name.as_str(), &names[names.len() - 1].0);
        }
        *it = serde_json::from_str(&change(&text)).expect("JSON");
        it["documents"] = names.into_iter().collect();
    };
    refused("any topic may deliver", &|it| {
        everywhere(it, &|text| {
            text.replace(
                r#""aws:SourceArn":"arn:aws:sns:eu-west-1:222222222222:events""#,
                r#""aws:SourceAccount":"222222222222""#,
            )
        });
    });
    refused("everybody may publish", &|it| {
        let arn = text_of(&it["things"]["roles.caller"]["arn"]).to_owned();
        everywhere(it, &|text| {
            text.replace(&format!(r#"{{"AWS":"{arn}"}}"#), r#"{"AWS":"*"}"#)
                .replace(&format!("AWS {arn}"), "AWS *")
        });
    });
    refused("the whole account may publish", &|it| {
        let arn = text_of(&it["things"]["roles.caller"]["arn"]).to_owned();
        let root = "arn:aws:iam::111111111111:root";
        everywhere(it, &|text| {
            text.replace(
                &format!(r#"{{"AWS":"{arn}"}}"#),
                &format!(r#"{{"AWS":"{root}"}}"#),
            )
            .replace(&format!("AWS {arn}"), &format!("AWS {root}"))
        });
    });
    refused("all routes", &|it| {
        let text = text_of(&it["claims"][may]["claim"]).replace("GET /orders", "GET /*");
        it["claims"][may]["claim"] = json!(text);
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
            "format": "provision certificate", "version": 3, "stack": "c", "things": {}, "documents": {}, "claims": [],
        }))),
        Ok(Accepted::default())
    );
}
