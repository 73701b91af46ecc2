//! Who holds the lease of a stack.

use std::time::Duration;

use serde_json::{Value, json};

use super::human::seconds;
use crate::escape::screen::line;
use crate::execute::lease::Holder;
use crate::policy::values::Instant;

/// Returns who holds a lease and for how long, as a part of a sentence.
#[must_use]
pub fn says(holder: &Holder, now: i64) -> String {
    let process = holder.process.split(' ').next().unwrap_or_default();
    format!(
        "`provision {}` of user {} on host {}, process {process}, begun {} ago",
        line(&holder.command),
        line(&holder.user),
        line(&holder.host),
        age(now - holder.since),
    )
}

/// Returns who holds the lease of a stack and when it ends, as a sentence.
#[must_use]
pub fn held(stack: &str, holder: &Holder, now: i64) -> String {
    if holder.until == 0 {
        let says = says(holder, now);
        return format!("the lease of stack `{stack}` was taken by `provision unlock` from {says}");
    }
    let ends = if holder.until <= now {
        "it is over".to_owned()
    } else {
        format!(
            "it ends at {} unless it is renewed",
            Instant::since_1970(holder.until)
        )
    };
    format!(
        "stack `{stack}` is being changed by another run: {}; {ends}",
        says(holder, now)
    )
}

/// Returns that the lease of a stack is left from a run that has ended, as a sentence.
#[must_use]
pub fn left_behind(stack: &str, holder: &Holder, now: i64) -> String {
    let says = says(holder, now);
    format!("the lease of stack `{stack}` is left from a run that has ended: {says}")
}

/// Returns a holder for machines.
#[must_use]
pub fn json(holder: &Holder) -> Value {
    json!({
        "command": holder.command, "user": holder.user, "host": holder.host,
        "process": holder.process.split(' ').next(),
        "since": Instant::since_1970(holder.since).to_string(),
        "until": Instant::since_1970(holder.until).to_string(),
    })
}

/// Returns the document of `unlock`.
#[must_use]
pub fn document(stack: &str, holder: Option<&Holder>, unlocked: bool) -> Value {
    json!({
        "schema": "provision.unlock/1", "stack": stack, "held_by": holder.map(json), "unlocked": unlocked,
    })
}

/// Returns an age in its largest unit.
fn age(elapsed: i64) -> String {
    match u64::try_from(elapsed).unwrap_or_default() {
        it @ 0..120 => seconds(Duration::from_secs(it)),
        it @ 120..7200 => format!("{} min", it / 60),
        it => format!("{} h", it / 3600),
    }
}
