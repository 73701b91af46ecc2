//! Filter policies and delivery policies, as SNS's pages take them or not.
//!
//! A line of `filters.jsonl` is a filter, of the message's `body` or of its attributes, one of `deliveries.jsonl` a
//! topic's delivery policy, each with the `page` that decides it. One that is refused says `at` which element, and a part
//! of the reason. What a page is silent about is not refused; the line's name says so.

use std::collections::BTreeMap;

use provision::cloud::sandbox::Sandbox;
use provision::cloud::sns::{CreateTopic, Subscribe};
use provision::cloud::{self, CallError};
use provision::model::{AccountId, Arn, Place, Region};
use provision::policy::{delivery, filter};
use provision::stack::{Code, Diagnostic, Source, check};
use serde_json::{Value, json};

const FILTERS: &str = include_str!("filters.jsonl");
const DELIVERIES: &str = include_str!("deliveries.jsonl");
/// The fields in which a stack has them.
const FIELDS: [&str; 2] = ["filter", "delivery_policy"];
const ACCOUNT: &str = "111111111111";

/// Returns a value as it is written in a stack, or nothing where TOML cannot say it.
fn toml(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(toml).collect();
            format!("[{}]", items?.join(", "))
        }
        Value::Object(fields) => {
            let fields: Option<Vec<String>> = fields
                .iter()
                .map(|(key, value)| Some(format!("{} = {}", json!(key), toml(value)?)))
                .collect();
            format!("{{ {} }}", fields?.join(", "))
        }
        one => one.to_string(),
    })
}

/// The faults of a stack with these tables, and its text.
fn faults(tables: &str) -> (Vec<Diagnostic>, String) {
    let text = format!(
        "[stack]\nname = \"shop\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"{ACCOUNT}\"\n{tables}"
    );
    let source = Source {
        name: "shop.toml".to_owned(),
        text: text.clone(),
    };
    let found = match check(&source, &[], &|_| Err("no file".to_owned())) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().cloned().collect(),
    };
    (found, text)
}

/// What is wrong with the answers to one line; nothing where all are right.
fn wrong(
    line: &Value,
    tables: Option<&str>,
    pure: Option<&(String, String)>,
    sandbox: Option<&CallError>,
) -> Option<String> {
    let expected = line.get("at").map(|at| {
        let text = |it: &Value| it.as_str().expect("a text").to_owned();
        (text(at), text(&line["because"]))
    });
    let Some((at, because)) = expected else {
        let found = tables.map(|it| faults(it).0).unwrap_or_default();
        let all = (pure.is_none(), sandbox.is_none(), found.is_empty());
        return (all != (true, true, true))
            .then(|| format!("refused: {pure:?} {sandbox:?} {found:?}"));
    };
    match pure {
        Some(it) if it.0 == at && it.1.contains(&because) => {}
        other => return Some(format!("the element: {other:?}")),
    }
    if sandbox.is_none_or(|it| it.code != "InvalidParameter") {
        return Some(format!("the sandbox: {sandbox:?}"));
    }
    let (found, text) = faults(tables?);
    let [fault] = found.as_slice() else {
        return Some(format!("the check: {found:?}"));
    };
    let label = &fault.labels[0];
    // A fault of the whole policy stands at the field, any other inside of it.
    let words = &text[label.span.start..label.span.end];
    let field = text.rfind(
        FIELDS
            .map(|it| format!("{it} = "))
            .iter()
            .find(|it| text.contains(*it))?
            .as_str(),
    )?;
    let stands = if at.is_empty() {
        FIELDS.contains(&words)
    } else {
        label.span.start > field && !FIELDS.contains(&words)
    };
    let right =
        fault.code == Code::WrongType && label.text.contains(&because) && fault.help.is_some();
    (!right || !stands).then(|| format!("at `{words}`: {fault:?}"))
}

