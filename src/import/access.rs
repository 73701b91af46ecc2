//! Accesses, read off the statements that they were compiled to.

use std::collections::{BTreeMap, BTreeSet};

use super::Scene;
use super::apis::routes_of;
use super::roles::{ACCESS, Derived, derived};
use super::text::{Section, key, list, quoted, texts};
use crate::kinds::role::inline_prefix;
use crate::kinds::survey::census::Found;
use crate::kinds::{Queue, Resource, RestApi, Role};
use crate::lower::Desired;
use crate::lower::api::reach;
use crate::lower::reading::{external_id, moved_since, subscribers, usual_access_role};
use crate::model::{Address, Arn, KindName};
use crate::policy::normal::same_statement;
use crate::policy::{Document, Effect, Statement};
use crate::stack::{Principal, QueueUse, RouteKey, Subscribing};

/// The resources of a statement.
fn resources(statement: &Statement) -> &[String] {
    let clause = statement.resource.as_ref();
    clause.map(|it| it.values.as_slice()).unwrap_or_default()
}

/// Whether a statement is about exactly these actions.
fn is_about(statement: &Statement, actions: &[&str]) -> bool {
    let lower = |it: &str| it.to_ascii_lowercase();
    let found: BTreeSet<String> = statement.action.values.iter().map(|it| lower(it)).collect();
    !statement.action.negated && found == actions.iter().map(|it| lower(it)).collect()
}

fn is_for(statement: &Statement, actions: &[&str]) -> bool {
    statement.effect == Effect::Allow && is_about(statement, actions)
}

fn allows(statement: &Statement, action: &str) -> bool {
    statement.effect == Effect::Allow
        && statement
            .action
            .values
            .iter()
            .any(|it| it.eq_ignore_ascii_case(action))
}

/// The resource without what stands before the stage.
fn from_stage(resource: &str) -> &str {
    resource.split_once('/').map_or("", |(_, it)| it)
}

/// What an access is to be written as.
struct Edge {
    from: Vec<Principal>,
    to: Address,
    /// Routes, or uses of a queue; nothing of a topic.
    allow: Vec<String>,
    via: &'static str,
    role_name: Option<String>,
    external_id: Option<String>,
    /// What had another name when the access role was made, with its name of today.
    moved: Vec<(Address, Address)>,
}

impl Edge {
    fn direct(from: Vec<Principal>, to: &Address, allow: Vec<String>) -> Self {
        Self {
            from,
            to: to.clone(),
            allow,
            via: "resource-policy",
            role_name: None,
            external_id: None,
            moved: Vec::new(),
        }
    }
}

/// What a queue is used for, by the principal.
type Users = BTreeMap<Principal, BTreeSet<QueueUse>>;

impl<'a> Scene<'a> {
    /// Returns the tables of an access. A role that only a condition names is of another stack and need not be there:
    /// it was offered.
    fn tables(&self, edge: &Edge) -> Vec<Section> {
        let is_offered = |it: &&Principal| matches!(it, Principal::Named(_));
        let (offered, own): (Vec<_>, Vec<_>) = edge.from.iter().partition(is_offered);
        let table = |header: &str, field: &str, who: &[&Principal], allow: &[String]| {
            let mut section = Section::new(header);
            let who: Vec<String> = who.iter().map(|it| self.principal(it)).collect();
            section.one_or_many(field, &who);
            section.text("to", &edge.to.to_string());
            if !allow.is_empty() {
                section.raw("allow", list(&texts(allow.iter().map(String::as_str))));
            }
            section.text("via", edge.via);
            let some = |it: &Option<String>| it.clone().unwrap_or_default();
            section.some_text("role_name", &some(&edge.role_name));
            section.some_text("external_id", &some(&edge.external_id));
            section
        };
        let mut found = Vec::new();
        if !own.is_empty() {
            found.push(table("[[access]]", "from", &own, &edge.allow));
        }
        if !offered.is_empty() {
            let publish = ["publish".to_owned()];
            let is_topic = edge.to.kind == KindName::Topic;
            let allow = if is_topic { &publish[..] } else { &edge.allow };
            found.push(table("[[offer]]", "for", &offered, allow));
        }
        for (before, now) in &edge.moved {
            let mut moved = Section::new("[[moved]]");
            moved.text("from", &before.to_string());
            moved.text("to", &now.to_string());
            found.push(moved);
        }
        found
    }

