//! What a consumer is handed, as a page to read and as a document for machines.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::escape::markdown::{block, code, words};
use crate::handover::client::{Language, client};
use crate::handover::{Action, Attach, Edge, Holder, Package, Recipient, Whom};

/// The version of a package for machines.
pub const HANDOVER: &str = "provision.handover/1";

/// A page in Markdown: what there is, what to attach, and clients.
#[must_use]
pub fn markdown(package: &Package) -> String {
    let mut text = format!("# Handover: {}\n\n", words(&package.consumer.name));
    let _ = writeln!(
        text,
        "What the stack {} lets {} do, and all that is needed to do it.\n",
        code(&package.stack),
        code(&package.consumer.name)
    );
    match (&package.consumer.whom, &package.arn) {
        (Whom::Queue(_), Some(arn)) => {
            let _ = writeln!(text, "- Queue: {}", code(arn.as_str()));
        }
        (_, Some(arn)) => {
            let _ = writeln!(text, "- Role: {}", code(arn.as_str()));
        }
        (_, None) => {}
    }
    let _ = writeln!(text, "- Account: {}", package.account);
    text += "\n## What it may do\n";
    for (number, edge) in (1..).zip(&package.edges) {
        text += &described(number, edge);
    }
    text += "\n## What to attach\n";
    if package.attach.is_empty() && package.unread.is_empty() {
        let _ = writeln!(
            text,
            "\nNothing: the stack {} writes both sides of it.",
            code(&package.stack)
        );
    }
    for it in &package.attach {
        text += &attached(it);
    }
    for it in &package.unread {
        let _ = writeln!(text, "\nNot known: {}.", words(it));
    }
    if !package.notes.is_empty() {
        text += "\n## Good to know\n\n";
        for note in &package.notes {
            let _ = writeln!(text, "- {note}");
        }
    }
    text += "\n## Clients\n\nEach is a program that does nothing until it is told what. To get one alone: `--only python`, \
             `--only cli`, `--only rust`, `--only javascript`.\n";
    for language in Language::ALL {
        let code = client(package, language);
        let _ = write!(
            text,
            "\n### {}\n\n{}\n",
            language.title(),
            block(language.fence(), &code)
        );
    }
    text
}

fn described(number: usize, edge: &Edge) -> String {
    let mut facts: Vec<(&str, String)> = Vec::new();
    let what = match &edge.action {
        Action::Call { url, routes, .. } => {
            let routes: Vec<String> = routes.iter().map(|it| code(&it.to_string())).collect();
            let url = url.as_deref().map(code);
            facts.push((
                "URL",
                url.unwrap_or_else(|| "the API's custom domain".to_owned()),
            ));
            let signed = format!("SigV4, service `execute-api`, region `{}`", edge.region);
            facts.push(("signed with", signed));
            format!(
                "Call {} of {}",
                routes.join(", "),
                code(&edge.target.to_string())
            )
        }
        Action::Send { to, fifo, .. } => {
            let verb = match to {
                Recipient::Topic(topic) => {
                    facts.push(("topic", code(topic.as_str())));
                    "Publish"
                }
                Recipient::Queue(queue, url) => {
                    facts.extend([("queue", code(queue.as_str())), ("URL", code(url))]);
                    "Send"
                }
            };
            if let Some(by_content) = fifo {
                let id = if *by_content {
                    ""
                } else {
                    " and a deduplication id"
                };
                facts.push(("FIFO", format!("each message has a group{id}")));
            }
            format!("{verb} to {}", code(&edge.target.to_string()))
        }
        Action::Receive {
            queue,
            url,
            sources,
        } => {
            facts.push(("queue", code(queue.as_str())));
            facts.push(("URL", code(url)));
            facts.extend(sources.iter().map(|it| {
                let form = if it.raw {
                    "the message alone"
                } else {
                    "in SNS's envelope"
                };
                let filter = it.filter.as_ref();
                let filter = filter.map_or_else(String::new, |it| {
                    format!(", filter {}", code(&it.to_string()))
                });
                (
                    "from topic",
                    format!("{}, {form}{filter}", code(it.topic.as_str())),
                )
            }));
            format!("Receive from {}", code(&edge.target.to_string()))
        }
    };
    if let Some(who) = &edge.who {
        facts.push(("who", words(who)));
    }
    if let Some(assume) = &edge.assume {
        facts.push(("role to assume first", code(assume.role.as_str())));
        if let Some(id) = &assume.external_id {
            facts.push(("external id", code(id)));
        }
    }
    let facts = facts
        .iter()
        .map(|(name, value)| format!("   - {name}: {value}\n"));
    format!("\n{number}. {what}\n{}", facts.collect::<String>())
}

