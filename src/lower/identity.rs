//! What an identity policy of ours allows: actions, to resources, under a condition.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::KmsKey;
use crate::policy::{Clause, Statement};

/// What a principal may do.
#[derive(Clone, Debug, Default)]
pub(super) struct Identity {
    /// Resources by what is allowed on them.
    allowed: BTreeMap<Permission, BTreeSet<String>>,
}

/// Actions that are allowed together: one statement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Permission {
    /// What is called comes first, the keys that it needs after it.
    of_key: bool,
    actions: Vec<&'static str>,
    /// The alias that a KMS key must have.
    alias: Option<String>,
}

impl Identity {
    /// Adds resources that actions are allowed on, in one statement.
    pub(super) fn allow(
        &mut self,
        actions: &[&'static str],
        resources: impl IntoIterator<Item = String>,
    ) {
        let permission = Permission {
            of_key: false,
            actions: actions.to_vec(),
            alias: None,
        };
        self.allowed
            .entry(permission)
            .or_default()
            .extend(resources);
    }

    /// Adds a KMS key that actions are allowed on. Without effect for keys that AWS manages: their own
    /// policies let in everybody of the account who may use the service.
    pub(super) fn allow_key(&mut self, actions: &[&'static str], key: &KmsKey) {
        if key.is_managed_by_aws() {
            return;
        }
        // IAM does not resolve aliases: a policy names the key itself, or asks for the alias by a condition.
        let permission = Permission {
            of_key: true,
            actions: actions.to_vec(),
            alias: key.alias().map(str::to_owned),
        };
        self.allowed
            .entry(permission)
            .or_default()
            .insert(key.pattern());
    }

    /// The statements, one for each set of actions. A `Sid` is made from all that tells it from the others.
    pub(super) fn statements(&self, sid: impl Fn(&str) -> String) -> Vec<Statement> {
        let statements = self.allowed.iter().map(|(permission, resources)| {
            let Permission { actions, alias, .. } = permission;
            let purpose = actions.iter().copied().chain(alias.as_deref());
            let purpose: Vec<&str> = purpose.collect();
            let statement =
                Statement::allow(sid(&purpose.join(" ")), Clause::of(actions.iter().copied()))
                    .on(resources.iter().cloned());
            match alias {
                Some(alias) => statement.when(
                    "ForAnyValue:StringEquals",
                    "kms:ResourceAliases",
                    [alias.as_str()],
                ),
                None => statement,
            }
        });
        statements.collect()
    }
}
