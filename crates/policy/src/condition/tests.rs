//! What each operator does, and what an absent key does to it.

use super::super::request::{Request, Who};
use super::*;

const ROLE: &str = "arn:aws:iam::111111111111:role/team/a";

fn request() -> Request {
    Request::new(
        Who::of(ROLE),
        "sns:Publish",
        "arn:aws:sns:eu-west-1:111111111111:t",
    )
}

fn holds(request: &Request, operator: &str, key: &str, values: &[&str]) -> Three {
    let values: Vec<String> = values.iter().map(|it| (*it).to_owned()).collect();
    let mut why = Vec::new();
    let found = Test::of(operator, key, &values, true).holds(&Facts::of(request), &mut why);
    assert_eq!(
        found == Three::Maybe,
        !why.is_empty(),
        "{operator}: {why:?}"
    );
    found
}

/// One value against one value.
fn of(operator: &str, value: &str, wanted: &str) -> Three {
    holds(
        &request().with("sns:Endpoint", [value]),
        operator,
        "sns:Endpoint",
        &[wanted],
    )
}

#[test]
fn every_operator_compares_in_its_own_way() {
    for (operator, value, wanted, expected) in [
        ("StringEquals", "a", "a", true),
        ("StringEquals", "a", "A", false),
        ("StringEquals", "ab", "a*", false),
        ("StringNotEquals", "a", "a", false),
        ("StringNotEquals", "a", "b", true),
        ("StringEqualsIgnoreCase", "aB", "Ab", true),
        ("StringNotEqualsIgnoreCase", "aB", "Ab", false),
        ("StringLike", "a/b:c", "a*", true),
        ("StringNotLike", "a/b:c", "a*", false),
        ("ArnLike", "arn:aws:sns:r:1:a/b", "arn:aws:sns:*:1:a*", true),
        (
            "ArnEquals",
            "arn:aws:sns:r:1:a/b",
            "arn:aws:sns:*:1:a*",
            true,
        ),
        (
            "ArnNotLike",
            "arn:aws:sns:r:1:a",
            "arn:aws:sns:r:1:a",
            false,
        ),
        (
            "ArnNotEquals",
            "arn:aws:sns:r:1:b",
            "arn:aws:sns:r:1:a",
            true,
        ),
        (
            "ArnLike",
            "arn:aws:sns:r:2:x:1:a",
            "arn:aws:sns:*:1:a",
            false,
        ),
        ("ArnLike", "no arn", "arn:aws:sns:*:1:a", false),
        ("NumericEquals", "10", "10.0", true),
        ("NumericNotEquals", "10", "9", true),
        ("NumericLessThan", "9", "10", true),
        ("NumericLessThan", "10", "10", false),
        ("NumericLessThanEquals", "10", "10", true),
        ("NumericGreaterThan", "11", "10", true),
        ("NumericGreaterThanEquals", "10", "10", true),
        ("DateEquals", "2026-01-01T00:00:00Z", "2026-01-01", true),
        ("DateNotEquals", "2026-01-01", "2026-01-02", true),
        ("DateLessThan", "2026-01-01", "2026-01-02", true),
        ("DateLessThanEquals", "2026-01-02", "2026-01-02", true),
        ("DateGreaterThan", "2026-01-01", "2026-01-02", false),
        ("DateGreaterThanEquals", "2026-01-02", "2026-01-02", true),
        ("Bool", "true", "True", true),
        ("Bool", "false", "true", false),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ5", true),
        ("IpAddress", "203.0.113.7", "203.0.113.0/24", true),
        ("NotIpAddress", "203.0.113.7", "203.0.113.0/24", false),
        ("stringequals", "a", "a", true),
    ] {
        assert_eq!(
            of(operator, value, wanted),
            Three::from(expected),
            "{operator} {value} {wanted}"
        );
    }
}

#[test]
fn a_text_that_is_no_number_date_or_address_leaves_the_answer_open() {
    for (operator, value, wanted) in [
        ("NumericEquals", "x", "1"),
        ("NumericLessThan", "1", "x"),
        ("DateLessThan", "yesterday", "2026-01-01"),
        ("IpAddress", "here", "0.0.0.0/0"),
        ("NotIpAddress", "here", "0.0.0.0/0"),
        ("StringSounds", "a", "a"),
    ] {
        assert_eq!(of(operator, value, wanted), Three::Maybe, "{operator}");
    }
}

