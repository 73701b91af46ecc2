//! What differs between documents, statement by statement, in words.

use crate::model::{Arn, Detail};
use crate::policy::normal::normal_statement;
use crate::policy::{Document, Effect, PrincipalClause, Principals, Statement};

/// What differs between two lists of statements: whole statements, or, of one
/// that both have under its `Sid`, the parts that came and went.
#[must_use]
pub fn details(live: &[Statement], want: &[Statement]) -> Vec<Detail> {
    let only = |some: &[Statement], others: &[Statement]| -> Vec<Statement> {
        let others: Vec<_> = others.iter().map(normal_statement).collect();
        let left = some
            .iter()
            .filter(|it| !others.contains(&normal_statement(it)));
        left.cloned().collect()
    };
    let mut gone = only(live, want);
    let mut found = Vec::new();
    for new in only(want, live) {
        let old = gone
            .iter()
            .position(|it| it.sid.is_some() && it.sid == new.sid);
        match old.and_then(|it| parts(&gone[it], &new).map(|parts| (it, parts))) {
            Some((at, parts)) => {
                gone.remove(at);
                found.extend(parts);
            }
            None => found.push(Detail {
                sign: '+',
                text: describe(&new),
            }),
        }
    }
    found.extend(gone.iter().map(|it| Detail {
        sign: '-',
        text: describe(it),
    }));
    found
}

/// The parts in which two statements differ, when only one of their lists does.
fn parts(old: &Statement, new: &Statement) -> Option<Vec<Detail>> {
    type List = Box<dyn Fn(&mut Statement) -> Option<&mut Vec<String>>>;
    let part = |name: &str, list: List| (name.to_owned(), list);
    let mut all: Vec<(String, List)> = vec![
        part(
            "",
            Box::new(|it| match &mut it.principal.as_mut()?.principals {
                Principals::Of(types) if types.len() == 1 => types.values_mut().next(),
                Principals::Of(_) | Principals::Anyone => None,
            }),
        ),
        part("action ", Box::new(|it| Some(&mut it.action.values))),
        part(
            "on ",
            Box::new(|it| it.resource.as_mut().map(|it| &mut it.values)),
        ),
    ];
    for (operator, keys) in &new.conditions {
        for key in keys.keys() {
            let (operator, key) = (operator.clone(), key.clone());
            all.push((
                format!("{key} "),
                Box::new(move |it| it.conditions.get_mut(&operator)?.get_mut(&key)),
            ));
        }
    }
    for (name, list) in all {
        let (mut a, mut b) = (old.clone(), new.clone());
        let (Some(before), Some(after)) = (
            list(&mut a).map(std::mem::take),
            list(&mut b).map(std::mem::take),
        ) else {
            continue;
        };
        if normal_statement(&a) != normal_statement(&b) {
            continue;
        }
        let mut rest = new.clone();
        if let Some(values) = list(&mut rest) {
            *values = vec!["…".to_owned()];
        }
        let line = |sign, value: &String| Detail {
            sign,
            text: format!("{name}{value}  in: {}", describe(&rest)),
        };
        let added = after
            .iter()
            .filter(|it| !before.contains(it))
            .map(|it| line('+', it));
        let removed = before
            .iter()
            .filter(|it| !after.contains(it))
            .map(|it| line('-', it));
        return Some(added.chain(removed).collect());
    }
    None
}

/// The same for whole documents; a changed version is a detail of its own.
#[must_use]
pub fn document_details(live: &Document, want: &Document) -> Vec<Detail> {
    let mut found = details(&live.statements, &want.statements);
    if live.version != want.version {
        found.push(Detail {
            sign: '~',
            text: format!("Version {} -> {}", live.version, want.version),
        });
    }
    found
}

