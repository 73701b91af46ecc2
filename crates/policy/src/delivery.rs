//! Delivery policies of SNS topics: which of them SNS takes.
//!
//! See <https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html>.

use serde_json::{Map, Value};

/// The longest that all retries together may take, and the longest delay, in seconds.
const LONGEST: u64 = 3600;
/// The most retries.
const MOST_RETRIES: u64 = 100;

/// The first thing in a topic's delivery policy that SNS refuses: the element's path, and what is wrong.
#[must_use]
pub fn refusal(policy: &Value) -> Option<(String, String)> {
    judge(policy).err()
}

type Judged<T> = Result<T, (String, String)>;

fn wrong<T>(at: &str, message: impl Into<String>) -> Judged<T> {
    Err((at.to_owned(), message.into()))
}

/// The object at a path, when it has none but known fields.
fn object<'a>(value: &'a Value, at: &str, known: &[&str]) -> Judged<&'a Map<String, Value>> {
    let Value::Object(fields) = value else {
        return wrong(at, "must be an object");
    };
    match fields.keys().find(|it| !known.contains(&it.as_str())) {
        Some(other) => {
            let at = if at.is_empty() {
                other.clone()
            } else {
                format!("{at}.{other}")
            };
            wrong(
                &at,
                format!("no such field; there are {}", known.join(", ")),
            )
        }
        None => Ok(fields),
    }
}

fn whole(
    fields: &Map<String, Value>,
    name: &str,
    at: &str,
    range: (u64, u64),
) -> Judged<Option<u64>> {
    let Some(value) = fields.get(name).filter(|it| !it.is_null()) else {
        return Ok(None);
    };
    let number = value.as_u64().filter(|it| (range.0..=range.1).contains(it));
    if number.is_some() {
        return Ok(number);
    }
    let range = match range {
        (least, u64::MAX) => format!("{least} or more"),
        (least, most) => format!("from {least} to {most}"),
    };
    wrong(
        &format!("{at}.{name}"),
        format!("must be a whole number, {range}"),
    )
}

fn judge(policy: &Value) -> Judged<()> {
    let top = object(policy, "", &["http"])?;
    let Some(http) = top.get("http") else {
        return wrong("http", "is missing: only HTTP deliveries have a policy");
    };
    let http = object(
        http,
        "http",
        &[
            "defaultHealthyRetryPolicy",
            "defaultRequestPolicy",
            "defaultThrottlePolicy",
            "disableSubscriptionOverrides",
        ],
    )?;
    if http
        .get("disableSubscriptionOverrides")
        .is_some_and(|it| !it.is_boolean())
    {
        return wrong("http.disableSubscriptionOverrides", "must be true or false");
    }
    if let Some(throttle) = http.get("defaultThrottlePolicy").filter(|it| !it.is_null()) {
        let at = "http.defaultThrottlePolicy";
        let throttle = object(throttle, at, &["maxReceivesPerSecond"])?;
        whole(throttle, "maxReceivesPerSecond", at, (1, u64::MAX))?;
    }
    if let Some(request) = http.get("defaultRequestPolicy").filter(|it| !it.is_null()) {
        let at = "http.defaultRequestPolicy";
        let request = object(request, at, &["headerContentType"])?;
        let kind = request.get("headerContentType");
        if kind.is_some_and(|it| !it.is_null() && !it.as_str().is_some_and(is_of_a_topic)) {
            return wrong(
                &format!("{at}.headerContentType"),
                "must be application/json, application/xml or text/plain; SNS sends others only to a subscription with raw delivery",
            );
        }
    }
    match http
        .get("defaultHealthyRetryPolicy")
        .filter(|it| !it.is_null())
    {
        Some(retry) => retries(retry),
        None => Ok(()),
    }
}

/// Whether SNS sends notifications of this media type for a topic's policy.
///
/// The page of `SetTopicAttributes` names XML too, the page of the policies does not. Of parameters only a charset is
/// documented, in SNS's default; what others do is not.
fn is_of_a_topic(media_type: &str) -> bool {
    let kind = media_type.split(';').next().unwrap_or_default().trim();
    ["application/json", "application/xml", "text/plain"]
        .contains(&kind.to_ascii_lowercase().as_str())
}

