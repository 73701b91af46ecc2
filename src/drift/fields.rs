//! What a field's change means, where no document says it.

use super::class::Severity;
use crate::kinds::role;
use crate::model::Change;

/// Fields by which nothing works differently.
const COSMETIC: [&str; 7] = [
    "description",
    "display_name",
    "mark",
    "name",
    "superseded deployments",
    "tags",
    "document",
];

/// Fields that documents say more of.
const DOCUMENTS: [&str; 5] = [
    "policy",
    "trust",
    "inline policies",
    role::MANAGED,
    "managed policies",
];

/// How bad a field's change is, and what cannot be settled of it.
pub(super) fn of_field(change: &Change) -> (Severity, Option<&'static str>) {
    let field = change.field.as_str();
    if COSMETIC.contains(&field) || DOCUMENTS.contains(&field) {
        return (Severity::Cosmetic, None);
    }
    let unsettled = match (field, change.from.as_deref()) {
        ("endpoint", Some("regional" | "edge")) if change.to.as_deref() == Some("private") => {
            Some("it can be reached from everywhere, not only through VPC endpoints")
        }
        ("vpc_endpoints", _) => {
            Some("it can be reached through other VPC endpoints than the stack says")
        }
        _ => None,
    };
    (Severity::ChangesBehaviour, unsettled)
}
