//! The commands, each a road that reads like a sentence.

mod apply;
pub mod args;
mod ask;
mod deadline;
mod destroy;
mod drift;
mod explain;
mod export;
mod files;
mod forget;
mod graph;
mod handover;
mod import;
mod interview;
mod lease;
mod lines;
mod log;
mod machine;
mod offboard;
mod onboard;
mod output;
mod permissions;
mod plan;
mod policies;
mod reading;
mod saved;
mod screen;
mod session;
mod texts;
mod verify;
mod who_can;

use std::io::ErrorKind;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::escape::screen::line;
use crate::execute::lease::Holder;
use crate::kinds::survey::{SurveyErrors, is_shared};
use crate::report;
use crate::report::failure;
use crate::report::human::seconds;
use crate::stack::Faults;
use args::{Cli, Command, Where};
use screen::Screen;

/// How a command ended: the exit code says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Done, or nothing to do: 0.
    Done,
    /// There are differences: 2.
    Differences,
    /// A guardrail or budget failed: 3.
    Refused,
    /// Applied in part: 4.
    InPart,
    /// Stopped by ctrl-c, a signal or the deadline: 130.
    Interrupted,
}

impl Ending {
    /// The exit code.
    fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Differences => 2,
            Self::Refused => 3,
            Self::InPart => 4,
            Self::Interrupted => 130,
        }
    }
}

/// Why a command could not do its work: exit code 1, nothing changed.
#[derive(Debug)]
pub enum Failure {
    /// Faults of a stack file, and what is said after them.
    Faults(Faults, String),
    /// AWS could not be read.
    Survey(SurveyErrors),
    /// Another run holds the lease of this stack: exit code 5.
    Held(String, Box<Holder>),
    /// Another run held the lease of this stack while AWS was read, and gave it back: exit code 5.
    Overtaken(String),
    /// Anything else, in a sentence.
    Plain(String),
}

/// Runs the command line, and gives the code to exit with.
#[must_use]
pub fn main() -> ExitCode {
    #[cfg(feature = "aws")]
    if let Some(code) = crate::aws::again_without_empty() {
        return code;
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let unprinted = error
                .print()
                .is_err_and(|it| it.kind() != ErrorKind::BrokenPipe);
            // Usage errors are errors (1); clap's own 2 would say "differences".
            return ExitCode::from(u8::from(unprinted || error.use_stderr()));
        }
    };
    let mut screen = Screen::of(&cli);
    let opened = screen.open_log(&cli).map_err(Failure::Plain);
    let ended = opened.and_then(|()| started()?.block_on(run(&cli.command, &screen)));
    let code = match &ended {
        Ok(ending) => ending.code(),
        Err(failure) => screen.code_of_failure(failure.code()),
    };
    if let Err(failure) = &ended {
        failure.errors().into_iter().for_each(|it| screen.note(it));
    }
    screen.finish(code);
    if let Err(failure) = &ended {
        tell(failure, &screen);
    }
    if let Some(why) = screen.unprinted() {
        screen.error(&why);
        return ExitCode::from(screen.code_of_failure(code));
    }
    ExitCode::from(code)
}

fn started() -> Result<Runtime, Failure> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build();
    runtime.map_err(|error| Failure::Plain(format!("cannot start: {error}")))
}

impl Failure {
    /// The exit code.
    fn code(&self) -> u8 {
        match self {
            Self::Held(..) | Self::Overtaken(_) => 5,
            Self::Faults(..) | Self::Survey(_) | Self::Plain(_) => 1,
        }
    }

    /// What failed, for machines.
    fn errors(&self) -> Vec<Value> {
        match self {
            Self::Faults(faults, _) => failure::of_faults(faults),
            Self::Survey(errors) => failure::of_survey(errors),
            Self::Held(stack, holder) => vec![failure::of_lease(stack, holder, lease::now())],
            Self::Overtaken(stack) => vec![failure::of_text(&overtaken(stack))],
            Self::Plain(text) => vec![failure::of_text(text)],
        }
    }
}

async fn run(command: &Command, screen: &Screen) -> Result<Ending, Failure> {
    let place = place_of(command);
    if let Some(directory) = place.and_then(|it| it.sandbox.as_deref()) {
        if directory.extension().is_some_and(|it| it == "toml") {
            return Err(Failure::Plain(format!(
                "`--sandbox {0}` would keep the sandbox in a folder of that name; write the stack first, \
                 as in `provision plan {0} --sandbox`",
                directory.display()
            )));
        }
        // The sandbox lives on virtual time: its waits cost nothing.
        tokio::time::pause();
    }
    let Some(time) = place.and_then(|it| it.deadline) else {
        return carry_out(command, screen).await;
    };
    let deadline = screen.keep_deadline(time);
    tokio::select! {
        ended = carry_out(command, screen) => ended,
        () = deadline.passed_while_reading() => Err(Failure::Plain(format!(
            "the deadline of {} passed before everything was read; nothing was changed on AWS",
            seconds(time)
        ))),
    }
}

