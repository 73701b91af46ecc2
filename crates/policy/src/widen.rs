//! Does a change of a document let anyone do more?
//!
//! Decided exactly, for all requests at once, and without a solver: the new document lets
//! through nothing new if what its statements allow lies within what the old one's
//! allow. What lies outside is shown as a request, and that request is put to both
//! documents as any other would be; only a difference that this confirms is claimed.
//!
//! A document is judged alone: what it says of the request, however it names the principal. Whether
//! the other side agrees is another question, for [`decide`](super::decide).
//!
//! In the resource's own account that is not enough. How the document names a caller decides which of
//! the caller's own policies still count, so what it grants there is compared for every kind of
//! caller ([`CallerPolicies`]):
//!
//! - with an identity policy that allows the request, a caller needs no word of most resource
//!   policies, so that only what they deny matters. A role's trust policy, a key's and a private
//!   API's must allow it all the same, and may do so by naming the account;
//! - without one, a caller is let in by a statement that names its role, or it more directly;
//! - where a boundary or a session policy does not allow it either, only the latter is left.
//!
//! A policy of the caller's stands beside others too, and a resource's policy may let its role in. So what it no longer
//! denies is let through wherever one of them allows it: a gain where it is known to stand beside others
//! ([`compare_beside_others`]), and nothing where it is compared alone.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html>.

use std::borrow::Cow;
use std::cell::Cell;

use super::cubes::Cube;
use super::document::{Document, Effect, Statement};
use super::facts::Facts;
use super::normal;
use super::request::{Caller, CallerPolicies, Request, Who};
use super::rules::{Kind, Level, Named, Rules};
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
/// Most answers of statements about values of a request: a bound on time.
const MOST_ANSWERS: usize = 4_000_000;
/// Most answers of statements about requests that are tried as witnesses.
const MOST_TRIED: usize = 1_000_000;
/// Most cubes of one difference that are tried for a witness.
const MOST_CUBES_TRIED: usize = 64;

/// Compares a document with an older one, of a resource that may be of any account that fits.
#[must_use]
pub fn compare(old: &Document, new: &Document) -> Comparison {
    compare_of(old, new, None, false)
}

/// Compares a document with an older one, of a resource that this account owns.
#[must_use]
pub fn compare_in(owner: &str, old: &Document, new: &Document) -> Comparison {
    compare_of(old, new, Some(owner), false)
}

/// Compares as [`compare_in`] does what is one document of several: what a policy of a caller's no longer denies is
/// gained, for another of its policies, or the resource's, may allow it.
#[must_use]
pub fn compare_beside_others(owner: &str, old: &Document, new: &Document) -> Comparison {
    compare_of(old, new, Some(owner), true)
}

/// Compares policies of which one is known to stand beside others: a service control policy, beside `FullAWSAccess`.
#[must_use]
pub fn compare_of_organization(owner: Option<&str>, old: &Document, new: &Document) -> Comparison {
    compare_of(old, new, owner, true)
}

/// Compares policies of a caller's, of which nobody told what stands beside them: where it depends on that whether more
/// is let through, it is unproven.
#[must_use]
pub fn compare_of_caller(owner: Option<&str>, old: &Document, new: &Document) -> Comparison {
    let found = compare_of(old, new, owner, false);
    let closed = matches!(found.verdict, Change::Cosmetic | Change::Narrowed);
    let beside = |it| matches!(it, Change::Widened | Change::Both | Change::Unproven);
    if !closed || !beside(compare_of(old, new, owner, true).verdict) {
        return found;
    }
    Comparison {
        verdict: Change::Unproven,
        gains: Vec::new(),
        loses: Vec::new(),
        because: vec![
            "less is denied, which matters where another policy of the caller allows it".to_owned(),
        ],
    }
}

/// Whether a document only refuses more than an older one: it allows nothing else, and keeps each `Deny`.
/// Then it lets through nothing new, even where the two cannot be compared.
#[must_use]
pub fn only_refuses_more(old: &Document, new: &Document) -> bool {
    let within = |some: &Document, all: &Document, effect: Effect| {
        let mut some = some.statements.iter().filter(|it| it.effect == effect);
        some.all(|it| {
            all.statements
                .iter()
                .any(|other| normal::same_statement(it, other))
        })
    };
    within(new, old, Effect::Allow) && within(old, new, Effect::Deny)
}

