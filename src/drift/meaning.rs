//! What a finding means: who may do more or less by it than the stack says.
//!
//! It is never guessed from what kind of drift it is. The documents that AWS has are
//! held against those of the stack by the inclusion check ([`compare`]), and a method that
//! asks for no signature is put to the judge. What no document here can settle (a managed
//! policy, a boundary, what a strange deployment holds) may open access until shown otherwise.

use super::class::Severity;
use super::documents::{api_name, everything, living};
use super::fields::of_field;
use super::tagging::refused_in_chains;
use super::voice::{self, Shown, Voice, told};
use crate::kinds::cutoffs::{cutoffs, of_method};
use crate::kinds::extra::inline_digest;
use crate::kinds::role::Holder;
use crate::kinds::role::inline_prefix;
use crate::kinds::survey::Live;
use crate::kinds::{Have, Resource, Role, Stranger, Want, rest_api};
use crate::lower::Desired;
use crate::model::{Address, Change as FieldChange, KindName, Place};
use crate::plan::administrators::is_administrator;
use crate::policy::losses::cut_off;
use crate::policy::own::is_default_topic_policy;
use crate::policy::widen::deciding;
use crate::policy::{
    Change, Document, Effect, Request, Statement, Who, compare, compare_beside_others,
    only_refuses_more, same_statement,
};
use crate::stack::Encryption;

/// What a finding means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) severity: Severity,
    pub(super) effects: Vec<voice::Effect>,
    /// What could not be settled.
    pub(super) because: Vec<String>,
    /// A role may do everything in its account that may not by the stack.
    pub(super) administrator: bool,
}

impl Meaning {
    pub(super) fn nothing() -> Self {
        Self::of(Severity::Cosmetic)
    }

    pub(super) fn of(severity: Severity) -> Self {
        Self {
            severity,
            effects: Vec::new(),
            because: Vec::new(),
            administrator: false,
        }
    }

    pub(super) fn add(&mut self, severity: Severity, effect: voice::Effect) {
        self.severity = self.severity.min(severity);
        if !self.effects.contains(&effect) {
            self.effects.push(effect);
        }
    }

    pub(super) fn at_least(&mut self, severity: Severity) {
        self.severity = self.severity.min(severity);
    }

    /// Takes another meaning in.
    pub(super) fn join(&mut self, other: Self) {
        self.at_least(other.severity);
        for effect in other.effects {
            if !self.effects.contains(&effect) {
                self.effects.push(effect);
            }
        }
        self.because.extend(other.because);
        self.administrator |= other.administrator;
    }

    pub(super) fn unsettled(&mut self, why: impl Into<String>) {
        self.at_least(Severity::MayOpenAccess);
        self.because.push(why.into());
    }
}

/// What is needed to say what something means.
#[derive(Clone, Copy, Debug)]
pub(super) struct Means<'a> {
    pub(super) voice: &'a Voice,
    pub(super) desired: &'a Desired,
    pub(super) live: &'a Live,
    /// The API's own policy as it stands, for what its stage lets through.
    pub(super) api: Option<&'a Have>,
}

