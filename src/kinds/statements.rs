//! What differs between documents, statement by statement, in words.

use crate::model::Detail;
use crate::policy::normal::normal_statement;
use crate::policy::{Document, Effect, Principals, Statement};

/// The statements that are in one list only, by their meaning.
#[must_use]
pub fn details(live: &[Statement], want: &[Statement]) -> Vec<Detail> {
    let only = |these: &[Statement], those: &[Statement], sign: char| -> Vec<Detail> {
        let those: Vec<_> = those.iter().map(normal_statement).collect();
        these
            .iter()
            .filter(|it| !those.contains(&normal_statement(it)))
            .map(|it| Detail {
                sign,
                text: describe(it),
            })
            .collect()
    };
    let mut found = only(want, live, '+');
    found.extend(only(live, want, '-'));
    found
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
    use crate::policy::{Clause, PrincipalClause};

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
}
