//! Managed policies of the stack's own: what a role may do that its inline policies have no room for.
//!
//! A policy is the stack's by its path, `/provision/STACK/`, and a role's by its name,
//! `provision-STACK.ROLE.NUMBER`: both are fixed when it is made, and both come with the bulk read.
//! Tags do not, and would cost a call for each policy in every plan.
//!
//! An update is a new version, put in force as it is made; of five the oldest goes first. The version
//! before stays, so that whoever has to can go back by hand.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html>.

use std::collections::{BTreeMap, BTreeSet};

use super::{gone_is_fine, inline_prefix, unreadable};
use crate::cloud::{self, CallError, Cloud, Fault, iam};
use crate::model::tags::short_hash;
use crate::model::{Arn, Place};
use crate::policy::{Document, normal};

/// Versions of a managed policy.
const VERSIONS: usize = 5;
/// The longest name of a managed policy.
const LONGEST: usize = 128;

/// A managed policy of the stack's, as it is wanted or as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Managed {
    /// What is in force.
    pub document: Document,
    /// Whether the role has it. One that is wanted is.
    pub attached: bool,
}

/// What AWS keeps beside the document in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    /// The policy's ARN.
    pub arn: String,
    /// The version in force.
    pub default: String,
    /// The other versions with their documents, the oldest first.
    pub others: Vec<(String, Option<Document>)>,
    /// Who else holds the policy, so that AWS will not delete it.
    pub holders: Vec<Holder>,
}

/// Somebody who holds a policy beside the role that it is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// A role that it is attached to, by its name; and whether the role is this stack's.
    Role(String, bool),
    /// A role whose permissions boundary it is, by its name.
    Bounded(String),
    /// Users, groups, or others whose names are not read: so many.
    Unnamed(u32),
}

impl std::fmt::Display for Holder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Role(name, _) => write!(out, "attached to role {name}"),
            Self::Bounded(name) => write!(out, "the permissions boundary of role {name}"),
            Self::Unnamed(1) => write!(out, "attached to a user or group"),
            Self::Unnamed(count) => write!(out, "attached to {count} users or groups"),
        }
    }
}

/// What an account has in IAM.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Every role.
    pub roles: Vec<iam::RoleDetail>,
    /// Every managed policy that is the account's own.
    pub policies: Vec<iam::PolicyDetail>,
}

impl Account {
    /// What came in pages.
    #[must_use]
    pub fn of(details: Vec<iam::AccountDetail>) -> Self {
        let mut account = Self::default();
        for detail in details {
            match detail {
                iam::AccountDetail::Role(it) => account.roles.push(it),
                iam::AccountDetail::Policy(it) => account.policies.push(it),
            }
        }
        account
    }

    /// The managed policies that a stack made for a role.
    pub fn of_role<'a>(
        &'a self,
        stack: &str,
        role: &str,
    ) -> impl Iterator<Item = &'a iam::PolicyDetail> {
        let (path, front) = (path(stack), front(stack, role));
        self.policies.iter().filter(move |it| {
            let number = it
                .name
                .get(..front.len())
                .filter(|it| it.eq_ignore_ascii_case(&front));
            let number = number.and_then(|_| it.name.get(front.len()..));
            it.path == path && number.is_some_and(is_number)
        })
    }

    /// What these managed policies of the account's own say, by ARN. One that cannot be read is left out:
    /// it is nobody's but its author's to mend.
    #[must_use]
    pub fn in_force(&self, arns: &BTreeSet<&String>) -> BTreeMap<String, Document> {
        let asked = self.policies.iter().filter(|it| arns.contains(&it.arn));
        asked
            .filter_map(|it| {
                let mut versions = it.versions.iter();
                let version = versions.find(|version| version.id == it.default_version)?;
                let document = Document::parse_encoded(&version.document).ok()?;
                Some((it.arn.clone(), document))
            })
            .collect()
    }

    /// The names of roles that a stack made managed policies for.
    #[must_use]
    pub fn roles_with_policies(&self, stack: &str) -> BTreeSet<String> {
        let path = path(stack);
        let ours = self.policies.iter().filter(|it| it.path == path);
        ours.filter_map(|it| {
            let (front, number) = it.name.rsplit_once('.')?;
            let prefixes = [inline_prefix(stack), short_prefix(stack)];
            let role = prefixes
                .iter()
                .find_map(|it| front.strip_prefix(it.as_str()))?;
            is_number(number).then(|| role.to_owned())
        })
        .collect()
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit())
}

