//! Everything that bears on requests among a stack's resources, ready to be asked.
//!
//! A world is made of what the stack wants, of what a cloud has, or of what a plan will
//! leave behind: what is wanted, with the statements of others that stay. Statements that
//! are not ours bear on a request like any other; they are in every world that a cloud is part of.
//!
//! What nobody read (without a cloud all that the stack does not write itself, with one what could not be
//! read) is not taken for silence: an answer that such a document could change is *unproven*, and says which
//! document it is. An organization's policies can only take away: those that were read decide, and that
//! others were not is said once, not in each answer.
//!
//! An API that AWS has given no id yet stands in ARNs under its address.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>.

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds::role::inline_prefix;
use crate::kinds::survey::{KeyReading, Keys, Live, ManagedPolicies};
use crate::kinds::{Have, Key, Resource, Role, Stranger, Subscription, Want, cutoffs, rest_api};
use crate::lower::Desired;
use crate::model::{Address, KindName, KmsKey, Names, Place};
use crate::policy::own::OwnSid;
use crate::policy::rules::Kind;
use crate::policy::stand_in::RealNames;
use crate::policy::{ApiName, Document, MethodAuth, Request, Who};
use crate::stack::{Encryption, Endpoint};

use super::acceptance::{Acceptance, acceptances};
use super::beside::receivers;
pub use super::beside::{OtherStage, Receiver, Surface};
use super::paper::{Origin, Paper};
use crate::kinds::survey::ceilings::Ceilings;

/// A resource of the world.
#[derive(Clone, Debug)]
pub struct Thing {
    /// Where it stands in the stack.
    pub address: Address,
    /// Its ARN; of an API, the part before the stage.
    pub arn: String,
    /// Its account and region.
    pub place: Place,
    /// Whether it is ours; of another's, only our statements are.
    pub owned: bool,
    /// Its own policy: of a role, the trust policy.
    pub policy: Option<Paper>,
    /// What else matters of it.
    pub what: What,
}

impl Thing {
    /// The text by which a queue names its KMS key.
    pub(super) fn kms_key(&self) -> Option<&str> {
        match &self.what {
            What::Queue {
                encryption: Encryption::Kms { key, .. },
            } => Some(key),
            _ => None,
        }
    }
}

impl Thing {
    /// ` in stage old`, of an API that is called on a stage beside the stack's; else nothing.
    #[must_use]
    pub fn in_other_stage(&self, called: &str) -> String {
        let What::Api(surface) = &self.what else {
            return String::new();
        };
        let rest = called.strip_prefix(&self.arn).unwrap_or_default();
        let stage = rest.split('/').nth(1).unwrap_or_default();
        let mut others = surface.others.iter();
        let other = others.find(|it| it.name == stage);
        other.map_or_else(String::new, |it| format!(" in stage `{}`", it.name))
    }
}

/// What matters of a resource, by its kind.
#[derive(Clone, Debug)]
pub enum What {
    /// A role.
    Role {
        /// Its inline policies, and the managed ones that were read.
        identity: Vec<Paper>,
        /// ARNs of the managed policies that were not.
        unread: BTreeSet<String>,
        /// Its permissions boundary.
        boundary: Option<Boundary>,
    },
    /// A topic.
    Topic {
        /// Its KMS key; empty for none.
        key: String,
        /// Who receives from it that the stack does not name.
        receivers: Vec<Receiver>,
    },
    /// A queue.
    Queue {
        /// How it is encrypted.
        encryption: Encryption,
    },
    /// A KMS key.
    Key,
    /// A REST API.
    Api(Surface),
}

/// What the permissions of a role are bounded by.
#[derive(Clone, Debug)]
pub enum Boundary {
    /// A policy that was read.
    Read(Paper),
    /// The ARN of one that was not.
    Unread(String),
}

/// Everything that bears on requests among a stack's resources.
#[derive(Clone, Debug)]
pub struct World {
    /// The stack's name.
    pub stack: String,
    /// Which statements are ours.
    pub own: OwnSid,
    /// Whether a cloud was asked: then what is missing is missing.
    pub live: bool,
    /// The resources there are.
    pub things: BTreeMap<Address, Thing>,
    /// Subscriptions there are, by the ARNs of topic and queue.
    pub subscriptions: BTreeMap<(String, String), Subscription>,
    /// What others put on the stack's resources and the stack accepts.
    pub accepted: Vec<Acceptance>,
    /// Ids of APIs, made up where AWS has chosen none.
    pub ids: BTreeMap<Address, String>,
    /// Whether claims keep what they rest on, for a certificate.
    pub keeps_steps: bool,
    /// KMS keys that topics and queues are encrypted with, as far as they were read.
    pub keys: Keys,
    /// The organization's policies.
    pub(super) ceilings: Ceilings,
    by_arn: Names<Address>,
    /// Every name that is there, to tell those that an example makes up.
    pub names: RealNames,
    policies: ManagedPolicies,
}

