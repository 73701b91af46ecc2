//! What kinds of drift there are, how bad each finding is, and who moved.

use serde::Serialize;

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
    /// Something cannot be read: it is never taken for being in step.
    Unreadable,
    /// Something was changed in AWS, and no stage serves it yet.
    NotDeployed,
    /// Something bears the name, and not the mark of this stack.
    Disowned,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Changed,
        Self::Missing,
        Self::Unwanted,
        Self::Added,
        Self::Ghost,
        Self::NotApplied,
        Self::Withdrawn,
        Self::Unreadable,
        Self::NotDeployed,
        Self::Disowned,
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
            Self::Unreadable => "PD008",
            Self::NotDeployed => "PD009",
            Self::Disowned => "PD010",
        }
    }

    /// The class of a code.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|it| it.code().eq_ignore_ascii_case(code))
    }

    /// The sign of a finding.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Changed | Self::NotApplied | Self::NotDeployed => "~",
            Self::Missing => "-",
            Self::Unwanted | Self::Unreadable => "?",
            Self::Added | Self::Ghost | Self::Disowned | Self::Withdrawn => "!",
        }
    }

    /// The class in words.
    #[must_use]
    pub fn says(self) -> &'static str {
        match self {
            Self::Changed => "changed in AWS",
            Self::Missing => "missing in AWS",
            Self::Unwanted => "this stack's, and not in it",
            Self::Added => "added in AWS beside what the stack says",
            Self::Ghost => "names a role that was deleted, and lets in nobody by it",
            Self::NotApplied => "changed in the stack, and not applied",
            Self::Withdrawn => "claims what another stack does not offer, or not any more",
            Self::Unreadable => "cannot be read, so nobody knows",
            Self::NotDeployed => "changed in AWS, and not deployed",
            Self::Disowned => "there, and not marked as this stack's",
        }
    }

    /// What findings of the class have in common, and what to do about them.
    #[must_use]
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Changed => {
                "A field, a statement or a route of a resource differs from the stack, and the digest in the resource's mark says that the stack is what was last applied: AWS was changed. `provision drift --revert ADDRESS` puts it back, `--accept ADDRESS` writes what AWS has into the stack file."
            }
            Self::Missing => {
                "The stack wants a resource that is not there: it was deleted in AWS, or never applied. `--revert` makes it anew; what it held (messages, the ids of roles) does not come back. `--accept` takes it out of the stack, if nothing else there speaks of it."
            }
            Self::Unwanted => {
                "A resource bears this stack's mark or has statements of it, and the stack does not speak of it: it left the stack and was not deleted, or somebody copied the mark. `--revert ADDRESS` deletes it; of what is another's, it takes the statements out."
            }
            Self::Added => {
                "Something stands on a resource of the stack that the stack did not put there: a statement, an inline or managed policy, a subscription, a stage. An apply keeps it, for it is somebody's. `--revert ADDRESS` takes it away; `exclusive = true` in the stack takes such statements and policies away with every apply. What is right as it is stands in the stack as `[[known]]`, with a reason."
            }
            Self::Ghost => {
                "A policy names the id of a role that was deleted (`AROA…`). AWS keeps ids, not names: a role made again under the same name has no access by it. `--revert` writes the policy again, so that it names the role that is there now."
            }
            Self::NotApplied => {
                "The digest in the resource's mark is not that of the stack: the stack was changed since the last apply. `provision apply` makes it so."
            }
            Self::Withdrawn => {
                "The stack claims a route or topic from another stack's contract, and the contract does not offer it, or not any more. An apply refuses the stack until the owner offers it again or the claim is taken out."
            }
            Self::Unreadable => {
                "An account cannot be entered, a call is denied, or a document is not a policy. Neither presence nor absence can be told, so it never counts as in step and the exit code is 1; everything else is reported all the same."
            }
            Self::NotDeployed => {
                "A method, an authorizer or the policy of an API was changed, and no stage was deployed since: callers meet what was deployed before. The change takes effect with the next deployment, whoever makes it. `--revert` puts it back first."
            }
            Self::Disowned => {
                "A resource has the name that the stack gives it, and its tags do not say that it is this stack's: they were removed or changed, or somebody else made it. An apply refuses to touch it. `--revert ADDRESS` marks it again and makes it what the stack says, unless it says to be another stack's."
            }
        }
    }
}

/// How bad a finding is, by what it means. The worst is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Somebody may do what the stack does not let them do: there is a request that shows it.
    OpensAccess,
    /// It cannot be shown that nobody may do more: a document is not read here, or is undecidable.
    MayOpenAccess,
    /// Nothing is known.
    Unknown,
    /// Somebody may no longer do what the stack lets them do.
    CutsAccess,
    /// Something works differently.
    ChangesBehaviour,
    /// Nothing works differently.
    Cosmetic,
}

impl Severity {
    /// All of them, the worst first.
    pub const ALL: [Self; 6] = [
        Self::OpensAccess,
        Self::MayOpenAccess,
        Self::Unknown,
        Self::CutsAccess,
        Self::ChangesBehaviour,
        Self::Cosmetic,
    ];

    /// As a report prints it.
    #[must_use]
    pub fn says(self) -> &'static str {
        match self {
            Self::OpensAccess => "OPENS ACCESS",
            Self::MayOpenAccess => "MAY OPEN ACCESS",
            Self::Unknown => "UNKNOWN",
            Self::CutsAccess => "cuts access",
            Self::ChangesBehaviour => "changes behaviour",
            Self::Cosmetic => "cosmetic",
        }
    }

    /// As a machine reads it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpensAccess => "opens_access",
            Self::MayOpenAccess => "may_open_access",
            Self::Unknown => "unknown",
            Self::CutsAccess => "cuts_access",
            Self::ChangesBehaviour => "changes_behaviour",
            Self::Cosmetic => "cosmetic",
        }
    }

    /// Whether somebody may do more by it than the stack says, for all that is known.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::OpensAccess | Self::MayOpenAccess)
    }
}

/// Who moved, as far as the digest in a resource's mark tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Moved {
    /// AWS: the stack still says what was last applied.
    Aws,
    /// The stack: it says something else than what was last applied.
    Stack,
    /// Nothing is left that would tell.
    Unknown,
}

impl Moved {
    /// As a machine reads it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Stack => "stack",
            Self::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_not_used_twice_and_each_is_explained() {
        let codes: std::collections::BTreeSet<_> = Class::ALL.map(Class::code).into();
        assert_eq!(codes.len(), Class::ALL.len());
        for class in Class::ALL {
            assert_eq!(Class::parse(&class.code().to_lowercase()), Some(class));
            assert!(class.explanation().ends_with('.'));
        }
    }

    #[test]
    fn the_worst_comes_first() {
        let mut sorted = Severity::ALL;
        sorted.sort();
        assert_eq!(sorted, Severity::ALL);
    }
}
