//! A saved plan does what it showed, or nothing.

use super::Folder;

const STACK: &str = r#"
[stack]
name   = "news"
region = "eu-west-1"

[accounts.one]
id = "111111111111"

[queues.inbox]
visibility_timeout = "2m"
"#;

fn planned() -> Folder {
    let folder = Folder::new();
    folder.write("provision.toml", STACK);
    folder
        .run("plan --sandbox --out plan.json")
        .ends(0)
        .tells("provision apply plan.json --sandbox");
    folder
}

#[test]
fn a_saved_plan_is_done_once() {
    let folder = planned();
    folder
        .run("apply plan.json --sandbox --yes")
        .ends(0)
        .says("Plan: 1 to add, 0 to change, 0 to destroy.");
    folder
        .run("apply plan.json --sandbox --yes")
        .ends(1)
        .tells("AWS has changed since this plan was saved");
}

#[test]
fn a_saved_plan_is_refused_when_the_stack_has_moved() {
    let folder = planned();
    folder.write("provision.toml", &STACK.replace("2m", "3m"));
    folder
        .run("apply plan.json --sandbox --yes")
        .ends(1)
        .tells("the stack has changed since this plan was saved");
}

#[test]
fn a_saved_plan_is_refused_when_aws_has_moved() {
    let folder = planned();
    folder.write("other.toml", &STACK.replace("2m", "3m"));
    folder.run("apply other.toml --sandbox --yes").ends(0);
    folder
        .run("apply plan.json --sandbox --yes")
        .ends(1)
        .tells("AWS has changed since this plan was saved");
    folder
        .run("plan --sandbox --detailed-exitcode")
        .ends(2)
        .says("visibility_timeout 3m -> 2m");
}

#[test]
fn a_file_that_is_no_plan_is_said_to_be_none() {
    let folder = planned();
    folder.write("plan.json", "{\"schema\": 1}");
    folder
        .run("apply plan.json --sandbox --yes")
        .ends(1)
        .tells("is neither a stack nor a saved plan");
    let ran = folder.run("plan --sandbox --out no/such/folder.json");
    ran.ends(1).tells("cannot save the plan");
}

#[test]
fn a_saved_plan_takes_no_overlay() {
    let folder = planned();
    folder.write("prod.toml", "[queues.inbox]\nvisibility_timeout = \"9m\"\n");
    let ran = folder.run("apply plan.json --sandbox --yes --with prod.toml");
    ran.ends(1)
        .tells("`--with prod.toml` has no effect on a saved plan: `plan.json` was made without an overlay")
        .tells("provision plan provision.toml --with prod.toml --out plan.json");
    folder
        .run("plan --sandbox --with prod.toml --out plan.json")
        .ends(0);
    folder.run("apply plan.json --sandbox --yes").ends(0);
    folder
        .run("plan --sandbox --with prod.toml --detailed-exitcode")
        .ends(0);
}

#[test]
fn a_stack_that_requires_an_overlay_is_refused_without_one() {
    let folder = Folder::new();
    let stack = STACK.replace("[accounts.one]", "requires_overlay = true\n[accounts.one]");
    folder.write("provision.toml", &stack);
    folder.write("prod.toml", "[accounts.one]\nid = \"222222222222\"\n");
    for command in [
        "validate",
        "plan --sandbox",
        "apply --sandbox --yes",
        "drift --sandbox",
    ] {
        folder
            .run(command)
            .ends(1)
            .tells("error[E0103]: the stack requires an overlay, and none is given")
            .tells("provision.toml:6:20")
            .tells("add `--with FILE`");
    }
    folder
        .run("apply --sandbox --yes --with prod.toml")
        .ends(0)
        .says("222222222222");
}
