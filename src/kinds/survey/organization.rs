//! The policies of the organization over the accounts of a stack: SCPs over callers, RCPs over resources.
//!
//! They are read where the stack says how, once in a run: what several accounts stand under is asked once, and each
//! policy is described once. A read that fails fails nothing else; it is named.
//!
//! | what                     | calls                                                          |
//! |--------------------------|----------------------------------------------------------------|
//! | the organization         | `DescribeOrganization`, `ListRoots`                            |
//! | what accounts stand under| `ListParents` for each account and each unit above one         |
//! | what is attached         | `ListPoliciesForTarget` for each of these and the root, a type |
//! | what policies say        | `DescribePolicy` for each that AWS did not make                |
//!
//! An account is under the policies of its root, of every unit on the way, and its own. The management account is
//! under none.
//!
//! See <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html> and
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html>.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use crate::cloud::organizations::{
    DescribeOrganization, DescribePolicy, ListParents, ListPoliciesForTarget, ListRoots,
    PolicyRecord, PolicyType,
};
use crate::cloud::{self, CallError, Cloud, Fault};
use crate::model::{AccountId, Place};
use crate::policy::{Clause, Document, Statement};

/// What was read of an organization's policies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Organization {
    /// How far they were read.
    pub reading: OrganizationReading,
    /// The accounts that are known to be of the organization, each with its path, such as
    /// `o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/`; the management account has none here.
    pub paths: BTreeMap<AccountId, Option<String>>,
    /// The policies over each account, by type: of the root, of each unit below it, and of the account.
    pub levels: BTreeMap<(AccountId, PolicyType), Vec<OrganizationLevel>>,
}

/// How far an organization's policies were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OrganizationReading {
    /// The stack does not say how.
    #[default]
    NotAsked,
    /// The only account there is, from which they are read, is in no organization: there are none.
    NoOrganization(AccountId),
    /// What could be read is in [`Organization::levels`].
    Asked {
        /// The organization's id, where it is known.
        id: Option<String>,
        /// What could not be read, and why: a sentence each.
        unread: Vec<String>,
    },
}

/// The policies of one type that are attached to a root, a unit or an account.
#[derive(Clone, Debug, PartialEq)]
pub struct OrganizationLevel {
    /// What they are attached to, as a sentence names it: `account 111111111111`.
    pub at: String,
    /// Each policy with what it says, by what a sentence calls it: `` `NoQueues` (p-a1b2c3d4) ``.
    pub policies: Vec<(String, Document)>,
}

impl Organization {
    /// Returns one word on it for machines.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match &self.reading {
            OrganizationReading::NotAsked => "not_read",
            OrganizationReading::NoOrganization(_) => "none",
            OrganizationReading::Asked { unread, .. } if unread.is_empty() => "read",
            OrganizationReading::Asked { .. } if self.paths.is_empty() => "not_read",
            OrganizationReading::Asked { .. } => "in_part",
        }
    }

    /// Returns the organization's id, where it is known.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match &self.reading {
            OrganizationReading::Asked { id, .. } => id.as_deref(),
            OrganizationReading::NotAsked | OrganizationReading::NoOrganization(_) => None,
        }
    }

    /// Returns what could not be read, and why.
    #[must_use]
    pub fn unread(&self) -> &[String] {
        match &self.reading {
            OrganizationReading::Asked { unread, .. } => unread,
            OrganizationReading::NotAsked | OrganizationReading::NoOrganization(_) => &[],
        }
    }
}

