//! What is not this run's to write or to read: policies of others' own, the organization's, and those of VPC endpoints.

use std::fmt::Write as _;

use serde_json::Value;

use super::style::{LOUD, counted, styled};
use crate::kinds::survey::Above;
use crate::kinds::survey::endpoints::Endpoints;
use crate::kinds::survey::organization::{Organization, OrganizationReading};
use crate::lower::{Handover, HandoverKind};

/// What is said of the organization's policies where nothing tells how to read them.
const NOT_READ: &str =
    "Not read: your organization's policies (SCPs and RCPs). They can deny what is allowed here.";

/// Returns what was read of the organization's policies and what was not, in one line.
fn organization(it: &Organization) -> String {
    let unread = it.unread();
    match &it.reading {
        OrganizationReading::NotAsked => NOT_READ.to_owned(),
        OrganizationReading::NoOrganization(account) => {
            format!("Account {account} is in no organization: no SCPs and RCPs bear on this.")
        }
        OrganizationReading::Asked { id: Some(id), .. } if unread.is_empty() => format!(
            "Read: the policies (SCPs and RCPs) of organization {id} over {}.",
            counted(it.paths.len(), "account")
        ),
        OrganizationReading::Asked { .. } => format!(
            "Not read of your organization's policies (SCPs and RCPs): {}. They can deny what is allowed here.",
            unread.join("; ")
        ),
    }
}

/// Returns what was read of the policies of VPC endpoints and what was not, in one line; nothing where the stack names
/// no endpoint.
fn endpoints(it: &Endpoints) -> Option<String> {
    let read: Vec<&str> = it.policies.keys().map(String::as_str).collect();
    Some(match it.word()? {
        "read" => format!("Read: the policies of VPC endpoints {}.", read.join(", ")),
        _ => format!(
            "Not read of the policies of VPC endpoints: {}. They can deny what is allowed here.",
            it.unread.join("; ")
        ),
    })
}

/// Returns what was read of the policies over the stack's accesses and what was not, a line each.
#[must_use]
pub fn above(it: &Above) -> String {
    let lines = std::iter::once(organization(&it.organization)).chain(endpoints(&it.endpoints));
    lines.collect::<Vec<_>>().join("\n")
}

/// Puts into a document for machines how far the policies over the stack's accesses were read.
pub fn put_above(document: &mut Value, it: &Above) {
    document["organization_policies"] = it.organization.word().into();
    if !it.organization.unread().is_empty() {
        document["organization_policies_not_read"] = it.organization.unread().into();
    }
    if let Some(word) = it.endpoints.word() {
        document["vpc_endpoint_policies"] = word.into();
    }
    if !it.endpoints.unread.is_empty() {
        document["vpc_endpoint_policies_not_read"] = it.endpoints.unread.clone().into();
    }
}

/// The policies that somebody else must write, or when they will be known.
#[must_use]
pub fn over(handovers: &[Handover]) -> String {
    let mut text = String::new();
    for it in handovers.iter().filter(|it| !it.offered) {
        let head = styled(LOUD, "Hand over");
        let (who, why) = (&it.principal, &it.why);
        let waits_for: Vec<String> = it.waits_for().iter().map(ToString::to_string).collect();
        if !waits_for.is_empty() {
            let _ = writeln!(
                text,
                "{head} {who} needs a policy, {why}. AWS chooses the id of {} when it is made: `provision apply` prints \
                 the policy at its end, and `provision handover` prints it at any time after that.",
                waits_for.join(" and ")
            );
            continue;
        }
        let needs = match it.kind {
            HandoverKind::Identity | HandoverKind::TopicPolicy => "needs this policy",
            HandoverKind::KeyPolicy => "needs these statements in its key policy",
        };
        let policy = it.document.to_text();
        let _ = writeln!(text, "{head} {who} {needs}, {why}:\n  {policy}");
    }
    text
}
