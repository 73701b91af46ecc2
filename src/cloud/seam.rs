//! The one seam where every call to a cloud passes, whichever cloud it is.
//!
//! Around the cloud inside, the seam
//! - waits before a call that AWS's published rates would refuse ([`crate::cloud::pace`]), and
//!   lets only a few calls at once through to a service that publishes none,
//! - makes what a test asked for go wrong ([`FaultRule`]),
//! - counts and records every attempt ([`Ledger`], [`CallRecord`]), and
//! - sends again what was throttled, and reads that got no answer or a broken one.
//!
//! A write that got no answer is never sent again from here: whether it was
//! carried out is for the caller to find out.

mod ledger;
mod rules;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use futures::future::LocalBoxFuture;
use tokio::time::{Instant, sleep};

use super::pace::{self, Limit, Pace};
use super::sandbox::{Habits, Heard, Sandbox};
use super::{Answer, CallError, Cloud, Fault, Request, Service};
use crate::model::{AccountId, Place, Region};
use crate::policy::Document;

pub(crate) use ledger::target;
pub use ledger::{CallRecord, Ledger, Tally};
pub use rules::{FaultRule, Trouble};

/// How often a throttled call is sent in all.
const THROTTLED_ATTEMPTS: u32 = 8;
/// How often a read that got no answer, or a broken one, is sent in all.
const LOST_ATTEMPTS: u32 = 5;
/// The wait before the second attempt; it doubles with every further one.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// No wait grows beyond this, unless the service asks for more.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// No service is waited for longer than this, whatever it asks for: API Gateway's slowest rate is one in 30 seconds.
const LONGEST_ASKED: Duration = Duration::from_mins(1);

/// How long no answer is nothing to tell of.
const SILENCE: Duration = Duration::from_secs(10);

/// What the seam tells while it works.
#[derive(Debug)]
pub enum Event<'e> {
    /// A call waits for its turn at a published rate.
    Waiting {
        /// Where it will be sent.
        at: &'e Place,
        /// The call.
        request: &'e Request,
        /// How long, as far as can be told.
        wait: Duration,
        /// What for: `waiting for API Gateway: 1 CreateDeployment per 5 s`.
        why: String,
    },
    /// A call was refused or lost, and will be sent again.
    Again {
        /// Where it was sent.
        at: &'e Place,
        /// The call.
        request: &'e Request,
        /// After this long.
        wait: Duration,
        /// What came of the last attempt.
        error: &'e CallError,
        /// The number of the next attempt of this call, from 2.
        attempt: u32,
    },
    /// A call has been sent, and there is no answer yet.
    Silent {
        /// Where it was sent.
        at: &'e Place,
        /// The service.
        service: Service,
        /// The action.
        action: &'e str,
        /// Since when.
        since: Duration,
    },
    /// An attempt has ended.
    Ended(&'e CallRecord),
}

type Observer<'a> = Box<dyn Fn(&Event<'_>) + 'a>;
type Gate = (AccountId, Region, &'static str);

/// A cloud with the seam around it.
pub struct Seam<'a> {
    inner: Box<dyn Cloud + 'a>,
    observer: Option<Observer<'a>>,
    paced: bool,
    began: OnceCell<Instant>,
    pace: RefCell<Pace>,
    gates: RefCell<BTreeMap<Gate, Rc<tokio::sync::Mutex<()>>>>,
    queued: RefCell<BTreeMap<Gate, u32>>,
    doors: RefCell<BTreeMap<(AccountId, Service), Rc<tokio::sync::Semaphore>>>,
    rules: RefCell<rules::Rules>,
    stopped: Cell<bool>,
    draining: Cell<bool>,
    drained: tokio::sync::Notify,
    numbered: Cell<u64>,
    /// When it was last told that there is no answer.
    silent: Cell<Duration>,
    ledger: RefCell<Ledger>,
    records: RefCell<Vec<CallRecord>>,
    heard: Option<RefCell<Vec<Heard>>>,
}

impl fmt::Debug for Seam<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Seam")
            .field("paced", &self.paced)
            .field("stopped", &self.stopped)
            .field("ledger", &self.ledger)
            .finish_non_exhaustive()
    }
}

