//! Many processes of the program over the SDK: started at once, killed, and answered by a network that fails.
//!
//! `SOAK_KILLS` says how many runs are killed (20 where it is not set), `RACES` how many rounds each race has (1).
//!
//! ```text
//! SOAK_KILLS=500 cargo test --test access processes::soak -- --nocapture
//! RACES=20 cargo test --test access processes::race -- --nocapture
//! ```

#![expect(clippy::print_stderr, reason = "the figures are there to be read")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::caller::Wire;
use crate::emulator::Emulator;
use crate::emulator::proxy::{Mishap, Proxy};
use crate::ground::{bare_provision, told};

const ACCOUNT: &str = "111111111111";

/// A stack with one resource of each kind, and a consumer of the topic and the API.
const SHOP: &str = r#"
[stack]
name   = "shop"
region = "eu-west-1"

[accounts.one]
id = "111111111111"

[apis.orders]
stage = "live"

[apis.orders.routes]
"GET /orders" = { http = "https://example.com/orders" }

[topics.news]

[queues.inbox]
subscribe = ["topics.news"]

[roles.reader]
trusted_by = "lambda.amazonaws.com"

[[access]]
from = "roles.reader"
to   = "topics.news"
via  = "resource-policy"

[[access]]
from  = "roles.reader"
to    = "apis.orders"
allow = "GET /orders"
via   = "resource-policy"
"#;

const MORE: &str = r#"
[roles.writer]
trusted_by = "lambda.amazonaws.com"

[[access]]
from = "roles.writer"
to   = "topics.news"
via  = "resource-policy"
"#;

/// An emulator, a folder with the stack in it, and perhaps a proxy between the program and the emulator.
struct Field {
    emulator: Emulator,
    folder: PathBuf,
    port: u16,
}

impl Drop for Field {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).ok();
    }
}

impl Field {
    /// `None` where there is no Python.
    fn new() -> Option<Self> {
        static LAST: AtomicU32 = AtomicU32::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let emulator = Emulator::start(&[("AUTH", "true"), ("EMULATOR_QUEUE_COOLDOWN_S", "0")])?;
        let name = format!("processes-{}-{number}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).expect("the target directory is writable");
        let port = emulator.port();
        let field = Self {
            emulator,
            folder,
            port,
        };
        field.write("shop.toml", SHOP);
        Some(field)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).expect("the folder is writable");
    }

    fn start(&self, words: &str) -> Child {
        let words: Vec<&str> = words.split_whitespace().collect();
        bare_provision(self.port, &words)
            .current_dir(&self.folder)
            .env("AWS_ACCESS_KEY_ID", ACCOUNT)
            .env("AWS_SECRET_ACCESS_KEY", "any")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs")
    }

    fn run(&self, words: &str) -> (i32, String) {
        ended(self.start(words))
    }

    #[track_caller]
    fn ends(&self, words: &str, code: i32) -> String {
        let (found, told) = self.run(words);
        assert_eq!(found, code, "{words}:\n{told}");
        told
    }

    /// Checks that a stack is in step and has one API, and frees a lease that a killed run left.
    #[track_caller]
    fn is_in_step(&self, file: &str) {
        self.ends(&format!("plan {file} --detailed-exitcode"), 0);
        let apis = self.wire().api_ids(ACCOUNT, "eu-west-1");
        assert_eq!(apis.len(), 1, "{apis:?}");
        // A killed run's lease stays until the next run that writes: nothing else is left.
        self.ends(&format!("unlock {file} --yes"), 0);
    }

    fn wire(&self) -> Wire {
        Wire {
            port: self.emulator.port(),
        }
    }
}

fn ended(child: Child) -> (i32, String) {
    let output: Output = child.wait_with_output().expect("it ends");
    (output.status.code().unwrap_or(-1), told(&output))
}

fn of_environment(name: &str, otherwise: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.map_or(otherwise, |it| it.parse().expect("a number"))
}

#[test]
fn race_of_first_applies_makes_everything_once() {
    let rounds = of_environment("RACES", 1);
    for (count, flags) in [(2, ""), (8, ""), (2, " --no-lease"), (8, " --no-lease")] {
        let (mut held, mut done) = (0, 0);
        for round in 0..rounds {
            let Some(field) = Field::new() else { return };
            let words = format!("apply shop.toml --yes{flags}");
            let runs: Vec<Child> = (0..count).map(|_| field.start(&words)).collect();
            for (code, told) in runs.into_iter().map(ended) {
                match code {
                    0 => done += 1,
                    5 if flags.is_empty() => held += 1,
                    // Without a lease a run may be told that another one writes the same.
                    4 if !flags.is_empty() => {}
                    _ => panic!("{count} runs{flags}, round {round}: {code}: {told}"),
                }
            }
            field.ends("apply shop.toml --yes", 0);
            field.is_in_step("shop.toml");
        }
        eprintln!(
            "{rounds} rounds of {count} first applies{flags}: {done} done, {held} told of the lease"
        );
        assert!(done > 0, "{count} runs{flags}");
    }
}