/// The path of a stack's managed policies.
#[must_use]
pub fn path(stack: &str) -> String {
    format!("/provision/{stack}/")
}

/// The name of one of a role's managed policies. Policies' names are unique in an account whatever
/// their path, so that it says the stack as well: several stacks may let one role do things.
#[must_use]
pub fn name(stack: &str, role: &str, number: u32) -> String {
    format!("{}{number}", front(stack, role))
}

fn front(stack: &str, role: &str) -> String {
    let front = format!("{}{role}.", inline_prefix(stack));
    if front.len() + u32::MAX.to_string().len() <= LONGEST {
        front
    } else {
        format!("{}{role}.", short_prefix(stack))
    }
}

/// For a stack with a long name.
fn short_prefix(stack: &str) -> String {
    inline_prefix(&short_hash(stack))
}

/// Whether a managed policy is one of AWS's own.
#[must_use]
pub fn is_of_aws(arn: &str) -> bool {
    arn.contains(":iam::aws:policy/")
}

/// What a managed policy of AWS's own says, by its ARN. Where that cannot be read nothing else fails for it:
/// what depends on it is not proved, and says so.
pub async fn document_of(
    cloud: &dyn Cloud,
    place: &Place,
    arn: &str,
) -> Option<(String, Document)> {
    let ask = iam::GetPolicy {
        arn: arn.to_owned(),
    };
    let version = cloud::call(cloud, place, ask).await.ok()?;
    let ask = iam::GetPolicyVersion {
        arn: arn.to_owned(),
        version,
    };
    let text = cloud::call(cloud, place, ask).await.ok()?;
    Some((arn.to_owned(), Document::parse_encoded(&text).ok()?))
}

/// One of the stack's managed policies, as it is there.
pub(super) fn decode(
    detail: &iam::PolicyDetail,
    role: &str,
    account: &Account,
    is_ours: impl Fn(&iam::RoleDetail) -> bool,
) -> Result<(Managed, Versions), CallError> {
    let mut document = None;
    let mut others = Vec::new();
    for version in &detail.versions {
        let parsed = Document::parse_encoded(&version.document);
        if version.id == detail.default_version {
            let parsed = parsed.map_err(|error| {
                unreadable(&format!("the managed policy {}", detail.name), &error)
            })?;
            document = Some(parsed);
        } else {
            others.push((version.id.clone(), parsed.ok()));
        }
    }
    others.sort_by_key(|(id, _)| number_of(id));
    let attached = |it: &&iam::RoleDetail| it.attached.contains(&detail.arn);
    let own = |it: &&iam::RoleDetail| it.name.eq_ignore_ascii_case(role);
    let all: Vec<&iam::RoleDetail> = account.roles.iter().filter(attached).collect();
    let elsewhere = all.iter().filter(|it| !own(it));
    let mut holders: Vec<Holder> = elsewhere
        .map(|it| Holder::Role(it.name.clone(), is_ours(it)))
        .collect();
    let bounded = account
        .roles
        .iter()
        .filter(|it| it.boundary.as_ref() == Some(&detail.arn));
    let bounded: Vec<Holder> = bounded.map(|it| Holder::Bounded(it.name.clone())).collect();
    let count = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
    let unnamed = detail.attachments.saturating_sub(count(all.len()))
        + detail.bounds.saturating_sub(count(bounded.len()));
    holders.extend(bounded);
    holders.extend((unnamed > 0).then_some(Holder::Unnamed(unnamed)));
    let managed = Managed {
        // A policy without its default version cannot be; it would allow nothing.
        document: document.unwrap_or_else(|| Document::of(Vec::new())),
        attached: all.iter().any(own),
    };
    let versions = Versions {
        arn: detail.arn.clone(),
        default: detail.default_version.clone(),
        others,
        holders,
    };
    Ok((managed, versions))
}

