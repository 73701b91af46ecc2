//! What differs between what is wanted and what is there, and what mending costs.

use std::fmt::{Display, Write as _};

use serde::Serialize;

/// What it takes to mend a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cost {
    /// The resource is changed in place.
    Update,
    /// The resource is deleted and made again.
    Replace,
}

/// A line of a change that is itself a list: a statement, a tag, a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// `+`, `-` or `~`.
    pub sign: char,
    /// What is added, removed or changed.
    pub text: String,
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The field's name, as a stack or AWS's page spells it.
    pub field: String,
    /// What is there; `None` for nothing.
    pub from: Option<String>,
    /// What is wanted; `None` for nothing.
    pub to: Option<String>,
    /// The parts of a list that differ.
    pub details: Vec<Detail>,
    /// What mending costs.
    pub cost: Cost,
}

/// All that differs between two values of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences {
    changes: Vec<Change>,
}

impl Differences {
    /// A field that is changed in place.
    #[must_use]
    pub fn field<T: PartialEq + Shown + ?Sized>(self, name: &str, live: &T, want: &T) -> Self {
        self.compared(name, live, want, Cost::Update)
    }

    /// A field that is fixed when the resource is made.
    #[must_use]
    pub fn fixed<T: PartialEq + Shown + ?Sized>(self, name: &str, live: &T, want: &T) -> Self {
        self.compared(name, live, want, Cost::Replace)
    }

    fn compared<T: PartialEq + Shown + ?Sized>(
        mut self,
        name: &str,
        live: &T,
        want: &T,
        cost: Cost,
    ) -> Self {
        if live != want {
            self.changes.push(Change {
                field: name.to_owned(),
                from: live.shown(),
                to: want.shown(),
                details: Vec::new(),
                cost,
            });
        }
        self
    }

    /// A list of which these parts differ; nothing when there are none.
    #[must_use]
    pub fn list(mut self, name: &str, details: Vec<Detail>) -> Self {
        if !details.is_empty() {
            self.changes.push(Change {
                field: name.to_owned(),
                from: None,
                to: None,
                details,
                cost: Cost::Update,
            });
        }
        self
    }

    /// One more change.
    pub fn push(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether a field differs.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.changes.iter().any(|it| it.field == field)
    }

    /// Whether mending takes a new resource.
    #[must_use]
    pub fn replaces(&self) -> bool {
        self.changes.iter().any(|it| it.cost == Cost::Replace)
    }

    /// The changes, in the kind's own order of fields.
    #[must_use]
    pub fn into_changes(self) -> Vec<Change> {
        self.changes
    }
}

/// What differs between two maps, a detail a key.
#[must_use]
pub fn details_of_maps<V: PartialEq + Display>(
    live: &std::collections::BTreeMap<String, V>,
    want: &std::collections::BTreeMap<String, V>,
) -> Vec<Detail> {
    let mut details = Vec::new();
    for (key, value) in want {
        match live.get(key) {
            None => details.push(Detail {
                sign: '+',
                text: format!("{key} = {value}"),
            }),
            Some(old) if old != value => {
                details.push(Detail {
                    sign: '~',
                    text: format!("{key} = {old} -> {value}"),
                });
            }
            Some(_) => {}
        }
    }
    for (key, value) in live {
        if !want.contains_key(key) {
            details.push(Detail {
                sign: '-',
                text: format!("{key} = {value}"),
            });
        }
    }
    details
}

/// What differs between two sets, a detail a member.
#[must_use]
pub fn details_of_sets<'a, T: Ord + Display + 'a>(
    live: &std::collections::BTreeSet<T>,
    want: &std::collections::BTreeSet<T>,
) -> Vec<Detail> {
    let added = want.difference(live).map(|it| Detail {
        sign: '+',
        text: it.to_string(),
    });
    let removed = live.difference(want).map(|it| Detail {
        sign: '-',
        text: it.to_string(),
    });
    added.chain(removed).collect()
}

/// How a value is written in a plan; `None` for nothing.
pub trait Shown {
    /// The text.
    fn shown(&self) -> Option<String>;
}

macro_rules! shown_as_displayed {
    ($($type:ty),*) => { $(
        impl Shown for $type {
            fn shown(&self) -> Option<String> { Some(self.to_string()) }
        }
    )* };
}
shown_as_displayed!(bool, u8, u16, u32, u64, i64, f64, crate::model::Arn);

impl Shown for String {
    fn shown(&self) -> Option<String> {
        (!self.is_empty()).then(|| self.clone())
    }
}

impl Shown for str {
    fn shown(&self) -> Option<String> {
        (!self.is_empty()).then(|| self.to_owned())
    }
}

impl<T: Shown> Shown for Option<T> {
    fn shown(&self) -> Option<String> {
        self.as_ref().and_then(Shown::shown)
    }
}

impl<T: Shown> Shown for std::collections::BTreeSet<T> {
    fn shown(&self) -> Option<String> {
        let mut text = String::new();
        for item in self.iter().filter_map(Shown::shown) {
            let comma = if text.is_empty() { "" } else { ", " };
            let _ = write!(text, "{comma}{item}");
        }
        (!text.is_empty()).then_some(text)
    }
}

/// A span of seconds as a person writes it: `90s`, `5m`, `4d`.
#[must_use]
pub fn seconds(count: u32) -> String {
    match count {
        0 => "0s".to_owned(),
        it if it % 86_400 == 0 => format!("{}d", it / 86_400),
        it if it % 3_600 == 0 => format!("{}h", it / 3_600),
        it if it % 60 == 0 => format!("{}m", it / 60),
        it => format!("{it}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_fields_make_no_change() {
        let none = Differences::default()
            .field("delay", &3_u32, &3)
            .fixed("fifo", &true, &true);
        assert!(none.is_empty());
    }

    #[test]
    fn a_fixed_field_that_differs_replaces() {
        let found = Differences::default()
            .fixed("fifo", &false, &true)
            .field("delay", &0_u32, &1);
        assert!(found.replaces() && found.has("delay"));
        assert_eq!(found.into_changes().len(), 2);
    }

    #[test]
    fn spans_are_shown_in_their_largest_whole_unit() {
        assert_eq!(
            [seconds(30), seconds(300), seconds(345_600)],
            ["30s", "5m", "4d"]
        );
    }
}
