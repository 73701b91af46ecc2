//! The grammar of policy documents, as the services check it on every write.
//!
//! The texts are IAM's; the other services answer one fixed text whatever is wrong.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// What a document is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// A role's trust policy.
    Trust,
    /// An inline policy.
    Identity,
    /// A topic's, queue's or API's policy.
    Resource,
}

/// A document that breaks the grammar, in IAM's words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) String);

const SYNTAX: &str = "Syntax errors in policy.";
const VENDOR: &str = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";

fn wrong<T>(text: impl Into<String>) -> Result<T, Malformed> {
    Err(Malformed(text.into()))
}

/// The parsed document, when it is one for this use.
pub(super) fn parse(text: &str, used: Use) -> Result<Value, Malformed> {
    let Ok(document) = serde_json::from_str::<Value>(text) else {
        return wrong("This policy contains invalid Json");
    };
    let Value::Object(fields) = &document else {
        return wrong(SYNTAX);
    };
    if fields
        .keys()
        .any(|it| !matches!(it.as_str(), "Version" | "Id" | "Statement"))
    {
        return wrong(SYNTAX);
    }
    if fields
        .get("Version")
        .is_some_and(|it| it != "2012-10-17" && it != "2008-10-17")
    {
        return wrong("The policy must contain a valid version string");
    }
    if fields.get("Id").is_some_and(|it| !it.is_string()) {
        return wrong(SYNTAX);
    }
    let found = items(fields.get("Statement"));
    if found.is_empty() {
        return wrong(SYNTAX);
    }
    let mut sids = BTreeSet::new();
    for statement in found {
        let Value::Object(statement) = statement else {
            return wrong(SYNTAX);
        };
        check_statement(statement, used)?;
        let sid = statement
            .get("Sid")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if !sid.is_empty() && !sids.insert(sid) {
            return wrong("Statement IDs (SID) in a single policy must be unique.");
        }
    }
    Ok(document)
}

/// A value as a list: its items, the value itself, or nothing.
pub(super) fn items(value: Option<&Value>) -> &[Value] {
    match value {
        None => &[],
        Some(Value::Array(items)) => items,
        Some(other) => std::slice::from_ref(other),
    }
}

/// The strings of a value; what is not a string is left out.
pub(super) fn strings(value: Option<&Value>) -> Vec<&str> {
    items(value).iter().filter_map(Value::as_str).collect()
}

/// The statements of a parsed document.
pub(super) fn statements(document: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    items(document.get("Statement"))
        .iter()
        .filter_map(Value::as_object)
}

/// The actions a statement names, in either form.
pub(super) fn actions(statement: &Map<String, Value>) -> Vec<&str> {
    strings(
        statement
            .get("Action")
            .or_else(|| statement.get("NotAction")),
    )
}

/// The characters that count against IAM's quotas: all but white space.
pub(super) fn size(text: &str) -> usize {
    text.chars().filter(|it| !it.is_whitespace()).count()
}

fn check_statement(statement: &Map<String, Value>, used: Use) -> Result<(), Malformed> {
    let known = |name: &str| {
        matches!(
            name,
            "Sid"
                | "Effect"
                | "Principal"
                | "NotPrincipal"
                | "Action"
                | "NotAction"
                | "Resource"
                | "NotResource"
                | "Condition"
        )
    };
    let twice =
        |name: &str| statement.contains_key(name) && statement.contains_key(&format!("Not{name}"));
    if !statement.keys().all(|it| known(it))
        || !matches!(
            statement.get("Effect").and_then(Value::as_str),
            Some("Allow" | "Deny")
        )
        || ["Action", "Resource", "Principal"].into_iter().any(twice)
    {
        return wrong(SYNTAX);
    }
    match statement.get("Sid").map(Value::as_str) {
        Some(None) => return wrong(SYNTAX),
        Some(Some(sid))
            if used != Use::Resource && !sid.bytes().all(|it| it.is_ascii_alphanumeric()) =>
        {
            return wrong(
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the \
                 regular expression [0-9A-Za-z]*",
            );
        }
        None | Some(Some(_)) => {}
    }
    check_actions(statement, used)?;
    check_resources(statement, used)?;
    check_principal(statement, used)?;
    check_condition(statement.get("Condition"))
}

