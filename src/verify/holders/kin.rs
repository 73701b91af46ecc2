//! What somebody is who may do something.

use crate::model::{AccountId, Address};
use crate::policy::{Request, Statement, Who};
use crate::stack::Stack;

use super::super::bound::Name;
use super::Search;

/// What somebody is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kin {
    /// A role of the stack.
    Role(Address),
    /// The sessions of a role of the stack that have one name, which whoever assumes the role chooses.
    Session(Address, String),
    /// A role, or another principal, that the stack does not own.
    Other(String),
    /// Roles of an account by the beginning of their name.
    Prefix(AccountId, String),
    /// A whole account: whoever its own policies let.
    Account(String),
    /// Anyone with credentials of an account, with or without a policy of theirs.
    AnyoneOf(String),
    /// An AWS service.
    Service(String),
    /// Any AWS service.
    AnyService,
    /// Tokens of an identity provider.
    Provider(String),
    /// Anyone with credentials of any account.
    Anyone,
    /// Anyone, without a signature.
    Unsigned,
}

impl Kin {
    /// The kind in a word, for machines.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Role(_) => "role",
            Self::Session(..) => "role_session",
            Self::Other(_) => "outside_principal",
            Self::Prefix(..) => "role_prefix",
            Self::Account(_) => "account",
            Self::AnyoneOf(_) => "anyone_of_account",
            Self::Service(_) | Self::AnyService => "service",
            Self::Provider(_) => "identity_provider",
            Self::Anyone => "anyone",
            Self::Unsigned => "unsigned",
        }
    }

    /// The role of the stack that it is, or whose session it is.
    #[must_use]
    pub fn role(&self) -> Option<&Address> {
        match self {
            Self::Role(address) | Self::Session(address, _) => Some(address),
            _ => None,
        }
    }

    /// Who, as an author calls them.
    #[must_use]
    pub fn named(&self, stack: &Stack) -> String {
        let account = |id: &str| {
            let named = stack
                .accounts
                .iter()
                .find(|(_, it)| it.place.id.as_str() == id);
            named.map_or_else(|| id.to_owned(), |(name, _)| format!("{name} ({id})"))
        };
        match self {
            Self::Role(address) => address.to_string(),
            Self::Session(address, name) => format!("the session `{name}` of {address}"),
            Self::Other(name) | Self::Service(name) | Self::Provider(name) => name.clone(),
            Self::Prefix(id, prefix) => {
                format!("roles {prefix}* of account {}", account(id.as_str()))
            }
            Self::Account(id) => format!("account {}", account(id)),
            Self::AnyoneOf(id) => format!("any principal of account {}", account(id)),
            Self::AnyService => "any AWS service".to_owned(),
            Self::Anyone => "anyone of any account".to_owned(),
            Self::Unsigned => "anyone, unsigned".to_owned(),
        }
    }
}

impl Search<'_> {
    /// What a name is, seen from a statement that has it and a request that it lets through.
    pub(super) fn kin(&self, name: &Name, statement: &Statement, request: &Request) -> Kin {
        let (kind, text) = name;
        match kind.as_str() {
            "Service" => Kin::Service(text.clone()),
            "Federated" => Kin::Provider(text.clone()),
            _ if text == "*" => match &request.principal {
                Who::Anonymous => Kin::Unsigned,
                Who::Service(name) if is_asked_for(name, statement) => Kin::Service(name.clone()),
                Who::Service(_) => Kin::AnyService,
                Who::Arn(_) => Kin::Anyone,
            },
            _ => {
                if let Some(role) = self.role_named(text) {
                    let session = text.split_once(":assumed-role/").map(|it| it.1);
                    let session = session.and_then(|it| it.split_once('/'));
                    return match session {
                        Some((_, name)) => Kin::Session(role.address.clone(), name.to_owned()),
                        None => Kin::Role(role.address.clone()),
                    };
                }
                let account = text.split(':').nth(4).unwrap_or_default();
                if !text.ends_with(":root") {
                    return Kin::Other(text.clone());
                }
                match (prefix_in(statement), AccountId::parse(account)) {
                    (Some(prefix), Some(id)) => Kin::Prefix(id, prefix),
                    _ => Kin::Account(account.to_owned()),
                }
            }
        }
    }
}

/// Whether a condition of a statement names a service.
fn is_asked_for(service: &str, statement: &Statement) -> bool {
    let tests = statement.conditions.values().flatten();
    tests.flat_map(|(_, values)| values).any(|it| it == service)
}

/// The beginning that a statement asks of its roles' names.
fn prefix_in(statement: &Statement) -> Option<String> {
    let values = statement
        .conditions
        .iter()
        .filter(|(operator, _)| operator.eq_ignore_ascii_case("ArnLike"))
        .flat_map(|(_, keys)| keys)
        .find(|(key, _)| key.eq_ignore_ascii_case("aws:PrincipalArn"))?
        .1;
    let [one] = values.as_slice() else {
        return None;
    };
    let rest = one.split_once(":role/")?.1;
    rest.strip_suffix('*').map(str::to_owned)
}
