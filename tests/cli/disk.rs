//! Files that the program writes: whole or not at all, for the right readers, and never over what it reads.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::{Folder, PROGRAM, Ran};

const UNTIDY: &str = "[stack]\nname=\"news\"\nregion=\"eu-west-1\"\n[accounts.one]\nid=\"111111111111\"\n[queues.inbox]\n";

/// Runs a command that may write so many blocks into a file, and no more.
fn limited(folder: &Folder, blocks: u32, words: &str) -> Ran {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec {PROGRAM} {words}");
    let output = folder.command("sh").args(["-c", &script]).output();
    Ran::of(&output.expect("a shell runs"))
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o777
}

fn names(folder: &Folder) -> Vec<String> {
    let entries = fs::read_dir(folder.path(".")).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|it| {
            it.expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|it| it != ".provision")
        .collect();
    names.sort();
    names
}

#[test]
fn what_cannot_be_written_leaves_what_was_there() {
    let folder = Folder::new();
    folder.write("news.toml", UNTIDY);
    limited(&folder, 0, "fmt news.toml")
        .ends(1)
        .tells("cannot write `news.toml`");
    assert_eq!(folder.read("news.toml"), UNTIDY);
    folder.write("plan.json", "old");
    limited(&folder, 0, "plan news.toml --sandbox --out plan.json")
        .ends(1)
        .tells("cannot save the plan to `plan.json`");
    assert_eq!(folder.read("plan.json"), "old");
    folder.write("contract.toml", "old");
    limited(&folder, 0, "export news.toml --sandbox --out contract.toml")
        .ends(1)
        .tells("cannot write `contract.toml`");
    assert_eq!(folder.read("contract.toml"), "old");
    folder.write("found.toml", "old");
    limited(
        &folder,
        0,
        "import --stack news --account one=111111111111 --region eu-west-1 --sandbox --name '*' --force --out found.toml",
    )
    .ends(1);
    assert_eq!(folder.read("found.toml"), "old");
    assert_eq!(
        names(&folder),
        ["contract.toml", "found.toml", "news.toml", "plan.json"]
    );
    folder
        .run("plan news.toml --sandbox --out /dev/full")
        .ends(1)
        .tells("cannot save the plan to `/dev/full`");
}

#[test]
fn the_sandbox_says_what_it_could_not_keep_and_holds_what_it_said() {
    let folder = Folder::with_stacks();
    let apply = "apply stacks/marketplace.toml --sandbox --yes";
    let mut refused = 0;
    for blocks in [0, 4, 8, 16, 32] {
        let ran = limited(&folder, blocks, apply);
        if ran.code != 0 {
            refused += 1;
            assert!(!ran.out.contains("Applied 1"), "{}", ran.out);
            assert!(
                ran.err.contains("the sandbox cannot be written"),
                "{} {}",
                ran.out,
                ran.err
            );
        }
        // What it said was done is there: nothing is made twice.
        let plan = folder.run("plan stacks/marketplace.toml --sandbox");
        assert!(plan.code == 0, "{} {}", plan.out, plan.err);
    }
    assert!(refused > 2, "{refused}");
    folder.run(apply).ends(0);
    folder
        .run("plan stacks/marketplace.toml --sandbox --detailed-exitcode")
        .ends(0);
}

#[test]
fn a_result_that_is_not_printed_is_a_failure_unless_nobody_listens() {
    let folder = Folder::new();
    folder.write("news.toml", UNTIDY);
    for words in [
        "validate news.toml",
        "plan news.toml --sandbox",
        "schema",
        "--help",
        "plan --help",
        "apply news.toml --sandbox --yes",
    ] {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .expect("it opens");
        let output = folder
            .command(PROGRAM)
            .args(words.split_whitespace())
            .stdout(full)
            .output()
            .expect("it runs");
        // What was applied and cannot be told is no "nothing was changed".
        let changed = words.starts_with("apply");
        let ran = Ran::of(&output).ends(if changed { 4 } else { 1 });
        if !words.contains("--help") {
            ran.tells("cannot write to standard output");
        }
        let mut child = folder
            .command(PROGRAM)
            .args(words.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it runs");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{words}");
    }
}

