//! Claims on what other stacks offer: this stack's half is tried, the other is taken from the contract.

use crate::lower::Claiming;
use crate::lower::keys::SENDING;
use crate::policy::{Clause, MethodAuth, PrincipalClause, Request, Statement, Who};

use super::claim::{Finding, Promise, Trial};
use super::may::Case;
use super::promised::promised;
use super::voice::{Voice, root};
use super::world::{Caller, Thing};

impl Case<'_> {
    /// Tries the callers' half of every claim.
    pub(super) fn contracts(&self, findings: &mut Vec<Finding>) {
        for claiming in &self.desired.claims {
            let mut trial = Trial::default();
            match self.world.thing(&claiming.from) {
                None => trial.lacks(format!("{} is not there", claiming.from)),
                Some(role) => {
                    for resource in &claiming.resources {
                        self.own_half(&mut trial, claiming, role, resource);
                    }
                    trial.depends_on(claiming.lacks.clone());
                }
            }
            findings.push(Finding {
                claim: format!(
                    "{} may {} {}: its half, beside what stack `{}` offers",
                    claiming.from, claiming.may, claiming.target, claiming.owner
                ),
                promise: Promise::May,
                subject: claiming.from.clone(),
                written_at: Some(claiming.claim.written_at.clone()),
                steps: trial.steps.clone(),
                outcome: trial.outcome(),
            });
        }
    }

    fn own_half(&self, trial: &mut Trial, claiming: &Claiming, role: &Thing, resource: &str) {
        let allow = Statement::allow("Offered", Clause::of(claiming.actions.iter().copied()))
            .to(PrincipalClause::aws([root(
                &role.place,
                role.place.id.as_str(),
            )]))
            .on([resource]);
        let target = promised(
            &claiming.claim.to,
            &claiming.owner,
            resource,
            &role.place,
            vec![allow],
        );
        // A pattern is tried by one of the calls that it means.
        let concrete = resource.replace('*', "x");
        for action in claiming.actions {
            let who = Who::Arn(role.arn.clone());
            let mut request = Request::new(who, *action, concrete.clone());
            if *action == "execute-api:Invoke" {
                request.method_auth = Some(MethodAuth::Iam);
            }
            if let Some(id) = &claiming.claim.offered.external_id {
                request = request.with("sts:ExternalId", [id.as_str()]);
            }
            self.step(trial, &request, Caller::Role(role), &target);
        }
        if let Some(key) = &claiming.key {
            self.uses_key(
                trial,
                key.arn().as_str(),
                &SENDING,
                &Voice::role(role),
                &target,
            );
        }
    }
}
