//! `plan --rehearse`: the plan carried out in a sandbox that holds what was read.

use serde_json::Value;

use super::Folder;

const MARKETPLACE: &str = "stacks/marketplace.toml --sandbox";

/// Everything that the sandbox keeps, byte by byte.
fn kept(folder: &Folder) -> Vec<String> {
    let names = ["sandbox.json", "sandbox.lock"];
    let names = names.map(|it| folder.path(".provision").join(it));
    names
        .iter()
        .map(|it| std::fs::read_to_string(it).unwrap_or_default())
        .collect()
}

fn total(document: &Value, at: &str) -> u64 {
    document.pointer(at).and_then(Value::as_u64).expect(at)
}

/// Rehearses a plan of which nothing may be refused, and applies it: the calls of both, by action, must be the same.
#[track_caller]
fn rehearsed_as_applied(folder: &Folder, stack: &str, flags: &str) -> Value {
    let before = kept(folder);
    let plan = folder
        .run(&format!("plan {stack} --rehearse --json"))
        .ends(0)
        .document();
    assert_eq!(kept(folder), before, "a rehearsal writes nothing");
    assert_eq!(total(&plan, "/calls/writes"), 0);
    let rehearsal = plan["rehearsal"].clone();
    assert_eq!(rehearsal["failed"], false, "{rehearsal:#}");
    let again = folder
        .run(&format!("plan {stack} --rehearse --json"))
        .document();
    assert_eq!(again["rehearsal"], rehearsal, "it ends alike each time");
    let done = folder
        .run(&format!("apply {stack} --yes --json {flags}"))
        .ends(0)
        .document();
    for what in ["total", "reads", "writes", "throttled"] {
        let at = format!("/calls/{what}");
        assert_eq!(
            total(&plan, &at) + total(&rehearsal, &at),
            total(&done, &at),
            "{what}: {rehearsal:#}\n{:#}",
            done["calls"]
        );
    }
    assert_eq!(rehearsal["steps"], done["steps"]);
    rehearsal
}

#[test]
fn a_rehearsal_makes_the_calls_that_the_apply_makes() {
    let folder = Folder::with_stacks();
    let first = rehearsed_as_applied(&folder, MARKETPLACE, "");
    let seconds = first["calls"]["seconds"].as_f64().expect("seconds");
    assert!(
        seconds > 5.0,
        "a deployment waits for its rate, and policies for new roles: {seconds}"
    );
    // Over what is there: a changed queue, another route, a topic and a role more, a role less.
    let text = folder.read("stacks/marketplace.toml");
    let changed = text
        .replace("visibility_timeout", "delay = \"5s\"\nvisibility_timeout")
        .replace("order-events", "order-news");
    assert_ne!(changed, text);
    folder.write("changed.toml", &changed);
    let second = rehearsed_as_applied(&folder, "changed.toml --sandbox", "--prune");
    let steps = second["steps"].as_array().expect("steps");
    let of = |action: &str| steps.iter().filter(|it| it["action"] == action).count();
    assert!(
        of("create") > 0 && of("update") > 0 && of("delete") > 0,
        "{steps:?}"
    );
}

#[test]
fn a_plan_with_nothing_to_do_rehearses_nothing() {
    let folder = Folder::with_stacks();
    folder.run(&format!("apply {MARKETPLACE} --yes")).ends(0);
    let plan = folder
        .run(&format!("plan {MARKETPLACE} --rehearse --json"))
        .ends(0)
        .document();
    assert_eq!(plan["rehearsal"], Value::Null);
    assert!(
        folder
            .run(&format!("plan {MARKETPLACE} --json"))
            .document()
            .get("rehearsal")
            .is_none()
    );
}

const QUEUE: &str = r#"
[stack]
name   = "news"
region = "eu-west-1"

[accounts.one]
id = "111111111111"

[queues.inbox]
tags = { team = "news" }
"#;

#[test]
fn what_the_sandbox_refuses_is_told_before_anything_is_applied() {
    let folder = Folder::new();
    folder.write("provision.toml", QUEUE);
    folder.run("apply --sandbox --yes").ends(0);
    // Another team tags the queue until AWS takes no more.
    let text = folder.read(".provision/sandbox.json");
    let mut world: Value = serde_json::from_str(&text).expect("JSON");
    let tags = world
        .pointer_mut("/accounts/111111111111/regions/eu-west-1/queues/inbox/tags")
        .and_then(Value::as_object_mut)
        .expect("tags");
    for number in tags.len()..50 {
        tags.insert(format!("other-{number}"), Value::from("x"));
    }
    folder.write(".provision/sandbox.json", &world.to_string());
    folder.write(
        "provision.toml",
        &QUEUE.replace("team = \"news\"", "team = \"news\", cost = \"7\""),
    );
    folder.run("plan --sandbox").ends(0);
    let before = kept(&folder);
    folder
        .run("plan --sandbox --rehearse --out plan.json")
        .ends(3)
        .says("Rehearsed  ")
        .says("1 step would fail")
        .says("Too many tags added for queue")
        .tells("the rehearsal failed");
    assert_eq!(kept(&folder), before);
    assert!(!folder.path("plan.json").exists());
    let plan = folder.run("plan --sandbox --rehearse --json").ends(3);
    let document = plan.document();
    assert_eq!(document["rehearsal"]["failed"], true);
    let error = document["errors"][0]["message"]
        .as_str()
        .expect("a message");
    assert!(error.contains("Too many tags"), "{error}");
    assert_eq!(document["errors"][0]["address"], "queues.inbox");
    // The apply ends as it was told.
    folder
        .run("apply --sandbox --yes")
        .ends(4)
        .tells("Too many tags");
}
