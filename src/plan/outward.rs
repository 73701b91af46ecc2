//! What roles of the stack are let do elsewhere: their half of what other stacks offer.

use std::collections::BTreeSet;

use super::Step;
use super::edges::Edge;
use crate::kinds::role::inline_prefix;
use crate::kinds::{Resource, pending_id};
use crate::lower::Desired;
use crate::model::Arn;

/// What roles of the stack are let do elsewhere: their half of what others offer.
pub(super) struct Outward {
    /// What resources of the stack begin with in policies.
    own: Vec<String>,
}

impl Outward {
    pub(super) fn of_steps(steps: &[Step]) -> Self {
        let mut own = Vec::new();
        for step in steps {
            let want = step.want.as_ref().map(|it| &it.resource);
            let have = step.have.as_ref().map(|it| &it.resource);
            for resource in want.into_iter().chain(have) {
                own.extend(resource.arn().map(ToString::to_string));
                if let Resource::RestApi(_) = resource {
                    let ids = step.have.iter().map(|it| it.id.clone());
                    for id in ids.chain([pending_id(&step.address)]) {
                        let arn = Arn::regional(&step.place, "execute-api", &id);
                        own.push(format!("{arn}/"));
                    }
                }
            }
        }
        Self { own }
    }

    fn is_own(&self, resource: &str) -> bool {
        self.own
            .iter()
            .any(|it| it == resource || (it.ends_with('/') && resource.starts_with(it)))
    }

    /// What roles may do elsewhere, by one side of each step.
    pub(super) fn of<'a>(
        &self,
        desired: &Desired,
        steps: &'a [Step],
        side: impl Fn(&'a Step) -> Option<&'a Resource>,
    ) -> Vec<Edge> {
        let policy = format!("{}access", inline_prefix(&desired.stack));
        let mut found = Vec::new();
        for step in steps {
            let Some(Resource::Role(role)) = side(step) else {
                continue;
            };
            let managed = role.managed.values().map(|it| &it.document);
            let documents = role.inline.get(&policy).into_iter().chain(managed);
            let statements = documents.flat_map(|it| &it.statements);
            let allowed: BTreeSet<(&str, &str)> = statements
                .flat_map(|it| {
                    let on = it.resource.iter().flat_map(|it| &it.values);
                    on.flat_map(|on| it.action.values.iter().map(|it| (it.as_str(), on.as_str())))
                })
                .filter(|(_, on)| !self.is_own(on))
                .collect();
            let mut told = BTreeSet::new();
            for it in desired.claims.iter().filter(|it| it.from == step.address) {
                let parts: Vec<_> = it
                    .resources
                    .iter()
                    .flat_map(|on| it.actions.iter().map(move |action| (*action, on.as_str())))
                    .collect();
                if !parts.is_empty() && parts.iter().all(|it| allowed.contains(it)) {
                    told.extend(parts);
                    found.push(Edge {
                        who: step.address.to_string(),
                        may: it.may.clone(),
                        target: it.target.clone(),
                        via: "contract, as far as this stack goes",
                    });
                }
            }
            for (action, on) in allowed.difference(&told) {
                let may = match *action {
                    "sts:AssumeRole" => "assume",
                    "execute-api:Invoke" => "call",
                    "sns:Publish" => "publish to",
                    "sqs:SendMessage" => "send to",
                    "sqs:ReceiveMessage" => "receive from",
                    _ => continue,
                };
                found.push(Edge {
                    who: step.address.to_string(),
                    may: may.to_owned(),
                    target: (*on).to_owned(),
                    via: "its own policy, as far as this stack goes",
                });
            }
        }
        found
    }
}
