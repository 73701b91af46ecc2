//! Who gains and who loses, in words: a plan begins with it.
//!
//! Read off the documents at the target's side, as they are and as they will
//! be: a resource policy that lets somebody in, an access role with those who
//! may assume it, a subscription.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, Step};
use crate::kinds::role::inline_prefix;
use crate::kinds::{Resource, Role, pending_id};
use crate::lower::Desired;
use crate::model::{Address, Arn};
use crate::policy::{Effect, Principals, Statement};

/// Somebody who may do something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Who: an address of the stack, or the principal as AWS writes it.
    pub who: String,
    /// What: `publish to`, `call POST /orders of`, `receive from`.
    pub may: String,
    /// On what.
    pub target: String,
    /// By which mechanism.
    pub via: &'static str,
}

/// A change in who may do what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccessChange {
    /// Gained, or lost.
    pub gained: bool,
    /// Who and what.
    pub edge: Edge,
    /// Why by that mechanism, where the engine chose it.
    pub why: Option<String>,
}

/// Names for ARNs.
struct Names(BTreeMap<String, String>);

impl Names {
    fn of<'a>(resources: impl Iterator<Item = (&'a Address, &'a Resource)>) -> Self {
        let names = resources.filter_map(|(address, resource)| {
            let arn = match resource {
                Resource::Role(it) => it.arn.to_string(),
                Resource::Topic(it) => it.arn.to_string(),
                Resource::Queue(it) => it.arn.to_string(),
                Resource::Subscription(_) | Resource::RestApi(_) | Resource::Stage(_) => {
                    return None;
                }
            };
            Some((arn, address.to_string()))
        });
        Self(names.collect())
    }

    fn name(&self, arn: &str) -> String {
        self.0.get(arn).cloned().unwrap_or_else(|| arn.to_owned())
    }
}

/// Who gains and who loses by these steps.
pub(super) fn changes(desired: &Desired, steps: &[Step]) -> Vec<AccessChange> {
    let wanted = desired
        .wants
        .iter()
        .map(|(address, want)| (address, &want.resource));
    let found = steps
        .iter()
        .filter_map(|it| Some((&it.address, &it.have.as_ref()?.resource)));
    let mut names = Names::of(found.chain(wanted));
    names.0.extend(desired.theirs.clone());
    let outward = Outward::of_steps(steps);
    let before: BTreeSet<Edge> = steps
        .iter()
        .filter_map(|it| Some((it, it.have.as_ref()?)))
        // What is on an unmarked role is another's, and stays when the role is taken over.
        .filter(|(_, have)| have.mark.is_some() || !matches!(have.resource, Resource::Role(_)))
        .map(|(step, have)| (step, &have.resource))
        .flat_map(|(step, resource)| edges(&step.address, resource, &names))
        .chain(outward.of(desired, steps, |it| Some(&it.have.as_ref()?.resource)))
        .collect();
    let after: BTreeSet<Edge> = steps
        .iter()
        .filter_map(|it| match (&it.want, it.action) {
            (Some(want), _) => Some((it, &want.resource)),
            (None, Action::Keep) => Some((it, &it.have.as_ref()?.resource)),
            (None, _) => None,
        })
        .flat_map(|(step, resource)| edges(&step.address, resource, &names))
        .chain(outward.of(desired, steps, |it| Some(&it.want.as_ref()?.resource)))
        .collect();
    let chosen: BTreeMap<(&String, String), &String> = desired
        .grants
        .iter()
        .filter_map(|it| Some(((&it.who, it.target.to_string()), it.why.as_ref()?)))
        .collect();
    let why = |it: &Edge| {
        chosen
            .get(&(&it.who, it.target.clone()))
            .map(|it| (*it).clone())
    };
    let gained = after.difference(&before).map(|it| AccessChange {
        gained: true,
        edge: it.clone(),
        why: why(it),
    });
    let lost = before.difference(&after).map(|it| AccessChange {
        gained: false,
        edge: it.clone(),
        why: None,
    });
    gained.chain(lost).collect()
}

