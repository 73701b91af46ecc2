//! `[apis.NAME]`: a REST API.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html>.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Address, KindName};

use super::accept::{ACCEPT, accept};
use super::checker::{Checker, Declared, Noun, Standing, texts};
use super::diagnostic::{Code, Diagnostic, Span};
use super::fields::{Fields, Item};
use super::integrations::ROUTE;
use super::openapi::LONGEST_DESCRIPTION;
use super::shape::{Field, Kind, Shape};
use super::stages::{self, STAGE};
use super::surfaces;
use super::surfaces::Known;
use super::syntax::Spanned;
use super::{Access, Api, Endpoint, Target, WrittenStatement, names, passed, principals};

pub(super) const API: Shape = Shape {
    noun: "api",
    doc: "A REST API with one stage. Every route asks for a signed request (AWS_IAM) unless it says `public = true`.",
    fields: &[
        Field::new("account", Kind::Text, "The account, by its name in the stack; may be left out when there is only one.").with_existing(),
        Field::new("routes", Kind::Map(&Kind::Table(&ROUTE)), "What it serves: a route such as `\"GET /orders/{id}\"`, and what it does."),
        Field::new("stage", Kind::Either(&[Kind::Text, Kind::Table(&STAGE)]), "The stage, by its name alone or with its settings.").default("\"live\"").with_existing().alias(&["stage_name", "stages"]),
        Field::new("openapi", Kind::Text, "Instead of `routes`: the path of an OpenAPI document, YAML or JSON.").alias(&["spec", "swagger", "body"]),
        Field::new("existing", Kind::Text, "The id of an API that something else makes: then only this stack's statements and its authorizers are managed.").with_existing().alias(&["api_id", "rest_api_id"]),
        Field::new("public", Kind::OneOrMany(&Kind::Text), "With `openapi`: the routes that anyone may call. With `existing`: routes whose authorizers stay as they are, though an access names them.").with_existing(),
        Field::new("keep_authorizer", Kind::OneOrMany(&Kind::Text), "With `openapi`: the routes that keep the Cognito or Lambda authorizer of the document; all others get AWS_IAM."),
        Field::new("name", Kind::Text, "The API's name; without it, the table's."),
        Field::new("description", Kind::Text, "What the API is for."),
        Field::new("endpoint", Kind::OneOf(&["regional", "edge", "private"]), "Who can reach it: anyone in the region's own way, through CloudFront, or only through VPC endpoints.").default("\"regional\"").with_existing().alias(&["endpoint_type"]),
        Field::new("vpc_endpoints", Kind::OneOrMany(&Kind::Pattern("^vpce-[0-9a-f]+$")), "The VPC endpoints of a private API: each gets a DNS name for it, and calls through any other are denied. Without it, calls through every endpoint are held against the accesses.").with_existing().alias(&["vpc_endpoint_ids", "vpc_endpoint"]),
        Field::new("type", Kind::OneOf(&["rest", "http"]), "`rest`: HTTP (v2) APIs cannot carry resource policies.").default("\"rest\"").with_existing().alias(&["protocol", "protocol_type"]),
        Field::new("credentials", Kind::Text, "The role under which routes call Lambda and SQS, of the stack or by its ARN; without it, one is made where it is needed.").alias(&["role", "invoke_role"]),
        Field::new("binary_media_types", Kind::OneOrMany(&Kind::Text), "Media types passed on as bytes."),
        Field::new("minimum_compression", Kind::Bytes(0, 10_485_760), "The smallest body that is compressed.").alias(&["minimum_compression_size"]),
        Field::new("disable_execute_api", Kind::Flag, "Switch the `execute-api` host name off, when a custom domain serves the API.").default("false").alias(&["disable_execute_api_endpoint"]),
        Field::new("tags", Kind::Map(&Kind::Text), "Its tags, and its stage's."),
        Field::new("tls_only", Kind::Flag, "Refuse every request that does not come over TLS.").default("false").with_existing().alias(&["enforce_ssl", "enforce_tls", "ssl_only", "https_only"]),
        Field::new("exclusive", Kind::Flag, "Remove statements of its resource policy that this stack does not declare.").default("false"),
        ACCEPT,
    ],
    one_of: &[],
};

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
    accept(checker, it, KindName::RestApi);
    fields.check_existing(&mut checker.faults);
    check_type(checker, it, accesses);
    check_name(checker, it);
    let standing = checker.standing(Noun::Api, it.name).cloned();
    let endpoint = endpoint(fields);
    check_edge(checker, it, standing.as_ref());
    let vpc_endpoints = vpc_endpoints(checker, it, endpoint);
    let (surface, routes) = surfaces::surface(checker, it, standing.as_ref(), endpoint);
    let stage = stages::stage(checker, it, standing.as_ref());
    let credentials = fields.text("credentials").and_then(|text| {
        passed::passed(
            checker,
            text,
            &fields.owner,
            standing.as_ref(),
            passed::API_GATEWAY,
        )
    });
    check_texts(checker, it);
    let tags = names::tags_of(checker, it);
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
            tls_only: fields.flag("tls_only"),
            exclusive: fields.flag("exclusive"),
            document_at: fields.key_of("openapi").map(|it| checker.written_at(it)),
            written_at: surfaces::open_routes(fields)
                .into_iter()
                .map(|(route, span)| (route, checker.written_at(span)))
                .collect(),
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

