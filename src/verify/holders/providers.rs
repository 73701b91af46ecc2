//! The identity providers by which sessions of a role are opened: statements may ask for one.

use std::collections::{BTreeMap, BTreeSet};

use crate::policy::{Request, Statement};

use super::super::bound::named;
use super::super::paper::allowing;
use super::super::world::Thing;

/// The identity providers that a role's trust policy names.
fn providers_of(role: &Thing) -> Vec<String> {
    let papers = role.policy.iter();
    let clauses = papers
        .flat_map(allowing)
        .filter_map(|it| it.principal.as_ref());
    let names = clauses.flat_map(named).filter(|it| it.0 == "Federated");
    let names: BTreeSet<String> = names.map(|it| it.1).collect();
    names.into_iter().collect()
}

const PROVIDER: &str = "aws:FederatedProvider";

/// Whether a statement asks which identity provider opened its caller's session.
fn asks_provider(statement: &Statement) -> bool {
    let mut keys = statement.conditions.values().flat_map(BTreeMap::keys);
    keys.any(|it| it.eq_ignore_ascii_case(PROVIDER))
}

/// What of a statement that asks for an identity provider holds in sessions of a role: it is one that the role trusts, if any.
pub(super) fn by_provider(
    role: &Thing,
    statement: &Statement,
) -> Option<(String, BTreeMap<String, Vec<String>>)> {
    let (operator, values) = match providers_of(role) {
        none if none.is_empty() => ("Null", vec!["true".to_owned()]),
        some => ("StringEqualsIfExists", some),
    };
    let known = statement.conditions.contains_key(operator);
    (asks_provider(statement) && !known).then(|| {
        (
            operator.to_owned(),
            BTreeMap::from([(PROVIDER.to_owned(), values)]),
        )
    })
}

/// A request in the sessions of a role that a statement tells apart by their identity provider.
pub(super) fn by_providers(
    role: &Thing,
    statement: Option<&Statement>,
    request: Request,
) -> Vec<Request> {
    if !statement.is_some_and(asks_provider) {
        return vec![request];
    }
    let providers = providers_of(role).into_iter();
    let by_one = providers.map(|it| request.clone().with(PROVIDER, [it]));
    let all: Vec<Request> = by_one.collect();
    let plain = request.with(PROVIDER, Vec::<String>::new());
    std::iter::once(plain).chain(all).collect()
}
