//! Truth with a third value: yes, no, and what cannot be known.
//!
//! A condition key that nobody told us of is not false, and above all not true. It
//! stays open until another part of the question settles the answer anyway.

use std::ops::{BitAnd, BitOr, Not};

/// Yes, no, or open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Three {
    /// Certainly not.
    No,
    /// It cannot be known.
    Maybe,
    /// Certainly.
    Yes,
}

impl Three {
    /// Open if `it` is so, else no.
    #[must_use]
    pub fn maybe_if(it: bool) -> Self {
        if it { Self::Maybe } else { Self::No }
    }

    /// Whether it may be so.
    #[must_use]
    pub fn possible(self) -> bool {
        self != Self::No
    }

    /// Whether any is so.
    #[must_use]
    pub fn any(items: impl IntoIterator<Item = Self>) -> Self {
        let mut found = Self::No;
        for item in items {
            found = found | item;
            if found == Self::Yes {
                break;
            }
        }
        found
    }

    /// Whether all are so.
    #[must_use]
    pub fn all(items: impl IntoIterator<Item = Self>) -> Self {
        let mut found = Self::Yes;
        for item in items {
            found = found & item;
            if found == Self::No {
                break;
            }
        }
        found
    }
}

impl From<bool> for Three {
    fn from(it: bool) -> Self {
        if it { Self::Yes } else { Self::No }
    }
}

impl BitAnd for Three {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        self.min(other)
    }
}

impl BitOr for Three {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.max(other)
    }
}

impl Not for Three {
    type Output = Self;
    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Maybe => Self::Maybe,
            Self::Yes => Self::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Three::{self, Maybe, No, Yes};

    #[test]
    fn what_is_open_stays_open_until_something_else_settles_it() {
        assert_eq!(Maybe & No, No);
        assert_eq!(Maybe & Yes, Maybe);
        assert_eq!(Maybe | Yes, Yes);
        assert_eq!(Maybe | No, Maybe);
        assert_eq!(!Maybe, Maybe);
        assert_eq!(Three::any([No, Maybe]), Maybe);
        assert_eq!(Three::all([]), Yes);
        assert_eq!([No, Maybe, Yes].map(Three::possible), [false, true, true]);
    }
}
