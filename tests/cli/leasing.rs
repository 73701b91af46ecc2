//! The lease of a stack: one run at a time writes, and the next is shown who does.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{Folder, PROGRAM, Ran};

const STACK: &str = r#"
[stack]
name   = "shop"
region = "eu-west-1"

[accounts.one]
id = "111111111111"

[accounts.two]
id = "222222222222"

[topics.news]
account = "two"

[queues.inbox]
account = "one"

[roles.reader]
account    = "one"
trusted_by = "lambda.amazonaws.com"

[[access]]
from = "roles.reader"
to   = "topics.news"
"#;

const NAME: &str = "provision-lease-shop";

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}

fn world(folder: &Folder) -> Value {
    serde_json::from_str(&folder.read(".provision/sandbox.json")).expect("a sandbox")
}

fn policies(folder: &Folder) -> Value {
    let world = world(folder);
    let found = world["accounts"]["111111111111"].get("policies");
    found.cloned().unwrap_or_else(|| json!({}))
}

/// Has a run hold the lease that began this many seconds ago and ends in so many.
fn hold(folder: &Folder, process: &str, began: u64, ends: i64) {
    let mut world = world(folder);
    let since = now() - began;
    let until = i64::try_from(now()).expect("a time") + ends;
    let says = [
        "run=00aa",
        "user=deployer",
        "host=build-7",
        &format!("process={process}"),
        "command=apply",
        &format!("since={since}"),
        &format!("until={until}"),
    ];
    let document = json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "ProvisionLease", "Effect": "Deny", "Action": "sts:GetCallerIdentity", "Resource": "*",
        "Condition": {"StringEquals": {"aws:PrincipalTag/provision-lease": says}},
    }]});
    world["accounts"]["111111111111"]["policies"][NAME] = json!({
        "arn": format!("arn:aws:iam::111111111111:policy/provision-lease/{NAME}"),
        "path": "/provision-lease/", "description": "", "default": 1, "made": 1,
        "versions": {"1": document.to_string()},
    });
    folder.write(".provision/sandbox.json", &world.to_string());
}

/// A stack that is applied, and one that says something else.
fn applied() -> Folder {
    let folder = Folder::new();
    folder.write("shop.toml", STACK);
    folder
        .run("apply shop.toml --sandbox --yes")
        .ends(0)
        .says("Calls   6 to make");
    let with = "\n[queues.outbox]\naccount = \"one\"\n";
    folder.write("more.toml", &(STACK.to_owned() + with));
    folder
}

#[test]
fn a_run_takes_the_lease_before_its_first_write_and_gives_it_back() {
    let folder = applied();
    let ran = folder
        .run("apply more.toml --sandbox --yes -v --json")
        .ends(0);
    let calls: Vec<&str> = ran
        .err
        .lines()
        .filter(|it| it.contains(" ms"))
        .skip_while(|it| !it.contains("iam:CreatePolicy"))
        .collect();
    assert_eq!(calls.len(), 3, "{}", ran.err);
    assert!(calls[1].contains("sqs:CreateQueue"), "{}", ran.err);
    assert!(calls[2].contains("iam:DeletePolicy"), "{}", ran.err);
    assert_eq!(policies(&folder), json!({}), "it is given back");
    // What only reads, and what finds nothing to do, never takes it.
    for words in [
        "plan more.toml --sandbox -v",
        "apply more.toml --sandbox -v",
        "drift more.toml --sandbox -v",
    ] {
        let ran = folder.run(words).ends(0);
        assert!(!ran.err.contains("iam:CreatePolicy"), "{words}");
    }
}

#[test]
fn code_5_shows_who_holds_the_lease_to_every_command_that_writes() {
    let folder = applied();
    hold(&folder, "4711 815 5b6c", 185, 600);
    let before = world(&folder);
    let stack = folder.read("more.toml");
    let said = "stack `shop` is being changed by another run: `provision apply` of user deployer on host build-7, \
                process 4711, begun 3 min ago; it ends at ";
    for words in [
        "apply more.toml --sandbox --yes",
        "destroy shop.toml --sandbox --yes",
        "drift more.toml --sandbox --revert queues.outbox --yes",
        "onboard more.toml --sandbox --consumer late --account one --publishes news --trusted-by lambda.amazonaws.com --yes",
        "offboard more.toml --sandbox --consumer reader --yes",
        "forget queues.inbox --stack more.toml --sandbox --yes",
    ] {
        folder
            .run(words)
            .ends(5)
            .tells(said)
            .tells("nothing was changed")
            .tells("provision unlock");
        assert_eq!(world(&folder), before, "{words}");
        assert_eq!(folder.read("more.toml"), stack, "{words}");
    }
    let document = folder
        .run("apply more.toml --sandbox --yes --json")
        .ends(5)
        .document();
    assert_eq!(document["exit_code"], 5);
    let error = &document["errors"][0];
    assert_eq!(error["code"], "LeaseHeld");
    assert_eq!(error["holder"]["user"], "deployer");
    assert_eq!(error["holder"]["host"], "build-7");
    assert_eq!(error["holder"]["process"], "4711");
    // Reads never wait for it, and go without it.
    folder
        .run("plan more.toml --sandbox")
        .ends(0)
        .says("1 to add");
    folder.run("drift shop.toml --sandbox").ends(0);
    folder
        .run("apply more.toml --sandbox --yes --no-lease")
        .ends(0);
}

