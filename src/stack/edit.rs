//! A stack's text, changed at a few places: whatever was not named stays byte for byte.
//!
//! What is added stands after the last of its kind, aligned as `provision fmt`
//! lays it out. What is taken out takes the comment that stands right above it
//! along; a comment that a blank line sets apart speaks of more, and stays.

use toml_edit::{Array, Decor, DocumentMut, InlineTable, Item, RawString, Table, Value};

use super::layout::each_table;
use crate::escape::toml::edited;

/// A value to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// A text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
    /// True or false.
    Flag(bool),
}

impl Written {
    /// A text, or a list where there are several.
    #[must_use]
    pub fn one_or_many(texts: &[String]) -> Self {
        match texts {
            [one] => Self::Text(one.clone()),
            many => Self::List(many.to_vec()),
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Text(it) => edited(it),
            Self::List(items) => {
                let mut array = Array::new();
                array.extend(items.iter().map(|it| edited(it)));
                Value::Array(array)
            }
            Self::Flag(it) => (*it).into(),
        }
    }
}

/// Fields of a table, in the order they are to be written.
pub type Fields = Vec<(&'static str, Written)>;

/// A text that is being changed.
#[derive(Clone, Debug)]
pub struct Edit {
    document: DocumentMut,
    /// Lines end as Windows ends them.
    crlf: bool,
}

impl Edit {
    /// Begins; `None` when the text is not TOML.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        Some(Self {
            document: text.parse().ok()?,
            crlf: text.contains("\r\n"),
        })
    }

    /// The changed text.
    #[must_use]
    pub fn text(&self) -> String {
        let text = self.document.to_string();
        if self.crlf {
            text.replace("\r\n", "\n").replace('\n', "\r\n")
        } else {
            text
        }
    }

    /// Whether `[table.name]` is written here.
    #[must_use]
    pub fn has(&self, table: &str, name: &str) -> bool {
        self.document
            .get(table)
            .and_then(Item::as_table_like)
            .is_some_and(|it| it.contains_key(name))
    }

    /// Writes `[table.name]` after the last of its kind.
    pub fn add(&mut self, table: &str, name: &str, fields: &Fields) {
        let root = self.document.as_table_mut();
        let parent = root.entry(table).or_insert_with(|| {
            let mut parent = Table::new();
            parent.set_implicit(true);
            Item::Table(parent)
        });
        match parent {
            Item::Table(parent) => {
                parent.insert(name, Item::Table(laid_out(fields)));
            }
            Item::Value(Value::InlineTable(parent)) => {
                parent.insert(name, Value::InlineTable(in_a_line(fields)));
            }
            Item::Value(_) | Item::ArrayOfTables(_) | Item::None => {}
        }
    }

    /// Writes `[[table]]` after the last of its kind.
    pub fn append(&mut self, table: &str, fields: &Fields) {
        let root = self.document.as_table_mut();
        let list = root
            .entry(table)
            .or_insert_with(|| Item::ArrayOfTables(toml_edit::ArrayOfTables::new()));
        match list {
            Item::ArrayOfTables(list) => list.push(laid_out(fields)),
            Item::Value(Value::Array(list)) => {
                let last = list.iter().last().map(|it| it.decor().clone());
                let mut value = Value::InlineTable(in_a_line(fields));
                match last {
                    Some(decor) => *value.decor_mut() = Decor::new(before(&decor), ""),
                    None => *value.decor_mut() = Decor::new("", ""),
                }
                list.push_formatted(value);
            }
            Item::Value(_) | Item::Table(_) | Item::None => {}
        }
    }

    /// Takes `[table.name]` out, with all that is below it.
    pub fn remove(&mut self, table: &str, name: &str) -> bool {
        let root = self.document.as_table_mut();
        let Some(parent) = root.get_mut(table).and_then(Item::as_table_like_mut) else {
            return false;
        };
        let Some(item) = parent.remove(name) else {
            return false;
        };
        // A header that nothing stands below any more says nothing, unless it was written.
        if let Some(Item::Table(parent)) = root.get(table)
            && parent.is_empty()
            && parent.is_implicit()
        {
            root.remove(table);
        }
        if let Item::Table(gone) = &item {
            self.keep_what_spoke_of_more(gone);
        }
        true
    }

    /// Takes out each `[[table]]` whose `field` is one of these texts; from a list, only the
    /// texts, and the whole entry once nothing is left of it.
    pub fn remove_from(&mut self, table: &str, field: &str, texts: &[String]) -> usize {
        let mut count = 0;
        let mut gone = Vec::new();
        match self.document.get_mut(table) {
            Some(Item::ArrayOfTables(list)) => {
                let mut kept = toml_edit::ArrayOfTables::new();
                for mut entry in std::mem::take(list) {
                    let (taken, empty) = entry
                        .get_mut(field)
                        .and_then(Item::as_value_mut)
                        .map_or((0, false), |it| take_out(it, texts));
                    count += taken;
                    if empty {
                        gone.push(entry);
                    } else {
                        kept.push(entry);
                    }
                }
                *list = kept;
            }
            Some(Item::Value(Value::Array(list))) => list.retain_mut_by(|entry| {
                let (taken, empty) = entry
                    .as_inline_table_mut()
                    .and_then(|it| it.get_mut(field))
                    .map_or((0, false), |it| take_out(it, texts));
                count += taken;
                !empty
            }),
            _ => {}
        }
        for it in &gone {
            self.keep_what_spoke_of_more(it);
        }
        count
    }

    /// Takes out of each `[[table]]` whose `to` is one of these texts those of them that are its
    /// `from`, and the whole entry once nothing is left of it.
    pub fn remove_between(&mut self, table: &str, from: &str, to: &str, texts: &[String]) {
        let is_to = |it: Option<&str>| it.is_some_and(|it| texts.iter().any(|text| text == it));
        let mut gone = Vec::new();
        match self.document.get_mut(table) {
            Some(Item::ArrayOfTables(list)) => {
                let mut kept = toml_edit::ArrayOfTables::new();
                for mut entry in std::mem::take(list) {
                    let concerned = is_to(entry.get(to).and_then(Item::as_str));
                    let value = entry.get_mut(from).and_then(Item::as_value_mut);
                    match value.filter(|_| concerned).map(|it| take_out(it, texts)) {
                        Some((_, true)) => gone.push(entry),
                        Some((_, false)) | None => kept.push(entry),
                    }
                }
                *list = kept;
            }
            Some(Item::Value(Value::Array(list))) => list.retain_mut_by(|entry| {
                let Some(entry) = entry.as_inline_table_mut() else {
                    return true;
                };
                let concerned = is_to(entry.get(to).and_then(Value::as_str));
                let value = entry.get_mut(from).filter(|_| concerned);
                !value.is_some_and(|it| take_out(it, texts).1)
            }),
            _ => {}
        }
        for it in &gone {
            self.keep_what_spoke_of_more(it);
        }
    }

    /// Lets a queue receive from these topics no longer.
    pub fn unsubscribe(&mut self, queue: &str, topics: &[String]) {
        let queues = self.document.get_mut("queues");
        let Some(table) = queues
            .and_then(Item::as_table_like_mut)
            .and_then(|it| it.get_mut(queue))
            .and_then(Item::as_table_like_mut)
        else {
            return;
        };
        let is_one = |it: &Value| {
            let topic = it.as_inline_table().and_then(|it| it.get("topic"));
            let text = topic.unwrap_or(it).as_str();
            text.is_some_and(|it| topics.iter().any(|text| text == it))
        };
        let empty = match table.get_mut("subscribe") {
            Some(Item::Value(Value::Array(list))) => {
                list.retain_mut_by(|it| !is_one(it));
                list.is_empty()
            }
            Some(Item::Value(it)) => is_one(it),
            Some(Item::ArrayOfTables(list)) => {
                let is_one = |it: &Table| {
                    let topic = it.get("topic").and_then(Item::as_str);
                    topic.is_some_and(|it| topics.iter().any(|text| text == it))
                };
                list.retain(|it| !is_one(it));
                list.is_empty()
            }
            Some(Item::Table(it)) => {
                let topic = it.get("topic").and_then(Item::as_str);
                topic.is_some_and(|it| topics.iter().any(|text| text == it))
            }
            Some(Item::None) | None => false,
        };
        if empty {
            table.remove("subscribe");
        }
    }

    /// Leaves of `[table.name]` only the fields that are kept, and writes these into it.
    pub fn reduce(&mut self, table: &str, name: &str, keep: &[&str], fields: &Fields) {
        let parent = self.document.get_mut(table);
        let Some(item) = parent
            .and_then(Item::as_table_like_mut)
            .and_then(|it| it.get_mut(name))
        else {
            return;
        };
        if let Item::Table(it) = item {
            // What stands in a table of its own below it would be all that is left of its header.
            it.set_implicit(false);
        }
        let Some(it) = item.as_table_like_mut() else {
            return;
        };
        let all: Vec<String> = it.iter().map(|(key, _)| key.to_owned()).collect();
        for key in all.iter().filter(|key| !keep.contains(&key.as_str())) {
            it.remove(key);
        }
        for (key, value) in fields {
            it.insert(key, Item::Value(value.value()));
        }
    }

    /// Takes these texts out of `field` of every `[table.*]`.
    pub fn remove_from_each(&mut self, table: &str, field: &str, texts: &[String]) {
        let Some(parent) = self
            .document
            .get_mut(table)
            .and_then(Item::as_table_like_mut)
        else {
            return;
        };
        for (_, item) in parent.iter_mut() {
            let Some(it) = item.as_table_like_mut() else {
                continue;
            };
            let Some(value) = it.get_mut(field).and_then(Item::as_value_mut) else {
                continue;
            };
            if let (_, true) = take_out(value, texts)
                && !value.is_array()
            {
                it.remove(field);
            }
        }
    }

    /// Comments above a table that is gone, save the one right above it, stay with what follows.
    fn keep_what_spoke_of_more(&mut self, gone: &Table) {
        let above = gone
            .decor()
            .prefix()
            .and_then(RawString::as_str)
            .unwrap_or_default();
        let kept = match above.rfind("\n\n") {
            Some(at) if above[..at].contains('#') => &above[..=at],
            _ => return,
        };
        let place = gone.position().unwrap_or(isize::MAX);
        let mut next: Option<isize> = None;
        each_table(self.document.as_table_mut(), &mut |it| {
            if let Some(position) = it.position().filter(|it| *it > place) {
                next = Some(next.map_or(position, |it| it.min(position)));
            }
        });
        let Some(next) = next else {
            let trailing = self.document.trailing().as_str().unwrap_or_default();
            let trailing = format!("{kept}{trailing}");
            self.document.set_trailing(trailing);
            return;
        };
        each_table(self.document.as_table_mut(), &mut |it| {
            if it.position() == Some(next) {
                let own = before(it.decor());
                it.decor_mut().set_prefix(format!("{kept}{own}"));
            }
        });
    }
}