impl<'a> Seam<'a> {
    /// The seam around a cloud.
    #[must_use]
    pub fn around(cloud: impl Cloud + 'a) -> Self {
        Self {
            inner: Box::new(cloud),
            observer: None,
            paced: true,
            began: OnceCell::new(),
            pace: RefCell::default(),
            gates: RefCell::default(),
            queued: RefCell::default(),
            doors: RefCell::default(),
            rules: RefCell::default(),
            stopped: Cell::new(false),
            draining: Cell::new(false),
            drained: tokio::sync::Notify::new(),
            numbered: Cell::new(0),
            silent: Cell::default(),
            ledger: RefCell::default(),
            records: RefCell::default(),
            heard: None,
        }
    }

    /// The same, keeping what is answered to calls that read.
    #[must_use]
    pub fn keeping(mut self) -> Self {
        self.heard = Some(RefCell::default());
        self
    }

    /// What was answered so far to calls that read, where that was kept.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        let heard = self.heard.as_ref();
        heard.map(|it| it.borrow().clone()).unwrap_or_default()
    }

    /// A sandbox that holds what was answered so far to calls that read, where that was kept.
    #[must_use]
    pub fn learned(&self, habits: Habits) -> Option<Sandbox> {
        let heard = self.heard.as_ref()?.borrow();
        Some(Sandbox::learned(&heard, self.now(), habits))
    }

    /// The same, telling what it does.
    #[must_use]
    pub fn telling(mut self, observer: impl Fn(&Event<'_>) + 'a) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// The same, without waiting for published rates: for emulators that have none.
    #[must_use]
    pub fn unpaced(mut self) -> Self {
        self.paced = false;
        self
    }

    /// The same, sending calls this much later than published rates allow, because
    /// on a network two calls may arrive closer together than they were sent.
    #[must_use]
    pub fn with_margin(mut self, margin: Duration) -> Self {
        self.pace = RefCell::new(Pace::default().with_margin(margin));
        self
    }

    /// The same, with faults.
    #[must_use]
    pub fn failing(self, rules: impl IntoIterator<Item = FaultRule>) -> Self {
        self.rules.borrow_mut().set(rules.into_iter().collect());
        self
    }

    /// What was called so far.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.ledger.borrow().clone()
    }

    /// Every attempt so far, in the order they ended.
    #[must_use]
    pub fn records(&self) -> Vec<CallRecord> {
        self.records.borrow().clone()
    }

    /// How many attempts were sent so far; the next one has the number after this.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.numbered.get()
    }

    /// Whether a fault has stopped the seam dead.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        self.stopped.get()
    }

    fn tell(&self, event: &Event<'_>) {
        if let Some(observer) = &self.observer {
            observer(event);
        }
    }

    fn elapsed(&self) -> Duration {
        self.began.get_or_init(Instant::now).elapsed()
    }

    /// Waits until the published rates let the call through.
    ///
    /// Calls of one bucket go in the order they came. A call takes from all its
    /// buckets at the moment it goes, not earlier: a long queue for one action
    /// must not use up what other actions could draw meanwhile.
    ///
    /// A call that may be sent until `latest` only gives up its place when that has passed.
    async fn turn(
        &self,
        at: &Place,
        request: &Request,
        latest: Option<Instant>,
    ) -> Result<(), CallError> {
        let limits = pace::limits(&at.region, request);
        let Some(narrowest) = limits.first().filter(|_| self.paced) else {
            return Ok(());
        };
        let gate = (at.id.clone(), at.region.clone(), narrowest.bucket);
        let queued = Queued::join(self, gate.clone());
        let wait = self
            .pace
            .borrow()
            .wait(at, &limits, self.elapsed(), queued.ahead)
            .map(|(wait, limit)| (wait, format!("waiting for {}", limit.rate)));
        if let Some((wait, why)) = wait {
            self.tell(&Event::Waiting {
                at,
                request,
                wait,
                why,
            });
        }
        let mutex = Rc::clone(self.gates.borrow_mut().entry(gate).or_default());
        let _first_in_line = mutex.lock().await;
        let is_late = |wait| latest.is_some_and(|it| Instant::now() + wait > it);
        while let Some(wait) = self.still_to_wait(at, &limits) {
            if is_late(wait) {
                return Err(late());
            }
            self.pause(wait).await?;
        }
        if is_late(Duration::ZERO) {
            return Err(late());
        }
        self.pace.borrow_mut().take(at, &limits, self.elapsed());
        Ok(())
    }

    fn still_to_wait(&self, at: &Place, limits: &[Limit]) -> Option<Duration> {
        let pace = self.pace.borrow();
        pace.wait(at, limits, self.elapsed(), 0)
            .map(|(wait, _)| wait)
    }

    /// Sends a call once, or does to it what a rule says.
    async fn attempt(
        &self,
        at: &Place,
        request: Request,
        (attempt, latest): (u32, Option<Instant>),
    ) -> Result<Answer, CallError> {
        if self.stopped.get() {
            return Err(stopped());
        }
        let number = self.numbered.get() + 1;
        let trouble = self.rules.borrow_mut().trouble(at, &request, number);
        if trouble == Some(Trouble::StopBefore) {
            self.stopped.set(true);
            return Err(stopped());
        }
        self.numbered.set(number);
        let mut record = CallRecord {
            number,
            at: at.clone(),
            service: request.service(),
            action: request.action(),
            target: ledger::target(&request),
            writes: request.writes(),
            attempt,
            sent: self.elapsed(),
            took: Duration::ZERO,
            outcome: Ok(()),
        };
        let kept = self.heard.as_ref().filter(|_| !request.writes());
        let asked = kept.map(|_| request.clone());
        let answer = match (trouble, latest) {
            (None, Some(latest)) => self.inner.send_before(at, request, latest),
            (None, None) => self.inner.send(at, request),
            (Some(trouble), _) => Box::pin(self.suffer(trouble, at, request)),
        };
        let outcome = self.answered(&record, answer).await;
        // Who was stopped dead meanwhile hears nothing of what was in flight.
        let outcome = if self.stopped.get() {
            Err(stopped())
        } else {
            outcome
        };
        let outcome = outcome.map_err(|mut error| {
            error.action = Some(format!("{}:{}", record.service, record.action));
            error
        });
        record.took = self.elapsed().saturating_sub(record.sent);
        record.outcome = outcome.as_ref().map(|_| ()).map_err(Clone::clone);
        self.ledger.borrow_mut().count(&record);
        self.tell(&Event::Ended(&record));
        if let (Some(kept), Some(asked)) = (kept, asked) {
            let heard = (at.clone(), asked, outcome.clone());
            kept.borrow_mut().push(heard);
        }
        self.records.borrow_mut().push(record);
        outcome
    }

    /// Waits for an answer, and tells while there is none: of several calls that wait, the one that is noticed first.
    async fn answered(
        &self,
        sent: &CallRecord,
        mut answer: LocalBoxFuture<'_, Result<Answer, CallError>>,
    ) -> Result<Answer, CallError> {
        loop {
            tokio::select! {
                biased;
                answer = &mut answer => return answer,
                () = sleep(SILENCE) => {}
            }
            let now = self.elapsed();
            if self.silent.get() + SILENCE > now {
                continue;
            }
            self.silent.set(now);
            self.tell(&Event::Silent {
                at: &sent.at,
                service: sent.service,
                action: sent.action,
                since: now.saturating_sub(sent.sent),
            });
        }
    }

    async fn suffer(
        &self,
        trouble: Trouble,
        at: &Place,
        request: Request,
    ) -> Result<Answer, CallError> {
        match trouble {
            Trouble::Throttle => Err(fault(Fault::Throttled, "Throttling", "Rate exceeded")),
            Trouble::Break => Err(broken()),
            Trouble::BreakAfter => {
                let _unheard = self.inner.send(at, request).await;
                Err(broken())
            }
            Trouble::Deny => Err(fault(
                Fault::Denied,
                "AccessDenied",
                "the caller is not authorized to perform this action",
            )),
            Trouble::LoseRequest => Err(lost()),
            Trouble::LoseAnswer => {
                let _unheard = self.inner.send(at, request).await;
                Err(lost())
            }
            Trouble::StopAfter => {
                let _unheard = self.inner.send(at, request).await;
                self.stopped.set(true);
                Err(stopped())
            }
            Trouble::StopBefore => Err(stopped()),
        }
    }

    /// What lets only so many calls be under way at once, where AWS publishes no rate to pace them by.
    fn door(&self, at: &Place, service: Service) -> Option<Rc<tokio::sync::Semaphore>> {
        let width = match service {
            Service::Iam | Service::Kms => 8,
            Service::Sqs | Service::Sts => 16,
            Service::Tagging | Service::Organizations | Service::CloudControl => 4,
            Service::Sns | Service::ApiGateway => return None,
        };
        let mut doors = self.doors.borrow_mut();
        let door = doors
            .entry((at.id.clone(), service))
            .or_insert_with(|| Rc::new(tokio::sync::Semaphore::new(width)));
        Some(Rc::clone(door))
    }

    async fn carry(
        &self,
        at: &Place,
        request: Request,
        latest: Option<Instant>,
    ) -> Result<Answer, CallError> {
        let mut attempt = 1;
        loop {
            self.turn(at, &request, latest).await?;
            let door = self.door(at, request.service());
            let open = match &door {
                Some(door) => door.acquire().await.ok(),
                None => None,
            };
            if latest.is_some_and(|it| Instant::now() > it) {
                return Err(late());
            }
            let result = self.attempt(at, request.clone(), (attempt, latest)).await;
            drop(open);
            let error = match result {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let attempts = match error.fault {
                Fault::Throttled => THROTTLED_ATTEMPTS,
                Fault::Lost | Fault::Broken if !request.writes() => LOST_ATTEMPTS,
                _ => 1,
            };
            if attempt >= attempts {
                return Err(error);
            }
            let wait = back_off(self.numbered.get(), attempt, error.retry_after);
            attempt += 1;
            self.tell(&Event::Again {
                at,
                request: &request,
                wait,
                error: &error,
                attempt,
            });
            self.pause(wait).await?;
        }
    }

    /// Waits before a call is sent; an error once nothing is to wait any more.
    async fn pause(&self, wait: Duration) -> Result<(), CallError> {
        let drained = self.drained.notified();
        if self.draining.get() {
            return Err(stopped());
        }
        tokio::select! {
            biased;
            () = drained => Err(stopped()),
            () = sleep(wait) => Ok(()),
        }
    }
}

