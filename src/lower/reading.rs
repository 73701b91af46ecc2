//! Statements read back: the other direction of `trust.rs` and `access.rs`.
//!
//! What is read here is a proposal. Whoever reads lowers it and compares the result with the statement, so
//! what is read can never mean something else than what lowering writes.

use std::collections::BTreeMap;

use super::access_roles::Naming;
use crate::model::{AccountId, Address, Arn, KindName};
use crate::policy::{Principals, Statement};
use crate::stack::{Network, Principal, Subscribing};

/// The tests of a statement, each with its values, by operator and key in lower case.
type Tests<'a> = BTreeMap<(String, String), &'a Vec<String>>;

fn tests(statement: &Statement) -> Tests<'_> {
    let by_operator = statement.conditions.iter();
    by_operator
        .flat_map(|(operator, keys)| {
            keys.iter().map(move |(key, values)| {
                let name = (operator.to_ascii_lowercase(), key.to_ascii_lowercase());
                (name, values)
            })
        })
        .collect()
}

fn take<'a>(tests: &mut Tests<'a>, operator: &str, key: &str) -> Option<&'a [String]> {
    let values = tests.remove(&(operator.to_owned(), key.to_owned()))?;
    Some(values)
}

/// Returns the external id that a statement of a trust policy asks for.
#[must_use]
pub fn external_id(statement: &Statement) -> Option<&str> {
    let values = take(&mut tests(statement), "stringequals", "sts:externalid")?;
    values.first().map(String::as_str)
}

/// Returns the principals for whom a stack could have a statement, its external id aside: a role by its ARN.
/// `None` where no principal of a stack is written so.
#[must_use]
pub fn principals(statement: &Statement) -> Option<Vec<Principal>> {
    let mut tests = tests(statement);
    take(&mut tests, "stringequals", "sts:externalid");
    let clause = statement.principal.as_ref().filter(|it| !it.negated)?;
    let types = match &clause.principals {
        Principals::Anyone => return everyone(tests),
        Principals::Of(types) => types,
    };
    let (kind, values) = types.first_key_value().filter(|_| types.len() == 1)?;
    match kind.as_str() {
        "AWS" if values == &["*"] => everyone(tests),
        "AWS" => aws(values, tests),
        "Service" => services(values, tests),
        "Federated" => token(values, tests).map(|it| vec![it]),
        _ => None,
    }
}

/// Everyone under a condition: of an organization, or by a network.
fn everyone(mut tests: Tests<'_>) -> Option<Vec<Principal>> {
    let ((operator, key), values) = tests.pop_first().filter(|_| tests.is_empty())?;
    let each = |read: &dyn Fn(&String) -> Option<Principal>| values.iter().map(read).collect();
    let network = |it: Network| Some(Principal::Network(it));
    match (operator.as_str(), key.as_str()) {
        ("stringequals", "aws:principalorgid") => each(&|id| {
            Some(Principal::Organization {
                id: id.clone(),
                unit: None,
            })
        }),
        ("foranyvalue:stringlike", "aws:principalorgpaths") => each(&|path| {
            let (id, unit) = path.strip_suffix("/*")?.split_once('/')?;
            Some(Principal::Organization {
                id: id.to_owned(),
                unit: Some(unit.to_owned()),
            })
        }),
        ("stringequals", "aws:sourcevpce") => each(&|id| network(Network::VpcEndpoint(id.clone()))),
        ("stringequals", "aws:sourcevpc") => each(&|id| network(Network::Vpc(id.clone()))),
        ("ipaddress", "aws:sourceip") => {
            network(Network::Addresses(values.clone())).map(|it| vec![it])
        }
        ("ipaddress", "aws:vpcsourceip") => {
            network(Network::VpcAddresses(values.clone())).map(|it| vec![it])
        }
        _ => None,
    }
}

