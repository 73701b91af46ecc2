//! What of a role's policies differs, and how it is written.

use std::collections::{BTreeMap, BTreeSet};

use super::managed::Writing;
use super::order::{self, Documents, Limits, Spot, Write};
use super::{Role, gone_is_fine, inline_prefix};
use crate::cloud::{self, CallError, iam};
use crate::kinds::statements::{describe, document_details};
use crate::kinds::{Context, Have, Want, release, with_ids};
use crate::model::{Address, Detail, Mark, Place};
use crate::policy::{Document, normal, size};

impl Role {
    /// Names of inline policies to take away.
    pub(super) fn stale_inline<'a>(&self, want: &Want, live: &'a Self) -> Vec<&'a String> {
        let ours = inline_prefix(&want.stack);
        live.inline
            .iter()
            .filter(|(name, _)| !self.inline.contains_key(*name))
            .filter(|(name, it)| name.starts_with(&ours) || want.drops_inline(name, it))
            .map(|(name, _)| name)
            .collect()
    }

    /// ARNs of managed policies to take away.
    pub(super) fn stale_attached<'a>(
        &self,
        want: &Want,
        live: &'a Self,
        mark: Option<&Mark>,
    ) -> Vec<&'a String> {
        live.attached
            .iter()
            .filter(|it| !self.attached.contains(*it))
            .filter(|it| mark.is_some_and(|mark| mark.owns(it)) || want.drops_attached(it))
            .collect()
    }

    /// The live boundary, as far as it is this stack's to change: one that an organisation
    /// put there is left alone while the stack names none.
    pub(super) fn boundary_to_replace(&self, live: &Self, mark: Option<&Mark>) -> Option<String> {
        let theirs =
            |it: &&String| self.boundary.is_none() && !mark.is_some_and(|mark| mark.owns(it));
        live.boundary.as_ref().filter(|it| !theirs(it)).cloned()
    }

    /// The boundary that is there once the role is written: the stack's, or one that is left alone.
    #[must_use]
    pub fn boundary_after(&self, have: &Have, live: &Self, exclusive: bool) -> Option<String> {
        let left = || {
            let replaced = self.boundary_to_replace(live, have.mark.as_ref());
            live.boundary
                .clone()
                .filter(|_| !exclusive && replaced.is_none())
        };
        self.boundary.clone().or_else(left)
    }

    pub(super) fn inline_details(&self, want: &Want, live: &Self) -> Vec<Detail> {
        let mut found = Vec::new();
        for (name, document) in &self.inline {
            match live.inline.get(name) {
                None => found.extend(document.statements.iter().map(|it| Detail {
                    sign: '+',
                    text: format!("{name}: {}", describe(it)),
                })),
                Some(old) if !normal::same(old, document) => {
                    found.extend(
                        document_details(old, document)
                            .into_iter()
                            .map(|it| Detail {
                                sign: it.sign,
                                text: format!("{name}: {}", it.text),
                            }),
                    );
                }
                Some(_) => {}
            }
        }
        if want.letting_go {
            found.retain(|it| it.sign == '+');
            found.extend(release::inline_details(want, &live.inline, &self.inline));
            return found;
        }
        for name in self.stale_inline(want, live) {
            let grants: Vec<_> = live.inline[name].statements.iter().map(describe).collect();
            found.push(Detail {
                sign: '-',
                text: format!("{name}: {}", grants.join("; ")),
            });
        }
        found
    }

    pub(super) fn managed_details(&self, live: &Self) -> Vec<Detail> {
        let mut found = Vec::new();
        let mut add = |sign, name: &str, text: &str| {
            let text = format!("{name}: {text}");
            found.push(Detail { sign, text });
        };
        for (name, it) in &self.managed {
            let Some(old) = live.managed.get(name) else {
                for statement in &it.document.statements {
                    add('+', name, &describe(statement));
                }
                continue;
            };
            if !normal::same(&old.document, &it.document) {
                for detail in document_details(&old.document, &it.document) {
                    add(detail.sign, name, &detail.text);
                }
            }
            if !old.attached {
                add('+', name, "attached to the role");
            }
        }
        for (name, old) in &live.managed {
            if !self.managed.contains_key(name) {
                let grants: Vec<_> = old.document.statements.iter().map(describe).collect();
                add('-', name, &grants.join("; "));
            }
        }
        found
    }

    /// The documents of the role that are to be written or to go, in their order; so many managed
    /// policies of others are attached meanwhile.
    pub(super) fn writes(
        &self,
        want: &Want,
        live: Option<&Self>,
        ids: &BTreeMap<Address, String>,
        others: usize,
    ) -> Vec<Planned> {
        let mut wanted = Documents::new();
        for (name, it) in &self.inline {
            wanted.insert(Spot::Inline(name), with_ids(it, ids));
        }
        for (name, it) in &self.managed {
            wanted.insert(Spot::Managed(name), with_ids(&it.document, ids));
        }
        let mut there = Documents::new();
        let mut writes = BTreeSet::new();
        for (name, it) in live.into_iter().flat_map(|it| &it.inline) {
            there.insert(Spot::Inline(name), it.clone());
        }
        for (name, it) in live.into_iter().flat_map(|it| &it.managed) {
            if it.attached {
                there.insert(Spot::Managed(name), it.document.clone());
            }
            if !self.managed.contains_key(name) {
                writes.insert(Write::Remove(Spot::Managed(name)));
            }
        }
        let stale = live.map_or_else(Vec::new, |it| self.stale_inline(want, it));
        writes.extend(stale.into_iter().map(|it| Write::Remove(Spot::Inline(it))));
        for (spot, document) in &wanted {
            if there.get(spot).is_none_or(|it| !normal::same(it, document)) {
                writes.insert(Write::Put(*spot));
            }
        }
        let limits = Limits {
            inline: size::INLINE,
            managed: want.quotas.attached.saturating_sub(others),
        };
        order::in_order(&there, &wanted, writes, limits)
            .into_iter()
            .map(|it| Planned::of(it, &wanted))
            .collect()
    }

    pub(super) async fn attach(
        &self,
        policies: &[&String],
        place: &Place,
        cx: &Context<'_>,
    ) -> Result<(), CallError> {
        for policy in policies {
            let call = iam::AttachRolePolicy {
                name: self.name().to_owned(),
                policy: (*policy).clone(),
            };
            cloud::call(cx.cloud, place, call).await?;
        }
        Ok(())
    }

    pub(super) async fn detach(
        &self,
        policies: &[&String],
        place: &Place,
        cx: &Context<'_>,
    ) -> Result<(), CallError> {
        for policy in policies {
            let call = iam::DetachRolePolicy {
                name: self.name().to_owned(),
                policy: (*policy).clone(),
            };
            gone_is_fine(cloud::call(cx.cloud, place, call).await)?;
        }
        Ok(())
    }

    pub(super) async fn carry_out(
        &self,
        write: &Planned,
        place: &Place,
        have: Option<&Have>,
        cx: &Context<'_>,
    ) -> Result<(), CallError> {
        let name = self.name().to_owned();
        let writing = |policy| Writing {
            cloud: cx.cloud,
            place,
            stack: cx.stack,
            role: self.name(),
            policy,
            live: have.and_then(|have| {
                let managed = Self::live(have).managed.get(policy)?;
                Some((managed, have.policies.get(policy)?))
            }),
        };
        match write {
            Planned::Put(Owned::Inline(policy), document) => {
                let call = iam::PutRolePolicy {
                    name,
                    policy: policy.clone(),
                    document: document.to_text(),
                };
                cloud::call(cx.cloud, place, call).await
            }
            Planned::Remove(Owned::Inline(policy)) => {
                let policy = policy.clone();
                let call = iam::DeleteRolePolicy { name, policy };
                gone_is_fine(cloud::call(cx.cloud, place, call).await)
            }
            Planned::Put(Owned::Managed(policy), document) => {
                Box::pin(writing(policy).put(document)).await
            }
            Planned::Remove(Owned::Managed(policy)) => Box::pin(writing(policy).remove()).await,
        }
    }
}

/// A document of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owned {
    /// An inline policy, by its name.
    Inline(String),
    /// A managed policy of the stack's, by its name.
    Managed(String),
}

/// A write of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Planned {
    Put(Owned, Document),
    Remove(Owned),
}

impl Planned {
    fn of(write: Write<'_>, wanted: &Documents<'_>) -> Self {
        let owned = |spot: Spot<'_>| match spot {
            Spot::Inline(name) => Owned::Inline(name.to_owned()),
            Spot::Managed(name) => Owned::Managed(name.to_owned()),
        };
        match write {
            Write::Put(spot) => match wanted.get(&spot) {
                Some(document) => Self::Put(owned(spot), document.clone()),
                None => Self::Remove(owned(spot)),
            },
            Write::Remove(spot) => Self::Remove(owned(spot)),
        }
    }
}
