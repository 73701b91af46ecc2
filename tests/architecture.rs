//! The rooms of `src/`, and what each may know: ARCHITECTURE.md, held true.
//!
//! The code is read as text, so the room behind the feature `aws` is read too.
//! What is compiled for tests alone may look down: it is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms that touch no clock, no file and no network.
const PURE: [&str; 13] = [
    "permissions",
    "escape",
    "model",
    "policy",
    "stack",
    "lower",
    "graph",
    "plan",
    "report",
    "drift",
    "handover",
    "onboard",
    "import",
];

/// What says that a line touches one.
const IMPURE: [&str; 9] = [
    "std::fs",
    "std::io",
    "std::env",
    "std::process",
    "std::thread",
    "std::net::Tcp",
    "std::net::Udp",
    "std::time::Instant",
    "SystemTime",
];

/// A file tells one story; one that is longer than this, its tests aside, tells two or has a reason.
const LONG: usize = 700;

/// The files that are longer, and why.
const REASONS: [(&str, &str); 0] = [];

/// Files that write a Rust program for somebody else: what that program uses, they only name.
const WRITERS: [&str; 1] = ["handover/client/rust.rs"];

/// A file of `src/`.
struct File {
    /// Its path below `src/`.
    path: String,
    /// The room it is in: `main` for what starts the program.
    room: String,
    /// All of it.
    text: String,
    /// Its code: no comments, no tests; a line each, with its number.
    code: Vec<(usize, String)>,
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of src") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
}

/// Where the policy core stands, which is a crate of its own and a room of this one.
fn policy_core() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/policy/src")
}

fn files() -> Vec<File> {
    let mut paths = Vec::new();
    walk(&source(), &mut paths);
    walk(&policy_core(), &mut paths);
    paths.sort();
    let texts: BTreeMap<PathBuf, String> = paths
        .into_iter()
        .map(|it| {
            let text = fs::read_to_string(&it).expect("a text");
            (it, text)
        })
        .collect();
    let for_tests: BTreeSet<PathBuf> = texts
        .iter()
        .flat_map(|(path, text)| test_modules(path, text))
        .collect();
    texts
        .into_iter()
        .filter(|(path, _)| !for_tests.contains(path))
        .map(|(path, text)| {
            let path = match path.strip_prefix(policy_core()) {
                Ok(path) => Path::new("policy").join(path),
                Err(_) => path.strip_prefix(source()).expect("below src").to_owned(),
            };
            let path = path.to_string_lossy().into_owned();
            let room = path.split('/').next().unwrap_or_default();
            File {
                room: room.trim_end_matches(".rs").to_owned(),
                code: code(&text),
                path,
                text,
            }
        })
        .collect()
}

/// The files that a file declares for tests alone: `#[cfg(test)] mod tests;`.
fn test_modules(path: &Path, text: &str) -> Vec<PathBuf> {
    let stem = path.file_stem().expect("a file's name").to_string_lossy();
    let folder = match stem.as_ref() {
        "mod" | "lib" | "main" => path.parent().expect("a folder").to_owned(),
        _ => path.with_extension(""),
    };
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines
        .windows(2)
        .filter(|it| it[0] == "#[cfg(test)]")
        .filter_map(|it| it[1].strip_suffix(';')?.split("mod ").nth(1))
        .map(|it| folder.join(format!("{it}.rs")))
        .collect()
}

/// The lines that are code, without comments and without the tests at a file's end.
fn code(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut for_tests = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if for_tests && line.starts_with("mod ") && line.ends_with('{') {
            break;
        }
        for_tests = line == "#[cfg(test)]";
        if !line.starts_with("//") {
            found.push((number, line.to_owned()));
        }
    }
    found
}

