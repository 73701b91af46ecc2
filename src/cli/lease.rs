//! The lease of a stack, as commands hold it, and `provision unlock`.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::args;
use super::screen::Screen;
use super::session::{Session, load_withdrawn, lowered_within};
use super::{Ending, Failure};
use crate::cloud::Fault;
use crate::execute::Rehearsal;
use crate::execute::lease::{Ground, Holder, Lease, LeaseError, TERM, calls};
use crate::kinds::survey::Live;
use crate::model::{AccountId, Place};
use crate::permissions::lease_place;
use crate::plan::Plan;
use crate::report::lease::{document, held, left_behind, says};
use crate::stack::Stack;

/// Where the lease of a stack is: in its account with the lowest id that is entered.
#[derive(Clone, Debug)]
pub(super) struct LeaseAt {
    stack: String,
    place: Place,
    command: &'static str,
    /// Whether the command line says to go without it.
    without: bool,
}

impl LeaseAt {
    /// Returns where a command takes the lease.
    pub(super) fn of(
        stack: &Stack,
        unreachable: &BTreeSet<AccountId>,
        args: args::LeaseArgs,
        command: &'static str,
    ) -> Option<Self> {
        Some(Self {
            stack: stack.name.clone(),
            place: lease_place(stack, unreachable)?.clone(),
            command,
            without: args.no_lease,
        })
    }

    /// Where it is.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Adds what the lease costs to the calls of a plan that makes any.
    pub(super) fn count(&self, rehearsal: &mut Rehearsal) {
        if !rehearsal.calls.is_empty() {
            let [take, give_back] = calls(&self.place, &self.stack);
            rehearsal.calls.insert(0, take);
            rehearsal.calls.push(give_back);
        }
    }
}

/// Adds the lease's calls to those of a plan.
pub(super) fn counted_with(mut rehearsal: Rehearsal, lease: Option<&LeaseAt>) -> Rehearsal {
    if let Some(lease) = lease.filter(|it| !it.without) {
        lease.count(&mut rehearsal);
    }
    rehearsal
}

/// The time in seconds since 1970, by the machine's clock: the sandbox's own stands still between runs.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |it| i64::try_from(it.as_secs()).unwrap_or(i64::MAX))
}

/// What a command holds that writes: the lease, if it takes one, and the signals by which it is asked to stop.
pub(super) struct Held<'a> {
    lease: Option<Lease<'a>>,
    stops: RefCell<UnboundedReceiver<()>>,
}

impl<'a> Held<'a> {
    /// Takes the lease before the first write of a plan; none for a plan that writes nothing. From here on ctrl-c and SIGTERM end the command in order.
    pub(super) async fn take(
        lease: Option<&LeaseAt>,
        plan: &Plan,
        session: &'a Session<'_>,
        rehearsal: &Rehearsal,
        live: &Live,
        screen: &Screen,
    ) -> Result<Self, Failure> {
        if !plan.is_empty()
            && let Some(deadline) = screen.deadline()
        {
            deadline.begin_to_write();
        }
        if !plan.is_empty() {
            let taken = lease.filter(|it| !it.without).map(LeaseAt::place);
            session.restrict_to(&plan.stack, Some(plan), &rehearsal.calls, taken, screen)?;
        }
        let stops = RefCell::new(signals());
        let Some(at) = lease.filter(|it| !it.without && !plan.is_empty()) else {
            return Ok(Self { lease: None, stops });
        };
        let ground = Ground::of(&at.stack, &at.place, &session.cloud, &now);
        let arn = ground.arn().clone();
        let least = rehearsal.least_time().map_or(0, |(time, _)| time.as_secs());
        let term = TERM.max(2 * i64::try_from(least).unwrap_or(TERM));
        let (lease, before) = match ground.take(myself(at.command, term), &is_dead).await {
            Ok(taken) => taken,
            Err(LeaseError::Held(holder)) => return Err(Failure::Held(at.stack.clone(), holder)),
            Err(LeaseError::Call(error)) if error.fault == Fault::Denied => {
                return Err(Failure::Plain(format!(
                    "the lease of stack `{}` cannot be taken in account `{}`: {error}; nothing was changed. Allow iam:CreatePolicy, \
                     iam:CreatePolicyVersion, iam:DeletePolicy, iam:DeletePolicyVersion, iam:SetDefaultPolicyVersion, iam:GetPolicy and \
                     iam:GetPolicyVersion on {arn}, or make sure that no other run writes and go without: --no-lease",
                    at.stack, at.place.account
                )));
            }
            Err(error) => {
                return Err(Failure::Plain(format!(
                    "the lease of stack `{}` cannot be taken in account `{}`: {error}; nothing was changed",
                    at.stack, at.place.account
                )));
            }
        };
        if let Some(before) = &before {
            screen.talk(&format!(
                "the lease of a run that is over was taken over: {}",
                says(before, now())
            ));
        }
        let is_stale = live.leased && before.is_none();
        let held = Self {
            lease: Some(lease),
            stops,
        };
        if is_stale {
            held.release(screen).await;
            return Err(Failure::Overtaken(at.stack.clone()));
        }
        Ok(held)
    }

    /// Waits for the next signal that asks the command to stop.
    pub(super) async fn stop_asked_for(&self) -> Option<()> {
        std::future::poll_fn(|cx| self.stops.borrow_mut().poll_recv(cx)).await
    }

    /// Keeps the lease; ends only when it is lost.
    pub(super) async fn lost(&self) -> String {
        match &self.lease {
            Some(lease) => lease.keep().await,
            None => std::future::pending().await,
        }
    }

