//! The waiting: retries, causes, ctrl-c.
//!
//! A write whose answer is lost is never simply sent again: the resource is read
//! first, and only what still differs is done. Waiting is causal: a service that
//! does not know a principal yet is asked again only while that principal is
//! new; anything else fails at once. Ctrl-c starts nothing more and waits for
//! what AWS already has in hand.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::stream::{FuturesUnordered, Stream, StreamExt};
use petgraph::graph::NodeIndex;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::conflict::{ending, patience};
use super::event::Event;
use super::naming::{named, service_of, stopped, unknown_principals};
use super::outcome::{self, Outcome, Outcomes, StepError};
use super::proof::{Proof, closed_by};
use super::schedule::{Ending, Schedule};
use super::shared::{self, Loss};
use super::sight::{Sight, Turn};
use super::writes::{Recorded, Writes};
use super::{ours, twins};
use crate::cloud::{CallError, Cloud, Fault};
use crate::graph::{Task, with_principals};
use crate::kinds::{Closed, Context, Have, Ids, Part, Resource};
use crate::model::{Address, Arn, KindName};
use crate::plan::{Action, Plan, Step, StepKey};

/// How long a new principal may stay unknown to a service. AWS promises no time; two minutes is what others allow.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long a deleted queue's name stays taken.
const NAME_COOLDOWN: Duration = Duration::from_secs(75);
/// How long a service may go on by a policy that it has already replaced.
const HEARSAY: Duration = Duration::from_mins(1);
/// A principal this young may be unknown to a service although this run did not make it.
const YOUNG: i64 = 300;
/// What to do when another writer goes on.
const AGAIN: &str = "run the same command again once the other writer is done";
/// How often a write whose end is unclear is looked into.
const TRIES: u32 = 8;

/// Carries out a plan.
///
/// `interrupts` yields once for each ctrl-c: the first lets calls in flight end,
/// the second leaves at once.
pub async fn run(
    plan: &Plan,
    cloud: &dyn Cloud,
    ids: BTreeMap<Address, String>,
    interrupts: impl Stream<Item = ()>,
    tell: &dyn Fn(Event),
) -> Outcomes {
    carry_out(plan, cloud, ids, interrupts, tell, true).await
}

/// The same; not `careful` when nothing is really written, and so nobody can come between.
pub(super) async fn carry_out(
    plan: &Plan,
    cloud: &dyn Cloud,
    ids: BTreeMap<Address, String>,
    interrupts: impl Stream<Item = ()>,
    tell: &dyn Fn(Event),
    careful: bool,
) -> Outcomes {
    let tasks = plan.tasks();
    let mut schedule = Schedule::of(&tasks);
    let run = Run {
        plan,
        cloud,
        tell,
        ids: Ids::new(ids),
        closed: Closed::default(),
        made: RefCell::default(),
        born: RefCell::default(),
        sight: Sight::default(),
        stopping: Cell::new(false),
        stops: Notify::new(),
        steps: RefCell::default(),
        joined: RefCell::default(),
        writes: Writes::default(),
        careful,
    };
    let mut in_flight = FuturesUnordered::new();
    let mut interrupts = Box::pin(interrupts.fuse());
    let mut ended: BTreeMap<NodeIndex, Result<(), StepError>> = BTreeMap::new();
    loop {
        while !run.stopping.get()
            && let Some(node) = schedule.start()
        {
            let task = tasks[node].clone();
            in_flight.push({
                let run = &run;
                async move { (node, run.perform(&task).await) }
            });
        }
        let next = tokio::select! {
            biased;
            Some(()) = interrupts.next() => {
                if run.stopping.replace(true) {
                    break;
                }
                // Writes in flight are waited for; nothing else is.
                cloud.drain();
                run.stops.notify_waiters();
                continue;
            }
            next = in_flight.next() => next,
        };
        let Some((node, result)) = next else { break };
        if matches!(&result, Err(error) if error.source.fault == Fault::Stopped) {
            run.stopping.set(true);
        }
        let ending = if result.is_ok() {
            Ending::Done
        } else {
            Ending::Failed
        };
        schedule.ended(node, &ending);
        ended.insert(node, result);
        run.tell_if_over(&tasks[node], &tasks, &ended, &schedule);
    }
    let interrupted = run.stopping.get();
    let unanswered = run.writes.unanswered();
    let warnings = run.writes.warnings();
    drop(in_flight);
    let steps = plan
        .to_do()
        .map(|step| {
            let outcome =
                outcome::of(step, &tasks, &ended, &schedule).unwrap_or(Outcome::NotStarted);
            if let Outcome::Skipped(_) = outcome {
                run.tell_ended(step, outcome.clone());
            }
            (step.key(), outcome)
        })
        .collect();
    let steps: BTreeMap<_, _> = steps;
    let undone = steps.iter().filter(|(_, it)| **it != Outcome::Done);
    let undone = undone.map(|((address, _), _)| (address.clone(), run.writes.accepted(address)));
    Outcomes {
        accepted: undone.filter(|(_, calls)| !calls.is_empty()).collect(),
        steps,
        ids: run.ids.into_inner(),
        interrupted,
        unanswered,
        warnings,
    }
}