/// A stack that owns the topic and the API, and one that uses both.
fn guest(name: &str, api: &str) -> String {
    format!(
        "[stack]\nname = \"{name}\"\nregion = \"eu-west-1\"\n[accounts.one]\nid = \"{ACCOUNT}\"\n\
         [roles.{name}]\ntrusted_by = \"lambda.amazonaws.com\"\n\
         [topics.news]\nexisting = \"arn:aws:sns:eu-west-1:{ACCOUNT}:news\"\n\
         [[access]]\nfrom = \"roles.{name}\"\nto = \"topics.news\"\nvia = \"resource-policy\"\n\
         [apis.orders]\nexisting = \"{api}\"\nstage = \"live\"\n\
         [[access]]\nfrom = \"roles.{name}\"\nto = \"apis.orders\"\nallow = [\"GET /orders\"]\nvia = \"resource-policy\"\n"
    )
}

#[test]
fn race_of_stacks_on_one_topic_and_one_api_loses_no_statement() {
    let rounds = of_environment("RACES", 1);
    for count in [2, 5] {
        let mut failed = 0;
        for round in 0..rounds {
            let Some(field) = Field::new() else { return };
            field.ends("apply shop.toml --yes", 0);
            let api = field.wire().api_ids(ACCOUNT, "eu-west-1").remove(0);
            let names: Vec<String> = (0..count).map(|it| format!("guest{it}")).collect();
            for name in &names {
                field.write(&format!("{name}.toml"), &guest(name, &api));
            }
            let runs: Vec<Child> = names
                .iter()
                .map(|it| field.start(&format!("apply {it}.toml --yes")))
                .collect();
            let runs: Vec<(i32, String)> = runs.into_iter().map(ended).collect();
            for (name, (code, told)) in names.iter().zip(&runs) {
                assert!(matches!(code, 0 | 4), "round {round}: {code}: {told}");
                failed += u64::from(*code == 4);
                // A run that says that it is done has lost nothing, whoever came after it.
                if *code == 0 {
                    field.ends(&format!("plan {name}.toml --detailed-exitcode"), 0);
                }
            }
            field.is_in_step("shop.toml");
        }
        eprintln!(
            "{rounds} rounds of {count} stacks on one topic and one API: {failed} runs ended in part"
        );
    }
}

/// Changes a role by hand.
fn tamper(field: &Field) {
    field.wire().set_up(
        ACCOUNT,
        "iam",
        &[
            ("Action", "UpdateRole"),
            ("Version", "2010-05-08"),
            ("RoleName", "reader"),
            ("Description", "Changed by hand"),
        ],
    );
}

#[test]
fn soak_of_killed_runs_ends_as_if_none_had_been_killed() {
    let wanted = of_environment("SOAK_KILLS", 20);
    let Some(field) = Field::new() else { return };
    field.write("more.toml", &format!("{SHOP}{MORE}"));
    let late = "--consumer late --account one --publishes news --trusted-by lambda.amazonaws.com --via resource-policy";
    let onboard = format!("onboard shop.toml {late} --yes");
    let commands = [
        ("apply shop.toml --yes", "shop.toml"),
        ("apply more.toml --yes", "more.toml"),
        ("apply shop.toml --yes --prune", "shop.toml"),
        (onboard.as_str(), "shop.toml"),
        ("offboard shop.toml --consumer late --yes", "shop.toml"),
        ("drift shop.toml --revert roles.reader --yes", "shop.toml"),
        ("forget queues.inbox --stack shop.toml --yes", "shop.toml"),
        ("destroy shop.toml --yes", ""),
    ];
    // How long each takes when it is not killed.
    let mut whole = [Duration::from_secs(2); 8];
    let (mut killed, mut round, mut state) = (0, 0, 0x9e37_79b9_u64);
    let mut by_command = [0_u64; 8];
    while killed < wanted {
        for (number, (words, file)) in commands.into_iter().enumerate() {
            if words.starts_with("drift") {
                tamper(&field);
            }
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let part = u32::try_from(state >> 33 & 1023).expect("small");
            let began = Instant::now();
            let mut child = field.start(words);
            // The first round shows how long each takes.
            if round > 0 {
                std::thread::sleep(whole[number] * part / 1024);
                child.kill().ok();
            }
            let (code, told) = ended(child);
            if code == -1 {
                killed += 1;
                by_command[number] += 1;
                field.ends(words, 0);
            } else {
                assert_eq!(code, 0, "{words}: {told}");
                whole[number] = began.elapsed();
            }
            if file.is_empty() {
                let apis = field.wire().api_ids(ACCOUNT, "eu-west-1");
                assert!(apis.is_empty(), "after {words}: {apis:?}");
            } else {
                field.is_in_step(file);
            }
            if words.starts_with("forget") {
                field.write("shop.toml", SHOP);
                field.ends("apply shop.toml --yes --adopt queues.inbox", 0);
            }
        }
        round += 1;
    }
    eprintln!("{killed} runs killed in {round} rounds, by command: {by_command:?}");
}

