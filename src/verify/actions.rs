//! The actions that AWS has on each kind of resource, by what they do to it.
//!
//! See <https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>.

use crate::model::KindName;

/// The actions on a kind of resource, as AWS writes them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Actions {
    /// Those that use it.
    pub(super) uses: &'static [&'static str],
    /// Those that change what it is, who may use it, or whether it is there.
    pub(super) changes: &'static [&'static str],
    /// All others: those that read it, and those that do nothing without one of the above.
    pub(super) rest: &'static [&'static str],
}

impl Actions {
    /// Returns all of them, those that use the resource first.
    pub(super) fn all(self) -> impl Iterator<Item = &'static str> {
        let all = self.uses.iter().chain(self.changes).chain(self.rest);
        all.copied()
    }
}

/// Returns the actions on a kind of resource.
pub(super) fn actions_on(kind: KindName) -> Actions {
    match kind {
        KindName::Topic => TOPIC,
        KindName::Queue => QUEUE,
        KindName::RestApi => API,
        KindName::Role => ROLE,
        KindName::Key => KEY,
        KindName::Subscription | KindName::Stage => Actions::default(),
    }
}

const TOPIC: Actions = Actions {
    uses: &["sns:Publish", "sns:Subscribe"],
    changes: &[
        "sns:AddPermission",
        "sns:DeleteTopic",
        "sns:PutDataProtectionPolicy",
        "sns:RemovePermission",
        "sns:SetTopicAttributes",
        "sns:TagResource",
        "sns:UntagResource",
    ],
    rest: &[
        "sns:ConfirmSubscription",
        "sns:GetDataProtectionPolicy",
        "sns:GetTopicAttributes",
        "sns:ListSubscriptionsByTopic",
        "sns:ListTagsForResource",
    ],
};

const QUEUE: Actions = Actions {
    uses: &[
        "sqs:SendMessage",
        "sqs:ReceiveMessage",
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
    ],
    changes: &[
        "sqs:AddPermission",
        "sqs:CancelMessageMoveTask",
        "sqs:DeleteQueue",
        "sqs:PurgeQueue",
        "sqs:RemovePermission",
        "sqs:SetQueueAttributes",
        "sqs:StartMessageMoveTask",
        "sqs:TagQueue",
        "sqs:UntagQueue",
    ],
    rest: &[
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
        "sqs:ListDeadLetterSourceQueues",
        "sqs:ListMessageMoveTasks",
        "sqs:ListQueueTags",
    ],
};

/// An API is changed by the HTTP methods of API Gateway's own API, on what stands below `/restapis/ID`.
///
/// `UpdateRestApiPolicy` is asked for beside `PATCH` or `PUT`, and lets nobody change anything by itself.
const API: Actions = Actions {
    uses: &["execute-api:Invoke"],
    changes: &[
        "apigateway:DELETE",
        "apigateway:PATCH",
        "apigateway:POST",
        "apigateway:PUT",
        "apigateway:SetWebACL",
    ],
    rest: &[
        "apigateway:GET",
        "apigateway:UpdateRestApiPolicy",
        "execute-api:InvalidateCache",
    ],
};

const ROLE: Actions = Actions {
    uses: &[
        "sts:AssumeRole",
        "sts:AssumeRoleWithSAML",
        "sts:AssumeRoleWithWebIdentity",
        "iam:PassRole",
    ],
    changes: &[
        "iam:AttachRolePolicy",
        "iam:DeleteRole",
        "iam:DeleteRolePermissionsBoundary",
        "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy",
        "iam:PutRolePermissionsBoundary",
        "iam:PutRolePolicy",
        "iam:TagRole",
        "iam:UntagRole",
        "iam:UpdateAssumeRolePolicy",
        "iam:UpdateRole",
        "iam:UpdateRoleDescription",
    ],
    rest: &[
        "iam:GetRole",
        "iam:GetRolePolicy",
        "iam:ListAttachedRolePolicies",
        "iam:ListInstanceProfilesForRole",
        "iam:ListRolePolicies",
        "iam:ListRoleTags",
    ],
};

const KEY: Actions = Actions {
    uses: &[
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "kms:Encrypt",
        "kms:GenerateDataKeyPair",
        "kms:GenerateDataKeyPairWithoutPlaintext",
        "kms:GenerateDataKeyWithoutPlaintext",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
        "kms:DeriveSharedSecret",
        "kms:GenerateMac",
        "kms:Sign",
        "kms:Verify",
        "kms:VerifyMac",
    ],
    changes: &[
        "kms:CancelKeyDeletion",
        "kms:CreateAlias",
        "kms:CreateGrant",
        "kms:DeleteAlias",
        "kms:DeleteImportedKeyMaterial",
        "kms:DisableKey",
        "kms:DisableKeyRotation",
        "kms:EnableKey",
        "kms:EnableKeyRotation",
        "kms:ImportKeyMaterial",
        "kms:PutKeyPolicy",
        "kms:ReplicateKey",
        "kms:RetireGrant",
        "kms:RevokeGrant",
        "kms:RotateKeyOnDemand",
        "kms:ScheduleKeyDeletion",
        "kms:TagResource",
        "kms:UntagResource",
        "kms:UpdateAlias",
        "kms:UpdateKeyDescription",
        "kms:UpdatePrimaryRegion",
    ],
    rest: &[
        "kms:DescribeKey",
        "kms:GetKeyPolicy",
        "kms:GetKeyRotationStatus",
        "kms:GetParametersForImport",
        "kms:GetPublicKey",
        "kms:ListGrants",
        "kms:ListKeyPolicies",
        "kms:ListKeyRotations",
        "kms:ListResourceTags",
        "kms:SynchronizeMultiRegionKey",
    ],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::actions::is_listed;

    #[test]
    fn every_action_exists_and_is_listed_once() {
        for kind in KindName::ALL {
            let all: Vec<&str> = actions_on(kind).all().collect();
            for action in &all {
                assert_eq!(is_listed(action), Some(true), "{action}");
                let times = all.iter().filter(|it| it == &action).count();
                assert_eq!(times, 1, "{action}");
            }
        }
    }
}
