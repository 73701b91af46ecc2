//! `provision apply`

use std::collections::BTreeSet;

use futures::stream;

use super::args;
use super::lease::{Held, LeaseAt};
use super::plan::{guarded, guarded_off, proved, refused, rehearsed, show};
use super::screen::Screen;
use super::session::{Session, files_of, load, look_at_all, lowered_within, moving};
use super::{Ending, Failure};
use crate::execute::{self, Outcome, Outcomes};
use crate::kinds::Resource;
use crate::lower::Handover;
use crate::model::{Address, Arn};
use crate::plan::adopt::{Adopt, take_over};
use crate::plan::{Action, Consent, Plan};
use crate::report::human::seconds;
use crate::report::style::counted;
use crate::report::{self, human, json};

/// Makes the cloud what the stack says.
pub(super) async fn apply(args: &args::Apply, screen: &Screen) -> Result<Ending, Failure> {
    let (files, saved) = files_of(&args.files)?;
    let stack = load(&files)?;
    let reach = args::Reach {
        unreachable: saved
            .iter()
            .flat_map(|it| &it.unreachable)
            .chain(&args.reach.unreachable)
            .cloned()
            .collect(),
    };
    let adopt: BTreeSet<Adopt> = args
        .adopt
        .iter()
        .chain(saved.iter().flat_map(|it| &it.adopt))
        .cloned()
        .collect();
    let mut desired = lowered_within(&stack, &reach)?;
    take_over(&mut desired, &adopt);
    let moves = saved.iter().flat_map(|it| &it.moves);
    desired.moving = moving(&stack, moves.chain(&args.moves.consumers))?;
    let (desired, session, reading) =
        look_at_all(&stack, desired, &args.also, &args.place, screen).await?;
    let adopt = adopt.into_iter().map(|it| it.address).collect();
    let cut_off: BTreeSet<Arn> = args
        .cut_off
        .iter()
        .chain(saved.iter().flat_map(|it| &it.cut_off))
        .cloned()
        .collect();
    let close = args.close.iter();
    let close = close.chain(saved.iter().flat_map(|it| &it.close)).cloned();
    let consent = Consent {
        adopt,
        cut_off,
        close: close.collect(),
    };
    let plan = Plan::to_apply(&desired, reading.clone(), &consent);
    let live = &reading.live;
    let proof = proved(&stack, &desired, live);
    let guarded = guarded(&desired, live);
    // A saved plan counts the lease, whether it is taken or not.
    let counts = args::LeaseArgs {
        no_lease: args.lease.no_lease && saved.is_none(),
    };
    let counts = LeaseAt::of(&stack, &desired.unreachable, counts, "apply");
    let rehearsal = rehearsed(&plan, &session, live, counts.as_ref(), screen).await;
    if let Some(saved) = &saved {
        saved.check(&plan, &rehearsal)?;
    }
    if !args.json {
        show(&plan, &proof, &guarded, &rehearsal, screen);
    }
    desired.replaced.iter().for_each(|it| screen.talk(it));
    screen.warn_of(&stack);
    if let Some(failed) = refused(&plan, Some(&proof)).or_else(|| guarded_off(&guarded, screen)) {
        if args.json {
            let mut document = json::plan(&plan, &rehearsal);
            report::handed::put_above(&mut document, &live.above);
            document["guardrails"] = report::guard::json(&guarded);
            document["proof"] = report::verify::json_in_plan(&proof);
            screen.result(&format!("{document:#}\n"));
        } else {
            screen.talk(&report::handed::above(&live.above));
        }
        return failed;
    }
    if !plan.is_empty() {
        let said = Agreement {
            yes: args.yes,
            prune: args.prune,
            deletions: args.allow_delete.iter().collect(),
            moves: Some(&desired.moving),
            publish: args.publish.apis.iter().collect(),
            close: consent.close.iter().collect(),
            mute: args.json,
            harmless: session.sandbox && !args.json,
            again: again(args),
            flag: "--allow-delete",
        };
        agreed(&plan, &said, &consent)?;
    }
    let lease = LeaseAt::of(&stack, &desired.unreachable, args.lease, "apply");
    let held = Held::take(lease.as_ref(), &plan, &session, &rehearsal, live, screen).await?;
    let outcomes = carry_out(&plan, &held, &session, live.ids(), screen).await;
    held.release(screen).await;
    let handovers: Vec<Handover> = plan
        .handovers
        .iter()
        .map(|it| it.with_ids(&outcomes.ids))
        .collect();
    if args.json {
        let mut document = json::outcomes(&plan, &outcomes);
        document["access"] = json::grants(&desired);
        report::handed::put_above(&mut document, &live.above);
        document["guardrails"] = report::guard::json(&guarded);
        document["calls"] = session.calls();
        let handovers = handovers.iter().map(json::handover);
        document["handovers"] = handovers.collect();
        screen.result(&format!("{document:#}\n"));
    } else {
        conclude(&plan, &outcomes, &session, screen, &again(args));
        if !plan.is_empty() {
            screen.result(&report::handed::over(&handovers));
        }
        if outcomes.all_done() && !plan.access.is_empty() {
            screen.result(&format!("\n{}", human::grants(&desired)));
        }
        screen.talk(&report::handed::above(&live.above));
    }
    Ok(ending(&plan, &outcomes))
}

