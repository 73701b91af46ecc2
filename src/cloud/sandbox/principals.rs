//! Principals named in policies: they must exist, and a policy follows the
//! principal's unique id, not its name.
//!
//! While a role lives, a stored policy keeps its ARN; when the role is deleted,
//! its unique id is written into every policy that named it, and stays there
//! also after a role of the same name is made. Roles and roots of accounts that
//! are not in the sandbox are outside its sight, and taken as they are.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::Sandbox;
use super::elements::items;
use super::state::{Account, Role, World};
use crate::model::{AccountId, Arn, Place};
use crate::policy::grammar::is_service;

impl Sandbox {
    /// Makes a user, which no call of a cloud does: its ARN.
    pub fn put_user(&self, at: &Place, path: &str, name: &str) -> String {
        let partition = at.partition().as_str();
        let arn = format!("arn:{partition}:iam::{}:user{path}{name}", at.id);
        let mut world = self.world.borrow_mut();
        let account = world.accounts.entry(at.id.clone()).or_default();
        account.users.insert(arn.clone());
        arn
    }
}

/// A principal that does not exist, or is not visible yet.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct InvalidPrincipal {
    kind: String,
    value: String,
}

impl fmt::Display for InvalidPrincipal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.to_uppercase();
        write!(
            out,
            "Invalid principal in policy: \"{kind}\":\"{}\"",
            self.value
        )
    }
}

/// What a principal is judged against.
pub(super) struct Sight<'a> {
    pub(super) world: &'a World,
    pub(super) at: &'a Place,
    pub(super) now: i64,
    pub(super) propagation: Duration,
}

impl Sight<'_> {
    /// Checks every principal of a document and writes each as a read will show
    /// it; says whether that changed the document.
    pub(super) fn settle(&self, document: &mut Value) -> Result<bool, InvalidPrincipal> {
        let mut changed = false;
        for principals in principal_elements(document) {
            let Value::Object(kinds) = principals else {
                continue;
            };
            for (kind, names) in kinds {
                let mut shown = Vec::new();
                for name in items(Some(names)).iter().filter_map(Value::as_str) {
                    let invalid = || InvalidPrincipal {
                        kind: kind.clone(),
                        value: name.to_owned(),
                    };
                    shown.push(match kind.as_str() {
                        "AWS" => self.account_principal(name).ok_or_else(invalid)?,
                        "Service" if !is_service(name) => return Err(invalid()),
                        _ => name.to_owned(),
                    });
                }
                changed |= rewrite(names, shown);
            }
        }
        Ok(changed)
    }

    /// A principal of type `AWS` as a read shows it.
    fn account_principal(&self, name: &str) -> Option<String> {
        if name == "*" {
            return Some(name.to_owned());
        }
        if let Some(account) = AccountId::parse(name) {
            let partition = self.at.partition();
            return Some(Arn::root(partition.as_str(), &account).to_string());
        }
        if name.starts_with("AROA") {
            let role = self.roles().find(|it| it.id == name)?;
            return self.is_visible(role).then(|| role.arn.clone());
        }
        let arn = Arn::parse(name).ok()?;
        let account = arn.account_id()?;
        if arn.partition() != self.at.partition().as_str() || !arn.region().is_empty() {
            return None;
        }
        let (kind, rest) = arn
            .resource()
            .split_once('/')
            .unwrap_or((arn.resource(), ""));
        let there = match (arn.service(), kind) {
            ("iam", "root") => rest.is_empty(),
            ("sts", "federated-user") => !rest.is_empty(),
            ("iam", "role" | "user") | ("sts", "assumed-role") if rest.is_empty() => false,
            ("iam", "role") => match self.read(&account) {
                None => true,
                Some(it) => it
                    .roles
                    .get(arn.name())
                    .is_some_and(|role| role.arn == name && self.is_visible(role)),
            },
            ("iam", "user") => match self.read(&account) {
                None => true,
                Some(it) => self.world.presumes(name) || it.users.contains(name),
            },
            ("sts", "assumed-role") => match self.read(&account) {
                None => true,
                Some(it) => rest
                    .split_once('/')
                    .and_then(|(role, _)| it.roles.get(role))
                    .is_some_and(|role| self.is_visible(role)),
            },
            _ => false,
        };
        there.then(|| name.to_owned())
    }

    /// An account whose roles are known.
    fn read(&self, id: &AccountId) -> Option<&Account> {
        self.world.accounts.get(id).filter(|it| !it.unread)
    }

    fn roles(&self) -> impl Iterator<Item = &Role> {
        self.world
            .accounts
            .values()
            .flat_map(|it| it.roles.values())
    }

    fn is_visible(&self, role: &Role) -> bool {
        let age = u64::try_from(self.now - role.created).unwrap_or_default();
        Duration::from_millis(age) >= self.propagation
    }
}

