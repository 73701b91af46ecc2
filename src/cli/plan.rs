//! `provision plan`

use super::args;
use super::lease::{LeaseAt, counted_with};
use super::screen::Screen;
use super::session::{Session, load, look_at_all, lowered_within, moving};
use super::{Ending, Failure, reading, saved};
use crate::cloud::sandbox::Habits;
use crate::escape::screen::line;
use crate::execute::{self, Rehearsal, Trial, trial};
use crate::guard::{Guarded, guard};
use crate::kinds::survey::Live;
use crate::lower::Desired;
use crate::plan::adopt::take_over;
use crate::plan::{Broadened, Consent, Plan};
use crate::report::{self, budget, human, json};
use crate::stack::Stack;
use crate::verify::{Proof, World, prove};

/// Shows what apply would do.
pub(super) async fn plan(args: &args::Plan, screen: &Screen) -> Result<Ending, Failure> {
    let stack = load(&args.files)?;
    if let Some(out) = &args.out {
        reading::refuse_input(out)?;
    }
    let mut desired = lowered_within(&stack, &args.reach)?;
    take_over(&mut desired, &args.adopt);
    desired.moving = moving(&stack, &args.moves.consumers)?;
    let place = args::Where {
        keep: args.rehearse,
        ..args.place.clone()
    };
    let (desired, session, reading) =
        look_at_all(&stack, desired, &args.also, &place, screen).await?;
    let consent = Consent {
        adopt: args.adopt.iter().map(|it| it.address.clone()).collect(),
        cut_off: args.cut_off.iter().cloned().collect(),
        close: args.close.iter().cloned().collect(),
    };
    let plan = Plan::to_apply(&desired, reading.clone(), &consent);
    let live = &reading.live;
    let proof = proved(&stack, &desired, live);
    let guarded = guarded(&desired, live);
    let lease = LeaseAt::of(
        &stack,
        &desired.unreachable,
        args::LeaseArgs::default(),
        "apply",
    );
    let rehearsal = rehearsed(&plan, &session, live, lease.as_ref(), screen).await;
    let trial = args
        .rehearse
        .then(|| tried(&plan, &session, live, lease.as_ref()))
        .flatten();
    if args.json {
        let mut document = json::plan(&plan, &rehearsal);
        report::handed::put_above(&mut document, &live.above);
        document["guardrails"] = report::guard::json(&guarded);
        document["proof"] = report::verify::json_in_plan(&proof);
        document["calls"] = session.calls();
        if args.rehearse {
            document["rehearsal"] = trial
                .as_ref()
                .map_or_else(Default::default, |it| report::trial::json(&plan, it));
        }
        screen.result(&format!("{document:#}\n"));
    } else {
        show(&plan, &proof, &guarded, &rehearsal, screen);
        if let Some(trial) = &trial {
            screen.result(&report::trial::human(&plan, trial));
        }
        screen.talk(&report::handed::above(&live.above));
        screen.talk(&session.summary());
    }
    desired.replaced.iter().for_each(|it| screen.talk(it));
    screen.warn_of(&stack);
    if let Some(failed) = refused(&plan, Some(&proof)).or_else(|| guarded_off(&guarded, screen)) {
        return failed;
    }
    if trial.as_ref().is_some_and(Trial::failed) {
        screen.error("the rehearsal failed: an apply would end in part; nothing was changed");
        return Ok(Ending::Refused);
    }
    if let Some(path) = &args.out {
        saved::write(path, &plan, &rehearsal, args)?;
        let saved = args::Files {
            stack: path.clone(),
            with: Vec::new(),
        };
        screen.talk(&format!(
            "saved; to do just this: {}",
            args::command("apply", &saved, &args.place)
        ));
    }
    if args.fail_on == Some(args::FailOn::Broadened) && plan.broadened() > Broadened::No {
        let why = "the plan lets somebody do more than before, or may (`--fail-on broadened`)";
        screen.note(report::failure::of_text(why));
        screen.error(why);
        return Ok(Ending::Refused);
    }
    Ok(if plan.lacks_own() {
        Ending::InPart
    } else if args.detailed_exitcode && !plan.is_empty() {
        Ending::Differences
    } else {
        Ending::Done
    })
}

