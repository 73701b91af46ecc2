//! The graph of a stack: who needs whom, and who may do what.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::escape::diagram::{dot as dot_label, mermaid as label};
use crate::graph::making;
use crate::kinds::Resource;
use crate::lower::Desired;
use crate::model::Address;
use crate::stack::Leave;

/// An arrow between two things of a stack.
struct Arrow {
    from: String,
    to: String,
    says: String,
}

/// The arrows of access: who may do what, and which queue receives from which topic.
fn access(desired: &Desired) -> Vec<Arrow> {
    let mut arrows: Vec<Arrow> = Vec::new();
    for grant in &desired.grants {
        let verb = grant
            .may
            .trim_end_matches(" of")
            .trim_end_matches(" to")
            .to_owned();
        match &grant.role {
            Some(role) => {
                arrows.push(Arrow {
                    from: grant.who.clone(),
                    to: role.to_string(),
                    says: "assume".to_owned(),
                });
                arrows.push(Arrow {
                    from: role.to_string(),
                    to: grant.target.to_string(),
                    says: verb,
                });
            }
            None => arrows.push(Arrow {
                from: grant.who.clone(),
                to: grant.target.to_string(),
                says: verb,
            }),
        }
    }
    for it in &desired.claims {
        arrows.push(Arrow {
            from: it.from.to_string(),
            to: it.target.clone(),
            says: it
                .may
                .trim_end_matches(" of")
                .trim_end_matches(" to")
                .to_owned(),
        });
    }
    for it in &desired.offers {
        if it.leave == Leave::Subscribe {
            arrows.push(Arrow {
                from: it.to.to_string(),
                to: it.to_whom.says(),
                says: "offer".to_owned(),
            });
        }
    }
    for (address, want) in &desired.wants {
        if let Resource::Subscription(it) = &want.resource {
            let queue = address.name.split('.').next().unwrap_or_default();
            let topic = desired
                .wants
                .iter()
                .find(|(_, want)| matches!(&want.resource, Resource::Topic(topic) if topic.arn == it.topic))
                .map(|(address, _)| address.to_string())
                .or_else(|| desired.theirs.get(it.topic.as_str()).cloned())
                .unwrap_or_else(|| it.topic.to_string());
            arrows.push(Arrow {
                from: topic,
                to: format!("queues.{queue}"),
                says: "deliver".to_owned(),
            });
        }
    }
    arrows
}

/// Graphviz: accounts as boxes, access as arrows.
#[must_use]
pub fn dot(desired: &Desired) -> String {
    let mut text = format!(
        "digraph \"{}\" {{\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n",
        dot_label(&desired.stack)
    );
    for (index, (account, addresses)) in by_account(desired).into_iter().enumerate() {
        let _ = writeln!(
            text,
            "  subgraph cluster_{index} {{\n    label=\"{}\";",
            dot_label(&account)
        );
        for address in addresses {
            let _ = writeln!(text, "    \"{}\";", dot_label(&address.to_string()));
        }
        text += "  }\n";
    }
    for arrow in access(desired) {
        let _ = writeln!(
            text,
            "  \"{}\" -> \"{}\" [label=\"{}\"];",
            dot_label(&arrow.from),
            dot_label(&arrow.to),
            dot_label(&arrow.says)
        );
    }
    text + "}\n"
}

/// Mermaid: what forges draw in a comment.
#[must_use]
pub fn mermaid(desired: &Desired) -> String {
    let id = |name: &str| -> String {
        name.chars()
            .map(|it| if it.is_ascii_alphanumeric() { it } else { '_' })
            .collect()
    };
    let mut text = "flowchart LR\n".to_owned();
    for (account, addresses) in by_account(desired) {
        let _ = writeln!(text, "  subgraph {}[\"{}\"]", id(&account), label(&account));
        for address in addresses {
            let address = address.to_string();
            let _ = writeln!(text, "    {}[\"{}\"]", id(&address), label(&address));
        }
        text += "  end\n";
    }
    for arrow in access(desired) {
        let says = label(&arrow.says);
        let drawn = |name: &str| name.contains('.') && !name.contains(':');
        let end = |name: &str| {
            if drawn(name) && !name.starts_with("contracts.") {
                id(name)
            } else {
                format!("{}[\"{}\"]", id(name), label(name))
            }
        };
        let (from, to) = (end(&arrow.from), end(&arrow.to));
        let _ = writeln!(text, "  {from} -->|\"{says}\"| {to}");
    }
    text
}

/// Everything: resources, what each needs, and access.
#[must_use]
pub fn json(desired: &Desired) -> Value {
    let tasks = making(&desired.wants);
    let needs: Vec<Value> = tasks
        .edge_indices()
        .filter_map(|it| tasks.edge_endpoints(it))
        .filter(|(before, after)| tasks[*before].address != tasks[*after].address)
        .map(
            |(before, after)| json!({"from": tasks[after].address, "needs": tasks[before].address}),
        )
        .collect();
    let nodes: Vec<Value> = desired
        .wants
        .iter()
        .map(|(address, want)| {
            json!({
                "address": address, "kind": address.kind, "account": want.place.account,
                "account_id": want.place.id, "region": want.place.region, "owned": want.owned,
                "because": want.because,
            })
        })
        .collect();
    let arrows: Vec<Value> = access(desired)
        .into_iter()
        .map(|it| json!({"from": it.from, "to": it.to, "says": it.says}))
        .collect();
    json!({"schema": "provision.graph/1", "stack": desired.stack, "resources": nodes, "needs": needs, "access": arrows})
}

fn by_account(desired: &Desired) -> std::collections::BTreeMap<String, Vec<&Address>> {
    let mut found: std::collections::BTreeMap<String, Vec<&Address>> =
        std::collections::BTreeMap::new();
    for (address, want) in &desired.wants {
        // A stage and a subscription are not places in the picture: they are their API and an arrow.
        if matches!(
            want.resource,
            Resource::Stage(_) | Resource::Subscription(_)
        ) {
            continue;
        }
        found
            .entry(format!("{} {}", want.place.account, want.place.id))
            .or_default()
            .push(address);
    }
    found
}
