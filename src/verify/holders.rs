//! Everybody whom the documents let do something: by themselves, or by assuming a role.
//!
//! There are three ways to find who may act on a resource, and each is put to the evaluator
//! before it counts. A statement of the resource's own policy names somebody: a request of theirs
//! that meets its conditions is found by exact comparison with what is not asked about. A role of
//! the world is allowed by its own policies. A method of an API asks nothing of its callers.
//!
//! Whoever may assume a role that may act, may act. A role that the engine made stands for
//! those who may assume it, and is nobody by itself.
//!
//! Of accounts and strangers only what the resource says can be known: whom their own
//! policies let is theirs to say, so they are taken to allow everything.

mod circle;
mod kin;
mod providers;
mod reaching;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::lower::calls::{Service, Texts, meant, services, some_text};
use crate::model::{Address, KindName};
use crate::policy::rules::is_session_of;
use crate::policy::{
    Change, Clause, Decision, Document, Effect, MethodAuth, PrincipalClause, Request, Statement,
    Who, compare_in,
};
use crate::stack::{Principal, RouteKey, Stack, Whom};

pub use circle::Circle;
use circle::also;
pub use kin::Kin;
use providers::{by_provider, by_providers};
use reaching::Reaching;

use super::asking::MIGHTY;
use super::bound::{Name, account_of, named};
use super::may::through;
use super::paper::{Origin, allowing};
use super::reaching::{managed_within, takes};
use super::voice::{MADE_UP, role_in, root};
use super::world::{Caller, Surface, Thing, What, World, method_auth};

/// What is asked of a resource: who may do this to it.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// The resource.
    pub thing: &'a Thing,
    /// Any of these actions, as AWS writes them.
    pub actions: Vec<String>,
    /// Of an API: any of these calls.
    pub routes: Vec<RouteKey>,
    /// Of assuming a role: the name that the session must have.
    pub session: Option<String>,
}

impl Ask<'_> {
    /// Whether it asks about API Gateway's own API, which knows REST APIs by other ARNs.
    fn is_managing(&self) -> bool {
        self.actions.iter().any(|it| it.starts_with("apigateway:"))
    }
}

/// Somebody who may do what is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub kin: Kin,
    /// The roles that are assumed on the way, in order; none where it is done directly.
    pub through: Vec<Address>,
    /// The request that lets them in: the call itself, or assuming the first role.
    pub request: Request,
    /// The statements that settle it, of every step.
    pub because: Vec<String>,
    /// Whether something that nobody read could change it.
    pub unproven: bool,
    /// Who wrote what lets them in.
    pub origin: Origin,
}

/// Something that could not be decided: a reason.
pub type Open = BTreeSet<String>;

/// A place in a world from which holders are looked for.
#[derive(Clone, Debug)]
pub struct Search<'a> {
    pub(super) stack: &'a Stack,
    pub(super) world: &'a World,
    reaching: Reaching<'a>,
    /// What was found before: a role is asked for again with each resource that it may act on.
    found: RefCell<BTreeMap<Question, Direct>>,
}

/// Who of a circle may do what: the resource, the actions, the calls, the session's name, and the circle.
type Question = (
    Address,
    Vec<String>,
    Vec<RouteKey>,
    Option<String>,
    Vec<Whom>,
    Vec<Principal>,
);

/// Those who may do it without assuming a role first, and what could not be decided.
type Direct = Rc<(Vec<Holder>, Open)>;

/// A concrete resource, and what is asked of its callers.
struct Spot {
    resource: String,
    auth: Option<MethodAuth>,
}

const ASSUME: [&str; 3] = [
    "sts:AssumeRole",
    "sts:AssumeRoleWithWebIdentity",
    "sts:AssumeRoleWithSAML",
];

/// What assuming a role is asked as.
#[must_use]
pub fn assuming(role: &Thing) -> Ask<'_> {
    Ask {
        thing: role,
        actions: ASSUME.map(str::to_owned).to_vec(),
        routes: Vec::new(),
        session: None,
    }
}

impl<'a> Search<'a> {
    /// A search of a stack's world.
    #[must_use]
    pub fn of(stack: &'a Stack, world: &'a World) -> Self {
        Self {
            stack,
            world,
            reaching: Reaching::of(world),
            found: RefCell::default(),
        }
    }

    /// Everybody of a circle who may do what is asked about.
    #[must_use]
    pub fn holders(&self, ask: &Ask<'a>, circle: &Circle<'_>, open: &mut Open) -> Vec<Holder> {
        let mut found = Vec::new();
        let mut expanded = BTreeSet::new();
        self.collect(ask, circle, &[], &mut expanded, &mut found, open);
        found
    }

