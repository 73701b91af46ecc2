//! What a stack lets go of without taking it away.
//!
//! A resource is ours by its mark, and the mark comes off. A statement is ours by its `Sid`, an inline
//! policy by its name: what is wanted no more and must go on working gets another. So nothing that
//! anybody could do is lost, not for a moment, and nothing is left that this stack would take for its
//! own when the resource is named in it again.
//!
//! The new names are as long as the old ones: no document grows by them.

use std::collections::BTreeMap;

use super::{Have, Want};
use crate::model::Detail;
use crate::model::tags::inline_prefix;
use crate::policy::normal::normal_statement;
use crate::policy::own::{self, RESERVED};
use crate::policy::{Document, Principals, Statement};

use super::statements::describe;

/// What the `Sid` of a statement begins with that a stack let go of: nine letters, as [`RESERVED`] has.
pub const RELEASED: &str = "Forgotten";

/// The statements among `live`, all ours, that are wanted no more, as nobody's. Of one that is wanted
/// for fewer principals, actions or resources, the rest.
#[must_use]
pub fn let_go(live: &[Statement], wanted: &[Statement], foreign: &[Statement]) -> Vec<Statement> {
    let forms: Vec<_> = wanted.iter().map(normal_statement).collect();
    let mut found: Vec<Statement> = Vec::new();
    for statement in live {
        if forms.contains(&normal_statement(statement)) {
            continue;
        }
        let same = wanted
            .iter()
            .find(|it| it.sid.is_some() && it.sid == statement.sid);
        let rest = match same.map(|it| rest(statement, it)) {
            Some(Rest::Nothing) => continue,
            Some(Rest::Part(it)) => *it,
            Some(Rest::All) | None => statement.clone(),
        };
        let mut rest = rest;
        let taken = |sid: &str| {
            let others = foreign.iter().chain(&found);
            others.into_iter().any(|it| it.sid.as_deref() == Some(sid))
        };
        let name = renamed(statement.sid.as_deref().unwrap_or_default());
        rest.sid = free(&name, &taken);
        found.push(rest);
    }
    found
}

/// The first of `name`, `name2`, `name3`… that is free.
fn free(name: &str, taken: &dyn Fn(&str) -> bool) -> Option<String> {
    std::iter::once(name.to_owned())
        .chain((2..=u32::MAX).map(|it| format!("{name}{it}")))
        .find(|it| !taken(it))
}

fn renamed(sid: &str) -> String {
    let rest = sid.strip_prefix(RESERVED).unwrap_or(sid);
    format!("{RELEASED}{rest}")
}

/// What is left of a statement beside another of its `Sid`.
enum Rest {
    Nothing,
    Part(Box<Statement>),
    All,
}

type Part = fn(&mut Statement) -> Option<&mut Vec<String>>;

fn rest(old: &Statement, new: &Statement) -> Rest {
    let parts: [Part; 3] = [
        |it| match &mut it.principal.as_mut()?.principals {
            Principals::Of(types) if types.len() == 1 => types.values_mut().next(),
            Principals::Of(_) | Principals::Anyone => None,
        },
        |it| Some(&mut it.action.values),
        |it| it.resource.as_mut().map(|it| &mut it.values),
    ];
    for part in parts {
        let (mut a, mut b) = (old.clone(), new.clone());
        let (Some(had), Some(has)) = (
            part(&mut a).map(std::mem::take),
            part(&mut b).map(std::mem::take),
        ) else {
            continue;
        };
        if normal_statement(&a) != normal_statement(&b) {
            continue;
        }
        let left: Vec<String> = had.into_iter().filter(|it| !has.contains(it)).collect();
        if left.is_empty() {
            return Rest::Nothing;
        }
        if let Some(values) = part(&mut a) {
            *values = left;
        }
        return Rest::Part(Box::new(a));
    }
    Rest::All
}

/// The name of an inline policy once its stack has let go of it.
#[must_use]
pub fn inline_name(stack: &str, name: &str) -> String {
    let rest = name.strip_prefix(&inline_prefix(stack)).unwrap_or(name);
    format!("forgotten-{stack}.{rest}")
}

/// What a role's inline policies of ours hold that is wanted no more, as policies of nobody's.
#[must_use]
pub fn let_go_inline(
    stack: &str,
    live: &BTreeMap<String, Document>,
    wanted: &BTreeMap<String, Document>,
) -> BTreeMap<String, Document> {
    let ours = inline_prefix(stack);
    let mut found = BTreeMap::new();
    for (name, document) in live.iter().filter(|(name, _)| name.starts_with(&ours)) {
        let kept = wanted.get(name).map_or(&[][..], |it| &it.statements);
        let statements = let_go(&document.statements, kept, &[]);
        if statements.is_empty() {
            continue;
        }
        let document = Document {
            statements,
            ..document.clone()
        };
        let same = |it: &str| live.get(it).is_some_and(|it| *it == document);
        let taken = |it: &str| live.contains_key(it) && !same(it);
        if let Some(name) = free(&inline_name(stack, name), &taken) {
            found.insert(name, document);
        }
    }
    found
}

