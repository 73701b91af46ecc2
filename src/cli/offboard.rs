//! `provision offboard`

use serde_json::json;

use super::apply::{carry_out, conclude, ending};
use super::args::{self, quoted};
use super::ask::{Asks, Person};
use super::lease::{Held, LeaseAt};
use super::onboard::unfit_as_edited;
use super::plan::{refused, rehearsed};
use super::screen::Screen;
use super::session::{Session, beside, lowered_over, lowered_within};
use super::texts::Texts;
use super::{Ending, Failure};
use crate::lower::Desired;
use crate::onboard::{Bound, Parting, parted};
use crate::plan::{Action, Plan};
use crate::report::style::{LOUD, counted, styled};
use crate::report::{human, json};

/// Lets a consumer go: AWS first, then the file.
pub(super) async fn offboard(args: &args::Offboard, screen: &Screen) -> Result<Ending, Failure> {
    let texts = Texts::read(&args.files)?;
    let read = beside(&args.files);
    let name = &args.name();
    let consumer = (name.as_str(), args.role.as_ref());
    let parting = match parted(&texts.sources, &texts.stack, consumer, &args.queue, &read) {
        Ok(parting) => parting,
        Err(Bound::Gone(why)) => return Ok(gone(args, &texts, &why, screen)),
        Err(Bound::Said(why)) => {
            return Err(Failure::Plain(format!("{why}; nothing was changed")));
        }
        Err(Bound::Unfit(unfit)) => {
            return Err(unfit_as_edited(unfit, &format!("without `{name}`")));
        }
    };
    let new = &parting.after.sources;
    let files = texts.changed(new);
    if !args.json {
        screen.result(&format!("{}\n", texts.difference(new)));
    }
    if args.write {
        texts.write(new)?;
        let mut told = document(&texts, &parting, &texts.stack.name, true);
        if args.json {
            told["plan"] = json!(null);
            screen.result(&format!("{told:#}\n"));
        }
        screen.talk(&format!(
            "{files} written; no call was made. To make it so: {} --prune",
            args::command("apply", &args.files, &args.place)
        ));
        return Ok(Ending::Done);
    }
    let whole = lowered_within(&texts.stack, &args.reach)?;
    let before = whole.with_subscriptions_at_topics();
    let session = Session::open(&texts.stack, &args.place, screen)?;
    let (before, live) = session.survey(&texts.stack, before).await?;
    let before = before.with_subscriptions_at_topics();
    let after = Desired {
        unreachable: before.unreachable.clone(),
        ..lowered_over(&parting.after.stack, Some(&live))?
    };
    let plan = Plan::of_departure(&before, &after, &live);
    let lease = LeaseAt::of(&texts.stack, &before.unreachable, args.lease, "offboard");
    let rehearsal = rehearsed(&plan, &session, &live, lease.as_ref(), screen).await;
    let mut told = document(&texts, &parting, &plan.stack, false);
    told["plan"] = json::plan(&plan, &rehearsal);
    if !args.json {
        screen.result(&human::plan(&plan, None, &rehearsal, Screen::width()));
        tell_others(&plan, &before, &parting, screen);
    }
    if let Some(failed) = refused(&plan, None) {
        if args.json {
            screen.result(&format!("{told:#}\n"));
        }
        return failed;
    }
    texts.unchanged()?;
    agreed(args, &plan, &files)?;
    let held = Held::take(lease.as_ref(), &plan, &session, &rehearsal, &live, screen).await?;
    let outcomes = carry_out(&plan, &held, &session, live.ids(), screen).await;
    held.release(screen).await;
    let done = outcomes.all_done();
    let written = if done { texts.write(new) } else { Ok(()) };
    if args.json {
        told["written"] = json!(done && written.is_ok());
        told["apply"] = json::outcomes(&plan, &outcomes);
        told["calls"] = session.calls();
        screen.result(&format!("{told:#}\n"));
    } else {
        conclude(&plan, &outcomes, &session, screen, &again(args));
        if done && written.is_ok() {
            let (_, removed) = texts.counts(new);
            screen.talk(&format!(
                "`{name}` is gone, and with it {} of {files}.",
                counted(removed, "line")
            ));
        } else if !done {
            screen.talk(&format!(
                "{files} still with `{name}` in it, so that the same command goes on"
            ));
        }
    }
    if let Err(Failure::Plain(why)) = &written {
        return Err(Failure::Plain(format!(
            "all of `{name}` is gone from AWS, and the stack still speaks of it: {why}; the same command tries again"
        )));
    }
    written?;
    Ok(ending(&plan, &outcomes))
}

