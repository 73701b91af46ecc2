//! What API Gateway refuses in an API's definition when it imports one: `OpenAPI` 3.0 and Swagger 2.0.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html> for what a
//! path may hold, and <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-integration.html>
//! for integrations.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

use super::authorization::{Authorization, has_authorizer, is_authorization};

/// Something in a definition that API Gateway refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRefusal {
    /// Which part, of which method, on which path: `integration`, `method`, `resource`; `model` with its name, and `api`.
    /// `None` where nothing of the definition is read.
    pub part: Option<(&'static str, String, String)>,
    /// API Gateway's words for what is wrong.
    pub words: String,
    /// What is wrong, where API Gateway does not say it.
    pub advice: String,
}

/// What API Gateway answers to what it does not read at all.
pub const INVALID: &str = "Invalid OpenAPI input.";

impl fmt::Display for ImportRefusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.part {
            None | Some(("api", ..)) => out.write_str(&self.words),
            Some(("model", _, name)) => {
                write!(out, "Unable to create model for '{name}': {}", self.words)
            }
            Some(("resource", _, path)) => {
                write!(
                    out,
                    "Unable to create resource at path '{path}': {}",
                    self.words
                )
            }
            Some((part, verb, path)) => write!(
                out,
                "Unable to put {part} on '{verb}' for resource at path '{path}': {}",
                self.words
            ),
        }
    }
}

fn unreadable(advice: impl Into<String>) -> ImportRefusal {
    ImportRefusal {
        part: None,
        words: INVALID.to_owned(),
        advice: advice.into(),
    }
}

/// The verb of an operation's key in a path item; `None` for what is no operation.
#[must_use]
pub fn verb(key: &str) -> Option<&'static str> {
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

/// Everything in a definition that API Gateway refuses.
#[must_use]
pub fn refusals(document: &Value) -> Vec<ImportRefusal> {
    let mut found = Vec::new();
    found.extend(version(document));
    match document.get("paths").and_then(Value::as_object) {
        None => found.push(unreadable("no `paths`")),
        Some(paths) => {
            for (path, item) in paths.iter().filter(|(path, _)| !path.starts_with("x-")) {
                of_path(document, path, item, &mut found);
            }
        }
    }
    dangling(document, document, "", &mut found);
    found.extend(models(document));
    found.extend(compression(document));
    found
}

/// The models whose name API Gateway refuses: an import makes one of each schema, also where no operation uses it.
fn models(document: &Value) -> Vec<ImportRefusal> {
    let (place, schemas) = match document.get("definitions") {
        Some(schemas) => ("definitions", schemas),
        None => ("components.schemas", &document["components"]["schemas"]),
    };
    let names = schemas.as_object().into_iter().flat_map(Map::keys);
    let is_plain = |name: &str| name.bytes().all(|it| it.is_ascii_alphanumeric());
    let refused = names.filter(|it| !is_plain(it)).map(|name| {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let another = match plain.as_str() {
            "" => String::new(),
            plain => format!(", such as `{plain}`,"),
        };
        ImportRefusal {
            part: Some(("model", String::new(), name.clone())),
            words: format!("Model name must be alphanumeric: {name}"),
            advice: format!(
                "`{place}.{name}`: Model name must be alphanumeric: give it a name of letters and digits only{another} here \
                 and in every `$ref` to it"
            ),
        }
    });
    refused.collect()
}

/// The largest body that an API can be told to leave as it is, in bytes.
pub const COMPRESSION: u32 = 10_485_760;

/// Says that a body is compressed from a size on that API Gateway does not take.
#[must_use]
pub fn bad_compression() -> String {
    format!("Invalid minimum compression size, must be between 0 and {COMPRESSION}")
}

fn compression(document: &Value) -> Option<ImportRefusal> {
    let name = "x-amazon-apigateway-minimum-compression-size";
    let size = document.get(name).filter(|it| !it.is_null())?;
    let fits = size.as_u64().is_some_and(|it| it <= u64::from(COMPRESSION));
    (!fits).then(|| ImportRefusal {
        part: Some(("api", String::new(), String::new())),
        words: bad_compression(),
        advice: format!(
            "`{name}` is `{size}`: write a whole number from 0 to {COMPRESSION}, without quotes"
        ),
    })
}

/// The operations that API Gateway refuses in an edge-optimized API: those that wait longer than its quota, which is not raised.
///
/// See <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html>.
#[must_use]
pub fn edge_refusals(document: &Value) -> Vec<ImportRefusal> {
    let mut found = Vec::new();
    let paths = document["paths"].as_object().into_iter().flatten();
    for (path, item) in paths {
        for (name, operation) in item.as_object().into_iter().flatten() {
            let timeout = &operation["x-amazon-apigateway-integration"]["timeoutInMillis"];
            if let (Some(verb), true) = (verb(name), timeout.as_u64() > Some(EDGE_MS)) {
                found.push(ImportRefusal {
                    part: Some(("integration", verb.to_owned(), path.clone())),
                    words: BAD_TIMEOUT.to_owned(),
                    advice: format!(
                        "`{verb} {path}`: `timeoutInMillis` is {timeout}, and edge APIs wait {EDGE_MS} at most"
                    ),
                });
            }
        }
    }
    found
}

