//! The table of tamperings, on the sandbox.

use provision::cloud::{Sandbox, Seam};
use provision::model::KindName;

use crate::tamperings::{TABLE, marketplace, put_back, told};
use crate::world::{apply, drift, drift_in, read, run, sandbox_for};

#[test]
fn every_tampering_is_found_for_what_it_means_and_put_back() {
    let desired = marketplace();
    let mut wrong = Vec::new();
    for row in TABLE {
        let left = run(async {
            let sandbox: Sandbox = sandbox_for([&desired]);
            apply(&desired, &sandbox).await;
            assert_eq!(told(&drift(&desired, &sandbox).await), [""; 0]);
            (row.deed)(&sandbox).await;
            let reading = read(&desired, &sandbox).await;
            let found = drift_in(&desired, &reading);
            if told(&found) != row.found {
                return Some(format!("found {:#?}\n{:#?}", told(&found), found.findings));
            }
            put_back(&desired, &reading, &found, &Seam::around(&sandbox)).await;
            let left = drift(&desired, &sandbox).await;
            (!left.findings.is_empty()).then(|| format!("left {:#?}", left.findings))
        });
        wrong.extend(left.map(|it| format!("{:?}, {}: {it}", row.of, row.name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_has_fifty_and_four_of_every_kind() {
    assert!(TABLE.len() >= 50, "{}", TABLE.len());
    for kind in KindName::ALL {
        let count = TABLE.iter().filter(|it| it.of == kind).count();
        assert!(count >= 4, "{kind:?}: {count}");
    }
}
