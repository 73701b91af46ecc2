//! What is let go of stays as it was, and is nobody's: whatever works goes on working.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream;
use provision::cloud::seam::{CallRecord, FaultRule, Trouble};
use provision::cloud::{Sandbox, Seam};
use provision::execute;
use provision::kinds::survey::{self, Live};
use provision::lower::Desired;
use provision::model::{Address, KindName};
use provision::onboard::{Candidate, Released, candidate, released};
use provision::plan::Plan;
use provision::stack::Source;
use serde_json::Value;

use crate::sweep::{conclude, difference};
use crate::world::{
    address, all_stacks, apply, assert_in_step, destroy, drift, folder, plan, read, run,
    sandbox_for, spoken, text_of,
};

fn open(name: &str) -> Result<String, String> {
    std::fs::read_to_string(folder().join(name)).map_err(|error| error.to_string())
}

fn stack(text: &str) -> Candidate {
    let source = Source {
        name: "it.toml".to_owned(),
        text: text.to_owned(),
    };
    match candidate(vec![source], &open) {
        Ok(it) => it,
        Err(unfit) => panic!("{:?}\n{text}", unfit.sentences()),
    }
}

fn without(before: &Candidate, named: &BTreeSet<Address>, live: &Live) -> Released {
    match released(before, named, &live.ids(), &open) {
        Ok(it) => it,
        Err(unfit) => panic!("{named:?}: {:?}", unfit.sentences()),
    }
}

/// What of a stack can be let go of: its author's own.
fn declared(it: &Candidate) -> Vec<Address> {
    let of = |kind: KindName, name: &String| Address::new(kind, name);
    let stack = &it.stack;
    let roles = stack.roles.keys().map(|it| of(KindName::Role, it));
    let apis = stack.apis.keys().map(|it| of(KindName::RestApi, it));
    let topics = stack.topics.keys().map(|it| of(KindName::Topic, it));
    let queues = stack.queues.keys().map(|it| of(KindName::Queue, it));
    let all = roles.chain(apis).chain(topics).chain(queues);
    all.filter(|address| it.desired.wants.get(address).is_some_and(|it| it.owned))
        .collect()
}

/// A picture in which a mark cannot be seen, nor whose a statement or a policy is.
fn as_anybody(picture: &Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|key, _| !key.starts_with("provision:"));
                fields.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    let mut picture = picture.clone();
    strip(&mut picture);
    let text = picture.to_string();
    let text = text
        .replace("Forgotten", "Provision")
        .replace("\"forgotten-", "\"provision-");
    serde_json::from_str(&text).expect("JSON")
}

/// The names of what is there, of one kind.
fn there(sandbox: &Sandbox, desired: &Desired, address: &Address) -> bool {
    let want = &desired.wants[address];
    let account = &sandbox.picture()[want.place.id.as_str()];
    let region = &account["regions"][want.place.region.as_str()];
    match &want.resource {
        provision::kinds::Resource::Role(it) => account["roles"][it.name()].is_object(),
        provision::kinds::Resource::Topic(it) => region["topics"][it.arn.name()].is_object(),
        provision::kinds::Resource::Queue(it) => region["queues"][it.arn.name()].is_object(),
        provision::kinds::Resource::RestApi(it) => region["apis"]
            .as_object()
            .is_some_and(|apis| apis.values().any(|api| api["about"]["name"] == it.name)),
        _ => false,
    }
}

/// Whether anything there bears a mark. What a deployment holds can be read by nobody.
fn is_claimed(picture: &Value) -> bool {
    let mut picture = picture.clone();
    for (_, account) in picture.as_object_mut().into_iter().flatten() {
        for (_, region) in account["regions"].as_object_mut().into_iter().flatten() {
            for (_, api) in region["apis"].as_object_mut().into_iter().flatten() {
                api["deployments"] = Value::Null;
            }
        }
    }
    let text = picture.to_string();
    text.contains("provision:stack") || text.contains("\"provision-") || text.contains("Provision")
}

