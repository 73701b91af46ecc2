//! Plans and their ends, for a person.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use super::budget;
use super::names::{names, title};
use super::page::{names_in_a_row, wrapped};
use super::style::{BAD, CHANGE, GOOD, LOUD, NAME, QUIET, counted, of_sign, styled};
use crate::cloud::seam::{Ledger, target};
use crate::escape::screen::line;
use crate::execute::{Event, Outcome, Outcomes, Rehearsal};
use crate::kinds::Resource;
use crate::lower::{Desired, Grant};
use crate::model::{Address, Change, KindName, Names, Place};
use crate::plan::{Action, Left, Plan, Step};
use crate::stack::Via;
use crate::verify::Proof;

/// More grants than this are not listed after an apply, and more new resources not one by one.
const MANY: usize = 40;

/// A whole plan on a page of this width: access first, then statements, then resources, then what to know, then the counts.
#[must_use]
pub fn plan(plan: &Plan, proof: Option<&Proof>, rehearsal: &Rehearsal, width: usize) -> String {
    let mut text = super::beside::administrators(plan);
    text += &super::access::lead(plan, width);
    text += &super::access::statements(plan, width);
    text += &resources(plan, width);
    text += &budget::sizes(plan, width);
    text += &super::beside::foreign(plan);
    text += &handovers(plan);
    text += &left(&plan.left);
    text += &super::beside::unconfirmed(&plan.doubts);
    text += &unread(plan);
    text += &super::stacks::human(&plan.halves);
    text += &budget::refusals(plan);
    let unproved = proof.is_some_and(Proof::refuses);
    if let Some(proof) = proof
        && (unproved || !plan.is_empty())
    {
        text += &super::verify::in_plan(proof);
    }
    if plan.is_empty() && plan.refusals.is_empty() && !unproved {
        let _ = writeln!(text, "{}", nothing_to_do(plan));
    } else {
        text += &self::rehearsal(rehearsal);
        let (add, change, destroy) = plan.counts();
        let head = styled(LOUD, "Plan:");
        let _ = writeln!(
            text,
            "{head} {add} to add, {change} to change, {destroy} to destroy."
        );
    }
    text
}

/// How many calls it takes, and the least time AWS's rates leave for them.
fn rehearsal(rehearsal: &Rehearsal) -> String {
    if rehearsal.calls.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "{}   {} to make",
        styled(LOUD, "Calls"),
        rehearsal.calls.len()
    );
    if let Some((time, rate)) = rehearsal
        .least_time()
        .filter(|(time, _)| *time >= Duration::from_secs(1))
    {
        let _ = write!(
            text,
            "; AWS's rates make that at least {:.0} s ({rate})",
            time.as_secs_f64()
        );
    }
    text + "\n"
}

