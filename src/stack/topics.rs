//! `[topics.NAME]`: an SNS topic.
//!
//! See <https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html>.

use std::collections::BTreeMap;

use crate::model::{Arn, KindName, Region};

use super::accept::{ACCEPT, accept};
use super::checker::{Checker, Declared, Noun, Standing, is_fifo};
use super::diagnostic::{Code, Diagnostic, Span};
use super::fields::Item;
use super::shape::{Field, Kind, Shape};
use super::syntax::Spanned;
use super::{RoleRef, Topic, keys, names, passed, roles};
use crate::policy::delivery;

pub(super) const TOPIC: Shape = Shape {
    noun: "topic",
    doc: "An SNS topic. Who may publish is said by `[[access]]`; who receives, by `subscribe` of a queue.",
    fields: &[
        Field::new("account", Kind::Text, "The account, by its name in the stack; may be left out when there is only one.").with_existing(),
        Field::new("existing", Kind::Text, "The ARN of a topic that something else makes, in an account of the stack or elsewhere: then only this stack's statements of its policy are managed.").with_existing().alias(&["arn"]),
        Field::new("name", Kind::Text, "The name in AWS; without it, the table's, with `.fifo` added to a FIFO topic's."),
        Field::new("fifo", Kind::Flag, "First in, first out. Changing it replaces the topic.").default("false").alias(&["fifo_topic"]),
        Field::new("content_based_deduplication", Kind::Flag, "With `fifo`: messages of the same content are one.").default("false"),
        Field::new("message_group_throughput", Kind::Flag, "With `fifo`: throughput is counted by message group, not over the topic.").default("false").alias(&["fifo_throughput_scope"]),
        Field::new("display_name", Kind::Text, "The name in SMS and e-mail messages."),
        Field::new("kms_key", Kind::Text, "The KMS key that encrypts messages at rest: `\"keys.NAME\"`, or its id, ARN or alias.").alias(&["kms_master_key_id", "kms", "encryption"]),
        Field::new("delivery_policy", Kind::Json, "Retries of HTTP deliveries, as SNS's JSON."),
        Field::new("signature_version", Kind::Whole(1, 2), "How SNS signs messages: 1 is SHA1, 2 is SHA256.").default("1"),
        Field::new("tracing", Kind::Flag, "Pass X-Ray traces on.").default("false").alias(&["tracing_config", "xray"]),
        Field::new("application_success_feedback_role", Kind::Text, "The role, of the stack or by its ARN, with which SNS logs deliveries to mobile push that succeeded. Left alone where it is not set."),
        Field::new("application_success_feedback_sample_rate", Kind::Whole(0, 100), "How many per cent of them are logged. Left alone where it is not set."),
        Field::new("application_failure_feedback_role", Kind::Text, "The role with which SNS logs deliveries to mobile push that failed. Left alone where it is not set."),
        Field::new("firehose_success_feedback_role", Kind::Text, "The role, of the stack or by its ARN, with which SNS logs deliveries to Firehose streams that succeeded. Left alone where it is not set."),
        Field::new("firehose_success_feedback_sample_rate", Kind::Whole(0, 100), "How many per cent of them are logged. Left alone where it is not set."),
        Field::new("firehose_failure_feedback_role", Kind::Text, "The role with which SNS logs deliveries to Firehose streams that failed. Left alone where it is not set."),
        Field::new("http_success_feedback_role", Kind::Text, "The role, of the stack or by its ARN, with which SNS logs deliveries to HTTP endpoints that succeeded. Left alone where it is not set."),
        Field::new("http_success_feedback_sample_rate", Kind::Whole(0, 100), "How many per cent of them are logged. Left alone where it is not set."),
        Field::new("http_failure_feedback_role", Kind::Text, "The role with which SNS logs deliveries to HTTP endpoints that failed. Left alone where it is not set."),
        Field::new("lambda_success_feedback_role", Kind::Text, "The role, of the stack or by its ARN, with which SNS logs deliveries to Lambda functions that succeeded. Left alone where it is not set."),
        Field::new("lambda_success_feedback_sample_rate", Kind::Whole(0, 100), "How many per cent of them are logged. Left alone where it is not set."),
        Field::new("lambda_failure_feedback_role", Kind::Text, "The role with which SNS logs deliveries to Lambda functions that failed. Left alone where it is not set."),
        Field::new("sqs_success_feedback_role", Kind::Text, "The role, of the stack or by its ARN, with which SNS logs deliveries to queues that succeeded. Left alone where it is not set."),
        Field::new("sqs_success_feedback_sample_rate", Kind::Whole(0, 100), "How many per cent of them are logged. Left alone where it is not set."),
        Field::new("sqs_failure_feedback_role", Kind::Text, "The role with which SNS logs deliveries to queues that failed. Left alone where it is not set."),
        Field::new("archive_policy", Kind::Json, "With `fifo`: how long messages are archived, as SNS's JSON: `{ MessageRetentionPeriod = 30 }`, in days. Left alone where it is not set."),
        Field::new("tags", Kind::Map(&Kind::Text), "Its tags."),
        Field::new("owner_statement", Kind::Flag, "Write the statement that lets the account's own policies work on the topic, in place of SNS's first policy; `false` where the policy that is there, and is kept, says who may; where nothing is in it, a statement that lets nobody in stands there, since SNS has no topic without a policy.").default("true"),
        Field::new("tls_only", Kind::Flag, "Refuse every request that does not come over TLS: publishing, subscribing, and reading, changing or deleting the topic.").default("false").with_existing().alias(&["enforce_ssl", "enforce_tls", "ssl_only", "https_only"]),
        Field::new("exclusive", Kind::Flag, "Remove statements of its policy that this stack does not declare.").default("false"),
        ACCEPT,
    ],
    one_of: &[],
};

