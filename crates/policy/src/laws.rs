//! What must hold of all documents and requests, tried on random ones.
//!
//! The vocabulary is small on purpose: accounts, names and values meet often, so
//! that statements overlap, deny and shadow one another.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::decide::{Decision, Policies, decide};
use super::document::{
    Clause, Conditions, Document, Effect, OLD_VERSION, PrincipalClause, Principals, Statement,
    VERSION,
};
use super::facts::Facts;
use super::interchange;
use super::normal::{normal, same, same_meaning};
use super::own;
use super::request::{CallerPolicies, Request, Who};
use super::three::Three;
use super::widen::{Change, alone, compare};

const ACTIONS: [&str; 8] = [
    "sns:Publish",
    "sns:publish",
    "sns:Subscribe",
    "sns:*",
    "SNS:P*",
    "sqs:SendMessage",
    "*",
    "s?s:S*",
];

const RESOURCES: [&str; 9] = [
    "arn:aws:sns:eu-west-1:222222222222:orders",
    "arn:aws:sns:eu-west-1:222222222222:order*",
    "arn:aws:sns:eu-west-1:222222222222:*",
    "arn:aws:sns:*:222222222222:orders",
    "arn:aws:sns:*:*:orders",
    "arn:aws:sqs:eu-west-1:111111111111:inbox",
    "arn:aws:sns",
    "arn:aws:s*:eu-west-1:111111111111:inbo?",
    "*",
];

const PRINCIPALS: [(&str, &str); 10] = [
    ("AWS", "111111111111"),
    ("AWS", "arn:aws:iam::111111111111:root"),
    ("AWS", "arn:aws:iam::111111111111:role/a"),
    ("AWS", "arn:aws:iam::111111111111:role/team/b"),
    ("AWS", "arn:aws:iam::222222222222:root"),
    ("AWS", "arn:aws:iam::222222222222:user/ann"),
    ("AWS", "arn:aws:sts::111111111111:assumed-role/a/s1"),
    ("AWS", "*"),
    ("Service", "sns.amazonaws.com"),
    ("AWS", "AROAEXAMPLEEXAMPLE123"),
];

/// Operators with a key and the values it may be asked for.
const TESTS: [(&str, &str, &[&str]); 22] = [
    ("StringEquals", "aws:SourceVpce", &["vpce-1", "vpce-2"]),
    ("StringNotEquals", "aws:sourcevpce", &["vpce-1", "vpce-2"]),
    ("StringLikeIfExists", "aws:SourceVpce", &["vpce-*", "v*2"]),
    ("StringEqualsIgnoreCase", "aws:SourceVpce", &["VPCE-1"]),
    (
        "ArnLike",
        "aws:SourceArn",
        &[
            "arn:aws:sns:eu-west-1:222222222222:*",
            "arn:aws:sns:*:*:orders",
        ],
    ),
    (
        "ArnEquals",
        "AWS:SourceArn",
        &["arn:aws:sns:eu-west-1:222222222222:orders"],
    ),
    (
        "ArnNotLike",
        "aws:SourceArn",
        &["arn:aws:sns:*:222222222222:*"],
    ),
    ("StringLike", "aws:SourceArn", &["arn:aws:s*:orders"]),
    (
        "StringEquals",
        "aws:SourceAccount",
        &["111111111111", "222222222222"],
    ),
    (
        "ArnLike",
        "aws:PrincipalArn",
        &[
            "arn:aws:iam::111111111111:role/*",
            "arn:aws:iam::*:role/team/b",
        ],
    ),
    (
        "ArnNotLike",
        "aws:PrincipalArn",
        &["arn:aws:iam::111111111111:role/a"],
    ),
    (
        "StringEquals",
        "aws:PrincipalAccount",
        &["111111111111", "222222222222"],
    ),
    ("StringNotEqualsIfExists", "aws:PrincipalOrgID", &["o-1"]),
    ("StringEquals", "aws:PrincipalOrgID", &["o-1", "o-2"]),
    ("Null", "aws:PrincipalOrgID", &["true", "false"]),
    ("Bool", "aws:SecureTransport", &["true", "false"]),
    (
        "IpAddress",
        "aws:SourceIp",
        &["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32"],
    ),
    ("NotIpAddress", "aws:SourceIp", &["10.1.0.0/16"]),
    ("NumericLessThan", "aws:MultiFactorAuthAge", &["10", "20"]),
    (
        "DateGreaterThan",
        "aws:CurrentTime",
        &["2026-01-01", "2027-01-01T00:00:00Z"],
    ),
    ("ForAllValues:StringEquals", "aws:TagKeys", &["a", "b"]),
    ("ForAnyValue:StringLike", "aws:TagKeys", &["a*", "b"]),
];