    /// Every access that our statements tell of, beside what the rest of the file has lowering write.
    ///
    /// An access is a proposal: what lowering makes of it is compared with what is live once the file is whole.
    pub(super) fn accesses(&self, rest: &[Section]) -> Vec<Section> {
        let roles = self.census.found.iter().filter_map(|it| {
            let Resource::Role(role) = &it.have.resource else {
                return None;
            };
            self.is_made(role.arn.as_str())
                .then(|| self.access_role(role))?
        });
        let mut found: Vec<Section> = Vec::new();
        for section in roles.flat_map(|it| self.tables(&it)) {
            // Each access role of something that moved tells that it did.
            if section.header != "[[moved]]" || !found.contains(&section) {
                found.push(section);
            }
        }
        let mut sections = rest.to_vec();
        sections.extend(found.iter().cloned());
        // A file with faults is mended first: what is lowered then is another.
        let Ok(Some(rest)) = self.lowered(&sections) else {
            return found;
        };
        for it in &self.census.found {
            found.extend(self.direct(it, &rest).iter().flat_map(|it| self.tables(it)));
            found.extend(self.subscribers(it, &rest));
        }
        found
    }

    /// Accesses by a target's own policy, beside what `rest` writes there.
    fn direct(&self, found: &'a Found, rest: &Desired) -> Vec<Edge> {
        let Some(to) = self.address(found) else {
            return Vec::new();
        };
        let written = rest.wants.get(&to).and_then(|it| it.resource.policy());
        let written = written.map_or(&[][..], |it| &it.statements);
        let live = found.have.resource.policy();
        let live = live.map_or(&[][..], |it| &it.statements);
        let mut edges = Vec::new();
        let mut users = Users::new();
        for statement in live {
            let follows = written.iter().any(|it| same_statement(it, statement));
            if follows || statement.effect != Effect::Allow || self.is_verbatim(found, statement) {
                continue;
            }
            let Some(mut from) = self.who(statement) else {
                continue;
            };
            // Lowering has one statement for all that it lets in by the same means.
            let same = written.iter().filter(|it| it.sid == statement.sid);
            let others: Vec<Principal> = same.filter_map(|it| self.who(it)).flatten().collect();
            from.retain(|it| !others.contains(it));
            if from.is_empty() {
                continue;
            }
            match &found.have.resource {
                Resource::Topic(_) if is_for(statement, &["sns:Publish"]) => {
                    edges.push(Edge::direct(from, &to, Vec::new()));
                }
                Resource::Queue(_) => {
                    let uses = USES
                        .into_iter()
                        .filter(|it| is_for(statement, it.actions()));
                    for it in uses {
                        for who in &from {
                            users.entry(who.clone()).or_default().insert(it);
                        }
                    }
                }
                Resource::RestApi(api) if is_for(statement, &["execute-api:Invoke"]) => {
                    let denied = denied_beside(statement, live);
                    let routes = routes(api, found.existing, resources(statement), &denied);
                    edges.push(Edge::direct(from, &to, routes));
                }
                _ => {}
            }
        }
        if let Resource::Queue(queue) = &found.have.resource {
            self.senders(queue, &to, rest, &mut users);
        }
        let mut alike: BTreeMap<BTreeSet<QueueUse>, Vec<Principal>> = BTreeMap::new();
        for (who, uses) in users {
            alike.entry(uses).or_default().push(who);
        }
        let of_queue = alike
            .into_iter()
            .map(|(uses, from)| Edge::direct(from, &to, names_of(&uses)));
        edges.extend(of_queue);
        edges
    }

