//! What IAM asks of the caller of a call: actions, each on a resource, under what the request says of itself.
//!
//! [`CallType`](super::call::CallType) has the actions of each type of call. Here a single call becomes the requests that
//! IAM decides: the ARN that each action is on, and the condition keys that the service puts beside it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Request, apigateway, iam, kms, organizations, sns, sqs};
use crate::model::{Arn, Place};

/// An action that a call needs, and what it is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Need {
    /// IAM's name of the action: `iam:CreateRole`.
    pub action: &'static str,
    /// What the action is on.
    pub on: On,
}

/// The kinds of resource that actions are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum On {
    /// Nothing that an ARN names: `*`.
    All,
    /// An IAM role.
    Role,
    /// A managed policy.
    Policy,
    /// A role that a service is given.
    PassedRole,
    /// A topic of the account.
    Topic,
    /// A topic that a queue of the account is subscribed to.
    SubscribedTopic,
    /// A queue.
    Queue,
    /// The list of REST APIs.
    Apis,
    /// The list of REST APIs, to which one is added.
    NewApi,
    /// A REST API, and what is in it.
    Api,
    /// The tags of a REST API or stage.
    ApiTags,
    /// A KMS key.
    Key,
    /// A KMS key that is named by an alias.
    KeyAlias,
    /// An account, an organizational unit or a root of the organization.
    OrganizationTarget,
    /// A policy of the organization.
    OrganizationPolicy,
}

/// A request that IAM decides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// The action.
    pub action: &'static str,
    /// The ARN, or `*`.
    pub resource: String,
    /// Condition keys with their values, those of the resource's tags left out.
    pub context: BTreeMap<String, Vec<String>>,
}

/// The key for the managed policy of an attachment.
pub const POLICY_ARN: &str = "iam:PolicyARN";
/// The key for the permissions boundary that a role gets.
pub const BOUNDARY: &str = "iam:PermissionsBoundary";
/// The key for the service that a role is passed to.
pub const PASSED_TO: &str = "iam:PassedToService";
/// The key for the alias by which a KMS key is named in the request.
pub const REQUEST_ALIAS: &str = "kms:RequestAlias";
/// The key for the aliases that a KMS key has.
pub const RESOURCE_ALIASES: &str = "kms:ResourceAliases";

impl Request {
    /// Returns what IAM is asked when this call is made; `path` gives the path of a role by its name.
    #[must_use]
    pub fn asks(&self, at: &Place, path: &dyn Fn(&str) -> Option<String>) -> Vec<Asked> {
        let needs = self.needs().iter();
        needs.flat_map(|it| self.asked(*it, at, path)).collect()
    }

