//! The values of each coordinate: examples of all that two documents can tell apart.
//!
//! Texts come from an automaton of all patterns, numbers, dates and addresses from the
//! bounds they are compared with, principals from the names in the documents and the
//! patterns of keys that follow from the principal.

use std::collections::BTreeSet;

use super::automaton::{
    Atlas, Class, Language, Step, TooMany, Universe, any_case, literal, segment_steps, steps,
};
use super::condition::Test;
use super::coordinate::{Coordinate, Value, What};
use super::forms::{form_of, may_be_empty, universe_of};
use super::grid;
use super::keys::{EARLIEST, is_clock};
use super::operator::{Base, Set};
use super::patterns::{Pattern, Token};
use super::request::{Request, Who};
use super::rules::{Kind, Name, Named, Rule, is_session_of, short_form};
use super::template::{Piece, Template};
use super::values::Instant;

/// Keys whose value no caller can choose, so that no witness could give it, or which follow from the
/// caller and the owner in requests of their service only.
pub(super) const UNJUDGED: [&str; 4] = [
    "aws:userid",
    "aws:username",
    "kms:calleraccount",
    "s3:resourceaccount",
];

/// Keys that every request has.
pub(super) const NEVER_ABSENT: [&str; 7] = [
    "aws:currenttime",
    "aws:epochtime",
    "aws:requestedregion",
    "aws:resourceaccount",
    "aws:securetransport",
    "aws:useragent",
    "aws:viaawsservice",
];

/// Keys that may have several values.
pub(super) const MULTIPLE: [&str; 12] = [
    "aws:calledvia",
    "aws:principalorgpaths",
    "aws:principalservicenameslist",
    "aws:resourceorgpaths",
    "aws:sourceorgpaths",
    "aws:tagkeys",
    "aws:vpceorgpaths",
    "dynamodb:attributes",
    "dynamodb:leadingkeys",
    "kms:encryptioncontextkeys",
    "kms:grantoperations",
    "s3:requestobjecttagkeys",
];

/// Keys whose only values are `true` and `false`.
const TRUTHS: [&str; 9] = [
    "aws:assumedroot",
    "aws:multifactorauthpresent",
    "aws:principalisawsservice",
    "aws:securetransport",
    "aws:viaawsservice",
    "kms:bypasspolicylockoutsafetycheck",
    "kms:grantisforawsresource",
    "kms:multiregion",
    "kms:reencryptonsamekey",
];

/// Most classes of one value of a key with several values: their subsets are counted.
pub(super) const MOST_OF_SET: usize = 8;

/// Keys that follow from the principal alone.
pub(super) const OF_PRINCIPAL: [&str; 5] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principalservicename",
    "aws:principaltype",
];

/// Whether a test may tell a federated user's session from the users and roles of its account.
pub(super) fn tells_federated(test: &Test) -> bool {
    ["aws:principalarn", "aws:principaltype", "aws:userid"].contains(&test.key.as_str())
}

/// A part of the ARN of a federated user's session.
pub(super) const FEDERATED: &str = ":federated-user/";

pub(super) fn is_of_principal(test: &Test) -> bool {
    OF_PRINCIPAL.contains(&test.key.as_str())
}

/// What kind of value a key has, by the operators that ask about it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Text,
    Truth,
    Number,
    Date,
    Address,
}

pub(super) fn sort_of(tests: &[&Test]) -> Option<Sort> {
    let mut found = None;
    for test in tests {
        let sort = match test.operator?.base {
            Base::Null => continue,
            Base::StringEquals
            | Base::StringEqualsIgnoreCase
            | Base::StringLike
            | Base::ArnLike
            | Base::Bool => Sort::Text,
            Base::Numeric(_) => Sort::Number,
            Base::Date(_) => Sort::Date,
            Base::IpAddress => Sort::Address,
        };
        if *found.get_or_insert(sort) != sort {
            return None;
        }
    }
    let is_truth = tests.iter().any(|it| TRUTHS.contains(&it.key.as_str()));
    match found.unwrap_or(Sort::Text) {
        Sort::Text if is_truth => Some(Sort::Truth),
        sort => Some(sort),
    }
}

/// Whether a key may have several values here: one of a service has, where an operator for sets asks about it and its
/// service's pages do not say that it is one value.
pub(super) fn is_multiple(key: &str, tests: &[&Test]) -> bool {
    let mut sets = tests.iter().filter_map(|it| it.operator).map(|it| it.set);
    MULTIPLE.contains(&key)
        || !key.starts_with("aws:") && !is_single(key) && sets.any(|it| it != Set::Single)
}

