//! The methods of a REST API in one form, whoever wrote them.
//!
//! API Gateway fills in what a definition leaves out (29 seconds, `WHEN_NO_MATCH`)
//! and ignores what makes no sense (responses of a proxy). Both are done here to
//! what is wanted and to what is there, so that they differ only where a call
//! would be answered differently.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/api/API_Integration.html>.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cloud::apigateway::{
    IntegrationRecord, IntegrationResponseRecord, MethodRecord, ResourceRecord,
};
use crate::model::Detail;
use crate::stack::RouteKey;

/// How long a backend may take unless something else is said, in milliseconds.
pub const TIMEOUT_MS: u32 = 29_000;
/// What happens to a body that no template is for, unless something else is said.
pub const PASSTHROUGH: &str = "WHEN_NO_MATCH";
/// Calls are signed, and IAM decides.
pub const AWS_IAM: &str = "AWS_IAM";
/// Anyone may call.
pub const NONE: &str = "NONE";

/// Methods by route.
pub type Methods = BTreeMap<RouteKey, Method>;

/// A method of an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method {
    /// `NONE`, `AWS_IAM`, `CUSTOM` or `COGNITO_USER_POOLS`.
    pub authorization: String,
    /// Whether an API key is asked for.
    pub api_key_required: bool,
    /// What it does, in the normal form of [`normal`].
    pub integration: Option<IntegrationRecord>,
    /// Settings that no route of a stack says, by AWS's names. Only read: none is wanted.
    pub more: BTreeMap<String, Value>,
}

/// An integration with every default spelled out and what has no effect left out.
#[must_use]
pub fn normal(mut integration: IntegrationRecord) -> IntegrationRecord {
    integration.kind.make_ascii_uppercase();
    if let Some(verb) = &mut integration.http_method {
        verb.make_ascii_uppercase();
    }
    if integration.kind == "MOCK" {
        integration.http_method = None;
        integration.uri = None;
        // Only the status code in it is read, however it is laid out.
        for template in integration.request_templates.values_mut() {
            if let Ok(value) = serde_json::from_str::<Value>(template) {
                *template = value.to_string();
            }
        }
    }
    if integration.kind.ends_with("_PROXY") {
        // The console gives a proxy a response that nothing ever reads.
        integration.responses.clear();
    }
    for response in integration.responses.values_mut() {
        response.selection = response.selection.take().filter(|it| !it.is_empty());
    }
    integration.credentials = integration.credentials.filter(|it| !it.is_empty());
    integration.timeout_ms.get_or_insert(TIMEOUT_MS);
    integration
        .passthrough
        .get_or_insert_with(|| PASSTHROUGH.to_owned())
        .make_ascii_uppercase();
    integration
}

/// The methods that an API has.
#[must_use]
pub fn of_resources(resources: &[ResourceRecord]) -> Methods {
    let mut methods = Methods::new();
    for resource in resources {
        for (verb, record) in &resource.methods {
            let method = Method {
                authorization: record.authorization.clone(),
                api_key_required: record.api_key_required,
                integration: record.integration.clone().map(normal),
                more: more(record, &resource.id),
            };
            methods.insert(key(verb, &resource.path), method);
        }
    }
    methods
}

/// Returns the settings of a method that no route says, without AWS's defaults and what has no effect.
fn more(record: &MethodRecord, resource: &str) -> BTreeMap<String, Value> {
    let mut more = record.more.clone();
    for (name, value) in &mut more {
        let Some(fields) = value.as_object_mut() else {
            continue;
        };
        if name == "requestParameters" {
            // A parameter of the path is always there; a route of a stack declares it as well.
            fields.retain(|it, _| !it.starts_with("method.request.path."));
        } else if name.ends_with(".responseModels") {
            // The model that stands for none.
            fields.retain(|_, it| *it != json!("Empty"));
        } else if name == "integration.tlsConfig" {
            fields.retain(|_, it| *it != json!(false));
        }
    }
    more.retain(|name, value| match (name.as_str(), &*value) {
        (_, Value::Null | Value::Bool(false)) => false,
        (_, Value::Object(it)) => !it.is_empty(),
        (_, Value::Array(it)) => !it.is_empty(),
        ("integration.cacheNamespace", it) => *it != json!(resource),
        ("integration.connectionType", it) => *it != json!("INTERNET"),
        ("integration.responseTransferMode", it) => *it != json!("BUFFERED"),
        (_, it) => *it != json!(""),
    });
    more
}