impl Means<'_> {
    /// Compares what the stack says with what AWS lets through.
    pub(super) fn documents(
        &self,
        found: &mut Meaning,
        stack: &Document,
        live: &Document,
        subject: Option<&str>,
        object: Option<(&str, &Place)>,
    ) {
        let live = living(live.clone());
        let bare = object.and_then(|it| self.without_policy(it, stack));
        let stack = bare.as_ref().unwrap_or(stack);
        let open = object.filter(|(it, _)| self.has_no_policy(it));
        let live = open
            .and_then(|it| self.without_policy(it, &live))
            .unwrap_or(live);
        let owner = object.map(|(_, place)| place.id.as_str());
        let comparison = match owner {
            Some(owner) => compare_beside_others(owner, stack, &live),
            None => compare(stack, &live),
        };
        let lost = match comparison.loses.as_slice() {
            [] => Vec::new(),
            _ => cut_off(stack, &live, owner),
        };
        let stays = |it: &Request| match (object, subject) {
            (Some(of), _) => self.may_all_the_same(of, it, &live),
            (None, Some(role)) => self.is_let_in_by_target(role, it),
            (None, None) => false,
        };
        let losing = lost.iter().map(|(_, it)| it).chain(&comparison.loses);
        let nobody_loses = !lost.is_empty() && losing.into_iter().all(stays);
        let object = object.map(|(name, _)| name);
        match comparison.verdict {
            Change::Equal | Change::Cosmetic => {}
            Change::Widened | Change::Both => found.at_least(Severity::OpensAccess),
            Change::Narrowed if nobody_loses => found.at_least(Severity::ChangesBehaviour),
            Change::Narrowed => found.at_least(Severity::CutsAccess),
            Change::Unproven if only_refuses_more(stack, &live) => {
                found.at_least(Severity::CutsAccess);
                let denies = live
                    .statements
                    .iter()
                    .filter(|it| it.effect == Effect::Deny);
                let is_new =
                    |it: &&Statement| !stack.statements.iter().any(|own| same_statement(own, it));
                if subject.is_none() {
                    for deny in denies.filter(is_new) {
                        found.effects.push(self.voice.of_denial(deny, object));
                    }
                }
            }
            Change::Unproven => {
                found.at_least(Severity::MayOpenAccess);
                found.because.extend(comparison.because);
            }
        }
        if let Some(role) =
            subject.filter(|_| live.makes_administrator() && !stack.makes_administrator())
        {
            found.administrator = true;
            let account = self.account_of(role);
            let says = format!(
                "{role} is now administrator of {}",
                self.voice.account(&account)
            );
            found.effects.insert(0, told(true, role, says));
            return;
        }
        let mut say = |request: &Request, by: &Document, gained: bool| {
            if object.is_some_and(|it| self.is_refused_anyway(it, request)) {
                return;
            }
            // What a refusal under a condition kept out is taken now, of those that are let in.
            let lifted = deciding(stack, request, Effect::Deny)
                .filter(|it| gained && subject.is_none() && !it.conditions.is_empty());
            let refused_by = deciding(&live, request, Effect::Deny).filter(|_| !gained);
            let effect = self.voice.of_request(&Shown {
                request,
                by: deciding(by, request, Effect::Allow).filter(|_| lifted.is_none()),
                refused_by: lifted.or(refused_by),
                subject,
                object,
                gained,
            });
            // That it needs no policy of the caller's own is said once, with the first.
            let is_said = |it: &voice::Effect| {
                let rest = it.says.strip_prefix(&effect.says);
                it.gained == effect.gained
                    && rest.is_some_and(|it| it.is_empty() || it.starts_with(", with no"))
                    || effect
                        .says
                        .strip_prefix(&it.says)
                        .is_some_and(|it| it.starts_with(", with no"))
            };
            if !found.effects.iter().any(is_said) {
                found.effects.push(effect);
            }
        };
        let signs = object.is_some_and(|it| self.is_signed(it));
        // Where every method asks for a signature, a request without one is refused before the policy.
        let is_met = |it: &&Request| !(signs && it.principal == Who::Anonymous);
        let gains = comparison.gains.iter().filter(is_met);
        // Part by part, since one example tells one thing that is gained.
        let parts = match comparison.gains.as_slice() {
            [] => Vec::new(),
            _ => cut_off(&live, stack, owner),
        };
        for (part, request) in parts.iter().filter(|(_, it)| is_met(&it)) {
            say(request, &Document::of(vec![part.clone()]), true);
        }
        if parts.is_empty() || !parts.iter().all(|(_, it)| is_met(&it)) {
            for request in gains {
                say(request, &live, true);
            }
        }
        for request in comparison.loses.iter().filter(|it| !stays(it)) {
            say(request, stack, false);
        }
        for (statement, request) in lost.iter().filter(|(_, it)| !stays(it)) {
            say(request, &Document::of(vec![statement.clone()]), false);
        }
    }

    /// The id of the account that a role of the stack is in.
    pub(super) fn account_of(&self, role: &str) -> String {
        let mut wants = self.desired.wants.iter();
        let found = wants.find(|(address, _)| address.to_string() == role);
        found.map_or_else(String::new, |(_, want)| want.place.id.to_string())
    }

    /// What differs between a resource that is wanted and there.
    pub(super) fn changed(
        &self,
        address: &Address,
        want: &Want,
        have: &Have,
        changes: &[FieldChange],
    ) -> Meaning {
        let mut found = Meaning::nothing();
        for change in changes {
            let (severity, unsettled) = of_field(change);
            found.at_least(severity);
            if let Some(why) = unsettled {
                found.unsettled(why);
            }
        }
        let settings = cutoffs(address, &want.resource, &have.resource);
        for says in settings.into_iter().filter(|_| want.owned) {
            found.add(Severity::CutsAccess, told(false, "its callers", says));
        }
        let goes = have.foreign.iter().filter(|it| want.drops_statement(it));
        let foreign: Vec<Statement> = goes.cloned().collect();
        let with_foreign = |ours: &Document| {
            let statements = ours.statements.iter().chain(&foreign);
            Document::of(statements.cloned().collect())
        };
        let named = address.to_string();
        match (&want.resource, &have.resource) {
            (Resource::Role(stack), Resource::Role(live)) => {
                self.role(&mut found, &named, want, stack, live, have);
            }
            (Resource::Key(stack), Resource::Key(live)) => {
                let live = with_foreign(&live.policy);
                let at = Some((&*named, &want.place));
                self.documents(&mut found, &stack.policy, &live, None, at);
            }
            (Resource::Topic(stack), Resource::Topic(live)) => {
                if stack.kms_key != live.kms_key {
                    self.key(&mut found, address, &live.arn, &live.kms_key);
                }
                let live = with_foreign(&live.policy);
                self.documents(
                    &mut found,
                    &stack.policy,
                    &live,
                    None,
                    Some((&named, &want.place)),
                );
            }
            (Resource::Queue(stack), Resource::Queue(live)) => {
                if let Encryption::Kms { key, .. } = &live.encryption {
                    let stays =
                        matches!(&stack.encryption, Encryption::Kms { key: own, .. } if own == key);
                    if !stays {
                        self.key(&mut found, address, &live.arn, key);
                    }
                }
                let live = with_foreign(&live.policy);
                self.documents(
                    &mut found,
                    &stack.policy,
                    &live,
                    None,
                    Some((&named, &want.place)),
                );
            }
            (Resource::RestApi(stack), Resource::RestApi(live)) => {
                let name = api_name(&want.place, &have.id);
                let (old, new) = (
                    name.expand(&stack.policy),
                    name.expand(&with_foreign(&live.policy)),
                );
                self.documents(&mut found, &old, &new, None, Some((&named, &want.place)));
                self.methods(&mut found, address, want, stack, live, have);
            }
            (Resource::Stage(stack), Resource::Stage(live)) => {
                self.stage(&mut found, want, stack, live);
            }
            (Resource::Subscription(stack), Resource::Subscription(live)) => {
                self.subscription(&mut found, stack, live);
            }
            _ => {}
        }
        found
    }

    fn role(
        &self,
        found: &mut Meaning,
        named: &str,
        want: &Want,
        stack: &Role,
        live: &Role,
        have: &Have,
    ) {
        if want.owned {
            self.documents(
                found,
                &stack.trust,
                &live.trust,
                None,
                Some((named, &want.place)),
            );
            for says in refused_in_chains(self.desired, self.live, named, stack, live) {
                found.add(Severity::CutsAccess, told(false, named, says));
            }
        }
        let prefix = inline_prefix(&want.stack);
        let live_inline = live
            .inline
            .iter()
            .filter(|(name, it)| name.starts_with(&prefix) || want.drops_inline(name, it));
        let live_managed = live.managed.values().filter(|it| it.attached);
        let live_ours = live_inline
            .map(|(_, it)| it)
            .chain(live_managed.map(|it| &it.document));
        let (old, new) = (
            Document::joined(stack.identity()),
            Document::joined(live_ours),
        );
        if want.resource.pending().is_empty() {
            self.documents(found, &old, &new, Some(named), None);
        } else {
            // It names an API that is gone: what AWS calls that API is never given out again.
            found.at_least(Severity::CutsAccess);
        }
        if !want.owned {
            return;
        }
        for arn in stack.attached.difference(&live.attached) {
            let says = format!("{named} may no longer do what {arn} lets it do");
            found.add(Severity::CutsAccess, told(false, named, says));
        }
        let ours = |it: &&String| have.mark.as_ref().is_some_and(|mark| mark.owns(it));
        for arn in live.attached.difference(&stack.attached) {
            if want.drops_attached(arn) || ours(&arn) {
                self.managed(found, named, &old, arn);
            }
        }
        match (&stack.boundary, &live.boundary) {
            (Some(boundary), None) => {
                let says = format!("{named} is bounded by {boundary} no longer");
                found.add(Severity::MayOpenAccess, told(true, named, says));
            }
            (Some(boundary), Some(other)) if boundary != other => {
                let says = format!("{named} is bounded by {other} instead of {boundary}");
                let read = |it: &String| self.live.policies.get(it);
                let change = read(boundary)
                    .zip(read(other))
                    .map(|(old, new)| compare(old, new));
                match change.map(|it| it.verdict) {
                    Some(Change::Narrowed) => {
                        found.add(Severity::CutsAccess, told(false, named, says));
                    }
                    Some(Change::Equal | Change::Cosmetic) => {}
                    _ => found.add(Severity::MayOpenAccess, told(true, named, says)),
                }
            }
            _ => {}
        }
    }

    /// What it means that somebody else has a policy that is for a role of the stack.
    fn held(&self, found: &mut Meaning, have: &Have, policy: &str, holder: &Holder) {
        let document = own_policy(have, policy);
        let who = match holder {
            Holder::Role(name, _) => format!("role {name}"),
            Holder::Unnamed(_) => "whoever it is attached to".to_owned(),
            Holder::Bounded(_) => {
                found.at_least(Severity::ChangesBehaviour);
                return;
            }
        };
        if let Some(document) = document {
            let nothing = Document::of(Vec::new());
            self.documents(found, &nothing, document, Some(&who), None);
        }
    }

    fn managed(&self, found: &mut Meaning, named: &str, before: &Document, arn: &str) {
        let mut roles = self.live.have.values();
        let read = self.live.policies.get(arn);
        if let Some(document) = read.or_else(|| roles.find_map(|it| own_policy(it, arn))) {
            let after = Document::joined([before, document]);
            self.documents(found, before, &after, Some(named), None);
            return;
        }
        if is_administrator(arn) {
            self.documents(found, before, &everything(), Some(named), None);
            return;
        }
        let says = format!("{named} may do whatever {arn} lets it do");
        found.add(Severity::MayOpenAccess, told(true, named, says));
        found
            .because
            .push(format!("the document of {arn} is not read"));
    }

    /// What others put on a resource.
    pub(super) fn added(&self, address: &Address, want: &Want, have: &Have) -> Meaning {
        let mut found = Meaning::nothing();
        let named = address.to_string();
        let staying = have.staying(want);
        if staying.iter().any(|it| it.what == Stranger::Statement) {
            self.statements(&mut found, address, want, have);
        }
        let (mut old, mut new) = (Document::of(Vec::new()), Document::of(Vec::new()));
        if let (Resource::Role(stack), Resource::Role(live)) = (&want.resource, &have.resource) {
            let known =
                |(name, it): &(&String, &Document)| want.known.contains(&inline_digest(name, it));
            let known = live.inline.iter().filter(known).map(|(_, it)| it);
            old = Document::joined(stack.identity().chain(known));
            let theirs = |name: &String| {
                staying
                    .iter()
                    .any(|it| matches!(&it.what, Stranger::Inline(it) if it == name))
            };
            let foreign = live.inline.iter().filter(|(name, _)| theirs(name));
            new = Document::joined(std::iter::once(&old).chain(foreign.map(|(_, it)| it)));
        }
        if old != new {
            self.documents(&mut found, &old, &new, Some(&named), None);
        }
        for extra in staying {
            match &extra.what {
                Stranger::Statement | Stranger::Inline(_) | Stranger::Messages => {}
                Stranger::Managed(arn) => self.managed(&mut found, &named, &old, arn),
                Stranger::Holder { policy, holder } => {
                    self.held(&mut found, have, policy, holder);
                }
                Stranger::Boundary { arn, .. } => {
                    let says = format!("{named} may no longer do what {arn} does not let it do");
                    found.add(Severity::CutsAccess, told(false, &named, says));
                }
                Stranger::Subscription { arn, endpoint } => {
                    let (severity, says) = if arn.starts_with("arn:") {
                        let says = format!(
                            "{endpoint} receives every message of {named} that its filter lets through"
                        );
                        (Severity::OpensAccess, says)
                    } else {
                        let says =
                            format!("{endpoint} receives the messages of {named} once it confirms");
                        (Severity::MayOpenAccess, says)
                    };
                    found.add(severity, told(true, endpoint.clone(), says));
                }
                Stranger::Stage { name, .. } => {
                    found.unsettled(format!(
                        "stage `{name}` serves {named} too, by a deployment that is not compared"
                    ));
                }
                Stranger::MethodSettings { closed: true, .. } => {
                    if let Some((_, Some(says))) = of_method(&extra.what) {
                        found.add(Severity::CutsAccess, told(false, "its callers", says));
                    }
                }
                Stranger::MethodSettings { .. } | Stranger::Part { .. } => {
                    found.at_least(Severity::ChangesBehaviour);
                }
                Stranger::Canary { .. } => found.unsettled(format!(
                    "a canary of {named} serves a deployment that is not compared"
                )),
            }
        }
        found
    }

    /// What is not there any more.
    pub(super) fn missing(&self, address: &Address, want: &Want) -> Meaning {
        let mut found = Meaning::of(Severity::ChangesBehaviour);
        let named = address.to_string();
        let api = match &want.resource {
            Resource::Stage(it) => it.api.to_string(),
            _ => named.clone(),
        };
        for grant in &self.desired.grants {
            let target = grant.target.to_string();
            let concerned = grant.who == named
                || target == named
                || target == api
                || grant.role.as_ref() == Some(address);
            if concerned {
                let says = format!("{} may no longer {} {target}", grant.who, grant.may);
                found.add(Severity::CutsAccess, told(false, grant.who.clone(), says));
            }
        }
        for (own, want) in &self.desired.wants {
            let Resource::Subscription(it) = &want.resource else {
                continue;
            };
            let (queue, topic) = (
                self.voice.name(it.queue.as_str()),
                self.voice.name(it.topic.as_str()),
            );
            if own == address || queue == named || topic == named {
                let says = format!("{queue} may no longer receive from {topic}");
                found.add(Severity::CutsAccess, told(false, queue, says));
            }
        }
        found
    }

    /// What is there, bears our mark, and is not in the stack.
    pub(super) fn unwanted(&self, address: &Address, place: &Place, have: &Have) -> Meaning {
        let mut found = Meaning::of(Severity::ChangesBehaviour);
        let named = address.to_string();
        let nothing = Document::of(Vec::new());
        match &have.resource {
            Resource::Role(it) => {
                self.documents(&mut found, &nothing, &it.trust, None, Some((&named, place)));
                let all = Document::joined(it.identity());
                self.documents(&mut found, &nothing, &all, Some(&named), None);
                for arn in &it.attached {
                    self.managed(&mut found, &named, &nothing, arn);
                }
            }
            Resource::Key(_) | Resource::Topic(_) | Resource::Queue(_) => {
                let live = have.document.clone();
                // SNS gives every topic a first policy, for the account that could have made it.
                let is_first = |it: &Document| {
                    have.resource.kind() == KindName::Topic
                        && is_default_topic_policy(it, place.id.as_str())
                };
                let live = live
                    .filter(|it| !is_first(it))
                    .unwrap_or_else(|| nothing.clone());
                self.documents(&mut found, &nothing, &live, None, Some((&named, place)));
            }
            Resource::RestApi(it) => {
                let name = api_name(place, &have.id);
                let live = have.document.clone().unwrap_or_else(|| nothing.clone());
                self.documents(
                    &mut found,
                    &nothing,
                    &name.expand(&live),
                    None,
                    Some((&named, place)),
                );
                for (key, method) in &it.methods {
                    if method.authorization == rest_api::method::NONE {
                        self.unsigned(&mut found, &named, place, have, key, false, None);
                    }
                }
            }
            Resource::Subscription(it) => {
                let queue = self.voice.name(it.queue.as_str());
                let topic = self.voice.name(it.topic.as_str());
                let says = format!("{queue} receives from {topic}");
                found.add(Severity::OpensAccess, told(true, queue, says));
            }
            Resource::Stage(it) => found.unsettled(format!(
                "stage `{}` serves {} by a deployment that is not compared",
                it.name, it.api
            )),
        }
        found
    }
}

/// The document of a managed policy that the stack made for this role.
fn own_policy<'a>(have: &'a Have, arn: &str) -> Option<&'a Document> {
    let Resource::Role(role) = &have.resource else {
        return None;
    };
    let (name, _) = have.policies.iter().find(|(_, it)| it.arn == arn)?;
    Some(&role.managed.get(name)?.document)
}
