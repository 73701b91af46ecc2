//! Rates, with pacing and without.

use proptest::prelude::*;

use super::apigateway::create_api;
use super::sns::create_topic;
use super::*;
use crate::cloud::apigateway::{GetApiResources, GetRestApis, GetStages};
use crate::cloud::sns::{ListTopicTags, TagTopic};
use crate::cloud::{Cloud, Request, Seam};

#[test]
fn a_second_api_within_three_seconds_is_one_too_many() {
    run(async {
        let bench = Bench::new();
        bench.ok(ORDERS, create_api("a")).await;
        let error = bench.refused(ORDERS, create_api("b")).await;
        assert_eq!(error.fault, Fault::Throttled);
        assert_eq!(error.code, "TooManyRequestsException");
        assert_eq!(error.retry_after, Some(Duration::from_secs(3)));
        // Every account has rates of its own.
        bench.ok(SHOP, create_api("b")).await;
        seconds_pass(3).await;
        bench.ok(ORDERS, create_api("b")).await;
    });
}

#[test]
fn topics_are_tagged_ten_times_a_second() {
    run(async {
        let bench = Bench::with(Habits {
            write_latency: Duration::ZERO,
            ..Habits::default()
        });
        let arn = bench.ok(ORDERS, create_topic("events", Tags::new())).await;
        let tag = || TagTopic {
            arn: arn.clone(),
            tags: Tags::new(),
        };
        for _ in 0..10 {
            bench.ok(ORDERS, tag()).await;
        }
        let error = bench.refused(ORDERS, tag()).await;
        assert_eq!(error.code, "ThrottlingException");
        assert_eq!(error.retry_after, None);
    });
}

/// Sends all at once and gives how many were throttled.
async fn throttled(seam: &Seam<'_>, requests: Vec<Request>) -> u64 {
    let at = place(ORDERS);
    let sent = requests.into_iter().map(|it| seam.send(&at, it));
    for answer in futures::future::join_all(sent).await {
        if let Err(error) = answer {
            assert_ne!(error.fault, Fault::Throttled, "{error}");
        }
    }
    seam.ledger().throttled()
}

fn requests(kinds: &[u8]) -> Vec<Request> {
    let id = || "none".to_owned();
    kinds
        .iter()
        .map(|kind| match kind {
            0 => create_api("orders").into_request(),
            1 => GetApiResources {
                id: id(),
                position: None,
            }
            .into_request(),
            2 => GetStages { id: id() }.into_request(),
            3 => GetRestApis { position: None }.into_request(),
            _ => ListTopicTags {
                arn: super::sns::topic_arn(ORDERS, "events"),
            }
            .into_request(),
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn pacing_leaves_nothing_to_throttle(kinds in prop::collection::vec(0..5u8, 1..120)) {
        let count = run(async {
            throttled(&Seam::around(Sandbox::in_memory(&ids())), requests(&kinds)).await
        });
        prop_assert_eq!(count, 0);
    }
}

#[test]
fn without_pacing_the_same_calls_are_throttled_and_come_off_in_the_end() {
    run(async {
        let seam = Seam::around(Sandbox::in_memory(&ids())).unpaced();
        let count = throttled(&seam, requests(&[2; 60])).await;
        assert!(count > 0);
    });
}

#[test]
fn a_burst_of_calls_takes_no_longer_than_the_rates_make_it() {
    run(async {
        let seam = Seam::around(Sandbox::in_memory(&ids()));
        let before = tokio::time::Instant::now();
        throttled(&seam, requests(&[0; 5])).await;
        // Four waits of three seconds, and one latency.
        assert_eq!(before.elapsed().as_secs(), 12);
        // A queue for one action does not hold up another action.
        let before = tokio::time::Instant::now();
        let mut kinds = vec![0; 10];
        kinds.extend([2; 20]);
        let at = place(ORDERS);
        let stages = requests(&[2; 20]).into_iter().map(|it| seam.send(&at, it));
        let apis = requests(&[0; 10]).into_iter().map(|it| seam.send(&at, it));
        let quick = async {
            let answers = futures::future::join_all(stages).await;
            (answers.len(), before.elapsed().as_secs())
        };
        let (_, quick) = futures::join!(futures::future::join_all(apis), quick);
        assert_eq!(quick, (20, 0));
    });
}
