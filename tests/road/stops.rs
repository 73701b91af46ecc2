//! How a run ends that is stopped, and what it says of what it began; and how often a destroy deploys.

use std::time::Duration;

use futures::stream::{self, StreamExt};
use provision::cloud::{Sandbox, Seam, apigateway};
use provision::execute::{self, Outcome, Outcomes};
use provision::kinds::survey;
use provision::lower::Desired;
use provision::plan::{Consent, Plan};
use tokio::time::sleep;

use crate::operator::{ORDERS, send};
use crate::world::{apply, assert_in_step, destroy, run, sandbox_for, text_of, wanted};

/// An apply that is stopped after these times, as by ctrl-c.
async fn stopped(desired: &Desired, sandbox: &Sandbox, after: &[u64]) -> (Outcomes, u64) {
    let seam = Seam::around(sandbox);
    let live = survey::survey(&desired.stack, &desired.wants, &desired.reached(), &seam).await;
    let live = live.expect("read");
    let plan = Plan::between(desired, &live, &Consent::default());
    let presses = stream::iter(after.to_vec());
    let presses = presses.then(|it| sleep(Duration::from_millis(it)));
    let presses = presses.chain(stream::pending());
    let outcomes = execute::run(&plan, &seam, live.ids(), presses, &|_| ()).await;
    (outcomes, seam.ledger().writes())
}

#[test]
fn a_run_that_is_left_at_once_says_which_writes_were_accepted_and_which_have_no_answer() {
    let desired = wanted(&[&text_of("marketplace.toml")]);
    let mut unanswered = 0;
    let mut accepted = 0;
    for after in (20..3_000).step_by(40) {
        run(async {
            let sandbox = sandbox_for([&desired]);
            let (outcomes, writes) = stopped(&desired, &sandbox, &[after, 1]).await;
            assert!(outcomes.interrupted, "{after}");
            let told = outcomes.accepted.values().map(Vec::len).sum::<usize>();
            let sent = outcomes.unanswered.values().map(Vec::len).sum::<usize>();
            unanswered += sent;
            accepted += told;
            let done = outcomes.count(|it| *it == Outcome::Done);
            // Whatever was written belongs to a step that is done or is told.
            assert!(
                writes == 0 || done + told + sent > 0,
                "{after}: {writes} writes and nothing told of them: {outcomes:?}"
            );
            let failed = outcomes.count(|it| matches!(it, Outcome::Failed(_)));
            assert_eq!(
                failed, 0,
                "{after}: an interruption is no failure: {outcomes:?}"
            );
            apply(&desired, &sandbox).await;
            assert_in_step(&desired, &sandbox, "the next apply").await;
        });
    }
    assert!(unanswered > 0 && accepted > 0, "{unanswered} {accepted}");
}

#[test]
fn a_run_that_is_stopped_while_it_waits_for_iam_ends_at_once_and_not_as_a_failure() {
    let desired = wanted(&[&text_of("marketplace.toml")]);
    run(async {
        let sandbox = sandbox_for([&desired]);
        let began = tokio::time::Instant::now();
        let (outcomes, _) = stopped(&desired, &sandbox, &[2_000]).await;
        assert!(outcomes.interrupted);
        assert!(
            began.elapsed() < Duration::from_millis(3_500),
            "{:?}",
            began.elapsed()
        );
        let failed = outcomes.count(|it| matches!(it, Outcome::Failed(_)));
        assert_eq!(failed, 0, "{outcomes:?}");
    });
}

#[test]
fn a_destroy_deploys_an_api_of_somebody_elses_once_and_leaves_no_deployment_behind() {
    let owner = wanted(&[&format!(
        "[stack]\nname = \"owner\"\nregion = \"eu-west-1\"\n[accounts.orders]\nid = \"{ORDERS}\"\n\
         [apis.shop]\naccount = \"orders\"\nstage = \"live\"\n[apis.shop.routes]\n\"GET /orders\" = {{ mock = 200 }}\n"
    )]);
    run(async {
        let sandbox = sandbox_for([&owner]);
        apply(&owner, &sandbox).await;
        let list = apigateway::GetRestApis { position: None };
        let id = send(&sandbox, ORDERS, list).await.items[0].id.clone();
        let guest = wanted(&[&format!(
            "[stack]\nname = \"guest\"\nregion = \"eu-west-1\"\n[accounts.orders]\nid = \"{ORDERS}\"\n\
             [roles.guest]\naccount = \"orders\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
             [apis.lent]\naccount = \"orders\"\nexisting = \"{id}\"\nstage = \"live\"\n\
             [[access]]\nfrom = \"roles.guest\"\nto = \"apis.lent\"\nallow = [\"GET /orders\"]\nvia = \"resource-policy\"\n"
        )]);
        apply(&guest, &sandbox).await;
        // Whatever the apply used of AWS's rates has come back.
        sleep(Duration::from_mins(10)).await;
        let ran = destroy(&guest, &sandbox).await;
        let count = |action: &str| {
            let calls = ran.records.iter().filter(|it| it.action == action);
            calls.count()
        };
        assert_eq!(count("CreateDeployment"), 1, "{}", ran.story());
        assert_eq!(count("UpdateRestApi"), 1, "{}", ran.story());
        assert_eq!(count("DeleteDeployment"), 1, "{}", ran.story());
        let list = apigateway::GetDeployments { id, position: None };
        let left = send(&sandbox, ORDERS, list).await.items;
        assert_eq!(left.len(), 1, "{left:?}");
        let nothing = destroy(&guest, &sandbox).await;
        assert_eq!(nothing.ledger.writes(), 0, "{}", nothing.story());
    });
}
