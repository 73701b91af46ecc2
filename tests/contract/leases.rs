//! The lease of a stack: who gets it, who is told, and who cannot give away what is another's.

use std::cell::Cell;

use provision::cloud::Fault;
use provision::cloud::iam::{CreatePolicy, DeletePolicy};
use provision::execute::lease::{Ground, Holder, Lease, LeaseError, TERM};
use provision::model::Place;

use super::{World, scenarios};

scenarios!(
    one_run_holds_a_lease_and_the_next_is_shown_who,
    of_runs_that_begin_at_once_one_gets_it,
    a_lease_that_is_over_is_taken_over_by_one_run,
    a_run_that_is_dead_is_followed_at_once,
    a_renewal_tells_a_run_that_its_lease_was_taken,
    an_unlocked_run_notices_and_the_next_one_clears_up,
    a_policy_of_that_name_that_is_no_lease_is_named,
);

const NOON: i64 = 1_790_000_000;

fn holder(run: &str, since: i64) -> Holder {
    Holder {
        run: run.to_owned(),
        user: "deployer".to_owned(),
        host: "build-7".to_owned(),
        process: "4711 815 5b6c".to_owned(),
        command: "drift --revert".to_owned(),
        since,
        until: since + TERM,
    }
}

fn alive(_: &Holder) -> bool {
    false
}

/// Takes the lease of the stack `shop` in an account.
async fn take<'a>(
    world: &'a World<'_>,
    at: &Place,
    clock: &'a dyn Fn() -> i64,
    run: &str,
) -> Result<(Lease<'a>, Option<Holder>), LeaseError> {
    let ground = Ground::of("shop", at, world.cloud, clock);
    ground.take(holder(run, clock()), &alive).await
}

/// Returns the run that holds the lease.
async fn held_by(world: &World<'_>, at: &Place) -> Option<String> {
    let ground = Ground::of("shop", at, world.cloud, &|| NOON);
    let found = ground.read().await.expect("it is read");
    found.map(|it| it.holder.run)
}

async fn one_run_holds_a_lease_and_the_next_is_shown_who(world: &World<'_>) {
    let clock = || NOON;
    let (lease, before) = take(world, &world.a, &clock, "one").await.expect("free");
    assert_eq!(before, None);
    let refused = take(world, &world.a, &clock, "two")
        .await
        .expect_err("held");
    assert_eq!(
        refused,
        LeaseError::Held(Box::new(holder("one", NOON))),
        "all that the holder said is shown"
    );
    let (elsewhere, _) = take(world, &world.b, &clock, "three").await.expect("free");
    lease.release().await.expect("given back");
    assert_eq!(held_by(world, &world.a).await, None);
    let (next, before) = take(world, &world.a, &clock, "two").await.expect("free");
    assert_eq!(before, None);
    next.release().await.expect("given back");
    elsewhere.release().await.expect("given back");
}

async fn of_runs_that_begin_at_once_one_gets_it(world: &World<'_>) {
    let clock = || NOON;
    let names: Vec<String> = (0..8).map(|it| format!("run {it}")).collect();
    let runs = names.iter().map(|it| take(world, &world.a, &clock, it));
    let (won, lost): (Vec<_>, Vec<_>) = futures::future::join_all(runs)
        .await
        .into_iter()
        .partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 7));
    for error in lost {
        assert!(matches!(error, Err(LeaseError::Held(_))), "{error:?}");
    }
}

async fn a_lease_that_is_over_is_taken_over_by_one_run(world: &World<'_>) {
    let time = Cell::new(NOON);
    let clock = || time.get();
    let (old, _) = take(world, &world.a, &clock, "old").await.expect("free");
    // Clocks differ: for two minutes more it is left to its holder.
    time.set(NOON + TERM + 100);
    let refused = take(world, &world.a, &clock, "new").await;
    assert!(matches!(refused, Err(LeaseError::Held(_))), "{refused:?}");
    time.set(NOON + TERM + 120);
    let names: Vec<String> = (0..4).map(|it| format!("new {it}")).collect();
    let runs = names.iter().map(|it| take(world, &world.a, &clock, it));
    let taken = futures::future::join_all(runs).await;
    let mut won: Vec<_> = taken.into_iter().filter_map(Result::ok).collect();
    assert_eq!(won.len(), 1, "of those that see it over, one gets it");
    let (new, before) = won.pop().expect("one");
    assert_eq!(before.map(|it| it.run), Some("old".to_owned()));
    let name = held_by(world, &world.a).await;
    // The old run wakes up, and cannot give away what is not its own.
    old.release().await.expect_err("another run holds it");
    assert_eq!(held_by(world, &world.a).await, name);
    new.release().await.expect("given back");
    assert_eq!(held_by(world, &world.a).await, None);
}

