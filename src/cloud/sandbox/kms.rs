//! KMS keys: only their policies.
//!
//! That a topic or queue names a key that is not here is taken as right: whoever makes keys need not be this
//! program. Its policy is not known then, and reading it is refused as AWS refuses it.
//!
//! See <https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html>.

use super::principals::reorder;
use super::refusal::{Answered, refuse};
use super::state::Key;
use super::{Sandbox, Turn};
use crate::cloud::CallError;
use crate::cloud::Fault;
use crate::cloud::kms::{DescribeKey, GetKeyPolicy, PutKeyPolicy};
use crate::model::{Arn, Place};
use crate::policy::patterns::Pattern;
use crate::policy::{Document, Effect, Grammar, Holder, PrincipalClause, Statement, size};

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
        let (_, key) = self.key_by_arn(&call.key)?;
        let shown = serde_json::from_str(&key.policy).map(|mut it| {
            reorder(&mut it);
            it.to_string()
        });
        Ok(shown.unwrap_or(key.policy))
    }

    pub(super) fn put_key_policy(&mut self, call: &PutKeyPolicy) -> Answered<()> {
        let (id, _) = self.key_by_arn(&call.key)?;
        let policy = self.checked_key_policy(&call.policy)?;
        if let Some(key) = self.regional().keys.get_mut(&id) {
            key.policy = policy;
        }
        Ok(())
    }

    /// The policy to store: as sent, unless a principal is shown otherwise.
    fn checked_key_policy(&self, text: &str) -> Answered<String> {
        const MALFORMED: &str = "MalformedPolicyDocumentException";
        let unknown = || {
            CallError::new(
                Fault::Unsettled,
                MALFORMED,
                "Policy contains a statement with one or more invalid principals.",
            )
        };
        if text.len() > size::KEY_BYTES {
            let message = "The key policy exceeds the length constraint.";
            return refuse(Fault::Invalid, "LimitExceededException", message);
        }
        let mut document = Grammar::Resource(Holder::Key)
            .read(self.at.partition(), text)
            .map_err(|refusal| {
                if refusal.is_of_principal() {
                    unknown()
                } else {
                    CallError::new(Fault::Invalid, MALFORMED, refusal.words)
                }
            })?;
        let changed = self.sight().settle(&mut document).map_err(|_| unknown())?;
        let statements = Document::from_value(&document).map(|it| it.statements);
        if !statements.is_ok_and(|all| all.iter().any(|it| self.may_still_change(it))) {
            return refuse(
                Fault::Invalid,
                MALFORMED,
                "The new key policy will not allow you to update the key policy in the future.",
            );
        }
        Ok(if changed {
            document.to_string()
        } else {
            text.to_owned()
        })
    }

    /// Whether a statement lets this account, or the caller, put the key's policy again.
    fn may_still_change(&self, statement: &Statement) -> bool {
        let own = Arn::root(self.at.partition().as_str(), &self.at.id).to_string();
        let names = statement.principal.iter();
        let named = names
            .flat_map(PrincipalClause::aws_values)
            .any(|it| *it == own || it == "*" || *it == self.caller() || it == self.at.id.as_str());
        let actions = &statement.action.values;
        let puts = actions
            .iter()
            .any(|it| Pattern::of(&it.to_ascii_lowercase()).matches("kms:putkeypolicy"));
        statement.effect == Effect::Allow && named && puts != statement.action.negated
    }

    /// The key that an ARN names: AWS keeps policies by the keys themselves, not by their aliases.
    fn key_by_arn(&mut self, name: &str) -> Answered<(String, Key)> {
        if resource(name).starts_with("alias/") {
            let message = format!("Invalid keyId {name}");
            return refuse(Fault::Missing, "NotFoundException", message);
        }
        self.key(name)
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
