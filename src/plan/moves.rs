//! Consumers whose way to a target changes: the new way is there before the old one is taken.
//!
//! A way is read off the documents, as they are and as they will be: a target's own policy that
//! names the consumer, or an access role that trusts it. Where one way goes and another comes,
//! three things have an order, and a stop between any two of them leaves a way that works:
//!
//! 1. what the new way is made of: the access role with its policy, or the target's policy, deployed; and beside it
//!    the consumer's own policy, which then holds the permissions of both ways;
//! 2. the new way is proved;
//! 3. what lets the consumer in by the old way, and the consumer's own policy, let go of it.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::tarjan_scc;
use petgraph::graph::NodeIndex;

use super::{AccessChange, Action, Plan, Step};
use crate::graph::{Tasks, with_principals};
use crate::kinds::{Part, Resource, Want};
use crate::lower::{Desired, Grant};
use crate::model::{Address, KindName};
use crate::policy::normal::root_account;
use crate::policy::{Document, Effect, Principals, Statement, own, same_statement};
use crate::stack::Endpoint;

/// A consumer whose way to a target changes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Move {
    /// The consumer: a role of the stack.
    pub caller: Address,
    /// What it uses.
    pub target: Address,
    /// What lets it in by now, and will not any more: an access role, or the target itself.
    pub from: Carrier,
    /// What lets it in from now on.
    pub to: Address,
    /// What it does there by the new way: parts of ARNs after the API's id, [`SENDS`] or [`RECEIVES`] of a queue, nothing of
    /// a topic.
    pub does: BTreeSet<String>,
    /// Whether the new way opens with this plan, so that no client can use it yet.
    pub opens: bool,
}

/// What a consumer of a queue does that sends to it.
pub const SENDS: &str = "send";
/// What a consumer of a queue does that receives from it.
pub const RECEIVES: &str = "receive";
/// What an action does with a target; of an API its resource says it.
const DEEDS: [(&str, &str); 4] = [
    ("sns:Publish", ""),
    ("execute-api:Invoke", ""),
    ("sqs:SendMessage", SENDS),
    ("sqs:ReceiveMessage", RECEIVES),
];

/// A way that opens while another one closes, for principals of which one takes the other in: an account gives way to one of
/// its roles, or somebody who is not of the stack is let in otherwise. The new way is open before the old one closes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Succession {
    /// What is used.
    pub target: Address,
    /// What lets them in by now.
    pub from: Carrier,
    /// What lets them in from now on.
    pub to: Address,
    /// The role of the stack among them.
    pub caller: Option<Address>,
}

/// Everything that has an order because ways change.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// Roles of the stack.
    pub(super) ours: Vec<Move>,
    /// Who is not of the stack.
    pub(super) strangers: BTreeSet<Stranger>,
    /// Ways of others than roles of the stack.
    pub(super) successions: BTreeSet<Succession>,
}

/// A step by which somebody is let in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Carrier {
    /// The resource.
    pub address: Address,
    /// Whether the step removes it.
    pub removed: bool,
}

impl Carrier {
    fn of(step: &Step) -> Self {
        Self {
            address: step.address.clone(),
            removed: step.want.is_none(),
        }
    }
}

/// A consumer by its ARN, and a target.
type Between = (String, Address);
/// What somebody may do, by what lets it.
type Ways = BTreeMap<Between, BTreeMap<Carrier, BTreeSet<String>>>;

/// The addresses of targets, by what statements call them.
struct Targets(BTreeMap<String, Address>);

impl Targets {
    fn of(steps: &[Step]) -> Self {
        let mut found = BTreeMap::new();
        for step in steps {
            let resources = [
                step.have.as_ref().map(|it| &it.resource),
                step.want.as_ref().map(|it| &it.resource),
            ];
            for resource in resources.into_iter().flatten() {
                if let Resource::Topic(_) | Resource::Queue(_) = resource {
                    let arn = resource.arn().map(ToString::to_string);
                    found.extend(arn.map(|it| (it, step.address.clone())));
                }
            }
            if let (KindName::RestApi, Some(have)) = (step.address.kind, &step.have) {
                found.insert(have.id.clone(), step.address.clone());
            }
        }
        Self(found)
    }

