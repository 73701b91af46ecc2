//! What a consumer needs in order to use what it was given: names, policies, and working code.
//!
//! An access is two teams' business. The stack writes what it may write; the rest is for
//! the other team: the role to assume and its external id, the policy to attach where
//! this stack may not, and a client that signs and calls, assumes first where the edge
//! says so, publishes, sends, and receives.
//!
//! A [`Package`] is all of that as a value. It speaks of what is live: an API has its id
//! only then, and a client of what is not there yet could not work.

pub mod client;
pub mod consumer;
mod policies;
mod sample;

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

use crate::kinds::survey::Live;
use crate::kinds::{Resource, queue, stage};
use crate::lower::{Desired, Grant};
use crate::model::{Address, Arn, KindName};
use crate::stack::{self, Access, Endpoint, QueueUse, RouteKey, Stack, Target, TopicRef, Via};

pub use consumer::{Consumer, Whom};
pub use policies::{Attach, Holder};
pub use sample::Sample;

/// What a consumer is handed.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// The stack's name.
    pub stack: String,
    /// Whom it is for.
    pub consumer: Consumer,
    /// The consumer's ARN, where it is one thing.
    pub arn: Option<Arn>,
    /// The account it is in.
    pub account: String,
    /// What the consumer may do, in the stack's order.
    pub edges: Vec<Edge>,
    /// Policies that this stack cannot write, and somebody has to.
    pub attach: Vec<Attach>,
    /// What may be missing as well, for nobody could read it: the policies of KMS keys.
    pub unread: Vec<String>,
    /// What else to know.
    pub notes: Vec<String>,
}

/// One thing that a consumer may do.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// What it is called in code: `orders`, in words that every language takes.
    pub ident: String,
    /// What it is on.
    pub target: Address,
    /// Which of the consumer's principals may, where it is not simply the consumer.
    pub who: Option<String>,
    /// The region that is called.
    pub region: String,
    /// The role to assume first.
    pub assume: Option<Assume>,
    /// What may be done.
    pub action: Action,
}

/// A role to assume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assume {
    /// The role.
    pub role: Arn,
    /// The external id it asks for.
    pub external_id: Option<String>,
}

/// What may be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Call routes of an API.
    Call {
        /// Where, the stage included; `None` when only a custom domain serves the API.
        url: Option<String>,
        /// The routes, as the access says them.
        routes: Vec<RouteKey>,
        /// A method and path that one of them serves.
        example: (String, String),
    },
    /// Publish to a topic, or send to a queue.
    Send {
        /// The topic or queue.
        to: Recipient,
        /// Whether it keeps an order, and whether it tells messages apart by their content.
        fifo: Option<bool>,
        /// A message that reaches the stack's own subscribers.
        example: Sample,
    },
    /// Receive from a queue.
    Receive {
        /// The queue.
        queue: Arn,
        /// The name that calls give it.
        url: String,
        /// The topics it receives from.
        sources: Vec<Source>,
    },
}

/// What takes messages.
#[derive(Clone, Debug, PartialEq)]
pub enum Recipient {
    /// A topic.
    Topic(Arn),
    /// A queue, with the name that calls give it.
    Queue(Arn, String),
}

/// A topic that a queue receives from.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The topic.
    pub topic: Arn,
    /// Whether the message comes alone, without SNS's envelope.
    pub raw: bool,
    /// Which messages come, as SNS's filter policy.
    pub filter: Option<serde_json::Value>,
}

impl Edge {
    /// The word by which a client is asked for it: `call-orders`.
    #[must_use]
    pub fn word(&self) -> String {
        format!("{}-{}", self.verb(), self.ident.replace('_', "-"))
    }

    /// The function that does it: `call_orders`.
    #[must_use]
    pub fn function(&self) -> String {
        format!("{}_{}", self.verb(), self.ident)
    }

    fn verb(&self) -> &'static str {
        match &self.action {
            Action::Call { .. } => "call",
            Action::Send { to, .. } => match to {
                Recipient::Topic(_) => "publish",
                Recipient::Queue(..) => "send",
            },
            Action::Receive { .. } => "receive",
        }
    }

    /// What it is, in a line: `POST /orders of apis.orders`.
    #[must_use]
    pub fn says(&self) -> String {
        match &self.action {
            Action::Call { routes, .. } => {
                let routes: Vec<String> = routes.iter().map(ToString::to_string).collect();
                format!("call {} of {}", routes.join(", "), self.target)
            }
            Action::Send { .. } => format!("{} to {}", self.verb(), self.target),
            Action::Receive { .. } => format!("receive from {}", self.target),
        }
    }
}