/// Roles and accounts by name, or the roles of accounts whose path and name begin alike.
fn aws(values: &[String], mut tests: Tests<'_>) -> Option<Vec<Principal>> {
    let Some(patterns) = take(&mut tests, "arnlike", "aws:principalarn") else {
        let named = values.iter().map(|it| {
            if let Some(id) = AccountId::parse(it) {
                return Some(Principal::Account(id));
            }
            let arn = Arn::parse(it).ok().filter(|it| it.service() == "iam")?;
            if arn.resource() == "root" {
                return arn.account_id().map(Principal::Account);
            }
            arn.resource().strip_prefix("role/")?;
            Some(Principal::RoleArn(arn))
        });
        return tests.is_empty().then(|| named.collect())?;
    };
    let like = patterns.iter().map(|it| {
        let arn = Arn::parse(it).ok()?;
        let role = arn.resource().strip_prefix("role/")?;
        let Some(prefix) = role.strip_suffix('*') else {
            return Some(Principal::Named(arn));
        };
        Some(Principal::RolePrefix {
            account: arn.account_id()?,
            prefix: prefix.to_owned(),
        })
    });
    tests.is_empty().then(|| like.collect())?
}

/// Services in their own name, or one that acts for resources or an account.
fn services(values: &[String], mut tests: Tests<'_>) -> Option<Vec<Principal>> {
    if tests.is_empty() {
        return Some(values.iter().cloned().map(Principal::Service).collect());
    }
    let [service] = values else { return None };
    let sources = take(&mut tests, "arnlike", "aws:sourcearn");
    let account = match take(&mut tests, "stringequals", "aws:sourceaccount") {
        Some([id]) => Some(AccountId::parse(id)?),
        Some(_) => return None,
        None => None,
    };
    tests.is_empty().then(|| {
        vec![Principal::ServiceFor {
            service: service.clone(),
            sources: sources.unwrap_or_default().to_vec(),
            account,
        }]
    })
}

/// Tokens of an OIDC provider.
fn token(providers: &[String], mut tests: Tests<'_>) -> Option<Principal> {
    let [provider] = providers else { return None };
    let arn = Arn::parse(provider).ok()?;
    let host = arn.resource().strip_prefix("oidc-provider/")?;
    let claim = |name: &str| format!("{host}:{name}").to_ascii_lowercase();
    let [audience] = take(&mut tests, "stringequals", &claim("aud"))? else {
        return None;
    };
    let subjects = take(&mut tests, "stringlike", &claim("sub"))?;
    tests.is_empty().then(|| Principal::Oidc {
        provider: host.to_owned(),
        audience: audience.clone(),
        subjects: subjects.to_vec(),
    })
}

/// Returns who may subscribe to a topic by a statement; `None` where no stack writes it so.
#[must_use]
pub fn subscribers(statement: &Statement) -> Option<Vec<Subscribing>> {
    let mut tests = tests(statement);
    take(&mut tests, "stringequals", "sns:protocol").filter(|it| *it == ["sqs"])?;
    let exact = take(&mut tests, "stringequals", "sns:endpoint");
    let like = take(&mut tests, "stringlike", "sns:endpoint");
    let queue = |it: &String| Arn::parse(it).ok().map(Subscribing::Queue);
    let found = match (exact, like) {
        (Some(queues), None) => queues.iter().map(queue).collect(),
        (None, Some([all])) => {
            let account = Arn::parse(all).ok()?.account_id()?;
            Some(vec![Subscribing::Account(account)])
        }
        _ => None,
    };
    found.filter(|_| tests.is_empty())
}

/// The names, in a stack and in IAM, of the access role to a target that one consumer has to itself.
#[must_use]
pub fn usual_access_role(stack: &str, target: &Address, from: &Principal) -> (String, String) {
    let naming = Naming {
        stack,
        target,
        own: None,
        moved: &[],
    };
    naming.names(from)
}

