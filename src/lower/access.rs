//! `[[access]]`, compiled to both its sides.

use std::collections::{BTreeMap, BTreeSet};

use super::access_roles::target_address;
use super::access_roles::{access_role_arn, access_role_names, role_path};
use super::identity::Identity;
use super::keys::{self, SENDING};
use super::names::role_name;
use super::roles;
use super::shares::share;
use super::trust::{Who, caller, name_of, statements_for, trust_policy};
use super::ways::{Mechanism, mechanism, open_routes};
use super::{Draft, Grant, LowerFault, api, first_place, role_address};
use crate::kinds::role::DEFAULT_SESSION;
use crate::kinds::survey::Live;
use crate::kinds::{Resource, Role, pending_id};
use crate::model::tags::short_hash;
use crate::model::{Address, Arn, KindName, KmsKey, Place};
use crate::policy::{Clause, Effect, PrincipalClause, Statement};
use crate::stack::{
    self, Access, Endpoint, Principal, QueueUse, RoleRef, RouteKey, RouteRole, Surface, Target, Via,
};

/// Who may call which routes of an API.
pub(super) type Invokers = BTreeMap<Who, BTreeSet<RouteKey>>;

/// A role beside a target that callers assume.
#[derive(Clone, Debug)]
pub(super) struct AccessRole {
    place: Place,
    name: String,
    who: BTreeSet<Who>,
    external_id: Option<String>,
    target: Address,
    allows: Allows,
    because: String,
}

/// What an access role lets its bearers do.
#[derive(Clone, Debug)]
enum Allows {
    /// Call these routes of an API of the stack.
    Call(String, BTreeSet<RouteKey>),
    /// Publish to a topic, which this key encrypts.
    Publish(Arn, Option<KmsKey>),
    /// Use a queue, which this key encrypts.
    Queue(Arn, BTreeSet<QueueUse>, Option<KmsKey>),
}

/// What an API's id is in documents: known of an existing API, chosen by AWS of another.
fn api_id(name: &str, api: &stack::Api) -> String {
    api.existing
        .clone()
        .unwrap_or_else(|| pending_id(&Address::new(KindName::RestApi, name)))
}

/// Routes as identity policies name them.
fn route_arns<'a>(
    name: &str,
    api: &stack::Api,
    place: &Place,
    resources: impl IntoIterator<Item = &'a String>,
) -> Vec<String> {
    let head = format!(
        "{}/",
        Arn::regional(place, "execute-api", &api_id(name, api))
    );
    resources
        .into_iter()
        .map(|it| it.replacen("execute-api:/", &head, 1))
        .collect()
}

fn spoken(routes: &[RouteKey]) -> String {
    let list: Vec<_> = routes.iter().map(ToString::to_string).collect();
    format!("call {} of", list.join(", "))
}

