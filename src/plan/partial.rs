//! A plan for what AWS shows, when it does not show everything.

use super::{Consent, Plan};
use crate::kinds::survey::Reading;
use crate::lower::Desired;

impl Plan {
    /// What makes what could be read what is wanted. What could not be read stays as it is, with what
    /// needs its id.
    #[must_use]
    pub fn of_reading(desired: &Desired, reading: &Reading, consent: &Consent) -> Self {
        let mut known = desired.clone();
        known
            .wants
            .retain(|address, want| reading.tells_of(address, want));
        let mut plan = Self::between(&known, &reading.live, consent);
        plan.unread.clone_from(&reading.unread);
        plan
    }

    /// The same, to be carried out: while something of the stack's own cannot be read nothing is
    /// removed, for it may be what takes the place of what would go.
    #[must_use]
    pub fn to_apply(desired: &Desired, mut reading: Reading, consent: &Consent) -> Self {
        if reading.unread.iter().any(|it| !it.foreign) {
            reading.live.orphans.clear();
        }
        Self::of_reading(desired, &reading, consent)
    }

    /// Whether something of the stack's own could not be read.
    #[must_use]
    pub fn lacks_own(&self) -> bool {
        self.unread.iter().any(|it| !it.foreign)
    }
}
