//! The author's nouns to AWS's: accesses become policies, names become ARNs.
//!
//! Every access is written on both its sides, so that nothing changes shape when
//! an account is split in two:
//!
//! | access           | caller's role                | between               | target                        |
//! |------------------|------------------------------|-----------------------|-------------------------------|
//! | API, resource policy   | `execute-api:Invoke`   |                       | its policy names the caller   |
//! | API, assume role       | `sts:AssumeRole`       | access role: trusts the caller, may invoke | untouched |
//! | topic, resource policy | `sns:Publish`          |                       | its policy names the caller   |
//! | topic, assume role     | `sts:AssumeRole`       | access role: trusts the caller, may publish | untouched |
//! | queue, resource policy | `sqs:SendMessage`, or what receiving takes |   | its policy names the caller   |
//! | queue, assume role     | `sts:AssumeRole`       | access role: trusts the caller, may send or receive | untouched |
//! | a service's access     | (none)                 |                       | its policy names the service and what it acts for |
//! | subscription           | the queue's policy lets the topic deliver | the subscription | its policy lets the queue's account subscribe that queue |

mod access;
mod access_roles;
pub mod api;
pub mod calls;
mod contract;
mod identity;
mod kept;
pub mod keys;
mod left;
mod messaging;
mod names;
pub mod reading;
mod roles;
mod shares;
#[cfg(test)]
mod sides;
mod trust;
mod ways;

use std::collections::{BTreeMap, BTreeSet};

use self::access_roles::target_address;
use self::identity::Identity;
use self::left::LeftAlone;
use crate::kinds::extra::{known_digests, statement_digest};
use crate::kinds::survey::Live;
use crate::kinds::{Resource, Want, pending_in, with_ids};
use crate::model::{AccountId, Address, Arn, KindName, KmsKey, Place};
use crate::policy::{Clause, Document, Effect, PrincipalClause, Statement, own};
use crate::stack::{self, Claimed, Network, Offer, Principal, RouteKey, Stack, Via, Withdrawn};

pub use contract::{Claiming, contract};
pub use keys::KeyUse;
pub use trust::{caller, name_of};

/// What the `Sid` of the statement is made of that refuses requests without TLS.
pub const TLS_ONLY: &str = "tls only";

/// Everything that a stack wants.
#[derive(Clone, Debug)]
pub struct Desired {
    /// The stack's name.
    pub stack: String,
    /// Every account and region the stack speaks of.
    pub places: BTreeSet<Place>,
    /// Accounts that cannot be entered, as the operator says: nothing is read or written there.
    pub unreachable: BTreeSet<AccountId>,
    /// The resources.
    pub wants: BTreeMap<Address, Want>,
    /// Who may do what, by which mechanism.
    pub grants: Vec<Grant>,
    /// Policies that somebody else must attach, since the principal is theirs.
    pub handovers: Vec<Handover>,
    /// What the policies of KMS keys must allow.
    pub key_uses: Vec<KeyUse>,
    /// What is claimed of other stacks.
    pub claims: Vec<Claiming>,
    /// What is offered to other stacks.
    pub offers: Vec<Offer>,
    /// What other stacks say they use of this one.
    pub claimed: Vec<Claimed>,
    /// Claims that no contract covers any more.
    pub withdrawn: Vec<Withdrawn>,
    /// What this stack calls topics of others, by their ARNs.
    pub theirs: BTreeMap<String, String>,
    /// Guardrails that resources may go over, and why.
    pub accepts: BTreeMap<Address, stack::Accepted>,
    /// The access role of each consumer that shares one, by the name they share and the consumer's own.
    pub shares: BTreeMap<(String, String), String>,
    /// Consumers whose mechanism `auto` chooses anew, though AWS has one.
    pub moving: BTreeSet<String>,
    /// Authorizers of authors' documents that are replaced, as sentences.
    pub replaced: Vec<String>,
    /// What others put on resources of the stack and may stay.
    pub known: Vec<stack::Known>,
}

