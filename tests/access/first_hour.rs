//! `tests/real/first-hour.sh`, run on the emulator: it asks what it says it asks, and leaves nothing behind.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::emulator::{self, Emulator};
use crate::ground::told;

const ONE: &str = "111111111111";
const TWO: &str = "222222222222";

#[test]
fn the_first_hour_on_a_real_account_runs_on_the_emulator() {
    let Some(programs) = emulator::clients() else {
        return;
    };
    let switches = [("AUTH", "true"), ("EMULATOR_QUEUE_COOLDOWN_S", "2")];
    let Some(emulator) = Emulator::start(&switches) else {
        return;
    };
    let config = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("first-hour-config");
    let profile = |name: &str, account: &str| {
        format!(
            "[profile {name}]\naws_access_key_id = {account}\naws_secret_access_key = any\nregion = eu-west-1\n"
        )
    };
    fs::write(&config, profile("one", ONE) + &profile("two", TWO)).expect("a writable folder");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real/first-hour.sh");
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("bash");
    command.arg(script).args(["one", "two"]);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    let port = emulator.port();
    let output = command
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("PROVISION", env!("CARGO_BIN_EXE_provision"))
        .env("AWS_CONFIG_FILE", &config)
        .env("AWS_SHARED_CREDENTIALS_FILE", "/no/such/file")
        .env("AWS_ENDPOINT_URL", emulator.url())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env(
            "FIRST_HOUR_API",
            format!("http://127.0.0.1:{port}/_aws/execute-api/{{id}}/{{stage}}"),
        )
        .env("FIRST_HOUR_PAUSE", "3")
        .output()
        .expect("bash runs");
    let text = told(&output);
    assert!(output.status.success(), "{text}");
    for number in 1..=10 {
        assert!(text.contains(&format!("== {number}. ")), "{number}: {text}");
    }
    assert!(text.contains("== 0 answers were not as expected"), "{text}");
    // It was this emulator that was asked: two APIs were made, one before and one after the removal.
    let calls = emulator.control("GET", "/_emulator/calls?last=10000", "");
    let made = calls["last"].as_array().expect("calls").iter();
    let made = made.filter(|it| it["action"] == "CreateRestApi" && it["status"] == 201);
    assert!(made.count() >= 2, "{calls}");
}
