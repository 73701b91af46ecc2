//! Roles, and the managed policies that the stack made for them.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::common::common_path;
use super::{Orphan, Reading, Survey, Visits, orphan};
use crate::cloud::{CallError, iam};
use crate::kinds::survey::Live;
use crate::kinds::{Resource, Role, role};
use crate::model::lease;
use crate::model::{Address, KindName, Mark, Place};
use crate::policy::size;

impl Survey<'_> {
    /// The roles of every account, and the policies of AWS's own that they have or are bounded by: those
    /// are alike in every account, so each is read once.
    pub(super) async fn all_roles(&self, visits: &Visits<'_>) -> Reading {
        let places = visits.accounts.values();
        let mut reading = Reading::default();
        for part in join_all(places.map(|place| self.roles(place))).await {
            reading.take(part);
        }
        let there = reading.live.have.iter().filter_map(|(address, have)| {
            let want = self.wants.get(address)?;
            Some((&want.place, &have.resource))
        });
        let to_be = self
            .wants
            .values()
            .map(|want| (&want.place, &want.resource));
        let mut of_aws: BTreeMap<&String, &Place> = BTreeMap::new();
        for (place, resource) in there.chain(to_be) {
            if let (Resource::Role(role), true) =
                (resource, visits.accounts.contains_key(&place.id))
            {
                let all = role.attached.iter().chain(&role.boundary);
                of_aws.extend(
                    all.filter(|it| role::managed::is_of_aws(it))
                        .map(|it| (it, place)),
                );
            }
        }
        let reads = of_aws
            .into_iter()
            .map(|(arn, place)| role::managed::document_of(self.cloud, place, arn));
        let read: Vec<_> = join_all(reads).await.into_iter().flatten().collect();
        reading.live.policies.extend(read);
        reading
    }

    pub(super) async fn roles(&self, place: &Place) -> Reading {
        let mut reading = Reading::default();
        if let Err(error) = self.read_roles(place, &mut reading).await {
            let all = self.addresses(&[KindName::Role], place);
            reading.live = Live::default();
            reading.lacks(place, error, all);
        }
        reading
    }

    pub(super) async fn read_roles(
        &self,
        place: &Place,
        reading: &mut Reading,
    ) -> Result<(), CallError> {
        let account = role::details(self.cloud, place).await?;
        let wanted: Vec<(&Address, &Role)> = self
            .wanted(KindName::Role, place)
            .filter_map(|(address, want)| match &want.resource {
                Resource::Role(role) => Some((address, role)),
                _ => None,
            })
            .collect();
        let wanted_here = |detail: &iam::RoleDetail| {
            wanted
                .iter()
                .find(|(_, it)| it.name().eq_ignore_ascii_case(&detail.name))
        };
        let ours = |detail: &iam::RoleDetail| self.is_ours(Mark::read(&detail.tags).as_ref());
        self.remains(place, &account, reading)?;
        let mine: Vec<&iam::RoleDetail> = account
            .roles
            .iter()
            .filter(|it| ours(it) || wanted_here(it).is_some())
            .collect();
        let there = mine
            .iter()
            .flat_map(|it| it.attached.iter().chain(&it.boundary));
        let to_be = wanted
            .iter()
            .flat_map(|(_, it)| it.attached.iter().chain(&it.boundary));
        let bearing: BTreeSet<&String> = there.chain(to_be).collect();
        reading.live.policies = account.in_force(&bearing);
        let lease = lease::arn(self.stack, place).to_string();
        reading.live.leased = account.policies.iter().any(|it| it.arn == lease);
        let full = |it: &&iam::RoleDetail| it.attached.len() > size::ATTACHED;
        let matters = wanted.iter().any(|(_, it)| it.is_beyond_defaults()) || mine.iter().any(full);
        // Only a read that can change something is made, and one that AWS refuses changes nothing.
        if matters && let Ok(quotas) = role::quotas(self.cloud, place).await {
            reading.live.quotas.insert(place.id.clone(), quotas);
        }
        if mine.is_empty() {
            return Ok(());
        }
        let prefix = common_path(mine.iter().map(|it| it.path.as_str()));
        let listings = role::listings(self.cloud, place, &prefix).await?;
        for detail in mine {
            let wanted = wanted_here(detail).map(|(address, _)| (*address).clone());
            match (
                Role::decode(detail, listings.get(&detail.name), self.stack, &account),
                wanted,
            ) {
                (Ok(have), Some(address)) => {
                    reading.live.have.insert(address, have);
                }
                (Ok(have), None) => reading.live.orphans.extend(orphan(place, have)),
                (Err(error), wanted) => {
                    reading.lacks(place, error, wanted.into_iter().collect());
                }
            }
        }
        Ok(())
    }

    /// Managed policies that the stack made for roles that are not there, or for roles of others
    /// that it no longer speaks of.
    pub(super) fn remains(
        &self,
        place: &Place,
        account: &role::Account,
        reading: &mut Reading,
    ) -> Result<(), CallError> {
        for name in account.roles_with_policies(self.stack) {
            let same = |it: &str| it.eq_ignore_ascii_case(&name);
            let mut wanted = self.wanted(KindName::Role, place);
            let detail = account.roles.iter().find(|it| same(&it.name));
            let ours = detail.is_some_and(|it| self.is_ours(Mark::read(&it.tags).as_ref()));
            let wanted = wanted.find(
                |(_, want)| matches!(&want.resource, Resource::Role(role) if same(role.name())),
            );
            if ours || (wanted.is_some() && detail.is_some()) {
                continue;
            }
            let have = match detail {
                Some(detail) => Role::decode(detail, None, self.stack, account)?,
                None => Role::remains(&name, place, self.stack, account)?,
            };
            let orphan = |address| Orphan {
                address,
                place: place.clone(),
                have: have.of_another(self.stack),
            };
            if let Some((address, _)) = wanted {
                reading.live.remains.push(orphan(address.clone()));
            } else {
                let address = Address::new(KindName::Role, &name);
                reading.live.orphans.push(orphan(address));
            }
        }
        Ok(())
    }
}
