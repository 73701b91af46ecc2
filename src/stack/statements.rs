//! `[[statement]]`: a statement of a resource's policy, as AWS writes it.
//!
//! For what `[[access]]` and the fields of a resource cannot say. It is the stack's own: an apply
//! writes it under a `Sid` of the stack, and drift reports when it is changed.

use super::checker::Checker;
use super::diagnostic::{Code, Diagnostic};
use super::fields::{Fields, Item};
use super::nevers::resource;
use super::shape::{Field, Kind, Shape};
use super::syntax::Spanned;
use crate::model::{Address, KindName};
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
        Field::new("on", Kind::Text, "The resource: `\"topics.NAME\"`, `\"queues.NAME\"` or `\"apis.NAME\"`.").required().alias(&["to", "resource", "target"]),
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
    let Item::Json(value, _) = &item.value else {
        return None;
    };
    let refuse = |checker: &mut Checker<'_>, message: String, help: &str| {
        checker.report(Diagnostic::new(Code::Unsupported, item.span, message, "here").help(help));
    };
    if on.kind == KindName::Role {
        refuse(
            checker,
            format!("`{on}` takes no `[[statement]]`"),
            "write what a role may do under its `policies`, and who may assume it as `trusted_by` or `trust_policy`",
        );
        return None;
    }
    let document = serde_json::json!({ "Version": "2012-10-17", "Statement": [value] });
    let mut statement = match Document::from_value(&document) {
        Ok(mut document) => document.statements.pop()?,
        Err(error) => {
            refuse(
                checker,
                format!("this statement of `{on}` is not one AWS takes: {error}"),
                "write `Effect`, `Principal` and `Action` as in a policy's JSON",
            );
            return None;
        }
    };
    let own = match on.kind {
        KindName::RestApi => "execute-api:/*".to_owned(),
        _ => checker.arn_of(&on)?.to_string(),
    };
    match &statement.resource {
        None => statement.resource = Some(Clause::of([own])),
        Some(clause) => {
            let fits = |it: &String| match on.kind {
                KindName::RestApi => it.starts_with("execute-api:/"),
                _ => *it == own,
            };
            if clause.negated || !clause.values.iter().all(fits) {
                let help = match on.kind {
                    KindName::RestApi => {
                        "begin it with `execute-api:/`, or leave it out for the whole API"
                    }
                    _ => "leave `Resource` out: it is the resource itself",
                };
                refuse(
                    checker,
                    format!("this statement is about something else than `{on}`"),
                    help,
                );
                return None;
            }
        }
    }
    if statement.principal.is_none() {
        refuse(
            checker,
            format!("this statement of `{on}` names nobody"),
            "say who, as in `Principal = { AWS = \"111111111111\" }`",
        );
        return None;
    }
    let service = match on.kind {
        KindName::RestApi => "execute-api:",
        KindName::Queue => "sqs:",
        _ => "sns:",
    };
    let of_service = |it: &String| it == "*" || it.to_ascii_lowercase().starts_with(service);
    if let Some(other) = statement.action.values.iter().find(|it| !of_service(it)) {
        refuse(
            checker,
            format!("`{other}` is no action on `{on}`"),
            &format!("its actions begin with `{service}`"),
        );
        return None;
    }
    if statement.effect == Effect::Allow && statement.action.negated {
        refuse(
            checker,
            format!("this statement of `{on}` allows all but what it names"),
            "name what it allows, as `Action`",
        );
        return None;
    }
    let holder = match on.kind {
        KindName::RestApi => Holder::Api,
        KindName::Queue => Holder::Queue,
        _ => Holder::Topic,
    };
    let whole = Document::of(vec![statement.clone()]).to_value();
    if let Some(wrong) = Grammar::Resource(holder)
        .refusals(&whole)
        .into_iter()
        .next()
    {
        refuse(
            checker,
            format!(
                "this statement of `{on}` is not one AWS takes: {}",
                wrong.words
            ),
            "write it as in a policy's JSON",
        );
        return None;
    }
    Some(WrittenStatement { on, statement })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{faults, stack};

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
}
