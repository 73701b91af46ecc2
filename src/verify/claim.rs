//! Claims: what a stack promises, and how each came out.

use crate::model::Address;
use crate::policy::Request;
use crate::policy::stand_in::RealNames;

use super::acceptance::Acceptance;
use super::asking::MIGHTY;
use super::paper::Origin;
use super::steps::Step;

/// What kind of promise a claim is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// Somebody may do something, from end to end.
    May,
    /// Nobody may do more than is declared.
    Only,
    /// What is served is what was proved.
    Serves,
    /// Somebody may never do something: `[[never]]`.
    Never,
}

impl Promise {
    /// As a document for machines has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::May => "may",
            Self::Only => "only",
            Self::Serves => "serves",
            Self::Never => "never",
        }
    }
}

/// Why a claim does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// A request that anyone can try: refused, or let through against the claim.
    pub request: Option<Request>,
    /// What is wrong, naming the side that is missing or too wide.
    pub says: String,
    /// The statements to blame.
    pub blame: Vec<String>,
    /// Who wrote what is to blame.
    pub origin: Origin,
}

/// How a claim came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Proved,
    /// It does not.
    Failed(Vec<Evidence>),
    /// It depends on what cannot be known here: each reason.
    Unproven(Vec<String>),
    /// It holds but for what the stack accepts by `[[known]]`: each part that it would fail by.
    Known(Vec<Acceptance>),
}

/// A claim and how it came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The claim, as a sentence.
    pub claim: String,
    /// What kind of promise it is.
    pub promise: Promise,
    /// The resource it is about.
    pub subject: Address,
    /// Where it is declared, as `file:line`, when one line declares it.
    pub written_at: Option<String>,
    /// What it rests on, where a certificate is asked for.
    pub steps: Vec<Step>,
    /// How it came out.
    pub outcome: Outcome,
}

/// All claims of a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// In the order of the stack: what may be done, then what may not.
    pub findings: Vec<Finding>,
    /// Every name that is there, to tell those that an example makes up.
    pub names: RealNames,
    /// Whether claims that do not hold were left out, since they did not hold before either.
    pub left_out: bool,
}

impl Proof {
    /// How many claims are proved, failed, unproven; what holds but for what is known is neither.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let mut counts = (0, 0, 0);
        for it in &self.findings {
            match it.outcome {
                Outcome::Proved => counts.0 += 1,
                Outcome::Failed(_) => counts.1 += 1,
                Outcome::Unproven(_) => counts.2 += 1,
                Outcome::Known(_) => {}
            }
        }
        counts
    }

    /// The claims that do not hold, with why.
    pub fn failed(&self) -> impl Iterator<Item = (&Finding, &[Evidence])> {
        self.findings.iter().filter_map(|it| match &it.outcome {
            Outcome::Failed(evidence) => Some((it, evidence.as_slice())),
            _ => None,
        })
    }

    /// The claims that depend on what is not known, with what that is.
    pub fn unproven(&self) -> impl Iterator<Item = (&Finding, &[String])> {
        self.findings.iter().filter_map(|it| match &it.outcome {
            Outcome::Unproven(reasons) => Some((it, reasons.as_slice())),
            _ => None,
        })
    }

    /// The claims that hold but for what the stack accepts, with what that is.
    pub fn known(&self) -> impl Iterator<Item = (&Finding, &[Acceptance])> {
        self.findings.iter().filter_map(|it| match &it.outcome {
            Outcome::Known(parts) => Some((it, parts.as_slice())),
            _ => None,
        })
    }

    /// How many claims of a kind hold.
    #[must_use]
    pub fn proved(&self, promise: Promise) -> usize {
        let held = |it: &&Finding| it.promise == promise && it.outcome == Outcome::Proved;
        self.findings.iter().filter(held).count()
    }

    /// What a change makes worse of what it found: claims that hold, and those that fail by it; what failed
    /// before in the same way is left out, and with it what cannot be told now as then.
    #[must_use]
    pub fn worse_than(mut self, before: &Self) -> Self {
        let earlier = |it: &Finding| {
            before.findings.iter().find(|before| {
                before.promise == it.promise
                    && before.subject == it.subject
                    && before.claim == it.claim
            })
        };
        let open = |it: &Self| it.counts().1 + it.counts().2;
        let all = open(&self);
        self.findings.retain_mut(|it| {
            let old = earlier(it);
            // What must work and did not before is not broken by the change, whichever side is named now. Of a resource that
            // was not there the access is one claim; of one that is there, each route and use of it.
            let it_must_work = it.promise == Promise::May;
            let did_not_work = it_must_work
                && before.failed().any(|(old, _)| {
                    let same_access = it.written_at.is_some() && old.written_at == it.written_at;
                    old.promise == it.promise
                        && old.subject == it.subject
                        && (old.claim == it.claim || earlier(it).is_none() && same_access)
                });
            match &mut it.outcome {
                Outcome::Proved | Outcome::Known(_) => true,
                Outcome::Unproven(_) => {
                    !old.is_some_and(|it| matches!(it.outcome, Outcome::Unproven(_)))
                }
                Outcome::Failed(_) if did_not_work => false,
                Outcome::Failed(evidence) => {
                    if let Some(Outcome::Failed(old)) = old.map(|it| &it.outcome) {
                        evidence.retain(|it| !old.iter().any(|old| it.is_like(old, it_must_work)));
                    }
                    !evidence.is_empty()
                }
            }
        });
        self.left_out = open(&self) < all;
        self
    }

    /// The claims for which no plan may be carried out.
    pub fn refusing(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|it| it.refuses())
    }

    /// Whether there is a claim for which no plan may be carried out.
    #[must_use]
    pub fn refuses(&self) -> bool {
        self.refusing().next().is_some()
    }
}

