//! `[accounts.NAME]`: an AWS account in one region, and how to get in.
//!
//! Two names may have one id: two regions of an account, or services that
//! share an account today and will not tomorrow. What must be unique in AWS is
//! judged by id and region, never by these names.

use std::collections::BTreeMap;

use crate::model::{AccountId, Arn, Place, Region};
use crate::policy::size::Quotas;

use super::checker::{Checker, Declared};
use super::diagnostic::{Code, Diagnostic, nearest};
use super::fields::Fields;
use super::names;
use super::shape::{Field, Kind, Shape};
use super::syntax::Spanned;
use super::{Account, Credentials};

/// The role under which calls are made.
pub(super) const ROLE: Field = Field::new(
    "role",
    Kind::Text,
    "The role that is assumed there, by its name (`provision`) or ARN. Without it the caller's own credentials are used.",
)
.alias(&["role_arn", "assume_role"]);

/// What that role asks for.
pub(super) const EXTERNAL_ID: Field = Field::new(
    "external_id",
    Kind::Text,
    "The external id which that role asks for.",
);

/// The credentials to begin with.
pub(super) const PROFILE: Field = Field::new(
    "profile",
    Kind::Text,
    "The profile of the AWS configuration to begin with. Without it the default chain is used.",
)
.alias(&["aws_profile"]);

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
        ROLE,
        EXTERNAL_ID,
        PROFILE,
        Field::new(
            "boundary",
            Kind::Text,
            "ARN of the policy that is the permissions boundary of every role made there, unless the role names another.",
        )
        .alias(&["permissions_boundary"]),
        Field::new(
            "quotas",
            Kind::Table(&QUOTAS),
            "Quotas that AWS has raised in this account. Those of roles are read from IAM where they matter and may be read (`iam:GetAccountSummary`).",
        ),
    ],
    one_of: &[],
};

const QUOTAS: Shape = Shape {
    noun: "quotas",
    doc: "Quotas of an account that AWS has raised.",
    fields: &[
        Field::new(
            "trust_policy",
            Kind::Whole(2048, 8192),
            "The length of a role's trust policy, in characters.",
        )
        .default("2048"),
        Field::new(
            "attached_policies",
            Kind::Whole(10, 25),
            "How many managed policies a role may have.",
        )
        .default("10"),
        Field::new(
            "api_policy",
            Kind::Whole(8192, 1_000_000),
            "The length of a REST API's resource policy, in characters.",
        )
        .default("8192"),
        Field::new(
            "api_resources",
            Kind::Whole(300, 1_000_000),
            "How many resources (paths and the paths above them) a REST API may have.",
        )
        .default("300"),
    ],
    one_of: &[],
};

fn quotas(fields: Option<&Fields>) -> Quotas {
    let mut quotas = Quotas::default();
    for (name, quota) in [
        ("trust_policy", &mut quotas.trust),
        ("attached_policies", &mut quotas.attached),
        ("api_policy", &mut quotas.api_policy),
        ("api_resources", &mut quotas.api_resources),
    ] {
        let written = fields.and_then(|it| it.whole(name));
        *quota = written.map_or(*quota, |it| it.value as usize);
    }
    quotas
}

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
    let boundary = fields
        .text("boundary")
        .and_then(|text| boundary(checker, text, &fields.owner));
    let place = (id.as_ref().zip(region.as_ref())).map(|(id, region)| Place {
        account: it.name.to_owned(),
        id: id.clone(),
        region: region.clone(),
    });
    let credentials = credentials(
        checker,
        fields,
        (id.as_ref(), region.as_ref()),
        place.as_ref(),
    );
    Some(Account {
        credentials: credentials?,
        boundary,
        quotas: quotas(fields.fields("quotas")),
        place: place?,
    })
}

/// Returns how an account is entered, from [`ROLE`], [`EXTERNAL_ID`] and [`PROFILE`]; nothing where that has a fault.
///
/// A role that is written by its name is one of the account's, so it is nothing where the account has a fault.
pub(super) fn credentials(
    checker: &mut Checker<'_>,
    fields: &Fields,
    (id, region): (Option<&AccountId>, Option<&Region>),
    place: Option<&Place>,
) -> Option<Credentials> {
    check_external_id(checker, fields);
    let text = |name: &str| fields.text(name).map(|it| it.value.to_owned());
    let role = match fields.text("role") {
        None => None,
        Some(text) => Some(match role(checker, text, id, region, &fields.owner)? {
            AssumedRole::Arn(arn) => arn,
            AssumedRole::Named { path, name } => Arn::role(place?, &path, name),
        }),
    };
    Some(Credentials {
        profile: text("profile"),
        role,
        external_id: text("external_id"),
    })
}

