//! Principals as statements name them.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::tags::short_hash;
use crate::model::{AccountId, Arn, Place};
use crate::policy::sessions;
use crate::policy::{Clause, Document, Effect, PrincipalClause, Statement, own};
use crate::stack::{Access, Network, Principal, Stack};

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
    /// An AWS service that acts for these.
    ServiceFor {
        /// The service.
        service: String,
        /// The patterns on `aws:SourceArn`; none where the account alone is asked for.
        sources: Vec<String>,
        /// What `aws:SourceAccount` must be.
        account: Option<AccountId>,
    },
    /// Everyone under a condition on one key: a network, an organization.
    Everyone {
        /// The condition's operator.
        operator: &'static str,
        /// The condition's key.
        key: &'static str,
        /// Its values.
        values: Vec<String>,
    },
}

impl Who {
    /// The principal that a statement names for it, where that is an AWS principal.
    pub(super) fn aws(&self) -> Option<&str> {
        match self {
            Self::Role(arn) => Some(arn.as_str()),
            Self::Matching { root, .. } | Self::Account(root) => Some(root),
            Self::Service(_)
            | Self::ServiceFor { .. }
            | Self::Oidc { .. }
            | Self::Everyone { .. } => None,
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
            Principal::ServiceFor {
                service,
                sources,
                account,
            } => Self::ServiceFor {
                service: service.clone(),
                sources: sources.clone(),
                account: account.clone(),
            },
            Principal::Organization { id, unit: None } => Self::Everyone {
                operator: "StringEquals",
                key: "aws:PrincipalOrgID",
                values: vec![id.clone()],
            },
            Principal::Organization {
                id,
                unit: Some(unit),
            } => Self::Everyone {
                operator: "ForAnyValue:StringLike",
                key: "aws:PrincipalOrgPaths",
                values: vec![format!("{id}/{unit}/*")],
            },
            Principal::Network(network) => Self::by(network),
        }
    }

    fn by(network: &Network) -> Self {
        let (operator, key, values) = match network {
            Network::VpcEndpoint(id) => ("StringEquals", "aws:SourceVpce", vec![id.clone()]),
            Network::Vpc(id) => ("StringEquals", "aws:SourceVpc", vec![id.clone()]),
            Network::Addresses(ranges) => ("IpAddress", "aws:SourceIp", ranges.clone()),
            // A request through a VPC endpoint has no `aws:SourceIp`.
            Network::VpcAddresses(ranges) => ("IpAddress", "aws:VpcSourceIp", ranges.clone()),
        };
        Self::Everyone {
            operator,
            key,
            values,
        }
    }
}

/// What the sessions of each role of a stack need, beyond `sts:AssumeRole`, to assume a further role.
pub(super) type PassedOn = BTreeMap<Arn, BTreeSet<&'static str>>;

/// Returns what the sessions of each role of a stack pass on to the roles that they assume, of those that do.
///
/// A session passes transitive tags on to every role it assumes, which needs `sts:TagSession` on both sides, and
/// its source identity, which needs `sts:SetSourceIdentity`. EKS Pod Identity makes all of its tags transitive.
/// What trusts a role that something else made is not known here: no statement is written for it.
///
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining> and
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html>.
pub(super) fn passed_on(stack: &Stack) -> PassedOn {
    let mut found = PassedOn::new();
    loop {
        let of_role = |arn: &Arn| found.get(arn).into_iter().flatten().copied();
        let brought = |principal: &Principal| -> Vec<&'static str> {
            match principal {
                Principal::Service(name) | Principal::ServiceFor { service: name, .. } => {
                    sessions::beyond_assuming(name).to_vec()
                }
                Principal::Role(name) => of_role(&stack.roles[name].arn).collect(),
                Principal::RoleArn(arn) => of_role(arn).collect(),
                _ => Vec::new(),
            }
        };
        let all = stack.roles.values().map(|it| {
            let by_policy = it.trust_policy.iter().flat_map(sessions::passed_on);
            let needs = by_policy.chain(it.trusted_by.iter().flat_map(brought));
            (it.arn.clone(), needs.collect::<BTreeSet<_>>())
        });
        let next: PassedOn = all.filter(|(_, needs)| !needs.is_empty()).collect();
        if next == found {
            return found;
        }
        found = next;
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
        Principal::ServiceFor {
            service,
            sources,
            account,
        } => match (sources.as_slice(), account) {
            ([], Some(id)) => format!("{service} for account {id}"),
            (sources, _) => format!("{service} for {}", sources.join(" or ")),
        },
        Principal::Organization { id, unit: None } => format!("organization {id}"),
        Principal::Organization {
            id,
            unit: Some(unit),
        } => format!("unit {unit} of organization {id}"),
        Principal::Network(Network::VpcEndpoint(id)) => format!("whoever comes through {id}"),
        Principal::Network(Network::Vpc(id)) => format!("callers in {id}"),
        Principal::Network(Network::Addresses(ranges) | Network::VpcAddresses(ranges)) => {
            format!("callers from {}", ranges.join(" or "))
        }
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
            Who::Service(_) | Who::ServiceFor { .. } | Who::Oidc { .. } | Who::Everyone { .. } => {
                false
            }
        }
    })
}

/// A short word for a principal, to make names of: what a tag's value may hold.
pub(super) fn short_name(principal: &Principal) -> String {
    let name = match principal {
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
        Principal::Service(name) | Principal::ServiceFor { service: name, .. } => {
            name.split('.').next().unwrap_or_default().to_owned()
        }
        Principal::Organization { id, unit } => {
            let own = unit.as_deref().and_then(|it| it.rsplit('/').next());
            own.map_or_else(|| id.clone(), |own| format!("{id}-{own}"))
        }
        Principal::Oidc { provider, .. } => provider
            .split(['.', '/'])
            .next()
            .unwrap_or_default()
            .to_owned(),
        Principal::Network(Network::VpcEndpoint(id) | Network::Vpc(id)) => id.clone(),
        Principal::Network(Network::Addresses(ranges) | Network::VpcAddresses(ranges)) => {
            ranges.join("-").replace(['/', ':'], "-")
        }
    };
    fit_for_a_tag(&name)
}

