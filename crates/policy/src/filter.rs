//! Filter policies of SNS subscriptions: which of them SNS takes.
//!
//! See <https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html>.

use std::net::IpAddr;

use serde_json::{Map, Value};

/// Combinations of values that a filter may come to.
const MOST_COMBINATIONS: usize = 150;
/// Keys with a list that a filter may have; alternatives do not add up.
const MOST_KEYS: usize = 5;
/// Bytes a filter may have.
const MOST_BYTES: usize = 256 * 1024;
/// Wildcards one pattern may have.
const MOST_WILDCARDS: usize = 3;
/// Points that the patterns with wildcards may have together.
const MOST_POINTS: usize = 100;
/// Numbers are matched from the negative of this up to it.
const LARGEST: f64 = 1e9;

/// The comparisons of SNS, inside a list: `{ prefix = "a" }`.
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

/// What makes alternatives of the values of `$or`.
const ALTERNATIVES: &str = "SNS reads `$or` as alternatives where it lists two objects or more and no field of them has the name of a comparison; else it is an attribute like any other";

/// Whether SNS reads the values of `$or` as alternatives: two objects at least, and none with the name of a comparison.
///
/// Otherwise `$or` is an attribute like any other.
///
/// See <https://docs.aws.amazon.com/sns/latest/dg/and-or-logic.html>.
fn is_or(items: &[Value]) -> bool {
    let alternative = |it: &Value| {
        let fields = it.as_object();
        fields.is_some_and(|it| {
            !it.keys()
                .any(|key| key != "$or" && OPERATORS.contains(&key.as_str()))
        })
    };
    items.len() > 1 && items.iter().all(alternative)
}

/// Whether a comparison of the start or end of a text folds its letters: `{ prefix = { equals-ignore-case = "a" } }`.
fn is_folded(operand: &Value) -> bool {
    operand.as_object().is_some_and(|it| {
        it.len() == 1 && it.get("equals-ignore-case").is_some_and(Value::is_string)
    })
}

/// SNS's words for a range that holds no number.
const BACKWARDS: &str = "Bottom must be less than top";

/// Returns the numbers that a `numeric` compares with, or SNS's words for what it cannot read.
fn numeric(operand: &Value) -> Result<Vec<f64>, String> {
    let Some(items) = operand.as_array() else {
        return Err("Value of numeric must be an array.".to_owned());
    };
    let mut items = items.iter();
    let number = |operator: &str, items: &mut std::slice::Iter<'_, Value>| {
        let name = if operator == "=" { "equals" } else { operator };
        let value = items.next().and_then(Value::as_f64);
        value.ok_or_else(|| format!("Value of {name} must be numeric"))
    };
    let first = match items.next() {
        None => return Err("Invalid member in numeric match: ]".to_owned()),
        Some(Value::String(it)) => it.as_str(),
        Some(other) => return Err(format!("Invalid member in numeric match: {other}")),
    };
    if !["<", "<=", "=", ">", ">="].contains(&first) {
        return Err(format!("Unrecognized numeric range operator: {first}"));
    }
    let bottom = number(first, &mut items)?;
    let second = match items.next() {
        None => return Ok(vec![bottom]),
        Some(_) if ![">", ">="].contains(&first) => {
            return Err("Too many elements in numeric expression".to_owned());
        }
        Some(Value::String(it)) => it.as_str(),
        Some(other) => return Err(format!("Bad value in numeric range: {other}")),
    };
    if !["<", "<="].contains(&second) {
        return Err(format!("Bad numeric range operator: {second}"));
    }
    let top = number(second, &mut items)?;
    if items.next().is_some() {
        return Err("Too many terms in numeric range expression".to_owned());
    }
    if bottom >= top {
        return Err(BACKWARDS.to_owned());
    }
    Ok(vec![bottom, top])
}

/// Why SNS refuses a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterRefusal {
    /// The element: `detail.type[0]`; empty for the whole filter.
    pub at: String,
    /// SNS's words.
    pub words: String,
    /// What is wrong, for the author.
    pub label: String,
    /// What to write instead.
    pub help: String,
}

