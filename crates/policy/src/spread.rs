//! A document that is too long for its place, spread over several.
//!
//! Which of them a grant (a statement, of one resource) stands in is read off a digest of it, bit by
//! bit. As long as there is room for all in the first place, all of them stand there; a document that
//! is too full becomes two, and the half whose next bit is 1 goes to a new one. So the order in which
//! grants are written means nothing, no memory is needed, and one grant more or less changes one
//! document, or makes two of one, or one of two: in no other does anything change.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::document::{Clause, Document, Statement};

/// Bits of a digest that are looked at. Beyond them grants are not told apart, and a budget says so.
const BITS: u32 = 32;

/// How much there may be in one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// In the first place.
    pub first: usize,
    /// In each further one.
    pub further: usize,
}

/// A document, spread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spread {
    /// What stays in the first place, where anything does.
    pub stays: Option<Document>,
    /// What goes elsewhere, by a number that others' coming and going does not change.
    pub goes: BTreeMap<u32, Document>,
}

/// One resource of one statement.
#[derive(Clone, Debug)]
struct Grant {
    /// Which statement of the document.
    of: usize,
    statement: Statement,
    digest: u32,
}

/// Spreads a document over as many as it needs by this measure.
#[must_use]
pub fn spread(document: &Document, room: Room, size: &dyn Fn(&Document) -> usize) -> Spread {
    let mut spread = Spread {
        stays: None,
        goes: BTreeMap::new(),
    };
    if document.statements.is_empty() || size(document) <= room.first {
        spread.stays = Some(document.clone());
        return spread;
    }
    // A first place that others have all but filled is left to them, rather than cut ever finer for it.
    let stays = room.first >= room.further / 2;
    let mut left = vec![(grants_in(document), 0, 0)];
    while let Some((grants, bits, number)) = left.pop() {
        let first = stays && number == 0;
        let limit = if first { room.first } else { room.further };
        let together = of_grants(document, &grants);
        if grants.len() <= 1 || bits == BITS || size(&together) <= limit {
            match (grants.is_empty(), first) {
                (true, _) => {}
                (false, true) => spread.stays = Some(together),
                (false, false) => {
                    spread.goes.insert(number, together);
                }
            }
            continue;
        }
        let (ones, zeros) = grants
            .into_iter()
            .partition(|it| it.digest >> bits & 1 == 1);
        left.push((zeros, bits + 1, number));
        left.push((ones, bits + 1, number | 1 << bits));
    }
    spread
}

/// Spread documents as one again: statements that are alike but for what they are on are one.
#[must_use]
pub fn gathered(documents: impl IntoIterator<Item = Document>) -> Document {
    let mut found: Vec<Statement> = Vec::new();
    for statement in documents.into_iter().flat_map(|it| it.statements) {
        let alike = found.iter_mut().find(|it| {
            let on = |it: &Statement| it.resource.as_ref().is_some_and(|it| !it.negated);
            let mut other = (*it).clone();
            other.resource.clone_from(&statement.resource);
            on(it) && on(&statement) && other == statement
        });
        match (
            alike.and_then(|it| it.resource.as_mut()),
            &statement.resource,
        ) {
            (Some(all), Some(more)) => {
                all.values.extend(more.values.iter().cloned());
                all.values.sort();
                all.values.dedup();
            }
            _ => found.push(statement),
        }
    }
    Document::of(found)
}

/// Everything that a document grants or denies, each grant by itself, whatever it is called.
#[must_use]
pub fn grants(document: &Document) -> BTreeSet<String> {
    let all = grants_in(document).into_iter();
    all.map(|mut it| {
        it.statement.sid = None;
        it.statement.to_value().to_string()
    })
    .collect()
}

fn grants_in(document: &Document) -> Vec<Grant> {
    let mut found = Vec::new();
    for (of, statement) in document.statements.iter().enumerate() {
        let mut add = |statement: Statement| {
            let text = statement.to_value().to_string();
            let hash = Sha256::digest(text.as_bytes());
            found.push(Grant {
                of,
                statement,
                digest: u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]),
            });
        };
        match &statement.resource {
            // What is on none of several resources is one thing.
            Some(clause) if !clause.negated && clause.values.len() > 1 => {
                for value in &clause.values {
                    add(Statement {
                        resource: Some(Clause::of([value.clone()])),
                        ..statement.clone()
                    });
                }
            }
            _ => add(statement.clone()),
        }
    }
    found
}

