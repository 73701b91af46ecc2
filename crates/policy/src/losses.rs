//! What a change of a document takes away: each principal that is cut off.

use super::{
    Clause, Document, Effect, PrincipalClause, Principals, Request, Statement, compare,
    same_statement,
};

/// Most parts of statements that are compared one by one.
const MOST_PARTS: usize = 400;

/// All that the stack allows and AWS refuses: of each statement, each principal with each action and
/// resource, and a request that shows it.
#[must_use]
pub fn cut_off(stack: &Document, live: &Document) -> Vec<(Statement, Request)> {
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
