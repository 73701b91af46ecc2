//! What a profile of the AWS configuration says, beside what the SDK reads of it.
//!
//! The SDK gets credentials from a profile, but it passes over `mfa_serial`, lets keys of the
//! environment win over a profile that the stack names, and says of a missing profile or login
//! only what file it could not read. This page does the first two and words the third.
//!
//! See <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-files.html> and
//! <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-role.html>.

use std::error::Error;
use std::time::SystemTime;

use aws_config::profile::{Profile, ProfileFileCredentialsProvider, ProfileSet};
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_sdk_sts::config::SharedHttpClient;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_types::os_shim_internal::{Env, Fs};
use futures::future::LocalBoxFuture;

use super::fault::{NO_CONNECTION, Sent, chain};
use crate::cloud::{CallError, Fault, Service};

/// Asks a person at a terminal; `None` where there is no terminal.
pub type Ask = fn(&str) -> Option<String>;

/// The profile that credentials begin with, among all profiles of the AWS configuration.
#[derive(Debug)]
pub(super) struct Profiles {
    all: ProfileSet,
    /// The profile that the stack names, or `AWS_PROFILE`.
    named: Option<Named>,
}

/// A profile that somebody named.
#[derive(Debug)]
struct Named {
    name: String,
    /// Where it is named, as a message says it.
    by: &'static str,
}

/// Where a profile's credentials come from, as far as it changes what to run.
enum Source {
    Sso,
    Login,
    Other,
}

impl Profiles {
    /// Reads the configuration files. `profile` is what the stack names.
    pub(super) async fn load(profile: Option<&str>) -> Result<Self, CallError> {
        let named = match (profile, std::env::var("AWS_PROFILE")) {
            (Some(name), _) => Some((name.to_owned(), "the stack's `profile`")),
            (None, Ok(name)) if !name.is_empty() => Some((name, "AWS_PROFILE")),
            (None, _) => None,
        };
        let named = named.map(|(name, by)| Named { name, by });
        let selected = named.as_ref().map(|it| it.name.clone().into());
        let files = EnvConfigFiles::default();
        let all = aws_config::profile::load(&Fs::real(), &Env::real(), &files, selected)
            .await
            .map_err(|error| no_credentials(&chain(&error), "mend the file"))?;
        Ok(Self { all, named })
    }

    /// Returns the profile's name as a command takes it: ` --profile NAME`, or nothing.
    fn flag(&self) -> String {
        let named = self.named.as_ref();
        named.map_or_else(String::new, |it| format!(" --profile {}", it.name))
    }

    fn profile(&self) -> Option<&Profile> {
        self.all.get_profile(self.all.selected_profile())
    }

    fn source(&self) -> Source {
        let has = |name: &str| self.profile().is_some_and(|it| it.get(name).is_some());
        if has("sso_session") || has("sso_start_url") {
            Source::Sso
        } else if has("login_session") {
            Source::Login
        } else {
            Source::Other
        }
    }

    /// Refuses a profile that is named and does not exist.
    pub(super) fn check(&self) -> Result<(), CallError> {
        let Some(named) = &self.named else {
            return Ok(());
        };
        if self.all.get_profile(&named.name).is_some() {
            return self.check_sources();
        }
        let mut known: Vec<&str> = self.all.profiles().collect();
        known.sort_unstable();
        let there = match known.as_slice() {
            [] => "no AWS configuration file has a profile".to_owned(),
            some => format!("there are: {}", some.join(", ")),
        };
        Err(no_credentials(
            &format!(
                "profile `{}` ({}) is in no AWS configuration file; {there}",
                named.name, named.by
            ),
            "name one that exists, or write it with `aws configure`",
        ))
    }