/// One access, as it was compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who, as the author calls it.
    pub who: String,
    /// What they may do: `publish to`, `call POST /orders of`.
    pub may: String,
    /// On what.
    pub target: Address,
    /// The mechanism: never `Auto`.
    pub via: Via,
    /// Why that mechanism, where the engine chose it.
    pub why: Option<String>,
    /// Whether the number of consumers or a public route chose it, without AWS having been read: a
    /// consumer that is there already keeps the mechanism that it has.
    pub provisional: bool,
    /// The access role, where there is one.
    pub role: Option<Address>,
    /// Routes that nobody declared, that a `*` reaches all the same, and that no `Deny` can take out.
    pub beyond: Vec<String>,
    /// Where it is written, as `file:line`.
    pub written_at: String,
}

/// A policy that the owner of a principal must attach to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// The principal, as an ARN or account.
    pub principal: String,
    /// What it is for.
    pub why: String,
    /// The identity policy.
    pub document: Document,
    /// It is offered: the consumer's own stack writes it, by the contract.
    pub offered: bool,
    /// What kind of policy it is.
    pub kind: HandoverKind,
}

impl Handover {
    /// The same with the ids that AWS has chosen.
    #[must_use]
    pub fn with_ids(&self, ids: &BTreeMap<Address, String>) -> Self {
        Self {
            document: with_ids(&self.document, ids),
            ..self.clone()
        }
    }

    /// The APIs whose ids it cannot have yet.
    #[must_use]
    pub fn waits_for(&self) -> BTreeSet<Address> {
        pending_in(&self.document)
    }
}

/// What a policy that is handed over is a policy of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandoverKind {
    /// A principal.
    Identity,
    /// A topic: statements for its access policy.
    TopicPolicy,
    /// A KMS key: statements for its key policy.
    KeyPolicy,
}

/// A stack whose parts do not fit together once names are made of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LowerFault {
    /// What does not fit, and what to do.
    pub message: String,
    /// Where it is written, as `file:line`, when one line is to blame.
    pub written_at: Option<String>,
}

/// What lowering gathers on its way.
struct Draft<'a> {
    stack: &'a Stack,
    /// Routes that are left to an API's own policy, by the API's name.
    ruled: &'a BTreeMap<String, BTreeSet<RouteKey>>,
    wants: BTreeMap<Address, Want>,
    grants: Vec<Grant>,
    /// What principals of others may do, by the principal's name and the target.
    attach: BTreeMap<(String, Address), Identity>,
    /// Which of them are the consumers' own stacks' to write.
    offered: BTreeSet<(String, Address)>,
    /// Our statements of the policies of topics that others own.
    topic_policies: BTreeMap<Arn, Vec<Statement>>,
    /// The KMS keys of topics and queues.
    keys: BTreeMap<Address, KmsKey>,
    key_uses: Vec<KeyUse>,
    claims: Vec<Claiming>,
    faults: Vec<LowerFault>,
    /// What each role of the stack may do, by the role's name.
    identity: BTreeMap<String, Identity>,
    /// Our statements of each API's policy, by the API's name.
    invokers: BTreeMap<String, access::Invokers>,
    /// Who publishes to each topic, by the topic's name.
    publishers: BTreeMap<String, Vec<trust::Who>>,
    /// Authorizers of authors' documents that are replaced, as sentences.
    replaced: Vec<String>,
    /// The mechanism that each consumer has in AWS.
    kept: kept::Kept,
    /// Who uses each target, as the author calls them.
    consumers: BTreeMap<Address, BTreeSet<String>>,
    /// The access role of each consumer that shares one, by the name they share and the consumer's own.
    shares: BTreeMap<(String, String), String>,
    /// Who uses each queue for what, by the queue's name.
    queue_users: BTreeMap<String, BTreeMap<stack::QueueUse, BTreeSet<trust::Who>>>,
    /// What the sessions of the stack's roles pass on to the roles that they assume.
    passed_on: trust::PassedOn,
    /// Who may use each access role, by its name in the stack.
    access_roles: BTreeMap<String, access::AccessRole>,
}

