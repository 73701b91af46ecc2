//! Finding by tag, and who the caller is.

use provision::cloud::apigateway::CreateRestApi;
use provision::cloud::sns::CreateTopic;
use provision::cloud::sqs::CreateQueue;
use provision::cloud::sts::GetCallerIdentity;
use provision::cloud::tagging::GetTagged;
use provision::model::Arn;
use serde_json::json;

use crate::apigateway::api;
use crate::iam::{role, trust_of};
use crate::{World, map};

crate::scenarios! {
    topics_queues_and_apis_are_found_by_tag_and_roles_are_not,
    the_caller_is_of_the_account,
}

async fn topics_queues_and_apis_are_found_by_tag_and_roles_are_not(w: &World<'_>) {
    let tags = map([("provision:stack", "shop"), ("team", "a")]);
    for (name, stack) in [("ours", "shop"), ("theirs", "other")] {
        let tags = map([("provision:stack", stack), ("team", "a")]);
        let topic = CreateTopic {
            name: name.to_owned(),
            attributes: map([]),
            tags: tags.clone(),
        };
        w.ok(&w.a, topic).await;
        let queue = CreateQueue {
            name: name.to_owned(),
            attributes: map([]),
            tags,
        };
        w.ok(&w.a, queue).await;
    }
    let made = CreateRestApi {
        tags: tags.clone(),
        ..api("ours")
    };
    let id = w.ok(&w.a, made).await.id;
    let trust = trust_of(&json!({ "Service": "lambda.amazonaws.com" }));
    let mut role = role("ours", trust);
    role.tags.clone_from(&tags);
    w.ok(&w.a, role).await;

    let mut found = w
        .all(&w.a, |token| GetTagged {
            key: "provision:stack".to_owned(),
            value: "shop".to_owned(),
            token,
        })
        .await;
    found.sort_by(|a, b| a.arn.cmp(&b.arn));
    let mut expected = [
        format!("arn:aws:apigateway:{}::/restapis/{id}", w.a.region),
        Arn::regional(&w.a, "sns", "ours").to_string(),
        Arn::regional(&w.a, "sqs", "ours").to_string(),
    ];
    expected.sort();
    let arns: Vec<&str> = found.iter().map(|it| it.arn.as_str()).collect();
    assert_eq!(arns, expected);
    assert!(found.iter().all(|it| it.tags == tags), "{found:?}");
}

async fn the_caller_is_of_the_account(w: &World<'_>) {
    let caller = w.ok(&w.a, GetCallerIdentity {}).await;
    assert_eq!(caller.account, w.a.id.as_str());
    assert!(caller.arn.contains(w.a.id.as_str()), "{}", caller.arn);
    let caller = w.ok(&w.b, GetCallerIdentity {}).await;
    assert_eq!(caller.account, w.b.id.as_str());
}