pub(super) fn compare_of(
    old: &Document,
    new: &Document,
    owner: Option<&str>,
    beside: bool,
) -> Comparison {
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
    differ(old, new, owner, beside).unwrap_or_else(|reason| Comparison {
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
    says(
        &Rules::of(document, kind, ""),
        request,
        Some(Level::Account),
    )
}

/// Whether a document lets a request through by statements that name the principal at this level or
/// a stronger one; at none, whether it only does not deny it.
fn says(rules: &Rules, request: &Request, least: Option<Level>) -> Three {
    let action = request.action.to_ascii_lowercase();
    // A federated session stands for those that nobody opened whom a document names.
    let facts = Facts {
        opener_is_open: false,
        ..Facts::of(request)
    };
    let any = |effect, least| {
        let rules = rules.rules.iter().filter(|it| it.effect == effect);
        Three::any(rules.map(|it| it.applies(&facts, &action, &mut Vec::new()).at_least(least)))
    };
    let allowed = least.map_or(Three::Yes, |it| any(Effect::Allow, it));
    allowed & !any(Effect::Deny, Level::Account)
}

/// The policies that a caller needs, or may lack, for a document to let its request through.
fn caller_policies(
    rules: &Rules,
    kind: Kind,
    owner: Option<&str>,
    request: &Request,
) -> Option<CallerPolicies> {
    let facts = Facts::of(request);
    let own = facts.caller.account()?;
    if matches!(facts.caller, Caller::Root { .. }) {
        return None;
    }
    let at = |level| says(rules, request, Some(level)) == Three::Yes;
    let at_home = facts.owner.or(owner) == Some(own);
    if kind != Kind::Resource {
        // What the document does not allow itself, another must.
        return (!at(Level::Account)).then_some(CallerPolicies::Allow);
    }
    Some(match () {
        () if at_home && at(Level::Direct) => CallerPolicies::Limited,
        () if at_home && at(Level::Role) => CallerPolicies::None,
        () => CallerPolicies::Allow,
    })
}

/// A document as cubes.
#[derive(Default)]
struct Cubes {
    /// Of each allowing statement.
    allows: Vec<Cube>,
    /// Of each allowing statement, whom it names by the role or more directly; and whom more directly.
    stronger: [Vec<Cube>; 2],
    denies: Vec<Cube>,
}

/// The levels at which a caller's own policies count for less.
const STRONGER: [Level; 2] = [Level::Role, Level::Direct];

impl Cubes {
    fn of(space: &Space, rules: &Rules, reading: Reading) -> Result<Self, Reason> {
        let mut found = Self::default();
        let askers = space.askers();
        for rule in &rules.rules {
            let cube = |least| space.cube(rule, reading, &askers, least);
            let Some(whole) = cube(Level::Account)? else {
                continue;
            };
            if rule.effect == Effect::Deny {
                found.denies.push(whole);
                continue;
            }
            if !space.accounts.is_empty() {
                let delegates = rule.principal.as_ref().is_some_and(Named::delegates);
                for (level, cubes) in STRONGER.into_iter().zip(&mut found.stronger) {
                    if delegates {
                        cubes.extend(cube(level)?);
                    } else {
                        cubes.push(whole.clone());
                    }
                }
            }
            found.allows.push(whole);
        }
        Ok(found)
    }

    /// What one document lets through and another does not, a heap for each statement that tells
    /// them apart: of these allowed cubes, beyond those.
    fn beyond(
        &self,
        allows: &[Cube],
        other: &Self,
        others: &[Cube],
        within: &Within<'_>,
    ) -> Result<Vec<Vec<Cube>>, Reason> {
        let shape = &within.space.shape;
        let mut heaps = Vec::new();
        for allow in allows {
            let real = within
                .of(allow)
                .and_then(|it| shape.beyond(&it, &self.denies))
                .and_then(|it| shape.beyond(&it, &within.space.impossible))
                .map_err(too_many)?;
            heaps.push(shape.beyond(&real, others).map_err(too_many)?);
            for deny in &other.denies {
                let deny = std::slice::from_ref(deny);
                heaps.push(shape.common(&real, deny).map_err(too_many)?);
            }
        }
        heaps.retain(|it| !it.is_empty());
        Ok(heaps)
    }
}

/// The requests among which documents are compared.
struct Within<'a> {
    space: &'a Space,
    /// All but these.
    without: &'a [Cube],
    /// Only these, where there are any.
    only: Option<&'a [Cube]>,
}

impl Within<'_> {
    fn of(&self, cube: &Cube) -> Result<Vec<Cube>, super::cubes::TooMany> {
        let cube = std::slice::from_ref(cube);
        let shape = &self.space.shape;
        let some = match self.only {
            Some(only) => shape.common(cube, only)?,
            None => cube.to_vec(),
        };
        shape.beyond(&some, self.without)
    }
}

