//! Which routes of an API an `allow` means, and which calls IAM lets through for it.
//!
//! The two are not the same. A route's `{id}` is one segment of a path, but in a policy
//! `*` is any text, **slashes included**: `GET /orders/{id}` must be written `GET/orders/*`,
//! and that lets `GET /orders/7/items` through as well, should the API have such a route.
//! Nobody declared that, so [`reach`] gives what to deny beside it. A `*` that the author
//! wrote crosses slashes on purpose: `GET /orders/*` is everything below `/orders/`.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-control-access-using-iam-policies-to-invoke-api.html>.

use std::collections::BTreeSet;

use crate::stack::RouteKey;

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
    let mut found = Reach {
        allow: invoke_resources(stage, patterns),
        ..Reach::default()
    };
    let meant: BTreeSet<&RouteKey> = patterns
        .iter()
        .flat_map(|it| meant_by(it, routes))
        .collect();
    let mut denied = Vec::new();
    for route in routes.iter().filter(|it| !meant.contains(it)) {
        if !patterns
            .iter()
            .any(|pattern| lets_through(pattern, route, routes))
        {
            continue;
        }
        if meant.iter().any(|other| denying_hits(route, other)) {
            found.beyond.push(route.clone());
        } else {
            denied.push(route.clone());
        }
    }
    found.deny = invoke_resources(stage, &denied);
    found
}

/// Resources of these routes or patterns, one that another covers left out.
///
/// A path parameter becomes `*`, and so does the method `ANY`.
#[must_use]
pub fn invoke_resources(stage: &str, patterns: &[RouteKey]) -> Vec<String> {
    let all: BTreeSet<(String, String)> = patterns
        .iter()
        .map(|it| (verb(it).to_owned(), glob(&it.path)))
        .collect();
    let covered = |(verb, path): &(String, String)| {
        all.iter().any(|(other_verb, other_path)| {
            (other_verb, other_path) != (verb, path)
                && (other_verb == "*" || other_verb == verb)
                && covers(other_path, path)
        })
    };
    all.iter()
        .filter(|it| !covered(it))
        .map(|(verb, path)| format!("execute-api:/{stage}/{verb}{path}"))
        .collect()
}

/// Whether an `allow` means a route: some call that the route serves matches it.
///
/// A pattern's `{id}` is one segment and its `*` any text; a method of `*` or `ANY` is every
/// method. `GET /orders/7` means the route `GET /orders/{id}`: a part of it.
#[must_use]
pub fn matches(pattern: &RouteKey, route: &RouteKey) -> bool {
    let verbs = verb(pattern) == "*" || verb(route) == "*" || pattern.method == route.method;
    verbs && meet(&tokens(&pattern.path, true), &tokens(&route.path, false))
}

/// The routes that a pattern means. One that is written like a route means that route, and
/// not the more exact `/orders/all` beside `/orders/{id}`.
fn meant_by<'a>(pattern: &RouteKey, routes: &'a [RouteKey]) -> Vec<&'a RouteKey> {
    let alike = |it: &&RouteKey| {
        glob(&it.path) == glob(&pattern.path) && is_greedy(&it.path) == is_greedy(&pattern.path)
    };
    let written: Vec<_> = routes
        .iter()
        .filter(|it| !pattern.path.contains('*') && alike(it) && matches(pattern, it))
        .collect();
    let found = if written.is_empty() {
        routes.iter().filter(|it| matches(pattern, it)).collect()
    } else {
        written
    };
    found
        .into_iter()
        .filter(|it| serves(it, pattern, routes))
        .collect()
}

/// Whether calls that a pattern matches get to a route: `ANY` serves the methods that
/// its path does not have by name.
fn serves(route: &RouteKey, pattern: &RouteKey, routes: &[RouteKey]) -> bool {
    let by_name = || {
        routes
            .iter()
            .any(|it| it.path == route.path && it.method == pattern.method)
    };
    verb(route) != "*" || verb(pattern) == "*" || !by_name()
}

/// Whether IAM lets a call of a route through for a pattern, `{id}` having become `*`.
fn lets_through(pattern: &RouteKey, route: &RouteKey, routes: &[RouteKey]) -> bool {
    let verbs = verb(pattern) == "*" || verb(route) == "*" || pattern.method == route.method;
    verbs
        && serves(route, pattern, routes)
        && meet(
            &tokens(&glob(&pattern.path), true),
            &tokens(&route.path, false),
        )
}

