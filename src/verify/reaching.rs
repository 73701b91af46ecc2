//! Which roles' identity policies reach a resource, and by which of its actions.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::actions::actions_on;
use super::bound::account_of;
use super::paper::allowing;
use super::world::{Thing, What, World};
use crate::lower::calls::{Texts, some_text};
use crate::model::{Address, KindName};
use crate::policy::patterns::{Pattern, resource_texts};
use crate::policy::{Clause, Statement};

/// Statements of identity policies, by the resources that they reach.
pub(super) struct Reaching<'a> {
    /// By the resource's address: roles with a statement that reaches it.
    found: BTreeMap<&'a Address, BTreeMap<&'a Address, Reach<'a>>>,
    /// By account: roles with documents that nobody read.
    unread: BTreeMap<&'a str, Vec<&'a Thing>>,
}

/// A role, and what its own policies may let it do to a resource.
pub(super) struct Reach<'a> {
    /// The role.
    pub(super) role: &'a Thing,
    /// The actions, each with the ARN that it is asked on.
    pub(super) deeds: BTreeSet<(&'static str, String)>,
}

/// Whether an action clause takes an action.
pub(super) fn takes(clause: &Clause, action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    clause
        .values
        .iter()
        .any(|it| Pattern::of(&it.to_ascii_lowercase()).matches(&action))
        != clause.negated
}

/// The ARN by which API Gateway's own API names a REST API; what is below it is part of the API.
fn managed(api: &Thing) -> String {
    let id = api.arn.rsplit(':').next().unwrap_or_default();
    let place = &api.place;
    format!(
        "arn:{}:apigateway:{}::/restapis/{id}",
        place.partition(),
        place.region
    )
}

/// Returns the ARN of an API, or of a part of it, that a pattern takes and API Gateway's own API knows it by.
pub(super) fn managed_within(pattern: &Texts, api: &Thing) -> Option<String> {
    let own = managed(api);
    let all = [Texts::exactly(&own), Texts::pattern(&format!("{own}/*"))];
    all.iter().find_map(|it| some_text(&[pattern, it], &[]))
}

/// Returns the ARN that an action on a resource is asked on.
fn asked_on(action: &str, thing: &Thing) -> String {
    if action.starts_with("apigateway:") {
        managed(thing)
    } else {
        thing.arn.clone()
    }
}

/// Returns the actions by which roles use or change a kind of resource. Whom a role's trust policy lets assume it is read off
/// that policy, whatever the callers' own say.
fn asked_of(kind: KindName) -> impl Iterator<Item = &'static str> {
    let actions = actions_on(kind);
    let all = actions.uses.iter().chain(actions.changes).copied();
    all.filter(|it| !it.starts_with("sts:"))
}

/// The actions that are asked about, to be found by a statement's.
struct Table {
    plain: HashMap<String, (KindName, &'static str)>,
}

impl Table {
    fn new() -> Self {
        let all = KindName::ALL
            .into_iter()
            .flat_map(|kind| asked_of(kind).map(move |it| (it.to_ascii_lowercase(), (kind, it))));
        Self {
            plain: all.collect(),
        }
    }

    /// The actions that a clause takes.
    fn taken(&self, clause: &Clause) -> Vec<(KindName, &'static str)> {
        let is_plain = |it: &String| !it.contains(['*', '?']);
        if !clause.negated && clause.values.iter().all(is_plain) {
            let each = clause.values.iter();
            return each
                .filter_map(|it| self.plain.get(&it.to_ascii_lowercase()).copied())
                .collect();
        }
        let patterns: Vec<String> = clause
            .values
            .iter()
            .map(|it| it.to_ascii_lowercase())
            .collect();
        let patterns: Vec<Pattern> = patterns.iter().map(|it| Pattern::of(it)).collect();
        let takes = |action: &str| patterns.iter().any(|it| it.matches(action)) != clause.negated;
        let each = self.plain.iter().filter(|(it, _)| takes(it));
        each.map(|(_, it)| *it).collect()
    }
}

impl<'a> Reaching<'a> {
    pub(super) fn of(world: &'a World) -> Self {
        let mut reaching = Self {
            found: BTreeMap::new(),
            unread: BTreeMap::new(),
        };
        let table = Table::new();
        for role in world.of_kind(KindName::Role) {
            let What::Role {
                identity, unread, ..
            } = &role.what
            else {
                continue;
            };
            if !unread.is_empty() {
                reaching
                    .unread
                    .entry(account_of(role))
                    .or_default()
                    .push(role);
            }
            for statement in identity.iter().flat_map(allowing) {
                let taken = table.taken(&statement.action);
                if taken.is_empty() {
                    continue;
                }
                for (target, on) in reached(world, statement) {
                    let own = taken.iter().filter(|it| it.0 == target.address.kind);
                    let own = own.filter(|(_, it)| {
                        let manages = it.starts_with("apigateway:");
                        manages == on.starts_with("arn:") && (manages || on.is_empty())
                    });
                    for (_, action) in own {
                        let known = reaching.found.entry(&target.address).or_default();
                        let known = known.entry(&role.address).or_insert_with(|| Reach {
                            role,
                            deeds: BTreeSet::new(),
                        });
                        let on = if on.is_empty() { &target.arn } else { &on };
                        known.deeds.insert((action, on.clone()));
                    }
                }
            }
        }
        reaching
    }

