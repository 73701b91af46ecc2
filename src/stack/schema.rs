//! The shapes as JSON Schema, so that editors complete and check a stack.
//!
//! Draft 7: the newest that editors' TOML plug-ins (Taplo, Tombi) all read.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::check::ROOT;
use super::shape::{Field, Kind, Shape};

/// The schema of a stack file or overlay.
pub(super) fn schema() -> Value {
    let mut definitions = BTreeMap::new();
    let mut root = shape(&ROOT, &mut definitions);
    if let Value::Object(root) = &mut root {
        root.insert(
            "$schema".to_owned(),
            "http://json-schema.org/draft-07/schema#".into(),
        );
        root.insert("title".to_owned(), "provision stack".into());
        let definitions: Map<String, Value> = definitions
            .into_iter()
            .map(|(name, schema)| (name, schema.unwrap_or(Value::Null)))
            .collect();
        root.insert("definitions".to_owned(), Value::Object(definitions));
    }
    root
}

/// Schemas by name; `None` while one is being made.
type Definitions = BTreeMap<String, Option<Value>>;

fn shape(shape: &'static Shape, definitions: &mut Definitions) -> Value {
    let mut properties = Map::new();
    for field in shape.fields {
        properties.insert(field.name.to_owned(), property(field, definitions));
    }
    let mut schema = json!({
        "type": "object",
        "description": shape.doc,
        "additionalProperties": false,
        "properties": properties,
    });
    let required: Vec<&str> = shape
        .fields
        .iter()
        .filter(|it| it.required)
        .map(|it| it.name)
        .collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if !shape.one_of.is_empty() {
        let choices: Vec<Value> = shape
            .one_of
            .iter()
            .map(|it| json!({ "required": [it] }))
            .collect();
        schema["oneOf"] = choices.into();
    }
    schema
}

fn property(field: &Field, definitions: &mut Definitions) -> Value {
    let mut schema = kind(&field.kind, definitions);
    if schema.get("$ref").is_some() {
        // In draft 7 nothing beside a `$ref` counts.
        schema = json!({ "allOf": [schema] });
    }
    schema["description"] = field.doc.into();
    if let Ok(default) = serde_json::from_str::<Value>(field.default) {
        schema["default"] = default;
    }
    schema
}

fn reference(shape_of: &'static Shape, definitions: &mut Definitions) -> Value {
    let name = shape_of.noun.replace(' ', "-");
    if !definitions.contains_key(&name) {
        definitions.insert(name.clone(), None);
        let schema = shape(shape_of, definitions);
        definitions.insert(name.clone(), Some(schema));
    }
    json!({ "$ref": format!("#/definitions/{name}") })
}

fn whole(low: i64, high: i64) -> Value {
    json!({ "type": "integer", "minimum": low, "maximum": high })
}

fn kind(kind_of: &Kind, definitions: &mut Definitions) -> Value {
    match kind_of {
        Kind::Text => json!({ "type": "string" }),
        Kind::Pattern(pattern) => json!({ "type": "string", "pattern": pattern }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Whole(low, high) => whole(*low, *high),
        Kind::Number(low) => json!({ "type": "number", "minimum": low }),
        Kind::Seconds(low, high) => json!({ "anyOf": [
            whole(*low, *high),
            { "type": "string", "pattern": "^([0-9]+ *[a-z]* *)+$" },
        ] }),
        Kind::Millis(..) => json!({ "type": "string", "pattern": "^([0-9]+ *[a-z]* *)+$" }),
        Kind::Bytes(low, high) => json!({ "anyOf": [
            whole(*low, *high),
            { "type": "string", "pattern": "^[0-9]+ *[A-Za-z]*$" },
        ] }),
        Kind::OneOf(texts) => json!({ "enum": texts }),
        Kind::List(item) => json!({ "type": "array", "items": kind(item, definitions) }),
        Kind::OneOrMany(item) => {
            let item = kind(item, definitions);
            json!({ "anyOf": [item, { "type": "array", "items": item }] })
        }
        Kind::Map(item) => json!({
            "type": "object",
            "additionalProperties": kind(item, definitions),
        }),
        Kind::Table(shape) => reference(shape, definitions),
        Kind::Named(shape) => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z0-9_-]{1,64}$" },
            "additionalProperties": reference(shape, definitions),
        }),
        Kind::Json => json!({ "type": "object" }),
        Kind::Either(kinds) => {
            let kinds: Vec<Value> = kinds.iter().map(|it| kind(it, definitions)).collect();
            json!({ "anyOf": kinds })
        }
    }
}
