//! Why a command failed, for machines: a list of errors, each with its code, place, message and fix where these are known.

use serde_json::{Value, json};

use super::lease;
use crate::execute::lease::Holder;
use crate::kinds::survey::{self, SurveyErrors};
use crate::stack::{Diagnostic, Faults, Span};

/// The version of the document that a command prints when it fails before it has one of its own.
pub const ERROR: &str = "provision.error/1";

/// The document of a command that failed.
#[must_use]
pub fn document(command: &str, exit_code: u8, errors: &[Value]) -> Value {
    json!({"schema": ERROR, "command": command, "exit_code": exit_code, "errors": errors})
}

/// An error of which nothing but a sentence is known.
#[must_use]
pub fn of_text(text: &str) -> Value {
    json!({"code": null, "message": text})
}

/// Another run's lease.
#[must_use]
pub fn of_lease(stack: &str, holder: &Holder, now: i64) -> Value {
    json!({"code": "LeaseHeld", "message": lease::held(stack, holder, now), "holder": lease::json(holder)})
}

/// The faults of a stack's files.
#[must_use]
pub fn of_faults(faults: &Faults) -> Vec<Value> {
    faults.iter().map(|it| of_fault(faults, it)).collect()
}

fn of_fault(faults: &Faults, fault: &Diagnostic) -> Value {
    let mut labels = fault.labels.iter().map(|it| {
        let mut place = place(faults, it.span);
        place["label"] = json!(it.text);
        place
    });
    let mut found = labels.next().unwrap_or_else(|| json!({}));
    found["code"] = json!(fault.code.as_str());
    found["message"] = json!(fault.message);
    found["context"] = labels.collect();
    found["help"] = json!(fault.help);
    found["fix"] = fault.fix.as_ref().map_or(Value::Null, |it| {
        let mut fix = place(faults, it.span);
        fix["replacement"] = json!(it.replacement);
        fix["reason"] = json!(it.reason);
        fix
    });
    found
}

/// A place in a file: its first line and column, from 1, and those behind its end.
fn place(faults: &Faults, span: Span) -> Value {
    let (file, [start, end]) = faults.place(span);
    json!({"file": file, "line": start.0, "column": start.1, "end_line": end.0, "end_column": end.1})
}

/// What could not be read of AWS.
#[must_use]
pub fn of_survey(errors: &SurveyErrors) -> Vec<Value> {
    let of = errors.causes().map(|it| {
        let help = survey::is_not_entered(&it.source).then(|| {
            format!(
                "if `{0}` is gone for good: `--unreachable {0}` leaves it out",
                it.place.account
            )
        });
        json!({
            "code": it.source.code, "message": it.source.message, "account": it.place.account,
            "account_id": it.place.id, "region": it.place.region, "action": it.source.action,
            "request_id": it.source.request_id, "help": help,
        })
    });
    of.collect()
}

/// Adds the errors to the document that a failing command has printed, and what failed by the document itself.
pub fn put(document: &mut Value, mut errors: Vec<Value>, exit_code: u8) {
    let items = |at: &str| document.pointer(at).and_then(Value::as_array).cloned();
    let of = |at: &str, wanted: fn(&Value) -> bool, message: &str| -> Vec<Value> {
        let items = items(at).unwrap_or_default().into_iter().filter(wanted);
        let error = |it: Value| json!({"code": it["code"], "message": it[message], "address": it["address"]});
        items.map(error).collect()
    };
    let unaccepted = |it: &Value| it["severity"] == "error" && it["accepted"].is_null();
    // The documents of a consumer's coming and going have a plan and an apply inside, and a plan a rehearsal.
    for part in ["", "/plan", "/apply", "/rehearsal"] {
        let at = |it: &str| format!("{part}/{it}");
        errors.extend(of(&at("steps"), |it| it["outcome"] == "failed", "detail"));
        errors.extend(of(&at("refusals"), |_| true, "message"));
        errors.extend(of(&at("guardrails/findings"), unaccepted, "message"));
        for claims in [at("claims"), at("proof/open")] {
            let claims = items(&claims).unwrap_or_default().into_iter();
            let failed = claims.filter(|it| it["outcome"] == "failed");
            errors.extend(failed.map(|it| {
                let says = it["evidence"][0]["says"].as_str().unwrap_or("it does not hold");
                let claim = it["claim"].as_str().unwrap_or_default();
                json!({"code": null, "message": format!("{claim}: {says}"), "address": it["subject"]})
            }));
        }
    }
    if errors.is_empty() {
        errors.push(of_text(meaning(exit_code)));
    }
    document["errors"] = Value::Array(errors);
}

/// What an exit code means where nothing else is said.
#[must_use]
pub fn meaning(exit_code: u8) -> &'static str {
    match exit_code {
        3 => "a budget, guardrail, proof or rehearsal failed; nothing was changed",
        4 => "applied in part; the same command goes on",
        5 => "another run holds the lease of this stack; nothing was changed",
        130 => "interrupted; the same command goes on",
        _ => "the command failed",
    }
}
