//! Getting into an account: whose credentials, which role, and what to say when it fails.
//!
//! An account is entered when its first call is made and not before. One
//! `AssumeRole` serves the account for as long as its session lasts; ten calls
//! that ask for it at once wait for the one that is under way. Credentials that
//! belong to another account are refused before anything is sent with them.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sts::config::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use tokio::sync::{Mutex, OnceCell};

use super::fault::{NO_CONNECTION, Sent, chain};
use super::profile::{Ask, Profiles, Way, profile_provider};
use super::sts;
use crate::cloud::sts::Caller;
use crate::cloud::{CallError, Fault, Service};
use crate::model::{AccountId, Partition, Region};
use crate::stack::Account;

/// Credentials this close to their end are replaced before a call is made with them.
const MARGIN: Duration = Duration::from_mins(5);
/// How long a refusal is repeated without asking again.
const REFUSED: Duration = Duration::from_secs(10);
/// One attempt of one call. `PutRestApi` of a large document takes its time.
const ATTEMPT: Duration = Duration::from_secs(30);
/// A connection that does not come up by then does not come up.
const CONNECT: Duration = Duration::from_millis(3100);

/// Calls made only to get credentials, over all accounts.
#[derive(Clone, Debug, Default)]
pub(super) struct Counter(Arc<AtomicU64>);

impl Counter {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Where credentials begin: a profile, the default chain, or keys given outright.
#[derive(Debug)]
pub(super) struct Base {
    profile: Option<String>,
    region: Region,
    keys: Option<Credentials>,
    endpoint: Option<String>,
    http: SharedHttpClient,
    counter: Counter,
    config: OnceCell<SdkConfig>,
    ask: Option<Ask>,
    profiles: OnceCell<Profiles>,
    held: Mutex<Held>,
    caller: OnceCell<Caller>,
}

impl Base {
    /// The base of `account`. `endpoint` is where calls go instead of AWS,
    /// and `keys` are used instead of those of profile and environment.
    pub(super) fn new(
        account: &Account,
        endpoint: Option<String>,
        keys: Option<Credentials>,
        http: SharedHttpClient,
        counter: Counter,
        ask: Option<Ask>,
    ) -> Self {
        Self {
            profile: account.credentials.profile.clone(),
            region: account.place.region.clone(),
            keys,
            endpoint,
            http,
            counter,
            config: OnceCell::new(),
            ask,
            profiles: OnceCell::new(),
            held: Mutex::default(),
            caller: OnceCell::new(),
        }
    }

    /// The settings that every client of this base begins with. They are read once.
    pub(super) async fn config(&self) -> &SdkConfig {
        self.config
            .get_or_init(|| async {
                let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
                    .region(self.sts_region().await)
                    .http_client(self.http.clone())
                    // Every request on the wire is counted and retried at the seam, in one place.
                    .retry_config(RetryConfig::disabled())
                    .timeout_config(
                        TimeoutConfig::builder()
                            .connect_timeout(CONNECT)
                            .operation_attempt_timeout(ATTEMPT)
                            .build(),
                    );
                if let Some(profile) = &self.profile {
                    let region = self.sts_region().await;
                    let provider = profile_provider(profile, self.http.clone(), region);
                    loader = loader.profile_name(profile).credentials_provider(provider);
                }
                if let Some(endpoint) = &self.endpoint {
                    loader = loader.endpoint_url(endpoint);
                }
                if let Some(keys) = &self.keys {
                    loader = loader.credentials_provider(keys.clone());
                }
                loader.load().await
            })
            .await
    }

    /// The region whose STS is asked.
    ///
    /// The caller's own region, when one is set: the stack's may be one that only
    /// its accounts have enabled. What STS gives is good in every region.
    async fn sts_region(&self) -> aws_config::Region {
        let mut profile = ProfileFileRegionProvider::builder();
        if let Some(name) = &self.profile {
            profile = profile.profile_name(name);
        }
        let own = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
            .or_else(profile.build())
            .region()
            .await
            .filter(|it| Partition::of_region(it.as_ref()) == self.region.partition());
        own.unwrap_or_else(|| aws_config::Region::new(self.region.to_string()))
    }

    /// The credentials to begin with.
    async fn credentials(&self) -> Result<Credentials, CallError> {
        let mut held = self.held.lock().await;
        if let Some(answer) = held.answer() {
            return answer;
        }
        let fetched = self.fetch().await;
        held.keep(fetched)
    }

