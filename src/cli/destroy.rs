//! `provision destroy`

use super::apply::{agreed_to_lose, agreed_to_publish, carry_out, conclude, ending};
use super::args;
use super::lease::{Held, LeaseAt};
use super::plan::{refused, rehearsed};
use super::screen::Screen;
use super::session::{load_withdrawn, look_at_all, lowered_within};
use super::{Ending, Failure};
use crate::kinds::survey::Live;
use crate::lower::Desired;
use crate::plan::{Plan, Step};
use crate::report::style::counted;
use crate::report::{human, json};

/// Removes everything the stack made, and its statements elsewhere.
pub(super) async fn destroy(args: &args::Destroy, screen: &Screen) -> Result<Ending, Failure> {
    // What it claims in vain does not stand in the way of taking it all away.
    let stack = load_withdrawn(&args.files)?;
    let desired = lowered_within(&stack, &args.reach)?;
    let (desired, session, reading) =
        look_at_all(&stack, desired, &args.also, &args.place, screen).await?;
    let mut plan = Plan::of_destruction(&desired, &reading);
    if args.duplicates == Some(args::Duplicates::Keep) {
        plan = plan.keeping_duplicates(&desired, &reading.live);
    }
    let live = &reading.live;
    let mut command = args::command("destroy", &args.files, &args.place)
        + &args.reach.flags()
        + &args.also.flags()
        + &args.publish.flags()
        + &args.named()
        + args.lease.flags();
    match args.duplicates {
        Some(args::Duplicates::Keep) => command += " --duplicates keep",
        Some(args::Duplicates::Remove) => command += " --duplicates remove",
        None => {}
    }
    let lease = LeaseAt::of(&stack, &desired.unreachable, args.lease, "destroy");
    let rehearsal = rehearsed(&plan, &session, live, lease.as_ref(), screen).await;
    if !args.json {
        screen.result(&human::plan(&plan, None, &rehearsal, Screen::width()));
    }
    if let Some(failed) = refused(&plan, None) {
        return failed;
    }
    if args.duplicates.is_none() && !plan.duplicates(live).is_empty() {
        plan = sorted_out(plan, (&desired, live), args, &command)?;
    }
    let ask = |question: &str| {
        if args.json {
            None
        } else {
            Screen::ask(question)
        }
    };
    let publish = args.publish.apis.iter().collect();
    agreed_to_publish(&plan, &publish, &command, &ask)?;
    let named = args.allow_delete.iter().collect();
    agreed_to_lose(&plan, &named, (&command, "--allow-delete"), &ask)?;
    if !plan.is_empty() && !args.yes {
        let question = format!(
            "This removes {} of stack `{}` for good.\nType the stack's name to go on:",
            counted(plan.to_do().count(), "resource"),
            stack.name
        );
        match ask(&question) {
            Some(name) if name == stack.name => {}
            Some(_) => return Err(Failure::Plain("not agreed; nothing was changed".to_owned())),
            None => {
                return Err(Failure::Plain(format!(
                    "nobody to ask; nothing was changed. To go on without asking: {command} --yes"
                )));
            }
        }
    }
    let held = Held::take(lease.as_ref(), &plan, &session, &rehearsal, live, screen).await?;
    let mut ids = live.ids();
    let kept = plan.steps.iter().filter(|it| it.want.is_some());
    ids.extend(kept.filter_map(|it| Some((it.address.clone(), it.have.as_ref()?.id.clone()))));
    let outcomes = carry_out(&plan, &held, &session, ids, screen).await;
    held.release(screen).await;
    if args.json {
        let mut document = json::outcomes(&plan, &outcomes);
        document["calls"] = session.calls();
        screen.result(&format!("{document:#}\n"));
    } else {
        conclude(&plan, &outcomes, &session, screen, &command);
    }
    Ok(ending(&plan, &outcomes))
}

/// Asks what becomes of further resources that bear the mark of one address.
fn sorted_out(
    plan: Plan,
    (desired, live): (&Desired, &Live),
    args: &args::Destroy,
    command: &str,
) -> Result<Plan, Failure> {
    let list = |steps: Vec<&Step>| {
        let named = steps.into_iter().map(|it| match &it.have {
            Some(have) => format!("{} ({})", it.address, have.id),
            None => it.address.to_string(),
        });
        named.collect::<Vec<_>>().join(", ")
    };
    let list = list(plan.duplicates(live));
    let question = format!(
        "Several resources bear the mark of one address. Tags may have been copied, and the resource may be somebody else's: {list}\n\
         Type `remove` to remove these too, or `keep` to leave them, without the mark:"
    );
    let answer = if args.json || args.yes {
        None
    } else {
        Screen::ask(&question)
    };
    match answer.as_deref() {
        Some("remove") => Ok(plan),
        Some("keep") => Ok(plan.keeping_duplicates(desired, live)),
        Some(_) => Err(Failure::Plain("not agreed; nothing was changed".to_owned())),
        None => Err(Failure::Plain(format!(
            "several resources bear the mark of one address, and tags may have been copied: {list}; nothing was changed. \
             To remove these too: {command} --yes --duplicates remove; to leave them, without the mark: {command} --yes --duplicates keep"
        ))),
    }
}
