// What queues.inbox may do by the stack clients.
//
// cargo add aws-config
// cargo add aws-sdk-sqs
// cargo add serde_json
// cargo add tokio --features macros,rt
//
// Credentials are found where every AWS tool finds them. They must be those of
// a role in account 111111111111 that may receive.
//
//   cargo run -- receive-inbox

use std::process::ExitCode;

use aws_config::{BehaviorVersion, Region, SdkConfig};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// The caller's own settings and credentials.
async fn own(region: &'static str) -> SdkConfig {
    let settings = aws_config::defaults(BehaviorVersion::latest());
    settings.region(Region::new(region)).load().await
}

/// The message that was published, out of SNS's envelope where it comes in one.
fn unwrapped(body: &str) -> String {
    let envelope: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    match envelope["Message"].as_str() {
        Some(message) if envelope["Type"] == "Notification" => message.to_owned(),
        _ => body.to_owned(),
    }
}

/// May receive from queues.inbox: hands each message to `handle`, then deletes it.
///
/// Waits up to 20 seconds for the first one; to go on receiving, call it again and again.
async fn receive_inbox(handle: impl Fn(&str)) -> Result<(), Error> {
    let sqs = aws_sdk_sqs::Client::new(&own("eu-west-1").await);
    let queue = "https://sqs.eu-west-1.amazonaws.com/111111111111/inbox";
    let request = sqs.receive_message().queue_url(queue);
    let answer = request.max_number_of_messages(10).wait_time_seconds(20);
    for message in answer.send().await?.messages() {
        let body = message.body().unwrap_or_default();
        handle(&unwrapped(body));
        let done = sqs.delete_message().queue_url(queue);
        done.set_receipt_handle(message.receipt_handle.clone()).send().await?;
    }
    Ok(())
}

const USAGE: &[&str] = &[
    "cargo run -- receive-inbox",
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
        ["receive-inbox"] => {
            receive_inbox(|it| println!("{it}")).await?;
            Ok(true)
        }
        _ => {
            eprintln!("usage:\n  {}", USAGE.join("\n  "));
            Ok(false)
        }
    }
}
