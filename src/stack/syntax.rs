//! TOML's shape, every name and value with its place in its file.
//!
//! A stack and its overlays become one tree: tables merge by key, anything
//! else replaces, and each value keeps the file it came from.

use std::ops::Range;

use toml::de::{DeArray, DeTable, DeValue};

use super::Source;
use super::diagnostic::{Code, Diagnostic, SHOWN, Span};
use crate::policy::json;

/// Something and where it is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Spanned<T> {
    pub(super) value: T,
    pub(super) span: Span,
}

impl<T> Spanned<T> {
    pub(super) fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

/// A value and where it is written.
pub(super) type Node = Spanned<Value>;

impl Node {
    /// Where the value at a path such as `Statement[2].Action` is written with its key, or the
    /// last one on it that is.
    pub(super) fn at(&self, path: &str) -> Span {
        let inner = match &self.value {
            // A statement that stands alone is the first of a list.
            Value::Table(_) if path.starts_with("[0]") => return self.at(&path[3..]),
            Value::Table(table) => table
                .entries
                .iter()
                .filter_map(|it| {
                    let rest = json::behind(path, &it.key)?;
                    Some((it.whole(), &it.node, rest))
                })
                .min_by_key(|(_, _, rest)| rest.len()),
            Value::List(items) => json::indexed(path).and_then(|(index, rest)| {
                let item = items.get(index)?;
                Some((item.span, item, rest))
            }),
            _ => None,
        };
        match inner {
            Some((whole, _, "")) => whole,
            Some((_, node, rest)) => node.at(rest),
            None => self.span,
        }
    }
}

/// A TOML value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Whole(i64),
    Number(f64),
    Flag(bool),
    Time(String),
    List(Vec<Node>),
    Table(Table),
}

impl Value {
    /// The type as an author calls it, with its article.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Whole(_) => "a whole number",
            Self::Number(_) => "a number with a fraction",
            Self::Flag(_) => "true or false",
            Self::Time(_) => "a date or time",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }

    /// The value as JSON has it; a date or time becomes its text.
    pub(super) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) | Self::Time(text) => text.as_str().into(),
            Self::Whole(it) => (*it).into(),
            Self::Number(it) => (*it).into(),
            Self::Flag(it) => (*it).into(),
            Self::List(items) => items.iter().map(|it| it.value.to_json()).collect(),
            Self::Table(table) => table
                .entries
                .iter()
                .map(|it| (it.key.clone(), it.node.value.to_json()))
                .collect(),
        }
    }
}

/// A table's entries, in the order written.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table {
    pub(super) entries: Vec<Entry>,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Span,
    pub(super) node: Node,
}

impl Entry {
    /// Key and value.
    fn whole(&self) -> Span {
        Span {
            end: self.node.span.end.max(self.key_span.end),
            ..self.key_span
        }
    }
}

impl Table {
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|it| it.key == key)
    }
}

/// The stack and its overlays as one tree, or every syntax error of all of them.
pub(super) fn parse(sources: &[Source]) -> Result<Table, Vec<Diagnostic>> {
    let mut merged = Table::default();
    let mut faults = Vec::new();
    for (file, source) in sources.iter().enumerate() {
        let (root, errors) = DeTable::parse_recoverable(&source.text);
        for error in errors {
            let is_shown = faults.len() < SHOWN;
            faults.push(syntax_fault(
                file,
                source,
                error.message(),
                error.span(),
                is_shown,
            ));
        }
        let table = table(file, root.get_ref(), &mut faults);
        merge(&mut merged, table, &mut Vec::new());
    }
    if faults.is_empty() {
        Ok(merged)
    } else {
        Err(faults)
    }
}

