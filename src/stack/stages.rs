//! `stage` of `[apis.NAME]`: the stage that serves an API.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-stages.html>.

use std::collections::BTreeMap;

use crate::model::Arn;

use super::checker::{Checker, Declared, Standing};
use super::diagnostic::{Code, Diagnostic};
use super::fields::Fields;
use super::shape::{Field, Kind, Shape};
use super::syntax::Spanned;
use super::{LogLevel, Stage, names};

pub(super) const STAGE: Shape = Shape {
    noun: "stage",
    doc: "An API's stage. A text is the name alone.",
    fields: &[
        Field::new(
            "name",
            Kind::Text,
            "The name: the first segment of the URL. Changing it replaces the stage.",
        )
        .default("\"live\""),
        Field::new("description", Kind::Text, "What the stage is for."),
        Field::new("variables", Kind::Map(&Kind::Text), "Stage variables."),
        Field::new(
            "rate",
            Kind::Number(0.0),
            "The steady rate over all methods, in requests a second.",
        )
        .alias(&["throttling_rate_limit", "rate_limit"]),
        Field::new(
            "burst",
            Kind::Whole(0, 2_147_483_647),
            "The burst over all methods, in requests.",
        )
        .alias(&["throttling_burst_limit", "burst_limit"]),
        Field::new(
            "log_level",
            Kind::OneOf(&["off", "error", "info"]),
            "Execution logs. API Gateway needs a CloudWatch role in the account for them.",
        )
        .default("\"off\"")
        .alias(&["logging", "logging_level"]),
        Field::new(
            "data_trace",
            Kind::Flag,
            "Execution logs hold whole requests.",
        )
        .default("false"),
        Field::new("metrics", Kind::Flag, "Keep detailed metrics.")
            .default("false")
            .alias(&["metrics_enabled"]),
        Field::new("tracing", Kind::Flag, "X-Ray traces.")
            .default("false")
            .alias(&["xray", "tracing_enabled"]),
        Field::new(
            "access_log",
            Kind::Table(&ACCESS_LOG),
            "Where access logs go.",
        )
        .alias(&["access_logs", "access_log_settings"]),
    ],
    one_of: &[],
};

const ACCESS_LOG: Shape = Shape {
    noun: "access log",
    doc: "Access logs of a stage.",
    fields: &[
        Field::new("destination", Kind::Text, "ARN of the log group, or of the Firehose delivery stream (`amazon-apigateway-…`).").required().alias(&["destination_arn", "arn", "log_group"]),
        Field::new("format", Kind::Text, "A line's format, with `$context` variables; `$context.requestId` or `$context.extendedRequestId` must be among them.").default("\"$context.requestId $context.identity.userArn $context.httpMethod $context.resourcePath $context.status\""),
    ],
    one_of: &[],
};

