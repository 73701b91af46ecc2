//! The commands that make no call: `validate`, `fmt`, `schema`.

use super::plan::guarded_off;
use super::screen::Screen;
use super::session::{load, lowered, sources};
use super::{Ending, Failure};
use super::{args, reading};
use crate::disk::{self, Locked};
use crate::guard::guard;
use crate::lower::Desired;
use crate::plan::{self, Gauge};
use crate::report::style::{GOOD, counted, styled};
use crate::report::{self, failure, json};
use crate::stack::{self, TooMuch};
use crate::verify::{self, World};

/// Checks a stack.
pub(super) fn validate(args: &args::Validate, screen: &Screen) -> Result<Ending, Failure> {
    let stack = load(&args.files)?;
    let desired = lowered(&stack)?;
    let doubts = verify::doubts(&stack, &desired);
    desired.provisional().iter().for_each(|it| screen.talk(it));
    desired.replaced.iter().for_each(|it| screen.talk(it));
    screen.warn_of(&stack);
    let mut guarded = guard(&desired, &World::wanted(&desired));
    // What is accepted may be for statements that others have put there: only a cloud tells.
    guarded.unneeded.clear();
    let too_much = too_much(&desired);
    if args.json {
        let document = serde_json::json!({
            "schema": "provision.validate/1", "stack": desired.stack, "valid": too_much.is_empty(),
            "resources": desired.wants.keys().collect::<Vec<_>>(), "access": json::grants(&desired),
            "guardrails": report::guard::json(&guarded), "unproven": report::verify::doubts(&doubts),
            "replaced_authorizers": desired.replaced,
            "warnings": stack.warnings.as_ref().map(failure::of_faults).unwrap_or_default(),
        });
        screen.result(&format!("{document:#}\n"));
    } else {
        screen.result(&report::guard::human(&guarded));
        for it in &doubts {
            screen.result(&report::verify::doubt(it));
        }
    }
    if let Some(faults) = stack::written(&sources(&args.files)?).too_much(&too_much) {
        for it in failure::of_faults(&faults) {
            screen.note(it);
        }
        screen.faults(&faults.render(Screen::colours()));
        return Ok(Ending::Refused);
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

/// Returns the documents and APIs of a stack that are larger than AWS takes.
fn too_much(desired: &Desired) -> Vec<TooMuch> {
    let of = |it: Gauge| {
        // A role that is made beside a resource is written where what needs it is written.
        let grant = desired
            .grants
            .iter()
            .find(|grant| grant.role.as_ref() == Some(&it.address));
        TooMuch {
            fields: match it.document.as_str() {
                "routes" => &["openapi", "routes"],
                "trust policy" => &["trust_policy", "trusted_by"],
                "inline policies" => &["policies"],
                "managed policies" => &["attach"],
                _ => &[],
            },
            written_at: grant.map(|it| it.written_at.clone()),
            message: format!("{}: {}", it.address, it.excess()),
            help: it.ways_out.first().map(|it| it.does.clone()),
            address: it.address,
        }
    };
    plan::oversized(desired).into_iter().map(of).collect()
}

/// Lays files out.
pub(super) fn fmt(args: &args::Fmt, screen: &Screen) -> Result<Ending, Failure> {
    let mut untidy = Vec::new();
    for path in &args.files {
        let name = path.display();
        let failed = |verb: &str, error: std::io::Error| {
            Failure::Plain(format!("cannot {verb} `{name}`: {}", disk::why(&error)))
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
