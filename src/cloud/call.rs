//! The calls there are, each with its answer.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::permission::{Need, On};
use super::{Page, apigateway, cloudcontrol, iam, kms, organizations, sns, sqs, sts, tagging};

/// An AWS service that is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Identity and Access Management.
    Iam,
    /// Security Token Service.
    Sts,
    /// Simple Notification Service.
    Sns,
    /// Simple Queue Service.
    Sqs,
    /// API Gateway, REST APIs (v1).
    ApiGateway,
    /// Resource Groups Tagging API.
    Tagging,
    /// Key Management Service.
    Kms,
    /// AWS Organizations.
    Organizations,
    /// Cloud Control, which IAM knows as `cloudformation`.
    CloudControl,
}

impl Service {
    /// The service's prefix in IAM actions.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::Sts => "sts",
            Self::Sns => "sns",
            Self::Sqs => "sqs",
            Self::ApiGateway => "apigateway",
            Self::Tagging => "tag",
            Self::Kms => "kms",
            Self::Organizations => "organizations",
            Self::CloudControl => "cloudformation",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.prefix())
    }
}

/// A type of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallType {
    /// The service.
    pub service: Service,
    /// The API action's name, such as `CreateRole`.
    pub action: &'static str,
    /// Whether such a call changes anything.
    pub writes: bool,
    /// What its caller must be allowed to do.
    pub needs: &'static [Need],
}

/// A call of one action, with the type of its answer.
pub trait Call: Sized {
    /// What the call gives.
    type Answer;
    /// The API action's name, such as `CreateRole`.
    const ACTION: &'static str;
    /// The call among all calls.
    fn into_request(self) -> Request;
    /// The answer, when `answer` is one of this call.
    fn from_answer(answer: Answer) -> Option<Self::Answer>;
}

macro_rules! calls {
    ($(
        $service:ident $action:literal $does:ident $module:ident :: $name:ident -> $answer:ty [ $( $need:literal $on:ident ),* ] ;
    )*) => {
        /// Any call.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Request {
            $( #[doc = concat!("`", $action, "`")] $name($module::$name), )*
        }

        /// The answer to any call, under the call's name.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Answer {
            $( #[doc = concat!("The answer to `", $action, "`")] $name($answer), )*
        }

        impl Request {
            /// The service that is called.
            #[must_use]
            pub fn service(&self) -> Service {
                match self { $( Self::$name(_) => Service::$service, )* }
            }

            /// The API action's name, such as `CreateRole`.
            #[must_use]
            pub fn action(&self) -> &'static str {
                match self { $( Self::$name(_) => $action, )* }
            }

            /// Whether the call changes anything.
            #[must_use]
            pub fn writes(&self) -> bool {
                match self { $( Self::$name(_) => calls!(@does $does), )* }
            }

            /// What the caller must be allowed to do.
            #[must_use]
            pub fn needs(&self) -> &'static [Need] {
                match self { $( Self::$name(_) => &[ $( Need { action: $need, on: On::$on } ),* ], )* }
            }
        }

        impl CallType {
            /// Every type of call.
            pub const ALL: &'static [Self] = &[ $( Self {
                service: Service::$service,
                action: $action,
                writes: calls!(@does $does),
                needs: &[ $( Need { action: $need, on: On::$on } ),* ],
            } ),* ];
        }

        $(
            impl Call for $module::$name {
                type Answer = $answer;
                const ACTION: &'static str = $action;
                fn into_request(self) -> Request { Request::$name(self) }
                fn from_answer(answer: Answer) -> Option<Self::Answer> {
                    match answer { Answer::$name(it) => Some(it), _ => None }
                }
            }
        )*
    };
    (@does reads) => { false };
    (@does writes) => { true };
}