/// Fields that are managed only where a stack sets them, and SNS's names for them.
pub const OPTIONAL: [(&str, &str); 16] = [
    (
        "application_success_feedback_role",
        "ApplicationSuccessFeedbackRoleArn",
    ),
    (
        "application_success_feedback_sample_rate",
        "ApplicationSuccessFeedbackSampleRate",
    ),
    (
        "application_failure_feedback_role",
        "ApplicationFailureFeedbackRoleArn",
    ),
    (
        "firehose_success_feedback_role",
        "FirehoseSuccessFeedbackRoleArn",
    ),
    (
        "firehose_success_feedback_sample_rate",
        "FirehoseSuccessFeedbackSampleRate",
    ),
    (
        "firehose_failure_feedback_role",
        "FirehoseFailureFeedbackRoleArn",
    ),
    ("http_success_feedback_role", "HTTPSuccessFeedbackRoleArn"),
    (
        "http_success_feedback_sample_rate",
        "HTTPSuccessFeedbackSampleRate",
    ),
    ("http_failure_feedback_role", "HTTPFailureFeedbackRoleArn"),
    (
        "lambda_success_feedback_role",
        "LambdaSuccessFeedbackRoleArn",
    ),
    (
        "lambda_success_feedback_sample_rate",
        "LambdaSuccessFeedbackSampleRate",
    ),
    (
        "lambda_failure_feedback_role",
        "LambdaFailureFeedbackRoleArn",
    ),
    ("sqs_success_feedback_role", "SQSSuccessFeedbackRoleArn"),
    (
        "sqs_success_feedback_sample_rate",
        "SQSSuccessFeedbackSampleRate",
    ),
    ("sqs_failure_feedback_role", "SQSFailureFeedbackRoleArn"),
    ("archive_policy", "ArchivePolicy"),
];

/// Finds where each topic stands, and reports names that are taken.
pub(super) fn place(checker: &mut Checker<'_>, declared: &[Declared<'_>]) {
    place_all(checker, declared, Noun::Topic, "sns", &names::TOPIC);
}

