//! How many calls a stack costs, counted at the seam, beside what Terraform makes for the same.
//!
//! The stack is [`stack::text`], on the sandbox: exact and the same on every
//! machine. Terraform's figures are closed forms of what was measured with
//! Terraform 1.15.5 and its AWS provider 3.39.0 behind a counting proxy; newer
//! providers make more calls. The table is that of `docs/calls.md`, word for word:
//! `PROVISION_REWRITE=1 cargo test --test baseline` writes it there anew.

mod onboard;
mod stack;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use provision::cloud::sandbox::Habits;
use provision::cloud::{self, Sandbox, Seam, sns};
use provision::execute;
use provision::graph;
use provision::kinds::survey;
use provision::lower::{self, Desired};
use provision::model::AccountId;
use provision::plan::{Consent, Plan};
use provision::stack::{self as stacks, Source};

/// Consumers and accounts that are measured: those of the page Terraform's figures come from.
const SIZES: [(u64, u64); 4] = [(1, 2), (10, 11), (50, 11), (100, 11)];

/// What is done to the stack, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    FirstApply,
    NoOpPlan,
    OneMore,
    Repair,
    Destroy,
}

impl Act {
    const ALL: [Self; 5] = [
        Self::FirstApply,
        Self::NoOpPlan,
        Self::OneMore,
        Self::Repair,
        Self::Destroy,
    ];

    fn says(self) -> &'static str {
        match self {
            Self::FirstApply => "first apply",
            Self::NoOpPlan => "plan with nothing to do",
            Self::OneMore => "one more consumer",
            Self::Repair => "repair of a tampered topic policy",
            Self::Destroy => "destroy",
        }
    }

    /// Terraform's calls: M = 8 methods on R = 4 resources, n consumers, a provider for each of a accounts.
    fn terraform(self, n: u64, a: u64) -> u64 {
        let (m, r) = (8, 4);
        let no_op = 4 * m + r + 8 + 14 * n + 2 * a;
        match self {
            Self::FirstApply => 6 * m + 2 * r + 14 + 21 * n + 4 * a,
            Self::NoOpPlan => no_op,
            Self::OneMore => no_op + 2 * a + 30,
            Self::Repair => no_op + 2 * a + 2,
            // Of the consumer that came last, too.
            Self::Destroy => 8 * m + 2 * r + 14 + 26 * (n + 1) + 6 * a,
        }
    }

    /// The most that we may need, where a mark is set.
    fn mark(self, n: u64, a: u64) -> Option<u64> {
        match self {
            Self::FirstApply => Some(6 * n + 4 * a + 15),
            Self::NoOpPlan => Some(3 * a + 2 * n + 10),
            Self::OneMore | Self::Repair | Self::Destroy => None,
        }
    }
}

/// Calls by action: `sns:CreateTopic`.
type Calls = BTreeMap<String, u64>;

fn total(calls: &Calls) -> u64 {
    calls.values().sum()
}

fn desired(consumers: u64, accounts: u64) -> Desired {
    let text = stack::text(
        usize::try_from(consumers).expect("a small number"),
        usize::try_from(accounts).expect("a small number"),
    );
    let source = Source {
        name: "baseline.toml".to_owned(),
        text,
    };
    let stack = match stacks::check(&source, &[], &|_| Err("no such file".to_owned())) {
        Ok(stack) => stack,
        Err(faults) => panic!("{}", faults.render(false)),
    };
    let mut desired = lower::lower(&stack).expect("it fits together");
    graph::untie(&mut desired.wants).expect("there is no ring");
    desired
}

fn sandbox(desired: &Desired, propagation: Duration) -> Sandbox {
    let accounts: Vec<AccountId> = desired.places.iter().map(|it| it.id.clone()).collect();
    Sandbox::in_memory(&accounts).with(Habits {
        propagation,
        ..Habits::default()
    })
}

/// One command, as a process of its own would make its calls; it must leave nothing undone.
async fn command(cloud: &Sandbox, desired: &Desired, act: Act) -> Calls {
    // Whatever the last command used of AWS's rates has come back.
    tokio::time::sleep(Duration::from_mins(10)).await;
    let seam = Seam::around(cloud);
    let live = survey::survey(&desired.stack, &desired.wants, &desired.places, &seam)
        .await
        .expect("everything can be read");
    let plan = match act {
        Act::Destroy => Plan::of_destruction(desired, &live.clone().into()),
        _ => Plan::between(desired, &live, &Consent::default()),
    };
    assert_eq!(plan.refusals, [], "{act:?}");
    assert_eq!(plan.is_empty(), act == Act::NoOpPlan, "{act:?}");
    if !plan.is_empty() {
        let outcomes = execute::run(
            &plan,
            &seam,
            live.ids(),
            futures::stream::pending(),
            &|_| {},
        )
        .await;
        assert!(outcomes.all_done(), "{act:?}: {outcomes:?}");
    }
    let ledger = seam.ledger();
    assert_eq!(ledger.throttled(), 0, "{act:?}: AWS's rates were kept to");
    ledger
        .by_action()
        .into_iter()
        .map(|((service, action), count)| (format!("{service}:{action}"), count))
        .collect()
}