    async fn fetch(&self) -> Result<Credentials, CallError> {
        let config = self.config().await;
        let provider = config.credentials_provider();
        let provider = provider.ok_or_else(CredentialsError::not_loaded_no_source);
        if self.keys.is_some() {
            let fetched = match provider {
                Ok(provider) => provider.provide_credentials().await,
                Err(error) => Err(error),
            };
            return fetched
                .map_err(|it| CallError::new(Fault::NoLogin, "NoCredentials", chain(&it)));
        }
        let load = || Profiles::load(self.profile.as_deref());
        let profiles = self.profiles.get_or_try_init(load).await?;
        profiles.check()?;
        if let Some(name) = profiles.with_mfa() {
            let way = Way {
                config: config.clone(),
                http: self.http.clone(),
                region: self.sts_region().await,
                ask: self.ask,
            };
            return profiles.assume(&name, &way).await;
        }
        let fetched = match provider {
            Ok(provider) => provider.provide_credentials().await,
            Err(error) => Err(error),
        };
        fetched.map_err(|error| profiles.explain(&error))
    }

    async fn sts(&self, credentials: Credentials) -> aws_sdk_sts::Client {
        sts::client(self.config().await, credentials)
    }

    /// Whose the credentials are.
    async fn caller(&self, credentials: Credentials) -> Result<&Caller, CallError> {
        self.caller
            .get_or_try_init(|| async {
                let client = self.sts(credentials).await;
                self.counter.add();
                sts::get_caller_identity(&client).await
            })
            .await
    }
}

/// The way into one account.
#[derive(Debug)]
pub(super) struct Entrance {
    account: Account,
    session: String,
    base: Arc<Base>,
    held: Mutex<Held>,
    lent: Lent,
    /// What is left to the session of what the role may do, as JSON.
    policy: RwLock<Option<String>>,
}

impl Entrance {
    pub(super) fn new(account: Account, session: &str, base: Arc<Base>) -> Self {
        Self {
            account,
            session: session_name(session),
            base,
            held: Mutex::default(),
            lent: Lent::default(),
            policy: RwLock::default(),
        }
    }

    /// Assumes the role with this session policy from the next call on. No call may be under way.
    pub(super) fn restrict(&self, policy: String) -> Result<(), CallError> {
        let held = self.held.try_lock();
        let (Some(_), Ok(mut held)) = (&self.account.credentials.role, held) else {
            return Err(CallError::new(
                Fault::Credentials,
                "NoSession",
                format!(
                    "{self} is entered without a role, or just being entered: its session cannot be restricted"
                ),
            ));
        };
        *held = Held::default();
        self.lent.set(None);
        *self.policy.write().unwrap_or_else(PoisonError::into_inner) = Some(policy);
        Ok(())
    }

    pub(super) fn account_id(&self) -> &AccountId {
        &self.account.place.id
    }

    pub(super) fn base(&self) -> &Base {
        &self.base
    }

    /// What clients of this account sign with: the credentials that [`Self::enter`] fetched last.
    pub(super) fn lent(&self) -> SharedCredentialsProvider {
        SharedCredentialsProvider::new(self.lent.clone())
    }

    /// Sees to it that there are credentials for the next call.
    pub(super) async fn enter(&self) -> Result<(), CallError> {
        let mut held = self.held.lock().await;
        if let Some(answer) = held.answer() {
            return answer.map(drop);
        }
        let fetched = self.fetch().await.map_err(finally);
        let credentials = held.keep(fetched)?;
        self.lent.set(Some(credentials));
        Ok(())
    }

    async fn fetch(&self) -> Result<Credentials, CallError> {
        let begin = self.base.credentials().await?;
        let Some(role) = &self.account.credentials.role else {
            let caller = self
                .base
                .caller(begin.clone())
                .await
                .map_err(|error| self.explain(error))?;
            self.belongs_here(&caller.account, &caller.arn)?;
            return Ok(begin);
        };
        let client = self.base.sts(begin).await;
        self.base.counter.add();
        // The lock is free again before anything is waited for.
        let policy = self
            .policy
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let answer = client
            .assume_role()
            .role_arn(role.as_str())
            .role_session_name(&self.session)
            .set_external_id(self.account.credentials.external_id.clone())
            .set_policy(policy)
            .send()
            .await
            .sent(Service::Sts)
            .map_err(|error| match error.code.as_str() {
                // That STS is not there is the same for every account.
                NO_CONNECTION => error,
                // STS packs the policy, and says nowhere how.
                "PackedPolicyTooLarge" => CallError {
                    fault: Fault::Credentials,
                    message: format!(
                        "the session policy for {self} is too long for STS once it is packed; go without `--session-policy`, or \
                         apply the stack in parts"
                    ),
                    ..error
                },
                _ => self.not_assumed(error),
            })?;
        if let Some(user) = &answer.assumed_role_user {
            let id = user.arn().split(':').nth(4).unwrap_or_default();
            self.belongs_here(id, user.arn())?;
        }
        let session = answer.credentials.ok_or_else(|| {
            CallError::new(
                Fault::Credentials,
                "IncompleteAnswer",
                format!("STS let us assume {role} for {self} but gave no credentials; try again"),
            )
        })?;
        Ok(Credentials::new(
            session.access_key_id,
            session.secret_access_key,
            Some(session.session_token),
            SystemTime::try_from(session.expiration).ok(),
            "AssumeRole",
        ))
    }

