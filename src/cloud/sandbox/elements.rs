//! The elements of policy documents that the sandbox has taken, read as plain JSON.
//!
//! Which documents it takes is in [`crate::policy::grammar`].

use serde_json::{Map, Value};

pub(super) use crate::policy::grammar::items;

/// The strings of a value; what is not a string is left out.
pub(super) fn strings(value: Option<&Value>) -> Vec<&str> {
    items(value).iter().filter_map(Value::as_str).collect()
}

/// The statements of a parsed document.
pub(super) fn statements(document: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    items(document.get("Statement"))
        .iter()
        .filter_map(Value::as_object)
}

/// The actions a statement names, in either form.
pub(super) fn actions(statement: &Map<String, Value>) -> Vec<&str> {
    strings(
        statement
            .get("Action")
            .or_else(|| statement.get("NotAction")),
    )
}

/// The characters that count against IAM's quotas: all but white space.
pub(super) fn size(text: &str) -> usize {
    text.chars().filter(|it| !it.is_whitespace()).count()
}

/// The operator without its set prefix and `IfExists`, in lower case.
pub(super) fn plain_operator(operator: &str) -> String {
    let lower = operator.to_ascii_lowercase();
    let lower = lower
        .strip_prefix("forallvalues:")
        .or_else(|| lower.strip_prefix("foranyvalue:"))
        .unwrap_or(&lower);
    lower.strip_suffix("ifexists").unwrap_or(lower).to_owned()
}
