//! Does a change of a document let anyone do more?
//!
//! Decided exactly, for all requests at once, and without a solver: the new document lets
//! through nothing new if what its statements allow lies within what the old one's
//! allow. What lies outside is shown as a request, and that request is put to both
//! documents as any other would be; only a difference that this confirms is claimed.
//!
//! A document is asked alone: what it says of the request, at whatever level it names the
//! principal. Whether the other side agrees is another question, for [`decide`](super::decide).

use super::cubes::Cube;
use super::document::{Document, Effect};
use super::facts::Facts;
use super::normal;
use super::request::Request;
use super::rules::{Kind, Rules};
use super::space::{Reading, Reason, Space};
use super::three::Three;
use super::witness::candidates;

/// How a document differs from an older one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// Their normal form is the same.
    Equal,
    /// They are written differently and say the same.
    Cosmetic,
    /// It lets more through.
    Widened,
    /// It lets less through.
    Narrowed,
    /// It lets through what the old one did not, and the other way round.
    Both,
    /// What we know does not settle it.
    Unproven,
}

impl Change {
    /// As the command line prints it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Cosmetic => "cosmetic",
            Self::Widened => "widened",
            Self::Narrowed => "narrowed",
            Self::Both => "both",
            Self::Unproven => "unproven",
        }
    }
}

/// What a change of a document does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// In a word.
    pub verdict: Change,
    /// Requests that the new document lets through and the old one did not.
    pub gains: Vec<Request>,
    /// Requests that the old document let through and the new one does not.
    pub loses: Vec<Request>,
    /// What could not be settled.
    pub because: Vec<String>,
}

/// Most witnesses that are shown of each kind.
const MOST_WITNESSES: usize = 10;
/// Most statements of one document: ten times what any service stores.
const MOST_STATEMENTS: usize = 2000;
/// Most cubes of one difference that are tried for a witness.
const MOST_CUBES_TRIED: usize = 64;

/// Compares a document with an older one.
#[must_use]
pub fn compare(old: &Document, new: &Document) -> Comparison {
    let settled = |verdict| Comparison {
        verdict,
        gains: Vec::new(),
        loses: Vec::new(),
        because: Vec::new(),
    };
    if normal::same(old, new) {
        return settled(Change::Equal);
    }
    if normal::same_meaning(old, new) {
        return settled(Change::Cosmetic);
    }
    if old.statements.len().max(new.statements.len()) > MOST_STATEMENTS {
        return Comparison {
            because: vec![format!(
                "more than {MOST_STATEMENTS} statements are not compared"
            )],
            ..settled(Change::Unproven)
        };
    }
    differ(old, new).unwrap_or_else(|reason| Comparison {
        because: vec![reason],
        ..settled(Change::Unproven)
    })
}

/// What documents are attached to, by whether their statements name principals.
fn kind_of(documents: &[&Document]) -> Kind {
    let mut statements = documents.iter().flat_map(|it| &it.statements);
    if statements.any(|it| it.principal.is_some()) {
        Kind::Resource
    } else {
        Kind::Identity
    }
}

/// What a document alone says of a request.
#[must_use]
pub fn alone(document: &Document, request: &Request) -> Three {
    let kind = kind_of(&[document]);
    says(&Rules::of(document, kind, ""), kind, request)
}

fn says(rules: &Rules, kind: Kind, request: &Request) -> Three {
    let action = request.action.to_ascii_lowercase();
    let facts = Facts {
        listed_keys_only: kind == Kind::Resource && action.starts_with("sqs:"),
        ..Facts::of(request)
    };
    let any = |effect| {
        Three::any(
            rules
                .rules
                .iter()
                .filter(|it| it.effect == effect)
                .map(|it| it.applies(&facts, &action, &mut Vec::new()).any()),
        )
    };
    any(Effect::Allow) & !any(Effect::Deny)
}

/// A document as cubes.
struct Cubes {
    /// Of each allowing statement.
    allows: Vec<Cube>,
    denies: Vec<Cube>,
}

impl Cubes {
    fn of(space: &Space, rules: &Rules, reading: Reading) -> Result<Self, Reason> {
        let (mut allows, mut denies) = (Vec::new(), Vec::new());
        let askers = space.askers();
        for rule in &rules.rules {
            if let Some(cube) = space.cube(rule, reading, &askers)? {
                match rule.effect {
                    Effect::Allow => allows.push(cube),
                    Effect::Deny => denies.push(cube),
                }
            }
        }
        Ok(Self { allows, denies })
    }

