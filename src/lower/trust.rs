//! Principals as statements name them.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{AccountId, Arn, Place};
use crate::policy::{Clause, Document, Effect, PrincipalClause, Statement, own};
use crate::stack::{Access, Principal, Stack};

/// Who, once names are ARNs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    /// Exactly this role.
    Role(Arn),
    /// The roles of an account whose ARN matches.
    Matching {
        /// The account's root ARN.
        root: String,
        /// The pattern on `aws:PrincipalArn`.
        pattern: String,
    },
    /// Whoever this account's own policies let: its root ARN.
    Account(String),
    /// An AWS service.
    Service(String),
    /// Tokens of an OIDC provider.
    Oidc {
        /// The provider's host and path.
        provider: String,
        /// The audience.
        audience: String,
        /// The subjects.
        subjects: Vec<String>,
    },
    /// Whoever comes through this VPC endpoint.
    VpcEndpoint(String),
}

impl Who {
    /// The principal that a statement names for it, where that is an AWS principal.
    pub(super) fn aws(&self) -> Option<&str> {
        match self {
            Self::Role(arn) => Some(arn.as_str()),
            Self::Matching { root, .. } | Self::Account(root) => Some(root),
            Self::Service(_) | Self::Oidc { .. } | Self::VpcEndpoint(_) => None,
        }
    }

    /// The principal of a stack, as seen from a place's partition.
    pub(super) fn of(principal: &Principal, stack: &Stack, place: &Place) -> Self {
        let root = |id: &AccountId| Arn::root(place.partition().as_str(), id).to_string();
        match principal {
            Principal::Role(name) => Self::Role(stack.roles[name].arn.clone()),
            Principal::RoleArn(arn) => Self::Role(arn.clone()),
            // A principal element names only what exists; a condition names what may come.
            Principal::Named(arn) => Self::Matching {
                root: format!("arn:{}:iam::{}:root", arn.partition(), arn.account()),
                pattern: arn.to_string(),
            },
            Principal::RolePrefix { account, prefix } => Self::Matching {
                root: root(account),
                pattern: format!("arn:{}:iam::{account}:role/{prefix}*", place.partition()),
            },
            Principal::Account(id) => Self::Account(root(id)),
            Principal::Service(name) => Self::Service(name.clone()),
            Principal::Oidc {
                provider,
                audience,
                subjects,
            } => Self::Oidc {
                provider: provider.clone(),
                audience: audience.clone(),
                subjects: subjects.clone(),
            },
            Principal::VpcEndpoint(id) => Self::VpcEndpoint(id.clone()),
        }
    }
}

/// How an author calls a principal.
#[must_use]
pub fn name_of(principal: &Principal) -> String {
    match principal {
        Principal::Role(name) => format!("roles.{name}"),
        Principal::RoleArn(arn) | Principal::Named(arn) => arn.to_string(),
        Principal::RolePrefix { account, prefix } => {
            format!("roles {prefix}* of account {account}")
        }
        Principal::Account(id) => format!("account {id}"),
        Principal::Service(name) => name.clone(),
        Principal::Oidc {
            provider, subjects, ..
        } => format!("{} of {provider}", subjects.join(" or ")),
        Principal::VpcEndpoint(id) => format!("whoever comes through {id}"),
    }
}

/// Who an access is for: a role that the stack declares may also be named by its ARN.
#[must_use]
pub fn caller(stack: &Stack, access: &Access) -> Principal {
    match &access.from {
        Principal::RoleArn(arn) => stack
            .roles
            .iter()
            .find(|(_, role)| role.arn == *arn)
            .map_or_else(
                || access.from.clone(),
                |(name, _)| Principal::Role(name.clone()),
            ),
        other => other.clone(),
    }
}

