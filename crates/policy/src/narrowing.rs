//! What a change of a subscription's filter takes away: the messages that arrive no longer, in words.
//!
//! See <https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html>.

use serde_json::{Value, json};

/// A filter with where it reads: nothing lets every message through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MessageFilter<'a> {
    /// The filter policy.
    pub policy: Option<&'a Value>,
    /// Whether it reads the message's body, and not its attributes.
    pub on_body: bool,
}

/// What one filter lets through and another does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostMessages {
    /// The messages, in words.
    pub messages: Vec<String>,
    /// Whether the words are certain: some operators are compared by their text alone.
    pub certain: bool,
}

/// Returns what `before` lets through and `after` does not.
#[must_use]
pub fn lost_messages(before: MessageFilter<'_>, after: MessageFilter<'_>) -> LostMessages {
    let nothing = json!({});
    let (old, new) = (
        before.policy.unwrap_or(&nothing),
        after.policy.unwrap_or(&nothing),
    );
    let moved = before.policy.is_some() && *new != nothing && before.on_body != after.on_body;
    if moved {
        let fields: Vec<String> = new
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| format!("`{key}`"))
            .collect();
        let (there, here) = if after.on_body {
            ("in their attributes", "in their body")
        } else {
            ("in their body", "in their attributes")
        };
        return LostMessages {
            messages: vec![format!(
                "messages that carry {} {there} and not {here}",
                fields.join(", ")
            )],
            certain: true,
        };
    }
    let (had, has) = (old.to_string(), new.to_string());
    let by_text = ["\"wildcard\"", "\"cidr\""]
        .iter()
        .any(|it| has.contains(it));
    let alternatives = had.contains("\"$or\"") && has.contains("\"$or\"");
    LostMessages {
        messages: narrowed(old, new, ""),
        certain: !by_text && !alternatives,
    }
}

/// What a filter of messages lets through no longer, in words: what it asks for that it did not, and
/// values that it took before.
fn narrowed(stack: &Value, live: &Value, path: &str) -> Vec<String> {
    let (Some(old), Some(new)) = (stack.as_object(), live.as_object()) else {
        return Vec::new();
    };
    let list = |it: &Value| it.as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    for (key, wanted) in new {
        let name = format!("{path}{key}");
        match old.get(key) {
            None if wanted.is_object() => {
                let nothing = Value::Object(serde_json::Map::new());
                found.extend(narrowed(&nothing, wanted, &format!("{name}.")));
            }
            None if key == "$or" => {
                let ways = list(wanted);
                let ways: Vec<String> = ways.iter().map(|it| way_in_words(it, path)).collect();
                found.push(format!("messages in which neither {}", ways.join(" nor ")));
            }
            Some(before) if key == "$or" => {
                let left = list(wanted);
                let gone = list(before).into_iter().filter(|way| {
                    let lets_all = |it: &Value| narrowed(way, it, "").is_empty();
                    !left.iter().any(lets_all)
                });
                let gone = gone.map(|it| format!("messages in which {}", way_in_words(&it, path)));
                found.extend(gone);
            }
            Some(before) if before.is_object() && wanted.is_object() => {
                found.extend(narrowed(before, wanted, &format!("{name}.")));
            }
            Some(_) if wanted.is_object() => {
                let nothing = Value::Object(serde_json::Map::new());
                found.extend(narrowed(&nothing, wanted, &format!("{name}.")));
            }
            Some(before) if !before.is_object() => {
                let left = list(wanted);
                let gone: Vec<Value> = list(before)
                    .iter()
                    .flat_map(|it| left_out(it, &left))
                    .collect();
                if !gone.is_empty() {
                    found.push(format!("messages whose `{name}` is {}", one_of(&gone)));
                }
            }
            None | Some(_) => found.push(format!(
                "messages whose `{name}` is not {}",
                one_of(&list(wanted))
            )),
        }
    }
    found
}

/// Returns one alternative of a filter in words: all that it asks for.
fn way_in_words(way: &Value, path: &str) -> String {
    let fields = way.as_object().into_iter().flatten();
    let tests = fields.map(|(key, it)| match it {
        Value::Array(ways) if key == "$or" => {
            let ways: Vec<String> = ways.iter().map(|it| way_in_words(it, path)).collect();
            format!("({})", ways.join(" or "))
        }
        Value::Object(_) => way_in_words(it, &format!("{path}{key}.")),
        _ => format!(
            "`{path}{key}` is {}",
            one_of(it.as_array().map_or(&[], Vec::as_slice))
        ),
    });
    tests.collect::<Vec<_>>().join(" and ")
}

