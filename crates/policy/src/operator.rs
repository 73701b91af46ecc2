//! The names of condition operators, and what they say of a key that is not there.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>.

use std::cmp::Ordering;

/// What an operator compares, before it is negated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Base {
    /// `StringEquals`, `StringNotEquals`; `BinaryEquals`, for base64 has one spelling.
    StringEquals,
    /// `StringEqualsIgnoreCase`, `StringNotEqualsIgnoreCase`
    StringEqualsIgnoreCase,
    /// `StringLike`, `StringNotLike`
    StringLike,
    /// `ArnEquals`, `ArnLike` and their negations
    ArnLike,
    /// `Numeric…`
    Numeric(Compare),
    /// `Date…`
    Date(Compare),
    /// `Bool`
    Bool,
    /// `IpAddress`, `NotIpAddress`
    IpAddress,
    /// `Null`
    Null,
}

/// How two values stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Compare {
    /// `Equals`, `NotEquals`
    Equal,
    /// `LessThan`
    Less,
    /// `LessThanEquals`
    LessOrEqual,
    /// `GreaterThan`
    Greater,
    /// `GreaterThanEquals`
    GreaterOrEqual,
}

impl Compare {
    pub(super) fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// How many of a key's values must pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Set {
    /// The key has one value.
    Single,
    /// `ForAllValues:`
    All,
    /// `ForAnyValue:`
    Any,
}

/// An operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operator {
    /// Of how many values.
    pub set: Set,
    /// What is compared.
    pub base: Base,
    /// Whether a match makes it fail.
    pub negated: bool,
    /// Whether it holds of an absent key.
    pub if_exists: bool,
}

impl Operator {
    /// Reads an operator's name; case means nothing in it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let (set, rest) = match name.split_once(':') {
            None => (Set::Single, name.as_str()),
            Some(("forallvalues", rest)) => (Set::All, rest),
            Some(("foranyvalue", rest)) => (Set::Any, rest),
            Some(_) => return None,
        };
        let (word, if_exists) = match rest.strip_suffix("ifexists") {
            Some(word) => (word, true),
            None => (rest, false),
        };
        let compared = |rest: &str| {
            Some(match rest {
                "equals" => (Compare::Equal, false),
                "notequals" => (Compare::Equal, true),
                "lessthan" => (Compare::Less, false),
                "lessthanequals" => (Compare::LessOrEqual, false),
                "greaterthan" => (Compare::Greater, false),
                "greaterthanequals" => (Compare::GreaterOrEqual, false),
                _ => return None,
            })
        };
        let (base, negated) = match word {
            "stringequals" | "binaryequals" => (Base::StringEquals, false),
            "stringnotequals" => (Base::StringEquals, true),
            "stringequalsignorecase" => (Base::StringEqualsIgnoreCase, false),
            "stringnotequalsignorecase" => (Base::StringEqualsIgnoreCase, true),
            "stringlike" => (Base::StringLike, false),
            "stringnotlike" => (Base::StringLike, true),
            "arnequals" | "arnlike" => (Base::ArnLike, false),
            "arnnotequals" | "arnnotlike" => (Base::ArnLike, true),
            "bool" => (Base::Bool, false),
            "ipaddress" => (Base::IpAddress, false),
            "notipaddress" => (Base::IpAddress, true),
            "null" if !if_exists && set == Set::Single => (Base::Null, false),
            other => {
                if let Some(rest) = other.strip_prefix("numeric") {
                    let (compare, negated) = compared(rest)?;
                    (Base::Numeric(compare), negated)
                } else {
                    let (compare, negated) = compared(other.strip_prefix("date")?)?;
                    (Base::Date(compare), negated)
                }
            }
        };
        Some(Self {
            set,
            base,
            negated,
            if_exists,
        })
    }

    /// What the operator says of an absent key.
    #[must_use]
    pub fn of_absent(self) -> bool {
        match self.set {
            _ if self.if_exists => true,
            Set::All => true,
            Set::Any => false,
            Set::Single => self.negated,
        }
    }

    /// Whether its values may hold wildcards.
    pub(super) fn takes_wildcards(self) -> bool {
        matches!(self.base, Base::StringLike | Base::ArnLike)
    }

    /// Whether its values may hold policy variables.
    pub(super) fn takes_variables(self) -> bool {
        matches!(
            self.base,
            Base::StringEquals
                | Base::StringEqualsIgnoreCase
                | Base::StringLike
                | Base::ArnLike
                | Base::Bool
        )
    }
}
