//! Another operator: calls straight to the cloud, past the engine.

use std::collections::BTreeMap;
use std::time::Duration;

use provision::cloud::apigateway::{
    CreateDeployment, DeleteDeployment, DeleteRestApi, DeleteStage, DeploymentRecord,
    GetApiResources, GetDeployments, GetRestApis, GetStages, Patch, ResourceRecord, StageRecord,
    UpdateMethod, UpdateRestApi,
};
use provision::cloud::{Call, Cloud, Fault, all_pages, call, iam, sns, sqs};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::world::place;

pub(crate) const SHOP: &str = "111111111111";
pub(crate) const BILLING: &str = "222222222222";
pub(crate) const ORDERS: &str = "333333333333";
pub(crate) const TOPIC: &str = "arn:aws:sns:eu-west-1:333333333333:order-events";
pub(crate) const QUEUE: &str = "arn:aws:sqs:eu-west-1:222222222222:billing-inbox";

/// One call in an account, that must come off, and is sent again while there are too many.
pub(crate) async fn send<C: Call + Clone>(cloud: &dyn Cloud, account: &str, it: C) -> C::Answer {
    loop {
        match call(cloud, &place(account), it.clone()).await {
            Ok(answer) => return answer,
            Err(error) if error.fault == Fault::Throttled => sleep(Duration::from_secs(1)).await,
            Err(error) => panic!("{}: {error}", C::ACTION),
        }
    }
}

/// A statement that lets everybody publish.
pub(crate) fn anybody(sid: &str) -> Value {
    json!({
        "Sid": sid, "Effect": "Allow", "Principal": {"AWS": "*"},
        "Action": "sns:Publish", "Resource": TOPIC,
    })
}

/// Changes the policy of the topic.
pub(crate) async fn rewrite_topic(cloud: &dyn Cloud, change: impl Fn(&mut Vec<Value>)) {
    let call = sns::GetTopicAttributes {
        arn: TOPIC.to_owned(),
    };
    let attributes = send(cloud, ORDERS, call).await;
    let mut policy: Value = serde_json::from_str(&attributes["Policy"]).expect("JSON");
    change(policy["Statement"].as_array_mut().expect("a list"));
    let call = sns::SetTopicAttributes {
        arn: TOPIC.to_owned(),
        name: "Policy".to_owned(),
        value: policy.to_string(),
    };
    send(cloud, ORDERS, call).await;
}

/// Puts an inline policy that allows everything on a role.
pub(crate) async fn crown(cloud: &dyn Cloud, account: &str, role: &str, policy: &str) {
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    });
    let call = iam::PutRolePolicy {
        name: role.to_owned(),
        policy: policy.to_owned(),
        document: document.to_string(),
    };
    send(cloud, account, call).await;
}

/// A role as IAM has it.
pub(crate) async fn role(cloud: &dyn Cloud, account: &str, name: &str) -> iam::RoleDetail {
    let ask = |marker| iam::GetAccountAuthorizationDetails { marker };
    let all = all_pages(cloud, &place(account), ask).await.expect("roles");
    all.into_iter()
        .filter_map(iam::AccountDetail::role)
        .find(|it| it.name == name)
        .expect("the role")
}

/// Deletes a role with all that is on it.
pub(crate) async fn delete_role(cloud: &dyn Cloud, account: &str, name: &str) -> iam::RoleDetail {
    let found = role(cloud, account, name).await;
    for policy in found.inline.keys().cloned() {
        let name = name.to_owned();
        send(cloud, account, iam::DeleteRolePolicy { name, policy }).await;
    }
    for policy in found.attached.iter().cloned() {
        let name = name.to_owned();
        send(cloud, account, iam::DetachRolePolicy { name, policy }).await;
    }
    let name = name.to_owned();
    send(cloud, account, iam::DeleteRole { name }).await;
    found
}

/// Deletes a role and makes it again as it was, by name and tags: only its id is another.
pub(crate) async fn remake_role(cloud: &dyn Cloud, account: &str, name: &str) {
    let old = delete_role(cloud, account, name).await;
    let decoded = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8()
            .expect("UTF-8")
            .into_owned()
    };
    let make = iam::CreateRole {
        name: name.to_owned(),
        path: old.path.clone(),
        trust: decoded(&old.trust),
        description: None,
        max_session: 3600,
        boundary: None,
        tags: old.tags.clone(),
    };
    send(cloud, account, make).await;
    for (policy, document) in &old.inline {
        let put = iam::PutRolePolicy {
            name: name.to_owned(),
            policy: policy.clone(),
            document: decoded(document),
        };
        send(cloud, account, put).await;
    }
}

