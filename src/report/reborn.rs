//! Roles with another id than documents hold: whose access that broke, and where it is written again.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::page::{Row, rows, wrapped};
use super::style::{BAD, GOOD, NAME, QUIET, counted, styled};
use crate::kinds::Resource;
use crate::model::{Address, KindName};
use crate::plan::{Action, Pin, Plan, Rebirth, Reborn, Step};

/// What a role that takes the place of its old one cuts off. IAM has one role of a name, on whatever path.
const CUT_OFF: &str = "what runs as it is cut off from when it is deleted until it is made again and every service \
     knows it: seconds, two minutes at most. IAM has one role of a name, whatever its path, so the new one cannot be made \
     first; under another `name` it can";

/// Each such role, with every edge that it broke and the documents that name it again.
pub(super) fn human(plan: &Plan, width: usize) -> String {
    let mut text = String::new();
    for address in replaced(plan) {
        let says = wrapped(
            &format!("{}: {CUT_OFF}", styled(NAME, address)),
            4,
            6,
            width,
        );
        let _ = writeln!(text, "  {} {says}", styled(BAD, "!"));
    }
    for (address, old, new) in renamed(plan) {
        let says = format!(
            "{}: what still runs as the role `{old}` can do nothing from when it is deleted; let it run as `{new}` first. \
             For a time with both, declare `{new}` under an address of its own beside this one",
            styled(NAME, address)
        );
        let says = wrapped(&says, 4, 6, width);
        let _ = writeln!(text, "  {} {says}", styled(BAD, "!"));
    }
    for it in &plan.reborn {
        let (head, then) = head(it);
        let head = wrapped(&head, 4, 6, width);
        let _ = writeln!(text, "  {} {head}", styled(BAD, "!"));
        let _ = writeln!(text, "    {}", wrapped(&then, 4, 6, width));
        let lines: Vec<Row> = it.pins.iter().flat_map(pin).collect();
        text += &rows(&lines, 6, width);
    }
    text
}

/// Roles that the plan deletes and makes again.
pub(super) fn replaced(plan: &Plan) -> impl Iterator<Item = &Address> {
    let steps = plan.to_do().filter(|it| it.action == Action::Replace);
    let addresses = steps.map(|it| &it.address);
    addresses.filter(|it| it.kind == KindName::Role)
}

/// Roles that are made under another name while the old one is deleted, with both names.
fn renamed(plan: &Plan) -> impl Iterator<Item = (&Address, &str, &str)> {
    let made = plan.to_do().filter(|it| it.action == Action::Create);
    made.filter_map(move |made| {
        let is_old = |it: &&Step| it.action == Action::Delete && it.address == made.address;
        let old = plan.to_do().find(is_old)?.have.as_ref();
        let both = (&old?.resource, &made.want.as_ref()?.resource);
        let (Resource::Role(old), Resource::Role(new)) = both else {
            return None;
        };
        Some((&made.address, old.name(), new.name()))
    })
}

/// What became of a role, and what is done about it.
fn head(it: &Reborn) -> (String, String) {
    let who = styled(NAME, &it.who);
    let place = it
        .place
        .as_ref()
        .map_or_else(String::new, |it| format!(" ({} {})", it.account, it.id));
    let ids: Vec<&str> = it.was.iter().map(String::as_str).collect();
    let ids = match ids.as_slice() {
        [] => String::new(),
        ids => format!(": its id was {}", ids.join(", then ")),
    };
    let how = match it.how {
        Rebirth::Deleted => "was deleted, and is made again",
        Rebirth::Remade => "was deleted and made again by another hand",
        Rebirth::Replaced => "is deleted and made again",
        Rebirth::Elsewhere => "was deleted, and must have been made again by its owner",
    };
    let accounts: BTreeSet<&str> = it.pins.iter().map(|it| it.place.id.as_str()).collect();
    let then = format!(
        "broken by that, and pinned again in this run: {} in {}",
        counted(it.pins.len(), "document"),
        counted(accounts.len(), "account"),
    );
    (format!("{who}{place} {how}{ids}"), then)
}

/// What goes through a document, a row for each target and mechanism.
fn pin(pin: &Pin) -> Vec<Row> {
    let place = format!(
        "{} of {}, {} {}",
        pin.document, pin.address, pin.place.account, pin.place.id
    );
    sentences(pin)
        .into_iter()
        .map(|says| Row {
            sign: styled(GOOD, "+"),
            says,
            beside: styled(QUIET, &place),
        })
        .collect()
}

/// `may call GET /orders/*, POST /orders of apis.orders`.
fn sentences(pin: &Pin) -> Vec<String> {
    let mut calls: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut found = Vec::new();
    for it in &pin.edges {
        match it.route() {
            Some(route) => calls.entry(&it.target).or_default().push(route),
            None => found.push(format!("may {} {}", it.may, it.target)),
        }
    }
    let calls = calls
        .into_iter()
        .map(|(target, routes)| format!("may call {} of {target}", routes.join(", ")));
    found.extend(calls);
    found
}

/// The same for a machine.
#[must_use]
pub(super) fn json(plan: &Plan) -> Value {
    let pin = |it: &Pin| {
        let edges: Vec<Value> = it
            .edges
            .iter()
            .map(|it| json!({"who": it.who, "may": it.may, "target": it.target, "via": it.via}))
            .collect();
        json!({
            "address": it.address, "document": it.document, "account": it.place.account,
            "account_id": it.place.id, "region": it.place.region, "edges": edges,
        })
    };
    plan.reborn
        .iter()
        .map(|it| {
            json!({
                "who": it.who, "arn": it.arn, "how": it.how.as_str(), "was": it.was,
                "account": it.place.as_ref().map(|it| &it.account),
                "account_id": it.place.as_ref().map(|it| &it.id),
                "pinned_again": it.pins.iter().map(pin).collect::<Vec<_>>(),
            })
        })
        .collect()
}

/// Ids of principals that are gone, for a machine.
pub(super) fn ghosts(plan: &Plan) -> Value {
    plan.ghosts
        .iter()
        .map(|it| json!({"id": it.id, "address": it.address, "document": it.document, "was": it.was}))
        .collect()
}
