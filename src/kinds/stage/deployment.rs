//! Deployments: what is written on them, and how they go.

use std::collections::{BTreeMap, BTreeSet};

use super::{Serves, Stage};
use crate::cloud::apigateway::{
    CreateDeployment, DeleteDeployment, DeploymentRecord, GetDeployments, GetStages, StageRecord,
};
use crate::cloud::{self, CallError, Cloud, Fault};
use crate::kinds::rest_api::{self, RestApi, method};
use crate::kinds::role::gone_is_fine;
use crate::kinds::{Context, Have, Resource, Want, or_none};
use crate::model::tags::short_hash;
use crate::model::{Address, Place};
use crate::policy::Statement;
use crate::policy::own::RESERVED;
use crate::stack::RouteKey;

/// What the description of every deployment of ours begins with.
const HEAD: &str = "provision ";

/// How long the hash of a stack's name is by which an entry is its.
const SHORT_HASH: usize = 6;

/// The entry of the methods that a deployment holds, beside those of stacks.
const METHODS: &str = "methods";

/// The entry of the statements of the policy that a deployment holds and no stack made.
const POLICY: &str = "policy";

/// The entry of the rest of an API that others write into, too: its settings and its whole policy ([`rest_api::listed`]).
const API: &str = "api";

/// What a deployment says in place of a digest of ours while its policy denies every call of the stage.
pub(super) const CLOSED: &str = "closed";

/// What a description says: a digest for each stack whose statements it holds, and one of the methods.
fn entries(description: &str) -> BTreeMap<&str, &str> {
    let Some(rest) = description.strip_prefix(HEAD) else {
        return BTreeMap::new();
    };
    rest.split(' ')
        .filter_map(|it| it.split_once(':'))
        .collect()
}

/// The digest of a stack's surface that a description tells; empty when it tells none.
pub(super) fn surface(description: &str, stack: &str) -> String {
    // One digest alone is that of the API's owner: earlier versions wrote it so.
    if let Some(digest) = description
        .strip_prefix(HEAD)
        .filter(|it| !it.contains(':'))
    {
        return digest.to_owned();
    }
    entries(description)
        .get(short_hash(stack).as_str())
        .map(|it| (*it).to_owned())
        .unwrap_or_default()
}

/// The digest of the methods that a deployment holds; empty when its description does not tell it.
pub(super) fn methods(description: &str) -> String {
    let told = entries(description).get(METHODS).copied();
    told.unwrap_or_default().to_owned()
}

/// The digest of the statements that a deployment holds and no stack made; empty when its description does not tell it.
pub(super) fn policy(description: &str) -> String {
    let told = entries(description).get(POLICY).copied();
    told.unwrap_or_default().to_owned()
}

/// The digest of an API's policy and settings that a deployment holds; empty when its description does not tell it.
pub(super) fn listed(description: &str) -> &str {
    entries(description).get(API).copied().unwrap_or_default()
}

/// Whether a description tells of other stacks.
pub(super) fn is_shared(description: &str, stack: &str) -> bool {
    let us = short_hash(stack);
    let mut stacks = entries(description).into_keys();
    stacks.any(|it| it != us && ![METHODS, POLICY, API].contains(&it))
}

/// Whether a deployment is ours to remove once no stage serves it. On a shared API that is
/// any of this tool's, whichever stack made it: what took its place tells of all of them.
pub(super) fn is_ours(description: &str) -> bool {
    description.starts_with(HEAD)
}

/// The description of a new deployment. A deployment is a snapshot of the whole API: what the one
/// before told of other stacks holds of the new one too, and is kept.
pub(super) fn description(
    digest: &str,
    (methods, policy, listed): (&str, &str, &str),
    stack: &str,
    before: &str,
) -> String {
    let us = short_hash(stack);
    let mut all = entries(before);
    all.insert(&us, digest);
    for (name, digest) in [(METHODS, methods), (POLICY, policy), (API, listed)] {
        all.remove(name);
        if !digest.is_empty() {
            all.insert(name, digest);
        }
    }
    spelled(&all)
}

fn spelled(entries: &BTreeMap<&str, &str>) -> String {
    let entries: Vec<String> = entries
        .iter()
        .map(|(stack, digest)| format!("{stack}:{digest}"))
        .collect();
    format!("{HEAD}{}", entries.join(" "))
}

/// Most statements whose subsets are tried against the digest of those that a deployment holds.
const MOST_TRIED: usize = 10;

impl Stage {
    /// Returns of each of these statements of others whether the deployment holds it; `None` where it does not tell.
    ///
    /// A stack that has statements in it has an entry in the description. Those that no stack made are told by a digest.
    #[must_use]
    pub fn holds(&self, foreign: &[Statement]) -> Vec<Option<bool>> {
        let description = self.serves.as_ref().map_or("", |it| &it.description);
        let entries = entries(description);
        let stack = |it: &Statement| {
            let digits = it.sid.as_deref()?.strip_prefix(RESERVED)?;
            digits.get(..SHORT_HASH).map(str::to_owned)
        };
        let theirs: Vec<&Statement> = foreign.iter().filter(|it| stack(it).is_none()).collect();
        let held = self.held_of(&theirs);
        let holds = |it: &Statement| match stack(it) {
            Some(stack) => entries.contains_key(stack.as_str()).then_some(true),
            None => held.as_ref().map(|held| held.contains(&it)),
        };
        foreign.iter().map(holds).collect()
    }

