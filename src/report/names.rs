//! How text names resources: by kind and name, and by their addresses where documents have ARNs.

use super::style::{NAME, styled};
use crate::kinds::Resource;
use crate::model::{Address, Names};
use crate::plan::Plan;

/// `queue billing-inbox`.
#[must_use]
pub fn title(address: &Address) -> String {
    format!(
        "{} {}",
        address.kind.singular(),
        styled(NAME, &address.name)
    )
}

/// Addresses for the ARNs of a plan's own resources, and who a deleted id was.
pub(super) fn names(plan: &Plan) -> Names<String> {
    let resources = plan.steps.iter().flat_map(|step| {
        let want = step.want.as_ref().map(|it| &it.resource);
        let have = step.have.as_ref().map(|it| &it.resource);
        want.into_iter().chain(have).map(move |it| (step, it))
    });
    let resources = resources.filter_map(|(step, resource)| {
        let arn = match (resource, resource.arn()) {
            (_, Some(arn)) => arn.to_string(),
            (Resource::RestApi(_), None) => {
                let id = step.have.as_ref().map(|it| it.id.clone());
                let id = id.unwrap_or_else(|| step.address.to_string());
                let place = &step.place;
                let partition = place.partition();
                format!(
                    "arn:{partition}:execute-api:{}:{}:{id}",
                    place.region, place.id
                )
            }
            (_, None) => return None,
        };
        Some((arn, step.address.to_string()))
    });
    let ghosts = plan.ghosts.iter().map(|it| (it.id.clone(), it.to_string()));
    let roots = plan.steps.iter().map(|it| {
        let root = format!("arn:{}:iam::{}:root", it.place.partition(), it.place.id);
        (root, format!("accounts.{}", it.place.account))
    });
    roots.chain(ghosts).chain(resources).collect()
}