async fn carry_out(command: &Command, screen: &Screen) -> Result<Ending, Failure> {
    match command {
        Command::Validate(args) => files::validate(args, screen),
        Command::Plan(args) => plan::plan(args, screen).await,
        Command::Apply(args) => apply::apply(args, screen).await,
        Command::Destroy(args) => destroy::destroy(args, screen).await,
        Command::Drift(args) => drift::drift(args, screen).await,
        Command::Onboard(args) => onboard::onboard(args, screen).await,
        Command::Offboard(args) => offboard::offboard(args, screen).await,
        Command::Forget(args) => forget::forget(args, screen).await,
        Command::Unlock(args) => lease::unlock(args, screen).await,
        Command::Import(args) => import::import(args, screen).await,
        Command::Permissions(args) => permissions::permissions(args, screen),
        Command::Output(args) => output::output(args, screen).await,
        Command::Export(args) => export::export(args, screen).await,
        Command::Verify(args) => verify::verify(args, screen).await,
        Command::WhoCan(args) => who_can::who_can(args, screen).await,
        Command::Handover(args) => handover::handover(args, screen).await,
        Command::Graph(args) => graph::graph(args, screen),
        Command::Explain(args) => explain::explain(args, screen),
        Command::Fmt(args) => files::fmt(args, screen),
        Command::Schema(args) => files::schema(args, screen),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "provision", &mut text);
            screen.result(&String::from_utf8_lossy(&text));
            Ok(Ending::Done)
        }
        Command::Simulate(args) => policies::simulate(args, screen),
        Command::Compare(args) => policies::compare(args, screen),
    }
}

/// The cloud that a command is to use, if it uses any.
fn place_of(command: &Command) -> Option<&Where> {
    let place = match command {
        Command::Plan(it) => &it.place,
        Command::Apply(it) => &it.place,
        Command::Destroy(it) => &it.place,
        Command::Drift(it) => &it.place,
        Command::Onboard(it) => &it.place,
        Command::Offboard(it) => &it.place,
        Command::Forget(it) => &it.place,
        Command::Unlock(it) => &it.place,
        Command::Import(it) => &it.place,
        Command::Output(it) => &it.place,
        Command::Handover(it) => &it.place,
        Command::Export(it) => &it.place,
        Command::Verify(it) => &it.place,
        Command::WhoCan(it) => &it.place,
        Command::Validate(_)
        | Command::Permissions(_)
        | Command::Graph(_)
        | Command::Explain(_)
        | Command::Fmt(_)
        | Command::Schema(_)
        | Command::Completions { .. }
        | Command::Simulate(_)
        | Command::Compare(_) => return None,
    };
    Some(place)
}

fn overtaken(stack: &str) -> String {
    format!(
        "another run changed stack `{stack}` while this one read AWS, and is done; nothing was changed: run the same command again"
    )
}

fn tell(failure: &Failure, screen: &Screen) {
    match failure {
        Failure::Faults(faults, more) => {
            screen.faults(&faults.render(Screen::colours()));
            if !more.is_empty() {
                screen.faults(more);
            }
        }
        Failure::Held(stack, holder) => {
            let held = report::lease::held(stack, holder, lease::now());
            screen.error(&format!("{held}; nothing was changed"));
            screen.faults(
                "  wait for it; if that run is dead, `provision unlock` with the stack's files frees the lease",
            );
        }
        Failure::Overtaken(stack) => screen.error(&overtaken(stack)),
        Failure::Plain(text) => screen.error(text),
        Failure::Survey(errors) => {
            for error in errors.causes() {
                let sent = !is_shared(&error.source);
                if sent {
                    screen.error(&format!("cannot read {error}"));
                } else {
                    screen.error(&line(&error.source.message));
                    screen.faults(&format!("  needed for {}", errors.sharing(error)));
                }
                if let Some(action) = error.source.action.as_ref().filter(|_| sent) {
                    screen.faults(&format!("  called {action}"));
                }
                if let Some(id) = &error.source.request_id {
                    screen.faults(&format!("  request {id}"));
                }
            }
            screen.faults("nothing was changed");
            for account in errors.not_entered() {
                screen.faults(&format!(
                    "if `{account}` is gone for good: `--unreachable {account}` leaves it out"
                ));
            }
        }
    }
}