    fn collect(
        &self,
        ask: &Ask<'a>,
        circle: &Circle<'_>,
        tail: &[Holder],
        expanded: &mut BTreeSet<Kin>,
        found: &mut Vec<Holder>,
        open: &mut Open,
    ) {
        let direct = self.direct(ask, circle);
        open.extend(direct.1.iter().cloned());
        for holder in direct.0.iter().cloned() {
            if holder.kin.role().is_some_and(|it| self.is_made(it)) {
                continue;
            }
            found.push(with_tail(holder, tail));
        }
        // Roles that may act let in whoever may assume them.
        let everybody = Circle {
            who: &[Whom::Anyone],
            except: &[],
        };
        for holder in &self.direct(ask, &everybody).0 {
            let Some(role) = holder.kin.role().and_then(|it| self.world.thing(it)) else {
                continue;
            };
            if self.covered(circle.except, &role.arn) || !expanded.insert(holder.kin.clone()) {
                continue;
            }
            let mut chain = vec![holder.clone()];
            chain.extend(tail.iter().cloned());
            let mut assuming = assuming(role);
            if let Kin::Session(_, name) = &holder.kin {
                assuming.session = Some(name.clone());
            }
            self.collect(&assuming, circle, &chain, expanded, found, open);
        }
    }

    /// Whether the engine made a role for others to assume, or for an API to work under.
    fn is_made(&self, address: &Address) -> bool {
        address.kind == KindName::Role && !self.stack.roles.contains_key(&address.name)
    }

    /// Everybody of a circle who may do it without assuming a role first; each once.
    fn direct(&self, ask: &Ask<'a>, circle: &Circle<'_>) -> Direct {
        let question = (
            ask.thing.address.clone(),
            ask.actions.clone(),
            ask.routes.clone(),
            ask.session.clone(),
            circle.who.to_vec(),
            circle.except.to_vec(),
        );
        if let Some(known) = self.found.borrow().get(&question) {
            return Rc::clone(known);
        }
        let found = Rc::new(self.look(ask, circle));
        self.found.borrow_mut().insert(question, Rc::clone(&found));
        found
    }

    fn look(&self, ask: &Ask<'a>, circle: &Circle<'_>) -> (Vec<Holder>, Open) {
        let mut open = Open::new();
        let mut found: BTreeMap<Kin, Holder> = BTreeMap::new();
        let mut add = |holder: Holder| {
            let known = found.get(&holder.kin);
            if known.is_none_or(|it| it.unproven && !holder.unproven) {
                found.insert(holder.kin.clone(), holder);
            }
        };
        self.by_policy(ask, circle, &mut open, &mut add);
        self.by_own_side(ask, circle, &mut open, &mut add);
        self.by_method(ask, circle, &mut add);
        if let What::Api(surface) = &ask.thing.what {
            open.extend(surface.all_unread().cloned());
        }
        (found.into_values().collect(), open)
    }

