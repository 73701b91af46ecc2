//! The session policies that a run makes of its plan: enough to carry it out, and for nothing else.

use futures::stream;
use provision::cloud::seam::{FaultRule, Trouble};
use provision::cloud::sns::DeleteTopic;
use provision::cloud::sqs::{CreateQueue, DeleteQueue};
use provision::cloud::{Cloud as _, Fault, Request, Sandbox, Seam, call};
use provision::execute::{self, Outcomes};
use provision::kinds::survey;
use provision::lower::Desired;
use provision::model::AccountId;
use provision::permissions::session::{LONGEST, reading, writing};
use provision::plan::{Consent, Plan};
use provision::policy::Document;

use crate::coverage::stack::{FULL, whole};
use crate::tamperings::{TABLE, sealed};
use crate::world::{all_stacks, apply, checked, run, sandbox_for, text_of, wanted};

fn ids(desired: &Desired) -> impl Iterator<Item = AccountId> + '_ {
    desired.places.iter().map(|it| it.id.clone())
}

/// Reads, plans and carries out as a command does with `--session-policy`.
async fn carried_out(
    desired: &Desired,
    sandbox: &Sandbox,
    destroys: bool,
    rules: Vec<FaultRule>,
) -> Result<(Plan, Outcomes, u64), String> {
    let read: Vec<(AccountId, Document)> = ids(desired).map(|it| (it, reading())).collect();
    sandbox
        .restrict(&read.into_iter().collect())
        .expect("taken");
    let seam = Seam::around(sandbox).failing(rules);
    let places = desired.reached();
    let live = survey::survey(&desired.stack, &desired.wants, &places, &seam).await;
    let live = live.expect("read");
    let plan = if destroys {
        Plan::of_destruction(desired, &live.clone().into())
    } else {
        Plan::between(desired, &live, &Consent::default())
    };
    if let Some(refusal) = plan.refusals.first() {
        return Err(refusal.message.clone());
    }
    let calls = execute::rehearse(&plan, live.ids(), &seam).await.calls;
    let policies = writing(&desired.stack, Some(&plan), &calls, None);
    let policies = policies.map_err(|it| it.to_string())?;
    for (id, policy) in &policies {
        let text = policy.to_value().to_string();
        assert!(text.len() <= LONGEST, "{id}: {}", text.len());
    }
    seam.restrict(&policies).expect("STS takes them");
    let outcomes = execute::run(&plan, &seam, live.ids(), stream::pending(), &|_| ()).await;
    Ok((plan, outcomes, seam.sent()))
}

#[track_caller]
fn all_done(outcomes: &Outcomes, what: &str) {
    let undone: Vec<_> = outcomes
        .steps
        .iter()
        .filter(|(_, it)| **it != execute::Outcome::Done)
        .collect();
    assert!(undone.is_empty(), "{what}: {undone:#?}");
}

fn every_stack() -> Vec<(String, Desired)> {
    let every_field = ("every field".to_owned(), wanted(&[&whole(FULL)]));
    all_stacks().into_iter().chain([every_field]).collect()
}

#[test]
fn a_plan_is_carried_out_by_the_sessions_that_are_made_of_it() {
    let (mut done, mut long) = (0, Vec::new());
    for (name, desired) in every_stack() {
        run(async {
            let sandbox = sandbox_for([&desired]);
            let made = match carried_out(&desired, &sandbox, false, vec![]).await {
                Ok((_, made, _)) => made,
                Err(why) => {
                    assert!(why.contains("of 2048 characters"), "{name}: {why}");
                    long.push(format!("{name}: {why}"));
                    return;
                }
            };
            all_done(&made, &name);
            let again = carried_out(&desired, &sandbox, false, vec![]).await;
            let (plan, _, _) = again.expect("nothing is long");
            assert!(plan.is_empty(), "{name}: {:?}", plan.counts());
            let gone = carried_out(&desired, &sandbox, true, vec![]).await;
            all_done(&gone.expect("it fits").1, &format!("{name}, destroyed"));
            done += 1;
        });
    }
    assert!(done > 2 * long.len(), "{done}: {long:#?}");
}

#[test]
fn every_tampering_is_put_back_by_such_sessions() {
    let desired = wanted(&[&text_of("marketplace.toml"), &sealed()]);
    let mut done = 0;
    for row in TABLE {
        run(async {
            let sandbox = sandbox_for([&desired]);
            apply(&desired, &sandbox).await;
            (row.deed)(&sandbox).await;
            // What lost its mark is refused by the plan.
            if let Ok((_, outcomes, _)) = carried_out(&desired, &sandbox, false, vec![]).await {
                all_done(&outcomes, row.name);
                done += 1;
            }
        });
    }
    assert!(done * 3 > TABLE.len() * 2, "{done} of {}", TABLE.len());
}

