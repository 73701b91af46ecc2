//! A table read by its shape, gathering each fault of its fields.
//!
//! An unknown field is read as the one it was meant to be, and a field with a
//! wrong value counts as written: one mistake is told once.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostic::{Code, Diagnostic, Span, listed, nearest};
use super::shape::{Field, Kind, Shape};
use super::syntax::{Node, Spanned, Table, Value};
use super::units::{duration, say_bytes, say_millis, say_seconds, size};

/// A value read as its kind wants it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    Text(String),
    Flag(bool),
    /// A whole number; seconds, milliseconds and bytes too.
    Whole(i64),
    Number(f64),
    List(Vec<Spanned<Item>>),
    Map(Vec<(Spanned<String>, Spanned<Item>)>),
    Fields(Fields),
    /// With what it was read from: a fault may be deep within.
    Json(serde_json::Value, Node),
}

/// A table read by its shape: every field in it is known and of its type.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    /// Who has them: ``queue `inbox` ``.
    pub(super) owner: String,
    /// Where the table's name is written.
    pub(super) key: Span,
    shape: &'static Shape,
    entries: BTreeMap<&'static str, (Span, Spanned<Item>)>,
    /// Fields that are written, but wrongly: already reported, so not missing.
    wrong: BTreeSet<&'static str>,
    /// Lists that are written without an item.
    empty: BTreeSet<&'static str>,
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.owner == other.owner && self.entries == other.entries
    }
}

impl Shape {
    /// Reads a table, gathering each fault of its fields.
    pub(super) fn read(
        &'static self,
        owner: &str,
        key: Span,
        table: &Table,
        faults: &mut Vec<Diagnostic>,
    ) -> Fields {
        let mut fields = Fields {
            owner: owner.to_owned(),
            key,
            shape: self,
            entries: BTreeMap::new(),
            wrong: BTreeSet::new(),
            empty: BTreeSet::new(),
        };
        let mut taken: BTreeSet<&str> = table
            .entries
            .iter()
            .filter_map(|it| self.field(&it.key))
            .map(|it| it.name)
            .collect();
        for entry in &table.entries {
            let field = self.field(&entry.key).or_else(|| {
                let meant = self.nearest_field(&entry.key, &taken);
                faults.push(self.unknown(owner, entry.key_span, &entry.key, meant));
                meant
            });
            let Some(field) = field else { continue };
            taken.insert(field.name);
            if matches!(&entry.node.value, Value::List(items) if items.is_empty()) {
                fields.empty.insert(field.name);
            }
            let about = About {
                title: format!("`{}` of {owner}", field.name),
                owner,
                key: entry.key_span,
            };
            match read(&field.kind, &entry.node, &about, faults) {
                Some(item) => {
                    fields.entries.insert(field.name, (entry.key_span, item));
                }
                None => {
                    fields.wrong.insert(field.name);
                }
            }
        }
        fields.check_required(faults);
        fields
    }

    fn nearest_field(&self, name: &str, taken: &BTreeSet<&str>) -> Option<&'static Field> {
        let open = || self.fields.iter().filter(|it| !taken.contains(it.name));
        let lower = name.to_lowercase();
        open()
            .find(|it| it.alias.contains(&lower.as_str()))
            .or_else(|| self.field(nearest(name, open().map(|it| it.name))?))
    }

    fn unknown(
        &self,
        owner: &str,
        span: Span,
        name: &str,
        meant: Option<&'static Field>,
    ) -> Diagnostic {
        let fault = Diagnostic::new(
            Code::UnknownField,
            span,
            format!("unknown field `{name}` in {owner}"),
            "no such field",
        );
        match meant {
            Some(field) => fault.fix("a field with a like name exists", span, field.name),
            None => fault.help(format!(
                "fields here are {}",
                listed(self.fields.iter().map(|it| it.name), "and")
            )),
        }
    }
}

impl Fields {
    fn check_required(&self, faults: &mut Vec<Diagnostic>) {
        for field in self.shape.fields {
            if field.required && !self.is_written(field.name) {
                faults.push(
                    Diagnostic::new(
                        Code::Missing,
                        self.key,
                        format!("{} has no `{}`", self.owner, field.name),
                        format!("`{}` is missing", field.name),
                    )
                    .help(format!(
                        "add `{} = {}`: {}",
                        field.name,
                        field.kind.example(),
                        lowered(field.doc)
                    )),
                );
            }
        }
        let choices = self.shape.one_of;
        if choices.is_empty() {
            return;
        }
        let written: Vec<&str> = choices
            .iter()
            .copied()
            .filter(|it| self.is_written(it))
            .collect();
        match written.as_slice() {
            [_] => {}
            [] => faults.push(
                Diagnostic::new(
                    Code::Missing,
                    self.key,
                    format!("{} does not say what it is", self.owner),
                    format!("needs one of {}", listed(choices.iter().copied(), "or")),
                )
                .help(format!(
                    "write one of {}",
                    listed(choices.iter().copied(), "or")
                )),
            ),
            [first, second, ..] => {
                let at = |name: &str| self.key_of(name).unwrap_or(self.key);
                faults.push(
                    Diagnostic::new(
                        Code::Conflict,
                        at(second),
                        format!("{} is two things at once", self.owner),
                        format!("`{second}` as well"),
                    )
                    .and(at(first), format!("`{first}` here"))
                    .help(format!(
                        "keep one of {}",
                        listed(written.iter().copied(), "or")
                    )),
                );
            }
        }
    }

