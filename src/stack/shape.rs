//! What may be written in a stack, described once.
//!
//! A [`Shape`] lists a table's fields: name, type, default and one line of
//! doc. Reading, the JSON Schema and the reference are all made from it, so
//! they cannot disagree.

use super::diagnostic::listed;
use super::syntax::Value;
use super::units::{duration, say_bytes, say_millis, say_seconds, size};

/// A table's fields.
#[derive(Debug)]
pub(super) struct Shape {
    /// The noun as a sentence says it: `queue`.
    pub(super) noun: &'static str,
    /// What it is, for the reference.
    pub(super) doc: &'static str,
    /// Its fields, in the order a reader wants them.
    pub(super) fields: &'static [Field],
    /// Exactly one of these is written; empty when there is no such rule.
    pub(super) one_of: &'static [&'static str],
}

/// A field of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
    /// What is meant when it is not written, as TOML; empty when nothing is.
    pub(super) default: &'static str,
    pub(super) doc: &'static str,
    /// Whether it may stand beside `existing`.
    pub(super) with_existing: bool,
    /// Names by which people look for it.
    pub(super) alias: &'static [&'static str],
}

/// The type of a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A text.
    Text,
    /// A text with a pattern, which only the schema checks: a check can say more.
    Pattern(&'static str),
    /// `true` or `false`.
    Flag,
    /// A whole number in a range.
    Whole(i64, i64),
    /// A number from this on.
    Number(f64),
    /// Seconds, or a duration, in a range of seconds.
    Seconds(i64, i64),
    /// A duration in a range of milliseconds.
    Millis(i64, i64),
    /// Bytes, or a size, in a range of bytes.
    Bytes(i64, i64),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A list.
    List(&'static Kind),
    /// A list, or one item in the place of a list of one.
    OneOrMany(&'static Kind),
    /// A table whose keys the author chooses.
    Map(&'static Kind),
    /// A table of a shape.
    Table(&'static Shape),
    /// A table whose keys the author chooses, of tables of a shape.
    Named(&'static Shape),
    /// Any table: it is passed on as JSON.
    Json,
    /// The first whose TOML type fits.
    Either(&'static [Kind]),
}

impl Shape {
    /// The field of a name.
    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|it| it.name == name)
    }
}

impl Field {
    pub(super) const fn new(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self {
            name,
            kind,
            required: false,
            default: "",
            doc,
            with_existing: false,
            alias: &[],
        }
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) const fn default(mut self, default: &'static str) -> Self {
        self.default = default;
        self
    }

    pub(super) const fn with_existing(mut self) -> Self {
        self.with_existing = true;
        self
    }

    pub(super) const fn alias(mut self, alias: &'static [&'static str]) -> Self {
        self.alias = alias;
        self
    }
}

impl Kind {
    /// What to write, in the author's words.
    pub(super) fn wanted(&self) -> String {
        match self {
            Self::Text | Self::Pattern(_) => "a text in quotes".to_owned(),
            Self::Flag => "`true` or `false`".to_owned(),
            Self::Whole(low, high) => format!("a whole number from {low} to {high}"),
            Self::Number(low) => format!("a number from {low} on"),
            Self::Seconds(..) => "seconds or a duration such as \"5m\"".to_owned(),
            Self::Millis(..) => "a duration such as \"29s\" or \"500ms\"".to_owned(),
            Self::Bytes(..) => "bytes or a size such as \"256KiB\"".to_owned(),
            Self::OneOf(texts) => {
                let texts: Vec<String> = texts.iter().map(|it| format!("\"{it}\"")).collect();
                listed(texts.iter().map(String::as_str), "or")
            }
            Self::List(item) => format!("a list, `[…]`, where each item is {}", item.wanted()),
            Self::OneOrMany(item) => format!("{}, or a list of such", item.wanted()),
            Self::Map(item) => format!("a table, `{{ name = … }}`, of {}", item.wanted()),
            Self::Table(shape) if !shape.one_of.is_empty() => {
                let choices: Vec<String> = shape
                    .one_of
                    .iter()
                    .map(|it| format!("`{{ {it} = … }}`"))
                    .collect();
                match choices.as_slice() {
                    [one] => one.clone(),
                    [first @ .., last] => format!("{} or {last}", first.join(", ")),
                    [] => String::new(),
                }
            }
            Self::Table(shape) => {
                let first = shape.fields.first().map_or("", |it| it.name);
                format!("a table such as `{{ {first} = … }}`")
            }
            Self::Named(shape) => format!("a table for each {} by its name", shape.noun),
            Self::Json => "a table".to_owned(),
            Self::Either(kinds) => {
                let kinds: Vec<String> = kinds.iter().map(Self::wanted).collect();
                kinds.join(", or ")
            }
        }
    }

    /// The range of a duration or size, for the reference.
    pub(super) fn range(&self) -> String {
        match self {
            Self::Seconds(low, high) => {
                format!("duration, {} to {}", say_seconds(*low), say_seconds(*high))
            }
            Self::Millis(low, high) => {
                format!("duration, {} to {}", say_millis(*low), say_millis(*high))
            }
            Self::Bytes(low, high) => {
                format!("size, {} to {}", say_bytes(*low), say_bytes(*high))
            }
            _ => String::new(),
        }
    }

    /// A value one could write, as TOML.
    pub(super) fn example(&self) -> String {
        match self {
            Self::Text | Self::Pattern(_) => "\"…\"".to_owned(),
            Self::Flag => "true".to_owned(),
            Self::Whole(low, _) => low.to_string(),
            Self::Number(low) => low.to_string(),
            Self::Seconds(..) => "\"5m\"".to_owned(),
            Self::Millis(..) => "\"29s\"".to_owned(),
            Self::Bytes(..) => "\"256KiB\"".to_owned(),
            Self::OneOf(texts) => format!("\"{}\"", texts.first().copied().unwrap_or_default()),
            Self::List(item) => format!("[{}]", item.example()),
            Self::OneOrMany(item) => item.example(),
            Self::Map(_) | Self::Table(_) | Self::Named(_) | Self::Json => "{ … }".to_owned(),
            Self::Either(kinds) => kinds.first().map_or(String::new(), Self::example),
        }
    }

    /// Whether a value is of the TOML type this kind begins with.
    pub(super) fn fits(&self, value: &Value) -> bool {
        match self {
            Self::Text | Self::Pattern(_) | Self::OneOf(_) | Self::Millis(..) => {
                matches!(value, Value::Text(_))
            }
            Self::Flag => matches!(value, Value::Flag(_)),
            Self::Whole(..) => matches!(value, Value::Whole(_)),
            Self::Number(_) => matches!(value, Value::Whole(_) | Value::Number(_)),
            Self::Seconds(..) | Self::Bytes(..) => {
                matches!(value, Value::Whole(_) | Value::Text(_))
            }
            Self::List(_) => matches!(value, Value::List(_)),
            Self::OneOrMany(item) => matches!(value, Value::List(_)) || item.fits(value),
            Self::Map(_) | Self::Table(_) | Self::Named(_) | Self::Json => {
                matches!(value, Value::Table(_))
            }
            Self::Either(kinds) => kinds.iter().any(|it| it.fits(value)),
        }
    }

    pub(super) fn default_whole(&self, text: &str) -> Option<u32> {
        let text = text.trim_matches('"');
        let it = match self {
            Self::Seconds(..) => duration(text)? / 1000,
            Self::Millis(..) => duration(text)?,
            Self::Bytes(..) => size(text)?,
            _ => text.parse().ok()?,
        };
        u32::try_from(it).ok()
    }
}
