//! Guardrails over a whole world: what the stack wants, and what others have put beside it.
//!
//! Documents are judged by `policy/guard.rs`, statement by statement; here they get their
//! addresses, what is no document is judged (methods, keys), and what the author accepts is set apart.
//! A public route says of itself that it is public: the statement that lets it through is no breach.
//!
//! What is made beside a resource for those who use it (an access role, the role of an API's integrations)
//! is accepted on that resource.

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds::rest_api::method;
use crate::kinds::role::managed::is_of_aws;
use crate::kinds::statements::describe;
use crate::kinds::{Resource, RestApi};
use crate::lower::Desired;
use crate::lower::api::invoke_resources;
use crate::model::{Address, KindName};
use crate::policy::guard::{Breach, Holder, judge};
use crate::policy::own::RESERVED;
use crate::policy::patterns::Pattern;
use crate::policy::{Guardrail, Principals, Severity, Statement};
use crate::stack::{Encryption, RouteKey};
use crate::verify::World;
use crate::verify::paper::{Origin, Paper, allowing};
use crate::verify::world::{Surface, Thing, What};

/// A guardrail that something goes over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which.
    pub guardrail: Guardrail,
    /// How much it weighs.
    pub severity: Severity,
    /// The resource.
    pub address: Address,
    /// What is wrong, as a sentence.
    pub says: String,
    /// The statement to blame, where one is.
    pub statement: Option<String>,
    /// Who wrote it.
    pub origin: Origin,
    /// Why the author accepts it.
    pub accepted: Option<String>,
}

/// An acceptance that nothing needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unneeded {
    /// The resource it is written at.
    pub address: Address,
    /// Of which guardrail.
    pub guardrail: Guardrail,
}

/// All that goes over a guardrail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guarded {
    /// In the order of the resources.
    pub findings: Vec<Finding>,
    /// Acceptances that nothing needs.
    pub unneeded: Vec<Unneeded>,
}

impl Guarded {
    /// What keeps the stack from being applied.
    pub fn refusing(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|it| it.severity == Severity::Error && it.accepted.is_none())
    }

    /// What a change makes worse of what it found: what was so before is left out.
    #[must_use]
    pub fn worse_than(mut self, before: &Self) -> Self {
        let was = |it: &Finding| {
            before.findings.iter().any(|old| {
                old.guardrail == it.guardrail
                    && old.address == it.address
                    && old.says == it.says
                    && old.statement == it.statement
            })
        };
        self.findings.retain(|it| !was(it));
        self.unneeded.clear();
        self
    }

    /// Whether something keeps the stack from being applied.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.refusing().next().is_some()
    }
}

/// Judges a world.
#[must_use]
pub fn guard(desired: &Desired, world: &World) -> Guarded {
    let mut findings = Vec::new();
    for thing in world.things.values() {
        of_thing(desired, world, thing, &mut findings);
    }
    let mut needed: BTreeSet<(Address, Guardrail)> = BTreeSet::new();
    let hosts = hosts(desired);
    for it in &mut findings {
        let places =
            std::iter::once(&it.address).chain(hosts.get(&it.address).into_iter().flatten());
        for place in places {
            let reason = desired
                .accepts
                .get(place)
                .and_then(|all| all.get(&it.guardrail));
            if let Some(reason) = reason {
                needed.insert((place.clone(), it.guardrail));
                it.accepted = Some(reason.clone());
            }
        }
    }
    let mut unneeded = Vec::new();
    for (address, accepted) in &desired.accepts {
        for guardrail in accepted.keys() {
            if !needed.contains(&(address.clone(), *guardrail)) {
                unneeded.push(Unneeded {
                    address: address.clone(),
                    guardrail: *guardrail,
                });
            }
        }
    }
    Guarded { findings, unneeded }
}

/// The resources beside which roles are made, by the role's address.
fn hosts(desired: &Desired) -> BTreeMap<Address, Vec<Address>> {
    let mut found: BTreeMap<Address, Vec<Address>> = BTreeMap::new();
    for grant in &desired.grants {
        if let Some(role) = &grant.role {
            found
                .entry(role.clone())
                .or_default()
                .push(grant.target.clone());
        }
    }
    found
}