/// The calls of a plan, a line each.
#[must_use]
pub fn calls_to_make(rehearsal: &Rehearsal) -> String {
    let lines = rehearsal.calls.iter().map(|(place, request)| {
        let name = format!("{}:{}", request.service(), request.action());
        format!(
            "  {:12} {name:36} {}",
            place.account,
            line(&target(request))
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `Nothing to do: …`
#[must_use]
pub fn nothing_to_do(plan: &Plan) -> String {
    let places: BTreeSet<&str> = plan
        .steps
        .iter()
        .map(|it| it.place.account.as_str())
        .collect();
    format!(
        "{} {} in {} {} as the stack says.",
        styled(GOOD, "Nothing to do:"),
        counted(plan.steps.len(), "resource"),
        counted(places.len(), "account"),
        if plan.steps.len() == 1 { "is" } else { "are" },
    )
}

/// The steps that do something, by account and region.
fn resources(plan: &Plan, width: usize) -> String {
    let mut by_place: BTreeMap<&Place, Vec<&Step>> = BTreeMap::new();
    for step in &plan.steps {
        by_place.entry(&step.place).or_default().push(step);
    }
    let names = names(plan);
    let made = plan.steps.iter().filter(|it| it.action == Action::Create);
    let many = made.count() > MANY;
    let mut text = String::new();
    for (place, steps) in by_place {
        let to_do: Vec<&Step> = steps
            .iter()
            .copied()
            .filter(|it| it.action != Action::Keep)
            .collect();
        if to_do.is_empty() {
            continue;
        }
        let in_step = steps.len() - to_do.len();
        let _ = write!(
            text,
            "{}  {}  {}",
            styled(LOUD, &place.account),
            place.id,
            place.region
        );
        if in_step > 0 {
            let _ = write!(text, "  {}", styled(QUIET, format!("({in_step} in step)")));
        }
        text.push('\n');
        let (made, others): (Vec<&Step>, Vec<&Step>) = to_do
            .into_iter()
            .partition(|it| many && it.action == Action::Create);
        for it in others {
            text += &step(plan, it, &names, width);
        }
        text += &made_alike(&made, width);
        text.push('\n');
    }
    text
}

/// Resources that are made, a line a kind.
fn made_alike(steps: &[&Step], width: usize) -> String {
    let mut by_kind: BTreeMap<KindName, Vec<&str>> = BTreeMap::new();
    for it in steps {
        by_kind
            .entry(it.address.kind)
            .or_default()
            .push(&it.address.name);
    }
    let mut text = String::new();
    for (kind, names) in by_kind {
        let all = styled(NAME, names_in_a_row(&names));
        let line = format!("{}  {all}", counted(names.len(), kind.singular()));
        let line = wrapped(&line, 4, 8, width);
        let _ = writeln!(text, "  {} {line}", styled(GOOD, "+"));
    }
    text
}

fn step(plan: &Plan, step: &Step, names: &Names<String>, width: usize) -> String {
    let mut words = vec![title(&step.address)];
    let resource = step
        .want
        .as_ref()
        .map(|it| &it.resource)
        .or(step.have.as_ref().map(|it| &it.resource));
    if let Some(summary) = resource
        .filter(|_| step.action != Action::Update)
        // Why an access role is there says more than the name that was made for it.
        .filter(|it| !matches!(it, Resource::Role(_)) || step.because.is_none())
        .map(summary)
        .filter(|it| !it.is_empty())
    {
        words.push(styled(QUIET, summary));
    }
    if let Some(have) = step.have.as_ref().filter(|_| plan.has_twin(step)) {
        words.push(have.id.clone());
    }
    // What differs in a document stands among the statements.
    let is_told = |it: &&Change| match document(&step.address, &it.field) {
        Some(document) => {
            !it.details.is_empty() && super::access::is_told(plan, &step.address, document)
        }
        None => false,
    };
    let told: Vec<&str> = step
        .changes
        .iter()
        .filter(is_told)
        .filter_map(|it| document(&step.address, &it.field))
        .collect();
    if !told.is_empty() {
        words.push(told.join(", "));
    }
    if step
        .changes
        .iter()
        .any(|it| it.field == "mark" && it.from.is_none())
    {
        words.push(styled(QUIET, "is taken over"));
    }
    if step.drifted {
        words.push(styled(
            CHANGE,
            "drifted: AWS was changed, the stack was not",
        ));
    }
    // A subscription says it by itself.
    if let Some(because) = step
        .because
        .as_ref()
        .filter(|_| step.address.kind != KindName::Subscription)
    {
        words.push(styled(QUIET, format!("because {because}")));
    }
    let sign = step.action.sign();
    let from = 3 + sign.len();
    let mut text = format!(
        "  {} {}\n",
        styled(of_sign(sign), sign),
        wrapped(&words.join("  "), from, from + 4, width)
    );
    for change in step.changes.iter().filter(|it| !is_told(it)) {
        text += &self::change(change, names, width);
    }
    for line in step.goes_with_it() {
        let line = wrapped(&names.spell(&line), 8, 10, width);
        let _ = writeln!(text, "      {} {line}", styled(BAD, "!"));
    }
    text
}

/// Which document of a resource a field is.
fn document(address: &Address, field: &str) -> Option<&'static str> {
    match (address.kind, field) {
        (KindName::Role, "trust") => Some("trust policy"),
        (KindName::Role, "inline policies") => Some("inline policies"),
        (_, it) => (it == "policy").then_some("policy"),
    }
}

fn change(change: &Change, names: &Names<String>, width: usize) -> String {
    let mut text = String::new();
    let replaces = if change.cost == crate::model::Cost::Replace {
        styled(BAD, "  forces a replacement")
    } else {
        String::new()
    };
    if change.details.is_empty() {
        let nothing = || styled(QUIET, "(none)");
        let shown = |it: &Option<String>| it.as_ref().map_or_else(nothing, |it| names.spell(it));
        let (from, to) = (shown(&change.from), shown(&change.to));
        let line = wrapped(&format!("{from} -> {to}{replaces}"), 25, 27, width);
        let _ = writeln!(text, "      {:18} {line}", change.field);
    } else {
        for (index, detail) in change.details.iter().enumerate() {
            let field = if index == 0 {
                change.field.as_str()
            } else {
                ""
            };
            let sign = detail.sign.to_string();
            let _ = writeln!(
                text,
                "      {field:18} {} {}",
                styled(of_sign(&sign), &sign),
                wrapped(&names.spell(&detail.text), 27, 29, width)
            );
        }
    }
    text
}

/// A resource in a few words.
fn summary(resource: &Resource) -> String {
    match resource {
        Resource::Role(it) => it.arn.resource().trim_start_matches("role").to_owned(),
        Resource::Key(it) => it.arn.name().to_owned(),
        Resource::Topic(it) => if it.fifo { "fifo" } else { "" }.to_owned(),
        Resource::Queue(it) => {
            let mut words = Vec::new();
            if it.fifo {
                words.push("fifo".to_owned());
            }
            if let Some((arn, count)) = &it.dead_letter {
                words.push(format!(
                    "dead letters to {} after {count} receives",
                    arn.name()
                ));
            }
            words.join(", ")
        }
        Resource::Subscription(it) => {
            let mut words = vec![format!("of topic {}", it.topic.name())];
            if it.raw {
                words.push("raw".to_owned());
            }
            if let Some(filter) = &it.filter {
                words.push(format!("filter {filter}"));
            }
            words.join(", ")
        }
        Resource::RestApi(it) => format!(
            "{}, {}",
            it.endpoint.as_str().to_lowercase(),
            counted(it.methods.len(), "method")
        ),
        Resource::Stage(_) => String::new(),
    }
}

/// What stays as it is, in accounts that are not entered.
#[must_use]
pub fn left(left: &[Left]) -> String {
    let mut text = String::new();
    for it in left {
        let _ = writeln!(
            text,
            "{}  {}  {}  not entered: whatever of this stack stands there stays as it is",
            styled(LOUD, "Left"),
            it.account,
            it.id
        );
        for address in &it.addresses {
            let _ = writeln!(text, "  {} {}", styled(CHANGE, "?"), title(address));
        }
        for address in &it.waiting {
            let _ = writeln!(
                text,
                "  {} {}: it needs an id that only {} can tell",
                styled(CHANGE, "?"),
                title(address),
                it.account
            );
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// What AWS does not show, with the reason.
fn unread(plan: &Plan) -> String {
    let mut text = String::new();
    for it in &plan.unread {
        let whose = if it.foreign { "" } else { "  PD008" };
        let _ = writeln!(
            text,
            "{}{whose}  {}",
            styled(BAD, "Not read"),
            line(&it.error.to_string())
        );
        for address in &it.addresses {
            let is_planned = plan.steps.iter().any(|it| it.address == *address);
            let says = if is_planned {
                "not all of it is known"
            } else {
                "it stays as it is"
            };
            let _ = writeln!(text, "  {} {}: {says}", styled(CHANGE, "?"), title(address));
        }
    }
    if plan.lacks_own() && plan.steps.iter().any(|it| it.want.is_some()) {
        text.push_str(
            "  what left the stack is not removed while something of its own cannot be read\n",
        );
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn handovers(plan: &Plan) -> String {
    let mut text = String::new();
    for it in &plan.strangers {
        let _ = writeln!(
            text,
            "{} {} reaches {} by another way from now on, and its old way goes with this apply: let its owner attach the \
             policy below first",
            styled(BAD, "Mind"),
            it.who,
            it.target,
        );
    }
    text += &super::handed::over(&plan.handovers);
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// What was called and how long it took: the last line of every command that calls.
#[must_use]
pub fn calls(ledger: &Ledger, credentials: u64, took: Duration, sandbox: bool) -> String {
    let mut text = ledger.to_string();
    if credentials > 0 {
        let _ = write!(
            text,
            " and {} for credentials",
            counted(usize::try_from(credentials).unwrap_or(usize::MAX), "call")
        );
    }
    let clock = if sandbox {
        " of the sandbox's time"
    } else {
        ""
    };
    let _ = write!(text, " in {}{clock}", seconds(took));
    text
}

/// `0.3 s`.
#[must_use]
pub fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// A line for something that happened, where it is worth one.
#[must_use]
pub fn event(event: &Event, widths: (usize, usize)) -> Option<String> {
    let Event::Ended {
        address,
        place,
        action,
        outcome,
        took,
        waited,
    } = event
    else {
        return None;
    };
    let (account_width, title_width) = widths;
    let sign = action.sign();
    let name = title(address);
    let padding = " ".repeat(title_width.saturating_sub(super::style::plain(&name).len()));
    let head = format!(
        "  {:account_width$}  {} {name}{padding}",
        place.account,
        styled(of_sign(sign), sign)
    );
    Some(match outcome {
        Outcome::Done => {
            let mut line = format!("{head}  {}", styled(QUIET, seconds(*took)));
            if !waited.is_zero() {
                line += &styled(
                    QUIET,
                    format!("   waited {} of it for AWS", seconds(*waited)),
                );
            }
            line
        }
        Outcome::Failed(error) => format!("{head}  {}: {}", styled(BAD, "failed"), error.source),
        Outcome::Skipped(root) => format!(
            "{head}  {}",
            styled(CHANGE, format!("held back: it needs {root}"))
        ),
        Outcome::Awaits(owner) => format!(
            "{head}  {}",
            styled(CHANGE, format!("waits for the half of stack `{owner}`"))
        ),
        Outcome::NotStarted => format!("{head}  {}", styled(CHANGE, "not started")),
    })
}

/// How wide account names and titles of a plan are.
#[must_use]
pub fn widths(plan: &Plan) -> (usize, usize) {
    let account = plan
        .to_do()
        .map(|it| it.place.account.len())
        .max()
        .unwrap_or(0);
    let title = plan
        .to_do()
        .map(|it| super::style::plain(&title(&it.address)).len())
        .max()
        .unwrap_or(0);
    (account, title)
}

/// What AWS refused of a run, and at which call.
pub(super) fn refused(plan: &Plan, outcomes: &Outcomes) -> String {
    let mut text = String::new();
    for outcome in outcomes.steps.values() {
        let Outcome::Failed(error) = outcome else {
            continue;
        };
        let _ = writeln!(text, "\n{}: {error}", styled(BAD, "error"));
        if let Some(action) = &error.source.action {
            let place = plan
                .steps
                .iter()
                .find(|it| it.address == error.address)
                .map(|it| it.place.to_string());
            let _ = writeln!(text, "  called {action} in {}", place.unwrap_or_default());
        }
        if !error.written.is_empty() {
            let _ = writeln!(
                text,
                "  accepted before it: {}",
                line(&error.written.join(", "))
            );
        }
        if let Some(id) = &error.source.request_id {
            let _ = writeln!(text, "  request {}", line(id));
        }
        if let Some(help) = &error.help {
            let _ = writeln!(text, "  help: {}", line(help));
        }
    }
    text
}

/// How a run ended, failures in full.
#[must_use]
pub fn outcomes(plan: &Plan, outcomes: &Outcomes, command: &str) -> String {
    let mut text = refused(plan, outcomes);
    for (address, warnings) in &outcomes.warnings {
        let _ = writeln!(
            text,
            "\n{}: AWS imported the document of {address} without these parts; correct them there and apply again",
            styled(CHANGE, "warning")
        );
        for it in warnings {
            let _ = writeln!(text, "  {}", line(it));
        }
    }
    let done = outcomes.count(|it| *it == Outcome::Done);
    let failed = outcomes.count(|it| matches!(it, Outcome::Failed(_)));
    let held = outcomes.count(|it| matches!(it, Outcome::Skipped(_)));
    let left = outcomes.count(|it| *it == Outcome::NotStarted);
    let begun = outcomes.steps.iter().filter(|((address, _), it)| {
        **it == Outcome::NotStarted && outcomes.accepted.contains_key(address)
    });
    let begun = begun.count();
    text.push('\n');
    let awaits = outcomes.count(|it| matches!(it, Outcome::Awaits(_)));
    if failed + held + left + awaits == 0 {
        let accounts: BTreeSet<&str> = plan.to_do().map(|it| it.place.account.as_str()).collect();
        let _ = write!(
            text,
            "{} {} in {}",
            styled(
                GOOD,
                if plan.to_do().all(|it| it.want.is_none()) {
                    "Removed"
                } else {
                    "Applied"
                }
            ),
            counted(
                done,
                if plan.to_do().all(|it| it.want.is_none()) {
                    "resource"
                } else {
                    "change"
                }
            ),
            counted(accounts.len(), "account")
        );
        return text;
    }
    let how = if outcomes.interrupted {
        "Interrupted:"
    } else {
        "Applied in part:"
    };
    let _ = write!(text, "{} done {done}", styled(BAD, how));
    for (count, what) in [
        (failed, "failed"),
        (held, "held back"),
        (left - begun, "not started"),
        (begun, "stopped part-way"),
        (awaits, "waiting for another stack"),
    ] {
        if count > 0 {
            let _ = write!(text, ", {what} {count}");
        }
    }
    text.push_str(". ");
    text.push_str(&half_made(outcomes));
    let _ = write!(text, "\nTo go on: {command}\n");
    text
}

/// Says which resources a run left between two states, if any.
fn half_made(outcomes: &Outcomes) -> String {
    let list = |steps: &BTreeMap<Address, Vec<String>>| {
        let steps = steps
            .iter()
            .map(|(address, calls)| format!("{address} ({})", calls.join(", ")));
        steps.collect::<Vec<_>>().join("; ")
    };
    let mut text = String::new();
    if !outcomes.accepted.is_empty() {
        let _ = write!(text, "Made in part: {}.", list(&outcomes.accepted));
    }
    if !outcomes.unanswered.is_empty() {
        let gap = if text.is_empty() { "" } else { " " };
        let list = list(&outcomes.unanswered);
        let _ = write!(text, "{gap}Sent, and left without an answer: {list}.");
    }
    if text.is_empty() {
        "Nothing is half-made.".clone_into(&mut text);
    }
    text
}

/// Who may do what, as the stack declares it.
#[must_use]
pub fn grants(desired: &Desired) -> String {
    let mut text = String::new();
    if desired.grants.is_empty()
        && desired.claims.is_empty()
        && !desired
            .wants
            .values()
            .any(|it| it.resource.kind() == KindName::Subscription)
    {
        return text;
    }
    let _ = writeln!(text, "{}", styled(LOUD, "Who may do what"));
    let mut lines: Vec<(String, String)> = desired
        .grants
        .iter()
        .map(|it| (sentence(it), mechanism(it)))
        .collect();
    lines.extend(desired.claims.iter().map(|it| {
        let sentence = format!("{} may {} {}", it.from, it.may, it.target);
        let how = match &it.role {
            Some(role) => format!("by assuming {role}"),
            None => "by resource policy".to_owned(),
        };
        (sentence, how)
    }));
    for want in desired.wants.values() {
        if let Resource::Subscription(it) = &want.resource {
            let own = || format!("topics.{}", it.topic.name());
            let topic = desired.theirs.get(it.topic.as_str());
            let topic = topic.cloned().unwrap_or_else(own);
            lines.push((
                format!("queues.{} receives from {topic}", it.queue.name()),
                "by subscription".to_owned(),
            ));
        }
    }
    if lines.len() > MANY {
        let _ = writeln!(
            text,
            "  {}: `provision graph` draws them",
            counted(lines.len(), "grant")
        );
        return text;
    }
    let width = lines
        .iter()
        .map(|(it, _)| it.len())
        .filter(|it| *it <= 80)
        .max()
        .unwrap_or(0);
    for (sentence, how) in lines {
        let _ = writeln!(text, "  {sentence:width$}  {}", styled(QUIET, how));
    }
    text
}

fn sentence(grant: &Grant) -> String {
    format!("{} may {} {}", grant.who, grant.may, grant.target)
}

fn mechanism(grant: &Grant) -> String {
    let mut text = match (&grant.via, &grant.role) {
        (Via::AssumeRole, Some(role)) => format!("by assuming {role}"),
        (Via::AssumeRole, None) => "by assuming a role".to_owned(),
        (Via::ResourcePolicy | Via::Auto, _) => "by resource policy".to_owned(),
    };
    if let Some(why) = &grant.why {
        let _ = write!(text, " ({why})");
    }
    text
}