/// What roles of the stack are let do elsewhere: their half of what others offer.
struct Outward {
    /// What resources of the stack begin with in policies.
    own: Vec<String>,
}

impl Outward {
    fn of_steps(steps: &[Step]) -> Self {
        let mut own = Vec::new();
        for step in steps {
            let want = step.want.as_ref().map(|it| &it.resource);
            let have = step.have.as_ref().map(|it| &it.resource);
            for resource in want.into_iter().chain(have) {
                match resource {
                    Resource::Role(it) => own.push(it.arn.to_string()),
                    Resource::Topic(it) => own.push(it.arn.to_string()),
                    Resource::RestApi(_) => {
                        let ids = step.have.iter().map(|it| it.id.clone());
                        for id in ids.chain([pending_id(&step.address)]) {
                            let arn = Arn::regional(&step.place, "execute-api", &id);
                            own.push(format!("{arn}/"));
                        }
                    }
                    Resource::Queue(_) | Resource::Subscription(_) | Resource::Stage(_) => {}
                }
            }
        }
        Self { own }
    }

    fn is_own(&self, resource: &str) -> bool {
        self.own
            .iter()
            .any(|it| it == resource || (it.ends_with('/') && resource.starts_with(it)))
    }

    /// What roles may do elsewhere, by one side of each step.
    fn of<'a>(
        &self,
        desired: &Desired,
        steps: &'a [Step],
        side: impl Fn(&'a Step) -> Option<&'a Resource>,
    ) -> Vec<Edge> {
        let policy = format!("{}access", inline_prefix(&desired.stack));
        let mut found = Vec::new();
        for step in steps {
            let Some(Resource::Role(role)) = side(step) else {
                continue;
            };
            let statements = role
                .inline
                .get(&policy)
                .into_iter()
                .flat_map(|it| &it.statements);
            let allowed: BTreeSet<(&str, &str)> = statements
                .flat_map(|it| {
                    let on = it.resource.iter().flat_map(|it| &it.values);
                    on.flat_map(|on| it.action.values.iter().map(|it| (it.as_str(), on.as_str())))
                })
                .filter(|(_, on)| !self.is_own(on))
                .collect();
            let mut told = BTreeSet::new();
            for it in desired.claims.iter().filter(|it| it.from == step.address) {
                let parts: Vec<_> = it
                    .resources
                    .iter()
                    .map(|on| (it.action, on.as_str()))
                    .collect();
                if !parts.is_empty() && parts.iter().all(|it| allowed.contains(it)) {
                    told.extend(parts);
                    found.push(Edge {
                        who: step.address.to_string(),
                        may: it.may.clone(),
                        target: it.target.clone(),
                        via: "contract, as far as this stack goes",
                    });
                }
            }
            for (action, on) in allowed.difference(&told) {
                let may = match *action {
                    "sts:AssumeRole" => "assume",
                    "execute-api:Invoke" => "call",
                    "sns:Publish" => "publish to",
                    _ => continue,
                };
                found.push(Edge {
                    who: step.address.to_string(),
                    may: may.to_owned(),
                    target: (*on).to_owned(),
                    via: "its own policy, as far as this stack goes",
                });
            }
        }
        found
    }
}

/// What a resource lets whom do.
fn edges(address: &Address, resource: &Resource, names: &Names) -> Vec<Edge> {
    match resource {
        Resource::Topic(topic) => statements_that_allow(&topic.policy.statements, "sns:publish")
            .flat_map(|it| who(it, names))
            .map(|who| Edge {
                who,
                may: "publish to".to_owned(),
                target: address.to_string(),
                via: "resource policy",
            })
            .collect(),
        Resource::RestApi(api) => {
            let mut found = Vec::new();
            for statement in statements_that_allow(&api.policy.statements, "execute-api:invoke") {
                let resources = statement.resource.iter().flat_map(|it| &it.values);
                let routes: Vec<String> = resources.filter_map(|it| route(it)).collect();
                for who in who(statement, names) {
                    for route in &routes {
                        let may = format!("call {route} of");
                        found.push(Edge {
                            who: who.clone(),
                            may,
                            target: address.to_string(),
                            via: "resource policy",
                        });
                    }
                }
            }
            found
        }
        Resource::Role(role) => access_role_edges(role, names),
        Resource::Subscription(it) => vec![Edge {
            who: names.name(it.queue.as_str()),
            may: "receive from".to_owned(),
            target: names.name(it.topic.as_str()),
            via: "subscription",
        }],
        Resource::Queue(_) | Resource::Stage(_) => Vec::new(),
    }
}

