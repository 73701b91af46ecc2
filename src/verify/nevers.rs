//! What a stack says may never be: every `[[never]]`, put to the documents.
//!
//! Nobody of whom it speaks may do what it forbids, by whatever way: a statement of the resource's own
//! policy, a role's own policies, a method that asks nothing, or a role that may be assumed first.

use std::collections::BTreeSet;

use crate::lower::{Desired, name_of};
use crate::model::{Address, KindName};
use crate::policy::Request;
use crate::stack::{Deed, Forbidden, Never, RouteKey, Stack, Whom};

use super::claim::{Evidence, Finding, Promise, Trial, is_to_blame};
use super::holders::{Ask, Circle, Holder, Kin, Open, Search};
use super::world::{Thing, World};

/// The actions that a deed is, on AWS.
#[must_use]
pub fn actions_of(deed: Deed) -> &'static [&'static str] {
    match deed {
        Deed::Publish => &["sns:Publish"],
        Deed::Subscribe => &["sns:Subscribe"],
        Deed::Send => &["sqs:SendMessage"],
        Deed::Receive => &["sqs:ReceiveMessage"],
        Deed::Assume => &[
            "sts:AssumeRole",
            "sts:AssumeRoleWithWebIdentity",
            "sts:AssumeRoleWithSAML",
        ],
    }
}

/// Puts every never of a stack to a world.
pub(super) fn claims(stack: &Stack, desired: &Desired, world: &World, findings: &mut Vec<Finding>) {
    if stack.nevers.is_empty() {
        return;
    }
    let search = Search::of(stack, world);
    for never in &stack.nevers {
        for forbidden in &never.forbids {
            findings.push(claim(never, forbidden, desired, &search));
        }
    }
}

fn claim(never: &Never, forbidden: &Forbidden, desired: &Desired, search: &Search<'_>) -> Finding {
    let mut trial = Trial::default();
    match search.world.thing(&forbidden.target) {
        Some(thing) => look(never, forbidden, thing, search, &mut trial),
        // What is not there lets nobody in; what is in no account of ours cannot be seen.
        None if desired.wants.contains_key(&forbidden.target) => {}
        None => trial.depends_on([format!(
            "{} is in no account of this stack, and its policy is not read",
            forbidden.target
        )]),
    }
    Finding {
        claim: sentence(never, forbidden),
        promise: Promise::Never,
        subject: forbidden.target.clone(),
        written_at: Some(never.written_at.clone()),
        steps: trial.steps.clone(),
        outcome: trial.outcome(),
    }
}

fn look(
    never: &Never,
    forbidden: &Forbidden,
    thing: &Thing,
    search: &Search<'_>,
    trial: &mut Trial,
) {
    let mut asks: Vec<(Ask<'_>, Way<'_>)> = forbidden
        .deeds
        .iter()
        .map(|deed| {
            let actions = actions_of(*deed).iter().map(|it| (*it).to_owned());
            let ask = Ask {
                thing,
                actions: actions.collect(),
                routes: Vec::new(),
                session: None,
            };
            (ask, Way::itself(verb(*deed)))
        })
        .collect();
    if forbidden.deeds.contains(&Deed::Send) {
        // What is forbidden of the topic itself is told there.
        let is_told = |it: &Address| {
            let mut all = never.forbids.iter();
            all.any(|forbidden| forbidden.target == *it && forbidden.deeds.contains(&Deed::Publish))
        };
        let ways = delivering(thing, search.world);
        asks.extend(
            ways.into_iter()
                .filter(|(ask, _)| !is_told(&ask.thing.address)),
        );
    }
    for route in &forbidden.routes {
        let ask = Ask {
            thing,
            actions: vec!["execute-api:Invoke".to_owned()],
            routes: vec![route.clone()],
            session: None,
        };
        asks.push((ask, Way::itself("")));
    }
    // Unsigned callers and strangers are looked for apart from one another: each has a bound of its own.
    for (ask, way) in &asks {
        for whom in &never.who {
            // Of anyone at all, the service that delivers is found by the queue's own policy.
            if way.into.is_some() && *whom == Whom::Anyone {
                continue;
            }
            let circle = Circle {
                who: std::slice::from_ref(whom),
                except: &never.except,
            };
            let mut open = Open::new();
            let holders = search.holders(ask, &circle, &mut open);
            // Who gets in through a role that is forbidden itself is no news.
            let roles: BTreeSet<Address> = holders
                .iter()
                .filter_map(|it| it.kin.role().cloned())
                .collect();
            for holder in holders {
                if holder.through.iter().any(|it| roles.contains(it)) {
                    continue;
                }
                if *whom == Whom::Unsigned && holder.kin != Kin::Unsigned {
                    continue;
                }
                if holder.unproven {
                    trial.depends_on(holder.because);
                } else {
                    trial.fails(evidence(never, holder, way, ask.thing, search));
                }
            }
            trial.depends_on(open);
        }
    }
}

