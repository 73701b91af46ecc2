//! What we ask of a cloud, in plain types; no SDK here.
//!
//! A call is a value ([`Request`]), and so is its answer ([`Answer`]): one
//! method, [`Cloud::send`], carries them all. That makes the one seam where
//! every call passes ([`seam`]) forty lines instead of forty methods, and lets
//! a test count, record, refuse or lose any call of either cloud.

pub mod apigateway;
pub mod call;
pub mod cloudcontrol;
pub mod error;
pub mod iam;
pub mod kms;
pub mod organizations;
pub mod pace;
pub mod permission;
pub mod sandbox;
pub mod seam;
pub mod sns;
pub mod sqs;
pub mod sts;
pub mod tagging;

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use tokio::time::Instant;

use crate::model::{AccountId, Place};
use crate::policy::Document;

pub use call::{Answer, Call, CallType, Request, Service};
pub use error::{CallError, Fault};
pub use sandbox::Sandbox;
pub use seam::Seam;

/// A page of a listing, and what to ask for the next one with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the service's order.
    pub items: Vec<T>,
    /// The token of the next page; `None` on the last.
    pub next: Option<String>,
}

/// How old the read may be that a write to a document of several writers rests on, when it is sent.
pub const FRESH: Duration = Duration::from_secs(1);

/// Something that carries out calls: AWS, the sandbox, or the seam around either.
pub trait Cloud {
    /// Carries out one call in an account and region.
    ///
    /// One request is one round trip: nothing is retried in here.
    fn send<'a>(
        &'a self,
        at: &'a Place,
        request: Request,
    ) -> LocalBoxFuture<'a, Result<Answer, CallError>>;

    /// The same, unless it would have to wait beyond `latest` before it is sent: then nothing is sent,
    /// and the error is a [`Fault::Conflict`]. What it rests on was read [`FRESH`] before that.
    fn send_before<'a>(
        &'a self,
        at: &'a Place,
        request: Request,
        latest: Instant,
    ) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        let _ = latest;
        self.send(at, request)
    }

    /// Lets nothing wait any more before it is sent: whatever would wait ends with [`Fault::Stopped`], and
    /// calls under way are answered as ever.
    fn drain(&self) {}

    /// From now on enters these accounts with session policies: a session may do what both its role and its policy allow.
    fn restrict(&self, policies: &BTreeMap<AccountId, Document>) -> Result<(), CallError> {
        let _ = policies;
        let message = "these accounts are entered without a role, and a session policy needs one";
        Err(CallError::new(Fault::Invalid, "NoSession", message))
    }

    /// The time there, in seconds since 1970: the machine's, unless the cloud has a clock of its own.
    fn now(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |it| i64::try_from(it.as_secs()).unwrap_or(i64::MAX))
    }
}

impl<C: Cloud + ?Sized> Cloud for &C {
    fn send<'a>(
        &'a self,
        at: &'a Place,
        request: Request,
    ) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        (**self).send(at, request)
    }

    fn send_before<'a>(
        &'a self,
        at: &'a Place,
        request: Request,
        latest: Instant,
    ) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        (**self).send_before(at, request, latest)
    }

    fn drain(&self) {
        (**self).drain();
    }

    fn restrict(&self, policies: &BTreeMap<AccountId, Document>) -> Result<(), CallError> {
        (**self).restrict(policies)
    }

    fn now(&self) -> i64 {
        (**self).now()
    }
}

impl<C: Cloud + ?Sized> Cloud for std::rc::Rc<C> {
    fn send<'a>(
        &'a self,
        at: &'a Place,
        request: Request,
    ) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        (**self).send(at, request)
    }

    fn send_before<'a>(
        &'a self,
        at: &'a Place,
        request: Request,
        latest: Instant,
    ) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        (**self).send_before(at, request, latest)
    }

    fn drain(&self) {
        (**self).drain();
    }

    fn restrict(&self, policies: &BTreeMap<AccountId, Document>) -> Result<(), CallError> {
        (**self).restrict(policies)
    }

    fn now(&self) -> i64 {
        (**self).now()
    }
}

/// Carries out a call and gives its own answer type.
pub async fn call<C: Call>(cloud: &dyn Cloud, at: &Place, call: C) -> Result<C::Answer, CallError> {
    let answer = cloud.send(at, call.into_request()).await?;
    C::from_answer(answer).ok_or_else(|| {
        CallError::new(
            Fault::Invalid,
            "MismatchedAnswer",
            format!("the cloud answered another call than {}", C::ACTION),
        )
    })
}

/// Every item of a listing: `ask` makes the call for a page's token.
pub async fn all_pages<C, T>(
    cloud: &dyn Cloud,
    at: &Place,
    mut ask: impl FnMut(Option<String>) -> C,
) -> Result<Vec<T>, CallError>
where
    C: Call<Answer = Page<T>>,
{
    let mut items = Vec::new();
    let mut token = None;
    loop {
        let page = call(cloud, at, ask(token)).await?;
        items.extend(page.items);
        match page.next {
            Some(next) => token = Some(next),
            None => return Ok(items),
        }
    }
}
