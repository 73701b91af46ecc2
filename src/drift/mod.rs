//! Live that moved while the stack did not: the plan's comparison, read from AWS's side.
//!
//! The digest in a resource's mark is that of what was last applied. Where the
//! stack still wants just that, a difference was made in AWS; else the stack
//! itself was changed and not applied yet.
//!
//! A finding has a class (what happened), and apart from it a severity (what it means for
//! who may do what, [`meaning`]). What could not be read is a finding too.

pub mod accept;
mod arrival;
mod class;
mod documents;
mod fields;
mod folding;
mod known;
mod lent;
mod meaning;
mod place;
pub mod revert;
mod routes;
mod tagging;
mod voice;

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds::extra::is_meant;
use crate::kinds::survey::{Doubt, Reading, Unread};
use crate::kinds::{Extra, Have, Resource, Want, pending_id};
use crate::lower::Desired;
use crate::model::{Address, Change, KindName, Place};
use crate::plan::{Action, Left, Plan, Refusal, Step};
use crate::policy::stand_in::RealNames;
use crate::stack::{Known, Written};

pub use class::{Class, Moved, Severity};
use meaning::{Meaning, Means};
pub use voice::Effect;
use voice::Voice;

/// Something that is not as the stack says, or of which nobody knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What kind of drift it is.
    pub class: Class,
    /// How bad it is, by what it means.
    pub severity: Severity,
    /// Who moved.
    pub moved: Moved,
    /// The resources; one, unless several cannot be read for one reason.
    pub addresses: BTreeSet<Address>,
    /// Where.
    pub place: Place,
    /// The line of the stack that it contradicts, as `file:line`.
    pub written_at: Option<String>,
    /// What differs, a line each.
    pub lines: Vec<String>,
    /// The same as fields.
    pub changes: Vec<Change>,
    /// Who gains or loses by it.
    pub effects: Vec<Effect>,
    /// What could not be settled.
    pub because: Vec<String>,
    /// A role may do everything in its account that may not by the stack.
    pub administrator: bool,
    /// Resources that are missing, or left over, only because this one is.
    pub with_it: BTreeSet<Address>,
    /// What puts an end to it.
    pub fix: Fix,
}

/// What puts an end to a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fix {
    /// `drift --revert` of this resource.
    Revert(Address),
    /// An apply of the stack.
    Apply,
    /// Something that is done elsewhere, in words, and then another look.
    Look(&'static str),
    /// Something that is done elsewhere, in words, and then an apply.
    ThenApply(&'static str),
}

impl Fix {
    /// What puts an end to most findings of a class.
    fn of(class: Class, address: &Address) -> Self {
        match class {
            Class::NotApplied => Self::Apply,
            Class::Withdrawn => {
                Self::ThenApply("have the owner offer it again, or take the claim out of the stack")
            }
            _ => Self::Revert(address.clone()),
        }
    }
}

impl Finding {
    /// The resource, where there is one.
    #[must_use]
    pub fn address(&self) -> Option<&Address> {
        match self.addresses.len() {
            1 => self.addresses.first(),
            _ => None,
        }
    }

    /// The resource or resources, as a line says it.
    #[must_use]
    pub fn subject(&self) -> String {
        let all: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        if all.is_empty() {
            format!("account {}", self.place.account)
        } else {
            all.join(", ")
        }
    }

    /// The resources, with those that are missing only because of it.
    pub fn all(&self) -> impl Iterator<Item = &Address> {
        self.addresses.iter().chain(&self.with_it)
    }

    /// What stays the same of a finding from one look to the next.
    #[must_use]
    pub fn identity(&self) -> String {
        let fields: Vec<&str> = self.changes.iter().map(|it| it.field.as_str()).collect();
        format!(
            "{} {} {} {}",
            self.class.code(),
            self.subject(),
            fields.join(","),
            self.lines.join("\n")
        )
    }
}

/// All that is not as the stack says.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// The stack's name.
    pub stack: String,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// How many resources are as the stack says.
    pub in_step: usize,
    /// What was not read, in accounts that are not entered: it is neither in step nor drifted.
    pub left: Vec<Left>,
    /// Where the tag index is behind, and may not show what left the stack.
    pub doubts: Vec<Doubt>,
    /// How many are as the stack says and remember an older wording of it: the next apply renews their marks.
    pub older_marks: usize,
    /// What others put on resources and the stack knows of.
    pub known: Vec<KnownHere>,
    /// What the stack knows of and is not there.
    pub unneeded: Vec<Known>,
    /// Every name that is there, to tell those that an example makes up.
    pub names: RealNames,
}

