//! Which calls of an API are let through and not declared: signed ones caller by caller, unsigned ones route by route.

use std::collections::{BTreeMap, HashMap};

use crate::lower::calls::{Service, Texts, meant, services};
use crate::policy::{Decision, Effect, MethodAuth, Request, Statement, Who};
use crate::stack::RouteKey;

use super::super::bound::{account_of, named};
use super::super::claim::{Evidence, Finding, Promise, Trial};
use super::super::may::through;
use super::super::paper::{Origin, allowing};
use super::super::reaching::takes;
use super::super::steps::Step;
use super::super::world::{Caller, Surface, Thing, What, method_auth};
use super::Search;

impl Search<'_> {
    /// Calls without a signature, stage by stage.
    pub(super) fn unsigned(&self, thing: &Thing, surface: &Surface) -> Finding {
        let mut trial = Trial::default();
        let public = self.declared.public(&thing.address);
        self.unsigned_calls(&mut trial, thing, surface, "");
        for it in &surface.others {
            let stage = format!(" in stage `{}`", it.name);
            let mut other = Trial::default();
            self.unsigned_calls(&mut other, thing, &surface.on(it), &stage);
            trial.adds_foreign(other);
        }
        Finding {
            claim: if public.is_empty() {
                format!("{} answers no unsigned call", thing.address)
            } else {
                let public: Vec<String> = public.iter().map(ToString::to_string).collect();
                format!(
                    "{} answers no unsigned call but {}",
                    thing.address,
                    public.join(", ")
                )
            },
            promise: Promise::Only,
            subject: thing.address.clone(),
            written_at: None,
            steps: trial.steps.clone(),
            outcome: trial.outcome(),
        }
    }

    /// Whether a call without a signature that an API's policy lets through is asked for something by its method all the same:
    /// then an authorizer decides, or only a signed call can come off, which is tried.
    pub(super) fn is_authorized(
        &self,
        trial: &mut Trial,
        unsigned: &Request,
        thing: &Thing,
        surface: &Surface,
    ) -> bool {
        let head = format!("{}/{}/", thing.arn, surface.stage);
        let Some(call) = unsigned.resource.strip_prefix(&head) else {
            return false;
        };
        let call = Texts::exactly(call);
        let services = services(surface.methods.keys());
        let serving = services.iter().find(|it| it.call(&[&call], &[]).is_some());
        let Some(route) = serving.map(|it| &it.route) else {
            return false;
        };
        let name = &surface.methods[route];
        match method_auth(name) {
            Some(MethodAuth::None) => return false,
            Some(MethodAuth::Iam) => {}
            None => {
                trial.depends_on([format!("{route} is left to the authorizer {name}")]);
                return true;
            }
        }
        let mut signed = unsigned.clone();
        signed.principal = self.stranger(thing);
        signed.method_auth = Some(MethodAuth::Iam);
        self.must_fail(trial, &signed, Caller::Mighty, thing);
        true
    }

    /// Calls of one stage without a signature, route by route.
    fn unsigned_calls(&self, trial: &mut Trial, thing: &Thing, surface: &Surface, stage: &str) {
        let public = self.declared.public(&thing.address);
        if surface.methods.is_empty() {
            trial.depends_on(surface.unread.clone());
        }
        let services = services(surface.methods.keys());
        for service in services.iter().filter(|it| !public.contains(&it.route)) {
            let name = &surface.methods[&service.route];
            let Some(auth) = method_auth(name) else {
                trial.depends_on([format!(
                    "{} is left to the authorizer {name}",
                    service.route
                )]);
                continue;
            };
            if auth == MethodAuth::Iam {
                continue;
            }
            let Some(call) = service.call(&[], &[]) else {
                continue;
            };
            let mut request = Request::new(
                Who::Anonymous,
                "execute-api:Invoke",
                format!("{}/{}/{call}", thing.arn, surface.stage),
            );
            request.method_auth = Some(auth);
            through(&mut request, surface);
            let mut open = self.world.should_fail(&request, Caller::Bare, thing);
            if open.decision == Decision::Unproven
                && let Some(shown) = self.world.in_context(&request, Caller::Bare, thing)
            {
                (request, open) = shown;
            }
            trial.rests_on(self.world.keeps_steps, || {
                Step::asked(&request, false, open.decision)
            });
            match open.decision {
                Decision::Allow => trial.fails(Evidence {
                    says: format!(
                        "{} of {} has no authorizer{stage}: anyone may call it",
                        service.route, thing.address
                    ),
                    blame: open.because.iter().map(|it| self.world.named(it)).collect(),
                    origin: if thing.owned {
                        Origin::Ours
                    } else {
                        Origin::Foreign
                    },
                    request: Some(request),
                }),
                Decision::Unproven => {
                    trial.depends_on(open.because.iter().map(|it| self.world.named(it)));
                }
                // The policy that was deployed may be another.
                Decision::Deny => trial.depends_on(surface.unread.clone()),
            }
        }
    }

    /// Calls of an API that are reached and not declared, caller by caller.
    pub(super) fn api(
        &self,
        trial: &mut Trial,
        thing: &Thing,
        surface: &Surface,
        declared: &BTreeMap<String, Vec<RouteKey>>,
    ) {
        trial.depends_on(surface.unread.clone());
        let root = format!("{}/{}", thing.arn, surface.stage);
        self.strangers_of_api(trial, thing, surface, &root);
        let services = services(surface.methods.keys());
        if services.is_empty() {
            return;
        }
        let public = self.declared.public(&thing.address);
        let mut callers: BTreeMap<&str, &Thing> = BTreeMap::new();
        for it in self.reaching.to(thing) {
            if it.deeds.iter().any(|it| it.0 == "execute-api:Invoke") {
                callers.insert(&it.role.arn, it.role);
            }
        }
        for arn in declared.keys() {
            callers.extend(self.world.with_arn(arn).map(|it| (it.arn.as_str(), it)));
        }
        for statement in thing.policy.iter().flat_map(allowing) {
            for (_, name) in statement.principal.iter().flat_map(named) {
                callers.extend(self.world.with_arn(&name).map(|it| (it.arn.as_str(), it)));
            }
        }
        for &role in self.reaching.unread(thing) {
            callers.insert(&role.arn, role);
        }
        let mut memory = Memory::default();
        for (arn, role) in callers {
            let none = Vec::new();
            let routes = declared.get(arn).unwrap_or(&none);
            // What else a declared pattern reaches of another's API is for its owner to say.
            if !thing.owned && !routes.is_empty() {
                continue;
            }
            let meant = memory.meant(routes, &services);
            let sides = Sides::of(role, thing, &format!("{root}/"));
            let unread =
                matches!(&role.what, What::Role { unread, .. } if !unread.is_empty()) && sides.same;
            let beyond = self.declared.beyond(&thing.address, arn);
            for (at, service) in services.iter().enumerate() {
                if public.contains(&service.route) {
                    continue;
                }
                let mut calls = sides.calls(service, &meant[at]);
                if unread {
                    calls.extend(service.call(&[], &meant[at].iter().collect::<Vec<_>>()));
                }
                for call in calls {
                    if beyond.contains(&service.route.to_string()) {
                        trial.depends_on([format!(
                            "{} reaches {} too, which nobody declared and no `Deny` can take out: write the routes apart",
                            role.address, service.route
                        )]);
                        continue;
                    }
                    let mut request = Request::new(
                        Who::Arn(arn.to_owned()),
                        "execute-api:Invoke",
                        format!("{root}/{call}"),
                    );
                    request.method_auth = Some(
                        method_auth(&surface.methods[&service.route]).unwrap_or(MethodAuth::Iam),
                    );
                    through(&mut request, surface);
                    self.must_fail(trial, &request, Caller::Role(role), thing);
                }
            }
        }
    }

    fn strangers_of_api(&self, trial: &mut Trial, thing: &Thing, surface: &Surface, root: &str) {
        let outsider = self.stranger(thing);
        let public = self.declared.public(&thing.address);
        let declared = |it: &&RouteKey| !public.contains(*it);
        let open = |it: &RouteKey| method_auth(&surface.methods[it]) == Some(MethodAuth::None);
        let mut signed = surface.methods.keys().filter(declared);
        let first = signed.clone().next();
        // One without an authorizer says most.
        let services = services(signed.find(|it| open(it)).or(first));
        for service in &services {
            let Some(call) = service.call(&[], &[]) else {
                continue;
            };
            let mut request = Request::new(
                outsider.clone(),
                "execute-api:Invoke",
                format!("{root}/{call}"),
            );
            request.method_auth =
                Some(method_auth(&surface.methods[&service.route]).unwrap_or(MethodAuth::Iam));
            through(&mut request, surface);
            self.must_fail(trial, &request, Caller::Mighty, thing);
        }
    }
}

