//! The routes of an existing API that a stack does not name: they are their owner's, and stay as they are.
//!
//! An access needs `AWS_IAM` on the routes that it names, so that the policy decides. What asks another authorizer on
//! any other route, or none, is its owner's decision, as if this stack said `public` of it.

use std::collections::{BTreeMap, BTreeSet};

use super::calls::{meant, services};
use crate::kinds::survey::Live;
use crate::kinds::{Resource, rest_api::method};
use crate::model::{Address, KindName};
use crate::stack::{RouteKey, Stack, Surface, Target};

/// What a stack leaves alone of existing APIs.
#[derive(Default)]
pub(super) struct LeftAlone {
    /// The stack that says so, where there is something.
    pub(super) stack: Option<Stack>,
    /// The routes to which an API's own policy gives leave already or does not: by the API's name.
    pub(super) ruled: BTreeMap<String, BTreeSet<RouteKey>>,
}

/// Returns what a stack leaves alone.
pub(super) fn left_alone(stack: &Stack, live: &Live) -> LeftAlone {
    let mut found = LeftAlone::default();
    for (name, api) in &stack.apis {
        let address = Address::new(KindName::RestApi, name);
        let (Surface::Existing { public }, Some(have)) = (&api.surface, live.have.get(&address))
        else {
            continue;
        };
        let Resource::RestApi(there) = &have.resource else {
            continue;
        };
        let all = services(there.methods.keys());
        let mut named: Vec<RouteKey> = Vec::new();
        for access in &stack.access {
            if let Target::Api { name: of, routes } = &access.to
                && of == name
            {
                named.extend(routes.iter().cloned());
            }
        }
        let calls = meant(&named, &all);
        let is_named = |route: &RouteKey| {
            let mut services = all.iter().zip(&calls);
            services.any(|(it, calls)| it.route == *route && !calls.is_empty())
        };
        let methods = there.methods.iter();
        let unsigned = methods.filter(|(_, it)| it.authorization != method::AWS_IAM);
        let left: BTreeSet<RouteKey> = unsigned
            .map(|(key, _)| key.clone())
            .filter(|it| !is_named(it) && !public.contains(it))
            .collect();
        if left.is_empty() {
            continue;
        }
        let stack = found.stack.get_or_insert_with(|| stack.clone());
        if let Some(api) = stack.apis.get_mut(name) {
            let public = public.union(&left).cloned().collect();
            api.surface = Surface::Existing { public };
        }
        if !have.foreign.is_empty() {
            found.ruled.insert(name.clone(), left);
        }
    }
    found
}
