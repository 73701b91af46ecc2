//! Foreign text in each form that the program writes, a file for each form.
//!
//! Names, descriptions, tags, statements and error messages come from AWS, from contracts and from other
//! files. Whoever wrote them may put a line break, an escape sequence or a quote into them. Here is what
//! keeps such a text inside its place: [`toml`] and [`language`] write literals and comments, [`screen`]
//! and [`markdown`] write what people read.

pub mod diagram;
pub mod language;
pub mod markdown;
pub mod screen;
pub mod toml;

/// Returns whether a character steers what shows it, or shows nothing at all: control characters, those that
/// set the direction of text, other line ends, and characters without width that make two texts look alike.
fn is_hidden(it: char) -> bool {
    it.is_control()
        || matches!(it,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
