//! Traffic that changes its carrier: the new one carries before the old one is removed.
//!
//! Subscriptions, with their topics and queues, and APIs, with their stages, carry traffic. One that is
//! renamed or moved is another resource to AWS, so both can exist for a while. The order is:
//!
//! 1. the new carrier is made; a queue that stays lets both topics deliver meanwhile;
//! 2. roles that used the old carrier are let use the new one beside it;
//! 3. they, and queues, let go of the old carrier, and it is removed.
//!
//! A stage serves what was deployed: until its next deployment it works as the roles of the integrations that the API
//! has now, and with what these reach. So what it works with next is there before that deployment, and what it works
//! with now is there until after it.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::graph::NodeIndex;

use super::{Action, Step};
use crate::graph::Tasks;
use crate::kinds::{Part, Queue, Resource, Subscription, Topic};
use crate::model::{Address, Arn};
use crate::policy::patterns::Pattern;

/// The steps of a plan, with the addresses of topics and queues before and after it.
pub(super) struct Relay<'a> {
    steps: &'a [Step],
    addresses: BTreeMap<&'a Arn, &'a Address>,
}

fn have(step: &Step) -> Option<&Resource> {
    step.have.as_ref().map(|it| &it.resource)
}

fn want(step: &Step) -> Option<&Resource> {
    step.want.as_ref().map(|it| &it.resource)
}

fn is_made(step: &Step) -> bool {
    matches!(step.action, Action::Create | Action::Replace)
}

impl<'a> Relay<'a> {
    /// The relay of these steps.
    pub(super) fn of(steps: &'a [Step]) -> Self {
        let mut addresses = BTreeMap::new();
        for step in steps {
            for resource in [have(step), want(step)].into_iter().flatten() {
                if let (Resource::Topic(_) | Resource::Queue(_), Some(arn)) =
                    (resource, resource.arn())
                {
                    addresses.insert(arn, &step.address);
                }
            }
        }
        Self { steps, addresses }
    }

    /// Whether two ARNs are one resource, or the same address before and after it changed its ARN.
    fn same(&self, one: &Arn, other: &Arn) -> bool {
        let address = self.addresses.get(one);
        one == other || (address.is_some() && address == self.addresses.get(other))
    }

