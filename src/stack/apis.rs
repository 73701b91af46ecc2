//! `[apis.NAME]`: a REST API and its stage.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Arn;

use super::check::{Checker, Declared, Noun, Standing, texts};
use super::diagnostic::{Code, Diagnostic, Span, listed, nearest};
use super::integrations::{self, ROUTE};
use super::shape::{Field, Fields, Item, Kind, Shape};
use super::syntax::Spanned;
use super::{
    Api, Endpoint, LogLevel, Route, RouteKey, Stage, Surface, names, openapi, principals, routes,
};

pub(super) const API: Shape = Shape {
    noun: "api",
    doc: "A REST API with one stage. Every route asks for a signed request (AWS_IAM) unless it says `public = true`.",
    fields: &[
        Field::new("account", Kind::Text, "The account, by its name in the stack; may be left out when there is only one.").with_existing(),
        Field::new("routes", Kind::Map(&Kind::Table(&ROUTE)), "What it serves: a route such as `\"GET /orders/{id}\"`, and what it does."),
        Field::new("stage", Kind::Either(&[Kind::Text, Kind::Table(&STAGE)]), "The stage, by its name alone or with its settings.").default("\"live\"").with_existing().alias(&["stage_name", "stages"]),
        Field::new("openapi", Kind::Text, "Instead of `routes`: the path of an OpenAPI document, YAML or JSON.").alias(&["spec", "swagger", "body"]),
        Field::new("existing", Kind::Text, "The id of an API that something else makes: then only this stack's statements and its authorizers are managed.").with_existing().alias(&["api_id", "rest_api_id"]),
        Field::new("public", Kind::OneOrMany(&Kind::Text), "With `openapi` or `existing`: the routes that anyone may call.").with_existing(),
        Field::new("name", Kind::Text, "The API's name; without it, the table's."),
        Field::new("description", Kind::Text, "What the API is for."),
        Field::new("endpoint", Kind::OneOf(&["regional", "edge", "private"]), "Who can reach it: anyone in the region's own way, through CloudFront, or only through VPC endpoints.").default("\"regional\"").with_existing().alias(&["endpoint_type"]),
        Field::new("vpc_endpoints", Kind::OneOrMany(&Kind::Pattern("^vpce-[0-9a-f]+$")), "The VPC endpoints of a private API: its only ways in.").with_existing().alias(&["vpc_endpoint_ids", "vpc_endpoint"]),
        Field::new("type", Kind::OneOf(&["rest", "http"]), "`rest`: HTTP (v2) APIs cannot carry resource policies.").default("\"rest\"").with_existing().alias(&["protocol", "protocol_type"]),
        Field::new("credentials", Kind::Text, "The role under which routes call Lambda and SQS, of the stack or by its ARN; without it, one is made where it is needed.").alias(&["role", "invoke_role"]),
        Field::new("binary_media_types", Kind::OneOrMany(&Kind::Text), "Media types passed on as bytes."),
        Field::new("minimum_compression", Kind::Bytes(0, 10_485_760), "The smallest body that is compressed.").alias(&["minimum_compression_size"]),
        Field::new("disable_execute_api", Kind::Flag, "Switch the `execute-api` host name off, when a custom domain serves the API.").default("false").alias(&["disable_execute_api_endpoint"]),
        Field::new("tags", Kind::Map(&Kind::Text), "Its tags, and its stage's."),
        Field::new("exclusive", Kind::Flag, "Remove statements of its resource policy that this stack does not declare.").default("false").with_existing(),
    ],
    one_of: &[],
};

