//! What fails takes only its dependants with it; the rest is done, and the next apply arrives.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use futures::future::LocalBoxFuture;
use provision::cloud::{Answer, CallError, Cloud, Fault, Request, Sandbox};
use provision::execute::Outcome;
use provision::graph;
use provision::model::{Address, Place};

use crate::sweep::difference;
use crate::world::{Command, all_stacks, apply, assert_in_step, run, sandbox_for, text_of, wanted};

/// A cloud that refuses one call by what it says, and carries out all others.
struct Refusing<'a> {
    cloud: &'a Sandbox,
    refused: String,
    writes: RefCell<BTreeSet<String>>,
}

impl<'a> Refusing<'a> {
    fn new(cloud: &'a Sandbox, refused: &str) -> Self {
        Self {
            cloud,
            refused: refused.to_owned(),
            writes: RefCell::default(),
        }
    }
}

/// What a call is about, whatever ids AWS chose and whatever else it carries.
fn about(at: &Place, request: &Request) -> String {
    let text = format!("{request:?}");
    let names = ["name: \"", "arn: \"", "id: \"", "topic: \"", "policy: \""];
    let named: Vec<&str> = names
        .iter()
        .filter_map(|it| text.split_once(it)?.1.split('"').next())
        .filter(|it| it.len() < 120)
        .collect();
    format!("{} {} {}", at.id, request.action(), named.join(" "))
}

impl Cloud for Refusing<'_> {
    fn send<'s>(
        &'s self,
        at: &'s Place,
        request: Request,
    ) -> LocalBoxFuture<'s, Result<Answer, CallError>> {
        let about = about(at, &request);
        if request.writes() {
            self.writes.borrow_mut().insert(about.clone());
        }
        if about == self.refused {
            let message = "the caller is not authorized to perform this action";
            let error = CallError::new(Fault::Denied, "AccessDenied", message);
            return Box::pin(async { Err(error) });
        }
        self.cloud.send(at, request)
    }

    fn now(&self) -> i64 {
        Cloud::now(self.cloud)
    }
}

#[test]
fn a_refused_write_takes_only_what_needs_it_along() {
    let mut runs = 0;
    let mut skipped_in_all = 0;
    for (name, desired) in all_stacks() {
        run(async {
            let sandbox = sandbox_for([&desired]);
            let free = Refusing::new(&sandbox, "");
            apply(&desired, &free).await;
            let end = sandbox.picture();
            for refused in free.writes.take() {
                runs += 1;
                let sandbox = sandbox_for([&desired]);
                let cloud = Refusing::new(&sandbox, &refused);
                let first = Command::Apply(&desired).with(&cloud, []).await;
                let told = || format!("{name}: {refused}\n{}", first.story());
                let failed: BTreeSet<&Address> = first
                    .outcomes
                    .steps
                    .iter()
                    .filter(|(_, it)| matches!(it, Outcome::Failed(_)))
                    .map(|((address, _), _)| address)
                    .collect();
                assert_eq!(failed.len(), 1, "{}", told());
                let root = (*failed.first().expect("one")).clone();
                let needing = dependants(first.plan(), &root);
                for ((address, _), outcome) in &first.outcomes.steps {
                    match outcome {
                        Outcome::Done => {}
                        Outcome::Failed(_) => assert_eq!(*address, root),
                        Outcome::Skipped(of) => {
                            skipped_in_all += 1;
                            assert_eq!(*of, root, "{}", told());
                            assert!(needing.contains(address), "{address} needs not\n{}", told());
                        }
                        Outcome::Awaits(_) | Outcome::NotStarted => {
                            panic!("{address} was not tried\n{}", told())
                        }
                    }
                }
                assert!(!first.outcomes.interrupted);
                let second = Command::Apply(&desired).with(&sandbox, []).await;
                assert!(second.came_off(), "{}\nthen\n{}", told(), second.story());
                assert_eq!(difference(&end, &sandbox.picture()), None, "{}", told());
                assert_in_step(&desired, &sandbox, &told()).await;
            }
        });
    }
    println!("{runs} runs; {skipped_in_all} steps were skipped in them");
    assert!(runs > 60 && skipped_in_all > 40);
}

/// Every address with a task that waits for one of `root`'s, however far.
fn dependants(plan: &provision::plan::Plan, root: &Address) -> BTreeSet<Address> {
    let tasks: graph::Tasks = plan.tasks();
    let mut found: BTreeSet<Address> = BTreeSet::new();
    let mut to_do: Vec<_> = tasks
        .node_indices()
        .filter(|it| tasks[*it].address == *root)
        .collect();
    let mut seen: BTreeSet<_> = to_do.iter().copied().collect();
    while let Some(node) = to_do.pop() {
        for after in tasks.neighbors(node) {
            if seen.insert(after) {
                found.insert(tasks[after].address.clone());
                to_do.push(after);
            }
        }
    }
    found
}

#[test]
fn a_refused_access_role_leaves_every_other_access_whole() {
    let desired = wanted(&[&text_of("marketplace.toml")]);
    run(async {
        let sandbox = sandbox_for([&desired]);
        let refused = "333333333333 CreateRole marketplace-orders-for-invoicer";
        let cloud = Refusing::new(&sandbox, refused);
        let first = Command::Apply(&desired).with(&cloud, []).await;
        let of: BTreeMap<String, &Outcome> = first
            .outcomes
            .steps
            .iter()
            .map(|((address, _), it)| (address.to_string(), it))
            .collect();
        let not_done: Vec<&String> = of
            .iter()
            .filter(|(_, it)| ***it != Outcome::Done)
            .map(|(address, _)| address)
            .collect();
        assert_eq!(not_done, ["roles.orders-for-invoicer"], "{}", first.story());
    });
}
