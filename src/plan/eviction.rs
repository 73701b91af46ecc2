//! What a revert takes away of others by a call of its own, since no document of ours pushes it out.

use crate::kinds::Extra;
use crate::model::{Address, Place};

/// Something of others that was named and is taken away: a subscription, a stage, a canary, a boundary.
#[derive(Clone, Debug, PartialEq)]
pub struct Eviction {
    /// The resource it stands on.
    pub address: Address,
    /// Where.
    pub place: Place,
    /// What it is.
    pub extra: Extra,
}
