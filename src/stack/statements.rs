//! `[[statement]]`: a statement of a resource's policy, as AWS writes it.
//!
//! For what `[[access]]` and the fields of a resource cannot say. It is the stack's own: an apply
//! writes it under a `Sid` of the stack, and drift reports when it is changed.

use serde_json::Value;

use super::checker::Checker;
use super::diagnostic::{Code, Diagnostic};
use super::fields::{Fields, Item};
use super::nevers::resource;
use super::shape::{Field, Kind, Shape};
use super::syntax::Spanned;
use crate::model::{Address, KindName};
use crate::policy::grammar::items;
use crate::policy::size::{self, Budget};
use crate::policy::{Clause, Document, Effect, Grammar, Holder, Statement};

/// A statement of a resource's policy, as the author wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenStatement {
    /// The resource.
    pub on: Address,
    /// The statement; its resource is that one.
    pub statement: Statement,
}

pub(super) const STATEMENT: Shape = Shape {
    noun: "statement",
    doc: "A statement of a resource's policy, as AWS writes it: for what `[[access]]` cannot say.",
    fields: &[
        Field::new("on", Kind::Text, "The resource: `\"topics.NAME\"`, `\"queues.NAME\"`, `\"keys.NAME\"` or `\"apis.NAME\"`.").required().alias(&["to", "resource", "target"]),
        Field::new("statement", Kind::Json, "The statement: `Effect`, `Principal`, `Action` and `Condition`, perhaps a `Sid`. Its `Resource` is the resource itself; of an API, routes may be named: `execute-api:/prod/GET/orders`.").required().alias(&["policy"]),
    ],
    one_of: &[],
};

/// Reads every `[[statement]]`.
pub(super) fn statements(
    checker: &mut Checker<'_>,
    items: &[Spanned<Item>],
) -> Vec<WrittenStatement> {
    let mut found: Vec<WrittenStatement> = Vec::new();
    for item in items {
        let Some(one) = item.fields().and_then(|it| one(checker, it)) else {
            continue;
        };
        let same =
            |it: &&WrittenStatement| it.on == one.on && it.statement.sid == one.statement.sid;
        if one.statement.sid.is_some() && found.iter().any(|it| same(&it)) {
            checker.report(
                Diagnostic::new(
                    Code::Conflict,
                    item.span,
                    format!("`{}` has two statements of one `Sid`", one.on),
                    "the second",
                )
                .help("choose another `Sid`"),
            );
        }
        found.push(one);
    }
    found
}

