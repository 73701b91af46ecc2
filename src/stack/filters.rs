//! Filter policies of subscriptions.
//!
//! See <https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html>.

use serde_json::Value;

use super::checker::Checker;
use super::diagnostic::{Code, Diagnostic};
use super::fields::{Fields, Item};

/// Values that a filter's lists may hold, multiplied over its keys.
const MOST_COMBINATIONS: usize = 150;
/// Keys a filter may have.
const MOST_KEYS: usize = 5;
/// Bytes a filter may have.
const MOST_BYTES: usize = 256 * 1024;

/// What SNS compares by, inside a list: `{ prefix = "a" }`.
const OPERATORS: [&str; 9] = [
    "anything-but",
    "cidr",
    "equals-ignore-case",
    "exists",
    "numeric",
    "prefix",
    "suffix",
    "wildcard",
    "$or",
];

/// The filter of a subscription, if it is one SNS takes.
pub(super) fn filter(checker: &mut Checker<'_>, fields: &Fields, on_body: bool) -> Option<Value> {
    let Some(item) = fields.get("filter") else {
        if on_body
            && !fields.is_written("filter")
            && let Some(key) = fields.key_of("filter_on_body")
        {
            checker.report(
                Diagnostic::new(
                    Code::Conflict,
                    key,
                    format!("{} has no filter", fields.owner),
                    "there is nothing to read the body for",
                )
                .help("add `filter = { … }`, or remove `filter_on_body`"),
            );
        }
        return None;
    };
    let Item::Json(value, _) = &item.value else {
        return None;
    };
    let key = fields.key_of("filter").unwrap_or(item.span);
    let mut keys = Vec::new();
    let wrong = match value {
        Value::Object(entries) if entries.is_empty() => Some(Wrong {
            label: "lets nothing be told apart".to_owned(),
            help: "say what to match, `{ type = [\"created\"] }`; or remove `filter` to receive everything".to_owned(),
        }),
        Value::Object(_) => walk(value, "", on_body, &mut keys).or_else(|| too_much(value, &keys)),
        _ => None,
    };
    if let Some(wrong) = wrong {
        checker.report(
            Diagnostic::new(
                Code::WrongType,
                key,
                format!("the filter of {} is not one SNS takes", fields.owner),
                wrong.label,
            )
            .help(wrong.help),
        );
        return None;
    }
    Some(value.clone())
}

struct Wrong {
    label: String,
    help: String,
}

/// Goes down to the lists, counting what each holds.
fn walk(value: &Value, path: &str, on_body: bool, lists: &mut Vec<usize>) -> Option<Wrong> {
    let Value::Object(entries) = value else {
        return None;
    };
    entries.iter().find_map(|(key, value)| {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match value {
            Value::Array(items) if items.is_empty() => Some(Wrong {
                label: format!("`{path}` is empty: it matches nothing"),
                help: "list the values that match".to_owned(),
            }),
            Value::Array(items) => {
                lists.push(items.len());
                items.iter().find_map(|it| match it {
                    Value::Array(_) => Some(Wrong {
                        label: format!("`{path}` has a list in its list"),
                        help: "list values, or comparisons such as `{ prefix = \"a\" }`".to_owned(),
                    }),
                    Value::Object(it) if key != "$or" => it.keys().find_map(|operator| {
                        (!OPERATORS.contains(&operator.as_str())).then(|| Wrong {
                            label: format!("`{path}` compares by `{operator}`, which SNS does not know"),
                            help: format!("SNS compares by {}", super::diagnostic::listed(OPERATORS, "and")),
                        })
                    }),
                    Value::Object(_) => walk(it, &path, on_body, lists),
                    _ => None,
                })
            }
            Value::Object(_) if on_body => walk(value, &path, on_body, lists),
            Value::Object(_) => Some(Wrong {
                label: format!("`{path}` is a table, and message attributes hold no tables"),
                help: format!("list what matches: `{key} = [{{ … }}]`; or add `filter_on_body = true`, if the message's body is meant"),
            }),
            one => Some(Wrong {
                label: format!("`{path}` is not a list"),
                help: format!("list what matches: `{key} = [{one}]`"),
            }),
        }
    })
}

fn multiplied(lists: &[usize]) -> usize {
    lists.iter().fold(1, |all, it| all.saturating_mul(*it))
}