/// Who asks, and what is known of its own policies.
#[derive(Clone, Copy, Debug)]
pub enum Caller<'a> {
    /// A role of this world.
    Role(&'a Thing),
    /// Somebody with this identity policy.
    With(&'a Paper),
    /// Somebody whose own policies allow everything.
    Mighty,
    /// Somebody without policies: a service, a stranger.
    Bare,
}

impl World {
    /// The world that the stack wants, before anything is there.
    #[must_use]
    pub fn wanted(desired: &Desired) -> Self {
        Self::planned(desired, &Live::default())
    }

    /// The world that applying the stack leaves: what is wanted, and what others have put there.
    #[must_use]
    pub fn planned(desired: &Desired, live: &Live) -> Self {
        let mut world = Self::empty(desired, live, false);
        for (address, want) in &desired.wants {
            let want = Want {
                resource: want.resource.with_ids(&world.ids),
                ..want.clone()
            };
            world.add_planned(address, &want, live.have.get(address));
        }
        world.serve(desired, live, None);
        world.learn_names();
        world
    }

    /// The world as a cloud has it.
    #[must_use]
    pub fn live(desired: &Desired, live: &Live) -> Self {
        Self::mended(desired, live, &BTreeSet::new())
    }

    /// The world that applying the stack to these resources alone leaves: all others are as the cloud has them.
    #[must_use]
    pub fn mended(desired: &Desired, live: &Live, these: &BTreeSet<Address>) -> Self {
        let mut world = Self::empty(desired, live, true);
        for (address, want) in &desired.wants {
            let have = live.have.get(address);
            if these.contains(address) {
                let want = Want {
                    resource: want.resource.with_ids(&world.ids),
                    ..want.clone()
                };
                world.add_planned(address, &want, have);
            } else if let Some(have) = have {
                world.add_live(address, want, have);
            }
        }
        world.serve(desired, live, Some(these));
        world.receive(live);
        world.learn_names();
        world
    }

    fn empty(desired: &Desired, live: &Live, is_live: bool) -> Self {
        let mut ids = live.ids();
        for (address, want) in &desired.wants {
            if let Resource::RestApi(api) = &want.resource {
                let known = api.existing.clone().unwrap_or_else(|| address.to_string());
                ids.entry(address.clone()).or_insert(known);
            }
        }
        Self {
            stack: desired.stack.clone(),
            own: OwnSid::of(&desired.stack),
            live: is_live,
            things: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            accepted: acceptances(desired, live),
            ids,
            keys: live.keys.clone(),
            ceilings: Ceilings::of(&live.above),
            keeps_steps: false,
            by_arn: Names::default(),
            names: real_names(desired),
            policies: live.policies.clone(),
        }
    }

    fn add(
        &mut self,
        address: &Address,
        want: &Want,
        policy: Option<Paper>,
        arn: String,
        what: What,
    ) {
        self.by_arn.insert(arn.clone(), address.clone());
        let thing = Thing {
            address: address.clone(),
            arn,
            place: want.place.clone(),
            owned: want.owned,
            policy,
            what,
        };
        self.things.insert(address.clone(), thing);
    }

    /// Learns every name that the documents and resources of this world give.
    fn learn_names(&mut self) {
        for thing in self.things.values() {
            self.names.add(&thing.arn);
            let identity = match &thing.what {
                What::Role { identity, .. } => identity.as_slice(),
                _ => &[],
            };
            for paper in thing.policy.iter().chain(identity) {
                self.names.add_policy(&paper.document);
            }
        }
    }

    fn add_planned(&mut self, address: &Address, want: &Want, have: Option<&Have>) {
        let policy = |ours: &Document| match have {
            Some(have) => have.policy_for(want, ours),
            None => ours.clone(),
        };
        match &want.resource {
            Resource::Role(role) => {
                let live = have.and_then(|it| match &it.resource {
                    Resource::Role(live) => Some((it, live)),
                    _ => None,
                });
                self.add_role(address, want, &with_foreign(role, want, live));
            }
            Resource::Topic(it) => {
                let key = match have.map(|it| &it.resource) {
                    Some(Resource::Topic(live)) if !want.owned => &live.kms_key,
                    _ => &it.kms_key,
                };
                let key = key.clone();
                let (arn, policy) = (it.arn.to_string(), policy(&it.policy));
                let receivers = have.map(receivers).unwrap_or_default();
                self.add_guarded(address, want, arn, policy, What::Topic { key, receivers });
            }
            Resource::Queue(it) => {
                let encryption = match have.map(|it| &it.resource) {
                    Some(Resource::Queue(live)) if !want.owned => &live.encryption,
                    _ => &it.encryption,
                };
                let encryption = encryption.clone();
                let (arn, policy) = (it.arn.to_string(), policy(&it.policy));
                self.add_guarded(address, want, arn, policy, What::Queue { encryption });
            }
            Resource::Key(it) => self.add_key(address, want, it, policy(&it.policy)),
            Resource::RestApi(it) => {
                // Of an API that something else makes, what the stack leaves as it is bears on the claims too.
                let api = rest_api::RestApi {
                    methods: it.methods_after(have),
                    ..it.clone()
                };
                self.add_api(address, want, &api, &policy(&it.policy));
            }
            Resource::Subscription(it) => {
                self.subscriptions
                    .insert((it.topic.to_string(), it.queue.to_string()), it.clone());
            }
            Resource::Stage(_) => {}
        }
    }

    fn add_live(&mut self, address: &Address, want: &Want, have: &Have) {
        let policy = || {
            have.document
                .clone()
                .unwrap_or_else(|| Document::of(Vec::new()))
        };
        match &have.resource {
            Resource::Role(role) => self.add_role(address, want, role),
            Resource::Topic(it) => {
                self.add_guarded(
                    address,
                    want,
                    it.arn.to_string(),
                    policy(),
                    What::Topic {
                        key: it.kms_key.clone(),
                        receivers: receivers(have),
                    },
                );
            }
            Resource::Queue(it) => {
                self.add_guarded(
                    address,
                    want,
                    it.arn.to_string(),
                    policy(),
                    What::Queue {
                        encryption: it.encryption.clone(),
                    },
                );
            }
            Resource::Key(it) => self.add_key(address, want, it, policy()),
            Resource::RestApi(it) => self.add_api(address, want, it, &policy()),
            Resource::Subscription(it) => {
                self.subscriptions
                    .insert((it.topic.to_string(), it.queue.to_string()), it.clone());
            }
            Resource::Stage(_) => {}
        }
    }

    fn add_role(&mut self, address: &Address, want: &Want, role: &Role) {
        let prefix = inline_prefix(&self.stack);
        let identity = role.inline.iter().map(|(name, document)| {
            let origin = match name.strip_prefix(&prefix) {
                Some("access") => Origin::Ours,
                Some(_) => Origin::Author,
                None => Origin::Foreign,
            };
            let name = format!("the inline policy `{name}` of {address}");
            Paper::identity(name, document.clone(), origin)
        });
        let managed = role.managed.iter().filter(|(_, it)| it.attached);
        let managed = managed.map(|(name, it)| {
            let name = format!("the managed policy `{name}` of {address}");
            Paper::identity(name, it.document.clone(), Origin::Ours)
        });
        let declared = match &want.resource {
            Resource::Role(role) => role.attached.clone(),
            _ => BTreeSet::new(),
        };
        let (read, unread): (Vec<&String>, Vec<&String>) = role
            .attached
            .iter()
            .partition(|it| self.policies.contains_key(*it));
        let read = read.into_iter().map(|arn| {
            let origin = if declared.contains(arn) {
                Origin::Author
            } else {
                Origin::Foreign
            };
            let name = format!("the managed policy {arn} of {address}");
            Paper::identity(name, self.policies[arn].clone(), origin)
        });
        let boundary = role
            .boundary
            .as_ref()
            .map(|arn| match self.policies.get(arn) {
                Some(document) => {
                    let name = format!("the permissions boundary {arn} of {address}");
                    Boundary::Read(Paper::identity(name, document.clone(), Origin::Author))
                }
                None => Boundary::Unread(arn.clone()),
            });
        let what = What::Role {
            identity: identity.chain(managed).chain(read).collect(),
            unread: unread.into_iter().cloned().collect(),
            boundary,
        };
        let mut trust = Paper::of(
            format!("the trust policy of {address}"),
            role.trust.clone(),
            Kind::Resource,
            None,
        );
        if let Resource::Role(wanted) = &want.resource {
            trust = trust.written(&wanted.trust);
        }
        self.add(address, want, Some(trust), role.arn.to_string(), what);
    }

    fn add_guarded(
        &mut self,
        address: &Address,
        want: &Want,
        arn: String,
        policy: Document,
        what: What,
    ) {
        let policy = (!policy.statements.is_empty()).then(|| {
            Paper::of(
                format!("the policy of {address}"),
                policy,
                Kind::Resource,
                None,
            )
        });
        self.add(address, want, policy, arn, what);
    }

    /// Adds a key of the stack, which decides about what it encrypts by the same policy.
    fn add_key(&mut self, address: &Address, want: &Want, key: &Key, policy: Document) {
        let arn = key.arn.to_string();
        self.keys
            .entry(KmsKey::from(key.arn.clone()))
            .or_insert_with(|| KeyReading::Unread(String::new()));
        for (name, reading) in &mut self.keys {
            let is_it = match reading {
                KeyReading::Read { arn: own, .. } => *own == arn,
                KeyReading::Unread(_) => *name.arn() == key.arn,
            };
            if is_it {
                *reading = KeyReading::Read {
                    arn: arn.clone(),
                    policy: policy.clone(),
                };
            }
        }
        self.add_guarded(address, want, arn, policy, What::Key);
    }

    fn add_api(
        &mut self,
        address: &Address,
        want: &Want,
        api: &rest_api::RestApi,
        policy: &Document,
    ) {
        let place = &want.place;
        let name = ApiName {
            partition: place.partition().as_str(),
            region: place.region.as_str(),
            account: place.id.as_str(),
            api: &self.ids[address],
        };
        let arn = name.head().trim_end_matches('/').to_owned();
        let policy = name.expand(policy);
        let surface = Surface {
            stage: String::new(),
            methods: api
                .methods
                .iter()
                .map(|(key, it)| (key.clone(), it.authorization.clone()))
                .collect(),
            keyed: api
                .methods
                .iter()
                .filter(|(_, it)| it.api_key_required)
                .map(|(key, _)| key.clone())
                .collect(),
            private: api.endpoint == Endpoint::Private,
            endpoints: api.vpc_endpoints.clone(),
            closed_to: match &want.resource {
                Resource::RestApi(wanted) if want.owned => api.closed_to(wanted),
                _ => Vec::new(),
            },
            ..Surface::default()
        };
        self.add_guarded(address, want, arn, policy, What::Api(surface));
    }

    /// Tells each API what its stages serve. `these` are applied, or all.
    fn serve(&mut self, desired: &Desired, live: &Live, these: Option<&BTreeSet<Address>>) {
        for (address, want) in &desired.wants {
            let Resource::Stage(wanted) = &want.resource else {
                continue;
            };
            let Some(What::Api(surface)) = self.things.get_mut(&wanted.api).map(|it| &mut it.what)
            else {
                continue;
            };
            surface.stage.clone_from(&wanted.name);
            let mut others: Vec<&Have> = live
                .have
                .get(&wanted.api)
                .map(|it| it.stages.iter().collect())
                .unwrap_or_default();
            if these.is_some() {
                others.extend(live.orphans.iter().map(|it| &it.have));
            }
            let others = others.into_iter();
            surface.others = others.filter_map(|it| OtherStage::of(it, wanted)).collect();
            if these.is_none_or(|it| it.contains(address)) {
                continue;
            }
            let found = live.have.get(address).and_then(|it| match &it.resource {
                Resource::Stage(it) => Some(it),
                _ => None,
            });
            let Some(found) = found else {
                surface.behind = Some(format!("the stage `{}` is not there", wanted.name));
                continue;
            };
            if !found.deployed.is_empty() {
                surface.methods.clone_from(&found.deployed);
            }
            surface.throttled = cutoffs::of_stage(wanted, found);
            let extras = live.have.get(address).into_iter().flat_map(|it| &it.extras);
            let settings = extras.clone().filter_map(|it| cutoffs::of_method(&it.what));
            surface.settings = settings.collect();
            let mut canaries = extras.filter(|it| matches!(it.what, Stranger::Canary { .. }));
            if let Some(canary) = canaries.next() {
                surface.behind = Some(canary.to_string());
                surface.unread.clone_from(&surface.behind);
            } else if found.surface != wanted.surface {
                surface.behind = Some(format!(
                    "the stage `{}` does not serve what the stack says: its deployment is older, or somebody else's",
                    wanted.name
                ));
                surface.unread.clone_from(&surface.behind);
            }
        }
    }

    /// Tells each topic which queues of the stack still receive from it and should no longer.
    fn receive(&mut self, live: &Live) {
        for orphan in &live.orphans {
            let Resource::Subscription(it) = &orphan.have.resource else {
                continue;
            };
            let queue = self.named(it.queue.as_str());
            let topic = self.by_arn.get(it.topic.as_str()).cloned();
            let topic = topic.and_then(|it| self.things.get_mut(&it));
            if let Some(What::Topic { receivers, .. }) = topic.map(|it| &mut it.what) {
                receivers.push(Receiver {
                    endpoint: it.queue.to_string(),
                    text: format!("the subscription of {queue}, which the stack has no more"),
                    pending: false,
                });
            }
        }
    }

    /// The resource at an address.
    #[must_use]
    pub fn thing(&self, address: &Address) -> Option<&Thing> {
        self.things.get(address)
    }

    /// The resource with an ARN.
    #[must_use]
    pub fn with_arn(&self, arn: &str) -> Option<&Thing> {
        self.by_arn.get(arn).and_then(|it| self.things.get(it))
    }

    /// The resources of a kind.
    pub fn of_kind(&self, kind: KindName) -> impl Iterator<Item = &Thing> {
        self.things
            .values()
            .filter(move |it| it.address.kind == kind)
    }

    /// A text with addresses in the place of ARNs.
    #[must_use]
    pub fn named(&self, text: &str) -> String {
        self.by_arn.spell(text)
    }

    /// The name of a principal, or in words whom an example of one stands for.
    #[must_use]
    pub fn who(&self, who: &Who) -> String {
        match who {
            Who::Anonymous => "anyone, unsigned,".to_owned(),
            Who::Arn(name) | Who::Service(name) => match self.with_arn(name) {
                Some(it) => it.address.to_string(),
                None => self.names.caller(who).unwrap_or_else(|| name.clone()),
            },
        }
    }

    /// Returns an account that is neither the stack's nor named by any policy.
    pub(super) fn stranger(&self) -> String {
        self.names.stranger()
    }

    /// The name of a request's resource, or in words what an example of one stands for.
    #[must_use]
    pub fn resource_of(&self, request: &Request) -> String {
        let stands_for = self.names.resource(&request.resource);
        stands_for.unwrap_or_else(|| self.named(&request.resource))
    }
}

/// Every name that a stack gives: its accounts, and whom and what its policies name.
fn real_names(desired: &Desired) -> RealNames {
    let accounts = desired.places.iter();
    let mut names =
        RealNames::of_accounts(accounts.map(|it| (it.id.to_string(), it.account.clone())));
    for it in desired.wants.values() {
        it.resource.add_names(&mut names);
    }
    for it in &desired.handovers {
        names.add(&it.principal);
        names.add_policy(&it.document);
    }
    names
}

/// A role as it is wanted, with what stays on it of others.
fn with_foreign(role: &Role, want: &Want, live: Option<(&Have, &Role)>) -> Role {
    let mut role = role.clone();
    let Some((have, live)) = live else {
        return role;
    };
    role.boundary = role.boundary_after(have, live, want.exclusive);
    let prefix = inline_prefix(&want.stack);
    for (name, document) in &live.inline {
        if !name.starts_with(&prefix) && !want.drops_inline(name, document) {
            role.inline.insert(name.clone(), document.clone());
        }
    }
    let ours = |it: &str| have.mark.as_ref().is_some_and(|mark| mark.owns(it));
    let stays = |it: &&String| !ours(it) && !want.drops_attached(it);
    role.attached
        .extend(live.attached.iter().filter(stays).cloned());
    if !want.owned {
        role.trust = live.trust.clone();
        role.attached.clone_from(&live.attached);
        role.boundary.clone_from(&live.boundary);
    }
    role
}

/// What a method asks of its callers; nothing where that is neither nothing nor a signature.
#[must_use]
pub fn method_auth(authorization: &str) -> Option<MethodAuth> {
    match authorization {
        "AWS_IAM" => Some(MethodAuth::Iam),
        "NONE" | "" => Some(MethodAuth::None),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
