//! What somebody is who may do something.

use crate::model::{AccountId, Address};
use crate::stack::Stack;

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
    /// An AWS service.
    Service(String),
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
            Self::Service(_) => "service",
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
            Self::Anyone => "anyone of any account".to_owned(),
            Self::Unsigned => "anyone, unsigned".to_owned(),
        }
    }
}
