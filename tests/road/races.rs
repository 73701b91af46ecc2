//! Several writers at once: what they share loses nothing, whoever comes first.
//!
//! No lease is in play: several stacks may write one topic or API of somebody else's.

use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

use futures::future::{LocalBoxFuture, join_all};
use provision::cloud::{
    Answer, Call, CallError, Cloud, FRESH, Request, Sandbox, apigateway, kms, sns,
};
use provision::lower::Desired;
use provision::model::Place;
use tokio::time::{Instant, sleep};

use crate::operator::{ORDERS, make_topic, send};
use crate::reached::Snapshot;
use crate::world::{Command, Ran, apply, assert_in_step, destroy, place, run, sandbox_for, wanted};

const SHARED: &str = "arn:aws:kms:eu-west-1:333333333333:key/shared";

/// A cloud at the end of a network: each call takes up to this much longer on its way there, and on its way back.
struct Distant<'a> {
    cloud: &'a Sandbox,
    most: u64,
    state: Cell<u64>,
}

impl<'a> Distant<'a> {
    fn of(cloud: &'a Sandbox, most: u64, seed: u64) -> Self {
        Self {
            cloud,
            most,
            state: Cell::new(seed),
        }
    }

    fn way(&self) -> Duration {
        let mut state = self.state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.state.set(state);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Duration::from_millis((state ^ (state >> 31)) % self.most.max(1))
    }
}

impl Cloud for Distant<'_> {
    fn send<'a>(
        &'a self,
        at: &'a Place,
        request: Request,
    ) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        Box::pin(async move {
            sleep(self.way()).await;
            let answer = self.cloud.send(at, request).await;
            sleep(self.way()).await;
            answer
        })
    }

    fn now(&self) -> i64 {
        Cloud::now(self.cloud)
    }
}

/// A stack whose role publishes to a topic and calls an API that are not its own.
fn guest(name: &str, topic: &str, api: Option<&str>) -> Desired {
    let mut text = format!(
        "[stack]\nname = \"{name}\"\nregion = \"eu-west-1\"\n[accounts.orders]\nid = \"{ORDERS}\"\n\
         [roles.{name}]\naccount = \"orders\"\ntrusted_by = \"lambda.amazonaws.com\"\n\
         [topics.{topic}]\nexisting = \"arn:aws:sns:eu-west-1:{ORDERS}:{topic}\"\n\
         [[access]]\nfrom = \"roles.{name}\"\nto = \"topics.{topic}\"\nvia = \"resource-policy\"\n"
    );
    if let Some(id) = api {
        text += &format!(
            "[apis.shop]\naccount = \"orders\"\nexisting = \"{id}\"\nstage = \"live\"\n\
             [[access]]\nfrom = \"roles.{name}\"\nto = \"apis.shop\"\nallow = [\"GET /orders\"]\nvia = \"resource-policy\"\n"
        );
    }
    wanted(&[&text])
}

/// The stack that owns the API.
fn owner() -> Desired {
    wanted(&[&format!(
        "[stack]\nname = \"owner\"\nregion = \"eu-west-1\"\n[accounts.orders]\nid = \"{ORDERS}\"\n\
         [apis.shop]\naccount = \"orders\"\nstage = \"live\"\n[apis.shop.routes]\n\"GET /orders\" = {{ http = \"https://example.com/orders\" }}\n"
    )])
}

async fn topic_policy(sandbox: &Sandbox) -> String {
    let arn = format!("arn:aws:sns:eu-west-1:{ORDERS}:news");
    let found = send(sandbox, ORDERS, sns::GetTopicAttributes { arn }).await;
    found.get("Policy").cloned().unwrap_or_default()
}

/// Lets stacks be applied at once, each so much later than the one before.
async fn at_once(stacks: &[Desired], sandbox: &Sandbox, apart: Duration, seed: u64) -> Vec<Ran> {
    let runs = (0_u32..).zip(stacks).map(|(number, desired)| async move {
        sleep(apart * number).await;
        let cloud = Distant::of(sandbox, 150, seed ^ u64::from(number) << 32);
        Command::Apply(desired).with(&cloud, []).await
    });
    join_all(runs).await
}