/// Tells the settings of live methods that the author's document takes the place of.
pub(super) fn give_way(live: &Methods) -> impl Iterator<Item = Detail> {
    let having = live.iter().filter(|(_, it)| !it.more.is_empty());
    having.map(|(key, it)| {
        let names: Vec<&str> = it.more.keys().map(String::as_str).collect();
        detail(
            '~',
            format!("{key} {}: as the document says it", names.join(", ")),
        )
    })
}

/// The route of a verb and path: one `/` between segments, none at the end.
#[must_use]
pub fn key(verb: &str, path: &str) -> RouteKey {
    let segments: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
    RouteKey {
        method: verb.to_ascii_uppercase(),
        path: format!("/{}", segments.join("/")),
    }
}

/// The methods as JSON, by route.
#[must_use]
pub fn to_value(methods: &Methods) -> Value {
    methods
        .iter()
        .map(|(key, method)| {
            let mut value = json!({
                "authorization": method.authorization,
                "api_key_required": method.api_key_required,
                "integration": method.integration.as_ref().map(integration_value),
            });
            if !method.more.is_empty() {
                value["more"] = json!(method.more);
            }
            (key.to_string(), value)
        })
        .collect()
}

fn integration_value(integration: &IntegrationRecord) -> Value {
    let response = |it: &IntegrationResponseRecord| json!({"selection": it.selection, "templates": it.templates});
    let responses: BTreeMap<&String, Value> = integration
        .responses
        .iter()
        .map(|(status, it)| (status, response(it)))
        .collect();
    json!({
        "kind": integration.kind,
        "http_method": integration.http_method,
        "uri": integration.uri,
        "credentials": integration.credentials,
        "timeout_ms": integration.timeout_ms,
        "passthrough": integration.passthrough,
        "request_parameters": integration.request_parameters,
        "request_templates": integration.request_templates,
        "responses": responses,
    })
}

/// What differs, a detail a route: `- POST /admin (no authorizer)`.
#[must_use]
pub fn details(live: &Methods, want: &Methods) -> Vec<Detail> {
    let mut found = Vec::new();
    for (key, method) in want {
        match live.get(key) {
            None => found.push(detail(
                '+',
                format!("{key} ({})", authorizer(&method.authorization)),
            )),
            Some(old) if old != method => {
                found.push(detail('~', format!("{key} {}", changed(old, method))));
            }
            Some(_) => {}
        }
    }
    for (key, method) in live {
        if !want.contains_key(key) {
            found.push(detail(
                '-',
                format!("{key} ({})", authorizer(&method.authorization)),
            ));
        }
    }
    found
}

/// A change of a method's authorizer, so that nobody overlooks an open one.
#[must_use]
pub fn authorizer_change(live: &str, want: &str) -> String {
    let before = if live == NONE {
        "OPEN TO ANYONE (no authorizer)"
    } else {
        live
    };
    let after = if want == NONE {
        "OPEN TO ANYONE (no authorizer)"
    } else {
        want
    };
    format!("{before} -> {after}")
}

/// An authorization type in words.
#[must_use]
pub fn authorizer(authorization: &str) -> &str {
    match authorization {
        NONE => "no authorizer",
        other => other,
    }
}

fn detail(sign: char, text: String) -> Detail {
    Detail { sign, text }
}

fn changed(live: &Method, want: &Method) -> String {
    let mut parts = Vec::new();
    if live.authorization != want.authorization {
        parts.push(authorizer_change(&live.authorization, &want.authorization));
    }
    if live.api_key_required != want.api_key_required {
        let not = if want.api_key_required {
            ""
        } else {
            "no longer "
        };
        parts.push(format!("an API key is {not}asked for"));
    }
    match (&live.integration, &want.integration) {
        (Some(live), Some(want)) => parts.extend(integration_changes(live, want)),
        (None, Some(want)) => parts.push(format!("no integration -> {}", backend(want))),
        (Some(live), None) => parts.push(format!("{} -> no integration", backend(live))),
        (None, None) => {}
    }
    let gone = live
        .more
        .iter()
        .filter(|it| want.more.get(it.0) != Some(it.1));
    parts.extend(gone.map(|(name, value)| format!("{name} {value} -> none")));
    parts.join("; ")
}