fn only_strings(value: Option<&Value>) -> Result<Vec<&str>, Malformed> {
    let found = strings(value);
    if found.len() == items(value).len() {
        Ok(found)
    } else {
        wrong(SYNTAX)
    }
}

fn check_actions(statement: &Map<String, Value>, used: Use) -> Result<(), Malformed> {
    let named = statement
        .get("Action")
        .or_else(|| statement.get("NotAction"));
    let actions = only_strings(named)?;
    if actions.is_empty() {
        return wrong(match used {
            Use::Trust => "Missing required field Action",
            _ => "Policy statement must contain actions.",
        });
    }
    for action in actions {
        if action == "*" {
            continue;
        }
        let Some((vendor, name)) = action.split_once(':') else {
            return wrong(VENDOR);
        };
        let vendor_is_one = !vendor.is_empty()
            && vendor
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || it == b'-');
        let name_is_one = !name.is_empty()
            && name
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || b"*?_".contains(&it));
        if !vendor_is_one || !name_is_one {
            return wrong(VENDOR);
        }
        if used == Use::Trust && !vendor.eq_ignore_ascii_case("sts") {
            return wrong("AssumeRole policy may only specify STS AssumeRole actions.");
        }
    }
    Ok(())
}

fn check_resources(statement: &Map<String, Value>, used: Use) -> Result<(), Malformed> {
    if used == Use::Trust {
        for name in ["Resource", "NotResource"] {
            if statement.contains_key(name) {
                return wrong(format!("Has prohibited field {name}"));
            }
        }
        return Ok(());
    }
    let named = statement
        .get("Resource")
        .or_else(|| statement.get("NotResource"));
    let resources = only_strings(named)?;
    if resources.is_empty() {
        return wrong("Policy statement must contain resources.");
    }
    for resource in resources {
        let short = used == Use::Resource && resource.starts_with("execute-api:/");
        let full = resource.starts_with("arn:")
            && resource
                .splitn(6, ':')
                .nth(5)
                .is_some_and(|it| !it.is_empty());
        if resource != "*" && !short && !full {
            return wrong(format!(
                "Resource {resource} must be in ARN format or \"*\"."
            ));
        }
    }
    Ok(())
}

fn check_principal(statement: &Map<String, Value>, used: Use) -> Result<(), Malformed> {
    let named = statement
        .get("Principal")
        .or_else(|| statement.get("NotPrincipal"));
    match (used, named) {
        (Use::Identity, None) => Ok(()),
        (Use::Identity, Some(_)) => wrong("Policy document should not specify a principal."),
        (_, None) => wrong("Missing required field Principal"),
        (_, Some(Value::String(star))) if star == "*" => Ok(()),
        (_, Some(Value::Object(kinds))) if !kinds.is_empty() => {
            for (kind, names) in kinds {
                let known = matches!(
                    kind.as_str(),
                    "AWS" | "Service" | "Federated" | "CanonicalUser"
                );
                if !known || only_strings(Some(names))?.is_empty() {
                    return wrong(SYNTAX);
                }
            }
            Ok(())
        }
        _ => wrong(SYNTAX),
    }
}

const OPERATORS: [&str; 27] = [
    "stringequals",
    "stringnotequals",
    "stringequalsignorecase",
    "stringnotequalsignorecase",
    "stringlike",
    "stringnotlike",
    "numericequals",
    "numericnotequals",
    "numericlessthan",
    "numericlessthanequals",
    "numericgreaterthan",
    "numericgreaterthanequals",
    "dateequals",
    "datenotequals",
    "datelessthan",
    "datelessthanequals",
    "dategreaterthan",
    "dategreaterthanequals",
    "bool",
    "binaryequals",
    "ipaddress",
    "notipaddress",
    "arnequals",
    "arnlike",
    "arnnotequals",
    "arnnotlike",
    "null",
];

