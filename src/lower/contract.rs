//! Contracts: what is claimed of other stacks, compiled to this stack's half; and what is offered,
//! as the contract that a consumer's stack claims from.
//!
//! A claim is written into the caller's own policy, and nowhere else: the other half is its
//! owner's. Nothing of it needs the owner to have been applied, but for an API's id, which AWS
//! chooses: a claim by resource policy waits for a contract that has it.

use std::collections::{BTreeMap, BTreeSet};

use super::access_roles::{Naming, named_role};
use super::keys::SENDING;
use super::trust::name_of;
use super::{Desired, Draft, api};
use crate::model::{Address, Arn, KindName, KmsKey, Place};
use crate::stack::{
    Claim, Contract, ContractApi, ContractTopic, Invited, Leave, Offer, Offered, Principal, Stack,
    Via,
};

/// What this stack claims of another one, for one of its roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claiming {
    /// The role.
    pub from: Address,
    /// What it may do: `call GET /orders/{id} of`.
    pub may: String,
    /// On what, as this stack speaks of it: `contracts.orders.apis.orders`.
    pub target: String,
    /// The owner's stack.
    pub owner: String,
    /// What is claimed, and of what, as the owner's stack calls it.
    pub claim: Claim,
    /// What the caller's own policy allows for it.
    pub actions: &'static [&'static str],
    /// On which resources; none while they cannot be known.
    pub resources: Vec<String>,
    /// The role to assume first.
    pub role: Option<Arn>,
    /// Where an API is called; `None` while it has no id.
    pub url: Option<String>,
    /// The topic, when it is one.
    pub topic: Option<Arn>,
    /// The KMS key that the role must be able to use.
    pub key: Option<KmsKey>,
    /// What the contract shows to be missing on the owner's side.
    pub lacks: Option<String>,
}

/// Compiles every claim to the caller's side.
pub(super) fn compile(draft: &mut Draft<'_>) {
    let stack = draft.stack;
    for claim in &stack.claims {
        let contract = &stack.contracts[&claim.contract];
        let claiming = claiming(stack, contract, claim);
        if !claiming.resources.is_empty() {
            let own = draft.identity.entry(claim.from.clone()).or_default();
            own.allow(claiming.actions, claiming.resources.clone());
            if let Some(key) = &claiming.key {
                own.allow_key(&SENDING, key);
            }
        }
        draft.claims.push(claiming);
    }
}

/// What a stack calls the topics of its contracts, by their ARNs.
pub(super) fn names(stack: &Stack) -> BTreeMap<String, String> {
    let topics = stack.contracts.iter().flat_map(|(contract, it)| {
        it.topics.iter().map(move |(name, topic)| {
            let named = format!("contracts.{contract}.topics.{name}");
            (topic.arn.to_string(), named)
        })
    });
    topics.collect()
}

/// The place of something in a contract: its account and region.
fn place(contract: &Contract, to: &Address) -> Option<Place> {
    let (id, region) = if to.kind == KindName::RestApi {
        let api = contract.apis.get(&to.name)?;
        (api.account.clone(), api.region.clone())
    } else {
        let arn = &contract.topics.get(&to.name)?.arn;
        let region = crate::model::Region::parse(arn.region())?;
        (arn.account_id()?, region)
    };
    let account = contract.stack.clone();
    Some(Place {
        account,
        id,
        region,
    })
}

/// Where an API of a contract is called.
fn url(contract: &Contract, to: &Address, place: &Place) -> Option<String> {
    let api = contract
        .apis
        .get(&to.name)
        .filter(|_| to.kind == KindName::RestApi)?;
    let (id, suffix) = (api.id.as_ref()?, place.partition().dns_suffix());
    Some(format!(
        "https://{id}.execute-api.{}.{suffix}/{}",
        place.region, api.stage
    ))
}

