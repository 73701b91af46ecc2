//! However long a new role stays unseen, the end is the same; and nobody waits for ever.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use futures::stream;
use provision::cloud::Seam;
use provision::cloud::sandbox::Habits;
use provision::execute::{self, Event, Outcome};
use provision::kinds::survey;
use provision::plan::{Consent, Plan};
use tokio::time::{Instant, sleep};

use crate::operator::{ORDERS, SHOP, delete_role, make_role};
use crate::sweep::difference;
use crate::world::{Command, all_stacks, apply, assert_in_step, run, sandbox_for, text_of, wanted};

fn slow(seconds: u64) -> Habits {
    Habits {
        propagation: Duration::from_secs(seconds),
        ..Habits::default()
    }
}

#[test]
fn the_end_is_the_same_however_long_principals_take_to_appear() {
    for (name, desired) in all_stacks() {
        let mut ends = Vec::new();
        for seconds in [0, 4, 30] {
            run(async {
                let sandbox = sandbox_for([&desired]).with(slow(seconds));
                let began = Instant::now();
                let ran = apply(&desired, &sandbox).await;
                let took = began.elapsed();
                assert_in_step(&desired, &sandbox, &name).await;
                ends.push((seconds, ran.ledger.calls(), took, sandbox.picture()));
            });
        }
        let (_, calls, _, picture) = &ends[0];
        let mut told = Vec::new();
        for (seconds, with, took, other) in &ends {
            assert_eq!(difference(picture, other), None, "{name} at {seconds} s");
            told.push(format!(
                "{seconds} s: {} calls more, {:.1} s",
                with - calls,
                took.as_secs_f32()
            ));
            // One step finds out how long it takes; the others ask once more each.
            let bound = 20 + desired.wants.len() as u64;
            assert!(
                with - calls <= bound,
                "{name} at {seconds} s: {}",
                with - calls
            );
        }
        println!("{name}: {}", told.join("; "));
    }
}

#[test]
fn a_principal_that_never_appears_fails_in_bounded_time_and_is_named() {
    let desired = wanted(&[&text_of("marketplace.toml")]);
    run(async {
        let sandbox = sandbox_for([&desired]).with(slow(100_000));
        let began = Instant::now();
        let ran = Command::Apply(&desired).with(&sandbox, []).await;
        let took = began.elapsed();
        assert!(took > Duration::from_secs(100), "{took:?}");
        assert!(took < Duration::from_secs(400), "{took:?}");
        assert!(!ran.outcomes.all_done() && !ran.outcomes.interrupted);
        let of = |it: &str| &ran.outcomes.steps[&(crate::world::address(it), None)];
        let Outcome::Failed(error) = of("topics.order-events") else {
            panic!("{}", ran.story());
        };
        let help = error.help.as_deref().unwrap_or_default();
        assert!(
            help.contains("arn:aws:iam::111111111111:role/provision/marketplace/checkout"),
            "{error} / {help}"
        );
        for done in ["roles.checkout", "roles.invoicer", "queues.billing-inbox"] {
            let outcome = of(done);
            let waits_for_the_api = done == "roles.checkout";
            assert!(
                *outcome == Outcome::Done || waits_for_the_api,
                "{done}: {outcome:?}"
            );
        }
    });
}

#[test]
fn a_principal_that_is_not_there_fails_at_once() {
    // Named by its ARN, in an account of the stack, and not made by anybody.
    let stranger = format!(
        "[[access]]\nfrom = \"arn:aws:iam::{SHOP}:role/nobody\"\nto = \"topics.order-events\"\nvia = \"resource-policy\"\n"
    );
    let desired = wanted(&[&text_of("marketplace.toml"), &stranger]);
    run(async {
        // Everything else is old, so that no new role is to be waited for.
        let without = wanted(&[&text_of("marketplace.toml")]);
        let sandbox = sandbox_for([&desired]);
        apply(&without, &sandbox).await;
        tokio::time::sleep(Duration::from_hours(1)).await;
        let began = Instant::now();
        let ran = Command::Apply(&desired).with(&sandbox, []).await;
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{:?}",
            began.elapsed()
        );
        let failed: Vec<_> = ran
            .outcomes
            .steps
            .values()
            .filter_map(|it| match it {
                Outcome::Failed(error) => Some(error),
                _ => None,
            })
            .collect();
        assert_eq!(failed.len(), 1, "{}", ran.story());
        let help = failed[0].help.as_deref().unwrap_or_default();
        assert!(
            help.contains(&format!("arn:aws:iam::{SHOP}:role/nobody")),
            "{help}"
        );
        // Once somebody makes it, the same command goes on from there.
        make_role(&sandbox, SHOP, "nobody").await;
        tokio::time::sleep(Duration::from_secs(10)).await;
        apply(&desired, &sandbox).await;
        assert_in_step(&desired, &sandbox, "with nobody").await;
    });
}

