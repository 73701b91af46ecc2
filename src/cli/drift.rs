//! `provision drift`

mod accept;
mod revert;
mod watch;

use super::apply::agreeing;
use super::args;
use super::screen::Screen;
use super::session::{self, Looked, Session, checked_withdrawn, lowered_within, sources};
use super::{Ending, Failure};
use crate::drift::{self, Drift, Seen};
use crate::kinds::survey::{Reading, add_parts};
use crate::lower::Desired;
use crate::plan::{Consent, Plan};
use crate::report;
use crate::report::style::counted;
use crate::stack::{self, Source, Stack};

/// A stack, a cloud, and what is between them.
pub(super) struct Look<'a> {
    pub(super) sources: Vec<Source>,
    pub(super) stack: Stack,
    pub(super) desired: Desired,
    pub(super) session: Session<'a>,
    pub(super) reading: Reading,
    pub(super) plan: Plan,
    pub(super) drift: Drift,
}

/// Reads the stack and the cloud, and compares them.
pub(super) async fn look<'a>(args: &args::Drift, screen: &'a Screen) -> Result<Look<'a>, Failure> {
    let sources = sources(&args.files)?;
    let stack = checked_withdrawn(&args.files, &sources)?;
    let desired = lowered_within(&stack, &args.reach)?;
    let Looked {
        desired,
        session,
        mut reading,
    } = session::look(&stack, desired, &args.also, &args.place, screen).await?;
    if let Some(errors) = reading.without_login() {
        return Err(Failure::Survey(errors));
    }
    add_parts(&mut reading, &desired.wants, &session.cloud).await;
    let plan = Plan::of_reading(&desired, &reading, &Consent::default());
    let seen = Seen {
        desired: &desired,
        reading: &reading,
        written: &stack::written(&sources),
    };
    let drift = Drift::of(&plan, &seen);
    Ok(Look {
        sources,
        stack,
        desired,
        session,
        reading,
        plan,
        drift,
    })
}

/// Tells what moved in AWS while the stack did not.
pub(super) async fn drift(args: &args::Drift, screen: &Screen) -> Result<Ending, Failure> {
    if !args.revert.is_empty() {
        return revert::put_back(args, screen).await;
    }
    if !args.accept.is_empty() {
        return accept::take_over(args, screen).await;
    }
    if let Some(interval) = args.watch {
        return watch::watch(args, interval, screen).await;
    }
    let look = look(args, screen).await?;
    show(args, screen, &look);
    ending(&look.drift)
}

/// Prints what was found.
fn show(args: &args::Drift, screen: &Screen, look: &Look<'_>) {
    let command = |verb| {
        let command = args::command(verb, &args.files, &args.place);
        command + &args.reach.flags()
    };
    let commands = report::drift::Commands {
        drift: command("drift"),
        apply: command("apply") + &agreeing(&look.plan),
    };
    match args.form() {
        args::DriftFormat::Json => {
            let mut document = report::drift::json(&look.drift, &commands);
            report::handed::put_above(&mut document, &look.reading.live.above);
            document["calls"] = look.session.calls();
            screen.result(&format!("{document:#}\n"));
        }
        args::DriftFormat::Markdown => {
            screen.result(&report::drift::markdown(&look.drift, &commands));
        }
        args::DriftFormat::Human => {
            screen.result(&report::drift::human(&look.drift, &commands));
            if !look.plan.withdrawn.is_empty() {
                screen.talk(
                    "Speak to the owner, or take the claims out: until then apply refuses the stack",
                );
            }
            screen.talk(&report::handed::above(&look.reading.live.above));
            screen.talk(&look.session.summary());
        }
    }
}

/// What the exit code has to say: what could not be read is never in step.
fn ending(drift: &Drift) -> Result<Ending, Failure> {
    if !drift.is_whole() {
        let unread = drift
            .findings
            .iter()
            .filter(|it| it.class == drift::Class::Unreadable);
        let subjects: Vec<String> = unread.map(drift::Finding::subject).collect();
        return Err(Failure::Plain(format!(
            "{} could not be read: {}; whether they are in step is not known",
            counted(subjects.len(), "part"),
            subjects.join("; ")
        )));
    }
    Ok(if drift.findings.is_empty() {
        Ending::Done
    } else {
        Ending::Differences
    })
}
