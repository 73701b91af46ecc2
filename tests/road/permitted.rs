//! The policy that `permissions` prints is enough for a whole life of a stack, and none of it is too much.

use std::collections::{BTreeMap, BTreeSet};

use provision::cloud::{Sandbox, Seam};
use provision::execute::lease::{Ground, Holder, TERM};
use provision::kinds::survey::endpoints;
use provision::lower::Desired;
use provision::model::AccountId;
use provision::permissions::{Purpose, fitting, lease_place, length, policy};
use provision::policy::{Clause, Decision, Document, Policies, Request, Statement, decide};
use provision::stack::Stack;

use crate::coverage::stack::{BARE, FULL, otherwise, whole};
use crate::operator::remake_role;
use crate::overflow::small_text;
use crate::tamperings::{TABLE, put_back, sealed};
use crate::world::{
    Command, Ran, address, apply, checked, destroy, drift, drift_in, read, run, sandbox_for,
    text_of, wanted,
};

/// A stack, with what it wants.
struct Both {
    stack: Stack,
    desired: Desired,
}

impl Both {
    fn of(texts: &[&str]) -> Self {
        Self {
            stack: checked(texts),
            desired: wanted(texts),
        }
    }

    fn policies(&self, purpose: Purpose) -> BTreeMap<AccountId, Document> {
        let ids = self.desired.places.iter().map(|it| it.id.clone());
        ids.map(|id| (id.clone(), policy(&self.stack, &self.desired, &id, purpose)))
            .collect()
    }

    /// Lets every account be entered by the role that the program says it needs.
    fn enter(&self, sandbox: &Sandbox) {
        for (id, policy) in self.policies(Purpose::Apply) {
            sandbox.limit(&id, Some(vec![policy]));
        }
    }

    fn leave(&self, sandbox: &Sandbox) {
        self.desired
            .places
            .iter()
            .for_each(|it| sandbox.limit(&it.id, None));
    }
}

fn marketplace() -> Both {
    Both::of(&[&text_of("marketplace.toml"), &sealed()])
}

/// The run of a lease that holds it from now on.
fn holder(run: &str, now: i64) -> Holder {
    Holder {
        run: run.to_owned(),
        user: "ci".to_owned(),
        host: "build".to_owned(),
        process: "1".to_owned(),
        command: "apply".to_owned(),
        since: now,
        until: now + TERM,
    }
}

/// Takes a lease, renews it, takes it over, and gives it back.
async fn hold_the_lease(both: &Both, sandbox: &Sandbox) {
    let at = lease_place(&both.stack, &both.desired.unreachable).expect("an account");
    let now = std::cell::Cell::new(1_000);
    let clock = || now.get();
    let ground = || Ground::of(&both.stack.name, at, sandbox, &clock);
    let alive = |_: &Holder| false;
    let (lease, _) = ground()
        .take(holder("first", now.get()), &alive)
        .await
        .expect("free");
    for _ in 0..6 {
        assert_eq!(lease.renew().await, Ok(true));
    }
    now.set(1_000_000);
    let (next, before) = ground()
        .take(holder("next", now.get()), &alive)
        .await
        .expect("over");
    assert_eq!(before.map(|it| it.run).as_deref(), Some("first"));
    assert_eq!(lease.renew().await, Ok(false));
    next.release().await.expect("given back");
}

/// What a run lacked.
fn lacks(ran: &Ran) -> Option<String> {
    let denied = ran.records.iter().find(|it| {
        it.outcome
            .as_ref()
            .is_err_and(|it| it.message.contains("is not authorized"))
    });
    denied.map(|it| format!("{it}"))
}