const STAGE: Shape = Shape {
    noun: "stage",
    doc: "An API's stage. A text is the name alone.",
    fields: &[
        Field::new(
            "name",
            Kind::Text,
            "The name: the first segment of the URL. Changing it replaces the stage.",
        )
        .default("\"live\""),
        Field::new("description", Kind::Text, "What the stage is for."),
        Field::new("variables", Kind::Map(&Kind::Text), "Stage variables."),
        Field::new(
            "rate",
            Kind::Number(0.0),
            "The steady rate over all methods, in requests a second.",
        )
        .alias(&["throttling_rate_limit", "rate_limit"]),
        Field::new(
            "burst",
            Kind::Whole(0, 2_147_483_647),
            "The burst over all methods, in requests.",
        )
        .alias(&["throttling_burst_limit", "burst_limit"]),
        Field::new(
            "log_level",
            Kind::OneOf(&["off", "error", "info"]),
            "Execution logs. API Gateway needs a CloudWatch role in the account for them.",
        )
        .default("\"off\"")
        .alias(&["logging", "logging_level"]),
        Field::new(
            "data_trace",
            Kind::Flag,
            "Execution logs hold whole requests.",
        )
        .default("false"),
        Field::new("metrics", Kind::Flag, "Keep detailed metrics.")
            .default("false")
            .alias(&["metrics_enabled"]),
        Field::new("tracing", Kind::Flag, "X-Ray traces.")
            .default("false")
            .alias(&["xray", "tracing_enabled"]),
        Field::new(
            "access_log",
            Kind::Table(&ACCESS_LOG),
            "Where access logs go.",
        )
        .alias(&["access_logs", "access_log_settings"]),
    ],
    one_of: &[],
};

const ACCESS_LOG: Shape = Shape {
    noun: "access log",
    doc: "Access logs of a stage.",
    fields: &[
        Field::new("destination", Kind::Text, "ARN of the log group, or of the Firehose delivery stream (`amazon-apigateway-…`).").required().alias(&["destination_arn", "arn", "log_group"]),
        Field::new("format", Kind::Text, "A line's format, with `$context` variables; `$context.requestId` or `$context.extendedRequestId` must be among them.").default("\"$context.requestId $context.identity.userArn $context.httpMethod $context.resourcePath $context.status\""),
    ],
    one_of: &[],
};

/// What accesses must know of an API.
pub(super) struct Known {
    pub(super) endpoint: Option<Endpoint>,
    pub(super) vpc_endpoints: Vec<String>,
    /// The routes; `None` when they cannot be known.
    pub(super) routes: Option<Vec<Spanned<RouteKey>>>,
    /// Where the routes are written.
    key: Span,
}

/// Finds where each API stands.
pub(super) fn place(checker: &mut Checker<'_>, declared: &[Declared<'_>]) {
    let mut taken: BTreeMap<(String, String, String), (String, Span)> = BTreeMap::new();
    for it in declared {
        let Some(account) = checker.account_of(it) else {
            continue;
        };
        if let Some(id) = it.fields.text("existing") {
            let place = &account.place;
            let unique = (
                place.id.to_string(),
                place.region.to_string(),
                id.value.to_owned(),
            );
            if let Some((first, span)) = taken.get(&unique) {
                checker.report(
                    Diagnostic::new(
                        Code::Duplicate,
                        id.span,
                        format!("apis `{first}` and `{}` are one API", it.name),
                        "the same id",
                    )
                    .and(*span, format!("api `{first}`"))
                    .help("declare it once"),
                );
            } else {
                taken.insert(unique, (it.name.to_owned(), id.span));
            }
        }
        let standing = Standing {
            id: account.place.id.clone(),
            region: account.place.region.clone(),
            partition: account.place.partition(),
            account: Some(account.place.account),
            arn: None,
            fifo: false,
            existing: it.fields.is_written("existing"),
            key: it.key,
        };
        checker
            .standings
            .insert((Noun::Api, it.name.to_owned()), standing);
    }
}