/// Every `Principal` and `NotPrincipal` element of a document.
pub(super) fn principal_elements(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let statements = match document.get_mut("Statement") {
        None => &mut [],
        Some(Value::Array(items)) => items.as_mut_slice(),
        Some(other) => std::slice::from_mut(other),
    };
    statements
        .iter_mut()
        .filter_map(Value::as_object_mut)
        .flat_map(|it| it.iter_mut())
        .filter(|(name, _)| matches!(name.as_str(), "Principal" | "NotPrincipal"))
        .map(|(_, value)| value)
}

/// Lists of principals in another order than they were sent in: AWS keeps none.
pub(super) fn reorder(document: &mut Value) {
    for principals in principal_elements(document) {
        if let Some(Value::Array(names)) = principals.get_mut("AWS") {
            names.reverse();
        }
    }
}

/// Puts names in the place of others; a single one that changed becomes a scalar, as AWS writes it.
fn rewrite(names: &mut Value, mut shown: Vec<String>) -> bool {
    let same = items(Some(names))
        .iter()
        .map(Value::as_str)
        .eq(shown.iter().map(|it| Some(it.as_str())));
    if same {
        return false;
    }
    *names = if shown.len() == 1 {
        Value::String(shown.remove(0))
    } else {
        Value::Array(shown.into_iter().map(Value::String).collect())
    };
    true
}

impl World {
    /// Writes a deleted role's unique id into every policy that named the role.
    pub(super) fn forget(&mut self, role: &Role) {
        self.ghosts.insert(role.id.clone(), role.arn.clone());
        for account in self.accounts.values_mut() {
            for other in account.roles.values_mut() {
                haunt(&mut other.trust, role);
            }
            for region in account.regions.values_mut() {
                for key in region.keys.values_mut() {
                    haunt(&mut key.policy, role);
                }
                for topic in region.topics.values_mut() {
                    haunt(&mut topic.policy, role);
                }
                for queue in region.queues.values_mut() {
                    if let Some(policy) = queue.attributes.get_mut("Policy") {
                        haunt(policy, role);
                    }
                }
                for api in region.apis.values_mut() {
                    let deployed = api.deployments.values_mut().map(|it| &mut it.policy);
                    for policy in deployed.chain([&mut api.about.policy]).flatten() {
                        haunt(policy, role);
                    }
                }
            }
        }
    }
}

fn haunt(text: &mut String, role: &Role) {
    let arn = Arn::parse(&role.arn);
    let name = arn.as_ref().map(Arn::name).unwrap_or_default();
    if !text.contains(name) {
        return;
    }
    let Ok(mut document) = serde_json::from_str::<Value>(text) else {
        return;
    };
    let account = arn.as_ref().map(Arn::account).unwrap_or_default();
    let partition = arn.as_ref().map(Arn::partition).unwrap_or_default();
    let session = format!("arn:{partition}:sts::{account}:assumed-role/{name}/");
    let mut changed = false;
    for principals in principal_elements(&mut document) {
        let Some(names) = principals.get_mut("AWS") else {
            continue;
        };
        let shown = items(Some(names))
            .iter()
            .filter_map(Value::as_str)
            .map(|it| match it.strip_prefix(&session) {
                _ if it == role.arn => role.id.clone(),
                Some(rest) => format!("{}:{rest}", role.id),
                None => it.to_owned(),
            })
            .collect();
        changed |= rewrite(names, shown);
    }
    if changed {
        *text = document.to_string();
    }
}