/// Carries a plan out, telling as it goes, until it is done, ctrl-c is pressed twice, or the lease is lost.
pub(super) async fn carry_out(
    plan: &Plan,
    held: &Held<'_>,
    session: &Session<'_>,
    ids: std::collections::BTreeMap<Address, String>,
    screen: &Screen,
) -> Outcomes {
    if plan.is_empty() {
        return Outcomes::default();
    }
    let begin = (0, screen.deadline(), true);
    let stops = stream::unfold(begin, |(count, deadline, is_held)| async move {
        let late = async {
            match &deadline {
                Some(it) => it.passed().await,
                None => std::future::pending().await,
            }
        };
        let lost = async {
            if is_held {
                held.lost().await
            } else {
                std::future::pending().await
            }
        };
        let (mut is_late, mut is_lost) = (false, false);
        tokio::select! {
            asked = held.stop_asked_for() => asked?,
            () = late => is_late = true,
            why = lost => {
                is_lost = true;
                screen.warn(&format!("{why}: stopping after the calls in flight"));
            }
        }
        if let Some(deadline) = deadline.as_ref().filter(|_| is_late) {
            let time = seconds(deadline.time);
            screen.warn(&format!(
                "the deadline of {time} has passed: stopping after the calls in flight"
            ));
        } else if count == 0 && !is_lost {
            screen.talk("stopping after the calls in flight; press again to leave now");
        }
        let next = (
            count + 1,
            deadline.filter(|_| !is_late),
            is_held && !is_lost,
        );
        Some(((), next))
    });
    let tell = |event| screen.event(plan, &event);
    let outcomes = execute::run(plan, &session.cloud, ids, stops, &tell).await;
    let mut steps = outcomes.steps.values();
    if steps.any(|it| *it == Outcome::Done) || !outcomes.unanswered.is_empty() {
        screen.has_changed();
    }
    outcomes
}

/// Says how a run ended.
pub(super) fn conclude(
    plan: &Plan,
    outcomes: &Outcomes,
    session: &Session<'_>,
    screen: &Screen,
    again: &str,
) {
    if plan.to_do().next().is_none() {
        screen.talk(&session.summary());
        return;
    }
    let text = human::outcomes(plan, outcomes, again);
    if outcomes.all_done() {
        screen.talk(&format!("{text}: {}.", session.summary()));
    } else {
        screen.warn(&format!("{text}{}", session.summary()));
    }
}

