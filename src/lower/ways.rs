//! By which way an access goes, for whom, and to what.

use std::collections::BTreeSet;

use super::access_roles::target_address;
use super::kept::is_open;
use super::trust::{caller, name_of};
use super::{Draft, api};
use crate::stack::{self, Access, Principal, RouteKey, Surface, Target, Via};

/// Up to this many consumers a resource policy is the first choice: it costs callers no STS call.
const FEW: usize = 10;

/// How an access goes.
pub(super) struct Mechanism {
    /// The mechanism: never `Auto`.
    pub(super) via: Via,
    /// Why, where the engine chose it.
    pub(super) why: Option<String>,
    /// Whether a consumer that has another mechanism in AWS would keep that one.
    pub(super) provisional: bool,
}

/// The mechanism of an access: the author's, the one that the consumer has in AWS, or the rule's.
pub(super) fn mechanism(draft: &Draft<'_>, access: &Access) -> Mechanism {
    if access.via != Via::Auto {
        return Mechanism {
            via: access.via,
            why: None,
            provisional: false,
        };
    }
    let (via, why) = rule(draft, access);
    let key = (
        target_address(&access.to),
        name_of(&caller(draft.stack, access)),
    );
    match draft.kept.get(&key) {
        Some(kept) if *kept != via && is_open(access) => Mechanism {
            via: *kept,
            why: Some("kept, because its clients use it".to_owned()),
            provisional: false,
        },
        Some(_) | None => Mechanism {
            via,
            provisional: is_open(access) && is_crowded(draft, &access.to),
            why: Some(why),
        },
    }
}

/// The mechanism that `auto` gives to a new consumer, and why. It looks at the stack alone.
fn rule(draft: &Draft<'_>, access: &Access) -> (Via, String) {
    let consumers = consumers(draft, &access.to);
    let few = "one owner and few consumers: no extra STS call";
    let (via, why) = match &access.from {
        Principal::Oidc { .. } => (
            Via::AssumeRole,
            "only a role's trust policy can name such a principal",
        ),
        Principal::Network(_) => (
            Via::ResourcePolicy,
            "only a resource policy can name a network",
        ),
        Principal::Organization { .. } => (
            Via::ResourcePolicy,
            "one statement takes in every account of an organization",
        ),
        Principal::Service(_) | Principal::ServiceFor { .. } => (
            Via::ResourcePolicy,
            "a service calls in its own name: no role of yours is assumed",
        ),
        // A policy that names roles stands in the way of methods without authorizer.
        _ if has_public_routes(draft, &access.to) => (
            Via::AssumeRole,
            "the API has public routes: its policy stays out of their way",
        ),
        _ if is_closed_to(draft, access) => (
            Via::AssumeRole,
            "the KMS key is one that AWS manages: only its own account can use it",
        ),
        _ if consumers > FEW => {
            let why = format!(
                "many consumers ({consumers}): the target's policy need not grow with them"
            );
            return (Via::AssumeRole, why);
        }
        Principal::Role(_) => (Via::ResourcePolicy, few),
        Principal::RoleArn(arn)
            if arn
                .account_id()
                .is_some_and(|it| draft.place_of_account(&it).is_some()) =>
        {
            (Via::ResourcePolicy, few)
        }
        Principal::RoleArn(_)
        | Principal::Named(_)
        | Principal::RolePrefix { .. }
        | Principal::Account(_) => (
            Via::AssumeRole,
            "another owner: the target's policy stays its own",
        ),
    };
    (via, why.to_owned())
}

/// How many consumers may stand in a target's policy.
fn consumers(draft: &Draft<'_>, target: &Target) -> usize {
    let consumers = draft.consumers.get(&target_address(target));
    consumers.map_or(0, BTreeSet::len)
}

/// Whether something beside the consumer itself turns the rule to access roles.
fn is_crowded(draft: &Draft<'_>, target: &Target) -> bool {
    has_public_routes(draft, target) || consumers(draft, target) > FEW
}

/// Whether a topic or queue is encrypted with a key that AWS manages, and the caller is in another account.
fn is_closed_to(draft: &Draft<'_>, access: &Access) -> bool {
    let Some(key) = draft.keys.get(&target_address(&access.to)) else {
        return false;
    };
    let account = match &access.from {
        Principal::Role(name) => draft.stack.roles[name].arn.account(),
        Principal::RoleArn(arn) | Principal::Named(arn) => arn.account(),
        Principal::RolePrefix { account, .. } | Principal::Account(account) => account.as_str(),
        Principal::Service(_)
        | Principal::ServiceFor { .. }
        | Principal::Oidc { .. }
        | Principal::Organization { .. }
        | Principal::Network(_) => return false,
    };
    key.is_managed_by_aws() && key.arn().account() != account
}

fn has_public_routes(draft: &Draft<'_>, target: &Target) -> bool {
    match target {
        Target::Api { name, .. } => {
            let api = &draft.stack.apis[name];
            let keeps = matches!(&api.surface, Surface::OpenApi { kept, .. } if !kept.is_empty());
            keeps || !public_routes(api).is_empty()
        }
        Target::Topic { .. } | Target::Queue { .. } => false,
    }
}

/// Returns the routes of an API that need leave of its policy for everyone: public ones that answer every network, and
/// those that keep an authorizer of their own, which decides who calls them.
pub(super) fn open_routes(stack: &stack::Stack, name: &str) -> Vec<RouteKey> {
    let api = &stack.apis[name];
    let mut found = public_routes(api);
    if let Surface::OpenApi { kept, .. } = &api.surface {
        found.extend(kept.iter().cloned());
    }
    for access in &stack.access {
        let (Principal::Network(_), Target::Api { name: of, routes }) = (&access.from, &access.to)
        else {
            continue;
        };
        if of == name {
            let limits = |it: &RouteKey, route: &RouteKey| {
                it == route || (it.path.contains('*') && api::matches(it, route))
            };
            found.retain(|route| !routes.iter().any(|it| limits(it, route)));
        }
    }
    found
}

/// The routes of an API that ask their callers for no signature.
pub(super) fn public_routes(api: &stack::Api) -> Vec<RouteKey> {
    match &api.surface {
        Surface::Routes(routes) => routes
            .iter()
            .filter(|it| it.public)
            .map(|it| it.key.clone())
            .collect(),
        Surface::OpenApi { public, .. } | Surface::Existing { public } => {
            public.iter().cloned().collect()
        }
    }
}
