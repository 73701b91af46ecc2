//! The session policies of a run: what of the role that enters an account is left to it.
//!
//! STS takes a policy with `AssumeRole`, and the session may do what both the role and that policy allow. So no session policy
//! lets a run do more, however wide its resources are written. A run has two in turn: one to read with, and one to carry out its
//! plan with, made of the plan's steps and calls.
//!
//! STS takes 2,048 characters. Where the resources by their names are more, those of one kind are named by what their names
//! begin with in common, then by account and region alone, and then actions that read, or are not IAM's, by their first word. A
//! policy that is longer still is refused.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session> and
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.

use std::collections::{BTreeMap, BTreeSet};

use super::{Granted, document_of, when};
use crate::cloud::permission::{BOUNDARY, Need, On, POLICY_ARN};
use crate::cloud::{CallType, Request, Service};
use crate::kinds::{Resource, Role};
use crate::model::{AccountId, Place, lease, tags};
use crate::plan::{Action, Plan, Step};
use crate::policy::document::Conditions;
use crate::policy::patterns::Pattern;
use crate::policy::{Clause, Document, Statement};

/// How many characters a session policy may have.
pub const LONGEST: usize = 2048;

/// A session policy that STS would not take, however wide it names its resources.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the session policy for account {account} would have {length} of {LONGEST} characters, for the plan changes too many kinds of \
     resources there at once; go without `--session-policy`, or apply the stack in parts"
)]
pub struct TooLong {
    /// The account.
    pub account: AccountId,
    /// The length.
    pub length: usize,
}

/// Returns the policy of a session that only reads.
#[must_use]
pub fn reading() -> Document {
    document_of(reads(&|_| true))
}

/// Returns the policies of the sessions that carry out a plan, for the accounts in which anything is written.
///
/// Each step may send every call by which its resource is made, changed or removed as the step does it, for what a lost answer
/// leaves to be done is known only then. `calls` are those that the plan is known to make. `lease` is where the stack's lease is.
pub fn writing(
    stack: &str,
    plan: Option<&Plan>,
    calls: &[(Place, Request)],
    lease: Option<&Place>,
) -> Result<BTreeMap<AccountId, Document>, TooLong> {
    let mut accounts: BTreeMap<AccountId, Granted> = BTreeMap::new();
    for step in plan.into_iter().flat_map(Plan::to_do) {
        let granted = accounts.entry(step.place.id.clone()).or_default();
        of_step(stack, plan, step, granted);
    }
    if let Some(at) = lease {
        let granted = accounts.entry(at.id.clone()).or_default();
        for need in needs(|it| it.service == Service::Iam).filter(|it| it.on == On::Policy) {
            let key = (Conditions::new(), need.action);
            let arn = lease::arn(stack, at).to_string();
            granted.entry(key).or_default().insert(arn);
        }
    }
    for (place, request) in calls.iter().filter(|(_, it)| it.writes()) {
        let granted = accounts.entry(place.id.clone()).or_default();
        of_call(plan, place, request, granted);
    }
    let fitting = accounts.into_iter().filter(|(_, it)| !it.is_empty());
    fitting
        .map(|(id, it)| Ok((id.clone(), fitted(id, &it)?)))
        .collect()
}

/// What every call that reads needs, on everything.
fn reads(is_used: &dyn Fn(Service) -> bool) -> Granted {
    let types = CallType::ALL.iter().filter(|it| !it.writes);
    let needs = types
        .filter(|it| is_used(it.service))
        .flat_map(|it| it.needs);
    let key = |it: &Need| (Conditions::new(), it.action);
    needs
        .map(|it| (key(it), BTreeSet::from(["*".to_owned()])))
        .collect()
}

/// What calls that write need, of those that are meant.
fn needs(is_meant: impl Fn(&CallType) -> bool) -> impl Iterator<Item = Need> {
    let types = CallType::ALL.iter().filter(|it| it.writes);
    let meant = types.filter(move |it| is_meant(it));
    meant.flat_map(|it| it.needs.iter().copied())
}

