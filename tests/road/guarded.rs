//! A stage that is to have a throttle or logs serves nobody before it has them, wherever a run is stopped.

use provision::cloud::Sandbox;
use provision::cloud::seam::{FaultRule, Trouble};
use provision::lower::Desired;
use serde_json::Value;

use crate::reached::{Snapshot, fields};
use crate::world::{Command, apply, assert_in_step, run, sandbox_for, wanted};

const STACK: &str = r#"
[stack]
name = "s"
region = "eu-west-1"

[accounts.a]
id = "111111111111"
[accounts.b]
id = "222222222222"

[roles.shop]
account = "a"
trusted_by = "ec2.amazonaws.com"

[apis.orders]
account = "b"
stage = { name = "live", SETTINGS }
[apis.orders.routes]
"GET /x" = { mock = 200 }

[[access]]
from = "roles.shop"
to = "apis.orders"
allow = ["GET /x"]
"#;

fn stack(settings: &str) -> String {
    STACK.replace("SETTINGS", settings)
}

/// The stages through which the role reaches the API, each with its settings.
fn serving(sandbox: &Sandbox) -> Vec<(String, Value)> {
    let picture = sandbox.picture();
    let reached = Snapshot::of(sandbox).reached();
    let mut found = Vec::new();
    for (number, account) in fields(&picture) {
        for (_, region) in fields(&account["regions"]) {
            for (_, api) in fields(&region["apis"]) {
                let id = api["about"]["id"].as_str().expect("an id");
                for (name, stage) in fields(&api["stages"]) {
                    let head = format!(":{number}:{id}/{name}/");
                    if reached.iter().any(|(_, (_, what))| what.contains(&head)) {
                        let settings = serde_json::json!([stage["methods"], stage["access_log"]]);
                        found.push((name.clone(), settings));
                    }
                }
            }
        }
    }
    found
}

/// Changes one stack into another, stopping dead after each call and losing the answer of each: a stage that lets
/// somebody in has the settings that it has in the end. Returns the calls of an undisturbed run by name.
fn guarded(from: Option<&str>, to: &str) -> Vec<&'static str> {
    let to: Desired = wanted(&[to]);
    run(async {
        let base = sandbox_for([&to]);
        if let Some(from) = from {
            apply(&wanted(&[from]), &base).await;
        }
        let undisturbed = base.fork();
        let ran = apply(&to, &undisturbed).await;
        assert_in_step(&to, &undisturbed, "after the change").await;
        let before = serving(&base);
        let mut right = serving(&undisturbed);
        assert!(!right.is_empty());
        right.extend(before);
        let mut wrong = Vec::new();
        for record in ran.records.iter().filter(|it| it.writes) {
            for trouble in [Trouble::StopAfter, Trouble::LoseAnswer, Trouble::StopBefore] {
                let sandbox = base.fork();
                let rule = FaultRule::at(record.number, trouble);
                Command::Apply(&to).with(&sandbox, [rule]).await;
                let serves = serving(&sandbox);
                let unguarded = serves.iter().filter(|it| !right.contains(it));
                wrong.extend(unguarded.map(|it| format!("{trouble:?} {record}: {it:?}")));
                let second = Command::Apply(&to).with(&sandbox, []).await;
                assert!(second.came_off(), "{}", second.story());
                assert_in_step(&to, &sandbox, "after the second run").await;
                assert_eq!(serving(&sandbox), serving(&undisturbed));
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
        let of_apis = |it: &&provision::cloud::seam::CallRecord| {
            it.writes && it.service == provision::cloud::Service::ApiGateway
        };
        let calls = ran.records.iter().filter(of_apis);
        let mut calls: Vec<_> = calls.map(|it| it.action).collect();
        // An import is sent again until API Gateway knows the role that its policy names.
        calls.dedup();
        calls
    })
}

#[test]
fn a_new_stage_lets_nobody_in_before_it_has_its_settings() {
    for settings in [
        "rate = 10",
        "burst = 5",
        "log_level = \"error\"",
        "access_log = { destination = \"arn:aws:logs:eu-west-1:222222222222:log-group:orders\" }",
    ] {
        let calls = guarded(None, &stack(settings));
        let expected = [
            "CreateRestApi",
            "PutRestApi",
            "CreateDeployment",
            "UpdateStage",
            "UpdateRestApi",
            "CreateDeployment",
            "DeleteDeployment",
            "TagResource",
        ];
        assert_eq!(calls, expected, "{settings}");
    }
}

#[test]
fn a_stage_without_limits_and_logs_is_made_in_three_calls() {
    let calls = guarded(None, &stack("tracing = true"));
    let expected = [
        "CreateRestApi",
        "PutRestApi",
        "CreateDeployment",
        "UpdateStage",
        "TagResource",
    ];
    assert_eq!(calls, expected);
}

#[test]
fn a_stage_that_an_api_gets_later_lets_nobody_in_before_it_has_its_settings() {
    let before = stack("rate = 10");
    let renamed = before.replace("live", "next");
    let calls = guarded(Some(&before), &renamed);
    assert_eq!(
        calls.iter().filter(|it| **it == "CreateDeployment").count(),
        2
    );
}

#[test]
fn an_api_that_moves_lets_nobody_in_before_its_new_stage_has_its_settings() {
    let before = stack("rate = 10");
    let moved = before.replace(
        "[apis.orders]\naccount = \"b\"",
        "[apis.orders]\naccount = \"a\"",
    );
    guarded(Some(&before), &moved);
}
