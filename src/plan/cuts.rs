//! Whom a plan cuts off by a change that is not of their access: `apply` asks for it with `--close`.
//!
//! A key that refuses callers, an endpoint that is closed to them, an earlier key that is taken from those who receive what
//! it encrypts.

use std::collections::BTreeSet;

use super::edges::{Edge, closed};
use super::keys::rekeyed;
use super::{AccessChange, Plan, Step};
use crate::kinds::survey::{KeyReading, Live};
use crate::kinds::{Resource, RestApi};
use crate::lower::Desired;
use crate::model::{Address, KmsKey};
use crate::stack::Endpoint;

/// Callers of a resource who are cut off.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cut {
    /// The resource whose change cuts them off.
    pub address: Address,
    /// Who may no longer do what, and why.
    pub says: String,
    /// What to write in order to keep them, where there is something.
    pub instead: Option<String>,
}

impl Plan {
    /// The APIs of others with routes that anyone could call, or callers of another authorizer: those get `AWS_IAM`, or a
    /// first policy that lets in fewer.
    pub fn closing(&self) -> impl Iterator<Item = (&Address, Vec<Edge>)> {
        let others = self
            .to_do()
            .filter(|it| it.want.as_ref().is_some_and(|it| !it.owned));
        let all = others.map(|it| {
            let target = it.address.to_string();
            let of_api = self
                .access
                .iter()
                .filter(move |it| it.edge.target == target);
            let anyone = of_api.filter_map(AccessChange::closed_to_anyone);
            let edges = closed(it).into_iter().chain(anyone);
            (&it.address, edges.collect::<Vec<_>>())
        });
        all.filter(|(_, it)| !it.is_empty())
    }
}

/// Returns everybody whom these steps cut off. `access` tells who is let in only now, and has nothing to lose.
pub(super) fn cuts(
    desired: &Desired,
    live: &Live,
    steps: &[Step],
    access: &[AccessChange],
) -> Vec<Cut> {
    let mut found = Vec::new();
    for step in steps {
        if let Some((old, new)) = rekeyed(step) {
            found.extend(new.and_then(|new| refused(desired, live, step, &new, access)));
            found.extend(old.and_then(|old| earlier_messages(desired, step, &old, access)));
        }
        let want = step.want.as_ref().filter(|it| it.owned);
        let both = (want.map(|it| &it.resource), step.have.as_ref());
        if let (Some(Resource::RestApi(want)), Some(have)) = both
            && let Resource::RestApi(live) = &have.resource
        {
            let cut = |says: String| Cut {
                address: step.address.clone(),
                says: format!("{says} of {}", step.address),
                instead: None,
            };
            found.extend(unreached(live, want).into_iter().map(cut));
        }
    }
    found
}

/// Whether a principal may do something with a target only from now on.
fn is_new(access: &[AccessChange], who: &str, target: &Address) -> bool {
    let mut gains = access.iter().filter(|it| it.turn.gains());
    gains.any(|it| it.edge.who == who && it.edge.target == target.to_string())
}

/// Those who use a topic or queue and may not use the key that it gets: the key's policy was read, and says so.
fn refused(
    desired: &Desired,
    live: &Live,
    step: &Step,
    key: &KmsKey,
    access: &[AccessChange],
) -> Option<Cut> {
    if !matches!(live.keys.get(key), Some(KeyReading::Read { .. })) {
        return None;
    }
    let uses = desired.key_uses.iter().filter(|it| {
        it.key == *key
            && it.target == step.address
            && it.is_missing(&live.keys)
            && !is_new(access, &it.by, &it.target)
    });
    let who: BTreeSet<String> = uses
        .map(|it| format!("{} may no longer {} {}", it.by, it.does, it.target))
        .collect();
    let who: Vec<String> = who.into_iter().collect();
    (!who.is_empty()).then(|| Cut {
        address: step.address.clone(),
        says: format!("{}: the policy of {key} refuses them", who.join(", ")),
        instead: Some(
            "let the key's owner add the statements that are handed over first, or declare the key under [keys]"
                .to_owned(),
        ),
    })
}

/// Those who receive from a queue and lose the key that its messages of now stay encrypted with.
///
/// See <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-server-side-encryption.html>.
fn earlier_messages(
    desired: &Desired,
    step: &Step,
    key: &KmsKey,
    access: &[AccessChange],
) -> Option<Cut> {
    let receives = |may: &str| may.split(" and ").any(|it| it == "receive from");
    let mut uses = desired.key_uses.iter();
    let keeps = uses.any(|it| it.key == *key && it.target == step.address && receives(it.does));
    let receivers = desired.grants.iter().filter(|it| {
        it.target == step.address && receives(&it.may) && !is_new(access, &it.who, &it.target)
    });
    let who: BTreeSet<&str> = receivers.map(|it| it.who.as_str()).collect();
    if keeps || who.is_empty() || key.is_managed_by_aws() {
        return None;
    }
    let who: Vec<&str> = who.into_iter().collect();
    Some(Cut {
        address: step.address.clone(),
        says: format!(
            "{} may no longer receive the messages that are in {} now: they stay encrypted with {key}",
            who.join(", "),
            step.address
        ),
        instead: Some(format!(
            "write `earlier_keys = [\"{key}\"]` in {} until those messages are gone",
            step.address
        )),
    })
}

/// Returns in words whose network reaches an API no longer.
///
/// See <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-private-apis.html>.
fn unreached(live: &RestApi, want: &RestApi) -> Vec<String> {
    let names = |it: &BTreeSet<String>| it.iter().cloned().collect::<Vec<_>>().join(", ");
    let (was_private, is_private) = (
        live.endpoint == Endpoint::Private,
        want.endpoint == Endpoint::Private,
    );
    let mut found = Vec::new();
    if is_private && !was_private {
        found.push(
            "callers from outside a VPC endpoint for `execute-api` may no longer call any route"
                .to_owned(),
        );
    } else if was_private && !is_private {
        found.push("callers through a VPC endpoint may no longer call any route".to_owned());
    } else if is_private {
        let gone: BTreeSet<String> = live
            .vpc_endpoints
            .difference(&want.vpc_endpoints)
            .cloned()
            .collect();
        if live.vpc_endpoints.is_empty() && !want.vpc_endpoints.is_empty() {
            found.push(format!(
                "callers through other VPC endpoints than {} may no longer call any route",
                names(&want.vpc_endpoints)
            ));
        } else if !gone.is_empty() {
            found.push(format!(
                "callers through {} may no longer call any route",
                names(&gone)
            ));
        }
    }
    if want.disable_execute_api && !live.disable_execute_api {
        found
            .push("callers by the `execute-api` host name may no longer call any route".to_owned());
    }
    found
}
