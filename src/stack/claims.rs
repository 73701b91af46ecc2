//! Claims on what other stacks offer, and the files by which others tell what they claim of this one.

use std::collections::BTreeMap;

use crate::model::{Address, Arn, KindName};

use super::checker::{Checker, Noun, texts};
use super::contract::{Claim, Claimed, Contract, Invited, Leave, Offered, Withdrawn, target};
use super::diagnostic::{Code, Diagnostic, Span, listed, nearest};
use super::fields::Fields;
use super::shape::{Field, Kind, Shape};
use super::syntax::Spanned;
use super::{Principal, TopicRef, contracts, principals, routes, sealed};

/// Somebody who claims: a role or a queue of the stack.
pub(super) struct Claimant<'a> {
    /// Where it stands in the stack.
    pub(super) address: Address,
    /// Its ARN.
    pub(super) arn: &'a Arn,
}

/// The contract and the target that a text names; an inner `None` stands for what is reported.
fn named<'c>(
    checker: &mut Checker<'_>,
    contracts: &'c BTreeMap<String, Contract>,
    text: Spanned<&str>,
    who: &str,
    by: &[Address],
) -> Option<(&'c Contract, String, Address)> {
    let Some((name, of)) = contracts::split(text) else {
        checker.report(
            Diagnostic::new(
                Code::Reference,
                text.span,
                format!(
                    "{who} claims `{}`, which names nothing of a contract",
                    text.value
                ),
                "not `contracts.NAME.apis.…` or `contracts.NAME.topics.…`",
            )
            .help("name the contract, and what of it, as its file has it"),
        );
        return None;
    };
    if !checker.is_declared(Noun::Contract, name) {
        let fault = checker.no_such(Noun::Contract, name, "contracts.", text.span, who);
        // A fix would take the rest of the text along.
        let fault = Diagnostic { fix: None, ..fault };
        checker.report(fault);
        return None;
    }
    // A contract that is not there is broken, and reported.
    let contract = contracts.get(name)?;
    let found = target(of);
    let known = found.as_ref().is_some_and(|it| match it.kind {
        KindName::RestApi => contract.apis.contains_key(&it.name),
        _ => contract.topics.contains_key(&it.name),
    });
    if let (Some(found), true) = (found, known) {
        return Some((contract, name.to_owned(), found));
    }
    let all: Vec<String> = contract
        .apis
        .keys()
        .map(|it| format!("apis.{it}"))
        .chain(contract.topics.keys().map(|it| format!("topics.{it}")))
        .collect();
    let fault = Diagnostic::new(
        Code::Claim,
        text.span,
        format!(
            "{who} claims `{of}`, which stack `{}` does not offer",
            contract.stack
        ),
        "not in the contract",
    );
    let fault = match nearest(of, all.iter().map(String::as_str)) {
        Some(meant) => fault.fix(
            "it offers one with a like name",
            text.span,
            format!("\"contracts.{name}.{meant}\""),
        ),
        None if all.is_empty() => fault.help("it offers nothing at all"),
        None => fault.help(format!(
            "it offers {}",
            listed(all.iter().map(String::as_str), "and")
        )),
    };
    checker.unmet(&fault, by);
    None
}

