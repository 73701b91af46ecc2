//! Carries a plan out: what may start starts, what fails takes only its dependants with it.

pub mod event;
mod proof;
pub mod rehearse;
pub mod run;
pub mod schedule;
mod sight;

pub use event::Event;
pub use rehearse::{Rehearsal, rehearse};
pub use run::{Outcome, Outcomes, StepError, run};
