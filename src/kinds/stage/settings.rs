//! A stage's settings: what they read as, and what changes them.
//!
//! As soon as one setting of a stage is written, API Gateway fills in the others: a rate
//! of 10,000 and a burst of 5,000, the account's own. They mean the same as none.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/api/API_MethodSetting.html>.

use serde_json::{Value, json};

use super::Stage;
use crate::cloud::apigateway::{AccessLog, Patch};
use crate::model::Differences;
use crate::stack::LogLevel;

/// The key of the settings for all methods.
pub(super) const ALL_METHODS: &str = "*/*";
/// The rate that stands where none was set.
const DEFAULT_RATE: f64 = 10_000.0;
/// The burst that stands where none was set.
const DEFAULT_BURST: u32 = 5_000;

/// The rate, unless it is the account's.
#[must_use]
pub fn rate(rate: Option<f64>) -> Option<f64> {
    rate.filter(|it| (it - DEFAULT_RATE).abs() > f64::EPSILON)
}

/// The burst, unless it is the account's.
#[must_use]
pub fn burst(burst: Option<u32>) -> Option<u32> {
    burst.filter(|it| *it != DEFAULT_BURST)
}

pub(super) fn log_level(text: Option<&str>) -> LogLevel {
    match text {
        Some("ERROR") => LogLevel::Error,
        Some("INFO") => LogLevel::Info,
        _ => LogLevel::Off,
    }
}

fn log_level_text(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Off => "OFF",
        LogLevel::Error => "ERROR",
        LogLevel::Info => "INFO",
    }
}

/// Access logs with the destination as API Gateway keeps it: without a trailing `:*`.
#[must_use]
pub fn access_log(mut log: AccessLog) -> Option<AccessLog> {
    let group = log.destination.strip_suffix(":*").map(str::to_owned);
    log.destination = group.unwrap_or(log.destination);
    (!log.destination.is_empty()).then_some(log)
}

fn shown(log: Option<&AccessLog>) -> String {
    log.map(|it| format!("{} as {}", it.destination, it.format))
        .unwrap_or_default()
}

pub(super) fn differences(want: &Stage, live: &Stage) -> Differences {
    let level = |it: &Stage| log_level_text(it.log_level).to_lowercase();
    Differences::default()
        .field("description", &live.description, &want.description)
        .field("tracing", &live.tracing, &want.tracing)
        .field("rate", &live.rate, &want.rate)
        .field("burst", &live.burst, &want.burst)
        .field("log_level", &level(live), &level(want))
        .field("data_trace", &live.data_trace, &want.data_trace)
        .field("metrics", &live.metrics, &want.metrics)
        .field(
            "access_log",
            &shown(live.access_log.as_ref()),
            &shown(want.access_log.as_ref()),
        )
}

/// Whether a throttle refuses every call.
#[must_use]
pub fn lets_nothing_through(rate: Option<f64>, burst: Option<u32>) -> bool {
    rate.is_some_and(|it| it == 0.0) || burst == Some(0)
}

/// The patches that make the settings so, all for one call. Without `live`, the stage
/// was made a moment ago: it has its variables, and otherwise AWS's defaults.
pub(super) fn patches(want: &Stage, live: Option<&Stage>) -> Vec<Patch> {
    let fresh = Stage {
        description: String::new(),
        tracing: false,
        rate: None,
        burst: None,
        log_level: LogLevel::Off,
        data_trace: false,
        metrics: false,
        access_log: None,
        cache: std::collections::BTreeMap::new(),
        ..want.clone()
    };
    let live = live.unwrap_or(&fresh);
    let mut patches = Vec::new();
    if live.description != want.description {
        // `UpdateStage` removes blocks and entries of maps only: an empty text clears the description.
        patches.push(Patch::replace("/description", &want.description));
    }
    if live.tracing != want.tracing {
        patches.push(Patch::replace("/tracingEnabled", want.tracing.to_string()));
    }
    patches.extend(of_all_methods(want, live));
    if let Some(log) = want
        .access_log
        .as_ref()
        .filter(|_| live.access_log != want.access_log)
    {
        patches.push(Patch::replace(
            "/accessLogSettings/destinationArn",
            &log.destination,
        ));
        patches.push(Patch::replace("/accessLogSettings/format", &log.format));
    }
    if want.access_log.is_none() && live.access_log.is_some() {
        patches.push(Patch::remove("/accessLogSettings", None));
    }
    for (name, value) in &want.variables {
        if live.variables.get(name) != Some(value) {
            patches.push(Patch::replace(format!("/variables/{name}"), value));
        }
    }
    for name in live
        .variables
        .keys()
        .filter(|it| !want.variables.contains_key(*it))
    {
        patches.push(Patch::remove(format!("/variables/{name}"), None));
    }
    patches
}

/// The patches of the settings for all methods.
///
/// A limit cannot be removed alone, and writing the account's numbers would pin them: the whole entry is
/// removed, and what stays is written again, in one call. So are the settings of the cache, which no stack has words for.
fn of_all_methods(want: &Stage, live: &Stage) -> Vec<Patch> {
    let path = |name: &str| format!("/{ALL_METHODS}/{name}");
    let settings = |it: &Stage| {
        [
            (
                path("throttling/rateLimit"),
                it.rate.map(|it| it.to_string()),
            ),
            (
                path("throttling/burstLimit"),
                it.burst.map(|it| it.to_string()),
            ),
            (
                path("logging/loglevel"),
                Some(log_level_text(it.log_level).to_owned()),
            ),
            (path("logging/dataTrace"), Some(it.data_trace.to_string())),
            (path("metrics/enabled"), Some(it.metrics.to_string())),
        ]
    };
    let lifted = (live.rate.is_some() && want.rate.is_none())
        || (live.burst.is_some() && want.burst.is_none());
    let there = if lifted {
        let cleared = Stage {
            rate: None,
            burst: None,
            log_level: LogLevel::Off,
            data_trace: false,
            metrics: false,
            ..live.clone()
        };
        settings(&cleared)
    } else {
        settings(live)
    };
    let mut patches = Vec::new();
    if lifted {
        patches.push(Patch::remove(format!("/{ALL_METHODS}"), None));
    }
    if lifted {
        let cache = live.cache.iter();
        patches.extend(cache.map(|(setting, value)| Patch::replace(path(setting), value)));
    }
    for ((path, value), (_, there)) in settings(want).into_iter().zip(there) {
        if let Some(value) = value.filter(|it| Some(it) != there.as_ref()) {
            patches.push(Patch::replace(path, value));
        }
    }
    patches
}

pub(super) fn to_value(stage: &Stage) -> Value {
    json!({
        "description": stage.description,
        "tracing": stage.tracing,
        "rate": stage.rate,
        "burst": stage.burst,
        "log_level": log_level_text(stage.log_level),
        "data_trace": stage.data_trace,
        "metrics": stage.metrics,
        "access_log": shown(stage.access_log.as_ref()),
    })
}
