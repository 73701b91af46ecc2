//! What a run tells while it works.

use std::time::Duration;

use crate::model::{Address, Place};
use crate::plan::Action;

use super::outcome::Outcome;

/// Something that happened to a step.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "an event is told and dropped; none is kept"
)]
pub enum Event {
    /// It began.
    Started {
        /// The resource.
        address: Address,
        /// Where.
        place: Place,
        /// What is done.
        action: Action,
    },
    /// It waits before it tries again.
    Waiting {
        /// The resource.
        address: Address,
        /// For what.
        why: String,
    },
    /// It ended.
    Ended {
        /// The resource.
        address: Address,
        /// Where.
        place: Place,
        /// What was done.
        action: Action,
        /// How.
        outcome: Outcome,
        /// How long it took.
        took: Duration,
        /// How much of that was waiting for AWS to catch up.
        waited: Duration,
    },
}