    /// Queues of others that a topic lets subscribe, beside those that `rest` does.
    fn subscribers(&self, found: &'a Found, rest: &Desired) -> Option<Section> {
        let (Resource::Topic(topic), Some(to)) = (&found.have.resource, self.address(found)) else {
            return None;
        };
        let of = |policy: &Document| -> BTreeSet<Subscribing> {
            let may = policy
                .statements
                .iter()
                .filter(|it| is_for(it, &["sns:Subscribe"]));
            let own = may.filter(|it| !self.is_verbatim(found, it));
            own.filter_map(subscribers).flatten().collect()
        };
        let want = rest.wants.get(&to);
        let written = want.and_then(|it| it.resource.policy()).map(of);
        let live = of(&topic.policy);
        let written = written.unwrap_or_default();
        let more = live.difference(&written);
        let more = more.map(|it| match it {
            Subscribing::Queue(arn) => quoted(arn.as_str()),
            Subscribing::Account(id) => self.principal(&Principal::Account(id.clone())),
        });
        let more: Vec<String> = more.collect();
        let mut section = Section::new("[[offer]]");
        section.text("to", &to.to_string());
        section.text("allow", "subscribe");
        section.one_or_many("for", &more);
        (!more.is_empty()).then_some(section)
    }

    /// Adds roles that a queue lets send for the routes of an API, and that may send by themselves as well: only
    /// their own policies tell.
    fn senders(&self, queue: &Queue, to: &Address, rest: &Desired, users: &mut Users) {
        let allowed = |role: &Role, it: QueueUse| {
            let mut statements = role.identity().flat_map(|it| &it.statements);
            statements.any(|statement| {
                is_for(statement, it.actions())
                    && resources(statement)
                        .iter()
                        .any(|it| it == queue.arn.as_str())
            })
        };
        let Some(policy) = rest.wants.get(to).and_then(|it| it.resource.policy()) else {
            return;
        };
        let named = policy
            .statements
            .iter()
            .filter(|it| is_for(it, QueueUse::Send.actions()));
        for who in named.filter_map(|it| self.who(it)).flatten() {
            let Principal::Role(name) = &who else {
                continue;
            };
            let wanted = rest.wants.get(&Address::new(KindName::Role, name));
            let wanted = wanted.map(|it| &it.resource);
            let sends = |it: Option<&Resource>| matches!(it, Some(Resource::Role(it)) if allowed(it, QueueUse::Send));
            let live = self.found_at(&Address::new(KindName::Role, name));
            if sends(live.map(|it| &it.have.resource)) && !sends(wanted) {
                users.entry(who).or_default().insert(QueueUse::Send);
            }
        }
    }

    /// Accesses to topics in accounts that are not read: what the roles of the stack may do tells of them.
    pub(super) fn outside(&mut self) -> (Vec<Section>, Vec<Section>) {
        let mut publishers: BTreeMap<Arn, Vec<Principal>> = BTreeMap::new();
        for found in &self.census.found {
            let (Resource::Role(role), Some(address)) = (&found.have.resource, self.address(found))
            else {
                continue;
            };
            if self.unfit.plain.contains(role.arn.as_str()) || self.is_made(role.arn.as_str()) {
                continue;
            }
            let prefix = inline_prefix(self.stack);
            let own = role
                .inline
                .iter()
                .filter(|(name, _)| **name == format!("{prefix}{ACCESS}"));
            let managed = role.managed.values().map(|it| &it.document);
            let statements = own
                .map(|(_, it)| it)
                .chain(managed)
                .flat_map(|it| &it.statements);
            for arn in statements
                .filter(|it| is_for(it, &["sns:Publish"]))
                .flat_map(resources)
                .filter_map(|it| Arn::parse(it).ok())
            {
                let is_read = |it: &super::AccountEntry| it.place.id.as_str() == arn.account();
                if !self.accounts.iter().any(is_read) {
                    let who = Principal::Role(address.name.clone());
                    publishers.entry(arn).or_default().push(who);
                }
            }
        }
        let (mut topics, mut accesses) = (Vec::new(), Vec::new());
        for (arn, from) in publishers {
            let to = self.name_outside(&arn);
            let mut section = Section::new(format!("[topics.{}]", key(&to.name)));
            section.text("existing", arn.as_str());
            topics.push(section.about(arn.as_str()));
            accesses.extend(self.tables(&Edge::direct(from, &to, Vec::new())));
        }
        (topics, accesses)
    }

