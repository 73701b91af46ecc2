//! Managed policies of an account's own.
//!
//! A policy that is attached or a boundary is taken to exist when it is AWS's or the account's own, for
//! whoever makes it need not be this program. Only below the path that stacks use are they looked up.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html>.

use std::collections::BTreeMap;

use super::Turn;
use super::elements::size;
use super::iam::{
    check_description, check_document, check_path, check_policy_name, encoded, malformed,
};
use super::refusal::{Answered, refuse};
use super::state::Policy;
use crate::cloud::Fault;
use crate::cloud::iam::{
    CreatePolicy, CreatePolicyVersion, DeletePolicy, DeletePolicyVersion, GetPolicy,
    GetPolicyVersion, PolicyDetail, PolicyVersion, SetDefaultPolicyVersion,
};
use crate::model::{Arn, Partition};
use crate::policy::Grammar;

const SIZE: usize = 6144;
const VERSIONS: usize = 5;
/// Some of AWS's own, by what follows `arn:aws:iam::aws:policy/`, with their documents.
///
/// See <https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html>.
const OF_AWS: [(&str, &str); 4] = [
    (
        "AdministratorAccess",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
    ),
    (
        "AmazonSQSFullAccess",
        r#"{"Version":"2012-10-17","Statement":[{"Action":["sqs:*"],"Effect":"Allow","Resource":"*"}]}"#,
    ),
    (
        "service-role/AWSLambdaBasicExecutionRole",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}"#,
    ),
    (
        "service-role/AWSLambdaSQSQueueExecutionRole",
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sqs:ReceiveMessage","sqs:DeleteMessage","sqs:GetQueueAttributes","logs:CreateLogGroup","logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*"}]}"#,
    ),
];

/// Below it stands what stacks make.
const OURS: &str = "/provision/";