/// A role's trust policy with the stack's statements as nobody's; `None` where it has none of them.
#[must_use]
pub fn let_go_trust(stack: &str, trust: &Document) -> Option<Document> {
    let (ours, foreign) = own::split(trust, stack);
    if ours.is_empty() {
        return None;
    }
    let gone = let_go(&ours, &[], &foreign);
    Some(own::join(
        Some(trust),
        foreign.into_iter().chain(gone).collect(),
        Vec::new(),
    ))
}

/// What is told of it.
pub(crate) fn trust_details(stack: &str, trust: &Document) -> Vec<Detail> {
    let (ours, foreign) = own::split(trust, stack);
    let_go(&ours, &[], &foreign).iter().map(told).collect()
}

/// What is told of a policy whose statements are let go.
pub(crate) fn details(ours: &Document, live: &Document, have: &Have) -> Vec<Detail> {
    let gone = let_go(&live.statements, &ours.statements, &have.foreign);
    gone.iter().map(told).collect()
}

/// The same of inline policies.
pub(crate) fn inline_details(
    want: &Want,
    live: &BTreeMap<String, Document>,
    wanted: &BTreeMap<String, Document>,
) -> Vec<Detail> {
    let_go_inline(&want.stack, live, wanted)
        .iter()
        .flat_map(|(name, it)| {
            it.statements.iter().map(move |it| Detail {
                sign: '~',
                text: format!("stays, as `{name}`: {}", describe(it)),
            })
        })
        .collect()
}

fn told(statement: &Statement) -> Detail {
    let sid = statement.sid.as_deref().unwrap_or_default();
    Detail {
        sign: '~',
        text: format!("stays, as `{sid}`: {}", describe(statement)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Clause, PrincipalClause};

    fn publish(sid: &str, who: &[&str]) -> Statement {
        Statement::allow(sid, Clause::of(["sns:Publish"]))
            .to(PrincipalClause::aws(who.iter().copied()))
            .on(["t"])
    }

    #[test]
    fn what_is_wanted_no_more_stays_under_a_name_as_long_as_its_own() {
        assert_eq!(RELEASED.len(), RESERVED.len());
        let live = [publish("Provision01234567Publish", &["a"])];
        let gone = let_go(&live, &[], &[]);
        assert_eq!(gone, [publish("Forgotten01234567Publish", &["a"])]);
        assert!(let_go(&live, &live, &[]).is_empty());
    }

    #[test]
    fn of_what_is_wanted_for_fewer_only_the_rest_is_let_go() {
        let live = [publish("Provision01234567Publish", &["a", "b"])];
        let wanted = [publish("Provision01234567Publish", &["b"])];
        let rest = let_go(&live, &wanted, &[]);
        assert_eq!(rest, [publish("Forgotten01234567Publish", &["a"])]);
        assert!(let_go(&wanted, &live, &[]).is_empty(), "it has all of it");
        let other = [publish("Provision01234567Publish", &["b"]).when("StringEquals", "k", ["v"])];
        let whole = let_go(&live, &other, &[]);
        assert_eq!(whole, [publish("Forgotten01234567Publish", &["a", "b"])]);
    }

    #[test]
    fn a_name_that_is_taken_is_not_taken_twice() {
        let live = [publish("Provision01234567Publish", &["a"])];
        let foreign = [publish("Forgotten01234567Publish", &["z"])];
        let gone = let_go(&live, &[], &foreign);
        assert_eq!(gone[0].sid.as_deref(), Some("Forgotten01234567Publish2"));
    }

    #[test]
    fn an_inline_policy_that_was_written_already_is_written_again_under_its_name() {
        let document = |sid: &str| Document::of(vec![publish(sid, &["a"])]);
        let mine = ("provision-s.access", document("Provision01234567Publish"));
        let theirs = ("theirs", document("Theirs"));
        let live = |all: &[(&str, Document)]| -> BTreeMap<String, Document> {
            all.iter()
                .map(|(name, it)| ((*name).to_owned(), it.clone()))
                .collect()
        };
        let none = BTreeMap::new();
        let first = let_go_inline("s", &live(&[mine.clone(), theirs.clone()]), &none);
        let names: Vec<&String> = first.keys().collect();
        assert_eq!(names, ["forgotten-s.access"]);
        let done = ("forgotten-s.access", first["forgotten-s.access"].clone());
        let again = let_go_inline("s", &live(&[mine.clone(), done]), &none);
        assert_eq!(again, first);
        let other = ("forgotten-s.access", document("Other"));
        let beside = let_go_inline("s", &live(&[mine, other]), &none);
        let names: Vec<&String> = beside.keys().collect();
        assert_eq!(names, ["forgotten-s.access2"]);
    }
}
