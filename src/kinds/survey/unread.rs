//! What AWS does not show: how much of a stack can be planned without it.

use super::{Live, Reading, SurveyErrors, Unread};
use crate::cloud::Fault;
use crate::kinds::Want;
use crate::model::Address;

impl Reading {
    /// What was read; an error when an account cannot be entered or does not answer. What AWS refuses to
    /// show is no error: it stays among the unread.
    pub fn answered(self) -> Result<Self, SurveyErrors> {
        let refused = |it: &Unread| match it.error.source.fault {
            Fault::Denied
            | Fault::Missing
            | Fault::Exists
            | Fault::Conflict
            | Fault::Unsettled
            | Fault::Invalid
            | Fault::Quota => true,
            Fault::Throttled
            | Fault::TooSoon
            | Fault::Lost
            | Fault::Broken
            | Fault::Credentials
            | Fault::NoLogin
            | Fault::Region
            | Fault::Stopped => false,
        };
        if self.unread.iter().all(refused) {
            return Ok(self);
        }
        self.whole().map(Self::from)
    }

    /// Whether enough of a want was read to plan it.
    #[must_use]
    pub fn tells_of(&self, address: &Address, want: &Want) -> bool {
        let unread = self.unread_addresses().contains(address);
        (!unread || self.live.have.contains_key(address)) && self.waits_for(want).is_none()
    }

    /// The API whose id a want's documents need, and that could not be read.
    #[must_use]
    pub fn waits_for(&self, want: &Want) -> Option<Address> {
        let unread = self.unread_addresses();
        let mut pending = want.resource.pending().into_iter();
        pending.find(|it| unread.contains(it) && !self.live.have.contains_key(it))
    }
}

impl From<Live> for Reading {
    fn from(live: Live) -> Self {
        Self {
            live,
            unread: Vec::new(),
        }
    }
}