/// Where the models of an API have their addresses, by which a schema may name them.
const MODELS: &str = "https://apigateway.amazonaws.com/restapis/";

/// Returns what is wrong with a reference.
///
/// API Gateway is given one document and reads no other; what it names elsewhere would be missing without a word.
fn of_reference(document: &Value, reference: &str) -> Option<&'static str> {
    let Some(pointer) = reference.strip_prefix('#') else {
        let elsewhere = "is outside of the document, and API Gateway reads no other: put what it names into the document";
        return (!reference.starts_with(MODELS)).then_some(elsewhere);
    };
    if pointer.contains('%') {
        return None;
    }
    let mut seen = BTreeSet::from([pointer]);
    let mut next = document.pointer(pointer);
    if next.is_none() {
        return Some("is not in the document");
    }
    while let Some(again) = next.and_then(|it| it.get("$ref")?.as_str()) {
        let again = again.strip_prefix('#')?;
        if !seen.insert(again) {
            return Some("leads back to itself: write out what it stands for");
        }
        next = document.pointer(again);
    }
    None
}

/// References that lead to nothing; examples may hold anything.
fn dangling(document: &Value, value: &Value, at: &str, found: &mut Vec<ImportRefusal>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref")
                && let Some(wrong) = of_reference(document, reference)
            {
                found.push(unreadable(format!("{at}: `$ref: {reference}` {wrong}")));
            }
            for (name, it) in fields {
                if !matches!(name.as_str(), "example" | "examples" | "default" | "enum") {
                    let at = if at.is_empty() {
                        name.clone()
                    } else {
                        format!("{at}.{name}")
                    };
                    dangling(document, it, &at, found);
                }
            }
        }
        Value::Array(items) => {
            for (index, it) in items.iter().enumerate() {
                dangling(document, it, &format!("{at}[{index}]"), found);
            }
        }
        _ => {}
    }
}

/// A text, or a number as its text.
#[must_use]
pub fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(it) => Some(it.clone()),
        Value::Number(it) => Some(it.to_string()),
        _ => None,
    }
}

fn version(document: &Value) -> Option<ImportRefusal> {
    let of = |name: &str| text(document.get(name)).unwrap_or_default();
    let (openapi, swagger) = (of("openapi"), of("swagger"));
    if swagger == "2.0" || openapi == "3.0" || openapi.starts_with("3.0.") {
        return None;
    }
    Some(unreadable(if openapi.starts_with("3.") {
        format!(
            "it is OpenAPI {openapi}, and API Gateway imports 3.0 and Swagger 2.0 only: write `openapi: 3.0.3`, and what 3.1 \
             changed as 3.0 has it, such as `nullable: true` for `type: [string, \"null\"]`"
        )
    } else {
        "neither `openapi: 3.0.…` nor `swagger: \"2.0\"`".to_owned()
    }))
}

fn of_path(document: &Value, path: &str, item: &Value, found: &mut Vec<ImportRefusal>) {
    let (Some(item), true) = (item.as_object(), path.starts_with('/')) else {
        return found.push(unreadable(format!("`{path}` is not a path with an object")));
    };
    let parts: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
    let full = format!("/{}", parts.join("/"));
    let mut refuse = |part: &'static str, verb: &str, words: String, advice: String| {
        found.push(ImportRefusal {
            part: Some((part, verb.to_owned(), full.clone())),
            words,
            advice,
        });
    };

    if !parts.iter().all(|it| is_path_part(it)) {
        refuse(
            "resource",
            "",
            "Resource's path part only allow a-zA-Z0-9._-,: or a valid greedy path variable and curly braces at the \
             beginning and the end."
                .to_owned(),
            String::new(),
        );
    }
    let above = parts.split_last().map_or(&[][..], |it| it.1);
    if let Some(greedy) = above.iter().find(|it| it.ends_with("+}")) {
        let words = "Cannot create a child of a resource with a greedy path variable";
        refuse("resource", "", format!("{words}: {greedy}"), String::new());
    }
    for (key, operation) in item {
        let Some(verb) = verb(key) else { continue };
        let Some(operation) = operation.as_object() else {
            refuse(
                "method",
                verb,
                "the operation is not an object".to_owned(),
                String::new(),
            );
            continue;
        };
        if let Some(auth) = operation.get("x-amazon-apigateway-auth")
            && !is_authorization(&text(auth.get("type")).unwrap_or_default().to_uppercase())
        {
            refuse(
                "method",
                verb,
                "Invalid authorization type specified".to_owned(),
                String::new(),
            );
        } else if !has_authorizer(document, operation) {
            let kind = Authorization::of(document, operation).kind;
            let advice = format!(
                "`x-amazon-apigateway-auth` says `{kind}`, and no security scheme of the operation defines the authorizer: leave \
                 `x-amazon-apigateway-auth` out, and name a scheme with `x-amazon-apigateway-authorizer` under `security`"
            );
            refuse("method", verb, BAD_AUTHORIZER.to_owned(), advice);
        }
        let integration = match operation.get("x-amazon-apigateway-integration") {
            // A method without one is made, and cannot be deployed.
            None | Some(Value::Null) => continue,
            Some(Value::Object(integration)) => integration,
            Some(_) => {
                refuse(
                    "integration",
                    verb,
                    "the integration is not an object".to_owned(),
                    String::new(),
                );
                continue;
            }
        };
        let parameters = declared_parameters(document, item, operation);
        if let Some((part, words)) = of_integration(document, integration, &parameters, operation) {
            let advice = advice(integration, operation, &words).unwrap_or_default();
            refuse(part, verb, words, advice);
        }
        if let Some(name) = undefined_validator(document, operation) {
            let advice = format!(
                "`{VALIDATOR}: {name}` names none of the document's `{VALIDATOR}s`: define it there, or leave it out"
            );
            refuse("method", verb, BAD_VALIDATOR.to_owned(), advice);
        }
    }
}

