//! How AWS writes the values of keys that it sets itself: a text of another form is in no request.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>, whose entry of
//! each key says what its value is, and
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-services>.

use super::automaton::{Class, Language, Step, Universe, literal};
use super::grammar::SERVICE_SUFFIXES;

/// Keys whose values begin alike.
const HEADS: [(&str, &str); 10] = [
    ("aws:principalorgid", "o-"),
    ("aws:principalorgpaths", "o-"),
    ("aws:resourceorgid", "o-"),
    ("aws:resourceorgpaths", "o-"),
    ("aws:sourceorgid", "o-"),
    ("aws:sourceorgpaths", "o-"),
    ("aws:sourcevpc", "vpc-"),
    ("aws:sourcevpce", "vpce-"),
    ("aws:vpceorgid", "o-"),
    ("aws:vpceorgpaths", "o-"),
];

/// Keys whose values are accounts.
const ACCOUNTS: [&str; 3] = ["aws:sourceaccount", "aws:sourceowner", "aws:vpceaccount"];

/// Keys whose values are names of service principals.
const SERVICES: [&str; 5] = [
    "aws:calledvia",
    "aws:calledviafirst",
    "aws:calledvialast",
    "aws:principalservicename",
    "aws:principalservicenameslist",
];

/// Among which texts a key's values are.
pub(super) fn universe_of(key: &str) -> Universe {
    match key {
        "aws:sourcearn" => Universe::Arn,
        it if ACCOUNTS.contains(&it) => Universe::Account,
        _ => Universe::Text,
    }
}

/// Keys of the request's own text that AWS takes empty, beside tags and what services other than these define.
const TEXTS: [&str; 2] = ["aws:referer", "aws:useragent"];

/// Whether a key's value may be the empty text: a tag's may, and a part of a request as `s3:prefix`.
///
/// See <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html>. What AWS sets itself is never empty, nor what
/// SNS and STS take of callers: a protocol, an endpoint, a session's name, an external id.
pub(super) fn may_be_empty(key: &str) -> bool {
    let (prefix, name) = key.split_once(':').unwrap_or_default();
    match prefix {
        "aws" => TEXTS.contains(&key) || name.contains("tag/"),
        "sns" | "sts" => false,
        // Who a provider's token is of, and for whom.
        _ => !key.ends_with(":sub") && !key.ends_with(":aud"),
    }
}

/// Every text of a key's universe that its value may be in a partition, or in any; none where all may be.
pub(super) fn form_of(key: &str, partition: Option<&str>) -> Option<Language> {
    let some = |class| [Step::One(class), Step::Many(class)];
    if let Some((_, head)) = HEADS.iter().find(|it| it.0 == key) {
        let mut path = literal(head);
        path.extend(some(Class::Any));
        return Some(Language(vec![path]));
    }
    if SERVICES.contains(&key) {
        // Most services are named alike in all partitions.
        let is_plain = matches!(partition, Some("aws" | "aws-us-gov"));
        let suffixes = &SERVICE_SUFFIXES[..if is_plain { 1 } else { SERVICE_SUFFIXES.len() }];
        let of = |suffix: &&str| {
            let mut path = some(Class::Any).to_vec();
            path.extend(literal(&format!(".{suffix}")));
            path
        };
        return Some(Language(suffixes.iter().map(of).collect()));
    }
    // What a service acts for is in its own partition, of one account or, as a bucket is, of none that it names.
    let partition = partition.filter(|_| key == "aws:sourcearn")?;
    let of = |account: usize| {
        let colon = Step::One(Class::Char(':'));
        let mut path = literal(&format!("arn:{partition}:"));
        path.extend(some(Class::NoColon));
        path.extend([colon, Step::Many(Class::NoColon), colon]);
        path.extend(vec![Step::One(Class::NoColon); account]);
        path.push(colon);
        path.extend(some(Class::Any));
        path
    };
    Some(Language(vec![of(0), of(12)]))
}
