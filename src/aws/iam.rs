//! Identity and Access Management.
//!
//! Documents are passed on URL-encoded, as IAM gives them. A listing may stop
//! short of what was asked for, so `IsTruncated` alone says whether it goes on.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html>.

use std::collections::BTreeMap;

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{EntityType, Tag};

use super::fault::{Sent, incomplete, refused};
use crate::cloud::iam::{
    AccountDetail, AttachRolePolicy, CreatePolicy, CreatePolicyVersion, CreateRole, CreatedRole,
    DeletePolicy, DeletePolicyVersion, DeleteRole, DeleteRolePermissionsBoundary, DeleteRolePolicy,
    DetachRolePolicy, GetAccountAuthorizationDetails, GetPolicy, GetPolicyVersion, ListRoles,
    PolicyDetail, PolicyVersion, PutRolePermissionsBoundary, PutRolePolicy, RoleDetail,
    RoleListing, SetDefaultPolicyVersion, TagRole, UntagRole, UpdateAssumeRolePolicy, UpdateRole,
};
use crate::cloud::{CallError, Page, Service};
use crate::model::Tags;

/// The most a page may hold.
const PAGE: i32 = 1000;

const IAM: Service = Service::Iam;

pub(super) async fn get_account_authorization_details(
    client: &Client,
    call: GetAccountAuthorizationDetails,
) -> Result<Page<AccountDetail>, CallError> {
    let page = client
        .get_account_authorization_details()
        .filter(EntityType::Role)
        .filter(EntityType::LocalManagedPolicy)
        .max_items(PAGE)
        .set_marker(call.marker)
        .send()
        .await
        .sent(IAM)?;
    Ok(Page {
        next: page.marker.filter(|_| page.is_truncated),
        items: page
            .role_detail_list
            .unwrap_or_default()
            .into_iter()
            .map(|it| AccountDetail::Role(role(it)))
            .chain(
                page.policies
                    .unwrap_or_default()
                    .into_iter()
                    .map(|it| AccountDetail::Policy(policy(it))),
            )
            .collect(),
    })
}

fn policy(it: aws_sdk_iam::types::ManagedPolicyDetail) -> PolicyDetail {
    let count = |it: Option<i32>| it.and_then(|it| u32::try_from(it).ok()).unwrap_or_default();
    PolicyDetail {
        name: it.policy_name.unwrap_or_default(),
        path: it.path.unwrap_or_default(),
        arn: it.arn.unwrap_or_default(),
        default_version: it.default_version_id.unwrap_or_default(),
        versions: it
            .policy_version_list
            .unwrap_or_default()
            .into_iter()
            .filter_map(|version| {
                Some(PolicyVersion {
                    id: version.version_id?,
                    document: version.document?,
                })
            })
            .collect(),
        attachments: count(it.attachment_count),
        bounds: count(it.permissions_boundary_usage_count),
    }
}

fn role(it: aws_sdk_iam::types::RoleDetail) -> RoleDetail {
    RoleDetail {
        name: it.role_name.unwrap_or_default(),
        path: it.path.unwrap_or_default(),
        arn: it.arn.unwrap_or_default(),
        id: it.role_id.unwrap_or_default(),
        created: it.create_date.map_or(0, |at| at.secs()),
        trust: it.assume_role_policy_document.unwrap_or_default(),
        inline: it
            .role_policy_list
            .unwrap_or_default()
            .into_iter()
            .filter_map(|policy| Some((policy.policy_name?, policy.policy_document?)))
            .collect(),
        attached: it
            .attached_managed_policies
            .unwrap_or_default()
            .into_iter()
            .filter_map(|policy| policy.policy_arn)
            .collect(),
        boundary: it
            .permissions_boundary
            .and_then(|boundary| boundary.permissions_boundary_arn),
        tags: it
            .tags
            .unwrap_or_default()
            .into_iter()
            .map(|tag| (tag.key, tag.value))
            .collect(),
        instance_profiles: it
            .instance_profile_list
            .unwrap_or_default()
            .into_iter()
            .map(|profile| profile.instance_profile_name)
            .collect(),
    }
}