/// API Gateway's words for a method that names no authorizer and is to have one.
const BAD_AUTHORIZER: &str = "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or \
                              COGNITO_USER_POOLS requires a valid authorizer.";

/// The key by which a document or an operation names its request validator.
const VALIDATOR: &str = "x-amazon-apigateway-request-validator";

/// API Gateway's words for a request validator that an API does not have.
const BAD_VALIDATOR: &str = "Invalid Request Validator identifier specified";

/// Returns the request validator that an operation asks for and the document does not define.
///
/// See <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-request-validator.html>.
fn undefined_validator(document: &Value, operation: &Map<String, Value>) -> Option<String> {
    let named = operation.get(VALIDATOR).or_else(|| document.get(VALIDATOR));
    let name = text(named)?;
    let defined = document.get(format!("{VALIDATOR}s").as_str());
    defined
        .and_then(|it| it.get(&name))
        .is_none()
        .then_some(name)
}

/// Returns what to write in the place of an integration that API Gateway refuses with these words, where they do not say it.
fn advice(
    integration: &Map<String, Value>,
    operation: &Map<String, Value>,
    words: &str,
) -> Option<String> {
    match words {
        BAD_STATUS => Some(match undeclared_answer(integration, operation)? {
            (answer, Some(status)) => format!(
                "its integration answers `{status}` (`responses.{answer}.statusCode`): declare `\"{status}\"` under the \
                 operation's own `responses`"
            ),
            (answer, None) => format!(
                "its integration's `responses.{answer}` has no `statusCode`: write one that the operation's own `responses` declares"
            ),
        }),
        NO_ROLE => Some(
            "its integration has no `credentials`: write the ARN of a role there that trusts `apigateway.amazonaws.com` and \
             may call the service; only a Lambda function can let API Gateway in itself".to_owned(),
        ),
        BAD_TYPE if integration.contains_key("$ref") => Some(
            "its integration is a `$ref`, and API Gateway follows none there: write the integration out".to_owned(),
        ),
        BAD_TYPE => Some(format!(
            "`type` of its integration is {}: write `http`, `http_proxy`, `aws`, `aws_proxy` or `mock`",
            integration.get("type").map_or_else(|| "missing".to_owned(), |it| format!("`{it}`"))
        )),
        BAD_TIMEOUT => match integration.get("timeoutInMillis")? {
            Value::String(it) if it.parse::<u64>().is_ok() => {
                Some(format!("`timeoutInMillis` is a text: write the number, `{it}`, without quotes"))
            }
            it => Some(format!("`timeoutInMillis` is `{it}`: write a number from 50 to {EDGE_MS}, or to {LONGEST_MS} where the quota is raised")),
        },
        _ => None,
    }
}

/// Returns the first answer of an integration whose status its operation does not declare, with that status.
fn undeclared_answer<'a>(
    integration: &'a Map<String, Value>,
    operation: &Map<String, Value>,
) -> Option<(&'a String, Option<String>)> {
    let declared = operation.get("responses");
    let answers = integration.get("responses")?.as_object()?.iter();
    let statuses = answers.map(|(name, it)| (name, text(it.get("statusCode"))));
    let known = |status: &String| declared.is_some_and(|it| it.get(status).is_some());
    statuses
        .into_iter()
        .find(|(_, status)| !status.as_ref().is_some_and(known))
}

/// A part of a path: plain characters, `{name}`, or `{name+}`.
fn is_path_part(part: &str) -> bool {
    let plain = |text: &str| {
        let mut bytes = text.bytes();
        !text.is_empty() && bytes.all(|it| it.is_ascii_alphanumeric() || b"._-:,".contains(&it))
    };
    match part.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
        Some(name) => plain(name.strip_suffix('+').unwrap_or(name)),
        None => plain(part),
    }
}

