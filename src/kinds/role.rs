//! IAM roles.
//!
//! Name and path are fixed at creation; the rest changes in place. The trust
//! policy of a role we own is wholly ours. Inline policies of ours have names
//! that begin with `provision-STACK.`; others, and managed policies that were
//! never ours, are left alone and shown, unless the stack says `exclusive`.
//!
//! | field         | call                       | change  |
//! |---------------|----------------------------|---------|
//! | `path`        | none                       | replace |
//! | `trust`       | `UpdateAssumeRolePolicy`   | update  |
//! | `description`, `max_session` | `UpdateRole`, both at once | update |
//! | `inline`      | `PutRolePolicy`, `DeleteRolePolicy` | update |
//! | `attached`    | `AttachRolePolicy`, `DetachRolePolicy` | update |
//! | `boundary`    | `PutRolePermissionsBoundary`, `Delete…` | update |
//! | `tags`        | `TagRole`, `UntagRole`     | update  |
//!
//! See <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::statements::{describe, document_details};
use super::{
    Context, Extra, Have, Kind, Resource, Stranger, Want, mark_keys, release, release_details,
    stale_tags, tag_details, with_ids,
};
use crate::cloud::{self, CallError, Cloud, Fault, iam};
use crate::model::tags::unmarked;
use crate::model::{Arn, Detail, Differences, Mark, Place, Tags};
use crate::policy::{Clause, Document, Effect, PrincipalClause, Statement, normal, own};

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
    /// ARNs of managed policies.
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

/// Every role of an account.
pub async fn details(cloud: &dyn Cloud, place: &Place) -> Result<Vec<iam::RoleDetail>, CallError> {
    let all = cloud::all_pages(cloud, place, |marker| iam::GetAccountAuthorizationDetails {
        marker,
    })
    .await?;
    Ok(all
        .into_iter()
        .filter_map(iam::AccountDetail::role)
        .collect())
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

    /// What a cloud's answers say. Without a listing, description and session length are the defaults.
    pub fn decode(
        detail: &iam::RoleDetail,
        listing: Option<&iam::RoleListing>,
        stack: &str,
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
        extras.extend(detail.attached.iter().filter(|it| !ours(it)).map(|it| {
            Extra::new(
                Stranger::Managed(it.clone()),
                format!("managed policy {it}"),
            )
        }));
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
            attached: detail.attached.iter().cloned().collect(),
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
            .map(|it| format!("instance profile {it}"))
            .collect();
        have.extras = extras;
        have.ghosts = ghosts;
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
        if !want.owned {
            let trust = if want.letting_go {
                release::trust_details(&want.stack, &live.trust)
            } else {
                Vec::new()
            };
            return Differences::default()
                .list("trust", trust)
                .list("inline policies", inline)
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
        let found = details(cx.cloud, &want.place).await?;
        let Some(detail) = found
            .iter()
            .find(|it| it.name.eq_ignore_ascii_case(self.name()))
        else {
            return Ok(None);
        };
        let listings = listings(cx.cloud, &want.place, &detail.path).await?;
        Self::decode(detail, listings.get(&detail.name), cx.stack).map(Some)
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
        for (policy, document) in &self.inline {
            let document = with_ids(document, &ids);
            let there = live.and_then(|it| it.inline.get(policy));
            if there.is_none_or(|it| !normal::same(it, &document)) {
                let call = iam::PutRolePolicy {
                    name: name.to_owned(),
                    policy: policy.clone(),
                    document: document.to_text(),
                };
                cloud::call(cx.cloud, place, call).await?;
            }
        }
        if want.owned {
            for policy in self
                .attached
                .iter()
                .filter(|it| live.is_none_or(|live| !live.attached.contains(*it)))
            {
                let call = iam::AttachRolePolicy {
                    name: name.to_owned(),
                    policy: policy.clone(),
                };
                cloud::call(cx.cloud, place, call).await?;
            }
        }
        let (Some(have), Some(live)) = (have, live) else {
            return Ok(());
        };
        for policy in self.stale_inline(want, live) {
            let call = iam::DeleteRolePolicy {
                name: name.to_owned(),
                policy: policy.clone(),
            };
            gone_is_fine(cloud::call(cx.cloud, place, call).await)?;
        }
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
        for policy in self.stale_attached(want, live, have.mark.as_ref()) {
            let call = iam::DetachRolePolicy {
                name: name.to_owned(),
                policy: policy.clone(),
            };
            gone_is_fine(cloud::call(cx.cloud, place, call).await)?;
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
        if !owned {
            return Ok(());
        }
        for policy in &self.attached {
            let call = iam::DetachRolePolicy {
                name: name.clone(),
                policy: policy.clone(),
            };
            gone_is_fine(cloud::call(cx.cloud, place, call).await)?;
        }
        gone_is_fine(cloud::call(cx.cloud, place, iam::DeleteRole { name }).await)
    }

    fn to_value(&self) -> Value {
        let inline: BTreeMap<_, _> = self
            .inline
            .iter()
            .map(|(name, it)| (name, it.to_value()))
            .collect();
        json!({
            "arn": self.arn, "trust": self.trust.to_value(), "inline": inline, "attached": self.attached,
            "boundary": self.boundary, "description": self.description, "max_session": self.max_session,
            "tags": self.tags,
        })
    }
}

/// What is already gone need not be removed.
pub(super) fn gone_is_fine(result: Result<(), CallError>) -> Result<(), CallError> {
    match result {
        Err(error) if error.fault == Fault::Missing => Ok(()),
        other => other,
    }
}