    /// Those whom the resource's own policy names.
    fn by_policy(
        &self,
        ask: &Ask<'a>,
        circle: &Circle<'_>,
        open: &mut Open,
        add: &mut impl FnMut(Holder),
    ) {
        let thing = ask.thing;
        let Some(paper) = &thing.policy else { return };
        let denies: Vec<&Statement> = paper
            .document
            .statements
            .iter()
            .filter(|it| it.effect == Effect::Deny)
            .collect();
        let bound = self.permitted(ask, circle);
        for statement in allowing(paper) {
            if !ask.actions.iter().any(|it| takes(&statement.action, it)) {
                continue;
            }
            let Some(clause) = statement.principal.as_ref() else {
                continue;
            };
            if clause.negated {
                open.insert(format!("{}: a statement has a `NotPrincipal`", paper.name));
                continue;
            }
            let spots = Self::spots(ask, statement);
            for (name, spot) in named(clause)
                .iter()
                .flat_map(|name| spots.iter().map(move |spot| (name, spot)))
            {
                // That the account's own policies decide lets nobody in by itself.
                let delegates = name.1 == root(&thing.place, account_of(thing))
                    && !matches!(thing.what, What::Role { .. });
                if delegates {
                    continue;
                }
                for (name, conditions) in self.narrowed(name, circle, thing) {
                    let role = self.role_named(&name.1);
                    let provided = role.and_then(|it| by_provider(it, statement));
                    let mut alone = statement.clone();
                    let clause = match name.0.as_str() {
                        "AWS" => PrincipalClause::aws([name.1.clone()]),
                        "Service" => PrincipalClause::service([name.1.clone()]),
                        _ => PrincipalClause::federated([name.1.clone()]),
                    };
                    alone.principal = Some(clause);
                    if alone.resource.is_some() {
                        alone.resource = Some(Clause::of([spot.resource.clone()]));
                    }
                    let all = [conditions, provided.into_iter().collect()];
                    let all = all.into_iter();
                    let besides: Vec<_> = all.flat_map(|it| also(&mut alone, it)).collect();
                    let document = Document {
                        statements: std::iter::once(&alone)
                            .chain(denies.iter().copied())
                            .chain(&besides)
                            .cloned()
                            .collect(),
                        ..paper.document.clone()
                    };
                    let compared = compare_in(account_of(thing), &bound, &document);
                    if compared.verdict == Change::Unproven {
                        open.extend(
                            compared
                                .because
                                .iter()
                                .map(|it| format!("{}: {it}", paper.name)),
                        );
                    }
                    let origin = paper.origin_of(statement, &self.world.own);
                    let accounts = self.accounts();
                    let stays_inside = !compared.gains.is_empty()
                        && compared
                            .gains
                            .iter()
                            .all(|it| is_of(&it.principal, &accounts));
                    let only = only_account(&compared.gains).filter(|it| accounts.contains(*it));
                    let only = only.map(str::to_owned);
                    for request in compared.gains {
                        let request = Self::settled(request, ask, spot);
                        let mut kin = self.kin(&name, statement, &request);
                        if let (Kin::Anyone, Some(account)) = (&kin, &only) {
                            kin = Kin::AnyoneOf(account.clone());
                        }
                        // An example of a whole account is one of its roles, unless only its root user is let in:
                        // roots hold nothing back.
                        let role = as_role(&request, thing);
                        let role = role.filter(|it| self.is_let(it, thing));
                        let request = role.unwrap_or(request);
                        self.try_out(kin, request, thing, origin, open, add);
                    }
                    let among = (ask, spot, circle);
                    self.members(&name, statement, among, stays_inside, origin, open, add);
                }
            }
        }
    }