    fn belongs_here(&self, account: &str, arn: &str) -> Result<(), CallError> {
        if account == self.account.place.id.as_str() {
            return Ok(());
        }
        Err(CallError::new(
            Fault::Credentials,
            "WrongAccount",
            format!(
                "the credentials for {self} belong to account {account} ({arn}): give the \
                 account a `role` to assume, or a `profile` of its own; nothing was sent there"
            ),
        ))
    }

    /// Why the role could not be assumed, and what to do about it.
    fn not_assumed(&self, error: CallError) -> CallError {
        let Some(role) = &self.account.credentials.role else {
            return self.explain(error);
        };
        let (fault, advice) = match error.fault {
            // STS says "denied" as well of a role that does not exist.
            Fault::Denied | Fault::Missing | Fault::Invalid => (
                Fault::Credentials,
                format!(
                    "look whether the role exists, whether its trust policy lets this identity \
                     in{}, and whether the identity may `sts:AssumeRole` on it",
                    if self.account.credentials.external_id.is_some() {
                        " with this external id"
                    } else {
                        " without an external id"
                    }
                ),
            ),
            Fault::Credentials => return self.explain(error),
            Fault::Region => (
                Fault::Region,
                format!(
                    "enable region {} for the account, or choose another",
                    self.account.place.region
                ),
            ),
            other => (other, "send the same command again".to_owned()),
        };
        CallError {
            fault,
            message: format!(
                "cannot assume {role} for {self}: {}; {advice}",
                said(&error)
            ),
            ..error
        }
    }

    /// Adds to an error of a call what only this place knows: which account, as
    /// whom, and what to do.
    pub(super) fn explain(&self, error: CallError) -> CallError {
        let message = match error.fault {
            Fault::Credentials => {
                // What was lent is no good any more; the next call asks anew.
                if let Ok(mut held) = self.held.try_lock() {
                    *held = Held::default();
                }
                let advice = match error.code.as_str() {
                    "RequestTimeTooSkewed" | "RequestExpired" => {
                        "set this machine's clock, then send the same command".to_owned()
                    }
                    "UnrecognizedClientException" | "InvalidClientTokenId" => format!(
                        "renew the credentials, and look whether region {} is enabled for the \
                         account, then send the same command",
                        self.account.place.region
                    ),
                    _ => "renew the credentials (`aws sso login`, or a fresh session), then \
                          send the same command"
                        .to_owned(),
                };
                format!(
                    "{} does not accept the credentials of {self}: {}; {advice}",
                    self.as_whom(),
                    said(&error)
                )
            }
            Fault::Region => format!(
                "{}; enable region {} for {self}, or choose another",
                said(&error),
                self.account.place.region
            ),
            Fault::Denied => format!("{} ({self}, {})", error.message, self.as_whom()),
            _ => return error,
        };
        CallError { message, ..error }
    }

    fn as_whom(&self) -> String {
        match (
            &self.account.credentials.role,
            &self.account.credentials.profile,
        ) {
            (Some(role), _) => format!("as {role}"),
            (None, Some(profile)) => format!("with profile `{profile}`"),
            (None, None) => "with your own credentials".to_owned(),
        }
    }
}

/// An error of a call for credentials as the call that needs them meets it: what could be sent again was sent again.
fn finally(error: CallError) -> CallError {
    let fault = if error.fault.is_transient() {
        Fault::Credentials
    } else {
        error.fault
    };
    CallError { fault, ..error }
}

/// What an error says, ready to be gone on with.
fn said(error: &CallError) -> &str {
    error.message.trim_end_matches('.')
}

impl fmt::Display for Entrance {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = &self.account.place;
        write!(out, "account `{}` ({})", place.account, place.id)
    }
}

