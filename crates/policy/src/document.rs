//! Policy documents as IAM's grammar has them.
//!
//! A parsed document keeps the order and spelling of what it was read from, so
//! that a foreign statement can be written back as it was; what two documents
//! mean is compared in their normal form, elsewhere.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::json::{self, EMPTY, PolicyError, WHOLE, wrong};
use super::patterns::Pattern;

/// A policy document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// `2012-10-17`, or `2008-10-17` also where the text has none.
    pub version: String,
    /// The document's id.
    pub id: Option<String>,
    /// The statements, in order.
    pub statements: Vec<Statement>,
}

/// The language version every generated document has.
pub const VERSION: &str = "2012-10-17";
/// The version a document without one has: policy variables mean nothing in it.
pub const OLD_VERSION: &str = "2008-10-17";

/// Whether a statement allows or denies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// `Allow`
    Allow,
    /// `Deny`
    Deny,
}

impl Effect {
    /// As a document spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Deny => "Deny",
        }
    }
}

/// Condition operators, to keys, to values.
pub type Conditions = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its id; `None` also where the text has an empty one.
    pub sid: Option<String>,
    /// Allow or deny.
    pub effect: Effect,
    /// Who; `None` in identity policies.
    pub principal: Option<PrincipalClause>,
    /// `Action` or `NotAction`.
    pub action: Clause,
    /// `Resource` or `NotResource`; `None` in trust policies.
    pub resource: Option<Clause>,
    /// All must hold.
    pub conditions: Conditions,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clause {
    /// Whether it is the `Not` form.
    pub negated: bool,
    /// The patterns.
    pub values: Vec<String>,
}

impl Clause {
    /// Whether these actions hold one, which is in lower case.
    fn takes(&self, action: &str) -> bool {
        let holds = |it: &String| Pattern::of(&it.to_ascii_lowercase()).matches(action);
        self.values.iter().any(holds) != self.negated
    }

    /// The plain form of these patterns.
    pub fn of<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Self {
        Self {
            negated: false,
            values: values.into_iter().map(Into::into).collect(),
        }
    }
}

/// `Principal` or `NotPrincipal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalClause {
    /// Whether it is `NotPrincipal`.
    pub negated: bool,
    /// Who.
    pub principals: Principals,
}

/// Who a statement speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principals {
    /// The bare `"*"`.
    Anyone,
    /// By type (`AWS`, `Service`, `Federated`, `CanonicalUser`).
    Of(BTreeMap<String, Vec<String>>),
}

impl PrincipalClause {
    /// These principals of type `AWS`.
    pub fn aws<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Self {
        Self::typed("AWS", values)
    }

    /// These service principals.
    pub fn service<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Self {
        Self::typed("Service", values)
    }

    /// These identity providers.
    pub fn federated<T: Into<String>>(values: impl IntoIterator<Item = T>) -> Self {
        Self::typed("Federated", values)
    }

    /// Everyone: the bare `"*"`.
    #[must_use]
    pub fn anyone() -> Self {
        Self {
            negated: false,
            principals: Principals::Anyone,
        }
    }

    fn typed<T: Into<String>>(kind: &str, values: impl IntoIterator<Item = T>) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        Self {
            negated: false,
            principals: Principals::Of(BTreeMap::from([(kind.to_owned(), values)])),
        }
    }

    /// The principals of type `AWS`.
    #[must_use]
    pub fn aws_values(&self) -> &[String] {
        match &self.principals {
            Principals::Anyone => &[],
            Principals::Of(types) => types.get("AWS").map_or(&[], Vec::as_slice),
        }
    }
}

/// The fault of an element that nothing has, with the one it was most likely meant to be.
fn no_such(at: &str, name: &str, of: &str, there_are: &[&str]) -> PolicyError {
    let alike = |it: &&&str| strsim::jaro_winkler(&it.to_lowercase(), &name.to_lowercase());
    let meant = there_are
        .iter()
        .max_by(|a, b| alike(a).total_cmp(&alike(b)))
        .filter(|it| alike(it) > 0.8);
    let hint = meant.map_or_else(String::new, |it| format!("; is `{it}` meant?"));
    wrong(at, format!("no such element in {of}{hint}"))
}