#[test]
fn every_tampering_is_put_back_by_the_role_that_is_printed() {
    let both = marketplace();
    let mut wrong = Vec::new();
    for row in TABLE {
        let left = run(async {
            let sandbox = sandbox_for([&both.desired]);
            both.enter(&sandbox);
            apply(&both.desired, &sandbox).await;
            both.leave(&sandbox);
            (row.deed)(&sandbox).await;
            both.enter(&sandbox);
            let reading = read(&both.desired, &Seam::around(&sandbox)).await;
            let found = drift_in(&both.desired, &reading);
            put_back(&both.desired, &reading, &found, &Seam::around(&sandbox)).await;
            let left = drift(&both.desired, &Seam::around(&sandbox)).await;
            (!left.findings.is_empty()).then(|| format!("left {:#?}", left.findings))
        });
        wrong.extend(left.map(|it| format!("{:?}, {}: {it}", row.of, row.name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Roles with policies of AWS's own, in every account.
const ATTACHED: &str = "[roles.invoicer]\nattach = \"arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole\"\n\
        [roles.packer]\naccount = \"orders\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
        attach = \"arn:aws:iam::aws:policy/AmazonSQSFullAccess\"\n";

/// The marketplace as it begins.
fn beginning() -> Both {
    // A role on a path of its own is found by its mark alone, once it left the stack.
    let elsewhere = "[roles.checkout]\npath = \"/shop/\"\nattach = \"arn:aws:iam::aws:policy/AdministratorAccess\"\n";
    Both::of(&[&text_of("marketplace.toml"), &sealed(), ATTACHED, elsewhere])
}

/// A life of the marketplace: what was lacking, or everything that IAM was asked.
///
/// `change` is done to the policy of each account before anything is called.
async fn life(
    change: &dyn Fn(&AccountId, Document) -> Document,
) -> Result<BTreeSet<(AccountId, Request)>, String> {
    let both = beginning();
    let text = text_of("marketplace.toml");
    let after = text
        .replace("topics.order-events", "topics.happenings")
        .replace("\"order-events\"", "\"happenings\"");
    let after = after
        .replace("billing-inbox", "billing-box")
        .replace("roles.checkout", "roles.till");
    let after = Both::of(&[&after, &sealed(), ATTACHED]);
    let sandbox = sandbox_for([&both.desired]);
    for stage in [&both, &after] {
        for (id, policy) in stage.policies(Purpose::Apply) {
            sandbox.limit(&id, Some(vec![change(&id, policy)]));
        }
        let lease = lease_place(&stage.stack, &BTreeSet::new())
            .expect("an account")
            .clone();
        let now = || 1_000;
        let ground = Ground::of(&stage.stack.name, &lease, &sandbox, &now);
        let taken = ground.take(holder("run", 1_000), &|_| false).await;
        let (held, _) = taken.map_err(|it| it.to_string())?;
        for command in [
            Command::Apply(&stage.desired),
            Command::Apply(&stage.desired),
        ] {
            let ran = command.with(&sandbox, []).await;
            if let Some(why) = lacks(&ran) {
                return Err(why);
            }
            if !ran.came_off() {
                return Err(ran.story());
            }
        }
        held.release().await.map_err(|it| it.to_string())?;
        let seam = Seam::around(&sandbox);
        let drift = drift(&stage.desired, &seam).await;
        if let Some(why) = drift.findings.first() {
            return Err(format!("{why:?}"));
        }
    }
    let ran = Command::Destroy(&after.desired).with(&sandbox, []).await;
    match lacks(&ran) {
        Some(why) => Err(why),
        None if ran.came_off() && sandbox.is_empty() => Ok(sandbox.asked()),
        None => Err(ran.story()),
    }
}

#[test]
fn a_life_of_the_marketplace_needs_every_statement_and_no_other() {
    run(async {
        life(&|_, it| it).await.expect("it is enough");
        let mut spare = Vec::new();
        let mut tried = 0;
        let both = beginning();
        for (id, policy) in both.policies(Purpose::Apply) {
            for at in 0..policy.statements.len() {
                tried += 1;
                let gone = &policy.statements[at];
                let without = |of: &AccountId, mut policy: Document| {
                    if *of == id {
                        // The second stage of the life has other names in the same place.
                        policy.statements.retain(|it| it.action != gone.action);
                    }
                    policy
                };
                if life(&without).await.is_ok() {
                    spare.push(format!("{id}: {}", gone.to_value()));
                }
            }
        }
        assert!(tried > 15, "{tried}");
        assert!(
            spare.is_empty(),
            "{tried} tried; not needed:\n{}",
            spare.join("\n")
        );
    });
}

/// Goes through these stacks, entering each account with what the policy of each stack allows, and destroys the last.
async fn through(stages: &[&Both], asked: &mut BTreeSet<(AccountId, Request)>) {
    let all = stages.iter().map(|it| &it.desired);
    let sandbox = sandbox_for(all);
    for (at, both) in stages.iter().enumerate() {
        both.enter(&sandbox);
        let ran = apply(&both.desired, &sandbox).await;
        // The key of before is another file's: without it less is proved, and nothing fails.
        let lacking = lacks(&ran).filter(|it| !it.contains(" kms:DescribeKey "));
        assert_eq!(lacking, None, "stage {at}");
        let left = drift(&both.desired, &Seam::around(&sandbox)).await;
        assert_eq!(left.findings, [], "stage {at}");
        // The sandbox has none of them, and answers all the same.
        endpoints::read(&sandbox, &both.desired.endpoints_of(&both.stack)).await;
        if at == 1 {
            both.leave(&sandbox);
            // A role that is made anew makes documents that name it be written again.
            if both.desired.wants.contains_key(&address("roles.worker")) {
                remake_role(&sandbox, "111111111111", "worker").await;
            }
            both.enter(&sandbox);
            let _ran = Command::Apply(&both.desired).with(&sandbox, []).await;
        }
    }
    let last = stages.last().expect("a stage");
    hold_the_lease(last, &sandbox).await;
    destroy(&last.desired, &sandbox).await;
    assert!(sandbox.is_empty());
    asked.extend(sandbox.asked());
}

#[test]
fn a_stack_of_every_feature_lives_by_the_policy_and_every_action_of_it_is_asked_for() {
    let (full, bare, other) = (
        Both::of(&[&whole(FULL)]),
        Both::of(&[&whole(BARE)]),
        Both::of(&[&otherwise()]),
    );
    let (few, many) = (Both::of(&[&small_text(20)]), Both::of(&[&small_text(24)]));
    let mut asked = BTreeSet::new();
    run(async {
        through(
            &[&full, &full, &bare, &full, &other, &full, &bare, &full],
            &mut asked,
        )
        .await;
        through(&[&few, &few, &many, &few], &mut asked).await;
        asked.extend(life(&|_, it| it).await.expect("it is enough"));
    });
    let mut used: BTreeMap<String, bool> = BTreeMap::new();
    for both in [&full, &bare, &other, &few, &many, &marketplace()] {
        for (id, policy) in both.policies(Purpose::Apply) {
            for statement in policy.statements {
                for action in &statement.action.values {
                    let alone = Statement {
                        action: Clause::of([action]),
                        ..statement.clone()
                    };
                    let alone = Document::of(vec![alone]);
                    let is_used = asked.iter().any(|(of, it)| *of == id && allows(&alone, it));
                    *used.entry(action.clone()).or_default() |= is_used;
                }
            }
        }
    }
    // It is asked for where a document is over what IAM allows first: see `quotas`.
    used.remove("iam:GetAccountSummary");
    let idle: Vec<&String> = used
        .iter()
        .filter(|(_, it)| !**it)
        .map(|(it, _)| it)
        .collect();
    assert_eq!(idle, Vec::<&String>::new(), "never asked for");
    assert!(used.len() > 50, "{used:?}");
}

fn allows(policy: &Document, request: &Request) -> bool {
    // The policy of a key must say yes in any case: it hands over to the account.
    let account = request.owner().expect("an account");
    let own = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "kms:*", "Resource": "*",
            "Principal": {{"AWS": "arn:aws:iam::{account}:root"}}}}]}}"#
    );
    let resource = request
        .action
        .starts_with("kms:")
        .then(|| Document::parse(&own).expect("a policy"));
    let policies = Policies {
        identity: vec![policy.clone()],
        resource,
        ..Policies::default()
    };
    decide(request, &policies).decision == Decision::Allow
}

