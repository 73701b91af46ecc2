//! Carries a plan out: what may start starts, what fails takes only its dependants with it.

pub mod event;
pub mod run;
pub mod schedule;

pub use event::Event;
pub use run::{Outcome, Outcomes, StepError, run};
