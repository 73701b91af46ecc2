//! What may be written in a stack, described once.
//!
//! A [`Shape`] lists a table's fields: name, type, default and one line of
//! doc. Reading (here), the JSON Schema and the reference are all made from
//! it, so they cannot disagree.

use std::collections::{BTreeMap, BTreeSet};

use super::diagnostic::{Code, Diagnostic, Span, listed, nearest};
use super::syntax::{Node, Spanned, Table, Value};

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
    Json(serde_json::Value),
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
}

impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.owner == other.owner && self.entries == other.entries
    }
}

impl Shape {
    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|it| it.name == name)
    }

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
            let about = About {
                field: field.name,
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
                        field.doc
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
                faults.push(
                    Diagnostic::new(
                        Code::Conflict,
                        *key,
                        format!("`{name}` cannot be set on an existing {noun}"),
                        format!("describes the {noun} itself"),
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
    fn example(&self) -> String {
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
    fn fits(&self, value: &Value) -> bool {
        match self {
            Self::Text | Self::Pattern(_) | Self::OneOf(_) => matches!(value, Value::Text(_)),
            Self::Flag => matches!(value, Value::Flag(_)),
            Self::Whole(..) => matches!(value, Value::Whole(_)),
            Self::Number(_) => matches!(value, Value::Whole(_) | Value::Number(_)),
            Self::Seconds(..) | Self::Bytes(..) => {
                matches!(value, Value::Whole(_) | Value::Text(_))
            }
            Self::Millis(..) => matches!(value, Value::Text(_)),
            Self::List(_) => matches!(value, Value::List(_)),
            Self::OneOrMany(item) => matches!(value, Value::List(_)) || item.fits(value),
            Self::Map(_) | Self::Table(_) | Self::Named(_) | Self::Json => {
                matches!(value, Value::Table(_))
            }
            Self::Either(kinds) => kinds.iter().any(|it| it.fits(value)),
        }
    }

    fn default_whole(&self, text: &str) -> Option<u32> {
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

/// Which field is read, for messages.
struct About<'a> {
    field: &'a str,
    owner: &'a str,
    key: Span,
}

impl About<'_> {
    fn title(&self) -> String {
        format!("`{}` of {}", self.field, self.owner)
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
            let Some(it) = duration(text).filter(|it| it % 1000 == 0) else {
                faults.push(unreadable(kind, node.span, "not a duration", about));
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
                .filter_map(|it| read(item, it, about, faults))
                .collect(),
        ),
        (Kind::OneOrMany(item), _) => Item::List(vec![read(item, node, about, faults)?]),
        (Kind::Map(item), Value::Table(table)) => Item::Map(
            table
                .entries
                .iter()
                .filter_map(|it| {
                    let owner = about.title();
                    let about = About {
                        field: &it.key,
                        owner: &owner,
                        key: it.key_span,
                    };
                    let item = read(item, &it.node, &about, faults)?;
                    Some((Spanned::new(it.key.clone(), it.key_span), item))
                })
                .collect(),
        ),
        (Kind::Table(shape), Value::Table(table)) => {
            Item::Fields(shape.read(&about.title(), about.key, table, faults))
        }
        (Kind::Named(shape), Value::Table(table)) => Item::Map(
            table
                .entries
                .iter()
                .filter_map(|it| {
                    let owner = format!("{} `{}`", shape.noun, it.key);
                    let about = About {
                        field: &it.key,
                        owner: &about.title(),
                        key: it.key_span,
                    };
                    let Value::Table(table) = &it.node.value else {
                        faults.push(wrong_type(&Kind::Table(shape), &it.node, &about));
                        return None;
                    };
                    let fields = shape.read(&owner, it.key_span, table, faults);
                    Some((
                        Spanned::new(it.key.clone(), it.key_span),
                        Spanned::new(Item::Fields(fields), it.node.span),
                    ))
                })
                .collect(),
        ),
        (Kind::Json, value) => Item::Json(value.to_json()),
        (Kind::Either(kinds), value) => {
            let kind = kinds.iter().find(|it| it.fits(value))?;
            return read(kind, node, about, faults);
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
        format!("{} has the wrong type", about.title()),
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
        && kind.fits(&Value::Text(String::new()))
        && !matches!(kind, Kind::Millis(..))
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
        format!("{} cannot be `{text}`", about.title()),
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
        format!("{} cannot be read", about.title()),
        label,
    )
    .help(format!("write {}", kind.wanted()))
}

fn out_of_range(span: Span, about: &About<'_>, label: &str) -> Diagnostic {
    Diagnostic::new(
        Code::OutOfRange,
        span,
        format!("{} is out of range", about.title()),
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

/// Milliseconds of `90`, `90s`, `5m`, `1h30m`, `4 days`, `500ms`; bare numbers are seconds.
pub(super) fn duration(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.bytes().all(|it| it.is_ascii_digit()) {
        return text.parse::<i64>().ok()?.checked_mul(1000);
    }
    let mut rest = text;
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.len()
            - rest
                .trim_start_matches(|it: char| it.is_ascii_digit())
                .len();
        let number: i64 = rest[..digits].parse().ok()?;
        let after = rest[digits..].trim_start();
        let letters = after.len()
            - after
                .trim_start_matches(|it: char| it.is_ascii_alphabetic())
                .len();
        let unit = match &after[..letters] {
            "ms" => 1,
            "s" | "sec" | "second" | "seconds" => 1000,
            "m" | "min" | "minute" | "minutes" => 60_000,
            "h" | "hour" | "hours" => 3_600_000,
            "d" | "day" | "days" => 86_400_000,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = after[letters..].trim_start();
    }
    Some(total)
}

/// Bytes of `1024`, `256KiB`, `1 MiB`, `200KB`.
fn size(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.len()
        - text
            .trim_start_matches(|it: char| it.is_ascii_digit())
            .len();
    let number: i64 = text[..digits].parse().ok()?;
    let unit = match text[digits..].trim() {
        "" | "B" => 1,
        "KB" | "kB" => 1000,
        "KiB" | "K" | "k" => 1024,
        "MB" => 1_000_000,
        "MiB" | "M" => 1_048_576,
        _ => return None,
    };
    number.checked_mul(unit)
}

fn say_seconds(seconds: i64) -> String {
    match seconds {
        0 => "0".to_owned(),
        it if it % 86_400 == 0 => format!("{}d", it / 86_400),
        it if it % 3600 == 0 => format!("{}h", it / 3600),
        it if it % 60 == 0 => format!("{}m", it / 60),
        it => format!("{it}s"),
    }
}

fn say_millis(millis: i64) -> String {
    if millis % 1000 == 0 {
        say_seconds(millis / 1000)
    } else {
        format!("{millis}ms")
    }
}

fn say_bytes(bytes: i64) -> String {
    match bytes {
        it if it > 0 && it % 1_048_576 == 0 => format!("{}MiB", it / 1_048_576),
        it if it > 0 && it % 1024 == 0 => format!("{}KiB", it / 1024),
        it => it.to_string(),
    }
}
