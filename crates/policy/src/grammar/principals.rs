//! Which principals a policy may name, whatever the accounts hold.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>.

use super::terms::is_partition;
use super::{Grammar, Holder};
use crate::{AccountId, Partition};

/// Why a principal is refused; `None` when it is taken. Without a partition, any is right.
pub(super) fn refused(
    grammar: Grammar,
    kind: &str,
    name: &str,
    here: Option<Partition>,
) -> Option<&'static str> {
    match kind {
        "AWS" => account_principal(name),
        "Service" => service(name, here),
        "Federated" => provider(name),
        _ => canonical_user(grammar, name),
    }
    .or_else(|| elsewhere(name, here))
}

/// Whether a text is the name of a service principal, in any partition.
#[must_use]
pub fn is_service(name: &str) -> bool {
    dns_suffix(name).is_some()
}

/// The suffixes of service principals' names, without a leading dot: first the one that is used in all partitions.
pub(crate) const SERVICE_SUFFIXES: [&str; 7] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
];

/// The suffix of a service principal's name, without a leading dot.
fn dns_suffix(name: &str) -> Option<&'static str> {
    let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    let label = |it: &str| !it.is_empty() && it.bytes().all(plain);
    SERVICE_SUFFIXES.into_iter().find(|suffix| {
        let service = name.strip_suffix(suffix);
        let service = service.and_then(|it| it.strip_suffix('.'));
        service.is_some_and(|it| it.split('.').all(label))
    })
}

fn service(name: &str, here: Option<Partition>) -> Option<&'static str> {
    let Some(suffix) = dns_suffix(name) else {
        return Some("a service is named in full: `SERVICE.amazonaws.com`");
    };
    // Most services are named with `amazonaws.com` in every partition.
    let fits = suffix == "amazonaws.com" || here.is_none_or(|it| it.dns_suffix() == suffix);
    (!fits).then_some("this is a service's name in another partition")
}

/// Why an ARN of another partition is refused.
fn elsewhere(name: &str, here: Option<Partition>) -> Option<&'static str> {
    let partition = name.strip_prefix("arn:")?.split(':').next()?;
    here.is_some_and(|it| it.as_str() != partition).then_some(
        "partitions share no accounts and no IAM: nothing in one can be let into another",
    )
}

/// Why a principal of type `AWS` is refused before any look at the accounts.
fn account_principal(name: &str) -> Option<&'static str> {
    const KINDS: &str =
        "principals are accounts, roles, users and sessions; groups and other resources are not";
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
    if !name.is_empty() && name.bytes().all(|it| it.is_ascii_digit()) {
        return Some("an account's id has twelve digits, in quotes");
    }
    let parts: Vec<&str> = name.splitn(6, ':').collect();
    let ["arn", partition, service, region, account, resource] = parts.as_slice() else {
        return Some("name an account, or a role's ARN: `arn:aws:iam::ACCOUNT:role/NAME`");
    };
    if !is_partition(partition) {
        return Some(
            "there is no such partition: an ARN begins with `arn:aws:`, `arn:aws-cn:` or `arn:aws-us-gov:`",
        );
    }
    if !region.is_empty() {
        return Some("IAM is global: leave the region empty, `arn:aws:iam::…`");
    }
    if AccountId::parse(account).is_none() {
        return Some("an account's id has twelve digits");
    }
    let (kind, rest) = resource.split_once('/').unwrap_or((resource, ""));
    match (*service, kind) {
        ("iam", "root") if *resource == "root" => None,
        ("iam", "role" | "user") => (!is_named(rest)).then_some(
            "a role is `arn:aws:iam::ACCOUNT:role/PATH/NAME`, of letters, digits and `_+=,.@-`",
        ),
        ("sts", "assumed-role") => {
            let is_session = rest.split('/').count() == 2 && is_named(rest);
            (!is_session).then_some(
                "a session is `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`, without the role's path",
            )
        }
        ("sts", "federated-user") => (!is_named(rest)).then_some(KINDS),
        _ => Some(KINDS),
    }
}

/// Whether a path and a name, or a name alone, are of the characters that IAM's names have.
fn is_named(path: &str) -> bool {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"_+=,.@-".contains(&it);
    let parts: Vec<&str> = path.split('/').collect();
    let last = parts.last().is_some_and(|it| it.len() <= 64);
    last && parts
        .iter()
        .all(|it| !it.is_empty() && it.bytes().all(plain))
}

/// Why a principal of type `Federated` is refused: it is a provider of an account, or one that IAM knows.
fn provider(name: &str) -> Option<&'static str> {
    const KNOWN: [&str; 3] = [
        "accounts.google.com",
        "graph.facebook.com",
        "www.amazon.com",
    ];
    let is_cognito = name.starts_with("cognito-identity") && is_service(name);
    if KNOWN.contains(&name) || is_cognito {
        return None;
    }
    let parts: Vec<&str> = name.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts.as_slice() else {
        return Some(
            "name the provider by its ARN, `arn:aws:iam::ACCOUNT:oidc-provider/HOST` or `…:saml-provider/NAME`; IAM knows \
             `cognito-identity.amazonaws.com`, `accounts.google.com`, `graph.facebook.com` and `www.amazon.com` by name",
        );
    };
    if name.contains(['*', '?']) {
        return Some("IAM takes no wildcard in a provider's ARN: name each provider");
    }
    if !is_partition(partition) || AccountId::parse(account).is_none() {
        return Some("the provider is of an account, whose id has twelve digits");
    }
    let (kind, rest) = resource.split_once('/').unwrap_or((resource, ""));
    match kind {
        "saml-provider" if is_named(rest) && !rest.contains('/') => None,
        "oidc-provider" if rest.contains("://") => {
            Some("an OIDC provider's ARN has its URL without `https://`")
        }
        "oidc-provider" if rest.contains('.') && !rest.contains(char::is_whitespace) => None,
        _ => Some("it ends in `oidc-provider/HOST` or `saml-provider/NAME`"),
    }
}

/// Why a canonical user is refused: S3 alone knows accounts by such ids.
fn canonical_user(grammar: Grammar, name: &str) -> Option<&'static str> {
    if grammar != Grammar::Resource(Holder::Other) {
        return Some(
            "canonical users are for the policies of S3's buckets: name the account, as `AWS`",
        );
    }
    let is_id = name.len() == 64 && name.bytes().all(|it| it.is_ascii_hexdigit());
    (!is_id).then_some("a canonical user's id has 64 hexadecimal digits")
}