/// The rooms in the order of `src/lib.rs`, each seeing those before it.
fn rooms() -> Vec<String> {
    let text = fs::read_to_string(source().join("lib.rs")).expect("lib.rs");
    text.lines()
        .filter_map(|it| {
            let module = it.strip_prefix("pub mod ");
            let module = module.or(it.strip_prefix("pub use provision_policy as "));
            module?.strip_suffix(';')
        })
        .map(str::to_owned)
        .collect()
}

/// The rooms that a line names: `crate::plan::Step`, `crate::{plan, report}`.
fn named(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in line.split("crate::").skip(1) {
        let word = |it: &str| -> String {
            it.trim()
                .chars()
                .take_while(|it| it.is_alphanumeric() || *it == '_')
                .collect()
        };
        match rest.strip_prefix('{') {
            Some(list) => found.extend(list.trim_end_matches("};").split(',').map(word)),
            None => found.push(word(rest)),
        }
    }
    found.retain(|it| !it.is_empty());
    found
}

#[test]
fn a_room_uses_only_rooms_above_it() {
    let rooms = rooms();
    let at = |room: &str| rooms.iter().position(|it| it == room);
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for file in files().iter().filter(|it| it.path != "lib.rs") {
        let Some(own) = at(&file.room) else {
            assert_eq!(
                file.path, "main.rs",
                "{} is in no room of lib.rs",
                file.path
            );
            continue;
        };
        seen.insert(file.room.clone());
        for (number, line) in &file.code {
            for other in named(line) {
                let Some(its) = at(&other) else { continue };
                if its > own {
                    wrong.push(format!(
                        "src/{}:{number}: {} uses {other}",
                        file.path, file.room
                    ));
                }
            }
        }
    }
    assert_eq!(seen.len(), rooms.len(), "every room of lib.rs was read");
    assert_eq!(wrong, Vec::<String>::new());
}

