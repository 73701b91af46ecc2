//! The calls there are, each with its answer.

use std::fmt;

use serde::{Deserialize, Serialize};

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
    ($( $service:ident $action:literal $does:ident $module:ident :: $name:ident -> $answer:ty ; )*) => {
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

calls! {
    Sts "GetCallerIdentity" reads sts::GetCallerIdentity -> sts::Caller;

    Iam "GetAccountAuthorizationDetails" reads iam::GetAccountAuthorizationDetails -> Page<iam::AccountDetail>;
    Iam "ListRoles" reads iam::ListRoles -> Page<iam::RoleListing>;
    Iam "GetAccountSummary" reads iam::GetAccountSummary -> std::collections::BTreeMap<String, i32>;
    Iam "GetPolicy" reads iam::GetPolicy -> String;
    Iam "GetPolicyVersion" reads iam::GetPolicyVersion -> String;
    Iam "CreateRole" writes iam::CreateRole -> iam::CreatedRole;
    Iam "UpdateRole" writes iam::UpdateRole -> ();
    Iam "UpdateAssumeRolePolicy" writes iam::UpdateAssumeRolePolicy -> ();
    Iam "PutRolePolicy" writes iam::PutRolePolicy -> ();
    Iam "DeleteRolePolicy" writes iam::DeleteRolePolicy -> ();
    Iam "AttachRolePolicy" writes iam::AttachRolePolicy -> ();
    Iam "DetachRolePolicy" writes iam::DetachRolePolicy -> ();
    Iam "CreatePolicy" writes iam::CreatePolicy -> String;
    Iam "CreatePolicyVersion" writes iam::CreatePolicyVersion -> String;
    Iam "SetDefaultPolicyVersion" writes iam::SetDefaultPolicyVersion -> ();
    Iam "DeletePolicyVersion" writes iam::DeletePolicyVersion -> ();
    Iam "DeletePolicy" writes iam::DeletePolicy -> ();
    Iam "PutRolePermissionsBoundary" writes iam::PutRolePermissionsBoundary -> ();
    Iam "DeleteRolePermissionsBoundary" writes iam::DeleteRolePermissionsBoundary -> ();
    Iam "TagRole" writes iam::TagRole -> ();
    Iam "UntagRole" writes iam::UntagRole -> ();
    Iam "DeleteRole" writes iam::DeleteRole -> ();

    Sns "CreateTopic" writes sns::CreateTopic -> String;
    Sns "ListTopics" reads sns::ListTopics -> Page<String>;
    Sns "GetTopicAttributes" reads sns::GetTopicAttributes -> sns::Attributes;
    Sns "SetTopicAttributes" writes sns::SetTopicAttributes -> ();
    Sns "DeleteTopic" writes sns::DeleteTopic -> ();
    Sns "ListTagsForResource" reads sns::ListTopicTags -> crate::model::Tags;
    Sns "TagResource" writes sns::TagTopic -> ();
    Sns "UntagResource" writes sns::UntagTopic -> ();
    Sns "Subscribe" writes sns::Subscribe -> String;
    Sns "Unsubscribe" writes sns::Unsubscribe -> ();
    Sns "GetSubscriptionAttributes" reads sns::GetSubscriptionAttributes -> sns::Attributes;
    Sns "SetSubscriptionAttributes" writes sns::SetSubscriptionAttributes -> ();
    Sns "ListSubscriptions" reads sns::ListSubscriptions -> Page<sns::SubscriptionListing>;
    Sns "ListSubscriptionsByTopic" reads sns::ListSubscriptionsByTopic -> Page<sns::SubscriptionListing>;

    Sqs "CreateQueue" writes sqs::CreateQueue -> ();
    Sqs "GetQueueAttributes" reads sqs::GetQueueAttributes -> sqs::Attributes;
    Sqs "SetQueueAttributes" writes sqs::SetQueueAttributes -> ();
    Sqs "DeleteQueue" writes sqs::DeleteQueue -> ();
    Sqs "ListQueues" reads sqs::ListQueues -> Page<String>;
    Sqs "ListQueueTags" reads sqs::ListQueueTags -> crate::model::Tags;
    Sqs "TagQueue" writes sqs::TagQueue -> ();
    Sqs "UntagQueue" writes sqs::UntagQueue -> ();

    ApiGateway "GetRestApis" reads apigateway::GetRestApis -> Page<apigateway::RestApiRecord>;
    ApiGateway "CreateRestApi" writes apigateway::CreateRestApi -> apigateway::RestApiRecord;
    ApiGateway "PutRestApi" writes apigateway::PutRestApi -> apigateway::RestApiRecord;
    ApiGateway "UpdateRestApi" writes apigateway::UpdateRestApi -> apigateway::RestApiRecord;
    ApiGateway "DeleteRestApi" writes apigateway::DeleteRestApi -> ();
    ApiGateway "GetResources" reads apigateway::GetApiResources -> Page<apigateway::ResourceRecord>;
    ApiGateway "GetAuthorizers" reads apigateway::GetAuthorizers -> Page<String>;
    ApiGateway "GetModels" reads apigateway::GetModels -> Page<String>;
    ApiGateway "GetRequestValidators" reads apigateway::GetRequestValidators -> Page<String>;
    ApiGateway "GetGatewayResponses" reads apigateway::GetGatewayResponses -> Page<String>;
    ApiGateway "GetDocumentationParts" reads apigateway::GetDocumentationParts -> Page<String>;
    ApiGateway "UpdateMethod" writes apigateway::UpdateMethod -> ();
    ApiGateway "CreateDeployment" writes apigateway::CreateDeployment -> apigateway::DeploymentRecord;
    ApiGateway "GetDeployment" reads apigateway::GetDeployment -> apigateway::DeploymentRecord;
    ApiGateway "GetDeployments" reads apigateway::GetDeployments -> Page<apigateway::DeploymentRecord>;
    ApiGateway "DeleteDeployment" writes apigateway::DeleteDeployment -> ();
    ApiGateway "GetStages" reads apigateway::GetStages -> Vec<apigateway::StageRecord>;
    ApiGateway "UpdateStage" writes apigateway::UpdateStage -> ();
    ApiGateway "DeleteStage" writes apigateway::DeleteStage -> ();
    ApiGateway "TagResource" writes apigateway::TagApi -> ();
    ApiGateway "UntagResource" writes apigateway::UntagApi -> ();

    Kms "DescribeKey" reads kms::DescribeKey -> String;
    Kms "GetKeyPolicy" reads kms::GetKeyPolicy -> String;
    Kms "PutKeyPolicy" writes kms::PutKeyPolicy -> ();

    Organizations "DescribeOrganization" reads organizations::DescribeOrganization -> organizations::OrganizationRecord;
    Organizations "ListRoots" reads organizations::ListRoots -> Page<organizations::RootRecord>;
    Organizations "ListParents" reads organizations::ListParents -> Page<String>;
    Organizations "ListPoliciesForTarget" reads organizations::ListPoliciesForTarget -> Page<organizations::PolicyRecord>;
    Organizations "DescribePolicy" reads organizations::DescribePolicy -> String;

    CloudControl "GetResource" reads cloudcontrol::GetVpcEndpoint -> String;

    Tagging "GetResources" reads tagging::GetTagged -> Page<tagging::Tagged>;
}