/// Returns the seconds that all retries take at least, twice, so that a half is whole.
///
/// The delays of a linear backoff are known; of the other functions SNS documents only the first and the last.
fn twice_the_least(
    least: u64,
    most: u64,
    [plain, min, max]: [u64; 3],
    retries: u64,
    linear: bool,
) -> u64 {
    let backoff = match retries - plain - min - max {
        0 => 0,
        1 => 2 * least,
        it if linear => it * (least + most),
        it => 2 * ((it - 1) * least + most),
    };
    2 * (min * least + max * most) + backoff
}

fn retries(retry: &Value) -> Judged<()> {
    let at = "http.defaultHealthyRetryPolicy";
    let fields = object(
        retry,
        at,
        &[
            "minDelayTarget",
            "maxDelayTarget",
            "numRetries",
            "numNoDelayRetries",
            "numMinDelayRetries",
            "numMaxDelayRetries",
            "backoffFunction",
        ],
    )?;
    let number = |name: &str, range| whole(fields, name, at, range);
    let least = number("minDelayTarget", (1, LONGEST))?.unwrap_or(20);
    let most = number("maxDelayTarget", (1, LONGEST))?.unwrap_or(20.max(least));
    let retries = number("numRetries", (0, MOST_RETRIES))?.unwrap_or(3);
    let phase = |name: &str| number(name, (0, MOST_RETRIES)).map(Option::unwrap_or_default);
    let phases = [
        phase("numNoDelayRetries")?,
        phase("numMinDelayRetries")?,
        phase("numMaxDelayRetries")?,
    ];
    let backoff = fields.get("backoffFunction").filter(|it| !it.is_null());
    let backoff = backoff.map_or("linear", |it| it.as_str().unwrap_or_default());
    if least > most {
        return wrong(
            &format!("{at}.minDelayTarget"),
            "must not be more than maxDelayTarget",
        );
    }
    if phases.iter().sum::<u64>() > retries {
        return wrong(
            &format!("{at}.numRetries"),
            "is less than the retries of its phases together",
        );
    }
    if !["arithmetic", "exponential", "geometric", "linear"].contains(&backoff) {
        return wrong(
            &format!("{at}.backoffFunction"),
            "must be arithmetic, exponential, geometric or linear",
        );
    }
    if twice_the_least(least, most, phases, retries, backoff == "linear") > 2 * LONGEST {
        return wrong(
            &format!("{at}.numRetries"),
            "all retries together take more than 3600 seconds",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(policy: &str) -> String {
        let policy = serde_json::from_str(policy).expect("JSON");
        refusal(&policy).map_or_else(String::new, |(at, message)| format!("{at}: {message}"))
    }

    #[test]
    fn what_sns_documents_is_taken() {
        for good in [
            r#"{"http": {}}"#,
            r#"{"http": {"disableSubscriptionOverrides": false, "defaultRequestPolicy": {"headerContentType": "text/plain; charset=UTF-8"}}}"#,
            r#"{"http": {"defaultHealthyRetryPolicy": {"minDelayTarget": 5, "maxDelayTarget": 6, "numRetries": 1}}}"#,
            r#"{"http": {"defaultHealthyRetryPolicy": {"minDelayTarget": 1, "maxDelayTarget": 60, "numRetries": 50, "numNoDelayRetries": 3, "numMinDelayRetries": 2, "numMaxDelayRetries": 35, "backoffFunction": "exponential"}, "defaultThrottlePolicy": {"maxReceivesPerSecond": 10}}}"#,
        ] {
            assert_eq!(refused(good), "", "{good}");
        }
    }

    #[test]
    fn what_is_out_of_its_range_or_unknown_is_refused() {
        let retry = |fields: &str| {
            refused(&format!(
                r#"{{"http": {{"defaultHealthyRetryPolicy": {{{fields}}}}}}}"#
            ))
        };
        for (fields, expected) in [
            (
                r#""numRetries": 101"#,
                "numRetries: must be a whole number, from 0 to 100",
            ),
            (
                r#""numRetries": "3""#,
                "numRetries: must be a whole number, from 0 to 100",
            ),
            (
                r#""minDelayTarget": 0"#,
                "minDelayTarget: must be a whole number, from 1 to 3600",
            ),
            (
                r#""maxDelayTarget": 3601"#,
                "maxDelayTarget: must be a whole number, from 1 to 3600",
            ),
            (
                r#""minDelayTarget": 30, "maxDelayTarget": 20"#,
                "minDelayTarget: must not be more than maxDelayTarget",
            ),
            (
                r#""numRetries": 2, "numNoDelayRetries": 3"#,
                "numRetries: is less than the retries of its phases together",
            ),
            (
                r#""backoffFunction": "cubic""#,
                "backoffFunction: must be arithmetic, exponential, geometric or linear",
            ),
            (
                r#""minDelayTarget": 60, "maxDelayTarget": 60, "numRetries": 61"#,
                "numRetries: all retries together take more than 3600 seconds",
            ),
        ] {
            let expected = format!("http.defaultHealthyRetryPolicy.{expected}");
            assert_eq!(retry(fields), expected);
        }
        assert!(
            retry(r#""retries": 3"#)
                .starts_with("http.defaultHealthyRetryPolicy.retries: no such field")
        );
        for (policy, expected) in [
            ("[]", ": must be an object"),
            ("{}", "http: is missing: only HTTP deliveries have a policy"),
            (r#"{"sqs": {}}"#, "sqs: no such field; there are http"),
            (
                r#"{"http": {"disableSubscriptionOverrides": "no"}}"#,
                "http.disableSubscriptionOverrides: must be true or false",
            ),
            (
                r#"{"http": {"defaultThrottlePolicy": {"maxReceivesPerSecond": 0}}}"#,
                "http.defaultThrottlePolicy.maxReceivesPerSecond: must be a whole number, 1 or more",
            ),
            (
                r#"{"http": {"defaultRequestPolicy": {"headerContentType": "json"}}}"#,
                "http.defaultRequestPolicy.headerContentType: must be application/json, application/xml or text/plain; SNS sends others only to a subscription with raw delivery",
            ),
        ] {
            assert_eq!(refused(policy), expected);
        }
    }

    /// <https://docs.aws.amazon.com/sns/latest/dg/creating-delivery-policy.html>
    #[test]
    fn all_retries_together_take_an_hour_at_most() {
        for (fields, fits) in [
            (
                r#""minDelayTarget": 3600, "maxDelayTarget": 3600, "numRetries": 1"#,
                true,
            ),
            (
                r#""minDelayTarget": 1801, "maxDelayTarget": 1801, "numRetries": 2"#,
                false,
            ),
            (
                r#""minDelayTarget": 1801, "maxDelayTarget": 1801, "numRetries": 2, "numMinDelayRetries": 1"#,
                false,
            ),
            // A linear backoff: half of 40 and 80 each.
            (
                r#""minDelayTarget": 40, "maxDelayTarget": 80, "numRetries": 60"#,
                true,
            ),
            (
                r#""minDelayTarget": 40, "maxDelayTarget": 80, "numRetries": 61"#,
                false,
            ),
            // Of the others, at least the first delay each, and the last one once.
            (
                r#""minDelayTarget": 40, "maxDelayTarget": 80, "numRetries": 89, "backoffFunction": "exponential""#,
                true,
            ),
            (
                r#""minDelayTarget": 40, "maxDelayTarget": 80, "numRetries": 90, "backoffFunction": "geometric""#,
                false,
            ),
            (
                r#""minDelayTarget": 3600, "maxDelayTarget": 3600, "numRetries": 9, "numNoDelayRetries": 8"#,
                true,
            ),
            (
                r#""minDelayTarget": 60, "maxDelayTarget": 60, "numRetries": 60, "numMinDelayRetries": 60"#,
                true,
            ),
            (
                r#""minDelayTarget": 60, "maxDelayTarget": 60, "numRetries": 61, "numMinDelayRetries": 61"#,
                false,
            ),
            (
                r#""minDelayTarget": 60, "maxDelayTarget": 100, "numRetries": 48, "numMinDelayRetries": 30, "numMaxDelayRetries": 18"#,
                true,
            ),
            (
                r#""minDelayTarget": 60, "maxDelayTarget": 100, "numRetries": 49, "numMinDelayRetries": 30, "numMaxDelayRetries": 19"#,
                false,
            ),
            (
                r#""minDelayTarget": 1, "maxDelayTarget": 1200, "numRetries": 4, "numMinDelayRetries": 1, "numMaxDelayRetries": 2"#,
                true,
            ),
        ] {
            let found = refused(&format!(
                r#"{{"http": {{"defaultHealthyRetryPolicy": {{{fields}}}}}}}"#
            ));
            let expected = if fits {
                ""
            } else {
                "http.defaultHealthyRetryPolicy.numRetries: all retries together take more than 3600 seconds"
            };
            assert_eq!(found, expected, "{fields}");
        }
    }
}