/// Whether a key that is not of all services has one value: who a token is of and for whom, a pair of an encryption context, a
/// tag, and what a call of these services says once.
fn is_single(key: &str) -> bool {
    let mut heads = [
        "execute-api:",
        "kms:encryptioncontext:",
        "sns:",
        "sqs:",
        "sts:",
    ]
    .into_iter();
    heads.any(|it| key.starts_with(it))
        || key.ends_with(":aud")
        || key.ends_with(":sub")
        || key.contains("tag/")
}

/// Whether a test can be judged by examples of its key's values.
pub(super) fn is_judged(test: &Test, all: &[&Test]) -> bool {
    let Some(operator) = test.operator else {
        return false;
    };
    let key = test.key.as_str();
    let of_key: Vec<&Test> = all.iter().copied().filter(|it| it.key == key).collect();
    let well_known: Vec<&Test> = of_key
        .iter()
        .copied()
        .filter(|it| it.operator.is_some())
        .collect();
    let fixed = test.values.iter().all(|it| match it {
        // How AWS folds letters beyond ASCII, its pages do not say.
        Template::Fixed(pattern) => match operator.base {
            Base::ArnLike => pattern.segments().len() == 6,
            Base::StringEqualsIgnoreCase => pattern.as_literal().is_some_and(str::is_ascii),
            _ => true,
        },
        Template::Variable(_) => false,
    });
    // Two clocks that tell the same time.
    let two_clocks = ["aws:currenttime", "aws:epochtime"]
        .iter()
        .all(|clock| all.iter().any(|it| it.key == *clock));
    let one_of_many =
        operator.set == Set::Single && operator.base != Base::Null && is_multiple(key, &well_known);
    let sorted = if OF_PRINCIPAL.contains(&key) {
        matches!(sort_of(&well_known), Some(Sort::Text | Sort::Truth))
    } else {
        sort_of(&well_known).is_some()
    };
    fixed
        && sorted
        && !one_of_many
        && !UNJUDGED.contains(&key)
        && !(two_clocks && key == "aws:epochtime")
}

/// The paths of a text test's values.
pub(super) fn texts_of(test: &Test) -> Vec<Vec<Step>> {
    let Some(operator) = test.operator else {
        return Vec::new();
    };
    let patterns = test.values.iter().filter_map(|it| match it {
        Template::Fixed(pattern) => Some(pattern),
        Template::Variable(_) => None,
    });
    let path = |pattern: &Pattern| match operator.base {
        Base::StringEquals | Base::StringLike => Some(steps(pattern.tokens(), Class::Any)),
        Base::StringEqualsIgnoreCase | Base::Bool => Some(any_case(pattern.as_literal()?)),
        Base::ArnLike => Some(segment_steps(pattern)),
        Base::Numeric(_) | Base::Date(_) | Base::IpAddress | Base::Null => None,
    };
    patterns.filter_map(path).collect()
}

/// The language of ARNs that have a text of this path in one of their segments.
pub(super) fn in_segment(path: &[Step], segment: usize) -> Language {
    let colon = Step::One(Class::Char(':'));
    let mut whole = Vec::new();
    for index in 0..6 {
        if index > 0 {
            whole.push(colon);
        }
        if index == segment {
            whole.extend(path.iter().map(|it| match it {
                Step::One(Class::Any) => Step::One(Class::NoColon),
                Step::Many(Class::Any) => Step::Many(Class::NoColon),
                other => *other,
            }));
        } else if index < 5 {
            whole.push(Step::Many(Class::NoColon));
        } else {
            whole.push(Step::Many(Class::Any));
        }
    }
    Language(vec![whole])
}

/// The languages of a statement's resources: by segment, and as text.
pub(super) fn resources(rule: &Rule) -> Vec<Language> {
    let mut found = Vec::new();
    for template in rule.resource.iter().flat_map(|it| &it.templates) {
        let Template::Fixed(pattern) = template else {
            continue;
        };
        if let Some(short) = short_form(pattern).filter(|_| rule.kind == Kind::Resource) {
            let mut path = literal("arn:");
            path.push(Step::Many(Class::NoColon));
            path.extend(literal(":execute-api:"));
            path.push(Step::Many(Class::NoColon));
            path.push(Step::One(Class::Char(':')));
            path.push(Step::Many(Class::NoColon));
            path.push(Step::One(Class::Char(':')));
            path.push(Step::Many(Class::NoSlash));
            path.push(Step::One(Class::Char('/')));
            path.extend(steps(short.tokens(), Class::Any));
            found.push(Language(vec![path]));
        }
        found.push(Language(vec![steps(pattern.tokens(), Class::Any)]));
        // Of a pattern that is no ARN, no text that is one.
        found.push(Language(vec![segment_steps(pattern)]));
    }
    found
}

/// Services to show where a statement names none.
const KNOWN_SERVICES: [&str; 4] = [
    "s3.amazonaws.com",
    "events.amazonaws.com",
    "cloudwatch.amazonaws.com",
    "lambda.amazonaws.com",
];

