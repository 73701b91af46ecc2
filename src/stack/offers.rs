//! `[[offer]]`: what other stacks may claim.
//!
//! An offer is the owner's half of an access. Nothing in it needs the consumer to exist: a role
//! is named by a condition on `aws:PrincipalArn` within its account, and a queue by a condition
//! on `sns:Endpoint`, so that either stack can be applied first.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{AccountId, Address, Arn, KindName};

use super::allow::api_routes;
use super::checker::{Checker, Noun, Standing, texts};
use super::contract::{Claimed, Invited, Leave, Offer, Subscriber, Subscribing};
use super::diagnostic::{Code, Diagnostic, Span, nearest};
use super::fields::{Fields, Item};
use super::shape::{Field, Kind, Shape};
use super::surfaces::Known;
use super::syntax::Spanned;
use super::{Access, Principal, Target, Via, names, principals, topics};

pub(super) const OFFER: Shape = Shape {
    noun: "offer",
    doc: "What other stacks may claim: the owner's half of an access. `provision export` writes what is offered into a contract, and a consumer's stack claims from it by name; neither has to be applied first.",
    fields: &[
        Field::new("to", Kind::Text, "What is offered: `\"apis.NAME\"` or `\"topics.NAME\"`.").required().alias(&["target", "on", "resource"]),
        Field::new("allow", Kind::OneOrMany(&Kind::Text), "What may be done: routes of the API, as in `[[access]]`; with a topic `\"publish\"`, `\"subscribe\"` or both.").required().alias(&["actions", "routes", "action", "allows"]),
        Field::new("for", Kind::OneOrMany(&Kind::Either(&[Kind::Text, Kind::Table(&CONSUMER)])), "Who may claim it: consumers, ARNs of roles (of queues, for `\"subscribe\"`), or `\"anyone\"`: whoever claims by a file listed in `claims` of `[stack]`.").required().alias(&["from", "who", "consumers", "consumer"]),
        Field::new("via", Kind::OneOf(&["auto", "resource-policy", "assume-role"]), "How callers and publishers get in; `\"auto\"` is an access role, for the target's own policy need not grow with its consumers.").default("\"auto\"").alias(&["how", "mechanism"]),
        Field::new("role_name", Kind::Text, "With an access role: its name in IAM, when it is not to be the usual one."),
        Field::new("external_id", Kind::Text, "With an access role: the external id that it asks for."),
    ],
    one_of: &[],
};

const CONSUMER: Shape = Shape {
    noun: "consumer",
    doc: "Who may claim an offer. With `account` alone, whoever its own policies let.",
    fields: &[
        Field::new(
            "account",
            Kind::Text,
            "The consumer's account, by its id or its name in this stack.",
        )
        .required(),
        Field::new(
            "stack",
            Kind::Text,
            "The consumer's stack: its name in plans, and where its roles stand unless they say otherwise.",
        ),
        Field::new(
            "role",
            Kind::Text,
            "The role: its name in the consumer's stack, or with a leading `/` its path and name in IAM.",
        ),
        Field::new(
            "role_prefix",
            Kind::Text,
            "Every role of the account whose path and name begin so.",
        )
        .alias(&["prefix"]),
        Field::new(
            "queue",
            Kind::Text,
            "With `\"subscribe\"`: the queue's name, in the topic's region.",
        ),
    ],
    one_of: &[],
};

/// What offers and the claims on them come to.
pub(super) struct Found {
    pub(super) offers: Vec<Offer>,
    pub(super) access: Vec<Access>,
    pub(super) subscribers: BTreeSet<Subscriber>,
}

/// One consumer of an offer, as it is written.
struct Consumer {
    name: Option<String>,
    who: Invited,
    span: Span,
}

/// The offers that have no fault, with the accesses they make.
pub(super) fn offers(
    checker: &mut Checker<'_>,
    items: &[Spanned<Item>],
    apis: &BTreeMap<String, Known>,
    claimed: &[Claimed],
) -> Found {
    let mut offers = Vec::new();
    for item in items {
        if let Some(fields) = item.fields() {
            one(checker, fields, item.span, apis, &mut offers);
        }
    }
    let mut found = Found {
        offers: Vec::new(),
        access: Vec::new(),
        subscribers: BTreeSet::new(),
    };
    for offer in offers {
        match &offer.to_whom {
            Invited::Anyone => {
                for it in claimed
                    .iter()
                    .filter(|it| offer.covers(&it.to, &it.leave, &it.by))
                {
                    let who = match it.leave {
                        Leave::Subscribe => Invited::Queue(it.by.clone()),
                        Leave::Call(_) | Leave::Publish => {
                            Invited::Principal(Principal::Named(it.by.clone()))
                        }
                    };
                    found.let_in(&offer, &who, &it.leave);
                }
            }
            who => found.let_in(&offer, who, &offer.leave),
        }
        found.offers.push(offer);
    }
    found
}

