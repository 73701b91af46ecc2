//! COVERAGE.md: every field that is written is read back, and a change of it behind the stack's back is found.
//!
//! The list is made from the code: the calls are taken apart field by field, and so are the
//! kinds ([`fields`]); each field is a fact with a row ([`rows`]). What has no row, a row that
//! nothing writes, or a change that drift does not find just so, fails.
//! `PROVISION_REWRITE=1` writes the page again.

mod fields;
mod rows;
pub(crate) mod stack;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use futures::future::LocalBoxFuture;
use provision::cloud::{Answer, CallError, Cloud, Request, Sandbox, Seam, iam};
use provision::lower::Desired;
use provision::model::Place;

use crate::operator::{make_role, remake_role, send};
use crate::overflow::{quick, small};
use crate::world::{
    all_stacks, apply, assert_in_step, coded, destroy, drift, run, sandbox_for, wanted,
};
use rows::{Compared, ROWS, Row, Scene};
use stack::{BARE, FULL, LENT, otherwise, whole};

/// A cloud that remembers what was asked of it.
struct Recording<'a> {
    cloud: &'a Sandbox,
    calls: RefCell<Vec<Request>>,
}

impl<'a> Recording<'a> {
    fn of(cloud: &'a Sandbox) -> Self {
        Self {
            cloud,
            calls: RefCell::default(),
        }
    }
}

impl Cloud for Recording<'_> {
    fn send<'a>(
        &'a self,
        at: &'a Place,
        request: Request,
    ) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        self.calls.borrow_mut().push(request.clone());
        self.cloud.send(at, request)
    }

    fn now(&self) -> i64 {
        self.cloud.now()
    }
}

fn full() -> Desired {
    wanted(&[&whole(FULL)])
}

fn action(request: &Request) -> String {
    format!("{}:{}", request.service(), request.action())
}

/// Everything that is written in a life of every stack there is: each fact, with the fields that make it.
fn all_written() -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut found: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    let mut called: BTreeSet<&'static str> = BTreeSet::new();
    let mut take = |calls: Vec<Request>| {
        for request in calls {
            let Some((call, fields)) = fields::written(&request) else {
                assert!(!request.writes(), "{request:?}");
                continue;
            };
            assert!(request.writes(), "{request:?}");
            called.insert(call);
            for (field, fact) in fields {
                let field = format!("{} `{field}`", action(&request));
                found.entry(fact).or_default().insert(field);
            }
        }
    };
    for desired in all_stacks().values() {
        take(run(async {
            let sandbox = sandbox_for([desired]);
            let cloud = Recording::of(&sandbox);
            apply(desired, &cloud).await;
            destroy(desired, &cloud).await;
            cloud.calls.into_inner()
        }));
    }
    let (full, bare, other) = (full(), wanted(&[&whole(BARE)]), wanted(&[&otherwise()]));
    take(run(async {
        let sandbox = sandbox_for([&full]);
        let cloud = Recording::of(&sandbox);
        apply(&full, &cloud).await;
        cloud.calls.into_inner()
    }));
    take(run(async {
        let sandbox = sandbox_for([&full]);
        let cloud = Recording::of(&sandbox);
        for desired in [&bare, &full, &other, &full, &bare, &full] {
            apply(desired, &cloud).await;
            assert_in_step(desired, &sandbox, "on the way").await;
        }
        remake_role(&sandbox, "111111111111", "worker").await;
        apply(&full, &cloud).await;
        destroy(&full, &cloud).await;
        assert!(sandbox.is_empty());
        cloud.calls.into_inner()
    }));
    take(lent());
    take(overflowing());
    let sent: BTreeSet<&str> = fields::WRITES.iter().copied().collect();
    assert_eq!(called, sent, "a call is not sent by any stack here");
    found
}

