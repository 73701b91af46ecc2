//! The policies of the KMS keys that topics and queues are encrypted with.
//!
//! They are their owners' and are never written. They decide who can publish and receive, so the proof
//! reads them where it may: `GetKeyPolicy` answers in the key's own account only. A policy that cannot be
//! read fails nothing else.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::{Live, Survey, Visits};
use crate::cloud::{self, CallError, Cloud, kms};
use crate::kinds::Resource;
use crate::model::{KmsKey, Place, Region};
use crate::policy::Document;
use crate::stack::Encryption;

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

/// The key of a topic or queue that the owner of the key can give to others.
fn key_of(resource: &Resource) -> Option<KmsKey> {
    let key = match resource {
        Resource::Topic(topic) => KmsKey::of(&topic.kms_key, &topic.arn),
        Resource::Queue(queue) => match &queue.encryption {
            Encryption::Kms { key, .. } => KmsKey::of(key, &queue.arn),
            Encryption::Sqs | Encryption::Off => None,
        },
        _ => None,
    };
    key.filter(|it| !it.is_managed_by_aws())
}

impl Survey<'_> {
    /// Reads the keys of what is wanted and of what is there, in the accounts that are entered.
    pub(super) async fn keys(&self, visits: &Visits<'_>, live: &Live) -> Keys {
        let wanted = self.wants.values().map(|it| &it.resource);
        let there = live.have.values().map(|it| &it.resource);
        let keys: BTreeSet<KmsKey> = wanted.chain(there).filter_map(key_of).collect();
        let reads = keys.into_iter().map(|key| async {
            let arn = key.arn();
            let account = arn.account_id();
            let entered = account.and_then(|it| visits.accounts.get(&it));
            let reading = match (entered, Region::parse(arn.region())) {
                (Some(place), Some(region)) => {
                    let at = Place {
                        region,
                        ..(*place).clone()
                    };
                    read(self.cloud, &at, &key)
                        .await
                        .unwrap_or_else(|error| KeyReading::Unread(error.to_string()))
                }
                _ => KeyReading::Unread(format!(
                    "account {} is not one of the stack's that were entered",
                    arn.account()
                )),
            };
            (key, reading)
        });
        join_all(reads).await.into_iter().collect()
    }
}

async fn read(cloud: &dyn Cloud, at: &Place, key: &KmsKey) -> Result<KeyReading, CallError> {
    // `GetKeyPolicy` takes no alias.
    let arn = if key.alias().is_some() {
        let key = key.to_string();
        cloud::call(cloud, at, kms::DescribeKey { key }).await?
    } else {
        key.to_string()
    };
    let text = cloud::call(cloud, at, kms::GetKeyPolicy { key: arn.clone() }).await?;
    Ok(match Document::parse(&text) {
        Ok(policy) => KeyReading::Read { arn, policy },
        Err(error) => KeyReading::Unread(format!("its policy cannot be understood: {error}")),
    })
}