/// Checks an external id, which goes with a role.
fn check_external_id(checker: &mut Checker<'_>, fields: &Fields) {
    let Some(text) = fields.text("external_id") else {
        return;
    };
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
            .help("an external id goes with assuming a role: add `role = \"…\"`, or remove this"),
        );
    }
}

fn boundary(checker: &mut Checker<'_>, text: Spanned<&str>, owner: &str) -> Option<Arn> {
    let arn = Arn::parse(text.value)
        .ok()
        .filter(|it| it.service() == "iam" && it.resource().starts_with("policy/"));
    if arn.is_none() {
        checker.report(
            Diagnostic::new(
                Code::Name,
                text.span,
                format!("the boundary of {owner} is not a managed policy"),
                "not the ARN of one",
            )
            .help("write it as `arn:aws:iam::ACCOUNT:policy/NAME`"),
        );
    }
    arn
}

/// Returns the account id in a text.
pub(super) fn id(checker: &mut Checker<'_>, text: Spanned<&str>) -> Option<AccountId> {
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

/// The role to assume, as it is written.
pub(super) enum AssumedRole<'a> {
    Arn(Arn),
    Named { path: String, name: &'a str },
}

/// The role to assume: a name, with or without its path, or an ARN.
pub(super) fn role<'a>(
    checker: &mut Checker<'_>,
    text: Spanned<&'a str>,
    id: Option<&AccountId>,
    region: Option<&Region>,
    owner: &str,
) -> Option<AssumedRole<'a>> {
    if text.value.starts_with("arn:") {
        let arn = checker.arn(text, "iam", "a role's ARN")?;
        let wrong = if !arn.resource().starts_with("role/") {
            Some("not a role")
        } else if id.is_some_and(|it| arn.account() != it.as_str()) {
            Some("in another account")
        } else {
            None
        };
        if let Some(label) = wrong {
            let account = id.map_or("the account".to_owned(), |it| format!("account {it}"));
            checker.report(
                Diagnostic::new(
                    Code::Place,
                    text.span,
                    format!("{owner} cannot be entered through `{}`", text.value),
                    label,
                )
                .help(format!("write a role of {account}")),
            );
            return None;
        }
        if let Some(region) = region
            && !checker.check_partition(Spanned::new(&arn, text.span), region.partition(), owner)
        {
            return None;
        }
        return Some(AssumedRole::Arn(arn));
    }
    let (path, name) = text.value.rsplit_once('/').unwrap_or(("", text.value));
    let path = match path.trim_matches('/') {
        "" => "/".to_owned(),
        path => format!("/{path}/"),
    };
    let refusal = names::ROLE
        .refuses(name)
        .or_else(|| names::PATH.refuses(&path));
    if let Some(refusal) = refusal {
        checker.report(refusal.at(owner, text.span));
        return None;
    }
    Some(AssumedRole::Named { path, name })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{faults_in, faults_of, stack_of};

    #[test]
    fn an_account_id_is_twelve_digits() {
        snapbox::assert_data_eq!(
            faults_of("[accounts.a]\nid = \"1111\"\n"),
            snapbox::str![[r#"
E0203: `1111` is not an account id [4 digits] help: an account id is twelve digits: `aws sts get-caller-identity` shows yours

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of("[accounts.a]\nid = \"1111-1111-1111\"\n"),
            snapbox::str![[r#"
E0203: `1111-1111-1111` is not an account id [more than its twelve digits] only the digits: "111111111111"

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of("[accounts.a]\nid = 111111111111\n"),
            snapbox::str![[r#"
E0102: `id` of account `a` has the wrong type [this is a whole number] write it in quotes: "111111111111"

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of("[accounts.a]\nid = \"11111111111a\"\n"),
            snapbox::str![[r#"
E0203: `11111111111a` is not an account id [not twelve digits] help: an account id is twelve digits: `aws sts get-caller-identity` shows yours

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of("[accounts.a]\n"),
            snapbox::str![[r#"
E0103: account `a` has no `id` [`id` is missing] help: add `id = "…"`: the account's id: twelve digits, in quotes

"#]]
        );
    }

    #[test]
    fn a_region_lies_in_some_direction() {
        snapbox::assert_data_eq!(
            faults_in("[stack]\nname = \"s\"\n[accounts.a]\nid = \"111111111111\"\n"),
            snapbox::str![[r#"
E0103: account `a` has no region [`region` is missing here and in `[stack]`] help: add `region = "eu-west-1"` to `[stack]` for all accounts, or here for this one

"#]]
        );
        snapbox::assert_data_eq!(
            faults_in(
                "[stack]\nname = \"s\"\nregion = \"eu-wst-1\"\n[accounts.a]\nid = \"111111111111\"\n"
            ),
            snapbox::str![[r#"
E0203: `eu-wst-1` is not a region [no region is called so] a region is called so: "eu-west-1"

"#]]
        );
        snapbox::assert_data_eq!(
            faults_in(
                "[stack]\nname = \"s\"\nregion = \"EU_WEST_1\"\n[accounts.a]\nid = \"111111111111\"\n"
            ),
            snapbox::str![[r#"
E0203: `EU_WEST_1` is not a region [no region is called so] a region is called so: "eu-west-1"

"#]]
        );
        snapbox::assert_data_eq!(
            faults_in(
                "[stack]\nname = \"s\"\nregion = \"Ireland\"\n[accounts.a]\nid = \"111111111111\"\n"
            ),
            snapbox::str![[r#"
E0203: `Ireland` is not a region [no region is called so] help: write it as `eu-west-1`

"#]]
        );
        snapbox::assert_data_eq!(
            faults_in(
                "[stack]\nname = \"s\"\n[accounts.a]\nid = \"111111111111\"\nregion = \"us-gov-east-1\"\n"
            ),
            snapbox::str![[r#"
no fault

"#]]
        );
    }

    #[test]
    fn the_role_to_assume_is_of_the_account() {
        snapbox::assert_data_eq!(
            faults_of(
                "[accounts.a]\nid = \"111111111111\"\nrole = \"arn:aws:iam::222222222222:role/x\"\n"
            ),
            snapbox::str![[r#"
E0303: account `a` cannot be entered through `arn:aws:iam::222222222222:role/x` [in another account] help: write a role of account 111111111111

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of(
                "[accounts.a]\nid = \"111111111111\"\nrole = \"arn:aws:iam::111111111111:user/x\"\n"
            ),
            snapbox::str![[r#"
E0303: account `a` cannot be entered through `arn:aws:iam::111111111111:user/x` [not a role] help: write a role of account 111111111111

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of(
                "[accounts.a]\nid = \"111111111111\"\nrole = \"arn:aws-cn:iam::111111111111:role/x\"\n"
            ),
            snapbox::str![[r#"
E0303: `arn:aws-cn:iam::111111111111:role/x` is in partition `aws-cn`, and account `a` is in `aws` [in another partition] help: partitions share no accounts and no IAM: nothing in one can be let into another

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of("[accounts.a]\nid = \"111111111111\"\nrole = \"pro vision\"\n"),
            snapbox::str![[r#"
E0203: account `a` cannot have the role name `pro vision` [a space cannot stand here] help: 1 to 64 letters, digits and `_+=,.@-`

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of("[accounts.a]\nid = \"111111111111\"\nexternal_id = \"x\"\n"),
            snapbox::str![[r#"
E0203: account `a` cannot have the external id `x` [too short] help: 2 to 1224 letters, digits and `_+=,.@:/-`
E0105: account `a` has an external id and no role [nothing asks for it] help: an external id goes with assuming a role: add `role = "…"`, or remove this

"#]]
        );
    }

    #[test]
    fn the_role_to_assume_is_a_name_a_path_and_name_or_an_arn() {
        let stack = stack_of(
            "[accounts.a]\nid = \"111111111111\"\nrole = \"provision\"\nexternal_id = \"p-7731\"\n[accounts.b]\nid = \"222222222222\"\nregion = \"cn-north-1\"\nrole = \"team/provision\"\nprofile = \"china\"\n[accounts.c]\nid = \"333333333333\"\nrole = \"arn:aws:iam::333333333333:role/x\"\n",
        );
        let role = |name: &str| {
            let credentials = &stack.accounts[name].credentials;
            credentials.role.as_ref().map(ToString::to_string)
        };
        assert_eq!(
            role("a").as_deref(),
            Some("arn:aws:iam::111111111111:role/provision")
        );
        assert_eq!(
            role("b").as_deref(),
            Some("arn:aws-cn:iam::222222222222:role/team/provision")
        );
        assert_eq!(
            role("c").as_deref(),
            Some("arn:aws:iam::333333333333:role/x")
        );
        assert_eq!(
            stack.accounts["b"].credentials.profile.as_deref(),
            Some("china")
        );
        assert_eq!(stack.accounts["a"].place.region.as_str(), "eu-west-1");
    }
}
