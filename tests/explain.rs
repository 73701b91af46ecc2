//! Every code in the program's texts can be explained, those of engineers yet to come included.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use provision::explain::explain;

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
}

/// The codes that a text has in quotes: two capitals or one, and digits.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    text.split('"').filter(|it| {
        let letters = it.chars().take_while(char::is_ascii_uppercase).count();
        let digits = it
            .chars()
            .skip(letters)
            .filter(char::is_ascii_digit)
            .count();
        it.len() == 5 && digits + letters == 5 && matches!((letters, digits), (2, 3) | (1, 4))
    })
}

#[test]
fn every_code_that_is_written_in_the_program_is_explained() {
    let mut files = Vec::new();
    walk(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    let mut known = BTreeSet::new();
    let mut unknown = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("a text");
        // What tests say is not printed.
        let code = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        for it in codes(code) {
            if explain(it).is_some() {
                known.insert(it.to_owned());
            } else {
                unknown.insert(format!("{it} in {}", file.display()));
            }
        }
    }
    assert!(
        unknown.is_empty(),
        "nobody can explain {unknown:?}: add a row in src/explain/"
    );
    assert!(known.len() >= 29, "{known:?}");
}

#[test]
fn every_kind_of_claim_is_explained() {
    let claim = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/verify/claim.rs");
    let text = fs::read_to_string(claim).expect("a text");
    let (_, rest) = text.split_once("impl Promise {").expect("the kinds");
    let (kinds, _) = rest.split_once("\n}\n").expect("their end");
    let words: Vec<&str> = kinds
        .lines()
        .filter_map(|it| it.split_once("=> \"")?.1.split_once('"'))
        .map(|it| it.0)
        .collect();
    assert!(words.len() >= 3, "{words:?}");
    for word in words {
        assert!(explain(word).is_some(), "nobody can explain `{word}`");
    }
}
