//! Everything that anybody around a stack might try, and whether it must come off.
//!
//! What must come off is read from the stack's own words, its access list: not
//! from the policies that were made of it. Only the names of access roles, and
//! which mechanism the engine chose where the stack left it open, are asked of
//! the engine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use provision::aws::Keys;
use provision::cloud::sns::{CreateTopic, DeleteTopic, SetTopicAttributes};
use provision::kinds::Resource;
use provision::model::{Address, Arn};
use provision::stack::{
    Access, Api, Endpoint, Network, Principal, QueueUse, RouteKey, Surface, Target, TopicRef, Via,
};
use serde_json::{Value, json};

use crate::caller::{Message, Way, is_fifo};
use crate::ground::{Actor, Ground, ORGS};

/// A VPC endpoint that no stack speaks of.
const OTHER_ENDPOINT: &str = "vpce-0fffffffffffffff0";

/// Something that somebody might try.
pub(crate) struct Claim<'a> {
    /// What it is, in words.
    pub(crate) words: String,
    /// Whether it must come off.
    pub(crate) expected: bool,
    /// Tries it, and tells whether it came off.
    pub(crate) probe: Box<dyn Fn() -> bool + 'a>,
}

/// What somebody was let do, and must not have been, or the other way round.
pub(crate) fn failures(ground: &Ground) -> Vec<String> {
    claims(ground)
        .iter()
        .filter_map(|claim| {
            let came_off = (claim.probe)();
            let fault = if came_off { "may" } else { "may not" };
            (came_off != claim.expected).then(|| format!("{fault}: {}", claim.words))
        })
        .collect()
}

/// Everything to try on a stack.
pub(crate) fn claims(ground: &Ground) -> Vec<Claim<'_>> {
    let mut claims = Vec::new();
    calls(ground, &mut claims);
    publishing(ground, &mut claims);
    assuming(ground, &mut claims);
    subscribing(ground, &mut claims);
    pushing(ground, &mut claims);
    delivering(ground, &mut claims);
    claims
}

// ---- what the stack's words say

/// An access, with the mechanism and the access role that the engine chose.
struct Granted<'a> {
    access: &'a Access,
    via: Via,
    role: Option<(&'a Address, &'a Arn)>,
}

fn granted(ground: &Ground) -> Vec<Granted<'_>> {
    let grants = &ground.desired.grants;
    assert_eq!(grants.len(), ground.stack.access.len());
    let pairs = ground.stack.access.iter().zip(grants);
    pairs
        .map(|(access, grant)| {
            assert_eq!(access.written_at, grant.written_at);
            Granted {
                access,
                via: grant.via,
                role: grant.role.as_ref().map(|address| {
                    match &ground.desired.wants[address].resource {
                        Resource::Role(role) => (address, &role.arn),
                        _ => panic!("{address} is no role"),
                    }
                }),
            }
        })
        .collect()
}

impl Actor {
    /// Whether the stack's words let them in, and their own account does not hold them back.
    fn is_let(&self, from: &Principal) -> bool {
        match from {
            // The engine writes the caller's side as well.
            Principal::Role(name) => self.role.as_ref() == Some(name),
            // Here it hands that side over, and `ground` attached it.
            Principal::RoleArn(arn) | Principal::Named(arn) => self.arn == *arn,
            // Whoever that account lets.
            Principal::RolePrefix { account, prefix } => {
                let name = self.arn.resource().trim_start_matches("role/");
                self.mighty && self.arn.account() == account.as_str() && name.starts_with(prefix)
            }
            Principal::Account(account) => self.mighty && self.arn.account() == account.as_str(),
            Principal::Organization { id, unit } => {
                let its = ORGS.iter().find(|it| it.0 == self.arn.account());
                let below = |path: &str| {
                    let unit = unit.as_deref().unwrap_or_default();
                    unit.is_empty() || path.strip_prefix('/') == Some(unit)
                };
                self.mighty && its.is_some_and(|it| it.1 == id && below(it.2))
            }
            // Whoever is signed in and comes by such a way: see `comes_by`.
            Principal::Service(_)
            | Principal::ServiceFor { .. }
            | Principal::Oidc { .. }
            | Principal::Network(_) => false,
        }
    }