#[test]
fn each_resource_of_each_stack_can_be_let_go_of_and_all_else_is_as_it_was() {
    for (name, _) in all_stacks() {
        let before = stack(&text_of(&name));
        run(async {
            let base = sandbox_for([&before.desired]);
            apply(&before.desired, &base).await;
            for it in declared(&before) {
                let told = format!("{name} without {it}");
                let sandbox = base.fork();
                let named = BTreeSet::from([it.clone()]);
                let live = read(&before.desired, &sandbox).await.live;
                let after = without(&before, &named, &live).after.desired;
                let plan = Plan::of_release(&before.desired, &after, &live, &named);
                assert!(!plan.is_empty(), "{told}");
                assert_eq!(plan.access, [], "{told}");
                assert_eq!(plan.counts(), (0, plan.to_do().count(), 0), "{told}");
                let_go(&before.desired, &after, &named, &sandbox).await;
                assert_in_step(&after, &sandbox, &told).await;
                let found = drift(&after, &sandbox).await.findings;
                assert_eq!(found, [], "{told}");
                // AWS deploys no private API without a policy: another's keeps what is ours of it.
                if name != "private-api.toml" || it.kind != KindName::RestApi {
                    destroy(&after, &sandbox).await;
                }
                assert!(there(&sandbox, &before.desired, &it), "{told}");
            }
        });
    }
}

#[test]
fn a_whole_stack_is_let_go_of_and_only_names_have_changed() {
    for (name, _) in all_stacks() {
        let before = stack(&text_of(&name));
        run(async {
            let sandbox = sandbox_for([&before.desired]);
            apply(&before.desired, &sandbox).await;
            let picture = sandbox.picture();
            let named: BTreeSet<Address> = declared(&before).into_iter().collect();
            let live = read(&before.desired, &sandbox).await.live;
            let released = without(&before, &named, &live);
            // What is let in from outside the stack, or lent to it, keeps what it is let in to.
            let alone = released.lasting.is_empty() && released.after.desired.wants.is_empty();
            let after = released.after.desired;
            let_go(&before.desired, &after, &named, &sandbox).await;
            assert_in_step(&after, &sandbox, &name).await;
            if alone {
                let now = sandbox.picture();
                assert_eq!(
                    difference(&as_anybody(&picture), &as_anybody(&now)),
                    None,
                    "{name}"
                );
                assert!(!is_claimed(&now), "{name}: {now:#}");
                let again = let_go(&before.desired, &after, &named, &sandbox).await;
                assert_eq!(again, 0, "{name}");
                // Neither the stack as it was nor the one that is left can harm it.
                destroy(&after, &sandbox).await;
                destroy(&before.desired, &sandbox).await;
                assert_eq!(difference(&now, &sandbox.picture()), None, "{name}");
            }
            println!(
                "{name}: {} let go of, {} stay as existing",
                named.len(),
                released.lasting.len()
            );
        });
    }
}

#[test]
fn what_left_the_file_is_let_go_of_and_no_apply_deletes_it() {
    let text = text_of("async-resource-policy.toml");
    let before = stack(&text);
    run(async {
        let sandbox = sandbox_for([&before.desired]);
        apply(&before.desired, &sandbox).await;
        let picture = sandbox.picture();
        let head: String = text
            .lines()
            .take_while(|it| !it.starts_with("[roles") && !it.starts_with("[topics"))
            .fold(String::new(), |text, it| text + it + "\n");
        let empty = stack(&head);
        let named: BTreeSet<Address> = declared(&before).into_iter().collect();
        assert!(plan(&empty.desired, &sandbox).await.counts().2 > named.len());
        let_go(&empty.desired, &empty.desired, &named, &sandbox).await;
        assert_in_step(&empty.desired, &sandbox, "once let go of").await;
        let now = sandbox.picture();
        assert_eq!(difference(&as_anybody(&picture), &as_anybody(&now)), None);
        assert!(!is_claimed(&now), "{now:#}");
    });
}

#[test]
fn a_mark_that_only_the_index_still_shows_deletes_nothing() {
    let text = text_of("async-resource-policy.toml");
    let before = stack(&text);
    run(async {
        let slow = provision::cloud::sandbox::Habits {
            index_lag: std::time::Duration::from_mins(10),
            ..provision::cloud::sandbox::Habits::default()
        };
        let sandbox = sandbox_for([&before.desired]).with(slow.clone());
        apply(&before.desired, &sandbox).await;
        tokio::time::sleep(std::time::Duration::from_mins(11)).await;
        let named: BTreeSet<Address> = declared(&before).into_iter().collect();
        let live = read(&before.desired, &sandbox).await.live;
        let after = without(&before, &named, &live).after.desired;
        let_go(&before.desired, &after, &named, &sandbox).await;
        assert_eq!(spoken(&plan(&after, &sandbox).await), Vec::<String>::new());
        // One that stays in the file as another's: its mark is gone, whatever the index shows.
        let one = BTreeSet::from([address("topics.order-events")]);
        let sandbox = sandbox_for([&before.desired]).with(slow);
        apply(&before.desired, &sandbox).await;
        tokio::time::sleep(std::time::Duration::from_mins(11)).await;
        let lent = without(&before, &one, &Live::default()).after.desired;
        let_go(&before.desired, &lent, &one, &sandbox).await;
        assert_in_step(&lent, &sandbox, "a topic of another's").await;
    });
}

