//! What a stack promises to work, tried from end to end.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::lower::calls::{Texts, meant, services};
use crate::lower::keys::{SENDING, by_key};
use crate::lower::{Desired, Grant, HandoverKind};
use crate::model::{Address, Arn, KindName};
use crate::policy::sessions::{cannot_begin, may_not_begin, passed_on};
use crate::policy::three::Three;
use crate::policy::widen::alone;
use crate::policy::{Decision, Document, Request, Silence, Who};
use crate::stack::{Access, QueueUse, RouteKey, Stack, Target, Via};

use super::asking::{UNKNOWN_ENDPOINT, bounding, of_example};
use super::bound::account_of;
use super::claim::{Evidence, Finding, Promise, Trial};
use super::paper::{Origin, Paper};
use super::steps::Step;
use super::voice::Voice;
use super::world::{Caller, Surface, Thing, What, World, method_auth};

/// What one side of a claim looks at.
pub(super) struct Case<'a> {
    pub(super) stack: &'a Stack,
    pub(super) desired: &'a Desired,
    pub(super) world: &'a World,
}

/// Tries everything that the stack promises.
pub(super) fn claims(stack: &Stack, desired: &Desired, world: &World, findings: &mut Vec<Finding>) {
    let case = Case {
        stack,
        desired,
        world,
    };
    for (access, grant) in stack.access.iter().zip(&desired.grants) {
        case.access(access, grant, findings);
    }
    case.contracts(findings);
    for (name, queue) in &stack.queues {
        for subscribe in &queue.subscribe {
            findings.push(case.subscription(name, queue, subscribe));
        }
    }
    for (name, role) in stack.roles.iter().filter(|(_, it)| !it.existing) {
        for principal in &role.trusted_by {
            findings.push(case.trust(name, principal));
        }
    }
    for (name, api) in &stack.apis {
        let address = Address::new(KindName::RestApi, name);
        case.integrations(&address, findings);
        findings.extend(case.unsigned(&address, api));
    }
    for (name, topic) in &stack.topics {
        case.delivery_status(name, topic, findings);
    }
    serving(stack, desired, world, findings);
}

/// Tries that each stage serves what was looked at, where a cloud was asked.
pub(super) fn serving(
    stack: &Stack,
    desired: &Desired,
    world: &World,
    findings: &mut Vec<Finding>,
) {
    let case = Case {
        stack,
        desired,
        world,
    };
    let apis = stack.apis.keys().filter(|_| world.live);
    findings.extend(apis.map(|it| case.serves(&Address::new(KindName::RestApi, it))));
}

/// What AWS documents not to work, of what the stack promises.
pub(super) fn doubts(stack: &Stack, desired: &Desired, world: &World) -> Vec<Finding> {
    let case = Case {
        stack,
        desired,
        world,
    };
    let apis = stack.apis.iter();
    let unsigned =
        apis.filter_map(|(name, api)| case.unsigned(&Address::new(KindName::RestApi, name), api));
    let accesses = stack.access.iter().zip(&desired.grants);
    unsigned
        .chain(accesses.filter_map(|(access, grant)| case.undelivered(access, grant)))
        .collect()
}

