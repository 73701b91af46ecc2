//! The tree to a [`Stack`], gathering every fault.
//!
//! Three passes, so that one broken table does not make others look broken:
//! names are taken from the tree as it is written; then each resource is
//! placed (account, ARN, FIFO or not); then the rest of it is checked, with
//! everything it may refer to in view. A table that has a fault is left out of
//! the stack without a further word: the stack is not used when there is one.

use std::collections::BTreeMap;

use crate::model::{AccountId, Address, Arn, Partition, Region, Tags};

use super::diagnostic::{Code, Diagnostic, Faults, Span, listed, nearest};
use super::fields::{Fields, Item};
use super::shape::{Field, Kind, Shape};
use super::syntax::{self, Entry, Spanned, Table, Value};
use super::{
    Account, Contract, Source, Stack, Unmet, Withdrawn, access, accounts, apis, claims, contracts,
    names, nevers, offers, queues, roles, topics,
};

/// The whole file.
pub(super) const ROOT: Shape = Shape {
    noun: "stack",
    doc: "A stack is one TOML file. Each resource is a table under its kind, and its name there is how the rest of the file speaks of it; each `[[access]]` says who may do what, and each `[[never]]` what nobody may.",
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
        Field::new(
            "contracts",
            Kind::Named(&contracts::CONTRACT),
            "What other stacks offer, by the files they exported.",
        )
        .alias(&["contract"]),
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
        Field::new(
            "offer",
            Kind::List(&Kind::Table(&offers::OFFER)),
            "What other stacks may claim: one `[[offer]]` each.",
        )
        .alias(&["offers"]),
        Field::new(
            "never",
            Kind::List(&Kind::Table(&nevers::NEVER)),
            "What may never be possible: one `[[never]]` each.",
        )
        .alias(&["nevers", "forbid", "deny"]),
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
            Kind::Pattern("^[A-Za-z0-9._-]{1,64}$"),
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
        Field::new(
            "claims",
            Kind::OneOrMany(&Kind::Text),
            "Files in which other stacks tell what they claim of this one: `provision export --claims` writes them.",
        ),
    ],
    one_of: &[],
};

/// What references name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Noun {
    Account,
    Contract,
    Role,
    Api,
    Topic,
    Queue,
}

impl Noun {
    const ALL: [Self; 6] = [
        Self::Account,
        Self::Contract,
        Self::Role,
        Self::Api,
        Self::Topic,
        Self::Queue,
    ];

