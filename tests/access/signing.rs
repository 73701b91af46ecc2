//! What a printed client sends is signed as AWS computes it: a verifier of our own, written from the
//! documentation of Signature Version 4, stands where the API would.
//!
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

use crate::emulator;
use crate::ground::told;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// Paths with queries as a person types them, and what arrives.
const PATHS: [(&str, &str); 16] = [
    ("/orders/17", "/orders/17"),
    ("/orders/17/", "/orders/17/"),
    ("/orders//17", "/orders//17"),
    ("/orders:search", "/orders:search"),
    ("/orders/me@x", "/orders/me@x"),
    ("/orders/a,b=c", "/orders/a,b=c"),
    ("/orders/a b", "/orders/a%20b"),
    ("/orders/a%20b%2Fc", "/orders/a%20b%2Fc"),
    ("/orders/Zoë", "/orders/Zo%C3%AB"),
    ("/orders/100%", "/orders/100%25"),
    (
        "/orders/17?since=2024-01-01T00:00:00Z",
        "/orders/17?since=2024-01-01T00%3A00%3A00Z",
    ),
    ("/orders/17?x=2&x=1&x=2", "/orders/17?x=2&x=1&x=2"),
    ("/orders/17?a-b=2&a=1", "/orders/17?a-b=2&a=1"),
    (
        "/orders/17?to=a@b.c,d&q=a b&flag",
        "/orders/17?to=a%40b.c%2Cd&q=a%20b&flag=",
    ),
    (
        "/orders/17?name=Zoë&sum=1+1=2",
        "/orders/17?name=Zo%C3%AB&sum=1%2B1%3D2",
    ),
    ("/orders/17?at=%2Fa%3ab", "/orders/17?at=%2Fa%3Ab"),
];

/// A request as it came over the wire.
struct Request {
    method: String,
    target: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

fn hash(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let padded = |with: u8| -> Vec<u8> {
        (0..64)
            .map(|at| key.get(at).copied().unwrap_or_default() ^ with)
            .collect()
    };
    let inner = hash(&[padded(0x36), text.as_bytes().to_vec()].concat());
    hash(&[padded(0x5c), inner].concat())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string");
        text
    })
}

fn encoded(bytes: &[u8], keep: &str) -> String {
    let mut text = String::new();
    for byte in bytes {
        let char = char::from(*byte);
        if char.is_ascii_alphanumeric() || "-._~".contains(char) || keep.contains(char) {
            text.push(char);
        } else {
            write!(text, "%{byte:02X}").expect("a string");
        }
    }
    text
}

/// A path as it is signed for every service but S3: without empty segments and dots.
fn normalized(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    let end = if path.ends_with('/') && !segments.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{end}", segments.join("/"))
}

fn decoded(text: &str) -> Vec<u8> {
    percent_encoding::percent_decode_str(text).collect()
}

impl Request {
    fn read(stream: &TcpStream) -> Self {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).expect("a request line");
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let (method, target) = (word(), word());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a header");
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let length = headers.get("content-length").map_or("0", String::as_str);
        let mut body = vec![0; length.parse().expect("a length")];
        reader.read_exact(&mut body).expect("a body");
        Self {
            method,
            target,
            headers,
            body,
        }
    }

    /// The signature that AWS computes of it.
    fn signature(&self, scope: &str, names: &str) -> String {
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        let mut pairs: Vec<(String, String)> = query
            .split('&')
            .filter(|it| !it.is_empty())
            .map(|it| it.split_once('=').unwrap_or((it, "")))
            .map(|(name, value)| (encoded(&decoded(name), ""), encoded(&decoded(value), "")))
            .collect();
        pairs.sort();
        let pairs: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let headers = names.split(';').fold(String::new(), |text, name| {
            format!("{text}{name}:{}\n", self.headers[name])
        });
        let canonical = [
            self.method.as_str(),
            &encoded(normalized(path).as_bytes(), "/"),
            &pairs.join("&"),
            &headers,
            names,
            &hex(&hash(&self.body)),
        ]
        .join("\n");
        let text = format!(
            "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
            self.headers["x-amz-date"],
            hex(&hash(canonical.as_bytes()))
        );
        let first = format!("AWS4{SECRET}").into_bytes();
        let key = scope.split('/').fold(first, |key, part| hmac(&key, part));
        hex(&hmac(&key, &text))
    }

    /// Whether it bears that signature.
    fn is_signed(&self) -> bool {
        let header = self.headers.get("authorization").map_or("", String::as_str);
        let part = |name: &str| {
            let (_, rest) = header.split_once(name).unwrap_or_default();
            rest.split(", ").next().unwrap_or_default()
        };
        let scope = part("Credential=").split_once('/').map_or("", |it| it.1);
        let names = part("SignedHeaders=");
        names.contains("host") && self.signature(scope, names) == part("Signature=")
    }
}

