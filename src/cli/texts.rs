//! A stack's files while a command edits them.
//!
//! A file is written whole or not at all, and only over the text that was read: what
//! somebody else wrote meanwhile is never lost.

use std::fs;
use std::path::{Path, PathBuf};

use super::Failure;
use super::args::Files;
use super::session;
use crate::disk::{self, Locked};
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
        Ok(Self::of(files, sources, stack))
    }

    /// Files that were read, and what they declare.
    pub(super) fn of(files: &Files, sources: Vec<Source>, stack: Stack) -> Self {
        let paths = std::iter::once(&files.stack).chain(&files.with);
        Self {
            paths: paths.cloned().collect(),
            sources,
            stack,
        }
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
                    "cannot read `{}` again: {}; nothing was written",
                    source.name,
                    disk::why(&error)
                ))
            })?;
            if now != source.text {
                return Err(Failure::Plain(format!(
                    "`{}` was changed by somebody else meanwhile; it is left as it is now, and nothing was written; run \
                     the command again",
                    source.name
                )));
            }
        }
        Ok(())
    }

    /// Writes the files that differ, each whole or not at all, and none of them over what was not read.
    pub(super) fn write(&self, new: &[Source]) -> Result<(), Failure> {
        // Two commands that edit one stack write one after the other, and the second sees what the first wrote.
        let locks: Result<Vec<Locked>, _> = self.paths.iter().map(|it| Locked::wait(it)).collect();
        let _locks = locks.map_err(|error| {
            Failure::Plain(format!(
                "cannot keep other commands from the stack's files: {}; nothing was written",
                disk::why(&error)
            ))
        })?;
        self.unchanged()?;
        for ((path, old), new) in self.paths.iter().zip(&self.sources).zip(new) {
            if old.text != new.text {
                disk::replace(path, new.text.as_bytes()).map_err(|error| {
                    Failure::Plain(format!(
                        "cannot write `{}`: {}; it is as it was",
                        old.name,
                        disk::why(&error)
                    ))
                })?;
            }
        }
        Ok(())
    }
}
