//! `OpenAPI` documents as API Gateway imports them.
//!
//! An API's methods, authorizers and policy go to AWS in one import. What is
//! always true of a document that is sent:
//!
//! - Authorization stands at **every operation**, any-method and `OPTIONS`
//!   included, and never at the root: API Gateway takes the root's `security` for
//!   operations without their own, and imports one with neither as open to anyone.
//! - Policy, VPC endpoints, description, media types, compression and key source
//!   are in it, since overwriting takes away what it does not carry.
//! - `info.title` is the API's name: an import renames the API to it.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html>.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::RestApi;
use super::method::{AWS_IAM, Method, Methods, key, normal};
use crate::cloud::apigateway::{IntegrationRecord, IntegrationResponseRecord};
use crate::model::authorization::{Authorization, is_api_key, scheme};
use crate::policy::Document;
use crate::stack::RouteKey;

const AUTH: &str = "x-amazon-apigateway-auth";
const INTEGRATION: &str = "x-amazon-apigateway-integration";
const POLICY: &str = "x-amazon-apigateway-policy";
const ENDPOINT: &str = "x-amazon-apigateway-endpoint-configuration";
const MEDIA_TYPES: &str = "x-amazon-apigateway-binary-media-types";
const COMPRESSION: &str = "x-amazon-apigateway-minimum-compression-size";
const KEY_SOURCE: &str = "x-amazon-apigateway-api-key-source";

/// The verb of an operation's key in a path item; `None` for what is no operation.
fn verb(name: &str) -> Option<&'static str> {
    match name.to_ascii_lowercase().as_str() {
        "get" => Some("GET"),
        "put" => Some("PUT"),
        "post" => Some("POST"),
        "delete" => Some("DELETE"),
        "patch" => Some("PATCH"),
        "head" => Some("HEAD"),
        "options" => Some("OPTIONS"),
        "x-amazon-apigateway-any-method" => Some("ANY"),
        _ => None,
    }
}

fn operation_name(verb: &str) -> String {
    match verb {
        "ANY" => "x-amazon-apigateway-any-method".to_owned(),
        other => other.to_ascii_lowercase(),
    }
}

/// The operations of a document.
pub fn operations(document: &Value) -> impl Iterator<Item = (RouteKey, &Map<String, Value>)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, item)| {
            item.as_object()
                .into_iter()
                .flatten()
                .map(move |it| (path, it))
        })
        .filter_map(|(path, (name, operation))| {
            Some((key(verb(name)?, path), operation.as_object()?))
        })
}

/// The methods that importing a document makes.
#[must_use]
pub fn methods(document: &Value) -> Methods {
    operations(document)
        .map(|(key, operation)| {
            let authorization = Authorization::of(document, operation);
            let method = Method {
                authorization: authorization.kind,
                api_key_required: authorization.api_key,
                integration: operation
                    .get(INTEGRATION)
                    .and_then(Value::as_object)
                    .map(integration),
                more: BTreeMap::new(),
            };
            (key, method)
        })
        .collect()
}

fn strings(value: Option<&Value>) -> BTreeMap<String, String> {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    entries
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// Mapping templates; AWS shows an empty one as `null`, and takes it as one.
fn templates(value: Option<&Value>) -> BTreeMap<String, String> {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    entries
        .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect()
}

fn integration(source: &Map<String, Value>) -> IntegrationRecord {
    let text = |name: &str| source.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut responses = BTreeMap::new();
    for (pattern, response) in source
        .get("responses")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let status = match &response["statusCode"] {
            Value::String(it) => it.clone(),
            other => other.to_string(),
        };
        let record = IntegrationResponseRecord {
            selection: (pattern != "default").then(|| pattern.clone()),
            templates: templates(response.get("responseTemplates")),
        };
        responses.insert(status, record);
    }
    normal(IntegrationRecord {
        kind: text("type").unwrap_or_default(),
        http_method: text("httpMethod"),
        uri: text("uri"),
        credentials: text("credentials"),
        timeout_ms: source
            .get("timeoutInMillis")
            .and_then(Value::as_u64)
            .and_then(|it| u32::try_from(it).ok()),
        passthrough: text("passthroughBehavior"),
        request_parameters: strings(source.get("requestParameters")),
        request_templates: templates(source.get("requestTemplates")),
        responses,
    })
}

