//! `--session-policy`: each run's sessions may do what the run is about, and nothing else.

use super::Folder;

const MARKETPLACE: &str = "stacks/marketplace.toml --sandbox";

#[test]
fn every_command_that_writes_does_its_work_in_restricted_sessions() {
    let folder = Folder::with_stacks();
    let run = |words: &str| folder.run(&format!("{words} {MARKETPLACE} --session-policy"));
    run("plan --rehearse").ends(0).says("nothing was refused");
    let shown = run("apply --yes -v").ends(0);
    assert!(
        shown
            .err
            .contains("session policy for account 222222222222: {"),
        "{}",
        shown.err
    );
    assert!(!shown.err.contains("DeleteQueue"), "{}", shown.err);
    run("apply --yes").ends(0).says("Nothing to do");
    run("drift").ends(0);
    run("verify --live").ends(0);
    let text = folder.read(".provision/sandbox.json");
    folder.write(
        ".provision/sandbox.json",
        &text.replace(
            "\"VisibilityTimeout\": \"120\"",
            "\"VisibilityTimeout\": \"30\"",
        ),
    );
    run("drift --revert queues.billing-inbox --yes").ends(0);
    run("plan --detailed-exitcode").ends(0);
    folder
        .run(&format!(
            "forget queues.billing-dead-letters --stack {MARKETPLACE} --session-policy --yes"
        ))
        .ends(0);
    run("destroy --yes").ends(0);
}

#[test]
fn the_command_that_goes_on_says_the_flag_again() {
    let folder = Folder::with_stacks();
    folder
        .run(&format!("destroy {MARKETPLACE} --session-policy"))
        .ends(0);
    folder.run(&format!("apply {MARKETPLACE} --yes")).ends(0);
    folder
        .run(&format!("destroy {MARKETPLACE} --session-policy"))
        .ends(1)
        .tells("--session-policy --yes");
}
