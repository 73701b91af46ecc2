//! The terms that policies are made of: which actions, principals, operators and dates there are.

use crate::patterns::Pattern;
use crate::values::Instant;

/// The actions of STS, in lower case: a trust policy names no others, and none that does not exist.
pub(super) const STS_ACTIONS: [&str; 14] = [
    "assumerole",
    "assumerolewithsaml",
    "assumerolewithwebidentity",
    "assumeroot",
    "decodeauthorizationmessage",
    "getaccesskeyinfo",
    "getcalleridentity",
    "getfederationtoken",
    "getservicebearertoken",
    "getsessiontoken",
    "getwebidentitytoken",
    "setcontext",
    "setsourceidentity",
    "tagsession",
];

/// The actions that a topic's policy may name, in lower case.
const TOPIC_ACTIONS: [&str; 14] = [
    "publish",
    "subscribe",
    "receive",
    "gettopicattributes",
    "settopicattributes",
    "addpermission",
    "removepermission",
    "deletetopic",
    "listsubscriptionsbytopic",
    "listtagsforresource",
    "tagresource",
    "untagresource",
    "getdataprotectionpolicy",
    "putdataprotectionpolicy",
];

/// How the resource part of an IAM ARN begins.
pub(super) const IAM_PATHS: [&str; 13] = [
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

/// How the resource part begins of S3's ARNs that name a region or an account; a bucket's names neither.
///
/// See <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>.
pub(super) const S3_OF_ACCOUNTS: [&str; 6] = [
    "access-grants/",
    "accesspoint/",
    "async-request/",
    "job/",
    "storage-lens-group/",
    "storage-lens/",
];

/// Whether an action with wildcards stands for one of these, or is one of them.
pub(super) fn is_one_of(name: &str, actions: &[&str]) -> bool {
    let pattern = Pattern::of(&name.to_ascii_lowercase());
    actions.iter().any(|it| pattern.matches(it))
}

/// Whether a topic's policy may name an action: one of a topic's, with a `*` only behind other letters.
pub(super) fn is_topic_action(name: &str) -> bool {
    let stem = name.strip_suffix('*').unwrap_or(name);
    !stem.is_empty() && !stem.contains(['*', '?']) && is_one_of(name, &TOPIC_ACTIONS)
}

pub(super) fn is_partition(text: &str) -> bool {
    matches!(
        text,
        "aws"
            | "aws-cn"
            | "aws-us-gov"
            | "aws-eusc"
            | "aws-iso"
            | "aws-iso-b"
            | "aws-iso-e"
            | "aws-iso-f"
    )
}

/// Which operator a misspelt one was likely meant to be.
pub(super) fn meant_operator(name: &str) -> String {
    const ALL: [&str; 27] = [
        "StringEquals",
        "StringNotEquals",
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
        "StringLike",
        "StringNotLike",
        "NumericEquals",
        "NumericNotEquals",
        "NumericLessThan",
        "NumericLessThanEquals",
        "NumericGreaterThan",
        "NumericGreaterThanEquals",
        "DateEquals",
        "DateNotEquals",
        "DateLessThan",
        "DateLessThanEquals",
        "DateGreaterThan",
        "DateGreaterThanEquals",
        "Bool",
        "BinaryEquals",
        "IpAddress",
        "NotIpAddress",
        "ArnEquals",
        "ArnLike",
        "ArnNotEquals",
        "ArnNotLike",
        "Null",
    ];
    let plain = name.rsplit(':').next().unwrap_or(name);
    let alike = |it: &str| strsim::jaro_winkler(it, plain);
    let meant = ALL.into_iter().max_by(|a, b| alike(a).total_cmp(&alike(b)));
    match meant.filter(|it| alike(it) > 0.8) {
        Some(meant) => format!("is `{meant}` meant?"),
        None => "IAM has no such operator".to_owned(),
    }
}

/// Whether IAM takes a text as a date: ISO 8601, or seconds since 1970, unless a variable stands in it.
///
/// IAM reads dates far more leniently than it documents: a day may have one digit, a `T` may be small and
/// may have nothing behind it, and a time zone may be without minutes or missing.
pub(super) fn is_date(text: &str) -> bool {
    if text.contains("${") || text.parse::<i64>().is_ok() || Instant::parse(text).is_some() {
        return true;
    }
    let text = text.to_ascii_lowercase();
    let (date, time) = text.split_once('t').unwrap_or((&text, ""));
    is_calendar_date(date) && is_time(time)
}

/// Whether a text is digits for a number of this range.
fn is_within(text: &str, range: std::ops::RangeInclusive<i64>) -> bool {
    !text.is_empty()
        && text.bytes().all(|it| it.is_ascii_digit())
        && text.parse().is_ok_and(|it| range.contains(&it))
}

/// A year, perhaps before the year 0, with a month and a day or without.
fn is_calendar_date(date: &str) -> bool {
    let before = date.strip_prefix('-');
    let last = if before.is_some() {
        292_275_054
    } else {
        292_278_993
    };
    let parts: Vec<&str> = before.unwrap_or(date).split('-').collect();
    let ranges = [0..=last, 1..=12, 1..=31];
    parts.len() <= 3
        && parts
            .iter()
            .zip(ranges)
            .all(|(part, range)| is_within(part, range))
}

/// Hours, perhaps with minutes, seconds and a time zone; or nothing.
fn is_time(time: &str) -> bool {
    let (clock, zone) = match time.find(['z', '+', '-']) {
        Some(at) => time.split_at(at),
        None => (time, ""),
    };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let parts: Vec<&str> = clock.split(':').collect();
    let ranges = [0..=23, 0..=59, 0..=60];
    let is_clock = parts.len() <= 3
        && parts
            .iter()
            .zip(ranges)
            .all(|(part, range)| is_within(part, range));
    let is_zone = match zone.strip_prefix(['+', '-']) {
        None => matches!(zone, "" | "z"),
        Some(offset) => {
            let (hours, minutes) = offset.split_once(':').unwrap_or((offset, "00"));
            let two = hours.len() == 2 && minutes.len() == 2;
            two && is_within(hours, 0..=23) && is_within(minutes, 0..=59)
        }
    };
    time.is_empty() || is_clock && is_zone && is_within(fraction, 0..=999_999_999)
}
