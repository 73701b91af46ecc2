//! The line of the stack that a finding contradicts.

use super::Seen;
use crate::kinds::{Resource, role};
use crate::lower::Grant;
use crate::model::{Address, Change};

/// Fields that the stack spells otherwise than a plan.
const SPELT: [(&str, &str); 4] = [
    ("trust", "trusted_by"),
    ("inline policies", "policies"),
    ("managed policies", "attach"),
    ("redrive", "dead_letter"),
];

/// Documents that accesses are written into.
const DOCUMENTS: [&str; 4] = ["policy", "trust", "inline policies", role::MANAGED];

/// Where the stack says otherwise, as `file:line`: the field, the access, or the resource.
pub(super) fn line(
    seen: &Seen<'_>,
    address: &Address,
    lines: &[String],
    changes: &[Change],
) -> Option<String> {
    let field = changes.first().map_or("", |it| it.field.as_str());
    if DOCUMENTS.contains(&field)
        && let Some(grant) = grant_in(seen, address, lines)
    {
        return Some(grant.written_at.clone());
    }
    let spelt = SPELT.iter().find(|(said, _)| *said == field);
    let written = spelt.map_or(field, |(_, written)| *written);
    seen.written
        .line(address, written)
        .or_else(|| Some(made_by(seen, address)?.written_at.clone()))
}

/// The access that a role was made for.
fn made_by<'a>(seen: &'a Seen<'_>, address: &Address) -> Option<&'a Grant> {
    let mut grants = seen.desired.grants.iter();
    grants.find(|it| it.role.as_ref() == Some(address))
}

/// The access that the differing statements are of, when they name who it is for.
fn grant_in<'a>(seen: &'a Seen<'_>, address: &Address, lines: &[String]) -> Option<&'a Grant> {
    let named = address.to_string();
    let arn = |grant: &Grant| {
        let who: Address = grant.who.parse().ok()?;
        match &seen.desired.wants.get(&who)?.resource {
            Resource::Role(role) => Some(role.arn.to_string()),
            _ => None,
        }
    };
    let mut concerned =
        seen.desired.grants.iter().filter(|it| {
            it.who == named || it.target == *address || it.role.as_ref() == Some(address)
        });
    concerned.find(|it| {
        let who = arn(it).unwrap_or_else(|| it.who.clone());
        let target = it.target.name.as_str();
        let needle = if it.who == named { target } else { &who };
        lines.iter().any(|line| line.contains(needle))
    })
}