    /// The target that an identity policy's resource is of, and which part of it.
    fn find(&self, resource: &str) -> Option<(&Address, String)> {
        if let Some(address) = self.0.get(resource) {
            return Some((address, String::new()));
        }
        let (head, path) = resource.split_once('/')?;
        let id = head.rsplit(':').next()?;
        Some((self.0.get(id)?, path.to_owned()))
    }
}

fn allows(statement: &Statement, action: &str) -> bool {
    let values = &statement.action.values;
    statement.effect == Effect::Allow
        && !statement.action.negated
        && values.iter().any(|it| it.eq_ignore_ascii_case(action))
}

fn resources(statement: &Statement) -> impl Iterator<Item = &String> {
    let clause = statement.resource.iter().filter(|it| !it.negated);
    clause.flat_map(|it| &it.values)
}

/// What stands for everyone.
const EVERYONE: &str = "*";

/// The principals that a statement names.
fn named(statement: &Statement) -> Vec<String> {
    let clause = statement.principal.as_ref().filter(|it| !it.negated);
    let anyone = clause.filter(|it| it.principals == Principals::Anyone);
    let values = clause.map_or(&[][..], |it| it.aws_values());
    let anyone = anyone.map(|_| EVERYONE.to_owned());
    anyone.into_iter().chain(values.iter().cloned()).collect()
}

/// Whether of two principals one takes in the other: everyone, or an account.
fn is_within(one: &str, other: &str) -> bool {
    let takes_in = |one: &str, other: &str| {
        let account = root_account(one);
        one == EVERYONE || account.is_some() && account == other.split(':').nth(4)
    };
    takes_in(one, other) || takes_in(other, one)
}

/// Adds what a resource lets whom do.
fn add(ways: &mut Ways, carrier: &Carrier, resource: &Resource, targets: &Targets) {
    let mut way = |who: String, target: &Address, what: String| {
        ways.entry((who, target.clone()))
            .or_default()
            .entry(carrier.clone())
            .or_default()
            .insert(what);
    };
    match resource {
        Resource::Topic(topic) => {
            let statements = topic.policy.statements.iter();
            for statement in statements.filter(|it| allows(it, "sns:Publish")) {
                for who in named(statement) {
                    way(who, &carrier.address, String::new());
                }
            }
        }
        Resource::Queue(queue) => {
            for statement in &queue.policy.statements {
                for (_, deed) in DEEDS.iter().filter(|(it, _)| allows(statement, it)) {
                    for who in named(statement) {
                        way(who, &carrier.address, (*deed).to_owned());
                    }
                }
            }
        }
        Resource::RestApi(api) => {
            let statements = api.policy.statements.iter();
            for statement in statements.filter(|it| allows(it, "execute-api:Invoke")) {
                for who in named(statement) {
                    for what in resources(statement).filter_map(|it| it.split_once('/')) {
                        way(who.clone(), &carrier.address, what.1.to_owned());
                    }
                }
            }
        }
        Resource::Role(role) => {
            let statements = role.identity().flat_map(|it| &it.statements);
            let mut lets: BTreeSet<(&Address, String)> = BTreeSet::new();
            for statement in statements {
                for (_, deed) in DEEDS.iter().filter(|(it, _)| allows(statement, it)) {
                    let found = resources(statement).filter_map(|it| targets.find(it));
                    lets.extend(found.map(|(target, path)| (target, format!("{path}{deed}"))));
                }
            }
            let trusts = role.trust.statements.iter();
            for who in trusts
                .filter(|it| allows(it, "sts:AssumeRole"))
                .flat_map(named)
            {
                for (target, what) in &lets {
                    way(who.clone(), target, what.clone());
                }
            }
        }
        _ => {}
    }
}

/// Somebody who is not of the stack, and whose way to a target changes: nobody here can see whether it
/// has the policy that the new way takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stranger {
    /// As AWS writes it.
    pub who: String,
    /// What it uses.
    pub target: Address,
    /// Whether the new way opens with this plan, so that no client can use it yet.
    pub opens: bool,
}