fn attached(it: &Attach) -> String {
    let mut text = format!("\nTo {}, {}:\n\n", it.to, it.why);
    text += &block("json", &format!("{:#}\n", it.document.to_value()));
    text.push('\n');
    if let Some(toml) = &it.toml {
        let whose = match it.to {
            Holder::Role(_) | Holder::Roles(_) => {
                "The same as lines of the stack that has the role:"
            }
            Holder::Topic(_) | Holder::Key(_) => "The same as lines of a stack:",
        };
        let _ = write!(text, "\n{whose}\n\n{}\n", block("toml", toml));
    }
    text
}

/// A document for machines, with the clients in it.
#[must_use]
pub fn json(package: &Package) -> Value {
    let kind = match package.consumer.whom {
        Whom::Role(_) => "role",
        Whom::Queue(_) => "queue",
        Whom::OutsideRole(_) => "outside-role",
        Whom::OutsideAccount(_) => "outside-account",
    };
    let clients: Map<String, Value> = Language::ALL
        .into_iter()
        .map(|it| (it.name().to_owned(), Value::String(client(package, it))))
        .collect();
    let attach: Vec<Value> = package.attach.iter().map(attach).collect();
    json!({
        "schema": HANDOVER,
        "stack": package.stack,
        "consumer": {
            "name": package.consumer.name, "kind": kind, "arn": package.arn, "account_id": package.account,
        },
        "edges": package.edges.iter().map(edge).collect::<Vec<_>>(),
        "attach": attach,
        "unread": package.unread,
        "notes": package.notes,
        "clients": clients,
    })
}

fn attach(it: &Attach) -> Value {
    let (kind, arn) = match &it.to {
        Holder::Role(arn) => ("role", Some(arn)),
        Holder::Roles(_) => ("roles", None),
        Holder::Topic(arn) => ("topic-policy", Some(arn)),
        Holder::Key(key) => ("key-policy", Some(key.arn())),
    };
    json!({
        "to": {"kind": kind, "arn": arn, "words": it.to.to_string()}, "why": it.why, "name": it.name,
        "policy": it.document.to_value(), "toml": it.toml,
    })
}

fn edge(edge: &Edge) -> Value {
    let mut value = json!({
        "word": edge.word(), "target": edge.target, "region": edge.region, "who": edge.who,
        "assume": edge.assume.as_ref().map(|it| json!({"role_arn": it.role, "external_id": it.external_id})),
    });
    let more = match &edge.action {
        Action::Call {
            url,
            routes,
            example,
        } => json!({
            "kind": "call", "url": url, "routes": routes,
            "example": {"method": example.0, "path": example.1},
        }),
        Action::Send { to, fifo, example } => {
            let attributes: Map<String, Value> = example
                .attributes
                .iter()
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            let mut value = json!({
                "fifo": fifo.is_some(), "content_based_deduplication": fifo,
                "example": {"message": example.body, "attributes": attributes},
            });
            let place = match to {
                Recipient::Topic(topic) => json!({"kind": "publish", "topic_arn": topic}),
                Recipient::Queue(queue, url) => {
                    json!({"kind": "send", "queue_arn": queue, "url": url})
                }
            };
            merge(&mut value, place);
            value
        }
        Action::Receive {
            queue,
            url,
            sources,
        } => {
            let sources: Vec<Value> = sources
                .iter()
                .map(|it| json!({"topic_arn": it.topic, "raw": it.raw, "filter": it.filter}))
                .collect();
            json!({"kind": "receive", "queue_arn": queue, "url": url, "sources": sources})
        }
    };
    merge(&mut value, more);
    value
}

/// Adds the fields of one object to another's.
fn merge(value: &mut Value, more: Value) {
    if let (Value::Object(fields), Value::Object(more)) = (value, more) {
        fields.extend(more);
    }
}
