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
mod read;
mod writes;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::statements::document_details;
use super::{
    Context, Have, Kind, Resource, Want, mark_keys, release, release_details, stale_tags,
    tag_details,
};
use crate::cloud::{self, CallError, Cloud, Fault, iam};
use crate::model::{Arn, Detail, Differences, Mark, Place, Tags};
use crate::policy::size::Quotas;
use crate::policy::{Clause, Document, Effect, PrincipalClause, Statement, normal, size};

pub use crate::model::tags::inline_prefix;
pub use managed::{Account, Holder, Managed, Versions};
use writes::{Owned, Planned};

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

/// A trust policy that lets nobody in: what a role has until those it trusts exist.
fn trusts_nobody() -> Document {
    let mut statement = Statement::allow("ProvisionNotYet", Clause::of(["sts:AssumeRole"]))
        .to(PrincipalClause::anyone());
    statement.effect = Effect::Deny;
    Document::of(vec![statement])
}

/// Every role and managed policy of an account.
pub async fn details(cloud: &dyn Cloud, place: &Place) -> Result<Account, CallError> {
    let mut all = cloud::all_pages(cloud, place, |marker| iam::GetAccountAuthorizationDetails {
        marker,
    })
    .await?;
    for detail in &mut all {
        // For some seconds IAM shows a new role by its unique id; path and name make the ARN.
        if let iam::AccountDetail::Role(role) = detail
            && role.arn == role.id
        {
            role.arn = Arn::role(place, &role.path, &role.name).to_string();
        }
    }
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

/// What an account allows of its roles.
pub(crate) async fn quotas(cloud: &dyn Cloud, at: &Place) -> Result<Quotas, CallError> {
    let summary = cloud::call(cloud, at, iam::GetAccountSummary).await?;
    let of = |name: &str, default: usize| {
        let limit = summary.get(name).and_then(|it| usize::try_from(*it).ok());
        limit.unwrap_or(default)
    };
    Ok(Quotas {
        trust: of("AssumeRolePolicySizeQuota", size::TRUST),
        attached: of("AttachedPoliciesPerRoleQuota", size::ATTACHED),
        ..Quotas::default()
    })
}

impl Role {
    /// Whether an account needs raised quotas for it.
    pub(crate) fn is_beyond_defaults(&self) -> bool {
        size::trust(&self.trust, size::TRUST).is_over()
            || self.managed.len() + self.attached.len() > size::ATTACHED
    }

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

    fn live(have: &Have) -> &Self {
        match &have.resource {
            Resource::Role(it) => it,
            other => unreachable!("a role was compared with a {}", other.kind().singular()),
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
        let detached_first = self.managed.len() + others + new.len() > want.quotas.attached;
        if detached_first {
            self.detach(&stale, place, cx).await?;
            others -= stale.len();
        }
        let ours = live.map_or(0, |it| it.managed.values().filter(|it| it.attached).count());
        let attached_first = ours + others + new.len() <= want.quotas.attached;
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

/// What is already gone need not be removed.
pub(super) fn gone_is_fine(result: Result<(), CallError>) -> Result<(), CallError> {
    match result {
        Err(error) if error.fault == Fault::Missing => Ok(()),
        other => other,
    }
}
