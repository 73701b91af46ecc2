//! The program as a person or a script uses it: the binary, its words, its exit codes.
//!
//! Everything happens in folders of its own, on the sandbox. `PROVISION_REWRITE=1
//! cargo test --test cli` writes README's console blocks and `help/` anew from what
//! the program prints; what it wrote is then read by a person.

mod adopting;
mod closing;
mod contracts;
mod data;
mod deadlines;
mod disk;
mod documents;
mod drift;
mod duplicates;
mod effects;
mod endings;
mod endpoints;
mod failing;
mod fixes;
mod forgetting;
mod guard;
mod handover;
mod help;
mod hostile;
mod importing;
mod index;
mod keys;
mod known;
mod leasing;
mod leaving;
mod lent;
mod levels;
mod limits;
mod live_proof;
mod log;
mod losses;
mod machines;
mod mechanisms;
mod neighbours;
mod onboard;
mod organization;
mod permissions;
mod principals;
mod proof;
mod reach;
mod readme;
mod rehearsing;
mod revert;
mod saved;
mod screen;
mod sessions;
mod shares;
mod stand_ins;
mod warnings;
mod who_can;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

const PROGRAM: &str = env!("CARGO_BIN_EXE_provision");
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Whether what the program prints is to be written where it is compared with.
fn rewrites() -> bool {
    std::env::var_os("PROVISION_REWRITE").is_some()
}

/// An empty folder, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let name = format!("cli-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("a folder below the target directory");
        Self(path)
    }

    /// One with the project's `stacks/` in it.
    fn with_stacks() -> Self {
        let folder = Self::new();
        copy(&Path::new(ROOT).join("stacks"), &folder.path("stacks"));
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file of the folder");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file of the folder")
    }

    /// A command in this folder that sees nothing of the caller's settings and nobody's keyboard.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.0).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            let ours = ["AWS_", "CLICOLOR", "COLUMNS", "LINES", "NO_COLOR", "TERM"];
            if ours.iter().any(|it| name.starts_with(it)) {
                command.env_remove(name);
            }
        }
        command.env("HOME", &self.0);
        command
    }

    /// Runs the program with these words.
    fn run(&self, words: &str) -> Ran {
        let arguments: Vec<&str> = words.split_whitespace().collect();
        let output = self
            .command(PROGRAM)
            .args(arguments)
            .output()
            .expect("the program runs");
        Ran::of(&output)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).expect("a copy");
        }
    }
}

/// How the program ended, and what it said.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        Self {
            code: output.status.code().expect("it ended by itself"),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// The same, that must have ended with this code.
    #[track_caller]
    fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }

    /// The document on stdout.
    #[track_caller]
    fn document(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).expect("one JSON document, and nothing beside it")
    }

    /// The same, that must have these words on stdout.
    #[track_caller]
    fn says(self, words: &str) -> Self {
        assert!(self.out.contains(words), "no `{words}` in:\n{}", self.out);
        self
    }

    /// The same, that must have these words on stderr.
    #[track_caller]
    fn tells(self, words: &str) -> Self {
        assert!(self.err.contains(words), "no `{words}` in:\n{}", self.err);
        self
    }
}
