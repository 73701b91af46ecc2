//! There and back: apply, apply again, destroy, and all of it once more.

use crate::world::{all_stacks, apply, assert_in_step, destroy, run, sandbox_for};

#[test]
fn every_stack_is_applied_once_and_destroyed_whole() {
    for (name, desired) in all_stacks() {
        run(async {
            let sandbox = sandbox_for([&desired]);
            let first = apply(&desired, &sandbox).await;
            let picture = sandbox.picture();
            assert!(first.ledger.writes() > 0, "{name}");
            assert_eq!(first.ledger.again(), 0, "{name}: {}", first.story());

            let second = apply(&desired, &sandbox).await;
            assert!(second.plan().is_empty(), "{name}");
            assert_eq!(second.ledger.writes(), 0, "{name}: {}", second.story());
            assert_eq!(sandbox.picture(), picture, "{name}");
            assert_in_step(&desired, &sandbox, &name).await;

            let removed = destroy(&desired, &sandbox).await;
            assert!(sandbox.is_empty(), "{name}: {:#}", sandbox.picture());
            let nothing = destroy(&desired, &sandbox).await;
            assert_eq!(nothing.ledger.writes(), 0, "{name}");

            // The names of deleted queues are taken for a minute: that is waited for.
            let again = apply(&desired, &sandbox).await;
            assert_eq!(sandbox.picture(), picture, "{name}");
            assert_in_step(&desired, &sandbox, &name).await;
            println!(
                "{name}: first apply {}; again {}; destroy {}; after it {}",
                first.ledger, second.ledger, removed.ledger, again.ledger
            );
        });
    }
}
