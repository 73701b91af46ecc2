//! The author's own `OpenAPI` document: which routes it serves, and whether
//! API Gateway can import it.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-import-api.html>.

use serde_json::Value;

use super::RouteKey;
use super::routes;
use crate::policy::{Document, json};

/// An `OpenAPI` document and the routes in it.
pub(super) struct OpenApi {
    pub(super) document: Value,
    pub(super) routes: Vec<RouteKey>,
}

/// The key of a resource policy in a document.
const POLICY: &str = "x-amazon-apigateway-policy";

/// Operations of a path, by the key the document has for them.
const OPERATIONS: [(&str, &str); 8] = [
    ("get", "GET"),
    ("put", "PUT"),
    ("post", "POST"),
    ("delete", "DELETE"),
    ("options", "OPTIONS"),
    ("head", "HEAD"),
    ("patch", "PATCH"),
    ("x-amazon-apigateway-any-method", "ANY"),
];

/// Reads a document, YAML or JSON; the errors are all that is wrong with it.
pub(super) fn read(text: &str) -> Result<OpenApi, Vec<String>> {
    let document = value(text).map_err(|error| vec![error])?;
    let mut faults: Vec<String> = policy_fault(text, &document).into_iter().collect();
    let version = |name: &str| document.get(name).and_then(Value::as_str);
    match (version("openapi"), version("swagger")) {
        (Some(it), _) if it.starts_with("3.") => {}
        (_, Some("2.0")) => {}
        _ => faults.push("neither `openapi: 3.…` nor `swagger: \"2.0\"`".to_owned()),
    }
    let mut found = Vec::new();
    match document.get("paths") {
        Some(Value::Object(paths)) => {
            for (path, item) in paths.iter().filter(|(path, _)| !path.starts_with("x-")) {
                operations(path, item, &mut found, &mut faults);
            }
        }
        _ => faults.push("no `paths`".to_owned()),
    }
    if faults.is_empty() && found.is_empty() {
        faults.push("no operation: a REST API without methods cannot be deployed".to_owned());
    }
    if faults.is_empty() {
        Ok(OpenApi {
            document,
            routes: found,
        })
    } else {
        Err(faults)
    }
}

/// The deepest that anything may be nested: schemas go deeper than policies.
const DEEPEST: usize = 100;

/// The document as it is written, JSON or YAML, with nothing in it twice.
fn value(text: &str) -> Result<Value, String> {
    // JSON is read as JSON: YAML would take its tabs amiss.
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = json::strict(&mut reader, DEEPEST);
    let wrong = match read.and_then(|it| reader.end().map(|()| it)) {
        Ok(document) => return Ok(document),
        Err(error) => error,
    };
    let yaml = json::strict(serde_yaml_ng::Deserializer::from_str(text), DEEPEST);
    yaml.map_err(|error| {
        let looks_like_json = text.trim_start().starts_with('{');
        let wrong = if looks_like_json {
            wrong.to_string()
        } else {
            error.to_string()
        };
        format!("not YAML or JSON: {wrong}")
    })
}

/// What is wrong with the resource policy in a document.
fn policy_fault(text: &str, document: &Value) -> Option<String> {
    let policy = document.get(POLICY)?;
    let mut error = Document::from_value(policy).err()?;
    error.at = format!("{POLICY}.{}", error.at);
    // In YAML, its key is the nearest place that is known.
    let key = text
        .lines()
        .position(|it| it.trim_start().starts_with(POLICY));
    Some(match key {
        _ if serde_json::from_str::<Value>(text).is_ok() => error.within(text).to_string(),
        Some(line) => format!("line {}, {error}", line + 1),
        None => error.to_string(),
    })
}

fn operations(path: &str, item: &Value, found: &mut Vec<RouteKey>, faults: &mut Vec<String>) {
    let Value::Object(item) = item else {
        faults.push(format!("`{path}` is not an object"));
        return;
    };
    for (key, method) in OPERATIONS {
        let Some(operation) = item.get(key) else {
            continue;
        };
        match routes::route(&format!("{method} {path}")) {
            Ok(route) => found.push(route),
            Err(wrong) => {
                faults.push(format!("{}: {}", wrong.message, wrong.label));
                continue;
            }
        }
        if operation.get("x-amazon-apigateway-integration").is_none() {
            faults.push(format!(
                "`{method} {path}` has no `x-amazon-apigateway-integration`: it could not be deployed"
            ));
        }
    }
    if item.contains_key("trace") {
        faults.push(format!(
            "`{path}` has `trace`, a method API Gateway does not serve"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yaml_and_json_are_read_and_their_routes_found() {
        let yaml = "openapi: 3.0.1\npaths:\n  /orders/{id}:\n    get:\n      responses:\n        200: {description: ok}\n      x-amazon-apigateway-integration: {type: mock}\n    parameters: []\n";
        let found = read(yaml).map_err(|it| it.join("\n")).expect("a document");
        assert_eq!(found.routes[0].to_string(), "GET /orders/{id}");
        assert!(found.document["paths"]["/orders/{id}"]["get"]["responses"]["200"].is_object());
        let json = found.document.to_string();
        assert_eq!(read(&json).map(|it| it.document), Ok(found.document));
    }

    #[test]
    fn everything_wrong_with_a_document_is_said() {
        let faults = |text: &str| read(text).map(|_| ()).expect_err("faults");
        assert_eq!(faults("a: b").len(), 2);
        assert_eq!(
            faults(
                "swagger: '2.0'\npaths:\n  /ping:\n    get: {}\n  /a:\n    get: {}\n    trace: {}\n"
            )
            .len(),
            3
        );
        assert_eq!(faults("swagger: '2.0'\npaths: {}\n").len(), 1);
        assert_eq!(faults("a: [").len(), 1);
        assert_eq!(
            faults("{\"paths\": {},\n \"paths\": {}}"),
            ["not YAML or JSON: `paths` is written twice at line 2 column 8"]
        );
        assert_eq!(
            faults("paths: {}\npaths: {}\n"),
            ["not YAML or JSON: `paths` is written twice"]
        );
    }

    #[test]
    fn a_policy_in_a_document_is_read_with_it() {
        let with = |policy: &str| {
            read(&format!(
                "swagger: '2.0'\nx-amazon-apigateway-policy: {policy}\npaths:\n  /a:\n    get:\n      x-amazon-apigateway-integration: {{type: mock}}\n"
            ))
            .map(|_| ())
        };
        assert_eq!(with("{Statement: []}"), Ok(()));
        assert_eq!(
            with("{Statement: {Effect: allow, Action: 'a:b'}}"),
            Err(vec!["line 2, x-amazon-apigateway-policy.Statement[0].Effect: must be \"Allow\" or \"Deny\"".to_owned()])
        );
        assert_eq!(
            read("{\"swagger\": \"2.0\",\n\"x-amazon-apigateway-policy\": {\"Statement\": 5}, \"paths\": {}}").map(|_| ()),
            Err(vec!["line 2 column 45, x-amazon-apigateway-policy.Statement[0]: a statement is a JSON object".to_owned()])
        );
    }
}