/// Returns a name as a tag's value may hold it: of IAM's letters, a comma is none of a tag's.
///
/// What is changed is told apart by a hash, so that no two names become one.
pub(super) fn fit_for_a_tag(name: &str) -> String {
    if name.contains(',') {
        return format!("{}-{}", name.replace(',', "-"), short_hash(name));
    }
    name.to_owned()
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
    let mut everyone: BTreeMap<(&str, &str), BTreeSet<String>> = BTreeMap::new();
    // Where only some name a source, theirs must not stand beside the others' account.
    let mut acting: BTreeMap<(&String, Option<&AccountId>, bool), BTreeSet<String>> =
        BTreeMap::new();
    for it in who {
        match it {
            Who::Role(arn) => roles.push(arn.to_string()),
            Who::Account(root) => accounts.push(root.clone()),
            Who::Service(name) => services.push(name.clone()),
            Who::Matching { root, pattern } => {
                patterns.entry(root).or_default().push(pattern.clone());
            }
            Who::ServiceFor {
                service,
                sources,
                account,
            } => acting
                .entry((service, account.as_ref(), sources.is_empty()))
                .or_default()
                .extend(sources.iter().cloned()),
            Who::Everyone {
                operator,
                key,
                values,
            } => everyone
                .entry((operator, key))
                .or_default()
                .extend(values.iter().cloned()),
            Who::Oidc { .. } => {}
        }
    }
    let mut add =
        |suffix: &str, principal: PrincipalClause, conditions: Vec<(&str, &str, Vec<String>)>| {
            let mut statement = base.clone().to(principal);
            statement.sid = Some(sid(suffix));
            for (operator, key, values) in conditions {
                statement = statement.when(operator, key, values);
            }
            statements.push(statement);
        };
    if !roles.is_empty() {
        add("", PrincipalClause::aws(roles), Vec::new());
    }
    if !accounts.is_empty() {
        add("accounts", PrincipalClause::aws(accounts), Vec::new());
    }
    if !services.is_empty() {
        add("services", PrincipalClause::service(services), Vec::new());
    }
    for ((service, account, _), sources) in acting {
        let mut conditions = Vec::new();
        let mut suffix = format!("by {service}");
        if !sources.is_empty() {
            suffix += " for resources";
            let sources = sources.into_iter().collect();
            conditions.push(("ArnLike", "aws:SourceArn", sources));
        }
        if let Some(id) = account {
            suffix += &format!(" of {id}");
            conditions.push(("StringEquals", "aws:SourceAccount", vec![id.to_string()]));
        }
        add(
            &suffix,
            PrincipalClause::service([service.clone()]),
            conditions,
        );
    }
    for (root, patterns) in patterns {
        let account = root.split(':').nth(4).unwrap_or_default();
        let suffix = format!("like {account}");
        add(
            &suffix,
            PrincipalClause::aws([root.clone()]),
            vec![("ArnLike", "aws:PrincipalArn", patterns)],
        );
    }
    for ((operator, key), values) in everyone {
        let suffix = match key {
            "aws:SourceVpce" => "endpoints",
            other => other,
        };
        let values = values.into_iter().collect();
        add(
            suffix,
            PrincipalClause::anyone(),
            vec![(operator, key, values)],
        );
    }
}

/// The trust policy that lets exactly these assume a role, with what their sessions pass on.
pub(super) fn trust_policy(
    stack: &str,
    passed_on: &PassedOn,
    place: &Place,
    who: &BTreeSet<Who>,
    external_id: Option<&str>,
) -> Document {
    let sid = |purpose: &str| own::sid(stack, purpose);
    let mut by_need: BTreeMap<BTreeSet<&str>, BTreeSet<Who>> = BTreeMap::new();
    for it in who {
        let needs: BTreeSet<&str> = match it {
            Who::Service(name) | Who::ServiceFor { service: name, .. } => {
                sessions::beyond_assuming(name).iter().copied().collect()
            }
            Who::Role(arn) => passed_on.get(arn).cloned().unwrap_or_default(),
            _ => BTreeSet::new(),
        };
        by_need.entry(needs).or_default().insert(it.clone());
    }
    let mut statements = Vec::new();
    for (needs, who) in by_need {
        let actions = std::iter::once("sts:AssumeRole").chain(needs.iter().copied());
        let mut base = Statement::allow("", Clause::of(actions));
        if let Some(id) = external_id {
            base = base.when("StringEquals", "sts:ExternalId", [id]);
        }
        let verbs: String = needs
            .iter()
            .filter_map(|it| it.strip_prefix("sts:"))
            .map(|it| format!("{it} "))
            .collect();
        statements_for(
            &who,
            &base,
            |suffix| sid(&format!("assume {verbs}{suffix}")),
            &mut statements,
        );
    }
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
            "[a-b]".prop_map(|it| Who::Everyone {
                operator: "StringEquals",
                key: "aws:SourceVpce",
                values: vec![format!("vpce-{it}")],
            }),
            ("[a-b]", prop::bool::ANY, prop::bool::ANY).prop_map(|(it, source, account)| {
                Who::ServiceFor {
                    service: format!("{it}.amazonaws.com"),
                    sources: Vec::from_iter(source.then(|| format!("arn:aws:s3:::{it}"))),
                    account: account.then(|| AccountId::parse("111111111111").expect("an id")),
                }
            }),
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
