//! Live that moved while the stack did not: the plan's comparison, read from AWS's side.
//!
//! The digest in a resource's mark is that of what was last applied. Where the
//! stack still wants just that, a difference was made in AWS; else the stack
//! itself was changed and not applied yet.

use serde::Serialize;

use crate::model::{Address, Change, Place};
use crate::plan::{Action, Left, Plan};

/// What kind of drift a finding is. The codes are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Something was changed in AWS.
    Changed,
    /// Something is wanted and not there.
    Missing,
    /// Something is ours by its mark and in no stack.
    Unwanted,
    /// Something was added beside ours: a statement, a policy, a subscription.
    Added,
    /// A document names a role that was deleted.
    Ghost,
    /// The stack was changed and not applied.
    NotApplied,
    /// The stack claims what another stack no longer offers.
    Withdrawn,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Changed,
        Self::Missing,
        Self::Unwanted,
        Self::Added,
        Self::Ghost,
        Self::NotApplied,
        Self::Withdrawn,
    ];

    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Changed => "PD001",
            Self::Missing => "PD002",
            Self::Unwanted => "PD003",
            Self::Added => "PD004",
            Self::Ghost => "PD005",
            Self::NotApplied => "PD006",
            Self::Withdrawn => "PD007",
        }
    }

    /// The sign of a finding.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Changed | Self::NotApplied => "~",
            Self::Missing => "-",
            Self::Unwanted => "?",
            Self::Added | Self::Ghost | Self::Withdrawn => "!",
        }
    }

    /// The class in words.
    #[must_use]
    pub fn says(self) -> &'static str {
        match self {
            Self::Changed => "changed in AWS",
            Self::Missing => "missing in AWS",
            Self::Unwanted => "marked as this stack's, and not in it",
            Self::Added => "added in AWS: may open access",
            Self::Ghost => "names a role that was deleted: its access is gone",
            Self::NotApplied => "changed in the stack, and not applied",
            Self::Withdrawn => "claims what another stack does not offer, or not any more",
        }
    }

    /// Whether such a finding may let somebody do more than the stack says.
    #[must_use]
    pub fn opens_access(self) -> bool {
        matches!(self, Self::Added)
    }
}

/// Something that is not as the stack says.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What kind of drift it is.
    pub class: Class,
    /// The resource.
    pub address: Address,
    /// Where.
    pub place: Place,
    /// What differs, a line each.
    pub lines: Vec<String>,
    /// The same as fields.
    pub changes: Vec<Change>,
}

/// All that is not as the stack says.
#[derive(Clone, Debug, PartialEq)]
pub struct Drift {
    /// The stack's name.
    pub stack: String,
    /// What was found.
    pub findings: Vec<Finding>,
    /// How many resources are as the stack says.
    pub in_step: usize,
    /// What was not read, in accounts that are not entered: it is neither in step nor drifted.
    pub left: Vec<Left>,
}

impl Drift {
    /// The drift that a plan would mend, and what it would leave alone.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let mut findings = Vec::new();
        let mut in_step = 0;
        for step in &plan.steps {
            let find = |class, lines, changes| Finding {
                class,
                address: step.address.clone(),
                place: step.place.clone(),
                lines,
                changes,
            };
            let before = findings.len();
            let have = step.have.as_ref();
            let ghosts = have.map(|it| it.ghosts.as_slice()).unwrap_or_default();
            match step.action {
                Action::Keep => {}
                Action::Create => findings.push(find(Class::Missing, Vec::new(), Vec::new())),
                Action::Delete => findings.push(find(Class::Unwanted, Vec::new(), Vec::new())),
                Action::Update | Action::Replace => {
                    let class = match () {
                        () if !ghosts.is_empty() => Class::Ghost,
                        () if step.drifted => Class::Changed,
                        () => Class::NotApplied,
                    };
                    findings.push(find(class, lines(&step.changes), step.changes.clone()));
                }
            }
            if let (Some(want), Some(have)) = (&step.want, have)
                && want.owned
            {
                let staying = have.staying(want.exclusive);
                if !staying.is_empty() {
                    findings.push(find(Class::Added, staying.to_vec(), Vec::new()));
                }
            }
            // It is the claim that does not hold: the resource itself may well be in step.
            let withdrawn = plan.withdrawn.iter().filter(|it| it.by == step.address);
            let told = withdrawn.map(|it| {
                let line = format!("{}  {}", it.says, it.written_at);
                find(Class::Withdrawn, vec![line], Vec::new())
            });
            findings.extend(told);
            if findings.len() == before {
                in_step += 1;
            }
        }
        Self {
            stack: plan.stack.clone(),
            findings,
            in_step,
            left: plan.left.clone(),
        }
    }
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