impl Case<'_> {
    /// A resource of the world, or what stands for another's topic that a policy is handed over for.
    pub(super) fn target(&self, address: &Address, arn: Option<&Arn>) -> Option<Cow<'_, Thing>> {
        if let Some(thing) = self.world.thing(address) {
            return Some(Cow::Borrowed(thing));
        }
        let arn = arn?;
        if self.desired.wants.contains_key(address) {
            return None;
        }
        let handover = self
            .desired
            .handovers
            .iter()
            .find(|it| it.kind == HandoverKind::TopicPolicy && it.principal == arn.as_str());
        let place = self.stack.accounts.values().next()?.place.clone();
        Some(Cow::Owned(Thing {
            address: address.clone(),
            arn: arn.to_string(),
            place,
            owned: false,
            policy: handover
                .map(|it| Paper::resource(format!("the policy of {address}"), it.document.clone())),
            what: What::Topic {
                key: String::new(),
                receivers: Vec::new(),
            },
        }))
    }

    /// Notes that what lets somebody in to a topic of no account of the stack cannot be read.
    pub(super) fn owner_must_let(&self, trial: &mut Trial, topic: &Thing) {
        if self.world.thing(&topic.address).is_none() {
            trial.depends_on([format!(
                "the policy of {} is its owner's and is not read: it needs the statements that are handed over",
                topic.address
            )]);
        }
    }

    fn access(&self, access: &Access, grant: &Grant, findings: &mut Vec<Finding>) {
        let finding = |claim: String, trial: Trial| Finding {
            claim,
            promise: Promise::May,
            subject: grant.target.clone(),
            written_at: Some(grant.written_at.clone()),
            steps: trial.steps.clone(),
            outcome: trial.outcome(),
        };
        let arn = match &access.to {
            Target::Topic { name } => Some(&self.stack.topics[name].arn),
            Target::Api { .. } | Target::Queue { .. } => None,
        };
        let Some(target) = self.target(&grant.target, arn) else {
            let mut trial = Trial::default();
            trial.lacks(format!("{} is not there", grant.target));
            findings.push(finding(
                format!("{} may {} {}", grant.who, grant.may, grant.target),
                trial,
            ));
            return;
        };
        let voice = Voice::of(&access.from, self.stack, &target.place, self.world).handed(
            grant,
            self.desired,
            self.world,
        );
        let (mut door, speaker) = self.way_in(access, grant, &voice);
        door.depends_on(self.undocumented(access));
        match (&access.to, &target.what) {
            (Target::Api { routes, .. }, What::Api(surface)) => {
                for (route, calls) in calls_of(routes, surface) {
                    let mut trial = Trial::from(&door);
                    for who in &surface.closed_to {
                        trial.lacks(format!("{who} do not reach {}", grant.target));
                    }
                    if let Some(says) = surface.refuses(&route) {
                        trial.lacks(says.clone());
                    }
                    for call in &calls {
                        let resource = format!("{}/{}/{call}", target.arn, surface.stage);
                        let mut request = speaker.asks("execute-api:Invoke", resource);
                        match surface.methods.get(&route).map(|it| (it, method_auth(it))) {
                            Some((name, None)) => trial.depends_on([format!(
                                "the authorizer of {route} is {name}, which only the API's owner can judge"
                            )]),
                            auth => {
                                request.method_auth = Some(auth.and_then(|it| it.1).unwrap_or(crate::policy::MethodAuth::Iam));
                                trial.depends_on(self.by_an_open_way(&mut request, speaker.caller(self.world), &target, surface));
                                self.step(&mut trial, &request, speaker.caller(self.world), &target);
                            }
                        }
                    }
                    if surface.keyed.contains(&route) {
                        trial.depends_on([format!(
                            "{route} asks for an API key as well: each client must send `x-api-key` with a key of a usage \
                             plan, which no stack manages"
                        )]);
                    }
                    if calls.is_empty() {
                        trial.lacks(format!(
                            "{} serves nothing that `{route}` means",
                            grant.target
                        ));
                    }
                    findings.push(finding(
                        format!("{} may call {route} of {}", voice.named, grant.target),
                        trial,
                    ));
                }
            }
            (Target::Topic { .. }, What::Topic { key, .. }) => {
                let mut trial = Trial::from(&door);
                let request = speaker.asks("sns:Publish", target.arn.clone());
                self.step(&mut trial, &request, speaker.caller(self.world), &target);
                self.owner_must_let(&mut trial, &target);
                self.uses_key(&mut trial, key, &SENDING, &speaker, &target);
                findings.push(finding(
                    format!("{} may publish to {}", voice.named, grant.target),
                    trial,
                ));
            }
            (Target::Queue { uses, .. }, What::Queue { .. }) => {
                for it in uses {
                    let mut trial = Trial::from(&door);
                    for action in it.actions() {
                        let request = speaker.asks(action, target.arn.clone());
                        self.step(&mut trial, &request, speaker.caller(self.world), &target);
                    }
                    if let Some(key) = target.kms_key() {
                        self.uses_key(&mut trial, key, by_key(*it), &speaker, &target);
                    }
                    let does = match it {
                        QueueUse::Send => "send to",
                        QueueUse::Receive => "receive from",
                    };
                    findings.push(finding(
                        format!("{} may {does} {}", voice.named, grant.target),
                        trial,
                    ));
                }
            }
            _ => {}
        }
    }

    /// What comes before the call itself, and who makes it then.
    fn way_in(&self, access: &Access, grant: &Grant, voice: &Voice) -> (Trial, Voice) {
        let mut trial = Trial::default();
        let Some(address) = grant.role.as_ref().filter(|_| grant.via == Via::AssumeRole) else {
            self.must_be_there(&mut trial, voice, &access.from);
            return (trial, voice.clone());
        };
        self.must_be_there(&mut trial, voice, &access.from);
        let Some(role) = self.world.thing(address) else {
            trial.lacks(format!("{address} is not there"));
            return (trial, voice.clone());
        };
        let mut actions = voice.assume.clone();
        // A caller whose own session may have tags or a source identity passes them on.
        if let Caller::Role(Thing {
            policy: Some(trust),
            ..
        }) = voice.caller(self.world)
        {
            actions.extend(passed_on(&trust.document));
        }
        for action in actions {
            let mut request = voice.asks(action, role.arn.clone());
            if let Some(id) = &access.external_id {
                request = request.with("sts:ExternalId", [id.as_str()]);
            }
            self.step(&mut trial, &request, voice.caller(self.world), role);
        }
        (trial, Voice::role(role))
    }

    fn must_be_there(&self, trial: &mut Trial, voice: &Voice, from: &crate::stack::Principal) {
        if let (crate::stack::Principal::Role(name), Caller::Bare) =
            (from, voice.caller(self.world))
        {
            trial.lacks(format!("roles.{name} is not there"));
        }
        self.must_get_credentials(trial, voice);
    }

    /// Notes which of the services that a caller's role trusts cannot begin a session as it.
    fn must_get_credentials(&self, trial: &mut Trial, voice: &Voice) {
        let Caller::Role(role) = voice.caller(self.world) else {
            return;
        };
        let Some(trust) = role.policy.as_ref().map(|it| &it.document) else {
            return;
        };
        let refused = cannot_begin(trust, account_of(role));
        for (who, needs) in &refused {
            trial.lacks(format!(
                "{who} cannot get credentials of {}: its trust policy does not allow {}",
                role.address,
                needs.join(" and ")
            ));
        }
        let doubtful = may_not_begin(trust);
        for (who, key) in doubtful
            .iter()
            .filter(|(who, _)| !refused.contains_key(*who))
        {
            trial.depends_on([format!(
                "the trust policy of {} lets {who} in under a condition on {key} only, which it is not known to send",
                role.address
            )]);
        }
    }

    /// One request that must be let through.
    pub(super) fn step(
        &self,
        trial: &mut Trial,
        request: &Request,
        caller: Caller<'_>,
        target: &Thing,
    ) {
        let verdict = self.world.should_pass(request, caller, target);
        trial.rests_on(self.world.keeps_steps, || {
            let step = Step::asked(request, true, verdict.decision);
            step.under(&self.world.ceilings, &target.place.id)
        });
        match verdict.decision {
            Decision::Allow => {}
            Decision::Unproven => {
                trial.depends_on(verdict.because.iter().map(|it| self.world.named(it)));
            }
            Decision::Deny => {
                let denials: Vec<String> = verdict
                    .because
                    .iter()
                    .filter(|it| it.ends_with(", denies it"))
                    .map(|it| self.world.named(it))
                    .collect();
                let who = self.world.who(&request.principal);
                let says = if denials.is_empty() {
                    self.missing(request, caller, target)
                } else {
                    format!(
                        "{who} is refused {} on {}",
                        request.action,
                        self.world.resource_of(request)
                    )
                };
                trial.fails(Evidence {
                    request: Some(request.clone()),
                    says,
                    blame: denials,
                    origin: Origin::Ours,
                });
            }
        }
    }

    /// Lets a call of a private API come through the first VPC endpoint whose policy leaves it room, in a VPC that the API's
    /// policy lets call it: a consumer uses one. Returns what nobody read of that way, if anything.
    ///
    /// Every call of a private API has both, see
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-examples.html>.
    fn by_an_open_way(
        &self,
        request: &mut Request,
        caller: Caller<'_>,
        api: &Thing,
        surface: &Surface,
    ) -> Option<String> {
        if !surface.private {
            return None;
        }
        let asked = |key: &str| match request.context.get(key) {
            Some(own) => own.clone(),
            None => named_ways(api, key),
        };
        let (asked_endpoints, asked_vpcs) = (asked(ENDPOINT), asked(VPC));
        let is_fixed = request.context.contains_key(ENDPOINT);
        let endpoints: Vec<&String> = match &surface.endpoints {
            known if known.is_empty() || is_fixed => asked_endpoints.iter().collect(),
            known => known.iter().collect(),
        };
        let unknown = UNKNOWN_ENDPOINT.to_owned();
        let unknown = (surface.endpoints.is_empty() && !is_fixed).then_some(&unknown);
        let endpoints = endpoints.into_iter().chain(unknown);
        let vpcs = || asked_vpcs.iter().map(Some);
        let keeps_vpc = request.context.contains_key(VPC);
        let ways = endpoints.flat_map(|endpoint| {
            let without = std::iter::once(None).filter(|_| !keeps_vpc);
            without.chain(vpcs()).map(move |vpc| (endpoint, vpc))
        });
        let through = |(endpoint, vpc): (&String, Option<&String>)| {
            let request = request.clone().with(ENDPOINT, [endpoint.as_str()]);
            match vpc {
                Some(vpc) => request.with(VPC, [vpc.as_str()]),
                None => request,
            }
        };
        let mut tried = ways.map(|way| (way, through(way)));
        let first = tried.next()?;
        let is_open = |it: &Request| {
            !self.world.ceilings.closes_endpoint(it, Silence::Plain)
                && self.world.should_pass(it, caller, api).decision == Decision::Allow
        };
        let ((endpoint, vpc), open) = if is_open(&first.1) {
            first
        } else {
            tried.find(|it| is_open(&it.1)).unwrap_or(first)
        };
        *request = open;
        let vpc = vpc.filter(|_| endpoint != UNKNOWN_ENDPOINT)?;
        Some(format!(
            "which VPC {endpoint} is in is not read: {} lets in through {vpc} only",
            policy_name(api)
        ))
    }

    /// The side that does not say yes.
    fn missing(&self, request: &Request, caller: Caller<'_>, target: &Thing) -> String {
        let who = self.world.who(&request.principal);
        let resource = self.world.resource_of(request);
        let says_yes = |document: &Document| alone(document, request) == Three::Yes;
        let own_side = match caller {
            Caller::Role(Thing {
                what: What::Role { identity, .. },
                ..
            }) => identity.iter().any(|it| says_yes(&it.document)),
            Caller::With(paper) => says_yes(&paper.document),
            _ => true,
        };
        let their_side = target
            .policy
            .as_ref()
            .is_some_and(|it| says_yes(&it.document));
        let mut found = Vec::new();
        if !own_side {
            found.push(format!("{who} lacks {} on {resource}", request.action));
        }
        let bounded = bounding(caller).filter(|it| !says_yes(&it.document));
        if let Some(paper) = bounded {
            found.push(format!(
                "{} leaves no room for {} on {resource}",
                self.world.named(&paper.name),
                request.action
            ));
        }
        let without_room = self.world.ceilings.without_room(request);
        found.extend(
            without_room
                .iter()
                .map(|it| format!("{it} leave no room for {} on {resource}", request.action)),
        );
        let ceilings = &self.world.ceilings;
        let endpoint = ceilings.endpoint_of(request);
        let endpoint = endpoint.filter(|_| ceilings.closes_endpoint(request, Silence::Plain));
        found.extend(endpoint.map(|(_, rules)| {
            format!(
                "{} leaves no room for {} on {resource}",
                rules.name, request.action
            )
        }));
        // In one account one side is enough, and its own is not what is missing.
        let enough = !without_room.is_empty()
            || endpoint.is_some()
            || bounded.is_some()
                && own_side
                && matches!(caller, Caller::Role(it) if account_of(it) == account_of(target));
        if !their_side && !enough {
            let name = policy_name(target);
            let text = match &request.principal {
                Who::Arn(name) | Who::Service(name) => name.clone(),
                Who::Anonymous => "*".to_owned(),
            };
            let knows = target
                .policy
                .as_ref()
                .is_some_and(|it| it.document.to_text().contains(&text));
            found.push(match (knows, &target.policy) {
                (true, _) => format!(
                    "{name} names {who}, but does not allow {} on {resource} to it",
                    request.action
                ),
                (false, Some(_)) => format!("{name} does not name {who}"),
                (false, None) => format!("{} has no policy that names {who}", target.address),
            });
        }
        if found.is_empty() {
            found.push(format!("{who} is refused {} on {resource}", request.action));
        }
        found.join(", and ")
    }

    fn trust(&self, name: &str, principal: &crate::stack::Principal) -> Finding {
        let address = Address::new(KindName::Role, name);
        let mut trial = Trial::default();
        let mut named = String::new();
        match self.world.thing(&address) {
            None => trial.lacks(format!("{address} is not there")),
            Some(role) => {
                let voice = Voice::of(principal, self.stack, &role.place, self.world);
                for action in &voice.assume {
                    let request = voice.asks(action, role.arn.clone());
                    let says = role
                        .policy
                        .as_ref()
                        .map_or(Three::No, |it| alone(&it.document, &request));
                    let ceilings = &self.world.ceilings;
                    let extent = of_example(&request);
                    let refused = ceilings.refuses(&request, extent);
                    match says {
                        Three::Yes if refused.is_some() => trial.fails(Evidence {
                            says: format!("{} is refused {action} on {address}", voice.named),
                            blame: refused.into_iter().collect(),
                            request: Some(request),
                            origin: Origin::Ours,
                        }),
                        Three::Yes => trial.rests_on(self.world.keeps_steps, || {
                            let step = Step::asked(&request, true, Decision::Allow);
                            step.under(ceilings, &role.place.id)
                        }),
                        Three::Maybe => trial.depends_on([format!(
                            "{} cannot be decided for {}",
                            policy_name(role),
                            voice.named
                        )]),
                        Three::No => trial.fails(Evidence {
                            says: match *action {
                                "sts:AssumeRole" | "sts:AssumeRoleWithWebIdentity" => format!(
                                    "{} does not let {} in",
                                    policy_name(role),
                                    voice.named
                                ),
                                other => format!(
                                    "{} does not allow {other} to {}, which needs it to assume a role",
                                    policy_name(role),
                                    voice.named
                                ),
                            },
                            request: Some(request),
                            blame: Vec::new(),
                            origin: Origin::Ours,
                        }),
                    }
                }
                named.clone_from(&voice.named);
            }
        }
        if named.is_empty() {
            "whoever it trusts".clone_into(&mut named);
        }
        Finding {
            claim: format!("{named} is trusted by {address}"),
            promise: Promise::May,
            subject: address,
            written_at: None,
            steps: trial.steps.clone(),
            outcome: trial.outcome(),
        }
    }

    /// Whether the stage serves what was looked at.
    fn serves(&self, api: &Address) -> Finding {
        let mut trial = Trial::default();
        match self.world.thing(api).map(|it| &it.what) {
            Some(What::Api(Surface {
                behind: Some(why), ..
            })) => trial.lacks(why.clone()),
            Some(_) => {}
            None => trial.lacks(format!("{api} is not there")),
        }
        Finding {
            claim: format!("{api} serves the methods and the policy that the stack declares"),
            promise: Promise::Serves,
            subject: api.clone(),
            written_at: None,
            steps: trial.steps.clone(),
            outcome: trial.outcome(),
        }
    }
}