/// What the exit code has to say of a run.
#[must_use]
pub(super) fn ending(plan: &Plan, outcomes: &Outcomes) -> Ending {
    match () {
        // Fewer than planned is not done, whatever became of each.
        () if outcomes.all_done()
            && outcomes.steps.len() == plan.to_do().count()
            && !plan.lacks_own() =>
        {
            Ending::Done
        }
        () if outcomes.interrupted => Ending::Interrupted,
        () => Ending::InPart,
    }
}

/// The command that goes on from here.
fn again(args: &args::Apply) -> String {
    let mut text = args::command("apply", &args.files, &args.place);
    for it in &args.adopt {
        text += &format!(" --adopt {it}");
    }
    for address in &args.allow_delete {
        text += &format!(" --allow-delete {address}");
    }
    for queue in &args.cut_off {
        text += &format!(" --cut-off {queue}");
    }
    for api in &args.close {
        text += &format!(" --close {api}");
    }
    if args.prune {
        text += " --prune";
    }
    text += &args::Moves::flags(&args.moves.consumers);
    text += &args.publish.flags();
    text += &args.reach.flags();
    text += &args.also.flags();
    text += args.lease.flags();
    text
}

/// What was agreed to on the command line.
#[derive(Debug)]
pub(super) struct Agreement<'a> {
    /// To everything but deletions.
    pub(super) yes: bool,
    /// To every deletion.
    pub(super) prune: bool,
    /// To these deletions.
    pub(super) deletions: BTreeSet<&'a Address>,
    /// Consumers that may get another mechanism; `None` for all.
    pub(super) moves: Option<&'a BTreeSet<String>>,
    /// APIs of others that may be deployed with what their owners have not deployed.
    pub(super) publish: BTreeSet<&'a Address>,
    /// APIs of others whose routes may get another authorizer.
    pub(super) close: BTreeSet<&'a Address>,
    /// Whether nobody may be asked.
    pub(super) mute: bool,
    /// Whether a run with nobody to ask goes on all the same, deletions apart: the sandbox is nobody's loss.
    pub(super) harmless: bool,
    /// The command that goes on from here.
    pub(super) again: String,
    /// The flag of it that agrees to a deletion.
    pub(super) flag: &'a str,
}

/// What a plan deletes or replaces, and needs to be agreed to.
fn deletions<'a>(plan: &'a Plan, consent: &Consent) -> impl Iterator<Item = &'a Address> {
    let gone = plan
        .to_do()
        .filter(|it| matches!(it.action, Action::Delete | Action::Replace))
        .filter(|it| !(plan.has_twin(it) && it.removes_an_empty_api()));
    // What is cut off was named on the command line.
    let asked = gone.filter(|it| match it.have.as_ref().map(|it| &it.resource) {
        Some(Resource::Subscription(it)) => !consent.cut_off.contains(&it.queue),
        _ => true,
    });
    asked.map(|it| &it.address)
}

/// What a plan deletes or replaces that holds data: each needs to be named, whatever is agreed to as a whole.
pub(super) fn holding_data(plan: &Plan) -> impl Iterator<Item = (&Address, &str)> {
    let gone = plan
        .to_do()
        .filter(|it| matches!(it.action, Action::Delete | Action::Replace));
    gone.filter_map(|it| Some((&it.address, it.have.as_ref()?.holds.as_deref()?)))
}

/// Asks for the name of each resource that holds data and goes, where it was not named.
pub(super) fn agreed_to_lose(
    plan: &Plan,
    named: &BTreeSet<&Address>,
    (again, flag): (&str, &str),
    ask: &dyn Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let lost = holding_data(plan).filter(|(address, _)| !named.contains(address));
    let lost: Vec<(&Address, &str)> = lost.collect();
    for (address, holds) in &lost {
        let question =
            format!("`{address}`: {holds}.\nType `{address}` to delete it with all of them:");
        match ask(&question) {
            Some(answer) if answer == address.to_string() => {}
            Some(_) => return Err(Failure::Plain("not agreed; nothing was changed".to_owned())),
            None => {
                let all: Vec<String> = lost
                    .iter()
                    .map(|(address, holds)| format!("`{address}`: {holds}"))
                    .collect();
                let flags = lost.iter().map(|(address, _)| format!(" {flag} {address}"));
                return Err(Failure::Plain(format!(
                    "{}; what holds data is deleted by its name only, and nothing was changed. To agree: {again}{} --yes",
                    all.join("; "),
                    flags.collect::<String>()
                )));
            }
        }
    }
    Ok(())
}

