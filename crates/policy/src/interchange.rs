//! Questions and answers as lines of JSON, so that others can put the evaluator to the test.
//!
//! A line is a question, and its answer is a line: a decision, a comparison, or what is
//! wrong with the question and where. Nothing that can be written on a line panics.
//!
//! A request is written as it is read, so a witness of [`compare_line`] can be put back
//! into [`simulate_line`] as it stands, whatever its `standIns` say of made-up names: its `callerPolicies` stand for the caller's own policies
//! where the line gives none. In a context, a list without values says that the key is certainly absent.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};

use super::actions::is_listed;
use super::decide::{Decision, Policies, Verdict, decide};
use super::document::Document;
use super::grammar::{Grammar, Holder, Refusal, items};
use super::json::{self, EMPTY, PolicyError, Position, WHOLE, wrong};
use super::normal::{ApiName, root_account};
use super::request::{CallerPolicies, MethodAuth, Request, Who};
use super::stand_in::RealNames;
use super::widen::{Comparison, compare, compare_in, compare_of_caller, compare_of_organization};

/// The answer to a question that cannot be read.
#[derive(Serialize)]
struct Fault<'a> {
    name: Option<&'a str>,
    error: String,
    at: String,
    /// Where that begins in the line.
    column: usize,
}

/// The answer of `simulate`.
#[derive(Serialize)]
struct Decided<'a> {
    name: Option<&'a str>,
    decision: &'static str,
    because: Vec<String>,
}

/// The answer of `compare`.
#[derive(Serialize)]
struct Compared<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    verdict: &'static str,
    gains: Vec<Value>,
    loses: Vec<Value>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    because: &'a [String],
}

/// Decides one line: `{"name", "request", "identityPolicies"?, "resourcePolicy"?, "boundary"?,
/// "sessionPolicy"?, "scps"?, "rcps"?, "vpcEndpointPolicy"?}` becomes `{"name", "decision", "because"}`.
///
/// A document that AWS refuses is not judged: the answer says where and why.
#[must_use]
pub fn simulate_line(line: &str) -> String {
    simulate_line_of(None, line)
}

/// As [`simulate_line`], with a resource policy of this kind.
#[must_use]
pub fn simulate_line_of(kind: Option<Grammar>, line: &str) -> String {
    answer(line, |fields, name| {
        let request = request(take(fields, "request")?, "request")?;
        let one = |field: Option<Value>, at: &str, kind| {
            field.map(|it| document(&it, at, kind)).transpose()
        };
        let identity = PolicyKind::told(Grammar::Identity);
        let (service, resource) = PolicyKind::of_organization();
        let of_resource = match kind {
            Some(kind) => PolicyKind::told(kind),
            None => PolicyKind::guessed(kind_of_resource(&request)),
        };
        let own = ["identityPolicies", "boundary", "sessionPolicy"];
        let assumed = request
            .caller_policies
            .filter(|_| !own.iter().any(|it| fields.contains_key(*it)));
        let mut policies = Policies {
            identity: match fields.remove("identityPolicies") {
                Some(it) => documents(&it, "identityPolicies", identity)?,
                None => Vec::new(),
            },
            resource: one(
                fields.remove("resourcePolicy"),
                "resourcePolicy",
                of_resource,
            )?,
            boundary: one(fields.remove("boundary"), "boundary", identity)?,
            session: one(fields.remove("sessionPolicy"), "sessionPolicy", identity)?,
            scps: levels(fields.remove("scps"), "scps", service)?,
            rcps: levels(fields.remove("rcps"), "rcps", resource)?,
            endpoint: one(
                fields.remove("vpcEndpointPolicy"),
                "vpcEndpointPolicy",
                PolicyKind::told(Grammar::Resource(Holder::Other)),
            )?,
        };
        nothing_else(fields, "")?;
        if let Some(own) = assumed {
            let Policies {
                identity,
                boundary,
                session,
                ..
            } = Policies::of_caller(own);
            policies = Policies {
                identity,
                boundary,
                session,
                ..policies
            };
        }
        let mut verdict = decide(&request, &policies);
        if is_unsigned_call(&request)
            && verdict.decision == Decision::Allow
            && let Some(named) = policies
                .resource
                .as_ref()
                .and_then(Document::first_aws_principal)
        {
            verdict.decision = Decision::Unproven;
            verdict.because = vec![format!(
                "the resource policy names an AWS principal ({named}), and AWS says that methods without AWS_IAM then fail"
            )];
        }
        Ok(decided(name, verdict))
    })
}

/// Whether a request calls a method of an API that asks for no signature.
pub(super) fn is_unsigned_call(request: &Request) -> bool {
    let action = request.action.to_ascii_lowercase();
    action.starts_with("execute-api:") && request.method_auth == Some(MethodAuth::None)
}

/// A verdict as one line of JSON.
pub(super) fn decided(name: Option<&str>, verdict: Verdict) -> String {
    text(&Decided {
        name,
        decision: verdict.decision.as_str(),
        because: verdict.because,
    })
}

/// Compares one line: `{"name", "old", "new", "resourceAccount"?}` becomes
/// `{"name", "verdict", "gains", "loses"}`.
///
/// `resourceAccount` is the account that owns the resource, where no ARN of the documents says it.
#[must_use]
pub fn compare_line(line: &str) -> String {
    compare_line_of(None, line)
}

/// As [`compare_line`], with documents of this kind.
#[must_use]
pub fn compare_line_of(kind: Option<Grammar>, line: &str) -> String {
    answer(line, |fields, name| {
        let (old, new) = (take(fields, "old")?, take(fields, "new")?);
        let kind = PolicyKind::compared(kind, &[&old, &new]);
        let old = document(&old, "old", kind)?;
        let new = document(&new, "new", kind)?;
        let owner = fields.remove("resourceAccount");
        let owner = owner.map(|it| account(it, "resourceAccount")).transpose()?;
        nothing_else(fields, "")?;
        // An ARN says whose the resource is.
        let owner = owner.filter(|it| !names_another_account(&[&old, &new], it));
        let (old, new) = of_one_api(old, new);
        let mut names = RealNames::of_policies([&old, &new]);
        if let Some(owner) = &owner {
            names.add(owner);
        }
        let found = kind.compare(owner.as_deref(), &old, &new);
        Ok(comparison(name, &found, &names))
    })
}

/// Whether an ARN of a resource in some documents is of another account.
fn names_another_account(documents: &[&Document], owner: &str) -> bool {
    let statements = documents.iter().flat_map(|it| &it.statements);
    let resources = statements.flat_map(|it| it.resource.iter().flat_map(|it| &it.values));
    let mut accounts = resources.filter_map(|it| it.split(':').nth(4));
    accounts.any(|it| it != owner && it.len() == 12 && it.bytes().all(|it| it.is_ascii_digit()))
}

