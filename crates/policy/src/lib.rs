//! IAM policies, decided and compared exactly.
//!
//! Two questions are answered, each with three answers, and each with its reasons:
//!
//! - [`decide`]: do these policies let this principal do this? *Allow*, *deny* or *unproven*.
//! - [`compare`]: does a change of a document let anyone do more? *Equal*, *cosmetic*, *widened*, *narrowed*, *both*
//!   or *unproven*, with requests that show it.
//!
//! Beside them stand what both rest on: the reader and writer of documents ([`Document`]), what AWS refuses in a document of
//! a kind ([`grammar`]), the sizes that AWS counts ([`size`]), guardrails ([`guard`]), and the filter policies of SNS
//! ([`filter`]).
//!
//! Nothing here reads a clock, a file or the network, and nothing knows of a stack.
//!
//! # The order of a decision
//!
//! 1. A statement that denies, in any policy that bears on the request, refuses it.
//! 2. Each level of the service control policies (SCPs) over the caller, and the resource control policies (RCPs) over what is
//!    called, must leave room for it. Service-linked roles are under neither.
//! 3. The policy of a VPC endpoint that the request comes through must let it through, and gives nothing.
//! 4. Some services have rules of their own: actions that are the owner's alone, callers without a signature, methods without
//!    authorization.
//! 5. Within one account, either side is enough: the caller's identity policies, as far as its permissions boundary and session
//!    policy leave them, or the resource's policy. How that names the caller decides what still counts: by its
//!    account it only hands the question to the identity policies; by its role, boundary and session policy still cut; by
//!    its session, as a user or as anyone, nothing cuts but what denies and the SCPs. The trust policy of a role and the policy of a
//!    KMS key must say yes in any case.
//! 6. Across accounts both sides must say yes. A service, an identity provider and a caller without a signature have no side of
//!    their own.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>.
//!
//! ```
//! use provision_policy::{Decision, Document, Policies, Request, Who, decide};
//!
//! let topic = "arn:aws:sns:eu-west-1:222222222222:orders";
//! let policies = Policies {
//!     resource: Some(Document::parse(
//!         r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sns:Publish",
//!             "Principal": {"AWS": "arn:aws:iam::111111111111:role/shop"},
//!             "Resource": "arn:aws:sns:eu-west-1:222222222222:orders"}]}"#,
//!     )?),
//!     ..Policies::default()
//! };
//! let shop = Who::of("arn:aws:iam::111111111111:role/shop");
//! let request = Request::new(shop, "sns:Publish", topic);
//!
//! // Across accounts the caller's own policies must allow it as well.
//! let verdict = decide(&request, &policies);
//! assert_eq!(verdict.decision, Decision::Deny);
//! assert!(verdict.because[0].contains("no identity policy"));
//! # Ok::<(), provision_policy::PolicyError>(())
//! ```
//!
//! # What a change means
//!
//! [`compare`] holds for all requests at once, without trying them one by one: what the statements of the new
//! document allow must lie within what those of the old one allow. What lies outside is turned into a request, and only a
//! difference that both documents confirm is claimed.
//!
//! ```
//! use provision_policy::{Change, Document, compare};
//!
//! let policy = |action: &str| {
//!     Document::parse(&format!(
//!         r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": "{action}", "Resource": "*"}}]}}"#
//!     ))
//! };
//! let found = compare(&policy("sns:Publish")?, &policy("sns:P*")?);
//! assert_eq!(found.verdict, Change::Widened);
//! assert_eq!(found.gains[0].action, "sns:PutDataProtectionPolicy");
//! # Ok::<(), provision_policy::PolicyError>(())
//! ```
//!
//! # What is not decided
//!
//! - Nothing is assumed in favour of an answer. A key of which nobody told whether the request has it, a role's path
//!   behind a session, a method's authorization that was not given: *unproven*, with the reason.
//! - What a caller or a resource is (its tags, its organization, its service's own condition keys) must be given in the request.
//! - Grants of KMS, access control lists, and policies of access points are not read. A Lambda or Cognito authorizer is its owner's to judge.
//! - Of services, SNS, SQS, API Gateway, STS, IAM and KMS have their own rules here; of others the general rules are told.
//! - Documents of more than 2,000 statements a side are not compared, and a comparison that would take more than a
//!   bounded number of steps is *unproven*.
//! - Statements with `NotPrincipal` that allow, and operators that AWS does not document, are *unproven* where they matter.

pub mod actions;
pub mod arn;
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
mod forms;
pub mod grammar;
pub mod grid;
pub mod guard;
mod impossible;
pub mod interchange;
mod issuers;
pub mod json;
mod keys;
#[cfg(test)]
mod laws;
pub mod losses;
pub mod narrowing;
mod needs;
pub mod normal;
pub mod operator;
pub mod own;
pub mod patterns;
pub mod place;
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

pub use arn::{Arn, ArnError};
pub use decide::{Decision, Policies, Prepared, Verdict, decide};
pub use document::{Clause, Document, Effect, PrincipalClause, Principals, Statement};
pub use facts::Silence;
pub use grammar::{Grammar, Holder, Refusal};
pub use guard::{Guardrail, Severity};
pub use json::PolicyError;
pub use normal::{ApiName, Normal, normal, same, same_meaning, same_statement};
pub use place::{AccountId, Partition, Place, Region};
pub use request::{CallerPolicies, MethodAuth, Request, Who};
pub use size::Budget;
pub use widen::{
    Change, Comparison, compare, compare_beside_others, compare_in, compare_of_caller,
    compare_of_organization, only_refuses_more,
};
