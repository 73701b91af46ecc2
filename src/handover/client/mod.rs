//! Working clients of a consumer's edges, a program in each language.
//!
//! All of them are used alike: a word says which edge, what follows is the request, the
//! answer goes to stdout, what AWS said of it to stderr, and the exit code says whether it
//! came off. Without a word they say what there is. Nothing is called unasked: a client may be
//! run against what is live.
//!
//! A template holds names between `«` and `»`. They are filled in one pass, with literals
//! that [`language`] made: what is filled in is never read again.

#![allow(
    clippy::needless_raw_string_hashes,
    reason = "templates are all written in one way, whether a quote stands in them or not"
)]

mod cli;
mod javascript;
mod python;
mod rust;

use super::{Action, Edge, Package, Recipient};
pub(super) use crate::escape::language;

/// A language that clients are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// Python, with boto3.
    Python,
    /// A shell script, with the AWS CLI and curl.
    Cli,
    /// Rust, with the AWS SDK.
    Rust,
    /// JavaScript on Node, with the AWS SDK v3.
    JavaScript,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 4] = [Self::Python, Self::Cli, Self::Rust, Self::JavaScript];

    /// The language as `--only` names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Cli => "cli",
            Self::Rust => "rust",
            Self::JavaScript => "javascript",
        }
    }

    /// The language as a heading says it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Python => "Python (boto3)",
            Self::Cli => "AWS CLI",
            Self::Rust => "Rust (AWS SDK)",
            Self::JavaScript => "JavaScript (AWS SDK v3)",
        }
    }

    /// The name that Markdown gives it.
    #[must_use]
    pub fn fence(self) -> &'static str {
        match self {
            Self::Cli => "bash",
            Self::Python | Self::Rust | Self::JavaScript => self.name(),
        }
    }

    /// How the program is run.
    fn run(self) -> &'static str {
        match self {
            Self::Python => "python3 client.py",
            Self::Cli => "bash client.sh",
            Self::Rust => "cargo run --",
            Self::JavaScript => "node client.mjs",
        }
    }
}

/// A client of everything that the consumer may do.
#[must_use]
pub fn client(package: &Package, language: Language) -> String {
    match language {
        Language::Python => python::client(package),
        Language::Cli => cli::client(package),
        Language::Rust => rust::client(package),
        Language::JavaScript => javascript::client(package),
    }
}

/// A template with its names filled in, each once and in one pass.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('«') {
        text += before;
        let Some((name, after)) = after.split_once('»') else {
            rest = after;
            break;
        };
        if let Some((_, value)) = values.iter().find(|(it, _)| *it == name) {
            text += value;
        }
        rest = after;
    }
    text + rest
}

/// The comment that opens a client: what it is, what it needs, how it is used.
fn head(package: &Package, language: Language, mark: &str, needs: &[String]) -> String {
    let mut lines = vec![format!(
        "What {} may do by the stack {}.",
        package.consumer.name, package.stack
    )];
    lines.push(String::new());
    lines.extend(needs.iter().cloned());
    lines.push(
        "Credentials are found where every AWS tool finds them. They must be those of".to_owned(),
    );
    lines.push(format!("{}.", whose(package)));
    lines.push(String::new());
    lines.extend(
        uses(package, language)
            .into_iter()
            .map(|it| format!("  {it}")),
    );
    let lines = lines.iter().map(|it| {
        let line = format!("{mark} {}", language::comment(it));
        line.trim_end().to_owned() + "\n"
    });
    lines.collect()
}

/// Whose credentials a client takes.
fn whose(package: &Package) -> String {
    match (&package.consumer.whom, &package.arn) {
        (super::Whom::Queue(_), _) => {
            format!("a role in account {} that may receive", package.account)
        }
        (_, Some(arn)) => arn.to_string(),
        (_, None) => format!("a role in account {} that is let in", package.account),
    }
}

/// A line for each edge that shows how the program is asked for it.
fn uses(package: &Package, language: Language) -> Vec<String> {
    let lines = package.edges.iter().map(|edge| {
        let mut words = vec![language.run().to_owned(), edge.word()];
        match &edge.action {
            Action::Call { example, .. } => {
                let (method, path) = example;
                words.extend([language::shell(method), language::shell(path)]);
                if has_body(method) {
                    words.push(language::shell(r#"{"id":"17"}"#));
                }
            }
            Action::Send { fifo, example, .. } => {
                if fifo.is_some() {
                    words.push("GROUP".to_owned());
                }
                words.push(language::shell(&example.body));
                for (name, value) in &example.attributes {
                    words.push(language::shell(&format!("{name}={value}")));
                }
            }
            Action::Receive { .. } => {}
        }
        words.join(" ")
    });
    lines.collect()
}

fn has_body(method: &str) -> bool {
    matches!(method, "POST" | "PUT" | "PATCH")
}

/// The variable of the environment that may name another base URL.
fn url_variable(edge: &Edge) -> String {
    let name = format!("{}_URL", edge.ident.to_uppercase());
    if name.starts_with(|it: char| it.is_ascii_digit()) {
        format!("API_{name}")
    } else {
        name
    }
}

/// Whether any edge is of a kind.
fn any(package: &Package, is: impl Fn(&Edge) -> bool) -> bool {
    package.edges.iter().any(is)
}

fn is_call(edge: &Edge) -> bool {
    matches!(edge.action, Action::Call { .. })
}

fn is_send(edge: &Edge) -> bool {
    matches!(edge.action, Action::Send { .. })
}

/// Whether it is a message to a topic.
fn is_publish(edge: &Edge) -> bool {
    let Action::Send { to, .. } = &edge.action else {
        return false;
    };
    matches!(to, Recipient::Topic(_))
}

/// Whether it sends to a queue or receives from one.
fn is_of_queue(edge: &Edge) -> bool {
    is_receive(edge) || is_send(edge) && !is_publish(edge)
}

fn is_receive(edge: &Edge) -> bool {
    matches!(edge.action, Action::Receive { .. })
}

/// Whether each message needs an id of its own to be told from others.
fn deduplicates(edge: &Edge) -> bool {
    matches!(
        edge.action,
        Action::Send {
            fifo: Some(false),
            ..
        }
    )
}

/// Whether messages may come in SNS's envelope.
fn is_wrapped(edge: &Edge) -> bool {
    match &edge.action {
        Action::Receive { sources, .. } => sources.iter().any(|it| !it.raw),
        Action::Call { .. } | Action::Send { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_is_not_read_again() {
        let values = [("A", "«B»".to_owned()), ("B", "b".to_owned())];
        assert_eq!(fill("x «A» y «B» «C»z", &values), "x «B» y b z");
        assert_eq!(fill("no end «A", &values), "no end A");
    }
}
