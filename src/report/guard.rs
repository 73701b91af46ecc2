//! Guardrails as text, for a person and for a machine.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::style::{BAD, CHANGE, LOUD, QUIET, counted, styled};
use crate::escape::screen::line;
use crate::guard::{Finding, Guarded};
use crate::policy::Severity;
use crate::verify::paper::Origin;

/// What goes over a guardrail, what is accepted, and which acceptance nothing needs.
#[must_use]
pub fn human(guarded: &Guarded) -> String {
    let mut text = String::new();
    let (accepted, open): (Vec<&Finding>, Vec<&Finding>) = guarded
        .findings
        .iter()
        .partition(|it| it.accepted.is_some());
    for severity in [Severity::Error, Severity::Warning] {
        for it in open.iter().filter(|it| it.severity == severity) {
            text += &finding(it);
        }
    }
    for it in accepted {
        let _ = writeln!(
            text,
            "{} {}; because: {}",
            styled(QUIET, format!("accepted[{}]:", it.guardrail.code())),
            line(&it.says),
            it.accepted.as_deref().unwrap_or_default()
        );
    }
    for it in &guarded.unneeded {
        let _ = writeln!(
            text,
            "{} {} accepts {}, and nothing there goes over it: take it out",
            styled(CHANGE, "note:"),
            it.address,
            it.guardrail.code(),
        );
    }
    if text.is_empty() {
        return text;
    }
    let errors = guarded.refusing().count();
    let warnings = open.len() - errors;
    let mut head = format!(
        "{}  {}, {}",
        styled(LOUD, "Guardrails"),
        counted(errors, "error"),
        counted(warnings, "warning")
    );
    if errors > 0 {
        head += "; nothing is applied while there is an error";
    }
    format!("{head}\n{text}\n")
}

fn finding(it: &Finding) -> String {
    let code = it.guardrail.code();
    let style = match it.severity {
        Severity::Error => BAD,
        Severity::Warning => CHANGE,
    };
    let mut text = format!(
        "{} {}\n",
        styled(style, format!("{}[{code}]:", it.severity.as_str())),
        line(&it.says)
    );
    if let Some(statement) = &it.statement {
        let _ = writeln!(text, "    {}: {}", author(it.origin), line(statement));
    }
    if it.severity == Severity::Error {
        let _ = writeln!(
            text,
            "    why, and how to mend it: provision explain {code}; or, in the resource's table: accept = {{ {code} = \"the reason\" }}"
        );
    }
    text
}

fn author(origin: Origin) -> &'static str {
    match origin {
        Origin::Ours => "made of the stack's accesses",
        Origin::Author => "written in the stack, or attached by it",
        Origin::Foreign => "put there by somebody else",
    }
}

/// The same for a machine: findings, then acceptances that nothing needs.
#[must_use]
pub fn json(guarded: &Guarded) -> Value {
    let findings: Vec<Value> = guarded
        .findings
        .iter()
        .map(|it| {
            json!({
                "code": it.guardrail.code(), "severity": it.severity.as_str(), "address": it.address,
                "message": it.says, "statement": it.statement, "accepted": it.accepted,
                "origin": match it.origin {
                    Origin::Ours => "stack",
                    Origin::Author => "author",
                    Origin::Foreign => "foreign",
                },
            })
        })
        .collect();
    let unneeded: Vec<Value> = guarded
        .unneeded
        .iter()
        .map(|it| json!({"code": it.guardrail.code(), "address": it.address}))
        .collect();
    json!({"findings": findings, "unneeded": unneeded})
}