/// What is written to a role that overflows, while its policies change more often than IAM keeps versions.
fn overflowing() -> Vec<Request> {
    run(async {
        let sandbox = quick(&small(20));
        let cloud = Recording::of(&sandbox);
        apply(&small(20), &cloud).await;
        // What the stack says is there to go back to.
        let theirs = iam::CreatePolicyVersion {
            arn: rows::OVERFLOW.to_owned(),
            document: rows::anything(),
        };
        send(&sandbox, "111111111111", theirs).await;
        for round in 0..14 {
            apply(&small(20 + round % 7), &cloud).await;
        }
        destroy(&small(20), &cloud).await;
        cloud.calls.into_inner()
    })
}

/// What is written to resources of somebody else's.
fn lent() -> Vec<Request> {
    let text = whole(LENT);
    let alone = wanted(&[&text]);
    run(async {
        let sandbox = sandbox_for([&alone]);
        make_role(&sandbox, "111111111111", "lent").await;
        let theirs = "[apis.theirs]\naccount = \"own\"\nstage = \"prod\"\n[apis.theirs.routes]\n\"GET /a\" = { mock = 200, public = true }\n";
        let theirs = wanted(&[&whole(theirs).replace("\"all\"", "\"other\"")]);
        apply(&theirs, &sandbox).await;
        let ask = provision::cloud::apigateway::GetRestApis { position: None };
        let id = send(&sandbox, "111111111111", ask).await.items.remove(0).id;
        let desired = wanted(&[&text.replace("a1b2c3d4e5", &id)]);
        let cloud = Recording::of(&sandbox);
        apply(&desired, &cloud).await;
        destroy(&desired, &cloud).await;
        cloud.calls.into_inner()
    })
}

#[test]
fn every_field_that_is_written_has_a_row_and_every_row_is_written() {
    let written: BTreeSet<&str> = all_written().into_keys().collect();
    let rows: BTreeSet<&str> = ROWS.iter().map(Row::fact).collect();
    assert_eq!(rows.len(), ROWS.len(), "a fact has one row");
    assert_eq!(written, rows);
    for (field, says) in fields::of_types() {
        match says {
            Ok(facts) => {
                for fact in facts {
                    assert!(rows.contains(fact), "{field} is `{fact}`, which has no row");
                }
            }
            Err(why) => assert!(!why.is_empty(), "{field}"),
        }
    }
}

