//! Text for a terminal or a log.
//!
//! [`line`] is for a text from elsewhere, before it becomes part of a line of ours. [`page`] is for all that is
//! printed, at the one place that prints: what it replaces, it replaces by escapes that JSON and TOML read as the same
//! character, so that a document stays a document.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::is_hidden;

/// Returns a text in which nothing begins a command of a CI system that is one anywhere in a line (`##[error]`,
/// `##vso[…]`, `##teamcity[…]`): the second `#` is as JSON and TOML escape it.
fn without_commands(text: &str) -> Cow<'_, str> {
    let begins = |rest: &str| {
        let name = rest.trim_start_matches(|it: char| it.is_ascii_alphanumeric());
        name.starts_with('[')
    };
    if !text.contains("##") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(at) = rest.find("##") {
        out.push_str(&rest[..=at]);
        rest = &rest[at + 1..];
        if begins(&rest[1..]) {
            out.push_str("\\u0023");
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Returns a text from elsewhere as a part of one line: what steers a terminal is written out, and so is what a CI
/// system would take for a command (`::error::` where a line begins, `##[error]` anywhere).
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    if !text.trim_start().starts_with("::") && !text.contains(is_hidden) {
        return without_commands(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    if text.trim_start().starts_with("::") {
        out.push('\\');
    }
    text.chars().for_each(|it| visible(it, &mut out));
    Cow::Owned(without_commands(&out).into_owned())
}

/// Returns what is to be printed, with nothing in it that steers a terminal except line ends, tabs and the colours of
/// our own styles.
#[must_use]
pub fn page(text: &str) -> Cow<'_, str> {
    let steers = |it: char| it != '\n' && it != '\t' && is_hidden(it);
    let text = without_commands(text);
    if !text.contains(steers) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = &*text;
    while let Some(at) = rest.find(steers) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = if let Some(end) = colour(rest) {
            out.push_str(&rest[..end]);
            end
        } else {
            let first = rest.chars().next().unwrap_or_default();
            visible(first, &mut out);
            first.len_utf8()
        };
        rest = &rest[end..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Returns the length of the sequence at the beginning of a text that only colours, emphasizes or resets.
fn colour(text: &str) -> Option<usize> {
    let rest = text.strip_prefix("\u{1b}[")?;
    let end = rest.find('m')?;
    let colours = |it: &str| match it.parse() {
        Ok(0..=4 | 22 | 24 | 30..=37 | 39 | 90..=97) => true,
        Ok::<u8, _>(_) => false,
        Err(_) => it.is_empty(),
    };
    rest[..end].split(';').all(colours).then_some(end + 3)
}

/// Writes a character so that it is seen: `\n`, `\u001b`; beyond sixteen bits as JSON does, in two halves.
fn visible(it: char, out: &mut String) {
    match it {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        it if is_hidden(it) => {
            for unit in it.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
        it => out.push(it),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_text_begins_a_command_of_a_ci_system() {
        for (text, shown) in [
            (
                "##vso[task.setvariable variable=a]b",
                "#\\u0023vso[task.setvariable variable=a]b",
            ),
            ("a ##teamcity[x]", "a #\\u0023teamcity[x]"),
            ("###[error]", "##\\u0023[error]"),
            ("## a heading [x]", "## a heading [x]"),
            ("##", "##"),
        ] {
            assert_eq!(line(text), shown);
            assert_eq!(page(text), shown);
        }
    }

    #[test]
    fn a_foreign_text_is_one_line_and_no_command() {
        assert_eq!(line("orders"), "orders");
        assert_eq!(line("a\n[[access]]\u{1b}[2J"), "a\\n[[access]]\\u001b[2J");
        assert_eq!(line(" ::error::x"), "\\ ::error::x");
        assert_eq!(line("x ##[warning]y"), "x #\\u0023[warning]y");
        assert_eq!(line("a::b"), "a::b");
        assert_eq!(line("\u{202e}txt.exe\u{200b}"), "\\u202etxt.exe\\u200b");
    }

    #[test]
    fn only_colours_reach_the_terminal() {
        assert_eq!(
            page("\u{1b}[31mred\u{1b}[0m\n\tb"),
            "\u{1b}[31mred\u{1b}[0m\n\tb"
        );
        assert_eq!(page("\u{1b}[1;91mred\u{1b}[m"), "\u{1b}[1;91mred\u{1b}[m");
        assert_eq!(page("\u{1b}[8mhidden"), "\\u001b[8mhidden");
        assert_eq!(page("\u{1b}]0;title\u{7}"), "\\u001b]0;title\\u0007");
        assert_eq!(page("\u{9b}2J\r"), "\\u009b2J\\r");
        assert_eq!(page("\u{1b}[2Jm"), "\\u001b[2Jm");
    }

    proptest! {
        #[test]
        fn a_document_that_is_printed_is_the_same_document(text in any::<String>()) {
            let text = text.replace('a', "##[");
            let document = serde_json::json!({ "a": text }).to_string();
            let printed: serde_json::Value =
                serde_json::from_str(&page(&document)).expect("JSON");
            prop_assert_eq!(printed["a"].as_str(), Some(text.as_str()));
        }

        #[test]
        fn no_foreign_text_leaves_its_line(text in any::<String>()) {
            let line = line(&text);
            prop_assert!(!line.contains(is_hidden) && !line.contains("##["));
            prop_assert!(!line.trim_start().starts_with("::"));
        }
    }
}
