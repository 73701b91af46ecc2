//! What AWS does, held against both of our stand-ins for it.
//!
//! Each scenario is written once against [`Cloud`] and run twice: on the sandbox,
//! and through the SDK on the emulator. So the sandbox cannot drift away from
//! what the SDK meets, and every function of the `aws` room is sent for real.
//! What a scenario says is what AWS's documentation or a recording of it says;
//! where a stand-in differs, the stand-in is wrong.

#![cfg(feature = "aws")]

#[path = "../emulator/mod.rs"]
mod emulator;

mod adoption;
mod apigateway;
mod delays;
mod endpoints;
mod faults;
mod iam;
mod kms;
mod leases;
mod managed;
mod organizations;
mod principals;
mod sns;
mod sqs;
mod tagging;
#[allow(dead_code, reason = "the road itself uses more of it")]
#[path = "../road/world.rs"]
mod world;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use provision::aws::{Aws, Keys, Reach};
use provision::cloud::sandbox::{Habits, Sandbox};
use provision::cloud::{self, Call, CallError, Cloud, Fault};
use provision::model::{AccountId, Place, Region};
use provision::stack::{Account, Credentials};

use self::emulator::Emulator;

/// A cloud with two accounts that nothing else uses.
struct World<'a> {
    cloud: &'a dyn Cloud,
    /// An account.
    a: Place,
    /// Another account.
    b: Place,
    /// How long a deleted queue's name stays taken here.
    cooldown: Duration,
    /// How long a new role stays unknown to other services here.
    propagation: Duration,
    /// Makes a KMS key, which no call of ours does.
    put_key: &'a dyn Fn(&Place, &str, &str) -> String,
    /// Makes a user on a path, which no call of ours does.
    put_user: &'a dyn Fn(&Place, &str, &str) -> String,
    /// Makes an organization, which no call of ours does.
    put_organization: &'a dyn Fn(&serde_json::Value),
    /// Makes a VPC endpoint with this policy, which no call of ours does.
    put_endpoint: &'a dyn Fn(&Place, &str, &str),
}

impl World<'_> {
    async fn send<C: Call>(&self, at: &Place, call: C) -> Result<C::Answer, CallError> {
        cloud::call(self.cloud, at, call).await
    }

    /// Makes a KMS key with this alias and policy: its ARN.
    fn key(&self, at: &Place, alias: &str, policy: &str) -> String {
        (self.put_key)(at, alias, policy)
    }

    /// Sends a call that must come off.
    async fn ok<C: Call>(&self, at: &Place, call: C) -> C::Answer {
        let action = C::ACTION;
        match self.send(at, call).await {
            Ok(answer) => answer,
            Err(error) => panic!("{action} is refused: {:?} {error}", error.fault),
        }
    }

    /// Sends a call that must be refused for this reason.
    async fn refused<C>(&self, at: &Place, fault: Fault, call: C)
    where
        C: Call,
        C::Answer: Debug,
    {
        let action = C::ACTION;
        match self.send(at, call).await {
            Ok(answer) => panic!("{action} comes off, and should be {fault:?}: {answer:?}"),
            Err(error) => assert_eq!(error.fault, fault, "{action}: {error}"),
        }
    }

    /// Every item of a listing.
    async fn all<C, T>(&self, at: &Place, ask: impl FnMut(Option<String>) -> C) -> Vec<T>
    where
        C: Call<Answer = cloud::Page<T>>,
    {
        match cloud::all_pages(self.cloud, at, ask).await {
            Ok(items) => items,
            Err(error) => panic!("{} is refused: {error}", C::ACTION),
        }
    }

    /// Waits until every service knows the roles that were made.
    async fn settle(&self) {
        tokio::time::sleep(self.propagation).await;
    }
}

