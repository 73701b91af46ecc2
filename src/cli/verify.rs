//! `provision verify`

use std::path::Path;

use super::args;
use super::reading;
use super::screen::Screen;
use super::session::{Session, load, lowered};
use super::{Ending, Failure};
use crate::disk::{self, Readers};
use crate::guard::guard;
use crate::kinds::survey::Above;
use crate::report;
use crate::verify::certificate::certificate;
use crate::verify::check::check;
use crate::verify::{World, prove};

/// Puts every claim of a stack to its own documents, or to those that AWS has now.
pub(super) async fn verify(args: &args::Verify, screen: &Screen) -> Result<Ending, Failure> {
    if let Some(file) = &args.check {
        return checked(file, args.json, screen);
    }
    let stack = load(&args.files)?;
    let mut desired = lowered(&stack)?;
    let live = args.live || args.place.sandbox.is_some();
    let mut above = Above::not_asked(desired.endpoints_of(&stack).into_keys());
    let mut world = if live {
        let session = Session::open(&stack, &args.place, screen)?;
        let found;
        (desired, found) = session.survey(&stack, desired).await?;
        screen.talk(&session.summary());
        above.clone_from(&found.above);
        World::live(&desired, &found)
    } else {
        desired.provisional().iter().for_each(|it| screen.talk(it));
        World::wanted(&desired)
    };
    world.keeps_steps = args.certificate.is_some();
    let proof = prove(&stack, &desired, &world);
    if let Some(file) = &args.certificate {
        let text = format!("{:#}\n", certificate(&proof, &world));
        reading::write(file, &text, Readers::Usual)?;
    }
    let guarded = guard(&desired, &world);
    if args.json {
        let from = if live { "live" } else { "stack" };
        let mut document = report::verify::json(&proof, &desired.stack, from);
        report::handed::put_above(&mut document, &above);
        document["guardrails"] = report::guard::json(&guarded);
        screen.result(&format!("{document:#}\n"));
    } else {
        screen.result(&report::guard::human(&guarded));
        screen.result(&report::verify::human(&proof));
        screen.talk(&report::handed::above(&above));
    }
    let (_, failed, unproven) = proof.counts();
    Ok(
        if failed > 0 || guarded.refuses() || (args.strict && unproven > 0) {
            Ending::Refused
        } else {
            Ending::Done
        },
    )
}

/// Says whether a certificate is right, without the stack or a cloud.
fn checked(file: &Path, json: bool, screen: &Screen) -> Result<Ending, Failure> {
    let text = reading::text(file).map_err(|error| {
        Failure::Plain(format!(
            "cannot read `{}`: {}",
            file.display(),
            disk::why(&error)
        ))
    })?;
    let found = check(&text);
    screen.result(&report::verify::checked(&found, json));
    Ok(if found.is_ok() {
        Ending::Done
    } else {
        Ending::Refused
    })
}