/// The stage an API asks for; the usual one, where it asks for none.
pub(super) fn stage(
    checker: &mut Checker<'_>,
    it: &Declared<'_>,
    standing: Option<&Standing>,
) -> Stage {
    let item = it.fields.get("stage");
    let fields = item.and_then(Spanned::fields);
    let name = match fields {
        Some(fields) => fields.text("name"),
        None => it.fields.text("stage"),
    };
    if let Some(text) = &name
        && let Some(refusal) = names::STAGE.refuses(text.value)
    {
        checker.report(refusal.at(&it.fields.owner, text.span));
    }
    let mut stage = Stage {
        name: name.map_or("live", |it| it.value).to_owned(),
        description: String::new(),
        variables: BTreeMap::new(),
        tracing: false,
        rate: None,
        burst: None,
        log_level: LogLevel::Off,
        data_trace: false,
        metrics: false,
        access_log: None,
    };
    let Some(fields) = fields else { return stage };
    if it.fields.is_written("existing") {
        for field in STAGE.fields.iter().filter(|it| it.name != "name") {
            if let Some(key) = fields.key_of(field.name) {
                checker.report(
                    Diagnostic::new(
                        Code::Conflict,
                        key,
                        format!("`{}` cannot be set on an existing api's stage", field.name),
                        "describes the stage itself",
                    )
                    .help("of an existing API only the stage's name is needed: `stage = \"…\"`"),
                );
            }
        }
    }
    stage.description = fields.text_or_empty("description");
    stage.tracing = fields.flag("tracing");
    stage.rate = fields.number("rate");
    stage.burst = fields.whole("burst").map(|it| it.value);
    let throttle = [
        ("rate", stage.rate == Some(0.0)),
        ("burst", stage.burst == Some(0)),
    ];
    for (name, _) in throttle.into_iter().filter(|it| it.1) {
        if let Some(key) = fields.key_of(name) {
            checker.warnings.push(
                Diagnostic::new(
                    Code::OutOfRange,
                    key,
                    format!("{} lets no call through", fields.owner),
                    "each call gets status 429",
                )
                .help(format!(
                    "write a `{name}` above 0, or leave it out for the account's"
                )),
            );
        }
    }
    stage.log_level = match fields.text_or_default("log_level") {
        "info" => LogLevel::Info,
        "error" => LogLevel::Error,
        _ => LogLevel::Off,
    };
    stage.data_trace = fields.flag("data_trace");
    stage.metrics = fields.flag("metrics");
    stage.variables = variables(checker, fields);
    stage.access_log = fields
        .fields("access_log")
        .and_then(|it| access_log(checker, it, standing));
    if let (true, LogLevel::Off, Some(key)) = (
        stage.data_trace,
        stage.log_level,
        fields.key_of("data_trace"),
    ) {
        checker.report(
            Diagnostic::new(
                Code::Conflict,
                key,
                format!(
                    "{} logs nothing, and would hold whole requests",
                    fields.owner
                ),
                "there are no execution logs",
            )
            .help("add `log_level = \"info\"`, or remove `data_trace`"),
        );
    }
    stage
}

fn variables(checker: &mut Checker<'_>, fields: &Fields) -> BTreeMap<String, String> {
    let entries = fields.map("variables");
    let mut found = BTreeMap::new();
    for (key, value) in entries {
        let Some(text) = value.text() else { continue };
        if let Some(refusal) = names::VARIABLE.refuses(&key.value) {
            checker.report(refusal.at(&fields.owner, key.span));
        }
        if let Some(refusal) = names::VARIABLE_VALUE.refuses(text) {
            checker.report(refusal.at(&fields.owner, value.span));
        }
        found.insert(key.value.clone(), text.to_owned());
    }
    if entries.len() > 100
        && let Some(key) = fields.key_of("variables")
    {
        checker.report(
            Diagnostic::new(
                Code::OutOfRange,
                key,
                format!("{} has {} variables", fields.owner, entries.len()),
                "API Gateway takes 100",
            )
            .help("keep 100"),
        );
    }
    found
}

fn access_log(
    checker: &mut Checker<'_>,
    fields: &Fields,
    standing: Option<&Standing>,
) -> Option<(Arn, String)> {
    let text = fields.text("destination")?;
    let span = text.span;
    let wrong = match Arn::parse(text.value) {
        Ok(arn) if !matches!(arn.service(), "logs" | "firehose") => {
            Some("neither CloudWatch Logs nor Firehose")
        }
        Ok(arn)
            if arn.service() == "firehose"
                && !arn
                    .resource()
                    .starts_with("deliverystream/amazon-apigateway-") =>
        {
            Some("a stream's name must begin with `amazon-apigateway-`")
        }
        Ok(_) => None,
        Err(_) => Some("not an ARN"),
    };
    if let Some(label) = wrong {
        checker.report(
            Diagnostic::new(
                Code::WrongType,
                span,
                format!("access logs cannot go to `{}`", text.value),
                label,
            )
            .help("write the ARN of a log group, or of a Firehose delivery stream"),
        );
        return None;
    }
    let format = fields.text_or_default("format").to_owned();
    if !format.contains("$context.requestId") && !format.contains("$context.extendedRequestId") {
        let at = fields.get("format").map_or(span, |it| it.span);
        checker.report(
            Diagnostic::new(
                Code::WrongType,
                at,
                "a line of access logs must say which request it is of",
                "no `$context.requestId`",
            )
            .help("API Gateway asks for `$context.requestId` or `$context.extendedRequestId` in the format"),
        );
    }
    let arn = Arn::parse(text.value).ok()?;
    if let Some(standing) = standing {
        checker.check_partition(Spanned::new(&arn, span), standing.partition, "the API");
    }
    Some((arn, format))
}
