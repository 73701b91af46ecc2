//! The whole road on the sandbox: what is applied is there, stays there, and goes away again.
//!
//! Every test drives the library as `provision apply` does (check, lower, survey, plan, run),
//! around the seam and an embedded cloud in memory, on a paused clock.

#![expect(
    clippy::print_stdout,
    reason = "how many runs were made is worth reading"
)]

mod branches;
mod changes;
mod contracts;
mod coverage;
mod drift;
mod forget;
mod guarded;
mod import;
mod keys;
mod learned;
mod moved;
mod moves;
mod onboard;
mod operator;
mod overflow;
mod owners;
mod packing;
mod permitted;
mod propagation;
mod quotas;
mod races;
mod random;
mod reach;
mod reached;
mod reborn;
mod restricted;
#[path = "../rewriting/mod.rs"]
mod rewriting;
mod rewritten;
mod round;
mod stops;
mod sweep;
mod tampered;
#[path = "../tamperings/mod.rs"]
mod tamperings;
mod terraform;
mod traffic;
mod unowned;
mod world;
