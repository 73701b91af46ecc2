//! Principals in the words of a stack file.

use super::Scene;
use super::roles::derived;
use super::text::{inline, list, quoted, texts};
use crate::kinds::Resource;
use crate::lower::reading::principals;
use crate::model::AccountId;
use crate::policy::Statement;
use crate::stack::{Network, Principal};

/// The audience that a token has when a stack names none.
const AUDIENCE: &str = "sts.amazonaws.com";

impl Scene<'_> {
    /// Returns whom a statement lets in, roles of the file by their names; `None` where a stack has no words for
    /// it, or where what a role may do is written out: an access of that role would write it twice.
    pub(super) fn who(&self, statement: &Statement) -> Option<Vec<Principal>> {
        let found = principals(statement)?.into_iter().map(|it| match it {
            Principal::RoleArn(arn) => {
                if self.unfit.plain.contains(arn.as_str()) {
                    return None;
                }
                let name = self
                    .name_of(arn.as_str())
                    .filter(|_| !self.is_made(arn.as_str()));
                Some(match name {
                    Some(name) => Principal::Role(name.to_owned()),
                    None => Principal::RoleArn(arn),
                })
            }
            other => Some(other),
        });
        found.collect()
    }

    /// Whether lowering makes this role, for an access or the integrations of an API.
    pub(super) fn is_made(&self, arn: &str) -> bool {
        self.census.found.iter().any(|it| match &it.have.resource {
            Resource::Role(role) => {
                role.arn.as_str() == arn
                    && self.is_ours(it)
                    && !self.unfit.plain.contains(arn)
                    && derived(role, self.stack).is_some()
            }
            _ => false,
        })
    }

    /// Returns a principal as TOML.
    pub(super) fn principal(&self, it: &Principal) -> String {
        let account = |id: &AccountId| quoted(self.account_called(id));
        let fields = match it {
            Principal::Role(name) => return quoted(&format!("roles.{name}")),
            Principal::RoleArn(arn) | Principal::Named(arn) => return quoted(arn.as_str()),
            Principal::Service(name) => return quoted(name),
            Principal::RolePrefix {
                account: id,
                prefix,
            } => {
                vec![("account", account(id)), ("role_prefix", quoted(prefix))]
            }
            Principal::Account(id) => vec![("account", account(id))],
            Principal::Oidc {
                provider,
                audience,
                subjects,
            } => {
                let mut fields = vec![("oidc", quoted(provider)), ("subjects", many(subjects))];
                if audience != AUDIENCE {
                    fields.push(("audience", quoted(audience)));
                }
                fields
            }
            Principal::ServiceFor {
                service,
                sources,
                account: id,
            } => {
                let mut fields = vec![("service", quoted(service))];
                if !sources.is_empty() {
                    fields.push(("source", many(sources)));
                }
                fields.extend(id.iter().map(|it| ("source_account", account(it))));
                fields
            }
            Principal::Organization { id, unit } => {
                let mut fields = vec![("org", quoted(id))];
                fields.extend(unit.iter().map(|it| ("unit", quoted(it))));
                fields
            }
            Principal::Network(Network::VpcEndpoint(id)) => vec![("vpc_endpoint", quoted(id))],
            Principal::Network(Network::Vpc(id)) => vec![("vpc", quoted(id))],
            Principal::Network(Network::Addresses(ranges) | Network::VpcAddresses(ranges)) => {
                vec![("ip", many(ranges))]
            }
        };
        let fields = fields.into_iter();
        let fields: Vec<(String, String)> =
            fields.map(|(name, it)| (name.to_owned(), it)).collect();
        inline(&fields)
    }
}

/// Texts as a list, or the only one.
fn many(values: &[String]) -> String {
    match values {
        [one] => quoted(one),
        many => list(&texts(many.iter().map(String::as_str))),
    }
}
