//! Who needs whom; a cycle is refused by naming its ring.
//!
//! A resource is a node for each of its parts, so that a policy waits for the
//! existence of what it names and for nothing more. Two roles may trust each
//! other: a trust policy that would close a ring is written when all the ring's
//! roles exist. What is left are true rings (a queue that is its own dead
//! letter's dead letter), which nothing can make.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::{tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};

use crate::kinds::{Part, Resource, Want, roles_named};
use crate::model::{Address, Arn, KindName};

/// What is done at a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Task {
    /// The resource.
    pub address: Address,
    /// Which part is made; `None` when the resource is removed.
    pub part: Option<Part>,
    /// The id of the resource that is removed: two may bear one address.
    pub removes: Option<String>,
}

impl std::fmt::Display for Task {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.part {
            Some(Part::Opened) => write!(out, "{} (both ways)", self.address),
            Some(Part::Exists) => write!(out, "{}", self.address),
            Some(Part::Settled) => write!(out, "{} (policies)", self.address),
            None => write!(out, "{} (removed)", self.address),
        }
    }
}

/// A ring of resources each of which must exist before the next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these must each exist before the next, in a ring: {}", .0.iter().chain(.0.first()).map(ToString::to_string).collect::<Vec<_>>().join(" -> "))]
pub struct Ring(pub Vec<Address>);

/// Tasks, with an edge from each to those that wait for it.
pub type Tasks = DiGraph<Task, ()>;

/// Addresses of a stack's roles by ARN.
#[must_use]
pub fn roles_by_arn(wants: &BTreeMap<Address, Want>) -> BTreeMap<Arn, Address> {
    wants
        .iter()
        .filter_map(|(address, want)| match &want.resource {
            Resource::Role(role) => Some((role.arn.clone(), address.clone())),
            _ => None,
        })
        .collect()
}

/// The parts a resource is made in.
#[must_use]
pub fn parts(want: &Want) -> &'static [Part] {
    match want.resource.kind() {
        KindName::Role | KindName::RestApi => &[Part::Exists, Part::Settled],
        KindName::Key
        | KindName::Topic
        | KindName::Queue
        | KindName::Subscription
        | KindName::Stage => &[Part::Exists],
    }
}

/// The part in which a resource's principals are written.
#[must_use]
pub fn with_principals(want: &Want) -> Part {
    match want.resource.kind() {
        KindName::Role if want.defer_trust => Part::Settled,
        KindName::RestApi => Part::Settled,
        _ => Part::Exists,
    }
}

/// What a part waits for: the part of another resource.
#[must_use]
pub fn needs(want: &Want, part: Part, roles: &BTreeMap<Arn, Address>) -> BTreeSet<(Address, Part)> {
    let mut found = BTreeSet::new();
    let kind = want.resource.kind();
    if part == with_principals(want) {
        for (_, document) in want.resource.principal_documents() {
            let named = roles_named(document);
            found.extend(
                named
                    .iter()
                    .filter_map(|it| roles.get(it))
                    .map(|it| (it.clone(), Part::Exists)),
            );
        }
    }
    let last = parts(want).last() == Some(&part);
    if last {
        found.extend(
            want.resource
                .pending()
                .into_iter()
                .map(|it| (it, Part::Exists)),
        );
    }
    // An API's shell needs nothing; its methods name the roles of its integrations.
    let with_needs = if kind == KindName::RestApi {
        Part::Settled
    } else {
        Part::Exists
    };
    if part == with_needs {
        for address in &want.needs {
            let part = match (kind, address.kind) {
                (KindName::Stage, KindName::RestApi) => Part::Settled,
                _ => Part::Exists,
            };
            found.insert((address.clone(), part));
        }
    }
    found
}

/// The tasks that make every want, whatever exists already.
#[must_use]
pub fn making(wants: &BTreeMap<Address, Want>) -> Tasks {
    let all: BTreeSet<&Address> = wants.keys().collect();
    making_some(wants, &all)
}

