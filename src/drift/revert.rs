//! Putting back what was named, and nothing else.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use super::{Class, Drift};
use crate::kinds::survey::Reading;
use crate::kinds::{Extra, Have, Resource};
use crate::lower::Desired;
use crate::model::{Address, KindName};
use crate::plan::{Action, Consent, Eviction, Plan, Step};
use crate::stack::nearest;

/// Which findings: those of a class, or those of a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Selector {
    /// Every finding of a class.
    Class(Class),
    /// Every finding of a resource.
    Address(Address),
}

impl FromStr for Selector {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(class) = Class::parse(text) {
            return Ok(Self::Class(class));
        }
        text.parse().map(Self::Address).map_err(|()| {
            let codes = Class::ALL.map(Class::code);
            let hint = match nearest(text, codes) {
                Some(code) if text.to_ascii_uppercase().starts_with("PD") => {
                    format!("; did you mean `{code}`?")
                }
                _ => "; write a code such as `PD001`, or the kind's table and the name, as in `queues.inbox`".to_owned(),
            };
            format!("`{text}` is neither a code nor an address{hint}")
        })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class(class) => out.write_str(class.code()),
            Self::Address(address) => address.fmt(out),
        }
    }
}

/// What puts back what was named.
#[derive(Clone, Debug)]
pub struct Revert {
    /// The steps of an apply, those of other resources left out, and what of others goes beside them.
    pub plan: Plan,
    /// What cannot be taken away, and why.
    pub stays: Vec<String>,
    /// What was named and is as it should be.
    pub settled: Vec<String>,
    /// Resources that were named as such: their deletion is agreed to.
    pub named: BTreeSet<Address>,
    /// What is wanted, with what others put on the resources pushed out where that was named.
    pub wanted: Desired,
}

impl Revert {
    /// What it writes, or takes something from.
    #[must_use]
    pub fn touched(&self) -> BTreeSet<Address> {
        let written = self.plan.to_do().map(|it| &it.address);
        let evicted = self.plan.evictions.iter().map(|it| &it.address);
        written.chain(evicted).cloned().collect()
    }
}

/// What puts back what is named, or why something of it cannot be.
pub fn revert(
    desired: &Desired,
    reading: &Reading,
    drift: &Drift,
    which: &[Selector],
) -> Result<Revert, String> {
    let (mut chosen, mut evict, mut adopt) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let (mut named, mut settled, mut stopped) = (BTreeSet::new(), Vec::new(), Vec::new());
    for selector in which {
        let found: Vec<_> = drift
            .findings
            .iter()
            .filter(|it| match selector {
                Selector::Class(class) => it.class == *class,
                Selector::Address(address) => it.all().any(|it| it == address),
            })
            .collect();
        if found.is_empty() {
            // A run that was stopped may have put it back.
            settled.push(nothing_found(selector, desired, drift)?);
            stopped.push(selector);
            continue;
        }
        if let Some(unread) = found.iter().find(|it| it.class == Class::Unreadable) {
            return Err(format!(
                "{} cannot be read ({}), and what cannot be read is not written; nothing was changed",
                unread.subject(),
                unread.lines.first().map_or("", String::as_str)
            ));
        }
        for finding in found {
            if matches!(selector, Selector::Address(_)) {
                named.extend(finding.all().cloned());
            }
            chosen.extend(finding.all().cloned());
            match finding.class {
                Class::Added => evict.extend(finding.addresses.iter().cloned()),
                Class::Disowned => adopt.extend(finding.addresses.iter().cloned()),
                _ => {}
            }
        }
    }
    let mut wanted = desired.clone();
    for address in &adopt {
        let (want, have) = (
            wanted.wants.get_mut(address),
            reading.live.have.get(address),
        );
        if let Some((want, have)) = want.zip(have).filter(|(want, _)| want.owned) {
            // Of an API the id is what says which one is meant.
            want.adopts = (address.kind == KindName::RestApi).then(|| have.id.clone());
        }
    }
    for address in &evict {
        if let Some(want) = wanted.wants.get_mut(address) {
            want.exclusive = true;
        }
    }
    let consent = Consent {
        adopt,
        ..Consent::default()
    };
    let plan = Plan::of_reading(&wanted, reading, &consent);
    chosen.extend(left_over(&plan, &stopped));
    let chosen = with_needs(&plan, chosen);
    let mut plan = plan.only(&chosen, &wanted, &reading.live);
    let mut stays = Vec::new();
    for address in &evict {
        let (Some(want), Some(have)) = (desired.wants.get(address), reading.live.have.get(address))
        else {
            continue;
        };
        for extra in strangers(have, want) {
            match extra.what.stays_because() {
                Some(why) => stays.push(format!("{address}: {extra} stays: {why}")),
                None => plan.evictions.push(Eviction {
                    address: address.clone(),
                    place: want.place.clone(),
                    extra: extra.clone(),
                }),
            }
        }
    }
    Ok(Revert {
        plan,
        stays,
        settled,
        named,
        wanted,
    })
}

