//! A new stage that lets nobody in until it has its settings.
//!
//! `CreateStage` and `CreateDeployment` take neither a throttle nor logs, and `UpdateStage` needs a stage that
//! serves something. So the first deployment of a stage with such settings is taken while the API's policy denies
//! every call of that stage. Then the settings are written, the policy is as the stack says again, and a second
//! deployment opens the stage. Three calls more, of a new stage alone: a policy is served only by the deployments
//! that were taken after it, so no other stage notices.
//!
//! The statement bears a `Sid` of this stack. After a run that was stopped in between, the next one finds a
//! statement of ours that the stack does not want, and a stage that serves a closed deployment.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateStage.html> and
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-create-attach.html>.

use super::{document, read_all};
use crate::cloud::apigateway::{Patch, UpdateRestApi};
use crate::cloud::{self, CallError, Fault};
use crate::kinds::Context;
use crate::model::{Address, Place};
use crate::policy::{ApiName, Clause, Document, Effect, PrincipalClause, Statement, own, size};

/// Returns the statement that denies every call of a stage.
fn statement(stack: &str, stage: &str) -> Statement {
    let sid = own::sid(stack, &format!("closed {stage}"));
    let allows = Statement::allow(sid, Clause::of(["execute-api:Invoke"]))
        .to(PrincipalClause::anyone())
        .on([format!("execute-api:/{stage}/*")]);
    Statement {
        effect: Effect::Deny,
        ..allows
    }
}

/// Returns a policy that denies every call of a stage beside what it says; where that is too long, nothing else.
pub(super) fn closed(
    mut policy: Document,
    place: &Place,
    id: &str,
    (stack, stage, limit): (&str, &str, usize),
) -> Document {
    policy.statements.push(statement(stack, stage));
    let name = ApiName {
        partition: place.partition().as_str(),
        region: place.region.as_str(),
        account: place.id.as_str(),
        api: id,
    };
    if size::api(&policy, &name).used > limit {
        let last = policy.statements.len() - 1;
        policy.statements.drain(..last);
    }
    policy
}

/// Closes a stage that is to be made on an API that is there; one that this run has made is closed already.
pub(crate) async fn close(
    place: &Place,
    cx: &Context<'_>,
    (address, id): (&Address, &str),
    (stage, limit): (&str, usize),
) -> Result<(), CallError> {
    let Some(memory) = cx.closed.filter(|it| !it.borrow().contains_key(address)) else {
        return Ok(());
    };
    let records = read_all(cx.cloud, place).await?;
    let Some(record) = records.iter().find(|it| it.id == id) else {
        let message = format!("the listing of REST APIs does not show `{id}`");
        return Err(CallError::new(Fault::Missing, "NotListed", message));
    };
    let mut policy = document(record)?.unwrap_or_else(|| Document::of(Vec::new()));
    // A run that was stopped may have left it there.
    let ours = statement(cx.stack, stage);
    policy.statements.retain(|it| it.sid != ours.sid);
    let names = (cx.stack, stage, limit);
    write(place, cx, id, &closed(policy.clone(), place, id, names)).await?;
    memory.borrow_mut().insert(address.clone(), policy);
    Ok(())
}

/// Gives the API the policy that it is to have, when this run has closed a stage of it.
pub(crate) async fn open(
    place: &Place,
    cx: &Context<'_>,
    (address, id): (&Address, &str),
) -> Result<(), CallError> {
    let policy = cx.closed.and_then(|it| it.borrow().get(address).cloned());
    match policy {
        Some(policy) => write(place, cx, id, &policy).await,
        // The run that closed it was stopped, and the API's own step has taken the statement out.
        None => Ok(()),
    }
}

async fn write(
    place: &Place,
    cx: &Context<'_>,
    id: &str,
    policy: &Document,
) -> Result<(), CallError> {
    let call = UpdateRestApi {
        id: id.to_owned(),
        patches: vec![policy_patch(policy)],
    };
    cloud::call(cx.cloud, place, call).await.map(|_| ())
}

/// Returns the patch that gives an API this policy, or none.
pub(super) fn policy_patch(policy: &Document) -> Patch {
    let text = if policy.statements.is_empty() {
        String::new()
    } else {
        policy.to_text()
    };
    Patch::replace("/policy", text)
}