impl Finding {
    /// Whether no plan may be carried out that leaves it so: it fails by what the stack itself
    /// says, or the author said that it must never be, whoever's statement it is.
    #[must_use]
    pub fn refuses(&self) -> bool {
        match &self.outcome {
            Outcome::Failed(evidence) => self.promise == Promise::Never || is_own(evidence),
            Outcome::Proved | Outcome::Unproven(_) | Outcome::Known(_) => false,
        }
    }
}

/// Whether some of this is the stack's own doing.
#[must_use]
pub fn is_own(evidence: &[Evidence]) -> bool {
    evidence.iter().any(|it| it.origin != Origin::Foreign)
}

impl Evidence {
    /// Whether another tells the same: the same request that must come off, or the same statements to blame.
    fn is_like(&self, other: &Self, must_work: bool) -> bool {
        match (must_work, &self.request, &other.request) {
            (true, Some(one), Some(two)) => one == two,
            _ if !self.blame.is_empty() => self.blame == other.blame,
            _ => self.says == other.says,
        }
    }
}

/// What came of the requests of one claim.
#[derive(Debug, Default)]
pub(super) struct Trial {
    pub(super) failed: Vec<Evidence>,
    pub(super) unproven: Vec<String>,
    pub(super) steps: Vec<Step>,
}

/// More evidence than this of one claim tells nobody more.
const MOST_EVIDENCE: usize = 10;

impl Trial {
    pub(super) fn fails(&mut self, evidence: Evidence) {
        let known = self.failed.iter().any(|it| it.says == evidence.says);
        if !known && self.failed.len() < MOST_EVIDENCE {
            self.failed.push(evidence);
        }
    }

    pub(super) fn lacks(&mut self, says: String) {
        self.fails(Evidence {
            request: None,
            says,
            blame: Vec::new(),
            origin: Origin::Ours,
        });
    }

    pub(super) fn depends_on(&mut self, reasons: impl IntoIterator<Item = String>) {
        for reason in reasons {
            if !self.unproven.contains(&reason) && self.unproven.len() < MOST_EVIDENCE {
                self.unproven.push(reason);
            }
        }
    }

    /// Adds what came of requests to something of somebody else's.
    pub(super) fn adds_foreign(&mut self, other: Self) {
        for mut it in other.failed {
            it.origin = Origin::Foreign;
            self.fails(it);
        }
        self.depends_on(other.unproven);
        self.steps.extend(other.steps);
    }

    /// Keeps a step, if a certificate is asked for.
    pub(super) fn rests_on(&mut self, keeps: bool, step: impl FnOnce() -> Step) {
        if keeps {
            self.steps.push(step());
        }
    }

    pub(super) fn outcome(self) -> Outcome {
        match () {
            () if !self.failed.is_empty() => Outcome::Failed(self.failed),
            () if !self.unproven.is_empty() => Outcome::Unproven(self.unproven),
            () => Outcome::Proved,
        }
    }
}

/// Whether a reason names what lets somebody in. A bound that leaves room for it lets nobody in, and the policies
/// that a stranger is taken to have exist nowhere.
#[must_use]
pub(super) fn is_to_blame(reason: &str) -> bool {
    !reason.ends_with(", lets it") && !reason.starts_with(MIGHTY)
}
