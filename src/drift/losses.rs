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
                let ways: Vec<String> = ways.iter().map(|it| way_in_words(it, path)).collect();
                found.push(format!("messages in which neither {}", ways.join(" nor ")));
            }
            Some(before) if key == "$or" => {
                let left = list(wanted);
                let gone = list(before).into_iter().filter(|way| {
                    let lets_all = |it: &Value| narrowed(way, it, "").is_empty();
                    !left.iter().any(lets_all)
                });
                let gone = gone.map(|it| format!("messages in which {}", way_in_words(&it, path)));
                found.extend(gone);
            }
            Some(before) if before.is_object() && wanted.is_object() => {
                found.extend(narrowed(before, wanted, &format!("{name}.")));
            }
            Some(_) if wanted.is_object() => {
                let nothing = Value::Object(serde_json::Map::new());
                found.extend(narrowed(&nothing, wanted, &format!("{name}.")));
            }
            Some(before) if !before.is_object() => {
                let left = list(wanted);
                let gone: Vec<Value> = list(before)
                    .iter()
                    .flat_map(|it| left_out(it, &left))
                    .collect();
                if !gone.is_empty() {
                    found.push(format!("messages whose `{name}` is {}", one_of(&gone)));
                }
            }
            None | Some(_) => found.push(format!(
                "messages whose `{name}` is not {}",
                one_of(&list(wanted))
            )),
        }
    }
    found
}

/// Returns one alternative of a filter in words: all that it asks for.
fn way_in_words(way: &Value, path: &str) -> String {
    let fields = way.as_object().into_iter().flatten();
    let tests = fields.map(|(key, it)| match it {
        Value::Array(ways) if key == "$or" => {
            let ways: Vec<String> = ways.iter().map(|it| way_in_words(it, path)).collect();
            format!("({})", ways.join(" or "))
        }
        Value::Object(_) => way_in_words(it, &format!("{path}{key}.")),
        _ => format!(
            "`{path}{key}` is {}",
            one_of(it.as_array().map_or(&[], Vec::as_slice))
        ),
    });
    tests.collect::<Vec<_>>().join(" and ")
}

/// Returns what a value of a filter takes and none of the others does, as values.
fn left_out(value: &Value, others: &[Value]) -> Vec<Value> {
    if others.iter().any(|it| covers(it, value)) {
        return Vec::new();
    }
    // Of two lists of what is refused, the longer one takes away what only it names.
    let (Some(old), [other]) = (refused(value), others) else {
        return vec![value.clone()];
    };
    let Some(new) = refused(other) else {
        return vec![value.clone()];
    };
    new.into_iter().filter(|it| !old.contains(it)).collect()
}

/// The plain values that an `anything-but` refuses; `None` for anything else.
fn refused(value: &Value) -> Option<Vec<Value>> {
    let list = match value.get("anything-but")? {
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    };
    list.iter().all(|it| !it.is_object()).then_some(list)
}

/// Whether one value of a filter certainly takes all that another one takes.
fn covers(wide: &Value, narrow: &Value) -> bool {
    let text =
        |it: &Value, operator: &str| it.get(operator).and_then(Value::as_str).map(str::to_owned);
    let own = narrow.as_str();
    if wide == narrow || wide.get("exists") == Some(&Value::Bool(true)) {
        return wide == narrow || narrow.get("exists") != Some(&Value::Bool(false));
    }
    if let Some(prefix) = text(wide, "prefix") {
        let inner = text(narrow, "prefix").or_else(|| own.map(str::to_owned));
        return inner.is_some_and(|it| it.starts_with(&prefix));
    }
    if let Some(suffix) = text(wide, "suffix") {
        let inner = text(narrow, "suffix").or_else(|| own.map(str::to_owned));
        return inner.is_some_and(|it| it.ends_with(&suffix));
    }
    if let Some(same) = text(wide, "equals-ignore-case") {
        return own.is_some_and(|it| it.to_lowercase() == same.to_lowercase());
    }
    match (refused(wide), refused(narrow)) {
        (Some(few), Some(many)) => few.iter().all(|it| many.contains(it)),
        (Some(few), None) => own.is_some() && !few.contains(narrow),
        _ => false,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(stack: &Value, live: &Value) -> Vec<String> {
        narrowed(stack, live, "")
    }

    #[test]
    fn a_narrowed_filter_says_what_it_lets_through_no_longer() {
        use serde_json::json;
        for (stack, live, expected) in [
            (
                json!({"a": ["x", "y"]}),
                json!({"a": ["x"]}),
                vec!["messages whose `a` is y"],
            ),
            (
                json!({"$or": [{"a": ["x"]}, {"b": ["y"], "c": ["z"]}]}),
                json!({"$or": [{"a": ["x"]}]}),
                vec!["messages in which `b` is y and `c` is z"],
            ),
            // An alternative that takes more than before loses nothing.
            (
                json!({"$or": [{"a": ["x"]}]}),
                json!({"$or": [{"a": ["x", "y"]}]}),
                vec![],
            ),
            (
                json!({}),
                json!({"$or": [{"a": {"b": ["x"]}}, {"c": ["y"]}]}),
                vec!["messages in which neither `a.b` is x nor `c` is y"],
            ),
            (
                json!({"a": {"b": ["x", "y"], "$or": [{"c": ["1"]}, {"d": ["2"]}]}}),
                json!({"a": {"b": ["x"], "$or": [{"d": ["2"]}]}}),
                vec!["messages in which `a.c` is 1", "messages whose `a.b` is y"],
            ),
            (
                json!({"a": {"b": ["x"]}}),
                json!({"a": ["x"]}),
                vec!["messages whose `a` is not x"],
            ),
            (
                json!({"a": ["x"]}),
                json!({"a": {"b": ["x"]}}),
                vec!["messages whose `a.b` is not x"],
            ),
            (
                json!({"a": [{"prefix": "ab"}, "abc"]}),
                json!({"a": [{"prefix": "a"}]}),
                vec![],
            ),
            (
                json!({"a": [{"anything-but": ["x"]}]}),
                json!({"a": [{"anything-but": ["x", "y"]}]}),
                vec!["messages whose `a` is y"],
            ),
            (
                json!({"a": ["x"]}),
                json!({"a": [{"exists": true}]}),
                vec![],
            ),
            (
                json!({"a": [{"exists": false}]}),
                json!({"a": [{"exists": true}]}),
                vec!["messages whose `a` is absent"],
            ),
        ] {
            assert_eq!(lost(&stack, &live), expected, "{stack} {live}");
        }
    }
}