/// The tasks that make some of the wants; the others exist already.
#[must_use]
pub fn making_some(wants: &BTreeMap<Address, Want>, some: &BTreeSet<&Address>) -> Tasks {
    let roles = roles_by_arn(wants);
    let mut tasks = Tasks::new();
    let mut nodes: BTreeMap<(Address, Part), NodeIndex> = BTreeMap::new();
    for (address, want) in wants.iter().filter(|(address, _)| some.contains(address)) {
        for part in parts(want) {
            let node = tasks.add_node(Task {
                address: address.clone(),
                part: Some(*part),
                removes: None,
            });
            nodes.insert((address.clone(), *part), node);
        }
    }
    for ((address, part), node) in &nodes {
        if *part == Part::Settled {
            tasks.update_edge(nodes[&(address.clone(), Part::Exists)], *node, ());
        }
        for need in needs(&wants[address], *part, &roles) {
            if let Some(from) = nodes.get(&need) {
                tasks.update_edge(*from, *node, ());
            }
        }
    }
    tasks
}

/// Defers the trust policies that would close a ring, and refuses the rings that are left.
pub fn untie(wants: &mut BTreeMap<Address, Want>) -> Result<(), Ring> {
    for ring in rings(&making(wants)) {
        for address in ring {
            if let Some(want) = wants.get_mut(&address)
                && matches!(want.resource, Resource::Role(_))
            {
                want.defer_trust = true;
            }
        }
    }
    match rings(&making(wants)).into_iter().next() {
        Some(ring) => Err(Ring(ring)),
        None => Ok(()),
    }
}

/// The rings among tasks, each from its least address on, in the order they need one another.
fn rings(tasks: &Tasks) -> Vec<Vec<Address>> {
    let mut found: Vec<Vec<Address>> = tarjan_scc(tasks)
        .into_iter()
        .filter(|it| it.len() > 1 || tasks.contains_edge(it[0], it[0]))
        .map(|component| {
            let mut ring: Vec<Address> = walk(tasks, &component);
            ring.dedup();
            let least = ring
                .iter()
                .enumerate()
                .min_by_key(|(_, it)| *it)
                .map_or(0, |(at, _)| at);
            ring.rotate_left(least);
            ring
        })
        .collect();
    found.sort();
    found
}

/// One way around a component: from a node along edges inside it until a node comes again.
fn walk(tasks: &Tasks, component: &[NodeIndex]) -> Vec<Address> {
    let mut seen: Vec<NodeIndex> = Vec::new();
    let mut at = component
        .iter()
        .copied()
        .min_by_key(|it| &tasks[*it])
        .unwrap_or(component[0]);
    while !seen.contains(&at) {
        seen.push(at);
        let next = tasks
            .neighbors(at)
            .filter(|it| component.contains(it))
            .min_by_key(|it| &tasks[*it]);
        match next {
            Some(next) => at = next,
            None => break,
        }
    }
    let start = seen.iter().position(|it| *it == at).unwrap_or(0);
    seen[start..]
        .iter()
        .map(|it| tasks[*it].address.clone())
        .collect()
}

/// How long each task's longest chain of dependants is: what is on it should start first.
#[must_use]
pub fn urgency(tasks: &Tasks) -> Vec<u32> {
    let mut urgency = vec![0; tasks.node_count()];
    let Ok(order) = toposort(tasks, None) else {
        return urgency;
    };
    for node in order.into_iter().rev() {
        let after = tasks
            .neighbors(node)
            .map(|it| urgency[it.index()])
            .max()
            .unwrap_or(0);
        // API Gateway's rates make an API's calls an order slower than the others'.
        let own = match tasks[node].address.kind {
            KindName::RestApi | KindName::Stage => 10,
            _ => 1,
        };
        urgency[node.index()] = after + own;
    }
    urgency
}