/// Compiles every access: collects what each side has to say.
pub(super) fn compile(draft: &mut Draft<'_>, live: Option<&Live>) {
    let stack = draft.stack;
    // Accesses with explicit `assume-role` add nothing to the target's policy, so they are not counted.
    let filling = stack.access.iter().filter(|it| it.via != Via::AssumeRole);
    for access in filling {
        let target = target_address(&access.to);
        let consumers = draft.consumers.entry(target).or_default();
        consumers.insert(name_of(&access.from));
    }
    share(draft, live);
    for access in &stack.access {
        let Mechanism {
            via,
            why,
            provisional,
        } = mechanism(draft, access);
        let from = caller(stack, access);
        let mut beyond = Vec::new();
        let key = draft.keys.get(&target_address(&access.to)).cloned();
        let earlier = match &access.to {
            Target::Queue { name, .. } => draft.keys_of_messages(&stack.queues[name].arn),
            Target::Api { .. } | Target::Topic { .. } => BTreeSet::new(),
        };
        let (place, does, may, allows) = match &access.to {
            Target::Api { name, routes } => {
                let api = &stack.apis[name];
                let place = draft.place(&api.account);
                let reach = api::grant(api, routes);
                beyond = reach.beyond.iter().map(ToString::to_string).collect();
                if via == Via::ResourcePolicy || api.endpoint == Endpoint::Private {
                    let who = if via == Via::ResourcePolicy {
                        Who::of(&from, stack, &place)
                    } else {
                        Who::Role(access_role_arn(draft, access, &from, &place))
                    };
                    let invokers = draft.invokers.entry(name.clone()).or_default();
                    invokers
                        .entry(who)
                        .or_default()
                        .extend(routes.iter().cloned());
                }
                let arns = route_arns(name, api, &place, &reach.allow);
                let allows = Allows::Call(name.clone(), routes.iter().cloned().collect());
                let does = vec![(&["execute-api:Invoke"][..], arns)];
                (Some(place), does, spoken(routes), allows)
            }
            Target::Topic { name } => {
                let topic = &stack.topics[name];
                let place = draft.topic_place(topic);
                if via == Via::ResourcePolicy
                    && let Some(seen_from) = place.clone().or_else(|| first_place(stack))
                {
                    draft
                        .publishers
                        .entry(name.clone())
                        .or_default()
                        .push(Who::of(&from, stack, &seen_from));
                }
                let allows = Allows::Publish(topic.arn.clone(), key.clone());
                let does = vec![(&["sns:Publish"][..], vec![topic.arn.to_string()])];
                (place, does, "publish to".to_owned(), allows)
            }
            Target::Queue { name, uses } => {
                let queue = &stack.queues[name];
                let place = draft.place(&queue.account);
                if via == Via::ResourcePolicy {
                    let users = draft.queue_users.entry(name.clone()).or_default();
                    for it in uses {
                        let who = Who::of(&from, stack, &place);
                        users.entry(*it).or_default().insert(who);
                    }
                }
                let arn = || vec![queue.arn.to_string()];
                let does = uses.iter().map(|it| (it.actions(), arn())).collect();
                let may: Vec<&str> = uses.iter().map(|it| queue_phrase(*it)).collect();
                let allows = Allows::Queue(queue.arn.clone(), uses.clone(), key.clone());
                (Some(place), does, may.join(" and "), allows)
            }
        };
        let mut role = None;
        if via == Via::AssumeRole {
            let Some(place) = place else {
                draft.faults.push(LowerFault {
                    message: format!(
                        "`{}` is in an account that this stack does not have, so no access role can be made beside it; \
                         write `via = \"resource-policy\"`",
                        target_address(&access.to)
                    ),
                    written_at: Some(access.written_at.clone()),
                });
                continue;
            };
            let arn = access_role_arn(draft, access, &from, &place);
            role = Some(add_access_role(draft, access, &from, &place, allows));
            let passed_on = match &from {
                Principal::Role(it) => draft.passed_on.get(&stack.roles[it].arn),
                _ => None,
            };
            let beyond = passed_on.into_iter().flatten().copied();
            let actions: Vec<&str> = std::iter::once("sts:AssumeRole").chain(beyond).collect();
            if let Some(own) = own_side(draft, &from, access) {
                own.allow(&actions, [arn.to_string()]);
            }
            note_users(draft, access, &from, Who::Role(arn));
        } else {
            if let Some(own) = own_side(draft, &from, access) {
                for (actions, resources) in does {
                    own.allow(actions, resources);
                }
                for (_, actions) in uses_of_key(&access.to) {
                    let earlier = earlier.iter().filter(|_| actions == keys::RECEIVING);
                    for key in key.iter().chain(earlier) {
                        own.allow_key(actions, key);
                    }
                }
            }
            if let Some(seen_from) = place.or_else(|| first_place(stack)) {
                note_users(draft, access, &from, Who::of(&from, stack, &seen_from));
            }
        }
        draft.grants.push(Grant {
            who: name_of(&from),
            may,
            target: target_address(&access.to),
            via,
            why,
            provisional: provisional && live.is_none(),
            role,
            beyond,
            written_at: access.written_at.clone(),
        });
    }
}

