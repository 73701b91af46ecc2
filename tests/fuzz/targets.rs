//! What is done with an input, and what must hold of it. An answer is a line for each thing said.

use std::collections::BTreeMap;

use provision::kinds::Resource;
use provision::kinds::rest_api::RestApi;
use provision::lower::{self, Desired};
use provision::policy::interchange::{compare_line, simulate_line};
use provision::policy::{
    ApiName, Change, Document, Policies, Request, Who, compare, decide, normal, same_meaning, size,
};
use provision::stack::{self, Source, Stack};
use provision::verify::{World, prove};
use provision::{graph, policy};
use serde_json::Value;

/// A policy, however it came: from a file, from IAM, from API Gateway.
pub(crate) fn policy(text: &str) -> String {
    let _ = Document::parse_encoded(text);
    let _ = Document::parse_escaped(text);
    let document = match Document::parse(text) {
        Ok(document) => document,
        Err(error) => {
            assert!(error.position.is_some_and(|it| it.line > 0), "{error:?}");
            assert!(!error.message.is_empty(), "{error:?}");
            return error.to_string();
        }
    };
    assert_eq!(Document::parse(&document.to_text()).as_ref(), Ok(&document));
    let form = normal(&document);
    assert_eq!(normal(&form.to_document()), form);
    assert!(same_meaning(&document, &form.to_document()));
    let api = ApiName {
        partition: "aws",
        region: "eu-west-1",
        account: "111111111111",
        api: "abcdefghij",
    };
    let long = api.expand(&document);
    assert_eq!(api.expand(&long), long);
    let sizes = [
        size::topic(&document),
        size::queue(&document),
        vec![
            size::api(&document, &api),
            size::trust(&document, size::TRUST),
        ],
    ];
    let _ = sizes.concat().iter().map(size::Budget::percent).max();
    assert!(matches!(
        compare(&document, &document).verdict,
        Change::Equal
    ));
    let empty = Document::of(Vec::new());
    let found = compare(&empty, &document);
    for request in found.gains.iter().take(2) {
        let answer = decide(
            request,
            &Policies {
                resource: Some(document.clone()),
                identity: vec![document.clone()],
                ..Policies::default()
            },
        );
        assert_ne!(answer.because, Vec::<String>::new());
    }
    format!("{}\n{}", found.verdict.as_str(), found.because.join("\n"))
}

/// Lines of questions, to `simulate` and to `compare`.
pub(crate) fn lines(text: &str) -> String {
    let mut answers = String::new();
    for line in text.lines().take(4) {
        for answer in [simulate_line(line), compare_line(line)] {
            let read: Value = serde_json::from_str(&answer).expect("an answer is JSON");
            let answered = read["decision"].is_string() || read["verdict"].is_string();
            let faulty = read["error"].is_string()
                && read["at"].as_str().is_some_and(|it| !it.is_empty())
                && read["column"].is_u64();
            assert!(answered != faulty, "{answer}");
            if read["decision"] == "unproven" {
                assert!(
                    read["because"].as_array().is_some_and(|it| !it.is_empty()),
                    "{answer}"
                );
            }
            // The rest of an answer quotes the question.
            for field in ["error", "decision", "verdict"] {
                answers += read[field].as_str().unwrap_or_default();
                answers.push('\n');
            }
            answers += read["because"][0].as_str().unwrap_or_default();
            answers.push('\n');
        }
    }
    answers
}

fn source(name: &str, text: &str) -> Source {
    Source {
        name: name.to_owned(),
        text: text.to_owned(),
    }
}

/// What is told of a stack: its faults, or what becomes of it.
fn told(main: &Source, files: &BTreeMap<&str, &str>) -> String {
    let read = |name: &str| match files.get(name) {
        Some(text) => Ok((*text).to_owned()),
        None => Err("no such file".to_owned()),
    };
    match stack::check(main, &[], &read) {
        Ok(stack) => lowered(&stack),
        Err(faults) => {
            let shown = faults.render(false);
            assert!(!faults.is_empty() && faults.render(true).len() >= shown.len());
            for fault in &faults {
                let at = fault.labels[0].span;
                assert!(
                    at.start <= at.end && at.end <= main.text.len() + 1,
                    "{fault:?}"
                );
            }
            let codes: Vec<&str> = faults.iter().map(|it| it.message.as_str()).collect();
            codes.join("\n")
        }
    }
}

fn lowered(stack: &Stack) -> String {
    let mut desired: Desired = match lower::lower(stack) {
        Ok(desired) => desired,
        Err(faults) => {
            assert!(!faults.is_empty());
            return faults
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n");
        }
    };
    if let Err(ring) = graph::untie(&mut desired.wants) {
        return ring.to_string();
    }
    for want in desired.wants.values() {
        if let Resource::RestApi(api) = &want.resource {
            let api: &RestApi = api;
            assert!(api.methods.keys().all(|it| it.path.starts_with('/')));
        }
        let _ = want.digest();
    }
    let proof = prove(stack, &desired, &World::wanted(&desired));
    let (_, failed, unproven) = proof.counts();
    format!("lowered {} {failed} {unproven}", desired.wants.len())
}

/// A stack file, beside a policy and an `OpenAPI` document that are right.
pub(crate) fn stack(text: &str) -> String {
    if let Ok(tidy) = stack::format(text) {
        assert_eq!(stack::format(&tidy).as_ref(), Ok(&tidy), "twice is as once");
    }
    let files = BTreeMap::from([("policy.json", POLICY), ("api.yaml", OPENAPI)]);
    told(&source("stack.toml", text), &files)
}

/// An `OpenAPI` document that a stack names; the same text as a policy that it names.
pub(crate) fn openapi(text: &str) -> String {
    let files = BTreeMap::from([("api.yaml", text), ("policy.json", text)]);
    let api = told(&source("stack.toml", OF_OPENAPI), &files);
    let role = told(&source("stack.toml", OF_POLICY), &files);
    let shapes = Request::new(Who::Anonymous, "execute-api:Invoke", "*");
    let _ = policy::decide(&shapes, &Policies::default());
    // A file's faults stand in the label, not in the message.
    format!("{api}\n{role}\n{}", wrong_with(text))
}

fn wrong_with(text: &str) -> String {
    let read = |_: &str| Ok(text.to_owned());
    let Err(faults) = stack::check(&source("stack.toml", OF_OPENAPI), &[], &read) else {
        return String::new();
    };
    faults
        .iter()
        .map(|it| it.labels[0].text.clone())
        .collect::<Vec<_>>()
        .join("\n")
}

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]}"#;
const OPENAPI: &str = "openapi: 3.0.1\npaths:\n  /a/{b}:\n    get:\n      x-amazon-apigateway-integration: {type: mock}\n";
const OF_OPENAPI: &str = "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n[roles.r]\ntrusted_by = \"lambda.amazonaws.com\"\n[apis.a]\nopenapi = \"api.yaml\"\n[[access]]\nfrom = \"roles.r\"\nto = \"apis.a\"\nallow = [\"GET /*\"]\n";
const OF_POLICY: &str = "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n[roles.r]\ntrusted_by = \"lambda.amazonaws.com\"\npolicies.p = \"policy.json\"\n";
