//! Every stack in `stacks/` is right; every one in `stacks/faults/` is wrong as the text beside it says.
//!
//! `PROVISION_REWRITE=1 cargo test --test faults` writes those texts anew.

use std::path::{Path, PathBuf};

use provision::stack::{self, Source};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("stacks")
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|it| it.expect("an entry").path())
        .filter(|it| it.extension().is_some_and(|it| it == "toml"))
        .collect();
    found.sort();
    found
}

fn source(path: &Path) -> Source {
    Source {
        name: path
            .file_name()
            .expect("a file has a name")
            .to_string_lossy()
            .into_owned(),
        text: std::fs::read_to_string(path).expect("a text"),
    }
}

fn check(path: &Path, overlays: &[PathBuf]) -> Result<stack::Stack, stack::Faults> {
    let folder = path.parent().expect("a file is in a folder").to_owned();
    let read = move |name: &str| {
        std::fs::read_to_string(folder.join(name)).map_err(|_| "no such file".to_owned())
    };
    let overlays: Vec<Source> = overlays.iter().map(|it| source(it)).collect();
    stack::check(&source(path), &overlays, &read)
}

#[test]
fn every_stack_is_right() {
    for path in files_in(&root()) {
        if path.ends_with("three-accounts.toml") {
            continue; // An overlay: it is right over the stack it is for.
        }
        if let Err(faults) = check(&path, &[]) {
            panic!("{}\n{}", path.display(), faults.render(false));
        }
    }
}

#[test]
fn each_wrong_stack_prints_what_stands_beside_it() {
    let rewrite = std::env::var_os("PROVISION_REWRITE").is_some();
    let mut differ = Vec::new();
    for path in files_in(&root().join("faults")) {
        let printed = match check(&path, &[]) {
            Ok(_) => panic!("{} has no fault", path.display()),
            Err(faults) => faults.render(false),
        };
        let beside = path.with_extension("txt");
        if rewrite {
            std::fs::write(&beside, &printed).expect("the text is written");
        } else if std::fs::read_to_string(&beside).unwrap_or_default() != printed {
            differ.push(format!("{}:\n{printed}", beside.display()));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn a_single_account_stack_becomes_a_three_account_one_by_its_accounts_alone() {
    let path = root().join("single-account.toml");
    let ids = |stack: &stack::Stack| -> Vec<String> {
        let ids: std::collections::BTreeSet<String> = stack
            .accounts
            .values()
            .map(|it| it.place.id.to_string())
            .collect();
        ids.into_iter().collect()
    };
    let one = check(&path, &[]).map_err(|it| it.render(false));
    let three = check(&path, &[root().join("three-accounts.toml")]).map_err(|it| it.render(false));
    let (one, three) = (one.expect("a stack"), three.expect("a stack"));
    assert_eq!(ids(&one), ["111111111111"]);
    assert_eq!(
        ids(&three),
        ["111111111111", "222222222222", "333333333333"]
    );
    assert_eq!(one.access, three.access);
    assert!(one.roles.keys().eq(three.roles.keys()));
}

#[test]
fn every_stack_stands_in_its_one_layout_and_keeps_its_meaning() {
    for folder in [root(), root().join("faults")] {
        for path in files_in(&folder) {
            let before = source(&path);
            let Ok(after) = stack::format(&before.text) else {
                continue; // Not TOML: one of the wrong ones.
            };
            if folder == root() {
                assert_eq!(before.text, after, "{}", path.display());
            }
            assert_eq!(stack::format(&after).as_ref(), Ok(&after));
            let meaning = |text: &str| text.parse::<toml::Table>().expect("TOML");
            assert_eq!(meaning(&before.text), meaning(&after), "{}", path.display());
        }
    }
}

#[test]
fn a_layout_declares_the_same_stack() {
    let unplaced = |mut stack: stack::Stack| {
        for access in &mut stack.access {
            access.written_at.clear(); // Places are what a layout may change, and nothing else.
        }
        for api in stack.apis.values_mut() {
            api.written_at.values_mut().for_each(String::clear);
            api.document_at = None;
        }
        stack
    };
    for path in files_in(&root()) {
        if path.ends_with("three-accounts.toml") {
            continue; // An overlay declares no stack by itself.
        }
        let before = source(&path);
        let mut after = before.clone();
        let shuffled: Vec<&str> = before.text.split("\n\n").collect();
        after.text = shuffled.into_iter().rev().collect::<Vec<_>>().join("\n\n");
        let Ok(text) = stack::format(&after.text) else {
            panic!("{} upside down is TOML as well", path.display())
        };
        let folder = root();
        let read = move |name: &str| {
            std::fs::read_to_string(folder.join(name)).map_err(|_| "no such file".to_owned())
        };
        let upside_down = stack::check(&after, &[], &read).map(unplaced);
        after.text = text;
        let laid_out = stack::check(&after, &[], &read).map(unplaced);
        assert!(laid_out.is_ok(), "{}", path.display());
        assert_eq!(laid_out, upside_down, "{}", path.display());
    }
}
