//! One test for each code a command ends with, and for never asking nobody.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::{Folder, PROGRAM, Ran};

#[path = "../baseline/stack.rs"]
mod baseline;

const MARKETPLACE: &str = "stacks/marketplace.toml --sandbox";

#[test]
fn code_0_done_and_then_nothing_to_do() {
    let folder = Folder::with_stacks();
    folder
        .run(&format!("apply {MARKETPLACE} --yes"))
        .ends(0)
        .says("Who may do what")
        .tells("Applied 12 changes in 3 accounts");
    let again = folder.run(&format!("apply {MARKETPLACE}")).ends(0);
    again.says("Nothing to do").tells("0 writes");
    folder
        .run(&format!("plan {MARKETPLACE} --detailed-exitcode"))
        .ends(0);
    folder.run(&format!("drift {MARKETPLACE}")).ends(0);
    folder
        .run(&format!("destroy {MARKETPLACE} --yes"))
        .ends(0)
        .says("0 to add, 0 to change,");
    let left: serde_json::Value =
        serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("JSON");
    for (id, account) in left["accounts"].as_object().expect("accounts") {
        assert_eq!(account["roles"], serde_json::json!({}), "{id}");
        for region in account["regions"].as_object().into_iter().flatten() {
            for kind in ["topics", "queues", "apis"] {
                let left = region.1[kind].as_object().map_or(0, serde_json::Map::len);
                assert_eq!(left, 0, "{id} {kind}");
            }
        }
    }
    folder.run(&format!("destroy {MARKETPLACE} --yes")).ends(0);
}

#[test]
fn code_1_a_wrong_stack_a_wrong_word_or_nobody_to_ask() {
    let folder = Folder::with_stacks();
    folder
        .run("validate stacks/faults/references.toml")
        .ends(1)
        .tells("no AWS call was made");
    folder
        .run("plan nowhere.toml --sandbox")
        .ends(1)
        .tells("cannot read `nowhere.toml`");
    folder.run("aply").ends(1).tells("'apply'");
    folder.run("plan --colour").ends(1);
    folder
        .run("plan --sandbox stacks/marketplace.toml")
        .ends(1)
        .tells("provision plan stacks/marketplace.toml --sandbox");
    assert!(!folder.path(".provision").exists(), "nothing was made");
}

#[test]
fn code_3_a_document_that_is_too_full_with_the_ways_out() {
    let folder = Folder::new();
    let mut stack = "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
                     [apis.orders]\naccount = \"a\"\n[apis.orders.routes]\n\"GET /orders\" = { mock = 200 }\n"
        .to_owned();
    for it in 0..300 {
        stack += &format!(
            "[roles.r{it}]\naccount = \"a\"\ntrusted_by = \"lambda.amazonaws.com\"\n[[access]]\nfrom = \"roles.r{it}\"\n\
             to = \"apis.orders\"\nallow = [\"GET /orders\"]\nvia = \"resource-policy\"\n"
        );
    }
    folder.write("full.toml", &stack);
    for command in ["plan", "apply --yes"] {
        folder
            .run(&format!("{command} full.toml --sandbox"))
            .ends(3)
            .says("of 8192 characters of API policy")
            .says("1. write `via = \"assume-role\"` for at least");
    }
    let document = folder
        .run("plan full.toml --sandbox --json")
        .ends(3)
        .document();
    let ways = document["refusals"][0]["ways_out"]
        .as_array()
        .expect("ways out");
    assert!(
        ways.len() > 2 && ways.iter().all(|it| it["costs"].is_string()),
        "{ways:?}"
    );
    let shared = stack.replace(
        "\"resource-policy\"",
        "\"assume-role\"\nrole_name = \"readers\"",
    );
    folder.write("shared.toml", &shared);
    folder
        .run("apply shared.toml --sandbox --yes")
        .ends(0)
        .tells("Applied");
    folder
        .run("apply shared.toml --sandbox")
        .ends(0)
        .says("Nothing to do");
}

#[test]
fn code_2_differences() {
    let folder = Folder::with_stacks();
    let plan = format!("plan {MARKETPLACE}");
    folder.run(&plan).ends(0).says("Plan: 12 to add");
    folder
        .run(&format!("{plan} --detailed-exitcode"))
        .ends(2)
        .says("Plan: 12 to add, 0 to change, 0 to destroy.");
    folder
        .run(&format!("drift {MARKETPLACE}"))
        .ends(2)
        .says("missing in AWS");
}