    pub(super) fn singular(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Contract => "contract",
            Self::Role => "role",
            Self::Api => "api",
            Self::Topic => "topic",
            Self::Queue => "queue",
        }
    }

    pub(super) fn table(self) -> &'static str {
        match self {
            Self::Account => "accounts",
            Self::Contract => "contracts",
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

/// Whether an ARN names a FIFO topic or queue.
pub(super) fn is_fifo(arn: &Arn) -> bool {
    arn.resource().strip_suffix(".fifo").is_some()
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
    /// Guardrails that resources may go over.
    pub(super) accepts: BTreeMap<Address, super::Accepted>,
    /// It was said that no account is declared.
    accounts_are_missed: bool,
    /// How many routes are written for each API, right or wrong.
    routes: BTreeMap<String, usize>,
    /// Contracts and claims files by their paths: their place among the sources, or why they cannot be read.
    pub(super) beside: BTreeMap<String, Result<usize, String>>,
    /// The contracts, once they are read.
    pub(super) contracts: BTreeMap<String, Contract>,
    pub(super) unmet: Unmet,
    pub(super) withdrawn: Vec<Withdrawn>,
}

/// Checks a stack and its overlays.
pub(super) fn check(
    sources: &[Source],
    files: &dyn Fn(&str) -> Result<String, String>,
    unmet: Unmet,
) -> Result<Stack, Faults> {
    let mut all = sources.to_vec();
    let found = match syntax::parse(sources) {
        Ok(tree) => {
            let beside = contracts::read_beside(&mut all, &tree, files);
            checked(&all, &tree, files, beside, unmet)
        }
        Err(faults) => Err(faults),
    };
    found.map_err(|faults| match Faults::of(all, faults) {
        Some(faults) => faults.of_which(sources.len()),
        None => unreachable!("an error carries a fault"),
    })
}

fn checked(
    sources: &[Source],
    tree: &Table,
    files: &dyn Fn(&str) -> Result<String, String>,
    beside: BTreeMap<String, Result<usize, String>>,
    unmet: Unmet,
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
        accepts: BTreeMap::new(),
        accounts_are_missed: false,
        routes: routes(tree),
        beside,
        contracts: BTreeMap::new(),
        unmet,
        withdrawn: Vec::new(),
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

    checker.contracts = contracts::contracts(&mut checker, &tables("contracts"));
    let claimed = match root.fields("stack") {
        Some(stack) => claims::claimed(&mut checker, stack),
        None => Vec::new(),
    };
    let roles = roles::roles(&mut checker, &roles);
    let topics = topics::topics(&mut checker, &topics);
    let queues = queues::queues(&mut checker, &queues);
    let (apis, known) = apis::apis(&mut checker, &apis, root.list("access"));
    let contracts = std::mem::take(&mut checker.contracts);
    let (mut access, claims) =
        access::access(&mut checker, root.list("access"), &known, &contracts);
    let offered = offers::offers(&mut checker, root.list("offer"), &known, &claimed);
    access.extend(offered.access);
    let nevers = nevers::nevers(&mut checker, root.list("never"), &known);
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
        offers: offered.offers,
        subscribers: offered.subscribers,
        claimed,
        contracts,
        claims,
        withdrawn: checker.withdrawn,
        nevers,
        accepts: checker.accepts,
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
            let article = match noun {
                Noun::Account | Noun::Api => "an",
                Noun::Contract | Noun::Role | Noun::Topic | Noun::Queue => "a",
            };
            let owner = format!("{article} {}", noun.singular());
            self.report(fault.at(&owner, it.key));
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
        let fault = match self.of_another_kind(noun, text, who) {
            Some(fault) => fault,
            None => self.no_such(noun, name, given, text.span, who),
        };
        self.report(fault);
        None
    }

    /// The fault of `queues.x` where a topic is meant.
    fn of_another_kind(&self, noun: Noun, text: Spanned<&str>, who: &str) -> Option<Diagnostic> {
        let (table, _) = text.value.split_once('.')?;
        let other = Noun::ALL
            .into_iter()
            .find(|it| *it != noun && it.table() == table)?;
        let (wanted, found) = (noun.singular(), other.singular());
        let names = self.declared[&noun].keys().map(String::as_str);
        let fault = Diagnostic::new(
            Code::Reference,
            text.span,
            format!(
                "{who} refers to {found} `{}` where {wanted}s are meant",
                text.value
            ),
            format!("not of `[{}]`", noun.table()),
        );
        Some(if self.declared[&noun].is_empty() {
            fault.help(format!("no {wanted} is declared"))
        } else {
            fault.help(format!(
                "{wanted}s that are declared: {}",
                listed(names, "and")
            ))
        })
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
        if names.is_empty() && self.accounts_are_missed {
            return None;
        }
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
            self.accounts_are_missed = true;
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
            .help(match service {
                "iam" => {
                    "its ARN is `arn:aws:iam::ACCOUNT:role/NAME` or `…:policy/NAME`".to_owned()
                }
                "lambda" => "its ARN is `arn:aws:lambda:REGION:ACCOUNT:function:NAME`".to_owned(),
                _ => format!("its ARN is `arn:aws:{service}:REGION:ACCOUNT:NAME`"),
            }),
        };
        let fault = match queue_of_url(text.value) {
            Some(arn) if service == "sqs" => fault.fix("its ARN", text.span, format!("\"{arn}\"")),
            _ => fault,
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

/// The ARN of the queue that a URL of SQS names: `https://sqs.REGION.amazonaws.com/ACCOUNT/NAME`.
fn queue_of_url(url: &str) -> Option<String> {
    let (host, path) = url.strip_prefix("https://sqs.")?.split_once('/')?;
    let region = Region::parse(host.split('.').next()?)?;
    let (account, name) = path.split_once('/')?;
    let account = AccountId::parse(account)?;
    let partition = region.partition();
    Some(format!("arn:{partition}:sqs:{region}:{account}:{name}"))
}

/// The texts among a list's items.
pub(super) fn texts(items: &[Spanned<Item>]) -> impl Iterator<Item = Spanned<&str>> {
    items
        .iter()
        .filter_map(|it| it.text().map(|text| Spanned::new(text, it.span)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{faults, faults_in, faults_of};

    #[test]
    fn one_broken_table_does_not_make_others_look_broken() {
        snapbox::assert_data_eq!(
            faults(
                "[queues.q]\nfifo = \"maybe\"\nvisibility = \"x\"\n[queues.r]\ndead_letter = \"q\"\n[topics.t]\naccount = 5\n[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\naccount = \"nowhere\"\n[[access]]\nfrom = \"roles.r\"\nto = \"topics.t\"\n"
            ),
            snapbox::str![[r#"
E0102: `fifo` of queue `q` has the wrong type [this is a text] help: write `true` or `false`
E0101: unknown field `visibility` in queue `q` [no such field] a field with a like name exists: visibility_timeout
E0102: `visibility_timeout` of queue `q` cannot be read [not a duration] help: write seconds or a duration such as "5m"
E0102: `account` of topic `t` has the wrong type [this is a whole number] write it in quotes: "5"
E0201: role `r` refers to account `nowhere`, which is not declared [no account has this name] help: accounts that are declared: `shop`; or add `[accounts.nowhere]`

"#]]
        );
    }

    #[test]
    fn a_misspelt_table_is_read_as_the_one_it_was_meant_to_be() {
        snapbox::assert_data_eq!(
            faults(
                "[topic.t]\n[queues.q]\nsubscribe = \"t\"\n[[acces]]\nfrom = \"roles.x\"\nto = \"topics.t\"\n"
            ),
            snapbox::str![[r#"
E0101: unknown field `topic` in the stack [no such field] a field with a like name exists: topics
E0101: unknown field `acces` in the stack [no such field] a field with a like name exists: access
E0201: this access refers to role `x`, which is not declared [no role has this name] help: no role is declared; add `[roles.x]`

"#]]
        );
    }

    #[test]
    fn a_stack_has_a_name() {
        snapbox::assert_data_eq!(
            faults_in(""),
            snapbox::str![[r#"
E0103: the stack has no name [`[stack]` is missing] help: begin with `[stack]` and under it `name = "…"`

"#]]
        );
        snapbox::assert_data_eq!(
            faults_in("[accounts.a]\nid = \"111111111111\"\n"),
            snapbox::str![[r#"
E0103: the stack has no name [`[stack]` is missing] help: begin with `[stack]` and under it `name = "…"`
E0103: account `a` has no region [`region` is missing here and in `[stack]`] help: add `region = "eu-west-1"` to `[stack]` for all accounts, or here for this one

"#]]
        );
        snapbox::assert_data_eq!(
            faults_in("[stack]\n"),
            snapbox::str![[r#"
E0103: the stack has no `name` [`name` is missing] help: add `name = "…"`: the stack's name: the mark on everything it owns. Renaming it makes another stack

"#]]
        );
        snapbox::assert_data_eq!(
            faults_in("stack = 5\n"),
            snapbox::str![[r#"
E0102: `stack` of the stack has the wrong type [this is a whole number] help: write a table such as `{ name = … }`

"#]]
        );
        snapbox::assert_data_eq!(
            faults_in("[stack]\nname = \"a b\"\nregion = \"eu-west-1\"\n"),
            snapbox::str![[r#"
E0203: the stack cannot have the name `a b` [a space cannot stand here] help: 1 to 64 letters, digits, `-`, `_` and `.`

"#]]
        );
        snapbox::assert_data_eq!(
            faults_in("nonsense = 1\n[stack]\nname = \"a\"\n"),
            snapbox::str![[r#"
E0101: unknown field `nonsense` in the stack [no such field] help: fields here are `stack`, `accounts`, `contracts`, `roles`, `apis`, `topics`, `queues`, `access`, `offer` and `never`

"#]]
        );
    }

    #[test]
    fn an_account_is_named_when_there_are_several() {
        snapbox::assert_data_eq!(
            faults_of("[topics.t]\n[queues.q]\n"),
            snapbox::str![[r#"
E0103: topic `t` has no `account` [in which account?] help: declare one: `[accounts.main]` and under it `id = "…"`; with only one, no resource needs to name it

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of(
                "[accounts.a]\nid = \"111111111111\"\n[accounts.b]\nid = \"222222222222\"\n[topics.t]\n[queues.q]\naccount = \"c\"\n[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\naccount = \"accounts.a\"\n"
            ),
            snapbox::str![[r#"
E0103: topic `t` has no `account` [in which account?] help: add `account = …`: one of `a` and `b`
E0201: queue `q` refers to account `c`, which is not declared [no account has this name] help: accounts that are declared: `a` and `b`; or add `[accounts.c]`

"#]]
        );
    }

    #[test]
    fn a_wrong_type_is_told_in_the_authors_words() {
        snapbox::assert_data_eq!(
            faults_in("queues = 5\n[stack]\nname = \"s\"\n"),
            snapbox::str![[r#"
E0102: `queues` of the stack has the wrong type [this is a whole number] help: write a table for each queue by its name

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[queues]\nq = 5\n"),
            snapbox::str![[r#"
E0102: queue `q` has the wrong type [this is a whole number] help: write a table such as `{ account = … }`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[[queues.q]]\n"),
            snapbox::str![[r#"
E0102: queue `q` has the wrong type [this is a list] help: write a table such as `{ account = … }`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[queues.q]\nfifo = 1\ntags = \"x\"\nsubscribe = true\nvisibility_timeout = 1.5\nmax_message_size = []\ndelay = \"10\"\nreceive_wait = \"1 minute\"\n"
            ),
            snapbox::str![[r#"
E0102: `fifo` of queue `q` has the wrong type [this is a whole number] help: write `true` or `false`
E0102: `tags` of queue `q` has the wrong type [this is a text] help: write a table, `{ name = … }`, of a text in quotes
E0102: `subscribe` of queue `q` has the wrong type [this is true or false] help: write a text in quotes, or a table such as `{ topic = … }`, or a list of such
E0102: `visibility_timeout` of queue `q` has the wrong type [this is a number with a fraction] help: write seconds or a duration such as "5m"
E0102: `max_message_size` of queue `q` has the wrong type [this is a list] help: write bytes or a size such as "256KiB"
E0104: `receive_wait` of queue `q` is out of range [must be from 0 to 20s]

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.t]\nsignature_version = \"2\"\ndisplay_name = 5\nfifo = \"true\"\n"),
            snapbox::str![[r#"
E0102: `signature_version` of topic `t` has the wrong type [this is a text] write it without quotes: 2
E0102: `display_name` of topic `t` has the wrong type [this is a whole number] write it in quotes: "5"
E0102: `fifo` of topic `t` has the wrong type [this is a text] write it without quotes: true

"#]]
        );
        snapbox::assert_data_eq!(
            faults_in("access = { from = \"roles.x\" }\n[stack]\nname = \"s\"\n"),
            snapbox::str![[r#"
E0102: `access` of the stack has the wrong type [this is a table] help: write a list, `[…]`, where each item is a table such as `{ from = … }`

"#]]
        );
    }

    #[test]
    fn a_fault_of_an_overlay_points_into_the_overlay_and_at_the_stack() {
        use super::super::{Source, check};
        let source = |name: &str, text: &str| Source {
            name: name.to_owned(),
            text: text.to_owned(),
        };
        let main = source(
            "shop.toml",
            "[stack]\nname = \"shop\"\nregion = \"eu-west-1\"\n\n[accounts.shop]\nid = \"111111111111\"\n\n[topics.events]\n",
        );
        let overlay = source(
            "prod.toml",
            "[accounts.shop]\nid = \"9999\"\n\n[queues.inbox]\nsubscribe = \"event\"\n",
        );
        let read = |_: &str| Err(String::new());
        let Err(faults) = check(&main, &[overlay], &read) else {
            panic!("there are faults")
        };
        snapbox::assert_data_eq!(
            faults.render(false),
            snapbox::str![[r#"
error[E0203]: `9999` is not an account id
 --> prod.toml:2:6
  |
2 | id = "9999"
  |      ^^^^^^ 4 digits
  |
  = help: an account id is twelve digits: `aws sts get-caller-identity` shows yours

error[E0201]: queue `inbox` refers to topic `event`, which is not declared
 --> prod.toml:5:13
  |
5 | subscribe = "event"
  |             ^^^^^^^ no topic has this name
  |
 ::: shop.toml:8:9
  |
8 | [topics.events]
  |         ------ a similar topic is declared here
  |
help: a similar name exists
  |
5 | subscribe = "events"
  |                   +

error: 2 problems in shop.toml with prod.toml; no AWS call was made

"#]]
        );
    }
}
