//! `provision forget`

use std::collections::BTreeSet;

use serde_json::json;

use super::apply::{carry_out, conclude, ending};
use super::args::{self, quoted};
use super::ask::{Asks, Person};
use super::lease::{Held, LeaseAt, counted_with};
use super::onboard::unfit_as_edited;
use super::plan::{refused, rehearsed};
use super::screen::Screen;
use super::session::{Session, beside, lowered_over, lowered_within};
use super::texts::Texts;
use super::{Ending, Failure};
use crate::execute::Rehearsal;
use crate::kinds::survey::Live;
use crate::model::{Address, KindName};
use crate::onboard::{Candidate, Released, released};
use crate::plan::{Action, Consent, Plan, Step};
use crate::report::style::{LOUD, counted, plain, styled};
use crate::report::{human, json};
use crate::stack::{Stack, nearest};

/// Lets go of resources without deleting them: AWS first, then the file.
pub(super) async fn forget(args: &args::Forget, screen: &Screen) -> Result<Ending, Failure> {
    let files = args.files();
    let texts = Texts::read(&files)?;
    let wanted = lowered_within(&texts.stack, &args.reach)?;
    let session = Session::open(&texts.stack, &args.place, screen)?;
    let (desired, live) = session.survey(&texts.stack, wanted).await?;
    let before = Candidate {
        sources: texts.sources.clone(),
        stack: texts.stack.clone(),
        desired,
    };
    let named = Named::among(&args.addresses, &before, &live).map_err(Failure::Plain)?;
    let read = beside(&files);
    let mut released = released(&before, &named.declared, &live.ids(), &read)
        .map_err(|unfit| unfit_as_edited(unfit, "without what is let go of"))?;
    let new = &released.after.sources;
    released.after.desired = lowered_over(&released.after.stack, Some(&live))?;
    let mut after = released.after.desired.clone();
    after.unreachable = before.desired.unreachable.clone();
    let plan = Plan::of_release(&before.desired, &after, &live, &named.all());
    in_step(&released, &before, &live, &plan).map_err(Failure::Plain)?;
    let (going, staying) = (
        plan.of_api_marks(&after, false),
        plan.of_api_marks(&after, true),
    );
    let lease = LeaseAt::of(
        &texts.stack,
        &before.desired.unreachable,
        args.lease,
        "forget",
    );
    let mut rehearsal = Rehearsal::default();
    for part in [&plan, &going, &staying] {
        let more = rehearsed(part, &session, &live, None, screen).await;
        rehearsal.calls.extend(more.calls);
    }
    let rehearsal = counted_with(rehearsal, lease.as_ref());
    let mut told = document(&texts, &named, &released);
    told["plan"] = json::plan(&plan, &rehearsal);
    let due = due(&before, &live, &named, &plan);
    told["due"] = json!(due);
    if !args.json {
        screen.result(&with_line(&texts.difference(new)));
        if !plan.is_empty() || !plan.refusals.is_empty() {
            screen.result(&human::plan(&plan, None, &rehearsal, Screen::width()));
        }
        tell(&named, &released, &due, screen);
    }
    if let Some(failed) = refused(&plan, None) {
        if args.json {
            screen.result(&format!("{told:#}\n"));
        }
        return failed;
    }
    let changed = texts.changed(new);
    if plan.is_empty() && changed.is_empty() {
        told["written"] = json!(false);
        if args.json {
            screen.result(&format!("{told:#}\n"));
        }
        screen.talk(&session.summary());
        return Ok(Ending::Done);
    }
    texts.unchanged()?;
    agreed(args, &named)?;
    let mut ids = live.ids();
    let orphans = live.orphans.iter();
    ids.extend(orphans.map(|it| (it.address.clone(), it.have.id.clone())));
    let first = [&plan, &going, &staying]
        .into_iter()
        .find(|it| !it.is_empty());
    let first = first.unwrap_or(&plan);
    let held = Held::take(lease.as_ref(), first, &session, &rehearsal, &live, screen).await?;
    let mut outcomes = carry_out(&plan, &held, &session, ids.clone(), screen).await;
    // Without its mark an API is found by its id alone: of one that stays, the file has it by then.
    if outcomes.all_done() {
        outcomes = outcomes.and(carry_out(&going, &held, &session, ids.clone(), screen).await);
    }
    let gone = outcomes.all_done();
    let written = if gone { texts.write(new) } else { Ok(()) };
    if gone && written.is_ok() {
        outcomes = outcomes.and(carry_out(&staying, &held, &session, ids, screen).await);
    }
    held.release(screen).await;
    let done = outcomes.all_done();
    if args.json {
        told["written"] = json!(gone && written.is_ok() && !changed.is_empty());
        told["apply"] = json::outcomes(&plan, &outcomes);
        told["calls"] = session.calls();
        screen.result(&format!("{told:#}\n"));
    } else {
        conclude(&plan, &outcomes, &session, screen, &again(args));
        if done && written.is_ok() {
            let file = if changed.is_empty() {
                String::new()
            } else {
                format!("; {changed} written")
            };
            screen.talk(&format!(
                "Let go of {}: this stack does not touch {} again{file}.",
                named.list(),
                if named.all().len() == 1 { "it" } else { "them" }
            ));
        } else if !gone && !changed.is_empty() {
            screen.talk(&format!(
                "{changed} as before, so that the same command goes on"
            ));
        }
    }
    if let Err(Failure::Plain(why)) = &written {
        return Err(Failure::Plain(format!(
            "the marks are off, and the stack still speaks of what bore them: {why}; the same command tries again"
        )));
    }
    written?;
    Ok(ending(&plan, &outcomes))
}