/// The calls that carrying a plan out will take, those of the lease among them.
pub(super) async fn rehearsed(
    plan: &Plan,
    session: &Session<'_>,
    live: &Live,
    lease: Option<&LeaseAt>,
    screen: &Screen,
) -> Rehearsal {
    screen.detail(&budget::all(plan));
    if plan.is_empty() || !plan.refusals.is_empty() {
        return Rehearsal::default();
    }
    let rehearsal = execute::rehearse(plan, live.ids(), &session.cloud).await;
    let rehearsal = counted_with(rehearsal, lease);
    screen.detail(&human::calls_to_make(&rehearsal));
    rehearsal
}

/// Carries a plan out in a sandbox that holds what was read; not a plan that does nothing, or may not be carried out.
fn tried(
    plan: &Plan,
    session: &Session<'_>,
    live: &Live,
    lease: Option<&LeaseAt>,
) -> Option<Trial> {
    if plan.is_empty() || !plan.refusals.is_empty() {
        return None;
    }
    // What the stack says was raised; what IAM allows was read.
    let mut habits = Habits::default();
    for want in plan.to_do().filter_map(|it| it.want.as_ref()) {
        habits.api_policy = habits.api_policy.max(want.quotas.api_policy);
        habits.api_resources = habits.api_resources.max(want.quotas.api_resources);
    }
    let sandbox = session.cloud.learned(habits)?;
    Some(trial(plan, live.ids(), sandbox, lease.map(LeaseAt::place)))
}

/// Shows a plan with its proof, and before it what goes over a guardrail.
pub(super) fn show(
    plan: &Plan,
    proof: &Proof,
    guarded: &Guarded,
    rehearsal: &Rehearsal,
    screen: &Screen,
) {
    screen.result(&report::guard::human(guarded));
    screen.result(&human::plan(plan, Some(proof), rehearsal, Screen::width()));
}

/// What applying the stack would leave, put to every claim that the stack makes.
pub(super) fn proved(stack: &Stack, desired: &Desired, live: &Live) -> Proof {
    prove(stack, desired, &World::planned(desired, live))
}

/// The end of a plan that may not be carried out: it cannot, it would not fit, or it would not do what the stack claims.
pub(super) fn refused(plan: &Plan, proof: Option<&Proof>) -> Option<Result<Ending, Failure>> {
    let first = plan.refusals.iter().find(|it| !it.budget);
    if let Some(first) = first {
        let more = plan.refusals.len() - 1;
        let rest = if more > 0 {
            format!(" (and {more} more, above)")
        } else {
            String::new()
        };
        return Some(Err(Failure::Plain(format!(
            "{}: {}{rest}; nothing was changed",
            first.address,
            line(&first.message)
        ))));
    }
    let unproved = proof.is_some_and(Proof::refuses);
    (unproved || !plan.refusals.is_empty()).then_some(Ok(Ending::Refused))
}

/// What goes over a guardrail once the stack is applied, statements of others included.
pub(super) fn guarded(desired: &Desired, live: &Live) -> Guarded {
    guard(desired, &World::planned(desired, live))
}

/// The end of what a guardrail keeps from being applied.
pub(super) fn guarded_off(guarded: &Guarded, screen: &Screen) -> Option<Result<Ending, Failure>> {
    let first = guarded.refusing().next()?;
    let others = guarded.refusing().count() - 1;
    let more = if others > 0 {
        format!(" and {others} more")
    } else {
        String::new()
    };
    screen.error(&format!(
        "{} of {}{more} keeps this from being applied; nothing was changed",
        first.guardrail.code(),
        first.address
    ));
    Some(Ok(Ending::Refused))
}