    /// Whether the field is written, rightly or wrongly.
    pub(super) fn is_written(&self, name: &str) -> bool {
        self.entries.contains_key(name) || self.wrong.contains(name)
    }

    /// Where the field's name is written.
    pub(super) fn key_of(&self, name: &str) -> Option<Span> {
        self.entries.get(name).map(|it| it.0)
    }

    /// The field's value.
    pub(super) fn get(&self, name: &str) -> Option<&Spanned<Item>> {
        debug_assert!(
            self.shape.field(name).is_some(),
            "{} has no field {name}",
            self.shape.noun
        );
        self.entries.get(name).map(|it| &it.1)
    }

    /// The text of a field.
    pub(super) fn text(&self, name: &str) -> Option<Spanned<&str>> {
        let item = self.get(name)?;
        item.text().map(|it| Spanned::new(it, item.span))
    }

    /// The text of a field, or its default.
    pub(super) fn text_or_default(&self, name: &str) -> &str {
        self.text(name).map_or_else(
            || {
                self.shape
                    .field(name)
                    .map_or("", |it| it.default.trim_matches('"'))
            },
            |it| it.value,
        )
    }

    /// The text of a field, owned, or an empty one.
    pub(super) fn text_or_empty(&self, name: &str) -> String {
        self.text(name)
            .map(|it| it.value.to_owned())
            .unwrap_or_default()
    }

    /// The flag, or its default.
    pub(super) fn flag(&self, name: &str) -> bool {
        match self.get(name).map(|it| &it.value) {
            Some(Item::Flag(it)) => *it,
            _ => self
                .shape
                .field(name)
                .is_some_and(|it| it.default == "true"),
        }
    }

    /// The whole number, seconds or bytes.
    pub(super) fn whole(&self, name: &str) -> Option<Spanned<u32>> {
        let item = self.get(name)?;
        match item.value {
            Item::Whole(it) => u32::try_from(it).ok().map(|it| Spanned::new(it, item.span)),
            _ => None,
        }
    }

    /// The whole number, seconds or bytes, or its default.
    pub(super) fn whole_or_default(&self, name: &str) -> u32 {
        if let Some(it) = self.whole(name) {
            return it.value;
        }
        self.shape
            .field(name)
            .and_then(|it| it.kind.default_whole(it.default))
            .unwrap_or_default()
    }

    /// The number.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        match self.get(name)?.value {
            Item::Number(it) => Some(it),
            _ => None,
        }
    }

    /// Whether a list is written without any item, right or wrong.
    pub(super) fn is_empty_list(&self, name: &str) -> bool {
        self.empty.contains(name)
    }

    /// The items of a list; empty when it is not written.
    pub(super) fn list(&self, name: &str) -> &[Spanned<Item>] {
        match self.get(name).map(|it| &it.value) {
            Some(Item::List(items)) => items,
            _ => &[],
        }
    }

    /// The entries of a map; empty when it is not written.
    pub(super) fn map(&self, name: &str) -> &[(Spanned<String>, Spanned<Item>)] {
        match self.get(name).map(|it| &it.value) {
            Some(Item::Map(entries)) => entries,
            _ => &[],
        }
    }

    /// The field's table.
    pub(super) fn fields(&self, name: &str) -> Option<&Fields> {
        self.get(name)?.fields()
    }

    /// Reports each field that describes the resource itself, when something else made it.
    pub(super) fn check_existing(&self, faults: &mut Vec<Diagnostic>) {
        let Some((existing, _)) = self.entries.get("existing") else {
            return;
        };
        for (name, (key, _)) in &self.entries {
            if self.shape.field(name).is_some_and(|it| !it.with_existing) {
                let noun = self.shape.noun;
                let because = match *name {
                    "exclusive" => {
                        "would remove statements of its owner and of other stacks".to_owned()
                    }
                    _ => format!("describes the {noun} itself"),
                };
                faults.push(
                    Diagnostic::new(
                        Code::Conflict,
                        *key,
                        format!("`{name}` cannot be set on an existing {noun}"),
                        because,
                    )
                    .and(*existing, "something else made it, and keeps it")
                    .help(format!(
                        "remove `{name}`; or remove `existing`, and the {noun} becomes this stack's own"
                    )),
                );
            }
        }
    }
}