/// One `forget`, as the command does it: what it changed, and whether the file was written.
async fn forget(
    before: &Desired,
    after: &Desired,
    named: &BTreeSet<Address>,
    sandbox: &Sandbox,
    rules: Vec<FaultRule>,
) -> (Vec<CallRecord>, bool, bool) {
    let seam = Seam::around(sandbox).failing(rules);
    let read = survey::survey(&before.stack, &before.wants, &before.places, &seam).await;
    let Ok(live) = read else {
        return (seam.records(), false, false);
    };
    let plan = Plan::of_release(before, after, &live, named);
    assert_eq!(plan.refusals, []);
    let orphans = live.orphans.iter();
    let orphans = orphans.map(|it| (it.address.clone(), it.have.id.clone()));
    let ids: BTreeMap<Address, String> = live.ids().into_iter().chain(orphans).collect();
    let mut done = true;
    let mut written = false;
    let phases = [
        plan.clone(),
        plan.of_api_marks(after, false),
        plan.of_api_marks(after, true),
    ];
    for (number, phase) in phases.iter().enumerate() {
        written |= done && number == 2;
        if done {
            let ran = execute::run(phase, &seam, ids.clone(), stream::pending(), &|_| ()).await;
            done = ran.all_done() && !ran.interrupted;
        }
    }
    (seam.records(), written, done)
}

/// Lets go, and must: how many writes that took.
async fn let_go(
    before: &Desired,
    after: &Desired,
    named: &BTreeSet<Address>,
    sandbox: &Sandbox,
) -> usize {
    let (records, _, done) = forget(before, after, named, sandbox, Vec::new()).await;
    assert!(done, "{records:?}");
    records.iter().filter(|it| it.writes).count()
}

#[test]
fn whatever_goes_wrong_while_it_is_let_go_the_same_command_arrives() {
    let mut wrong = Vec::new();
    let mut runs = 0;
    for (name, _) in all_stacks() {
        let before = stack(&text_of(&name));
        let all: BTreeSet<Address> = declared(&before).into_iter().collect();
        let apis = all.iter().filter(|it| it.kind == KindName::RestApi);
        let api: BTreeSet<Address> = apis.cloned().collect();
        for named in [&all, &api].into_iter().filter(|it| !it.is_empty()) {
            run(async {
                let base = sandbox_for([&before.desired]);
                apply(&before.desired, &base).await;
                let live = read(&before.desired, &base).await.live;
                let after = without(&before, named, &live).after.desired;
                let whole = base.fork();
                let (records, _, done) =
                    forget(&before.desired, &after, named, &whole, Vec::new()).await;
                assert!(done, "{name}");
                let end = whole.picture();
                for record in records.iter().filter(|it| it.writes) {
                    for trouble in [
                        Trouble::StopBefore,
                        Trouble::StopAfter,
                        Trouble::LoseAnswer,
                        Trouble::BreakAfter,
                    ] {
                        runs += 1;
                        let sandbox = base.fork();
                        let rule = FaultRule::at(record.number, trouble);
                        let (_, written, _) =
                            forget(&before.desired, &after, named, &sandbox, vec![rule]).await;
                        // Once it is written, the file is what the same command reads.
                        let left = if written { &after } else { &before.desired };
                        let (_, _, done) = forget(left, &after, named, &sandbox, Vec::new()).await;
                        let told = format!("{name} {named:?}: {trouble:?} at {record}");
                        if let Some(differs) = difference(&end, &sandbox.picture()) {
                            wrong.push(format!("{told}: another end: {differs}"));
                        } else if !done {
                            wrong.push(format!("{told}: not done"));
                        }
                    }
                }
            });
        }
    }
    conclude(runs, &wrong);
}
