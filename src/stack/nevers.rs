//! `[[never]]`: what may never be possible, whoever's statement would make it so.
//!
//! An access is a promise that something works; a never is a promise that something does not. It
//! makes nothing on AWS. It is proved, of every plan and of what AWS has.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Address, Arn, KindName};

use super::checker::{Checker, Noun, texts};
use super::diagnostic::{Code, Diagnostic, Span, listed, nearest};
use super::fields::{Fields, Item};
use super::shape::{Field, Kind, Shape};
use super::surfaces::Known;
use super::syntax::Spanned;
use super::{Network, Principal, RouteKey, principals, routes, surfaces};

/// What may never be possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Never {
    /// Who may not.
    pub who: Vec<Whom>,
    /// What, on which resources.
    pub forbids: Vec<Forbidden>,
    /// Who may all the same, and whoever acts through them.
    pub except: Vec<Principal>,
    /// Why, in the author's words.
    pub reason: Option<String>,
    /// Where in the files it is written, as `file:line`.
    pub written_at: String,
}

/// Whom a never speaks of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whom {
    /// Everybody, signed or not.
    Anyone,
    /// Whoever is in no account of the stack.
    Outside,
    /// Whoever does not sign.
    Unsigned,
    /// One, or those that one stands for.
    Principal(Principal),
}

/// What is forbidden of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forbidden {
    /// The resource.
    pub target: Address,
    /// What may not be done to it.
    pub deeds: BTreeSet<Deed>,
    /// Of an API: the routes that may not be called.
    pub routes: Vec<RouteKey>,
}

/// Something that is done to a topic, a queue or a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// Publish to a topic.
    Publish,
    /// Subscribe to a topic.
    Subscribe,
    /// Send to a queue.
    Send,
    /// Receive from a queue.
    Receive,
    /// Assume a role.
    Assume,
}

pub(super) const NEVER: Shape = Shape {
    noun: "never",
    doc: "What may never be possible, by whatever way: `provision verify` proves it, and no plan is carried out that would break it. A role that may do it lets in whoever may assume that role.",
    fields: &[
        Field::new("who", Kind::OneOrMany(&principals::KIND), "Who may not: `\"anyone\"`, `\"outside accounts\"` (whoever is in no account of the stack), `\"unsigned callers\"`, a principal as in `[[access]]`, or a user by its ARN.").required().alias(&["from", "principal", "principals"]),
        Field::new("to", Kind::OneOrMany(&Kind::Text), "On what: `\"apis.NAME\"`, `\"topics.NAME\"`, `\"queues.NAME\"` or `\"roles.NAME\"`; without it, every API, topic and queue of the stack.").alias(&["target", "on", "resource"]),
        Field::new("do", Kind::OneOrMany(&Kind::Text), "What: routes of an API (`\"POST /refunds\"`, `\"*\"`), `\"publish\"` and `\"subscribe\"` of a topic, `\"send\"` and `\"receive\"` of a queue, `\"assume\"` of a role; without it, all of these.").alias(&["allow", "actions", "action", "routes", "does"]),
        Field::new("except", Kind::OneOrMany(&principals::KIND), "Who may all the same, and whoever acts through them.").alias(&["but", "unless", "excepting"]),
        Field::new("reason", Kind::Text, "Why: shown where the claim fails.").alias(&["because", "why", "description"]),
    ],
    one_of: &[],
};

const ANYONE: &str = "anyone";
const OUTSIDE: &str = "outside accounts";
const UNSIGNED: &str = "unsigned callers";

/// The nevers that have no fault, in the order written.
pub(super) fn nevers(
    checker: &mut Checker<'_>,
    items: &[Spanned<Item>],
    apis: &BTreeMap<String, Known>,
) -> Vec<Never> {
    let mut found = Vec::new();
    for item in items {
        if let Some(fields) = item.fields() {
            found.extend(one(checker, fields, item.span, apis));
        }
    }
    found
}