    /// Whether an account's owner has let this one do all that its own policies may allow.
    fn rules(&self, account: &str) -> bool {
        self.mighty && self.arn.account() == account
    }
}

/// Whether an `allow` covers a route, as its author reads it.
fn covers(pattern: &RouteKey, route: &RouteKey) -> bool {
    fn glob(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.first(), text.first()) {
            (None, None) => true,
            (Some(b'*'), _) => {
                glob(&pattern[1..], text) || (!text.is_empty() && glob(pattern, &text[1..]))
            }
            (Some(a), Some(b)) if a == b => glob(&pattern[1..], &text[1..]),
            _ => false,
        }
    }
    (pattern.method == "*" || pattern.method == "ANY" || pattern.method == route.method)
        && glob(pattern.path.as_bytes(), route.path.as_bytes())
}

fn allows(access: &Access, api: &str, route: &RouteKey) -> bool {
    match &access.to {
        Target::Api { name, routes } => name == api && routes.iter().any(|it| covers(it, route)),
        Target::Topic { .. } | Target::Queue { .. } => false,
    }
}

fn publishes(access: &Access, topic: &str) -> bool {
    matches!(&access.to, Target::Topic { name } if name == topic)
}

/// The routes of an API, and whether each is public.
fn routes(api: &Api) -> Vec<(RouteKey, bool)> {
    match &api.surface {
        Surface::Routes(routes) => routes
            .iter()
            .map(|it| (it.key.clone(), it.public))
            .collect(),
        Surface::OpenApi {
            document, public, ..
        } => {
            let verbs = ["get", "put", "post", "delete", "patch", "head", "options"];
            let paths = document["paths"].as_object().expect("paths");
            let mut keys = Vec::new();
            for (path, item) in paths {
                for verb in item.as_object().expect("operations").keys() {
                    if verbs.contains(&verb.as_str()) {
                        let key = RouteKey {
                            method: verb.to_uppercase(),
                            path: path.clone(),
                        };
                        let open = public.contains(&key);
                        keys.push((key, open));
                    }
                }
            }
            keys
        }
        Surface::Existing { .. } => panic!("the test does not know what an existing API serves"),
    }
}

/// A request's method and path that meets a route.
fn request(route: &RouteKey) -> (String, String) {
    let method = if route.method == "ANY" {
        "GET"
    } else {
        &route.method
    };
    let parts = route.path.split('/').map(|part| match part {
        it if it.starts_with('{') && it.ends_with("+}") => "a/b",
        it if it.starts_with('{') => "17",
        it => it,
    });
    (method.to_owned(), parts.collect::<Vec<_>>().join("/"))
}

/// The ways into an API, and whether the API itself is open to them: the public one, or VPC endpoints, the right
/// and the wrong; and those that an access names, with one that it does not name.
fn ways(ground: &Ground, name: &str) -> BTreeSet<(Way, bool)> {
    let api = &ground.stack.apis[name];
    let by = |endpoint: Option<&str>| Way {
        endpoint: endpoint.map(str::to_owned),
        ..Way::default()
    };
    let right = api.vpc_endpoints.iter().map(|it| (by(Some(it)), true));
    let mut ways: BTreeSet<(Way, bool)> = match api.endpoint {
        Endpoint::Private => right.collect(),
        _ => BTreeSet::from([(Way::default(), true)]),
    };
    if api.endpoint == Endpoint::Private {
        let any = ways.is_empty();
        ways.extend([(by(Some(OTHER_ENDPOINT)), any), (by(None), false)]);
    }
    for network in networks(ground, name).map(|(network, _)| network) {
        let door = api.vpc_endpoints.first().map(String::as_str);
        let at = |endpoint: Option<&str>, vpc: Option<&str>, address: Option<&str>| {
            let way = Way {
                vpc: vpc.map(str::to_owned),
                address: address.map(str::to_owned),
                ..by(endpoint)
            };
            (way, true)
        };
        match network {
            Network::VpcEndpoint(_) => {}
            Network::Vpc(id) => ways.extend([
                at(door, Some(id), None),
                at(door, Some("vpc-0fffffffffffffff0"), None),
            ]),
            Network::Addresses(ranges) | Network::VpcAddresses(ranges) => {
                for range in ranges {
                    let inside = range.split('/').next();
                    ways.extend([at(door, None, inside), at(door, None, Some("198.51.100.9"))]);
                }
            }
        }
    }
    ways
}

