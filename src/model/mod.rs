//! The words every room shares.
//!
//! Nothing here imports another room, reads a clock, a file or the network.

pub mod address;
pub mod authorization;
pub mod change;
pub mod definition;
pub mod kms;
pub mod lease;
pub mod names;
pub mod tags;
pub mod velocity;

pub use provision_policy::{arn, place};

pub use address::{Address, KindName};
pub use arn::{Arn, ArnError};
pub use change::{Change, Cost, Detail, Differences};
pub use kms::KmsKey;
pub use names::Names;
pub use place::{AccountId, Partition, Place, Region};
pub use tags::{Mark, Tags};
