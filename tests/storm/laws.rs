//! What must hold in a storm after every write, and once it is over.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use provision::lower::Desired;
use provision::policy::{ApiName, Document, Effect, Statement};
use provision::verify::World;
use provision::verify::world::What;
use serde_json::Value;

use crate::gate::unmarked;
use crate::operator::{BILLING, ORDERS};
use crate::reached::fields;
use crate::sight::{Holder, Sight, Use, called, is_within};
use crate::sketch::{Edge, LENT_API, LENT_TOPIC, Sketch};
use crate::trial::Trial;
use crate::world::wanted;

/// How many lowered stacks are kept before all are dropped.
const KEPT: usize = 20_000;

/// A stack as it is lowered, and the documents that it wants.
#[derive(Clone)]
pub(crate) struct Lowered {
    pub(crate) desired: Rc<Desired>,
    documents: Rc<BTreeMap<Holder, Vec<Statement>>>,
}

thread_local! {
    static LOWERED: RefCell<HashMap<String, Lowered>> = RefCell::default();
}

impl Lowered {
    /// What a text comes to; `partner` is the id of the API that belongs to somebody else.
    pub(crate) fn of(text: String, partner: &str) -> Self {
        if let Some(known) = LOWERED.with_borrow(|it| it.get(&text).cloned()) {
            return known;
        }
        let desired = wanted(&[&text]);
        let documents = Rc::new(documents(&desired, partner));
        let desired = Rc::new(desired);
        let new = Self { desired, documents };
        LOWERED.with_borrow_mut(|it| {
            if it.len() > KEPT {
                it.clear();
            }
            it.insert(text, new.clone());
        });
        new
    }
}

/// The documents that a stack wants, by what is to hold them.
fn documents(desired: &Desired, partner: &str) -> BTreeMap<Holder, Vec<Statement>> {
    let mut found: BTreeMap<Holder, Vec<Statement>> = BTreeMap::new();
    let named = |text: &str| text.replace(partner, &called(LENT_API));
    let mut add = |by: String, used, document: &Document| {
        let renamed = Document::parse(&named(&document.to_text())).expect("a policy");
        let all = found.entry((by, used)).or_default();
        all.extend(renamed.statements);
    };
    for thing in World::wanted(desired).things.values() {
        let by = named(&thing.arn);
        let own = thing.policy.iter().map(|it| &it.document);
        match &thing.what {
            What::Role { identity, .. } => {
                for it in own {
                    add(by.clone(), Use::Trust, it);
                }
                for it in identity {
                    add(by.clone(), Use::Identity, &it.document);
                }
            }
            What::Api(_) => {
                let long = ApiName::of(&thing.arn);
                for it in own {
                    let document = long
                        .as_ref()
                        .map_or_else(|| it.clone(), |api| api.expand(it));
                    add(format!("{by}/live"), Use::Resource, &document);
                }
            }
            What::Topic { .. } | What::Queue { .. } | What::Key => {
                for it in own {
                    add(by.clone(), Use::Resource, it);
                }
            }
        }
    }
    found
}

/// A stack's versions that may be in force, whole or in part.
#[derive(Debug, Default)]
pub(crate) struct InPlay {
    pub(crate) versions: Vec<Sketch>,
    pub(crate) running: usize,
    /// How many commands have begun.
    pub(crate) begun: u64,
    pub(crate) callers: BTreeSet<String>,
}

impl InPlay {
    pub(crate) fn add(&mut self, version: &Sketch) {
        if !self.versions.contains(version) {
            self.versions.push(version.clone());
        }
    }

    /// What is in all of them.
    pub(crate) fn must(&self) -> BTreeSet<Edge> {
        let mut all = self.versions.iter().map(Sketch::edges);
        let first = all.next().unwrap_or_default();
        all.fold(first, |kept, it| kept.intersection(&it).cloned().collect())
    }

    /// What is in any of them.
    pub(crate) fn may(&self) -> BTreeSet<Edge> {
        self.versions.iter().flat_map(Sketch::edges).collect()
    }
}

impl Trial {
    pub(crate) fn lowered(&self, sketch: &Sketch) -> Rc<Desired> {
        self.lowered_whole(sketch).desired
    }

    fn lowered_whole(&self, sketch: &Sketch) -> Lowered {
        let partner = self.partner();
        Lowered::of(sketch.text(&partner), &partner)
    }

    /// The unmarked statements of a shared document, as it is now.
    pub(crate) fn foreign_now(&self, which: &str) -> BTreeSet<String> {
        let policy = if which == LENT_TOPIC {
            let all = self.sandbox.documents();
            let by = format!("arn:aws:sns:eu-west-1:{ORDERS}:{LENT_TOPIC}");
            all.into_iter().find(|it| it.by == by).map(|it| it.text)
        } else {
            let all = self.sandbox.apis();
            let lent = all.into_iter().find(|it| it.name == LENT_API);
            lent.and_then(|it| it.policy)
        };
        unmarked(&policy.unwrap_or_default())
    }

    /// What the cloud holds now.
    pub(crate) fn sight(&self) -> Sight {
        Sight::of(&self.sandbox, &mut self.api_names.borrow_mut())
    }

