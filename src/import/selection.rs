//! Which of the things that are there are asked for.

use std::collections::BTreeSet;

use crate::kinds::survey::census::Candidate;
use crate::model::Mark;
use crate::policy::patterns::Pattern;

/// What to take: everything that bears the stack's mark, and whatever else these name.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Patterns of names, where `*` and `?` match as in a policy; one must match.
    pub names: Vec<String>,
    /// Tags that must all be there; without a value, whatever the value.
    pub tags: Vec<(String, Option<String>)>,
    /// Exactly these, by ARN or API id.
    pub ids: BTreeSet<String>,
}

/// Paths of roles that AWS makes and alone may change.
const OF_AWS: [&str; 2] = [":role/aws-service-role/", ":role/aws-reserved/"];

impl Selection {
    /// Whether nothing is asked for but what bears the mark.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.tags.is_empty() && self.ids.is_empty()
    }

    /// Whether this is asked for: an unread tag may still turn out to be there.
    #[must_use]
    pub fn takes(&self, stack: &str, it: &Candidate<'_>) -> bool {
        match it.tags.and_then(Mark::read) {
            Some(mark) => mark.stack == stack,
            None => self.names_it(it),
        }
    }

    /// Whether this is asked for, and another stack's.
    #[must_use]
    pub fn is_anothers(&self, stack: &str, it: &Candidate<'_>) -> Option<String> {
        let mark = it.tags.and_then(Mark::read)?;
        (mark.stack != stack && self.names_it(it)).then_some(mark.stack)
    }

    fn names_it(&self, it: &Candidate<'_>) -> bool {
        if OF_AWS.iter().any(|path| it.id.contains(path)) {
            return false;
        }
        if self.ids.contains(it.id) {
            return true;
        }
        if self.names.is_empty() && self.tags.is_empty() {
            return false;
        }
        let by_name = self.names.is_empty()
            || self
                .names
                .iter()
                .any(|pattern| Pattern::of(pattern).matches(it.name));
        let by_tag = self.tags.iter().all(|(key, value)| {
            let Some(tags) = it.tags else { return true };
            let there = tags.get(key);
            there.is_some() && value.as_ref().is_none_or(|it| there == Some(it))
        });
        by_name && by_tag
    }
}
