//! `OpenAPI` 3.1 documents as 3.0, which is what API Gateway imports: only where nothing is lost.
//!
//! 3.1 takes its schemas from JSON Schema 2020-12. What 3.0 has other words for is put into them; what it has none for
//! is an error with its place. Keys that begin with `x-` are API Gateway's and pass as they are.
//!
//! See <https://spec.openapis.org/oas/v3.1.0> and <https://spec.openapis.org/oas/v3.0.3>.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

/// The version that a converted document has.
const VERSION: &str = "3.0.3";

/// Keywords of JSON Schema that 3.0 has no words for.
const BEYOND: [&str; 19] = [
    "$anchor",
    "$defs",
    "$dynamicAnchor",
    "$dynamicRef",
    "$id",
    "contains",
    "contentSchema",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "maxContains",
    "minContains",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Returns a document of version 3.1 as one of 3.0, or all that it says and 3.0 cannot; another document as it is.
pub(super) fn to_3_0(mut document: Value) -> Result<Value, Vec<String>> {
    // YAML reads `3.1` as a number.
    let is_3_1 = match &document["openapi"] {
        Value::String(it) => it == "3.1" || it.starts_with("3.1."),
        Value::Number(it) => it.to_string() == "3.1",
        _ => false,
    };
    let Some(root) = document.as_object_mut().filter(|_| is_3_1) else {
        return Ok(document);
    };
    let mut lost = Vec::new();
    root.insert("openapi".to_owned(), json!(VERSION));
    root.remove("jsonSchemaDialect");
    empty_or_lost(root, "webhooks", "", &mut lost);
    if let Some(info) = root.get_mut("info").and_then(Value::as_object_mut) {
        info.remove("summary");
        if let Some(license) = info.get_mut("license").and_then(Value::as_object_mut)
            && let Some(Value::String(id)) = license.remove("identifier")
        {
            let url = json!(format!("https://spdx.org/licenses/{id}.html"));
            license.entry("url").or_insert(url);
        }
    }
    if let Some(components) = root.get_mut("components").and_then(Value::as_object_mut) {
        empty_or_lost(components, "pathItems", "components.", &mut lost);
        let schemas = components.get_mut("schemas").and_then(Value::as_object_mut);
        for (name, schema) in schemas.into_iter().flatten() {
            convert(schema, &format!("components.schemas.{name}"), &mut lost);
        }
        let schemes = components.get("securitySchemes");
        for (name, scheme) in schemes.and_then(Value::as_object).into_iter().flatten() {
            if scheme["type"] == "mutualTLS" {
                lost.push(cannot(
                    &format!("components.securitySchemes.{name}"),
                    "mutualTLS",
                ));
            }
        }
        for (name, part) in components.iter_mut().filter(|(name, _)| *name != "schemas") {
            schemas_in(part, &format!("components.{name}"), &mut lost);
        }
    }
    if let Some(paths) = root.get_mut("paths") {
        schemas_in(paths, "paths", &mut lost);
    }
    if lost.is_empty() {
        Ok(document)
    } else {
        Err(lost)
    }
}

fn cannot(path: &str, what: &str) -> String {
    format!(
        "{path}: OpenAPI 3.1 says `{what}`, and OpenAPI 3.0, which API Gateway imports, has no such thing: write it in another way, or leave it out"
    )
}

fn empty_or_lost(fields: &mut Map<String, Value>, name: &str, at: &str, lost: &mut Vec<String>) {
    let removed = fields.remove(name);
    if removed.is_some_and(|it| it.as_object().is_some_and(|it| !it.is_empty())) {
        lost.push(cannot(&format!("{at}{name}"), name));
    }
}

/// Converts the schemas of parameters, headers and bodies wherever they stand in a part of a document.
fn schemas_in(part: &mut Value, path: &str, lost: &mut Vec<String>) {
    match part {
        Value::Object(fields) => {
            for (name, it) in fields {
                let path = format!("{path}.{name}");
                match name.as_str() {
                    "schema" => convert(it, &path, lost),
                    "example" | "examples" | "default" => {}
                    name if name.starts_with("x-") => {}
                    _ => schemas_in(it, &path, lost),
                }
            }
        }
        Value::Array(items) => {
            for (index, it) in items.iter_mut().enumerate() {
                schemas_in(it, &format!("{path}[{index}]"), lost);
            }
        }
        _ => {}
    }
}

/// Converts a schema with all schemas in it.
fn convert(schema: &mut Value, path: &str, lost: &mut Vec<String>) {
    match schema {
        Value::Bool(true) => *schema = json!({}),
        Value::Bool(false) => *schema = json!({"not": {}}),
        _ => {}
    }
    let Some(fields) = schema.as_object_mut() else {
        return;
    };
    for it in BEYOND.iter().filter(|it| fields.contains_key(**it)) {
        lost.push(cannot(&format!("{path}.{it}"), it));
    }
    for it in ["$schema", "$comment"] {
        fields.remove(it);
    }
    inner_schemas(fields, path, lost);
    types(fields, path, lost);
    without_null(fields);
    for (limit, bound, stricter) in [
        ("exclusiveMinimum", "minimum", Ordering::Greater),
        ("exclusiveMaximum", "maximum", Ordering::Less),
    ] {
        exclusive(fields, limit, bound, stricter);
    }
    if let Some(value) = fields.remove("const") {
        fields.insert("enum".to_owned(), json!([value]));
    }
    // API Gateway imports no example; the first one stands for all.
    if let Some(Value::Array(examples)) = fields.remove("examples")
        && let Some(first) = examples.into_iter().next()
    {
        fields.entry("example").or_insert(first);
    }
    content(fields, path, lost);
    if fields.get("type") == Some(&json!("array")) {
        fields.entry("items").or_insert(json!({}));
    }
    // Beside a reference 3.0 reads nothing.
    if fields.len() > 1
        && let Some(reference) = fields.remove("$ref")
    {
        let all = fields.entry("allOf").or_insert(json!([]));
        if let Some(all) = all.as_array_mut() {
            all.insert(0, json!({"$ref": reference}));
        }
    }
}

fn inner_schemas(fields: &mut Map<String, Value>, path: &str, lost: &mut Vec<String>) {
    for (name, it) in fields.iter_mut() {
        let path = format!("{path}.{name}");
        match (name.as_str(), it) {
            ("properties", Value::Object(properties)) => {
                for (name, it) in properties {
                    convert(it, &format!("{path}.{name}"), lost);
                }
            }
            ("items" | "not", it) => convert(it, &path, lost),
            ("additionalProperties", it) if it.is_object() => convert(it, &path, lost),
            ("allOf" | "anyOf" | "oneOf", Value::Array(all)) => {
                for (index, it) in all.iter_mut().enumerate() {
                    // What a list says of `null` is put into words of its own afterwards.
                    if !is_null(it) {
                        convert(it, &format!("{path}[{index}]"), lost);
                    }
                }
            }
            _ => {}
        }
    }
}

fn is_null(schema: &Value) -> bool {
    *schema == json!({"type": "null"})
}

/// A list of types: one of them, and perhaps `null`.
fn types(fields: &mut Map<String, Value>, path: &str, lost: &mut Vec<String>) {
    let types = match fields.get("type") {
        Some(Value::Array(types)) => types.clone(),
        Some(it) if *it == json!("null") => vec![it.clone()],
        _ => return,
    };
    let (null, others): (Vec<Value>, Vec<Value>) =
        types.into_iter().partition(|it| *it == json!("null"));
    if let [one] = others.as_slice() {
        fields.insert("type".to_owned(), one.clone());
        if !null.is_empty() {
            fields.insert("nullable".to_owned(), json!(true));
        }
    } else {
        let all: Vec<String> = others.iter().chain(&null).map(text).collect();
        lost.push(cannot(
            &format!("{path}.type"),
            &format!("[{}]", all.join(", ")),
        ));
    }
}

/// A value as YAML writes it: a text without its quotes.
fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// A choice between something and `null`.
fn without_null(fields: &mut Map<String, Value>) {
    for name in ["anyOf", "oneOf"] {
        let Some(Value::Array(all)) = fields.get_mut(name) else {
            continue;
        };
        let before = all.len();
        all.retain(|it| !is_null(it));
        if all.len() == before || all.is_empty() {
            continue;
        }
        let one = (all.len() == 1).then(|| all[0].clone());
        fields.insert("nullable".to_owned(), json!(true));
        let Some(one) = one else { continue };
        fields.remove(name);
        match one {
            Value::Object(one)
                if one
                    .keys()
                    .all(|it| it != "$ref" && !fields.contains_key(it)) =>
            {
                fields.extend(one);
            }
            one => {
                let all = fields.entry("allOf").or_insert(json!([]));
                if let Some(all) = all.as_array_mut() {
                    all.push(one);
                }
            }
        }
    }
}

/// A limit that is a number itself: in 3.0 a flag of the bound beside it.
fn exclusive(fields: &mut Map<String, Value>, limit: &str, bound: &str, stricter: Ordering) {
    let Some(value) = fields.get(limit).filter(|it| it.is_number()).cloned() else {
        return;
    };
    fields.remove(limit);
    let other = fields
        .get(bound)
        .and_then(Value::as_f64)
        .zip(value.as_f64());
    // The bound beside it alone decides where it leaves less.
    if other.is_some_and(|(bound, limit)| bound.partial_cmp(&limit) == Some(stricter)) {
        return;
    }
    fields.insert(bound.to_owned(), value);
    fields.insert(limit.to_owned(), json!(true));
}

/// What a text holds: 3.0 says it by a format.
fn content(fields: &mut Map<String, Value>, path: &str, lost: &mut Vec<String>) {
    let encoding = fields.remove("contentEncoding");
    let media = fields.remove("contentMediaType");
    let format = match (&encoding, &media) {
        (None, None) => return,
        (Some(it), _) if *it == json!("base64") => "byte",
        (None, Some(it)) if *it == json!("application/octet-stream") => "binary",
        _ => {
            let what = if encoding.is_some() {
                "contentEncoding"
            } else {
                "contentMediaType"
            };
            lost.push(cannot(&format!("{path}.{what}"), what));
            return;
        }
    };
    fields.entry("format").or_insert(json!(format));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(schema: &Value) -> Result<Value, Vec<String>> {
        let document = json!({"openapi": "3.1.0", "components": {"schemas": {"it": schema}}});
        to_3_0(document).map(|mut it| it["components"]["schemas"]["it"].take())
    }

    #[test]
    fn what_3_0_has_other_words_for_is_put_into_them() {
        for (newer, older) in [
            (
                json!({"type": ["string", "null"]}),
                json!({"type": "string", "nullable": true}),
            ),
            (json!({"type": ["string"]}), json!({"type": "string"})),
            (
                json!({"type": "string", "examples": ["a", "b"]}),
                json!({"type": "string", "example": "a"}),
            ),
            (
                json!({"type": "integer", "exclusiveMinimum": 3}),
                json!({"type": "integer", "minimum": 3, "exclusiveMinimum": true}),
            ),
            (
                json!({"exclusiveMinimum": 3, "minimum": 5}),
                json!({"minimum": 5}),
            ),
            (
                json!({"exclusiveMinimum": 5, "minimum": 3}),
                json!({"minimum": 5, "exclusiveMinimum": true}),
            ),
            (
                json!({"exclusiveMaximum": 5, "maximum": 5}),
                json!({"maximum": 5, "exclusiveMaximum": true}),
            ),
            (
                json!({"exclusiveMaximum": 5, "maximum": 3}),
                json!({"maximum": 3}),
            ),
            (json!({"const": "a"}), json!({"enum": ["a"]})),
            (
                json!({"type": "array"}),
                json!({"type": "array", "items": {}}),
            ),
            (
                json!({"type": "object", "properties": {"a": true, "b": {"type": ["integer", "null"]}}}),
                json!({"type": "object", "properties": {"a": {}, "b": {"type": "integer", "nullable": true}}}),
            ),
            (
                json!({"anyOf": [{"type": "string", "maxLength": 3}, {"type": "null"}], "title": "A"}),
                json!({"type": "string", "maxLength": 3, "title": "A", "nullable": true}),
            ),
            (
                json!({"anyOf": [{"$ref": "#/components/schemas/b"}, {"type": "null"}]}),
                json!({"allOf": [{"$ref": "#/components/schemas/b"}], "nullable": true}),
            ),
            (
                json!({"oneOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}),
                json!({"oneOf": [{"type": "string"}, {"type": "integer"}], "nullable": true}),
            ),
            (
                json!({"$ref": "#/components/schemas/b", "description": "b"}),
                json!({"allOf": [{"$ref": "#/components/schemas/b"}], "description": "b"}),
            ),
            (
                json!({"$ref": "#/components/schemas/b"}),
                json!({"$ref": "#/components/schemas/b"}),
            ),
            (
                json!({"type": "string", "contentEncoding": "base64"}),
                json!({"type": "string", "format": "byte"}),
            ),
            (
                json!({"type": "string", "contentMediaType": "application/octet-stream"}),
                json!({"type": "string", "format": "binary"}),
            ),
            (
                json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "$comment": "x"}),
                json!({}),
            ),
            (
                json!({"additionalProperties": false}),
                json!({"additionalProperties": false}),
            ),
        ] {
            assert_eq!(schema(&newer), Ok(older), "{newer}");
        }
    }

    #[test]
    fn what_3_0_cannot_say_is_an_error_with_its_place() {
        for (newer, place) in [
            (
                json!({"type": ["string", "integer"]}),
                "components.schemas.it.type",
            ),
            (json!({"type": "null"}), "components.schemas.it.type"),
            (
                json!({"properties": {"a": {"patternProperties": {}}}}),
                "components.schemas.it.properties.a.patternProperties",
            ),
            (
                json!({"allOf": [{"if": {}}]}),
                "components.schemas.it.allOf[0].if",
            ),
            (
                json!({"type": "string", "contentEncoding": "gzip"}),
                "components.schemas.it.contentEncoding",
            ),
        ] {
            let lost = schema(&newer).expect_err("something is lost");
            assert_eq!(lost.len(), 1, "{lost:?}");
            assert!(lost[0].starts_with(&format!("{place}: ")), "{lost:?}");
        }
        let document = json!({"openapi": "3.1.0", "webhooks": {"a": {}}, "components": {"pathItems": {"a": {}},
            "securitySchemes": {"m": {"type": "mutualTLS"}}}});
        assert_eq!(to_3_0(document).expect_err("something is lost").len(), 3);
    }

    #[test]
    fn bodies_parameters_and_headers_are_converted_and_extensions_are_not() {
        let newer = |kind: &Value| {
            json!({"/a": {"parameters": [{"name": "p", "in": "query", "schema": kind}], "get": {
                "requestBody": {"content": {"application/json": {"schema": kind, "example": {"schema": {"type": ["a", "b"]}}}}},
                "responses": {"200": {"headers": {"h": {"schema": kind}}}},
                "x-amazon-apigateway-integration": {"type": "mock", "schema": {"type": ["string", "null"]}}}}})
        };
        let document = json!({"openapi": "3.1.1", "jsonSchemaDialect": "x", "info": {"summary": "s",
            "license": {"name": "MIT", "identifier": "MIT"}}, "webhooks": {}, "paths": newer(&json!({"type": ["string", "null"]}))});
        let older = json!({"openapi": "3.0.3", "info": {"license": {"name": "MIT",
            "url": "https://spdx.org/licenses/MIT.html"}}, "paths": newer(&json!({"type": "string", "nullable": true}))});
        assert_eq!(to_3_0(document), Ok(older));
        for version in ["3.0.1", "3.2.0"] {
            let other =
                json!({"openapi": version, "paths": newer(&json!({"type": ["string", "null"]}))});
            assert_eq!(to_3_0(other.clone()), Ok(other));
        }
    }
}