impl Turn<'_> {
    pub(super) fn policy_details(&mut self) -> Vec<PolicyDetail> {
        let account = self.account();
        let count = |used: usize| u32::try_from(used).unwrap_or(u32::MAX);
        let details = account.policies.iter().map(|(name, policy)| {
            let roles = || account.roles.values();
            let attached = roles().filter(|it| it.attached.contains(&policy.arn));
            let bounds = roles().filter(|it| it.boundary.as_ref() == Some(&policy.arn));
            PolicyDetail {
                name: name.clone(),
                path: policy.path.clone(),
                arn: policy.arn.clone(),
                default_version: version_id(policy.default),
                // The newest first, as IAM lists them.
                versions: policy
                    .versions
                    .iter()
                    .rev()
                    .map(|(number, document)| PolicyVersion {
                        id: version_id(*number),
                        document: encoded(document),
                    })
                    .collect(),
                attachments: count(attached.count()),
                bounds: count(bounds.count()),
            }
        });
        details.collect()
    }

    pub(super) fn get_policy(&mut self, call: &GetPolicy) -> Answered<String> {
        if of_aws(&call.arn).is_some() {
            return Ok(version_id(1));
        }
        Ok(version_id(self.policy(&call.arn)?.default))
    }

    pub(super) fn get_policy_version(&mut self, call: &GetPolicyVersion) -> Answered<String> {
        if let Some(document) = of_aws(&call.arn).filter(|_| call.version == version_id(1)) {
            return Ok(encoded(document));
        }
        let (policy, number) = self.version(&call.arn, &call.version)?;
        Ok(encoded(&policy.versions[&number]))
    }

    pub(super) fn create_policy(&mut self, call: CreatePolicy) -> Answered<String> {
        check_policy_name(&call.name)?;
        check_path(&call.path)?;
        check_description(Some(&call.description))?;
        check_policy(self.at.partition(), &call.document)?;
        let taken = |other: &String| other.eq_ignore_ascii_case(&call.name);
        if self.account().policies.keys().any(taken) {
            return refuse(
                Fault::Exists,
                "EntityAlreadyExists",
                format!(
                    "A policy called {} already exists. Duplicate names are not allowed.",
                    call.name
                ),
            );
        }
        let arn = Arn::policy(self.at, &call.path, &call.name).to_string();
        let policy = Policy {
            arn: arn.clone(),
            path: call.path,
            description: call.description,
            versions: BTreeMap::from([(1, call.document)]),
            default: 1,
            made: 1,
        };
        self.account().policies.insert(call.name, policy);
        Ok(arn)
    }

    pub(super) fn create_policy_version(&mut self, call: CreatePolicyVersion) -> Answered<String> {
        self.policy(&call.arn)?;
        check_policy(self.at.partition(), &call.document)?;
        let policy = self.policy(&call.arn)?;
        if policy.versions.len() >= VERSIONS {
            return refuse(
                Fault::Quota,
                "LimitExceeded",
                format!(
                    "A managed policy can have up to {VERSIONS} versions. Before you create a new version, \
                     you must delete an existing version."
                ),
            );
        }
        policy.made += 1;
        policy.default = policy.made;
        policy.versions.insert(policy.made, call.document);
        Ok(version_id(policy.made))
    }

    pub(super) fn set_default_policy_version(
        &mut self,
        call: &SetDefaultPolicyVersion,
    ) -> Answered<()> {
        let (policy, number) = self.version(&call.arn, &call.version)?;
        policy.default = number;
        Ok(())
    }

    pub(super) fn delete_policy_version(&mut self, call: &DeletePolicyVersion) -> Answered<()> {
        let (policy, number) = self.version(&call.arn, &call.version)?;
        if number == policy.default {
            return refuse(
                Fault::Conflict,
                "DeleteConflict",
                "Cannot delete the default version of a policy.",
            );
        }
        policy.versions.remove(&number);
        Ok(())
    }

    pub(super) fn delete_policy(&mut self, call: &DeletePolicy) -> Answered<()> {
        let versions = self.policy(&call.arn)?.versions.len();
        let account = self.account();
        let mut roles = account.roles.values();
        let used = roles
            .any(|it| it.attached.contains(&call.arn) || it.boundary.as_ref() == Some(&call.arn));
        let left = if used {
            "Cannot delete a policy attached to entities."
        } else if versions > 1 {
            "This policy has more than one version. Before you delete a policy, you must delete the \
             policy's versions. The default version is deleted with the policy."
        } else {
            account.policies.retain(|_, it| it.arn != call.arn);
            return Ok(());
        };
        refuse(Fault::Conflict, "DeleteConflict", left)
    }

    fn policy(&mut self, arn: &str) -> Answered<&mut Policy> {
        let mut all = self.account().policies.values_mut();
        match all.find(|it| it.arn == arn) {
            Some(policy) => Ok(policy),
            None => refuse(
                Fault::Missing,
                "NoSuchEntity",
                format!("Policy {arn} was not found."),
            ),
        }
    }

    fn version(&mut self, arn: &str, version: &str) -> Answered<(&mut Policy, u32)> {
        let policy = self.policy(arn)?;
        let number = version.strip_prefix('v').and_then(|it| it.parse().ok());
        match number.filter(|it| policy.versions.contains_key(it)) {
            Some(number) => Ok((policy, number)),
            None => refuse(
                Fault::Missing,
                "NoSuchEntity",
                format!("Policy {arn} version {version} does not exist or is not attachable."),
            ),
        }
    }

    pub(super) fn check_managed_policy(&self, arn: &str) -> Answered<()> {
        let Ok(parsed) = Arn::parse(arn) else {
            return refuse(
                Fault::Invalid,
                "ValidationError",
                "Invalid ARN:  Could not be parsed!",
            );
        };
        let known = parsed.service() == "iam"
            && parsed.partition() == self.at.partition().as_str()
            && parsed.resource().starts_with("policy/")
            && (parsed.account() == "aws" || parsed.account() == self.at.id.as_str())
            && (!parsed.resource().starts_with(&format!("policy{OURS}")) || self.has_policy(arn));
        if known {
            Ok(())
        } else {
            refuse(
                Fault::Missing,
                "NoSuchEntity",
                format!("Policy {arn} does not exist or is not attachable."),
            )
        }
    }

    fn has_policy(&self, arn: &str) -> bool {
        let account = self.world.accounts.get(&self.at.id);
        let mut policies = account.into_iter().flat_map(|it| it.policies.values());
        policies.any(|it| it.arn == arn)
    }
}

/// The document of a policy of AWS's own, where it is one of those that are known here.
fn of_aws(arn: &str) -> Option<&'static str> {
    let (_, name) = arn.split_once(":iam::aws:policy/")?;
    let mut known = OF_AWS.iter();
    known
        .find(|(it, _)| *it == name)
        .map(|(_, document)| *document)
}

fn version_id(number: u32) -> String {
    format!("v{number}")
}

fn check_policy(here: Partition, document: &str) -> Answered<()> {
    check_document("policyDocument", document)?;
    Grammar::Identity.read(here, document).or_else(malformed)?;
    if size(document) > SIZE {
        return refuse(
            Fault::Quota,
            "LimitExceeded",
            format!("Cannot exceed quota for PolicySize: {SIZE}"),
        );
    }
    Ok(())
}