    fn removed(&self) -> impl Iterator<Item = &'a Step> {
        let gone = |it: &&Step| it.want.is_none() && it.action == Action::Delete;
        self.steps.iter().filter(gone)
    }

    fn made(&self) -> impl Iterator<Item = &'a Step> {
        let made = |it: &&Step| it.want.is_some() && it.action != Action::Keep;
        self.steps.iter().filter(made)
    }

    /// Whether a step makes what carries the traffic of a carrier that is removed.
    fn takes_over(&self, made: &Step, removed: &Step) -> bool {
        let (Some(new), Some(old)) = (want(made).filter(|_| is_made(made)), have(removed)) else {
            return false;
        };
        match (old, new) {
            (Resource::Subscription(old), Resource::Subscription(new)) => {
                self.same(&old.topic, &new.topic) || self.same(&old.queue, &new.queue)
            }
            (Resource::Topic(old), Resource::Subscription(new)) => self.same(&old.arn, &new.topic),
            (Resource::RestApi(_), Resource::Stage(new)) => new.api == removed.address,
            (Resource::Stage(old), Resource::Stage(new)) => old.api == new.api,
            _ => false,
        }
    }

    /// What a role that stays uses and will not any more, and what it comes to use: by its own policies,
    /// and by those of access roles that go or come with the change.
    fn turns(&self, role: &Step) -> Option<Turning<'a>> {
        if !matches!(
            (have(role), want(role)),
            (Some(Resource::Role(_)), Some(Resource::Role(_)))
        ) {
            return None;
        }
        let role = self
            .steps
            .iter()
            .find(|it| it.address == role.address && it.want.is_some())?;
        let (mut before, mut after) = (named(have(role)), named(want(role)));
        let mut pending = want(role).map(Resource::pending).unwrap_or_default();
        for it in self
            .removed()
            .filter(|it| is_role(have(it), &named(have(role))))
        {
            before.extend(named(have(it)));
        }
        for it in self
            .made()
            .filter(|it| is_made(it) && is_role(want(it), &named(want(role))))
        {
            after.extend(named(want(it)));
            pending.extend(want(it).map(Resource::pending).unwrap_or_default());
        }
        Some(Turning {
            drops: before.difference(&after).copied().collect(),
            gains: after.difference(&before).copied().collect(),
            pending,
        })
    }

    /// Whether a role comes to use what a step makes the traffic's carrier.
    fn comes_to_use(&self, role: &Turning<'_>, made: &Step) -> bool {
        match want(made).filter(|_| is_made(made)) {
            Some(Resource::Subscription(it)) => {
                role.gains.iter().any(|new| **new == it.topic.as_str())
            }
            Some(Resource::Topic(Topic { arn, .. }) | Resource::Queue(Queue { arn, .. })) => {
                role.gains.iter().any(|new| **new == arn.as_str())
            }
            Some(Resource::Stage(it)) => {
                let api = self.steps.iter().find(|step| step.address == it.api);
                let id = api.and_then(|it| it.have.as_ref()).map(|it| &it.id);
                let stage = id.map(|id| format!(":{id}/{}/", it.name));
                role.pending.contains(&it.api)
                    || stage.is_some_and(|stage| role.gains.iter().any(|new| new.contains(&stage)))
            }
            _ => false,
        }
    }

    /// Roles that stay and come to use what is made in place of something of the same service: for a while they may use
    /// both. What they stop using need not be removed: of a region that the stack has left nothing is.
    pub(super) fn users(&self) -> BTreeSet<Address> {
        let changed = self.made().filter(|it| it.action == Action::Update);
        let uses_both = changed.filter(|role| {
            let Some(turning) = self.turns(role) else {
                return false;
            };
            let mut new = self
                .made()
                .filter(|it| self.comes_to_use(&turning, it))
                .filter_map(|it| service(want(it)?));
            new.any(|new| {
                let mut drops = turning.drops.iter();
                drops.any(|old| old.split(':').nth(2) == Some(new))
            })
        });
        uses_both.map(|it| it.address.clone()).collect()
    }

    /// Queues that stay, lose a subscription and get another: they let both topics deliver for a while.
    pub(super) fn to_bridge(&self) -> BTreeSet<Address> {
        let changed = self.made().filter(|it| it.action == Action::Update);
        let both = changed.filter(|step| {
            let Some(Resource::Queue(queue)) = have(step) else {
                return false;
            };
            let delivers = |it: Option<&Resource>| {
                matches!(it, Some(Resource::Subscription(it)) if delivers_to(it, &queue.arn))
            };
            let gone = self.removed().filter(|it| delivers(have(it)));
            let mut new = self
                .made()
                .filter(|it| is_made(it) && delivers(want(it)))
                .peekable();
            gone.count() > 0 && new.peek().is_some()
        });
        let bridged = both.map(|it| it.address.clone());
        bridged.chain(self.working_roles()).collect()
    }

    /// Roles that stay, work for a stage before and after its next deployment, and lose something: they keep it until then.
    fn working_roles(&self) -> impl Iterator<Item = Address> {
        let loses = |it: &&Step| {
            let lost = self.turns(it).is_some_and(|it| !it.drops.is_empty());
            lost && self.deployed().any(|api| works_as(have(api), have(it)))
        };
        let changed = self.made().filter(|it| it.action == Action::Update);
        changed.filter(loses).map(|it| it.address.clone())
    }

    /// APIs that stay and change.
    fn deployed(&self) -> impl Iterator<Item = &'a Step> {
        let changed = |it: &&Step| matches!(have(it), Some(Resource::RestApi(_)));
        self.made().filter(changed)
    }

    /// What waits for an API's next deployment, and what that waits for.
    fn around_deployment(&self, api: &'a Step) -> (Vec<&'a Step>, Vec<&'a Step>) {
        let bridged: BTreeSet<Address> = self.working_roles().collect();
        let roles = self.made().filter(|it| works_as(want(api), want(it)));
        let (mut after, before): (Vec<_>, Vec<_>) =
            roles.partition(|it| bridged.contains(&it.address));
        let works_now = |it: &&Step| works_as(have(api), have(it));
        after.extend(
            self.made()
                .filter(works_now)
                .filter(|it| bridged.contains(&it.address)),
        );
        let mut reached: BTreeSet<&String> = BTreeSet::new();
        for role in self.steps.iter().filter(works_now) {
            reached.extend(named(have(role)));
        }
        let may_reach = |arn: &Arn| {
            let mut patterns = reached.iter();
            patterns.any(|it| Pattern::of(it).matches(arn.as_str()))
        };
        after.extend(self.removed().filter(|it| match have(it) {
            Some(Resource::Topic(it)) => may_reach(&it.arn),
            Some(Resource::Queue(it)) => may_reach(&it.arn),
            _ => works_now(it),
        }));
        (before, after)
    }

    /// What waits for what, beside what a resource needs in order to exist.
    pub(super) fn order(&self, tasks: &Tasks) -> Vec<(NodeIndex, NodeIndex)> {
        let mut edges = Vec::new();
        let of = |step: &Step| -> Vec<NodeIndex> {
            let same = |it: &NodeIndex| {
                let task = &tasks[*it];
                task.address == step.address && task.part.is_some() == step.want.is_some()
            };
            tasks.node_indices().filter(same).collect()
        };
        let mut wait = |first: &Step, then: &Step| {
            let first = of(first);
            for then in of(then) {
                if tasks[then].part != Some(Part::Opened) {
                    edges.extend(first.iter().map(|it| (*it, then)));
                }
            }
        };
        for old in self.removed() {
            let new: Vec<&Step> = self.made().filter(|it| self.takes_over(it, old)).collect();
            for it in &new {
                wait(it, old);
            }
        }
        for role in self.made() {
            let Some(turning) = self.turns(role).filter(|it| !it.drops.is_empty()) else {
                continue;
            };
            for old in self.removed().filter(|it| turning.stops_using(it)) {
                wait(role, old);
            }
            for new in self.made().filter(|it| self.comes_to_use(&turning, it)) {
                wait(new, role);
            }
        }
        for api in self.deployed() {
            let (before, after) = self.around_deployment(api);
            let stages = self.made().filter(
                |it| matches!(want(it), Some(Resource::Stage(it)) if it.api == api.address),
            );
            for stage in stages {
                for it in &before {
                    wait(it, stage);
                }
                for it in &after {
                    wait(stage, it);
                }
            }
        }
        for queue in self.made().filter(|it| it.action == Action::Update) {
            let Some(Resource::Queue(it)) = have(queue) else {
                continue;
            };
            for step in self
                .steps
                .iter()
                .filter(|step| sends_no_more(step, &it.arn))
            {
                wait(step, queue);
            }
        }
        edges
    }
}