fn number_of(version: &str) -> u32 {
    let number = version.strip_prefix('v').and_then(|it| it.parse().ok());
    number.unwrap_or_default()
}

/// A managed policy of a role, to be written.
pub(super) struct Writing<'a> {
    pub(super) cloud: &'a dyn Cloud,
    pub(super) place: &'a Place,
    pub(super) stack: &'a str,
    /// The role's name.
    pub(super) role: &'a str,
    /// The policy's name.
    pub(super) policy: &'a str,
    /// What is there of it.
    pub(super) live: Option<(&'a Managed, &'a Versions)>,
}

impl Writing<'_> {
    fn arn(&self) -> String {
        Arn::policy(self.place, &path(self.stack), self.policy).to_string()
    }

    /// Makes it say this, and attaches it.
    pub(super) async fn put(&self, document: &Document) -> Result<(), CallError> {
        let arn = self.arn();
        match self.live {
            None => {
                let call = iam::CreatePolicy {
                    name: self.policy.to_owned(),
                    path: path(self.stack),
                    document: document.to_text(),
                    description: format!(
                        "Made by provision: what stack {} lets role {} do beside its inline policies",
                        self.stack, self.role
                    ),
                };
                cloud::call(self.cloud, self.place, call).await?;
            }
            Some((live, versions)) if !normal::same(&live.document, document) => {
                self.put_in_force(&arn, document, versions).await?;
            }
            Some(_) => {}
        }
        if self.live.is_some_and(|(live, _)| live.attached) {
            return Ok(());
        }
        let call = iam::AttachRolePolicy {
            name: self.role.to_owned(),
            policy: arn,
        };
        match cloud::call(self.cloud, self.place, call).await {
            // IAM may not have heard of what it made a moment ago: that is no reason to give up.
            Err(error) if error.fault == Fault::Missing && self.live.is_none() => {
                Err(CallError::new(Fault::Conflict, error.code, error.message))
            }
            other => other,
        }
    }

    async fn put_in_force(
        &self,
        arn: &str,
        document: &Document,
        versions: &Versions,
    ) -> Result<(), CallError> {
        let says_it = |it: &&(String, Option<Document>)| {
            it.1.as_ref().is_some_and(|it| normal::same(it, document))
        };
        let arn = arn.to_owned();
        if let Some((version, _)) = versions.others.iter().rfind(says_it) {
            let version = version.clone();
            let call = iam::SetDefaultPolicyVersion { arn, version };
            return cloud::call(self.cloud, self.place, call).await;
        }
        if let Some((oldest, _)) = versions.others.first()
            && versions.others.len() + 1 >= VERSIONS
        {
            self.delete_version(oldest).await?;
        }
        let document = document.to_text();
        let call = iam::CreatePolicyVersion { arn, document };
        cloud::call(self.cloud, self.place, call).await.map(drop)
    }

    async fn delete_version(&self, version: &str) -> Result<(), CallError> {
        let call = iam::DeletePolicyVersion {
            arn: self.arn(),
            version: version.to_owned(),
        };
        gone_is_fine(cloud::call(self.cloud, self.place, call).await)
    }

    /// Detaches it and deletes it with all its versions; no error when it is gone.
    pub(super) async fn remove(&self) -> Result<(), CallError> {
        if self.live.is_none_or(|(live, _)| live.attached) {
            let call = iam::DetachRolePolicy {
                name: self.role.to_owned(),
                policy: self.arn(),
            };
            gone_is_fine(cloud::call(self.cloud, self.place, call).await)?;
        }
        for (version, _) in self.live.iter().flat_map(|(_, it)| &it.others) {
            self.delete_version(version).await?;
        }
        let call = iam::DeletePolicy { arn: self.arn() };
        gone_is_fine(cloud::call(self.cloud, self.place, call).await)
    }
}

