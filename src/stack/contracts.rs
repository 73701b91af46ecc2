//! `[contracts.NAME]`: what another stack offers, by the file that it exported.

use std::collections::BTreeMap;

use crate::model::{AccountId, Arn, KindName, Partition, Region};

use super::checker::{Checker, Declared, texts};
use super::contract::{Contract, ContractApi, ContractTopic, Invited, Leave, Offered, target};
use super::diagnostic::{Code, Diagnostic, Span};
use super::fields::{Fields, Item};
use super::shape::{Field, Kind, Shape};
use super::syntax::{Spanned, Table, Value};
use super::{Principal, Source, Via, names, principals, routes, sealed};

pub(super) const CONTRACT: Shape = Shape {
    noun: "contract",
    doc: "What another stack offers: a file that its `provision export` wrote. An `[[access]]` to `\"contracts.NAME.apis.…\"` and a `subscribe` to `\"contracts.NAME.topics.…\"` claim from it; how they get in is the owner's choice, and stands in the file.",
    fields: &[
        Field::new("file", Kind::Text, "The contract's file.")
            .required()
            .alias(&["path", "from"]),
        Field::new(
            "stack",
            Kind::Text,
            "The owner's stack: a contract of another one is refused.",
        ),
        Field::new(
            "account",
            Kind::Text,
            "The owner's account id: a contract that speaks of another account is refused.",
        ),
        Field::new(
            "region",
            Kind::Text,
            "The owner's region: a contract that speaks of another region is refused.",
        ),
    ],
    one_of: &[],
};

const HEAD: Shape = Shape {
    noun: "contract",
    doc: "The head of a contract.",
    fields: &[
        Field::new("version", Kind::Whole(1, 1), "").required(),
        Field::new("stack", Kind::Text, "").required(),
        Field::new("exported", Kind::Text, "").required(),
        Field::new("digest", Kind::Text, "").required(),
    ],
    one_of: &[],
};

const API: Shape = Shape {
    noun: "api of a contract",
    doc: "An API of a contract.",
    fields: &[
        Field::new("account", Kind::Text, "").required(),
        Field::new("region", Kind::Text, "").required(),
        Field::new("stage", Kind::Text, "").required(),
        Field::new("id", Kind::Text, ""),
        Field::new("pending", Kind::Flag, "").default("false"),
    ],
    one_of: &[],
};

const TOPIC: Shape = Shape {
    noun: "topic of a contract",
    doc: "A topic of a contract.",
    fields: &[
        Field::new("arn", Kind::Text, "").required(),
        Field::new("pending", Kind::Flag, "").default("false"),
        Field::new("kms_key", Kind::Text, ""),
    ],
    one_of: &[],
};

const MANY: Shape = Shape {
    noun: "many",
    doc: "Whom a contract's offer is for.",
    fields: &[
        Field::new("account", Kind::Text, "").required(),
        Field::new("role_prefix", Kind::Text, ""),
    ],
    one_of: &[],
};

const OFFERED: Shape = Shape {
    noun: "offer of a contract",
    doc: "An offer of a contract.",
    fields: &[
        Field::new("to", Kind::Text, "").required(),
        Field::new("allow", Kind::List(&Kind::Text), "").required(),
        Field::new("for", Kind::Either(&[Kind::Text, Kind::Table(&MANY)]), "").required(),
        Field::new("via", Kind::OneOf(&["resource-policy", "assume-role"]), "").required(),
        Field::new("role", Kind::Text, ""),
        Field::new("external_id", Kind::Text, ""),
    ],
    one_of: &[],
};

const FILE: Shape = Shape {
    noun: "contract",
    doc: "A contract.",
    fields: &[
        Field::new("contract", Kind::Table(&HEAD), "").required(),
        Field::new("apis", Kind::Named(&API), ""),
        Field::new("topics", Kind::Named(&TOPIC), ""),
        Field::new("offers", Kind::List(&Kind::Table(&OFFERED)), ""),
    ],
    one_of: &[],
};

/// How a contract is had anew.
const AGAIN: &str = "have its owner run `provision export` and give you the file again";

