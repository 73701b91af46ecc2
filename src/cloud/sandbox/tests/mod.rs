//! The sandbox's oddities, one test each, driven through its calls.

mod apigateway;
mod combined;
mod definitions;
mod deployments;
mod iam;
mod principals;
mod rates;
mod refused;
mod sites;
mod sns;
mod sqs;
mod subscriptions;
mod tagging;
mod world;

use std::future::Future;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Habits, Sandbox};
use crate::cloud::iam::{
    AccountDetail, CreateRole, CreatedRole, GetAccountAuthorizationDetails, RoleDetail,
};
use crate::cloud::{Call, CallError, Fault, all_pages, call};
use crate::model::{AccountId, Place, Region, Tags};

const SHOP: &str = "111111111111";
const BILLING: &str = "222222222222";
const ORDERS: &str = "333333333333";
/// An account that is not in the sandbox.
const ELSEWHERE: &str = "999999999999";

fn ids() -> Vec<AccountId> {
    [SHOP, BILLING, ORDERS]
        .into_iter()
        .map(|it| AccountId::parse(it).expect("an id"))
        .collect()
}

/// An account in `eu-west-1`.
fn place(id: &str) -> Place {
    Place {
        account: format!("account {id}"),
        id: AccountId::parse(id).expect("an id"),
        region: Region::parse("eu-west-1").expect("a region"),
    }
}

fn tags<const N: usize>(pairs: [(&str, &str); N]) -> Tags {
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// Runs on a paused clock.
fn run<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(test)
}

async fn seconds_pass(count: u64) {
    tokio::time::sleep(Duration::from_secs(count)).await;
}

/// A sandbox of three accounts, and calls in them.
struct Bench {
    cloud: Sandbox,
}

impl Bench {
    fn new() -> Self {
        Self::with(Habits::default())
    }

    /// One in which nothing needs time to be seen, and no rate is enforced.
    fn quick() -> Self {
        Self::with(Habits {
            propagation: Duration::ZERO,
            rates: false,
            ..Habits::default()
        })
    }

    fn with(habits: Habits) -> Self {
        Self {
            cloud: Sandbox::in_memory(&ids()).with(habits),
        }
    }

    async fn call<C: Call>(&self, account: &str, it: C) -> Result<C::Answer, CallError> {
        call(&self.cloud, &place(account), it).await
    }

    async fn ok<C: Call>(&self, account: &str, it: C) -> C::Answer {
        match self.call(account, it).await {
            Ok(answer) => answer,
            Err(error) => panic!("{}: {error}", C::ACTION),
        }
    }

    async fn refused<C: Call>(&self, account: &str, it: C) -> CallError {
        match self.call(account, it).await {
            Ok(_) => panic!("{} was not refused", C::ACTION),
            Err(error) => error,
        }
    }

    async fn role(&self, account: &str, name: &str) -> CreatedRole {
        self.ok(account, role(name)).await
    }

    async fn details(&self, account: &str) -> Vec<RoleDetail> {
        let all = self.all_details(account).await;
        all.into_iter().filter_map(AccountDetail::role).collect()
    }

    async fn all_details(&self, account: &str) -> Vec<AccountDetail> {
        let at = place(account);
        all_pages(&self.cloud, &at, |marker| GetAccountAuthorizationDetails {
            marker,
        })
        .await
        .expect("details")
    }
}

fn role(name: &str) -> CreateRole {
    CreateRole {
        name: name.to_owned(),
        path: "/".to_owned(),
        trust: trust(&json!({ "Service": "lambda.amazonaws.com" })),
        description: None,
        max_session: 3600,
        boundary: None,
        tags: Tags::new(),
    }
}

fn trust(principal: &Value) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" }],
    })
    .to_string()
}

/// A resource policy of one statement.
fn policy(principal: &Value, action: &str, resource: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": principal,
            "Action": action,
            "Resource": resource,
        }],
    })
    .to_string()
}

fn read(policy: &str) -> Value {
    serde_json::from_str(policy).expect("a document")
}

fn decoded(document: &str) -> Value {
    let text = percent_encoding::percent_decode_str(document)
        .decode_utf8()
        .expect("text");
    read(&text)
}

/// The principal of a document's only statement.
fn principal_of(document: &Value) -> &Value {
    &document["Statement"][0]["Principal"]
}

fn assert_fault(error: &CallError, fault: Fault, code: &str, message: &str) {
    assert_eq!(
        (error.fault, error.code.as_str(), error.message.as_str()),
        (fault, code, message)
    );
}
