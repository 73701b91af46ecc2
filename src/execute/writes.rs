//! Which writes a step has sent: those AWS accepted, and those without an answer.
//!
//! A step is several calls, and AWS may accept the first and refuse the second. What the end
//! of a run says of such a step rests on this record and not on the step's last error.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use futures::future::LocalBoxFuture;
use tokio::time::Instant;

use crate::cloud::{Answer, CallError, Cloud, FRESH, Fault, Request, Service};
use crate::model::{Address, KindName, Place};

/// The writes of a run, by the address of the step that sent them.
#[derive(Debug, Default)]
pub(super) struct Writes {
    accepted: RefCell<BTreeMap<Address, Vec<String>>>,
    in_flight: RefCell<BTreeMap<Address, Vec<String>>>,
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

    /// Returns the writes that have no answer yet, as `service:Action`, by step.
    pub(super) fn unanswered(&self) -> BTreeMap<Address, Vec<String>> {
        let mut in_flight = self.in_flight.borrow().clone();
        in_flight.retain(|_, calls| !calls.is_empty());
        in_flight
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
pub(super) struct Recorded<'a> {
    cloud: &'a dyn Cloud,
    writes: &'a Writes,
    step: &'a Address,
    /// Until when writes may be sent, where they rest on a read.
    latest: Cell<Option<Instant>>,
    /// Whether a write was sent since then.
    written: Cell<bool>,
}

impl<'a> Recorded<'a> {
    /// The cloud as a step sees it.
    pub(super) fn of(cloud: &'a dyn Cloud, writes: &'a Writes, step: &'a Address) -> Self {
        Self {
            cloud,
            writes,
            step,
            latest: Cell::new(None),
            written: Cell::new(false),
        }
    }

    /// Notes that what is written next rests on what was read just now, and may not wait for long.
    pub(super) fn rests_on_a_read(&self, it_does: bool) {
        // API Gateway takes a deployment every five seconds: no stage could wait for its turn.
        let hurries = it_does && self.step.kind != KindName::Stage;
        self.latest.set(hurries.then(|| Instant::now() + FRESH));
        self.written.set(false);
    }

    /// Whether anything was written since the last read that it rests on.
    pub(super) fn has_written(&self) -> bool {
        self.written.get()
    }
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
            let in_flight = &self.writes.in_flight;
            {
                let mut sent = in_flight.borrow_mut();
                sent.entry(self.step.clone())
                    .or_default()
                    .push(call.clone());
            }
            self.written.set(true);
            let answer = match self.latest.get() {
                Some(latest) => self.cloud.send_before(at, request, latest).await,
                None => self.cloud.send(at, request).await,
            };
            if let Some(calls) = in_flight.borrow_mut().get_mut(self.step)
                && let Some(at) = calls.iter().position(|it| *it == call)
            {
                calls.remove(at);
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::iam::PutRolePolicy;
    use crate::cloud::sandbox::Sandbox;
    use crate::model::{AccountId, Region};

    #[tokio::test]
    async fn no_policy_is_written_with_a_placeholder_for_an_id_that_is_not_there() {
        let id = AccountId::parse("111111111111").expect("an account");
        let place = Place {
            account: "a".to_owned(),
            id: id.clone(),
            region: Region::parse("eu-west-1").expect("a region"),
        };
        let sandbox = Sandbox::in_memory(&[id]);
        let (writes, step) = (Writes::default(), Address::new(KindName::Role, "r"));
        let cloud = Recorded::of(&sandbox, &writes, &step);
        let put = |resource: &str| {
            Request::PutRolePolicy(PutRolePolicy {
                name: "r".to_owned(),
                policy: "p".to_owned(),
                document: format!("{{\"Resource\":\"{resource}\"}}"),
            })
        };
        let sent =
            put("arn:aws:execute-api:eu-west-1:111111111111:${provision:apis.orders}/live/GET/x");
        let error = cloud.send(&place, sent).await.expect_err("it is refused");
        assert_eq!(
            (error.fault, error.code.as_str()),
            (Fault::Denied, "PendingId")
        );
        assert_eq!(
            error.message,
            "iam:PutRolePolicy would write the policy of roles.r with a placeholder for the id of apis.orders, which is \
             not there: make apis.orders in the same run"
        );
        assert!(!cloud.has_written(), "nothing was sent");
        assert_eq!(
            awaited(&put(
                "arn:aws:execute-api:eu-west-1:111111111111:a1b2c3/live/GET/x"
            )),
            None
        );
    }
}
