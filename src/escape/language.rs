//! Values as literals of each language: nothing that a name or a value holds can end one.

use std::fmt::Write as _;

use super::is_hidden;

/// A word of a POSIX shell.
#[must_use]
pub fn shell(text: &str) -> String {
    let plain = |it: char| it.is_ascii_alphanumeric() || "-_./:@%+,=".contains(it);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A string of Python.
#[must_use]
pub fn python(text: &str) -> String {
    escaped(text, |it, out| {
        let _ = match u32::from(it) {
            code @ 0..=0xff => write!(out, "\\x{code:02x}"),
            code @ 0x100..=0xffff => write!(out, "\\u{code:04x}"),
            code => write!(out, "\\U{code:08x}"),
        };
    })
}

/// A string of JavaScript.
#[must_use]
pub fn javascript(text: &str) -> String {
    escaped(text, |it, out| {
        let _ = write!(out, "\\u{{{:x}}}", u32::from(it));
    })
}

/// A string of Rust.
#[must_use]
pub fn rust(text: &str) -> String {
    escaped(text, |it, out| {
        let _ = write!(out, "\\u{{{:x}}}", u32::from(it));
    })
}

/// Printable ASCII as it is, quotes and backslashes with a backslash, the rest by its number.
fn escaped(text: &str, number: impl Fn(char, &mut String)) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for it in text.chars() {
        match it {
            '"' | '\\' => {
                out.push('\\');
                out.push(it);
            }
            ' '..='~' => out.push(it),
            _ => number(it, &mut out),
        }
    }
    out.push('"');
    out
}

/// Text for a comment that ends with its line.
#[must_use]
pub fn comment(text: &str) -> String {
    let seen = |it: char| if is_hidden(it) { ' ' } else { it };
    text.chars().map(seen).collect()
}

/// Text for a comment between `/*` and `*/`: `GET /orders/*/notes` holds one.
#[must_use]
pub fn block_comment(text: &str) -> String {
    comment(text).replace("*/", "*\\/")
}

/// Text within a docstring of Python.
#[must_use]
pub fn docstring(text: &str) -> String {
    comment(text).replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_ended_by_nothing_in_it() {
        assert_eq!(comment("a\nrm -rf \u{202e}\u{2028}b"), "a rm -rf   b");
        assert_eq!(block_comment("GET /a/*/b"), "GET /a/*\\/b");
        assert_eq!(docstring("a\"\"\"\\N"), "a\\\"\\\"\\\"\\\\N");
    }

    #[test]
    fn a_literal_is_ended_by_nothing_in_it() {
        let text = "a'\"\\\n$(rm)`é🦀";
        assert_eq!(shell(text), "'a'\\''\"\\\n$(rm)`é🦀'");
        assert_eq!(python(text), r#""a'\"\\\x0a$(rm)`\xe9\U0001f980""#);
        assert_eq!(rust(text), r#""a'\"\\\u{a}$(rm)`\u{e9}\u{1f980}""#);
        assert_eq!(javascript(text), rust(text));
    }
}