/// The modules beside its own that a file names: `super::checker::Checker`, `super::{names, routes}`.
fn beside(file: &File) -> BTreeSet<String> {
    let text: Vec<&str> = file.code.iter().map(|(_, line)| line.as_str()).collect();
    let text = text.join(" ");
    let word = |it: &str| -> String {
        it.trim()
            .chars()
            .take_while(|it| it.is_alphanumeric() || *it == '_')
            .collect()
    };
    let mut found = BTreeSet::new();
    for (before, rest) in text
        .match_indices("super::")
        .map(|(at, it)| (&text[..at], &text[at + it.len()..]))
    {
        // `super::super::` and `pub(super)` speak of something else.
        if before.ends_with("super::") {
            continue;
        }
        let Some(list) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = 0;
        for (at, it) in list.char_indices() {
            match it {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    found.insert(word(&list[start..at]));
                    start = at + 1;
                    if it == '}' {
                        break;
                    }
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn no_two_files_of_a_folder_need_each_other() {
    let files = files();
    let split = |path: &str| {
        let (folder, name) = path.rsplit_once('/')?;
        let stem = name.trim_end_matches(".rs");
        (stem != "mod").then(|| (folder.to_owned(), stem.to_owned()))
    };
    let mut needs: BTreeMap<(String, String), BTreeSet<(String, String)>> = files
        .iter()
        .filter_map(|file| {
            let own = split(&file.path)?;
            let others = beside(file).into_iter().filter(|it| *it != own.1);
            let others = others.map(|it| (own.0.clone(), it)).collect();
            Some((own, others))
        })
        .collect();
    let there: BTreeSet<_> = needs.keys().cloned().collect();
    for others in needs.values_mut() {
        others.retain(|it| there.contains(it));
    }
    let arrows: usize = needs.values().map(BTreeSet::len).sum();
    assert!(arrows > 200, "only {arrows} uses were read");
    // Whoever needs nobody that is left goes; who stays is in a ring, or needs one.
    loop {
        let free: Vec<_> = needs
            .iter()
            .filter(|(_, others)| !others.iter().any(|it| needs.contains_key(it)))
            .map(|(own, _)| own.clone())
            .collect();
        if free.is_empty() {
            break;
        }
        for it in &free {
            needs.remove(it);
        }
    }
    let ring: Vec<String> = needs
        .into_keys()
        .map(|(folder, stem)| format!("src/{folder}/{stem}.rs"))
        .collect();
    assert_eq!(ring, Vec::<String>::new());
}

#[test]
fn only_one_room_speaks_to_the_sdk() {
    let mut speaks = BTreeSet::new();
    for file in files() {
        if WRITERS.contains(&file.path.as_str()) {
            continue;
        }
        let says = |it: &str| {
            file.code
                .iter()
                .any(|(_, line)| line.contains(it) && !line.contains("feature = "))
        };
        if [
            "aws_sdk_",
            "aws_config",
            "aws_smithy_",
            "aws_credential_types",
        ]
        .into_iter()
        .any(says)
        {
            speaks.insert(file.room);
        }
    }
    assert_eq!(speaks, BTreeSet::from(["aws".to_owned()]));
}

#[test]
fn what_decides_touches_no_clock_file_or_network() {
    let mut wrong = Vec::new();
    for file in files() {
        let pure = PURE.contains(&file.room.as_str()) || file.path == "execute/schedule.rs";
        if !pure || WRITERS.contains(&file.path.as_str()) {
            continue;
        }
        for (number, line) in &file.code {
            let tokio = line.contains("tokio");
            if tokio || IMPURE.iter().any(|it| line.contains(it)) {
                wrong.push(format!("src/{}:{number}: {line}", file.path));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent: Vec<String> = files()
        .into_iter()
        .filter(|it| !it.text.starts_with("//! "))
        .map(|it| it.path)
        .collect();
    assert_eq!(silent, Vec::<String>::new());
}

#[test]
fn a_file_tells_one_story() {
    let reasons: BTreeMap<&str, &str> = REASONS.into();
    let long: BTreeMap<String, usize> = files()
        .into_iter()
        .map(|it| (it.path, it.code.last().map_or(0, |(number, _)| *number)))
        .filter(|(_, lines)| *lines > LONG)
        .collect();
    let without: Vec<_> = long
        .iter()
        .filter(|(path, _)| !reasons.contains_key(path.as_str()))
        .collect();
    assert!(without.is_empty(), "longer than {LONG} lines: {without:?}");
    let stale: Vec<_> = reasons
        .keys()
        .filter(|it| !long.contains_key(**it))
        .collect();
    assert!(stale.is_empty(), "no longer long: {stale:?}");
}

/// Whoever does not trust the prover reads the checker of certificates instead.
#[test]
fn the_checker_of_certificates_is_short() {
    let lines = |it: &str| {
        let text = fs::read_to_string(source().join("verify").join(it)).expect("a file");
        text.lines().count()
    };
    let deciding = lines("check.rs") + lines("check/asked.rs");
    assert!(deciding < 600, "{deciding}");
    // Binding documents to requests, and sentences to both, is held against forgeries one by one.
    let binding = lines("check/meaning.rs") + lines("check/stated.rs");
    assert!(binding < 660, "{binding}");
}

/// The rules above would see it: each is tried on a line that breaks it.
#[test]
fn the_reader_of_code_sees_what_it_should() {
    assert_eq!(named("use crate::plan::{Plan, Step};"), ["plan"]);
    assert_eq!(named("use crate::{graph, plan};"), ["graph", "plan"]);
    assert_eq!(named("let it = crate::cli::main();"), ["cli"]);
    let text =
        "//! It.\nuse crate::a;\n// crate::b\n#[cfg(test)]\nmod tests {\n    use crate::c;\n}\n";
    assert_eq!(
        code(text),
        [
            (2, "use crate::a;".to_owned()),
            (4, "#[cfg(test)]".to_owned())
        ]
    );
    let path = Path::new("src/cloud/seam.rs");
    let found = test_modules(path, "#[cfg(test)]\nmod tests;\n");
    assert_eq!(found, [Path::new("src/cloud/seam/tests.rs")]);
}
