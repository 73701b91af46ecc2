// What roles.till may do by the stack clients.
//
// cargo add aws-config
// cargo add aws-credential-types
// cargo add aws-sdk-sns
// cargo add aws-sdk-sqs
// cargo add aws-sigv4
// cargo add reqwest
// cargo add uuid --features v4
// cargo add tokio --features macros,rt
//
// Credentials are found where every AWS tool finds them. They must be those of
// arn:aws:iam::111111111111:role/provision/clients/till.
//
//   cargo run -- call-orders GET /orders/17
//   cargo run -- call-prices GET /prices/17
//   cargo run -- publish-order-events '{"id":"17"}'
//   cargo run -- publish-ledger GROUP '{"id":"17"}'
//   cargo run -- publish-audit GROUP '{"id":"17"}'
//   cargo run -- send-jobs '{"id":"17"}'
//   cargo run -- receive-jobs
//   cargo run -- send-tasks GROUP '{"id":"17"}'

use std::process::ExitCode;
use std::time::SystemTime;

use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// The caller's own settings and credentials.
async fn own(region: &'static str) -> SdkConfig {
    let settings = aws_config::defaults(BehaviorVersion::latest());
    settings.region(Region::new(region)).load().await
}

/// The same under another role; its credentials renew themselves.
async fn assumed(region: &'static str, role: &str, external_id: Option<&str>) -> SdkConfig {
    let own = own(region).await;
    let mut role = AssumeRoleProvider::builder(role)
        .configure(&own)
        .session_name("till");
    if let Some(id) = external_id {
        role = role.external_id(id);
    }
    let provider = SharedCredentialsProvider::new(role.build().await);
    own.into_builder().credentials_provider(provider).build()
}

