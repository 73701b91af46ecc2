//! The commands that make no call: `validate`, `fmt`, `schema`.

use super::plan::guarded_off;
use super::screen::Screen;
use super::session::{load, lowered};
use super::{Ending, Failure};
use super::{args, reading};
use crate::disk::{self, Locked};
use crate::guard::guard;
use crate::report::style::{GOOD, counted, styled};
use crate::report::{self, json};
use crate::stack;
use crate::verify::{self, World};

/// Checks a stack.
pub(super) fn validate(args: &args::Validate, screen: &Screen) -> Result<Ending, Failure> {
    let stack = load(&args.files)?;
    let desired = lowered(&stack)?;
    let doubts = verify::doubts(&stack, &desired);
    desired.provisional().iter().for_each(|it| screen.talk(it));
    desired.replaced.iter().for_each(|it| screen.talk(it));
    let mut guarded = guard(&desired, &World::wanted(&desired));
    // What is accepted may be for statements that others have put there: only a cloud tells.
    guarded.unneeded.clear();
    if args.json {
        let document = serde_json::json!({
            "schema": "provision.validate/1", "stack": desired.stack, "valid": true,
            "resources": desired.wants.keys().collect::<Vec<_>>(), "access": json::grants(&desired),
            "guardrails": report::guard::json(&guarded), "unproven": report::verify::doubts(&doubts),
            "replaced_authorizers": desired.replaced,
        });
        screen.result(&format!("{document:#}\n"));
    } else {
        screen.result(&report::guard::human(&guarded));
        for it in &doubts {
            screen.result(&report::verify::doubt(it));
        }
    }
    if let Some(refused) = guarded_off(&guarded, screen) {
        return refused;
    }
    if !args.json {
        screen.result(&format!(
            "{} {}, {} in {}; no call was made\n",
            styled(GOOD, "Valid:"),
            counted(desired.wants.len(), "resource"),
            counted(desired.grants.len(), "grant"),
            counted(stack.accounts.len(), "account")
        ));
    }
    Ok(Ending::Done)
}

/// Lays files out.
pub(super) fn fmt(args: &args::Fmt, screen: &Screen) -> Result<Ending, Failure> {
    let mut untidy = Vec::new();
    for path in &args.files {
        let name = path.display();
        let failed = |verb: &str, error: std::io::Error| {
            Failure::Plain(format!("cannot {verb} `{name}`: {error}"))
        };
        // What another command writes meanwhile is laid out too.
        let _locked = (!args.check)
            .then(|| Locked::wait(path))
            .transpose()
            .map_err(|error| failed("read", error))?;
        let text = reading::exact(path).map_err(|error| failed("read", error))?;
        let tidy = stack::format(&text)
            .map_err(|faults| Failure::Faults(faults.in_file(&name.to_string()), String::new()))?;
        if tidy == text {
            continue;
        }
        if !args.check {
            disk::replace(path, tidy.as_bytes()).map_err(|error| failed("write", error))?;
        }
        screen.result(&format!("{name}\n"));
        untidy.push(name.to_string());
    }
    if args.check && !untidy.is_empty() {
        return Err(Failure::Plain(format!(
            "{} not laid out so; `provision fmt {}` does it",
            counted(untidy.len(), "file"),
            untidy.join(" ")
        )));
    }
    Ok(Ending::Done)
}

/// Prints a JSON Schema.
#[expect(clippy::unnecessary_wraps, reason = "every command has one form")]
pub(super) fn schema(args: &args::Schema, screen: &Screen) -> Result<Ending, Failure> {
    let schema = match args.of {
        args::SchemaOf::Stack => stack::schema(),
        args::SchemaOf::Drift => report::drift::schema(),
    };
    screen.result(&format!("{schema:#}\n"));
    Ok(Ending::Done)
}
