//! Which mechanism suits a new consumer, with what it costs and what room it leaves.

use std::collections::BTreeSet;

use super::{Answers, Read, RoleOf, candidate, disturbance, disturbed, joined};
use crate::kinds::survey::Live;
use crate::lower::{self, Desired, Grant};
use crate::model::Address;
use crate::plan::{Consent, Plan};
use crate::stack::{Source, Stack, Via};

/// What a mechanism would mean for a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The mechanism.
    pub via: Via,
    /// What it means, a sentence each.
    pub says: Vec<String>,
    /// Whether the stack would do with it.
    pub fits: bool,
    /// Whether somebody else would have to call by another way than before.
    pub disturbs: bool,
}

/// What each mechanism would mean: how full the documents would be, and why `auto` chooses what
/// it chooses. Read off the stack alone: what others wrote into a policy is metered by the plan.
#[must_use]
pub fn advice(
    sources: &[Source],
    into: usize,
    stack: &Stack,
    answers: &Answers,
    read: Read<'_>,
) -> Vec<Advice> {
    let before = lower::lower(stack).ok();
    [Via::Auto, Via::ResourcePolicy, Via::AssumeRole]
        .into_iter()
        .filter_map(|via| {
            let answers = Answers {
                via,
                ..answers.clone()
            };
            let sources = joined(sources, into, stack, &answers)?;
            Some(match candidate(sources, read) {
                Ok(it) => said(via, &answers, &it, before.as_ref()),
                Err(unfit) => Advice {
                    via,
                    says: unfit.sentences(),
                    fits: false,
                    disturbs: false,
                },
            })
        })
        .collect()
}

fn said(via: Via, answers: &Answers, it: &super::Candidate, before: Option<&Desired>) -> Advice {
    let own = format!("roles.{}", answers.consumer);
    let elsewhere = match &answers.role {
        Some(RoleOf::Existing(arn)) => arn.as_str(),
        _ => &own,
    };
    let grants = it.desired.grants.iter();
    let new: Vec<&Grant> = grants
        .filter(|it| it.who == own || it.who == elsewhere)
        .collect();
    let mut says = Vec::new();
    if via == Via::Auto {
        for grant in &new {
            let how = match grant.via {
                Via::AssumeRole => "by an access role",
                _ => "by resource policy",
            };
            let why = grant.why.as_deref().unwrap_or("the only way");
            says.push(format!("{} {how}: {why}", grant.target));
        }
    } else if via == Via::AssumeRole {
        says.push(
            "an access role of its own: one STS call an hour, and room for any number of consumers"
                .to_owned(),
        );
    }
    let plan = Plan::between(&it.desired, &Live::default(), &Consent::default());
    let targets: BTreeSet<&Address> = new
        .iter()
        .filter(|it| it.via == Via::ResourcePolicy)
        .map(|it| &it.target)
        .collect();
    for gauge in &plan.gauges {
        if gauge.document != "policy" || !targets.contains(&gauge.address) {
            continue;
        }
        let room = match gauge.room {
            Some(1) => ", room for 1 more like it".to_owned(),
            Some(room) => format!(", room for {room} more like it"),
            None => String::new(),
        };
        let budget = &gauge.budget;
        says.push(format!(
            "the policy of {} would take {} of {} {}{room}",
            gauge.address, budget.used, budget.limit, budget.what
        ));
    }
    let others = before.map(|before| disturbed(before, &it.desired));
    let others = others.unwrap_or_default();
    says.extend(disturbance(&others));
    Advice {
        via,
        says,
        disturbs: !others.is_empty(),
        fits: !plan.refusals.iter().any(|it| it.budget),
    }
}