/// `[[access]]` to something of a contract.
pub(super) fn access(
    checker: &mut Checker<'_>,
    fields: &Fields,
    span: Span,
    contracts: &BTreeMap<String, Contract>,
    found: &mut Vec<Claim>,
) {
    for name in ["via", "role_name", "external_id"] {
        if let Some(key) = fields.key_of(name) {
            checker.report(
                Diagnostic::new(
                    Code::Conflict,
                    key,
                    format!("`{name}` is not a claim's to say"),
                    "the owner chose, and the contract says so",
                )
                .help(format!("remove `{name}`")),
            );
        }
    }
    let mut claimants: Vec<(String, Arn, Span)> = Vec::new();
    for item in fields.list("from") {
        match principals::principal(checker, item, "this access") {
            Some(Spanned {
                value: Principal::Role(name),
                span,
            }) => {
                if let Some(arn) = checker.standing(Noun::Role, &name).and_then(|it| it.arn.clone())
                {
                    claimants.push((name, arn, span));
                }
            }
            Some(other) => checker.report(
                Diagnostic::new(
                    Code::Principal,
                    other.span,
                    "only a role of this stack can claim what another stack offers",
                    "not a role of this stack",
                )
                .help("the claim is written into the role's own policy: declare the role, if need be with `existing`"),
            ),
            None => {}
        }
    }
    let Some(to) = fields.text("to") else { return };
    let by: Vec<Address> = claimants
        .iter()
        .map(|(role, ..)| Address::new(KindName::Role, role))
        .collect();
    let Some((contract, name, target)) = named(checker, contracts, to, "this access", &by) else {
        return;
    };
    let wanted = match target.kind {
        KindName::RestApi => wanted_routes(checker, fields, contract, &target),
        _ => wanted_of_topic(checker, fields),
    };
    for (role, arn, at) in &claimants {
        if !checker.check_partition(
            Spanned::new(arn, *at),
            partition(contract, &target),
            &format!("what stack `{}` offers", contract.stack),
        ) {
            continue;
        }
        let claimant = Claimant {
            address: Address::new(KindName::Role, role),
            arn,
        };
        let mut claims: Vec<Claim> = Vec::new();
        for leave in &wanted {
            let Some(offered) = offered(checker, contract, &target, leave, &claimant, *at) else {
                continue;
            };
            let same = claims.iter_mut().find(|it| it.offered == offered);
            match (same.map(|it| &mut it.leave), &leave.value) {
                (Some(Leave::Call(routes)), Leave::Call(more)) => {
                    routes.extend(
                        more.iter()
                            .filter(|it| !routes.contains(it))
                            .cloned()
                            .collect::<Vec<_>>(),
                    );
                }
                (Some(_), _) => {}
                (None, leave) => claims.push(Claim {
                    from: role.clone(),
                    contract: name.clone(),
                    to: target.clone(),
                    leave: leave.clone(),
                    offered,
                    written_at: checker.written_at(span),
                }),
            }
        }
        found.extend(claims);
    }
}

fn partition(contract: &Contract, target: &Address) -> crate::model::Partition {
    let region = match target.kind {
        KindName::RestApi => contract.apis[&target.name].region.as_str(),
        _ => contract.topics[&target.name].arn.region(),
    };
    crate::model::Partition::of_region(region)
}

/// The routes that a claim allows itself, each by itself.
fn wanted_routes(
    checker: &mut Checker<'_>,
    fields: &Fields,
    contract: &Contract,
    target: &Address,
) -> Vec<Spanned<Leave>> {
    let items = fields.list("allow");
    if items.is_empty() && (fields.is_empty_list("allow") || !fields.is_written("allow")) {
        let span = fields.get("allow").map_or(fields.key, |it| it.span);
        let all = words(contract.offers_of(target));
        checker.report(
            Diagnostic::new(
                Code::Missing,
                span,
                format!(
                    "this access to `{target}` of stack `{}` does not say which routes",
                    contract.stack
                ),
                "`allow` is missing or empty",
            )
            .help(format!("what is offered: {all}")),
        );
    }
    let mut found = Vec::new();
    for text in texts(items) {
        match routes::pattern(text.value) {
            Ok(route) => found.push(Spanned::new(Leave::Call(vec![route]), text.span)),
            Err(wrong) => checker.report(wrong.at(text.span)),
        }
    }
    found
}

fn wanted_of_topic(checker: &mut Checker<'_>, fields: &Fields) -> Vec<Spanned<Leave>> {
    let span = fields.get("to").map_or(fields.key, |it| it.span);
    if super::allow::check_topic_allow(checker, fields) {
        vec![Spanned::new(Leave::Publish, span)]
    } else {
        Vec::new()
    }
}

/// What is offered, as a claim would write it.
fn words<'a>(offers: impl Iterator<Item = &'a Offered>) -> String {
    let mut all: Vec<String> = offers
        .flat_map(|it| it.leave.words())
        .map(|it| format!("`{it}`"))
        .collect();
    all.sort();
    all.dedup();
    if all.is_empty() {
        return "nothing".to_owned();
    }
    listed(all.iter().map(|it| it.trim_matches('`')), "and")
}

