//! Who gains and who loses, in words: a plan begins with it.
//!
//! Read off the whole documents of each step, as they are and as they will be: a resource's policy that
//! lets somebody in, a role that may do something with those who may assume it, a subscription.
//! What only changes its shape is no gain and no loss: another mechanism, a
//! route that is part of what was allowed before.

use std::collections::{BTreeMap, BTreeSet};

use super::documents;
use super::edges::{Edge, Names, closed, edges, name_unsigned, unruled};
use super::outward::Outward;
use super::reborn::Reborn;
use super::{Action, Step, vanished};
use crate::kinds::survey::Guest;
use crate::lower::Desired;
use crate::model::Address;

/// What a change does to somebody's access.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// They may do what they could not.
    Gained,
    /// They get back what they had before their role was deleted.
    Restored,
    /// They may do more than before: what that was.
    Widened(String),
    /// They may do a part of what they could before: what that was.
    Narrowed(String),
    /// They may do the same by another mechanism: what it was.
    Moved(&'static str),
    /// They may no longer.
    Lost,
}

impl Turn {
    /// In a word, for machines.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Gained => "gained",
            Self::Restored => "restored",
            Self::Widened(_) => "widened",
            Self::Narrowed(_) => "narrowed",
            Self::Moved(_) => "moved",
            Self::Lost => "lost",
        }
    }

    /// Whether somebody may do more.
    #[must_use]
    pub fn gains(&self) -> bool {
        matches!(self, Self::Gained | Self::Restored | Self::Widened(_))
    }

    /// Whether somebody may do less.
    #[must_use]
    pub fn loses(&self) -> bool {
        matches!(self, Self::Lost | Self::Narrowed(_))
    }
}

/// A change in who may do what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccessChange {
    /// What it does to their access.
    pub turn: Turn,
    /// Who and what: as it will be, or as it was of what is lost.
    pub edge: Edge,
    /// Why by this mechanism, where the engine chose it.
    pub why: Option<String>,
}

impl AccessChange {
    /// Returns what anyone could call, and from now on only some may.
    pub(super) fn closed_to_anyone(&self) -> Option<Edge> {
        let anyone = match &self.turn {
            Turn::Lost => self.edge.is_public(),
            Turn::Narrowed(from) => from == "anyone",
            _ => false,
        };
        anyone.then(|| Edge {
            who: "anyone".to_owned(),
            ..self.edge.clone()
        })
    }
}

