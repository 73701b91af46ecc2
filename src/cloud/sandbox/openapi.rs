//! `OpenAPI` documents as API Gateway imports them: `OpenAPI` 3.0 and Swagger 2.0, JSON.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html>.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::cloud::apigateway::{IntegrationRecord, IntegrationResponseRecord, MethodRecord};

/// What a document says of an API. A field is `None` where it says nothing.
#[derive(Debug, PartialEq)]
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) policy: Option<Value>,
    pub(super) binary_media_types: Option<Vec<String>>,
    pub(super) minimum_compression: Option<u32>,
    pub(super) api_key_source: Option<String>,
    pub(super) vpc_endpoints: Option<Vec<String>>,
    pub(super) disable_execute_api: Option<bool>,
    pub(super) operations: Vec<Operation>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Operation {
    pub(super) path: String,
    pub(super) verb: &'static str,
    pub(super) method: MethodRecord,
}

const INVALID: &str = "Invalid OpenAPI input.";

/// Reads a document, or says why API Gateway refuses it.
pub(super) fn parse(body: &str) -> Result<Definition, String> {
    let Ok(Value::Object(document)) = serde_json::from_str::<Value>(body) else {
        return Err(INVALID.to_owned());
    };
    let version = |name: &str| text(document.get(name)).unwrap_or_default();
    if version("swagger") != "2.0" && !version("openapi").starts_with("3.0") {
        return Err(INVALID.to_owned());
    }
    let info = document.get("info").and_then(Value::as_object);
    let name = info
        .and_then(|it| text(it.get("title")))
        .filter(|it| !it.is_empty());
    let paths = document.get("paths").and_then(Value::as_object);
    let (Some(name), Some(paths)) = (name, paths) else {
        return Err(INVALID.to_owned());
    };
    let extension = |name: &str| document.get(&format!("x-amazon-apigateway-{name}"));
    // Swagger has it at the top, OpenAPI 3 within a server.
    let servers = document.get("servers").and_then(Value::as_array);
    let endpoint = servers
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .chain([&document])
        .find_map(|it| it.get("x-amazon-apigateway-endpoint-configuration"));
    let endpoint_field = |name: &str| endpoint.and_then(|it| it.get(name));
    Ok(Definition {
        description: info
            .and_then(|it| text(it.get("description")))
            .filter(|it| !it.is_empty()),
        policy: extension("policy").cloned(),
        binary_media_types: extension("binary-media-types").map(texts),
        minimum_compression: extension("minimum-compression-size")
            .and_then(Value::as_u64)
            .and_then(|it| u32::try_from(it).ok()),
        api_key_source: extension("api-key-source").and_then(|it| text(Some(it))),
        vpc_endpoints: endpoint_field("vpcEndpointIds").map(texts),
        disable_execute_api: endpoint_field("disableExecuteApiEndpoint").and_then(Value::as_bool),
        operations: operations(&document, paths)?,
        name,
    })
}

fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(it) => Some(it.clone()),
        Value::Number(it) => Some(it.to_string()),
        _ => None,
    }
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(|it| text(Some(it))).collect()
}

fn text_map(value: Option<&Value>) -> BTreeMap<String, String> {
    value
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.clone(), text(Some(value))?)))
        .collect()
}

fn verb(key: &str) -> Option<&'static str> {
    Some(match key {
        "get" => "GET",
        "put" => "PUT",
        "post" => "POST",
        "delete" => "DELETE",
        "patch" => "PATCH",
        "head" => "HEAD",
        "options" => "OPTIONS",
        "x-amazon-apigateway-any-method" => "ANY",
        _ => return None,
    })
}