/// Reads the policies over these accounts.
pub async fn read(cloud: &dyn Cloud, at: &Place, accounts: &BTreeSet<AccountId>) -> Organization {
    let asked = |id, unread| OrganizationReading::Asked { id, unread };
    let about = match cloud::call(cloud, at, DescribeOrganization).await {
        Ok(about) => about,
        Err(error) if error.code == "AWSOrganizationsNotInUseException" => {
            // That this one is in none says nothing of the others.
            let reading = if accounts.iter().all(|it| *it == at.id) {
                OrganizationReading::NoOrganization(at.id.clone())
            } else {
                let why = format!(
                    "account {} is in no organization, so it shows none of the other accounts; name the management \
                     account or a delegated administrator in `[organization]`",
                    at.id
                );
                asked(None, vec![why])
            };
            return Organization {
                reading,
                ..Organization::default()
            };
        }
        Err(error) => {
            let why = refused("the organization", "DescribeOrganization", &error);
            return Organization {
                reading: asked(None, vec![why]),
                ..Organization::default()
            };
        }
    };
    let mut reader = Reader {
        cloud,
        at,
        unread: Vec::new(),
    };
    let enabled = match cloud::all_pages(cloud, at, |token| ListRoots { token }).await {
        Ok(roots) => roots.into_iter().flat_map(|it| it.enabled).collect(),
        Err(error) => {
            reader.lacks(
                "the types of policies that are enabled",
                "ListRoots",
                &error,
            );
            BTreeSet::new()
        }
    };
    let mut found = Organization::default();
    if reader.unread.is_empty() {
        let members = accounts.iter().filter(|it| it.as_str() != about.management);
        let ways = reader.ways(members, &about.id).await;
        let attached = reader.attached(&ways, &enabled).await;
        let texts = reader.texts(attached.values().flatten().flatten()).await;
        for (account, way) in &ways {
            let path: Vec<&str> = way.iter().skip(1).rev().map(String::as_str).collect();
            let path = format!("{}/{}/", about.id, path.join("/"));
            found.paths.insert(account.clone(), Some(path));
            for of in &enabled {
                let level = |target: &String| {
                    level(
                        target,
                        *of,
                        attached.get(&(target.clone(), *of))?.as_deref(),
                        &texts,
                    )
                };
                // From the root down.
                let levels = way.iter().rev().filter_map(level).collect();
                found.levels.insert((account.clone(), *of), levels);
            }
        }
        if let Some(id) = AccountId::parse(&about.management)
            && accounts.contains(&id)
        {
            found.paths.insert(id, None);
        }
    }
    found.reading = asked(Some(about.id), reader.unread);
    found
}

/// What a policy says; nothing where it could not be read.
type Texts = BTreeMap<String, Option<Document>>;

/// What is attached to a target; nothing where it could not be listed.
type Attached = BTreeMap<(String, PolicyType), Option<Vec<PolicyRecord>>>;

fn level(
    target: &str,
    of: PolicyType,
    attached: Option<&[PolicyRecord]>,
    texts: &Texts,
) -> Option<OrganizationLevel> {
    let attached = attached?;
    let at = match target.split_once('-') {
        Some(("r", _)) => format!("root {target}"),
        Some(_) => format!("organizational unit {target}"),
        None => format!("account {target}"),
    };
    let everything = || Document::of(vec![Statement::allow("", Clause::of(["*"])).on(["*"])]);
    let policies = attached.iter().filter_map(|it| {
        let name = format!("`{}` ({})", it.name, it.id);
        match (texts.get(&it.id), of) {
            (Some(Some(document)), _) => Some((name, document.clone())),
            // A resource control policy takes away, and says nothing else: one that allows everything is left out.
            (_, PolicyType::ResourceControlPolicy) => None,
            // What was not read may allow anything, and what AWS made allows everything.
            (_, PolicyType::ServiceControlPolicy) => Some((name, everything())),
        }
    });
    Some(OrganizationLevel {
        at,
        policies: policies.collect(),
    })
}

struct Reader<'a> {
    cloud: &'a dyn Cloud,
    at: &'a Place,
    unread: Vec<String>,
}

