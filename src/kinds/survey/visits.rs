//! Where a survey reads.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{AccountId, Arn, KmsKey, Place, Region};

/// Accounts and regions that are read: one that stands there under several names is read once.
pub(super) struct Visits<'a> {
    pub(super) accounts: BTreeMap<&'a AccountId, &'a Place>,
    pub(super) regions: BTreeMap<(&'a AccountId, &'a Region), &'a Place>,
}

impl<'a> Visits<'a> {
    pub(super) fn of(places: &'a BTreeSet<Place>) -> Self {
        let (mut accounts, mut regions) = (BTreeMap::new(), BTreeMap::new());
        for place in places {
            accounts.entry(&place.id).or_insert(place);
            regions.entry((&place.id, &place.region)).or_insert(place);
        }
        Self { accounts, regions }
    }

    /// Where what an ARN names is read, if its account and region are.
    pub(super) fn place_of(&self, arn: &Arn) -> Option<Place> {
        let (account, region) = (arn.account_id()?, Region::parse(arn.region())?);
        self.regions
            .get(&(&account, &region))
            .map(|it| (*it).clone())
    }

    /// Where a key is read, if its account is entered.
    pub(super) fn place_of_key(&self, key: &KmsKey) -> Option<Place> {
        let place = self.accounts.get(&key.arn().account_id()?)?;
        Some(Place {
            region: Region::parse(key.arn().region())?,
            ..(*place).clone()
        })
    }
}
