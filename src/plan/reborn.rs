//! Roles that have another id than the one that documents hold: they were deleted, and are made again.
//!
//! AWS writes a role's unique id beside its name into whatever names it. When the role goes, the id is all that is left
//! there (`AROA…`), and a role of the same name that comes later is another: nothing that let the first in lets it in.
//! So each such document is written again in the run that makes the role, or that finds it made by somebody else.
//!
//! AWS tells nobody which role an id was. It is read off the statement it stands in: somebody whom the stack
//! names there, and AWS does not, is who it was.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::documents::{self, POLICY, TRUST};
use super::edges::{Edge, Names, edges};
use super::{Action, Step};
use crate::kinds::{Have, Resource, Want};
use crate::lower::Desired;
use crate::model::{Address, Arn, KindName, Place};
use crate::policy::own::is_ghost;
use crate::policy::{Document, PrincipalClause, Principals, Statement};

/// How a role came by another id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rebirth {
    /// It is gone, and this plan makes it again.
    Deleted,
    /// Somebody deleted it and made it again.
    Remade,
    /// This plan deletes it and makes it again.
    Replaced,
    /// It is not of the stack: its owner deleted it, and has to have made it again.
    Elsewhere,
}

impl Rebirth {
    /// In a word, for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Remade => "remade",
            Self::Replaced => "replaced",
            Self::Elsewhere => "elsewhere",
        }
    }
}

/// A role that has another id than documents hold, and what that breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reborn {
    /// What the stack calls it: its address, or its ARN where it is not of the stack.
    pub who: String,
    /// Where it stands, where it is of the stack.
    pub place: Option<Place>,
    /// Its ARN.
    pub arn: String,
    /// How it came by another id.
    pub how: Rebirth,
    /// The ids it had, as far as documents show them.
    pub was: BTreeSet<String>,
    /// What is broken by it, and written again in the same run.
    pub pins: Vec<Pin>,
}

/// A document that is written again, so that it names the role that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The resource.
    pub address: Address,
    /// Where it stands.
    pub place: Place,
    /// Which of its documents.
    pub document: &'static str,
    /// Whose access through it is dead until then.
    pub edges: Vec<Edge>,
}

/// The id of a principal that is gone, where a document holds it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ghost {
    /// The id: `AROA…`, `AIDA…`.
    pub id: String,
    /// The resource that names it.
    pub address: Address,
    /// Which of its documents.
    pub document: &'static str,
    /// Who it was: one, or the few that it can have been; nobody where nothing tells.
    pub was: BTreeSet<String>,
}

impl fmt::Display for Ghost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.id)?;
        let was: Vec<&str> = self.was.iter().map(String::as_str).collect();
        if was.is_empty() {
            return Ok(());
        }
        write!(out, " (was {})", was.join(" or "))
    }
}

/// What is known of roles with another id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) reborn: Vec<Reborn>,
    pub(super) ghosts: Vec<Ghost>,
}

/// A document that is to name whom it does not name as it stands.
struct Held<'a> {
    step: &'a Step,
    document: &'static str,
    live: &'a Document,
    wanted: &'a Document,
}

/// The roles of which documents hold another id, and the ids they hold.
pub(super) fn found(desired: &Desired, steps: &[Step], names: &Names) -> Found {
    let beside: BTreeSet<&Address> = desired
        .grants
        .iter()
        .filter_map(|it| it.role.as_ref())
        .collect();
    let roles = roles(steps);
    let held: Vec<Held<'_>> = steps.iter().filter_map(held).collect();
    let ids = who_they_were(&held);
    let mut reborn: BTreeMap<String, Reborn> = BTreeMap::new();
    let mut ghosts = BTreeSet::new();
    for it in &held {
        let dead = ids_in(it.live);
        for id in &dead {
            let was = ids.get(id).into_iter().flatten();
            ghosts.insert(Ghost {
                id: id.clone(),
                address: it.step.address.clone(),
                document: it.document,
                was: was.map(|it| names.name(it)).collect(),
            });
        }
        if it.step.action == Action::Keep {
            continue;
        }
        let mut broken: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for id in &dead {
            for arn in ids.get(id).into_iter().flatten() {
                let here = principals(it.wanted).any(|it| it == arn);
                if here {
                    broken.entry(arn).or_default().insert(id.clone());
                }
            }
        }
        // Where AWS has not seen it go, or the plan is to take it, the name is still there.
        for (arn, role) in &roles {
            let before = match role.action {
                Action::Create => arn.clone(),
                Action::Replace => arn_of(role.have.as_ref().map(|it| &it.resource)),
                Action::Keep | Action::Update | Action::Delete => continue,
            };
            let both = principals(it.live).any(|it| *it == before)
                && principals(it.wanted).any(|it| it == arn);
            if both {
                broken.entry(arn).or_default();
            }
        }
        for (arn, was) in broken {
            let role = roles.get(arn);
            let entry = reborn.entry(arn.to_owned()).or_insert_with(|| Reborn {
                who: names.name(arn),
                place: role.map(|it| it.place.clone()),
                arn: arn.to_owned(),
                how: how(role.copied()),
                was: BTreeSet::new(),
                pins: Vec::new(),
            });
            entry.was.extend(was);
            entry.pins.push(Pin {
                address: it.step.address.clone(),
                place: it.step.place.clone(),
                document: it.document,
                edges: edges_of(it, &entry.who, names, beside.contains(&it.step.address)),
            });
        }
    }
    Found {
        reborn: reborn.into_values().collect(),
        ghosts: ghosts.into_iter().collect(),
    }
}

