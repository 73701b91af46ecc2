//! AWS Organizations.
//!
//! See <https://docs.aws.amazon.com/organizations/latest/APIReference/API_Operations.html>.

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::{
    PolicyType as SdkPolicyType, PolicyTypeStatus, PolicyTypeSummary,
};

use super::fault::{Sent, incomplete};
use crate::cloud::organizations::{
    DescribePolicy, ListParents, ListPoliciesForTarget, ListRoots, OrganizationRecord,
    PolicyRecord, PolicyType, RootRecord,
};
use crate::cloud::{CallError, Page, Service};

pub(super) async fn describe_organization(
    client: &Client,
) -> Result<OrganizationRecord, CallError> {
    let answer = client
        .describe_organization()
        .send()
        .await
        .sent(Service::Organizations)?;
    let found = answer
        .organization
        .and_then(|it| Some((it.id?, it.master_account_id?)));
    let (id, management) =
        found.ok_or_else(|| incomplete("DescribeOrganization", "organization"))?;
    Ok(OrganizationRecord { id, management })
}

pub(super) async fn list_roots(
    client: &Client,
    call: ListRoots,
) -> Result<Page<RootRecord>, CallError> {
    let page = client
        .list_roots()
        .set_next_token(call.token)
        .send()
        .await
        .sent(Service::Organizations)?;
    let roots = page.roots.unwrap_or_default().into_iter();
    let items = roots.map(|it| {
        Ok(RootRecord {
            enabled: it
                .policy_types
                .unwrap_or_default()
                .iter()
                .filter_map(enabled)
                .collect(),
            id: it.id.ok_or_else(|| incomplete("ListRoots", "root's id"))?,
        })
    });
    Ok(Page {
        items: items.collect::<Result<_, _>>()?,
        next: page.next_token,
    })
}

/// Returns the type of policies that takes part, if it is one that bears on requests.
fn enabled(it: &PolicyTypeSummary) -> Option<PolicyType> {
    // Policies are enforced until they are disabled, and not before they are enabled.
    let enforced = matches!(
        it.status,
        Some(PolicyTypeStatus::Enabled | PolicyTypeStatus::PendingDisable)
    );
    let named = it.r#type.as_ref().map(SdkPolicyType::as_str);
    let known = PolicyType::ALL.into_iter();
    known
        .filter(|_| enforced)
        .find(|it| Some(it.as_str()) == named)
}

pub(super) async fn list_parents(
    client: &Client,
    call: ListParents,
) -> Result<Page<String>, CallError> {
    let page = client
        .list_parents()
        .child_id(call.child)
        .set_next_token(call.token)
        .send()
        .await
        .sent(Service::Organizations)?;
    let parents = page.parents.unwrap_or_default().into_iter();
    Ok(Page {
        items: parents.filter_map(|it| it.id).collect(),
        next: page.next_token,
    })
}

pub(super) async fn list_policies_for_target(
    client: &Client,
    call: ListPoliciesForTarget,
) -> Result<Page<PolicyRecord>, CallError> {
    let page = client
        .list_policies_for_target()
        .target_id(call.target)
        .filter(SdkPolicyType::from(call.filter.as_str()))
        .set_next_token(call.token)
        .send()
        .await
        .sent(Service::Organizations)?;
    let policies = page.policies.unwrap_or_default().into_iter();
    let items = policies.map(|it| {
        let action = "ListPoliciesForTarget";
        Ok(PolicyRecord {
            id: it.id.ok_or_else(|| incomplete(action, "policy's id"))?,
            name: it.name.unwrap_or_default(),
            aws_managed: it.aws_managed,
        })
    });
    Ok(Page {
        items: items.collect::<Result<_, _>>()?,
        next: page.next_token,
    })
}

pub(super) async fn describe_policy(
    client: &Client,
    call: DescribePolicy,
) -> Result<String, CallError> {
    let answer = client
        .describe_policy()
        .policy_id(call.id)
        .send()
        .await
        .sent(Service::Organizations)?;
    answer
        .policy
        .and_then(|it| it.content)
        .ok_or_else(|| incomplete("DescribePolicy", "content"))
}
