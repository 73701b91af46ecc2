//! The lease of a stack: one run at a time writes.
//!
//! The lease is a managed policy in an account of the stack, attached to nothing, whose document says who holds it.
//! IAM refuses a second policy of the same name, so `CreatePolicy` takes the lease and `DeletePolicy` gives it back.
//! What a policy's versions are called is used as well: IAM counts them from `v1`, gives no number out twice and keeps
//! a policy that has more than one from being deleted. So
//!
//! - a run renews its lease by a version, and one that finds another version before its own knows that it lost the lease;
//! - of several runs that take over a lease which is over, the one whose version comes first has it;
//! - a run that was taken for dead cannot delete the lease of the run that took its place.
//!
//! Every run stops by its own clock when its lease is over. ARCHITECTURE.md says what a lease covers.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html>.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::cloud::iam::{
    CreatePolicy, CreatePolicyVersion, DeletePolicy, DeletePolicyVersion, GetPolicy,
    GetPolicyVersion, SetDefaultPolicyVersion,
};
use crate::cloud::{CallError, Cloud, Fault, Request, call};
use crate::model::lease::{PATH, arn, name};
use crate::model::{Arn, Place};

/// The condition key whose values say who holds a lease.
const KEY: &str = "aws:PrincipalTag/provision-lease";
/// How long a lease lasts at least, in seconds.
pub const TERM: i64 = 15 * 60;
/// How long after its end a lease is still left to its holder, in seconds: clocks differ.
const GRACE: i64 = 2 * 60;
/// How often a holder looks at its clock.
const TICK: Duration = Duration::from_secs(15);
/// How long IAM may show what was replaced.
const SETTLES: Duration = Duration::from_secs(2);
/// How often a lease is tried for that is neither free nor seen.
const TRIES: u32 = 6;

/// A run that holds a lease, as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The run's id; no two runs have the same.
    pub run: String,
    /// The user that started it.
    pub user: String,
    /// The host that it runs on.
    pub host: String,
    /// Its process, with what tells it from others on the same host.
    pub process: String,
    /// The command: `apply`.
    pub command: String,
    /// When it took the lease, in seconds since 1970.
    pub since: i64,
    /// When the lease is over unless it is renewed, in seconds since 1970.
    pub until: i64,
}

impl Holder {
    /// Returns the document of a lease: a denial that nobody is under.
    fn document(&self) -> String {
        let (since, until) = (self.since.to_string(), self.until.to_string());
        let says = [
            ("run", &self.run),
            ("user", &self.user),
            ("host", &self.host),
            ("process", &self.process),
            ("command", &self.command),
            ("since", &since),
            ("until", &until),
        ];
        let says = says.map(|(name, value)| format!("{name}={}", plain(value)));
        let condition = json!({"StringEquals": {KEY: says}});
        json!({"Version": "2012-10-17", "Statement": [{
            "Sid": "ProvisionLease", "Effect": "Deny", "Action": "sts:GetCallerIdentity", "Resource": "*",
            "Condition": condition,
        }]})
        .to_string()
    }

    /// Reads the document of a lease, URL-encoded as IAM gives it.
    fn read(document: &str) -> Option<Self> {
        let text = percent_encoding::percent_decode_str(document)
            .decode_utf8()
            .ok()?;
        let document: Value = serde_json::from_str(&text).ok()?;
        let statement = document["Statement"]
            .get(0)
            .unwrap_or(&document["Statement"]);
        let says = statement["Condition"]["StringEquals"][KEY].as_array()?;
        let of = |name: &str| {
            let mut values = says.iter().filter_map(Value::as_str);
            let value = values.find_map(|it| it.strip_prefix(name)?.strip_prefix('='))?;
            Some(value.to_owned())
        };
        Some(Self {
            run: of("run")?,
            user: of("user")?,
            host: of("host")?,
            process: of("process")?,
            command: of("command")?,
            since: of("since")?.parse().ok()?,
            until: of("until")?.parse().ok()?,
        })
    }
}