/// Which roles of the stack may assume which, by their own policies.
#[derive(Default)]
struct Uses {
    arns: BTreeMap<Carrier, String>,
    assumed: BTreeSet<(String, String)>,
}

impl Uses {
    fn add(&mut self, carrier: &Carrier, resource: &Resource) {
        let Resource::Role(role) = resource else {
            return;
        };
        self.arns.insert(carrier.clone(), role.arn.to_string());
        let statements = role.identity().flat_map(|it| &it.statements);
        for statement in statements.filter(|it| allows(it, "sts:AssumeRole")) {
            let pairs = resources(statement).map(|it| (role.arn.to_string(), it.clone()));
            self.assumed.extend(pairs);
        }
    }

    /// Keeps the ways that can be used: a service's role that trusts another role of the stack
    /// is no way for that one to what it may do, unless the other may assume it.
    fn keep_used(&self, ways: &mut Ways) {
        let ours: BTreeSet<&String> = self.arns.values().collect();
        for ((who, _), by) in ways.iter_mut().filter(|((who, _), _)| ours.contains(who)) {
            by.retain(|carrier, _| {
                let role = self.arns.get(carrier);
                role.is_none_or(|it| self.assumed.contains(&(who.clone(), it.clone())))
            });
        }
    }
}

/// Whose way to what changes by these steps: roles of the stack, and others.
pub(super) fn moves(steps: &[Step]) -> Moves {
    let targets = Targets::of(steps);
    let (mut before, mut after) = (Ways::new(), Ways::new());
    let (mut uses_before, mut uses_after) = (Uses::default(), Uses::default());
    let mut callers: BTreeMap<String, Address> = BTreeMap::new();
    for step in steps {
        let carrier = Carrier::of(step);
        if let Some(have) = &step.have {
            add(&mut before, &carrier, &have.resource, &targets);
            uses_before.add(&carrier, &have.resource);
        }
        if let Some(want) = &step.want {
            add(&mut after, &carrier, &want.resource, &targets);
            uses_after.add(&carrier, &want.resource);
            if let Resource::Role(role) = &want.resource {
                callers.insert(role.arn.to_string(), step.address.clone());
            }
        }
    }
    uses_before.keep_used(&mut before);
    uses_after.keep_used(&mut after);
    let nothing = BTreeMap::new();
    let none = BTreeSet::new();
    let mut moves = Moves {
        successions: successions(&before, &after, &callers),
        ..Moves::default()
    };
    for (between, old) in before.iter().filter(|((who, _), _)| who != EVERYONE) {
        let new = after.get(between).unwrap_or(&nothing);
        for (from, did) in old {
            let lost: BTreeSet<&String> = did.difference(new.get(from).unwrap_or(&none)).collect();
            if lost.is_empty() {
                continue;
            }
            // A target that is renamed lets its callers in by its own policy before and after: `relay` orders that.
            let is_another =
                |to: &Carrier| to != from && (to.address != between.1 || from.address != between.1);
            for (to, does) in new.iter().filter(|(to, _)| is_another(to)) {
                let gains = does
                    .difference(old.get(to).unwrap_or(&none))
                    .next()
                    .is_some();
                if gains || does.iter().any(|it| lost.contains(it)) {
                    let Some(caller) = callers.get(&between.0) else {
                        moves.strangers.insert(Stranger {
                            who: between.0.clone(),
                            target: between.1.clone(),
                            opens: gains,
                        });
                        continue;
                    };
                    moves.ours.push(Move {
                        caller: caller.clone(),
                        target: between.1.clone(),
                        from: from.clone(),
                        to: to.address.clone(),
                        does: does.clone(),
                        opens: gains,
                    });
                }
            }
        }
    }
    moves
}