/// Whether denying a route takes calls away from another one that is allowed.
///
/// A path of as many segments as the denied route has is that route's own, since API
/// Gateway prefers the more exact route; a longer one may be the other's.
fn denying_hits(denied: &RouteKey, allowed: &RouteKey) -> bool {
    let verbs = verb(denied) == "*" || verb(allowed) == "*" || denied.method == allowed.method;
    if !verbs {
        return false;
    }
    let glob = glob(&denied.path);
    if verb(denied) == "*" && verb(allowed) != "*" && denied.path == allowed.path {
        // `ANY /orders` beside `GET /orders`: denying all methods denies that one.
        return true;
    }
    let same_shape = denied.path.split('/').count() == allowed.path.split('/').count()
        && !is_greedy(&allowed.path);
    glob.contains('*')
        && !is_greedy(&denied.path)
        && !same_shape
        && meet(&tokens(&glob, true), &tokens(&allowed.path, false))
}

fn is_greedy(path: &str) -> bool {
    path.ends_with("+}")
}

fn verb(key: &RouteKey) -> &str {
    match key.method.as_str() {
        "ANY" | "*" => "*",
        other => other,
    }
}

/// A path as a policy has it: `*` in the place of every parameter.
fn glob(path: &str) -> String {
    let segments: Vec<&str> = path
        .split('/')
        .map(|it| if is_parameter(it) { "*" } else { it })
        .collect();
    segments.join("/")
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{') && segment.ends_with('}')
}

/// Whether a glob covers another: reading the other's `*` as a text of its own.
fn covers(glob: &str, other: &str) -> bool {
    // A character that no path has stands for whatever the other's `*` stands for.
    meet(
        &tokens(glob, true),
        &tokens(&other.replace('*', "\u{0}"), false),
    )
}

/// One character, or any number of them, of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    One(Class),
    Many(Class),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Only(char),
    NoSlash,
    Any,
}

impl Class {
    fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Self::Only(a), Self::Only(b)) => a == b,
            (Self::Only(a), Self::NoSlash) | (Self::NoSlash, Self::Only(a)) => a != '/',
            (Self::Any | Self::NoSlash, Self::Any | Self::NoSlash)
            | (Self::Any, Self::Only(_))
            | (Self::Only(_), Self::Any) => true,
        }
    }
}

fn tokens(path: &str, stars: bool) -> Vec<Token> {
    let mut found = Vec::new();
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            found.push(Token::One(Class::Only('/')));
        }
        if is_parameter(segment) {
            found.push(Token::One(Class::NoSlash));
            let rest = if is_greedy(segment) {
                Class::Any
            } else {
                Class::NoSlash
            };
            found.push(Token::Many(rest));
            continue;
        }
        found.extend(segment.chars().map(|it| match it {
            '*' if stars => Token::Many(Class::Any),
            other => Token::One(Class::Only(other)),
        }));
    }
    found
}

