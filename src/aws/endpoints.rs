//! Where calls go instead of AWS, and who says so.
//!
//! See <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>.

use std::env;
use std::ffi::OsString;
use std::process::{Command, ExitCode};

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

/// How the variables begin that name endpoints: that of all services, and those of single ones.
const VARIABLES: &str = "AWS_ENDPOINT_URL";

/// Runs the program again without those of the variables that are set and empty, and returns how that ended.
///
/// To AWS's other tools an empty one is as good as none. The SDK takes it for an address, in the clients
/// of its own that get credentials too, and no variable can be removed from a process safely.
#[must_use]
pub fn again_without_empty() -> Option<ExitCode> {
    let is_empty = |(name, value): (OsString, OsString)| {
        let named = name.to_str().is_some_and(|it| it.starts_with(VARIABLES));
        (named && value.is_empty()).then_some(name)
    };
    let empty: Vec<OsString> = env::vars_os().filter_map(is_empty).collect();
    let (false, Ok(program)) = (empty.is_empty(), env::current_exe()) else {
        return None;
    };
    let mut again = Command::new(program);
    again.args(env::args_os().skip(1));
    for name in empty {
        again.env_remove(name);
    }
    run(&mut again)
}

/// Puts the command in the place of this process, so that signals reach it.
#[cfg(unix)]
fn run(again: &mut Command) -> Option<ExitCode> {
    use std::os::unix::process::CommandExt;

    // It comes back only where it could not be started.
    let _ = again.exec();
    None
}

#[cfg(not(unix))]
fn run(again: &mut Command) -> Option<ExitCode> {
    let code = again.status().ok()?.code()?;
    Some(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// An address that stands in for AWS's own, and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) url: String,
    pub(super) from: String,
}

/// Returns a service's own endpoint, from the environment or the profile's `services` section.
///
/// The SDK looks there too, but spells a name of several words with hyphens, where AWS's
/// tools have `api_gateway`.
pub(super) fn of_service(config: &SdkConfig, service: &str) -> Option<String> {
    if config.get_origin("endpoint_url").is_client_config() {
        return None;
    }
    let key = ServiceConfigKey::builder()
        .service_id(id_of(service))
        .env(VARIABLES)
        .profile("endpoint_url")
        .build()
        .ok()?;
    let found = config.service_config()?.load_config(key);
    found.filter(|it| !it.trim().is_empty())
}

/// Returns where a service's calls go instead of AWS, if they do.
pub(super) fn instead_of_aws(config: &SdkConfig, service: &str) -> Option<Endpoint> {
    let own = of_service(config, service);
    let url = own.or_else(|| config.endpoint_url().map(str::to_owned))?;
    let names = [
        format!("{VARIABLES}_{}", id_of(service).to_uppercase()),
        VARIABLES.to_owned(),
    ];
    let variable = names
        .into_iter()
        .find(|it| env::var(it).is_ok_and(|it| it == url));
    let from = match variable {
        Some(name) => name,
        None if config.get_origin("endpoint_url").is_client_config() => "given".to_owned(),
        None => "`endpoint_url` in the AWS configuration file".to_owned(),
    };
    Some(Endpoint { url, from })
}

/// The id of a service in names of settings.
fn id_of(service: &str) -> &str {
    match service {
        "apigateway" => "api_gateway",
        "tagging" | "tag" => "resource_groups_tagging_api",
        other => other,
    }
}
