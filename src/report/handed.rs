//! What is not this run's to write or to read: policies of others' own, and the organization's.

use std::fmt::Write as _;

use super::style::{LOUD, styled};
use crate::lower::{Handover, HandoverKind};

/// What no command reads.
pub const NOT_READ: &str =
    "Not read: your organization's policies (SCPs and RCPs). They can deny what is allowed here.";

/// The policies that somebody else must write, or when they will be known.
#[must_use]
pub fn over(handovers: &[Handover]) -> String {
    let mut text = String::new();
    for it in handovers.iter().filter(|it| !it.offered) {
        let head = styled(LOUD, "Hand over");
        let (who, why) = (&it.principal, &it.why);
        let waits_for: Vec<String> = it.waits_for().iter().map(ToString::to_string).collect();
        if !waits_for.is_empty() {
            let _ = writeln!(
                text,
                "{head} {who} needs a policy, {why}. AWS chooses the id of {} when it is made: `provision apply` prints \
                 the policy at its end, and `provision handover` prints it at any time after that.",
                waits_for.join(" and ")
            );
            continue;
        }
        let needs = match it.kind {
            HandoverKind::Identity | HandoverKind::TopicPolicy => "needs this policy",
            HandoverKind::KeyPolicy => "needs these statements in its key policy",
        };
        let policy = it.document.to_text();
        let _ = writeln!(text, "{head} {who} {needs}, {why}:\n  {policy}");
    }
    text
}