#[test]
fn code_3_a_policy_that_would_not_fit() {
    let mut stack = "[stack]\nname = \"wide\"\nregion = \"eu-west-1\"\n\
        [accounts.all]\nid = \"111111111111\"\n[apis.wide]\n[apis.wide.routes]\n"
        .to_owned();
    let long = "a-rather-long-name-for-one-part-of-a-path".repeat(2);
    for number in 0..60 {
        stack += &format!("\"GET /{long}-{number}\" = {{ mock = 200 }}\n");
    }
    for number in 0..60 {
        stack += &format!("[roles.caller-{number}]\ntrusted_by = \"lambda.amazonaws.com\"\n");
        stack += &format!(
            "[[access]]\nfrom = \"roles.caller-{number}\"\nto = \"apis.wide\"\n\
             allow = \"GET /{long}-{number}\"\nvia = \"resource-policy\"\n"
        );
    }
    let folder = Folder::new();
    folder.write("provision.toml", &stack);
    folder
        .run("apply --sandbox --yes")
        .ends(3)
        .says("of 8192")
        .says("via = \"assume-role\"");
    folder.run("plan --sandbox --detailed-exitcode").ends(3);
    let plan = folder.run("plan --sandbox --json").ends(3).document();
    assert_eq!(plan["refusals"][0]["budget"], true);
    let world = folder.path(".provision/sandbox.json");
    let world = std::fs::read_to_string(world).unwrap_or_default();
    assert!(!world.contains("caller-1"), "nothing was made");
}

/// A stack of which AWS refuses one role, whose trust names a role that is not there.
const IN_PART: &str = r#"
[stack]
name   = "in-part"
region = "eu-west-1"

[accounts.one]
id = "111111111111"

[roles.broken]
trusted_by = "arn:aws:iam::111111111111:role/nobody"

[topics.news]

[[access]]
from = "roles.broken"
to   = "topics.news"

[queues.inbox]

[roles.fine]
trusted_by = "lambda.amazonaws.com"
"#;

#[test]
fn code_4_applied_in_part_and_the_same_command_goes_on() {
    let folder = Folder::new();
    folder.write("provision.toml", IN_PART);
    let ran = folder.run("apply --sandbox --yes").ends(4);
    let ran = ran
        .tells("arn:aws:iam::111111111111:role/nobody")
        .tells("done 2, failed 1, held back 1")
        .tells("Nothing is half-made.\nTo go on: provision apply --sandbox\n");
    assert!(ran.err.contains("roles.broken"), "{}", ran.err);
    folder.write(
        "provision.toml",
        &IN_PART.replace(
            "arn:aws:iam::111111111111:role/nobody",
            "lambda.amazonaws.com",
        ),
    );
    folder
        .run("apply --sandbox --yes")
        .ends(0)
        .says("Plan: 2 to add, 0 to change, 0 to destroy.");
    folder.run("plan --sandbox --detailed-exitcode").ends(0);
}

/// A stack of which AWS makes the role and then refuses to attach a policy that is not there.
const HALF_MADE: &str = r#"
[stack]
name   = "half-made"
region = "eu-west-1"

[accounts.one]
id = "111111111111"

[roles.worker]
trusted_by = "lambda.amazonaws.com"
attach     = "arn:aws:iam::111111111111:policy/provision/other/none"
"#;

#[test]
fn a_role_that_was_made_without_its_policy_is_called_made_in_part() {
    let folder = Folder::new();
    folder.write("provision.toml", HALF_MADE);
    let ran = folder.run("apply --sandbox --yes").ends(4);
    ran.tells("accepted before it: iam:CreateRole").tells(
        "Made in part: roles.worker (iam:CreateRole).\nTo go on: provision apply --sandbox\n",
    );
    let again = folder
        .run("apply --sandbox --yes --json")
        .ends(4)
        .document();
    let step = &again["steps"][0];
    assert_eq!(step["outcome"], "failed", "{again:#}");
    assert_eq!(step["accepted_writes"], serde_json::json!([]), "{again:#}");
}

#[test]
fn quiet_prints_why_an_apply_failed() {
    let folder = Folder::new();
    folder.write("provision.toml", IN_PART);
    let ran = folder.run("apply --sandbox --yes --quiet").ends(4);
    let ran = ran
        .tells("error: cannot make roles.broken")
        .tells("Applied in part: done 2, failed 1, held back 1");
    assert!(!ran.err.contains("queue inbox"), "progress: {}", ran.err);
    let fine = IN_PART.replace("arn:aws:iam::111111111111:role/nobody", "ec2.amazonaws.com");
    folder.write("provision.toml", &fine);
    let ran = folder.run("apply --sandbox --yes --quiet").ends(0);
    assert_eq!(ran.err, "");
}

