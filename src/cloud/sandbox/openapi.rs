//! `OpenAPI` documents as API Gateway imports them: `OpenAPI` 3.0 and Swagger 2.0, JSON.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions.html>.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::state::Part;
use crate::cloud::apigateway::{IntegrationRecord, IntegrationResponseRecord, MethodRecord};
use crate::model::authorization::{Authorization, makes_authorizer};
use crate::model::definition::{self, BAD_TIMEOUT, INVALID, LONGEST_MS, text, verb};

/// What a document says of an API. A field is `None` where it says nothing.
#[derive(Debug, PartialEq)]
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) description: Option<String>,
    pub(super) policy: Option<Value>,
    pub(super) binary_media_types: Option<Vec<String>>,
    pub(super) minimum_compression: Option<u32>,
    pub(super) api_key_source: Option<String>,
    pub(super) vpc_endpoints: Option<Vec<String>>,
    pub(super) disable_execute_api: Option<bool>,
    pub(super) operations: Vec<Operation>,
    /// What is left out, and why.
    pub(super) warnings: Vec<String>,
    pub(super) parts: Vec<(Part, Vec<String>)>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Operation {
    pub(super) path: String,
    pub(super) verb: &'static str,
    pub(super) method: MethodRecord,
}

/// Reads a document of an API with this endpoint, or says why API Gateway refuses it.
pub(super) fn parse(body: &str, endpoint: &str) -> Result<Definition, String> {
    let Ok(Value::Object(document)) = serde_json::from_str::<Value>(body) else {
        return Err(INVALID.to_owned());
    };
    let document = Value::Object(document);
    let mut refusals = definition::refusals(&document);
    if endpoint == "EDGE" {
        refusals.extend(definition::edge_refusals(&document));
    }
    if refusals.iter().any(|it| it.part.is_none()) {
        return Err(INVALID.to_owned());
    }
    if !refusals.is_empty() {
        let all: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        return Err(format!(
            "Errors found during import:\n\t{}",
            all.join("\n\t")
        ));
    }
    let whole = &document;
    let Some(document) = whole.as_object() else {
        return Err(INVALID.to_owned());
    };
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
        .chain([document])
        .find_map(|it| it.get("x-amazon-apigateway-endpoint-configuration"));
    let endpoint_field = |name: &str| endpoint.and_then(|it| it.get(name));
    Ok(Definition {
        description: info
            .and_then(|it| text(it.get("description")))
            .filter(|it| !it.is_empty()),
        version: info.and_then(|it| text(it.get("version"))),
        parts: parts(document),
        policy: extension("policy").cloned(),
        binary_media_types: extension("binary-media-types").map(texts),
        minimum_compression: extension("minimum-compression-size")
            .and_then(Value::as_u64)
            .and_then(|it| u32::try_from(it).ok()),
        api_key_source: extension("api-key-source").and_then(|it| text(Some(it))),
        vpc_endpoints: endpoint_field("vpcEndpointIds").map(texts),
        disable_execute_api: endpoint_field("disableExecuteApiEndpoint").and_then(Value::as_bool),
        operations: operations(whole, document, paths)?,
        warnings: warnings(paths),
        name,
    })
}

