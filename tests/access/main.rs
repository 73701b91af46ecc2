//! Access is real: what a stack declares comes off, and nothing else does.
//!
//! Each stack of `stacks/` is applied by the program to an emulator that judges
//! signatures and policies. Then each service's role, strangers with no rights
//! and strangers with every right of their own account try everything there is
//! to try. Root keys set up and look; what is under test is never tried with one.

#![cfg(feature = "aws")]

#[path = "../emulator/mod.rs"]
mod emulator;

mod breaking;
mod caller;
mod calls;
mod claims;
mod daytwo;
mod entering;
mod first_hour;
mod ground;
mod handover;
mod login;
mod moto;
#[allow(dead_code, reason = "the road itself uses more of it")]
#[path = "../road/operator.rs"]
mod operator;
mod overflow;
mod processes;
mod region;
#[path = "../rewriting/mod.rs"]
mod rewriting;
mod rust_client;
mod signing;
mod tampered;
#[path = "../tamperings/mod.rs"]
mod tamperings;
#[allow(dead_code, reason = "the road itself uses more of it")]
#[path = "../road/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use provision::policy::{Clause, Effect, PrincipalClause, Statement};

use breaking::Holder;
use claims::{claims, failures};
use ground::Ground;

const MARKETPLACE: &str = "marketplace";

fn stack(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("stacks")
        .join(format!("{name}.toml"))
}

/// A stack that only this test has a use for.
fn own_stack(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/access")
        .join(format!("{name}.toml"))
}

/// Applies a stack and tries everything; `propagation` is the emulator's, in seconds.
fn access_is_real(file: &Path, overlays: &[&str], propagation: u64) {
    let overlays: Vec<PathBuf> = overlays.iter().map(|it| stack(it)).collect();
    let overlays: Vec<&Path> = overlays.iter().map(PathBuf::as_path).collect();
    let Some(ground) = Ground::of(file, &overlays, propagation) else {
        return;
    };
    let all = claims(&ground);
    let expected = all.iter().filter(|it| it.expected).count();
    assert!(expected > 0, "the stack declares nothing");
    assert!(all.len() > 2 * expected, "too little is tried");
    let failures = failures(&ground);
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        all.len(),
        failures.join("\n")
    );
}

