//! Lines that fit a screen: words that wrap, and rows of two columns.

use super::style::plain;

/// How wide a page is where nobody says: a pipe's, a file's, a log's.
pub const WIDTH: usize = 100;

/// How many columns a text takes, its colours left out.
pub(super) fn columns(text: &str) -> usize {
    plain(text).chars().count()
}

/// A text in lines that the page holds; those after the first are indented. `used` are the columns that stand before it.
pub(super) fn wrapped(text: &str, used: usize, indent: usize, width: usize) -> String {
    let text = &one_line(text);
    let mut out = String::new();
    let mut column = used;
    for (at, word) in text.split(' ').enumerate() {
        let long = columns(word);
        let space = usize::from(at > 0);
        if at > 0 && column + space + long > width {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
            // CI takes a line that begins so for a command.
            if word.starts_with("::") {
                out.push('\\');
            }
        } else if at > 0 {
            out.push(' ');
            column += space;
        }
        out.push_str(word);
        column += long;
    }
    out
}

/// What stands in a line of the page has no line of its own, wherever it came from.
fn one_line(text: &str) -> String {
    text.replace('\n', "\\n")
}

/// A row: a sign, what it says, and what is worth knowing beside it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The sign.
    pub(super) sign: String,
    /// What it says.
    pub(super) says: String,
    /// What stands in the second column; below, where the page is too narrow.
    pub(super) beside: String,
}

/// Rows below each other, their second columns in line as far as they fit.
pub(super) fn rows(rows: &[Row], indent: usize, width: usize) -> String {
    let start = |it: &Row| {
        let sign = columns(&it.sign);
        indent + sign + usize::from(sign > 0)
    };
    // A row that says too much for both does not push the others apart.
    let beside = rows.iter().map(|it| columns(&it.beside));
    let beside = beside.filter(|it| *it <= width / 2).max().unwrap_or(0);
    let fits = |it: &&Row| start(it) + columns(&it.says) + 2 + beside <= width;
    let column = rows.iter().filter(fits).map(|it| columns(&it.says));
    let column = column.max().unwrap_or(0);
    let mut text = String::new();
    for it in rows {
        let from = start(it);
        text += &" ".repeat(indent);
        if !it.sign.is_empty() {
            text += &it.sign;
            text.push(' ');
        }
        let says = columns(&it.says);
        let beside = columns(&it.beside);
        if it.beside.is_empty() {
            text += &wrapped(&it.says, from, from + 2, width);
        } else if from + column.max(says) + 2 + beside <= width {
            let padding = " ".repeat(column.saturating_sub(says) + 2);
            text += &one_line(&format!("{}{padding}{}", it.says, it.beside));
        } else if from + says + 2 + beside <= width {
            text += &one_line(&format!("{}  {}", it.says, it.beside));
        } else {
            text += &wrapped(&it.says, from, from + 2, width);
            text += &format!(
                "\n{}{}",
                " ".repeat(from + 4),
                wrapped(&it.beside, from + 4, from + 4, width)
            );
        }
        text.push('\n');
    }
    text
}

/// Names in a row; those that are only counted on are told by the first and the last.
pub(super) fn names_in_a_row(names: &[&str]) -> String {
    let mut runs: Vec<Vec<&str>> = Vec::new();
    for name in names {
        let last = runs.last_mut().filter(|it| {
            let last = it.last().and_then(|it| numbered(it));
            let (Some((head, number, digits)), Some(next)) = (last, numbered(name)) else {
                return false;
            };
            next == (head, number + 1, digits)
        });
        match last {
            Some(run) => run.push(name),
            None => runs.push(vec![name]),
        }
    }
    let told = runs.iter().map(|it| match it.as_slice() {
        [first, .., last] if it.len() > 3 => format!("{first} … {last}"),
        some => some.join(", "),
    });
    told.collect::<Vec<_>>().join(", ")
}

/// A name's head, the number at its end, and how many digits that has.
fn numbered(name: &str) -> Option<(&str, u64, usize)> {
    let head = name.trim_end_matches(|it: char| it.is_ascii_digit());
    let digits = &name[head.len()..];
    Some((head, digits.parse().ok()?, digits.len()))
}

#[cfg(test)]
mod tests {
    use super::super::style::{GOOD, QUIET, styled};
    use super::*;

    fn row(says: &str, beside: &str) -> Row {
        Row {
            sign: styled(GOOD, "+"),
            says: says.to_owned(),
            beside: styled(QUIET, beside),
        }
    }

    #[test]
    fn second_columns_stand_in_line_and_below_where_there_is_no_room() {
        let text = rows(
            &[
                row("a may call b", "by policy"),
                row("anyone may do it", "by policy"),
                row("somebody with a very long name may call", "by policy"),
            ],
            2,
            32,
        );
        assert_eq!(
            plain(&text),
            "  + a may call b      by policy\n\
             \x20 + anyone may do it  by policy\n\
             \x20 + somebody with a very long\n\
             \x20     name may call\n\
             \x20       by policy\n"
        );
        assert!(plain(&text).lines().all(|it| it.chars().count() <= 32));
    }

    #[test]
    fn names_that_are_counted_on_are_told_by_the_first_and_the_last() {
        let all = ["a", "c-08", "c-09", "c-10", "c-11", "d1", "d3", "d4"];
        assert_eq!(names_in_a_row(&all), "a, c-08 … c-11, d1, d3, d4");
        assert_eq!(names_in_a_row(&[]), "");
    }

    #[test]
    fn a_word_that_is_wider_than_the_page_stands_alone() {
        assert_eq!(wrapped("a bbbbbbbbbb c", 0, 2, 6), "a\n  bbbbbbbbbb\n  c");
        assert_eq!(wrapped("a b", 0, 2, 80), "a b");
    }
}