/// The author's document with `AWS_IAM` at every operation that is neither public nor keeps its authorizer.
///
/// An operation's own authorizer gives way to it; that an API key is asked for
/// stays, for a key meters callers and authorizes nobody. Other operations stay as they
/// are written, with what the root says for them.
#[must_use]
pub fn secured(document: &Value, public: &BTreeSet<RouteKey>, kept: &BTreeSet<RouteKey>) -> Value {
    let mut secured = document.clone();
    let root = document.get("security").cloned();
    let paths = secured.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for (name, operation) in item.as_object_mut().into_iter().flatten() {
            let (Some(verb), Some(operation)) = (verb(name), operation.as_object_mut()) else {
                continue;
            };
            let route = key(verb, path);
            // What the root says of it has to stand here, for the root is not sent.
            if let Some(root) = root.as_ref().filter(|_| !public.contains(&route))
                && !operation.contains_key("security")
            {
                operation.insert("security".to_owned(), root.clone());
            }
            if public.contains(&route) || kept.contains(&route) {
                continue;
            }
            operation.insert(AUTH.to_owned(), json!({"type": AWS_IAM}));
            let Some(requirements) = operation.get_mut("security").and_then(Value::as_array_mut)
            else {
                continue;
            };
            for requirement in requirements.iter_mut().filter_map(Value::as_object_mut) {
                requirement.retain(|name, _| is_api_key(scheme(document, name)));
            }
            requirements.retain(|it| it.as_object().is_some_and(|it| !it.is_empty()));
            if requirements.is_empty() {
                operation.remove("security");
            }
        }
    }
    if let Some(document) = secured.as_object_mut() {
        document.remove("security");
    }
    secured
}

/// The operations whose own authorizer is a Cognito user pool or a function, each with which.
#[must_use]
pub fn own_authorizers(document: &Value) -> BTreeMap<RouteKey, String> {
    operations(document)
        .map(|(key, operation)| (key, Authorization::of(document, operation)))
        .filter(|(_, it)| it.is_of_authorizer())
        .map(|(key, it)| (key, it.kind))
        .collect()
}

/// The resource policy that the author's document brings along.
#[must_use]
pub fn policy(document: &Value) -> Option<&Value> {
    document.get(POLICY).filter(|it| it.is_object())
}

/// What the author's document says where a stack says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The description.
    pub description: String,
    /// Media types passed on as bytes.
    pub binary_media_types: BTreeSet<String>,
    /// Smallest body that is compressed, in bytes.
    pub minimum_compression: Option<u32>,
    /// `HEADER` or `AUTHORIZER`.
    pub api_key_source: Option<String>,
    /// Whether `execute-api` host names are switched off.
    pub disable_execute_api: bool,
}

/// What the author's document says about the API itself.
#[must_use]
pub fn said(document: &Value) -> Said {
    let media_types = document[MEDIA_TYPES].as_array().into_iter().flatten();
    // In OpenAPI 3 it stands below a server.
    let servers = document["servers"].as_array().into_iter().flatten();
    let mut endpoints = servers.chain([document]);
    Said {
        description: document["info"]["description"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        binary_media_types: media_types
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        minimum_compression: document[COMPRESSION]
            .as_u64()
            .and_then(|it| u32::try_from(it).ok()),
        api_key_source: document[KEY_SOURCE].as_str().map(str::to_ascii_uppercase),
        disable_execute_api: endpoints.any(|it| it[ENDPOINT]["disableExecuteApiEndpoint"] == true),
    }
}

/// The document that an import sends: all of the API, and this whole policy.
///
/// `version` is the one that the API has: an import sets it anew, and a stack has no word for it.
#[must_use]
pub fn encode(api: &RestApi, policy: &Document, version: Option<&str>) -> Value {
    let mut document = match &api.source {
        Some(source) => source.clone(),
        None => json!({
            "openapi": "3.0.1",
            "info": {"version": version.unwrap_or("1")},
            "paths": paths(&api.methods),
        }),
    };
    if api.source.is_none() && api.methods.values().any(|it| it.api_key_required) {
        document["components"] = json!({"securitySchemes": {"api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"}}});
    }
    set(&mut document["info"], "title", Some(json!(api.name)));
    set(
        &mut document["info"],
        "description",
        (!api.description.is_empty()).then(|| json!(api.description)),
    );
    let has_policy = !policy.statements.is_empty();
    set(&mut document, POLICY, has_policy.then(|| policy.to_value()));
    let media_types = (!api.binary_media_types.is_empty()).then(|| json!(api.binary_media_types));
    set(&mut document, MEDIA_TYPES, media_types);
    set(
        &mut document,
        COMPRESSION,
        api.minimum_compression.map(|it| json!(it)),
    );
    set(&mut document, KEY_SOURCE, Some(json!(api.api_key_source)));
    let mut endpoint = json!({"disableExecuteApiEndpoint": api.disable_execute_api});
    if !api.vpc_endpoints.is_empty() {
        endpoint["vpcEndpointIds"] = json!(api.vpc_endpoints);
    }
    if document.get("swagger").is_some() {
        set(&mut document, ENDPOINT, Some(endpoint));
    } else {
        set_in_servers(&mut document, &endpoint);
    }
    document
}

