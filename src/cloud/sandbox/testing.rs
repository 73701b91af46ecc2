//! What the sandbox's tests share.

use std::future::Future;

use crate::cloud::{Call, CallError, Sandbox, call};
use crate::model::{AccountId, Place, Region};

pub(super) const SHOP: &str = "111111111111";
pub(super) const BILLING: &str = "222222222222";
pub(super) const ORDERS: &str = "333333333333";

pub(super) fn ids() -> Vec<AccountId> {
    [SHOP, BILLING, ORDERS]
        .into_iter()
        .map(|it| AccountId::parse(it).expect("an id"))
        .collect()
}

/// An account in `eu-west-1`.
pub(super) fn place(id: &str) -> Place {
    Place {
        account: format!("account {id}"),
        id: AccountId::parse(id).expect("an id"),
        region: Region::parse("eu-west-1").expect("a region"),
    }
}

/// Runs on a paused clock.
pub(super) fn run<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime")
        .block_on(test)
}

/// A sandbox of three accounts, and calls in them.
pub(super) struct Bench {
    pub(super) cloud: Sandbox,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self {
            cloud: Sandbox::in_memory(&ids()),
        }
    }

    pub(super) async fn call<C: Call>(&self, account: &str, it: C) -> Result<C::Answer, CallError> {
        call(&self.cloud, &place(account), it).await
    }

    pub(super) async fn ok<C: Call>(&self, account: &str, it: C) -> C::Answer {
        let action = C::ACTION;
        match self.call(account, it).await {
            Ok(answer) => answer,
            Err(error) => panic!("{action}: {error}"),
        }
    }

    pub(super) async fn refused<C: Call>(&self, account: &str, it: C) -> CallError {
        let action = C::ACTION;
        match self.call(account, it).await {
            Ok(_) => panic!("{action} was not refused"),
            Err(error) => error,
        }
    }
}