fn too_many(_: super::cubes::TooMany) -> Reason {
    "the difference falls into too many pieces".to_owned()
}

/// The cubes that tell who is of the resource's own account.
struct Home {
    /// Callers that may be of it, but for its root user.
    possible: Vec<Cube>,
    /// Callers that are of it, where an identity policy of theirs is enough.
    unguarded: Vec<Cube>,
    /// Root users.
    roots: [Cube; 1],
    /// What is not compared by how a document names callers of any account: what an identity policy
    /// alone allows, and what a service allows to its own account only.
    settled: Vec<Cube>,
}

impl Home {
    fn of(space: &Space, owner: Option<&str>) -> Self {
        let (certain, possible) = space.home(owner);
        let unguarded = space.unguarded(certain);
        let closed = space.shape.beyond(&[space.owner_only()], &possible);
        let mut settled = unguarded.clone();
        settled.extend(closed.unwrap_or_default());
        Self {
            possible,
            unguarded,
            roots: [space.roots()],
            settled,
        }
    }
}

/// Where one document lets more through than another.
#[derive(Default)]
struct Excess {
    /// Where no identity policy is enough: however it names the caller.
    named: Vec<Vec<Cube>>,
    /// In the resource's own account: at each level, to callers without an identity policy.
    stronger: [Vec<Vec<Cube>>; 2],
    /// What it does not deny to callers whom another policy allows it: of a resource's policy, in its own account.
    spared: Vec<Vec<Cube>>,
}

impl Excess {
    fn is_empty(&self) -> bool {
        let levels = self.stronger.iter();
        self.named.is_empty() && self.spared.is_empty() && levels.clone().all(Vec::is_empty)
    }

    fn add(&mut self, yes: &Cubes, no: &Cubes, space: &Space, home: &Home) -> Result<(), Reason> {
        let all = Within {
            space,
            without: &home.settled,
            only: None,
        };
        let found = yes.beyond(&yes.allows, no, &no.allows, &all)?;
        self.named.extend(found);
        let own = Within {
            space,
            without: &home.roots,
            only: Some(&home.possible),
        };
        for (level, heaps) in self.stronger.iter_mut().enumerate() {
            let (yes_at, no_at) = (&yes.stronger[level], &no.stronger[level]);
            heaps.extend(yes.beyond(yes_at, no, no_at, &own)?);
        }
        // What a policy of the caller's denies may be allowed by another of its policies, or by the resource's.
        let spared = Within {
            space,
            without: &[],
            only: (space.kind == Kind::Resource).then_some(&home.unguarded),
        };
        let found = yes.beyond(&no.denies, &Cubes::default(), &[], &spared)?;
        self.spared.extend(found);
        Ok(())
    }
}

