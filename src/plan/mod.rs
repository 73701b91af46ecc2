//! Graph and live to steps: what apply would do, call for call.
//!
//! A plan is a value: it holds what is wanted, what was found and what differs,
//! and it knows why it may not be carried out. Nothing is decided after it.

pub mod access;
pub mod administrators;
pub mod adopt;
pub mod broadened;
mod budget;
mod cuts;
mod departed;
mod departure;
mod digests;
mod documents;
mod edges;
mod eviction;
mod halves;
mod keys;
mod left;
mod losses;
mod moves;
pub mod narrowed;
mod order;
mod outward;
mod partial;
mod reborn;
mod relay;
mod release;
mod removal;
mod ripple;
mod vanished;

use removal::{removal, unmaking};
use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{self, Task};
use crate::kinds::role::Versions;
use crate::kinds::survey::{Doubt, Live, ManagedPolicies, Orphan, Reading, Unread};
use crate::kinds::{Have, Part, Resource, Want, pending_id};
use crate::lower::{Desired, Handover};
use crate::model::{Address, Arn, Change, Detail, KindName, Mark, Place, Tags};
use crate::stack::Withdrawn;

pub use access::{AccessChange, Turn};
pub use broadened::{Broadened, Widening};
pub use budget::{Gauge, WayOut, oversized};
pub use cuts::Cut;
pub use departed::Departed;
pub use documents::StatementChange;
pub use eviction::Eviction;
pub use halves::{Half, Standing};
pub use left::Left;
pub use moves::{Move, RECEIVES, SENDS, Stranger, Succession};
pub use reborn::{Ghost, Pin, Rebirth, Reborn};

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Nothing: it is as the stack says.
    Keep,
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// It is deleted and made again.
    Replace,
    /// It is removed.
    Delete,
}

impl Action {
    /// The sign a plan shows it by.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Keep => " ",
            Self::Create => "+",
            Self::Update => "~",
            Self::Replace => "-/+",
            Self::Delete => "-",
        }
    }
}

/// A resource and what is done to it.
#[derive(Clone, Debug)]
pub struct Step {
    /// The resource.
    pub address: Address,
    /// Where it stands.
    pub place: Place,
    /// What is done.
    pub action: Action,
    /// What differs.
    pub changes: Vec<Change>,
    /// What is wanted; `None` of what is removed.
    pub want: Option<Want>,
    /// What is there; `None` of what is made.
    pub have: Option<Have>,
    /// Why.
    pub because: Option<String>,
    /// Somebody changed AWS since the last apply; the stack did not change.
    pub drifted: bool,
    /// What the owner of another's API has changed and not deployed, and this step would publish.
    pub publishes: Vec<Detail>,
    /// What is written first, when both an old way and a new one go through it and have to stay
    /// open for a while.
    pub bridge: Option<Box<Want>>,
}

/// What tells a step from all others: its address, and of a removal the id of what is removed.
pub type StepKey = (Address, Option<String>);

impl Step {
    /// What tells it from all others. Two resources may bear the same mark.
    #[must_use]
    pub fn key(&self) -> StepKey {
        let removed = self.want.is_none().then_some(self.have.as_ref()).flatten();
        (self.address.clone(), removed.map(|it| it.id.clone()))
    }

    /// Whether a task is a part of it.
    #[must_use]
    pub fn has(&self, task: &Task) -> bool {
        self.address == task.address && self.key().1 == task.removes
    }
}

/// Why a plan may not be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The resource.
    pub address: Address,
    /// What is in the way, and what to do.
    pub message: String,
    /// Whether it is a budget or guardrail (exit code 3), not an error (1).
    pub budget: bool,
    /// What else there is to do, what costs least precision first.
    pub ways_out: Vec<WayOut>,
}

