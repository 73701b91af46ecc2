//! One more consumer of the fifty: one command, a few lines, and nobody else's access moves.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use provision::cloud::Sandbox;
use provision::cloud::sandbox::HeldAs;
use provision::kinds::survey;
use provision::policy::{Change, Document, Principals, Who, compare};
use provision::stack::{self as stacks, Source};
use provision::verify::{World, claim::Outcome, prove};
use provision::{graph, lower};

const CONSUMERS: usize = 50;
const ACCOUNTS: usize = 11;
const ROLE: &str = "arn:aws:iam::100000000001:role/provision/baseline/analytics";
const QUEUE: &str = "arn:aws:sqs:eu-west-1:100000000001:analytics";

/// A folder, gone at the end.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

impl Folder {
    fn run(&self, words: &[&str]) -> serde_json::Value {
        let output = Command::new(env!("CARGO_BIN_EXE_provision"))
            .current_dir(&self.0)
            .args(words)
            .output()
            .expect("the program runs");
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{words:?}\n{out}\n{err}");
        serde_json::from_str(&out).unwrap_or_else(|_| panic!("a document:\n{out}\n{err}"))
    }

    fn sandbox(&self) -> Sandbox {
        Sandbox::open(&self.0.join(".provision"), &[]).expect("the sandbox")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.0.join("shop.toml")).expect("the stack")
    }
}

/// Every policy document, by what holds it, as what, and which of several.
fn documents(sandbox: &Sandbox) -> BTreeMap<(String, String, usize), Document> {
    let mut count: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut found = BTreeMap::new();
    for held in sandbox.documents() {
        let key = (held.by.clone(), format!("{:?}", held.used));
        let number = count.entry(key.clone()).or_default();
        let document = Document::parse(&held.text).expect("a policy");
        found.insert((key.0, key.1, *number), document);
        *number += 1;
    }
    assert!(
        found
            .keys()
            .any(|it| it.1 == format!("{:?}", HeldAs::Deployed))
    );
    found
}

/// A document without what it says of the new consumer, told by its ARNs alone.
fn without_the_new_one(document: &Document) -> Document {
    let mut without = document.clone();
    for statement in &mut without.statements {
        if let Some(Principals::Of(types)) =
            statement.principal.as_mut().map(|it| &mut it.principals)
            && let Some(names) = types.get_mut("AWS")
        {
            names.retain(|it| it != ROLE);
        }
    }
    for values in without
        .statements
        .iter_mut()
        .flat_map(|it| it.conditions.values_mut())
        .flat_map(|keys| keys.values_mut())
    {
        values.retain(|it| it != QUEUE);
    }
    without.statements.retain(|it| {
        let nobody = it
            .principal
            .as_ref()
            .is_some_and(|it| match &it.principals {
                Principals::Of(types) => types.values().all(Vec::is_empty),
                Principals::Anyone => false,
            });
        let conditions = || it.conditions.values().flat_map(|keys| keys.values());
        !nobody && !conditions().any(Vec::is_empty)
    });
    without
}