/// A key as a path has it.
fn shown(name: &str) -> &str {
    if name.is_empty() { EMPTY } else { name }
}

/// The elements of a policy.
const ELEMENTS: [&str; 3] = ["Version", "Id", "Statement"];
/// The elements of a statement.
pub(crate) const OF_STATEMENT: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// The actions with which a role gives itself whatever it lacks: a policy of its own words, or of AWS's.
const ESCALATIONS: [&str; 2] = ["iam:attachrolepolicy", "iam:putrolepolicy"];

impl Document {
    /// Returns the first AWS principal that it names, in an `Allow` or a `Deny`; an account's root is one. In the policy
    /// of an API, AWS documents that calls of methods without `AWS_IAM` then fail; it has not been tried.
    ///
    /// See <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-create-attach.html>.
    #[must_use]
    pub fn first_aws_principal(&self) -> Option<&str> {
        let statements = self.statements.iter();
        let clauses = statements.filter_map(|it| it.principal.as_ref());
        let mut names = clauses.flat_map(PrincipalClause::aws_values);
        names.find(|it| it.as_str() != "*").map(String::as_str)
    }

    /// A document of these statements.
    #[must_use]
    pub fn of(statements: Vec<Statement>) -> Self {
        Self {
            version: VERSION.to_owned(),
            id: None,
            statements,
        }
    }

    /// Whether a statement allows every action on everything, or actions with which a role gives itself all others,
    /// such as `iam:*` or `iam:PutRolePolicy` on every role.
    #[must_use]
    pub fn makes_administrator(&self) -> bool {
        let whole = |clause: &Clause| {
            !clause.negated
                && clause
                    .values
                    .iter()
                    .any(|it| matches!(it.as_str(), "*" | "*:*"))
        };
        let statements = || self.statements.iter();
        // With either of these on every role, a role gives itself the rest.
        let gives_itself = |statement: &Statement| {
            ESCALATIONS.iter().any(|action| {
                let denied = |it: &Statement| it.effect == Effect::Deny && it.action.takes(action);
                statement.action.takes(action) && !statements().any(denied)
            })
        };
        let on_roles = |clause: &Clause| {
            let of_role = |it: &String| {
                let parts: Vec<&str> = it.splitn(6, ':').collect();
                matches!(
                    parts.as_slice(),
                    ["arn", _, "iam" | "*", "" | "*", _, "*" | "role/*"]
                )
            };
            !clause.negated && clause.values.iter().any(of_role)
        };
        statements().any(|it| {
            let on = |holds: &dyn Fn(&Clause) -> bool| it.resource.as_ref().is_some_and(holds);
            it.effect == Effect::Allow
                && it.conditions.is_empty()
                && (whole(&it.action) && on(&whole)
                    || gives_itself(it) && (on(&whole) || on(&on_roles)))
        })
    }

