//! Runs a target over its corpus and over what mutation makes of it.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "how far it got, and on what it broke, is what it is run for"
)]

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use super::mutate::{Random, mutate};

/// An input that takes longer than this hangs.
const LONGEST: Duration = Duration::from_secs(20);
/// The longest input that is kept: the corpus is read by people, too.
const KEPT: usize = 2048;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/corpus")
        .join(target)
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder(target))
        .expect("a corpus")
        .map(|it| it.expect("an entry").path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|it| fs::read(it).expect("an input"))
        .collect()
}

/// What one run found out.
#[derive(Debug, Default)]
struct Tally {
    runs: u64,
    forms: usize,
    slowest: Duration,
}

/// Runs a target. It gives its answer to an input; what it must not do, it panics on.
pub(crate) fn run(target: &'static str, answer: fn(&str) -> String) {
    let current = Arc::new(Mutex::new(Vec::new()));
    let (alive, watched) = mpsc::channel();
    let shown = Arc::clone(&current);
    // The stack of a main thread: what would overflow it there must do so here.
    let worker = thread::Builder::new()
        .stack_size(8 << 20)
        .spawn(move || work(target, answer, &shown, &alive));
    let worker = worker.expect("a thread");
    loop {
        match watched.recv_timeout(LONGEST) {
            Ok(()) => {}
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let input = current.lock().map(|it| it.clone()).unwrap_or_default();
                panic!(
                    "{target}: an input takes more than {LONGEST:?}: {}",
                    save(target, &input)
                );
            }
        }
    }
    match worker.join() {
        Ok(tally) => println!(
            "{target}: {} runs, {} forms of answer, slowest {:?}",
            tally.runs, tally.forms, tally.slowest
        ),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn work(
    target: &str,
    answer: fn(&str) -> String,
    current: &Mutex<Vec<u8>>,
    alive: &mpsc::Sender<()>,
) -> Tally {
    let seconds = number("PROVISION_FUZZ_SECONDS").unwrap_or(1);
    let keep = std::env::var_os("PROVISION_FUZZ_KEEP").map(PathBuf::from);
    let mut random = Random::new(number("PROVISION_FUZZ_SEED").unwrap_or(1));
    let mut pool = corpus(target);
    assert!(!pool.is_empty(), "{target} has no corpus");
    let mut forms = BTreeSet::new();
    let mut tally = Tally::default();
    let mut one = |input: &[u8], tally: &mut Tally| -> bool {
        if let Ok(mut current) = current.lock() {
            current.clear();
            current.extend_from_slice(input);
        }
        let _ = alive.send(());
        let text = String::from_utf8_lossy(input).into_owned();
        let began = Instant::now();
        let answered = catch_unwind(AssertUnwindSafe(|| answer(&text)));
        let took = began.elapsed();
        tally.runs += 1;
        tally.slowest = tally.slowest.max(took);
        match answered {
            Ok(answer) => {
                let before = forms.len();
                forms.extend(answer.lines().map(form));
                forms.len() > before
            }
            Err(panicked) => {
                let path = save(target, input);
                eprintln!("{target}: this input is not borne: {path}");
                std::panic::resume_unwind(panicked)
            }
        }
    };
    for input in pool.clone() {
        one(&input, &mut tally);
    }
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(seconds) {
        let input = mutate(&pool[random.below(pool.len())], &pool, &mut random);
        if one(&input, &mut tally) && input.len() <= KEPT {
            if let Some(folder) = &keep {
                let name = format!("{target}-{}", name_of(&input));
                fs::write(folder.join(name), &input).expect("a folder that can be written");
            }
            pool.push(input);
        }
    }
    tally.forms = forms.len();
    tally
}

/// The form of a line of an answer: its words, without what was quoted of the input.
fn form(answer: &str) -> String {
    let mut form = String::new();
    let mut quoted = false;
    for it in answer.chars() {
        match it {
            '`' | '"' => quoted = !quoted,
            _ if quoted || it.is_ascii_digit() || !it.is_ascii() => {}
            _ => form.push(it),
        }
    }
    form.split_whitespace()
        .take(12)
        .collect::<Vec<_>>()
        .join(" ")
}

fn name_of(input: &[u8]) -> String {
    Sha256::digest(input)
        .iter()
        .take(6)
        .map(|it| format!("{it:02x}"))
        .collect()
}

/// Writes an input that is not borne, and says where.
fn save(target: &str, input: &[u8]) -> String {
    let path = std::env::temp_dir().join(format!("fuzz-{target}-{}", name_of(input)));
    match fs::write(&path, input) {
        Ok(()) => path.display().to_string(),
        Err(_) => String::from_utf8_lossy(input).into_owned(),
    }
}
