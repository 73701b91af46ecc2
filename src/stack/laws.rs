//! What holds for any text: nothing panics, and a layout keeps the meaning.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{Source, check, format};

/// Stacks that are right, to make wrong ones of.
const STACKS: [&str; 4] = [
    include_str!("../../stacks/marketplace.toml"),
    include_str!("../../stacks/private-api.toml"),
    include_str!("../../stacks/openapi.toml"),
    include_str!("../../stacks/single-account.toml"),
];

/// Words that mean something somewhere.
const WORDS: [&str; 28] = [
    "[",
    "]",
    "[[",
    "{",
    "}",
    "=",
    "\"",
    "'''",
    ",",
    "\n",
    "#",
    "é",
    "\u{0}",
    "roles.",
    "apis.x",
    "-1",
    "99999999999999999999",
    "1e999",
    "true",
    "existing = \"arn:aws:sns:eu-west-1:1:x\"\n",
    "fifo = true\n",
    "account = \"orders\"\n",
    "\"*\"",
    "{ account = \"shop\" }",
    "type = \"http\"\n",
    "endpoint = \"private\"\n",
    "[queues.\"a.fifo\"]\n",
    "dead_letter = \"billing-inbox\"\n",
];

fn source(text: String) -> Source {
    Source {
        name: "shop.toml".to_owned(),
        text,
    }
}

/// Checks and lays out a text, whatever it is.
fn bear(text: &str) {
    let main = source(text.to_owned());
    let read = |_: &str| Err("no such file".to_owned());
    if let Err(faults) = check(&main, &[], &read) {
        assert!(!faults.is_empty());
        assert!(faults.render(false).contains("no AWS call was made"));
        assert!(faults.render(true).len() > faults.render(false).len());
    }
    let overlay = source(STACKS[0].to_owned());
    let _ = check(&main, std::slice::from_ref(&overlay), &read);
    let _ = check(&overlay, std::slice::from_ref(&main), &read);
    if let Ok(text) = format(text) {
        assert_eq!(format(&text), Ok(text));
    }
}

/// Where a text is cut: at a character's edge.
fn edge(text: &str, index: Index) -> usize {
    let mut at = index.index(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_borne(text in "\\PC{0,80}|[\\[\\]{}=\"'#,.a-z0-9\\n \r]{0,120}") {
        bear(&text);
    }

    #[test]
    fn any_bytes_are_borne(bytes in vec(any::<u8>(), 0..200)) {
        bear(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_stack_with_words_put_in_and_taken_out_is_borne(
        stack in select(&STACKS[..]),
        edits in vec((any::<Index>(), any::<Index>(), 0_usize..12, select(&WORDS[..]), any::<bool>()), 1..6),
    ) {
        let mut text = stack.to_owned();
        for (at, other, length, word, by_line) in edits {
            if by_line {
                let mut lines: Vec<&str> = text.lines().collect();
                let (at, other) = (at.index(lines.len()), other.index(lines.len()));
                lines.swap(at, other);
                let line = format!("{word}{}", lines[at]);
                lines[at] = &line;
                text = lines.join("\n");
            } else {
                let start = edge(&text, at);
                let mut end = (start + length).min(text.len());
                while !text.is_char_boundary(end) {
                    end += 1;
                }
                text.replace_range(start..end, word);
            }
            if text.is_empty() {
                text.push('\n');
            }
        }
        bear(&text);
    }

    #[test]
    fn a_layout_keeps_the_meaning_and_every_comment(text in document()) {
        let Ok(meaning) = text.parse::<toml::Table>() else {
            return Ok(());
        };
        let after = match format(&text) {
            Ok(after) => after,
            Err(faults) => return Err(TestCaseError::fail(faults.render(false))),
        };
        prop_assert_eq!(after.parse::<toml::Table>().ok(), Some(meaning), "{}\n---\n{}", text, after);
        prop_assert_eq!(comments(&text), comments(&after), "{}\n---\n{}", text, after);
        prop_assert_eq!(format(&after).ok(), Some(after));
    }
}

/// The comments of a text whose strings hold no `#`.
fn comments(text: &str) -> Vec<String> {
    let mut found: Vec<String> = text
        .lines()
        .filter_map(|it| it.split_once('#'))
        .map(|it| it.1.trim().to_owned())
        .collect();
    found.sort();
    found
}

/// White space and comments between lines.
fn space() -> impl Strategy<Value = String> {
    vec(
        select(&["\n", "  \n", "# one\n", "  #two \n", "#\n"][..]),
        0..3,
    )
    .prop_map(|it| it.concat())
}

/// The end of a line.
fn end() -> impl Strategy<Value = &'static str> {
    select(&["\n", "  \n", " # end\n", "#end\n"][..])
}

/// White space and comments within a list.
fn gap() -> impl Strategy<Value = &'static str> {
    select(&["", " ", "\n", " # in\n", "\n\n  # in\n  ", "\n\n"][..])
}

fn value() -> impl Strategy<Value = String> {
    let plain = select(
        &[
            "1",
            "\"a\"",
            "'b'",
            "true",
            "1.5",
            "\"\"\"\nlong\ntext\"\"\"",
            "1979-05-27",
        ][..],
    )
    .prop_map(str::to_owned);
    plain.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            (
                vec((gap(), inner.clone(), gap()), 0..4),
                any::<bool>(),
                gap()
            )
                .prop_map(|(items, comma, last)| {
                    let count = items.len();
                    let items: Vec<String> = items
                        .into_iter()
                        .map(|(before, it, after)| format!("{before}{it}{after}"))
                        .collect();
                    let comma = if comma && count > 0 { "," } else { "" };
                    format!("[{}{comma}{last}]", items.join(","))
                }),
            (
                vec((gap(), inner, select(&["", " "][..]), any::<bool>()), 0..3),
                gap()
            )
                .prop_map(|(items, last)| {
                    let items: Vec<String> = items
                        .into_iter()
                        .enumerate()
                        .map(|(index, (before, it, space, dotted))| {
                            let dotted = if dotted { ".d" } else { "" };
                            format!("{before}k{index}{dotted}{space}={space}{it}")
                        })
                        .collect();
                    format!("{{{}{last}}}", items.join(","))
                }),
        ]
    })
}

fn line() -> impl Strategy<Value = String> {
    let key = select(&["a", "bb", "\"c c\"", "d.e", "d.f", "name", "\"GET /é\""][..]);
    (
        space(),
        select(&["", "  "][..]),
        key,
        select(&["=", " = ", "  ="][..]),
        value(),
        end(),
    )
        .prop_map(|(space, indent, key, equals, value, end)| {
            format!("{space}{indent}{key}{equals}{value}{end}")
        })
}

fn document() -> impl Strategy<Value = String> {
    let header = select(
        &[
            "[stack]",
            "[queues.a]",
            "[accounts.b]",
            "[[access]]",
            "[apis.a]",
            "[apis.a.routes]",
            "[ roles . c ]",
            "[[queues.a.subscribe]]",
            "[other]",
            "[queues]",
            "[topics.t.tags]",
            "[queues.a.subscribe.filter]",
            "[topics.t]",
        ][..],
    );
    let table = (space(), header, end(), vec(line(), 0..4))
        .prop_map(|(space, header, end, lines)| format!("{space}{header}{end}{}", lines.concat()));
    (vec(line(), 0..2), vec(table, 0..6), space())
        .prop_map(|(lines, tables, space)| format!("{}{}{space}", lines.concat(), tables.concat()))
}
