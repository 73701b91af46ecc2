//! An author's API to AWS's nouns: the REST API, its stage, and what its integrations may do.
//!
//! Always true of what comes out: every method of an owned API has `AWS_IAM` unless its
//! route is public, every path parameter that a URL names is mapped, and what the
//! integration role may do names the functions and queues, nothing wider.

pub mod reach;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::cloud::apigateway::{AccessLog, IntegrationRecord, IntegrationResponseRecord};
use crate::kinds::rest_api::{Method, Methods, method, openapi};
use crate::kinds::stage::settings;
use crate::kinds::{RestApi, Stage};
use crate::model::{Address, Arn, Place, velocity};
use crate::policy::{Clause, Document, PolicyError, PrincipalClause, Statement, own};
use crate::stack::{self, Endpoint, Integration, QueueRef, Route, RouteKey, RouteRole, Surface};

pub use reach::{Reach, invoke_resources, matches, reach};

/// The REST API that an author's API becomes.
///
/// `policy` are our statements of the resource policy. `credentials` gives the role that
/// integrations use: the one a route names, the API's own, or none. `queue_arn` resolves a queue.
pub fn rest_api(
    api: &stack::Api,
    place: &Place,
    policy: Vec<Statement>,
    credentials: impl Fn(&RouteRole) -> Option<Arn>,
    queue_arn: impl Fn(&QueueRef) -> Arn,
) -> RestApi {
    let mut wanted = RestApi {
        name: api.name.clone(),
        existing: api.existing.clone(),
        description: api.description.clone(),
        endpoint: api.endpoint,
        vpc_endpoints: api.vpc_endpoints.clone(),
        binary_media_types: api.binary_media_types.clone(),
        minimum_compression: api.minimum_compression,
        api_key_source: "HEADER".to_owned(),
        disable_execute_api: api.disable_execute_api,
        policy: Document::of(policy),
        methods: Methods::new(),
        version: None,
        updating: false,
        owes: BTreeSet::new(),
        public: BTreeSet::new(),
        source: None,
        source_digest: None,
        closed_stage: None,
        tags: api.tags.clone(),
    };
    match &api.surface {
        Surface::Routes(routes) => {
            wanted.methods = routes
                .iter()
                .map(|route| {
                    (
                        method::key(&route.key.method, &route.key.path),
                        method_of(route, place, &credentials, &queue_arn),
                    )
                })
                .collect();
        }
        Surface::OpenApi {
            document,
            public,
            kept,
        } => {
            let source = openapi::secured(document, &keys(public), &keys(kept));
            let said = openapi::said(document);
            wanted.methods = openapi::methods(&source);
            // The stack has the last word; where it has none, the document speaks.
            if wanted.description.is_empty() {
                wanted.description = said.description;
            }
            if wanted.binary_media_types.is_empty() {
                wanted.binary_media_types = said.binary_media_types;
            }
            wanted.minimum_compression = wanted.minimum_compression.or(said.minimum_compression);
            wanted.api_key_source = said.api_key_source.unwrap_or(wanted.api_key_source);
            wanted.disable_execute_api |= said.disable_execute_api;
            wanted.source_digest = Some(RestApi::digest_of_source(&source));
            wanted.source = Some(source);
        }
        Surface::Existing { public } => wanted.public = keys(public),
    }
    wanted
}

/// Returns what an API lets through while it has no policy, as statements: calls of every route without `AWS_IAM`,
/// which its authorizer alone decides about. A private API lets nothing through.
///
/// See <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html>.
#[must_use]
pub fn leave_without_policy(api: &RestApi) -> Vec<Statement> {
    let unsigned = api
        .methods
        .iter()
        .filter(|(_, it)| it.authorization != method::AWS_IAM);
    let leave = |(key, _): (&RouteKey, &Method)| {
        let statement = Statement::allow("", Clause::of(["execute-api:Invoke"]))
            .to(PrincipalClause::anyone())
            .on(invoke_resources("*", std::slice::from_ref(key)));
        // A `*` for a parameter reaches signed routes below it as well, and these callers have no ARN.
        if key.path.contains('{') {
            statement.when("Null", "aws:PrincipalArn", ["true"])
        } else {
            statement
        }
    };
    let open = api.endpoint != Endpoint::Private;
    unsigned.filter(|_| open).map(leave).collect()
}

fn keys(routes: &BTreeSet<RouteKey>) -> BTreeSet<RouteKey> {
    let key = |it: &RouteKey| method::key(&it.method, &it.path);
    routes.iter().map(key).collect()
}