/// The flags by which a run agrees to all that a plan asks for, each after a space.
pub(super) fn agreeing(plan: &Plan) -> String {
    let consent = Consent::default();
    let deleted: BTreeSet<&Address> = deletions(plan, &consent).collect();
    let published: BTreeSet<&Address> = plan.publishing().map(|(api, _)| api).collect();
    let moved: BTreeSet<String> = plan.opening_moves().collect();
    let mut text = String::new();
    for (flag, these) in [
        ("--allow-delete", deleted),
        ("--close", plan.to_close()),
        ("--publish", published),
    ] {
        text.extend(these.into_iter().map(|it| format!(" {flag} {it}")));
    }
    text + &args::Moves::flags(&moved)
}

/// Asks for what was not agreed to on the command line.
pub(super) fn agreed(plan: &Plan, said: &Agreement<'_>, consent: &Consent) -> Result<(), Failure> {
    let deleted: BTreeSet<&Address> = deletions(plan, consent)
        .filter(|it| !said.prune && !said.deletions.contains(it))
        .collect();
    let ask = |question: &str| {
        if said.mute {
            None
        } else {
            Screen::ask(question)
        }
    };
    if !deleted.is_empty() {
        let list: Vec<String> = deleted.iter().map(ToString::to_string).collect();
        let question = format!(
            "{} cannot be undone: {}\nType `delete` to go on:",
            counted(deleted.len(), "deletion"),
            list.join(", ")
        );
        match ask(&question).as_deref() {
            Some("delete") => {}
            Some(_) => return Err(Failure::Plain("not agreed; nothing was changed".to_owned())),
            None => {
                let flags: Vec<String> = deleted
                    .iter()
                    .map(|it| format!("{} {it}", said.flag))
                    .collect();
                return Err(Failure::Plain(format!(
                    "{} not agreed to, and nobody to ask; nothing was changed. To agree: {} {} --yes",
                    counted(deleted.len(), "deletion"),
                    said.again,
                    flags.join(" ")
                )));
            }
        }
    }
    agreed_to_lose(plan, &said.deletions, (&said.again, said.flag), &ask)?;
    let moved: BTreeSet<String> = plan
        .opening_moves()
        .filter(|it| said.moves.is_some_and(|agreed| !agreed.contains(it)))
        .collect();
    if !moved.is_empty() {
        let list: Vec<&str> = moved.iter().map(String::as_str).collect();
        let list = list.join(", ");
        let question = format!(
            "{} would get another mechanism or external id, and clients that are not ready are refused from then on: {list}\n\
             Type `move` to go on:",
            counted(moved.len(), "consumer"),
        );
        match ask(&question).as_deref() {
            Some("move") => {}
            Some(_) => return Err(Failure::Plain("not agreed; nothing was changed".to_owned())),
            None => {
                return Err(Failure::Plain(format!(
                    "{} would get another mechanism or external id, and clients that are not ready would be refused: {list}; \
                     nothing was changed. To leave them as they are, write the `via` and `external_id` that they have in their \
                     [[access]]; to agree: {}{} --yes",
                    counted(moved.len(), "consumer"),
                    said.again,
                    args::Moves::flags(&moved)
                )));
            }
        }
    }
    agreed_to_close(plan, &said.close, &said.again, &ask)?;
    agreed_to_publish(plan, &said.publish, &said.again, &ask)?;
    if said.yes {
        return Ok(());
    }
    let evictions = plan.evictions.iter().map(|it| &it.place);
    let places = plan.to_do().map(|it| &it.place).chain(evictions);
    let accounts: BTreeSet<&str> = places.map(|it| it.account.as_str()).collect();
    let question = format!(
        "Apply {} to {}? [y/N]",
        counted(plan.to_do().count() + plan.evictions.len(), "change"),
        counted(accounts.len(), "account")
    );
    match ask(&question).as_deref() {
        Some("y" | "Y" | "yes") => Ok(()),
        Some(_) => Err(Failure::Plain("not agreed; nothing was changed".to_owned())),
        None if said.harmless => Ok(()),
        None => Err(Failure::Plain(format!(
            "nobody to ask; nothing was changed. To go on without asking: {} --yes",
            said.again
        ))),
    }
}

