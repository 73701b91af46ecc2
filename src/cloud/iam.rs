//! Identity and Access Management, roles.
//!
//! IAM gives documents URL-encoded (RFC 3986); they are passed on as they come.
//! The place's region matters only for its partition.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html>.

use std::collections::BTreeMap;

use crate::model::Tags;

/// Every role of the account with its policies: 1,000 a page.
///
/// Leaves out description and session length: [`ListRoles`] has those.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetAccountAuthorizationDetails {
    /// The page's marker.
    pub marker: Option<String>,
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