/// The coordinate of who asks. The principals of some accounts are told apart from all others.
pub(super) fn principals(
    kind: Kind,
    rules: &[&Rule],
    tests: &[&Test],
    apart: &BTreeSet<String>,
) -> Result<Coordinate, TooMany> {
    let names: BTreeSet<&Name> = rules
        .iter()
        .filter_map(|it| match &it.principal {
            Some(Named::These(names)) => Some(names),
            Some(Named::AllBut(_)) | None => None,
        })
        .flatten()
        .collect();
    let asked = |key: &str| -> Vec<Language> {
        let of_key = tests.iter().filter(|it| it.key == key);
        of_key
            .flat_map(|it| texts_of(it))
            .map(|it| Language(vec![it]))
            .collect()
    };
    let of_account = |account: &[Step], rest: Vec<Step>| {
        let mut path = literal("arn:");
        path.push(Step::Many(Class::NoColon));
        path.push(Step::One(Class::Char(':')));
        path.push(Step::Many(Class::NoColon));
        path.extend(literal("::"));
        path.extend(account);
        path.push(Step::One(Class::Char(':')));
        path.extend(rest);
        Language(vec![path])
    };
    let any = || vec![Step::Many(Class::Any)];
    let kinds = ["role/", "user/", "root"].map(|it| {
        let mut rest = literal(it);
        if it.ends_with('/') {
            rest.push(Step::Many(Class::Any));
        }
        of_account(&[Step::Many(Class::NoColon)], rest)
    });
    let accounts = names.iter().filter_map(|it| match it {
        Name::Account { id, .. } => Some(of_account(&literal(id), any())),
        Name::Role(arn) | Name::Exact(arn) => Some(Language(vec![literal(arn)])),
        Name::Anyone | Name::Service(_) | Name::Provider(_) | Name::Canonical | Name::Ghost => None,
    });
    // A session's identity provider is of its role's account.
    let by_provider = literals(tests, PROVIDER_KEY);
    let by_provider = by_provider.iter().filter_map(|it| it.split(':').nth(4));
    let by_provider: Vec<Language> = by_provider
        .filter(|it| !it.is_empty())
        .map(|it| of_account(&literal(it), any()))
        .collect();
    // SNS sets the keys of a source to a caller's own account.
    let by_account = [
        "aws:principalaccount",
        "aws:sourceaccount",
        "aws:sourceowner",
    ]
    .into_iter()
    .flat_map(asked)
    .flat_map(|it| it.0);
    let by_account: Vec<Language> = by_account
        .map(|path| {
            let narrow: Vec<Step> = path
                .iter()
                .map(|it| match it {
                    Step::One(Class::Any) => Step::One(Class::NoColon),
                    Step::Many(Class::Any) => Step::Many(Class::NoColon),
                    other => *other,
                })
                .collect();
            of_account(&narrow, any())
        })
        .collect();
    let partition = partition_of(rules);
    let within = partition.as_ref().map(|it| {
        let mut path = literal(&format!("arn:{it}:"));
        path.push(Step::Many(Class::Any));
        Language(vec![path])
    });
    // To all other keys a federated user's session is as good as a user.
    let is_apart = rules.iter().flat_map(|it| &it.tests).any(tells_federated);
    let is_federated = |it: &&Name| matches!(it, Name::Exact(arn) if arn.contains(FEDERATED));
    let universe = if is_apart || names.iter().any(is_federated) {
        Universe::Principal
    } else {
        Universe::OfIam
    };
    let atlas = Atlas::of(
        universe,
        kinds
            .into_iter()
            .chain(within)
            .chain(accounts)
            .chain(apart.iter().map(|it| of_account(&literal(it), any())))
            .chain(by_account)
            .chain(by_provider)
            .chain(asked("aws:principalarn")),
    )?;
    let is_named = |arn: &String| names.contains(&Name::Exact(arn.clone()));
    let arns = atlas.examples.iter();
    let arns = arns.filter(|it| is_apart || !it.contains(FEDERATED) || is_named(it));
    let mut values: Vec<Value> = arns.cloned().map(Who::Arn).map(Value::Who).collect();
    if kind == Kind::Resource {
        // Sessions and the like are few: those that a document names. A session's ARN leaves out the
        // path of its role: that of the only role of this name in the documents, or else any path.
        let roles = asked("aws:principalarn");
        let told: BTreeSet<String> = names
            .iter()
            .filter_map(|it| match it {
                Name::Role(arn) => Some(arn.clone()),
                _ => None,
            })
            .chain(literals(tests, "aws:principalarn"))
            .collect();
        for name in &names {
            let Name::Exact(arn) = name else { continue };
            if atlas.has(arn) {
                continue;
            }
            let told: Vec<String> = told
                .iter()
                .filter(|it| is_session_of(arn, it))
                .cloned()
                .collect();
            let whole = match (roles.is_empty(), told.is_empty()) {
                (true, _) => Vec::new(),
                (false, false) => told,
                (false, true) => roles_of(arn, &roles)?,
            };
            if whole.is_empty() {
                values.push(Value::Who(Who::Arn(arn.clone())));
            }
            let of_role = |role: String| Value::Who(Who::Arn(format!("{arn}{ROLE_MARK}{role}")));
            values.extend(whole.into_iter().map(of_role));
        }
        values.push(Value::Who(Who::Anonymous));
        let services = names.iter().filter_map(|it| match it {
            Name::Service(name) => Some(Language(vec![literal(name)])),
            _ => None,
        });
        let asked_for = asked("aws:principalservicename");
        let form = form_of("aws:principalservicename", partition.as_deref())
            .filter(|_| !asked_for.is_empty());
        // What a document names stays, whatever its form.
        let form = form.map(|it| {
            Language(
                it.0.into_iter()
                    .chain(services.clone().flat_map(|it| it.0))
                    .collect(),
            )
        });
        let services = Atlas::within(Universe::Text, form, services.chain(asked_for))?;
        // Which account the own request of a service has is not known: one of each kind that is asked for. Of services that
        // no statement names it has none that a statement for everyone could ask for: that is how an account is named.
        let accounts = match asked("aws:principalaccount") {
            none if none.is_empty() => Vec::new(),
            some => {
                let atlas = Atlas::of(Universe::Text, some)?;
                let wish = |it: &String| atlas.rather(it, "999999999999".to_owned());
                let examples = atlas.examples.iter();
                examples
                    .map(|it| wish(it).unwrap_or_else(|| it.clone()))
                    .collect()
            }
        };
        for example in &services.examples {
            let wish = |it: &&str| services.rather(example, (*it).to_owned()).is_some();
            let name = KNOWN_SERVICES.into_iter().find(wish);
            let name = name.map_or_else(|| example.clone(), str::to_owned);
            let is_named = names.contains(&Name::Service(name.clone()));
            let own: &[String] = match &*accounts {
                [] => &[],
                _ if is_named => &accounts,
                _ => &[String::new()],
            };
            let of = |it: &String| Who::Service(format!("{name}{ACCOUNT_MARK}{it}"));
            values.extend(own.iter().map(of).map(Value::Who));
            if own.is_empty() {
                values.push(Value::Who(Who::Service(name)));
            }
        }
        let providers: Vec<Language> = names
            .iter()
            .filter_map(|it| match it {
                Name::Provider(name) => Some(Language(vec![literal(name)])),
                _ => None,
            })
            .chain(asked(PROVIDER_KEY))
            .collect();
        if !providers.is_empty() {
            let providers = Atlas::of(Universe::Text, providers)?;
            for example in &providers.examples {
                let wish = "arn:aws:iam::999999999999:oidc-provider/example.com".to_owned();
                let name = providers.rather(example, wish);
                let name = name.unwrap_or_else(|| example.clone());
                values.push(Value::Who(if name.starts_with("arn:") {
                    Who::Arn(name)
                } else {
                    Who::Service(format!("{PROVIDER_MARK}{name}"))
                }));
            }
        }
    }
    // Accounts and roles of another partition reach nothing here.
    values.retain(|it| match (it, &partition) {
        (Value::Who(Who::Arn(arn)), Some(partition)) => arn.split(':').nth(1) == Some(partition),
        _ => true,
    });
    Ok(Coordinate {
        what: What::Principal,
        values,
        atlas: Some(atlas),
    })
}

