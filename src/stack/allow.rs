//! `allow`: the routes of an API, or what is done to a topic or a queue.

use std::collections::BTreeSet;

use super::checker::{Checker, texts};
use super::diagnostic::{Code, Diagnostic, nearest};
use super::fields::Fields;
use super::surfaces::{self, Known};
use super::{QueueUse, RouteKey, routes};

/// Whether what an access to a topic allows can be allowed on one; says what cannot.
pub(super) fn check_topic_allow(checker: &mut Checker<'_>, fields: &Fields) -> bool {
    if fields.is_written("allow") && fields.get("allow").is_none() {
        return false;
    }
    let mut right = true;
    for text in texts(fields.list("allow")) {
        if text.value == "publish" {
            continue;
        }
        right = false;
        let fault = Diagnostic::new(
            Code::Route,
            text.span,
            format!("`{}` cannot be allowed on a topic", text.value),
            "not `publish`",
        );
        let lower = text.value.to_lowercase();
        checker.report(
            if lower.contains("publish") || nearest(&lower, ["publish"]).is_some() {
                fault.fix("write it so", text.span, "\"publish\"")
            } else if lower.contains("subscribe") {
                fault.help("subscribing is written at the queue: `subscribe = [\"TOPIC\"]`")
            } else {
                fault.help("on a topic only `publish` is allowed: write that, or leave `allow` out")
            },
        );
    }
    right
}

/// Returns what an access to a queue allows, when all of it can be allowed on one.
pub(super) fn queue_uses(checker: &mut Checker<'_>, fields: &Fields) -> Option<BTreeSet<QueueUse>> {
    const USES: [QueueUse; 2] = [QueueUse::Send, QueueUse::Receive];
    if !fields.is_written("allow") {
        return Some(BTreeSet::from([QueueUse::Send]));
    }
    if fields.list("allow").is_empty() {
        if fields.is_empty_list("allow") {
            let span = fields.get("allow").map_or(fields.key, |it| it.span);
            checker.report(
                Diagnostic::new(
                    Code::Missing,
                    span,
                    format!("{} to a queue allows nothing", fields.owner),
                    "an empty list",
                )
                .help("write `allow = [\"send\"]`, `[\"receive\"]` or both; without `allow` it is `send`"),
            );
        }
        return None;
    }
    let mut found = BTreeSet::new();
    let mut right = true;
    for text in texts(fields.list("allow")) {
        if let Some(it) = USES.into_iter().find(|it| it.as_str() == text.value) {
            found.insert(it);
            continue;
        }
        right = false;
        let fault = Diagnostic::new(
            Code::Route,
            text.span,
            format!("`{}` cannot be allowed on a queue", text.value),
            "not `send` or `receive`",
        );
        let lower = text.value.to_lowercase();
        let of_action = USES.into_iter().find(|it| {
            let has = |action: &&str| action.eq_ignore_ascii_case(text.value);
            it.actions().iter().any(has) || lower.contains(it.as_str())
        });
        let meant = of_action
            .map(QueueUse::as_str)
            .or_else(|| nearest(&lower, USES.map(QueueUse::as_str)));
        checker.report(match meant {
            Some(meant) => fault.fix("write it so", text.span, format!("\"{meant}\"")),
            None => fault
                .help("write `\"send\"` or `\"receive\"`, which also deletes what was received"),
        });
    }
    right.then_some(found)
}

/// The routes that an access to an API allows, when every one of them is right.
pub(super) fn api_routes(
    checker: &mut Checker<'_>,
    fields: &Fields,
    name: &str,
    known: &Known,
) -> Option<Vec<RouteKey>> {
    let items = fields.list("allow");
    if items.is_empty() {
        if fields.is_empty_list("allow") || !fields.is_written("allow") {
            let example = known
                .routes
                .as_ref()
                .and_then(|it| it.first())
                .map_or("GET /…".to_owned(), |it| it.value.to_string());
            let span = fields.get("allow").map_or(fields.key, |it| it.span);
            checker.report(
                Diagnostic::new(
                    Code::Missing,
                    span,
                    format!("{} to api `{name}` does not say which routes", fields.owner),
                    "`allow` is missing or empty",
                )
                .help(format!(
                    "add `allow = [\"{example}\"]`; every route is `allow = [\"*\"]`"
                )),
            );
        }
        return None;
    }
    let mut found: Vec<RouteKey> = Vec::new();
    let mut whole = true;
    for text in texts(items) {
        let pattern = match routes::pattern(text.value) {
            Ok(pattern) => pattern,
            Err(wrong) => {
                checker.report(wrong.at(text.span));
                whole = false;
                continue;
            }
        };
        if let Some(fault) = surfaces::unreached(&pattern, &text, name, known) {
            checker.report(fault);
            whole = false;
        } else if !found.contains(&pattern) {
            found.push(pattern);
        }
    }
    whole.then_some(found)
}
