//! A stack's files while a command edits them.
//!
//! A file is written whole or not at all, and only over the text that was read: what
//! somebody else wrote meanwhile is never lost.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::Failure;
use super::args::Files;
use super::session;
use crate::report::diff;
use crate::stack::{Source, Stack};

/// The files of a stack, as they were read.
#[derive(Debug)]
pub(super) struct Texts {
    paths: Vec<PathBuf>,
    /// Their texts.
    pub(super) sources: Vec<Source>,
    /// What they declare.
    pub(super) stack: Stack,
}

impl Texts {
    /// Reads them; they must be right.
    pub(super) fn read(files: &Files) -> Result<Self, Failure> {
        let sources = session::sources(files)?;
        let stack = session::check(&sources, files)?;
        let paths = std::iter::once(&files.stack)
            .chain(&files.with)
            .cloned()
            .collect();
        Ok(Self {
            paths,
            sources,
            stack,
        })
    }

    /// The place of a file among them.
    pub(super) fn position(&self, file: &Path) -> Option<usize> {
        let same = |a: &Path, b: &Path| {
            a == b || matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
        };
        self.paths.iter().position(|it| same(it, file))
    }

    /// What would change, as `diff -u` shows it.
    pub(super) fn difference(&self, new: &[Source]) -> String {
        let pairs = self.sources.iter().zip(new);
        pairs
            .map(|(old, new)| diff::unified(&old.name, &old.text, &new.text))
            .collect()
    }

    /// How many lines would be new, and how many gone.
    pub(super) fn counts(&self, new: &[Source]) -> (usize, usize) {
        let pairs = self.sources.iter().zip(new);
        pairs.fold((0, 0), |(more, less), (old, new)| {
            let (added, removed) = diff::counts(&old.text, &new.text);
            (more + added, less + removed)
        })
    }

    /// The names of the files that would change, for a sentence.
    pub(super) fn changed(&self, new: &[Source]) -> String {
        let pairs = self.sources.iter().zip(new);
        let names: Vec<String> = pairs
            .filter(|(old, new)| old.text != new.text)
            .map(|(old, _)| format!("`{}`", old.name))
            .collect();
        names.join(" and ")
    }

    /// Refuses when a file is no longer what was read.
    pub(super) fn unchanged(&self) -> Result<(), Failure> {
        for (path, source) in self.paths.iter().zip(&self.sources) {
            let now = fs::read_to_string(path).map_err(|error| {
                Failure::Plain(format!(
                    "cannot read `{}` again: {error}; nothing was written",
                    source.name
                ))
            })?;
            if now != source.text {
                return Err(Failure::Plain(format!(
                    "`{}` was changed by somebody else meanwhile; it is left as it is now, and nothing was written",
                    source.name
                )));
            }
        }
        Ok(())
    }

    /// Writes the files that differ, each whole or not at all.
    pub(super) fn write(&self, new: &[Source]) -> Result<(), Failure> {
        self.unchanged()?;
        for ((path, old), new) in self.paths.iter().zip(&self.sources).zip(new) {
            if old.text != new.text {
                replace(path, &new.text).map_err(|error| {
                    Failure::Plain(format!(
                        "cannot write `{}`: {error}; it is as it was",
                        old.name
                    ))
                })?;
            }
        }
        Ok(())
    }
}

/// Puts a text in the place of a file's, at once: a reader sees the old one or the new one.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    // What a link names is replaced, not the link.
    let path = fs::canonicalize(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&beside)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.set_permissions(fs::metadata(&path)?.permissions())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}
