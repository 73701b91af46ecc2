//! What the embedded cloud holds at a moment: who reaches what by it, and which of its documents allow more than others.
//!
//! Most writes change one document, and the storms of a run name their roles and resources alike. What the evaluator
//! and the prover answered is therefore kept by the texts that it was answered of, for all storms of a thread.

use std::cell::RefCell;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use provision::cloud::Sandbox;
use provision::cloud::sandbox::{Held, HeldApi, HeldAs};
use provision::policy::{
    Change, Decision, Document, MethodAuth, Policies, Request, Statement, Who, compare, decide,
};

use crate::sketch::Edge;

/// How many answers are kept before all are dropped.
const KEPT: usize = 200_000;

#[derive(Default)]
struct Memory {
    documents: HashMap<u64, Rc<Document>>,
    answers: HashMap<u64, bool>,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

fn key(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// Returns the answer to a question, which is asked only if it was not asked before.
fn once(question: u64, ask: impl FnOnce() -> bool) -> bool {
    let known = MEMORY.with_borrow(|it| it.answers.get(&question).copied());
    known.unwrap_or_else(|| {
        let answer = ask();
        MEMORY.with_borrow_mut(|it| {
            if it.answers.len() > KEPT {
                it.answers.clear();
            }
            it.answers.insert(question, answer);
        });
        answer
    })
}

fn parsed(text: &str) -> Rc<Document> {
    let key = key(&text);
    let known = MEMORY.with_borrow(|it| it.documents.get(&key).cloned());
    known.unwrap_or_else(|| {
        let document = Rc::new(Document::parse(text).expect("a policy"));
        MEMORY.with_borrow_mut(|it| {
            if it.documents.len() > KEPT {
                it.documents.clear();
            }
            it.documents.insert(key, Rc::clone(&document));
        });
        document
    })
}

/// What a document is to what holds it, as far as it matters what it allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Use {
    Trust,
    Identity,
    Resource,
}

/// What holds documents, and what they are to it. An API stands by its name, not by its id.
pub(crate) type Holder = (String, Use);

/// The documents and the stages of the cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sight {
    documents: BTreeMap<Holder, Vec<String>>,
    roles: BTreeSet<String>,
    things: BTreeSet<(&'static str, String)>,
}

/// The name that stands for an API's id: as a stack names an API that has none yet.
pub(crate) fn called(name: &str) -> String {
    format!("apis.{name}")
}

/// The names that stand for the ids of APIs, also of those that are gone: documents may name them still.
pub(crate) type ApiNames = BTreeMap<String, String>;

/// Names the APIs that are there; the second of one name is called otherwise.
fn name_all(apis: &[HeldApi], names: &mut ApiNames) {
    let mut all: Vec<&HeldApi> = apis.iter().collect();
    all.sort_by_key(|it| (&it.name, it.created, &it.id));
    for (at, api) in all.iter().enumerate() {
        let number = all[..at].iter().filter(|it| it.name == api.name).count();
        let more = if number == 0 {
            String::new()
        } else {
            format!(".{number}")
        };
        names.insert(api.id.clone(), called(&api.name) + &more);
    }
}

impl Sight {
    pub(crate) fn of(sandbox: &Sandbox, names: &mut ApiNames) -> Self {
        let apis = sandbox.apis();
        name_all(&apis, names);
        let named = |text: &str| {
            let mut text = text.to_owned();
            for (id, name) in &*names {
                if text.contains(id.as_str()) {
                    text = text.replace(id.as_str(), name);
                }
            }
            text
        };
        let mut found = Self {
            documents: BTreeMap::new(),
            roles: BTreeSet::new(),
            things: BTreeSet::new(),
        };
        for Held { by, used, text } in sandbox.documents() {
            let used = match used {
                HeldAs::Trust => Use::Trust,
                HeldAs::Inline | HeldAs::Managed => Use::Identity,
                HeldAs::Resource | HeldAs::Deployed => Use::Resource,
            };
            let by = named(&by);
            if used == Use::Trust {
                found.roles.insert(by.clone());
            }
            if by.contains(":sns:") {
                found.things.insert(("sns:Publish", by.clone()));
            }
            let all = found.documents.entry((by, used)).or_default();
            all.push(named(&text));
        }
        for api in &apis {
            for (stage, methods) in &api.stages {
                let head = named(&format!("{}/{stage}", api.arn));
                let methods = methods.iter().map(|it| format!("{head}/{it}"));
                let asked = methods.map(|it| ("execute-api:Invoke", it));
                found.things.extend(asked);
            }
        }
        found
    }

