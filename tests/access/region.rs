//! A region that is switched off for an account: STS says so itself, and nothing else is asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::entering::stack;
use crate::ground::{OPERATOR, run_provision, told};

const ANSWER: &str = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
    <Code>RegionDisabledException</Code><Message>STS is not activated in this region for account:333333333333. \
    Your account administrator can activate STS in this region using the IAM Console.</Message></Error>\
    <RequestId>11111111-2222-3333-4444-555555555555</RequestId></ErrorResponse>";

/// The port of a server that answers everything so, and the bodies it was sent.
fn switched_off() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let received = Arc::new(Mutex::new(Vec::new()));
    let bodies = Arc::clone(&received);
    // It ends with this process.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            if let Some(body) = refuse(stream) {
                bodies.lock().expect("nobody panics with it").push(body);
            }
        }
    });
    (port, received)
}

/// Reads one request and answers it; its body.
fn refuse(mut stream: TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let answer = format!(
        "HTTP/1.1 403 Forbidden\r\ncontent-type: text/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{ANSWER}",
        ANSWER.len()
    );
    stream.write_all(answer.as_bytes()).ok()?;
    Some(String::from_utf8_lossy(&body).into_owned())
}

#[test]
fn a_region_that_is_switched_off_is_named_with_its_account_and_nothing_is_changed() {
    let (port, received) = switched_off();
    let role = r#"role = "provision""#;
    let file = stack("switched-off", role, role).display().to_string();
    let arn = "arn:aws:iam::333333333333:role/provision";
    for (words, whole) in [
        (vec!["plan", &file], true),
        (vec!["apply", &file, "--yes"], true),
        (vec!["drift", &file], false),
    ] {
        let output = run_provision(port, OPERATOR, &words);
        let text = told(&output);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {text}");
        for part in [
            arn,
            "account `orders` (333333333333)",
            "STS is not activated in this region",
            "enable region eu-west-1 for the account, or choose another",
        ] {
            assert!(text.contains(part), "{words:?}: no `{part}` in: {text}");
        }
        // Drift tells what it could not read, which is everything, and never calls it in step.
        let last = if whole {
            "nothing was changed"
        } else {
            "PD008"
        };
        assert!(text.contains(last), "{words:?}: no `{last}` in: {text}");
        assert!(!text.contains("No drift"), "{text}");
    }
    let received = received.lock().expect("nobody panics with it");
    assert!(!received.is_empty());
    // Each account is asked for once by each command: what is switched off is not tried again.
    assert_eq!(received.len(), 6, "{received:?}");
    assert!(
        received.iter().all(|it| it.contains("Action=AssumeRole")),
        "{received:?}"
    );
}
