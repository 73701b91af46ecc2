//! The normal form: two documents have the same one when AWS treats them alike.
//!
//! What services rewrite when they store a document is folded away: the order of
//! statements and of values, a scalar or a list of one, the case of actions,
//! condition operators and keys, an account's id or its root ARN, the bare `"*"`
//! or `{"AWS": "*"}`, `ArnEquals` or `ArnLike` (the same test), an `Id`, an empty
//! or numbered `Sid`. What they never may mix up stays apart: an absent principal
//! is not `"*"`, a document without a version is `2008-10-17` (policy variables
//! mean nothing in it), and the id of a deleted principal equals no ARN.
//!
//! A given `Sid` is part of the normal form, for it is how statements are known
//! as ours; [`same_meaning`] leaves it out.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{
    Clause, Conditions, Document, Effect, PrincipalClause, Principals, Statement,
};

/// A document's normal form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Normal {
    /// The language version.
    pub version: String,
    /// The statements, sorted; one written twice is here twice.
    pub statements: Vec<NormalStatement>,
}

/// A statement's normal form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NormalStatement {
    /// Its id, unless that is empty or a number that a service gave it.
    pub sid: Option<String>,
    /// Allow or deny.
    pub effect: Effect,
    /// Who; `None` where the text names nobody at all, as in identity policies.
    pub principal: Option<NormalPrincipal>,
    /// Actions in lower case.
    pub action: NormalClause,
    /// Resources.
    pub resource: Option<NormalClause>,
    /// All must hold. A set of triples, not a map: once `ArnEquals` and `ArnLike` are
    /// one word, the same key may be tested twice, and both tests count.
    pub conditions: BTreeSet<NormalCondition>,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`, as a set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NormalClause {
    /// Whether it is the `Not` form.
    pub negated: bool,
    /// The patterns.
    pub values: BTreeSet<String>,
}

/// `Principal` or `NotPrincipal`, as a set of (type, name).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NormalPrincipal {
    /// Whether it is `NotPrincipal`.
    pub negated: bool,
    /// Type and name; an account stands as its bare id, everyone as `AWS`, `*`.
    pub values: BTreeSet<(String, String)>,
}

/// One test of one condition key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NormalCondition {
    /// The operator in lower case, `arnequals` as `arnlike`.
    pub operator: String,
    /// The key in lower case.
    pub key: String,
    /// The values.
    pub values: BTreeSet<String>,
}

/// The normal form of a document.
#[must_use]
pub fn normal(document: &Document) -> Normal {
    let mut statements: Vec<_> = document.statements.iter().map(normal_statement).collect();
    statements.sort();
    Normal {
        version: document.version.clone(),
        statements,
    }
}

/// The normal form of a statement.
#[must_use]
pub fn normal_statement(statement: &Statement) -> NormalStatement {
    let mut conditions = BTreeSet::new();
    for (operator, keys) in &statement.conditions {
        let operator = normal_operator(operator);
        for (key, values) in keys {
            conditions.insert(NormalCondition {
                operator: operator.clone(),
                key: key.to_ascii_lowercase(),
                values: values.iter().cloned().collect(),
            });
        }
    }
    NormalStatement {
        sid: statement
            .sid
            .clone()
            .filter(|it| !it.bytes().all(|byte| byte.is_ascii_digit())),
        effect: statement.effect,
        principal: statement.principal.as_ref().map(normal_principal),
        action: NormalClause {
            negated: statement.action.negated,
            values: statement
                .action
                .values
                .iter()
                .map(|it| it.to_ascii_lowercase())
                .collect(),
        },
        resource: statement.resource.as_ref().map(|it| NormalClause {
            negated: it.negated,
            values: it.values.iter().cloned().collect(),
        }),
        conditions,
    }
}

fn normal_principal(clause: &PrincipalClause) -> NormalPrincipal {
    let values = match &clause.principals {
        Principals::Anyone => BTreeSet::from([("AWS".to_owned(), "*".to_owned())]),
        Principals::Of(types) => types
            .iter()
            .flat_map(|(kind, names)| names.iter().map(move |name| (kind, name)))
            .map(|(kind, name)| {
                let name = match (kind.as_str(), root_account(name)) {
                    ("AWS", Some(account)) => account,
                    _ => name,
                };
                (kind.clone(), name.to_owned())
            })
            .collect(),
    };
    NormalPrincipal {
        negated: clause.negated,
        values,
    }
}

/// Lower case, and one word for each test: `ArnEquals` does what `ArnLike` does.
fn normal_operator(operator: &str) -> String {
    let lower = operator.to_ascii_lowercase();
    let (set, rest) = match lower.split_once(':') {
        Some((set, rest)) => (format!("{set}:"), rest),
        None => (String::new(), lower.as_str()),
    };
    let (base, if_exists) = match rest.strip_suffix("ifexists") {
        Some(base) => (base, "ifexists"),
        None => (rest, ""),
    };
    let base = match base {
        "arnequals" => "arnlike",
        "arnnotequals" => "arnnotlike",
        other => other,
    };
    format!("{set}{base}{if_exists}")
}

/// The account that a principal stands for as a whole: its bare id, or `arn:P:iam::ID:root` in any partition.
#[must_use]
pub fn root_account(principal: &str) -> Option<&str> {
    let account = if let Some(arn) = principal.strip_prefix("arn:") {
        let (_, rest) = arn.split_once(":iam::")?;
        rest.strip_suffix(":root")?
    } else {
        principal
    };
    (account.len() == 12 && account.bytes().all(|it| it.is_ascii_digit())).then_some(account)
}

/// Whether AWS keeps two documents as one: no difference, and no write.
#[must_use]
pub fn same(a: &Document, b: &Document) -> bool {
    normal(a) == normal(b)
}

/// Whether two statements have one normal form.
#[must_use]
pub fn same_statement(a: &Statement, b: &Statement) -> bool {
    normal_statement(a) == normal_statement(b)
}

/// Whether two documents are the same but for their `Sid`s and repeated statements.
#[must_use]
pub fn same_meaning(a: &Document, b: &Document) -> bool {
    normal(a).without_sids() == normal(b).without_sids()
}

impl Normal {
    /// The same without `Sid`s, and so without statements said twice.
    #[must_use]
    pub fn without_sids(mut self) -> Self {
        for statement in &mut self.statements {
            statement.sid = None;
        }
        self.statements.sort();
        self.statements.dedup();
        self
    }

    /// A document that has this normal form.
    #[must_use]
    pub fn to_document(&self) -> Document {
        Document {
            version: self.version.clone(),
            id: None,
            statements: self
                .statements
                .iter()
                .map(NormalStatement::to_statement)
                .collect(),
        }
    }
}

impl NormalStatement {
    /// A statement that has this normal form.
    #[must_use]
    pub fn to_statement(&self) -> Statement {
        let clause = |it: &NormalClause| Clause {
            negated: it.negated,
            values: it.values.iter().cloned().collect(),
        };
        let mut conditions = Conditions::new();
        for condition in &self.conditions {
            let keys = conditions.entry(condition.operator.clone()).or_default();
            let key = free_spelling(&condition.key, keys);
            keys.insert(key, condition.values.iter().cloned().collect());
        }
        Statement {
            sid: self.sid.clone(),
            effect: self.effect,
            principal: self.principal.as_ref().map(|it| {
                let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
                for (kind, name) in &it.values {
                    types.entry(kind.clone()).or_default().push(name.clone());
                }
                PrincipalClause {
                    negated: it.negated,
                    principals: Principals::Of(types),
                }
            }),
            action: clause(&self.action),
            resource: self.resource.as_ref().map(clause),
            conditions,
        }
    }
}

/// A spelling of `key` that is not taken. Case means nothing in a key, so a second test
/// of the same key by the same operator can stand beside the first.
fn free_spelling(key: &str, taken: &BTreeMap<String, Vec<String>>) -> String {
    let mut spelling = key.to_owned();
    for mask in 1_u64.. {
        if !taken.contains_key(&spelling) {
            break;
        }
        let mut letter = 0;
        spelling = key
            .chars()
            .map(|it| {
                let up = it.is_ascii_alphabetic() && letter < 64 && mask >> letter & 1 == 1;
                letter += u32::from(it.is_ascii_alphabetic());
                if up { it.to_ascii_uppercase() } else { it }
            })
            .collect();
    }
    spelling
}

/// A REST API as its `execute-api` ARNs name it.
///
/// API Gateway takes `execute-api:/stage/METHOD/path` in a resource policy, which can be
/// written before the API has an id, and gives back the whole ARN.
///
/// See <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-examples.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiName<'a> {
    /// `aws`, `aws-cn`, …
    pub partition: &'a str,
    /// The region.
    pub region: &'a str,
    /// The account's id.
    pub account: &'a str,
    /// The API's id.
    pub api: &'a str,
}

/// What short `execute-api` resources begin with.
const SHORT: &str = "execute-api:/";

impl<'a> ApiName<'a> {
    /// The one API that an ARN names.
    #[must_use]
    pub fn of(arn: &'a str) -> Option<Self> {
        let mut parts = arn.strip_prefix("arn:")?.splitn(5, ':');
        let partition = parts.next()?;
        parts.next().filter(|it| *it == "execute-api")?;
        let (region, account) = (parts.next()?, parts.next()?);
        let (api, _) = parts.next()?.split_once('/')?;
        let name = Self {
            partition,
            region,
            account,
            api,
        };
        let whole = |it: &str| !it.is_empty() && !it.contains(['*', '?', '$']);
        let all = [partition, region, account, api].into_iter().all(whole);
        all.then_some(name)
    }

    /// The head that `execute-api:/` stands for: `arn:P:execute-api:R:ACCOUNT:API/`.
    #[must_use]
    pub fn head(&self) -> String {
        let Self {
            partition,
            region,
            account,
            api,
        } = self;
        format!("arn:{partition}:execute-api:{region}:{account}:{api}/")
    }

    /// The document with this API's resources in the short form.
    #[must_use]
    pub fn shorten(&self, document: &Document) -> Document {
        swap_heads(document, &self.head(), SHORT)
    }

    /// The document with short resources written out.
    #[must_use]
    pub fn expand(&self, document: &Document) -> Document {
        swap_heads(document, SHORT, &self.head())
    }
}

fn swap_heads(document: &Document, from: &str, to: &str) -> Document {
    let mut document = document.clone();
    for statement in &mut document.statements {
        for value in statement.resource.iter_mut().flat_map(|it| &mut it.values) {
            if let Some(rest) = value.strip_prefix(from) {
                *value = format!("{to}{rest}");
            }
        }
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(fields: &str) -> Document {
        Document::parse(&format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow",{fields}}}]}}"#
        ))
        .expect("a policy")
    }

    fn alike(a: &str, b: &str) {
        let (a, b) = (statement(a), statement(b));
        assert!(same(&a, &b), "{} is not {}", a.to_text(), b.to_text());
        assert!(same_meaning(&a, &b));
    }

    fn apart(a: &str, b: &str) {
        let (a, b) = (statement(a), statement(b));
        assert!(!same(&a, &b), "{} is {}", a.to_text(), b.to_text());
        assert!(!same_meaning(&a, &b));
    }

    #[test]
    fn a_whole_account_has_two_names() {
        for whole in [
            "111111111111",
            "arn:aws:iam::111111111111:root",
            "arn:aws-cn:iam::111111111111:root",
        ] {
            assert_eq!(root_account(whole), Some("111111111111"), "{whole}");
        }
        for other in [
            "",
            "11111111111",
            "1111111111111",
            "11111111111a",
            "AROAEXAMPLE1",
        ] {
            assert_eq!(root_account(other), None, "{other}");
            assert_eq!(root_account(&format!("arn:aws:iam::{other}:root")), None);
        }
    }

    #[test]
    fn statements_are_compared_as_documents_are() {
        let one = |fields: &str| statement(fields).statements.remove(0);
        let a = one(r#""Action":"SNS:Publish","Resource":["a","b"]"#);
        assert!(same_statement(
            &a,
            &one(r#""Action":["sns:publish"],"Resource":["b","a"]"#)
        ));
        assert!(!same_statement(
            &a,
            &one(r#""Action":"sns:Publish","Resource":"a""#)
        ));
    }

    #[test]
    fn tests_of_one_key_stay_apart_whatever_their_number() {
        let mut taken = BTreeMap::new();
        let mut spellings = Vec::new();
        for _ in 0..8 {
            let spelling = free_spelling("a:b1c", &taken);
            taken.insert(spelling.clone(), Vec::new());
            spellings.push(spelling);
        }
        assert_eq!(
            spellings,
            [
                "a:b1c", "A:b1c", "a:B1c", "A:B1c", "a:b1C", "A:b1C", "a:B1C", "A:B1C"
            ]
        );
    }

    #[test]
    fn actions_are_compared_without_case_and_resources_with_it() {
        alike(r#""Action":"SNS:Publish""#, r#""Action":["sns:publish"]"#);
        apart(
            r#""Action":"a:b","Resource":"arn:aws:sns:r:1:T""#,
            r#""Action":"a:b","Resource":"arn:aws:sns:r:1:t""#,
        );
    }

    #[test]
    fn lists_are_sets_and_a_scalar_is_a_list_of_one() {
        alike(
            r#""Action":["a:b","a:c"],"Resource":["x"]"#,
            r#""Action":["a:c","a:b","a:b"],"Resource":"x""#,
        );
    }

    #[test]
    fn an_account_id_is_its_root_arn_in_any_partition() {
        alike(
            r#""Action":"a:b","Principal":{"AWS":"111111111111"}"#,
            r#""Action":"a:b","Principal":{"AWS":["arn:aws:iam::111111111111:root"]}"#,
        );
        alike(
            r#""Action":"a:b","Principal":{"AWS":"111111111111"}"#,
            r#""Action":"a:b","Principal":{"AWS":"arn:aws-cn:iam::111111111111:root"}"#,
        );
        apart(
            r#""Action":"a:b","Principal":{"AWS":"111111111111"}"#,
            r#""Action":"a:b","Principal":{"AWS":"arn:aws:iam::111111111111:role/root"}"#,
        );
    }

    #[test]
    fn everyone_is_written_in_two_ways() {
        alike(
            r#""Action":"a:b","Principal":"*""#,
            r#""Action":"a:b","Principal":{"AWS":"*"}"#,
        );
    }

    #[test]
    fn an_absent_principal_is_not_everyone_and_neither_is_an_empty_one() {
        apart(r#""Action":"a:b""#, r#""Action":"a:b","Principal":"*""#);
        apart(
            r#""Action":"a:b","Principal":{}"#,
            r#""Action":"a:b","Principal":"*""#,
        );
        apart(r#""Action":"a:b","Principal":{}"#, r#""Action":"a:b""#);
        alike(
            r#""Action":"a:b","Principal":{"AWS":[],"Service":"x"}"#,
            r#""Action":"a:b","Principal":{"Service":"x"}"#,
        );
    }

    #[test]
    fn the_id_of_a_deleted_role_is_no_arn() {
        apart(
            r#""Action":"a:b","Principal":{"AWS":"AROAEXAMPLEEXAMPLE123"}"#,
            r#""Action":"a:b","Principal":{"AWS":"arn:aws:iam::111111111111:role/a"}"#,
        );
    }

    #[test]
    fn a_missing_version_is_the_old_one_and_never_the_new_one() {
        let text = |version: &str| {
            Document::parse(&format!(
                r#"{{{version}"Statement":{{"Effect":"Allow","Action":"a:b"}}}}"#
            ))
            .expect("a policy")
        };
        let missing = text("");
        assert!(same(&missing, &text(r#""Version":"2008-10-17","#)));
        assert!(!same(&missing, &text(r#""Version":"2012-10-17","#)));
        assert!(!same_meaning(&missing, &text(r#""Version":"2012-10-17","#)));
    }

    #[test]
    fn condition_operators_and_keys_have_no_case_and_values_have() {
        alike(
            r#""Action":"a:b","Condition":{"StringEquals":{"AWS:SourceOwner":"1"}}"#,
            r#""Action":"a:b","Condition":{"stringequals":{"aws:SourceOwner":["1"]}}"#,
        );
        alike(
            r#""Action":"a:b","Condition":{"Bool":{"aws:SecureTransport":false}}"#,
            r#""Action":"a:b","Condition":{"Bool":{"aws:SecureTransport":"false"}}"#,
        );
        apart(
            r#""Action":"a:b","Condition":{"StringEquals":{"k":"A"}}"#,
            r#""Action":"a:b","Condition":{"StringEquals":{"k":"a"}}"#,
        );
    }

    #[test]
    fn arn_equals_is_arn_like_and_string_like_is_not() {
        let with = |operator: &str| {
            format!(r#""Action":"a:b","Condition":{{"{operator}":{{"aws:SourceArn":"arn:x"}}}}"#)
        };
        alike(&with("ArnEquals"), &with("ArnLike"));
        alike(&with("ArnNotEquals"), &with("ArnNotLike"));
        alike(
            &with("ForAnyValue:ArnEqualsIfExists"),
            &with("ForAnyValue:ArnLikeIfExists"),
        );
        apart(&with("ArnEquals"), &with("StringLike"));
        apart(&with("ArnEquals"), &with("ArnEqualsIfExists"));
        apart(&with("ArnLike"), &with("ArnNotLike"));
    }

    #[test]
    fn two_tests_of_one_key_stay_two_tests() {
        let both = r#""Action":"a:b","Condition":{"ArnEquals":{"k":"x"},"ArnLike":{"k":"y"}}"#;
        apart(
            both,
            r#""Action":"a:b","Condition":{"ArnLike":{"k":["x","y"]}}"#,
        );
        let form = normal(&statement(both));
        assert_eq!(normal(&form.to_document()), form);
    }

    #[test]
    fn an_id_and_an_empty_or_numbered_sid_mean_nothing() {
        let bare = Document::parse(r#"{"Statement":{"Effect":"Allow","Action":"a:b"}}"#);
        let numbered = Document::parse(
            r#"{"Id":"x","Statement":{"Sid":"1","Effect":"Allow","Action":"a:b"}}"#,
        );
        let empty =
            Document::parse(r#"{"Statement":[{"Sid":"","Effect":"Allow","Action":"a:b"}]}"#);
        let (bare, numbered, empty) = (
            bare.expect("a policy"),
            numbered.expect("a policy"),
            empty.expect("a policy"),
        );
        assert!(same(&bare, &numbered));
        assert!(same(&bare, &empty));
    }

    #[test]
    fn a_given_sid_shows_in_the_form_and_not_in_the_meaning() {
        let a = statement(r#""Sid":"A","Action":"a:b""#);
        let b = statement(r#""Sid":"B","Action":"a:b""#);
        assert!(!same(&a, &b));
        assert!(same_meaning(&a, &b));
    }

    #[test]
    fn short_resources_of_an_api_are_its_whole_arns() {
        let name = ApiName {
            partition: "aws",
            region: "eu-west-1",
            account: "111111111111",
            api: "abc",
        };
        let short = statement(
            r#""Action":"execute-api:Invoke","Principal":"*","Resource":["execute-api:/prod/GET/a","execute-api:/*","*"]"#,
        );
        let long = statement(
            r#""Action":"execute-api:Invoke","Principal":"*","Resource":["arn:aws:execute-api:eu-west-1:111111111111:abc/*","arn:aws:execute-api:eu-west-1:111111111111:abc/prod/GET/a","*"]"#,
        );
        assert!(same(&name.shorten(&long), &short));
        assert!(same(&name.expand(&short), &long));
        let other = statement(
            r#""Action":"execute-api:Invoke","Resource":"arn:aws:execute-api:eu-west-1:111111111111:abcd/*""#,
        );
        assert_eq!(name.shorten(&other), other);
    }

    #[test]
    fn a_key_of_many_letters_has_another_spelling_too() {
        let long = "a".repeat(70);
        let taken = BTreeMap::from([(long.clone(), Vec::new())]);
        let other = format!("A{}", &long[1..]);
        assert_eq!(free_spelling(&long, &taken), other);
    }

    #[test]
    fn an_api_is_named_by_an_arn_without_wildcards_in_its_head() {
        let arn = "arn:aws:execute-api:eu-west-1:111111111111:abc/prod/GET/*";
        let head = ApiName::of(arn).map(|it| it.head());
        assert_eq!(
            head.as_deref(),
            Some("arn:aws:execute-api:eu-west-1:111111111111:abc/")
        );
        for other in [
            "execute-api:/prod/GET/a",
            "arn:aws:sns:eu-west-1:111111111111:abc/prod",
            "arn:aws:execute-api:eu-west-1:111111111111:abc",
            "arn:aws:execute-api:*:111111111111:abc/prod",
            "arn:aws:execute-api:eu-west-1::abc/prod",
            "arn:aws:execute-api:eu-west-1:111111111111:a?c/prod",
            "arn:aws:execute-api:eu-west-1:111111111111:${api}/prod",
        ] {
            assert_eq!(ApiName::of(other), None, "{other}");
        }
    }
}