fn operations(
    document: &Map<String, Value>,
    paths: &Map<String, Value>,
) -> Result<Vec<Operation>, String> {
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for (path, item) in paths {
        let Some(item) = item.as_object().filter(|_| path.starts_with('/')) else {
            return Err(INVALID.to_owned());
        };
        let parts: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
        let full = format!("/{}", parts.join("/"));
        if !parts.iter().all(|it| is_path_part(it)) {
            errors.push(format!(
                "Unable to create resource at path '{full}': Resource's path part only allow \
                 a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning \
                 and the end."
            ));
        }
        for (key, operation) in item {
            let Some(verb) = verb(key) else {
                continue;
            };
            let Some(operation) = operation.as_object() else {
                return Err(INVALID.to_owned());
            };
            match method(document, item, operation) {
                Ok(method) => found.push(Operation {
                    path: full.clone(),
                    verb,
                    method,
                }),
                Err((what, error)) => errors.push(format!(
                    "Unable to put {what} on '{verb}' for resource at path '{full}': {error}"
                )),
            }
        }
    }
    if errors.is_empty() {
        Ok(found)
    } else {
        Err(format!(
            "Errors found during import:\n\t{}",
            errors.join("\n\t")
        ))
    }
}

/// A part of a path: plain characters, `{name}`, or `{name+}`.
fn is_path_part(part: &str) -> bool {
    let plain = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || b"._-:".contains(&it))
    };
    match part.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
        Some(name) => plain(name.strip_suffix('+').unwrap_or(name)),
        None => plain(part),
    }
}

type Refused = (&'static str, String);

fn method(
    document: &Map<String, Value>,
    item: &Map<String, Value>,
    operation: &Map<String, Value>,
) -> Result<MethodRecord, Refused> {
    let (authorization, api_key_required) = authorization(document, operation)?;
    let parameters = declared_parameters(item, operation);
    let answers: BTreeSet<&str> = operation
        .get("responses")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(status, _)| status.as_str())
        .collect();
    let integration = operation
        .get("x-amazon-apigateway-integration")
        .and_then(Value::as_object)
        .map(|it| integration(it, &parameters, &answers))
        .transpose()?;
    Ok(MethodRecord {
        authorization,
        api_key_required,
        integration,
    })
}

/// Only what an operation says counts: `security` at the root is ignored, and
/// an operation that says nothing is open to everyone.
fn authorization(
    document: &Map<String, Value>,
    operation: &Map<String, Value>,
) -> Result<(String, bool), Refused> {
    let schemes = document
        .get("components")
        .and_then(|it| it.get("securitySchemes"))
        .or_else(|| document.get("securityDefinitions"));
    let mut authorization = "NONE".to_owned();
    let mut api_key_required = false;
    let requirements = operation.get("security").and_then(Value::as_array);
    let names = requirements
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flat_map(|it| it.keys());
    for name in names {
        let Some(scheme) = schemes.and_then(|it| it.get(name)) else {
            continue;
        };
        if scheme.get("type").is_some_and(|it| it != "apiKey") {
            continue;
        }
        let kind = text(scheme.get("x-amazon-apigateway-authtype")).unwrap_or_default();
        match kind.to_ascii_lowercase().as_str() {
            "awssigv4" => "AWS_IAM".clone_into(&mut authorization),
            "custom" => "CUSTOM".clone_into(&mut authorization),
            "cognito_user_pools" => "COGNITO_USER_POOLS".clone_into(&mut authorization),
            _ => api_key_required |= scheme.get("name").is_some_and(|it| it == "x-api-key"),
        }
    }
    if let Some(extension) = operation.get("x-amazon-apigateway-auth") {
        authorization = text(extension.get("type"))
            .unwrap_or_default()
            .to_uppercase();
    }
    check_authorization(&authorization).map_err(|error| ("method", error))?;
    Ok((authorization, api_key_required))
}

/// Whether this is a type of authorization.
pub(super) fn check_authorization(kind: &str) -> Result<(), String> {
    match kind {
        "NONE" | "AWS_IAM" | "CUSTOM" | "COGNITO_USER_POOLS" => Ok(()),
        _ => Err("Invalid authorization type specified".to_owned()),
    }
}

/// The parameters a method declares, as mappings name them.
fn declared_parameters(
    item: &Map<String, Value>,
    operation: &Map<String, Value>,
) -> BTreeSet<String> {
    let of = |holder: &Map<String, Value>| {
        let list = holder.get("parameters").and_then(Value::as_array);
        list.cloned().unwrap_or_default()
    };
    of(item)
        .into_iter()
        .chain(of(operation))
        .filter_map(|it| {
            let place = match it.get("in")?.as_str()? {
                "path" => "path",
                "query" => "querystring",
                "header" => "header",
                _ => return None,
            };
            Some(format!(
                "method.request.{place}.{}",
                it.get("name")?.as_str()?
            ))
        })
        .collect()
}

