//! An organization: its tree and its policies, only for reading.
//!
//! No call makes one here: it is written into the sandbox's file, or put there by [`Sandbox::put_organization`].
//! Calls are refused as AWS refuses them: an account of no organization has none to describe, and only the management
//! account and delegated administrators see the tree.

use super::refusal::{Answered, refuse};
use super::state::Organization;
use super::{Sandbox, Turn};
use crate::cloud::organizations::{
    DescribePolicy, ListParents, ListPoliciesForTarget, ListRoots, OrganizationRecord,
    PolicyRecord, PolicyType, RootRecord,
};
use crate::cloud::{Fault, Page};

/// What AWS attaches to everything when a type of policies is enabled. It allows everything.
const FULL_ACCESS: [(PolicyType, &str, &str); 2] = [
    (
        PolicyType::ServiceControlPolicy,
        "p-FullAWSAccess",
        "FullAWSAccess",
    ),
    (
        PolicyType::ResourceControlPolicy,
        "p-RCPFullAWSAccess",
        "RCPFullAWSAccess",
    ),
];

impl Sandbox {
    /// Puts an organization there, in place of any other, as the sandbox's file has it.
    pub fn put_organization(&self, organization: &serde_json::Value) -> serde_json::Result<()> {
        let organization = serde_json::from_value(organization.clone())?;
        self.world.borrow_mut().organization = Some(organization);
        Ok(())
    }
}

impl Organization {
    fn has_account(&self, id: &str) -> bool {
        self.management.as_str() == id || self.parents.contains_key(id)
    }

    fn has_target(&self, id: &str) -> bool {
        id == self.root || self.has_account(id) || self.parents.values().any(|it| it == id)
    }
}

impl Turn<'_> {
    pub(super) fn describe_organization(&self) -> Answered<OrganizationRecord> {
        let it = self.organization()?;
        Ok(OrganizationRecord {
            id: it.id.clone(),
            management: it.management.to_string(),
        })
    }

    pub(super) fn list_roots(&self, call: &ListRoots) -> Answered<Page<RootRecord>> {
        let it = self.administered()?;
        let root = RootRecord {
            id: it.root.clone(),
            enabled: it.enabled.iter().copied().collect(),
        };
        self.page(vec![root], call.token.as_deref(), 20)
    }

    pub(super) fn list_parents(&self, call: &ListParents) -> Answered<Page<String>> {
        let it = self.administered()?;
        let parent = match it.parents.get(&call.child) {
            Some(parent) => parent.clone(),
            // Without a word on it, the management account stands under the root.
            None if it.management.as_str() == call.child => it.root.clone(),
            None => {
                return refuse(
                    Fault::Missing,
                    "ChildNotFoundException",
                    "You specified a child that does not exist.",
                );
            }
        };
        self.page(vec![parent], call.token.as_deref(), 20)
    }

    pub(super) fn list_policies_for_target(
        &self,
        call: &ListPoliciesForTarget,
    ) -> Answered<Page<PolicyRecord>> {
        let it = self.administered()?;
        if !it.has_target(&call.target) {
            return refuse(
                Fault::Missing,
                "TargetNotFoundException",
                "You specified a target that does not exist.",
            );
        }
        let attached = it.policies.iter().filter(|(_, policy)| {
            policy.r#type == call.filter && policy.targets.contains(&call.target)
        });
        let own = attached.map(|(id, policy)| PolicyRecord {
            id: id.clone(),
            name: policy.name.clone(),
            aws_managed: false,
        });
        let is_detached = |(kind, ..): &&(PolicyType, &str, &str)| {
            *kind == PolicyType::ServiceControlPolicy
                && it.without_full_access.contains(&call.target)
        };
        let by_aws = FULL_ACCESS
            .iter()
            .filter(|(kind, ..)| *kind == call.filter && it.enabled.contains(kind))
            .filter(|it| !is_detached(it))
            .map(|(_, id, name)| PolicyRecord {
                id: (*id).to_owned(),
                name: (*name).to_owned(),
                aws_managed: true,
            });
        self.page(by_aws.chain(own).collect(), call.token.as_deref(), 20)
    }

    pub(super) fn describe_policy(&self, call: &DescribePolicy) -> Answered<String> {
        let it = self.administered()?;
        match it.policies.get(&call.id) {
            Some(policy) => Ok(policy.document.clone()),
            None => refuse(
                Fault::Missing,
                "PolicyNotFoundException",
                "You specified a policy that does not exist.",
            ),
        }
    }

    /// The organization of the caller's account.
    fn organization(&self) -> Answered<&Organization> {
        let found = self.world.organization.as_ref();
        match found.filter(|it| it.has_account(self.at.id.as_str())) {
            Some(found) => Ok(found),
            None => refuse(
                Fault::Missing,
                "AWSOrganizationsNotInUseException",
                "Your account is not a member of an organization.",
            ),
        }
    }

    /// The same, where the caller's account may look at its tree.
    fn administered(&self) -> Answered<&Organization> {
        let found = self.organization()?;
        if found.management == self.at.id || found.delegated.contains(&self.at.id) {
            return Ok(found);
        }
        refuse(
            Fault::Denied,
            "AccessDeniedException",
            "You don't have permissions to access this resource.",
        )
    }
}
