//! What `-v` and `--log` tell of calls, and what they keep to themselves.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use super::{Folder, PROGRAM, Ran};

const STACK: &str = r#"
[stack]
name   = "news"
region = "eu-west-1"

[accounts.one]
id          = "111111111111"
role        = "provision"
external_id = "planted-account-id"

[accounts.two]
id = "222222222222"

[topics.events]
account = "one"

[roles.reader]
account    = "two"
trusted_by = "lambda.amazonaws.com"

[[access]]
from        = "roles.reader"
to          = "topics.events"
via         = "assume-role"
external_id = "planted-access-id"
"#;

const SECRETS: [&str; 4] = [
    "planted-account-id",
    "planted-access-id",
    "planted-secret-key",
    "planted-token",
];

fn run(folder: &Folder, words: &str) -> Ran {
    let output = folder
        .command(PROGRAM)
        .args(words.split_whitespace())
        .env("AWS_SECRET_ACCESS_KEY", SECRETS[2])
        .env("AWS_SESSION_TOKEN", SECRETS[3])
        .output();
    Ran::of(&output.expect("it runs"))
}

#[test]
fn each_call_is_a_line_and_no_line_holds_a_secret() {
    let folder = Folder::new();
    folder.write("news.toml", STACK);
    // AWS may say an external id back in what it refuses, and so does a name that holds one.
    let named = STACK.replace(
        "[topics.events]",
        "[topics.events]\nname = \"x-planted-access-id\"",
    );
    folder.write("named.toml", &named);
    let applied = run(
        &folder,
        "apply news.toml --sandbox --yes -v --log run.jsonl",
    )
    .ends(0);
    let count = |log: &str| {
        log.lines()
            .filter(|it| it.contains("\"event\":\"call\""))
            .count()
    };
    let log = folder.read("run.jsonl");
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert!(
            line["time"].is_string() && line["account_id"].is_string(),
            "{line}"
        );
        assert!(
            line["attempt"].is_u64() || line["event"] == "waiting",
            "{line}"
        );
    }
    let calls = applied.err.lines().chain(applied.out.lines());
    let calls = calls.filter_map(|it| it.split_once(" calls (")).next_back();
    let calls = calls
        .expect("a summary")
        .0
        .rsplit(' ')
        .next()
        .expect("a number");
    assert_eq!(count(&log).to_string(), calls);
    let told = applied
        .err
        .lines()
        .filter(|it| it.starts_with("20") && it.contains("sns:CreateTopic"))
        .count();
    assert_eq!(told, 1, "{}", applied.err);
    // A second run goes on in the same file.
    let again = run(&folder, "plan named.toml --sandbox -v --log run.jsonl").ends(0);
    let both = folder.read("run.jsonl");
    assert!(both.starts_with(&log) && count(&both) > count(&log));
    let verbose = |ran: &Ran| -> String {
        let lines = ran.err.lines();
        lines
            .filter(|it| it.starts_with("20"))
            .map(|it| format!("{it}\n"))
            .collect()
    };
    for text in [both.clone(), verbose(&applied), verbose(&again)] {
        assert!(text.contains("sns:"), "{text}");
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
    assert!(both.contains("x-<hidden>"), "{both}");
    let mode = fs::metadata(folder.path("run.jsonl"))
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_log_takes_no_other_files_place_and_its_failure_is_told() {
    let folder = Folder::new();
    folder.write("news.toml", STACK);
    folder
        .run("plan news.toml --sandbox --log news.toml")
        .ends(1)
        .tells("cannot write the log `news.toml`: it holds something else than a log");
    assert_eq!(folder.read("news.toml"), STACK);
    std::os::unix::fs::symlink(folder.path("news.toml"), folder.path("link")).expect("linked");
    folder
        .run("plan news.toml --sandbox --log link")
        .ends(1)
        .tells("it is a link");
    folder
        .run("plan news.toml --sandbox --log /dev/full")
        .ends(1)
        .tells("cannot write the log `/dev/full`");
}
