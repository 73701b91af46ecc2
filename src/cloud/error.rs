//! What a refused call means to a caller.
//!
//! A [`Fault`] is one variant for each thing a caller would do differently. The
//! code and message are the service's own.

use std::time::Duration;

use crate::escape::screen::line;

/// What went wrong with a call, by what may be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// Too many calls; nothing was done. Wait and send it again.
    Throttled,
    /// The caller may not do this.
    Denied,
    /// What the call names is not there.
    Missing,
    /// What the call would make is there already, and differs.
    Exists,
    /// Something else is changing the same thing, or still depends on it.
    Conflict,
    /// A principal that the document names is not (yet) visible there.
    Unsettled,
    /// A deleted queue's name is not free yet.
    TooSoon,
    /// The request is wrong and will stay wrong.
    Invalid,
    /// A quota that waiting does not lift.
    Quota,
    /// No answer came: the call may have been carried out.
    Lost,
    /// The service failed inside: the call may have been carried out.
    Broken,
    /// Credentials are missing, expired, or the account's role cannot be assumed.
    Credentials,
    /// The caller has no credentials to begin with, whatever the account.
    NoLogin,
    /// The region is not enabled for the account, or does not exist.
    Region,
    /// The seam was told to stop dead: nothing is sent any more.
    Stopped,
}

impl Fault {
    /// Whether the same call, sent again as it is, may come off.
    #[must_use]
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Throttled
                | Self::Conflict
                | Self::Unsettled
                | Self::TooSoon
                | Self::Lost
                | Self::Broken
        )
    }

    /// Whether the call may have been carried out although it failed.
    #[must_use]
    pub fn may_have_acted(self) -> bool {
        matches!(self, Self::Lost | Self::Broken)
    }
}

/// A call that a cloud refused or lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", line(code), line(message))]
pub struct CallError {
    /// What it means to a caller.
    pub fault: Fault,
    /// The service's error code, such as `EntityAlreadyExists`.
    pub code: String,
    /// The service's message.
    pub message: String,
    /// How long the service asks to wait.
    pub retry_after: Option<Duration>,
    /// The service's id of the request.
    pub request_id: Option<String>,
    /// What was called, as `iam:CreateRole`; set by the seam.
    pub action: Option<String>,
}

impl CallError {
    /// An error with nothing known but its code and message.
    pub fn new(fault: Fault, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            fault,
            code: code.into(),
            message: message.into(),
            retry_after: None,
            request_id: None,
            action: None,
        }
    }
}
