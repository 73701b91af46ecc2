//! Whom a resource's policy may let in, to what: a bound that statements lie within, part by part.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{AccountId, Arn};
use crate::policy::document::Conditions;
use crate::policy::own::is_default_topic_statement;
use crate::policy::{Clause, Document, PrincipalClause, Principals, Statement, same_statement};
use crate::stack::{Network, Principal, Stack};

use super::voice::root;
use super::world::Thing;

/// A principal as a statement names it: its type, and its name.
pub(super) type Name = (String, String);

/// Something that a principal may be let do.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Leave {
    /// In lower case; `sns:*` for all of a service.
    actions: Vec<String>,
    /// None where a policy speaks of its own resource only.
    resources: Option<BTreeSet<String>>,
    /// What must hold at least.
    conditions: Conditions,
}

/// Whom a resource's policy may let in.
#[derive(Clone, Debug, Default)]
pub(super) struct Bound {
    leaves: BTreeMap<Name, Vec<Leave>>,
    /// Statements that the author wrote as they are.
    pub(super) written: Vec<Statement>,
    /// The account whose topic it is, where SNS's first statement is left there: that grants to its principals alone.
    pub(super) owner: Option<String>,
}

pub(super) fn condition(
    operator: &str,
    key: &str,
    values: impl IntoIterator<Item = String>,
) -> Conditions {
    let values: Vec<String> = values.into_iter().collect();
    Conditions::from([(
        operator.to_owned(),
        BTreeMap::from([(key.to_owned(), values)]),
    )])
}

pub(super) fn aws(name: impl Into<String>) -> Name {
    ("AWS".to_owned(), name.into())
}

/// How statements name a principal, and under which conditions.
pub(super) fn names(principal: &Principal, stack: &Stack, thing: &Thing) -> (Name, Conditions) {
    let place = &thing.place;
    let account = |id: &AccountId| aws(root(place, id.as_str()));
    match principal {
        Principal::Role(name) => (aws(stack.roles[name].arn.as_str()), Conditions::new()),
        Principal::RoleArn(arn) => (aws(arn.as_str()), Conditions::new()),
        Principal::Named(arn) => (
            aws(root(place, arn.account())),
            condition("ArnLike", "aws:PrincipalArn", [arn.to_string()]),
        ),
        Principal::RolePrefix {
            account: id,
            prefix,
        } => {
            let pattern = format!("arn:{}:iam::{id}:role/{prefix}*", place.partition());
            (
                account(id),
                condition("ArnLike", "aws:PrincipalArn", [pattern]),
            )
        }
        Principal::Account(id) => (account(id), Conditions::new()),
        Principal::Service(name) => (("Service".to_owned(), name.clone()), Conditions::new()),
        Principal::Oidc {
            provider,
            audience,
            subjects,
        } => {
            let arn = format!(
                "arn:{}:iam::{}:oidc-provider/{provider}",
                place.partition(),
                place.id
            );
            let mut conditions = condition(
                "StringEquals",
                &format!("{provider}:aud"),
                [audience.clone()],
            );
            conditions.extend(condition(
                "StringLike",
                &format!("{provider}:sub"),
                subjects.clone(),
            ));
            (("Federated".to_owned(), arn), conditions)
        }
        Principal::ServiceFor {
            service,
            sources,
            account,
        } => {
            let mut conditions = Conditions::new();
            if !sources.is_empty() {
                conditions.extend(condition("ArnLike", "aws:SourceArn", sources.clone()));
            }
            if let Some(id) = account {
                let by_account = condition("StringEquals", "aws:SourceAccount", [id.to_string()]);
                conditions.extend(by_account);
            }
            (("Service".to_owned(), service.clone()), conditions)
        }
        Principal::Organization { id, unit: None } => (
            aws("*"),
            condition("StringEquals", "aws:PrincipalOrgID", [id.clone()]),
        ),
        Principal::Organization {
            id,
            unit: Some(unit),
        } => {
            let below = format!("{id}/{unit}/*");
            (
                aws("*"),
                condition("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", [below]),
            )
        }
        Principal::Network(network) => {
            let conditions = match network {
                Network::VpcEndpoint(id) => {
                    condition("StringEquals", "aws:SourceVpce", [id.clone()])
                }
                Network::Vpc(id) => condition("StringEquals", "aws:SourceVpc", [id.clone()]),
                Network::Addresses(ranges) => {
                    condition("IpAddress", "aws:SourceIp", ranges.clone())
                }
                Network::VpcAddresses(ranges) => {
                    condition("IpAddress", "aws:VpcSourceIp", ranges.clone())
                }
            };
            (aws("*"), conditions)
        }
    }
}

/// Whether a principal of a stack stands for the role with this ARN.
pub(super) fn covers(principal: &Principal, stack: &Stack, arn: &str) -> bool {
    let account = arn.split(':').nth(4).unwrap_or_default();
    match principal {
        Principal::Role(name) => stack.roles[name].arn.as_str() == arn,
        Principal::RoleArn(own) | Principal::Named(own) => own.as_str() == arn,
        Principal::RolePrefix {
            account: id,
            prefix,
        } => {
            let rest = arn.split_once(":role/").map(|it| it.1);
            id.as_str() == account && rest.is_some_and(|it| it.starts_with(prefix.as_str()))
        }
        Principal::Account(id) => id.as_str() == account,
        Principal::Service(_)
        | Principal::ServiceFor { .. }
        | Principal::Organization { .. }
        | Principal::Oidc { .. }
        | Principal::Network(_) => false,
    }
}