#[test]
fn one_more_consumer_of_fifty_comes_by_one_command_and_nobody_elses_access_moves() {
    let name = format!("baseline-onboard-{}", std::process::id());
    let folder = Folder(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
    std::fs::create_dir_all(&folder.0).expect("a folder");
    // A comment at every table and at every third line: whatever moves would show.
    let mut text = "# Fifty consumers of one owner.\n".to_owned();
    for (number, line) in crate::stack::text(CONSUMERS, ACCOUNTS).lines().enumerate() {
        if line.starts_with('[') {
            text += &format!("# about the next table, {number}\n");
        }
        let comment = if number % 3 == 0 && !line.is_empty() {
            format!("   # line {number}")
        } else {
            String::new()
        };
        text += &format!("{line}{comment}\n");
    }
    std::fs::write(folder.0.join("shop.toml"), &text).expect("the stack");
    folder.run(&["apply", "shop.toml", "--sandbox", "--yes", "--json"]);
    let before = documents(&folder.sandbox());

    let told = folder.run(&[
        "onboard",
        "shop.toml",
        "--sandbox",
        "--consumer",
        "analytics",
        "--account",
        "team-1",
        "--calls",
        "apis.shop: GET /orders, GET /items",
        "--publishes",
        "topics.events",
        "--subscribes",
        "topics.events",
        "--via",
        "resource-policy",
        "--yes",
        "--json",
    ]);

    // One file, a handful of lines, every other one where it was.
    let after_text = folder.text();
    let mut olds = text.lines().peekable();
    let new: Vec<&str> = after_text
        .lines()
        .filter(|it| olds.next_if_eq(it).is_none())
        .collect();
    assert_eq!(olds.next(), None, "every line and comment is kept");
    assert_eq!(
        told["lines"],
        serde_json::json!({"added": new.len(), "removed": 0})
    );
    // Five of them let the consumer's role receive from its queue.
    assert!(new.len() <= 25, "{new:#?}");

    // Few calls: the reads that any plan takes, one more for each policy that is read back and each time a policy
    // is refused that names a role too new to be known, the writes that this one needs, and two for the stack's lease.
    let calls = &told["calls"];
    let (reads, writes) = (calls["reads"].as_u64(), calls["writes"].as_u64());
    assert!(reads <= Some(153) && reads > Some(0), "{calls:#}");
    assert!(writes <= Some(17) && writes > Some(0), "{calls:#}");
    assert_eq!(calls["throttled"], 0, "{calls:#}");

    // Every document there was is there, says the same of everybody else, and no less.
    let after = documents(&folder.sandbox());
    let mut touched = BTreeSet::new();
    for (key, old) in &before {
        // A deployment's document is found under its API's stage, as before.
        let new = after.get(key).unwrap_or_else(|| panic!("{key:?} is gone"));
        let whole = compare(old, new);
        if whole.verdict != Change::Equal {
            touched.insert(key.0.clone());
            assert_eq!(whole.verdict, Change::Widened, "{key:?}: {whole:?}");
            for request in &whole.gains {
                let is_new = matches!(&request.principal, Who::Arn(it) if it == ROLE);
                let its_queue = request.action.eq_ignore_ascii_case("sns:Subscribe")
                    && request
                        .context
                        .values()
                        .any(|it| it.iter().any(|it| it == QUEUE));
                assert!(is_new || its_queue, "{key:?}: {request:?}");
            }
        }
        let others = compare(old, &without_the_new_one(new)).verdict;
        assert!(
            matches!(others, Change::Equal | Change::Cosmetic),
            "{key:?}: {others:?}"
        );
    }
    assert_eq!(
        touched.len(),
        2,
        "the API's policy and the topic's: {touched:?}"
    );
    let theirs = after.keys().filter(|it| !before.contains_key(*it));
    for key in theirs {
        assert!([ROLE, QUEUE].contains(&key.0.as_str()), "{key:?}");
    }

    // And what it was to be allowed is allowed: by the documents that are there now.
    let source = Source {
        name: "shop.toml".to_owned(),
        text: after_text.clone(),
    };
    let stack = match stacks::check(&source, &[], &|_| Err("no such file".to_owned())) {
        Ok(stack) => stack,
        Err(faults) => panic!("{}", faults.render(false)),
    };
    let mut desired = lower::lower(&stack).expect("it fits together");
    graph::untie(&mut desired.wants).expect("there is no ring");
    let sandbox = folder.sandbox();
    let live = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(survey::survey(
            &desired.stack,
            &desired.wants,
            &desired.places,
            &sandbox,
        ))
        .expect("everything can be read");
    let proof = prove(&stack, &desired, &World::live(&desired, &live));
    let of_it: Vec<_> = proof
        .findings
        .iter()
        .filter(|it| it.claim.contains("analytics"))
        .collect();
    assert!(of_it.len() >= 4, "{of_it:#?}");
    for finding in of_it {
        assert_eq!(finding.outcome, Outcome::Proved, "{finding:#?}");
    }
    assert_eq!(proof.counts().1, 0, "no claim fails");
}
