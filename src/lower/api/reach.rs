//! Which routes of an API an `allow` means, and which calls IAM lets through for it.
//!
//! The two are not the same. A route's `{id}` is one segment of a path, but in a policy
//! `*` is any text, **slashes included**: `GET /orders/{id}` must be written `GET/orders/*`,
//! and that lets `GET /orders/7/items` through as well, should the API have such a route.
//! Nobody declared that, so [`reach`] gives what to deny beside it. A `*` that the author
//! wrote crosses slashes on purpose: `GET /orders/*` is everything below `/orders/`.
//!
//! The method's `*` crosses them as well: `*/a` is also `GET/b/a`. Where the API has such a
//! route, the methods are named one by one.
//!
//! Which route serves a path is decided as API Gateway does: segment by segment, a plain
//! word before `{id}` before `{rest+}`; then the method's own name before `ANY`.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html>.

mod pattern;

use std::collections::{BTreeMap, BTreeSet};

use crate::stack::RouteKey;
use pattern::{Pattern, some_text};

/// The methods a call may have.
const VERBS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// What a grant lets through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Resources to allow: `execute-api:/STAGE/METHOD/path`.
    pub allow: Vec<String>,
    /// Resources to deny to the same principals: routes that nobody allowed and `*` reaches.
    pub deny: Vec<String>,
    /// Routes that nobody allowed, that are reached, and that cannot be denied without
    /// denying an allowed one.
    pub beyond: Vec<RouteKey>,
}

/// What allowing `patterns` on an API with these routes takes.
///
/// With no routes (an existing API) nothing can be said of what else is reached.
#[must_use]
pub fn reach(stage: &str, patterns: &[RouteKey], routes: &[RouteKey]) -> Reach {
    let served = Served::of(routes);
    let meant: BTreeSet<Service> = VERBS
        .iter()
        .flat_map(|verb| {
            let taking = patterns.iter().filter(|it| takes(it, verb));
            taking.flat_map(|it| served.meant(it, verb))
        })
        .collect();
    let others: Vec<Service> = served.all().filter(|it| !meant.contains(it)).collect();
    let hits =
        |resource: &RouteKey, service: &Service| served.has(&resource_pattern(resource), service);
    // `*` for the method crosses slashes too: `*/a` is also `GET/b/a`. Where that reaches
    // anything, the methods are named.
    let allow: Vec<RouteKey> = patterns
        .iter()
        .flat_map(|it| {
            let by_name = named(it);
            let strays =
                |other: &&Service| hits(it, other) && !by_name.iter().any(|it| hits(it, other));
            if others.iter().any(|it| strays(&it)) {
                by_name
            } else {
                vec![it.clone()]
            }
        })
        .collect();
    let mut denied: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut beyond = BTreeSet::new();
    for other in others
        .iter()
        .filter(|other| allow.iter().any(|it| hits(it, other)))
    {
        let denial = RouteKey {
            method: other.verb.to_owned(),
            path: other.route.path.clone(),
        };
        if meant.iter().any(|it| hits(&denial, it)) {
            beyond.insert(other.route.clone());
        } else {
            denied
                .entry(&other.route.path)
                .or_default()
                .insert(other.verb);
        }
    }
    let deny: Vec<RouteKey> = denied
        .into_iter()
        .flat_map(|(path, verbs)| {
            let any = RouteKey {
                method: "ANY".to_owned(),
                path: path.to_owned(),
            };
            if verbs.len() == VERBS.len() && !meant.iter().any(|it| hits(&any, it)) {
                return vec![any];
            }
            let mut named = named(&any);
            named.retain(|it| verbs.contains(it.method.as_str()));
            named
        })
        .collect();
    Reach {
        allow: invoke_resources(stage, &allow),
        deny: invoke_resources(stage, &deny),
        beyond: beyond.into_iter().collect(),
    }
}

/// A pattern for every method by its name, when it is for all of them.
fn named(pattern: &RouteKey) -> Vec<RouteKey> {
    let verbs = VERBS.iter().filter(|it| takes(pattern, it));
    verbs
        .map(|verb| RouteKey {
            method: (*verb).to_owned(),
            path: pattern.path.clone(),
        })
        .collect()
}

/// What a resource matches, from the method on: `GET/orders/7`.
fn resource_pattern(key: &RouteKey) -> Pattern {
    Pattern::glob(&format!("{}{}", verb_of(key), glob(&key.path)))
}

/// Resources of these routes or patterns, one that another covers left out.
///
/// A path parameter becomes `*`, and so does the method `ANY`.
#[must_use]
pub fn invoke_resources(stage: &str, patterns: &[RouteKey]) -> Vec<String> {
    let all: BTreeSet<(&str, String)> = patterns
        .iter()
        .map(|it| (verb_of(it), glob(&it.path)))
        .collect();
    let covered = |(verb, path): &(&str, String)| {
        all.iter().any(|(other_verb, other_path)| {
            (other_verb, other_path) != (verb, path)
                && (*other_verb == "*" || other_verb == verb)
                && covers(other_path, path)
        })
    };
    all.iter()
        .filter(|it| !covered(it))
        .map(|(verb, path)| format!("execute-api:/{stage}/{verb}{path}"))
        .collect()
}