impl Draft<'_> {
    fn place(&self, account: &str) -> Place {
        self.stack.accounts[account].place.clone()
    }

    fn sid(&self, purpose: &str) -> String {
        own::sid(&self.stack.name, purpose)
    }

    /// The statements of a resource's policy that are not for a principal of the stack: a field of
    /// the resource asks for them, or the author wrote them out. `resource` is what they are about.
    fn written(&self, address: &Address, resource: &str, tls_only: bool) -> Vec<Statement> {
        let mut found = Vec::new();
        if tls_only {
            let actions = match address.kind {
                KindName::Topic => &messaging::OWNER_ACTIONS[..],
                KindName::Queue => &["sqs:*"],
                KindName::Key => &["kms:*"],
                _ => &["execute-api:Invoke"],
            };
            let actions = Clause::of(actions.iter().copied());
            let mut refused = Statement::allow(self.sid(TLS_ONLY), actions)
                .to(PrincipalClause::anyone())
                .on([resource])
                .when("Bool", "aws:SecureTransport", ["false"]);
            refused.effect = Effect::Deny;
            found.push(refused);
        }
        let own = self.stack.statements.iter().filter(|it| it.on == *address);
        found.extend(own.map(|it| written_statement(it, &self.stack.name)));
        found
    }

    fn want(&mut self, address: Address, place: Place, resource: Resource) -> &mut Want {
        let quotas = self.stack.accounts.get(&place.account).map(|it| it.quotas);
        let want = Want {
            quotas: quotas.unwrap_or_default(),
            ..Want::of(&self.stack.name, place, resource)
        };
        self.wants.entry(address).insert_entry(want).into_mut()
    }

    fn topic_place(&self, topic: &stack::Topic) -> Option<Place> {
        topic.account.as_deref().map(|it| self.place(it))
    }

    fn queue_arn(&self, queue: &stack::QueueRef) -> Arn {
        match queue {
            stack::QueueRef::Stack(name) => self.stack.queues[name].arn.clone(),
            stack::QueueRef::Arn(arn) => arn.clone(),
        }
    }

    /// The boundary that roles get in a place, unless they name another.
    fn boundary(&self, place: &Place) -> Option<String> {
        let account = &self.stack.accounts[&place.account];
        account.boundary.as_ref().map(ToString::to_string)
    }

    fn place_of_account(&self, id: &AccountId) -> Option<Place> {
        self.stack
            .accounts
            .values()
            .map(|it| &it.place)
            .find(|it| it.id == *id)
            .cloned()
    }
}

/// A statement that the author wrote out, under a `Sid` of the stack.
#[must_use]
pub fn written_statement(it: &stack::WrittenStatement, stack: &str) -> Statement {
    let digest = statement_digest(&it.statement);
    let name = it.statement.sid.as_deref().unwrap_or(&digest);
    // What was written from live AWS may be a statement of this stack already.
    let sid = if own::OwnSid::of(stack).owns(&it.statement) {
        name.to_owned()
    } else {
        own::sid(stack, &format!("written {name}"))
    };
    Statement {
        sid: Some(sid),
        ..it.statement.clone()
    }
}

/// What a stack wants of AWS.
pub fn lower(stack: &Stack) -> Result<Desired, Vec<LowerFault>> {
    lower_over(stack, None, &BTreeSet::new())
}

/// Whether what AWS has decides something of a stack: who uses which of several shared access roles,
/// which mechanism `auto` is, which routes of existing APIs are left alone, and how existing topics and queues are encrypted.
#[must_use]
pub fn depends_on_live(stack: &Stack) -> bool {
    let mut accesses = stack.access.iter();
    accesses.any(|it| it.role_name.is_some() || kept::is_open(it))
        || stack.apis.values().any(|it| it.existing.is_some())
        || stack.topics.values().any(|it| it.existing)
        || stack.queues.values().any(|it| it.existing)
}