#[test]
fn code_130_a_signal_ends_after_the_calls_in_flight_and_the_same_command_goes_on() {
    // Ctrl-c, and what a supervisor sends.
    for signal in ["-INT", "-TERM"] {
        stopped_by(signal);
    }
}

fn stopped_by(signal: &str) {
    let folder = Folder::new();
    folder.write("provision.toml", &baseline::text(25, 3));
    let mut process = folder
        .command(PROGRAM)
        .args(["apply", "--sandbox", "--yes"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    let mut err = BufReader::new(process.stderr.take().expect("its stderr"));
    let mut told = String::new();
    err.read_line(&mut told)
        .expect("the first resource is done");
    let interrupt = folder
        .command("kill")
        .args([signal, &process.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(interrupt.success());
    err.read_to_string(&mut told).expect("UTF-8");
    let ended = process.wait().expect("it ends");
    assert_eq!(ended.code(), Some(130), "{told}");
    assert!(
        told.contains("stopping after the calls in flight"),
        "{told}"
    );
    assert!(told.contains("not started"), "{told}");
    assert!(told.contains("provision apply --sandbox"), "{told}");
    folder.run("apply --sandbox --yes").ends(0);
    folder.run("plan --sandbox --detailed-exitcode").ends(0);
}

#[test]
fn a_deadline_ends_reading_with_an_error_and_applying_in_order() {
    let folder = Folder::with_stacks();
    let none = folder.run("plan stacks/marketplace.toml --sandbox --deadline 0s");
    none.ends(1).tells("less than a second is too short");
    let applied = folder.run(&format!("apply {MARKETPLACE} --yes --deadline 1s"));
    let applied = applied.ends(130);
    applied
        .tells("the deadline of 1.0 s has passed: stopping after the calls in flight")
        .tells("Interrupted:")
        .tells("To go on: provision apply stacks/marketplace.toml --sandbox");
    folder.run(&format!("apply {MARKETPLACE} --yes")).ends(0);
    folder
        .run(&format!(
            "plan {MARKETPLACE} --detailed-exitcode --deadline 1m"
        ))
        .ends(0);
    // API Gateway answers ten reads a second.
    let mut many =
        "[stack]\nname = \"many\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n"
            .to_owned();
    for it in 0..20 {
        many += &format!(
            "[apis.a{it}]\naccount = \"a\"\nroutes = {{ \"GET /x\" = {{ mock = 200 }} }}\n"
        );
    }
    folder.write("many.toml", &many);
    folder.run("apply many.toml --sandbox many --yes").ends(0);
    folder
        .run("drift many.toml --sandbox many --deadline 2s")
        .ends(1)
        .tells(
            "the deadline of 2.0 s passed before everything was read; nothing was changed on AWS",
        );
}

/// Runs a command without a terminal: it must end soon, changing nothing, and say how to go on.
#[track_caller]
fn refuses_to_guess(folder: &Folder, words: &str, go_on: &str) -> Ran {
    let before = std::fs::read(folder.path(".provision/sandbox.json")).ok();
    let began = Instant::now();
    let ran = folder.run(words).ends(1).tells(go_on);
    assert!(
        began.elapsed() < Duration::from_mins(1),
        "it waits for nobody"
    );
    let after = std::fs::read(folder.path(".provision/sandbox.json")).ok();
    assert!(before == after, "nothing was changed");
    ran
}

/// Goes on as the program said, word for word.
#[track_caller]
fn goes_on(folder: &Folder, ran: &Ran) -> Ran {
    let command = ran.err.lines().find_map(|it| it.split("provision ").nth(1));
    let command = command.expect("a command");
    folder.run(command)
}

#[test]
fn without_a_terminal_nothing_is_guessed_and_the_command_to_go_on_is_exact() {
    let folder = Folder::with_stacks();
    // What is only added to the sandbox is nobody's loss: on AWS this is refused too.
    folder.run(&format!("apply {MARKETPLACE}")).ends(0);

    let without = folder.read("stacks/marketplace.toml");
    let (without, _) = without
        .split_once("# 4. A topic")
        .expect("the fourth access");
    folder.write("fewer.toml", without);
    let ran = refuses_to_guess(
        &folder,
        "apply fewer.toml --sandbox --yes",
        "--allow-delete roles.order-events-for-refunds",
    );
    goes_on(&folder, &ran).ends(0).says("1 to destroy");

    let ran = refuses_to_guess(
        &folder,
        "destroy fewer.toml --sandbox",
        "provision destroy fewer.toml --sandbox --yes",
    );
    goes_on(&folder, &ran).ends(0);
}