/// How long a step has run, and how much of that it waited.
#[derive(Clone, Copy, Debug)]
struct Times {
    since: Instant,
    waited: Duration,
}

struct Run<'a> {
    plan: &'a Plan,
    cloud: &'a dyn Cloud,
    tell: &'a dyn Fn(Event),
    ids: Ids,
    closed: Closed,
    /// The roles that this run made, and when.
    made: RefCell<BTreeMap<Arn, Instant>>,
    /// Everything that this run made, and when.
    born: RefCell<BTreeMap<Address, Instant>>,
    /// How soon they are seen.
    sight: Sight,
    stopping: Cell<bool>,
    /// Ends every wait when the run is to stop.
    stops: Notify,
    steps: RefCell<BTreeMap<StepKey, Times>>,
    /// APIs that another run made first.
    joined: RefCell<BTreeSet<Address>>,
    writes: Writes,
    careful: bool,
}

impl Run<'_> {
    fn tell_if_over(
        &self,
        task: &Task,
        tasks: &crate::graph::Tasks,
        ended: &BTreeMap<NodeIndex, Result<(), StepError>>,
        schedule: &Schedule<'_>,
    ) {
        let Some(step) = self.plan.step(task) else {
            return;
        };
        if let Some(outcome) = outcome::of(step, tasks, ended, schedule)
            && !matches!(outcome, Outcome::Skipped(_) | Outcome::NotStarted)
        {
            self.tell_ended(step, outcome);
        }
    }

    fn tell_ended(&self, step: &Step, outcome: Outcome) {
        let times = self.steps.borrow().get(&step.key()).copied();
        (self.tell)(Event::Ended {
            address: step.address.clone(),
            place: step.place.clone(),
            action: step.action,
            outcome,
            took: times.map_or(Duration::ZERO, |it| it.since.elapsed()),
            waited: times.map_or(Duration::ZERO, |it| it.waited),
        });
    }

    async fn perform(&self, task: &Task) -> Result<(), StepError> {
        let Some(step) = self.plan.step(task) else {
            return Ok(());
        };
        let begun = self.steps.borrow().contains_key(&step.key());
        if !begun {
            self.steps.borrow_mut().insert(
                step.key(),
                Times {
                    since: Instant::now(),
                    waited: Duration::ZERO,
                },
            );
            (self.tell)(Event::Started {
                address: step.address.clone(),
                place: step.place.clone(),
                action: step.action,
            });
        }
        let verb = match (task.part, step.action) {
            (None, _) => "remove",
            (Some(_), Action::Create) => "make",
            (Some(_), _) => "change",
        };
        let end = self.persist(step, task.part).await;
        let unheard = matches!(&end, Err((error, _)) if error.fault == Fault::Unsettled);
        self.sight.left(&step.address, unheard);
        end.map_err(|(source, help)| StepError {
            verb,
            address: step.address.clone(),
            source,
            written: self.writes.accepted(&step.address),
            help,
        })
    }

    /// Does one part, and keeps at it as long as there is a reason to.
    async fn persist(
        &self,
        step: &Step,
        part: Option<Part>,
    ) -> Result<(), (CallError, Option<String>)> {
        let cloud = Recorded::of(self.cloud, &self.writes, &step.address);
        let cx = Context {
            cloud: &cloud,
            stack: &self.plan.stack,
            address: &step.address,
            ids: &self.ids,
            closed: Some(&self.closed),
        };
        let replaces = step.action == Action::Replace;
        let named = self.newest_named(step, part);
        if let Some(made) = named {
            self.wait_to_be_seen(step, made).await?;
        }
        if self.careful && closed_by(self.plan, step, part).next().is_some() {
            self.wait_for_proof(step, part).await?;
        }
        let mut have = step.have.clone();
        let bridged = step.bridge.is_some() && part != Some(Part::Opened);
        let is_shared = self.careful && shared::writes_shared(step, part);
        if is_shared || self.careful && bridged || self.another_run_made(step, part) {
            // A policy is one document with several writers: what somebody added since the
            // plan was made is read now, and kept.
            have = self
                .read_again(step, &cx)
                .await
                .map_err(|error| (error, None))?;
            cloud.rests_on_a_read(is_shared);
        }
        let mut unclear = 0;
        let mut round = 0;
        let mut waited = Duration::ZERO;
        loop {
            let error = match self.attempt(step, part, &mut have, replaces, &cx).await {
                Ok(()) => {
                    if let Some(made) = named {
                        self.sight.seen(&step.address, made);
                    }
                    if !is_shared || !cloud.has_written() {
                        return Ok(());
                    }
                    let read = self.read_back(step, part, have.as_ref(), &cx).await;
                    let Some(loss) = read.map_err(|error| (error, None))? else {
                        return Ok(());
                    };
                    round += 1;
                    if round >= shared::ROUNDS || self.stopping.get() {
                        return Err((loss.error(&step.address), Some(AGAIN.to_owned())));
                    }
                    have = self
                        .take_in(step, loss, round, &cx)
                        .await
                        .map_err(|error| (error, None))?;
                    cloud.rests_on_a_read(true);
                    continue;
                }
                Err(error) => error,
            };
            let (pause, why) = match error.fault {
                Fault::Unsettled => {
                    let new = self.new_principals(step);
                    if new.is_empty() || waited >= PATIENCE {
                        return Err((error, Some(unknown_principals(step))));
                    }
                    (
                        backoff(waited),
                        format!("for {} to know {}", service_of(step), new.join(", ")),
                    )
                }
                Fault::TooSoon if waited < NAME_COOLDOWN => (
                    Duration::from_secs(5),
                    "for SQS to free the deleted queue's name (60 s)".to_owned(),
                ),
                // SNS may not have heard yet of the policy, or the topic, that this run has just written.
                Fault::Denied | Fault::Missing
                    if waited < HEARSAY && self.subscribes_to_what_it_made(step) =>
                {
                    (
                        backoff(waited),
                        "for SNS to act by the topic's new policy".to_owned(),
                    )
                }
                // What AWS has just made it may not find yet when the next call names it.
                Fault::Missing if waited < PATIENCE && !self.unseen(step).is_empty() => (
                    backoff(waited),
                    format!(
                        "for {} to show {}",
                        service_of(step),
                        self.unseen(step).join(", ")
                    ),
                ),
                // IAM asks for minutes, others for seconds: something else is being changed there.
                Fault::Conflict if waited < patience(&error) => (
                    (waited / 4 + Duration::from_secs(1)).min(Duration::from_secs(10)),
                    ending(&error).to_owned(),
                ),
                Fault::Lost | Fault::Broken | Fault::Exists if unclear < TRIES => {
                    unclear += 1;
                    (
                        backoff(waited),
                        "to see what AWS made of the last call".to_owned(),
                    )
                }
                _ => return Err((error, None)),
            };
            if self.stopping.get() {
                return Err((stopped(), None));
            }
            (self.tell)(Event::Waiting {
                address: step.address.clone(),
                why,
            });
            self.pause(pause).await?;
            waited += pause;
            self.count_wait(step, pause);
            let unclear = matches!(
                error.fault,
                Fault::Lost | Fault::Broken | Fault::Conflict | Fault::Exists
            );
            if unclear && (part.is_some() || is_shared) {
                have = self
                    .read_again(step, &cx)
                    .await
                    .map_err(|error| (error, None))?;
                cloud.rests_on_a_read(is_shared);
            } else if is_shared && let Some(have) = &mut have {
                // AWS refused what was sent. What is sent next rests on a new read all the same.
                let want = ours::wanted(self.plan, step, part, have);
                let newer = want.resource.read_back(&want, have, &cx).await;
                if let Some(newer) = newer.map_err(|error| (error, None))? {
                    shared::renew(have, newer);
                }
                cloud.rests_on_a_read(true);
            }
        }
    }

    /// Whether it goes on with an API that another run made first.
    fn another_run_made(&self, step: &Step, part: Option<Part>) -> bool {
        let joined = self.joined.borrow();
        match step.want.as_ref().map(|it| &it.resource) {
            Some(Resource::RestApi(_)) => {
                part == Some(Part::Settled) && joined.contains(&step.address)
            }
            Some(Resource::Stage(it)) => part.is_some() && joined.contains(&it.api),
            _ => false,
        }
    }

    /// Waits; an error when the run is stopped meanwhile.
    async fn pause(&self, pause: Duration) -> Result<(), (CallError, Option<String>)> {
        tokio::select! {
            biased;
            () = self.stops.notified() => Err((stopped(), None)),
            () = sleep(pause) => Ok(()),
        }
    }

    /// Reads a shared document back once no write can follow that rests on an older read; what is
    /// not as it was written.
    async fn read_back(
        &self,
        step: &Step,
        part: Option<Part>,
        before: Option<&Have>,
        cx: &Context<'_>,
    ) -> Result<Option<Loss>, CallError> {
        let Some(before) = before else {
            return Ok(None);
        };
        sleep(shared::SETTLED).await;
        self.count_wait(step, shared::SETTLED);
        let want = ours::wanted(self.plan, step, part, before);
        // What was deleted meanwhile has lost nothing to another writer of its policy.
        let after = want.resource.read_back(&want, before, cx).await?;
        let loss = after.map(|it| Loss::of(&want, Some(before), &it));
        Ok(loss.filter(|it| !it.ours.is_empty()))
    }

    /// Waits, and reads what a write that replaced ours has left: what is written next keeps it.
    async fn take_in(
        &self,
        step: &Step,
        loss: Loss,
        round: u32,
        cx: &Context<'_>,
    ) -> Result<Option<Have>, CallError> {
        let pause = shared::pause(&self.plan.stack, &step.address, round);
        (self.tell)(Event::Waiting {
            address: step.address.clone(),
            why: "to write again what another writer of the same policy replaced".to_owned(),
        });
        sleep(pause).await;
        self.count_wait(step, pause);
        let mut have = self.read_again(step, cx).await?;
        if let Some(have) = &mut have {
            let lost = loss.foreign.into_iter();
            let lost: Vec<_> = lost.filter(|it| !have.foreign.contains(it)).collect();
            have.foreign.extend(lost);
        }
        Ok(have)
    }

    /// The resource as it is now; an error when it turned up under our hands and is not ours.
    async fn read_again(&self, step: &Step, cx: &Context<'_>) -> Result<Option<Have>, CallError> {
        let Some(want) = &step.want else {
            let Some(have) = &step.have else {
                return Ok(None);
            };
            let guest = ours::guest(step, have, self.plan);
            return have.resource.read(&guest, cx).await;
        };
        let found = want.resource.read(want, cx).await?;
        if let Some(found) = &found {
            ours::check(self.plan, step, found)?;
        }
        Ok(found)
    }

    /// Waits until everybody whose old way a step takes can be seen to have a new one.
    async fn wait_for_proof(
        &self,
        step: &Step,
        part: Option<Part>,
    ) -> Result<(), (CallError, Option<String>)> {
        let mut waited = Duration::ZERO;
        loop {
            let proof = Proof::of(self.plan, self.cloud, &self.ids);
            let missing = proof
                .missing(step, part)
                .await
                .map_err(|error| (error, None))?;
            let Some(it) = missing else { return Ok(()) };
            if waited >= PATIENCE || self.stopping.get() {
                let message = format!(
                    "{} does not reach {} by its new way, {}, yet: its old way was left open",
                    it.caller, it.target, it.to
                );
                let help = "run the same command again once AWS shows what was written".to_owned();
                let error = CallError::new(Fault::Conflict, "NotProved", message);
                return Err((error, Some(help)));
            }
            let pause = backoff(waited);
            (self.tell)(Event::Waiting {
                address: step.address.clone(),
                why: format!("for {} to reach {} by its new way", it.caller, it.target),
            });
            self.pause(pause).await?;
            waited += pause;
            self.count_wait(step, pause);
        }
    }

    /// When the youngest of the roles was made that this part names and this run made.
    fn newest_named(&self, step: &Step, part: Option<Part>) -> Option<Instant> {
        let want = step.want.as_ref()?;
        if part != Some(with_principals(want)) && part != Some(Part::Opened) {
            return None;
        }
        let made = self.made.borrow();
        named(step)
            .iter()
            .filter_map(|it| made.get(it))
            .max()
            .copied()
    }

    /// Waits until a role that was made then can be seen, as far as this run can tell.
    async fn wait_to_be_seen(
        &self,
        step: &Step,
        made: Instant,
    ) -> Result<(), (CallError, Option<String>)> {
        let since = Instant::now();
        loop {
            let turn = self.sight.turn(&step.address, made);
            if turn == Turn::Now {
                break;
            }
            let why = format!(
                "for {} to know {}",
                service_of(step),
                self.new_principals(step).join(", ")
            );
            (self.tell)(Event::Waiting {
                address: step.address.clone(),
                why,
            });
            match turn {
                Turn::In(left) => self.pause(left).await?,
                Turn::AfterTheScout | Turn::Now => tokio::select! {
                    biased;
                    () = self.stops.notified() => {}
                    () = self.sight.changed() => {}
                },
            }
            if self.stopping.get() {
                return Err((stopped(), None));
            }
        }
        self.count_wait(step, since.elapsed());
        Ok(())
    }

    fn count_wait(&self, step: &Step, wait: Duration) {
        if let Some(times) = self.steps.borrow_mut().get_mut(&step.key()) {
            times.waited += wait;
        }
    }

    /// Whether a step subscribes a queue to a topic that this run makes or changes.
    fn subscribes_to_what_it_made(&self, step: &Step) -> bool {
        let Some(Resource::Subscription(it)) = step.want.as_ref().map(|it| &it.resource) else {
            return false;
        };
        self.plan.to_do().any(|other| match &other.want {
            Some(want) => {
                matches!(&want.resource, Resource::Topic(topic) if topic.arn == it.topic)
            }
            None => false,
        })
    }

    /// What a step acts on or names, as far as it is so new that AWS may not find it yet: itself and
    /// what it needs, made by this run, and a role that was made shortly before it.
    fn unseen(&self, step: &Step) -> Vec<String> {
        let Some(want) = &step.want else {
            return Vec::new();
        };
        let born = self.born.borrow();
        let is_young = |it: &Instant| it.elapsed() < PATIENCE;
        let just_made = |it: &&Address| born.get(*it).is_some_and(is_young);
        let needed = want.needs.iter().chain([&step.address]).filter(just_made);
        let mut found: Vec<String> = needed.map(ToString::to_string).collect();
        let created = step.have.as_ref().and_then(|it| it.created);
        let is_role = step.address.kind == KindName::Role;
        if found.is_empty() && is_role && created.is_some_and(|it| self.cloud.now() - it < YOUNG) {
            found.push(step.address.to_string());
        }
        found
    }

    async fn attempt(
        &self,
        step: &Step,
        part: Option<Part>,
        have: &mut Option<Have>,
        replaces: bool,
        cx: &Context<'_>,
    ) -> Result<(), CallError> {
        let Some(part) = part else {
            let Some(have) = have.as_ref() else {
                return Ok(());
            };
            return have.resource.remove(&step.place, have, cx).await;
        };
        let Some(want) = &step.want else {
            return Ok(());
        };
        if part == Part::Opened {
            let Some(bridge) = &step.bridge else {
                return Ok(());
            };
            bridge.resource.exist(bridge, have.as_ref(), cx).await?;
            return bridge.resource.settle(bridge, have.as_ref(), cx).await;
        }
        if part == Part::Settled {
            // What was made by this run is fresh: only its first part has been done.
            let fresh = matches!(step.action, Action::Create | Action::Replace)
                && step.have.as_ref() == have.as_ref();
            let live = if fresh { None } else { have.as_ref() };
            return want.resource.settle(want, live, cx).await;
        }
        // By its id, since a fresh read need not say all that the survey said.
        let is_old = |it: &Have| step.have.as_ref().is_some_and(|old| old.id == it.id);
        if replaces
            && have.as_ref().is_some_and(is_old)
            && let Some(old) = have.take()
        {
            // Taken out of `have` first: were the removal's answer lost, the next read tells.
            if let Err(error) = old.resource.remove(&step.place, &old, cx).await {
                *have = Some(old);
                return Err(error);
            }
        }
        // What a lost answer left behind is there already, and as new as if we had heard.
        let existed = have.is_some() && matches!(step.action, Action::Keep | Action::Update);
        let mut id = want.resource.exist(want, have.as_ref(), cx).await?;
        if have.is_none() && step.address.kind == KindName::RestApi {
            let settled = twins::settle(id.clone(), want, cx, self.careful).await?;
            if settled != id {
                self.joined.borrow_mut().insert(step.address.clone());
                id = settled;
            }
        }
        self.ids.borrow_mut().insert(step.address.clone(), id);
        if !existed {
            let now = Instant::now();
            self.born.borrow_mut().insert(step.address.clone(), now);
        }
        if let Resource::Role(role) = &want.resource
            && !existed
        {
            self.made
                .borrow_mut()
                .insert(role.arn.clone(), Instant::now());
        }
        Ok(())
    }

    /// The principals in a step's documents that a service may not know yet.
    fn new_principals(&self, step: &Step) -> Vec<String> {
        let now = self.cloud.now();
        let young = |arn: &Arn| {
            self.plan.steps.iter().any(|it| match &it.have {
                Some(have) => {
                    matches!(&have.resource, Resource::Role(role) if role.arn == *arn)
                        && have.created.is_some_and(|created| now - created < YOUNG)
                }
                None => false,
            })
        };
        let made = self.made.borrow();
        named(step)
            .into_iter()
            .filter(|it| made.contains_key(it) || young(it))
            .map(|it| it.name().to_owned())
            .collect()
    }
}

/// Half a second, then a little more each time, up to two seconds: a call a second is cheap,
/// and whoever doubles the wait overshoots by as much as was needed.
fn backoff(waited: Duration) -> Duration {
    (waited / 2 + Duration::from_millis(500)).min(Duration::from_secs(2))
}
