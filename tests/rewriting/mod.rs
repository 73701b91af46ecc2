//! One table of the ways in which AWS gives documents back other than they were written.
//!
//! A document is rewritten on its way from the cloud, whichever cloud it is: `tests/road/` puts
//! the sandbox behind it, and `tests/access/` the SDK and the emulator. Whatever comes back, a
//! stack that was just applied is in step.

use std::cell::Cell;

use futures::future::LocalBoxFuture;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use provision::cloud::iam::AccountDetail;
use provision::cloud::{Answer, CallError, Cloud, Request};
use provision::lower::Desired;
use provision::model::Place;
use serde_json::{Map, Value, json};

use crate::world::{text_of, wanted};

/// A kind of document that AWS keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Inline,
    Trust,
    Topic,
    Queue,
    Api,
}
use Kept::{Api, Inline, Queue, Topic, Trust};

const EVERY: &[Kept] = &[Inline, Trust, Topic, Queue, Api];

/// How a document is changed: what it says, or only its text.
#[derive(Clone, Copy)]
enum How {
    Value(fn(&mut Value)),
    Text(fn(Kept, &str) -> String),
}
use How::{Text, Value as Says};

/// A way of giving a document back, and the kinds that it is tried on.
pub(crate) struct Rewriting {
    pub(crate) name: &'static str,
    pub(crate) of: &'static [Kept],
    how: How,
}

macro_rules! row {
    ($name:literal, $of:expr, $how:expr) => {
        Rewriting {
            name: $name,
            of: $of,
            how: $how,
        }
    };
}

/// Every rewriting, on every kind of document that has something for it to rewrite.
///
/// Both clouds escape an API's policy as AWS does, so that is not here.
/// Our own documents have scalars where there is one value, and every statement of ours has a
/// name: so lists of one are what may come back, and empty or numbered names are not.
#[rustfmt::skip]
pub(crate) const TABLE: &[Rewriting] = &[
    row!("one statement without a list", &[Inline, Trust, Queue], Says(|it| {
        if let Some([one]) = it["Statement"].as_array().map(Vec::as_slice) {
            it["Statement"] = one.clone();
        }
    })),
    row!("a list of one for a scalar", EVERY, Says(|it| on_values(it, &|it| {
        if it.is_string() {
            *it = json!([it.take()]);
        }
    }))),
    row!("statements in another order", &[Inline, Topic, Api], Says(|it| {
        it["Statement"].as_array_mut().expect("a list").reverse();
    })),
    row!("values in another order", &[Inline, Topic, Api], Says(|it| on_values(it, &|it| {
        if let Some(list) = it.as_array_mut() {
            list.reverse();
        }
    }))),
    row!("a value twice", EVERY, Says(|it| on_values(it, &|it| {
        let first = it.as_array().map_or_else(|| it.clone(), |it| it[0].clone());
        match it.as_array_mut() {
            Some(list) => list.push(first),
            None => *it = json!([first, first]),
        }
    }))),
    row!("an account's id for its root", &[Trust, Topic, Api], Says(|it| on_principals(it, &|it| {
        let id = it.strip_prefix("arn:aws:iam::").and_then(|it| it.strip_suffix(":root"));
        id.map(str::to_owned)
    }))),
    row!("an account's root for its id", &[Trust, Topic, Api], Says(|it| {
        // Ours are written as roots: there and back, for either may be what is stored.
        on_principals(it, &|it| Some(it.replace(":root", "").replace("arn:aws:iam::", "")).filter(|it| it.len() == 12));
        on_principals(it, &|it| (it.len() == 12).then(|| format!("arn:aws:iam::{it}:root")));
        it["Id"] = json!("given");
    })),
    row!("everyone in two ways", &[Api], Says(|it| on_statements(it, &|it| {
        if it.get("Principal") == Some(&json!("*")) {
            it.insert("Principal".to_owned(), json!({"AWS": "*"}));
        } else if it.get("Principal") == Some(&json!({"AWS": "*"})) {
            it.insert("Principal".to_owned(), json!("*"));
        }
    }))),
    row!("an API's resources in short", &[Api], Says(|it| on_field(it, "Resource", &|it| {
        let path = it.split(':').nth(5).and_then(|it| it.split_once('/'));
        path.map(|(_, path)| format!("execute-api:/{path}"))
    }))),
    row!("actions in small letters", EVERY, Says(|it| on_field(it, "Action", &|it| Some(it.to_lowercase())))),
    row!("the service of an action in capitals", EVERY, Says(|it| on_field(it, "Action", &|it| {
        it.split_once(':').map(|(service, action)| format!("{}:{action}", service.to_uppercase()))
    }))),
    row!("operators in small letters", &[Trust, Topic, Queue, Api], Says(|it| on_keys(it, &str::to_lowercase, &str::to_owned))),
    row!("condition keys in small letters", &[Trust, Topic, Queue, Api], Says(|it| on_keys(it, &str::to_owned, &str::to_lowercase))),
    row!("condition keys of AWS in capitals", &[Trust, Topic, Queue, Api], Says(|it| on_keys(it, &str::to_owned, &|it| it.replace("aws:", "AWS:")))),
    row!("one name of an ARN's test for the other", &[Trust, Topic, Queue, Api], Says(|it| on_keys(it, &|it| match it {
        "ArnLike" => "ArnEquals".to_owned(),
        "ArnEquals" => "ArnLike".to_owned(),
        it => it.to_owned(),
    }, &str::to_owned))),
    row!("an id of the document", EVERY, Says(|it| it["Id"] = json!("__default_policy_ID"))),
    row!("an empty condition", &[Inline, Trust, Topic, Api], Says(|it| on_statements(it, &|it| {
        it.entry("Condition").or_insert_with(|| json!({}));
    }))),
    row!("spaces and lines", EVERY, Text(|kept, it| encoded(kept, &format!("{:#}", parsed(it))))),
    row!("keys in another order", EVERY, Text(|kept, it| encoded(kept, &backwards(&parsed(it))))),
    row!("characters as numbers", EVERY, Text(|kept, it| encoded(kept, &it.replace(":aws:", ":\\u0061ws:")))),
    row!("every character encoded", &[Inline, Trust], Text(|_, it| {
        it.bytes().map(|it| format!("%{it:02x}")).collect()
    })),
    row!("only what must be is encoded", &[Inline, Trust], Text(|_, it| it.replace('%', "%25"))),
    row!("quotes escaped, and no slashes", &[Api], Text(|_, it| it.replace('"', "\\\""))),
    row!("not escaped", &[Api], Text(|_, it| it.to_owned())),
];