/// Returns two documents with `execute-api:/` written out, as API Gateway does when it saves a policy, where their
/// ARNs name one API.
#[must_use]
pub fn of_one_api(old: Document, new: Document) -> (Document, Document) {
    let statements = old.statements.iter().chain(&new.statements);
    let resources = statements.flat_map(|it| &it.resource);
    let resources = resources.flat_map(|it| &it.values).map(String::as_str);
    let apis: BTreeSet<ApiName<'_>> = resources.filter_map(ApiName::of).collect();
    match (apis.len(), apis.first()) {
        (1, Some(api)) => (api.expand(&old), api.expand(&new)),
        _ => (old, new),
    }
}

/// The answer to a line that is no text: from byte `from` on it is not UTF-8.
#[must_use]
pub fn not_text(from: usize) -> String {
    let column = from + 1;
    text(&Fault {
        name: None,
        error: "this is not UTF-8: save it as UTF-8".to_owned(),
        at: Position { line: 1, column }.to_string(),
        column,
    })
}

/// A comparison as one line of JSON; each request says what of it stands for others than the policies name.
#[must_use]
pub fn comparison(name: Option<&str>, found: &Comparison, names: &RealNames) -> String {
    let requests = |it: &[Request]| it.iter().map(|it| marked_value(it, names)).collect();
    text(&Compared {
        name,
        verdict: found.verdict.as_str(),
        gains: requests(&found.gains),
        loses: requests(&found.loses),
        because: &found.because,
    })
}

/// A request as JSON, the way it is read.
#[must_use]
pub fn request_value(request: &Request) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put(
        "principal",
        match &request.principal {
            Who::Arn(name) | Who::Service(name) => Value::String(name.clone()),
            Who::Anonymous => serde_json::json!({"type": "Anonymous"}),
        },
    );
    put("action", Value::String(request.action.clone()));
    put("resource", Value::String(request.resource.clone()));
    if is_listed(&request.action) == Some(false) {
        put("unlisted", Value::Bool(true));
    }
    if let Some(account) = &request.resource_account {
        put("resourceAccount", Value::String(account.clone()));
    }
    if let Some(auth) = request.method_auth {
        put("authorization", Value::String(auth_text(auth).to_owned()));
    }
    if let Some(own) = request.caller_policies {
        put("callerPolicies", Value::String(own.as_str().to_owned()));
    }
    if !request.context.is_empty() {
        let list = |values: &Vec<String>| values.iter().cloned().map(Value::String).collect();
        let context = request.context.iter();
        let context = context.map(|(key, values)| (key.clone(), Value::Array(list(values))));
        put("context", Value::Object(context.collect()));
    }
    Value::Object(fields)
}

/// A request as JSON, the way it is read, that says in `standIns` what of it stands for others.
#[must_use]
pub fn marked_value(request: &Request, names: &RealNames) -> Value {
    with_stand_ins(request_value(request), &names.stand_ins(request))
}

/// A request as JSON to look at: where its caller, resource or a value of its context stands for others, that is
/// said in words in place of a name, and once more in `standIns`.
#[must_use]
pub fn shown_value(request: &Request, names: &RealNames) -> Value {
    let mut value = request_value(request);
    let stand_ins = names.stand_ins(request);
    for (field, says) in &stand_ins {
        if request.context.contains_key(field) {
            value["context"][field] = serde_json::json!([says]);
        } else {
            value[field] = Value::String(says.clone());
        }
    }
    with_stand_ins(value, &stand_ins)
}

fn with_stand_ins(mut value: Value, stand_ins: &BTreeMap<String, String>) -> Value {
    if !stand_ins.is_empty() {
        value["standIns"] = serde_json::json!(stand_ins);
    }
    value
}

fn auth_text(auth: MethodAuth) -> &'static str {
    match auth {
        MethodAuth::None => "NONE",
        MethodAuth::Iam => "AWS_IAM",
    }
}

/// Reads a request: `{"principal", "action", "resource", "resourceAccount"?, "context"?}`.
///
/// A call to a REST API may say in `authorization` whether its method is `NONE` or `AWS_IAM`.
pub fn request(value: Value, at: &str) -> Result<Request, PolicyError> {
    let Value::Object(mut fields) = value else {
        return Err(wrong(at, "must be an object"));
    };
    fields.retain(|_, it| !it.is_null());
    let inside = |name: &str| format!("{at}.{name}");
    let required = |fields: &mut Map<String, Value>, name: &str| {
        let value = fields.remove(name);
        value.ok_or_else(|| wrong(at, format!("`{name}` is missing")))
    };
    let principal = principal(required(&mut fields, "principal")?, &inside("principal"))?;
    let action = string(required(&mut fields, "action")?, &inside("action"))?;
    let shaped = action.split_once(':');
    if !shaped.is_some_and(|(service, name)| !service.is_empty() && !name.is_empty()) {
        return Err(wrong(
            inside("action"),
            "must be a service and a name: `sns:Publish`",
        ));
    }
    let resource = string(required(&mut fields, "resource")?, &inside("resource"))?;
    if resource != "*" && resource.split(':').count() < 6 {
        return Err(wrong(inside("resource"), "must be an ARN, or `*`"));
    }
    let mut request = Request::new(principal, action, resource);
    // A witness says of its action that its service lists none of this name.
    fields.remove("unlisted");
    fields.remove("standIns");
    if let Some(value) = fields.remove("resourceAccount") {
        let at = inside("resourceAccount");
        request.resource_account = Some(account(value, &at)?);
    }
    if let Some(value) = fields.remove("authorization") {
        let at = inside("authorization");
        request.method_auth = Some(match string(value, &at)?.as_str() {
            "NONE" => MethodAuth::None,
            "AWS_IAM" => MethodAuth::Iam,
            _ => return Err(wrong(at, "must be `NONE` or `AWS_IAM`")),
        });
    }
    if let Some(value) = fields.remove("callerPolicies") {
        let at = inside("callerPolicies");
        let text = string(value, &at)?;
        let known = [
            CallerPolicies::Allow,
            CallerPolicies::None,
            CallerPolicies::Limited,
        ];
        let own = known.into_iter().find(|it| it.as_str() == text);
        request.caller_policies =
            Some(own.ok_or_else(|| wrong(at, "must be `allow`, `none` or `limited`"))?);
    }
    if let Some(value) = fields.remove("context") {
        request.context = context(value, &inside("context"))?;
    }
    nothing_else(&fields, at)?;
    Ok(request)
}