/// The partition that the resources of statements are of, where they name one only.
///
/// See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.
pub(super) fn partition_of(rules: &[&Rule]) -> Option<String> {
    let resources = rules.iter().filter_map(|it| it.resource.as_ref());
    let begins = |template: &Template| {
        let tokens = match template {
            Template::Fixed(pattern) => pattern.tokens(),
            Template::Variable(pieces) => match pieces.first()? {
                Piece::Text(tokens) => tokens,
                Piece::Variable { .. } => return None,
            },
        };
        let letters = tokens.iter().map_while(|it| match it {
            Token::Char(letter) => Some(*letter),
            Token::Many | Token::One => None,
        });
        let text: String = letters.take("arn:aws-iso-b:".len() + 2).collect();
        let (name, _) = text.strip_prefix("arn:")?.split_once(':')?;
        Some(name.to_owned())
    };
    let named: BTreeSet<String> = resources
        .flat_map(|it| &it.templates)
        .filter_map(begins)
        .collect();
    named.first().filter(|_| named.len() == 1).cloned()
}

/// The coordinate of a condition key.
pub(super) fn of_key(
    what: What,
    key: &str,
    tests: &[&Test],
    partition: Option<&str>,
    further: Vec<Language>,
) -> Result<Coordinate, TooMany> {
    let fixed = || {
        tests
            .iter()
            .flat_map(|it| &it.values)
            .filter_map(|it| match it {
                Template::Fixed(pattern) => pattern.as_literal(),
                Template::Variable(_) => None,
            })
    };
    let earliest = |form: usize| EARLIEST.get(form).copied().filter(|_| is_clock(key));
    let of_today = |mut found: Vec<String>| {
        found.retain(|it| !is_clock(key) || Instant::parse(it) >= Instant::parse(EARLIEST[0]));
        found
    };
    let mut atlas = None;
    let sort = sort_of(tests);
    let mut singles: Vec<String> = match sort {
        Some(Sort::Truth) => vec!["true".to_owned(), "false".to_owned()],
        Some(Sort::Number) => of_today(grid::numbers(fixed().chain(earliest(1)))),
        Some(Sort::Date) => of_today(grid::dates(fixed().chain(earliest(0)))),
        Some(Sort::Address) => grid::addresses(fixed()),
        Some(Sort::Text) | None => {
            let languages = tests
                .iter()
                .flat_map(|it| texts_of(it))
                .map(|it| Language(vec![it]));
            let form = form_of(key, partition);
            let mut made = Atlas::within(universe_of(key), form, languages.chain(further))?;
            // In a set the empty text is no value.
            if may_be_empty(key) && !is_multiple(key, tests) {
                made = made.with_empty();
            }
            let examples = made.examples.clone();
            atlas = Some(made);
            examples
        }
    };
    // Of a key that AWS gives no form, the value need not be what its operators compare.
    let is_asked_for = |it: &&Test| it.operator.is_some_and(|it| it.base == Base::Null);
    let is_ordered = matches!(sort, Some(Sort::Number | Sort::Date | Sort::Address));
    if is_ordered && may_be_empty(key) && tests.iter().any(is_asked_for) {
        singles.push("none".to_owned());
    }
    let mut values = Vec::new();
    if !NEVER_ABSENT.contains(&key) {
        values.push(Value::Key(None));
    }
    if is_multiple(key, tests) {
        if singles.len() > MOST_OF_SET {
            return Err(TooMany);
        }
        for subset in 1_usize..1 << singles.len() {
            let chosen = singles.iter().enumerate();
            let chosen = chosen.filter(|(index, _)| subset >> index & 1 == 1);
            values.push(Value::Key(Some(chosen.map(|(_, it)| it.clone()).collect())));
        }
    } else {
        values.extend(singles.into_iter().map(|it| Value::Key(Some(vec![it]))));
    }
    Ok(Coordinate {
        what,
        values,
        atlas,
    })
}

