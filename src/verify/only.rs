//! What a stack promises not to work: nothing that it does not declare is allowed among its resources.
//!
//! Two ways lead to a resource. Its own policy names somebody: each statement that allows must lie
//! within what is declared. Or a role of the resource's own account is allowed by its identity
//! policies alone: each such statement is held against the resources that it matches. Which calls of an
//! API a statement reaches is found by searching for a call that is reached and not declared; every
//! suspicion is put to the evaluator as a request, and only what that lets through is held against the stack.

mod calls;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::kinds::survey::ceilings::Extent;
use crate::lower::Desired;
use crate::model::KindName;
use crate::policy::widen::blame;
use crate::policy::{Change, Decision, Document, Effect, Request, Statement, Who, compare_in};
use crate::stack::Stack;

use super::actions::actions_on;
use super::bound::{Bound, account_of, covers};
use super::claim::{Evidence, Finding, Promise, Trial, is_to_blame};
use super::declared::Declared;
use super::paper::{Origin, Paper, allowing};
use super::reaching::{Reach, Reaching};
use super::steps::Step;
use super::voice::{MADE_UP, role_in};
use super::world::{Caller, Receiver, Thing, What, World};

/// A sentence lists no more actions than these.
const MOST_LISTED: usize = 4;

/// Looks for whatever is allowed and not declared.
pub(super) fn claims(stack: &Stack, desired: &Desired, world: &World, findings: &mut Vec<Finding>) {
    let declared = Declared::of(stack, desired, world);
    let reaching = Reaching::of(world);
    let search = Search {
        world,
        declared: &declared,
        reaching: &reaching,
    };
    for whole in world.things.values() {
        let mut trial = Trial::default();
        // Of a resource that something else makes, only what this stack adds is this stack's to answer for.
        let is_guest = !whole.owned && whole.address.kind != KindName::Key;
        let whole = &*search.without_foreign(whole, is_guest);
        search.policy(&mut trial, whole);
        let thing = &*search.without_declared(whole);
        let nobody = if is_guest {
            "this stack lets no other principal"
        } else {
            "nobody else may"
        };
        let claim = match &thing.what {
            What::Topic { receivers, .. } => {
                search.topic(&mut trial, thing);
                for it in receivers.iter().filter(|_| !is_guest) {
                    search.receives(&mut trial, thing, it);
                }
                format!(
                    "{nobody} publish to {}, subscribe to it or change it",
                    thing.address
                )
            }
            What::Queue { .. } => {
                search.queue(&mut trial, thing);
                format!(
                    "{nobody} send to {}, receive from it or change it",
                    thing.address
                )
            }
            What::Key => {
                let actions = ["kms:Decrypt", "kms:GenerateDataKey", "kms:PutKeyPolicy"];
                search.strangers(&mut trial, thing, &actions, &thing.arn);
                format!("{nobody} use {} or change it", thing.address)
            }
            What::Api(surface) => {
                let declared = declared.callers(&thing.address);
                search.api(&mut trial, thing, surface, &declared);
                for it in &surface.others {
                    let mut other = Trial::default();
                    search.api(&mut other, thing, &surface.on(it), &BTreeMap::new());
                    trial.adds_foreign(other);
                }
                findings.push(search.unsigned(thing, surface));
                format!("{nobody} call {} or change it", thing.address)
            }
            What::Role { .. } if !thing.owned || !declared.wants(&thing.address) => continue,
            What::Role { .. } => {
                search.strangers(&mut trial, thing, &["sts:AssumeRole"], &thing.arn);
                format!(
                    "{nobody} assume {}, pass it to a service or change it",
                    thing.address
                )
            }
        };
        search.by_own_policies(&mut trial, thing);
        findings.push(Finding {
            claim,
            promise: Promise::Only,
            subject: thing.address.clone(),
            written_at: None,
            steps: trial.steps.clone(),
            outcome: trial.outcome(),
        });
    }
}

struct Search<'a> {
    world: &'a World,
    declared: &'a Declared<'a>,
    reaching: &'a Reaching<'a>,
}

