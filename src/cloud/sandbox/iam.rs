//! Roles.
//!
//! Documents are checked as they come and returned URL-encoded. The managed
//! policies of a stack are in `managed.rs`.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html>.

use std::collections::{BTreeMap, BTreeSet};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Turn;
use super::elements::size;
use super::principals::reorder;
use super::refusal::{Answered, constraint, refuse};
use super::state::{Role, UPPER};
use super::tagging::authors;
use crate::cloud::iam::{
    AccountDetail, AttachRolePolicy, CreateRole, CreatedRole, DeleteRole,
    DeleteRolePermissionsBoundary, DeleteRolePolicy, DetachRolePolicy,
    GetAccountAuthorizationDetails, ListRoles, PutRolePermissionsBoundary, PutRolePolicy,
    RoleDetail, RoleListing, TagRole, UntagRole, UpdateAssumeRolePolicy, UpdateRole,
};
use crate::cloud::{Fault, Page};
use crate::model::{Arn, Tags};
use crate::policy::{Grammar, Refusal};

const TRUST_SIZE: &str = "AssumeRolePolicySizeQuota";
const ATTACHED: &str = "AttachedPoliciesPerRoleQuota";
/// What every account begins with.
const QUOTAS: [(&str, i32); 4] = [
    (TRUST_SIZE, 2048),
    (ATTACHED, 10),
    ("RolePolicySizeQuota", 10_240),
    ("PolicySizeQuota", 6144),
];
const INLINE_SIZE: usize = 10_240;
const TAGS: usize = 50;
const PAGE: usize = 1000;

/// What RFC 3986 leaves as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

pub(super) fn encoded(document: &str) -> String {
    utf8_percent_encode(document, UNRESERVED).to_string()
}

/// A trust policy as a read shows it: verbatim, but for the order of several principals.
fn as_shown(trust: &str) -> String {
    let Ok(mut document) = serde_json::from_str(trust) else {
        return encoded(trust);
    };
    let before = serde_json::Value::clone(&document);
    reorder(&mut document);
    if document == before {
        encoded(trust)
    } else {
        encoded(&document.to_string())
    }
}

