//! The seam around a sandbox.

use super::*;
use crate::cloud::sqs::{CreateQueue, GetQueueAttributes};
use crate::cloud::{Sandbox, Service, call};

fn place() -> Place {
    Place {
        account: "shop".to_owned(),
        id: AccountId::parse("111111111111").expect("an id"),
        region: Region::parse("eu-west-1").expect("a region"),
    }
}

fn sandbox() -> Sandbox {
    Sandbox::in_memory(&[place().id])
}

/// Runs on a paused clock.
fn run<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(test)
}

fn create() -> CreateQueue {
    CreateQueue {
        name: "inbox".to_owned(),
        attributes: BTreeMap::new(),
        tags: BTreeMap::new(),
    }
}

fn read() -> GetQueueAttributes {
    GetQueueAttributes {
        name: "inbox".to_owned(),
    }
}

#[test]
fn calls_are_counted_by_account_service_and_action() {
    run(async {
        let seam = Seam::around(sandbox());
        call(&seam, &place(), create()).await.expect("made");
        call(&seam, &place(), read()).await.expect("read");
        call(&seam, &place(), read()).await.expect("read");
        assert_eq!(seam.ledger().to_string(), "3 calls (2 reads, 1 write)");
        assert_eq!(
            seam.ledger().by_action(),
            BTreeMap::from([
                ((Service::Sqs, "CreateQueue"), 1),
                ((Service::Sqs, "GetQueueAttributes"), 2)
            ])
        );
    });
}