    /// Refuses a chain of profiles that ends in one which does not exist, or that has no end, and a token's file that is not there.
    fn check_sources(&self) -> Result<(), CallError> {
        let mut seen = Vec::new();
        let mut name = self.all.selected_profile();
        while let Some(profile) = self.all.get_profile(name).filter(|_| !seen.contains(&name)) {
            seen.push(name);
            if let Some(session) = profile.get("sso_session")
                && self.all.sso_session(session).is_none()
            {
                return Err(no_credentials(
                    &format!(
                        "profile `{name}` names the session `{session}`, which is in no AWS configuration file"
                    ),
                    &format!(
                        "write `[sso-session {session}]`, or make it with `aws configure sso-session`"
                    ),
                ));
            }
            if let Some(file) = profile.get("web_identity_token_file")
                && !std::path::Path::new(file).exists()
            {
                return Err(no_credentials(
                    &format!("profile `{name}` takes its token from {file}, which does not exist"),
                    "correct its `web_identity_token_file`, or run where the token is mounted",
                ));
            }
            let Some(source) = profile.get("source_profile") else {
                break;
            };
            // A profile may begin with its own keys.
            if seen.contains(&source) && (source != name || keys(Some(profile)).is_none()) {
                seen.push(source);
                return Err(no_credentials(
                    &format!(
                        "each of these profiles begins with the next: {}",
                        seen.join(", ")
                    ),
                    &format!(
                        "write keys, `sso_session` or another `source_profile` into `{source}`"
                    ),
                ));
            }
            if self.all.get_profile(source).is_none() {
                let why = format!(
                    "profile `{name}` begins with `{source}`, which is in no AWS configuration file"
                );
                return Err(no_credentials(
                    &why,
                    &format!(
                        "correct its `source_profile`, or write `{source}` with `aws configure --profile {source}`"
                    ),
                ));
            }
            name = source;
        }
        Ok(())
    }

    /// Returns why there are no credentials, with the command that brings them.
    pub(super) fn explain(&self, error: &CredentialsError) -> CallError {
        let said = innermost(error);
        if let Some(refused) = refused_connection(error) {
            return CallError::new(
                Fault::NoLogin,
                NO_CONNECTION,
                format!(
                    "no answer to the request for AWS credentials: {refused}; look at the network, and at AWS_ENDPOINT_URL where it is set"
                ),
            );
        }
        let flag = self.flag();
        match (self.source(), &self.named, error) {
            (Source::Sso, ..) => self.no_login(&said, &format!("aws sso login{flag}")),
            (Source::Login, ..) => self.no_login(&said, &format!("aws login{flag}")),
            (Source::Other, Some(named), _) => no_credentials(
                &said,
                &format!(
                    "look at where profile `{}` ({}) says that its credentials come from",
                    named.name, named.by
                ),
            ),
            (Source::Other, None, CredentialsError::CredentialsNotLoaded(_)) if half_a_key() => {
                no_credentials(
                    "AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not",
                    "set both, and AWS_SESSION_TOKEN where the key has one",
                )
            }
            (Source::Other, None, CredentialsError::CredentialsNotLoaded(_)) => no_credentials(
                "neither the environment, nor a profile, nor this machine's own role has any",
                "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the \
                 account a `profile`; to try without AWS, use --sandbox",
            ),
            (Source::Other, None, _) => no_credentials(&said, "renew them"),
        }
    }

    fn no_login(&self, said: &str, command: &str) -> CallError {
        let profile = self.all.selected_profile();
        let why = format!("profile `{profile}` has no login, or one that is over ({said})");
        no_credentials(&why, &format!("run `{command}`"))
    }

    /// Returns the profile whose credentials the SDK cannot get as the profile says: one that
    /// assumes a role with `mfa_serial`, itself or by its source, and is really used.
    pub(super) fn with_mfa(&self) -> Option<String> {
        let by_stack = self.named.as_ref().is_some_and(|it| it.by != "AWS_PROFILE");
        let keys = std::env::var("AWS_ACCESS_KEY_ID").is_ok_and(|it| !it.is_empty());
        // Keys of the environment win over a profile of the environment.
        if keys && !by_stack {
            return None;
        }
        let first = self.all.selected_profile();
        let mut seen = Vec::new();
        let mut next = Some(first);
        while let Some(name) = next.filter(|it| !seen.contains(it)) {
            let profile = self.all.get_profile(name)?;
            profile.get("role_arn")?;
            if profile.get("mfa_serial").is_some() {
                return Some(first.to_owned());
            }
            seen.push(name);
            next = profile.get("source_profile");
        }
        None
    }

