//! Condition operators: all of them, with `…IfExists`, `ForAllValues:` and `ForAnyValue:`.
//!
//! On an absent key a test fails, except that negated tests and `…IfExists` hold, and
//! `ForAllValues:` holds of no values at all. On a key whose value is not known the answer
//! is open. So it is where a text is not the number, date or address its operator wants.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
//! and <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::patterns::{Pattern, Token};
use super::request::{Facts, Key};
use super::three::Three;
use super::values::{Decimal, Instant, Range};

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
    fn holds(self, order: Ordering) -> bool {
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
    fn takes_wildcards(self) -> bool {
        matches!(self.base, Base::StringLike | Base::ArnLike)
    }

    /// Whether its values may hold policy variables.
    fn takes_variables(self) -> bool {
        matches!(
            self.base,
            Base::StringEquals | Base::StringEqualsIgnoreCase | Base::StringLike | Base::ArnLike
        )
    }
}

/// A pattern that may hold policy variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Template {
    /// None.
    Fixed(Pattern),
    /// Some, among text.
    Variable(Vec<Piece>),
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text, with its wildcards.
    Text(Vec<Token>),
    /// `${key, 'default'}`; the key in lower case.
    Variable {
        /// The key.
        key: String,
        /// What stands for it where it is absent.
        default: Option<String>,
    },
}

/// Why a template has no pattern in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfilled {
    /// The variable certainly has no value: what it stands in matches nothing.
    Gone,
    /// Nobody told us the value of this key.
    Open(String),
}

impl Template {
    /// Reads a value. `wild` says whether `*` and `?` are wildcards in it, `variables` whether
    /// `${…}` is more than text, as it is in documents of version 2012-10-17 only.
    #[must_use]
    pub fn parse(text: &str, wild: bool, variables: bool) -> Self {
        let plain = |text: &str| {
            let pattern = if wild {
                Pattern::of(text)
            } else {
                Pattern::literal(text)
            };
            pattern.tokens().to_vec()
        };
        let mut pieces = Vec::new();
        let mut tokens = Vec::new();
        let mut rest = text;
        while variables && let Some((before, after)) = rest.split_once("${") {
            let Some((inside, after)) = after.split_once('}') else {
                break;
            };
            tokens.extend(plain(before));
            rest = after;
            if let "*" | "?" | "$" = inside {
                tokens.extend(inside.chars().map(Token::Char));
                continue;
            }
            let (key, default) = match inside.split_once(',') {
                Some((key, default)) => {
                    let default = default.trim();
                    let bare = default
                        .strip_prefix('\'')
                        .and_then(|it| it.strip_suffix('\''));
                    (key.trim(), Some(bare.unwrap_or(default).to_owned()))
                }
                None => (inside.trim(), None),
            };
            pieces.push(Piece::Text(std::mem::take(&mut tokens)));
            pieces.push(Piece::Variable {
                key: key.to_ascii_lowercase(),
                default,
            });
        }
        tokens.extend(plain(rest));
        if pieces.is_empty() {
            return Self::Fixed(Pattern::from_tokens(tokens));
        }
        pieces.push(Piece::Text(tokens));
        Self::Variable(pieces)
    }