#[test]
fn plans_and_state_are_their_owners_alone() {
    let folder = Folder::new();
    folder.write("news.toml", UNTIDY);
    folder.write("plan.json", "old");
    folder
        .run("plan news.toml --sandbox --out plan.json")
        .ends(0);
    folder.run("apply plan.json --sandbox --yes").ends(0);
    assert_eq!(mode(&folder.path("plan.json")), 0o600);
    assert_eq!(mode(&folder.path(".provision/sandbox.json")), 0o600);
    fs::set_permissions(folder.path("news.toml"), fs::Permissions::from_mode(0o640)).expect("set");
    folder.run("fmt news.toml").ends(0);
    assert_eq!(mode(&folder.path("news.toml")), 0o640);
    folder
        .run("export news.toml --sandbox --out contract.toml")
        .ends(0);
    assert_eq!(mode(&folder.path("contract.toml")), 0o644);
}

#[test]
fn an_output_never_takes_the_place_of_an_input() {
    let folder = Folder::with_stacks();
    let consumer = "stacks/contracts/consumer.toml";
    folder.write(
        "more.toml",
        "[queues.billing-inbox]\nvisibility_timeout = \"9m\"\n",
    );
    fs::hard_link(folder.path(consumer), folder.path("hard.toml")).expect("linked");
    symlink(folder.path(consumer), folder.path("link.toml")).expect("linked");
    let before: Vec<String> = [consumer, "stacks/contracts/orders.toml", "more.toml"]
        .iter()
        .map(|it| folder.read(it))
        .collect();
    for out in [
        consumer,
        "./stacks/../stacks/contracts/consumer.toml",
        "stacks/contracts/orders.toml",
        "more.toml",
        "hard.toml",
        "link.toml",
    ] {
        for command in ["plan", "export"] {
            folder
                .run(&format!(
                    "{command} {consumer} --with more.toml --sandbox --out {out}"
                ))
                .ends(1)
                .tells("which this command reads; name another file to write; nothing was written");
        }
    }
    folder.write(
        "tofu.json",
        "{\"StackResources\": [{\"ResourceType\": \"AWS::SQS::Queue\", \"PhysicalResourceId\": \
         \"https://sqs.eu-west-1.amazonaws.com/111111111111/inbox\"}]}",
    );
    folder
        .run("import --stack x --account a=111111111111 --region eu-west-1 --sandbox --from tofu.json --out tofu.json --force")
        .ends(1)
        .tells("which this command reads");
    let after: Vec<String> = [consumer, "stacks/contracts/orders.toml", "more.toml"]
        .iter()
        .map(|it| folder.read(it))
        .collect();
    assert_eq!(before, after);
    // A link to something else is not written through: who made it is not known.
    folder.write("other.json", "kept");
    symlink(folder.path("other.json"), folder.path("out.json")).expect("linked");
    folder
        .run(&format!("plan {consumer} --sandbox --out out.json"))
        .ends(1)
        .tells("it is a link to");
    assert_eq!(folder.read("other.json"), "kept");
}

#[test]
fn a_saved_plan_is_whole_or_refused() {
    let folder = Folder::new();
    folder.write("provision.toml", UNTIDY);
    folder.run("plan --sandbox --out plan.json").ends(0);
    let plan: serde_json::Value = serde_json::from_str(&folder.read("plan.json")).expect("JSON");
    let fields: Vec<String> = plan.as_object().expect("fields").keys().cloned().collect();
    for field in fields.iter().filter(|it| *it != "schema") {
        let mut edited = plan.clone();
        edited[field] = match &edited[field] {
            serde_json::Value::String(it) => format!("{it}0").into(),
            serde_json::Value::Array(_) => serde_json::json!([]),
            _ => serde_json::json!({}),
        };
        if edited == plan {
            continue;
        }
        folder.write("edited.json", &edited.to_string());
        folder
            .run("apply edited.json --sandbox --yes")
            .ends(1)
            .tells("`edited.json` was changed since `provision plan --out` saved it");
    }
    // What is not edited is done, however it is laid out.
    folder.write("plan.json", &plan.to_string());
    folder.run("apply plan.json --sandbox --yes").ends(0);
    folder.run("apply plan.json --sandbox --yes").ends(1);
}

