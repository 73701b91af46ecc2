//! IAM's language; knows nothing of stacks.

pub mod document;
pub mod normal;
pub mod own;
pub mod size;

pub use document::{Clause, Document, Effect, PolicyError, PrincipalClause, Principals, Statement};
pub use normal::{ApiName, Normal, normal, same, same_meaning, same_statement};
pub use size::Budget;
