//! Access is decided, not hoped: every claim that a stack makes, put to the documents.
//!
//! A stack promises that what it declares works from end to end (the caller's own policies,
//! the target's policy, the trust of a role between them, the delivery to a queue), and that
//! nothing that it does not declare is allowed among its resources. Both are read off the
//! author's declarations, never off the documents that were made of them: what made
//! them may be wrong, and a cloud may have been changed.
//!
//! The first kind of claim is tried: one concrete request for each thing that must work. The
//! second holds for all requests at once: each statement that lets somebody in must lie
//! within what is declared, and where it does not, a request that shows it is found and put to the evaluator.
//!
//! A `[[never]]` is the third kind: what it forbids may be possible by no way at all, whoever wrote the
//! statement that would allow it, and through whatever roles.
//!
//! Everything is computed; no call is made.

pub mod acceptance;
mod accepting;
mod actions;
mod asking;
mod beside;
mod bound;
pub mod certificate;
pub mod check;
pub mod claim;
mod contracts;
mod declared;
pub mod holders;
mod integrations;
mod keys;
mod may;
pub mod nevers;
mod only;
pub mod paper;
mod promised;
pub mod question;
mod reaching;
pub mod steps;
mod subscribed;
mod undocumented;
mod unsigned;
mod voice;
pub mod world;

use crate::lower::Desired;
use crate::stack::Stack;

pub use claim::{Evidence, Finding, Outcome, Promise, Proof};
pub use world::World;

/// What cannot work by what AWS documents, and what nobody has tried: told by commands that prove nothing else.
#[must_use]
pub fn doubts(stack: &Stack, desired: &Desired) -> Vec<Finding> {
    may::doubts(stack, desired, &World::wanted(desired))
}

/// Puts every claim of a stack to a world.
#[must_use]
pub fn prove(stack: &Stack, desired: &Desired, world: &World) -> Proof {
    let mut findings = Vec::new();
    may::claims(stack, desired, world, &mut findings);
    only::claims(stack, desired, world, &mut findings);
    accepting::settle(stack, desired, world, &mut findings);
    nevers::claims(stack, desired, world, &mut findings);
    Proof {
        findings,
        names: world.names.clone(),
        left_out: false,
    }
}
