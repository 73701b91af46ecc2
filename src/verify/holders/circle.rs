//! Whose access is looked for: who is meant, and who is not.

use std::collections::BTreeSet;

use crate::policy::document::Conditions;
use crate::policy::rules::is_session_of;
use crate::policy::{Clause, Document, Effect, PrincipalClause, Statement};
use crate::stack::{Principal, Whom};

use super::super::bound::{Name, account_of, covers, named, names};
use super::super::paper::allowing;
use super::super::world::{Thing, What};
use super::{Ask, Search, is_whole};

/// Whose access is looked for.
#[derive(Clone, Debug)]
pub struct Circle<'a> {
    /// These.
    pub who: &'a [Whom],
    /// And not these, nor whoever acts through them.
    pub except: &'a [Principal],
}

impl Search<'_> {
    /// What is not asked about, as a document: what lies within it is none of the answer.
    pub(super) fn permitted(&self, ask: &Ask<'_>, circle: &Circle<'_>) -> Document {
        let thing = ask.thing;
        let is_role = matches!(thing.what, What::Role { .. });
        let on = |statement: Statement| {
            if is_role {
                statement
            } else {
                statement.on(["*"])
            }
        };
        let blank = |action: Clause| Statement {
            sid: None,
            ..Statement::allow("", action)
        };
        let others = Clause {
            negated: true,
            values: ask.actions.clone(),
        };
        let mut statements = vec![on(blank(others).to(PrincipalClause::aws(["*"])))];
        for principal in circle.except {
            let (name, conditions) = names(principal, self.stack, thing);
            let clause = match name.0.as_str() {
                "AWS" => PrincipalClause::aws([name.1]),
                "Service" => PrincipalClause::service([name.1]),
                _ => PrincipalClause::federated([name.1]),
            };
            let mut statement = on(blank(Clause::of(["*"])).to(clause));
            statement.conditions = conditions;
            statements.push(statement);
        }
        let only_outside = circle.who.iter().all(|it| *it == Whom::Outside);
        if only_outside {
            let accounts = self.accounts();
            // By its account: in the resource's own account, a root stands only for those whom a policy of theirs lets.
            let inside = blank(Clause::of(["*"])).to(PrincipalClause::aws(["*"]));
            let ids = accounts.iter().cloned();
            statements.push(on(inside).when("StringEquals", "aws:PrincipalAccount", ids));
            let services: BTreeSet<String> = thing
                .policy
                .iter()
                .flat_map(allowing)
                .flat_map(|it| it.principal.iter().flat_map(named))
                .filter(|it| it.0 == "Service")
                .map(|it| it.1)
                .collect();
            for service in services {
                let by = |operator: &str, key: &str, values: Vec<String>| {
                    on(blank(Clause::of(["*"])).to(PrincipalClause::service([service.clone()])))
                        .when(operator, key, values)
                };
                let of_account = |it: &String| format!("arn:*:*:*:{it}:*");
                statements.push(by(
                    "StringEquals",
                    "aws:SourceAccount",
                    accounts.iter().cloned().collect(),
                ));
                statements.push(by(
                    "ArnLike",
                    "aws:SourceArn",
                    accounts.iter().map(of_account).collect(),
                ));
            }
        }
        Document::of(statements)
    }

    /// The ids of the stack's accounts.
    pub(super) fn accounts(&self) -> BTreeSet<String> {
        let ids = self.stack.accounts.values();
        ids.map(|it| it.place.id.to_string()).collect()
    }

    /// Those of a circle whom a name stands for, each with what must hold beside.
    pub(super) fn narrowed(
        &self,
        name: &Name,
        circle: &Circle<'_>,
        thing: &Thing,
    ) -> Vec<(Name, Conditions)> {
        let mut found = Vec::new();
        for whom in circle.who {
            match whom {
                Whom::Anyone => found.push((name.clone(), Conditions::new())),
                Whom::Outside => {
                    // Whom a service assumes a role for is the role's own business.
                    let service = name.0 == "Service" && matches!(thing.what, What::Role { .. });
                    let account = name.1.split(':').nth(4).unwrap_or_default();
                    let inside = name.0 == "AWS" && self.accounts().contains(account);
                    if !service && !inside {
                        found.push((name.clone(), Conditions::new()));
                    }
                }
                Whom::Unsigned => {
                    if name.1 == "*" {
                        let mut conditions = Conditions::new();
                        conditions
                            .entry("Null".to_owned())
                            .or_default()
                            .insert("aws:PrincipalArn".to_owned(), vec!["true".to_owned()]);
                        found.push((name.clone(), conditions));
                    }
                }
                Whom::Principal(principal) => {
                    let (own, conditions) = names(principal, self.stack, thing);
                    let wider = name.1 == "*" || is_account_of(&name.1, &own);
                    if *name == own || (name.0 == "AWS" && wider) {
                        found.push((own, conditions));
                    } else if name.0 == "AWS"
                        && (is_account_of(&own.1, name) && covers(principal, self.stack, &name.1)
                            || self.covers_session(principal, &name.1))
                    {
                        found.push((name.clone(), Conditions::new()));
                    }
                }
            }
        }
        found
    }

    /// Whether an ARN is a session's, whose role a principal of a stack may stand for: the session's ARN leaves out the role's path.
    fn covers_session(&self, principal: &Principal, session: &str) -> bool {
        if !session.contains(":assumed-role/") {
            return false;
        }
        if let Some(role) = self.role_named(session) {
            return covers(principal, self.stack, &role.arn);
        }
        let account = session.split(':').nth(4).unwrap_or_default();
        let name = session.split('/').nth(1).unwrap_or_default();
        match principal {
            Principal::RoleArn(own) | Principal::Named(own) => is_session_of(session, own.as_str()),
            Principal::RolePrefix {
                account: id,
                prefix,
            } => {
                let last = prefix.rsplit('/').next().unwrap_or_default();
                id.as_str() == account && name.starts_with(last)
            }
            Principal::Account(id) => id.as_str() == account,
            _ => false,
        }
    }

    /// Whether a role of the world is of a circle.
    pub(super) fn inside(&self, circle: &Circle<'_>, role: &Thing) -> bool {
        let meant = circle.who.iter().any(|it| match it {
            Whom::Anyone => true,
            Whom::Outside => !self.accounts().contains(account_of(role)),
            Whom::Unsigned => false,
            Whom::Principal(it) => covers(it, self.stack, &role.arn),
        });
        meant && !self.covered(circle.except, &role.arn)
    }

    pub(super) fn covered(&self, principals: &[Principal], arn: &str) -> bool {
        principals.iter().any(|it| covers(it, self.stack, arn))
    }
}

