//! What the checks of all nouns share: what is declared, where it stands, and the faults so far.

use std::collections::BTreeMap;

use crate::model::{AccountId, Address, Arn, KindName, Partition, Region};

use super::diagnostic::{Code, Diagnostic, SHOWN, Span, listed, nearest};
use super::fields::{Fields, Item};
use super::syntax::Spanned;
use super::{Accepted, Account, Contract, Role, Source, Unmet, Withdrawn};

/// How many names a fault lists.
const LISTED: usize = 20;

/// What references name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Noun {
    Account,
    Contract,
    Role,
    Api,
    Key,
    Topic,
    Queue,
}

impl Noun {
    pub(super) const ALL: [Self; 7] = [
        Self::Account,
        Self::Contract,
        Self::Role,
        Self::Api,
        Self::Key,
        Self::Topic,
        Self::Queue,
    ];

    pub(super) fn singular(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Contract => "contract",
            Self::Role => "role",
            Self::Api => "api",
            Self::Key => "key",
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
            Self::Key => "keys",
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
    /// What AWS takes and the author should know of.
    pub(super) warnings: Vec<Diagnostic>,
    /// The roles, once they are read.
    pub(super) roles: BTreeMap<String, Role>,
    pub(super) files: &'a dyn Fn(&str) -> Result<String, String>,
    pub(super) sources: &'a [Source],
    /// The place of every line end of each source: what is written is told by its line, thousands of times.
    pub(super) line_ends: Vec<Vec<usize>>,
    pub(super) stack: String,
    pub(super) tags: Vec<(Spanned<String>, String)>,
    pub(super) region: Option<Region>,
    /// Also when it is written wrongly.
    pub(super) region_is_written: bool,
    pub(super) accounts: BTreeMap<String, Account>,
    pub(super) standings: BTreeMap<(Noun, String), Standing>,
    pub(super) declared: BTreeMap<Noun, BTreeMap<String, Span>>,
    /// Guardrails that resources may go over.
    pub(super) accepts: BTreeMap<Address, Accepted>,
    /// It was said that no account is declared.
    pub(super) accounts_are_missed: bool,
    /// How many routes are written for each API, right or wrong.
    pub(super) routes: BTreeMap<String, usize>,
    /// Contracts and claims files by their paths: their place among the sources, or why they cannot be read.
    pub(super) beside: BTreeMap<String, Result<usize, String>>,
    /// The contracts, once they are read.
    pub(super) contracts: BTreeMap<String, Contract>,
    pub(super) unmet: Unmet,
    pub(super) withdrawn: Vec<Withdrawn>,
}

impl Checker<'_> {
    /// How many routes are written for an API, right or wrong.
    pub(super) fn count_of_routes(&self, api: &str) -> usize {
        self.routes.get(api).copied().unwrap_or_default()
    }

    pub(super) fn report(&mut self, fault: Diagnostic) {
        self.faults.push(fault);
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
        // The search costs a look at every name.
        let meant = (self.faults.len() < SHOWN)
            .then(|| nearest(name, names.keys().map(String::as_str)))
            .flatten();
        if let Some((meant, at)) = meant.and_then(|it| names.get_key_value(it)) {
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
            let first: Vec<&str> = names.keys().map(String::as_str).take(LISTED).collect();
            let more = match names.len() - first.len() {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            format!(
                "{table} that are declared: {}{more}; or add `[{table}.{name}]`",
                listed(first, "and")
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

    /// The partition of a declared resource; `None` when it is broken.
    pub(super) fn partition_of(&self, address: &Address) -> Option<Partition> {
        let noun = match address.kind {
            KindName::Key => Noun::Key,
            KindName::Topic => Noun::Topic,
            KindName::Queue => Noun::Queue,
            KindName::Role => Noun::Role,
            KindName::RestApi => Noun::Api,
            KindName::Subscription | KindName::Stage => return None,
        };
        Some(self.standing(noun, &address.name)?.partition)
    }

    /// The ARN of a declared key, topic, queue or role; `None` when it is broken.
    pub(super) fn arn_of(&self, address: &Address) -> Option<&Arn> {
        let noun = match address.kind {
            KindName::Key => Noun::Key,
            KindName::Topic => Noun::Topic,
            KindName::Queue => Noun::Queue,
            KindName::Role => Noun::Role,
            KindName::RestApi | KindName::Subscription | KindName::Stage => return None,
        };
        self.standing(noun, &address.name)?.arn.as_ref()
    }

    /// `file:line` of a span.
    pub(super) fn written_at(&self, span: Span) -> String {
        let Some(source) = self.sources.get(span.file) else {
            return String::new();
        };
        let ends = self.line_ends.get(span.file).map(Vec::as_slice);
        let before = ends
            .unwrap_or_default()
            .partition_point(|it| *it < span.start);
        format!("{}:{}", source.name, before + 1)
    }
}

/// Returns the place of every line end of each source.
pub(super) fn line_ends(sources: &[Source]) -> Vec<Vec<usize>> {
    let of = |it: &Source| it.text.match_indices('\n').map(|it| it.0).collect();
    sources.iter().map(of).collect()
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