/// The paths of files that the stack names and that hold words of their own: contracts and claims.
fn files_named(tree: &Table) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::Text(it) => vec![it.clone()],
        Value::List(items) => items
            .iter()
            .filter_map(|it| match &it.value {
                Value::Text(it) => Some(it.clone()),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    let mut found = Vec::new();
    for entry in tree
        .get("contracts")
        .and_then(|it| it.table())
        .into_iter()
        .flat_map(|it| &it.entries)
    {
        let file = entry.table().and_then(|it| it.get("file"));
        found.extend(file.into_iter().flat_map(|it| text(&it.node.value)));
    }
    let claims = tree
        .get("stack")
        .and_then(|it| it.table())
        .and_then(|it| it.get("claims"));
    found.extend(claims.into_iter().flat_map(|it| text(&it.node.value)));
    found
}

/// Reads the files that have words of their own, so that a fault can point at them.
pub(super) fn read_beside(
    sources: &mut Vec<Source>,
    tree: &Table,
    files: &dyn Fn(&str) -> Result<String, String>,
) -> BTreeMap<String, Result<usize, String>> {
    let folder = match sources.first().and_then(|it| it.name.rsplit_once('/')) {
        Some((folder, _)) => format!("{folder}/"),
        None => String::new(),
    };
    let mut found = BTreeMap::new();
    for path in files_named(tree) {
        if found.contains_key(&path) {
            continue;
        }
        let read = files(&path).map(|text| {
            let name = if path.starts_with('/') {
                path.clone()
            } else {
                format!("{folder}{path}")
            };
            sources.push(Source { name, text });
            sources.len() - 1
        });
        found.insert(path, read);
    }
    found
}

impl Checker<'_> {
    /// The place of a contract or claims file among the sources, when it can be read.
    pub(super) fn beside(&mut self, path: Spanned<&str>, who: &str, help: &str) -> Option<usize> {
        let error = match self.beside.get(path.value)? {
            Ok(file) => return Some(*file),
            Err(error) => error.clone(),
        };
        self.report(
            Diagnostic::new(
                Code::File,
                path.span,
                format!("cannot read `{}`, which {who} names", path.value),
                error,
            )
            .help(format!(
                "the path is seen from the stack's own folder; if the file is not there yet, {help}"
            )),
        );
        None
    }
}

/// The contracts that have no fault.
pub(super) fn contracts(
    checker: &mut Checker<'_>,
    declared: &[Declared<'_>],
) -> BTreeMap<String, Contract> {
    let mut found = BTreeMap::new();
    for it in declared {
        let Some(path) = it.fields.text("file") else {
            continue;
        };
        let Some(file) = checker.beside(path, &it.fields.owner, AGAIN) else {
            continue;
        };
        if let Some(contract) = read(checker, file, path.span)
            && agrees(checker, it.fields, &contract, file)
        {
            found.insert(it.name.to_owned(), contract);
        }
    }
    found
}

/// A contract, or every reason why it cannot be believed.
fn read(checker: &mut Checker<'_>, file: usize, named: Span) -> Option<Contract> {
    let sources = checker.sources;
    let root = match sealed::open(sources, file, "contract", "a contract", named, AGAIN) {
        Ok(root) => root,
        Err(faults) => {
            checker.faults.extend(faults);
            return None;
        }
    };
    let before = checker.faults.len();
    let span = Span::new(file, 0..0);
    let fields = FILE.read("this contract", span, &root, &mut checker.faults);
    let contract = contract(checker, &fields);
    if checker.faults.len() > before {
        return None;
    }
    contract
}

fn unreadable(checker: &mut Checker<'_>, span: Span, what: &str) {
    checker.report(
        Diagnostic::new(
            Code::Contract,
            span,
            format!("this contract says what is not {what}"),
            "cannot be used",
        )
        .help(AGAIN),
    );
}

/// What a text of a contract stands for.
fn parsed<T>(
    checker: &mut Checker<'_>,
    fields: &Fields,
    field: &str,
    what: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let text = fields.text(field)?;
    let found = parse(text.value);
    if found.is_none() {
        unreadable(checker, text.span, what);
    }
    found
}

/// Reads what a contract says. Each part becomes a statement of the consumer's own roles, so it names one thing
/// exactly, and that of the owner: a pattern, or what belongs to another account, is refused where it stands.
fn contract(checker: &mut Checker<'_>, fields: &Fields) -> Option<Contract> {
    let head = fields.fields("contract")?;
    let name = |rule: &'static names::Rule| {
        move |it: &str| rule.refuses(it).is_none().then(|| it.to_owned())
    };
    let stack = parsed(
        checker,
        head,
        "stack",
        "a stack's name",
        name(&names::STACK),
    )?;
    let mut apis = BTreeMap::new();
    for (key, item) in fields.map("apis") {
        let Some(api) = item.fields() else { continue };
        check_key(checker, key);
        let account = parsed(checker, api, "account", "an account id", AccountId::parse);
        let region = parsed(checker, api, "region", "a region", Region::parse);
        let stage = parsed(checker, api, "stage", "a stage's name", name(&names::STAGE));
        let id = parsed(checker, api, "id", "a REST API's id", name(&names::API_ID));
        if let (Some(account), Some(region), Some(stage)) = (account, region, stage) {
            let api = ContractApi {
                account,
                region,
                stage,
                id,
            };
            apis.insert(key.value.clone(), api);
        }
    }
    let mut topics = BTreeMap::new();
    for (key, item) in fields.map("topics") {
        let Some(topic) = item.fields() else { continue };
        check_key(checker, key);
        let Some(arn) = parsed(checker, topic, "arn", "a topic's ARN", topic_arn) else {
            continue;
        };
        let kms_key = parsed(
            checker,
            topic,
            "kms_key",
            "a KMS key of the topic's account and region",
            |it| key_of(it, &arn),
        );
        let topic = ContractTopic {
            pending: topic.flag("pending"),
            kms_key,
            arn,
        };
        topics.insert(key.value.clone(), topic);
    }
    let mut found = Contract {
        stack,
        stack_digest: head.text_or_empty("exported"),
        digest: head.text_or_empty("digest"),
        apis,
        topics,
        offers: Vec::new(),
    };
    for item in fields.list("offers") {
        if let Some(it) = item.fields() {
            let more = offers(checker, it, &found);
            found.offers.extend(more);
        }
    }
    Some(found)
}