/// Values a request may give a key; an empty text leaves the key out.
const CONTEXT: [(&str, &[&str]); 10] = [
    (
        "aws:SourceVpce",
        &["", "vpce-1", "VPCE-1", "vpce-2", "other"],
    ),
    (
        "aws:SourceArn",
        &[
            "",
            "arn:aws:sns:eu-west-1:222222222222:orders",
            "arn:aws:sns:eu-west-1:222222222222:x:y",
            "arn:aws:sqs:eu-west-1:111111111111:inbox",
        ],
    ),
    ("aws:SourceAccount", &["", "111111111111", "222222222222"]),
    ("aws:PrincipalOrgID", &["", "o-1", "o-3"]),
    ("aws:SecureTransport", &["", "true", "false"]),
    (
        "aws:SourceIp",
        &["", "10.1.2.3", "10.2.0.1", "192.0.2.1", "2001:db8::1"],
    ),
    ("aws:MultiFactorAuthAge", &["", "5", "10", "15", "25"]),
    (
        "aws:CurrentTime",
        &["", "2025-06-01", "2026-06-01", "2028-01-01"],
    ),
    ("aws:TagKeys", &["", "a", "ab", "c"]),
    ("aws:VpcSourceIp", &["", "", "10.0.0.1"]),
];

const CALLERS: [&str; 9] = [
    "",
    "arn:aws:iam::111111111111:role/a",
    "arn:aws:iam::111111111111:role/team/b",
    "arn:aws:iam::111111111111:root",
    "arn:aws:iam::222222222222:user/ann",
    "arn:aws:sts::111111111111:assumed-role/a/s1",
    "arn:aws:sts::111111111111:assumed-role/b/s2",
    "arn:aws:iam::333333333333:role/a",
    "sns.amazonaws.com",
];

const TARGETS: [&str; 5] = [
    "arn:aws:sns:eu-west-1:222222222222:orders",
    "arn:aws:sns:eu-west-1:222222222222:order:s:orders",
    "arn:aws:sns:us-east-1:222222222222:orders",
    "arn:aws:sqs:eu-west-1:111111111111:inbox",
    "arn:aws:sns:eu-west-1:111111111111:orders",
];

fn some<T: Clone + std::fmt::Debug + 'static>(
    of: &'static [T],
    count: std::ops::RangeInclusive<usize>,
) -> impl Strategy<Value = Vec<T>> {
    subsequence(of.to_vec(), count)
}

fn clause(of: &'static [&'static str]) -> impl Strategy<Value = Clause> {
    (proptest::bool::weighted(0.15), some(of, 1..=2)).prop_map(|(negated, values)| Clause {
        negated,
        ..Clause::of(values)
    })
}

fn conditions() -> impl Strategy<Value = Conditions> {
    let test = select(TESTS.to_vec()).prop_flat_map(|(operator, key, values)| {
        (Just((operator, key)), some(values, 1..=values.len()))
    });
    proptest::collection::vec(test, 0..3).prop_map(|tests| {
        let mut found = Conditions::new();
        for ((operator, key), values) in tests {
            let keys: &mut BTreeMap<_, _> = found.entry(operator.to_owned()).or_default();
            keys.insert(
                key.to_owned(),
                values.into_iter().map(str::to_owned).collect(),
            );
        }
        found
    })
}

fn principal() -> impl Strategy<Value = PrincipalClause> {
    let named = some(&PRINCIPALS, 1..=3).prop_map(|names| {
        let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (kind, name) in names {
            types
                .entry(kind.to_owned())
                .or_default()
                .push(name.to_owned());
        }
        PrincipalClause {
            negated: false,
            principals: Principals::Of(types),
        }
    });
    prop_oneof![4 => named, 1 => Just(PrincipalClause::anyone())]
}

fn names_principals(document: &Document) -> bool {
    document.statements.iter().any(|it| it.principal.is_some())
}

