//! What takes AWS a while after a call was answered.

use std::time::Duration;

use provision::cloud::Fault;
use provision::cloud::apigateway::{GetRestApis, Patch, UpdateRestApi};
use provision::cloud::iam::CreateRole;
use provision::cloud::sandbox::Habits;
use provision::cloud::sns::{CreateTopic, Subscribe};
use provision::cloud::sqs::{CreateQueue, GetQueueAttributes, ListQueues};
use provision::model::Arn;
use serde_json::json;

use crate::adoption::apply;
use crate::apigateway::api;
use crate::emulator::Emulator;
use crate::iam::trust_of;
use crate::world::{drift, wanted};
use crate::{World, map, on_a_sandbox, on_an_emulator};

/// How long AWS takes here.
const DELAY: Duration = Duration::from_secs(3);

fn on_a_slow_sandbox(scenario: impl AsyncFnOnce(&World<'_>)) {
    let habits = Habits {
        visibility: DELAY,
        migration: DELAY,
        propagation: DELAY,
        hearsay: DELAY,
        ..Habits::default()
    };
    on_a_sandbox(habits, scenario);
}

fn on_a_slow_emulator(scenario: impl AsyncFnOnce(&World<'_>)) {
    let switches = [
        ("AUTH", "true"),
        ("EMULATOR_QUEUE_VISIBILITY_S", "3"),
        ("EMULATOR_API_UPDATING_S", "3"),
        ("EMULATOR_PROPAGATION_S", "3"),
        ("EMULATOR_TOPIC_POLICY_S", "3"),
    ];
    if let Some(emulator) = Emulator::start(&switches) {
        on_an_emulator(&emulator, scenario);
    }
}

async fn an_api_whose_endpoint_changes_takes_no_other_change_of_it_for_a_while(w: &World<'_>) {
    let id = w.ok(&w.a, api("moving")).await.id;
    let change = |from: &str, to: &str| UpdateRestApi {
        id: id.clone(),
        patches: vec![Patch::replace(
            format!("/endpointConfiguration/types/{from}"),
            to,
        )],
    };
    let changed = w.ok(&w.a, change("REGIONAL", "EDGE")).await;
    assert_eq!(changed.status.as_deref(), Some("UPDATING"));
    let listed = w.all(&w.a, |position| GetRestApis { position }).await;
    assert_eq!(listed[0].status.as_deref(), Some("UPDATING"));
    w.refused(&w.a, Fault::Conflict, change("EDGE", "REGIONAL"))
        .await;
    // Its policy can be changed meanwhile.
    let patches = vec![Patch::replace("/policy", "")];
    w.ok(
        &w.a,
        UpdateRestApi {
            id: id.clone(),
            patches,
        },
    )
    .await;
    tokio::time::sleep(DELAY).await;
    let changed = w.ok(&w.a, change("EDGE", "PRIVATE")).await;
    assert_eq!(changed.endpoint_type, "PRIVATE");
}

async fn a_new_queue_is_listed_before_its_attributes_can_be_read(w: &World<'_>) {
    let name = "fresh".to_owned();
    let create = CreateQueue {
        name: name.clone(),
        attributes: map([]),
        tags: map([]),
    };
    w.ok(&w.a, create).await;
    let list = |token| ListQueues {
        prefix: "fresh".to_owned(),
        token,
    };
    assert_eq!(w.all(&w.a, list).await, ["fresh"]);
    let read = GetQueueAttributes { name };
    w.refused(&w.a, Fault::Missing, read.clone()).await;
    tokio::time::sleep(DELAY).await;
    w.ok(&w.a, read).await;
}

async fn a_role_is_no_principal_until_it_is_known_everywhere(w: &World<'_>) {
    let service = trust_of(&json!({ "Service": "lambda.amazonaws.com" }));
    let make = |name: &str, trust: String| CreateRole {
        name: name.to_owned(),
        path: "/".to_owned(),
        trust,
        description: None,
        max_session: 3600,
        boundary: None,
        tags: map([]),
    };
    let fresh = w.ok(&w.b, make("fresh", service)).await;
    let trust = trust_of(&json!({ "AWS": fresh.arn }));
    let letting = |action: &str, resource: &str| {
        json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": fresh.arn}, "Action": action, "Resource": resource,
        }]})
        .to_string()
    };
    let topic = CreateTopic {
        name: "slow".to_owned(),
        attributes: map([(
            "Policy",
            &letting("sns:Publish", Arn::regional(&w.a, "sns", "slow").as_str()),
        )]),
        tags: map([]),
    };
    let queue = CreateQueue {
        name: "slow".to_owned(),
        attributes: map([(
            "Policy",
            &letting(
                "sqs:SendMessage",
                Arn::regional(&w.a, "sqs", "slow").as_str(),
            ),
        )]),
        tags: map([]),
    };
    let id = w.ok(&w.a, api("slow")).await.id;
    let policy = letting("execute-api:Invoke", "execute-api:/*");
    let of_api = UpdateRestApi {
        id,
        patches: vec![Patch::replace("/policy", &policy)],
    };
    w.refused(&w.a, Fault::Unsettled, make("trusting", trust.clone()))
        .await;
    w.refused(&w.a, Fault::Unsettled, topic.clone()).await;
    w.refused(&w.a, Fault::Unsettled, queue.clone()).await;
    w.refused(&w.a, Fault::Unsettled, of_api.clone()).await;
    tokio::time::sleep(DELAY).await;
    w.ok(&w.a, make("trusting", trust)).await;
    w.ok(&w.a, topic).await;
    w.ok(&w.a, queue).await;
    w.ok(&w.a, of_api).await;
}

