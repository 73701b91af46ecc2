//! Principals made concrete: one request's worth of whoever a stack lets in.
//!
//! A prefix of roles, an account, an identity provider stand for many; a claim about them is
//! tried with one of them, made up.

use crate::kinds::with_ids;
use crate::lower::{Desired, Grant, name_of};
use crate::model::{AccountId, Address, Place};
use crate::policy::sessions::beyond_assuming;
use crate::policy::{Request, Who};
use crate::stack::{Network, Principal, Stack};

use super::paper::{Origin, Paper};
use super::world::{Caller, Thing, World};

/// The name of roles that are made up.
pub(super) const MADE_UP: &str = "provision-verify";

/// Somebody, with what a request of theirs carries.
#[derive(Clone, Debug)]
pub(super) struct Voice {
    /// Who.
    pub(super) who: Who,
    /// How an author calls them.
    pub(super) named: String,
    /// What their requests carry.
    pub(super) context: Vec<(String, String)>,
    /// The actions that their assuming a role takes.
    pub(super) assume: Vec<&'static str>,
    /// The identity policy that is handed over to them; a role of the stack has its own.
    pub(super) handed: Option<Paper>,
}

/// The first address of the first range.
fn first_of(ranges: &[String]) -> &str {
    let first = ranges.first().map_or("", String::as_str);
    first.split('/').next().unwrap_or_default()
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
    pub(super) fn of(principal: &Principal, stack: &Stack, place: &Place, world: &World) -> Self {
        let arn =
            |account: &AccountId, name: &str| Who::Arn(role_in(place, account.as_str(), name));
        let mut context = Vec::new();
        let mut assume = vec!["sts:AssumeRole"];
        if let Principal::Service(name) | Principal::ServiceFor { service: name, .. } = principal {
            assume.extend(beyond_assuming(name));
        }
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
                assume = vec!["sts:AssumeRoleWithWebIdentity"];
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
            Principal::ServiceFor {
                service,
                sources,
                account,
            } => {
                let source = sources.first().map(|it| it.replace(['*', '?'], "x"));
                let of_source = source.as_ref().and_then(|it| it.split(':').nth(4));
                let of_source = of_source.filter(|it| !it.is_empty()).map(str::to_owned);
                // A service tells both, where it tells anything.
                let id = account.as_ref().map(ToString::to_string).or(of_source);
                context.extend(id.map(|it| ("aws:SourceAccount".to_owned(), it)));
                context.extend(source.map(|it| ("aws:SourceArn".to_owned(), it)));
                (Who::Service(service.clone()), name_of(principal))
            }
            Principal::Organization { id, unit } => {
                context.push(("aws:PrincipalOrgID".to_owned(), id.clone()));
                if let Some(unit) = unit {
                    let path = format!("{id}/{unit}/");
                    context.push(("aws:PrincipalOrgPaths".to_owned(), path));
                }
                (
                    Who::Arn(role_in(place, &world.stranger(), MADE_UP)),
                    name_of(principal),
                )
            }
            Principal::Network(network) => {
                let (key, value) = match network {
                    Network::VpcEndpoint(id) => ("aws:SourceVpce", id.as_str()),
                    Network::Vpc(id) => ("aws:SourceVpc", id.as_str()),
                    Network::Addresses(ranges) => ("aws:SourceIp", first_of(ranges)),
                    Network::VpcAddresses(ranges) => ("aws:VpcSourceIp", first_of(ranges)),
                };
                context.push((key.to_owned(), value.to_owned()));
                (arn(&place.id, MADE_UP), name_of(principal))
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

    /// A role of the world.
    pub(super) fn role(role: &Thing) -> Self {
        Self::named(Who::Arn(role.arn.clone()), role.address.to_string())
    }

    /// An AWS service.
    pub(super) fn service(name: String) -> Self {
        Self::named(Who::Service(name.clone()), name)
    }

    fn named(who: Who, named: String) -> Self {
        Self {
            who,
            named,
            context: Vec::new(),
            assume: Vec::new(),
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