#[test]
fn stacks_that_write_one_topic_at_once_lose_no_statement() {
    for count in [2_usize, 5] {
        for seed in 0..40 {
            let names: Vec<String> = (0..count).map(|it| format!("guest{it}")).collect();
            let stacks: Vec<Desired> = names.iter().map(|it| guest(it, "news", None)).collect();
            run(async {
                let sandbox = sandbox_for(&stacks);
                make_topic(&sandbox, ORDERS, "news").await;
                let apart = Duration::from_millis(seed * 37 % 500);
                let ran = at_once(&stacks, &sandbox, apart, seed).await;
                let policy = topic_policy(&sandbox).await;
                for (name, ran) in names.iter().zip(&ran) {
                    assert!(ran.came_off(), "seed {seed}: {}", ran.story());
                    let role = format!("role/provision/{name}/{name}");
                    assert!(
                        policy.contains(&role),
                        "seed {seed}: {name} lost its statement\n{policy}\n{}",
                        ran.story()
                    );
                }
                for (name, desired) in names.iter().zip(&stacks) {
                    assert_in_step(desired, &sandbox, name).await;
                }
            });
        }
    }
}

#[test]
fn stacks_that_write_one_keys_policy_at_once_lose_no_statement() {
    let guest = |name: &String| {
        wanted(&[&format!(
            "[stack]\nname = \"{name}\"\nregion = \"eu-west-1\"\n[accounts.orders]\nid = \"{ORDERS}\"\n\
             [keys.shared]\nexisting = \"{SHARED}\"\n[topics.{name}]\nkms_key = \"keys.shared\"\n\
             [roles.{name}]\ntrusted_by = \"lambda.amazonaws.com\"\n\
             [[access]]\nfrom = \"roles.{name}\"\nto = \"topics.{name}\"\nvia = \"resource-policy\"\n"
        )])
    };
    for seed in 0..20 {
        let names: Vec<String> = (0..3).map(|it| format!("guest{it}")).collect();
        let stacks: Vec<Desired> = names.iter().map(guest).collect();
        run(async {
            let sandbox = sandbox_for(&stacks);
            let apart = Duration::from_millis(seed * 37 % 500);
            let ran = at_once(&stacks, &sandbox, apart, seed).await;
            let key = SHARED.to_owned();
            let policy = send(&sandbox, ORDERS, kms::GetKeyPolicy { key }).await;
            for (name, ran) in names.iter().zip(&ran) {
                assert!(ran.came_off(), "seed {seed}: {}", ran.story());
                let role = format!("role/provision/{name}/{name}");
                assert!(policy.contains(&role), "seed {seed}: {name}: {policy}");
            }
        });
    }
}

/// Without a distance, one run is a few milliseconds later than the other at each of its calls.
#[test]
fn two_stacks_that_write_one_topic_lose_no_statement_at_any_offset() {
    let stacks = [guest("one", "news", None), guest("two", "news", None)];
    for offset in 0..60 {
        run(async {
            let sandbox = sandbox_for(&stacks);
            make_topic(&sandbox, ORDERS, "news").await;
            let late = async {
                sleep(Duration::from_millis(offset * 20)).await;
                Command::Apply(&stacks[1]).with(&sandbox, []).await
            };
            let early = Command::Apply(&stacks[0]).with(&sandbox, []);
            let (early, late) = futures::future::join(early, late).await;
            assert!(early.came_off() && late.came_off(), "{offset}");
            assert_in_step(&stacks[0], &sandbox, &format!("one, {offset}")).await;
            assert_in_step(&stacks[1], &sandbox, &format!("two, {offset}")).await;
        });
    }
}

/// Runs of one stack at once, each so much later than the one before.
async fn same_at_once(desired: &Desired, count: u32, sandbox: &Sandbox, seed: u64) -> Vec<Ran> {
    let runs = (0..count).map(|number| async move {
        sleep(Duration::from_millis(seed * 13 % 110) * number).await;
        let cloud = Distant::of(sandbox, 150, seed ^ u64::from(number) << 32);
        Command::Apply(desired).with(&cloud, []).await
    });
    join_all(runs).await
}

