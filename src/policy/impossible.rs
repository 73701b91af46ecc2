//! Combinations of values that no request has.
//!
//! Coordinates are counted as if they were independent. Where AWS's keys are not, as a
//! source's account and the account in the source's ARN, the combinations that cannot be
//! are cubes to be left out of every difference.

use std::collections::{BTreeMap, BTreeSet};

use super::automaton::{Atlas, Language, Universe};
use super::condition::Test;
use super::coordinate::{Coordinate, Value, What, index, links, text_of};
use super::coordinates::{TRADES, is_provider, is_service, texts_of};
use super::cubes::{Cube, Shape};
use super::request::Who;

/// Keys that only principals of accounts have.
pub(super) fn is_of_account(key: &str) -> bool {
    [
        "aws:multifactorauthage",
        "aws:multifactorauthpresent",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:tokenissuetime",
    ]
    .contains(&key)
        || key.starts_with("aws:principaltag/")
}

/// Keys that every request with temporary credentials has.
const OF_SESSIONS: [&str; 2] = ["aws:multifactorauthpresent", "aws:tokenissuetime"];

/// Whether it is a role, or a session: they have temporary credentials only.
fn is_in_session(value: &Value) -> bool {
    matches!(value, Value::Who(Who::Arn(arn)) if arn.contains(":role/") || arn.contains(":assumed-role/"))
}

pub(super) fn is_of_an_account(value: &Value) -> bool {
    matches!(value, Value::Who(Who::Arn(_))) && !is_provider(value)
}

/// A coordinate, and which of its values are meant.
type Part<'a> = (usize, &'a dyn Fn(&Value) -> bool);

/// Combinations that no request has.
pub(super) fn impossibilities(
    coordinates: &[Coordinate],
    shape: &Shape,
    keys: &BTreeMap<&str, Vec<&Test>>,
) -> Vec<Cube> {
    let mut found = Vec::new();
    let mut forbid = |parts: &[Part<'_>]| {
        let mut cube = shape.full();
        for (index, passes) in parts {
            let values = &coordinates[*index].values;
            shape.keep(&mut cube, *index, |it| passes(&values[it]));
        }
        if !shape.is_void(&cube) {
            found.push(cube);
        }
    };
    let key = |name: &str| index(coordinates, &What::Key(name.to_owned()));
    let is_present = |it: &Value| matches!(it, Value::Key(Some(_)));
    let is_absent = |it: &Value| matches!(it, Value::Key(None));

    let principal = index(coordinates, &What::Principal);
    if let Some((who, action)) = principal.zip(index(coordinates, &What::Action)) {
        let is_trade = |it: &Value| matches!(it, Value::Text(it) if TRADES.iter().any(|own| own.eq_ignore_ascii_case(it)));
        forbid(&[(who, &is_provider), (action, &|it| !is_trade(it))]);
        forbid(&[(who, &is_service), (action, &is_trade)]);
    }
    if let Some(who) = principal {
        for (index, coordinate) in coordinates.iter().enumerate() {
            if matches!(&coordinate.what, What::Key(it) if is_of_account(it)) {
                forbid(&[(who, &|it| !is_of_an_account(it)), (index, &is_present)]);
            }
            if matches!(&coordinate.what, What::Key(it) if OF_SESSIONS.contains(&it.as_str())) {
                forbid(&[(who, &is_in_session), (index, &is_absent)]);
            }
        }
    }
    // A request through a VPC endpoint has no public address, and every other one has.
    if let Some(address) = key("aws:sourceip") {
        let ways: Vec<usize> = ["aws:sourcevpce", "aws:sourcevpc", "aws:vpcsourceip"]
            .iter()
            .filter_map(|it| key(it))
            .collect();
        for way in &ways {
            forbid(&[(address, &is_present), (*way, &is_present)]);
        }
        if ways.len() == 3 {
            forbid(&[
                (address, &is_absent),
                (ways[0], &is_absent),
                (ways[1], &is_absent),
                (ways[2], &is_absent),
            ]);
        }
    }
    for link in links() {
        let Some((of, by)) = index(coordinates, &link.of).zip(key(link.key)) else {
            continue;
        };
        let tests = keys.get(link.key).into_iter().flatten();
        let languages: Vec<Language> = tests
            .flat_map(|it| texts_of(it))
            .map(|it| Language(vec![it]))
            .collect();
        let Ok(atlas) = Atlas::of(Universe::Text, languages) else {
            continue;
        };
        let segment = |it: &Value| {
            let text = text_of(it)?;
            let part = text.splitn(6, ':').nth(link.segment)?;
            (!part.is_empty()).then(|| atlas.class(part))
        };
        let own = |it: &Value| Some(atlas.class(text_of(it)?));
        let classes: BTreeSet<_> = coordinates[by].values.iter().filter_map(own).collect();
        for class in classes {
            forbid(&[
                (of, &|it| segment(it).is_some_and(|it| it != class)),
                (by, &|it| own(it).as_ref() == Some(&class)),
            ]);
        }
    }
    found
}
