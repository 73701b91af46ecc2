//! What is between this stack and others: what the other half still lacks, as far as it can be seen.
//!
//! An owner sees the subscriptions to its topics, and what consumers say in their claims files. A
//! consumer sees its contract, and its own subscriptions. Nobody sees into the policies of another's
//! account, and what cannot be seen is said to be unseen.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Action, Refusal, Step};
use crate::kinds::survey::Live;
use crate::kinds::{Have, Resource, Subscription};
use crate::lower::Desired;
use crate::model::{Address, Arn, KindName, Tags};
use crate::stack::{Claimed, Invited, Leave, Offer};

/// What is told of a half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The other half is missing something.
    Lacks,
    /// Something is claimed, or used, that is not offered, or not any more.
    Unoffered,
    /// Nothing of the other half can be seen from here.
    Unseen,
}

impl Standing {
    /// The sign a plan shows it by.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Lacks => "~",
            Self::Unoffered => "!",
            Self::Unseen => "?",
        }
    }
}

/// Something about the other half of an access.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Half {
    /// What is told.
    pub standing: Standing,
    /// The other stack, where it is known.
    pub stack: Option<String>,
    /// The same in words.
    pub says: String,
    /// Where it is written, as `file:line`.
    pub written_at: Option<String>,
}

/// What is between the stack and others.
pub(super) fn halves(desired: &Desired, live: &Live, steps: &[Step]) -> Vec<Half> {
    let mut found = BTreeSet::new();
    for it in &desired.claims {
        if let Some(lacks) = &it.lacks {
            found.insert(Half {
                standing: Standing::Lacks,
                stack: Some(it.owner.clone()),
                says: format!("{} may {} {}: {lacks}", it.from, it.may, it.target),
                written_at: Some(it.claim.written_at.clone()),
            });
        }
    }
    for step in steps.iter().filter(|it| it.action == Action::Create) {
        if let Some(owner) = step.want.as_ref().and_then(|it| it.other_half.as_ref()) {
            found.insert(Half {
                standing: Standing::Lacks,
                stack: Some(owner.clone()),
                says: format!(
                    "{} needs the half of stack `{owner}`: until its topic lets the queue subscribe, SNS refuses, and a later apply goes on",
                    step.address
                ),
                written_at: None,
            });
        }
    }
    for (address, have) in &live.have {
        if let Some(keeper) = &have.keeper {
            found.insert(Half {
                standing: Standing::Lacks,
                stack: None,
                says: format!("{address}: {}", keeper.says(address, &have.id)),
                written_at: None,
            });
        }
    }
    for it in &desired.withdrawn {
        found.insert(Half {
            standing: Standing::Unoffered,
            stack: None,
            says: format!("{}: {}", it.by, it.says),
            written_at: Some(it.written_at.clone()),
        });
    }
    found.extend(
        desired
            .claimed
            .iter()
            .filter_map(|it| claimed(it, desired, live)),
    );
    found.extend(unclaimed(desired, live));
    found.into_iter().collect()
}

fn is_subscribed(live: &Live, topic: &Address, queue: &Arn) -> bool {
    live.guests
        .iter()
        .any(|it| it.topic == *topic && it.queue == queue.as_str() && !it.pending)
}

/// What is to be told of a claim of another stack.
fn claimed(it: &Claimed, desired: &Desired, live: &Live) -> Option<Half> {
    let offered = desired
        .offers
        .iter()
        .any(|offer| offer.covers(&it.to, &it.leave, &it.by));
    let (standing, says) = if !offered {
        let subscribed = it.leave == Leave::Subscribe && is_subscribed(live, &it.to, &it.by);
        let cut_off = if subscribed {
            format!(
                "; its subscription stays until `provision apply --cut-off {}`",
                it.by
            )
        } else {
            String::new()
        };
        let says = format!(
            "stack `{}` still claims to {} {} for {}, and it is not offered{cut_off}",
            it.stack,
            it.leave.verb(),
            it.to,
            it.by
        );
        (Standing::Unoffered, says)
    } else if it.leave == Leave::Subscribe && !is_subscribed(live, &it.to, &it.by) {
        let says = format!(
            "stack `{}` claims to subscribe {} to {}, and has not done so yet",
            it.stack, it.by, it.to
        );
        (Standing::Lacks, says)
    } else {
        return None;
    };
    Some(Half {
        standing,
        stack: Some(it.stack.clone()),
        says,
        written_at: Some(it.written_at.clone()),
    })
}

