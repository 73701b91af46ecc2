//! How text names resources: by kind and name, and by their addresses where documents have ARNs.

use super::style::{NAME, styled};
use crate::kinds::Resource;
use crate::model::{Address, Names};
use crate::plan::{Plan, Step};
use crate::policy::stand_in::RealNames;

/// `queue billing-inbox`.
#[must_use]
pub fn title(address: &Address) -> String {
    format!(
        "{} {}",
        address.kind.singular(),
        styled(NAME, &address.name)
    )
}

/// Every name that a plan's accounts, resources and policies give, to tell those that an example makes up.
pub(super) fn real_names(plan: &Plan) -> RealNames {
    let accounts = plan.steps.iter().map(|it| &it.place);
    let mut names =
        RealNames::of_accounts(accounts.map(|it| (it.id.to_string(), it.account.clone())));
    for (step, resource) in resources(plan) {
        names.add(&arn_of(step, resource).unwrap_or_default());
        resource.add_names(&mut names);
        let live = step.have.as_ref().and_then(|it| it.document.as_ref());
        if let Some(live) = live {
            names.add_policy(live);
        }
    }
    names
}

fn resources(plan: &Plan) -> impl Iterator<Item = (&Step, &Resource)> {
    plan.steps.iter().flat_map(|step| {
        let want = step.want.as_ref().map(|it| &it.resource);
        let have = step.have.as_ref().map(|it| &it.resource);
        want.into_iter().chain(have).map(move |it| (step, it))
    })
}

/// The ARN of a step's resource; of an API, the part before the stage.
fn arn_of(step: &Step, resource: &Resource) -> Option<String> {
    match (resource, resource.arn()) {
        (_, Some(arn)) => Some(arn.to_string()),
        (Resource::RestApi(_), None) => {
            let id = step.have.as_ref().map(|it| it.id.clone());
            let id = id.unwrap_or_else(|| step.address.to_string());
            let place = &step.place;
            let partition = place.partition();
            Some(format!(
                "arn:{partition}:execute-api:{}:{}:{id}",
                place.region, place.id
            ))
        }
        (_, None) => None,
    }
}

/// Addresses for the ARNs of a plan's own resources, and who a deleted id was.
pub(super) fn names(plan: &Plan) -> Names<String> {
    let resources = resources(plan)
        .filter_map(|(step, resource)| Some((arn_of(step, resource)?, step.address.to_string())));
    let ghosts = plan.ghosts.iter().map(|it| (it.id.clone(), it.to_string()));
    let roots = plan.steps.iter().map(|it| {
        let root = format!("arn:{}:iam::{}:root", it.place.partition(), it.place.id);
        (root, format!("accounts.{}", it.place.account))
    });
    roots.chain(ghosts).chain(resources).collect()
}