/// Refuses a name that no table of a stack has.
fn check_key(checker: &mut Checker<'_>, key: &Spanned<String>) {
    if names::KEY.refuses(&key.value).is_some() {
        unreadable(checker, key.span, "the name of a resource");
    }
}

/// One topic, in a region of its partition.
fn topic_arn(text: &str) -> Option<Arn> {
    let arn = Arn::parse(text).ok()?;
    let name = arn
        .resource()
        .strip_suffix(".fifo")
        .unwrap_or(arn.resource());
    let partition = Region::parse(arn.region())?.partition();
    (arn.service() == "sns"
        && arn.account_id().is_some()
        && arn.partition() == partition.as_str()
        && names::TOPIC.refuses(name).is_none())
    .then_some(arn)
}

/// One key, or one alias, beside this topic.
fn key_of(text: &str, topic: &Arn) -> Option<Arn> {
    let arn = Arn::parse(text).ok()?;
    let beside = |it: &Arn| {
        let (partition, region) = (it.partition().to_owned(), it.region().to_owned());
        (partition, region, it.account().to_owned())
    };
    let resource = arn.resource();
    let (is_alias, name) = match resource.strip_prefix("key/") {
        Some(id) => (false, id),
        None => (true, resource.strip_prefix("alias/")?),
    };
    let is_exact = !name.is_empty()
        && name
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || "-_".contains(it) || is_alias && it == '/');
    (arn.service() == "kms" && beside(&arn) == beside(topic) && is_exact).then_some(arn)
}

/// One role, of any account.
fn role_arn(text: &str) -> Option<Arn> {
    let arn = Arn::parse(text).ok()?;
    let (path, name) = arn.resource().strip_prefix("role")?.rsplit_once('/')?;
    let path_holds = |it: char| it.is_ascii_graphic() && !"*?$".contains(it);
    (arn.service() == "iam"
        && arn.region().is_empty()
        && arn.account_id().is_some()
        && names::ROLE.refuses(name).is_none()
        && (path.is_empty() || path.starts_with('/'))
        && path.chars().all(path_holds))
    .then_some(arn)
}

