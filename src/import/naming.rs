//! What things are called in the stack: by their marks, or after their names in AWS.

use std::collections::{BTreeMap, BTreeSet};

use super::roles::{Derived, derived};
use super::{ImportError, Order, Scene, id_of};
use crate::kinds::Resource;
use crate::kinds::survey::census::{Census, Found};
use crate::model::{Address, Arn, KindName};

/// The longest name of a table.
const LONGEST: usize = 64;

/// A name with nothing in it that a table's may not hold.
fn tame(name: &str) -> String {
    let name = name.strip_suffix(".fifo").unwrap_or(name);
    let word = |it: char| {
        if it.is_ascii_alphanumeric() || "-_".contains(it) {
            it
        } else {
            '-'
        }
    };
    let name: String = name.chars().map(word).take(LONGEST).collect();
    if name.is_empty() {
        "unnamed".to_owned()
    } else {
        name
    }
}

/// The name in AWS.
pub(super) fn aws_name(found: &Found) -> &str {
    match &found.have.resource {
        Resource::Role(it) => it.name(),
        Resource::Key(it) => it.arn.name(),
        Resource::Topic(it) => it.arn.name(),
        Resource::Queue(it) => it.arn.name(),
        Resource::RestApi(it) => &it.name,
        Resource::Stage(it) => &it.name,
        Resource::Subscription(it) => it.queue.name(),
    }
}

/// A name in the stack for everything that was found, by ARN or API id.
pub(super) fn names(
    order: &Order<'_>,
    census: &Census,
) -> Result<BTreeMap<String, String>, ImportError> {
    let mut names = BTreeMap::new();
    let mut taken: BTreeMap<Address, String> = BTreeMap::new();
    let clash = |address: &Address, one: &str, other: &str| {
        ImportError::Clash(format!(
            "`{one}` and `{other}` would both be `{address}`; take one of them at a time, with `--name` or `--tag`"
        ))
    };
    let marked = |found: &&Found| {
        let mark = found.have.mark.as_ref();
        mark.is_some_and(|it| it.stack == order.stack) && !found.existing
    };
    for found in census.found.iter().filter(marked) {
        let Some(mark) = &found.have.mark else {
            continue;
        };
        let id = id_of(found);
        if let Some(other) = taken.insert(mark.address.clone(), id.clone()) {
            return Err(clash(&mark.address, &other, &id));
        }
        names.insert(id, mark.address.name.clone());
    }
    let mut others: Vec<&Found> = census.found.iter().filter(|it| !marked(it)).collect();
    // What is another's has no mark, but access roles to it are named after what the stack called it.
    let called = targets_of_access_roles(order.stack, census);
    others.retain(|found| {
        let id = id_of(found);
        let address = called
            .get(&id)
            .filter(|it| it.kind == found.have.resource.kind());
        let address = address.filter(|it| found.existing && !taken.contains_key(it));
        if let Some(address) = address {
            taken.insert(address.clone(), id.clone());
            names.insert(id, address.name.clone());
        }
        address.is_none()
    });
    // Alike in two accounts: the account's name tells them apart.
    let mut count: BTreeMap<(KindName, String), usize> = BTreeMap::new();
    let wished = |found: &Found| {
        let id = id_of(found);
        let hint = order.names.get(&id).map(String::as_str);
        tame(hint.unwrap_or_else(|| aws_name(found)))
    };
    for found in &others {
        *count
            .entry((
                found.have.resource.kind(),
                wished(found).to_ascii_lowercase(),
            ))
            .or_default() += 1;
    }
    let marked: BTreeSet<Address> = taken.keys().cloned().collect();
    for found in others {
        let (id, kind, mut name) = (id_of(found), found.have.resource.kind(), wished(found));
        if count[&(kind, name.to_ascii_lowercase())] > 1
            || marked.contains(&Address::new(kind, &name))
        {
            name = tame(&format!("{name}-{}", found.place.account));
        }
        let address = Address::new(kind, &name);
        if let Some(other) = taken.insert(address.clone(), id.clone()) {
            return Err(clash(&address, &other, &id));
        }
        names.insert(id, name);
    }
    Ok(names)
}

/// What the stack called the targets of its access roles, by ARN or API id.
fn targets_of_access_roles(stack: &str, census: &Census) -> BTreeMap<String, Address> {
    let mut called = BTreeMap::new();
    for found in &census.found {
        let Resource::Role(role) = &found.have.resource else {
            continue;
        };
        let Some(Derived::Access(target)) = derived(role, stack) else {
            continue;
        };
        let Ok(target) = target.parse::<Address>() else {
            continue;
        };
        let statements = role.identity().flat_map(|it| &it.statements);
        let resources = statements.filter_map(|it| it.resource.as_ref());
        for arn in resources
            .flat_map(|it| &it.values)
            .filter_map(|it| Arn::parse(it).ok())
        {
            let id = match (arn.service(), arn.resource().split_once('/')) {
                ("execute-api", Some((id, _))) => id.to_owned(),
                _ => arn.to_string(),
            };
            called.insert(id, target.clone());
        }
    }
    called
}

impl Scene<'_> {
    /// Names a topic that is in no account of the file.
    pub(super) fn name_outside(&mut self, arn: &Arn) -> Address {
        let id = arn.to_string();
        let taken = |name: &str| {
            let mut names = self.names.iter();
            names.any(|(other, it)| it == name && *other != id && other.contains(":sns:"))
        };
        let mut name = tame(arn.name());
        if taken(&name) {
            name = tame(&format!("{name}-{}", arn.account()));
        }
        let address = Address::new(KindName::Topic, &name);
        self.names.insert(id, name);
        address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_named_by_letters_digits_and_dashes() {
        assert_eq!(tame("Orders API (v2)"), "Orders-API--v2-");
        assert_eq!(tame("events.fifo"), "events");
        assert_eq!(tame(""), "unnamed");
        assert_eq!(tame(&"a".repeat(80)).len(), LONGEST);
    }
}
