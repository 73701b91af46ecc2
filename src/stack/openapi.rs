//! The author's own `OpenAPI` document: which routes it serves, and whether
//! API Gateway can import it.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-import-api.html>.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::RouteKey;
use super::downgrade::to_3_0;
use super::routes;
use crate::model::Partition;
use crate::model::authorization::{Authorization, without_authorizer};
use crate::model::definition::{self, ImportRefusal};
use crate::policy::{Document, Grammar, Holder, PolicyError, json};

/// An `OpenAPI` document and the routes in it.
#[derive(Debug, PartialEq)]
pub(super) struct OpenApi {
    pub(super) document: Value,
    pub(super) routes: Vec<RouteKey>,
    /// The routes that neither a Cognito user pool nor a function authorizes, and what is wrong where they ask for one.
    pub(super) unauthorized: BTreeMap<RouteKey, Option<(String, String)>>,
}

/// The largest document that API Gateway imports, in bytes.
const LARGEST: usize = 6 * 1024 * 1024;

/// Where API Gateway is to find a caller's API key.
const KEY_SOURCE: &str = "x-amazon-apigateway-api-key-source";

/// The media types that API Gateway passes on as bytes.
const MEDIA_TYPES: &str = "x-amazon-apigateway-binary-media-types";

/// The longest description of an API, in characters.
pub(super) const LONGEST_DESCRIPTION: usize = 1024;

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

/// Reads a document, YAML or JSON, of an API in a partition; the errors are all that is wrong with it.
pub(super) fn read(text: &str, here: Option<Partition>) -> Result<OpenApi, Vec<String>> {
    let document = to_3_0(value(text).map_err(|error| vec![error])?)?;
    let mut faults: Vec<String> = policy_fault(text, &document, here).into_iter().collect();
    if document.to_string().len() > LARGEST {
        faults.push("it has more than 6 MB, and API Gateway imports no more".to_owned());
    }
    let source = document[KEY_SOURCE].as_str();
    if let Some(other) =
        source.filter(|it| !["HEADER", "AUTHORIZER"].contains(&it.to_uppercase().as_str()))
    {
        faults.push(format!(
            "{KEY_SOURCE}: `{other}` is neither `HEADER` nor `AUTHORIZER`"
        ));
    }
    faults.extend(settings_faults(&document));
    let mut of_template = Vec::new();
    functions(&document, "", &mut of_template);
    let mut found = Found::default();
    let paths = document.get("paths").and_then(Value::as_object);
    for (path, item) in paths.into_iter().flatten() {
        if !path.starts_with("x-") {
            operations(&document, path, item, &mut found, &mut faults);
        }
    }
    // What a template leaves open is not right either, and for no other reason.
    if of_template.is_empty() {
        let refusals = definition::refusals(&document);
        faults.extend(refusals.into_iter().filter_map(said));
    }
    faults.extend(of_template);
    if faults.is_empty() && found.routes.is_empty() {
        faults.push("no operation: a REST API without methods cannot be deployed".to_owned());
    }
    if faults.is_empty() {
        Ok(OpenApi {
            document,
            routes: found.routes,
            unauthorized: found.unauthorized,
        })
    } else {
        Err(faults)
    }
}

/// What a document says of the API itself and a stack's own fields could not say either.
fn settings_faults(document: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let description = document["info"]["description"].as_str().unwrap_or_default();
    let length = description.chars().count();
    if length > LONGEST_DESCRIPTION {
        faults.push(format!(
            "info.description has {length} characters, and API Gateway keeps {LONGEST_DESCRIPTION}"
        ));
    }
    match document.get(MEDIA_TYPES) {
        None | Some(Value::Null) => {}
        Some(Value::Array(types)) => {
            let wrong = types
                .iter()
                .filter(|it| !it.as_str().is_some_and(|it| it.contains('/')));
            faults.extend(wrong.map(|it| {
                format!("{MEDIA_TYPES}: `{it}` is not a media type: write it as `image/png`; everything is `*/*`")
            }));
        }
        Some(other) => faults.push(format!(
            "{MEDIA_TYPES}: `{other}` is not a list: write `[\"image/png\"]`"
        )),
    }
    faults
}