/// Whether a step may send calls of a type.
fn may_send(step: &Step, call: &CallType) -> bool {
    let (makes, removes) = makes_or_removes(step);
    match call.action {
        "CreateRole" | "CreateTopic" | "CreateQueue" | "CreateRestApi" | "Subscribe" => makes,
        "DeleteRole" | "DeleteTopic" | "DeleteQueue" | "Unsubscribe" => removes,
        // Of two APIs that two runs made at once, one goes.
        "DeleteRestApi" => removes || makes,
        action if step.action == Action::Delete => {
            action.starts_with("Delete") || action.starts_with("Detach")
        }
        _ => true,
    }
}

fn makes_or_removes(step: &Step) -> (bool, bool) {
    match step.action {
        Action::Create => (true, false),
        Action::Delete => (false, true),
        Action::Replace => (true, true),
        Action::Keep | Action::Update => (false, false),
    }
}

/// Adds what a step needs.
fn of_step(stack: &str, plan: Option<&Plan>, step: &Step, granted: &mut Granted) {
    let wanted = step.want.as_ref().map(|it| &it.resource);
    let found = step.have.as_ref().map(|it| &it.resource);
    let both = || wanted.into_iter().chain(found);
    let place = &step.place;
    let front = format!("arn:{}:apigateway:{}::", place.partition(), place.region);
    for call in CallType::ALL
        .iter()
        .filter(|it| it.writes && may_send(step, it))
    {
        for need in call.needs {
            let mut conditions = Conditions::new();
            let resources: BTreeSet<String> = match (need.on, wanted.or(found)) {
                (On::Role, Some(Resource::Role(_))) => {
                    let Some(agreed) = of_role(stack, wanted, need.action, place) else {
                        continue;
                    };
                    conditions = agreed;
                    let roles = both().filter_map(|it| match it {
                        Resource::Role(role) => Some(role.arn.to_string()),
                        _ => None,
                    });
                    roles.collect()
                }
                (On::Policy, Some(Resource::Role(_))) => {
                    let full =
                        |it: &Resource| matches!(it, Resource::Role(it) if !it.managed.is_empty());
                    let path = overflow(stack, place);
                    both().any(full).then_some(path).into_iter().collect()
                }
                (On::Topic, Some(Resource::Topic(it))) => [it.arn.to_string()].into(),
                (On::Queue, Some(Resource::Queue(it))) => [it.arn.to_string()].into(),
                (On::Key, Some(Resource::Key(it))) => [it.arn.to_string()].into(),
                (On::SubscribedTopic, Some(Resource::Subscription(it))) => {
                    [it.topic.to_string()].into()
                }
                (On::All, Some(Resource::Subscription(_))) if call.service == Service::Sns => {
                    ["*".to_owned()].into()
                }
                (On::NewApi, Some(Resource::RestApi(_))) if need.action == "apigateway:POST" => {
                    let key = format!("aws:RequestTag/{}", tags::STACK);
                    conditions = when("StringEquals", &key, [stack]);
                    [format!("{front}/restapis")].into()
                }
                (On::Api | On::ApiTags, Some(it @ (Resource::RestApi(_) | Resource::Stage(_)))) => {
                    let id = id_of(plan, step, it);
                    if id.is_none() && need.on == On::Api {
                        let key = format!("aws:ResourceTag/{}", tags::STACK);
                        conditions = when("StringEquals", &key, [stack]);
                    }
                    let (makes, removes) = makes_or_removes(step);
                    match (need.on, id) {
                        (On::ApiTags, Some(id)) => {
                            [format!("{front}/tags/*%2Frestapis%2F{id}*")].into()
                        }
                        (On::ApiTags, None) => [format!("{front}/tags/*")].into(),
                        (_, None) => [format!("{front}/restapis/*")].into(),
                        (_, Some(id)) => {
                            let whole = need.action != "apigateway:DELETE"
                                || (makes || removes) && matches!(it, Resource::RestApi(_));
                            let whole = whole.then(|| format!("{front}/restapis/{id}"));
                            whole
                                .into_iter()
                                .chain([format!("{front}/restapis/{id}/*")])
                                .collect()
                        }
                    }
                }
                _ => continue,
            };
            if !resources.is_empty() {
                granted
                    .entry((conditions, need.action))
                    .or_default()
                    .extend(resources);
            }
        }
    }
}