/// The operator without its set prefix and `IfExists`, in lower case.
pub(super) fn plain_operator(operator: &str) -> String {
    let lower = operator.to_ascii_lowercase();
    let lower = lower
        .strip_prefix("forallvalues:")
        .or_else(|| lower.strip_prefix("foranyvalue:"))
        .unwrap_or(&lower);
    lower.strip_suffix("ifexists").unwrap_or(lower).to_owned()
}

fn check_condition(condition: Option<&Value>) -> Result<(), Malformed> {
    let operators = match condition {
        None => return Ok(()),
        Some(Value::Object(operators)) => operators,
        Some(_) => return wrong(SYNTAX),
    };
    for (operator, keys) in operators {
        if !OPERATORS.contains(&plain_operator(operator).as_str()) {
            return wrong(format!("Invalid Condition type : {operator}."));
        }
        let Value::Object(keys) = keys else {
            return wrong(SYNTAX);
        };
        for (key, values) in keys {
            if !key.contains(':') {
                return wrong(VENDOR);
            }
            let plain = |it: &Value| it.is_string() || it.is_boolean() || it.is_number();
            if !items(Some(values)).iter().all(plain) {
                return wrong(SYNTAX);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str, used: Use) -> String {
        parse(text, used).expect_err("a malformed document").0
    }

    #[test]
    fn a_trust_policy_has_no_resource_and_only_sts_actions() {
        let with =
            |rest: &str| format!(r#"{{"Statement":{{"Effect":"Allow","Principal":"*",{rest}}}}}"#);
        assert!(parse(&with(r#""Action":"sts:AssumeRole""#), Use::Trust).is_ok());
        assert_eq!(
            fault(
                &with(r#""Action":"sts:AssumeRole","Resource":"*""#),
                Use::Trust
            ),
            "Has prohibited field Resource"
        );
        assert_eq!(
            fault(&with(r#""Action":"sns:Publish""#), Use::Trust),
            "AssumeRole policy may only specify STS AssumeRole actions."
        );
    }

    #[test]
    fn an_identity_policy_names_no_principal() {
        assert_eq!(
            fault(
                r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#,
                Use::Identity
            ),
            "Policy document should not specify a principal."
        );
    }

    #[test]
    fn statement_ids_are_unique_and_alphanumeric_in_iam() {
        let with = |a: &str, b: &str| {
            let one = |sid: &str| {
                format!(r#"{{"Sid":"{sid}","Effect":"Allow","Action":"*","Resource":"*"}}"#)
            };
            format!(r#"{{"Statement":[{},{}]}}"#, one(a), one(b))
        };
        assert!(parse(&with("A", "B"), Use::Identity).is_ok());
        assert!(fault(&with("A", "A"), Use::Identity).contains("must be unique"));
        assert!(fault(&with("A-1", "B"), Use::Identity).contains("alpha-numeric"));
    }

    #[test]
    fn text_that_is_not_json_is_named_so() {
        assert_eq!(
            fault("{", Use::Identity),
            "This policy contains invalid Json"
        );
        assert_eq!(fault("{}", Use::Identity), SYNTAX);
        assert_eq!(
            fault(r#"{"Version":"2020-01-01"}"#, Use::Identity),
            "The policy must contain a valid version string"
        );
    }

    #[test]
    fn a_condition_has_known_operators_and_prefixed_keys() {
        let with = |condition: &str| {
            format!(
                r#"{{"Statement":{{"Effect":"Allow","Action":"a:B","Resource":"*","Condition":{condition}}}}}"#
            )
        };
        for good in [
            r#"{"ForAnyValue:StringLikeIfExists":{"aws:x":["a"]}}"#,
            r#"{"Bool":{"aws:SecureTransport":true}}"#,
        ] {
            assert!(parse(&with(good), Use::Identity).is_ok(), "{good}");
        }
        assert!(fault(&with(r#"{"Likes":{"aws:x":"a"}}"#), Use::Identity).contains("Likes"));
        assert_eq!(fault(&with(r#"{"Bool":{"x":"a"}}"#), Use::Identity), VENDOR);
    }
}