impl Found {
    fn let_in(&mut self, offer: &Offer, who: &Invited, leave: &Leave) {
        let to = match leave {
            Leave::Call(routes) => Target::Api {
                name: offer.to.name.clone(),
                routes: routes.clone(),
            },
            Leave::Publish => Target::Topic {
                name: offer.to.name.clone(),
            },
            Leave::Subscribe => {
                let who = match who {
                    Invited::Queue(arn) => Subscribing::Queue(arn.clone()),
                    Invited::Principal(Principal::Account(id)) => Subscribing::Account(id.clone()),
                    Invited::Anyone | Invited::Principal(_) => return,
                };
                let topic = offer.to.name.clone();
                self.subscribers.insert(Subscriber { topic, who });
                return;
            }
        };
        let Invited::Principal(from) = who else {
            return;
        };
        let access = Access {
            from: from.clone(),
            to,
            via: offer.via,
            role_name: offer.role_name.clone(),
            external_id: offer.external_id.clone(),
            offered: true,
            written_at: offer.written_at.clone(),
        };
        if !self.access.contains(&access) {
            self.access.push(access);
        }
    }
}

fn one(
    checker: &mut Checker<'_>,
    fields: &Fields,
    span: Span,
    apis: &BTreeMap<String, Known>,
    found: &mut Vec<Offer>,
) {
    let Some((to, standing)) = target(checker, fields) else {
        return;
    };
    let leaves = leaves(checker, fields, &to, apis);
    let via = match fields.text_or_default("via") {
        "resource-policy" => Via::ResourcePolicy,
        _ => Via::AssumeRole,
    };
    for name in ["role_name", "external_id"] {
        let Some(text) = fields.text(name) else {
            continue;
        };
        let rule = if name == "role_name" {
            &names::ROLE
        } else {
            &names::EXTERNAL_ID
        };
        if let Some(refusal) = rule.refuses(text.value) {
            checker.report(refusal.at("this offer", text.span));
        }
        if via == Via::ResourcePolicy
            && let Some(key) = fields.key_of(name)
        {
            checker.report(
                Diagnostic::new(
                    Code::Conflict,
                    key,
                    format!("`{name}` goes with an access role only"),
                    "there is none here",
                )
                .help(format!("remove `{name}`, or `via = \"resource-policy\"`")),
            );
        }
    }
    if fields.is_empty_list("for") {
        let span = fields.get("for").map_or(fields.key, |it| it.span);
        checker.report(
            Diagnostic::new(Code::Missing, span, "this offer is for nobody", "an empty list")
                .help("say who may claim it, as in `for = { stack = \"billing\", account = \"…\", role = \"invoicer\" }`; or remove the offer"),
        );
    }
    let mut consumers: Vec<Consumer> = Vec::new();
    for item in fields.list("for") {
        let Some(consumer) = consumer(checker, item, &standing) else {
            continue;
        };
        if let Some(first) = consumers.iter().find(|it| it.who == consumer.who) {
            checker.report(
                Diagnostic::new(
                    Code::Duplicate,
                    consumer.span,
                    "`for` of this offer names a consumer twice",
                    "again here",
                )
                .and(first.span, "first here")
                .help("remove one of them"),
            );
            continue;
        }
        consumers.push(consumer);
    }
    for leave in &leaves {
        for consumer in &consumers {
            if !suits(checker, leave, consumer) {
                continue;
            }
            found.push(Offer {
                to: to.clone(),
                leave: leave.value.clone(),
                to_whom: consumer.who.clone(),
                name: consumer.name.clone(),
                via: match leave.value {
                    Leave::Subscribe => Via::ResourcePolicy,
                    Leave::Call(_) | Leave::Publish => via,
                },
                role_name: fields.text("role_name").map(|it| it.value.to_owned()),
                external_id: fields.text("external_id").map(|it| it.value.to_owned()),
                written_at: checker.written_at(span),
            });
        }
    }
}