async fn apis(sandbox: &Sandbox) -> Vec<apigateway::RestApiRecord> {
    let call = apigateway::GetRestApis { position: None };
    send(sandbox, ORDERS, call).await.items
}

#[test]
fn first_applies_at_once_make_one_api_and_the_next_apply_is_not_stuck() {
    let desired = owner();
    for count in [2, 8] {
        for seed in 0..20 {
            run(async {
                let sandbox = sandbox_for([&desired]);
                let ran = same_at_once(&desired, count, &sandbox, seed).await;
                let made = apis(&sandbox).await;
                assert_eq!(made.len(), 1, "{count}, seed {seed}: {made:#?}");
                for it in &ran {
                    assert!(it.came_off(), "{count}, seed {seed}: {}", it.story());
                }
                apply(&desired, &sandbox).await;
                assert_in_step(&desired, &sandbox, &format!("{count}, seed {seed}")).await;
            });
        }
    }
}

#[test]
fn stacks_that_write_one_api_at_once_lose_no_statement_and_all_of_them_are_deployed() {
    for count in [2_usize, 5] {
        for seed in 0..20 {
            run(async {
                let owner = owner();
                let sandbox = sandbox_for([&owner]);
                make_topic(&sandbox, ORDERS, "news").await;
                apply(&owner, &sandbox).await;
                let id = apis(&sandbox).await[0].id.clone();
                let names: Vec<String> = (0..count).map(|it| format!("guest{it}")).collect();
                let stacks: Vec<Desired> = names
                    .iter()
                    .map(|it| guest(it, "news", Some(&id)))
                    .collect();
                let apart = Duration::from_millis(seed * 37 % 500);
                let ran = at_once(&stacks, &sandbox, apart, seed).await;
                let policy = apis(&sandbox).await[0].policy.clone().unwrap_or_default();
                let policy = policy.replace("\\/", "/");
                for (name, ran) in names.iter().zip(&ran) {
                    assert!(ran.came_off(), "seed {seed}: {}", ran.story());
                    let role = format!("role/provision/{name}/{name}");
                    assert!(policy.contains(&role), "seed {seed}: {name}\n{policy}");
                }
                let reached = Snapshot::of(&sandbox).reached();
                for name in &names {
                    let role = format!("role/provision/{name}/{name}");
                    let calls = |(who, (action, _)): &&(String, (&str, String))| {
                        who.ends_with(&role) && *action == "execute-api:Invoke"
                    };
                    let calls = reached.iter().filter(calls).count();
                    assert_eq!(calls, 1, "seed {seed}: {name} is not deployed");
                }
                // A deployment may not name each stack that it holds: what it serves is what the API has, and that counts.
                let call = apigateway::GetDeployments { id, position: None };
                let left = send(&sandbox, ORDERS, call).await.items;
                assert_eq!(left.len(), 1, "seed {seed}: {left:#?}");
                for (name, desired) in names.iter().zip(&stacks) {
                    assert_in_step(desired, &sandbox, &format!("{name}, seed {seed}")).await;
                }
            });
        }
    }
}

/// A tag is copied with a resource: two bear the mark of one address.
#[test]
fn a_destroy_removes_every_api_that_bears_the_mark() {
    let desired = owner();
    run(async {
        let sandbox = sandbox_for([&desired]);
        apply(&desired, &sandbox).await;
        let first = apis(&sandbox).await[0].clone();
        let copy = apigateway::CreateRestApi {
            name: "a copy".to_owned(),
            description: None,
            policy: None,
            endpoint_type: "REGIONAL".to_owned(),
            vpc_endpoints: Vec::new(),
            binary_media_types: Vec::new(),
            minimum_compression: None,
            api_key_source: "HEADER".to_owned(),
            disable_execute_api: false,
            tags: first.tags.clone(),
        };
        let second = send(&sandbox, ORDERS, copy).await;
        let ran = destroy(&desired, &sandbox).await;
        let mut removed: Vec<Option<String>> = ran
            .outcomes
            .steps
            .keys()
            .map(|(_, id)| id.clone())
            .collect();
        removed.sort();
        let mut both = vec![Some(first.id), Some(second.id)];
        both.sort();
        assert_eq!(removed, both, "{}", ran.story());
        assert!(sandbox.is_empty(), "{:#}", sandbox.picture());
    });
}