fn statement(resource_policy: bool) -> impl Strategy<Value = Statement> {
    (
        proptest::bool::weighted(0.25),
        principal(),
        clause(&ACTIONS),
        clause(&RESOURCES),
        conditions(),
        select(vec![None, Some("A"), Some("7")]),
    )
        .prop_map(
            move |(denies, principal, action, resource, conditions, sid)| Statement {
                sid: sid.map(str::to_owned),
                effect: if denies { Effect::Deny } else { Effect::Allow },
                principal: resource_policy.then_some(principal),
                action,
                resource: Some(resource),
                conditions,
            },
        )
}

fn document(resource_policy: bool) -> impl Strategy<Value = Document> {
    let statements = proptest::collection::vec(statement(resource_policy), 0..4);
    (statements, proptest::bool::weighted(0.2)).prop_map(|(statements, old)| Document {
        version: if old { OLD_VERSION } else { VERSION }.to_owned(),
        id: None,
        statements,
    })
}

/// Two documents that have much in common.
fn pair() -> impl Strategy<Value = (Document, Document)> {
    any::<bool>()
        .prop_flat_map(|resource_policy| {
            (
                document(resource_policy),
                statement(resource_policy),
                0..6_usize,
                any::<usize>(),
            )
        })
        .prop_map(|(old, further, change, at)| {
            let mut new = old.clone();
            let at = at % old.statements.len().max(1);
            match (change, new.statements.get_mut(at)) {
                (0, _) | (_, None) => new.statements.push(further),
                (1, Some(_)) => {
                    new.statements.remove(at);
                }
                (2, Some(it)) => it.conditions = further.conditions,
                (3, Some(it)) => it.resource = further.resource,
                (4, Some(it)) => it.action = further.action,
                (_, Some(it)) => it.principal = further.principal,
            }
            (old, new)
        })
}

fn request() -> impl Strategy<Value = Request> {
    let context =
        CONTEXT.map(|(key, values)| select(values.to_vec()).prop_map(move |it| (key, it)));
    (
        select(CALLERS.to_vec()),
        select(vec![
            "sns:Publish",
            "SNS:Subscribe",
            "sqs:SendMessage",
            "sts:SetX",
            "iam:X",
        ]),
        select(TARGETS.to_vec()),
        context.to_vec(),
    )
        .prop_map(|(caller, action, resource, context)| {
            let who = match caller {
                "" => Who::Anonymous,
                name => Who::of(name),
            };
            let mut request = Request::new(who, action, resource);
            for (key, value) in context {
                if !value.is_empty() {
                    request = request.with(key, [value]);
                }
            }
            request
        })
}

/// What services do to a document when they store it, in one of several ways.
fn rewritten(document: &Document, way: u32) -> Document {
    let flip = |bit: u32| way >> bit & 1 == 1;
    let mut document = document.clone();
    if flip(0) {
        document.statements.reverse();
    }
    for statement in &mut document.statements {
        if flip(1) {
            statement.action.values.reverse();
            for value in &mut statement.action.values {
                *value = value.to_uppercase();
            }
        }
        if let Some(resource) = &mut statement.resource
            && flip(2)
        {
            resource.values.reverse();
            resource.values.push(resource.values[0].clone());
        }
        if let Some(clause) = &mut statement.principal {
            respell(clause, flip(3), flip(4));
        }
        if flip(5) && statement.sid.as_deref() != Some("A") {
            statement.sid = Some("1234".to_owned());
        }
        let mut conditions = Conditions::new();
        for (operator, keys) in &statement.conditions {
            let operator = match operator.as_str() {
                "ArnLike" if flip(6) && !statement.conditions.contains_key("ArnEquals") => {
                    "arnequals"
                }
                other => other,
            };
            for (key, values) in keys {
                let mut values = values.clone();
                let mut key = key.clone();
                if flip(7) {
                    values.reverse();
                    key = key.to_uppercase();
                }
                let keys = conditions.entry(operator.to_owned()).or_default();
                keys.insert(key, values);
            }
        }
        statement.conditions = conditions;
    }
    document
}

fn respell(clause: &mut PrincipalClause, accounts: bool, everyone: bool) {
    if let Principals::Of(types) = &mut clause.principals {
        for name in types.values_mut().flatten() {
            if accounts && name.len() == 12 {
                *name = format!("arn:aws:iam::{name}:root");
            } else if !accounts && let Some(account) = super::normal::root_account(name) {
                *name = account.to_owned();
            }
        }
        let is_everyone = types.len() == 1 && types.get("AWS").is_some_and(|it| *it == ["*"]);
        if is_everyone && everyone {
            clause.principals = Principals::Anyone;
        }
    } else if everyone {
        *clause = PrincipalClause::aws(["*"]);
    }
}