/// The offer that covers a claim; reports a claim that none covers.
pub(super) fn offered(
    checker: &mut Checker<'_>,
    contract: &Contract,
    target: &Address,
    leave: &Spanned<Leave>,
    claimant: &Claimant<'_>,
    at: Span,
) -> Option<Offered> {
    let covering = || {
        contract
            .offers
            .iter()
            .filter(|it| it.covers(target, &leave.value, claimant.arn))
    };
    // What is offered to this one by name goes before what is offered to anyone.
    let own = covering().find(|it| it.to_whom != Invited::Anyone);
    if let Some(found) = own.or_else(|| covering().next()) {
        return Some(found.clone());
    }
    let owner = &contract.stack;
    let what = leave.value.words().join(", ");
    let others: Vec<String> = contract
        .offers
        .iter()
        .filter(|it| {
            let everyone = Offered {
                to_whom: Invited::Anyone,
                ..(*it).clone()
            };
            everyone.covers(target, &leave.value, claimant.arn)
        })
        .map(|it| it.to_whom.says())
        .collect();
    let fault = if others.is_empty() {
        let fault = Diagnostic::new(
            Code::Claim,
            leave.span,
            format!("stack `{owner}` does not offer `{what}` of `{target}`"),
            "not in the contract, or not any more",
        );
        let mine = || {
            contract
                .offers_of(target)
                .filter(|it| it.to_whom.means(claimant.arn))
        };
        let known: Vec<String> = mine().flat_map(|it| it.leave.words()).collect();
        match nearest(&what, known.iter().map(String::as_str)).filter(|_| leave.span != at) {
            Some(meant) if matches!(leave.value, Leave::Call(_)) => fault.fix(
                format!("a like one is offered to `{}`", claimant.address),
                leave.span,
                format!("\"{meant}\""),
            ),
            _ if known.is_empty() => fault.help(format!(
                "nothing of it is offered to `{}`",
                claimant.address
            )),
            _ => fault.help(format!(
                "offered to `{}` is {}",
                claimant.address,
                words(mine())
            )),
        }
    } else {
        Diagnostic::new(
            Code::Claim,
            at,
            format!(
                "stack `{owner}` offers `{what}` of `{target}`, but not to `{}`",
                claimant.address
            ),
            format!("this is {}", claimant.arn),
        )
        .help(format!(
            "it is offered to {}: ask its owner",
            listed(others.iter().map(String::as_str), "and")
        ))
    };
    checker.unmet(&fault, std::slice::from_ref(&claimant.address));
    None
}

/// The topic of a contract that a queue subscribes to.
pub(super) fn topic(
    checker: &mut Checker<'_>,
    text: Spanned<&str>,
    who: &str,
    queue: Option<&Claimant<'_>>,
) -> Option<TopicRef> {
    let contracts = std::mem::take(&mut checker.contracts);
    let by: Vec<Address> = queue.iter().map(|it| it.address.clone()).collect();
    let found = named(checker, &contracts, text, who, &by);
    let found = found.and_then(|(contract, name, target)| {
        if target.kind != KindName::Topic {
            checker.report(Diagnostic::new(
                Code::Reference,
                text.span,
                format!("{who} subscribes to `{target}`, which is no topic"),
                "an api",
            ));
            return None;
        }
        let queue = queue?;
        let leave = Spanned::new(Leave::Subscribe, text.span);
        offered(checker, contract, &target, &leave, queue, text.span)?;
        Some(TopicRef::Contract {
            contract: name,
            arn: contract.topics[&target.name].arn.clone(),
            name: target.name,
        })
    });
    checker.contracts = contracts;
    found
}

const HEAD: Shape = Shape {
    noun: "claims",
    doc: "The head of a claims file.",
    fields: &[
        Field::new("version", Kind::Whole(1, 1), "").required(),
        Field::new("stack", Kind::Text, "").required(),
        Field::new("of", Kind::Text, "").required(),
        Field::new("contract", Kind::Text, "").required(),
        Field::new("digest", Kind::Text, "").required(),
    ],
    one_of: &[],
};