/// The same over what is there: consumers keep the mechanism and the shared access role that they have.
/// `moving` names those that do not.
pub fn lower_over(
    stack: &Stack,
    live: Option<&Live>,
    moving: &BTreeSet<String>,
) -> Result<Desired, Vec<LowerFault>> {
    let left_alone = live.map_or_else(LeftAlone::default, |it| left::left_alone(stack, it));
    let stack = left_alone.stack.as_ref().unwrap_or(stack);
    let mut draft = Draft {
        stack,
        ruled: &left_alone.ruled,
        wants: BTreeMap::new(),
        grants: Vec::new(),
        attach: BTreeMap::new(),
        offered: BTreeSet::new(),
        topic_policies: BTreeMap::new(),
        keys: keys::keys_of(stack, live),
        key_uses: Vec::new(),
        claims: Vec::new(),
        faults: Vec::new(),
        identity: BTreeMap::new(),
        invokers: BTreeMap::new(),
        publishers: BTreeMap::new(),
        replaced: Vec::new(),
        kept: BTreeMap::new(),
        queue_users: BTreeMap::new(),
        passed_on: trust::passed_on(stack),
        consumers: BTreeMap::new(),
        shares: BTreeMap::new(),
        access_roles: BTreeMap::new(),
    };
    if let Some(live) = live {
        draft.kept = kept::kept(&draft, live, moving);
    }
    access::compile(&mut draft, live);
    access::let_integrations_send(&mut draft);
    contract::compile(&mut draft);
    messaging::compile(&mut draft);
    access::compile_apis(&mut draft);
    access::compile_roles(&mut draft);
    roles::compile(&mut draft);
    keys::compile(&mut draft);
    let taken = taken_sids(&draft);
    draft.faults.extend(taken);
    for known in stack.known.iter().filter(|it| !it.expired) {
        // What stands on a stage is written on its API.
        let on = draft.wants.iter_mut();
        for (_, want) in on.filter(|(address, _)| address.of_table() == known.on) {
            want.known.extend(known_digests(known));
        }
    }
    if !draft.faults.is_empty() {
        return Err(draft.faults);
    }
    for moved in &stack.moved {
        for (address, want) in &mut draft.wants {
            let was = match &want.resource {
                Resource::Stage(stage) if stage.api == moved.to => {
                    let name = format!("{}.{}", moved.from.name, stage.name);
                    Address::new(KindName::Stage, name)
                }
                _ if *address == moved.to => moved.from.clone(),
                _ => continue,
            };
            want.was.insert(was);
        }
    }
    let handovers = handovers(&draft);
    Ok(Desired {
        stack: stack.name.clone(),
        places: stack.accounts.values().map(|it| it.place.clone()).collect(),
        unreachable: BTreeSet::new(),
        wants: draft.wants,
        grants: draft.grants,
        handovers,
        key_uses: draft.key_uses,
        claims: draft.claims,
        offers: stack.offers.clone(),
        claimed: stack.claimed.clone(),
        withdrawn: stack.withdrawn.clone(),
        theirs: contract::names(stack),
        accepts: stack.accepts.clone(),
        shares: draft.shares,
        moving: moving.clone(),
        replaced: draft.replaced,
        known: stack.known.clone(),
    })
}

/// Faults of statements that the author wrote out under a `Sid` that another statement of the policy has.
fn taken_sids(draft: &Draft<'_>) -> Vec<LowerFault> {
    let stack = draft.stack;
    let faults = stack.statements.iter().filter_map(|it| {
        let sid = written_statement(it, &stack.name).sid;
        let policy = draft.wants.get(&it.on)?.resource.policy()?;
        let same = policy.statements.iter().filter(|other| other.sid == sid);
        (same.count() > 1).then(|| LowerFault {
            message: format!(
                "the policy of `{}` would have two statements of the `Sid` `{}`; write another `Sid` into the `[[statement]]`, \
                 or remove it where an `[[access]]` says the same",
                it.on,
                sid.unwrap_or_default()
            ),
            written_at: None,
        })
    });
    faults.collect()
}

