//! Files that stacks hand one another: a version, a digest of the rest, and what they say.
//!
//! The digest is no signature: whoever may write the file may write its digest too. It tells
//! a file that was edited by hand, cut short or badly merged from one that `provision` wrote,
//! and it names what was agreed on.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::Source;
use super::diagnostic::{Code, Diagnostic, Span};
use super::syntax::{self, Entry, Table, Value};

/// The version of such files that is written and read.
pub(super) const VERSION: i64 = 1;

/// The digest of everything in a file but the digest itself.
fn digest(root: &Table, head: &str) -> String {
    let mut value = Value::Table(root.clone()).to_json();
    if let Some(head) = value.get_mut(head).and_then(|it| it.as_object_mut()) {
        head.remove("digest");
    }
    let hash = Sha256::digest(value.to_string().as_bytes());
    hash.iter().fold("sha256:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A text with its digest in the place of `digest = ""`.
pub(super) fn seal(text: &str, head: &str) -> String {
    let source = Source {
        name: head.to_owned(),
        text: text.to_owned(),
    };
    match syntax::parse(&[source]) {
        Ok(root) => text.replacen(
            "\ndigest    = \"\"\n",
            &format!("\ndigest    = \"{}\"\n", digest(&root, head)),
            1,
        ),
        Err(faults) => unreachable!("what is written here is TOML: {faults:?}"),
    }
}

/// What a file says under its seal, or why it cannot be believed.
///
/// `named` is where the stack names it, and `again` how it is had anew.
pub(super) fn open(
    sources: &[Source],
    file: usize,
    head: &'static str,
    what: &str,
    named: Span,
    again: &str,
) -> Result<Table, Vec<Diagnostic>> {
    let mut alone: Vec<Source> = sources
        .iter()
        .map(|it| Source {
            name: it.name.clone(),
            text: String::new(),
        })
        .collect();
    alone[file].text.clone_from(&sources[file].text);
    let root = syntax::parse(&alone)?;
    let start = Span::new(file, 0..0);
    let fault = |span, message: String, label: &str| {
        Diagnostic::new(Code::Contract, span, message, label).and(named, "named here")
    };
    let Some(table) = root.get(head).and_then(Entry::table) else {
        return Err(vec![
            fault(
                start,
                format!("`{}` is not {what}", sources[file].name),
                &format!("no table `[{head}]`"),
            )
            .help(again),
        ]);
    };
    let version = table.get("version");
    match version.map(|it| &it.node.value) {
        Some(Value::Whole(VERSION)) => {}
        found => {
            let span = version.map_or(start, |it| it.node.span);
            let told = match found {
                Some(Value::Whole(it)) => format!("of version {it}"),
                _ => "of no version".to_owned(),
            };
            return Err(vec![
                fault(
                    span,
                    format!(
                        "`{}` is {what} {told}, and this program reads version {VERSION}",
                        sources[file].name
                    ),
                    "another version",
                )
                .help(format!(
                    "use the same version of `provision` on both sides; {again}"
                )),
            ]);
        }
    }
    let told = table.get("digest");
    let right = digest(&root, head);
    match told.map(|it| &it.node.value) {
        Some(Value::Text(text)) if *text == right => Ok(root),
        _ => Err(vec![
            fault(
                told.map_or(start, |it| it.node.span),
                format!(
                    "`{}` is not as `provision export` wrote it",
                    sources[file].name
                ),
                "the digest is of another content",
            )
            .help(format!("it was edited, cut short or badly merged; {again}")),
        ]),
    }
}

impl Entry {
    /// The entry's table.
    pub(super) fn table(&self) -> Option<&Table> {
        match &self.node.value {
            Value::Table(it) => Some(it),
            _ => None,
        }
    }
}