/// What a role that stays stops using, and what it comes to use.
struct Turning<'a> {
    drops: BTreeSet<&'a String>,
    gains: BTreeSet<&'a String>,
    /// The APIs among it whose ids AWS has not chosen yet.
    pending: BTreeSet<Address>,
}

impl Turning<'_> {
    /// Whether a carrier that is removed is what the role stops using.
    fn stops_using(&self, removed: &Step) -> bool {
        let Some(gone) = &removed.have else {
            return false;
        };
        let mut drops = self.drops.iter();
        match &gone.resource {
            Resource::Topic(it) => drops.any(|name| **name == it.arn.as_str()),
            Resource::Subscription(it) => drops.any(|name| **name == it.topic.as_str()),
            Resource::Queue(it) => drops.any(|name| **name == it.arn.as_str()),
            Resource::RestApi(_) | Resource::Stage(_) => {
                drops.any(|name| name.contains(&format!(":{}/", gone.id)))
            }
            Resource::Role(_) | Resource::Key(_) => false,
        }
    }
}

/// The service that permissions on a carrier name.
fn service(carrier: &Resource) -> Option<&'static str> {
    match carrier {
        Resource::Topic(_) | Resource::Subscription(_) => Some("sns"),
        Resource::Queue(_) => Some("sqs"),
        Resource::RestApi(_) | Resource::Stage(_) => Some("execute-api"),
        Resource::Role(_) | Resource::Key(_) => None,
    }
}

fn delivers_to(subscription: &Subscription, queue: &Arn) -> bool {
    subscription.queue == *queue || subscription.dead_letter.as_ref() == Some(queue)
}

/// Whether a step ends deliveries or dead letters to a queue.
fn sends_no_more(step: &Step, queue: &Arn) -> bool {
    let sends = |it: Option<&Resource>| match it {
        Some(Resource::Subscription(it)) => delivers_to(it, queue),
        Some(Resource::Queue(it)) => it.dead_letter.as_ref().is_some_and(|(it, _)| it == queue),
        _ => false,
    };
    step.action != Action::Keep && sends(have(step)) && !sends(want(step))
}

/// Whether an integration of an API works as a role.
fn works_as(api: Option<&Resource>, role: Option<&Resource>) -> bool {
    let (Some(Resource::RestApi(api)), Some(Resource::Role(role))) = (api, role) else {
        return false;
    };
    let mut integrations = api
        .methods
        .values()
        .filter_map(|it| it.integration.as_ref());
    integrations.any(|it| it.credentials.as_deref() == Some(role.arn.as_str()))
}

/// What the policies of a role of its own name.
fn named(resource: Option<&Resource>) -> BTreeSet<&String> {
    let Some(Resource::Role(role)) = resource else {
        return BTreeSet::new();
    };
    let statements = role.identity().flat_map(|it| &it.statements);
    let clauses = statements.filter_map(|it| it.resource.as_ref());
    clauses.flat_map(|it| &it.values).collect()
}

fn is_role(resource: Option<&Resource>, named: &BTreeSet<&String>) -> bool {
    matches!(resource, Some(Resource::Role(it)) if named.iter().any(|name| **name == it.arn.as_str()))
}