#[test]
fn a_saved_plan_with_other_flags_is_another_plan() {
    let folder = Folder::with_stacks();
    folder
        .run("apply stacks/marketplace.toml --sandbox --yes")
        .ends(0);
    folder
        .run("plan stacks/marketplace.toml --sandbox --out plan.json")
        .ends(0);
    folder
        .run("apply plan.json --sandbox --yes --unreachable billing")
        .ends(1)
        .tells("since this plan was saved");
}

/// The words of a command that brings a consumer in.
fn onboard(number: usize, end: &str) -> String {
    format!(
        "onboard stacks/marketplace.toml --sandbox --consumer c{number} --account shop --publishes order-events \
         {end}"
    )
}

#[test]
fn commands_that_edit_one_stack_at_once_lose_nothing() {
    let folder = Folder::with_stacks();
    let mut left: Vec<usize> = (0..8).collect();
    for round in 0.. {
        assert!(round < 20, "still not written: {left:?}");
        let running: Vec<(usize, Child)> = left
            .iter()
            .map(|number| {
                let child = folder
                    .command(PROGRAM)
                    .args(onboard(*number, "--write").split_whitespace())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .spawn();
                (*number, child.expect("it runs"))
            })
            .collect();
        left.clear();
        for (number, child) in running {
            let ran = Ran::of(&child.wait_with_output().expect("it ends"));
            if ran.code != 0 {
                ran.tells("was changed by somebody else meanwhile");
                left.push(number);
            }
        }
        if left.is_empty() {
            break;
        }
    }
    let text = folder.read("stacks/marketplace.toml");
    for number in 0..8 {
        assert!(text.contains(&format!("[roles.c{number}]")), "{text}");
    }
    folder.run("validate stacks/marketplace.toml").ends(0);
}

/// The world and the stack as they are now.
fn picture(folder: &Folder) -> (serde_json::Value, String) {
    let world: serde_json::Value =
        serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    let mut accounts = world["accounts"].clone();
    settle(&mut accounts);
    (accounts, folder.read("stacks/marketplace.toml"))
}

/// Takes out what depends on the time and on how often something was made.
fn settle(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            for name in [
                "created",
                "modified",
                "deployments",
                "deployment",
                "coming",
                "made",
                "id",
                "freed_queues",
            ] {
                fields.remove(name);
            }
            // The lease of a run that was killed stays until it ends, or until the next run that writes.
            fields.retain(|name, _| !name.starts_with("provision-lease-"));
            fields.values_mut().for_each(settle);
            fields.retain(|name, value| name != "policies" || value != &serde_json::json!({}));
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(settle),
        _ => {}
    }
}

/// Runs a command that is killed after a while, then again until it ends, and returns where that leads.
fn killed(start: &dyn Fn() -> Folder, words: &str, after: Duration) -> (serde_json::Value, String) {
    let folder = start();
    let mut child = folder
        .command(PROGRAM)
        .args(words.split_whitespace())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    std::thread::sleep(after);
    child.kill().expect("killed");
    let ended = child.wait().expect("it ends").success();
    if !ended {
        folder.run(words).ends(0);
    }
    picture(&folder)
}

