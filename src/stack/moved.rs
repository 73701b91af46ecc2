//! `[[moved]]`: a resource that has another name in the file than before.
//!
//! AWS knows nothing of it: the marks are written again, and nothing is replaced. The entry may stay
//! for as long as somebody may still apply over the old name.

use crate::model::{Address, KindName};

use super::checker::{Checker, Noun};
use super::diagnostic::{Code, Diagnostic};
use super::fields::{Fields, Item};
use super::shape::{Field, Kind, Shape};
use super::syntax::Spanned;

/// A resource that has another address than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The address that its mark may still name.
    pub from: Address,
    /// Its address in the stack.
    pub to: Address,
}

pub(super) const MOVED: Shape = Shape {
    noun: "moved",
    doc: "A resource that has another name in the file than before: its mark is written again, and nothing is replaced. A resource whose name on AWS is made of its name in the file needs a `name` as well, or it becomes another one. Access roles that are named after it keep their names as long as the entry stands.",
    fields: &[
        Field::new(
            "from",
            Kind::Text,
            "What it was called: `\"queues.inbox\"`.",
        )
        .required(),
        Field::new(
            "to",
            Kind::Text,
            "What it is called in this file: `\"queues.orders\"`.",
        )
        .required(),
    ],
    one_of: &[],
};

const NOUNS: [(Noun, KindName); 4] = [
    (Noun::Role, KindName::Role),
    (Noun::Api, KindName::RestApi),
    (Noun::Topic, KindName::Topic),
    (Noun::Queue, KindName::Queue),
];

/// The moves that have no fault, in the order written.
pub(super) fn moved(checker: &mut Checker<'_>, items: &[Spanned<Item>]) -> Vec<Moved> {
    let mut found: Vec<Moved> = Vec::new();
    for fields in items.iter().filter_map(|it| it.fields()) {
        let Some(it) = one(checker, fields) else {
            continue;
        };
        if found.iter().any(|other| other.from == it.from) {
            let at = fields.text("from").map_or(fields.key, |it| it.span);
            let message = format!("`{}` moved already, by another `[[moved]]`", it.from);
            checker.report(Diagnostic::new(Code::Duplicate, at, message, "moved twice"));
        }
        found.push(it);
    }
    found
}

fn one(checker: &mut Checker<'_>, fields: &Fields) -> Option<Moved> {
    let from = address(checker, fields, "from");
    let to = address(checker, fields, "to");
    let ((from, from_noun), (to, to_noun)) = (from?, to?);
    let (at_from, at_to) = (fields.text("from")?.span, fields.text("to")?.span);
    if from_noun != to_noun {
        let message = format!("`{from}` cannot become `{to}`: they are of two kinds");
        checker.report(Diagnostic::new(
            Code::Conflict,
            at_to,
            message,
            "of another kind",
        ));
        return None;
    }
    if checker.is_declared(from_noun, &from.name) {
        let message = format!("`{from}` is still in the stack, so it did not move");
        let fault = Diagnostic::new(Code::Conflict, at_from, message, "declared in this stack");
        checker.report(fault.help("name here what the resource was called before"));
        return None;
    }
    checker.reference(to_noun, fields.text("to")?, "this `[[moved]]`")?;
    Some(Moved { from, to })
}

/// The address in a field, and the noun it begins with.
fn address(checker: &mut Checker<'_>, fields: &Fields, name: &str) -> Option<(Address, Noun)> {
    let text = fields.text(name)?;
    let parsed: Option<Address> = text.value.parse().ok();
    let known = parsed.and_then(|it| {
        let (noun, _) = NOUNS.into_iter().find(|(_, kind)| *kind == it.kind)?;
        Some((it, noun))
    });
    if known.is_none() {
        let message = format!(
            "`{}` is not the address of a role, API, topic or queue",
            text.value
        );
        let fault = Diagnostic::new(Code::Reference, text.span, message, "no address");
        checker.report(
            fault.help("write it as in `\"queues.inbox\"`; the stack's own name cannot be moved"),
        );
    }
    known
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::testing::{faults, stack};

    const QUEUE: &str = "[queues.q]\n";

    fn moved(from: &str, to: &str) -> String {
        format!("{QUEUE}[[moved]]\nfrom = \"{from}\"\nto = \"{to}\"\n")
    }

    #[test]
    fn a_move_names_what_a_resource_was_and_what_it_is() {
        let found = stack(&moved("queues.old", "queues.q")).moved;
        let address = |name: &str| Address::new(KindName::Queue, name);
        assert_eq!(
            found,
            [Moved {
                from: address("old"),
                to: address("q")
            }]
        );
    }

    #[test]
    fn a_move_that_cannot_be_is_told_at_its_place() {
        let told: Vec<String> = [
            ("queues.q", "queues.q"),
            ("topics.old", "queues.q"),
            ("queues.old", "queues.p"),
            ("old", "queues.q"),
            ("stages.a.live", "queues.q"),
        ]
        .map(|(from, to)| faults(&moved(from, to)))
        .to_vec();
        for (told, says) in told.iter().zip([
            "`queues.q` is still in the stack",
            "they are of two kinds",
            "which is not declared",
            "`old` is not the address of a role, API, topic or queue",
            "`stages.a.live` is not the address of a role, API, topic or queue",
        ]) {
            assert!(told.contains(says), "{says}: {told}");
        }
    }
}
