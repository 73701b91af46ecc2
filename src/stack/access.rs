//! `[[access]]`: who may do what.
//!
//! Both sides of an access are written from one entry, so everything that
//! cannot hold on either side is said here.

use std::collections::BTreeMap;

use crate::model::{AccountId, Partition};

use super::apis::{self, Known};
use super::check::{Checker, Noun, texts};
use super::diagnostic::{Code, Diagnostic, Span, nearest};
use super::shape::{Field, Fields, Item, Kind, Shape};
use super::syntax::Spanned;
use super::{Access, Endpoint, Principal, RouteKey, Target, Via, names, principals, routes};

pub(super) const ACCESS: Shape = Shape {
    noun: "access",
    doc: "Who may do what. One entry makes every side of it: the caller's policy, the target's own policy or a role beside the target that the caller assumes.",
    fields: &[
        Field::new("from", Kind::OneOrMany(&principals::KIND), "Who; a list is as many accesses.").required().alias(&["who", "principal", "principals", "source"]),
        Field::new("to", Kind::Text, "On what: `\"apis.NAME\"` or `\"topics.NAME\"`.").required().alias(&["target", "on", "resource"]),
        Field::new("allow", Kind::OneOrMany(&Kind::Text), "What: routes of the API, where `*` stands for anything (`\"GET /orders/*\"`); for a topic `\"publish\"`, which may be left out.").alias(&["actions", "routes", "action", "allows"]),
        Field::new("via", Kind::OneOf(&["auto", "resource-policy", "assume-role"]), "How: by a statement in the target's own policy, or by a role beside the target that the caller assumes.").default("\"auto\"").alias(&["how", "mechanism"]),
        Field::new("role_name", Kind::Text, "With `via = \"assume-role\"`: the access role's name in IAM, when it is not to be the usual one."),
        Field::new("external_id", Kind::Text, "With `via = \"assume-role\"`: the external id that the access role asks for."),
    ],
    one_of: &[],
};

/// Where a target stands, as far as an access must know.
struct Place {
    partition: Partition,
    id: AccountId,
    /// A topic outside the stack's accounts: only the caller's side is ours.
    outside: bool,
    /// Set for APIs.
    private: Option<bool>,
    vpc_endpoints: Vec<String>,
    key: Span,
}

/// The accesses that have no fault, in the order written.
pub(super) fn access(
    checker: &mut Checker<'_>,
    items: &[Spanned<Item>],
    apis: &BTreeMap<String, Known>,
) -> Vec<Access> {
    let mut found = Vec::new();
    for item in items {
        if let Some(fields) = item.fields() {
            one(checker, fields, item.span, apis, &mut found);
        }
    }
    found
}

fn one(
    checker: &mut Checker<'_>,
    fields: &Fields,
    span: Span,
    apis: &BTreeMap<String, Known>,
    found: &mut Vec<Access>,
) {
    let via = via(fields);
    check_role_fields(checker, fields, via);
    let target = target(checker, fields, apis);
    let mut principals = Vec::new();
    for item in fields.list("from") {
        let Some(principal) = principals::principal(checker, item, "this access") else {
            continue;
        };
        principals.push(principal);
    }
    if fields.key_of("from").is_some() && fields.list("from").is_empty() {
        let span = fields.get("from").map_or(fields.key, |it| it.span);
        checker.report(
            Diagnostic::new(
                Code::Missing,
                span,
                "this access lets nobody in",
                "an empty list",
            )
            .help("say who, as in `from = \"roles.checkout\"`; or remove the access"),
        );
    }
    principals::check_twice(checker, &principals, "`from` of this access");
    let Some((target, place)) = target else {
        return;
    };
    let Some(place) = place else { return };
    if place.outside && via == Via::AssumeRole {
        let span = fields.get("via").map_or(fields.key, |it| it.span);
        checker.report(
            Diagnostic::new(
                Code::Unsupported,
                span,
                "no access role can be made beside a topic in another's account",
                "a role would stand in the topic's account",
            )
            .and(place.key, "in no account of the stack")
            .help(format!(
                "add account {} to `[accounts]`; or write `via = \"resource-policy\"`, and hand its owner the statement the topic needs",
                place.id
            )),
        );
    }
    let Some(target) = target else { return };
    for principal in principals {
        let Some(via) = suited(checker, &principal, via, &target, &place, fields) else {
            continue;
        };
        let whose = target_name(&target);
        principals::check_partition(checker, &principal, place.partition, &whose);
        found.push(Access {
            from: principal.value,
            to: target.clone(),
            via,
            role_name: fields.text("role_name").map(|it| it.value.to_owned()),
            external_id: fields.text("external_id").map(|it| it.value.to_owned()),
            written_at: checker.written_at(span),
        });
    }
}