#[test]
fn who_only_reads_is_allowed_no_write() {
    let both = marketplace();
    run(async {
        let sandbox = sandbox_for([&both.desired]);
        apply(&both.desired, &sandbox).await;
        for (id, policy) in both.policies(Purpose::Read) {
            sandbox.limit(&id, Some(vec![policy]));
        }
        assert_eq!(
            drift(&both.desired, &Seam::around(&sandbox)).await.findings,
            []
        );
        assert!(
            Command::Apply(&both.desired)
                .done(&sandbox)
                .await
                .plan()
                .is_empty()
        );
        let destroyed = Command::Destroy(&both.desired).with(&sandbox, []).await;
        assert!(lacks(&destroyed).is_some(), "{}", destroyed.story());
        let ledger = destroyed
            .records
            .iter()
            .filter(|it| it.writes && it.outcome.is_ok());
        assert_eq!(ledger.count(), 0);
    });
}

#[test]
fn a_policy_that_is_too_long_is_split_and_says_the_same() {
    let both = Both::of(&[&small_text(60)]);
    let mut split = 0;
    for (id, whole) in both.policies(Purpose::Apply) {
        let parts = fitting(&whole);
        split += usize::from(parts.len() > 1);
        assert!(parts.iter().all(|it| !length(it).is_over()), "{id}");
        let pairs = |all: &[Document]| -> BTreeSet<(String, String)> {
            let statements = all.iter().flat_map(|it| &it.statements);
            let pair = |it: &Statement| {
                let resources = it.resource.clone().expect("resources").values;
                let actions = it.action.values.clone();
                let pairs = actions.into_iter().flat_map(move |action| {
                    resources
                        .clone()
                        .into_iter()
                        .map(move |on| (action.clone(), on))
                });
                pairs.collect::<Vec<_>>()
            };
            statements.flat_map(pair).collect()
        };
        assert_eq!(pairs(&parts), pairs(&[whole]));
    }
    assert_eq!(split, 1, "one account has sixty topics with long names");
}
