//! Every call of a command, gone wrong: the same command then arrives at the same end.
//!
//! Each call meets a sixth of what may befall it, each call another sixth. `SWEEP=all` tries all of it.

use std::fmt::Write as _;

use provision::cloud::Sandbox;
use provision::cloud::seam::{FaultRule, Trouble};
use provision::kinds::Resource;
use provision::kinds::rest_api::method;
use provision::lower::Desired;
use serde_json::Value;

use crate::world::{Command, all_stacks, changes, run, sandbox_for, text_of, wanted};

/// What may befall a call, and whether the command is expected to get over it by itself.
const TROUBLES: [(Trouble, bool); 7] = [
    (Trouble::StopAfter, false),
    (Trouble::LoseAnswer, true),
    (Trouble::Throttle, true),
    (Trouble::StopBefore, false),
    (Trouble::LoseRequest, true),
    (Trouble::Break, true),
    (Trouble::BreakAfter, true),
];
/// How many of them make a difference to a call that only reads.
const OF_READS: usize = 3;

/// Lets a command meet every trouble at every one of its calls, and gives the number of runs.
pub(crate) async fn sweep(
    what: &str,
    base: &Sandbox,
    command: Command<'_>,
    wrong: &mut Vec<String>,
) -> usize {
    let undisturbed = base.fork();
    let mut records = command.done(&undisturbed).await.records;
    records.sort_by_key(|it| it.number);
    let calls = records.len();
    let end = undisturbed.picture();
    let all = std::env::var("SWEEP").is_ok_and(|it| it == "all");
    let mut runs = 0;
    for record in &records {
        let number = record.number;
        let troubles = if record.writes {
            TROUBLES.len()
        } else {
            OF_READS
        };
        for (index, (trouble, gets_over_it)) in TROUBLES.into_iter().take(troubles).enumerate() {
            if !all && !(index as u64 + number).is_multiple_of(6) {
                continue;
            }
            runs += 1;
            let sandbox = base.fork();
            let rule = FaultRule::at(number, trouble);
            let first = command.with(&sandbox, [rule]).await;
            let told = || format!("{what}: {trouble:?} at call {number} of {calls} ({record})");
            if gets_over_it && !first.came_off() {
                wrong.push(format!("{}\nwas not got over\n{}", told(), first.story()));
                continue;
            }
            let second = command.with(&sandbox, []).await;
            if !second.came_off() {
                wrong.push(format!("{}\nthen\n{}", told(), second.story()));
                continue;
            }
            if gets_over_it && second.ledger.writes() > 0 {
                let first = first.story();
                wrong.push(format!(
                    "{}\nleft something to do\n{}\nfirst {first}",
                    told(),
                    second.story()
                ));
            }
            if let Some(differs) = difference(&end, &sandbox.picture()) {
                wrong.push(format!(
                    "{}\nanother end: {differs}\nfirst {}\nthen {}",
                    told(),
                    first.story(),
                    second.story()
                ));
            }
            let third = command.planned(&sandbox).await;
            if !third.is_empty() {
                let (plan, second) = (changes(&third), second.story());
                wrong.push(format!(
                    "{}\nstill to do: {plan:#?}\nafter {second}",
                    told()
                ));
            }
        }
    }
    runs
}

/// The first place where two pictures differ.
pub(crate) fn difference(want: &Value, got: &Value) -> Option<String> {
    if want == got {
        return None;
    }
    if let (Value::Object(a), Value::Object(b)) = (want, got) {
        let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
        keys.sort();
        keys.dedup();
        let null = Value::Null;
        let of = |it: &'_ serde_json::Map<String, Value>, key: &str| it.get(key).cloned();
        return keys.into_iter().find_map(|key| {
            let (a, b) = (of(a, key), of(b, key));
            difference(a.as_ref().unwrap_or(&null), b.as_ref().unwrap_or(&null))
                .map(|it| format!("{key} / {it}"))
        });
    }
    Some(format!("{want} became {got}"))
}

pub(crate) fn conclude(runs: usize, wrong: &[String]) {
    println!("{runs} runs, {} of them wrong", wrong.len());
    let shown = wrong.iter().take(3).fold(String::new(), |mut text, it| {
        let _ = write!(text, "\n\n{it}");
        text
    });
    assert!(
        wrong.is_empty(),
        "{} of {runs} runs went wrong:{shown}",
        wrong.len()
    );
}

/// One more consumer of everything in a stack that can be consumed.
fn consumer(desired: &Desired, via: &str) -> Option<String> {
    let account = &desired.places.iter().next()?.account;
    let mut text = format!(
        "[roles.sweep-consumer]\naccount = \"{account}\"\ntrusted_by = \"lambda.amazonaws.com\"\n"
    );
    let before = text.len();
    for (address, want) in &desired.wants {
        let allow = match &want.resource {
            Resource::Topic(_) => "publish".to_owned(),
            Resource::RestApi(api) => {
                let signed = |it: &&provision::stack::RouteKey| {
                    api.methods[*it].authorization == method::AWS_IAM
                };
                match api.methods.keys().find(signed) {
                    Some(key) => key.to_string(),
                    None => continue,
                }
            }
            _ => continue,
        };
        let _ = write!(
            text,
            "[[access]]\nfrom = \"roles.sweep-consumer\"\nto = \"{address}\"\nallow = [\"{allow}\"]\nvia = \"{via}\"\n"
        );
    }
    (text.len() > before).then_some(text)
}

#[test]
fn whatever_goes_wrong_with_any_call_of_a_first_apply_the_next_arrives() {
    let mut wrong = Vec::new();
    let mut runs = 0;
    for (name, desired) in all_stacks() {
        runs += run(async {
            let empty = sandbox_for([&desired]);
            sweep(&name, &empty, Command::Apply(&desired), &mut wrong).await
        });
    }
    conclude(runs, &wrong);
}

#[test]
fn whatever_goes_wrong_with_any_call_of_a_destroy_the_next_arrives() {
    let mut wrong = Vec::new();
    let mut runs = 0;
    for (name, desired) in all_stacks() {
        runs += run(async {
            let base = sandbox_for([&desired]);
            Command::Apply(&desired).done(&base).await;
            sweep(&name, &base, Command::Destroy(&desired), &mut wrong).await
        });
    }
    conclude(runs, &wrong);
}

#[test]
fn whatever_goes_wrong_while_a_consumer_comes_changes_and_goes_the_next_apply_arrives() {
    let mut wrong = Vec::new();
    let mut runs = 0;
    for (name, without) in all_stacks() {
        let text = text_of(&name);
        let (Some(policy), Some(role)) = (
            consumer(&without, "resource-policy"),
            consumer(&without, "assume-role"),
        ) else {
            continue;
        };
        let by_policy = wanted(&[&text, &policy]);
        let by_role = wanted(&[&text, &role]);
        runs += run(async {
            let base = sandbox_for([&without]);
            Command::Apply(&without).done(&base).await;
            let comes = Command::Apply(&by_policy);
            let mut runs = sweep(
                &format!("{name}, a consumer comes"),
                &base,
                comes,
                &mut wrong,
            )
            .await;
            comes.done(&base).await;
            let changes = Command::Apply(&by_role);
            runs += sweep(
                &format!("{name}, it assumes a role"),
                &base,
                changes,
                &mut wrong,
            )
            .await;
            changes.done(&base).await;
            let goes = Command::Apply(&without);
            runs += sweep(&format!("{name}, it goes"), &base, goes, &mut wrong).await;
            runs
        });
    }
    conclude(runs, &wrong);
}
