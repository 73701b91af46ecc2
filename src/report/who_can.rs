//! Who may do something, as text, for a person and for a machine.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::style::{CHANGE, GOOD, LOUD, NAME, QUIET, styled};
use crate::escape::screen::line;
use crate::policy::interchange::shown_value;
use crate::policy::stand_in::RealNames;
use crate::stack::Stack;
use crate::verify::holders::{Holder, Kin, Open};
use crate::verify::question::Question;

/// The version of an answer for machines.
pub const WHO_CAN: &str = "provision.who-can/1";

/// A question and everybody who may.
#[derive(Debug)]
pub struct Answer<'a> {
    /// What was asked.
    pub question: Question<'a>,
    /// Everybody who may, or might.
    pub holders: Vec<Holder>,
    /// What could not be decided.
    pub open: Open,
}

/// Everybody by name, each with the way and the statements that settle it.
#[must_use]
pub fn human(answers: &[Answer<'_>], stack: &Stack, from: &str) -> String {
    let mut text = String::new();
    for answer in answers {
        let _ = writeln!(
            text,
            "{} {}  {}",
            styled(LOUD, "Who can"),
            answer.question.title,
            styled(QUIET, format!("by {from}"))
        );
        for it in &answer.holders {
            let sign = if it.unproven {
                styled(CHANGE, "?")
            } else {
                styled(GOOD, "+")
            };
            let _ = writeln!(
                text,
                "  {sign} {}  {}",
                styled(NAME, line(&it.kin.named(stack))),
                line(&way(it, &answer.question))
            );
            for reason in &it.because {
                let reason = reason.strip_suffix(" allows it").unwrap_or(reason);
                let _ = writeln!(
                    text,
                    "      {}",
                    styled(QUIET, format!("by {}", line(reason.trim_end_matches(','))))
                );
            }
        }
        for reason in &answer.open {
            let _ = writeln!(text, "  {} {}", styled(CHANGE, "?"), line(reason));
        }
        if answer.holders.is_empty() {
            let _ = writeln!(text, "  nobody");
        }
    }
    text
}

/// How somebody gets there, and what is known of them.
fn way(holder: &Holder, question: &Question<'_>) -> String {
    let mut text = if holder.through.is_empty() {
        "directly".to_owned()
    } else {
        let roles: Vec<String> = holder.through.iter().map(ToString::to_string).collect();
        format!("by assuming {}", roles.join(", then "))
    };
    text += &question.ask.thing.in_other_stage(&holder.request.resource);
    match &holder.kin {
        Kin::Account(_) => text += ": whoever its own policies let",
        Kin::Prefix(..) => text += ": those that their account's policies let",
        _ => {}
    }
    for (key, values) in &holder.request.context {
        if matches!(
            holder.kin,
            Kin::Anyone | Kin::AnyoneOf(_) | Kin::Unsigned | Kin::Service(_) | Kin::AnyService
        ) {
            let _ = write!(text, ", with {key} = {}", values.join(" or "));
        }
    }
    if holder.unproven {
        text += ", perhaps";
    }
    text
}

/// The answers as a document.
#[must_use]
pub fn json(answers: &[Answer<'_>], stack: &Stack, from: &str, names: &RealNames) -> Value {
    let answers: Vec<Value> = answers
        .iter()
        .map(|it| {
            let who: Vec<Value> = it
                .holders
                .iter()
                .map(|holder| {
                    json!({
                        "kind": holder.kin.kind(), "who": holder.kin.named(stack),
                        "through": holder.through, "because": holder.because,
                        "decision": if holder.unproven { "unproven" } else { "allow" },
                        "request": shown_value(&holder.request, names),
                    })
                })
                .collect();
            json!({
                "resource": it.question.ask.thing.address, "arn": it.question.ask.thing.arn,
                "actions": it.question.ask.actions,
                "route": it.question.route.as_ref().map(ToString::to_string),
                "who": who, "unproven": it.open,
            })
        })
        .collect();
    json!({
        "schema": WHO_CAN, "stack": stack.name, "from": from,
        "organization_policies": super::json::ORGANIZATION_POLICIES, "answers": answers,
    })
}