    /// Accesses that others' statements make now, in the words of a stack.
    pub(super) fn suggest_edges(&mut self) {
        let mut found = Vec::new();
        for it in self.census.found.iter().filter(|it| !self.is_ours(it)) {
            for statement in &it.have.foreign {
                let Some(to) = self.address(it) else { continue };
                let allow = match &it.have.resource {
                    Resource::Topic(_) if allows(statement, "sns:Publish") => Vec::new(),
                    Resource::RestApi(api) if allows(statement, "execute-api:Invoke") => {
                        let none = BTreeSet::new();
                        routes(api, it.existing, resources(statement), &none)
                    }
                    _ => continue,
                };
                // Whole accounts are let in by SNS's first policy and its like: no edge that anybody drew.
                let mut from = self.who(statement).unwrap_or_default();
                from.retain(|it| matches!(it, Principal::Role(_) | Principal::RoleArn(_)));
                if !from.is_empty() {
                    found.extend(self.tables(&Edge::direct(from, &to, allow)));
                }
            }
        }
        self.suggested.extend(found);
    }

    /// Access by a role beside the target; `None` where a stack has no words for whom it trusts.
    fn access_role(&self, role: &'a Role) -> Option<Edge> {
        let Some(Derived::Access(target)) = derived(role, self.stack) else {
            return None;
        };
        let name = self.name_of(role.arn.as_str())?;
        let to: Address = target.parse().ok()?;
        let statements = || role.identity().flat_map(|it| &it.statements);
        let allow = match &self.found_at(&to)?.have.resource {
            Resource::RestApi(api) => {
                let of = |effect: Effect| -> Vec<String> {
                    let found = statements().filter(|it| it.effect == effect);
                    let found = found.filter(|it| is_about(it, &["execute-api:Invoke"]));
                    found.flat_map(resources).cloned().collect()
                };
                let denied = of(Effect::Deny);
                let denied = denied.iter().map(|it| from_stage(it).to_owned()).collect();
                let existing = self.found_at(&to)?.existing;
                routes(api, existing, &of(Effect::Allow), &denied)
            }
            Resource::Queue(_) => {
                let used =
                    |it: &QueueUse| statements().any(|statement| is_for(statement, it.actions()));
                names_of(&USES.into_iter().filter(used).collect())
            }
            _ => Vec::new(),
        };
        let trust = role.trust.statements.iter();
        let trust: Vec<&Statement> = trust.filter(|it| it.effect == Effect::Allow).collect();
        let from: Option<Vec<Vec<Principal>>> = trust.iter().map(|it| self.who(it)).collect();
        let from: BTreeSet<Principal> = from?.into_iter().flatten().collect();
        let from: Vec<Principal> = from.into_iter().collect();
        let names = (name, role.name());
        let moved = match from.as_slice() {
            [one] => {
                let (key, in_iam) = usual_access_role(self.stack, &to, one);
                if (key.as_str(), in_iam.as_str()) == names {
                    Some(Vec::new())
                } else {
                    moved_since(self.stack, &to, one, names)
                }
            }
            _ => None,
        };
        let is_there = |it: &Address| self.found_at(it).is_some();
        let moved = moved.filter(|it| !it.iter().any(|(before, _)| is_there(before)));
        let external_id = trust.iter().find_map(|it| external_id(it));
        (!from.is_empty()).then(|| Edge {
            via: "assume-role",
            role_name: moved.is_none().then(|| role.name().to_owned()),
            moved: moved.unwrap_or_default(),
            external_id: external_id.map(str::to_owned),
            ..Edge::direct(from, &to, allow)
        })
    }
}