/// The values without wildcards that tests ask of a key.
fn literals(tests: &[&Test], key: &str) -> Vec<String> {
    let of_key = tests.iter().filter(|it| it.key == key);
    let values = of_key.flat_map(|it| &it.values).filter_map(|it| match it {
        Template::Fixed(pattern) => pattern.as_literal().map(str::to_owned),
        Template::Variable(_) => None,
    });
    values.collect()
}

/// The ARNs that the role of a session may have, one for each way in which these languages tell them apart.
fn roles_of(session: &str, asked: &[Language]) -> Result<Vec<String>, TooMany> {
    let Some((head, rest)) = session.split_once(":assumed-role/") else {
        return Ok(Vec::new());
    };
    let name = rest.split('/').next().unwrap_or_default();
    let head = format!("{}:role/", head.replacen(":sts:", ":iam:", 1));
    let plain = literal(&format!("{head}{name}"));
    let mut with_path = literal(&head);
    with_path.push(Step::Many(Class::Any));
    with_path.extend(literal(&format!("/{name}")));
    let own = [plain, with_path].map(|it| Language(vec![it]));
    let atlas = Atlas::of(Universe::Principal, asked.iter().cloned().chain(own))?;
    let is_own = |it: &String| is_session_of(session, it);
    Ok(atlas.examples.into_iter().filter(is_own).collect())
}

/// The key of the identity provider by which a session was opened; of a token, its own provider.
pub(super) const PROVIDER_KEY: &str = "aws:federatedprovider";

/// The ARN of a session's role follows that of the session after this mark.
const ROLE_MARK: char = '\u{2}';

/// The account that a service's own request may have follows the service's name after this mark; nothing, for none.
const ACCOUNT_MARK: char = '\u{3}';

/// A provider without an ARN is told from a service by a mark that no name has.
pub(super) const PROVIDER_MARK: char = '\u{1}';

