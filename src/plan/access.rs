//! Who gains and who loses, in words: a plan begins with it.
//!
//! Read off the whole documents of each step, as they are and as they will be: a resource's policy that
//! lets somebody in, a role that may do something with those who may assume it, a subscription.
//! What only changes its shape is no gain and no loss: another mechanism, a
//! route that is part of what was allowed before.

use std::collections::{BTreeMap, BTreeSet};

use super::documents::{self, INLINE, POLICY, Pair, TRUST};
use super::outward::Outward;
use super::reborn::Reborn;
use super::{Action, Step};
use crate::kinds::Resource;
use crate::lower::Desired;
use crate::model::{Address, KindName};
use crate::policy::own::is_ghost;
use crate::policy::patterns::Pattern;
use crate::policy::{Effect, Principals, Statement};

/// Somebody who may do something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Who: an address of the stack, or the principal as AWS writes it.
    pub who: String,
    /// What: `publish to`, `call POST /orders of`, `receive from`.
    pub may: String,
    /// On what.
    pub target: String,
    /// By which mechanism.
    pub via: &'static str,
}

impl Edge {
    /// The route of a call.
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        self.may.strip_prefix("call ")?.strip_suffix(" of")
    }

    /// Whether this lets the same one do all that another does, by whatever mechanism.
    fn covers(&self, other: &Self) -> bool {
        if self.who != other.who || self.target != other.target {
            return false;
        }
        match (self.route(), other.route()) {
            (Some(own), Some(other)) => Pattern::of(own).matches(other),
            (None, None) => self.may == other.may,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
}

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

/// Names for ARNs, and for what stands for an API in an ARN.
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    /// The names of everything in the stack, and of what it uses of others.
    pub(super) fn of(desired: &Desired, steps: &[Step]) -> Self {
        let mut names = Self::of_steps(steps);
        names.0.extend(desired.theirs.clone());
        // What is in an account that is not entered has no step, and a name all the same.
        for (address, want) in &desired.wants {
            let arn = match &want.resource {
                Resource::Role(it) => &it.arn,
                Resource::Topic(it) => &it.arn,
                Resource::Queue(it) => &it.arn,
                Resource::RestApi(_) | Resource::Subscription(_) | Resource::Stage(_) => continue,
            };
            names
                .0
                .entry(arn.to_string())
                .or_insert_with(|| address.to_string());
        }
        names
    }

    fn of_steps(steps: &[Step]) -> Self {
        let mut names = BTreeMap::new();
        for step in steps {
            let want = step.want.as_ref().map(|it| &it.resource);
            let have = step.have.as_ref().map(|it| &it.resource);
            for resource in have.into_iter().chain(want) {
                let arn = match resource {
                    Resource::Role(it) => it.arn.to_string(),
                    Resource::Topic(it) => it.arn.to_string(),
                    Resource::Queue(it) => it.arn.to_string(),
                    Resource::RestApi(it) => {
                        names.extend(it.existing.clone().map(|id| (id, step.address.to_string())));
                        step.address.to_string()
                    }
                    Resource::Subscription(_) | Resource::Stage(_) => continue,
                };
                names.insert(arn, step.address.to_string());
            }
            if step.address.kind == KindName::RestApi
                && let Some(have) = &step.have
            {
                names.insert(have.id.clone(), step.address.to_string());
            }
        }
        Self(names)
    }

    pub(super) fn name(&self, arn: &str) -> String {
        self.0.get(arn).cloned().unwrap_or_else(|| arn.to_owned())
    }

    /// The API of a resource of `execute-api`, and the route.
    fn call(&self, resource: &str) -> Option<(String, String)> {
        let (head, path) = resource.split_once('/')?;
        let id = head.splitn(6, ':').nth(5)?;
        let mut parts = path.splitn(3, '/');
        let (_, method, path) = (
            parts.next()?,
            parts.next().unwrap_or("*"),
            parts.next().unwrap_or_default(),
        );
        let api = self
            .0
            .get(id)
            .cloned()
            .unwrap_or_else(|| format!("api {id}"));
        Some((api, format!("{method} /{path}")))
    }
}

