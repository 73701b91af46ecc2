//! IAM roles.
//!
//! Name and path are fixed at creation; the rest changes in place. The trust
//! policy of a role we own is wholly ours. Inline policies of ours have names
//! that begin with `provision-STACK.`; others, and managed policies that were
//! never ours, are left alone and shown, unless the stack says `exclusive`. What
//! our inline policies have no room for stands in managed policies of our own,
//! which are part of the role: made, changed and deleted with it ([`managed`]).
//!
//! | field         | call                       | change  |
//! |---------------|----------------------------|---------|
//! | `path`        | none                       | replace |
//! | `trust`       | `UpdateAssumeRolePolicy`   | update  |
//! | `description`, `max_session` | `UpdateRole`, both at once | update |
//! | `inline`      | `PutRolePolicy`, `DeleteRolePolicy` | update |
//! | `managed`     | `CreatePolicy`, `CreatePolicyVersion`, `SetDefaultPolicyVersion`, `DeletePolicyVersion`, `DeletePolicy`, and as below | update |
//! | `attached`    | `AttachRolePolicy`, `DetachRolePolicy` | update |
//! | `boundary`    | `PutRolePermissionsBoundary`, `Delete…` | update |
//! | `tags`        | `TagRole`, `UntagRole`     | update  |
//!
//! See <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>.

pub mod managed;
mod order;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::statements::{describe, document_details};
use super::{
    Context, Extra, Have, Kind, Resource, Stranger, Want, mark_keys, release, release_details,
    stale_tags, tag_details, with_ids,
};
use crate::cloud::{self, CallError, Cloud, Fault, iam};
use crate::model::tags::unmarked;
use crate::model::{Address, Arn, Detail, Differences, Mark, Place, Tags};
use crate::policy::{Clause, Document, Effect, PrincipalClause, Statement, normal, own, size};

use managed::Writing;
pub use managed::{Account, Holder, Managed, Versions};
use order::{Documents, Limits, Spot, Write};

/// A role, as the stack wants it or as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// The ARN.
    pub arn: Arn,
    /// The path, `/` at both ends.
    pub path: String,
    /// Who may assume it.
    pub trust: Document,
    /// Inline policies by their names in IAM.
    pub inline: BTreeMap<String, Document>,
    /// Managed policies of the stack's own by their names in IAM: what is not theirs to be shared.
    pub managed: BTreeMap<String, Managed>,
    /// ARNs of other managed policies.
    pub attached: BTreeSet<String>,
    /// ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// The description; empty for none.
    pub description: String,
    /// Longest session, in seconds.
    pub max_session: u32,
    /// The author's tags.
    pub tags: Tags,
}

/// What a plan calls the managed policies of the stack's own.
pub const MANAGED: &str = "overflow policies";

/// What IAM gives a role that says nothing: one hour.
pub const DEFAULT_SESSION: u32 = 3_600;

/// What the names of a stack's inline policies begin with.
#[must_use]
pub fn inline_prefix(stack: &str) -> String {
    format!("provision-{stack}.")
}

/// A trust policy that lets nobody in: what a role has until those it trusts exist.
fn trusts_nobody() -> Document {
    let mut statement = Statement::allow("ProvisionNotYet", Clause::of(["sts:AssumeRole"]))
        .to(PrincipalClause::anyone());
    statement.effect = Effect::Deny;
    Document::of(vec![statement])
}

/// Every role and managed policy of an account.
pub async fn details(cloud: &dyn Cloud, place: &Place) -> Result<Account, CallError> {
    let all = cloud::all_pages(cloud, place, |marker| iam::GetAccountAuthorizationDetails {
        marker,
    })
    .await?;
    Ok(Account::of(all))
}

/// Descriptions and session lengths of the roles below a path, by name.
pub async fn listings(
    cloud: &dyn Cloud,
    place: &Place,
    path_prefix: &str,
) -> Result<BTreeMap<String, iam::RoleListing>, CallError> {
    let ask = |marker| iam::ListRoles {
        path_prefix: path_prefix.to_owned(),
        marker,
    };
    let found = cloud::all_pages(cloud, place, ask).await?;
    Ok(found.into_iter().map(|it| (it.name.clone(), it)).collect())
}

fn unreadable(what: &str, error: &crate::policy::PolicyError) -> CallError {
    CallError::new(
        Fault::Invalid,
        "UnreadablePolicy",
        format!("{what} cannot be read: {error}"),
    )
}