fn principal(value: Value, at: &str) -> Result<Who, PolicyError> {
    match value {
        Value::String(text) => {
            let is_arn = text.starts_with("arn:") && text.split(':').count() >= 6;
            let is_host = !text.contains(':') && text.contains('.');
            if is_arn || is_host || root_account(&text).is_some() {
                Ok(Who::of(&text))
            } else {
                Err(wrong(
                    at,
                    "must be an ARN, an account id, or a service such as `sns.amazonaws.com`",
                ))
            }
        }
        Value::Object(mut fields) => {
            let kind = fields.remove("type");
            nothing_else(&fields, at)?;
            match kind {
                Some(Value::String(kind)) if kind == "Anonymous" => Ok(Who::Anonymous),
                _ => Err(wrong(format!("{at}.type"), "must be `Anonymous`")),
            }
        }
        _ => Err(wrong(
            at,
            "must be a string, or `{\"type\": \"Anonymous\"}`",
        )),
    }
}

fn context(value: Value, at: &str) -> Result<BTreeMap<String, Vec<String>>, PolicyError> {
    let Value::Object(fields) = value else {
        return Err(wrong(at, "must be an object of condition keys"));
    };
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, value) in fields {
        let here = format!("{at}.{key}");
        if found.keys().any(|it| it.eq_ignore_ascii_case(&key)) {
            return Err(wrong(
                here,
                "this key is given twice: case means nothing in it",
            ));
        }
        let items = match value {
            Value::Array(items) => items,
            other => vec![other],
        };
        let values: Result<_, _> = items
            .into_iter()
            .map(|it| match it {
                Value::String(text) => Ok(text),
                Value::Bool(it) => Ok(it.to_string()),
                Value::Number(it) => Ok(it.to_string()),
                _ => Err(wrong(&here, "must be strings, numbers or booleans")),
            })
            .collect();
        found.insert(key, values?);
    }
    Ok(found)
}

/// Answers a line with what `put` makes of its fields.
fn answer(
    line: &str,
    put: impl Fn(&mut Map<String, Value>, Option<&str>) -> Result<String, PolicyError>,
) -> String {
    let fault = |name: Option<&str>, error: PolicyError| {
        let error = error.within(line);
        let position = error.position.unwrap_or(Position { line: 1, column: 1 });
        text(&Fault {
            name,
            at: if error.at.is_empty() {
                position.to_string()
            } else {
                error.at
            },
            error: error.message,
            column: position.column,
        })
    };
    let mut fields = match json::parse(line) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => return fault(None, wrong("", "a question is an object")),
        Err(error) => return fault(None, error),
    };
    let name = match fields.remove("name") {
        Some(Value::String(name)) => Some(name),
        None | Some(Value::Null) => None,
        Some(_) => return fault(None, wrong("name", "must be a string")),
    };
    // A field that may be left out may also be null.
    fields.retain(|_, it| !it.is_null());
    put(&mut fields, name.as_deref()).unwrap_or_else(|error| fault(name.as_deref(), error))
}

fn text(answer: &impl Serialize) -> String {
    // Maps with keys that are no strings are all that can fail here, and there are none.
    serde_json::to_string(answer).unwrap_or_default()
}

fn take(fields: &mut Map<String, Value>, name: &str) -> Result<Value, PolicyError> {
    fields
        .remove(name)
        .ok_or_else(|| wrong(name, format!("`{name}` is missing")))
}

fn nothing_else(fields: &Map<String, Value>, at: &str) -> Result<(), PolicyError> {
    match fields.keys().next() {
        None => Ok(()),
        Some(name) => {
            let dot = if at.is_empty() { "" } else { "." };
            let name = if name.is_empty() { EMPTY } else { name };
            Err(wrong(format!("{at}{dot}{name}"), "there is no such field"))
        }
    }
}

fn string(value: Value, at: &str) -> Result<String, PolicyError> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(wrong(at, "must be a string")),
    }
}

fn account(value: Value, at: &str) -> Result<String, PolicyError> {
    let account = string(value, at)?;
    if root_account(&account) == Some(account.as_str()) {
        Ok(account)
    } else {
        Err(wrong(at, "must be an account's twelve digits"))
    }
}

/// What a document is attached to, and whether that was told.
#[derive(Clone, Copy, Debug)]
pub struct PolicyKind {
    pub(super) grammar: Grammar,
    pub(super) told: bool,
    /// Whether a list without statements stands for no policy at all.
    may_be_empty: bool,
}

impl PolicyKind {
    /// A kind that was told.
    #[must_use]
    pub fn told(grammar: Grammar) -> Self {
        Self {
            grammar,
            told: true,
            may_be_empty: false,
        }
    }

    /// Service control policies, and resource control policies.
    pub(super) fn of_organization() -> (Self, Self) {
        (
            Self::told(Grammar::ServiceControl),
            Self::told(Grammar::ResourceControl),
        )
    }

    pub(super) fn guessed(grammar: Grammar) -> Self {
        Self {
            told: false,
            ..Self::told(grammar)
        }
    }

    /// The kind of a document that is compared: one without statements stands for none.
    #[must_use]
    pub fn compared(told: Option<Grammar>, documents: &[&Value]) -> Self {
        Self {
            grammar: told.unwrap_or_else(|| kind_of_documents(documents)),
            told: told.is_some(),
            may_be_empty: true,
        }
    }
}

impl PolicyKind {
    /// Compares two documents of the kind.
    #[must_use]
    pub fn compare(self, owner: Option<&str>, old: &Document, new: &Document) -> Comparison {
        match (self.grammar, owner) {
            (Grammar::Identity, _) => compare_of_caller(owner, old, new),
            (Grammar::Organization | Grammar::ServiceControl | Grammar::ResourceControl, _) => {
                compare_of_organization(owner, old, new)
            }
            (Grammar::Trust | Grammar::Resource(_), Some(owner)) => compare_in(owner, old, new),
            (Grammar::Trust | Grammar::Resource(_), None) => compare(old, new),
        }
    }
}

/// What a resource policy is attached to, by the request that it is judged for.
pub(super) fn kind_of_resource(request: &Request) -> Grammar {
    let action = request.action.to_ascii_lowercase();
    if action.starts_with("sts:") && request.resource.contains(":role/") {
        return Grammar::Trust;
    }
    let service = request.resource.split(':').nth(2).unwrap_or_default();
    let is_own = action.split(':').next() == Some(service);
    Grammar::Resource(match service {
        "sns" if is_own => Holder::Topic,
        "sqs" if is_own => Holder::Queue,
        "execute-api" if is_own => Holder::Api,
        "kms" if is_own => Holder::Key,
        _ => Holder::Other,
    })
}

/// What documents are attached to, by what their statements name.
fn kind_of_documents(documents: &[&Value]) -> Grammar {
    let statements = || documents.iter().flat_map(|it| items(it.get("Statement")));
    let has = |name: &str| statements().any(|it| it.get(name).is_some());
    let is_sts = |it: &Value| it.as_str().is_some_and(|it| it.starts_with("sts:"));
    let trusts = || statements().all(|it| items(it.get("Action")).iter().all(is_sts));
    if !has("Principal") && !has("NotPrincipal") {
        Grammar::Identity
    } else if has("Action") && trusts() {
        Grammar::Trust
    } else {
        Grammar::Resource(Holder::Other)
    }
}