/// Who gains and who loses by these steps; `again` are roles that get back what a deletion took.
pub(super) fn changes(
    desired: &Desired,
    steps: &[Step],
    again: &[Reborn],
    strangers: &[Guest],
) -> Vec<AccessChange> {
    let names = Names::of(desired, steps);
    let made: BTreeSet<&Address> = desired
        .grants
        .iter()
        .filter_map(|it| it.role.as_ref())
        .collect();
    let (mut before, mut after) = (BTreeSet::new(), BTreeSet::new());
    for step in steps.iter().filter(|it| it.action != Action::Keep) {
        let pairs = documents::pairs(step);
        let beside = made.contains(&step.address);
        let all = |after: bool| {
            let mut found = edges(step, &pairs, &names, beside, after);
            name_unsigned(&mut found, step, after);
            found
        };
        before.extend(all(false));
        before.extend(closed(step));
        after.extend(all(true));
        let (was, will) = (unruled(step, &pairs, false), unruled(step, &pairs, true));
        // That a route with an authorizer needs a statement too, or none any more, changes nothing for its callers.
        let stays = |it: &Edge, there: &BTreeSet<Edge>| it.is_public() || there.contains(it);
        let will: Vec<Edge> = will.into_iter().filter(|it| stays(it, &before)).collect();
        after.extend(will);
        before.extend(was.into_iter().filter(|it| stays(it, &after)));
    }
    let outward = Outward::of_steps(steps);
    before.extend(outward.of(desired, steps, |it| Some(&it.have.as_ref()?.resource)));
    after.extend(outward.of(desired, steps, |it| Some(&it.want.as_ref()?.resource)));
    let again: BTreeSet<&Edge> = again
        .iter()
        .flat_map(|it| &it.pins)
        .flat_map(|it| &it.edges)
        .collect();
    let own: BTreeSet<String> = steps.iter().map(|it| it.address.to_string()).collect();
    let before = vanished::by_old_names(before, &vanished::old_names(steps), &own);
    let mut found = told(&before, &after, &again);
    let standing = || {
        let keeping = steps.iter().filter(|it| it.action == Action::Keep);
        let edges = keeping.flat_map(|it| {
            let pairs = documents::pairs(it);
            edges(it, &pairs, &names, made.contains(&it.address), false)
        });
        edges.chain(before.iter().cloned()).collect()
    };
    let routes = steps.iter().filter(|it| it.action == Action::Update);
    let routes = routes.filter(|it| !vanished::unanswered(it).is_empty());
    let routes = routes.flat_map(|it| vanished::lost_routes(it, &standing()));
    let vanished = routes.chain(vanished::guests(steps, strangers));
    let vanished = vanished.filter(|it| {
        !found
            .iter()
            .any(|other| other.turn.loses() && other.edge.covers(it))
    });
    let vanished: BTreeSet<Edge> = vanished.collect();
    found.extend(vanished.into_iter().map(|edge| AccessChange {
        turn: Turn::Lost,
        edge,
        why: None,
    }));
    let chosen: BTreeMap<(&String, String), &String> = desired
        .grants
        .iter()
        .filter_map(|it| Some(((&it.who, it.target.to_string()), it.why.as_ref()?)))
        .collect();
    for it in found.iter_mut().filter(|it| it.turn != Turn::Lost) {
        let why = chosen.get(&(&it.edge.who, it.edge.target.clone()));
        it.why = why.map(|it| (*it).clone());
    }
    found
}

fn told(
    before: &BTreeSet<Edge>,
    after: &BTreeSet<Edge>,
    again: &BTreeSet<&Edge>,
) -> Vec<AccessChange> {
    let mut lost: BTreeSet<&Edge> = before.difference(after).collect();
    let mut found = Vec::new();
    for edge in after.difference(before) {
        let same = |it: &&&Edge| it.covers(edge) && edge.covers(it);
        let open = before.iter().find(|it| it.opens(edge));
        let turn = if let Some(old) = lost.iter().find(same).copied() {
            lost.remove(old);
            Turn::Moved(old.via)
        } else if let Some(open) = open {
            if after.iter().any(|it| it.opens(edge)) {
                continue;
            }
            lost.remove(open);
            Turn::Narrowed(open.who.clone())
        } else if let Some(old) = before.iter().find(|it| it.covers(edge)) {
            // What it was part of before is gone, or is there still and says it all.
            if !lost.remove(old) && !found.iter().any(|it| narrowed_from(it, old)) {
                continue;
            }
            Turn::Narrowed(shown(old))
        } else if let Some(old) = lost.iter().find(|it| edge.covers(it)).copied() {
            let old = old.clone();
            lost.retain(|it| !edge.covers(it));
            Turn::Widened(shown(&old))
        } else if again.contains(edge) {
            Turn::Restored
        } else {
            Turn::Gained
        };
        found.push(AccessChange {
            turn,
            edge: edge.clone(),
            why: None,
        });
    }
    let gone = lost.into_iter().filter(|it| {
        !after
            .iter()
            .any(|other| other.covers(it) || other.opens(it))
    });
    found.extend(gone.map(|it| AccessChange {
        turn: Turn::Lost,
        edge: it.clone(),
        why: None,
    }));
    found
}

/// Whether a change tells already that an edge was narrowed.
fn narrowed_from(change: &AccessChange, old: &Edge) -> bool {
    matches!(&change.turn, Turn::Narrowed(from) if *from == shown(old))
        && change.edge.who == old.who
        && change.edge.target == old.target
}

fn shown(edge: &Edge) -> String {
    edge.route().unwrap_or(&edge.may).to_owned()
}