    /// All that these say, as one.
    #[must_use]
    pub fn joined<'a>(documents: impl IntoIterator<Item = &'a Self>) -> Self {
        let statements = documents.into_iter().flat_map(|it| it.statements.clone());
        Self::of(statements.collect())
    }

    /// Reads plain JSON.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        Self::from_value(&json::parse(text)?).map_err(|error| error.within(text))
    }

    /// Reads what IAM returns: JSON, URL-encoded once (RFC 3986).
    pub fn parse_encoded(text: &str) -> Result<Self, PolicyError> {
        let decoded = percent_encoding::percent_decode_str(text)
            .decode_utf8()
            .map_err(|_| wrong(WHOLE, "this is not UTF-8"))?;
        Self::parse(&decoded)
    }

    /// Reads what API Gateway returns: JSON, or JSON with its quotes and slashes escaped.
    pub fn parse_escaped(text: &str) -> Result<Self, PolicyError> {
        match Self::parse(text) {
            Ok(document) => Ok(document),
            Err(error) => {
                let quoted = format!("\"{text}\"");
                let Ok(unescaped) = serde_json::from_str::<String>(&quoted) else {
                    return Err(error);
                };
                Self::parse(&unescaped)
            }
        }
    }

    /// Reads a JSON value.
    pub fn from_value(value: &Value) -> Result<Self, PolicyError> {
        let Value::Object(fields) = value else {
            return Err(wrong(WHOLE, "a policy is a JSON object"));
        };
        fields.iter().try_for_each(|(name, it)| {
            spell(name, shown(name))?;
            plain(it, shown(name))
        })?;
        let mut document = Self {
            version: OLD_VERSION.to_owned(),
            id: None,
            statements: Vec::new(),
        };
        for (name, value) in fields {
            match name.as_str() {
                "Version" => match value.as_str() {
                    Some(version @ (VERSION | OLD_VERSION)) => {
                        version.clone_into(&mut document.version);
                    }
                    _ => {
                        return Err(wrong(
                            "Version",
                            format!("must be \"{VERSION}\" or \"{OLD_VERSION}\""),
                        ));
                    }
                },
                "Id" => document.id = Some(text(value, "Id")?),
                "Statement" => {
                    let items = match value {
                        Value::Array(items) => items.as_slice(),
                        other => std::slice::from_ref(other),
                    };
                    for (index, item) in items.iter().enumerate() {
                        document
                            .statements
                            .push(Statement::from_value(item, &format!("Statement[{index}]"))?);
                    }
                }
                other => return Err(no_such(shown(other), other, "a policy", &ELEMENTS)),
            }
        }
        Ok(document)
    }

    /// The JSON value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("Version".to_owned(), Value::String(self.version.clone()));
        if let Some(id) = &self.id {
            fields.insert("Id".to_owned(), Value::String(id.clone()));
        }
        let statements = self.statements.iter().map(Statement::to_value).collect();
        fields.insert("Statement".to_owned(), Value::Array(statements));
        Value::Object(fields)
    }

    /// Compact JSON: what is sent, and what sizes are counted on.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.to_value().to_string()
    }
}

impl Statement {
    /// An allowing statement without resource or condition.
    #[must_use]
    pub fn allow(sid: impl Into<String>, action: Clause) -> Self {
        Self {
            sid: Some(sid.into()),
            effect: Effect::Allow,
            principal: None,
            action,
            resource: None,
            conditions: Conditions::new(),
        }
    }

    /// The same, for these principals.
    #[must_use]
    pub fn to(mut self, principal: PrincipalClause) -> Self {
        self.principal = Some(principal);
        self
    }

    /// The same, on these resources.
    #[must_use]
    pub fn on<T: Into<String>>(mut self, resources: impl IntoIterator<Item = T>) -> Self {
        self.resource = Some(Clause::of(resources));
        self
    }

    /// The same, where a key matches one of these values.
    #[must_use]
    pub fn when<T: Into<String>>(
        mut self,
        operator: &str,
        key: &str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.conditions
            .entry(operator.to_owned())
            .or_default()
            .insert(key.to_owned(), values);
        self
    }

