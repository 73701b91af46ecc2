//! README and the pages of `docs/` do what they say.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::Mutex;

use provision::cloud::CallType;

use super::{Folder, PROGRAM, ROOT, rewrites};

/// The pages in the order in which a reader runs what they show, all in one folder.
const PAGES: [&str; 12] = [
    "README.md",
    "docs/first-apply.md",
    "docs/access.md",
    "docs/aws.md",
    "docs/day-two.md",
    "docs/teams.md",
    "docs/calls.md",
    "docs/limits.md",
    "docs/stack.md",
    "docs/glossary.md",
    "docs/style.md",
    "docs/releasing.md",
];

/// The page that lists every field of a stack.
const REFERENCE: &str = "docs/stack.md";

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(name)).expect("a page")
}

fn replace(name: &str, new: &str) {
    fs::write(Path::new(ROOT).join(name), new).expect("a page is written");
}

/// A piece of a page: a line of a console block with what it prints, or anything else.
enum Piece {
    Text(String),
    Command { line: String, prints: String },
}

/// A page in pieces; put together they are the page again.
fn pieces(text: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ => {}
        }
        match (line.strip_prefix("$ "), found.last_mut()) {
            (Some(command), _) if inside => found.push(Piece::Command {
                line: command.to_owned(),
                prints: String::new(),
            }),
            // A line that goes on, as a shell shows it.
            (
                None,
                Some(Piece::Command {
                    line: begun,
                    prints,
                }),
            ) if inside && prints.is_empty() && line.starts_with("> ") => {
                *begun += &format!("\n{line}");
            }
            (None, Some(Piece::Command { prints, .. })) if inside => {
                *prints += &format!("{line}\n");
            }
            _ => found.push(Piece::Text(format!("{line}\n"))),
        }
    }
    found
}

fn whole(pieces: &[Piece]) -> String {
    pieces
        .iter()
        .map(|it| match it {
            Piece::Text(text) => text.clone(),
            Piece::Command { line, prints } => format!("$ {line}\n{prints}"),
        })
        .collect()
}

