//! Values as literals of each language: nothing that a name or a value holds can end one.

use std::fmt::Write as _;

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
    text.chars()
        .map(|it| {
            if it.is_control() || "\u{2028}\u{2029}".contains(it) {
                ' '
            } else {
                it
            }
        })
        .collect()
}