/// What is none: it must be found wherever it is done.
pub(crate) const CONTROL: Rewriting = row!(
    "another effect",
    EVERY,
    Says(|it| on_field(it, "Effect", &|_| Some("Deny".to_owned())))
);

/// Spells something in an answer in another way, and tells whether it was there.
pub(crate) type Spelling = fn(&mut Answer) -> bool;

/// What else AWS spells in another way than it was told.
#[rustfmt::skip]
pub(crate) const SPELLINGS: &[(&str, Spelling)] = &[
    ("a topic's defaults", |it| {
        let Answer::GetTopicAttributes(all) = it else { return false };
        for (name, value) in [
            ("SignatureVersion", "1"), ("TracingConfig", "PassThrough"), ("SubscriptionsDeleted", "7"),
            ("EffectiveDeliveryPolicy", r#"{"http":{"disableSubscriptionOverrides":false}}"#),
        ] {
            all.insert(name.to_owned(), value.to_owned());
        }
        true
    }),
    ("how often a message is received, as a text", |it| respelled(it, "RedrivePolicy", |it| {
        it["maxReceiveCount"] = json!(it["maxReceiveCount"].to_string().trim_matches('"'));
        it.to_string()
    })),
    ("how often a message is received, as a number", |it| respelled(it, "RedrivePolicy", |it| {
        let count: u64 = it["maxReceiveCount"].to_string().trim_matches('"').parse().expect("a number");
        it["maxReceiveCount"] = json!(count);
        backwards(it)
    })),
    ("a filter with spaces", |it| respelled(it, "FilterPolicy", |it| format!("{it:#}"))),
    ("a filter's scope", |it| {
        let Answer::GetSubscriptionAttributes(all) = it else { return false };
        all.insert("FilterPolicyScope".to_owned(), "MessageAttributes".to_owned());
        true
    }),
];

/// Rewrites an attribute that is JSON.
fn respelled(answer: &mut Answer, name: &str, change: impl Fn(&mut Value) -> String) -> bool {
    let (Answer::GetQueueAttributes(all) | Answer::GetSubscriptionAttributes(all)) = answer else {
        return false;
    };
    let Some(text) = all.get_mut(name) else {
        return false;
    };
    *text = change(&mut parsed(text));
    true
}

// ---- what is changed

fn on_statements(document: &mut Value, change: &dyn Fn(&mut Map<String, Value>)) {
    for it in document["Statement"].as_array_mut().expect("a list") {
        change(it.as_object_mut().expect("a statement"));
    }
}

/// Everything that may be a scalar or a list.
fn on_values(document: &mut Value, change: &dyn Fn(&mut Value)) {
    on_statements(document, &|it| {
        for (name, value) in it {
            match (name.as_str(), value.as_object_mut()) {
                ("Action" | "Resource", _) => change(value),
                ("Principal", Some(types)) => types.values_mut().for_each(change),
                ("Condition", Some(operators)) => {
                    let keys = operators.values_mut().filter_map(Value::as_object_mut);
                    keys.flat_map(Map::values_mut).for_each(change);
                }
                _ => {}
            }
        }
    });
}

fn each(value: &mut Value, change: &dyn Fn(&str) -> Option<String>) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|it| each(it, change)),
        Value::String(text) => {
            if let Some(changed) = change(text) {
                *text = changed;
            }
        }
        _ => {}
    }
}