/// The addresses that must be live before a package can be made.
#[must_use]
pub fn needs(consumer: &Consumer, stack: &Stack, desired: &Desired) -> BTreeSet<Address> {
    let mut needs = BTreeSet::new();
    match &consumer.whom {
        Whom::Role(name) => {
            needs.insert(Address::new(KindName::Role, name));
        }
        Whom::Queue(name) => {
            needs.insert(Address::new(KindName::Queue, name));
            // Where the topic is somebody else's, its owner has to act first: the package says how.
            let own = |topic: &Arn| stack.topics.values().any(|it| it.arn == *topic);
            let subscriptions = desired
                .wants
                .iter()
                .filter(|(_, want)| match &want.resource {
                    Resource::Subscription(it) => {
                        it.queue == stack.queues[name].arn && own(&it.topic)
                    }
                    _ => false,
                });
            needs.extend(subscriptions.map(|(address, _)| address.clone()));
        }
        Whom::OutsideRole(_) | Whom::OutsideAccount(_) => {}
    }
    for (access, grant) in granted(consumer, stack, desired) {
        needs.insert(grant.target.clone());
        needs.extend(grant.role.clone());
        if let Target::Api { name, .. } = &access.to {
            let stage = &stack.apis[name].stage.name;
            needs.insert(Address::new(KindName::Stage, format!("{name}.{stage}")));
        }
    }
    // What is neither ours nor in an account of ours cannot be looked for.
    needs.retain(|it| desired.wants.contains_key(it));
    needs
}

/// The accesses that let a consumer in, with what was made of them.
fn granted<'a>(
    consumer: &Consumer,
    stack: &'a Stack,
    desired: &'a Desired,
) -> Vec<(&'a Access, &'a Grant)> {
    let pairs = stack.access.iter().zip(&desired.grants);
    pairs
        .filter(|(access, _)| consumer.is_let(&access.from, stack))
        .collect()
}

impl Package {
    /// What a consumer is handed, once the ids that AWS chose are known.
    #[must_use]
    pub fn of(consumer: &Consumer, stack: &Stack, desired: &Desired, live: &Live) -> Self {
        let ids = &live.ids();
        let mut edges = Vec::new();
        for (access, grant) in granted(consumer, stack, desired) {
            let (region, actions) = actions(stack, ids, access, grant);
            for action in actions {
                let edge = Edge {
                    ident: ident(&grant.target.name),
                    target: grant.target.clone(),
                    who: consumer.part(&access.from),
                    region: region.clone(),
                    assume: assumed(desired, access, grant),
                    action,
                };
                add(&mut edges, edge);
            }
        }
        if let Whom::Queue(name) = &consumer.whom {
            let queue = &stack.queues[name];
            edges.push(Edge {
                ident: ident(name),
                target: Address::new(KindName::Queue, name),
                who: None,
                region: queue.arn.region().to_owned(),
                assume: None,
                action: receive(queue, stack),
            });
        }
        Self {
            stack: stack.name.clone(),
            consumer: consumer.clone(),
            arn: consumer.arn(stack).cloned(),
            account: consumer.account(stack).to_owned(),
            attach: policies::to_attach(consumer, stack, desired, live),
            unread: policies::unread_keys(consumer, stack, desired, &live.keys),
            notes: notes(&edges, stack),
            edges,
        }
    }

    /// What sessions of roles that are assumed are called: who, as far as AWS takes it.
    #[must_use]
    pub fn session_name(&self) -> String {
        session_name_of(&match &self.consumer.whom {
            Whom::Role(name) | Whom::Queue(name) => name.clone(),
            Whom::OutsideRole(arn) => arn.name().to_owned(),
            Whom::OutsideAccount(id) => format!("account-{id}"),
        })
    }
}

/// Returns a name as STS takes it of a session: 2 to 64 letters, digits and some signs.
fn session_name_of(name: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "+=,.@-_".contains(it);
    let name: String = name.chars().filter(|it| plain(*it)).take(64).collect();
    if name.len() < 2 {
        format!("role-{name}")
    } else {
        name
    }
}

/// Adds an edge: to one that does the same on the same target by the same way, or as a new one.
fn add(edges: &mut Vec<Edge>, mut edge: Edge) {
    let same = |it: &&mut Edge| {
        it.target == edge.target
            && it.assume == edge.assume
            && it.who == edge.who
            && discriminant(&it.action) == discriminant(&edge.action)
    };
    if let Some(same) = edges.iter_mut().find(same) {
        if let (Action::Call { routes, .. }, Action::Call { routes: more, .. }) =
            (&mut same.action, edge.action)
        {
            routes.extend(more);
        }
        return;
    }
    let base = edge.ident.clone();
    let mut number = 1;
    // Some languages leave the `_` out.
    let plain = |it: &Edge| it.function().replace('_', "");
    while edges.iter().any(|it| plain(it) == plain(&edge)) {
        number += 1;
        edge.ident = format!("{base}_{number}");
    }
    edges.push(edge);
}