/// `Array::retain` with the item in hand.
trait RetainMut {
    fn retain_mut_by(&mut self, keep: impl FnMut(&mut Value) -> bool);
}

impl RetainMut for Array {
    fn retain_mut_by(&mut self, mut keep: impl FnMut(&mut Value) -> bool) {
        let first = self.get(0).map(|it| before(it.decor()));
        let keeps: Vec<bool> = self.iter_mut().map(&mut keep).collect();
        let mut at = keeps.iter();
        self.retain(|_| at.next().is_none_or(|it| *it));
        // What is first now begins as the first one did.
        if keeps.first() == Some(&false)
            && let (Some(first), Some(item)) = (first, self.get_mut(0))
        {
            item.decor_mut().set_prefix(first);
        }
    }
}

/// Takes texts out of a value: how many were there, and whether nothing else was.
fn take_out(value: &mut Value, texts: &[String]) -> (usize, bool) {
    let is_one = |it: &Value| {
        it.as_str()
            .is_some_and(|it| texts.iter().any(|text| text == it))
    };
    if is_one(value) {
        return (1, true);
    }
    let Value::Array(items) = value else {
        return (0, false);
    };
    let before = items.len();
    items.retain_mut_by(|it| !is_one(it));
    (
        before - items.len(),
        items.is_empty() && before > items.len(),
    )
}