impl Cloud for Seam<'_> {
    fn send<'s>(
        &'s self,
        at: &'s Place,
        request: Request,
    ) -> LocalBoxFuture<'s, Result<Answer, CallError>> {
        Box::pin(self.carry(at, request, None))
    }

    fn send_before<'s>(
        &'s self,
        at: &'s Place,
        request: Request,
        latest: Instant,
    ) -> LocalBoxFuture<'s, Result<Answer, CallError>> {
        Box::pin(self.carry(at, request, Some(latest)))
    }

    fn drain(&self) {
        self.draining.set(true);
        self.drained.notify_waiters();
    }

    fn restrict(&self, policies: &BTreeMap<AccountId, Document>) -> Result<(), CallError> {
        self.inner.restrict(policies)
    }

    fn now(&self) -> i64 {
        self.inner.now()
    }
}

/// A call's place in the queue of a bucket, given up when it goes or is dropped.
struct Queued<'s, 'a> {
    seam: &'s Seam<'a>,
    gate: Gate,
    ahead: u32,
}

impl<'s, 'a> Queued<'s, 'a> {
    fn join(seam: &'s Seam<'a>, gate: Gate) -> Self {
        let mut queued = seam.queued.borrow_mut();
        let count = queued.entry(gate.clone()).or_default();
        let ahead = *count;
        *count += 1;
        drop(queued);
        Self { seam, gate, ahead }
    }
}

