//! A consumer's coming and going, as changes of the stack's text.
//!
//! [`Answers`] say all there is to say of a new consumer, whether flags or questions gave
//! them; [`joined`] makes the text with it, and [`parted`] the one without; [`released`] makes
//! that of a stack which lets go of something. All are checked as any stack is, before anybody is shown anything: what comes out is right, or is told as faults.

mod advice;
mod answers;
mod join;
mod leave;
mod release;

use std::collections::{BTreeMap, BTreeSet};

use crate::graph;
use crate::lower::{self, Desired};
use crate::model::Address;
use crate::stack::{self, Faults, Source, Stack};

pub use advice::{Advice, advice};
pub use answers::{
    Answers, Calls, Home, RoleOf, account, calls, consumer, existing_role, queue, topic,
};
pub use join::joined;
pub use leave::{Bound, Parting, parted};
pub use release::{Released, released};

/// Reads the files that a stack names.
pub type Read<'a> = &'a dyn Fn(&str) -> Result<String, String>;

/// A stack as it would be, and what it wants.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its texts.
    pub sources: Vec<Source>,
    /// What they declare.
    pub stack: Stack,
    /// What that wants of AWS.
    pub desired: Desired,
}

/// Why a stack would not do.
#[derive(Clone, Debug)]
pub enum Unfit {
    /// Faults of the texts as they would be.
    Faults(Box<Faults>),
    /// What does not fit together.
    Parts(Vec<String>),
}

impl Unfit {
    /// The same as one sentence each.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        match self {
            Self::Parts(them) => them.clone(),
            Self::Faults(faults) => faults
                .iter()
                .map(|it| {
                    let fix = it.fix.as_ref().map(|it| it.replacement.clone());
                    let help = fix
                        .map(|it| format!("did you mean {it}?"))
                        .or_else(|| it.help.clone());
                    match help {
                        Some(help) => format!("{}; {help}", it.message),
                        None => it.message.clone(),
                    }
                })
                .collect(),
        }
    }
}

/// Checks and lowers texts.
pub fn candidate(sources: Vec<Source>, read: Read<'_>) -> Result<Candidate, Unfit> {
    let Some((main, overlays)) = sources.split_first() else {
        return Err(Unfit::Parts(vec!["there is no stack".to_owned()]));
    };
    let stack = stack::check(main, overlays, read).map_err(|it| Unfit::Faults(Box::new(it)))?;
    let mut desired = lower::lower(&stack)
        .map_err(|faults| Unfit::Parts(faults.iter().map(ToString::to_string).collect()))?;
    graph::untie(&mut desired.wants).map_err(|ring| Unfit::Parts(vec![ring.to_string()]))?;
    Ok(Candidate {
        sources,
        stack,
        desired,
    })
}

/// Somebody else who would have to reach a target by another way than before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Disturbed {
    /// Who.
    pub who: String,
    /// What they use.
    pub target: Address,
}

/// Whose way a consumer's coming would change: `auto` lets nobody in by a target's own policy any
/// more once there are many, and their clients would have to assume a role.
#[must_use]
pub fn disturbed(before: &Desired, after: &Desired) -> BTreeSet<Disturbed> {
    let way = |desired: &Desired| {
        let grants = desired.grants.iter();
        let ways = grants.map(|it| ((it.who.clone(), it.target.clone()), it.via));
        ways.collect::<BTreeMap<_, _>>()
    };
    let (old, new) = (way(before), way(after));
    let changed = old.into_iter().filter(|(who, via)| {
        let now = new.get(who);
        now.is_some_and(|now| now != via)
    });
    changed
        .map(|((who, target), _)| Disturbed { who, target })
        .collect()
}

/// The same in a sentence for each target.
#[must_use]
pub fn disturbance(all: &BTreeSet<Disturbed>) -> Vec<String> {
    let mut by_target: BTreeMap<&Address, Vec<&str>> = BTreeMap::new();
    for it in all {
        by_target.entry(&it.target).or_default().push(&it.who);
    }
    by_target
        .into_iter()
        .map(|(target, who)| {
            format!(
                "{} would have to call {target} by another way than they do: {}",
                who.len(),
                who.join(", ")
            )
        })
        .collect()
}

/// `file:line` of `[table.name]`, as far as its header is written in one piece.
#[must_use]
pub fn written_at(sources: &[Source], table: &str, name: &str) -> Option<String> {
    let headers = [format!("[{table}.{name}]"), format!("[{table}.\"{name}\"]")];
    sources.iter().find_map(|source| {
        let at = source.text.lines().position(|it| {
            headers
                .iter()
                .any(|header| it.trim_start().starts_with(header))
        })?;
        Some(format!("{}:{}", source.name, at + 1))
    })
}

/// The names of the accounts where something of a stack stands.
fn accounts_in_use(stack: &Stack) -> BTreeSet<&str> {
    let roles = stack.roles.values().map(|it| it.account.as_str());
    let apis = stack.apis.values().map(|it| it.account.as_str());
    let queues = stack.queues.values().map(|it| it.account.as_str());
    let topics = stack.topics.values().filter_map(|it| it.account.as_deref());
    roles.chain(apis).chain(queues).chain(topics).collect()
}
