//! `[[known]]`: something on a resource of the stack that others put there, and why it may stay.
//!
//! Drift does not report what is known, until its end date. What can change under its name, such as a
//! statement, an inline policy or a stage, is known by a digest of its content.

use super::checker::Checker;
use super::diagnostic::{Code, Diagnostic};
use super::fields::{Fields, Item};
use super::nevers::resource;
use super::shape::{Field, Kind, Shape};
use super::syntax::Spanned;
use crate::model::Address;

/// Something that others put on a resource of the stack, and that may stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The resource it is on.
    pub on: Address,
    /// What it is.
    pub content: KnownContent,
    /// The digest of what a policy says that is known by its ARN; without it, whatever it says is known.
    pub document: Option<String>,
    /// Why it may stay.
    pub reason: String,
    /// The last day on which it may, as `2027-01-31`.
    pub until: Option<String>,
    /// Whether that day is over.
    pub expired: bool,
    /// Where in the files it is written, as `file:line`.
    pub written_at: String,
}

/// How a `[[known]]` says what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KnownContent {
    /// By the digest of a statement, a policy or a setting.
    Digest(String),
    /// A managed policy attached to a role, by its ARN.
    AttachedPolicy(String),
    /// A role's permissions boundary, by its ARN.
    Boundary(String),
    /// A subscription of a topic, by its endpoint.
    Subscription(String),
}

impl KnownContent {
    /// The field that says it, and its value.
    #[must_use]
    pub fn field(&self) -> (&'static str, &str) {
        match self {
            Self::Digest(it) => ("digest", it),
            Self::AttachedPolicy(it) => ("attached_policy", it),
            Self::Boundary(it) => ("boundary", it),
            Self::Subscription(it) => ("subscription", it),
        }
    }
}

pub(super) const KNOWN: Shape = Shape {
    noun: "known",
    doc: "Something on a resource of the stack that others put there, and that may stay: drift does not report it. `provision drift --accept ADDRESS --reason TEXT` writes it, and so does `import` for what was there before.",
    fields: &[
        Field::new("on", Kind::Text, "The resource: `\"roles.NAME\"`, `\"topics.NAME\"`, `\"queues.NAME\"`, `\"keys.NAME\"` or `\"apis.NAME\"`.").required().alias(&["to", "resource", "target"]),
        Field::new("digest", Kind::Pattern("^[0-9a-f]{16}$"), "A statement, an inline policy, a setting or a stage, by the digest of its content: when that changes, drift reports it.").alias(&["statement", "inline_policy", "policy"]),
        Field::new("attached_policy", Kind::Text, "A managed policy attached to a role, by its ARN.").alias(&["managed_policy", "attach"]),
        Field::new("boundary", Kind::Text, "A role's permissions boundary, by its ARN."),
        Field::new("document", Kind::Pattern("^[0-9a-f]{16}$"), "Beside `attached_policy` or `boundary`: the digest of what the policy says. When that changes, drift reports it; without it, whatever the policy says is known."),
        Field::new("subscription", Kind::Text, "A subscription of a topic, by its endpoint.").alias(&["endpoint"]),
        Field::new("stage", Kind::Text, "Beside the `digest` of a stage: its name, for people who read the file."),
        Field::new("what", Kind::Text, "What it is, for people who read the file.").alias(&["description"]),
        Field::new("reason", Kind::Text, "Why it may stay.").required().alias(&["because", "why"]),
        Field::new("until", Kind::Pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}$"), "The last day on which it may stay; from the next, drift reports it again.").alias(&["expires", "end"]),
    ],
    one_of: &[
        "digest",
        "attached_policy",
        "boundary",
        "subscription",
    ],
};

