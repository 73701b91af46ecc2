//! What is declared, as bounds on documents: whom a resource's own policy may let in, to what.
//!
//! A bound is read off the author's declarations by itself, so that it can be held against
//! the documents. A statement that lies within it part by part needs no further
//! thought; any other goes to the exact comparison, which finds a request that lies outside.

mod keys;

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds::key::encrypting;
use crate::kinds::rest_api::method;
use crate::kinds::{Resource, Want};
use crate::lower::keys::{by_key, keys_of_messages};
use crate::lower::{Desired, Grant, api, written_statement};
use crate::model::{Address, Arn, KindName, KmsKey};
use crate::policy::deliver::delivery;
use crate::policy::document::Conditions;
use crate::policy::sessions::{SET_SOURCE_IDENTITY, TAG_SESSION};
use crate::policy::{ApiName, Document, Effect};
use crate::stack::{
    Access, Endpoint, Principal, QueueRef, QueueUse, RoleRef, RouteKey, Stack, Subscribing, Target,
    TopicRef, Via,
};

use super::bound::{Bound, account_of, aws, condition, names};
use super::voice::root;
use super::world::{Thing, World};

/// What is declared of each resource.
pub(super) struct Declared<'a> {
    pub(super) stack: &'a Stack,
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
        // SNS's first statement lets in every principal of the account, without a policy of theirs. It is declared only
        // where the stack leaves it there.
        let topic = self.stack.topics.get(&thing.address.name);
        if topic.is_none_or(|it| it.existing || !it.owner_statement) {
            bound.owner = Some(account_of(thing).to_owned());
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
        let mut sending = self.sending(&thing.address);
        sending.retain(|it| it.split(':').nth(4) != Some(account_of(thing)));
        for role in sending {
            bound.allow(aws(role), &["sqs:SendMessage"], own(), Conditions::new());
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

    /// The roles under which routes of the stack's APIs send to a queue.
    fn sending(&self, queue: &Address) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (name, api) in &self.stack.apis {
            for (_, role) in api.sends_to().filter(|it| *it.0 == queue.name) {
                let made = Address::new(KindName::Role, format!("{name}-integration"));
                found.extend(match role {
                    Some(RoleRef::Stack(role)) => Some(self.stack.roles[role].arn.to_string()),
                    Some(RoleRef::Arn(arn)) => Some(arn.to_string()),
                    None => self.world.thing(&made).map(|it| it.arn.clone()),
                });
            }
        }
        found
    }

    fn of_role(&self, thing: &Thing) -> Bound {
        let mut bound = Bound::default();
        let mut trust = |principal: &Principal, external_id: Option<&String>| {
            let (name, mut conditions) = names(principal, self.stack, thing);
            // A principal that may assume the role may also bring its session's tags and source identity along.
            let actions = match principal {
                Principal::Oidc { .. } => vec!["sts:AssumeRoleWithWebIdentity"],
                _ => vec!["sts:AssumeRole", TAG_SESSION, SET_SOURCE_IDENTITY],
            };
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
        // Who calls a route that keeps an authorizer of its own, that authorizer decides.
        let public = self.unsigned(&thing.address, |it| it != method::AWS_IAM);
        let public: Vec<RouteKey> = self
            .everywhere(&thing.address, public)
            .into_iter()
            .collect();
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
        self.everywhere(api, self.unsigned(api, |it| it == method::NONE))
    }

    /// The same routes without those that an access keeps to a network.
    fn everywhere(&self, api: &Address, mut public: BTreeSet<RouteKey>) -> BTreeSet<RouteKey> {
        for (access, _) in self.to(api) {
            if let (Principal::Network(_), Target::Api { routes, .. }) = (&access.from, &access.to)
            {
                public.retain(|it| !routes.contains(it) && !routes.contains(&RouteKey::all()));
            }
        }
        public
    }

    /// The routes of an API whose authorization is one of these; of another's API all that stay as they are.
    fn unsigned(&self, api: &Address, which: impl Fn(&str) -> bool) -> BTreeSet<RouteKey> {
        let want = self.desired.wants.get(api).map(|it| &it.resource);
        let Some(Resource::RestApi(api)) = want else {
            return BTreeSet::new();
        };
        let methods = api.methods.iter();
        let open = methods.filter(|(_, it)| which(&it.authorization));
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

    /// The principals that may act on a topic, a queue or a key by the stack's accesses, with their actions: of an access by
    /// an access role, that role.
    pub(super) fn granted(&self, thing: &Thing) -> Vec<(Principal, Vec<&'static str>)> {
        let mut found = Vec::new();
        for (address, want) in &self.desired.wants {
            let with_key = match thing.address.kind {
                KindName::Key => self.uses_with_key(want, &thing.arn),
                _ => &[],
            };
            let by_key = match thing.address.kind {
                KindName::Key if !with_key.is_empty() => true,
                _ if *address == thing.address => false,
                _ => continue,
            };
            let actions = |uses: &[QueueUse]| -> Vec<&'static str> {
                let each = uses.iter();
                if by_key {
                    each.flat_map(|it| self::by_key(*it)).copied().collect()
                } else {
                    each.flat_map(|it| it.actions()).copied().collect()
                }
            };
            for (access, grant) in self.to(address) {
                let mut uses: Vec<QueueUse> = match &access.to {
                    Target::Queue { uses, .. } => uses.iter().copied().collect(),
                    _ => vec![QueueUse::Send],
                };
                uses.retain(|it| !by_key || with_key.contains(it));
                let own = match address.kind {
                    KindName::Topic if !by_key => vec!["sns:Publish"],
                    _ => actions(&uses),
                };
                found.push((self.acting(access, grant), own));
            }
            let sends = !by_key || with_key.contains(&QueueUse::Send);
            for role in self.sending(address).into_iter().filter(|_| sends) {
                if let Ok(arn) = Arn::parse(&role) {
                    found.push((Principal::Named(arn), actions(&[QueueUse::Send])));
                }
            }
        }
        found
    }

    /// Returns the uses of a topic or queue that take a key: all of what it encrypts; of a queue whose messages may be
    /// encrypted with it since before, or in another queue, receiving.
    fn uses_with_key(&self, want: &Want, key: &str) -> &'static [QueueUse] {
        let is_it = |it: &KmsKey| it.arn().as_str() == key;
        let of = |it: &Address| encrypting(&self.desired.wants.get(it)?.resource);
        match &want.resource {
            it if encrypting(it).as_ref().is_some_and(is_it) => {
                &[QueueUse::Send, QueueUse::Receive]
            }
            Resource::Queue(queue)
                if keys_of_messages(self.stack, &queue.arn, of)
                    .iter()
                    .any(is_it) =>
            {
                &[QueueUse::Receive]
            }
            _ => &[],
        }
    }

    /// Who acts on the target of an access: its access role, or the principal itself.
    fn acting(&self, access: &Access, grant: &Grant) -> Principal {
        let by_role = grant
            .role
            .as_ref()
            .and_then(|it| self.desired.wants.get(it));
        let by_role = by_role.and_then(|it| it.resource.arn());
        by_role.map_or_else(|| access.from.clone(), |arn| Principal::Named(arn.clone()))
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