/// Something that others put on a resource, and that the stack knows of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownHere {
    /// What the stack says of it.
    pub known: Known,
    /// What it is, in a sentence.
    pub text: String,
}

/// What a look at the cloud gave, and what it is held against.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// What the stack wants.
    pub desired: &'a Desired,
    /// What was read, and what was not.
    pub reading: &'a Reading,
    /// Where the stack says it.
    pub written: &'a Written,
}

impl Drift {
    /// The drift that a plan would mend, what it would leave alone, and what could not be read.
    #[must_use]
    pub fn of(plan: &Plan, seen: &Seen<'_>) -> Self {
        let voice = Voice::of(seen.desired, &seen.reading.live);
        let mut look = Look {
            seen,
            plan,
            voice: &voice,
            findings: Vec::new(),
            older_marks: 0,
        };
        for step in &plan.steps {
            look.step(step);
        }
        for refusal in plan.refusals.iter().filter(|it| !it.budget) {
            look.refused(refusal);
        }
        look.withdrawn();
        look.unread();
        let older_marks = look.older_marks;
        look.made_by_apply();
        let mut findings = folding::folded(look.findings, seen.desired, plan);
        findings.sort_by(|a, b| {
            let key = |it: &Finding| {
                (
                    !it.administrator,
                    it.severity,
                    it.place.clone(),
                    it.addresses.clone(),
                    it.class,
                )
            };
            key(a).cmp(&key(b))
        });
        let found: BTreeSet<&Address> = findings.iter().flat_map(Finding::all).collect();
        let wants = seen.desired.wants.keys();
        let left = |it: &Address| plan.left.iter().any(|left| left.holds(it));
        let (known, unneeded) = known_of(seen);
        Self {
            known,
            unneeded,
            stack: seen.desired.stack.clone(),
            in_step: wants.filter(|it| !found.contains(it) && !left(it)).count(),
            left: plan.left.clone(),
            doubts: plan.doubts.clone(),
            older_marks,
            findings,
            names: real_names(seen),
        }
    }

    /// Whether everything could be read.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.findings.iter().all(|it| it.class != Class::Unreadable)
    }

    /// How many findings there are of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        let of = |it: &&Finding| it.severity == severity;
        self.findings.iter().filter(of).count()
    }

    /// What was found of a resource.
    pub fn of_address<'a>(&'a self, address: &'a Address) -> impl Iterator<Item = &'a Finding> {
        self.findings
            .iter()
            .filter(move |it| it.all().any(|it| it == address))
    }
}

/// Every name that the stack and what AWS has of it give.
fn real_names(seen: &Seen<'_>) -> RealNames {
    let places = seen.desired.places.iter();
    let mut names =
        RealNames::of_accounts(places.map(|it| (it.id.to_string(), it.account.clone())));
    for (address, want) in &seen.desired.wants {
        want.resource.add_names(&mut names);
        let have = seen.reading.live.have.get(address);
        if let Some(api) = have.filter(|_| address.kind == KindName::RestApi) {
            let head = documents::api_name(&want.place, &api.id).head();
            names.add(head.trim_end_matches('/'));
        }
    }
    let orphans = seen.reading.live.orphans.iter().map(|it| &it.have);
    for have in seen.reading.live.have.values().chain(orphans) {
        have.resource.add_names(&mut names);
        if let Some(document) = &have.document {
            names.add_policy(document);
        }
    }
    names
}

/// What an API serves only once it is deployed.
const SERVED: [&str; 3] = ["policy", "routes", "document"];

struct Look<'a> {
    seen: &'a Seen<'a>,
    plan: &'a Plan,
    voice: &'a Voice,
    findings: Vec<Finding>,
    older_marks: usize,
}