fn one(
    checker: &mut Checker<'_>,
    fields: &Fields,
    span: Span,
    apis: &BTreeMap<String, Known>,
) -> Option<Never> {
    let before = checker.faults.len();
    let who: Vec<Whom> = fields
        .list("who")
        .iter()
        .filter_map(|it| whom(checker, it))
        .collect();
    if fields.is_empty_list("who") {
        let span = fields.get("who").map_or(fields.key, |it| it.span);
        checker.report(
            Diagnostic::new(
                Code::Missing,
                span,
                "this never speaks of nobody",
                "an empty list",
            )
            .help(format!("say who, as in `who = \"{OUTSIDE}\"`")),
        );
    }
    let except: Vec<Principal> = fields
        .list("except")
        .iter()
        .filter_map(|it| excepted(checker, it))
        .collect();
    let targets = targets(checker, fields);
    let forbids = forbidden(checker, fields, &targets, apis);
    (checker.faults.len() == before && fields.is_written("who")).then(|| Never {
        who,
        forbids,
        except,
        reason: fields.text("reason").map(|it| it.value.trim().to_owned()),
        written_at: checker.written_at(span),
    })
}

fn whom(checker: &mut Checker<'_>, item: &Spanned<Item>) -> Option<Whom> {
    let Some(text) = item.text() else {
        return someone(checker, item).map(Whom::Principal);
    };
    let words = [ANYONE, OUTSIDE, UNSIGNED];
    match text {
        ANYONE => return Some(Whom::Anyone),
        OUTSIDE => return Some(Whom::Outside),
        UNSIGNED => return Some(Whom::Unsigned),
        _ => {}
    }
    let like = match text.to_lowercase().as_str() {
        "*" | "everyone" | "anybody" | "everybody" | "all" => Some(ANYONE),
        "outside" | "outsiders" | "other accounts" | "external" => Some(OUTSIDE),
        "unsigned" | "anonymous" | "unsigned calls" | "unauthenticated" => Some(UNSIGNED),
        other => nearest(other, words),
    };
    let is_name = text.contains(['.', ':']) || checker.is_declared(Noun::Role, text);
    if let Some(meant) = like.filter(|_| !is_name) {
        checker.report(
            Diagnostic::new(
                Code::Principal,
                item.span,
                format!("this never speaks of `{text}`, which is no principal"),
                "not one of the words for many",
            )
            .fix("write it so", item.span, format!("\"{meant}\"")),
        );
        return None;
    }
    someone(checker, item).map(Whom::Principal)
}

/// A principal that can be spoken of: one that asks, not a way in.
fn someone(checker: &mut Checker<'_>, item: &Spanned<Item>) -> Option<Principal> {
    if let Some(arn) = item.text().and_then(user) {
        return Some(Principal::Named(arn));
    }
    let found = principals::principal(checker, item, "this never")?;
    let fault = match &found.value {
        Principal::Network(network) => {
            let (name, what) = match network {
                Network::VpcEndpoint(id) => (id.clone(), "a VPC endpoint"),
                Network::Vpc(id) => (id.clone(), "a VPC"),
                Network::Addresses(ranges) | Network::VpcAddresses(ranges) => {
                    (ranges.join(", "), "addresses")
                }
            };
            Some(
                Diagnostic::new(
                    Code::Principal,
                    found.span,
                    format!("`{name}` is a way in, not someone"),
                    what,
                )
                .help("name who comes through it: a role, or a whole account"),
            )
        }
        Principal::Organization { id, .. } => Some(
            Diagnostic::new(
                Code::Principal,
                found.span,
                format!("a never cannot be about the organization `{id}`"),
                "its accounts are not known here",
            )
            .help("name its accounts, `{ account = \"…\" }`; or write `\"outside accounts\"` for everyone outside the stack"),
        ),
        _ => None,
    };
    if let Some(fault) = fault {
        checker.report(fault);
        return None;
    }
    Some(found.value)
}

/// The ARN of an IAM user, who may not be let in anywhere and can be forbidden.
fn user(text: &str) -> Option<Arn> {
    let arn = Arn::parse(text).ok()?;
    let name = arn.resource().strip_prefix("user/")?;
    let is_one = !name.is_empty() && !name.ends_with('/') && !name.contains(['*', '?']);
    (arn.service() == "iam" && arn.account_id().is_some() && is_one).then_some(arn)
}

fn excepted(checker: &mut Checker<'_>, item: &Spanned<Item>) -> Option<Principal> {
    if let Some(text @ (ANYONE | OUTSIDE | UNSIGNED)) = item.text() {
        checker.report(
            Diagnostic::new(
                Code::Principal,
                item.span,
                format!("`except` of this never cannot be `{text}`"),
                "an exception is named",
            )
            .help("name the roles or accounts that may"),
        );
        return None;
    }
    someone(checker, item)
}

/// A resource that a never is about, and where it is named; nothing where the stack means all.
type Targets = Option<Vec<(Address, Span)>>;