    /// Roles of the world that a name stands for, when it names a whole account or everyone.
    ///
    /// A statement for everyone lets in roles of the resource's own account without a policy of theirs. Each is tried
    /// where its conditions leave out all other accounts (`stays_inside`): else those are the answer.
    #[expect(
        clippy::too_many_arguments,
        reason = "what is asked, of whom, and where it goes"
    )]
    fn members(
        &self,
        name: &Name,
        statement: &Statement,
        (ask, spot, circle): (&Ask<'a>, &Spot, &Circle<'_>),
        stays_inside: bool,
        origin: Origin,
        open: &mut Open,
        add: &mut impl FnMut(Holder),
    ) {
        if name.0 != "AWS" || !(name.1 == "*" || name.1.ends_with(":root")) {
            return;
        }
        let home = account_of(ask.thing);
        // From another account a role's own policies have to say so, too.
        for role in self.reaching.to(ask.thing) {
            let meant = name.1 == "*" || name.1 == root(&role.place, account_of(role));
            if meant && account_of(role) != home && self.inside(circle, role) {
                self.concrete(role, ask, spot, None, origin, open, add);
            }
        }
        if name.1 != "*" || !stays_inside {
            return;
        }
        for role in self.world.of_kind(KindName::Role) {
            if account_of(role) == home && self.inside(circle, role) {
                self.concrete(role, ask, spot, Some(statement), origin, open, add);
            }
        }
    }

    /// One role's plain request, or those that a statement may let through in a session of its.
    #[expect(
        clippy::too_many_arguments,
        reason = "what is asked, of whom, and where it goes"
    )]
    fn concrete(
        &self,
        role: &Thing,
        ask: &Ask<'a>,
        spot: &Spot,
        by: Option<&Statement>,
        origin: Origin,
        open: &mut Open,
        add: &mut impl FnMut(Holder),
    ) {
        if role.address == ask.thing.address {
            return;
        }
        for action in &ask.actions {
            if action.starts_with("sts:") && action != "sts:AssumeRole" {
                continue;
            }
            let request = Request::new(
                Who::Arn(role.arn.clone()),
                action.clone(),
                spot.resource.clone(),
            );
            let request = Self::settled(request, ask, spot);
            for request in by_providers(role, by, request) {
                let kin = Kin::Role(role.address.clone());
                self.try_out(kin, request, ask.thing, origin, open, add);
            }
        }
    }

    /// Roles of the resource's own account whose own policies are enough.
    fn by_own_side(
        &self,
        ask: &Ask<'a>,
        circle: &Circle<'_>,
        open: &mut Open,
        add: &mut impl FnMut(Holder),
    ) {
        for role in self.reaching.to(ask.thing) {
            if account_of(role) != account_of(ask.thing) || !self.inside(circle, role) {
                continue;
            }
            let What::Role {
                identity, unread, ..
            } = &role.what
            else {
                continue;
            };
            for paper in identity {
                for statement in allowing(paper) {
                    if !ask.actions.iter().any(|it| takes(&statement.action, it)) {
                        continue;
                    }
                    let origin = paper.origin_of(statement, &self.world.own);
                    for spot in Self::spots(ask, statement) {
                        self.concrete(role, ask, &spot, None, origin, open, add);
                    }
                }
            }
            if !unread.is_empty() {
                let everything = Statement::allow("", Clause::of(["*"])).on(["*"]);
                for spot in Self::spots(ask, &everything) {
                    self.concrete(role, ask, &spot, None, Origin::Foreign, open, add);
                }
            }
        }
    }

    /// Whoever calls a method that asks for nothing.
    fn by_method(&self, ask: &Ask<'a>, circle: &Circle<'_>, add: &mut impl FnMut(Holder)) {
        let unsigned = |it: &Whom| matches!(it, Whom::Anyone | Whom::Outside | Whom::Unsigned);
        if ask.is_managing()
            || !matches!(ask.thing.what, What::Api(_))
            || !circle.who.iter().any(unsigned)
        {
            return;
        }
        let everything = Statement::allow("", Clause::of(["*"])).on(["*"]);
        for spot in Self::spots(ask, &everything) {
            if spot.auth != Some(MethodAuth::None) {
                continue;
            }
            let request = Request::new(Who::Anonymous, "execute-api:Invoke", spot.resource.clone());
            let request = Self::settled(request, ask, &spot);
            self.try_out(
                Kin::Unsigned,
                request,
                ask.thing,
                Origin::Ours,
                &mut Open::new(),
                add,
            );
        }
    }

    /// Puts a request to the evaluator; what it lets through is a holder.
    fn try_out(
        &self,
        kin: Kin,
        request: Request,
        thing: &Thing,
        origin: Origin,
        open: &mut Open,
        add: &mut impl FnMut(Holder),
    ) {
        let caller = self.caller(&request.principal, thing);
        let mut verdict = self.world.should_fail(&request, caller, thing);
        let mut request = request;
        if verdict.decision == Decision::Unproven
            && let Some(shown) = self.world.in_context(&request, caller, thing)
        {
            (request, verdict) = shown;
        }
        if verdict.decision == Decision::Deny
            || kin.role().is_some() && self.world.no_endpoint_lets(&request, caller, thing)
        {
            return;
        }
        // Whom others let is theirs to say: their side is taken for granted, not cited.
        let because: Vec<String> = verdict
            .because
            .iter()
            .filter(|it| !it.starts_with(MIGHTY))
            .map(|it| self.world.named(it))
            .collect();
        let unproven = verdict.decision == Decision::Unproven;
        if unproven && kin.role().is_none() {
            open.extend(because);
            return;
        }
        add(Holder {
            kin,
            through: Vec::new(),
            request,
            because,
            unproven,
            origin,
        });
    }

    /// Whether a request may be let through.
    fn is_let(&self, request: &Request, thing: &Thing) -> bool {
        let caller = self.caller(&request.principal, thing);
        self.world.should_fail(request, caller, thing).decision != Decision::Deny
    }

    /// What is known of somebody's own policies.
    fn caller(&self, who: &Who, thing: &Thing) -> Caller<'a> {
        let Who::Arn(arn) = who else {
            return Caller::Bare;
        };
        match self.role_named(arn) {
            Some(role) => Caller::Role(role),
            // Another role of the owner's account is let in by being named, or not at all.
            _ if arn.split(':').nth(4) == Some(account_of(thing)) && !is_whole(arn) => Caller::Bare,
            _ => Caller::Mighty,
        }
    }

    /// The role of the world with an ARN, or the one whose session has it.
    fn role_named(&self, arn: &str) -> Option<&'a Thing> {
        let role = match self.world.with_arn(arn) {
            None if arn.contains(":assumed-role/") => {
                let mut roles = self.world.of_kind(KindName::Role);
                roles.find(|it| is_session_of(arn, &it.arn))
            }
            found => found,
        };
        role.filter(|it| matches!(it.what, What::Role { .. }))
    }

    /// A request with what it must carry.
    fn settled(mut request: Request, ask: &Ask<'_>, spot: &Spot) -> Request {
        request.resource.clone_from(&spot.resource);
        request.method_auth = spot.auth;
        if let Some(name) = &ask.session {
            request = request.with("sts:RoleSessionName", [name.as_str()]);
        }
        if ask.is_managing() {
            request.resource_account = Some(account_of(ask.thing).to_owned());
        } else if let What::Api(surface) = &ask.thing.what {
            through(&mut request, surface);
        }
        // What an API is called by is spelled as AWS spells it.
        let known = ask
            .actions
            .iter()
            .find(|it| it.eq_ignore_ascii_case(&request.action));
        if let Some(action) = known {
            request.action.clone_from(action);
        }
        request
    }

    /// The concrete resources that a statement speaks of and that are asked about.
    fn spots(ask: &Ask<'_>, statement: &Statement) -> Vec<Spot> {
        let thing = ask.thing;
        let plain = || Spot {
            resource: thing.arn.clone(),
            auth: None,
        };
        let Some(clause) = &statement.resource else {
            return vec![plain()];
        };
        let patterns: Vec<Texts> = if clause.negated {
            vec![Texts::pattern("*")]
        } else {
            let values = clause.values.iter();
            values.flat_map(|it| Texts::resource(it)).collect()
        };
        if ask.is_managing() {
            let all = patterns.iter().filter_map(|it| managed_within(it, thing));
            let spot = |resource| Spot {
                resource,
                auth: None,
            };
            return all.map(spot).collect();
        }
        let What::Api(surface) = &thing.what else {
            let own = Texts::exactly(&thing.arn);
            let meets = patterns
                .iter()
                .any(|it| some_text(&[it, &own], &[]).is_some());
            return if meets { vec![plain()] } else { Vec::new() };
        };
        let mut found = Self::calls(ask, surface, &patterns);
        for it in &surface.others {
            found.extend(Self::calls(ask, &surface.on(it), &patterns));
        }
        found
    }

    /// The calls of one stage that are asked about, among those that patterns of ARNs take.
    fn calls(ask: &Ask<'_>, surface: &Surface, patterns: &[Texts]) -> Vec<Spot> {
        let head = format!("{}/{}/", ask.thing.arn, surface.stage);
        let patterns: Vec<Texts> = patterns
            .iter()
            .filter_map(|it| it.clone().past(&head))
            .collect();
        let services: Vec<Service> = if surface.methods.is_empty() {
            services(&ask.routes)
        } else {
            services(surface.methods.keys())
        };
        let meant = meant(&ask.routes, &services);
        let mut found = Vec::new();
        for (service, meant) in services.iter().zip(&meant) {
            let call = meant.iter().find_map(|meant| {
                patterns
                    .iter()
                    .find_map(|it| service.call(&[meant, it], &[]))
            });
            let Some(call) = call else { continue };
            let auth = surface.methods.get(&service.route);
            found.push(Spot {
                resource: format!("{head}{call}"),
                auth: auth.map_or(Some(MethodAuth::Iam), |it| method_auth(it)),
            });
        }
        found
    }
}