fn syntax_fault(
    file: usize,
    source: &Source,
    message: &str,
    span: Option<Range<usize>>,
    is_shown: bool,
) -> Diagnostic {
    let end = source.text.trim_end().len();
    let span = span.unwrap_or(end..end);
    let mut lines = message.lines();
    let first = lines.next().unwrap_or("this is not TOML");
    let words = source.text.get(span.clone()).unwrap_or_default();
    let fault = Diagnostic::new(
        Code::Syntax,
        Span::new(file, span.clone()),
        format!("not valid TOML: {first}"),
        if first == "duplicate key" {
            "given a second time here"
        } else {
            "here"
        },
    );
    let rest: Vec<&str> = lines.collect();
    match first {
        "duplicate key" => {
            // The text is looked through for what is shown only: a generator's mistake comes thousands of times.
            let first = is_shown.then(|| first_of(&source.text, &span)).flatten();
            let fault = match first {
                Some(first) => fault.and(Span::new(file, first), "given first here"),
                None => fault,
            };
            fault.help(format!(
                "a table is written once, and a key once in it: put what belongs to `{}` together, or give one another name",
                words.trim()
            ))
        }
        _ if !rest.is_empty() => fault.help(rest.join(" ")),
        _ => fault,
    }
}

/// Where a key that is given twice is given first, as far as its lines tell.
fn first_of(text: &str, second: &Range<usize>) -> Option<Range<usize>> {
    let key = text.get(second.clone())?;
    let start = text[..second.start].rfind('\n').map_or(0, |it| it + 1);
    let line = text[start..].lines().next()?;
    let header = line.trim_start().starts_with('[');
    let mut at = 0;
    let before: Vec<(usize, &str)> = text[..start]
        .split_inclusive('\n')
        .map(|it| {
            at += it.len();
            (at - it.len(), it)
        })
        .collect();
    for (at, before) in before.into_iter().rev() {
        let bare = before.trim_start();
        let found = if header {
            bare.split(']').next() == line.trim_start().split(']').next()
        } else if bare.starts_with('[') {
            return None;
        } else {
            bare.strip_prefix(key)
                .is_some_and(|it| it.trim_start().starts_with('='))
        };
        if found {
            // A header's key is its last word, any other the first.
            let within = if header {
                before.split(']').next()?.rfind(key)?
            } else {
                before.find(key)?
            };
            let at = at + within;
            return Some(at..at + key.len());
        }
    }
    None
}

fn table(file: usize, table: &DeTable<'_>, faults: &mut Vec<Diagnostic>) -> Table {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_span: Span::new(file, key.span()),
            node: node(file, value, faults),
        })
        .collect();
    entries.sort_by_key(|it| it.key_span);
    Table { entries }
}

fn node(file: usize, value: &toml::Spanned<DeValue<'_>>, faults: &mut Vec<Diagnostic>) -> Node {
    let span = Span::new(file, value.span());
    let mut too_large = || {
        faults.push(Diagnostic::new(
            Code::Syntax,
            span,
            "a number is too large",
            "no field holds a number of this size",
        ));
    };
    let value = match value.get_ref() {
        DeValue::String(it) => Value::Text(it.to_string()),
        DeValue::Integer(it) => Value::Whole(
            i64::from_str_radix(it.as_str(), it.radix()).unwrap_or_else(|_| {
                too_large();
                0
            }),
        ),
        DeValue::Float(it) => Value::Number(it.as_str().parse().unwrap_or_else(|_| {
            too_large();
            0.0
        })),
        DeValue::Boolean(it) => Value::Flag(*it),
        DeValue::Datetime(it) => Value::Time(it.to_string()),
        DeValue::Array(items) => Value::List(list(file, items, faults)),
        DeValue::Table(it) => Value::Table(table(file, it, faults)),
    };
    Spanned::new(value, span)
}

fn list(file: usize, items: &DeArray<'_>, faults: &mut Vec<Diagnostic>) -> Vec<Node> {
    items.iter().map(|it| node(file, it, faults)).collect()
}