#[test]
fn a_role_made_a_moment_ago_by_another_run_is_waited_for() {
    let desired = wanted(&[&text_of("marketplace.toml")]);
    run(async {
        let sandbox = sandbox_for([&desired]).with(slow(60));
        apply(&desired, &sandbox).await;
        let end = sandbox.picture();
        // A role of another account goes; what names it has to be written when it is back.
        drop(delete_role(&sandbox, SHOP, "checkout").await);
        let rule =
            provision::cloud::seam::FaultRule::new(provision::cloud::seam::Trouble::StopAfter)
                .on(provision::cloud::Service::Iam, "CreateRole");
        let first = Command::Apply(&desired).with(&sandbox, [rule]).await;
        assert!(first.outcomes.interrupted);
        apply(&desired, &sandbox).await;
        assert_in_step(&desired, &sandbox, "after both").await;
        assert_eq!(difference(&end, &sandbox.picture()), None);
        let _ = ORDERS;
    });
}

/// What was made is not found by calls that name it for so long.
fn shy(seconds: u64) -> Habits {
    Habits {
        visibility: Duration::from_secs(seconds),
        ..Habits::default()
    }
}

#[test]
fn what_was_just_made_is_waited_for_until_calls_find_it_and_the_wait_is_told() {
    let desired = wanted(&[&text_of("marketplace.toml")]);
    run(async {
        let at_once = sandbox_for([&desired]);
        apply(&desired, &at_once).await;
        let sandbox = sandbox_for([&desired]).with(shy(9));
        let reached = desired.reached();
        let live = survey::survey(&desired.stack, &desired.wants, &reached, &sandbox);
        let live = live.await.expect("read");
        let plan = Plan::between(&desired, &live, &Consent::default());
        let told = RefCell::new(BTreeSet::new());
        let tell = |event| {
            if let Event::Waiting { why, .. } = event {
                told.borrow_mut().insert(why);
            }
        };
        let seam = Seam::around(&sandbox);
        let outcomes = execute::run(&plan, &seam, live.ids(), stream::pending(), &tell).await;
        assert!(outcomes.all_done(), "{outcomes:?}");
        assert_eq!(difference(&at_once.picture(), &sandbox.picture()), None);
        let told = told.into_inner();
        for why in [
            "for IAM to show roles.checkout",
            "for SQS to show queues.billing-dead-letters",
        ] {
            assert!(told.contains(why), "{why}: {told:?}");
        }
        // IAM still shows the youngest roles by their unique ids, and SQS lists the youngest queue before
        // its attributes can be read: the survey asks again.
        assert_in_step(&desired, &sandbox, "once everything is found").await;
    });
}

#[test]
fn what_is_never_found_fails_in_bounded_time() {
    let desired = wanted(&[&text_of("marketplace.toml")]);
    run(async {
        let sandbox = sandbox_for([&desired]).with(shy(100_000));
        let began = Instant::now();
        let ran = Command::Apply(&desired).with(&sandbox, []).await;
        let took = began.elapsed();
        assert!(took > Duration::from_secs(100), "{took:?}");
        assert!(took < Duration::from_secs(400), "{took:?}");
        let failed = &ran.outcomes.steps[&(crate::world::address("queues.billing-inbox"), None)];
        let Outcome::Failed(error) = failed else {
            panic!("{}", ran.story());
        };
        assert!(
            error
                .to_string()
                .contains("Dead letter target does not exist"),
            "{error}"
        );
    });
}

#[test]
fn an_api_whose_endpoint_changes_is_waited_for_before_it_is_imported_and_the_wait_is_told() {
    let text = text_of("marketplace.toml");
    let changed = text.replacen("[apis.orders]\n", "[apis.orders]\nendpoint = \"edge\"\n", 1);
    let more = changed.replacen(
        "[apis.orders.routes]\n",
        "[apis.orders.routes]\n\"GET /more\" = { mock = 200 }\n",
        1,
    );
    assert_ne!(changed, more);
    let (before, after) = (wanted(&[&text]), wanted(&[&more]));
    run(async {
        let sandbox = sandbox_for([&after]).with(Habits {
            migration: Duration::from_mins(4),
            ..Habits::default()
        });
        apply(&before, &sandbox).await;
        let plan = crate::world::plan(&after, &sandbox).await;
        let told = RefCell::new(BTreeSet::new());
        let tell = |event| {
            if let Event::Waiting { why, .. } = event {
                told.borrow_mut().insert(why);
            }
        };
        let reading = crate::world::read(&after, &sandbox).await;
        let seam = Seam::around(&sandbox);
        let ids = reading.live.ids();
        let outcomes = execute::run(&plan, &seam, ids, stream::pending(), &tell).await;
        assert!(outcomes.all_done(), "{outcomes:?}");
        let why = "for API Gateway to finish the change of the API's endpoint (status UPDATING)";
        assert!(told.into_inner().contains(why));
        assert_in_step(&after, &sandbox, "once it is changed").await;
        // Longer than is waited for: the error names the status, and the next run goes on.
        let slow = sandbox_for([&after]).with(Habits {
            migration: Duration::from_mins(20),
            ..Habits::default()
        });
        apply(&before, &slow).await;
        let ran = Command::Apply(&after).with(&slow, []).await;
        assert!(!ran.came_off());
        assert!(ran.story().contains("status UPDATING"), "{}", ran.story());
        sleep(Duration::from_mins(10)).await;
        apply(&after, &slow).await;
        assert_in_step(&after, &slow, "once it is changed").await;
    });
}