fn set(object: &mut Value, name: &str, value: Option<Value>) {
    match value {
        Some(value) => object[name] = value,
        None => {
            object.as_object_mut().map(|it| it.remove(name));
        }
    }
}

/// In `OpenAPI` 3 the endpoint's configuration stands in a server object: the first one, and no other.
fn set_in_servers(document: &mut Value, endpoint: &Value) {
    let has_server = document["servers"]
        .as_array()
        .is_some_and(|it| it.iter().any(Value::is_object));
    if !has_server {
        document["servers"] = json!([{"url": "/"}]);
    }
    let servers = document["servers"].as_array_mut().into_iter().flatten();
    for (index, server) in servers.filter_map(Value::as_object_mut).enumerate() {
        server.remove(ENDPOINT);
        if index == 0 {
            server.insert(ENDPOINT.to_owned(), endpoint.clone());
        }
    }
}

fn paths(methods: &Methods) -> Value {
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for (key, method) in methods {
        let item = paths.entry(&key.path).or_default();
        item.insert(operation_name(&key.method), operation(key, method));
    }
    json!(paths)
}

/// The parameters of a path: `id` of `/orders/{id}`, `rest` of `/files/{rest+}`.
pub fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|it| it.strip_prefix('{')?.strip_suffix('}'))
        .map(|it| it.strip_suffix('+').unwrap_or(it))
}

fn operation(key: &RouteKey, method: &Method) -> Value {
    let mut operation = json!({AUTH: {"type": method.authorization}});
    // A mapping may only name a parameter that the method declares.
    let parameters: Vec<Value> = path_parameters(&key.path)
        .map(|it| json!({"name": it, "in": "path", "required": true, "schema": {"type": "string"}}))
        .collect();
    if !parameters.is_empty() {
        operation["parameters"] = json!(parameters);
    }
    if method.api_key_required {
        operation["security"] = json!([{"api_key": []}]);
    }
    let mut responses = Map::new();
    if let Some(integration) = &method.integration {
        operation[INTEGRATION] = encode_integration(integration);
        for status in integration.responses.keys() {
            responses.insert(
                status.clone(),
                json!({"description": format!("{status} response")}),
            );
        }
    }
    if responses.is_empty() {
        // A proxy passes on whatever it gets; a document must name some response.
        responses.insert("200".to_owned(), json!({"description": "200 response"}));
    }
    operation["responses"] = Value::Object(responses);
    operation
}

fn encode_integration(integration: &IntegrationRecord) -> Value {
    let mut value = json!({
        "type": integration.kind,
        "passthroughBehavior": integration.passthrough,
        "timeoutInMillis": integration.timeout_ms,
    });
    for (name, text) in [
        ("httpMethod", &integration.http_method),
        ("uri", &integration.uri),
        ("credentials", &integration.credentials),
    ] {
        if let Some(text) = text {
            value[name] = json!(text);
        }
    }
    for (name, entries) in [
        ("requestParameters", &integration.request_parameters),
        ("requestTemplates", &integration.request_templates),
    ] {
        if !entries.is_empty() {
            value[name] = json!(entries);
        }
    }
    if !integration.responses.is_empty() {
        let mut responses = Map::new();
        for (status, response) in &integration.responses {
            let pattern = response
                .selection
                .clone()
                .unwrap_or_else(|| "default".to_owned());
            let mut record = json!({"statusCode": status});
            if !response.templates.is_empty() {
                record["responseTemplates"] = json!(response.templates);
            }
            responses.insert(pattern, record);
        }
        value["responses"] = Value::Object(responses);
    }
    value
}
