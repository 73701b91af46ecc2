//! The table of rewritings, on the sandbox.

use crate::rewriting::{CONTROL, Respelled, Rewritten, SPELLINGS, TABLE, stack};
use crate::tamperings::told;
use crate::world::{apply, drift, plan, run, sandbox_for, spoken};

#[test]
fn nothing_that_aws_rewrites_is_drift() {
    let desired = stack();
    let wrong = run(async {
        let sandbox = sandbox_for([&desired]);
        apply(&desired, &sandbox).await;
        assert_eq!(told(&drift(&desired, &sandbox).await), [""; 0]);
        let mut wrong = Vec::new();
        for row in TABLE {
            for kept in row.of {
                let cloud = Rewritten::new(&sandbox, *kept, row);
                let found = told(&drift(&desired, &cloud).await);
                let planned = spoken(&plan(&desired, &cloud).await);
                if cloud.changed.get() == 0 || !found.is_empty() || !planned.is_empty() {
                    let changed = cloud.changed.get();
                    wrong.push(format!(
                        "{} of {kept:?}: {changed} changed, {found:?}, {planned:?}",
                        row.name
                    ));
                }
            }
        }
        for (name, how) in SPELLINGS {
            let cloud = Respelled::new(&sandbox, *how);
            let found = told(&drift(&desired, &cloud).await);
            let changed = cloud.changed.get();
            if changed == 0 || !found.is_empty() {
                wrong.push(format!("{name}: {changed} changed, {found:?}"));
            }
        }
        for kept in CONTROL.of {
            let cloud = Rewritten::new(&sandbox, *kept, &CONTROL);
            if told(&drift(&desired, &cloud).await).is_empty() {
                wrong.push(format!("{} of {kept:?} is not found", CONTROL.name));
            }
        }
        wrong
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
