//! What moved, in drift's own words.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::human::title;
use super::style::{BAD, CHANGE, GOOD, LOUD, QUIET, counted, of_sign, styled};
use crate::drift::{Class, Drift, Finding};
use crate::model::Place;

/// A whole report.
#[must_use]
pub fn human(drift: &Drift) -> String {
    let mut by_place: BTreeMap<&Place, Vec<&Finding>> = BTreeMap::new();
    for finding in &drift.findings {
        by_place.entry(&finding.place).or_default().push(finding);
    }
    let mut text = String::new();
    for (place, findings) in by_place {
        let _ = writeln!(
            text,
            "{}  {}  {}  {}",
            styled(LOUD, &place.account),
            place.id,
            place.region,
            styled(QUIET, counted(findings.len(), "finding"))
        );
        for finding in findings {
            let sign = finding.class.sign();
            let _ = writeln!(
                text,
                "  {} {}  {}",
                styled(of_sign(sign), sign),
                title(&finding.address),
                styled(
                    if finding.class.opens_access() {
                        BAD
                    } else {
                        CHANGE
                    },
                    finding.class.says()
                )
            );
            for line in &finding.lines {
                let _ = writeln!(text, "      {line}");
            }
        }
        text.push('\n');
    }
    text += &super::human::left(&drift.left);
    if drift.findings.is_empty() {
        let _ = writeln!(
            text,
            "{} {} in step with the stack.",
            styled(GOOD, "No drift:"),
            counted(drift.in_step, "resource")
        );
    } else {
        let open = drift
            .findings
            .iter()
            .filter(|it| it.class.opens_access())
            .count();
        let opening = if open > 0 {
            format!(" ({open} of them may open access)")
        } else {
            String::new()
        };
        let _ = writeln!(
            text,
            "{} {}{opening}, {} in step.",
            styled(BAD, "Drift:"),
            counted(drift.findings.len(), "finding"),
            drift.in_step
        );
    }
    text
}

/// The same for a machine.
#[must_use]
pub fn json(drift: &Drift) -> Value {
    let findings: Vec<Value> = drift
        .findings
        .iter()
        .map(|it| {
            json!({
                "code": it.class.code(), "class": it.class, "address": it.address, "kind": it.address.kind,
                "account": it.place.account, "account_id": it.place.id, "region": it.place.region,
                "lines": it.lines, "changes": it.changes,
            })
        })
        .collect();
    json!({
        "schema": super::json::DRIFT, "stack": drift.stack, "findings": findings, "in_step": drift.in_step,
        "left": super::json::left(&drift.left),
        "opens_access": drift.findings.iter().any(|it| it.class.opens_access()),
        "classes": Class::ALL.map(|it| json!({"code": it.code(), "class": it, "says": it.says()})),
    })
}