/// A document of these grants, with their statements as they stand in the whole.
fn of_grants(whole: &Document, grants: &[Grant]) -> Document {
    let mut by_statement: BTreeMap<usize, Statement> = BTreeMap::new();
    for grant in grants {
        by_statement
            .entry(grant.of)
            .and_modify(|it| {
                let more = grant.statement.resource.iter().flat_map(|it| &it.values);
                if let Some(clause) = &mut it.resource {
                    clause.values.extend(more.cloned());
                }
            })
            .or_insert_with(|| grant.statement.clone());
    }
    Document {
        statements: by_statement.into_values().collect(),
        ..whole.clone()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::document::Effect;
    use super::super::size;
    use super::super::widen::{Change, compare};
    use super::*;

    const ROOM: Room = Room {
        first: 1024,
        further: 614,
    };

    fn length(document: &Document) -> usize {
        size::managed(document).used
    }

    /// A document of topics to publish to and routes to call, some of them denied.
    fn of(topics: &BTreeSet<String>) -> Document {
        let arn = |it: &String| format!("arn:aws:sns:eu-west-1:333333333333:{it}");
        let (some, others): (Vec<&String>, Vec<&String>) =
            topics.iter().partition(|it| it.len() % 3 > 0);
        let publish = Statement::allow("Publish", Clause::of(["sns:Publish"]));
        let mut not = Statement::allow("Not", Clause::of(["sns:Subscribe"]));
        not.effect = Effect::Deny;
        let both = [(publish, some), (not, others)];
        let statements = both.into_iter().filter(|(_, it)| !it.is_empty());
        Document::of(
            statements
                .map(|(statement, topics)| statement.on(topics.into_iter().map(arn)))
                .collect(),
        )
    }

    fn topics() -> impl Strategy<Value = BTreeSet<String>> {
        prop::collection::btree_set("[a-z]{1,12}", 0..80)
    }

    fn documents(spread: &Spread) -> BTreeMap<Option<u32>, Document> {
        let goes = spread.goes.iter().map(|(at, it)| (Some(*at), it.clone()));
        let stays = spread.stays.iter().map(|it| (None, it.clone()));
        goes.chain(stays).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        #[test]
        fn spreading_never_changes_what_a_document_means(all in topics()) {
            let whole = of(&all);
            let spread = documents(&spread(&whole, ROOM, &length));
            let apart = spread.values().flat_map(|it| it.statements.clone());
            let verdict = compare(&whole, &Document::of(apart.collect()));
            prop_assert!(matches!(verdict.verdict, Change::Equal | Change::Cosmetic), "{verdict:?}");
            let all: BTreeSet<String> = spread.values().flat_map(grants).collect();
            prop_assert_eq!(all, grants(&whole));
            let again = gathered(spread.into_values());
            prop_assert_eq!(again.statements.len(), whole.statements.len());
            prop_assert_eq!(grants(&again), grants(&whole));
        }

        #[test]
        fn no_document_is_too_full(all in topics()) {
            for (at, document) in documents(&spread(&of(&all), ROOM, &length)) {
                let limit = if at.is_none() { ROOM.first } else { ROOM.further };
                prop_assert!(length(&document) <= limit, "{at:?}");
                prop_assert!(!all.is_empty() || at.is_none());
            }
        }

        #[test]
        fn one_more_or_less_changes_one_document(all in topics(), new in "[A-Z]{1,12}") {
            let before = documents(&spread(&of(&all), ROOM, &length));
            let mut more = all.clone();
            more.insert(new);
            let after = documents(&spread(&of(&more), ROOM, &length));
            // One that is emptied by a half that is all of it is changed too.
            let changed = before.keys().filter(|it| after.get(*it) != before.get(*it));
            let changed: Vec<_> = changed.collect();
            prop_assert!(changed.len() <= 1, "{changed:?}");
        }

        #[test]
        fn what_fits_stays_together(all in topics()) {
            let whole = of(&all);
            let room = Room { first: length(&whole), further: 614 };
            let spread = spread(&whole, room, &length);
            prop_assert_eq!(spread.stays, Some(whole));
            prop_assert!(spread.goes.is_empty());
        }

        #[test]
        fn the_order_of_grants_means_nothing(all in topics()) {
            let whole = of(&all);
            let mut turned = whole.clone();
            turned.statements.reverse();
            for clause in turned.statements.iter_mut().filter_map(|it| it.resource.as_mut()) {
                clause.values.reverse();
            }
            let places = |it: &Document| -> BTreeMap<Option<u32>, BTreeSet<String>> {
                let spread = documents(&spread(it, ROOM, &length));
                spread.iter().map(|(at, it)| (*at, grants(it))).collect()
            };
            prop_assert_eq!(places(&whole), places(&turned));
        }
    }

    #[test]
    fn a_first_place_that_is_taken_is_left_alone() {
        let all: BTreeSet<String> = (0..60).map(|it| format!("topic-{it}")).collect();
        let room = Room {
            first: 100,
            further: 614,
        };
        let spread = spread(&of(&all), room, &length);
        assert_eq!(spread.stays, None);
        assert!(spread.goes.contains_key(&0) && spread.goes.len() >= 4);
    }

    #[test]
    fn documents_are_filled_well_enough_for_a_thousand_topics_on_one_role() {
        let room = Room {
            first: size::INLINE,
            further: size::MANAGED,
        };
        let mut most = 0;
        for count in (100..1000).step_by(25) {
            let all = (0..count)
                .map(|it| format!("order-events-{it:03}"))
                .collect();
            let goes = spread(&of(&all), room, &length).goes.len();
            if goes <= 10 {
                most = count;
            }
        }
        assert!(most >= 700, "{most}");
    }

    /// As many statements as this, each on one topic.
    fn apart(count: usize) -> Document {
        let statement = |it: usize| {
            Statement::allow(format!("S{it:02}"), Clause::of(["sns:Publish"]))
                .on([format!("arn:aws:sns:eu-west-1:333333333333:t{it:02}")])
        };
        Document::of((0..count).map(statement).collect())
    }

    #[test]
    fn a_first_place_is_left_alone_when_less_than_half_a_place_is_left() {
        let half = ROOM.further / 2;
        for (first, stays) in [(half, true), (half - 1, false)] {
            let room = Room { first, ..ROOM };
            let found = spread(&apart(12), room, &length);
            assert_eq!(found.stays.is_some(), stays, "{first}");
            assert!(found.goes.len() > 1);
        }
    }

    #[test]
    fn what_fits_exactly_is_not_spread_and_one_more_is() {
        let whole = apart(12);
        let full = length(&whole);
        for (first, together) in [(full, true), (full - 1, false)] {
            let room = Room { first, ..ROOM };
            let found = spread(&whole, room, &length);
            assert_eq!(found.stays.as_ref() == Some(&whole), together);
            assert_eq!(found.goes.is_empty(), together);
        }
        let nothing = Document::of(Vec::new());
        let found = spread(
            &nothing,
            Room {
                first: 0,
                further: 0,
            },
            &length,
        );
        assert_eq!(found.stays, Some(nothing));
        assert!(found.goes.is_empty());
    }

    #[test]
    fn a_place_is_filled_before_another_is_made() {
        let found = spread(&apart(40), ROOM, &length);
        assert!(found.goes.len() < 20, "{}", found.goes.len());
        assert!(found.goes.values().any(|it| it.statements.len() > 2));
    }

    #[test]
    fn a_grant_that_fits_nowhere_stands_alone_and_so_does_what_is_alike() {
        let small = Room {
            first: 10,
            further: 10,
        };
        let found = spread(&apart(5), small, &length);
        assert!(found.goes.values().all(|it| it.statements.len() == 1));
        assert_eq!(documents(&found).len(), 5);
        // Alike to the last bit, two grants cannot be told apart.
        let mut twice = apart(1);
        twice.statements.push(twice.statements[0].clone());
        let found = spread(&twice, small, &length);
        let places: Vec<Document> = documents(&found).into_values().collect();
        assert_eq!(places, [twice]);
    }

    #[test]
    fn grants_are_one_a_resource_but_of_none_of_several() {
        let on = |clause: Option<Clause>| {
            let mut statement = Statement::allow("A", Clause::of(["sns:Publish"]));
            statement.resource = clause;
            Document::of(vec![statement])
        };
        let not = Clause {
            negated: true,
            ..Clause::of(["a", "b"])
        };
        for (clause, count) in [
            (None, 1),
            (Some(Clause::of(["a"])), 1),
            (Some(Clause::of(["a", "b", "c"])), 3),
            (Some(not.clone()), 1),
        ] {
            assert_eq!(grants(&on(clause)).len(), count);
        }
        // Nor are they made one again.
        let one = |clause: Clause| on(Some(clause));
        let gathered = |a: &Document, b: &Document| gathered([a.clone(), b.clone()]).statements;
        let (a, b) = (one(Clause::of(["a"])), one(Clause::of(["b"])));
        assert_eq!(gathered(&a, &b), one(Clause::of(["a", "b"])).statements);
        assert_eq!(gathered(&b, &a), one(Clause::of(["a", "b"])).statements);
        assert_eq!(gathered(&a, &a), a.statements);
        let other = Clause {
            negated: true,
            ..Clause::of(["c"])
        };
        assert_eq!(gathered(&one(not.clone()), &one(other)).len(), 2);
        assert_eq!(gathered(&a, &one(not)).len(), 2);
        assert_eq!(gathered(&on(None), &on(None)).len(), 2);
        assert_eq!(gathered(&on(None), &a).len(), 2);
    }

    #[test]
    fn a_grant_stands_where_every_version_of_the_program_puts_it() {
        let room = Room {
            first: 300,
            further: 300,
        };
        let spread = spread(&apart(8), room, &length);
        let places: Vec<String> = documents(&spread)
            .iter()
            .map(|(at, it)| {
                let resources = it.statements.iter().flat_map(|it| &it.resource);
                let names = resources.flat_map(|it| &it.values);
                let names: Vec<&str> = names.filter_map(|it| it.rsplit(':').next()).collect();
                format!("{at:?} {}", names.join(" "))
            })
            .collect();
        // Another numbering, or another digest, would move grants at every user's next apply.
        assert_eq!(
            places,
            [
                "None t03 t04",
                "Some(1) t06",
                "Some(3) t05 t07",
                "Some(6) t00 t01",
                "Some(14) t02",
            ]
        );
    }
}
