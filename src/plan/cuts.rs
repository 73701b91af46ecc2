//! Whom a plan cuts off by a change that is not of their access: `apply` asks for it with `--close`.
//!
//! A key that refuses callers, an earlier key that is taken from those who receive what it encrypts, and settings by which
//! requests are refused or messages deleted ([`cutoffs`]).

use std::collections::BTreeSet;

use super::edges::{Edge, closed};
use super::keys::rekeyed;
use super::{AccessChange, Action, Plan, Step};
use crate::kinds::cutoffs::cutoffs;
use crate::kinds::survey::{KeyReading, Live};
use crate::lower::Desired;
use crate::model::{Address, KmsKey};

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
    /// The resources of which a change cuts off callers: each needs an agreement.
    #[must_use]
    pub fn to_close(&self) -> BTreeSet<&Address> {
        let closing = self.closing().map(|(api, _)| api);
        closing
            .chain(self.cuts.iter().map(|it| &it.address))
            .collect()
    }

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
        let updated = want.filter(|_| step.action == Action::Update);
        if let (Some(want), Some(have)) = (updated, &step.have) {
            let says = cutoffs(&step.address, &have.resource, &want.resource);
            found.extend(says.into_iter().map(|says| Cut {
                address: step.address.clone(),
                says,
                instead: None,
            }));
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
