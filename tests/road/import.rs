//! A stack whose file is lost is written anew from what is live, and is as it was.

use std::collections::{BTreeMap, BTreeSet};

use provision::cloud::seam::{FaultRule, Trouble};
use provision::cloud::{Cloud, Seam};
use provision::import::{self, AccountEntry, Order, Written};
use provision::kinds::survey::census::census;
use provision::lower::Desired;
use provision::model::{Mark, Place};

use crate::world::{all_stacks, apply, changes, destroy, plan, run, sandbox_for, spoken, wanted};

/// An account of every id, by the first of its names.
fn accounts(places: &BTreeSet<Place>) -> Vec<AccountEntry> {
    let mut entries: Vec<AccountEntry> = Vec::new();
    for place in places {
        if !entries.iter().any(|it| it.place.id == place.id) {
            entries.push(AccountEntry {
                place: place.clone(),
                role: Some("provision".to_owned()),
            });
        }
    }
    entries
}

/// What is written from the marks of a stack.
pub(crate) async fn written(desired: &Desired, cloud: &dyn Cloud) -> Written {
    let accounts = accounts(&desired.places);
    let places = accounts.iter().map(|it| it.place.clone()).collect();
    let stack = desired.stack.as_str();
    let ours = |it: &provision::kinds::survey::census::Candidate<'_>| {
        let mark = it.tags.and_then(Mark::read);
        mark.is_some_and(|it| it.stack == stack)
    };
    let census = census(stack, &places, &ours, cloud).await.expect("read");
    let order = Order {
        stack,
        accounts: &accounts,
        names: &BTreeMap::new(),
        lent: &BTreeMap::new(),
    };
    import::write(&order, &census).expect("written")
}

#[test]
fn a_lost_file_of_every_stack_comes_back_from_what_is_live() {
    for (name, desired) in all_stacks() {
        run(async {
            let sandbox = sandbox_for([&desired]);
            apply(&desired, &sandbox).await;
            let picture = sandbox.picture();

            let written = written(&desired, &sandbox).await;
            assert_eq!(written.adopt, []);
            let mut text = written.text.clone();
            if name == "openapi.toml" {
                // AWS does not keep the author's document. It is said, and named again nothing differs.
                assert_eq!(written.left_out[0].what, "apis.orders");
                assert!(written.left_out[0].why.contains("OpenAPI document"));
                let (head, rest) = text.split_once("[apis.orders.routes]").expect("routes");
                let (_, rest) = rest.split_once("\n\n").expect("their end");
                text = format!(
                    "{}\n\n{rest}",
                    head.replace(
                        "[apis.orders]",
                        "[apis.orders]\nopenapi = \"openapi/orders.yaml\"\npublic = [\"GET /health\"]"
                    )
                );
            } else {
                assert_eq!(written.left_out, [], "{name}\n{text}");
            }
            let again = wanted(&[&text]);
            let addresses = |it: &Desired| it.wants.keys().cloned().collect::<Vec<_>>();
            assert_eq!(addresses(&again), addresses(&desired), "{name}");
            let plan = plan(&again, &sandbox).await;
            assert_eq!(plan.refusals, [], "{name}\n{text}");
            assert_eq!(
                spoken(&plan),
                Vec::<String>::new(),
                "{name}: {:#?}\n{text}",
                changes(&plan)
            );
            assert_eq!(sandbox.picture(), picture, "{name}");

            destroy(&again, &sandbox).await;
            assert!(sandbox.is_empty(), "{name}: {:#}", sandbox.picture());
        });
    }
}

#[test]
fn a_subscription_that_aws_shows_to_no_account_is_named_and_stays_in_the_file() {
    run(async {
        let desired = wanted(&[r#"
[stack]
name = "s"
region = "eu-west-1"
[accounts.a]
id = "111111111111"
[topics.events]
[queues.inbox]
subscribe = { topic = "events", raw = true }
"#]);
        let sandbox = sandbox_for([&desired]);
        apply(&desired, &sandbox).await;
        let denied = FaultRule {
            action: Some("GetSubscriptionAttributes".to_owned()),
            ..FaultRule::new(Trouble::Deny)
        };
        let found = written(&desired, &Seam::around(&sandbox).failing(vec![denied])).await;
        assert!(
            found.text.contains("subscribe = \"events\""),
            "{}",
            found.text
        );
        let [left] = found.left_out.as_slice() else {
            panic!("{:?}", found.left_out)
        };
        assert_eq!(left.what, "subscriptions.inbox.events");
        assert!(
            left.why.contains("its settings could not be read")
                && left
                    .why
                    .contains("without `raw`, `filter` and `dead_letter`"),
            "{}",
            left.why
        );
        // Nothing that the file says takes the subscription away.
        let file = wanted(&[&found.text]);
        let planned = plan(&file, &sandbox).await;
        assert_eq!(spoken(&planned), ["~ subscriptions.inbox.events raw"]);
    });
}
