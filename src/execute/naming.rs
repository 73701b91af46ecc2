//! What a step's documents name, the service that it is done in, and how it says that it was stopped.

use std::collections::BTreeSet;

use crate::cloud::{CallError, Fault};
use crate::kinds::roles_named;
use crate::model::{Arn, KindName};
use crate::plan::Step;

/// The role ARNs that a step's documents name.
pub(super) fn named(step: &Step) -> BTreeSet<Arn> {
    let documents = step
        .want
        .iter()
        .flat_map(|it| it.resource.principal_documents());
    documents.flat_map(|(_, it)| roles_named(it)).collect()
}

pub(super) fn service_of(step: &Step) -> &'static str {
    match step.address.kind {
        KindName::Role => "IAM",
        KindName::Key => "KMS",
        KindName::Topic | KindName::Subscription => "SNS",
        KindName::Queue => "SQS",
        KindName::RestApi | KindName::Stage => "API Gateway",
    }
}

/// What to say of principals that AWS does not know.
pub(super) fn unknown_principals(step: &Step) -> String {
    let named: Vec<String> = named(step).into_iter().map(|it| it.to_string()).collect();
    if named.is_empty() {
        return "its policy names no role; AWS refuses the document itself".to_owned();
    }
    format!(
        "AWS does not know one of these, or the region is not enabled for its account: {}",
        named.join(", ")
    )
}

/// The error of a step that a stop has kept from going on.
pub(super) fn stopped() -> CallError {
    let message = "the run was stopped before it was done";
    CallError::new(Fault::Stopped, "Stopped", message)
}
