//! What a plan says of others: what they put on the stack's resources, and whom that makes an administrator.

use std::fmt::Write as _;

use super::names::title;
use super::style::{BAD, CHANGE, LOUD, of_sign, styled};
use crate::escape::screen::line;
use crate::kinds::Extra;
use crate::kinds::survey::Doubt;
use crate::plan::{self, Action, Plan};

/// Roles that may do everything in their account.
pub(super) fn administrators(plan: &Plan) -> String {
    let mut text = String::new();
    for it in plan::administrators::administrators(&plan.steps) {
        let is = if it.new { "becomes" } else { "is now" };
        let _ = writeln!(
            text,
            "{}  {} {is} administrator of account {} ({}), by {}",
            styled(BAD, "ADMINISTRATOR"),
            it.address,
            it.place.account,
            it.place.id,
            line(&it.by)
        );
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// What is on our resources and not ours: what is kept, what is taken away, and what goes with a resource that is
/// replaced.
pub(super) fn foreign(plan: &Plan) -> String {
    let (mut kept, mut lost, mut gone) = (String::new(), String::new(), String::new());
    for it in &plan.evictions {
        let (title, what) = (title(&it.address), line(&it.extra.text));
        let _ = writeln!(gone, "  {} {title}: {what}", styled(of_sign("-"), "-"));
    }
    for step in plan.steps.iter().filter(|it| it.action != Action::Delete) {
        let Some(have) = &step.have else { continue };
        let goes = |extra: &Extra| {
            let mut evictions = plan.evictions.iter();
            evictions.any(|it| it.address == step.address && it.extra == *extra)
        };
        let mut tell = |extra: &Extra, says: &str| {
            if goes(extra) {
                return;
            }
            let title = title(&step.address);
            let lines = if step.action == Action::Replace {
                &mut lost
            } else {
                &mut kept
            };
            let _ = writeln!(
                lines,
                "  {} {title}: {}{says}",
                styled(CHANGE, "?"),
                line(&extra.text)
            );
        };
        match &step.want {
            Some(want) => {
                for extra in have.staying(want) {
                    let is_known = want.knows(extra);
                    tell(extra, if is_known { "  known" } else { "" });
                }
            }
            None => {
                for extra in &have.extras {
                    tell(extra, "");
                }
            }
        }
    }
    let block = |title: &str, says: &str, lines: String| {
        if lines.is_empty() {
            return lines;
        }
        format!("{}  {says}\n{lines}\n", styled(LOUD, title))
    };
    block("Also there", "not this stack's, and kept", kept)
        + &block(
            "Goes as well",
            "not this stack's, and lost with what is replaced",
            lost,
        )
        + &block(
            "Taken away",
            "not this stack's, and named by `--revert`",
            gone,
        )
}

/// Says where the tag index is behind.
pub(super) fn unconfirmed(doubts: &[Doubt]) -> String {
    const NAMED: usize = 3;
    let places = doubts.iter().map(|it| {
        let named: Vec<String> = it
            .lacks
            .iter()
            .take(NAMED)
            .map(ToString::to_string)
            .collect();
        let more = if it.lacks.len() > NAMED { ", …" } else { "" };
        let (account, region) = (&it.place.account, &it.place.region);
        format!("of {account} in {region} lacks {}{more}", named.join(", "))
    });
    let places = places.collect::<Vec<_>>().join(", that ");
    if places.is_empty() {
        return places;
    }
    format!(
        "{} the tag index {places}: it is behind, and a topic or queue that left the stack may be there and not be shown; \
         look again in some minutes\n\n",
        styled(CHANGE, "Not confirmed:")
    )
}
