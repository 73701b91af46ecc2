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

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a value is as a schema says; as much of draft 7 as is made here.
    fn fits(value: &Value, schema: &Value, root: &Value) -> bool {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let name = name.trim_start_matches("#/definitions/");
            return fits(value, &root["definitions"][name], root);
        }
        let all = |key: &str, test: &dyn Fn(&[Value]) -> bool| {
            schema
                .get(key)
                .and_then(Value::as_array)
                .is_none_or(|it| test(it))
        };
        let typed = match schema.get("type").and_then(Value::as_str) {
            Some("string") => value.is_string(),
            Some("boolean") => value.is_boolean(),
            Some("integer") => value.is_i64(),
            Some("number") => value.is_number(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            Some(other) => panic!("no such type: {other}"),
            None => true,
        };
        let limit = |key: &str| schema.get(key).and_then(Value::as_f64);
        let number = value.as_f64();
        let ranged = number.is_none_or(|it| {
            limit("minimum").is_none_or(|low| it >= low)
                && limit("maximum").is_none_or(|high| it <= high)
        });
        let fields = value.as_object().is_none_or(|fields| {
            let known = schema.get("properties").and_then(Value::as_object);
            fields.iter().all(|(name, value)| {
                let more = schema.get("additionalProperties");
                match known.and_then(|it| it.get(name)).or(more) {
                    Some(Value::Bool(more)) => *more,
                    Some(schema) => fits(value, schema, root),
                    None => true,
                }
            })
        });
        let items = value.as_array().is_none_or(|items| {
            schema
                .get("items")
                .is_none_or(|schema| items.iter().all(|it| fits(it, schema, root)))
        });
        typed
            && ranged
            && fields
            && items
            && all("enum", &|them| them.contains(value))
            && all("allOf", &|them| them.iter().all(|it| fits(value, it, root)))
            && all("anyOf", &|them| them.iter().any(|it| fits(value, it, root)))
            && all("oneOf", &|them| {
                them.iter().filter(|it| fits(value, it, root)).count() == 1
            })
            && all("required", &|them| {
                them.iter()
                    .all(|it| it.as_str().is_some_and(|it| value.get(it).is_some()))
            })
    }

    fn valid(text: &str) -> bool {
        let value: toml::Table = text.parse().expect("TOML");
        let value = serde_json::to_value(value).expect("JSON");
        let schema = schema();
        fits(&value, &schema, &schema)
    }

    #[test]
    fn the_stacks_to_read_are_valid_by_the_schema() {
        for text in [
            include_str!("../../stacks/marketplace.toml"),
            include_str!("../../stacks/single-account.toml"),
            include_str!("../../stacks/openapi.toml"),
            include_str!("../../stacks/private-api.toml"),
            "[accounts.a]\nid = \"111111111111\"\n[roles.a.policies]\nx = { Statement = [] }\ny = \"y.json\"\n",
        ] {
            assert!(valid(text), "{text}");
        }
    }

    #[test]
    fn the_schema_finds_what_an_editor_can_find() {
        for text in [
            "nonsense = 1\n",
            "[queues.q]\nfifo = \"yes\"\n",
            "[queues.q]\ndelay = 901\n",
            "[queues.q]\nvisibilty = 5\n",
            "[accounts.a]\n",
            "[apis.a.routes]\n\"GET /\" = { mock = 200, http = \"https://a\" }\n",
            "[apis.a]\nendpoint = \"open\"\n",
            "[[access]]\nfrom = { role_prefix = \"x\" }\nto = \"topics.t\"\n",
        ] {
            assert!(!valid(text), "{text}");
        }
    }

    #[test]
    fn every_default_is_one_the_schema_and_the_reading_take() {
        let schema = schema();
        let mut checked = 0;
        let tables = schema["definitions"].as_object().expect("definitions");
        for table in tables.values() {
            for property in table["properties"]
                .as_object()
                .expect("properties")
                .values()
            {
                if let Some(default) = property.get("default") {
                    assert!(fits(default, property, &schema), "{property}");
                    checked += 1;
                }
            }
        }
        assert!(checked > 25, "{checked}");
    }
}