/// The routes whose authorizer in the author's document gives way to `AWS_IAM`, each with which it was.
#[must_use]
pub fn replaced_authorizers(api: &stack::Api) -> BTreeMap<RouteKey, String> {
    let Surface::OpenApi {
        document,
        public,
        kept,
    } = &api.surface
    else {
        return BTreeMap::new();
    };
    let stays: BTreeSet<RouteKey> = keys(public).union(&keys(kept)).cloned().collect();
    let mut own = openapi::own_authorizers(document);
    own.retain(|key, _| !stays.contains(key));
    own
}

/// The statements of the resource policy in the author's document, under the stack's own `Sid`s.
///
/// A `Deny` that the author wrote there must not get lost when ours take its place.
pub fn document_statements(api: &stack::Api, stack: &str) -> Result<Vec<Statement>, PolicyError> {
    let Surface::OpenApi { document, .. } = &api.surface else {
        return Ok(Vec::new());
    };
    let Some(policy) = openapi::policy(document) else {
        return Ok(Vec::new());
    };
    let mut statements = Document::from_value(policy)?.statements;
    for (index, statement) in statements.iter_mut().enumerate() {
        // Numbered, since two `Sid`s may differ only in what a name of ours leaves out.
        let name = statement.sid.as_deref().unwrap_or_default();
        statement.sid = Some(own::sid(stack, &format!("document {} {name}", index + 1)));
    }
    Ok(statements)
}

/// The stage that serves `api`, whose address is `address`.
#[must_use]
pub fn stage(api: &stack::Api, address: &Address, rest_api: &RestApi) -> Stage {
    let stage = &api.stage;
    let access_log = stage
        .access_log
        .as_ref()
        .map(|(destination, format)| AccessLog {
            destination: destination.to_string(),
            format: format.clone(),
        });
    Stage {
        api: address.clone(),
        existing: api.existing.is_some(),
        name: stage.name.clone(),
        description: stage.description.clone(),
        variables: stage.variables.clone(),
        tracing: stage.tracing,
        rate: settings::rate(stage.rate),
        burst: settings::burst(stage.burst),
        log_level: stage.log_level,
        data_trace: stage.data_trace,
        metrics: stage.metrics,
        access_log: access_log.and_then(settings::access_log),
        cache: BTreeMap::new(),
        surface: rest_api.surface_digest(api.exclusive),
        methods: RestApi::digest_of_methods(&rest_api.methods),
        policy: String::new(),
        deployed: rest_api
            .methods
            .iter()
            .map(|(key, method)| (key.clone(), method.authorization.clone()))
            .collect(),
        public: rest_api.public.clone(),
        superseded: BTreeSet::new(),
        outdated: false,
        current: false,
        serves: None,
        listed: String::new(),
        tags: if api.existing.is_some() {
            BTreeMap::new()
        } else {
            api.tags.clone()
        },
    }
}

fn method_of(
    route: &Route,
    place: &Place,
    credentials: &impl Fn(&RouteRole) -> Option<Arn>,
    queue_arn: &impl Fn(&QueueRef) -> Arn,
) -> Method {
    let mut integration = match &route.integration {
        Integration::Http { url, method } => http(route, url, method.as_deref()),
        Integration::Lambda {
            function,
            credentials: role,
        } => lambda(place, function, credentials(role)),
        Integration::Sqs {
            queue,
            credentials: role,
        } => sqs(place, &queue_arn(queue), credentials(role)),
        Integration::Mock { status, body } => mock(*status, body.as_deref()),
    };
    integration.timeout_ms = route.timeout_ms;
    Method {
        authorization: if route.public {
            method::NONE
        } else {
            method::AWS_IAM
        }
        .to_owned(),
        api_key_required: false,
        integration: Some(method::normal(integration)),
        more: BTreeMap::new(),
    }
}

/// Passes the request on. A `{name}` of the URL, also written `{name+}`, is filled from the path
/// parameter of that name.
fn http(route: &Route, url: &str, verb: Option<&str>) -> IntegrationRecord {
    let mut uri = url.to_owned();
    let mut mapped = BTreeMap::new();
    for name in openapi::path_parameters(&route.key.path) {
        let placeholder = format!("{{{name}}}");
        uri = uri.replace(&format!("{{{name}+}}"), &placeholder);
        if uri.contains(&placeholder) {
            mapped.insert(
                format!("integration.request.path.{name}"),
                format!("method.request.path.{name}"),
            );
        }
    }
    IntegrationRecord {
        kind: "HTTP_PROXY".to_owned(),
        http_method: Some(verb.unwrap_or(&route.key.method).to_owned()),
        uri: Some(uri),
        request_parameters: mapped,
        ..IntegrationRecord::default()
    }
}