/// Runs every line of a table and fails with all that is answered otherwise than it says.
fn every_line(table: &str, least: usize, mut ask: impl AsyncFnMut(&Value) -> Option<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let lines: Vec<Value> = table
        .lines()
        .map(|it| serde_json::from_str(it).expect("JSON"))
        .collect();
    let mut found = Vec::new();
    runtime.block_on(async {
        for line in &lines {
            if let Some(wrong) = ask(line).await {
                found.push(format!("{}\n{}\n{wrong}", line["name"], line["page"]));
            }
        }
    });
    assert!(found.is_empty(), "{}", found.join("\n\n"));
    let refused = lines.iter().filter(|it| it.get("at").is_some()).count();
    assert!(refused >= least && lines.len() - refused >= least * 2 / 3);
}

fn world() -> (Sandbox, Place) {
    let id = AccountId::parse(ACCOUNT).expect("an account");
    let region = Region::parse("eu-west-1").expect("a region");
    (
        Sandbox::in_memory(std::slice::from_ref(&id)),
        Place {
            account: "a".to_owned(),
            id,
            region,
        },
    )
}

fn attributes<'a>(all: impl IntoIterator<Item = (&'a str, String)>) -> BTreeMap<String, String> {
    all.into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

#[test]
fn filters_are_taken_or_refused_as_awss_pages_say() {
    let (sandbox, place) = world();
    let mut count = 0;
    every_line(FILTERS, 60, async |line| {
        if count == 0 {
            let topic = CreateTopic {
                name: "t".to_owned(),
                attributes: BTreeMap::new(),
                tags: BTreeMap::new(),
            };
            cloud::call(&sandbox, &place, topic).await.expect("a topic");
        }
        let (body, value) = (line["body"] == true, &line["filter"]);
        let pure = filter::refusals(value, body)
            .into_iter()
            .next()
            .map(|it| (it.at, it.label));
        let scope = if body {
            "MessageBody"
        } else {
            "MessageAttributes"
        };
        // Each line has a queue of its own: SNS compares a filter with the one that a subscription has.
        count += 1;
        let queue = format!("q{count}");
        let subscribe = Subscribe {
            topic: Arn::regional(&place, "sns", "t").to_string(),
            protocol: "sqs".to_owned(),
            endpoint: Arn::regional(&place, "sqs", &queue).to_string(),
            attributes: attributes([
                ("FilterPolicy", value.to_string()),
                ("FilterPolicyScope", scope.to_owned()),
            ]),
        };
        let sandbox = cloud::call(&sandbox, &place, subscribe).await.err();
        let tables = toml(value).map(|it| {
            format!("[topics.t]\n[queues.q]\nsubscribe = {{ topic = \"t\", filter_on_body = {body}, filter = {it} }}\n")
        });
        wrong(line, tables.as_deref(), pure.as_ref(), sandbox.as_ref())
    });
}

#[test]
fn delivery_policies_are_taken_or_refused_as_awss_pages_say() {
    let (sandbox, place) = world();
    let mut count = 0;
    every_line(DELIVERIES, 60, async |line| {
        let value = &line["delivery"];
        count += 1;
        let topic = CreateTopic {
            name: format!("t{count}"),
            attributes: attributes([("DeliveryPolicy", value.to_string())]),
            tags: BTreeMap::new(),
        };
        let sandbox = cloud::call(&sandbox, &place, topic).await.err();
        let tables = toml(value).map(|it| format!("[topics.t]\ndelivery_policy = {it}\n"));
        wrong(
            line,
            tables.as_deref(),
            delivery::refusal(value).as_ref(),
            sandbox.as_ref(),
        )
    });
}

#[test]
fn a_filter_has_at_most_256_kilobytes() {
    let of = |length: usize| filter::refusals(&json!({"a": ["x".repeat(length)]}), false);
    assert!(of(256 * 1024 - 10).is_empty());
    assert_eq!(of(256 * 1024 - 9)[0].label, "too large");
}