/// Percent-encodes all but unreserved characters and those to keep; escapes stay as they are.
fn escaped(text: &str, keep: &str) -> String {
    let mut out = String::new();
    for (at, byte) in text.bytes().enumerate() {
        let next = text.as_bytes().get(at + 1..at + 3).unwrap_or_default();
        let is_escape = byte == b'%' && next.len() == 2 && next.iter().all(u8::is_ascii_hexdigit);
        let is_kept = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if is_escape || is_kept || keep.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

/// A path with its query as it is sent; AWS signs each parameter and each segment by itself.
fn target(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut out = escaped(path, "/!$&'()*+,=:@");
    let pairs = query.split('&').filter(|it| !it.is_empty());
    for (number, pair) in pairs.enumerate() {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        out.push(if number == 0 { '?' } else { '&' });
        out += &format!("{}={}", escaped(name, ""), escaped(value, ""));
    }
    out
}

/// Whether what a query's escapes stand for is UTF-8.
fn is_utf8(query: &str) -> bool {
    let mut parts = query.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.extend(u8::from_str_radix(part.get(..2).unwrap_or_default(), 16));
        bytes.extend(part.bytes().skip(2));
    }
    String::from_utf8(bytes).is_ok()
}

/// Sends a request to an API, signed: its status and body.
///
/// A service that calls often keeps the credentials for as long as they last.
async fn signed(
    config: &SdkConfig,
    region: &str,
    method: &str,
    url: &str,
    body: &str,
) -> Result<(u16, String), Error> {
    let (_, query) = url.split_once('?').unwrap_or_default();
    if !is_utf8(query) {
        let error = format!("the SDK signs no query with escapes that are not UTF-8: {query}");
        return Err(error.into());
    }
    let keys = config.credentials_provider().ok_or("no credentials")?;
    let identity = keys.provide_credentials().await?.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("execute-api")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()?
        .into();
    let kind = ("content-type", "application/json");
    let payload = SignableBody::Bytes(body.as_bytes());
    let request = SignableRequest::new(method, url, std::iter::once(kind), payload)?;
    let (signature, _) = sign(request, &params)?.into_parts();
    let mut request = reqwest::Client::new()
        .request(method.parse()?, url)
        .header(kind.0, kind.1)
        .body(body.to_owned());
    for (name, value) in signature.headers() {
        request = request.header(name, value);
    }
    let answer = request.send().await?;
    Ok((answer.status().as_u16(), answer.text().await?))
}

/// May call GET /orders/{id}, POST /orders of apis.orders.
///
/// A custom domain, or another way in, is put in its place by the environment.
async fn call_orders(method: &str, path: &str, body: &str) -> Result<(u16, String), Error> {
    let config = own("eu-west-1").await;
    let base = std::env::var("ORDERS_URL").unwrap_or_else(|_| "https://boujifs4mp.execute-api.eu-west-1.amazonaws.com/live".into());
    signed(&config, "eu-west-1", method, &(base + &target(path)), body).await
}

/// May call GET /prices/{id} of apis.prices.
///
/// A custom domain, or another way in, is put in its place by the environment.
async fn call_prices(method: &str, path: &str, body: &str) -> Result<(u16, String), Error> {
    let config = assumed("eu-west-1", "arn:aws:iam::333333333333:role/provision/clients/clients-prices-for-till", None).await;
    let base = std::env::var("PRICES_URL").unwrap_or_else(|_| "https://iuexjscrgv.execute-api.eu-west-1.amazonaws.com/live".into());
    signed(&config, "eu-west-1", method, &(base + &target(path)), body).await
}

/// May publish to topics.order-events: the message's id.
async fn publish_order_events(
    message: &str,
    attributes: &[(&str, &str)],
) -> Result<String, Error> {
    let sns = aws_sdk_sns::Client::new(&own("eu-west-1").await);
    let mut request = sns
        .publish()
        .topic_arn("arn:aws:sns:eu-west-1:333333333333:order-events")
        .message(message);
    for (name, value) in attributes {
        let value = aws_sdk_sns::types::MessageAttributeValue::builder()
            .data_type("String")
            .string_value(*value)
            .build()?;
        request = request.message_attributes(*name, value);
    }
    Ok(request.send().await?.message_id.unwrap_or_default())
}

/// May publish to topics.ledger: the message's id.
async fn publish_ledger(
    group: &str,
    message: &str,
    attributes: &[(&str, &str)],
) -> Result<String, Error> {
    let sns = aws_sdk_sns::Client::new(&assumed("eu-west-1", "arn:aws:iam::333333333333:role/provision/clients/clients-ledger-for-till", None).await);
    let mut request = sns
        .publish()
        .topic_arn("arn:aws:sns:eu-west-1:333333333333:ledger.fifo")
        .message(message)
        .message_group_id(group)
        .message_deduplication_id(uuid::Uuid::new_v4().to_string());
    for (name, value) in attributes {
        let value = aws_sdk_sns::types::MessageAttributeValue::builder()
            .data_type("String")
            .string_value(*value)
            .build()?;
        request = request.message_attributes(*name, value);
    }
    Ok(request.send().await?.message_id.unwrap_or_default())
}

/// May publish to topics.audit: the message's id.
async fn publish_audit(
    group: &str,
    message: &str,
    attributes: &[(&str, &str)],
) -> Result<String, Error> {
    let sns = aws_sdk_sns::Client::new(&own("eu-west-1").await);
    let mut request = sns
        .publish()
        .topic_arn("arn:aws:sns:eu-west-1:333333333333:audit.fifo")
        .message(message)
        .message_group_id(group);
    for (name, value) in attributes {
        let value = aws_sdk_sns::types::MessageAttributeValue::builder()
            .data_type("String")
            .string_value(*value)
            .build()?;
        request = request.message_attributes(*name, value);
    }
    Ok(request.send().await?.message_id.unwrap_or_default())
}

/// May send to queues.jobs: the message's id.
async fn send_jobs(
    message: &str,
    attributes: &[(&str, &str)],
) -> Result<String, Error> {
    let sqs = aws_sdk_sqs::Client::new(&own("eu-west-1").await);
    let mut request = sqs
        .send_message()
        .queue_url("https://sqs.eu-west-1.amazonaws.com/333333333333/jobs")
        .message_body(message);
    for (name, value) in attributes {
        let value = aws_sdk_sqs::types::MessageAttributeValue::builder()
            .data_type("String")
            .string_value(*value)
            .build()?;
        request = request.message_attributes(*name, value);
    }
    Ok(request.send().await?.message_id.unwrap_or_default())
}

/// May receive from queues.jobs: hands each message to `handle`, then deletes it.
///
/// Waits up to 20 seconds for the first one; to go on receiving, call it again and again.
async fn receive_jobs(handle: impl Fn(&str)) -> Result<(), Error> {
    let sqs = aws_sdk_sqs::Client::new(&own("eu-west-1").await);
    let queue = "https://sqs.eu-west-1.amazonaws.com/333333333333/jobs";
    let request = sqs.receive_message().queue_url(queue);
    let answer = request.max_number_of_messages(10).wait_time_seconds(20);
    for message in answer.send().await?.messages() {
        let body = message.body().unwrap_or_default();
        handle(body);
        let done = sqs.delete_message().queue_url(queue);
        done.set_receipt_handle(message.receipt_handle.clone()).send().await?;
    }
    Ok(())
}

/// May send to queues.tasks: the message's id.
async fn send_tasks(
    group: &str,
    message: &str,
    attributes: &[(&str, &str)],
) -> Result<String, Error> {
    let sqs = aws_sdk_sqs::Client::new(&assumed("eu-west-1", "arn:aws:iam::333333333333:role/provision/clients/clients-tasks-for-till", None).await);
    let mut request = sqs
        .send_message()
        .queue_url("https://sqs.eu-west-1.amazonaws.com/333333333333/tasks.fifo")
        .message_body(message)
        .message_group_id(group)
        .message_deduplication_id(uuid::Uuid::new_v4().to_string());
    for (name, value) in attributes {
        let value = aws_sdk_sqs::types::MessageAttributeValue::builder()
            .data_type("String")
            .string_value(*value)
            .build()?;
        request = request.message_attributes(*name, value);
    }
    Ok(request.send().await?.message_id.unwrap_or_default())
}

const USAGE: &[&str] = &[
    "cargo run -- call-orders GET /orders/17",
    "cargo run -- call-prices GET /prices/17",
    "cargo run -- publish-order-events '{\"id\":\"17\"}'",
    "cargo run -- publish-ledger GROUP '{\"id\":\"17\"}'",
    "cargo run -- publish-audit GROUP '{\"id\":\"17\"}'",
    "cargo run -- send-jobs '{\"id\":\"17\"}'",
    "cargo run -- receive-jobs",
    "cargo run -- send-tasks GROUP '{\"id\":\"17\"}'",
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let mut cause: Option<&dyn std::error::Error> = Some(&*error);
            while let Some(it) = cause {
                eprintln!("{it}");
                cause = it.source();
            }
            ExitCode::FAILURE
        }
    }
}

