//! Accesses, read off the statements that they were compiled to.

use std::collections::{BTreeMap, BTreeSet};

use super::Scene;
use super::apis::{allow_value, routes_of};
use super::principals::{Who, external_id};
use super::roles::{Derived, derived};
use super::text::{Section, list};
use crate::kinds::survey::census::Found;
use crate::kinds::{Resource, RestApi, Role};
use crate::lower::api::reach;
use crate::model::{Address, KindName};
use crate::policy::{Effect, Statement};
use crate::stack::RouteKey;

/// Statements of an API's policy that follow from its own settings.
const OF_THE_API: [&str; 2] = ["OnlyThroughEndpoints", "Public"];

/// The resources of a statement.
fn resources(statement: &Statement) -> &[String] {
    let clause = statement.resource.as_ref();
    clause.map(|it| it.values.as_slice()).unwrap_or_default()
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
struct Edge<'a> {
    from: &'a [String],
    to: &'a Address,
    allow: &'a [RouteKey],
    via: &'a str,
}

impl Edge<'_> {
    fn section(&self) -> Section {
        let mut section = Section::new("[[access]]");
        match self.from {
            [one] => section.raw("from", one.clone()),
            many => section.raw("from", list(many)),
        }
        section.text("to", &self.to.to_string());
        if !self.allow.is_empty() {
            section.raw("allow", allow_value(self.allow));
        }
        section.text("via", self.via);
        section
    }
}

impl<'a> Scene<'a> {
    /// Every access that our statements tell of.
    pub(super) fn accesses(&mut self) -> Vec<Section> {
        let mut sections = Vec::new();
        for found in &self.census.found {
            match &found.have.resource {
                Resource::RestApi(api) => sections.extend(self.invokers(found, api)),
                Resource::Topic(topic) => {
                    let name = self.name_of(topic.arn.as_str()).unwrap_or_default();
                    let address = Address::new(KindName::Topic, name);
                    for statement in &topic.policy.statements {
                        let delegates = statement.action.values.len() > 1;
                        if allows(statement, "sns:Publish") && !delegates {
                            sections.extend(self.edge(statement, &address, &[]));
                        }
                    }
                }
                _ => {}
            }
        }
        for found in &self.census.found {
            if let Resource::Role(role) = &found.have.resource
                && self.is_ours(found)
                && let Some(Derived::Access(target)) = derived(role, self.stack)
            {
                sections.extend(self.access_role(role, target));
            }
        }
        sections
    }

    /// Accesses that others' statements make now, in the words of a stack.
    pub(super) fn suggest_edges(&mut self) {
        let mut found = Vec::new();
        for it in self.census.found.iter().filter(|it| !self.is_ours(it)) {
            for statement in &it.have.foreign {
                let (to, routes) = match &it.have.resource {
                    Resource::Topic(topic) if allows(statement, "sns:Publish") => {
                        let name = self.name_of(topic.arn.as_str()).unwrap_or_default();
                        (Address::new(KindName::Topic, name), Vec::new())
                    }
                    Resource::RestApi(api) if allows(statement, "execute-api:Invoke") => {
                        let name = self.name_of(&it.have.id).unwrap_or_default();
                        let routes = routes(api, resources(statement), &BTreeSet::new());
                        (Address::new(KindName::RestApi, name), routes)
                    }
                    _ => continue,
                };
                // Whole accounts are let in by SNS's first policy and its like: no edge that anybody drew.
                let who = self.who(statement).unwrap_or_default();
                let from: Vec<String> = who
                    .into_iter()
                    .filter(|it| it.role.is_some())
                    .map(|it| it.text)
                    .collect();
                if !from.is_empty() {
                    let edge = Edge {
                        from: &from,
                        to: &to,
                        allow: &routes,
                        via: "resource-policy",
                    };
                    found.push(edge.section());
                }
            }
        }
        self.suggested.extend(found);
    }

    /// Access by a statement of the target's own policy.
    fn edge(&mut self, statement: &Statement, to: &Address, allow: &[RouteKey]) -> Option<Section> {
        let Some(who) = self.who(statement) else {
            self.leave_out(
                to,
                format!(
                    "statement `{}` of its policy: a stack has no words for whom it lets in",
                    statement.sid.as_deref().unwrap_or_default()
                ),
            );
            return None;
        };
        // An access role may be let in beside its callers, by a private API.
        let from: Vec<String> = who
            .iter()
            .filter(|it| !self.is_access_role(it))
            .map(|it| it.text.clone())
            .collect();
        let via = "resource-policy";
        (!from.is_empty()).then(|| {
            Edge {
                from: &from,
                to,
                allow,
                via,
            }
            .section()
        })
    }

    fn is_access_role(&self, who: &Who) -> bool {
        self.census.found.iter().any(|it| match &it.have.resource {
            Resource::Role(role) => {
                who.role.as_ref() == Some(&role.arn)
                    && self.is_ours(it)
                    && matches!(derived(role, self.stack), Some(Derived::Access(_)))
            }
            _ => false,
        })
    }