fn targets(checker: &mut Checker<'_>, fields: &Fields) -> Targets {
    if !fields.is_written("to") {
        return None;
    }
    let texts = texts(fields.list("to"));
    Some(
        texts
            .filter_map(|text| {
                let span = text.span;
                Some((resource(checker, text, "this never")?, span))
            })
            .collect(),
    )
}

/// The role, key, topic, queue or API of the stack that a text names. `who` says who names it.
pub(super) fn resource(
    checker: &mut Checker<'_>,
    text: Spanned<&str>,
    who: &str,
) -> Option<Address> {
    let nouns = [
        (Noun::Api, KindName::RestApi),
        (Noun::Topic, KindName::Topic),
        (Noun::Queue, KindName::Queue),
        (Noun::Role, KindName::Role),
        (Noun::Key, KindName::Key),
    ];
    let nouns = nouns
        .into_iter()
        // Nothing is said of keys by the words of `do`.
        .filter(|it| it.0 != Noun::Key || who != "this never");
    let table = text.value.split_once('.').map_or("", |it| it.0);
    if let Some((noun, kind)) = nouns.clone().find(|it| it.0.table() == table) {
        let name = checker.reference(noun, text, who)?;
        return Some(Address::new(kind, name));
    }
    let fault = Diagnostic::new(
        Code::Reference,
        text.span,
        format!(
            "{who} is about `{}`, which is no resource of a stack",
            text.value
        ),
        "not `apis.…`, `topics.…`, `queues.…` or `roles.…`",
    );
    let bare = text.value.rsplit('.').next().unwrap_or_default();
    let all: Vec<String> = nouns
        .flat_map(|(noun, _)| {
            let names = checker.names(noun).keys();
            names.map(move |it| format!("{}.{it}", noun.table()))
        })
        .collect();
    let meant = all
        .iter()
        .find(|it| it.split_once('.').is_some_and(|it| it.1 == bare))
        .map(String::as_str)
        .or_else(|| nearest(text.value, all.iter().map(String::as_str)));
    checker.report(match meant {
        Some(meant) => fault.fix("write it so", text.span, format!("\"{meant}\"")),
        None if who == "this never" => fault
            .help("write `\"topics.NAME\"`; without `to` it is about every API, topic and queue"),
        None => fault.help("write `\"topics.NAME\"`"),
    });
    None
}

/// A word of `do`, where it is written.
enum Word {
    Deed(Deed),
    Route(RouteKey),
}

impl Deed {
    const ALL: [Self; 5] = [
        Self::Publish,
        Self::Subscribe,
        Self::Send,
        Self::Receive,
        Self::Assume,
    ];

    /// The kind of resource that it is done to.
    #[must_use]
    pub fn kind(self) -> KindName {
        match self {
            Self::Publish | Self::Subscribe => KindName::Topic,
            Self::Send | Self::Receive => KindName::Queue,
            Self::Assume => KindName::Role,
        }
    }

    /// As a stack writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Subscribe => "subscribe",
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Assume => "assume",
        }
    }

    /// All that is done to a kind of resource.
    #[must_use]
    pub fn of(kind: KindName) -> BTreeSet<Self> {
        Self::ALL
            .into_iter()
            .filter(|it| it.kind() == kind)
            .collect()
    }
}

fn word(checker: &mut Checker<'_>, text: &Spanned<&str>) -> Option<Word> {
    let it = text.value;
    if let Some(deed) = Deed::ALL.into_iter().find(|deed| deed.as_str() == it) {
        return Some(Word::Deed(deed));
    }
    let bare = it.rsplit(':').next().unwrap_or_default().to_lowercase();
    let is_route = it == "*" || it.contains([' ', '/']);
    if is_route {
        return match routes::pattern(it) {
            Ok(pattern) => Some(Word::Route(pattern)),
            Err(wrong) => {
                checker.report(wrong.at(text.span));
                None
            }
        };
    }
    let fault = Diagnostic::new(
        Code::Route,
        text.span,
        format!("`{it}` is nothing that a never can forbid"),
        "not a route, and no word for a deed",
    );
    let meant = match bare.as_str() {
        "sendmessage" => Some("send"),
        "receivemessage" => Some("receive"),
        "assumerole" => Some("assume"),
        "invoke" | "call" => Some("*"),
        other => nearest(other, Deed::ALL.map(Deed::as_str)),
    };
    checker.report(match meant {
        Some(meant) => fault.fix("write it so", text.span, format!("\"{meant}\"")),
        None => fault.help(format!(
            "write a route such as `\"POST /orders\"`, or {}",
            listed(Deed::ALL.map(Deed::as_str), "or")
        )),
    });
    None
}