/// Reports an edge-optimized API in a partition that has none.
fn check_edge(checker: &mut Checker<'_>, it: &Declared<'_>, standing: Option<&Standing>) {
    let edge = it.fields.text("endpoint").filter(|it| it.value == "edge");
    if let (Some(text), Some(standing)) = (edge, standing)
        && !standing.partition.has_edge_apis()
    {
        checker.report(
            Diagnostic::new(
                Code::Unsupported,
                text.span,
                format!("{} cannot be edge-optimized", it.fields.owner),
                "Endpoint Configuration type EDGE is not supported in this region",
            )
            .and(
                standing.key,
                format!("in {}, partition `{}`", standing.region, standing.partition),
            )
            .help("only the commercial regions have edge-optimized APIs: write `endpoint = \"regional\"`"),
        );
    }
}

fn vpc_endpoints(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
    endpoint: Option<Endpoint>,
) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for text in texts(it.fields.list("vpc_endpoints")) {
        if principals::vpc_endpoint(checker, text) {
            found.insert(text.value.to_owned());
        }
    }
    let written = it.fields.key_of("vpc_endpoints");
    if let (Some(other @ (Endpoint::Regional | Endpoint::Edge)), Some(key)) = (endpoint, written) {
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
    found
}

/// Warns of private APIs that nothing in a stack gives a resource policy: AWS deploys none of them.
///
/// It is no fault, for others may have put statements into the policy of an API that is there; the plan knows.
pub(super) fn check_private(
    checker: &mut Checker<'_>,
    declared: &[Declared<'_>],
    apis: &BTreeMap<String, Api>,
    access: &[Access],
    statements: &[WrittenStatement],
) {
    for it in declared {
        let Some(api) = apis.get(it.name) else {
            continue;
        };
        let has_access = access
            .iter()
            .any(|access| matches!(&access.to, Target::Api { name, .. } if name == it.name));
        let address = Address::new(KindName::RestApi, it.name);
        let has_policy = has_access
            || api.tls_only
            || !api.vpc_endpoints.is_empty()
            || statements.iter().any(|it| it.on == address)
            || api.surface.has_policy();
        if api.endpoint != Endpoint::Private || api.existing.is_some() || has_policy {
            continue;
        }
        let span = it.fields.get("endpoint").map_or(it.key, |it| it.span);
        checker.warnings.push(
            Diagnostic::new(
                Code::Missing,
                span,
                format!("{} lets no caller in", it.fields.owner),
                "it is private, and nothing here gives it the resource policy that AWS asks for",
            )
            .help(format!(
                "add an `[[access]]` with `to = \"apis.{}\"`, or write `vpc_endpoints` in [apis.{}]",
                it.name, it.name
            )),
        );
    }
}

fn existing_id(
    checker: &mut Checker<'_>,
    text: Spanned<&str>,
    standing: Option<&Standing>,
) -> Option<String> {
    let mut id = text.value;
    if id.starts_with("arn:") {
        let arn = checker.arn(text, "apigateway", "a REST API's id or ARN")?;
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
    if names::API_ID.refuses(id).is_some() {
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
        && text.value.chars().count() > LONGEST_DESCRIPTION
    {
        checker.report(
            Diagnostic::new(
                Code::OutOfRange,
                text.span,
                format!("`description` of {} is too long", it.fields.owner),
                format!("{} characters", text.value.chars().count()),
            )
            .help(format!("at most {LONGEST_DESCRIPTION} characters")),
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

#[cfg(test)]
mod tests {
    use super::super::testing::{faults, faults_of, stack};

    #[test]
    fn an_api_serves_something() {
        snapbox::assert_data_eq!(
            faults("[apis.a]\n"),
            snapbox::str![[r#"
E0103: api `a` serves nothing [neither `routes` nor `openapi`] help: add `[apis.a.routes]` and under it `"GET /…" = { http = "https://…" }`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[apis.a.routes]\n"),
            snapbox::str![[r#"
E0103: api `a` serves nothing [no route] help: a REST API without methods cannot be deployed: add `"GET /…" = { http = "https://…" }`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[apis.a]\nopenapi = \"orders.yaml\"\n[apis.a.routes]\n\"GET /\" = { mock = 200 }\n"
            ),
            snapbox::str![[r#"
E0105: api `a` has routes and an OpenAPI document [the document says what it serves | and so do these] help: keep one of them

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[apis.a]\nopenapi = \"missing.yaml\"\n"),
            snapbox::str![[r#"
E0401: cannot read `missing.yaml`, the document of api `a` [no such file] help: the path is seen from the stack's own folder

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[apis.a]\nopenapi = \"bare.yaml\"\n"),
            snapbox::str![[r#"
E0401: API Gateway cannot import `bare.yaml` [`GET /orders` has no `x-amazon-apigateway-integration`: it could not be deployed] help: the document is OpenAPI 3.0 or Swagger 2.0, each operation with its `x-amazon-apigateway-integration`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[apis.a]\nopenapi = \"orders.yaml\"\npublic = [\"GET /helth\", \"GET /x/y/z\", \"get /health\"]\n"
            ),
            snapbox::str![[r#"
E0301: api `a` has no route `GET /helth` [not in its document] a like route exists: "GET /health"
E0301: api `a` has no route `GET /x/y/z` [not in its document] help: its routes are `GET /health` and `GET /orders/{id}`
E0301: `get /health` has no method that API Gateway serves [`get` is no method] write it so: "GET /health"

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[apis.a]\npublic = \"GET /\"\n[apis.a.routes]\n\"GET /\" = { mock = 200 }\n"),
            snapbox::str![[r#"
E0105: api `a` has its routes here, and `public` beside them [for `openapi` and `existing` only] help: write `public = true` at the route: `"GET /health" = { mock = 200, public = true }`

"#]]
        );
    }

    #[test]
    fn routes_stand_side_by_side() {
        snapbox::assert_data_eq!(
            faults(
                "[apis.a.routes]\n\"GET /a/{id}\" = { mock = 200 }\n\"POST /a/{name}/b\" = { mock = 200 }\n\"GET /b/{x+}\" = { mock = 200 }\n\"GET /b/{x}\" = { mock = 200 }\n"
            ),
            snapbox::str![[r#"
E0301: api `a` has two names for the parameter after `/a/` [`{name}` here | `{id}` here] help: API Gateway keeps one parameter at a place: give both the same name
E0301: api `a` has two names for the parameter after `/b/` [`{x}` here | `{x+}` here] help: API Gateway keeps one parameter at a place: give both the same name

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[apis.a.routes]\n\"get /a\" = { mock = 200 }\n\"GET /ping\" = { mock = 200 }\n\"GET /a{b}\" = { mock = 200 }\n\"GET /{p+}/x\" = { mock = 200 }\n\"/a\" = { mock = 200 }\n\"FETCH /a\" = { mock = 200 }\n"
            ),
            snapbox::str![[r#"
E0301: `get /a` has no method that API Gateway serves [`get` is no method] write it so: "GET /a"
E0301: `GET /ping` is a route that cannot exist [API Gateway keeps `/ping` for its own health checks] help: choose another path, such as `/health`
E0301: `GET /a{b}` is a route that cannot exist [in `a{b}` a parameter is not a whole segment] help: a parameter is all that stands between two `/`: `/orders/{id}`
E0301: `GET /{p+}/x` is a route that cannot exist [`{p+}` takes all that follows] help: `{p+}` stands last; one segment is `{p}`
E0301: `/a` is not a route [not a method and a path] write it so: "ANY /a"
E0301: `FETCH /a` has no method that API Gateway serves [`FETCH` is no method] help: methods are GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE, ANY

"#]]
        );
    }

    #[test]
    fn an_endpoint_and_its_vpc_endpoints_agree() {
        // A private API is reached through every endpoint that its policy lets in.
        assert_eq!(
            faults(
                "[apis.a]\nendpoint = \"private\"\n[apis.a.routes]\n\"GET /\" = { mock = 200 }\n"
            ),
            "no fault\n"
        );
        snapbox::assert_data_eq!(
            faults(
                "[apis.a]\nvpc_endpoints = \"vpce-0123\"\n[apis.a.routes]\n\"GET /\" = { mock = 200 }\n"
            ),
            snapbox::str![[r#"
E0105: api `a` is not private, and has `vpc_endpoints` [this API is regional] help: add `endpoint = "private"`, or remove `vpc_endpoints`: only private APIs are tied to them

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[apis.a]\nendpoint = \"edge\"\nvpc_endpoints = [\"vpc-1\"]\n[apis.a.routes]\n\"GET /\" = { http = \"https://a.example.com\", timeout = \"30s\" }\n"
            ),
            snapbox::str![[r#"
E0105: api `a` is not private, and has `vpc_endpoints` [this API is edge | said here] help: add `endpoint = "private"`, or remove `vpc_endpoints`: only private APIs are tied to them
E0203: `vpc-1` is not a VPC endpoint's id [not `vpce-` and hexadecimal digits] help: write it as `vpce-0a1b2c3d4e5f67890`
E0104: `timeout` of `GET /` is out of range [edge APIs wait 29s at most] help: write `"29s"` or less; regional and private APIs can be given more

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[apis.a]\nendpoint = \"privat\"\n[apis.a.routes]\n\"GET /\" = { mock = 200 }\n"
            ),
            snapbox::str![[r#"
E0102: `endpoint` of api `a` cannot be `privat` [no such choice] a like choice exists: "private"

"#]]
        );
    }

    #[test]
    fn a_private_api_without_a_resource_policy_is_warned_of() {
        let with = |field: &str, route: &str, rest: &str| {
            let stack = stack(&format!(
                "[apis.a]\nendpoint = \"private\"\n{field}\nroutes = {{ \"GET /\" = {{ mock = 200{route} }} }}\n{rest}"
            ));
            stack
                .warnings
                .map_or_else(String::new, |it| it.as_warnings(false))
        };
        snapbox::assert_data_eq!(
            with("", "", ""),
            snapbox::str![[r#"
warning[E0103]: api `a` lets no caller in
 --> shop.toml:7:12
  |
7 | endpoint = "private"
  |            ^^^^^^^^^ it is private, and nothing here gives it the resource policy that AWS asks for
  |
  = help: add an `[[access]]` with `to = "apis.a"`, or write `vpc_endpoints` in [apis.a]


"#]]
        );
        assert_eq!(with("tls_only = true", "", ""), "");
        assert_eq!(with("vpc_endpoints = \"vpce-0123abcd\"", "", ""), "");
        assert_eq!(with("", ", public = true", ""), "");
        let rest = "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\n[[access]]\nfrom = \"roles.r\"\nto = \"apis.a\"\nallow = \"GET /\"\n";
        assert_eq!(with("", "", rest), "");
        let statement = "[[statement]]\non = \"apis.a\"\nstatement = { Effect = \"Deny\", Principal = \"*\", Action = \"execute-api:Invoke\", Condition = { StringNotEquals = { \"aws:SourceVpc\" = \"vpc-0123abcd\" } } }\n";
        assert_eq!(with("", "", statement), "");
    }

    #[test]
    fn an_http_api_cannot_carry_a_resource_policy() {
        snapbox::assert_data_eq!(
            faults(
                "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\n[apis.a]\ntype = \"http\"\n[apis.a.routes]\n\"GET /\" = { mock = 200 }\n[[access]]\nfrom = \"roles.r\"\nto = \"apis.a\"\nallow = \"GET /\"\n"
            ),
            snapbox::str![[r#"
E0304: api `a` is an HTTP API, and HTTP APIs cannot carry resource policies [API Gateway v2 | access to it is given here] help: make it a REST API: remove `type`. Only REST APIs can say which roles of other accounts may call which route

"#]]
        );
    }

    #[test]
    fn a_stage_keeps_within_what_api_gateway_takes() {
        snapbox::assert_data_eq!(
            faults("[apis.a]\nstage = \"a.b\"\n[apis.a.routes]\n\"GET /\" = { mock = 200 }\n"),
            snapbox::str![[r#"
E0203: api `a` cannot have the stage name `a.b` [`.` cannot stand here] help: 1 to 128 letters, digits, `-` and `_`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[apis.a]\nstage = { rate = -1, burst = 1.5, variables = { \"a-b\" = \"x y\" }, data_trace = true }\n[apis.a.routes]\n\"GET /\" = { mock = 200 }\n"
            ),
            snapbox::str![[r#"
E0104: `rate` of `stage` of api `a` is out of range [must be 0 or more]
E0102: `burst` of `stage` of api `a` has the wrong type [this is a number with a fraction] help: write a whole number from 0 to 2147483647
E0203: `stage` of api `a` cannot have the stage variable name `a-b` [`-` cannot stand here] help: 1 to 64 letters, digits and `_`
E0203: `stage` of api `a` cannot have the stage variable value `x y` [a space cannot stand here] help: at most 512 letters, digits and `-._~:/?#&=,`
E0105: `stage` of api `a` logs nothing, and would hold whole requests [there are no execution logs] help: add `log_level = "info"`, or remove `data_trace`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[apis.a]\nstage = { access_log = { destination = \"arn:aws:s3:::x\" } }\n[apis.a.routes]\n\"GET /\" = { mock = 200 }\n"
            ),
            snapbox::str![[r#"
E0102: access logs cannot go to `arn:aws:s3:::x` [neither CloudWatch Logs nor Firehose] help: write the ARN of a log group, or of a Firehose delivery stream

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[apis.a]\nstage = { access_log = { destination = \"arn:aws:logs:eu-west-1:111111111111:log-group:x\", format = \"$context.status\" } }\n[apis.a.routes]\n\"GET /\" = { mock = 200 }\n"
            ),
            snapbox::str![[r#"
E0102: a line of access logs must say which request it is of [no `$context.requestId`] help: API Gateway asks for `$context.requestId` or `$context.extendedRequestId` in the format

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[apis.a]\ntags = { \"a!\" = \"c d\", \"a b\" = \"c&d\" }\nbinary_media_types = \"png\"\n[apis.a.routes]\n\"GET /\" = { mock = 200 }\n"
            ),
            snapbox::str![[r#"
E0203: api `a` cannot have the tag `a!` [`!` cannot stand in a tag's name] help: write letters, digits, spaces and `_.:/=+-@`
E0203: tag `a b` of api `a` cannot have this value [`&` cannot stand in a tag's value] help: write at most 256 letters, digits, spaces and `_.:/=+-@`
E0203: `png` is not a media type [has no `/`] help: write it as `image/png`; everything is `*/*`

"#]]
        );
    }

    #[test]
    fn an_existing_api_is_described_by_its_maker() {
        snapbox::assert_data_eq!(
            faults(
                "[apis.a]\nexisting = \"a1b2c3d4e5\"\nstage = \"prod\"\npublic = \"GET /health\"\n"
            ),
            snapbox::str![[r#"
no fault

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[apis.a]\nexisting = \"A1\"\n"),
            snapbox::str![[r#"
E0203: `A1` is not a REST API's id [not lower-case letters and digits] help: `aws apigateway get-rest-apis` shows them: `a1b2c3d4e5`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[apis.a]\nexisting = \"a1b2c3d4e5\"\nstage = { name = \"prod\", rate = 5 }\ndescription = \"x\"\n"
            ),
            snapbox::str![[r#"
E0105: `rate` cannot be set on an existing api's stage [describes the stage itself] help: of an existing API only the stage's name is needed: `stage = "…"`
E0105: `description` cannot be set on an existing api [describes the api itself | something else made it, and keeps it] help: remove `description`; or remove `existing`, and the api becomes this stack's own

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[apis.a]\nexisting = \"arn:aws:apigateway:us-east-1::/restapis/a1b2c3d4e5\"\n"),
            snapbox::str![[r#"
E0303: `arn:aws:apigateway:us-east-1::/restapis/a1b2c3d4e5` is not in the region of its account [in us-east-1 | in eu-west-1] help: name the account that stands in the API's region

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[apis.a]\nexisting = \"a1b2c3d4e5\"\n[apis.b]\nexisting = \"a1b2c3d4e5\"\n"),
            snapbox::str![[r#"
E0202: apis `a` and `b` are one API [the same id | api `a`] help: declare it once

"#]]
        );
    }

    #[test]
    fn an_edge_optimized_api_is_in_a_commercial_region() {
        let edge = |region: &str| {
            faults_of(&format!(
                "[accounts.a]\nid = \"111111111111\"\nregion = \"{region}\"\n[apis.x]\nendpoint = \"edge\"\nroutes = {{ \"GET /x\" = {{ mock = 200 }} }}\n"
            ))
        };
        snapbox::assert_data_eq!(
            edge("us-gov-west-1"),
            snapbox::str![[r#"
E0304: api `x` cannot be edge-optimized [Endpoint Configuration type EDGE is not supported in this region | in us-gov-west-1, partition `aws-us-gov`] help: only the commercial regions have edge-optimized APIs: write `endpoint = "regional"`

"#]]
        );
        for region in ["cn-north-1", "eusc-de-east-1", "us-iso-east-1"] {
            assert!(
                edge(region).starts_with("E0304: api `x` cannot be edge-optimized"),
                "{region}"
            );
        }
        assert_eq!(edge("eu-south-1"), "no fault\n");
    }
}