fn one(checker: &mut Checker<'_>, fields: &Fields) -> Option<WrittenStatement> {
    let on = resource(checker, fields.text("on")?, "this statement")?;
    let item = fields.get("statement")?;
    let Item::Json(value, node) = &item.value else {
        return None;
    };
    let at = |path: &str| {
        let inner = path.strip_prefix("Statement[0]").unwrap_or(path);
        node.at(inner.trim_start_matches('.'))
    };
    let not_taken = format!("this statement of `{on}` is not one AWS takes");
    let refuse =
        |checker: &mut Checker<'_>, path: &str, message: String, label: &str, help: &str| {
            let fault = Diagnostic::new(Code::Unsupported, at(path), message, label);
            checker.report(fault.help(help));
        };
    let holder = match on.kind {
        KindName::Role => {
            refuse(
                checker,
                "",
                format!("`{on}` takes no `[[statement]]`"),
                "here",
                "write what a role may do under its `policies`, and who may assume it as `trusted_by` or `trust_policy`",
            );
            return None;
        }
        KindName::RestApi => Holder::Api,
        KindName::Queue => Holder::Queue,
        KindName::Key => Holder::Key,
        _ => Holder::Topic,
    };
    let mut document = serde_json::json!({ "Version": "2012-10-17", "Statement": [value] });
    let mut statement = match Document::from_value(&document) {
        Ok(mut document) => document.statements.pop()?,
        Err(error) => {
            refuse(
                checker,
                &error.at,
                not_taken,
                &error.message,
                "write `Effect`, `Principal` and `Action` as in a policy's JSON",
            );
            return None;
        }
    };
    let own = match holder {
        Holder::Api => "execute-api:/*".to_owned(),
        Holder::Key => "*".to_owned(),
        _ => checker.arn_of(&on)?.to_string(),
    };
    let before = checker.faults.len();
    match &statement.resource {
        None => {
            document["Statement"][0]["Resource"] = own.as_str().into();
            statement.resource = Some(Clause::of([own]));
        }
        Some(clause) => {
            let fits = |it: &String| match holder {
                Holder::Api => it.starts_with("execute-api:/"),
                _ => *it == own,
            };
            let help = match holder {
                Holder::Api => "begin it with `execute-api:/`, or leave it out for the whole API",
                _ => "leave `Resource` out: it is the resource itself",
            };
            let other = if clause.negated {
                Some("NotResource".to_owned())
            } else {
                place_of(&document, "Resource", |it| !fits(it))
            };
            if let Some(path) = other {
                let message = format!("this statement is about something else than `{on}`");
                refuse(checker, &path, message, "here", help);
                return None;
            }
        }
    }
    if statement.principal.is_none() {
        refuse(
            checker,
            "",
            format!("this statement of `{on}` names nobody"),
            "no `Principal`",
            "say who, as in `Principal = { AWS = \"111111111111\" }`",
        );
    }
    let service = match holder {
        Holder::Api => "execute-api:",
        Holder::Queue => "sqs:",
        Holder::Key => "kms:",
        _ => "sns:",
    };
    let is_other = |it: &String| it != "*" && !it.to_ascii_lowercase().starts_with(service);
    let name = if statement.action.negated {
        "NotAction"
    } else {
        "Action"
    };
    if let Some(other) = statement.action.values.iter().find(|it| is_other(it)) {
        refuse(
            checker,
            &place_of(&document, name, is_other).unwrap_or_default(),
            format!("`{other}` is no action on `{on}`"),
            "of another service",
            &format!("its actions begin with `{service}`"),
        );
    }
    if statement.effect == Effect::Allow && statement.action.negated {
        refuse(
            checker,
            "NotAction",
            format!("this statement of `{on}` allows all but what it names"),
            "here",
            "name what it allows, as `Action`",
        );
    }
    if checker.faults.len() > before {
        return None;
    }
    let partition = checker.partition_of(&on);
    for wrong in Grammar::Resource(holder).refusals_in(partition, &document) {
        let help = match wrong.advice.as_str() {
            "" => "write it as in a policy's JSON",
            advice => advice,
        };
        refuse(checker, &wrong.at, not_taken.clone(), &wrong.words, help);
    }
    if checker.faults.len() == before {
        for (path, over) in too_much(holder, &statement) {
            let message = format!(
                "this statement of `{on}` takes {} of {} {}",
                over.used, over.limit, over.what
            );
            let fault = Diagnostic::new(Code::TooMuch, at(path), message, "too much for AWS");
            checker.report(fault.help("divide it over several statements"));
        }
    }
    (checker.faults.len() == before).then_some(WrittenStatement { on, statement })
}

/// Returns the limits of a resource's policy that one statement alone goes over, each with the element that does.
fn too_much(holder: Holder, statement: &Statement) -> Vec<(&'static str, Budget)> {
    let document = Document::of(vec![statement.clone()]);
    let budgets = match holder {
        Holder::Queue => size::queue(&document),
        Holder::Topic => size::topic(&document),
        Holder::Key => size::key(&document),
        // Resources of an API become longer by its id and account: they are counted with the whole policy.
        _ => Vec::new(),
    };
    let element = |it: &Budget| match it.what {
        what if what.starts_with("actions") => "Action",
        what if what.starts_with("conditions") => "Condition",
        what if what.starts_with("principals") => "Principal",
        _ => "",
    };
    let over = budgets.into_iter().filter(Budget::is_over);
    over.map(|it| (element(&it), it)).collect()
}

