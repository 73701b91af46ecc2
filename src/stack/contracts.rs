//! `[contracts.NAME]`: what another stack offers, by the file that it exported.

use std::collections::BTreeMap;

use crate::model::{AccountId, Arn, Region};

use super::checker::{Checker, Declared, texts};
use super::contract::{Contract, ContractApi, ContractTopic, Invited, Leave, Offered, target};
use super::diagnostic::{Code, Diagnostic, Span};
use super::fields::{Fields, Item};
use super::shape::{Field, Kind, Shape};
use super::syntax::{Spanned, Table, Value};
use super::{Principal, Source, Via, routes, sealed};

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

fn contract(checker: &mut Checker<'_>, fields: &Fields) -> Option<Contract> {
    let head = fields.fields("contract")?;
    let mut apis = BTreeMap::new();
    for (name, item) in fields.map("apis") {
        let Some(api) = item.fields() else { continue };
        let account = parsed(checker, api, "account", "an account id", AccountId::parse);
        let region = parsed(checker, api, "region", "a region", Region::parse);
        if let (Some(account), Some(region)) = (account, region) {
            let api = ContractApi {
                account,
                region,
                stage: api.text_or_empty("stage"),
                id: api.text("id").map(|it| it.value.to_owned()),
            };
            apis.insert(name.value.clone(), api);
        }
    }
    let mut topics = BTreeMap::new();
    for (name, item) in fields.map("topics") {
        let Some(topic) = item.fields() else { continue };
        let is_topic = |it: &str| {
            Arn::parse(it).ok().filter(|it| {
                it.service() == "sns"
                    && it.account_id().is_some()
                    && Region::parse(it.region()).is_some()
            })
        };
        if let Some(arn) = parsed(checker, topic, "arn", "a topic's ARN", is_topic) {
            let is_key = |it: &str| Arn::parse(it).ok().filter(|it| it.service() == "kms");
            let kms_key = topic
                .text("kms_key")
                .and_then(|_| parsed(checker, topic, "kms_key", "a KMS key's ARN", is_key));
            let topic = ContractTopic {
                pending: topic.flag("pending"),
                kms_key,
                arn,
            };
            topics.insert(name.value.clone(), topic);
        }
    }
    let mut offers = Vec::new();
    for item in fields.list("offers") {
        if let Some(it) = item.fields() {
            self::offers(checker, it, &mut offers);
        }
    }
    let known = |it: &Offered| match it.leave {
        Leave::Call(_) => apis.contains_key(&it.to.name),
        Leave::Publish | Leave::Subscribe => topics.contains_key(&it.to.name),
    };
    offers.retain(known);
    Some(Contract {
        stack: head.text_or_empty("stack"),
        stack_digest: head.text_or_empty("exported"),
        digest: head.text_or_empty("digest"),
        apis,
        topics,
        offers,
    })
}

fn offers(checker: &mut Checker<'_>, fields: &Fields, found: &mut Vec<Offered>) {
    let role_arn = |it: &str| Arn::parse(it).ok().filter(|it| it.service() == "iam");
    let to = parsed(checker, fields, "to", "an api or a topic", target);
    let role = parsed(checker, fields, "role", "a role's ARN", role_arn);
    let whom = whom(checker, fields);
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
        return;
    };
    for leave in leaves {
        found.push(Offered {
            to: to.clone(),
            leave,
            to_whom: to_whom.clone(),
            via: match fields.text_or_default("via") {
                "assume-role" => Via::AssumeRole,
                _ => Via::ResourcePolicy,
            },
            role: role.clone(),
            external_id: fields.text("external_id").map(|it| it.value.to_owned()),
        });
    }
}

fn whom(checker: &mut Checker<'_>, fields: &Fields) -> Option<Invited> {
    let item = fields.get("for")?;
    let found = match &item.value {
        Item::Text(text) if text == "anyone" => Some(Invited::Anyone),
        Item::Text(text) => Arn::parse(text).ok().and_then(|arn| match arn.service() {
            "sqs" => Some(Invited::Queue(arn)),
            "iam" => Some(Invited::Principal(Principal::Named(arn))),
            _ => None,
        }),
        Item::Fields(many) => many
            .text("account")
            .and_then(|it| AccountId::parse(it.value))
            .map(|account| {
                Invited::Principal(match many.text("role_prefix") {
                    Some(prefix) => Principal::RolePrefix {
                        account,
                        prefix: prefix.value.to_owned(),
                    },
                    None => Principal::Account(account),
                })
            }),
        _ => None,
    };
    if found.is_none() {
        unreadable(checker, item.span, "a consumer");
    }
    found
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
    let told: [(&str, &str, Vec<String>); 3] = [
        ("stack", "stack", vec![contract.stack.clone()]),
        ("account", "account", accounts.collect()),
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