fn offers(checker: &mut Checker<'_>, fields: &Fields, contract: &Contract) -> Vec<Offered> {
    let to = parsed(checker, fields, "to", "an api or a topic of it", |it| {
        target(it).filter(|it| match it.kind {
            KindName::RestApi => contract.apis.contains_key(&it.name),
            _ => contract.topics.contains_key(&it.name),
        })
    });
    let whom = whom(checker, fields);
    let external_id = parsed(checker, fields, "external_id", "an external id", |it| {
        names::EXTERNAL_ID
            .refuses(it)
            .is_none()
            .then(|| it.to_owned())
    });
    let mut routes = Vec::new();
    let mut leaves = Vec::new();
    for text in texts(fields.list("allow")) {
        match text.value {
            "publish" => leaves.push(Leave::Publish),
            "subscribe" => leaves.push(Leave::Subscribe),
            other => match routes::pattern(other) {
                Ok(route) => routes.push(route),
                Err(_) => unreadable(checker, text.span, "a route"),
            },
        }
    }
    if !routes.is_empty() {
        leaves.push(Leave::Call(routes));
    }
    let (Some(to), Some(to_whom)) = (to, whom) else {
        return Vec::new();
    };
    let (account, partition) = if to.kind == KindName::RestApi {
        let api = &contract.apis[&to.name];
        (api.account.to_string(), api.region.partition())
    } else {
        let arn = &contract.topics[&to.name].arn;
        (arn.account().to_owned(), Partition::of_region(arn.region()))
    };
    let role = parsed(
        checker,
        fields,
        "role",
        &format!("one role of account {account}, whose `{to}` it is for"),
        |it| {
            role_arn(it)
                .filter(|it| it.account() == account && it.partition() == partition.as_str())
        },
    );
    let offered = |leave| Offered {
        to: to.clone(),
        leave,
        to_whom: to_whom.clone(),
        via: match fields.text_or_default("via") {
            "assume-role" => Via::AssumeRole,
            _ => Via::ResourcePolicy,
        },
        role: role.clone(),
        external_id: external_id.clone(),
    };
    leaves.into_iter().map(offered).collect()
}

fn whom(checker: &mut Checker<'_>, fields: &Fields) -> Option<Invited> {
    let item = fields.get("for")?;
    let found = match &item.value {
        Item::Text(text) if text == "anyone" => Some(Invited::Anyone),
        Item::Text(text) => role_arn(text)
            .map(|it| Invited::Principal(Principal::Named(it)))
            .or_else(|| queue_arn(text).map(Invited::Queue)),
        Item::Fields(many) => {
            let account = many
                .text("account")
                .and_then(|it| AccountId::parse(it.value));
            match (account, many.text("role_prefix")) {
                (Some(account), Some(prefix)) => {
                    return principals::role_prefix(checker, account, prefix)
                        .map(Invited::Principal);
                }
                (Some(account), None) => Some(Invited::Principal(Principal::Account(account))),
                (None, _) => None,
            }
        }
        _ => None,
    };
    if found.is_none() {
        unreadable(checker, item.span, "a consumer");
    }
    found
}

/// One queue.
fn queue_arn(text: &str) -> Option<Arn> {
    let arn = Arn::parse(text).ok()?;
    let name = arn
        .resource()
        .strip_suffix(".fifo")
        .unwrap_or(arn.resource());
    (arn.service() == "sqs" && arn.account_id().is_some() && names::QUEUE.refuses(name).is_none())
        .then_some(arn)
}

/// Whether a contract is the one that the stack speaks of: of this stack, account and region.
fn agrees(checker: &mut Checker<'_>, fields: &Fields, contract: &Contract, file: usize) -> bool {
    let accounts = contract
        .apis
        .values()
        .map(|it| it.account.to_string())
        .chain(
            contract
                .topics
                .values()
                .map(|it| it.arn.account().to_owned()),
        );
    let regions = contract
        .apis
        .values()
        .map(|it| it.region.to_string())
        .chain(
            contract
                .topics
                .values()
                .map(|it| it.arn.region().to_owned()),
        );
    let accounts: Vec<String> = accounts.collect();
    if !fields.is_written("account")
        && let Some(own) = checker
            .accounts
            .values()
            .find(|it| accounts.iter().any(|id| id == it.place.id.as_str()))
    {
        let id = own.place.id.clone();
        let at = place_of(checker, file, id.as_str());
        checker.report(
            Diagnostic::new(
                Code::Contract,
                fields.key,
                format!(
                    "{} is of account {id}, which is an account of this stack",
                    fields.owner
                ),
                "does not say whose account it is",
            )
            .and(at, "the contract says so")
            .help(format!(
                "roles of this stack would get what is in an account of its own: if its owner is in that account, say so \
                 with `account = \"{id}\"`"
            )),
        );
        return false;
    }
    let told: [(&str, &str, Vec<String>); 3] = [
        ("stack", "stack", vec![contract.stack.clone()]),
        ("account", "account", accounts),
        ("region", "region", regions.collect()),
    ];
    let mut right = true;
    for (field, noun, found) in told {
        let Some(text) = fields.text(field) else {
            continue;
        };
        let Some(other) = found.iter().find(|it| *it != text.value) else {
            continue;
        };
        let at = place_of(checker, file, other);
        right = false;
        checker.report(
            Diagnostic::new(
                Code::Contract,
                text.span,
                format!(
                    "{} is for {noun} `{}`, and the file is of {noun} `{other}`",
                    fields.owner, text.value
                ),
                "wanted here",
            )
            .and(at, "the contract says so")
            .help(format!(
                "name the file that {noun} `{}` exported",
                text.value
            )),
        );
    }
    right
}