fn too_much(value: &Value, lists: &[usize]) -> Option<Wrong> {
    // Alternatives are added, not multiplied: what they come to is left to SNS.
    let combinations = if value.to_string().contains("\"$or\":") {
        1
    } else {
        multiplied(lists)
    };
    if lists.len() > MOST_KEYS {
        Some(Wrong {
            label: format!("{} keys", lists.len()),
            help: format!("SNS takes {MOST_KEYS}"),
        })
    } else if combinations > MOST_COMBINATIONS {
        Some(Wrong {
            label: format!("{combinations} combinations of values"),
            help: format!("SNS takes {MOST_COMBINATIONS}: the lengths of the lists, multiplied"),
        })
    } else if value.to_string().len() > MOST_BYTES {
        Some(Wrong {
            label: "too large".to_owned(),
            help: "SNS takes 256 KiB".to_owned(),
        })
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::faults;

    #[test]
    fn a_filter_lists_what_matches() {
        snapbox::assert_data_eq!(
            faults(
                "[topics.t]\n[queues.a]\nsubscribe = { topic = \"t\", filter = { type = [\"a\", { prefix = \"b\" }], n = [{ numeric = [\">\", 1] }] } }\n"
            ),
            snapbox::str![[r#"
no fault

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[topics.t]\n[queues.a]\nsubscribe = { topic = \"t\", filter = { type = \"a\" } }\n"
            ),
            snapbox::str![[r#"
E0102: the filter of a subscription of queue `a` is not one SNS takes [`type` is not a list] help: list what matches: `type = ["a"]`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[topics.t]\n[queues.a]\nsubscribe = { topic = \"t\", filter = { a = { b = [\"c\"] } } }\n"
            ),
            snapbox::str![[r#"
E0102: the filter of a subscription of queue `a` is not one SNS takes [`a` is a table, and message attributes hold no tables] help: list what matches: `a = [{ … }]`; or add `filter_on_body = true`, if the message's body is meant

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[topics.t]\n[queues.a]\nsubscribe = { topic = \"t\", filter_on_body = true, filter = { a = { b = [\"c\"] } } }\n"
            ),
            snapbox::str![[r#"
no fault

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[topics.t]\n[queues.a]\nsubscribe = { topic = \"t\", filter_on_body = true }\n"
            ),
            snapbox::str![[r#"
E0105: a subscription of queue `a` has no filter [there is nothing to read the body for] help: add `filter = { … }`, or remove `filter_on_body`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.t]\n[queues.a]\nsubscribe = { topic = \"t\", filter = { a = [] } }\n"),
            snapbox::str![[r#"
E0102: the filter of a subscription of queue `a` is not one SNS takes [`a` is empty: it matches nothing] help: list the values that match

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.t]\n[queues.a]\nsubscribe = { topic = \"t\", filter = {} }\n"),
            snapbox::str![[r#"
E0102: the filter of a subscription of queue `a` is not one SNS takes [lets nothing be told apart] help: say what to match, `{ type = ["created"] }`; or remove `filter` to receive everything

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[topics.t]\n[queues.a]\nsubscribe = { topic = \"t\", filter = { a = [{ begins = \"x\" }] } }\n"
            ),
            snapbox::str![[r#"
E0102: the filter of a subscription of queue `a` is not one SNS takes [`a` compares by `begins`, which SNS does not know] help: SNS compares by `anything-but`, `cidr`, `equals-ignore-case`, `exists`, `numeric`, `prefix`, `suffix`, `wildcard` and `$or`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[topics.t]\n[queues.a]\nsubscribe = { topic = \"t\", filter = { a = [1], b = [1], c = [1], d = [1], e = [1], f = [1] } }\n"
            ),
            snapbox::str![[r#"
E0102: the filter of a subscription of queue `a` is not one SNS takes [6 keys] help: SNS takes 5

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[topics.t]\n[queues.a]\nsubscribe = { topic = \"t\", filter = { a = [1,2,3,4,5,6], b = [1,2,3,4,5,6], c = [1,2,3,4,5] } }\n"
            ),
            snapbox::str![[r#"
E0102: the filter of a subscription of queue `a` is not one SNS takes [180 combinations of values] help: SNS takes 150: the lengths of the lists, multiplied

"#]]
        );
    }
}
