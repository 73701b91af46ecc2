//! What takes AWS a while after a call was answered.

use std::time::Duration;

use provision::cloud::Fault;
use provision::cloud::apigateway::{GetRestApis, Patch, UpdateRestApi};
use provision::cloud::sandbox::Habits;
use provision::cloud::sqs::{CreateQueue, GetQueueAttributes, ListQueues};

use crate::apigateway::api;
use crate::emulator::Emulator;
use crate::{World, map, on_a_sandbox, on_an_emulator};

/// How long AWS takes here.
const DELAY: Duration = Duration::from_secs(3);

fn on_a_slow_sandbox(scenario: impl AsyncFnOnce(&World<'_>)) {
    let habits = Habits {
        visibility: DELAY,
        migration: DELAY,
        ..Habits::default()
    };
    on_a_sandbox(habits, scenario);
}

fn on_a_slow_emulator(scenario: impl AsyncFnOnce(&World<'_>)) {
    let switches = [
        ("AUTH", "true"),
        ("EMULATOR_QUEUE_VISIBILITY_S", "3"),
        ("EMULATOR_API_UPDATING_S", "3"),
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

mod sandbox {
    use super::*;

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
    fn of_an_apis_endpoint() {
        on_a_slow_emulator(an_api_whose_endpoint_changes_takes_no_other_change_of_it_for_a_while);
    }

    #[test]
    fn of_a_new_queue() {
        on_a_slow_emulator(a_new_queue_is_listed_before_its_attributes_can_be_read);
    }
}
