//! What a trust policy must allow beside `sts:AssumeRole` for a session to begin.

use super::document::{Document, Effect};
use super::patterns::Pattern;

/// The action that sessions with tags need, in the role's trust policy and in the caller's own policies.
///
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>.
pub const TAG_SESSION: &str = "sts:TagSession";

const SET_SOURCE_IDENTITY: &str = "sts:SetSourceIdentity";

/// Returns what a service needs of the roles it assumes, beyond `sts:AssumeRole`.
///
/// | service | why | see |
/// |---|---|---|
/// | `pods.eks` | tags each session with cluster, namespace and pod | <https://docs.aws.amazon.com/eks/latest/userguide/pod-id-role.html> |
/// | `eks` | EKS Auto Mode tags the sessions of the cluster's role | <https://docs.aws.amazon.com/eks/latest/userguide/auto-cluster-iam-role.html> |
/// | `rolesanywhere` | puts the certificate's names into tags and the source identity | <https://docs.aws.amazon.com/rolesanywhere/latest/userguide/trust-model.html> |
/// | `datazone` | tags the sessions of a domain's role | <https://docs.aws.amazon.com/datazone/latest/userguide/AmazonDataZoneDomainExecutionRole.html> |
/// | `access-grants.s3` | names the grantee in the source identity | <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-grants-location.html> |
#[must_use]
pub fn beyond_assuming(service: &str) -> &'static [&'static str] {
    match service.split(".amazonaws").next().unwrap_or_default() {
        "pods.eks" | "eks" | "datazone" => &[TAG_SESSION],
        "rolesanywhere" => &[SET_SOURCE_IDENTITY, TAG_SESSION],
        "access-grants.s3" => &[SET_SOURCE_IDENTITY],
        _ => &[],
    }
}

/// Returns whether a trust policy lets somebody begin a session with tags.
#[must_use]
pub fn lets_tag(trust: &Document) -> bool {
    let takes = |it: &String| Pattern::of(&it.to_ascii_lowercase()).matches("sts:tagsession");
    trust.statements.iter().any(|it| {
        it.effect == Effect::Allow && it.action.values.iter().any(takes) != it.action.negated
    })
}
