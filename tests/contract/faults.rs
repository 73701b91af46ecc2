//! Calls that go wrong, each in its service's own protocol.
//!
//! Only the emulator can be told to throttle, to break and to keep an answer to
//! itself in the services' own words; what they mean must come out the same.

use std::time::Duration;

use provision::aws::Aws;
use provision::cloud::apigateway::{CreateRestApi, GetRestApis};
use provision::cloud::iam::{ListRoles, TagRole};
use provision::cloud::sns::{CreateTopic, GetTopicAttributes};
use provision::cloud::sqs::{CreateQueue, GetQueueAttributes};
use provision::cloud::sts::GetCallerIdentity;
use provision::cloud::tagging::GetTagged;
use provision::cloud::{Call, CallError, Cloud, Fault, Request};
use provision::model::Place;
use serde_json::json;

use crate::apigateway::api;
use crate::emulator::Emulator;
use crate::{connect, map, place, run};

/// A call of each service, that reads.
fn reads(at: &Place) -> Vec<Request> {
    vec![
        ListRoles {
            path_prefix: "/".to_owned(),
            marker: None,
        }
        .into_request(),
        GetTopicAttributes {
            arn: format!("arn:aws:sns:eu-west-1:{}:absent", at.id),
        }
        .into_request(),
        GetQueueAttributes {
            name: "absent".to_owned(),
        }
        .into_request(),
        GetRestApis { position: None }.into_request(),
        GetTagged {
            key: "a".to_owned(),
            value: "b".to_owned(),
            token: None,
        }
        .into_request(),
    ]
}

async fn refusal(cloud: &Aws, at: &Place, request: Request) -> CallError {
    let words = format!("{request:?}");
    match cloud.send(at, request).await {
        Ok(answer) => panic!("{words} comes off: {answer:?}"),
        Err(error) => error,
    }
}

/// Runs `tried` against an emulator of its own, whose faults nobody else sees.
fn alone(tried: impl AsyncFnOnce(&Emulator, &Aws, &Place)) {
    let Some(emulator) = Emulator::start(&[("AUTH", "true")]) else {
        return;
    };
    let at = place("a");
    let cloud = connect(&emulator, std::slice::from_ref(&at));
    run(false, async {
        // Credentials are asked for once, before anything goes wrong.
        let caller = cloud.send(&at, GetCallerIdentity {}.into_request()).await;
        caller.expect("the account can be entered");
        tried(&emulator, &cloud, &at).await;
    });
}

#[test]
fn a_throttled_call_is_throttled_whatever_the_service_calls_it() {
    alone(async |emulator, cloud, at| {
        emulator.faults(&json!([{ "kind": "throttle" }]));
        for request in reads(at) {
            let service = request.service();
            let error = refusal(cloud, at, request).await;
            assert_eq!(error.fault, Fault::Throttled, "{service}: {error}");
            if service == provision::cloud::Service::ApiGateway {
                assert_eq!(error.retry_after, Some(Duration::from_secs(1)));
            }
        }
    });
}

#[test]
fn a_broken_service_may_have_acted() {
    alone(async |emulator, cloud, at| {
        emulator.faults(&json!([{ "kind": "error500" }]));
        for request in reads(at) {
            let service = request.service();
            let error = refusal(cloud, at, request).await;
            assert_eq!(error.fault, Fault::Broken, "{service}: {error}");
            assert!(error.fault.may_have_acted());
        }
    });
}

#[test]
fn a_denied_call_says_which_account_and_as_whom() {
    alone(async |emulator, cloud, at| {
        emulator.faults(&json!([{ "kind": "access_denied" }]));
        for request in reads(at) {
            let service = request.service();
            let error = refusal(cloud, at, request).await;
            assert_eq!(error.fault, Fault::Denied, "{service}: {error}");
            let account = format!("account `a` ({})", at.id);
            assert!(error.message.contains(&account), "{service}: {error}");
        }
    });
}

#[test]
fn a_lost_answer_is_lost_and_the_write_was_made() {
    alone(async |emulator, cloud, at| {
        emulator.faults(&json!([{ "kind": "lost_response" }]));
        let writes = [
            api("lost").into_request(),
            CreateTopic {
                name: "lost".to_owned(),
                attributes: map([]),
                tags: map([]),
            }
            .into_request(),
            CreateQueue {
                name: "lost".to_owned(),
                attributes: map([]),
                tags: map([]),
            }
            .into_request(),
        ];
        for request in writes {
            let service = request.service();
            let error = refusal(cloud, at, request).await;
            assert_eq!(error.fault, Fault::Lost, "{service}: {error}");
        }
        emulator.faults(&json!([]));
        let apis = cloud
            .send(at, GetRestApis { position: None }.into_request())
            .await
            .map(GetRestApis::from_answer);
        let apis = apis.expect("a listing").expect("its own answer");
        assert_eq!(apis.items.len(), 1, "the SDK sends a write once");
        let get = GetQueueAttributes {
            name: "lost".to_owned(),
        };
        cloud
            .send(at, get.into_request())
            .await
            .expect("the queue is there");
    });
}

#[test]
fn the_sdk_repeats_nothing_by_itself() {
    alone(async |emulator, cloud, at| {
        for kind in ["throttle", "error500", "lost_response"] {
            emulator.control("POST", "/_emulator/reset", "");
            emulator.faults(&json!([{ "kind": kind }]));
            for request in reads(at) {
                refusal(cloud, at, request).await;
            }
            let calls = emulator.control("GET", "/_emulator/calls", "");
            assert_eq!(calls["total"], reads(at).len(), "{kind}: {calls}");
        }
    });
}

#[test]
fn an_answer_of_a_service_names_its_request() {
    alone(async |_, cloud, at| {
        let tag = TagRole {
            name: "absent".to_owned(),
            tags: map([("a", "b")]),
        };
        let error = refusal(cloud, at, tag.into_request()).await;
        assert_eq!(error.fault, Fault::Missing);
        assert!(error.request_id.is_some(), "{error:?}");
    });
}

#[test]
fn nobody_at_the_endpoint_fails_the_call_for_credentials_for_good() {
    let Some(emulator) = Emulator::start(&[]) else {
        return;
    };
    let at = place("a");
    let cloud = connect(&emulator, std::slice::from_ref(&at));
    drop(emulator);
    run(false, async {
        let create: CreateRestApi = api("nowhere");
        let error = refusal(&cloud, &at, create.into_request()).await;
        assert_eq!(error.fault, Fault::Credentials, "{error}");
        assert!(error.message.contains("127.0.0.1") || error.message.contains("connect"));
    });
}

#[test]
fn accounts_that_share_keys_are_entered_once_and_each_with_its_own_clients() {
    let Some(emulator) = Emulator::start(&[("AUTH", "true")]) else {
        return;
    };
    let places = [place("a"), place("b"), place("c")];
    let cloud = connect(&emulator, &places);
    run(false, async {
        let all = places.iter().flat_map(|at| {
            (0..5).map(|_| cloud.send(at, GetRestApis { position: None }.into_request()))
        });
        for answer in futures::future::join_all(all).await {
            answer.expect("a listing");
        }
    });
    assert_eq!(cloud.credential_calls(), 3);
    let calls = emulator.control("GET", "/_emulator/calls?last=0", "");
    let sts: u64 = calls["counts"]
        .as_array()
        .expect("counts")
        .iter()
        .filter(|it| it["service"] == "sts")
        .filter_map(|it| it["count"].as_u64())
        .sum();
    assert_eq!(sts, 3, "{calls}");
}
