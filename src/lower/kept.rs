//! The mechanism that each consumer has in AWS, which `via = "auto"` keeps.
//!
//! The rule of `ways.rs` looks at the stack alone, so one more consumer or one public route would
//! change the mechanism of all others, and their running clients would be refused. Where AWS has been
//! read, the rule therefore decides only for consumers that have no mechanism yet, and for those that
//! the operator names (`--move`).
//!
//! A mechanism shows on two sides: in what lets the consumer in (the target's policy, or an access role
//! that trusts it), and in the consumer's own policy. Either is enough, so that one side that was changed
//! by hand does not change the other. Where the two sides disagree, the one that both have is taken.

use std::collections::{BTreeMap, BTreeSet};

use super::Draft;
use super::access_roles::{access_role_arn, suffix_of, target_address};
use super::trust::{Who, caller, name_of, trusts};
use crate::kinds::survey::Live;
use crate::kinds::{Have, Resource, Role};
use crate::model::{Address, Arn, KindName, Place};
use crate::policy::own::{OwnSid, is_ghost};
use crate::policy::{Document, Effect, PrincipalClause, Statement};
use crate::stack::{Access, Principal, Target, Via};

/// The mechanism of each consumer of a target, as AWS has it.
pub(super) type Kept = BTreeMap<(Address, String), Via>;

/// Reads the mechanisms that consumers with `via = "auto"` have, except those that the operator moves.
pub(super) fn kept(draft: &Draft<'_>, live: &Live, moving: &BTreeSet<String>) -> Kept {
    let stack = draft.stack;
    let mut found: BTreeMap<(Address, String), BTreeSet<Via>> = BTreeMap::new();
    for access in stack.access.iter().filter(|it| is_open(it)) {
        let from = caller(stack, access);
        let key = (target_address(&access.to), name_of(&from));
        let sides = Sides {
            draft,
            live,
            access,
        };
        let Some(who) = sides.who(&from) else {
            continue;
        };
        if !moving.contains(&key.1) && who.aws().is_none_or(|it| !moving.contains(it)) {
            let ways = found.entry(key).or_default();
            // A role that gets another name or path is let in by the one that it has.
            let names = std::iter::once(who).chain(sides.earlier(&from));
            let mut told = names.map(|who| sides.mechanisms(&from, &who));
            ways.extend(told.find(|it| !it.is_empty()).unwrap_or_default());
        }
    }
    // What the stack says in so many words explains one of two mechanisms.
    for access in stack.access.iter().filter(|it| it.via != Via::Auto) {
        let key = (target_address(&access.to), name_of(&caller(stack, access)));
        if let Some(ways) = found.get_mut(&key).filter(|it| it.len() > 1) {
            ways.remove(&access.via);
        }
    }
    let only = |(key, ways): (_, BTreeSet<Via>)| {
        let via = ways.first().copied().filter(|_| ways.len() == 1)?;
        Some((key, via))
    };
    found.into_iter().filter_map(only).collect()
}

/// Whether either mechanism could serve an access and the author leaves the choice to `auto`. What is
/// offered to another stack is fixed by its contract.
pub(super) fn is_open(access: &Access) -> bool {
    let either = match &access.from {
        Principal::Role(_)
        | Principal::RoleArn(_)
        | Principal::Named(_)
        | Principal::RolePrefix { .. }
        | Principal::Account(_) => true,
        Principal::Service(_)
        | Principal::ServiceFor { .. }
        | Principal::Organization { .. }
        | Principal::Oidc { .. }
        | Principal::Network(_) => false,
    };
    access.via == Via::Auto && either && !access.offered
}

/// One access, and what AWS has on its sides.
struct Sides<'a> {
    draft: &'a Draft<'a>,
    live: &'a Live,
    access: &'a Access,
}

