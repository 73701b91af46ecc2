//! What API Gateway refuses in an API's definition when it imports one: `OpenAPI` 3.0 and Swagger 2.0.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html> for what a
//! path may hold, and <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-integration.html>
//! for integrations.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value};

/// Something in a definition that API Gateway refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRefusal {
    /// Which part: `integration`, `method`; `None` where nothing of the definition is read.
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
            None => out.write_str(&self.words),
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
    found
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
    let mut refuse = |part: &'static str, verb: &str, words: String| {
        found.push(ImportRefusal {
            part: Some((part, verb.to_owned(), full.clone())),
            words,
            advice: String::new(),
        });
    };
    if !parts.iter().all(|it| is_path_part(it)) {
        refuse(
            "resource",
            "",
            "Resource's path part only allow a-zA-Z0-9._-,: or a valid greedy path variable and curly braces at the \
             beginning and the end."
                .to_owned(),
        );
    }
    for (key, operation) in item {
        let Some(verb) = verb(key) else { continue };
        let Some(operation) = operation.as_object() else {
            refuse("method", verb, "the operation is not an object".to_owned());
            continue;
        };
        if let Some(auth) = operation.get("x-amazon-apigateway-auth")
            && !is_authorization(&text(auth.get("type")).unwrap_or_default().to_uppercase())
        {
            refuse(
                "method",
                verb,
                "Invalid authorization type specified".to_owned(),
            );
        }
        let Some(integration) = operation
            .get("x-amazon-apigateway-integration")
            .and_then(Value::as_object)
        else {
            continue;
        };
        let parameters = declared_parameters(document, item, operation);
        if let Some((part, words)) = of_integration(integration, &parameters, operation) {
            refuse(part, verb, words);
        }
    }
}

/// Whether this is a type of authorization.
#[must_use]
pub fn is_authorization(kind: &str) -> bool {
    matches!(kind, "NONE" | "AWS_IAM" | "CUSTOM" | "COGNITO_USER_POOLS")
}

/// Whether a security scheme is the one by which API Gateway asks for an API key.
///
/// A key in any other header is a header like any other to it.
#[must_use]
pub fn is_api_key(scheme: &Value) -> bool {
    scheme["type"] == "apiKey"
        && scheme["in"] == "header"
        && scheme["name"]
            .as_str()
            .is_some_and(|it| it.eq_ignore_ascii_case("x-api-key"))
        && scheme.get("x-amazon-apigateway-authtype").is_none()
        && scheme.get("x-amazon-apigateway-authorizer").is_none()
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
    let resolved = |it: Value| match it.get("$ref").and_then(Value::as_str) {
        Some(reference) => {
            let pointer = reference.strip_prefix('#').unwrap_or_default();
            document.pointer(pointer).cloned().unwrap_or(it)
        }
        None => it,
    };
    of(item)
        .into_iter()
        .chain(of(operation))
        .map(resolved)
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

/// The part of an operation that is refused for its integration, and why.
fn of_integration(
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
        return refused("Invalid integration type specified");
    }
    if kind != "MOCK" {
        let uri = text(source.get("uri")).unwrap_or_default();
        if kind.starts_with("HTTP") && !uri.starts_with("http://") && !uri.starts_with("https://") {
            return refused("Invalid HTTP endpoint specified for URI");
        }
        if kind.starts_with("AWS") && !is_action(&uri) {
            return refused("AWS ARN for integration must contain path or action");
        }
        if upper("httpMethod").is_none() {
            return refused("Integration method must be specified");
        }
    }
    if let Some(timeout) = source.get("timeoutInMillis")
        && timeout.as_u64().is_none_or(|it| it < 50)
    {
        return refused("Timeout should be between 50 ms and 29000 ms");
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
    let mappings = source.get("requestParameters").and_then(Value::as_object);
    for value in mappings
        .into_iter()
        .flatten()
        .filter_map(|it| it.1.as_str())
    {
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
    let answers = operation.get("responses").and_then(Value::as_object);
    let given = source.get("responses").and_then(Value::as_object);
    // A proxy passes on what it gets.
    for response in given
        .into_iter()
        .flatten()
        .filter(|_| !kind.ends_with("_PROXY"))
    {
        let status = text(response.1.get("statusCode")).unwrap_or_default();
        if !answers.is_some_and(|it| it.contains_key(&status)) {
            return Some((
                "integration response",
                "Invalid response status code specified".to_owned(),
            ));
        }
    }
    None
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
            "components": {"parameters": {"id": {"name": "id", "in": "path", "required": true}}},
            "paths": {"x-owner": {"team": "shop"}, path: {"get": operation}},
        });
        refusals(&document)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn of(integration: &str) -> Vec<String> {
        let operation = format!(
            r##"{{"parameters": [{{"$ref": "#/components/parameters/id"}}], "responses": {{"200": {{}}}}, "x-amazon-apigateway-integration": {integration}}}"##
        );
        refused("/items/{id}", &operation)
    }

    #[test]
    fn an_integration_has_what_its_type_needs() {
        for good in [
            r#"{"type": "mock", "responses": {"default": {"statusCode": "200"}}}"#,
            r#"{"type": "http_proxy", "httpMethod": "ANY", "uri": "https://x.example.com", "requestParameters": {"integration.request.path.id": "method.request.path.id"}}"#,
            r#"{"type": "AWS_PROXY", "httpMethod": "POST", "uri": "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/x/invocations"}"#,
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

    #[test]
    fn only_the_header_x_api_key_asks_for_a_key_of_api_gateway() {
        let scheme = |name: &str, place: &str| serde_json::json!({"type": "apiKey", "name": name, "in": place});
        for name in ["x-api-key", "X-API-Key"] {
            assert!(is_api_key(&scheme(name, "header")), "{name}");
        }
        assert!(!is_api_key(&scheme("api_key", "header")));
        assert!(!is_api_key(&scheme("x-api-key", "query")));
    }
}