pub(super) fn is_provider(value: &Value) -> bool {
    match value {
        Value::Who(Who::Arn(arn)) => arn.contains("-provider/"),
        Value::Who(Who::Service(name)) => name.starts_with(PROVIDER_MARK),
        _ => false,
    }
}

/// The name of the identity provider that a value is.
pub(super) fn provider_of(value: &Value) -> Option<&str> {
    match value {
        Value::Who(Who::Arn(name)) if is_provider(value) => Some(name),
        Value::Who(Who::Service(name)) => name.strip_prefix(PROVIDER_MARK),
        _ => None,
    }
}

pub(super) fn is_service(value: &Value) -> bool {
    matches!(value, Value::Who(Who::Service(_))) && !is_provider(value)
}

/// A principal as a request has it.
pub(super) fn plain(who: &Who) -> Who {
    match who {
        Who::Service(name) => {
            let name = name.split(ACCOUNT_MARK).next().unwrap_or_default();
            Who::Service(name.trim_start_matches(PROVIDER_MARK).to_owned())
        }
        Who::Arn(arn) => Who::Arn(arn.split(ROLE_MARK).next().unwrap_or_default().to_owned()),
        Who::Anonymous => Who::Anonymous,
    }
}

pub(super) fn request_of(who: &Who) -> Request {
    let action = if is_provider(&Value::Who(who.clone())) {
        TRADES[0]
    } else {
        ""
    };
    let request = Request::new(plain(who), action, "");
    match told_of(who) {
        Some((key, value)) => request.with(key, Some(value).filter(|it| !it.is_empty())),
        None => request,
    }
}

/// What does not follow from who asks, where it matters: the ARN of a session's role, or the account of a service's request.
pub(super) fn told_of(who: &Who) -> Option<(&'static str, &str)> {
    let (key, text, mark) = match who {
        Who::Arn(text) => ("aws:principalarn", text, ROLE_MARK),
        Who::Service(text) => ("aws:principalaccount", text, ACCOUNT_MARK),
        Who::Anonymous => return None,
    };
    text.split_once(mark).map(|(_, it)| (key, it))
}

/// The two actions that trade a provider's token for a role.
pub(super) const TRADES: [&str; 2] = ["sts:assumerolewithwebidentity", "sts:assumerolewithsaml"];

#[cfg(test)]
mod tests {
    use super::*;

    fn test(operator: &str, key: &str, values: &[&str]) -> Test {
        let values: Vec<String> = values.iter().map(|it| (*it).to_owned()).collect();
        Test::of(operator, &key.to_ascii_lowercase(), &values, true)
    }

    fn sorted(tests: &[(&str, &str)]) -> Option<Sort> {
        let tests: Vec<Test> = tests
            .iter()
            .map(|(operator, value)| test(operator, "app:key", &[value]))
            .collect();
        sort_of(&tests.iter().collect::<Vec<_>>())
    }

    #[test]
    fn a_key_is_of_the_sort_that_its_operators_ask_for() {
        let is = |tests: &[(&str, &str)], expected: Option<Sort>| {
            assert!(sorted(tests) == expected, "{tests:?}");
        };
        is(&[], Some(Sort::Text));
        is(&[("Null", "true")], Some(Sort::Text));
        is(&[("StringEquals", "a")], Some(Sort::Text));
        is(
            &[("StringLike", "a*"), ("StringEqualsIgnoreCase", "A")],
            Some(Sort::Text),
        );
        is(&[("ArnLike", "arn:aws:sns:*:*:a")], Some(Sort::Text));
        is(&[("Bool", "true")], Some(Sort::Text));
        is(
            &[("NumericLessThan", "5"), ("Null", "false")],
            Some(Sort::Number),
        );
        is(
            &[("DateLessThan", "2026-01-01T00:00:00Z")],
            Some(Sort::Date),
        );
        is(&[("IpAddress", "10.0.0.0/8")], Some(Sort::Address));
        // A truth is asked for as a text in either case; nothing else is two things.
        is(
            &[("StringEquals", "true"), ("Bool", "true")],
            Some(Sort::Text),
        );
        is(&[("NumericEquals", "5"), ("StringEquals", "5")], None);
        is(&[("IpAddress", "10.0.0.1"), ("Bool", "true")], None);
        is(&[("StringAlmost", "a")], None);
        let secure = test("Bool", "aws:SecureTransport", &["true"]);
        assert!(sort_of(&[&secure]) == Some(Sort::Truth));
    }

    #[track_caller]
    fn multiple(tests: &[(&str, &str)], expected: bool) {
        let tests: Vec<Test> = tests
            .iter()
            .map(|(operator, key)| test(operator, key, &["a"]))
            .collect();
        let key = &tests[0].key;
        let found = is_multiple(key, &tests.iter().collect::<Vec<_>>());
        assert_eq!(found, expected, "{tests:?}");
    }