/// Invokes a function, whatever the caller's verb: Lambda knows only `POST`.
fn lambda(place: &Place, function: &Arn, credentials: Option<Arn>) -> IntegrationRecord {
    // The function's own region, which need not be the API's.
    let region = if function.region().is_empty() {
        place.region.as_str()
    } else {
        function.region()
    };
    IntegrationRecord {
        kind: "AWS_PROXY".to_owned(),
        http_method: Some("POST".to_owned()),
        uri: Some(format!(
            "arn:{}:apigateway:{region}:lambda:path/2015-03-31/functions/{function}/invocations",
            place.partition()
        )),
        credentials: credentials.map(String::from),
        ..IntegrationRecord::default()
    }
}

/// Sends the body to a queue, and answers 200 once SQS has it.
///
/// What SQS refuses is a 502: the default response alone would say 200 to that too.
/// A FIFO queue gets one group for the API and the request's id against duplicates.
fn sqs(place: &Place, queue: &Arn, credentials: Option<Arn>) -> IntegrationRecord {
    let mut template = "Action=SendMessage&MessageBody=$util.urlEncode($input.body)".to_owned();
    if queue.name().strip_suffix(".fifo").is_some() {
        template += "&MessageGroupId=$context.apiId&MessageDeduplicationId=$context.requestId";
    }
    let refused = IntegrationResponseRecord {
        selection: Some("[45]\\d{2}".to_owned()),
        templates: json_template("{\"message\": \"the queue did not take the message\"}"),
    };
    IntegrationRecord {
        kind: "AWS".to_owned(),
        http_method: Some("POST".to_owned()),
        uri: Some(format!(
            "arn:{}:apigateway:{}:sqs:path/{}/{}",
            place.partition(),
            queue.region(),
            queue.account(),
            queue.name()
        )),
        credentials: credentials.map(String::from),
        // A body of another type would go through as it is, and SQS would read it as a query.
        passthrough: Some("NEVER".to_owned()),
        request_parameters: BTreeMap::from([(
            "integration.request.header.Content-Type".to_owned(),
            "'application/x-www-form-urlencoded'".to_owned(),
        )]),
        request_templates: json_template(&template),
        responses: BTreeMap::from([
            ("200".to_owned(), IntegrationResponseRecord::default()),
            ("502".to_owned(), refused),
        ]),
        ..IntegrationRecord::default()
    }
}

/// Answers by itself. The body is a text, and the mapping template is the one that answers it.
fn mock(status: u16, body: Option<&str>) -> IntegrationRecord {
    let template = body.and_then(velocity::template_of);
    let templates = template.as_deref().map(json_template).unwrap_or_default();
    IntegrationRecord {
        kind: "MOCK".to_owned(),
        request_templates: json_template(&json!({"statusCode": status}).to_string()),
        responses: BTreeMap::from([(
            status.to_string(),
            IntegrationResponseRecord {
                selection: None,
                templates,
            },
        )]),
        ..IntegrationRecord::default()
    }
}

fn json_template(text: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("application/json".to_owned(), text.to_owned())])
}

/// The routes of an author's API; none of an existing one, whose routes are not known.
#[must_use]
pub fn routes(api: &stack::Api) -> Vec<RouteKey> {
    match &api.surface {
        Surface::Routes(routes) => routes
            .iter()
            .map(|it| method::key(&it.key.method, &it.key.path))
            .collect(),
        Surface::OpenApi { document, .. } => {
            openapi::operations(document).map(|(key, _)| key).collect()
        }
        Surface::Existing { .. } => Vec::new(),
    }
}

/// What allowing these patterns on an API takes: see [`reach`].
#[must_use]
pub fn grant(api: &stack::Api, patterns: &[RouteKey]) -> Reach {
    let patterns: Vec<RouteKey> = patterns
        .iter()
        .map(|it| method::key(&it.method, &it.path))
        .collect();
    reach(&api.stage.name, &patterns, &routes(api))
}

/// What the API's own integration role must be allowed: an action on a function or queue each.
///
/// Routes that name a role of their own need nothing of it.
pub fn integration_needs(
    api: &stack::Api,
    queue_arn: impl Fn(&QueueRef) -> Arn,
) -> BTreeSet<(&'static [&'static str], String)> {
    let Surface::Routes(routes) = &api.surface else {
        return BTreeSet::new();
    };
    let needs = routes.iter().filter_map(|route| match &route.integration {
        Integration::Lambda {
            function,
            credentials: RouteRole::OfApi,
        } => Some((&["lambda:InvokeFunction"][..], function.to_string())),
        Integration::Sqs {
            queue,
            credentials: RouteRole::OfApi,
        } => Some((&["sqs:SendMessage"][..], queue_arn(queue).to_string())),
        _ => None,
    });
    needs.collect()
}

#[cfg(test)]
mod tests;