    fn from_value(value: &Value, at: &str) -> Result<Self, PolicyError> {
        let Value::Object(fields) = value else {
            return Err(wrong(at, "a statement is a JSON object"));
        };
        let mut sid = None;
        let mut effect = None;
        let mut principal = None;
        let mut action = None;
        let mut resource = None;
        let mut conditions = Conditions::new();
        for (name, value) in fields {
            let here = format!("{at}.{}", shown(name));
            match name.as_str() {
                "Sid" => sid = Some(text(value, &here)?).filter(|it| !it.is_empty()),
                "Effect" => {
                    effect = match value.as_str() {
                        Some("Allow") => Some(Effect::Allow),
                        Some("Deny") => Some(Effect::Deny),
                        _ => return Err(wrong(here, "must be \"Allow\" or \"Deny\"")),
                    }
                }
                "Principal" | "NotPrincipal" => {
                    let clause = PrincipalClause {
                        negated: name != "Principal",
                        principals: principals(value, &here)?,
                    };
                    once(&mut principal, clause, &here)?;
                }
                "Action" | "NotAction" => {
                    let clause = Clause {
                        negated: name != "Action",
                        values: texts(value, &here)?,
                    };
                    once(&mut action, clause, &here)?;
                }
                "Resource" | "NotResource" => {
                    let clause = Clause {
                        negated: name != "Resource",
                        values: texts(value, &here)?,
                    };
                    once(&mut resource, clause, &here)?;
                }
                "Condition" => conditions = self::conditions(value, &here)?,
                _ => return Err(no_such(&here, name, "a statement", &OF_STATEMENT)),
            }
        }
        Ok(Self {
            sid,
            effect: effect.ok_or_else(|| wrong(at, "`Effect` is missing"))?,
            principal,
            action: action.ok_or_else(|| wrong(at, "`Action` is missing"))?,
            resource,
            conditions,
        })
    }

    /// The JSON value.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut fields = Map::new();
        if let Some(sid) = &self.sid {
            fields.insert("Sid".to_owned(), Value::String(sid.clone()));
        }
        fields.insert(
            "Effect".to_owned(),
            Value::String(self.effect.as_str().to_owned()),
        );
        if let Some(clause) = &self.principal {
            let name = if clause.negated {
                "NotPrincipal"
            } else {
                "Principal"
            };
            let value = match &clause.principals {
                Principals::Anyone => Value::String("*".to_owned()),
                Principals::Of(types) => Value::Object(
                    types
                        .iter()
                        .map(|(kind, values)| (kind.clone(), scalar_or_list(values)))
                        .collect(),
                ),
            };
            fields.insert(name.to_owned(), value);
        }
        let name = if self.action.negated {
            "NotAction"
        } else {
            "Action"
        };
        fields.insert(name.to_owned(), scalar_or_list(&self.action.values));
        if let Some(clause) = &self.resource {
            let name = if clause.negated {
                "NotResource"
            } else {
                "Resource"
            };
            fields.insert(name.to_owned(), scalar_or_list(&clause.values));
        }
        if !self.conditions.is_empty() {
            let operators = self.conditions.iter().map(|(operator, keys)| {
                let keys = keys
                    .iter()
                    .map(|(key, values)| (key.clone(), scalar_or_list(values)))
                    .collect();
                (operator.clone(), Value::Object(keys))
            });
            fields.insert("Condition".to_owned(), Value::Object(operators.collect()));
        }
        Value::Object(fields)
    }
}

/// Refuses characters that no policy may hold: IAM takes tab, line ends and U+0020 to U+00FF.
fn plain(value: &Value, at: &str) -> Result<(), PolicyError> {
    match value {
        Value::String(text) => spell(text, at),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.try_for_each(|(index, it)| plain(it, &format!("{at}[{index}]")))
        }
        Value::Object(fields) => fields.iter().try_for_each(|(name, it)| {
            let here = format!("{at}.{}", shown(name));
            spell(name, &here)?;
            plain(it, &here)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn spell(text: &str, at: &str) -> Result<(), PolicyError> {
    let forbidden = |it: &char| !matches!(it, '\t' | '\n' | '\r' | ' '..='\u{ff}');
    match text.chars().find(forbidden) {
        Some(it) => Err(wrong(
            at,
            match u32::from(it) {
                code if it.is_control() => format!("no policy may hold the character U+{code:04X}"),
                code => format!("no policy may hold the character `{it}` (U+{code:04X})"),
            },
        )),
        None => Ok(()),
    }
}

fn once<T>(slot: &mut Option<T>, value: T, at: &str) -> Result<(), PolicyError> {
    if slot.is_some() {
        return Err(wrong(
            at,
            "a statement has this element or its `Not` form, not both",
        ));
    }
    *slot = Some(value);
    Ok(())
}

fn scalar_or_list(values: &[String]) -> Value {
    match values {
        [one] => Value::String(one.clone()),
        many => Value::Array(many.iter().map(|it| Value::String(it.clone())).collect()),
    }
}

fn text(value: &Value, at: &str) -> Result<String, PolicyError> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| wrong(at, "must be a string"))
}

fn texts(value: &Value, at: &str) -> Result<Vec<String>, PolicyError> {
    match value {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, it)| text(it, &format!("{at}[{index}]")))
            .collect(),
        other => {
            Ok(vec![text(other, at).map_err(|_| {
                wrong(at, "must be a string or a list of strings")
            })?])
        }
    }
}

