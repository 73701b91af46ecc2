//! Questions, and whoever answers them.

use std::io::{self, IsTerminal as _, Write as _};

use super::Failure;
use crate::escape::screen::page;
use crate::report::style::{BAD, LOUD, QUIET, styled};

/// Whoever answers.
pub(super) trait Asks {
    /// The answer to a question, trimmed; `None` when nobody answers any more.
    fn ask(&mut self, question: &str) -> Option<String>;

    /// Says something between questions.
    fn tell(&mut self, text: &str);
}

/// A person at a terminal.
#[derive(Debug)]
pub(super) struct Person;

impl Person {
    /// Whoever sits at the terminal, if anybody does.
    pub(super) fn at_the_terminal() -> Option<Self> {
        io::stdin().is_terminal().then_some(Self)
    }
}

impl Asks for Person {
    fn ask(&mut self, question: &str) -> Option<String> {
        let mut err = anstream::stderr();
        let _ = write!(err, "{} ", page(question)).and_then(|()| err.flush());
        let mut answer = String::new();
        match io::stdin().read_line(&mut answer) {
            Ok(0) | Err(_) => {
                let _ = writeln!(err);
                None
            }
            Ok(_) => Some(answer.trim().to_owned()),
        }
    }

    fn tell(&mut self, text: &str) {
        let _ = writeln!(anstream::stderr(), "{}", page(text));
    }
}

/// Asks until an answer will do. An empty one is the default, where there is one.
pub(super) fn until<T>(
    asks: &mut dyn Asks,
    question: &str,
    default: Option<&str>,
    mut judge: impl FnMut(&mut dyn Asks, &str) -> Result<T, String>,
) -> Result<T, Failure> {
    let hint = default
        .filter(|it| !it.is_empty())
        .map_or_else(String::new, |it| {
            format!(" {}", styled(QUIET, format!("[{it}]")))
        });
    let question = format!("{}{hint}", styled(LOUD, question));
    loop {
        let Some(answer) = asks.ask(&question) else {
            return Err(unanswered());
        };
        let answer = match (answer.as_str(), default) {
            ("", Some(default)) => default.to_owned(),
            ("", None) => continue,
            _ => answer,
        };
        match judge(asks, &answer) {
            Ok(it) => return Ok(it),
            Err(why) => asks.tell(&format!("  {} {why}", styled(BAD, "!"))),
        }
    }
}

/// Nobody answers any more.
pub(super) fn unanswered() -> Failure {
    Failure::Plain(
        "a question was left unanswered; nothing was written and nothing changed".to_owned(),
    )
}
