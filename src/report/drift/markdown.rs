//! The same for a pull request or a job's summary.

use std::fmt::Write as _;

use super::{Commands, by_place, says, verdict};
use crate::drift::{Drift, Finding};
use crate::escape::markdown::{code, words};
use crate::report::style::{counted, plain};

/// What a comment on GitHub holds, and some room for what is put around it.
const LONGEST: usize = 64_000;

/// A report in Markdown: a marker to find the comment by, a table of the worst first, details by account.
#[must_use]
pub fn markdown(drift: &Drift, commands: &Commands) -> String {
    let mut text = format!("<!-- provision:{} -->\n", drift.stack);
    let _ = writeln!(text, "## Drift of {}\n", code(&drift.stack));
    let _ = writeln!(text, "{}\n", plain(&verdict(drift)));
    if drift.findings.is_empty() {
        return text;
    }
    text += "| severity | what | finding | stack |\n| --- | --- | --- | --- |\n";
    let mut left = 0;
    for finding in &drift.findings {
        let row = row(finding);
        if text.len() + row.len() > LONGEST / 2 {
            left += 1;
        } else {
            text += &row;
        }
    }
    if left > 0 {
        let _ = writeln!(text, "\n{left} more: `provision drift --json` has all.");
    }
    text.push('\n');
    for (place, findings) in by_place(drift) {
        let head = format!(
            "<details><summary>{} {} {}: {}</summary>\n\n",
            words(&place.account),
            place.id,
            place.region,
            counted(findings.len(), "finding")
        );
        let details: String = findings.iter().map(|it| details(it, commands)).collect();
        let block = format!("{head}{details}</details>\n\n");
        if text.len() + block.len() > LONGEST {
            let _ = writeln!(
                text,
                "The rest is left out: `provision drift --json` has all."
            );
            break;
        }
        text += &block;
    }
    text
}

fn row(finding: &Finding) -> String {
    let loud = if finding.severity.is_open() { "**" } else { "" };
    format!(
        "| {loud}{}{loud} | {} | {} {} | {} |\n",
        finding.severity.says(),
        code(&finding.subject()),
        finding.class.code(),
        says(finding),
        finding
            .written_at
            .as_ref()
            .map_or_else(String::new, |it| code(it))
    )
}

fn details(finding: &Finding, commands: &Commands) -> String {
    let mut text = format!("- {} {}\n", code(&finding.subject()), finding.class.code());
    for line in &finding.lines {
        let _ = writeln!(text, "  - {}", code(line));
    }
    for effect in &finding.effects {
        let verb = if effect.gained { "gains" } else { "loses" };
        let _ = writeln!(text, "  - {verb}: {}", code(&effect.says));
    }
    for why in &finding.because {
        let _ = writeln!(text, "  - not settled: {}", words(why));
    }
    let _ = writeln!(text, "  - fix: {}", code(&commands.fix(finding)));
    text
}
