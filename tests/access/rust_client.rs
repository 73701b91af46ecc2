//! The Rust clients that `handover` prints, compiled and run.
//!
//! `clients/` has them as they are printed for `clients/stack.toml`; a test of the command line
//! holds them to that. Each is a program, so this test binary becomes it: it starts itself with
//! the words that are meant for the client.

use std::process::Command;

/// What a client is to do, as JSON: its name, then its words.
const WORDS: &str = "PROVISION_TEST_CLIENT";

macro_rules! clients {
    ($($name:ident),*) => {
        $(
            #[allow(
                clippy::all,
                clippy::pedantic,
                clippy::print_stdout,
                clippy::print_stderr,
                dead_code,
                reason = "the program is its user's, and is compiled as it is"
            )]
            mod $name {
                #[allow(unused_imports, reason = "one has no need of it")]
                use super::{reqwest, uuid};
                include!(concat!("clients/", stringify!($name), ".rs"));

                pub(super) fn begin(words: &[&str]) -> Result<bool, Error> {
                    tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build()?
                        .block_on(run(words))
                }
            }
        )*

        /// Runs one of them.
        fn begin(
            name: &str,
            words: &[&str],
        ) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
            match name {
                $( stringify!($name) => $name::begin(words), )*
                _ => Err(format!("no client is called {name}").into()),
            }
        }
    };
}

clients!(till, inbox, raw, ordered);

/// This test binary, about to run a client.
pub(crate) fn command(name: &str, words: &[&str]) -> Command {
    let all: Vec<&str> = std::iter::once(name).chain(words.iter().copied()).collect();
    let mut command = Command::new(std::env::current_exe().expect("a test binary"));
    command
        .args(["--exact", "rust_client::becomes_a_client", "--nocapture"])
        .env(WORDS, serde_json::json!(all).to_string());
    command
}

#[test]
fn becomes_a_client() {
    let Ok(words) = std::env::var(WORDS) else {
        return;
    };
    let words: Vec<String> = serde_json::from_str(&words).expect("words");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match begin(words[0], &words[1..]) {
        Ok(true) => {}
        Ok(false) => panic!("it did not come off"),
        Err(error) => {
            let mut causes = vec![error.to_string()];
            let mut cause = error.source();
            while let Some(it) = cause {
                causes.push(it.to_string());
                cause = it.source();
            }
            panic!("{}", causes.join("\n"));
        }
    }
}

/// As much of the crate `reqwest` as a client uses, over plain HTTP to this machine.
mod reqwest {
    use std::convert::Infallible;
    use std::io;
    use std::str::FromStr;

    use crate::emulator::http;

    pub(super) struct Client;

    pub(super) struct Method(String);

    impl FromStr for Method {
        type Err = Infallible;
        fn from_str(text: &str) -> Result<Self, Infallible> {
            Ok(Self(text.to_owned()))
        }
    }

    pub(super) struct Request {
        method: String,
        url: String,
        headers: Vec<(String, String)>,
        body: String,
    }

    impl Client {
        pub(super) fn new() -> Self {
            Self
        }

        #[expect(clippy::unused_self, reason = "the crate's method has it")]
        pub(super) fn request(&self, method: Method, url: &str) -> Request {
            Request {
                method: method.0,
                url: url.to_owned(),
                headers: Vec::new(),
                body: String::new(),
            }
        }
    }

    impl Request {
        pub(super) fn header(mut self, name: &str, value: &str) -> Self {
            self.headers.push((name.to_owned(), value.to_owned()));
            self
        }

        pub(super) fn body(mut self, body: String) -> Self {
            self.body = body;
            self
        }

        #[expect(clippy::unused_async, reason = "the crate's method is")]
        pub(super) async fn send(self) -> io::Result<Answer> {
            let (_, rest) = self.url.split_once("://127.0.0.1:").expect("a local URL");
            let (port, path) = rest.split_once('/').expect("a path");
            let port = port.parse().map_err(io::Error::other)?;
            let path = format!("/{path}");
            http::send(port, &self.method, &path, &self.headers, &self.body).map(Answer)
        }
    }

    pub(super) struct Answer(http::Response);

    impl Answer {
        pub(super) fn status(&self) -> Status {
            Status(self.0.status)
        }

        #[expect(clippy::unused_async, reason = "the crate's method is")]
        pub(super) async fn text(self) -> io::Result<String> {
            Ok(self.0.body)
        }
    }

    pub(super) struct Status(u16);

    impl Status {
        pub(super) fn as_u16(&self) -> u16 {
            self.0
        }
    }
}

/// As much of the crate `uuid` as a client uses.
mod uuid {
    use std::hash::{BuildHasher as _, RandomState};

    pub(super) struct Uuid(u64);

    impl Uuid {
        pub(super) fn new_v4() -> Self {
            Self(RandomState::new().hash_one(0_u8))
        }
    }

    impl std::fmt::Display for Uuid {
        fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(out, "{:016x}", self.0)
        }
    }
}