fn integration(
    source: &Map<String, Value>,
    parameters: &BTreeSet<String>,
    answers: &BTreeSet<&str>,
) -> Result<IntegrationRecord, Refused> {
    let refused = |error: &str| Err(("integration", error.to_owned()));
    let upper = |name: &str| text(source.get(name)).map(|it| it.to_uppercase());
    let kind = upper("type").unwrap_or_default();
    if !matches!(
        kind.as_str(),
        "HTTP" | "HTTP_PROXY" | "AWS" | "AWS_PROXY" | "MOCK"
    ) {
        return refused("Invalid integration type specified");
    }
    let uri = text(source.get("uri"));
    let http_method = upper("httpMethod");
    if kind != "MOCK" {
        let uri = uri.as_deref().unwrap_or_default();
        if kind.starts_with("HTTP") && !uri.starts_with("http://") && !uri.starts_with("https://") {
            return refused("Invalid HTTP endpoint specified for URI");
        }
        if kind.starts_with("AWS") && !is_action(uri) {
            return refused("AWS ARN for integration must contain path or action");
        }
        if http_method.is_none() {
            return refused("Integration method must be specified");
        }
    }
    let timeout = match source.get("timeoutInMillis").map(Value::as_u64) {
        None => 29_000,
        Some(given) => match given.and_then(|it| u32::try_from(it).ok()) {
            Some(given @ 50..=29_000) => given,
            _ => return refused("Timeout should be between 50 ms and 29000 ms"),
        },
    };
    let passthrough = upper("passthroughBehavior").unwrap_or_else(|| "WHEN_NO_MATCH".to_owned());
    if !matches!(
        passthrough.as_str(),
        "WHEN_NO_MATCH" | "WHEN_NO_TEMPLATES" | "NEVER"
    ) {
        return refused("Invalid passthrough behavior specified");
    }
    let credentials = text(source.get("credentials"));
    if credentials
        .as_deref()
        .is_some_and(|it| !it.starts_with("arn:"))
    {
        return refused("Invalid ARN specified in the request");
    }
    let request_parameters = text_map(source.get("requestParameters"));
    for value in request_parameters.values() {
        // A mapping may only take what the method declares.
        let mapped = ["path.", "querystring.", "header."].into_iter().any(|it| {
            value
                .strip_prefix("method.request.")
                .is_some_and(|rest| rest.starts_with(it))
        });
        if mapped && !parameters.contains(value) {
            return refused(&format!(
                "Invalid mapping expression specified: Validation Result: warnings : [], errors : \
                 [Invalid mapping expression parameter specified: {value}]"
            ));
        }
    }
    let mut responses = BTreeMap::new();
    let given = source.get("responses").and_then(Value::as_object);
    // A proxy passes on what it gets.
    for (pattern, response) in given
        .into_iter()
        .flatten()
        .filter(|_| !kind.ends_with("_PROXY"))
    {
        let status = text(response.get("statusCode")).unwrap_or_default();
        if !answers.contains(status.as_str()) {
            return Err((
                "integration response",
                "Invalid response status code specified".to_owned(),
            ));
        }
        let record = IntegrationResponseRecord {
            selection: (pattern != "default").then(|| pattern.clone()),
            templates: text_map(response.get("responseTemplates")),
        };
        responses.insert(status, record);
    }
    Ok(IntegrationRecord {
        kind,
        http_method,
        uri,
        credentials,
        timeout_ms: Some(timeout),
        passthrough: Some(passthrough),
        request_parameters,
        request_templates: text_map(source.get("requestTemplates")),
        responses,
    })
}

/// `arn:P:apigateway:REGION:SERVICE:path/…` or `…:action/…`.
fn is_action(uri: &str) -> bool {
    let parts: Vec<&str> = uri.splitn(6, ':').collect();
    matches!(
        parts.as_slice(),
        ["arn", _, "apigateway", region, service, rest]
            if !region.is_empty()
                && !service.is_empty()
                && (rest.starts_with("path/") || rest.starts_with("action/"))
    )
}
