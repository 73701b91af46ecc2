//! What differs between two texts, line by line, as `diff -u` shows it.

use std::fmt::Write as _;

use super::style::{BAD, GOOD, QUIET, styled};

/// Unchanged lines that are shown around a change.
const CONTEXT: usize = 2;

/// A line of either text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line<'a> {
    Same(&'a str),
    Gone(&'a str),
    New(&'a str),
}

/// The difference of a file's old and new text; empty when there is none.
#[must_use]
pub fn unified(name: &str, old: &str, new: &str) -> String {
    let lines = compared(&lines(old), &lines(new));
    let mut text = String::new();
    let changed = |it: &Line<'_>| !matches!(it, Line::Same(_));
    let (mut from, mut to) = (1, 1);
    let mut at = 0;
    while at < lines.len() {
        let Some(first) = lines[at..].iter().position(changed).map(|it| it + at) else {
            break;
        };
        let begin = first.saturating_sub(CONTEXT).max(at);
        // Changes with little between them are shown together.
        let mut last = first;
        while let Some(next) = lines[last + 1..].iter().position(changed) {
            if next > 2 * CONTEXT {
                break;
            }
            last += 1 + next;
        }
        let end = (last + 1 + CONTEXT).min(lines.len());
        from += begin - at;
        to += begin - at;
        let part = &lines[begin..end];
        let olds = part.iter().filter(|it| !matches!(it, Line::New(_))).count();
        let news = part
            .iter()
            .filter(|it| !matches!(it, Line::Gone(_)))
            .count();
        if text.is_empty() {
            let _ = writeln!(text, "--- {name}\n+++ {name}");
        }
        let head = format!("@@ -{from},{olds} +{to},{news} @@");
        let _ = writeln!(text, "{}", styled(QUIET, head));
        for line in part {
            let _ = match line {
                Line::Same("") => writeln!(text),
                Line::Same(it) => writeln!(text, " {it}"),
                Line::Gone(it) => writeln!(text, "{}", styled(BAD, format!("-{it}"))),
                Line::New(it) => writeln!(text, "{}", styled(GOOD, format!("+{it}"))),
            };
        }
        (from, to) = (from + olds, to + news);
        at = end;
    }
    text
}

/// How many lines are new, and how many are gone.
#[must_use]
pub fn counts(old: &str, new: &str) -> (usize, usize) {
    let lines = compared(&lines(old), &lines(new));
    let count = |is: fn(&Line<'_>) -> bool| lines.iter().filter(|it| is(it)).count();
    (
        count(|it| matches!(it, Line::New(_))),
        count(|it| matches!(it, Line::Gone(_))),
    )
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

/// The fewest lines gone and new that lead from one to the other: Myers' greedy way,
/// whose work grows with the difference and not with the texts.
fn compared<'a>(old: &[&'a str], new: &[&'a str]) -> Vec<Line<'a>> {
    let (rows, columns) = (old.len(), new.len());
    let most = rows + columns;
    // The furthest row reached on each diagonal, the diagonals counted from `-most` on.
    let mut reach = vec![0; 2 * most + 2];
    let mut rounds: Vec<Vec<usize>> = Vec::new();
    'search: for round in 0..=most {
        rounds.push(reach.clone());
        let mut diagonal = most - round;
        while diagonal <= most + round {
            let down = diagonal == most - round
                || (diagonal != most + round && reach[diagonal - 1] < reach[diagonal + 1]);
            let mut row = if down {
                reach[diagonal + 1]
            } else {
                reach[diagonal - 1] + 1
            };
            let mut column = row + most - diagonal;
            while row < rows && column < columns && old[row] == new[column] {
                (row, column) = (row + 1, column + 1);
            }
            reach[diagonal] = row;
            if row >= rows && column >= columns {
                break 'search;
            }
            diagonal += 2;
        }
    }
    let mut found = Vec::new();
    let (mut row, mut column) = (rows, columns);
    for (round, reach) in rounds.iter().enumerate().rev() {
        let diagonal = row + most - column;
        let down = diagonal == most - round
            || (diagonal != most + round && reach[diagonal - 1] < reach[diagonal + 1]);
        let before = if down { diagonal + 1 } else { diagonal - 1 };
        let (from_row, from_column) = if round == 0 {
            (0, 0)
        } else {
            (reach[before], reach[before] + most - before)
        };
        while row > from_row && column > from_column {
            (row, column) = (row - 1, column - 1);
            found.push(Line::Same(old[row]));
        }
        if round > 0 {
            if down {
                column -= 1;
                found.push(Line::New(new[column]));
            } else {
                row -= 1;
                found.push(Line::Gone(old[row]));
            }
        }
    }
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use super::super::style::plain;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_change_is_shown_with_the_lines_around_it() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\n";
        let new = "a\nb\nc\nX\ne\nf\ng\nh\ni\nj\nk\nl\n";
        assert_eq!(
            plain(&unified("it", old, new)),
            "--- it\n+++ it\n@@ -2,5 +2,5 @@\n b\n c\n-d\n+X\n e\n f\n@@ -10,2 +10,3 @@\n j\n k\n+l\n"
        );
        assert_eq!(counts(old, new), (2, 1));
        assert_eq!(unified("it", old, old), "");
    }

    proptest! {
        #[test]
        fn each_text_is_found_again_in_the_difference(
            old in prop::collection::vec("[ab]", 0..12),
            new in prop::collection::vec("[ab]", 0..12),
        ) {
            let old: Vec<&str> = old.iter().map(String::as_str).collect();
            let new: Vec<&str> = new.iter().map(String::as_str).collect();
            let lines = compared(&old, &new);
            let side = |gone: bool| -> Vec<&str> {
                lines.iter().filter_map(|it| match it {
                    Line::Same(it) => Some(*it),
                    Line::Gone(it) => gone.then_some(*it),
                    Line::New(it) => (!gone).then_some(*it),
                }).collect()
            };
            prop_assert_eq!(side(true), old);
            prop_assert_eq!(side(false), new);
        }
    }
}
