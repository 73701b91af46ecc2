//! `provision handover`

use super::args;
use super::screen::Screen;
use super::session::{Session, load, lowered};
use super::{Ending, Failure};
use crate::handover::client::client;
use crate::handover::{Consumer, Package, needs};
use crate::report;

/// Prints what a consumer needs in order to use what the stack gave it.
pub(super) async fn handover(args: &args::Handover, screen: &Screen) -> Result<Ending, Failure> {
    let stack = load(&args.files)?;
    let desired = lowered(&stack)?;
    let consumer = Consumer::find(&args.consumer, &stack).map_err(Failure::Plain)?;
    let session = Session::open(&stack, &args.place, screen)?;
    let (desired, live) = session.survey(&stack, desired).await?;
    let missing: Vec<String> = needs(&consumer, &stack, &desired)
        .into_iter()
        .filter(|it| !live.have.contains_key(it))
        .map(|it| it.to_string())
        .collect();
    if !missing.is_empty() {
        let are = if missing.len() == 1 { "is" } else { "are" };
        return Err(Failure::Plain(format!(
            "{} {are} not there yet, and a client of it could not work; make it so first: {}",
            missing.join(", "),
            args::command("apply", &args.files, &args.place)
        )));
    }
    let package = Package::of(&consumer, &stack, &desired, &live);
    if let Some(language) = args.only {
        screen.result(&client(&package, language.into()));
    } else if args.json {
        screen.result(&format!("{:#}\n", report::handover::json(&package)));
    } else {
        screen.result(&report::handover::markdown(&package));
    }
    Ok(Ending::Done)
}