impl Look<'_> {
    fn means(&self, address: &Address) -> Means<'_> {
        let stage = self.seen.desired.wants.get(address);
        let api = stage.and_then(|it| match &it.resource {
            Resource::Stage(it) => self.seen.reading.live.have.get(&it.api),
            _ => None,
        });
        Means {
            voice: self.voice,
            desired: self.seen.desired,
            live: &self.seen.reading.live,
            api,
        }
    }

    fn find(
        &mut self,
        class: Class,
        moved: Moved,
        (address, place): (&Address, &Place),
        lines: Vec<String>,
        changes: Vec<Change>,
        meaning: Meaning,
    ) {
        let written_at = place::line(self.seen, address, &lines, &changes);
        self.findings.push(Finding {
            class,
            severity: meaning.severity,
            moved,
            addresses: BTreeSet::from([address.clone()]),
            place: place.clone(),
            written_at,
            lines,
            changes,
            effects: meaning.effects,
            because: meaning.because,
            administrator: meaning.administrator,
            with_it: BTreeSet::new(),
            fix: Fix::of(class, address),
        });
    }

    /// The last finding is ended otherwise than most of its class.
    fn ended_by(&mut self, fix: Fix) {
        if let Some(last) = self.findings.last_mut() {
            last.fix = fix;
        }
    }

    /// What the engine makes for a stack that was changed comes with the apply of the change.
    fn made_by_apply(&mut self) {
        let changed = self.findings.iter().any(|it| it.class == Class::NotApplied);
        let missing = |it: &&mut Finding| changed && it.class == Class::Missing;
        for finding in self.findings.iter_mut().filter(missing) {
            let want = finding
                .address()
                .and_then(|it| self.seen.desired.wants.get(it));
            if want.is_some_and(|it| it.because.is_some()) {
                finding.fix = Fix::Apply;
            }
        }
    }

    fn step(&mut self, step: &Step) {
        let at = (&step.address, &step.place);
        match (step.action, &step.want, &step.have) {
            (Action::Create, Some(want), _) => {
                let meaning = self.means(&step.address).missing(&step.address, want);
                self.find(
                    Class::Missing,
                    Moved::Unknown,
                    at,
                    Vec::new(),
                    Vec::new(),
                    meaning,
                );
            }
            (Action::Delete, _, Some(have)) => {
                let means = self.means(&step.address);
                let meaning = means.unwanted(&step.address, &step.place, have);
                let digest = have.mark.as_ref().and_then(|it| it.digest.as_ref());
                let moved = digest.map_or(Moved::Unknown, |_| Moved::Stack);
                let lines = have.extras.iter().map(ToString::to_string).collect();
                self.find(Class::Unwanted, moved, at, lines, Vec::new(), meaning);
            }
            (Action::Update, None, Some(have)) => self.lent(at, have),
            (Action::Update | Action::Replace, Some(want), Some(have)) => {
                self.differs(step, want, have);
            }
            _ => {}
        }
        if let (Some(want), Some(have)) = (&step.want, &step.have)
            && want.answers_for_others()
        {
            let mut have = have.clone();
            let repeated = known::repeated(want, &have);
            have.extras
                .retain(|it| !want.knows(it) && !repeated.contains(&it.digest));
            let expired = |it: &Extra| {
                let mut known = self.seen.desired.known.iter();
                let known = known.find(|known| is_meant(known, &step.address, it))?;
                let until = known.until.as_deref()?;
                Some(format!(" (known until {until}: {})", known.reason))
            };
            let line = |it: &&Extra| format!("{it}{}", expired(it).unwrap_or_default());
            let staying = have.staying(want);
            let lines: Vec<String> = staying.iter().map(line).collect();
            if !lines.is_empty() {
                let meaning = self.means(&step.address).added(&step.address, want, &have);
                self.find(Class::Added, Moved::Aws, at, lines, Vec::new(), meaning);
                let ways: Option<Vec<_>> = staying.iter().map(|it| it.what.way_out()).collect();
                // Where no call of ours takes any of it away, a revert would do nothing.
                if let Some(way) = ways.as_ref().and_then(|it| it.first()) {
                    self.ended_by(Fix::Look(way));
                }
            }
        }
    }

    /// A resource that is there and not as the stack says.
    fn differs(&mut self, step: &Step, want: &Want, have: &Have) {
        let mut changes = step.changes.clone();
        let mut have = have;
        if step.address.kind == KindName::Stage {
            // The plan deploys a stage also when only its API changed; drift is what the stage serves.
            let Some(live) = self.seen.reading.live.have.get(&step.address) else {
                return;
            };
            have = live;
            changes = own_changes(want, live);
            let marks = step.changes.iter().filter(|it| it.field == "mark");
            if !changes.iter().any(|it| it.field == "mark") {
                changes.extend(marks.cloned());
            }
        }
        if changes.is_empty() {
            return;
        }
        if let [only] = changes.as_slice()
            && only.field == "mark"
            && only.from.is_some()
            && only.from != only.to
        {
            self.older_marks += 1;
            return;
        }
        let meaning = self
            .means(&step.address)
            .changed(&step.address, want, have, &changes);
        let digest = have.mark.as_ref().and_then(|it| it.digest.as_ref());
        let moved = match digest {
            Some(_) if step.drifted => Moved::Aws,
            Some(_) => Moved::Stack,
            None => Moved::Unknown,
        };
        let waits = want.resource.pending();
        let moved = if waits.is_empty() {
            moved
        } else {
            Moved::Unknown
        };
        let class = match () {
            () if !have.ghosts.is_empty() || is_outdated(want, have, &changes) => Class::Ghost,
            () if moved == Moved::Stack && want.owned => Class::NotApplied,
            () if self.is_not_deployed(step, &changes) => Class::NotDeployed,
            () => Class::Changed,
        };
        let at = (&step.address, &step.place);
        let mut said: Vec<String> = lines(&changes);
        for api in want.resource.pending() {
            // Its id is not known before it is there.
            for line in &mut said {
                *line = line.replace(&pending_id(&api), &api.to_string());
            }
        }
        for ghost in self
            .plan
            .ghosts
            .iter()
            .filter(|it| it.address == step.address)
        {
            for line in &mut said {
                *line = line.replace(&ghost.id, &ghost.to_string());
            }
        }
        self.find(class, moved, at, said, changes, meaning);
    }

    /// Whether an API was changed and its stage still serves what was deployed from the stack.
    fn is_not_deployed(&self, step: &Step, changes: &[Change]) -> bool {
        let served = changes.iter().all(|it| SERVED.contains(&it.field.as_str()));
        if step.address.kind != KindName::RestApi || !served {
            return false;
        }
        let mut stages = self.plan.steps.iter().filter(|it| {
            let want = it.want.as_ref().map(|it| &it.resource);
            matches!(want, Some(Resource::Stage(stage)) if stage.api == step.address)
        });
        stages.any(|it| {
            let live = self.seen.reading.live.have.get(&it.address);
            live.zip(it.want.as_ref()).is_some_and(|(live, want)| {
                let changes = own_changes(want, live);
                !changes.iter().any(|it| it.field == "deployment")
            })
        })
    }

    /// What has the name and is not ours, or is lent and not there.
    fn refused(&mut self, refusal: &Refusal) {
        let Some(want) = self.seen.desired.wants.get(&refusal.address) else {
            return;
        };
        let want = &want.with_ids(&self.seen.reading.live.ids());
        let at = (&refusal.address, &want.place);
        let mut said = vec![refusal.message.clone()];
        let means = self.means(&refusal.address);
        if let Some(have) = self.seen.reading.live.have.get(&refusal.address) {
            let changes = own_changes(want, have);
            let mut meaning = means.changed(&refusal.address, want, have, &changes);
            if meaning.severity == Severity::Cosmetic {
                // Nobody keeps it true any more.
                meaning.severity = Severity::ChangesBehaviour;
            }
            said.extend(lines(&changes));
            self.find(Class::Disowned, Moved::Aws, at, said, changes, meaning);
        } else {
            let meaning = means.missing(&refusal.address, want);
            self.find(
                Class::Missing,
                Moved::Unknown,
                at,
                said,
                Vec::new(),
                meaning,
            );
            self.ended_by(Fix::Look(
                "have its owner make it, or take it out of the stack",
            ));
        }
    }

    /// It is the claim that does not hold: the resource itself may well be in step.
    fn withdrawn(&mut self) {
        for it in &self.plan.withdrawn {
            let Some(want) = self.seen.desired.wants.get(&it.by) else {
                continue;
            };
            let line = format!("{}  {}", it.says, it.written_at);
            let meaning = Meaning::of(Severity::CutsAccess);
            let at = (&it.by, &want.place);
            self.find(
                Class::Withdrawn,
                Moved::Stack,
                at,
                vec![line],
                Vec::new(),
                meaning,
            );
            if let Some(found) = self.findings.last_mut() {
                found.written_at = Some(it.written_at.clone());
            }
        }
    }

    fn unread(&mut self) {
        // An account that cannot be entered fails every read in the same way: once is enough.
        let mut by_cause: BTreeMap<(Place, String), (Unread, BTreeSet<Address>)> = BTreeMap::new();
        for unread in &self.seen.reading.unread {
            let source = &unread.error.source;
            let cause = (unread.error.place.clone(), source.code.clone());
            let (_, addresses) = by_cause
                .entry(cause)
                .or_insert_with(|| (unread.clone(), BTreeSet::new()));
            addresses.extend(unread.addresses.clone());
        }
        let waiting: Vec<(Address, Address)> = self
            .seen
            .desired
            .wants
            .iter()
            .filter_map(|(address, want)| {
                Some((address.clone(), self.seen.reading.waits_for(want)?))
            })
            .collect();
        for (_, (unread, addresses)) in by_cause {
            let mut lines = vec![unread.error.source.to_string()];
            if addresses.len() != 1 {
                lines.extend(addresses.iter().map(|it| format!("not known: {it}")));
            }
            if addresses.is_empty() {
                lines.push("not known: whether something of this stack was left there".to_owned());
            }
            let written_at = addresses
                .first()
                .and_then(|it| place::line(self.seen, it, &[], &[]));
            self.unreadable(unread.error.place.clone(), addresses, written_at, lines);
        }
        for (address, api) in waiting {
            let Some(want) = self.seen.desired.wants.get(&address) else {
                continue;
            };
            let line = format!("its policies name {api}, which cannot be read");
            let written_at = place::line(self.seen, &address, &[], &[]);
            self.unreadable(want.place.clone(), [address].into(), written_at, vec![line]);
        }
    }

    fn unreadable(
        &mut self,
        place: Place,
        addresses: BTreeSet<Address>,
        written_at: Option<String>,
        lines: Vec<String>,
    ) {
        let is_no_policy = lines.iter().any(|it| it.starts_with("UnreadablePolicy"));
        let fix = if is_no_policy {
            "write a valid policy there"
        } else {
            "let the caller read it"
        };
        self.findings.push(Finding {
            class: Class::Unreadable,
            severity: Severity::Unknown,
            moved: Moved::Unknown,
            addresses,
            place,
            written_at,
            lines,
            changes: Vec::new(),
            effects: Vec::new(),
            because: Vec::new(),
            administrator: false,
            with_it: BTreeSet::new(),
            fix: Fix::Look(fix),
        });
    }
}

