//! Who may do what by the documents of a resource, each as one edge.

use std::collections::{BTreeMap, BTreeSet};

use super::Step;
use super::documents::{INLINE, POLICY, Pair, TRUST};
use crate::kinds::Resource;
use crate::kinds::rest_api::method::{self, Method};
use crate::lower::Desired;
use crate::model::{Address, KindName};
use crate::policy::own::is_ghost;
use crate::policy::patterns::Pattern;
use crate::policy::{Effect, Principals, Statement};
use crate::stack::RouteKey;

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

impl Edge {
    /// The route of a call.
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        self.may.strip_prefix("call ")?.strip_suffix(" of")
    }

    /// Whether this lets the same one do all that another does, by whatever mechanism.
    pub(super) fn covers(&self, other: &Self) -> bool {
        if self.who != other.who || self.target != other.target {
            return false;
        }
        match (self.route(), other.route()) {
            (Some(own), Some(other)) => Pattern::of(own).matches(other),
            (None, None) => self.may == other.may,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
}

/// Returns the callers without a signature that a step cuts off, because a route that stays gets `AWS_IAM`.
pub(super) fn closed(step: &Step) -> Vec<Edge> {
    let (Some(want), Some(have)) = (&step.want, &step.have) else {
        return Vec::new();
    };
    let (Resource::RestApi(api), Resource::RestApi(live)) = (&want.resource, &have.resource) else {
        return Vec::new();
    };
    let after = api.methods_after(Some(have));
    let closed = live.methods.iter().filter(|(key, method)| {
        let now = after.get(*key).map(|it| it.authorization.as_str());
        method.authorization != method::AWS_IAM && now == Some(method::AWS_IAM)
    });
    let edge = |(key, method): (&RouteKey, &Method)| Edge {
        who: if method.authorization == method::NONE {
            "anyone, without signing,".to_owned()
        } else {
            format!("whoever the authorizer ({}) lets in", method.authorization)
        },
        may: format!("call {key} of"),
        target: step.address.to_string(),
        via: "the route's authorizer",
    };
    closed.map(edge).collect()
}

/// Returns the callers without a signature of an API that has no policy yet: without one, such a route needs no statement.
pub(super) fn unruled(step: &Step) -> Vec<Edge> {
    let Some(Resource::RestApi(live)) = step.have.as_ref().map(|it| &it.resource) else {
        return Vec::new();
    };
    let unsigned = live
        .methods
        .iter()
        .filter(|(_, it)| it.authorization != method::AWS_IAM);
    let unruled = unsigned.filter(|_| live.policy.statements.is_empty());
    let edge = |(key, _): (&RouteKey, &Method)| Edge {
        who: "anyone".to_owned(),
        may: format!("call {key} of"),
        target: step.address.to_string(),
        via: "resource policy",
    };
    unruled.map(edge).collect()
}

/// Names for ARNs, and for what stands for an API in an ARN.
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    /// The names of everything in the stack, and of what it uses of others.
    pub(super) fn of(desired: &Desired, steps: &[Step]) -> Self {
        let mut names = Self::of_steps(steps);
        names.0.extend(desired.theirs.clone());
        // What is in an account that is not entered has no step, and a name all the same.
        for (address, want) in &desired.wants {
            let Some(arn) = want.resource.arn() else {
                continue;
            };
            names
                .0
                .entry(arn.to_string())
                .or_insert_with(|| address.to_string());
        }
        names
    }

    pub(super) fn of_steps(steps: &[Step]) -> Self {
        let mut names = BTreeMap::new();
        for step in steps {
            let want = step.want.as_ref().map(|it| &it.resource);
            let have = step.have.as_ref().map(|it| &it.resource);
            for resource in have.into_iter().chain(want) {
                let arn = match (resource, resource.arn()) {
                    (_, Some(arn)) => arn.to_string(),
                    (Resource::RestApi(it), None) => {
                        names.extend(it.existing.clone().map(|id| (id, step.address.to_string())));
                        step.address.to_string()
                    }
                    (_, None) => continue,
                };
                names.insert(arn, step.address.to_string());
            }
            if step.address.kind == KindName::RestApi
                && let Some(have) = &step.have
            {
                names.insert(have.id.clone(), step.address.to_string());
            }
        }
        Self(names)
    }

    pub(super) fn name(&self, arn: &str) -> String {
        self.0.get(arn).cloned().unwrap_or_else(|| arn.to_owned())
    }

    /// The API of a resource of `execute-api`, and the route.
    fn call(&self, resource: &str) -> Option<(String, String)> {
        let (head, path) = resource.split_once('/')?;
        let id = head.splitn(6, ':').nth(5)?;
        let mut parts = path.splitn(3, '/');
        let (_, method, path) = (
            parts.next()?,
            parts.next().unwrap_or("*"),
            parts.next().unwrap_or_default(),
        );
        let api = self
            .0
            .get(id)
            .cloned()
            .unwrap_or_else(|| format!("api {id}"));
        Some((api, format!("{method} /{path}")))
    }
}