/// A queue with nothing said.
pub(crate) async fn make_queue(cloud: &dyn Cloud, account: &str, name: &str) {
    let call = sqs::CreateQueue {
        name: name.to_owned(),
        attributes: BTreeMap::new(),
        tags: BTreeMap::new(),
    };
    send(cloud, account, call).await;
}

/// A topic with nothing said.
pub(crate) async fn make_topic(cloud: &dyn Cloud, account: &str, name: &str) {
    let call = sns::CreateTopic {
        name: name.to_owned(),
        attributes: BTreeMap::new(),
        tags: BTreeMap::new(),
    };
    send(cloud, account, call).await;
}

/// A role that a service may assume.
pub(crate) async fn make_role(cloud: &dyn Cloud, account: &str, name: &str) {
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole",
        }],
    });
    let call = iam::CreateRole {
        name: name.to_owned(),
        path: "/".to_owned(),
        trust: trust.to_string(),
        description: None,
        max_session: 3600,
        boundary: None,
        tags: BTreeMap::new(),
    };
    send(cloud, account, call).await;
}

/// The id of the orders API.
pub(crate) async fn api_id(cloud: &dyn Cloud) -> String {
    let ask = GetRestApis { position: None };
    let mut found = send(cloud, ORDERS, ask).await.items;
    assert_eq!(found.len(), 1, "one API");
    found.remove(0).id
}

pub(crate) async fn stages(cloud: &dyn Cloud) -> Vec<StageRecord> {
    let id = api_id(cloud).await;
    send(cloud, ORDERS, GetStages { id }).await
}

pub(crate) async fn deployments(cloud: &dyn Cloud) -> Vec<DeploymentRecord> {
    let id = api_id(cloud).await;
    let position = None;
    send(cloud, ORDERS, GetDeployments { id, position })
        .await
        .items
}

pub(crate) async fn resources(cloud: &dyn Cloud) -> Vec<ResourceRecord> {
    let id = api_id(cloud).await;
    let position = None;
    send(cloud, ORDERS, GetApiResources { id, position })
        .await
        .items
}

/// Takes the authorizer off a method; nothing is served of it yet.
pub(crate) async fn unsign(cloud: &dyn Cloud, verb: &str, path: &str) {
    let all = resources(cloud).await;
    let resource = all.iter().find(|it| it.path == path).expect("the path");
    let call = UpdateMethod {
        id: api_id(cloud).await,
        resource: resource.id.clone(),
        verb: verb.to_owned(),
        patches: vec![Patch::replace("/authorizationType", "NONE")],
    };
    send(cloud, ORDERS, call).await;
}

/// Deploys the API as it is, with a description of one's own.
pub(crate) async fn deploy(cloud: &dyn Cloud, description: &str) {
    let call = CreateDeployment {
        id: api_id(cloud).await,
        stage: "live".to_owned(),
        description: description.to_owned(),
        variables: BTreeMap::new(),
    };
    send(cloud, ORDERS, call).await;
}

/// Replaces the API's resource policy.
pub(crate) async fn set_api_policy(cloud: &dyn Cloud, text: &str) {
    let call = UpdateRestApi {
        id: api_id(cloud).await,
        patches: vec![Patch::replace("/policy", text)],
    };
    send(cloud, ORDERS, call).await;
}

pub(crate) async fn delete_stage(cloud: &dyn Cloud) {
    let call = DeleteStage {
        id: api_id(cloud).await,
        stage: "live".to_owned(),
    };
    send(cloud, ORDERS, call).await;
}

pub(crate) async fn delete_deployment(cloud: &dyn Cloud, deployment: &str) {
    let call = DeleteDeployment {
        id: api_id(cloud).await,
        deployment: deployment.to_owned(),
    };
    send(cloud, ORDERS, call).await;
}

pub(crate) async fn delete_api(cloud: &dyn Cloud) {
    let id = api_id(cloud).await;
    send(cloud, ORDERS, DeleteRestApi { id }).await;
}

/// The subscriptions of the topic.
pub(crate) async fn subscriptions(cloud: &dyn Cloud) -> Vec<sns::SubscriptionListing> {
    let call = sns::ListSubscriptionsByTopic {
        topic: TOPIC.to_owned(),
        token: None,
    };
    send(cloud, ORDERS, call).await.items
}