/// The API or topic that is offered.
fn target(checker: &mut Checker<'_>, fields: &Fields) -> Option<(Address, Standing)> {
    let text = fields.text("to")?;
    let (noun, kind) = match text.value.split_once('.') {
        Some(("apis", _)) => (Noun::Api, KindName::RestApi),
        Some(("topics", _)) => (Noun::Topic, KindName::Topic),
        _ => {
            let fault = Diagnostic::new(
                Code::Reference,
                text.span,
                format!(
                    "this offer is of `{}`, which is no api and no topic",
                    text.value
                ),
                "not `apis.…` or `topics.…`",
            );
            let bare = text.value.split_once('.').map_or(text.value, |it| it.1);
            let close = [Noun::Api, Noun::Topic]
                .into_iter()
                .find(|it| checker.is_declared(*it, bare));
            checker.report(match close {
                Some(noun) => fault.fix(
                    format!("the {} is written so", noun.singular()),
                    text.span,
                    format!("\"{}.{bare}\"", noun.table()),
                ),
                None => fault.help("write `\"apis.NAME\"` or `\"topics.NAME\"`"),
            });
            return None;
        }
    };
    let name = checker.reference(noun, text, "this offer")?;
    let standing = checker.standing(noun, &name)?.clone();
    if standing.account.is_none() {
        checker.report(
            Diagnostic::new(
                Code::Unsupported,
                text.span,
                format!("topic `{name}` is not this stack's to offer"),
                "in no account of the stack",
            )
            .and(standing.key, "declared here")
            .help("its owner's stack offers it"),
        );
        return None;
    }
    Some((Address::new(kind, name), standing))
}

fn leaves(
    checker: &mut Checker<'_>,
    fields: &Fields,
    to: &Address,
    apis: &BTreeMap<String, Known>,
) -> Vec<Spanned<Leave>> {
    let at = fields.get("allow").map_or(fields.key, |it| it.span);
    if to.kind == KindName::RestApi {
        let routes = apis
            .get(&to.name)
            .and_then(|known| api_routes(checker, fields, &to.name, known));
        return routes
            .map(|it| Spanned::new(Leave::Call(it), at))
            .into_iter()
            .collect();
    }
    if fields.is_empty_list("allow") {
        checker.report(
            Diagnostic::new(
                Code::Missing,
                at,
                "this offer does not say what may be done",
                "an empty list",
            )
            .help("write `allow = [\"publish\"]`, `[\"subscribe\"]` or both"),
        );
    }
    let mut found: Vec<Spanned<Leave>> = Vec::new();
    for text in texts(fields.list("allow")) {
        let leave = match text.value {
            "publish" => Leave::Publish,
            "subscribe" => Leave::Subscribe,
            other => {
                let fault = Diagnostic::new(
                    Code::Route,
                    text.span,
                    format!("`{other}` cannot be offered of a topic"),
                    "neither `publish` nor `subscribe`",
                );
                checker.report(
                    match nearest(&other.to_lowercase(), ["publish", "subscribe"]) {
                        Some(meant) => fault.fix("write it so", text.span, format!("\"{meant}\"")),
                        None => fault.help("a topic is published to, or subscribed to"),
                    },
                );
                continue;
            }
        };
        if !found.iter().any(|it| it.value == leave) {
            found.push(Spanned::new(leave, text.span));
        }
    }
    found
}

fn consumer(
    checker: &mut Checker<'_>,
    item: &Spanned<Item>,
    target: &Standing,
) -> Option<Consumer> {
    let (name, who) = match &item.value {
        Item::Text(text) if text == "anyone" => (None, Invited::Anyone),
        Item::Text(text) if text.starts_with("arn:") && text.contains(":sqs:") => {
            let text = Spanned::new(text.as_str(), item.span);
            let arn = topics::regional_arn(checker, text, "sqs", "a queue's ARN", &names::QUEUE)?;
            (None, Invited::Queue(arn))
        }
        Item::Text(text) if text.starts_with("arn:") => {
            let found = principals::principal(checker, item, "this offer")?;
            let Principal::RoleArn(arn) = found.value else {
                checker.report(own_role(item.span, text));
                return None;
            };
            (None, Invited::Principal(Principal::Named(arn)))
        }
        Item::Text(text) => {
            checker.report(no_consumer(text, item.span));
            return None;
        }
        Item::Fields(fields) => {
            let name = fields.text("stack").map(|it| it.value.to_owned());
            (name, described(checker, fields, target)?)
        }
        _ => return None,
    };
    let arn = match &who {
        Invited::Queue(arn) | Invited::Principal(Principal::Named(arn)) => Some(arn),
        Invited::Anyone | Invited::Principal(_) => None,
    };
    if let Some(arn) = arn
        && !checker.check_partition(
            Spanned::new(arn, item.span),
            target.partition,
            "what is offered",
        )
    {
        return None;
    }
    Some(Consumer {
        name,
        who,
        span: item.span,
    })
}

fn own_role(span: Span, text: &str) -> Diagnostic {
    Diagnostic::new(
        Code::Principal,
        span,
        format!("`{text}` is a role of this stack"),
        "needs no offer",
    )
    .help("let it in by an `[[access]]`; an offer is for other stacks")
}