/// Returns what a value of a filter takes and none of the others does, as values.
fn left_out(value: &Value, others: &[Value]) -> Vec<Value> {
    if others.iter().any(|it| covers(it, value)) {
        return Vec::new();
    }
    // Of two lists of what is refused, the longer one takes away what only it names.
    let (Some(old), [other]) = (refused(value), others) else {
        return vec![value.clone()];
    };
    let Some(new) = refused(other) else {
        return vec![value.clone()];
    };
    new.into_iter().filter(|it| !old.contains(it)).collect()
}

/// The plain values that an `anything-but` refuses; `None` for anything else.
fn refused(value: &Value) -> Option<Vec<Value>> {
    let list = match value.get("anything-but")? {
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    };
    list.iter().all(|it| !it.is_object()).then_some(list)
}

/// Whether one value of a filter certainly takes all that another one takes.
fn covers(wide: &Value, narrow: &Value) -> bool {
    let text =
        |it: &Value, operator: &str| it.get(operator).and_then(Value::as_str).map(str::to_owned);
    let own = narrow.as_str();
    if wide == narrow || wide.get("exists") == Some(&Value::Bool(true)) {
        return wide == narrow || narrow.get("exists") != Some(&Value::Bool(false));
    }
    if let Some(prefix) = text(wide, "prefix") {
        let inner = text(narrow, "prefix").or_else(|| own.map(str::to_owned));
        return inner.is_some_and(|it| it.starts_with(&prefix));
    }
    if let Some(suffix) = text(wide, "suffix") {
        let inner = text(narrow, "suffix").or_else(|| own.map(str::to_owned));
        return inner.is_some_and(|it| it.ends_with(&suffix));
    }
    if let Some(same) = text(wide, "equals-ignore-case") {
        return own.is_some_and(|it| it.to_lowercase() == same.to_lowercase());
    }
    if let Some(range) = Range::of(wide) {
        return Range::of(narrow).is_some_and(|it| range.covers(&it));
    }
    match (refused(wide), refused(narrow)) {
        (Some(few), Some(many)) => few.iter().all(|it| many.contains(it)),
        (Some(few), None) => own.is_some() && !few.contains(narrow),
        _ => false,
    }
}

/// The numbers that a value of a filter takes, each end with whether it belongs to them.
struct Range {
    from: (f64, bool),
    to: (f64, bool),
}

impl Range {
    /// Returns the range of a number or of a `numeric` test; `None` for anything else.
    fn of(value: &Value) -> Option<Self> {
        if let Some(number) = value.as_f64() {
            let end = (number, true);
            return Some(Self { from: end, to: end });
        }
        let mut range = Self {
            from: (f64::NEG_INFINITY, true),
            to: (f64::INFINITY, true),
        };
        for pair in value.get("numeric")?.as_array()?.chunks(2) {
            let [operator, bound] = pair else { return None };
            let bound = bound.as_f64()?;
            match operator.as_str()? {
                "=" => (range.from, range.to) = ((bound, true), (bound, true)),
                ">" => range.from = (bound, false),
                ">=" => range.from = (bound, true),
                "<" => range.to = (bound, false),
                "<=" => range.to = (bound, true),
                _ => return None,
            }
        }
        Some(range)
    }

    fn covers(&self, other: &Self) -> bool {
        let inside = |outer: (f64, bool), inner: (f64, bool), beyond: std::cmp::Ordering| {
            let order = inner.0.partial_cmp(&outer.0);
            order == Some(beyond)
                || (order == Some(std::cmp::Ordering::Equal) && (outer.1 || !inner.1))
        };
        inside(self.from, other.from, std::cmp::Ordering::Greater)
            && inside(self.to, other.to, std::cmp::Ordering::Less)
    }
}

/// Returns the values of a filter in words, any of which is enough.
fn one_of(values: &[Value]) -> String {
    let all: Vec<String> = values.iter().map(in_words).collect();
    all.join(" or ")
}