fn integration_changes(live: &IntegrationRecord, want: &IntegrationRecord) -> Vec<String> {
    let mut parts = Vec::new();
    if backend(live) != backend(want) {
        parts.push(format!("{} -> {}", backend(live), backend(want)));
    }
    let shown = |it: &Option<String>| it.clone().unwrap_or_else(|| "none".to_owned());
    if live.credentials != want.credentials {
        parts.push(format!(
            "credentials {} -> {}",
            shown(&live.credentials),
            shown(&want.credentials)
        ));
    }
    if live.timeout_ms != want.timeout_ms {
        let ms = |it: Option<u32>| it.unwrap_or(TIMEOUT_MS);
        parts.push(format!(
            "timeout {} ms -> {} ms",
            ms(live.timeout_ms),
            ms(want.timeout_ms)
        ));
    }
    if live.passthrough != want.passthrough {
        parts.push(format!(
            "passthrough {} -> {}",
            shown(&live.passthrough),
            shown(&want.passthrough)
        ));
    }
    for (differs, what) in [
        (
            live.request_parameters != want.request_parameters,
            "request parameters",
        ),
        (
            live.request_templates != want.request_templates,
            "request templates",
        ),
        (live.responses != want.responses, "responses"),
    ] {
        if differs {
            parts.push(format!("other {what}"));
        }
    }
    parts
}

fn backend(integration: &IntegrationRecord) -> String {
    [
        Some(&integration.kind),
        integration.http_method.as_ref(),
        integration.uri.as_ref(),
    ]
    .into_iter()
    .flatten()
    .cloned()
    .collect::<Vec<_>>()
    .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn method(authorization: &str) -> Method {
        Method {
            more: BTreeMap::new(),
            authorization: authorization.to_owned(),
            api_key_required: false,
            integration: Some(normal(IntegrationRecord {
                kind: "http_proxy".to_owned(),
                http_method: Some("get".to_owned()),
                uri: Some("https://backend.example.com/".to_owned()),
                ..IntegrationRecord::default()
            })),
        }
    }

    #[test]
    fn defaults_are_spelled_out_once() {
        let integration = method(AWS_IAM).integration.expect("an integration");
        assert_eq!(integration.timeout_ms, Some(29_000));
        assert_eq!(integration.passthrough.as_deref(), Some("WHEN_NO_MATCH"));
        assert_eq!(integration.kind, "HTTP_PROXY");
        assert_eq!(normal(integration.clone()), integration);
    }

    #[test]
    fn an_open_method_is_loud_and_a_strangers_route_is_named() {
        let live = Methods::from([
            (key("GET", "/a"), method(NONE)),
            (key("POST", "/admin"), method(NONE)),
        ]);
        let want = Methods::from([
            (key("GET", "/a"), method(AWS_IAM)),
            (key("PUT", "/a"), method(AWS_IAM)),
        ]);
        let lines: Vec<String> = details(&live, &want)
            .iter()
            .map(|it| format!("{} {}", it.sign, it.text))
            .collect();
        assert_eq!(
            lines,
            [
                "~ GET /a OPEN TO ANYONE (no authorizer) -> AWS_IAM",
                "+ PUT /a (AWS_IAM)",
                "- POST /admin (no authorizer)",
            ]
        );
        assert!(details(&want, &want).is_empty());
    }

    #[test]
    fn a_changed_integration_says_what_changed() {
        let live = Methods::from([(key("GET", "/a"), method(AWS_IAM))]);
        let mut want = live.clone();
        for method in want.values_mut() {
            let integration = method.integration.as_mut().expect("an integration");
            integration.timeout_ms = Some(3_000);
            integration.uri = Some("https://other.example.com/".to_owned());
        }
        assert_eq!(
            details(&live, &want)[0].text,
            "GET /a HTTP_PROXY GET https://backend.example.com/ -> HTTP_PROXY GET https://other.example.com/; \
             timeout 29000 ms -> 3000 ms"
        );
    }

    #[test]
    fn a_path_has_one_spelling() {
        assert_eq!(key("get", "/orders//{id}/"), key("GET", "/orders/{id}"));
        assert_eq!(key("ANY", "/").path, "/");
    }
}
