//! The calls that a plan will make, told before any of them is made.
//!
//! The plan is carried out for real, against a cloud that agrees to everything
//! and does nothing. So the list is what apply sends, call for call, as long as
//! AWS refuses nothing and makes nobody wait.

use std::cell::RefCell;
use std::collections::BTreeMap;

use futures::future::LocalBoxFuture;
use futures::stream;

use super::run::carry_out;
use crate::cloud::apigateway::{DeploymentRecord, PatchOp, RestApiRecord};
use crate::cloud::iam::CreatedRole;
use crate::cloud::pace::{Forecast, limits};
use crate::cloud::{Answer, CallError, Cloud, Page, Request};
use crate::model::{Address, Arn, Place};
use crate::plan::Plan;

/// What stands for an id that AWS will choose.
const LATER: &str = "later";

/// The calls of a plan, in an order in which they may be made.
#[derive(Debug, Default)]
pub struct Rehearsal {
    /// Where, and what.
    pub calls: Vec<(Place, Request)>,
}

impl Rehearsal {
    /// The least time AWS's published rates leave, with the rate that makes it so.
    #[must_use]
    pub fn least_time(&self) -> Option<(std::time::Duration, String)> {
        let mut forecast = Forecast::default();
        for (place, request) in &self.calls {
            forecast.add(place, limits(&place.region, request));
        }
        forecast
            .time()
            .map(|(time, limit)| (time, limit.rate.to_owned()))
    }
}

/// Carries a plan out against nothing. `cloud` answers what has to be read on the way.
pub async fn rehearse(plan: &Plan, ids: BTreeMap<Address, String>, cloud: &dyn Cloud) -> Rehearsal {
    let stage = Stage {
        cloud,
        calls: RefCell::default(),
    };
    let outcomes = carry_out(plan, &stage, ids, stream::pending(), &|_| (), false).await;
    debug_assert!(
        outcomes.all_done(),
        "a rehearsal has nobody to refuse it: {outcomes:?}"
    );
    Rehearsal {
        calls: stage.calls.into_inner(),
    }
}

/// A cloud that agrees to everything and does nothing.
struct Stage<'a> {
    cloud: &'a dyn Cloud,
    calls: RefCell<Vec<(Place, Request)>>,
}

impl Cloud for Stage<'_> {
    fn send<'a>(
        &'a self,
        at: &'a Place,
        request: Request,
    ) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        Box::pin(async move {
            let made = |(_, it): &(Place, Request)| matches!(it, Request::CreateRestApi(_));
            let made = self.calls.borrow().iter().any(made);
            self.calls.borrow_mut().push((at.clone(), request.clone()));
            if made && matches!(request, Request::GetRestApis(_)) {
                // The listing after an API was made: it shows the one that was made, and no other.
                let id = LATER.to_owned();
                let items = vec![RestApiRecord {
                    id,
                    ..RestApiRecord::default()
                }];
                return Ok(Answer::GetRestApis(Page { items, next: None }));
            }
            match agreed(at, &request) {
                Some(answer) => Ok(answer),
                None => self.cloud.send(at, request).await,
            }
        })
    }

    fn now(&self) -> i64 {
        self.cloud.now()
    }
}

