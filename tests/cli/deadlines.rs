//! `--deadline` on each command that writes: while it reads nothing is changed, and while it writes it ends in order.

use std::fmt::Write as _;

use super::{Folder, PROGRAM, Ran};

const APIS: usize = 6;
const WORLD: &str = "cloud/sandbox.json";

/// Enough APIs that reading and writing each take seconds: API Gateway answers ten reads a second.
fn stack() -> String {
    let mut text =
        "[stack]\nname = \"many\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n"
            .to_owned();
    for it in 0..APIS {
        let _ = write!(
            text,
            "[apis.a{it}]\naccount = \"a\"\nroutes = {{ \"GET /x\" = {{ mock = 200 }} }}\n"
        );
    }
    text
}

fn run(folder: &Folder, words: &[&str], deadline: Option<u32>) -> Ran {
    let mut command = folder.command(PROGRAM);
    command.args(words).args(["--sandbox", "cloud"]);
    if let Some(seconds) = deadline {
        command.arg("--deadline").arg(format!("{seconds}s"));
    }
    Ran::of(&command.output().expect("the program runs"))
}

/// The accounts as they are, without what time leaves behind.
fn accounts(folder: &Folder) -> serde_json::Value {
    let text = std::fs::read_to_string(folder.path(WORLD)).unwrap_or_default();
    let world: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    world["accounts"].clone()
}

/// Runs a command under longer and longer deadlines until it is done: those that pass while it reads change nothing,
/// and those that pass while it writes end it as ctrl-c does.
#[track_caller]
fn ends_in_order(folder: &Folder, words: &[&str]) {
    let mut stopped = 0;
    for seconds in 1..600 {
        let before = accounts(folder);
        let stack = folder.read("many.toml");
        let ran = run(folder, words, Some(seconds));
        match ran.code {
            0 => {
                assert!(stopped > 0, "{words:?} was never stopped while it wrote");
                return;
            }
            1 => {
                ran.tells("passed before everything was read; nothing was changed on AWS");
                assert_eq!(accounts(folder), before, "{words:?}");
                assert_eq!(folder.read("many.toml"), stack, "{words:?}");
            }
            _ => {
                stopped += 1;
                ran.ends(130)
                    .tells("has passed: stopping after the calls in flight")
                    .tells("To go on: ");
            }
        }
    }
    panic!("{words:?} is never done");
}

#[test]
fn every_command_that_writes_ends_in_order_at_its_deadline() {
    let folder = Folder::new();
    folder.write("many.toml", &stack());
    let names: Vec<String> = (0..APIS).map(|it| format!("apis.a{it}")).collect();
    let calls: Vec<String> = names.iter().map(|it| format!("{it}: GET /x")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();

    ends_in_order(&folder, &["apply", "many.toml", "--yes"]);
    let consumer = ["many.toml", "--consumer", "late", "--yes"];
    let mut onboard = vec!["onboard"];
    onboard.extend(consumer);
    onboard.extend(["--account", "a", "--trusted-by", "lambda.amazonaws.com"]);
    onboard.extend(["--via", "resource-policy"]);
    for it in &calls {
        onboard.extend(["--calls", it]);
    }
    ends_in_order(&folder, &onboard);
    let mut offboard = vec!["offboard"];
    offboard.extend(consumer);
    ends_in_order(&folder, &offboard);

    let mut world: serde_json::Value =
        serde_json::from_str(&folder.read(WORLD)).expect("a sandbox");
    let region = &mut world["accounts"]["111111111111"]["regions"]["eu-west-1"];
    for (_, api) in region["apis"].as_object_mut().expect("APIs") {
        api["about"]["description"] = "by hand".into();
    }
    folder.write(WORLD, &world.to_string());
    let mut revert = vec!["drift", "many.toml", "--yes"];
    for it in &names {
        revert.extend(["--revert", it]);
    }
    ends_in_order(&folder, &revert);
    run(&folder, &["drift", "many.toml"], None).ends(0);

    let mut forget = vec!["forget", "--stack", "many.toml", "--yes"];
    forget.extend(&names);
    ends_in_order(&folder, &forget);
    let folder = Folder::new();
    folder.write("many.toml", &stack());
    run(&folder, &["apply", "many.toml", "--yes"], None).ends(0);
    ends_in_order(&folder, &["destroy", "many.toml", "--yes"]);
}