pub(super) async fn list_roles(
    client: &Client,
    call: ListRoles,
) -> Result<Page<RoleListing>, CallError> {
    let page = client
        .list_roles()
        .path_prefix(call.path_prefix)
        .max_items(PAGE)
        .set_marker(call.marker)
        .send()
        .await
        .sent(IAM)?;
    Ok(Page {
        next: page.marker.filter(|_| page.is_truncated),
        items: page
            .roles
            .into_iter()
            .map(|it| RoleListing {
                name: it.role_name,
                description: it.description,
                max_session: it
                    .max_session_duration
                    .and_then(|seconds| u32::try_from(seconds).ok())
                    .unwrap_or(3600),
            })
            .collect(),
    })
}

pub(super) async fn create_role(
    client: &Client,
    call: CreateRole,
) -> Result<CreatedRole, CallError> {
    let answer = client
        .create_role()
        .role_name(call.name)
        .path(call.path)
        .assume_role_policy_document(call.trust)
        .set_description(call.description)
        .max_session_duration(seconds(call.max_session))
        .set_permissions_boundary(call.boundary)
        .set_tags(tags(call.tags)?)
        .send()
        .await
        .sent(IAM)?;
    let role = answer
        .role
        .ok_or_else(|| incomplete("CreateRole", "role"))?;
    Ok(CreatedRole {
        arn: role.arn,
        id: role.role_id,
    })
}

pub(super) async fn update_role(client: &Client, call: UpdateRole) -> Result<(), CallError> {
    client
        .update_role()
        .role_name(call.name)
        .description(call.description)
        .max_session_duration(seconds(call.max_session))
        .send()
        .await
        .sent(IAM)
        .map(drop)
}

pub(super) async fn update_assume_role_policy(
    client: &Client,
    call: UpdateAssumeRolePolicy,
) -> Result<(), CallError> {
    client
        .update_assume_role_policy()
        .role_name(call.name)
        .policy_document(call.document)
        .send()
        .await
        .sent(IAM)
        .map(drop)
}

pub(super) async fn put_role_policy(client: &Client, call: PutRolePolicy) -> Result<(), CallError> {
    client
        .put_role_policy()
        .role_name(call.name)
        .policy_name(call.policy)
        .policy_document(call.document)
        .send()
        .await
        .sent(IAM)
        .map(drop)
}

pub(super) async fn delete_role_policy(
    client: &Client,
    call: DeleteRolePolicy,
) -> Result<(), CallError> {
    client
        .delete_role_policy()
        .role_name(call.name)
        .policy_name(call.policy)
        .send()
        .await
        .sent(IAM)
        .map(drop)
}

pub(super) async fn attach_role_policy(
    client: &Client,
    call: AttachRolePolicy,
) -> Result<(), CallError> {
    client
        .attach_role_policy()
        .role_name(call.name)
        .policy_arn(call.policy)
        .send()
        .await
        .sent(IAM)
        .map(drop)
}

pub(super) async fn detach_role_policy(
    client: &Client,
    call: DetachRolePolicy,
) -> Result<(), CallError> {
    client
        .detach_role_policy()
        .role_name(call.name)
        .policy_arn(call.policy)
        .send()
        .await
        .sent(IAM)
        .map(drop)
}

pub(super) async fn create_policy(
    client: &Client,
    call: CreatePolicy,
) -> Result<String, CallError> {
    let answer = client
        .create_policy()
        .policy_name(call.name)
        .path(call.path)
        .policy_document(call.document)
        .description(call.description)
        .send()
        .await
        .sent(IAM)?;
    answer
        .policy
        .and_then(|it| it.arn)
        .ok_or_else(|| incomplete("CreatePolicy", "policy ARN"))
}

pub(super) async fn get_policy(client: &Client, call: GetPolicy) -> Result<String, CallError> {
    let answer = client
        .get_policy()
        .policy_arn(call.arn)
        .send()
        .await
        .sent(IAM)?;
    answer
        .policy
        .and_then(|it| it.default_version_id)
        .ok_or_else(|| incomplete("GetPolicy", "default version"))
}

