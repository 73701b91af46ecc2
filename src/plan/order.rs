//! The tasks of a plan, and which of them waits for which.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::algo::has_path_connecting;
use petgraph::graph::NodeIndex;

use super::relay::Relay;
use super::{Action, Plan, Step, budget, keys, moves};
use crate::graph::{self, Task, Tasks};
use crate::kinds::{Part, Resource, Want, roles_named};
use crate::model::{Address, KindName};

impl Plan {
    /// The tasks to do, each with an edge to those that wait for it.
    ///
    /// That a new way is open before the old one is closed is left off where it would make a
    /// ring all the same: a stage that gets another name takes the way with it, whatever comes first.
    #[must_use]
    pub fn tasks(&self) -> Tasks {
        let mut tasks = self.tasks_but_moves();
        let moves = moves::order(self, &tasks);
        let relays = Relay::of(&self.steps).order(&tasks);
        let keys = keys::order(&self.steps, &tasks);
        for (first, then) in moves.into_iter().chain(relays).chain(keys) {
            if !has_path_connecting(&tasks, then, first, None) {
                tasks.update_edge(first, then, ());
            }
        }
        tasks
    }

    fn tasks_but_moves(&self) -> Tasks {
        let wants: BTreeMap<Address, Want> = self
            .steps
            .iter()
            .filter_map(|it| Some((it.address.clone(), it.want.clone()?)))
            .collect();
        let moving: BTreeSet<&Address> = self
            .to_do()
            .filter(|it| it.want.is_some())
            .map(|it| &it.address)
            .collect();
        let mut tasks = graph::making_some(&wants, &moving);
        let makers: Vec<_> = tasks.node_indices().collect();
        let removed: Vec<&Step> = self.to_do().filter(|it| it.want.is_none()).collect();
        let nodes: Vec<_> = removed
            .iter()
            .map(|it| {
                tasks.add_node(Task {
                    address: it.address.clone(),
                    part: None,
                    removes: it.key().1,
                })
            })
            .collect();
        for (step, node) in removed.iter().zip(&nodes) {
            // What is removed goes after everything that still speaks of it has let go of it.
            for maker in &makers {
                let address = tasks[*maker].address.clone();
                if self.lets_go(&address, step) {
                    tasks.update_edge(*maker, *node, ());
                }
                if self.remembers(&address, step) {
                    tasks.update_edge(*node, *maker, ());
                }
            }
            for (other, before) in removed.iter().zip(&nodes) {
                if goes_before(other, step) {
                    tasks.update_edge(*before, *node, ());
                }
            }
        }
        self.add_bridges(&mut tasks);
        tasks
    }

    /// The tasks that open a way without closing another.
    fn add_bridges(&self, tasks: &mut Tasks) {
        let all: Vec<_> = tasks.node_indices().collect();
        let bridged: Vec<&Step> = self.to_do().filter(|it| it.bridge.is_some()).collect();
        let opened: Vec<_> = bridged
            .iter()
            .map(|it| {
                tasks.add_node(Task {
                    address: it.address.clone(),
                    part: Some(Part::Opened),
                    removes: None,
                })
            })
            .collect();
        for (step, node) in bridged.iter().zip(&opened) {
            for other in &all {
                let task = &tasks[*other];
                if task.address == step.address && task.part.is_some() {
                    tasks.update_edge(*node, *other, ());
                }
            }
            if step.address.kind == KindName::Queue {
                subscribe_to_bridge(tasks, &step.address, *node);
            }
            // What it names must be there by then.
            let before: Vec<_> = all
                .iter()
                .filter(|it| tasks[**it].address == step.address)
                .flat_map(|it| tasks.neighbors_directed(*it, petgraph::Direction::Incoming))
                .filter(|it| {
                    let task = &tasks[*it];
                    let bridges = |step: &&Step| step.address == task.address;
                    task.part.is_some() && !bridged.iter().any(bridges)
                })
                .collect();
            for it in before {
                tasks.update_edge(it, *node, ());
            }
            let Some(Resource::Stage(stage)) = step.want.as_ref().map(|it| &it.resource) else {
                continue;
            };
            for (api, before) in bridged.iter().zip(&opened) {
                if api.address == stage.api {
                    tasks.update_edge(*before, *node, ());
                }
            }
        }
    }

    /// Whether what stands at `address` is all that tells of what `removed` removes: the policy
    /// of its queue, of a subscription to a topic that is not of the stack.
    fn remembers(&self, address: &Address, removed: &Step) -> bool {
        let Some(Resource::Subscription(gone)) = removed.have.as_ref().map(|it| &it.resource)
        else {
            return false;
        };
        self.steps
            .iter()
            .filter(|it| it.address == *address && it.want.is_some())
            .filter_map(|it| it.have.as_ref())
            .any(|it| matches!(&it.resource, Resource::Queue(queue) if queue.arn == gone.queue))
    }