impl Search<'_> {
    /// Each statement of a resource's own policy that allows, against what is declared.
    fn policy(&self, trial: &mut Trial, thing: &Thing) {
        let Some(paper) = &thing.policy else { return };
        let bound = self.declared.bound(thing);
        trial.rests_on(self.world.keeps_steps, || Step::Within {
            document: paper.document.clone(),
            declared: bound.document(),
        });
        let outside: Vec<&Statement> = allowing(paper).filter(|it| !bound.covers(it)).collect();
        for statement in outside {
            self.outside(trial, thing, paper, statement, &bound);
        }
    }

    /// A statement that does not lie within the bound part by part: compared exactly.
    fn outside(
        &self,
        trial: &mut Trial,
        thing: &Thing,
        paper: &Paper,
        statement: &Statement,
        bound: &Bound,
    ) {
        let origin = paper.origin_of(statement, &self.world.own);
        let denies = paper
            .document
            .statements
            .iter()
            .filter(|it| it.effect == Effect::Deny);
        let alone = Document {
            statements: std::iter::once(statement).chain(denies).cloned().collect(),
            ..paper.document.clone()
        };
        let found = compare_in(account_of(thing), &bound.document(), &alone);
        if found.verdict == Change::Unproven {
            trial.depends_on(
                found
                    .because
                    .iter()
                    .map(|it| format!("{}, {}: {it}", paper.name, label(statement))),
            );
            return;
        }
        for mut request in found.gains {
            if matches!(thing.what, What::Role { .. } | What::Key) {
                // A trust policy names no resource, and `*` in a key's policy is the key: both are about their own.
                request.resource.clone_from(&thing.arn);
            }
            if let What::Api(surface) = &thing.what
                && request.principal == Who::Anonymous
                && self.is_authorized(trial, &request, thing, surface)
            {
                continue;
            }
            let who = self.world.who(&request.principal);
            let resource = self.world.resource_of(&request);
            let own = request.assumed();
            let own = own.map_or_else(String::new, |it| format!(", {}", it.phrase()));
            // The example stands for many, and what refuses it today may be lifted.
            let of_many = Extent {
                any_caller: true,
                any_resource: true,
            };
            let refused = self.world.ceilings.refuses(&request, of_many);
            let refused = refused.map_or_else(String::new, |it| {
                format!("; today {}", self.world.named(&it))
            });
            trial.fails(Evidence {
                says: format!(
                    "{} lets {who} {} on {resource}{own}{refused}",
                    paper.name, request.action
                ),
                blame: vec![
                    self.world
                        .named(&format!("{}, {}", paper.name, label(statement))),
                ],
                request: Some(request),
                origin,
            });
        }
    }

    /// The same resource without what others allow in its policy.
    fn without_foreign<'b>(&self, thing: &'b Thing, is_guest: bool) -> Cow<'b, Thing> {
        let Some(paper) = thing.policy.as_ref().filter(|_| is_guest) else {
            return Cow::Borrowed(thing);
        };
        let mut document = paper.document.clone();
        document.statements.retain(|it| {
            it.effect == Effect::Deny || paper.origin_of(it, &self.world.own) != Origin::Foreign
        });
        let mut thing = thing.clone();
        thing.policy = Some(Paper::resource(paper.name.clone(), document));
        Cow::Owned(thing)
    }

    /// The same resource without the statements that let in everyone under a declared condition, such as a
    /// VPC endpoint: what they let through is declared, whoever makes the request.
    fn without_declared<'b>(&self, thing: &'b Thing) -> Cow<'b, Thing> {
        let open = self.declared.bound(thing).of_everyone();
        let Some(paper) = &thing.policy else {
            return Cow::Borrowed(thing);
        };
        let is_declared = |it: &Statement| it.effect == Effect::Allow && open.covers(it);
        if !paper.document.statements.iter().any(is_declared) {
            return Cow::Borrowed(thing);
        }
        let mut document = paper.document.clone();
        document.statements.retain(|it| !is_declared(it));
        let mut thing = thing.clone();
        thing.policy = Some(Paper::resource(paper.name.clone(), document));
        Cow::Owned(thing)
    }

    /// A request that nobody declared.
    fn must_fail(&self, trial: &mut Trial, request: &Request, caller: Caller<'_>, target: &Thing) {
        if let Some(evidence) = self.lets(trial, request, caller, target) {
            trial.fails(evidence);
        }
    }

    /// Tries a request that nobody declared, and returns what lets it through.
    fn lets(
        &self,
        trial: &mut Trial,
        request: &Request,
        caller: Caller<'_>,
        target: &Thing,
    ) -> Option<Evidence> {
        let mut verdict = self.world.should_fail(request, caller, target);
        let mut request = Cow::Borrowed(request);
        if verdict.decision == Decision::Unproven
            && let Some((shown, found)) = self.world.in_context(&request, caller, target)
        {
            (request, verdict) = (Cow::Owned(shown), found);
        }
        trial.rests_on(self.world.keeps_steps, || {
            let step = Step::asked(&request, false, verdict.decision);
            step.under(&self.world.ceilings, &target.place.id)
        });
        match verdict.decision {
            Decision::Deny => None,
            Decision::Unproven => {
                trial.depends_on(verdict.because.iter().map(|it| self.world.named(it)));
                None
            }
            Decision::Allow => {
                let who = self.world.who(&request.principal);
                let resource = self.world.resource_of(&request);
                Some(Evidence {
                    says: format!(
                        "{who} may {} on {resource}, and nobody declared it",
                        request.action
                    ),
                    blame: verdict
                        .because
                        .iter()
                        .filter(|it| is_to_blame(it))
                        .map(|it| {
                            self.world.named(
                                it.strip_suffix(" allows it")
                                    .unwrap_or(it)
                                    .trim_end_matches(','),
                            )
                        })
                        .collect(),
                    origin: self.origin_of(&request, caller, target),
                    request: Some(request.into_owned()),
                })
            }
        }
    }

    /// Who wrote what lets a request through. What somebody else's statement alone lets through is theirs.
    fn origin_of(&self, request: &Request, caller: Caller<'_>, target: &Thing) -> Origin {
        let found = self.origins_of(request, caller, target);
        found.into_iter().max().unwrap_or(Origin::Ours)
    }

    /// Who wrote the statements that let a request through.
    fn origins_of(&self, request: &Request, caller: Caller<'_>, target: &Thing) -> Vec<Origin> {
        let mut papers: Vec<&Paper> = target.policy.iter().collect();
        if let Caller::Role(Thing {
            what: What::Role { identity, .. },
            ..
        }) = caller
        {
            papers.extend(identity);
        }
        let mut found = Vec::new();
        for paper in papers {
            let Some(label) = blame(&paper.document, request) else {
                continue;
            };
            let statements = paper.document.statements.iter().enumerate();
            let statement = statements
                .map(|(at, it)| (it, named_as(it, at)))
                .find(|(_, it)| *it == label);
            found.extend(statement.map(|(it, _)| paper.origin_of(it, &self.world.own)));
        }
        found
    }

    /// Callers that no stack knows: nobody declared anything for them.
    fn strangers(&self, trial: &mut Trial, thing: &Thing, actions: &[&str], resource: &str) {
        let outsider = self.stranger(thing);
        for action in actions {
            let ask = |who: &Who| Request::new(who.clone(), *action, resource);
            self.must_fail(trial, &ask(&outsider), Caller::Mighty, thing);
            self.must_fail(trial, &ask(&Who::Anonymous), Caller::Bare, thing);
        }
    }

    fn topic(&self, trial: &mut Trial, thing: &Thing) {
        self.strangers(
            trial,
            thing,
            &["sns:Publish", "sns:SetTopicAttributes"],
            &thing.arn,
        );
        // A queue of somebody's, subscribed by its own account.
        let request = self.subscribing(self.stranger(thing), thing);
        self.must_fail(trial, &request, Caller::Mighty, thing);
    }

    /// Roles whose own policies let them use a resource or change it, against what the stack grants them.
    ///
    /// A policy that the author wrote for a role declares what `[[access]]` has no words for.
    fn by_own_policies(&self, trial: &mut Trial, thing: &Thing) {
        let kind = thing.address.kind;
        let granted = self.declared.granted(thing);
        let is_granted = |role: &Thing, action: &str| {
            granted.iter().any(|(principal, actions)| {
                actions.contains(&action) && covers(principal, self.declared.stack, &role.arn)
            })
        };
        let all: Vec<&str> = actions_on(kind).all().collect();
        let has_words = |action: &str| {
            let of_access = matches!(kind, KindName::Topic | KindName::Queue);
            of_access && actions_on(kind).uses.contains(&action)
        };
        for Reach { role, deeds } in self.reaching.of_own_side(thing) {
            let mut found: Vec<(&str, Evidence)> = Vec::new();
            for (action, on) in &deeds {
                // Calls are looked for route by route.
                if *action == "execute-api:Invoke" || is_granted(role, action) {
                    continue;
                }
                let who = Who::Arn(role.arn.clone());
                let mut request = match *action {
                    "sns:Subscribe" => self.subscribing(who, thing),
                    action => Request::new(who, action, on.clone()),
                };
                if request.owner().is_none() {
                    request.resource_account = Some(account_of(thing).to_owned());
                }
                let caller = Caller::Role(role);
                let Some(evidence) = self.lets(trial, &request, caller, thing) else {
                    continue;
                };
                let by_author = || {
                    let found = self.origins_of(&request, caller, thing);
                    found.contains(&Origin::Author)
                };
                if kind == KindName::Topic && has_words(action) {
                    trial.fails(evidence);
                } else if has_words(action) || !by_author() {
                    found.push((action, evidence));
                }
            }
            found.sort_by_key(|(action, _)| all.iter().position(|it| it == action));
            let who = role.address.to_string();
            if let Some(evidence) = all_of(found, &who, thing) {
                trial.fails(evidence);
            }
        }
    }

    fn queue(&self, trial: &mut Trial, thing: &Thing) {
        self.strangers(
            trial,
            thing,
            &["sqs:SendMessage", "sqs:ReceiveMessage"],
            &thing.arn,
        );
        for account in [account_of(thing), &self.world.stranger()] {
            let place = &thing.place;
            let topic = format!(
                "arn:{}:sns:{}:{account}:{MADE_UP}",
                place.partition(),
                place.region
            );
            let request = Request::new(
                Who::Service("sns.amazonaws.com".to_owned()),
                "sqs:SendMessage",
                thing.arn.clone(),
            )
            .with("aws:SourceArn", [topic])
            .with("aws:SourceAccount", [account]);
            self.must_fail(trial, &request, Caller::Bare, thing);
        }
    }

    /// A role of an account that neither the stack nor any policy names.
    fn stranger(&self, thing: &Thing) -> Who {
        Who::Arn(role_in(&thing.place, &self.world.stranger(), MADE_UP))
    }

    /// A subscription of a stranger's queue.
    fn subscribing(&self, who: Who, topic: &Thing) -> Request {
        let place = &topic.place;
        let stray = format!(
            "arn:{}:sqs:{}:{}:{MADE_UP}",
            place.partition(),
            place.region,
            self.world.stranger()
        );
        Request::new(who, "sns:Subscribe", topic.arn.clone())
            .with("sns:Protocol", ["sqs"])
            .with("sns:Endpoint", [stray.as_str()])
    }

    /// Somebody who receives from a topic by a subscription that the stack does not have.
    fn receives(&self, trial: &mut Trial, topic: &Thing, receiver: &Receiver) {
        if receiver.pending {
            trial.depends_on([format!(
                "{} receives from {} once it confirms: {}",
                receiver.endpoint, topic.address, receiver.text
            )]);
            return;
        }
        trial.fails(Evidence {
            request: None,
            says: format!(
                "{} receives from {}, and nothing in the stack says so",
                self.world.named(&receiver.endpoint),
                topic.address
            ),
            blame: vec![self.world.named(&receiver.text)],
            origin: Origin::Foreign,
        });
    }
}