    /// Who may call an API, by its own policy.
    fn invokers(&mut self, found: &'a Found, api: &'a RestApi) -> Vec<Section> {
        let name = self.name_of(&found.have.id).unwrap_or_default();
        let address = Address::new(KindName::RestApi, name);
        let denied: BTreeMap<String, BTreeSet<String>> = denials(&api.policy.statements);
        let mut sections = Vec::new();
        for statement in &api.policy.statements {
            let sid = statement.sid.as_deref().unwrap_or_default();
            let follows = OF_THE_API.iter().any(|it| sid.ends_with(it));
            if follows || !allows(statement, "execute-api:Invoke") {
                continue;
            }
            let none = BTreeSet::new();
            let denied = denied.get(sid).unwrap_or(&none);
            let routes = routes(api, resources(statement), denied);
            sections.extend(self.edge(statement, &address, &routes));
        }
        sections
    }

    /// Access by a role beside the target.
    fn access_role(&mut self, role: &'a Role, target: &str) -> Vec<Section> {
        let key = self
            .name_of(role.arn.as_str())
            .unwrap_or_default()
            .to_owned();
        let Ok(to) = target.parse::<Address>() else {
            return Vec::new();
        };
        let allow = match (&to.kind, self.api_called(&to.name)) {
            (KindName::RestApi, Some(api)) => {
                let statements = || role.identity().flat_map(|it| &it.statements);
                let of = |effect: Effect| -> Vec<String> {
                    let found = statements().filter(|it| it.effect == effect);
                    found.flat_map(resources).cloned().collect()
                };
                let denied = of(Effect::Deny)
                    .iter()
                    .map(|it| from_stage(it).to_owned())
                    .collect();
                routes(api, &of(Effect::Allow), &denied)
            }
            (KindName::RestApi, None) => {
                self.leave_out(
                    &format!("role `{}`", role.name()),
                    format!("it lets callers use `{to}`, which was not found"),
                );
                return Vec::new();
            }
            _ => Vec::new(),
        };
        let mut sections = Vec::new();
        // Callers who share a role and an external id are one access.
        let mut callers: BTreeMap<Option<String>, Vec<Who>> = BTreeMap::new();
        for statement in role
            .trust
            .statements
            .iter()
            .filter(|it| it.effect == Effect::Allow)
        {
            let id = external_id(statement).map(str::to_owned);
            match self.who(statement) {
                Some(who) => callers.entry(id).or_default().extend(who),
                None => self.leave_out(
                    &format!("roles.{key}"),
                    "a statement of its trust policy, which a stack has no words for",
                ),
            }
        }
        for (id, who) in callers {
            let from: Vec<String> = who.iter().map(|it| it.text.clone()).collect();
            let edge = Edge {
                from: &from,
                to: &to,
                allow: &allow,
                via: "assume-role",
            };
            let mut section = edge.section();
            let usual = match who.as_slice() {
                [one] => key == format!("{}-for-{}", to.name, one.short),
                _ => false,
            };
            if !usual {
                section.text("role_name", &key);
            }
            if let Some(id) = id {
                section.text("external_id", &id);
            }
            sections.push(section);
        }
        sections
    }

    fn api_called(&self, name: &str) -> Option<&'a RestApi> {
        self.census.found.iter().find_map(|it| {
            let Resource::RestApi(api) = &it.have.resource else {
                return None;
            };
            (self.name_of(&it.have.id) == Some(name)).then_some(api)
        })
    }
}

/// What each allowing statement is denied beside, by the `Sid` of the allowing one.
fn denials(statements: &[Statement]) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for deny in statements.iter().filter(|it| it.effect == Effect::Deny) {
        let sid = deny.sid.as_deref().unwrap_or_default();
        for allow in statements.iter().filter(|it| it.effect == Effect::Allow) {
            let allow = allow.sid.as_deref().unwrap_or_default();
            // `…Invoke1a2b3c` and `…Invoke1a2b3cNot`, either with the same end.
            if sid.replacen("Not", "", 1) == allow {
                let resources = resources(deny).iter().map(|it| from_stage(it).to_owned());
                found.entry(allow.to_owned()).or_default().extend(resources);
            }
        }
    }
    found
}

/// The routes that these resources stand for: the API's own where they say the same, else patterns.
fn routes(api: &RestApi, allowed: &[String], denied: &BTreeSet<String>) -> Vec<RouteKey> {
    let all: Vec<RouteKey> = api.methods.keys().cloned().collect();
    let stage = allowed
        .first()
        .and_then(|it| from_stage(it).split('/').next())
        .unwrap_or_default();
    let allowed_here: BTreeSet<String> =
        allowed.iter().map(|it| from_stage(it).to_owned()).collect();
    let says_the_same = |routes: &[RouteKey]| {
        let reach = reach(stage, routes, &all);
        let here = |it: &[String]| -> BTreeSet<String> {
            it.iter().map(|it| from_stage(it).to_owned()).collect()
        };
        here(&reach.allow) == allowed_here && here(&reach.deny) == *denied
    };
    let (mut named, mut raw) = (Vec::new(), Vec::new());
    for resource in allowed {
        let (same, pattern) = routes_of(api, resource);
        match same.as_slice() {
            [] => named.extend(pattern.clone()),
            routes => named.extend(routes.iter().cloned()),
        }
        raw.extend(pattern);
    }
    if says_the_same(&named) { named } else { raw }
}