/// Returns a text with everything replaced that a policy's value could not hold as it is.
fn plain(text: &str) -> String {
    let fits = |it: char| it.is_ascii_alphanumeric() || "._:@/+-, ".contains(it);
    let replaced = text.chars().map(|it| if fits(it) { it } else { '_' });
    replaced.take(100).collect()
}

/// Why a lease was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaseError {
    /// Another run holds it.
    #[error("another run holds the lease")]
    Held(Box<Holder>),
    /// It is neither free nor does IAM show who holds it.
    #[error("another run has just taken the lease, or given it back")]
    Unseen,
    /// The policy of that name says nothing of a holder.
    #[error("the policy {0} is no lease: its document names no holder")]
    Foreign(Arn),
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Where the lease of a stack is, and what time it is.
pub struct Ground<'a> {
    cloud: &'a dyn Cloud,
    at: Place,
    name: String,
    arn: Arn,
    clock: &'a dyn Fn() -> i64,
}

impl std::fmt::Debug for Ground<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Ground")
            .field("arn", &self.arn)
            .finish_non_exhaustive()
    }
}

/// A lease as it was read: who holds it, and by which version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The holder.
    pub holder: Holder,
    version: u32,
}

/// Returns the calls that a lease costs a run: taking it, and giving it back.
#[must_use]
pub fn calls(at: &Place, stack: &str) -> [(Place, Request); 2] {
    let take = CreatePolicy {
        name: name(stack),
        path: PATH.to_owned(),
        document: String::new(),
        description: String::new(),
    };
    let give_back = DeletePolicy {
        arn: arn(stack, at).to_string(),
    };
    [
        (at.clone(), Request::CreatePolicy(take)),
        (at.clone(), Request::DeletePolicy(give_back)),
    ]
}

impl<'a> Ground<'a> {
    /// Returns the place of a stack's lease. `clock` gives the time in seconds since 1970.
    #[must_use]
    pub fn of(stack: &str, at: &Place, cloud: &'a dyn Cloud, clock: &'a dyn Fn() -> i64) -> Self {
        Self {
            cloud,
            at: at.clone(),
            name: name(stack),
            arn: arn(stack, at),
            clock,
        }
    }

    /// Returns the ARN of the policy that is the lease.
    #[must_use]
    pub fn arn(&self) -> &Arn {
        &self.arn
    }

    /// Returns whether a lease is over.
    #[must_use]
    pub fn is_over(&self, holder: &Holder) -> bool {
        holder.until + GRACE <= (self.clock)()
    }

    /// Returns who holds the lease; `None` while it is free.
    pub async fn read(&self) -> Result<Option<Found>, LeaseError> {
        let arn = self.arn.to_string();
        let version = call(self.cloud, &self.at, GetPolicy { arn }).await;
        let Some(version) = there(version)? else {
            return Ok(None);
        };
        let number = number_of(&version);
        let Some(holder) = self.holder_at(number).await? else {
            return Ok(None);
        };
        let holder = holder.ok_or_else(|| LeaseError::Foreign(self.arn.clone()))?;
        let version = number;
        Ok(Some(Found { holder, version }))
    }

    /// Returns what a version says, if it is there, of a holder.
    async fn holder_at(&self, version: u32) -> Result<Option<Option<Holder>>, CallError> {
        let ask = GetPolicyVersion {
            arn: self.arn.to_string(),
            version: format!("v{version}"),
        };
        let document = there(call(self.cloud, &self.at, ask).await)?;
        Ok(document.map(|it| Holder::read(&it)))
    }