/// Whether a policy lets somebody in by name.
pub(super) fn trusts(trust: &Document, who: &Who) -> bool {
    let mut allows = trust
        .statements
        .iter()
        .filter(|it| it.effect == Effect::Allow);
    allows.any(|it| {
        let names = it.principal.as_ref().map_or(&[][..], |it| it.aws_values());
        let named = |arn: &str| names.iter().any(|it| it == arn);
        let like: Vec<&String> = it
            .conditions
            .values()
            .flatten()
            .filter(|(key, _)| key.eq_ignore_ascii_case("aws:PrincipalArn"))
            .flat_map(|(_, values)| values)
            .collect();
        match who {
            Who::Role(arn) => named(arn.as_str()),
            Who::Matching { root, pattern } => named(root) && like.contains(&pattern),
            Who::Account(root) => named(root) && like.is_empty(),
            // These are dealt out anew each time, and come where they were.
            Who::Service(_) | Who::Oidc { .. } | Who::VpcEndpoint(_) => false,
        }
    })
}

/// A short word for a principal, to make names of.
pub(super) fn short_name(principal: &Principal) -> String {
    match principal {
        Principal::Role(name) => name.clone(),
        Principal::RoleArn(arn) | Principal::Named(arn) => {
            format!("{}-{}", arn.account(), arn.name())
        }
        Principal::RolePrefix { account, prefix } => {
            format!(
                "{account}-{}",
                prefix.trim_matches(['-', '/']).replace('/', "-")
            )
        }
        Principal::Account(id) => id.to_string(),
        Principal::Service(name) => name.split('.').next().unwrap_or_default().to_owned(),
        Principal::Oidc { provider, .. } => provider
            .split(['.', '/'])
            .next()
            .unwrap_or_default()
            .to_owned(),
        Principal::VpcEndpoint(id) => id.clone(),
    }
}

/// Adds to `statements` one statement for each shape of principal in `who`: a
/// copy of `base` that lets exactly those in. Roles share one statement.
pub(super) fn statements_for(
    who: &BTreeSet<Who>,
    base: &Statement,
    sid: impl Fn(&str) -> String,
    statements: &mut Vec<Statement>,
) {
    let mut roles = Vec::new();
    let mut accounts = Vec::new();
    let mut services = Vec::new();
    let mut patterns: BTreeMap<&String, Vec<String>> = BTreeMap::new();
    let mut endpoints = Vec::new();
    for it in who {
        match it {
            Who::Role(arn) => roles.push(arn.to_string()),
            Who::Account(root) => accounts.push(root.clone()),
            Who::Service(name) => services.push(name.clone()),
            Who::Matching { root, pattern } => {
                patterns.entry(root).or_default().push(pattern.clone());
            }
            Who::VpcEndpoint(id) => endpoints.push(id.clone()),
            Who::Oidc { .. } => {}
        }
    }
    let mut add =
        |suffix: &str, principal: PrincipalClause, condition: Option<(&str, &str, Vec<String>)>| {
            let mut statement = base.clone().to(principal);
            statement.sid = Some(sid(suffix));
            if let Some((operator, key, values)) = condition {
                statement = statement.when(operator, key, values);
            }
            statements.push(statement);
        };
    if !roles.is_empty() {
        add("", PrincipalClause::aws(roles), None);
    }
    if !accounts.is_empty() {
        add("accounts", PrincipalClause::aws(accounts), None);
    }
    if !services.is_empty() {
        add("services", PrincipalClause::service(services), None);
    }
    for (root, patterns) in patterns {
        let account = root.split(':').nth(4).unwrap_or_default();
        let suffix = format!("like {account}");
        add(
            &suffix,
            PrincipalClause::aws([root.clone()]),
            Some(("ArnLike", "aws:PrincipalArn", patterns)),
        );
    }
    if !endpoints.is_empty() {
        add(
            "endpoints",
            PrincipalClause::anyone(),
            Some(("StringEquals", "aws:SourceVpce", endpoints)),
        );
    }
}