pub(super) async fn get_account_summary(
    client: &Client,
) -> Result<BTreeMap<String, i32>, CallError> {
    let answer = client.get_account_summary().send().await.sent(IAM)?;
    let counts = answer.summary_map.unwrap_or_default().into_iter();
    Ok(counts
        .map(|(key, value)| (key.as_str().to_owned(), value))
        .collect())
}

pub(super) async fn get_policy_version(
    client: &Client,
    call: GetPolicyVersion,
) -> Result<String, CallError> {
    let answer = client
        .get_policy_version()
        .policy_arn(call.arn)
        .version_id(call.version)
        .send()
        .await
        .sent(IAM)?;
    answer
        .policy_version
        .and_then(|it| it.document)
        .ok_or_else(|| incomplete("GetPolicyVersion", "document"))
}

pub(super) async fn create_policy_version(
    client: &Client,
    call: CreatePolicyVersion,
) -> Result<String, CallError> {
    let answer = client
        .create_policy_version()
        .policy_arn(call.arn)
        .policy_document(call.document)
        .set_as_default(true)
        .send()
        .await
        .sent(IAM)?;
    answer
        .policy_version
        .and_then(|it| it.version_id)
        .ok_or_else(|| incomplete("CreatePolicyVersion", "version id"))
}

pub(super) async fn set_default_policy_version(
    client: &Client,
    call: SetDefaultPolicyVersion,
) -> Result<(), CallError> {
    client
        .set_default_policy_version()
        .policy_arn(call.arn)
        .version_id(call.version)
        .send()
        .await
        .sent(IAM)
        .map(drop)
}

pub(super) async fn delete_policy_version(
    client: &Client,
    call: DeletePolicyVersion,
) -> Result<(), CallError> {
    client
        .delete_policy_version()
        .policy_arn(call.arn)
        .version_id(call.version)
        .send()
        .await
        .sent(IAM)
        .map(drop)
}

pub(super) async fn delete_policy(client: &Client, call: DeletePolicy) -> Result<(), CallError> {
    client
        .delete_policy()
        .policy_arn(call.arn)
        .send()
        .await
        .sent(IAM)
        .map(drop)
}

pub(super) async fn put_role_permissions_boundary(
    client: &Client,
    call: PutRolePermissionsBoundary,
) -> Result<(), CallError> {
    client
        .put_role_permissions_boundary()
        .role_name(call.name)
        .permissions_boundary(call.boundary)
        .send()
        .await
        .sent(IAM)
        .map(drop)
}

pub(super) async fn delete_role_permissions_boundary(
    client: &Client,
    call: DeleteRolePermissionsBoundary,
) -> Result<(), CallError> {
    client
        .delete_role_permissions_boundary()
        .role_name(call.name)
        .send()
        .await
        .sent(IAM)
        .map(drop)
}

pub(super) async fn tag_role(client: &Client, call: TagRole) -> Result<(), CallError> {
    client
        .tag_role()
        .role_name(call.name)
        .set_tags(Some(tags(call.tags)?.unwrap_or_default()))
        .send()
        .await
        .sent(IAM)
        .map(drop)
}

pub(super) async fn untag_role(client: &Client, call: UntagRole) -> Result<(), CallError> {
    client
        .untag_role()
        .role_name(call.name)
        .set_tag_keys(Some(call.keys))
        .send()
        .await
        .sent(IAM)
        .map(drop)
}

pub(super) async fn delete_role(client: &Client, call: DeleteRole) -> Result<(), CallError> {
    client
        .delete_role()
        .role_name(call.name)
        .send()
        .await
        .sent(IAM)
        .map(drop)
}

fn seconds(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

fn tags(tags: Tags) -> Result<Option<Vec<Tag>>, CallError> {
    if tags.is_empty() {
        return Ok(None);
    }
    let built: Result<_, _> = tags
        .into_iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect();
    built.map(Some).map_err(|error| refused(&error))
}
