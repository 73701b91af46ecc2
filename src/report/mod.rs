//! Values to text; decides nothing.
//!
//! Text carries its styles as escape codes; the screen takes them out where
//! nobody wants them. A sign says what a colour says: `+ ~ - !`.

mod access;
mod beside;
pub mod budget;
pub mod diff;
pub mod drift;
pub mod failure;
pub mod graph;
pub mod guard;
pub mod handed;
pub mod handover;
pub mod human;
pub mod json;
pub mod lease;
pub mod names;
pub mod page;
pub mod permissions;
mod reborn;
pub mod stacks;
pub mod style;
pub mod trial;
pub mod verify;
pub mod who_can;
