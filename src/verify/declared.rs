//! What is declared, as bounds on documents: whom a resource's own policy may let in, to what.
//!
//! A bound is read off the author's declarations by itself, so that it can be held against
//! the documents. A statement that lies within it part by part needs no further
//! thought; any other goes to the exact comparison, which finds a request that lies outside.

mod keys;

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds::Resource;
use crate::kinds::rest_api::method;
use crate::lower::{Desired, Grant, api, written_statement};
use crate::model::{AccountId, Address, Arn, KindName};
use crate::policy::deliver::delivery;
use crate::policy::document::Conditions;
use crate::policy::sessions::{TAG_SESSION, beyond_assuming};
use crate::policy::{
    ApiName, Clause, Document, Effect, PrincipalClause, Principals, Statement, same_statement,
};
use crate::stack::{
    Access, Endpoint, Network, Principal, QueueRef, RouteKey, Stack, Subscribing, Target, TopicRef,
    Via,
};

use super::voice::root;
use super::world::{Thing, World};

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
    written: Vec<Statement>,
}

fn condition(operator: &str, key: &str, values: impl IntoIterator<Item = String>) -> Conditions {
    let values: Vec<String> = values.into_iter().collect();
    Conditions::from([(
        operator.to_owned(),
        BTreeMap::from([(key.to_owned(), values)]),
    )])
}

