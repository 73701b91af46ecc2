//! `[[access]]`: who may do what.
//!
//! Both sides of an access are written from one entry, so everything that
//! cannot hold on either side is said here.

use std::collections::BTreeMap;

use crate::model::{AccountId, Arn, Partition};

use super::allow::{api_routes, check_topic_allow, queue_uses};
use super::checker::{Checker, Noun};
use super::diagnostic::{Code, Diagnostic, Span, nearest};
use super::fields::{Fields, Item};
use super::networks::is_inside;
use super::shape::{Field, Kind, Shape};
use super::surfaces::Known;
use super::syntax::Spanned;
use super::{
    Access, Claim, Contract, Endpoint, Network, Principal, Target, Via, claims, names, principals,
    services,
};

pub(super) const ACCESS: Shape = Shape {
    noun: "access",
    doc: "Who may do what. One entry makes every side of it: the caller's policy, the target's own policy or a role beside the target that the caller assumes.",
    fields: &[
        Field::new("from", Kind::OneOrMany(&principals::KIND), "Who; a list is as many accesses.").required().alias(&["who", "principal", "principals", "source"]),
        Field::new("to", Kind::Text, "On what: `\"apis.NAME\"`, `\"topics.NAME\"` or `\"queues.NAME\"`; of another stack, `\"contracts.NAME.apis.NAME\"`.").required().alias(&["target", "on", "resource"]),
        Field::new("allow", Kind::OneOrMany(&Kind::Text), "What: routes of the API, where `*` stands for anything (`\"GET /orders/*\"`); for a topic `\"publish\"`, which may be left out; for a queue `\"send\"`, which may be left out, `\"receive\"` (which takes in deleting) or both.").alias(&["actions", "routes", "action", "allows"]),
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
    /// Set for topics and queues.
    arn: Option<Arn>,
    key: Span,
}

/// The accesses that have no fault, in the order written, and the claims on what others offer.
pub(super) fn access(
    checker: &mut Checker<'_>,
    items: &[Spanned<Item>],
    apis: &BTreeMap<String, Known>,
    contracts: &BTreeMap<String, Contract>,
) -> (Vec<Access>, Vec<Claim>) {
    let (mut found, mut claimed) = (Vec::new(), Vec::new());
    for item in items {
        let Some(fields) = item.fields() else {
            continue;
        };
        let claims_it = |it: Spanned<&str>| it.value.starts_with("contracts.");
        if fields.text("to").is_some_and(claims_it) {
            claims::access(checker, fields, item.span, contracts, &mut claimed);
        } else {
            one(checker, fields, item.span, apis, &mut found);
        }
    }
    (found, claimed)
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
    let (mut principals, mut items) = (Vec::new(), Vec::new());
    for item in fields.list("from") {
        let Some(principal) = principals::principal(checker, item, "this access") else {
            continue;
        };
        principals.push(principal);
        items.push(item);
    }
    if fields.is_empty_list("from") {
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
                "no access role can be made beside a topic or queue in another's account",
                "a role would stand in the target's account",
            )
            .and(place.key, "in no account of the stack")
            .help(format!(
                "add account {} to `[accounts]`; or write `via = \"resource-policy\"`, and hand its owner the statement that it needs",
                place.id
            )),
        );
    }
    let Some(target) = target else { return };
    let written_at = checker.written_at(span);
    let whose = target_name(&target);
    for (principal, item) in principals.iter().zip(items) {
        if let Some(arn) = &place.arn
            && !services::check(checker, item, &principal.value, &whose, arn, place.key)
        {
            continue;
        }
        let Some((from, via)) = suited(checker, principal, via, &target, &place, fields) else {
            continue;
        };
        principals::check_partition(checker, principal, place.partition, &whose);
        found.push(Access {
            from,
            to: target.clone(),
            via,
            role_name: fields.text("role_name").map(|it| it.value.to_owned()),
            external_id: fields.text("external_id").map(|it| it.value.to_owned()),
            offered: false,
            written_at: written_at.clone(),
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
        Target::Queue { name, .. } => format!("queue `{name}`"),
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
        checker.reference(Noun::Api, text, "this access")?;
        let known = apis.get(name)?;
        let routes = api_routes(checker, fields, name, known);
        let place = checker.standing(Noun::Api, name).map(|it| Place {
            partition: it.partition,
            id: it.id.clone(),
            outside: false,
            private: known.endpoint.map(|it| it == Endpoint::Private),
            vpc_endpoints: known.vpc_endpoints.clone(),
            arn: None,
            key: it.key,
        });
        let target = routes.map(|routes| Target::Api {
            name: name.to_owned(),
            routes,
        });
        return Some((target, place));
    }
    if let Some(name) = text.value.strip_prefix("topics.") {
        checker.reference(Noun::Topic, text, "this access")?;
        let right = check_topic_allow(checker, fields);
        let place = checker.standing(Noun::Topic, name).map(|it| Place {
            partition: it.partition,
            id: it.id.clone(),
            outside: it.account.is_none(),
            private: None,
            vpc_endpoints: Vec::new(),
            arn: it.arn.clone(),
            key: it.key,
        });
        let target = right.then(|| Target::Topic {
            name: name.to_owned(),
        });
        return Some((target, place));
    }
    if let Some(name) = text.value.strip_prefix("queues.") {
        checker.reference(Noun::Queue, text, "this access")?;
        let uses = queue_uses(checker, fields);
        let place = checker.standing(Noun::Queue, name).map(|it| Place {
            partition: it.partition,
            id: it.id.clone(),
            outside: it.account.is_none(),
            private: None,
            vpc_endpoints: Vec::new(),
            arn: it.arn.clone(),
            key: it.key,
        });
        let target = uses.map(|uses| Target::Queue {
            name: name.to_owned(),
            uses,
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
            format!("this access is to `{text}`, which is no api, topic or queue"),
            label,
        )
    };
    if text.starts_with("roles.") {
        return fault("a role").help("who may assume a role is its `trusted_by`");
    }
    if text.starts_with("arn:") {
        return fault("an ARN").help(
            "declare it with `existing`: `[topics.NAME]` and under it `existing = \"arn:…\"`, or `[apis.NAME]` with the API's id; then write `\"topics.NAME\"`",
        );
    }
    let (table, name) = text.split_once('.').unwrap_or(("", text));
    let nouns = [Noun::Api, Noun::Topic, Noun::Queue];
    for noun in nouns {
        if checker.is_declared(noun, name) {
            return fault("not `apis.…`, `topics.…` or `queues.…`").fix(
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
        "not `apis.…`, `topics.…` or `queues.…`"
    } else {
        "no such table"
    });
    match close {
        Some(meant) => fault.fix("a similar name exists", span, format!("\"{meant}\"")),
        None => fault.help("write `\"apis.NAME\"`, `\"topics.NAME\"` or `\"queues.NAME\"`"),
    }
}

/// Returns the principal and the mechanism for it, or reports why there is none.
fn suited(
    checker: &mut Checker<'_>,
    principal: &Spanned<Principal>,
    via: Via,
    target: &Target,
    place: &Place,
    fields: &Fields,
) -> Option<(Principal, Via)> {
    let via_at = fields.get("via").map_or(principal.span, |it| it.span);
    let span = principal.span;
    let is_queue = matches!(target, Target::Queue { .. });
    let fault = match &principal.value {
        Principal::Network(network) => {
            let found = by_network(network, span, via, via_at, target, place);
            return match found {
                Ok(network) => Some((Principal::Network(network), Via::ResourcePolicy)),
                Err(fault) => {
                    checker.report(*fault);
                    None
                }
            };
        }
        Principal::Service(name) | Principal::ServiceFor { service: name, .. } => {
            match by_service(name, span, via, via_at, target) {
                None => return Some((principal.value.clone(), Via::ResourcePolicy)),
                Some(fault) => fault,
            }
        }
        Principal::Oidc { provider, .. } => {
            if via != Via::ResourcePolicy {
                return Some((principal.value.clone(), Via::AssumeRole));
            }
            Diagnostic::new(
                Code::Principal,
                span,
                format!("a token of `{provider}` cannot be let in by a resource policy"),
                "can assume a role only",
            )
            .and(via_at, "asked for here")
            .help("a token is exchanged for a role's credentials first: write `via = \"assume-role\"`, or put it in `trusted_by` of a role and name that role here")
        }
        // One page of SQS takes every global condition key, and another says "a limited subset": it is tried where asked for.
        Principal::RolePrefix { .. }
        | Principal::Named(_)
        | Principal::Organization { unit: Some(_), .. }
            if is_queue && via != Via::ResourcePolicy =>
        {
            return Some((principal.value.clone(), Via::AssumeRole));
        }
        Principal::Role(_)
        | Principal::RoleArn(_)
        | Principal::Named(_)
        | Principal::RolePrefix { .. }
        | Principal::Organization { .. }
        | Principal::Account(_) => return Some((principal.value.clone(), via)),
    };
    checker.report(fault);
    None
}

/// Returns why a service cannot be let in to a target.
fn by_service(
    name: &str,
    span: Span,
    via: Via,
    via_at: Span,
    target: &Target,
) -> Option<Diagnostic> {
    let fault = |label: &str| {
        let whose = target_name(target);
        Diagnostic::new(
            Code::Principal,
            span,
            format!("the service `{name}` cannot be let in to {whose}"),
            label,
        )
    };
    if matches!(target, Target::Api { .. }) {
        return Some(
            fault("services do not call APIs in their own name")
                .help("name the role that it works under, whose `trusted_by` names the service"),
        );
    }
    if let Target::Queue { uses, .. } = target
        && uses.contains(&super::QueueUse::Receive)
    {
        return Some(
            fault("services only send in their own name")
                .help("write `allow = [\"send\"]`; to receive, name the role that it works under"),
        );
    }
    (via == Via::AssumeRole).then(|| {
        Diagnostic::new(
            Code::Principal,
            via_at,
            format!(
                "the service `{name}` would not assume a role to use {}",
                target_name(target)
            ),
            "it calls in its own name",
        )
        .and(span, "the service")
        .help("write `via = \"resource-policy\"`, or leave `via` out")
    })
}

/// Returns the network as the target's policy sees it, or why nobody can be let in by it.
fn by_network(
    network: &Network,
    span: Span,
    via: Via,
    via_at: Span,
    target: &Target,
    place: &Place,
) -> Result<Network, Box<Diagnostic>> {
    let whose = target_name(target);
    let (one, a) = match network {
        Network::VpcEndpoint(_) => ("endpoint", "a VPC endpoint"),
        Network::Vpc(_) => ("VPC", "a VPC"),
        Network::Addresses(_) | Network::VpcAddresses(_) => ("range", "a range of addresses"),
    };
    let fault = |label: &str| {
        Diagnostic::new(
            Code::Principal,
            span,
            format!("{a} cannot be let in to {whose}"),
            label,
        )
    };
    let addresses = matches!(network, Network::Addresses(_));
    let Some(private) = place.private else {
        let (label, does) = match target {
            Target::Queue { .. } => ("a queue is used by somebody", "uses the queue"),
            _ if addresses => ("a topic is published to by somebody", "publishes"),
            _ => ("only private APIs are reached through one", "publishes"),
        };
        return Err(fault(label)
            .help(format!("name the role that {does}"))
            .into());
    };
    if !private && !addresses {
        return Err(fault("only private APIs are reached through one")
            .and(place.key, "not private")
            .help("write `endpoint = \"private\"` at the API, or name the role that calls")
            .into());
    }
    if via == Via::AssumeRole {
        return Err(Diagnostic::new(
            Code::Principal,
            via_at,
            format!("{a} cannot assume a role"),
            "a way in, not someone",
        )
        .and(span, format!("the {one}"))
        .help("write `via = \"resource-policy\"`, or leave `via` out")
        .into());
    }
    match network {
        Network::VpcEndpoint(id)
            if !place.vpc_endpoints.is_empty() && !place.vpc_endpoints.contains(id) =>
        {
            Err(Diagnostic::new(
                Code::Principal,
                span,
                format!("{whose} is not reached through `{id}`"),
                "not among its `vpc_endpoints`",
            )
            .and(place.key, "these are its only ways in")
            .help(format!("add `\"{id}\"` to its `vpc_endpoints`"))
            .into())
        }
        Network::Addresses(ranges) if private => Ok(Network::VpcAddresses(ranges.clone())),
        Network::Addresses(ranges) if ranges.iter().any(|it| is_inside(it)) => {
            Err(fault("these are addresses inside a network")
                .and(place.key, "sees the public addresses of its callers")
                .help("write the public addresses that these callers have, such as those of their NAT gateway, or `endpoint = \"private\"` at the API")
                .into())
        }
        other => Ok(other.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{faults, faults_of, stack};
    use super::super::{Target, Via};

    #[test]
    fn an_access_is_to_an_api_a_topic_or_a_queue() {
        snapbox::assert_data_eq!(
            faults(
                "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\n[topics.t]\n[[access]]\nfrom = \"roles.r\"\nto = \"t\"\n"
            ),
            snapbox::str![[r#"
E0201: this access is to `t`, which is no api, topic or queue [not `apis.…`, `topics.…` or `queues.…`] the topic is written so: "topics.t"

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\n[topics.t]\n[[access]]\nfrom = \"roles.r\"\nto = \"topic.t\"\n"
            ),
            snapbox::str![[r#"
E0201: this access is to `topic.t`, which is no api, topic or queue [not `apis.…`, `topics.…` or `queues.…`] the topic is written so: "topics.t"

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\n[topics.orders]\n[[access]]\nfrom = \"roles.r\"\nto = \"topics.order\"\n"
            ),
            snapbox::str![[r#"
E0201: this access refers to topic `order`, which is not declared [no topic has this name | a similar topic is declared here] a similar name exists: "topics.orders"

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\n[queues.q]\n[[access]]\nfrom = \"roles.r\"\nto = \"queues.q\"\n"
            ),
            snapbox::str![[r#"
no fault

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\n[[access]]\nfrom = \"roles.r\"\nto = \"roles.r\"\n"
            ),
            snapbox::str![[r#"
E0201: this access is to `roles.r`, which is no api, topic or queue [a role] help: who may assume a role is its `trusted_by`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\n[[access]]\nfrom = \"roles.r\"\nto = \"arn:aws:sns:eu-west-1:111111111111:t\"\n"
            ),
            snapbox::str![[r#"
E0201: this access is to `arn:aws:sns:eu-west-1:111111111111:t`, which is no api, topic or queue [an ARN] help: declare it with `existing`: `[topics.NAME]` and under it `existing = "arn:…"`, or `[apis.NAME]` with the API's id; then write `"topics.NAME"`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\n[[access]]\nfrom = \"roles.r\"\nto = \"nothing\"\n"
            ),
            snapbox::str![[r#"
E0201: this access is to `nothing`, which is no api, topic or queue [not `apis.…`, `topics.…` or `queues.…`] help: write `"apis.NAME"`, `"topics.NAME"` or `"queues.NAME"`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[[access]]\n"),
            snapbox::str![[r#"
E0103: this access has no `from` [`from` is missing] help: add `from = "…"`: who; a list is as many accesses
E0103: this access has no `to` [`to` is missing] help: add `to = "…"`: on what: `"apis.NAME"`, `"topics.NAME"` or `"queues.NAME"`; of another stack, `"contracts.NAME.apis.NAME"`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.t]\n[[access]]\nfrom = []\nto = \"topics.t\"\n"),
            snapbox::str![[r#"
E0103: this access lets nobody in [an empty list] help: say who, as in `from = "roles.checkout"`; or remove the access

"#]]
        );
    }

    #[test]
    fn an_allow_reaches_a_route() {
        snapbox::assert_data_eq!(
            faults(
                "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\n[apis.a.routes]\n\"GET /orders/{id}\" = { mock = 200 }\n\"POST /orders\" = { mock = 200 }\n[[access]]\nfrom = \"roles.r\"\nto = \"apis.a\"\nallow = [\"GET /order/{id}\", \"GET /else\", \"get /orders/{id}\", \"GET /orders/*\", \"*\"]\n"
            ),
            snapbox::str![[r#"
E0301: api `a` has no route that `GET /order/{id}` reaches [no route answers this | a like route: `GET /orders/{id}`] a like route exists: "GET /orders/{id}"
E0301: api `a` has no route that `GET /else` reaches [no route answers this | its routes] help: its routes are `GET /orders/{id}` and `POST /orders`
E0301: `get /orders/{id}` has no method that API Gateway serves [`get` is no method] write it so: "GET /orders/{id}"

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\n[apis.a.routes]\n\"GET /orders/{id}\" = { mock = 200 }\n[[access]]\nfrom = \"roles.r\"\nto = \"apis.a\"\n"
            ),
            snapbox::str![[r#"
E0103: this access to api `a` does not say which routes [`allow` is missing or empty] help: add `allow = ["GET /orders/{id}"]`; every route is `allow = ["*"]`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\n[apis.a]\nopenapi = \"orders.yaml\"\n[[access]]\nfrom = \"roles.r\"\nto = \"apis.a\"\nallow = \"DELETE /orders/{id}\"\n"
            ),
            snapbox::str![[r#"
E0301: api `a` has no route that `DELETE /orders/{id}` reaches [no route answers this | the path has `GET /orders/{id}`] help: its routes are `GET /health` and `GET /orders/{id}`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\n[apis.a]\nexisting = \"a1b2c3d4e5\"\n[[access]]\nfrom = \"roles.r\"\nto = \"apis.a\"\nallow = \"DELETE /anything\"\n"
            ),
            snapbox::str![[r#"
no fault

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\n[topics.t]\n[[access]]\nfrom = \"roles.r\"\nto = \"topics.t\"\nallow = [\"Publish\", \"sns:Publish\", \"subscribe\", \"GET /\"]\n"
            ),
            snapbox::str![[r#"
E0301: `Publish` cannot be allowed on a topic [not `publish`] write it so: "publish"
E0301: `sns:Publish` cannot be allowed on a topic [not `publish`] write it so: "publish"
E0301: `subscribe` cannot be allowed on a topic [not `publish`] help: subscribing is written at the queue: `subscribe = ["TOPIC"]`
E0301: `GET /` cannot be allowed on a topic [not `publish`] help: on a topic only `publish` is allowed: write that, or leave `allow` out

"#]]
        );
    }

    #[test]
    fn the_mechanism_suits_who_is_let_in() {
        snapbox::assert_data_eq!(
            faults(
                "[topics.t]\n[[access]]\nfrom = \"lambda.amazonaws.com\"\nto = \"topics.t\"\nvia = \"resource-policy\"\n"
            ),
            snapbox::str![[r#"
E0302: the service `lambda.amazonaws.com` cannot be let in to topic `t` [works under a role] help: declare the role that it works under, with `trusted_by` naming the service, and write `from = "roles.NAME"`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[topics.t]\n[[access]]\nfrom = { oidc = \"token.actions.githubusercontent.com\", subjects = \"repo:a/b:*\" }\nto = \"topics.t\"\nvia = \"resource-policy\"\n"
            ),
            snapbox::str![[r#"
E0302: a token of `token.actions.githubusercontent.com` cannot be let in by a resource policy [can assume a role only | asked for here] help: a token is exchanged for a role's credentials first: write `via = "assume-role"`, or put it in `trusted_by` of a role and name that role here

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[topics.t]\n[[access]]\nfrom = { vpc_endpoint = \"vpce-0123\" }\nto = \"topics.t\"\n"
            ),
            snapbox::str![[r#"
E0302: a VPC endpoint cannot be let in to topic `t` [only private APIs are reached through one] help: name the role that publishes

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[apis.a.routes]\n\"GET /\" = { mock = 200 }\n[[access]]\nfrom = { vpc_endpoint = \"vpce-0123\" }\nto = \"apis.a\"\nallow = \"*\"\n"
            ),
            snapbox::str![[r#"
E0302: a VPC endpoint cannot be let in to api `a` [only private APIs are reached through one | not private] help: write `endpoint = "private"` at the API, or name the role that calls

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[apis.a]\nendpoint = \"private\"\nvpc_endpoints = \"vpce-0123\"\n[apis.a.routes]\n\"GET /\" = { mock = 200 }\n[[access]]\nfrom = [{ vpc_endpoint = \"vpce-0123\" }, { vpc_endpoint = \"vpce-4567\" }]\nto = \"apis.a\"\nallow = \"*\"\n"
            ),
            snapbox::str![[r#"
E0302: api `a` is not reached through `vpce-4567` [not among its `vpc_endpoints` | these are its only ways in] help: add `"vpce-4567"` to its `vpc_endpoints`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[apis.a]\nendpoint = \"private\"\nvpc_endpoints = \"vpce-0123\"\n[apis.a.routes]\n\"GET /\" = { mock = 200 }\n[[access]]\nfrom = { vpc_endpoint = \"vpce-0123\" }\nto = \"apis.a\"\nallow = \"*\"\nvia = \"assume-role\"\n"
            ),
            snapbox::str![[r#"
E0302: a VPC endpoint cannot assume a role [a way in, not someone | the endpoint] help: write `via = "resource-policy"`, or leave `via` out

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\n[topics.t]\nexisting = \"arn:aws:sns:eu-west-1:999999999999:t\"\n[[access]]\nfrom = \"roles.r\"\nto = \"topics.t\"\nvia = \"assume-role\"\n"
            ),
            snapbox::str![[r#"
E0304: no access role can be made beside a topic or queue in another's account [a role would stand in the target's account | in no account of the stack] help: add account 999999999999 to `[accounts]`; or write `via = "resource-policy"`, and hand its owner the statement that it needs

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\n[topics.t]\n[[access]]\nfrom = \"roles.r\"\nto = \"topics.t\"\nrole_name = \"x y\"\nexternal_id = \"e\"\n"
            ),
            snapbox::str![[r#"
E0105: `role_name` goes with `via = "assume-role"` only [there may be no access role here] help: add `via = "assume-role"`, or remove `role_name`
E0203: this access cannot have the role name `x y` [a space cannot stand here] help: 1 to 64 letters, digits and `_+=,.@-`
E0105: `external_id` goes with `via = "assume-role"` only [there may be no access role here] help: add `via = "assume-role"`, or remove `external_id`
E0203: this access cannot have the external id `e` [too short] help: 2 to 1224 letters, digits and `_+=,.@:/-`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\n[topics.t]\n[[access]]\nfrom = \"roles.r\"\nto = \"topics.t\"\nvia = \"asume-role\"\nrole_name = \"x\"\n"
            ),
            snapbox::str![[r#"
E0102: `via` of this access cannot be `asume-role` [no such choice] a like choice exists: "assume-role"

"#]]
        );
    }

    #[test]
    fn nothing_reaches_into_another_partition() {
        snapbox::assert_data_eq!(
            faults_of(
                "[accounts.a]\nid = \"111111111111\"\n[accounts.c]\nid = \"222222222222\"\nregion = \"cn-north-1\"\n[roles.r]\naccount = \"a\"\ntrusted_by = \"roles.s\"\n[roles.s]\ntrusted_by = \"ec2.amazonaws.com\"\naccount = \"c\"\n[topics.t]\naccount = \"c\"\n[queues.q]\naccount = \"a\"\nsubscribe = \"t\"\n[[access]]\nfrom = [\"roles.r\", { account = \"a\" }, \"arn:aws-us-gov:iam::333333333333:role/x\"]\nto = \"topics.t\"\n"
            ),
            snapbox::str![[r#"
E0303: role `s` is in partition `aws-cn`, and role `r` is in `aws` [in another partition | declared here] help: partitions share no accounts and no IAM: nothing in one can be let into another
E0303: `arn:aws-cn:sns:cn-north-1:222222222222:t` is in partition `aws-cn`, and queue `q` is in `aws` [in another partition] help: partitions share no accounts and no IAM: nothing in one can be let into another
E0303: role `r` is in partition `aws`, and topic `t` is in `aws-cn` [in another partition | declared here] help: partitions share no accounts and no IAM: nothing in one can be let into another
E0303: account 111111111111 is in partition `aws`, and topic `t` is in `aws-cn` [in another partition] help: partitions share no accounts and no IAM: nothing in one can be let into another
E0303: `arn:aws-us-gov:iam::333333333333:role/x` is in partition `aws-us-gov`, and topic `t` is in `aws-cn` [in another partition] help: partitions share no accounts and no IAM: nothing in one can be let into another

"#]]
        );
    }

    #[test]
    fn a_list_is_as_many_accesses_and_each_knows_its_line() {
        let stack = stack(
            "[roles.a]\ntrusted_by = \"ec2.amazonaws.com\"\n[roles.b]\ntrusted_by = \"ec2.amazonaws.com\"\n[topics.t]\n[[access]]\nfrom = [\"roles.a\", \"roles.b\"]\nto = \"topics.t\"\n\n[[access]]\nfrom = { account = \"shop\", role_prefix = \"/team/x-\" }\nto = \"topics.t\"\nvia = \"assume-role\"\n",
        );
        let told: Vec<String> = stack
            .access
            .iter()
            .map(|it| format!("{:?} {:?} {}", it.from, it.via, it.written_at))
            .collect();
        assert_eq!(
            told,
            [
                "Role(\"a\") Auto shop.toml:11",
                "Role(\"b\") Auto shop.toml:11",
                "RolePrefix { account: AccountId(\"111111111111\"), prefix: \"team/x-\" } AssumeRole shop.toml:15",
            ]
        );
    }

    #[test]
    fn an_allow_of_every_method_or_route_is_spelled_with_stars() {
        let stack = stack(
            "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\n[apis.a.routes]\n\"ANY /x\" = { mock = 200 }\n[[access]]\nfrom = \"roles.r\"\nto = \"apis.a\"\nallow = [\"ANY /x\", \"* /x\", \"*\"]\n",
        );
        let Target::Api { routes, .. } = &stack.access[0].to else {
            panic!("an api")
        };
        let told: Vec<String> = routes.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["* /x", "* /*"]);
    }

    #[test]
    fn a_token_is_let_in_by_an_access_role_and_an_endpoint_by_policy() {
        let stack = stack(
            "[apis.a]\nendpoint = \"private\"\nvpc_endpoints = \"vpce-0123\"\n[apis.a.routes]\n\"GET /\" = { mock = 200 }\n[[access]]\nfrom = [{ oidc = \"token.actions.githubusercontent.com\", subjects = \"repo:org/name:*\" }, { vpc_endpoint = \"vpce-0123\" }]\nto = \"apis.a\"\nallow = \"GET /\"\n",
        );
        let vias: Vec<Via> = stack.access.iter().map(|it| it.via).collect();
        assert_eq!(vias, [Via::AssumeRole, Via::ResourcePolicy]);
    }

    #[test]
    fn s3_notifies_nothing_that_is_fifo() {
        for (declared, to) in [
            ("[queues.q]\nfifo = true\n", "queues.q"),
            ("[topics.t]\nfifo = true\n", "topics.t"),
        ] {
            let from = "{ service = \"s3.amazonaws.com\", source = \"arn:aws:s3:::b\" }";
            let text = format!("{declared}[[access]]\nfrom = {from}\nto = \"{to}\"\n");
            let found = faults(&text);
            assert!(found.contains("it delivers to no FIFO "), "{found}");
            let found = faults(&text.replace("fifo = true\n", ""));
            assert!(!found.contains("FIFO"), "{found}");
        }
    }

    #[test]
    fn s3_sends_the_bucket_as_the_source_and_nothing_else() {
        let of = |source: &str| {
            faults(&format!(
                "[queues.q]\n[[access]]\nfrom = {{ service = \"s3.amazonaws.com\", source = \"{source}\" }}\nto = \"queues.q\"\n"
            ))
        };
        for wrong in [
            "arn:aws:s3:::b/photos/1.jpg",
            "arn:aws:s3:eu-west-1:111111111111:b",
            "arn:aws:s3:*:*:b",
        ] {
            let found = of(wrong);
            assert!(
                found.contains("write `arn:aws:s3:::NAME`"),
                "{wrong}: {found}"
            );
        }
        assert!(!of("arn:aws:s3:::b").contains("S3 sends"));
        assert!(!of("arn:aws-cn:s3:::b*").contains("S3 sends"));
    }

    #[test]
    fn a_public_api_sees_no_addresses_inside_a_network() {
        for range in ["10.0.0.0/8", "192.168.1.7", "127.0.0.1", "fd00::/8"] {
            let text = format!(
                "[apis.x]\nroutes = {{ \"GET /x\" = {{ mock = 200 }} }}\n[[access]]\nfrom = {{ ip = \"{range}\" }}\nto = \"apis.x\"\nallow = \"GET /x\"\n"
            );
            let found = faults(&text);
            assert!(
                found.contains("addresses inside a network"),
                "{range}: {found}"
            );
            let private = text.replace("[apis.x]\n", "[apis.x]\nendpoint = \"private\"\n");
            assert!(!faults(&private).contains("inside a network"), "{range}");
        }
    }
}