    /// Takes the lease, and returns with it the run from which it was taken over: one whose lease is over, or that
    /// `is_dead`.
    pub async fn take(
        self,
        holder: Holder,
        is_dead: &dyn Fn(&Holder) -> bool,
    ) -> Result<(Lease<'a>, Option<Holder>), LeaseError> {
        for _ in 0..TRIES {
            let make = CreatePolicy {
                name: self.name.clone(),
                path: PATH.to_owned(),
                document: holder.document(),
                description:
                    "Held by `provision` while it writes a stack. `provision unlock` removes it."
                        .to_owned(),
            };
            match call(self.cloud, &self.at, make).await {
                Ok(_) => return Ok((Lease::of(self, holder, 1), None)),
                Err(error) if is_unclear(&error) || error.fault == Fault::Exists => {}
                Err(error) => return Err(error.into()),
            }
            match self.read().await? {
                Some(it) if it.holder.run == holder.run => {
                    return Ok((Lease::of(self, holder, it.version), None));
                }
                Some(it) if self.is_over(&it.holder) || is_dead(&it.holder) => {
                    if let Some(version) = self.take_over(&it, &holder).await? {
                        return Ok((Lease::of(self, holder, version), Some(it.holder)));
                    }
                }
                Some(it) => return Err(LeaseError::Held(Box::new(it.holder))),
                None => {}
            }
            sleep(SETTLES).await;
        }
        Err(LeaseError::Unseen)
    }

    /// Puts a version after one that is over; its number, unless another run was faster.
    async fn take_over(&self, over: &Found, holder: &Holder) -> Result<Option<u32>, LeaseError> {
        let Some(version) = self.put(holder, over.version).await? else {
            return Ok(None);
        };
        sleep(SETTLES).await;
        // A policy that was made anew meanwhile counts from one again, and has another run at that number.
        let before = self.holder_at(over.version).await?.flatten();
        let is_same = before.is_some_and(|it| it.run == over.holder.run);
        if is_same && self.is_next(over.version, version).await? {
            return Ok(Some(version));
        }
        self.withdraw(version, over.version + 1).await?;
        Ok(None)
    }

    /// Returns whether a version is the first that stayed after another: runs that were too late withdraw theirs.
    async fn is_next(&self, before: u32, version: u32) -> Result<bool, CallError> {
        for between in before + 1..version {
            if self.holder_at(between).await?.is_some() {
                return Ok(false);
            }
        }
        Ok(version > before)
    }