/// The parameters that a method declares, as mappings name them; `$ref` to the document's own are followed.
#[must_use]
pub fn declared_parameters(
    document: &Value,
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
        .map(|it| resolved(document, &it).clone())
        .filter_map(|it| {
            let place = match it.get("in")?.as_str()? {
                "path" => "path",
                "query" => "querystring",
                "header" => "header",
                _ => return None,
            };
            let name = it.get("name")?.as_str()?;
            Some(format!("method.request.{place}.{name}"))
        })
        .collect()
}

/// What a `$ref` names, perhaps by way of others, or the value itself where it is none.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let mut found = value;
    // A chain that is longer than this leads back to itself, which is refused.
    for _ in 0..16 {
        let reference = found.get("$ref").and_then(Value::as_str);
        let pointer = reference.and_then(|it| it.strip_prefix('#'));
        match pointer.and_then(|it| document.pointer(it)) {
            Some(next) => found = next,
            None => break,
        }
    }
    found
}

/// The longest that an integration may wait, in milliseconds: regional and private APIs may have their
/// quota of 29,000 raised as far.
pub const LONGEST_MS: u64 = 300_000;

/// The longest that an integration of an edge-optimized API may wait, in milliseconds.
pub const EDGE_MS: u64 = 29_000;

/// API Gateway's words for an integration that may wait too long, or hardly at all.
pub const BAD_TIMEOUT: &str = "Timeout should be between 50 ms and 29000 ms";

/// API Gateway's words for an integration of a type that it does not have.
const BAD_TYPE: &str = "Invalid integration type specified";

/// API Gateway's words for an integration that calls a service under no role.
const NO_ROLE: &str = "Role ARN must be specified for AWS integrations";

/// API Gateway's words for an answer whose status the method does not declare.
const BAD_STATUS: &str = "Invalid response status code specified";

/// The part of an operation that is refused for its integration, and why.
fn of_integration(
    document: &Value,
    source: &Map<String, Value>,
    parameters: &BTreeSet<String>,
    operation: &Map<String, Value>,
) -> Option<(&'static str, String)> {
    let refused = |words: &str| Some(("integration", words.to_owned()));
    let upper = |name: &str| text(source.get(name)).map(|it| it.to_uppercase());
    let kind = upper("type").unwrap_or_default();
    if !matches!(
        kind.as_str(),
        "HTTP" | "HTTP_PROXY" | "AWS" | "AWS_PROXY" | "MOCK"
    ) {
        return refused(BAD_TYPE);
    }
    if kind != "MOCK" {
        let uri = text(source.get("uri")).unwrap_or_default();
        if kind.starts_with("HTTP") && !uri.starts_with("http://") && !uri.starts_with("https://") {
            return refused("Invalid HTTP endpoint specified for URI");
        }
        if kind.starts_with("AWS") && !is_action(&uri) {
            return refused("AWS ARN for integration must contain path or action");
        }
        // A function's own policy can let API Gateway in; every other service is called under a role.
        let of_lambda = uri.split(':').nth(4) == Some("lambda");
        if kind.starts_with("AWS") && !of_lambda && text(source.get("credentials")).is_none() {
            return refused(NO_ROLE);
        }
        if upper("httpMethod").is_none() {
            return refused("Integration method must be specified");
        }
    }
    if let Some(timeout) = source.get("timeoutInMillis")
        && !timeout
            .as_u64()
            .is_some_and(|it| (50..=LONGEST_MS).contains(&it))
    {
        return refused(BAD_TIMEOUT);
    }
    let passthrough = upper("passthroughBehavior");
    if !matches!(
        passthrough.as_deref(),
        None | Some("WHEN_NO_MATCH" | "WHEN_NO_TEMPLATES" | "NEVER")
    ) {
        return refused("Invalid passthrough behavior specified");
    }
    let credentials = text(source.get("credentials"));
    if credentials.is_some_and(|it| !it.starts_with("arn:")) {
        return refused("Invalid ARN specified in the request");
    }
    if let Some(words) = of_connection(source, &kind) {
        return refused(words);
    }
    let mappings = source.get("requestParameters").and_then(Value::as_object);
    for (target, value) in mappings.into_iter().flatten() {
        // API Gateway leaves out what is no text, with a warning.
        let Some(value) = value.as_str() else {
            continue;
        };
        // A mapping may only take what the method declares.
        let undeclared = rest_of(
            value,
            "method.request.",
            &["path.", "querystring.", "header."],
        )
        .is_some()
            && !parameters.contains(value);
        let wrong = if is_request_target(target) {
            (undeclared || !is_request_source(value)).then_some(value)
        } else {
            Some(target.as_str())
        };
        if let Some(wrong) = wrong {
            return refused(&bad_mapping(wrong));
        }
    }
    let answers = operation.get("responses").and_then(Value::as_object);
    let given = source.get("responses").and_then(Value::as_object);
    // A proxy passes on what it gets.
    for response in given
        .into_iter()
        .flatten()
        .filter(|_| !kind.ends_with("_PROXY"))
    {
        let status = text(response.1.get("statusCode")).unwrap_or_default();
        let refused = |words: String| Some(("integration response", words));
        let Some(answer) = answers.and_then(|it| it.get(&status)) else {
            return refused(BAD_STATUS.to_owned());
        };
        if !is_content_handling(response.1) {
            return refused("Invalid content handling specified".to_owned());
        }
        let headers = resolved(document, answer).get("headers");
        let mappings = response
            .1
            .get("responseParameters")
            .and_then(Value::as_object);
        for (target, value) in mappings.into_iter().flatten() {
            let Some(value) = value.as_str() else {
                continue;
            };
            let named = target.strip_prefix("method.response.header.");
            let mut declared = headers.and_then(Value::as_object).into_iter().flatten();
            // The method's answer declares each header.
            let fits =
                named.is_some_and(|it| declared.any(|(name, _)| name.eq_ignore_ascii_case(it)));
            if !fits || !is_response_source(value) {
                return refused(bad_mapping(if fits { value } else { target }));
            }
        }
    }
    None
}

