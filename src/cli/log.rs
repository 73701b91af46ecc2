//! `--log FILE`: what was called, a line of JSON each, for whoever looks into a run afterwards.
//!
//! A log is sent to others, so it holds no secret: external ids of the stack and the credentials of the environment
//! are taken out of everything that is written, in the lines of `-v` as well.

use std::cell::RefCell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cloud::CallError;
use crate::cloud::seam::{CallRecord, Event, target};
use crate::disk;
use crate::stack::Stack;

/// What stands in the place of a secret.
const HIDDEN: &str = "<hidden>";

/// Variables of the environment whose values are secrets.
const VARIABLES: [&str; 4] = [
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_BEARER_TOKEN",
];

/// Texts that no log holds.
#[derive(Debug)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// The secrets of the environment.
    pub(super) fn of_environment() -> Self {
        let values = VARIABLES.iter().filter_map(|it| std::env::var(it).ok());
        Self(values.filter(|it| !it.is_empty()).collect())
    }

    /// Adds the external ids of a stack.
    pub(super) fn add(&mut self, stack: &Stack) {
        let accounts = stack.entered();
        let accounts = accounts.filter_map(|it| it.credentials.external_id.clone());
        let access = stack.access.iter().filter_map(|it| it.external_id.clone());
        let claims = stack.claims.iter();
        let claims = claims.filter_map(|it| it.offered.external_id.clone());
        self.0.extend(accounts.chain(access).chain(claims));
        // What holds another is taken out first.
        self.0.sort_by_key(|it| std::cmp::Reverse(it.len()));
        self.0.dedup();
    }

    /// Returns a text without secrets.
    pub(super) fn hidden(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret.as_str(), HIDDEN)
        })
    }

    /// Takes the secrets out of every text in a value, and leaves the names of its fields.
    fn hide_in(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.hidden(text),
            Value::Array(items) => items.iter_mut().for_each(|it| self.hide_in(it)),
            Value::Object(fields) => fields.values_mut().for_each(|it| self.hide_in(it)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// A file of lines.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: RefCell<File>,
    failed: RefCell<Option<io::Error>>,
}

impl Log {
    /// Opens a log, after what other runs wrote to it.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let failed = |why: &dyn std::fmt::Display| {
            format!("cannot write the log `{}`: {why}", path.display())
        };
        let old = fs::symlink_metadata(path).ok();
        if old.is_some_and(|it| it.is_symlink()) {
            return Err(failed(&"it is a link; name the file itself"));
        }
        let file = appended(path).map_err(|error| failed(&error))?;
        let mut first = [0];
        let read = file.metadata().is_ok_and(|it| it.is_file())
            && (&file).read(&mut first).map_err(|error| failed(&error))? == 1;
        if read && first != *b"{" {
            return Err(failed(&"it holds something else than a log"));
        }
        Ok(Self {
            path: path.to_owned(),
            file: RefCell::new(file),
            failed: RefCell::default(),
        })
    }

    /// Writes what happened.
    pub(super) fn write(&self, at: &str, event: &Event<'_>, secrets: &Secrets) {
        let mut line = self::line(event);
        line["time"] = at.into();
        secrets.hide_in(&mut line);
        let text = line.to_string() + "\n";
        if let Err(error) = self.file.borrow_mut().write_all(text.as_bytes()) {
            self.failed.borrow_mut().get_or_insert(error);
        }
    }

    /// Returns why not all was written.
    pub(super) fn failure(&self) -> Option<String> {
        let error = self.failed.take()?;
        Some(format!(
            "cannot write the log `{}`: {}",
            self.path.display(),
            disk::why(&error)
        ))
    }
}

#[cfg(unix)]
fn appended(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

#[cfg(not(unix))]
fn appended(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)
}

fn line(event: &Event<'_>) -> Value {
    match event {
        Event::Ended(record) => ended(record),
        Event::Again {
            at,
            request,
            wait,
            error,
            attempt,
        } => json!({
            "event": "again", "account": at.account, "account_id": at.id, "region": at.region,
            "call": format!("{}:{}", request.service(), request.action()), "target": target(request),
            "attempt": attempt, "wait_ms": millis(*wait), "error": self::error(error),
        }),
        Event::Waiting {
            at,
            request,
            wait,
            why,
        } => json!({
            "event": "waiting", "account": at.account, "account_id": at.id, "region": at.region,
            "call": format!("{}:{}", request.service(), request.action()), "target": target(request),
            "wait_ms": millis(*wait), "why": why,
        }),
        Event::Silent {
            at,
            service,
            action,
            since,
        } => json!({
            "event": "silent", "account": at.account, "account_id": at.id, "region": at.region,
            "call": format!("{service}:{action}"), "wait_ms": millis(*since),
        }),
    }
}

fn ended(record: &CallRecord) -> Value {
    let failed = record.outcome.as_ref().err();
    json!({
        "event": "call", "number": record.number, "account": record.at.account, "account_id": record.at.id,
        "region": record.at.region, "call": format!("{}:{}", record.service, record.action),
        "target": record.target, "writes": record.writes, "attempt": record.attempt,
        "sent_ms": millis(record.sent), "took_ms": millis(record.took),
        "request_id": failed.and_then(|it| it.request_id.as_deref()),
        "error": failed.map(error),
    })
}

fn error(error: &CallError) -> Value {
    json!({"code": error.code, "message": error.message, "fault": format!("{:?}", error.fault)})
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_holds_another_leaves_nothing_of_either() {
        let mut secrets = Secrets(vec!["abc".to_owned(), "abc-def".to_owned()]);
        secrets.0.sort_by_key(|it| std::cmp::Reverse(it.len()));
        assert_eq!(secrets.hidden("x abc-def y abc"), "x <hidden> y <hidden>");
    }
}