/// Two tests of each stack: with IAM's news known at once, and late.
macro_rules! stacks {
    ($($name:ident: $file:literal $(with $overlay:literal)?;)*) => {
        mod at_once {
            $( #[test] fn $name() { super::access_is_real(&super::stack($file), &[$($overlay)?], 0); } )*
        }
        mod with_late_news {
            $( #[test] fn $name() { super::access_is_real(&super::stack($file), &[$($overlay)?], 8); } )*
        }
        /// Every file that is tried, alone or laid over another.
        const TRIED: &[&str] = &[$($file, $($overlay,)?)*];
    };
}

stacks! {
    marketplace: "marketplace";
    sync_resource_policy: "sync-resource-policy";
    sync_assume_role: "sync-assume-role";
    async_resource_policy: "async-resource-policy";
    async_assume_role: "async-assume-role";
    private_api: "private-api";
    openapi: "openapi";
    single_account: "single-account";
    three_accounts: "single-account" with "three-accounts";
}

#[test]
fn principals_that_the_stack_does_not_own_are_let_in_and_no_other() {
    access_is_real(&own_stack("principals"), &[], 0);
}

#[test]
fn networks_are_let_in_and_no_other() {
    access_is_real(&own_stack("networks"), &[], 0);
}

#[test]
fn every_stack_of_the_folder_is_tried() {
    let folder = std::fs::read_dir(stack(MARKETPLACE).parent().expect("a folder"));
    let files: BTreeSet<String> = folder
        .expect("the folder of stacks")
        .filter_map(|it| {
            let name = it.ok()?.file_name().into_string().ok()?;
            name.strip_suffix(".toml").map(str::to_owned)
        })
        .collect();
    let tried: BTreeSet<String> = TRIED.iter().map(|it| (*it).to_owned()).collect();
    assert_eq!(files, tried);
}

/// What the marketplace lets anybody do, written by hand from its access list: a fault in how
/// the list is read would show here.
const MARKETPLACE_ALLOWS: &[&str] = &[
    // 1. An API, by its resource policy.
    "roles.checkout calls POST /orders of orders",
    "roles.checkout calls GET /orders/{id} of orders",
    // 2. An API, by an access role.
    "roles.invoicer assumes roles.orders-for-invoicer",
    "roles.invoicer as roles.orders-for-invoicer calls GET /orders/{id} of orders",
    "roles.refunds assumes roles.orders-for-refunds",
    "roles.refunds as roles.orders-for-refunds calls POST /orders/{id}/refunds of orders",
    // 3. A topic, by its own policy.
    "roles.checkout publishes to order-events",
    // 4. A topic, by an access role.
    "roles.refunds assumes roles.order-events-for-refunds",
    "roles.refunds as roles.order-events-for-refunds publishes to order-events",
    // Subscribing: by billing, and this queue alone.
    "a mighty stranger of 222222222222 subscribes queues.billing-inbox to order-events",
    "queues.billing-inbox receives from order-events",
];

#[test]
fn the_marketplace_lets_these_and_no_other() {
    let Some(ground) = Ground::of(&stack(MARKETPLACE), &[], 0) else {
        return;
    };
    let came_off: BTreeSet<String> = claims(&ground)
        .into_iter()
        .filter(|it| (it.probe)())
        .map(|it| it.words)
        .collect();
    let allowed: BTreeSet<String> = MARKETPLACE_ALLOWS
        .iter()
        .map(|it| (*it).to_owned())
        .collect();
    assert_eq!(came_off, allowed);
}

#[test]
fn taking_out_any_statement_is_noticed() {
    let Some(ground) = Ground::of(&stack(MARKETPLACE), &[], 0) else {
        return;
    };
    assert_eq!(failures(&ground), [""; 0]);
    let mut taken = 0;
    for (holder, document) in breaking::policies(&ground) {
        for (number, statement) in document.statements.iter().enumerate() {
            let trust = matches!(holder, Holder::Trust(..));
            let sid = statement.sid.as_deref().unwrap_or_default();
            // What a service alone can try, nobody here can; and what the topic's owner may do,
            // its own policies let it do as well.
            if (trust && breaking::is_for_services(statement)) || sid.ends_with("Owner") {
                continue;
            }
            let mut less = document.clone();
            less.statements.remove(number);
            breaking::write(&ground, &holder, &less);
            let noticed = failures(&ground);
            assert!(!noticed.is_empty(), "nobody misses {sid} of {holder:?}");
            assert!(
                statement.effect == Effect::Deny
                    || noticed.iter().all(|it| it.starts_with("may not")),
                "{sid} of {holder:?}: {noticed:?}"
            );
            taken += 1;
        }
        breaking::write(&ground, &holder, &document);
    }
    assert!(taken >= 12, "only {taken} statements were taken out");
    assert_eq!(failures(&ground), [""; 0]);
}

#[test]
fn letting_everybody_in_by_any_policy_is_noticed() {
    let Some(ground) = Ground::of(&stack(MARKETPLACE), &[], 0) else {
        return;
    };
    let mut widened = 0;
    for (holder, document) in breaking::policies(&ground) {
        let mut wider = document.clone();
        if let Holder::Inline(account, ..) = &holder {
            // It is widened by what it is on. Beside an API that is enough; to assume or to
            // publish elsewhere, the other side has to say yes as well.
            let invokes = |it: &Statement| it.action.values == ["execute-api:Invoke"];
            if account != "orders" || !wider.statements.iter().any(invokes) {
                continue;
            }
            for statement in &mut wider.statements {
                statement.resource = Some(Clause::of(["*"]));
            }
        } else {
            for statement in &mut wider.statements {
                statement.principal = Some(PrincipalClause::anyone());
                statement.conditions.clear();
            }
        }
        breaking::write(&ground, &holder, &wider);
        let noticed = failures(&ground);
        assert!(
            noticed.iter().any(|it| it.starts_with("may: ")),
            "nobody minds that {holder:?} lets everybody in: {noticed:?}"
        );
        breaking::write(&ground, &holder, &document);
        widened += 1;
    }
    assert!(widened >= 8, "only {widened} policies were widened");
    assert_eq!(failures(&ground), [""; 0]);
}