/// Everything in a filter that SNS refuses; `on_body` where it filters the message's body.
#[must_use]
pub fn refusals(filter: &Value, on_body: bool) -> Vec<FilterRefusal> {
    let mut walk = Walk {
        on_body,
        points: 0,
        found: Vec::new(),
    };
    let Value::Object(entries) = filter else {
        walk.refuse(
            "",
            "failed to parse JSON.",
            "not an object",
            "say what to match, `{ type = [\"created\"] }`",
        );
        return walk.found;
    };
    let combinations = walk.object(entries, "", 1, 1);
    if !walk.found.is_empty() {
        return walk.found;
    }
    let bytes = filter.to_string().len();
    let keys = leaves(entries);
    if keys > MOST_KEYS {
        walk.refuse(
            "",
            format!("Filter policy can not have more than {MOST_KEYS} keys"),
            format!("{keys} keys"),
            if on_body {
                format!("SNS takes {MOST_KEYS}, and counts the keys that have a list")
            } else {
                format!("SNS takes {MOST_KEYS}")
            },
        );
    } else if combinations > MOST_COMBINATIONS {
        walk.refuse(
            "",
            "Filter policy is too complex",
            format!("{combinations} combinations of values"),
            if on_body {
                format!(
                    "SNS takes {MOST_COMBINATIONS}: the lengths of the lists, each times its depth, multiplied"
                )
            } else {
                format!("SNS takes {MOST_COMBINATIONS}: the lengths of the lists, multiplied")
            },
        );
    } else if walk.points > MOST_POINTS {
        walk.refuse(
            "",
            "Filter policy is too complex",
            format!("{} points for wildcards", walk.points),
            format!(
                "SNS takes {MOST_POINTS}: a pattern with one wildcard has 1, with more 3, and each list has the points of \
                 its patterns times their number"
            ),
        );
    } else if bytes > MOST_BYTES {
        walk.refuse(
            "",
            "Filter policy is too large",
            "too large",
            "SNS takes 256 KiB",
        );
    }
    walk.found
}

/// Counts the keys that have a list; of alternatives, those of the one that has the most.
fn leaves(entries: &Map<String, Value>) -> usize {
    let of = |(key, value): (&String, &Value)| match value {
        Value::Array(items) if key == "$or" && is_or(items) => {
            let each = items.iter().filter_map(Value::as_object).map(leaves);
            each.max().unwrap_or(0)
        }
        Value::Object(inner) => leaves(inner),
        _ => 1,
    };
    entries.iter().map(of).sum()
}

/// Counts the wildcards of a pattern, in which a backslash takes the meaning from what follows it.
fn wildcards(pattern: &str) -> usize {
    let (mut count, mut escaped) = (0, false);
    for it in pattern.chars() {
        count += usize::from(it == '*' && !escaped);
        escaped = it == '\\' && !escaped;
    }
    count
}

/// Returns the points of a list for its wildcards: the sum of its patterns' points times their number.
fn points(items: &[Value]) -> usize {
    let operand = |it: &Value, operator: &str| it.get(operator).cloned();
    let (mut sum, mut count, mut any) = (0, 0, false);
    for item in items {
        let but = operand(item, "anything-but");
        any |= but.as_ref().is_some_and(|it| it.get("wildcard").is_some());
        let of = if let Some(pattern) = operand(item, "wildcard") {
            any = true;
            match wildcards(pattern.as_str().unwrap_or_default()) {
                0 | 1 => 1,
                _ => 3,
            }
        } else if but.is_some() {
            1
        } else {
            continue;
        };
        sum += of;
        count += 1;
    }
    if any { sum * count } else { 0 }
}

struct Walk {
    on_body: bool,
    /// Points of all lists for their wildcards.
    points: usize,
    found: Vec<FilterRefusal>,
}

