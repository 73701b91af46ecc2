//! What letting go takes: marks come off, and what was ours on a resource stays as nobody's.
//!
//! Nothing is deleted and nobody loses anything. What the stack still declares of a resource (it
//! becomes `existing`) stays the stack's own.

use std::collections::BTreeSet;

use super::ripple::tell_surfaces;
use super::{Action, Consent, Plan, Refusal, Step, access, broadened, budget, digests, step_for};
use crate::kinds::role::Managed;
use crate::kinds::survey::Live;
use crate::kinds::{Have, Resource, Want, release};
use crate::lower::Desired;
use crate::model::{Address, Arn, KindName, Place};
use crate::policy::{size, spread};

impl Plan {
    /// What lets go of these, and of what goes with them out of the stack.
    ///
    /// `live` was read by what the stack wanted before.
    #[must_use]
    pub fn of_release(
        before: &Desired,
        after: &Desired,
        live: &Live,
        named: &BTreeSet<Address>,
    ) -> Self {
        let ids = live.ids();
        let mut steps = Vec::new();
        let mut refusals = Vec::new();
        let leaving = |address: &&Address| {
            named.iter().any(|it| is_of(address, it)) || !after.wants.contains_key(*address)
        };
        for (address, want) in before.wants.iter().filter(|(it, _)| leaving(it)) {
            let have = live.have.get(address);
            let Some(after) = after.wants.get(address) else {
                let ours = |it: &&Have| is_ours(it, &before.stack) || !want.owned;
                let have = have.filter(ours);
                steps.extend(have.and_then(|it| letting_go(address, &want.place, it, before)));
                continue;
            };
            let want = Want {
                letting_go: true,
                ..after.with_ids(&ids)
            };
            let have = have.cloned().map(|it| it.of_another(&before.stack));
            let made = BTreeSet::new();
            match step_for(address, want, have.as_ref(), &made, &Consent::default()) {
                Ok(mut step) => {
                    step.because = Some("it stays, as `existing`".to_owned());
                    steps.push(step);
                }
                Err(message) => refusals.push(refusal(address, message)),
            }
        }
        for orphan in live.orphans.iter().filter(|it| named.contains(&it.address)) {
            let (address, place) = (&orphan.address, &orphan.place);
            let step = letting_go(address, place, &orphan.have, before);
            steps.extend(step.map(|it| Step {
                because: Some("it left the stack, and stays".to_owned()),
                ..it
            }));
        }
        steps.extend(renewed_marks(before, after, live, &leaving));
        tell_surfaces(&mut steps);
        for step in &mut steps {
            // Nobody changed AWS: the stack lets go.
            step.drifted = false;
        }
        let gauges = budget::gauges(&steps);
        refusals.extend(budget::refusals(&gauges));
        refusals.extend(steps.iter().filter_map(written_twice));
        refusals.extend(steps.iter().filter_map(overflowing));
        Self {
            stack: before.stack.clone(),
            access: access::changes(before, &steps, &[], &[]),
            widenings: broadened::widenings(&steps, &live.policies),
            policies: live.policies.clone(),
            gauges,
            refusals,
            left: super::left::untouched(before),
            live_digest: digests::of_live(live),
            stack_digest: digests::of_stack(after),
            steps,
            // Another name is no other statement.
            ..Self::default()
        }
    }
}

/// Whether something is this, or the stage of this API.
fn is_of(address: &Address, named: &Address) -> bool {
    let stage = named.kind == KindName::RestApi
        && address.kind == KindName::Stage
        && address
            .name
            .split_once('.')
            .is_some_and(|(api, _)| api == named.name);
    address == named || stage
}

/// The marks of what stays, and is now said in other words: that of an API which is named by its id.
fn renewed_marks(
    before: &Desired,
    after: &Desired,
    live: &Live,
    leaving: &dyn Fn(&&Address) -> bool,
) -> Vec<Step> {
    let ids = live.ids();
    let made = BTreeSet::new();
    let step = |address: &Address, desired: &Desired| {
        let want = desired.wants.get(address)?.with_ids(&ids);
        let have = live.have.get(address)?;
        step_for(address, want, Some(have), &made, &Consent::default()).ok()
    };
    let staying = after.wants.keys().filter(|it| !leaving(it));
    staying
        .filter(|it| step(it, before).is_some_and(|it| it.action == Action::Keep))
        .filter_map(|it| step(it, after))
        .filter(|it| it.action == Action::Update && it.changes.iter().all(|it| it.field == "mark"))
        .map(|it| Step {
            because: Some("the stack says the same of it in other words".to_owned()),
            ..it
        })
        .collect()
}

impl Plan {
    /// The marks of APIs that [`Plan::of_release`] leaves to the end: of those that leave the stack, or of
    /// those that stay, which must be named there by their ids before.
    #[must_use]
    pub fn of_api_marks(&self, after: &Desired, staying: bool) -> Self {
        let is_one = |it: &&Step| {
            it.address.kind == KindName::RestApi
                && it.have.as_ref().is_some_and(|it| it.released)
                && after.wants.contains_key(&it.address) == staying
        };
        let mut steps: Vec<Step> = self.steps.iter().filter(is_one).cloned().collect();
        for step in &mut steps {
            step.changes.retain(|it| it.field == "mark");
            if let Some(want) = &mut step.want {
                want.letting_go = false;
            }
        }
        let nothing = Self {
            steps: Vec::new(),
            access: Vec::new(),
            widenings: Vec::new(),
            gauges: Vec::new(),
            ..self.clone()
        };
        Self { steps, ..nothing }
    }
}