/// Runs a scenario on the sandbox, whose clock is wound forward instead of waited for.
fn on_the_sandbox(scenario: impl AsyncFnOnce(&World<'_>)) {
    on_a_sandbox(Habits::default(), scenario);
}

fn on_a_sandbox(mut habits: Habits, scenario: impl AsyncFnOnce(&World<'_>)) {
    let (a, b) = (place("a"), place("b"));
    // A contract is about what calls do, not about how many a second there may be.
    habits.rates = false;
    let propagation = habits.propagation;
    let sandbox = Sandbox::in_memory(&[a.id.clone(), b.id.clone()]).with(habits);
    let world = World {
        propagation,
        cooldown: Duration::from_mins(1),
        cloud: &sandbox,
        put_key: &|at, alias, policy| {
            sandbox.put_key(at, alias.trim_start_matches("alias/"), alias, policy)
        },
        put_user: &|at, path, name| sandbox.put_user(at, path, name),
        put_organization: &|it| sandbox.put_organization(it).expect("an organization"),
        put_endpoint: &|at, id, policy| sandbox.put_endpoint(at, id, policy),
        a,
        b,
    };
    run(true, scenario(&world));
}

/// Runs a scenario on the emulator, through the SDK.
fn on_the_emulator(scenario: impl AsyncFnOnce(&World<'_>)) {
    // Its input ends with this process, and so does it.
    static SHARED: OnceLock<Option<Emulator>> = OnceLock::new();
    let switches = [("AUTH", "true"), ("EMULATOR_QUEUE_COOLDOWN_S", COOLDOWN)];
    if let Some(emulator) = SHARED.get_or_init(|| Emulator::start(&switches)) {
        on_an_emulator(emulator, scenario);
    }
}

/// How long the emulator keeps a deleted queue's name, in seconds.
const COOLDOWN: &str = "3";

fn on_an_emulator(emulator: &Emulator, scenario: impl AsyncFnOnce(&World<'_>)) {
    let (a, b) = (place("a"), place("b"));
    let cloud = connect(emulator, &[a.clone(), b.clone()]);
    let cooldown = Duration::from_secs(COOLDOWN.parse().expect("a number")) * 11 / 10;
    let world = World {
        cloud: &cloud,
        a,
        b,
        cooldown,
        propagation: Duration::ZERO,
        put_key: &|at, alias, policy| {
            let key = serde_json::json!({"account": at.id, "region": at.region, "alias": alias, "policy": policy});
            let answer = emulator.control("POST", "/_emulator/keys", &key.to_string());
            answer["arn"].as_str().expect("an ARN").to_owned()
        },
        put_user: &|at, path, name| {
            let user = serde_json::json!({"account": at.id, "path": path, "name": name});
            let answer = emulator.control("POST", "/_emulator/users", &user.to_string());
            answer["arn"].as_str().expect("an ARN").to_owned()
        },
        put_organization: &|it| {
            emulator.control("POST", "/_emulator/organizations", &it.to_string());
        },
        put_endpoint: &|at, id, policy| {
            let endpoint = serde_json::json!({"account": at.id, "region": at.region, "id": id, "policy": policy});
            emulator.control("POST", "/_emulator/endpoints", &endpoint.to_string());
        },
    };
    run(false, scenario(&world));
}

/// The emulator, entered as the root of each of these accounts.
fn connect(emulator: &Emulator, places: &[Place]) -> Aws {
    let accounts: Vec<Account> = places.iter().map(account).collect();
    let keys = places
        .iter()
        .map(|it| (it.account.clone(), root(&it.id)))
        .collect();
    let reach = Reach {
        endpoint: Some(emulator.url()),
        keys,
        ask: None,
    };
    Aws::reach(&accounts, "contract", &reach)
}

fn run(paused: bool, scenario: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(paused)
        .build()
        .expect("a runtime")
        .block_on(scenario);
}

#[test]
fn the_emulator_is_what_its_own_tests_say() {
    let Some(mut command) = emulator::own_tests() else {
        return;
    };
    let output = command.output().expect("python runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

/// A place in an account of its own.
fn place(name: &str) -> Place {
    static LAST: AtomicU64 = AtomicU64::new(100_000_000_000);
    let id = LAST.fetch_add(1, Ordering::Relaxed).to_string();
    Place {
        account: name.to_owned(),
        id: AccountId::parse(&id).expect("twelve digits"),
        region: Region::parse("eu-west-1").expect("a region"),
    }
}

fn account(place: &Place) -> Account {
    Account {
        boundary: None,
        quotas: provision::policy::size::Quotas::default(),
        place: place.clone(),
        credentials: Credentials {
            profile: None,
            role: None,
            external_id: None,
        },
    }
}

/// The keys with which the emulator takes the caller for the account's root.
fn root(id: &AccountId) -> Keys {
    Keys {
        access_key_id: id.to_string(),
        secret_access_key: "any".to_owned(),
        session_token: None,
    }
}

/// A map of these pairs.
fn map<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// JSON without the order of its text.
fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

/// Makes two tests of each scenario.
macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        mod sandbox {
            $( #[test] fn $name() { crate::on_the_sandbox(super::$name); } )*
        }
        mod emulator {
            $( #[test] fn $name() { crate::on_the_emulator(super::$name); } )*
        }
    };
}
use scenarios;
