//! How full each document would be, before anything is touched.

use crate::kinds::{Resource, Want};
use crate::model::Address;
use crate::policy::Document;
use crate::policy::normal::ApiName;
use crate::policy::size::{self, Budget};

use super::{Refusal, Step};

/// A document's fullest budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gauge {
    /// The resource.
    pub address: Address,
    /// Which of its documents.
    pub document: &'static str,
    /// What is used of what there is.
    pub budget: Budget,
    /// What to do when it is full.
    pub way_out: &'static str,
}

/// Foreign statements count too: they are written back with ours.
fn whole(step: &Step, want: &Want, ours: &Document) -> Document {
    step.have
        .as_ref()
        .map_or_else(|| ours.clone(), |it| it.policy_with(ours, want.exclusive))
}

/// The gauges of every document that is wanted.
pub(super) fn gauges(steps: &[Step]) -> Vec<Gauge> {
    let mut found = Vec::new();
    for step in steps {
        let Some(want) = &step.want else { continue };
        let mut add = |document, budget: Option<Budget>, way_out| {
            if let Some(budget) = budget {
                found.push(Gauge {
                    address: step.address.clone(),
                    document,
                    budget,
                    way_out,
                });
            }
        };
        let fullest = |budgets: Vec<Budget>| size::tightest(&budgets).cloned();
        match &want.resource {
            Resource::Role(role) => {
                if want.owned {
                    add(
                        "trust policy",
                        Some(size::trust(&role.trust, size::TRUST)),
                        "name fewer principals, a role-name prefix, or a whole account",
                    );
                }
                add(
                    "inline policies",
                    Some(size::inline(role.inline.values())),
                    "let the role use fewer targets, or move policies of your own to managed ones (`attach`)",
                );
            }
            Resource::Topic(topic) => add(
                "policy",
                fullest(size::topic(&whole(step, want, &topic.policy))),
                "write `via = \"assume-role\"` for some of its publishers",
            ),
            Resource::Queue(queue) => add(
                "policy",
                fullest(size::queue(&whole(step, want, &queue.policy))),
                "subscribe the queue to fewer topics",
            ),
            Resource::RestApi(api) if !api.policy.statements.is_empty() => {
                // The id has ten characters, chosen or not.
                let name = ApiName {
                    partition: want.place.partition().as_str(),
                    region: want.place.region.as_str(),
                    account: want.place.id.as_str(),
                    api: "0123456789",
                };
                add(
                    "policy",
                    Some(size::api(&whole(step, want, &api.policy), &name)),
                    "write `via = \"assume-role\"` for some of its consumers",
                );
            }
            Resource::RestApi(_) | Resource::Subscription(_) | Resource::Stage(_) => {}
        }
    }
    found
}

/// The documents AWS would refuse.
pub(super) fn refusals(gauges: &[Gauge]) -> Vec<Refusal> {
    gauges
        .iter()
        .filter(|it| it.budget.is_over())
        .map(|it| Refusal {
            address: it.address.clone(),
            message: format!(
                "its {} would take {} of {} {}; {}",
                it.document, it.budget.used, it.budget.limit, it.budget.what, it.way_out
            ),
            budget: true,
        })
        .collect()
}