    /// The pattern, with its variables filled from the request.
    pub fn fill(&self, facts: &Facts<'_>) -> Result<Cow<'_, Pattern>, Unfilled> {
        let pieces = match self {
            Self::Fixed(pattern) => return Ok(Cow::Borrowed(pattern)),
            Self::Variable(pieces) => pieces,
        };
        let mut tokens = Vec::new();
        for piece in pieces {
            let (key, default) = match piece {
                Piece::Text(text) => {
                    tokens.extend_from_slice(text);
                    continue;
                }
                Piece::Variable { key, default } => (key, default),
            };
            let open = || Unfilled::Open(key.clone());
            let value = match (facts.key(key), default) {
                (Key::Given([one]), _) => Cow::Borrowed(one.as_str()),
                (Key::Told(one), _) => one,
                (Key::Absent, Some(default)) => Cow::Borrowed(default.as_str()),
                // No session has a user's name. But a tag that the request does not
                // mention may well be on the role.
                (Key::Absent, None) if !key.contains('/') => return Err(Unfilled::Gone),
                _ => return Err(open()),
            };
            tokens.extend(value.chars().map(Token::Char));
        }
        Ok(Cow::Owned(Pattern::from_tokens(tokens)))
    }
}

/// One condition of a statement, ready to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// The operator as the document spells it.
    pub spelling: String,
    /// What it means; `None` when there is no such operator.
    pub operator: Option<Operator>,
    /// The key, in lower case.
    pub key: String,
    /// The values.
    pub values: Vec<Template>,
}

impl Test {
    /// Reads a condition. `variables` as for [`Template::parse`].
    #[must_use]
    pub fn of(spelling: &str, key: &str, values: &[String], variables: bool) -> Self {
        let operator = Operator::parse(spelling);
        let wild = operator.is_some_and(Operator::takes_wildcards);
        let variables = variables && operator.is_some_and(Operator::takes_variables);
        Self {
            spelling: spelling.to_owned(),
            operator,
            key: key.to_ascii_lowercase(),
            values: values
                .iter()
                .map(|it| Template::parse(it, wild, variables))
                .collect(),
        }
    }

    /// Whether the request passes; where that is open, `why` gets the reason.
    pub fn holds(&self, facts: &Facts<'_>, why: &mut Vec<String>) -> Three {
        let Some(operator) = self.operator else {
            why.push(format!("`{}` is no operator that we know", self.spelling));
            return Three::Maybe;
        };
        let known = facts.key(&self.key);
        if operator.base == Base::Null {
            return self.null(&known, why);
        }
        match known {
            Key::Absent => Three::from(operator.of_absent()),
            Key::Present => {
                why.push(format!("the value of `{}` is not given", self.key));
                Three::Maybe
            }
            Key::Unknown => {
                why.push(format!("`{}` is not known", self.key));
                Three::Maybe
            }
            Key::Told(value) => self.of_values(operator, facts, &[value.as_ref()], why),
            Key::Given(values) => {
                let values: Vec<&str> = values.iter().map(String::as_str).collect();
                self.of_values(operator, facts, &values, why)
            }
            Key::RoleOfSession(arn) => self.of_session(operator, facts, &arn, why),
        }
    }

    fn null(&self, known: &Key<'_>, why: &mut Vec<String>) -> Three {
        let absent = match known {
            Key::Absent => "true",
            Key::Given(_) | Key::Told(_) | Key::RoleOfSession(_) | Key::Present => "false",
            Key::Unknown => {
                why.push(format!("whether there is a `{}` is not known", self.key));
                return Three::Maybe;
            }
        };
        Three::from(self.values.iter().any(|it| {
            matches!(it, Template::Fixed(pattern)
                if pattern.as_literal().is_some_and(|it| it.eq_ignore_ascii_case(absent)))
        }))
    }

    fn of_values(
        &self,
        operator: Operator,
        facts: &Facts<'_>,
        values: &[&str],
        why: &mut Vec<String>,
    ) -> Three {
        // AWS counts a key whose value is the empty text among those without values here.
        let values: Vec<&str> = values
            .iter()
            .copied()
            .filter(|it| operator.set != Set::All || !it.is_empty())
            .collect();
        let before = why.len();
        let mut passes = Vec::with_capacity(values.len());
        for value in &values {
            let Some(found) = self.matches(operator, facts, value, why) else {
                return Three::No;
            };
            passes.push(if operator.negated { !found } else { found });
        }
        let verdict = match operator.set {
            Set::All => Three::all(passes),
            Set::Any => Three::any(passes),
            Set::Single => {
                let (all, any) = (
                    Three::all(passes.iter().copied()),
                    Three::any(passes.iter().copied()),
                );
                if all != any {
                    why.push(format!(
                        "`{}` has several values, and `{}` is for one",
                        self.key, self.spelling
                    ));
                    return Three::Maybe;
                }
                all
            }
        };
        if verdict != Three::Maybe {
            why.truncate(before);
        }
        verdict
    }

