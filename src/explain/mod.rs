//! What every code means that the program prints: why it matters, an example, how to mend it, and
//! the page of AWS's that it rests on.
//!
//! Each family has a table of its own. A test holds them to the codes that there are: one that
//! nobody can explain fails it.

mod drift;
mod faults;
mod guardrails;
mod verify;

use crate::stack::nearest;

/// What is known of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The code.
    pub code: &'static str,
    /// In a few words.
    pub title: &'static str,
    /// What it means.
    pub means: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// An example: TOML or JSON, or what is printed.
    pub example: &'static str,
    /// What to do.
    pub mend: &'static str,
    /// The page it rests on.
    pub page: &'static str,
}

/// A family of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// What its codes are about.
    pub name: &'static str,
    /// The codes, in their order.
    pub entries: &'static [Entry],
}

/// Every family.
pub const FAMILIES: [Family; 4] = [
    Family {
        name: "Faults of a stack's files",
        entries: &faults::ENTRIES,
    },
    Family {
        name: "Guardrails",
        entries: &guardrails::ENTRIES,
    },
    Family {
        name: "Drift",
        entries: &drift::ENTRIES,
    },
    Family {
        name: "Claims of `verify`",
        entries: &verify::ENTRIES,
    },
];

/// Every code.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    FAMILIES.iter().flat_map(|it| it.entries)
}

/// What is known of a code, whatever the case of its letters.
#[must_use]
pub fn explain(code: &str) -> Option<&'static Entry> {
    entries().find(|it| it.code.eq_ignore_ascii_case(code.trim()))
}

/// The code that was most likely meant.
#[must_use]
pub fn meant(code: &str) -> Option<&'static str> {
    nearest(code, entries().map(|it| it.code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Guardrail;
    use crate::stack::Code;

    #[test]
    fn every_code_is_explained_once() {
        let mut codes: Vec<&str> = Code::ALL.map(Code::as_str).to_vec();
        codes.extend(Guardrail::ALL.map(Guardrail::code));
        codes.extend(crate::drift::Class::ALL.iter().map(|it| it.code()));
        for code in codes {
            assert!(
                explain(code).is_some(),
                "`{code}` is printed, and nobody can explain it"
            );
        }
        let mut explained: Vec<&str> = entries().map(|it| it.code).collect();
        let count = explained.len();
        explained.sort_unstable();
        explained.dedup();
        assert_eq!(explained.len(), count, "a code is explained twice");
    }

    #[test]
    fn an_explanation_says_everything() {
        for it in entries() {
            for text in [it.title, it.means, it.why, it.example, it.mend] {
                assert!(text.len() > 6, "{}: {text:?}", it.code);
            }
            assert!(
                it.page.starts_with("https://docs.aws.amazon.com/"),
                "{}",
                it.code
            );
        }
    }

    #[test]
    fn a_code_is_found_whatever_its_case_and_a_like_one_is_offered() {
        assert_eq!(explain("pg001").map(|it| it.code), Some("PG001"));
        assert_eq!(explain("PG01"), None);
        assert_eq!(meant("PG01"), Some("PG010"));
        assert_eq!(meant("nothing like it"), None);
    }
}