impl Walk {
    fn refuse(
        &mut self,
        at: &str,
        words: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.found.push(FilterRefusal {
            at: at.to_owned(),
            words: words.into(),
            label: label.into(),
            help: help.into(),
        });
    }

    /// Checks an object of keys; returns the combinations so far times those of its lists.
    ///
    /// A list counts as often as it is deep, and alternatives are added.
    fn object(
        &mut self,
        entries: &Map<String, Value>,
        path: &str,
        depth: usize,
        mut combinations: usize,
    ) -> usize {
        if entries.is_empty() && !path.is_empty() {
            self.refuse(
                path,
                "Empty objects are not allowed",
                format!("`{path}` is empty: it matches nothing"),
                "say what to match, or leave it out",
            );
        }
        for (key, value) in entries {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            match value {
                Value::Array(items) if items.is_empty() => self.refuse(
                    &path,
                    "Empty arrays are not allowed",
                    format!("`{path}` is empty: it matches nothing"),
                    "list the values that match",
                ),
                Value::Array(items) if key == "$or" && is_or(items) => {
                    let mut sum = 0_usize;
                    for (index, item) in items.iter().enumerate() {
                        let at = format!("{path}[{index}]");
                        let item = item.as_object().into_iter();
                        let each = item.map(|it| self.object(it, &at, depth, combinations));
                        sum = each.fold(sum, usize::saturating_add);
                    }
                    combinations = sum;
                }
                Value::Array(items) => {
                    let before = self.found.len();
                    for (index, item) in items.iter().enumerate() {
                        self.rule(item, &path, &format!("{path}[{index}]"));
                    }
                    if key == "$or" && items.iter().any(Value::is_object) {
                        self.found.truncate(before + 1);
                        for it in &mut self.found[before..] {
                            ALTERNATIVES.clone_into(&mut it.help);
                        }
                    }
                    self.points = self.points.saturating_add(points(items));
                    combinations = combinations.saturating_mul(items.len().saturating_mul(depth));
                }
                Value::Object(inner) if self.on_body => {
                    combinations = self.object(inner, &path, depth + 1, combinations);
                }
                Value::Object(_) => self.refuse(
                    &path,
                    "Filter policy scope MessageAttributes does not support nested filter policy",
                    format!("`{path}` is a table, and message attributes hold no tables"),
                    format!("list what matches: `{key} = [{{ … }}]`; or add `filter_on_body = true`, if the message's body is meant"),
                ),
                one => self.refuse(
                    &path,
                    format!("\"{key}\" must be an object or an array"),
                    format!("`{path}` is not a list"),
                    format!("list what matches: `{key} = [{one}]`"),
                ),
            }
        }
        combinations
    }

    /// Checks what one item of a list matches.
    fn rule(&mut self, rule: &Value, path: &str, at: &str) {
        match rule {
            Value::Null | Value::Bool(_) | Value::String(_) => {}
            Value::Number(number) => self.number(number.as_f64(), path, at),
            Value::Array(_) => self.refuse(
                at,
                "Match value must be String, number, true, false, or null",
                format!("`{path}` has a list in its list"),
                "list values, or comparisons such as `{ prefix = \"a\" }`",
            ),
            Value::Object(it) => match it.iter().next() {
                Some((operator, operand)) if it.len() == 1 => {
                    self.comparison(operator, operand, path, at);
                }
                None => self.refuse(
                    at,
                    "Match expression name not found",
                    format!("`{path}` has a comparison without an operator"),
                    "write `{ prefix = \"a\" }`, or a value",
                ),
                Some(_) => self.refuse(
                    at,
                    "Only one key allowed in match expression",
                    format!("`{path}` has a comparison of {} operators", it.len()),
                    "write one table for each: `[{ prefix = \"a\" }, { suffix = \"z\" }]`",
                ),
            },
        }
    }

    fn number(&mut self, number: Option<f64>, path: &str, at: &str) {
        if number.is_none_or(|it| it.abs() > LARGEST) {
            self.refuse(
                at,
                "Numeric value out of range",
                format!("`{path}` matches a number that is out of range"),
                "SNS matches numbers from -1000000000 to 1000000000",
            );
        }
    }

