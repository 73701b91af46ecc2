//! `[accounts.NAME]`: an AWS account in one region, and how to get in.
//!
//! Two names may have one id: two regions of an account, or services that
//! share an account today and will not tomorrow. What must be unique in AWS is
//! judged by id and region, never by these names.

use std::collections::BTreeMap;

use crate::model::{AccountId, Arn, Place, Region};

use super::check::{Checker, Declared};
use super::diagnostic::{Code, Diagnostic, nearest};
use super::names;
use super::shape::{Field, Kind, Shape};
use super::syntax::Spanned;
use super::{Account, Credentials};

pub(super) const ACCOUNT: Shape = Shape {
    noun: "account",
    doc: "An AWS account in one region. Two names may have the same `id`: two regions of one account, or services that share an account today and are split tomorrow.",
    fields: &[
        Field::new(
            "id",
            Kind::Pattern("^[0-9]{12}$"),
            "The account's id: twelve digits, in quotes.",
        )
        .required()
        .alias(&["account_id", "account"]),
        Field::new(
            "region",
            Kind::Text,
            "The region; `[stack]` may give one for all.",
        ),
        Field::new(
            "role",
            Kind::Text,
            "The role that is assumed there, by its name (`provision`) or ARN. Without it the caller's own credentials are used.",
        )
        .alias(&["role_arn", "assume_role"]),
        Field::new(
            "external_id",
            Kind::Text,
            "The external id which that role asks for.",
        ),
        Field::new(
            "profile",
            Kind::Text,
            "The profile of the AWS configuration to begin with. Without it the default chain is used.",
        )
        .alias(&["aws_profile"]),
    ],
    one_of: &[],
};

/// The accounts that have no fault.
pub(super) fn accounts(
    checker: &mut Checker<'_>,
    declared: &[Declared<'_>],
) -> BTreeMap<String, Account> {
    declared
        .iter()
        .filter_map(|it| Some((it.name.to_owned(), account(checker, it)?)))
        .collect()
}

fn account(checker: &mut Checker<'_>, it: &Declared<'_>) -> Option<Account> {
    let fields = it.fields;
    let id = fields.text("id").and_then(|it| id(checker, it));
    let region = match fields.text("region") {
        Some(text) => region(checker, text),
        None if fields.is_written("region") => None,
        None => {
            if checker.region.is_none() && !checker.region_is_written {
                checker.report(
                    Diagnostic::new(
                        Code::Missing,
                        it.key,
                        format!("{} has no region", fields.owner),
                        "`region` is missing here and in `[stack]`",
                    )
                    .help("add `region = \"eu-west-1\"` to `[stack]` for all accounts, or here for this one"),
                );
            }
            checker.region.clone()
        }
    };
    if let Some(text) = fields.text("external_id") {
        if let Some(refusal) = names::EXTERNAL_ID.refuses(text.value) {
            checker.report(refusal.at(&fields.owner, text.span));
        }
        if !fields.is_written("role") {
            checker.report(
                Diagnostic::new(
                    Code::Conflict,
                    text.span,
                    format!("{} has an external id and no role", fields.owner),
                    "nothing asks for it",
                )
                .help(
                    "an external id goes with assuming a role: add `role = \"…\"`, or remove this",
                ),
            );
        }
    }
    let place = Place {
        account: it.name.to_owned(),
        id: id?,
        region: region?,
    };
    let role = match fields.text("role") {
        Some(text) => Some(role(checker, text, &place, &fields.owner)?),
        None => None,
    };
    Some(Account {
        credentials: Credentials {
            profile: fields.text("profile").map(|it| it.value.to_owned()),
            role,
            external_id: fields.text("external_id").map(|it| it.value.to_owned()),
        },
        place,
    })
}

fn id(checker: &mut Checker<'_>, text: Spanned<&str>) -> Option<AccountId> {
    let id = AccountId::parse(text.value);
    if id.is_none() {
        let digits: String = text.value.chars().filter(char::is_ascii_digit).collect();
        let fault = Diagnostic::new(
            Code::Name,
            text.span,
            format!("`{}` is not an account id", text.value),
            match digits.len() {
                12 => "more than its twelve digits".to_owned(),
                count if count == text.value.len() => format!("{count} digits"),
                _ => "not twelve digits".to_owned(),
            },
        );
        checker.report(if AccountId::parse(&digits).is_some() {
            fault.fix("only the digits", text.span, format!("\"{digits}\""))
        } else {
            fault.help("an account id is twelve digits: `aws sts get-caller-identity` shows yours")
        });
    }
    id
}

/// Where regions lie in their part of the world: names are made of these.
const DIRECTIONS: [&str; 9] = [
    "north",
    "south",
    "east",
    "west",
    "central",
    "northeast",
    "northwest",
    "southeast",
    "southwest",
];

/// The region in a text.
pub(super) fn region(checker: &mut Checker<'_>, text: Spanned<&str>) -> Option<Region> {
    // New regions appear, so no list is kept; but each lies in some direction.
    let parts: Vec<&str> = text.value.split('-').collect();
    let direction = parts.len().checked_sub(2).map(|it| parts[it]);
    let region =
        Region::parse(text.value).filter(|_| direction.is_some_and(|it| DIRECTIONS.contains(&it)));
    if region.is_none() {
        let fault = Diagnostic::new(
            Code::Name,
            text.span,
            format!("`{}` is not a region", text.value),
            "no region is called so",
        );
        let lower = text.value.to_lowercase().replace('_', "-");
        let meant = direction
            .and_then(|it| Some((it, nearest(it, DIRECTIONS)?)))
            .map(|(wrong, right)| lower.replacen(&wrong.to_lowercase(), right, 1))
            .unwrap_or(lower);
        checker.report(if Region::parse(&meant).is_some() && meant != text.value {
            fault.fix("a region is called so", text.span, format!("\"{meant}\""))
        } else {
            fault.help("write it as `eu-west-1`")
        });
    }
    region
}

/// The role to assume: a name, with or without its path, or an ARN.
fn role(checker: &mut Checker<'_>, text: Spanned<&str>, place: &Place, owner: &str) -> Option<Arn> {
    if text.value.starts_with("arn:") {
        let arn = checker.arn(text, "iam", "a role's ARN")?;
        if !arn.resource().starts_with("role/") || arn.account() != place.id.as_str() {
            checker.report(
                Diagnostic::new(
                    Code::Place,
                    text.span,
                    format!("{owner} cannot be entered through `{}`", text.value),
                    if arn.resource().starts_with("role/") {
                        "in another account"
                    } else {
                        "not a role"
                    },
                )
                .help(format!("write a role of account {}", place.id)),
            );
            return None;
        }
        let whole = Spanned::new(&arn, text.span);
        return checker
            .check_partition(whole, place.partition(), owner)
            .then_some(arn);
    }
    let (path, name) = text.value.rsplit_once('/').unwrap_or(("", text.value));
    if let Some(refusal) = names::ROLE.refuses(name) {
        checker.report(refusal.at(owner, text.span));
        return None;
    }
    let path = path.trim_matches('/');
    let path = if path.is_empty() {
        "/".to_owned()
    } else {
        format!("/{path}/")
    };
    if let Some(refusal) = names::PATH.refuses(&path) {
        checker.report(refusal.at(owner, text.span));
        return None;
    }
    Some(Arn::role(place, &path, name))
}