/// What differs of a resource by itself, whatever the plan does to it for another's sake.
fn own_changes(want: &Want, have: &Have) -> Vec<Change> {
    let alone = Want {
        repin: false,
        ..want.clone()
    };
    want.resource.differences(&alone, have).into_changes()
}

/// Whether a stage serves what the stack says, but for principals that are gone.
fn is_outdated(want: &Want, have: &Have, changes: &[Change]) -> bool {
    match (&want.resource, &have.resource) {
        (Resource::Stage(want), Resource::Stage(live)) => {
            live.outdated && live.surface == want.surface && changes.len() == 1
        }
        _ => false,
    }
}

/// What the stack knows of what others put on its resources: what is there, and what is not.
fn known_of(seen: &Seen<'_>) -> (Vec<KnownHere>, Vec<Known>) {
    let (mut here, mut unneeded) = (Vec::new(), Vec::new());
    let unread = seen.reading.unread_addresses();
    for known in &seen.desired.known {
        let live = &seen.reading.live.have;
        if !live.contains_key(&known.on) {
            continue;
        }
        let mut extras = live
            .iter()
            .flat_map(|(on, have)| have.extras.iter().map(move |it| (on, it)))
            .filter(|(on, it)| is_meant(known, on, it))
            .map(|(_, it)| it);
        match extras.next() {
            Some(_) if known.expired => {}
            Some(extra) => here.push(KnownHere {
                known: known.clone(),
                text: extra.text.clone(),
            }),
            None if unread.contains(&known.on) => {}
            None => unneeded.push(known.clone()),
        }
    }
    (here, unneeded)
}

/// Live first, for it is live that moved: a sign says what AWS has more or less of.
fn lines(changes: &[Change]) -> Vec<String> {
    let mut found = Vec::new();
    for change in changes {
        if change.details.is_empty() {
            let or_none = |it: &Option<String>| it.clone().unwrap_or_else(|| "(none)".to_owned());
            found.push(format!(
                "{:18} stack {}   live {}",
                change.field,
                or_none(&change.to),
                or_none(&change.from)
            ));
        }
        for detail in &change.details {
            let says = match detail.sign {
                '+' => "is missing",
                '-' => "is there and not in the stack",
                _ => "differs",
            };
            found.push(format!("{:18} {says}: {}", change.field, detail.text));
        }
    }
    found
}