/// The words of a request that reads, in whatever protocol.
fn reads(request: &str) -> bool {
    let names = ["Get", "List", "Describe"];
    let query = request.split("Action=").nth(1);
    let target = request
        .split_once("x-amz-target: ")
        .and_then(|(_, it)| it.split_once('.'))
        .map(|(_, it)| it);
    match query.or(target) {
        Some(action) => {
            names.iter().any(|it| action.starts_with(it))
                && !action.starts_with("GetCallerIdentity")
        }
        None => request.starts_with("GET "),
    }
}

#[test]
fn what_is_no_whole_answer_is_never_taken_for_a_complete_list() {
    let Some(mut field) = Field::new() else {
        return;
    };
    field.ends("apply shop.toml --yes", 0);
    let proxy = Proxy::of(field.emulator.port());
    field.port = proxy.port();
    field.is_in_step("shop.toml");
    for mishap in Mishap::ALL {
        // Every read fares so: then nothing is known, and nothing may be said to be missing.
        proxy.choose(move |it| (reads(it)).then_some(mishap));
        let words = if mishap == Mishap::HalfBody {
            "apply shop.toml --yes"
        } else {
            "plan shop.toml --detailed-exitcode"
        };
        let (code, told) = field.run(words);
        let unread = matches!(code, 1 | 4);
        assert_eq!(
            unread,
            mishap != Mishap::Slow,
            "{mishap:?}: {words}: {code}: {told}"
        );
        assert!(
            !told.contains("to add") || told.contains("0 to add"),
            "{mishap:?}: {told}"
        );
        assert!(proxy.hits() > 0, "{mishap:?}");
        // One read in three fares so: it is sent again, or the run says that it cannot go on.
        let mut number = 0;
        proxy.choose(move |it| {
            number += u32::from(reads(it));
            (reads(it) && number % 3 == 0).then_some(mishap)
        });
        let (code, told) = field.run("plan shop.toml --detailed-exitcode");
        assert!(matches!(code, 0 | 1 | 4), "{mishap:?}: {code}: {told}");
        assert!(
            !told.contains("to add") || told.contains("0 to add"),
            "{mishap:?}: {told}"
        );
    }
    proxy.choose(|_| None);
    field.is_in_step("shop.toml");
}

#[test]
fn a_write_whose_answer_is_no_answer_is_looked_into_and_made_once() {
    let Some(mut field) = Field::new() else {
        return;
    };
    let proxy = Proxy::of(field.emulator.port());
    field.port = proxy.port();
    let mut codes: Vec<Value> = Vec::new();
    for (turn, mishap) in (0_u32..).zip(Mishap::ALL) {
        // Another write of the run each time.
        let mut number = turn;
        proxy.choose(move |it| {
            let writes = !reads(it) && !it.contains("Action=GetCallerIdentity");
            number += u32::from(writes);
            (writes && number % 3 == 0).then_some(mishap)
        });
        let (code, told) = field.run("apply shop.toml --yes");
        assert!(matches!(code, 0 | 1 | 4), "{mishap:?}: {code}: {told}");
        assert!(proxy.hits() > 0, "{mishap:?}");
        proxy.choose(|_| None);
        // A run that could not give the lease back has ended: the next one that writes takes it over.
        field.ends("unlock shop.toml --yes", 0);
        field.ends("apply shop.toml --yes", 0);
        field.is_in_step("shop.toml");
        field.ends("destroy shop.toml --yes", 0);
        codes.push(json!([format!("{mishap:?}"), code]));
    }
    eprintln!("a third of the writes answered so, and the code of the run: {codes:?}");
}