    /// Whether a step that makes `address` lets go of what `removed` removes, or takes its place.
    fn lets_go(&self, address: &Address, removed: &Step) -> bool {
        if *address == removed.address {
            // A subscription goes before its queue changes, and so before one that takes its place.
            return address.kind != KindName::Subscription;
        }
        let Some(step) = self
            .steps
            .iter()
            .find(|it| it.address == *address && it.want.is_some())
        else {
            return false;
        };
        match (&removed.have, &step.have) {
            (Some(gone), Some(live)) => speaks_of(&live.resource, &gone.resource),
            _ => false,
        }
    }

    /// Sees to it that no consumer is without a way while its way changes.
    pub(super) fn bridge(&mut self) {
        for from in moves::closers(self) {
            let closes = |step: &&mut Step| step.address == from.address && step.want.is_some();
            for step in self.steps.iter_mut().filter(closes) {
                // A role's trust is written with its other policies, so that nothing else waits for it.
                if let (Some(want), Some(_), Action::Update) =
                    (&mut step.want, &step.have, step.action)
                    && !want.repin
                {
                    want.defer_trust |= from.address.kind == KindName::Role;
                }
            }
        }
        let relay = Relay::of(&self.steps);
        let mut users = moves::callers(self);
        users.extend(relay.users());
        let mut carriers = relay.to_bridge();
        carriers.extend(keys::to_bridge(&self.steps));
        for address in users.difference(&carriers) {
            self.bridge_user(address);
        }
        let mut tasks = self.tasks_but_moves();
        for (first, then) in moves::order(self, &tasks) {
            tasks.update_edge(first, then, ());
        }
        carriers.extend(moves::to_bridge(self, &tasks));
        // APIs before their stages, which serve what the API's bridge is.
        for address in &carriers {
            if let Some(at) = self.made_at(address) {
                self.steps[at].bridge = moves::bridge(&self.steps[at], &self.steps).map(Box::new);
            }
        }
        self.refusals.extend(budget::of_bridges(&self.steps));
    }

    fn made_at(&self, address: &Address) -> Option<usize> {
        let made = |it: &Step| it.address == *address && it.want.is_some();
        self.steps.iter().position(made)
    }

    /// Lets a role hold the permissions of its old and its new way at once, where there is room for both; its trust
    /// policy is no part of either.
    ///
    /// Without room, one write takes the old permissions and gives the new ones, once the new way is open.
    fn bridge_user(&mut self, address: &Address) {
        let Some(at) = self.made_at(address) else {
            return;
        };
        let step = &self.steps[at];
        let bridge = moves::bridge(step, &self.steps).map(|mut bridge| {
            let live = step.have.as_ref().map(|it| &it.resource);
            if let (Resource::Role(role), Some(Resource::Role(live))) = (&mut bridge.resource, live)
            {
                role.trust = live.trust.clone();
            }
            Box::new(bridge)
        });
        let bridged = Step {
            bridge,
            ..step.clone()
        };
        if budget::of_bridges(std::slice::from_ref(&bridged)).is_empty() {
            self.steps[at] = bridged;
        }
    }
}

/// Lets what needs a queue go on once its policy lets both topics deliver.
fn subscribe_to_bridge(tasks: &mut Tasks, queue: &Address, bridge: NodeIndex) {
    let of_queue = |task: &Task| task.address == *queue;
    let own = tasks
        .node_indices()
        .filter(|it| of_queue(&tasks[*it]) && tasks[*it].part == Some(Part::Exists));
    for node in own.collect::<Vec<_>>() {
        let after = tasks.neighbors(node);
        for then in after.collect::<Vec<_>>() {
            if let Some(edge) = tasks
                .find_edge(node, then)
                .filter(|_| tasks[then].part.is_some())
            {
                tasks.remove_edge(edge);
                tasks.update_edge(bridge, then, ());
            }
        }
    }
}

/// Whether one live resource names another.
fn speaks_of(speaker: &Resource, of: &Resource) -> bool {
    match of {
        Resource::Role(role) => speaker
            .principal_documents()
            .iter()
            .any(|(_, it)| roles_named(it).contains(&role.arn)),
        Resource::Queue(queue) => match speaker {
            Resource::Queue(it) => it
                .dead_letter
                .as_ref()
                .is_some_and(|(arn, _)| *arn == queue.arn),
            Resource::Subscription(it) => {
                it.queue == queue.arn || it.dead_letter.as_ref() == Some(&queue.arn)
            }
            _ => false,
        },
        Resource::Topic(topic) => {
            matches!(speaker, Resource::Subscription(it) if it.topic == topic.arn)
        }
        _ => false,
    }
}

/// Whether `first` must be removed before `then`.
///
/// Roles that go together may name each other: neither has to wait.
fn goes_before(first: &Step, then: &Step) -> bool {
    match (&first.have, &then.have) {
        (Some(first), Some(then)) => {
            !matches!(first.resource, Resource::Role(_))
                && first.resource != then.resource
                && speaks_of(&first.resource, &then.resource)
        }
        _ => false,
    }
}