/// The policies that others attach to their principals, and to their topics.
fn handovers(draft: &Draft<'_>) -> Vec<Handover> {
    let identities = draft.attach.iter().map(|(key, identity)| {
        let (principal, target) = key;
        let sid = |it: &str| draft.sid(&format!("{it} {target}"));
        Handover {
            principal: principal.clone(),
            why: format!("to use {target}"),
            document: Document::of(identity.statements(sid)),
            offered: draft.offered.contains(key),
            kind: HandoverKind::Identity,
        }
    });
    let topics = draft
        .topic_policies
        .iter()
        .map(|(topic, statements)| Handover {
            principal: topic.to_string(),
            why: "the topic's own policy".to_owned(),
            document: Document::of(statements.clone()),
            offered: false,
            kind: HandoverKind::TopicPolicy,
        });
    let mut found: Vec<Handover> = identities.chain(topics).collect();
    found.sort_by(|a, b| (&a.principal, &a.why).cmp(&(&b.principal, &b.why)));
    found
}

impl Desired {
    /// Says of which accesses the mechanism is the one of a first apply, where a consumer that AWS has
    /// already keeps its own.
    #[must_use]
    pub fn provisional(&self) -> Vec<String> {
        let mut found: BTreeMap<&Address, BTreeSet<&str>> = BTreeMap::new();
        for grant in self.grants.iter().filter(|it| it.provisional) {
            found.entry(&grant.target).or_default().insert(&grant.who);
        }
        let says = |(target, who): (&Address, BTreeSet<&str>)| {
            let (many, are) = match who.len() {
                1 => ("1 consumer".to_owned(), "is"),
                many => (format!("{many} consumers"), "are"),
            };
            format!(
                "{many} of {target} {are} shown as a first apply would let them in; one that AWS has already keeps its \
                 mechanism (`plan` reads AWS and says which)"
            )
        };
        found.into_iter().map(says).collect()
    }

    /// The same stack that wants nothing any more.
    #[must_use]
    pub fn without_wants(&self) -> Self {
        Self {
            wants: BTreeMap::new(),
            grants: Vec::new(),
            handovers: Vec::new(),
            claims: Vec::new(),
            offers: Vec::new(),
            ..self.clone()
        }
    }

    /// The accounts and regions that can be entered.
    #[must_use]
    pub fn reached(&self) -> BTreeSet<Place> {
        let entered = |it: &&Place| !self.unreachable.contains(&it.id);
        self.places.iter().filter(entered).cloned().collect()
    }

    /// The VPC endpoints that a stack names, each with the accounts in which it may be: that of what is called through
    /// it, then those of the callers.
    #[must_use]
    pub fn endpoints_of(&self, stack: &Stack) -> BTreeMap<String, Vec<Place>> {
        let mut found: BTreeMap<String, Vec<Place>> = BTreeMap::new();
        let mut add = |id: &String, target: &Address, want: &Want| {
            let callers = stack.access.iter();
            let callers = callers.filter(|it| target_address(&it.to) == *target);
            let callers = callers.filter_map(|it| stack.account_of(&it.from));
            let known = found.entry(id.clone()).or_default();
            for id in std::iter::once(want.place.id.clone()).chain(callers) {
                let own = self.places.iter().find(|it| it.id == id);
                let place = own.map(|it| Place {
                    region: want.place.region.clone(),
                    ..it.clone()
                });
                let place = place.filter(|it| !self.unreachable.contains(&it.id));
                known.extend(place.filter(|it| !known.contains(it)));
            }
        };
        for (address, want) in &self.wants {
            if let Resource::RestApi(api) = &want.resource {
                api.vpc_endpoints
                    .iter()
                    .for_each(|it| add(it, address, want));
            }
        }
        for it in &stack.access {
            let target = target_address(&it.to);
            if let Principal::Network(Network::VpcEndpoint(id)) = &it.from
                && let Some(want) = self.wants.get(&target)
            {
                add(id, &target, want);
            }
        }
        found
    }

    /// The address of the role of the stack with this ARN.
    #[must_use]
    pub fn role_with_arn(&self, arn: &Arn) -> Option<&Address> {
        self.wants
            .iter()
            .find(|(_, want)| matches!(&want.resource, Resource::Role(role) if role.arn == *arn))
            .map(|(address, _)| address)
    }
}

/// The place from which a topic is seen that stands in no account of the stack.
fn first_place(stack: &Stack) -> Option<Place> {
    stack.accounts.values().next().map(|it| it.place.clone())
}

fn role_address(name: &str) -> Address {
    Address::new(KindName::Role, name)
}
