//! What an API serves: routes of the stack, the author's document, or whatever is there.

use std::collections::{BTreeMap, BTreeSet};

use super::checker::{Checker, Declared, Standing, texts};
use super::diagnostic::{Code, Diagnostic, Span, listed, nearest};
use super::fields::Fields;
use super::syntax::Spanned;
use crate::model::definition;

use super::{Endpoint, Route, RouteKey, Surface, integrations, openapi, routes};

/// The routes; `None` when they cannot be known.
type Routes = Option<Vec<Spanned<RouteKey>>>;

/// What accesses must know of an API.
pub(super) struct Known {
    pub(super) endpoint: Option<Endpoint>,
    pub(super) vpc_endpoints: Vec<String>,
    /// The routes; `None` when they cannot be known.
    pub(super) routes: Option<Vec<Spanned<RouteKey>>>,
    /// Where the routes are written.
    pub(super) key: Span,
}

/// What an API serves, and its routes.
pub(super) fn surface(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
    standing: Option<&Standing>,
    endpoint: Option<Endpoint>,
) -> (Option<Surface>, Routes) {
    let fields = it.fields;
    if fields.is_written("existing") {
        let public = public(checker, fields, None, "public");
        return (Some(Surface::Existing { public }), None);
    }
    match (fields.is_written("routes"), fields.is_written("openapi")) {
        (true, true) => {
            let key = |name| fields.key_of(name).unwrap_or(it.key);
            checker.report(
                Diagnostic::new(
                    Code::Conflict,
                    key("openapi"),
                    format!("{} has routes and an OpenAPI document", fields.owner),
                    "the document says what it serves",
                )
                .and(key("routes"), "and so do these")
                .help("keep one of them"),
            );
            (None, None)
        }
        (false, false) => {
            checker.report(
                Diagnostic::new(
                    Code::Missing,
                    it.key,
                    format!("{} serves nothing", fields.owner),
                    "neither `routes` nor `openapi`",
                )
                .help(format!(
                    "add `[apis.{}.routes]` and under it `\"GET /…\" = {{ http = \"https://…\" }}`",
                    it.name
                )),
            );
            (None, None)
        }
        (false, true) => open_api(checker, fields, standing, endpoint),
        (true, false) => served(checker, it, standing, endpoint),
    }
}

fn served(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
    standing: Option<&Standing>,
    endpoint: Option<Endpoint>,
) -> (Option<Surface>, Routes) {
    let fields = it.fields;
    if let Some(key) = fields.key_of("public") {
        checker.report(
            Diagnostic::new(
                Code::Conflict,
                key,
                format!("{} has its routes here, and `public` beside them", fields.owner),
                "for `openapi` and `existing` only",
            )
            .help("write `public = true` at the route: `\"GET /health\" = { mock = 200, public = true }`"),
        );
    }
    let entries = fields.map("routes");
    let mut found = Vec::new();
    let mut keys = Vec::new();
    let mut whole = fields.key_of("routes").is_some();
    for (key, item) in entries {
        let route_key = match routes::route(&key.value) {
            Ok(route) => Some(route),
            Err(wrong) => {
                checker.report(wrong.at(key.span));
                whole = false;
                None
            }
        };
        let Some(route) = item.fields() else { continue };
        let does = integrations::integration(checker, route, route_key.as_ref(), standing);
        if let Some(route_key) = route_key {
            keys.push(Spanned::new(route_key.clone(), key.span));
            if let Some(integration) = does {
                let timeout = route.whole("timeout");
                if let Some(timeout) = &timeout
                    && timeout.value > 29_000
                    && endpoint == Some(Endpoint::Edge)
                {
                    checker.report(
                        Diagnostic::new(
                            Code::OutOfRange,
                            timeout.span,
                            format!("`timeout` of `{route_key}` is out of range"),
                            "edge APIs wait 29s at most",
                        )
                        .help(
                            "write `\"29s\"` or less; regional and private APIs can be given more",
                        ),
                    );
                }
                found.push(Route {
                    key: route_key,
                    public: route.flag("public"),
                    integration,
                    timeout_ms: timeout.map(|it| it.value),
                });
            }
        }
    }
    let written = checker.count_of_routes(it.name);
    if whole && written == 0 {
        checker.report(
            Diagnostic::new(
                Code::Missing,
                fields.key_of("routes").unwrap_or(it.key),
                format!("{} serves nothing", fields.owner),
                "no route",
            )
            .help("a REST API without methods cannot be deployed: add `\"GET /…\" = { http = \"https://…\" }`"),
        );
    }
    routes::check_siblings(checker, &fields.owner, &keys);
    // A misread entry of the table leaves a hole that an `allow` may have meant.
    whole &= written == keys.len();
    (Some(Surface::Routes(found)), whole.then_some(keys))
}