fn of_thing(desired: &Desired, world: &World, thing: &Thing, found: &mut Vec<Finding>) {
    let mut papers: Vec<(&Paper, Holder)> = Vec::new();
    let policy = |holder| thing.policy.as_ref().map(|it| (it, holder));
    match &thing.what {
        What::Role { identity, .. } => {
            papers.extend(policy(Holder::Trust));
            papers.extend(identity.iter().map(|it| (it, Holder::Identity)));
        }
        What::Topic { .. } => papers.extend(policy(Holder::Topic)),
        What::Queue { encryption } => {
            papers.extend(policy(Holder::Queue));
            found.extend(key(world, thing, encryption));
        }
        // What an owner lets in is for the owner to judge; what the stack lets in is held against its declarations.
        What::Key => papers.extend(policy(Holder::Key)),
        What::Api(surface) => {
            let private = surface.private;
            papers.extend(policy(Holder::Api { private }));
            found.extend(methods(desired, thing, surface));
        }
    }
    let mut every_vpc = false;
    for (paper, holder) in papers {
        if holder != Holder::Identity {
            missed(world, thing, paper, found);
        }
        for breach in judge(&paper.document, holder, thing.place.id.as_str()) {
            let statement = &paper.document.statements[breach.statement];
            let origin = origin(world, paper, statement);
            let is_ours = breach.guardrail == Guardrail::OwnAccount && origin != Origin::Foreign;
            if holder == Holder::Key && !is_ours {
                continue;
            }
            if is_public_route(thing, &breach, statement, origin)
                || is_said_public(desired, world, thing, &breach, statement)
            {
                continue;
            }
            // AWS knows its own actions better than we do.
            if breach.guardrail == Guardrail::UnknownAction && is_of_aws(&paper.name) {
                continue;
            }
            // Of an API, all its statements stand open in the same way.
            if breach.guardrail == Guardrail::EveryVpc
                && breach.severity == Severity::Warning
                && std::mem::replace(&mut every_vpc, true)
            {
                continue;
            }
            found.push(Finding {
                guardrail: breach.guardrail,
                severity: breach.severity,
                address: thing.address.clone(),
                says: format!("{} {}", paper.name, breach.says),
                statement: Some(describe(statement)),
                origin,
                accepted: None,
            });
        }
    }
}

/// Reports roles of the world that a statement's prefix of roles misses because of their path alone.
fn missed(world: &World, thing: &Thing, paper: &Paper, found: &mut Vec<Finding>) {
    for statement in allowing(paper) {
        let keys = statement.conditions.iter().filter_map(|(operator, keys)| {
            operator.eq_ignore_ascii_case("ArnLike").then_some(keys)
        });
        let patterns: Vec<&String> = keys
            .flatten()
            .filter(|(key, _)| key.eq_ignore_ascii_case("aws:PrincipalArn"))
            .flat_map(|(_, values)| values)
            .collect();
        // Nearly no statement has a prefix, and there are as many of them as roles.
        if !patterns.iter().any(|it| it.ends_with('*')) {
            continue;
        }
        for role in world.of_kind(KindName::Role) {
            let named = |it: &&String| {
                let (head, prefix) = it.strip_suffix('*')?.split_once(":role/")?;
                let own = role.arn.split_once(":role/")?;
                let name = prefix.rsplit('/').next().filter(|it| !it.is_empty())?;
                let path = own.1.rsplit_once('/')?.0;
                (own.0 == head && own.1.rsplit('/').next()?.starts_with(name))
                    .then(|| (prefix.to_owned(), format!("{path}/{name}")))
            };
            let Some((prefix, meant)) = patterns.iter().find_map(named) else {
                continue;
            };
            if patterns.iter().any(|it| Pattern::of(it).matches(&role.arn)) {
                continue;
            }
            found.push(Finding {
                guardrail: Guardrail::MissedRole,
                severity: Severity::Warning,
                address: thing.address.clone(),
                says: format!(
                    "{} lets in roles whose path and name begin with `{prefix}`, which {} does not: write `role_prefix = \"{meant}\"` to take it in",
                    paper.name, role.address
                ),
                statement: Some(describe(statement)),
                origin: origin(world, paper, statement),
                accepted: None,
            });
        }
    }
}

/// What the `Sid` of a statement that the author wrote out goes on with: in the stack, or in the API's `OpenAPI` document.
const OF_AUTHOR: [&str; 2] = ["Written", "Document"];

/// Who a statement comes from: one that the author wrote out bears a `Sid` of ours, but in a trust policy.
fn origin(world: &World, paper: &Paper, statement: &Statement) -> Origin {
    let origin = paper.origin_of(statement, &world.own);
    let sid = statement.sid.as_deref().unwrap_or_default();
    let rest = sid.strip_prefix(world.own.prefix()).unwrap_or_default();
    let of_author = OF_AUTHOR.iter().any(|it| rest.starts_with(it));
    if (origin == Origin::Ours && of_author) || paper.is_written(statement) {
        Origin::Author
    } else {
        origin
    }
}

