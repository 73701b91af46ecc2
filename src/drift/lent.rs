//! What a stack has on resources of others that left it.

use super::{Class, Look, Moved};
use crate::kinds::statements::describe;
use crate::kinds::{Have, Resource};
use crate::model::{Address, Place};

impl Look<'_> {
    /// Statements of the stack on a resource of somebody else's that left it.
    pub(super) fn lent(&mut self, at: (&Address, &Place), have: &Have) {
        let Some(policy) = have.resource.policy() else {
            return;
        };
        let mut ours = have.clone();
        ours.document = Some(policy.clone());
        if let Resource::RestApi(it) = &mut ours.resource {
            it.methods.clear();
        }
        let lines = policy.statements.iter().map(describe).collect();
        let meaning = self.means(at.0).unwanted(at.0, at.1, &ours);
        let moved = Moved::Unknown;
        self.find(Class::Unwanted, moved, at, lines, Vec::new(), meaning);
    }
}
