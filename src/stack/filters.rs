//! Filter policies of subscriptions.
//!
//! See <https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html>.

use serde_json::Value;

use super::checker::Checker;
use super::diagnostic::{Code, Diagnostic};
use super::fields::{Fields, Item};
use crate::policy::filter;

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
    let Item::Json(value, node) = &item.value else {
        return None;
    };
    let key = fields.key_of("filter").unwrap_or(item.span);
    let mut wrong = filter::refusals(value, on_body);
    if value.as_object().is_some_and(serde_json::Map::is_empty) {
        wrong.push(filter::FilterRefusal {
            at: String::new(),
            words: String::new(),
            label: "lets nothing be told apart".to_owned(),
            help: "say what to match, `{ type = [\"created\"] }`; or remove `filter` to receive everything".to_owned(),
        });
    }
    if wrong.is_empty() {
        return Some(value.clone());
    }
    for refusal in wrong {
        let at = if refusal.at.is_empty() {
            key
        } else {
            node.at(&refusal.at)
        };
        checker.report(
            Diagnostic::new(
                Code::WrongType,
                at,
                format!("the filter of {} is not one SNS takes", fields.owner),
                refusal.label,
            )
            .help(refusal.help),
        );
    }
    None
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