    /// The roles whose own policies reach a resource.
    pub(super) fn to(&self, thing: &Thing) -> impl Iterator<Item = &Reach<'a>> {
        let found = self.found.get(&thing.address);
        found.into_iter().flat_map(BTreeMap::values)
    }

    /// The roles of a resource's account with policies that nobody read.
    pub(super) fn unread(&self, thing: &Thing) -> &[&'a Thing] {
        let found = self.unread.get(account_of(thing));
        found.map_or(&[], Vec::as_slice)
    }

    /// The roles that may use or change a resource by their own policies, those among them that nobody read too.
    pub(super) fn of_own_side(&self, thing: &Thing) -> Vec<Reach<'a>> {
        let mut found: BTreeMap<&Address, Reach<'a>> = BTreeMap::new();
        for it in self.to(thing) {
            let deeds = it.deeds.clone();
            found.insert(
                &it.role.address,
                Reach {
                    role: it.role,
                    deeds,
                },
            );
        }
        for &role in self.unread(thing) {
            let all = asked_of(thing.address.kind).map(|it| (it, asked_on(it, thing)));
            let known = found.entry(&role.address).or_insert_with(|| Reach {
                role,
                deeds: BTreeSet::new(),
            });
            known.deeds.extend(all);
        }
        found.into_values().collect()
    }
}

/// The resources that a statement may reach; with an API, the ARN that it is managed by, where the statement reaches that.
fn reached<'a>(world: &'a World, statement: &Statement) -> Vec<(&'a Thing, String)> {
    let is_api = |it: &&Thing| it.address.kind == KindName::RestApi;
    let all = || world.things.values();
    let clause = statement.resource.as_ref().filter(|it| !it.negated);
    let Some(clause) = clause else {
        // What is not these is taken for everything; the evaluator has the last word.
        let managed = all().filter(is_api).flat_map(|it| {
            let own = managed(it);
            [(it, format!("{own}/stages")), (it, own)]
        });
        let plain = all().map(|it| (it, String::new()));
        return plain.chain(managed).collect();
    };
    let mut found: BTreeMap<(&Address, String), &Thing> = BTreeMap::new();
    for value in &clause.values {
        if let Some(arn) = arn_in(value) {
            let own = world.with_arn(arn).into_iter();
            found.extend(own.map(|it| ((&it.address, String::new()), it)));
            continue;
        }
        for text in resource_texts(value) {
            let (texts, pattern) = (Texts::pattern(&text), Pattern::of(&text));
            for thing in all() {
                let is_api = is_api(&thing);
                let plain = if is_api {
                    texts.clone().past(&thing.arn).is_some()
                } else {
                    pattern.matches(&thing.arn)
                };
                if plain {
                    found.insert((&thing.address, String::new()), thing);
                }
                if is_api {
                    let on = managed_within(&texts, thing);
                    found.extend(on.map(|on| ((&thing.address, on), thing)));
                }
            }
        }
    }
    let each = found.into_iter();
    each.map(|((_, on), thing)| (thing, on)).collect()
}

/// Returns the ARN of the one resource that an element of a policy can reach, of a call its API's; none where it may be several,
/// or an API by the name that API Gateway's own API has for it, which does not say whose the API is.
pub(super) fn arn_in(element: &str) -> Option<&str> {
    let is_call = element.contains(":execute-api:");
    let name = element.split('/').next().filter(|_| is_call);
    let name = name.unwrap_or(element);
    let is_one = name.matches(':').count() >= 5 && !name.contains(['*', '?', '$']);
    (is_one && name.starts_with("arn:") && !name.contains(":apigateway:")).then_some(name)
}
