//! TOML, a table at a time: the layout is the formatter's, the words are written here.

use std::fmt::Write as _;

use crate::escape::toml::comment;
pub(super) use crate::escape::toml::{inline, json as of_json, key, list, string as quoted};

/// A table of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Section {
    /// `[topics.order-events]`, `[[access]]`.
    pub(super) header: String,
    /// What is said above it.
    pub(super) comments: Vec<String>,
    /// The resource that it describes: an ARN, or an API's id.
    pub(super) of: Option<String>,
    lines: Vec<(String, String)>,
}

impl Section {
    pub(super) fn new(header: impl Into<String>) -> Self {
        Self {
            header: header.into(),
            ..Self::default()
        }
    }

    /// The same, describing this resource.
    pub(super) fn about(self, resource: &str) -> Self {
        Self {
            of: Some(resource.to_owned()),
            ..self
        }
    }

    /// A field with a value that is TOML already.
    pub(super) fn raw(&mut self, name: &str, value: impl Into<String>) {
        self.lines.push((key(name), value.into()));
    }

    /// A field with a text.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.raw(name, quoted(value));
    }

    /// A field with a text, unless that is empty.
    pub(super) fn some_text(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.text(name, value);
        }
    }

    /// `name = true`, when it is.
    pub(super) fn flag(&mut self, name: &str, value: bool) {
        if value {
            self.raw(name, "true");
        }
    }

    /// A list of values that are TOML already, or the only one; nothing of none.
    pub(super) fn one_or_many(&mut self, name: &str, values: &[String]) {
        match values {
            [] => {}
            [one] => self.raw(name, one.clone()),
            many => self.raw(name, list(many)),
        }
    }

    /// Returns a field's value.
    pub(super) fn value(&self, field: &str) -> Option<&str> {
        let mut lines = self.lines.iter();
        lines
            .find(|(name, _)| name == field)
            .map(|it| it.1.as_str())
    }

    /// Takes a field out, by its name as the table has it.
    pub(super) fn remove(&mut self, field: &str) {
        self.lines.retain(|(name, _)| name != field);
    }

    /// Returns the field that a byte of the table's text belongs to; `None` for its comments and header.
    pub(super) fn field_at(&self, at: usize) -> Option<&str> {
        let mut end = self.to_text().len();
        for (name, value) in self.lines.iter().rev() {
            end -= format!("{name} = {value}\n").len();
            if at >= end {
                return Some(name);
            }
        }
        None
    }

    /// The table's text.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        for it in &self.comments {
            let _ = writeln!(text, "{}", comment(it));
        }
        let _ = writeln!(text, "{}", self.header);
        for (name, value) in &self.lines {
            let _ = writeln!(text, "{name} = {value}");
        }
        text
    }
}

/// Texts as a list.
pub(super) fn texts<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    values.into_iter().map(quoted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_says_what_is_in_it_and_nothing_of_what_is_empty() {
        let mut section = Section::new("[queues.a]");
        section.comments.push("why".to_owned());
        section.text("account", "shop");
        section.some_text("description", "");
        section.flag("fifo", false);
        section.one_or_many("subscribe", &texts(["a", "b"]));
        assert_eq!(
            section.to_text(),
            "# why\n[queues.a]\naccount = \"shop\"\nsubscribe = [\"a\", \"b\"]\n"
        );
    }

    #[test]
    fn a_comment_begins_no_table() {
        let mut section = Section::new("[queues.a]");
        section
            .comments
            .push("Statement `x\n[[access]]\nfrom = 'anyone'` is kept".to_owned());
        let text = section.to_text();
        assert_eq!(text.lines().count(), 2, "{text}");
        let tables: toml_edit::DocumentMut = text.parse().expect("TOML");
        assert_eq!(tables.iter().map(|it| it.0).collect::<Vec<_>>(), ["queues"]);
    }

    #[test]
    fn a_byte_of_a_table_is_traced_to_its_field() {
        let mut section = Section::new("[queues.a]");
        section.text("account", "shop");
        section.text("delay", "1s\n2s");
        let text = section.to_text();
        let field = |words: &str| section.field_at(text.find(words).expect("in the text"));
        assert_eq!(field("queues"), None);
        assert_eq!(field("shop"), Some("account"));
        assert_eq!(field("2s"), Some("delay"));
        section.remove("delay");
        assert_eq!(section.to_text(), "[queues.a]\naccount = \"shop\"\n");
    }
}