/// What AWS answers when all goes well; `None` for what only reads.
fn agreed(at: &Place, request: &Request) -> Option<Answer> {
    let record = |id: &str, policy: Option<String>| RestApiRecord {
        id: id.to_owned(),
        policy,
        ..RestApiRecord::default()
    };
    Some(match request {
        Request::CreateRole(it) => Answer::CreateRole(CreatedRole {
            arn: Arn::role(at, &it.path, &it.name).to_string(),
            id: LATER.to_owned(),
        }),
        Request::CreateTopic(it) => {
            Answer::CreateTopic(Arn::regional(at, "sns", &it.name).to_string())
        }
        Request::Subscribe(it) => Answer::Subscribe(format!("{}:{LATER}", it.topic)),
        Request::CreateRestApi(it) => Answer::CreateRestApi(record(LATER, it.policy.clone())),
        Request::PutRestApi(it) => {
            let body: serde_json::Value = serde_json::from_str(&it.body).unwrap_or_default();
            let policy = body
                .get("x-amazon-apigateway-policy")
                .map(ToString::to_string);
            Answer::PutRestApi(record(&it.id, policy))
        }
        Request::UpdateRestApi(it) => {
            let patch = it
                .patches
                .iter()
                .find(|it| it.path == "/policy" && it.op != PatchOp::Remove);
            let policy = patch
                .and_then(|it| it.value.clone())
                .filter(|it| !it.is_empty());
            Answer::UpdateRestApi(record(&it.id, policy))
        }
        Request::CreateDeployment(it) => Answer::CreateDeployment(DeploymentRecord {
            id: LATER.to_owned(),
            description: Some(it.description.clone()),
            ..DeploymentRecord::default()
        }),
        Request::UpdateRole(_) => Answer::UpdateRole(()),
        Request::UpdateAssumeRolePolicy(_) => Answer::UpdateAssumeRolePolicy(()),
        Request::PutRolePolicy(_) => Answer::PutRolePolicy(()),
        Request::DeleteRolePolicy(_) => Answer::DeleteRolePolicy(()),
        Request::AttachRolePolicy(_) => Answer::AttachRolePolicy(()),
        Request::DetachRolePolicy(_) => Answer::DetachRolePolicy(()),
        Request::CreatePolicy(it) => {
            Answer::CreatePolicy(Arn::policy(at, &it.path, &it.name).to_string())
        }
        Request::CreatePolicyVersion(_) => Answer::CreatePolicyVersion(LATER.to_owned()),
        Request::SetDefaultPolicyVersion(_) => Answer::SetDefaultPolicyVersion(()),
        Request::DeletePolicyVersion(_) => Answer::DeletePolicyVersion(()),
        Request::DeletePolicy(_) => Answer::DeletePolicy(()),
        Request::PutKeyPolicy(_) => Answer::PutKeyPolicy(()),
        Request::PutRolePermissionsBoundary(_) => Answer::PutRolePermissionsBoundary(()),
        Request::DeleteRolePermissionsBoundary(_) => Answer::DeleteRolePermissionsBoundary(()),
        Request::TagRole(_) => Answer::TagRole(()),
        Request::UntagRole(_) => Answer::UntagRole(()),
        Request::DeleteRole(_) => Answer::DeleteRole(()),
        Request::SetTopicAttributes(_) => Answer::SetTopicAttributes(()),
        Request::DeleteTopic(_) => Answer::DeleteTopic(()),
        Request::TagTopic(_) => Answer::TagTopic(()),
        Request::UntagTopic(_) => Answer::UntagTopic(()),
        Request::Unsubscribe(_) => Answer::Unsubscribe(()),
        Request::SetSubscriptionAttributes(_) => Answer::SetSubscriptionAttributes(()),
        Request::CreateQueue(_) => Answer::CreateQueue(()),
        Request::SetQueueAttributes(_) => Answer::SetQueueAttributes(()),
        Request::DeleteQueue(_) => Answer::DeleteQueue(()),
        Request::TagQueue(_) => Answer::TagQueue(()),
        Request::UntagQueue(_) => Answer::UntagQueue(()),
        Request::DeleteRestApi(_) => Answer::DeleteRestApi(()),
        Request::UpdateMethod(_) => Answer::UpdateMethod(()),
        Request::DeleteDeployment(_) => Answer::DeleteDeployment(()),
        Request::UpdateStage(_) => Answer::UpdateStage(()),
        Request::DeleteStage(_) => Answer::DeleteStage(()),
        Request::TagApi(_) => Answer::TagApi(()),
        Request::UntagApi(_) => Answer::UntagApi(()),
        Request::GetCallerIdentity(_)
        | Request::GetAccountAuthorizationDetails(_)
        | Request::ListRoles(_)
        | Request::GetAccountSummary(_)
        | Request::GetPolicy(_)
        | Request::GetPolicyVersion(_)
        | Request::GetTopicAttributes(_)
        | Request::ListTopicTags(_)
        | Request::GetSubscriptionAttributes(_)
        | Request::ListTopics(_)
        | Request::ListSubscriptions(_)
        | Request::ListSubscriptionsByTopic(_)
        | Request::GetQueueAttributes(_)
        | Request::ListQueues(_)
        | Request::ListQueueTags(_)
        | Request::GetRestApis(_)
        | Request::GetApiResources(_)
        | Request::GetAuthorizers(_)
        | Request::GetModels(_)
        | Request::GetRequestValidators(_)
        | Request::GetGatewayResponses(_)
        | Request::GetDocumentationParts(_)
        | Request::GetDeployment(_)
        | Request::GetDeployments(_)
        | Request::GetStages(_)
        | Request::DescribeKey(_)
        | Request::GetKeyPolicy(_)
        | Request::DescribeOrganization(_)
        | Request::ListRoots(_)
        | Request::ListParents(_)
        | Request::ListPoliciesForTarget(_)
        | Request::DescribePolicy(_)
        | Request::GetVpcEndpoint(_)
        | Request::GetTagged(_) => return None,
    })
}
