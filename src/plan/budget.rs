//! How full each document would be, before anything is touched.

use crate::kinds::{Resource, Want};
use crate::model::Address;
use crate::policy::normal::ApiName;
use crate::policy::size::{self, Budget};
use crate::policy::{Document, Principals};

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
    /// How many more consumers like the last one fit; `None` where consumers do not fill it.
    pub room: Option<usize>,
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
        let mut add = |document, budget: Option<Budget>, room, way_out| {
            if let Some(budget) = budget {
                found.push(Gauge {
                    address: step.address.clone(),
                    document,
                    budget,
                    room,
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
                        room(&role.trust, |it| vec![size::trust(it, size::TRUST)]),
                        "name fewer principals, a role-name prefix, or a whole account",
                    );
                }
                add(
                    "inline policies",
                    Some(size::inline(role.inline.values())),
                    None,
                    "let the role use fewer targets, or move policies of your own to managed ones (`attach`)",
                );
            }
            Resource::Topic(topic) => {
                let document = whole(step, want, &topic.policy);
                add(
                    "policy",
                    fullest(size::topic(&document)),
                    room(&document, size::topic),
                    "write `via = \"assume-role\"` for some of its publishers: each then has a role of its own \
                     beside the topic, just as exact, for one STS call an hour",
                );
            }
            Resource::Queue(queue) => add(
                "policy",
                fullest(size::queue(&whole(step, want, &queue.policy))),
                None,
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
                let document = whole(step, want, &api.policy);
                add(
                    "policy",
                    Some(size::api(&document, &name)),
                    room(&document, |it| vec![size::api(it, &name)]),
                    "write `via = \"assume-role\"` for some of its consumers: each then has a role of its own \
                     beside the API, just as exact, for one STS call an hour. Coarser, and still in the policy: \
                     one `{ account, role_prefix }` or `{ account }` for many roles",
                );
            }
            Resource::RestApi(_) | Resource::Subscription(_) | Resource::Stage(_) => {}
        }
    }
    found
}

/// How many more consumers fit, when each costs as much as one of those there: a
/// principal among its likes.
fn room(document: &Document, sizes: impl Fn(&Document) -> Vec<Budget>) -> Option<usize> {
    let mut without = document.clone();
    let lists = without.statements.iter_mut().filter_map(|it| {
        match &mut it.principal.as_mut()?.principals {
            Principals::Of(types) => types.get_mut("AWS"),
            Principals::Anyone => None,
        }
    });
    let longest = lists.max_by_key(|it| it.len()).filter(|it| it.len() > 1)?;
    longest.pop();
    size::room(&sizes(&without), &sizes(document))
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