fn statements_that_allow<'a>(
    statements: &'a [Statement],
    action: &'a str,
) -> impl Iterator<Item = &'a Statement> {
    statements.iter().filter(move |it| {
        it.effect == Effect::Allow
            && !it.action.negated
            && it.action.values.len() == 1
            && it
                .action
                .values
                .iter()
                .any(|it| it.eq_ignore_ascii_case(action))
    })
}

/// Who may assume an access role, and what that lets them do.
fn access_role_edges(role: &Role, names: &Names) -> Vec<Edge> {
    let Some(((), target)) = role
        .description
        .strip_prefix("Access to ")
        .and_then(|it| Some(((), it.split(' ').next()?)))
    else {
        return Vec::new();
    };
    let callers: Vec<String> = role
        .trust
        .statements
        .iter()
        .filter(|it| it.effect == Effect::Allow)
        .flat_map(|it| who(it, names))
        .collect();
    let mut found = Vec::new();
    let allowing = |it: &&Statement| it.effect == Effect::Allow;
    let statements = role.inline.values().flat_map(|it| &it.statements);
    for statement in statements.filter(allowing) {
        for resource in statement.resource.iter().flat_map(|it| &it.values) {
            let may = match statement.action.values.first().map(String::as_str) {
                Some("sns:Publish") => "publish to".to_owned(),
                Some("execute-api:Invoke") => match resource
                    .split_once('/')
                    .and_then(|(_, path)| route(&format!("execute-api:/{path}")))
                {
                    Some(route) => format!("call {route} of"),
                    None => continue,
                },
                _ => continue,
            };
            for who in &callers {
                found.push(Edge {
                    who: who.clone(),
                    may: may.clone(),
                    target: target.to_owned(),
                    via: "assume role",
                });
            }
        }
    }
    found
}

/// Whom a statement speaks of.
fn who(statement: &Statement, names: &Names) -> Vec<String> {
    let conditions: Vec<String> = statement
        .conditions
        .values()
        .flat_map(|keys| keys.iter())
        .filter(|(key, values)| {
            let unsigned = key.eq_ignore_ascii_case("aws:PrincipalArn")
                && values.iter().any(|it| it == "true");
            !key.eq_ignore_ascii_case("sts:ExternalId") && !unsigned
        })
        .flat_map(|(_, values)| values.iter().cloned())
        .collect();
    let base: Vec<String> = match statement.principal.as_ref().map(|it| &it.principals) {
        None => Vec::new(),
        Some(Principals::Anyone) => vec!["anyone".to_owned()],
        Some(Principals::Of(types)) => types.values().flatten().map(|it| names.name(it)).collect(),
    };
    let exactly = |it: &String| it.contains(":role/") && !it.contains(['*', '?']);
    if conditions.is_empty() {
        base
    } else if base.iter().all(|it| it.ends_with(":root")) && conditions.iter().all(exactly) {
        // An account's root with these roles named beside it is these roles.
        conditions.iter().map(|it| names.name(it)).collect()
    } else {
        base.into_iter()
            .map(|it| format!("{it} ({})", conditions.join(", ")))
            .collect()
    }
}

/// `POST /orders`, of `execute-api:/stage/POST/orders`.
fn route(resource: &str) -> Option<String> {
    let rest = resource.strip_prefix("execute-api:/")?;
    let mut parts = rest.splitn(3, '/');
    let (_, method, path) = (
        parts.next()?,
        parts.next()?,
        parts.next().unwrap_or_default(),
    );
    Some(format!("{method} /{path}"))
}