/// The last credentials that were fetched, or the last refusal.
#[derive(Debug, Default)]
struct Held {
    credentials: Option<(Credentials, SystemTime)>,
    refusal: Option<(CallError, Instant)>,
}

impl Held {
    /// What can be said without asking anyone.
    fn answer(&self) -> Option<Result<Credentials, CallError>> {
        if let Some((credentials, fetched)) = &self.credentials
            && fresh(credentials, *fetched, SystemTime::now())
        {
            return Some(Ok(credentials.clone()));
        }
        match &self.refusal {
            Some((refusal, at)) if at.elapsed() < REFUSED => Some(Err(refusal.clone())),
            _ => None,
        }
    }

    /// Keeps what was fetched. A refusal does not take away credentials that still hold.
    fn keep(&mut self, fetched: Result<Credentials, CallError>) -> Result<Credentials, CallError> {
        let now = SystemTime::now();
        match fetched {
            Ok(credentials) => {
                self.refusal = None;
                self.credentials = Some((credentials.clone(), now));
                Ok(credentials)
            }
            Err(refusal) => match &self.credentials {
                Some((credentials, _)) if credentials.expiry().is_some_and(|end| end > now) => {
                    Ok(credentials.clone())
                }
                _ => {
                    if !refusal.fault.is_transient() {
                        self.refusal = Some((refusal.clone(), Instant::now()));
                    }
                    Err(refusal)
                }
            },
        }
    }
}

/// Whether credentials will outlast the next calls.
///
/// The margin shrinks for short-lived ones, or they would be fetched before every call.
fn fresh(credentials: &Credentials, fetched: SystemTime, now: SystemTime) -> bool {
    let Some(end) = credentials.expiry() else {
        return true;
    };
    let whole = end.duration_since(fetched).unwrap_or_default();
    let left = end.duration_since(now).unwrap_or_default();
    left > MARGIN.min(whole / 4)
}

/// Hands clients the credentials that were fetched for them.
#[derive(Clone, Debug, Default)]
struct Lent(Arc<RwLock<Option<Credentials>>>);

impl Lent {
    fn set(&self, credentials: Option<Credentials>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = credentials;
    }

    fn get(&self) -> provider::Result {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
            .ok_or_else(CredentialsError::not_loaded_no_source)
    }
}

impl ProvideCredentials for Lent {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(self.get())
    }
}

/// A session name that STS takes: 2 to 64 of `[A-Za-z0-9_+=,.@-]`.
///
/// It is what an account's owner sees in `CloudTrail`, so it says which tool and which stack.
fn session_name(stack: &str) -> String {
    format!("provision-{stack}")
        .chars()
        .map(|it| {
            if it.is_ascii_alphanumeric() || "_+=,.@-".contains(it) {
                it
            } else {
                '-'
            }
        })
        .take(64)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lasting(seconds: u64, from: SystemTime) -> Credentials {
        Credentials::new(
            "key",
            "secret",
            None,
            Some(from + Duration::from_secs(seconds)),
            "test",
        )
    }

    #[test]
    fn credentials_are_replaced_five_minutes_before_they_end() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let hour = lasting(3600, now);
        assert!(fresh(&hour, now, now + Duration::from_secs(3299)));
        assert!(!fresh(&hour, now, now + Duration::from_mins(55)));
        let minute = lasting(60, now);
        assert!(fresh(&minute, now, now + Duration::from_secs(40)));
        assert!(!fresh(&minute, now, now + Duration::from_secs(45)));
    }

    #[test]
    fn a_failed_renewal_leaves_credentials_that_still_hold() {
        let mut held = Held::default();
        let refusal = CallError::new(Fault::Credentials, "AccessDenied", "no");
        let soon = lasting(60, SystemTime::now());
        assert_eq!(held.keep(Ok(soon.clone())), Ok(soon.clone()));
        assert_eq!(held.keep(Err(refusal.clone())), Ok(soon));
        let mut nothing = Held::default();
        assert_eq!(nothing.keep(Err(refusal.clone())), Err(refusal.clone()));
        assert_eq!(nothing.answer(), Some(Err(refusal)));
    }

    #[test]
    fn a_session_name_is_one_that_sts_takes() {
        assert_eq!(session_name("shop"), "provision-shop");
        assert_eq!(session_name("läden und mehr"), "provision-l-den-und-mehr");
        assert_eq!(session_name(&"x".repeat(100)).len(), 64);
    }
}