    fn texts(&self, by: &str, used: Use) -> &[String] {
        let of = self.documents.get(&(by.to_owned(), used));
        of.map_or(&[], Vec::as_slice)
    }

    fn resource_of(&self, resource: &str) -> &[String] {
        let mut head = resource;
        loop {
            let found = self.texts(head, Use::Resource);
            match head.rsplit_once('/') {
                Some((shorter, _)) if found.is_empty() => head = shorter,
                _ => return found,
            }
        }
    }

    fn allows(&self, who: &str, action: &str, resource: &str, own: &[String]) -> bool {
        let identity = self.texts(who, Use::Identity);
        once(key(&(who, action, resource, identity, own)), || {
            let mut request = Request::new(Who::Arn(who.to_owned()), action, resource);
            if action == "execute-api:Invoke" {
                request.method_auth = Some(MethodAuth::Iam);
            }
            let policies = Policies {
                identity: identity.iter().map(|it| (*parsed(it)).clone()).collect(),
                resource: own.first().map(|it| (*parsed(it)).clone()),
                ..Policies::default()
            };
            decide(&request, &policies).decision == Decision::Allow
        })
    }

    fn reaches_directly(&self, who: &str, action: &str, resource: &str) -> bool {
        self.allows(who, action, resource, self.resource_of(resource))
    }

    /// Whether a role reaches something, directly or through a role.
    fn reaches(&self, who: &str, action: &str, resource: &str) -> bool {
        self.reaches_directly(who, action, resource)
            || self.roles.iter().any(|role| {
                role != who
                    && self.reaches_directly(role, action, resource)
                    && self.allows(who, "sts:AssumeRole", role, self.texts(role, Use::Trust))
            })
    }

    /// Who of these reaches what.
    pub(crate) fn reached(&self, callers: &BTreeSet<String>) -> BTreeSet<Edge> {
        let mut reached = BTreeSet::new();
        for who in callers.intersection(&self.roles) {
            for (action, resource) in &self.things {
                if self.reaches(who, action, resource) {
                    let what = ((*action).to_owned(), resource.clone());
                    reached.insert((who.clone(), what));
                }
            }
        }
        reached
    }

    /// Whether there is a role of this ARN.
    pub(crate) fn has_role(&self, arn: &str) -> bool {
        self.roles.contains(arn)
    }

    /// What holds documents, with all of each as one.
    pub(crate) fn documents(&self) -> impl Iterator<Item = (&Holder, &[String])> {
        self.documents
            .iter()
            .map(|(it, texts)| (it, texts.as_slice()))
    }
}

/// Whether documents of one holder allow nothing but what these statements allow.
pub(crate) fn is_within(texts: &[String], bound: &[Statement]) -> bool {
    let words: Vec<String> = bound.iter().map(|it| format!("{it:?}")).collect();
    once(key(&(texts, &words)), || {
        let live = texts.iter().flat_map(|it| parsed(it).statements.clone());
        let live = Document::of(live.collect());
        let bound = Document::of(bound.to_vec());
        let verdict = compare(&bound, &live).verdict;
        matches!(verdict, Change::Equal | Change::Cosmetic | Change::Narrowed)
    })
}
