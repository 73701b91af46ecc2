//! Whom the policy of a declared key may let in.

use std::collections::BTreeSet;

use super::super::bound::Name;
use super::{Bound, Declared, condition, names};
use crate::kinds::Resource;
use crate::kinds::extra::statement_digest;
use crate::lower::keys::{by_key, queues_of_integrations};
use crate::model::{Address, KindName};
use crate::policy::Effect;
use crate::policy::deliver::delivery;
use crate::policy::document::Conditions;
use crate::stack::{Principal, QueueUse, Target};
use crate::verify::world::Thing;

impl Declared<'_> {
    /// Those who use what the key encrypts, and whom the stack knows to be let in by others.
    pub(super) fn of_key(&self, thing: &Thing) -> Bound {
        let mut bound = Bound::delegates(thing, "kms:*");
        let mut allow = |name: Name, actions: &[&str], conditions: Conditions| {
            let all = Some(BTreeSet::from(["*".to_owned()]));
            bound.allow(name, actions, all, conditions);
        };
        for (address, want) in &self.desired.wants {
            let with_key = self.uses_with_key(want, &thing.arn);
            if with_key.is_empty() {
                continue;
            }
            for (access, grant) in self.to(address) {
                let from = match self.acting(access, grant) {
                    Principal::RoleArn(arn) => Principal::Named(arn),
                    Principal::Role(name) => Principal::Named(self.stack.roles[&name].arn.clone()),
                    // To KMS, EventBridge does not say for which rule it publishes.
                    Principal::ServiceFor { service, .. }
                        if address.kind == KindName::Topic && service == "events.amazonaws.com" =>
                    {
                        Principal::Service(service)
                    }
                    other => other,
                };
                let (name, conditions) = names(&from, self.stack, thing);
                let uses = match &access.to {
                    Target::Queue { uses, .. } => uses.clone(),
                    _ => [QueueUse::Send].into(),
                };
                for it in uses.into_iter().filter(|it| with_key.contains(it)) {
                    allow(name.clone(), by_key(it), conditions.clone());
                }
            }
            let Resource::Queue(queue) = &want.resource else {
                continue;
            };
            if !with_key.contains(&QueueUse::Send) {
                continue;
            }
            for topic in self
                .delivering
                .get(queue.arn.as_str())
                .into_iter()
                .flatten()
            {
                let service = delivery(topic, queue.arn.as_str()).principal.to_string();
                let conditions = condition("ArnEquals", "aws:SourceArn", [topic.clone()]);
                let name = ("Service".to_owned(), service);
                allow(name, by_key(QueueUse::Send), conditions);
            }
            for (api, it) in &self.stack.apis {
                let role = Address::new(KindName::Role, format!("{api}-integration"));
                let role = self
                    .desired
                    .wants
                    .get(&role)
                    .and_then(|it| it.resource.arn());
                if let Some(role) = role.filter(|_| queues_of_integrations(it).contains(address)) {
                    let (name, conditions) =
                        names(&Principal::Named(role.clone()), self.stack, thing);
                    allow(name, by_key(QueueUse::Send), conditions);
                }
            }
        }
        let known = self.desired.wants.get(&thing.address).map(|it| &it.known);
        let statements = thing.policy.iter().flat_map(|it| &it.document.statements);
        let known = statements.filter(|it| {
            let digest = statement_digest(it);
            it.effect == Effect::Allow && known.is_some_and(|it| it.contains(&digest))
        });
        bound.written.extend(known.cloned());
        bound
    }
}