/// Reads every `[[known]]`.
pub(super) fn known(checker: &mut Checker<'_>, items: &[Spanned<Item>]) -> Vec<Known> {
    let mut found: Vec<Known> = Vec::new();
    for item in items {
        let Some(fields) = item.fields() else {
            continue;
        };
        let Some(one) = one(checker, fields, item) else {
            continue;
        };
        let twice = found
            .iter()
            .find(|it| it.on == one.on && it.content == one.content);
        if let Some(first) = twice {
            checker.report(
                Diagnostic::new(
                    Code::Conflict,
                    item.span,
                    format!("this is known of `{}` already", one.on),
                    format!("first at {}", first.written_at),
                )
                .help("keep one of them"),
            );
        }
        found.push(one);
    }
    found
}

fn one(checker: &mut Checker<'_>, fields: &Fields, item: &Spanned<Item>) -> Option<Known> {
    let on = resource(checker, fields.text("on")?, "this known")?;
    let text = |name: &str| fields.text(name).map(|it| it.value.to_owned());
    if let (Some(stage), None) = (fields.text("stage"), fields.text("digest")) {
        checker.report(
            Diagnostic::new(
                Code::Missing,
                stage.span,
                format!("stage `{}` is known by its name alone", stage.value),
                "what it serves may change, and needs a `digest`",
            )
            .help(format!(
                "take this table out and run `provision drift --accept {on} --reason TEXT`, which writes it"
            )),
        );
        return None;
    }
    let content = if let Some(digest) = fields.text("digest") {
        let is_digest = digest.value.len() == 16
            && digest
                .value
                .chars()
                .all(|it| matches!(it, '0'..='9' | 'a'..='f'));
        if !is_digest {
            checker.report(
                Diagnostic::new(
                    Code::WrongType,
                    digest.span,
                    format!("`{}` is not a digest", digest.value),
                    "sixteen digits and letters from `a` to `f`",
                )
                .help(format!(
                    "`provision drift --accept {on} --reason TEXT` writes it"
                )),
            );
            return None;
        }
        KnownContent::Digest(digest.value.to_owned())
    } else {
        text("attached_policy")
            .map(KnownContent::AttachedPolicy)
            .or_else(|| text("boundary").map(KnownContent::Boundary))
            .or_else(|| text("subscription").map(KnownContent::Subscription))?
    };
    let reason = fields.text("reason")?;
    if reason.value.trim().is_empty() {
        checker.report(
            Diagnostic::new(
                Code::Missing,
                reason.span,
                format!("this is known of `{on}` without a reason"),
                "an empty text",
            )
            .help("say why it may stay"),
        );
    }
    if let Some(until) = fields.text("until").filter(|it| !is_day(it.value)) {
        checker.report(
            Diagnostic::new(
                Code::WrongType,
                until.span,
                format!("`{}` is not a day", until.value),
                "no such day",
            )
            .help("write year, month and day, as in `until = \"2027-01-31\"`"),
        );
    }
    Some(Known {
        on,
        content,
        document: text("document"),
        reason: reason.value.trim().to_owned(),
        until: text("until"),
        expired: false,
        written_at: checker.written_at(item.span),
    })
}

/// Whether a text is a day of the calendar, as `2027-01-31`.
fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return false;
    };
    let number = |it: &str, digits: usize| {
        let all = it.len() == digits && it.bytes().all(|it| it.is_ascii_digit());
        all.then(|| it.parse::<u32>().ok()).flatten()
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2))
    else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

