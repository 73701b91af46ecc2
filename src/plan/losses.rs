//! What AWS or the next import would make of an API, and a plan refuses.

use super::{Action, Refusal, Step};
use crate::kinds::rest_api::Method;
use crate::kinds::{Have, Resource, Stranger, Want};
use crate::stack::{Endpoint, RouteKey};

/// Refuses to take over, or to import again, an API that the import would take something from.
pub(super) fn keeps_parts(want: &Want, have: &Have) -> Result<(), String> {
    let Resource::RestApi(api) = &want.resource else {
        return Ok(());
    };
    let document = api.source.as_ref();
    let lost = have.parts.iter().filter(|part| {
        let carried = document.is_some_and(|it| part.is_in(it));
        !carried && !want.exclusive
    });
    let mut lost: Vec<String> = lost
        .map(|it| format!("{} `{}`", it.noun, it.name))
        .collect();
    // Of an API that is ours, what no route says is a change that the plan shows. A document says more than routes.
    if have.mark.is_none() && document.is_none() && !want.exclusive {
        lost.extend(unsaid(have));
    }
    if lost.is_empty() {
        return Ok(());
    }
    let api = &have.id;
    Err(format!(
        "`{api}` has what no import of this stack would keep: {}; write `existing = \"{api}\"` to manage only statements \
         on it, `openapi` with a document that has them, or `exclusive = true` to give them up",
        lost.join(", ")
    ))
}

/// The methods with settings that no route of a stack says, each with what they would become.
fn unsaid(have: &Have) -> Vec<String> {
    let Resource::RestApi(live) = &have.resource else {
        return Vec::new();
    };
    let having = live.methods.iter().filter(|(_, it)| !it.more.is_empty());
    let line = |(key, it): (&RouteKey, &Method)| {
        let lost = it
            .more
            .iter()
            .map(|(name, it)| format!("{name} {it} -> none"));
        format!("`{key}`: {}", lost.collect::<Vec<_>>().join("; "))
    };
    having.map(line).collect()
}

/// Stages that would be deployed again and have a canary: API Gateway refuses that, so the API would be changed and not served.
pub(super) fn behind_canaries(steps: &[Step]) -> impl Iterator<Item = Refusal> {
    steps.iter().filter_map(|step| {
        let have = step.have.as_ref()?;
        let Resource::Stage(stage) = &have.resource else {
            return None;
        };
        // Whoever takes our statements out of another's API deploys it without them.
        let deploys = match step.action {
            Action::Update => step.changes.iter().any(|it| it.field == "deployment"),
            Action::Delete => stage.existing,
            Action::Keep | Action::Create | Action::Replace => false,
        };
        let mut canaries = have.extras.iter().filter_map(|it| match &it.what {
            Stranger::Canary { api, stage } => Some((api, stage)),
            _ => None,
        });
        let (api, name) = canaries.next().filter(|_| deploys)?;
        Some(Refusal {
            address: step.address.clone(),
            message: format!(
                "it has to be deployed again and has a canary, and API Gateway takes no other deployment of such a stage; \
                 promote the canary or end it first: aws apigateway update-stage --rest-api-id {api} --stage-name {name} \
                 --patch-operations op=remove,path=/canarySettings"
            ),
            budget: false,
            ways_out: Vec::new(),
        })
    })
}

/// Private APIs that would have no resource policy: AWS deploys none of them.
pub(super) fn undeployable(steps: &[Step]) -> impl Iterator<Item = Refusal> {
    let bare = steps.iter().filter(|step| {
        let (Some(want), true) = (&step.want, step.action != Action::Keep) else {
            return false;
        };
        let Resource::RestApi(api) = &want.resource else {
            return false;
        };
        let foreign = step.have.as_ref().filter(|_| !want.exclusive);
        let foreign = foreign.is_some_and(|it| !it.foreign.is_empty());
        want.owned
            && api.endpoint == Endpoint::Private
            && api.policy.statements.is_empty()
            && !foreign
    });
    bare.map(|step| Refusal {
        address: step.address.clone(),
        message: "it is private and has no resource policy, so AWS does not deploy it; let somebody in with `[[access]]`, \
                  or write `vpc_endpoints`"
            .to_owned(),
        budget: false,
        ways_out: Vec::new(),
    })
}