/// How a sentence calls a resource's own policy.
pub(super) fn policy_name(thing: &Thing) -> String {
    match thing.what {
        What::Role { .. } => format!("the trust policy of {}", thing.address),
        _ => format!("the policy of {}", thing.address),
    }
}

const ENDPOINT: &str = "aws:SourceVpce";
const VPC: &str = "aws:SourceVpc";

/// The values that the policy of an API asks of a key, without those that hold a wildcard.
fn named_ways(api: &Thing, key: &str) -> Vec<String> {
    let papers = api.policy.iter();
    let statements = papers.flat_map(|it| &it.document.statements);
    let keys = statements.flat_map(|it| it.conditions.values().flatten());
    let values = keys.filter(|it| it.0.eq_ignore_ascii_case(key));
    let values = values
        .flat_map(|it| it.1)
        .filter(|it| !it.contains(['*', '?', '$']));
    let values: BTreeSet<&String> = values.collect();
    values.into_iter().cloned().collect()
}

/// A call of a private API comes through an endpoint.
pub(super) fn through(request: &mut Request, surface: &Surface) {
    if surface.private && !request.context.contains_key(ENDPOINT) {
        let endpoint = surface
            .endpoints
            .first()
            .map_or(UNKNOWN_ENDPOINT, String::as_str);
        request
            .context
            .insert(ENDPOINT.to_owned(), vec![endpoint.to_owned()]);
    }
}

