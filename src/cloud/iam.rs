//! Identity and Access Management: roles, and managed policies of the account's own.
//!
//! IAM gives documents URL-encoded (RFC 3986); they are passed on as they come.
//! The place's region matters only for its partition.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html>.

use std::collections::BTreeMap;

use crate::model::Tags;

/// Every role of the account with its policies, and every managed policy that is the account's own:
/// 1,000 a page, both counted together.
///
/// Leaves out a role's description and session length: [`ListRoles`] has those. Leaves out a policy's tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetAccountAuthorizationDetails {
    /// The page's marker.
    pub marker: Option<String>,
}

/// One of what `GetAccountAuthorizationDetails` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountDetail {
    /// A role.
    Role(RoleDetail),
    /// A managed policy.
    Policy(PolicyDetail),
}

impl AccountDetail {
    /// The role, where it is one.
    #[must_use]
    pub fn role(self) -> Option<RoleDetail> {
        match self {
            Self::Role(it) => Some(it),
            Self::Policy(_) => None,
        }
    }

    /// The managed policy, where it is one.
    #[must_use]
    pub fn policy(self) -> Option<PolicyDetail> {
        match self {
            Self::Policy(it) => Some(it),
            Self::Role(_) => None,
        }
    }
}

/// A managed policy as `GetAccountAuthorizationDetails` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyDetail {
    /// The name, unique in the account whatever the path and the case.
    pub name: String,
    /// The path, `/` at both ends.
    pub path: String,
    /// The ARN.
    pub arn: String,
    /// The version that is in force.
    pub default_version: String,
    /// Every version there is.
    pub versions: Vec<PolicyVersion>,
    /// How many users, groups and roles it is attached to.
    pub attachments: u32,
    /// How many users and roles have it as their permissions boundary.
    pub bounds: u32,
}

/// A version of a managed policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyVersion {
    /// The id: `v1`, `v2`, and so on; a number is never given out twice.
    pub id: String,
    /// The document, URL-encoded.
    pub document: String,
}

/// A role as `GetAccountAuthorizationDetails` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleDetail {
    /// The name, unique in the account whatever the path.
    pub name: String,
    /// The path, `/` at both ends.
    pub path: String,
    /// The ARN.
    pub arn: String,
    /// The unique id, `AROA…`.
    pub id: String,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// The trust policy, URL-encoded.
    pub trust: String,
    /// Inline policies by name, URL-encoded.
    pub inline: BTreeMap<String, String>,
    /// ARNs of attached managed policies.
    pub attached: Vec<String>,
    /// ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// The tags.
    pub tags: Tags,
    /// Names of instance profiles that hold the role.
    pub instance_profiles: Vec<String>,
}

/// The roles below a path: 1,000 a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRoles {
    /// Only roles whose path begins with this.
    pub path_prefix: String,
    /// The page's marker.
    pub marker: Option<String>,
}

/// What only `ListRoles` says of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleListing {
    /// The name.
    pub name: String,
    /// The description, when there is one.
    pub description: Option<String>,
    /// Longest session, in seconds.
    pub max_session: u32,
}

/// Makes a role. Fails with `EntityAlreadyExists` when the name is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateRole {
    /// The name.
    pub name: String,
    /// The path.
    pub path: String,
    /// The trust policy, plain JSON.
    pub trust: String,
    /// The description; `None` for none.
    pub description: Option<String>,
    /// Longest session, in seconds.
    pub max_session: u32,
    /// ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// The tags.
    pub tags: Tags,
}

/// A role that was just made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedRole {
    /// The ARN.
    pub arn: String,
    /// The unique id.
    pub id: String,
}

/// Sets description and longest session; what is left out would fall back to its default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateRole {
    /// The role's name.
    pub name: String,
    /// The description; empty for none.
    pub description: String,
    /// Longest session, in seconds.
    pub max_session: u32,
}

/// Replaces the trust policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateAssumeRolePolicy {
    /// The role's name.
    pub name: String,
    /// The document, plain JSON.
    pub document: String,
}

/// Makes or replaces an inline policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutRolePolicy {
    /// The role's name.
    pub name: String,
    /// The policy's name.
    pub policy: String,
    /// The document, plain JSON.
    pub document: String,
}

/// Removes an inline policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteRolePolicy {
    /// The role's name.
    pub name: String,
    /// The policy's name.
    pub policy: String,
}

/// Attaches a managed policy; no error when it is attached already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachRolePolicy {
    /// The role's name.
    pub name: String,
    /// The policy's ARN.
    pub policy: String,
}

/// Detaches a managed policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DetachRolePolicy {
    /// The role's name.
    pub name: String,
    /// The policy's ARN.
    pub policy: String,
}

/// Makes a managed policy, and gives its ARN. Fails with `EntityAlreadyExists` when the name is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatePolicy {
    /// The name.
    pub name: String,
    /// The path.
    pub path: String,
    /// The document, plain JSON.
    pub document: String,
    /// The description, which nothing changes afterwards.
    pub description: String,
}

/// Puts another document in force, and gives the new version's id. Fails with `LimitExceeded` when
/// there are five versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatePolicyVersion {
    /// The policy's ARN.
    pub arn: String,
    /// The document, plain JSON.
    pub document: String,
}

/// Puts a version that is there in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetDefaultPolicyVersion {
    /// The policy's ARN.
    pub arn: String,
    /// The version's id.
    pub version: String,
}

/// Removes a version that is not in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletePolicyVersion {
    /// The policy's ARN.
    pub arn: String,
    /// The version's id.
    pub version: String,
}

/// Removes a managed policy that is attached nowhere and has one version only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletePolicy {
    /// The policy's ARN.
    pub arn: String,
}

/// The id of the version of a managed policy that is in force; the policy may be AWS's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetPolicy {
    /// The policy's ARN.
    pub arn: String,
}

/// What an account has and may have, by IAM's names: `AssumeRolePolicySizeQuota`, `AttachedPoliciesPerRoleQuota`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetAccountSummary;

/// The document of a version of a managed policy, URL-encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetPolicyVersion {
    /// The policy's ARN.
    pub arn: String,
    /// The version's id.
    pub version: String,
}

/// Sets the permissions boundary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutRolePermissionsBoundary {
    /// The role's name.
    pub name: String,
    /// The boundary policy's ARN.
    pub boundary: String,
}

/// Removes the permissions boundary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteRolePermissionsBoundary {
    /// The role's name.
    pub name: String,
}

/// Adds or replaces tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagRole {
    /// The role's name.
    pub name: String,
    /// The tags.
    pub tags: Tags,
}

/// Removes tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UntagRole {
    /// The role's name.
    pub name: String,
    /// The tags' keys.
    pub keys: Vec<String>,
}

/// Removes a role that has no policies and stands in no instance profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteRole {
    /// The role's name.
    pub name: String,
}