/// The APIs that have no fault, and what is known of the others.
pub(super) fn apis(
    checker: &mut Checker<'_>,
    declared: &[Declared<'_>],
    accesses: &[Spanned<Item>],
) -> (BTreeMap<String, Api>, BTreeMap<String, Known>) {
    let mut apis = BTreeMap::new();
    let mut all = BTreeMap::new();
    for it in declared {
        let (api, known) = api(checker, it, accesses);
        if let Some(api) = api {
            apis.insert(it.name.to_owned(), api);
        }
        all.insert(it.name.to_owned(), known);
    }
    (apis, all)
}

fn api(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
    accesses: &[Spanned<Item>],
) -> (Option<Api>, Known) {
    let fields = it.fields;
    fields.check_existing(&mut checker.faults);
    check_type(checker, it, accesses);
    check_name(checker, it);
    let standing = checker.standing(Noun::Api, it.name).cloned();
    let endpoint = endpoint(fields);
    let vpc_endpoints = vpc_endpoints(checker, it, endpoint);
    let (surface, routes) = surface(checker, it, standing.as_ref(), endpoint);
    let stage = stage(checker, it, standing.as_ref());
    let credentials = fields.text("credentials").and_then(|text| {
        integrations::credentials(checker, text, &fields.owner, standing.as_ref())
    });
    check_texts(checker, it);
    let tags = checker.tags_of(it);
    check_tag_names(checker, it);
    let existing = fields
        .text("existing")
        .and_then(|it| existing_id(checker, it, standing.as_ref()));
    let known = Known {
        endpoint,
        vpc_endpoints: vpc_endpoints.iter().cloned().collect(),
        routes,
        key: fields
            .key_of("routes")
            .or(fields.key_of("openapi"))
            .unwrap_or(it.key),
    };
    let api = standing.zip(surface).and_then(|(standing, surface)| {
        Some(Api {
            account: standing.account?,
            name: fields
                .text("name")
                .map_or(it.name, |it| it.value)
                .to_owned(),
            existing,
            description: fields.text_or_empty("description"),
            endpoint: endpoint?,
            vpc_endpoints,
            surface,
            binary_media_types: texts(fields.list("binary_media_types"))
                .map(|it| it.value.to_owned())
                .collect(),
            minimum_compression: fields.whole("minimum_compression").map(|it| it.value),
            disable_execute_api: fields.flag("disable_execute_api"),
            credentials,
            stage,
            tags,
            exclusive: fields.flag("exclusive"),
        })
    });
    (api, known)
}

/// HTTP (v2) APIs: they would look right and let everyone of the account in.
fn check_type(checker: &mut Checker<'_>, it: &Declared<'_>, accesses: &[Spanned<Item>]) {
    let Some(text) = it.fields.text("type").filter(|text| text.value == "http") else {
        return;
    };
    let mut fault = Diagnostic::new(
        Code::Unsupported,
        text.span,
        format!(
            "{} is an HTTP API, and HTTP APIs cannot carry resource policies",
            it.fields.owner
        ),
        "API Gateway v2",
    );
    let target = format!("apis.{}", it.name);
    for access in accesses {
        if let Some(to) = access.fields().and_then(|it| it.text("to"))
            && to.value == target
        {
            fault = fault.and(to.span, "access to it is given here");
        }
    }
    checker.report(fault.help(
        "make it a REST API: remove `type`. Only REST APIs can say which roles of other accounts may call which route",
    ));
}

fn check_name(checker: &mut Checker<'_>, it: &Declared<'_>) {
    if let Some(text) = it.fields.text("name")
        && let Some(refusal) = names::API.refuses(text.value)
    {
        checker.report(refusal.at(&it.fields.owner, text.span));
    }
}

fn endpoint(fields: &Fields) -> Option<Endpoint> {
    match fields.text("endpoint").map(|it| it.value) {
        Some("edge") => Some(Endpoint::Edge),
        Some("private") => Some(Endpoint::Private),
        None if fields.is_written("endpoint") => None,
        _ => Some(Endpoint::Regional),
    }
}

fn vpc_endpoints(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
    endpoint: Option<Endpoint>,
) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for text in texts(it.fields.list("vpc_endpoints")) {
        if principals::vpc_endpoint(checker, text.clone()) {
            found.insert(text.value.to_owned());
        }
    }
    let written = it.fields.key_of("vpc_endpoints");
    match (endpoint, written) {
        (Some(Endpoint::Private), _) if it.fields.list("vpc_endpoints").is_empty() => {
            if written.is_none() && it.fields.is_written("vpc_endpoints") {
                return found;
            }
            let at = it.fields.get("endpoint").map_or(it.key, |it| it.span);
            checker.report(
                Diagnostic::new(
                    Code::Missing,
                    written.unwrap_or(at),
                    format!("{} is private, and nobody could reach it", it.fields.owner),
                    "no `vpc_endpoints`",
                )
                .help("add `vpc_endpoints = [\"vpce-…\"]`: a private API is reached through VPC endpoints only"),
            );
        }
        (Some(other @ (Endpoint::Regional | Endpoint::Edge)), Some(key)) => {
            let fault = Diagnostic::new(
                Code::Conflict,
                key,
                format!(
                    "{} is not private, and has `vpc_endpoints`",
                    it.fields.owner
                ),
                format!("this API is {}", other.as_str().to_lowercase()),
            );
            let fault = match it.fields.get("endpoint") {
                Some(item) => fault.and(item.span, "said here"),
                None => fault,
            };
            checker.report(
                fault.help("add `endpoint = \"private\"`, or remove `vpc_endpoints`: only private APIs are tied to them"),
            );
        }
        _ => {}
    }
    found
}