/// The stages on which a run that was stopped has left nothing to do but to remove the deployments that it replaced.
fn left_over(plan: &Plan, stopped: &[&Selector]) -> Vec<Address> {
    let is_left = |step: &&Step| {
        let mut changes = step.changes.iter();
        changes.all(|it| it.field == "superseded deployments")
    };
    let is_named = |step: &&Step| match step.want.as_ref().map(|it| &it.resource) {
        Some(Resource::Stage(stage)) => stopped.iter().any(|it| match it {
            Selector::Class(_) => true,
            Selector::Address(it) => *it == step.address || *it == stage.api,
        }),
        _ => false,
    };
    let found = plan.to_do().filter(is_left).filter(is_named);
    found.map(|it| it.address.clone()).collect()
}

/// What others put on a resource and no policy of ours pushes out.
fn strangers<'a>(have: &'a Have, want: &'a crate::kinds::Want) -> impl Iterator<Item = &'a Extra> {
    have.extras
        .iter()
        .filter(|it| !it.what.goes_with_exclusive() && !want.declares(it))
        .filter(|it| !want.knows(it))
}

/// What is named, and what has to be there for it: the stage that serves an API, the queue of a subscription.
fn with_needs(plan: &Plan, mut chosen: BTreeSet<Address>) -> BTreeSet<Address> {
    loop {
        let before = chosen.len();
        for step in plan.to_do() {
            let Some(want) = &step.want else { continue };
            let served = step.address.kind == KindName::Stage
                && want.needs.iter().any(|it| chosen.contains(it));
            if served {
                chosen.insert(step.address.clone());
            }
            if chosen.contains(&step.address) {
                chosen.extend(want.resource.pending());
            }
            if want.repin && chosen.contains(&step.address) {
                // A policy that names a role cannot be written before the role is there.
                let named = want.resource.roles_named();
                let made = plan.to_do().filter(|it| it.action == Action::Create);
                let made = made.filter(|it| {
                    let arn = it.want.as_ref().and_then(|it| it.resource.arn());
                    arn.is_some_and(|it| named.contains(it))
                });
                chosen.extend(made.map(|it| it.address.clone()));
            }
            if step.action == Action::Create && chosen.contains(&step.address) {
                let made = |it: &&Address| {
                    plan.to_do()
                        .any(|step| step.address == **it && step.action == Action::Create)
                };
                let needs: Vec<Address> = want.needs.iter().filter(made).cloned().collect();
                chosen.extend(needs);
            }
        }
        if chosen.len() == before {
            return chosen;
        }
    }
}

/// Returns what to say of something that has no finding; an error where it is nothing that could have one.
fn nothing_found(selector: &Selector, desired: &Desired, drift: &Drift) -> Result<String, String> {
    let Selector::Address(address) = selector else {
        return Ok(format!("nothing was found of {selector}"));
    };
    if desired.wants.contains_key(address) {
        return Ok(format!("`{address}` is in step"));
    }
    let found = drift.findings.iter().flat_map(super::Finding::all);
    let known: BTreeSet<String> = found
        .chain(desired.wants.keys())
        .map(ToString::to_string)
        .collect();
    let says = format!("`{address}` is neither in the stack nor among the findings");
    match nearest(&address.to_string(), known.iter().map(String::as_str)) {
        Some(it) => Err(format!("{says}; did you mean `{it}`?")),
        // What had left the stack is gone once it was put back.
        None => Ok(format!("{says}: nothing is left of it")),
    }
}
