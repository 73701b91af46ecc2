//! What was read for one stack, as another sees it that wants other roles.

use super::{Live, Wants, orphan};
use crate::kinds::Resource;
use crate::model::{Address, KindName};

impl Live {
    /// The same, of a stack that wants other roles than those it was read for: one that is there and
    /// was not wanted is found, and one that is wanted no more is left over.
    #[must_use]
    pub fn regarding(mut self, before: &Wants, after: &Wants) -> Self {
        let is_role = |it: &Address| it.kind == KindName::Role;
        let left: Vec<Address> = self
            .have
            .keys()
            .filter(|it| is_role(it) && !after.contains_key(*it))
            .cloned()
            .collect();
        for address in left {
            let Some(have) = self.have.remove(&address) else {
                continue;
            };
            if let Some(want) = before.get(&address).filter(|_| have.mark.is_some()) {
                self.orphans.extend(orphan(&want.place, have));
            }
        }
        // A role under another name is another role.
        let same_name = |one: &Resource, other: &Resource| match (one, other) {
            (Resource::Role(one), Resource::Role(other)) => {
                one.name().eq_ignore_ascii_case(other.name())
            }
            _ => false,
        };
        for it in std::mem::take(&mut self.orphans) {
            match after.get(&it.address) {
                Some(want)
                    if want.place.id == it.place.id
                        && same_name(&want.resource, &it.have.resource)
                        && !self.have.contains_key(&it.address) =>
                {
                    self.have.insert(it.address, it.have);
                }
                _ => self.orphans.push(it),
            }
        }
        self.orphans
            .sort_by(|a, b| (&a.address, &a.have.id).cmp(&(&b.address, &b.have.id)));
        self
    }
}
