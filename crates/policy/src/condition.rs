//! Condition operators: all of them, with `…IfExists`, `ForAllValues:` and `ForAnyValue:`.
//!
//! On an absent key a test fails, except that negated tests and `…IfExists` hold, and
//! `ForAllValues:` holds of no values at all. On a key whose value is not known the answer
//! is open. So it is where a text is not the number, date or address its operator wants.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
//! and <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html>.

use std::cmp::Ordering;

use super::facts::{Facts, Key};
use super::keys::{EARLIEST, is_clock};
use super::operator::{Base, Compare, Operator, Set};
use super::patterns::Pattern;
use super::template::{Template, Unfilled};
use super::three::Three;
use super::values::{Decimal, Instant, Range};

/// One condition of a statement, ready to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Test {
    /// The operator as the document spells it.
    pub spelling: String,
    /// What it means; `None` when there is no such operator.
    pub operator: Option<Operator>,
    /// The key, in lower case.
    pub key: String,
    /// The key as the document spells it.
    pub key_spelling: String,
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
            key_spelling: key.to_owned(),
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
            Key::Present if self.is_of_the_past(operator) => {
                self.of_values(operator, facts, &[EARLIEST[0]], why)
            }
            Key::Present => {
                why.push(format!("the value of `{}` is not given", self.key_spelling));
                Three::Maybe
            }
            Key::Unknown => {
                why.push(format!("`{}` is not known", self.key_spelling));
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

    /// Whether every bound is a moment before any request of today: the answer is the same for all of them.
    fn is_of_the_past(&self, operator: Operator) -> bool {
        let is_past = |it: &Template| match it {
            Template::Fixed(pattern) => pattern
                .as_literal()
                .and_then(Instant::parse)
                .is_some_and(|it| Some(it) < Instant::parse(EARLIEST[0])),
            Template::Variable(_) => false,
        };
        matches!(operator.base, Base::Date(_))
            && is_clock(&self.key)
            && self.values.iter().all(is_past)
    }

    /// Whether the test passes on these values of its key; on `None`, the key is absent.
    ///
    /// Its own values must be without variables: `facts` are not asked for them.
    #[must_use]
    pub fn passes(&self, facts: &Facts<'_>, values: Option<&[&str]>) -> Three {
        let Some(operator) = self.operator else {
            return Three::Maybe;
        };
        let mut why = Vec::new();
        match values {
            _ if operator.base == Base::Null => {
                let known = values.map_or(Key::Absent, |_| Key::Present);
                self.null(&known, &mut why)
            }
            None | Some([]) => Three::from(operator.of_absent()),
            Some(values) => self.of_values(operator, facts, values, &mut why),
        }
    }

    fn null(&self, known: &Key<'_>, why: &mut Vec<String>) -> Three {
        let absent = match known {
            Key::Absent => "true",
            Key::Given(_) | Key::Told(_) | Key::RoleOfSession(_) | Key::Present => "false",
            Key::Unknown => {
                why.push(format!(
                    "whether there is a `{}` is not known",
                    self.key_spelling
                ));
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
            .filter(|it| operator.set == Set::Single || !it.is_empty())
            .collect();
        let before = why.len();
        let mut passes = Vec::with_capacity(values.len());
        for value in &values {
            let found = self.matches(operator, facts, value, why);
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
                        self.key_spelling, self.spelling
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

    /// A session's ARN does not tell the path of its role, so an answer counts only if every path gives it.
    fn of_session(
        &self,
        operator: Operator,
        facts: &Facts<'_>,
        arn: &str,
        why: &mut Vec<String>,
    ) -> Three {
        // Characters that no pattern names tell whether a wildcard takes any path, however long.
        let paths = ["", "\u{1}/", "\u{1}\u{1}\u{1}/"];
        let found = paths.map(|path| {
            let arn = arn.replacen(":role/", &format!(":role/{path}"), 1);
            self.matches(operator, facts, &arn, why)
        });
        let (all, any) = (Three::all(found), Three::any(found));
        let with_path = Pattern::of(&arn.replacen(":role/", ":role/*/", 1));
        let may_match = || {
            self.values.iter().any(|it| match it.fill(facts) {
                Ok(pattern) => pattern.meets(&with_path),
                Err(_) => true,
            })
        };
        let found = match (all, any) {
            (Three::Yes, _) => Three::Yes,
            (_, Three::No) if !may_match() => Three::No,
            _ => {
                why.push("the path of the session's role is not given".to_owned());
                Three::Maybe
            }
        };
        if operator.negated { !found } else { found }
    }

    /// Whether a value of the key matches one of the condition's. One with a variable that has no
    /// value matches nothing, so a negated operator holds.
    fn matches(
        &self,
        operator: Operator,
        facts: &Facts<'_>,
        value: &str,
        why: &mut Vec<String>,
    ) -> Three {
        let mut found = Three::No;
        for template in &self.values {
            let one = match template.fill(facts) {
                Ok(_)
                    if operator.base == Base::Bool && matches!(template, Template::Variable(_)) =>
                {
                    why.push("AWS's pages differ on whether `Bool` fills a variable".to_owned());
                    Three::Maybe
                }
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
                Err(Unfilled::Gone) => Three::No,
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
        found
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
        Base::StringEqualsIgnoreCase if text().eq_ignore_ascii_case(value) => Three::Yes,
        // How AWS folds letters beyond ASCII, its pages do not say.
        Base::StringEqualsIgnoreCase if text().to_lowercase() == value.to_lowercase() => {
            Three::Maybe
        }
        Base::StringEqualsIgnoreCase => Three::No,
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
mod tests;