    #[test]
    fn a_key_has_several_values_where_aws_says_so_or_one_of_its_tests_does() {
        multiple(&[("StringEquals", "aws:TagKeys")], true);
        multiple(&[("ForAnyValue:StringEquals", "aws:TagKeys")], true);
        // AWS's own keys have one value, whatever a policy asks.
        multiple(&[("ForAnyValue:StringEquals", "aws:SourceAccount")], false);
        multiple(&[("ForAllValues:StringEquals", "app:names")], true);
        multiple(&[("ForAnyValue:StringEquals", "app:names")], true);
        multiple(&[("StringEquals", "app:names")], false);
        multiple(&[("Null", "app:names")], false);
        let both = [
            ("ForAnyValue:StringEquals", "app:names"),
            ("StringEquals", "app:names"),
        ];
        multiple(&both, true);
        multiple(&[("ForAnyValue:StringLike", "example.org:sub")], false);
        let absent = [
            ("ForAnyValue:StringEquals", "app:names"),
            ("Null", "app:names"),
        ];
        multiple(&absent, true);
        let unknown = [
            ("ForAnyValue:StringEquals", "app:names"),
            ("StringAlmost", "app:names"),
        ];
        multiple(&unknown, true);
    }

    /// Whether the first test is judged, beside the others.
    #[track_caller]
    fn judged(tests: &[(&str, &str, &str)], expected: bool) {
        let all: Vec<Test> = tests
            .iter()
            .map(|(operator, key, value)| test(operator, key, &[value]))
            .collect();
        let found = is_judged(&all[0], &all.iter().collect::<Vec<_>>());
        assert_eq!(found, expected, "{tests:?}");
    }

    #[test]
    fn a_test_is_judged_where_examples_can_be_made() {
        judged(&[("StringEquals", "app:name", "a")], true);
        judged(&[("StringAlmost", "app:name", "a")], false);
        judged(&[("StringEquals", "app:name", "${aws:username}")], false);
        judged(&[("ArnLike", "aws:SourceArn", "arn:aws:sns:*:*:a")], true);
        // What a pattern of fewer segments matches AWS does not say; as a text it is plain.
        judged(&[("ArnLike", "aws:SourceArn", "arn:aws:sns:*")], false);
        judged(&[("StringLike", "aws:SourceArn", "arn:aws:sns:*")], true);
        judged(&[("StringEquals", "aws:userid", "a")], false);
        judged(&[("StringEquals", "aws:username", "a")], false);
    }

    #[test]
    fn tests_of_one_key_must_agree_on_what_its_values_are() {
        let number = ("NumericEquals", "app:key", "5");
        judged(&[("StringEquals", "app:key", "5"), number], false);
        judged(&[("StringEquals", "app:other", "5"), number], true);
        // An operator that nobody knows says nothing of the key.
        judged(
            &[
                ("StringEquals", "app:key", "5"),
                ("StringAlmost", "app:key", "5"),
            ],
            true,
        );
    }

    #[test]
    fn what_follows_from_the_principal_is_a_text_or_a_truth() {
        judged(
            &[("StringEquals", "aws:PrincipalAccount", "111111111111")],
            true,
        );
        judged(&[("Bool", "aws:PrincipalIsAWSService", "true")], true);
        judged(
            &[("NumericEquals", "aws:PrincipalAccount", "111111111111")],
            false,
        );
        judged(&[("NumericEquals", "aws:MultiFactorAuthAge", "5")], true);
    }

    #[test]
    fn one_value_is_not_asked_of_a_key_that_has_several() {
        judged(&[("StringEquals", "aws:TagKeys", "a")], false);
        judged(&[("ForAnyValue:StringEquals", "aws:TagKeys", "a")], true);
        judged(&[("Null", "aws:TagKeys", "true")], true);
        judged(
            &[("StringEquals", "aws:SourceAccount", "111111111111")],
            true,
        );
    }

    #[test]
    fn of_two_clocks_one_is_judged() {
        let date = ("DateLessThan", "aws:CurrentTime", "2026-01-01T00:00:00Z");
        let seconds = ("NumericLessThan", "aws:EpochTime", "5");
        judged(&[date], true);
        judged(&[seconds], true);
        judged(&[date, seconds], true);
        judged(&[seconds, date], false);
    }

    fn value_of(operator: &str, key: &str, values: &[&str]) -> Vec<Value> {
        let test = test(operator, key, values);
        let what = What::Key(test.key.clone());
        of_key(what, &test.key, &[&test], None, Vec::new())
            .expect("few values")
            .values
    }

