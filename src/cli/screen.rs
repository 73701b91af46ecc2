//! Results to stdout, talk to stderr; a live line for each running resource on a terminal.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, SystemTime};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use super::args::{Cli, Colour};
use super::deadline::Deadline;
use super::log::{Log, Secrets};
use super::machine::Machine;
use crate::cloud::seam;
use crate::disk;
use crate::escape::screen::{line, page};
use crate::execute::Event;
use crate::model::Address;
use crate::plan::Plan;
use crate::policy::values::Instant;
use crate::report::human;
use crate::report::names;
use crate::report::page::WIDTH;
use crate::report::style::{BAD, QUIET, styled};
use crate::stack::Stack;

/// A wait that is shown although nobody asked for every call.
const LONG_WAIT: Duration = Duration::from_secs(10);

/// Returns the time of day in UTC, as the lines of `-v` begin with it.
fn now() -> Instant {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seconds = since.map_or(0, |it| it.as_secs());
    Instant::since_1970(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// Where a command prints.
#[derive(Debug)]
pub(super) struct Screen {
    quiet: bool,
    verbose: bool,
    bars: MultiProgress,
    running: RefCell<BTreeMap<Address, ProgressBar>>,
    unprinted: RefCell<Option<io::Error>>,
    changed: Cell<bool>,
    log: Option<Log>,
    secrets: RefCell<Secrets>,
    deadline: RefCell<Option<Deadline>>,
    machine: Option<Machine>,
}

impl Screen {
    /// Notes that this run has changed something in AWS.
    pub(super) fn has_changed(&self) {
        self.changed.set(true);
    }

    /// The exit code of a run that failed apart from AWS: "nothing was changed" is only said where it is so.
    pub(super) fn code_of_failure(&self, code: u8) -> u8 {
        match code {
            0..=3 if self.changed.get() => 4,
            0 => 1,
            code => code,
        }
    }

    /// The screen that the command line asks for.
    #[must_use]
    pub(super) fn of(cli: &Cli) -> Self {
        let choice = match cli.color {
            Colour::Auto => anstream::ColorChoice::Auto,
            Colour::Always => anstream::ColorChoice::Always,
            Colour::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
        let live = io::stderr().is_terminal() && !cli.quiet;
        let target = if live {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            quiet: cli.quiet,
            verbose: cli.verbose,
            bars: MultiProgress::with_draw_target(target),
            running: RefCell::default(),
            unprinted: RefCell::default(),
            changed: Cell::default(),
            log: None,
            secrets: RefCell::new(Secrets::of_environment()),
            deadline: RefCell::default(),
            machine: Machine::of(&cli.command),
        }
    }

    /// Opens the log that the command line asks for.
    pub(super) fn open_log(&mut self, cli: &Cli) -> Result<(), String> {
        self.log = cli.log.as_deref().map(Log::open).transpose()?;
        Ok(())
    }

    /// Keeps what a stack says of external ids out of what is told of calls.
    pub(super) fn keep_secret(&self, stack: &Stack) {
        self.secrets.borrow_mut().add(stack);
    }

    /// Keeps when the command is to end.
    pub(super) fn keep_deadline(&self, time: Duration) -> Deadline {
        let deadline = Deadline::of(time);
        self.deadline.replace(Some(deadline.clone()));
        deadline
    }

    /// Returns when the command is to end, if it has to.
    pub(super) fn deadline(&self) -> Option<Deadline> {
        self.deadline.borrow().clone()
    }

    /// Prints a line about a call.
    fn print_call(&self, text: &str) {
        let text = self.secrets.borrow().hidden(text);
        self.print_talk(&styled(QUIET, format!("{} {text}", now())));
    }

    /// Whether text on stderr is coloured.
    #[must_use]
    pub(super) fn colours() -> bool {
        anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
    }

    /// How many columns a page may have: those of the terminal, and of no other end more than anybody reads.
    #[must_use]
    pub(super) fn width() -> usize {
        let told = std::env::var("COLUMNS").ok().and_then(|it| it.parse().ok());
        let seen =
            || terminal_size::terminal_size_of(io::stdout()).map(|(it, _)| usize::from(it.0));
        told.or_else(seen).unwrap_or(WIDTH).clamp(60, 140)
    }

    /// Prints a result, or keeps it for the end where it is the document of a command for machines.
    pub(super) fn result(&self, text: &str) {
        if !self.machine.as_ref().is_some_and(|it| it.keep(text)) {
            self.print_result(text);
        }
    }

    /// Notes an error for the document of a command for machines.
    pub(super) fn note(&self, error: Value) {
        if let Some(machine) = &self.machine {
            machine.note(error);
        }
    }

    /// Prints the document of a command for machines, which ends with this code.
    pub(super) fn finish(&self, code: u8) {
        if let Some(machine) = &self.machine {
            self.print_result(&machine.finish(code));
        }
    }

    /// Prints a result. What fails is kept for the end of the command: a change of AWS that is under way goes on.
    fn print_result(&self, text: &str) {
        let text = page(text);
        let print = || {
            let mut out = anstream::stdout();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        };
        if let Err(error) = self.bars.suspend(print) {
            self.unprinted.borrow_mut().get_or_insert(error);
        }
    }

    /// Returns why not all results were printed, or not all calls logged. A pipe that nobody reads any more is no failure.
    pub(super) fn unprinted(&self) -> Option<String> {
        let printed = self.unprinted.take();
        printed
            .filter(|it| it.kind() != io::ErrorKind::BrokenPipe)
            .map(|error| format!("cannot write to standard output: {}", disk::why(&error)))
            .or_else(|| self.log.as_ref()?.failure())
    }

    /// Prints talk: what a person at a terminal wants to know, and a pipe's reader does not.
    pub(super) fn talk(&self, text: &str) {
        if !self.quiet {
            self.print_talk(text);
        }
    }

    fn print_talk(&self, text: &str) {
        let text = page(text);
        self.bars.suspend(|| {
            let mut err = anstream::stderr();
            let _ = writeln!(err, "{text}");
        });
    }

    /// Prints what only `-v` asks for.
    pub(super) fn detail(&self, text: &str) {
        if self.verbose && !text.is_empty() {
            self.print_talk(&styled(QUIET, text));
        }
    }

    /// Prints what a person must know although it is no error's own line, under `--quiet` too.
    pub(super) fn warn(&self, text: &str) {
        self.print_talk(text);
    }

    /// Prints what the author of a stack should know of, though AWS takes it.
    pub(super) fn warn_of(&self, stack: &Stack) {
        if let Some(warnings) = &stack.warnings {
            self.warn(warnings.as_warnings(Self::colours()).trim_end());
        }
    }

    /// Prints an error.
    pub(super) fn error(&self, text: &str) {
        let head = styled(BAD, "error");
        self.print_talk(&format!("{head}: {text}"));
    }

    /// Prints faults of a file, which bring their own form.
    pub(super) fn faults(&self, text: &str) {
        self.print_talk(text.trim_end());
    }

    /// Asks a question that only a person can answer; `None` when there is none.
    #[must_use]
    pub(super) fn ask(question: &str) -> Option<String> {
        if !io::stdin().is_terminal() {
            return None;
        }
        let mut err = anstream::stderr();
        let question = page(question);
        let _ = write!(err, "{question} ").and_then(|()| err.flush());
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).ok()?;
        Some(answer.trim().to_owned())
    }

    /// Tells what a step does.
    pub(super) fn event(&self, plan: &Plan, event: &Event) {
        match event {
            Event::Started { address, place, .. } => {
                if self.bars.is_hidden() {
                    return;
                }
                let bar = self.bars.add(ProgressBar::new_spinner());
                let line = "  {spinner} {prefix}  {elapsed:.dim}  {msg:.dim}";
                bar.set_style(
                    ProgressStyle::with_template(line)
                        .unwrap_or_else(|_| ProgressStyle::default_spinner()),
                );
                bar.set_prefix(format!("{}  {}", place.account, names::title(address)));
                bar.enable_steady_tick(Duration::from_millis(120));
                self.running.borrow_mut().insert(address.clone(), bar);
            }
            Event::Waiting { address, why } => {
                if let Some(bar) = self.running.borrow().get(address) {
                    bar.set_message(format!("waits {}", line(why)));
                }
            }
            Event::Ended { address, .. } => {
                if let Some(bar) = self.running.borrow_mut().remove(address) {
                    bar.finish_and_clear();
                    self.bars.remove(&bar);
                }
                if let Some(line) = human::event(event, human::widths(plan)) {
                    self.talk(&line);
                }
            }
        }
    }

    /// Tells what the seam does.
    pub(super) fn call(&self, event: &seam::Event<'_>) {
        if let Some(log) = &self.log {
            log.write(&now().to_string(), event, &self.secrets.borrow());
        }
        match event {
            seam::Event::Ended(record) if self.verbose => {
                let mut text = line(&record.to_string()).into_owned();
                if record.attempt > 1 {
                    text += &format!("  attempt {}", record.attempt);
                }
                text += &format!("  {:.0} ms", record.took.as_secs_f64() * 1000.0);
                let failed = record.outcome.as_ref().err();
                if let Some(id) = failed.and_then(|it| it.request_id.as_ref()) {
                    text += &format!("  request {}", line(id));
                }
                self.print_call(&text);
            }
            seam::Event::Again {
                at,
                request,
                wait,
                error,
                attempt,
            } => {
                // A long wait is named, or it would look like a program that hangs.
                if self.verbose || *wait >= LONG_WAIT {
                    self.print_call(&format!(
                        "     {}:{} in {}: {}: attempt {attempt} in {:.1} s",
                        request.service(),
                        request.action(),
                        at.account,
                        line(&error.code),
                        wait.as_secs_f64()
                    ));
                }
            }
            seam::Event::Waiting { at, wait, why, .. } => {
                if self.verbose {
                    self.print_call(&format!(
                        "     {} {}, {:.0} s to go",
                        at.account,
                        line(why),
                        wait.as_secs_f64().ceil()
                    ));
                }
                for bar in self
                    .running
                    .borrow()
                    .values()
                    .filter(|it| it.prefix().starts_with(&at.account))
                {
                    bar.set_message(line(why).into_owned());
                }
            }
            seam::Event::Silent {
                at,
                service,
                action,
                since,
            } => self.print_call(&format!(
                "     {service}:{action} in {}: no answer for {:.0} s",
                at.account,
                since.as_secs_f64()
            )),
            seam::Event::Ended(_) => {}
        }
    }
}