/// Whether a principal is of one of these accounts.
fn is_of(who: &Who, accounts: &BTreeSet<String>) -> bool {
    let Who::Arn(arn) = who else { return false };
    arn.split(':')
        .nth(4)
        .is_some_and(|it| accounts.contains(it))
}

/// The account of all signed requests among these, if it is one.
fn only_account(requests: &[Request]) -> Option<&str> {
    let accounts = requests.iter().filter_map(|it| match &it.principal {
        Who::Arn(arn) => arn.split(':').nth(4),
        Who::Service(_) | Who::Anonymous => None,
    });
    let accounts: BTreeSet<&str> = accounts.collect();
    accounts.first().copied().filter(|_| accounts.len() == 1)
}

/// The request of an account's root user, made by a role of the account.
fn as_role(request: &Request, thing: &Thing) -> Option<Request> {
    let Who::Arn(arn) = &request.principal else {
        return None;
    };
    let account = arn.split(':').nth(4).filter(|_| is_whole(arn))?;
    Some(Request {
        principal: Who::Arn(role_in(&thing.place, account, MADE_UP)),
        ..request.clone()
    })
}

fn is_whole(arn: &str) -> bool {
    arn.ends_with(":root")
}

/// A holder with the steps that come after.
fn with_tail(mut holder: Holder, tail: &[Holder]) -> Holder {
    for next in tail {
        holder.through.extend(next.kin.role().cloned());
        holder.because.extend(next.because.iter().cloned());
        holder.unproven |= next.unproven;
        holder.origin = holder.origin.max(next.origin);
    }
    holder
}
