//! The help texts, word for word.

use std::fs;
use std::path::Path;

use super::{Folder, ROOT, rewrites};

/// Every verb that `provision --help` lists.
fn verbs(help: &str) -> Vec<String> {
    let list = help
        .split("Commands:\n")
        .nth(1)
        .expect("a list of commands");
    list.lines()
        .take_while(|it| it.starts_with("  "))
        .filter_map(|it| it.split_whitespace().next())
        .filter(|it| *it != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_help_of_each_verb_is_the_one_that_was_read_by_a_person() {
    let folder = Folder::new();
    let help = folder.run("--help").ends(0).out;
    let mut texts = vec![
        ("provision".to_owned(), help.clone()),
        ("provision -h".to_owned(), folder.run("-h").ends(0).out),
    ];
    let verbs = verbs(&help);
    assert!(verbs.contains(&"plan".to_owned()), "{verbs:?}");
    for verb in verbs {
        let text = folder.run(&format!("{verb} --help")).ends(0).out;
        texts.push((format!("provision {verb}"), text));
    }
    let mut wrong = Vec::new();
    for (command, text) in texts {
        let path = Path::new(ROOT)
            .join("tests/cli/help")
            .join(format!("{}.txt", command.replace(' ', "-")));
        if rewrites() {
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a text");
        } else if fs::read_to_string(&path).unwrap_or_default() != text {
            wrong.push(format!("{}:\n{text}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn help_fits_a_screen() {
    let folder = Folder::new();
    let short = folder.run("-h").ends(0).out;
    assert!(short.lines().count() <= 44, "{short}");
    for verb in verbs(&short) {
        let short = folder.run(&format!("{verb} -h")).ends(0).out;
        assert!(short.lines().count() <= 44, "{short}");
        for line in short.lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}

#[test]
fn the_program_alone_says_what_it_can_do() {
    let ran = Folder::new().run("").ends(1);
    assert_eq!(ran.out, "");
    ran.tells("Usage: provision").tells("Exit codes:");
}

#[test]
fn every_shell_has_completions() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = folder.run(&format!("completions {shell}")).ends(0).out;
        assert!(script.contains("detailed-exitcode"), "{shell}");
    }
    folder.write("bash", &folder.run("completions bash").out);
    let checked = folder
        .command("bash")
        .args(["-n", "bash"])
        .status()
        .expect("bash runs");
    assert!(checked.success(), "bash can read it");
}