/// Lays an overlay over a tree.
fn merge(base: &mut Table, over: Table, path: &mut Vec<String>) {
    for entry in over.entries {
        let Some(slot) = base.entries.iter_mut().find(|it| it.key == entry.key) else {
            base.entries.push(entry);
            continue;
        };
        path.push(entry.key);
        match (&mut slot.node.value, entry.node.value) {
            (Value::Table(base), Value::Table(over)) if !is_one_value(path) => {
                merge(base, over, path);
            }
            (Value::List(base), Value::List(over)) if matches!(path.as_slice(), [one] if matches!(one.as_str(), "access" | "offer" | "never" | "moved" | "known" | "statement")) =>
            {
                base.extend(over);
            }
            (value, over) => {
                *value = over;
                slot.node.span = entry.node.span;
                slot.key_span = entry.key_span;
            }
        }
        path.pop();
    }
}

/// Whether the table at a path is one value, though TOML writes it as a table:
/// a route's integration is replaced whole, or it would have two; so is a
/// policy, for half of one policy in another is neither.
fn is_one_value(path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    matches!(
        path.as_slice(),
        ["apis", _, "routes", _]
            | ["roles", _, "policies", _]
            | ["topics", _, "delivery_policy"]
            | ["queues", _, "encryption"]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, text: &str) -> Source {
        Source {
            name: name.to_owned(),
            text: text.to_owned(),
        }
    }

    fn json(texts: &[&str]) -> serde_json::Value {
        let sources: Vec<Source> = texts.iter().map(|it| source("a.toml", it)).collect();
        Value::Table(parse(&sources).expect("TOML")).to_json()
    }

    #[test]
    fn every_syntax_error_of_every_file_is_found() {
        let faults = parse(&[
            source("a.toml", "a = \nb = [1,\n[c]\nd = 1\nd = 2\n"),
            source("b.toml", "x = 'y\n"),
        ])
        .expect_err("faults");
        assert!(faults.len() >= 3, "{faults:#?}");
        assert!(faults.iter().any(|it| it.labels[0].span.file == 1));
    }

    #[test]
    fn tables_merge_and_anything_else_is_replaced() {
        assert_eq!(
            json(&[
                "[stack]\nname = 'a'\ntags = { team = 'x', env = 'dev' }\n[queues.q]\nsubscribe = ['a', 'b']\n",
                "[stack]\ntags = { env = 'prod' }\n[queues.q]\nsubscribe = ['c']\n[queues.r]\n",
            ]),
            serde_json::json!({
                "stack": { "name": "a", "tags": { "team": "x", "env": "prod" } },
                "queues": { "q": { "subscribe": ["c"] }, "r": {} },
            })
        );
    }

    #[test]
    fn accesses_of_an_overlay_are_added() {
        assert_eq!(
            json(&["[[access]]\nto = 'a'\n", "[[access]]\nto = 'b'\n"]),
            serde_json::json!({ "access": [{ "to": "a" }, { "to": "b" }] })
        );
        assert_eq!(
            json(&["[[never]]\nto = 'a'\n", "[[never]]\nto = 'b'\n"]),
            serde_json::json!({ "never": [{ "to": "a" }, { "to": "b" }] })
        );
    }

    #[test]
    fn an_integration_is_replaced_whole() {
        assert_eq!(
            json(&[
                "[apis.a.routes]\n'GET /' = { http = 'https://a' }\n",
                "[apis.a.routes]\n'GET /' = { mock = 200 }\n"
            ]),
            serde_json::json!({ "apis": { "a": { "routes": { "GET /": { "mock": 200 } } } } })
        );
    }

    #[test]
    fn each_value_keeps_the_file_it_came_from() {
        let tree = parse(&[
            source("a.toml", "[stack]\nname = 'a'\nregion = 'b'\n"),
            source("b.toml", "[stack]\nregion = 'c'\n"),
        ])
        .expect("TOML");
        let Value::Table(stack) = &tree.entries[0].node.value else {
            panic!("a table")
        };
        assert_eq!(stack.get("name").map(|it| it.node.span.file), Some(0));
        assert_eq!(stack.get("region").map(|it| it.node.span.file), Some(1));
    }
}