// Each with what IAM asks of its caller: the actions and what they are on, as the service authorization reference has it
// (<https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>).
calls! {
    Sts "GetCallerIdentity" reads sts::GetCallerIdentity -> sts::Caller [];

    Iam "GetAccountAuthorizationDetails" reads iam::GetAccountAuthorizationDetails -> Page<iam::AccountDetail> ["iam:GetAccountAuthorizationDetails" All];
    Iam "ListRoles" reads iam::ListRoles -> Page<iam::RoleListing> ["iam:ListRoles" All];
    Iam "GetAccountSummary" reads iam::GetAccountSummary -> std::collections::BTreeMap<String, i32> ["iam:GetAccountSummary" All];
    Iam "GetPolicy" reads iam::GetPolicy -> String ["iam:GetPolicy" Policy];
    Iam "GetPolicyVersion" reads iam::GetPolicyVersion -> String ["iam:GetPolicyVersion" Policy];
    Iam "CreateRole" writes iam::CreateRole -> iam::CreatedRole ["iam:CreateRole" Role, "iam:TagRole" Role];
    Iam "UpdateRole" writes iam::UpdateRole -> () ["iam:UpdateRole" Role];
    Iam "UpdateAssumeRolePolicy" writes iam::UpdateAssumeRolePolicy -> () ["iam:UpdateAssumeRolePolicy" Role];
    Iam "PutRolePolicy" writes iam::PutRolePolicy -> () ["iam:PutRolePolicy" Role];
    Iam "DeleteRolePolicy" writes iam::DeleteRolePolicy -> () ["iam:DeleteRolePolicy" Role];
    Iam "AttachRolePolicy" writes iam::AttachRolePolicy -> () ["iam:AttachRolePolicy" Role];
    Iam "DetachRolePolicy" writes iam::DetachRolePolicy -> () ["iam:DetachRolePolicy" Role];
    Iam "CreatePolicy" writes iam::CreatePolicy -> String ["iam:CreatePolicy" Policy];
    Iam "CreatePolicyVersion" writes iam::CreatePolicyVersion -> String ["iam:CreatePolicyVersion" Policy];
    Iam "SetDefaultPolicyVersion" writes iam::SetDefaultPolicyVersion -> () ["iam:SetDefaultPolicyVersion" Policy];
    Iam "DeletePolicyVersion" writes iam::DeletePolicyVersion -> () ["iam:DeletePolicyVersion" Policy];
    Iam "DeletePolicy" writes iam::DeletePolicy -> () ["iam:DeletePolicy" Policy];
    Iam "PutRolePermissionsBoundary" writes iam::PutRolePermissionsBoundary -> () ["iam:PutRolePermissionsBoundary" Role];
    Iam "DeleteRolePermissionsBoundary" writes iam::DeleteRolePermissionsBoundary -> () ["iam:DeleteRolePermissionsBoundary" Role];
    Iam "TagRole" writes iam::TagRole -> () ["iam:TagRole" Role];
    Iam "UntagRole" writes iam::UntagRole -> () ["iam:UntagRole" Role];
    Iam "DeleteRole" writes iam::DeleteRole -> () ["iam:DeleteRole" Role];

    Sns "CreateTopic" writes sns::CreateTopic -> String ["sns:CreateTopic" Topic, "sns:TagResource" Topic, "iam:PassRole" PassedRole];
    Sns "ListTopics" reads sns::ListTopics -> Page<String> ["sns:ListTopics" All];
    Sns "GetTopicAttributes" reads sns::GetTopicAttributes -> sns::Attributes ["sns:GetTopicAttributes" Topic];
    Sns "SetTopicAttributes" writes sns::SetTopicAttributes -> () ["sns:SetTopicAttributes" Topic, "iam:PassRole" PassedRole];
    Sns "DeleteTopic" writes sns::DeleteTopic -> () ["sns:DeleteTopic" Topic];
    Sns "ListTagsForResource" reads sns::ListTopicTags -> crate::model::Tags ["sns:ListTagsForResource" Topic];
    Sns "TagResource" writes sns::TagTopic -> () ["sns:TagResource" Topic];
    Sns "UntagResource" writes sns::UntagTopic -> () ["sns:UntagResource" Topic];
    Sns "Subscribe" writes sns::Subscribe -> String ["sns:Subscribe" SubscribedTopic];
    Sns "Unsubscribe" writes sns::Unsubscribe -> () ["sns:Unsubscribe" All];
    Sns "GetSubscriptionAttributes" reads sns::GetSubscriptionAttributes -> sns::Attributes ["sns:GetSubscriptionAttributes" All];
    Sns "SetSubscriptionAttributes" writes sns::SetSubscriptionAttributes -> () ["sns:SetSubscriptionAttributes" All];
    Sns "ListSubscriptions" reads sns::ListSubscriptions -> Page<sns::SubscriptionListing> ["sns:ListSubscriptions" All];
    Sns "ListSubscriptionsByTopic" reads sns::ListSubscriptionsByTopic -> Page<sns::SubscriptionListing> ["sns:ListSubscriptionsByTopic" Topic];

    Sqs "CreateQueue" writes sqs::CreateQueue -> () ["sqs:CreateQueue" Queue, "sqs:TagQueue" Queue];
    Sqs "GetQueueAttributes" reads sqs::GetQueueAttributes -> sqs::Attributes ["sqs:GetQueueAttributes" Queue];
    Sqs "SetQueueAttributes" writes sqs::SetQueueAttributes -> () ["sqs:SetQueueAttributes" Queue];
    Sqs "DeleteQueue" writes sqs::DeleteQueue -> () ["sqs:DeleteQueue" Queue];
    Sqs "ListQueues" reads sqs::ListQueues -> Page<String> ["sqs:ListQueues" All];
    Sqs "ListQueueTags" reads sqs::ListQueueTags -> crate::model::Tags ["sqs:ListQueueTags" Queue];
    Sqs "TagQueue" writes sqs::TagQueue -> () ["sqs:TagQueue" Queue];
    Sqs "UntagQueue" writes sqs::UntagQueue -> () ["sqs:UntagQueue" Queue];

    ApiGateway "GetRestApis" reads apigateway::GetRestApis -> Page<apigateway::RestApiRecord> ["apigateway:GET" Apis];
    ApiGateway "CreateRestApi" writes apigateway::CreateRestApi -> apigateway::RestApiRecord ["apigateway:POST" NewApi, "apigateway:PUT" ApiTags, "apigateway:UpdateRestApiPolicy" NewApi];
    ApiGateway "PutRestApi" writes apigateway::PutRestApi -> apigateway::RestApiRecord ["apigateway:PUT" Api, "apigateway:UpdateRestApiPolicy" Api, "iam:PassRole" PassedRole];
    ApiGateway "UpdateRestApi" writes apigateway::UpdateRestApi -> apigateway::RestApiRecord ["apigateway:PATCH" Api, "apigateway:UpdateRestApiPolicy" Api];
    ApiGateway "DeleteRestApi" writes apigateway::DeleteRestApi -> () ["apigateway:DELETE" Api];
    ApiGateway "GetResources" reads apigateway::GetApiResources -> Page<apigateway::ResourceRecord> ["apigateway:GET" Api];
    ApiGateway "GetAuthorizers" reads apigateway::GetAuthorizers -> Page<String> ["apigateway:GET" Api];
    ApiGateway "GetModels" reads apigateway::GetModels -> Page<String> ["apigateway:GET" Api];
    ApiGateway "GetRequestValidators" reads apigateway::GetRequestValidators -> Page<String> ["apigateway:GET" Api];
    ApiGateway "GetGatewayResponses" reads apigateway::GetGatewayResponses -> Page<String> ["apigateway:GET" Api];
    ApiGateway "GetDocumentationParts" reads apigateway::GetDocumentationParts -> Page<String> ["apigateway:GET" Api];
    ApiGateway "UpdateMethod" writes apigateway::UpdateMethod -> () ["apigateway:PATCH" Api];
    ApiGateway "CreateDeployment" writes apigateway::CreateDeployment -> apigateway::DeploymentRecord ["apigateway:POST" Api];
    ApiGateway "GetDeployment" reads apigateway::GetDeployment -> apigateway::DeploymentRecord ["apigateway:GET" Api];
    ApiGateway "GetDeployments" reads apigateway::GetDeployments -> Page<apigateway::DeploymentRecord> ["apigateway:GET" Api];
    ApiGateway "DeleteDeployment" writes apigateway::DeleteDeployment -> () ["apigateway:DELETE" Api];
    ApiGateway "GetStages" reads apigateway::GetStages -> Vec<apigateway::StageRecord> ["apigateway:GET" Api];
    ApiGateway "UpdateStage" writes apigateway::UpdateStage -> () ["apigateway:PATCH" Api];
    ApiGateway "DeleteStage" writes apigateway::DeleteStage -> () ["apigateway:DELETE" Api];
    ApiGateway "TagResource" writes apigateway::TagApi -> () ["apigateway:PUT" ApiTags];
    ApiGateway "UntagResource" writes apigateway::UntagApi -> () ["apigateway:DELETE" ApiTags];

    Kms "DescribeKey" reads kms::DescribeKey -> String ["kms:DescribeKey" KeyAlias];
    Kms "GetKeyPolicy" reads kms::GetKeyPolicy -> String ["kms:GetKeyPolicy" Key];
    Kms "PutKeyPolicy" writes kms::PutKeyPolicy -> () ["kms:PutKeyPolicy" Key];

    Organizations "DescribeOrganization" reads organizations::DescribeOrganization -> organizations::OrganizationRecord ["organizations:DescribeOrganization" All];
    Organizations "ListRoots" reads organizations::ListRoots -> Page<organizations::RootRecord> ["organizations:ListRoots" All];
    Organizations "ListParents" reads organizations::ListParents -> Page<String> ["organizations:ListParents" OrganizationTarget];
    Organizations "ListPoliciesForTarget" reads organizations::ListPoliciesForTarget -> Page<organizations::PolicyRecord> ["organizations:ListPoliciesForTarget" OrganizationTarget];
    Organizations "DescribePolicy" reads organizations::DescribePolicy -> String ["organizations:DescribePolicy" OrganizationPolicy];

    CloudControl "GetResource" reads cloudcontrol::GetVpcEndpoint -> String ["cloudformation:GetResource" All, "ec2:DescribeVpcEndpoints" All];

    Tagging "GetResources" reads tagging::GetTagged -> Page<tagging::Tagged> ["tag:GetResources" All];
}
