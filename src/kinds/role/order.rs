//! In which order the documents of a role are written, so that nobody is for a moment without what they
//! have before and after, and nothing is ever more than AWS takes.
//!
//! Pure: the documents that are there and those that are wanted go in, writes come out.

use std::collections::{BTreeMap, BTreeSet};

use crate::policy::{Document, size, spread};

/// Where a document of a role stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Spot<'a> {
    /// An inline policy, by its name.
    Inline(&'a str),
    /// A managed policy of the stack's, by its name.
    Managed(&'a str),
}

/// The documents of a role.
pub(super) type Documents<'a> = BTreeMap<Spot<'a>, Document>;

/// A write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Write<'a> {
    /// The wanted document is put there.
    Put(Spot<'a>),
    /// What is there goes.
    Remove(Spot<'a>),
}

impl<'a> Write<'a> {
    fn spot(self) -> Spot<'a> {
        match self {
            Self::Put(spot) | Self::Remove(spot) => spot,
        }
    }
}

/// The most there may be on a role.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Characters of inline policies.
    pub(super) inline: usize,
    /// Managed policies of the stack's: what others leave.
    pub(super) managed: usize,
}

/// The order of these writes.
///
/// Of those that take nothing away that some other write has yet to give elsewhere, and for which
/// there is room, the next is one that only gives, if there is one; removals come as late as can be.
/// Where there is none (a policy that gets another name, and no room for both), what must be is done.
pub(super) fn in_order<'a>(
    live: &Documents<'a>,
    want: &Documents<'a>,
    mut writes: BTreeSet<Write<'a>>,
    limits: Limits,
) -> Vec<Write<'a>> {
    let mut now: BTreeMap<Spot<'a>, Standing> =
        live.iter().map(|(at, it)| (*at, it.into())).collect();
    let then: BTreeMap<Spot<'a>, Standing> = want.iter().map(|(at, it)| (*at, it.into())).collect();
    let all = |of: &BTreeMap<Spot<'a>, Standing>| -> BTreeSet<String> {
        of.values().flat_map(|it| it.grants.clone()).collect()
    };
    let lasting: BTreeSet<String> = &all(&now) & &all(&then);
    let mut order = Vec::new();
    while let Some(next) = writes
        .iter()
        .copied()
        .min_by_key(|it| rank(*it, &now, &then, &lasting, limits))
    {
        writes.remove(&next);
        match (next, then.get(&next.spot())) {
            (Write::Put(spot), Some(document)) => {
                now.insert(spot, document.clone());
            }
            (Write::Put(spot) | Write::Remove(spot), _) => {
                now.remove(&spot);
            }
        }
        order.push(next);
    }
    order
}

/// A document as far as the order goes.
#[derive(Clone, Debug)]
struct Standing {
    grants: BTreeSet<String>,
    size: usize,
}

impl From<&Document> for Standing {
    fn from(document: &Document) -> Self {
        Self {
            grants: spread::grants(document),
            size: size::managed(document).used,
        }
    }
}