/// Does what the words ask for; whether it came off.
async fn run(words: &[&str]) -> Result<bool, Error> {
    match words {
        ["call-orders", method, path] => Ok(say(call_orders(method, path, "").await?)),
        ["call-orders", method, path, body] => Ok(say(call_orders(method, path, body).await?)),
        ["call-prices", method, path] => Ok(say(call_prices(method, path, "").await?)),
        ["call-prices", method, path, body] => Ok(say(call_prices(method, path, body).await?)),
        ["publish-order-events", message, attributes @ ..] => {
            println!("{}", publish_order_events(message, &pairs(attributes)).await?);
            Ok(true)
        }
        ["publish-ledger", group, message, attributes @ ..] => {
            println!("{}", publish_ledger(group, message, &pairs(attributes)).await?);
            Ok(true)
        }
        ["publish-audit", group, message, attributes @ ..] => {
            println!("{}", publish_audit(group, message, &pairs(attributes)).await?);
            Ok(true)
        }
        ["send-jobs", message, attributes @ ..] => {
            println!("{}", send_jobs(message, &pairs(attributes)).await?);
            Ok(true)
        }
        ["receive-jobs"] => {
            receive_jobs(|it| println!("{it}")).await?;
            Ok(true)
        }
        ["send-tasks", group, message, attributes @ ..] => {
            println!("{}", send_tasks(group, message, &pairs(attributes)).await?);
            Ok(true)
        }
        _ => {
            eprintln!("usage:\n  {}", USAGE.join("\n  "));
            Ok(false)
        }
    }
}

/// Prints an answer; whether it is a good one.
fn say((status, text): (u16, String)) -> bool {
    eprintln!("HTTP {status}");
    println!("{text}");
    (200..300).contains(&status)
}

/// NAME=VALUE words in two.
fn pairs<'a>(words: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    words.iter().filter_map(|it| it.split_once('=')).collect()
}
