//! What AWS refuses in a policy document when it is written, whatever the cloud looks like.
//!
//! [`Document`](super::Document) reads every document that means something; this decides which of them a
//! service takes. Trust, identity, resource and organization policies each have their own grammar. The
//! words are IAM's; the other services answer one fixed text whatever is wrong.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::document::OF_STATEMENT;
use super::operator::{Base, Operator};
use crate::Partition;
pub(crate) use principals::SERVICE_SUFFIXES;
pub use principals::is_service;
use terms::{
    IAM_PATHS, S3_OF_ACCOUNTS, STS_ACTIONS, is_date, is_one_of, is_partition, is_topic_action,
    meant_operator,
};

mod principals;
mod terms;
mod tokens;

/// Which documents are taken, by what they are attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Grammar {
    /// An inline or managed policy of a role, user or group.
    Identity,
    /// A role's trust policy.
    Trust,
    /// A resource's own policy.
    Resource(Holder),
    /// A service or resource control policy of an organization: the latter names principals.
    Organization,
    /// A service control policy.
    ServiceControl,
    /// A resource control policy.
    ResourceControl,
}

/// The resource that holds a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holder {
    /// An SNS topic.
    Topic,
    /// An SQS queue.
    Queue,
    /// A REST API.
    Api,
    /// A KMS key.
    Key,
    /// Anything else: only what all services agree on.
    Other,
}

/// Something in a document that AWS refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The element: `Statement[2].Action[0]`; empty for the whole document.
    pub at: String,
    /// AWS's words.
    pub words: String,
    /// What to write instead; empty where the words say it.
    pub advice: String,
}

impl Refusal {
    /// Whether the refusal is about a principal: AWS answers the same for one that does not exist.
    #[must_use]
    pub fn is_of_principal(&self) -> bool {
        self.words.starts_with("Invalid principal in policy")
    }
}

const SYNTAX: &str = "Syntax errors in policy.";
const VENDOR: &str = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
const STS_ONLY: &str = "AssumeRole policy may only specify STS AssumeRole actions.";
const POLICY_TYPE: &str =
    "The provided policy document does not meet the requirements of the specified policy type.";
const LEGACY: &str = "The policy failed legacy parsing";
/// What SNS answers to a topic policy with an action that no topic has.
pub const OUT_OF_SCOPE: &str = "Policy statement action out of service scope!";

impl Grammar {
    /// Everything in a document that AWS refuses, in the order of its statements.
    #[must_use]
    pub fn refusals(self, document: &Value) -> Vec<Refusal> {
        self.refusals_in(None, document)
    }

    /// Everything in a document that AWS refuses in a partition, in the order of its statements.
    #[must_use]
    pub fn refusals_in(self, here: Option<Partition>, document: &Value) -> Vec<Refusal> {
        let grammar = match self {
            Self::Organization if names_principals(document) => Self::ResourceControl,
            Self::Organization => Self::ServiceControl,
            told => told,
        };
        let mut judge = Judge {
            grammar,
            here,
            found: Vec::new(),
        };
        judge.document(document);
        judge.found
    }

    /// The parsed document, or the first thing in its text that AWS refuses in a partition.
    pub fn read(self, here: Partition, text: &str) -> Result<Value, Refusal> {
        let Ok(document) = serde_json::from_str(text) else {
            return Err(Refusal {
                at: String::new(),
                words: "This policy contains invalid Json".to_owned(),
                advice: String::new(),
            });
        };
        match self.refusals_in(Some(here), &document).into_iter().next() {
            Some(refusal) => Err(refusal),
            None => Ok(document),
        }
    }
}

/// A value as a list: its items, the value itself, or nothing.
#[must_use]
pub fn items(value: Option<&Value>) -> &[Value] {
    match value {
        None => &[],
        Some(Value::Array(items)) => items,
        Some(other) => std::slice::from_ref(other),
    }
}

/// Whether a statement of a document names principals.
fn names_principals(document: &Value) -> bool {
    let named = |it: &Value| {
        ["Principal", "NotPrincipal"]
            .iter()
            .any(|name| it.get(name).is_some())
    };
    items(document.get("Statement")).iter().any(named)
}

/// Whether a document lets everything pass, as `RCPFullAWSAccess` does: the one that AWS attaches, and the one that allows.
fn is_full_access(document: &Value) -> bool {
    let all = |it: &Value| {
        it["Effect"] == "Allow"
            && ["Principal", "Action", "Resource"]
                .iter()
                .all(|name| items(it.get(name)) == ["*"])
            && it.get("Condition").is_none()
    };
    items(document.get("Statement")).iter().all(all)
}