/// Returns the ARNs that a statement names, as principals, as resources or in conditions.
#[must_use]
pub fn arns_in(statement: &Statement) -> Vec<Arn> {
    let principals = statement
        .principal
        .iter()
        .flat_map(PrincipalClause::aws_values);
    let resources = statement.resource.iter().flat_map(|it| &it.values);
    let tests = statement.conditions.values().flat_map(|it| it.values());
    principals
        .chain(resources)
        .chain(tests.flatten())
        .filter_map(|it| Arn::parse(it).ok())
        .collect()
}

/// A statement in one line.
#[must_use]
pub fn describe(statement: &Statement) -> String {
    let effect = match statement.effect {
        Effect::Allow => "allow",
        Effect::Deny => "deny",
    };
    let mut text = effect.to_owned();
    if let Some(clause) = &statement.principal {
        let who = match &clause.principals {
            Principals::Anyone => "*".to_owned(),
            Principals::Of(types) => types
                .values()
                .flatten()
                .cloned()
                .collect::<Vec<_>>()
                .join(", "),
        };
        text += if clause.negated { " all but " } else { " " };
        text += &who;
    }
    text += if statement.action.negated {
        " all but "
    } else {
        " "
    };
    text += &statement.action.values.join(", ");
    if let Some(clause) = &statement.resource {
        text += if clause.negated {
            " on all but "
        } else {
            " on "
        };
        text += &clause.values.join(", ");
    }
    for (operator, keys) in &statement.conditions {
        for (key, values) in keys {
            text += &format!(" if {key} {operator} {}", values.join(" or "));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Clause;

    #[test]
    fn a_statement_reads_as_a_sentence() {
        let statement = Statement::allow("A", Clause::of(["sns:Publish"]))
            .to(PrincipalClause::aws(["arn:aws:iam::111111111111:role/a"]))
            .on(["arn:aws:sns:eu-west-1:222222222222:t"])
            .when("StringEquals", "aws:SourceAccount", ["1", "2"]);
        assert_eq!(
            describe(&statement),
            "allow arn:aws:iam::111111111111:role/a sns:Publish on arn:aws:sns:eu-west-1:222222222222:t \
             if aws:SourceAccount StringEquals 1 or 2"
        );
    }

    #[test]
    fn statements_that_mean_the_same_are_no_detail() {
        let one = Statement::allow("A", Clause::of(["sns:Publish"])).on(["*"]);
        let same = Statement::allow("A", Clause::of(["SNS:Publish"])).on(["*"]);
        let other = Statement::allow("A", Clause::of(["sns:Subscribe"])).on(["*"]);
        assert!(details(std::slice::from_ref(&one), &[same]).is_empty());
        assert_eq!(details(&[one], &[other]).len(), 2);
    }

    #[test]
    fn a_value_of_a_condition_that_came_or_went_is_one_line() {
        let subscribe = |queues: &[&str]| {
            Statement::allow("A", Clause::of(["sns:Subscribe"]))
                .on(["t"])
                .when("StringEquals", "sns:Endpoint", queues.iter().copied())
                .when("StringEquals", "sns:Protocol", ["sqs"])
        };
        let found = details(&[subscribe(&["a", "b"])], &[subscribe(&["b", "c"])]);
        let detail = |sign, text: &str| Detail {
            sign,
            text: text.to_owned(),
        };
        let rest = "in: allow sns:Subscribe on t if sns:Endpoint StringEquals … if sns:Protocol StringEquals sqs";
        assert_eq!(
            found,
            [
                detail('+', &format!("sns:Endpoint c  {rest}")),
                detail('-', &format!("sns:Endpoint a  {rest}")),
            ]
        );
    }

    #[test]
    fn a_principal_that_came_is_one_line() {
        let publish = |roles: &[&str]| {
            Statement::allow("A", Clause::of(["sns:Publish"]))
                .to(PrincipalClause::aws(roles.iter().copied()))
                .on(["t"])
        };
        let found = details(&[publish(&["a", "b"])], &[publish(&["c", "b", "a"])]);
        assert_eq!(
            found,
            [Detail {
                sign: '+',
                text: "c  in: allow … sns:Publish on t".to_owned()
            }]
        );
    }
}
