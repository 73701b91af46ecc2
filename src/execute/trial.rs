//! A plan carried out in a sandbox that holds what was read, before it is carried out in earnest.
//!
//! Unlike [`super::rehearse`](mod@super::rehearse), which counts the calls against a cloud that agrees to everything, a trial meets the
//! sandbox's rules: its rates and latencies, principals that take a while to be known, documents and quotas. It runs on a
//! clock of its own that jumps over every wait, in memory, so that it writes nothing and ends alike each time.

use std::time::Duration;

use futures::stream;
use tokio::time::Instant;

use super::lease::{Ground, Holder, LeaseError, TERM};
use super::outcome::{Outcome, Outcomes};
use super::run::run;
use crate::cloud::seam::Ledger;
use crate::cloud::{CallError, Cloud as _, Sandbox, Seam};
use crate::model::{Address, Place};
use crate::plan::Plan;

/// How a trial ended.
#[derive(Debug, Default)]
pub struct Trial {
    /// How each step did.
    pub outcomes: Outcomes,
    /// What was called, the lease among it.
    pub ledger: Ledger,
    /// How long it took, of the sandbox's time.
    pub took: Duration,
    /// Why the lease could not be taken, where it could not: then nothing was carried out.
    pub lease: Option<CallError>,
}

impl Trial {
    /// Whether something was refused. What waits for another stack is not.
    #[must_use]
    pub fn failed(&self) -> bool {
        let steps = &self.outcomes.steps;
        let awaited = |root: &Address| {
            let of = steps.iter().filter(|((address, _), _)| address == root);
            of.into_iter()
                .all(|(_, it)| matches!(it, Outcome::Awaits(_)))
        };
        let is_right = |it: &Outcome| match it {
            Outcome::Done | Outcome::Awaits(_) => true,
            Outcome::Skipped(root) => awaited(root),
            Outcome::Failed(_) | Outcome::NotStarted => false,
        };
        self.lease.is_some() || !steps.values().all(is_right)
    }
}

/// Carries a plan out in a sandbox, under a lease where one is to be taken.
///
/// It runs on a thread of its own: the clock that it pauses must be nobody else's.
#[must_use]
pub fn trial(
    plan: &Plan,
    ids: std::collections::BTreeMap<Address, String>,
    sandbox: Sandbox,
    lease: Option<&Place>,
) -> Trial {
    let carried = move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build();
        runtime.map(|it| it.block_on(carried_out(plan, ids, sandbox, lease)))
    };
    let ended = std::thread::scope(|threads| threads.spawn(carried).join());
    match ended {
        Ok(Ok(trial)) => trial,
        Ok(Err(error)) => unreachable!("a clock needs nothing of the system: {error}"),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

async fn carried_out(
    plan: &Plan,
    ids: std::collections::BTreeMap<Address, String>,
    sandbox: Sandbox,
    lease: Option<&Place>,
) -> Trial {
    let began = Instant::now();
    let cloud = Seam::around(sandbox);
    let clock = || cloud.now();
    let mut trial = Trial::default();
    let mut held = None;
    if let Some(at) = lease {
        let ground = Ground::of(&plan.stack, at, &cloud, &clock);
        match ground.take(holder(clock()), &|_| false).await {
            Ok((lease, _)) => held = Some(lease),
            Err(LeaseError::Call(error)) => trial.lease = Some(error),
            Err(error) => unreachable!("no lease is in a learned sandbox: {error}"),
        }
    }
    if trial.lease.is_none() {
        let lost = async {
            match &held {
                Some(lease) => drop(lease.keep().await),
                None => std::future::pending().await,
            }
        };
        trial.outcomes = run(plan, &cloud, ids, stream::once(lost), &|_| ()).await;
        if let Some(lease) = &held {
            trial.lease = lease.release().await.err();
        }
    }
    trial.ledger = cloud.ledger();
    trial.took = began.elapsed();
    trial
}

/// The run of a trial, as a lease names it.
fn holder(now: i64) -> Holder {
    Holder {
        run: "trial".to_owned(),
        user: "trial".to_owned(),
        host: "sandbox".to_owned(),
        process: "0".to_owned(),
        command: "plan".to_owned(),
        since: now,
        until: now + TERM,
    }
}