fn open_api(
    checker: &mut Checker<'_>,
    fields: &Fields,
    standing: Option<&Standing>,
    endpoint: Option<Endpoint>,
) -> (Option<Surface>, Routes) {
    let Some(path) = fields.text("openapi") else {
        return (None, None);
    };
    let text = match (checker.files)(path.value) {
        Ok(text) => text,
        Err(error) => {
            checker.report(
                Diagnostic::new(
                    Code::File,
                    path.span,
                    format!(
                        "cannot read `{}`, the document of {}",
                        path.value, fields.owner
                    ),
                    error,
                )
                .help("the path is seen from the stack's own folder"),
            );
            return (None, None);
        }
    };
    let read = openapi::read(&text, standing.map(|it| it.partition));
    let read = read.and_then(|it| match definition::edge_refusals(&it.document) {
        late if late.is_empty() || endpoint != Some(Endpoint::Edge) => Ok(it),
        late => Err(late.into_iter().map(|it| it.advice).collect()),
    });
    match read {
        Ok(found) => {
            let routes: Vec<Spanned<RouteKey>> = found
                .routes
                .into_iter()
                .map(|it| Spanned::new(it, path.span))
                .collect();
            routes::check_siblings(checker, &fields.owner, &routes);
            let public = public(checker, fields, Some(&routes), "public");
            let kept = self::public(checker, fields, Some(&routes), "keep_authorizer");
            check_kept(checker, fields, &public, &found.unauthorized);
            let surface = Surface::OpenApi {
                document: found.document,
                public,
                kept,
            };
            (Some(surface), Some(routes))
        }
        Err(faults) => {
            for fault in faults {
                checker.report(
                    Diagnostic::new(
                        Code::File,
                        path.span,
                        format!("API Gateway cannot import `{}`", path.value),
                        fault,
                    )
                    .help("the document is OpenAPI 3.0 or Swagger 2.0, each operation with its `x-amazon-apigateway-integration`"),
                );
            }
            (None, None)
        }
    }
}

/// Reports the routes under `keep_authorizer` that are public too, or have no authorizer to keep.
fn check_kept(
    checker: &mut Checker<'_>,
    fields: &Fields,
    public: &BTreeSet<RouteKey>,
    unauthorized: &BTreeMap<RouteKey, Option<(String, String)>>,
) {
    for text in texts(fields.list("keep_authorizer")) {
        let Ok(route) = routes::route(text.value) else {
            continue;
        };
        if public.contains(&route) {
            let other = texts(fields.list("public"));
            let other = other
                .filter(|it| routes::route(it.value).is_ok_and(|it| it == route))
                .map(|it| it.span)
                .last();
            let fault = Diagnostic::new(
                Code::Conflict,
                text.span,
                format!(
                    "`{route}` of {} is public and keeps its authorizer",
                    fields.owner
                ),
                "asks for what the authorizer asks for",
            );
            let fault = match other {
                Some(span) => fault.and(span, "anyone may call it"),
                None => fault,
            };
            checker.report(fault.help("name it under one of the two"));
        } else if let Some(why) = unauthorized.get(&route) {
            let (wrong, instead) = why.clone().unwrap_or_else(|| {
                let instead = "write it under `public` if anyone may call it";
                ("nothing to keep".to_owned(), instead.to_owned())
            });
            checker.report(
                Diagnostic::new(
                    Code::Route,
                    text.span,
                    format!(
                        "`keep_authorizer` of {} names `{route}`, to which its document gives no Cognito or Lambda authorizer",
                        fields.owner
                    ),
                    wrong,
                )
                .help(format!("{instead}, or leave it out")),
            );
        }
    }
}

/// The routes that the stack calls public, with where it does.
pub(super) fn open_routes(fields: &Fields) -> Vec<(RouteKey, Span)> {
    let listed = texts(fields.list("public")).map(|it| (it.value.to_owned(), it.span));
    let entries = fields.map("routes").iter();
    let said = entries.filter(|(_, item)| item.fields().is_some_and(|it| it.flag("public")));
    let said = said.map(|(key, _)| (key.value.clone(), key.span));
    listed
        .chain(said)
        .filter_map(|(text, span)| Some((routes::route(&text).ok()?, span)))
        .collect()
}

fn public(
    checker: &mut Checker<'_>,
    fields: &Fields,
    served: Option<&[Spanned<RouteKey>]>,
    field: &str,
) -> BTreeSet<RouteKey> {
    let mut found = BTreeSet::new();
    for text in texts(fields.list(field)) {
        let route = match routes::route(text.value) {
            Ok(route) => route,
            Err(wrong) => {
                checker.report(wrong.at(text.span));
                continue;
            }
        };
        if let Some(served) = served
            && !served.iter().any(|it| it.value == route)
        {
            let fault = Diagnostic::new(
                Code::Route,
                text.span,
                format!("{} has no route `{}`", fields.owner, text.value),
                "not in its document",
            );
            checker.report(match nearest_route(&route, served) {
                Some(meant) => fault.fix(
                    "a like route exists",
                    text.span,
                    format!("\"{}\"", meant.value),
                ),
                None => fault.help(some_of(served)),
            });
        }
        found.insert(route);
    }
    found
}