    /// Believes of a stage that is read that it serves what its API has now, where it tells so in other words than this
    /// stack's: that another stack deployed last, at the same moment, changes nothing of what callers meet.
    pub fn recognize(stage: &mut Have, wants: Option<((&Address, &Want), &Want)>, have: &Have) {
        let Some(((_, want), api)) = wants else {
            return;
        };
        let (Resource::Stage(live), Resource::Stage(wanted)) =
            (&mut stage.resource, &want.resource)
        else {
            return;
        };
        let Resource::RestApi(of) = &have.resource else {
            return;
        };
        let served = |field: &str| RestApi::is_served(field);
        let changes = api.resource.differences(api, have).into_changes();
        // Of another's API the stack has something to take away only where statements of it stand there.
        let has_part = !live.existing || !of.policy.statements.is_empty();
        if has_part
            && live.current
            && live.methods == RestApi::digest_of_methods(&of.methods)
            && !changes.iter().any(|it| served(&it.field))
        {
            live.surface.clone_from(&wanted.surface);
        }
    }

    /// Those of the statements that no stack made whose digest the deployment tells.
    fn held_of<'a>(&self, theirs: &[&'a Statement]) -> Option<Vec<&'a Statement>> {
        if self.policy.is_empty() || theirs.len() > MOST_TRIED {
            return None;
        }
        let subset = |which: u32| {
            let at = theirs.iter().enumerate();
            let these = at.filter(move |(at, _)| which >> at & 1 == 1);
            these.map(|(_, it)| *it).collect::<Vec<_>>()
        };
        let mut subsets = (0..1_u32 << theirs.len()).rev().map(subset);
        subsets.find(|it| RestApi::digest_of_statements(it.iter().copied()) == self.policy)
    }
}

/// How often a shared API is deployed while others change it under each deployment.
const MOST_DEPLOYED: u32 = 5;

impl Stage {
    /// Points the stage at a new deployment of a surface, and removes what it takes the place of.
    ///
    /// What a deployment of a shared API tells is read before it is made. Where another stack changed the API in between, it
    /// is made again: else each of them would believe that the stage serves an older API.
    pub(super) async fn deploy(
        &self,
        at: &Place,
        cx: &Context<'_>,
        (api, surface): (&str, &str),
        serves: Option<&Serves>,
    ) -> Result<Serves, CallError> {
        let before = serves.map_or("", |it| it.description.as_str());
        let shared = self.existing || is_shared(before, cx.stack);
        let mut listed = String::new();
        if shared {
            listed = rest_api::listed_now(cx.cloud, at, api).await?;
        }
        let mut attempts = 0;
        let made = loop {
            let holds = (self.methods.as_str(), self.policy.as_str(), listed.as_str());
            let description = description(surface, holds, cx.stack, before);
            let call = CreateDeployment {
                id: api.to_owned(),
                stage: self.name.clone(),
                description: description.clone(),
                // Of a stage that is there they are settings, and written with the others.
                variables: if serves.is_none() {
                    self.variables.clone()
                } else {
                    BTreeMap::new()
                },
            };
            let made = Serves {
                id: cloud::call(cx.cloud, at, call).await?.id,
                description,
                ours_alone: true,
            };
            attempts += 1;
            if !shared || attempts == MOST_DEPLOYED {
                break made;
            }
            let now = rest_api::listed_now(cx.cloud, at, api).await?;
            if now == listed {
                break made;
            }
            listed = now;
        };
        if shared {
            sweep(cx.cloud, at, api, &made.id).await?;
        } else if let Some(serves) = serves.filter(|it| it.ours_alone) {
            remove(cx.cloud, at, api, &serves.id).await?;
        }
        Ok(made)
    }
}

/// The authorization types that AWS's summary of a deployment shows.
pub(super) fn authorizations(deployment: &DeploymentRecord) -> BTreeMap<RouteKey, String> {
    let mut found = BTreeMap::new();
    for (path, verbs) in &deployment.summary {
        for (verb, authorization) in verbs {
            found.insert(method::key(verb, path), authorization.clone());
        }
    }
    found
}

/// Removes a deployment; no error when it is gone.
pub(super) async fn remove(
    cloud: &dyn Cloud,
    at: &Place,
    api: &str,
    id: &str,
) -> Result<(), CallError> {
    let call = DeleteDeployment {
        id: api.to_owned(),
        deployment: id.to_owned(),
    };
    gone_is_fine(cloud::call(cloud, at, call).await)
}