/// Returns what moved, so that an access role has these names: addresses before, each with the one of today.
#[must_use]
pub fn moved_since(
    stack: &str,
    target: &Address,
    from: &Principal,
    names: (&str, &str),
) -> Option<Vec<(Address, Address)>> {
    const FOR: &str = "-for-";
    let splits = names.0.match_indices(FOR);
    splits.into_iter().find_map(|(at, _)| {
        let first = Address::new(target.kind, &names.0[..at]);
        let (caller, role) = match from {
            Principal::Role(name) => {
                let before = &names.0[at + FOR.len()..];
                let address = |it: &str| Address::new(KindName::Role, it);
                let caller = Principal::Role(before.to_owned());
                (caller, Some((address(before), address(name))))
            }
            other => (other.clone(), None),
        };
        let (key, in_iam) = usual_access_role(stack, &first, &caller);
        let moved = [Some((first, target.clone())), role].into_iter().flatten();
        let moved = moved.filter(|(before, now)| before != now);
        ((key.as_str(), in_iam.as_str()) == names).then(|| moved.collect())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::lower::trust::{Who, statements_for, trust_policy};
    use crate::policy::{Clause, Effect};
    use crate::stack::{self, Source};

    /// One of each form of a principal, and of what is within it.
    fn every_form() -> Vec<Principal> {
        let account = |it: &str| AccountId::parse(it).expect("an id");
        let arn = |it: &str| Arn::parse(it).expect("an ARN");
        let text = |it: &[&str]| -> Vec<String> { it.iter().map(|it| (*it).to_owned()).collect() };
        let network = [
            Network::VpcEndpoint("vpce-0a1b".to_owned()),
            Network::Vpc("vpc-0a1b".to_owned()),
            Network::Addresses(text(&["2001:db8::/32", "203.0.113.0/24"])),
            Network::VpcAddresses(text(&["10.1.0.0/16"])),
        ];
        let service = |sources: &[&str], id: Option<&str>| Principal::ServiceFor {
            service: "s3.amazonaws.com".to_owned(),
            sources: text(sources),
            account: id.map(account),
        };
        let mut all = vec![
            Principal::Role("own".to_owned()),
            Principal::RoleArn(arn("arn:aws:iam::444444444444:role/team/reports")),
            Principal::Named(arn("arn:aws:iam::444444444444:role/team/reports")),
            Principal::RolePrefix {
                account: account("666666666666"),
                prefix: "team/reports-".to_owned(),
            },
            Principal::Account(account("555555555555")),
            Principal::Service("lambda.amazonaws.com".to_owned()),
            Principal::Service("pods.eks.amazonaws.com".to_owned()),
            Principal::Oidc {
                provider: "token.actions.githubusercontent.com".to_owned(),
                audience: "sts.amazonaws.com".to_owned(),
                subjects: text(&["repo:org/name:*", "repo:org/other:*"]),
            },
            service(&["arn:aws:s3:::a", "arn:aws:s3:::b"], None),
            service(&[], Some("111111111111")),
            service(&["arn:aws:s3:::a"], Some("111111111111")),
        ];
        for unit in [None, Some("r-ab12/ou-ab12-11111111".to_owned())] {
            let id = "o-exampleorg1".to_owned();
            all.push(Principal::Organization { id, unit });
        }
        all.extend(network.map(Principal::Network));
        all
    }

    /// The number of a form: a form that the language gets later is missed here until it is in the list above.
    fn number(it: &Principal) -> usize {
        match it {
            Principal::Role(_) => 0,
            Principal::RoleArn(_) => 1,
            Principal::Named(_) => 2,
            Principal::RolePrefix { .. } => 3,
            Principal::Account(_) => 4,
            Principal::Service(_) => 5,
            Principal::Oidc { .. } => 6,
            Principal::ServiceFor { .. } => 7,
            Principal::Organization { unit: None, .. } => 8,
            Principal::Organization { unit: Some(_), .. } => 9,
            Principal::Network(Network::VpcEndpoint(_)) => 10,
            Principal::Network(Network::Vpc(_)) => 11,
            Principal::Network(Network::Addresses(_)) => 12,
            Principal::Network(Network::VpcAddresses(_)) => 13,
        }
    }

    const STACK: &str = "[stack]\nname = \"s\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
                         [roles.own]\ntrusted_by = \"ec2.amazonaws.com\"\n";

    fn stack() -> stack::Stack {
        let source = Source {
            name: "s.toml".to_owned(),
            text: STACK.to_owned(),
        };
        stack::check(&source, &[], &|_| Err(String::new())).expect("a stack")
    }

    #[test]
    fn every_form_of_a_principal_is_read_back_from_what_lowering_writes() {
        let stack = stack();
        let place = stack.accounts["a"].place.clone();
        let forms = every_form();
        let numbers: BTreeSet<usize> = forms.iter().map(number).collect();
        assert_eq!(numbers, (0..14).collect());
        let base = Statement::allow("", Clause::of(["sns:Publish"])).on(["arn:aws:sns:x:1:t"]);
        for form in forms {
            let who = BTreeSet::from([Who::of(&form, &stack, &place)]);
            let expected = match &form {
                Principal::Role(name) => Principal::RoleArn(stack.roles[name].arn.clone()),
                other => other.clone(),
            };
            let trust = trust_policy("s", &BTreeMap::new(), &place, &who, Some("agreed"));
            let mut statements = Vec::new();
            statements_for(&who, &base, str::to_owned, &mut statements);
            let allows = |it: &&Statement| it.effect == Effect::Allow;
            for statement in trust.statements.iter().filter(allows).chain(&statements) {
                let found = principals(statement);
                assert_eq!(
                    found.as_deref(),
                    Some(&[expected.clone()][..]),
                    "{statement:?}"
                );
            }
            assert!(!trust.statements.is_empty());
        }
    }

    #[test]
    fn what_a_stack_has_no_words_for_is_no_principal() {
        for (principal, condition) in [
            (r#""*""#, r#"{"Null": {"aws:PrincipalArn": "true"}}"#),
            (
                r#""*""#,
                r#"{"StringNotEquals": {"aws:PrincipalOrgID": "o-exampleorg1"}}"#,
            ),
            (
                r#"{"AWS": "arn:aws:iam::111111111111:user/somebody"}"#,
                "{}",
            ),
            (
                r#"{"AWS": "111111111111"}"#,
                r#"{"Bool": {"aws:MultiFactorAuthPresent": "true"}}"#,
            ),
            (
                r#"{"AWS": "111111111111", "Service": "ec2.amazonaws.com"}"#,
                "{}",
            ),
            (
                r#"{"Service": ["sns.amazonaws.com", "s3.amazonaws.com"]}"#,
                r#"{"StringEquals": {"aws:SourceAccount": "111111111111"}}"#,
            ),
        ] {
            let text = format!(
                r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {principal}, "Action": "sns:Publish", "Resource": "*", "Condition": {condition}}}]}}"#
            );
            let document = crate::policy::Document::parse(&text).expect("a policy");
            assert_eq!(principals(&document.statements[0]), None, "{text}");
        }
    }

    #[test]
    fn an_access_role_tells_what_its_target_and_its_consumer_were_called() {
        let topic = Address::new(KindName::Topic, "now");
        let role = Principal::Role("caller".to_owned());
        let of = |names| moved_since("s", &topic, &role, names);
        let addresses = |it: &[(&str, &str)]| -> Vec<(Address, Address)> {
            let parsed = |it: &str| it.parse().expect("an address");
            it.iter().map(|(a, b)| (parsed(a), parsed(b))).collect()
        };
        assert_eq!(
            of(("before-for-caller", "s-before-for-caller")),
            Some(addresses(&[("topics.before", "topics.now")]))
        );
        assert_eq!(
            of(("now-for-other", "s-now-for-other")),
            Some(addresses(&[("roles.other", "roles.caller")]))
        );
        assert_eq!(of(("hub", "hub")), None);
        assert_eq!(of(("now-for-caller", "hub")), None);
    }
}
