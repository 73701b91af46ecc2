//! What may start now; pure, told only what ended.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::Direction;
use petgraph::graph::NodeIndex;

use crate::graph::{Tasks, urgency};
use crate::model::Address;

/// How a task ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It was done.
    Done,
    /// It failed.
    Failed,
}

/// Which tasks may start, given those that ended.
#[derive(Debug)]
pub struct Schedule<'a> {
    tasks: &'a Tasks,
    urgency: Vec<u32>,
    /// How many tasks each still waits for.
    waiting: Vec<usize>,
    ready: BTreeSet<(std::cmp::Reverse<u32>, NodeIndex)>,
    skipped: BTreeMap<NodeIndex, Address>,
}

impl<'a> Schedule<'a> {
    /// A schedule of which nothing has started.
    #[must_use]
    pub fn of(tasks: &'a Tasks) -> Self {
        let waiting: Vec<usize> = tasks
            .node_indices()
            .map(|it| tasks.neighbors_directed(it, Direction::Incoming).count())
            .collect();
        let mut schedule = Self {
            tasks,
            urgency: urgency(tasks),
            waiting,
            ready: BTreeSet::new(),
            skipped: BTreeMap::new(),
        };
        for node in tasks
            .node_indices()
            .filter(|it| schedule.waiting[it.index()] == 0)
        {
            schedule
                .ready
                .insert((std::cmp::Reverse(schedule.urgency[node.index()]), node));
        }
        schedule
    }

    /// The most urgent task that may start, taken off the schedule.
    pub fn start(&mut self) -> Option<NodeIndex> {
        self.ready.pop_first().map(|(_, node)| node)
    }

    /// Records an ending.
    ///
    /// A task that did not come off takes with it every task that needs it: each
    /// is skipped, with the address at the root of the trouble.
    pub fn ended(&mut self, node: NodeIndex, ending: &Ending) {
        match ending {
            Ending::Done => {
                for after in self.tasks.neighbors(node) {
                    self.waiting[after.index()] -= 1;
                    if self.waiting[after.index()] == 0 && !self.skipped.contains_key(&after) {
                        self.ready
                            .insert((std::cmp::Reverse(self.urgency[after.index()]), after));
                    }
                }
            }
            Ending::Failed => {
                let root = self.tasks[node].address.clone();
                let mut all: Vec<NodeIndex> = self.tasks.neighbors(node).collect();
                while let Some(after) = all.pop() {
                    if self.skipped.insert(after, root.clone()).is_none() {
                        all.extend(self.tasks.neighbors(after));
                    }
                }
            }
        }
    }

    /// The tasks that will not be done, each with the address at the root of the trouble.
    #[must_use]
    pub fn skipped(&self) -> &BTreeMap<NodeIndex, Address> {
        &self.skipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Task;
    use crate::kinds::Part;
    use crate::model::KindName;
    use proptest::prelude::*;

    fn tasks(count: usize, edges: &[(usize, usize)]) -> Tasks {
        let mut tasks = Tasks::new();
        let nodes: Vec<_> = (0..count)
            .map(|it| {
                let address = Address::new(KindName::Queue, format!("q{it}"));
                tasks.add_node(Task {
                    address,
                    part: Some(Part::Exists),
                    removes: None,
                })
            })
            .collect();
        for (from, to) in edges {
            // Edges run from lesser to greater: no ring.
            if from != to {
                tasks.update_edge(nodes[*from.min(to)], nodes[*from.max(to)], ());
            }
        }
        tasks
    }

    proptest! {
        #[test]
        fn each_task_runs_once_and_never_before_its_needs(
            edges in prop::collection::vec((0_usize..12, 0_usize..12), 0..40),
        ) {
            let tasks = tasks(12, &edges);
            let mut schedule = Schedule::of(&tasks);
            let mut done = Vec::new();
            while let Some(node) = schedule.start() {
                for need in tasks.neighbors_directed(node, Direction::Incoming) {
                    prop_assert!(done.contains(&need));
                }
                prop_assert!(!done.contains(&node));
                done.push(node);
                schedule.ended(node, &Ending::Done);
            }
            prop_assert_eq!(done.len(), 12);
        }

        #[test]
        fn only_what_needs_a_failed_task_is_skipped(
            edges in prop::collection::vec((0_usize..12, 0_usize..12), 0..40),
            failing in 0_usize..12,
        ) {
            let tasks = tasks(12, &edges);
            let mut schedule = Schedule::of(&tasks);
            let mut ran = Vec::new();
            while let Some(node) = schedule.start() {
                ran.push(node);
                let ending = if node.index() == failing { Ending::Failed } else { Ending::Done };
                schedule.ended(node, &ending);
            }
            let failed = NodeIndex::new(failing);
            for node in tasks.node_indices() {
                let needs_it = node != failed && petgraph::algo::has_path_connecting(&tasks, failed, node, None);
                prop_assert_eq!(schedule.skipped().contains_key(&node), needs_it);
                prop_assert_eq!(ran.contains(&node), !needs_it);
            }
        }
    }
}
