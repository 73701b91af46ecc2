//! The commands about policies alone: `simulate` and `compare`. No stack, no cloud.

use std::path::Path;

use serde_json::Value;

use super::args::{self, PolicyKind};
use super::lines::answer_each;
use super::reading;
use super::screen::Screen;
use super::{Ending, Failure};
use crate::disk;
use crate::policy::actions::is_listed;
use crate::policy::bulk::Simulator;
use crate::policy::grammar::{Grammar, Holder};
use crate::policy::interchange::{self, compare_line_of, comparison};
use crate::policy::{Comparison, Document, Request, Who, compare as compared};
use crate::policy::{PolicyError, json};
use crate::report::style::{of_sign, styled};

/// Answers requests, a JSON line each.
pub(super) fn simulate(args: &args::Simulate, screen: &Screen) -> Result<Ending, Failure> {
    let kind = args.kind.map(grammar);
    answer_each(screen, || {
        let mut simulator = Simulator::of(kind);
        move |line: &str| simulator.answer(line)
    })
}

fn grammar(kind: PolicyKind) -> Grammar {
    match kind {
        PolicyKind::Identity => Grammar::Identity,
        PolicyKind::Trust => Grammar::Trust,
        PolicyKind::Topic => Grammar::Resource(Holder::Topic),
        PolicyKind::Queue => Grammar::Resource(Holder::Queue),
        PolicyKind::Api => Grammar::Resource(Holder::Api),
        PolicyKind::Key => Grammar::Resource(Holder::Key),
        PolicyKind::Resource => Grammar::Resource(Holder::Other),
        PolicyKind::Organization => Grammar::Organization,
    }
}

/// Says whether a change of a policy lets anyone do more or less, with a request to show for it.
pub(super) fn compare(args: &args::Compare, screen: &Screen) -> Result<Ending, Failure> {
    let kind = args.kind.map(grammar);
    let (Some(old), Some(new)) = (&args.old, &args.new) else {
        return answer_each(screen, || move |line: &str| compare_line_of(kind, line));
    };
    let (before, after) = (read(old)?, read(new)?);
    let kind = interchange::PolicyKind::compared(kind, &[&before.1, &after.1]);
    let found = compared(
        &document(old, &before, kind)?,
        &document(new, &after, kind)?,
    );
    if args.json {
        screen.result(&format!("{}\n", comparison(None, &found)));
    } else {
        screen.result(&human(&found));
    }
    Ok(Ending::Done)
}

fn human(found: &Comparison) -> String {
    let mut text = format!("{}\n", found.verdict.as_str());
    for (sign, requests) in [("+", &found.gains), ("-", &found.loses)] {
        for request in requests {
            text += &format!("  {} {}\n", styled(of_sign(sign), sign), sentence(request));
        }
    }
    for reason in &found.because {
        text += &format!("  ? {reason}\n");
    }
    text
}

fn sentence(request: &Request) -> String {
    let who = match &request.principal {
        Who::Arn(name) | Who::Service(name) => name.clone(),
        Who::Anonymous => "anyone, unsigned,".to_owned(),
    };
    let unlisted = match is_listed(&request.action) {
        Some(false) => " (a name that the pattern takes; AWS lists no such action)",
        Some(true) | None => "",
    };
    let mut text = format!(
        "{who} may {}{unlisted} on {}",
        request.action, request.resource
    );
    for (key, values) in &request.context {
        text += &format!(" with {key} = {}", values.join(", "));
    }
    if let Some(own) = request.caller_policies {
        text += &format!(", {}", own.phrase());
    }
    text
}

/// The text of a file, and the value it holds.
fn read(path: &Path) -> Result<(String, Value), Failure> {
    let text = reading::text(path).map_err(|error| {
        Failure::Plain(format!(
            "cannot read `{}`: {}",
            path.display(),
            disk::why(&error)
        ))
    })?;
    let value = json::parse(&text).map_err(|error| refused(path, &error))?;
    Ok((text, value))
}

fn document(
    path: &Path,
    read: &(String, Value),
    kind: interchange::PolicyKind,
) -> Result<Document, Failure> {
    let (text, value) = read;
    interchange::document(value, "", kind).map_err(|error| refused(path, &error.within(text)))
}

fn refused(path: &Path, error: &PolicyError) -> Failure {
    Failure::Plain(format!("`{}` is not a policy: {error}", path.display()))
}