#[test]
fn a_lost_answer_is_made_good_by_such_sessions() {
    let desired = wanted(&[&text_of("marketplace.toml")]);
    run(async {
        let sandbox = sandbox_for([&desired]);
        let first = carried_out(&desired, &sandbox, false, vec![]).await;
        let (_, _, sent) = first.expect("it fits");
        for trouble in [Trouble::LoseAnswer, Trouble::LoseRequest] {
            for number in 1..=sent {
                let sandbox = sandbox_for([&desired]);
                let rules = vec![FaultRule::at(number, trouble)];
                let ran = carried_out(&desired, &sandbox, false, rules).await;
                all_done(
                    &ran.expect("it fits").1,
                    &format!("{trouble:?} at {number}"),
                );
            }
        }
    });
}

#[test]
fn a_session_refuses_what_its_plan_is_not_about() {
    let desired = wanted(&[&text_of("marketplace.toml")]);
    let stack = checked(&[&text_of("marketplace.toml")]);
    run(async {
        let sandbox = sandbox_for([&desired]);
        let billing = &stack.accounts["billing"].place;
        let orders = &stack.accounts["orders"].place;
        let queue = |name: &str| CreateQueue {
            name: name.to_owned(),
            attributes: [].into(),
            tags: [].into(),
        };
        call(&sandbox, billing, queue("foreign"))
            .await
            .expect("a queue of others");
        let made = carried_out(&desired, &sandbox, false, vec![]).await;
        all_done(&made.expect("it fits").1, "made");
        let topic = format!("arn:aws:sns:{}:{}:order-events", orders.region, orders.id);
        let others = || CreateQueue { ..queue("another") };
        let foreign = || DeleteQueue {
            name: "foreign".to_owned(),
        };
        let own = || DeleteTopic { arn: topic.clone() };
        // The session of the apply made queues, and deletes none; nor does it make those that are not in the plan.
        for (at, request) in [
            (billing, Request::DeleteQueue(foreign())),
            (billing, Request::CreateQueue(others())),
            (orders, Request::DeleteTopic(own())),
        ] {
            let error = sandbox
                .send(at, request.clone())
                .await
                .expect_err("refused");
            assert_eq!(error.fault, Fault::Denied, "{request:?}");
            assert!(
                error.message.contains("no session policy allows"),
                "{error}"
            );
        }
        // The next run reads before it has a plan, and can write nothing.
        let read = ids(&desired).map(|it| (it, reading())).collect();
        sandbox.restrict(&read).expect("taken");
        let error = sandbox
            .send(billing, Request::CreateQueue(queue("billing-inbox")))
            .await;
        assert_eq!(error.expect_err("refused").fault, Fault::Denied);
        let gone = carried_out(&desired, &sandbox, true, vec![]).await;
        all_done(&gone.expect("it fits").1, "destroyed");
        assert!(
            sandbox
                .send(billing, Request::DeleteQueue(foreign()))
                .await
                .is_err()
        );
    });
}

#[test]
fn a_session_names_many_resources_by_what_they_have_in_common() {
    let many = |count: usize, name: &dyn Fn(usize) -> String| {
        let queues = (0..count).map(|it| format!("[queues.{}]\naccount = \"a\"\n", name(it)));
        let queues: String = queues.collect();
        wanted(&[&format!(
            "[stack]\nname = \"many\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n{queues}"
        )])
    };
    let resources = |desired: &Desired| {
        run(async {
            let sandbox = sandbox_for([desired]);
            let live = survey::survey("many", &desired.wants, &desired.reached(), &sandbox).await;
            let plan = Plan::between(desired, &live.expect("read"), &Consent::default());
            let policies = writing("many", Some(&plan), &[], None).expect("it fits");
            let policy = policies.values().next().expect("one").to_value();
            let text = policy.to_string();
            assert!(text.len() <= LONGEST, "{}", text.len());
            let ran = carried_out(desired, &sandbox, false, vec![]).await;
            all_done(&ran.expect("it fits").1, "many");
            text
        })
    };
    let few = resources(&many(3, &|it| format!("news-{it}")));
    assert!(
        few.contains("arn:aws:sqs:eu-west-1:111111111111:news-1\""),
        "{few}"
    );
    let alike = resources(&many(60, &|it| format!("news-{it}")));
    assert!(
        alike.contains("\"arn:aws:sqs:eu-west-1:111111111111:news-*\""),
        "{alike}"
    );
    assert!(!alike.contains("111111111111:*"), "{alike}");
}