/// What apply would do.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The stack's name.
    pub stack: String,
    /// Every resource, in the order of their addresses; removed ones last.
    pub steps: Vec<Step>,
    /// Who gains and who loses.
    pub access: Vec<AccessChange>,
    /// Whose way changes: the new one is made before the old one is taken.
    pub moves: Vec<Move>,
    /// Who is not of the stack, and whose way changes all the same.
    pub strangers: BTreeSet<Stranger>,
    /// Ways of others than roles of the stack that open while others close.
    pub successions: BTreeSet<Succession>,
    /// Consumers whose access role asks for another external id than before.
    pub identified: BTreeSet<String>,
    /// Whom other changes than those of their access cut off.
    pub cuts: Vec<Cut>,
    /// Resources whose change may cut off callers: the author agreed to it.
    pub closed: BTreeSet<Address>,
    /// Roles that have another id than documents hold, with everything that is written again for them.
    pub reborn: Vec<Reborn>,
    /// Ids of deleted principals that documents hold, and who they were.
    pub ghosts: Vec<Ghost>,
    /// Documents that let more through than before.
    pub widenings: Vec<Widening>,
    /// What managed policies say that the stack did not make, as far as they were read.
    pub policies: ManagedPolicies,
    /// Statements that come, go and change, document by document.
    pub statements: Vec<StatementChange>,
    /// How full each document is.
    pub gauges: Vec<Gauge>,
    /// What of others goes by a call of its own.
    pub evictions: Vec<Eviction>,
    /// Why it may not be carried out.
    pub refusals: Vec<Refusal>,
    /// Policies that somebody else must attach.
    pub handovers: Vec<Handover>,
    /// What stays as it is, in accounts that are not entered.
    pub left: Vec<Left>,
    /// What AWS does not show: it stays as it is.
    pub unread: Vec<Unread>,
    /// Where the tag index is behind, and may not show what left the stack.
    pub doubts: Vec<Doubt>,
    /// What is between this stack and others.
    pub halves: Vec<Half>,
    /// Claims that no contract covers any more.
    pub withdrawn: Vec<Withdrawn>,
    /// Stands for everything that was found, for telling whether it moved.
    pub live_digest: String,
    /// Stands for everything that is wanted.
    pub stack_digest: String,
}

/// What the author agreed to beside the stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// Unmarked resources to take over.
    pub adopt: BTreeSet<Address>,
    /// Queues of others whose subscriptions to topics of the stack are ended.
    pub cut_off: BTreeSet<Arn>,
    /// Resources whose change may cut off callers.
    pub close: BTreeSet<Address>,
}

impl Plan {
    /// What makes `live` what is wanted.
    #[must_use]
    pub fn between(desired: &Desired, live: &Live, consent: &Consent) -> Self {
        let mut steps = Vec::new();
        let mut refusals = Vec::new();
        let made = ripple::roles_to_make(desired, live);
        let ids = ripple::lasting_ids(desired, live);
        let left = left::left(desired, &ids);
        for (address, want) in &desired.wants {
            if left.iter().any(|it| it.holds(address)) {
                continue;
            }
            let mut want = want.with_ids(&ids);
            // Of roles IAM tells what an account allows; of the rest only the stack can.
            if let Some(read) = live.quotas.get(&want.place.id) {
                (want.quotas.trust, want.quotas.attached) = (read.trust, read.attached);
            }
            let have = live.have.get(address);
            match step_for(address, want, have, &made, consent) {
                Ok(step) => steps.push(step),
                Err(message) => refusals.push(Refusal {
                    address: address.clone(),
                    message,
                    budget: false,
                    ways_out: Vec::new(),
                }),
            }
        }
        ripple::tell_of_replaced_roles(&mut steps);
        ripple::redeploy_changed_apis(&mut steps);
        let kept: BTreeSet<String> = desired.wants.keys().map(ToString::to_string).collect();
        steps.extend(live.orphans.iter().map(|it| {
            let mut moved = desired.wants.iter();
            let now = moved.find(|(_, want)| want.was.contains(&it.address));
            let orphan = Orphan {
                address: now.map_or(&it.address, |(address, _)| address).clone(),
                ..it.clone()
            };
            removal(&orphan, &kept)
        }));
        for queue in &consent.cut_off {
            match halves::cut_off(desired, live, queue) {
                Ok(cut) => steps.extend(cut),
                Err(refusal) => refusals.push(refusal),
            }
        }
        refusals.extend(held(&steps).chain(losses::undeployable(&steps)));
        refusals.extend(losses::behind_canaries(&steps));
        let names = edges::Names::of(desired, &steps);
        let reborn::Found { reborn, ghosts } = reborn::found(desired, &steps, &names);
        let mut plan = Self {
            stack: desired.stack.clone(),
            doubts: live.doubts.clone(),
            reborn,
            ghosts,
            policies: live.policies.clone(),
            closed: consent.close.clone(),
            refusals,
            handovers: handovers(desired, live, &ids),
            left,
            withdrawn: desired.withdrawn.clone(),
            live_digest: digests::of_live(live),
            stack_digest: digests::of_stack(desired),
            ..Self::default()
        };
        plan.derive(desired, live, &steps);
        plan.refusals.extend(budget::refusals(&plan.gauges));
        plan.steps = steps;
        plan.bridge();
        plan
    }

