//! The same facts for a machine: versioned, additive, never a prompt.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::names::real_names;
use super::reborn;
use crate::cloud::seam::{Ledger, target};
use crate::execute::{Outcome, Outcomes, Rehearsal};
use crate::kinds::survey::{Doubt, Unread};
use crate::lower::{Desired, Handover, HandoverKind};
use crate::plan::administrators::administrators;
use crate::plan::narrowed::narrowings;
use crate::plan::{Action, Left, Plan, Refusal, StatementChange, Step, Turn, Widening};
use crate::policy::interchange::shown_value;
use crate::policy::stand_in::RealNames;

/// The version of every document here.
pub const PLAN: &str = "provision.plan/1";
/// The version of an apply's report.
pub const APPLY: &str = "provision.apply/1";
/// The version of a drift report.
pub const DRIFT: &str = "provision.drift/1";

/// Whether the policies of an organization (SCPs and RCPs) are part of what a document says.
pub const ORGANIZATION_POLICIES: &str = "not_read";

fn action(action: Action) -> &'static str {
    match action {
        Action::Keep => "keep",
        Action::Create => "create",
        Action::Update => "update",
        Action::Replace => "replace",
        Action::Delete => "delete",
    }
}

fn step(step: &Step) -> Value {
    let have = step.have.as_ref();
    json!({
        "address": step.address,
        "kind": step.address.kind,
        "account": step.place.account,
        "account_id": step.place.id,
        "region": step.place.region,
        "action": action(step.action),
        "id": have.map(|it| &it.id),
        "changes": step.changes,
        "because": step.because,
        "drifted": step.drifted,
        "foreign": have.map(|it| it.extras.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap_or_default(),
        "ghosts": have.map(|it| it.ghosts.clone()).unwrap_or_default(),
    })
}

/// A plan.
#[must_use]
pub fn plan(plan: &Plan, rehearsal: &Rehearsal) -> Value {
    let (add, change, destroy) = plan.counts();
    let access: Vec<Value> = plan
        .access
        .iter()
        .map(|it| {
            json!({
                "change": it.turn.as_str(), "before": before(&it.turn),
                "who": it.edge.who, "may": it.edge.may, "target": it.edge.target, "via": it.edge.via,
                "why": it.why,
            })
        })
        .collect();
    let real = real_names(plan);
    let budgets: Vec<Value> = plan
        .gauges
        .iter()
        .map(|it| {
            json!({
                "address": it.address, "document": it.document, "used": it.budget.used,
                "limit": it.budget.limit, "unit": it.budget.what, "percent": it.budget.percent(), "room": it.room,
                "room_of": it.of,
            })
        })
        .collect();
    let handovers: Vec<Value> = plan.handovers.iter().map(handover).collect();
    let refusals: Vec<Value> = plan
        .refusals
        .iter()
        .map(|it| json!({"address": it.address, "message": it.message, "budget": it.budget, "ways_out": ways_out(it)}))
        .collect();
    let to_make: Vec<Value> = rehearsal
        .calls
        .iter()
        .map(|(place, request)| {
            json!({
                "account_id": place.id, "region": place.region, "target": target(request),
                "action": format!("{}:{}", request.service(), request.action()),
            })
        })
        .collect();
    json!({
        "schema": PLAN,
        "stack": plan.stack,
        "organization_policies": ORGANIZATION_POLICIES,
        "access": access,
        "administrators": administrators(&plan.steps).iter().map(|it| json!({
            "role": it.address, "account": it.place.account, "account_id": it.place.id, "by": it.by, "new": it.new,
        })).collect::<Vec<_>>(),
        "broadened": plan.broadened().as_str(),
        "widenings": plan.widenings.iter().map(|it| widening(it, &real)).collect::<Vec<_>>(),
        "narrowings": narrowings(plan).iter().map(|it| json!({
            "address": it.address, "document": it.document,
            "loses": it.loses.iter().map(|it| shown_value(it, &real)).collect::<Vec<_>>(), "because": it.why,
        })).collect::<Vec<_>>(),
        "cuts": plan.cuts.iter().map(|it| json!({
            "address": it.address, "says": it.says, "instead": it.instead,
        })).collect::<Vec<_>>(),
        "external_ids": plan.identified,
        "statements": plan.statements.iter().map(statement).collect::<Vec<_>>(),
        "steps": plan.steps.iter().map(step).collect::<Vec<_>>(),
        "budgets": budgets,
        "evictions": plan.evictions.iter().map(|it| json!({"address": it.address, "what": it.extra.text})).collect::<Vec<_>>(),
        "handovers": handovers,
        "other_stacks": plan.halves,
        "moves": plan.moves.iter().map(|it| json!({
            "caller": it.caller, "target": it.target, "from": it.from.address, "to": it.to, "opens": it.opens,
        })).collect::<Vec<_>>(),
        "publishes": plan.publishing().map(|(api, details)| json!({
            "api": api,
            "details": details.iter().map(|it| format!("{} {}", it.sign, it.text)).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "strangers": plan.strangers.iter().map(|it| json!({"who": it.who, "target": it.target})).collect::<Vec<_>>(),
        "reborn": reborn::json(plan),
        "ghosts": reborn::ghosts(plan),
        "refusals": refusals,
        "left": left(&plan.left),
        "unread": unread(&plan.unread),
        "unconfirmed": unconfirmed(&plan.doubts),
        "summary": {"add": add, "change": change, "destroy": destroy},
        "calls_to_make": to_make,
        "least_seconds": rehearsal.least_time().map_or(0.0, |(time, _)| time.as_secs_f64()),
        "live_digest": plan.live_digest,
        "stack_digest": plan.stack_digest,
    })
}

/// Where the tag index is behind, with what it lacks.
#[must_use]
pub fn unconfirmed(doubts: &[Doubt]) -> Value {
    let line =
        |it: &Doubt| json!({"account": it.place.id, "region": it.place.region, "lacks": it.lacks});
    doubts.iter().map(line).collect()
}

/// What AWS does not show, with the reason.
fn unread(unread: &[Unread]) -> Value {
    let line = |it: &Unread| {
        json!({
            "account": it.error.place.id,
            "region": it.error.place.region,
            "addresses": it.addresses,
            "because": it.error.source.to_string(),
            "foreign": it.foreign,
        })
    };
    unread.iter().map(line).collect()
}

/// A policy that somebody else must write. It has none while it needs the id of an API that is not there.
#[must_use]
pub fn handover(it: &Handover) -> Value {
    let waits_for = it.waits_for();
    let policy = waits_for.is_empty().then(|| it.document.to_value());
    let kind = match it.kind {
        HandoverKind::Identity => "identity-policy",
        HandoverKind::TopicPolicy => "topic-policy",
        HandoverKind::KeyPolicy => "key-policy",
    };
    json!({
        "principal": it.principal, "why": it.why, "kind": kind, "policy": policy, "offered": it.offered,
        "waits_for": waits_for,
    })
}

/// What stays as it is, in accounts that are not entered.
#[must_use]
pub fn left(left: &[Left]) -> Value {
    let left: Vec<Value> = left
        .iter()
        .map(|it| {
            json!({
                "account": it.account, "account_id": it.id, "addresses": it.addresses, "waiting": it.waiting,
            })
        })
        .collect();
    json!(left)
}

fn ways_out(refusal: &Refusal) -> Vec<Value> {
    let ways = refusal.ways_out.iter();
    ways.map(|it| json!({"do": it.does, "costs": it.costs}))
        .collect()
}

/// How somebody's access was before it changed its shape.
fn before(turn: &Turn) -> Option<&str> {
    match turn {
        Turn::Widened(from) | Turn::Narrowed(from) => Some(from),
        Turn::Moved(from) => Some(from),
        Turn::Gained | Turn::Restored | Turn::Lost => None,
    }
}

fn widening(it: &Widening, real: &RealNames) -> Value {
    json!({
        "address": it.address, "document": it.document, "broadened": it.verdict.as_str(),
        "gains": it.gains.iter().map(|it| shown_value(it, real)).collect::<Vec<_>>(), "because": it.why,
    })
}

fn statement(it: &StatementChange) -> Value {
    json!({
        "address": it.address, "document": it.document, "sign": it.detail.sign, "statement": it.detail.text,
    })
}

/// The calls that were made.
#[must_use]
pub fn calls(ledger: &Ledger, credentials: u64, took: Duration) -> Value {
    let by_action: BTreeMap<String, u64> = ledger
        .by_action()
        .into_iter()
        .map(|((service, action), count)| (format!("{service}:{action}"), count))
        .collect();
    json!({
        "total": ledger.calls(), "reads": ledger.reads(), "writes": ledger.writes(),
        "throttled": ledger.throttled(), "sent_again": ledger.again(), "credentials": credentials,
        "by_action": by_action, "seconds": (took.as_secs_f64() * 1000.0).round() / 1000.0,
    })
}

/// How each step of a run ended.
pub(super) fn steps_done(plan: &Plan, outcomes: &Outcomes) -> Vec<Value> {
    plan.to_do()
        .map(|it| {
            let outcome = outcomes.steps.get(&it.key());
            let (name, detail) = match outcome {
                Some(Outcome::Done) => ("done", None),
                Some(Outcome::Failed(error)) => ("failed", Some(error.to_string())),
                Some(Outcome::Skipped(root)) => ("held_back", Some(root.to_string())),
                Some(Outcome::Awaits(owner)) => ("awaits_other_stack", Some(owner.clone())),
                Some(Outcome::NotStarted) | None => ("not_started", None),
            };
            json!({"address": it.address, "id": it.have.as_ref().map(|it| &it.id), "action": action(it.action), "outcome": name, "detail": detail,
                "accepted_writes": match outcome {
                    Some(Outcome::Failed(error)) => error.written.as_slice(),
                    _ => &[],
                }})
        })
        .collect()
}

/// How a run ended.
#[must_use]
pub fn outcomes(plan: &Plan, outcomes: &Outcomes) -> Value {
    let steps = steps_done(plan, outcomes);
    json!({
        "schema": APPLY, "stack": plan.stack, "organization_policies": ORGANIZATION_POLICIES, "steps": steps,
        "unconfirmed": unconfirmed(&plan.doubts), "interrupted": outcomes.interrupted, "unanswered": outcomes.unanswered, "warnings": outcomes.warnings,
    })
}

/// Who may do what.
#[must_use]
pub fn grants(desired: &Desired) -> Value {
    let grants: Vec<Value> = desired
        .grants
        .iter()
        .map(|it| {
            json!({
                "who": it.who, "may": it.may, "target": it.target, "via": it.via, "why": it.why,
                "role": it.role, "written_at": it.written_at, "provisional": it.provisional,
            })
        })
        .collect();
    let claims = desired.claims.iter().map(|it| {
        json!({
            "who": it.from, "may": it.may, "target": it.target, "via": it.claim.offered.via,
            "why": null, "role": it.role, "written_at": it.claim.written_at, "owner": it.owner,
        })
    });
    grants.into_iter().chain(claims).collect()
}
