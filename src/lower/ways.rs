//! By which way an access goes, for whom, and to what.

use std::collections::BTreeSet;

use super::Draft;
use crate::model::{Address, KindName};
use crate::stack::{self, Access, Principal, RouteKey, Surface, Target, Via};

/// Up to this many consumers a resource policy is the first choice: it costs callers no STS call.
const FEW: usize = 10;

/// The mechanism of an access, and why, where the engine chose it.
pub(super) fn mechanism(draft: &Draft<'_>, access: &Access) -> (Via, Option<String>) {
    let chosen = |via, why: &str| (via, Some(why.to_owned()));
    match access.via {
        Via::ResourcePolicy | Via::AssumeRole => (access.via, None),
        Via::Auto => {
            let target = target_address(&access.to);
            let consumers = draft.consumers.get(&target).map_or(0, BTreeSet::len);
            match &access.from {
                Principal::Oidc { .. } | Principal::Service(_) => chosen(
                    Via::AssumeRole,
                    "only a role's trust policy can name such a principal",
                ),
                Principal::VpcEndpoint(_) => chosen(
                    Via::ResourcePolicy,
                    "only a resource policy can name an endpoint",
                ),
                // A policy that names roles stands in the way of methods without authorizer.
                _ if has_public_routes(draft, &access.to) => chosen(
                    Via::AssumeRole,
                    "the API has public routes: its policy stays out of their way",
                ),
                _ if consumers > FEW => (
                    Via::AssumeRole,
                    Some(format!(
                        "many consumers ({consumers}): the target's policy need not grow with them"
                    )),
                ),
                Principal::Role(_) => chosen(
                    Via::ResourcePolicy,
                    "one owner and few consumers: no extra STS call",
                ),
                Principal::RoleArn(arn)
                    if arn
                        .account_id()
                        .is_some_and(|it| draft.place_of_account(&it).is_some()) =>
                {
                    chosen(
                        Via::ResourcePolicy,
                        "one owner and few consumers: no extra STS call",
                    )
                }
                Principal::RoleArn(_)
                | Principal::Named(_)
                | Principal::RolePrefix { .. }
                | Principal::Account(_) => chosen(
                    Via::AssumeRole,
                    "another owner: the target's policy stays its own",
                ),
            }
        }
    }
}

fn has_public_routes(draft: &Draft<'_>, target: &Target) -> bool {
    match target {
        Target::Api { name, .. } => !public_routes(&draft.stack.apis[name]).is_empty(),
        Target::Topic { .. } => false,
    }
}

pub(super) fn target_address(target: &Target) -> Address {
    match target {
        Target::Api { name, .. } => Address::new(KindName::RestApi, name),
        Target::Topic { name } => Address::new(KindName::Topic, name),
    }
}

/// Who an access is for: a role that the stack declares may also be named by its ARN.
pub(super) fn caller(stack: &stack::Stack, access: &Access) -> Principal {
    match &access.from {
        Principal::RoleArn(arn) => stack
            .roles
            .iter()
            .find(|(_, role)| role.arn == *arn)
            .map_or_else(
                || access.from.clone(),
                |(name, _)| Principal::Role(name.clone()),
            ),
        other => other.clone(),
    }
}

/// The routes of an API that anyone may call.
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