    /// Works out all that follows from these steps alone: who gains and loses, what changes in which document,
    /// whose way changes, how full the documents get, and what other stacks have to do.
    fn derive(&mut self, desired: &Desired, live: &Live, steps: &[Step]) {
        self.access = access::changes(desired, steps, &self.reborn, &live.guests);
        self.cuts = cuts::cuts(desired, live, steps, &self.access);
        let moves = moves::moves(steps);
        (self.moves, self.strangers) = (moves.ours, moves.strangers);
        self.successions = moves.successions;
        self.identified = moves::identified(desired, steps, &self.access);
        self.widenings = broadened::widenings(steps, &self.policies);
        self.statements = documents::statements(steps);
        self.gauges = budget::gauges(steps);
        self.halves = halves::halves(desired, live, steps);
    }

    /// What takes everything of the stack away again, as far as it could be read.
    #[must_use]
    pub fn of_destruction(desired: &Desired, reading: &Reading) -> Self {
        let live = &reading.live;
        let mut steps: Vec<Step> = desired
            .wants
            .iter()
            .filter(|(address, want)| reading.tells_of(address, want))
            .filter_map(|(address, want)| unmaking(address, want, desired, live))
            .collect();
        let orphans = live.orphans.iter().chain(&live.remains);
        steps.extend(orphans.map(|it| removal(it, &BTreeSet::new())));
        ripple::tell_what_removals_publish(&mut steps, live);
        Self {
            stack: desired.stack.clone(),
            access: access::changes(desired, &steps, &[], &live.guests),
            widenings: broadened::widenings(&steps, &live.policies),
            policies: live.policies.clone(),
            statements: documents::statements(&steps),
            refusals: held(&steps)
                .chain(losses::behind_canaries(&steps))
                .collect(),
            left: left::untouched(desired),
            unread: reading.unread.clone(),
            doubts: live.doubts.clone(),
            halves: halves::halves(&desired.without_wants(), live, &[]),
            live_digest: digests::of_live(live),
            stack_digest: digests::of_stack(desired),
            steps,
            ..Self::default()
        }
    }

    /// The same with nothing done to any but these.
    #[must_use]
    pub fn only(mut self, these: &BTreeSet<Address>, desired: &Desired, live: &Live) -> Self {
        for step in &mut self.steps {
            step.bridge = None;
            if !these.contains(&step.address) {
                step.action = Action::Keep;
                step.changes.clear();
            }
        }
        // What stays as it is takes part as it is, not as it is wanted.
        let moving: Vec<Step> = self.to_do().cloned().collect();
        for it in &mut self.reborn {
            it.pins.retain(|it| these.contains(&it.address));
        }
        self.reborn.retain(|it| !it.pins.is_empty());
        self.ghosts.retain(|it| these.contains(&it.address));
        self.refusals.retain(|it| these.contains(&it.address));
        self.derive(desired, live, &moving);
        self.bridge();
        self
    }

