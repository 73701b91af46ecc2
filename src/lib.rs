//! Service-to-service access on AWS, declared once and kept true in every account.
//!
//! The rooms, in the order data visits them; a room uses only rooms above it.

// The order of these lines is the order of the rooms, not the alphabet's.
#![cfg_attr(rustfmt, rustfmt_skip)]

pub use provision_policy as policy;
pub mod escape;
pub mod disk;
pub mod model;
pub mod stack;
pub mod cloud;
pub mod kinds;
pub mod lower;
pub mod graph;
pub mod plan;
pub mod execute;
pub mod permissions;
pub mod drift;
pub mod onboard;
pub mod import;
pub mod verify;
pub mod handover;
pub mod guard;
pub mod explain;
pub mod report;
#[cfg(feature = "aws")]
pub mod aws;
pub mod cli;