impl Role {
    /// The role's name in IAM.
    #[must_use]
    pub fn name(&self) -> &str {
        self.arn.name()
    }

    /// Everything that says what the role may do, as far as it is read.
    pub fn identity(&self) -> impl Iterator<Item = &Document> {
        let managed = self.managed.values().filter(|it| it.attached);
        self.inline.values().chain(managed.map(|it| &it.document))
    }

    /// What a cloud's answers say. Without a listing, description and session length are the defaults.
    pub fn decode(
        detail: &iam::RoleDetail,
        listing: Option<&iam::RoleListing>,
        stack: &str,
        account: &Account,
    ) -> Result<Have, CallError> {
        let arn = Arn::parse(&detail.arn)
            .map_err(|error| CallError::new(Fault::Broken, "UnreadableArn", error.to_string()))?;
        let trust = Document::parse_encoded(&detail.trust).map_err(|error| {
            unreadable(&format!("the trust policy of role {}", detail.name), &error)
        })?;
        let mut inline = BTreeMap::new();
        let mut extras = Vec::new();
        let mark = Mark::read(&detail.tags);
        for (name, text) in &detail.inline {
            let document = Document::parse_encoded(text).map_err(|error| {
                unreadable(
                    &format!("the inline policy {name} of role {}", detail.name),
                    &error,
                )
            })?;
            if !name.starts_with(&inline_prefix(stack)) {
                let grants: Vec<_> = document.statements.iter().map(describe).collect();
                extras.push(Extra::new(
                    Stranger::Inline(name.clone()),
                    format!("inline policy `{name}`: {}", grants.join("; ")),
                ));
            }
            inline.insert(name.clone(), document);
        }
        let ours = |policy: &&String| mark.as_ref().is_some_and(|it| it.owns(policy));
        let (managed, kept) = Self::decode_managed(&detail.name, stack, account)?;
        let own: BTreeSet<&String> = account
            .of_role(stack, &detail.name)
            .map(|it| &it.arn)
            .collect();
        let theirs = || detail.attached.iter().filter(|it| !own.contains(it));
        extras.extend(theirs().filter(|it| !ours(it)).map(|it| {
            Extra::new(
                Stranger::Managed(it.clone()),
                format!("managed policy {it}"),
            )
        }));
        extras.extend(holders(&kept));
        let boundary = detail.boundary.as_ref().filter(|it| !ours(it));
        extras.extend(boundary.map(|it| {
            let what = Stranger::Boundary {
                role: detail.name.clone(),
                arn: it.clone(),
            };
            Extra::new(what, format!("permissions boundary {it}"))
        }));
        let ghosts = own::ghosts(&trust);
        let role = Self {
            arn,
            path: detail.path.clone(),
            trust,
            inline,
            managed,
            attached: theirs().cloned().collect(),
            boundary: detail.boundary.clone(),
            description: listing
                .and_then(|it| it.description.clone())
                .unwrap_or_default(),
            max_session: listing.map_or(DEFAULT_SESSION, |it| it.max_session),
            tags: unmarked(&detail.tags),
        };
        let mut have = Have::of(Resource::Role(role), detail.id.clone(), &detail.tags);
        have.created = Some(detail.created);
        have.held_by = detail
            .instance_profiles
            .iter()
            .map(|it| format!("it is in instance profile {it}"))
            .collect();
        have.policies = kept;
        have.extras = extras;
        have.ghosts = ghosts;
        Ok(have)
    }

    fn decode_managed(
        role: &str,
        stack: &str,
        account: &Account,
    ) -> Result<(BTreeMap<String, Managed>, managed::Kept), CallError> {
        let ours = |it: &iam::RoleDetail| Mark::read(&it.tags).is_some_and(|it| it.stack == stack);
        let (mut found, mut kept) = (BTreeMap::new(), managed::Kept::new());
        for detail in account.of_role(stack, role) {
            let (policy, versions) = managed::decode(detail, role, account, ours)?;
            found.insert(detail.name.clone(), policy);
            kept.insert(detail.name.clone(), versions);
        }
        Ok((found, kept))
    }