    /// Remembers what the shared documents hold before any stack writes into them.
    pub(crate) fn remember_first(&self) {
        for (holder, texts) in self.sight().documents() {
            let documents = texts
                .iter()
                .map(|it| Document::parse(it).expect("a policy"));
            let statements = documents.flat_map(|it| it.statements).collect();
            self.first.borrow_mut().insert(holder.clone(), statements);
        }
    }

    /// Checks what must hold after every write.
    pub(crate) fn check(&self, who: &str) {
        let sight = self.sight();
        let state = (self.generation.get(), sight);
        if self.checked.borrow().as_ref() == Some(&state) {
            return;
        }
        let sight = &state.1;
        for (name, stack) in self.stacks.borrow().iter() {
            let own = sight.reached(&stack.callers);
            let (must, may) = (stack.must(), stack.may());
            if let Some(edge) = must.difference(&own).next() {
                self.violated(&format!(
                    "after {who}: {name} cannot reach what it must all the time: {edge:?}"
                ));
            }
            if let Some(edge) = own.difference(&may).next() {
                self.violated(&format!(
                    "after {who}: {name} reaches what no version of it says: {edge:?}"
                ));
            }
        }
        self.check_documents(who, sight);
        *self.checked.borrow_mut() = Some(state);
    }

    /// Checks that each document allows nothing but what the versions in force allow together, beside what others wrote.
    fn check_documents(&self, who: &str, sight: &Sight) {
        let mut bounds: BTreeMap<Holder, Vec<Statement>> = self.first.borrow().clone();
        for stack in self.stacks.borrow().values() {
            let versions: Vec<Lowered> = stack
                .versions
                .iter()
                .map(|it| self.lowered_whole(it))
                .collect();
            let holders: BTreeSet<&Holder> =
                versions.iter().flat_map(|it| it.documents.keys()).collect();
            for holder in holders {
                let of = |it: &Lowered| it.documents.get(holder).cloned().unwrap_or_default();
                let all: Vec<Vec<Statement>> = versions.iter().map(of).collect();
                let bound = bounds.entry(holder.clone()).or_default();
                for statement in all.iter().flatten() {
                    let denies = statement.effect == Effect::Deny;
                    // What one version denies and another does not is allowed in between.
                    if denies && !all.iter().all(|it| it.contains(statement)) {
                        continue;
                    }
                    if !bound.contains(statement) {
                        bound.push(statement.clone());
                    }
                }
            }
        }
        let none = Vec::new();
        for (holder, texts) in sight.documents() {
            let bound = bounds.get(holder).unwrap_or(&none);
            if !self.is_forgotten(&holder.0) && !is_within(texts, bound) {
                self.violated(&format!(
                    "after {who}: the documents of {holder:?} allow more than any version says: {texts:?} and not {bound:?}"
                ));
            }
        }
    }

    /// Whether a queue was let go of, or is about to be.
    fn is_forgotten(&self, arn: &str) -> bool {
        let forgotten = self.forgotten.borrow();
        arn.contains(":sqs:") && forgotten.iter().any(|it| arn.ends_with(&format!(":{it}")))
    }

    /// Checks what must hold at the end.
    pub(crate) fn check_end(&self) {
        for (which, wanted) in self.foreign.borrow().iter() {
            let there: BTreeSet<String> = self
                .foreign_now(which)
                .into_iter()
                .filter(|it| !it.contains("__default_statement_ID"))
                .collect();
            if there != *wanted {
                self.violated(&format!(
                    "what somebody else wrote into {which} is not as it was written: {there:?} and not {wanted:?}"
                ));
            }
        }
        let mut marks: BTreeMap<String, u32> = BTreeMap::new();
        let mut count = |tags: &Value| {
            if let (Some(stack), Some(address)) = (
                tags["provision:stack"].as_str(),
                tags["provision:address"].as_str(),
            ) {
                *marks.entry(format!("{stack} {address}")).or_default() += 1;
            }
        };
        let picture = self.sandbox.picture();
        for (_, account) in fields(&picture) {
            fields(&account["roles"]).for_each(|(_, it)| count(&it["tags"]));
            for (_, region) in fields(&account["regions"]) {
                fields(&region["topics"]).for_each(|(_, it)| count(&it["tags"]));
                fields(&region["queues"]).for_each(|(_, it)| count(&it["tags"]));
                fields(&region["apis"]).for_each(|(_, it)| count(&it["about"]["tags"]));
            }
        }
        if let Some((mark, count)) = marks.iter().find(|(_, count)| **count > 1) {
            self.violated(&format!("{count} resources bear the mark {mark}"));
        }
        let queues = &picture[BILLING]["regions"]["eu-west-1"]["queues"];
        for name in self.let_go.borrow().iter() {
            let queue = &queues[name];
            if !queue.is_object() || queue["tags"]["provision:stack"].is_string() {
                self.violated(&format!(
                    "what was let go of is not as it was left: {name}: {queue}"
                ));
            }
        }
        let strangers = self.strangers();
        if strangers != *self.stranger.borrow() {
            self.violated(&format!(
                "what is nobody's business was changed: {strangers}"
            ));
        }
    }

    /// A queue and a role that no stack has anything to do with.
    pub(crate) fn strangers(&self) -> Value {
        let picture = self.sandbox.picture();
        let account = &picture[BILLING];
        let queue = &account["regions"]["eu-west-1"]["queues"]["human-inbox"];
        serde_json::json!([queue, account["roles"]["human"]])
    }
}
