//! Claims that fail only by what the stack accepts.
//!
//! What `[[known]]` names stays in the documents, so a claim that nobody else is let in fails by it. Such a claim is
//! put once more to the world without what is accepted: if it holds there, it is known, and names what it would fail by.
//! A `[[never]]` accepts nothing.

use crate::kinds::Stranger;
use crate::lower::Desired;
use crate::policy::{ApiName, Document};
use crate::stack::Stack;

use super::acceptance::Acceptance;
use super::claim::{Finding, Outcome, Promise};
use super::paper::Paper;
use super::world::{Thing, What, World};
use super::{may, only};

/// Puts each claim that fails, or may fail, to the world without what the stack accepts.
pub(super) fn settle(stack: &Stack, desired: &Desired, world: &World, findings: &mut [Finding]) {
    let is_open = |it: &Finding| {
        let bounds = matches!(it.promise, Promise::Only | Promise::Serves);
        bounds && it.outcome != Outcome::Proved
    };
    if world.accepted.is_empty() || !findings.iter().any(is_open) {
        return;
    }
    let without = |kept: Option<usize>| {
        let mut bare = world.clone();
        let parts = world.accepted.iter().enumerate();
        for (_, it) in parts.filter(|(at, _)| Some(*at) != kept) {
            bare.leave_out(it);
        }
        let mut found = Vec::new();
        only::claims(stack, desired, &bare, &mut found);
        may::serving(stack, desired, &bare, &mut found);
        found
    };
    let bare = without(None);
    let mut known: Vec<&mut Finding> = Vec::new();
    for it in findings.iter_mut().filter(|it| is_open(it)) {
        match outcome(&bare, it) {
            Some(Outcome::Proved) => {
                it.outcome = Outcome::Known(Vec::new());
                known.push(it);
            }
            Some(other) => it.outcome = other.clone(),
            None => {}
        }
    }
    if known.is_empty() {
        return;
    }
    for (at, part) in world.accepted.iter().enumerate() {
        let with_it = without(Some(at));
        for it in &mut known {
            let holds = outcome(&with_it, it) == Some(&Outcome::Proved);
            if let Outcome::Known(parts) = &mut it.outcome
                && !holds
            {
                parts.push(part.clone());
            }
        }
    }
}

/// How the same claim came out elsewhere.
fn outcome<'a>(findings: &'a [Finding], claim: &Finding) -> Option<&'a Outcome> {
    let mut all = findings.iter();
    let same = |it: &&Finding| {
        it.promise == claim.promise && it.subject == claim.subject && it.claim == claim.claim
    };
    all.find(same).map(|it| &it.outcome)
}

impl World {
    /// Takes something that the stack accepts out of the world.
    fn leave_out(&mut self, accepted: &Acceptance) {
        let statement = accepted.statement.clone().map(|it| Document::of(vec![it]));
        match &accepted.what {
            Stranger::Stage { name, .. } => {
                if let Some(What::Api(surface)) = self.what_of(accepted) {
                    surface.others.retain(|it| it.name != *name);
                }
                return;
            }
            Stranger::Canary { .. } => {
                let canary = accepted.text.as_str();
                for thing in self.things.values_mut() {
                    if let What::Api(surface) = &mut thing.what
                        && surface.behind.as_deref() == Some(canary)
                    {
                        surface.behind = None;
                        surface.unread = None;
                    }
                }
                return;
            }
            Stranger::Subscription { endpoint, .. } => {
                if let Some(What::Topic { receivers, .. }) = self.what_of(accepted) {
                    receivers.retain(|it| it.endpoint != *endpoint);
                }
                return;
            }
            Stranger::Inline(_) | Stranger::Managed(_) => {
                let name = match &accepted.what {
                    Stranger::Inline(name) => {
                        format!("the inline policy `{name}` of {}", accepted.on)
                    }
                    Stranger::Managed(arn) => {
                        format!("the managed policy {arn} of {}", accepted.on)
                    }
                    _ => return,
                };
                if let Some(What::Role {
                    identity, unread, ..
                }) = self.what_of(accepted)
                {
                    identity.retain(|it| it.name != name);
                    unread.retain(|it| accepted.what != Stranger::Managed(it.clone()));
                }
                return;
            }
            Stranger::Statement => {}
            Stranger::Holder { .. }
            | Stranger::Boundary { .. }
            | Stranger::MethodSettings { .. }
            | Stranger::Part { .. }
            | Stranger::Messages => return,
        }
        let id = self.ids.get(&accepted.on).cloned();
        let (Some(mut statement), Some(thing)) = (statement, self.things.get_mut(&accepted.on))
        else {
            return;
        };
        if let (What::Api(_), Some(id)) = (&thing.what, id) {
            let place = &thing.place;
            let name = ApiName {
                partition: place.partition().as_str(),
                region: place.region.as_str(),
                account: place.id.as_str(),
                api: &id,
            };
            statement = name.expand(&statement);
        }
        drop_statements(thing, &statement);
    }

    fn what_of(&mut self, accepted: &Acceptance) -> Option<&mut What> {
        self.things.get_mut(&accepted.on).map(|it| &mut it.what)
    }
}

/// Takes statements out of a resource's policy.
fn drop_statements(thing: &mut Thing, gone: &Document) {
    let Some(paper) = &thing.policy else { return };
    let mut document = paper.document.clone();
    document
        .statements
        .retain(|it| !gone.statements.contains(it));
    thing.policy =
        (!document.statements.is_empty()).then(|| Paper::resource(paper.name.clone(), document));
}
