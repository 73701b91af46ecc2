//! Principals made concrete: one request's worth of whoever a stack lets in.
//!
//! A prefix of roles, an account, an identity provider stand for many; a claim about them is
//! tried with one of them, made up.

use crate::kinds::with_ids;
use crate::lower::{Desired, Grant};
use crate::model::{AccountId, Address, Place};
use crate::policy::{Request, Who};
use crate::stack::{Principal, Stack};

use super::paper::{Origin, Paper};
use super::world::{Caller, World};

/// The name of roles that are made up.
pub(super) const MADE_UP: &str = "provision-verify";

/// An account that no stack has.
pub(super) const ELSEWHERE: &str = "999999999999";

/// Somebody, with what a request of theirs carries.
#[derive(Clone, Debug)]
pub(super) struct Voice {
    /// Who.
    pub(super) who: Who,
    /// How an author calls them.
    pub(super) named: String,
    /// What their requests carry.
    pub(super) context: Vec<(String, String)>,
    /// The action by which they assume a role.
    pub(super) assume: &'static str,
    /// The identity policy that is handed over to them; a role of the stack has its own.
    pub(super) handed: Option<Paper>,
}

/// A made-up role of an account.
pub(super) fn role_in(place: &Place, account: &str, name: &str) -> String {
    format!("arn:{}:iam::{account}:role/{name}", place.partition())
}

/// The root of an account.
pub(super) fn root(place: &Place, account: &str) -> String {
    format!("arn:{}:iam::{account}:root", place.partition())
}

impl Voice {
    /// Somebody as a place sees them.
    pub(super) fn of(principal: &Principal, stack: &Stack, place: &Place) -> Self {
        let arn =
            |account: &AccountId, name: &str| Who::Arn(role_in(place, account.as_str(), name));
        let mut context = Vec::new();
        let mut assume = "sts:AssumeRole";
        let (who, named) = match principal {
            Principal::Role(name) => {
                let arn = stack.roles[name].arn.to_string();
                (Who::Arn(arn), format!("roles.{name}"))
            }
            Principal::RoleArn(arn) | Principal::Named(arn) => {
                (Who::Arn(arn.to_string()), arn.to_string())
            }
            Principal::RolePrefix { account, prefix } => (
                arn(account, &format!("{prefix}{MADE_UP}")),
                format!("roles {prefix}* of account {account}"),
            ),
            Principal::Account(id) => (arn(id, MADE_UP), format!("account {id}")),
            Principal::Service(name) => (Who::Service(name.clone()), name.clone()),
            Principal::Oidc {
                provider,
                audience,
                subjects,
            } => {
                assume = "sts:AssumeRoleWithWebIdentity";
                context.push((format!("{provider}:aud"), audience.clone()));
                let subject = subjects
                    .first()
                    .map(|it| it.replace(['*', '?'], "x"))
                    .unwrap_or_default();
                context.push((format!("{provider}:sub"), subject));
                let partition = place.partition();
                let arn = format!("arn:{partition}:iam::{}:oidc-provider/{provider}", place.id);
                (
                    Who::Arn(arn),
                    format!("{} of {provider}", subjects.join(" or ")),
                )
            }
            Principal::VpcEndpoint(id) => {
                context.push(("aws:SourceVpce".to_owned(), id.clone()));
                (
                    arn(&place.id, MADE_UP),
                    format!("whoever comes through {id}"),
                )
            }
        };
        Self {
            who,
            named,
            context,
            assume,
            handed: None,
        }
    }

    /// The same, with the policy that is handed over to them for a grant.
    pub(super) fn handed(mut self, grant: &Grant, desired: &Desired, world: &World) -> Self {
        if world_role(world, &self.who).is_none() {
            let why = format!("to use {}", grant.target);
            let handover = desired
                .handovers
                .iter()
                .find(|it| it.principal == grant.who && it.why == why);
            self.handed = handover.map(|it| {
                let name = format!("the policy that {} is handed", self.named);
                Paper::identity(name, with_ids(&it.document, &world.ids), Origin::Ours)
            });
        }
        self
    }

    /// A request of theirs.
    pub(super) fn asks(&self, action: &str, resource: impl Into<String>) -> Request {
        let request = Request::new(self.who.clone(), action, resource);
        self.context.iter().fold(request, |request, (key, value)| {
            request.with(key, [value.as_str()])
        })
    }

    /// What is known of their own policies.
    pub(super) fn caller<'a>(&'a self, world: &'a World) -> Caller<'a> {
        match (world_role(world, &self.who), &self.handed) {
            (Some(address), _) => world.thing(address).map_or(Caller::Bare, Caller::Role),
            (None, Some(paper)) => Caller::With(paper),
            (None, None) => Caller::Bare,
        }
    }
}

/// The address of a role of the world.
fn world_role<'a>(world: &'a World, who: &Who) -> Option<&'a Address> {
    let Who::Arn(arn) = who else { return None };
    let thing = world.with_arn(arn)?;
    matches!(thing.what, super::world::What::Role { .. }).then_some(&thing.address)
}
