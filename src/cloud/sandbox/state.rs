//! The sandbox's world, and the one file it is kept in.
//!
//! Only this file of the sandbox touches the disk. The world is written whole
//! after every write call, by [`crate::disk`], so whoever
//! kills the process finds the last finished call. Equal worlds are equal bytes.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cloud::apigateway::{MethodRecord, RestApiRecord, StageRecord};
use crate::cloud::organizations::PolicyType;
use crate::disk::{self, Readers};
use crate::escape::screen::line;
use crate::model::{AccountId, Region, Tags};

/// The version of the file's format that this program writes and reads.
const FORMAT: u32 = 1;

/// The file of a world, and the one by which processes keep out of each other's way.
pub(super) const FILE: &str = "sandbox.json";
pub(super) const LOCK: &str = "sandbox.lock";

/// When every world begins: 2026-01-01, in milliseconds since 1970.
const BEGINNING: i64 = 1_767_225_600_000;

/// How many of each name are taken to have been made in a world that holds what was read of another cloud.
const LEARNED: u32 = 1 << 20;

/// Everything there is, in every account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct World {
    format: u32,
    /// The time of the last write, in milliseconds since 1970.
    pub(super) now: i64,
    pub(super) accounts: BTreeMap<AccountId, Account>,
    /// The organization, of which not every account need be. No call makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) organization: Option<Organization>,
    /// Unique ids of deleted roles, with the ARN they had.
    pub(super) ghosts: BTreeMap<String, String>,
    /// How many of a name were ever made: a name made again gets another id.
    made: BTreeMap<String, u32>,
    /// What is known not to be there, by ARN, of a world that holds what was read of another cloud. What no read asked for
    /// is taken as given in such a world; in any other, what is not in it is not there.
    #[serde(skip)]
    pub(super) absent: Option<BTreeSet<String>>,
}

/// An organization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Organization {
    pub(super) id: String,
    pub(super) management: AccountId,
    /// Delegated administrators.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) delegated: BTreeSet<AccountId>,
    pub(super) root: String,
    /// The types of policies that are enabled.
    pub(super) enabled: BTreeSet<PolicyType>,
    /// What each account and organizational unit stands under, by ids.
    pub(super) parents: BTreeMap<String, String>,
    /// Policies by id.
    #[serde(default)]
    pub(super) policies: BTreeMap<String, OrganizationPolicy>,
    /// Roots, units and accounts to which AWS's own `FullAWSAccess` is not attached.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) without_full_access: BTreeSet<String>,
}

/// A policy of an organization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrganizationPolicy {
    pub(super) name: String,
    pub(super) r#type: PolicyType,
    /// The document, plain JSON.
    pub(super) document: String,
    /// The ids of what it is attached to.
    pub(super) targets: BTreeSet<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    /// Roles by name.
    pub(super) roles: BTreeMap<String, Role>,
    /// Managed policies by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) policies: BTreeMap<String, Policy>,
    /// The ARNs of users, which no call makes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) users: BTreeSet<String>,
    /// Quotas that were raised, by IAM's names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) quotas: BTreeMap<String, i32>,
    pub(super) regions: BTreeMap<Region, Regional>,
    /// Whether its roles were never read, in a world that holds what was read of another cloud.
    #[serde(skip)]
    pub(super) unread: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Role {
    pub(super) arn: String,
    pub(super) id: String,
    pub(super) path: String,
    /// In milliseconds since 1970: a role younger than the propagation delay is not a principal yet.
    pub(super) created: i64,
    /// The trust policy, plain JSON.
    pub(super) trust: String,
    pub(super) description: Option<String>,
    pub(super) max_session: u32,
    pub(super) boundary: Option<String>,
    pub(super) inline: BTreeMap<String, String>,
    pub(super) attached: Vec<String>,
    pub(super) tags: Tags,
}

/// A managed policy of the account's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Policy {
    pub(super) arn: String,
    pub(super) path: String,
    pub(super) description: String,
    /// Documents by the number of their version, plain JSON.
    pub(super) versions: BTreeMap<u32, String>,
    /// The number of the version in force.
    pub(super) default: u32,
    /// How many versions there ever were.
    pub(super) made: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Regional {
    pub(super) topics: BTreeMap<String, Topic>,
    pub(super) queues: BTreeMap<String, Queue>,
    /// Names of deleted queues with the time of the deletion.
    pub(super) freed_queues: BTreeMap<String, i64>,
    /// REST APIs by id.
    pub(super) apis: BTreeMap<String, Api>,
    /// KMS keys by id. No call makes them: whoever wants one in the sandbox writes it into the file.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) keys: BTreeMap<String, Key>,
    /// The policies of VPC endpoints by id. No call makes them either.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) endpoints: BTreeMap<String, String>,
    /// What the tagging API knows, by ARN.
    pub(super) index: BTreeMap<String, Indexed>,
}

