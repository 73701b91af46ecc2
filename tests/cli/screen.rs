//! Colour, quiet and loud: the same facts.

use super::{Folder, PROGRAM, Ran};

const MARKETPLACE: &str = "stacks/marketplace.toml --sandbox";
const ESCAPE: char = '\u{1b}';

/// Runs with these settings in the environment.
fn with(folder: &Folder, settings: &[(&str, &str)], words: &str) -> Ran {
    let output = folder
        .command(PROGRAM)
        .args(words.split_whitespace())
        .envs(settings.iter().copied())
        .output()
        .expect("the program runs");
    Ran::of(&output)
}

#[test]
fn colour_says_nothing_that_signs_do_not_say() {
    let folder = Folder::with_stacks();
    let plan = |colour: &str| {
        folder
            .run(&format!("plan {MARKETPLACE} --color {colour}"))
            .ends(0)
    };
    let (bare, coloured) = (plan("never"), plan("always"));
    assert!(!bare.out.contains(ESCAPE));
    assert!(coloured.out.contains(ESCAPE));
    let stripped = provision::report::style::plain(&coloured.out);
    assert_eq!(stripped, bare.out);
}

#[test]
fn a_pipe_gets_no_colour_unless_it_asks_and_never_against_no_color() {
    let folder = Folder::with_stacks();
    let plan = format!("plan {MARKETPLACE}");
    let coloured = |settings: &[(&str, &str)]| {
        let ran = with(&folder, settings, &plan).ends(0);
        ran.out.contains(ESCAPE)
    };
    assert!(!coloured(&[]));
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[("NO_COLOR", "1")]));
    assert!(!coloured(&[("NO_COLOR", "1"), ("TERM", "xterm-256color")]));
    let faults = "validate stacks/faults/references.toml";
    assert!(!with(&folder, &[], faults).err.contains(ESCAPE));
    let forced = with(&folder, &[], &format!("{faults} --color always"));
    assert!(forced.err.contains(ESCAPE));
}

#[test]
fn quiet_leaves_results_and_errors() {
    let folder = Folder::with_stacks();
    let ran = folder
        .run(&format!("apply {MARKETPLACE} --yes --quiet"))
        .ends(0)
        .says("Plan: 12 to add");
    assert_eq!(ran.err, "");
    let wrong = folder.run("plan nowhere.toml --sandbox --quiet").ends(1);
    wrong.tells("error: cannot read");
}

#[test]
fn loud_tells_every_call_with_its_account_target_and_end() {
    let folder = Folder::with_stacks();
    let ran = folder
        .run(&format!("apply {MARKETPLACE} --yes --verbose"))
        .ends(0);
    let calls = ran.err.lines().filter(|it| it.contains(" ms"));
    let told: Vec<&str> = calls.collect();
    let sum = ran
        .err
        .split(" calls (")
        .next()
        .and_then(|it| it.rsplit(' ').next());
    assert_eq!(sum, Some(told.len().to_string().as_str()), "{}", ran.err);
    assert!(
        told.iter().any(|it| it.contains("billing sns:Subscribe")),
        "{told:?}"
    );
    for line in &told {
        let (stamp, _) = line.split_once(' ').expect("a time and a call");
        let time = provision::policy::values::Instant::parse(stamp);
        assert!(stamp.ends_with('Z') && time.is_some(), "no time: {line}");
    }
}

/// What a person reads on a terminal of eighty to a hundred columns.
#[test]
fn no_line_of_a_plan_runs_out_of_a_wide_screen() {
    let folder = Folder::with_stacks();
    let ran = folder.run(&format!("plan {MARKETPLACE}")).ends(0);
    for line in ran.out.lines() {
        assert!(line.chars().count() <= 120, "{line}");
    }
}
