//! JSON as strictly as a policy deserves.
//!
//! A key written twice has one meaning to AWS and perhaps another to us, so it is refused
//! rather than guessed. Depth and size are bounded: a policy is shallow and small, and
//! what is neither is no policy.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::document::PolicyError;

/// The deepest that anything may be nested.
pub const DEEPEST: usize = 32;
/// The most bytes that are read.
pub const LARGEST: usize = 4 * 1024 * 1024;

/// Reads a JSON text.
pub fn parse(text: &str) -> Result<Value, PolicyError> {
    if text.len() > LARGEST {
        return Err(PolicyError {
            at: format!("byte {LARGEST}"),
            message: format!("{} bytes are too many", text.len()),
        });
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = Strict { depth: 0 }.deserialize(&mut reader);
    let read = read.and_then(|value| reader.end().map(|()| value));
    read.map_err(|error| {
        let at = format!("line {} column {}", error.line(), error.column());
        let message = match error.classify() {
            serde_json::error::Category::Data => {
                let text = error.to_string();
                let end = text.find(" at line ").unwrap_or(text.len());
                text[..end].to_owned()
            }
            _ => "this is not JSON".to_owned(),
        };
        PolicyError { at, message }
    })
}

/// Any value, at a depth.
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(&self) -> Result<Self, E> {
        if self.depth == DEEPEST {
            return Err(E::custom("this is nested too deeply"));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_bool<E>(self, it: bool) -> Result<Value, E> {
        Ok(Value::Bool(it))
    }

    fn visit_i64<E>(self, it: i64) -> Result<Value, E> {
        Ok(Value::Number(it.into()))
    }

    fn visit_u64<E>(self, it: u64) -> Result<Value, E> {
        Ok(Value::Number(it.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, it: f64) -> Result<Value, E> {
        Number::from_f64(it)
            .map(Value::Number)
            .ok_or_else(|| E::custom("this is not a number"))
    }

    fn visit_str<E>(self, it: &str) -> Result<Value, E> {
        Ok(Value::String(it.to_owned()))
    }

    fn visit_string<E>(self, it: String) -> Result<Value, E> {
        Ok(Value::String(it))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut found = Vec::new();
        while let Some(item) = items.next_element_seed(self.deeper::<A::Error>()?)? {
            found.push(item);
        }
        Ok(Value::Array(found))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut found = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            if found.contains_key(&key) {
                return Err(A::Error::custom(format!("`{key}` is written twice")));
            }
            let value = fields.next_value_seed(self.deeper::<A::Error>()?)?;
            found.insert(key, value);
        }
        Ok(Value::Object(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_serde_json_reads_is_read() {
        let text = r#"{"a":[1,-2,2.5,true,null,"é\n"],"b":{}}"#;
        let plain: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(parse(text), Ok(plain));
    }

    #[test]
    fn a_fault_says_where_it_is() {
        let fault = |text: &str| parse(text).expect_err("a fault").to_string();
        assert_eq!(fault("{\"a\":\n x}"), "line 2 column 2: this is not JSON");
        assert_eq!(fault("{} {}"), "line 1 column 4: this is not JSON");
        assert_eq!(fault(""), "line 1 column 0: this is not JSON");
        let twice = fault(r#"{"a":{"b":1,"b":2}}"#);
        assert_eq!(twice, "line 1 column 15: `b` is written twice");
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&nested(DEEPEST)).is_ok());
        for depth in [DEEPEST + 1, 100_000] {
            let fault = parse(&nested(depth)).expect_err("too deep");
            assert_eq!(fault.message, "this is nested too deeply");
        }
        assert!(parse(&" ".repeat(LARGEST + 1)).is_err());
    }
}
