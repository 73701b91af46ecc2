//! What a stack promises not to work: nothing that it does not declare is allowed among its resources.
//!
//! Two ways lead to a resource. Its own policy names somebody: each statement that allows must lie
//! within what is declared. Or a role of the resource's own account is allowed by its identity
//! policies alone: each such statement is held against the resources that it matches. Which calls of an
//! API a statement reaches is found by searching for a call that is reached and not declared; every
//! suspicion is put to the evaluator as a request, and only what that lets through is held against the stack.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::kinds::survey::ceilings::Extent;
use crate::lower::Desired;
use crate::lower::calls::{Service, Texts, meant, services};
use crate::policy::widen::blame;
use crate::policy::{
    Change, Decision, Document, Effect, MethodAuth, Request, Statement, Who, compare_in,
};
use crate::stack::{RouteKey, Stack, Target};

use super::asking::closed;
use super::bound::{Bound, account_of, named};
use super::claim::{Evidence, Finding, Promise, Trial, is_to_blame};
use super::declared::Declared;
use super::may::through;
use super::paper::{Origin, Paper, allowing};
use super::reaching::{Reaching, takes};
use super::steps::Step;
use super::voice::{ELSEWHERE, MADE_UP, role_in};
use super::world::{Caller, Receiver, Surface, Thing, What, World, method_auth};

/// Looks for whatever is allowed and not declared.
pub(super) fn claims(stack: &Stack, desired: &Desired, world: &World, findings: &mut Vec<Finding>) {
    let declared = Declared::of(stack, desired, world);
    let reaching = Reaching::of(world);
    let search = Search {
        world,
        declared: &declared,
        reaching: &reaching,
    };
    for thing in world.things.values() {
        let mut trial = Trial::default();
        search.policy(&mut trial, thing);
        let whole = thing;
        let thing = &*search.without_declared(whole);
        let claim = match &thing.what {
            What::Topic { receivers, .. } => {
                search.topic(&mut trial, thing);
                for it in receivers {
                    search.receives(&mut trial, thing, it);
                }
                format!(
                    "nobody else may publish to {}, subscribe to it or change it",
                    thing.address
                )
            }
            What::Queue { .. } => {
                search.queue(&mut trial, thing);
                let used = stack.access.iter().any(|it| matches!(&it.to, Target::Queue { name, .. } if *name == thing.address.name));
                if used {
                    format!(
                        "the policy of {} lets nobody else send or receive",
                        thing.address
                    )
                } else {
                    format!("nothing else delivers into {}", thing.address)
                }
            }
            What::Key => {
                let actions = ["kms:Decrypt", "kms:GenerateDataKey", "kms:PutKeyPolicy"];
                search.strangers(&mut trial, thing, &actions, &thing.arn);
                format!("nobody else may use {}", thing.address)
            }
            What::Api(surface) => {
                let declared = declared.callers(&thing.address);
                search.api(&mut trial, thing, surface, &declared);
                for it in &surface.others {
                    let mut other = Trial::default();
                    search.api(&mut other, thing, &surface.on(it), &BTreeMap::new());
                    trial.adds_foreign(other);
                }
                findings.push(search.unsigned(thing, surface));
                format!("nobody else may call {}", thing.address)
            }
            What::Role { .. } if !thing.owned || !declared.wants(&thing.address) => continue,
            What::Role { .. } => {
                search.strangers(&mut trial, thing, &["sts:AssumeRole"], &thing.arn);
                format!("nobody else may assume {}", thing.address)
            }
        };
        findings.push(Finding {
            claim,
            promise: Promise::Only,
            subject: thing.address.clone(),
            written_at: None,
            steps: trial.steps.clone(),
            outcome: trial.outcome(),
        });
    }
}

struct Search<'a> {
    world: &'a World,
    declared: &'a Declared<'a>,
    reaching: &'a Reaching<'a>,
}