impl Spanned<Item> {
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Item::Text(it) => Some(it),
            _ => None,
        }
    }

    pub(super) fn fields(&self) -> Option<&Fields> {
        match &self.value {
            Item::Fields(it) => Some(it),
            _ => None,
        }
    }
}

/// A sentence as part of another one.
fn lowered(doc: &str) -> String {
    let mut letters = doc.trim_end_matches('.').chars();
    let first = letters.next().map(|it| it.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

/// What is read, for messages.
struct About<'a> {
    /// What a sentence calls it: `` `fifo` of queue `inbox` ``.
    title: String,
    /// What has it: ``queue `inbox` ``.
    owner: &'a str,
    key: Span,
}

impl About<'_> {
    /// What a sentence calls a table of this shape here.
    fn table(&self, shape: &Shape) -> String {
        match shape.noun {
            "stack" => "the stack".to_owned(),
            "access" => "this access".to_owned(),
            "offer" => "this offer".to_owned(),
            "consumer" => format!("a consumer of {}", self.owner),
            "never" => "this never".to_owned(),
            "known" => "this known".to_owned(),
            "statement" => "this statement".to_owned(),
            "subscription" => format!("a subscription of {}", self.owner),
            "principal" => format!("a principal of {}", self.owner),
            _ => self.title.clone(),
        }
    }
}

fn read(
    kind: &Kind,
    node: &Node,
    about: &About<'_>,
    faults: &mut Vec<Diagnostic>,
) -> Option<Spanned<Item>> {
    if !kind.fits(&node.value) {
        faults.push(wrong_type(kind, node, about));
        return None;
    }
    let item = match (kind, &node.value) {
        (Kind::Text | Kind::Pattern(_), Value::Text(it)) => Item::Text(it.clone()),
        (Kind::OneOf(texts), Value::Text(it)) => {
            if !texts.contains(&it.as_str()) {
                faults.push(not_one_of(kind, texts, it, node.span, about));
                return None;
            }
            Item::Text(it.clone())
        }
        (Kind::Flag, Value::Flag(it)) => Item::Flag(*it),
        (Kind::Whole(low, high), Value::Whole(it)) => {
            let range = (*low, *high, low.to_string(), high.to_string());
            Item::Whole(ranged(*it, range, node.span, about, faults)?)
        }
        (Kind::Number(low), Value::Whole(_) | Value::Number(_)) => {
            #[expect(clippy::cast_precision_loss, reason = "rates are small numbers")]
            let it = match node.value {
                Value::Whole(it) => it as f64,
                Value::Number(it) => it,
                _ => return None,
            };
            if !it.is_finite() || it < *low {
                faults.push(out_of_range(
                    node.span,
                    about,
                    &format!("must be {low} or more"),
                ));
                return None;
            }
            Item::Number(it)
        }
        (Kind::Seconds(low, high), Value::Whole(it)) => {
            let range = (*low, *high, say_seconds(*low), say_seconds(*high));
            Item::Whole(ranged(*it, range, node.span, about, faults)?)
        }
        (Kind::Seconds(low, high), Value::Text(text)) => {
            let found = duration(text);
            let Some(it) = found.filter(|it| it % 1000 == 0) else {
                let label = match found {
                    Some(_) => "not whole seconds",
                    None => "not a duration",
                };
                faults.push(unreadable(kind, node.span, label, about));
                return None;
            };
            let range = (*low, *high, say_seconds(*low), say_seconds(*high));
            Item::Whole(ranged(it / 1000, range, node.span, about, faults)?)
        }
        (Kind::Millis(low, high), Value::Text(text)) => {
            let Some(it) = duration(text) else {
                faults.push(unreadable(kind, node.span, "not a duration", about));
                return None;
            };
            let range = (*low, *high, say_millis(*low), say_millis(*high));
            Item::Whole(ranged(it, range, node.span, about, faults)?)
        }
        (Kind::Bytes(low, high), Value::Whole(it)) => {
            let range = (*low, *high, say_bytes(*low), say_bytes(*high));
            Item::Whole(ranged(*it, range, node.span, about, faults)?)
        }
        (Kind::Bytes(low, high), Value::Text(text)) => {
            let Some(it) = size(text) else {
                faults.push(unreadable(kind, node.span, "not a size", about));
                return None;
            };
            let range = (*low, *high, say_bytes(*low), say_bytes(*high));
            Item::Whole(ranged(it, range, node.span, about, faults)?)
        }
        (Kind::List(item) | Kind::OneOrMany(item), Value::List(nodes)) => Item::List(
            nodes
                .iter()
                .filter_map(|it| {
                    let about = About {
                        title: about.title.clone(),
                        owner: about.owner,
                        key: it.span,
                    };
                    read(item, it, &about, faults)
                })
                .collect(),
        ),
        (Kind::OneOrMany(item), _) => Item::List(vec![read(item, node, about, faults)?]),
        (Kind::Map(item), Value::Table(table)) => Item::Map(
            table
                .entries
                .iter()
                .filter_map(|it| {
                    let title = match item {
                        Kind::Table(shape) => {
                            format!("{} `{}` of {}", shape.noun, it.key, about.owner)
                        }
                        _ => format!("`{}` of {}", it.key, about.title),
                    };
                    let about = About {
                        title,
                        owner: about.owner,
                        key: it.key_span,
                    };
                    let item = read(item, &it.node, &about, faults)?;
                    Some((Spanned::new(it.key.clone(), it.key_span), item))
                })
                .collect(),
        ),
        (Kind::Table(shape), Value::Table(table)) => {
            Item::Fields(shape.read(&about.table(shape), about.key, table, faults))
        }
        (Kind::Named(shape), Value::Table(table)) => Item::Map(
            table
                .entries
                .iter()
                .filter_map(|it| {
                    let about = About {
                        title: format!("{} `{}`", shape.noun, it.key),
                        owner: about.owner,
                        key: it.key_span,
                    };
                    let item = read(&Kind::Table(shape), &it.node, &about, faults)?;
                    Some((Spanned::new(it.key.clone(), it.key_span), item))
                })
                .collect(),
        ),
        (Kind::Json, value) => Item::Json(value.to_json(), node.clone()),
        (Kind::Either(kinds), value) => {
            let fitting = kinds.iter().find(|it| it.fits(value))?;
            if let (Kind::OneOf(texts), Value::Text(it)) = (fitting, value)
                && !texts.contains(&it.as_str())
            {
                faults.push(not_one_of(kind, texts, it, node.span, about));
                return None;
            }
            return read(fitting, node, about, faults);
        }
        _ => return None,
    };
    Some(Spanned::new(item, node.span))
}

