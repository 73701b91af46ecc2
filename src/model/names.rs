//! What a stack calls things, for the names that AWS has for them.

use std::collections::HashMap;
use std::fmt::Display;

use crate::escape::screen::line;

/// Names of AWS, whole, and what each is called here.
///
/// A text is spelled anew in one pass, however many names there are.
#[derive(Clone, Debug)]
pub struct Names<T> {
    by_name: HashMap<String, T>,
}

/// How a name of AWS begins: an ARN, or the id of a principal that is gone.
const BEGINNINGS: [&str; 3] = ["arn:", "AROA", "AIDA"];

impl<T> Names<T> {
    /// What a name is called.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&T> {
        self.by_name.get(name)
    }

    /// Calls a name this from now on.
    pub fn insert(&mut self, name: String, called: T) {
        self.by_name.insert(name, called);
    }
}

impl<T: Display> Names<T> {
    /// A text from elsewhere as a part of a line, with every name in it as it is called here. A name is taken
    /// whole: `orders` is not in `orders-dlq`.
    #[must_use]
    pub fn spell(&self, text: &str) -> String {
        let text = &*line(text);
        let mut spelled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((at, beginning)) = next_beginning(rest) {
            spelled.push_str(&rest[..at]);
            rest = &rest[at..];
            let found = ends(rest)
                .into_iter()
                .rev()
                .find_map(|end| Some((end, self.by_name.get(&rest[..end])?.to_string())));
            let (end, called) = found.unwrap_or_else(|| (beginning.len(), beginning.to_owned()));
            spelled.push_str(&called);
            rest = &rest[end..];
        }
        spelled + rest
    }
}

impl<T> Default for Names<T> {
    fn default() -> Self {
        Self {
            by_name: HashMap::new(),
        }
    }
}

impl<T> FromIterator<(String, T)> for Names<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(all: I) -> Self {
        Self {
            by_name: all.into_iter().collect(),
        }
    }
}

/// Where the next name of AWS may begin, and how it does.
fn next_beginning(text: &str) -> Option<(usize, &'static str)> {
    BEGINNINGS
        .iter()
        .filter_map(|it| Some((text.find(it)?, *it)))
        .min()
}

/// Where a name that begins a text may end: before whatever no name goes on with.
fn ends(text: &str) -> Vec<usize> {
    let word = text
        .find(|it: char| it.is_whitespace() || matches!(it, '"' | '`' | '\''))
        .map_or(text, |end| &text[..end]);
    let goes_on = |it: char| it.is_ascii_alphanumeric() || "_+=@-".contains(it);
    let mut found: Vec<usize> = word
        .char_indices()
        .filter(|(at, it)| {
            // Names of roles may have these inside, sentences have them after.
            let inside = matches!(it, '.' | ',') && word[at + 1..].starts_with(goes_on);
            !goes_on(*it) && !inside
        })
        .map(|(at, _)| at)
        .collect();
    found.push(word.len());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names<&'static str> {
        let all = [
            ("arn:aws:sns:eu-west-1:111111111111:orders", "topics.orders"),
            ("arn:aws:iam::111111111111:role/a", "roles.a"),
            ("arn:aws:iam::111111111111:role/a.b", "roles.b"),
            ("arn:aws:execute-api:eu-west-1:111111111111:x1", "apis.x"),
            ("AROAEXAMPLE1", "roles.gone"),
        ];
        all.map(|(name, called)| (name.to_owned(), called))
            .into_iter()
            .collect()
    }

    #[track_caller]
    fn spelled(text: &str, expected: &str) {
        assert_eq!(names().spell(text), expected);
    }

    #[test]
    fn a_name_is_spelled_wherever_it_stands() {
        spelled("arn:aws:sns:eu-west-1:111111111111:orders", "topics.orders");
        spelled(
            "\"arn:aws:iam::111111111111:role/a\" on arn:aws:sns:eu-west-1:111111111111:orders, twice",
            "\"roles.a\" on topics.orders, twice",
        );
        spelled(
            "calls arn:aws:execute-api:eu-west-1:111111111111:x1/prod/GET/orders.",
            "calls apis.x/prod/GET/orders.",
        );
        spelled("it names AROAEXAMPLE1", "it names roles.gone");
        spelled(
            "arn:aws:sns:eu-west-1:111111111111:orders:*",
            "topics.orders:*",
        );
    }

    #[test]
    fn a_name_that_begins_another_is_not_that_other() {
        let dlq = "arn:aws:sns:eu-west-1:111111111111:orders-dlq";
        spelled(dlq, dlq);
        let fifo = "arn:aws:sns:eu-west-1:111111111111:orders.fifo";
        spelled(fifo, fifo);
        spelled("arn:aws:iam::111111111111:role/a.b", "roles.b");
        spelled("arn:aws:iam::111111111111:role/a.", "roles.a.");
        spelled("AROAEXAMPLE12", "AROAEXAMPLE12");
    }

    #[test]
    fn what_is_no_name_stays() {
        for text in ["", "nothing", "arn:", "arn:arn:arn:", "ünïcode arn:ü`é"] {
            spelled(text, text);
        }
    }
}