/// The routes, or the first few of many.
fn some_of(served: &[Spanned<RouteKey>]) -> String {
    let names: Vec<String> = served.iter().map(|it| it.value.to_string()).collect();
    let shown = names.iter().take(8).map(String::as_str);
    match names.len() {
        0..=8 => format!("its routes are {}", listed(shown, "and")),
        more => format!(
            "its routes are {}, and {} more",
            listed(shown, "and"),
            more - 8
        ),
    }
}

/// The fault of an `allow` that no route of the API answers.
pub(super) fn unreached(
    pattern: &RouteKey,
    text: &Spanned<&str>,
    name: &str,
    known: &Known,
) -> Option<Diagnostic> {
    let served = known.routes.as_ref()?;
    if served.iter().any(|it| routes::reaches(pattern, &it.value)) {
        return None;
    }
    let fault = Diagnostic::new(
        Code::Route,
        text.span,
        format!("api `{name}` has no route that `{}` reaches", text.value),
        "no route answers this",
    );
    if let Some(other) = served.iter().find(|it| it.value.path == pattern.path) {
        return Some(
            fault
                .and(other.span, format!("the path has `{}`", other.value))
                .help(some_of(served)),
        );
    }
    if let Some(meant) = nearest_route(pattern, served) {
        let (at, meant) = (meant.span, &meant.value);
        return Some(fault.and(at, format!("a like route: `{meant}`")).fix(
            "a like route exists",
            text.span,
            format!("\"{meant}\""),
        ));
    }
    Some(fault.and(known.key, "its routes").help(some_of(served)))
}

/// The served route of the same method whose path is most alike.
///
/// Whole routes are all alike by their beginning, `GET /`.
fn nearest_route<'a>(
    wanted: &RouteKey,
    served: &'a [Spanned<RouteKey>],
) -> Option<&'a Spanned<RouteKey>> {
    let open = || {
        served
            .iter()
            .filter(|it| it.value.method == wanted.method || it.value.method == "ANY")
    };
    let meant = nearest(
        wanted.path.trim_start_matches('/'),
        open().map(|it| it.value.path.trim_start_matches('/')),
    )?;
    open().find(|it| it.value.path.trim_start_matches('/') == meant)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{faults, faulty_words};

    #[test]
    fn an_authorizer_is_kept_where_there_is_one() {
        let text = "[apis.a]\nopenapi = \"authorized.yaml\"\nkeep_authorizer = [\"GET /me\", \"GET /open\"]\n";
        snapbox::assert_data_eq!(
            faults(text),
            snapbox::str![[r#"
E0301: `keep_authorizer` of api `a` names `GET /open`, to which its document gives no Cognito or Lambda authorizer [nothing to keep] help: write it under `public` if anyone may call it, or leave it out

"#]]
        );
        assert_eq!(faulty_words(text), ["\"GET /open\""]);
        let text = "[apis.a]\nopenapi = \"authorized.yaml\"\npublic = [\"GET /me\"]\nkeep_authorizer = \"GET /me\"\n";
        snapbox::assert_data_eq!(
            faults(text),
            snapbox::str![[r#"
E0105: `GET /me` of api `a` is public and keeps its authorizer [asks for what the authorizer asks for | anyone may call it] help: name it under one of the two

"#]]
        );
        assert_eq!(faulty_words(text), ["\"GET /me\""]);
    }

    #[test]
    fn an_authorizer_that_api_gateway_does_not_make_is_not_kept() {
        for (route, wrong, instead) in [
            (
                "PUT /open",
                "`type` of its security scheme `tokens` is `http`, and API Gateway reads `apiKey` only",
                "write `type: apiKey`",
            ),
            (
                "POST /open",
                "`type` of the authorizer of its security scheme `typo` is `jwt`",
                "write `token`, `request`",
            ),
            (
                "PATCH /open",
                "its security scheme `bare` has no `x-amazon-apigateway-authorizer`",
                "write one there",
            ),
            (
                "DELETE /open",
                "its document has no security scheme `none`",
                "define the scheme",
            ),
            (
                "HEAD /open",
                "`type` of its `x-amazon-apigateway-auth` is `NONE`",
                "remove `x-amazon-apigateway-auth`",
            ),
        ] {
            let found = faults(&format!(
                "[apis.a]\nopenapi = \"authorized.yaml\"\nkeep_authorizer = \"{route}\"\n"
            ));
            assert!(
                found.starts_with("E0301") && found.contains(&format!("[{wrong}] help: {instead}")),
                "{found}"
            );
        }
    }

    #[test]
    fn an_edge_api_waits_29_seconds_for_a_documents_backend() {
        let of = |endpoint: &str| {
            faults(&format!(
                "[apis.a]\nopenapi = \"slow.yaml\"\nendpoint = \"{endpoint}\"\n"
            ))
        };
        assert_eq!(of("regional"), "no fault\n");
        snapbox::assert_data_eq!(
            of("edge"),
            snapbox::str![[r#"
E0401: API Gateway cannot import `slow.yaml` [`GET /slow`: `timeoutInMillis` is 60000, and edge APIs wait 29000 at most] help: the document is OpenAPI 3.0 or Swagger 2.0, each operation with its `x-amazon-apigateway-integration`

"#]]
        );
    }
}
