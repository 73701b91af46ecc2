//! IAM's language, and what AWS refuses in documents of it; knows nothing of stacks.

pub mod actions;
pub mod automaton;
pub mod bulk;
pub mod condition;
pub mod context;
pub mod coordinate;
mod coordinates;
pub mod cubes;
pub mod decide;
pub mod deliver;
pub mod delivery;
pub mod document;
pub mod facts;
pub mod filter;
pub mod grammar;
pub mod grid;
pub mod guard;
mod impossible;
pub mod interchange;
pub mod json;
#[cfg(test)]
mod laws;
pub mod losses;
pub mod narrowing;
mod needs;
pub mod normal;
pub mod operator;
pub mod own;
pub mod patterns;
pub mod publishers;
pub mod request;
pub mod rules;
mod services;
pub mod sessions;
pub mod size;
pub mod space;
pub mod spread;
pub mod stand_in;
pub mod template;
pub mod three;
pub mod values;
pub mod widen;
pub mod witness;

pub use decide::{Decision, Policies, Prepared, Verdict, decide};
pub use document::{Clause, Document, Effect, PrincipalClause, Principals, Statement};
pub use facts::Silence;
pub use grammar::{Grammar, Holder, Refusal};
pub use guard::{Guardrail, Severity};
pub use json::PolicyError;
pub use normal::{ApiName, Normal, normal, same, same_meaning, same_statement};
pub use request::{CallerPolicies, MethodAuth, Request, Who};
pub use size::Budget;
pub use widen::{
    Change, Comparison, compare, compare_beside_others, compare_in, only_refuses_more,
};
