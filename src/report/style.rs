//! The six styles there are.

use std::fmt::Display;

use anstyle::AnsiColor;
pub use anstyle::Style;

/// Made, gained, done.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Changed.
pub const CHANGE: Style = AnsiColor::Yellow.on_default();
/// Removed, lost, failed.
pub const BAD: Style = AnsiColor::Red.on_default();
/// Headings and verdicts.
pub const LOUD: Style = Style::new().bold();
/// What is there for whoever looks for it.
pub const QUIET: Style = Style::new().dimmed();
/// Names of things.
pub const NAME: Style = AnsiColor::Cyan.on_default();

/// A text in a style.
#[must_use]
pub fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// The style of a sign.
#[must_use]
pub fn of_sign(sign: &str) -> Style {
    match sign {
        "+" => GOOD,
        "~" => CHANGE,
        "-" | "-/+" | "!" => BAD,
        _ => QUIET,
    }
}

/// A text without its escape codes.
#[must_use]
pub fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// `1 queue`, `2 queues`.
#[must_use]
pub fn counted(count: usize, one: &str) -> String {
    match (count, one) {
        (1, _) => format!("1 {one}"),
        (_, "policy") => format!("{count} policies"),
        _ => format!("{count} {one}s"),
    }
}