    /// The APIs of others of which something would be published that their owners have not deployed.
    pub fn publishing(&self) -> impl Iterator<Item = (&Address, &[Detail])> {
        self.to_do().filter_map(|step| {
            let resource = step.want.as_ref().map(|it| &it.resource);
            let api = match resource.or(step.have.as_ref().map(|it| &it.resource))? {
                Resource::Stage(stage) => &stage.api,
                _ => &step.address,
            };
            // What takes our statements away deploys without them.
            let deploys =
                step.want.is_none() || step.changes.iter().any(|it| it.field == "deployment");
            let shown = deploys && !step.publishes.is_empty();
            shown.then_some((api, step.publishes.as_slice()))
        })
    }

    /// Consumers whose new mechanism opens with this plan, while their old one closes, or whose access role asks for
    /// another external id.
    pub fn opening_moves(&self) -> impl Iterator<Item = String> {
        let ours = self.moves.iter().filter(|it| it.opens);
        let others = self.strangers.iter().filter(|it| it.opens);
        let ours = ours.map(|it| it.caller.to_string());
        ours.chain(others.map(|it| it.who.clone()))
            .chain(self.identified.iter().cloned())
    }

    /// Whether somebody may do more than before.
    #[must_use]
    pub fn broadened(&self) -> Broadened {
        broadened::verdict(&self.widenings)
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.evictions.is_empty() && self.to_do().next().is_none()
    }

    /// The steps that do something.
    pub fn to_do(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|it| it.action != Action::Keep)
    }

    /// How many resources are added, changed and destroyed, and what of others goes among the destroyed. A replacement
    /// counts as added and destroyed.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let count = |these: &[Action]| {
            self.steps
                .iter()
                .filter(|it| these.contains(&it.action))
                .count()
        };
        (
            count(&[Action::Create, Action::Replace]),
            count(&[Action::Update]),
            count(&[Action::Delete, Action::Replace]) + self.evictions.len(),
        )
    }

    /// Returns the step that a task is a part of.
    #[must_use]
    pub fn step(&self, task: &Task) -> Option<&Step> {
        self.steps.iter().find(|it| it.has(task))
    }
}

/// A stage disappears with its API, unless the API stays.
fn goes_with_its_api(address: &Address, want: &Want, desired: &Desired) -> bool {
    address.kind == KindName::Stage
        && want.owned
        && want
            .needs
            .iter()
            .any(|it| desired.wants.get(it).is_some_and(|api| api.owned))
}

/// Whether a subscription goes with the stack. It carries no mark: it is ours when its queue is,
/// or when the queue is lent to us.
fn is_our_subscription(want: &Want, desired: &Desired, live: &Live) -> bool {
    let Resource::Subscription(it) = &want.resource else {
        return false;
    };
    let queue = desired.wants.iter().find(
        |(_, want)| matches!(&want.resource, Resource::Queue(queue) if queue.arn == it.queue),
    );
    queue.is_none_or(|(address, queue)| {
        let have = live.have.get(address);
        !queue.owned
            || have.is_none_or(|it| it.mark.as_ref().is_some_and(|it| it.stack == desired.stack))
    })
}

/// What messages call something that is there: IAM's unique id says nothing to a person.
fn called(have: &Have) -> String {
    match &have.resource {
        Resource::Role(role) => format!("role `{}`", role.arn),
        _ => format!("`{}`", have.id),
    }
}

