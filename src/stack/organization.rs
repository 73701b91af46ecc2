//! `[organization]`: how the policies of the AWS organization are read.

use crate::model::{AccountId, Arn, Place};
use crate::policy::size::Quotas;

use super::accounts;
use super::checker::Checker;
use super::diagnostic::{Code, Diagnostic, Span};
use super::fields::Fields;
use super::shape::{Field, Kind, Shape};
use super::{Account, Principal, Stack};

/// The name under which calls to the organization are made: no account can have it.
const NAME: &str = "[organization]";

pub(super) const ORGANIZATION: Shape = Shape {
    noun: "organization",
    doc: "The AWS organization of the accounts. With it, `plan`, `apply`, `drift`, `verify --live` and `who-can --live` read its service control policies (SCPs) and resource control policies (RCPs), and hold every access against them. It is read and never written.",
    fields: &[
        Field::new(
            "id",
            Kind::Pattern("^[0-9]{12}$"),
            "The management account, or a delegated administrator for the organization's policies: twelve digits, in quotes. An ARN in `role` says it too.",
        )
        .alias(&["account_id", "account"]),
        accounts::ROLE,
        accounts::EXTERNAL_ID,
        accounts::PROFILE,
    ],
    one_of: &[],
};

impl Stack {
    /// Returns everything that is entered: the accounts, and where the organization is read from.
    pub fn entered(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values().chain(&self.organization)
    }

    /// Returns the accounts of the principals that the accesses name, as far as each has one.
    pub fn accounts_of_callers(&self) -> impl Iterator<Item = AccountId> {
        let all = self.access.iter();
        all.filter_map(move |it| self.account_of(&it.from))
    }

    /// Returns the account of a principal, where it has one.
    #[must_use]
    pub fn account_of(&self, principal: &Principal) -> Option<AccountId> {
        match principal {
            Principal::Role(name) => self.roles.get(name)?.arn.account_id(),
            Principal::RoleArn(arn) | Principal::Named(arn) => arn.account_id(),
            Principal::RolePrefix { account, .. } | Principal::Account(account) => {
                Some(account.clone())
            }
            Principal::Service(_)
            | Principal::ServiceFor { .. }
            | Principal::Oidc { .. }
            | Principal::Organization { .. }
            | Principal::Network(_) => None,
        }
    }
}

/// Returns the account from which the organization is read, and how it is entered.
pub(super) fn organization(
    checker: &mut Checker<'_>,
    key: Span,
    fields: &Fields,
) -> Option<Account> {
    let in_arn = fields
        .text("role")
        .and_then(|it| Arn::parse(it.value).ok())
        .and_then(|it| it.account_id());
    let id = match fields.text("id") {
        Some(text) => accounts::id(checker, text)?,
        None if fields.is_written("id") => return None,
        None => id_of(checker, key, fields, in_arn)?,
    };
    let of_accounts = checker.accounts.values().next();
    let region = checker.region.clone();
    let region = region.or_else(|| of_accounts.map(|it| it.place.region.clone()))?;
    let place = Place {
        account: NAME.to_owned(),
        id,
        region,
    };
    let at = (Some(&place.id), Some(&place.region));
    Some(Account {
        credentials: accounts::credentials(checker, fields, at, Some(&place))?,
        boundary: None,
        quotas: Quotas::default(),
        place,
    })
}

fn id_of(
    checker: &mut Checker<'_>,
    key: Span,
    fields: &Fields,
    in_arn: Option<AccountId>,
) -> Option<AccountId> {
    if in_arn.is_none() {
        checker.report(
            Diagnostic::new(
                Code::Missing,
                key,
                format!("{} has no `id`", fields.owner),
                "`id` is missing",
            )
            .help(
                "add `id = \"…\"`: the management account, or a delegated administrator, which `aws organizations \
                 describe-organization` shows; or write `role` as an ARN",
            ),
        );
    }
    in_arn
}

#[cfg(test)]
mod tests {
    use super::super::testing::{faults_of, stack_of};

    #[test]
    fn an_organization_is_read_from_an_account_by_id_or_by_the_arn_of_a_role() {
        let read = |text: &str| {
            let account = stack_of(text).organization.expect("an organization");
            let role = account.credentials.role.map(|it| it.to_string());
            (account.place.id.to_string(), role)
        };
        let arn = "arn:aws:iam::999999999999:role/ops/reader".to_owned();
        let role = "[organization]\nrole = \"arn:aws:iam::999999999999:role/ops/reader\"\n";
        let named =
            "[organization]\nid = \"999999999999\"\nrole = \"ops/reader\"\nexternal_id = \"xy\"\n";
        for text in [role, named] {
            assert_eq!(read(text), ("999999999999".to_owned(), Some(arn.clone())));
        }
        let own = "[organization]\nid = \"999999999999\"\nprofile = \"management\"\n";
        assert_eq!(read(own), ("999999999999".to_owned(), None));
    }

    #[test]
    fn an_organization_that_cannot_be_entered_is_a_fault() {
        snapbox::assert_data_eq!(
            faults_of("[organization]\nprofile = \"management\"\n"),
            snapbox::str![[r#"
E0103: `organization` of the stack has no `id` [`id` is missing] help: add `id = "…"`: the management account, or a delegated administrator, which `aws organizations describe-organization` shows; or write `role` as an ARN

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of(
                "[organization]\nid = \"111111111111\"\nrole = \"arn:aws:iam::999999999999:role/reader\"\n"
            ),
            snapbox::str![[r#"
E0303: `organization` of the stack cannot be entered through `arn:aws:iam::999999999999:role/reader` [in another account] help: write a role of account 111111111111

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of("[organization]\nid = \"999999999999\"\nexternal_id = \"xy\"\n"),
            snapbox::str![[r#"
E0105: `organization` of the stack has an external id and no role [nothing asks for it] help: an external id goes with assuming a role: add `role = "…"`, or remove this

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of("[organisation]\nid = \"99999\"\n"),
            snapbox::str![[r#"
E0101: unknown field `organisation` in the stack [no such field] a field with a like name exists: organization
E0203: `99999` is not an account id [5 digits] help: an account id is twelve digits: `aws sts get-caller-identity` shows yours

"#]]
        );
    }
}