/// What stands before something.
fn before(decor: &Decor) -> String {
    decor
        .prefix()
        .and_then(RawString::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn laid_out(fields: &Fields) -> Table {
    let width = fields.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    let mut table = Table::new();
    for (key, value) in fields {
        table.insert(key, Item::Value(value.value()));
        if let Some(mut it) = table.key_mut(key) {
            let gap = width - key.len() + 1;
            it.leaf_decor_mut().set_suffix(" ".repeat(gap));
        }
    }
    *table.decor_mut() = Decor::new("\n", "");
    table
}

fn in_a_line(fields: &Fields) -> InlineTable {
    let mut table = InlineTable::new();
    for (key, value) in fields {
        table.insert(*key, value.value());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(it: &str) -> Written {
        Written::Text(it.to_owned())
    }

    const STACK: &str = r#"# The shop.

[stack]
name = "shop"

# ---- Roles

# Takes orders.
[roles.checkout]   # on Lambda
account    = "shop"
trusted_by = ["roles.refunds", "lambda.amazonaws.com"]

# Pays back.
[roles.refunds]
account = "shop"

# ---- Topics

[topics.events]

# ---- Who may do what

# 1. Both
[[access]]
from = ["roles.checkout", "roles.refunds"]
to   = "topics.events"

# 2. One
[[access]]
from = "roles.refunds"
to   = "topics.events"
# the end
"#;

    #[test]
    fn what_is_added_stands_after_its_like_and_nothing_else_moves() {
        let mut edit = Edit::of(STACK).expect("TOML");
        edit.add(
            "roles",
            "analytics",
            &vec![
                ("account", text("shop")),
                ("trusted_by", text("lambda.amazonaws.com")),
            ],
        );
        edit.append(
            "access",
            &vec![
                ("from", text("roles.analytics")),
                ("to", text("topics.events")),
            ],
        );
        edit.add("queues", "analytics", &vec![("subscribe", text("events"))]);
        let role =
            "\n[roles.analytics]\naccount    = \"shop\"\ntrusted_by = \"lambda.amazonaws.com\"\n";
        let expected = STACK
            .replace("\n# ---- Topics", &format!("{role}\n# ---- Topics"))
            .replace(
                "# the end\n",
                "\n[[access]]\nfrom = \"roles.analytics\"\nto   = \"topics.events\"\n\n[queues.analytics]\nsubscribe = \"events\"\n# the end\n",
            );
        assert_eq!(edit.text(), expected);
    }

    #[test]
    fn what_is_taken_out_takes_its_own_comment_along_and_no_other() {
        let mut edit = Edit::of(STACK).expect("TOML");
        assert!(edit.remove("roles", "checkout"));
        assert!(!edit.remove("roles", "checkout"));
        let texts = ["roles.checkout".to_owned()];
        assert_eq!(edit.remove_from("access", "from", &texts), 1);
        let out = edit.text();
        assert!(
            out.contains("# ---- Roles\n\n# Pays back.\n[roles.refunds]"),
            "{out}"
        );
        assert!(!out.contains("Takes orders"), "{out}");
        assert!(out.contains("from = [\"roles.refunds\"]"), "{out}");
        let texts = ["roles.refunds".to_owned()];
        assert_eq!(edit.remove_from("access", "from", &texts), 2);
        let out = edit.text();
        assert!(out.contains("# ---- Who may do what\n"), "{out}");
        assert!(!out.contains("access]]") && !out.contains("# 2."), "{out}");
        assert!(out.ends_with("# the end\n"), "{out}");
    }

    #[test]
    fn a_text_leaves_the_lists_it_stood_in() {
        let mut edit = Edit::of(STACK).expect("TOML");
        edit.remove_from_each("roles", "trusted_by", &["roles.refunds".to_owned()]);
        assert_eq!(
            edit.text(),
            STACK.replace("\"roles.refunds\", \"lambda", "\"lambda")
        );
    }

    #[test]
    fn what_was_added_can_be_taken_out_again() {
        let mut edit = Edit::of(STACK).expect("TOML");
        edit.add("roles", "x", &vec![("account", text("shop"))]);
        edit.add("queues", "x", &vec![("account", text("shop"))]);
        edit.append("access", &vec![("from", text("roles.x"))]);
        let mut again = Edit::of(&edit.text()).expect("TOML");
        assert!(again.remove("roles", "x") && again.remove("queues", "x"));
        assert_eq!(
            again.remove_from("access", "from", &["roles.x".to_owned()]),
            1
        );
        assert_eq!(again.text(), STACK);
    }

    #[test]
    fn tables_in_a_line_and_lines_of_windows_are_kept_as_they_are() {
        let text_of = "roles = { a = { account = \"shop\" } }\r\naccess = [\r\n  { from = \"roles.a\", to = \"t\" },\r\n  { from = \"roles.b\", to = \"t\" },\r\n]\r\n";
        let mut edit = Edit::of(text_of).expect("TOML");
        edit.add("roles", "b", &vec![("account", text("shop"))]);
        assert!(edit.has("roles", "b") && !edit.has("queues", "b"));
        edit.append(
            "access",
            &vec![("from", text("roles.c")), ("to", text("t"))],
        );
        assert_eq!(
            edit.remove_from("access", "from", &["roles.a".to_owned()]),
            1
        );
        assert_eq!(
            edit.text(),
            "roles = { a = { account = \"shop\" } , b = { account = \"shop\" } }\r\naccess = [\r\n  { from = \"roles.b\", to = \"t\" },\r\n  { from = \"roles.c\", to = \"t\" },\r\n]\r\n"
        );
    }

    #[test]
    fn a_file_without_a_last_line_break_is_added_to() {
        let mut edit = Edit::of("[stack]\nname = \"a\"").expect("TOML");
        edit.add("roles", "b", &vec![("account", text("shop"))]);
        assert_eq!(
            edit.text(),
            "[stack]\nname = \"a\"\n\n[roles.b]\naccount = \"shop\"\n"
        );
        assert!(Edit::of("[stack").is_none());
    }
}
