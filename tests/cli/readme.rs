//! README does what it says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::Mutex;

use super::{Folder, PROGRAM, ROOT, rewrites};

fn readme() -> String {
    fs::read_to_string(Path::new(ROOT).join("README.md")).expect("README.md")
}

fn replace(new: &str) {
    fs::write(Path::new(ROOT).join("README.md"), new).expect("README.md is written");
}

/// A piece of README: a line of a console block with what it prints, or anything else.
enum Piece {
    Text(String),
    Command { line: String, prints: String },
}

/// README in pieces; put together they are README again.
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

/// Held by whoever reads README and may write it anew.
static README: Mutex<()> = Mutex::new(());

#[test]
fn every_console_block_prints_what_it_shows() {
    let _held = README.lock();
    let text = readme();
    let folder = Folder::with_stacks();
    let mut pieces = pieces(&text);
    assert_eq!(whole(&pieces), text, "README ends with a line's end");
    let mut wrong = Vec::new();
    let mut count = 0;
    for piece in &mut pieces {
        if let Piece::Command { line, prints } = piece {
            count += 1;
            let printed = run(&folder, line);
            // A blank line in the text between blocks is no part of what is printed.
            if *prints != printed {
                wrong.push(format!(
                    "$ {line}\n--- README\n{prints}--- printed\n{printed}"
                ));
                *prints = printed;
            }
        }
    }
    assert!(count >= 8, "the blocks were found");
    if rewrites() {
        replace(&whole(&pieces));
    } else {
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn the_stack_reference_is_the_one_the_program_is_made_from() {
    let _held = README.lock();
    let text = readme();
    let (begin, end) = ("<!-- reference -->\n", "<!-- /reference -->");
    let (before, rest) = text.split_once(begin).expect("the mark that begins it");
    let (old, after) = rest.split_once(end).expect("the mark that ends it");
    let new = format!("\n{}\n", provision::stack::reference().trim());
    if rewrites() {
        replace(&format!("{before}{begin}{new}{end}{after}"));
    } else {
        assert!(old == new, "README's stack reference is out of date");
    }
}

/// The policies of README's section on AWS, by their blocks' order.
fn policies() -> Vec<serde_json::Value> {
    readme()
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

/// The IAM actions of every call the program can make, and those that only read.
fn called() -> (BTreeSet<String>, BTreeSet<String>) {
    let text = fs::read_to_string(Path::new(ROOT).join("src/cloud/call.rs")).expect("call.rs");
    let (mut all, mut reads) = (BTreeSet::new(), BTreeSet::new());
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [service, action, does @ ("reads" | "writes"), ..] = words[..] else {
            continue;
        };
        let action = action.trim_matches('"');
        let action = match service {
            // Needs no permission.
            "Sts" => continue,
            "ApiGateway" => format!("apigateway:{}", verb(action)),
            "Tagging" => format!("tag:{action}"),
            _ => format!("{}:{action}", service.to_lowercase()),
        };
        if does == "reads" {
            reads.insert(action.clone());
        }
        all.insert(action);
    }
    // IAM asks for these beside the call itself: to write an API's policy, to hand it a role.
    all.insert("apigateway:UpdateRestApiPolicy".to_owned());
    all.insert("iam:PassRole".to_owned());
    (all, reads)
}

/// API Gateway's permissions are verbs.
fn verb(action: &str) -> &'static str {
    match action {
        _ if action.starts_with("Get") => "GET",
        _ if action.starts_with("Create") => "POST",
        _ if action.starts_with("Delete") || action == "UntagResource" => "DELETE",
        _ if action.starts_with("Update") => "PATCH",
        _ => "PUT",
    }
}

#[test]
fn the_policies_in_readme_allow_every_call_and_no_other() {
    let found: Vec<BTreeSet<String>> = policies().iter().map(allowed).collect();
    let (all, reads) = called();
    assert_eq!(found, [all, reads]);
}

#[test]
fn files_that_the_documents_name_are_there() {
    for name in ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"] {
        let text = fs::read_to_string(Path::new(ROOT).join(name)).expect("a document");
        for word in text.split('`').skip(1).step_by(2) {
            let path = word.trim_end_matches('/');
            let is_ours = ["src/", "tests/", "stacks/", ".ci/", "examples/"]
                .iter()
                .any(|it| path.starts_with(it));
            if is_ours && !path.contains(' ') {
                assert!(Path::new(ROOT).join(path).exists(), "{name} names {path}");
            }
        }
    }
}
