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
use crate::policy::stand_in::RealNames;
use crate::policy::{Comparison, Document, Request, Who};
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
    let (old, new) = (document(old, &before, kind)?, document(new, &after, kind)?);
    let (old, new) = interchange::of_one_api(old, new);
    let found = kind.compare(None, &old, &new);
    let names = RealNames::of_policies([&old, &new]);
    if args.json {
        screen.result(&format!("{}\n", comparison(None, &found, &names)));
    } else {
        screen.result(&human(&found, &names));
    }
    Ok(Ending::Done)
}

fn human(found: &Comparison, names: &RealNames) -> String {
    let mut text = format!("{}\n", found.verdict.as_str());
    for (sign, requests) in [("+", &found.gains), ("-", &found.loses)] {
        for request in requests {
            text += &format!(
                "  {} {}\n",
                styled(of_sign(sign), sign),
                sentence(request, names)
            );
        }
    }
    for reason in &found.because {
        text += &format!("  ? {reason}\n");
    }
    text
}

fn sentence(request: &Request, names: &RealNames) -> String {
    let stand_ins = names.stand_ins(request);
    let says = |field: &str| stand_ins.get(field).cloned();
    let who = match &request.principal {
        Who::Arn(name) | Who::Service(name) => says("principal").unwrap_or_else(|| name.clone()),
        Who::Anonymous => "anyone, unsigned,".to_owned(),
    };
    let resource = says("resource").unwrap_or_else(|| request.resource.clone());
    let unlisted = match is_listed(&request.action) {
        Some(false) => " (a name that the pattern takes; AWS lists no such action)",
        Some(true) | None => "",
    };
    let mut text = format!("{who} may {}{unlisted} on {resource}", request.action);
    for (key, values) in &request.context {
        let values = says(key).unwrap_or_else(|| values.join(", "));
        text += &format!(" with {key} = {values}");
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
