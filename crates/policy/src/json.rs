//! JSON as strictly as a policy deserves.
//!
//! A key written twice has one meaning to AWS and perhaps another to us, so it is refused
//! rather than guessed. Depth and size are bounded: a policy is shallow and small, and
//! what is neither is no policy.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Number, Value};

/// The deepest that anything may be nested.
pub const DEEPEST: usize = 32;
/// The most bytes that are read.
pub const LARGEST: usize = 4 * 1024 * 1024;

/// Reads a JSON text.
pub fn parse(text: &str) -> Result<Value, PolicyError> {
    if text.len() > LARGEST {
        return Err(PolicyError {
            at: String::new(),
            position: Some(Position::of(text, LARGEST)),
            message: format!("{} bytes are too many", text.len()),
        });
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = strict(&mut reader, DEEPEST);
    let read = read.and_then(|value| reader.end().map(|()| value));
    read.map_err(|error| {
        let position = Position {
            line: error.line(),
            column: error.column(),
        };
        let message = match error.classify() {
            serde_json::error::Category::Data => {
                let text = error.to_string();
                let end = text.find(" at line ").unwrap_or(text.len());
                text[..end].to_owned()
            }
            _ => "this is not JSON".to_owned(),
        };
        PolicyError {
            at: String::new(),
            position: Some(position),
            message,
        }
    })
}

/// A place in a text, as editors count it: both from 1. Column 0 is the end of the line before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in bytes, as for JSON's own faults.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {} column {}", self.line, self.column)
    }
}

impl Position {
    /// The place of a byte.
    #[must_use]
    pub fn of(text: &str, byte: usize) -> Self {
        let before = &text.as_bytes()[..byte.min(text.len())];
        let lines = before.split(|it| *it == b'\n');
        let (line, last) = lines.fold((0, 0), |(line, _), it| (line + 1, it.len()));
        Self {
            line,
            column: last + 1,
        }
    }

    /// Where the value at a path such as `Statement[2].Action` begins in a JSON text; where the
    /// path goes on to what is not there, the last value on it that is.
    ///
    /// Paths are for people: a key with a dot in it stands in one as it is. So the longest
    /// key that the path goes on with is the one that is meant.
    #[must_use]
    pub fn at(text: &str, path: &str) -> Self {
        let mut scanner = Scanner { text, next: 0 };
        Self::of(text, scanner.seek(path).unwrap_or(0))
    }
}

/// A text that is not a policy document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", self.place())]
pub struct PolicyError {
    /// At which element: `Statement[2].Action`; empty when the text is not JSON.
    pub at: String,
    /// Where that is in the text, when there is one.
    pub position: Option<Position>,
    /// What is wrong there.
    pub message: String,
}

impl PolicyError {
    /// Where it is: `line 3 column 9, Statement[2].Action`.
    #[must_use]
    pub fn place(&self) -> String {
        let position = self.position.map(|it| it.to_string());
        let at = Some(self.at.clone()).filter(|it| !it.is_empty());
        let both: Vec<String> = position.into_iter().chain(at).collect();
        both.join(", ")
    }

    /// The same, with its place in the JSON text that was read.
    #[must_use]
    pub fn within(mut self, text: &str) -> Self {
        // The whole document is on no path.
        let path = if self.at == WHOLE { "" } else { &self.at };
        self.position = self.position.or_else(|| Some(Position::at(text, path)));
        self
    }
}

/// What the whole text is called in an error.
pub(super) const WHOLE: &str = "document";

pub(super) fn wrong(at: impl Into<String>, message: impl Into<String>) -> PolicyError {
    PolicyError {
        at: at.into(),
        position: None,
        message: message.into(),
    }
}

/// The rest of a path behind a key that it goes on with.
#[must_use]
pub fn behind<'a>(path: &'a str, key: &str) -> Option<&'a str> {
    let key = if key.is_empty() { EMPTY } else { key };
    let rest = path.strip_prefix('.').unwrap_or(path).strip_prefix(key)?;
    (rest.is_empty() || rest.starts_with(['.', '['])).then_some(rest)
}

/// The rest of a path behind an index that it goes on with, and the index.
#[must_use]
pub fn indexed(path: &str) -> Option<(usize, &str)> {
    let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
    Some((index.parse().ok()?, rest))
}

/// How a path shows a key without any letter.
pub const EMPTY: &str = "\"\"";