    /// A session's ARN does not tell the path of its role. A match without one is believed,
    /// for few roles have a path; a mismatch only if no path could make it a match.
    fn of_session(
        &self,
        operator: Operator,
        facts: &Facts<'_>,
        arn: &str,
        why: &mut Vec<String>,
    ) -> Three {
        let Some(found) = self.matches(operator, facts, arn, why) else {
            return Three::No;
        };
        let with_path = Pattern::of(&arn.replacen(":role/", ":role/*/", 1));
        let may_match = || {
            self.values.iter().any(|it| match it.fill(facts) {
                Ok(pattern) => pattern.meets(&with_path),
                Err(_) => true,
            })
        };
        let found = if found == Three::No && may_match() {
            why.push("the path of the session's role is not given".to_owned());
            Three::Maybe
        } else {
            found
        };
        if operator.negated { !found } else { found }
    }

    /// Whether a value of the key matches one of the condition's; `None` when a variable in
    /// them has no value, and the statement therefore says nothing.
    fn matches(
        &self,
        operator: Operator,
        facts: &Facts<'_>,
        value: &str,
        why: &mut Vec<String>,
    ) -> Option<Three> {
        let mut found = Three::No;
        for template in &self.values {
            let one = match template.fill(facts) {
                Ok(pattern) => {
                    let one = compare(operator.base, value, &pattern);
                    if one == Three::Maybe {
                        why.push(format!(
                            "`{}` cannot compare `{value}` with what it asks for",
                            self.spelling
                        ));
                    }
                    one
                }
                Err(Unfilled::Gone) => return None,
                Err(Unfilled::Open(key)) => {
                    why.push(format!("the variable `${{{key}}}` has no known value"));
                    Three::Maybe
                }
            };
            found = found | one;
            if found == Three::Yes {
                break;
            }
        }
        Some(found)
    }
}

