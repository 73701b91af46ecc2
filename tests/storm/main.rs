//! `storm`: several engines at once on one embedded cloud and one paused clock, with faults, kills and
//! restarts, and the laws that must hold after every call. One 64-bit seed draws all of it.
//!
//! ```text
//! storm                      the kept seeds, then 2,000 others (20 where the program is not optimized)
//! storm --seeds 100000       so many others; --from N: from that seed on
//! storm SEED --until N       one storm, call by call, to call N
//! ```
//!
//! `storm` is `cargo test --profile storm --no-default-features --test storm --`.
//!
//! One seed in a hundred is broken on purpose, and must be noticed. A seed that fails is kept in
//! `tests/storm/kept` and runs first from then on.

#![expect(clippy::print_stdout, reason = "what a storm did is there to be read")]
#![allow(
    dead_code,
    reason = "what is shared with the other tests is not used whole"
)]

mod chance;
mod command;
mod gate;
mod laws;
#[path = "../road/operator.rs"]
mod operator;
#[path = "../road/reached.rs"]
mod reached;
mod sight;
mod sketch;
mod trial;
#[path = "../road/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use trial::{Ending, Sabotage, storm};

/// How many seeds run when nothing else is said.
const SEEDS: u64 = if cfg!(debug_assertions) { 20 } else { 2_000 };

fn kept_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/storm/kept")
}

/// Seeds that failed once.
fn kept() -> Vec<u64> {
    let text = std::fs::read_to_string(kept_file()).unwrap_or_default();
    let lines = text.lines().map(str::trim);
    lines.filter_map(|it| it.parse().ok()).collect()
}

/// What is broken on purpose in the storm of a seed.
fn sabotage(seed: u64) -> Option<Sabotage> {
    let all = [Sabotage::HidesForeign, Sabotage::Cuts, Sabotage::Opens];
    let which = usize::try_from(seed / 100 % 3).expect("small");
    (seed % 100 == 99).then_some(all[which])
}

/// Runs the storm of a seed; of one that is broken on purpose, until the breakage made a difference.
fn judged(seed: u64) -> (Ending, Option<String>) {
    let Some(sabotage) = sabotage(seed) else {
        let ending = storm(seed, None, None);
        let wrong = ending.violation.clone();
        return (ending, wrong);
    };
    for again in 0..20 {
        let ending = storm(seed ^ (again << 40), None, Some(sabotage));
        if ending.violation.is_some() {
            return (ending, None);
        }
        if ending.bitten {
            let wrong = format!("{sabotage:?} was not noticed");
            return (ending, Some(wrong));
        }
    }
    let wrong = format!("{sabotage:?} never made a difference");
    (Ending::default(), Some(wrong))
}

fn main() -> ExitCode {
    let mut seed = None;
    let (mut until, mut seeds, mut from) = (None, SEEDS, 0);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || words.next().and_then(|it| it.parse().ok());
        match word.as_str() {
            "--until" => until = number(),
            "--seeds" => seeds = number().unwrap_or(SEEDS),
            "--from" => from = number().unwrap_or(0),
            other => seed = other.parse().ok().or(seed),
        }
    }
    if let Some(seed) = seed {
        let ending = storm(seed, until, sabotage(seed));
        println!("{}", ending.story());
        return ExitCode::from(u8::from(ending.violation.is_some()));
    }
    all(from, seeds)
}

/// What all storms together did.
#[derive(Debug, Default)]
struct Sum {
    calls: u64,
    kills: u64,
    faults: u64,
    runs: u64,
    noticed: u64,
    wrong: BTreeMap<u64, String>,
}

fn all(from: u64, seeds: u64) -> ExitCode {
    let began = Instant::now();
    let first = kept();
    let next = AtomicU64::new(0);
    let sum = Mutex::new(Sum::default());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let kept = usize::try_from(at).ok().and_then(|it| first.get(it));
                    let seed = match kept {
                        Some(seed) => *seed,
                        None if at - first.len() as u64 >= seeds => return,
                        None => from + at - first.len() as u64,
                    };
                    let (ending, wrong) = judged(seed);
                    let mut sum = sum.lock().expect("no storm panics while it counts");
                    sum.calls += ending.calls;
                    sum.kills += ending.kills;
                    sum.faults += ending.faults;
                    sum.runs += ending.runs;
                    sum.noticed += u64::from(sabotage(seed).is_some() && wrong.is_none());
                    if let Some(wrong) = wrong {
                        println!("seed {seed}: {wrong}");
                        sum.wrong.insert(seed, wrong);
                    }
                }
            });
        }
    });
    // The same seed gives the same log.
    for seed in [from, from + 7, from + 13] {
        let (one, two) = (storm(seed, None, None), storm(seed, None, None));
        assert_eq!(one.log, two.log, "seed {seed} gave two logs");
    }
    let sum = sum.into_inner().expect("no storm panics while it counts");
    println!(
        "{} storms in {:.0} s: {} runs, {} calls, {} faults, {} kills; {} broken on purpose and noticed; {} failed",
        seeds + first.len() as u64,
        began.elapsed().as_secs_f64(),
        sum.runs,
        sum.calls,
        sum.faults,
        sum.kills,
        sum.noticed,
        sum.wrong.len()
    );
    if sum.wrong.is_empty() {
        return ExitCode::SUCCESS;
    }
    let mut all: Vec<u64> = first;
    all.extend(sum.wrong.keys());
    all.sort_unstable();
    all.dedup();
    let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
    std::fs::write(kept_file(), lines.join("\n") + "\n").expect("the seeds are kept");
    ExitCode::FAILURE
}