    fn asked(&self, need: Need, at: &Place, path: &dyn Fn(&str) -> Option<String>) -> Vec<Asked> {
        let on = |resource: String| Asked {
            action: need.action,
            resource,
            context: self.context(need),
        };
        let api = |path: String| format!("arn:{}:apigateway:{}::{path}", at.partition(), at.region);
        let skipped = match need.action {
            "apigateway:UpdateRestApiPolicy" => !self.writes_api_policy(),
            "iam:TagRole" => matches!(self, Self::CreateRole(it) if it.tags.is_empty()),
            "sns:TagResource" => matches!(self, Self::CreateTopic(it) if it.tags.is_empty()),
            "sqs:TagQueue" => matches!(self, Self::CreateQueue(it) if it.tags.is_empty()),
            _ => false,
        };
        if skipped {
            return Vec::new();
        }
        let resource = match need.on {
            On::All => Some("*".to_owned()),
            On::PassedRole => return self.passed_roles().into_iter().map(on).collect(),
            On::Role => self.role().map(|(name, given)| {
                let path = given
                    .or_else(|| path(name))
                    .unwrap_or_else(|| "/".to_owned());
                Arn::role(at, &path, name).to_string()
            }),
            On::Policy => match self {
                Self::CreatePolicy(it) => Some(Arn::policy(at, &it.path, &it.name).to_string()),
                _ => self.named_by_arn(),
            },
            On::Topic | On::SubscribedTopic => match self {
                Self::CreateTopic(it) => Some(Arn::regional(at, "sns", &it.name).to_string()),
                _ => self.named_by_arn(),
            },
            On::Queue => self
                .queue()
                .map(|it| Arn::regional(at, "sqs", it).to_string()),
            On::Apis | On::NewApi => Some(api("/restapis".to_owned())),
            On::Api => self.api_path().map(|it| api(format!("/restapis/{it}"))),
            On::ApiTags => match self {
                Self::CreateRestApi(it) if it.tags.is_empty() => None,
                Self::TagApi(apigateway::TagApi { arn, .. })
                | Self::UntagApi(apigateway::UntagApi { arn, .. }) => Some(arn.as_str()),
                _ => Some("*"),
            }
            .map(|it| {
                api(format!(
                    "/tags/{}",
                    it.replace(':', "%3A").replace('/', "%2F")
                ))
            }),
            On::Key => self.named_by_arn(),
            On::KeyAlias => self.named_by_arn().map(|it| {
                // IAM decides about the key itself, which only KMS knows yet.
                let (front, _) = it.rsplit_once(":alias/").unwrap_or((&it, ""));
                format!("{front}:key/*")
            }),
            On::OrganizationTarget => match self {
                Self::ListParents(organizations::ListParents { child: id, .. })
                | Self::ListPoliciesForTarget(organizations::ListPoliciesForTarget {
                    target: id,
                    ..
                }) => Some(format!(
                    "arn:{}:organizations::{}:{}/o-organization/{id}",
                    at.partition(),
                    at.id,
                    match id.get(..2) {
                        Some("ou") => "ou",
                        Some("r-") => "root",
                        _ => "account",
                    }
                )),
                _ => None,
            },
            On::OrganizationPolicy => match self {
                Self::DescribePolicy(it) => Some(format!(
                    "arn:{}:organizations::{}:policy/o-organization/service_control_policy/{}",
                    at.partition(),
                    at.id,
                    it.id
                )),
                _ => None,
            },
        };
        resource.into_iter().map(on).collect()
    }

    /// The condition keys that the service puts beside an action.
    fn context(&self, need: Need) -> BTreeMap<String, Vec<String>> {
        let mut context = BTreeMap::new();
        let mut add = |key: &str, value: &str| {
            context.insert(key.to_owned(), vec![value.to_owned()]);
        };
        match (need.on, self) {
            (On::Role, Self::AttachRolePolicy(it)) => add(POLICY_ARN, &it.policy),
            (On::Role, Self::DetachRolePolicy(it)) => add(POLICY_ARN, &it.policy),
            (On::Role, Self::PutRolePermissionsBoundary(it)) => add(BOUNDARY, &it.boundary),
            (On::Role, Self::CreateRole(it)) => {
                it.boundary.iter().for_each(|it| add(BOUNDARY, it));
            }
            (On::PassedRole, Self::PutRestApi(_)) => add(PASSED_TO, "apigateway.amazonaws.com"),
            (On::PassedRole, _) => add(PASSED_TO, "sns.amazonaws.com"),
            (On::NewApi, Self::CreateRestApi(it)) => {
                for (key, value) in &it.tags {
                    add(&format!("aws:RequestTag/{key}"), value);
                }
            }
            (On::KeyAlias, Self::DescribeKey(it)) => {
                if let Some((_, alias)) = it.key.split_once(":alias/") {
                    add(REQUEST_ALIAS, &format!("alias/{alias}"));
                }
            }
            _ => {}
        }
        context
    }