/// Under which conditions a step on a role may take an action; `None` where it may not.
fn of_role(stack: &str, wanted: Option<&Resource>, action: &str, at: &Place) -> Option<Conditions> {
    let role: Option<&Role> = wanted.and_then(|it| match it {
        Resource::Role(role) => Some(role),
        _ => None,
    });
    let boundary = role.and_then(|it| it.boundary.as_ref());
    match (action, boundary) {
        ("iam:AttachRolePolicy", _) => {
            let mut attached: BTreeSet<String> = role?.attached.clone().into_iter().collect();
            attached.extend((!role?.managed.is_empty()).then(|| overflow(stack, at)));
            (!attached.is_empty()).then(|| when("ArnLike", POLICY_ARN, attached))
        }
        ("iam:CreateRole" | "iam:PutRolePermissionsBoundary", Some(boundary)) => {
            Some(when("StringEquals", BOUNDARY, [boundary]))
        }
        ("iam:PutRolePermissionsBoundary", None) => None,
        // A role that has one keeps it.
        ("iam:DeleteRolePermissionsBoundary", boundary) => boundary.is_none().then(Conditions::new),
        _ => Some(Conditions::new()),
    }
}

/// The managed policies that full roles of a stack overflow into.
fn overflow(stack: &str, at: &Place) -> String {
    format!(
        "arn:{}:iam::{}:policy/provision/{stack}/*",
        at.partition(),
        at.id
    )
}

/// The id of a step's API, once AWS has chosen it.
fn id_of(plan: Option<&Plan>, step: &Step, resource: &Resource) -> Option<String> {
    let known = |step: &Step| {
        let found = step
            .have
            .as_ref()
            .filter(|_| step.action != Action::Replace);
        found.map(|it| it.id.clone())
    };
    match resource {
        Resource::RestApi(api) => api.existing.clone().or_else(|| known(step)),
        Resource::Stage(stage) => {
            let mut all = plan.into_iter().flat_map(|it| &it.steps);
            let api = all.find(|it| it.address == stage.api)?;
            let wanted = api.want.as_ref().map(|it| &it.resource);
            let existing = wanted.and_then(|it| match it {
                Resource::RestApi(api) => api.existing.clone(),
                _ => None,
            });
            existing.or_else(|| known(api))
        }
        _ => None,
    }
}

/// Adds what a call needs and no step has.
fn of_call(plan: Option<&Plan>, place: &Place, request: &Request, granted: &mut Granted) {
    let path = |name: &str| {
        let steps = plan.into_iter().flat_map(|it| &it.steps);
        let of = |it: &Resource| match it {
            Resource::Role(role)
                if role.arn.name() == name && role.arn.account() == place.id.as_str() =>
            {
                Some(role.path.clone())
            }
            _ => None,
        };
        steps
            .flat_map(|it| {
                let want = it.want.as_ref().map(|it| &it.resource);
                want.into_iter()
                    .chain(it.have.as_ref().map(|it| &it.resource))
            })
            .find_map(of)
    };
    for asked in request.asks(place, &path) {
        let is_later = asked.resource.contains("/restapis/later");
        let covers = |all: &BTreeSet<String>| {
            all.iter()
                .any(|it| *it == asked.resource || Pattern::of(it).matches(&asked.resource))
        };
        let is_there = granted
            .iter()
            .any(|((_, action), all)| *action == asked.action && covers(all));
        if is_there || is_later {
            continue;
        }
        let mut conditions = Conditions::new();
        for (key, values) in asked.context {
            let equals = conditions.entry("StringEquals".to_owned()).or_default();
            equals.insert(key, values);
        }
        let of = granted.entry((conditions, asked.action)).or_default();
        of.insert(asked.resource);
    }
}

