//! What a certificate states once, for all of its claims: the documents of each resource and role, the policies of the
//! organization over each account, and those of VPC endpoints.
//!
//! No step brings documents of its own. That these are the ones that AWS has, a certificate cannot tell.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Grounds;

/// Stands for documents that the certificate does not have.
pub const UNREAD: &str = "unread";

/// Keys of a request that tell where it comes from.
pub(super) const OF_NETWORK: [&str; 4] = [
    "aws:sourcevpce",
    "aws:sourcevpc",
    "aws:sourceip",
    "aws:vpcsourceip",
];

impl Grounds {
    /// Takes over what a certificate states.
    pub(super) fn state(&mut self, whole: &Value) -> Result<(), String> {
        let fields = |of: &str| {
            let fields = whole[of].as_object().into_iter().flatten();
            fields.map(|it| (it.0.clone(), it.1.clone())).collect()
        };
        self.things = fields("things");
        self.accounts = fields("accounts");
        self.endpoints = fields("endpoints");
        let mut arns = BTreeSet::new();
        let all = self.things.iter();
        let twice = all
            .filter(|it| !arns.insert(text_of(&it.1["arn"])))
            .map(|it| it.0)
            .next();
        twice.map_or(Ok(()), |it| Err(format!("{it} has the ARN of another")))
    }

    /// Returns the resource or role that a request is for.
    pub(super) fn called(&self, to: &str) -> Option<&Value> {
        self.things.values().find(|it| is_of(to, it))
    }

    /// Returns the ARN of what a request is for, which has an account.
    pub(super) fn name_of<'a>(&'a self, to: &'a str) -> &'a str {
        self.called(to).map_or(to, |it| text_of(&it["arn"]))
    }

    /// Returns the role with an ARN.
    pub(super) fn role(&self, arn: &str) -> Option<&Value> {
        let mut things = self.things.values();
        things.find(|it| it["arn"] == arn && it["identity"].is_array())
    }

    /// Returns whether a request is for something of the caller's account and says where it comes from: what lets it
    /// in may be that, and not who makes it.
    pub(super) fn is_of_network(&self, request: &Value) -> bool {
        let [asks, to] = ["principal", "resource"].map(|it| text_of(&request[it]));
        let mut keys = request["context"].as_object().into_iter().flatten();
        keys.any(|it| OF_NETWORK.contains(&it.0.to_ascii_lowercase().as_str()))
            && account_of(asks) == account_of(self.name_of(to))
    }

    /// Returns every document that bears on the request of a step, as the certificate states them: no policies of the
    /// caller's own (`null`) where it is none of the roles, and an unread policy of what is none of the resources.
    pub fn bearing(&self, step: &Value) -> Result<Map<String, Value>, String> {
        let request = &step["request"];
        let [asks, to] = ["principal", "resource"].map(|it| text_of(&request[it]));
        let owner = account_of(self.name_of(to));
        let said = &request["resourceAccount"];
        if !said.is_null() && said != owner {
            return Err("it names another account than that of what is called".to_owned());
        }
        let is_plain = step["silence"] == "plain";
        if !is_plain && step["silence"] != "anything" {
            return Err("it does not say what its silence means".to_owned());
        }
        let own = |field: &str| self.role(asks).map_or(Value::Null, |it| it[field].clone());
        let over = |account: &str, of: &str| match self.accounts.get(account) {
            Some(it) => json!(list(&it[of])),
            None => json!([]),
        };
        let policy = |it: &Value| it["policy"].clone();
        let through = &request["context"]["aws:SourceVpce"][0];
        let through = through.as_str().filter(|_| is_plain);
        Ok(Map::from_iter([
            ("identity".to_owned(), own("identity")),
            ("boundary".to_owned(), own("boundary")),
            (
                "resource".to_owned(),
                self.called(to).map_or(json!(UNREAD), policy),
            ),
            ("scps".to_owned(), over(account_of(asks), "scps")),
            ("rcps".to_owned(), over(owner, "rcps")),
            (
                "endpoint".to_owned(),
                json!(through.and_then(|it| self.endpoints.get(it))),
            ),
        ]))
    }
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Returns the account in an ARN; nothing in what is none.
pub(super) fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// Whether an ARN has fewer than its six segments.
pub(super) fn is_short(arn: &str) -> bool {
    arn.starts_with("arn:") && arn.split(':').count() < 6
}

/// Returns the names by which requests reach a thing: its ARN, and of an API also that of API Gateway's own API.
pub(super) fn names_of(thing: &Value) -> Vec<String> {
    let arn = text_of(&thing["arn"]);
    let parts: Vec<&str> = arn.split(':').collect();
    let mut names = vec![arn.to_owned()];
    if let [head, partition, "execute-api", region, _, id] = parts[..] {
        names.push(format!(
            "{head}:{partition}:apigateway:{region}::/restapis/{id}"
        ));
    }
    names
}

/// Whether a text is the ARN of a thing, or of a part of an API.
pub(super) fn is_of(text: &str, thing: &Value) -> bool {
    let names = names_of(thing);
    let is_api = names.len() > 1;
    names.iter().any(|name| {
        let rest = text.strip_prefix(name.as_str());
        rest.is_some_and(|it| it.is_empty() || is_api && it.starts_with('/'))
    })
}
