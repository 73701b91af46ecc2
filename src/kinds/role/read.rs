//! A role as AWS has it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Account, DEFAULT_SESSION, Holder, Managed, Role, inline_prefix, managed, unreadable};
use crate::cloud::{CallError, Fault, iam};
use crate::kinds::{Extra, Have, Resource, Stranger};
use crate::model::tags::unmarked;
use crate::model::{Arn, Mark, Place, Tags};
use crate::policy::{Document, own};

impl Role {
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
                extras.push(Extra::inline(name, &document));
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
        let bearing: BTreeSet<&String> = theirs().chain(&detail.boundary).collect();
        let read = account.in_force(&bearing);
        extras.extend(theirs().filter(|it| !ours(it)).map(|it| {
            let what = Stranger::Managed(it.clone());
            Extra::new(what, format!("managed policy {it}")).saying(read.get(it))
        }));
        extras.extend(holders(&kept));
        let boundary = detail.boundary.as_ref().filter(|it| !ours(it));
        extras.extend(boundary.map(|it| {
            let what = Stranger::Boundary {
                role: detail.name.clone(),
                arn: it.clone(),
            };
            Extra::new(what, format!("permissions boundary {it}")).saying(read.get(it))
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
