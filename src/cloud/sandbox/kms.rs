//! KMS keys: only their policies, and only for reading.
//!
//! That a topic or queue names a key that is not here is taken as right: whoever makes keys need not be this
//! program. Its policy is not known then, and reading it is refused as AWS refuses it.

use super::refusal::{Answered, refuse};
use super::state::Key;
use super::{Sandbox, Turn};
use crate::cloud::Fault;
use crate::cloud::kms::{DescribeKey, GetKeyPolicy};
use crate::model::{Arn, Place};

impl Sandbox {
    /// Puts a KMS key there, with this policy and one alias, in place of one with the same id: its ARN.
    pub fn put_key(&self, at: &Place, id: &str, alias: &str, policy: &str) -> String {
        let mut world = self.world.borrow_mut();
        let account = world.accounts.entry(at.id.clone()).or_default();
        let region = account.regions.entry(at.region.clone()).or_default();
        let key = Key {
            policy: policy.to_owned(),
            aliases: [alias.to_owned()].into(),
        };
        region.keys.insert(id.to_owned(), key);
        Arn::regional(at, "kms", &format!("key/{id}")).to_string()
    }
}

impl Turn<'_> {
    pub(super) fn describe_key(&mut self, call: &DescribeKey) -> Answered<String> {
        let (id, _) = self.key(&call.key)?;
        Ok(Arn::regional(self.at, "kms", &format!("key/{id}")).to_string())
    }

    pub(super) fn key_policy(&mut self, call: &GetKeyPolicy) -> Answered<String> {
        if resource(&call.key).starts_with("alias/") {
            let message = format!("Invalid keyId {}", call.key);
            return refuse(Fault::Missing, "NotFoundException", message);
        }
        let (_, key) = self.key(&call.key)?;
        Ok(key.policy)
    }

    fn key(&mut self, name: &str) -> Answered<(String, Key)> {
        let arn = Arn::parse(name).ok();
        if arn.is_some_and(|it| it.account() != self.at.id.as_str()) {
            let message = format!(
                "User: {} is not authorized to perform this on resource: {name}",
                self.caller()
            );
            return refuse(Fault::Denied, "AccessDeniedException", message);
        }
        let resource = resource(name);
        let found = self.regional().keys.iter().find(|(id, key)| {
            resource.strip_prefix("key/") == Some(id) || key.aliases.contains(resource)
        });
        if let Some((id, key)) = found {
            return Ok((id.clone(), key.clone()));
        }
        let kind = if resource.starts_with("alias/") {
            "Alias"
        } else {
            "Key"
        };
        let message = format!("{kind} {name} is not found");
        refuse(Fault::Missing, "NotFoundException", message)
    }
}

/// `key/ID` or `alias/NAME` of a key's ARN.
fn resource(name: &str) -> &str {
    name.splitn(6, ':').nth(5).unwrap_or(name)
}
