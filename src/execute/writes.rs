//! Which writes a step has sent: those AWS accepted, and those without an answer.
//!
//! A step is several calls, and AWS may accept the first and refuse the second. What the end
//! of a run says of such a step rests on this record and not on the step's last error.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use futures::future::LocalBoxFuture;

use crate::cloud::{Answer, CallError, Cloud, Fault, Request, Service};
use crate::model::{Address, Place};

/// The writes of a run, by the address of the step that sent them.
#[derive(Debug, Default)]
pub(super) struct Writes {
    accepted: RefCell<BTreeMap<Address, Vec<String>>>,
    in_flight: RefCell<BTreeMap<Address, usize>>,
    warnings: RefCell<BTreeMap<Address, BTreeSet<String>>>,
}

impl Writes {
    /// Returns the writes of a step that AWS accepted, in order, as `service:Action`.
    pub(super) fn accepted(&self, address: &Address) -> Vec<String> {
        let accepted = self.accepted.borrow();
        accepted.get(address).cloned().unwrap_or_default()
    }

    /// Returns what AWS left out of documents that it imported, by step.
    pub(super) fn warnings(&self) -> BTreeMap<Address, BTreeSet<String>> {
        self.warnings.borrow().clone()
    }

    /// Returns the steps that have sent a write which has no answer yet.
    pub(super) fn unanswered(&self) -> BTreeSet<Address> {
        let in_flight = self.in_flight.borrow();
        let waiting = in_flight.iter().filter(|(_, count)| **count > 0);
        waiting.map(|(address, _)| address.clone()).collect()
    }
}

/// Returns what a document waits for, where it still holds a placeholder for an id that AWS has to choose.
fn awaited(request: &Request) -> Option<String> {
    // An API's own policy names the API in the short form, so it never waits.
    if request.service() == Service::ApiGateway {
        return None;
    }
    let text = format!("{request:?}");
    let (_, rest) = text.split_once("${provision:")?;
    Some(rest.split('}').next()?.to_owned())
}

/// A cloud that records the writes of one step.
#[derive(Clone, Copy)]
pub(super) struct Recorded<'a> {
    pub(super) cloud: &'a dyn Cloud,
    pub(super) writes: &'a Writes,
    pub(super) step: &'a Address,
}

impl Cloud for Recorded<'_> {
    fn send<'a>(
        &'a self,
        at: &'a Place,
        request: Request,
    ) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        if !request.writes() {
            return self.cloud.send(at, request);
        }
        let call = format!("{}:{}", request.service(), request.action());
        if let Some(api) = awaited(&request) {
            let text = format!(
                "{call} would write the policy of {} with a placeholder for the id of {api}, which is not there: \
                 make {api} in the same run",
                self.step
            );
            let error = CallError::new(Fault::Denied, "PendingId", text);
            return Box::pin(async move { Err(error) });
        }
        Box::pin(async move {
            let count = |by: fn(usize) -> usize| {
                let mut in_flight = self.writes.in_flight.borrow_mut();
                let count = in_flight.entry(self.step.clone()).or_default();
                *count = by(*count);
            };
            count(|it| it + 1);
            let answer = self.cloud.send(at, request).await;
            count(|it| it - 1);
            if answer.is_ok() {
                let mut accepted = self.writes.accepted.borrow_mut();
                accepted.entry(self.step.clone()).or_default().push(call);
            }
            if let Ok(Answer::PutRestApi(record)) = &answer {
                let mut warnings = self.writes.warnings.borrow_mut();
                if !record.warnings.is_empty() {
                    let those = warnings.entry(self.step.clone()).or_default();
                    those.extend(record.warnings.iter().cloned());
                }
            }
            answer
        })
    }

    fn now(&self) -> i64 {
        self.cloud.now()
    }
}