/// The roles of the stack, by their ARNs as they will be.
fn roles(steps: &[Step]) -> BTreeMap<String, &Step> {
    let wanted = steps.iter().filter(|it| it.address.kind == KindName::Role);
    wanted
        .filter_map(|it| Some((arn_of(Some(&it.want.as_ref()?.resource)), it)))
        .collect()
}

fn arn_of(resource: Option<&Resource>) -> String {
    match resource {
        Some(Resource::Role(it)) => it.arn.to_string(),
        _ => String::new(),
    }
}

fn how(role: Option<&Step>) -> Rebirth {
    match role.map(|it| it.action) {
        Some(Action::Create) => Rebirth::Deleted,
        Some(Action::Replace) => Rebirth::Replaced,
        Some(Action::Keep | Action::Update | Action::Delete) => Rebirth::Remade,
        None => Rebirth::Elsewhere,
    }
}

/// The document of a step by which others come in, as it is and as it will be.
fn held(step: &Step) -> Option<Held<'_>> {
    let (want, have) = (step.want.as_ref()?, step.have.as_ref()?);
    let (document, live) = live(want, have)?;
    let (_, wanted) = want.resource.principal_documents().pop()?;
    Some(Held {
        step,
        document,
        live,
        wanted,
    })
}

fn live<'a>(want: &Want, have: &'a Have) -> Option<(&'static str, &'a Document)> {
    match &have.resource {
        Resource::Role(it) => want.owned.then_some((TRUST, &it.trust)),
        other => other.policy().and(Some((POLICY, have.document.as_ref()?))),
    }
}

fn values(statement: &Statement) -> &[String] {
    match statement.principal.as_ref().map(|it| &it.principals) {
        Some(Principals::Of(_)) => statement
            .principal
            .as_ref()
            .map_or(&[], PrincipalClause::aws_values),
        Some(Principals::Anyone) | None => &[],
    }
}

fn principals(document: &Document) -> impl Iterator<Item = &String> {
    document.statements.iter().flat_map(values)
}

fn ids_in(document: &Document) -> BTreeSet<String> {
    let dead = principals(document).filter(|it| is_ghost(it));
    dead.cloned().collect()
}

/// Which ARNs each id can have been: those that the stack names in every statement where the id stands, and AWS does not.
fn who_they_were(held: &[Held<'_>]) -> BTreeMap<String, BTreeSet<String>> {
    let mut groups = Vec::new();
    for it in held {
        for statement in &it.live.statements {
            let dead: BTreeSet<&String> =
                values(statement).iter().filter(|it| is_ghost(it)).collect();
            let same = |it: &&Statement| it.sid.is_some() && it.sid == statement.sid;
            // What the stack does not say, it cannot tell about.
            let Some(wanted) = it.wanted.statements.iter().find(same) else {
                continue;
            };
            let missing: BTreeSet<&String> = values(wanted)
                .iter()
                .filter(|it| !values(statement).contains(it))
                .filter(|it| Arn::parse(it).is_ok_and(|it| it.service() == "iam"))
                .collect();
            if !dead.is_empty() {
                groups.push((dead, missing));
            }
        }
    }
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (dead, missing) in &groups {
        for id in dead {
            // A role is `AROA…`, a user `AIDA…`.
            let sort = if id.starts_with("AROA") {
                ":role/"
            } else {
                ":user/"
            };
            let can: BTreeSet<String> = missing
                .iter()
                .filter(|it| it.contains(sort))
                .map(|it| (*it).clone())
                .collect();
            found
                .entry((*id).clone())
                .and_modify(|it| it.retain(|arn| can.contains(arn)))
                .or_insert(can);
        }
    }
    // Who one of them was for certain, another beside it was not.
    for _ in 0..found.len() {
        let certain: Vec<(String, String)> = found
            .iter()
            .filter_map(|(id, can)| match can.len() {
                1 => Some((id.clone(), can.first()?.clone())),
                _ => None,
            })
            .collect();
        for (dead, _) in &groups {
            for (id, arn) in certain.iter().filter(|(id, _)| dead.contains(id)) {
                for other in dead.iter().filter(|it| **it != id) {
                    if let Some(can) = found.get_mut(*other).filter(|it| it.len() > 1) {
                        can.remove(arn);
                    }
                }
            }
        }
    }
    found
}

/// Whose access goes through a document, of one role.
fn edges_of(held: &Held<'_>, who: &str, names: &Names, beside: bool) -> Vec<Edge> {
    let step = held.step;
    let pairs = documents::pairs(step);
    let mut found: BTreeSet<Edge> = BTreeSet::new();
    if beside || step.address.kind != KindName::Role {
        let through = edges(step, &pairs, names, beside, true);
        found.extend(through.into_iter().filter(|it| it.who == who));
    }
    if found.is_empty() && step.address.kind == KindName::Role {
        found.insert(Edge {
            who: who.to_owned(),
            may: "assume".to_owned(),
            target: step.address.to_string(),
            via: TRUST,
        });
    }
    found.into_iter().collect()
}
