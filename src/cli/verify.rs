//! `provision verify`

use super::args;
use super::screen::Screen;
use super::session::{Session, load, lowered};
use super::{Ending, Failure};
use crate::guard::guard;
use crate::report;
use crate::verify::{World, prove};

/// Puts every claim of a stack to its own documents, or to those that AWS has now.
pub(super) async fn verify(args: &args::Verify, screen: &Screen) -> Result<Ending, Failure> {
    let stack = load(&args.files)?;
    let mut desired = lowered(&stack)?;
    let live = args.live || args.place.sandbox.is_some();
    let world = if live {
        let session = Session::open(&stack, &args.place, screen)?;
        let found;
        (desired, found) = session.survey(&stack, desired).await?;
        screen.talk(&session.summary());
        World::live(&desired, &found)
    } else {
        desired.provisional().iter().for_each(|it| screen.talk(it));
        World::wanted(&desired)
    };
    let proof = prove(&stack, &desired, &world);
    let guarded = guard(&desired, &world);
    if args.json {
        let from = if live { "live" } else { "stack" };
        let mut document = report::verify::json(&proof, &desired.stack, from);
        document["guardrails"] = report::guard::json(&guarded);
        screen.result(&format!("{document:#}\n"));
    } else {
        screen.result(&report::guard::human(&guarded));
        screen.result(&report::verify::human(&proof));
        screen.talk(report::handed::NOT_READ);
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