/// The networks that are let in to an API, and to which of its routes.
fn networks<'a>(
    ground: &'a Ground,
    api: &'a str,
) -> impl Iterator<Item = (&'a Network, &'a [RouteKey])> {
    ground
        .stack
        .access
        .iter()
        .filter_map(move |it| match (&it.from, &it.to) {
            (Principal::Network(network), Target::Api { name, routes }) if name == api => {
                Some((network, &routes[..]))
            }
            _ => None,
        })
}

/// Whether a request that comes by this way to this route is let in for its network.
fn comes_by(ground: &Ground, api: &str, route: &RouteKey, way: &Way) -> bool {
    let within = |ranges: &[String]| {
        let inside = |it: &String| it.split('/').next() == way.address.as_deref();
        ranges.iter().any(inside)
    };
    networks(ground, api).any(|(network, routes)| {
        routes.iter().any(|it| covers(it, route))
            && match network {
                Network::VpcEndpoint(id) => way.endpoint.as_ref() == Some(id),
                Network::Vpc(id) => way.vpc.as_ref() == Some(id),
                Network::Addresses(ranges) => way.endpoint.is_none() && within(ranges),
                Network::VpcAddresses(ranges) => way.endpoint.is_some() && within(ranges),
            }
    })
}

/// Whether a public route answers only the networks that an access names.
fn is_limited(ground: &Ground, api: &str, route: &RouteKey) -> bool {
    networks(ground, api).any(|(_, routes)| routes.iter().any(|it| covers(it, route)))
}

fn uses(access: &Access, queue: &str, what: QueueUse) -> bool {
    matches!(&access.to, Target::Queue { name, uses } if name == queue && uses.contains(&what))
}

// ---- what is tried

fn calls<'a>(ground: &'a Ground, claims: &mut Vec<Claim<'a>>) {
    let granted = granted(ground);
    for (name, api) in &ground.stack.apis {
        let owner = ground.places[&api.account].id.as_str();
        for (route, public) in routes(api) {
            for (way, open) in ways(ground, name) {
                let by = match &way {
                    it if *it == Way::default() => String::new(),
                    it => format!(" by {it:?}"),
                };
                let near = comes_by(ground, name, &route, &way);
                let public = public && (near || !is_limited(ground, name, &route));
                let mut try_it = |who: &str, expected: bool, keys: Option<&'a Keys>| {
                    let (method, path) = request(&route);
                    let door = &ground.doors[name];
                    let way = way.clone();
                    claims.push(Claim {
                        words: format!("{who} calls {route} of {name}{by}"),
                        expected: expected && open,
                        probe: Box::new(move || {
                            ground.wire.invoke(keys, door, &method, &path, &way)
                        }),
                    });
                };
                try_it("anyone", public, None);
                for actor in &ground.actors {
                    // Who rules the API's account may call what is in it; no policy of ours says so.
                    if actor.rules(owner) {
                        continue;
                    }
                    let declared = granted.iter().any(|it| {
                        it.via == Via::ResourcePolicy
                            && allows(it.access, name, &route)
                            && actor.is_let(&it.access.from)
                    });
                    // A network lets in whoever is signed in, as far as their own account lets them.
                    let near = near && (actor.mighty || actor.arn.account() == owner);
                    try_it(&actor.name, public || declared || near, Some(&actor.keys));
                }
            }
        }
    }
}

