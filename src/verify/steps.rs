//! What a claim rests on: requests that were decided, and statements that lie within what is declared.
//!
//! They are kept where a certificate is asked for, and nowhere else.

use crate::kinds::survey::ceilings::Ceilings;
use crate::model::AccountId;
use crate::policy::{Decision, Document, Request};

/// One step of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A request that was decided by these documents.
    Asked(Box<Asked>),
    /// Whatever a document allows is within what is declared, which is a document too.
    Within {
        /// The one.
        document: Document,
        /// The other.
        declared: Document,
    },
}

/// A request, and how it came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The request.
    pub request: Request,
    /// Whether it is a plain call; else it is any call, whatever AWS says of it beside what is named.
    pub plain: bool,
    /// How it came out.
    pub decision: Decision,
}

impl Step {
    /// A request that was decided.
    #[must_use]
    pub fn asked(request: &Request, plain: bool, decision: Decision) -> Self {
        Self::Asked(Box::new(Asked {
            request: request.clone(),
            plain,
            decision,
        }))
    }

    /// Returns the same step with what its request carries of the organization.
    #[must_use]
    pub fn under(mut self, ceilings: &Ceilings, owner: &AccountId) -> Self {
        if let Self::Asked(asked) = &mut self {
            asked.request = ceilings.carried(&asked.request, owner).into_owned();
        }
        self
    }
}
