//! The terms that policies are made of: which actions, principals, operators and dates there are.

use crate::model::AccountId;
use crate::policy::patterns::Pattern;
use crate::policy::values::Instant;

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

/// Whether a text is the name of a service principal, in any partition.
#[must_use]
pub fn is_service(name: &str) -> bool {
    const SUFFIXES: [&str; 7] = [
        ".amazonaws.com",
        ".amazonaws.com.cn",
        ".amazonaws.eu",
        ".c2s.ic.gov",
        ".sc2s.sgov.gov",
        ".cloud.adc-e.uk",
        ".csp.hci.ic.gov",
    ];
    let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b".-".contains(&it);
    SUFFIXES.into_iter().any(|suffix| {
        name.strip_suffix(suffix)
            .is_some_and(|it| !it.is_empty() && it.bytes().all(plain))
    })
}

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

/// Why a principal of type `AWS` is refused before any look at the accounts.
pub(super) fn refused_account_principal(name: &str) -> Option<&'static str> {
    let is_id = |it: &str| {
        let body = it.strip_prefix("AROA").or_else(|| it.strip_prefix("AIDA"));
        body.is_some_and(|it| {
            !it.is_empty() && it.bytes().all(|b| b.is_ascii_alphanumeric() || b == b':')
        })
    };
    if name == "*" || AccountId::parse(name).is_some() || is_id(name) {
        return None;
    }
    if name.contains(['*', '?']) {
        return Some(
            "IAM takes no wildcard in a principal's ARN: name the account, with a condition \
             `ArnLike` on `aws:PrincipalArn` for roles by the beginning of their name",
        );
    }
    let parts: Vec<&str> = name.splitn(6, ':').collect();
    let ["arn", partition, service, "", account, resource] = parts.as_slice() else {
        return Some("name an account, or a role's ARN: `arn:aws:iam::ACCOUNT:role/NAME`");
    };
    let (kind, rest) = resource.split_once('/').unwrap_or((resource, ""));
    let named = match (*service, kind) {
        ("iam", "root") => rest.is_empty() && *resource == "root",
        ("iam", "role" | "user") | ("sts", "assumed-role" | "federated-user") => !rest.is_empty(),
        _ => false,
    };
    if is_partition(partition) && AccountId::parse(account).is_some() && named {
        None
    } else {
        Some(
            "principals are accounts, roles, users and sessions; groups and other resources are not",
        )
    }
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

/// Whether IAM reads a text as a date: ISO 8601 or seconds since 1970, unless a variable stands in it.
pub(super) fn is_date(text: &str) -> bool {
    let iso = || Instant::parse(&text.to_ascii_uppercase()).is_some();
    text.contains("${") || text.parse::<i64>().is_ok() || iso()
}