/// A resource's tags as the tagging API has them: late.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Indexed {
    pub(super) shown: Tags,
    /// What will be shown, and from when on, in milliseconds since 1970.
    pub(super) coming: Option<(i64, Tags)>,
}

/// A KMS key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    /// Its policy, plain JSON.
    pub(super) policy: String,
    /// `alias/NAME` each.
    #[serde(default)]
    pub(super) aliases: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Topic {
    /// What was set; defaults are added when it is read.
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) policy: String,
    /// Since when it has this policy, in milliseconds since 1970, where it is not in force at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) policy_since: Option<i64>,
    pub(super) tags: Tags,
    pub(super) subscriptions: Vec<Subscription>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Subscription {
    pub(super) arn: String,
    pub(super) owner: AccountId,
    pub(super) protocol: String,
    pub(super) endpoint: String,
    pub(super) confirmed: bool,
    /// ARN of the caller that subscribed.
    pub(super) principal: String,
    pub(super) attributes: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Queue {
    /// All attributes but ARN, counters and times.
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) tags: Tags,
    pub(super) created: i64,
    pub(super) modified: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Api {
    /// The API itself; its policy is plain JSON here.
    pub(super) about: RestApiRecord,
    /// Until when its status is `UPDATING`, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) updating_until: Option<i64>,
    /// Resources by path.
    pub(super) resources: BTreeMap<String, Resource>,
    /// Deployments by id.
    pub(super) deployments: BTreeMap<String, Deployment>,
    /// Stages by name.
    pub(super) stages: BTreeMap<String, StageRecord>,
    /// What stands beside the resources, by its names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) parts: BTreeMap<Part, BTreeSet<String>>,
}

/// A kind of what stands in an API beside its resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Part {
    Authorizers,
    Models,
    RequestValidators,
    GatewayResponses,
    DocumentationParts,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resource {
    pub(super) id: String,
    pub(super) methods: BTreeMap<String, MethodRecord>,
}

/// What an API was when it was deployed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Deployment {
    /// The how-manieth of its API.
    pub(super) number: u32,
    pub(super) description: Option<String>,
    /// In seconds since 1970.
    pub(super) created: i64,
    pub(super) policy: Option<String>,
    /// Methods by path and verb.
    pub(super) methods: BTreeMap<String, BTreeMap<String, MethodRecord>>,
}

impl World {
    pub(super) fn of(accounts: &[AccountId]) -> Self {
        let mut world = Self {
            format: FORMAT,
            now: BEGINNING,
            accounts: BTreeMap::new(),
            organization: None,
            ghosts: BTreeMap::new(),
            made: BTreeMap::new(),
            absent: None,
        };
        world.register(accounts);
        world
    }

    /// A world at a time in milliseconds since 1970 that is to hold what is read of another cloud.
    pub(super) fn learned(now: i64) -> Self {
        Self {
            now,
            absent: Some(BTreeSet::new()),
            ..Self::of(&[])
        }
    }

    /// Whether something that is not in the world is taken as given, for no read asked for it.
    pub(super) fn presumes(&self, arn: &str) -> bool {
        self.absent.as_ref().is_some_and(|it| !it.contains(arn))
    }

    fn register(&mut self, accounts: &[AccountId]) {
        for account in accounts {
            self.accounts.entry(account.clone()).or_default();
        }
    }

    /// An id of `length` characters of `alphabet` for the next `kind` of a name, and its number.
    ///
    /// It rests on the name and on how many of that name there were, so that the
    /// order in which other things are made does not show in it.
    pub(super) fn fresh_id(
        &mut self,
        kind: &str,
        name: &str,
        alphabet: &[u8],
        length: usize,
    ) -> (String, u32) {
        let key = format!("{kind} {name}");
        // What another cloud has made of a name is not known: its ids must not be given out again.
        let before = if self.absent.is_some() { LEARNED } else { 0 };
        let number = self.made.entry(key.clone()).or_insert(before);
        *number += 1;
        let digest = Sha256::digest(format!("{key} {number}"));
        let id = digest
            .iter()
            .take(length)
            .map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()]))
            .collect();
        (id, *number)
    }
}

/// Lower-case letters and digits, as in the ids of API Gateway.
pub(super) const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
/// Upper-case letters and digits, as in the ids of IAM.
pub(super) const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// The digits of a UUID.
pub(super) const HEX: &[u8] = b"0123456789abcdef";