/// The trust policy that lets exactly these assume a role.
pub(super) fn trust_policy(
    stack: &str,
    place: &Place,
    who: &BTreeSet<Who>,
    external_id: Option<&str>,
) -> Document {
    let sid = |purpose: &str| own::sid(stack, purpose);
    let mut base = Statement::allow("", Clause::of(["sts:AssumeRole"]));
    if let Some(id) = external_id {
        base = base.when("StringEquals", "sts:ExternalId", [id]);
    }
    let mut statements = Vec::new();
    statements_for(
        who,
        &base,
        |suffix| sid(&format!("assume {suffix}")),
        &mut statements,
    );
    let mut tokens = 0;
    for it in who {
        let Who::Oidc {
            provider,
            audience,
            subjects,
        } = it
        else {
            continue;
        };
        let arn = format!(
            "arn:{}:iam::{}:oidc-provider/{provider}",
            place.partition(),
            place.id
        );
        tokens += 1;
        statements.push(
            Statement::allow(
                sid(&format!("assume by token {tokens}")),
                Clause::of(["sts:AssumeRoleWithWebIdentity"]),
            )
            .to(PrincipalClause::federated([arn]))
            .when(
                "StringEquals",
                &format!("{provider}:aud"),
                [audience.as_str()],
            )
            .when("StringLike", &format!("{provider}:sub"), subjects.clone()),
        );
    }
    if statements.is_empty() {
        // IAM takes no role without a trust policy: this one lets nobody in.
        let mut nobody = Statement::allow(sid("nobody"), Clause::of(["sts:AssumeRole"]))
            .to(PrincipalClause::anyone());
        nobody.effect = Effect::Deny;
        statements.push(nobody);
    }
    Document::of(statements)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::{Change, compare};

    fn who() -> impl Strategy<Value = Who> {
        let account = prop::sample::select(vec!["111111111111", "222222222222"]);
        let root = |it: &str| format!("arn:aws:iam::{it}:root");
        prop_oneof![
            (account.clone(), "[a-d]{1,2}").prop_map(|(account, name)| {
                let arn = format!("arn:aws:iam::{account}:role/{name}");
                Who::Role(Arn::parse(&arn).expect("an ARN"))
            }),
            (account.clone(), "[a-d]").prop_map(move |(account, prefix)| Who::Matching {
                root: root(account),
                pattern: format!("arn:aws:iam::{account}:role/{prefix}*"),
            }),
            account.prop_map(move |it| Who::Account(root(it))),
            "[a-b]".prop_map(|it| Who::Service(format!("{it}.amazonaws.com"))),
            "[a-b]".prop_map(|it| Who::VpcEndpoint(format!("vpce-{it}"))),
        ]
    }

    fn folded(who: &BTreeSet<Who>) -> Vec<Statement> {
        let base = Statement::allow("", Clause::of(["execute-api:Invoke"]))
            .on(["arn:aws:execute-api:eu-west-1:333333333333:abc/live/GET/orders/*"]);
        let mut statements = Vec::new();
        statements_for(who, &base, |it| own::sid("s", it), &mut statements);
        statements
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn folding_principals_never_changes_what_a_policy_means(who in prop::collection::btree_set(who(), 1..8)) {
            let apart = who.iter().flat_map(|it| folded(&BTreeSet::from([it.clone()]))).collect();
            let verdict = compare(&Document::of(apart), &Document::of(folded(&who)));
            let same = matches!(verdict.verdict, Change::Equal | Change::Cosmetic);
            prop_assert!(same, "{verdict:?}");
        }

        #[test]
        fn one_more_principal_touches_one_statement(
            who in prop::collection::btree_set(who(), 0..8), new in who(),
        ) {
            let mut more = who.clone();
            more.insert(new);
            let (before, after) = (folded(&who), folded(&more));
            let touched = after.iter().filter(|it| !before.contains(it)).count();
            prop_assert!(touched <= 1, "{touched} of {}", after.len());
            prop_assert!(after.len() <= before.len() + 1);
        }
    }
}
