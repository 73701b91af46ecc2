//! The tree to a [`Stack`], gathering every fault.
//!
//! Three passes, so that one broken table does not make others look broken:
//! names are taken from the tree as it is written; then each resource is
//! placed (account, ARN, FIFO or not); then the rest of it is checked, with
//! everything it may refer to in view. A table that has a fault is left out of
//! the stack without a further word: the stack is not used when there is one.

use std::collections::BTreeMap;

use crate::model::{AccountId, Arn, Partition, Region, Tags};

use super::diagnostic::{Code, Diagnostic, Faults, Span, listed, nearest};
use super::shape::{Field, Fields, Item, Kind, Shape};
use super::syntax::{self, Entry, Spanned, Table, Value};
use super::{Account, Source, Stack, access, accounts, apis, names, queues, roles, topics};

/// The whole file.
pub(super) const ROOT: Shape = Shape {
    noun: "stack",
    doc: "A stack is one TOML file. Each resource is a table under its kind, and its name there is how the rest of the file speaks of it; each `[[access]]` says who may do what.",
    fields: &[
        Field::new(
            "stack",
            Kind::Table(&STACK),
            "The stack's name and what its resources share.",
        ),
        Field::new(
            "accounts",
            Kind::Named(&accounts::ACCOUNT),
            "The AWS accounts, each in one region.",
        )
        .alias(&["account"]),
        Field::new("roles", Kind::Named(&roles::ROLE), "The IAM roles.").alias(&["role"]),
        Field::new("apis", Kind::Named(&apis::API), "The REST APIs.").alias(&["api", "rest_apis"]),
        Field::new("topics", Kind::Named(&topics::TOPIC), "The SNS topics.")
            .alias(&["topic", "sns"]),
        Field::new(
            "queues",
            Kind::Named(&queues::QUEUE),
            "The SQS queues, and the topics they receive from.",
        )
        .alias(&["queue", "sqs"]),
        Field::new(
            "access",
            Kind::List(&Kind::Table(&access::ACCESS)),
            "Who may do what: one `[[access]]` each.",
        )
        .alias(&["accesses", "grants", "grant"]),
    ],
    one_of: &[],
};

/// `[stack]`.
pub(super) const STACK: Shape = Shape {
    noun: "stack",
    doc: "What the stack is called, and what all its resources share.",
    fields: &[
        Field::new(
            "name",
            Kind::Pattern("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"),
            "The stack's name: the mark on everything it owns. Renaming it makes another stack.",
        )
        .required(),
        Field::new(
            "region",
            Kind::Text,
            "The region of every account that does not say its own.",
        ),
        Field::new(
            "tags",
            Kind::Map(&Kind::Text),
            "Tags that every resource gets; a resource's own tag of the same name wins.",
        ),
    ],
    one_of: &[],
};

/// What references name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Noun {
    Account,
    Role,
    Api,
    Topic,
    Queue,
}

impl Noun {
    const ALL: [Self; 5] = [
        Self::Account,
        Self::Role,
        Self::Api,
        Self::Topic,
        Self::Queue,
    ];

    pub(super) fn singular(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Role => "role",
            Self::Api => "api",
            Self::Topic => "topic",
            Self::Queue => "queue",
        }
    }

    pub(super) fn table(self) -> &'static str {
        match self {
            Self::Account => "accounts",
            Self::Role => "roles",
            Self::Api => "apis",
            Self::Topic => "topics",
            Self::Queue => "queues",
        }
    }
}

/// Where a resource stands: known before the rest of it is checked.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    /// The account's name; `None` for a topic outside the stack's accounts.
    pub(super) account: Option<String>,
    pub(super) id: AccountId,
    pub(super) region: Region,
    pub(super) partition: Partition,
    /// Not for APIs: their ids are AWS's choice.
    pub(super) arn: Option<Arn>,
    pub(super) fifo: bool,
    pub(super) existing: bool,
    /// Where its name is written.
    pub(super) key: Span,
}

/// A table of the stack, read by its shape.
pub(super) struct Declared<'a> {
    pub(super) name: &'a str,
    pub(super) key: Span,
    pub(super) fields: &'a Fields,
}

