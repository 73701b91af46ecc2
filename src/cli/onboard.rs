//! `provision onboard`

use std::collections::BTreeSet;

use serde_json::json;

use super::apply::{carry_out, conclude, ending};
use super::args::{self, quoted};
use super::ask::{Asks, Person, unanswered};
use super::interview::{Ground, interview};
use super::lease::{Held, LeaseAt};
use super::plan::{guarded, guarded_off, proved, refused, rehearsed, show};
use super::screen::Screen;
use super::session::{Session, beside, lowered, lowered_within, lowered_within_over};
use super::texts::Texts;
use super::{Ending, Failure};
use crate::kinds::survey::Live;
use crate::lower::Desired;
use crate::model::Address;
use crate::onboard::{
    Answers, Candidate, Home, RoleOf, Unfit, candidate, disturbance, disturbed, joined, parted,
};
use crate::plan::{Action, Consent, Plan};
use crate::report::style::{LOUD, counted, styled};
use crate::report::{self, human, json};
use crate::stack::Via;

/// Brings a new consumer in: the file first, then AWS.
pub(super) async fn onboard(args: &args::Onboard, screen: &Screen) -> Result<Ending, Failure> {
    let texts = Texts::read(&args.files)?;
    let into = edited(args, &texts)?;
    let read = beside(&args.files);
    let ground = Ground {
        sources: &texts.sources,
        into,
        stack: &texts.stack,
        read: &read,
    };
    let mut person = Person::at_the_terminal().filter(|_| !args.json);
    let before = written_before(args, &texts, into, &read);
    let (answers, mut new) = if let Some(resumed) = before {
        screen.talk(&format!(
            "`{}` holds `{}` already, just as it is to be: this goes on from there",
            texts.sources[into].name, resumed.0.consumer
        ));
        resumed
    } else {
        let person = person.as_mut().map(|it| it as &mut dyn Asks);
        coming(args, &ground, person, &|it| screen.talk(it))?
    };
    new.desired.unreachable = lowered_within(&texts.stack, &args.reach)?.unreachable;
    let file = format!("`{}`", texts.sources[into].name);
    let again = again(args, &answers);
    if !args.json {
        screen.result(&format!("{}\n", texts.difference(&new.sources)));
    }
    if args.write {
        texts.write(&new.sources)?;
        if args.json {
            screen.result(&format!("{:#}\n", document(&texts, &new, &answers, true)));
        }
        let (added, _) = texts.counts(&new.sources);
        screen.talk(&format!(
            "{file} is written: {} more; no call was made. To make it so: {}",
            counted(added, "line"),
            args::command("apply", &args.files, &args.place)
        ));
        return Ok(Ending::Done);
    }
    let session = Session::open(&new.stack, &args.place, screen)?;
    let (desired, live) = session.survey(&new.stack, new.desired).await?;
    new.desired = desired;
    let mut plan = Plan::between(&new.desired, &live, &Consent::default());
    let due = due_before(&texts, args, &plan, &live)?;
    let left_out = without_deletions(&mut plan);
    let proof = proved(&new.stack, &new.desired, &live);
    let guarded = guarded(&new.desired, &live);
    let lease = LeaseAt::of(&new.stack, &new.desired.unreachable, args.lease, "onboard");
    let rehearsal = rehearsed(&plan, &session, &live, lease.as_ref(), screen).await;
    if !args.json {
        show(&plan, &proof, &guarded, &rehearsal, screen);
        tell_others(&due, &left_out, args, screen);
    }
    let mut told = document(&texts, &new, &answers, false);
    told["plan"] = json::plan(&plan, &rehearsal);
    told["plan"]["guardrails"] = report::guard::json(&guarded);
    if let Some(failed) = refused(&plan, Some(&proof)).or_else(|| guarded_off(&guarded, screen)) {
        if args.json {
            screen.result(&format!("{told:#}\n"));
        }
        screen.talk(&format!("{file} is as it was"));
        return failed;
    }
    match agreed(args, &plan, &file, person.as_mut(), &again)? {
        Agreed::ToAll => {}
        Agreed::ToTheFile => {
            texts.write(&new.sources)?;
            screen.talk(&format!(
                "{file} is written, and nothing was applied. To make it so: {}",
                args::command("apply", &args.files, &args.place)
            ));
            return Ok(Ending::Done);
        }
    }
    texts.unchanged()?;
    let held = Held::take(lease.as_ref(), &plan, &session, &rehearsal, &live, screen).await?;
    if let Err(failure) = texts.write(&new.sources) {
        held.release(screen).await;
        return Err(failure);
    }
    let (added, _) = texts.counts(&new.sources);
    if added > 0 {
        screen.talk(&format!(
            "{file} is written: {} more",
            counted(added, "line")
        ));
    }
    let outcomes = carry_out(&plan, &held, &session, live.ids(), screen).await;
    held.release(screen).await;
    let go_on = args::command("apply", &args.files, &args.place) + &args.reach.flags();
    if args.json {
        told["written"] = json!(true);
        told["apply"] = json::outcomes(&plan, &outcomes);
        told["calls"] = session.calls();
        screen.result(&format!("{told:#}\n"));
    } else {
        conclude(&plan, &outcomes, &session, screen, &go_on);
        if outcomes.all_done() {
            screen.result(&format!(
                "\n{}",
                human::grants(&of_consumer(&new.desired, &answers))
            ));
        } else {
            screen.talk(&format!(
                "{file} holds the new consumer already; `{go_on}` goes on, and `provision offboard` takes it back"
            ));
        }
    }
    Ok(ending(&plan, &outcomes))
}

