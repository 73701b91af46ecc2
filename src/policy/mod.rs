//! IAM's language; knows nothing of stacks.

pub mod automaton;
pub mod condition;
pub mod cubes;
pub mod decide;
pub mod document;
pub mod normal;
pub mod own;
pub mod patterns;
pub mod request;
pub mod rules;
pub mod size;
pub mod three;
pub mod values;

pub use decide::{Decision, Policies, Prepared, Verdict, decide};
pub use document::{Clause, Document, Effect, PolicyError, PrincipalClause, Principals, Statement};
pub use normal::{ApiName, Normal, normal, same, same_meaning, same_statement};
pub use request::{MethodAuth, Request, Who};
pub use size::Budget;
