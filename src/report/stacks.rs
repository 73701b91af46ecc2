//! What is between a stack and those of others, a line each.

use std::fmt::Write as _;

use super::style::{LOUD, QUIET, of_sign, styled};
use crate::escape::screen::line;
use crate::plan::Half;

/// The section of a plan; empty when there is nothing to tell.
#[must_use]
pub fn human(halves: &[Half]) -> String {
    if halves.is_empty() {
        return String::new();
    }
    let mut text = format!("{}\n", styled(LOUD, "Other stacks"));
    for it in halves {
        let sign = it.standing.sign();
        let _ = write!(text, "  {} {}", styled(of_sign(sign), sign), line(&it.says));
        if let Some(at) = &it.written_at {
            let _ = write!(text, "  {}", styled(QUIET, at));
        }
        text.push('\n');
    }
    text.push('\n');
    text
}
