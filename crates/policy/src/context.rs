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
use super::request::{Request, partition_of};
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
        let what = What::Key(key.to_owned());
        let Ok(coordinate) = of_key(
            what,
            key,
            &tests,
            partition_of(&request.resource),
            Vec::new(),
        ) else {
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

#[cfg(test)]
mod tests {
    use super::super::document::Document;
    use super::super::request::Who;
    use super::super::rules::Kind;
    use super::*;

    /// The contexts in which statements under these conditions are to be asked, each as a line.
    fn tried(conditions: &[&str], request: &Request) -> Vec<String> {
        let statement = |it: &&str| {
            format!(
                r#"{{"Effect":"Allow","Principal":"*","Action":"sns:Publish","Resource":"*","Condition":{{{it}}}}}"#
            )
        };
        let statements: Vec<String> = conditions.iter().map(statement).collect();
        let text = format!(
            r#"{{"Version":"2012-10-17","Statement":[{}]}}"#,
            statements.join(",")
        );
        let document = Document::parse(&text).expect("a policy");
        let rules = Rules::of(&document, Kind::Resource, "");
        let line = |it: &Request| {
            let keys = it.context.iter();
            let keys: Vec<String> = keys
                .map(|(key, values)| format!("{key}={}", values.join(",")))
                .collect();
            keys.join(" ")
        };
        contexts(&[&rules], request).iter().map(line).collect()
    }

    fn ask(action: &str) -> Request {
        let who = Who::of("arn:aws:iam::111111111111:role/a");
        Request::new(who, action, "arn:aws:sns:eu-west-1:111111111111:t")
    }

    const VPCE: &str = r#""StringEquals":{"aws:SourceVpce":"vpce-1"}"#;

    #[test]
    fn what_aws_may_set_is_tried_absent_as_asked_for_and_as_another() {
        let found = tried(&[VPCE], &ask("sns:Publish"));
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0], "");
        assert!(
            found.contains(&"aws:SourceVpce=vpce-1".to_owned()),
            "{found:?}"
        );
        // Every request has a time.
        let time = r#""DateLessThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}"#;
        let found = tried(&[time], &ask("sns:Publish"));
        assert!(
            found.len() > 1 && !found.contains(&String::new()),
            "{found:?}"
        );
    }

    #[test]
    fn what_is_settled_and_what_nobody_knows_is_not_tried() {
        let as_it_is = |conditions: &[&str], request: &Request| {
            let context = request.context.keys().cloned();
            let context: Vec<String> = context.collect();
            let found = tried(conditions, request);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(context.iter().all(|it| found[0].contains(it)));
        };
        let given = ask("sns:Publish").with("aws:SourceVpce", ["vpce-2"]);
        as_it_is(&[VPCE], &given);
        as_it_is(&[], &ask("sns:Publish"));
        // It speaks of another action.
        as_it_is(&[VPCE], &ask("sns:Subscribe"));
        for settled in [
            r#""ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/*"}"#,
            r#""StringEquals":{"acme:team":"x"}"#,
            r#""StringEquals":{"aws:SourceVpce":"${aws:username}"}"#,
            // The role asks in its own name, and so without a source.
            r#""StringEquals":{"aws:SourceAccount":"111111111111"}"#,
        ] {
            as_it_is(&[settled], &ask("sns:Publish"));
        }
    }

    #[test]
    fn contexts_are_tried_together_while_they_are_few() {
        let of = |count: usize, values: &str| {
            let tests = (0..count).map(|it| format!(r#""aws:RequestTag/{it}":{values}"#));
            let tests: Vec<String> = tests.collect();
            let condition = format!(r#""StringEquals":{{{}}}"#, tests.join(","));
            tried(&[&condition], &ask("sns:Publish")).len()
        };
        assert_eq!(of(2, r#""a""#), 9);
        // Absent, the two that are named, and another: four each.
        assert_eq!(of(4, r#"["a","b"]"#), MOST);
        assert_eq!(of(5, r#"["a","b"]"#), MOST);
        assert_eq!(of(6, r#""a""#), 243);
    }
}