    #[test]
    fn a_key_is_absent_too_but_where_every_request_has_it() {
        let absent = Value::Key(None);
        assert!(value_of("StringEquals", "app:name", &["a"]).contains(&absent));
        assert!(!value_of("Bool", "aws:SecureTransport", &["true"]).contains(&absent));
    }

    #[test]
    fn every_subset_of_a_keys_values_is_an_example() {
        let values = value_of("ForAnyValue:StringEquals", "app:names", &["a", "b"]);
        // `a`, `b` and whatever is neither; absent beside.
        assert_eq!(values.len(), 8, "{values:?}");
        let distinct: BTreeSet<&Value> = values.iter().collect();
        assert_eq!(distinct.len(), 8);
        let names: Vec<String> = (0..MOST_OF_SET).map(|it| it.to_string()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let most = test("ForAnyValue:StringEquals", "app:names", &names);
        let made = of_key(What::Action, "app:names", &[&most], None, Vec::new());
        assert!(made.is_err(), "each subset would be one too many");
        let fewer = test("ForAnyValue:StringEquals", "app:names", &names[1..]);
        assert!(of_key(What::Action, "app:names", &[&fewer], None, Vec::new()).is_ok());
    }

    #[track_caller]
    fn in_one_segment(pattern: &str, segment: usize, text: &str, expected: bool) {
        let path = steps(Pattern::of(pattern).tokens(), Class::Any);
        let language = in_segment(&path, segment);
        let atlas = Atlas::of(Universe::Text, [language, Language(vec![literal(text)])]);
        let atlas = atlas.expect("two patterns");
        // The text is in both languages, or in its own alone.
        assert_eq!(atlas.class(text).len(), usize::from(expected) + 1, "{text}");
    }

    #[test]
    fn a_text_in_a_segment_keeps_to_it() {
        in_one_segment("eu-*", 3, "arn:aws:sns:eu-west-1:111111111111:orders", true);
        in_one_segment(
            "eu-*",
            3,
            "arn:aws:sns:us-east-1:111111111111:orders",
            false,
        );
        in_one_segment(
            "eu-*",
            2,
            "arn:aws:sns:eu-west-1:111111111111:orders",
            false,
        );
        in_one_segment(
            "e?-*",
            3,
            "arn:aws:sns:e:-west:1:111111111111:orders",
            false,
        );
        in_one_segment(
            "11*",
            4,
            "arn:aws:sns:eu-west-1:111111111111:orders:a:b",
            true,
        );
        in_one_segment("11*", 4, "arn:aws:sns:eu-west-1:111111111111", false);
        in_one_segment(
            "orders",
            5,
            "arn:aws:sns:eu-west-1:111111111111:orders",
            true,
        );
        in_one_segment("a", 0, "b:c:d:e:f:g:h", false);
        in_one_segment("b", 0, "b:c:d:e:f:g:h", true);
    }

    #[test]
    fn a_providers_token_is_neither_a_service_nor_a_principal_of_iam() {
        let of = |who: Who| Value::Who(who);
        let provider = of(Who::Arn(
            "arn:aws:iam::111111111111:oidc-provider/a".to_owned(),
        ));
        let named = of(Who::Service(format!("{PROVIDER_MARK}accounts.google.com")));
        let service = of(Who::Service("sns.amazonaws.com".to_owned()));
        let role = of(Who::Arn("arn:aws:iam::111111111111:role/a".to_owned()));
        for (value, expected) in [
            (&provider, (true, false)),
            (&named, (true, false)),
            (&service, (false, true)),
            (&role, (false, false)),
            (&Value::Flag(true), (false, false)),
        ] {
            assert_eq!(
                (is_provider(value), is_service(value)),
                expected,
                "{value:?}"
            );
        }
        let Value::Who(named) = named else {
            panic!("a principal")
        };
        assert_eq!(
            plain(&named),
            Who::Service("accounts.google.com".to_owned())
        );
        assert_eq!(request_of(&named).action, TRADES[0]);
        let Value::Who(service) = service else {
            panic!("a principal")
        };
        assert_eq!(request_of(&service).action, "");
    }

    #[test]
    fn one_clock_beside_another_key_is_judged() {
        let seconds = ("NumericLessThan", "aws:EpochTime", "5");
        judged(&[seconds, ("StringEquals", "app:name", "a")], true);
    }

    #[test]
    fn a_segment_is_counted_from_the_first_colon() {
        let later = "arn:aws:sns:extra:eu-west-1:111111111111:orders";
        in_one_segment("eu-*", 3, later, false);
        in_one_segment("eu-*", 4, later, true);
    }

    #[test]
    fn a_key_that_is_there_has_a_value() {
        let values = value_of("ForAnyValue:StringEquals", "app:names", &["a", "b"]);
        assert!(!values.contains(&Value::Key(Some(Vec::new()))));
    }
}