/// What is to be let go of.
#[derive(Debug, Default)]
struct Named {
    /// What the stack declares as its own.
    declared: BTreeSet<Address>,
    /// What has left the stack, and bears its mark.
    left: BTreeSet<Address>,
    /// What the stack says is another's already.
    lent: BTreeSet<Address>,
}

impl Named {
    fn among(addresses: &[Address], before: &Candidate, live: &Live) -> Result<Self, String> {
        let mut named = Self::default();
        for address in addresses {
            let left = live.orphans.iter().any(|it| it.address == *address);
            let place = match before.desired.wants.get(address) {
                Some(want) if before.desired.unreachable.contains(&want.place.id) => {
                    return Err(format!(
                        "`{address}` is in account `{}`, which is not entered: nothing can be taken off it there; \
                         nothing was changed",
                        want.place.account
                    ));
                }
                Some(want) if is_declared(&before.stack, address) => {
                    let have = live.have.get(address);
                    // The file was written, and the mark did not come off yet.
                    if have.is_some_and(|it| it.released) {
                        &mut named.left
                    } else if want.owned {
                        &mut named.declared
                    } else {
                        &mut named.lent
                    }
                }
                _ if left => &mut named.left,
                _ => {
                    return Err(format!(
                        "{}; nothing was changed",
                        unknown(address, before, live)
                    ));
                }
            };
            place.insert(address.clone());
        }
        Ok(named)
    }

    fn all(&self) -> BTreeSet<Address> {
        self.declared.union(&self.left).cloned().collect()
    }

    fn list(&self) -> String {
        let all: Vec<String> = self.all().iter().map(ToString::to_string).collect();
        all.join(", ")
    }
}

/// Whether the stack has a table of that name.
fn is_declared(stack: &Stack, address: &Address) -> bool {
    let name = &address.name;
    match address.kind {
        KindName::Role => stack.roles.contains_key(name),
        KindName::Key => stack.keys.contains_key(name),
        KindName::Topic => stack.topics.contains_key(name),
        KindName::Queue => stack.queues.contains_key(name),
        KindName::RestApi => stack.apis.contains_key(name),
        KindName::Subscription | KindName::Stage => false,
    }
}

/// Why something cannot be let go of.
fn unknown(address: &Address, before: &Candidate, live: &Live) -> String {
    let owner = address.name.split('.').next().unwrap_or_default();
    if let Some(want) = before.desired.wants.get(address) {
        return match address.kind {
            KindName::Subscription => format!(
                "`{address}` carries no mark of its own: it is its queue's; let go of `queues.{owner}`"
            ),
            KindName::Stage => {
                format!("`{address}` goes with its API; let go of `apis.{owner}`")
            }
            _ => format!(
                "`{address}` is made {}: it goes once that is out of the stack, and can be let go of then",
                want.because
                    .as_ref()
                    .map_or_else(|| "for an access".to_owned(), |it| format!("because {it}"))
            ),
        };
    }
    let declared = before.desired.wants.keys();
    let known: Vec<String> = declared
        .filter(|it| is_declared(&before.stack, it))
        .chain(live.orphans.iter().map(|it| &it.address))
        .map(ToString::to_string)
        .collect();
    let like = nearest(&address.to_string(), known.iter().map(String::as_str));
    format!(
        "nothing of the stack `{}` is called `{address}`: it is not in the file, and nothing in AWS bears that mark{}",
        before.stack.name,
        like.map_or_else(String::new, |it| format!("; did you mean `{it}`?"))
    )
}

