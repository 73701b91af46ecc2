//! Proofs as text, for a person and for a machine.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::style::{BAD, CHANGE, GOOD, QUIET, counted, styled};
use crate::escape::screen::line;
use crate::policy::interchange::shown_value;
use crate::policy::stand_in::RealNames;
use crate::verify::acceptance::Acceptance;
use crate::verify::check::Accepted;
use crate::verify::claim::is_own;
use crate::verify::paper::Origin;
use crate::verify::{Evidence, Finding, Outcome, Promise, Proof};

/// The version of a proof for machines.
pub const VERIFY: &str = "provision.verify/1";

/// The version of what came of checking a certificate, for machines.
pub const CHECK: &str = "provision.check/1";

/// Every claim that does not hold or is not known to, then the counts.
#[must_use]
pub fn human(proof: &Proof) -> String {
    let mut text = String::new();
    for (finding, evidence) in proof.failed() {
        text += &failure(finding, evidence, &proof.names);
    }
    for (finding, _) in proof.unproven() {
        text += &doubt(finding);
    }
    for (finding, parts) in proof.known() {
        text += &known(finding, parts);
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text += &verdict(proof);
    text
}

/// A claim that is not known to hold, with the reasons.
#[must_use]
pub fn doubt(finding: &Finding) -> String {
    let mut text = format!(
        "{} {}{}\n",
        styled(CHANGE, "Unproven"),
        finding.claim,
        written(finding)
    );
    if let Outcome::Unproven(reasons) = &finding.outcome {
        for reason in reasons {
            let _ = writeln!(text, "  {} {}", styled(CHANGE, "?"), line(reason));
        }
    }
    text
}

/// A claim that holds but for what the stack accepts, with what that is and why.
fn known(finding: &Finding, parts: &[Acceptance]) -> String {
    let mut text = format!(
        "{} {}{}\n",
        styled(QUIET, "Known"),
        finding.claim,
        written(finding)
    );
    for it in parts {
        let until = it.until.as_ref();
        let until = until.map_or_else(String::new, |it| format!(", until {it}"));
        let _ = writeln!(
            text,
            "  {} {}: {}\n    {}{until}{}",
            styled(QUIET, "="),
            it.on,
            line(&it.text),
            line(&it.reason),
            styled(QUIET, format!("  {}", it.written_at))
        );
    }
    text
}

/// The same for machines.
#[must_use]
pub fn doubts(findings: &[Finding]) -> Value {
    let all = findings.iter().map(|it| match &it.outcome {
        Outcome::Unproven(reasons) => {
            json!({"claim": it.claim, "written_at": it.written_at, "reasons": reasons})
        }
        Outcome::Proved | Outcome::Failed(_) | Outcome::Known(_) => {
            json!({"claim": it.claim, "written_at": it.written_at})
        }
    });
    all.collect()
}

/// `Proved  14 of 14 claims`
#[must_use]
pub fn verdict(proof: &Proof) -> String {
    let (proved, failed, unproven) = proof.counts();
    let style = match () {
        () if failed > 0 => BAD,
        () if unproven > 0 => CHANGE,
        () => GOOD,
    };
    let mut text = format!(
        "{}  {proved} of {}",
        styled(style, "Proved"),
        counted(proof.findings.len(), "claim")
    );
    if failed > 0 {
        let _ = write!(text, ", {failed} failed");
    }
    if unproven > 0 {
        let _ = write!(text, ", {unproven} unproven");
    }
    let known = proof.known().count();
    if known > 0 {
        let _ = write!(text, ", {known} but for what is known");
    }
    text + "\n"
}

/// One claim that does not hold.
fn failure(finding: &Finding, evidence: &[Evidence], names: &RealNames) -> String {
    let mut text = format!(
        "{} {}{}\n",
        styled(BAD, "Failed"),
        finding.claim,
        written(finding)
    );
    for it in evidence {
        let _ = writeln!(text, "  {} {}", styled(BAD, "!"), line(&it.says));
        for statement in &it.blame {
            let _ = writeln!(text, "    by {}", line(statement));
        }
        if finding.promise == Promise::Only && it.origin == Origin::Author {
            text += "    written in the stack, or attached by it: an `[[access]]` declares it\n";
        }
        if let Some(request) = &it.request {
            let _ = writeln!(
                text,
                "    {}",
                styled(QUIET, format!("try {}", shown_value(request, names)))
            );
        }
    }
    text
}

fn written(finding: &Finding) -> String {
    finding
        .written_at
        .as_ref()
        .map_or_else(String::new, |it| styled(QUIET, format!("  {it}")))
}

/// What a plan says of its proof: what it would be refused for in full, then a line.
///
/// What only the statements of others let through is theirs to answer for, and said more quietly.
#[must_use]
pub fn in_plan(proof: &Proof) -> String {
    let mut text = String::new();
    for (finding, evidence) in proof.failed() {
        if finding.refuses() {
            text += &failure(finding, evidence, &proof.names);
            continue;
        }
        for it in evidence {
            let by = if it.request.is_some() {
                ", by somebody else's statement"
            } else {
                ""
            };
            let _ = writeln!(
                text,
                "{} {}{by}",
                styled(CHANGE, "warning:"),
                line(&it.says)
            );
        }
    }
    for (finding, reasons) in proof.unproven() {
        let _ = writeln!(
            text,
            "{} {}{}: {}",
            styled(CHANGE, "Unproven"),
            finding.claim,
            written(finding),
            line(&reasons.join("; "))
        );
    }
    let refused = proof.refusing().count();
    if refused > 0 {
        let _ = writeln!(
            text,
            "{} {} would not hold after this plan, so it is not carried out",
            styled(BAD, "error:"),
            counted(refused, "claim")
        );
        return text;
    }
    let edges = proof.proved(Promise::May);
    let nevers = proof.proved(Promise::Never);
    let (_, failed, unproven) = proof.counts();
    let _ = write!(
        text,
        "{}  {}, {}",
        styled(if unproven > 0 { CHANGE } else { GOOD }, "Proved"),
        counted(edges, "edge"),
        counted(nevers, "never-claim")
    );
    if unproven > 0 {
        let _ = write!(text, "; {unproven} unproven");
    } else if failed == 0 && !proof.left_out {
        text += "; nothing else is allowed";
        if proof.known().next().is_some() {
            text += " but what is known";
        }
    }
    text + "\n"
}

/// What a plan for machines says of its proof: the counts, and every claim that is not proved.
#[must_use]
pub fn json_in_plan(proof: &Proof) -> Value {
    let (proved, failed, unproven) = proof.counts();
    let open = proof.findings.iter();
    let open: Vec<Value> = open
        .filter(|it| !matches!(it.outcome, Outcome::Proved | Outcome::Known(_)))
        .map(|it| self::finding(it, &proof.names))
        .collect();
    json!({
        "claims": proof.findings.len(), "proved": proved, "failed": failed, "unproven": unproven,
        "known": proof.known().count(),
        "edges": proof.proved(Promise::May), "nevers": proof.proved(Promise::Never),
        "refuses": proof.refuses(), "open": open,
    })
}

/// What came of checking a certificate, for a person or for a machine.
#[must_use]
pub fn checked(found: &Result<Accepted, String>, json: bool) -> String {
    match (found, json) {
        (Ok(it), false) => format!(
            "Accepted  {} claims decided again; {} on the prover's word, {} not proved\n",
            it.certified, it.uncertified, it.open
        ),
        (Err(reason), false) => format!("Refused  {reason}\n"),
        (Ok(it), true) => {
            let counts =
                json!({"certified": it.certified, "uncertified": it.uncertified, "open": it.open});
            let document = json!({"schema": CHECK, "accepted": true, "summary": counts});
            format!("{document:#}\n")
        }
        (Err(reason), true) => {
            let document = json!({"schema": CHECK, "accepted": false, "because": reason});
            format!("{document:#}\n")
        }
    }
}

/// A proof.
#[must_use]
pub fn json(proof: &Proof, stack: &str, from: &str) -> Value {
    let (proved, failed, unproven) = proof.counts();
    json!({
        "schema": VERIFY,
        "stack": stack,
        "from": from,
        "organization_policies": super::json::ORGANIZATION_POLICIES,
        "summary": {"claims": proof.findings.len(), "proved": proved, "failed": failed, "unproven": unproven,
            "known": proof.known().count()},
        "claims": proof.findings.iter().map(|it| finding(it, &proof.names)).collect::<Vec<_>>(),
    })
}

fn finding(finding: &Finding, names: &RealNames) -> Value {
    let (outcome, evidence, because) = match &finding.outcome {
        Outcome::Proved => ("proved", Vec::new(), Vec::new()),
        Outcome::Failed(evidence) => (
            "failed",
            evidence
                .iter()
                .map(|it| self::evidence(it, names))
                .collect(),
            Vec::new(),
        ),
        Outcome::Unproven(reasons) => ("unproven", Vec::new(), reasons.clone()),
        Outcome::Known(_) => ("known", Vec::new(), Vec::new()),
    };
    let known: Vec<Value> = match &finding.outcome {
        Outcome::Known(parts) => parts.iter().map(acceptance).collect(),
        _ => Vec::new(),
    };
    json!({
        "claim": finding.claim,
        "promise": finding.promise.as_str(),
        "subject": finding.subject,
        "written_at": finding.written_at,
        "outcome": outcome,
        "evidence": evidence,
        "because": because,
        "known": known,
    })
}

fn acceptance(it: &Acceptance) -> Value {
    json!({
        "on": it.on,
        "what": it.text,
        "reason": it.reason,
        "until": it.until,
        "written_at": it.written_at,
    })
}

fn evidence(evidence: &Evidence, names: &RealNames) -> Value {
    json!({
        "says": evidence.says,
        "request": evidence.request.as_ref().map(|it| shown_value(it, names)),
        "blame": evidence.blame,
        "foreign": !is_own(std::slice::from_ref(evidence)),
    })
}
