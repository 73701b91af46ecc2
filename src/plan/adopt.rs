//! What is taken over by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::kinds::{Have, Resource, Want};
use crate::lower::Desired;
use crate::model::tags::{ADDRESS, STACK};
use crate::model::{Address, KindName};

/// A resource to be taken over: its address, and the id of an API, whose name is not enough.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Adopt {
    /// Where it will stand in the stack.
    pub address: Address,
    /// An API's id.
    pub id: Option<String>,
}

impl fmt::Display for Adopt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.address)?;
        self.id.as_ref().map_or(Ok(()), |id| write!(out, "={id}"))
    }
}

impl From<Adopt> for String {
    fn from(it: Adopt) -> Self {
        it.to_string()
    }
}

impl TryFrom<String> for Adopt {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for Adopt {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (address, id) = match text.split_once('=') {
            Some((address, id)) => (address, Some(id.to_owned())),
            None => (text, None),
        };
        let address: Address = address.parse().map_err(|()| {
            format!("`{address}` is not an address; write one such as `queues.inbox` or `apis.orders=a1b2c3d4e5`")
        })?;
        match &id {
            Some(_) if address.kind != KindName::RestApi => Err(format!(
                "only an API is told by its id: write `--adopt {address}`"
            )),
            Some(id)
                if id.is_empty()
                    || !id
                        .bytes()
                        .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit()) =>
            {
                Err(format!(
                    "`{id}` is not a REST API's id: lower-case letters and digits"
                ))
            }
            _ => Ok(Self { address, id }),
        }
    }
}

/// Tells the APIs that are to be taken over which ones they are.
pub fn take_over<'a>(desired: &mut Desired, adopt: impl IntoIterator<Item = &'a Adopt>) {
    let owned =
        |it: &Want| matches!(&it.resource, Resource::RestApi(api) if api.existing.is_none());
    for it in adopt {
        if let Some(want) = desired.wants.get_mut(&it.address).filter(|it| owned(it)) {
            want.adopts.clone_from(&it.id);
        }
    }
}

/// What is there of a want: of an API without a mark only the one that is to be taken over by its id.
pub(super) fn meant<'a>(
    address: &Address,
    want: &Want,
    have: Option<&'a Have>,
) -> Result<Option<&'a Have>, String> {
    let is_bare = |it: &&Have| want.owned && address.kind == KindName::RestApi && it.mark.is_none();
    match (have.filter(is_bare), &want.adopts) {
        (Some(have), None) => Err(format!(
            "the API `{id}` has its name and statements or a stage of this stack, and its tags `{STACK}` and `{ADDRESS}` are gone; \
             take it over with `--adopt {address}={id}`",
            id = have.id
        )),
        (Some(have), Some(id)) => Ok(Some(have).filter(|it| it.id == *id)),
        (None, _) => Ok(have),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_is_told_by_its_id_and_nothing_else_is() {
        let parsed = |text: &str| text.parse::<Adopt>().map(|it| it.to_string());
        for it in ["queues.inbox", "apis.orders", "apis.orders=a1b2c3"] {
            assert_eq!(parsed(it).as_deref(), Ok(it));
        }
        let refused = |text: &str| parsed(text).expect_err("refused");
        assert!(refused("queues.inbox=a1").contains("only an API"));
        assert!(refused("apis.orders=").contains("not a REST API's id"));
        assert!(refused("apis.orders=A/1").contains("not a REST API's id"));
        assert!(refused("inbox").contains("not an address"));
    }
}
