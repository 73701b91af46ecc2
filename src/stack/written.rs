//! Where in its files a stack says something: `shop.toml:17`.

use super::Source;
use super::diagnostic::{Code, Diagnostic, Faults, Span};
use super::syntax::{self, Entry, Table, Value};
use crate::model::{Address, KindName};

/// The lines of a stack and its overlays.
#[derive(Clone, Debug, Default)]
pub struct Written {
    sources: Vec<Source>,
    tree: Table,
}

/// The lines of these files; none where they are not TOML.
#[must_use]
pub fn written(sources: &[Source]) -> Written {
    Written {
        sources: sources.to_vec(),
        tree: syntax::parse(sources).unwrap_or_default(),
    }
}

/// Something that is more than AWS takes of a resource.
#[derive(Clone, Debug)]
pub struct TooMuch {
    /// The resource.
    pub address: Address,
    /// The fields that may have made it so; the first that is written is shown.
    pub fields: &'static [&'static str],
    /// Where the access is written that made the resource, as `file:line`.
    pub written_at: Option<String>,
    /// What is too much.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

fn table(entry: &Entry) -> Option<&Table> {
    match &entry.node.value {
        Value::Table(table) => Some(table),
        _ => None,
    }
}

fn inside<'a>(table: Option<&'a Table>, key: &str) -> Option<&'a Table> {
    table?.get(key).and_then(self::table)
}

impl Written {
    /// The file and line of a resource's field, or of the resource where the field is not written.
    ///
    /// `None` for what the stack does not write itself: a role that an access makes.
    #[must_use]
    pub fn line(&self, address: &Address, field: &str) -> Option<String> {
        let (at, fields) = self.place(address)?;
        let span = fields
            .and_then(|it| it.get(field))
            .map_or(at, |it| it.key_span);
        Some(self.shown(span))
    }

    /// Which of the files says it; the first is the stack, the others are laid over it.
    #[must_use]
    pub fn file(&self, address: &Address, field: &str) -> Option<usize> {
        let (at, fields) = self.place(address)?;
        let span = fields
            .and_then(|it| it.get(field))
            .map_or(at, |it| it.key_span);
        Some(span.file)
    }

    /// The faults of what is too much, each at its place.
    #[must_use]
    pub fn too_much(&self, found: &[TooMuch]) -> Option<Faults> {
        let fault = |it: &TooMuch| {
            let written = self.place(&it.address).map(|(at, fields)| {
                let field = it.fields.iter().find_map(|name| fields?.get(name));
                field.map_or(at, |field| field.key_span)
            });
            let made = || self.start_of(it.written_at.as_deref()?);
            let span = written.or_else(made).unwrap_or_default();
            let fault = Diagnostic::new(Code::TooMuch, span, &it.message, "too much for AWS");
            match &it.help {
                Some(help) => fault.help(help),
                None => fault,
            }
        };
        Faults::of(self.sources.clone(), found.iter().map(fault).collect())
    }

    /// The text of a line, as `file:line`.
    fn start_of(&self, at: &str) -> Option<Span> {
        let (name, line) = at.rsplit_once(':')?;
        let line: usize = line.parse().ok()?;
        let file = self.sources.iter().position(|it| it.name == name)?;
        let text = &self.sources[file].text;
        let mut lines = text.split_inclusive('\n');
        let start = lines
            .by_ref()
            .take(line.checked_sub(1)?)
            .map(str::len)
            .sum();
        let length = lines.next()?.trim_end().len();
        Some(Span::new(file, start..start + length))
    }

    fn shown(&self, span: Span) -> String {
        let Some(source) = self.sources.get(span.file) else {
            return String::new();
        };
        let before = source.text.as_bytes().iter().take(span.start);
        let line = 1 + before.filter(|it| **it == b'\n').count();
        format!("{}:{line}", source.name)
    }

    /// Where a resource's name is written, and its fields.
    fn place(&self, address: &Address) -> Option<(Span, Option<&Table>)> {
        let named = |noun: &str, name: &str| {
            let entry = inside(Some(&self.tree), noun)?.get(name)?;
            Some((entry.key_span, table(entry)))
        };
        match address.kind {
            KindName::Role
            | KindName::Key
            | KindName::Topic
            | KindName::Queue
            | KindName::RestApi => named(address.kind.table(), &address.name),
            KindName::Stage => {
                let (api, _) = address.name.rsplit_once('.')?;
                let (at, fields) = named(KindName::RestApi.table(), api)?;
                match fields.and_then(|it| it.get("stage")) {
                    Some(entry) => Some((entry.key_span, table(entry))),
                    None => Some((at, None)),
                }
            }
            KindName::Subscription => {
                let queues = inside(Some(&self.tree), KindName::Queue.table())?;
                let queue = queues.entries.iter().find(|it| {
                    let rest = address.name.strip_prefix(&it.key);
                    rest.is_some_and(|it| it.starts_with('.'))
                })?;
                let topic = &address.name[queue.key.len() + 1..];
                let entry = table(queue)?.get("subscribe")?;
                Some(subscription(entry, topic).unwrap_or((entry.key_span, None)))
            }
        }
    }
}

/// The entry of a queue's `subscribe` that is for a topic.
fn subscription<'a>(entry: &'a Entry, topic: &str) -> Option<(Span, Option<&'a Table>)> {
    let is_for = |text: &str| text.rsplit([':', '.']).next() == Some(topic) || text == topic;
    let one = |value: &'a Value, span: Span| match value {
        Value::Text(text) if is_for(text) => Some((span, None)),
        Value::Table(table) => match table.get("topic").map(|it| (&it.node.value, it.key_span)) {
            Some((Value::Text(text), at)) if is_for(text) => Some((at, Some(table))),
            _ => None,
        },
        _ => None,
    };
    match &entry.node.value {
        Value::List(items) => items.iter().find_map(|it| one(&it.value, it.span)),
        value => one(value, entry.key_span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_told_for_what_is_written_and_for_what_it_belongs_to() {
        let source = |name: &str, text: &str| Source {
            name: name.to_owned(),
            text: text.to_owned(),
        };
        let main = "[queues.inbox]\ndelay = 3\n\n[[queues.inbox.subscribe]]\ntopic = \"topics.news\"\nraw = true\n\
                    [apis.a]\nstage = { name = \"live\", rate = 1 }\n[roles.b]\n";
        let written = written(&[
            source("a.toml", main),
            source("b.toml", "[queues.inbox]\nretention = \"1d\"\n"),
        ]);
        let line =
            |address: &str, field: &str| written.line(&address.parse().expect("an address"), field);
        assert_eq!(line("queues.inbox", "delay").as_deref(), Some("a.toml:2"));
        assert_eq!(line("queues.inbox", "fifo").as_deref(), Some("a.toml:1"));
        assert_eq!(
            line("queues.inbox", "retention").as_deref(),
            Some("b.toml:2")
        );
        let raw = line("subscriptions.inbox.news", "raw");
        assert_eq!(raw.as_deref(), Some("a.toml:6"));
        let filter = line("subscriptions.inbox.news", "filter");
        assert_eq!(filter.as_deref(), Some("a.toml:5"));
        assert_eq!(line("stages.a.live", "rate").as_deref(), Some("a.toml:8"));
        assert_eq!(line("roles.b", "trust").as_deref(), Some("a.toml:9"));
        assert_eq!(line("roles.access-for-b", "trust"), None);
    }
}