fn bad_mapping(what: &str) -> String {
    format!(
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression \
         parameter specified: {what}]"
    )
}

/// Why an integration's connection and content handling are refused.
fn of_connection(source: &Map<String, Value>, kind: &str) -> Option<&'static str> {
    let given = |name: &str| text(source.get(name)).filter(|it| !it.is_empty());
    let connection = given("connectionType").map(|it| it.to_uppercase());
    match connection.as_deref() {
        Some("VPC_LINK") if kind != "MOCK" && given("connectionId").is_none() => {
            return Some("A VPC link integration must have a connection id");
        }
        None | Some("INTERNET" | "VPC_LINK") => {}
        Some(_) => return Some("Invalid connection type specified"),
    }
    (!is_content_handling(&Value::Object(source.clone())))
        .then_some("Invalid content handling specified")
}

fn is_content_handling(source: &Value) -> bool {
    match source.get("contentHandling") {
        None | Some(Value::Null) => true,
        Some(it) => it.as_str().is_some_and(|it| {
            let known = ["CONVERT_TO_BINARY", "CONVERT_TO_TEXT"];
            known.iter().any(|known| it.eq_ignore_ascii_case(known))
        }),
    }
}

/// What follows a beginning and one of several words behind it, unless that is nothing.
fn rest_of<'a>(text: &'a str, beginning: &str, words: &[&str]) -> Option<&'a str> {
    let rest = text.strip_prefix(beginning)?;
    let behind = |word: &&str| rest.strip_prefix(*word);
    words.iter().find_map(behind).filter(|it| !it.is_empty())
}

const PLACES: [&str; 5] = [
    "path.",
    "querystring.",
    "header.",
    "multivaluequerystring.",
    "multivalueheader.",
];

/// A parameter of the request to the backend: `integration.request.header.x`.
fn is_request_target(text: &str) -> bool {
    rest_of(text, "integration.request.", &PLACES).is_some()
}

/// What a request's parameter may take: what the method was sent, a text in quotes, or a variable.
///
/// See <https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html>.
fn is_request_source(text: &str) -> bool {
    rest_of(text, "method.request.", &PLACES).is_some()
        || text
            .strip_prefix("method.request.body")
            .is_some_and(is_path_of_body)
        || is_constant(text)
}

/// What an answer's header may take.
fn is_response_source(text: &str) -> bool {
    rest_of(
        text,
        "integration.response.",
        &["header.", "multivalueheader."],
    )
    .is_some()
        || text
            .strip_prefix("integration.response.body")
            .is_some_and(is_path_of_body)
        || is_constant(text)
}

fn is_path_of_body(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with(['.', '['])
}

