//! Principals of live statements, in the words of a stack.

use std::collections::BTreeMap;

use super::Scene;
use super::text::{inline, list, quoted, texts};
use crate::model::{AccountId, Arn};
use crate::policy::{Principals, Statement};

/// A principal as a stack writes it, with the short word that names are made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Who {
    /// TOML.
    pub(super) text: String,
    /// What an access role for it is usually called after.
    pub(super) short: String,
    /// The ARN, of a role.
    pub(super) role: Option<Arn>,
}

/// The tests of a statement, each with its values, by operator and key in lower case.
fn tests(statement: &Statement) -> BTreeMap<(String, String), &Vec<String>> {
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

/// The external id that a statement of a trust policy asks for.
pub(super) fn external_id(statement: &Statement) -> Option<&str> {
    let tests = tests(statement);
    let test = ("stringequals".to_owned(), "sts:externalid".to_owned());
    tests.get(&test)?.first().map(String::as_str)
}

impl Scene<'_> {
    /// Whom a statement lets in; `None` where a stack has no words for it.
    pub(super) fn who(&self, statement: &Statement) -> Option<Vec<Who>> {
        let mut tests = tests(statement);
        tests.remove(&("stringequals".to_owned(), "sts:externalid".to_owned()));
        let clause = statement.principal.as_ref().filter(|it| !it.negated)?;
        let types = match &clause.principals {
            Principals::Anyone => {
                let (test, values) = tests.pop_first()?;
                let through = test == ("stringequals".to_owned(), "aws:sourcevpce".to_owned());
                let endpoint = |it: &String| Who {
                    text: inline(&[("vpc_endpoint".to_owned(), quoted(it))]),
                    short: it.clone(),
                    role: None,
                };
                return (through && tests.is_empty())
                    .then(|| values.iter().map(endpoint).collect());
            }
            Principals::Of(types) => types,
        };
        let mut found = Vec::new();
        for (kind, values) in types {
            match kind.as_str() {
                "Service" if tests.is_empty() => {
                    found.extend(values.iter().map(|it| Who {
                        text: quoted(it),
                        short: it.split('.').next().unwrap_or_default().to_owned(),
                        role: None,
                    }));
                }
                "AWS" => match tests.pop_first() {
                    None => {
                        for value in values {
                            found.push(self.principal(value)?);
                        }
                    }
                    Some((test, patterns))
                        if tests.is_empty()
                            && matches!(
                                test.0.as_str(),
                                "arnlike" | "arnequals" | "stringlike"
                            )
                            && test.1 == "aws:principalarn" =>
                    {
                        for pattern in patterns {
                            found.push(self.matching(pattern)?);
                        }
                    }
                    Some(_) => return None,
                },
                "Federated" => found.push(Self::token(values, &tests)?),
                _ => return None,
            }
        }
        (!found.is_empty()).then_some(found)
    }

    /// A principal that is named outright.
    fn principal(&self, value: &str) -> Option<Who> {
        if let Some(id) = AccountId::parse(value) {
            return Some(self.account_wide(&id));
        }
        let arn = Arn::parse(value).ok()?;
        if arn.service() != "iam" {
            return None;
        }
        if arn.resource() == "root" {
            return Some(self.account_wide(&arn.account_id()?));
        }
        arn.resource().strip_prefix("role/")?;
        let name = self.name_of(arn.as_str());
        Some(Who {
            text: name.map_or_else(|| quoted(arn.as_str()), |it| quoted(&format!("roles.{it}"))),
            short: name.map_or_else(
                || format!("{}-{}", arn.account(), arn.name()),
                str::to_owned,
            ),
            role: Some(arn),
        })
    }

    fn account_wide(&self, id: &AccountId) -> Who {
        Who {
            text: inline(&[("account".to_owned(), quoted(self.account_called(id)))]),
            short: id.to_string(),
            role: None,
        }
    }

    /// The roles of an account whose path and name begin alike.
    fn matching(&self, pattern: &str) -> Option<Who> {
        let arn = Arn::parse(pattern).ok()?;
        let prefix = arn.resource().strip_prefix("role/")?.strip_suffix('*')?;
        if prefix.contains(['*', '?']) {
            return None;
        }
        let id = arn.account_id()?;
        Some(Who {
            text: inline(&[
                ("account".to_owned(), quoted(self.account_called(&id))),
                ("role_prefix".to_owned(), quoted(prefix)),
            ]),
            short: format!("{id}-{}", prefix.trim_matches(['-', '/']).replace('/', "-")),
            role: None,
        })
    }

    /// Tokens of an OIDC provider.
    fn token(
        providers: &[String],
        tests: &BTreeMap<(String, String), &Vec<String>>,
    ) -> Option<Who> {
        let [provider] = providers else { return None };
        let arn = Arn::parse(provider).ok()?;
        let host = arn.resource().strip_prefix("oidc-provider/")?;
        let test = |operator: &str, claim: &str| {
            let key = format!("{host}:{claim}").to_ascii_lowercase();
            tests.get(&(operator.to_owned(), key))
        };
        let [audience] = test("stringequals", "aud")?.as_slice() else {
            return None;
        };
        let subjects = test("stringlike", "sub")?;
        if tests.len() != 2 {
            return None;
        }
        let mut fields = vec![
            ("oidc".to_owned(), quoted(host)),
            (
                "subjects".to_owned(),
                list(&texts(subjects.iter().map(String::as_str))),
            ),
        ];
        if audience != "sts.amazonaws.com" {
            fields.push(("audience".to_owned(), quoted(audience)));
        }
        Some(Who {
            text: inline(&fields),
            short: host.split(['.', '/']).next().unwrap_or_default().to_owned(),
            role: None,
        })
    }
}