/// Gathers the refusals of one document.
struct Judge {
    grammar: Grammar,
    /// The partition of what holds the document, where that is known.
    here: Option<Partition>,
    found: Vec<Refusal>,
}

impl Judge {
    fn refuse(&mut self, at: &str, words: impl Into<String>, advice: impl Into<String>) {
        self.found.push(Refusal {
            at: at.to_owned(),
            words: words.into(),
            advice: advice.into(),
        });
    }

    fn document(&mut self, document: &Value) {
        let Value::Object(fields) = document else {
            return self.refuse("", SYNTAX, "a policy is an object");
        };
        for (name, value) in fields {
            match name.as_str() {
                "Statement" => {}
                "Version" if value == "2012-10-17" || value == "2008-10-17" => {}
                "Version" => self.refuse(
                    name,
                    "The policy must contain a valid version string",
                    "the current version is \"2012-10-17\"",
                ),
                "Id" if value.is_string() => {}
                "Id" => self.refuse(name, SYNTAX, "an id is a string"),
                _ => self.refuse(name, SYNTAX, "a policy has `Version`, `Id` and `Statement`"),
            }
        }
        let of_organization = matches!(
            self.grammar,
            Grammar::ServiceControl | Grammar::ResourceControl
        );
        if of_organization && fields.get("Version").is_none_or(|it| it == "2008-10-17") {
            self.refuse(
                "Version",
                POLICY_TYPE,
                "a policy of an organization has `\"Version\": \"2012-10-17\"`",
            );
        }
        if self.grammar == Grammar::ResourceControl && !is_full_access(document) {
            self.resource_control(items(fields.get("Statement")));
        }
        let statements = items(fields.get("Statement"));
        if statements.is_empty() {
            return self.refuse("Statement", SYNTAX, "a policy has at least one statement");
        }
        let mut sids = BTreeSet::new();
        for (index, statement) in statements.iter().enumerate() {
            let at = format!("Statement[{index}]");
            let Value::Object(statement) = statement else {
                self.refuse(&at, SYNTAX, "a statement is an object");
                continue;
            };
            self.statement(statement, &at);
            let sid = statement.get("Sid").and_then(Value::as_str);
            if let Some(sid) = sid.filter(|it| !it.is_empty())
                && !sids.insert(sid)
            {
                self.refuse(
                    &format!("{at}.Sid"),
                    "Statement IDs (SID) in a single policy must be unique.",
                    "give the statement another `Sid`, or none",
                );
            }
        }
    }

    /// What a resource control policy says beside its principals: it denies the actions that it names.
    fn resource_control(&mut self, statements: &[Value]) {
        for (index, statement) in statements.iter().enumerate() {
            let at = |name: &str| format!("Statement[{index}].{name}");
            if statement["Effect"] == "Allow" {
                let advice = "only `RCPFullAWSAccess`, which AWS attaches, allows: write \"Deny\"";
                self.refuse(&at("Effect"), POLICY_TYPE, advice);
            }
            if statement.get("NotAction").is_some() {
                self.refuse(
                    &at("NotAction"),
                    POLICY_TYPE,
                    "a resource control policy names the actions that it denies, in `Action`",
                );
            }
        }
    }

    fn statement(&mut self, statement: &Map<String, Value>, at: &str) {
        for name in statement.keys() {
            if !OF_STATEMENT.contains(&name.as_str()) {
                self.refuse(
                    &format!("{at}.{name}"),
                    SYNTAX,
                    "a statement has no such element",
                );
            }
        }
        for name in ["Action", "Resource", "Principal"] {
            let not = format!("Not{name}");
            if statement.contains_key(name) && statement.contains_key(&not) {
                let advice = format!("write `{name}` or `{not}`, not both");
                self.refuse(&format!("{at}.{not}"), SYNTAX, advice);
            }
        }
        let effect = statement.get("Effect").and_then(Value::as_str);
        if !matches!(effect, Some("Allow" | "Deny")) {
            self.refuse(
                &format!("{at}.Effect"),
                SYNTAX,
                "write \"Allow\" or \"Deny\"",
            );
        }
        self.sid(statement, at);
        self.actions(statement, at);
        self.resources(statement, at);
        self.principals(statement, at);
        self.conditions(statement.get("Condition"), &format!("{at}.Condition"));
        if self.grammar == Grammar::Trust {
            self.tokens(statement, at);
        }
    }