/// Returns what opens for whom while something closes for another that takes it in, or for the same who is not of the stack.
fn successions(
    before: &Ways,
    after: &Ways,
    callers: &BTreeMap<String, Address>,
) -> BTreeSet<Succession> {
    // What one set of ways has and another lacks, by target.
    let beyond = |these: &Ways, those: &Ways| {
        let mut found: BTreeMap<Address, BTreeSet<(String, Carrier)>> = BTreeMap::new();
        for (between, by) in these {
            for (carrier, does) in by {
                let there = those.get(between).and_then(|it| it.get(carrier));
                if there.is_none_or(|it| !does.is_subset(it)) {
                    let of_target = found.entry(between.1.clone()).or_default();
                    of_target.insert((between.0.clone(), carrier.clone()));
                }
            }
        }
        found
    };
    let (closed, opened) = (beyond(before, after), beyond(after, before));
    let mut found = BTreeSet::new();
    for (target, closed) in closed {
        let opened = opened.get(&target).into_iter().flatten();
        let pairs = opened.flat_map(|to| closed.iter().map(move |from| (from, to)));
        for ((old, from), (new, to)) in pairs {
            let another = to.address != from.address && !to.removed;
            let same = old == new && !callers.contains_key(new);
            if another && (same || old != new && is_within(old, new)) {
                found.insert(Succession {
                    target: target.clone(),
                    from: from.clone(),
                    to: to.address.clone(),
                    caller: callers.get(new).or_else(|| callers.get(old)).cloned(),
                });
            }
        }
    }
    found
}

/// Returns the consumers whose access role asks for another external id than before: a client that sends none, or the
/// old one, is refused.
pub(super) fn identified(
    desired: &Desired,
    steps: &[Step],
    access: &[AccessChange],
) -> BTreeSet<String> {
    let ids = |it: &Resource| -> BTreeSet<String> {
        let Resource::Role(role) = it else {
            return BTreeSet::new();
        };
        let statements = role.trust.statements.iter();
        let keys = statements.flat_map(|it| it.conditions.values()).flatten();
        let ids = keys.filter(|(key, _)| key.eq_ignore_ascii_case("sts:ExternalId"));
        ids.flat_map(|(_, it)| it).cloned().collect()
    };
    let updated = steps.iter().filter(|it| it.action == Action::Update);
    let changed = updated.filter(|it| {
        let (Some(want), Some(have)) = (&it.want, &it.have) else {
            return false;
        };
        let wanted = ids(&want.resource);
        !wanted.is_empty() && wanted != ids(&have.resource)
    });
    let grants = changed.flat_map(|step| {
        let of = move |it: &&Grant| it.role.as_ref() == Some(&step.address);
        desired.grants.iter().filter(of)
    });
    let is_new = |it: &&Grant| {
        let target = it.target.to_string();
        let mut gains = access.iter().filter(|it| it.turn.gains());
        gains.any(|change| change.edge.who == it.who && change.edge.target == target)
    };
    grants
        .filter(|it| !is_new(it))
        .map(|it| it.who.clone())
        .collect()
}

/// What is wanted, found by what it is.
struct Wanted<'a> {
    wants: BTreeMap<&'a Address, &'a Want>,
    /// The stages of each API.
    stages: BTreeMap<&'a Address, Vec<&'a Address>>,
}

impl<'a> Wanted<'a> {
    fn of(steps: &'a [Step]) -> Self {
        let mut found = Self {
            wants: BTreeMap::new(),
            stages: BTreeMap::new(),
        };
        for step in steps {
            let Some(want) = &step.want else { continue };
            found.wants.insert(&step.address, want);
            if let Resource::Stage(stage) = &want.resource {
                let stages = found.stages.entry(&stage.api).or_default();
                stages.push(&step.address);
            }
        }
        found
    }

    fn is_private(&self, target: &Address) -> bool {
        let api = self.wants.get(target).map(|it| &it.resource);
        matches!(api, Some(Resource::RestApi(api)) if api.endpoint == Endpoint::Private)
    }

    fn stages_of(&self, api: &Address) -> impl Iterator<Item = Address> {
        let stages = self.stages.get(api).into_iter().flatten();
        stages.map(|it| (*it).clone())
    }

    /// The resources by which a new way is open: of an API also its stages, which serve its policy.
    fn opened(&self, it: &Switch<'_>) -> Vec<Address> {
        let mut found = vec![it.to.clone()];
        // The policy of a private API has to name the access role as well.
        if it.to != it.target && self.is_private(it.target) {
            found.push(it.target.clone());
        }
        let stages: Vec<Address> = found.iter().flat_map(|it| self.stages_of(it)).collect();
        found.extend(stages);
        found
    }