fn claiming(stack: &Stack, contract: &Contract, claim: &Claim) -> Claiming {
    let offered = &claim.offered;
    let place = place(contract, &claim.to);
    let mut role = None;
    let (actions, resources): (&'static [&'static str], Vec<String>) = match offered.via {
        Via::AssumeRole => {
            role = offered.role.clone().or_else(|| {
                let from = Principal::Named(stack.roles[&claim.from].arn.clone());
                let naming = Naming {
                    stack: &contract.stack,
                    target: &claim.to,
                    own: None,
                    moved: &[],
                };
                Some(named_role(&naming, &from, place.as_ref()?))
            });
            let arns = role.iter().map(ToString::to_string).collect();
            (&["sts:AssumeRole"], arns)
        }
        Via::ResourcePolicy | Via::Auto => match &claim.leave {
            Leave::Call(routes) => {
                let known = contract.apis.get(&claim.to.name);
                let known = known.and_then(|it| Some((it, it.id.as_ref()?, place.as_ref()?)));
                let arns = known.map(|(api, id, place)| {
                    let head = format!("{}/", Arn::regional(place, "execute-api", id));
                    api::invoke_resources(&api.stage, routes)
                        .iter()
                        .map(|it| it.replacen("execute-api:/", &head, 1))
                        .collect()
                });
                (&["execute-api:Invoke"], arns.unwrap_or_default())
            }
            Leave::Publish | Leave::Subscribe => {
                let topic = contract.topics.get(&claim.to.name);
                let arns = topic.iter().map(|it| it.arn.to_string()).collect();
                (&["sns:Publish"], arns)
            }
        },
    };
    let owner = &contract.stack;
    let (api, topic) = if claim.to.kind == KindName::RestApi {
        (contract.apis.get(&claim.to.name), None)
    } else {
        (None, contract.topics.get(&claim.to.name))
    };
    let pending = api.is_some_and(|it| it.id.is_none()) || topic.is_some_and(|it| it.pending);
    let lacks = pending.then(|| {
        let why = if resources.is_empty() {
            "; until then nobody can be allowed to call it, for AWS chooses its id"
        } else {
            ""
        };
        format!(
            "stack `{owner}` had not made `{}` when it exported the contract: it applies and exports again{why}",
            claim.to
        )
    });
    Claiming {
        from: Address::new(KindName::Role, &claim.from),
        may: claim.leave.verb(),
        target: format!("contracts.{}.{}", claim.contract, claim.to),
        owner: owner.clone(),
        claim: claim.clone(),
        actions,
        resources,
        role,
        url: place.as_ref().and_then(|it| url(contract, &claim.to, it)),
        topic: topic.map(|it| it.arn.clone()),
        key: topic
            .filter(|_| actions == ["sns:Publish"])
            .and_then(|it| KmsKey::of(it.kms_key.as_ref()?.as_str(), &it.arn)),
        lacks,
    }
}

/// What a stack offers, as a contract: with the ids that AWS has chosen so far.
///
/// `there` are the resources that exist.
#[must_use]
pub fn contract(
    stack: &Stack,
    desired: &Desired,
    ids: &BTreeMap<Address, String>,
    there: &BTreeSet<Address>,
    stack_digest: &str,
) -> Contract {
    let mut apis = BTreeMap::new();
    let mut topics = BTreeMap::new();
    for offer in &stack.offers {
        let name = &offer.to.name;
        let Some(want) = desired.wants.get(&offer.to) else {
            continue;
        };
        if let Some(api) = stack
            .apis
            .get(name)
            .filter(|_| offer.to.kind == KindName::RestApi)
        {
            let api = ContractApi {
                account: want.place.id.clone(),
                region: want.place.region.clone(),
                stage: api.stage.name.clone(),
                id: ids.get(&offer.to).cloned(),
            };
            apis.insert(name.clone(), api);
        } else if let Some(topic) = stack.topics.get(name) {
            let topic = ContractTopic {
                arn: topic.arn.clone(),
                pending: !there.contains(&offer.to),
                kms_key: KmsKey::of(topic.kms_key.as_deref().unwrap_or_default(), &topic.arn)
                    .filter(|it| !it.is_managed_by_aws())
                    .map(|it| it.arn().clone()),
            };
            topics.insert(name.clone(), topic);
        }
    }
    let mut offers = Vec::new();
    for offer in &stack.offers {
        let Some(want) = desired.wants.get(&offer.to) else {
            continue;
        };
        let place = &want.place;
        let offered = |to_whom: &Invited, role| Offered {
            to: offer.to.clone(),
            leave: offer.leave.clone(),
            to_whom: to_whom.clone(),
            via: offer.via,
            role,
            external_id: offer.external_id.clone(),
        };
        let role = role_of(stack, desired, offer, &offer.to_whom, place);
        // Who claims from an offer to anyone, and uses another of its roles than the first, is told so by name.
        let claimants = desired.claimed.iter().filter(|it| {
            offer.to_whom == Invited::Anyone && offer.covers(&it.to, &it.leave, &it.by)
        });
        let mut told = BTreeSet::new();
        for it in claimants {
            let by = Invited::Principal(Principal::Named(it.by.clone()));
            let own = role_of(stack, desired, offer, &by, place);
            if role.is_some() && own != role && told.insert(it.by.clone()) {
                offers.push(offered(&by, own));
            }
        }
        offers.push(offered(&offer.to_whom, role));
    }
    Contract {
        stack: stack.name.clone(),
        stack_digest: stack_digest.to_owned(),
        digest: String::new(),
        apis,
        topics,
        offers,
    }
}

/// The access role that somebody uses by an offer, where it has one name for all who claim.
fn role_of(
    stack: &Stack,
    desired: &Desired,
    offer: &Offer,
    to_whom: &Invited,
    place: &Place,
) -> Option<Arn> {
    let from = match to_whom {
        _ if offer.via != Via::AssumeRole => return None,
        Invited::Principal(from) => from.clone(),
        Invited::Anyone => {
            // Without a name of its own, each who claims has one: it is made of theirs.
            offer.role_name.as_ref()?;
            Principal::Account(place.id.clone())
        }
        Invited::Queue(_) => return None,
    };
    let shared = offer.role_name.as_ref().map(|name| {
        let key = (name.clone(), name_of(&from));
        desired.shares.get(&key).unwrap_or(name)
    });
    let naming = Naming {
        stack: &stack.name,
        target: &offer.to,
        own: shared.map(String::as_str),
        moved: &stack.moved,
    };
    Some(named_role(&naming, &from, place))
}