/// What the checks of all nouns share.
pub(super) struct Checker<'a> {
    pub(super) faults: Vec<Diagnostic>,
    pub(super) files: &'a dyn Fn(&str) -> Result<String, String>,
    pub(super) sources: &'a [Source],
    pub(super) stack: String,
    pub(super) tags: Vec<(Spanned<String>, String)>,
    pub(super) region: Option<Region>,
    /// Also when it is written wrongly.
    pub(super) region_is_written: bool,
    pub(super) accounts: BTreeMap<String, Account>,
    pub(super) standings: BTreeMap<(Noun, String), Standing>,
    declared: BTreeMap<Noun, BTreeMap<String, Span>>,
    /// How many routes are written for each API, right or wrong.
    routes: BTreeMap<String, usize>,
}

/// Checks a stack and its overlays.
pub(super) fn check(
    sources: &[Source],
    files: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Stack, Faults> {
    let found = match syntax::parse(sources) {
        Ok(tree) => checked(sources, &tree, files),
        Err(faults) => Err(faults),
    };
    found.map_err(|faults| match Faults::of(sources.to_vec(), faults) {
        Some(faults) => faults,
        None => unreachable!("an error carries a fault"),
    })
}

fn checked(
    sources: &[Source],
    tree: &Table,
    files: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Stack, Vec<Diagnostic>> {
    let mut faults = Vec::new();
    let root = ROOT.read("the stack", Span::default(), tree, &mut faults);
    let mut checker = Checker {
        faults,
        files,
        sources,
        stack: String::new(),
        tags: Vec::new(),
        region: None,
        region_is_written: false,
        accounts: BTreeMap::new(),
        standings: BTreeMap::new(),
        declared: declared(tree, &root),
        routes: routes(tree),
    };
    checker.stack_table(&root);
    let tables = |name: &'static str| -> Vec<Declared<'_>> {
        root.map(name)
            .iter()
            .filter_map(|(key, item)| {
                Some(Declared {
                    name: &key.value,
                    key: key.span,
                    fields: item.fields()?,
                })
            })
            .collect()
    };
    for noun in Noun::ALL {
        for it in tables(noun.table()) {
            checker.check_key(noun, &it);
        }
    }
    checker.accounts = accounts::accounts(&mut checker, &tables("accounts"));

    let (roles, apis) = (tables("roles"), tables("apis"));
    let (topics, queues) = (tables("topics"), tables("queues"));
    roles::place(&mut checker, &roles);
    topics::place(&mut checker, &topics);
    queues::place(&mut checker, &queues);
    apis::place(&mut checker, &apis);

    let roles = roles::roles(&mut checker, &roles);
    let topics = topics::topics(&mut checker, &topics);
    let queues = queues::queues(&mut checker, &queues);
    let (apis, known) = apis::apis(&mut checker, &apis, root.list("access"));
    let access = access::access(&mut checker, root.list("access"), &known);
    if !checker.faults.is_empty() {
        return Err(checker.faults);
    }
    Ok(Stack {
        name: checker.stack,
        tags: checker
            .tags
            .into_iter()
            .map(|(key, value)| (key.value, value))
            .collect(),
        accounts: checker.accounts,
        roles,
        apis,
        topics,
        queues,
        access,
    })
}

/// The names in each table of the tree, right or wrong as what they name may be.
///
/// A misspelt table (`[topic.x]`) was read as the one it was meant to be, so its names count too.
fn declared(tree: &Table, root: &Fields) -> BTreeMap<Noun, BTreeMap<String, Span>> {
    let mut declared: BTreeMap<Noun, BTreeMap<String, Span>> = BTreeMap::new();
    for noun in Noun::ALL {
        let names = declared.entry(noun).or_default();
        if let Some(entry) = tree.get(noun.table())
            && let Value::Table(table) = &entry.node.value
        {
            names.extend(table.entries.iter().map(|it| (it.key.clone(), it.key_span)));
        }
        for (key, _) in root.map(noun.table()) {
            names.insert(key.value.clone(), key.span);
        }
    }
    declared
}

/// How many routes are written for each API.
fn routes(tree: &Table) -> BTreeMap<String, usize> {
    let table = |entry: Option<&Entry>| match entry.map(|it| &it.node.value) {
        Some(Value::Table(table)) => Some(table.clone()),
        _ => None,
    };
    let apis = table(tree.get("apis")).unwrap_or_default();
    apis.entries
        .iter()
        .filter_map(|api| {
            let routes = table(table(Some(api))?.get("routes"))?;
            Some((api.key.clone(), routes.entries.len()))
        })
        .collect()
}

impl Checker<'_> {
    /// How many routes are written for an API, right or wrong.
    pub(super) fn count_of_routes(&self, api: &str) -> usize {
        self.routes.get(api).copied().unwrap_or_default()
    }

    pub(super) fn report(&mut self, fault: Diagnostic) {
        self.faults.push(fault);
    }

    fn stack_table(&mut self, root: &Fields) {
        let Some(stack) = root.fields("stack") else {
            if !root.is_written("stack") {
                self.report(
                    Diagnostic::new(
                        Code::Missing,
                        Span::default(),
                        "the stack has no name",
                        "`[stack]` is missing",
                    )
                    .help("begin with `[stack]` and under it `name = \"…\"`"),
                );
            }
            return;
        };
        if let Some(name) = stack.text("name") {
            name.value.clone_into(&mut self.stack);
            if let Some(fault) = names::STACK.refuses(name.value) {
                self.report(fault.at("the stack", name.span));
            }
        }
        self.region_is_written = stack.is_written("region");
        self.region = stack
            .text("region")
            .and_then(|it| accounts::region(self, it));
        self.tags = stack
            .map("tags")
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), value.text()?.to_owned())))
            .collect();
        names::check_tags(self, "the stack", stack.map("tags"), 0);
    }

    /// A table's name is how the file and the mark on AWS speak of it.
    fn check_key(&mut self, noun: Noun, it: &Declared<'_>) {
        if let Some(bare) = it.name.strip_suffix(".fifo") {
            self.report(
                Diagnostic::new(
                    Code::Name,
                    it.key,
                    format!("{} `{}` has a dot in its name", noun.singular(), it.name),
                    "`.fifo` is added by itself",
                )
                .help(format!(
                    "write `[{}.{bare}]` and under it `fifo = true`",
                    noun.table()
                )),
            );
        } else if let Some(fault) = names::KEY.refuses(it.name) {
            self.report(fault.at(noun.singular(), it.key));
        }
    }

    /// The name a reference speaks of, when it is declared.
    ///
    /// `who` says who refers: ``queue `billing` ``. The table may stand before
    /// the name (`topics.orders`) or not.
    pub(super) fn reference(
        &mut self,
        noun: Noun,
        text: Spanned<&str>,
        who: &str,
    ) -> Option<String> {
        let prefix = format!("{}.", noun.table());
        let name = text.value.strip_prefix(&prefix).unwrap_or(text.value);
        let given = if name.len() == text.value.len() {
            ""
        } else {
            &prefix
        };
        if self.is_declared(noun, name) {
            return Some(name.to_owned());
        }
        let fault = self.no_such(noun, name, given, text.span, who);
        self.report(fault);
        None
    }

    /// The fault of a reference to nothing.
    pub(super) fn no_such(
        &self,
        noun: Noun,
        name: &str,
        prefix: &str,
        span: Span,
        who: &str,
    ) -> Diagnostic {
        let (singular, table) = (noun.singular(), noun.table());
        let names = &self.declared[&noun];
        let fault = Diagnostic::new(
            Code::Reference,
            span,
            format!("{who} refers to {singular} `{name}`, which is not declared"),
            format!("no {singular} has this name"),
        );
        if let Some((meant, at)) =
            nearest(name, names.keys().map(String::as_str)).and_then(|it| names.get_key_value(it))
        {
            return fault
                .and(*at, format!("a similar {singular} is declared here"))
                .fix(
                    "a similar name exists",
                    span,
                    format!("\"{prefix}{meant}\""),
                );
        }
        fault.help(if names.is_empty() {
            format!("no {singular} is declared; add `[{table}.{name}]`")
        } else {
            format!(
                "{table} that are declared: {}; or add `[{table}.{name}]`",
                listed(names.keys().map(String::as_str), "and")
            )
        })
    }

    /// Whether a table of this name is written, right or wrong.
    pub(super) fn is_declared(&self, noun: Noun, name: &str) -> bool {
        self.declared[&noun].contains_key(name)
    }

    /// The names of a noun, where they are written.
    pub(super) fn names(&self, noun: Noun) -> &BTreeMap<String, Span> {
        &self.declared[&noun]
    }

    /// Where a declared resource stands; `None` when it is broken.
    pub(super) fn standing(&self, noun: Noun, name: &str) -> Option<&Standing> {
        self.standings.get(&(noun, name.to_owned()))
    }

    /// The account of a resource, from its `account` or because there is only one.
    pub(super) fn account_of(&mut self, it: &Declared<'_>) -> Option<Account> {
        if let Some(text) = it.fields.text("account") {
            let name = self.reference(Noun::Account, text, &it.fields.owner)?;
            return self.accounts.get(&name).cloned();
        }
        if it.fields.is_written("account") {
            return None;
        }
        let names = &self.declared[&Noun::Account];
        if names.len() == 1 {
            return self.accounts.values().next().cloned();
        }
        let fault = Diagnostic::new(
            Code::Missing,
            it.key,
            format!("{} has no `account`", it.fields.owner),
            "in which account?",
        );
        let fault = if names.is_empty() {
            fault.help("declare one: `[accounts.main]` and under it `id = \"…\"`; with only one, no resource needs to name it")
        } else {
            fault.help(format!(
                "add `account = …`: one of {}",
                listed(names.keys().map(String::as_str), "and")
            ))
        };
        self.report(fault);
        None
    }

    /// The ARN in a text, when it is one of this service.
    pub(super) fn arn(&mut self, text: Spanned<&str>, service: &str, what: &str) -> Option<Arn> {
        let fault = match Arn::parse(text.value) {
            Ok(arn) if arn.service() == service => return Some(arn),
            Ok(arn) => Diagnostic::new(
                Code::WrongType,
                text.span,
                format!("`{}` is not {what}", text.value),
                format!("an ARN of `{}`, not of `{service}`", arn.service()),
            ),
            Err(_) => Diagnostic::new(
                Code::WrongType,
                text.span,
                format!("`{}` is not {what}", text.value),
                "not an ARN",
            )
            .help(format!(
                "write its ARN: `arn:partition:{service}:region:account:…`"
            )),
        };
        self.report(fault);
        None
    }

    /// Reports an ARN that is in another partition than the place it is used in.
    pub(super) fn check_partition(
        &mut self,
        arn: Spanned<&Arn>,
        here: Partition,
        place: &str,
    ) -> bool {
        if arn.value.partition() == here.as_str() {
            return true;
        }
        self.report(
            Diagnostic::new(
                Code::Place,
                arn.span,
                format!(
                    "`{}` is in partition `{}`, and {place} is in `{here}`",
                    arn.value,
                    arn.value.partition()
                ),
                "in another partition",
            )
            .help(
                "partitions share no accounts and no IAM: nothing in one can be let into another",
            ),
        );
        false
    }

    /// A resource's tags with the stack's, checked.
    pub(super) fn tags_of(&mut self, it: &Declared<'_>) -> Tags {
        let own = it.fields.map("tags");
        let inherited = self
            .tags
            .iter()
            .filter(|(key, _)| !own.iter().any(|(own, _)| own.value == key.value))
            .count();
        names::check_tags(self, &it.fields.owner, own, inherited);
        let mut tags: Tags = self
            .tags
            .iter()
            .map(|(key, value)| (key.value.clone(), value.clone()))
            .collect();
        tags.extend(
            own.iter()
                .filter_map(|(key, value)| Some((key.value.clone(), value.text()?.to_owned()))),
        );
        tags
    }

    /// `file:line` of a span.
    pub(super) fn written_at(&self, span: Span) -> String {
        let Some(source) = self.sources.get(span.file) else {
            return String::new();
        };
        let before = source.text.get(..span.start).unwrap_or_default();
        format!("{}:{}", source.name, before.matches('\n').count() + 1)
    }
}

/// The texts among a list's items.
pub(super) fn texts(items: &[Spanned<Item>]) -> impl Iterator<Item = Spanned<&str>> {
    items
        .iter()
        .filter_map(|it| it.text().map(|text| Spanned::new(text, it.span)))
}