impl Sides<'_> {
    /// Where the target stands, if an account of the stack has it.
    fn place(&self) -> Option<Place> {
        let stack = self.draft.stack;
        match &self.access.to {
            Target::Api { name, .. } => Some(self.draft.place(&stack.apis[name].account)),
            Target::Topic { name } => self.draft.topic_place(&stack.topics[name]),
            Target::Queue { name, .. } => Some(self.draft.place(&stack.queues[name].account)),
        }
    }

    /// A consumer as the target's policy names it.
    fn who(&self, from: &Principal) -> Option<Who> {
        let stack = self.draft.stack;
        let any = || stack.accounts.values().next().map(|it| it.place.clone());
        let place = self.place().or_else(any)?;
        Some(Who::of(from, stack, &place))
    }

    /// What is there at the address of a consumer that is a role of the stack, by whatever name.
    fn earlier(&self, from: &Principal) -> Vec<Who> {
        let Principal::Role(name) = from else {
            return Vec::new();
        };
        let address = Address::new(KindName::Role, name.clone());
        let left = self.live.orphans.iter();
        let left = left.filter(|it| it.address == address).map(|it| &it.have);
        let there = self.live.have.get(&address).into_iter().chain(left);
        let arns = there.filter_map(|it| match &it.resource {
            Resource::Role(role) => Some(Who::Role(role.arn.clone())),
            _ => None,
        });
        arns.collect()
    }

    /// The mechanisms that AWS shows for a consumer.
    fn mechanisms(&self, from: &Principal, who: &Who) -> BTreeSet<Via> {
        let target = target_address(&self.access.to);
        let place = self.place();
        let role = place.map(|it| access_role_arn(self.draft, self.access, from, &it));
        let role = role.as_ref().map(Arn::as_str);
        let there = self.live.have.get(&target);
        let mut letting = BTreeSet::new();
        let mut ghosts = BTreeSet::new();
        if let Some(policy) = there.map(|it| self.ours(it)) {
            if trusts(&policy, who) {
                letting.insert(Via::ResourcePolicy);
            } else if holds_ghosts(&policy) {
                ghosts.insert(Via::ResourcePolicy);
            }
        }
        for role in self.access_roles(role) {
            if trusts(&role.trust, who) {
                letting.insert(Via::AssumeRole);
            } else if holds_ghosts(&role.trust) {
                ghosts.insert(Via::AssumeRole);
            }
        }
        let calling = self.calling(who, there, role);
        let both: BTreeSet<Via> = letting.intersection(&calling).copied().collect();
        if !both.is_empty() {
            return both;
        }
        letting.extend(calling);
        // A role that was deleted and made again is named by its dead id.
        if letting.is_empty() { ghosts } else { letting }
    }

    /// The statements of a target's policy that this stack wrote to let consumers call or publish.
    fn ours(&self, have: &Have) -> Document {
        let owner = OwnSid::of(&self.draft.stack.name);
        let (policy, actions) = match &have.resource {
            Resource::RestApi(it) => (&it.policy, &["execute-api:Invoke"][..]),
            Resource::Topic(it) => (&it.policy, &["sns:Publish"][..]),
            Resource::Queue(it) => (&it.policy, &USES_OF_A_QUEUE[..]),
            _ => {
                return Document::of(Vec::new());
            }
        };
        // The owner's own statement on a topic allows publishing too, among much else.
        let statements = policy.statements.iter().filter(|it| {
            let apart = it.action.values.len() == 1 || policy_is_of_a_queue(have);
            apart && owner.owns(it) && actions.iter().any(|action| allows(it, action))
        });
        Document::of(statements.cloned().collect())
    }

    /// The access roles of this stack that could let the consumer in.
    fn access_roles<'a>(&'a self, own: Option<&'a str>) -> impl Iterator<Item = &'a Role> {
        let left = self.live.orphans.iter().map(|it| &it.have);
        let shared = self.access.role_name.as_deref();
        let ours = self.live.have.values().chain(left).filter(|it| {
            let mark = it.mark.as_ref();
            mark.is_some_and(|it| it.stack == self.draft.stack.name)
        });
        ours.filter_map(move |it| match &it.resource {
            Resource::Role(role) => {
                let named = own == Some(role.arn.as_str());
                let dealt = shared.is_some_and(|it| suffix_of(it, role.name()).is_some());
                (named || dealt).then_some(role)
            }
            _ => None,
        })
    }

    /// The mechanisms that the consumer's own policies allow it, when it is a role of the stack.
    fn calling(&self, who: &Who, there: Option<&Have>, role: Option<&str>) -> BTreeSet<Via> {
        let Who::Role(arn) = who else {
            return BTreeSet::new();
        };
        let left = self.live.orphans.iter().map(|it| &it.have);
        let mut roles = self.live.have.values().chain(left);
        let own = roles.find_map(|it| match &it.resource {
            Resource::Role(role) if role.arn == *arn => Some(role),
            _ => None,
        });
        let statements = own
            .into_iter()
            .flat_map(Role::identity)
            .flat_map(|it| &it.statements);
        let mut found = BTreeSet::new();
        for statement in statements {
            let mut on = statement.resource.iter().flat_map(|it| &it.values);
            let direct = match &self.access.to {
                Target::Api { .. } => {
                    let id = there.map(|it| format!(":{}/", it.id));
                    allows(statement, "execute-api:Invoke")
                        && id.is_some_and(|id| on.clone().any(|it| it.contains(&id)))
                }
                Target::Topic { name } => {
                    let topic = self.draft.stack.topics[name].arn.as_str();
                    allows(statement, "sns:Publish") && on.clone().any(|it| it == topic)
                }
                Target::Queue { name, .. } => {
                    let queue = self.draft.stack.queues[name].arn.as_str();
                    let uses = USES_OF_A_QUEUE.iter().any(|it| allows(statement, it));
                    uses && on.clone().any(|it| it == queue)
                }
            };
            if direct {
                found.insert(Via::ResourcePolicy);
            }
            let named = |it: &String| {
                let name = it.rsplit('/').next().unwrap_or_default();
                let shared = self.access.role_name.as_deref();
                role == Some(it.as_str()) || shared.is_some_and(|it| suffix_of(it, name).is_some())
            };
            if allows(statement, "sts:AssumeRole") && on.any(named) {
                found.insert(Via::AssumeRole);
            }
        }
        found
    }
}

/// One action of each use that a queue may be let to.
const USES_OF_A_QUEUE: [&str; 2] = ["sqs:SendMessage", "sqs:ReceiveMessage"];

fn policy_is_of_a_queue(have: &Have) -> bool {
    matches!(have.resource, Resource::Queue(_))
}

fn allows(statement: &Statement, action: &str) -> bool {
    let mut actions = statement.action.values.iter();
    statement.effect == Effect::Allow && actions.any(|it| it.eq_ignore_ascii_case(action))
}

fn holds_ghosts(document: &Document) -> bool {
    let clauses = document
        .statements
        .iter()
        .filter_map(|it| it.principal.as_ref());
    clauses
        .flat_map(PrincipalClause::aws_values)
        .any(|it| is_ghost(it))
}