fn on_field(document: &mut Value, field: &str, change: &dyn Fn(&str) -> Option<String>) {
    on_statements(document, &|it| {
        if let Some(value) = it.get_mut(field) {
            each(value, change);
        }
    });
}

fn on_principals(document: &mut Value, change: &dyn Fn(&str) -> Option<String>) {
    on_statements(document, &|it| {
        if let Some(value) = it.get_mut("Principal").and_then(|it| it.get_mut("AWS")) {
            each(value, change);
        }
    });
}

/// The operators and the keys of conditions.
fn on_keys(document: &mut Value, operator: &dyn Fn(&str) -> String, key: &dyn Fn(&str) -> String) {
    on_statements(document, &|it| {
        if let Some(Value::Object(operators)) = it.get_mut("Condition") {
            *operators = std::mem::take(operators)
                .into_iter()
                .map(|(name, keys)| {
                    let keys = keys.as_object().expect("keys").iter();
                    let keys: Map<_, _> = keys.map(|(name, it)| (key(name), it.clone())).collect();
                    (operator(&name), Value::Object(keys))
                })
                .collect();
        }
    });
}

/// The same value with the keys of every object from the last to the first.
fn backwards(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().rev();
            let fields: Vec<String> = fields
                .map(|(name, it)| format!("{}:{}", json!(name), backwards(it)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(list) => {
            let list: Vec<String> = list.iter().map(backwards).collect();
            format!("[{}]", list.join(","))
        }
        it => it.to_string(),
    }
}

// ---- how it is written

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// The text as the service that keeps it gives it.
fn encoded(kept: Kept, text: &str) -> String {
    match kept {
        Inline | Trust => utf8_percent_encode(text, NON_ALPHANUMERIC).to_string(),
        Topic | Queue => text.to_owned(),
        Api => {
            let quoted = json!(text).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        }
    }
}

fn decoded(kept: Kept, text: &str) -> String {
    match kept {
        Inline | Trust => percent_decode_str(text)
            .decode_utf8()
            .expect("UTF-8")
            .into_owned(),
        Topic | Queue => text.to_owned(),
        Api => serde_json::from_str(&format!("\"{text}\"")).expect("an escaped text"),
    }
}

// ---- where it is changed

/// A cloud that gives the documents of one kind back in another way.
pub(crate) struct Rewritten<'a> {
    inner: &'a dyn Cloud,
    kept: Kept,
    how: &'a Rewriting,
    /// How many came back other than they were.
    pub(crate) changed: Cell<usize>,
}

