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
use tokio::time::{Instant, sleep};

use super::conflict::{ending, patience};
use super::event::Event;
use super::outcome::{Outcome, Outcomes, StepError, failed};
use super::proof::{Proof, closed_by};
use super::schedule::{Ending, Schedule};
use super::sight::{Sight, Turn};
use super::writes::{Recorded, Writes};
use crate::cloud::{CallError, Cloud, Fault};
use crate::graph::{Task, with_principals};
use crate::kinds::{Closed, Context, Have, Ids, Part, Resource, Want, roles_named};
use crate::model::{Address, Arn, KindName};
use crate::plan::{Action, Plan, Step};

/// How long a new principal may stay unknown to a service. AWS promises no time; two minutes is what others allow.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long a deleted queue's name stays taken.
const NAME_COOLDOWN: Duration = Duration::from_secs(75);
/// How long a service may go on by a policy that it has already replaced.
const HEARSAY: Duration = Duration::from_mins(1);
/// A principal this young may be unknown to a service although this run did not make it.
const YOUNG: i64 = 300;
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
        steps: RefCell::default(),
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
                Run::outcome(step, &tasks, &ended, &schedule).unwrap_or(Outcome::NotStarted);
            if let Outcome::Skipped(_) = outcome {
                run.tell_ended(step, outcome.clone());
            }
            ((step.address.clone(), step.want.is_none()), outcome)
        })
        .collect();
    Outcomes {
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
    steps: RefCell<BTreeMap<(Address, bool), Times>>,
    writes: Writes,
    careful: bool,
}