fn via(fields: &Fields) -> Via {
    match fields.text_or_default("via") {
        "resource-policy" => Via::ResourcePolicy,
        "assume-role" => Via::AssumeRole,
        _ => Via::Auto,
    }
}

fn target_name(target: &Target) -> String {
    match target {
        Target::Api { name, .. } => format!("api `{name}`"),
        Target::Topic { name } => format!("topic `{name}`"),
    }
}

fn check_role_fields(checker: &mut Checker<'_>, fields: &Fields, via: Via) {
    // A wrongly written `via` may well have been meant so.
    let wrong = fields.is_written("via") && fields.get("via").is_none();
    for name in ["role_name", "external_id"] {
        let Some(text) = fields.text(name) else {
            continue;
        };
        if via != Via::AssumeRole
            && !wrong
            && let Some(key) = fields.key_of(name)
        {
            checker.report(
                Diagnostic::new(
                    Code::Conflict,
                    key,
                    format!("`{name}` goes with `via = \"assume-role\"` only"),
                    "there may be no access role here",
                )
                .help(format!("add `via = \"assume-role\"`, or remove `{name}`")),
            );
        }
        let rule = if name == "role_name" {
            &names::ROLE
        } else {
            &names::EXTERNAL_ID
        };
        if let Some(refusal) = rule.refuses(text.value) {
            checker.report(refusal.at("this access", text.span));
        }
    }
}

type Found = (Option<Target>, Option<Place>);

/// The target; an inner `None` stands for what is broken and already reported.
fn target(
    checker: &mut Checker<'_>,
    fields: &Fields,
    apis: &BTreeMap<String, Known>,
) -> Option<Found> {
    let text = fields.text("to")?;
    let span = text.span;
    if let Some(name) = text.value.strip_prefix("apis.") {
        checker.reference(Noun::Api, text.clone(), "this access")?;
        let known = apis.get(name)?;
        let routes = api_routes(checker, fields, name, known);
        let place = checker.standing(Noun::Api, name).map(|it| Place {
            partition: it.partition,
            id: it.id.clone(),
            outside: false,
            private: known.endpoint.map(|it| it == Endpoint::Private),
            vpc_endpoints: known.vpc_endpoints.clone(),
            key: it.key,
        });
        let target = routes.map(|routes| Target::Api {
            name: name.to_owned(),
            routes,
        });
        return Some((target, place));
    }
    if let Some(name) = text.value.strip_prefix("topics.") {
        checker.reference(Noun::Topic, text.clone(), "this access")?;
        let right = check_topic_allow(checker, fields);
        let place = checker.standing(Noun::Topic, name).map(|it| Place {
            partition: it.partition,
            id: it.id.clone(),
            outside: it.account.is_none(),
            private: None,
            vpc_endpoints: Vec::new(),
            key: it.key,
        });
        let target = right.then(|| Target::Topic {
            name: name.to_owned(),
        });
        return Some((target, place));
    }
    let fault = not_a_target(checker, text.value, span);
    checker.report(fault);
    None
}

