//! A command with `--json` that fails prints one document that says why, on every exit code.

use serde_json::Value;

use super::Folder;

/// Runs a command that must end with this code and print one document with errors: the document.
#[track_caller]
fn failed(folder: &Folder, words: &str, code: i32) -> Value {
    let ran = folder.run(words).ends(code);
    let document: Value = serde_json::from_str(&ran.out)
        .unwrap_or_else(|error| panic!("{words}: {error}:\n{}", ran.out));
    let errors = document["errors"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    assert!(!errors.is_empty(), "{words}: {document:#}");
    for error in errors {
        let message = error["message"].as_str().unwrap_or_default();
        assert!(
            !message.is_empty() && error.get("code").is_some(),
            "{words}: {error:#}"
        );
    }
    document
}

#[test]
fn every_command_that_fails_before_it_has_a_document_prints_one_of_its_errors() {
    let folder = Folder::with_stacks();
    folder.write("broken.json", "{");
    let faulty = "stacks/faults/references.toml";
    let mut seen = Vec::new();
    for words in [
        format!("validate {faulty} --json"),
        format!("plan {faulty} --sandbox --json"),
        format!("apply {faulty} --sandbox --yes --json"),
        format!("destroy {faulty} --sandbox --yes --json"),
        format!("drift {faulty} --sandbox --json"),
        format!("drift {faulty} --sandbox --format json"),
        format!(
            "onboard {faulty} --sandbox --consumer new --account shop --publishes orders --yes --json"
        ),
        format!("offboard {faulty} --sandbox --consumer new --yes --json"),
        format!("forget queues.billing --stack {faulty} --sandbox --yes --json"),
        format!("unlock {faulty} --sandbox --yes --json"),
        format!("output {faulty} --sandbox --json"),
        format!("handover roles.checkout {faulty} --sandbox --json"),
        format!("export {faulty} --json"),
        format!("verify {faulty} --json"),
        format!("permissions {faulty} --account shop --json"),
        format!("who-can publish topics.orders --stack {faulty} --json"),
        "explain E9999 --json".to_owned(),
        format!("graph {faulty} --format json"),
        "compare broken.json broken.json --json".to_owned(),
        "plan nowhere.toml --sandbox --json".to_owned(),
        "plan --sandbox stacks/marketplace.toml --json".to_owned(),
        "plan stacks/marketplace.toml --sandbox --json --log nowhere/log".to_owned(),
        "apply stacks/marketplace.toml --sandbox --json".to_owned(),
    ] {
        let document = failed(&folder, &words, 1);
        assert_eq!(document["schema"], "provision.error/1", "{words}");
        assert_eq!(document["exit_code"], 1, "{words}");
        let command = words.split(' ').next().expect("a command");
        assert_eq!(document["command"], command, "{words}");
        seen.push(command.to_owned());
    }
    // Whatever has the flag is among them: `--help` lists it.
    let help = folder.run("--help").ends(0).out;
    let commands = help.lines().skip_while(|it| *it != "Commands:").skip(1);
    for command in commands.take_while(|it| !it.is_empty()) {
        let name = command.split_whitespace().next().expect("a name");
        let takes = folder.run(&format!("{name} --help")).out;
        assert_eq!(
            takes.contains("  --json"),
            seen.iter().any(|it| it == name && name != "graph"),
            "{name}"
        );
    }
}

#[test]
fn a_fault_of_a_stack_has_its_code_place_and_fix() {
    let folder = Folder::with_stacks();
    let document = failed(&folder, "validate stacks/faults/references.toml --json", 1);
    let errors = document["errors"].as_array().expect("errors");
    let of = |message: &str| {
        let found = errors.iter().find(|it| {
            it["message"]
                .as_str()
                .is_some_and(|it| it.contains(message))
        });
        found.unwrap_or_else(|| panic!("no `{message}` in {document:#}"))
    };
    let unknown = of("shpo");
    assert_eq!(unknown["file"], "stacks/faults/references.toml");
    assert_eq!(
        (unknown["line"].as_u64(), unknown["column"].as_u64()),
        (Some(9), Some(14))
    );
    assert_eq!(
        (unknown["end_line"].as_u64(), unknown["end_column"].as_u64()),
        (Some(9), Some(20))
    );
    assert!(
        unknown["code"]
            .as_str()
            .is_some_and(|it| it.starts_with('E'))
    );
    assert_eq!(unknown["fix"]["replacement"], "\"shop\"");
    assert_eq!(unknown["fix"]["line"], 9);
    // Standard error says the same to people.
    folder
        .run("validate stacks/faults/references.toml --json")
        .tells("no AWS call was made");
}

#[test]
fn a_command_with_a_document_of_its_own_says_there_why_it_failed() {
    let folder = Folder::with_stacks();
    let broadened = failed(
        &folder,
        "plan stacks/marketplace.toml --sandbox --fail-on broadened --json",
        3,
    );
    assert_eq!(broadened["schema"], "provision.plan/1");
    assert!(
        broadened["errors"][0]["message"]
            .as_str()
            .is_some_and(|it| it.contains("--fail-on broadened"))
    );
    folder.write(
        "open.toml",
        "[stack]\nname = \"open\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n[topics.t]\n\
         [[statement]]\non = \"topics.t\"\n\
         statement = { Effect = \"Allow\", Principal = \"*\", Action = \"sns:Publish\" }\n",
    );
    for words in [
        "validate open.toml --json",
        "plan open.toml --sandbox --json",
    ] {
        let ran = folder.run(words);
        if ran.code == 3 {
            let document = failed(&folder, words, 3);
            assert_eq!(document["errors"][0]["code"], "PG001", "{document:#}");
            assert_eq!(document["errors"][0]["address"], "topics.t");
        } else {
            panic!("{words}: {} {}", ran.code, ran.err);
        }
    }
    folder.write(
        "half.toml",
        "[stack]\nname = \"half\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
         [roles.broken]\ntrusted_by = \"arn:aws:iam::111111111111:role/nobody\"\n[queues.inbox]\n",
    );
    let half = failed(&folder, "apply half.toml --sandbox --yes --json", 4);
    assert_eq!(half["schema"], "provision.apply/1");
    assert_eq!(half["errors"][0]["address"], "roles.broken", "{half:#}");
    // What is right has no errors, and a difference is none.
    let fine = folder
        .run("drift stacks/marketplace.toml --sandbox --json")
        .ends(2)
        .document();
    assert!(fine.get("errors").is_none());
}
