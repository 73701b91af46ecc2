//! Whether a topic's policy lets another account do something.
//!
//! A small judge for one question. Which role calls is not known, so a
//! statement for a role of the account counts as one for the caller; what a
//! condition says about things that are not known here counts as not met.

use serde_json::{Map, Value};

use super::elements::{actions, items, plain_operator, statements, strings};

/// What is asked.
pub(super) struct Asked<'a> {
    /// The calling account's twelve digits.
    pub(super) account: &'a str,
    /// As `sns:Subscribe`.
    pub(super) action: &'a str,
    /// What is known about the call, by condition key in lower case.
    pub(super) known: &'a [(&'a str, &'a str)],
}

/// Whether the document allows it and does not deny it.
pub(super) fn allows(document: &str, asked: &Asked<'_>) -> bool {
    let Ok(document) = serde_json::from_str::<Value>(document) else {
        return false;
    };
    let mut allowed = false;
    for statement in statements(&document) {
        if !names_principal(statement, asked.account)
            || !names_action(statement, asked.action)
            || !conditions_hold(statement, asked)
        {
            continue;
        }
        if statement.get("Effect").is_some_and(|it| it == "Deny") {
            return false;
        }
        allowed = true;
    }
    allowed
}

fn names_principal(statement: &Map<String, Value>, account: &str) -> bool {
    let named = |value: &Value| match value {
        Value::String(text) => text == "*",
        other => strings(other.get("AWS"))
            .into_iter()
            .any(|it| it == "*" || it == account || it.split(':').nth(4) == Some(account)),
    };
    match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(value), _) => named(value),
        (None, Some(value)) => !named(value),
        (None, None) => false,
    }
}

fn names_action(statement: &Map<String, Value>, action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    let named = actions(statement)
        .into_iter()
        .any(|it| like(&it.to_ascii_lowercase(), &action));
    named == statement.contains_key("Action")
}

fn conditions_hold(statement: &Map<String, Value>, asked: &Asked<'_>) -> bool {
    let Some(Value::Object(operators)) = statement.get("Condition") else {
        return true;
    };
    operators.iter().all(|(operator, keys)| {
        let Value::Object(keys) = keys else {
            return false;
        };
        keys.iter().all(|(key, values)| {
            let key = key.to_ascii_lowercase();
            let known = asked.known.iter().find(|(name, _)| *name == key);
            let Some((_, actual)) = known else {
                return false;
            };
            let mut values = items(Some(values)).iter().filter_map(Value::as_str);
            match plain_operator(operator).as_str() {
                "stringequals" => values.any(|it| it == *actual),
                "stringequalsignorecase" => values.any(|it| it.eq_ignore_ascii_case(actual)),
                "stringlike" | "arnlike" | "arnequals" => values.any(|it| like(it, actual)),
                "stringnotequals" => !values.any(|it| it == *actual),
                "stringnotlike" | "arnnotlike" | "arnnotequals" => {
                    !values.any(|it| like(it, actual))
                }
                _ => false,
            }
        })
    })
}

/// Whether a text is of a pattern, in which `*` is any run of characters and `?` any one.
pub(super) fn like(pattern: &str, text: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('*') => {
            let rest = rest.as_str();
            like(rest, text)
                || text
                    .char_indices()
                    .any(|(at, it)| like(rest, &text[at + it.len_utf8()..]))
        }
        Some(wanted) => {
            let mut text = text.chars();
            text.next().is_some_and(|it| {
                (wanted == '?' || wanted == it) && like(rest.as_str(), text.as_str())
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_run_and_a_question_mark_any_one() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*b*c", "a:b:c", true),
            ("abc", "abcd", false),
        ] {
            assert_eq!(like(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn what_a_condition_says_of_unknown_things_is_not_met() {
        let document = |effect: &str, condition: &str| {
            format!(
                r#"{{"Statement":[{{"Effect":"{effect}","Principal":"*","Action":"sns:Subscribe","Resource":"*","Condition":{condition}}}]}}"#
            )
        };
        let asked = Asked {
            account: "111111111111",
            action: "SNS:Subscribe",
            known: &[("sns:protocol", "sqs")],
        };
        for (condition, allowed) in [
            ("{}", true),
            (r#"{"StringEquals":{"SNS:Protocol":"sqs"}}"#, true),
            (r#"{"StringEquals":{"sns:Protocol":["http","sqs"]}}"#, true),
            (r#"{"StringNotLike":{"sns:Protocol":"s*"}}"#, false),
            (r#"{"StringEquals":{"aws:PrincipalOrgID":"o-a"}}"#, false),
            (r#"{"Bool":{"sns:Protocol":"true"}}"#, false),
        ] {
            assert_eq!(
                allows(&document("Allow", condition), &asked),
                allowed,
                "{condition}"
            );
            assert!(!allows(&document("Deny", condition), &asked));
        }
    }
}