/// The caller's own side: the policy of a role of the stack, or one that its owner is handed.
/// `None` of those that have no identity policies.
fn own_side<'a>(
    draft: &'a mut Draft<'_>,
    from: &Principal,
    access: &Access,
) -> Option<&'a mut Identity> {
    match from {
        Principal::Role(name) => Some(draft.identity.entry(name.clone()).or_default()),
        Principal::RoleArn(_)
        | Principal::Named(_)
        | Principal::RolePrefix { .. }
        | Principal::Organization { .. }
        | Principal::Account(_) => {
            let key = (name_of(from), target_address(&access.to));
            if access.offered {
                draft.offered.insert(key.clone());
            }
            Some(draft.attach.entry(key).or_default())
        }
        // These have no identity policies.
        Principal::Service(_)
        | Principal::ServiceFor { .. }
        | Principal::Oidc { .. }
        | Principal::Network(_) => None,
    }
}

fn queue_phrase(it: QueueUse) -> &'static str {
    match it {
        QueueUse::Send => "send to",
        QueueUse::Receive => "receive from",
    }
}

/// Returns what an access needs of the key that encrypts its target, by what it does there.
fn uses_of_key(to: &Target) -> Vec<(&'static str, &'static [&'static str])> {
    match to {
        Target::Topic { .. } => vec![("publish to", &SENDING)],
        Target::Queue { uses, .. } => {
            let uses = uses.iter();
            uses.map(|it| (queue_phrase(*it), keys::by_key(*it)))
                .collect()
        }
        Target::Api { .. } => Vec::new(),
    }
}

/// Notes that the policy of a target's key must let whoever uses the target use the key.
fn note_users(draft: &mut Draft<'_>, access: &Access, from: &Principal, who: Who) {
    // Callers without credentials cannot use a key, so a network needs none of its policy.
    if matches!(from, Principal::Network(_)) {
        return;
    }
    let target = target_address(&access.to);
    let by = name_of(from);
    let who = BTreeSet::from([who]);
    for (does, actions) in uses_of_key(&access.to) {
        keys::note_use(draft, &target, &who, &by, does, actions);
    }
}

fn add_access_role(
    draft: &mut Draft<'_>,
    access: &Access,
    from: &Principal,
    place: &Place,
    allows: Allows,
) -> Address {
    let (key, name) = access_role_names(draft, access, from);
    let who = Who::of(from, draft.stack, place);
    let target = target_address(&access.to);
    let role = draft
        .access_roles
        .entry(key.clone())
        .or_insert_with(|| AccessRole {
            place: place.clone(),
            name,
            who: BTreeSet::new(),
            external_id: access.external_id.clone(),
            target: target.clone(),
            allows: allows.clone(),
            because: format!("{} uses {target}", name_of(from)),
        });
    let mut fault = None;
    if role.target != target {
        fault = Some(format!(
            "the access role `{key}` is for `{}`; one for `{target}` needs a name of its own",
            role.target
        ));
    } else if role.external_id != access.external_id {
        fault = Some(format!(
            "the access role `{key}` asks for one external id; this access names another"
        ));
    }
    role.who.insert(who);
    match (&mut role.allows, allows) {
        (Allows::Call(_, routes), Allows::Call(_, more)) => routes.extend(more),
        (Allows::Queue(_, uses, _), Allows::Queue(_, more, _)) => uses.extend(more),
        _ => {}
    }
    if let Some(message) = fault {
        draft.faults.push(LowerFault {
            message,
            written_at: Some(access.written_at.clone()),
        });
    }
    role_address(&key)
}

/// Wants the access roles.
pub(super) fn compile_roles(draft: &mut Draft<'_>) {
    let stack = draft.stack;
    // IAM does not tell names of one account apart by case.
    let names: BTreeSet<(String, String)> = stack
        .roles
        .values()
        .map(|it| (it.arn.account().to_owned(), it.name.to_ascii_lowercase()))
        .collect();
    for (key, role) in std::mem::take(&mut draft.access_roles) {
        let arn = Arn::role(&role.place, &role_path(draft), &role.name);
        let name = (arn.account().to_owned(), role.name.to_ascii_lowercase());
        let taken = stack.roles.contains_key(&key) || names.contains(&name);
        if taken {
            draft.faults.push(LowerFault {
                message: format!(
                    "a role of this stack is called `{key}` already, as the access role for `{}` would be; \
                     give that access a `role_name = \"…\"` of its own, which needs `via = \"assume-role\"`",
                    role.target
                ),
                written_at: None,
            });
            continue;
        }
        let placed = roles::place(
            &stack.name,
            &role.name,
            BTreeMap::new(),
            access_statements(draft, &role),
        );
        let resource = Role {
            arn,
            path: role_path(draft),
            trust: trust_policy(
                &stack.name,
                &draft.passed_on,
                &role.place,
                &role.who,
                role.external_id.as_deref(),
            ),
            inline: placed.inline,
            managed: placed.managed,
            attached: BTreeSet::new(),
            boundary: draft.boundary(&role.place),
            description: format!("Access to {} of stack {}", role.target, stack.name),
            max_session: DEFAULT_SESSION,
            tags: stack.tags.clone(),
        };
        let want = draft.want(role_address(&key), role.place, Resource::Role(resource));
        want.exclusive = true;
        want.because = Some(match role.who.len() {
            1 => role.because,
            many => format!("{many} consumers share it to use {}", role.target),
        });
    }
}

/// What an access role allows, and what it denies because a pattern would let it through.
fn access_statements(draft: &Draft<'_>, role: &AccessRole) -> Vec<Statement> {
    let mut identity = Identity::default();
    let mut denials = Vec::new();
    match &role.allows {
        Allows::Publish(topic, key) => {
            identity.allow(&["sns:Publish"], [topic.to_string()]);
            if let Some(key) = key {
                identity.allow_key(&SENDING, key);
            }
        }
        Allows::Queue(queue, uses, key) => {
            for it in uses {
                identity.allow(it.actions(), [queue.to_string()]);
                let earlier = draft.keys_of_messages(queue);
                let earlier = earlier.iter().filter(|_| *it == QueueUse::Receive);
                for key in key.iter().chain(earlier) {
                    identity.allow_key(keys::by_key(*it), key);
                }
            }
        }
        Allows::Call(name, routes) => {
            let api = &draft.stack.apis[name];
            let routes: Vec<RouteKey> = routes.iter().cloned().collect();
            let reach = api::grant(api, &routes);
            let on = |resources: &[String]| route_arns(name, api, &role.place, resources);
            identity.allow(&["execute-api:Invoke"], on(&reach.allow));
            if !reach.deny.is_empty() {
                let action = Clause::of(["execute-api:Invoke"]);
                let sid = draft.sid("execute-api:Invoke not");
                let mut deny = Statement::allow(sid, action).on(on(&reach.deny));
                deny.effect = Effect::Deny;
                denials.push(deny);
            }
        }
    }
    let mut statements = identity.statements(|it| draft.sid(it));
    statements.extend(denials);
    statements
}

/// Wants the APIs and their stages, with the roles their integrations need.
pub(super) fn compile_apis(draft: &mut Draft<'_>) {
    let stack = draft.stack;
    for (name, api) in &stack.apis {
        let place = draft.place(&api.account);
        for (route, authorizer) in api::replaced_authorizers(api) {
            draft.replaced.push(format!(
                "{route} of apis.{name}: its document's authorizer ({authorizer}) is replaced by AWS_IAM{}; to keep it, write \
                 `keep_authorizer = [\"{route}\"]` in [apis.{name}]",
                api.document_at.as_ref().map_or_else(String::new, |at| format!(" ({at})")),
            ));
        }
        let statements = api_statements(draft, name, api);
        let role = integration_role(draft, name, api, &place);
        let credentials = |named: &RouteRole| {
            let arn = |it: &RoleRef| match it {
                RoleRef::Stack(name) => stack.roles[name].arn.clone(),
                RoleRef::Arn(arn) => arn.clone(),
            };
            let of_api = || {
                let named = api.credentials.as_ref().map(arn);
                named.or_else(|| role.as_ref().map(|(_, arn)| arn.clone()))
            };
            match named {
                RouteRole::OfApi => of_api(),
                RouteRole::Own(role) => Some(arn(role)),
                RouteRole::None => None,
            }
        };
        let queue_arn = |queue: &stack::QueueRef| draft.queue_arn(queue);
        let mut rest_api = api::rest_api(api, &place, statements, credentials, queue_arn);
        let address = Address::new(KindName::RestApi, name);
        let stage = api::stage(api, &address, &rest_api);
        rest_api.closed_stage = stage.is_guarded().then(|| stage.name.clone());
        let mut needs: BTreeSet<Address> =
            role.iter().map(|(address, _)| address.clone()).collect();
        let named = |it: Option<&RoleRef>| match it {
            Some(RoleRef::Stack(name)) => Some(role_address(name)),
            Some(RoleRef::Arn(_)) | None => None,
        };
        needs.extend(named(api.credentials.as_ref()));
        if let Surface::Routes(routes) = &api.surface {
            needs.extend(
                routes
                    .iter()
                    .filter_map(|it| named(it.integration.credentials())),
            );
        }
        let want = draft.want(address.clone(), place.clone(), Resource::RestApi(rest_api));
        want.owned = api.existing.is_none();
        want.exclusive = api.exclusive;
        want.needs = needs;
        let stage_address = Address::new(KindName::Stage, format!("{name}.{}", api.stage.name));
        let want = draft.want(stage_address, place, Resource::Stage(stage));
        want.owned = api.existing.is_none();
        want.needs = BTreeSet::from([address]);
    }
}

/// Our statements of an API's resource policy.
fn api_statements(draft: &mut Draft<'_>, name: &str, api: &stack::Api) -> Vec<Statement> {
    let mut statements = Vec::new();
    match api::document_statements(api, &draft.stack.name) {
        Ok(own) => statements.extend(own),
        Err(error) => draft.faults.push(LowerFault {
            message: format!(
                "the policy in the OpenAPI document of `apis.{name}` cannot be read: {error}"
            ),
            written_at: None,
        }),
    }
    // Callers of the same routes share a statement.
    let mut by_reach: BTreeMap<(Vec<String>, Vec<String>), BTreeSet<Who>> = BTreeMap::new();
    for (who, routes) in draft.invokers.get(name).into_iter().flatten() {
        let routes: Vec<RouteKey> = routes.iter().cloned().collect();
        let reach = api::grant(api, &routes);
        by_reach
            .entry((reach.allow, reach.deny))
            .or_default()
            .insert(who.clone());
    }
    let mut hashes = BTreeSet::new();
    for ((allowed, denied), who) in &by_reach {
        let mut hash = short_hash(&allowed.join(" "));
        // Who may call the same and is denied something else beside it has a statement of another `Sid`.
        if !hashes.insert(hash.clone()) {
            hash = short_hash(&[allowed.as_slice(), denied].concat().join(" "));
        }
        let base =
            Statement::allow("", Clause::of(["execute-api:Invoke"])).on(allowed.iter().cloned());
        statements_for(
            who,
            &base,
            |it| draft.sid(&format!("invoke {hash} {it}")),
            &mut statements,
        );
        if !denied.is_empty() {
            let mut base =
                Statement::allow("", Clause::of(["execute-api:Invoke"])).on(denied.iter().cloned());
            base.effect = Effect::Deny;
            statements_for(
                who,
                &base,
                |it| draft.sid(&format!("invoke {hash} not {it}")),
                &mut statements,
            );
        }
    }
    if api.endpoint == Endpoint::Private && !api.vpc_endpoints.is_empty() {
        let mut fence = Statement::allow(
            draft.sid("only through endpoints"),
            Clause::of(["execute-api:Invoke"]),
        )
        .to(PrincipalClause::anyone())
        .on(["execute-api:/*"])
        .when(
            "StringNotEquals",
            "aws:SourceVpce",
            api.vpc_endpoints.iter().cloned(),
        );
        fence.effect = Effect::Deny;
        statements.push(fence);
    }
    let address = Address::new(KindName::RestApi, name);
    statements.extend(draft.written(&address, "execute-api:/*", api.tls_only));
    // Once there is a policy, a method without authorizer needs its leave too: AWS asks the policy alone then.
    let mut public = open_routes(draft.stack, name);
    public.retain(|it| {
        draft
            .ruled
            .get(name)
            .is_none_or(|ruled| !ruled.contains(it))
    });
    if !public.is_empty() && (!statements.is_empty() || api.endpoint == Endpoint::Private) {
        statements.push(
            Statement::allow(draft.sid("public"), Clause::of(["execute-api:Invoke"]))
                .to(PrincipalClause::anyone())
                .on(api::invoke_resources(&api.stage.name, &public))
                // A `*` in a public route reaches signed routes below it as well: there, whoever
                // calls has an ARN, and this is not for them.
                .when("Null", "aws:PrincipalArn", ["true"]),
        );
    }
    statements
}

/// The role an API's integrations use, where the author names none and one is needed.
/// The ARN of the role that is made for the routes of an API.
fn integration_role_arn(draft: &Draft<'_>, api: &str, place: &Place) -> Arn {
    let name = role_name(&[&draft.stack.name, api, "integration"]);
    Arn::role(place, &role_path(draft), &name)
}

/// Has queues of other accounts let in the roles under which routes send to them: what those are allowed is not enough there.
pub(super) fn let_integrations_send(draft: &mut Draft<'_>) {
    let stack = draft.stack;
    for (name, api) in &stack.apis {
        let place = draft.place(&api.account);
        let far =
            |(queue, _): &(&String, _)| stack.queues[*queue].arn.account() != place.id.as_str();
        for (queue, role) in api.sends_to().filter(far) {
            let arn = match role {
                Some(RoleRef::Stack(role)) => stack.roles[role].arn.clone(),
                Some(RoleRef::Arn(arn)) => arn.clone(),
                None => integration_role_arn(draft, name, &place),
            };
            let users = draft.queue_users.entry(queue.clone()).or_default();
            let senders = users.entry(QueueUse::Send).or_default();
            senders.insert(Who::Role(arn));
        }
    }
}

fn integration_role(
    draft: &mut Draft<'_>,
    name: &str,
    api: &stack::Api,
    place: &Place,
) -> Option<(Address, Arn)> {
    if api.credentials.is_some() {
        return None;
    }
    let stack = draft.stack;
    let mut identity = Identity::default();
    for (action, resource) in api::integration_needs(api, |it| draft.queue_arn(it)) {
        identity.allow(action, [resource]);
    }
    let queues = keys::queues_of_integrations(api);
    for key in queues.iter().filter_map(|it| draft.keys.get(it)) {
        identity.allow_key(&SENDING, key);
    }
    let statements = identity.statements(|it| draft.sid(it));
    if statements.is_empty() {
        return None;
    }
    let key = format!("{name}-integration");
    let arn = integration_role_arn(draft, name, place);
    if stack.roles.contains_key(&key) {
        draft.faults.push(LowerFault {
            message: format!(
                "a role of this stack is called `{key}` already, as the role of the integrations of `apis.{name}` \
                 would be; write `credentials = \"roles.{key}\"` to use it, or rename it"
            ),
            written_at: None,
        });
        return None;
    }
    let who = BTreeSet::from([Who::Service("apigateway.amazonaws.com".to_owned())]);
    let placed = roles::place(&stack.name, arn.name(), BTreeMap::new(), statements);
    let resource = Role {
        arn: arn.clone(),
        path: role_path(draft),
        trust: trust_policy(&stack.name, &draft.passed_on, place, &who, None),
        inline: placed.inline,
        managed: placed.managed,
        attached: BTreeSet::new(),
        boundary: draft.boundary(place),
        description: format!("Integrations of api {name} of stack {}", stack.name),
        max_session: DEFAULT_SESSION,
        tags: stack.tags.clone(),
    };
    let address = role_address(&key);
    let want = draft.want(address.clone(), place.clone(), Resource::Role(resource));
    want.exclusive = true;
    want.because = Some(format!("apis.{name} calls its backends with it"));
    for queue in queues {
        let who = BTreeSet::from([Who::Role(arn.clone())]);
        keys::note_use(
            draft,
            &queue,
            &who,
            &format!("apis.{name}"),
            "send to",
            &SENDING,
        );
    }
    Some((address, arn))
}