/// How widely resources are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    /// Each by its name.
    Names,
    /// Those of one kind by what their names begin with in common.
    Beginnings,
    /// By account and region alone.
    Places,
    /// The same, and actions that read, or are not IAM's, by their first word.
    Verbs,
}

/// Names the actions of a statement by their first word: `sns:Get*`. Those by which IAM writes stay: each may do much more
/// than another that begins with the same word.
fn by_verbs(statement: &mut Statement) {
    let shortened = statement.action.values.iter().map(|action| {
        let Some((service, name)) = action.split_once(':') else {
            return action.clone();
        };
        let end = name
            .char_indices()
            .skip(1)
            .find(|(_, it)| it.is_ascii_uppercase());
        let verb = end.map_or(name, |(at, _)| &name[..at]);
        let reads = matches!(verb, "Get" | "List" | "Describe");
        let whole = (service == "iam" && !reads) || name.chars().all(|it| it.is_ascii_uppercase());
        if whole {
            action.clone()
        } else {
            format!("{service}:{verb}*")
        }
    });
    let shortened: BTreeSet<String> = shortened.collect();
    statement.action = Clause::of(shortened);
}

/// Returns what is granted as a policy that STS takes, its resources named as narrowly as it fits.
fn fitted(account: AccountId, granted: &Granted) -> Result<Document, TooLong> {
    let services: BTreeSet<&str> = granted
        .keys()
        .filter_map(|(_, action)| action.split(':').next())
        .collect();
    let is_used = |it: Service| {
        it == Service::Iam || it == Service::Tagging || services.contains(it.prefix())
    };
    let mut length = 0;
    for width in [Width::Names, Width::Beginnings, Width::Places, Width::Verbs] {
        let mut all = reads(&is_used);
        for ((conditions, action), resources) in granted {
            let of = all.entry((conditions.clone(), *action)).or_default();
            of.extend(widened(resources, width));
        }
        let mut document = document_of(all);
        if width == Width::Verbs {
            document.statements.iter_mut().for_each(by_verbs);
        }
        length = document.to_value().to_string().len();
        if length <= LONGEST {
            return Ok(document);
        }
    }
    Err(TooLong { account, length })
}

/// What stands in an ARN before the name: up to the kind of resource.
fn front(arn: &str) -> String {
    let mut parts = arn.splitn(6, ':');
    let head: Vec<&str> = parts.by_ref().take(5).collect();
    let rest = parts.next().unwrap_or_default();
    let kind = match rest.trim_start_matches('/').split_once('/') {
        Some((kind, _)) if rest.starts_with('/') => format!("/{kind}/"),
        Some((kind, _)) => format!("{kind}/"),
        None => String::new(),
    };
    format!("{}:{kind}", head.join(":"))
}

fn widened(resources: &BTreeSet<String>, width: Width) -> BTreeSet<String> {
    let mut kinds: BTreeMap<String, Vec<&String>> = BTreeMap::new();
    for it in resources {
        kinds.entry(front(it)).or_default().push(it);
    }
    let mut found = BTreeSet::new();
    for (front, all) in kinds {
        let alone = all.len() == 1 || width == Width::Names || !front.starts_with("arn:");
        match width {
            _ if alone => found.extend(all.into_iter().cloned()),
            Width::Places | Width::Verbs => {
                found.insert(format!("{front}*"));
            }
            Width::Names | Width::Beginnings => {
                let common = all[0].char_indices().map(|(at, it)| at + it.len_utf8());
                let common =
                    common.take_while(|end| all.iter().all(|it| it.starts_with(&all[0][..*end])));
                let end = common.last().unwrap_or_default();
                found.insert(format!("{}*", all[0][..end].trim_end_matches('*')));
            }
        }
    }
    found
}
