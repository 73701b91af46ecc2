//! The names and ARNs of access roles.

use super::Draft;
use super::names::role_name;
use super::trust::{fit_for_a_tag, name_of, short_name};
use crate::model::{Address, Arn, KindName, Place};
use crate::stack::{Access, Moved, Principal, Target};

/// What an access role's name is made of, beside whom it is for.
pub(super) struct Naming<'a> {
    /// The stack that makes it.
    pub(super) stack: &'a str,
    /// What it gives access to.
    pub(super) target: &'a Address,
    /// The name that the author gave it.
    pub(super) own: Option<&'a str>,
    /// What has another name in the file than before: its access roles keep theirs, for sessions of a role end with it.
    pub(super) moved: &'a [Moved],
}

impl Naming<'_> {
    /// The access role's name in the stack, and in IAM.
    pub(super) fn names(&self, from: &Principal) -> (String, String) {
        if let Some(name) = self.own {
            return (fit_for_a_tag(name), role_name(&[name]));
        }
        let short = match from {
            Principal::Role(name) => {
                fit_for_a_tag(&self.first_name(&Address::new(KindName::Role, name)))
            }
            _ => short_name(from),
        };
        let target = self.first_name(self.target);
        (
            format!("{target}-for-{short}"),
            role_name(&[self.stack, &target, "for", &short]),
        )
    }

    /// The name that an address had before it moved, however often it did.
    fn first_name(&self, address: &Address) -> String {
        let mut first = address;
        for _ in self.moved {
            let before = self.moved.iter().find(|it| it.to == *first);
            first = before.map_or(first, |it| &it.from);
        }
        first.name.clone()
    }
}

/// The ARN of an access role, known before it exists, and to other stacks as well.
pub(super) fn named_role(naming: &Naming<'_>, from: &Principal, place: &Place) -> Arn {
    let (_, name) = naming.names(from);
    Arn::role(place, &format!("/provision/{}/", naming.stack), &name)
}

pub(super) fn access_role_names(
    draft: &Draft<'_>,
    access: &Access,
    from: &Principal,
) -> (String, String) {
    let shared = access.role_name.as_ref().map(|name| {
        let key = (name.clone(), name_of(from));
        draft.shares.get(&key).unwrap_or(name)
    });
    let naming = Naming {
        stack: &draft.stack.name,
        target: &target_address(&access.to),
        own: shared.map(String::as_str),
        moved: &draft.stack.moved,
    };
    naming.names(from)
}

/// The ARN of the role by which an access goes, or would go.
pub(super) fn access_role_arn(
    draft: &Draft<'_>,
    access: &Access,
    from: &Principal,
    place: &Place,
) -> Arn {
    let (_, name) = access_role_names(draft, access, from);
    Arn::role(place, &role_path(draft), &name)
}

/// The path of every role that a stack makes.
pub(super) fn role_path(draft: &Draft<'_>) -> String {
    format!("/provision/{}/", draft.stack.name)
}

/// Bits of a digest that are looked at. Beyond them consumers are not told apart, and a budget says so.
pub(super) const BITS: usize = 32;

/// What is added to the name that is shared, in a role's name.
pub(super) fn suffix_of<'a>(name: &str, role: &'a str) -> Option<&'a str> {
    let rest = role.strip_prefix(name)?;
    let suffix = match rest {
        "" => "",
        rest => rest.strip_prefix('-')?,
    };
    let bits = suffix.len() <= BITS && suffix.bytes().all(|it| matches!(it, b'0' | b'1'));
    bits.then_some(suffix)
}

/// The address of what an access is to.
pub(super) fn target_address(target: &Target) -> Address {
    match target {
        Target::Api { name, .. } => Address::new(KindName::RestApi, name),
        Target::Topic { name } => Address::new(KindName::Topic, name),
        Target::Queue { name, .. } => Address::new(KindName::Queue, name),
    }
}
