//! `provision drift`

use super::args;
use super::plan::refused;
use super::screen::Screen;
use super::session::{Session, load_withdrawn, lowered_within};
use super::{Ending, Failure};
use crate::drift::Drift;
use crate::plan::{Consent, Plan};
use crate::report;

/// Tells what moved in AWS while the stack did not.
pub(super) async fn drift(args: &args::Drift, screen: &Screen) -> Result<Ending, Failure> {
    let stack = load_withdrawn(&args.files)?;
    let desired = lowered_within(&stack, &args.reach)?;
    let session = Session::open(&stack, &args.place, screen)?;
    let live = session.survey(&desired).await?;
    let plan = Plan::between(&desired, &live, &Consent::default());
    if let Some(Err(failure)) = refused(&plan) {
        return Err(failure);
    }
    let drift = Drift::of(&plan);
    if args.json {
        let mut document = report::drift::json(&drift);
        document["calls"] = report::json::calls(
            &session.ledger(),
            session.credential_calls(),
            session.took(),
        );
        screen.result(&format!("{document:#}\n"));
    } else {
        screen.result(&report::drift::human(&drift));
        if !plan.withdrawn.is_empty() {
            screen.talk(
                "Speak to the owner, or take the claims out: until then apply refuses the stack",
            );
        } else if !plan.is_empty() {
            screen.talk(&format!(
                "To put AWS back: {}{}",
                args::command("apply", &args.files, &args.place),
                args.reach.flags()
            ));
        }
        screen.talk(&session.summary());
    }
    Ok(if drift.findings.is_empty() {
        Ending::Done
    } else {
        Ending::Differences
    })
}
