//! The commands about policies alone: `simulate` and `compare`. No stack, no cloud.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;

use super::args;
use super::reading;
use super::screen::Screen;
use super::{Ending, Failure};
use crate::policy::interchange::{compare_line, comparison, not_text, simulate_line};
use crate::policy::{Comparison, Document, Request, Who, compare as compared};
use crate::report::style::{of_sign, styled};

/// Answers requests, a JSON line each.
pub(super) fn simulate(screen: &Screen) -> Result<Ending, Failure> {
    each_line(screen, simulate_line)
}

/// Says whether a change of a policy lets anyone do more or less, with a request to show for it.
pub(super) fn compare(args: &args::Compare, screen: &Screen) -> Result<Ending, Failure> {
    let (Some(old), Some(new)) = (&args.old, &args.new) else {
        return each_line(screen, compare_line);
    };
    let found = compared(&document(old)?, &document(new)?);
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
    let mut text = format!("{who} may {} on {}", request.action, request.resource);
    for (key, values) in &request.context {
        text += &format!(" with {key} = {}", values.join(", "));
    }
    if let Some(own) = request.caller_policies {
        text += &format!(", {}", own.phrase());
    }
    text
}

fn document(path: &Path) -> Result<Document, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::Plain(format!("`{}` is not a policy: {error}", path.display()))
    };
    let text = reading::text(path)
        .map_err(|error| Failure::Plain(format!("cannot read `{}`: {error}", path.display())))?;
    Document::parse(&text).map_err(|error| failed(&error))
}

fn each_line(screen: &Screen, answer: impl Fn(&str) -> String) -> Result<Ending, Failure> {
    if std::io::stdin().is_terminal() {
        screen.talk("reading requests from stdin, a JSON object a line; end with ctrl-d");
    }
    for line in std::io::stdin().lock().split(b'\n') {
        let line = line.map_err(|error| Failure::Plain(format!("cannot read stdin: {error}")))?;
        // One bad line is no reason to leave the others without an answer.
        match std::str::from_utf8(&line) {
            Ok(line) if line.trim().is_empty() => {}
            Ok(line) => screen.result(&format!("{}\n", answer(line))),
            Err(error) => screen.result(&format!("{}\n", not_text(error.valid_up_to()))),
        }
    }
    Ok(Ending::Done)
}
