//! Something to try: a request that a route serves, a message that subscribers take.

use serde_json::{Map, Value, json};

use crate::lower::api;
use crate::stack::{Api, RouteKey, Stack, Subscribe, Topic, TopicRef};

/// A message to a topic or a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The body.
    pub body: String,
    /// Its attributes, all texts.
    pub attributes: Vec<(String, String)>,
}

impl Default for Sample {
    fn default() -> Self {
        Self {
            body: json!({"id": PARAMETER}).to_string(),
            attributes: Vec::new(),
        }
    }
}

/// What stands for a parameter of a path.
const PARAMETER: &str = "17";

/// A method and path that one of the allowed routes serves; one that only reads, where there is one.
pub(super) fn request(api: &Api, allowed: &[RouteKey]) -> (String, String) {
    let served = api::routes(api);
    let mut found: Vec<(String, String)> = Vec::new();
    for pattern in allowed {
        let meant = served.iter().filter(|it| covers(pattern, it));
        // What the stack does not know of an existing API, the pattern itself tells.
        let meant: Vec<&RouteKey> = meant.chain(std::iter::once(pattern)).collect();
        if let Some(route) = meant.first() {
            let method = match (pattern.method.as_str(), route.method.as_str()) {
                ("*" | "ANY", "*" | "ANY") => "GET",
                ("*" | "ANY", method) | (method, _) => method,
            };
            found.push((method.to_owned(), path(&route.path)));
        }
    }
    let reads = found.iter().position(|(method, _)| method == "GET");
    let first = reads.unwrap_or(0);
    found
        .into_iter()
        .nth(first)
        .unwrap_or_else(|| ("GET".to_owned(), "/".to_owned()))
}

/// Whether an `allow` covers a route, as its author reads it.
fn covers(pattern: &RouteKey, route: &RouteKey) -> bool {
    let any = |it: &str| it == "*" || it == "ANY";
    (any(&pattern.method) || any(&route.method) || pattern.method == route.method)
        && glob(pattern.path.as_bytes(), route.path.as_bytes())
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    // Where the last `*` stands, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at, seen));
            at += 1;
        } else if pattern.get(at) == Some(&text[seen]) {
            at += 1;
            seen += 1;
        } else if let Some((place, taken)) = star {
            star = Some((place, taken + 1));
            at = place + 1;
            seen = taken + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|it| *it == b'*')
}

fn path(route: &str) -> String {
    let parts = route.split('/').map(|part| {
        if part.starts_with('{') || part.contains('*') {
            PARAMETER
        } else {
            part
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

/// Whether a subscription is of this topic of the stack.
pub(super) fn is_of(subscribe: &Subscribe, topic: &Topic, name: &str) -> bool {
    match &subscribe.topic {
        TopicRef::Stack(it) => it == name,
        TopicRef::Arn(arn) | TopicRef::Contract { arn, .. } => *arn == topic.arn,
    }
}

/// A message that the stack's own subscribers take, as far as their filters are simple.
pub(super) fn message(topic: &Topic, stack: &Stack) -> Sample {
    let mut body = Map::from_iter([("id".to_owned(), json!(PARAMETER))]);
    let mut attributes = Vec::new();
    let name = stack.topics.iter().find(|(_, it)| it.arn == topic.arn);
    let name = name.map_or("", |(name, _)| name.as_str());
    let subscriptions = stack.queues.values().flat_map(|it| &it.subscribe);
    let filtered = subscriptions.filter(|it| is_of(it, topic, name) && it.filter.is_some());
    for subscribe in filtered {
        let Some(Value::Object(filter)) = &subscribe.filter else {
            continue;
        };
        for (key, accepted) in filter {
            let Some(value) = accepted.as_array().and_then(|it| it.iter().find_map(plain)) else {
                continue;
            };
            if subscribe.filter_on_body {
                body.entry(key.clone()).or_insert(value);
            } else if let Value::String(text) = value
                && !attributes.iter().any(|(name, _)| name == key)
            {
                attributes.push((key.clone(), text));
            }
        }
    }
    Sample {
        body: Value::Object(body).to_string(),
        attributes,
    }
}

/// A value that a filter's item accepts, when it is a plain one.
fn plain(item: &Value) -> Option<Value> {
    match item {
        Value::String(_) | Value::Number(_) | Value::Bool(_) => Some(item.clone()),
        Value::Object(it) => it.get("prefix").filter(|it| it.is_string()).cloned(),
        Value::Null | Value::Array(_) => None,
    }
}
