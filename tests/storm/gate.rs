//! What stands between an engine and the cloud in a storm: distance, faults, kills, and the watch over each call.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use futures::future::LocalBoxFuture;
use provision::cloud::{Answer, CallError, Cloud, Fault, Request, Service};
use provision::model::Place;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::chance::Chance;
use crate::sketch::{LENT_API, LENT_TOPIC};
use crate::trial::{STALE, STALE_IAM, Trial};

/// A class of what may go wrong; a seed switches whole classes off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    Throttled,
    Broken,
    LostAnswers,
    LostRequests,
    Timeouts,
    Denied,
    Expired,
    Kills,
    Interrupts,
    ForeignWriter,
    SlowPrincipals,
    IndexLag,
    StaleReads,
}

impl Class {
    pub(crate) const ALL: [Self; 13] = [
        Self::Throttled,
        Self::Broken,
        Self::LostAnswers,
        Self::LostRequests,
        Self::Timeouts,
        Self::Denied,
        Self::Expired,
        Self::Kills,
        Self::Interrupts,
        Self::ForeignWriter,
        Self::SlowPrincipals,
        Self::IndexLag,
        Self::StaleReads,
    ];
    /// Those that befall single calls.
    const OF_CALLS: [Self; 7] = [
        Self::Throttled,
        Self::Broken,
        Self::LostAnswers,
        Self::LostRequests,
        Self::Timeouts,
        Self::Denied,
        Self::Expired,
    ];
}

/// The most calls that one run may send.
const BOUND: u64 = 2500;

/// One run's way to the cloud.
pub(crate) struct Gate<'a> {
    trial: &'a Trial,
    who: String,
    /// What no other run is called.
    run: String,
    chance: Chance,
    /// The call after which the process is gone, and whether that call is still carried out.
    dies: Option<(u64, bool)>,
    pub(crate) killed: Notify,
    pub(crate) over: Cell<bool>,
    dead: Cell<bool>,
    count: Cell<u64>,
    /// Unmarked statements of the shared documents, as this run read them last.
    seen: RefCell<BTreeMap<&'static str, BTreeSet<String>>>,
}

/// The statements of a policy without any stack's mark, each as one text.
pub(crate) fn unmarked(policy: &str) -> BTreeSet<String> {
    let text = policy.replace("\\\"", "\"").replace("\\/", "/");
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    let all = value["Statement"].as_array().cloned().unwrap_or_default();
    let ours = |it: &Value| {
        let sid = it["Sid"].as_str();
        sid.is_some_and(|it| it.starts_with("Provision"))
    };
    all.iter()
        .filter(|it| !ours(it))
        .map(ToString::to_string)
        .collect()
}

impl<'a> Gate<'a> {
    pub(crate) fn of(trial: &'a Trial, who: String, stream: u64) -> Self {
        let chance = Chance::of(trial.seed, stream);
        let mortal = !trial.calm.get() && trial.has(Class::Kills) && chance.one_in(2);
        let dies = mortal.then(|| (1 + chance.below(60), chance.one_in(2)));
        Self {
            trial,
            run: format!("run{stream}"),
            who,
            chance,
            dies,
            killed: Notify::new(),
            over: Cell::new(false),
            dead: Cell::new(false),
            count: Cell::new(0),
            seen: RefCell::default(),
        }
    }

    pub(crate) fn who(&self) -> &str {
        &self.who
    }

    pub(crate) fn run(&self) -> &str {
        &self.run
    }

    /// Carries a call out; a read may see what was there a moment ago.
    async fn answered(&self, at: &Place, request: Request) -> (bool, Result<Answer, CallError>) {
        if request.writes() {
            self.trial.remember();
        } else if self.trial.has(Class::StaleReads)
            && !self.trial.calm.get()
            && self.chance.one_in(4)
        {
            let most = if request.service() == Service::Iam {
                STALE_IAM
            } else {
                STALE
            };
            let ago = self
                .chance
                .millis(0, u64::try_from(most.as_millis()).expect("small"));
            if let Some(past) = self.trial.past(ago) {
                return (true, past.send(at, request).await);
            }
        }
        (false, self.trial.sandbox.send(at, request).await)
    }

    /// What befalls a call.
    fn trouble(&self) -> Option<Class> {
        if self.trial.calm.get() || !self.chance.one_in(self.trial.fair) {
            return None;
        }
        let class = *self.chance.pick(&Class::OF_CALLS);
        self.trial.has(class).then_some(class)
    }