impl<'a> Rewritten<'a> {
    pub(crate) fn new(inner: &'a dyn Cloud, kept: Kept, how: &'a Rewriting) -> Self {
        Self {
            inner,
            kept,
            how,
            changed: Cell::new(0),
        }
    }

    fn rewrite(&self, kept: Kept, text: &mut String) {
        if kept != self.kept {
            return;
        }
        let before = decoded(kept, text);
        let after = match self.how.how {
            Says(change) => {
                let mut value = parsed(&before);
                change(&mut value);
                if value == parsed(&before) {
                    return;
                }
                encoded(kept, &value.to_string())
            }
            Text(change) => change(kept, &before),
        };
        if *text != after {
            self.changed.set(self.changed.get() + 1);
            *text = after;
        }
    }

    fn answer(&self, mut answer: Answer) -> Answer {
        match &mut answer {
            Answer::GetAccountAuthorizationDetails(page) => {
                for item in &mut page.items {
                    let AccountDetail::Role(role) = item else {
                        continue;
                    };
                    self.rewrite(Trust, &mut role.trust);
                    for text in role.inline.values_mut() {
                        self.rewrite(Inline, text);
                    }
                }
            }
            Answer::GetTopicAttributes(all) => {
                if let Some(text) = all.get_mut("Policy") {
                    self.rewrite(Topic, text);
                }
            }
            Answer::GetQueueAttributes(all) => {
                if let Some(text) = all.get_mut("Policy") {
                    self.rewrite(Queue, text);
                }
            }
            Answer::GetRestApis(page) => {
                let policies = page.items.iter_mut().filter_map(|it| it.policy.as_mut());
                policies.for_each(|it| self.rewrite(Api, it));
            }
            _ => {}
        }
        answer
    }
}

impl Cloud for Rewritten<'_> {
    fn send<'a>(
        &'a self,
        at: &'a Place,
        request: Request,
    ) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        Box::pin(async move {
            let answer = self.inner.send(at, request).await?;
            Ok(self.answer(answer))
        })
    }

    fn now(&self) -> i64 {
        self.inner.now()
    }
}

/// A cloud that spells something in another way.
pub(crate) struct Respelled<'a> {
    inner: &'a dyn Cloud,
    how: Spelling,
    /// How often it did.
    pub(crate) changed: Cell<usize>,
}

impl<'a> Respelled<'a> {
    pub(crate) fn new(inner: &'a dyn Cloud, how: Spelling) -> Self {
        Self {
            inner,
            how,
            changed: Cell::new(0),
        }
    }
}

impl Cloud for Respelled<'_> {
    fn send<'a>(
        &'a self,
        at: &'a Place,
        request: Request,
    ) -> LocalBoxFuture<'a, Result<Answer, CallError>> {
        Box::pin(async move {
            let mut answer = self.inner.send(at, request).await?;
            let changed = usize::from((self.how)(&mut answer));
            self.changed.set(self.changed.get() + changed);
            Ok(answer)
        })
    }

    fn now(&self) -> i64 {
        self.inner.now()
    }
}

/// A stack whose documents name roles, accounts, prefixes, services and everyone.
pub(crate) fn stack() -> Desired {
    let mut more = String::new();
    let froms = [
        "{ account = \"222222222222\" }",
        "{ account = \"111111111111\" }",
        "{ account = \"111111111111\", role_prefix = \"batch/\" }",
    ];
    for from in froms {
        for (to, via) in [
            (
                "apis.orders\"\nallow = [\"DELETE /orders/{id}\", \"POST /orders\"]\n#",
                "resource-policy",
            ),
            ("topics.order-events", "resource-policy"),
            ("topics.order-events", "assume-role"),
        ] {
            more += &format!("[[access]]\nfrom = {from}\nto = \"{to}\"\nvia = \"{via}\"\n");
        }
    }
    // A public route is let in by a statement for everyone.
    more += "[apis.orders.routes]\n\"GET /health\" = { mock = 200, public = true }\n";
    wanted(&[&text_of("marketplace.toml"), &more])
}