    /// What closes an old way.
    fn closed(&self, it: &Switch<'_>) -> Vec<Carrier> {
        let mut found = vec![it.from.clone()];
        if it.from.address != *it.target && self.is_private(it.target) {
            found.push(Carrier {
                address: it.target.clone(),
                removed: false,
            });
        }
        found
    }
}

/// A way that takes another one's place, and whose own policy changes in between.
struct Switch<'a> {
    caller: Option<&'a Address>,
    target: &'a Address,
    from: &'a Carrier,
    to: &'a Address,
}

fn switches(plan: &Plan) -> impl Iterator<Item = Switch<'_>> {
    let ours = plan.moves.iter().map(|it| Switch {
        caller: Some(&it.caller),
        target: &it.target,
        from: &it.from,
        to: &it.to,
    });
    ours.chain(plan.successions.iter().map(|it| Switch {
        caller: it.caller.as_ref(),
        target: &it.target,
        from: &it.from,
        to: &it.to,
    }))
}

/// Returns what closes an old way: the steps, of which some remove it.
pub(super) fn closers(plan: &Plan) -> BTreeSet<Carrier> {
    switches(plan).map(|it| it.from.clone()).collect()
}

/// Returns the consumers that stay and whose own policy changes with their way.
pub(super) fn callers(plan: &Plan) -> BTreeSet<Address> {
    let changes = |address: &&Address| {
        let mut steps = plan.steps.iter().filter(|it| it.address == **address);
        steps.any(|it| it.action == Action::Update && it.want.is_some())
    };
    let callers = switches(plan).filter_map(|it| it.caller);
    callers.filter(changes).cloned().collect()
}

/// What waits for what in moves: open the new way, let the consumer use it, close the old one.
pub(super) fn order(plan: &Plan, tasks: &Tasks) -> BTreeSet<(NodeIndex, NodeIndex)> {
    let steps = &plan.steps;
    let wanted = Wanted::of(steps);
    let mut nodes: BTreeMap<(Address, Option<Part>), Vec<NodeIndex>> = BTreeMap::new();
    for node in tasks.node_indices() {
        let task = &tasks[node];
        let key = (task.address.clone(), task.part);
        nodes.entry(key).or_default().push(node);
    }
    let all = |address: &Address, part| {
        let found = nodes.get(&(address.clone(), part));
        found.into_iter().flatten().copied()
    };
    let node = |address: &Address, part| all(address, part).next();
    let mut edges = BTreeSet::new();
    for it in &switches(plan).collect::<Vec<_>>() {
        let opened = wanted.opened(it);
        // What is done in two parts has opened the way with the first, what is not with its last.
        let opens = opened.iter().filter_map(|it| {
            let parts = [Part::Opened, Part::Settled, Part::Exists];
            parts.into_iter().find_map(|part| node(it, Some(part)))
        });
        let opens: Vec<NodeIndex> = opens.collect();
        let caller = it.caller.and_then(|it| node(it, Some(Part::Settled)));
        // A consumer that holds both ways can use the new one from then on.
        let able = it.caller.and_then(|it| node(it, Some(Part::Opened)));
        let able = able.or(caller);
        let mut closes = Vec::new();
        for carrier in wanted.closed(it) {
            match wanted.wants.get(&carrier.address) {
                _ if carrier.removed => closes.extend(all(&carrier.address, None)),
                Some(want) => {
                    let parts = [with_principals(want), Part::Settled];
                    closes.extend(
                        parts
                            .iter()
                            .filter_map(|it| node(&carrier.address, Some(*it))),
                    );
                }
                None => {}
            }
        }
        for close in closes {
            edges.extend(opens.iter().chain(&able).map(|it| (*it, close)));
        }
        edges.extend(
            caller
                .iter()
                .flat_map(|caller| opens.iter().map(|it| (*it, *caller))),
        );
    }
    edges.retain(|(first, then)| first != then);
    edges
}