/// The calls that patterns mean, by route. A route that is not known stands for itself.
fn calls_of(patterns: &[RouteKey], surface: &Surface) -> BTreeMap<RouteKey, Vec<String>> {
    let known: Vec<&RouteKey> = if surface.methods.is_empty() {
        patterns.iter().collect()
    } else {
        surface.methods.keys().collect()
    };
    let services = services(known);
    let mut found: BTreeMap<RouteKey, Vec<String>> = BTreeMap::new();
    let mut idle: Vec<&RouteKey> = patterns.iter().collect();
    let each = patterns
        .iter()
        .map(|it| (it, meant(std::slice::from_ref(it), &services)));
    for (pattern, meant) in each {
        for (service, texts) in services.iter().zip(&meant) {
            let texts: Vec<&Texts> = texts.iter().collect();
            let call = texts.first().and_then(|it| service.call(&[it], &[]));
            if let Some(call) = call {
                let calls = found.entry(service.route.clone()).or_default();
                if !calls.contains(&call) {
                    calls.push(call);
                }
                idle.retain(|it| *it != pattern);
            }
        }
    }
    for pattern in idle {
        found.entry(pattern.clone()).or_default();
    }
    found
}

impl From<&Trial> for Trial {
    fn from(before: &Trial) -> Self {
        Self {
            failed: before.failed.clone(),
            unproven: before.unproven.clone(),
            steps: before.steps.clone(),
        }
    }
}