/// Whether an `allow` means a route: some call that the route could serve matches it.
///
/// A pattern's `{id}` is one segment and its `*` any text; a method of `*` or `ANY` is every
/// method. `GET /orders/7` means the route `GET /orders/{id}`: a part of it.
#[must_use]
pub fn matches(pattern: &RouteKey, route: &RouteKey) -> bool {
    let verbs = verb_of(pattern) == "*" || verb_of(route) == "*" || pattern.method == route.method;
    verbs
        && some_text(
            &[&Pattern::glob(&pattern.path), &Pattern::route(&route.path)],
            &[],
        )
}

fn takes(pattern: &RouteKey, verb: &str) -> bool {
    verb_of(pattern) == "*" || pattern.method == verb
}

fn verb_of(key: &RouteKey) -> &str {
    match key.method.as_str() {
        "ANY" | "*" => "*",
        other => other,
    }
}

/// A path as a policy has it: `*` in the place of every parameter.
fn glob(path: &str) -> String {
    let star = |it| if pattern::is_parameter(it) { "*" } else { it };
    let segments: Vec<&str> = path.split('/').map(star).collect();
    segments.join("/")
}

/// Whether a glob covers another: reading the other's `*` as a text of its own.
fn covers(glob: &str, other: &str) -> bool {
    // A character that no path has stands for whatever the other's `*` stands for.
    let other = Pattern::route(&other.replace('*', "\u{0}"));
    some_text(&[&Pattern::glob(glob), &other], &[])
}

/// A route serving one method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Service<'a> {
    verb: &'static str,
    route: &'a RouteKey,
}

/// The routes of an API, with the paths that each serves.
struct Served<'a> {
    routes: &'a [RouteKey],
    /// By path: what it matches, and more exact paths that take calls away from it.
    paths: BTreeMap<&'a str, (Pattern, Vec<Pattern>)>,
}

impl<'a> Served<'a> {
    fn of(routes: &'a [RouteKey]) -> Self {
        let names: BTreeSet<&str> = routes.iter().map(|it| it.path.as_str()).collect();
        let paths = names.iter().map(|path| {
            let own = Pattern::route(path);
            let exacter = names
                .iter()
                .filter(|it| exactness(it) < exactness(path))
                .map(|it| Pattern::route(it))
                .filter(|it| some_text(&[it, &own], &[]));
            (*path, (own.clone(), exacter.collect()))
        });
        Self {
            routes,
            paths: paths.collect(),
        }
    }

    fn all(&self) -> impl Iterator<Item = Service<'a>> {
        VERBS.iter().flat_map(|verb| self.by(verb))
    }

    /// The routes that serve a method: those that name it, and `ANY` where its path has none that does.
    fn by(&self, verb: &'static str) -> impl Iterator<Item = Service<'a>> + use<'a> {
        let routes = self.routes;
        let named = move |path: &str| routes.iter().any(|it| it.path == path && it.method == verb);
        routes
            .iter()
            .filter(move |it| it.method == verb || (verb_of(it) == "*" && !named(&it.path)))
            .map(move |route| Service { verb, route })
    }

    /// Whether a call that a route serves matches a pattern of methods and paths.
    fn has(&self, pattern: &Pattern, service: &Service<'_>) -> bool {
        let Some((own, exacter)) = self.paths.get(service.route.path.as_str()) else {
            return false;
        };
        let exacter: Vec<Pattern> = exacter.iter().map(|it| it.after(service.verb)).collect();
        some_text(
            &[pattern, &own.after(service.verb)],
            &exacter.iter().collect::<Vec<_>>(),
        )
    }

    /// The routes that a pattern means for a method. One that is written like a route means that
    /// route, and not the more exact `/orders/all` beside `/orders/{id}`.
    fn meant(&self, pattern: &RouteKey, verb: &'static str) -> Vec<Service<'a>> {
        let written: Vec<_> = self
            .by(verb)
            .filter(|it| alike(&it.route.path, &pattern.path))
            .collect();
        if !written.is_empty() {
            return written;
        }
        let texts = Pattern::glob(&pattern.path).after(verb);
        self.by(verb).filter(|it| self.has(&texts, it)).collect()
    }
}

/// Whether two paths are the same but for the names of their parameters.
fn alike(route: &str, pattern: &str) -> bool {
    !pattern.contains('*') && exactness(route) == exactness(pattern) && glob(route) == glob(pattern)
}

/// By segment: 0 for a plain word, 1 for a parameter, 2 for a greedy one. The smaller is served first.
fn exactness(path: &str) -> Vec<u8> {
    path.split('/')
        .map(|it| u8::from(pattern::is_parameter(it)) + u8::from(pattern::is_greedy(it)))
        .collect()
}

#[cfg(test)]
mod tests;