/// What a step's resource lets whom do, before or after it.
pub(super) fn edges(
    step: &Step,
    pairs: &[Pair],
    names: &Names,
    beside: bool,
    after: bool,
) -> Vec<Edge> {
    let of = |document: &str| {
        let pair = pairs.iter().find(|it| it.document == document)?;
        if after {
            pair.after.as_ref()
        } else {
            pair.before.as_ref()
        }
    };
    let statements = |document: &str| {
        of(document)
            .into_iter()
            .flat_map(|it| &it.statements)
            .filter(|it| it.effect == Effect::Allow)
    };
    match step.address.kind {
        KindName::Topic | KindName::Queue | KindName::RestApi => statements(POLICY)
            .flat_map(|statement| {
                let deeds = deeds(statement, Some(&step.address), names);
                let own = format!("arn:{}:iam::{}:root", step.place.partition(), step.place.id);
                who(statement, names, &own)
                    .into_iter()
                    .flat_map(move |who| {
                        deeds.clone().into_iter().map(move |(may, target)| Edge {
                            who: who.clone(),
                            may,
                            target,
                            via: "resource policy",
                        })
                    })
            })
            .collect(),
        KindName::Role => {
            // A role that is there for others lets in whom it trusts, services too.
            let callers: BTreeSet<String> = statements(TRUST)
                .filter(|it| beside || of_accounts(it))
                .flat_map(|it| who(it, names, ""))
                .collect();
            statements(INLINE)
                .flat_map(|it| deeds(it, None, names))
                .flat_map(|(may, target)| {
                    callers.iter().map(move |who| Edge {
                        who: who.clone(),
                        may: may.clone(),
                        target: target.clone(),
                        via: "assume role",
                    })
                })
                .collect()
        }
        KindName::Subscription => {
            let resource = if after {
                step.want.as_ref().map(|it| &it.resource)
            } else {
                step.have.as_ref().map(|it| &it.resource)
            };
            match resource {
                Some(Resource::Subscription(it)) => vec![Edge {
                    who: names.name(it.queue.as_str()),
                    may: "receive from".to_owned(),
                    target: names.name(it.topic.as_str()),
                    via: "subscription",
                }],
                _ => Vec::new(),
            }
        }
        // By itself a key lets nobody do anything: what it encrypts is where access comes and goes.
        KindName::Key | KindName::Stage => Vec::new(),
    }
}

/// What a statement lets be done, to what. `of` is the resource whose policy it stands in.
fn deeds(statement: &Statement, of: Option<&Address>, names: &Names) -> Vec<(String, String)> {
    let takes = |action: &str| {
        let any = statement
            .action
            .values
            .iter()
            .any(|it| Pattern::of(&it.to_ascii_lowercase()).matches(action));
        any != statement.action.negated
    };
    let mut found = Vec::new();
    let resources = || statement.resource.iter().flat_map(|it| &it.values);
    if takes("execute-api:invoke") && of.is_none_or(|it| it.kind == KindName::RestApi) {
        for (api, route) in resources().filter_map(|it| names.call(it)) {
            let target = of.map_or(api, ToString::to_string);
            found.push((format!("call {route} of"), target));
        }
    }
    // Whom a queue's subscription needs, the subscription tells.
    let subscribes = statement.conditions.values().any(|keys| {
        keys.keys()
            .any(|it| it.eq_ignore_ascii_case("sns:Endpoint"))
    });
    let plain = [
        (KindName::Topic, "sns:publish", "publish to"),
        (KindName::Topic, "sns:subscribe", "subscribe to"),
        (KindName::Queue, "sqs:receivemessage", "receive from"),
        (KindName::Queue, "sqs:sendmessage", "send to"),
    ];
    for (kind, action, may) in plain {
        if !takes(action) || (action == "sns:subscribe" && subscribes) {
            continue;
        }
        match of {
            Some(address) if address.kind == kind => {
                found.push((may.to_owned(), address.to_string()));
            }
            Some(_) => {}
            None => found.extend(
                resources()
                    .filter(|it| {
                        names
                            .0
                            .get(*it)
                            .is_some_and(|it| it.starts_with(kind.table()))
                    })
                    .map(|it| (may.to_owned(), names.name(it))),
            ),
        }
    }
    found
}

