//! What a change of settings takes away by itself, whatever the policies say: requests that are refused from then on, and
//! messages that are deleted.
//!
//! See <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html>,
//! <https://docs.aws.amazon.com/sns/latest/dg/message-archiving-and-replay-topic-owner.html>,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html> and
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-apis.html>.

use std::collections::BTreeSet;

use super::stage::settings::lets_nothing_through;
use super::{Queue, Resource, RestApi, Stage, Stranger, Topic, rest_api};
use crate::model::Address;
use crate::model::change::seconds;
use crate::stack::{Endpoint, RouteKey};

/// Returns what is refused or deleted once a resource is as `to` and no longer as `from`, a sentence each.
#[must_use]
pub fn cutoffs(address: &Address, from: &Resource, to: &Resource) -> Vec<String> {
    match (from, to) {
        (Resource::Queue(from), Resource::Queue(to)) => of_queue(address, from, to),
        (Resource::Topic(from), Resource::Topic(to)) => of_topic(address, from, to),
        (Resource::RestApi(from), Resource::RestApi(to)) => of_api(address, from, to),
        (Resource::Stage(from), Resource::Stage(to)) if !to.existing => {
            of_stage(from, to).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn of_queue(address: &Address, from: &Queue, to: &Queue) -> Vec<String> {
    let mut found = Vec::new();
    if to.retention < from.retention {
        found.push(format!(
            "messages older than {} in {address} are deleted, received or not",
            seconds(to.retention)
        ));
    }
    if to.max_message_size < from.max_message_size {
        found.push(format!(
            "messages of more than {} bytes may no longer be sent to {address}",
            to.max_message_size
        ));
    }
    if from.content_based_deduplication && !to.content_based_deduplication {
        found.push(format!(
            "messages without a `MessageDeduplicationId` may no longer be sent to {address}"
        ));
    }
    found
}

fn of_topic(address: &Address, from: &Topic, to: &Topic) -> Vec<String> {
    let mut found = Vec::new();
    if from.content_based_deduplication && !to.content_based_deduplication {
        found.push(format!(
            "messages without a `MessageDeduplicationId` may no longer be published to {address}"
        ));
    }
    match (from.archived_days(), to.archived_days()) {
        (Some(1..), Some(0)) => {
            found.push(format!("the archived messages of {address} are deleted"));
        }
        (Some(from), Some(to)) if to < from => found.push(format!(
            "archived messages older than {} of {address} are deleted",
            seconds(to.saturating_mul(86_400))
        )),
        _ => {}
    }
    found
}

/// Whose network reaches an API no longer, and who needs an API key from now on.
fn of_api(address: &Address, from: &RestApi, to: &RestApi) -> Vec<String> {
    let names = |it: &BTreeSet<String>| it.iter().cloned().collect::<Vec<_>>().join(", ");
    let closed = to.closed_to(from).into_iter();
    let mut who: Vec<String> = closed.map(str::to_owned).collect();
    if from.endpoint == Endpoint::Private && to.endpoint == Endpoint::Private {
        let gone: BTreeSet<String> = from
            .vpc_endpoints
            .difference(&to.vpc_endpoints)
            .cloned()
            .collect();
        if from.vpc_endpoints.is_empty() && !to.vpc_endpoints.is_empty() {
            who.push(format!(
                "callers through other VPC endpoints than {}",
                names(&to.vpc_endpoints)
            ));
        } else if !gone.is_empty() {
            who.push(format!("callers through {}", names(&gone)));
        }
    }
    let network = who
        .into_iter()
        .map(|who| format!("{who} may no longer call any route of {address}"));
    let keyed: Vec<String> = to
        .methods
        .iter()
        .filter(|(_, it)| it.api_key_required)
        .filter(|(key, _)| {
            let before = from.methods.get(*key);
            before.is_some_and(|it| !it.api_key_required)
        })
        .map(|(key, _)| key.to_string())
        .collect();
    let keyed = (!keyed.is_empty()).then(|| {
        format!(
            "callers without an API key may no longer call {} of {address}",
            keyed.join(", ")
        )
    });
    network.chain(keyed).collect()
}

/// Returns that a stage refuses every call by its throttle, where it did not as `from`.
#[must_use]
pub fn of_stage(from: &Stage, to: &Stage) -> Option<String> {
    let closed = |it: &Stage| lets_nothing_through(it.rate, it.burst);
    (closed(to) && !closed(from)).then(|| {
        format!(
            "no route may be called any longer through stage `{}` of {}: with a rate or burst of 0 each call gets status 429",
            to.name, to.api
        )
    })
}

/// Returns the route whose settings somebody else wrote at a stage, and that they refuse every call of it, where they do.
#[must_use]
pub fn of_method(what: &Stranger) -> Option<(RouteKey, Option<String>)> {
    let Stranger::MethodSettings {
        stage,
        method,
        closed,
        ..
    } = what
    else {
        return None;
    };
    let (path, verb) = method.rsplit_once('/').unwrap_or((method, "*"));
    let route = rest_api::method::key(verb, &path.replace("~1", "/"));
    let says = closed.then(|| {
        format!(
            "{route} may no longer be called through stage `{stage}`: with a rate or burst of 0 each call gets status 429"
        )
    });
    Some((route, says))
}