/// Makes one piece of evidence of all that a role may do to a resource.
fn all_of(mut deeds: Vec<(&str, Evidence)>, who: &str, thing: &Thing) -> Option<Evidence> {
    deeds.dedup_by(|a, b| a.0 == b.0);
    let actions: Vec<&str> = deeds.iter().map(|it| it.0).collect();
    let (listed, more) = actions.split_at(actions.len().min(MOST_LISTED));
    let more = match more.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let says = format!(
        "{who} may {}{more} on {}, and nobody declared it",
        listed.join(", "),
        thing.address
    );
    let origin = deeds.iter().map(|it| it.1.origin).max()?;
    let mut blame: Vec<String> = Vec::new();
    for it in deeds.iter().flat_map(|it| &it.1.blame) {
        if !blame.contains(it) {
            blame.push(it.clone());
        }
    }
    let (_, first) = deeds.into_iter().next()?;
    Some(Evidence {
        says,
        blame,
        origin,
        ..first
    })
}

/// How a reason calls a statement that stands somewhere in a document.
fn named_as(statement: &Statement, at: usize) -> String {
    match &statement.sid {
        Some(sid) => format!("statement `{sid}`"),
        None => format!("statement {}", at + 1),
    }
}

/// How a sentence calls a statement.
fn label(statement: &Statement) -> String {
    let described = || crate::kinds::statements::describe(statement);
    let bare = || format!("the statement `{}`", described());
    let named = |sid: &String| format!("statement `{sid}`");
    statement.sid.as_ref().map_or_else(bare, named)
}

#[cfg(test)]
mod tests;
