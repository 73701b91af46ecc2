//! What the policy is called that is the lease of a stack.

use super::{Arn, Place};

/// The path of every lease.
pub const PATH: &str = "/provision-lease/";

/// Returns the name of the policy that is a stack's lease.
#[must_use]
pub fn name(stack: &str) -> String {
    format!("provision-lease-{stack}")
}

/// Returns the ARN of the policy that is a stack's lease.
#[must_use]
pub fn arn(stack: &str, at: &Place) -> Arn {
    Arn::policy(at, PATH, &name(stack))
}
