//! A consumer's way to a target changes: wherever the change stops, one way works.
//!
//! The ways are decided by the evaluator over what the cloud has at that moment, the API's policy as
//! it is deployed; nothing of the engine that orders the change is asked.

use std::collections::BTreeSet;

use futures::future::LocalBoxFuture;
use provision::cloud::seam::{FaultRule, Trouble};
use provision::cloud::{Answer, CallError, Cloud, Request as CloudRequest, Sandbox};
use provision::lower::Desired;
use provision::model::{AccountId, Place};

use crate::operator::make_role;
use crate::reached::Snapshot;
use crate::world::{
    Command, apply, assert_in_step, plan, run, sandbox_for, spoken, text_of, wanted,
};

/// Changes one stack into another, stopping dead after each call, and once not at all: of the ways by which somebody
/// reaches something before a call, one is there after it.
///
/// Gives what the undisturbed change did.
pub(crate) fn never_without(from: &Desired, to: &Desired) -> Vec<String> {
    run(async {
        let base = sandbox_for([from, to]);
        apply(from, &base).await;
        let before = Snapshot::of(&base).reached();
        let undisturbed = base.fork();
        let ran = apply(to, &undisturbed).await;
        assert_in_step(to, &undisturbed, "after the change").await;
        let after = Snapshot::of(&undisturbed).reached();
        // Access roles come and go; whoever stays has to keep what it had.
        let keeps: BTreeSet<_> = before.intersection(&after).collect();
        assert!(
            !keeps.is_empty(),
            "nobody keeps anything: {before:#?} {after:#?}"
        );
        let mut wrong = Vec::new();
        let mut stops = 0;
        let mut records = ran.records.clone();
        records.sort_by_key(|it| it.number);
        let mut earlier = Snapshot::of(&base);
        for record in records.iter().filter(|it| it.writes) {
            stops += 1;
            let sandbox = base.fork();
            let rule = FaultRule::at(record.number, Trouble::StopAfter);
            Command::Apply(to).with(&sandbox, [rule]).await;
            let now = Snapshot::of(&sandbox);
            // What one call takes and gives at once, a client is without until AWS acts by what was given.
            for (who, what) in &keeps {
                let (old, new) = (earlier.ways(who, what), now.ways(who, what));
                if old.is_disjoint(&new) {
                    wrong.push(format!("{record}: {who} {what:?} by {old:?}, then {new:?}"));
                }
            }
            earlier = now;
            apply(to, &sandbox).await;
            assert_in_step(to, &sandbox, "after the second run").await;
        }
        println!("{stops} stops, {} accesses kept", keeps.len());
        let calls: Vec<String> = records.iter().map(ToString::to_string).collect();
        assert!(wrong.is_empty(), "{wrong:#?}\ncalls: {calls:#?}");
        spoken(ran.plan())
    })
}

/// Both directions of a change.
fn there_and_back(from: &str, to: &str) {
    let (from, to) = (wanted(&[from]), wanted(&[to]));
    never_without(&from, &to);
    never_without(&to, &from);
}

const POLICY: &str = "\"resource-policy\"";
const ROLE: &str = "\"assume-role\"";

#[test]
fn a_consumer_is_never_without_a_way_while_its_mechanism_changes() {
    let text = text_of("marketplace.toml");
    let all_policy = text.replace(ROLE, POLICY);
    let all_role = text.replace(POLICY, ROLE);
    there_and_back(&all_policy, &all_role);
    // Some go there while others come back.
    let turned = text
        .replace(ROLE, "(another)")
        .replace(POLICY, ROLE)
        .replace("(another)", POLICY);
    there_and_back(&text, &turned);
}

#[test]
fn the_policy_of_a_private_api_holds_both_ways_for_a_while() {
    let text = text_of("private-api.toml");
    there_and_back(&text, &text.replace(POLICY, ROLE));
}

