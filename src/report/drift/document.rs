//! The same for a machine, and the schema that says how it reads.

use serde_json::{Value, json};

use super::Commands;
use crate::drift::{Class, Drift, Moved, Severity};
use crate::policy::interchange::shown_value;
use crate::report::json::DRIFT;
use crate::stack::Known;

/// The same for a machine.
#[must_use]
pub fn json(drift: &Drift, commands: &Commands) -> Value {
    let findings: Vec<Value> = drift
        .findings
        .iter()
        .map(|it| {
            let effects: Vec<Value> = it
                .effects
                .iter()
                .map(|it| {
                    json!({
                        "change": if it.gained { "gains" } else { "loses" },
                        "who": it.who, "says": it.says, "witness": it.witness.as_ref().map(|it| shown_value(it, &drift.names)),
                    })
                })
                .collect();
            json!({
                "code": it.class.code(), "class": it.class, "severity": it.severity.as_str(), "moved": it.moved.as_str(),
                "address": it.address(), "kind": it.address().map(|it| it.kind), "addresses": it.addresses,
                "account": it.place.account, "account_id": it.place.id, "region": it.place.region,
                "written_at": it.written_at, "lines": it.lines, "changes": it.changes, "effects": effects,
                "not_settled": it.because, "with_it": it.with_it, "fix": commands.fix(it),
                "administrator": it.administrator,
            })
        })
        .collect();
    let classes = Class::ALL.map(|it| json!({"code": it.code(), "class": it, "says": it.says()}));
    json!({
        "schema": DRIFT, "stack": drift.stack,
        "organization_policies": crate::report::json::ORGANIZATION_POLICIES, "findings": findings, "in_step": drift.in_step,
        "older_marks": drift.older_marks, "left": crate::report::json::left(&drift.left),
        "unconfirmed": crate::report::json::unconfirmed(&drift.doubts),
        "complete": drift.is_whole(),
        "opens_access": drift.findings.iter().any(|it| it.severity.is_open()),
        "classes": classes,
        "known": drift.known.iter().map(|it| known(&it.known, Some(&it.text))).collect::<Vec<_>>(),
        "unneeded_known": drift.unneeded.iter().map(|it| known(it, None)).collect::<Vec<_>>(),
    })
}

/// What the stack says it knows, and what that is where it is there.
fn known(known: &Known, what: Option<&str>) -> Value {
    json!({
        "on": known.on, "what": what, "reason": known.reason, "until": known.until, "written_at": known.written_at,
    })
}

/// The JSON Schema (draft 7) of the document.
#[must_use]
pub fn schema() -> Value {
    let text = json!({"type": "string"});
    let texts = json!({"type": "array", "items": {"type": "string"}});
    let text_or_null = json!({"type": ["string", "null"]});
    let codes = Class::ALL.map(Class::code);
    let classes = Class::ALL.map(|it| json!(it));
    let moved = [Moved::Aws, Moved::Stack, Moved::Unknown].map(Moved::as_str);
    let severities = Severity::ALL.map(Severity::as_str);
    let closed = |required: Value, properties: Value| json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties});
    let effect = closed(
        json!(["change", "who", "says", "witness"]),
        json!({
            "change": {"enum": ["gains", "loses"]}, "who": text, "says": text,
            "witness": {"type": ["object", "null"], "description": "A request as `provision simulate` reads it."},
        }),
    );
    let detail = closed(json!(["sign", "text"]), json!({"sign": text, "text": text}));
    let change = closed(
        json!(["field", "from", "to", "details", "cost"]),
        json!({
            "field": text,
            "from": {"type": ["string", "null"], "description": "What AWS has."},
            "to": {"type": ["string", "null"], "description": "What the stack says."},
            "details": {"type": "array", "items": detail},
            "cost": {"enum": ["update", "replace"]},
        }),
    );
    let finding = closed(
        json!([
            "code",
            "class",
            "severity",
            "moved",
            "address",
            "kind",
            "addresses",
            "account",
            "account_id",
            "region",
            "written_at",
            "lines",
            "changes",
            "effects",
            "not_settled",
            "with_it",
            "fix",
            "administrator"
        ]),
        json!({
            "code": {"enum": codes}, "class": {"enum": classes},
            "severity": {"enum": severities},
            "moved": {"enum": moved},
            "address": text_or_null, "kind": text_or_null, "addresses": texts,
            "account": text, "account_id": {"type": "string", "pattern": "^[0-9]{12}$"}, "region": text,
            "written_at": {"type": ["string", "null"], "description": "FILE:LINE of the stack that it contradicts."},
            "lines": texts, "changes": {"type": "array", "items": change},
            "effects": {"type": "array", "items": effect}, "not_settled": texts,
            "with_it": texts, "fix": text, "administrator": {"type": "boolean"},
        }),
    );
    let known = closed(
        json!(["on", "what", "reason", "until", "written_at"]),
        json!({"on": text, "what": text_or_null, "reason": text, "until": text_or_null, "written_at": text}),
    );
    let class = closed(
        json!(["code", "class", "says"]),
        json!({"code": {"enum": codes}, "class": {"enum": classes}, "says": text}),
    );
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "What `provision drift --json` prints",
        "type": "object",
        "required": [
            "schema", "stack", "organization_policies", "findings", "in_step", "older_marks", "left", "unconfirmed", "complete",
            "opens_access", "classes", "known", "unneeded_known"
        ],
        "properties": {
            "schema": {"const": DRIFT}, "stack": text,
            "organization_policies": {
                "enum": ["not_read", "in_part", "read", "none"],
                "description": "Whether the policies (SCPs and RCPs) over the stack's accounts were read; `none`: they are in no organization.",
            },
            "organization_policies_not_read": texts,
            "findings": {"type": "array", "items": finding, "description": "The worst first."},
            "in_step": {"type": "integer", "minimum": 0}, "older_marks": {"type": "integer", "minimum": 0},
            "complete": {"type": "boolean", "description": "Whether everything could be read."},
            "opens_access": {"type": "boolean"},
            "known": {"type": "array", "items": known}, "unneeded_known": {"type": "array", "items": known},
            "left": {"type": "array", "description": "What was not read, in accounts that are not entered."},
            "unconfirmed": {"type": "array", "description": "Accounts and regions whose tag index is behind, and may not show what left the stack."},
            "classes": {"type": "array", "items": class},
            "calls": {"type": "object"},
            "errors": {"type": "array", "description": "Why the command failed: with exit code 1, what could not be read."},
        },
    })
}