/// A walk over a text that is known to be JSON: anything else ends it early.
struct Scanner<'a> {
    text: &'a str,
    next: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.next..];
        self.next += rest
            .iter()
            .take_while(|it| it.is_ascii_whitespace())
            .count();
        self.text.as_bytes().get(self.next).copied()
    }

    /// Takes a byte that must come now.
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.next += 1)
    }

    /// Takes a text in quotes, quotes included.
    fn quoted(&mut self) -> Option<&'a str> {
        let start = self.next;
        self.take(b'"')?;
        let mut escaped = false;
        for (index, byte) in self.text.as_bytes()[self.next..].iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    self.next += index + 1;
                    return self.text.get(start..self.next);
                }
                _ => {}
            }
        }
        None
    }

    /// Passes over a value.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            match self.peek()? {
                b'"' => drop(self.quoted()?),
                b'{' | b'[' => {
                    self.next += 1;
                    depth += 1;
                }
                b'}' | b']' => {
                    self.next += 1;
                    depth = depth.checked_sub(1)?;
                }
                b',' | b':' if depth > 0 => self.next += 1,
                b',' | b':' => return None,
                _ => {
                    let rest = self.text.as_bytes()[self.next..].iter();
                    let length = rest
                        .take_while(|it| !b"{}[],:\"".contains(it) && !it.is_ascii_whitespace())
                        .count();
                    self.next += length;
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    /// The first byte of the value at a path, or of the last value on it that is there.
    fn seek(&mut self, path: &str) -> Option<usize> {
        let first = self.peek()?;
        let here = self.next;
        // A statement that stands alone is the first of a list.
        let path = match indexed(path) {
            Some((0, rest)) if first == b'{' => rest,
            _ => path,
        };
        if path.is_empty() || !matches!(first, b'{' | b'[') {
            return Some(here);
        }
        self.next += 1;
        let mut best: Option<(usize, &str)> = None;
        let mut index = 0;
        while !matches!(self.peek()?, b'}' | b']') {
            if first == b'{' {
                let key: String = serde_json::from_str(self.quoted()?).ok()?;
                self.take(b':')?;
                self.peek()?;
                if let Some(rest) = behind(path, &key)
                    && best.is_none_or(|(_, other)| rest.len() < other.len())
                {
                    best = Some((self.next, rest));
                }
            } else if let Some((wanted, rest)) = indexed(path)
                && wanted == index
            {
                best = Some((self.next, rest));
            }
            index += 1;
            self.skip()?;
            if self.peek()? == b',' {
                self.next += 1;
            }
        }
        match best {
            Some((next, rest)) => {
                self.next = next;
                self.seek(rest)
            }
            None => Some(here),
        }
    }
}

/// Returns whether brackets of a text are nested deeper than anything that is read. YAML's reader takes quadratic
/// time over them before it says so; brackets within strings count, which is why the bound is wide.
#[must_use]
pub fn is_too_deep(text: &str) -> bool {
    let mut depth = 0_u32;
    text.bytes().any(|it| {
        match it {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > 1000
    })
}

/// Reads a value of any format, with nothing in it written twice and nothing nested deeper than this.
pub fn strict<'de, D: Deserializer<'de>>(from: D, deepest: usize) -> Result<Value, D::Error> {
    Strict { deepest }.deserialize(from)
}

/// Any value, with so much depth left.
struct Strict {
    deepest: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(&self) -> Result<Self, E> {
        match self.deepest.checked_sub(1) {
            Some(deepest) => Ok(Self { deepest }),
            None => Err(E::custom("this is nested too deeply")),
        }
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

    // JSON has no bound for whole numbers; what is beyond is kept as nearly as a double has it.
    fn visit_i128<E: serde::de::Error>(self, it: i128) -> Result<Value, E> {
        #[expect(clippy::cast_precision_loss, reason = "as serde_json reads them")]
        self.visit_f64(it as f64)
    }

    fn visit_u128<E: serde::de::Error>(self, it: u128) -> Result<Value, E> {
        #[expect(clippy::cast_precision_loss, reason = "as serde_json reads them")]
        self.visit_f64(it as f64)
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<Value, A::Error> {
        let (tag, _) = tagged.variant::<String>()?;
        let tag = tag.trim_start_matches('!');
        Err(A::Error::custom(format!(
            "the tag `!{tag}` has no meaning here; a tag of CloudFormation stands for a value that has to be written itself"
        )))
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
    fn a_value_is_found_by_its_path() {
        let text =
            "{\n  \"a\": [1, {\"b.c\": {\"\": 5}, \"b\": \"\\\"}\"}],\n  \"s\": {\"e\": true}\n}";
        let at = |path: &str| Position::at(text, path).to_string();
        assert_eq!(at(""), "line 1 column 1");
        assert_eq!(at("a"), "line 2 column 8");
        assert_eq!(at("a[1].b.c"), "line 2 column 20");
        assert_eq!(at("a[1].b.c.\"\""), "line 2 column 25");
        assert_eq!(at("a[1].b"), "line 2 column 34");
        assert_eq!(at("s[0].e"), "line 3 column 14");
        // What is not there is pointed at where it should be.
        assert_eq!(at("s.f"), "line 3 column 8");
        assert_eq!(at("a[7].x"), "line 2 column 8");
        assert_eq!(at("nowhere"), "line 1 column 1");
        for broken in ["", "{", "{\"a", "[1,", "{\"a\":}", "}"] {
            assert_eq!(Position::at(broken, "a[0]").line, 1);
        }
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

    #[test]
    fn a_text_is_read_up_to_the_largest_and_no_further() {
        let padded = |length: usize| format!("{{}}{}", " ".repeat(length - 2));
        for length in [1 << 21, LARGEST] {
            assert!(parse(&padded(length)).is_ok(), "{length}");
        }
        let fault = parse(&padded(LARGEST + 1)).expect_err("too large");
        assert_eq!(fault.message, format!("{} bytes are too many", LARGEST + 1));
    }

    #[test]
    fn a_text_is_too_deep_by_the_brackets_that_are_open_at_once() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(!is_too_deep(&nested(1000)));
        assert!(is_too_deep(&nested(1001)));
        assert!(is_too_deep(&"{[".repeat(501)));
        assert!(!is_too_deep(&"[{}]".repeat(2000)));
        assert!(!is_too_deep(&format!(
            "{}{}",
            "]}".repeat(600),
            nested(1000)
        )));
    }
}
