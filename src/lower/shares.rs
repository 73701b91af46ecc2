//! Access roles that many consumers share: several of them, where one trust policy cannot name all.
//!
//! Which role a consumer gets is read off a digest of its name, bit by bit. As long as one role has
//! room for all there is one; a role that is too full becomes two, and the half whose next bit is 1
//! goes to the new one. So the order in which consumers are written means nothing, and one more
//! changes one trust policy, or turns one role into two: nobody else's role is another.
//!
//! Who is in the half that goes would have to use another ARN, though, and some of them are not of
//! the stack: their own stacks and clients hold the old one. So, where AWS has been read, whoever is
//! trusted by one of the roles already stays there, and only those that come are dealt out: each to
//! the first role on its digest's way that has room. The memory is the trust policies themselves.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use super::access_roles::{BITS, suffix_of, target_address};
use super::trust::{Who, caller, fit_for_a_tag, name_of, trust_policy, trusts};
use super::ways::mechanism;
use super::{Draft, LowerFault};
use crate::kinds::survey::Live;
use crate::kinds::{Resource, Role};
use crate::policy::{Effect, size};
use crate::stack::{Access, Target, Via};

/// Somebody who shares an access role.
struct Sharer<'a> {
    who: Who,
    does: BTreeSet<String>,
    access: &'a Access,
}

/// Deals the consumers of each access role with a name of the author's out to as many roles as
/// their trust policies need; where AWS was read, whoever has one keeps it.
pub(super) fn share(draft: &mut Draft<'_>, live: Option<&Live>) {
    let stack = draft.stack;
    let mut groups: BTreeMap<&String, BTreeMap<String, Sharer<'_>>> = BTreeMap::new();
    for access in &stack.access {
        let Some(name) = &access.role_name else {
            continue;
        };
        let (place, does): (_, Vec<String>) = match &access.to {
            Target::Api { name, routes } => (
                Some(draft.place(&stack.apis[name].account)),
                routes.iter().map(|it| format!("call {it}")).collect(),
            ),
            Target::Topic { name } => (draft.topic_place(&stack.topics[name]), Vec::new()),
            Target::Queue { name, uses } => (
                Some(draft.place(&stack.queues[name].account)),
                uses.iter().map(|it| it.as_str().to_owned()).collect(),
            ),
        };
        let (Some(place), Via::AssumeRole) = (place, mechanism(draft, access).via) else {
            continue;
        };
        let from = caller(stack, access);
        let sharers = groups.entry(name).or_default();
        let sharer = sharers.entry(name_of(&from)).or_insert_with(|| Sharer {
            who: Who::of(&from, stack, &place),
            does: BTreeSet::new(),
            access,
        });
        sharer.does.extend(does);
    }
    for (name, sharers) in &groups {
        let fits = |some: &[&Sharer<'_>]| {
            let Some(first) = some.first() else {
                return true;
            };
            let who: BTreeSet<Who> = some.iter().map(|it| it.who.clone()).collect();
            // A trust policy is the same length wherever it stands.
            let Some(place) = stack.accounts.values().next().map(|it| &it.place) else {
                return true;
            };
            let id = first.access.external_id.as_deref();
            let trust = trust_policy(&stack.name, &draft.passed_on, place, &who, id);
            !size::trust(&trust, size::TRUST).is_over()
        };
        let held = live.map(|live| held(&stack.name, name, sharers, live));
        for (consumer, suffix) in dealt(sharers, &held.unwrap_or_default(), fits) {
            let own = match suffix.as_str() {
                "" => (*name).clone(),
                suffix => format!("{name}-{suffix}"),
            };
            if own != **name && groups.contains_key(&own) {
                draft.faults.push(LowerFault {
                    message: format!(
                        "one access role `{name}` cannot name all who share it, and `{own}`, as its next would be called, \
                         is taken: choose another `role_name`"
                    ),
                    written_at: Some(sharers[consumer].access.written_at.clone()),
                });
            }
            draft
                .shares
                .insert(((*name).clone(), consumer.to_owned()), own);
        }
        draft.faults.extend(unlike(name, sharers));
    }
}