fn is_ours(have: &Have, stack: &str) -> bool {
    have.mark.as_ref().is_some_and(|it| it.stack == stack)
}

fn refusal(address: &Address, message: String) -> Refusal {
    Refusal {
        address: address.clone(),
        message,
        budget: false,
        ways_out: Vec::new(),
    }
}

/// The step that takes everything of ours off a resource but what it does.
fn letting_go(address: &Address, place: &Place, have: &Have, desired: &Desired) -> Option<Step> {
    let mut resource = of_nobody(have)?;
    match &mut resource {
        Resource::Role(it) => {
            it.inline.clear();
            it.managed.clear();
        }
        other => other.policy_mut()?.statements.clear(),
    }
    let want = Want {
        letting_go: true,
        ..Want::of_another(&desired.stack, place, resource)
    };
    off(address, have, want)
}

/// The step that takes the mark off a resource instead of removing it; it stands under its own name, for another
/// one has its address. Statements of ours stay on it: who they name may be gone by then.
pub(super) fn unmarking(removal: &Step, desired: &Desired) -> Option<Step> {
    let have = removal.have.as_ref()?;
    let own_name = Arn::parse(&have.id).map_or_else(|_| have.id.clone(), |it| it.name().to_owned());
    let address = Address::new(removal.address.kind, own_name);
    let want = Want::of_another(&desired.stack, &removal.place, of_nobody(have)?);
    let mut step = off(&address, have, want)?;
    step.changes.retain(|it| it.field == "mark");
    step.because = Some(format!("it stays: another one is {}", removal.address));
    Some(step)
}

/// A resource as it is there, once it is not ours; `None` of what is not let go of by itself: a subscription is its
/// queue's, and a stage its API's.
fn of_nobody(have: &Have) -> Option<Resource> {
    let mut resource = have.resource.clone();
    match &mut resource {
        Resource::RestApi(it) => {
            it.existing = Some(have.id.clone());
            // None of its authorizers is ours to see to any more.
            it.public = it.methods.keys().cloned().collect();
        }
        Resource::Subscription(_) | Resource::Stage(_) => return None,
        Resource::Role(_) | Resource::Key(_) | Resource::Topic(_) | Resource::Queue(_) => {}
    }
    Some(resource)
}

/// The step that makes a resource of ours this one, which is nobody's.
fn off(address: &Address, have: &Have, want: Want) -> Option<Step> {
    let have = have.clone().of_another(&want.stack);
    let changes = want.resource.differences(&want, &have).into_changes();
    (!changes.is_empty()).then(|| Step {
        address: address.clone(),
        place: want.place.clone(),
        action: Action::Update,
        changes,
        want: Some(want),
        have: Some(have),
        because: Some("it leaves the stack, and stays".to_owned()),
        drifted: false,
        publishes: Vec::new(),
        bridge: None,
    })
}

/// Why a role cannot have its policies under two names at once, which it has for a moment.
fn written_twice(step: &Step) -> Option<Refusal> {
    let (Some(Resource::Role(live)), Some(want)) =
        (step.have.as_ref().map(|it| &it.resource), &step.want)
    else {
        return None;
    };
    let Resource::Role(role) = &want.resource else {
        return None;
    };
    let mut all = live.inline.clone();
    all.extend(release::let_go_inline(
        &want.stack,
        &live.inline,
        &role.inline,
    ));
    let budget = size::inline(all.values());
    budget.is_over().then(|| {
        let message = format!(
            "its policies go to another name before they leave the old one, and both take {} of {} characters; \
             take an access of the role's out of the stack first",
            budget.used, budget.limit
        );
        Refusal {
            budget: true,
            ..refusal(&step.address, message)
        }
    })
}

/// Why what overflows from a role's inline policies cannot be let go of: it is the stack's by a path.
fn overflowing(step: &Step) -> Option<Refusal> {
    let (Some(Resource::Role(live)), Some(want)) =
        (step.have.as_ref().map(|it| &it.resource), &step.want)
    else {
        return None;
    };
    let Resource::Role(role) = &want.resource else {
        return None;
    };
    let kept: BTreeSet<String> = role.identity().flat_map(spread::grants).collect();
    let goes = |it: &Managed| !spread::grants(&it.document).is_subset(&kept);
    let (name, _) = live.managed.iter().find(|(_, it)| goes(it))?;
    (want.letting_go).then(|| {
        let message = format!(
            "its managed policy `{name}` is this stack's by its path, which nothing changes, and so cannot be let go of; \
             let a policy of your own say the same, `attach` it, and take an access of the role's out of the stack first"
        );
        refusal(&step.address, message)
    })
}