/// What the document brings along beside its operations, by name.
fn parts(document: &Map<String, Value>) -> Vec<(Part, Vec<String>)> {
    let under = |outer: &str, inner: &str| -> Vec<(String, Value)> {
        let found = document.get(outer);
        let found = found.and_then(|it| {
            if inner.is_empty() {
                Some(it)
            } else {
                it.get(inner)
            }
        });
        let found = found.and_then(Value::as_object).into_iter().flatten();
        found.map(|(name, it)| (name.clone(), it.clone())).collect()
    };
    let extension = |name: &str| under(&format!("x-amazon-apigateway-{name}"), "");
    let names = |all: Vec<(String, Value)>| all.into_iter().map(|it| it.0).collect::<Vec<_>>();
    let mut schemes = under("securityDefinitions", "");
    schemes.extend(under("components", "securitySchemes"));
    schemes.retain(|(_, it)| makes_authorizer(it));
    let mut models = under("definitions", "");
    models.extend(under("components", "schemas"));
    let documentation = document.get("x-amazon-apigateway-documentation");
    let documentation = documentation.and_then(|it| it.get("documentationParts")?.as_array());
    let locations = documentation.into_iter().flatten();
    vec![
        (Part::Authorizers, names(schemes)),
        (Part::Models, names(models)),
        (
            Part::RequestValidators,
            names(extension("request-validators")),
        ),
        (
            Part::GatewayResponses,
            names(extension("gateway-responses")),
        ),
        (
            Part::DocumentationParts,
            locations.map(|it| it["location"].to_string()).collect(),
        ),
    ]
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

/// Mapping templates: an empty one is kept, and so is one that is written as `null`.
fn templates(value: Option<&Value>) -> BTreeMap<String, String> {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    entries
        .map(|(key, value)| (key.clone(), text(Some(value)).unwrap_or_default()))
        .collect()
}

fn operations(
    whole: &Value,
    document: &Map<String, Value>,
    paths: &Map<String, Value>,
) -> Result<Vec<Operation>, String> {
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for (path, item) in paths {
        let Some(item) = item.as_object().filter(|_| path.starts_with('/')) else {
            continue;
        };
        let parts: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
        let full = format!("/{}", parts.join("/"));
        for (key, operation) in item {
            let Some(verb) = verb(key) else {
                continue;
            };
            let Some(operation) = operation.as_object() else {
                continue;
            };
            match method(whole, document, item, operation) {
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

/// Mappings that are no text: AWS leaves them out.
fn warnings(paths: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for (path, item) in paths {
        for (key, operation) in item.as_object().into_iter().flatten() {
            let Some(verb) = verb(key) else { continue };
            let parameters = &operation["x-amazon-apigateway-integration"]["requestParameters"];
            let entries = parameters.as_object().into_iter().flatten();
            found.extend(entries.filter(|(_, it)| !it.is_string()).map(|(name, it)| {
                format!(
                    "Invalid format for 'requestParameters'. Expected type string for property '{name}' of resource \
                     '{path}' and method '{verb}' but got '{it}'"
                )
            }));
        }
    }
    found
}

type Refused = (&'static str, String);

fn method(
    whole: &Value,
    document: &Map<String, Value>,
    item: &Map<String, Value>,
    operation: &Map<String, Value>,
) -> Result<MethodRecord, Refused> {
    let authorization = Authorization::of(whole, operation);
    let integration = operation
        .get("x-amazon-apigateway-integration")
        .and_then(Value::as_object)
        .map(integration)
        .transpose()?;
    Ok(MethodRecord {
        authorization: authorization.kind,
        api_key_required: authorization.api_key,
        integration,
        more: more(whole, document, item, operation),
    })
}

/// The settings of an operation that a stack has no words for, as API Gateway shows them.
fn more(
    whole: &Value,
    document: &Map<String, Value>,
    item: &Map<String, Value>,
    operation: &Map<String, Value>,
) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let mut set = |name: String, value: Option<Value>| {
        found.extend(value.map(|it| (name, it)));
    };
    set(
        "operationName".to_owned(),
        operation.get("operationId").cloned(),
    );
    let validator = "x-amazon-apigateway-request-validator";
    let validator = operation.get(validator).or(document.get(validator));
    set("requestValidatorId".to_owned(), validator.cloned());
    let parameters = definition::declared_parameters(whole, item, operation);
    let parameters = parameters.into_iter().map(|it| {
        let required = it.starts_with("method.request.path.");
        (it, Value::Bool(required))
    });
    set(
        "requestParameters".to_owned(),
        Some(Value::Object(parameters.collect())),
    );
    let answers = operation.get("responses").and_then(Value::as_object);
    for (status, answer) in answers.into_iter().flatten() {
        let headers = answer.get("headers").and_then(Value::as_object);
        let headers = headers.into_iter().flatten();
        let headers =
            headers.map(|(it, _)| (format!("method.response.header.{it}"), Value::Bool(false)));
        let headers: Map<String, Value> = headers.collect();
        set(
            format!("methodResponses.{status}.responseParameters"),
            Some(Value::Object(headers)),
        );
    }
    let integration = operation.get("x-amazon-apigateway-integration");
    for name in [
        "connectionType",
        "connectionId",
        "contentHandling",
        "tlsConfig",
        "cacheNamespace",
        "cacheKeyParameters",
    ] {
        let value = integration.and_then(|it| it.get(name));
        set(format!("integration.{name}"), value.cloned());
    }
    let answers = integration.and_then(|it| it.get("responses")?.as_object());
    for answer in answers.into_iter().flatten().map(|it| it.1) {
        let status = text(answer.get("statusCode")).unwrap_or_default();
        for name in ["responseParameters", "contentHandling"] {
            let name_of = format!("integration.responses.{status}.{name}");
            set(name_of, answer.get(name).cloned());
        }
    }
    found
}

fn integration(source: &Map<String, Value>) -> Result<IntegrationRecord, Refused> {
    let upper = |name: &str| text(source.get(name)).map(|it| it.to_uppercase());
    let kind = upper("type").unwrap_or_default();
    // Whether an account's quota was raised is not known here: `validate` takes what a raised one allows.
    let given = source.get("timeoutInMillis").and_then(Value::as_u64);
    let timeout = u32::try_from(given.unwrap_or(29_000)).ok();
    let Some(timeout) = timeout.filter(|it| (50..=LONGEST_MS).contains(&u64::from(*it))) else {
        return Err(("integration", BAD_TIMEOUT.to_owned()));
    };
    let passthrough = upper("passthroughBehavior").unwrap_or_else(|| "WHEN_NO_MATCH".to_owned());
    let mut responses = BTreeMap::new();
    let given = source.get("responses").and_then(Value::as_object);
    // A proxy passes on what it gets.
    for (pattern, response) in given
        .into_iter()
        .flatten()
        .filter(|_| !kind.ends_with("_PROXY"))
    {
        let status = text(response.get("statusCode")).unwrap_or_default();
        let record = IntegrationResponseRecord {
            selection: (pattern != "default").then(|| pattern.clone()),
            templates: templates(response.get("responseTemplates")),
        };
        responses.insert(status, record);
    }
    Ok(IntegrationRecord {
        kind,
        http_method: upper("httpMethod"),
        uri: text(source.get("uri")),
        credentials: text(source.get("credentials")),
        timeout_ms: Some(timeout),
        passthrough: Some(passthrough),
        request_parameters: text_map(source.get("requestParameters")),
        request_templates: templates(source.get("requestTemplates")),
        responses,
    })
}
