//! AWS Organizations: the policies that stand over accounts. They are read and never written.
//!
//! `DescribeOrganization` may be called from any account of the organization, the other calls only from the
//! management account or from a delegated administrator.
//!
//! See <https://docs.aws.amazon.com/organizations/latest/APIReference/API_Operations.html>.

use serde::{Deserialize, Serialize};

/// A type of policy that takes away what accounts may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PolicyType {
    /// A service control policy (SCP): over the principals of accounts.
    ServiceControlPolicy,
    /// A resource control policy (RCP): over the resources of accounts.
    ResourceControlPolicy,
}

impl PolicyType {
    /// Both types.
    pub const ALL: [Self; 2] = [Self::ServiceControlPolicy, Self::ResourceControlPolicy];

    /// Returns the type as AWS writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ServiceControlPolicy => "SERVICE_CONTROL_POLICY",
            Self::ResourceControlPolicy => "RESOURCE_CONTROL_POLICY",
        }
    }

    /// Returns the type as a sentence names it.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::ServiceControlPolicy => "service control policy",
            Self::ResourceControlPolicy => "resource control policy",
        }
    }
}

/// `DescribeOrganization`: answers with the organization of the caller's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribeOrganization;

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationRecord {
    /// Its id, such as `o-a1b2c3d4e5`.
    pub id: String,
    /// The id of its management account.
    pub management: String,
}

/// `ListRoots`: a page of roots; there is one today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRoots {
    /// Where the page begins.
    pub token: Option<String>,
}

/// A root of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootRecord {
    /// Its id, such as `r-ab12`.
    pub id: String,
    /// The types of policies that are enabled.
    pub enabled: Vec<PolicyType>,
}

/// `ListParents`: a page of the ids of what an account or unit stands under; there is one today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListParents {
    /// The id of the account or organizational unit.
    pub child: String,
    /// Where the page begins.
    pub token: Option<String>,
}

/// `ListPoliciesForTarget`: a page of the policies that are attached to one root, unit or account itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPoliciesForTarget {
    /// The id of the root, organizational unit or account.
    pub target: String,
    /// The type of policies that is listed.
    pub filter: PolicyType,
    /// Where the page begins.
    pub token: Option<String>,
}

/// A policy as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRecord {
    /// Its id, such as `p-a1b2c3d4`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether AWS made it: it allows everything.
    pub aws_managed: bool,
}

/// `DescribePolicy`: answers with the text of a policy, as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribePolicy {
    /// The policy's id.
    pub id: String,
}
