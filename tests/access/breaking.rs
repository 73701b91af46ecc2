//! Statements taken out of live policies, and put in: each must be noticed.
//!
//! A check that stays green when a statement is gone checks nothing, and one
//! that stays green when a statement lets everybody in is worse.

use std::collections::BTreeMap;

use provision::cloud::apigateway::{CreateDeployment, GetRestApis, Patch, UpdateRestApi};
use provision::cloud::iam::{
    AccountDetail, DeleteRolePolicy, GetAccountAuthorizationDetails, PutRolePolicy,
    UpdateAssumeRolePolicy,
};
use provision::cloud::sns::{GetTopicAttributes, SetTopicAttributes};
use provision::cloud::sqs::{GetQueueAttributes, SetQueueAttributes};
use provision::kinds::Resource;
use provision::model::KindName;
use provision::policy::{Clause, Document, PrincipalClause, Principals, Statement};

use crate::ground::Ground;

/// A live policy that the stack made.
#[derive(Clone, Debug)]
pub(crate) enum Holder {
    /// A role's inline policy: account, role, policy.
    Inline(String, String, String),
    /// A role's trust policy: account, role.
    Trust(String, String),
    /// A topic's policy: account, ARN.
    Topic(String, String),
    /// A queue's policy: account, name.
    Queue(String, String),
    /// An API's policy: account, the API's name in the stack.
    Api(String, String),
}

/// Every policy of a stack, as it is live.
pub(crate) fn policies(ground: &Ground) -> Vec<(Holder, Document)> {
    let mut all = Vec::new();
    for (address, want) in &ground.desired.wants {
        let account = want.place.account.clone();
        match &want.resource {
            Resource::Role(role) => {
                let page =
                    ground.as_root(&account, GetAccountAuthorizationDetails { marker: None });
                let live = page
                    .items
                    .into_iter()
                    .filter_map(AccountDetail::role)
                    .find(|it| it.arn == role.arn.as_str());
                let live = live.expect("the role is there");
                for (name, text) in &live.inline {
                    let document = Document::parse_encoded(text).expect("a document");
                    let holder = Holder::Inline(account.clone(), live.name.clone(), name.clone());
                    all.push((holder, document));
                }
                let document = Document::parse_encoded(&live.trust).expect("a document");
                all.push((Holder::Trust(account, live.name), document));
            }
            Resource::Topic(topic) => {
                let arn = topic.arn.to_string();
                let get = GetTopicAttributes { arn: arn.clone() };
                let text = &ground.as_root(&account, get)["Policy"];
                let document = Document::parse(text).expect("a document");
                all.push((Holder::Topic(account, arn), document));
            }
            Resource::Queue(queue) => {
                let name = queue.arn.name().to_owned();
                let get = GetQueueAttributes { name: name.clone() };
                if let Some(text) = ground.as_root(&account, get).get("Policy") {
                    let document = Document::parse(text).expect("a document");
                    all.push((Holder::Queue(account, name), document));
                }
            }
            Resource::RestApi(_) => {
                let name = address.name.clone();
                let id = &ground.doors[&name].id;
                let page = ground.as_root(&account, GetRestApis { position: None });
                let live = page.items.into_iter().find(|it| it.id == *id);
                if let Some(text) = live.expect("the API is there").policy {
                    let document = Document::parse_escaped(&text).expect("a document");
                    all.push((Holder::Api(account, name), document));
                }
            }
            // No stack that is tried here declares a key.
            Resource::Key(_) | Resource::Subscription(_) | Resource::Stage(_) => {
                assert_ne!(address.kind, KindName::Role);
            }
        }
    }
    all
}

/// Writes a live policy anew; nothing is left of it when there is no statement.
pub(crate) fn write(ground: &Ground, holder: &Holder, document: &Document) {
    let bare = document.statements.is_empty();
    let text = document.to_text();
    match holder {
        Holder::Inline(account, role, policy) if bare => ground.as_root(
            account,
            DeleteRolePolicy {
                name: role.clone(),
                policy: policy.clone(),
            },
        ),
        Holder::Inline(account, role, policy) => ground.as_root(
            account,
            PutRolePolicy {
                name: role.clone(),
                policy: policy.clone(),
                document: text,
            },
        ),
        Holder::Trust(account, role) => {
            // A role always trusts somebody.
            let nobody = Statement::allow("", Clause::of(["sts:AssumeRole"]))
                .to(PrincipalClause::service(["support.amazonaws.com"]));
            let document = if bare {
                Document::of(vec![nobody]).to_text()
            } else {
                text
            };
            let name = role.clone();
            ground.as_root(account, UpdateAssumeRolePolicy { name, document });
        }
        Holder::Topic(account, arn) => {
            assert!(!bare, "a topic always has a policy");
            ground.as_root(
                account,
                SetTopicAttributes {
                    arn: arn.clone(),
                    name: "Policy".to_owned(),
                    value: text,
                },
            );
        }
        Holder::Queue(account, name) => {
            let text = if bare { String::new() } else { text };
            let attributes = BTreeMap::from([("Policy".to_owned(), text)]);
            let name = name.clone();
            ground.as_root(account, SetQueueAttributes { name, attributes });
        }
        Holder::Api(account, name) => {
            let door = &ground.doors[name];
            let text = if bare { String::new() } else { text };
            let update = UpdateRestApi {
                id: door.id.clone(),
                patches: vec![Patch::replace("/policy", text)],
            };
            ground.as_root(account, update);
            // It counts from the next deployment on.
            let deploy = CreateDeployment {
                id: door.id.clone(),
                stage: door.stage.clone(),
                description: "changed by hand".to_owned(),
                variables: BTreeMap::new(),
            };
            ground.as_root(account, deploy);
        }
    }
}

/// Whether a statement lets only AWS services in: no role can try those.
pub(crate) fn is_for_services(statement: &Statement) -> bool {
    match statement.principal.as_ref().map(|it| &it.principals) {
        Some(Principals::Of(types)) => types.keys().all(|it| it == "Service"),
        _ => false,
    }
}