/// Two consumers, an API and a topic, each reached as this says.
fn crossing(ways: [&str; 4]) -> String {
    let mut text = "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n\
                    [accounts.a]\nid = \"111111111111\"\n[accounts.b]\nid = \"222222222222\"\n\
                    [roles.x]\naccount = \"a\"\ntrusted_by = \"ec2.amazonaws.com\"\n\
                    [roles.y]\naccount = \"a\"\ntrusted_by = \"ec2.amazonaws.com\"\n\
                    [topics.t]\naccount = \"b\"\n\
                    [apis.p]\naccount = \"b\"\n[apis.p.routes]\n\"GET /x\" = { mock = 200 }\n"
        .to_owned();
    let edges = [
        ("x", "topics.t"),
        ("x", "apis.p"),
        ("y", "topics.t"),
        ("y", "apis.p"),
    ];
    for ((from, to), way) in edges.into_iter().zip(ways) {
        let allow = if to == "apis.p" {
            "allow = [\"GET /x\"]\n"
        } else {
            ""
        };
        text += &format!("[[access]]\nfrom = \"roles.{from}\"\nto = \"{to}\"\n{allow}{way}\n");
    }
    text
}

#[test]
fn consumers_that_cross_each_other_are_never_without_a_way() {
    let (policy, role) = ("via = \"resource-policy\"", "via = \"assume-role\"");
    there_and_back(
        &crossing([policy, role, role, policy]),
        &crossing([role, policy, policy, role]),
    );
    let named = |name: &str| format!("via = \"assume-role\"\nrole_name = \"{name}\"");
    let (one, two, three, four) = (named("one"), named("two"), named("three"), named("four"));
    there_and_back(
        &crossing([&one, &three, &two, &four]),
        &crossing([&two, &four, &one, &three]),
    );
}

/// A cloud that takes a role's new policy and forgets it.
struct Forgetful<'a> {
    inner: &'a Sandbox,
    role: &'a str,
}

impl Cloud for Forgetful<'_> {
    fn send<'a>(
        &'a self,
        at: &'a Place,
        request: CloudRequest,
    ) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        Box::pin(async move {
            match &request {
                CloudRequest::PutRolePolicy(it) if it.name == self.role => {
                    Ok(Answer::PutRolePolicy(()))
                }
                _ => self.inner.send(at, request).await,
            }
        })
    }

    fn now(&self) -> i64 {
        self.inner.now()
    }
}

#[test]
fn an_old_way_is_not_taken_from_whom_the_new_one_does_not_let_in() {
    let (policy, role) = ("via = \"resource-policy\"", "via = \"assume-role\"");
    let from = wanted(&[&crossing([policy; 4])]);
    let to = wanted(&[&crossing([role, role, policy, policy])]);
    run(async {
        let sandbox = sandbox_for([&from, &to]);
        apply(&from, &sandbox).await;
        let before = Snapshot::of(&sandbox).reached();
        let forgetful = Forgetful {
            inner: &sandbox,
            role: "x",
        };
        let ran = Command::Apply(&to).with(&forgetful, []).await;
        assert!(!ran.came_off(), "{}", ran.story());
        assert!(ran.story().contains("NotProved"), "{}", ran.story());
        let now = Snapshot::of(&sandbox);
        for (who, what) in &before {
            assert!(now.reaches(who, what), "{who} is without {what:?}");
        }
        apply(&to, &sandbox).await;
        assert_in_step(&to, &sandbox, "once it is remembered").await;
    });
}

#[test]
fn a_plan_tells_whose_way_changes_that_nobody_here_can_see() {
    let stranger = "arn:aws:iam::999999999999:role/elsewhere";
    let text =
        |way: &str| crossing([way; 4]).replacen("\"roles.x\"", &format!("\"{stranger}\""), 1);
    let from = wanted(&[&text("via = \"resource-policy\"")]);
    let to = wanted(&[&text("via = \"assume-role\"")]);
    run(async {
        let accounts = ["111111111111", "222222222222", "999999999999"];
        let accounts = accounts.map(|it| AccountId::parse(it).expect("an account"));
        let sandbox = Sandbox::in_memory(&accounts);
        make_role(&sandbox, "999999999999", "elsewhere").await;
        apply(&from, &sandbox).await;
        assert!(plan(&from, &sandbox).await.strangers.is_empty());
        let found = plan(&to, &sandbox).await.strangers;
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.who.as_str(), it.target.to_string()))
            .collect();
        assert_eq!(found, [(stranger, "topics.t".to_owned())]);
    });
}

