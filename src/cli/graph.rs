//! `provision graph`

use super::args::{self, GraphFormat};
use super::screen::Screen;
use super::session::{load, lowered};
use super::{Ending, Failure};
use crate::report;

/// Prints the stack's graph, without any call.
pub(super) fn graph(args: &args::Graph, screen: &Screen) -> Result<Ending, Failure> {
    let stack = load(&args.files)?;
    let desired = lowered(&stack)?;
    desired.provisional().iter().for_each(|it| screen.talk(it));
    screen.result(&match args.format {
        GraphFormat::Dot => report::graph::dot(&desired),
        GraphFormat::Mermaid => report::graph::mermaid(&desired),
        GraphFormat::Json => format!("{:#}\n", report::graph::json(&desired)),
    });
    Ok(Ending::Done)
}