    /// Puts a version in force; its number, unless there is no lease any more or no room for a version.
    async fn put(&self, holder: &Holder, after: u32) -> Result<Option<u32>, LeaseError> {
        let put = CreatePolicyVersion {
            arn: self.arn.to_string(),
            document: holder.document(),
        };
        match call(self.cloud, &self.at, put).await {
            Ok(version) => Ok(Some(number_of(&version))),
            Err(error) if is_unclear(&error) => {
                let found = self.read().await?;
                let ours = found.filter(|it| it.holder == *holder);
                Ok(ours.map(|it| it.version))
            }
            Err(error) if error.fault == Fault::Missing => Ok(None),
            Err(error) if error.fault == Fault::Quota => {
                self.clear(after).await?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Takes a version back that was put after another run's, which is in force again: `first`, as far as it is there.
    async fn withdraw(&self, version: u32, first: u32) -> Result<(), CallError> {
        for earlier in std::iter::once(first).chain((1..version).rev()) {
            let back = SetDefaultPolicyVersion {
                arn: self.arn.to_string(),
                version: format!("v{earlier}"),
            };
            if earlier != version && there(call(self.cloud, &self.at, back).await)?.is_some() {
                break;
            }
        }
        self.remove_version(version).await
    }

    /// Removes every version before one.
    async fn clear(&self, before: u32) -> Result<(), CallError> {
        for version in 1..before {
            self.remove_version(version).await?;
        }
        Ok(())
    }

    async fn remove_version(&self, version: u32) -> Result<(), CallError> {
        let remove = DeletePolicyVersion {
            arn: self.arn.to_string(),
            version: format!("v{version}"),
        };
        there(call(self.cloud, &self.at, remove).await).map(drop)
    }

    /// Removes the lease whose version in force is this one.
    async fn remove(&self, version: u32) -> Result<(), CallError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let remove = DeletePolicy {
                arn: self.arn.to_string(),
            };
            let error = match self.clear(version).await {
                Ok(()) => match there(call(self.cloud, &self.at, remove).await) {
                    Ok(_) => return Ok(()),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            // A run that was too late to take it over may not have withdrawn yet.
            if tries >= 3 || !(is_unclear(&error) || error.fault == Fault::Conflict) {
                return Err(error);
            }
            sleep(SETTLES).await;
        }
    }

    /// Takes a lease from its holder. One whose holder may still write is left with a version that tells it so, and
    /// that the next run takes over; another one is removed.
    pub async fn unlock(&self, found: &Found, may_write: bool) -> Result<(), LeaseError> {
        let free = Holder {
            run: "unlocked".to_owned(),
            until: 0,
            ..found.holder.clone()
        };
        if may_write {
            self.put(&free, found.version).await?;
            return Ok(());
        }
        Ok(self.remove(found.version).await?)
    }
}

/// Returns an answer, or nothing where what was named is not there.
fn there<T>(answer: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match answer {
        Ok(it) => Ok(Some(it)),
        Err(error) if error.fault == Fault::Missing => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_unclear(error: &CallError) -> bool {
    error.fault.may_have_acted()
}

/// Returns the number of a version: 3 of `v3`.
fn number_of(version: &str) -> u32 {
    let digits = version.strip_prefix('v').unwrap_or(version);
    digits.parse().unwrap_or_default()
}

/// A lease that a run holds.
#[derive(Debug)]
pub struct Lease<'a> {
    ground: Ground<'a>,
    holder: RefCell<Holder>,
    version: Cell<u32>,
    renewed: Cell<i64>,
    lost: Cell<bool>,
}

impl<'a> Lease<'a> {
    fn of(ground: Ground<'a>, holder: Holder, version: u32) -> Self {
        Self {
            ground,
            renewed: Cell::new(holder.since),
            holder: RefCell::new(holder),
            version: Cell::new(version),
            lost: Cell::new(false),
        }
    }

    /// Renews the lease while it is polled; ends once it is lost, with the reason.
    pub async fn keep(&self) -> String {
        loop {
            sleep(TICK).await;
            let now = (self.ground.clock)();
            if now >= self.holder.borrow().until {
                self.lost.set(true);
                return "the lease is over and could not be renewed".to_owned();
            }
            // A call that fails is tried again until the lease is over.
            if now < self.renewed.get() + self.term() / 2 || self.renew().await != Ok(false) {
                continue;
            }
            return "another run has taken the lease over, or `provision unlock` has removed it"
                .to_owned();
        }
    }

    /// How long the lease lasts from its last renewal.
    fn term(&self) -> i64 {
        self.holder.borrow().until - self.renewed.get()
    }

    /// Doubles the lease's time; whether it is still this run's.
    pub async fn renew(&self) -> Result<bool, LeaseError> {
        let is_ours = self.renewed_version().await?;
        self.lost.set(!is_ours);
        Ok(is_ours)
    }

    async fn renewed_version(&self) -> Result<bool, LeaseError> {
        let now = (self.ground.clock)();
        let mut holder = self.holder.borrow().clone();
        holder.until = now + 2 * self.term();
        let before = self.version.get();
        let Some(version) = self.ground.put(&holder, before).await? else {
            let found = self.ground.read().await?;
            return Ok(found.is_some_and(|it| it.holder.run == holder.run));
        };
        if !self.ground.is_next(before, version).await? {
            // What came last is in force: a run that took over, after `unlock` perhaps.
            self.ground.withdraw(version, version - 1).await?;
            return Ok(false);
        }
        self.version.set(version);
        self.renewed.set(now);
        self.holder.replace(holder);
        Ok(true)
    }

    /// Gives the lease back, unless it was lost.
    pub async fn release(&self) -> Result<(), CallError> {
        if self.lost.get() {
            return Ok(());
        }
        self.ground.remove(self.version.get()).await
    }
}
