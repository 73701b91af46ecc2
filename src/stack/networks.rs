//! Networks that callers come from.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-aws-condition-keys.html>.

use super::checker::{Checker, texts};
use super::diagnostic::{Code, Diagnostic};
use super::fields::Fields;
use super::syntax::Spanned;

/// A network that callers come from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Network {
    /// A VPC endpoint, for private APIs.
    VpcEndpoint(String),
    /// A VPC, for private APIs.
    Vpc(String),
    /// Ranges of public addresses.
    Addresses(Vec<String>),
    /// Ranges of addresses in a VPC, for private APIs.
    VpcAddresses(Vec<String>),
}

/// Returns the ranges of addresses in a table.
pub(super) fn addresses(checker: &mut Checker<'_>, fields: &Fields) -> Option<Network> {
    let before = checker.faults.len();
    let mut ranges = Vec::new();
    for text in texts(fields.list("ip")) {
        if let Some(why) = not_a_range(text.value) {
            checker.report(
                Diagnostic::new(
                    Code::Name,
                    text.span,
                    format!("`{}` is not a range of addresses", text.value),
                    why,
                )
                .help("write it as in `203.0.113.0/24`, `203.0.113.7` or `2001:db8::/32`"),
            );
        }
        ranges.push(text.value.to_owned());
    }
    if ranges.is_empty() {
        let span = fields.get("ip").map_or(fields.key, |it| it.span);
        checker.report(
            Diagnostic::new(
                Code::Missing,
                span,
                "`ip` names no addresses",
                "an empty list",
            )
            .help("write ranges, as in `ip = [\"203.0.113.0/24\"]`"),
        );
    }
    ranges.sort();
    ranges.dedup();
    (checker.faults.len() == before).then_some(Network::Addresses(ranges))
}

/// Why a text is no range of addresses that says anything.
fn not_a_range(text: &str) -> Option<&'static str> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let Ok(address) = address.parse::<std::net::IpAddr>() else {
        return Some("not an address");
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    match length.map(str::parse::<u8>) {
        Some(Err(_)) => Some("what follows `/` is not a number"),
        Some(Ok(length)) if length > most => Some("the prefix is longer than an address"),
        Some(Ok(0)) => Some("every address there is"),
        Some(Ok(_)) | None => None,
    }
}

/// Whether a range begins at an address that no caller has on the internet.
pub(super) fn is_inside(range: &str) -> bool {
    let address = range.split('/').next().unwrap_or_default();
    match address.parse() {
        Ok(std::net::IpAddr::V4(it)) => it.is_private() || it.is_loopback() || it.is_link_local(),
        Ok(std::net::IpAddr::V6(it)) => {
            it.is_loopback() || it.is_unique_local() || it.is_unicast_link_local()
        }
        Err(_) => false,
    }
}

/// Reports an id that is not its prefix and hexadecimal digits.
pub(super) fn is_id(
    checker: &mut Checker<'_>,
    text: Spanned<&str>,
    prefix: &str,
    what: &str,
) -> bool {
    let right = text.value.strip_prefix(prefix).is_some_and(|it| {
        !it.is_empty()
            && it
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    });
    if !right {
        checker.report(
            Diagnostic::new(
                Code::Name,
                text.span,
                format!("`{}` is not {what}", text.value),
                format!("not `{prefix}` and hexadecimal digits"),
            )
            .help(format!("write it as `{prefix}0a1b2c3d4e5f67890`")),
        );
    }
    right
}