/// Removes what a deployment of a shared API took the place of: every deployment of ours but the one `made` that no stage
/// serves. That another stack deployed since the survey leaves none behind, for the last of them looks after all.
pub(super) async fn sweep(
    cloud: &dyn Cloud,
    at: &Place,
    api: &str,
    made: &str,
) -> Result<(), CallError> {
    let ask = |position| GetDeployments {
        id: api.to_owned(),
        position,
    };
    // The stages come last: what is listed and not served then, was served before.
    let deployments = cloud::all_pages(cloud, at, ask).await?;
    let stages = cloud::call(cloud, at, GetStages { id: api.to_owned() }).await?;
    for it in deployments {
        let ours = is_ours(it.description.as_deref().unwrap_or_default());
        if ours && it.id != made && !stages.iter().any(|stage| stage.serves(&it.id)) {
            match remove(cloud, at, api, &it.id).await {
                // The listing of stages was older than that a stage serves it.
                Err(error) if error.fault == Fault::Conflict => {}
                other => other?,
            }
        }
    }
    Ok(())
}

/// What stands among the names of stages for every stage: no stage can be called so, and the value of a tag can hold it.
pub(crate) const ANY: &str = "@all";

/// What the stages of another's API serve.
pub(crate) struct Served {
    stages: Vec<StageRecord>,
    deployments: Vec<DeploymentRecord>,
}

impl Served {
    /// Reads it; `None` when the API is gone.
    pub(crate) async fn read(
        cloud: &dyn Cloud,
        at: &Place,
        api: &str,
    ) -> Result<Option<Self>, CallError> {
        let call = GetStages { id: api.to_owned() };
        let Some(stages) = or_none(cloud::call(cloud, at, call).await)? else {
            return Ok(None);
        };
        let ask = |position| GetDeployments {
            id: api.to_owned(),
            position,
        };
        let deployments = cloud::all_pages(cloud, at, ask).await?;
        Ok(Some(Self {
            stages,
            deployments,
        }))
    }

    /// The stages among these whose deployment does not tell that it holds the stack's statements: somebody else made it.
    pub(crate) fn untold(&self, stack: &str, among: &BTreeSet<String>) -> BTreeSet<String> {
        let tells = |stage: &StageRecord| {
            let mut all = self.deployments.iter();
            let served = all.find(|it| it.id == stage.deployment);
            served.is_some_and(|it| !surface(said(it), stack).is_empty())
        };
        let named = self.stages.iter().filter(|it| is_among(among, &it.name));
        let untold = named.filter(|it| !tells(it));
        untold.map(|it| it.name.clone()).collect()
    }

    /// Deploys the API once more wherever a stage serves the stack's statements, and on each of the stages that are
    /// named: the statements are in the snapshot as long as the stage serves it, also once the API has them no longer.
    ///
    /// A deployment of another stack may hold them and not say so. It tells which policy it holds: that is not the API's now.
    pub(crate) async fn withdraw(
        &self,
        cloud: &dyn Cloud,
        at: &Place,
        (stack, api): (&str, &str),
        named: &BTreeSet<String>,
    ) -> Result<(), CallError> {
        let stages = &self.stages;
        let served = |it: &DeploymentRecord| stages.iter().any(|stage| stage.deployment == it.id);
        let told = |it: &DeploymentRecord| !listed(said(it)).is_empty();
        let now = if self.deployments.iter().any(|it| served(it) && told(it)) {
            rest_api::listed_now(cloud, at, api).await?
        } else {
            String::new()
        };
        let without = format!("without {stack}");
        for deployment in &self.deployments {
            let before = said(deployment);
            let other = served(deployment) && told(deployment) && listed(before) != now;
            let holds = other || !surface(before, stack).is_empty();
            let due = |it: &&StageRecord| {
                it.deployment == deployment.id && (holds || is_among(named, &it.name))
            };
            let us = short_hash(stack);
            let mut others = entries(before);
            others.remove(us.as_str());
            // What the new snapshot holds of them is not known here.
            others.remove(METHODS);
            others.remove(POLICY);
            others.remove(API);
            let description = if others.is_empty() {
                without.clone()
            } else {
                if !now.is_empty() {
                    others.insert(API, &now);
                }
                spelled(&others)
            };
            let mut deployed = false;
            for stage in stages.iter().filter(due) {
                let call = CreateDeployment {
                    id: api.to_owned(),
                    stage: stage.name.clone(),
                    description: description.clone(),
                    variables: BTreeMap::new(),
                };
                cloud::call(cloud, at, call).await?;
                deployed = true;
            }
            let still = stages.iter().filter(|it| it.deployment == deployment.id);
            let is_free = still.filter(|it| !due(it)).count() == 0;
            let ours = is_ours(before) || before == without;
            if holds || deployed && is_free && ours {
                remove(cloud, at, api, &deployment.id).await?;
            }
        }
        Ok(())
    }
}

/// What is written on a deployment.
fn said(deployment: &DeploymentRecord) -> &str {
    deployment.description.as_deref().unwrap_or_default()
}

/// Whether a stage is one of these, of which [`ANY`] is every one.
fn is_among(names: &BTreeSet<String>, stage: &str) -> bool {
    names.contains(stage) || names.contains(ANY)
}