const CLAIM: Shape = Shape {
    noun: "claim",
    doc: "A claim of a claims file.",
    fields: &[
        Field::new("to", Kind::Text, "").required(),
        Field::new("allow", Kind::List(&Kind::Text), "").required(),
        Field::new("by", Kind::Text, "").required(),
    ],
    one_of: &[],
};

const FILE: Shape = Shape {
    noun: "claims file",
    doc: "A claims file.",
    fields: &[
        Field::new("claims", Kind::Table(&HEAD), "").required(),
        Field::new("claim", Kind::List(&Kind::Table(&CLAIM)), ""),
    ],
    one_of: &[],
};

/// How a claims file is had anew.
const AGAIN: &str = "have the consumer run `provision export --claims` and give you the file again";

/// What the files listed in `claims` of `[stack]` say that others use.
pub(super) fn claimed(checker: &mut Checker<'_>, stack: &Fields) -> Vec<Claimed> {
    let mut found = Vec::new();
    for path in texts(stack.list("claims")) {
        let Some(file) = checker.beside(path, "the stack", AGAIN) else {
            continue;
        };
        let sources = checker.sources;
        match sealed::open(sources, file, "claims", "a claims file", path.span, AGAIN) {
            Ok(root) => {
                let start = Span::new(file, 0..0);
                let fields = FILE.read("this claims file", start, &root, &mut checker.faults);
                read(checker, &fields, path, &mut found);
            }
            Err(faults) => checker.faults.extend(faults),
        }
    }
    found
}

fn read(checker: &mut Checker<'_>, fields: &Fields, path: Spanned<&str>, found: &mut Vec<Claimed>) {
    let Some(head) = fields.fields("claims") else {
        return;
    };
    let (stack, of) = (head.text_or_empty("stack"), head.text("of"));
    if let Some(of) = of
        && of.value != checker.stack
    {
        let fault = Diagnostic::new(
            Code::Contract,
            path.span,
            format!(
                "`{}` has claims of stack `{stack}` on stack `{}`, and this is `{}`",
                path.value, of.value, checker.stack
            ),
            "listed here",
        )
        .and(of.span, "it says so")
        .help("list it in the stack that it is for");
        checker.report(fault);
        return;
    }
    for item in fields.list("claim") {
        let Some(it) = item.fields() else { continue };
        let to = it.text("to").and_then(|it| target(it.value));
        let by = it
            .text("by")
            .and_then(|it| Arn::parse(it.value).ok())
            .filter(|it| matches!(it.service(), "iam" | "sqs") && it.account_id().is_some());
        let mut leaves = Vec::new();
        let mut calls = Vec::new();
        for text in texts(it.list("allow")) {
            match text.value {
                "publish" => leaves.push(Leave::Publish),
                "subscribe" => leaves.push(Leave::Subscribe),
                other => calls.extend(routes::pattern(other)),
            }
        }
        if !calls.is_empty() {
            leaves.push(Leave::Call(calls));
        }
        let (Some(to), Some(by)) = (to, by) else {
            checker.report(
                Diagnostic::new(
                    Code::Contract,
                    item.span,
                    "this claim names nothing that can be claimed, or nobody who can claim",
                    "cannot be used",
                )
                .help(AGAIN),
            );
            continue;
        };
        for leave in leaves {
            found.push(Claimed {
                stack: stack.clone(),
                to: to.clone(),
                leave,
                by: by.clone(),
                written_at: checker.written_at(item.span),
            });
        }
    }
}

impl Checker<'_> {
    /// A claim that no contract covers: a fault, unless such claims are only told.
    fn unmet(&mut self, fault: &Diagnostic, by: &[Address]) {
        if self.unmet == super::Unmet::Refused || by.is_empty() {
            self.report(fault.clone());
            return;
        }
        let span = fault.labels.first().map(|it| it.span).unwrap_or_default();
        let written_at = self.written_at(span);
        self.withdrawn.extend(by.iter().map(|it| Withdrawn {
            by: it.clone(),
            says: fault.message.clone(),
            written_at: written_at.clone(),
        }));
    }
}