impl Turn<'_> {
    pub(super) fn account_details(
        &mut self,
        call: &GetAccountAuthorizationDetails,
    ) -> Answered<Page<AccountDetail>> {
        let roles = self.world.accounts.get(&self.at.id);
        let roles = roles.into_iter().flat_map(|it| &it.roles);
        let roles = roles
            .map(|(name, role)| RoleDetail {
                name: name.clone(),
                path: role.path.clone(),
                arn: if self.is_unseen(role.created) {
                    role.id.clone()
                } else {
                    role.arn.clone()
                },
                id: role.id.clone(),
                created: role.created.div_euclid(1000),
                trust: as_shown(&role.trust),
                inline: role
                    .inline
                    .iter()
                    .map(|(name, document)| (name.clone(), encoded(document)))
                    .collect(),
                attached: role.attached.clone(),
                boundary: role.boundary.clone(),
                tags: role.tags.clone(),
                instance_profiles: Vec::new(),
            })
            .map(AccountDetail::Role);
        let mut details: Vec<AccountDetail> = roles.collect();
        details.extend(self.policy_details().into_iter().map(AccountDetail::Policy));
        self.page(details, call.marker.as_deref(), PAGE)
    }

    pub(super) fn list_roles(&mut self, call: &ListRoles) -> Answered<Page<RoleListing>> {
        let roles = self.account().roles.iter();
        let listed = roles
            .filter(|(_, role)| role.path.starts_with(&call.path_prefix))
            .map(|(name, role)| RoleListing {
                name: name.clone(),
                description: role.description.clone(),
                max_session: role.max_session,
            })
            .collect();
        self.page(listed, call.marker.as_deref(), PAGE)
    }

    pub(super) fn create_role(&mut self, call: CreateRole) -> Answered<CreatedRole> {
        check_name("roleName", &call.name)?;
        check_path(&call.path)?;
        check_session(call.max_session)?;
        let description = call.description.filter(|it| !it.is_empty());
        check_description(description.as_deref())?;
        check_tags(&call.tags)?;
        let taken = |other: &String| other.eq_ignore_ascii_case(&call.name);
        if self.account().roles.keys().any(taken) {
            return refuse(
                Fault::Exists,
                "EntityAlreadyExists",
                format!("Role with name {} already exists.", call.name),
            );
        }
        if let Some(boundary) = &call.boundary {
            self.check_managed_policy(boundary)?;
        }
        let trust = self.checked_trust("assumeRolePolicyDocument", &call.trust)?;
        let arn = Arn::role(self.at, &call.path, &call.name).to_string();
        let name = format!("{}/{}", self.at.id, call.name);
        let (unique, _) = self.world.fresh_id("role", &name, UPPER, 17);
        let id = format!("AROA{unique}");
        let role = Role {
            arn: arn.clone(),
            id: id.clone(),
            path: call.path,
            created: self.now,
            trust,
            description,
            max_session: call.max_session,
            boundary: call.boundary,
            inline: BTreeMap::new(),
            attached: Vec::new(),
            tags: call.tags,
        };
        self.account().roles.insert(call.name, role);
        Ok(CreatedRole { arn, id })
    }

    pub(super) fn update_role(&mut self, call: UpdateRole) -> Answered<()> {
        check_session(call.max_session)?;
        let description = Some(call.description).filter(|it| !it.is_empty());
        check_description(description.as_deref())?;
        let role = self.role(&call.name)?;
        role.description = description;
        role.max_session = call.max_session;
        Ok(())
    }

    pub(super) fn update_trust(&mut self, call: &UpdateAssumeRolePolicy) -> Answered<()> {
        self.role(&call.name)?;
        let trust = self.checked_trust("policyDocument", &call.document)?;
        self.role(&call.name)?.trust = trust;
        Ok(())
    }

    pub(super) fn put_inline(&mut self, call: PutRolePolicy) -> Answered<()> {
        check_policy_name(&call.policy)?;
        check_document("policyDocument", &call.document)?;
        Grammar::Identity
            .read(self.at.partition(), &call.document)
            .or_else(malformed)?;
        let role = self.role(&call.name)?;
        let others = role.inline.iter().filter(|(name, _)| **name != call.policy);
        let used: usize = others.map(|(_, document)| size(document)).sum();
        if used + size(&call.document) > INLINE_SIZE {
            return refuse(
                Fault::Quota,
                "LimitExceeded",
                format!(
                    "Maximum policy size of {INLINE_SIZE} bytes exceeded for role {}",
                    call.name
                ),
            );
        }
        role.inline.insert(call.policy, call.document);
        Ok(())
    }

    pub(super) fn delete_inline(&mut self, call: &DeleteRolePolicy) -> Answered<()> {
        match self.role(&call.name)?.inline.remove(&call.policy) {
            Some(_) => Ok(()),
            None => refuse(
                Fault::Missing,
                "NoSuchEntity",
                format!("The role policy with name {} cannot be found.", call.policy),
            ),
        }
    }

    pub(super) fn attach(&mut self, call: AttachRolePolicy) -> Answered<()> {
        self.role(&call.name)?;
        self.check_managed_policy(&call.policy)?;
        let limit = self.quota(ATTACHED);
        let role = self.role(&call.name)?;
        if role.attached.contains(&call.policy) {
            return Ok(());
        }
        if role.attached.len() >= limit {
            return refuse(
                Fault::Quota,
                "LimitExceeded",
                format!("Cannot exceed quota for PoliciesPerRole: {limit}"),
            );
        }
        role.attached.push(call.policy);
        Ok(())
    }

    pub(super) fn detach(&mut self, call: &DetachRolePolicy) -> Answered<()> {
        let role = self.role(&call.name)?;
        let Some(index) = role.attached.iter().position(|it| *it == call.policy) else {
            return refuse(
                Fault::Missing,
                "NoSuchEntity",
                format!("Policy {} was not found.", call.policy),
            );
        };
        role.attached.remove(index);
        Ok(())
    }

    pub(super) fn put_boundary(&mut self, call: PutRolePermissionsBoundary) -> Answered<()> {
        self.role(&call.name)?;
        self.check_managed_policy(&call.boundary)?;
        self.role(&call.name)?.boundary = Some(call.boundary);
        Ok(())
    }

    pub(super) fn delete_boundary(&mut self, call: &DeleteRolePermissionsBoundary) -> Answered<()> {
        match self.role(&call.name)?.boundary.take() {
            Some(_) => Ok(()),
            None => refuse(
                Fault::Missing,
                "NoSuchEntity",
                format!("Role {} does not have a permissions boundary", call.name),
            ),
        }
    }

    pub(super) fn tag_role(&mut self, call: TagRole) -> Answered<()> {
        let role = self.role(&call.name)?;
        let mut tags = authors(&role.tags);
        tags.extend(call.tags);
        check_tags(&tags)?;
        role.tags.extend(tags);
        Ok(())
    }

    pub(super) fn untag_role(&mut self, call: &UntagRole) -> Answered<()> {
        let role = self.role(&call.name)?;
        role.tags.retain(|key, _| !call.keys.contains(key));
        Ok(())
    }

    pub(super) fn delete_role(&mut self, call: &DeleteRole) -> Answered<()> {
        let role = self.role(&call.name)?;
        let left = if !role.attached.is_empty() {
            Some("detach all policies first")
        } else if !role.inline.is_empty() {
            Some("delete policies first")
        } else {
            None
        };
        if let Some(left) = left {
            return refuse(
                Fault::Conflict,
                "DeleteConflict",
                format!("Cannot delete entity, must {left}."),
            );
        }
        if let Some(role) = self.account().roles.remove(&call.name) {
            self.world.forget(&role);
        }
        Ok(())
    }

    fn role(&mut self, name: &str) -> Answered<&mut Role> {
        let there = self.account().roles.get(name).map(|it| it.created);
        let is_seen = there.is_some_and(|created| !self.is_unseen(created));
        match self.account().roles.get_mut(name).filter(|_| is_seen) {
            Some(role) => Ok(role),
            None => refuse(
                Fault::Missing,
                "NoSuchEntity",
                format!("The role with name {name} cannot be found."),
            ),
        }
    }

    /// What the account may have.
    pub(super) fn quotas(&self) -> BTreeMap<String, i32> {
        let defaults = QUOTAS.map(|(name, limit)| (name.to_owned(), limit));
        let mut found = BTreeMap::from(defaults);
        let account = self.world.accounts.get(&self.at.id);
        found.extend(account.map(|it| it.quotas.clone()).unwrap_or_default());
        found
    }

    fn quota(&self, name: &str) -> usize {
        let limit = self.quotas().get(name).copied();
        limit
            .and_then(|it| usize::try_from(it).ok())
            .unwrap_or(usize::MAX)
    }

    /// The trust policy to store: as sent, unless a principal is shown otherwise.
    fn checked_trust(&self, field: &str, text: &str) -> Answered<String> {
        check_document(field, text)?;
        let mut document = Grammar::Trust
            .read(self.at.partition(), text)
            .or_else(malformed)?;
        let changed = match self.sight().settle(&mut document) {
            Ok(changed) => changed,
            Err(invalid) => {
                return refuse(
                    Fault::Unsettled,
                    "MalformedPolicyDocument",
                    invalid.to_string(),
                );
            }
        };
        let limit = self.quota(TRUST_SIZE);
        if size(text) > limit {
            return refuse(
                Fault::Quota,
                "LimitExceeded",
                format!("Cannot exceed quota for ACLSizePerRole: {limit}"),
            );
        }
        Ok(if changed {
            document.to_string()
        } else {
            text.to_owned()
        })
    }
}