#[test]
fn unlock_shows_the_holder_and_frees_the_lease() {
    let folder = applied();
    hold(&folder, "4711", 185, 600);
    folder
        .run("unlock shop.toml --sandbox")
        .ends(1)
        .tells("host build-7")
        .tells("provision unlock shop.toml --sandbox --yes");
    folder
        .run("unlock shop.toml --sandbox --yes")
        .ends(0)
        .tells("the lease of stack `shop` is free");
    // The run that held it may still be there, and is to see that it lost the lease.
    assert_ne!(policies(&folder), json!({}));
    folder
        .run("apply more.toml --sandbox --yes")
        .ends(0)
        .tells("was taken over: `provision apply` of user deployer");
    assert_eq!(policies(&folder), json!({}), "the next run clears up");
    let told = folder.run("unlock shop.toml --sandbox --json").ends(0);
    assert_eq!(told.document()["held_by"], Value::Null);
    hold(&folder, "4711", 3000, -200);
    let asked = folder.run("unlock shop.toml --sandbox").ends(1);
    let asked = asked.tells("the lease of stack `shop` is left from a run that has ended: `provision apply` of user deployer");
    assert!(!asked.err.contains("is being changed"), "{}", asked.err);
    let told = folder
        .run("unlock shop.toml --sandbox --yes --json")
        .ends(0);
    assert_eq!(told.document()["held_by"]["host"], "build-7");
    assert_eq!(
        policies(&folder),
        json!({}),
        "one that is over leaves nothing"
    );
}

#[test]
fn a_deadline_that_passes_while_unlock_writes_does_not_say_that_nothing_was_changed() {
    let folder = applied();
    hold(&folder, "4711", 3000, -200);
    // A lease that was renewed often has versions that go one by one: more than a second of calls.
    let mut world = world(&folder);
    let policy = &mut world["accounts"]["111111111111"]["policies"][NAME];
    let document = policy["versions"]["1"].take();
    policy["versions"] = json!({"40": document});
    (policy["default"], policy["made"]) = (json!(40), json!(40));
    folder.write(".provision/sandbox.json", &world.to_string());
    folder
        .run("unlock shop.toml --sandbox --yes --deadline 1s")
        .ends(0)
        .tells("the lease of stack `shop` is free");
    assert_eq!(policies(&folder), json!({}));
}

#[test]
fn a_lease_ends_by_itself() {
    let folder = applied();
    hold(&folder, "4711", 1200, -100);
    folder
        .run("apply more.toml --sandbox --yes")
        .ends(5)
        .tells("it is over");
    hold(&folder, "4711", 1200, -121);
    folder
        .run("apply more.toml --sandbox --yes")
        .ends(0)
        .tells("the lease of a run that is over was taken over");
    assert_eq!(policies(&folder), json!({}));
}

/// Starts the program, which runs side by side with others.
fn start(folder: &Folder, words: &str) -> Child {
    let mut command = folder.command(PROGRAM);
    command
        .args(words.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    command.spawn().expect("it starts")
}

fn ended(child: Child) -> Ran {
    Ran::of(&child.wait_with_output().expect("it ends"))
}

#[test]
fn of_processes_on_one_sandbox_each_is_done_or_told_of_the_lease() {
    let mut told = 0;
    for round in 0..6 {
        let folder = Folder::new();
        folder.write("shop.toml", STACK);
        let runs: Vec<Child> = (0..4)
            .map(|_| start(&folder, "apply shop.toml --sandbox --yes"))
            .collect();
        for ran in runs.into_iter().map(ended) {
            assert!(
                matches!(ran.code, 0 | 5),
                "round {round}: {}\n{}\n{}",
                ran.code,
                ran.out,
                ran.err
            );
            told += u32::from(ran.code == 5);
        }
        assert_eq!(policies(&folder), json!({}), "round {round}");
        folder
            .run("plan shop.toml --sandbox --detailed-exitcode")
            .ends(0);
    }
    assert!(told > 0, "two runs wrote at once in no round");
}

#[test]
fn a_run_that_was_killed_on_this_machine_is_followed_at_once() {
    let folder = applied();
    // A process that has ended, as the program would name it, on this machine.
    let mut found = false;
    for _ in 0..40 {
        let mut child = start(&folder, "apply more.toml --sandbox --yes --prune");
        while !folder.read(".provision/sandbox.json").contains(NAME)
            && child.try_wait().expect("asked").is_none()
        {
            std::thread::yield_now();
        }
        child.kill().expect("killed");
        child.wait().expect("ended");
        found = policies(&folder) != json!({});
        if found {
            break;
        }
        folder
            .run("apply shop.toml --sandbox --yes --prune")
            .ends(0);
    }
    assert!(found, "no run was killed while it held the lease");
    folder
        .run("apply more.toml --sandbox --yes")
        .ends(0)
        .tells("the lease of a run that is over was taken over: `provision apply` of user ");
    assert_eq!(policies(&folder), json!({}));
    folder
        .run("plan more.toml --sandbox --detailed-exitcode")
        .ends(0);
    fs::metadata(folder.path(".provision/sandbox.lock")).expect("the lock is kept");
}
