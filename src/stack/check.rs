//! The tree to a [`Stack`], gathering every fault.
//!
//! Three passes, so that one broken table does not make others look broken:
//! names are taken from the tree as it is written; then each resource is
//! placed (account, ARN, FIFO or not); then the rest of it is checked, with
//! everything it may refer to in view. A table that has a fault is left out of
//! the stack without a further word: the stack is not used when there is one.

use std::collections::BTreeMap;

use super::checker::{self, Checker, Declared, Noun};
use super::diagnostic::{Code, Diagnostic, Faults, Span};
use super::fields::Fields;
use super::shape::{Field, Kind, Shape};
use super::syntax::{self, Entry, Table, Value};
use super::{
    Source, Stack, Unmet, access, accounts, apis, claims, contracts, keys, known, moved, names,
    nevers, offers, organization, queues, roles, statements, topics,
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
            "organization",
            Kind::Table(&organization::ORGANIZATION),
            "How the policies of the AWS organization are read.",
        )
        .alias(&["organisation", "org"]),
        Field::new(
            "contracts",
            Kind::Named(&contracts::CONTRACT),
            "What other stacks offer, by the files they exported.",
        )
        .alias(&["contract"]),
        Field::new("roles", Kind::Named(&roles::ROLE), "The IAM roles.").alias(&["role"]),
        Field::new("apis", Kind::Named(&apis::API), "The REST APIs.").alias(&["api", "rest_apis"]),
        Field::new(
            "keys",
            Kind::Named(&keys::KEY),
            "The KMS keys whose policies this stack writes into.",
        )
        .alias(&["key", "kms", "kms_keys"]),
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
        Field::new(
            "moved",
            Kind::List(&Kind::Table(&moved::MOVED)),
            "What has another name in the file than before: one `[[moved]]` each.",
        )
        .alias(&["renamed", "moves"]),
        Field::new(
            "statement",
            Kind::List(&Kind::Table(&statements::STATEMENT)),
            "Statements of resources' policies, as AWS writes them: one `[[statement]]` each.",
        )
        .alias(&["statements"]),
        Field::new(
            "known",
            Kind::List(&Kind::Table(&known::KNOWN)),
            "What others put on resources and may stay: one `[[known]]` each.",
        )
        .alias(&["accepted"]),
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
        Field::new(
            "requires_overlay",
            Kind::Flag,
            "Whether the stack is refused without an overlay (`--with FILE`): a forgotten one cannot reach the wrong accounts.",
        )
        .default("false"),
    ],
    one_of: &[],
};

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
            let overlays = sources.len() - 1;
            checked(&all, &tree, files, beside, unmet, overlays)
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
    overlays: usize,
) -> Result<Stack, Vec<Diagnostic>> {
    let mut faults = Vec::new();
    let root = ROOT.read("the stack", Span::default(), tree, &mut faults);
    let mut checker = Checker {
        faults,
        warnings: Vec::new(),
        roles: BTreeMap::new(),
        files,
        sources,
        line_ends: checker::line_ends(sources),
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
    stack_table(&mut checker, &root, overlays);
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
            check_key(&mut checker, noun, &it);
        }
    }
    checker.accounts = accounts::accounts(&mut checker, &tables("accounts"));

    let organization = root.fields("organization").and_then(|it| {
        let key = root.key_of("organization").unwrap_or_default();
        organization::organization(&mut checker, key, it)
    });

    let (roles, declared_apis) = (tables("roles"), tables("apis"));
    let (keys, topics, queues) = (tables("keys"), tables("topics"), tables("queues"));
    roles::place(&mut checker, &roles);
    keys::place(&mut checker, &keys);
    topics::place(&mut checker, &topics);
    queues::place(&mut checker, &queues);
    apis::place(&mut checker, &declared_apis);

    checker.contracts = contracts::contracts(&mut checker, &tables("contracts"));
    let claimed = match root.fields("stack") {
        Some(stack) => claims::claimed(&mut checker, stack),
        None => Vec::new(),
    };
    checker.roles = roles::roles(&mut checker, &roles);
    let keys = keys::keys(&checker, &keys);
    let topics = topics::topics(&mut checker, &topics);
    let queues = queues::queues(&mut checker, &queues);
    let (apis, surfaces) = apis::apis(&mut checker, &declared_apis, root.list("access"));
    let contracts = std::mem::take(&mut checker.contracts);
    let (mut access, claims) =
        access::access(&mut checker, root.list("access"), &surfaces, &contracts);
    let offered = offers::offers(&mut checker, root.list("offer"), &surfaces, &claimed);
    access.extend(offered.access);
    let nevers = nevers::nevers(&mut checker, root.list("never"), &surfaces);
    let statements = statements::statements(&mut checker, root.list("statement"));
    let known = known::known(&mut checker, root.list("known"));
    let moved = moved::moved(&mut checker, root.list("moved"));
    if checker.faults.is_empty() {
        apis::check_private(&mut checker, &declared_apis, &apis, &access, &statements);
    }
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
        organization,
        roles: checker.roles,
        apis,
        keys,
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
        moved,
        accepts: checker.accepts,
        known,
        statements,
        warnings: Faults::of(sources.to_vec(), checker.warnings)
            .map(|it| it.of_which(1 + overlays)),
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

fn stack_table(checker: &mut Checker<'_>, root: &Fields, overlays: usize) {
    let Some(stack) = root.fields("stack") else {
        if !root.is_written("stack") {
            checker.report(
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
        name.value.clone_into(&mut checker.stack);
        if let Some(fault) = names::STACK.refuses(name.value) {
            checker.report(fault.at("the stack", name.span));
        }
    }
    if stack.flag("requires_overlay") && overlays == 0 {
        checker.report(
            Diagnostic::new(
                Code::Missing,
                stack
                    .get("requires_overlay")
                    .map_or_else(Span::default, |it| it.span),
                "the stack requires an overlay, and none is given",
                "required here",
            )
            .help("add `--with FILE`, such as `--with prod.toml`"),
        );
    }
    checker.region_is_written = stack.is_written("region");
    checker.region = stack
        .text("region")
        .and_then(|it| accounts::region(checker, it));
    checker.tags = stack
        .map("tags")
        .iter()
        .filter_map(|(key, value)| Some((key.clone(), value.text()?.to_owned())))
        .collect();
    names::check_tags(checker, "the stack", stack.map("tags"), 0);
}

/// A table's name is how the file and the mark on AWS speak of it.
fn check_key(checker: &mut Checker<'_>, noun: Noun, it: &Declared<'_>) {
    if let Some(bare) = it.name.strip_suffix(".fifo") {
        checker.report(
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
            Noun::Contract | Noun::Role | Noun::Key | Noun::Topic | Noun::Queue => "a",
        };
        let owner = format!("{article} {}", noun.singular());
        checker.report(fault.at(&owner, it.key));
    }
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
E0101: unknown field `nonsense` in the stack [no such field] help: fields here are `stack`, `accounts`, `organization`, `contracts`, `roles`, `apis`, `keys`, `topics`, `queues`, `access`, `offer`, `never`, `moved`, `statement` and `known`

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