/// Reads a document, unless AWS refuses it.
///
/// What AWS gives back it once took, so the ids of deleted principals are read.
pub fn document(value: &Value, at: &str, kind: PolicyKind) -> Result<Document, PolicyError> {
    let inside = |it: &str| match (at, it) {
        (at, "" | WHOLE) => at.to_owned(),
        ("", it) => it.to_owned(),
        (at, it) => format!("{at}.{it}"),
    };
    let document = Document::from_value(value).map_err(|error| PolicyError {
        at: inside(&error.at),
        ..error
    })?;
    let listed = value.get("Statement").is_some_and(Value::is_array);
    if kind.may_be_empty && listed && document.statements.is_empty() {
        return Ok(document);
    }
    let is_open = |it: &Refusal| {
        // What nobody told the kind of may be of another one, whose ARNs are its own.
        let element = |name: &str| it.at.contains(&format!(".{name}"));
        let guessed = (element("Resource") || element("NotResource"))
            && !it
                .words
                .starts_with("Policy statement must contain resources")
            && !it.words.starts_with("Has prohibited field");
        !kind.told && guessed
    };
    match kind
        .grammar
        .refusals(value)
        .into_iter()
        .find(|it| !is_open(it))
    {
        None => Ok(document),
        Some(it) => {
            let advice = if it.advice.is_empty() {
                String::new()
            } else {
                format!("; {}", it.advice)
            };
            let message = format!("AWS refuses this: {}{advice}", it.words);
            Err(wrong(inside(&it.at), message))
        }
    }
}

fn documents(value: &Value, at: &str, kind: PolicyKind) -> Result<Vec<Document>, PolicyError> {
    let Value::Array(items) = value else {
        return Err(wrong(at, "must be a list of policies"));
    };
    let items = items.iter().enumerate();
    items
        .map(|(index, it)| document(it, &format!("{at}[{index}]"), kind))
        .collect()
}

