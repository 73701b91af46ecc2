//! IAM's language; knows nothing of stacks.

pub mod document;

pub use document::{Clause, Document, Effect, PolicyError, PrincipalClause, Principals, Statement};
