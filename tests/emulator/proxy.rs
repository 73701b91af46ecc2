//! A proxy in front of the emulator that does to answers what networks, load balancers and captive portals do.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// What becomes of an answer. Unless said otherwise, the request has reached the emulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// The connection ends before anything is answered, and the request goes no further.
    ResetBefore,
    /// The connection ends before anything is answered.
    ResetAfter,
    /// The connection ends within the body.
    HalfSent,
    /// Half of the body, as if it were all of it.
    HalfBody,
    /// An empty body with a good status.
    Empty,
    /// A page of HTML with a good status, and the request goes no further.
    Html,
    /// Another address, and the request goes no further.
    Moved,
    /// No HTTP at all, and the request goes no further.
    Garbage,
    /// The credentials are over, and the request goes no further.
    Expired,
    /// A late answer.
    Slow,
}

impl Mishap {
    pub(crate) const ALL: [Self; 10] = [
        Self::ResetBefore,
        Self::ResetAfter,
        Self::HalfSent,
        Self::HalfBody,
        Self::Empty,
        Self::Html,
        Self::Moved,
        Self::Garbage,
        Self::Expired,
        Self::Slow,
    ];

    fn reaches(self) -> bool {
        !matches!(
            self,
            Self::ResetBefore | Self::Html | Self::Moved | Self::Garbage | Self::Expired
        )
    }
}

/// Chooses what becomes of a request, whose text it is given.
type Choice = Box<dyn FnMut(&str) -> Option<Mishap> + Send>;

/// The proxy. It ends when it is dropped.
pub(crate) struct Proxy {
    port: u16,
    choice: Arc<Mutex<Choice>>,
    hits: Arc<AtomicU32>,
    ended: Arc<AtomicBool>,
    accepts: Option<JoinHandle<()>>,
}

impl Proxy {
    /// A proxy in front of a port of this machine, which changes nothing yet.
    pub(crate) fn of(behind: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let choice: Arc<Mutex<Choice>> = Arc::new(Mutex::new(Box::new(|_| None)));
        let hits = Arc::<AtomicU32>::default();
        let ended = Arc::<AtomicBool>::default();
        let accepts = {
            let (choice, hits, ended) = (choice.clone(), hits.clone(), ended.clone());
            std::thread::spawn(move || {
                for stream in listener.incoming() {
                    if ended.load(Ordering::Relaxed) {
                        return;
                    }
                    let (choice, hits) = (choice.clone(), hits.clone());
                    std::thread::spawn(move || {
                        // A client that goes away is no failure of the proxy's.
                        stream.and_then(|it| carry(it, behind, &choice, &hits)).ok();
                    });
                }
            })
        };
        Self {
            port,
            choice,
            hits,
            ended,
            accepts: Some(accepts),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Chooses from now on what becomes of each request; none was hit yet.
    pub(crate) fn choose(&self, choice: impl FnMut(&str) -> Option<Mishap> + Send + 'static) {
        *self.choice.lock().expect("no panic") = Box::new(choice);
        self.hits.store(0, Ordering::Relaxed);
    }

    /// How many requests were hit.
    pub(crate) fn hits(&self) -> u32 {
        self.hits.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        TcpStream::connect(("127.0.0.1", self.port)).ok();
        if let Some(accepts) = self.accepts.take() {
            accepts.join().ok();
        }
    }
}

fn carry(
    mut client: TcpStream,
    behind: u16,
    choice: &Mutex<Choice>,
    hits: &AtomicU32,
) -> io::Result<()> {
    let Some((head, body)) = request(&mut client)? else {
        return Ok(());
    };
    let text = format!("{head}{}", String::from_utf8_lossy(&body));
    let mishap = (choice.lock().expect("no panic"))(&text);
    if mishap.is_some() {
        hits.fetch_add(1, Ordering::Relaxed);
    }
    let answer = if mishap.is_none_or(Mishap::reaches) {
        forwarded(behind, &head, &body)?
    } else {
        Vec::new()
    };
    match mishap {
        None => client.write_all(&answer),
        Some(Mishap::Slow) => {
            std::thread::sleep(Duration::from_secs(2));
            client.write_all(&answer)
        }
        Some(Mishap::ResetBefore | Mishap::ResetAfter) => Ok(()),
        Some(Mishap::HalfSent) => {
            let start = body_of(&answer);
            client.write_all(&answer[..start + (answer.len() - start) / 2])
        }
        Some(Mishap::HalfBody) => {
            let body = &answer[body_of(&answer)..];
            client.write_all(&page(200, kind_of(&answer), &body[..body.len() / 2]))
        }
        Some(Mishap::Empty) => client.write_all(&page(200, kind_of(&answer), b"")),
        Some(Mishap::Html) => {
            let login = b"<!DOCTYPE html><html><body>Log in to the guest network</body></html>";
            client.write_all(&page(200, "text/html", login))
        }
        Some(Mishap::Moved) => client.write_all(
            b"HTTP/1.1 301 Moved Permanently\r\nlocation: https://login.example/\r\n\
              content-length: 0\r\nconnection: close\r\n\r\n",
        ),
        Some(Mishap::Garbage) => client.write_all(&[0, 159, 146, 150, 13, 10, 13, 10, 255]),
        Some(Mishap::Expired) => {
            let query = "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code>\
                <Message>The security token included in the request is expired</Message></Error>\
                <RequestId>0</RequestId></ErrorResponse>";
            let json = r#"{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}"#;
            let is_query = text.contains("Action=");
            let (kind, body) = if is_query {
                ("text/xml", query)
            } else {
                ("application/x-amz-json-1.1", json)
            };
            client.write_all(&page(403, kind, body.as_bytes()))
        }
    }
}

/// Reads one request: its head, and its body.
fn request(client: &mut TcpStream) -> io::Result<Option<(String, Vec<u8>)>> {
    client.set_read_timeout(Some(Duration::from_mins(1)))?;
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break at + 4;
        }
        let mut part = [0; 8192];
        let count = client.read(&mut part)?;
        if count == 0 {
            return Ok(None);
        }
        bytes.extend_from_slice(&part[..count]);
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head.lines().find_map(|it| {
        let (name, value) = it.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then_some(value)
    });
    let length: usize = length.map_or(0, |it| it.trim().parse().unwrap_or_default());
    let mut body = bytes.split_off(end);
    let have = body.len();
    if have < length {
        body.resize(length, 0);
        client.read_exact(&mut body[have..])?;
    }
    Ok(Some((head, body)))
}

/// Sends a request on, on a connection of its own, and returns the whole answer, its length told.
fn forwarded(behind: u16, head: &str, body: &[u8]) -> io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(("127.0.0.1", behind))?;
    server.set_read_timeout(Some(Duration::from_mins(1)))?;
    let (first, rest) = head.split_once("\r\n").unwrap_or((head, "\r\n"));
    let rest: Vec<&str> = rest
        .split("\r\n")
        .filter(|it| !it.to_ascii_lowercase().starts_with("connection:"))
        .collect();
    let head = format!("{first}\r\nconnection: close\r\n{}", rest.join("\r\n"));
    server.write_all(head.as_bytes())?;
    server.write_all(body)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    Ok(answer)
}

fn body_of(answer: &[u8]) -> usize {
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n");
    end.map_or(answer.len(), |it| it + 4)
}

fn kind_of(answer: &[u8]) -> &'static str {
    let head = String::from_utf8_lossy(&answer[..body_of(answer)]);
    if head.contains("json") {
        "application/json"
    } else {
        "text/xml"
    }
}

fn page(status: u16, kind: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut page = format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    )
    .into_bytes();
    page.extend_from_slice(body);
    page
}