#[test]
fn a_change_of_any_field_behind_the_stacks_back_is_found() {
    let (full, overflowing) = (full(), small(20));
    let mut wrong = Vec::new();
    for row in ROWS {
        let Row::Read {
            fact,
            by,
            deed,
            found,
            ..
        } = row
        else {
            continue;
        };
        let desired = match fact.split_once('.') {
            Some(("managed", _)) => &overflowing,
            _ => &full,
        };
        let (told, called) = run(async {
            let sandbox = sandbox_for([desired]);
            apply(desired, &sandbox).await;
            let untouched = drift(desired, &Seam::around(&sandbox)).await;
            assert_eq!(untouched.findings, [], "untouched");
            let cloud = &sandbox;
            deed(Scene { cloud, desired }).await;
            let cloud = Recording::of(&sandbox);
            // Behind the seam, as a command reads: API Gateway answers a few calls a second.
            let drift = drift(desired, &Seam::around(&cloud)).await;
            let told: Vec<String> = drift.findings.iter().map(coded).collect();
            let called: BTreeSet<String> = cloud.calls.into_inner().iter().map(action).collect();
            (told.into_iter().collect::<BTreeSet<_>>(), called)
        });
        let wanted: BTreeSet<String> = found.iter().map(|it| (*it).to_owned()).collect();
        if told != wanted {
            wrong.push(format!("{fact}: {told:?} in the place of {wanted:?}"));
        }
        let uncalled: Vec<_> = by.iter().filter(|it| !called.contains(**it)).collect();
        if !uncalled.is_empty() {
            wrong.push(format!("{fact}: {uncalled:?} was not called"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const HEAD: &str = "\
# What is written, and that it is read back

Every field of every call by which `provision` changes AWS; which call brings it back; how what is live is held against
what the stack says; and what `provision drift` reports when somebody changes it. `provision explain CODE` explains a code.

A test makes this page (`tests/road/coverage.rs`, `PROVISION_REWRITE=1`). It takes apart every call and every kind field by
field, so a new one does not compile until it is here. It records what is really sent in the lives of all stacks in
`stacks/` and of one that says everything there is. And it changes each field behind an applied stack's back, and wants
exactly the findings of the last column.
";

fn page() -> String {
    let written = all_written();
    let by = |fact: &str| {
        let fields = written.get(fact).into_iter().flatten();
        let mut calls: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for it in fields {
            let (call, field) = it.split_once(' ').expect("a call and a field");
            calls.entry(call).or_default().push(field);
        }
        let calls: Vec<String> = calls
            .into_iter()
            .map(|(call, fields)| format!("{call} {}", fields.join(" ")))
            .collect();
        calls.join("; ")
    };
    let mut text = HEAD.to_owned();
    for (kind, title) in [
        ("role", "Roles"),
        ("managed", "Policies of a role that overflows"),
        ("key", "KMS keys"),
        ("topic", "Topics"),
        ("queue", "Queues"),
        ("subscription", "Subscriptions"),
        ("api", "REST APIs"),
        ("route", "Routes"),
        ("stage", "Stages"),
    ] {
        let _ = write!(
            text,
            "\n## {title}\n\n| field | written by | read back by | compared | drift says |\n| --- | --- | --- | --- | --- |\n"
        );
        for row in ROWS {
            let Row::Read {
                fact,
                what,
                by: reads,
                compared,
                found,
                ..
            } = row
            else {
                continue;
            };
            if fact.split('.').next() != Some(kind) {
                continue;
            }
            let compared = match compared {
                Compared::Exactly => "exactly".to_owned(),
                Compared::ByMeaning(how) => format!("by meaning: {how}"),
            };
            let codes: BTreeSet<&str> =
                found.iter().filter_map(|it| it.split(' ').next()).collect();
            let codes: Vec<&str> = codes.into_iter().collect();
            let _ = writeln!(
                text,
                "| {what} | {} | {} | {compared} | {} |",
                by(fact),
                reads.join(", "),
                codes.join(", ")
            );
        }
    }
    text += NEVER_READ;
    text += "\n## Not compared, and why\n\n| field | written by | why |\n| --- | --- | --- |\n";
    for row in ROWS {
        if let Row::Unread { fact, what, why } = row {
            let kind = match fact.split('.').next() {
                Some("managed") => "policy of a role that overflows: ",
                Some("topic") => "topic: ",
                Some("queue") => "queue: ",
                Some("subscription") => "subscription: ",
                _ => "",
            };
            let _ = writeln!(text, "| {kind}{what} | {} | {why} |", by(fact));
        }
    }
    text
}

#[test]
fn the_page_is_the_one_that_the_code_makes() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("COVERAGE.md");
    let page = page();
    if std::env::var_os("PROVISION_REWRITE").is_some() {
        std::fs::write(&path, &page).expect("written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == page,
        "COVERAGE.md is not what the code makes; write it again with PROVISION_REWRITE=1"
    );
}

/// Settings of AWS that no call here writes or reads.
const NEVER_READ: &str = "
## Settings that are neither written nor compared

What others set here stays as it is, and `drift` does not report it.

| setting | of | why |
| --- | --- | --- |
| `securityPolicy`, `endpointAccessMode` | REST API | which TLS versions and host names are taken is decided with an API's domain; no stack says it |
| `ipAddressType` | REST API | AWS chooses it by the endpoint's type; a stack does not say it |
| `webAclArn` | stage | a web ACL is associated by WAF, and its owner compares it |
| `clientCertificateId` | stage | it identifies API Gateway to a backend and lets nobody in; AWS makes and rotates it |
| `cacheClusterEnabled`, `cacheClusterSize`, caching of methods | stage | a cache answers callers that were let in already. Lifting a throttle writes the stage's entry for all methods anew, caching in it included |
";