/// Whether an ARN is the root of the account that a name is of.
fn is_account_of(account: &str, name: &Name) -> bool {
    is_whole(account) && account.split(':').nth(4) == name.1.split(':').nth(4)
}

/// Adds to a statement that allows what must hold beside.
///
/// A statement asks once for a key by one operator. What it asks for already stays, and the rest is denied by the
/// statements that are returned.
pub(super) fn also(statement: &mut Statement, conditions: Conditions) -> Vec<Statement> {
    let mut besides = Vec::new();
    for (operator, keys) in conditions {
        for (key, values) in keys {
            let asked = statement.conditions.entry(operator.clone()).or_default();
            let Some(own) = asked.get(&key) else {
                asked.insert(key, values);
                continue;
            };
            if *own == values {
                continue;
            }
            let (operator, values) = opposite(&operator, values);
            let deny = Statement {
                sid: None,
                effect: Effect::Deny,
                principal: Some(PrincipalClause::anyone()),
                action: Clause::of(["*"]),
                resource: statement.resource.as_ref().map(|_| Clause::of(["*"])),
                conditions: Conditions::new(),
            };
            besides.push(deny.when(&operator, &key, values));
        }
    }
    besides
}

/// The operator and values that hold where these do not.
fn opposite(operator: &str, values: Vec<String>) -> (String, Vec<String>) {
    if operator == "Null" {
        let flipped = values.iter().map(|it| (it != "true").to_string());
        return (operator.to_owned(), flipped.collect());
    }
    let (set, word) = operator.split_once(':').unwrap_or(("", operator));
    let set = if set.is_empty() { "" } else { "ForAllValues:" };
    let word = match word.split_at_checked(word.find(['E', 'L']).unwrap_or_default()) {
        Some((head, tail)) if !head.is_empty() => format!("{head}Not{tail}"),
        _ => format!("Not{word}"),
    };
    (format!("{set}{word}"), values)
}