    async fn carry(&self, at: &Place, request: Request) -> Result<Answer, CallError> {
        if self.dead.get() {
            futures::future::pending::<()>().await;
        }
        if self.over.get() {
            self.trial.violated(&format!(
                "{} sent {} after its run had ended",
                self.who,
                request.action()
            ));
        }
        self.count.set(self.count.get() + 1);
        if self.count.get() > BOUND {
            self.trial
                .violated(&format!("{} sent more than {BOUND} calls", self.who));
        }
        sleep(self.chance.millis(0, 200)).await;
        let number = self.trial.next_call();
        if self.trial.is_over() || self.dead.get() {
            // Nothing moves any more: whoever runs this looks at how things stand.
            futures::future::pending::<()>().await;
        }
        let trouble = self.trouble();
        let dies = self.dies.filter(|(at, _)| *at == self.count.get());
        let is_done = match trouble {
            Some(Class::LostAnswers) => true,
            Some(Class::Broken | Class::Timeouts) => self.chance.one_in(2),
            Some(_) => false,
            None => dies.is_none_or(|(_, is_done)| is_done),
        };
        let mut stale = false;
        let answer = if is_done {
            self.look_at(&request);
            let (is_old, answer) = self.answered(at, request.clone()).await;
            stale = is_old;
            let answer = answer.map(|it| self.shown(it));
            if request.writes() {
                self.trial.check(&self.who);
            }
            Some(answer)
        } else {
            None
        };
        self.trial.note(
            number,
            &format!(
                "{} {} {:?}{}{}",
                self.who,
                name_of(at, &request),
                trouble,
                if stale { " as it was" } else { "" },
                match &answer {
                    None => " not carried out".to_owned(),
                    Some(Ok(_)) => String::new(),
                    Some(Err(error)) => format!(" {}", error.code),
                }
            ),
        );
        if dies.is_some() {
            self.trial.kills.set(self.trial.kills.get() + 1);
            self.dead.set(true);
            self.killed.notify_one();
            futures::future::pending::<()>().await;
        }
        if trouble.is_some() {
            self.trial.faults.set(self.trial.faults.get() + 1);
        }
        sleep(self.chance.millis(0, 200)).await;
        match (trouble, answer) {
            (None, Some(answer)) => answer,
            (Some(Class::Throttled), _) => Err(error(Fault::Throttled, "Throttling")),
            (Some(Class::Broken), _) => Err(error(Fault::Broken, "InternalFailure")),
            (Some(Class::Denied), _) => Err(error(Fault::Denied, "AccessDenied")),
            (Some(Class::Expired), _) => Err(error(Fault::Credentials, "ExpiredToken")),
            (Some(Class::Timeouts), _) => {
                sleep(self.chance.millis(5_000, 30_000)).await;
                Err(error(Fault::Lost, "Timeout"))
            }
            _ => Err(error(Fault::Lost, "ConnectionReset")),
        }
    }

    /// Remembers what a run was shown of the shared documents; where the trial is broken on purpose,
    /// hides what is somebody else's there.
    fn shown(&self, mut answer: Answer) -> Answer {
        let hides = self.trial.hides_foreign();
        let show = |which, policy: &mut String| {
            let foreign = unmarked(policy);
            if hides && !foreign.is_empty() {
                let text = policy.replace("\\\"", "\"").replace("\\/", "/");
                let mut value: Value = serde_json::from_str(&text).unwrap_or_default();
                if let Some(all) = value["Statement"].as_array_mut() {
                    all.retain(|it| !foreign.contains(&it.to_string()));
                }
                *policy = value.to_string();
            }
            self.seen.borrow_mut().insert(which, foreign);
        };
        match &mut answer {
            Answer::GetTopicAttributes(it) => {
                let lent = it
                    .get("TopicArn")
                    .is_some_and(|it| it.ends_with(LENT_TOPIC));
                if let Some(policy) = it.get_mut("Policy").filter(|_| lent) {
                    show(LENT_TOPIC, policy);
                }
            }
            Answer::GetRestApis(it) => {
                let lent = it.items.iter_mut().filter(|it| it.name == LENT_API);
                for it in lent {
                    if let Some(policy) = it.policy.as_mut() {
                        show(LENT_API, policy);
                    }
                }
            }
            _ => {}
        }
        answer
    }

    /// Sees to it that a write drops no statement of somebody else's that the run was shown.
    fn look_at(&self, request: &Request) {
        let (which, policy) = match request {
            Request::SetTopicAttributes(it)
                if it.name == "Policy" && it.arn.ends_with(LENT_TOPIC) =>
            {
                (LENT_TOPIC, it.value.clone())
            }
            Request::UpdateRestApi(it) if Some(&it.id) == self.trial.partner.borrow().as_ref() => {
                let patch = it.patches.iter().find(|it| it.path == "/policy");
                let Some(patch) = patch else { return };
                (LENT_API, patch.value.clone().unwrap_or_default())
            }
            _ => return,
        };
        let written = unmarked(&policy);
        let there = self.trial.foreign_now(which);
        let seen = self.seen.borrow();
        let seen = seen.get(which).cloned().unwrap_or_default();
        for it in seen.intersection(&there) {
            if !written.contains(it) && !it.contains("__default_statement_ID") {
                self.trial.violated(&format!(
                    "{} writes {which} without a statement of somebody else's that it had read: {it}",
                    self.who
                ));
            }
        }
    }
}

fn error(fault: Fault, code: &str) -> CallError {
    CallError::new(fault, code, "the storm's")
}

fn name_of(at: &Place, request: &Request) -> String {
    format!("{} {}:{}", at.id, request.service(), request.action())
}

impl Cloud for Gate<'_> {
    fn send<'b>(
        &'b self,
        at: &'b Place,
        request: Request,
    ) -> LocalBoxFuture<'b, Result<Answer, CallError>> {
        Box::pin(self.carry(at, request))
    }

    fn now(&self) -> i64 {
        Cloud::now(&self.trial.sandbox)
    }
}