    fn comparison(&mut self, operator: &str, operand: &Value, path: &str, at: &str) {
        let at = format!("{at}.{operator}");
        match operator {
            "prefix" | "suffix" | "equals-ignore-case" => {
                let folded = operator != "equals-ignore-case" && is_folded(operand);
                if !operand.is_string() && !folded {
                    self.not_a_text(operator, path, &at);
                }
            }
            "wildcard" => self.wildcard(operand, path, &at),
            "exists" => {
                if !operand.is_boolean() {
                    self.refuse(
                        &at,
                        "exists match pattern must be either true or false.",
                        format!("`{path}` has an `exists` that is not true or false"),
                        "write `{ exists = true }` or `{ exists = false }`",
                    );
                }
            }
            "anything-but" => self.anything_but(operand, path, &at),
            "numeric" => self.numeric(operand, path, &at),
            "cidr" => self.cidr(operand, path, &at),
            _ => {
                let known: Vec<String> = OPERATORS.iter().map(|it| format!("`{it}`")).collect();
                let (last, first) = known.split_last().unwrap_or((&known[0], &[]));
                self.refuse(
                    &at,
                    format!("Unrecognized match type {operator}"),
                    format!("`{path}` compares by `{operator}`, which SNS does not know"),
                    format!("SNS compares by {} and {last}", first.join(", ")),
                );
            }
        }
    }

    fn not_a_text(&mut self, operator: &str, path: &str, at: &str) {
        self.refuse(
            at,
            format!("{operator} match pattern must be a string"),
            format!("`{path}` has a `{operator}` that is not a text"),
            format!("write `{{ {operator} = \"…\" }}`"),
        );
    }

    fn wildcard(&mut self, operand: &Value, path: &str, at: &str) {
        let Some(pattern) = operand.as_str() else {
            return self.not_a_text("wildcard", path, at);
        };
        let count = wildcards(pattern);
        // An escaped asterisk is no wildcard, and the two that follow a backslash are one each.
        let row = pattern
            .replace("\\\\", "")
            .replace("\\*", "")
            .contains("**");
        if count > MOST_WILDCARDS || row {
            self.refuse(
                at,
                "wildcard match pattern is too complex",
                if count > MOST_WILDCARDS {
                    format!("`{path}` has a pattern with {count} wildcards")
                } else {
                    format!("`{path}` has a pattern with two wildcards in a row")
                },
                format!("SNS takes {MOST_WILDCARDS} in a pattern, each behind another character"),
            );
        }
    }

    fn anything_but(&mut self, operand: &Value, path: &str, at: &str) {
        if let Value::Object(it) = operand {
            return match it.iter().next() {
                Some((inner, value)) if it.len() == 1 => self.anything_like(inner, value, path, at),
                _ => self.refuse(
                    at,
                    if it.is_empty() {
                        "Anything-But expression name not found"
                    } else {
                        "Only one key allowed in match expression"
                    },
                    format!("`{path}` has an `anything-but` of {} operators", it.len()),
                    "write `{ anything-but = { prefix = \"a\" } }`, or values",
                ),
            };
        }
        let items = super::grammar::items(Some(operand));
        if items.is_empty() {
            self.refuse(
                at,
                "Empty arrays are not allowed",
                format!("`{path}` has an empty `anything-but`"),
                "list the values that do not match",
            );
        }
        for item in items {
            match item {
                Value::String(_) => {}
                Value::Number(number) => self.number(number.as_f64(), path, at),
                _ => self.refuse(
                    at,
                    "Inside anything but list, start|null|boolean is not supported.",
                    format!("`{path}` has an `anything-but` of neither texts nor numbers"),
                    "write `{ anything-but = [\"a\", \"b\"] }`",
                ),
            }
        }
    }