type Routes = Option<Vec<Spanned<RouteKey>>>;

fn surface(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
    standing: Option<&Standing>,
    endpoint: Option<Endpoint>,
) -> (Option<Surface>, Routes) {
    let fields = it.fields;
    if fields.is_written("existing") {
        let public = public(checker, fields, None);
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
        (false, true) => open_api(checker, fields),
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
    if whole && entries.is_empty() {
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
    let written = checker.count_of_routes(it.name);
    whole &= written == keys.len();
    (Some(Surface::Routes(found)), whole.then_some(keys))
}

fn open_api(checker: &mut Checker<'_>, fields: &Fields) -> (Option<Surface>, Routes) {
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
    match openapi::read(&text) {
        Ok(found) => {
            let routes: Vec<Spanned<RouteKey>> = found
                .routes
                .into_iter()
                .map(|it| Spanned::new(it, path.span))
                .collect();
            routes::check_siblings(checker, &fields.owner, &routes);
            let public = public(checker, fields, Some(&routes));
            let surface = Surface::OpenApi {
                document: found.document,
                public,
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

fn public(
    checker: &mut Checker<'_>,
    fields: &Fields,
    served: Option<&[Spanned<RouteKey>]>,
) -> BTreeSet<RouteKey> {
    let mut found = BTreeSet::new();
    for text in texts(fields.list("public")) {
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
            let names: Vec<String> = served.iter().map(|it| it.value.to_string()).collect();
            let fault = Diagnostic::new(
                Code::Route,
                text.span,
                format!("{} has no route `{}`", fields.owner, text.value),
                "not in its document",
            );
            checker.report(
                match nearest(text.value, names.iter().map(String::as_str)) {
                    Some(meant) => {
                        fault.fix("a like route exists", text.span, format!("\"{meant}\""))
                    }
                    None => fault.help(some_of(&names)),
                },
            );
        }
        found.insert(route);
    }
    found
}

/// The routes, or the first few of many.
fn some_of(names: &[String]) -> String {
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
    let names: Vec<String> = served.iter().map(|it| it.value.to_string()).collect();
    if let Some(meant) = nearest(text.value, names.iter().map(String::as_str)) {
        let at = served
            .iter()
            .find(|it| it.value.to_string() == meant)
            .map_or(known.key, |it| it.span);
        return Some(fault.and(at, format!("a like route: `{meant}`")).fix(
            "a like route exists",
            text.span,
            format!("\"{meant}\""),
        ));
    }
    Some(fault.and(known.key, "its routes").help(some_of(&names)))
}

fn existing_id(
    checker: &mut Checker<'_>,
    text: Spanned<&str>,
    standing: Option<&Standing>,
) -> Option<String> {
    let mut id = text.value;
    if id.starts_with("arn:") {
        let arn = checker.arn(text.clone(), "apigateway", "a REST API's id or ARN")?;
        if let Some(standing) = standing
            && arn.region() != standing.region.as_str()
        {
            checker.report(
                Diagnostic::new(
                    Code::Place,
                    text.span,
                    format!("`{arn}` is not in the region of its account"),
                    format!("in {}", arn.region()),
                )
                .and(standing.key, format!("in {}", standing.region))
                .help("name the account that stands in the API's region"),
            );
            return None;
        }
        id = text.value.rsplit_once("/restapis/").map_or("", |it| it.1);
    }
    let right = !id.is_empty()
        && id
            .bytes()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit());
    if !right {
        checker.report(
            Diagnostic::new(
                Code::Name,
                text.span,
                format!("`{}` is not a REST API's id", text.value),
                "not lower-case letters and digits",
            )
            .help("`aws apigateway get-rest-apis` shows them: `a1b2c3d4e5`"),
        );
        return None;
    }
    Some(id.to_owned())
}

fn check_texts(checker: &mut Checker<'_>, it: &Declared<'_>) {
    if let Some(text) = it.fields.text("description")
        && text.value.chars().count() > 1024
    {
        checker.report(
            Diagnostic::new(
                Code::OutOfRange,
                text.span,
                format!("`description` of {} is too long", it.fields.owner),
                format!("{} characters", text.value.chars().count()),
            )
            .help("at most 1024 characters"),
        );
    }
    for text in texts(it.fields.list("binary_media_types")) {
        if !text.value.contains('/') {
            checker.report(
                Diagnostic::new(
                    Code::Name,
                    text.span,
                    format!("`{}` is not a media type", text.value),
                    "has no `/`",
                )
                .help("write it as `image/png`; everything is `*/*`"),
            );
        }
    }
}

/// API Gateway takes fewer characters in names of tags than the other services.
fn check_tag_names(checker: &mut Checker<'_>, it: &Declared<'_>) {
    let bad = |key: &str| {
        key.chars()
            .find(|it| matches!(it, ' ' | '@') || !it.is_ascii())
    };
    let own: Vec<(String, Span)> = it
        .fields
        .map("tags")
        .iter()
        .map(|(key, _)| (key.value.clone(), key.span))
        .collect();
    let stack: Vec<(String, Span)> = checker
        .tags
        .iter()
        .filter(|_| !it.fields.is_written("existing"))
        .map(|(key, _)| (key.value.clone(), key.span))
        .collect();
    for (key, span) in own.into_iter().chain(stack) {
        if let Some(bad) = bad(&key) {
            let fault = Diagnostic::new(
                Code::Name,
                span,
                format!("{} cannot have the tag `{key}`", it.fields.owner),
                format!("API Gateway takes no `{bad}` in a tag's name"),
            );
            checker.report(
                fault
                    .and(it.key, "an API")
                    .help("a tag's name has letters, digits and `+-=._:/` there"),
            );
        }
    }
}

fn stage(checker: &mut Checker<'_>, it: &Declared<'_>, standing: Option<&Standing>) -> Stage {
    let item = it.fields.get("stage");
    let fields = item.and_then(Spanned::fields);
    let name = match fields {
        Some(fields) => fields.text("name"),
        None => it.fields.text("stage"),
    };
    if let Some(text) = &name
        && let Some(refusal) = names::STAGE.refuses(text.value)
    {
        checker.report(refusal.at(&it.fields.owner, text.span));
    }
    let mut stage = Stage {
        name: name.map_or("live", |it| it.value).to_owned(),
        description: String::new(),
        variables: BTreeMap::new(),
        tracing: false,
        rate: None,
        burst: None,
        log_level: LogLevel::Off,
        data_trace: false,
        metrics: false,
        access_log: None,
    };
    let Some(fields) = fields else { return stage };
    if it.fields.is_written("existing") {
        for field in STAGE.fields.iter().filter(|it| it.name != "name") {
            if let Some(key) = fields.key_of(field.name) {
                checker.report(
                    Diagnostic::new(
                        Code::Conflict,
                        key,
                        format!("`{}` cannot be set on an existing api's stage", field.name),
                        "describes the stage itself",
                    )
                    .help("of an existing API only the stage's name is needed: `stage = \"…\"`"),
                );
            }
        }
    }
    stage.description = fields.text_or_empty("description");
    stage.tracing = fields.flag("tracing");
    stage.rate = fields.number("rate");
    stage.burst = fields.whole("burst").map(|it| it.value);
    stage.log_level = match fields.text_or_default("log_level") {
        "info" => LogLevel::Info,
        "error" => LogLevel::Error,
        _ => LogLevel::Off,
    };
    stage.data_trace = fields.flag("data_trace");
    stage.metrics = fields.flag("metrics");
    stage.variables = variables(checker, fields);
    stage.access_log = fields
        .fields("access_log")
        .and_then(|it| access_log(checker, it, standing));
    if let (true, LogLevel::Off, Some(key)) = (
        stage.data_trace,
        stage.log_level,
        fields.key_of("data_trace"),
    ) {
        checker.report(
            Diagnostic::new(
                Code::Conflict,
                key,
                format!(
                    "{} logs nothing, and would hold whole requests",
                    fields.owner
                ),
                "there are no execution logs",
            )
            .help("add `log_level = \"info\"`, or remove `data_trace`"),
        );
    }
    stage
}

fn variables(checker: &mut Checker<'_>, fields: &Fields) -> BTreeMap<String, String> {
    let entries = fields.map("variables");
    let mut found = BTreeMap::new();
    for (key, value) in entries {
        let Some(text) = value.text() else { continue };
        if let Some(refusal) = names::VARIABLE.refuses(&key.value) {
            checker.report(refusal.at(&fields.owner, key.span));
        }
        if let Some(refusal) = names::VARIABLE_VALUE.refuses(text) {
            checker.report(refusal.at(&fields.owner, value.span));
        }
        found.insert(key.value.clone(), text.to_owned());
    }
    if entries.len() > 100
        && let Some(key) = fields.key_of("variables")
    {
        checker.report(
            Diagnostic::new(
                Code::OutOfRange,
                key,
                format!("{} has {} variables", fields.owner, entries.len()),
                "API Gateway takes 100",
            )
            .help("keep 100"),
        );
    }
    found
}

fn access_log(
    checker: &mut Checker<'_>,
    fields: &Fields,
    standing: Option<&Standing>,
) -> Option<(Arn, String)> {
    let text = fields.text("destination")?;
    let span = text.span;
    let wrong = match Arn::parse(text.value) {
        Ok(arn) if !matches!(arn.service(), "logs" | "firehose") => {
            Some("neither CloudWatch Logs nor Firehose")
        }
        Ok(arn)
            if arn.service() == "firehose"
                && !arn
                    .resource()
                    .starts_with("deliverystream/amazon-apigateway-") =>
        {
            Some("a stream's name must begin with `amazon-apigateway-`")
        }
        Ok(_) => None,
        Err(_) => Some("not an ARN"),
    };
    if let Some(label) = wrong {
        checker.report(
            Diagnostic::new(
                Code::WrongType,
                span,
                format!("access logs cannot go to `{}`", text.value),
                label,
            )
            .help("write the ARN of a log group, or of a Firehose delivery stream"),
        );
        return None;
    }
    let format = fields.text_or_default("format").to_owned();
    if !format.contains("$context.requestId") && !format.contains("$context.extendedRequestId") {
        let at = fields.get("format").map_or(span, |it| it.span);
        checker.report(
            Diagnostic::new(
                Code::WrongType,
                at,
                "a line of access logs must say which request it is of",
                "no `$context.requestId`",
            )
            .help("API Gateway asks for `$context.requestId` or `$context.extendedRequestId` in the format"),
        );
    }
    let arn = Arn::parse(text.value).ok()?;
    if let Some(standing) = standing {
        checker.check_partition(Spanned::new(&arn, span), standing.partition, "the API");
    }
    Some((arn, format))
}
