//! What a stack wants of a resource.

use std::collections::{BTreeMap, BTreeSet};

use super::Resource;
use crate::model::tags::short_hash;
use crate::model::{Address, Mark, Place};
use crate::policy::size::Quotas;

/// A resource that the stack wants.
#[derive(Clone, Debug, PartialEq)]
pub struct Want {
    /// The stack's name.
    pub stack: String,
    /// Where.
    pub place: Place,
    /// What.
    pub resource: Resource,
    /// Whether the resource is ours; of another's, only our statements are.
    pub owned: bool,
    /// Whether what this stack does not declare on it is removed.
    pub exclusive: bool,
    /// Digests of what others put on it and the author knows of: it stays in any case.
    pub known: BTreeSet<String>,
    /// What was ours on it and is wanted no more stays, as nobody's.
    pub letting_go: bool,
    /// What must exist before it does, beside what its documents name.
    pub needs: BTreeSet<Address>,
    /// Why the stack wants it, when the author did not write it as such.
    pub because: Option<String>,
    /// Two roles trust each other: the trust policy is written once both exist.
    pub defer_trust: bool,
    /// The stack whose half must be there first: without it AWS refuses this, and it is not a failure.
    pub other_half: Option<String>,
    /// A principal is made anew: documents that name it are written again even if their text is equal.
    pub repin: bool,
    /// A role that its live documents name is replaced by one of another ARN: it is a dead
    /// principal there by the time they are written, and their text changes with it.
    pub renames: bool,
    /// The id of the unmarked API that it is to be: a name tells none from another.
    pub adopts: Option<String>,
    /// What its account allows of a role.
    pub quotas: Quotas,
    /// Addresses that it had before: a mark that names one of them is its own.
    pub was: BTreeSet<Address>,
    /// The digest of what the stack says, once `resource` says more: ids that AWS chose.
    pub digest: Option<String>,
}

impl Want {
    /// A resource that the stack makes, with nothing else to say of it.
    #[must_use]
    pub fn of(stack: &str, place: Place, resource: Resource) -> Self {
        Self {
            stack: stack.to_owned(),
            place,
            resource,
            owned: true,
            exclusive: false,
            known: BTreeSet::new(),
            letting_go: false,
            needs: BTreeSet::new(),
            because: None,
            defer_trust: false,
            other_half: None,
            repin: false,
            renames: false,
            adopts: None,
            quotas: Quotas::default(),
            was: BTreeSet::new(),
            digest: None,
        }
    }

    /// A resource of which the stack owns statements only.
    #[must_use]
    pub fn of_another(stack: &str, place: &Place, resource: Resource) -> Self {
        Self {
            owned: false,
            ..Self::of(stack, place.clone(), resource)
        }
    }

    /// Whether what others put on it is drift until the stack knows it: on what is the stack's own, and on
    /// a key, whose policy lets in on everything that it encrypts.
    #[must_use]
    pub fn answers_for_others(&self) -> bool {
        self.owned || matches!(self.resource, Resource::Key(_))
    }

    /// The same, with the ids known so far written in. What it is marked with stays what the stack says.
    #[must_use]
    pub fn with_ids(&self, ids: &BTreeMap<Address, String>) -> Self {
        Self {
            resource: self.resource.with_ids(ids),
            digest: Some(self.digest()),
            ..self.clone()
        }
    }

    /// Sixteen hexadecimal digits that stand for what the stack says: the same before and
    /// after AWS has chosen its ids.
    #[must_use]
    pub fn digest(&self) -> String {
        self.digest
            .clone()
            .unwrap_or_else(|| self.resource.digest())
    }

    /// The mark to put on it.
    #[must_use]
    pub fn mark(&self, address: &Address) -> Mark {
        let names = self.resource.tags().keys();
        Mark {
            stack: self.stack.clone(),
            address: address.clone(),
            digest: Some(self.digest()),
            owned: names
                .chain(self.resource.attached())
                .chain(self.resource.boundary())
                .map(|it| short_hash(it))
                .collect(),
        }
    }
}