pub(super) fn malformed<T>(found: Refusal) -> Answered<T> {
    // IAM has one answer for a principal that cannot be and one that is not there yet.
    let fault = if found.is_of_principal() {
        Fault::Unsettled
    } else {
        Fault::Invalid
    };
    refuse(fault, "MalformedPolicyDocument", found.words)
}

fn is_name(text: &str) -> bool {
    text.bytes()
        .all(|it| it.is_ascii_alphanumeric() || b"_+=,.@-".contains(&it))
}

fn check_name(field: &str, name: &str) -> Answered<()> {
    if !(1..=64).contains(&name.len()) {
        return constraint(field, "Member must have length between 1 and 64");
    }
    if !is_name(name) {
        return constraint(
            field,
            "Member must satisfy regular expression pattern: [\\w+=,.@-]+",
        );
    }
    Ok(())
}

pub(super) fn check_policy_name(name: &str) -> Answered<()> {
    if (1..=128).contains(&name.len()) && is_name(name) {
        return Ok(());
    }
    constraint(
        "policyName",
        "Member must satisfy regular expression pattern: [\\w+=,.@-]+",
    )
}

pub(super) fn check_path(path: &str) -> Answered<()> {
    let plain = path.bytes().all(|it| (0x21..=0x7f).contains(&it));
    if path == "/"
        || (path.len() <= 512
            && path.len() > 2
            && path.starts_with('/')
            && path.ends_with('/')
            && plain)
    {
        return Ok(());
    }
    constraint(
        "path",
        "Member must satisfy regular expression pattern: (\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)",
    )
}

fn check_session(seconds: u32) -> Answered<()> {
    if (3600..=43_200).contains(&seconds) {
        return Ok(());
    }
    constraint(
        "maxSessionDuration",
        "Member must have value between 3600 and 43200",
    )
}

pub(super) fn check_description(text: Option<&str>) -> Answered<()> {
    let Some(text) = text else {
        return Ok(());
    };
    let allowed = |it: char| matches!(it, '\t' | '\n' | '\r' | ' '..='~' | '\u{a1}'..='\u{ff}');
    if text.chars().count() <= 1000 && text.chars().all(allowed) {
        return Ok(());
    }
    constraint(
        "description",
        "Member must satisfy regular expression pattern: \
         [\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*",
    )
}

pub(super) fn check_document(field: &str, text: &str) -> Answered<()> {
    if text.is_empty() || text.len() > 131_072 {
        return constraint(field, "Member must have length between 1 and 131072");
    }
    if !text
        .chars()
        .all(|it| matches!(it, '\t' | '\n' | '\r' | ' '..='\u{ff}'))
    {
        return constraint(
            field,
            "Member must satisfy regular expression pattern: \
             [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+",
        );
    }
    Ok(())
}

fn check_tags(tags: &Tags) -> Answered<()> {
    if tags.len() > TAGS {
        return refuse(
            Fault::Quota,
            "LimitExceeded",
            format!("Cannot exceed quota for TagsPerRole: {TAGS}"),
        );
    }
    let keys: BTreeSet<String> = tags.keys().map(|it| it.to_lowercase()).collect();
    if keys.len() < tags.len() {
        // Case does not tell two keys of a role apart.
        return refuse(
            Fault::Invalid,
            "InvalidInput",
            "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        );
    }
    super::tagging::check(tags).or_else(|message| refuse(Fault::Invalid, "InvalidInput", message))
}