fn levels(
    value: Option<Value>,
    at: &str,
    kind: PolicyKind,
) -> Result<Vec<Vec<Document>>, PolicyError> {
    let items = match value {
        None => return Ok(Vec::new()),
        Some(Value::Array(items)) => items,
        Some(_) => {
            return Err(wrong(
                at,
                "must be a list of levels, each a list of policies",
            ));
        }
    };
    let items = items.iter().enumerate();
    items
        .map(|(index, it)| documents(it, &format!("{at}[{index}]"), kind))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALLOW: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}}"#;
    const REQUEST: &str = r#"{"principal":"arn:aws:iam::111111111111:role/a","action":"sns:Publish","resource":"arn:aws:sns:eu-west-1:111111111111:t"}"#;

    #[test]
    fn the_account_of_an_arn_counts_before_the_one_that_is_given() {
        let of = |accounts: &[&str]| {
            let arns: Vec<String> = accounts
                .iter()
                .map(|it| format!("arn:aws:sns:eu-west-1:{it}:t"))
                .collect();
            serde_json::json!({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sns:Publish","Resource":arns}]})
        };
        let (own, other) = ("111111111111", "222222222222");
        let line = serde_json::json!({"old": of(&[own]), "new": of(&[own, other]), "resourceAccount": own});
        let found = compare_line(&line.to_string());
        assert!(found.contains(r#""verdict":"widened""#), "{found}");
    }

    #[test]
    fn a_question_is_answered_on_a_line() {
        let line = format!(r#"{{"name":"q","request":{REQUEST},"identityPolicies":[{ALLOW}]}}"#);
        assert_eq!(
            simulate_line(&line),
            r#"{"name":"q","decision":"allow","because":["identity policy, statement 1, allows it"]}"#
        );
    }

    #[test]
    fn every_part_of_a_question_is_heard() {
        let deny = ALLOW.replace("Allow", "Deny");
        let public = ALLOW.replace(r#""Action""#, r#""Principal":"*","Action""#);
        for (field, expected) in [
            (format!(r#""resourcePolicy":{public}"#), "allow"),
            (
                format!(r#""resourcePolicy":{public},"boundary":{deny}"#),
                "deny",
            ),
            (
                format!(r#""resourcePolicy":{public},"sessionPolicy":{deny}"#),
                "deny",
            ),
            (
                format!(r#""resourcePolicy":{public},"scps":[[{ALLOW}],[{deny}]]"#),
                "deny",
            ),
            (
                format!(r#""resourcePolicy":{public},"scps":[[{ALLOW}],[{ALLOW}]]"#),
                "allow",
            ),
            (
                // No resource control policy applies to a topic.
                format!(
                    r#""resourcePolicy":{public},"rcps":[[{}]]"#,
                    public.replace("Allow", "Deny")
                ),
                "allow",
            ),
        ] {
            let answer = simulate_line(&format!(r#"{{"name":"q","request":{REQUEST},{field}}}"#));
            assert!(
                answer.starts_with(&format!(r#"{{"name":"q","decision":"{expected}""#)),
                "{answer}"
            );
        }
    }

    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>
    #[test]
    fn a_document_that_aws_refuses_is_not_judged() {
        let document =
            |statement: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        let allow = r#"{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}"#;
        for (statements, at) in [
            (allow.replace("sns:", "sn*:"), ".Statement[0].Action"),
            (
                allow.replace("sns:Publish", "Publish"),
                ".Statement[0].Action",
            ),
            (
                allow.replace(r#""sns:Publish""#, "[]"),
                ".Statement[0].Action",
            ),
            (
                allow.replace(r#","Resource":"*""#, ""),
                ".Statement[0].Resource",
            ),
            (
                allow.replace(r#""Action""#, r#""Principal":"*","Action""#),
                ".Statement[0].Principal",
            ),
            (
                [allow, allow]
                    .map(|it| it.replacen('{', r#"{"Sid":"A","#, 1))
                    .join(","),
                ".Statement[1].Sid",
            ),
        ] {
            let line = format!(
                r#"{{"name":"q","request":{REQUEST},"identityPolicies":[{}]}}"#,
                document(&statements)
            );
            let answer: Value = serde_json::from_str(&simulate_line(&line)).expect("JSON");
            let expected = format!("identityPolicies[0]{at}");
            assert_eq!(answer["at"], expected, "{answer}");
            assert!(
                answer["error"]
                    .as_str()
                    .is_some_and(|it| it.starts_with("AWS refuses this"))
            );
            let line = format!(
                r#"{{"old":{},"new":{}}}"#,
                document(allow),
                document(&statements)
            );
            let answer: Value = serde_json::from_str(&compare_line(&line)).expect("JSON");
            if !statements.contains("Principal") {
                assert_eq!(answer["at"], format!("new{at}"), "{answer}");
            }
        }
        let trust =
            r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}"#;
        let line = format!(
            r#"{{"request":{{"principal":"arn:aws:iam::111111111111:role/a","action":"sts:AssumeRole","resource":"arn:aws:iam::222222222222:role/t"}},"resourcePolicy":{}}}"#,
            document(trust)
        );
        assert!(simulate_line(&line).contains("resourcePolicy.Statement[0].Resource"));
        let topic = Some(Grammar::Resource(Holder::Topic));
        let queue = document(&trust.replace("sts:AssumeRole", "sqs:*"));
        let line = format!(r#"{{"old":{queue},"new":{queue}}}"#);
        assert!(compare_line(&line).contains("equal"));
        assert!(compare_line_of(topic, &line).contains("old.Statement[0].Action"));
    }

    /// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html>: what one policy of
    /// a level does not deny another allows, `FullAWSAccess` to begin with. So it is with the policies of a caller.
    #[test]
    fn what_is_no_longer_denied_is_no_cosmetic_change() {
        let deny = |fields: &str| {
            format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny",{fields},"Resource":"*"}}]}}"#
            )
        };
        let both = deny(r#""Action":["iam:*","sqs:*"]"#);
        let one = deny(r#""Action":"iam:*""#);
        let spared = deny(
            r#""Action":["iam:*","sqs:*"],"Condition":{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/admin"}}"#,
        );
        let otherwise = deny(r#""Action":["sqs:*","iam:*","iam:Get*"]"#);
        let verdict = |kind, old: &str, new: &str| {
            let line = format!(r#"{{"old":{old},"new":{new}}}"#);
            let answer: Value = serde_json::from_str(&compare_line_of(kind, &line)).expect("JSON");
            answer["verdict"].as_str().expect("a verdict").to_owned()
        };
        let organization = Some(Grammar::Organization);
        for fewer in [&one, &spared] {
            assert_eq!(verdict(organization, &both, fewer), "widened");
            assert_eq!(verdict(organization, fewer, &both), "narrowed");
            for kind in [None, Some(Grammar::Identity)] {
                assert_eq!(verdict(kind, &both, fewer), "unproven");
                assert_eq!(verdict(kind, fewer, &both), "cosmetic");
            }
        }
        for kind in [None, Some(Grammar::Identity), organization] {
            assert_eq!(verdict(kind, &both, &otherwise), "cosmetic");
        }
        // What a narrower policy no longer denies is no narrowing alone.
        let with = |action: &str, denied: &str| {
            format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":{action},"Resource":"*"}},{{"Effect":"Deny","Action":"{denied}","Resource":"*"}}]}}"#
            )
        };
        let old = with(r#"["s3:*","sns:*"]"#, "iam:*");
        for (new, expected) in [
            (with(r#""s3:*""#, "iam:*"), "narrowed"),
            (with(r#""s3:*""#, "iam:Get*"), "unproven"),
            (with(r#""*""#, "iam:Get*"), "widened"),
        ] {
            assert_eq!(verdict(None, &old, &new), expected, "{new}");
        }
    }

    #[test]
    fn a_policy_with_aws_principals_leaves_unsigned_calls_unproven() {
        let star =
            r#"{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":"*"}"#;
        let role = star.replace(
            r#""*","Action""#,
            r#"{"AWS":"arn:aws:iam::111111111111:role/a"},"Action""#,
        );
        let denied = role.replace("Allow", "Deny");
        for (statements, authorization, expected) in [
            (star.to_owned(), "NONE", "allow"),
            (format!("{role},{star}"), "NONE", "unproven"),
            (format!("{denied},{star}"), "NONE", "unproven"),
            (role.clone(), "NONE", "deny"),
            (format!("{role},{star}"), "AWS_IAM", "deny"),
            (
                star.replace(r#""*","Action""#, r#"{"AWS":"*"},"Action""#),
                "NONE",
                "allow",
            ),
        ] {
            let line = format!(
                r#"{{"request":{{"principal":{{"type":"Anonymous"}},"action":"execute-api:Invoke","resource":"arn:aws:execute-api:eu-west-1:111111111111:abc/live/GET/a","authorization":"{authorization}"}},"resourcePolicy":{{"Version":"2012-10-17","Statement":[{statements}]}}}}"#
            );
            let found: Value = serde_json::from_str(&simulate_line(&line)).expect("JSON");
            assert_eq!(found["decision"], expected, "{line}: {found}");
            let bulk = crate::bulk::Simulator::of(None).answer(&line);
            assert_eq!(bulk, simulate_line(&line));
        }
    }

    #[test]
    fn principals_accounts_and_contexts_are_read() {
        let read = |text: &str| request(serde_json::from_str(text).expect("JSON"), "request");
        let stranger = read(
            r#"{"principal":{"type":"Anonymous"},"action":"a:B","resource":"*","resourceAccount":"111111111111","authorization":"NONE","context":{"aws:SecureTransport":true,"aws:TagKeys":["a","b"],"k:v":5}}"#,
        )
        .expect("a request");
        assert_eq!(stranger.principal, Who::Anonymous);
        assert_eq!(stranger.method_auth, Some(MethodAuth::None));
        assert_eq!(stranger.owner(), Some("111111111111"));
        assert_eq!(stranger.context["aws:SecureTransport"], ["true"]);
        assert_eq!(stranger.context["aws:TagKeys"], ["a", "b"]);
        assert_eq!(stranger.context["k:v"], ["5"]);
        assert_eq!(request(request_value(&stranger), ""), Ok(stranger));
        let service = REQUEST.replace("arn:aws:iam::111111111111:role/a", "sns.amazonaws.com");
        let service = read(&service).expect("a request");
        assert_eq!(
            service.principal,
            Who::Service("sns.amazonaws.com".to_owned())
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let with = |old: &str, new: &str| {
            let request = REQUEST.replace(old, new);
            simulate_line(&format!(r#"{{"name":"q","request":{request}}}"#))
        };
        for (answer, expected) in [
            (
                simulate_line("{"),
                r#"{"name":null,"error":"this is not JSON","at":"line 1 column 1","column":1}"#,
            ),
            (
                simulate_line("[]"),
                r#"{"name":null,"error":"a question is an object","at":"line 1 column 1","column":1}"#,
            ),
            (
                simulate_line(r#"{"name":"q"}"#),
                r#"{"name":"q","error":"`request` is missing","at":"request","column":1}"#,
            ),
            (
                simulate_line(r#"{"name":"q","name":"r"}"#),
                r#"{"name":null,"error":"`name` is written twice","at":"line 1 column 18","column":18}"#,
            ),
            (
                with("role/a\"", "role/a\",\"x\":1"),
                r#"{"name":"q","error":"there is no such field","at":"request.x","column":75}"#,
            ),
            (
                with("\"sns:Publish\"", "7"),
                r#"{"name":"q","error":"must be a string","at":"request.action","column":80}"#,
            ),
            (
                with("sns:Publish", "Publish"),
                r#"{"name":"q","error":"must be a service and a name: `sns:Publish`","at":"request.action","column":80}"#,
            ),
            (
                with("arn:aws:iam::111111111111:role/a", "a"),
                r#"{"name":"q","error":"must be an ARN, an account id, or a service such as `sns.amazonaws.com`","at":"request.principal","column":36}"#,
            ),
            (
                simulate_line(&format!(
                    r#"{{"name":"q","request":{REQUEST},"scps":[[{{"Statement":{{"Effect":"Perhaps"}}}}]]}}"#
                )),
                r#"{"name":"q","error":"must be \"Allow\" or \"Deny\"","at":"scps[0][0].Statement[0].Effect","column":177}"#,
            ),
            (
                simulate_line(&format!(
                    r#"{{"name":"q","request":{REQUEST},"boundary":[]}}"#
                )),
                r#"{"name":"q","error":"a policy is a JSON object","at":"boundary","column":156}"#,
            ),
            (
                compare_line(r#"{"name":"q","old":{},"newer":{}}"#),
                r#"{"name":"q","error":"`new` is missing","at":"new","column":1}"#,
            ),
        ] {
            assert_eq!(answer, expected);
        }
    }

    #[test]
    fn a_key_given_in_two_spellings_is_refused() {
        let request = REQUEST.replace(
            "role/a\"",
            "role/a\",\"context\":{\"aws:SourceIp\":\"::1\",\"AWS:sourceip\":\"::2\"}",
        );
        let answer = simulate_line(&format!(r#"{{"request":{request}}}"#));
        assert!(answer.contains("given twice"), "{answer}");
    }

    #[test]
    fn a_witness_can_be_put_back_as_a_question() {
        let open = ALLOW.replace("sns:Publish", "sns:*");
        let answer = compare_line(&format!(r#"{{"name":"q","old":{ALLOW},"new":{open}}}"#));
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(answer["verdict"], "widened");
        assert_eq!(answer["loses"], serde_json::json!([]));
        let witness = &answer["gains"][0];
        for (policy, expected) in [(&open, "allow"), (&ALLOW.to_owned(), "deny")] {
            let line = format!(r#"{{"request":{witness},"identityPolicies":[{policy}]}}"#);
            let answer: Value = serde_json::from_str(&simulate_line(&line)).expect("JSON");
            assert_eq!(answer["decision"], expected);
        }
    }

    #[test]
    fn what_cannot_be_decided_is_never_a_silent_yes() {
        let asked = |effect: &str, condition: &str, context: &str| {
            let allow = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
            let tested = format!(
                r#"{{"Effect":"{effect}","Action":"sns:Publish","Resource":"*","Condition":{{{condition}}}}}"#
            );
            let statements = if effect == "Deny" {
                format!("{allow},{tested}")
            } else {
                tested
            };
            let request =
                REQUEST.replace("role/a\"", &format!("role/a\",\"context\":{{{context}}}"));
            let line = format!(
                r#"{{"request":{request},"identityPolicies":[{{"Version":"2012-10-17","Statement":[{statements}]}}]}}"#
            );
            let answer: Value = serde_json::from_str(&simulate_line(&line)).expect("JSON");
            let told = answer["because"]
                .as_array()
                .is_some_and(|it| !it.is_empty());
            assert!(told, "{answer}");
            answer["decision"].as_str().unwrap_or_default().to_owned()
        };
        for (condition, context) in [
            (r#""StringEquals":{"acme:colour":"red"}"#, ""),
            (r#""IpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#, ""),
            (r#""NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}"#, ""),
            (
                r#""DateLessThan":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}"#,
                "",
            ),
            (
                r#""DateGreaterThanIfExists":{"aws:CurrentTime":"2030-01-01T00:00:00Z"}"#,
                "",
            ),
            (
                r#""StringEquals":{"acme:team":"${aws:PrincipalTag/team}"}"#,
                r#""acme:team":"a""#,
            ),
            (
                r#""StringLike":{"acme:team":"${acme:other}*"}"#,
                r#""acme:team":"a""#,
            ),
            (r#""NumericLessThan":{"acme:count":"5"}"#, ""),
        ] {
            for effect in ["Allow", "Deny"] {
                let decision = asked(effect, condition, context);
                assert_eq!(decision, "unproven", "{effect} {condition}");
            }
        }
    }

    #[test]
    fn an_unproven_comparison_says_why() {
        let under = |condition: &str| {
            let odd = ALLOW.replace(
                r#""Resource""#,
                &format!(r#""Condition":{{{condition}}},"Resource""#),
            );
            let answer = compare_line(&format!(r#"{{"name":"q","old":{ALLOW},"new":{odd}}}"#));
            serde_json::from_str::<Value>(&answer).expect("JSON")
        };
        let answer = under(r#""StringEquals":{"a:b":"${aws:PrincipalTag/c}"}"#);
        assert_eq!(answer["verdict"], "unproven");
        assert!(answer["because"][0].is_string());
        // AWS refuses an operator that there is not.
        let answer = under(r#""StringSounds":{"a:b":"c"}"#);
        assert_eq!(answer["at"], "new.Statement[0].Condition.StringSounds");
    }

    proptest! {
        #[test]
        fn no_line_panics(line in "\\PC{0,60}") {
            let read = |it: String| serde_json::from_str::<Value>(&it).is_ok();
            prop_assert!(read(simulate_line(&line)));
            prop_assert!(read(compare_line(&line)));
        }

        #[test]
        fn no_broken_question_panics(cut in 0_usize..400, with in "[{}\\[\\]\",:a*0]{0,3}") {
            let line = format!(r#"{{"name":"q","request":{REQUEST},"identityPolicies":[{ALLOW}]}}"#);
            let cut = cut.min(line.len());
            let broken = format!("{}{with}{}", &line[..cut], &line[cut..]);
            prop_assert!(serde_json::from_str::<Value>(&simulate_line(&broken)).is_ok());
            prop_assert!(serde_json::from_str::<Value>(&simulate_line(&line[..cut])).is_ok());
        }
    }

    #[test]
    fn a_line_that_is_no_text_says_from_which_byte_on() {
        assert_eq!(
            not_text(4),
            r#"{"name":null,"error":"this is not UTF-8: save it as UTF-8","at":"line 1 column 5","column":5}"#
        );
    }

    #[test]
    fn a_request_is_refused_where_a_part_of_it_is_none() {
        let read = |fields: &str| {
            let value = format!("{{{fields}}}");
            request(serde_json::from_str(&value).expect("JSON"), "request")
        };
        let of = |principal: &str, action: &str, resource: &str| {
            read(&format!(
                r#""principal":{principal},"action":"{action}","resource":"{resource}""#
            ))
            .map_err(|it| it.at)
        };
        let (role, topic) = (
            r#""arn:aws:iam::111111111111:role/a""#,
            "arn:aws:sns:eu-west-1:111111111111:t",
        );
        // A subscription's ARN has seven parts.
        for (principal, action, resource) in [
            (role, "sns:Publish", topic),
            (role, "sns:Publish", "*"),
            (role, "sns:Unsubscribe", &format!("{topic}:1-2-3")),
            (r#""111111111111""#, "sns:Publish", topic),
            (r#""sns.amazonaws.com""#, "sns:Publish", topic),
        ] {
            let found = of(principal, action, resource);
            assert!(found.is_ok(), "{found:?}");
        }
        for (principal, action, resource, at) in [
            (role, ":Publish", topic, "request.action"),
            (role, "sns:", topic, "request.action"),
            (
                role,
                "sns:Publish",
                "arn:aws:sns:eu-west-1:t",
                "request.resource",
            ),
            (
                r#""arn:aws:iam""#,
                "sns:Publish",
                topic,
                "request.principal",
            ),
            (
                r#""iam::1:2:3:4""#,
                "sns:Publish",
                topic,
                "request.principal",
            ),
            (
                r#"{"type":"Other"}"#,
                "sns:Publish",
                topic,
                "request.principal.type",
            ),
        ] {
            assert_eq!(of(principal, action, resource), Err(at.to_owned()));
        }
    }

    #[test]
    fn a_method_asks_for_a_signature_or_for_nothing() {
        let with = |auth: &str| {
            let text = REQUEST.replace(
                "\"action\"",
                &format!(r#""authorization":"{auth}","action""#),
            );
            request(serde_json::from_str(&text).expect("JSON"), "").map(|it| it.method_auth)
        };
        assert_eq!(with("NONE"), Ok(Some(MethodAuth::None)));
        assert_eq!(with("AWS_IAM"), Ok(Some(MethodAuth::Iam)));
        assert!(with("CUSTOM").is_err());
    }

    /// `RCPFullAWSAccess`, which AWS attaches, allows and names every principal:
    /// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html>
    #[test]
    fn an_organizations_policy_names_no_principal_but_in_the_one_that_aws_attaches() {
        let answer = |principal: &str| {
            let policy = ALLOW.replace(
                r#""Action":"sns:Publish""#,
                &format!(r#""Principal":{principal},"Action":"*""#),
            );
            let line = format!(
                r#"{{"request":{REQUEST},"identityPolicies":[{ALLOW}],"rcps":[[{policy}]]}}"#
            );
            let answer: Value = serde_json::from_str(&simulate_line(&line)).expect("JSON");
            answer
        };
        assert_eq!(answer(r#""*""#)["decision"], "allow");
        let refused = answer(r#"{"AWS":"arn:aws:iam::111111111111:role/a"}"#);
        assert_eq!(refused["at"], "rcps[0][0].Statement[0].Effect", "{refused}");
    }

    #[test]
    fn a_resources_policy_is_of_what_is_asked_for() {
        let answer = |action: &str, resource: &str, own: &str, fields: &str| {
            let policy = ALLOW.replace(
                r#""Action":"sns:Publish""#,
                &format!(r#""Principal":"*","Action":"{own}""#),
            );
            let policy = policy.replace(r#""Resource":"*""#, fields);
            let request = REQUEST.replace("sns:Publish", action);
            let request = request.replace(":sns:eu-west-1:111111111111:t", resource);
            let line = format!(r#"{{"request":{request},"resourcePolicy":{policy}}}"#);
            let found = simulate_line(&line);
            assert_eq!(found, crate::bulk::Simulator::of(None).answer(&line));
            found
        };
        let all = r#""Resource":"*""#;
        for (action, resource, good, bad) in [
            (
                "sns:Publish",
                ":sns:eu-west-1:111111111111:t",
                "sns:Publish",
                "sns:*",
            ),
            (
                "sqs:SendMessage",
                ":sqs:eu-west-1:111111111111:q",
                "sqs:*",
                "sns:Publish",
            ),
            (
                "kms:Decrypt",
                ":kms:eu-west-1:111111111111:key/k",
                "kms:*",
                "s3:GetObject",
            ),
        ] {
            let found = answer(action, resource, good, all);
            assert!(found.contains(r#""decision":"allow""#), "{found}");
            let refused = answer(action, resource, bad, all);
            assert!(
                refused.contains("resourcePolicy.Statement[0].Action"),
                "{refused}"
            );
            let refused = answer(action, resource, good, r#""Sid":"a""#);
            assert!(
                refused.contains("resourcePolicy.Statement[0].Resource"),
                "{refused}"
            );
        }
        // What is asked for may be a bucket, whose policy names what it likes.
        let found = answer("s3:GetObject", ":s3:::b/x", "*", all);
        assert!(!found.contains("AWS refuses"), "{found}");
    }

    #[test]
    fn a_resource_is_refused_only_where_it_is_known_what_the_policy_is_attached_to() {
        let topic = ALLOW.replace(r#""Resource":"*""#, r#""Resource":"orders""#);
        let line = format!(r#"{{"request":{REQUEST},"identityPolicies":[{topic}]}}"#);
        let answer: Value = serde_json::from_str(&simulate_line(&line)).expect("JSON");
        assert_eq!(answer["at"], "identityPolicies[0].Statement[0].Resource");
        // A service may name its resources otherwise.
        let policy = topic.replace(r#""Action""#, r#""Principal":"*","Action""#);
        let line = format!(r#"{{"request":{REQUEST},"resourcePolicy":{policy}}}"#);
        let answer: Value = serde_json::from_str(&simulate_line(&line)).expect("JSON");
        assert_eq!(answer["decision"], "deny", "{answer}");
        let answer = simulate_line_of(Some(Grammar::Resource(Holder::Topic)), &line);
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(
            answer["at"], "resourcePolicy.Statement[0].Resource",
            "{answer}"
        );
    }

    /// An action that its service does not have is said to be unlisted; of other services nothing is known.
    #[test]
    fn a_witness_says_of_its_action_that_no_list_has_it() {
        let said = |action: &str| {
            let topic = "arn:aws:sns:eu-west-1:111111111111:t";
            let value = request_value(&Request::new(Who::Anonymous, action, topic));
            value.get("unlisted").cloned()
        };
        assert_eq!(said("sns:Publish"), None);
        assert_eq!(said("sns:Shout"), Some(Value::Bool(true)));
        assert_eq!(said("acme:Publish"), None);
    }

    /// A request as [`REQUEST`] with these further fields, and these fields beside it.
    fn decision(further: &str, beside: &str) -> String {
        let request = REQUEST.replace(r#"{"principal""#, &format!(r#"{{{further}"principal""#));
        let line = format!(r#"{{"request":{request}{beside}}}"#);
        let answer: Value = serde_json::from_str(&simulate_line(&line)).expect("JSON");
        let quick = super::super::bulk::Simulator::of(None).answer(&line);
        assert_eq!(quick, simulate_line(&line));
        answer["decision"]
            .as_str()
            .map_or_else(|| answer.to_string(), str::to_owned)
    }

    #[test]
    fn the_policies_that_a_caller_is_said_to_have_stand_where_none_are_given() {
        let own = |it: &str| format!(r#""callerPolicies":"{it}","#);
        let role = ALLOW.replace(
            r#""Action""#,
            r#""Principal":{"AWS":"arn:aws:iam::111111111111:role/a"},"Action""#,
        );
        let role = format!(r#","resourcePolicy":{role}"#);
        let deny = ALLOW.replace("Allow", "Deny");
        for (further, beside, expected) in [
            ("", "", "deny"),
            (own("allow").as_str(), "", "allow"),
            (own("none").as_str(), "", "deny"),
            (own("none").as_str(), role.as_str(), "allow"),
            (own("limited").as_str(), role.as_str(), "deny"),
            (own("allow").as_str(), r#","identityPolicies":[]"#, "deny"),
            (
                own("allow").as_str(),
                &format!(r#","boundary":{ALLOW}"#),
                "deny",
            ),
            (
                own("allow").as_str(),
                &format!(r#","sessionPolicy":{ALLOW}"#),
                "deny",
            ),
            (
                own("allow").as_str(),
                &format!(
                    r#","resourcePolicy":{}"#,
                    deny.replace(r#""Action""#, r#""Principal":"*","Action""#)
                ),
                "deny",
            ),
            (
                own("allow").as_str(),
                &format!(r#","scps":[[{deny}]]"#),
                "deny",
            ),
        ] {
            assert_eq!(decision(further, beside), expected, "{further}{beside}");
        }
        assert!(decision(&own("all"), "").contains("must be `allow`, `none` or `limited`"));
    }

    #[test]
    fn the_policies_that_are_given_are_the_callers() {
        let deny = ALLOW.replace("Allow", "Deny");
        let identity = format!(r#","identityPolicies":[{ALLOW}]"#);
        for (beside, expected) in [
            (identity.clone(), "allow"),
            (
                format!(r#"{identity},"boundary":{ALLOW},"sessionPolicy":{ALLOW}"#),
                "allow",
            ),
            (format!(r#"{identity},"boundary":{deny}"#), "deny"),
            (format!(r#"{identity},"sessionPolicy":{deny}"#), "deny"),
            (
                format!(
                    r#"{identity},"vpcEndpointPolicy":{}"#,
                    deny.replace(r#""Action""#, r#""Principal":"*","Action""#)
                ),
                "deny",
            ),
        ] {
            assert_eq!(decision("", &beside), expected, "{beside}");
        }
    }

    #[test]
    fn only_the_call_of_a_method_without_authorization_is_unsigned() {
        for (action, auth, expected) in [
            ("execute-api:Invoke", Some(MethodAuth::None), true),
            ("Execute-API:invoke", Some(MethodAuth::None), true),
            ("execute-api:Invoke", Some(MethodAuth::Iam), false),
            ("execute-api:Invoke", None, false),
            ("sns:Publish", Some(MethodAuth::None), false),
        ] {
            let mut request = Request::new(Who::Anonymous, action, "*");
            request.method_auth = auth;
            assert_eq!(is_unsigned_call(&request), expected, "{action} {auth:?}");
        }
    }

    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-examples.html>
    #[test]
    fn a_short_resource_is_written_out_where_the_documents_name_one_api() {
        let policy = |resources: &str| {
            let text = format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":"execute-api:Invoke","Resource":[{resources}]}}]}}"#
            );
            Document::parse(&text).expect("a policy")
        };
        let short = r#""execute-api:/prod/*""#;
        let [abc, xyz] = ["abc", "xyz"]
            .map(|api| format!(r#""arn:aws:execute-api:eu-west-1:111111111111:{api}/prod/*""#));
        let written = |old: &str, new: &str| of_one_api(policy(old), policy(new));
        assert_eq!(written(short, &abc), (policy(&abc), policy(&abc)));
        assert_eq!(written(&abc, short), (policy(&abc), policy(&abc)));
        let both = format!("{abc},{xyz}");
        for (old, new) in [(short, both.as_str()), (short, short)] {
            assert_eq!(written(old, new), (policy(old), policy(new)));
        }
    }

    #[test]
    fn a_name_that_stands_for_others_is_said_in_words() {
        let request = Request::new(
            Who::of("arn:aws:iam::999999999999:role/x"),
            "sqs:SendMessage",
            "arn:aws:sqs:eu-west-1:111111111111:orders",
        )
        .with("aws:SourceVpc", ["vpc-0other"]);
        let mut names = RealNames::of_accounts([("111111111111".to_owned(), "prod".to_owned())]);
        names.add("arn:aws:sqs:eu-west-1:111111111111:orders");
        let anyone = "any role or user of an AWS account outside the stack";
        let stand_ins = serde_json::json!({"principal": anyone, "aws:SourceVpc": "another VPC"});
        let shown = shown_value(&request, &names);
        assert_eq!(shown["principal"], anyone);
        assert_eq!(shown["resource"], request.resource);
        assert_eq!(
            shown["context"]["aws:SourceVpc"],
            serde_json::json!(["another VPC"])
        );
        assert_eq!(shown["standIns"], stand_ins);
        let marked = marked_value(&request, &names);
        assert_eq!(marked["principal"], "arn:aws:iam::999999999999:role/x");
        assert_eq!(marked["standIns"], stand_ins);
        names.add("arn:aws:iam::999999999999:role/x");
        let known = Request {
            context: std::collections::BTreeMap::new(),
            ..request
        };
        assert_eq!(marked_value(&known, &names).get("standIns"), None);
    }

    #[test]
    fn a_list_without_statements_is_a_policy_only_where_documents_are_compared() {
        let none = r#"{"Version":"2012-10-17","Statement":[]}"#;
        let found = decision("", &format!(r#","identityPolicies":[{none}]"#));
        assert!(found.contains("AWS refuses this"), "{found}");
        let compared = compare_line(&format!(r#"{{"old":{none},"new":{ALLOW}}}"#));
        assert!(compared.contains("widened"), "{compared}");
        let broken = ALLOW.replace("sns:Publish", "Publish");
        let refused = compare_line(&format!(r#"{{"old":{none},"new":{broken}}}"#));
        assert!(refused.contains("AWS refuses this"), "{refused}");
    }

    #[test]
    fn a_policy_is_one_of_trust_where_a_session_of_a_role_is_asked_for() {
        let role = "arn:aws:iam::111111111111:role/a";
        for (action, resource, trusts) in [
            ("sts:AssumeRole", role, true),
            ("STS:TagSession", role, true),
            ("sts:GetCallerIdentity", "*", false),
            ("iam:PassRole", role, false),
            ("sns:Publish", "*", false),
        ] {
            let found = kind_of_resource(&Request::new(Who::Anonymous, action, resource));
            assert_eq!(found == Grammar::Trust, trusts, "{action} {resource}");
        }
    }
}