/// The file that is to be edited, by its place among the texts.
fn edited(args: &args::Onboard, texts: &Texts) -> Result<usize, Failure> {
    let Some(file) = &args.into else {
        return Ok(0);
    };
    texts.position(file).ok_or_else(|| {
        let names: Vec<&str> = texts.sources.iter().map(|it| it.name.as_str()).collect();
        Failure::Plain(format!(
            "`--into`: `{}` is no file of this stack, which is {}; lay it over with `--with`",
            file.display(),
            names.join(", ")
        ))
    })
}

/// What is said of a consumer, and the stack with it.
fn coming(
    args: &args::Onboard,
    ground: &Ground<'_>,
    person: Option<&mut dyn Asks>,
    talk: &dyn Fn(&str),
) -> Result<(Answers, Candidate), Failure> {
    let is_asked = person.is_some();
    let mut answers = interview(args, ground, person)?;
    let mut new = candidate_with(ground, &answers)?;
    if args.via.is_none() && !is_asked {
        let others = disturbed(&lowered(ground.stack)?, &new.desired);
        if !others.is_empty() {
            // Whoever comes must not change how others call: this one alone has a role.
            answers.via = Via::AssumeRole;
            new = candidate_with(ground, &answers)?;
            for line in disturbance(&others) {
                talk(&format!(
                    "{} is let in by an access role, and the file says so: with `via = \"auto\"` a first apply elsewhere \
                     would differ from what AWS has here, where {line} (`--via auto` writes that all the same)",
                    answers.consumer
                ));
            }
        }
    }
    Ok((answers, new))
}

/// Returns the stack as it is, when the flags say of a consumer just what the stack says of it: an earlier run
/// wrote it, and was stopped before it was applied.
fn written_before(
    args: &args::Onboard,
    texts: &Texts,
    into: usize,
    read: &dyn Fn(&str) -> Result<String, String>,
) -> Option<(Answers, Candidate)> {
    let name = args.consumer.as_deref()?;
    let name = args
        .role
        .as_deref()
        .filter(|_| {
            let name = name.strip_prefix("roles.").unwrap_or(name);
            !texts.stack.roles.contains_key(name) && !texts.stack.queues.contains_key(name)
        })
        .unwrap_or(name);
    let without = parted(&texts.sources, &texts.stack, (name, None), &[], read).ok()?;
    let ground = Ground {
        sources: &without.after.sources,
        into,
        stack: &without.after.stack,
        read,
    };
    let (answers, again) = coming(args, &ground, None, &|_| ()).ok()?;
    let now = Candidate {
        sources: texts.sources.clone(),
        stack: texts.stack.clone(),
        desired: lowered(&texts.stack).ok()?,
    };
    let resources = |it: &Desired| -> Vec<_> {
        let wants = it.wants.iter();
        wants
            .map(|(address, want)| (address.clone(), want.resource.clone()))
            .collect()
    };
    let is_same = resources(&again.desired) == resources(&now.desired)
        && again.stack.accounts.keys().eq(now.stack.accounts.keys());
    is_same.then_some((answers, now))
}

