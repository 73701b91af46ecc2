//! Who may do what by the documents of a resource, each as one edge.

use std::collections::{BTreeMap, BTreeSet};

use super::Step;
use super::documents::{INLINE, POLICY, Pair, TRUST};
use crate::kinds::Resource;
use crate::kinds::rest_api::method::{self, Method};
use crate::lower::Desired;
use crate::model::{Address, KindName};
use crate::policy::own::{is_default_topic_statement, is_ghost};
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

    /// Whether this is the call of a route that asks nothing of its callers.
    pub(super) fn is_public(&self) -> bool {
        self.via == PUBLIC
    }

    /// Whether this lets anyone call a route that somebody else is let call by another.
    pub(super) fn opens(&self, other: &Self) -> bool {
        let anyone = Self {
            who: self.who.clone(),
            ..other.clone()
        };
        self.is_public() && other.who != self.who && self.covers(&anyone)
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
            authorized(method)
        },
        may: format!("call {key} of"),
        target: step.address.to_string(),
        via: AUTHORIZER,
    };
    closed.map(edge).collect()
}

/// Names the callers of a route that has an authorizer of its own.
fn authorized(method: &Method) -> String {
    format!("whoever the authorizer ({}) lets in", method.authorization)
}

/// By which callers whom a Cognito user pool or a function lets in call a route.
const AUTHORIZER: &str = "the route's authorizer";
/// By which anyone calls a route that has no authorizer.
const PUBLIC: &str = "public route";
/// By which a role lets in those who assume it.
pub(super) const ASSUME_ROLE: &str = "assume role";
/// By which a resource's own policy lets somebody in.
const POLICY_LETS: &str = "resource policy";

/// Returns who may call the routes of a step's API that ask for no signature, before or after it, as a policy that lets
/// anyone call them says it. Routes that the step closes are left out.
fn unsigned(step: &Step, after: bool) -> Vec<Edge> {
    let api = |it: Option<&Resource>| match it {
        Some(Resource::RestApi(api)) => Some(api.clone()),
        _ => None,
    };
    let will = api(step.want.as_ref().map(|it| &it.resource));
    let will = will.map(|it| it.methods_after(step.have.as_ref()));
    let will = will.unwrap_or_default();
    let live = api(step.have.as_ref().map(|it| &it.resource));
    let methods = if after {
        will.clone()
    } else {
        live.map(|it| it.methods).unwrap_or_default()
    };
    let signed = |key: &RouteKey| {
        let method = will.get(key);
        method.is_some_and(|it| it.authorization == method::AWS_IAM)
    };
    let methods = methods
        .into_iter()
        .filter(|(key, it)| it.authorization != method::AWS_IAM && !signed(key));
    let edge = |(key, it): (RouteKey, Method)| {
        let (who, via) = if it.authorization == method::NONE {
            ("anyone".to_owned(), PUBLIC)
        } else {
            (authorized(&it), AUTHORIZER)
        };
        Edge {
            who,
            may: format!("call {} of", calls(&key)),
            target: step.address.to_string(),
            via,
        }
    };
    methods.map(edge).collect()
}

/// Returns the calls that a route answers, as a permission names them.
pub(super) fn calls(route: &RouteKey) -> String {
    let segments = route.path.split('/');
    let path = segments.map(|it| if it.starts_with('{') { "*" } else { it });
    let path = path.collect::<Vec<_>>().join("/");
    let verb = if route.method == "ANY" {
        "*"
    } else {
        &route.method
    };
    format!("{verb} {path}")
}

/// Returns who may call the routes of an API that ask for no signature as long as the API has no policy: each needs a
/// statement once it has one.
pub(super) fn unruled(step: &Step, pairs: &[Pair], after: bool) -> Vec<Edge> {
    let policy = pairs.iter().find(|it| it.document == POLICY);
    let policy = policy.and_then(|it| {
        if after {
            it.after.as_ref()
        } else {
            it.before.as_ref()
        }
    });
    match policy {
        Some(it) if it.statements.is_empty() => unsigned(step, after),
        _ => Vec::new(),
    }
}

/// Returns the routes of a step's API that anyone may call without a signature, before or after it: those without an
/// authorizer that no policy rules, or that one lets anyone call.
pub(super) fn open_routes(step: &Step, pairs: &[Pair], after: bool) -> BTreeSet<String> {
    let lets = edges(
        step,
        pairs,
        &Names::of_steps(std::slice::from_ref(step)),
        false,
        after,
    );
    let anyone: Vec<&Edge> = lets.iter().filter(|it| it.who == "anyone").collect();
    let is_open = |route: &Edge| anyone.iter().any(|it| it.covers(route));
    let let_in = unsigned(step, after).into_iter().filter(is_open);
    let open = let_in.chain(unruled(step, pairs, after));
    let open = open.filter(Edge::is_public);
    open.filter_map(|it| it.route().map(str::to_owned))
        .collect()
}

/// Says of anyone whom a policy lets call a route without a signature that the route is public, or whom its authorizer lets in:
/// the policy's statement leaves that to the authorizer.
pub(super) fn name_unsigned(edges: &mut [Edge], step: &Step, after: bool) {
    let unsigned = unsigned(step, after);
    for edge in edges.iter_mut().filter(|it| it.who == "anyone") {
        let same = |it: &&Edge| {
            let by_anyone = Edge {
                who: edge.who.clone(),
                ..(*it).clone()
            };
            by_anyone.covers(edge) && edge.covers(&by_anyone)
        };
        if let Some(route) = unsigned.iter().find(same) {
            edge.who.clone_from(&route.who);
            edge.via = route.via;
        }
    }
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
        let (stage, method, path) = (parts.next()?, parts.next(), parts.next());
        // IAM's `*` crosses slashes.
        let ends = method.unwrap_or(stage).ends_with('*');
        let path = path.unwrap_or(if ends { "*" } else { "" });
        let method = method.unwrap_or("*");
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
                            via: POLICY_LETS,
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
                        via: ASSUME_ROLE,
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
    let account = own.split(':').nth(4).unwrap_or_default();
    if is_default_topic_statement(statement, account) {
        return vec![format!(
            "every principal of account {account} (SNS's first policy)"
        )];
    }
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
