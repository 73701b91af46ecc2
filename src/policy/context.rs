//! What AWS might say of a request beside what is named in it: contexts worth trying.
//!
//! A proof that nobody is let in holds of every request somebody could make. Where documents ask
//! about keys that a request does not name, the answer is open; here the same request is made with
//! every context that those documents can tell apart, so that what was open is either shown by a
//! request that is let through, or stays open.

use std::collections::BTreeMap;

use super::condition::Test;
use super::coordinate::{Value, What};
use super::coordinates::{is_judged, of_key};
use super::facts::{Facts, Key, Silence};
use super::request::Request;
use super::rules::{Rule, Rules};

/// Most contexts that are tried for one request.
const MOST: usize = 256;

/// The same request in every context that the documents can tell apart, as far as AWS might set it.
#[must_use]
pub fn contexts(documents: &[&Rules], request: &Request) -> Vec<Request> {
    let open = Facts {
        silence: Silence::Anything,
        ..Facts::of(request)
    };
    let told = Facts::of(request);
    let action = request.action.to_ascii_lowercase();
    let speaks = |it: &&Rule| it.applies(&open, &action, &mut Vec::new()).any().possible();
    let rules = documents.iter().flat_map(|it| &it.rules).filter(speaks);
    let tests: Vec<&Test> = rules.flat_map(|it| &it.tests).collect();
    let mut keys: BTreeMap<&str, Vec<&Test>> = BTreeMap::new();
    for test in &tests {
        // Of a key that nobody knows, nobody knows either what it might be.
        let is_open = matches!(open.key(&test.key), Key::Unknown | Key::Present)
            && told.key(&test.key) != Key::Unknown;
        if is_open && is_judged(test, &tests) {
            keys.entry(&test.key).or_default().push(test);
        }
    }
    let mut found = vec![request.clone()];
    for (key, tests) in keys {
        let Ok(coordinate) = of_key(What::Key(key.to_owned()), key, &tests, Vec::new()) else {
            continue;
        };
        let name = &tests[0].key_spelling;
        let mut more = Vec::new();
        for value in &coordinate.values {
            let Value::Key(Some(values)) = value else {
                // Unnamed, it is absent, where it can be.
                more.extend(found.iter().cloned());
                continue;
            };
            more.extend(found.iter().map(|it| it.clone().with(name, values.clone())));
        }
        if more.len() > MOST {
            break;
        }
        found = more;
    }
    found
}