/// Ends a run that has nothing to let go of: an earlier one with the same words has done it all.
fn gone(args: &args::Offboard, texts: &Texts, why: &str, screen: &Screen) -> Ending {
    if args.json {
        let told = json!({
            "schema": "provision.offboard/1", "stack": texts.stack.name, "role": null, "queues": [],
            "accounts": [], "staying": [], "difference": "", "lines": {"added": 0, "removed": 0}, "written": false, "plan": null,
        });
        screen.result(&format!("{told:#}\n"));
    }
    screen.talk(&format!("{why}; nothing to do"));
    Ending::Done
}

fn tell_others(plan: &Plan, before: &Desired, parting: &Parting, screen: &Screen) {
    if !parting.staying.is_empty() {
        let names: Vec<String> = parting
            .staying
            .iter()
            .map(|it| format!("queues.{it}"))
            .collect();
        screen.talk(&format!(
            "In the same account, and staying: {}; `--queue NAME` takes one along",
            names.join(", ")
        ));
    }
    let due: Vec<String> = plan
        .to_do()
        .filter(|it| it.want.is_some() && it.drifted)
        .filter(|it| before.wants.contains_key(&it.address))
        .map(|it| it.address.to_string())
        .collect();
    if !due.is_empty() {
        screen.talk(&format!(
            "{} put back, since AWS had drifted: {}",
            counted(due.len(), "resource"),
            due.join(", ")
        ));
    }
}

fn agreed(args: &args::Offboard, plan: &Plan, files: &str) -> Result<(), Failure> {
    let replaced: Vec<String> = plan
        .to_do()
        .filter(|it| it.action == Action::Replace)
        .map(|it| it.address.to_string())
        .collect();
    if !replaced.is_empty() {
        return Err(Failure::Plain(format!(
            "{} would be deleted and made again, which nobody's leaving asks for; do that first, with `{}`; \
             nothing was changed",
            replaced.join(", "),
            args::command("apply", &args.files, &args.place)
        )));
    }
    if args.yes {
        return Ok(());
    }
    let name = &args.name();
    let person = Person::at_the_terminal().filter(|_| !args.json);
    let Some(mut person) = person else {
        return Err(Failure::Plain(format!(
            "nobody to ask; {files} untouched and nothing was changed. To go on without asking: {} --yes",
            again(args)
        )));
    };
    let removed = plan
        .to_do()
        .filter(|it| it.action == Action::Delete)
        .count();
    let question = styled(
        LOUD,
        format!(
            "This removes {} of `{name}` for good.\nType `{name}` to go on:",
            counted(removed, "resource")
        ),
    );
    match person.ask(&question) {
        Some(answer) if answer == *name => Ok(()),
        _ => Err(Failure::Plain(format!(
            "not agreed; {files} untouched and nothing was changed"
        ))),
    }
}

/// What a machine is told.
fn document(texts: &Texts, parting: &Parting, stack: &str, written: bool) -> serde_json::Value {
    let new = &parting.after.sources;
    let (added, removed) = texts.counts(new);
    json!({
        "schema": "provision.offboard/1",
        "stack": stack,
        "role": parting.role,
        "queues": parting.queues,
        "accounts": parting.accounts,
        "difference": crate::report::style::plain(&texts.difference(new)),
        "lines": {"added": added, "removed": removed},
        "written": written,
        "staying": parting.staying,
    })
}

/// The command that goes on from here.
fn again(args: &args::Offboard) -> String {
    let mut text = args::command("offboard", &args.files, &args.place);
    if let Some(consumer) = &args.consumer {
        text += &format!(" --consumer {}", quoted(consumer));
    }
    if let Some(role) = &args.role {
        text += &format!(" --role {}", quoted(role.as_str()));
    }
    for queue in &args.queue {
        text += &format!(" --queue {}", quoted(queue));
    }
    text += &args.reach.flags();
    text += args.lease.flags();
    text
}