/// What was found in the operations of a document.
#[derive(Default)]
struct Found {
    routes: Vec<RouteKey>,
    unauthorized: BTreeMap<RouteKey, Option<(String, String)>>,
}

/// The deepest that anything may be nested: schemas go deeper than policies.
const DEEPEST: usize = 100;

/// As many merge keys in one another are a merge key that names its own anchor.
const SELF_MERGES: usize = 8;

/// The document as it is written, JSON or YAML, with nothing in it twice.
fn value(text: &str) -> Result<Value, String> {
    // JSON is read as JSON: YAML would take its tabs amiss.
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = json::strict(&mut reader, DEEPEST);
    let wrong = match read.and_then(|it| reader.end().map(|()| it)) {
        Ok(document) => return Ok(document),
        Err(error) => error,
    };
    if json::is_too_deep(text) {
        return Err("not YAML or JSON: this is nested too deeply".to_owned());
    }
    let yaml = json::strict(serde_yaml_ng::Deserializer::from_str(text), DEEPEST);
    yaml.map(merged).map_err(|error| {
        let looks_like_json = text.trim_start().starts_with('{');
        let wrong = if looks_like_json {
            wrong.to_string()
        } else {
            error.to_string()
        };
        if wrong.contains("more than one document") {
            return "it has several YAML documents: leave one, without `---` between".to_owned();
        }
        if let Some((place, _)) = wrong.split_once(&".<<".repeat(SELF_MERGES)) {
            return format!(
                "{place}: `<<` names the anchor that it stands in, so this contains itself: name another anchor, or leave `<<` out"
            );
        }
        format!("not YAML or JSON: {wrong}")
    })
}

/// What an import would be refused for, in the author's words; `None` for what the routes say already.
fn said(refusal: ImportRefusal) -> Option<String> {
    match &refusal.part {
        Some(("resource", ..)) => None,
        None | Some(("model" | "api", ..)) => Some(refusal.advice),
        Some((_, verb, path)) if refusal.advice.is_empty() => {
            Some(format!("`{verb} {path}`: {}", refusal.words))
        }
        Some((_, verb, path)) => Some(format!(
            "`{verb} {path}`: {}: {}",
            refusal.words, refusal.advice
        )),
    }
}

/// A document with its YAML merge keys carried out: `<<: *other` brings what is not written beside it.
///
/// See <https://yaml.org/type/merge.html>.
fn merged(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(merged).collect()),
        Value::Object(fields) => {
            let mut found: Map<String, Value> = fields
                .into_iter()
                .map(|(name, it)| (name, merged(it)))
                .collect();
            match found.remove("<<") {
                None => {}
                Some(Value::Object(other)) => bring(&mut found, other),
                Some(Value::Array(others)) if others.iter().all(Value::is_object) => {
                    for other in others {
                        if let Value::Object(other) = other {
                            bring(&mut found, other);
                        }
                    }
                }
                Some(other) => drop(found.insert("<<".to_owned(), other)),
            }
            Value::Object(found)
        }
        other => other,
    }
}

fn bring(fields: &mut Map<String, Value>, other: Map<String, Value>) {
    for (name, value) in other {
        fields.entry(name).or_insert(value);
    }
}

/// What only a template would put in: `CloudFormation`'s functions and parameters, and Terraform's variables.
fn functions(value: &Value, path: &str, faults: &mut Vec<String>) {
    let mut is_left = |what: &str, tool: &str| {
        faults.push(format!(
            "{path}: `{what}` is {tool}'s, and nothing puts its value in here: write the value itself, or the document as {tool} makes it"
        ));
    };
    match value {
        Value::Object(fields) => {
            let function = fields
                .keys()
                .find(|it| it.starts_with("Fn::") || *it == "Ref" || *it == "!Ref");
            if let (Some(function), 1) = (function, fields.len()) {
                return is_left(function, CLOUDFORMATION);
            }
            for (name, it) in fields {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                functions(it, &path, faults);
            }
        }
        Value::Array(items) => {
            for (index, it) in items.iter().enumerate() {
                functions(it, &format!("{path}[{index}]"), faults);
            }
        }
        Value::String(text)
            if path
                .rsplit('.')
                .next()
                .is_some_and(|it| FILLED.contains(&it)) =>
        {
            let variables = text.split("${").skip(1);
            let open = variables
                .filter_map(|it| it.split('}').next())
                .find(|it| !it.starts_with("stageVariables."));
            if let Some(open) = open {
                is_left(&format!("${{{open}}}"), tool_of(open));
            }
        }
        _ => {}
    }
}

