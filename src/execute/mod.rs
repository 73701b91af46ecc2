//! Carries a plan out: what may start starts, what fails takes only its dependants with it.

pub mod conflict;
mod event;
pub mod lease;
mod naming;
mod ours;
pub mod outcome;
mod proof;
pub mod rehearse;
pub mod run;
pub mod schedule;
mod shared;
mod sight;
pub mod trial;
mod twins;
mod writes;

pub use event::Event;
pub use outcome::{Outcome, Outcomes, StepError};
pub use rehearse::{Rehearsal, rehearse};
pub use run::run;
pub use trial::{Trial, trial};