/// A client by its language, and how it is started.
type Client = (&'static str, Box<dyn Fn(&[&str]) -> Command>);

/// The clients that can be run here, each with the program that runs it.
fn clients(folder: &Path) -> Option<Vec<Client>> {
    let programs = emulator::clients()?;
    let provision = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_provision"))
            .args(words)
            .arg("--sandbox")
            .arg(folder.join("sandbox"))
            .output()
            .expect("it runs");
        assert!(output.status.success(), "{}", told(&output));
        output.stdout
    };
    let stack = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/access/clients/stack.toml");
    let stack = stack.display().to_string();
    provision(&["apply", &stack, "--yes"]);
    let mut languages = vec![("python", "client.py", programs.join("python"))];
    languages.push(("cli", "client.sh", PathBuf::from("bash")));
    let node = emulator::node().filter(|(_, runs)| *runs).map(|it| it.0);
    if node.is_some() {
        languages.push(("javascript", "client.mjs", PathBuf::from("node")));
    }
    let mut clients: Vec<Client> = Vec::new();
    for (language, file, program) in languages {
        let text = provision(&["handover", "till", &stack, "--only", language]);
        let file = match &node {
            Some(packages) if language == "javascript" => {
                packages.join(format!("signing-{}.mjs", std::process::id()))
            }
            _ => folder.join(file),
        };
        std::fs::write(&file, text).expect("the folder is writable");
        let run = move |words: &[&str]| {
            let mut command = Command::new(&program);
            command.arg(&file).args(words);
            command
        };
        clients.push((language, Box::new(run)));
    }
    clients.push((
        "rust",
        Box::new(|words| crate::rust_client::command("till", words)),
    ));
    Some(clients)
}

/// A client with credentials, and the verifier's address as the API's.
fn equipped<'a>(command: &'a mut Command, listener: &TcpListener) -> &'a mut Command {
    let port = listener.local_addr().expect("an address").port();
    command
        .env("ORDERS_URL", format!("http://127.0.0.1:{port}/live"))
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_SESSION_TOKEN", "a/token+of=a==")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/no/such/file")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/no/such/file")
}

/// Runs a client against the verifier: what arrived, and whether it was signed right.
fn sent(command: &mut Command, listener: &TcpListener) -> Request {
    let child = equipped(command, listener)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it runs");
    listener.set_nonblocking(true).expect("a listener");
    let until = std::time::Instant::now() + std::time::Duration::from_mins(1);
    let mut child = Some(child);
    let (mut stream, _) = loop {
        match listener.accept() {
            Ok(found) => break found,
            Err(_) if std::time::Instant::now() < until => {
                let ended = child.as_mut().and_then(|it| it.try_wait().ok().flatten());
                if ended.is_some() {
                    let output = child.take().expect("a child").wait_with_output();
                    panic!("it sent nothing: {}", told(&output.expect("its output")));
                }
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            Err(error) => panic!("nothing arrived: {error}"),
        }
    };
    stream.set_nonblocking(false).expect("a stream");
    let request = Request::read(&stream);
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        .expect("it listens");
    drop(stream);
    let output = child
        .take()
        .expect("a child")
        .wait_with_output()
        .expect("it ends");
    assert!(output.status.success(), "{}", told(&output));
    request
}

#[test]
fn clients_in_every_language_sign_what_they_send_as_aws_computes_it() {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("signing-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("the target directory is writable");
    let Some(clients) = clients(&folder) else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    for (language, run) in &clients {
        for (path, arrives) in PATHS {
            let request = sent(&mut run(&["call-orders", "GET", path]), &listener);
            // Escapes may be written in either case.
            let target = request.target.replace("%3a", "%3A");
            assert_eq!(target, format!("/live{arrives}"), "{language} {path}");
            assert!(request.is_signed(), "{language} signs {path} otherwise");
        }
        // Some take dots out of what they send as well.
        let dots = ["call-orders", "GET", "/orders/./a/../17"];
        let request = sent(&mut run(&dots), &listener);
        assert!(request.is_signed(), "{language} signs dots otherwise");
        // Two of the SDKs sign a query as text: their clients say so, and send nothing.
        let bytes = ["call-orders", "GET", "/orders/17?b=%ff"];
        if ["python", "cli"].contains(language) {
            let request = sent(&mut run(&bytes), &listener);
            assert_eq!(request.target, "/live/orders/17?b=%FF", "{language}");
            assert!(request.is_signed(), "{language} signs bytes otherwise");
        } else {
            let output = equipped(&mut run(&bytes), &listener).output();
            let output = output.expect("it runs");
            assert!(!output.status.success(), "{language}");
            assert!(
                told(&output).contains("escapes that are not UTF-8: b=%ff"),
                "{language}: {}",
                told(&output)
            );
        }
        let body = r#"{"name":"Zoë 🦀","note":"a\\b 100%"}"#;
        let request = sent(
            &mut run(&["call-orders", "POST", "/orders", body]),
            &listener,
        );
        assert_eq!(String::from_utf8_lossy(&request.body), body, "{language}");
        assert!(request.is_signed(), "{language} signs the body otherwise");
    }
    std::fs::remove_dir_all(&folder).ok();
}

#[test]
fn the_verifier_knows_a_wrong_signature() {
    let headers = [
        ("host", "h"),
        ("x-amz-date", "20260101T000000Z"),
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=A/20260101/eu-west-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature=00",
        ),
    ];
    let request = Request {
        method: "GET".to_owned(),
        target: "/a?b=c".to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        body: Vec::new(),
    };
    assert!(!request.is_signed());
}