/// What statements let a caller reach of an API, from the method on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Sides {
    /// Whether one side is enough.
    same: bool,
    own: Vec<Texts>,
    theirs: Vec<Texts>,
    denied: Vec<Texts>,
}

impl Sides {
    fn of(role: &Thing, api: &Thing, root: &str) -> Self {
        let account = account_of(role);
        let mut sides = Self {
            same: account == account_of(api),
            own: Vec::new(),
            theirs: Vec::new(),
            denied: Vec::new(),
        };
        if let What::Role { identity, .. } = &role.what {
            for statement in identity.iter().flat_map(|it| &it.document.statements) {
                sides.hear(statement, root, false);
            }
        }
        let names = |statement: &Statement| {
            statement.principal.iter().flat_map(named).any(|(_, it)| {
                it == "*"
                    || it == role.arn
                    || (it.ends_with(":root") && it.split(':').nth(4) == Some(account))
            })
        };
        for statement in api.policy.iter().flat_map(|it| &it.document.statements) {
            if names(statement) || statement.principal.as_ref().is_some_and(|it| it.negated) {
                sides.hear(statement, root, true);
            }
        }
        sides
    }

    fn hear(&mut self, statement: &Statement, root: &str, theirs: bool) {
        if !takes(&statement.action, "execute-api:invoke") {
            return;
        }
        let texts: Vec<Texts> = match &statement.resource {
            Some(clause) if !clause.negated => clause
                .values
                .iter()
                .flat_map(|it| Texts::resource(it))
                .filter_map(|it| it.past(root))
                .collect(),
            // What is not these is taken for everything; the evaluator has the last word.
            _ => vec![Texts::pattern("*")],
        };
        match statement.effect {
            Effect::Allow if theirs => self.theirs.extend(texts),
            Effect::Allow => self.own.extend(texts),
            // A denial that may not apply does not clear anybody: a variable may stand for something else.
            Effect::Deny
                if statement.conditions.is_empty()
                    && statement.resource.as_ref().is_some_and(|it| {
                        !it.negated && !it.values.iter().any(|it| it.contains("${"))
                    }) =>
            {
                self.denied.extend(texts);
            }
            Effect::Deny => {}
        }
    }

    /// Calls of a service that are reached, and are none of these.
    fn calls(&self, service: &Service, meant: &[Texts]) -> Vec<String> {
        let without: Vec<&Texts> = meant.iter().chain(&self.denied).collect();
        if self.same {
            let each = self.own.iter().chain(&self.theirs);
            return each
                .filter_map(|it| service.call(&[it], &without))
                .collect();
        }
        let mut found = Vec::new();
        for own in &self.own {
            found.extend(
                self.theirs
                    .iter()
                    .filter_map(|it| service.call(&[own, it], &without)),
            );
        }
        found
    }
}

/// What was worked out before for another caller.
#[derive(Default)]
struct Memory {
    meant: HashMap<Vec<RouteKey>, Vec<Vec<Texts>>>,
}

impl Memory {
    fn meant(&mut self, routes: &[RouteKey], services: &[Service]) -> Vec<Vec<Texts>> {
        self.meant
            .entry(routes.to_vec())
            .or_insert_with(|| meant(routes, services))
            .clone()
    }
}