const CLOUDFORMATION: &str = "CloudFormation";

/// The fields of a document that templates put names of resources into.
const FILLED: [&str; 5] = [
    "uri",
    "credentials",
    "connectionId",
    "authorizerUri",
    "authorizerCredentials",
];

/// Returns whose variable `${NAME}` is: `CloudFormation` names resources and parameters in letters and digits, most of them
/// with a capital first, and Terraform variables in small letters with `_`.
fn tool_of(name: &str) -> &'static str {
    let first = name.trim().chars().next();
    if name.contains("::") || first.is_some_and(char::is_uppercase) {
        CLOUDFORMATION
    } else {
        "Terraform"
    }
}

/// What is wrong with the resource policy in a document.
fn policy_fault(text: &str, document: &Value, here: Option<Partition>) -> Option<String> {
    let policy = document.get(POLICY)?;
    let refused = || {
        let refusals = Grammar::Resource(Holder::Api).refusals_in(here, policy);
        refusals.into_iter().next().map(|it| PolicyError {
            at: it.at,
            position: None,
            message: it.words,
        })
    };
    let mut error = Document::from_value(policy).err().or_else(refused)?;
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

fn operations(
    document: &Value,
    path: &str,
    item: &Value,
    found: &mut Found,
    faults: &mut Vec<String>,
) {
    let Value::Object(item) = item else {
        return;
    };
    if item.contains_key("$ref") {
        faults.push(format!(
            "`{path}` is a `$ref`: API Gateway follows none there; write its operations out"
        ));
    }
    for (key, method) in OPERATIONS {
        let Some(operation) = item.get(key) else {
            continue;
        };
        let route = match routes::route(&format!("{method} {path}")) {
            Ok(route) => route,
            Err(wrong) => {
                faults.push(format!("{}: {}", wrong.message, wrong.label));
                continue;
            }
        };
        let integration = &operation["x-amazon-apigateway-integration"];
        if integration.is_null() {
            faults.push(format!(
                "`{method} {path}` has no `x-amazon-apigateway-integration`: it could not be deployed"
            ));
        }
        if let Some(verb) = refused_by_lambda(integration) {
            faults.push(format!(
                "`{method} {path}` calls a Lambda function with `{verb}`: Lambda answers to `httpMethod: POST` only, whatever \
                 the route's method"
            ));
        }
        let operation = operation.as_object();
        if let Some(operation) = operation
            && !Authorization::of(document, operation).is_of_authorizer()
        {
            let why = without_authorizer(document, operation);
            found.unauthorized.insert(route.clone(), why);
        }
        found.routes.push(route);
    }
    if item.contains_key("trace") {
        faults.push(format!(
            "`{path}` has `trace`, a method API Gateway does not serve"
        ));
    }
}

/// The method with which an integration calls a function, where Lambda does not answer to it.
///
/// API Gateway takes any method, and then answers each request with an error. See
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-integration.html>,
/// `httpMethod`.
fn refused_by_lambda(integration: &Value) -> Option<&str> {
    let uri = integration["uri"].as_str()?;
    let verb = integration["httpMethod"].as_str()?;
    let of_function = uri.contains(":lambda:path/") && uri.ends_with("/invocations");
    let fits = ["POST", "ANY"]
        .iter()
        .any(|it| verb.eq_ignore_ascii_case(it));
    (of_function && !fits).then_some(verb)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<OpenApi, Vec<String>> {
        super::read(text, Some(Partition::Aws))
    }

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

    /// What is said of a document of version 3.0.1 with this beside `openapi`.
    fn said_of(rest: &str) -> Vec<String> {
        read(&format!("openapi: 3.0.1\n{rest}")).map_or_else(|it| it, |_| Vec::new())
    }

    #[test]
    fn a_document_of_another_version_is_refused_by_name() {
        let of = |version: &str| {
            let text = format!(
                "openapi: {version}\npaths:\n  /a:\n    get:\n      x-amazon-apigateway-integration: {{type: mock}}\n"
            );
            read(&text).map(|_| ()).map_err(|it| it.join("\n"))
        };
        assert_eq!(of("3.0.3"), Ok(()));
        assert_eq!(of("3.1.0"), Ok(()), "it says nothing that 3.0 cannot");
        let fault = of("3.2.0").expect_err("a fault");
        assert!(
            fault.starts_with("it is OpenAPI 3.2.0, and API Gateway imports 3.0"),
            "{fault}"
        );
    }

    #[test]
    fn merge_keys_are_carried_out_and_extensions_beside_paths_passed_over() {
        let text = "openapi: 3.0.1\npaths:\n  x-owner: {team: shop}\n  /items:\n    get: &op\n      summary: items\n      x-amazon-apigateway-integration: {type: mock}\n  /more:\n    get:\n      <<: *op\n      summary: more\n    put:\n      <<: [{deprecated: true}, *op]\n";
        let found = read(text).map_err(|it| it.join("\n")).expect("a document");
        let more = &found.document["paths"]["/more"];
        assert_eq!(more["get"]["summary"], "more");
        assert_eq!(
            more["get"]["x-amazon-apigateway-integration"]["type"],
            "mock"
        );
        assert_eq!(more["put"]["deprecated"], true);
        assert!(more["put"].get("<<").is_none());
        assert_eq!(found.routes.len(), 3);
    }

    #[test]
    fn a_merge_key_that_names_its_own_anchor_contains_itself() {
        for own in ["<<: *x", "<<: {<<: *x}"] {
            let text = format!("openapi: 3.0.1\npaths:\n  /a:\n    get: &x\n      {own}\n");
            let refused = value(&text).expect_err("it has no end");
            assert_eq!(
                refused,
                "paths./a.get: `<<` names the anchor that it stands in, so this contains itself: name another anchor, or leave `<<` out"
            );
        }
    }

    #[test]
    fn what_cloudformation_would_put_in_is_missing() {
        let uri = |uri: &str| {
            said_of(&format!(
                "paths:\n  /items:\n    get:\n      x-amazon-apigateway-integration:\n        type: aws_proxy\n        httpMethod: POST\n        uri: {uri}\n"
            ))
        };
        let lambda = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions";
        assert_eq!(
            uri(&format!("'{lambda}/${{stageVariables.f}}/invocations'")),
            Vec::<String>::new()
        );
        let at = "paths./items.get.x-amazon-apigateway-integration.uri";
        for (left, what) in [
            (
                format!("{{'Fn::Sub': '{lambda}/${{F.Arn}}/invocations'}}"),
                "Fn::Sub",
            ),
            ("{Ref: Uri}".to_owned(), "Ref"),
            (format!("'{lambda}/${{F.Arn}}/invocations'"), "${F.Arn}"),
        ] {
            let expected = format!(
                "{at}: `{what}` is CloudFormation's, and nothing puts its value in here: write the value itself, or the document as CloudFormation makes it"
            );
            assert_eq!(uri(&left), [expected]);
        }
        for left in [
            "lambda_invoke_arn",
            "var.uri",
            "aws_lambda_function.f.invoke_arn",
        ] {
            let found = uri(&format!("'${{{left}}}'"));
            assert!(
                found[0].starts_with(&format!("{at}: `${{{left}}}` is Terraform's")),
                "{found:?}"
            );
        }
        let tag = uri("!Sub 'x'");
        assert!(
            tag[0].contains("the tag `!Sub`") && tag[0].contains("line 8"),
            "{tag:?}"
        );
    }

    #[test]
    fn what_an_import_would_refuse_is_said_with_its_route() {
        assert_eq!(
            said_of(
                "paths:\n  /items:\n    get:\n      x-amazon-apigateway-integration: {type: http_proxy, uri: 'https://x.example.com'}\n"
            ),
            ["`GET /items`: Integration method must be specified"]
        );
        assert_eq!(
            said_of(
                "paths:\n  /items:\n    get:\n      responses: {200: {description: ok}}\n      x-amazon-apigateway-integration: {type: mock, responses: {default: {statusCode: 500}}}\n"
            ),
            [
                "`GET /items`: Invalid response status code specified: its integration answers `500` (`responses.default.statusCode`): declare `\"500\"` under the operation's own `responses`"
            ]
        );
        for (integration, words) in [
            (
                "{type: lambda}",
                "`type` of its integration is `\"lambda\"`: write",
            ),
            ("{uri: x}", "`type` of its integration is missing: write"),
            ("{$ref: '#/components/x'}", "its integration is a `$ref`"),
            (
                "{type: mock, timeoutInMillis: '29000'}",
                "write the number, `29000`, without quotes",
            ),
            (
                "{type: mock, timeoutInMillis: 10}",
                "write a number from 50 to 29000",
            ),
            (
                "{type: mock, responses: {x: {}}}",
                "`responses.x` has no `statusCode`",
            ),
        ] {
            let found = said_of(&format!(
                "components: {{x: {{type: mock}}}}\npaths:\n  /items:\n    get:\n      x-amazon-apigateway-integration: {integration}\n"
            ));
            assert!(found[0].contains(words), "{found:?}");
        }
    }

    #[test]
    fn an_operation_has_an_integration_that_answers() {
        let of = |integration: &str| {
            said_of(&format!(
                "paths:\n  /items:\n    get:\n      x-amazon-apigateway-integration: {integration}\n"
            ))
        };
        let none =
            "`GET /items` has no `x-amazon-apigateway-integration`: it could not be deployed";
        assert_eq!(of("null"), [none]);
        assert_eq!(
            of("mock"),
            ["`GET /items`: the integration is not an object"]
        );
        let lambda = |verb: &str| {
            of(&format!(
                "{{type: aws_proxy, httpMethod: {verb}, uri: 'arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/f/invocations'}}"
            ))
        };
        assert_eq!(lambda("POST"), [""; 0]);
        assert_eq!(lambda("ANY"), [""; 0]);
        assert_eq!(
            lambda("GET"),
            [
                "`GET /items` calls a Lambda function with `GET`: Lambda answers to `httpMethod: POST` only, whatever the route's method"
            ]
        );
        let other = said_of(
            "paths:\n  /a:\n    get:\n      x-amazon-apigateway-integration: {type: mock}\n  /b:\n    $ref: '#/paths/~1a'\n",
        );
        assert_eq!(
            other,
            ["`/b` is a `$ref`: API Gateway follows none there; write its operations out"]
        );
    }

    #[test]
    fn a_large_integer_is_a_number() {
        let text = "openapi: 3.0.1\ncomponents: {schemas: {n: {maximum: 18446744073709551616, minimum: -9223372036854775809}}}\npaths:\n  /a:\n    get:\n      x-amazon-apigateway-integration: {type: mock}\n";
        let found = read(text).map_err(|it| it.join("\n")).expect("a document");
        assert_eq!(
            found.document["components"]["schemas"]["n"]["maximum"].as_f64(),
            Some(18_446_744_073_709_551_616.0)
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
        let one = "{Effect: Allow, Principal: '*', Action: 'execute-api:Invoke', Resource: 'execute-api:/*'";
        assert_eq!(with(&format!("{{Statement: {one}}}}}")), Ok(()));
        assert_eq!(
            with(&format!("{{Statement: [{one}, Condition: {{StringEqual: {{'aws:x': y}}}}}}]}}")),
            Err(vec!["line 2, x-amazon-apigateway-policy.Statement[0].Condition.StringEqual: Invalid Condition type : StringEqual.".to_owned()])
        );
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