fn not_a_target(checker: &Checker<'_>, text: &str, span: Span) -> Diagnostic {
    let fault = |label: &str| {
        Diagnostic::new(
            Code::Reference,
            span,
            format!("this access is to `{text}`, which is no api and no topic"),
            label,
        )
    };
    if let Some(name) = text.strip_prefix("queues.") {
        return fault("a queue").help(format!(
            "a queue receives from a topic: write `subscribe = [\"TOPIC\"]` at `[queues.{name}]`, and give access to the topic"
        ));
    }
    if text.starts_with("roles.") {
        return fault("a role").help("who may assume a role is its `trusted_by`");
    }
    if text.starts_with("arn:") {
        return fault("an ARN").help(
            "declare it with `existing`: `[topics.NAME]` and under it `existing = \"arn:…\"`, or `[apis.NAME]` with the API's id; then write `\"topics.NAME\"`",
        );
    }
    let (table, name) = text.split_once('.').unwrap_or(("", text));
    let nouns = [Noun::Api, Noun::Topic];
    for noun in nouns {
        if checker.is_declared(noun, name) {
            return fault("not `apis.…` or `topics.…`").fix(
                format!("the {} is written so", noun.singular()),
                span,
                format!("\"{}.{name}\"", noun.table()),
            );
        }
    }
    let all = nouns.map(|noun| {
        let names = checker.names(noun).keys();
        names.map(move |it| format!("{}.{it}", noun.table()))
    });
    let all: Vec<String> = all.into_iter().flatten().collect();
    let close = nearest(text, all.iter().map(String::as_str)).or_else(|| {
        let bare = |it: &str| {
            it.split_once('.')
                .map_or(it.to_owned(), |it| it.1.to_owned())
        };
        let names: Vec<String> = all.iter().map(|it| bare(it)).collect();
        let meant = nearest(name, names.iter().map(String::as_str))?;
        all.iter().map(String::as_str).find(|it| bare(it) == meant)
    });
    let fault = fault(if table.is_empty() {
        "not `apis.…` or `topics.…`"
    } else {
        "no such table"
    });
    match close {
        Some(meant) => fault.fix("a similar name exists", span, format!("\"{meant}\"")),
        None => fault.help("write `\"apis.NAME\"` or `\"topics.NAME\"`"),
    }
}

fn check_topic_allow(checker: &mut Checker<'_>, fields: &Fields) -> bool {
    if fields.is_written("allow") && fields.get("allow").is_none() {
        return false;
    }
    let mut right = true;
    for text in texts(fields.list("allow")) {
        if text.value == "publish" {
            continue;
        }
        right = false;
        let fault = Diagnostic::new(
            Code::Route,
            text.span,
            format!("`{}` cannot be allowed on a topic", text.value),
            "not `publish`",
        );
        let lower = text.value.to_lowercase();
        checker.report(
            if lower.contains("publish") || nearest(&lower, ["publish"]).is_some() {
                fault.fix("write it so", text.span, "\"publish\"")
            } else if lower.contains("subscribe") {
                fault.help("subscribing is written at the queue: `subscribe = [\"TOPIC\"]`")
            } else {
                fault.help("on a topic only `publish` is allowed: write that, or leave `allow` out")
            },
        );
    }
    right
}