#[test]
fn on_an_absent_key_negations_and_if_exists_hold_and_the_rest_fails() {
    for (operator, wanted, expected) in [
        ("StringEquals", "a", false),
        ("StringNotEquals", "a", true),
        ("StringEqualsIfExists", "a", true),
        ("StringNotEqualsIfExists", "a", true),
        ("ArnLike", "arn:aws:sns:r:1:a", false),
        ("ArnNotLike", "arn:aws:sns:r:1:a", true),
        ("NumericLessThan", "1", false),
        ("NumericNotEquals", "1", true),
        ("DateGreaterThan", "2026-01-01", false),
        ("Bool", "true", false),
        ("BoolIfExists", "true", true),
        ("IpAddress", "0.0.0.0/0", false),
        ("NotIpAddress", "0.0.0.0/0", true),
        ("Null", "true", true),
        ("Null", "false", false),
        ("ForAllValues:StringEquals", "a", true),
        ("ForAllValues:StringNotEquals", "a", true),
        ("ForAnyValue:StringEquals", "a", false),
        ("ForAnyValue:StringNotEquals", "a", false),
        ("ForAnyValue:StringEqualsIfExists", "a", true),
    ] {
        assert_eq!(
            holds(&request(), operator, "aws:SourceVpce", &[wanted]),
            Three::from(expected),
            "{operator}"
        );
    }
}

#[test]
fn a_key_that_every_request_has_is_open_until_it_is_given() {
    for operator in ["IpAddress", "NotIpAddress", "IpAddressIfExists"] {
        assert_eq!(
            holds(&request(), operator, "aws:SourceIp", &["0.0.0.0/0"]),
            Three::Maybe
        );
    }
    assert_eq!(
        holds(&request(), "Null", "aws:SourceIp", &["false"]),
        Three::Yes
    );
    assert_eq!(
        holds(&request(), "StringNotEquals", "acme:Team", &["x"]),
        Three::Maybe
    );
    assert_eq!(
        holds(&request(), "Null", "acme:Team", &["true"]),
        Three::Maybe
    );
}

#[test]
fn values_of_one_operator_are_alternatives_and_of_a_negated_one_all_excluded() {
    let with = request().with("sns:Endpoint", ["b"]);
    assert_eq!(
        holds(&with, "StringEquals", "sns:Endpoint", &["a", "b"]),
        Three::Yes
    );
    assert_eq!(
        holds(&with, "StringNotEquals", "sns:Endpoint", &["a", "b"]),
        Three::No
    );
    assert_eq!(holds(&with, "StringEquals", "sns:Endpoint", &[]), Three::No);
}

#[test]
fn set_operators_ask_all_or_any_of_the_keys_values() {
    let with = request().with("aws:TagKeys", ["a", "b"]);
    for (operator, wanted, expected) in [
        ("ForAllValues:StringEquals", vec!["a", "b", "c"], Three::Yes),
        ("ForAllValues:StringEquals", vec!["a"], Three::No),
        ("ForAnyValue:StringEquals", vec!["b", "z"], Three::Yes),
        ("ForAnyValue:StringEquals", vec!["z"], Three::No),
        ("ForAllValues:StringNotEquals", vec!["z"], Three::Yes),
        ("ForAllValues:StringNotEquals", vec!["a"], Three::No),
        ("ForAnyValue:StringNotEquals", vec!["a"], Three::Yes),
        ("ForAnyValue:StringNotEquals", vec!["a", "b"], Three::No),
        ("StringEquals", vec!["a"], Three::Maybe),
        ("StringEquals", vec!["a", "b"], Three::Yes),
    ] {
        assert_eq!(
            holds(&with, operator, "aws:TagKeys", &wanted),
            expected,
            "{operator} {wanted:?}"
        );
    }
    let empty = request().with("aws:TagKeys", Vec::<String>::new());
    assert_eq!(
        holds(&empty, "ForAllValues:StringEquals", "aws:TagKeys", &["a"]),
        Three::Yes
    );
    assert_eq!(holds(&empty, "Null", "aws:TagKeys", &["true"]), Three::Yes);
}

#[test]
fn variables_are_filled_from_the_request_and_escapes_are_text() {
    let with = request()
        .with("aws:PrincipalTag/team", ["blue*"])
        .with("sns:Endpoint", ["x-blue*-y"]);
    let like = |wanted: &str| holds(&with, "StringLike", "sns:Endpoint", &[wanted]);
    assert_eq!(like("x-${aws:PrincipalTag/team}-?"), Three::Yes);
    assert_eq!(like("x-${AWS:principaltag/TEAM}-y"), Three::Yes);
    assert_eq!(like("x-${sts:ExternalId, 'blue*'}-y"), Three::Yes);
    assert_eq!(like("x-blue${*}-y"), Three::Yes);
    assert_eq!(like("x-b${*}-y"), Three::No);
    assert_eq!(like("x-${aws:PrincipalTag/other}"), Three::Maybe);
    // A role has no user name: nothing is like it, and everything is unlike it.
    assert_eq!(like("${aws:username}"), Three::No);
    assert_eq!(
        holds(&with, "StringNotLike", "sns:Endpoint", &["${aws:username}"]),
        Three::Yes
    );
}