/// A name that may follow `call_` in every language.
fn ident(name: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric();
    name.chars()
        .map(|it| {
            if plain(it) {
                it.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect()
}

/// Returns what an access lets its caller do, and the region in which.
fn actions(
    stack: &Stack,
    ids: &BTreeMap<Address, String>,
    access: &Access,
    grant: &Grant,
) -> (String, Vec<Action>) {
    match &access.to {
        Target::Api { name, routes } => {
            let api = &stack.apis[name];
            let place = &stack.accounts[&api.account].place;
            let id = ids.get(&grant.target);
            let url = id
                .filter(|_| !api.disable_execute_api)
                .map(|id| stage::url(place, id, &api.stage.name));
            let action = Action::Call {
                url,
                example: sample::request(api, routes),
                routes: routes.clone(),
            };
            (place.region.to_string(), vec![action])
        }
        Target::Topic { name } => {
            let topic = &stack.topics[name];
            let action = Action::Send {
                to: Recipient::Topic(topic.arn.clone()),
                fifo: topic.fifo.then_some(topic.content_based_deduplication),
                example: sample::message(topic, stack),
            };
            (topic.arn.region().to_owned(), vec![action])
        }
        Target::Queue { name, uses } => {
            let queue = &stack.queues[name];
            let actions = uses.iter().map(|it| match it {
                QueueUse::Send => Action::Send {
                    to: Recipient::Queue(queue.arn.clone(), queue::url(&queue.arn)),
                    fifo: queue.fifo.then_some(queue.content_based_deduplication),
                    example: Sample::default(),
                },
                QueueUse::Receive => receive(queue, stack),
            });
            (queue.arn.region().to_owned(), actions.collect())
        }
    }
}

/// Returns the role that a consumer assumes for an access.
fn assumed(desired: &Desired, access: &Access, grant: &Grant) -> Option<Assume> {
    let role = grant
        .role
        .as_ref()
        .filter(|_| grant.via == Via::AssumeRole)?;
    match &desired.wants.get(role)?.resource {
        Resource::Role(role) => Some(Assume {
            role: role.arn.clone(),
            external_id: access.external_id.clone(),
        }),
        _ => None,
    }
}

fn receive(queue: &stack::Queue, stack: &Stack) -> Action {
    let sources = queue.subscribe.iter().map(|it| Source {
        topic: match &it.topic {
            TopicRef::Stack(name) => stack.topics[name].arn.clone(),
            TopicRef::Arn(arn) | TopicRef::Contract { arn, .. } => arn.clone(),
        },
        raw: it.raw,
        filter: it.filter.clone(),
    });
    Action::Receive {
        queue: queue.arn.clone(),
        url: queue::url(&queue.arn),
        sources: sources.collect(),
    }
}

/// What a consumer should know beside what it may do.
fn notes(edges: &[Edge], stack: &Stack) -> Vec<String> {
    let mut notes = BTreeSet::new();
    for edge in edges {
        match &edge.action {
            Action::Call { .. } => {
                let api = &stack.apis[&edge.target.name];
                if api.endpoint == Endpoint::Private {
                    let ways: Vec<&str> = api.vpc_endpoints.iter().map(String::as_str).collect();
                    let through = if ways.is_empty() {
                        "a VPC endpoint for execute-api".to_owned()
                    } else {
                        ways.join(" or ")
                    };
                    notes.insert(format!(
                        "{} is private: it answers only through {through}. Where the endpoint has no private DNS, \
                         put its own host name for the API in the client's base URL.",
                        edge.target
                    ));
                }
                if api.disable_execute_api {
                    notes.insert(format!(
                        "{} has no `execute-api` host name: ask its owner for the custom domain, and give it to \
                         the client as its base URL.",
                        edge.target
                    ));
                }
            }
            Action::Send {
                to: Recipient::Topic(_),
                ..
            } => {
                let topic = &stack.topics[&edge.target.name];
                for (name, queue) in &stack.queues {
                    for it in queue
                        .subscribe
                        .iter()
                        .filter(|it| sample::is_of(it, topic, &edge.target.name))
                    {
                        if let Some(filter) = &it.filter {
                            let part = if it.filter_on_body {
                                "body"
                            } else {
                                "message attributes"
                            };
                            notes.insert(format!(
                                "queues.{name} receives only what has `{filter}` in its {part}."
                            ));
                        }
                    }
                }
            }
            Action::Send { .. } => {}
            Action::Receive { .. } => {
                let queue = &stack.queues[&edge.target.name];
                if let Some((_, times)) = &queue.dead_letter {
                    notes.insert(format!(
                        "A message of {} that was received {times} times without being deleted goes to its dead-letter queue.",
                        edge.target
                    ));
                }
            }
        }
    }
    notes.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_a_name_that_sts_takes() {
        for (name, says) in [
            ("order-desk", "order-desk"),
            ("team/desk é+=,.@-_", "teamdesk+=,.@-_"),
            ("w", "role-w"),
            ("é", "role-"),
            (&"n".repeat(70), &"n".repeat(64)),
        ] {
            assert_eq!(session_name_of(name), says);
        }
    }
}
