//! Rust, with the AWS SDK: `aws-sigv4` signs, any HTTP client sends; here it is reqwest.

use super::{
    Action, Edge, Language, Package, Recipient, any, deduplicates, fill, head, is_call,
    is_of_queue, is_publish, is_send, is_wrapped, language, url_variable, uses,
};

const OWN: &str = r#"
/// The caller's own settings and credentials.
async fn own(region: &'static str) -> SdkConfig {
    let settings = aws_config::defaults(BehaviorVersion::latest());
    settings.region(Region::new(region)).load().await
}
"#;

const ASSUME: &str = r#"
/// The same under another role; its credentials renew themselves.
async fn assumed(region: &'static str, role: &str, external_id: Option<&str>) -> SdkConfig {
    let own = own(region).await;
    let mut role = AssumeRoleProvider::builder(role)
        .configure(&own)
        .session_name(«SESSION»);
    if let Some(id) = external_id {
        role = role.external_id(id);
    }
    let provider = SharedCredentialsProvider::new(role.build().await);
    own.into_builder().credentials_provider(provider).build()
}
"#;

const SIGNED: &str = r#"
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
"#;

const CALL: &str = r#"
/// May «SAYS».
///
/// «REMARK»
async fn «FUNCTION»(method: &str, path: &str, body: &str) -> Result<(u16, String), Error> {
    let config = «CONFIG»;
    let base = std::env::var(«VARIABLE»)«DEFAULT»;
    signed(&config, «REGION», method, &(base + &target(path)), body).await
}
"#;

const SEND: &str = r#"
/// May «SAYS»: the message's id.
async fn «FUNCTION»(
«GROUP»    message: &str,
    attributes: &[(&str, &str)],
) -> Result<String, Error> {
    let «SERVICE» = aws_sdk_«SERVICE»::Client::new(&«CONFIG»);
    let mut request = «SERVICE»
        .«METHOD»()
        .«TO»
        .«BODY»(message)«FIFO»;
    for (name, value) in attributes {
        let value = aws_sdk_«SERVICE»::types::MessageAttributeValue::builder()
            .data_type("String")
            .string_value(*value)
            .build()?;
        request = request.message_attributes(*name, value);
    }
    Ok(request.send().await?.message_id.unwrap_or_default())
}
"#;

const UNWRAPPED: &str = r#"
/// The message that was published, out of SNS's envelope where it comes in one.
fn unwrapped(body: &str) -> String {
    let envelope: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    match envelope["Message"].as_str() {
        Some(message) if envelope["Type"] == "Notification" => message.to_owned(),
        _ => body.to_owned(),
    }
}
"#;

const RECEIVE: &str = r#"
/// May «SAYS»: hands each message to `handle`, then deletes it.
///
/// Waits up to 20 seconds for the first one; to go on receiving, call it again and again.
async fn «FUNCTION»(handle: impl Fn(&str)) -> Result<(), Error> {
    let sqs = aws_sdk_sqs::Client::new(&«CONFIG»);
    let queue = «QUEUE»;
    let request = sqs.receive_message().queue_url(queue);
    let answer = request.max_number_of_messages(10).wait_time_seconds(20);
    for message in answer.send().await?.messages() {
        let body = message.body().unwrap_or_default();
        handle(«BODY»);
        let done = sqs.delete_message().queue_url(queue);
        done.set_receipt_handle(message.receipt_handle.clone()).send().await?;
    }
    Ok(())
}
"#;

const MAIN: &str = r#"
const USAGE: &[&str] = &[
«USES»];

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
«CASES»        _ => {
            eprintln!("usage:\n  {}", USAGE.join("\n  "));
            Ok(false)
        }
    }
}
"#;

const SAY: &str = r#"
/// Prints an answer; whether it is a good one.
fn say((status, text): (u16, String)) -> bool {
    eprintln!("HTTP {status}");
    println!("{text}");
    (200..300).contains(&status)
}
"#;

const PAIRS: &str = r#"
/// NAME=VALUE words in two.
fn pairs<'a>(words: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    words.iter().filter_map(|it| it.split_once('=')).collect()
}
"#;