    /// The ARN that the call names.
    fn named_by_arn(&self) -> Option<String> {
        Some(match self {
            Self::GetPolicy(iam::GetPolicy { arn, .. })
            | Self::GetPolicyVersion(iam::GetPolicyVersion { arn, .. })
            | Self::CreatePolicyVersion(iam::CreatePolicyVersion { arn, .. })
            | Self::SetDefaultPolicyVersion(iam::SetDefaultPolicyVersion { arn, .. })
            | Self::DeletePolicyVersion(iam::DeletePolicyVersion { arn, .. })
            | Self::DeletePolicy(iam::DeletePolicy { arn, .. })
            | Self::GetTopicAttributes(sns::GetTopicAttributes { arn, .. })
            | Self::SetTopicAttributes(sns::SetTopicAttributes { arn, .. })
            | Self::DeleteTopic(sns::DeleteTopic { arn, .. })
            | Self::ListTopicTags(sns::ListTopicTags { arn, .. })
            | Self::TagTopic(sns::TagTopic { arn, .. })
            | Self::UntagTopic(sns::UntagTopic { arn, .. })
            | Self::Subscribe(sns::Subscribe { topic: arn, .. })
            | Self::ListSubscriptionsByTopic(sns::ListSubscriptionsByTopic {
                topic: arn, ..
            })
            | Self::DescribeKey(kms::DescribeKey { key: arn, .. })
            | Self::GetKeyPolicy(kms::GetKeyPolicy { key: arn, .. })
            | Self::PutKeyPolicy(kms::PutKeyPolicy { key: arn, .. }) => arn.clone(),
            _ => return None,
        })
    }

    /// The role that the call is about, with its path where the call says it.
    fn role(&self) -> Option<(&str, Option<String>)> {
        let name = match self {
            Self::CreateRole(it) => return Some((&it.name, Some(it.path.clone()))),
            Self::UpdateRole(iam::UpdateRole { name, .. })
            | Self::UpdateAssumeRolePolicy(iam::UpdateAssumeRolePolicy { name, .. })
            | Self::PutRolePolicy(iam::PutRolePolicy { name, .. })
            | Self::DeleteRolePolicy(iam::DeleteRolePolicy { name, .. })
            | Self::AttachRolePolicy(iam::AttachRolePolicy { name, .. })
            | Self::DetachRolePolicy(iam::DetachRolePolicy { name, .. })
            | Self::PutRolePermissionsBoundary(iam::PutRolePermissionsBoundary { name, .. })
            | Self::DeleteRolePermissionsBoundary(iam::DeleteRolePermissionsBoundary {
                name,
                ..
            })
            | Self::TagRole(iam::TagRole { name, .. })
            | Self::UntagRole(iam::UntagRole { name, .. })
            | Self::DeleteRole(iam::DeleteRole { name, .. }) => name,
            _ => return None,
        };
        Some((name, None))
    }

    fn queue(&self) -> Option<&str> {
        Some(match self {
            Self::CreateQueue(sqs::CreateQueue { name, .. })
            | Self::GetQueueAttributes(sqs::GetQueueAttributes { name, .. })
            | Self::SetQueueAttributes(sqs::SetQueueAttributes { name, .. })
            | Self::DeleteQueue(sqs::DeleteQueue { name, .. })
            | Self::ListQueueTags(sqs::ListQueueTags { name, .. })
            | Self::TagQueue(sqs::TagQueue { name, .. })
            | Self::UntagQueue(sqs::UntagQueue { name, .. }) => name,
            _ => return None,
        })
    }