#[test]
fn a_command_that_was_killed_goes_on_when_it_is_run_again() {
    let applied = || {
        let folder = Folder::with_stacks();
        folder
            .run("apply stacks/marketplace.toml --sandbox --yes")
            .ends(0);
        folder
    };
    let drifted = || {
        let folder = applied();
        let mut world: serde_json::Value =
            serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
        let billing = &mut world["accounts"]["222222222222"];
        billing["regions"]["eu-west-1"]["queues"]["billing-inbox"]["attributes"]["VisibilityTimeout"] =
            "77".into();
        billing["roles"]["refunds"]["description"] = "Changed".into();
        folder.write(".provision/sandbox.json", &world.to_string());
        folder
    };
    let joined = || {
        let folder = applied();
        folder.run(&onboard(1, "--yes")).ends(0);
        folder
    };
    let stack = "stacks/marketplace.toml --sandbox --yes";
    let commands: [(&dyn Fn() -> Folder, String); 4] = [
        (&applied, onboard(1, "--yes")),
        (&joined, format!("offboard {stack} --consumer c1")),
        (
            &drifted,
            format!("drift {stack} --revert queues.billing-inbox roles.refunds"),
        ),
        (&applied, format!("forget roles.invoicer --stack {stack}")),
    ];
    for (start, words) in commands {
        let whole = killed(start, &words, Duration::from_secs(20));
        for step in 1..7 {
            let after = Duration::from_millis(step * step * 5);
            assert_eq!(
                killed(start, &words, after),
                whole,
                "{words} after {after:?}"
            );
        }
    }
}

#[test]
fn no_output_takes_the_place_of_the_stack_or_of_the_sandbox() {
    let folder = Folder::with_stacks();
    let stack = "stacks/marketplace.toml";
    folder
        .run(&format!("apply {stack} --sandbox --yes"))
        .ends(0);
    let more = folder.read(stack) + "\n[queues.more]\naccount = \"billing\"\n";
    folder.write(stack, &more);
    let files = [stack, ".provision/sandbox.json", ".provision/sandbox.lock"];
    let before = files.map(|it| folder.read(it));
    for file in files {
        folder
            .run(&format!("plan {stack} --sandbox --out {file}"))
            .ends(1)
            .tells("nothing was written");
        folder
            .run(&format!(
                "verify {stack} --sandbox --live --certificate {file}"
            ))
            .ends(1)
            .tells("nothing was written");
    }
    assert_eq!(files.map(|it| folder.read(it)), before);
    folder
        .run(&format!("verify {stack} --certificate {stack}"))
        .ends(1);
    assert_eq!(folder.read(stack), before[0]);
}

#[cfg(unix)]
#[test]
fn a_lock_that_is_a_link_is_refused() {
    let folder = Folder::with_stacks();
    folder.write("precious", "precious");
    std::fs::create_dir(folder.path(".provision")).expect("a folder");
    let lock = folder.path(".provision/sandbox.lock");
    std::os::unix::fs::symlink(folder.path("precious"), lock).expect("linked");
    folder
        .run("apply stacks/marketplace.toml --sandbox --yes")
        .ends(1)
        .tells("it is a link");
    assert_eq!(folder.read("precious"), "precious");
}

/// "Nothing was changed" is code 1, and only said where it is so.
#[cfg(target_os = "linux")]
#[test]
fn a_run_that_changed_something_and_cannot_say_so_ends_with_4() {
    let full = || {
        Stdio::from(
            std::fs::OpenOptions::new()
                .write(true)
                .open("/dev/full")
                .expect("a device"),
        )
    };
    let folder = Folder::with_stacks();
    let stack = "stacks/marketplace.toml";
    let code = |words: &str| {
        let mut command = folder.command(PROGRAM);
        command
            .args(words.split_whitespace())
            .stdout(full())
            .stderr(Stdio::null());
        command.status().expect("it runs").code()
    };
    assert_eq!(code(&format!("plan {stack} --sandbox")), Some(1));
    assert_eq!(code(&format!("apply {stack} --sandbox --yes")), Some(4));
    assert_eq!(code(&format!("apply {stack} --sandbox --yes")), Some(1));
    assert_eq!(code(&format!("destroy {stack} --sandbox --yes")), Some(4));
}