/// What there is of several policies beside their documents, by name.
pub type Kept = BTreeMap<String, Versions>;

#[cfg(test)]
mod tests {
    use super::*;

    fn detail(name: &str, path: &str) -> iam::PolicyDetail {
        iam::PolicyDetail {
            name: name.to_owned(),
            path: path.to_owned(),
            arn: format!("arn:aws:iam::111111111111:policy{path}{name}"),
            default_version: "v2".to_owned(),
            versions: Vec::new(),
            attachments: 0,
            bounds: 0,
        }
    }

    #[test]
    fn a_policy_is_a_roles_by_its_path_and_name() {
        let account = Account {
            policies: vec![
                detail("provision-shop.checkout.1", "/provision/shop/"),
                detail("provision-shop.checkout.12", "/provision/shop/"),
                detail("provision-shop.checkout.1", "/"),
                detail("provision-shop.checkout.x", "/provision/shop/"),
                detail("provision-shop.checkout.v2.3", "/provision/shop/"),
                detail("provision-shop.checkout.", "/provision/shop/"),
                detail("provision-shop.other.1", "/provision/shop/"),
            ],
            ..Account::default()
        };
        let of = |role: &str| -> Vec<&str> {
            let found = account.of_role("shop", role);
            found.map(|it| it.name.as_str()).collect()
        };
        assert_eq!(
            of("checkout"),
            ["provision-shop.checkout.1", "provision-shop.checkout.12"]
        );
        assert_eq!(of("checkout.v2"), ["provision-shop.checkout.v2.3"]);
        // Names of roles differ by more than case.
        assert_eq!(of("Checkout").len(), 2);
        let roles = account.roles_with_policies("shop");
        assert_eq!(
            roles.iter().map(String::as_str).collect::<Vec<_>>(),
            ["checkout", "checkout.v2", "other"]
        );
    }

    #[test]
    fn a_long_stacks_name_still_makes_a_name() {
        let (stack, role) = ("s".repeat(64), "r".repeat(64));
        let name = name(&stack, &role, u32::MAX);
        assert!(name.len() <= LONGEST, "{name}");
        let account = Account {
            policies: vec![detail(&name, &path(&stack))],
            ..Account::default()
        };
        assert_eq!(account.of_role(&stack, &role).count(), 1);
        assert!(account.roles_with_policies(&stack).contains(&role));
    }

    #[test]
    fn whoever_else_holds_a_policy_is_known_by_name_as_far_as_roles_go() {
        let role = |name: &str, attached: &[&str], boundary: Option<&str>| iam::RoleDetail {
            name: name.to_owned(),
            path: "/".to_owned(),
            arn: format!("arn:aws:iam::111111111111:role/{name}"),
            id: "AROA".to_owned(),
            created: 0,
            trust: String::new(),
            inline: BTreeMap::new(),
            attached: attached.iter().map(|it| (*it).to_owned()).collect(),
            boundary: boundary.map(str::to_owned),
            tags: BTreeMap::new(),
            instance_profiles: Vec::new(),
        };
        let mut policy = detail("provision-shop.checkout.1", "/provision/shop/");
        let arn = policy.arn.clone();
        let document = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D";
        policy.versions = ["v10", "v2", "v9"]
            .map(|id| iam::PolicyVersion {
                id: id.to_owned(),
                document: document.to_owned(),
            })
            .to_vec();
        (policy.attachments, policy.bounds) = (4, 1);
        let account = Account {
            roles: vec![
                role("checkout", &[&arn], None),
                role("other", &[&arn], None),
                role("third", &[], Some(&arn)),
            ],
            policies: vec![policy.clone()],
        };
        let (managed, versions) =
            decode(&policy, "checkout", &account, |_| false).expect("decoded");
        assert!(managed.attached);
        let others: Vec<&str> = versions.others.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(others, ["v9", "v10"]);
        assert_eq!(
            versions.holders,
            [
                Holder::Role("other".to_owned(), false),
                Holder::Bounded("third".to_owned()),
                Holder::Unnamed(2),
            ]
        );
    }
}