/// Which of the roles trusts whom already: what is added to the name that they share.
fn held(
    stack: &str,
    name: &str,
    sharers: &BTreeMap<String, Sharer<'_>>,
    live: &Live,
) -> BTreeMap<String, String> {
    let there = live.have.iter();
    let left = live.orphans.iter().map(|it| (&it.address, &it.have));
    let mut found = BTreeMap::new();
    for (address, have) in there.chain(left) {
        let Resource::Role(role) = &have.resource else {
            continue;
        };
        let ours = have.mark.as_ref().is_some_and(|it| it.stack == stack);
        let suffix = suffix_of(&fit_for_a_tag(name), &address.name);
        let Some(suffix) = suffix.filter(|_| ours) else {
            continue;
        };
        let mine = sharers
            .iter()
            .filter(|(_, it)| trusts(&role.trust, &it.who));
        for (consumer, _) in mine {
            found
                .entry(consumer.clone())
                .or_insert_with(|| suffix.to_owned());
        }
    }
    for (consumer, it) in sharers {
        let Who::Role(arn) = &it.who else { continue };
        let own = live.have.values().find_map(|it| match &it.resource {
            Resource::Role(role) if role.arn == *arn => Some(role),
            _ => None,
        });
        if let Some(suffix) = own.and_then(|it| assumed(stack, name, it)) {
            found
                .entry(consumer.clone())
                .or_insert_with(|| suffix.to_owned());
        }
    }
    found
}

/// Which of the roles a consumer of the stack may assume by its own policy: it says so, too, when the
/// access role itself is gone, or stands in an account that cannot be read.
fn assumed<'a>(stack: &str, name: &str, role: &'a Role) -> Option<&'a str> {
    let path = format!(":role/provision/{stack}/");
    let statements = role.inline.values().flat_map(|it| &it.statements);
    let assuming = statements.filter(|it| {
        let mut actions = it.action.values.iter();
        it.effect == Effect::Allow && actions.any(|it| it.eq_ignore_ascii_case("sts:AssumeRole"))
    });
    let mut resources = assuming.flat_map(|it| it.resource.iter().flat_map(|it| &it.values));
    resources.find_map(|it| suffix_of(name, it.split_once(&path)?.1))
}

/// Which of the roles each consumer uses, where some have one already.
fn dealt<'a, T>(
    consumers: &'a BTreeMap<String, T>,
    held: &BTreeMap<String, String>,
    fits: impl Fn(&[&T]) -> bool,
) -> BTreeMap<&'a str, String> {
    if held.is_empty() {
        return shares(consumers, fits);
    }
    let mut roles: BTreeMap<String, Vec<&T>> = BTreeMap::new();
    let mut found = BTreeMap::new();
    let mut place = |name: &'a str, it: &'a T, suffix: &str| {
        let members = roles.entry(suffix.to_owned()).or_default();
        members.push(it);
        let fits = fits(members);
        if fits {
            found.insert(name, suffix.to_owned());
        } else {
            members.pop();
        }
        fits
    };
    let (mut new, mut full) = (Vec::new(), Vec::new());
    for (name, it) in consumers {
        let stays = held.get(name).is_some_and(|suffix| place(name, it, suffix));
        if !stays {
            new.push((name.as_str(), it));
        }
    }
    for (name, it) in new {
        let way = (0..=BITS).map(|depth| {
            let bits: String = (0..depth)
                .map(|at| if bit(name, at) { '1' } else { '0' })
                .collect();
            bits.trim_end_matches('0').to_owned()
        });
        let mut way: Vec<String> = way.collect();
        way.dedup();
        if !way.iter().any(|suffix| place(name, it, suffix)) {
            // Nobody has room for it: its budget says so.
            full.push((name, way.pop().unwrap_or_default()));
        }
    }
    found.extend(full);
    found
}

/// Whoever shares a role may do what the role may: all of them have to be allowed the same.
fn unlike(name: &str, sharers: &BTreeMap<String, Sharer<'_>>) -> Option<LowerFault> {
    let (one, first) = sharers.first_key_value()?;
    let (other, it) = sharers.iter().find(|(_, it)| {
        it.does != first.does && target_address(&it.access.to) == target_address(&first.access.to)
    })?;
    let more = it.does.symmetric_difference(&first.does);
    let more: Vec<String> = more.cloned().collect();
    Some(LowerFault {
        message: format!(
            "`{one}` and `{other}` share the access role `{name}`, by which both could {}, and only one of them is \
             allowed to; allow both the same, or give one another `role_name`",
            more.join(", ")
        ),
        written_at: Some(it.access.written_at.clone()),
    })
}