/// A sandbox's directory that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The directory or a file in it cannot be read or written.
    #[error("cannot use `{path}`: {}", disk::why(source))]
    Files {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not one that a sandbox wrote.
    #[error("`{path}` does not hold a sandbox: {}; move it away to begin with an empty one", line(&source.to_string()))]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        source: serde_json::Error,
    },
    /// The file was written by another version of this program.
    #[error(
        "`{path}` holds a sandbox of format {found}, and this program knows format {FORMAT} only"
    )]
    Format {
        /// The file.
        path: PathBuf,
        /// The format it says it has.
        found: String,
    },
}

/// The file a world is kept in, which other processes may use at the same time: each call is carried out under a lock.
#[derive(Debug)]
pub(super) struct Store {
    file: PathBuf,
    /// The lock, which holds the number of the last write: whoever knows that number knows the world.
    lock: File,
    known: Cell<u64>,
    accounts: Vec<AccountId>,
}

/// A lock on the world, held until it is dropped. The operating system frees it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Locked<'s>(&'s Store);

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let _ = self.0.lock.unlock();
    }
}

impl Store {
    /// Opens the world kept in a directory, or begins one, with these accounts in it.
    pub(super) fn open(
        directory: &Path,
        accounts: &[AccountId],
    ) -> Result<(Self, World), SandboxError> {
        let files = |path: &Path| {
            let path = path.to_owned();
            move |source| SandboxError::Files { path, source }
        };
        fs::create_dir_all(directory).map_err(files(directory))?;
        let lock_path = directory.join(LOCK);
        if fs::symlink_metadata(&lock_path).is_ok_and(|it| it.is_symlink()) {
            let why = std::io::Error::other("it is a link, and would be written to; remove it");
            return Err(files(&lock_path)(why));
        }
        let open = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path);
        let store = Self {
            file: directory.join(FILE),
            lock: open.map_err(files(&lock_path))?,
            known: Cell::default(),
            accounts: accounts.to_owned(),
        };
        disk::lock(&store.lock).map_err(files(&lock_path))?;
        let locked = Locked(&store);
        store
            .known
            .set(store.last_write().map_err(files(&lock_path))?);
        let world = store.read()?;
        drop(locked);
        let mut world = world.unwrap_or_else(|| World::of(&[]));
        world.register(accounts);
        Ok((store, world))
    }

    /// The number of the last write that this process knows.
    pub(super) fn known(&self) -> u64 {
        self.known.get()
    }

    /// Keeps other processes from this world, and takes over what they have written since.
    pub(super) fn lock(&self, world: &mut World) -> Result<Locked<'_>, SandboxError> {
        let files = |source| SandboxError::Files {
            path: self.file.clone(),
            source,
        };
        disk::lock(&self.lock).map_err(files)?;
        let locked = Locked(self);
        let last = self.last_write().map_err(files)?;
        if last != self.known.get()
            && let Some(mut newer) = self.read()?
        {
            newer.register(&self.accounts);
            *world = newer;
            self.known.set(last);
        }
        Ok(locked)
    }

    /// Returns the number of the last write, 0 before the first.
    fn last_write(&self) -> io::Result<u64> {
        let mut text = String::new();
        let mut file = &self.lock;
        file.seek(io::SeekFrom::Start(0))?;
        file.read_to_string(&mut text)?;
        Ok(text.trim().parse().unwrap_or_default())
    }

    fn read(&self) -> Result<Option<World>, SandboxError> {
        match fs::read(&self.file) {
            Ok(bytes) => read(&self.file, &bytes).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(SandboxError::Files {
                path: self.file.clone(),
                source,
            }),
        }
    }

    /// Writes the world over what is kept, under the lock.
    pub(super) fn save(&self, world: &World) -> io::Result<()> {
        let mut bytes = serde_json::to_vec_pretty(world)?;
        bytes.push(b'\n');
        // The number first: a process that reads the world once too often loses nothing.
        let number = self.known.get() + 1;
        let mut file = &self.lock;
        file.seek(io::SeekFrom::Start(0))?;
        file.write_all(format!("{number}\n").as_bytes())?;
        disk::create(&self.file, &bytes, Readers::Owner)?;
        self.known.set(number);
        Ok(())
    }
}

fn read(path: &Path, bytes: &[u8]) -> Result<World, SandboxError> {
    let corrupt = |source| SandboxError::Corrupt {
        path: path.to_owned(),
        source,
    };
    // The format comes first: a file of another one need not have our fields.
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(corrupt)?;
    match value.get("format") {
        Some(format) if *format != FORMAT => Err(SandboxError::Format {
            path: path.to_owned(),
            found: format.to_string(),
        }),
        _ => serde_json::from_value(value).map_err(corrupt),
    }
}
