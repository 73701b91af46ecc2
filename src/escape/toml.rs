//! Values, keys and comments of TOML. Each is one line: a text cannot begin a table of its own.

use std::fmt::Write as _;

use serde_json::Value;

use super::is_hidden;
use super::screen::line;

/// Returns a text as a string of TOML, as one line: readable where it holds quotes, escaped where it holds what cannot be seen.
#[must_use]
pub fn string(text: &str) -> String {
    let is_command = text.contains("##[");
    if text.contains(['"', '\\'])
        && !text.contains('\'')
        && !text.contains(is_hidden)
        && !is_command
    {
        return format!("'{text}'");
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for it in text.chars() {
        match it {
            '"' | '\\' => {
                out.push('\\');
                out.push(it);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            it if is_hidden(it) && u32::from(it) <= 0xffff => {
                let _ = write!(out, "\\u{:04x}", u32::from(it));
            }
            it if is_hidden(it) => {
                let _ = write!(out, "\\U{:08x}", u32::from(it));
            }
            it => out.push(it),
        }
    }
    out.push('"');
    if is_command {
        // On a terminal of a CI system it would be a command.
        out = out.replace("##[", "#\\u0023[");
    }
    out
}

/// Returns a key: bare where it may be.
#[must_use]
pub fn key(name: &str) -> String {
    let bare = |it: char| it.is_ascii_alphanumeric() || "-_".contains(it);
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        string(name)
    }
}

/// Returns a line of comment.
#[must_use]
pub fn comment(text: &str) -> String {
    format!("# {}", line(text)).trim_end().to_owned()
}

/// Returns `[a, b]` of values that are TOML already.
#[must_use]
pub fn list(values: &[String]) -> String {
    format!("[{}]", values.join(", "))
}

/// Returns `{ a = 1, b = 2 }` of values that are TOML already.
#[must_use]
pub fn inline(fields: &[(String, String)]) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{} = {value}", key(name)))
        .collect();
    format!("{{ {} }}", fields.join(", "))
}

/// Returns JSON as TOML; `None` of what TOML cannot say: `null`, and whole numbers beyond 64 bits with a sign.
#[must_use]
pub fn json(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(it) => it.to_string(),
        Value::Number(it) if it.is_u64() && !it.is_i64() => return None,
        Value::Number(it) => it.to_string(),
        Value::String(it) => string(it),
        Value::Array(items) => list(&items.iter().map(json).collect::<Option<Vec<_>>>()?),
        Value::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Value::Object(fields) => inline(
            &fields
                .iter()
                .map(|(name, it)| Some((name.clone(), json(it)?)))
                .collect::<Option<Vec<_>>>()?,
        ),
    })
}

/// Returns a text as a value of a document that is being edited.
#[must_use]
pub fn edited(text: &str) -> toml_edit::Value {
    let value = string(text).parse();
    value.unwrap_or_else(|_| toml_edit::Value::from(text))
}

/// Returns a key of a document that is being edited.
#[must_use]
pub fn edited_key(name: &str) -> toml_edit::Key {
    let key = key(name).parse();
    key.unwrap_or_else(|_| toml_edit::Key::new(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn strings_are_readable_where_they_can_be() {
        assert_eq!(string("a b"), "\"a b\"");
        assert_eq!(string(r#"{"a":"\n"}"#), r#"'{"a":"\n"}'"#);
        assert_eq!(string("it's \"b\""), r#""it's \"b\"""#);
        assert_eq!(
            string("a\n[[access]]\n\u{202e}\u{e0041}"),
            r#""a\n[[access]]\n\u202e\U000e0041""#
        );
    }

    #[test]
    fn json_is_toml_but_for_null_and_the_largest_numbers() {
        let value = serde_json::json!({"a b": [1, true, "x\"y"], "c": {}});
        assert_eq!(
            json(&value).as_deref(),
            Some(r#"{ "a b" = [1, true, 'x"y'], c = {} }"#)
        );
        assert_eq!(json(&serde_json::json!([null])), None);
        assert_eq!(json(&serde_json::json!(u64::MAX)), None);
    }

    /// Texts that are likely to end a string, a comment or a line.
    fn texts() -> impl Strategy<Value = String> {
        let parts = prop::sample::select(vec![
            "'",
            "\"",
            "'''",
            "\"\"\"",
            "\\",
            "\\u0041",
            "##[",
            "\n",
            "\r\n",
            "\r",
            "\t",
            "\0",
            "\u{1b}[2J",
            "\u{7f}",
            "\u{85}",
            "\u{2028}",
            "\u{202e}",
            "\u{feff}",
            "\u{e0041}",
            "\u{fffe}",
            "#",
            "=",
            "[[access]]",
            "]",
            "}",
            "a",
            " ",
            "é",
            "🦀",
        ]);
        prop_oneof![
            prop::collection::vec(parts, 0..8).prop_map(|it| it.concat()),
            any::<String>()
        ]
    }

    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_filter_map("a number", |it| serde_json::Number::from_f64(it)
                .map(Value::from)),
            texts().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(texts(), inner, 0..4)
                    .prop_map(|it| Value::Object(it.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_text_is_read_as_it_was_meant(
            name in texts(),
            value in documents(),
            comments in prop::collection::vec(texts(), 0..3),
        ) {
            let mut text = String::new();
            for it in &comments {
                text += &comment(it);
                text.push('\n');
            }
            let written = json(&value).expect("no null in it");
            text += &format!("[t.{}]\n{} = {written}\n", key(&name), key(&name));
            let expected = serde_json::json!({ "t": { &name: { &name: value } } });
            let parsed: toml_edit::DocumentMut = text.parse().expect("TOML");
            prop_assert_eq!(parsed.iter().count(), 1);
            let read: Value = toml::from_str(&text).expect("TOML");
            prop_assert_eq!(read, expected);
            prop_assert_eq!(written.lines().count(), 1);
        }

        #[test]
        fn an_edited_value_is_the_text(text in texts()) {
            let value = edited(&text);
            prop_assert_eq!(value.as_str(), Some(text.as_str()));
            prop_assert_eq!(value.to_string(), string(&text));
        }
    }
}