/// Steps that open a way and close another for consumers that wait for each other, or for itself:
/// they are done in two parts, first with both ways open.
pub(super) fn to_bridge(plan: &Plan, tasks: &Tasks) -> BTreeSet<Address> {
    let wanted = Wanted::of(&plan.steps);
    let switches: Vec<Switch<'_>> = switches(plan).collect();
    let opened: BTreeSet<Address> = switches.iter().flat_map(|it| wanted.opened(it)).collect();
    let closed: BTreeSet<Address> = switches
        .iter()
        .flat_map(|it| wanted.closed(it))
        .filter(|it| !it.removed)
        .map(|it| it.address)
        .collect();
    let mut found = BTreeSet::new();
    for ring in tarjan_scc(tasks).into_iter().filter(|it| it.len() > 1) {
        for node in ring {
            let address = &tasks[node].address;
            if opened.contains(address) && closed.contains(address) {
                found.insert(address.clone());
                found.extend(wanted.stages_of(address));
            }
        }
    }
    found
}

/// What a step writes first when it is done in two parts: what is wanted, and beside it whatever
/// lets somebody in by now.
pub(super) fn bridge(step: &Step, steps: &[Step]) -> Option<Want> {
    let (want, have) = (step.want.as_ref()?, step.have.as_ref()?);
    let mut bridge = want.clone();
    // AWS takes no policy that names a role which is deleted on the way.
    let replaced = steps.iter().filter(|it| it.action == Action::Replace);
    let replaced: Vec<&str> = replaced
        .filter_map(|it| match &it.have.as_ref()?.resource {
            Resource::Role(role) => Some(role.arn.as_str()),
            _ => None,
        })
        .collect();
    let add_ways = |to: &mut Document, from: &Document| {
        let gone = |it: &str| replaced.contains(&it) || own::is_ghost(it);
        let from = own::without_principals(from.clone(), gone);
        add_ways(to, &from);
    };
    // The mark goes on saying what was applied last: this is not what the stack says.
    bridge.digest = have.mark.as_ref().and_then(|it| it.digest.clone());
    match (&mut bridge.resource, &have.resource) {
        (Resource::Role(it), Resource::Role(live)) => {
            add_ways(&mut it.trust, &live.trust);
            for (name, document) in &live.inline {
                match it.inline.get_mut(name) {
                    Some(wanted) => add_ways(wanted, document),
                    None => {
                        it.inline.insert(name.clone(), document.clone());
                    }
                }
            }
            for (name, document) in live.managed.iter().filter(|(_, it)| it.attached) {
                match it.managed.get_mut(name) {
                    Some(wanted) => add_ways(&mut wanted.document, &document.document),
                    None => {
                        it.managed.insert(name.clone(), document.clone());
                    }
                }
            }
        }
        (Resource::Stage(it), Resource::Stage(_)) => {
            let api = steps.iter().find(|other| other.address == it.api)?;
            let Resource::RestApi(bridged) = &api.bridge.as_ref()?.resource else {
                return None;
            };
            it.surface = bridged.surface_digest(api.want.as_ref()?.exclusive);
        }
        (it, live) => add_ways(it.policy_mut()?, live.policy()?),
    }
    Some(bridge)
}

/// Adds the statements that a document has and another lacks: principals to their likes, others whole.
fn add_ways(to: &mut Document, from: &Document) {
    for old in &from.statements {
        if to.statements.iter().any(|it| same_statement(it, old)) {
            continue;
        }
        let like = to.statements.iter_mut().find(|it| {
            it.sid == old.sid && {
                let mut other = (*it).clone();
                other.principal.clone_from(&old.principal);
                same_statement(&other, old)
            }
        });
        if let Some(like) = like
            && let (Some(mine), Some(theirs)) = (&mut like.principal, &old.principal)
            && let (Principals::Of(mine), Principals::Of(theirs)) =
                (&mut mine.principals, &theirs.principals)
        {
            for (kind, names) in theirs {
                let list = mine.entry(kind.clone()).or_default();
                list.extend(names.iter().filter(|it| !own::is_ghost(it)).cloned());
                list.sort();
                list.dedup();
            }
            continue;
        }
        let mut old = old.clone();
        if to.statements.iter().any(|it| it.sid == old.sid) {
            old.sid = old.sid.map(|it| format!("{it}Before"));
        }
        to.statements.push(old);
    }
}