fn forbidden(
    checker: &mut Checker<'_>,
    fields: &Fields,
    targets: &Targets,
    apis: &BTreeMap<String, Known>,
) -> Vec<Forbidden> {
    let written: Vec<Spanned<&str>> = texts(fields.list("do")).collect();
    let mut words = Vec::new();
    for text in &written {
        if let Some(word) = word(checker, text) {
            words.push((word, *text));
        }
    }
    let everything = !fields.is_written("do");
    let all: Vec<(Address, Span)> = match targets {
        Some(targets) => targets.clone(),
        None => [
            (Noun::Api, KindName::RestApi),
            (Noun::Topic, KindName::Topic),
            (Noun::Queue, KindName::Queue),
        ]
        .into_iter()
        .flat_map(|(noun, kind)| {
            let names = checker.names(noun).iter();
            names.map(move |(name, span)| (Address::new(kind, name), *span))
        })
        .collect(),
    };
    let mut found = Vec::new();
    let mut used = vec![false; words.len()];
    for (address, at) in &all {
        let mut deeds = BTreeSet::new();
        let mut patterns: Vec<RouteKey> = Vec::new();
        let mut meant = false;
        for ((word, text), used) in words.iter().zip(&mut used) {
            match word {
                Word::Deed(deed) if deed.kind() == address.kind => {
                    *used = true;
                    deeds.insert(*deed);
                }
                Word::Route(pattern) if address.kind == KindName::RestApi => {
                    *used = true;
                    meant = true;
                    let fault = apis
                        .get(&address.name)
                        .and_then(|it| surfaces::unreached(pattern, text, &address.name, it));
                    match fault {
                        Some(fault) if targets.is_some() => checker.report(fault),
                        None if !patterns.contains(pattern) => patterns.push(pattern.clone()),
                        Some(_) | None => {}
                    }
                }
                Word::Deed(_) | Word::Route(_) => {}
            }
        }
        if everything {
            deeds = Deed::of(address.kind);
            if address.kind == KindName::RestApi {
                patterns.push(RouteKey::all());
            }
        } else if deeds.is_empty() && patterns.is_empty() {
            if targets.is_some() && !meant && words.len() == written.len() && !words.is_empty() {
                checker.report(nothing_of(address, *at));
            }
            continue;
        }
        found.push(Forbidden {
            target: address.clone(),
            deeds,
            routes: patterns,
        });
    }
    if targets.is_none() {
        for ((_, text), _) in words.iter().zip(&used).filter(|(_, used)| !**used) {
            checker.report(
                Diagnostic::new(
                    Code::Reference,
                    text.span,
                    format!("`{}` can be done to nothing of this stack", text.value),
                    "no resource of its kind",
                )
                .help("name what it is about: `to = \"…\"`"),
            );
        }
    }
    found
}