/// Runs a line as a shell does, in a folder where the last one left off.
///
/// What goes to stdout and what goes to stderr come as a terminal shows them: in their order.
fn run(folder: &Folder, line: &str) -> String {
    let line = line
        .replace("\n> ", "\n")
        .replace("cargo run -q -- ", "provision ");
    let programs = Path::new(PROGRAM).parent().expect("a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    let output = folder
        .command("sh")
        .arg("-c")
        .arg(format!("exec 2>&1\n{line}"))
        .env("PATH", format!("{}:{path}", programs.display()))
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Held by whoever reads the pages and may write them anew.
static HELD: Mutex<()> = Mutex::new(());

#[test]
fn every_console_block_prints_what_it_shows() {
    let _held = HELD.lock();
    let folder = Folder::with_stacks();
    let mut wrong = Vec::new();
    let mut count = 0;
    for name in PAGES {
        let text = page(name);
        let mut pieces = pieces(&text);
        assert_eq!(whole(&pieces), text, "{name} ends with a line's end");
        for piece in &mut pieces {
            if let Piece::Command { line, prints } = piece {
                count += 1;
                let printed = run(&folder, line);
                // A blank line in the text between blocks is no part of what is printed.
                if *prints != printed {
                    wrong.push(format!(
                        "$ {line}\n--- {name}\n{prints}--- printed\n{printed}"
                    ));
                    *prints = printed;
                }
            }
        }
        if rewrites() {
            replace(name, &whole(&pieces));
        }
    }
    assert!(count >= 8, "the blocks were found");
    assert!(rewrites() || wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_first_page_is_short() {
    let lines = page("README.md").lines().count();
    assert!(lines <= 200, "README has {lines} lines");
    let folder = fs::read_dir(Path::new(ROOT).join("docs")).expect("docs");
    let mut found: Vec<String> = folder
        .filter_map(|it| it.expect("a page").file_name().into_string().ok())
        .filter(|it| Path::new(it).extension().is_some_and(|it| it == "md"))
        .map(|it| format!("docs/{it}"))
        .collect();
    found.sort();
    let mut pages: Vec<&str> = PAGES[1..].to_vec();
    pages.sort_unstable();
    assert_eq!(found, pages, "every page is one that is run");
}

#[test]
fn the_glossary_says_each_noun_once() {
    let text = page("docs/glossary.md");
    let entries = text.lines().filter_map(|it| it.strip_prefix("- **"));
    let mut seen = BTreeSet::new();
    for entry in entries {
        let (noun, meaning) = entry.split_once("**: ").expect("a noun and its meaning");
        assert!(
            seen.insert(noun.to_lowercase()),
            "{noun} stands there twice"
        );
        assert!(!meaning.contains("**"), "{noun} makes another noun bold");
    }
    assert!(seen.len() >= 40, "the nouns were found");
}

#[test]
fn the_stack_reference_is_the_one_the_program_is_made_from() {
    let _held = HELD.lock();
    let text = page(REFERENCE);
    let (begin, end) = ("<!-- reference -->\n", "<!-- /reference -->");
    let (before, rest) = text.split_once(begin).expect("the mark that begins it");
    let (old, after) = rest.split_once(end).expect("the mark that ends it");
    let new = format!("\n{}\n", provision::stack::reference().trim());
    if rewrites() {
        replace(REFERENCE, &format!("{before}{begin}{new}{end}{after}"));
    } else {
        assert!(old == new, "{REFERENCE} is out of date");
    }
}

/// The policies that the pages print for the program's own roles: to apply, to read the organization, and to read only.
fn policies() -> Vec<serde_json::Value> {
    (page("docs/aws.md") + &page("docs/day-two.md"))
        .split("```json\n")
        .skip(1)
        .filter_map(|it| it.split("```").next())
        .filter_map(|it| serde_json::from_str(it).ok())
        .filter(|it: &serde_json::Value| it.get("Statement").is_some())
        .collect()
}

/// The IAM actions that a policy allows.
fn allowed(policy: &serde_json::Value) -> BTreeSet<String> {
    let statements = policy["Statement"].as_array().expect("a list");
    statements
        .iter()
        .flat_map(|it| it["Action"].as_array().expect("a list"))
        .map(|it| it.as_str().expect("a text").to_owned())
        .collect()
}

/// What every call needs, and what those need that only read, by IAM's names.
fn called() -> (BTreeSet<String>, BTreeSet<String>) {
    let needs = |of: &dyn Fn(&CallType) -> bool| {
        let calls = CallType::ALL.iter().filter(|it| of(it));
        calls
            .flat_map(|it| it.needs)
            .map(|it| it.action.to_owned())
            .collect()
    };
    (needs(&|_| true), needs(&|it| !it.writes))
}

#[test]
fn the_printed_policies_allow_every_call_and_no_other() {
    let found: Vec<BTreeSet<String>> = policies().iter().map(allowed).collect();
    let (all, reads) = called();
    // The organization is read by a role of its own, in another account.
    let of_accounts = |it: BTreeSet<String>| {
        it.into_iter()
            .partition(|it| !it.starts_with("organizations:"))
    };
    let ((all, organization), (reads, _)): ((_, BTreeSet<_>), (_, BTreeSet<_>)) =
        (of_accounts(all), of_accounts(reads));
    assert_eq!(found, [all, organization, reads]);
}

#[test]
fn files_that_the_documents_name_are_there() {
    for name in PAGES.into_iter().chain(["ARCHITECTURE.md", "CHANGELOG.md"]) {
        let text = page(name);
        // What a link leads to, seen from the page's folder.
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|it| it.split(')').next())
        {
            let beside = Path::new(ROOT).join(name);
            let place = beside.with_file_name(link.split('#').next().unwrap_or_default());
            let elsewhere = link.starts_with("http") || link.starts_with('#');
            assert!(elsewhere || place.exists(), "{name} links to {link}");
        }
        for word in text.split('`').skip(1).step_by(2) {
            let path = word.trim_end_matches('/');
            let is_ours = ["src/", "crates/", "tests/", "stacks/", ".ci/", "examples/"]
                .iter()
                .any(|it| path.starts_with(it));
            if is_ours && !path.contains(' ') {
                assert!(Path::new(ROOT).join(path).exists(), "{name} names {path}");
            }
        }
    }
}