/// Offers that no claims file speaks of.
fn unclaimed(desired: &Desired, live: &Live) -> Vec<Half> {
    let mut found = Vec::new();
    let mut unseen = 0;
    for offer in &desired.offers {
        let known = desired
            .claimed
            .iter()
            .any(|it| offer.covers(&it.to, &it.leave, &it.by));
        match (&offer.leave, &offer.to_whom) {
            _ if known => {}
            (_, Invited::Anyone) => found.push(Half {
                standing: Standing::Lacks,
                stack: None,
                says: format!(
                    "{} is offered to anyone, and no listed claims file claims to {} it: nobody is let in yet",
                    offer.to,
                    bare(offer)
                ),
                written_at: Some(offer.written_at.clone()),
            }),
            (Leave::Subscribe, Invited::Queue(queue)) => {
                if !is_subscribed(live, &offer.to, queue) {
                    found.push(Half {
                        standing: Standing::Lacks,
                        stack: offer.name.clone(),
                        says: format!("{queue} has not subscribed to {} yet", offer.to),
                        written_at: Some(offer.written_at.clone()),
                    });
                }
            }
            _ => unseen += 1,
        }
    }
    if unseen > 0 {
        let (what, are) = if unseen == 1 {
            ("1 offer".to_owned(), "is")
        } else {
            (format!("{unseen} offers"), "are")
        };
        found.push(Half {
            standing: Standing::Unseen,
            stack: None,
            says: format!(
                "{what} {are} in no listed claims file: whether the consumers' half is there cannot be seen from here"
            ),
            written_at: None,
        });
    }
    found
}

fn bare(offer: &Offer) -> String {
    let verb = offer.leave.verb();
    verb.trim_end_matches(" of")
        .trim_end_matches(" to")
        .to_owned()
}

/// The steps that end the subscriptions of another's queue.
pub(super) fn cut_off(desired: &Desired, live: &Live, queue: &Arn) -> Result<Vec<Step>, Refusal> {
    let address = |topic: &str| {
        let name = format!("{}-{}.{topic}", queue.account(), queue.name());
        Address::new(KindName::Subscription, name)
    };
    let refusal = |address: Address, message: String| Refusal {
        address,
        message,
        budget: false,
        ways_out: Vec::new(),
    };
    let theirs: Vec<_> = live
        .guests
        .iter()
        .filter(|it| it.queue == queue.as_str() && !it.pending)
        .collect();
    if let Some(it) = theirs.iter().find(|it| it.offered) {
        return Err(refusal(
            it.topic.clone(),
            format!("`{queue}` is still let subscribe to it; take that out of the stack first"),
        ));
    }
    if theirs.is_empty() {
        let message = format!("nothing to cut off: `{queue}` subscribes to no topic of this stack");
        return Err(refusal(address("any"), message));
    }
    let steps = theirs.iter().filter_map(|guest| {
        let want = desired.wants.get(&guest.topic)?;
        let Resource::Topic(topic) = &want.resource else {
            return None;
        };
        let resource = Resource::Subscription(Subscription {
            topic: topic.arn.clone(),
            queue: queue.clone(),
            raw: false,
            filter: None,
            filter_on_body: false,
            dead_letter: None,
        });
        Some(Step {
            address: address(topic.arn.name()),
            place: want.place.clone(),
            action: Action::Delete,
            changes: Vec::new(),
            want: None,
            have: Some(Have::of(resource, guest.arn.clone(), &Tags::new())),
            because: Some("it is cut off".to_owned()),
            drifted: false,
            publishes: Vec::new(),
            bridge: None,
        })
    });
    Ok(steps.collect())
}