    /// What is left of a role that is gone: the managed policies that the stack made for it.
    pub fn remains(
        name: &str,
        place: &Place,
        stack: &str,
        account: &Account,
    ) -> Result<Have, CallError> {
        let (managed, kept) = Self::decode_managed(name, stack, account)?;
        let role = Self {
            arn: Arn::role(place, "/", name),
            path: "/".to_owned(),
            trust: Document::of(Vec::new()),
            inline: BTreeMap::new(),
            managed,
            attached: BTreeSet::new(),
            boundary: None,
            description: String::new(),
            max_session: DEFAULT_SESSION,
            tags: Tags::new(),
        };
        let id = format!("policies of role {name}");
        let mut have = Have::of(Resource::Role(role), id, &Tags::new());
        have.extras = holders(&kept);
        have.policies = kept;
        Ok(have)
    }

    /// Names of inline policies to take away.
    fn stale_inline<'a>(&self, want: &Want, live: &'a Self) -> Vec<&'a String> {
        let ours = inline_prefix(&want.stack);
        live.inline
            .keys()
            .filter(|it| !self.inline.contains_key(*it))
            .filter(|it| want.exclusive || it.starts_with(&ours))
            .collect()
    }

    /// ARNs of managed policies to take away.
    fn stale_attached<'a>(
        &self,
        want: &Want,
        live: &'a Self,
        mark: Option<&Mark>,
    ) -> Vec<&'a String> {
        live.attached
            .iter()
            .filter(|it| !self.attached.contains(*it))
            .filter(|it| want.exclusive || mark.is_some_and(|mark| mark.owns(it)))
            .collect()
    }

    /// The live boundary, as far as it is this stack's to change: one that an organisation
    /// put there is left alone while the stack names none.
    fn boundary_to_replace(&self, live: &Self, mark: Option<&Mark>) -> Option<String> {
        let theirs =
            |it: &&String| self.boundary.is_none() && !mark.is_some_and(|mark| mark.owns(it));
        live.boundary.as_ref().filter(|it| !theirs(it)).cloned()
    }

    fn inline_details(&self, want: &Want, live: &Self) -> Vec<Detail> {
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

    fn managed_details(&self, live: &Self) -> Vec<Detail> {
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
    fn writes(
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
            managed: size::ATTACHED.saturating_sub(others),
        };
        order::in_order(&there, &wanted, writes, limits)
            .into_iter()
            .map(|it| Planned::of(it, &wanted))
            .collect()
    }

    fn live(have: &Have) -> &Self {
        match &have.resource {
            Resource::Role(it) => it,
            other => unreachable!("a role was compared with a {}", other.kind().singular()),
        }
    }

    async fn attach(
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

    async fn detach(
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

    async fn carry_out(
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

    async fn write_trust(&self, place: &Place, cx: &Context<'_>) -> Result<(), CallError> {
        let call = iam::UpdateAssumeRolePolicy {
            name: self.name().to_owned(),
            document: self.trust.to_text(),
        };
        cloud::call(cx.cloud, place, call).await
    }
}

impl Kind for Role {
    fn differences(&self, want: &Want, have: &Have) -> Differences {
        let live = Self::live(have);
        let inline = self.inline_details(want, live);
        let managed = self.managed_details(live);
        if !want.owned {
            let trust = if want.letting_go {
                release::trust_details(&want.stack, &live.trust)
            } else {
                Vec::new()
            };
            return Differences::default()
                .list("trust", trust)
                .list("inline policies", inline)
                .list(MANAGED, managed)
                .list("mark", release_details(have));
        }
        let mut attached: Vec<_> = self
            .attached
            .difference(&live.attached)
            .map(|it| Detail {
                sign: '+',
                text: it.clone(),
            })
            .collect();
        attached.extend(
            self.stale_attached(want, live, have.mark.as_ref())
                .into_iter()
                .map(|it| Detail {
                    sign: '-',
                    text: it.clone(),
                }),
        );
        let trust = if normal::same(&live.trust, &self.trust) {
            Vec::new()
        } else {
            document_details(&live.trust, &self.trust)
        };
        Differences::default()
            .fixed("path", &live.path, &self.path)
            .list("trust", trust)
            .field("description", &live.description, &self.description)
            .field("max_session", &live.max_session, &self.max_session)
            .list("inline policies", inline)
            .list(MANAGED, managed)
            .list("managed policies", attached)
            .field(
                "boundary",
                &self.boundary_to_replace(live, have.mark.as_ref()),
                &self.boundary,
            )
            .list(
                "tags",
                tag_details(&self.tags, &live.tags, have.mark.as_ref()),
            )
    }

    async fn read(&self, want: &Want, cx: &Context<'_>) -> Result<Option<Have>, CallError> {
        let account = details(cx.cloud, &want.place).await?;
        let Some(detail) = account
            .roles
            .iter()
            .find(|it| it.name.eq_ignore_ascii_case(self.name()))
        else {
            return Ok(None);
        };
        let listings = listings(cx.cloud, &want.place, &detail.path).await?;
        let listing = listings.get(&detail.name);
        Self::decode(detail, listing, cx.stack, &account).map(Some)
    }

    async fn exist(
        &self,
        want: &Want,
        have: Option<&Have>,
        cx: &Context<'_>,
    ) -> Result<String, CallError> {
        let place = &want.place;
        let name = self.name().to_owned();
        let Some(have) = have else {
            let trust = if want.defer_trust {
                trusts_nobody()
            } else {
                self.trust.clone()
            };
            let call = iam::CreateRole {
                name,
                path: self.path.clone(),
                trust: trust.to_text(),
                description: Some(self.description.clone()).filter(|it| !it.is_empty()),
                max_session: self.max_session,
                boundary: self.boundary.clone(),
                tags: cx.marked(want),
            };
            return Ok(cloud::call(cx.cloud, place, call).await?.id);
        };
        let live = Self::live(have);
        if !want.owned {
            return Ok(have.id.clone());
        }
        if !want.defer_trust && (want.repin || !normal::same(&live.trust, &self.trust)) {
            self.write_trust(place, cx).await?;
        }
        if (&live.description, live.max_session) != (&self.description, self.max_session) {
            // Left out, the session length would fall back to one hour: both go together.
            let call = iam::UpdateRole {
                name: name.clone(),
                description: self.description.clone(),
                max_session: self.max_session,
            };
            cloud::call(cx.cloud, place, call).await?;
        }
        match &self.boundary {
            same if *same == self.boundary_to_replace(live, have.mark.as_ref()) => {}
            Some(boundary) => {
                let call = iam::PutRolePermissionsBoundary {
                    name,
                    boundary: boundary.clone(),
                };
                cloud::call(cx.cloud, place, call).await?;
            }
            None => {
                cloud::call(cx.cloud, place, iam::DeleteRolePermissionsBoundary { name }).await?;
            }
        }
        Ok(have.id.clone())
    }

    async fn settle(
        &self,
        want: &Want,
        have: Option<&Have>,
        cx: &Context<'_>,
    ) -> Result<(), CallError> {
        let place = &want.place;
        let name = self.name();
        let live = have.map(Self::live);
        let ids = cx.ids.borrow().clone();
        if want.defer_trust
            && want.owned
            && live.is_none_or(|it| !normal::same(&it.trust, &self.trust))
        {
            self.write_trust(place, cx).await?;
        }
        let trust = live.filter(|_| want.letting_go);
        if let Some(trust) = trust.and_then(|it| release::let_go_trust(&want.stack, &it.trust)) {
            let call = iam::UpdateAssumeRolePolicy {
                name: name.to_owned(),
                document: trust.to_text(),
            };
            cloud::call(cx.cloud, place, call).await?;
        }
        // Under its new name before the old one goes: nobody is without it in between.
        let gone = live
            .filter(|_| want.letting_go)
            .map(|live| release::let_go_inline(&want.stack, &live.inline, &self.inline))
            .unwrap_or_default();
        for (policy, document) in &gone {
            if live.is_some_and(|it| it.inline.contains_key(policy)) {
                continue;
            }
            let call = iam::PutRolePolicy {
                name: name.to_owned(),
                policy: policy.clone(),
                document: document.to_text(),
            };
            cloud::call(cx.cloud, place, call).await?;
        }
        // Attached first and detached last, that nobody is without what they have before and after, but
        // where there is no room for both.
        let mark = have.and_then(|it| it.mark.as_ref());
        let (mut stale, mut new) = (Vec::new(), Vec::new());
        if want.owned {
            stale = live.map_or_else(Vec::new, |live| self.stale_attached(want, live, mark));
            let comes = |it: &&String| live.is_none_or(|live| !live.attached.contains(*it));
            new = self.attached.iter().filter(comes).collect();
        }
        let mut others = live.map_or(0, |it| it.attached.len());
        let detached_first = self.managed.len() + others + new.len() > size::ATTACHED;
        if detached_first {
            self.detach(&stale, place, cx).await?;
            others -= stale.len();
        }
        let ours = live.map_or(0, |it| it.managed.values().filter(|it| it.attached).count());
        let attached_first = ours + others + new.len() <= size::ATTACHED;
        if attached_first {
            self.attach(&new, place, cx).await?;
            others += new.len();
        }
        for write in self.writes(want, live, &ids, others) {
            self.carry_out(&write, place, have, cx).await?;
        }
        if !attached_first {
            self.attach(&new, place, cx).await?;
        }
        let (Some(have), Some(live)) = (have, live) else {
            return Ok(());
        };
        if have.released {
            let call = iam::UntagRole {
                name: name.to_owned(),
                keys: mark_keys(),
            };
            cloud::call(cx.cloud, place, call).await?;
        }
        if !want.owned {
            return Ok(());
        }
        if !detached_first {
            self.detach(&stale, place, cx).await?;
        }
        let keys = stale_tags(want, have);
        if !keys.is_empty() {
            cloud::call(
                cx.cloud,
                place,
                iam::UntagRole {
                    name: name.to_owned(),
                    keys,
                },
            )
            .await?;
        }
        let tags = cx.marked(want);
        if Mark::read(&tags) != have.mark || !tag_details(&self.tags, &live.tags, None).is_empty() {
            cloud::call(
                cx.cloud,
                place,
                iam::TagRole {
                    name: name.to_owned(),
                    tags,
                },
            )
            .await?;
        }
        Ok(())
    }

    async fn remove(&self, place: &Place, have: &Have, cx: &Context<'_>) -> Result<(), CallError> {
        let name = self.name().to_owned();
        let owned = have.mark.as_ref().is_some_and(|it| it.stack == cx.stack);
        for policy in self
            .inline
            .keys()
            .filter(|it| owned || it.starts_with(&inline_prefix(cx.stack)))
        {
            let call = iam::DeleteRolePolicy {
                name: name.clone(),
                policy: policy.clone(),
            };
            gone_is_fine(cloud::call(cx.cloud, place, call).await)?;
        }
        for policy in self.managed.keys() {
            let write = Planned::Remove(Owned::Managed(policy.clone()));
            self.carry_out(&write, place, Some(have), cx).await?;
        }
        if !owned {
            return Ok(());
        }
        self.detach(&self.attached.iter().collect::<Vec<_>>(), place, cx)
            .await?;
        gone_is_fine(cloud::call(cx.cloud, place, iam::DeleteRole { name }).await)
    }

    fn to_value(&self) -> Value {
        let inline: BTreeMap<_, _> = self
            .inline
            .iter()
            .map(|(name, it)| (name, it.to_value()))
            .collect();
        let mut value = json!({
            "arn": self.arn, "trust": self.trust.to_value(), "inline": inline, "attached": self.attached,
            "boundary": self.boundary, "description": self.description, "max_session": self.max_session,
            "tags": self.tags,
        });
        if !self.managed.is_empty() {
            let managed = self.managed.iter();
            let managed = managed.map(|(name, it)| (name, it.document.to_value()));
            value["managed"] = json!(managed.collect::<BTreeMap<_, _>>());
        }
        value
    }
}

/// A document of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owned {
    /// An inline policy, by its name.
    Inline(String),
    /// A managed policy of the stack's, by its name.
    Managed(String),
}

/// A write of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Planned {
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

/// Those who hold managed policies of ours and are not ours, and what that lets them do.
fn holders(kept: &managed::Kept) -> Vec<Extra> {
    let all = kept.iter().flat_map(|(policy, it)| {
        let holders = it.holders.iter();
        holders.map(move |holder| (policy, &it.arn, holder))
    });
    // What a role of ours has that it should not have is told of that role.
    all.filter(|(.., it)| !matches!(it, Holder::Role(_, true)))
        .map(|(policy, arn, holder)| {
            let what = Stranger::Holder {
                policy: arn.clone(),
                holder: holder.clone(),
            };
            Extra::new(what, format!("its policy `{policy}` is {holder} as well"))
        })
        .collect()
}

/// What is already gone need not be removed.
pub(super) fn gone_is_fine(result: Result<(), CallError>) -> Result<(), CallError> {
    match result {
        Err(error) if error.fault == Fault::Missing => Ok(()),
        other => other,
    }
}