fn step_for(
    address: &Address,
    mut want: Want,
    have: Option<&Have>,
    made: &BTreeSet<Arn>,
    consent: &Consent,
) -> Result<Step, String> {
    let place = want.place.clone();
    let because = want.because.clone();
    let step = |action, changes, want, have: Option<&Have>, drifted| Step {
        address: address.clone(),
        place: place.clone(),
        action,
        changes,
        want: Some(want),
        have: have.cloned(),
        because: because.clone(),
        drifted,
        publishes: Vec::new(),
        bridge: None,
    };
    let Some(have) = adopt::meant(address, &want, have)? else {
        if !want.owned {
            return match want.resource.kind() {
                // An existing API's stage is made by whoever made the API.
                KindName::Stage => Err(format!(
                    "`{address}` is not there: the API's owner deploys it first"
                )),
                _ => Err(format!(
                    "`{address}` is declared `existing`, but nothing is there; deploy it first, or drop `existing`"
                )),
            };
        }
        if let Some(id) = &want.adopts {
            return Err(format!(
                "there is no REST API `{id}` in {place} to take over; `aws apigateway get-rest-apis` shows their ids"
            ));
        }
        if want.resource.kind() == KindName::RestApi && consent.adopt.contains(address) {
            return Err(format!(
                "no REST API bears its mark, and names of APIs are not unique; say which one to take over by its id: \
                 `--adopt {address}=ID` (`aws apigateway get-rest-apis` shows them)"
            ));
        }
        return Ok(step(Action::Create, Vec::new(), want, None, false));
    };
    let adopted = consent.adopt.contains(address);
    if let Some(keeper) = have.keeper.as_ref().filter(|_| adopted) {
        return match keeper.ended_in {
            Some(_) => {
                let owner = crate::model::Differences::default().fixed(
                    "owner",
                    keeper.id.as_str(),
                    want.place.id.as_str(),
                );
                let changes = owner.into_changes();
                Ok(step(Action::Replace, changes, want, Some(have), false))
            }
            None => Err(keeper.says(address, &have.id)),
        };
    }
    if want.owned && want.resource.kind() != KindName::Subscription {
        match &have.mark {
            Some(mark)
                if mark.stack == want.stack
                    && (mark.address == *address || want.was.contains(&mark.address)) =>
            {
                losses::keeps_parts(&want, have)?;
            }
            Some(mark) if mark.stack == want.stack => {
                return Err(format!(
                    "{} is there already as `{}` of this stack; two addresses cannot be one resource. If it only has \
                     another name in the file now, write `[[moved]]` with `from = \"{}\"` and `to = \"{address}\"`",
                    called(have),
                    mark.address,
                    mark.address
                ));
            }
            Some(mark) => {
                return Err(format!(
                    "{} belongs to the stack `{}`, as its `{}`. If this is that stack under a new name, give it the old one again; \
                     else let it go there first, with `provision forget {}`, and take it over here with `--adopt {address}`",
                    called(have),
                    mark.stack,
                    mark.address,
                    mark.address
                ));
            }
            None if adopted => losses::keeps_parts(&want, have)?,
            // AWS makes a stage without tags; in an API of ours it is ours before it has them.
            None if want.resource.kind() == KindName::Stage => {}
            None => {
                return Err(format!(
                    "{} is there already and carries no mark of this stack; take it over with `--adopt {address}`, \
                     or declare it `existing` to manage only our statements on it",
                    called(have)
                ));
            }
        }
    }
    let (wanted, live) = (want.resource.roles_named(), have.resource.roles_named());
    let names_made = made
        .iter()
        .any(|it| wanted.contains(it) && live.contains(it));
    want.repin = names_made;
    let differences = want.resource.differences(&want, have);
    let mark = have.mark.as_ref().filter(|it| it.address == *address);
    let applied = mark.and_then(|it| it.digest.as_ref());
    // What names an API that is not there yet differs by the API's id, whoever deleted the API.
    let waits = !want.resource.pending().is_empty();
    let drifted = want.owned && !waits && applied.is_some_and(|it| *it == want.digest());
    let mut action = match () {
        () if differences.replaces() => Action::Replace,
        () if !differences.is_empty() => Action::Update,
        () => Action::Keep,
    };
    let mut changes = differences.into_changes();
    if adopted && have.mark.is_none() {
        action = action.max(Action::Update);
        changes.push(Change {
            field: "mark".to_owned(),
            from: None,
            to: Some(format!("{} of stack {}", address, want.stack)),
            details: Vec::new(),
            cost: crate::model::Cost::Update,
        });
    }
    if action == Action::Keep && says_another_mark(&want, have, address) {
        // An apply was stopped between its last change and the mark that remembers it.
        action = Action::Update;
        let (from, to) = match &have.mark {
            Some(mark) if mark.address != *address => {
                (Some(mark.address.to_string()), address.to_string())
            }
            mark => (
                mark.as_ref().and_then(|it| it.digest.clone()),
                want.digest(),
            ),
        };
        changes.push(Change {
            field: "mark".to_owned(),
            from,
            to: Some(to),
            details: Vec::new(),
            cost: crate::model::Cost::Update,
        });
    }
    Ok(step(
        action,
        changes,
        want,
        Some(have),
        drifted && action != Action::Keep,
    ))
}