fn api_routes(
    checker: &mut Checker<'_>,
    fields: &Fields,
    name: &str,
    known: &Known,
) -> Option<Vec<RouteKey>> {
    let items = fields.list("allow");
    if items.is_empty() {
        if fields.get("allow").is_some() || !fields.is_written("allow") {
            let example = known
                .routes
                .as_ref()
                .and_then(|it| it.first())
                .map_or("GET /…".to_owned(), |it| it.value.to_string());
            let span = fields.get("allow").map_or(fields.key, |it| it.span);
            checker.report(
                Diagnostic::new(
                    Code::Missing,
                    span,
                    format!("this access to api `{name}` does not say which routes"),
                    "`allow` is missing or empty",
                )
                .help(format!(
                    "add `allow = [\"{example}\"]`; every route is `allow = [\"*\"]`"
                )),
            );
        }
        return None;
    }
    let mut found: Vec<RouteKey> = Vec::new();
    let mut whole = true;
    for text in texts(items) {
        let pattern = match routes::pattern(text.value) {
            Ok(pattern) => pattern,
            Err(wrong) => {
                checker.report(wrong.at(text.span));
                whole = false;
                continue;
            }
        };
        if let Some(fault) = apis::unreached(&pattern, &text, name, known) {
            checker.report(fault);
            whole = false;
        } else if !found.contains(&pattern) {
            found.push(pattern);
        }
    }
    whole.then_some(found)
}

/// The mechanism for this principal, if there is one.
fn suited(
    checker: &mut Checker<'_>,
    principal: &Spanned<Principal>,
    via: Via,
    target: &Target,
    place: &Place,
    fields: &Fields,
) -> Option<Via> {
    let via_at = fields.get("via").map_or(principal.span, |it| it.span);
    let span = principal.span;
    match &principal.value {
        Principal::VpcEndpoint(id) => {
            let whose = target_name(target);
            let fault = if place.private.is_none() {
                Diagnostic::new(
                    Code::Principal,
                    span,
                    format!("a VPC endpoint cannot be let in to {whose}"),
                    "only private APIs are reached through one",
                )
                .help("name the role that publishes")
            } else if place.private == Some(false) {
                Diagnostic::new(
                    Code::Principal,
                    span,
                    format!("a VPC endpoint cannot be let in to {whose}"),
                    "only private APIs are reached through one",
                )
                .and(place.key, "not private")
                .help("write `endpoint = \"private\"` at the API, or name the role that calls")
            } else if via == Via::AssumeRole {
                Diagnostic::new(
                    Code::Principal,
                    via_at,
                    "a VPC endpoint cannot assume a role",
                    "a way in, not someone",
                )
                .and(span, "the endpoint")
                .help("write `via = \"resource-policy\"`, or leave `via` out")
            } else if !place.vpc_endpoints.is_empty() && !place.vpc_endpoints.contains(id) {
                Diagnostic::new(
                    Code::Principal,
                    span,
                    format!("{whose} is not reached through `{id}`"),
                    "not among its `vpc_endpoints`",
                )
                .and(place.key, "these are its only ways in")
                .help(format!("add `\"{id}\"` to its `vpc_endpoints`"))
            } else {
                return Some(Via::ResourcePolicy);
            };
            checker.report(fault);
            None
        }
        Principal::Service(name) => without_policy(
            checker,
            via,
            via_at,
            span,
            &format!("the service `{name}`"),
            "a service acts for anyone who sets it up, so it is let in only where it works under a role: name that role, whose `trusted_by` names the service",
        ),
        Principal::Oidc { provider, .. } => without_policy(
            checker,
            via,
            via_at,
            span,
            &format!("a token of `{provider}`"),
            "a token is exchanged for a role's credentials first: write `via = \"assume-role\"`, or put it in `trusted_by` of a role and name that role here",
        ),
        Principal::Role(_)
        | Principal::RoleArn(_)
        | Principal::RolePrefix { .. }
        | Principal::Account(_) => Some(via),
    }
}

/// A service or token can only assume a role: no resource policy can be asked for.
fn without_policy(
    checker: &mut Checker<'_>,
    via: Via,
    via_at: Span,
    span: Span,
    who: &str,
    help: &str,
) -> Option<Via> {
    if via != Via::ResourcePolicy {
        return Some(Via::AssumeRole);
    }
    let mut fault = Diagnostic::new(
        Code::Principal,
        span,
        format!("{who} cannot be let in by a resource policy"),
        "can assume a role only",
    );
    if via_at != span {
        fault = fault.and(via_at, "asked for here");
    }
    checker.report(fault.help(help));
    None
}
