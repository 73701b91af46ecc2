//! What AWS's pages say of single requests and of pairs of policies, as tables.
//!
//! A line of `requests.jsonl` is a question of `simulate`, one of `pairs.jsonl` a question of `compare`,
//! each with the `page` that decides it and the `expected` answer: a decision or verdict, `refused` for a
//! document that AWS does not take, or `never` for whatever must not be allowed.

mod notifications;

use provision::policy::bulk::Simulator;
use provision::policy::interchange::{compare_line, simulate_line};
use serde_json::{Value, json};

const REQUESTS: &str = include_str!("requests.jsonl");
const PAIRS: &str = include_str!("pairs.jsonl");

/// A line without what is told of it: the question, and its page, name and expected answer.
fn question(line: &str) -> (Value, String, String) {
    let mut question: Value = serde_json::from_str(line).expect("JSON");
    let fields = question.as_object_mut().expect("an object");
    let mut take = |it: &str| {
        fields
            .remove(it)
            .and_then(|it| Some(it.as_str()?.to_owned()))
    };
    let (page, expected) = (take("page"), take("expected"));
    let name = fields["name"].as_str().expect("a name").to_owned();
    (
        question,
        format!("{name}\n{}", page.expect("a page")),
        expected.expect("an expected answer"),
    )
}

fn answer(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// Gathers what is answered otherwise than the pages say, so that one run shows all of it.
fn check(lines: &str, field: &str, least: usize, ask: impl Fn(&Value) -> Value) {
    let mut wrong = Vec::new();
    for line in lines.lines() {
        let (question, place, expected) = question(line);
        let found = ask(&question);
        let got = if found.get("error").is_some() {
            "refused"
        } else {
            found[field].as_str().expect("an answer")
        };
        let right = match expected.as_str() {
            "never" => got != "allow",
            "never cosmetic" => !["equal", "cosmetic"].contains(&got),
            expected => got == expected,
        };
        if !right {
            wrong.push(format!("{place}\nexpected {expected}, got {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(lines.lines().count() >= least);
}

#[test]
fn requests_are_decided_as_awss_pages_say() {
    check(REQUESTS, "decision", 700, |it| {
        answer(&simulate_line(&it.to_string()))
    });
}

#[test]
fn pairs_are_compared_as_awss_pages_say() {
    check(PAIRS, "verdict", 200, |it| {
        answer(&compare_line(&it.to_string()))
    });
}

/// A refusal says where in the line, so that the document can be mended.
#[test]
fn a_refused_document_is_named_with_its_place() {
    for line in REQUESTS.lines() {
        let (line, place, expected) = question(line);
        if expected != "refused" {
            continue;
        }
        let found = answer(&simulate_line(&line.to_string()));
        let at = found["at"].as_str().expect("a place");
        let known = ["identityPolicies", "resourcePolicy", "boundary", "scps"];
        assert!(
            known.iter().any(|it| at.starts_with(it)),
            "{place}\n{found}"
        );
    }
}

/// Every witness is a question that the one document allows and the other does not.
#[test]
fn every_witness_of_a_pair_is_let_through_by_one_of_them_only() {
    let mut witnesses = 0;
    for line in PAIRS.lines() {
        let (pair, place, _) = question(line);
        let found = answer(&compare_line(&pair.to_string()));
        let own = pair.to_string().contains("\"Principal\":");
        let policies = if own {
            "resourcePolicy"
        } else {
            "identityPolicies"
        };
        for (list, yes, no) in [("gains", "new", "old"), ("loses", "old", "new")] {
            for witness in found[list].as_array().into_iter().flatten() {
                for (document, expected) in [(&pair[yes], "allow"), (&pair[no], "deny")] {
                    if document["Statement"] == json!([]) {
                        continue;
                    }
                    let document = if own {
                        document.clone()
                    } else {
                        json!([document])
                    };
                    let line = json!({"request": witness, policies: document});
                    let decided = answer(&simulate_line(&line.to_string()));
                    // AWS says so, and nobody has tried whether it is so of all.
                    let breaks = decided["because"]
                        .to_string()
                        .contains("methods without AWS_IAM then fail");
                    assert!(
                        decided["decision"] == expected
                            || breaks && decided["decision"] == "unproven",
                        "{place}\n{witness}\n{decided}"
                    );
                }
                witnesses += 1;
            }
        }
    }
    assert!(witnesses > 150, "{witnesses}");
}

/// Documents that come again are read once, which changes no answer.
#[test]
fn questions_in_bulk_are_answered_as_one_by_one() {
    let mut simulator = Simulator::of(None);
    for _ in 0..2 {
        for line in REQUESTS.lines() {
            let (line, place, _) = question(line);
            let line = line.to_string();
            assert_eq!(simulator.answer(&line), simulate_line(&line), "{place}");
        }
    }
}
