//! The world as a whole: its file, its time, its picture.

use proptest::prelude::*;

use super::sns::{create_topic, topic_arn};
use super::sqs::create_queue;
use super::*;
use crate::cloud::sns::{DeleteTopic, Subscribe};
use crate::cloud::sqs::{DeleteQueue, GetQueueAttributes, ListQueues};
use crate::cloud::{Cloud, Request};

use super::super::SandboxError;

/// A directory that is gone when it is dropped.
struct Directory(std::path::PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("provision-{}-{name}", std::process::id()));
        let _absent = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn open(&self) -> Result<Sandbox, SandboxError> {
        Sandbox::open(&self.0, &ids())
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.0.join("sandbox.json")).expect("the file")
    }

    fn write(&self, text: &str) {
        std::fs::create_dir_all(&self.0).expect("a directory");
        std::fs::write(self.0.join("sandbox.json"), text).expect("written");
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn what_one_process_made_the_next_one_finds() {
    let directory = Directory::new("kept");
    run(async {
        let bench = Bench {
            cloud: directory.open().expect("opened"),
        };
        bench.ok(SHOP, create_queue("inbox", Tags::new())).await;
        bench.role(SHOP, "worker").await;
    });
    let before = directory.bytes();
    run(async {
        let bench = Bench {
            cloud: directory.open().expect("opened"),
        };
        let get = GetQueueAttributes {
            name: "inbox".to_owned(),
        };
        bench.ok(SHOP, get).await;
        assert_eq!(bench.details(SHOP).await.len(), 1);
        assert!(!bench.cloud.is_empty());
    });
    // Reading writes nothing.
    assert_eq!(directory.bytes(), before);
}

#[test]
fn the_worlds_time_goes_on_where_it_was() {
    let directory = Directory::new("time");
    let delete = || DeleteQueue {
        name: "inbox".to_owned(),
    };
    run(async {
        let bench = Bench {
            cloud: directory.open().expect("opened"),
        };
        bench.ok(SHOP, create_queue("inbox", Tags::new())).await;
        bench.ok(SHOP, delete()).await;
    });
    run(async {
        let bench = Bench {
            cloud: directory.open().expect("opened"),
        };
        let again = || create_queue("inbox", Tags::new());
        assert_eq!(bench.refused(SHOP, again()).await.fault, Fault::TooSoon);
        seconds_pass(60).await;
        bench.ok(SHOP, again()).await;
    });
}

#[test]
fn a_file_that_is_no_sandbox_or_of_another_format_is_refused() {
    let directory = Directory::new("corrupt");
    let error = |text: &str| {
        directory.write(text);
        directory.open().expect_err("refused").to_string()
    };
    assert!(error("{").contains("does not hold a sandbox"));
    assert!(error("{}").contains("does not hold a sandbox"));
    assert!(error(r#"{"format":1,"now":0}"#).contains("move it away"));
    assert!(error(r#"{"format":2}"#).contains("format 2, and this program knows format 1"));
}

/// Each opens the file for itself, as two processes do.
#[test]
fn what_one_process_writes_another_sees_at_its_next_call() {
    let directory = Directory::new("shared");
    let open = || Bench {
        cloud: directory.open().expect("opened"),
    };
    run(async {
        let (one, other) = (open(), open());
        one.ok(SHOP, create_queue("inbox", Tags::new())).await;
        seconds_pass(5).await;
        other.ok(SHOP, create_queue("outbox", Tags::new())).await;
        one.ok(SHOP, create_queue("third", Tags::new())).await;
        assert_eq!(one.cloud.picture(), other_picture(&other).await);
        assert_eq!(one.cloud.picture(), open().cloud.picture());
    });
}

async fn other_picture(bench: &Bench) -> serde_json::Value {
    let prefix = String::new();
    let listed = ListQueues {
        prefix,
        token: None,
    };
    assert_eq!(bench.ok(SHOP, listed).await.items.len(), 3);
    bench.cloud.picture()
}

#[test]
fn an_account_that_is_opened_later_joins_those_that_are_there() {
    let directory = Directory::new("joins");
    drop(directory.open().expect("opened"));
    let other = AccountId::parse(ELSEWHERE).expect("an id");
    run(async {
        let cloud = Sandbox::open(&directory.0, &[other]).expect("opened");
        let bench = Bench { cloud };
        bench.role(ELSEWHERE, "worker").await;
    });
}

fn some_request() -> impl Strategy<Value = (usize, Request)> {
    let name = prop::sample::select(vec!["a", "b", "c"]);
    let request = (0..7u8, name).prop_map(|(kind, name)| match kind {
        0 => role(name).into_request(),
        1 => create_topic(name, Tags::new()).into_request(),
        2 => create_queue(name, tags([("DelaySeconds", "3")])).into_request(),
        3 => DeleteQueue {
            name: name.to_owned(),
        }
        .into_request(),
        4 => DeleteTopic {
            arn: topic_arn(ORDERS, name),
        }
        .into_request(),
        5 => Subscribe {
            topic: topic_arn(ORDERS, name),
            protocol: "sqs".to_owned(),
            endpoint: format!("arn:aws:sqs:eu-west-1:{ORDERS}:{name}"),
            attributes: Tags::new(),
        }
        .into_request(),
        _ => super::apigateway::create_api(name).into_request(),
    });
    (0..3usize, request)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(32) })]

    #[test]
    fn a_world_reads_back_as_it_was_written(requests in prop::collection::vec(some_request(), 0..25)) {
        let directory = Directory::new("property");
        let send = |cloud: Sandbox| {
            let requests = requests.clone();
            async move {
                for (account, request) in requests {
                    let at = place([SHOP, BILLING, ORDERS][account]);
                    let _answer = cloud.send(&at, request).await;
                }
                cloud
            }
        };
        let cloud = run(send(directory.open().expect("opened")));
        let kept = cloud.world.borrow().clone();
        drop(cloud);
        let again = directory.open().expect("opened again");
        if directory.0.join("sandbox.json").exists() {
            prop_assert_eq!(&*again.world.borrow(), &kept);
        }
        // The same calls make the same world, in memory too.
        let fresh = run(send(Sandbox::in_memory(&ids())));
        prop_assert_eq!(&*fresh.world.borrow(), &kept);
    }
}

#[test]
fn a_picture_does_not_show_the_way_there() {
    run(async {
        let straight = Bench::quick();
        let caller = straight.role(SHOP, "caller").await;
        let access = |arn: &str| CreateRole {
            trust: trust(&json!({ "AWS": arn })),
            ..role("access")
        };
        straight.ok(ORDERS, access(&caller.arn)).await;
        straight
            .ok(ORDERS, super::apigateway::create_api("orders"))
            .await;

        let crooked = Bench::quick();
        let other = crooked
            .ok(ORDERS, super::apigateway::create_api("orders"))
            .await;
        let gone = crate::cloud::apigateway::DeleteRestApi { id: other.id };
        crooked.ok(ORDERS, gone).await;
        seconds_pass(9).await;
        crooked
            .ok(ORDERS, super::apigateway::create_api("orders"))
            .await;
        crooked.ok(SHOP, create_queue("inbox", Tags::new())).await;
        let gone = DeleteQueue {
            name: "inbox".to_owned(),
        };
        crooked.ok(SHOP, gone).await;
        let caller = crooked.role(SHOP, "caller").await;
        crooked.ok(ORDERS, access(&caller.arn)).await;

        assert_eq!(straight.cloud.picture(), crooked.cloud.picture());
        crooked
            .ok(ORDERS, super::apigateway::create_api("orders"))
            .await;
        assert_ne!(straight.cloud.picture(), crooked.cloud.picture());
    });
}