/// What a queue may be used for.
const USES: [QueueUse; 2] = [QueueUse::Send, QueueUse::Receive];

fn names_of(uses: &BTreeSet<QueueUse>) -> Vec<String> {
    // Sending is what an access without `allow` is for.
    if *uses == BTreeSet::from([QueueUse::Send]) {
        return Vec::new();
    }
    uses.iter().map(|it| it.as_str().to_owned()).collect()
}

/// The resources, from the stage on, that are denied to those whom a statement lets in.
fn denied_beside(allowing: &Statement, statements: &[Statement]) -> BTreeSet<String> {
    let allowing = allowing.sid.as_deref().unwrap_or_default();
    let beside = statements.iter().filter(|it| {
        let sid = it.sid.as_deref().unwrap_or_default();
        // `…Invoke1a2b3c` and `…Invoke1a2b3cNot`, either with the same end.
        it.effect == Effect::Deny && sid.replacen("Not", "", 1) == allowing
    });
    let denied = beside.flat_map(resources);
    denied.map(|it| from_stage(it).to_owned()).collect()
}

/// The most resources of which every choice between a route and a pattern is tried.
const TRIED: usize = 6;

/// How many methods a route for all of them may be called by.
const VERBS: usize = 7;

/// The routes that these resources stand for, as an access lists them: those of the API where lowering them comes to
/// the same, else patterns.
fn routes(
    api: &RestApi,
    existing: bool,
    allowed: &[String],
    denied: &BTreeSet<String>,
) -> Vec<String> {
    // What an existing API has is not the stack's, and lowering does not look at it.
    let all: Vec<RouteKey> = if existing {
        Vec::new()
    } else {
        api.methods.keys().cloned().collect()
    };
    let stage = allowed
        .first()
        .and_then(|it| from_stage(it).split('/').next())
        .unwrap_or_default();
    let allowed_here: BTreeSet<String> =
        allowed.iter().map(|it| from_stage(it).to_owned()).collect();
    let says_the_same = |routes: &Vec<RouteKey>| {
        let reach = reach(stage, routes, &all);
        let here = |it: &[String]| -> BTreeSet<String> {
            it.iter().map(|it| from_stage(it).to_owned()).collect()
        };
        here(&reach.allow) == allowed_here && here(&reach.deny) == *denied
    };
    // Each resource with the routes and the pattern that it may stand for.
    let choices: Vec<[Vec<RouteKey>; 2]> = allowed
        .iter()
        .map(|it| {
            let (named, pattern) = routes_of(api, it);
            let raw: Vec<RouteKey> = pattern.into_iter().collect();
            [if named.is_empty() { raw.clone() } else { named }, raw]
        })
        .collect();
    let chosen = |raw: usize| -> Vec<RouteKey> {
        let choices = choices.iter().enumerate();
        let each = choices.flat_map(|(at, it)| it[(raw >> at.min(TRIED)) & 1].iter().cloned());
        each.collect()
    };
    let ways = if choices.len() <= TRIED {
        1 << choices.len()
    } else {
        1
    };
    let raw = chosen(usize::MAX);
    // Lowering names the methods of a route one by one where `*` for them would reach too far.
    let every: BTreeSet<RouteKey> = raw
        .iter()
        .flat_map(|it| routes_of(api, &format!("/{stage}/*{}", it.path)).0)
        .collect();
    let every = every.into_iter().collect();
    let tried = (0..ways).map(chosen);
    let tried = tried.filter(|it: &Vec<RouteKey>| it.len() < VERBS);
    let tried = tried.chain([every]).chain((0..ways).map(chosen));
    let found = tried.into_iter().find(says_the_same).unwrap_or(raw);
    found.iter().map(ToString::to_string).collect()
}