/// Returns one value or operator of a filter in words.
fn in_words(value: &Value) -> String {
    let operator = value.as_object().and_then(|it| it.iter().next());
    let Some((operator, operand)) = operator else {
        return value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
    };
    let listed = operand.as_array().cloned();
    let operands = listed.unwrap_or_else(|| vec![operand.clone()]);
    match operator.as_str() {
        "prefix" => format!("a text that begins with {}", one_of(&operands)),
        "suffix" => format!("a text that ends with {}", one_of(&operands)),
        "wildcard" => format!("a text like {}", one_of(&operands)),
        "equals-ignore-case" => format!("{} in any case", one_of(&operands)),
        "cidr" => format!("an address in {}", one_of(&operands)),
        "anything-but" => format!("anything but {}", one_of(&operands)),
        "exists" if *operand == Value::Bool(false) => "absent".to_owned(),
        "exists" => "present".to_owned(),
        "numeric" => {
            let pairs = operands.chunks(2).map(|pair| {
                let words: Vec<String> = pair.iter().map(in_words).collect();
                words.join(" ")
            });
            pairs.collect::<Vec<_>>().join(" and ")
        }
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(stack: &Value, live: &Value) -> Vec<String> {
        narrowed(stack, live, "")
    }

    #[test]
    fn a_narrowed_filter_says_what_it_lets_through_no_longer() {
        for (stack, live, expected) in [
            (
                json!({"a": ["x", "y"]}),
                json!({"a": ["x"]}),
                vec!["messages whose `a` is y"],
            ),
            (
                json!({"$or": [{"a": ["x"]}, {"b": ["y"], "c": ["z"]}]}),
                json!({"$or": [{"a": ["x"]}]}),
                vec!["messages in which `b` is y and `c` is z"],
            ),
            // An alternative that takes more than before loses nothing.
            (
                json!({"$or": [{"a": ["x"]}]}),
                json!({"$or": [{"a": ["x", "y"]}]}),
                vec![],
            ),
            (
                json!({}),
                json!({"$or": [{"a": {"b": ["x"]}}, {"c": ["y"]}]}),
                vec!["messages in which neither `a.b` is x nor `c` is y"],
            ),
            (
                json!({"a": {"b": ["x", "y"], "$or": [{"c": ["1"]}, {"d": ["2"]}]}}),
                json!({"a": {"b": ["x"], "$or": [{"d": ["2"]}]}}),
                vec!["messages in which `a.c` is 1", "messages whose `a.b` is y"],
            ),
            (
                json!({"a": {"b": ["x"]}}),
                json!({"a": ["x"]}),
                vec!["messages whose `a` is not x"],
            ),
            (
                json!({"a": ["x"]}),
                json!({"a": {"b": ["x"]}}),
                vec!["messages whose `a.b` is not x"],
            ),
            (
                json!({"a": [{"prefix": "ab"}, "abc"]}),
                json!({"a": [{"prefix": "a"}]}),
                vec![],
            ),
            (
                json!({"a": [{"anything-but": ["x"]}]}),
                json!({"a": [{"anything-but": ["x", "y"]}]}),
                vec!["messages whose `a` is y"],
            ),
            (
                json!({"a": ["x"]}),
                json!({"a": [{"exists": true}]}),
                vec![],
            ),
            (
                json!({"a": [{"numeric": [">", 5, "<", 9]}, 7]}),
                json!({"a": [{"numeric": [">=", 5]}]}),
                vec![],
            ),
            (
                json!({"a": [{"numeric": [">=", 5]}]}),
                json!({"a": [{"numeric": [">", 5]}]}),
                vec!["messages whose `a` is >= 5"],
            ),
            (
                json!({"a": [{"exists": false}]}),
                json!({"a": [{"exists": true}]}),
                vec!["messages whose `a` is absent"],
            ),
            (
                json!({"$or": [{"a": ["x"], "$or": [{"b": ["y"]}, {"c": ["z"]}]}, {"d": ["w"]}]}),
                json!({"$or": [{"d": ["w"]}]}),
                vec!["messages in which (`b` is y or `c` is z) and `a` is x"],
            ),
            (
                json!({"a": [{"equals-ignore-case": "x"}, "X", "y"]}),
                json!({"a": [{"equals-ignore-case": "x"}]}),
                vec!["messages whose `a` is y"],
            ),
            (
                json!({"a": [{"anything-but": ["x", "y"]}]}),
                json!({"a": [{"anything-but": ["x"]}]}),
                vec![],
            ),
            (
                json!({"a": [{"anything-but": ["x", "y"]}, "z"]}),
                json!({"a": [{"anything-but": ["x"]}, "w"]}),
                vec![],
            ),
            (
                json!({}),
                json!({"a": {"b": ["x"]}}),
                vec!["messages whose `a.b` is not x"],
            ),
            (
                json!({"a": [{"numeric": ["<", 5]}, {"numeric": [">", 9]}, 7]}),
                json!({"a": [{"numeric": ["<=", 5]}, {"numeric": [">", 9]}, {"numeric": ["=", 7]}]}),
                vec![],
            ),
            (
                json!({"a": [{"numeric": ["<=", 5]}, {"numeric": [">", 8]}, 8]}),
                json!({"a": [{"numeric": ["<", 5]}, {"numeric": [">", 9]}, {"numeric": ["=", 7]}]}),
                vec!["messages whose `a` is <= 5 or > 8 or 8"],
            ),
            (
                json!({"a": ["x", "y", 5]}),
                json!({"a": [{"anything-but": ["x"]}]}),
                vec!["messages whose `a` is x or 5"],
            ),
        ] {
            assert_eq!(lost(&stack, &live), expected, "{stack} {live}");
        }
    }
    #[test]
    fn a_filter_that_reads_elsewhere_loses_what_it_read_before() {
        let policy = json!({"a": ["x"]});
        let filter = |on_body| MessageFilter {
            policy: Some(&policy),
            on_body,
        };
        let lost = lost_messages(filter(false), filter(true));
        assert_eq!(
            lost.messages,
            ["messages that carry `a` in their attributes and not in their body"]
        );
        assert!(lost.certain);
        let all = MessageFilter {
            policy: None,
            on_body: false,
        };
        assert_eq!(lost_messages(filter(true), all).messages, [""; 0]);
        assert_eq!(
            lost_messages(all, filter(true)).messages,
            ["messages whose `a` is not x"]
        );
    }

    #[test]
    fn operators_that_are_compared_by_their_text_are_not_certain() {
        let (wide, narrow) = (json!({"a": [{"wildcard": "x*"}]}), json!({"a": ["xy"]}));
        let filter = |policy| MessageFilter {
            policy: Some(policy),
            on_body: false,
        };
        let lost = lost_messages(filter(&narrow), filter(&wide));
        assert!(!lost.messages.is_empty() && !lost.certain);
    }

    #[test]
    fn alternatives_that_both_filters_have_are_not_certain() {
        let certain = |before: &Value, after: &Value| {
            let filter = |policy| MessageFilter {
                policy: Some(policy),
                on_body: false,
            };
            lost_messages(filter(before), filter(after)).certain
        };
        let plain = json!({"a": ["x"]});
        let either = json!({"$or": [{"a": ["x"]}, {"b": ["y"]}]});
        for (before, after, expected) in [
            (&plain, &plain, true),
            (&plain, &either, true),
            (&either, &plain, true),
            (&either, &either, false),
        ] {
            assert_eq!(certain(before, after), expected, "{before} {after}");
        }
    }

    #[test]
    fn each_operator_has_words() {
        for (rule, words) in [
            (json!("x"), "x"),
            (json!(5), "5"),
            (json!({"prefix": "x"}), "a text that begins with x"),
            (json!({"suffix": "x"}), "a text that ends with x"),
            (json!({"wildcard": "x*"}), "a text like x*"),
            (json!({"equals-ignore-case": "x"}), "x in any case"),
            (json!({"cidr": "10.0.0.0/8"}), "an address in 10.0.0.0/8"),
            (json!({"anything-but": ["x", "y"]}), "anything but x or y"),
            (json!({"exists": true}), "present"),
            (json!({"exists": false}), "absent"),
            (json!({"numeric": [">", 1, "<=", 5]}), "> 1 and <= 5"),
        ] {
            let found = lost(&json!({}), &json!({"a": [rule]}));
            assert_eq!(found, [format!("messages whose `a` is not {words}")]);
        }
    }
}