    /// Gets the credentials of a profile, each role of its chain by hand, with a code for each `mfa_serial`.
    pub(super) fn assume<'a>(
        &'a self,
        name: &'a str,
        way: &'a Way,
    ) -> LocalBoxFuture<'a, Result<Credentials, CallError>> {
        Box::pin(async move {
            let profile = self.all.get_profile(name);
            let get = |key: &str| profile.and_then(|it| it.get(key));
            let source = get("source_profile");
            let (Some(role), Some(source)) = (get("role_arn"), source) else {
                return self.by_sdk(name, way).await;
            };
            let begin = match (source == name, keys(profile)) {
                (true, Some(keys)) => keys,
                (true, None) => return self.by_sdk(name, way).await,
                (false, _) => self.assume(source, way).await?,
            };
            let serial = get("mfa_serial");
            let code = match serial {
                Some(serial) => Some(way.code(name, serial)?),
                None => None,
            };
            way.sts(begin)
                .assume_role()
                .role_arn(role)
                .role_session_name(get("role_session_name").unwrap_or("provision"))
                .set_external_id(get("external_id").map(str::to_owned))
                .set_duration_seconds(get("duration_seconds").and_then(|it| it.parse().ok()))
                .set_serial_number(serial.map(str::to_owned))
                .set_token_code(code)
                .send()
                .await
                .sent(Service::Sts)
                .map_err(|error| CallError {
                    fault: Fault::Credentials,
                    message: format!(
                        "profile `{name}` cannot assume {role}: {}{}",
                        error.message,
                        match serial {
                            Some(serial) => format!(
                                "; look at the code that {serial} showed, and use each code once"
                            ),
                            None => String::new(),
                        }
                    ),
                    ..error
                })
                .and_then(|it| {
                    it.credentials
                        .ok_or_else(|| no_credentials("STS gave none", "try again"))
                })
                .map(|it| {
                    let end = SystemTime::try_from(it.expiration).ok();
                    let token = Some(it.session_token);
                    Credentials::new(
                        it.access_key_id,
                        it.secret_access_key,
                        token,
                        end,
                        "AssumeRole",
                    )
                })
        })
    }

    async fn by_sdk(&self, name: &str, way: &Way) -> Result<Credentials, CallError> {
        let provider = profile_provider(name, way.http.clone(), way.region.clone());
        let fetched = provider.provide_credentials().await;
        fetched.map_err(|error| self.explain(&error))
    }
}

/// Whether the environment has the id of a key, and not its secret.
fn half_a_key() -> bool {
    let is_set = |name| std::env::var(name).is_ok_and(|it| !it.is_empty());
    is_set("AWS_ACCESS_KEY_ID") && !is_set("AWS_SECRET_ACCESS_KEY")
}

/// What assuming a role of a profile needs.
pub(super) struct Way {
    pub(super) config: aws_config::SdkConfig,
    pub(super) http: SharedHttpClient,
    pub(super) region: aws_config::Region,
    pub(super) ask: Option<Ask>,
}

impl Way {
    fn sts(&self, credentials: Credentials) -> aws_sdk_sts::Client {
        super::sts::client(&self.config, credentials)
    }

    /// Asks for the code that an MFA device shows.
    fn code(&self, profile: &str, serial: &str) -> Result<String, CallError> {
        let question = format!("MFA code of {serial} for profile `{profile}`:");
        let answer = self.ask.and_then(|ask| ask(&question));
        answer.filter(|it| !it.is_empty()).ok_or_else(|| {
            no_credentials(
                &format!(
                    "profile `{profile}` asks for an MFA code of {serial} (mfa_serial), and there is no terminal to ask at"
                ),
                &format!(
                    "run it on a terminal, or put a session into the environment first: \
                     eval \"$(aws configure export-credentials --profile {profile} --format env)\""
                ),
            )
        })
    }
}

/// Returns the provider of one profile alone: keys of the environment do not come before it.
pub(super) fn profile_provider(
    name: &str,
    http: SharedHttpClient,
    region: aws_config::Region,
) -> ProfileFileCredentialsProvider {
    let config = ProviderConfig::without_region()
        .with_http_client(http)
        .with_region(Some(region));
    ProfileFileCredentialsProvider::builder()
        .configure(&config)
        .profile_name(name)
        .build()
}

/// Returns the keys that stand in a profile itself.
fn keys(profile: Option<&Profile>) -> Option<Credentials> {
    let profile = profile?;
    let token = profile.get("aws_session_token").map(str::to_owned);
    Some(Credentials::new(
        profile.get("aws_access_key_id")?,
        profile.get("aws_secret_access_key")?,
        token,
        None,
        "Profile",
    ))
}

fn no_credentials(why: &str, advice: &str) -> CallError {
    let message = format!("no AWS credentials: {why}; {advice}, then send the same command");
    CallError::new(Fault::NoLogin, "NoCredentials", message)
}

/// Returns what the innermost error of a chain says: the outer ones say where the SDK was.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut it = error;
    while let Some(inner) = it.source() {
        it = inner;
    }
    chain(it)
}

/// Returns what a connector said, where a connection is what failed.
fn refused_connection(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(it) = next {
        if let Some(connector) = it.downcast_ref::<ConnectorError>() {
            return Some(chain(connector));
        }
        next = it.source();
    }
    None
}