impl Drop for Queued<'_, '_> {
    fn drop(&mut self) {
        if let Some(count) = self.seam.queued.borrow_mut().get_mut(&self.gate) {
            *count -= 1;
        }
    }
}

fn fault(fault: Fault, code: &str, message: &str) -> CallError {
    CallError::new(fault, code, message)
}

fn lost() -> CallError {
    fault(
        Fault::Lost,
        "RequestTimeout",
        "the connection was closed before an answer came",
    )
}

fn broken() -> CallError {
    fault(
        Fault::Broken,
        "InternalFailure",
        "the request processing has failed because of an unknown error",
    )
}

fn late() -> CallError {
    fault(
        Fault::Conflict,
        "StaleRead",
        "its turn came too long after the read that it rests on; nothing was sent",
    )
}

fn stopped() -> CallError {
    fault(Fault::Stopped, "Stopped", "nothing is sent any more")
}

/// How long to wait after an attempt: what the service asks for, or a doubling
/// wait less a part that differs from call to call.
///
/// The part rests on the call's number, not on chance, so that a run can be
/// repeated exactly.
fn back_off(number: u64, attempt: u32, asked: Option<Duration>) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << (attempt - 1).min(16));
    let longest = doubled.min(LONGEST_WAIT);
    // The finaliser of SplitMix64: every number gives an even spread.
    let mut spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    spread = (spread ^ (spread >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    spread ^= spread >> 27;
    let part = u32::try_from(spread % 1000).unwrap_or_default();
    let wait = longest / 2 + longest / 2 * part / 1000;
    asked.map_or(wait, |it| it.min(LONGEST_ASKED) + FIRST_WAIT * part / 1000)
}

#[cfg(test)]
mod tests;