impl Search<'_> {
    /// Each statement of a resource's own policy that allows, against what is declared.
    fn policy(&self, trial: &mut Trial, thing: &Thing) {
        let Some(paper) = &thing.policy else { return };
        let bound = self.declared.bound(thing);
        trial.rests_on(self.world.keeps_steps, || Step::Within {
            document: paper.document.clone(),
            declared: bound.document(),
        });
        let outside: Vec<&Statement> = allowing(paper).filter(|it| !bound.covers(it)).collect();
        for statement in outside {
            self.outside(trial, thing, paper, statement, &bound);
        }
    }

    /// A statement that does not lie within the bound part by part: compared exactly.
    fn outside(
        &self,
        trial: &mut Trial,
        thing: &Thing,
        paper: &Paper,
        statement: &Statement,
        bound: &Bound,
    ) {
        let origin = paper.origin_of(statement, &self.world.own);
        let denies = paper
            .document
            .statements
            .iter()
            .filter(|it| it.effect == Effect::Deny);
        let alone = Document {
            statements: std::iter::once(statement).chain(denies).cloned().collect(),
            ..paper.document.clone()
        };
        let found = compare_in(account_of(thing), &bound.document(), &alone);
        if found.verdict == Change::Unproven {
            trial.depends_on(
                found
                    .because
                    .iter()
                    .map(|it| format!("{}, {}: {it}", paper.name, label(statement))),
            );
            return;
        }
        for mut request in found.gains {
            if matches!(thing.what, What::Role { .. } | What::Key) {
                // A trust policy names no resource, and `*` in a key's policy is the key: both are about their own.
                request.resource.clone_from(&thing.arn);
            }
            let who = self.world.who(&request.principal);
            let resource = self.world.named(&request.resource);
            let own = request.assumed();
            let own = own.map_or_else(String::new, |it| format!(", {}", it.phrase()));
            // The example stands for many, and what refuses it today may be lifted.
            let of_many = Extent {
                any_caller: true,
                any_resource: true,
            };
            let refused = self.world.ceilings.refuses(&request, of_many);
            let refused = refused.map_or_else(String::new, |it| {
                format!("; today {}", self.world.named(&it))
            });
            trial.fails(Evidence {
                says: format!(
                    "{} lets {who} {} on {resource}{own}{refused}",
                    paper.name, request.action
                ),
                blame: vec![
                    self.world
                        .named(&format!("{}, {}", paper.name, label(statement))),
                ],
                request: Some(request),
                origin,
            });
        }
    }

    /// The same resource without the statements that let in everyone under a declared condition, such as a
    /// VPC endpoint: what they let through is declared, whoever makes the request.
    fn without_declared<'b>(&self, thing: &'b Thing) -> Cow<'b, Thing> {
        let open = self.declared.bound(thing).of_everyone();
        let Some(paper) = &thing.policy else {
            return Cow::Borrowed(thing);
        };
        let is_declared = |it: &Statement| it.effect == Effect::Allow && open.covers(it);
        if !paper.document.statements.iter().any(is_declared) {
            return Cow::Borrowed(thing);
        }
        let mut document = paper.document.clone();
        document.statements.retain(|it| !is_declared(it));
        let mut thing = thing.clone();
        thing.policy = Some(Paper::resource(paper.name.clone(), document));
        Cow::Owned(thing)
    }

    /// A request that nobody declared.
    fn must_fail(&self, trial: &mut Trial, request: &Request, caller: Caller<'_>, target: &Thing) {
        let mut verdict = self.world.should_fail(request, caller, target);
        let mut request = Cow::Borrowed(request);
        if verdict.decision == Decision::Unproven
            && let Some((shown, found)) = self.world.in_context(&request, caller, target)
        {
            (request, verdict) = (Cow::Owned(shown), found);
        }
        trial.rests_on(self.world.keeps_steps, || {
            Step::asked(&request, caller, target, false, &verdict).under(
                &self.world.ceilings,
                &target.place.id,
                closed(caller, target),
            )
        });
        match verdict.decision {
            Decision::Deny => {}
            Decision::Unproven => {
                trial.depends_on(verdict.because.iter().map(|it| self.world.named(it)));
            }
            Decision::Allow => {
                let who = self.world.who(&request.principal);
                let resource = self.world.named(&request.resource);
                trial.fails(Evidence {
                    says: format!(
                        "{who} may {} on {resource}, and nobody declared it",
                        request.action
                    ),
                    blame: verdict
                        .because
                        .iter()
                        .filter(|it| is_to_blame(it))
                        .map(|it| {
                            self.world.named(
                                it.strip_suffix(" allows it")
                                    .unwrap_or(it)
                                    .trim_end_matches(','),
                            )
                        })
                        .collect(),
                    origin: self.origin_of(&request, caller, target),
                    request: Some(request.into_owned()),
                });
            }
        }
    }

    /// Who wrote what lets a request through.
    fn origin_of(&self, request: &Request, caller: Caller<'_>, target: &Thing) -> Origin {
        let mut papers: Vec<&Paper> = target.policy.iter().collect();
        if let Caller::Role(Thing {
            what: What::Role { identity, .. },
            ..
        }) = caller
        {
            papers.extend(identity);
        }
        let mut found = Vec::new();
        for paper in papers {
            let Some(label) = blame(&paper.document, request) else {
                continue;
            };
            let statements = paper.document.statements.iter().enumerate();
            let statement = statements
                .map(|(at, it)| (it, named_as(it, at)))
                .find(|(_, it)| *it == label);
            found.extend(statement.map(|(it, _)| paper.origin_of(it, &self.world.own)));
        }
        // What somebody else's statement alone lets through is theirs.
        match () {
            () if found.contains(&Origin::Foreign) => Origin::Foreign,
            () if found.contains(&Origin::Author) => Origin::Author,
            () => Origin::Ours,
        }
    }

    /// Callers that no stack knows: nobody declared anything for them.
    fn strangers(&self, trial: &mut Trial, thing: &Thing, actions: &[&str], resource: &str) {
        let place = &thing.place;
        let outsider = Who::Arn(role_in(place, ELSEWHERE, MADE_UP));
        for action in actions {
            let ask = |who: &Who| Request::new(who.clone(), *action, resource);
            self.must_fail(trial, &ask(&outsider), Caller::Mighty, thing);
            self.must_fail(trial, &ask(&Who::Anonymous), Caller::Bare, thing);
        }
    }

    fn topic(&self, trial: &mut Trial, thing: &Thing) {
        self.strangers(
            trial,
            thing,
            &["sns:Publish", "sns:SetTopicAttributes"],
            &thing.arn,
        );
        let publishers = self.declared.publishers(&thing.address);
        let stray = format!(
            "arn:{}:sqs:{}:{ELSEWHERE}:{MADE_UP}",
            thing.place.partition(),
            thing.place.region
        );
        let asks = |trial: &mut Trial, role: &Thing| {
            let who = Who::Arn(role.arn.clone());
            if !publishers.contains(&role.arn) {
                let request = Request::new(who.clone(), "sns:Publish", thing.arn.clone());
                self.must_fail(trial, &request, Caller::Role(role), thing);
            }
            let request = Request::new(who, "sns:Subscribe", thing.arn.clone())
                .with("sns:Protocol", ["sqs"])
                .with("sns:Endpoint", [stray.as_str()]);
            self.must_fail(trial, &request, Caller::Role(role), thing);
        };
        let mut asked = BTreeSet::new();
        for role in self.reaching.to(thing) {
            if asked.insert(&role.address) {
                asks(trial, role);
            }
        }
        for role in self
            .reaching
            .unread
            .get(account_of(thing))
            .into_iter()
            .flatten()
        {
            if asked.insert(&role.address) {
                asks(trial, role);
            }
        }
        // A queue of somebody's, subscribed by its own account.
        let outsider = Who::Arn(role_in(&thing.place, ELSEWHERE, MADE_UP));
        let request = Request::new(outsider, "sns:Subscribe", thing.arn.clone())
            .with("sns:Protocol", ["sqs"])
            .with("sns:Endpoint", [stray.as_str()]);
        self.must_fail(trial, &request, Caller::Mighty, thing);
    }

    fn queue(&self, trial: &mut Trial, thing: &Thing) {
        self.strangers(
            trial,
            thing,
            &["sqs:SendMessage", "sqs:ReceiveMessage"],
            &thing.arn,
        );
        for account in [account_of(thing), ELSEWHERE] {
            let place = &thing.place;
            let topic = format!(
                "arn:{}:sns:{}:{account}:{MADE_UP}",
                place.partition(),
                place.region
            );
            let request = Request::new(
                Who::Service("sns.amazonaws.com".to_owned()),
                "sqs:SendMessage",
                thing.arn.clone(),
            )
            .with("aws:SourceArn", [topic])
            .with("aws:SourceAccount", [account]);
            self.must_fail(trial, &request, Caller::Bare, thing);
        }
    }

    /// Somebody who receives from a topic by a subscription that the stack does not have.
    fn receives(&self, trial: &mut Trial, topic: &Thing, receiver: &Receiver) {
        if receiver.pending {
            trial.depends_on([format!(
                "{} receives from {} once it confirms: {}",
                receiver.endpoint, topic.address, receiver.text
            )]);
            return;
        }
        trial.fails(Evidence {
            request: None,
            says: format!(
                "{} receives from {}, and nothing in the stack says so",
                self.world.named(&receiver.endpoint),
                topic.address
            ),
            blame: vec![self.world.named(&receiver.text)],
            origin: Origin::Foreign,
        });
    }

    /// Calls without a signature, stage by stage.
    fn unsigned(&self, thing: &Thing, surface: &Surface) -> Finding {
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
                Step::asked(&request, Caller::Bare, thing, false, &open)
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
    fn api(
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
        for role in self.reaching.to(thing) {
            callers.insert(&role.arn, role);
        }
        for arn in declared.keys() {
            callers.extend(self.world.with_arn(arn).map(|it| (it.arn.as_str(), it)));
        }
        for statement in thing.policy.iter().flat_map(allowing) {
            for (_, name) in statement.principal.iter().flat_map(named) {
                callers.extend(self.world.with_arn(&name).map(|it| (it.arn.as_str(), it)));
            }
        }
        for role in self
            .reaching
            .unread
            .get(account_of(thing))
            .into_iter()
            .flatten()
        {
            callers.insert(&role.arn, role);
        }
        let mut memory = Memory::default();
        for (arn, role) in callers {
            let none = Vec::new();
            let routes = declared.get(arn).unwrap_or(&none);
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
        let outsider = Who::Arn(role_in(&thing.place, ELSEWHERE, MADE_UP));
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
                .filter_map(|it| Texts::pattern(it).past(root))
                .collect(),
            // What is not these is taken for everything; the evaluator has the last word.
            _ => vec![Texts::pattern("*")],
        };
        match statement.effect {
            Effect::Allow if theirs => self.theirs.extend(texts),
            Effect::Allow => self.own.extend(texts),
            // A denial that may not apply does not clear anybody.
            Effect::Deny
                if statement.conditions.is_empty()
                    && statement.resource.as_ref().is_some_and(|it| !it.negated) =>
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

/// How a reason calls a statement that stands somewhere in a document.
fn named_as(statement: &Statement, at: usize) -> String {
    match &statement.sid {
        Some(sid) => format!("statement `{sid}`"),
        None => format!("statement {}", at + 1),
    }
}

/// How a sentence calls a statement.
fn label(statement: &Statement) -> String {
    let described = || crate::kinds::statements::describe(statement);
    let bare = || format!("the statement `{}`", described());
    let named = |sid: &String| format!("statement `{sid}`");
    statement.sid.as_ref().map_or_else(bare, named)
}

#[cfg(test)]
mod tests;