/// What somebody does by hand: the topic's policy is written over.
async fn tamper(cloud: &Sandbox, desired: &Desired) {
    let owner = desired
        .places
        .iter()
        .find(|it| it.account == "owner")
        .expect("the owner's account");
    let topic = format!("arn:aws:sns:{}:{}:events", owner.region, owner.id);
    let policy = serde_json::json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "open", "Effect": "Allow", "Principal": {"AWS": "*"},
        "Action": "sns:Publish", "Resource": topic,
    }]});
    let call = sns::SetTopicAttributes {
        arn: topic,
        name: "Policy".to_owned(),
        value: policy.to_string(),
    };
    cloud::call(cloud, owner, call)
        .await
        .expect("it is written");
}

/// The calls of each act.
async fn measure(consumers: u64, accounts: u64, propagation: Duration) -> BTreeMap<Act, Calls> {
    let (first, more) = (
        desired(consumers, accounts),
        desired(consumers + 1, accounts),
    );
    let cloud = sandbox(&more, propagation);
    let mut found = BTreeMap::new();
    for act in Act::ALL {
        let of = match act {
            Act::FirstApply | Act::NoOpPlan => &first,
            Act::OneMore | Act::Repair | Act::Destroy => &more,
        };
        if act == Act::Repair {
            tamper(&cloud, of).await;
        }
        found.insert(act, command(&cloud, of, act).await);
    }
    assert!(cloud.is_empty(), "destroy leaves nothing");
    found
}

/// How many calls there are, by action, in the order of their number.
fn by_action(calls: &Calls) -> String {
    let mut sorted: Vec<(&String, &u64)> = calls.iter().collect();
    sorted.sort_by(|a, b| (b.1, a.0).cmp(&(a.1, b.0)));
    let list: Vec<String> = sorted
        .into_iter()
        .map(|(action, count)| format!("{count} {action}"))
        .collect();
    list.join(", ")
}

fn table(measured: &BTreeMap<u64, BTreeMap<Act, Calls>>) -> String {
    let mut text = "| calls to AWS |".to_owned();
    // Writing to a String cannot fail.
    for (consumers, accounts) in SIZES {
        let plural = if consumers == 1 { "" } else { "s" };
        let _ = write!(text, " {consumers} consumer{plural}, {accounts} accounts |");
    }
    text += "\n|---|";
    text += &"---:|".repeat(SIZES.len());
    text.push('\n');
    for act in Act::ALL {
        let _ = write!(text, "| {} |", act.says());
        for (consumers, accounts) in SIZES {
            let ours = total(&measured[&consumers][&act]);
            let theirs = act.terraform(consumers, accounts);
            let _ = write!(text, " **{ours}** / {theirs} |");
        }
        text.push('\n');
    }
    text
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/calls.md")
}

/// What stands between two marks of the page, and all of it with that replaced.
fn between(text: &str, name: &str, new: &str) -> (String, String) {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = text.split_once(&begin).expect("the mark that begins it");
    let (old, after) = rest.split_once(&end).expect("the mark that ends it");
    (old.to_owned(), format!("{before}{begin}{new}{end}{after}"))
}

#[tokio::test(start_paused = true)]
async fn no_more_calls_are_made_than_the_marks_allow_and_readme_says_how_many() {
    let mut measured = BTreeMap::new();
    let mut above = Vec::new();
    for (consumers, accounts) in SIZES {
        let calls = measure(consumers, accounts, Habits::default().propagation).await;
        for (act, calls) in &calls {
            let (sum, mark) = (total(calls), act.mark(consumers, accounts));
            if mark.is_some_and(|it| sum > it) {
                let by_action = by_action(calls);
                above.push(format!(
                    "{} with {consumers} consumers in {accounts} accounts: {sum} calls, mark {}: {by_action}",
                    act.says(),
                    mark.unwrap_or_default()
                ));
            }
        }
        measured.insert(consumers, calls);
    }
    assert!(above.is_empty(), "{}", above.join("\n"));
    let table = table(&measured);
    let text = std::fs::read_to_string(page()).expect("docs/calls.md");
    let (old, new) = between(&text, "calls", &table);
    if std::env::var_os("PROVISION_REWRITE").is_some() {
        std::fs::write(page(), new).expect("the page is written");
    } else {
        assert_eq!(
            old, table,
            "the table of docs/calls.md is not what was measured"
        );
    }
}

/// One step finds out how soon new roles are seen; the others wait for what it finds.
#[tokio::test(start_paused = true)]
async fn new_roles_that_nobody_sees_yet_cost_a_few_calls_however_many_name_them() {
    for (consumers, accounts) in [(1, 2), (10, 11), (50, 11)] {
        let at_once = measure(consumers, accounts, Duration::ZERO).await;
        let late = measure(consumers, accounts, Habits::default().propagation).await;
        for act in Act::ALL {
            let more = total(&late[&act]) - total(&at_once[&act]);
            assert!(more <= 8, "{act:?}: {more} calls more");
        }
    }
}

#[test]
fn terraforms_closed_forms_give_what_was_measured() {
    let row = |act: Act| -> Vec<u64> {
        SIZES
            .map(|(consumers, accounts)| act.terraform(consumers, accounts))
            .to_vec()
    };
    assert_eq!(row(Act::FirstApply), [99, 324, 1164, 2214]);
    assert_eq!(row(Act::NoOpPlan), [62, 206, 766, 1466]);
    assert_eq!(row(Act::OneMore)[..3], [96, 258, 818]);
    assert_eq!(row(Act::Repair)[..2], [68, 230]);
    assert_eq!(row(Act::Destroy)[..3], [150, 438, 1478]);
}