    /// Checks a comparison inside `anything-but`, which may list what it compares with.
    fn anything_like(&mut self, inner: &str, value: &Value, path: &str, at: &str) {
        let items = super::grammar::items(Some(value));
        match inner {
            "prefix" | "suffix" | "equals-ignore-case" => {
                if items.is_empty() || !items.iter().all(Value::is_string) {
                    self.not_a_text(inner, path, at);
                }
            }
            "wildcard" => {
                if items.is_empty() {
                    self.not_a_text(inner, path, at);
                }
                for item in items {
                    self.wildcard(item, path, at);
                }
            }
            _ => self.refuse(
                at,
                format!("Unsupported anything-but pattern: {inner}"),
                format!("`{path}` has an `anything-but` of `{inner}`"),
                "SNS takes `prefix`, `suffix`, `equals-ignore-case` and `wildcard` in it, or values",
            ),
        }
    }

    /// Checks `["=", 5]`, `[">", 0]` or `[">=", 0, "<", 5]`.
    fn numeric(&mut self, operand: &Value, path: &str, at: &str) {
        let words = match numeric(operand) {
            Ok(numbers) => {
                for it in numbers {
                    self.number(Some(it), path, at);
                }
                return;
            }
            Err(words) => words,
        };
        let label = if words == BACKWARDS {
            format!("`{path}` has a `numeric` range whose end is not above its start")
        } else {
            format!("`{path}` has a `numeric` that SNS does not know")
        };
        self.refuse(
            at,
            words,
            label,
            "write `{ numeric = [\"=\", 5] }`, `[\">\", 0]`, or a range from low to high, `[\">=\", 0, \"<\", 5]`",
        );
    }

