//! What a change takes away: each principal that is cut off, and each message that no longer arrives.

use serde_json::Value;

use crate::policy::{
    Clause, Document, Effect, PrincipalClause, Principals, Request, Statement, compare,
    same_statement,
};

/// Most parts of statements that are compared one by one.
const MOST_PARTS: usize = 400;

/// All that the stack allows and AWS refuses: of each statement, each principal with each action and
/// resource, and a request that shows it.
pub(super) fn cut_off(stack: &Document, live: &Document) -> Vec<(Statement, Request)> {
    let (denies, allows): (Vec<&Statement>, Vec<&Statement>) = stack
        .statements
        .iter()
        .partition(|it| it.effect == Effect::Deny);
    let is_refused_anew = live
        .statements
        .iter()
        .any(|it| it.effect == Effect::Deny && !denies.iter().any(|own| same_statement(own, it)));
    let stays = |it: &&Statement| live.statements.iter().any(|live| same_statement(live, it));
    let changed = allows
        .into_iter()
        .filter(|it| is_refused_anew || !stays(it));
    let parts = changed.flat_map(parts).take(MOST_PARTS);
    parts
        .filter_map(|part| {
            let all = std::iter::once(&part).chain(denies.iter().copied());
            let alone = Document {
                statements: all.cloned().collect(),
                ..stack.clone()
            };
            let request = compare(&alone, live).loses.into_iter().next()?;
            Some((part, request))
        })
        .collect()
}

/// A statement taken apart: one principal, one action, one resource each.
fn parts(statement: &Statement) -> Vec<Statement> {
    let whole = || vec![statement.clone()];
    let clauses = [Some(&statement.action), statement.resource.as_ref()];
    let negated = clauses.iter().flatten().any(|it| it.negated)
        || statement.principal.as_ref().is_some_and(|it| it.negated);
    if negated {
        return whole();
    }
    let principals: Vec<Option<PrincipalClause>> = match &statement.principal {
        Some(clause) => match &clause.principals {
            Principals::Anyone => vec![Some(clause.clone())],
            Principals::Of(types) => types
                .iter()
                .flat_map(|(kind, names)| names.iter().map(move |it| (kind, it)))
                .map(|(kind, name)| {
                    let types = [(kind.clone(), vec![name.clone()])].into();
                    Some(PrincipalClause {
                        negated: false,
                        principals: Principals::Of(types),
                    })
                })
                .collect(),
        },
        None => vec![None],
    };
    let resources: Vec<Option<Clause>> = match &statement.resource {
        Some(clause) => {
            let values = clause.values.iter();
            values.map(|it| Some(Clause::of([it.clone()]))).collect()
        }
        None => vec![None],
    };
    let mut found = Vec::new();
    for principal in &principals {
        for action in &statement.action.values {
            for resource in &resources {
                found.push(Statement {
                    principal: principal.clone(),
                    action: Clause::of([action.clone()]),
                    resource: resource.clone(),
                    ..statement.clone()
                });
            }
        }
    }
    found
}

/// What a filter of messages lets through no longer, in words: what it asks for that it did not, and
/// values that it took before.
pub(super) fn narrowed(stack: &Value, live: &Value, path: &str) -> Vec<String> {
    let (Some(old), Some(new)) = (stack.as_object(), live.as_object()) else {
        return Vec::new();
    };
    let list = |it: &Value| it.as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    for (key, wanted) in new {
        let name = format!("{path}{key}");
        match old.get(key) {
            None if wanted.is_object() => {
                let nothing = Value::Object(serde_json::Map::new());
                found.extend(narrowed(&nothing, wanted, &format!("{name}.")));
            }
            None if key == "$or" => {
                let ways = list(wanted);
                let ways = ways.iter().filter_map(Value::as_object).map(|way| {
                    let tests = way
                        .iter()
                        .map(|(key, it)| format!("`{path}{key}` is {}", one_of(&list(it))));
                    tests.collect::<Vec<_>>().join(" and ")
                });
                let ways: Vec<String> = ways.collect();
                found.push(format!("messages in which neither {}", ways.join(" nor ")));
            }
            None => found.push(format!(
                "messages whose `{name}` is not {}",
                one_of(&list(wanted))
            )),
            Some(before) if before.is_object() => {
                found.extend(narrowed(before, wanted, &format!("{name}.")));
            }
            Some(before) => {
                let left = list(wanted);
                let mut gone = list(before);
                gone.retain(|it| !left.contains(it));
                if !gone.is_empty() {
                    found.push(format!("messages whose `{name}` is {}", one_of(&gone)));
                }
            }
        }
    }
    found
}

/// Returns the values of a filter in words, any of which is enough.
fn one_of(values: &[Value]) -> String {
    let all: Vec<String> = values.iter().map(in_words).collect();
    all.join(" or ")
}

/// Returns one value or operator of a filter in words.
fn in_words(value: &Value) -> String {
    let operator = value.as_object().and_then(|it| it.iter().next());
    let Some((operator, operand)) = operator else {
        return value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
    };
    let listed = operand.as_array().cloned();
    let operands = listed.unwrap_or_else(|| vec![operand.clone()]);
    match operator.as_str() {
        "prefix" => format!("a text that begins with {}", one_of(&operands)),
        "suffix" => format!("a text that ends with {}", one_of(&operands)),
        "wildcard" => format!("a text like {}", one_of(&operands)),
        "equals-ignore-case" => format!("{} in any case", one_of(&operands)),
        "cidr" => format!("an address in {}", one_of(&operands)),
        "anything-but" => format!("anything but {}", one_of(&operands)),
        "exists" if *operand == Value::Bool(false) => "absent".to_owned(),
        "exists" => "present".to_owned(),
        "numeric" => {
            let pairs = operands.chunks(2).map(|pair| {
                let words: Vec<String> = pair.iter().map(in_words).collect();
                words.join(" ")
            });
            pairs.collect::<Vec<_>>().join(" and ")
        }
        _ => value.to_string(),
    }
}