/// Whether a value matches a pattern, as an operator compares.
fn compare(base: Base, value: &str, pattern: &Pattern) -> Three {
    let text = || pattern.as_literal().unwrap_or_default();
    let ordered = |order: Option<Ordering>, compare: Compare| match order {
        Some(order) => Three::from(compare.holds(order)),
        None => Three::Maybe,
    };
    match base {
        Base::StringEquals => Three::from(text() == value),
        Base::StringEqualsIgnoreCase => Three::from(text().to_lowercase() == value.to_lowercase()),
        Base::StringLike => Three::from(pattern.matches(value)),
        Base::ArnLike => pattern.matches_arn(value),
        Base::Bool => Three::from(text().eq_ignore_ascii_case(value)),
        Base::Numeric(compare) => {
            let pair = Decimal::parse(value).zip(Decimal::parse(text()));
            ordered(pair.map(|(a, b)| a.cmp(&b)), compare)
        }
        Base::Date(compare) => {
            let pair = Instant::parse(value).zip(Instant::parse(text()));
            ordered(pair.map(|(a, b)| a.cmp(&b)), compare)
        }
        Base::IpAddress => match Range::parse(text()).zip(Range::parse(value)) {
            Some((range, address)) => Three::from(range.holds(&address)),
            None => Three::Maybe,
        },
        // Asked of the key itself, never of its values.
        Base::Null => Three::Maybe,
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::{Request, Who};
    use super::*;

    const ROLE: &str = "arn:aws:iam::111111111111:role/team/a";

    fn request() -> Request {
        Request::new(
            Who::of(ROLE),
            "sns:Publish",
            "arn:aws:sns:eu-west-1:111111111111:t",
        )
    }

    fn holds(request: &Request, operator: &str, key: &str, values: &[&str]) -> Three {
        let values: Vec<String> = values.iter().map(|it| (*it).to_owned()).collect();
        let mut why = Vec::new();
        let found = Test::of(operator, key, &values, true).holds(&Facts::of(request), &mut why);
        assert_eq!(
            found == Three::Maybe,
            !why.is_empty(),
            "{operator}: {why:?}"
        );
        found
    }

    /// One value against one value.
    fn of(operator: &str, value: &str, wanted: &str) -> Three {
        holds(
            &request().with("sns:Endpoint", [value]),
            operator,
            "sns:Endpoint",
            &[wanted],
        )
    }

    #[test]
    fn every_operator_compares_in_its_own_way() {
        for (operator, value, wanted, expected) in [
            ("StringEquals", "a", "a", true),
            ("StringEquals", "a", "A", false),
            ("StringEquals", "ab", "a*", false),
            ("StringNotEquals", "a", "a", false),
            ("StringNotEquals", "a", "b", true),
            ("StringEqualsIgnoreCase", "aB", "Ab", true),
            ("StringNotEqualsIgnoreCase", "aB", "Ab", false),
            ("StringLike", "a/b:c", "a*", true),
            ("StringNotLike", "a/b:c", "a*", false),
            ("ArnLike", "arn:aws:sns:r:1:a/b", "arn:aws:sns:*:1:a*", true),
            (
                "ArnEquals",
                "arn:aws:sns:r:1:a/b",
                "arn:aws:sns:*:1:a*",
                true,
            ),
            (
                "ArnNotLike",
                "arn:aws:sns:r:1:a",
                "arn:aws:sns:r:1:a",
                false,
            ),
            (
                "ArnNotEquals",
                "arn:aws:sns:r:1:b",
                "arn:aws:sns:r:1:a",
                true,
            ),
            (
                "ArnLike",
                "arn:aws:sns:r:2:x:1:a",
                "arn:aws:sns:*:1:a",
                false,
            ),
            ("ArnLike", "no arn", "arn:aws:sns:*:1:a", false),
            ("NumericEquals", "10", "10.0", true),
            ("NumericNotEquals", "10", "9", true),
            ("NumericLessThan", "9", "10", true),
            ("NumericLessThan", "10", "10", false),
            ("NumericLessThanEquals", "10", "10", true),
            ("NumericGreaterThan", "11", "10", true),
            ("NumericGreaterThanEquals", "10", "10", true),
            ("DateEquals", "2026-01-01T00:00:00Z", "2026-01-01", true),
            ("DateNotEquals", "2026-01-01", "2026-01-02", true),
            ("DateLessThan", "2026-01-01", "2026-01-02", true),
            ("DateLessThanEquals", "2026-01-02", "2026-01-02", true),
            ("DateGreaterThan", "2026-01-01", "2026-01-02", false),
            ("DateGreaterThanEquals", "2026-01-02", "2026-01-02", true),
            ("Bool", "true", "True", true),
            ("Bool", "false", "true", false),
            ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", true),
            ("IpAddress", "203.0.113.7", "203.0.113.0/24", true),
            ("NotIpAddress", "203.0.113.7", "203.0.113.0/24", false),
            ("stringequals", "a", "a", true),
        ] {
            assert_eq!(
                of(operator, value, wanted),
                Three::from(expected),
                "{operator} {value} {wanted}"
            );
        }
    }

    #[test]
    fn a_text_that_is_no_number_date_or_address_leaves_the_answer_open() {
        for (operator, value, wanted) in [
            ("NumericEquals", "x", "1"),
            ("NumericLessThan", "1", "x"),
            ("DateLessThan", "yesterday", "2026-01-01"),
            ("IpAddress", "here", "0.0.0.0/0"),
            ("NotIpAddress", "here", "0.0.0.0/0"),
            ("StringSounds", "a", "a"),
        ] {
            assert_eq!(of(operator, value, wanted), Three::Maybe, "{operator}");
        }
    }

    #[test]
    fn on_an_absent_key_negations_and_if_exists_hold_and_the_rest_fails() {
        for (operator, wanted, expected) in [
            ("StringEquals", "a", false),
            ("StringNotEquals", "a", true),
            ("StringEqualsIfExists", "a", true),
            ("StringNotEqualsIfExists", "a", true),
            ("ArnLike", "arn:aws:sns:r:1:a", false),
            ("ArnNotLike", "arn:aws:sns:r:1:a", true),
            ("NumericLessThan", "1", false),
            ("NumericNotEquals", "1", true),
            ("DateGreaterThan", "2026-01-01", false),
            ("Bool", "true", false),
            ("BoolIfExists", "true", true),
            ("IpAddress", "0.0.0.0/0", false),
            ("NotIpAddress", "0.0.0.0/0", true),
            ("Null", "true", true),
            ("Null", "false", false),
            ("ForAllValues:StringEquals", "a", true),
            ("ForAllValues:StringNotEquals", "a", true),
            ("ForAnyValue:StringEquals", "a", false),
            ("ForAnyValue:StringNotEquals", "a", false),
            ("ForAnyValue:StringEqualsIfExists", "a", true),
        ] {
            assert_eq!(
                holds(&request(), operator, "aws:SourceVpce", &[wanted]),
                Three::from(expected),
                "{operator}"
            );
        }
    }

    #[test]
    fn a_key_that_every_request_has_is_open_until_it_is_given() {
        for operator in ["IpAddress", "NotIpAddress", "IpAddressIfExists"] {
            assert_eq!(
                holds(&request(), operator, "aws:SourceIp", &["0.0.0.0/0"]),
                Three::Maybe
            );
        }
        assert_eq!(
            holds(&request(), "Null", "aws:SourceIp", &["false"]),
            Three::Yes
        );
        assert_eq!(
            holds(&request(), "StringNotEquals", "acme:Team", &["x"]),
            Three::Maybe
        );
        assert_eq!(
            holds(&request(), "Null", "acme:Team", &["true"]),
            Three::Maybe
        );
    }

    #[test]
    fn values_of_one_operator_are_alternatives_and_of_a_negated_one_all_excluded() {
        let with = request().with("sns:Endpoint", ["b"]);
        assert_eq!(
            holds(&with, "StringEquals", "sns:Endpoint", &["a", "b"]),
            Three::Yes
        );
        assert_eq!(
            holds(&with, "StringNotEquals", "sns:Endpoint", &["a", "b"]),
            Three::No
        );
        assert_eq!(holds(&with, "StringEquals", "sns:Endpoint", &[]), Three::No);
    }

    #[test]
    fn set_operators_ask_all_or_any_of_the_keys_values() {
        let with = request().with("aws:TagKeys", ["a", "b"]);
        for (operator, wanted, expected) in [
            ("ForAllValues:StringEquals", vec!["a", "b", "c"], Three::Yes),
            ("ForAllValues:StringEquals", vec!["a"], Three::No),
            ("ForAnyValue:StringEquals", vec!["b", "z"], Three::Yes),
            ("ForAnyValue:StringEquals", vec!["z"], Three::No),
            ("ForAllValues:StringNotEquals", vec!["z"], Three::Yes),
            ("ForAllValues:StringNotEquals", vec!["a"], Three::No),
            ("ForAnyValue:StringNotEquals", vec!["a"], Three::Yes),
            ("ForAnyValue:StringNotEquals", vec!["a", "b"], Three::No),
            ("StringEquals", vec!["a"], Three::Maybe),
            ("StringEquals", vec!["a", "b"], Three::Yes),
        ] {
            assert_eq!(
                holds(&with, operator, "aws:TagKeys", &wanted),
                expected,
                "{operator} {wanted:?}"
            );
        }
        let empty = request().with("aws:TagKeys", Vec::<String>::new());
        assert_eq!(
            holds(&empty, "ForAllValues:StringEquals", "aws:TagKeys", &["a"]),
            Three::Yes
        );
        assert_eq!(holds(&empty, "Null", "aws:TagKeys", &["true"]), Three::Yes);
    }

    #[test]
    fn variables_are_filled_from_the_request_and_escapes_are_text() {
        let with = request()
            .with("aws:PrincipalTag/team", ["blue*"])
            .with("sns:Endpoint", ["x-blue*-y"]);
        let like = |wanted: &str| holds(&with, "StringLike", "sns:Endpoint", &[wanted]);
        assert_eq!(like("x-${aws:PrincipalTag/team}-?"), Three::Yes);
        assert_eq!(like("x-${AWS:principaltag/TEAM}-y"), Three::Yes);
        assert_eq!(like("x-${sts:ExternalId, 'blue*'}-y"), Three::Yes);
        assert_eq!(like("x-blue${*}-y"), Three::Yes);
        assert_eq!(like("x-b${*}-y"), Three::No);
        assert_eq!(like("x-${aws:PrincipalTag/other}"), Three::Maybe);
        // A role has no user name, so nothing matches, negated or not.
        assert_eq!(like("${aws:username}"), Three::No);
        assert_eq!(
            holds(&with, "StringNotLike", "sns:Endpoint", &["${aws:username}"]),
            Three::No
        );
    }

    #[test]
    fn a_tags_wildcard_is_no_wildcard() {
        let with = request()
            .with("aws:PrincipalTag/team", ["*"])
            .with("sns:Endpoint", ["anything"]);
        assert_eq!(
            holds(
                &with,
                "StringLike",
                "sns:Endpoint",
                &["${aws:PrincipalTag/team}"]
            ),
            Three::No
        );
    }

    #[test]
    fn in_the_old_version_a_variable_is_text() {
        let with = request().with("sns:Endpoint", ["${aws:username}"]);
        let test = Test::of(
            "StringEquals",
            "sns:Endpoint",
            &["${aws:username}".to_owned()],
            false,
        );
        assert_eq!(test.holds(&Facts::of(&with), &mut Vec::new()), Three::Yes);
    }

    #[test]
    fn a_session_matches_its_role_and_a_path_it_does_not_tell_is_open() {
        let mut session = request();
        session.principal = Who::of("arn:aws:sts::111111111111:assumed-role/a/s");
        let like = |wanted: &str| holds(&session, "ArnLike", "aws:PrincipalArn", &[wanted]);
        assert_eq!(like("arn:aws:iam::111111111111:role/a"), Three::Yes);
        assert_eq!(like("arn:aws:iam::111111111111:role/*"), Three::Yes);
        assert_eq!(like("arn:aws:iam::111111111111:role/team/a"), Three::Maybe);
        assert_eq!(like("arn:aws:iam::111111111111:role/team/b"), Three::No);
        assert_eq!(like("arn:aws:iam::222222222222:role/a"), Three::No);
        assert_eq!(
            like("arn:aws:sts::111111111111:assumed-role/a/s"),
            Three::No
        );
        assert_eq!(
            holds(
                &session,
                "ArnNotLike",
                "aws:PrincipalArn",
                &["arn:aws:iam::111111111111:role/a"]
            ),
            Three::No
        );
    }

    #[test]
    fn the_arn_of_a_roles_principal_has_the_roles_path() {
        let like = |wanted: &str| holds(&request(), "ArnLike", "aws:PrincipalArn", &[wanted]);
        assert_eq!(like(ROLE), Three::Yes);
        assert_eq!(like("arn:aws:iam::111111111111:role/a"), Three::No);
        assert_eq!(like("arn:aws:iam::111111111111:role/*a"), Three::Yes);
    }
}
