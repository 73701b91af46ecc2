//! Faults that a test asks the seam for.
//!
//! Which call a rule hits rests on counts alone, so the same calls in the same
//! order meet the same faults.

use crate::cloud::{Request, Service};
use crate::model::Place;

/// What befalls a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Too many calls: it is not carried out.
    Throttle,
    /// The service fails inside, before it did anything.
    Break,
    /// The service fails inside, after it did everything.
    BreakAfter,
    /// The caller may not do this.
    Deny,
    /// The request never arrives, and no answer comes.
    LoseRequest,
    /// It is carried out, and the answer never comes.
    LoseAnswer,
    /// Nothing is sent any more, this call included.
    StopBefore,
    /// This call is carried out, and nothing is heard or sent any more.
    StopAfter,
}

/// A fault, and the calls it befalls. A rule with nothing said befalls every call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule {
    /// What happens.
    pub trouble: Trouble,
    /// Only calls of this service.
    pub service: Option<Service>,
    /// Only actions of this pattern; `*` stands for any run of characters.
    pub action: Option<String>,
    /// Only accounts whose id or name in the stack is of this pattern.
    pub account: Option<String>,
    /// Only writes, or only reads.
    pub writes: Option<bool>,
    /// Only the nth of the calls for which all this holds, from 1; empty for every one.
    pub nth: Vec<u64>,
    /// Only the attempt with this number of all, from 1.
    pub number: Option<u64>,
}

impl FaultRule {
    /// A rule for every call.
    #[must_use]
    pub fn new(trouble: Trouble) -> Self {
        Self {
            trouble,
            service: None,
            action: None,
            account: None,
            writes: None,
            nth: Vec::new(),
            number: None,
        }
    }

    /// A rule for the attempt with this number, from 1.
    #[must_use]
    pub fn at(number: u64, trouble: Trouble) -> Self {
        Self {
            number: Some(number),
            ..Self::new(trouble)
        }
    }

    /// The same rule, for this action of a service only; `*` in it stands for any run of characters.
    #[must_use]
    pub fn on(mut self, service: Service, action: &str) -> Self {
        self.service = Some(service);
        self.action = Some(action.to_owned());
        self
    }

    /// The same rule, for this account only, by its id or name.
    #[must_use]
    pub fn in_account(mut self, account: &str) -> Self {
        self.account = Some(account.to_owned());
        self
    }

    /// The same rule, for these of the calls it would hit, from 1.
    #[must_use]
    pub fn nth(mut self, nth: impl IntoIterator<Item = u64>) -> Self {
        self.nth = nth.into_iter().collect();
        self
    }

    fn concerns(&self, at: &Place, request: &Request, number: u64) -> bool {
        self.service.is_none_or(|it| it == request.service())
            && self
                .action
                .as_deref()
                .is_none_or(|it| matches(it, request.action()))
            && self
                .account
                .as_deref()
                .is_none_or(|it| matches(it, at.id.as_str()) || matches(it, &at.account))
            && self.writes.is_none_or(|it| it == request.writes())
            && self.number.is_none_or(|it| it == number)
    }
}

/// Rules with the number of calls each has concerned.
#[derive(Debug, Default)]
pub(super) struct Rules {
    rules: Vec<(FaultRule, u64)>,
}

impl Rules {
    pub(super) fn set(&mut self, rules: Vec<FaultRule>) {
        self.rules = rules.into_iter().map(|it| (it, 0)).collect();
    }

    /// What befalls this call: the first rule that hits it counts.
    pub(super) fn trouble(
        &mut self,
        at: &Place,
        request: &Request,
        number: u64,
    ) -> Option<Trouble> {
        let mut found = None;
        for (rule, concerned) in &mut self.rules {
            if rule.concerns(at, request, number) {
                *concerned += 1;
                if found.is_none() && (rule.nth.is_empty() || rule.nth.contains(concerned)) {
                    found = Some(rule.trouble);
                }
            }
        }
        found
    }
}

/// Whether `text` is of a pattern in which `*` stands for any run of characters.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|tail| {
            (0..=tail.len())
                .filter(|it| tail.is_char_boundary(*it))
                .any(|it| matches(rest, &tail[it..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, text, expected) in [
            ("*", "CreateRole", true),
            ("Create*", "CreateRole", true),
            ("*Role", "CreateRole", true),
            ("C*e*e", "CreateRole", true),
            ("CreateRole", "CreateRole", true),
            ("CreateRole", "CreateRoles", false),
            ("Delete*", "CreateRole", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