impl Run<'_> {
    fn key(step: &Step) -> (Address, bool) {
        (step.address.clone(), step.want.is_none())
    }

    /// How a step ended, once all its parts have.
    fn outcome(
        step: &Step,
        tasks: &crate::graph::Tasks,
        ended: &BTreeMap<NodeIndex, Result<(), StepError>>,
        schedule: &Schedule<'_>,
    ) -> Option<Outcome> {
        let mut done = true;
        for node in tasks.node_indices() {
            let task = &tasks[node];
            if task.address != step.address || task.part.is_some() != step.want.is_some() {
                continue;
            }
            match ended.get(&node) {
                Some(Ok(())) => {}
                Some(Err(error)) if error.source.fault == Fault::Stopped => {
                    return Some(Outcome::NotStarted);
                }
                Some(Err(error)) => return Some(failed(step, error)),
                None => match schedule.skipped().get(&node) {
                    Some(root) => return Some(Outcome::Skipped(root.clone())),
                    None => done = false,
                },
            }
        }
        done.then_some(Outcome::Done)
    }

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
        if let Some(outcome) = Self::outcome(step, tasks, ended, schedule)
            && !matches!(outcome, Outcome::Skipped(_) | Outcome::NotStarted)
        {
            self.tell_ended(step, outcome);
        }
    }

    fn tell_ended(&self, step: &Step, outcome: Outcome) {
        let times = self.steps.borrow().get(&Self::key(step)).copied();
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
        let begun = self.steps.borrow().contains_key(&Self::key(step));
        if !begun {
            self.steps.borrow_mut().insert(
                Self::key(step),
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
        let cloud = Recorded {
            cloud: self.cloud,
            writes: &self.writes,
            step: &step.address,
        };
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
        if self.careful && self.takes_a_way(step, part) {
            self.wait_for_proof(step).await?;
        }
        let mut have = step.have.clone();
        let bridged = step.bridge.is_some() && part != Some(Part::Opened);
        if self.careful && (bridged || writes_a_shared_policy(step, part)) {
            // A policy is one document with several writers: what somebody added since the
            // plan was made is read now, and kept.
            have = self
                .read_again(step, &cx)
                .await
                .map_err(|error| (error, None))?;
        }
        let mut unclear = 0;
        let mut waited = Duration::ZERO;
        loop {
            let error = match self.attempt(step, part, &mut have, replaces, &cx).await {
                Ok(()) => {
                    if let Some(made) = named {
                        self.sight.seen(&step.address, made);
                    }
                    return Ok(());
                }
                Err(error) => error,
            };
            let (pause, why) = match error.fault {
                Fault::Unsettled => {
                    let new = self.new_principals(step);
                    if new.is_empty() || waited >= PATIENCE {
                        return Err((error, Some(Self::unknown_principals(step))));
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
                return Err((error, None));
            }
            (self.tell)(Event::Waiting {
                address: step.address.clone(),
                why,
            });
            sleep(pause).await;
            waited += pause;
            self.count_wait(step, pause);
            let unclear = matches!(
                error.fault,
                Fault::Lost | Fault::Broken | Fault::Conflict | Fault::Exists
            );
            if unclear && part.is_some() {
                have = self
                    .read_again(step, &cx)
                    .await
                    .map_err(|error| (error, None))?;
            }
        }
    }

    /// The resource as it is now; an error when it turned up under our hands and is not ours.
    async fn read_again(&self, step: &Step, cx: &Context<'_>) -> Result<Option<Have>, CallError> {
        let Some(want) = &step.want else {
            let Some(have) = &step.have else {
                return Ok(None);
            };
            let guest = guest(step, have, self.plan);
            return have.resource.read(&guest, cx).await;
        };
        let found = want.resource.read(want, cx).await?;
        if let Some(found) = &found {
            self.check_ours(step, found)?;
        }
        Ok(found)
    }

    /// Whether a task closes the way that somebody used until now.
    fn takes_a_way(&self, step: &Step, part: Option<Part>) -> bool {
        let closes = step
            .want
            .as_ref()
            .is_none_or(|it| part == Some(with_principals(it)));
        closes && closed_by(self.plan, step).next().is_some()
    }

    /// Waits until everybody whose old way a step takes can be seen to have a new one.
    async fn wait_for_proof(&self, step: &Step) -> Result<(), (CallError, Option<String>)> {
        let mut waited = Duration::ZERO;
        loop {
            let proof = Proof::of(self.plan, self.cloud, &self.ids);
            let missing = proof.missing(step).await.map_err(|error| (error, None))?;
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
            sleep(pause).await;
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
                Turn::In(left) => sleep(left).await,
                Turn::AfterTheScout | Turn::Now => self.sight.changed().await,
            }
            if self.stopping.get() {
                let error = CallError::new(Fault::Stopped, "Stopped", "it was not begun");
                return Err((error, None));
            }
        }
        self.count_wait(step, since.elapsed());
        Ok(())
    }

    fn count_wait(&self, step: &Step, wait: Duration) {
        if let Some(times) = self.steps.borrow_mut().get_mut(&Self::key(step)) {
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
        let id = want.resource.exist(want, have.as_ref(), cx).await?;
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

    /// A resource that turned up under our hands must be ours.
    fn check_ours(&self, step: &Step, found: &Have) -> Result<(), CallError> {
        let owned = step.want.as_ref().is_some_and(|it| it.owned);
        let marked = found
            .mark
            .as_ref()
            .is_some_and(|it| it.stack == self.plan.stack && it.address == step.address);
        // A subscription has no tags, and a stage none before the call after the one that makes it.
        let bare = matches!(step.address.kind, KindName::Subscription | KindName::Stage);
        if !owned || marked || step.have.is_some() || bare {
            return Ok(());
        }
        Err(CallError::new(
            Fault::Denied,
            "NotOurs",
            format!(
                "`{}` is there already and carries no mark of this stack; take it over with `--adopt {}`, \
                 or declare it `existing`",
                found.id, step.address
            ),
        ))
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

    fn unknown_principals(step: &Step) -> String {
        let named: Vec<String> = named(step).into_iter().map(|it| it.to_string()).collect();
        if named.is_empty() {
            return "its policy names no role; AWS refuses the document itself".to_owned();
        }
        format!(
            "AWS does not know one of these, or the region is not enabled for its account: {}",
            named.join(", ")
        )
    }
}

/// Whether a step writes a policy that others may write statements into, too.
fn writes_a_shared_policy(step: &Step, part: Option<Part>) -> bool {
    let part_with_policy = match step.address.kind {
        KindName::Topic | KindName::Queue => Part::Exists,
        KindName::RestApi => Part::Settled,
        KindName::Role | KindName::Subscription | KindName::Stage => return false,
    };
    match part {
        // Of what is not ours, only our statements go.
        None => step.have.as_ref().is_some_and(|it| it.mark.is_none()),
        Some(part) => {
            // An import of an API carries its whole policy, whatever it is for.
            let carries = step.address.kind == KindName::RestApi
                || step.changes.iter().any(|it| it.field == "policy");
            let writes = part == part_with_policy || part == Part::Opened;
            writes && step.action == Action::Update && carries
        }
    }
}

/// What is wanted of a resource that is not ours, once our statements are to go.
fn guest(step: &Step, have: &Have, plan: &Plan) -> Want {
    Want {
        stack: plan.stack.clone(),
        place: step.place.clone(),
        resource: have.resource.clone(),
        owned: false,
        exclusive: false,
        known: BTreeSet::new(),
        letting_go: false,
        needs: BTreeSet::new(),
        because: None,
        defer_trust: false,
        other_half: None,
        repin: false,
        renames: false,
        adopts: None,
        quotas: crate::policy::size::Quotas::default(),
        was: BTreeSet::new(),
        digest: None,
    }
}

/// The role ARNs that a step's documents name.
fn named(step: &Step) -> BTreeSet<Arn> {
    let documents = step
        .want
        .iter()
        .flat_map(|it| it.resource.principal_documents());
    documents.flat_map(|(_, it)| roles_named(it)).collect()
}

fn service_of(step: &Step) -> &'static str {
    match step.address.kind {
        KindName::Role => "IAM",
        KindName::Topic | KindName::Subscription => "SNS",
        KindName::Queue => "SQS",
        KindName::RestApi | KindName::Stage => "API Gateway",
    }
}

/// Half a second, then a little more each time, up to two seconds: a call a second is cheap,
/// and whoever doubles the wait overshoots by as much as was needed.
fn backoff(waited: Duration) -> Duration {
    (waited / 2 + Duration::from_millis(500)).min(Duration::from_secs(2))
}
