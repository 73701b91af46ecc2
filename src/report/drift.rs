//! What moved, in drift's own words.

mod document;
mod markdown;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::names::title;
use super::style::{BAD, CHANGE, GOOD, LOUD, QUIET, Style, counted, of_sign, styled};
use crate::drift::{Class, Drift, Effect, Finding, Fix, Moved, Severity};
use crate::escape::screen::line;
use crate::model::Place;
use crate::policy::interchange::shown_value;
use crate::policy::stand_in::RealNames;

pub use document::{json, schema};
pub use markdown::markdown;

/// Most sentences on gains that are printed of one finding; a machine gets all.
const MOST_GAINS: usize = 6;

/// How the commands that end findings are called here, the stack's files and the place included.
#[derive(Clone, Debug)]
pub struct Commands {
    /// `provision drift shop.toml`
    pub drift: String,
    /// `provision apply shop.toml`
    pub apply: String,
}

impl Commands {
    /// The one command that puts an end to a finding, or what to do where there is none.
    #[must_use]
    pub fn fix(&self, finding: &Finding) -> String {
        match &finding.fix {
            Fix::Revert(address) => format!("{} --revert {address}", self.drift),
            Fix::Apply => self.apply.clone(),
            Fix::Look(says) => format!("{says}, then {}", self.drift),
            Fix::ThenApply(says) => format!("{says}, then {}", self.apply),
        }
    }
}

/// A whole report.
#[must_use]
pub fn human(drift: &Drift, commands: &Commands) -> String {
    let mut text = String::new();
    for (place, findings) in by_place(drift) {
        let _ = writeln!(
            text,
            "{}  {}  {}  {}",
            styled(LOUD, &place.account),
            place.id,
            place.region,
            styled(QUIET, counted(findings.len(), "finding"))
        );
        for finding in findings {
            self::finding(&mut text, finding, commands, &drift.names);
        }
        text.push('\n');
    }
    text += &super::human::left(&drift.left);
    text += &super::beside::unconfirmed(&drift.doubts);
    text += &verdict(drift);
    text.push('\n');
    for it in &drift.unneeded {
        let _ = writeln!(
            text,
            "{} {}: what is known of {} is not there: take the `[[known]]` out",
            styled(CHANGE, "warning:"),
            it.written_at,
            it.on
        );
    }
    if drift.older_marks > 0 {
        let _ = writeln!(
            text,
            "{} an older wording of the stack; the next apply renews the mark.",
            match drift.older_marks {
                1 => "1 resource is as the stack says and remembers".to_owned(),
                many => format!("{many} resources are as the stack says and remember"),
            }
        );
    }
    text
}

/// Findings by where they are; the place with the worst of them first.
fn by_place(drift: &Drift) -> Vec<(&Place, Vec<&Finding>)> {
    let mut places: BTreeMap<&Place, Vec<&Finding>> = BTreeMap::new();
    for finding in &drift.findings {
        places.entry(&finding.place).or_default().push(finding);
    }
    let mut places: Vec<_> = places.into_iter().collect();
    places
        .sort_by_key(|(place, found)| (found.iter().map(|it| it.severity).min(), (*place).clone()));
    places
}

fn style_of(severity: Severity) -> Style {
    match severity {
        Severity::OpensAccess | Severity::MayOpenAccess | Severity::Unknown => BAD,
        Severity::CutsAccess | Severity::ChangesBehaviour => CHANGE,
        Severity::Cosmetic => QUIET,
    }
}

fn finding(text: &mut String, finding: &Finding, commands: &Commands, names: &RealNames) {
    let sign = finding.class.sign();
    let subject = match finding.address() {
        Some(address) => title(address),
        None if finding.addresses.is_empty() => line(&finding.subject()).into_owned(),
        None => counted(finding.addresses.len(), "resource"),
    };
    let _ = writeln!(
        text,
        "  {} {subject}  {}  {} {}{}",
        styled(of_sign(sign), sign),
        styled(style_of(finding.severity), finding.severity.says()),
        styled(QUIET, finding.class.code()),
        says(finding),
        finding
            .written_at
            .as_ref()
            .map_or_else(String::new, |it| format!("  {}", styled(QUIET, it)))
    );
    for it in &finding.lines {
        let _ = writeln!(text, "      {}", line(it));
    }
    let (gains, losses): (Vec<&Effect>, Vec<&Effect>) =
        finding.effects.iter().partition(|it| it.gained);
    // Whoever is cut off is named.
    for effect in gains.iter().take(MOST_GAINS).chain(&losses) {
        let (style, sign) = if effect.gained {
            (BAD, "gains")
        } else {
            (CHANGE, "loses")
        };
        let _ = writeln!(
            text,
            "      {}: {}",
            styled(style, sign),
            line(&effect.says)
        );
    }
    if gains.len() > MOST_GAINS {
        let more = gains.len() - MOST_GAINS;
        let _ = writeln!(text, "      and {more} more: `--json` has all");
    }
    let witness = finding
        .effects
        .iter()
        .find_map(|it| it.witness.as_ref().filter(|_| it.gained));
    if let Some(request) = witness {
        let _ = writeln!(
            text,
            "      {}",
            styled(
                QUIET,
                format!("for example {}", shown_value(request, names))
            )
        );
    }
    for why in &finding.because {
        let _ = writeln!(text, "      not settled: {}", line(why));
    }
    let _ = writeln!(
        text,
        "      {}: {}",
        styled(LOUD, "fix"),
        commands.fix(finding)
    );
}

/// The class in words, with who moved where the class leaves that open.
fn says(finding: &Finding) -> String {
    let says = finding.class.says();
    let tells = matches!(finding.class, Class::Ghost | Class::Unwanted);
    match finding.moved {
        Moved::Unknown if finding.class == Class::Changed => {
            "differs from the stack; cannot tell which side changed".to_owned()
        }
        Moved::Stack if tells => format!("{says} (the stack moved)"),
        Moved::Aws if tells => format!("{says} (AWS moved)"),
        Moved::Aws | Moved::Stack | Moved::Unknown => says.to_owned(),
    }
}

/// The last line.
#[must_use]
pub fn verdict(drift: &Drift) -> String {
    let known = match drift.known.len() {
        0 => String::new(),
        count => format!(
            " {} of others {} known.",
            counted(count, "addition"),
            if count == 1 { "is" } else { "are" }
        ),
    };
    if drift.findings.is_empty() {
        return format!(
            "{} {} in step with the stack.{known}",
            styled(GOOD, "No drift:"),
            counted(drift.in_step, "resource")
        );
    }
    format!(
        "{} {}, {} in step.{known}",
        styled(BAD, "Drift:"),
        summary(drift),
        drift.in_step
    )
}

/// `3 findings (1 opens access, 2 cosmetic)`.
fn summary(drift: &Drift) -> String {
    let counts: Vec<String> = Severity::ALL
        .into_iter()
        .filter(|it| drift.count(*it) > 0)
        .map(|it| format!("{} {}", drift.count(it), it.says().to_lowercase()))
        .collect();
    format!(
        "{} ({})",
        counted(drift.findings.len(), "finding"),
        counts.join(", ")
    )
}