/// Whether the mark on a resource of ours remembers another state than the one that is wanted.
///
/// Without this, what is drift and what was ours could not be told the next time.
fn says_another_mark(want: &Want, have: &Have, address: &Address) -> bool {
    let wanted = Mark::read(&want.mark(address).write(Tags::new()));
    want.owned && want.resource.kind() != KindName::Subscription && have.mark != wanted
}

/// Deletions that AWS refuses, of a role once it has lost its policies already.
fn held(steps: &[Step]) -> impl Iterator<Item = Refusal> {
    let refusal = |step: &Step, message| Refusal {
        address: step.address.clone(),
        message,
        budget: false,
        ways_out: Vec::new(),
    };
    steps.iter().flat_map(move |step| {
        let Some(have) = step.have.as_ref().filter(|_| step.action != Action::Keep) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let goes = matches!(step.action, Action::Delete | Action::Replace);
        if goes && !have.held_by.is_empty() {
            let message = format!(
                "it cannot be deleted while {}, and would be left without its policies; take it out first",
                have.held_by.join(" and ")
            );
            found.push(refusal(step, message));
        }
        for (policy, kept) in policies_going(step, have) {
            let holders: Vec<String> = kept.holders.iter().map(ToString::to_string).collect();
            if !holders.is_empty() {
                let message = format!(
                    "its policy `{policy}` is to go, and cannot be deleted while it is {}; detach it there first, or with `drift --revert`",
                    holders.join(" and ")
                );
                found.push(refusal(step, message));
            }
        }
        found
    })
}

/// The managed policies of the stack's own that a step takes away.
fn policies_going<'a>(
    step: &'a Step,
    have: &'a Have,
) -> impl Iterator<Item = (&'a String, &'a Versions)> {
    let replaced = step.action == Action::Replace;
    have.policies.iter().filter(move |(policy, _)| {
        let wanted = step.want.as_ref().map(|it| &it.resource);
        let stays = matches!(wanted, Some(Resource::Role(it)) if it.managed.contains_key(*policy));
        replaced || !stays
    })
}

/// An API's id in a text, as a plan shows it while AWS has not chosen it.
#[must_use]
pub fn shown_pending(text: &str, apis: &[Address]) -> String {
    apis.iter().fold(text.to_owned(), |text, it| {
        text.replace(&pending_id(it), "(id known after apply)")
    })
}

/// The parts of a step that are tasks of their own.
#[must_use]
pub fn parts_of(step: &Step) -> Vec<Option<Part>> {
    match &step.want {
        Some(want) => {
            let bridge = step.bridge.iter().map(|_| Part::Opened);
            bridge
                .chain(graph::parts(want).iter().copied())
                .map(Some)
                .collect()
        }
        None => vec![None],
    }
}

/// The policies that others have to write: with the ids that are known, and what the policies of KMS keys lack.
fn handovers(desired: &Desired, live: &Live, ids: &BTreeMap<Address, String>) -> Vec<Handover> {
    let known = desired.handovers.iter().map(|it| it.with_ids(ids));
    known.chain(desired.key_handovers(&live.keys)).collect()
}
