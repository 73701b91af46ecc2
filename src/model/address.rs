//! Where a resource stands in a stack: `topics.order-events`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The kinds of resource, in the order a reader meets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KindName {
    /// An IAM role.
    Role,
    /// A KMS key.
    Key,
    /// An SNS topic.
    Topic,
    /// An SQS queue.
    Queue,
    /// A topic's subscription of a queue.
    Subscription,
    /// A REST API with its methods and resource policy.
    RestApi,
    /// A REST API's stage with the deployment it serves.
    Stage,
}

impl KindName {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Role,
        Self::Key,
        Self::Topic,
        Self::Queue,
        Self::Subscription,
        Self::RestApi,
        Self::Stage,
    ];

    /// The kind as a sentence says it.
    #[must_use]
    pub fn singular(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Key => "key",
            Self::Topic => "topic",
            Self::Queue => "queue",
            Self::Subscription => "subscription",
            Self::RestApi => "api",
            Self::Stage => "stage",
        }
    }

    /// The kind's table in a stack, and the first word of an address.
    #[must_use]
    pub fn table(self) -> &'static str {
        match self {
            Self::Role => "roles",
            Self::Key => "keys",
            Self::Topic => "topics",
            Self::Queue => "queues",
            Self::Subscription => "subscriptions",
            Self::RestApi => "apis",
            Self::Stage => "stages",
        }
    }
}

/// A resource's kind and its name in the stack.
///
/// A subscription is named `QUEUE.TOPIC`, a stage `API.STAGE`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The kind.
    pub kind: KindName,
    /// The name, unique within the kind.
    pub name: String,
}

impl Address {
    /// The address of `name` of a kind.
    pub fn new(kind: KindName, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }

    /// The resource that a stack file has a table of: a stage's API, and anything else itself.
    #[must_use]
    pub fn of_table(&self) -> Self {
        match (self.kind, self.name.split_once('.')) {
            (KindName::Stage, Some((api, _))) => Self::new(KindName::RestApi, api),
            _ => self.clone(),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What the stack only refers to has no other name than its ARN.
        if self.name.starts_with("arn:") {
            return out.write_str(&self.name);
        }
        write!(out, "{}.{}", self.kind.table(), self.name)
    }
}

impl FromStr for Address {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (table, name) = text.split_once('.').ok_or(())?;
        let kind = KindName::ALL
            .into_iter()
            .find(|it| it.table() == table)
            .ok_or(())?;
        if name.is_empty() {
            Err(())
        } else {
            Ok(Self::new(kind, name))
        }
    }
}

impl Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        text.parse()
            .map_err(|()| serde::de::Error::custom(format!("`{text}` is not an address")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_reads_back_as_it_was_written() {
        for kind in KindName::ALL {
            let address = Address::new(kind, "billing-inbox.order-events");
            assert_eq!(address.to_string().parse(), Ok(address));
        }
        assert_eq!("topics.".parse::<Address>(), Err(()));
        assert_eq!("things.a".parse::<Address>(), Err(()));
    }
}
