//! How full documents are, and what to do about those that are too full.

use std::fmt::Write as _;

use super::human::title;
use super::style::{BAD, CHANGE, LOUD, QUIET, styled};
use crate::plan::{Gauge, Plan};

/// A budget this full is worth a line in every plan, in percent.
const WORTH_SAYING: usize = 70;

/// Documents that are nearly full.
pub(super) fn budgets(plan: &Plan) -> String {
    let full: Vec<&Gauge> = by_fullness(plan)
        .into_iter()
        .filter(|it| it.budget.percent() >= WORTH_SAYING)
        .collect();
    let mut text: String = full
        .iter()
        .map(|it| format!("{} {}\n", styled(LOUD, "Budget"), gauge(it)))
        .collect();
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// Every document with its size, the fullest first.
#[must_use]
pub fn all(plan: &Plan) -> String {
    let lines = by_fullness(plan)
        .into_iter()
        .map(|it| format!("  {}", gauge(it)));
    lines.collect::<Vec<_>>().join("\n")
}

fn by_fullness(plan: &Plan) -> Vec<&Gauge> {
    let mut all: Vec<&Gauge> = plan.gauges.iter().collect();
    all.sort_by_key(|it| std::cmp::Reverse(it.budget.percent()));
    all
}

fn gauge(gauge: &Gauge) -> String {
    let percent = gauge.budget.percent();
    let style = match percent {
        _ if gauge.budget.is_over() => BAD,
        percent if percent >= WORTH_SAYING => CHANGE,
        _ => QUIET,
    };
    let room = match gauge.room {
        Some(count) if !gauge.budget.is_over() => {
            format!(", room for {count} more {}", gauge.of)
        }
        _ => String::new(),
    };
    format!(
        "{} of {}: {} ({} of {} {}){room}",
        gauge.document,
        title(&gauge.address),
        styled(style, format!("{percent} %")),
        gauge.budget.used,
        gauge.budget.limit,
        gauge.budget.what,
    )
}

/// Why a plan may not be carried out, with the ways out.
pub(super) fn refusals(plan: &Plan) -> String {
    let mut text = String::new();
    for it in &plan.refusals {
        let _ = writeln!(
            text,
            "{}: {}: {}",
            styled(BAD, "error"),
            it.address,
            it.message
        );
        if !it.ways_out.is_empty() {
            let _ = writeln!(text, "  ways out, what costs least precision first:");
        }
        for (at, way) in it.ways_out.iter().enumerate() {
            let costs = styled(QUIET, format!("costs: {}", way.costs));
            let _ = writeln!(text, "  {}. {}\n     {costs}", at + 1, way.does);
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}
