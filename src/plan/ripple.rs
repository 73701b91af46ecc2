//! What a change of one resource means for the others: ids that are not known any more,
//! principals that die, stages that serve what is not so any more.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Step, left};
use crate::kinds::survey::Live;
use crate::kinds::{Have, Resource, RestApi, roles_named};
use crate::lower::Desired;
use crate::model::{Address, Arn, Detail, KindName};

/// ARNs of the roles that the plan makes: what names them has to be written again.
pub(super) fn roles_to_make(desired: &Desired, live: &Live) -> BTreeSet<Arn> {
    desired
        .wants
        .iter()
        .filter(|(address, want)| {
            !live.have.contains_key(*address) && !desired.unreachable.contains(&want.place.id)
        })
        .filter_map(|(_, want)| match &want.resource {
            Resource::Role(role) => Some(role.arn.clone()),
            _ => None,
        })
        .collect()
}

/// Ids that AWS chose and that stay: an API that is replaced gets another.
pub(super) fn lasting_ids(desired: &Desired, live: &Live) -> BTreeMap<Address, String> {
    let mut ids = left::ids(desired, live);
    ids.retain(|address, _| {
        let want = desired.wants.get(address);
        let both = want.zip(live.have.get(address));
        both.is_none_or(|(want, have)| !want.resource.differences(want, have).replaces())
    });
    ids
}

/// Tells the documents that name a role which is replaced.
pub(super) fn tell_of_replaced_roles(steps: &mut [Step]) {
    let replaced: BTreeSet<Arn> = steps
        .iter()
        .filter(|it| it.action == Action::Replace)
        .filter_map(|it| match &it.have.as_ref()?.resource {
            Resource::Role(role) => Some(role.arn.clone()),
            _ => None,
        })
        .collect();
    for step in steps {
        let (Some(want), Some(have)) = (&mut step.want, &step.have) else {
            continue;
        };
        let documents = have.resource.principal_documents();
        want.renames = documents
            .iter()
            .any(|(_, it)| !roles_named(it).is_disjoint(&replaced));
    }
}

/// Tells each stage which methods and statements of others its next deployment holds, and shows what such a deployment
/// would publish that the owner of another's API has not deployed.
pub(super) fn tell_surfaces(steps: &mut [Step]) {
    let mut surfaces: BTreeMap<Address, (String, String, Option<Have>)> = BTreeMap::new();
    for step in steps.iter() {
        let Some(want) = &step.want else { continue };
        let Resource::RestApi(api) = &want.resource else {
            continue;
        };
        let have = step.have.as_ref();
        let methods = RestApi::digest_of_methods(&api.methods_after(have));
        let policy = RestApi::digest_of_foreign(Some(want), have);
        let theirs = have.filter(|_| api.existing.is_some()).cloned();
        surfaces.insert(step.address.clone(), (methods, policy, theirs));
    }
    for step in steps {
        let Some(Resource::Stage(stage)) = step.want.as_mut().map(|it| &mut it.resource) else {
            continue;
        };
        let Some((methods, policy, theirs)) = surfaces.get(&stage.api) else {
            continue;
        };
        stage.methods.clone_from(methods);
        stage.policy.clone_from(policy);
        if let (Some(theirs), Some(have)) = (theirs, &step.have) {
            step.publishes = undeployed(have, theirs);
        }
    }
}

/// What another's API has that a stage of it does not serve.
fn undeployed(stage: &Have, api: &Have) -> Vec<Detail> {
    match (&stage.resource, &api.resource) {
        (Resource::Stage(stage), Resource::RestApi(live)) => {
            stage.undeployed(&live.methods, &RestApi::digest_of_foreign(None, Some(api)))
        }
        _ => Vec::new(),
    }
}

/// Shows what the removal of our statements would publish of others' APIs: it deploys them, too.
pub(super) fn tell_what_removals_publish(steps: &mut [Step], live: &Live) {
    for step in steps.iter_mut().filter(|it| it.want.is_none()) {
        let Some(api) = step.have.as_ref() else {
            continue;
        };
        let stages = live.have.values().filter(|it| {
            matches!(&it.resource, Resource::Stage(stage) if stage.existing && stage.api == step.address)
        });
        step.publishes = stages.flat_map(|stage| undeployed(stage, api)).collect();
    }
}

/// A changed method, authorizer or policy is served only by a new deployment.
pub(super) fn redeploy_changed_apis(steps: &mut [Step]) {
    tell_surfaces(steps);
    let changed: BTreeMap<Address, String> = steps
        .iter()
        .filter(|it| it.address.kind == KindName::RestApi && it.action != Action::Keep)
        .filter_map(|it| {
            let fields: Vec<&str> = it
                .changes
                .iter()
                .map(|it| it.field.as_str())
                .filter(|it| RestApi::is_served(it))
                .collect();
            let replaced = matches!(it.action, Action::Create | Action::Replace);
            (replaced || !fields.is_empty()).then(|| (it.address.clone(), fields.join(" and ")))
        })
        .collect();
    let apis = || {
        steps
            .iter()
            .filter(|it| it.address.kind == KindName::RestApi)
    };
    let of = |which: &dyn Fn(&Step) -> bool| -> BTreeSet<Address> {
        let found = apis().filter(|it| which(it));
        found.map(|it| it.address.clone()).collect()
    };
    let there = of(&|it| it.have.is_some());
    let drifted = of(&|it| it.drifted);
    let announced: BTreeSet<Address> = steps
        .iter()
        .filter(|it| changed.contains_key(&it.address))
        .filter(|it| it.have.as_ref().is_some_and(RestApi::announces))
        .map(|it| it.address.clone())
        .collect();
    for step in steps
        .iter_mut()
        .filter(|it| it.address.kind == KindName::Stage)
    {
        if let Some(want) = &mut step.want {
            let owed = |it: &Address| announced.contains(it);
            let older = |it: &Address| step.have.is_none() && there.contains(it);
            want.repin = want.needs.iter().any(|it| owed(it) || older(it));
        }
        let (Some(want), Some(have)) = (&mut step.want, &mut step.have) else {
            continue;
        };
        if step.action == Action::Keep {
            step.drifted = want.needs.iter().any(|it| drifted.contains(it));
        }
        let Some(fields) = want.needs.iter().find_map(|it| changed.get(it)) else {
            continue;
        };
        let differences = want.resource.differences(want, have);
        let same = !differences.has("deployment");
        step.changes = differences.into_changes();
        if same {
            // The text is as it was deployed, and what AWS made of it is not: a principal made anew.
            if let Resource::Stage(stage) = &mut have.resource {
                stage.surface = String::new();
            }
            step.changes = want.resource.differences(want, have).into_changes();
        }
        // What another stack deploys meanwhile says that it holds this one's part, and holds what the API had then.
        want.repin |= !want.owned;
        step.action = Action::Update;
        step.because = Some(if fields.is_empty() {
            "its API is made anew".to_owned()
        } else {
            format!("its API's {fields} changed")
        });
    }
}
