//! The one document that a command with `--json` prints on standard output, also when it fails.
//!
//! What a command prints is kept until it ends: an error that comes after it belongs into the same document.

use std::cell::RefCell;

use serde_json::Value;

use super::args::{Command, DriftFormat, GraphFormat};
use crate::report::failure;

/// What a command that prints for machines has said so far.
#[derive(Debug)]
pub(super) struct Machine {
    command: &'static str,
    /// Whether it prints documents one after another, each when it is made.
    streams: bool,
    document: RefCell<String>,
    errors: RefCell<Vec<Value>>,
}

impl Machine {
    /// Returns what a command prints for machines, if it does.
    pub(super) fn of(command: &Command) -> Option<Self> {
        let (name, json) = match command {
            Command::Validate(it) => ("validate", it.json),
            Command::Plan(it) => ("plan", it.json),
            Command::Apply(it) => ("apply", it.json),
            Command::Destroy(it) => ("destroy", it.json),
            Command::Drift(it) => ("drift", matches!(it.form(), DriftFormat::Json)),
            Command::Onboard(it) => ("onboard", it.json),
            Command::Offboard(it) => ("offboard", it.json),
            Command::Forget(it) => ("forget", it.json),
            Command::Unlock(it) => ("unlock", it.json),
            Command::Permissions(it) => ("permissions", it.json),
            Command::Output(it) => ("output", it.json),
            Command::Handover(it) => ("handover", it.json),
            Command::Export(it) => ("export", it.json),
            Command::Verify(it) => ("verify", it.json),
            Command::WhoCan(it) => ("who-can", it.json),
            Command::Explain(it) => ("explain", it.json),
            Command::Graph(it) => ("graph", matches!(it.format, GraphFormat::Json)),
            // Pairs in lines have their errors in lines.
            Command::Compare(it) => ("compare", it.json && it.new.is_some()),
            Command::Import(_)
            | Command::Fmt(_)
            | Command::Schema(_)
            | Command::Completions { .. }
            | Command::Simulate(_) => return None,
        };
        let streams = matches!(command, Command::Drift(it) if it.watch.is_some());
        json.then(|| Self {
            command: name,
            streams,
            document: RefCell::default(),
            errors: RefCell::default(),
        })
    }

    /// Keeps a result for the end; `false` where it is to be printed now.
    pub(super) fn keep(&self, text: &str) -> bool {
        if !self.streams {
            *self.document.borrow_mut() += text;
        }
        !self.streams
    }

    /// Notes an error.
    pub(super) fn note(&self, error: Value) {
        self.errors.borrow_mut().push(error);
    }

    /// Returns what is left to print of a command that ends with this code, and forgets it.
    pub(super) fn finish(&self, exit_code: u8) -> String {
        let text = self.document.take();
        let mut errors = self.errors.take();
        if matches!(exit_code, 0 | 2) {
            return text;
        }
        if text.is_empty() {
            if errors.is_empty() {
                errors.push(failure::of_text(failure::meaning(exit_code)));
            }
            let document = failure::document(self.command, exit_code, &errors);
            return format!("{document:#}\n");
        }
        match serde_json::from_str::<Value>(&text) {
            Ok(mut document) if document.is_object() => {
                failure::put(&mut document, errors, exit_code);
                format!("{document:#}\n")
            }
            _ => text,
        }
    }
}