fn candidate_with(ground: &Ground<'_>, answers: &Answers) -> Result<Candidate, Failure> {
    let name = &ground.sources[ground.into].name;
    let sources = joined(ground.sources, ground.into, ground.stack, answers)
        .ok_or_else(|| Failure::Plain(format!("`{name}` is not TOML")))?;
    candidate(sources, ground.read)
        .map_err(|unfit| unfit_as_edited(unfit, &format!("with `{}` in it", answers.consumer)))
}

/// Faults that only the edited text has.
pub(super) fn unfit_as_edited(unfit: Unfit, how: &str) -> Failure {
    match unfit {
        Unfit::Faults(faults) => Failure::Faults(
            *faults,
            format!("This is the stack {how}; the file itself is as it was."),
        ),
        Unfit::Parts(them) => {
            Failure::Plain(format!("{}; the file is as it was", them.join("\nerror: ")))
        }
    }
}

/// What the plan does that was due without the consumer, too.
fn due_before(
    texts: &Texts,
    args: &args::Onboard,
    plan: &Plan,
    live: &Live,
) -> Result<BTreeSet<Address>, Failure> {
    let before = lowered_within_over(&texts.stack, &args.reach, Some(live))?;
    let due = Plan::between(&before, live, &Consent::default());
    let due: BTreeSet<Address> = due.to_do().map(|it| it.address.clone()).collect();
    Ok(plan
        .to_do()
        .map(|it| it.address.clone())
        .filter(|it| due.contains(it))
        .collect())
}

/// Takes deletions out of a plan: they were due before, and nobody asked for them here.
fn without_deletions(plan: &mut Plan) -> Vec<Address> {
    let is_removal = |it: &crate::plan::Step| it.want.is_none() && it.action == Action::Delete;
    let left_out = plan
        .steps
        .iter()
        .filter(|it| is_removal(it))
        .map(|it| it.address.clone())
        .collect();
    plan.steps.retain(|it| !is_removal(it));
    left_out
}

/// Says what else the plan does, or leaves.
fn tell_others(
    due: &BTreeSet<Address>,
    left_out: &[Address],
    args: &args::Onboard,
    screen: &Screen,
) {
    let list = |them: &mut dyn Iterator<Item = &Address>| -> String {
        let names: Vec<String> = them.map(ToString::to_string).collect();
        names.join(", ")
    };
    let due: Vec<&Address> = due.iter().filter(|it| !left_out.contains(it)).collect();
    if !due.is_empty() {
        screen.talk(&format!(
            "{} due before, consumer or not: {}",
            counted(due.len(), "change"),
            list(&mut due.iter().copied())
        ));
    }
    if !left_out.is_empty() {
        screen.talk(&format!(
            "{} due before and left out here: {}; to agree to them: {} --prune",
            counted(left_out.len(), "deletion"),
            list(&mut left_out.iter()),
            args::command("apply", &args.files, &args.place)
        ));
    }
}

/// What was agreed to.
enum Agreed {
    ToAll,
    ToTheFile,
}

