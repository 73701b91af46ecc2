//! What a change of a document takes away: each principal that is cut off.

use super::widen::compare_of;
use super::{
    Clause, Document, Effect, PrincipalClause, Principals, Request, Statement, same_statement,
};

/// Most parts of statements that are compared one by one.
const MOST_PARTS: usize = 400;

/// All that the stack allows and AWS refuses: of each statement, each principal with each action and
/// resource, and a request that shows it. `owner` is the account of the documents' resource, where they have one.
#[must_use]
pub fn cut_off(
    stack: &Document,
    live: &Document,
    owner: Option<&str>,
) -> Vec<(Statement, Request)> {
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
            let request = compare_of(&alone, live, owner, false)
                .loses
                .into_iter()
                .next()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    const ROLES: [&str; 2] = [
        "arn:aws:iam::111111111111:role/a",
        "arn:aws:iam::111111111111:role/b",
    ];
    const TOPIC: &str = "arn:aws:sns:eu-west-1:222222222222:t";

    /// A statement that allows these roles to do these things with the topic.
    fn lets(roles: &[&str], actions: &[&str]) -> Statement {
        let actions = Clause::of(actions.iter().copied());
        Statement::allow("", actions)
            .on([TOPIC])
            .to(PrincipalClause::aws(roles.iter().copied()))
    }

    fn refuses(action: &str) -> Statement {
        Statement {
            effect: Effect::Deny,
            ..lets(&[], &[action]).to(PrincipalClause::anyone())
        }
    }

    /// Each loss as `principal action`, of the part of a statement and of the request that shows it.
    fn lost(stack: Vec<Statement>, live: Vec<Statement>) -> Vec<String> {
        let found = cut_off(&Document::of(stack), &Document::of(live), None);
        let words = found.iter().map(|(part, request)| {
            let actions = part.action.values.join(" and ");
            let principals = part.principal.as_ref().map(PrincipalClause::aws_values);
            let roles = principals.unwrap_or_default().join(" and ");
            let shown = format!("{} {}", request.principal, request.action);
            if shown == format!("{roles} {actions}") {
                shown
            } else {
                format!("{roles} {actions}: {shown}")
            }
        });
        words.collect()
    }

    #[test]
    fn each_principal_and_action_that_is_taken_away_is_named_once() {
        let (publish, subscribe) = ("sns:Publish", "sns:Subscribe");
        let both = || lets(&ROLES, &[publish, subscribe]);
        let of = |role: &str, action: &str| format!("{role} {action}");
        assert_eq!(lost(vec![both()], vec![both()]), [""; 0]);
        assert_eq!(
            lost(vec![both()], vec![lets(&ROLES[..1], &[publish, subscribe])]),
            [of(ROLES[1], publish), of(ROLES[1], subscribe)]
        );
        assert_eq!(
            lost(vec![both()], vec![lets(&ROLES, &[publish])]),
            [of(ROLES[0], subscribe), of(ROLES[1], subscribe)]
        );
        // The same in two statements is no loss.
        let apart = ROLES.map(|it| lets(&[it], &[publish, subscribe]));
        assert_eq!(lost(vec![both()], apart.to_vec()), [""; 0]);
    }

    #[test]
    fn a_new_denial_takes_away_from_the_statements_that_stay() {
        let publish = || lets(&ROLES[..1], &["sns:Publish"]);
        let lost_to = |stack: Vec<Statement>| {
            let live = vec![publish(), refuses("sns:Publish")];
            lost(stack, live)
        };
        assert_eq!(
            lost_to(vec![publish()]),
            [format!("{} sns:Publish", ROLES[0])]
        );
        // One that was there before took it away already.
        assert_eq!(lost_to(vec![publish(), refuses("sns:Publish")]), [""; 0]);
    }

    #[test]
    fn a_statement_of_all_but_some_stays_whole() {
        let mut others = lets(&ROLES[..1], &["sns:Publish", "sns:Subscribe"]);
        others.action.negated = true;
        let found = cut_off(
            &Document::of(vec![others.clone()]),
            &Document::of(vec![]),
            None,
        );
        let parts: Vec<Statement> = found.into_iter().map(|it| it.0).collect();
        assert_eq!(parts, [others]);
    }

    #[test]
    fn a_statement_of_several_resources_loses_the_ones_that_are_gone() {
        let other = "arn:aws:sns:eu-west-1:222222222222:u";
        let both = lets(&ROLES[..1], &["sns:Publish"]).on([TOPIC, other]);
        let one = lets(&ROLES[..1], &["sns:Publish"]);
        let found = cut_off(
            &Document::of(vec![both]),
            &Document::of(vec![one.clone()]),
            None,
        );
        let parts: Vec<Statement> = found.into_iter().map(|it| it.0).collect();
        assert_eq!(parts, [one.on([other])]);
    }
}
