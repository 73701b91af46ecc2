//! What the role that enters an account must be allowed.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::style::counted;
use crate::model::{Arn, Place};
use crate::permissions::length;
use crate::policy::Document;

/// The documents of the role that enters an account.
#[derive(Clone, Debug)]
pub struct Permissions<'a> {
    /// The account, by one of its places.
    pub account: &'a Place,
    /// The role; none where the account is entered with the caller's own credentials.
    pub role: Option<Arn>,
    /// Whether it is for reading alone.
    pub read_only: bool,
    /// What it may do: several policies where one would be too long.
    pub policies: Vec<Document>,
    /// Who may assume it.
    pub trust: Option<Document>,
}

/// What the policy is not enough for.
pub const NOT_COVERED: [&str; 5] = [
    "another version of the stack file: print it again when the file changes",
    "`--adopt` of an API, whose mark is not there yet, and `import`",
    "a KMS key whose own policy does not let its account's policies decide",
    "a service-linked role that AWS makes at first use",
    "what an organization's policies (SCPs and RCPs), a boundary or a session policy deny",
];

/// The documents for a person, each to be copied.
#[must_use]
pub fn human(it: &Permissions<'_>) -> String {
    let place = it.account;
    let whose = it.role.as_ref().map_or_else(
        || "your own credentials".to_owned(),
        |role| format!("the role {role}"),
    );
    let purpose = if it.read_only {
        "commands that change nothing"
    } else {
        "every command"
    };
    let mut text = format!(
        "Account {} ({}): {whose}, for {purpose}\n",
        place.account, place.id
    );
    let count = it.policies.len();
    for (at, policy) in it.policies.iter().enumerate() {
        let size = length(policy);
        let which = if count == 1 {
            "Policy".to_owned()
        } else {
            format!("Policy {} of {count}", at + 1)
        };
        let _ = write!(
            text,
            "\n{which}  {} of {} characters\n{:#}\n",
            size.used,
            size.limit,
            policy.to_value()
        );
    }
    if count > 10 {
        let _ = writeln!(
            text,
            "\n{} are more than the 10 that IAM attaches to a role unless its quota is raised",
            counted(count, "policy")
        );
    }
    if let Some(trust) = &it.trust {
        let _ = write!(text, "\nTrust policy\n{:#}\n", trust.to_value());
    }
    text.push_str("\nNot covered\n");
    for it in NOT_COVERED {
        let _ = writeln!(text, "  {it}");
    }
    text
}

/// The documents for machines.
#[must_use]
pub fn json(it: &Permissions<'_>, stack: &str) -> Value {
    json!({
        "schema": "provision.permissions/1",
        "stack": stack,
        "account": it.account.account,
        "account_id": it.account.id,
        "role": it.role,
        "read_only": it.read_only,
        "policies": it.policies.iter().map(|it| json!({
            "document": it.to_value(), "characters": length(it).used, "limit": length(it).limit,
        })).collect::<Vec<_>>(),
        "trust": it.trust.as_ref().map(Document::to_value),
        "not_covered": NOT_COVERED,
    })
}