impl super::Stack {
    /// Marks what is known only until a day before today (`2027-01-31`) as expired.
    pub fn expire(&mut self, today: &str) {
        for it in &mut self.known {
            it.expired = it.until.as_deref().is_some_and(|until| until < today);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{faults, stack};
    use super::*;
    use crate::policy::values::Instant;

    #[test]
    fn what_is_known_has_a_place_a_name_a_reason_and_perhaps_an_end() {
        let stack = stack(
            "[topics.t]\n[[known]]\non = \"topics.t\"\ndigest = \"0123456789abcdef\"\nreason = \" a tool \"\nuntil = \"2028-02-29\"\n[[known]]\non = \"topics.t\"\nsubscription = \"ops@example.com\"\nreason = \"r\"\n",
        );
        let [first, second] = stack.known.as_slice() else {
            panic!("{:?}", stack.known)
        };
        assert_eq!(
            first.content,
            KnownContent::Digest("0123456789abcdef".to_owned())
        );
        assert_eq!(first.reason, "a tool");
        assert_eq!(first.until.as_deref(), Some("2028-02-29"));
        assert!(!first.expired);
        assert_eq!(
            second.content,
            KnownContent::Subscription("ops@example.com".to_owned())
        );
        let later = |today: &str| {
            let mut stack = stack.clone();
            stack.expire(today);
            stack.known.iter().map(|it| it.expired).collect::<Vec<_>>()
        };
        assert_eq!(later("2028-02-29"), [false, false]);
        assert_eq!(later("2028-03-01"), [true, false]);
    }

    proptest! {
        /// Every day there is can be an end, and is still one when it is written again.
        #[test]
        fn every_day_of_a_calendar_is_a_day(days in 0_i64..2_932_897) {
            let text = day_of(days);
            prop_assert!(is_day(&text), "{text}");
            let end = |until: &str| {
                let text = format!("[topics.t]\n[[known]]\non = \"topics.t\"\nsubscription = \"s\"\nreason = \"r\"\nuntil = \"{until}\"\n");
                stack(&text).known.remove(0)
            };
            prop_assert_eq!(end(&text).until, Some(text.clone()));
            // The day after it is later, in the order by which what has ended is told.
            prop_assert!(text < day_of(days + 1) || days == 2_932_896);
        }

        /// Whatever looks like a day is one that the calendar has, or is refused.
        #[test]
        fn what_no_calendar_has_is_no_day(year in 0_u32..10_000, month in 0_u32..15, day in 0_u32..35) {
            let text = format!("{year:04}-{month:02}-{day:02}");
            let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            let leap = u32::from(month == 2 && (year % 400 == 0 || year % 4 == 0 && year % 100 != 0));
            let there = (1..=12).contains(&month) && day >= 1 && day <= lengths[month as usize - 1] + leap;
            prop_assert_eq!(is_day(&text), there, "{}", text);
        }

        #[test]
        fn no_text_stops_the_check_of_an_end(text in r#"[0-9-]{0,12}|[^"\\\p{Cc}]{0,12}"#) {
            let of = format!("[topics.t]\n[[known]]\non = \"topics.t\"\nsubscription = \"s\"\nreason = \"r\"\nuntil = \"{text}\"\n");
            prop_assert_eq!(faults(&of) == "no fault\n", is_day(&text), "{}", of);
        }
    }

    /// A day by its number since 1970-01-01.
    fn day_of(days: i64) -> String {
        let text = Instant::since_1970(days * 86_400).to_string();
        text.split('T').next().expect("a day").to_owned()
    }

    #[test]
    fn what_is_not_said_of_something_known_is_a_fault() {
        let on = |rest: &str| faults(&format!("[topics.t]\n[[known]]\non = \"topics.t\"\n{rest}"));
        for (rest, expected) in [
            ("reason = \"x\"\n", "does not say what it is"),
            ("subscription = \"s\"\n", "has no `reason`"),
            ("stage = \"s\"\nreason = \"x\"\n", "known by its name alone"),
            ("digest = \"ABC\"\nreason = \"x\"\n", "is not a digest"),
            (
                "subscription = \"s\"\nreason = \"  \"\n",
                "without a reason",
            ),
            (
                "subscription = \"s\"\nreason = \"x\"\nuntil = \"2027-02-29\"\n",
                "`2027-02-29` is not a day",
            ),
            (
                "subscription = \"s\"\nreason = \"x\"\n[[known]]\non = \"topics.t\"\nsubscription = \"s\"\nreason = \"y\"\n",
                "this is known of `topics.t` already",
            ),
        ] {
            let found = on(rest);
            assert!(found.contains(expected), "{rest}: {found}");
        }
        let other =
            faults("[[known]]\non = \"topics.nope\"\nsubscription = \"s\"\nreason = \"x\"\n");
        assert!(other.contains("nope"), "{other}");
    }
}