/// Deploys an API once more by what the deployment that it serves tells, without what it tells of a stack.
async fn deploy_without(sandbox: &Sandbox, id: &str, stack: &str) {
    let digest = provision::model::tags::short_hash(stack);
    let stages = apigateway::GetStages { id: id.to_owned() };
    let deployment = send(sandbox, ORDERS, stages).await[0].deployment.clone();
    let (id, stage) = (id.to_owned(), "live".to_owned());
    let served = apigateway::GetDeployment {
        id: id.clone(),
        deployment: deployment.clone(),
    };
    let told = send(sandbox, ORDERS, served).await.description;
    let told = told.expect("a description");
    let others = told.split(' ').filter(|it| !it.starts_with(&digest));
    let description: String = others.collect::<Vec<_>>().join(" ");
    assert_ne!(description, told, "{stack} is told of");
    let variables = std::collections::BTreeMap::new();
    let again = apigateway::CreateDeployment {
        id: id.clone(),
        stage,
        description,
        variables,
    };
    send(sandbox, ORDERS, again).await;
    let older = apigateway::DeleteDeployment { id, deployment };
    send(sandbox, ORDERS, older).await;
}

#[test]
fn a_stack_that_the_last_deployment_does_not_name_has_nothing_to_do_and_leaves_nothing_behind() {
    run(async {
        let owner = owner();
        let sandbox = sandbox_for([&owner]);
        make_topic(&sandbox, ORDERS, "news").await;
        apply(&owner, &sandbox).await;
        let id = apis(&sandbox).await[0].id.clone();
        let stacks = ["one", "two"].map(|it| guest(it, "news", Some(&id)));
        for desired in &stacks {
            apply(desired, &sandbox).await;
        }
        deploy_without(&sandbox, &id, "one").await;
        for (name, desired) in [("one", &stacks[0]), ("two", &stacks[1]), ("owner", &owner)] {
            assert_in_step(desired, &sandbox, name).await;
        }
        destroy(&stacks[0], &sandbox).await;
        let reached = Snapshot::of(&sandbox).reached();
        let left = reached.iter().filter(|(who, (action, _))| {
            who.ends_with("one/one") && *action == "execute-api:Invoke"
        });
        assert_eq!(left.count(), 0, "{reached:?}");
        assert_in_step(&stacks[1], &sandbox, "two").await;
    });
}

/// Two processes on one sandbox file have a clock each, so a write is judged by what the other has written since.
#[test]
fn a_process_writes_nothing_that_rests_on_what_another_has_replaced_since() {
    run(async {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("races-processes");
        let _ = std::fs::remove_dir_all(&folder);
        let accounts = [place(ORDERS).id];
        let open = || Sandbox::open(&folder, &accounts).expect("opened");
        let (one, two) = (open(), open());
        make_topic(&one, ORDERS, "news").await;
        let arn = format!("arn:aws:sns:eu-west-1:{ORDERS}:news");
        let set = |name: &str| sns::SetTopicAttributes {
            arn: arn.clone(),
            name: "DisplayName".to_owned(),
            value: name.to_owned(),
        };
        let name = async |sandbox| {
            let arn = arn.clone();
            let found = send(sandbox, ORDERS, sns::GetTopicAttributes { arn }).await;
            found.get("DisplayName").cloned().unwrap_or_default()
        };
        name(&one).await;
        let latest = Instant::now() + FRESH;
        send(&two, ORDERS, set("two")).await;
        let at = place(ORDERS);
        let late = one.send_before(&at, set("one").into_request(), latest);
        assert_eq!(late.await.expect_err("refused").code, "StaleRead");
        assert_eq!(name(&two).await, "two");
        assert_eq!(name(&one).await, "two");
        let latest = Instant::now() + FRESH;
        let again = one.send_before(&at, set("one").into_request(), latest);
        again.await.expect("written");
        assert_eq!(name(&two).await, "one");
    });
}