/// Finds where each topic or queue stands: a name is taken once in an account and region.
pub(super) fn place_all(
    checker: &mut Checker<'_>,
    declared: &[Declared<'_>],
    noun: Noun,
    service: &'static str,
    rule: &names::Rule,
) {
    let mut taken: BTreeMap<Arn, (String, Span)> = BTreeMap::new();
    for it in declared {
        let Some((standing, at)) = standing(checker, it, noun, service, rule) else {
            continue;
        };
        if let Some(arn) = &standing.arn {
            if let Some((first, span)) = taken.get(arn) {
                let table = noun.table();
                checker.report(
                    Diagnostic::new(
                        Code::Duplicate,
                        at,
                        format!(
                            "{table} `{first}` and `{}` are both called `{}` in account {}, region {}",
                            it.name,
                            arn.name(),
                            standing.id,
                            standing.region
                        ),
                        "the name is taken",
                    )
                    .and(*span, format!("by {} `{first}`", noun.singular()))
                    .help(format!(
                        "AWS keeps one {} of a name in an account and region: give one another `name`",
                        noun.singular()
                    )),
                );
            } else {
                taken.insert(arn.clone(), (it.name.to_owned(), at));
            }
        }
        checker
            .standings
            .insert((noun, it.name.to_owned()), standing);
    }
}

fn standing(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
    noun: Noun,
    service: &str,
    rule: &names::Rule,
) -> Option<(Standing, Span)> {
    if let Some(text) = it.fields.text("existing") {
        return existing(checker, it, text, noun, service, rule);
    }
    if it.fields.is_written("existing") {
        return None;
    }
    let account = checker.account_of(it);
    let name = names::name_and_fifo(checker, it, rule);
    let (account, name) = (account?, name?);
    let at = it.fields.text("name").map_or(it.key, |it| it.span);
    let standing = Standing {
        account: Some(account.place.account.clone()),
        id: account.place.id.clone(),
        region: account.place.region.clone(),
        partition: account.place.partition(),
        arn: Some(Arn::regional(&account.place, service, &name.name)),
        fifo: name.fifo,
        existing: false,
        key: it.key,
    };
    Some((standing, at))
}

fn existing(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
    text: Spanned<&str>,
    noun: Noun,
    service: &str,
    rule: &names::Rule,
) -> Option<(Standing, Span)> {
    let span = text.span;
    let what = format!("a {}'s ARN", noun.singular());
    let arn = regional_arn(checker, text, service, &what, rule)?;
    let region = Region::parse(arn.region())?;
    let id = arn.account_id()?;
    let arn = Spanned::new(arn, span);
    let account = roles::account_of_existing(checker, it, &arn, Some(&region))?;
    let standing = Standing {
        account: account.account().map(|it| it.place.account),
        id,
        partition: region.partition(),
        region,
        fifo: is_fifo(&arn.value),
        arn: Some(arn.value),
        existing: true,
        key: it.key,
    };
    Some((standing, span))
}

/// The ARN of a topic or queue: with region, account and a name AWS would take.
pub(super) fn regional_arn(
    checker: &mut Checker<'_>,
    text: Spanned<&str>,
    service: &str,
    what: &str,
    rule: &names::Rule,
) -> Option<Arn> {
    let span = text.span;
    let arn = checker.arn(text, service, what)?;
    let label = if Region::parse(arn.region()).is_none() {
        "has no region"
    } else if arn.account_id().is_none() {
        "its account is not twelve digits"
    } else if arn.partition() != Region::parse(arn.region())?.partition().as_str() {
        "its region is in another partition"
    } else if rule
        .refuses(
            arn.resource()
                .strip_suffix(".fifo")
                .unwrap_or(arn.resource()),
        )
        .is_some()
    {
        "its name is none that AWS takes"
    } else {
        return Some(arn);
    };
    checker.report(
        Diagnostic::new(
            Code::WrongType,
            span,
            format!("`{arn}` is not {what}"),
            label,
        )
        .help(format!("write `arn:aws:{service}:REGION:ACCOUNT:NAME`")),
    );
    None
}

/// The topics that have no fault.
pub(super) fn topics(
    checker: &mut Checker<'_>,
    declared: &[Declared<'_>],
) -> BTreeMap<String, Topic> {
    declared
        .iter()
        .filter_map(|it| Some((it.name.to_owned(), topic(checker, it)?)))
        .collect()
}

/// Reports fields that only FIFO topics and queues have.
pub(super) fn check_fifo_only(checker: &mut Checker<'_>, it: &Declared<'_>, noun: Noun) {
    // With a wrongly written `fifo` or an existing resource something else is already said.
    if it.fields.flag("fifo")
        || it.fields.is_written("existing")
        || (it.fields.is_written("fifo") && it.fields.get("fifo").is_none())
    {
        return;
    }
    for name in ["content_based_deduplication", "message_group_throughput"] {
        if it.fields.flag(name)
            && let Some(key) = it.fields.key_of(name)
        {
            let singular = noun.singular();
            checker.report(
                Diagnostic::new(
                    Code::Conflict,
                    key,
                    format!("{} is not FIFO, and has `{name}`", it.fields.owner),
                    format!("only FIFO {} have it", noun.table()),
                )
                .help(format!(
                    "add `fifo = true` (which replaces a {singular} that exists), or remove `{name}`"
                )),
            );
        }
    }
}

fn topic(checker: &mut Checker<'_>, it: &Declared<'_>) -> Option<Topic> {
    let fields = it.fields;
    accept(checker, it, KindName::Topic);
    fields.check_existing(&mut checker.faults);
    check_fifo_only(checker, it, Noun::Topic);
    if let Some(text) = fields.text("display_name")
        && text.value.chars().count() > 100
    {
        checker.report(
            Diagnostic::new(
                Code::OutOfRange,
                text.span,
                format!("`display_name` of {} is too long", fields.owner),
                format!("{} characters", text.value.chars().count()),
            )
            .help("at most 100 characters"),
        );
    }
    let kms_key = fields.text("kms_key").and_then(|key| {
        check_key(checker, &fields.owner, key, "sns");
        keys::named(checker, it, key, Noun::Topic)
    });
    check_delivery_policy(checker, it);
    check_archive(checker, it);
    let (optional, feedback_roles) = optional(checker, it);
    let tags = names::tags_of(checker, it);
    let standing = checker.standing(Noun::Topic, it.name)?.clone();
    Some(Topic {
        account: standing.account,
        arn: standing.arn?,
        existing: standing.existing,
        fifo: standing.fifo,
        content_based_deduplication: fields.flag("content_based_deduplication"),
        message_group_throughput: fields.flag("message_group_throughput"),
        display_name: fields.text_or_empty("display_name"),
        kms_key,
        delivery_policy: fields
            .get("delivery_policy")
            .and_then(|it| match &it.value {
                Item::Json(value, _) => Some(value.clone()),
                _ => None,
            }),
        signature_version: u8::try_from(fields.whole_or_default("signature_version")).unwrap_or(1),
        tracing: fields.flag("tracing"),
        optional,
        feedback_roles,
        tags,
        owner_statement: !fields.is_written("owner_statement") || fields.flag("owner_statement"),
        tls_only: fields.flag("tls_only"),
        exclusive: fields.flag("exclusive"),
    })
}

fn check_delivery_policy(checker: &mut Checker<'_>, it: &Declared<'_>) {
    if let Some(item) = it.fields.get("delivery_policy")
        && let Item::Json(value, node) = &item.value
        && let Some((at, wrong)) = delivery::refusal(value)
    {
        let place = match at.as_str() {
            "" => it.fields.key_of("delivery_policy").unwrap_or(item.span),
            at => node.at(at),
        };
        let owner = &it.fields.owner;
        checker.report(
            Diagnostic::new(
                Code::WrongType,
                place,
                format!("the delivery policy of {owner} is not one SNS takes"),
                format!("{at} {wrong}").trim_start().to_owned(),
            )
            .help("it is written as SNS's JSON: `{ http = { defaultHealthyRetryPolicy = { minDelayTarget = 5, maxDelayTarget = 20, numRetries = 10 } } }`"),
        );
    }
}

/// The attributes that are managed only where they are set, by SNS's names: as they are, and those that name roles.
fn optional(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
) -> (
    BTreeMap<&'static str, String>,
    BTreeMap<&'static str, RoleRef>,
) {
    let standing = checker.standing(Noun::Topic, it.name).cloned();
    let (mut plain, mut roles) = (BTreeMap::new(), BTreeMap::new());
    for (field, attribute) in OPTIONAL {
        if let Some(text) = it.fields.text(field) {
            let owner = &it.fields.owner;
            let role = passed::passed(checker, text, owner, standing.as_ref(), passed::SNS);
            roles.extend(role.map(|role| (attribute, role)));
        } else if let Some(value) = it.fields.get(field) {
            let text = match &value.value {
                Item::Json(value, _) => value.to_string(),
                _ => it.fields.whole_or_default(field).to_string(),
            };
            plain.insert(attribute, text);
        }
    }
    (plain, roles)
}

fn check_archive(checker: &mut Checker<'_>, it: &Declared<'_>) {
    let Some(item) = it.fields.get("archive_policy") else {
        return;
    };
    let (Some(key), Item::Json(value, _)) = (it.fields.key_of("archive_policy"), &item.value)
    else {
        return;
    };
    if !it.fields.flag("fifo") && !it.fields.is_written("existing") {
        checker.report(
            Diagnostic::new(
                Code::Conflict,
                key,
                format!("{} is not FIFO, and has `archive_policy`", it.fields.owner),
                "only FIFO topics archive messages",
            )
            .help("add `fifo = true` (which replaces a topic that exists), or remove `archive_policy`"),
        );
    }
    let days = &value["MessageRetentionPeriod"];
    let days = days.as_u64().or_else(|| days.as_str()?.parse().ok());
    let alone = value.as_object().is_some_and(|it| it.len() == 1);
    if !alone || !days.is_some_and(|it| (1..=365).contains(&it)) {
        checker.report(
            Diagnostic::new(
                Code::OutOfRange,
                key,
                format!(
                    "`archive_policy` of {} is not one that SNS takes",
                    it.fields.owner
                ),
                "needs a retention of 1 to 365 days, and nothing else",
            )
            .help("write `archive_policy = { MessageRetentionPeriod = 30 }`"),
        );
    }
}

/// Reports a text that names no KMS key, or one that AWS keeps for another service.
///
/// See <https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-cmk>.
pub(super) fn check_key(checker: &mut Checker<'_>, owner: &str, key: Spanned<&str>, service: &str) {
    if key.value.is_empty() || key.value.contains(char::is_whitespace) {
        checker.report(
            Diagnostic::new(
                Code::Name,
                key.span,
                format!("`{}` is not a KMS key", key.value),
                "not an id, an ARN or an alias",
            )
            .help("write `alias/NAME`, a key's id or its ARN; leave it out for none"),
        );
    }
    if let Some((_, other)) = key.value.split_once("alias/aws/")
        && other != service
    {
        checker.report(
            Diagnostic::new(
                Code::Unsupported,
                key.span,
                format!("{owner} cannot be encrypted with the key of another service"),
                "AWS lets this key be used through that service only",
            )
            .help(format!("write `alias/aws/{service}`, or a key of your own")),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{faults, faults_of};

    #[test]
    fn a_topic_has_a_name_that_sns_takes() {
        snapbox::assert_data_eq!(
            faults("[topics.a]\nname = \"a.b\"\n"),
            snapbox::str![[r#"
E0203: topic `a` cannot have the topic name `a.b` [`.` cannot stand here] help: 1 to 256 letters, digits, `-` and `_`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.a]\nname = \"a.fifo\"\n"),
            snapbox::str![[r#"
E0203: topic `a` is not FIFO, and its name ends in `.fifo` [only FIFO names end so] help: add `fifo = true`, or take `.fifo` from the name

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.a]\nname = \"a\"\nfifo = true\n"),
            snapbox::str![[r#"
E0203: topic `a` is FIFO, and its name does not end in `.fifo` [without `.fifo` | FIFO here] AWS wants the ending: "a.fifo"

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.\"a.fifo\"]\nfifo = true\n"),
            snapbox::str![[r#"
E0203: topic `a.fifo` has a dot in its name [`.fifo` is added by itself] help: write `[topics.a]` and under it `fifo = true`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.\"a b\"]\n"),
            snapbox::str![[r#"
E0203: a topic cannot have the name `a b` [a space cannot stand here] help: 1 to 64 letters, digits, `-` and `_`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.a]\nname = \"\"\n"),
            snapbox::str![[r#"
E0203: topic `a` cannot have the topic name `` [empty] help: 1 to 256 letters, digits, `-` and `_`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.a]\ncontent_based_deduplication = true\n"),
            snapbox::str![[r#"
E0105: topic `a` is not FIFO, and has `content_based_deduplication` [only FIFO topics have it] help: add `fifo = true` (which replaces a topic that exists), or remove `content_based_deduplication`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.a]\nsignature_version = 3\n"),
            snapbox::str![[r#"
E0104: `signature_version` of topic `a` is out of range [must be from 1 to 2]

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.a]\nkms_key = \"\"\n"),
            snapbox::str![[r#"
E0203: `` is not a KMS key [not an id, an ARN or an alias] help: write `alias/NAME`, a key's id or its ARN; leave it out for none

"#]]
        );
    }

    #[test]
    fn a_topic_logs_its_deliveries_with_roles_of_its_own_account() {
        snapbox::assert_data_eq!(
            faults(
                "[roles.logs]\ntrusted_by = \"sns.amazonaws.com\"\n[topics.a]\nsqs_success_feedback_role = \"roles.logs\"\nsqs_success_feedback_sample_rate = 100\nlambda_failure_feedback_role = \"arn:aws:iam::111111111111:role/sns-logs\"\n"
            ),
            snapbox::str![[r#"
no fault

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[topics.a]\nsqs_failure_feedback_role = \"arn:aws:iam::999999999999:role/x\"\nhttp_success_feedback_sample_rate = 101\n"
            ),
            snapbox::str![[r#"
E0303: topic `a` cannot work under a role of another account [in account 999999999999 | in account 111111111111] help: SNS is passed roles of the topic's own account only: declare one there
E0104: `http_success_feedback_sample_rate` of topic `a` is out of range [must be from 0 to 100]

"#]]
        );
    }

    #[test]
    fn only_a_fifo_topic_archives_messages_and_for_a_year_at_most() {
        snapbox::assert_data_eq!(
            faults(
                "[topics.a]\nfifo = true\narchive_policy = { MessageRetentionPeriod = 30 }\n[topics.b]\nfifo = true\narchive_policy = { MessageRetentionPeriod = \"365\" }\n"
            ),
            snapbox::str![[r#"
no fault

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[topics.a]\narchive_policy = { MessageRetentionPeriod = 30 }\n[topics.b]\nfifo = true\narchive_policy = { MessageRetentionPeriod = 366 }\n"
            ),
            snapbox::str![[r#"
E0105: topic `a` is not FIFO, and has `archive_policy` [only FIFO topics archive messages] help: add `fifo = true` (which replaces a topic that exists), or remove `archive_policy`
E0104: `archive_policy` of topic `b` is not one that SNS takes [needs a retention of 1 to 365 days, and nothing else] help: write `archive_policy = { MessageRetentionPeriod = 30 }`

"#]]
        );
    }

    #[test]
    fn a_topic_name_is_taken_once_in_an_account_and_region() {
        snapbox::assert_data_eq!(
            faults_of(
                "[accounts.a]\nid = \"111111111111\"\n[accounts.b]\nid = \"111111111111\"\n[topics.x]\naccount = \"a\"\nname = \"e\"\n[topics.y]\naccount = \"b\"\nname = \"e\"\n"
            ),
            snapbox::str![[r#"
E0202: topics `x` and `y` are both called `e` in account 111111111111, region eu-west-1 [the name is taken | by topic `x`] help: AWS keeps one topic of a name in an account and region: give one another `name`

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of(
                "[accounts.a]\nid = \"111111111111\"\n[accounts.b]\nid = \"111111111111\"\nregion = \"us-east-1\"\n[topics.x]\naccount = \"a\"\nname = \"e\"\n[topics.y]\naccount = \"b\"\nname = \"e\"\n"
            ),
            snapbox::str![[r#"
no fault

"#]]
        );
        snapbox::assert_data_eq!(
            faults_of(
                "[accounts.a]\nid = \"111111111111\"\n[topics.x]\nname = \"e\"\n[topics.y]\nexisting = \"arn:aws:sns:eu-west-1:111111111111:e\"\n"
            ),
            snapbox::str![[r#"
E0202: topics `x` and `y` are both called `e` in account 111111111111, region eu-west-1 [the name is taken | by topic `x`] help: AWS keeps one topic of a name in an account and region: give one another `name`

"#]]
        );
    }

    #[test]
    fn an_existing_topic_may_lie_outside_the_stacks_accounts() {
        snapbox::assert_data_eq!(
            faults("[topics.a]\nexisting = \"arn:aws:sns:eu-west-1:999999999999:e\"\n"),
            snapbox::str![[r#"
no fault

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[topics.a]\nexisting = \"arn:aws:sns:eu-west-1:999999999999:e\"\nfifo = true\ntags = { a = \"b\" }\n"
            ),
            snapbox::str![[r#"
E0105: `fifo` cannot be set on an existing topic [describes the topic itself | something else made it, and keeps it] help: remove `fifo`; or remove `existing`, and the topic becomes this stack's own
E0105: `tags` cannot be set on an existing topic [describes the topic itself | something else made it, and keeps it] help: remove `tags`; or remove `existing`, and the topic becomes this stack's own

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.a]\nexisting = \"arn:aws:sqs:eu-west-1:999999999999:e\"\n"),
            snapbox::str![[r#"
E0102: `arn:aws:sqs:eu-west-1:999999999999:e` is not a topic's ARN [an ARN of `sqs`, not of `sns`]

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.a]\nexisting = \"arn:aws:sns::999999999999:e\"\n"),
            snapbox::str![[r#"
E0102: `arn:aws:sns::999999999999:e` is not a topic's ARN [has no region] help: write `arn:aws:sns:REGION:ACCOUNT:NAME`

"#]]
        );
        snapbox::assert_data_eq!(
            faults("[topics.a]\nexisting = \"arn:aws:sns:cn-north-1:999999999999:e\"\n"),
            snapbox::str![[r#"
E0102: `arn:aws:sns:cn-north-1:999999999999:e` is not a topic's ARN [its region is in another partition] help: write `arn:aws:sns:REGION:ACCOUNT:NAME`

"#]]
        );
        snapbox::assert_data_eq!(
            faults(
                "[topics.a]\nexisting = \"arn:aws:sns:eu-west-1:999999999999:e\"\naccount = \"shop\"\n"
            ),
            snapbox::str![[r#"
E0303: `arn:aws:sns:eu-west-1:999999999999:e` is not in account `shop` [in account 999999999999, region eu-west-1 | `shop` is 111111111111 in eu-west-1] help: correct one of them; or leave `account` out, for the ARN says where it is

"#]]
        );
    }

    #[test]
    fn a_key_that_aws_keeps_for_another_service_encrypts_nothing_here() {
        for (text, service) in [
            ("[topics.a]\nkms_key = \"alias/aws/sqs\"\n", "sns"),
            (
                "[queues.a]\nencryption = { kms = \"alias/aws/sns\" }\n",
                "sqs",
            ),
            (
                "[queues.a]\nencryption = { kms = \"arn:aws:kms:eu-west-1:111111111111:alias/aws/s3\" }\n",
                "sqs",
            ),
        ] {
            let found = faults(text);
            assert!(found.contains("the key of another service"), "{found}");
            assert!(
                found.contains(&format!("write `alias/aws/{service}`")),
                "{found}"
            );
        }
        assert!(!faults("[topics.a]\nkms_key = \"alias/aws/sns\"\n").contains("another service"));
    }
}
