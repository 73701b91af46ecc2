//! TRUTH.md: every promise about AWS, with the code that keeps it, the test that fails without it, and the evidence.
//!
//! The rows stand in `tests/truth/*.toml`, a file for each area. A row whose file, item or test
//! does not exist fails, and so does a page that is not made from the rows.
//! `PROVISION_REWRITE=1` writes the page again.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The rows of one area.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Area {
    promise: Vec<Promise>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Promise {
    /// The promise, in one plain sentence.
    says: String,
    /// `file: item` that keeps it.
    code: String,
    /// `file: test` that fails without it.
    test: String,
    /// The AWS page, or the recorded answer.
    evidence: String,
    seen: Seen,
}

/// Who has seen AWS keep the promise.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Seen {
    /// An answer that was recorded from AWS.
    Recorded,
    /// AWS's documentation.
    Page,
    /// Neither.
    Nobody,
}

impl Seen {
    fn words(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Page => "documented",
            Self::Nobody => "**not seen**",
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the areas by name, in the order of their names.
fn areas() -> Vec<(String, Area)> {
    let mut files: Vec<PathBuf> = fs::read_dir(root().join("tests/truth"))
        .expect("the folder of rows")
        .map(|it| it.expect("an entry").path())
        .filter(|it| it.extension().is_some_and(|it| it == "toml"))
        .collect();
    files.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a readable file");
        let area = toml::from_str(&text).unwrap_or_else(|it| panic!("{}: {it}", path.display()));
        let name = path.file_stem().expect("a name").to_string_lossy();
        (name.into_owned(), area)
    };
    files.into_iter().map(read).collect()
}

/// Returns what is wrong with `file: item`, where `prefix` must stand directly before the item.
fn missing(place: &str, prefix: &str) -> Option<String> {
    let Some((file, item)) = place.split_once(": ") else {
        return Some(format!("`{place}` is not `file: item`"));
    };
    let Ok(text) = fs::read_to_string(root().join(file)) else {
        return Some(format!("there is no file {file}"));
    };
    let wanted = format!("{prefix}{item}");
    let stands = text.match_indices(&wanted).any(|(at, _)| {
        let next = text[at + wanted.len()..].chars().next();
        !next.is_some_and(|it| it.is_alphanumeric() || it == '_')
    });
    (!stands).then(|| format!("{file} has no `{wanted}`"))
}

#[test]
fn every_promise_names_code_and_a_test_that_exist() {
    let mut wrong = Vec::new();
    let mut said = BTreeSet::new();
    for (area, rows) in areas() {
        for row in rows.promise {
            let place = format!("tests/truth/{area}.toml: {}", row.says);
            wrong.extend(
                [missing(&row.code, ""), missing(&row.test, "fn ")]
                    .into_iter()
                    .flatten()
                    .map(|it| format!("{place}: {it}")),
            );
            if row.seen == Seen::Page && !row.evidence.contains("https://docs.aws.amazon.com/") {
                wrong.push(format!("{place}: documented, and no page of AWS is named"));
            }
            if !said.insert(row.says) {
                wrong.push(format!("{place}: promised twice"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The first part of the page: what to try first on a real account.
const HEAD: &str = include_str!("truth/head.md");

fn page() -> String {
    let areas = areas();
    let rows = || areas.iter().flat_map(|(_, it)| &it.promise);
    let count = |seen: Seen| rows().filter(|it| it.seen == seen).count();
    let mut page = HEAD.to_owned();
    let _ = writeln!(
        page,
        "\n## The promises\n\n{} promises: {} recorded from AWS, {} documented by AWS, {} that nobody has seen on AWS.",
        rows().count(),
        count(Seen::Recorded),
        count(Seen::Page),
        count(Seen::Nobody)
    );
    for (area, rows) in &areas {
        let _ = writeln!(
            page,
            "\n### {area}\n\n| promise | kept by | fails without it | evidence | seen |\n| --- | --- | --- | --- | --- |"
        );
        for row in &rows.promise {
            let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
            let _ = writeln!(
                page,
                "| {} | `{}` | `{}` | {} | {} |",
                cell(&row.says),
                cell(&row.code),
                cell(&row.test),
                cell(&row.evidence),
                row.seen.words()
            );
        }
    }
    page
}

#[test]
fn the_page_is_made_from_the_rows() {
    let path = root().join("TRUTH.md");
    let page = page();
    if std::env::var_os("PROVISION_REWRITE").is_some() {
        fs::write(&path, &page).expect("a writable page");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == page,
        "TRUTH.md is not what tests/truth/*.toml make; write it again with PROVISION_REWRITE=1"
    );
}