fn wrong_type(kind: &Kind, node: &Node, about: &About<'_>) -> Diagnostic {
    let span = match node.value {
        // A table's own words may go over many lines; its name says enough.
        Value::Table(_) => about.key,
        _ => node.span,
    };
    let fault = Diagnostic::new(
        Code::WrongType,
        span,
        format!("{} has the wrong type", about.title),
        format!("this is {}", node.value.type_name()),
    );
    if let Value::Text(text) = &node.value {
        let bare = text.trim();
        let meant = match bare {
            "true" | "false" => Value::Flag(bare == "true"),
            _ => bare
                .parse()
                .map_or_else(|_| Value::Text(String::new()), Value::Whole),
        };
        if !matches!(meant, Value::Text(_)) && kind.fits(&meant) {
            return fault.fix("write it without quotes", node.span, bare);
        }
    }
    if let Value::Whole(number) = &node.value
        && matches!(kind, Kind::Text | Kind::Pattern(_))
    {
        return fault.fix("write it in quotes", node.span, format!("\"{number}\""));
    }
    fault.help(format!("write {}", kind.wanted()))
}

fn not_one_of(
    kind: &Kind,
    texts: &[&str],
    text: &str,
    span: Span,
    about: &About<'_>,
) -> Diagnostic {
    let fault = Diagnostic::new(
        Code::WrongType,
        span,
        format!("{} cannot be `{text}`", about.title),
        "no such choice",
    );
    match nearest(text, texts.iter().copied()) {
        Some(meant) => fault.fix("a like choice exists", span, format!("\"{meant}\"")),
        None => fault.help(format!("write {}", kind.wanted())),
    }
}

fn unreadable(kind: &Kind, span: Span, label: &str, about: &About<'_>) -> Diagnostic {
    Diagnostic::new(
        Code::WrongType,
        span,
        format!("{} cannot be read", about.title),
        label,
    )
    .help(format!("write {}", kind.wanted()))
}

fn out_of_range(span: Span, about: &About<'_>, label: &str) -> Diagnostic {
    Diagnostic::new(
        Code::OutOfRange,
        span,
        format!("{} is out of range", about.title),
        label,
    )
}

fn ranged(
    it: i64,
    (low, high, say_low, say_high): (i64, i64, String, String),
    span: Span,
    about: &About<'_>,
    faults: &mut Vec<Diagnostic>,
) -> Option<i64> {
    if (low..=high).contains(&it) {
        return Some(it);
    }
    let label = if high == i64::MAX {
        format!("must be {say_low} or more")
    } else {
        format!("must be from {say_low} to {say_high}")
    };
    faults.push(out_of_range(span, about, &label));
    None
}
