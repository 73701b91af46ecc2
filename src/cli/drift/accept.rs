//! `provision drift --accept`

use super::look;
use crate::cli::plan::guarded;
use crate::cli::screen::Screen;
use crate::cli::session::{checked_withdrawn, lowered_within_over};
use crate::cli::texts::Texts;
use crate::cli::{Ending, Failure, args};
use crate::drift::accept::{Accepting, accept};
use crate::drift::{Drift, Finding, Seen};
use crate::kinds::Resource;
use crate::plan::{Consent, Plan};
use crate::report;
use crate::stack;

/// Writes what AWS has into the stack's files.
pub(super) async fn take_over(args: &args::Drift, screen: &Screen) -> Result<Ending, Failure> {
    let look = look(args, screen).await?;
    let untouched = |reason: String| Failure::Plain(format!("{reason}; no file was touched"));
    let with = Accepting {
        desired: &look.desired,
        reading: &look.reading,
        drift: &look.drift,
        written: &stack::written(&look.sources),
        reason: args.reason.as_deref(),
        until: args.until.as_deref(),
    };
    let after = accept(&look.sources, &args.accept, &with).map_err(untouched)?;
    // What is written must be a stack, and in step.
    let stack = checked_withdrawn(&args.files, &after)?;
    let desired = lowered_within_over(&stack, &args.reach, Some(&look.reading.live))?;
    let plan = Plan::of_reading(&desired, &look.reading, &Consent::default());
    let seen = Seen {
        desired: &desired,
        reading: &look.reading,
        written: &stack::written(&after),
    };
    let left = Drift::of(&plan, &seen);
    for address in &args.accept {
        if let Some(finding) = left.of_address(address).next() {
            return Err(untouched(format!(
                "`{address}` would still not be in step: {}",
                finding.lines.first().map_or("", String::as_str)
            )));
        }
    }
    let is_old = |it: &&_| {
        look.drift
            .findings
            .iter()
            .any(|old| old.identity() == Finding::identity(it))
    };
    // A setting of an API is served once the API is deployed again, which an apply does.
    let api_of = |it: &Finding| match &desired.wants.get(it.address()?)?.resource {
        Resource::Stage(stage) => Some(stage.api.clone()),
        _ => None,
    };
    let only_deploys = |it: &&Finding| {
        let fields = ["deployment", "mark"];
        let mut changes = it.changes.iter();
        changes.all(|it| fields.contains(&it.field.as_str()))
            && api_of(it).is_some_and(|it| args.accept.contains(&it))
    };
    let (due, apart): (Vec<&Finding>, Vec<&Finding>) = left
        .findings
        .iter()
        .filter(|it| !is_old(it))
        .partition(only_deploys);
    if let Some(new) = apart.first() {
        return Err(untouched(format!(
            "accepting that would set something else apart: {} ({})",
            new.subject(),
            new.lines.first().map_or("", String::as_str)
        )));
    }
    let texts = Texts::of(&args.files, look.sources, look.stack);
    texts.write(&after)?;
    screen.result(&texts.difference(&after));
    let mut over = guarded(&desired, &look.reading.live);
    over.findings
        .retain(|it| args.accept.contains(&it.address) && it.accepted.is_none());
    over.unneeded.clear();
    if !over.findings.is_empty() {
        screen.talk(report::guard::human(&over).trim_end());
    }
    for it in due {
        screen.talk(&format!(
            "{} serves what was deployed before; to deploy it as it is now: {}",
            it.subject(),
            args::command("apply", &args.files, &args.place)
        ));
    }
    screen.talk(&look.session.summary());
    Ok(Ending::Done)
}