fn publishing<'a>(ground: &'a Ground, claims: &mut Vec<Claim<'a>>) {
    let granted = granted(ground);
    for (name, topic) in &ground.stack.topics {
        let mut try_it = |who: &str, expected: bool, keys: Option<&'a Keys>| {
            claims.push(Claim {
                words: format!("{who} publishes to {name}"),
                expected,
                probe: Box::new(move || ground.wire.publish(keys, &topic.arn, &message(None))),
            });
        };
        try_it("anyone", false, None);
        for actor in &ground.actors {
            if actor.rules(topic.arn.account()) {
                continue;
            }
            let declared = granted.iter().any(|it| {
                it.via == Via::ResourcePolicy
                    && publishes(it.access, name)
                    && actor.is_let(&it.access.from)
            });
            try_it(&actor.name, declared, Some(&actor.keys));
        }
    }
}

/// Assuming every role there is, and what can be done once it was assumed.
fn assuming<'a>(ground: &'a Ground, claims: &mut Vec<Claim<'a>>) {
    let granted = granted(ground);
    let roles: Vec<(&Address, &Arn)> = ground
        .desired
        .wants
        .iter()
        .filter_map(|(address, want)| match &want.resource {
            Resource::Role(role) => Some((address, &role.arn)),
            _ => None,
        })
        .collect();
    for (address, arn) in roles {
        let here: Vec<&Granted<'_>> = granted
            .iter()
            .filter(|it| it.role.is_some_and(|(role, _)| role == address))
            .collect();
        let trusted = ground.stack.roles.get(&address.name);
        let external_id = here.iter().find_map(|it| it.access.external_id.as_deref());
        for actor in &ground.actors {
            if actor.arn == *arn {
                continue;
            }
            let declared = here.iter().any(|it| actor.is_let(&it.access.from))
                || trusted.is_some_and(|role| role.trusted_by.iter().any(|it| actor.is_let(it)));
            let assume = move |id: Option<&str>| {
                let keys = Some(&actor.keys);
                ground.wire.assume(keys, "eu-west-1", arn, id)
            };
            claims.push(Claim {
                words: format!("{} assumes {address}", actor.name),
                expected: declared,
                probe: Box::new(move || assume(external_id).is_some()),
            });
            if !declared {
                continue;
            }
            if external_id.is_some() {
                claims.push(Claim {
                    words: format!("{} assumes {address} without its external id", actor.name),
                    expected: false,
                    probe: Box::new(move || assume(None).is_some()),
                });
            }
            let who = format!("{} as {address}", actor.name);
            let session = move || assume(external_id);
            once_assumed(ground, &who, &here, session, claims);
        }
    }
}

fn once_assumed<'a>(
    ground: &'a Ground,
    who: &str,
    here: &[&Granted<'_>],
    session: impl Fn() -> Option<Keys> + Copy + 'a,
    claims: &mut Vec<Claim<'a>>,
) {
    for (name, api) in &ground.stack.apis {
        for (route, public) in routes(api) {
            for (way, open) in ways(ground, name) {
                let (method, path) = request(&route);
                let door = &ground.doors[name];
                let declared = here.iter().any(|it| allows(it.access, name, &route));
                let near = comes_by(ground, name, &route, &way);
                let public = public && !is_limited(ground, name, &route);
                claims.push(Claim {
                    words: format!("{who} calls {route} of {name}"),
                    expected: (declared || public || near) && open,
                    probe: Box::new(move || {
                        session().is_some_and(|keys| {
                            ground.wire.invoke(Some(&keys), door, &method, &path, &way)
                        })
                    }),
                });
            }
        }
    }
    let declared = |queue: &str, what| here.iter().any(|it| uses(it.access, queue, what));
    queueing(ground, who, session, declared, claims);
    for (name, topic) in &ground.stack.topics {
        claims.push(Claim {
            words: format!("{who} publishes to {name}"),
            expected: here.iter().any(|it| publishes(it.access, name)),
            probe: Box::new(move || {
                session().is_some_and(|keys| {
                    ground.wire.publish(Some(&keys), &topic.arn, &message(None))
                })
            }),
        });
    }
}

