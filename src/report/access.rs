//! How a plan begins: who gains and who loses, whether anything is broadened, then the statements.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::human::{named, names, title};
use super::style::{BAD, CHANGE, GOOD, LOUD, QUIET, of_sign, styled};
use crate::model::Address;
use crate::plan::{AccessChange, Broadened, Plan, StatementChange, Turn};
use crate::policy::Request;

/// More statements than this are not shown, but counted.
const MOST_STATEMENTS: usize = 40;
/// How wide a line of a statement may be.
const WIDTH: usize = 100;
/// More examples than this of what is broadened tell nobody more.
const MOST_EXAMPLES: usize = 5;

/// The access changes of a plan that does something, in sentences.
#[must_use]
pub(super) fn lead(plan: &Plan) -> String {
    if plan.is_empty() {
        return String::new();
    }
    let gained = plan.access.iter().filter(|it| it.turn.gains()).count();
    let lost = plan.access.iter().filter(|it| it.turn.loses()).count();
    let verdict = plan.broadened();
    let style = match verdict {
        Broadened::No => GOOD,
        Broadened::Unknown => CHANGE,
        Broadened::Yes => BAD,
    };
    let again = plan.access.iter().filter(|it| it.turn == Turn::Restored);
    let again = match again.count() {
        0 => String::new(),
        count => format!(" ({count} again)"),
    };
    let mut text = format!(
        "{}   {gained} gained{again}  {lost} lost  broadened: {}\n",
        styled(LOUD, "Access changes"),
        styled(style, verdict.as_str())
    );
    let told = |it: &&AccessChange| it.turn != Turn::Restored;
    let changes: Vec<&AccessChange> = plan.access.iter().filter(told).collect();
    text += &sentences(&changes);
    text += &super::reborn::human(plan);
    text += &nobody_known(plan);
    text += &examples(plan, gained > 0);
    text.push('\n');
    text
}

fn sentences(changes: &[&AccessChange]) -> String {
    let told: Vec<(&str, String, String)> = changes.iter().map(|it| sentence(it)).collect();
    let width = told
        .iter()
        .map(|(_, it, _)| it.len())
        .filter(|it| *it <= 80)
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for (sign, sentence, how) in told {
        let sign = styled(of_sign(sign), sign);
        let _ = writeln!(text, "  {sign} {sentence:width$}  {}", styled(QUIET, how));
    }
    text
}

/// Ids of which nothing tells who they were.
fn nobody_known(plan: &Plan) -> String {
    let mut text = String::new();
    for it in plan.ghosts.iter().filter(|it| it.was.is_empty()) {
        let _ = writeln!(
            text,
            "  {} {} in the {} of {} is the id of somebody who was deleted, and nothing tells who: whoever that was has no \
             access by it",
            styled(BAD, "!"),
            it.id,
            it.document,
            it.address,
        );
    }
    text
}

/// A change's sign, its sentence, and by which mechanism.
fn sentence(change: &AccessChange) -> (&'static str, String, String) {
    let edge = &change.edge;
    let may = format!("{} may {} {}", edge.who, edge.may, edge.target);
    let via = match &change.why {
        Some(why) => format!("{} ({why})", edge.via),
        None => edge.via.to_owned(),
    };
    match &change.turn {
        Turn::Gained => ("+", may, format!("by {via}")),
        Turn::Restored => ("+", may, format!("by {via}, again")),
        Turn::Widened(from) => ("+", may, format!("by {via}, before only {from}")),
        Turn::Narrowed(from) => ("-", may, format!("by {via}, and no longer {from}")),
        Turn::Moved(from) => ("~", may, format!("by {via}, before by {from}")),
        Turn::Lost => (
            "-",
            format!("{} may no longer {} {}", edge.who, edge.may, edge.target),
            format!("by {via}"),
        ),
    }
}

/// What is broadened, where no sentence says it; and what cannot be told.
fn examples(plan: &Plan, told: bool) -> String {
    let mut lines = Vec::new();
    for it in &plan.widenings {
        if told && it.verdict == Broadened::Yes {
            continue;
        }
        let what = format!("the {} of {}", it.document, it.address);
        let verb = if it.verdict == Broadened::Yes {
            "lets through what it did not"
        } else {
            "may let more through"
        };
        for request in &it.gains {
            lines.push(format!("{what} {verb}: {}", asked(request)));
        }
        lines.extend(it.why.iter().map(|why| format!("{what} {verb}: {why}")));
    }
    let names = names(plan);
    let more = lines.len().saturating_sub(MOST_EXAMPLES);
    let mut text = String::new();
    for line in lines.iter().take(MOST_EXAMPLES) {
        let line = wrapped(&named(line, &names), "      ");
        let _ = writeln!(text, "  {} {line}", styled(BAD, "!"));
    }
    if more > 0 {
        let _ = writeln!(
            text,
            "  {} and {more} more; all with --json",
            styled(BAD, "!")
        );
    }
    text
}

fn asked(request: &Request) -> String {
    let mut text = format!(
        "{} {} on {}",
        request.principal, request.action, request.resource
    );
    for (key, values) in &request.context {
        let _ = write!(text, " with {key} = {}", values.join(", "));
    }
    text
}

/// A text in lines that a wide screen holds, the others indented.
fn wrapped(text: &str, indent: &str) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        let width = lines.last().map_or(0, |it| it.chars().count());
        if width > 0 && width + word.chars().count() > WIDTH {
            lines.push(indent.to_owned());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() && *line != indent {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

/// The statements that come, go and change.
#[must_use]
pub(super) fn statements(plan: &Plan) -> String {
    if plan.statements.is_empty() {
        return String::new();
    }
    let mut by_document: BTreeMap<(&Address, &str), Vec<&StatementChange>> = BTreeMap::new();
    for it in plan.statements.iter().take(MOST_STATEMENTS) {
        by_document
            .entry((&it.address, it.document))
            .or_default()
            .push(it);
    }
    let names = names(plan);
    let mut text = format!("{}\n", styled(LOUD, "Statements"));
    for ((address, document), changes) in by_document {
        let _ = writeln!(text, "  {}  {}", title(address), styled(QUIET, document));
        for it in changes {
            let sign = it.detail.sign.to_string();
            let line = wrapped(&named(&it.detail.text, &names), "        ");
            let _ = writeln!(text, "    {} {line}", styled(of_sign(&sign), &sign));
        }
    }
    let more = plan.statements.len().saturating_sub(MOST_STATEMENTS);
    if more > 0 {
        let _ = writeln!(text, "  and {more} more; all with --json");
    }
    text.push('\n');
    text
}
