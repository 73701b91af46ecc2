//! What stands for all that a plan rests on, to tell whether it moved.

use std::collections::BTreeMap;

use crate::kinds::digest;
use crate::kinds::survey::Live;
use crate::lower::Desired;
use crate::policy::Document;

/// Stands for everything that was found.
pub(super) fn of_live(live: &Live) -> String {
    let have = live
        .have
        .iter()
        .map(|(address, have)| (address.to_string(), have));
    let orphans = live
        .orphans
        .iter()
        .map(|it| (format!("orphan {} {}", it.address, it.have.id), &it.have));
    let found: BTreeMap<String, serde_json::Value> = have
        .chain(orphans)
        .map(|(name, have)| {
            let foreign = Document::of(have.foreign.clone()).to_value();
            let value = serde_json::json!([
                have.resource.to_value(),
                have.id,
                foreign,
                have.extras
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>(),
                have.ghosts
            ]);
            (name, value)
        })
        .collect();
    digest(&serde_json::json!(found))
}

/// Stands for everything that is wanted.
pub(super) fn of_stack(desired: &Desired) -> String {
    let wants: BTreeMap<String, serde_json::Value> = desired
        .wants
        .iter()
        .map(|(address, want)| {
            let value = serde_json::json!([
                want.resource.to_value(),
                want.place,
                want.owned,
                want.exclusive
            ]);
            (address.to_string(), value)
        })
        .collect();
    digest(&serde_json::json!([desired.stack, wants]))
}
