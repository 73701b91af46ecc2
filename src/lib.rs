//! Service-to-service access on AWS, declared once and kept true in every account.
//!
//! The rooms, in the order data visits them; a room uses only rooms above it.

#[cfg(feature = "aws")]
pub mod aws;
pub mod cloud;
pub mod model;
pub mod policy;
pub mod stack;