async fn a_run_that_is_dead_is_followed_at_once(world: &World<'_>) {
    let clock = || NOON;
    let _killed = take(world, &world.a, &clock, "killed").await.expect("free");
    let ground = Ground::of("shop", &world.a, world.cloud, &clock);
    let is_dead = |it: &Holder| it.run == "killed";
    let taken = ground.take(holder("next", NOON), &is_dead).await;
    let (next, before) = taken.expect("taken over");
    assert_eq!(before.map(|it| it.run), Some("killed".to_owned()));
    next.release().await.expect("given back");
    assert_eq!(held_by(world, &world.a).await, None);
}

async fn a_renewal_tells_a_run_that_its_lease_was_taken(world: &World<'_>) {
    let time = Cell::new(NOON);
    let clock = || time.get();
    let (old, _) = take(world, &world.a, &clock, "old").await.expect("free");
    time.set(NOON + TERM / 2);
    assert_eq!(old.renew().await, Ok(true));
    // Renewed for twice the time, which is over in the end.
    time.set(NOON + TERM / 2 + 2 * TERM);
    let refused = take(world, &world.a, &clock, "new").await;
    assert!(matches!(refused, Err(LeaseError::Held(_))), "{refused:?}");
    time.set(NOON + TERM / 2 + 2 * TERM + 120);
    let (new, _) = take(world, &world.a, &clock, "new").await.expect("over");
    assert_eq!(old.renew().await, Ok(false));
    assert_eq!(held_by(world, &world.a).await.as_deref(), Some("new"));
    old.release().await.expect("it knows that it has none");
    assert_eq!(new.renew().await, Ok(true));
    new.release().await.expect("given back");
    assert_eq!(held_by(world, &world.a).await, None);
}

async fn an_unlocked_run_notices_and_the_next_one_clears_up(world: &World<'_>) {
    let clock = || NOON;
    let (old, _) = take(world, &world.a, &clock, "old").await.expect("free");
    let ground = Ground::of("shop", &world.a, world.cloud, &clock);
    let found = ground.read().await.expect("read").expect("held");
    ground.unlock(&found, true).await.expect("unlocked");
    let (new, _) = take(world, &world.a, &clock, "new").await.expect("free");
    assert_eq!(old.renew().await, Ok(false));
    assert_eq!(held_by(world, &world.a).await.as_deref(), Some("new"));
    let found = ground.read().await.expect("read").expect("held");
    ground.unlock(&found, false).await.expect("removed");
    assert_eq!(held_by(world, &world.a).await, None);
    assert_eq!(
        new.renew().await,
        Ok(false),
        "a lease that is gone is noticed"
    );
}

async fn a_policy_of_that_name_that_is_no_lease_is_named(world: &World<'_>) {
    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sns:Publish","Resource":"*"}]}"#;
    let other = CreatePolicy {
        name: "provision-lease-shop".to_owned(),
        path: "/provision-lease/".to_owned(),
        document: document.to_owned(),
        description: String::new(),
    };
    let arn = world.ok(&world.a, other).await;
    let clock = || NOON;
    let refused = take(world, &world.a, &clock, "one").await;
    let refused = refused.expect_err("it is no lease").to_string();
    assert!(refused.contains("is no lease"), "{refused}");
    let delete = || DeletePolicy { arn: arn.clone() };
    world.ok(&world.a, delete()).await;
    world.refused(&world.a, Fault::Missing, delete()).await;
}