/// Who gains and who loses by these steps; `again` are roles that get back what a deletion took.
pub(super) fn changes(desired: &Desired, steps: &[Step], again: &[Reborn]) -> Vec<AccessChange> {
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
        before.extend(edges(step, &pairs, &names, beside, false));
        after.extend(edges(step, &pairs, &names, beside, true));
    }
    let outward = Outward::of_steps(steps);
    before.extend(outward.of(desired, steps, |it| Some(&it.have.as_ref()?.resource)));
    after.extend(outward.of(desired, steps, |it| Some(&it.want.as_ref()?.resource)));
    let again: BTreeSet<&Edge> = again
        .iter()
        .flat_map(|it| &it.pins)
        .flat_map(|it| &it.edges)
        .collect();
    let mut found = told(&before, &after, &again);
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
        let turn = if let Some(old) = lost.iter().find(same).copied() {
            lost.remove(old);
            Turn::Moved(old.via)
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
    let gone = lost
        .into_iter()
        .filter(|it| !after.iter().any(|other| other.covers(it)));
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

/// What a step's resource lets whom do, before or after it.
pub(super) fn edges(
    step: &Step,
    pairs: &[Pair],
    names: &Names,
    beside: bool,
    after: bool,
) -> Vec<Edge> {
    let of = |document: &str| {
        let pair = pairs.iter().find(|it| it.document == document)?;
        if after {
            pair.after.as_ref()
        } else {
            pair.before.as_ref()
        }
    };
    let statements = |document: &str| {
        of(document)
            .into_iter()
            .flat_map(|it| &it.statements)
            .filter(|it| it.effect == Effect::Allow)
    };
    match step.address.kind {
        KindName::Topic | KindName::Queue | KindName::RestApi => statements(POLICY)
            .flat_map(|statement| {
                let deeds = deeds(statement, Some(&step.address), names);
                let own = format!("arn:{}:iam::{}:root", step.place.partition(), step.place.id);
                who(statement, names, &own)
                    .into_iter()
                    .flat_map(move |who| {
                        deeds.clone().into_iter().map(move |(may, target)| Edge {
                            who: who.clone(),
                            may,
                            target,
                            via: "resource policy",
                        })
                    })
            })
            .collect(),
        KindName::Role => {
            // A role that is there for others lets in whom it trusts, services too.
            let callers: BTreeSet<String> = statements(TRUST)
                .filter(|it| beside || of_accounts(it))
                .flat_map(|it| who(it, names, ""))
                .collect();
            statements(INLINE)
                .flat_map(|it| deeds(it, None, names))
                .flat_map(|(may, target)| {
                    callers.iter().map(move |who| Edge {
                        who: who.clone(),
                        may: may.clone(),
                        target: target.clone(),
                        via: "assume role",
                    })
                })
                .collect()
        }
        KindName::Subscription => {
            let resource = if after {
                step.want.as_ref().map(|it| &it.resource)
            } else {
                step.have.as_ref().map(|it| &it.resource)
            };
            match resource {
                Some(Resource::Subscription(it)) => vec![Edge {
                    who: names.name(it.queue.as_str()),
                    may: "receive from".to_owned(),
                    target: names.name(it.topic.as_str()),
                    via: "subscription",
                }],
                _ => Vec::new(),
            }
        }
        KindName::Stage => Vec::new(),
    }
}

/// What a statement lets be done, to what. `of` is the resource whose policy it stands in.
fn deeds(statement: &Statement, of: Option<&Address>, names: &Names) -> Vec<(String, String)> {
    let takes = |action: &str| {
        let any = statement
            .action
            .values
            .iter()
            .any(|it| Pattern::of(&it.to_ascii_lowercase()).matches(action));
        any != statement.action.negated
    };
    let mut found = Vec::new();
    let resources = || statement.resource.iter().flat_map(|it| &it.values);
    if takes("execute-api:invoke") && of.is_none_or(|it| it.kind == KindName::RestApi) {
        for (api, route) in resources().filter_map(|it| names.call(it)) {
            let target = of.map_or(api, ToString::to_string);
            found.push((format!("call {route} of"), target));
        }
    }
    // Whom a queue's subscription needs, the subscription tells.
    let subscribes = statement.conditions.values().any(|keys| {
        keys.keys()
            .any(|it| it.eq_ignore_ascii_case("sns:Endpoint"))
    });
    let plain = [
        (KindName::Topic, "sns:publish", "publish to"),
        (KindName::Topic, "sns:subscribe", "subscribe to"),
        (KindName::Queue, "sqs:receivemessage", "receive from"),
        (KindName::Queue, "sqs:sendmessage", "send to"),
    ];
    for (kind, action, may) in plain {
        if !takes(action) || (action == "sns:subscribe" && subscribes) {
            continue;
        }
        match of {
            Some(address) if address.kind == kind => {
                found.push((may.to_owned(), address.to_string()));
            }
            Some(_) => {}
            None => found.extend(
                resources()
                    .filter(|it| {
                        names
                            .0
                            .get(*it)
                            .is_some_and(|it| it.starts_with(kind.table()))
                    })
                    .map(|it| (may.to_owned(), names.name(it))),
            ),
        }
    }
    found
}

/// Whether a statement names principals of accounts.
fn of_accounts(statement: &Statement) -> bool {
    statement
        .principal
        .as_ref()
        .is_some_and(|it| !it.aws_values().is_empty() || it.principals == Principals::Anyone)
}

/// Whom a statement lets in. The owner's account decides for itself, and the dead do nothing.
fn who(statement: &Statement, names: &Names, own: &str) -> Vec<String> {
    let delivers = |it: &str| it.starts_with("sns.") && statement.conditions.len() == 1;
    let conditions: Vec<String> = statement
        .conditions
        .values()
        .flat_map(|keys| keys.iter())
        .filter(|(key, values)| {
            let unsigned = key.eq_ignore_ascii_case("aws:PrincipalArn")
                && values.iter().any(|it| it == "true");
            !key.eq_ignore_ascii_case("sts:ExternalId") && !unsigned
        })
        .flat_map(|(_, values)| values.iter().map(|it| names.name(it)))
        .collect();
    let base: Vec<String> = match statement.principal.as_ref() {
        None => Vec::new(),
        Some(clause) if clause.negated => vec!["all but some".to_owned()],
        Some(clause) => match &clause.principals {
            Principals::Anyone => vec!["anyone".to_owned()],
            Principals::Of(types) => types
                .values()
                .flatten()
                .filter(|it| *it != own && !is_ghost(it) && !delivers(it))
                .map(|it| {
                    if it == "*" {
                        "anyone".to_owned()
                    } else {
                        names.name(it)
                    }
                })
                .collect(),
        },
    };
    let exactly = |it: &String| it.contains(":role/") && !it.contains(['*', '?']);
    if conditions.is_empty() {
        base
    } else if base.iter().all(|it| it.ends_with(":root")) && conditions.iter().all(exactly) {
        // An account's root with these roles named beside it is these roles.
        conditions.iter().map(|it| names.name(it)).collect()
    } else {
        base.into_iter()
            .map(|it| format!("{it} ({})", conditions.join(", ")))
            .collect()
    }
}