/// Where a contract says something, for a label.
fn place_of(checker: &Checker<'_>, file: usize, word: &str) -> Span {
    let text = checker.sources.get(file).map_or("", |it| it.text.as_str());
    // What the comment at its head says is no more than a comment.
    let body = text.find("\n[contract]").unwrap_or(0);
    let start = text[body..].find(word).map_or(0, |it| it + body);
    Span::new(file, start..start + word.len())
}

/// What the stack names with its place, when it names it so: `contracts.NAME.TARGET`.
pub(super) fn split(text: Spanned<&str>) -> Option<(&str, &str)> {
    text.value.strip_prefix("contracts.")?.split_once('.')
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::super::sealed::seal;
    use super::super::{Source, check};

    const CONTRACT: &str = r#"
[contract]
version   = 1
stack     = "orders"
exported  = "c3175f1f8ca6a96c"
digest    = ""

[apis.orders]
account = "333333333333"
region  = "eu-west-1"
stage   = "live"
id      = "boujifs4mp"

[topics.events]
arn     = "arn:aws:sns:eu-west-1:333333333333:events"
kms_key = "arn:aws:kms:eu-west-1:333333333333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

[[offers]]
to          = "apis.orders"
allow       = ["GET /orders/{id}"]
for         = "arn:aws:iam::222222222222:role/provision/billing/worker"
via         = "assume-role"
role        = "arn:aws:iam::333333333333:role/provision/orders/orders-for-worker"
external_id = "billing-1"

[[offers]]
to    = "topics.events"
allow = ["publish"]
for   = { account = "222222222222", role_prefix = "provision/billing/" }
via   = "resource-policy"
"#;

    /// What is said of a consumer of account 222222222222 that names a contract which was changed so and sealed again.
    fn of_contract(change: (&str, &str), pinned: &str) -> String {
        assert!(CONTRACT.contains(change.0), "{change:?}");
        of_text(&CONTRACT.replacen(change.0, change.1, 1), pinned)
    }

    fn of_text(contract: &str, pinned: &str) -> String {
        let contract = seal(contract, "contract");
        let text = format!(
            "[stack]\nname = \"billing\"\nregion = \"eu-west-1\"\n[accounts.billing]\nid = \"222222222222\"\n\
             [contracts.orders]\nfile = \"orders.toml\"\n{pinned}[roles.worker]\ntrusted_by = \"ec2.amazonaws.com\"\n"
        );
        let source = Source {
            name: "billing.toml".to_owned(),
            text,
        };
        match check(&source, &[], &|_| Ok(contract.clone())) {
            Ok(_) => "no fault\n".to_owned(),
            Err(faults) => faults.iter().fold(String::new(), |mut text, it| {
                let _ = writeln!(text, "{}: {}", it.code.as_str(), it.message);
                text
            }),
        }
    }

    #[test]
    fn a_contract_speaks_of_single_things_of_its_owner() {
        assert_eq!(of_contract(("GET", "GET"), ""), "no fault\n");
        let role = "role/provision/orders/orders-for-worker";
        let topic = "arn:aws:sns:eu-west-1:333333333333:events";
        let key = "333333333333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        for (change, what) in [
            // A role of another account, of another partition, a pattern, no role at all.
            (
                ("333333333333:role", "222222222222:role"),
                "one role of account 333333333333, whose `apis.orders` it is for",
            ),
            (
                ("arn:aws:iam::333333333333", "arn:aws-cn:iam::333333333333"),
                "one role of account",
            ),
            (
                ("arn:aws:iam::333333333333:role", "arn:aws:iam::*:role"),
                "one role of account",
            ),
            ((role, "role/provision/*"), "one role of account"),
            ((role, "role/*/orders"), "one role of account"),
            (
                (role, "role/provision/orders-${aws:username}"),
                "one role of account",
            ),
            ((role, "root"), "one role of account"),
            ((role, "user/admin"), "one role of account"),
            // An API that is every API, or a path into another one's ARN.
            (("\"boujifs4mp\"", "\"*\""), "a REST API's id"),
            (("\"boujifs4mp\"", "\"boujifs4m?\""), "a REST API's id"),
            (("\"boujifs4mp\"", "\"a/live/GET\""), "a REST API's id"),
            (("\"live\"", "\"*\""), "a stage's name"),
            (("\"live\"", "\"live/GET\""), "a stage's name"),
            (("\"333333333333\"", "\"*\""), "an account id"),
            (("\"eu-west-1\"", "\"*\""), "a region"),
            // A topic of every name, of another partition than its region's, without an account.
            (
                (topic, "arn:aws:sns:eu-west-1:333333333333:*"),
                "a topic's ARN",
            ),
            (
                (topic, "arn:aws:sns:*:333333333333:events"),
                "a topic's ARN",
            ),
            ((topic, "arn:aws:sns:eu-west-1:*:events"), "a topic's ARN"),
            (
                (topic, "arn:*:sns:eu-west-1:333333333333:events"),
                "a topic's ARN",
            ),
            (
                (topic, "arn:aws:sns:cn-north-1:333333333333:events"),
                "a topic's ARN",
            ),
            (
                (topic, "arn:aws:sqs:eu-west-1:333333333333:events"),
                "a topic's ARN",
            ),
            // A key of another account or region, every key, and what is no key.
            (
                (key, "222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
                "a KMS key of the topic's account",
            ),
            (
                (key, "333333333333:key/*"),
                "a KMS key of the topic's account",
            ),
            (
                (key, "333333333333:alias/*"),
                "a KMS key of the topic's account",
            ),
            ((key, "333333333333:*"), "a KMS key of the topic's account"),
            (
                ("kms:eu-west-1", "kms:us-east-1"),
                "a KMS key of the topic's account",
            ),
            // What ends a text somewhere else.
            (("\"billing-1\"", "\"a\\nb\""), "an external id"),
            (("\"billing-1\"", "\"*\""), "an external id"),
            (
                ("\"orders\"\n", "\"orders\\n[[access]]\"\n"),
                "a stack's name",
            ),
            (
                ("[apis.orders]", "[apis.\"a\\nb\"]"),
                "the name of a resource",
            ),
            // For whom it is, and of what.
            (
                (
                    "222222222222:role/provision/billing/worker",
                    "*:role/worker",
                ),
                "a consumer",
            ),
            (
                (
                    "222222222222:role/provision/billing/worker",
                    "222222222222:role/*",
                ),
                "a consumer",
            ),
            (
                (
                    "222222222222:role/provision/billing/worker",
                    "222222222222:user/x",
                ),
                "a consumer",
            ),
            (
                ("\"topics.events\"", "\"topics.others\""),
                "an api or a topic of it",
            ),
        ] {
            let told = of_contract(change, "");
            let expected = format!("E0402: this contract says what is not {what}");
            assert!(told.contains(&expected), "{change:?}: {told}");
        }
        let told = of_contract(("provision/billing/\" }", "pro*vision\" }"), "");
        assert!(
            told.contains("no role's path and name begin with"),
            "{told}"
        );
    }

    #[test]
    fn a_contract_of_an_account_of_the_stack_itself_is_named_so() {
        let own = CONTRACT.replace("333333333333", "222222222222");
        let told = of_text(&own, "");
        assert!(
            told.contains(
                "contract `orders` is of account 222222222222, which is an account of this stack"
            ),
            "{told}"
        );
        let told = of_text(&own, "account = \"222222222222\"\n");
        assert_eq!(told, "no fault\n");
    }
}