/// Refuses while an API that stays in the stack has drifted: its stage is deployed anew, and would serve the drift.
fn in_step(
    released: &Released,
    before: &Candidate,
    live: &Live,
    release: &Plan,
) -> Result<(), String> {
    let mut apis = released
        .lasting
        .iter()
        .filter(|it| it.kind == KindName::RestApi)
        .peekable();
    if apis.peek().is_none() {
        return Ok(());
    }
    let plan = Plan::between(&before.desired, live, &Consent::default());
    for api in apis {
        let stage = format!("{}.", api.name);
        let drifted = plan.to_do().find(|it| {
            let is_of_it = it.address == *api
                || (it.address.kind == KindName::Stage && it.address.name.starts_with(&stage));
            is_of_it && !is_let_go_of(it, release)
        });
        if let Some(step) = drifted {
            return Err(format!(
                "`{}` is not as the stack says, and letting go of `{api}` deploys it as it is now, since accesses \
                 to it stay; `apply` first, or `drift --accept`; nothing was changed",
                step.address
            ));
        }
    }
    Ok(())
}

/// Whether what differs of an API or its stage is what an earlier run of the same command has written already.
fn is_let_go_of(step: &Step, release: &Plan) -> bool {
    let mut left = release.steps.iter().filter(|it| it.address == step.address);
    let left = left.next().map_or(&[][..], |it| it.changes.as_slice());
    step.changes.iter().all(|it| match it.field.as_str() {
        "mark" | "superseded deployments" => true,
        "policy" | "deployment" => !left.iter().any(|left| left.field == it.field),
        _ => false,
    })
}

/// What the next apply has to do all the same.
fn due(before: &Candidate, live: &Live, named: &Named, plan: &Plan) -> Vec<String> {
    let all = named.all();
    let moved = |address: &Address| {
        // A subscription is its queue's.
        let queue = address
            .name
            .split('.')
            .next()
            .map(|it| Address::new(KindName::Queue, it));
        let subscribes = address.kind == KindName::Subscription;
        all.contains(address)
            || plan.steps.iter().any(|it| it.address == *address)
            || (subscribes && queue.is_some_and(|it| all.contains(&it)))
    };
    Plan::between(&before.desired, live, &Consent::default())
        .to_do()
        .filter(|it| it.action != Action::Create && !moved(&it.address))
        .map(|it| format!("{} {}", it.action.sign(), it.address))
        .collect()
}

fn tell(named: &Named, released: &Released, due: &[String], screen: &Screen) {
    for it in &named.lent {
        screen.talk(&format!(
            "`{it}` is `existing`: it is not this stack's, and only its statements on it are"
        ));
    }
    for it in &released.lasting {
        screen.talk(&format!(
            "Something in the stack speaks of `{it}`: it stays there as `existing`, and the accesses stay this stack's"
        ));
    }
    if !due.is_empty() {
        screen.talk(&format!(
            "The next apply has this to do all the same: {}",
            due.join(", ")
        ));
    }
}

fn agreed(args: &args::Forget, named: &Named) -> Result<(), Failure> {
    if args.yes {
        return Ok(());
    }
    let person = Person::at_the_terminal().filter(|_| !args.json);
    let Some(mut person) = person else {
        return Err(Failure::Plain(format!(
            "nobody to ask; nothing was changed. To go on without asking: {} --yes",
            again(args)
        )));
    };
    let question = styled(
        LOUD,
        format!(
            "Let go of {}? Nothing is deleted. [y/N]",
            counted(named.all().len(), "resource")
        ),
    );
    match person.ask(&question).as_deref() {
        Some("y" | "Y" | "yes") => Ok(()),
        _ => Err(Failure::Plain("not agreed; nothing was changed".to_owned())),
    }
}

fn with_line(text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("{text}\n")
    }
}

/// What a machine is told.
fn document(texts: &Texts, named: &Named, released: &Released) -> serde_json::Value {
    let new = &released.after.sources;
    let (added, removed) = texts.counts(new);
    let becomes = |address: &Address| match () {
        () if released.after.desired.wants.contains_key(address) => "existing",
        () if named.left.contains(address) => "left already",
        () => "gone",
    };
    let all = named.all();
    let forgotten = all
        .iter()
        .map(|it| json!({"address": it, "in_stack": becomes(it)}));
    json!({
        "schema": "provision.forget/1",
        "stack": texts.stack.name,
        "forgotten": forgotten.collect::<Vec<_>>(),
        "already": named.lent,
        "difference": plain(&texts.difference(new)),
        "lines": {"added": added, "removed": removed},
        "written": false,
    })
}

/// The command that goes on from here.
fn again(args: &args::Forget) -> String {
    let mut text = "provision forget".to_owned();
    for it in &args.addresses {
        text += &format!(" {}", quoted(&it.to_string()));
    }
    text += &args::stack_flags(&args.files(), &args.place);
    text + &args.reach.flags() + args.lease.flags()
}