    fn cidr(&mut self, operand: &Value, path: &str, at: &str) {
        let right = operand.as_str().and_then(|it| {
            let (address, bits) = it.split_once('/')?;
            let address: IpAddr = address.parse().ok()?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            bits.parse::<u8>().ok().filter(|it| *it <= most)
        });
        if right.is_none() {
            self.refuse(
                at,
                "Malformed CIDR",
                format!("`{path}` has a `cidr` that is not a range of addresses"),
                "write `{ cidr = \"10.0.0.0/24\" }`",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(filter: &Value, on_body: bool) -> Vec<String> {
        refusals(filter, on_body)
            .into_iter()
            .map(|it| format!("{}: {}", it.at, it.words))
            .collect()
    }

    #[test]
    fn or_is_an_attribute_unless_it_lists_alternatives() {
        let of = |filter: serde_json::Value| !refusals(&filter, false).is_empty();
        assert!(!of(
            serde_json::json!({"$or": [{"a": ["x"]}, {"b": ["y"]}]})
        ));
        assert!(!of(serde_json::json!({"$or": ["x", "y"]})));
        // One alternative, or one that is named like a comparison: each is a comparison that SNS does not have.
        assert!(of(serde_json::json!({"$or": [{"a": ["x"]}]})));
        assert!(of(
            serde_json::json!({"$or": [{"numeric": ["x"]}, {"a": ["y"]}]})
        ));
    }

    #[test]
    fn every_comparison_of_sns_is_taken() {
        let filter = serde_json::json!({
            "a": ["x", 1, true, null, {"prefix": "p"}, {"suffix": "s"}, {"equals-ignore-case": "e"}],
            "b": [{"anything-but": ["x", 5]}, {"anything-but": {"prefix": "p"}}, {"exists": false}],
            "c": [{"numeric": ["=", -1_000_000_000]}, {"numeric": [">", 0, "<=", 1e9]}],
            "d": [{"cidr": "10.0.0.0/24"}, {"cidr": "2001:db8::/32"}, {"wildcard": "a*b*c*"}],
        });
        assert_eq!(words(&filter, false), Vec::<String>::new());
        let folded = serde_json::json!({
            "e": [{"prefix": {"equals-ignore-case": "p"}}, {"suffix": {"equals-ignore-case": "s"}}],
        });
        assert_eq!(words(&folded, false), Vec::<String>::new());
    }

    #[test]
    fn operands_are_of_their_operator() {
        for (rule, expected) in [
            (
                r#"{"exists": "yes"}"#,
                "a[0].exists: exists match pattern must be either true or false.",
            ),
            (
                r#"{"numeric": ["about", 5]}"#,
                "a[0].numeric: Unrecognized numeric range operator: about",
            ),
            (
                r#"{"numeric": ["=", "5"]}"#,
                "a[0].numeric: Value of equals must be numeric",
            ),
            (
                r#"{"numeric": [">", 5, "<", 5]}"#,
                "a[0].numeric: Bottom must be less than top",
            ),
            (
                r#"{"numeric": []}"#,
                "a[0].numeric: Invalid member in numeric match: ]",
            ),
            (
                r#"{"numeric": ["=", 1e12]}"#,
                "a[0].numeric: Numeric value out of range",
            ),
            ("1000000001", "a[0]: Numeric value out of range"),
            (
                r#"{"anything-but": [1e10]}"#,
                "a[0].anything-but: Numeric value out of range",
            ),
            (r#"{"cidr": "10.0.0.0/99"}"#, "a[0].cidr: Malformed CIDR"),
            (r#"{"cidr": "10.0.0/8"}"#, "a[0].cidr: Malformed CIDR"),
            (r#"{"cidr": "2001:db8::/129"}"#, "a[0].cidr: Malformed CIDR"),
            (
                r#"{"wildcard": "a*b*c*d*e"}"#,
                "a[0].wildcard: wildcard match pattern is too complex",
            ),
            (
                r#"{"wildcard": "a**"}"#,
                "a[0].wildcard: wildcard match pattern is too complex",
            ),
            (
                r#"{"prefix": 5}"#,
                "a[0].prefix: prefix match pattern must be a string",
            ),
            (
                r#"{"equals-ignore-case": {"equals-ignore-case": "x"}}"#,
                "a[0].equals-ignore-case: equals-ignore-case match pattern must be a string",
            ),
            (
                r#"{"suffix": ["x"]}"#,
                "a[0].suffix: suffix match pattern must be a string",
            ),
            (
                r#"{"anything-but": {"numeric": ["=", 1]}}"#,
                "a[0].anything-but: Unsupported anything-but pattern: numeric",
            ),
            (
                r#"{"prefix": "a", "suffix": "b"}"#,
                "a[0]: Only one key allowed in match expression",
            ),
            (
                r#"{"begins": "a"}"#,
                "a[0].begins: Unrecognized match type begins",
            ),
            (
                r#"["x"]"#,
                "a[0]: Match value must be String, number, true, false, or null",
            ),
        ] {
            let rule: Value = serde_json::from_str(rule).expect("JSON");
            let filter = serde_json::json!({ "a": [rule] });
            assert_eq!(words(&filter, false), [expected]);
        }
    }

    #[test]
    fn a_list_of_a_body_filter_counts_as_often_as_it_is_deep() {
        let three = serde_json::json!(["1", "2", "3"]);
        let deep = serde_json::json!({"a": {"b": {"c": three}}, "d": {"e": {"f": three}}});
        assert_eq!(words(&deep, true), Vec::<String>::new());
        let deeper = serde_json::json!({"a": {"b": {"c": three}}, "d": {"e": {"f": three}}, "g": {"h": {"i": three}}});
        assert_eq!(words(&deeper, true), [": Filter policy is too complex"]);
        let flat = serde_json::json!({"a": three, "b": three, "c": three});
        assert_eq!(words(&flat, false), Vec::<String>::new());
        // Alternatives are added: 5 * (20 + 20) are too many, 5 * (10 + 10) are not.
        let alternatives = |count: usize| {
            let many: Vec<usize> = (0..count).collect();
            serde_json::json!({"k": [1, 2, 3, 4, 5], "$or": [{"a": many}, {"b": many}]})
        };
        assert_eq!(words(&alternatives(10), false), Vec::<String>::new());
        assert_eq!(
            words(&alternatives(20), false),
            [": Filter policy is too complex"]
        );
    }

    #[test]
    fn only_the_keys_that_have_a_list_are_counted() {
        let nested =
            serde_json::json!({"a": {"b": {"c": [1], "d": [1]}, "e": [1], "f": [1], "g": [1]}});
        assert_eq!(words(&nested, true), Vec::<String>::new());
        let more =
            serde_json::json!({"a": {"b": [1], "c": [1], "d": [1], "e": [1], "f": [1], "g": [1]}});
        assert_eq!(
            words(&more, true),
            [": Filter policy can not have more than 5 keys"]
        );
        // SNS's page does not say how alternatives are counted: only what is in force together is.
        let either = serde_json::json!({"k": [1], "$or": [{"a": [1], "b": [1]}, {"c": [1], "d": [1]}, {"e": [1], "f": [1]}]});
        assert_eq!(words(&either, false), Vec::<String>::new());
        let flat = serde_json::json!({"a": [1], "b": [1], "c": [1], "d": [1], "e": [1], "f": [1]});
        assert_eq!(
            words(&flat, true),
            [": Filter policy can not have more than 5 keys"]
        );
    }

    /// <https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html>
    #[test]
    fn the_wildcards_of_a_list_count_as_often_as_the_list_is_long() {
        let list = |count: usize, value: &Value| Value::Array(vec![value.clone(); count]);
        let one = serde_json::json!({"wildcard": "a*"});
        let two = serde_json::json!({"wildcard": "a*b*"});
        let but = serde_json::json!({"anything-but": ["x"]});
        let but_one = serde_json::json!({"anything-but": {"wildcard": "a*"}});
        let mixed = |count: usize| {
            let mut items = vec![but.clone(); count - 1];
            items.push(one.clone());
            Value::Array(items)
        };
        for (filter, fits) in [
            (serde_json::json!({"a": list(10, &one)}), true),
            (serde_json::json!({"a": list(11, &one)}), false),
            (serde_json::json!({"a": list(5, &two)}), true),
            (serde_json::json!({"a": list(6, &two)}), false),
            (
                serde_json::json!({"a": list(7, &one), "b": list(7, &one)}),
                true,
            ),
            (
                serde_json::json!({"a": list(8, &one), "b": list(7, &one)}),
                false,
            ),
            (serde_json::json!({"a": list(10, &but_one)}), true),
            (serde_json::json!({"a": list(11, &but_one)}), false),
            // Without a wildcard in the list, nothing counts.
            (serde_json::json!({"a": list(60, &but)}), true),
            (serde_json::json!({"a": mixed(10)}), true),
            (serde_json::json!({"a": mixed(11)}), false),
        ] {
            let found = words(&filter, false);
            let expected: &[&str] = if fits {
                &[]
            } else {
                &[": Filter policy is too complex"]
            };
            assert_eq!(found, expected, "{filter}");
        }
    }

    #[test]
    fn a_wildcard_too_many_is_told_from_two_in_a_row() {
        for (pattern, what) in [
            ("a*b*c*d*", "has a pattern with 4 wildcards"),
            ("a**", "has a pattern with two wildcards in a row"),
            ("a\\\\**", "has a pattern with two wildcards in a row"),
        ] {
            let filter = serde_json::json!({ "a": [{ "wildcard": pattern }] });
            let found = refusals(&filter, false);
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].label, format!("`a` {what}"), "{pattern}");
        }
        // An escaped asterisk is a letter.
        let escaped = serde_json::json!({"a": [{"wildcard": "a\\**b*"}]});
        assert_eq!(words(&escaped, false), [""; 0]);
    }

    #[test]
    fn only_or_lists_alternatives() {
        let listed = |key: &str| serde_json::json!({ key: [{"b": ["x"]}, {"c": ["y"]}] });
        assert_eq!(words(&listed("$or"), false), [""; 0]);
        assert_eq!(
            words(&listed("a"), false),
            [
                "a[0].b: Unrecognized match type b",
                "a[1].c: Unrecognized match type c"
            ]
        );
    }
}
