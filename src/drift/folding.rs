//! Findings that only follow from another are a part of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Class, Finding, own_changes};
use crate::kinds::Resource;
use crate::lower::Desired;
use crate::model::{Address, Detail, KindName};
use crate::plan::Plan;

/// Findings without those that only follow from another: what cannot be there while something else is missing, and what
/// goes with something that is left over.
pub(super) fn folded(findings: Vec<Finding>, desired: &Desired, plan: &Plan) -> Vec<Finding> {
    let ghosts = &plan.ghosts;
    let missing: BTreeSet<Address> = findings
        .iter()
        .filter(|it| it.class == Class::Missing)
        .filter_map(|it| it.address().cloned())
        .collect();
    // The missing role of which a document shows a dead id, where it differs in nothing else.
    let dead = |finding: &Finding| -> Option<Address> {
        let address = finding.address()?;
        let here = ghosts.iter().filter(|it| it.address == *address);
        let mut names: Vec<String> = here.clone().map(ToString::to_string).collect();
        let wants = missing.iter().filter_map(|it| desired.wants.get(it));
        names.extend(wants.filter_map(|it| match &it.resource {
            Resource::Role(role) => Some(role.arn.to_string()),
            _ => None,
        }));
        let only_that = |line: &String| names.iter().any(|it| line.contains(it));
        let roles: Vec<Option<&Address>> = here
            .map(|ghost| {
                missing
                    .iter()
                    .find(|it| ghost.was.contains(&it.to_string()))
            })
            .collect();
        let all = !roles.is_empty() && roles.iter().all(Option::is_some);
        let follows = all && finding.lines.iter().all(only_that);
        roles
            .into_iter()
            .flatten()
            .next()
            .filter(|_| follows)
            .cloned()
    };
    let unwanted: BTreeSet<Address> = findings
        .iter()
        .filter(|it| it.class == Class::Unwanted)
        .filter_map(|it| it.address().cloned())
        .collect();
    let dead_of: BTreeMap<Address, Address> = findings
        .iter()
        .filter(|it| it.class == Class::Ghost)
        .filter_map(|it| Some((it.address()?.clone(), dead(it)?)))
        .collect();
    let cause = |finding: &Finding| -> Option<Address> {
        // What a role may do cannot be known before the API is there that its policy names.
        if let Some(api) = awaited(finding, desired, &missing) {
            return Some(api);
        }
        if let Some(role) = repinned(finding, desired, plan, &missing) {
            return Some(role);
        }
        if finding.class == Class::Ghost {
            let address = finding.address()?;
            let needs = desired.wants.get(address).map(|it| &it.needs);
            let api = needs.into_iter().flatten().find_map(|it| dead_of.get(it));
            // What a stage serves is dead with its API's policy.
            let of_stage = api.filter(|_| address.kind == KindName::Stage);
            return dead_of.get(address).or(of_stage).cloned();
        }
        if finding.class == Class::Unwanted {
            return parents(finding.address()?).find(|it| unwanted.contains(it));
        }
        let address = finding
            .address()
            .filter(|_| finding.class == Class::Missing)?;
        let follows = matches!(address.kind, KindName::Stage | KindName::Subscription);
        let want = desired.wants.get(address).filter(|_| follows)?;
        want.needs.iter().find(|it| missing.contains(it)).cloned()
    };
    let (following, mut kept): (Vec<_>, Vec<_>) = findings
        .into_iter()
        .map(|it| (cause(&it), it))
        .partition(|(cause, _)| cause.is_some());
    for (cause, finding) in following {
        let of_cause = |it: &&mut (Option<Address>, Finding)| it.1.address() == cause.as_ref();
        if let Some((_, parent)) = kept.iter_mut().find(of_cause) {
            for address in &finding.addresses {
                parent.lines.push(format!("with it: {address}"));
            }
            parent.with_it.extend(finding.addresses);
            for effect in finding.effects {
                if !parent.effects.contains(&effect) {
                    parent.effects.push(effect);
                }
            }
            parent.severity = parent.severity.min(finding.severity);
        }
    }
    kept.into_iter().map(|(_, it)| it).collect()
}

/// Returns the missing role that a finding follows from: a document names the role, is as the stack says, and is written again
/// once the role is there.
fn repinned(
    finding: &Finding,
    desired: &Desired,
    plan: &Plan,
    missing: &BTreeSet<Address>,
) -> Option<Address> {
    let address = finding
        .address()
        .filter(|_| matches!(finding.class, Class::Changed | Class::NotApplied))?;
    let step = plan.steps.iter().find(|it| it.address == *address)?;
    let (want, have) = (step.want.as_ref()?, step.have.as_ref()?);
    if !want.repin || !own_changes(want, have).is_empty() {
        return None;
    }
    let named = want.resource.roles_named();
    let mut roles = missing
        .iter()
        .filter_map(|it| desired.wants.get_key_value(it));
    let role = roles.find(|(_, it)| it.resource.arn().is_some_and(|it| named.contains(it)));
    role.map(|(address, _)| address.clone())
}

/// Returns what a subscription or a stage cannot be without: the queue and the topic, or the API.
fn parents(address: &Address) -> impl Iterator<Item = Address> {
    let (first, second) = address.name.split_once('.').unwrap_or_default();
    let kinds: &[(KindName, &str)] = match address.kind {
        KindName::Subscription => &[(KindName::Queue, first), (KindName::Topic, second)],
        KindName::Stage => &[(KindName::RestApi, first)],
        _ => &[],
    };
    let found: Vec<Address> = kinds
        .iter()
        .map(|(kind, name)| Address::new(*kind, *name))
        .collect();
    found.into_iter()
}

/// Returns the missing API that a finding of a role follows from: the role's policies differ in nothing but its id.
fn awaited(finding: &Finding, desired: &Desired, missing: &BTreeSet<Address>) -> Option<Address> {
    let want = desired.wants.get(finding.address()?)?;
    let Resource::Role(_) = &want.resource else {
        return None;
    };
    let pending = want.resource.pending();
    let api = pending.intersection(missing).next()?;
    let details: Vec<&Detail> = finding.changes.iter().flat_map(|it| &it.details).collect();
    let heads: Vec<(&str, &str)> = details
        .iter()
        .filter_map(|it| {
            let (head, rest) = it.text.split_once("${provision:")?;
            Some((head, rest.split_once('}')?.1))
        })
        .collect();
    let of_id = |it: &&Detail| {
        let text = it.text.as_str();
        it.text.contains("${provision:")
            || heads
                .iter()
                .any(|(head, tail)| text.starts_with(head) && text.ends_with(tail))
    };
    let told = finding.changes.iter().all(|it| !it.details.is_empty());
    (told && details.iter().all(of_id)).then(|| api.clone())
}