pub(super) fn client(package: &Package) -> String {
    let assumes = any(package, |it| it.assume.is_some());
    let calls = any(package, is_call);
    let mut needs = vec!["cargo add aws-config".to_owned()];
    let mut add = |needed: bool, name: &str| {
        if needed {
            needs.push(format!("cargo add {name}"));
        }
    };
    add(assumes || calls, "aws-credential-types");
    add(any(package, is_publish), "aws-sdk-sns");
    add(any(package, is_of_queue), "aws-sdk-sqs");
    add(calls, "aws-sigv4");
    add(calls, "reqwest");
    add(any(package, is_wrapped), "serde_json");
    add(any(package, deduplicates), "uuid --features v4");
    needs.push("cargo add tokio --features macros,rt".to_owned());
    needs.push(String::new());
    let mut text = head(package, Language::Rust, "//", &needs);
    text.push('\n');
    for (needed, line) in [
        (true, "use std::process::ExitCode;"),
        (calls, "use std::time::SystemTime;"),
        (true, ""),
        (assumes, "use aws_config::sts::AssumeRoleProvider;"),
        (
            true,
            "use aws_config::{BehaviorVersion, Region, SdkConfig};",
        ),
        (
            calls,
            "use aws_credential_types::provider::ProvideCredentials;",
        ),
        (
            assumes,
            "use aws_credential_types::provider::SharedCredentialsProvider;",
        ),
        (
            calls,
            "use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};",
        ),
        (calls, "use aws_sigv4::sign::v4;"),
        (true, ""),
        (
            true,
            "type Error = Box<dyn std::error::Error + Send + Sync>;",
        ),
    ] {
        if needed {
            text += line;
            text.push('\n');
        }
    }
    text += OWN;
    if assumes {
        text += &fill(
            ASSUME,
            &[("SESSION", language::rust(&package.session_name()))],
        );
    }
    if calls {
        text += SIGNED;
    }
    if any(package, is_wrapped) {
        text += UNWRAPPED;
    }
    for edge in &package.edges {
        text += &of_edge(edge);
    }
    let uses: String = uses(package, Language::Rust)
        .iter()
        .map(|it| format!("    {},\n", language::rust(it)))
        .collect();
    let cases: String = package.edges.iter().map(case).collect();
    text += &fill(MAIN, &[("USES", uses), ("CASES", cases)]);
    if calls {
        text += SAY;
    }
    if any(package, is_send) {
        text += PAIRS;
    }
    text
}

fn of_edge(edge: &Edge) -> String {
    let region = language::rust(&edge.region);
    let config = match &edge.assume {
        None => format!("own({region}).await"),
        Some(it) => {
            let id = it.external_id.as_ref();
            let id = id.map_or_else(
                || "None".to_owned(),
                |it| format!("Some({})", language::rust(it)),
            );
            let role = language::rust(it.role.as_str());
            format!("assumed({region}, {role}, {id}).await")
        }
    };
    let mut values = vec![
        ("FUNCTION", edge.function()),
        ("SAYS", language::comment(&edge.says())),
        ("CONFIG", config),
        ("REGION", region),
    ];
    match &edge.action {
        Action::Call { url, .. } => {
            let (remark, default) = match url {
                Some(url) => (
                    "A custom domain, or another way in, is put in its place by the environment.",
                    format!(".unwrap_or_else(|_| {}.into())", language::rust(url)),
                ),
                None => (
                    "The API's custom domain, which its owner knows, is in the environment.",
                    "?".to_owned(),
                ),
            };
            values.extend([
                ("REMARK", remark.to_owned()),
                ("VARIABLE", language::rust(&url_variable(edge))),
                ("DEFAULT", default),
            ]);
            fill(CALL, &values)
        }
        Action::Send { to, fifo, .. } => {
            let (service, method, to, body) = match to {
                Recipient::Topic(topic) => {
                    let to = format!("topic_arn({})", language::rust(topic.as_str()));
                    ("sns", "publish", to, "message")
                }
                Recipient::Queue(_, url) => {
                    let to = format!("queue_url({})", language::rust(url));
                    ("sqs", "send_message", to, "message_body")
                }
            };
            let more = match fifo {
                None => "",
                Some(true) => "\n        .message_group_id(group)",
                Some(false) => {
                    "\n        .message_group_id(group)\n        .message_deduplication_id(uuid::Uuid::new_v4().to_string())"
                }
            };
            let group = if fifo.is_some() {
                "    group: &str,\n"
            } else {
                ""
            };
            values.extend([
                ("SERVICE", service.to_owned()),
                ("METHOD", method.to_owned()),
                ("TO", to),
                ("BODY", body.to_owned()),
                ("FIFO", more.to_owned()),
                ("GROUP", group.to_owned()),
            ]);
            fill(SEND, &values)
        }
        Action::Receive { url, .. } => {
            let body = if is_wrapped(edge) {
                "&unwrapped(body)"
            } else {
                "body"
            };
            values.extend([("QUEUE", language::rust(url)), ("BODY", body.to_owned())]);
            fill(RECEIVE, &values)
        }
    }
}

/// What `run` does when it is asked for an edge.
fn case(edge: &Edge) -> String {
    let word = language::rust(&edge.word());
    let function = edge.function();
    match &edge.action {
        Action::Call { .. } => format!(
            "        [{word}, method, path] => Ok(say({function}(method, path, \"\").await?)),
        [{word}, method, path, body] => Ok(say({function}(method, path, body).await?)),
"
        ),
        Action::Send { fifo, .. } => {
            let (first, arguments) = match fifo {
                Some(_) => ("group, message", "group, message"),
                None => ("message", "message"),
            };
            format!(
                "        [{word}, {first}, attributes @ ..] => {{
            println!(\"{{}}\", {function}({arguments}, &pairs(attributes)).await?);
            Ok(true)
        }}
"
            )
        }
        Action::Receive { .. } => format!(
            "        [{word}] => {{
            {function}(|it| println!(\"{{it}}\")).await?;
            Ok(true)
        }}
"
        ),
    }
}
