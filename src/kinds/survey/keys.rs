//! The policies of the KMS keys that topics and queues are encrypted with.
//!
//! They decide who can publish and receive, so the proof reads them where it may: `GetKeyPolicy` answers in the
//! key's own account only. The policy of a key that the stack does not declare is its owner's: that it cannot be
//! read fails nothing else.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::{Reading, Survey, Visits};
use crate::cloud::{self, CallError, Cloud, kms};
use crate::kinds::Resource;
use crate::kinds::key::{Key, encrypting, policy};
use crate::model::{KmsKey, Place};
use crate::policy::Document;

/// What was read of KMS keys.
pub type Keys = BTreeMap<KmsKey, KeyReading>;

/// What was read of a KMS key.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyReading {
    /// It is there.
    Read {
        /// The key's own ARN.
        arn: String,
        /// Its policy.
        policy: Document,
    },
    /// It could not be read, and why.
    Unread(String),
}

/// What comes of reading a key's policy: the key's own ARN, and the policy.
type Read = Result<Option<(String, Document)>, CallError>;

impl Survey<'_> {
    /// Reads the keys of what is wanted and of what is there, in the accounts that are entered.
    pub(super) async fn keys(&self, visits: &Visits<'_>, reading: &mut Reading) {
        let wanted = self.wants.values().map(|it| &it.resource);
        let there = reading.live.have.values().map(|it| &it.resource);
        let keys: BTreeSet<KmsKey> = wanted.chain(there).filter_map(key_of).collect();
        let reads = keys.into_iter().map(|key| async {
            let read = match visits.place_of_key(&key) {
                Some(at) => Some(read(self.cloud, &at, &key).await),
                None => None,
            };
            (key, read)
        });
        let reads: BTreeMap<KmsKey, Option<Read>> = join_all(reads).await.into_iter().collect();
        for (address, want) in self.wants {
            let Resource::Key(key) = &want.resource else {
                continue;
            };
            match reads.get(&KmsKey::from(key.arn.clone())) {
                Some(Some(Ok(Some((_, policy))))) => {
                    let have = Key::decode(&key.arn, policy.clone(), self.stack);
                    reading.live.have.insert(address.clone(), have);
                }
                Some(Some(Err(error))) => {
                    let addresses = BTreeSet::from([address.clone()]);
                    reading.lacks(&want.place, error.clone(), addresses);
                }
                _ => {}
            }
        }
        let read = reads.into_iter().map(|(key, read)| {
            let account = key.arn().account().to_owned();
            let reading = match read {
                Some(Ok(Some((arn, policy)))) => KeyReading::Read { arn, policy },
                Some(Ok(None)) => KeyReading::Unread(format!("{key} is not there")),
                Some(Err(error)) => KeyReading::Unread(error.to_string()),
                None => KeyReading::Unread(format!(
                    "account {account} is not one of the stack's that were entered"
                )),
            };
            (key, reading)
        });
        reading.live.keys = read.collect();
    }
}

/// The key that a resource is, or is encrypted with, where the key's owner can give it to others.
fn key_of(resource: &Resource) -> Option<KmsKey> {
    let key = match resource {
        Resource::Key(key) => Some(KmsKey::from(key.arn.clone())),
        other => encrypting(other),
    };
    key.filter(|it| !it.is_managed_by_aws())
}

async fn read(cloud: &dyn Cloud, at: &Place, key: &KmsKey) -> Read {
    // `GetKeyPolicy` takes no alias.
    let arn = if key.alias().is_some() {
        let key = key.to_string();
        cloud::call(cloud, at, kms::DescribeKey { key }).await?
    } else {
        key.to_string()
    };
    Ok(policy(cloud, at, &arn).await?.map(|it| (arn, it)))
}