impl Bound {
    pub(super) fn allow(
        &mut self,
        name: Name,
        actions: &[&str],
        resources: Option<BTreeSet<String>>,
        conditions: Conditions,
    ) {
        self.leaves.entry(name).or_default().push(Leave {
            actions: actions.iter().map(|it| it.to_ascii_lowercase()).collect(),
            resources,
            conditions,
        });
    }

    /// The owner's account may be handed everything: its own policies decide then.
    pub(super) fn delegates(thing: &Thing, service: &str) -> Self {
        let mut bound = Self::default();
        let all = BTreeSet::from(["*".to_owned()]);
        bound.allow(
            aws(root(&thing.place, account_of(thing))),
            &[service],
            Some(all),
            Conditions::new(),
        );
        bound
    }

    /// Returns the part of the bound that is declared of everyone: under a condition, as of a network or an organization, or
    /// by a statement that the author wrote.
    ///
    /// A statement within it lets in nobody that is not declared, whoever makes the request.
    pub(super) fn of_everyone(&self) -> Self {
        let mut found = self.clone();
        let is_open = |it: &Statement| {
            let clause = it.principal.as_ref().filter(|it| !it.negated);
            clause.is_some_and(|it| named(it).contains(&aws("*")))
        };
        found.written.retain(is_open);
        found.leaves.retain(|name, _| name.1 == "*");
        for leaves in found.leaves.values_mut() {
            leaves.retain(|it| !it.conditions.is_empty());
        }
        found
    }

    /// Whether a statement that allows lies within the bound, part by part.
    pub(super) fn covers(&self, statement: &Statement) -> bool {
        if self.written.iter().any(|it| same_statement(it, statement)) {
            return true;
        }
        let is_default = |it: &String| is_default_topic_statement(statement, it);
        if self.owner.as_ref().is_some_and(is_default) {
            return true;
        }
        let Some(clause) = statement.principal.as_ref().filter(|it| !it.negated) else {
            return false;
        };
        if statement.action.negated || statement.resource.as_ref().is_some_and(|it| it.negated) {
            return false;
        }
        let actions: Vec<String> = statement
            .action
            .values
            .iter()
            .map(|it| it.to_ascii_lowercase())
            .collect();
        named(clause).iter().all(|name| {
            let leaves = self.leaves.get(name).map_or(&[][..], Vec::as_slice);
            let able: Vec<&Leave> = leaves
                .iter()
                .filter(|it| holds(&it.conditions, &statement.conditions))
                .collect();
            actions.iter().all(|action| {
                let able = || able.iter().filter(|it| it.takes(action));
                match &statement.resource {
                    None => able().any(|it| it.resources.is_none()),
                    Some(clause) => clause
                        .values
                        .iter()
                        .all(|it| able().any(|leave| leave.has(it))),
                }
            })
        })
    }

    /// The bound as a document.
    pub(super) fn document(&self) -> Document {
        let mut statements = self.written.clone();
        for ((kind, name), leaves) in &self.leaves {
            for leave in leaves {
                let clause = match kind.as_str() {
                    "AWS" => PrincipalClause::aws([name.clone()]),
                    "Service" => PrincipalClause::service([name.clone()]),
                    _ => PrincipalClause::federated([name.clone()]),
                };
                let mut statement =
                    Statement::allow("", Clause::of(leave.actions.clone())).to(clause);
                statement.sid = None;
                statement.resource = leave
                    .resources
                    .as_ref()
                    .map(|it| Clause::of(it.iter().cloned()));
                statement.conditions = leave.conditions.clone();
                statements.push(statement);
            }
        }
        Document::of(statements)
    }
}

impl Leave {
    fn takes(&self, action: &str) -> bool {
        self.actions.iter().any(|it| {
            it == action
                || it
                    .strip_suffix('*')
                    .is_some_and(|head| action.starts_with(head))
        })
    }

    fn has(&self, resource: &str) -> bool {
        self.resources
            .as_ref()
            .is_none_or(|it| it.contains("*") || it.contains(resource))
    }
}

/// Whether a statement's conditions ask for no less than these. The operators of a bound are
/// positive, so fewer values ask for more.
fn holds(bound: &Conditions, conditions: &Conditions) -> bool {
    bound.iter().all(|(operator, keys)| {
        let (mut found, own) = (
            true,
            conditions
                .iter()
                .find(|(it, _)| it.eq_ignore_ascii_case(operator)),
        );
        for (key, values) in keys {
            let own =
                own.and_then(|(_, it)| it.iter().find(|(it, _)| it.eq_ignore_ascii_case(key)));
            found &= own.is_some_and(|(_, own)| {
                !own.is_empty() && own.iter().all(|it| values.contains(it))
            });
        }
        found
    })
}

/// Everyone that a clause names.
pub(super) fn named(clause: &PrincipalClause) -> Vec<Name> {
    match &clause.principals {
        Principals::Anyone => vec![aws("*")],
        Principals::Of(types) => types
            .iter()
            .flat_map(|(kind, names)| names.iter().map(move |it| (kind.clone(), full(it))))
            .collect(),
    }
}

/// An account's id stands for its root.
fn full(name: &str) -> String {
    match AccountId::parse(name) {
        Some(id) => Arn::root("aws", &id).to_string(),
        None => name.to_owned(),
    }
}

/// The account that a resource is of.
pub(super) fn account_of(thing: &Thing) -> &str {
    thing.arn.split(':').nth(4).unwrap_or_default()
}