    /// What one lets through and another does not, a heap for each statement that tells them apart.
    fn beyond(&self, other: &Self, space: &Space) -> Result<Vec<Vec<Cube>>, Reason> {
        let shape = &space.shape;
        let too_many = |_| "the difference falls into too many pieces".to_owned();
        let mut heaps = Vec::new();
        for allow in &self.allows {
            let real = shape
                .beyond(std::slice::from_ref(allow), &self.denies)
                .and_then(|it| shape.beyond(&it, &space.impossible))
                .map_err(too_many)?;
            heaps.push(shape.beyond(&real, &other.allows).map_err(too_many)?);
            for deny in &other.denies {
                heaps.push(shape.common(&real, std::slice::from_ref(deny)));
            }
        }
        heaps.retain(|it| !it.is_empty());
        Ok(heaps)
    }
}

fn differ(old: &Document, new: &Document) -> Result<Comparison, Reason> {
    let kind = kind_of(&[old, new]);
    let (old, new) = (Rules::of(old, kind, ""), Rules::of(new, kind, ""));
    let space = Space::of(&[&old, &new], kind)?;
    let (mut gained, mut lost) = (Vec::new(), Vec::new());
    let mut by_segment = true;
    for reading in [Reading::Segment, Reading::Across] {
        let before = Cubes::of(&space, &old, reading)?;
        let after = Cubes::of(&space, &new, reading)?;
        gained.extend(after.beyond(&before, &space)?);
        lost.extend(before.beyond(&after, &space)?);
        if reading == Reading::Segment {
            by_segment = !gained.is_empty() || !lost.is_empty();
        }
    }
    let (gains, more) = witnesses(&space, &gained, &new, &old);
    let (loses, less) = witnesses(&space, &lost, &old, &new);
    let verdict = match (more, less) {
        (Three::Maybe, _) | (_, Three::Maybe) => Change::Unproven,
        (Three::No, Three::No) => Change::Cosmetic,
        (Three::Yes, Three::No) => Change::Widened,
        (Three::No, Three::Yes) => Change::Narrowed,
        (Three::Yes, Three::Yes) => Change::Both,
    };
    let because = match verdict {
        Change::Unproven if by_segment => {
            vec!["the documents differ in what cannot be decided offline".to_owned()]
        }
        Change::Unproven => vec![
            "the documents differ only if a `*` in a resource runs over a `:`; write the ARN out"
                .to_owned(),
        ],
        Change::Equal | Change::Cosmetic | Change::Widened | Change::Narrowed | Change::Both => {
            Vec::new()
        }
    };
    Ok(Comparison {
        verdict,
        gains,
        loses,
        because,
    })
}

/// A request of each heap that one document lets through and the other does not, and whether
/// there is any such request at all.
fn witnesses(space: &Space, heaps: &[Vec<Cube>], yes: &Rules, no: &Rules) -> (Vec<Request>, Three) {
    let mut found: Vec<Request> = Vec::new();
    for heap in heaps {
        if found.len() == MOST_WITNESSES {
            break;
        }
        let confirmed = |it: &Request| {
            says(yes, space.kind, it) == Three::Yes && says(no, space.kind, it) == Three::No
        };
        let witness = heap
            .iter()
            .take(MOST_CUBES_TRIED)
            .flat_map(|it| candidates(space, it))
            .find(confirmed);
        found.extend(witness.filter(|it| !found.contains(it)));
    }
    let any = match (heaps.is_empty(), found.is_empty()) {
        (true, _) => Three::No,
        (false, true) => Three::Maybe,
        (false, false) => Three::Yes,
    };
    (found, any)
}

/// The statement of a document that lets a request through, or that refuses it.
#[must_use]
pub fn blame(document: &Document, request: &Request) -> Option<String> {
    let kind = kind_of(&[document]);
    let rules = Rules::of(document, kind, "");
    let action = request.action.to_ascii_lowercase();
    let facts = Facts::of(request);
    let speaks = |effect| {
        rules.rules.iter().find(|it| {
            it.effect == effect && it.applies(&facts, &action, &mut Vec::new()).any() == Three::Yes
        })
    };
    speaks(Effect::Deny)
        .or_else(|| speaks(Effect::Allow))
        .map(|it| it.label.clone())
}

#[cfg(test)]
mod tests;