fn is_constant(text: &str) -> bool {
    let quoted = text.strip_prefix('\'').and_then(|it| it.strip_suffix('\''));
    quoted.is_some() || rest_of(text, "", &["context.", "stageVariables."]).is_some()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The refusals of a definition with one operation, whose fields are given.
    fn refused(path: &str, operation: &str) -> Vec<String> {
        let operation: Value = serde_json::from_str(operation).expect("JSON");
        let document = serde_json::json!({
            "openapi": "3.0.1",
            "components": {
                "parameters": {"id": {"name": "id", "in": "path", "required": true}},
                "responses": {"ok": {"headers": {"X-A": {}, "X-B": {}}}},
            },
            "paths": {"x-owner": {"team": "shop"}, path: {"get": operation}},
        });
        refusals(&document)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn of(integration: &str) -> Vec<String> {
        let operation = format!(
            r##"{{"parameters": [{{"$ref": "#/components/parameters/id"}}], "responses": {{"200": {{"$ref": "#/components/responses/ok"}}}}, "x-amazon-apigateway-integration": {integration}}}"##
        );
        refused("/items/{id}", &operation)
    }

    #[test]
    fn an_integration_has_what_its_type_needs() {
        for good in [
            r#"{"type": "mock", "responses": {"default": {"statusCode": "200"}}}"#,
            r#"{"type": "http_proxy", "httpMethod": "ANY", "uri": "https://x.example.com", "requestParameters": {"integration.request.path.id": "method.request.path.id"}}"#,
            r#"{"type": "AWS_PROXY", "httpMethod": "POST", "uri": "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/x/invocations"}"#,
            r#"{"type": "mock", "timeoutInMillis": 60000, "contentHandling": "convert_to_text", "connectionType": "INTERNET"}"#,
            r#"{"type": "http_proxy", "httpMethod": "GET", "uri": "http://x.example.com", "connectionType": "vpc_link", "connectionId": "${stageVariables.link}"}"#,
            r#"{"type": "mock", "requestParameters": {"integration.request.header.a": "'x'", "integration.request.querystring.b": "context.requestId", "integration.request.multivalueheader.c": "method.request.multivalueheader.c", "integration.request.header.d": "stageVariables.d", "integration.request.header.e": "method.request.body.a.b", "integration.request.header.f": "method.request.body", "integration.request.header.g": 5}}"#,
            r#"{"type": "mock", "responses": {"default": {"statusCode": "200", "contentHandling": "CONVERT_TO_BINARY", "responseParameters": {"method.response.header.X-A": "'*'", "method.response.header.x-a": "integration.response.header.a", "method.response.header.X-B": "integration.response.body.b"}}}}"#,
            // What a proxy's answers say is passed over.
            r#"{"type": "http_proxy", "httpMethod": "GET", "uri": "http://x.example.com", "responses": {"default": {"statusCode": "500"}}}"#,
        ] {
            assert_eq!(of(good), Vec::<String>::new(), "{good}");
        }
        for (bad, words) in [
            (
                r#"{"type": "lambda"}"#,
                "integration on 'GET' for resource at path '/items/{id}': Invalid integration type specified",
            ),
            (
                r#"{"type": "aws_proxy", "httpMethod": "POST", "uri": {"Fn::Sub": "x"}}"#,
                "integration on 'GET' for resource at path '/items/{id}': AWS ARN for integration must contain path or action",
            ),
            (
                r#"{"type": "http", "uri": "x.example.com"}"#,
                "integration on 'GET' for resource at path '/items/{id}': Invalid HTTP endpoint specified for URI",
            ),
            (
                r#"{"type": "http_proxy", "uri": "https://x.example.com"}"#,
                "integration on 'GET' for resource at path '/items/{id}': Integration method must be specified",
            ),
            (
                r#"{"type": "mock", "timeoutInMillis": 5}"#,
                "integration on 'GET' for resource at path '/items/{id}': Timeout should be between 50 ms and 29000 ms",
            ),
            (
                r#"{"type": "mock", "timeoutInMillis": 300001}"#,
                "integration on 'GET' for resource at path '/items/{id}': Timeout should be between 50 ms and 29000 ms",
            ),
            (
                r#"{"type": "mock", "timeoutInMillis": "soon"}"#,
                "integration on 'GET' for resource at path '/items/{id}': Timeout should be between 50 ms and 29000 ms",
            ),
            (
                r#""mock""#,
                "integration on 'GET' for resource at path '/items/{id}': the integration is not an object",
            ),
            (
                r#"{"type": "http", "httpMethod": "GET", "uri": "http://x.example.com", "connectionType": "VPC_LINK", "connectionId": ""}"#,
                "integration on 'GET' for resource at path '/items/{id}': A VPC link integration must have a connection id",
            ),
            (
                r#"{"type": "mock", "connectionType": "VPN"}"#,
                "integration on 'GET' for resource at path '/items/{id}': Invalid connection type specified",
            ),
            (
                r#"{"type": "mock", "contentHandling": "BINARY"}"#,
                "integration on 'GET' for resource at path '/items/{id}': Invalid content handling specified",
            ),
            (
                r#"{"type": "mock", "responses": {"default": {"statusCode": "200", "contentHandling": "BINARY"}}}"#,
                "integration response on 'GET' for resource at path '/items/{id}': Invalid content handling specified",
            ),
            (
                r#"{"type": "mock", "passthroughBehavior": "always"}"#,
                "integration on 'GET' for resource at path '/items/{id}': Invalid passthrough behavior specified",
            ),
            (
                r#"{"type": "mock", "credentials": "caller"}"#,
                "integration on 'GET' for resource at path '/items/{id}': Invalid ARN specified in the request",
            ),
            (
                r#"{"type": "mock", "requestParameters": {"integration.request.path.x": "method.request.path.x"}}"#,
                "integration on 'GET' for resource at path '/items/{id}': Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: method.request.path.x]",
            ),
            (
                r#"{"type": "mock", "responses": {"default": {"statusCode": 404}}}"#,
                "integration response on 'GET' for resource at path '/items/{id}': Invalid response status code specified",
            ),
        ] {
            assert_eq!(of(bad), [format!("Unable to put {words}")], "{bad}");
        }
    }

    #[test]
    fn a_mapping_takes_what_the_request_or_the_answer_has() {
        let wrong =
            |what: &str| format!("[Invalid mapping expression parameter specified: {what}]");
        for (target, value, refused) in [
            ("integration.request.header.a", "x", "x"),
            ("integration.request.header.a", "'x", "'x"),
            ("integration.request.header.a", "", ""),
            ("integration.request.header.a", "context.", "context."),
            (
                "integration.request.header.a",
                "stageVariable.x",
                "stageVariable.x",
            ),
            (
                "integration.request.header.a",
                "method.request.cookie.x",
                "method.request.cookie.x",
            ),
            (
                "integration.request.header.a",
                "integration.response.header.x",
                "integration.response.header.x",
            ),
            (
                "integration.request.body.a",
                "'x'",
                "integration.request.body.a",
            ),
            (
                "integration.request.header.",
                "'x'",
                "integration.request.header.",
            ),
            ("method.request.header.a", "'x'", "method.request.header.a"),
        ] {
            let found = of(&format!(
                r#"{{"type": "mock", "requestParameters": {{"{target}": "{value}"}}}}"#
            ));
            assert!(
                found[0].ends_with(&wrong(refused)),
                "{target}: {value}: {found:?}"
            );
        }
        for (target, value, refused) in [
            ("method.response.header.X-A", "*", "*"),
            (
                "method.response.header.X-A",
                "method.request.header.a",
                "method.request.header.a",
            ),
            (
                "method.response.header.X-C",
                "'*'",
                "method.response.header.X-C",
            ),
            (
                "integration.response.header.X-A",
                "'*'",
                "integration.response.header.X-A",
            ),
        ] {
            let found = of(&format!(
                r#"{{"type": "mock", "responses": {{"default": {{"statusCode": "200", "responseParameters": {{"{target}": "{value}"}}}}}}}}"#
            ));
            assert!(
                found[0].ends_with(&wrong(refused)),
                "{target}: {value}: {found:?}"
            );
        }
    }

    #[test]
    fn a_reference_is_to_a_part_of_the_document() {
        let of = |reference: &str| {
            let document = serde_json::json!({
                "openapi": "3.0.1",
                "components": {"schemas": {"a": {"type": "object"}, "b": {"example": {"$ref": "#/not/one"}}}},
                "paths": {"/a": {"get": {
                    "requestBody": {"content": {"application/json": {"schema": {"$ref": reference}}}},
                    "x-amazon-apigateway-integration": {"type": "mock"},
                }}},
            });
            refusals(&document)
                .into_iter()
                .map(|it| it.advice)
                .collect::<Vec<_>>()
        };
        for good in [
            "#/components/schemas/a",
            "https://apigateway.amazonaws.com/restapis/abc/models/a",
        ] {
            assert_eq!(of(good), [""; 0], "{good}");
        }
        assert_eq!(
            of("#/components/schemas/c"),
            [
                "paths./a.get.requestBody.content.application/json.schema: `$ref: #/components/schemas/c` is not in the document"
            ]
        );
    }

    #[test]
    fn a_reference_stays_in_the_document_and_ends() {
        let of = |parameters: Value| {
            let document = serde_json::json!({
                "openapi": "3.0.1",
                "components": {"parameters": parameters, "schemas": {"tree": {"properties": {"leaf": {"$ref": "#/components/schemas/tree"}}}}},
                "paths": {"/a/{id}": {"get": {
                    "parameters": [{"$ref": "#/components/parameters/id"}],
                    "x-amazon-apigateway-integration": {
                        "type": "mock", "requestParameters": {"integration.request.header.x": "method.request.path.id"},
                    },
                }}},
            });
            let all = refusals(&document).into_iter();
            all.map(|it| it.advice)
                .filter(|it| !it.is_empty())
                .collect::<Vec<_>>()
                .join("\n")
        };
        let id = serde_json::json!({"name": "id", "in": "path", "required": true});
        let to = |name: &str| serde_json::json!({"$ref": name});
        assert_eq!(of(serde_json::json!({"id": id})), "");
        let chain = serde_json::json!({"id": to("#/components/parameters/one"), "one": id});
        assert_eq!(of(chain), "", "by way of another");
        for (there, words) in [
            (to("#/components/parameters/id"), "leads back to itself"),
            (to("parts.yaml#/id"), "outside of the document"),
            (
                to("https://example.com/parts.json#/id"),
                "outside of the document",
            ),
        ] {
            let found = of(serde_json::json!({"id": there}));
            assert!(found.contains(words), "{found}");
        }
        let ring = of(serde_json::json!({
            "id": to("#/components/parameters/b"), "b": to("#/components/parameters/id"),
        }));
        assert!(ring.contains("leads back to itself"), "{ring}");
    }

    #[test]
    fn a_request_validator_is_one_that_the_document_defines() {
        let of = |root: Value, own: Value| {
            let document = serde_json::json!({
                "openapi": "3.0.1", VALIDATOR: root,
                "x-amazon-apigateway-request-validators": {"all": {"validateRequestBody": true}},
                "paths": {"/a": {"get": {VALIDATOR: own, "x-amazon-apigateway-integration": {"type": "mock"}}}},
            });
            refusals(&document)
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        let refused = [format!(
            "Unable to put method on 'GET' for resource at path '/a': {BAD_VALIDATOR}"
        )];
        assert_eq!(of("all".into(), "all".into()), [""; 0]);
        assert_eq!(
            of("none".into(), "all".into()),
            [""; 0],
            "no operation uses the root's"
        );
        assert_eq!(of("all".into(), "none".into()), refused);
    }

    #[test]
    fn a_model_has_a_name_of_letters_and_digits() {
        let of = |document: Value| {
            let all = refusals(&document).into_iter();
            all.map(|it| (it.to_string(), it.advice))
                .collect::<Vec<_>>()
        };
        let three = |name: &str| serde_json::json!({"openapi": "3.0.1", "paths": {}, "components": {"schemas": {name: {}}}});
        for good in ["Order", "order2", "2"] {
            assert!(of(three(good)).is_empty(), "{good}");
        }
        for bad in [
            "Order_Item",
            "My-Model1",
            "api.Order",
            "Bestellung-ä",
            "a b",
            "_",
        ] {
            let found = of(three(bad));
            let words = format!(
                "Unable to create model for '{bad}': Model name must be alphanumeric: {bad}"
            );
            assert_eq!(found[0].0, words);
            assert!(
                found[0]
                    .1
                    .starts_with(&format!("`components.schemas.{bad}`: ")),
                "{found:?}"
            );
        }
        assert!(of(three("api.Order"))[0].1.contains("such as `apiOrder`"));
        let two = of(
            serde_json::json!({"swagger": "2.0", "paths": {}, "definitions": {"a.b": {}, "c_d": {}, "e": {}}}),
        );
        assert_eq!(two.len(), 2, "{two:?}");
        assert!(two[0].1.starts_with("`definitions.a.b`: "), "{two:?}");
    }

    #[test]
    fn an_integration_with_a_service_names_a_role() {
        let uri = |to: &str| format!("arn:aws:apigateway:eu-west-1:{to}");
        let call = |kind: &str, to: &str, more: &str| {
            of(&format!(
                r#"{{"type": "{kind}", "httpMethod": "POST", "uri": "{}"{more}}}"#,
                uri(to)
            ))
        };
        let role = r#", "credentials": "arn:aws:iam::111111111111:role/r""#;
        let function = "lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111111111111:function:f/invocations";
        for to in [
            "sns:action/Publish",
            "sqs:path/111111111111/q",
            "dynamodb:action/Query",
            "bucket.s3:path/x",
        ] {
            for kind in ["aws", "AWS_PROXY"] {
                let refused = format!(
                    "Unable to put integration on 'GET' for resource at path '/items/{{id}}': {NO_ROLE}"
                );
                assert_eq!(call(kind, to, ""), [refused.as_str()], "{kind} {to}");
                assert_eq!(
                    call(kind, to, r#", "credentials": null"#),
                    [refused.as_str()],
                    "{kind} {to}"
                );
                assert_eq!(call(kind, to, role), [""; 0], "{kind} {to}");
            }
        }
        assert_eq!(call("aws_proxy", function, ""), [""; 0]);
    }

    #[test]
    fn a_part_of_a_path_holds_commas_and_no_tilde() {
        for good in ["/a,b", "/a:b.c_d-e", "/{id}", "/{rest+}", "/"] {
            assert_eq!(refused(good, "{}"), Vec::<String>::new(), "{good}");
        }
        for bad in ["/a~b", "/a b", "/x{id}"] {
            assert!(
                refused(bad, "{}")[0].starts_with("Unable to create resource at path"),
                "{bad}"
            );
        }
        assert_eq!(refused("items", "{}"), [INVALID]);
    }

    #[test]
    fn only_three_point_zero_and_swagger_are_read() {
        let of = |field: &str, version: Value| {
            let document = serde_json::json!({field: version, "paths": {}});
            refusals(&document)
        };
        for (field, version) in [("openapi", "3.0.1"), ("openapi", "3.0"), ("swagger", "2.0")] {
            assert!(of(field, version.into()).is_empty(), "{version}");
        }
        for version in ["3.1.0", "3.2.0", "3.1"] {
            let found = of("openapi", version.into());
            assert!(
                found[0]
                    .advice
                    .starts_with(&format!("it is OpenAPI {version}")),
                "{found:?}"
            );
        }
        assert_eq!(of("swagger", "1.2".into())[0].words, INVALID);
    }
}