/// Sending to each queue and receiving from it.
fn queueing<'a>(
    ground: &'a Ground,
    who: &str,
    session: impl Fn() -> Option<Keys> + Copy + 'a,
    declared: impl Fn(&str, QueueUse) -> bool,
    claims: &mut Vec<Claim<'a>>,
) {
    for (name, queue) in &ground.stack.queues {
        for (what, does) in [
            (QueueUse::Send, "sends to"),
            (QueueUse::Receive, "receives from"),
        ] {
            claims.push(Claim {
                words: format!("{who} {does} queues.{name}"),
                expected: declared(name, what),
                probe: Box::new(move || {
                    session().is_some_and(|keys| match what {
                        QueueUse::Send => ground.wire.push(Some(&keys), &queue.arn),
                        QueueUse::Receive => ground.wire.receive(Some(&keys), &queue.arn),
                    })
                }),
            });
        }
    }
}

fn subscribing<'a>(ground: &'a Ground, claims: &mut Vec<Claim<'a>>) {
    for (name, topic) in &ground.stack.topics {
        for actor in &ground.actors {
            if actor.rules(topic.arn.account()) {
                continue;
            }
            let own = actor.arn.account();
            let region = topic.arn.region();
            let rogue = format!("arn:aws:sqs:{region}:{own}:rogue");
            let mut try_it = |queue: Arn, called: &str, expected: bool| {
                claims.push(Claim {
                    words: format!("{} subscribes {called} to {name}", actor.name),
                    expected,
                    probe: Box::new(move || {
                        let keys = Some(&actor.keys);
                        ground.wire.subscribe(keys, &topic.arn, &queue)
                    }),
                });
            };
            try_it(
                Arn::parse(&rogue).expect("an ARN"),
                "a queue of its own",
                false,
            );
            for (queue_name, queue) in &ground.stack.queues {
                // The topic lets the queue's account subscribe this queue; who in that account
                // may do it is for the account to say.
                let declared = subscribes(ground, queue_name, name);
                let expected = declared && actor.rules(queue.arn.account());
                try_it(queue.arn.clone(), &format!("queues.{queue_name}"), expected);
            }
        }
    }
}

fn pushing<'a>(ground: &'a Ground, claims: &mut Vec<Claim<'a>>) {
    let granted = granted(ground);
    for (name, queue) in &ground.stack.queues {
        claims.push(Claim {
            words: format!("anyone sends to queues.{name}"),
            expected: false,
            probe: Box::new(move || ground.wire.push(None, &queue.arn)),
        });
    }
    for actor in &ground.actors {
        if ground
            .stack
            .queues
            .values()
            .any(|it| actor.rules(it.arn.account()))
        {
            continue;
        }
        let declared = |queue: &str, what: QueueUse| {
            granted.iter().any(|it| {
                it.via == Via::ResourcePolicy
                    && uses(it.access, queue, what)
                    && actor.is_let(&it.access.from)
            })
        };
        let session = move || Some(actor.keys.clone());
        queueing(ground, &actor.name, session, declared, claims);
    }
}

fn delivering<'a>(ground: &'a Ground, claims: &mut Vec<Claim<'a>>) {
    for (name, queue) in &ground.stack.queues {
        for (topic_name, topic) in &ground.stack.topics {
            let filter = filter(ground, name, topic_name);
            let subscribed = subscribes(ground, name, topic_name);
            claims.push(Claim {
                words: format!("queues.{name} receives from {topic_name}"),
                expected: subscribed,
                probe: Box::new({
                    let filter = filter.clone();
                    move || arrives(ground, &topic.arn, &queue.arn, &message(filter.as_ref()))
                }),
            });
            if subscribed && filter.is_some() {
                claims.push(Claim {
                    words: format!("queues.{name} receives from {topic_name} what it filters out"),
                    expected: false,
                    probe: Box::new(move || {
                        arrives(ground, &topic.arn, &queue.arn, &message(None))
                    }),
                });
            }
        }
        for (account, place) in &ground.places {
            claims.push(Claim {
                words: format!("queues.{name} receives from a rogue topic of {account}"),
                expected: false,
                probe: Box::new(move || {
                    let name = if is_fifo(&queue.arn) {
                        "rogue.fifo"
                    } else {
                        "rogue"
                    };
                    let rogue = Arn::regional(place, "sns", name);
                    intrudes(ground, account, &rogue, &queue.arn)
                }),
            });
        }
    }
}