/// Whether a statement lets public routes through that the stack says are public.
fn is_public_route(thing: &Thing, breach: &Breach, statement: &Statement, origin: Origin) -> bool {
    let anyone = statement
        .principal
        .as_ref()
        .is_some_and(|it| it.principals == Principals::Anyone);
    matches!(thing.what, What::Api(_))
        && breach.guardrail == Guardrail::OpenPrincipal
        && origin == Origin::Ours
        && anyone
}

/// Whether a statement of another stack lets nothing through but routes that this one calls public, too, or leaves to
/// an authorizer of their own.
fn is_said_public(
    desired: &Desired,
    world: &World,
    thing: &Thing,
    breach: &Breach,
    statement: &Statement,
) -> bool {
    let wanted = desired.wants.get(&thing.address).map(|it| &it.resource);
    let (Some(Resource::RestApi(api)), What::Api(surface)) = (wanted, &thing.what) else {
        return false;
    };
    let stated = api
        .methods
        .iter()
        .filter(|(_, it)| it.authorization != method::AWS_IAM);
    let public: Vec<RouteKey> = stated
        .map(|(key, _)| key.clone())
        .chain(api.public.iter().cloned())
        .collect();
    let resources = invoke_resources(&surface.stage, &public);
    let head = format!("{}/", thing.arn);
    let known = |it: &String| {
        let short = it.replacen(&head, "execute-api:/", 1);
        resources.contains(&short)
    };
    let by_a_stack = statement
        .sid
        .as_deref()
        .is_some_and(|it| it.starts_with(RESERVED));
    let action = &statement.action;
    breach.guardrail == Guardrail::OpenPrincipal
        && by_a_stack
        && !world.own.owns(statement)
        && !action.negated
        && action
            .values
            .iter()
            .all(|it| it.eq_ignore_ascii_case("execute-api:Invoke"))
        && (is_for_the_unsigned(statement)
            || statement
                .resource
                .as_ref()
                .is_some_and(|it| !it.negated && it.values.iter().all(known)))
}

/// Whether a statement is for callers without a signature alone. Which methods of an API have such callers, their
/// authorizers say, each of which is judged by itself.
fn is_for_the_unsigned(statement: &Statement) -> bool {
    let mut keys = statement
        .conditions
        .iter()
        .filter(|(operator, _)| operator.eq_ignore_ascii_case("Null"))
        .flat_map(|(_, keys)| keys);
    keys.any(|(key, values)| {
        key.eq_ignore_ascii_case("aws:PrincipalArn") && values.as_slice() == ["true"]
    })
}

/// A queue that receives from topics under a key that SNS cannot use.
fn key(world: &World, thing: &Thing, encryption: &Encryption) -> Option<Finding> {
    let Encryption::Kms { key, .. } = encryption else {
        return None;
    };
    let managed = key == MANAGED || key.ends_with(&format!(":{MANAGED}"));
    let (topic, _) = world
        .subscriptions
        .keys()
        .find(|(_, queue)| *queue == thing.arn)?;
    managed.then(|| Finding {
        guardrail: Guardrail::ManagedKey,
        severity: Severity::Warning,
        address: thing.address.clone(),
        says: format!(
            "{} receives from {} under `{MANAGED}`, a key that SNS cannot use: nothing is ever delivered",
            thing.address,
            world.with_arn(topic).map_or_else(|| topic.clone(), |it| it.address.to_string())
        ),
        statement: None,
        origin: if thing.owned { Origin::Author } else { Origin::Foreign },
        accepted: None,
    })
}

/// AWS's own key of SQS, whose policy nobody can change.
const MANAGED: &str = "alias/aws/sqs";

/// Methods that ask nobody who they are, and that the stack does not call public.
fn methods(desired: &Desired, thing: &Thing, surface: &Surface) -> Vec<Finding> {
    let wanted = desired.wants.get(&thing.address);
    let api = wanted.and_then(|it| match &it.resource {
        Resource::RestApi(api) => Some(api),
        _ => None,
    });
    let open = surface
        .methods
        .iter()
        .filter(|(_, it)| matches!(it.as_str(), "NONE" | ""));
    let unsaid = open.filter(|(key, _)| !api.is_some_and(|it| is_public(it, key)));
    unsaid
        .map(|(key, _)| Finding {
            guardrail: Guardrail::OpenMethod,
            severity: Severity::Error,
            address: thing.address.clone(),
            says: format!(
                "{key} of {} has no authorizer: anyone may call it",
                thing.address
            ),
            statement: None,
            origin: Origin::Foreign,
            accepted: None,
        })
        .collect()
}

/// Whether the stack says of a route that anyone may call it.
fn is_public(api: &RestApi, key: &RouteKey) -> bool {
    api.public.contains(key)
        || api
            .methods
            .get(key)
            .is_some_and(|it| it.authorization == "NONE")
}

#[cfg(test)]
mod tests;
