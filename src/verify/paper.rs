//! Documents that bear on requests, and who wrote what is in them.

use std::sync::Arc;

use crate::policy::normal::{NormalStatement, normal_statement};
use crate::policy::own::OwnSid;
use crate::policy::rules::{Kind, Rules};
use crate::policy::{Document, Effect, Statement};

/// Who a statement comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The engine made it of the stack's accesses.
    Ours,
    /// The author wrote it into the stack as it is.
    Author,
    /// Somebody else put it there.
    Foreign,
}

/// A document that bears on requests.
#[derive(Clone, Debug)]
pub struct Paper {
    /// What a sentence calls it: `the policy of topics.orders`.
    pub name: String,
    /// What it says.
    pub document: Document,
    /// The same, ready to be asked.
    pub rules: Arc<Rules>,
    /// Who wrote it; `None` where each statement tells by its `Sid`.
    pub origin: Option<Origin>,
    /// Statements without a `Sid` of ours that the author wrote into the stack, in normal form.
    written: Vec<NormalStatement>,
}

impl Paper {
    pub(super) fn of(name: String, document: Document, kind: Kind, origin: Option<Origin>) -> Self {
        let rules = Arc::new(Rules::of(&document, kind, name.clone()));
        Self {
            name,
            document,
            rules,
            origin,
            written: Vec::new(),
        }
    }

    /// An identity policy.
    #[must_use]
    pub fn identity(name: impl Into<String>, document: Document, origin: Origin) -> Self {
        Self::of(name.into(), document, Kind::Identity, Some(origin))
    }

    /// A resource's own policy.
    #[must_use]
    pub fn resource(name: impl Into<String>, document: Document) -> Self {
        Self::of(name.into(), document, Kind::Resource, None)
    }

    /// The same, where the author wrote these statements into the stack as they are.
    pub(super) fn written(mut self, document: &Document) -> Self {
        self.written = document.statements.iter().map(normal_statement).collect();
        self
    }

    /// Whether the author wrote a statement into the stack as it is, without a `Sid` of ours.
    #[must_use]
    pub fn is_written(&self, statement: &Statement) -> bool {
        self.written.contains(&normal_statement(statement))
    }

    /// Who a statement of it comes from.
    #[must_use]
    pub fn origin_of(&self, statement: &Statement, own: &OwnSid) -> Origin {
        self.origin.unwrap_or_else(|| {
            if own.owns(statement) {
                Origin::Ours
            } else {
                Origin::Foreign
            }
        })
    }
}

/// The statements of a paper that allow.
pub fn allowing(paper: &Paper) -> impl Iterator<Item = &Statement> {
    paper
        .document
        .statements
        .iter()
        .filter(|it| it.effect == Effect::Allow)
}
