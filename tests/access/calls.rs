//! The calls of the stack that others were measured on, as the emulator received them through the SDK.
//!
//! `tests/baseline/` counts them on the sandbox, for every size and every act. Here the same
//! program goes through the SDK, and it is the other side that counts: what the seam did not
//! see would show.

#[path = "../baseline/stack.rs"]
pub(crate) mod baseline;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::emulator::Emulator;
use crate::ground::{OPERATOR, run_provision, told};

/// Calls by service and action, as the emulator counts them.
type Counts = BTreeMap<String, u64>;

fn received(emulator: &Emulator) -> Counts {
    let answer = emulator.control("GET", "/_emulator/calls?last=0", "");
    let mut counts = Counts::new();
    for row in answer["counts"].as_array().expect("rows") {
        let text = |field: &str| row[field].as_str().expect("a text").to_owned();
        let key = format!("{}:{}", text("service"), text("action"));
        *counts.entry(key).or_default() += row["count"].as_u64().expect("a number");
    }
    counts
}

/// What was received since, credential calls left out, and those.
fn since(before: &Counts, now: &Counts) -> (Counts, u64) {
    let mut new = Counts::new();
    let mut credentials = 0;
    for (key, count) in now {
        let more = count - before.get(key).copied().unwrap_or_default();
        if key.starts_with("sts:") {
            credentials += more;
        } else if more > 0 {
            new.insert(key.clone(), more);
        }
    }
    (new, credentials)
}

fn stack_file(consumers: usize, accounts: usize) -> PathBuf {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("calls-{consumers}-{accounts}"));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("baseline.toml");
    std::fs::write(&file, baseline::text(consumers, accounts)).expect("a file");
    file
}

/// Runs one command, and gives what was received of it; the program's own count must be that.
fn command(emulator: &Emulator, file: &Path, words: &[&str], code: i32) -> u64 {
    let before = received(emulator);
    let mut args = vec![words[0], file.to_str().expect("a path"), "--json"];
    args.extend(&words[1..]);
    let ran = run_provision(emulator.port(), OPERATOR, &args);
    assert_eq!(ran.status.code(), Some(code), "{words:?}: {}", told(&ran));
    let (calls, credentials) = since(&before, &received(emulator));
    let report: Value = serde_json::from_slice(&ran.stdout).expect("a document");
    let said = |field: &str| report["calls"][field].as_u64();
    let total: u64 = calls.values().sum();
    assert_eq!(
        said("total"),
        Some(total),
        "{words:?}: {calls:?}\n{}",
        report["calls"]
    );
    assert_eq!(
        said("credentials"),
        Some(credentials),
        "{words:?}: {}",
        report["calls"]
    );
    total
}

/// The same of everything that is done to a stack of one size.
fn measured(consumers: usize, accounts: usize) {
    let Some(emulator) = Emulator::start(&[]) else {
        return;
    };
    let (n, a) = (consumers as u64, accounts as u64);
    let (first, more) = (
        stack_file(consumers, accounts),
        stack_file(consumers + 1, accounts),
    );
    let made = command(&emulator, &first, &["apply", "--yes"], 0);
    assert!(made <= 6 * n + 4 * a + 15, "first apply: {made} calls");
    let checked = command(&emulator, &first, &["plan", "--detailed-exitcode"], 0);
    assert!(
        checked <= 3 * a + 2 * n + 10,
        "nothing to do: {checked} calls"
    );
    let onboarded = command(&emulator, &more, &["apply", "--yes"], 0);
    assert!(
        onboarded <= checked + 30,
        "one more consumer: {onboarded} calls"
    );
    command(&emulator, &more, &["destroy", "--yes"], 0);
    let after = command(&emulator, &more, &["plan", "--detailed-exitcode"], 2);
    assert!(after <= checked, "after destroy: {after} calls");
}

#[test]
fn one_consumer_takes_as_many_calls_as_its_mark_allows() {
    measured(1, 2);
}

#[test]
fn ten_consumers_take_as_many_calls_as_their_mark_allows() {
    measured(10, 11);
}

#[test]
fn fifty_consumers_take_as_many_calls_as_their_mark_allows() {
    measured(50, 11);
}

/// On the sandbox it goes on; here somebody's account would change.
#[test]
fn with_nobody_to_ask_aws_is_not_written_to() {
    let Some(emulator) = Emulator::start(&[]) else {
        return;
    };
    let file = stack_file(1, 1);
    let words = ["apply", file.to_str().expect("a path")];
    let ran = run_provision(emulator.port(), OPERATOR, &words);
    assert_eq!(ran.status.code(), Some(1), "{}", told(&ran));
    assert!(
        told(&ran).contains(&format!(
            "nobody to ask; nothing was changed. To go on without asking: provision {} --yes",
            words.join(" ")
        )),
        "{}",
        told(&ran)
    );
    let reads = ["Get", "List", "Assume"];
    for action in received(&emulator).keys() {
        let name = action.split(':').nth(1).unwrap_or_default();
        assert!(reads.iter().any(|it| name.starts_with(it)), "{action}");
    }
}