#[test]
fn a_tags_wildcard_is_no_wildcard() {
    let with = request()
        .with("aws:PrincipalTag/team", ["*"])
        .with("sns:Endpoint", ["anything"]);
    assert_eq!(
        holds(
            &with,
            "StringLike",
            "sns:Endpoint",
            &["${aws:PrincipalTag/team}"]
        ),
        Three::No
    );
}

#[test]
fn in_the_old_version_a_variable_is_text() {
    let with = request().with("sns:Endpoint", ["${aws:username}"]);
    let test = Test::of(
        "StringEquals",
        "sns:Endpoint",
        &["${aws:username}".to_owned()],
        false,
    );
    assert_eq!(test.holds(&Facts::of(&with), &mut Vec::new()), Three::Yes);
}

#[test]
fn a_session_matches_its_role_and_a_path_it_does_not_tell_is_open() {
    let mut session = request();
    session.principal = Who::of("arn:aws:sts::111111111111:assumed-role/a/s");
    let like = |wanted: &str| holds(&session, "ArnLike", "aws:PrincipalArn", &[wanted]);
    assert_eq!(like("arn:aws:iam::111111111111:role/a"), Three::Maybe);
    assert_eq!(like("arn:aws:iam::111111111111:role/*"), Three::Yes);
    assert_eq!(like("arn:aws:iam::111111111111:role/team/a"), Three::Maybe);
    assert_eq!(like("arn:aws:iam::111111111111:role/team/b"), Three::No);
    assert_eq!(like("arn:aws:iam::222222222222:role/a"), Three::No);
    assert_eq!(
        like("arn:aws:sts::111111111111:assumed-role/a/s"),
        Three::No
    );
    assert_eq!(
        holds(
            &session,
            "ArnNotLike",
            "aws:PrincipalArn",
            &["arn:aws:iam::111111111111:role/a"]
        ),
        Three::Maybe
    );
}

#[test]
fn the_arn_of_a_roles_principal_has_the_roles_path() {
    let like = |wanted: &str| holds(&request(), "ArnLike", "aws:PrincipalArn", &[wanted]);
    assert_eq!(like(ROLE), Three::Yes);
    assert_eq!(like("arn:aws:iam::111111111111:role/a"), Three::No);
    assert_eq!(like("arn:aws:iam::111111111111:role/*a"), Three::Yes);
}

#[test]
fn an_operators_name_says_all_of_it() {
    let of = |name: &str| Operator::parse(name);
    for none in [
        "",
        "Equals",
        "StringEqualsIfExistsIfExists",
        "NullIfExists",
        "ForAllValues:Null",
        "ForAnyValue:Null",
        "ForSomeValues:StringEquals",
        "NumericLike",
        "DateBefore",
    ] {
        assert_eq!(of(none), None, "{none}");
    }
    assert!(of("null").is_some());
    assert_eq!(of("ARNEQUALS"), of("ArnLike"));
    assert_ne!(of("StringLike"), of("StringEquals"));
}

#[test]
fn stars_and_variables_are_text_to_operators_that_do_not_take_them() {
    assert_eq!(of("StringEquals", "a*", "a*"), Three::Yes);
    assert_eq!(of("StringEquals", "ab", "a*"), Three::No);
    assert_eq!(of("StringEqualsIgnoreCase", "A?", "a?"), Three::Yes);
    let account = "${aws:PrincipalAccount}";
    assert_eq!(of("StringEquals", "111111111111", account), Three::Yes);
    assert_eq!(of("NumericLessThan", "5", account), Three::Maybe);
    // On one page `Bool` fills them, and on another it does not.
    assert_eq!(of("Bool", "111111111111", account), Three::Maybe);
}

#[test]
fn an_empty_value_is_a_value_but_of_a_set() {
    let with = |values: &[&str]| request().with("aws:TagKeys", values.iter().copied());
    let all = |values: &[&str]| {
        holds(
            &with(values),
            "ForAllValues:StringEquals",
            "aws:TagKeys",
            &["a"],
        )
    };
    assert_eq!(all(&[""]), Three::Yes);
    assert_eq!(all(&["a", ""]), Three::Yes);
    assert_eq!(all(&["b", ""]), Three::No);
    assert_eq!(of("StringEquals", "", ""), Three::Yes);
    assert_eq!(of("StringNotEquals", "", "x"), Three::Yes);
}

#[test]
fn a_variable_stands_where_the_operator_and_the_version_take_one() {
    let of = |operator: &str, variables: bool| {
        let test = Test::of(operator, "k", &["${aws:username}".to_owned()], variables);
        matches!(test.values[0], Template::Variable(_))
    };
    assert!(of("StringEquals", true));
    assert!(!of("StringEquals", false));
    assert!(!of("NumericEquals", true));
    assert!(!of("StringSounds", true));
}