    fn sid(&mut self, statement: &Map<String, Value>, at: &str) {
        let Some(sid) = statement.get("Sid") else {
            return;
        };
        let at = format!("{at}.Sid");
        match sid.as_str() {
            None => self.refuse(&at, SYNTAX, "a `Sid` is a string"),
            Some(_) if matches!(self.grammar, Grammar::Resource(_)) => {}
            Some(sid) if sid.bytes().all(|it| it.is_ascii_alphanumeric()) => {}
            Some(_) => self.refuse(
                &at,
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the \
                 regular expression [0-9A-Za-z]*",
                "letters and digits only: no spaces, `-` or `_`",
            ),
        }
    }

    /// The strings of an element in its plain or its `Not` form, each with its place.
    fn strings<'a>(
        &mut self,
        statement: &'a Map<String, Value>,
        names: [&str; 2],
        at: &str,
    ) -> Option<Vec<(String, &'a str)>> {
        let (name, value) = names
            .into_iter()
            .find_map(|it| Some((it, statement.get(it)?)))?;
        Some(self.texts(value, &format!("{at}.{name}")))
    }

    /// The strings of a value, each with its place.
    fn texts<'a>(&mut self, value: &'a Value, at: &str) -> Vec<(String, &'a str)> {
        let mut found = Vec::new();
        for (index, item) in items(Some(value)).iter().enumerate() {
            let here = match value {
                Value::Array(_) => format!("{at}[{index}]"),
                _ => at.to_owned(),
            };
            match item.as_str() {
                Some(text) => found.push((here, text)),
                None => self.refuse(&here, SYNTAX, "write a string or a list of strings"),
            }
        }
        found
    }

    fn actions(&mut self, statement: &Map<String, Value>, at: &str) {
        let actions = self
            .strings(statement, ["Action", "NotAction"], at)
            .unwrap_or_default();
        let named = ["Action", "NotAction"].map(|it| items(statement.get(it)).len());
        if named == [0, 0] {
            let words = match self.grammar {
                Grammar::Trust => "Missing required field Action",
                _ => "Policy statement must contain actions.",
            };
            return self.refuse(&format!("{at}.Action"), words, "name at least one action");
        }
        for (at, action) in actions {
            self.action(action, &at);
        }
    }

    fn action(&mut self, action: &str, at: &str) {
        let (vendor, name) = match action.split_once(':') {
            None if action == "*" => ("*", "*"),
            None => {
                let advice = format!("write the service before it: `SERVICE:{action}`");
                return self.refuse(at, VENDOR, advice);
            }
            Some(both) => both,
        };
        if vendor.is_empty() || name.is_empty() {
            return self.refuse(at, VENDOR, "write `SERVICE:ACTION`");
        }
        if name.contains(':') {
            return self.refuse(
                at,
                "Actions/Condition can contain only one colon.",
                "write `SERVICE:ACTION`; what follows belongs in `Resource` or `Condition`",
            );
        }
        let plain = |it: u8| it.is_ascii_alphanumeric() || b"-.".contains(&it);
        let is_all = vendor == "*" && name == "*";
        if !is_all && !vendor.bytes().all(plain) {
            return self.refuse(
                at,
                format!("Vendor {vendor} is not valid"),
                "a service is named in full: only the action may hold `*` and `?`",
            );
        }
        let of = |service: &str| vendor.eq_ignore_ascii_case(service);
        let any = vendor == "*";
        match self.grammar {
            Grammar::Trust if !of("sts") || !is_one_of(name, &STS_ACTIONS) => self.refuse(
                at,
                STS_ONLY,
                "write `sts:AssumeRole`, `sts:AssumeRoleWithWebIdentity`, `sts:AssumeRoleWithSAML`, `sts:TagSession` \
                 or `sts:SetSourceIdentity`",
            ),
            Grammar::Resource(Holder::Topic) if !of("sns") || !is_topic_action(name) => self.refuse(
                at,
                OUT_OF_SCOPE,
                "name actions of topics one by one, such as `sns:Publish`: SNS takes no `sns:*`",
            ),
            Grammar::Resource(Holder::Queue) if !of("sqs") && !any => {
                self.refuse(at, OUT_OF_SCOPE, "a queue's policy names actions of `sqs`");
            }
            Grammar::Resource(Holder::Api) if !of("execute-api") && !any => {
                self.refuse(at, OUT_OF_SCOPE, "an API's policy names `execute-api:Invoke`");
            }
            Grammar::Resource(Holder::Key) if !of("kms") && !any => {
                self.refuse(at, OUT_OF_SCOPE, "a key's policy names actions of `kms`");
            }
            _ => {}
        }
    }

    fn resources(&mut self, statement: &Map<String, Value>, at: &str) {
        const NAMES: [&str; 2] = ["Resource", "NotResource"];
        if self.grammar == Grammar::Trust {
            for name in NAMES.into_iter().filter(|it| statement.contains_key(*it)) {
                self.refuse(
                    &format!("{at}.{name}"),
                    format!("Has prohibited field {name}"),
                    "a trust policy stands on its role, so it names no resource: remove it",
                );
            }
            return;
        }
        if NAMES.iter().all(|it| items(statement.get(*it)).is_empty()) {
            if self.grammar != Grammar::Resource(Holder::Other) {
                self.refuse(
                    &format!("{at}.Resource"),
                    "Policy statement must contain resources.",
                    "name at least one resource, or \"*\" for all",
                );
            }
            return;
        }
        let resources = self.strings(statement, NAMES, at).unwrap_or_default();
        if self.grammar == Grammar::Resource(Holder::Topic) && resources.len() != 1 {
            self.refuse(
                &format!("{at}.Resource"),
                SYNTAX,
                "a topic's policy names one resource, the topic",
            );
        }
        for (at, resource) in resources {
            self.resource(resource, &at);
        }
    }

    fn resource(&mut self, resource: &str, at: &str) {
        const FORM: &str = "an ARN is `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE`";
        let short =
            self.grammar == Grammar::Resource(Holder::Api) && resource.starts_with("execute-api:/");
        if resource == "*" || short {
            return;
        }
        let parts: Vec<&str> = resource.splitn(6, ':').collect();
        let part = |index: usize| parts.get(index).copied().unwrap_or_default();
        let (partition, vendor, region, path) = (part(1), part(2), part(3), part(5));
        if parts.len() == 1 {
            let words = format!("Resource {resource} must be in ARN format or \"*\".");
            return self.refuse(at, words, FORM);
        }
        let known = partition == "*"
            || self
                .here
                .map_or_else(|| is_partition(partition), |it| it.as_str() == partition);
        if part(0) != "arn" || !known {
            let rest = |from: usize| {
                if part(from).is_empty() {
                    "*"
                } else {
                    part(from)
                }
            };
            let words = format!(
                "Partition \"{partition}\" is not valid for resource \"arn:{partition}:{}:{}:{}:{}\".",
                rest(2),
                part(3),
                rest(4),
                rest(5)
            );
            let other = "AWS knows ARNs of its own partition only";
            let advice = if is_partition(partition) { other } else { FORM };
            return self.refuse(at, words, advice);
        }
        if parts.len() == 2 || vendor.contains(['*', '?']) && vendor != "*" {
            return self.refuse(
                at,
                "Resource vendor must be fully qualified and cannot contain regexes.",
                FORM,
            );
        }
        if vendor.is_empty() || parts.len() < 6 && resource.contains("::") {
            return self.refuse(at, LEGACY, FORM);
        }
        if vendor == "iam" && !region.is_empty() {
            let words = format!("IAM resource {resource} cannot contain region information.");
            return self.refuse(
                at,
                words,
                "IAM is global: leave the region empty, `arn:aws:iam::…`",
            );
        }
        let of_account =
            S3_OF_ACCOUNTS.iter().any(|it| path.starts_with(it)) || path.starts_with('*');
        let account = part(4);
        if vendor == "s3" && !of_account {
            let says = |it: &str| !it.is_empty() && it != "*";
            let what = match () {
                () if says(region) => "region",
                () if says(account) => "account",
                () => return,
            };
            let words = format!("Resource {resource} can not contain {what} information.");
            return self.refuse(at, words, "a bucket's ARN is `arn:aws:s3:::BUCKET`");
        }
        let known = IAM_PATHS.iter().any(|it| path.starts_with(it));
        if vendor == "iam" && path != "*" && !known {
            let words = format!(
                "IAM resource path must either be \"*\" or start with {}.",
                IAM_PATHS.join(", ")
            );
            self.refuse(at, words, "a role is `arn:aws:iam::ACCOUNT:role/NAME`");
        }
    }

    fn principals(&mut self, statement: &Map<String, Value>, at: &str) {
        let named = ["Principal", "NotPrincipal"]
            .into_iter()
            .find_map(|it| Some((it, statement.get(it)?)));
        let Some((name, value)) = named else {
            match self.grammar {
                Grammar::Trust | Grammar::Resource(_) => self.refuse(
                    at,
                    "Missing required field Principal",
                    "name the principals: `Principal = { Service = \"lambda.amazonaws.com\" }`",
                ),
                Grammar::ResourceControl => {
                    self.refuse(
                        &format!("{at}.Principal"),
                        POLICY_TYPE,
                        "a resource control policy denies `Principal: \"*\"`",
                    );
                }
                Grammar::Identity | Grammar::Organization | Grammar::ServiceControl => {}
            }
            return;
        };
        let at = format!("{at}.{name}");
        match self.grammar {
            Grammar::Identity => {
                return self.refuse(
                    &at,
                    "Policy document should not specify a principal.",
                    "the policy's principal is the role it stands on; a trust policy names others",
                );
            }
            Grammar::Trust if name == "NotPrincipal" => {
                return self.refuse(
                    &at,
                    "Has prohibited field NotPrincipal",
                    "deny with a condition on `aws:PrincipalArn` instead",
                );
            }
            Grammar::Organization | Grammar::ServiceControl => {
                return self.refuse(
                    &at,
                    POLICY_TYPE,
                    "a service control policy names no principal: it is about all of its accounts",
                );
            }
            Grammar::ResourceControl => {
                if value != "*" || name != "Principal" {
                    self.refuse(
                        &at,
                        POLICY_TYPE,
                        "a resource control policy denies `Principal: \"*\"`; who is meant stands in `Condition`",
                    );
                }
                return;
            }
            Grammar::Trust | Grammar::Resource(_) => {}
        }
        match value {
            Value::String(star) if star == "*" => {}
            Value::Object(kinds) if !kinds.is_empty() => {
                for (kind, names) in kinds {
                    self.principals_of(kind, names, &format!("{at}.{kind}"));
                }
            }
            _ => self.refuse(
                &at,
                SYNTAX,
                "write \"*\", or an object of `AWS`, `Service`, `Federated` and `CanonicalUser`",
            ),
        }
    }

    fn principals_of(&mut self, kind: &str, names: &Value, at: &str) {
        if !matches!(kind, "AWS" | "Service" | "Federated" | "CanonicalUser") {
            return self.refuse(
                at,
                SYNTAX,
                "principals are `AWS`, `Service`, `Federated` or `CanonicalUser`",
            );
        }
        if items(Some(names)).is_empty() {
            return self.refuse(at, SYNTAX, "name at least one principal");
        }
        for (at, name) in self.texts(names, at) {
            let advice = principals::refused(self.grammar, kind, name, self.here);
            if let Some(advice) = advice {
                let words = format!(
                    "Invalid principal in policy: \"{}\":\"{name}\"",
                    kind.to_uppercase()
                );
                self.refuse(&at, words, advice);
            }
        }
    }

    fn conditions(&mut self, condition: Option<&Value>, at: &str) {
        let operators = match condition {
            None => return,
            Some(Value::Object(operators)) => operators,
            Some(_) => return self.refuse(at, SYNTAX, "write an object of operators"),
        };
        for (name, keys) in operators {
            let at = format!("{at}.{name}");
            if keys == &serde_json::json!({}) {
                continue;
            }
            let Some(operator) = Operator::parse(name) else {
                let words = format!("Invalid Condition type : {name}.");
                self.refuse(&at, words, meant_operator(name));
                continue;
            };
            let Value::Object(keys) = keys else {
                self.refuse(&at, SYNTAX, "write an object of condition keys");
                continue;
            };
            for (key, values) in keys {
                self.condition(operator, values, &format!("{at}.{key}"));
            }
        }
    }

    /// IAM takes a condition key without a service, which no request has.
    fn condition(&mut self, operator: Operator, values: &Value, at: &str) {
        if items(Some(values)).is_empty() {
            self.refuse(at, SYNTAX, "name at least one value");
        }
        for (index, value) in items(Some(values)).iter().enumerate() {
            let at = match values {
                Value::Array(_) => format!("{at}[{index}]"),
                _ => at.to_owned(),
            };
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Bool(_) | Value::Number(_) => value.to_string(),
                _ => {
                    self.refuse(&at, SYNTAX, "write strings, numbers or booleans");
                    continue;
                }
            };
            if matches!(operator.base, Base::Date(_)) && !is_date(&text) {
                self.refuse(
                    &at,
                    LEGACY,
                    "write a date as `2026-01-31T00:00:00Z`, or as seconds since 1970",
                );
            }
        }
    }
}

#[cfg(test)]
mod tests;
