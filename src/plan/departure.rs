//! What somebody's leaving takes: everything that the stack wants no more, and nothing else.
//!
//! It is read off the stack as it was, not off marks that an index may not show yet: so a
//! role that something else made loses our policy on it, too.

use std::collections::BTreeMap;

use super::{Plan, Step, access, broadened, documents, held, unmaking};
use crate::kinds::Resource;
use crate::kinds::survey::Live;
use crate::lower::Desired;
use crate::model::{Arn, Place};

impl Desired {
    /// Lets subscriptions of queues that are out of reach stand at their topics, which are not:
    /// whoever owns a topic may end what is subscribed to it.
    #[must_use]
    pub fn with_subscriptions_at_topics(mut self) -> Self {
        let topics: BTreeMap<Arn, Place> = self
            .wants
            .values()
            .filter_map(|it| match &it.resource {
                Resource::Topic(topic) => Some((topic.arn.clone(), it.place.clone())),
                _ => None,
            })
            .collect();
        for want in self.wants.values_mut() {
            if let Resource::Subscription(it) = &want.resource
                && self.unreachable.contains(&want.place.id)
                && let Some(place) = topics.get(&it.topic)
            {
                want.place = place.clone();
            }
        }
        self
    }
}

impl Plan {
    /// What makes the stack as it was into the stack as it will be, where the one wants less than
    /// the other: what is left of it is brought in step, and what is wanted no more is taken away.
    ///
    /// `live` was read by what the stack wanted before. Nothing that left the stack earlier is touched.
    #[must_use]
    pub fn of_departure(before: &Desired, after: &Desired, live: &Live) -> Self {
        let staying = Live {
            orphans: Vec::new(),
            ..live.clone()
        };
        let mut plan = Self::between(after, &staying, &super::Consent::default());
        let gone = || {
            let wants = before.wants.iter();
            wants.filter(|(address, _)| !after.wants.contains_key(*address))
        };
        for it in &mut plan.left {
            if let Some(place) = before.places.iter().find(|place| place.id == it.id) {
                it.account = place.account.clone();
            }
            let here = gone().filter(|(_, want)| want.place.id == it.id);
            it.addresses
                .extend(here.map(|(address, _)| address.clone()));
        }
        let going: Vec<Step> = gone()
            .filter_map(|(address, want)| unmaking(address, want, before, live))
            .map(|mut it| {
                it.because = it
                    .because
                    .or_else(|| Some("it leaves the stack".to_owned()));
                it
            })
            .collect();
        plan.refusals.extend(held(&going));
        plan.steps.extend(going);
        plan.access = access::changes(before, &plan.steps, &plan.reborn, &live.guests);
        plan.widenings = broadened::widenings(&plan.steps, &live.policies);
        plan.statements = documents::statements(&plan.steps);
        plan
    }
}