async fn a_topics_new_policy_lets_others_subscribe_after_a_while(w: &World<'_>) {
    let topic = Arn::regional(&w.a, "sns", "news");
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": w.b.id}, "Action": "sns:Subscribe", "Resource": topic.as_str(),
    }]});
    let create = CreateTopic {
        name: "news".to_owned(),
        attributes: map([("Policy", &policy.to_string())]),
        tags: map([]),
    };
    w.ok(&w.a, create).await;
    let subscribe = Subscribe {
        topic: topic.to_string(),
        protocol: "sqs".to_owned(),
        endpoint: Arn::regional(&w.b, "sqs", "inbox").to_string(),
        attributes: map([]),
    };
    w.refused(&w.b, Fault::Denied, subscribe.clone()).await;
    tokio::time::sleep(DELAY).await;
    w.ok(&w.b, subscribe).await;
}

/// An apply waits for the roles and the topic's policy that it wrote, and for nothing else.
async fn an_apply_waits_until_its_own_roles_are_principals(w: &World<'_>) {
    let text = "[stack]\nname = \"slow\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"OWN\"\n\
        [roles.first]\naccount = \"a\"\ntrusted_by = \"ec2.amazonaws.com\"\n[roles.second]\naccount = \"a\"\ntrusted_by = \"roles.first\"\n\
        [accounts.b]\nid = \"OTHER\"\n[queues.inbox]\naccount = \"b\"\nsubscribe = \"t\"\n\
        [topics.t]\naccount = \"a\"\n[queues.q]\naccount = \"a\"\n\
        [[access]]\nfrom = \"roles.first\"\nto = \"topics.t\"\nvia = \"resource-policy\"\n\
        [[access]]\nfrom = \"roles.second\"\nto = \"queues.q\"\nvia = \"resource-policy\"\n";
    let text = text.replace("OWN", w.a.id.as_str());
    let desired = wanted(&[&text.replace("OTHER", w.b.id.as_str())]);
    apply(w.cloud, &desired, &[]).await;
    assert_eq!(drift(&desired, w.cloud).await.findings, []);
}

mod sandbox {
    use super::*;

    #[test]
    fn of_a_principal() {
        on_a_slow_sandbox(a_role_is_no_principal_until_it_is_known_everywhere);
    }

    #[test]
    fn of_a_topics_policy() {
        on_a_slow_sandbox(a_topics_new_policy_lets_others_subscribe_after_a_while);
    }

    #[test]
    fn of_an_apply() {
        on_a_slow_sandbox(an_apply_waits_until_its_own_roles_are_principals);
    }

    #[test]
    fn of_an_apis_endpoint() {
        on_a_slow_sandbox(an_api_whose_endpoint_changes_takes_no_other_change_of_it_for_a_while);
    }

    #[test]
    fn of_a_new_queue() {
        on_a_slow_sandbox(a_new_queue_is_listed_before_its_attributes_can_be_read);
    }
}

mod emulator {
    use super::*;

    #[test]
    fn of_a_principal() {
        on_a_slow_emulator(a_role_is_no_principal_until_it_is_known_everywhere);
    }

    #[test]
    fn of_a_topics_policy() {
        on_a_slow_emulator(a_topics_new_policy_lets_others_subscribe_after_a_while);
    }

    #[test]
    fn of_an_apply() {
        on_a_slow_emulator(an_apply_waits_until_its_own_roles_are_principals);
    }

    #[test]
    fn of_an_apis_endpoint() {
        on_a_slow_emulator(an_api_whose_endpoint_changes_takes_no_other_change_of_it_for_a_while);
    }

    #[test]
    fn of_a_new_queue() {
        on_a_slow_emulator(a_new_queue_is_listed_before_its_attributes_can_be_read);
    }
}