/// How something that is forbidden is done.
struct Way<'a> {
    /// What is done, before the name of what it is done to.
    verb: &'static str,
    /// The queue into which that is delivered; none where the queue itself is asked.
    into: Option<&'a Address>,
}

impl Way<'_> {
    fn itself(verb: &'static str) -> Self {
        Self { verb, into: None }
    }
}

/// Publishing to each topic of the world that delivers to a queue.
fn delivering<'a>(queue: &'a Thing, world: &'a World) -> Vec<(Ask<'a>, Way<'a>)> {
    let topics = world.subscriptions.keys().filter(|it| it.1 == queue.arn);
    let topics = topics.filter_map(|(topic, _)| world.with_arn(topic));
    let ask = |thing| Ask {
        thing,
        actions: actions_of(Deed::Publish)
            .iter()
            .map(|it| (*it).to_owned())
            .collect(),
        routes: Vec::new(),
        session: None,
    };
    let way = || Way {
        verb: verb(Deed::Publish),
        into: Some(&queue.address),
    };
    topics.map(|it| (ask(it), way())).collect()
}

fn evidence(
    never: &Never,
    holder: Holder,
    way: &Way<'_>,
    thing: &Thing,
    search: &Search<'_>,
) -> Evidence {
    let who = holder.kin.named(search.stack);
    let verb = way.verb;
    let what = if holder.through.is_empty() {
        deed_of(&holder.request, verb, thing, search.world)
    } else if verb.is_empty() {
        format!("call {}", thing.address)
    } else {
        format!("{verb} {}", thing.address)
    };
    let mut says = format!("{who} may {what}");
    if !holder.through.is_empty() {
        let roles: Vec<String> = holder.through.iter().map(ToString::to_string).collect();
        says += &format!(" by assuming {}", roles.join(", then "));
    }
    if let Some(queue) = way.into {
        says += &format!(", which delivers to {queue}");
    }
    if let Some(reason) = &never.reason {
        says += &format!(", and never may: {reason}");
    }
    Evidence {
        request: Some(holder.request),
        says,
        blame: holder
            .because
            .iter()
            .filter(|it| is_to_blame(it))
            .map(|it| {
                it.strip_suffix(" allows it")
                    .unwrap_or(it)
                    .trim_end_matches(',')
                    .to_owned()
            })
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect(),
        origin: holder.origin,
    }
}

/// `publish to topics.orders`, `call POST /refunds of apis.orders`.
fn deed_of(request: &Request, verb: &str, thing: &Thing, world: &World) -> String {
    if thing.address.kind != KindName::RestApi {
        return format!("{verb} {}", thing.address);
    }
    let path = world.named(&request.resource);
    let call = path.splitn(3, '/').nth(2).unwrap_or_default();
    let stage = thing.in_other_stage(&request.resource);
    format!("call {} of {}{stage}", spaced(call), thing.address)
}

/// `GET /orders/7`, of `GET/orders/7`.
#[must_use]
pub fn spaced(call: &str) -> String {
    match call.split_once('/') {
        Some((method, path)) => format!("{method} /{path}"),
        None => call.to_owned(),
    }
}

/// What is done, before the name of what it is done to.
#[must_use]
pub fn verb(deed: Deed) -> &'static str {
    match deed {
        Deed::Publish => "publish to",
        Deed::Subscribe => "subscribe to",
        Deed::Send => "send to",
        Deed::Receive => "receive from",
        Deed::Assume => "assume",
    }
}

fn sentence(never: &Never, forbidden: &Forbidden) -> String {
    let who: Vec<String> = never
        .who
        .iter()
        .map(|it| match it {
            Whom::Anyone => "nobody".to_owned(),
            Whom::Outside => "nobody outside the stack's accounts".to_owned(),
            Whom::Unsigned => "no unsigned caller".to_owned(),
            Whom::Principal(it) => format!("never {}", name_of(it)),
        })
        .collect();
    let mut deeds: Vec<String> = forbidden
        .deeds
        .iter()
        .map(|it| verb(*it).to_owned())
        .collect();
    if !forbidden.routes.is_empty() {
        let routes: Vec<String> = forbidden
            .routes
            .iter()
            .map(|it| {
                if *it == RouteKey::all() {
                    "any route".to_owned()
                } else {
                    it.to_string()
                }
            })
            .collect();
        deeds.push(format!("call {} of", routes.join(", ")));
    }
    let mut text = format!(
        "{} may {} {}",
        who.join(" and "),
        deeds.join(" or "),
        forbidden.target
    );
    if !never.except.is_empty() {
        let except: Vec<String> = never.except.iter().map(name_of).collect();
        text += &format!(" but {}", except.join(", "));
    }
    text
}

#[cfg(test)]
mod tests;