fn no_consumer(text: &str, span: Span) -> Diagnostic {
    if text.starts_with("roles.") {
        return own_role(span, text);
    }
    let fault = Diagnostic::new(
        Code::Principal,
        span,
        format!("this offer is for `{text}`, which is no consumer"),
        "neither an ARN nor `anyone`",
    );
    if AccountId::parse(text).is_some() {
        return fault.fix(
            "a whole account is written so",
            span,
            format!("{{ account = \"{text}\" }}"),
        );
    }
    match nearest(text, ["anyone"]) {
        Some(_) => fault.fix("whoever claims it is written so", span, "\"anyone\""),
        None => fault.help("write `{ stack = \"…\", account = \"…\", role = \"…\" }`, the ARN of a role or queue, or `\"anyone\"`"),
    }
}

/// A consumer that is written as a table.
fn described(checker: &mut Checker<'_>, fields: &Fields, target: &Standing) -> Option<Invited> {
    let account = principals::account(checker, fields.text("account")?, "this offer")?;
    let choices = ["role", "role_prefix", "queue"];
    let written: Vec<&str> = choices
        .into_iter()
        .filter(|it| fields.is_written(it))
        .collect();
    if let [first, second, ..] = written.as_slice() {
        let at = |name: &str| fields.key_of(name).unwrap_or(fields.key);
        checker.report(
            Diagnostic::new(
                Code::Conflict,
                at(second),
                format!("{} is two at once", fields.owner),
                format!("`{second}` as well"),
            )
            .and(at(first), format!("`{first}` here"))
            .help("write a consumer for each"),
        );
        return None;
    }
    if let Some(text) = fields.text("role") {
        return role(checker, fields, text, &account, target);
    }
    if let Some(text) = fields.text("role_prefix") {
        return principals::role_prefix(checker, account, text).map(Invited::Principal);
    }
    if let Some(text) = fields.text("queue") {
        let bare = text.value.strip_suffix(".fifo").unwrap_or(text.value);
        if let Some(refusal) = names::QUEUE.refuses(bare) {
            checker.report(refusal.at(&fields.owner, text.span));
            return None;
        }
        let arn = format!(
            "arn:{}:sqs:{}:{account}:{}",
            target.partition, target.region, text.value
        );
        return Arn::parse(&arn).ok().map(Invited::Queue);
    }
    written
        .is_empty()
        .then_some(Invited::Principal(Principal::Account(account)))
}

/// A role by its name: below the path of its stack's roles, unless it says its own.
fn role(
    checker: &mut Checker<'_>,
    fields: &Fields,
    text: Spanned<&str>,
    account: &AccountId,
    target: &Standing,
) -> Option<Invited> {
    let name = text.value.rsplit('/').next().unwrap_or_default();
    if let Some(refusal) = names::ROLE.refuses(name) {
        checker.report(refusal.at(&fields.owner, text.span));
        return None;
    }
    let path = match (text.value.starts_with('/'), fields.text("stack")) {
        (true, _) => text.value.to_owned(),
        (false, Some(stack)) => {
            if let Some(refusal) = names::STACK.refuses(stack.value) {
                checker.report(refusal.at(&fields.owner, stack.span));
                return None;
            }
            format!("/provision/{}/{}", stack.value, text.value)
        }
        (false, None) => {
            checker.report(
                Diagnostic::new(
                    Code::Missing,
                    text.span,
                    format!("where role `{}` stands is not said", text.value),
                    "a name alone",
                )
                .help(format!(
                    "add `stack = \"…\"`, whose role it is; or write its path and name in IAM: `\"/{}\"`",
                    text.value
                )),
            );
            return None;
        }
    };
    let arn = format!("arn:{}:iam::{account}:role{path}", target.partition);
    Arn::parse(&arn)
        .ok()
        .map(|it| Invited::Principal(Principal::Named(it)))
}

/// Whether a consumer can be offered this.
fn suits(checker: &mut Checker<'_>, leave: &Spanned<Leave>, consumer: &Consumer) -> bool {
    let fault = match (&leave.value, &consumer.who) {
        (Leave::Subscribe, Invited::Principal(Principal::Named(_) | Principal::RolePrefix { .. })) => {
            Diagnostic::new(
                Code::Principal,
                consumer.span,
                "a role cannot be offered a subscription",
                "not a queue",
            )
            .help("name the queue: `{ account = \"…\", queue = \"…\" }` or its ARN; or, for every queue of the account, `{ account = \"…\" }`")
        }
        (Leave::Call(_) | Leave::Publish, Invited::Queue(_)) => Diagnostic::new(
            Code::Principal,
            consumer.span,
            format!("a queue cannot {}", if leave.value == Leave::Publish { "publish" } else { "call an API" }),
            "not a role",
        )
        .help("name the role; what a queue is offered is `allow = [\"subscribe\"]`, in an offer of its own"),
        _ => return true,
    };
    checker.report(fault.and(leave.span, "offered here"));
    false
}