/// Whether a statement names principals of accounts.
fn of_accounts(statement: &Statement) -> bool {
    statement
        .principal
        .as_ref()
        .is_some_and(|it| !it.aws_values().is_empty() || it.principals == Principals::Anyone)
}

/// Whom a statement lets in. The owner's account decides for itself, and the dead do nothing.
fn who(statement: &Statement, names: &Names, own: &str) -> Vec<String> {
    let delivers = |it: &str| it.starts_with("sns.") && statement.conditions.len() == 1;
    let conditions: Vec<String> = statement
        .conditions
        .values()
        .flat_map(|keys| keys.iter())
        .filter(|(key, values)| {
            let unsigned = key.eq_ignore_ascii_case("aws:PrincipalArn")
                && values.iter().any(|it| it == "true");
            !key.eq_ignore_ascii_case("sts:ExternalId") && !unsigned
        })
        .flat_map(|(_, values)| values.iter().map(|it| names.name(it)))
        .collect();
    let base: Vec<String> = match statement.principal.as_ref() {
        None => Vec::new(),
        Some(clause) if clause.negated => vec!["all but some".to_owned()],
        Some(clause) => match &clause.principals {
            Principals::Anyone => vec!["anyone".to_owned()],
            Principals::Of(types) => types
                .values()
                .flatten()
                .filter(|it| *it != own && !is_ghost(it) && !delivers(it))
                .map(|it| {
                    if it == "*" {
                        "anyone".to_owned()
                    } else {
                        names.name(it)
                    }
                })
                .collect(),
        },
    };
    // SNS says of whom a request is by these keys: `*` is their own people.
    let sources = statement.conditions.iter();
    let mut sources = sources
        .filter(|(operator, _)| operator.eq_ignore_ascii_case("StringEquals"))
        .flat_map(|(_, keys)| keys)
        .filter(|(key, _)| {
            ["aws:SourceOwner", "aws:SourceAccount"]
                .iter()
                .any(|it| it.eq_ignore_ascii_case(key))
        });
    if let Some((_, accounts)) = sources.next()
        && base.iter().all(|it| it == "anyone")
    {
        let owner = own.split(':').nth(4);
        let others = accounts.iter().filter(|it| Some(it.as_str()) != owner);
        return others.map(|it| format!("account {it}")).collect();
    }
    let exactly = |it: &String| it.contains(":role/") && !it.contains(['*', '?']);
    if conditions.is_empty() {
        base
    } else if let (["anyone"], Some(group)) = (
        base.iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .as_slice(),
        group(statement),
    ) {
        vec![group]
    } else if base.iter().all(|it| it.ends_with(":root")) && conditions.iter().all(exactly) {
        // An account's root with these roles named beside it is these roles.
        conditions.iter().map(|it| names.name(it)).collect()
    } else {
        base.into_iter()
            .map(|it| format!("{it} ({})", conditions.join(", ")))
            .collect()
    }
}

/// Returns what an author calls everyone under one condition: an organization, a range of addresses, a VPC.
fn group(statement: &Statement) -> Option<String> {
    let mut keys = statement.conditions.values().flatten();
    let (Some((key, values)), None) = (keys.next(), keys.next()) else {
        return None;
    };
    let values = values.join(" or ");
    match key.to_ascii_lowercase().as_str() {
        "aws:principalorgid" => Some(format!("organization {values}")),
        "aws:sourceip" | "aws:vpcsourceip" => Some(format!("callers from {values}")),
        "aws:sourcevpc" => Some(format!("callers in {values}")),
        _ => None,
    }
}
