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
use super::grid;
use super::operator::{Base, Set};
use super::patterns::Pattern;
use super::request::{Request, Who};
use super::rules::{Kind, Name, Named, Rule, short_form};
use super::template::Template;

/// Keys whose value nobody can choose, so that no witness could give it.
pub(super) const UNJUDGED: [&str; 2] = ["aws:userid", "aws:username"];

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
pub(super) const MULTIPLE: [&str; 7] = [
    "aws:calledvia",
    "aws:principalorgpaths",
    "aws:principalservicenameslist",
    "aws:resourceorgpaths",
    "aws:sourceorgpaths",
    "aws:tagkeys",
    "aws:vpceorgpaths",
];

/// Most classes of one value of a key with several values: their subsets are counted.
pub(super) const MOST_OF_SET: usize = 8;

/// Keys that follow from the principal alone.
pub(super) const OF_PRINCIPAL: [&str; 6] = [
    "aws:federatedprovider",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principalservicename",
    "aws:principaltype",
];

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
            | Base::ArnLike => Sort::Text,
            Base::Bool => Sort::Truth,
            Base::Numeric(_) => Sort::Number,
            Base::Date(_) => Sort::Date,
            Base::IpAddress => Sort::Address,
        };
        found = match (found, sort) {
            (None, sort) => Some(sort),
            (Some(old), sort) if old == sort => Some(sort),
            // A truth is also the text `true` or `false`.
            (Some(Sort::Text), Sort::Truth) | (Some(Sort::Truth), Sort::Text) => Some(Sort::Truth),
            _ => return None,
        };
    }
    Some(found.unwrap_or(Sort::Text))
}

/// Whether a key may have several values here.
pub(super) fn is_multiple(key: &str, tests: &[&Test]) -> bool {
    let sets = || tests.iter().filter_map(|it| it.operator).map(|it| it.set);
    MULTIPLE.contains(&key)
        || !key.starts_with("aws:")
            && sets().any(|it| it != Set::Single)
            && !tests.iter().any(|it| {
                it.operator
                    .is_some_and(|it| it.set == Set::Single && it.base != Base::Null)
            })
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
        Template::Fixed(pattern) => operator.base != Base::ArnLike || pattern.segments().len() == 6,
        Template::Variable(_) => false,
    });
    // Two clocks that tell the same time.
    let two_clocks = ["aws:currenttime", "aws:epochtime"]
        .iter()
        .all(|clock| all.iter().any(|it| it.key == *clock));
    let one_of_many =
        operator.set == Set::Single && operator.base != Base::Null && MULTIPLE.contains(&key);
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
        Base::StringEqualsIgnoreCase => Some(any_case(pattern.as_literal()?)),
        Base::ArnLike => Some(segment_steps(pattern)),
        Base::Numeric(_) | Base::Date(_) | Base::Bool | Base::IpAddress | Base::Null => None,
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
        let segments = pattern.segments();
        if segments.len() > 1 && Pattern::from_tokens(segments[0].to_vec()).matches("arn") {
            found.push(Language(vec![segment_steps(pattern)]));
        }
    }
    found
}

/// The coordinate of who asks.
pub(super) fn principals(
    kind: Kind,
    rules: &[&Rule],
    tests: &[&Test],
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
        path.extend(literal(":iam::"));
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
        Name::Account(account) => Some(of_account(&literal(account), any())),
        Name::Role(arn) | Name::Exact(arn) => Some(Language(vec![literal(arn)])),
        Name::Anyone | Name::Service(_) | Name::Provider(_) | Name::Canonical | Name::Ghost => None,
    });
    let by_account = asked("aws:principalaccount")
        .into_iter()
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
    let atlas = Atlas::of(
        Universe::Principal,
        kinds
            .into_iter()
            .chain(accounts)
            .chain(by_account)
            .chain(asked("aws:principalarn")),
    )?;
    let arns = atlas.examples.iter().cloned().map(Who::Arn);
    let mut values: Vec<Value> = arns.map(Value::Who).collect();
    if kind == Kind::Resource {
        // Sessions and the like are few: those that a document names.
        for name in &names {
            if let Name::Exact(arn) = name
                && !atlas.has(arn)
            {
                values.push(Value::Who(Who::Arn(arn.clone())));
            }
        }
        values.push(Value::Who(Who::Anonymous));
        let services = names.iter().filter_map(|it| match it {
            Name::Service(name) => Some(Language(vec![literal(name)])),
            _ => None,
        });
        let services = services.chain(asked("aws:principalservicename"));
        let services = Atlas::of(Universe::Text, services)?;
        for example in &services.examples {
            let wish = services.rather(example, "another.amazonaws.com".to_owned());
            let name = wish.unwrap_or_else(|| example.clone());
            values.push(Value::Who(Who::Service(name)));
        }
        let providers: Vec<Language> = names
            .iter()
            .filter_map(|it| match it {
                Name::Provider(name) => Some(Language(vec![literal(name)])),
                _ => None,
            })
            .chain(asked("aws:federatedprovider"))
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
    Ok(Coordinate {
        what: What::Principal,
        values,
        atlas: Some(atlas),
    })
}

/// The coordinate of a condition key.
pub(super) fn of_key(
    what: What,
    key: &str,
    tests: &[&Test],
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
    let mut atlas = None;
    let singles: Vec<String> = match sort_of(tests) {
        Some(Sort::Truth) => vec!["true".to_owned(), "false".to_owned()],
        Some(Sort::Number) => grid::numbers(fixed()),
        Some(Sort::Date) => grid::dates(fixed()),
        Some(Sort::Address) => grid::addresses(fixed()),
        Some(Sort::Text) | None => {
            let universe = if key == "aws:sourcearn" {
                Universe::Arn
            } else {
                Universe::Text
            };
            let languages = tests
                .iter()
                .flat_map(|it| texts_of(it))
                .map(|it| Language(vec![it]));
            let made = Atlas::of(universe, languages.chain(further))?;
            let examples = made.examples.clone();
            atlas = Some(made);
            examples
        }
    };
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

/// A provider without an ARN is told from a service by a mark that no name has.
pub(super) const PROVIDER_MARK: char = '\u{1}';

pub(super) fn is_provider(value: &Value) -> bool {
    match value {
        Value::Who(Who::Arn(arn)) => arn.contains("-provider/"),
        Value::Who(Who::Service(name)) => name.starts_with(PROVIDER_MARK),
        _ => false,
    }
}

pub(super) fn is_service(value: &Value) -> bool {
    matches!(value, Value::Who(Who::Service(_))) && !is_provider(value)
}

/// A principal as a request has it.
pub(super) fn plain(who: &Who) -> Who {
    match who {
        Who::Service(name) => Who::Service(name.trim_start_matches(PROVIDER_MARK).to_owned()),
        Who::Arn(_) | Who::Anonymous => who.clone(),
    }
}

pub(super) fn request_of(who: &Who) -> Request {
    let action = if is_provider(&Value::Who(who.clone())) {
        TRADES[0]
    } else {
        ""
    };
    Request::new(plain(who), action, "")
}

/// The two actions that trade a provider's token for a role.
pub(super) const TRADES: [&str; 2] = ["sts:assumerolewithwebidentity", "sts:assumerolewithsaml"];
