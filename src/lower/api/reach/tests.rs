//! Allows against routes: tables, and a law that tries calls.

use proptest::prelude::*;

use super::pattern::{is_greedy, is_parameter};
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
fn any_method_is_named_where_a_star_would_reach_another_route() {
    let routes = keys(&["ANY /a", "GET /b/a"]);
    let found = reach("prod", &keys(&["ANY /a"]), &routes);
    assert_eq!(found.allow.len(), 7);
    assert!(found.allow.contains(&"execute-api:/prod/GET/a".to_owned()));
    assert!(found.deny.is_empty() && found.beyond.is_empty());
    let alone = reach("prod", &keys(&["ANY /a"]), &routes[..1]);
    assert_eq!(alone.allow, ["execute-api:/prod/*/a"]);
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

/// A call: the method and the path, without variables.
type Call = (String, Vec<String>);

/// How well a route's path serves a call's: 0 exact, 1 parameter, 2 greedy, by segment; `None` for not at all.
fn rank(path: &str, call: &[String]) -> Option<Vec<u8>> {
    let segments: Vec<&str> = path
        .split('/')
        .skip(1)
        .filter(|it| !it.is_empty())
        .collect();
    let mut ranks = Vec::new();
    for (index, segment) in segments.iter().enumerate() {
        if is_greedy(segment) {
            return (call.len() > index).then(|| {
                ranks.push(2);
                ranks
            });
        }
        let here = call.get(index)?;
        if is_parameter(segment) {
            ranks.push(1);
        } else if segment == here {
            ranks.push(0);
        } else {
            return None;
        }
    }
    (segments.len() == call.len()).then_some(ranks)
}

/// The route that API Gateway serves a call by: the most exact path, then the method, then `ANY`.
fn route_of<'a>(routes: &'a [RouteKey], (verb, path): &Call) -> Option<&'a RouteKey> {
    let best = routes
        .iter()
        .filter_map(|it| Some((rank(&it.path, path)?, &it.path)))
        .min()?
        .1;
    let there = |method: &str| {
        routes
            .iter()
            .find(|it| it.path == *best && it.method == method)
    };
    there(verb).or_else(|| there("ANY"))
}

fn like(glob: &str, text: &str) -> bool {
    match glob.split_once('*') {
        None => glob == text,
        Some((head, rest)) => text
            .strip_prefix(head)
            .is_some_and(|tail| (0..=tail.len()).any(|it| like(rest, &tail[it..]))),
    }
}

fn lets(resources: &[String], (verb, path): &Call) -> bool {
    let text = format!("execute-api:/prod/{verb}/{}", path.join("/"));
    resources.iter().any(|it| like(it, &text))
}

fn some_path() -> impl Strategy<Value = String> {
    let segment = prop_oneof![3 => Just("a"), 2 => Just("b"), 3 => Just("{x}")];
    let greedy = proptest::option::weighted(0.2, Just("{y+}"));
    (proptest::collection::vec(segment, 0..4), greedy).prop_map(|(segments, greedy)| {
        format!(
            "/{}",
            segments
                .into_iter()
                .chain(greedy)
                .collect::<Vec<_>>()
                .join("/")
        )
    })
}

/// Routes as API Gateway takes them: one variable below a path.
fn some_routes() -> impl Strategy<Value = Vec<RouteKey>> {
    let verb = prop_oneof![4 => Just("GET"), 2 => Just("POST"), 1 => Just("ANY")];
    let routes = proptest::collection::btree_set((verb, some_path()), 1..7);
    routes.prop_map(|routes| {
        let mut kept: Vec<RouteKey> = Vec::new();
        for (method, path) in routes {
            let clashes = kept.iter().any(|it| siblings(&it.path, &path));
            if !clashes {
                kept.push(RouteKey {
                    method: method.to_owned(),
                    path,
                });
            }
        }
        kept
    })
}

/// Whether two paths have another variable each below the same path.
fn siblings(a: &str, b: &str) -> bool {
    let different = a.split('/').zip(b.split('/')).find(|(a, b)| a != b);
    different.is_some_and(|(a, b)| is_parameter(a) && is_parameter(b))
}

fn some_call() -> impl Strategy<Value = Call> {
    let verb = prop_oneof![Just("GET"), Just("POST")];
    let segment = prop_oneof![Just("a"), Just("b"), Just("7")];
    let path = proptest::collection::vec(segment.prop_map(str::to_owned), 0..5);
    (verb.prop_map(str::to_owned), path)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn who_may_call_some_routes_calls_no_other(
        routes in some_routes(),
        chosen in proptest::collection::vec(any::<proptest::sample::Index>(), 1..3),
        calls in proptest::collection::vec(some_call(), 40),
    ) {
        let patterns: Vec<RouteKey> = chosen.iter().map(|it| it.get(&routes).clone()).collect();
        let found = reach("prod", &patterns, &routes);
        for call in &calls {
            let Some(route) = route_of(&routes, call) else { continue };
            let may = lets(&found.allow, call) && !lets(&found.deny, call);
            let meant = |it: &RouteKey| it.path == route.path && (it.method == "ANY" || it.method == call.0);
            if patterns.iter().any(meant) {
                prop_assert!(may, "{route} is allowed by {patterns:?}, and {call:?} is refused: {found:?}");
            } else if !found.beyond.contains(route) {
                prop_assert!(!may, "{route} is not allowed, and {call:?} passes: {found:?}");
            }
        }
    }
}