fn differ(
    old: &Document,
    new: &Document,
    owner: Option<&str>,
    beside: bool,
) -> Result<Comparison, Reason> {
    let kind = kind_of(&[old, new]);
    let (old, new) = (Rules::of(old, kind, ""), Rules::of(new, kind, ""));
    let space = Space::of(&[&old, &new], kind, owner)?;
    let values: usize = space.coordinates.iter().map(|it| it.values.len()).sum();
    if values.saturating_mul(old.rules.len() + new.rules.len()) > MOST_ANSWERS {
        return Err(
            "there are too many statements about too many things to compare them all".to_owned(),
        );
    }
    let home = Home::of(&space, owner);
    let (mut gained, mut lost) = (Excess::default(), Excess::default());
    let mut by_segment = true;
    for reading in [Reading::Segment, Reading::Across] {
        let before = Cubes::of(&space, &old, reading)?;
        let after = Cubes::of(&space, &new, reading)?;
        gained.add(&after, &before, &space, &home)?;
        lost.add(&before, &after, &space, &home)?;
        if reading == Reading::Segment {
            by_segment = !gained.is_empty() || !lost.is_empty();
        }
    }
    let alone = kind != Kind::Resource && !beside;
    if alone {
        gained.spared.clear();
        lost.spared.clear();
    }
    let (gains, more) = witnesses(&space, &gained, &new, &old, owner);
    let (loses, less) = witnesses(&space, &lost, &old, &new, owner);
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
fn witnesses(
    space: &Space,
    excess: &Excess,
    yes: &Rules,
    no: &Rules,
    owner: Option<&str>,
) -> (Vec<Request>, Three) {
    let mut found: Vec<Request> = Vec::new();
    let (cost, tried) = (yes.rules.len() + no.rules.len(), Cell::new(0));
    for (heaps, level, own) in [
        (&excess.named, Some(Level::Account), false),
        (&excess.stronger[1], Some(Level::Direct), true),
        (&excess.stronger[0], Some(Level::Role), true),
        (&excess.spared, None, true),
    ] {
        let confirmed = |it: &Request| {
            tried.set(tried.get() + cost);
            says(yes, &untold(it), level) == Three::Yes && says(no, it, level) == Three::No
        };
        for heap in heaps {
            if found.len() == MOST_WITNESSES {
                break;
            }
            let witness = heap
                .iter()
                .take(MOST_CUBES_TRIED)
                .flat_map(|it| candidates(space, it))
                .take_while(|_| tried.get() <= MOST_TRIED)
                .map(|it| if own { at_home(it) } else { it })
                .find(confirmed);
            let witness = witness.map(|mut it| {
                if it.owner().is_none() && space.kind == Kind::Resource {
                    it.resource_account = owner.map(str::to_owned);
                }
                it.caller_policies = caller_policies(yes, space.kind, owner, &it);
                it
            });
            found.extend(witness.filter(|it| !found.iter().any(|known| includes(known, it))));
        }
    }
    let any = match (excess.is_empty(), found.is_empty()) {
        (true, _) => Three::No,
        (false, true) => Three::Maybe,
        (false, false) => Three::Yes,
    };
    (found, any)
}

/// The same request without what is not known of it: the account of a service's own request.
fn untold(request: &Request) -> Cow<'_, Request> {
    let is_account = |key: &String| key.eq_ignore_ascii_case("aws:PrincipalAccount");
    let is_told = matches!(Caller::of(request), Caller::Service { .. })
        && request.context.keys().any(is_account);
    if !is_told {
        return Cow::Borrowed(request);
    }
    let mut request = request.clone();
    request.context.retain(|key, _| !is_account(key));
    Cow::Owned(request)
}

/// Whether a witness says all that another does: it is the same, or anyone may do it unsigned.
fn includes(known: &Request, other: &Request) -> bool {
    let shown = |it: &Request| Request {
        principal: Who::Anonymous,
        caller_policies: None,
        ..it.clone()
    };
    known == other || known.principal == Who::Anonymous && *known == shown(other)
}

/// The same request on a resource of the caller's own account, where its ARN does not name one.
fn at_home(mut request: Request) -> Request {
    let own = Caller::of(&request).account().map(str::to_owned);
    if request.owner() != own.as_deref() {
        request.resource_account = own;
    }
    request
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

/// The statement of a document by which it lets a request through, or by which it refuses it.
#[must_use]
pub fn deciding<'a>(
    document: &'a Document,
    request: &Request,
    effect: Effect,
) -> Option<&'a Statement> {
    let rules = Rules::of(document, kind_of(&[document]), "");
    let action = request.action.to_ascii_lowercase();
    let facts = Facts::of(request);
    // What lets in a caller without policies of its own names it by its role, or more directly.
    let least = match request.caller_policies.filter(|_| effect == Effect::Allow) {
        Some(CallerPolicies::Limited) => Level::Direct,
        Some(CallerPolicies::None) => Level::Role,
        Some(CallerPolicies::Allow) | None => Level::Account,
    };
    let statements = rules.rules.iter().zip(&document.statements);
    let mut speaking = statements.filter(|(rule, _)| {
        let found = || rule.applies(&facts, &action, &mut Vec::new());
        rule.effect == effect && found().at_least(least) == Three::Yes
    });
    speaking.next().map(|(_, it)| it)
}

#[cfg(test)]
mod tests;
