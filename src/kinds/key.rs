//! KMS keys: only our statements of their policies are ours.
//!
//! A key is its owner's. It is neither made nor deleted here, carries no mark, and nothing but its policy is
//! read. Who may use a topic or queue that is encrypted with it needs both: the topic's or queue's leave, and the key's.
//!
//! | field    | call           | change  |
//! |----------|----------------|---------|
//! | `policy` | `PutKeyPolicy` | update  |
//!
//! KMS refuses a policy that would keep the caller from changing it again; that check is never bypassed.
//!
//! See <https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html>.

use serde_json::{Value, json};

use super::role::gone_is_fine;
use super::{Context, Have, Kind, Resource, Want, or_none, policy_details};
use crate::cloud::{self, CallError, Cloud, Fault, kms};
use crate::model::{Arn, Differences, KmsKey, Place, Tags};
use crate::policy::{Document, Statement, own};
use crate::stack::Encryption;

/// The purposes of what a stack writes into keys' policies begin with this, unlike those of what it hands over.
pub const USES: &str = "uses";

/// A KMS key, as the stack wants it or as AWS has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The key's own ARN.
    pub arn: Arn,
    /// Our statements of its policy.
    pub policy: Document,
}

/// Reads a key's policy; `None` when there is no such key.
pub(super) async fn policy(
    cloud: &dyn Cloud,
    place: &Place,
    arn: &str,
) -> Result<Option<Document>, CallError> {
    let call = kms::GetKeyPolicy {
        key: arn.to_owned(),
    };
    let Some(text) = or_none(cloud::call(cloud, place, call).await)? else {
        return Ok(None);
    };
    let unreadable = |error| {
        CallError::new(
            Fault::Invalid,
            "UnreadablePolicy",
            format!("the policy of {arn} cannot be read: {error}"),
        )
    };
    Document::parse(&text).map(Some).map_err(unreadable)
}

impl Key {
    /// What a key's policy says.
    ///
    /// That the key's account decides by its own policies is what a key begins with, and nobody's addition.
    #[must_use]
    pub fn decode(arn: &Arn, policy: Document, stack: &str) -> Have {
        let mut key = Self {
            arn: arn.clone(),
            policy: Document::of(Vec::new()),
        };
        let mut have = Have::of(Resource::Key(key.clone()), arn.as_str(), &Tags::new());
        key.policy = have.take_policy(policy, stack, |_| false);
        let is_first = |it: &&Statement| own::is_default_key_statement(it, arn.account());
        for first in have.foreign.iter().filter(is_first) {
            let first = super::extra::statement_digest(first);
            have.extras.retain(|it| it.digest != first);
        }
        have.resource = Resource::Key(key);
        have
    }

    /// Whether a topic or queue is encrypted with this key, or a role's own policies name it.
    #[must_use]
    pub fn is_used_by(&self, resource: &Resource) -> bool {
        match resource {
            Resource::Role(role) => {
                let statements = role.identity().flat_map(|it| &it.statements);
                let mut named = statements.flat_map(super::statements::arns_in);
                named.any(|it| it == self.arn)
            }
            other => encrypting(other).is_some_and(|it| *it.arn() == self.arn),
        }
    }

    async fn put(
        &self,
        place: &Place,
        cx: &Context<'_>,
        policy: &Document,
    ) -> Result<(), CallError> {
        let call = kms::PutKeyPolicy {
            key: self.arn.to_string(),
            policy: policy.to_text(),
        };
        cloud::call(cx.cloud, place, call).await
    }
}

/// Returns the key that a topic or queue is encrypted with.
#[must_use]
pub fn encrypting(resource: &Resource) -> Option<KmsKey> {
    match resource {
        Resource::Topic(topic) => KmsKey::of(&topic.kms_key, &topic.arn),
        Resource::Queue(queue) => match &queue.encryption {
            Encryption::Kms { key, .. } => KmsKey::of(key, &queue.arn),
            Encryption::Sqs | Encryption::Off => None,
        },
        _ => None,
    }
}

impl Kind for Key {
    fn differences(&self, want: &Want, have: &Have) -> Differences {
        let nothing = Document::of(Vec::new());
        let live = have.resource.policy().unwrap_or(&nothing);
        Differences::default().list("policy", policy_details(want, &self.policy, live, have))
    }

    async fn read(&self, want: &Want, cx: &Context<'_>) -> Result<Option<Have>, CallError> {
        let found = policy(cx.cloud, &want.place, self.arn.as_str()).await?;
        Ok(found.map(|it| Self::decode(&self.arn, it, cx.stack)))
    }

    async fn exist(
        &self,
        want: &Want,
        have: Option<&Have>,
        cx: &Context<'_>,
    ) -> Result<String, CallError> {
        let Some(have) = have else {
            let message = format!("there is no KMS key {}; keys are not made here", self.arn);
            return Err(CallError::new(Fault::Missing, "NoSuchKey", message));
        };
        if !self.differences(want, have).is_empty() {
            let policy = have.policy_for(want, &self.policy);
            self.put(&want.place, cx, &policy).await?;
        }
        Ok(have.id.clone())
    }

    async fn settle(&self, _: &Want, _: Option<&Have>, _: &Context<'_>) -> Result<(), CallError> {
        Ok(())
    }

    async fn remove(&self, place: &Place, have: &Have, cx: &Context<'_>) -> Result<(), CallError> {
        if self.policy.statements.is_empty() {
            return Ok(());
        }
        let policy = have.policy_with(&Document::of(Vec::new()), |_| true);
        gone_is_fine(self.put(place, cx, &policy).await)
    }

    fn to_value(&self) -> Value {
        json!({"arn": self.arn, "policy": self.policy.to_text()})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Arn {
        Arn::parse("arn:aws:kms:eu-west-1:111111111111:key/k").expect("an ARN")
    }

    fn decoded(statements: &str) -> Have {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        Key::decode(&key(), Document::parse(&text).expect("a policy"), "s")
    }

    #[test]
    fn what_a_key_begins_with_is_nobodys_addition() {
        let of = |who: &str, action: &str| {
            format!(
                r#"{{"Effect":"Allow","Principal":{{"AWS":"{who}"}},"Action":"{action}","Resource":"*"}}"#
            )
        };
        let root = "arn:aws:iam::111111111111:root";
        assert!(decoded(&of(root, "kms:*")).extras.is_empty());
        for (who, action) in [
            ("arn:aws:iam::222222222222:root", "kms:*"),
            ("arn:aws:iam::111111111111:user/eve", "kms:*"),
            ("*", "kms:*"),
        ] {
            assert_eq!(decoded(&of(who, action)).extras.len(), 1, "{who} {action}");
        }
    }

    #[test]
    fn statements_of_this_stack_are_told_from_others_by_their_sid() {
        let sid = own::sid("s", "uses");
        let of = |sid: &str| {
            format!(
                r#"{{"Sid":"{sid}","Effect":"Allow","Principal":{{"AWS":"*"}},"Action":"kms:Decrypt","Resource":"*"}}"#
            )
        };
        let have = decoded(&format!("{},{}", of(&sid), of("Theirs")));
        let ours = have.resource.policy().expect("a policy");
        assert_eq!(ours.statements.len(), 1);
        assert_eq!(have.foreign.len(), 1);
    }
}
