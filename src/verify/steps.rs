//! What a claim rests on: requests that were decided, and statements that lie within what is declared.
//!
//! They are kept where a certificate is asked for, and nowhere else: each has its documents with it.

use super::asking::bounding;
use super::world::{Caller, Thing, What};
use crate::kinds::survey::ceilings::{Ceilings, Extent};
use crate::model::AccountId;
use crate::policy::{CallerPolicies, Decision, Document, Policies, Request, Verdict};

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

/// A request with all that bears on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The request.
    pub request: Request,
    /// Whether it is a plain call; else it is any call, whatever AWS says of it beside what is named.
    pub plain: bool,
    /// How it came out.
    pub decision: Decision,
    /// The caller's own policies.
    pub identity: Vec<Document>,
    /// The caller's permissions boundary.
    pub boundary: Option<Document>,
    /// The policy of what is called.
    pub resource: Option<Document>,
    /// The service control policies over the caller, by level, as far as they bear on it.
    pub scps: Vec<Vec<Document>>,
    /// The resource control policies over what is called.
    pub rcps: Vec<Vec<Document>>,
    /// The policy of the VPC endpoint that a plain call comes through.
    pub endpoint: Option<Document>,
}

impl Step {
    /// A request that was decided.
    #[must_use]
    pub fn asked(
        request: &Request,
        caller: Caller<'_>,
        target: &Thing,
        plain: bool,
        verdict: &Verdict,
    ) -> Self {
        let identity = match caller {
            Caller::Role(thing) => match &thing.what {
                What::Role { identity, .. } => {
                    identity.iter().map(|it| it.document.clone()).collect()
                }
                What::Topic { .. } | What::Queue { .. } | What::Key | What::Api(_) => Vec::new(),
            },
            Caller::With(paper) => vec![paper.document.clone()],
            Caller::Mighty => Policies::of_caller(CallerPolicies::Allow).identity,
            Caller::Bare => Vec::new(),
        };
        Self::Asked(Box::new(Asked {
            request: request.clone(),
            plain,
            decision: verdict.decision,
            identity,
            boundary: bounding(caller).map(|it| it.document.clone()),
            resource: target.policy.as_ref().map(|it| it.document.clone()),
            scps: Vec::new(),
            rcps: Vec::new(),
            endpoint: None,
        }))
    }

    /// Returns the same step with the policies of the organization and of a VPC endpoint over it, and what the request
    /// carries of the organization.
    #[must_use]
    pub fn under(mut self, ceilings: &Ceilings, owner: &AccountId, extent: Extent) -> Self {
        if let Self::Asked(asked) = &mut self {
            if ceilings.bear_on(&asked.request, owner) {
                [asked.scps, asked.rcps] = ceilings.documents_over(&asked.request, owner, extent);
            }
            let endpoint = ceilings.endpoint_of(&asked.request).filter(|_| asked.plain);
            asked.endpoint = endpoint.map(|it| it.0.clone());
            asked.request = ceilings.carried(&asked.request, owner).into_owned();
        }
        self
    }

    /// A principal that a role's trust policy lets in, whose own policies are not asked.
    #[must_use]
    pub fn trusted(request: &Request, role: &Thing) -> Self {
        let verdict = Verdict {
            decision: Decision::Allow,
            because: Vec::new(),
        };
        Self::asked(request, Caller::Mighty, role, true, &verdict)
    }
}