/// What speaks against doing a write next; the worst first.
fn rank<'a>(
    write: Write<'a>,
    now: &BTreeMap<Spot<'a>, Standing>,
    then: &BTreeMap<Spot<'a>, Standing>,
    lasting: &BTreeSet<String>,
    limits: Limits,
) -> (bool, bool, bool, bool, Write<'a>) {
    let spot = write.spot();
    let new = match write {
        Write::Put(_) => then.get(&spot),
        Write::Remove(_) => None,
    };
    let others = || now.iter().filter(|(at, _)| **at != spot).map(|(_, it)| it);
    let loses: BTreeSet<&String> = now.get(&spot).map_or_else(BTreeSet::new, |old| {
        let stays = |it: &&String| new.is_some_and(|new| new.grants.contains(*it));
        old.grants.iter().filter(|it| !stays(it)).collect()
    });
    let mut lost = loses.iter().filter(|it| lasting.contains(**it));
    let breaks = lost.any(|it| !others().any(|other| other.grants.contains(*it)));
    let is_inline = |at: &Spot<'_>| matches!(at, Spot::Inline(_));
    let alike = now
        .iter()
        .filter(|(at, _)| **at != spot && is_inline(at) == is_inline(&spot));
    let (sizes, count) = alike.fold((0, 0), |(sizes, count), (_, it)| {
        (sizes + it.size, count + 1)
    });
    let overflows = new.is_some_and(|new| match spot {
        Spot::Inline(_) => sizes + new.size > limits.inline,
        Spot::Managed(_) => count + 1 > limits.managed,
    });
    let removes = matches!(write, Write::Remove(_));
    (overflows, breaks, removes, !loses.is_empty(), write)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::spread::{Room, spread};
    use crate::policy::{Clause, Statement};

    const LIMITS: Limits = Limits {
        inline: 1024,
        managed: 40,
    };
    fn of(topics: &BTreeSet<String>) -> Document {
        let arns = topics
            .iter()
            .map(|it| format!("arn:aws:sns:eu-west-1:333333333333:{it}"));
        Document::of(vec![
            Statement::allow("Publish", Clause::of(["sns:Publish"])).on(arns),
        ])
    }

    /// As a role has it whose own policies leave this much room.
    fn documents(topics: &BTreeSet<String>, own: usize) -> Documents<'static> {
        let mut found = Documents::new();
        let filler = Statement::allow("Own", Clause::of(["a:b"])).on(["x".repeat(own)]);
        let filler = Document::of(vec![filler]);
        let used = size::managed(&filler).used;
        found.insert(Spot::Inline("own"), filler);
        if topics.is_empty() {
            return found;
        }
        let room = Room {
            first: LIMITS.inline - used,
            further: 614,
        };
        let spread = spread(&of(topics), room, &|it| size::managed(it).used);
        found.extend(spread.stays.map(|it| (Spot::Inline("access"), it)));
        let name = |at: u32| -> &'static str { Box::leak(format!("{at}").into_boxed_str()) };
        let goes = spread.goes.into_iter();
        found.extend(goes.map(|(at, it)| (Spot::Managed(name(at)), it)));
        found
    }

    fn writes(live: &Documents<'static>, want: &Documents<'static>) -> BTreeSet<Write<'static>> {
        let puts = want.iter().filter(|(at, it)| live.get(*at) != Some(it));
        let gone = live.keys().filter(|it| !want.contains_key(*it));
        puts.map(|(at, _)| Write::Put(*at))
            .chain(gone.map(|it| Write::Remove(*it)))
            .collect()
    }

    fn topics() -> impl Strategy<Value = BTreeSet<String>> {
        prop::collection::btree_set("[a-z]{1,12}", 0..90)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn nobody_is_without_access_on_the_way_and_nothing_overflows(
            before in topics(), other in topics(), keep in 0..4_u8,
            own in (0..700_usize, 0..700_usize),
        ) {
            let kept = before.iter().filter(|it| !it.len().is_multiple_of(usize::from(keep) + 1));
            let after: BTreeSet<String> = kept.chain(&other).cloned().collect();
            let (live, want) = (documents(&before, own.0), documents(&after, own.1));
            let order = in_order(&live, &want, writes(&live, &want), LIMITS);
            let granted = |it: &Documents<'_>| -> BTreeSet<String> {
                it.values().flat_map(spread::grants).collect()
            };
            let lasting = &granted(&live) & &granted(&want);
            let mut now = live;
            for write in order {
                match write {
                    Write::Put(at) => now.insert(at, want[&at].clone()),
                    Write::Remove(at) => now.remove(&at),
                };
                prop_assert!(granted(&now).is_superset(&lasting), "after {write:?}");
                let inline = now.iter().filter(|(at, _)| matches!(at, Spot::Inline(_)));
                let used: usize = inline.map(|(_, it)| size::managed(it).used).sum();
                prop_assert!(used <= LIMITS.inline, "{used} after {write:?}");
            }
            prop_assert_eq!(now, want);
        }
    }

    #[test]
    fn what_is_new_elsewhere_comes_before_what_goes() {
        let topics = |from: u8, to: u8| (from..to).map(|it| format!("t{it}")).collect();
        let live = Documents::from([(Spot::Inline("access"), of(&topics(0, 9)))]);
        let want = Documents::from([
            (Spot::Inline("access"), of(&topics(1, 5))),
            (Spot::Managed("1"), of(&topics(5, 20))),
        ]);
        let order = in_order(&live, &want, writes(&live, &want), LIMITS);
        assert_eq!(
            order,
            [
                Write::Put(Spot::Managed("1")),
                Write::Put(Spot::Inline("access"))
            ]
        );
    }

    #[test]
    fn with_no_room_for_both_the_old_goes_first() {
        let long = |name: &str| of(&BTreeSet::from([name.repeat(600)]));
        let live = Documents::from([(Spot::Inline("old"), long("a"))]);
        let want = Documents::from([(Spot::Inline("new"), long("a"))]);
        let order = in_order(&live, &want, writes(&live, &want), LIMITS);
        assert_eq!(
            order,
            [
                Write::Remove(Spot::Inline("old")),
                Write::Put(Spot::Inline("new"))
            ]
        );
    }
}
