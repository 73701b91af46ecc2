//! Callers that are many at once: AWS services by what they act for, and organizations.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>
//! and <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-principalorgid>.

use crate::model::{AccountId, Arn};

use super::Principal;
use super::checker::{Checker, texts};
use super::diagnostic::{Code, Diagnostic};
use super::fields::Fields;
use super::syntax::Spanned;

pub(super) fn is_service(text: &str) -> bool {
    let Some(name) = text
        .strip_suffix(".amazonaws.com")
        .or_else(|| text.strip_suffix(".amazonaws.com.cn"))
        .or_else(|| text.strip_suffix(".amazonaws.eu"))
    else {
        return false;
    };
    !name.is_empty()
        && name.split('.').all(|it| {
            !it.is_empty()
                && it
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        })
}

/// Returns the service in a table, with what it acts for.
pub(super) fn service_for(
    checker: &mut Checker<'_>,
    service: Spanned<&str>,
    fields: &Fields,
    id: Option<AccountId>,
) -> Option<Principal> {
    let before = checker.faults.len();
    if id.is_none() && fields.is_written("source_account") {
        return None;
    }
    if !is_service(service.value) {
        checker.report(
            Diagnostic::new(
                Code::Principal,
                service.span,
                format!("`{}` is not an AWS service", service.value),
                "not `NAME.amazonaws.com`",
            )
            .help("write the service principal of its documentation, as in `s3.amazonaws.com`"),
        );
    }
    let mut sources = Vec::new();
    for text in texts(fields.list("source")) {
        let fault = |label: &str| {
            Diagnostic::new(
                Code::Name,
                text.span,
                format!("`{}` is not the ARN of what a service acts for", text.value),
                label,
            )
        };
        let wrong = match Arn::parse(text.value) {
            Ok(arn) if arn.service() == "s3" && !is_bucket(&arn) => Some(
                fault("not a bucket's ARN, which is all that S3 sends")
                    .help("write `arn:aws:s3:::NAME`, without region, account and object"),
            ),
            Err(_) => Some(fault("not an ARN").help(
                "a bucket's is `arn:aws:s3:::NAME`, a rule's `arn:aws:events:REGION:ACCOUNT:rule/NAME`",
            )),
            Ok(arn) if [arn.partition(), arn.service(), arn.account()].iter().any(|it| it.contains(['*', '?'])) => {
                Some(fault("a wildcard before the resource's own part").help(
                    "write partition, service and account out; or write `source_account` alone for everything of an account",
                ))
            }
            Ok(arn) if !arn.account().is_empty() && arn.account_id().is_none() => {
                Some(fault("its account is not twelve digits"))
            }
            Ok(arn) if arn.account().is_empty() && arn.resource().starts_with(['*', '?']) => {
                Some(fault("stands for the resources of every account").help(
                    "begin the name with what is yours, or write `source_account` alone",
                ))
            }
            Ok(arn) => match (arn.account_id(), &id) {
                (Some(own), Some(id)) if own != *id => Some(
                    fault(&format!("of account {own}, and `source_account` is {id}"))
                        .help("make them the same account; where the ARN has one, `source_account` may be left out"),
                ),
                _ => None,
            },
        };
        match wrong {
            Some(fault) => checker.report(fault),
            None => sources.push(text.value.to_owned()),
        }
    }
    if checker.faults.len() != before {
        return None;
    }
    let service = service.value.to_owned();
    // Acting for every account of AWS is a guardrail's business.
    Some(if sources.is_empty() && id.is_none() {
        Principal::Service(service)
    } else {
        Principal::ServiceFor {
            service,
            sources,
            account: id,
        }
    })
}

/// Returns whether an ARN is one that S3 sends as the source of an event.
///
/// See <https://docs.aws.amazon.com/AmazonS3/latest/userguide/grant-destinations-permissions-to-s3.html>.
fn is_bucket(arn: &Arn) -> bool {
    arn.region().is_empty() && arn.account().is_empty() && !arn.resource().contains('/')
}

/// Returns the organization in a table, or the part of one.
pub(super) fn organization(
    checker: &mut Checker<'_>,
    id: Spanned<&str>,
    fields: &Fields,
) -> Option<Principal> {
    let plain = |it: &str, least: usize| {
        (least..=32).contains(&it.len())
            && it
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    let mut whole = id.value.strip_prefix("o-").is_some_and(|it| plain(it, 10));
    if !whole {
        checker.report(
            Diagnostic::new(
                Code::Name,
                id.span,
                format!("`{}` is not an organization's id", id.value),
                "not `o-` and 10 to 32 small letters and digits",
            )
            .help("`aws organizations describe-organization` shows it, as in `o-a1b2c3d4e5`"),
        );
    }
    let unit = fields.text("unit").map(|text| {
        let trimmed = text.value.trim_end_matches(['/', '*']);
        let trimmed = trimmed
            .strip_prefix(id.value)
            .and_then(|it| it.strip_prefix('/'))
            .unwrap_or(trimmed);
        let mut parts = trimmed.split('/');
        let root = parts.next().and_then(|it| it.strip_prefix("r-"));
        let is_unit = |it: &str| {
            let halves = it.strip_prefix("ou-").and_then(|it| it.split_once('-'));
            halves.is_some_and(|(root, own)| plain(root, 4) && plain(own, 8))
        };
        if !root.is_some_and(|it| plain(it, 4)) || !parts.all(is_unit) {
            checker.report(
                Diagnostic::new(
                    Code::Name,
                    text.span,
                    format!("`{}` is not the path of an organizational unit", text.value),
                    "not `r-…/ou-…-…`",
                )
                .help("write it from the root on, as in `r-ab12/ou-ab12-11111111`"),
            );
            whole = false;
        }
        trimmed.to_owned()
    });
    whole.then(|| Principal::Organization {
        id: id.value.to_owned(),
        unit,
    })
}