/// The path of the first text of a statement's element for which something holds.
fn place_of(document: &Value, name: &str, holds: impl Fn(&String) -> bool) -> Option<String> {
    let element = &document["Statement"][0][name];
    let texts = items(Some(element)).iter();
    let index = texts
        .map(|it| it.as_str().unwrap_or_default().to_owned())
        .position(|it| holds(&it))?;
    Some(match element {
        Value::Array(_) => format!("{name}[{index}]"),
        _ => name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{faults, faulty_words, stack};

    #[test]
    fn a_statement_is_about_the_resource_it_is_written_on() {
        let stack = stack(
            "[queues.q]\n[[statement]]\non = \"queues.q\"\nstatement = { Effect = \"Deny\", Principal = \"*\", Action = \"sqs:*\", Condition = { Bool = { \"aws:SecureTransport\" = \"false\" } } }\n",
        );
        let [found] = stack.statements.as_slice() else {
            panic!("{:?}", stack.statements)
        };
        let resource = found.statement.resource.as_ref().expect("one");
        assert_eq!(resource.values, [stack.queues["q"].arn.to_string()]);
    }

    #[test]
    fn a_statement_that_aws_would_refuse_is_a_fault() {
        for (statement, expected) in [
            ("{ Effect = \"Deny\", Action = \"sqs:*\" }", "names nobody"),
            (
                "{ Effect = \"Allow\", Principal = \"*\", Action = \"sns:Publish\" }",
                "`sns:Publish` is no action on `queues.q`",
            ),
            (
                "{ Effect = \"Allow\", Principal = \"*\", Action = \"sqs:*\", Resource = \"arn:aws:sqs:eu-west-1:111111111111:other\" }",
                "is about something else",
            ),
            (
                "{ Effect = \"Allow\", Principal = \"*\", NotAction = \"sqs:SendMessage\" }",
                "allows all but",
            ),
            ("{ Effect = \"Perhaps\" }", "is not one AWS takes"),
            (
                "{ Effect = \"Deny\", Principal = \"*\", Action = \"sqs:*\", Condition = { Boolean = { \"aws:SecureTransport\" = \"false\" } } }",
                "is not one AWS takes",
            ),
        ] {
            let found = faults(&format!(
                "[queues.q]\n[[statement]]\non = \"queues.q\"\nstatement = {statement}\n"
            ));
            assert!(found.contains(expected), "{statement}: {found}");
        }
        let role = faults(
            "[roles.r]\ntrusted_by = \"lambda.amazonaws.com\"\n[[statement]]\non = \"roles.r\"\nstatement = { Effect = \"Allow\", Principal = \"*\", Action = \"sts:AssumeRole\" }\n",
        );
        assert!(role.contains("takes no `[[statement]]`"), "{role}");
    }

    #[test]
    fn a_fault_of_a_statement_is_shown_at_its_words() {
        for (statement, words) in [
            (
                "{ Effect = \"Perhaps\", Principal = \"*\", Action = \"sqs:*\" }",
                "Effect = \"Perhaps\"",
            ),
            (
                "{ Effect = \"Allow\", Principal = \"*\", Action = [\"sqs:SendMessage\", \"sns:Publish\"] }",
                "\"sns:Publish\"",
            ),
            (
                "{ Effect = \"Allow\", Principal = { AWS = [\"111111111111\", \"222\"] }, Action = \"sqs:*\" }",
                "\"222\"",
            ),
            (
                "{ Effect = \"Allow\", Principal = { AWS = \"arn:aws-cn:iam::222222222222:root\" }, Action = \"sqs:*\" }",
                "AWS = \"arn:aws-cn:iam::222222222222:root\"",
            ),
            (
                "{ Effect = \"Deny\", Principal = \"*\", Action = \"sqs:*\", Condition = { Boolean = { \"aws:SecureTransport\" = \"false\" } } }",
                "Boolean = { \"aws:SecureTransport\" = \"false\" }",
            ),
            (
                "{ Effect = \"Deny\", Principal = \"*\", Action = \"sqs:*\", Resource = \"arn:aws:sqs:eu-west-1:111111111111:other\" }",
                "Resource = \"arn:aws:sqs:eu-west-1:111111111111:other\"",
            ),
            (
                "{ Effect = \"Deny\", Principal = \"*\", Action = \"sqs:*\", Condition = { DateLessThan = { \"aws:CurrentTime\" = [\"2026-01-01\", \"soon\"] } } }",
                "\"soon\"",
            ),
        ] {
            let text =
                format!("[queues.q]\n[[statement]]\non = \"queues.q\"\nstatement = {statement}\n");
            assert_eq!(faulty_words(&text), [words], "{statement}");
        }
    }
}