/// Asks whether callers may be cut off whose access the author did not take away, where that was not agreed to: callers of
/// routes of others' APIs that get `AWS_IAM` or a first policy, and whoever a key or an endpoint shuts out.
fn agreed_to_close(
    plan: &Plan,
    said: &BTreeSet<&Address>,
    again: &str,
    ask: &dyn Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let closing: Vec<_> = plan
        .closing()
        .filter(|(api, _)| !said.contains(api))
        .collect();
    let cuts = plan.cuts.iter().filter(|it| !said.contains(&it.address));
    let cuts: Vec<_> = cuts.collect();
    if closing.is_empty() && cuts.is_empty() {
        return Ok(());
    }
    let all = plan.to_close().into_iter().filter(|it| !said.contains(it));
    let all: Vec<String> = all.map(ToString::to_string).collect();
    let says = closing.iter().flat_map(|(_, edges)| edges).map(|it| {
        let route = it.route().unwrap_or_default();
        format!("{} may no longer call {route} of {}", it.who, it.target)
    });
    let says = says.chain(cuts.iter().map(|it| it.says.clone()));
    let says = says.collect::<Vec<_>>().join("; ");
    let mut instead: Vec<&str> = cuts.iter().filter_map(|it| it.instead.as_deref()).collect();
    if !closing.is_empty() {
        instead.push(
            "name other routes in the access that needs AWS_IAM on these or lets in fewer callers",
        );
    }
    instead.push("agree");
    let instead = instead.join("; or ");
    match ask(&format!("{says}.\nType `close` to go on:")).as_deref() {
        Some("close") => Ok(()),
        Some(_) => Err(Failure::Plain("not agreed; nothing was changed".to_owned())),
        None => Err(Failure::Plain(format!(
            "{says}; nothing was changed. To go on, {instead}: {again} --close {} --yes",
            all.join(" --close ")
        ))),
    }
}

/// Asks whether APIs of others may be deployed with what their owners have not deployed, where that was not agreed to.
pub(super) fn agreed_to_publish(
    plan: &Plan,
    said: &BTreeSet<&Address>,
    again: &str,
    ask: &dyn Fn(&str) -> Option<String>,
) -> Result<(), Failure> {
    let published: BTreeSet<&Address> = plan
        .publishing()
        .map(|(api, _)| api)
        .filter(|it| !said.contains(it))
        .collect();
    if published.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = published.iter().map(ToString::to_string).collect();
    let question = format!(
        "This deploys {} with what its owner has changed and not deployed, as shown above.\nType `publish` to go on:",
        list.join(", ")
    );
    match ask(&question).as_deref() {
        Some("publish") => Ok(()),
        Some(_) => Err(Failure::Plain("not agreed; nothing was changed".to_owned())),
        None => Err(Failure::Plain(format!(
            "a deployment of {} would publish what its owner has changed and not deployed, as shown above; nothing was \
             changed. Let its owner deploy first, or agree: {again} --publish {} --yes",
            list.join(", "),
            list.join(" --publish ")
        ))),
    }
}