impl Reader<'_> {
    fn lacks(&mut self, what: &str, action: &str, error: &CallError) {
        let sentence = refused(what, action, error);
        // The same refusal of many is said once.
        if !self.unread.contains(&sentence) {
            self.unread.push(sentence);
        }
    }

    /// Returns the ids of each account and of all that it stands under, the account's first.
    async fn ways(
        &mut self,
        accounts: impl Iterator<Item = &AccountId>,
        organization: &str,
    ) -> BTreeMap<AccountId, Vec<String>> {
        let (cloud, at) = (self.cloud, self.at);
        let accounts: Vec<&AccountId> = accounts.collect();
        let mut parents: BTreeMap<String, Option<String>> = BTreeMap::new();
        let mut asked: BTreeSet<String> = accounts.iter().map(ToString::to_string).collect();
        let (mut outside, mut denied) = (Vec::new(), None);
        while !asked.is_empty() {
            let reads = asked.iter().map(|child| async move {
                let ask = |token| ListParents {
                    child: child.clone(),
                    token,
                };
                (child, cloud::all_pages(cloud, at, ask).await)
            });
            let mut above = BTreeSet::new();
            for (child, found) in join_all(reads).await {
                let parent = match found {
                    Ok(found) => found.into_iter().next(),
                    Err(error) if error.code == "ChildNotFoundException" => {
                        outside.push(child.clone());
                        None
                    }
                    Err(error) => {
                        denied = denied.or(Some(error));
                        None
                    }
                };
                above.extend(parent.clone().filter(|it| !it.starts_with("r-")));
                parents.insert(child.clone(), parent);
            }
            above.retain(|it| !parents.contains_key(it));
            asked = above;
        }
        if let Some(error) = denied {
            self.lacks("what the accounts stand under", "ListParents", &error);
        }
        if !outside.is_empty() {
            self.unread.push(format!(
                "{} not in organization {organization}: the policies of another organization are not read",
                match outside.as_slice() {
                    [one] => format!("account {one} is"),
                    _ => format!("accounts {} are", outside.join(", ")),
                }
            ));
        }
        let way = |account: &AccountId| {
            let mut way = vec![account.to_string()];
            while let Some(last) = way.last().filter(|it| !it.starts_with("r-")) {
                way.push(parents.get(last)?.clone()?);
            }
            Some((account.clone(), way))
        };
        accounts.into_iter().filter_map(way).collect()
    }

    /// Lists what is attached to all that accounts stand under.
    async fn attached(
        &mut self,
        ways: &BTreeMap<AccountId, Vec<String>>,
        enabled: &BTreeSet<PolicyType>,
    ) -> Attached {
        let (cloud, at) = (self.cloud, self.at);
        let targets: BTreeSet<&String> = ways.values().flatten().collect();
        let pairs = targets
            .into_iter()
            .flat_map(|it| enabled.iter().map(move |of| (it.clone(), *of)));
        let reads = pairs.map(|(target, filter)| async move {
            let ask = |token| ListPoliciesForTarget {
                target: target.clone(),
                filter,
                token,
            };
            let found = cloud::all_pages(cloud, at, ask).await;
            ((target, filter), found)
        });
        let mut attached = Attached::new();
        for (key, found) in join_all(reads).await {
            let found = found.map_err(|error| {
                self.lacks(
                    "the policies of the organization",
                    "ListPoliciesForTarget",
                    &error,
                );
            });
            attached.insert(key, found.ok());
        }
        attached
    }

    /// Reads what policies say that AWS did not make.
    async fn texts(&mut self, policies: impl Iterator<Item = &PolicyRecord>) -> Texts {
        let (cloud, at) = (self.cloud, self.at);
        let own = policies.filter(|it| !it.aws_managed);
        let names: BTreeMap<&String, &String> = own.map(|it| (&it.id, &it.name)).collect();
        let reads = names.into_iter().map(|(id, name)| async move {
            let call = DescribePolicy { id: id.clone() };
            (id, name, cloud::call(cloud, at, call).await)
        });
        let mut texts = Texts::new();
        for (id, name, found) in join_all(reads).await {
            let document = match found.map(|text| Document::parse(&text)) {
                Ok(Ok(document)) => Some(document),
                Ok(Err(error)) => {
                    self.unread.push(format!(
                        "policy `{name}` ({id}) cannot be understood: {error}"
                    ));
                    None
                }
                Err(error) => {
                    self.lacks(&format!("policy `{name}` ({id})"), "DescribePolicy", &error);
                    None
                }
            };
            texts.insert(id.clone(), document);
        }
        texts
    }
}

/// Returns what could not be read with the action that failed.
fn refused(what: &str, action: &str, error: &CallError) -> String {
    match error.fault {
        Fault::Denied => format!(
            "{what}: organizations:{action} is denied ({})",
            error.message
        ),
        _ => format!("{what}: organizations:{action}: {error}"),
    }
}