fn aws(name: impl Into<String>) -> Name {
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

/// The keys by which SNS says on whose behalf a service calls, and of which account any other caller is.
const ON_BEHALF: [&str; 2] = ["aws:SourceOwner", "aws:SourceAccount"];

impl Bound {
    fn allow(
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
    fn delegates(thing: &Thing, service: &str) -> Self {
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

    /// Returns the part of the bound that is declared of everyone under a condition: a network, an organization.
    ///
    /// A statement within it lets in nobody that is not declared, whoever makes the request.
    pub(super) fn of_everyone(&self) -> Self {
        let mut found = self.clone();
        found.written.clear();
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

    /// The bound as a document. On the owner's behalf only services call: of its callers SNS says no less.
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
                let mut asked = leave.conditions.values().flat_map(BTreeMap::keys);
                if name == "*" && asked.any(|it| ON_BEHALF.contains(&it.as_str())) {
                    let service =
                        condition("Bool", "aws:PrincipalIsAWSService", ["true".to_owned()]);
                    statement.conditions.extend(service);
                }
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

/// What is declared of each resource.
pub(super) struct Declared<'a> {
    stack: &'a Stack,
    desired: &'a Desired,
    world: &'a World,
    /// Accesses by their target.
    accesses: BTreeMap<Address, Vec<(&'a Access, &'a Grant)>>,
    /// Accesses by their access role.
    roles: BTreeMap<Address, Vec<(&'a Access, &'a Grant)>>,
    /// Queues that a topic delivers to, by the topic's ARN: ARNs of the subscribed.
    subscribed: BTreeMap<String, BTreeSet<String>>,
    /// Topics that deliver into a queue, by the queue's ARN.
    delivering: BTreeMap<String, BTreeSet<String>>,
}

impl<'a> Declared<'a> {
    /// What a stack declares.
    pub(super) fn of(stack: &'a Stack, desired: &'a Desired, world: &'a World) -> Self {
        let mut declared = Self {
            stack,
            desired,
            world,
            accesses: BTreeMap::new(),
            roles: BTreeMap::new(),
            subscribed: BTreeMap::new(),
            delivering: BTreeMap::new(),
        };
        for (access, grant) in stack.access.iter().zip(&desired.grants) {
            declared
                .accesses
                .entry(grant.target.clone())
                .or_default()
                .push((access, grant));
            if let Some(role) = &grant.role {
                declared
                    .roles
                    .entry(role.clone())
                    .or_default()
                    .push((access, grant));
            }
        }
        for queue in stack.queues.values() {
            for it in &queue.subscribe {
                let topic = match &it.topic {
                    TopicRef::Stack(name) => stack.topics[name].arn.to_string(),
                    TopicRef::Arn(arn) | TopicRef::Contract { arn, .. } => arn.to_string(),
                };
                declared
                    .subscribed
                    .entry(topic.clone())
                    .or_default()
                    .insert(queue.arn.to_string());
                declared
                    .delivering
                    .entry(queue.arn.to_string())
                    .or_default()
                    .insert(topic.clone());
                if let Some(QueueRef::Stack(name)) = &it.dead_letter {
                    let arn = stack.queues[name].arn.to_string();
                    declared.delivering.entry(arn).or_default().insert(topic);
                }
            }
        }
        for it in &stack.subscribers {
            if let Subscribing::Queue(queue) = &it.who {
                declared
                    .subscribed
                    .entry(stack.topics[&it.topic].arn.to_string())
                    .or_default()
                    .insert(queue.to_string());
            }
        }
        declared
    }

    /// The accesses to a resource.
    pub(super) fn to(&self, address: &Address) -> &[(&'a Access, &'a Grant)] {
        self.accesses.get(address).map_or(&[], Vec::as_slice)
    }

    /// Whom the policy of a resource may let in.
    pub(super) fn bound(&self, thing: &Thing) -> Bound {
        let mut bound = match thing.address.kind {
            KindName::Key => self.of_key(thing),
            KindName::Topic => self.of_topic(thing),
            KindName::Queue => self.of_queue(thing),
            KindName::RestApi => self.of_api(thing),
            KindName::Role => self.of_role(thing),
            KindName::Subscription | KindName::Stage => Bound::default(),
        };
        let own = self.stack.statements.iter();
        let own = own.filter(|it| it.on == thing.address && it.statement.effect == Effect::Allow);
        let own = own
            .map(|it| written_statement(it, &self.stack.name))
            .collect();
        let own = match thing.address.kind {
            KindName::RestApi => self.api_name(thing).expand(&Document::of(own)).statements,
            _ => own,
        };
        bound.written.extend(own);
        bound
    }

    fn api_name<'b>(&'b self, thing: &'b Thing) -> ApiName<'b> {
        ApiName {
            partition: thing.place.partition().as_str(),
            region: thing.place.region.as_str(),
            account: thing.place.id.as_str(),
            api: &self.world.ids[&thing.address],
        }
    }

    fn of_topic(&self, thing: &Thing) -> Bound {
        let mut bound = Bound::delegates(thing, "sns:*");
        // What a service does on the account's behalf, the account lets it do.
        for key in ON_BEHALF {
            let of_owner = condition("StringEquals", key, [account_of(thing).to_owned()]);
            bound.allow(
                aws("*"),
                &["sns:*"],
                Some(BTreeSet::from(["*".to_owned()])),
                of_owner,
            );
        }
        let own = || Some(BTreeSet::from([thing.arn.clone()]));
        for (access, grant) in self.to(&thing.address) {
            if grant.via == Via::ResourcePolicy {
                let (name, conditions) = names(&access.from, self.stack, thing);
                bound.allow(name, &["sns:Publish"], own(), conditions);
            }
        }
        let mut by_account: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for queue in self.subscribed.get(&thing.arn).into_iter().flatten() {
            let account = queue.split(':').nth(4).unwrap_or_default();
            by_account.entry(account).or_default().push(queue.clone());
        }
        for it in &self.stack.subscribers {
            let Subscribing::Account(id) = &it.who else {
                continue;
            };
            if it.topic != thing.address.name {
                continue;
            }
            let queues = format!("arn:{}:sqs:*:{id}:*", thing.place.partition());
            let mut conditions = condition("StringEquals", "sns:Protocol", ["sqs".to_owned()]);
            conditions.extend(condition("StringLike", "sns:Endpoint", [queues]));
            bound.allow(
                aws(root(&thing.place, id.as_str())),
                &["sns:Subscribe"],
                own(),
                conditions,
            );
        }
        for (account, queues) in by_account {
            let conditions = Conditions::from([(
                "StringEquals".to_owned(),
                BTreeMap::from([
                    ("sns:Protocol".to_owned(), vec!["sqs".to_owned()]),
                    ("sns:Endpoint".to_owned(), queues),
                ]),
            )]);
            bound.allow(
                aws(root(&thing.place, account)),
                &["sns:Subscribe"],
                own(),
                conditions,
            );
        }
        bound
    }

    fn of_queue(&self, thing: &Thing) -> Bound {
        let mut bound = Bound::delegates(thing, "sqs:*");
        let own = || Some(BTreeSet::from([thing.arn.clone()]));
        for (access, grant) in self.to(&thing.address) {
            if let (Target::Queue { uses, .. }, Via::ResourcePolicy) = (&access.to, grant.via) {
                let (name, conditions) = names(&access.from, self.stack, thing);
                let actions: Vec<&str> = uses.iter().flat_map(|it| it.actions()).copied().collect();
                bound.allow(name, &actions, own(), conditions);
            }
        }
        let mut by_service: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for topic in self.delivering.get(&thing.arn).into_iter().flatten() {
            let service = delivery(topic, &thing.arn).principal.to_string();
            by_service.entry(service).or_default().push(topic.clone());
        }
        for (service, topics) in by_service {
            for operator in ["ArnEquals", "ArnLike", "StringEquals"] {
                let conditions = condition(operator, "aws:SourceArn", topics.clone());
                let name = ("Service".to_owned(), service.clone());
                bound.allow(name, &["sqs:SendMessage"], own(), conditions);
            }
        }
        bound
    }

    fn of_role(&self, thing: &Thing) -> Bound {
        let mut bound = Bound::default();
        let mut trust = |principal: &Principal, external_id: Option<&String>| {
            let (name, mut conditions) = names(principal, self.stack, thing);
            // Whoever may assume the role may also bring its session's tags along.
            let mut actions = match principal {
                Principal::Oidc { .. } => vec!["sts:AssumeRoleWithWebIdentity"],
                _ => vec!["sts:AssumeRole", TAG_SESSION],
            };
            if let Principal::Service(name) | Principal::ServiceFor { service: name, .. } =
                principal
            {
                actions.extend(beyond_assuming(name));
            }
            if let Some(id) = external_id {
                conditions.extend(condition("StringEquals", "sts:ExternalId", [id.clone()]));
            }
            bound.allow(name, &actions, None, conditions);
        };
        let role = self.stack.roles.get(&thing.address.name);
        for principal in role.iter().flat_map(|it| &it.trusted_by) {
            trust(principal, None);
        }
        for (access, _) in self.roles.get(&thing.address).into_iter().flatten() {
            trust(&access.from, access.external_id.as_ref());
        }
        let made_for = thing.address.name.strip_suffix("-integration");
        if made_for.is_some_and(|it| self.stack.apis.contains_key(it))
            && !self.stack.roles.contains_key(&thing.address.name)
        {
            trust(
                &Principal::Service("apigateway.amazonaws.com".to_owned()),
                None,
            );
        }
        if let Some(document) = role.and_then(|it| it.trust_policy.as_ref()) {
            let allows = document.statements.iter();
            let allows = allows.filter(|it| it.effect == Effect::Allow).cloned();
            bound.written.extend(allows);
        }
        bound
    }

    fn of_api(&self, thing: &Thing) -> Bound {
        let mut bound = Bound::delegates(thing, "execute-api:*");
        let Some(api) = self.stack.apis.get(&thing.address.name) else {
            return bound;
        };
        let name = self.api_name(thing);
        let head = name.head();
        let written = |routes: &[RouteKey]| -> Option<BTreeSet<String>> {
            let resources = api::invoke_resources(&api.stage.name, routes).into_iter();
            Some(
                resources
                    .map(|it| it.replacen("execute-api:/", &head, 1))
                    .collect(),
            )
        };
        for (access, grant) in self.to(&thing.address) {
            let Target::Api { routes, .. } = &access.to else {
                continue;
            };
            if let (Some(role), Via::AssumeRole) = (&grant.role, grant.via) {
                if let Some(role) = self
                    .world
                    .thing(role)
                    .filter(|_| api.endpoint == Endpoint::Private)
                {
                    bound.allow(
                        aws(role.arn.clone()),
                        &["execute-api:Invoke"],
                        written(routes),
                        Conditions::new(),
                    );
                }
            } else {
                let (name, conditions) = names(&access.from, self.stack, thing);
                bound.allow(name, &["execute-api:Invoke"], written(routes), conditions);
            }
        }
        let public: Vec<RouteKey> = self.public(&thing.address).into_iter().collect();
        if !public.is_empty() {
            bound.allow(
                aws("*"),
                &["execute-api:Invoke"],
                written(&public),
                Conditions::new(),
            );
        }
        let statements = api::document_statements(api, &self.stack.name).unwrap_or_default();
        bound.written = name.expand(&Document::of(statements)).statements;
        bound.written.retain(|it| it.effect == Effect::Allow);
        bound
    }

    /// The routes of an API that everyone may call: public ones that no access keeps to a network.
    pub(super) fn public(&self, api: &Address) -> BTreeSet<RouteKey> {
        let mut public = self.unsigned(api);
        for (access, _) in self.to(api) {
            if let (Principal::Network(_), Target::Api { routes, .. }) = (&access.from, &access.to)
            {
                public.retain(|it| !routes.contains(it) && !routes.contains(&RouteKey::all()));
            }
        }
        public
    }

    /// The routes of an API that ask their callers for no signature.
    fn unsigned(&self, api: &Address) -> BTreeSet<RouteKey> {
        let want = self.desired.wants.get(api).map(|it| &it.resource);
        let Some(Resource::RestApi(api)) = want else {
            return BTreeSet::new();
        };
        let methods = api.methods.iter();
        let open = methods.filter(|(_, it)| it.authorization == method::NONE);
        let open = open.map(|(key, _)| key);
        open.chain(&api.public).cloned().collect()
    }

    /// The principals that are let call an API, with what each may call: roles of the stack by
    /// their ARN, and the access roles.
    pub(super) fn callers(&self, api: &Address) -> BTreeMap<String, Vec<RouteKey>> {
        let mut found: BTreeMap<String, Vec<RouteKey>> = BTreeMap::new();
        for (access, grant) in self.to(api) {
            let Target::Api { routes, .. } = &access.to else {
                continue;
            };
            let arn = match (&grant.role, grant.via, &access.from) {
                (Some(role), Via::AssumeRole, _) => self.world.thing(role).map(|it| it.arn.clone()),
                (_, _, Principal::Role(name)) => Some(self.stack.roles[name].arn.to_string()),
                (_, _, Principal::RoleArn(arn) | Principal::Named(arn)) => Some(arn.to_string()),
                _ => None,
            };
            if let Some(arn) = arn {
                found.entry(arn).or_default().extend(routes.iter().cloned());
            }
        }
        found
    }

    /// The principals that are let publish to a topic: roles by their ARN.
    pub(super) fn publishers(&self, topic: &Address) -> BTreeSet<String> {
        let arns = self.to(topic).iter().filter_map(|(access, grant)| {
            match (&grant.role, grant.via, &access.from) {
                (Some(role), Via::AssumeRole, _) => self.world.thing(role).map(|it| it.arn.clone()),
                (_, _, Principal::Role(name)) => Some(self.stack.roles[name].arn.to_string()),
                (_, _, Principal::RoleArn(arn) | Principal::Named(arn)) => Some(arn.to_string()),
                _ => None,
            }
        });
        arns.collect()
    }

    /// The routes of an API that a grant to this role reaches although nobody declared them.
    pub(super) fn beyond(&self, api: &Address, arn: &str) -> BTreeSet<String> {
        let of_arn = |access: &Access, grant: &Grant| match (&grant.role, &access.from) {
            (Some(role), _) => self.world.thing(role).is_some_and(|it| it.arn == arn),
            (None, Principal::Role(name)) => self.stack.roles[name].arn.as_str() == arn,
            (None, Principal::RoleArn(own) | Principal::Named(own)) => own.as_str() == arn,
            (None, _) => false,
        };
        let grants = self
            .to(api)
            .iter()
            .filter(|(access, grant)| of_arn(access, grant));
        grants
            .flat_map(|(_, grant)| grant.beyond.iter().cloned())
            .collect()
    }

    /// Where a grant's role stands among what the stack wants.
    pub(super) fn wants(&self, address: &Address) -> bool {
        self.desired.wants.contains_key(address)
    }
}
