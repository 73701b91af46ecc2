//! Policy documents of the author: read, with the stack's ARNs filled in, and held to AWS's grammar.

use serde_json::Value;

use super::checker::{Checker, Noun};
use super::diagnostic::{Code, Diagnostic, Span};
use super::fields::Item;
use super::syntax::{Node, Spanned};
use crate::model::Partition;
use crate::policy::{Document, Grammar, PolicyError, json};

/// Where the parts of a document are written.
enum Places<'a> {
    /// In the stack's own text.
    Here(&'a Node),
    /// In a file that the stack names there.
    File(&'a str, Span),
}

impl Places<'_> {
    fn at(&self, path: &str) -> Span {
        match self {
            Self::Here(node) => node.at(path),
            Self::File(_, span) => *span,
        }
    }

    /// What is wrong at a path, with its place in the file where it is in one.
    fn label(&self, path: &str, message: &str) -> String {
        let error = PolicyError {
            at: path.to_owned(),
            position: None,
            message: message.to_owned(),
        };
        match self {
            Self::Here(_) if path.is_empty() => message.to_owned(),
            Self::Here(_) => error.to_string(),
            Self::File(text, _) => error.within(text).to_string(),
        }
    }
}

/// A document that the author wrote out or keeps in a file, if AWS takes it in a partition; `key` is its name.
pub(super) fn document(
    checker: &mut Checker<'_>,
    key: &Spanned<String>,
    item: &Spanned<Item>,
    grammar: Grammar,
    here: Option<Partition>,
) -> Option<Document> {
    let title = format!("policy `{}` is not one IAM takes", key.value);
    let not_a_policy = |span, label| {
        Diagnostic::new(Code::WrongType, span, title.clone(), label).help(
            "a policy is written as IAM's JSON is: `{ Statement = [{ Effect = \"Allow\", Action = [\"s3:GetObject\"], Resource = [\"…\"] }] }`",
        )
    };
    let text;
    let (mut value, places) = match &item.value {
        Item::Json(value, node) => (value.clone(), Places::Here(node)),
        Item::Text(path) => {
            text = match (checker.files)(path) {
                Ok(text) => text,
                Err(error) => {
                    checker.report(
                        Diagnostic::new(
                            Code::File,
                            item.span,
                            format!("cannot read `{path}`, the policy `{}`", key.value),
                            error,
                        )
                        .help("the path is seen from the stack's own folder"),
                    );
                    return None;
                }
            };
            match json::parse(&text) {
                Ok(value) => (value, Places::File(&text, item.span)),
                Err(error) => {
                    checker.report(not_a_policy(item.span, error.to_string()));
                    return None;
                }
            }
        }
        _ => return None,
    };
    let before = checker.faults.len();
    fill(checker, &mut value, "", &places);
    let document = match Document::from_value(&value) {
        Ok(document) => document,
        Err(error) => {
            let label = places.label(&error.at, &error.message);
            checker.report(not_a_policy(places.at(&error.at), label));
            return None;
        }
    };
    for refusal in grammar.refusals_in(here, &value) {
        let code = if refusal.is_of_principal() {
            Code::Principal
        } else {
            Code::WrongType
        };
        let label = places.label(&refusal.at, &refusal.words);
        let fault = Diagnostic::new(code, places.at(&refusal.at), title.clone(), label);
        checker.report(if refusal.advice.is_empty() {
            fault
        } else {
            fault.help(refusal.advice)
        });
    }
    (checker.faults.len() == before).then_some(document)
}

/// Writes the ARNs of the stack's resources in the place of `${queues.NAME.arn}` and its like.
///
/// A policy variable of IAM has a service before a colon; anything else in `${…}` is none, and a
/// statement with it would never match.
fn fill(checker: &mut Checker<'_>, value: &mut Value, path: &str, places: &Places<'_>) {
    match value {
        Value::String(text) => {
            if text.contains("${") {
                *text = filled(checker, text, path, places);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                fill(checker, item, &format!("{path}[{index}]"), places);
            }
        }
        Value::Object(fields) => {
            for (name, item) in fields {
                let path = match path {
                    "" => name.clone(),
                    _ => format!("{path}.{name}"),
                };
                fill(checker, item, &path, places);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn filled(checker: &mut Checker<'_>, text: &str, path: &str, places: &Places<'_>) -> String {
    let mut parts = text.split("${");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let Some((name, rest)) = part.split_once('}') else {
            whole.push_str("${");
            whole.push_str(part);
            continue;
        };
        match meaning(checker, name) {
            Ok(Some(arn)) => whole.push_str(&arn),
            Ok(None) => {
                whole.push_str("${");
                whole.push_str(name);
                whole.push('}');
            }
            Err((label, help)) => {
                // Something stands in its place, so that this is the only fault.
                whole.push('*');
                checker.report(
                    Diagnostic::new(
                        Code::Reference,
                        places.at(path),
                        format!(
                            "`${{{name}}}` is not a policy variable, and names nothing of the stack"
                        ),
                        label,
                    )
                    .help(help),
                );
            }
        }
        whole.push_str(rest);
    }
    whole
}

/// The ARN that a variable stands for; `None` for one that IAM fills in.
fn meaning(checker: &Checker<'_>, name: &str) -> Result<Option<String>, (String, String)> {
    const HELP: &str = "`${queues.NAME.arn}`, `${topics.NAME.arn}` and `${roles.NAME.arn}` stand for ARNs of the stack; variables of IAM are written `${aws:username}`";
    let key = name.split(',').next().unwrap_or_default().trim();
    if matches!(name, "*" | "?" | "$") || (key.contains(':') && !key.starts_with("AWS::")) {
        return Ok(None);
    }
    let noun = |table: &str| {
        [Noun::Role, Noun::Topic, Noun::Queue]
            .into_iter()
            .find(|it| it.table() == table)
    };
    let parts: Vec<&str> = name.split('.').collect();
    match parts.as_slice() {
        [table, resource, "arn"] if noun(table).is_some() => {
            let Some(noun) = noun(table).filter(|it| checker.is_declared(*it, resource)) else {
                return Err((
                    format!("no such table: `[{table}.{resource}]`"),
                    HELP.to_owned(),
                ));
            };
            let standing = checker.standing(noun, resource);
            // A broken table has a fault of its own.
            let arn = standing.and_then(|it| it.arn.as_ref());
            Ok(Some(
                arn.map_or_else(|| "*".to_owned(), ToString::to_string),
            ))
        }
        ["apis", ..] => Err((
            "an API's id is known only when it is made".to_owned(),
            "let callers in with `[[access]]`, which writes the ARN when it is known".to_owned(),
        )),
        _ if key.starts_with("AWS::") => Err((
            "a parameter of CloudFormation".to_owned(),
            "write the value itself".to_owned(),
        )),
        _ => Err((
            "a statement with it would never match".to_owned(),
            HELP.to_owned(),
        )),
    }
}
