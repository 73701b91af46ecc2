//! What a plan leaves as it is, since its account cannot be entered.
//!
//! The operator names such an account; nothing is read or written there. What other
//! accounts hold is planned as ever: it names its neighbours by ARN, and ARNs are known.
//! Only an API's id is not, and it is read off whatever still names the API.

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds::Resource;
use crate::kinds::survey::Live;
use crate::lower::Desired;
use crate::model::{AccountId, Address, Arn, KindName, Place};

/// What of the stack stays as it is, for an account that is not entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// What the stack calls the account; the id, of one that it does not have.
    pub account: String,
    /// The account.
    pub id: AccountId,
    /// What the stack wants there, if it is there at all.
    pub addresses: Vec<Address>,
    /// What stands elsewhere and can only be made with an id from there.
    pub waiting: Vec<Address>,
}

impl Left {
    /// Whether this resource is among what stays as it is.
    #[must_use]
    pub fn holds(&self, address: &Address) -> bool {
        self.addresses.contains(address) || self.waiting.contains(address)
    }
}

/// Ids that AWS chose: those that were read, and those of APIs out of reach, as far as something names them.
pub(super) fn ids(desired: &Desired, live: &Live) -> BTreeMap<Address, String> {
    let mut ids = live.ids();
    if desired.unreachable.is_empty() {
        return ids;
    }
    let mut apis: BTreeMap<&Place, Vec<&Address>> = BTreeMap::new();
    for (address, want) in &desired.wants {
        if address.kind == KindName::RestApi && desired.unreachable.contains(&want.place.id) {
            apis.entry(&want.place).or_default().push(address);
        }
    }
    for (place, addresses) in apis {
        // Of several APIs in one place, no ARN tells which is which.
        if let ([address], Some(id)) = (addresses.as_slice(), only_api_named(live, place)) {
            ids.insert((*address).clone(), id);
        }
    }
    ids
}

/// The id of the only API of a place that live policies of the stack's roles speak of.
fn only_api_named(live: &Live, place: &Place) -> Option<String> {
    let documents = live.have.values().filter_map(|have| match &have.resource {
        Resource::Role(role) => Some(role.identity()),
        _ => None,
    });
    let resources = documents
        .flatten()
        .flat_map(|it| &it.statements)
        .filter_map(|it| it.resource.as_ref())
        .flat_map(|it| &it.values);
    let named: BTreeSet<String> = resources
        .filter_map(|it| Arn::parse(it).ok())
        .filter(|it| {
            it.service() == "execute-api"
                && it.account() == place.id.as_str()
                && it.region() == place.region.as_str()
        })
        .filter_map(|it| it.resource().split('/').next().map(str::to_owned))
        .collect();
    let mut named = named.into_iter();
    named.next().filter(|_| named.next().is_none())
}

/// What is left of a destruction: nothing waits to be made.
pub(super) fn untouched(desired: &Desired) -> Vec<Left> {
    let mut left = left(desired, &BTreeMap::new());
    for it in &mut left {
        it.waiting.clear();
    }
    left
}

/// What is left, by account; with it, what waits for an id that nobody can tell.
pub(super) fn left(desired: &Desired, ids: &BTreeMap<Address, String>) -> Vec<Left> {
    let left = desired.unreachable.iter().map(|id| {
        let here = |address: &Address| {
            desired
                .wants
                .get(address)
                .is_some_and(|it| it.place.id == *id)
        };
        let mut names = desired.places.iter().filter(|it| it.id == *id);
        let addresses = desired.wants.keys().filter(|it| here(it));
        let waiting = desired.wants.iter().filter(|(_, want)| {
            !desired.unreachable.contains(&want.place.id)
                && (want.resource.pending().iter()).any(|it| here(it) && !ids.contains_key(it))
        });
        Left {
            account: names
                .next()
                .map_or_else(|| id.to_string(), |it| it.account.clone()),
            id: id.clone(),
            addresses: addresses.cloned().collect(),
            waiting: waiting.map(|(address, _)| address.clone()).collect(),
        }
    });
    left.collect()
}
