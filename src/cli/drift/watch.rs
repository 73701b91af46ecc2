//! `provision drift --watch`: a resident process that tells what is new with every look.
//!
//! Nothing is kept from one look to the next but what names the findings, so memory stays
//! what one look takes. The stack is read again with each, and so are credentials.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use tokio::time::sleep;

use super::{ending, look, show};
use crate::cli::lease::signals;
use crate::cli::screen::Screen;
use crate::cli::{Ending, Failure, args, tell};
use crate::drift::Drift;
use crate::report::drift::verdict;
use crate::report::failure;
use crate::report::human::seconds;

/// How much earlier or later than said a look may be: an eighth of the interval.
const JITTER: u32 = 8;

/// Looks again and again.
pub(super) async fn watch(
    args: &args::Drift,
    interval: Duration,
    screen: &Screen,
) -> Result<Ending, Failure> {
    // The sandbox's clock jumps over every wait, so without an end the looks would never pause.
    let real_time = args.place.sandbox.is_some() && args.rounds.is_none();
    let mut before: Option<BTreeSet<String>> = None;
    let mut stops = signals();
    let mut round = 0;
    loop {
        round += 1;
        let found = tokio::select! {
            found = one(args, screen, round, &mut before) => found,
            Some(()) = stops.recv() => return Ok(stopped(round, screen)),
        };
        if args.rounds.is_some_and(|it| round >= it) {
            return found;
        }
        if let Err(failure) = found {
            if args.form() == args::DriftFormat::Json {
                let document = failure::document("drift", 1, &failure.errors());
                screen.result(&format!("{document:#}\n"));
            }
            tell(&failure, screen);
        }
        let wait = jittered(interval, chance());
        screen.talk(&format!("next look in {}", seconds(wait)));
        if real_time {
            tokio::time::resume();
        }
        let interrupted = tokio::select! {
            () = sleep(wait) => false,
            Some(()) = stops.recv() => true,
        };
        if interrupted {
            return Ok(stopped(round + 1, screen));
        }
        if real_time {
            tokio::time::pause();
        }
    }
}

/// The end that somebody asked for, in the look of this number or before it.
fn stopped(round: u64, screen: &Screen) -> Ending {
    screen.talk(&format!("Stopped after {}", counted_looks(round - 1)));
    Ending::Interrupted
}

fn counted_looks(looks: u64) -> String {
    match looks {
        1 => "1 look".to_owned(),
        many => format!("{many} looks"),
    }
}

/// One look: all of it where something is new, a line where nothing is.
async fn one(
    args: &args::Drift,
    screen: &Screen,
    round: u64,
    before: &mut Option<BTreeSet<String>>,
) -> Result<Ending, Failure> {
    let look = look(args, screen).await?;
    let now: BTreeSet<String> = look
        .drift
        .findings
        .iter()
        .map(crate::drift::Finding::identity)
        .collect();
    let old = before.get_or_insert_default();
    let (new, gone) = (now.difference(old).count(), old.difference(&now).count());
    let machine = args.form() == args::DriftFormat::Json;
    if machine || new > 0 || round == 1 {
        show(args, screen, &look);
    }
    if !machine {
        screen.result(&format!("{}\n", summary(round, &look.drift, new, gone)));
    }
    *before = Some(now);
    ending(&look.drift)
}

fn summary(round: u64, drift: &Drift, new: usize, gone: usize) -> String {
    format!("look {round}: {new} new, {gone} gone. {}", verdict(drift))
}

/// A number between 0 and 1 that differs from process to process and from call to call.
fn chance() -> f64 {
    let digits = RandomState::new().hash_one(0_u8) >> 32;
    f64::from(u32::try_from(digits).unwrap_or_default()) / f64::from(u32::MAX)
}

/// The interval, an eighth earlier or later at most: many watchers do not call at once.
fn jittered(interval: Duration, chance: f64) -> Duration {
    let share = interval / JITTER;
    interval.saturating_sub(share) + share.mul_f64(2.0 * chance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_an_eighth_off_at_most() {
        let interval = Duration::from_mins(16);
        assert_eq!(jittered(interval, 0.0), Duration::from_mins(14));
        assert_eq!(jittered(interval, 0.5), interval);
        assert_eq!(jittered(interval, 1.0), Duration::from_mins(18));
        assert!((0.0..=1.0).contains(&chance()));
    }
}