/// A document in every place where one can bear on a request.
fn everywhere(of_principal: &Document, of_resource: &Document) -> Vec<Policies> {
    let identity = || vec![of_principal.clone()];
    let everything = || Document::of(vec![Statement::allow("All", Clause::of(["*"])).on(["*"])]);
    let resource = || Some(of_resource.clone());
    vec![
        Policies {
            identity: identity(),
            ..Policies::default()
        },
        Policies {
            resource: resource(),
            ..Policies::default()
        },
        Policies {
            identity: identity(),
            resource: resource(),
            ..Policies::default()
        },
        Policies {
            identity: vec![everything()],
            resource: resource(),
            boundary: Some(of_principal.clone()),
            ..Policies::default()
        },
        Policies {
            identity: vec![everything()],
            resource: resource(),
            session: Some(of_principal.clone()),
            scps: vec![vec![everything()], identity()],
            ..Policies::default()
        },
    ]
}

/// As many cases as `PROPTEST_CASES` asks for, or 300.
fn cases() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES");
    let asked = asked.ok().and_then(|it| it.parse().ok());
    ProptestConfig::with_cases(asked.unwrap_or(300))
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_normal_form_of_a_normal_form_is_itself(it in any::<bool>().prop_flat_map(document)) {
        let form = normal(&it);
        prop_assert_eq!(normal(&form.to_document()), form);
    }

    #[test]
    fn a_document_reads_back_as_it_is_written(it in any::<bool>().prop_flat_map(document)) {
        prop_assert_eq!(Document::parse(&it.to_text()), Ok(it));
    }

    #[test]
    fn what_services_rewrite_is_the_same_document(
        it in any::<bool>().prop_flat_map(document),
        way in any::<u32>(),
    ) {
        let other = rewritten(&it, way);
        prop_assert!(same(&it, &other), "{} {}", it.to_text(), other.to_text());
        prop_assert!(same_meaning(&it, &other));
        prop_assert_eq!(compare(&it, &other).verdict, Change::Equal);
    }

    #[test]
    fn equal_documents_give_equal_decisions(
        own in document(false),
        other in document(true),
        asked in proptest::collection::vec(request(), 8),
        way in any::<u32>(),
    ) {
        let before = everywhere(&own, &other);
        let after = everywhere(&rewritten(&own, way), &rewritten(&other, way));
        for request in &asked {
            for (before, after) in before.iter().zip(&after) {
                prop_assert_eq!(
                    decide(request, before).decision,
                    decide(request, after).decision,
                    "{:?}", request
                );
            }
        }
    }

    #[test]
    fn taking_an_allow_away_never_lets_more_through(
        it in any::<bool>().prop_flat_map(document),
        asked in proptest::collection::vec(request(), 8),
    ) {
        for index in 0..it.statements.len() {
            let mut less = it.clone();
            let gone = less.statements.remove(index);
            for request in &asked {
                let (before, after) = (alone(&it, request), alone(&less, request));
                match gone.effect {
                    _ if less.statements.is_empty() => prop_assert_eq!(after, Three::No),
                    Effect::Allow => prop_assert!(after <= before),
                    Effect::Deny => prop_assert!(after >= before),
                }
            }
        }
    }

    #[test]
    fn every_decision_has_a_reason(
        own in document(false),
        other in document(true),
        asked in request(),
    ) {
        for policies in everywhere(&own, &other) {
            prop_assert!(!decide(&asked, &policies).because.is_empty());
        }
    }

    #[test]
    fn a_comparison_agrees_with_the_evaluator(
        (old, new) in pair(),
        asked in proptest::collection::vec(request(), 24),
    ) {
        let found = compare(&old, &new);
        let (more, less) = match found.verdict {
            Change::Equal | Change::Cosmetic => (false, false),
            Change::Widened => (true, false),
            Change::Narrowed => (false, true),
            Change::Both => (true, true),
            Change::Unproven => return Ok(()),
        };
        prop_assert_eq!(!found.gains.is_empty(), more);
        prop_assert_eq!(!found.loses.is_empty(), less);
        for witness in &found.gains {
            let text = interchange::request_value(witness);
            prop_assert_eq!(interchange::request(text, "request"), Ok(witness.clone()));
        }
        let lets = |it: &Document, request: &Request, own: CallerPolicies| {
            let is_resource = [&old, &new].iter().any(|it| names_principals(it));
            if !is_resource {
                return if it.statements.is_empty() { Three::No } else { alone(it, request) };
            }
            let policies = Policies {
                resource: Some(it.clone()),
                ..Policies::of_caller(own)
            };
            match decide(request, &policies).decision {
                Decision::Allow => Three::Yes,
                Decision::Unproven => Three::Maybe,
                Decision::Deny => Three::No,
            }
        };
        let sides = [(&found.gains, &old, &new), (&found.loses, &new, &old)];
        for (witnesses, no, yes) in sides {
            for witness in witnesses {
                let own = witness.caller_policies.unwrap_or(CallerPolicies::None);
                let found = (lets(no, witness, own), lets(yes, witness, own));
                // Whether a private API's policy must let in its own account is not certain.
                let private = witness.action.starts_with("execute-api:");
                let is_shown = found == (Three::No, Three::Yes)
                    || private && found.1 == Three::Yes;
                prop_assert!(is_shown, "{:?} {:?}", found, witness);
            }
        }
        let standings = [CallerPolicies::Allow, CallerPolicies::None, CallerPolicies::Limited];
        for (request, own) in asked.iter().flat_map(|it| standings.map(|own| (it, own))) {
            match (lets(&old, request, own), lets(&new, request, own)) {
                (Three::No, Three::Yes) => prop_assert!(more || is_impossible(request), "{own:?} {request:?}"),
                (Three::Yes, Three::No) => prop_assert!(less || is_impossible(request), "{own:?} {request:?}"),
                _ => {}
            }
        }
    }

    #[test]
    fn comparing_backwards_says_the_opposite((old, new) in pair()) {
        let back = match compare(&old, &new).verdict {
            Change::Widened => Change::Narrowed,
            Change::Narrowed => Change::Widened,
            other => other,
        };
        prop_assert_eq!(compare(&new, &old).verdict, back);
    }

    #[test]
    fn joining_what_was_split_keeps_every_statement(
        it in document(true),
        ours in proptest::collection::vec((statement(true), "[a-z ]{1,12}"), 0..3),
    ) {
        let mut live = it.clone();
        let made: Vec<Statement> = ours
            .into_iter()
            .map(|(statement, purpose)| Statement {
                sid: Some(own::sid("stack", &purpose)),
                ..statement
            })
            .collect();
        live.statements.splice(0..0, made.clone());
        let (mine, foreign) = own::split(&live, "stack");
        prop_assert_eq!(&foreign, &it.statements);
        let mut sorted = made;
        sorted.sort_by(|a, b| a.sid.cmp(&b.sid));
        let joined = own::join(Some(&live), foreign, mine);
        prop_assert_eq!(&joined.statements[..it.statements.len()], &it.statements[..]);
        prop_assert_eq!(&joined.statements[it.statements.len()..], &sorted[..]);
    }
}

/// Whether no call on AWS is like this: keys that exclude or repeat one another, or sessions of what is no role.
fn is_impossible(request: &Request) -> bool {
    let has = |key: &str| request.context.contains_key(key);
    let in_account = matches!(&request.principal, Who::Arn(_));
    let endpoint = has("aws:SourceVpce") || has("aws:VpcSourceIp");
    let source = request.context.get("aws:SourceArn");
    let of_source = source.and_then(|it| it[0].split(':').nth(4));
    // To SNS, the source of a signed request is the account that signed it.
    let is_signed = in_account && request.action.to_lowercase().starts_with("sns:");
    let signer = Facts::of(request).caller.account().filter(|_| is_signed);
    let named = request.context.get("aws:SourceAccount");
    let named = named.map(|it| it[0].as_str());
    let account = signer.or(named);
    has("aws:SourceIp") == endpoint
        || request.action.starts_with("sts:") && !request.resource.contains(":role/")
        || has("aws:PrincipalOrgID") && !in_account
        || signer
            .zip(named)
            .is_some_and(|(signer, named)| signer != named)
        || of_source
            .zip(account)
            .is_some_and(|(of_source, account)| of_source != account)
}