fn agreed(
    args: &args::Onboard,
    plan: &Plan,
    file: &str,
    person: Option<&mut Person>,
    again: &str,
) -> Result<Agreed, Failure> {
    let replaced: Vec<String> = plan
        .to_do()
        .filter(|it| it.action == Action::Replace)
        .map(|it| it.address.to_string())
        .collect();
    if !replaced.is_empty() {
        return Err(Failure::Plain(format!(
            "{} would be deleted and made again, which no new consumer asks for; do that first, with `{}`. \
             {file} is as it was and nothing was changed",
            replaced.join(", "),
            args::command("apply", &args.files, &args.place)
        )));
    }
    let moved: BTreeSet<String> = plan.opening_moves().collect();
    if !moved.is_empty() {
        return Err(Failure::Plain(format!(
            "the stack gives {} another mechanism, which no new consumer asks for; do that first, with `{}{}`. {file} is as \
             it was and nothing was changed",
            counted(moved.len(), "consumer"),
            args::command("apply", &args.files, &args.place),
            args::Moves::flags(&moved)
        )));
    }
    if args.yes {
        return Ok(Agreed::ToAll);
    }
    let Some(person) = person else {
        return Err(Failure::Plain(format!(
            "nobody to ask; {file} is as it was and nothing was changed. To go on without asking: {again} --yes"
        )));
    };
    let accounts: BTreeSet<&str> = plan.to_do().map(|it| it.place.account.as_str()).collect();
    let question = styled(
        LOUD,
        format!(
            "Write {file} and apply {} to {}? [y]es, [w]rite the file only, [N]o",
            counted(plan.to_do().count(), "change"),
            counted(accounts.len(), "account")
        ),
    );
    match person.ask(&question).as_deref() {
        Some("y" | "Y" | "yes") => Ok(Agreed::ToAll),
        Some("w" | "W" | "write") => Ok(Agreed::ToTheFile),
        Some(_) => Err(Failure::Plain(format!(
            "not agreed; {file} is as it was and nothing was changed"
        ))),
        None => Err(unanswered()),
    }
}

/// What a machine is told.
fn document(texts: &Texts, new: &Candidate, answers: &Answers, written: bool) -> serde_json::Value {
    let (added, removed) = texts.counts(&new.sources);
    json!({
        "schema": "provision.onboard/1",
        "stack": new.desired.stack,
        "consumer": answers.consumer,
        "difference": crate::report::style::plain(&texts.difference(&new.sources)),
        "lines": {"added": added, "removed": removed},
        "written": written,
        "access": json::grants(&of_consumer(&new.desired, answers)),
    })
}

/// The part of a stack that is a consumer's.
fn of_consumer(desired: &Desired, answers: &Answers) -> Desired {
    let mut own = desired.clone();
    let elsewhere = match &answers.role {
        Some(RoleOf::Existing(arn)) => arn.to_string(),
        _ => String::new(),
    };
    let name = format!("roles.{}", answers.consumer);
    own.grants
        .retain(|it| it.who == name || it.who == elsewhere);
    let queue = format!("{}.", answers.consumer);
    own.wants.retain(|it, _| it.name.starts_with(&queue));
    own
}

/// The command that does the same, whoever answered.
fn again(args: &args::Onboard, answers: &Answers) -> String {
    let mut text = args::command("onboard", &args.files, &args.place);
    let mut add = |flag: &str, value: &str| text += &format!(" {flag} {}", quoted(value));
    if let Some(file) = &args.into {
        add("--into", &file.display().to_string());
    }
    add("--consumer", &answers.consumer);
    if let Some(home) = &answers.account {
        add("--account", home.name());
    }
    if let Some(Home::New {
        id,
        role,
        external_id,
        region,
        ..
    }) = &answers.account
    {
        add("--account-id", id.as_str());
        for (flag, value) in [
            ("--account-role", role),
            ("--account-external-id", external_id),
            ("--account-region", region),
        ] {
            if let Some(value) = value {
                add(flag, value);
            }
        }
    }
    match &answers.role {
        Some(RoleOf::Existing(arn)) => add("--role", arn.as_str()),
        Some(RoleOf::Made { trusted_by }) => {
            for it in trusted_by {
                add("--trusted-by", it);
            }
        }
        None => {}
    }
    for it in &answers.calls {
        add(
            "--calls",
            &format!("apis.{}: {}", it.api, it.routes.join(", ")),
        );
    }
    for it in &answers.publishes {
        add("--publishes", &format!("topics.{it}"));
    }
    for it in &answers.subscribes {
        add("--subscribes", &format!("topics.{it}"));
    }
    for it in &answers.sends {
        add("--sends", &format!("queues.{it}"));
    }
    for it in &answers.receives {
        add("--receives", &format!("queues.{it}"));
    }
    match answers.via {
        Via::Auto => {}
        Via::ResourcePolicy => add("--via", "resource-policy"),
        Via::AssumeRole => add("--via", "assume-role"),
    }
    text + &args.reach.flags() + args.lease.flags()
}