fn nothing_of(address: &Address, at: Span) -> Diagnostic {
    let words: Vec<&str> = Deed::of(address.kind)
        .into_iter()
        .map(Deed::as_str)
        .collect();
    let fault = Diagnostic::new(
        Code::Conflict,
        at,
        format!("nothing in `do` of this never can be done to `{address}`"),
        "named here",
    );
    if words.is_empty() {
        fault.help("of an API it forbids routes: `do = [\"POST /orders\"]`, or `\"*\"`")
    } else {
        fault.help(format!(
            "of a {} it forbids {}",
            address.kind.singular(),
            listed(words, "and")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{faults, stack};
    use super::super::{Deed, Whom};

    const BASE: &str = "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\n[topics.t]\n[queues.q]\n[apis.a.routes]\n\"POST /refunds\" = { mock = 200 }\n";

    fn told(text: &str) -> String {
        faults(&format!("{BASE}[[never]]\n{text}"))
    }

    #[test]
    fn a_never_is_read_with_all_that_it_forbids() {
        let stack = stack(&format!(
            "{BASE}[[never]]\nwho = [\"outside accounts\", {{ account = \"222222222222\" }}]\nto = [\"topics.t\", \"apis.a\"]\ndo = [\"publish\", \"POST /refunds\"]\nexcept = \"roles.r\"\nreason = \"why\"\n[[never]]\nwho = \"unsigned callers\"\n"
        ));
        let [first, second] = stack.nevers.as_slice() else {
            panic!("{:?}", stack.nevers)
        };
        assert_eq!(first.who[0], Whom::Outside);
        assert_eq!(first.forbids.len(), 2);
        assert_eq!(
            first.forbids[0].deeds.iter().copied().collect::<Vec<_>>(),
            [Deed::Publish]
        );
        assert_eq!(first.forbids[1].routes[0].to_string(), "POST /refunds");
        assert_eq!(first.reason.as_deref(), Some("why"));
        let all: Vec<String> = second
            .forbids
            .iter()
            .map(|it| it.target.to_string())
            .collect();
        assert_eq!(all, ["apis.a", "topics.t", "queues.q"]);
    }

    #[test]
    fn wrong_words_are_told_at_their_place() {
        snapbox::assert_data_eq!(
            told("to = \"topics.t\"\n"),
            snapbox::str![[r#"
E0103: this never has no `who` [`who` is missing] help: add `who = "…"`: who may not: `"anyone"`, `"outside accounts"` (whoever is in no account of the stack), `"unsigned callers"`, a principal as in `[[access]]`, or a user by its ARN

"#]]
        );
        snapbox::assert_data_eq!(
            told(
                "who = [\"anyon\", \"outside acounts\", \"*\", \"roles.x\", { vpc_endpoint = \"vpce-0123\" }]\nto = [\"t\", \"topics.u\", \"stages.x\"]\ndo = [\"publsh\", \"sqs:SendMessage\", \"fly\"]\nexcept = \"anyone\"\n"
            ),
            snapbox::str![[r#"
E0302: this never speaks of `anyon`, which is no principal [not one of the words for many] write it so: "anyone"
E0302: this never speaks of `outside acounts`, which is no principal [not one of the words for many] write it so: "outside accounts"
E0302: this never speaks of `*`, which is no principal [not one of the words for many] write it so: "anyone"
E0201: this never refers to role `x`, which is not declared [no role has this name] help: roles that are declared: `r`; or add `[roles.x]`
E0302: `vpce-0123` is a way in, not someone [a VPC endpoint] help: name who comes through it: a role, or a whole account
E0201: this never is about `t`, which is no resource of a stack [not `apis.…`, `topics.…`, `queues.…` or `roles.…`] write it so: "topics.t"
E0201: this never refers to topic `u`, which is not declared [no topic has this name] help: topics that are declared: `t`; or add `[topics.u]`
E0201: this never is about `stages.x`, which is no resource of a stack [not `apis.…`, `topics.…`, `queues.…` or `roles.…`] help: write `"topics.NAME"`; without `to` it is about every API, topic and queue
E0301: `publsh` is nothing that a never can forbid [not a route, and no word for a deed] write it so: "publish"
E0301: `sqs:SendMessage` is nothing that a never can forbid [not a route, and no word for a deed] write it so: "send"
E0301: `fly` is nothing that a never can forbid [not a route, and no word for a deed] help: write a route such as `"POST /orders"`, or `publish`, `subscribe`, `send`, `receive` or `assume`
E0302: `except` of this never cannot be `anyone` [an exception is named] help: name the roles or accounts that may

"#]]
        );
        snapbox::assert_data_eq!(
            told("who = \"anyone\"\nto = [\"topics.t\", \"queues.q\"]\ndo = \"publish\"\n"),
            snapbox::str![[r#"
E0105: nothing in `do` of this never can be done to `queues.q` [named here] help: of a queue it forbids `send` and `receive`

"#]]
        );
        snapbox::assert_data_eq!(
            told("who = \"anyone\"\nto = \"apis.a\"\ndo = [\"POST /refund\", \"assume\"]\n"),
            snapbox::str![[r#"
E0301: api `a` has no route that `POST /refund` reaches [no route answers this | a like route: `POST /refunds`] a like route exists: "POST /refunds"

"#]]
        );
        snapbox::assert_data_eq!(
            told("from = \"anyone\"\nallow = \"assume\"\n"),
            snapbox::str![[r#"
E0101: unknown field `from` in this never [no such field] a field with a like name exists: who
E0101: unknown field `allow` in this never [no such field] a field with a like name exists: do
E0201: `assume` can be done to nothing of this stack [no resource of its kind] help: name what it is about: `to = "…"`

"#]]
        );
    }
}