/// Whether some text matches both. The usual walk through pairs of positions.
fn meet(a: &[Token], b: &[Token]) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![(0, 0)];
    while let Some((i, j)) = open.pop() {
        if !seen.insert((i, j)) {
            continue;
        }
        if i == a.len() && j == b.len() {
            return true;
        }
        if matches!(a.get(i), Some(Token::Many(_))) {
            open.push((i + 1, j));
        }
        if matches!(b.get(j), Some(Token::Many(_))) {
            open.push((i, j + 1));
        }
        let (Some(left), Some(right)) = (a.get(i), b.get(j)) else {
            continue;
        };
        let (Token::One(x) | Token::Many(x), Token::One(y) | Token::Many(y)) = (*left, *right);
        if x.meets(y) {
            let next = |token: &Token, at: usize| {
                if matches!(token, Token::One(_)) {
                    at + 1
                } else {
                    at
                }
            };
            open.push((next(left, i), next(right, j)));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> RouteKey {
        let (method, path) = text.split_once(' ').expect("a method and a path");
        RouteKey {
            method: method.to_owned(),
            path: path.to_owned(),
        }
    }

    fn keys(texts: &[&str]) -> Vec<RouteKey> {
        texts.iter().map(|it| key(it)).collect()
    }

    #[test]
    fn an_allow_means_the_routes_that_serve_what_it_matches() {
        for (pattern, route, expected) in [
            ("GET /orders", "GET /orders", true),
            ("GET /orders", "POST /orders", false),
            ("* /orders", "POST /orders", true),
            ("ANY /orders", "POST /orders", true),
            ("GET /orders", "ANY /orders", true),
            ("GET /orders/{id}", "GET /orders/{id}", true),
            ("GET /orders/{order}", "GET /orders/{id}", true),
            ("GET /orders/*", "GET /orders/{id}", true),
            ("GET /orders/*", "GET /orders/{id}/items", true),
            ("GET /orders/{id}", "GET /orders/{id}/items", false),
            ("GET /orders/*", "GET /orders", false),
            ("GET /orders/7", "GET /orders/{id}", true),
            ("GET /files/a/b", "GET /files/{path+}", true),
            ("GET /*", "GET /files/{path+}", true),
            ("GET /*", "GET /", true),
            ("GET /orders*", "GET /orders", true),
            ("GET /o*s", "GET /orders", true),
            ("GET /x*", "GET /orders", false),
        ] {
            assert_eq!(
                matches(&key(pattern), &key(route)),
                expected,
                "{pattern} on {route}"
            );
        }
    }

    #[test]
    fn a_parameter_and_any_become_stars() {
        assert_eq!(
            invoke_resources(
                "prod",
                &keys(&["GET /orders/{id}", "ANY /files/{path+}", "POST /"])
            ),
            [
                "execute-api:/prod/*/files/*",
                "execute-api:/prod/GET/orders/*",
                "execute-api:/prod/POST/"
            ]
        );
    }

    #[test]
    fn a_resource_that_another_covers_is_left_out() {
        assert_eq!(
            invoke_resources(
                "prod",
                &keys(&["GET /orders/*", "GET /orders/{id}/items", "GET /orders"])
            ),
            [
                "execute-api:/prod/GET/orders",
                "execute-api:/prod/GET/orders/*"
            ]
        );
        assert_eq!(
            invoke_resources("prod", &keys(&["* /orders", "GET /orders"])),
            ["execute-api:/prod/*/orders"]
        );
    }

    #[test]
    fn what_a_star_reaches_beyond_the_allowed_is_denied() {
        let routes = keys(&["GET /orders/{id}", "GET /orders/{id}/items", "POST /orders"]);
        let found = reach("prod", &keys(&["GET /orders/{id}"]), &routes);
        assert_eq!(found.allow, ["execute-api:/prod/GET/orders/*"]);
        assert_eq!(found.deny, ["execute-api:/prod/GET/orders/*/items"]);
        assert!(found.beyond.is_empty());
        let exact = reach("prod", &keys(&["POST /orders"]), &routes);
        assert!(exact.deny.is_empty() && exact.beyond.is_empty());
    }

    #[test]
    fn a_star_that_the_author_wrote_crosses_slashes() {
        let routes = keys(&["GET /orders/{id}", "GET /orders/{id}/items"]);
        assert!(
            reach("prod", &keys(&["GET /orders/*"]), &routes)
                .deny
                .is_empty()
        );
    }

    #[test]
    fn the_more_exact_route_is_denied_beside_an_allowed_parameter() {
        let routes = keys(&["GET /orders/{id}", "GET /orders/all"]);
        let found = reach("prod", &keys(&["GET /orders/{id}"]), &routes);
        // `/orders/all` is a text that `{id}` could be, but API Gateway serves the exact route.
        assert_eq!(found.allow, ["execute-api:/prod/GET/orders/*"]);
        assert_eq!(found.deny, ["execute-api:/prod/GET/orders/all"]);
    }

    #[test]
    fn any_serves_only_the_methods_that_its_path_has_not_by_name() {
        let routes = keys(&["GET /orders", "ANY /orders"]);
        assert_eq!(
            reach("prod", &keys(&["GET /orders"]), &routes).deny,
            [""; 0]
        );
        let post = reach("prod", &keys(&["POST /orders"]), &routes);
        assert_eq!(post.allow, ["execute-api:/prod/POST/orders"]);
        assert!(post.deny.is_empty() && post.beyond.is_empty());
    }

    #[test]
    fn a_route_that_cannot_be_denied_alone_is_named() {
        let routes = keys(&["GET /a/{x}/c", "GET /a/{x}", "GET /a/{x}/b/{y}/c"]);
        let found = reach(
            "prod",
            &keys(&["GET /a/{x}", "GET /a/{x}/b/{y}/c"]),
            &routes,
        );
        assert_eq!(found.beyond, keys(&["GET /a/{x}/c"]));
    }

    #[test]
    fn of_an_api_with_unknown_routes_nothing_is_denied() {
        let found = reach("prod", &keys(&["GET /a/{x}"]), &[]);
        assert!(found.deny.is_empty() && found.beyond.is_empty());
        assert_eq!(found.allow, ["execute-api:/prod/GET/a/*"]);
    }
}