    /// Gives the lease back.
    pub(super) async fn release(&self, screen: &Screen) {
        let Some(lease) = &self.lease else { return };
        if let Err(error) = lease.release().await {
            screen.warn(&format!(
                "the lease could not be given back: {error}; it ends by itself, or with `provision unlock`"
            ));
        }
    }
}

/// Listens to the signals by which a person or a supervisor asks a process to end, from now on.
pub(super) fn signals() -> UnboundedReceiver<()> {
    let (send, receive) = unbounded_channel();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
        for mut signals in kinds.into_iter().filter_map(|it| signal(it).ok()) {
            let send = send.clone();
            tokio::spawn(async move {
                while signals.recv().await.is_some() && send.send(()).is_ok() {}
            });
        }
    }
    #[cfg(not(unix))]
    tokio::spawn(
        async move { while tokio::signal::ctrl_c().await.is_ok() && send.send(()).is_ok() {} },
    );
    receive
}

/// Returns this run, as others see it.
fn myself(command: &str, term: i64) -> Holder {
    let of = |name: &str| std::env::var(name).ok().filter(|it| !it.is_empty());
    let user = of("USER")
        .or_else(|| of("LOGNAME"))
        .or_else(|| of("USERNAME"));
    let host = host()
        .or_else(|| of("HOSTNAME"))
        .or_else(|| of("COMPUTERNAME"));
    let process = std::process::id();
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let run = format!("{host:?} {process} {since:?}");
    let since = now();
    Holder {
        run: digest(&run),
        user: user.unwrap_or_else(|| "unknown".to_owned()),
        host: host.unwrap_or_else(|| "unknown".to_owned()),
        process: match (realm(), begun(process)) {
            (Some(realm), Some(begun)) => format!("{process} {begun} {realm}"),
            _ => process.to_string(),
        },
        command: command.to_owned(),
        since,
        until: since + term,
    }
}

fn digest(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    hash.iter().take(8).map(|it| format!("{it:02x}")).collect()
}

fn host() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|it| !it.is_empty())
}

/// Returns what the processes have in common that this one can see all of: one start of one machine, one namespace, one user.
fn realm() -> Option<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let namespace = std::fs::read_link("/proc/self/ns/pid").ok()?;
        let user = std::fs::metadata("/proc/self").ok()?.uid();
        Some(digest(&format!("{boot} {} {user}", namespace.display())))
    }
    #[cfg(not(unix))]
    None
}

/// Returns when a process began, in ticks since the machine did; nothing of one that has ended.
fn begun(process: u32) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name stands in parentheses and may hold anything.
    let mut fields = text.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    let begun = fields.nth(18)?;
    (!matches!(state, "Z" | "X")).then(|| begun.to_owned())
}

/// Returns whether a holder is a process of this machine that has ended for certain.
fn is_dead(holder: &Holder) -> bool {
    let parts: Vec<&str> = holder.process.split(' ').collect();
    let [process, at, realm_of] = parts[..] else {
        return false;
    };
    let Ok(process) = process.parse() else {
        return false;
    };
    realm().as_deref() == Some(realm_of) && begun(process).as_deref() != Some(at)
}

/// Takes the lease of a stack from a run that is dead.
pub(super) async fn unlock(args: &args::Unlock, screen: &Screen) -> Result<Ending, Failure> {
    let stack = load_withdrawn(&args.files)?;
    let unreachable = lowered_within(&stack, &args.reach)?.unreachable;
    let without = args::LeaseArgs::default();
    let at = LeaseAt::of(&stack, &unreachable, without, "unlock").ok_or_else(|| {
        Failure::Plain("no account of the stack is entered; nothing was changed".to_owned())
    })?;
    let session = Session::open(&stack, &args.place, screen)?;
    let ground = Ground::of(&at.stack, &at.place, &session.cloud, &now);
    let failed = |error: LeaseError| {
        Failure::Plain(format!(
            "the lease of stack `{}` in account `{}`: {error}; nothing was changed",
            at.stack, at.place.account
        ))
    };
    let Some(found) = ground.read().await.map_err(failed)? else {
        if args.json {
            screen.result(&format!("{:#}\n", document(&at.stack, None, false)));
        }
        screen.talk(&format!("nobody holds the lease of stack `{}`", at.stack));
        return Ok(Ending::Done);
    };
    let holder = &found.holder;
    let is_over = ground.is_over(holder) || is_dead(holder);
    let says = if is_over { left_behind } else { held };
    screen.talk(&says(&at.stack, holder, now()));
    if !args.yes {
        let again = args::command("unlock", &args.files, &args.place) + &args.reach.flags();
        let question = if is_over {
            "That run is over. Remove its lease? [y/N]"
        } else {
            "Is that run dead? One that still runs would go on writing for up to a few minutes.\nType `unlock` to go on:"
        };
        let answer = if args.json {
            None
        } else {
            Screen::ask(question)
        };
        match answer.as_deref() {
            Some("y" | "Y" | "yes") if is_over => {}
            Some("unlock") => {}
            Some(_) => return Err(Failure::Plain("not agreed; nothing was changed".to_owned())),
            None => {
                return Err(Failure::Plain(format!(
                    "not a terminal, so cannot confirm; nothing was changed. If that run is dead: {again} --yes"
                )));
            }
        }
    }
    if let Some(deadline) = screen.deadline() {
        deadline.begin_to_write();
    }
    session.restrict_to(&at.stack, None, &[], Some(&at.place), screen)?;
    ground.unlock(&found, !is_over).await.map_err(failed)?;
    if args.json {
        screen.result(&format!("{:#}\n", document(&at.stack, Some(holder), true)));
    }
    screen.talk(&format!("the lease of stack `{}` is free", at.stack));
    Ok(Ending::Done)
}