/// Which of the roles each consumer uses: what is added to the name that they share, nothing for the first.
fn shares<T>(
    consumers: &BTreeMap<String, T>,
    fits: impl Fn(&[&T]) -> bool,
) -> BTreeMap<&str, String> {
    let mut found = BTreeMap::new();
    let mut left = vec![(consumers.iter().collect::<Vec<_>>(), String::new())];
    while let Some((some, bits)) = left.pop() {
        let members: Vec<&T> = some.iter().map(|(_, it)| *it).collect();
        if some.len() <= 1 || bits.len() == BITS || fits(&members) {
            let suffix = bits.trim_end_matches('0');
            found.extend(
                some.into_iter()
                    .map(|(name, _)| (name.as_str(), suffix.to_owned())),
            );
            continue;
        }
        let (ones, zeros) = some
            .into_iter()
            .partition(|(name, _)| bit(name, bits.len()));
        left.push((zeros, format!("{bits}0")));
        left.push((ones, format!("{bits}1")));
    }
    found
}

/// A bit of a name's digest.
fn bit(name: &str, at: usize) -> bool {
    let hash = Sha256::digest(name.as_bytes());
    hash[at / 8] >> (7 - at % 8) & 1 == 1
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    type Consumers = BTreeMap<String, usize>;

    /// Roles of this much room, where a consumer takes as much as its number says.
    fn share(consumers: &Consumers, room: usize) -> BTreeMap<String, String> {
        let fits = |some: &[&usize]| some.iter().copied().sum::<usize>() <= room;
        let found = shares(consumers, fits);
        found
            .into_iter()
            .map(|(name, it)| (name.to_owned(), it))
            .collect()
    }

    fn consumers() -> impl Strategy<Value = Consumers> {
        prop::collection::btree_map("[a-z]{1,8}", 1..10_usize, 0..120)
    }

    proptest! {
        #[test]
        fn everybody_has_a_role_and_no_role_is_too_full(all in consumers()) {
            let shares = share(&all, 30);
            prop_assert_eq!(shares.keys().collect::<Vec<_>>(), all.keys().collect::<Vec<_>>());
            let mut used: BTreeMap<&String, usize> = BTreeMap::new();
            for (name, share) in &shares {
                *used.entry(share).or_default() += all[name];
            }
            prop_assert!(used.values().all(|it| *it <= 30), "{used:?}");
        }

        #[test]
        fn one_more_touches_one_role_or_splits_one(all in consumers(), new in "[A-Z]{1,8}") {
            let before = share(&all, 30);
            let mut more = all.clone();
            more.insert(new.clone(), 5);
            let after = share(&more, 30);
            let moved: BTreeSet<&String> = all
                .keys()
                .filter(|it| before[*it] != after[*it])
                .map(|it| &before[it])
                .collect();
            // Whoever moved was in one role, and the new consumer comes where those were.
            prop_assert!(moved.len() <= 1, "{moved:?}");
            let roles = |it: &BTreeMap<String, String>| it.values().cloned().collect::<BTreeSet<_>>();
            if moved.is_empty() && roles(&before).contains(&after[&new]) {
                prop_assert_eq!(roles(&before), roles(&after));
            }
        }
    }

    proptest! {
        #[test]
        fn whoever_has_a_role_keeps_it_whoever_comes_and_goes(
            all in consumers(), new in prop::collection::btree_map("[A-Z]{1,8}", 1..10_usize, 0..40),
            gone in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
        ) {
            let fits = |some: &[&usize]| some.iter().copied().sum::<usize>() <= 30;
            let held = share(&all, 30);
            let mut then = all.clone();
            for it in gone {
                if let Some(name) = then.keys().nth(it.index(all.len().max(1))).cloned() {
                    then.remove(&name);
                }
            }
            let stay: Vec<String> = then.keys().cloned().collect();
            then.extend(new);
            let mut after = BTreeMap::new();
            let mut used: BTreeMap<String, usize> = BTreeMap::new();
            for (name, suffix) in dealt(&then, &held, fits) {
                *used.entry(suffix.clone()).or_default() += then[name];
                after.insert(name.to_owned(), suffix);
            }
            prop_assert_eq!(after.keys().collect::<Vec<_>>(), then.keys().collect::<Vec<_>>());
            prop_assert!(used.values().all(|it| *it <= 30), "{used:?}");
            for it in stay {
                prop_assert_eq!(&after[&it], &held[&it], "{} moved", it);
            }
            // What is there then says the same again.
            let again: BTreeMap<String, String> = dealt(&then, &after, fits)
                .into_iter()
                .map(|(name, it)| (name.to_owned(), it))
                .collect();
            prop_assert_eq!(again, after);
        }
    }

    #[test]
    fn as_long_as_all_fit_there_is_one_role_with_the_plain_name() {
        let all: Consumers = (0..30).map(|it| (format!("c{it}"), 1)).collect();
        assert!(share(&all, 30).values().all(String::is_empty));
        let names: BTreeSet<String> = share(&all, 15).into_values().collect();
        assert!(names.len() >= 2 && names.contains(""), "{names:?}");
    }
}