// ---- delivery

fn subscribes(ground: &Ground, queue: &str, topic: &str) -> bool {
    let subscribe = &ground.stack.queues[queue].subscribe;
    subscribe
        .iter()
        .any(|it| matches!(&it.topic, TopicRef::Stack(name) if name == topic))
}

/// The filter of a queue's subscription, and whether it reads the body.
fn filter(ground: &Ground, queue: &str, topic: &str) -> Option<(Value, bool)> {
    let subscribe = &ground.stack.queues[queue].subscribe;
    let found = subscribe
        .iter()
        .find(|it| matches!(&it.topic, TopicRef::Stack(name) if name == topic))?;
    Some((found.filter.clone()?, found.filter_on_body))
}

/// A message that no other is like, and that passes a filter.
fn message(filter: Option<&(Value, bool)>) -> Message {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let id = format!("message-{}", LAST.fetch_add(1, Ordering::Relaxed));
    let mut body = json!({ "id": id });
    let mut attributes = Vec::new();
    if let Some((filter, on_body)) = filter {
        for (key, accepted) in filter.as_object().expect("a filter is an object") {
            let value = match &accepted[0] {
                Value::Object(it) => it.values().next().expect("a pattern").clone(),
                plain => plain.clone(),
            };
            if *on_body {
                body[key] = value;
            } else {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                attributes.push((key.clone(), text));
            }
        }
    }
    Message {
        id,
        body: body.to_string(),
        attributes,
    }
}

/// Whether a message published to a topic comes out of a queue.
fn arrives(ground: &Ground, topic: &Arn, queue: &Arn, message: &Message) -> bool {
    // What is tried is the delivery. Whether somebody may publish is tried elsewhere, so that
    // one broken grant does not look like two.
    let publisher = Ground::root(topic.account());
    assert!(
        ground.wire.publish(Some(&publisher), topic, message),
        "the topic's own account publishes to it"
    );
    let reader = Ground::root(queue.account());
    let found = || {
        let bodies = ground.wire.take(&reader, queue);
        bodies.iter().any(|it| it.contains(&message.id))
    };
    // Delivery is prompt here; a second look is for a busy machine.
    found() || {
        std::thread::sleep(Duration::from_millis(50));
        found()
    }
}

/// Whether a topic that the queue's owner subscribed behind the stack's back delivers to it.
fn intrudes(ground: &Ground, account: &str, rogue: &Arn, queue: &Arn) -> bool {
    let fifo = is_fifo(rogue).then(|| ("FifoTopic".to_owned(), "true".to_owned()));
    let topic = CreateTopic {
        name: rogue.name().to_owned(),
        attributes: fifo.into_iter().collect(),
        tags: BTreeMap::new(),
    };
    ground.as_root(account, topic);
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "AWS": "*" },
            "Action": ["sns:Subscribe", "sns:Publish"],
            "Resource": rogue.as_str(),
        }],
    });
    let open = SetTopicAttributes {
        arn: rogue.to_string(),
        name: "Policy".to_owned(),
        value: policy.to_string(),
    };
    ground.as_root(account, open);
    let owner = Ground::root(queue.account());
    assert!(
        ground.wire.subscribe(Some(&owner), rogue, queue),
        "the queue's own account subscribes it"
    );
    let came = arrives(ground, rogue, queue, &message(None));
    let arn = rogue.to_string();
    ground.as_root(account, DeleteTopic { arn });
    came
}
