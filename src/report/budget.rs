//! How full documents are, and what to do about those that are too full.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::names::title;
use super::page::{Row, rows};
use super::style::{BAD, CHANGE, LOUD, QUIET, counted, styled};
use crate::escape::screen::line;
use crate::model::{Address, KindName};
use crate::plan::{Action, Gauge, Plan};

/// A budget this full is worth a line in every plan, in percent.
const WORTH_SAYING: usize = 70;
/// Up to this many documents have a line each.
const FEW: usize = 12;

/// Every document's size: each on a line of its own where there are few; else those that are nearly
/// full or that the plan writes, and all others together, a line a kind.
pub(super) fn sizes(plan: &Plan, width: usize) -> String {
    let all = by_fullness(plan);
    let Some(fullest) = all.first() else {
        return String::new();
    };
    let written: BTreeSet<&Address> = plan.to_do().map(|it| &it.address).collect();
    let there: BTreeSet<&Address> = plan
        .steps
        .iter()
        .filter(|it| it.action != Action::Create)
        .map(|it| &it.address)
        .collect();
    let of = |which: &dyn Fn(&Gauge) -> bool| all.iter().filter(|it| which(it)).count();
    let writes = |it: &Gauge| written.contains(&it.address);
    let changes = |it: &Gauge| writes(it) && there.contains(&it.address);
    let few = all.len() <= FEW && !plan.is_empty();
    let (all_written, all_changed) = (of(&writes) <= FEW, of(&changes) <= FEW);
    let alone = |it: &&Gauge| {
        few || it.budget.percent() >= WORTH_SAYING
            || (all_written && writes(it))
            || (all_changed && changes(it))
    };
    let mut lines: Vec<Row> = all.iter().copied().filter(alone).map(gauged).collect();
    let folded: Vec<&Gauge> = all.iter().copied().filter(|it| !alone(it)).collect();
    if plan.is_empty() && lines.is_empty() {
        // Nothing is written: who wants to know how full each is, asks.
        return format!(
            "{}  {}, at most {} % full: the {} of {}; -v lists them\n",
            styled(LOUD, "Sizes"),
            counted(all.len(), "document"),
            fullest.budget.percent(),
            fullest.document,
            fullest.address,
        );
    }
    lines.extend(together(&folded));
    format!(
        "{}  of documents, against AWS's limits\n{}\n",
        styled(LOUD, "Sizes"),
        rows(&lines, 2, width)
    )
}

/// Documents of one sort, in a line.
fn together(folded: &[&Gauge]) -> Vec<Row> {
    let mut sorts: BTreeMap<(KindName, &str, &str), Vec<&Gauge>> = BTreeMap::new();
    for it in folded {
        sorts
            .entry((it.address.kind, sort_of(&it.document), it.of))
            .or_default()
            .push(it);
    }
    let row = |((kind, document, of), some): ((KindName, &str, &str), Vec<&Gauge>)| {
        if let [only] = some.as_slice() {
            return gauged(only);
        }
        let percents = || some.iter().map(|it| it.budget.percent());
        let (least, most) = (
            percents().min().unwrap_or_default(),
            percents().max().unwrap_or_default(),
        );
        let range = if least == most {
            format!("{most} %")
        } else {
            format!("{least}-{most} %")
        };
        let document = match document.strip_suffix("policy") {
            Some(head) => format!("{head}policies"),
            None => document.to_owned(),
        };
        let room = match some.iter().filter_map(|it| it.room).min() {
            Some(count) => format!(", room for at least {count} more {of} each"),
            None => String::new(),
        };
        Row {
            sign: String::new(),
            says: format!("{document} of {}", counted(some.len(), kind.singular())),
            beside: format!("{}{room}", styled(QUIET, range)),
        }
    };
    sorts.into_iter().map(row).collect()
}

/// Which sort a document is of: managed policies have names, and are of one.
fn sort_of(document: &str) -> &str {
    const MANAGED: &str = "managed policy";
    match document.strip_prefix(MANAGED) {
        Some(name) if name.starts_with(' ') => MANAGED,
        _ => document,
    }
}

fn gauged(gauge: &Gauge) -> Row {
    Row {
        sign: String::new(),
        says: format!("{} of {}", gauge.document, title(&gauge.address)),
        beside: fullness(gauge),
    }
}

/// Every document with its size, the fullest first.
#[must_use]
pub fn all(plan: &Plan) -> String {
    let lines = by_fullness(plan).into_iter().map(|it| {
        format!(
            "  {} of {}: {}",
            it.document,
            title(&it.address),
            fullness(it)
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn by_fullness(plan: &Plan) -> Vec<&Gauge> {
    let mut all: Vec<&Gauge> = plan.gauges.iter().collect();
    all.sort_by_key(|it| std::cmp::Reverse(it.budget.percent()));
    all
}

fn fullness(gauge: &Gauge) -> String {
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
        "{} ({} of {} {}){room}",
        styled(style, format!("{percent} %")),
        gauge.budget.used,
        gauge.budget.limit,
        // Of which document it is, the line says already.
        gauge.budget.what.split(" of ").next().unwrap_or_default(),
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
            line(&it.message)
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
