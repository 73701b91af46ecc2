//! A part of a request that documents ask about, and the values that it may have.

use super::automaton::Atlas;
use super::request::Who;

/// What a coordinate is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Who asks.
    Principal,
    /// For what.
    Action,
    /// On what.
    Resource,
    /// A condition key, in lower case.
    Key(String),
    /// Whether something holds that we do not judge.
    Opaque(String),
}

/// A value of a coordinate: an example of all that the documents cannot tell apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// A principal.
    Who(Who),
    /// An action or a resource.
    Text(String),
    /// A condition key's values; `None` for an absent key.
    Key(Option<Vec<String>>),
    /// Whether it holds.
    Flag(bool),
}

/// A coordinate.
#[derive(Clone, Debug)]
pub struct Coordinate {
    /// What it is of.
    pub what: What,
    /// Its values.
    pub values: Vec<Value>,
    /// What tells its texts apart.
    pub atlas: Option<Atlas>,
}

impl Coordinate {
    /// A coordinate of texts, with an example of each class that its patterns tell apart.
    pub(super) fn texts(what: What, atlas: Atlas) -> Self {
        Self {
            what,
            values: atlas.examples.iter().cloned().map(Value::Text).collect(),
            atlas: Some(atlas),
        }
    }
}

/// Where the coordinate of something is among others.
pub(super) fn index(coordinates: &[Coordinate], what: &What) -> Option<usize> {
    coordinates.iter().position(|it| it.what == *what)
}

/// The one text of a resource, or of a key with one value.
pub(super) fn text_of(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        Value::Key(Some(values)) => match values.as_slice() {
            [one] => Some(one),
            _ => None,
        },
        Value::Key(None) | Value::Who(_) | Value::Flag(_) => None,
    }
}

/// A key that names a segment of an ARN elsewhere in the request.
pub(super) struct Link {
    pub(super) key: &'static str,
    pub(super) of: What,
    pub(super) segment: usize,
}

/// Every such key that is judged.
pub(super) fn links() -> [Link; 3] {
    [
        Link {
            key: "aws:sourceaccount",
            of: What::Key("aws:sourcearn".to_owned()),
            segment: 4,
        },
        Link {
            key: "aws:requestedregion",
            of: What::Resource,
            segment: 3,
        },
        Link {
            key: "aws:resourceaccount",
            of: What::Resource,
            segment: 4,
        },
    ]
}