fn principals(value: &Value, at: &str) -> Result<Principals, PolicyError> {
    match value {
        Value::String(star) if star == "*" => Ok(Principals::Anyone),
        Value::Object(types) => {
            let mut found = BTreeMap::new();
            for (kind, values) in types {
                if !matches!(
                    kind.as_str(),
                    "AWS" | "Service" | "Federated" | "CanonicalUser"
                ) {
                    return Err(wrong(
                        format!("{at}.{}", shown(kind)),
                        "no such type of principal",
                    ));
                }
                found.insert(kind.clone(), texts(values, &format!("{at}.{kind}"))?);
            }
            Ok(Principals::Of(found))
        }
        _ => Err(wrong(at, "must be \"*\" or an object of principal types")),
    }
}

fn conditions(value: &Value, at: &str) -> Result<Conditions, PolicyError> {
    let Value::Object(operators) = value else {
        return Err(wrong(at, "must be an object of operators"));
    };
    let mut found = Conditions::new();
    for (operator, keys) in operators {
        let here = format!("{at}.{}", shown(operator));
        let Value::Object(keys) = keys else {
            return Err(wrong(here, "must be an object of condition keys"));
        };
        let mut values_by_key = BTreeMap::new();
        for (key, values) in keys {
            let items = match values {
                Value::Array(items) => items.as_slice(),
                other => std::slice::from_ref(other),
            };
            let mut texts = Vec::with_capacity(items.len());
            for item in items {
                texts.push(match item {
                    Value::String(it) => it.clone(),
                    Value::Bool(it) => it.to_string(),
                    Value::Number(it) => it.to_string(),
                    _ => {
                        return Err(wrong(
                            format!("{here}.{}", shown(key)),
                            "must be strings, numbers or booleans",
                        ));
                    }
                });
            }
            values_by_key.insert(key.clone(), texts);
        }
        found.insert(operator.clone(), values_by_key);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111111111111:root"]},"Action":"sns:Publish","Resource":["*"],"Condition":{"Bool":{"aws:SecureTransport":true}}}]}"#;

    #[test]
    fn a_character_that_no_policy_may_hold_is_named_with_its_place() {
        let with = |sid: &str| {
            let text = serde_json::json!({"Statement": {"Sid": sid, "Effect": "Allow", "Action": "sns:*", "Resource": "*"}});
            let error = Document::parse(&text.to_string()).expect_err("it is refused");
            (error.at, error.message)
        };
        for (sid, message) in [
            ("a\u{7}b", "no policy may hold the character U+0007"),
            (
                "a\u{2028}b",
                "no policy may hold the character `\u{2028}` (U+2028)",
            ),
            (
                "a\u{416}b",
                "no policy may hold the character `\u{416}` (U+0416)",
            ),
        ] {
            let (at, found) = with(sid);
            assert_eq!((at.as_str(), found.as_str()), ("Statement.Sid", message));
        }
    }

    #[test]
    fn a_document_reads_back_as_it_was_written() {
        let document = Document::parse(TEXT).expect("a policy");
        assert_eq!(Document::parse(&document.to_text()), Ok(document));
    }

    #[test]
    fn a_principal_without_a_type_is_everyone_or_a_fault() {
        let with = |principal: &str| {
            let text = format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{principal},"Action":"sns:Publish","Resource":"*"}}]}}"#
            );
            Document::parse(&text)
        };
        assert!(with("\"*\"").is_ok());
        for bad in [
            "\"arn:aws:iam::111111111111:role/a\"",
            "\"\"",
            "\"**\"",
            "[]",
            "true",
        ] {
            assert!(with(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_number_in_a_condition_is_its_text() {
        let number = TEXT.replace(
            r#""Bool":{"aws:SecureTransport":true}"#,
            r#""NumericLessThan":{"aws:MultiFactorAuthAge":300}"#,
        );
        let text = number.replace(":300", ":\"300\"");
        assert_eq!(
            Document::parse(&number).expect("a policy"),
            Document::parse(&text).expect("a policy")
        );
    }

    #[test]
    fn an_escaped_document_of_api_gateway_is_read() {
        let escaped = TEXT.replace('"', "\\\"").replace('/', "\\/");
        assert_eq!(Document::parse_escaped(&escaped), Document::parse(TEXT));
        assert_eq!(Document::parse_escaped(TEXT), Document::parse(TEXT));
    }

    #[test]
    fn an_encoded_document_of_iam_is_read_and_decoded_once() {
        let encoded =
            percent_encoding::utf8_percent_encode(TEXT, percent_encoding::NON_ALPHANUMERIC)
                .to_string();
        assert_eq!(Document::parse_encoded(&encoded), Document::parse(TEXT));
    }

    #[test]
    fn a_fault_says_where_it_is() {
        let fault = Document::parse(r#"{"Statement":{"Effect":"allow","Action":"x:Y"}}"#)
            .expect_err("a fault");
        assert_eq!(fault.at, "Statement[0].Effect");
        let fault = Document::parse(r#"{"Statement":{"Effect":"Allow","Action":[1]}}"#)
            .expect_err("a fault");
        assert_eq!(fault.at, "Statement[0].Action[0]");
        let fault = Document::parse("{").expect_err("a fault");
        assert_eq!(fault.to_string(), "line 1 column 1: this is not JSON");
    }

    #[test]
    fn a_fault_of_a_text_has_a_line_and_a_column() {
        let fault = |text: &str| Document::parse(text).expect_err("a fault").to_string();
        for (text, expected) in [
            ("[]", "line 1 column 1, document: a policy is a JSON object"),
            (
                "{\n \"Statement\": [\n  {\"Efect\": \"Allow\"}]}",
                "line 3 column 13, Statement[0].Efect: no such element in a statement; is `Effect` meant?",
            ),
            (
                "{\"Statements\": []}",
                "line 1 column 16, Statements: no such element in a policy; is `Statement` meant?",
            ),
            (
                "{\"\": 1}",
                "line 1 column 6, \"\": no such element in a policy",
            ),
            (
                "{\"Statement\":\n{\"Effect\":\"Allow\",\"Action\":[\"a:b\",{}]}}",
                "line 2 column 35, Statement[0].Action[1]: must be a string",
            ),
            (
                "{\"Statement\":[{\"Effect\":\"Allow\",\n\"Action\":\"a:b\",\"Condition\":{\"Bool\":{\"a.b:c\":[[]]}}}]}",
                "line 2 column 45, Statement[0].Condition.Bool.a.b:c: must be strings, numbers or booleans",
            ),
            (
                "{\"Statement\":[{\"Action\":\"a:b\"}]}",
                "line 1 column 15, Statement[0]: `Effect` is missing",
            ),
        ] {
            assert_eq!(fault(text), expected);
        }
        let encoded = "%7B%0A%22Statement%22%3A5%7D";
        assert_eq!(
            Document::parse_encoded(encoded)
                .expect_err("a fault")
                .to_string(),
            "line 2 column 13, Statement[0]: a statement is a JSON object"
        );
    }

    #[test]
    fn a_character_that_no_policy_may_hold_is_refused_at_its_place() {
        let fault = Document::parse(
            r#"{"Statement":[{"Sid":"Жук","Effect":"Allow","Action":"a:b","Resource":"*"}]}"#,
        )
        .expect_err("a fault");
        assert_eq!(fault.at, "Statement[0].Sid");
        assert!(fault.message.contains('Ж'), "{fault}");
        let latin = r#"{"Statement":{"Sid":"Käse","Effect":"Allow","Action":"a:b"}}"#;
        assert!(Document::parse(latin).is_ok());
    }

    #[test]
    fn an_element_written_twice_is_refused() {
        let fault = Document::parse(r#"{"Statement":{"Effect":"Deny","Effect":"Allow"}}"#)
            .expect_err("a fault");
        assert!(fault.message.contains("twice"), "{fault}");
    }

    /// A statement as it is read, and as it is written again.
    #[track_caller]
    fn read(fields: &str) -> Statement {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{{{fields}}}]}}"#);
        let document = Document::parse(&text).expect("a policy");
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(document.to_value(), value);
        document.statements[0].clone()
    }

    #[test]
    fn what_is_built_is_what_is_read() {
        let allow = Statement::allow("A", Clause::of(["sns:Publish"]));
        for (built, fields) in [
            (allow.clone(), String::new()),
            (
                allow.clone().on(["a", "b"]),
                r#","Resource":["a","b"]"#.to_owned(),
            ),
            (
                allow.clone().when("StringEquals", "k", ["x"]).when(
                    "StringEquals",
                    "l",
                    ["y", "z"],
                ),
                r#","Condition":{"StringEquals":{"k":"x","l":["y","z"]}}"#.to_owned(),
            ),
        ] {
            let text = format!(r#""Sid":"A","Effect":"Allow","Action":"sns:Publish"{fields}"#);
            assert_eq!(read(&text), built);
        }
        for (principal, text) in [
            (PrincipalClause::anyone(), r#""*""#),
            (PrincipalClause::aws(["a", "b"]), r#"{"AWS":["a","b"]}"#),
            (PrincipalClause::service(["s"]), r#"{"Service":"s"}"#),
            (PrincipalClause::federated(["f"]), r#"{"Federated":"f"}"#),
        ] {
            let named = principal.aws_values().to_vec();
            assert_eq!(named.is_empty(), !text.contains("AWS"));
            let text =
                format!(r#""Sid":"A","Effect":"Allow","Principal":{text},"Action":"sns:Publish""#);
            assert_eq!(read(&text), allow.clone().to(principal));
        }
    }

    #[test]
    fn the_not_forms_are_told_from_the_plain_ones() {
        let plain = read(r#""Effect":"Deny","Principal":"*","Action":"a:b","Resource":"r""#);
        let not = read(r#""Effect":"Deny","NotPrincipal":"*","NotAction":"a:b","NotResource":"r""#);
        let negated = |it: &Statement| {
            let principal = it.principal.as_ref().map(|it| it.negated);
            let resource = it.resource.as_ref().map(|it| it.negated);
            (principal, it.action.negated, resource)
        };
        assert_eq!(negated(&plain), (Some(false), false, Some(false)));
        assert_eq!(negated(&not), (Some(true), true, Some(true)));
        assert_eq!(plain.effect, Effect::Deny);
        for twice in [
            r#""Action":"a:b","NotAction":"a:c""#,
            r#""Action":"a:b","Resource":"a","NotResource":"b""#,
            r#""Action":"a:b","Principal":"*","NotPrincipal":"*""#,
        ] {
            let text = format!(r#"{{"Statement":[{{"Effect":"Allow",{twice}}}]}}"#);
            let fault = Document::parse(&text).expect_err("a fault");
            assert!(fault.message.contains("not both"), "{fault}");
        }
    }

    #[test]
    fn a_version_is_one_of_two_and_an_empty_sid_is_none() {
        let of = |version: &str| {
            let text = format!(
                r#"{{"Version":{version},"Statement":[{{"Sid":"","Effect":"Allow","Action":"a:b"}}]}}"#
            );
            Document::parse(&text)
        };
        for version in [VERSION, OLD_VERSION] {
            let document = of(&format!("{version:?}")).expect("a policy");
            assert_eq!(document.version, version);
            assert_eq!(document.statements[0].sid, None);
        }
        for other in [r#""2012-10-18""#, "2012", "null"] {
            assert_eq!(of(other).expect_err("a fault").at, "Version");
        }
    }

    /// Who may write a policy to every role gives itself the rest:
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html>
    #[test]
    fn an_administrator_may_do_everything_or_give_itself_the_rest() {
        let allow = |action: &str, resource: &str| {
            format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}"#)
        };
        let roles = "arn:aws:iam::111111111111:role/*";
        let deny = |action: &str| allow(action, "*").replace("Allow", "Deny");
        let all = allow("*", "*");
        for (statements, expected) in [
            (all.clone(), true),
            (allow("*:*", "*"), true),
            (all.replace("Action", "NotAction"), false),
            (all.replace("Resource", "NotResource"), false),
            (deny("*"), false),
            (allow("*", "arn:aws:sns:eu-west-1:111111111111:t"), false),
            (allow("s3:*", "*"), false),
            (allow("iam:GetRole", "*"), false),
            (allow("iam:*", "*"), true),
            (allow("iam:putRolePolicy", roles), true),
            (allow("iam:Attach*", "arn:aws:iam::*:*"), true),
            (allow("iam:AttachRolePolicy", "arn:*:*:*:*:*"), true),
            (
                allow(
                    "iam:AttachRolePolicy",
                    "arn:aws:iam::111111111111:role/app-*",
                ),
                false,
            ),
            (allow("iam:AttachRolePolicy", "arn:aws:iam:::user/*"), false),
            (
                allow(
                    "iam:AttachRolePolicy",
                    "arn:aws:sns:eu-west-1:111111111111:*",
                ),
                false,
            ),
            (
                allow("iam:*", roles).replace("Resource", "NotResource"),
                false,
            ),
            (allow("s3:*", "*").replace("Action", "NotAction"), true),
            (allow("iam:*", "*").replace("Action", "NotAction"), false),
            (
                all.replace(
                    '}',
                    r#","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}"#,
                ),
                false,
            ),
            // A denial of the one way leaves the other.
            (
                format!("{},{}", allow("iam:*", "*"), deny("iam:PutRolePolicy")),
                true,
            ),
            (
                format!("{},{}", allow("iam:*", "*"), deny("iam:*RolePolicy")),
                false,
            ),
            (format!("{},{}", allow("iam:*", "*"), deny("s3:*")), true),
            (format!("{},{}", allow("s3:*", "*"), all), true),
        ] {
            let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
            let document = Document::parse(&text).expect("a policy");
            assert_eq!(document.makes_administrator(), expected, "{statements}");
        }
    }

    #[test]
    fn the_first_aws_principal_is_no_service_and_not_everyone() {
        let first = |principals: &[&str]| {
            let statements: Vec<String> = principals
                .iter()
                .map(|it| format!(r#"{{"Effect":"Allow","Principal":{it},"Action":"a:b"}}"#))
                .collect();
            let text = format!(
                r#"{{"Version":"2012-10-17","Statement":[{}]}}"#,
                statements.join(",")
            );
            let document = Document::parse(&text).expect("a policy");
            document.first_aws_principal().map(str::to_owned)
        };
        let (everyone, service) = (r#""*""#, r#"{"Service":"sns.amazonaws.com"}"#);
        assert_eq!(first(&[everyone, service, r#"{"AWS":"*"}"#]), None);
        let named = first(&[
            everyone,
            r#"{"AWS":["*","111111111111"]}"#,
            r#"{"AWS":"2"}"#,
        ]);
        assert_eq!(named.as_deref(), Some("111111111111"));
    }
}
