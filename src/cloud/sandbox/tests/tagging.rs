//! The tagging API.

use super::apigateway::create_api;
use super::deployments::deployed;
use super::sns::create_topic;
use super::sqs::create_queue;
use super::*;
use crate::cloud::apigateway::{CreateRestApi, TagApi};
use crate::cloud::sns::CreateTopic;
use crate::cloud::sqs::{CreateQueue, DeleteQueue};
use crate::cloud::tagging::{GetTagged, Tagged};

fn marked() -> Tags {
    tags([("stack", "shop")])
}

async fn found(bench: &Bench, value: &str) -> Vec<Tagged> {
    let at = place(ORDERS);
    all_pages(&bench.cloud, &at, |token| GetTagged {
        key: "stack".to_owned(),
        value: value.to_owned(),
        token,
    })
    .await
    .expect("tagged resources")
}

fn queue() -> CreateQueue {
    CreateQueue {
        tags: marked(),
        ..create_queue("inbox", Tags::new())
    }
}

#[test]
fn topics_queues_apis_and_stages_are_found_by_a_tag_and_roles_never() {
    run(async {
        let bench = Bench::with(Habits {
            propagation: Duration::ZERO,
            rates: false,
            page: Some(1),
            ..Habits::default()
        });
        let tagged_role = CreateRole {
            tags: marked(),
            ..role("worker")
        };
        bench.ok(ORDERS, tagged_role).await;
        let topic = CreateTopic {
            tags: marked(),
            ..create_topic("events", Tags::new())
        };
        bench.ok(ORDERS, topic).await;
        bench.ok(ORDERS, queue()).await;
        bench
            .ok(ORDERS, create_queue("untagged", Tags::new()))
            .await;
        let api = CreateRestApi {
            tags: marked(),
            ..create_api("orders")
        };
        let id = deployed(&bench, api).await;
        let stage = format!("arn:aws:apigateway:eu-west-1::/restapis/{id}/stages/prod");
        let tag = TagApi {
            arn: stage.clone(),
            tags: marked(),
        };
        bench.ok(ORDERS, tag).await;
        let arns: Vec<String> = found(&bench, "shop")
            .await
            .into_iter()
            .map(|it| it.arn)
            .collect();
        assert_eq!(
            arns,
            [
                stage.trim_end_matches("/stages/prod"),
                &stage,
                "arn:aws:sns:eu-west-1:333333333333:events",
                "arn:aws:sqs:eu-west-1:333333333333:inbox",
            ]
        );
        assert!(found(&bench, "other").await.is_empty());
    });
}

#[test]
fn the_index_hears_late_of_what_is_new_and_of_what_is_gone() {
    run(async {
        let bench = Bench::with(Habits {
            index_lag: Duration::from_secs(5),
            ..Habits::default()
        });
        bench.ok(ORDERS, queue()).await;
        assert!(found(&bench, "shop").await.is_empty());
        seconds_pass(5).await;
        assert_eq!(found(&bench, "shop").await.len(), 1);
        let gone = DeleteQueue {
            name: "inbox".to_owned(),
        };
        bench.ok(ORDERS, gone).await;
        assert_eq!(found(&bench, "shop").await.len(), 1);
        seconds_pass(5).await;
        assert!(found(&bench, "shop").await.is_empty());
    });
}