    /// What follows `/restapis/` in the path of a call.
    fn api_path(&self) -> Option<String> {
        use apigateway::{
            DeleteRestApi, GetApiResources, GetAuthorizers, GetDeployments, GetDocumentationParts,
            GetGatewayResponses, GetModels, GetRequestValidators, GetStages, PutRestApi,
            UpdateRestApi,
        };
        Some(match self {
            Self::PutRestApi(PutRestApi { id, .. })
            | Self::UpdateRestApi(UpdateRestApi { id, .. })
            | Self::DeleteRestApi(DeleteRestApi { id }) => id.clone(),
            Self::GetApiResources(GetApiResources { id, .. }) => format!("{id}/resources"),
            Self::GetAuthorizers(GetAuthorizers { id, .. }) => format!("{id}/authorizers"),
            Self::GetModels(GetModels { id, .. }) => format!("{id}/models"),
            Self::GetRequestValidators(GetRequestValidators { id, .. }) => {
                format!("{id}/requestvalidators")
            }
            Self::GetGatewayResponses(GetGatewayResponses { id, .. }) => {
                format!("{id}/gatewayresponses")
            }
            Self::GetDocumentationParts(GetDocumentationParts { id, .. }) => {
                format!("{id}/documentation/parts")
            }
            Self::UpdateMethod(it) => {
                format!("{}/resources/{}/methods/{}", it.id, it.resource, it.verb)
            }
            Self::CreateDeployment(it) => format!("{}/deployments", it.id),
            Self::GetDeployments(GetDeployments { id, .. }) => format!("{id}/deployments"),
            Self::GetDeployment(it) => format!("{}/deployments/{}", it.id, it.deployment),
            Self::DeleteDeployment(it) => format!("{}/deployments/{}", it.id, it.deployment),
            Self::GetStages(GetStages { id }) => format!("{id}/stages"),
            Self::UpdateStage(it) => format!("{}/stages/{}", it.id, it.stage),
            Self::DeleteStage(it) => format!("{}/stages/{}", it.id, it.stage),
            _ => return None,
        })
    }

    /// Whether the call sets, replaces or erases the resource policy of an API.
    fn writes_api_policy(&self) -> bool {
        match self {
            Self::CreateRestApi(it) => it.policy.is_some(),
            // Overwriting erases the policy that the document does not carry.
            Self::PutRestApi(it) => it.overwrite || it.body.contains(POLICY_OF_DOCUMENT),
            Self::UpdateRestApi(it) => it.patches.iter().any(|it| it.path == "/policy"),
            _ => false,
        }
    }

    /// The ARNs of the roles that the call gives to a service.
    fn passed_roles(&self) -> BTreeSet<String> {
        match self {
            Self::PutRestApi(it) => passed_by(&serde_json::from_str(&it.body).unwrap_or_default()),
            Self::CreateTopic(it) => it.attributes.values().filter_map(role_in).collect(),
            Self::SetTopicAttributes(it) => role_in(&it.value).into_iter().collect(),
            _ => BTreeSet::new(),
        }
    }
}

/// Where an `OpenAPI` document has an API's resource policy.
const POLICY_OF_DOCUMENT: &str = "x-amazon-apigateway-policy";

/// Returns the roles that API Gateway assumes for the integrations and authorizers of an `OpenAPI` document.
#[must_use]
pub fn passed_by(document: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![document];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let role = value.as_str().filter(|_| {
                        matches!(name.as_str(), "credentials" | "authorizerCredentials")
                    });
                    found.extend(role.and_then(role_in));
                    open.push(value);
                }
            }
            Value::Array(values) => open.extend(values),
            _ => {}
        }
    }
    found
}

/// Returns a text that is the ARN of a role.
pub fn role_in(text: impl AsRef<str>) -> Option<String> {
    let text = text.as_ref();
    let arn = Arn::parse(text).ok()?;
    (arn.service() == "iam" && arn.resource().starts_with("role/")).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::call::CallType;
    use super::*;

    #[test]
    fn every_call_type_says_what_its_caller_needs() {
        for it in CallType::ALL {
            // STS answers this one to everybody.
            if it.action == "GetCallerIdentity" {
                continue;
            }
            assert!(!it.needs.is_empty(), "{} {}", it.service, it.action);
            let prefix = format!("{}:", it.service.prefix());
            let own = |need: &&Need| need.action.starts_with(&prefix);
            assert!(
                it.needs.iter().any(|it| own(&it)),
                "{} {}",
                it.service,
                it.action
            );
        }
    }
}