#[test]
fn a_consumer_of_a_queue_is_never_without_a_way_while_its_mechanism_changes() {
    let text = |ways: [&str; 3]| {
        let mut text = "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n\
                        [accounts.a]\nid = \"111111111111\"\n[accounts.b]\nid = \"222222222222\"\n\
                        [roles.x]\naccount = \"a\"\ntrusted_by = \"ec2.amazonaws.com\"\n\
                        [roles.y]\naccount = \"a\"\ntrusted_by = \"ec2.amazonaws.com\"\n\
                        [queues.q]\naccount = \"b\"\n[queues.p]\naccount = \"b\"\n"
            .to_owned();
        let edges = [
            ("x", "q", "[\"send\", \"receive\"]"),
            ("y", "q", "\"send\""),
            ("y", "p", "\"receive\""),
        ];
        for ((from, to, allow), via) in edges.into_iter().zip(ways) {
            text += &format!(
                "[[access]]\nfrom = \"roles.{from}\"\nto = \"queues.{to}\"\nallow = {allow}\nvia = {via}\n"
            );
        }
        text
    };
    there_and_back(&text([POLICY; 3]), &text([ROLE; 3]));
    there_and_back(&text([POLICY, ROLE, ROLE]), &text([ROLE, POLICY, POLICY]));
}

#[test]
fn an_account_gives_way_to_one_of_its_roles() {
    let text = |access: &str| {
        format!(
            "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n\
             [accounts.a]\nid = \"111111111111\"\n[accounts.b]\nid = \"222222222222\"\n\
             [roles.w]\naccount = \"b\"\ntrusted_by = \"ec2.amazonaws.com\"\n\
             policies.p = {{ Version = \"2012-10-17\", Statement = [{{ Effect = \"Allow\", Action = \"sts:AssumeRole\", Resource = \"arn:aws:iam::111111111111:role/*\" }}] }}\n\
             [topics.t]\naccount = \"a\"\n[queues.q]\naccount = \"a\"\n\
             [apis.o]\naccount = \"a\"\nroutes = {{ \"GET /x\" = {{ mock = 200 }} }}\n{access}"
        )
    };
    let access = |from: &str, via: &str| {
        let edges = [
            ("topics.t", ""),
            ("queues.q", "allow = \"receive\"\n"),
            ("apis.o", "allow = \"GET /x\"\n"),
        ];
        let edges = edges.map(|(to, allow)| {
            format!("[[access]]\nfrom = {from}\nto = \"{to}\"\n{allow}via = {via}\n")
        });
        edges.concat()
    };
    let account = text(&access("{ account = \"b\" }", ROLE));
    there_and_back(&account, &text(&access("\"roles.w\"", POLICY)));
}

#[test]
fn somebody_from_elsewhere_is_never_without_a_way() {
    let elsewhere = "arn:aws:iam::999999999999:role/elsewhere";
    let text =
        |way: &str| crossing([way; 4]).replacen("\"roles.x\"", &format!("\"{elsewhere}\""), 1);
    let (policy, role) = ("via = \"resource-policy\"", "via = \"assume-role\"");
    run(async {
        let accounts = ["111111111111", "222222222222", "999999999999"];
        let accounts = accounts.map(|it| AccountId::parse(it).expect("an account"));
        let sandbox = Sandbox::in_memory(&accounts);
        make_role(&sandbox, "999999999999", "elsewhere").await;
        for (from, to) in [(policy, role), (role, policy)] {
            let (from, to) = (wanted(&[&text(from)]), wanted(&[&text(to)]));
            apply(&from, &sandbox).await;
            let successions = plan(&to, &sandbox).await.successions;
            assert_eq!(successions.len(), 1, "{successions:#?}");
            let lets_in = |sandbox: &Sandbox| {
                let picture = sandbox.picture();
                let owner = &picture["222222222222"];
                let topic = owner["regions"]["eu-west-1"]["topics"]["t"]["policy"].to_string();
                let roles = owner["roles"].to_string();
                topic.contains("role/elsewhere") || roles.contains("role/elsewhere")
            };
            assert!(lets_in(&sandbox));
            let ran = apply(&to, &sandbox.fork()).await;
            for record in ran.records.iter().filter(|it| it.writes) {
                let stopped = sandbox.fork();
                let rule = FaultRule::at(record.number, Trouble::StopAfter);
                Command::Apply(&to).with(&stopped, [rule]).await;
                assert!(lets_in(&stopped), "after {record}");
            }
        }
    });
}
