//! A stack's text in its one layout.
//!
//! Tables stand in the order a reader wants them (`[stack]`, accounts, roles,
//! apis, topics, queues, accesses) with a blank line between; `=` are aligned
//! where lines follow each other. Every comment is kept with the words it
//! stands at, and what the file means does not change: only white space and
//! the order of tables do.

use toml_edit::{Array, Decor, DocumentMut, InlineTable, Item, KeyMut, RawString, Table, Value};

use super::Source;
use super::check::ROOT;
use super::diagnostic::{Code, Diagnostic, Faults, Span};
use super::syntax;

/// The text in its one layout, or every syntax error of it.
pub(super) fn format(source: &Source) -> Result<String, Faults> {
    let sources = std::slice::from_ref(source);
    let faults = match syntax::parse(sources) {
        Ok(_) => match source.text.parse::<DocumentMut>() {
            Ok(document) => return Ok(laid_out(document)),
            Err(error) => vec![Diagnostic::new(
                Code::Syntax,
                Span::new(0, error.span().unwrap_or_default()),
                format!("not valid TOML: {}", error.message()),
                "here",
            )],
        },
        Err(faults) => faults,
    };
    match Faults::of(sources.to_vec(), faults) {
        Some(faults) => Err(faults),
        None => unreachable!("an error carries a fault"),
    }
}

fn laid_out(mut document: DocumentMut) -> String {
    let order = order(document.as_table());
    let head = take_head(document.as_table_mut(), &order);
    let trailing = comments(Some(document.trailing()), true);
    document.set_trailing(trailing);
    lay_out_lines(document.as_table_mut());
    let mut lay_out = |table: &mut Table| {
        let before = comments(table.decor().prefix(), false);
        let after = on_the_line(table.decor().suffix());
        *table.decor_mut() = Decor::new(format!("\n{before}"), after);
        if let Some(at) = table.position() {
            let place = order.iter().position(|it| it.position == at).unwrap_or(0);
            table.set_position(isize::try_from(place).ok());
        }
        lay_out_lines(table);
    };
    each_table(document.as_table_mut(), &mut lay_out);
    let text = format!("{head}{}", document.to_string().trim_start_matches('\n'));
    let text = text.trim();
    if text.is_empty() {
        String::new()
    } else {
        format!("{text}\n")
    }
}

/// Where a written table goes.
struct Placed {
    /// The section, by its place in [`ROOT`].
    section: usize,
    /// Where the first table of the same resource is written.
    resource: isize,
    /// Where it is written.
    position: isize,
}

/// The written tables in the order they are to have.
fn order(root: &Table) -> Vec<Placed> {
    let mut found = Vec::new();
    for (name, item) in root {
        let section = ROOT
            .fields
            .iter()
            .position(|it| it.name == name)
            .unwrap_or(ROOT.fields.len());
        let mut place = |table: &Table, resource: Option<isize>| {
            if let Some(position) = table.position() {
                found.push(Placed {
                    section,
                    resource: resource.unwrap_or(position),
                    position,
                });
            }
        };
        if let Item::Table(table) = item {
            place(table, None);
            for (_, resource) in table {
                let mut positions = Vec::new();
                positions_of(resource, &mut positions);
                let first = positions.iter().copied().min();
                for position in positions {
                    found.push(Placed {
                        section,
                        resource: first.unwrap_or(position),
                        position,
                    });
                }
            }
        } else {
            let mut positions = Vec::new();
            positions_of(item, &mut positions);
            found.extend(positions.into_iter().map(|position| Placed {
                section,
                resource: position,
                position,
            }));
        }
    }
    found.sort_by_key(|it| (it.section, it.resource, it.position));
    found
}

fn positions_of(item: &Item, found: &mut Vec<isize>) {
    let mut table = |table: &Table| {
        found.extend(table.position());
        for (_, item) in table {
            positions_of(item, found);
        }
    };
    match item {
        Item::Table(it) => table(it),
        Item::ArrayOfTables(them) => them.iter().for_each(table),
        Item::Value(_) | Item::None => {}
    }
}

pub(super) fn each_table(root: &mut Table, act: &mut impl FnMut(&mut Table)) {
    for (_, item) in root.iter_mut() {
        match item {
            Item::Table(table) => {
                if !table.is_dotted() {
                    act(table);
                }
                each_table(table, act);
            }
            Item::ArrayOfTables(tables) => {
                for table in tables.iter_mut() {
                    act(table);
                    each_table(table, act);
                }
            }
            Item::Value(_) | Item::None => {}
        }
    }
}

/// The comment that opens the file: it stays there, whichever table comes first.
fn take_head(root: &mut Table, order: &[Placed]) -> String {
    if root.get_values().is_empty()
        && let Some(first) = order.iter().map(|it| it.position).min()
    {
        let mut head = String::new();
        each_table(root, &mut |table| {
            if table.position() == Some(first) {
                let before = comments(table.decor().prefix(), false);
                if let Some((top, own)) = before.rsplit_once("\n\n") {
                    head = format!("{top}\n\n");
                    table.decor_mut().set_prefix(own.to_owned());
                }
            }
        });
        return head;
    }
    String::new()
}

/// Comment lines without their indentation, with at most one blank line in a row.
///
/// What follows the last line break is the next thing's indentation, and goes.
fn comments(raw: Option<&RawString>, keep_leading_blank: bool) -> String {
    let raw = raw.and_then(RawString::as_str).unwrap_or_default();
    let mut lines: Vec<&str> = raw.split('\n').map(str::trim).collect();
    if lines.last().is_some_and(|it| it.is_empty()) {
        lines.pop();
    }
    lines.dedup_by(|next, before| next.is_empty() && before.is_empty());
    let leading = lines.first().is_some_and(|it| it.is_empty());
    let lines = if leading && !keep_leading_blank {
        &lines[1..]
    } else {
        &lines[..]
    };
    let mut text = lines.join("\n");
    if !lines.is_empty() {
        text.push('\n');
    }
    text
}

/// A comment at the end of a line.
fn on_the_line(raw: Option<&RawString>) -> String {
    let text = raw.and_then(RawString::as_str).unwrap_or_default().trim();
    if text.is_empty() {
        String::new()
    } else {
        format!(" {text}")
    }
}

/// What the alignment of a line rests on.
struct Line {
    /// A blank line stands before it.
    apart: bool,
    width: usize,
    /// Its value goes over several lines.
    long: bool,
}

fn lay_out_lines(table: &mut Table) {
    let mut lines: Vec<Line> = Vec::new();
    each_line(table, 0, &mut |width, mut key, value| {
        let before = comments(key.leaf_decor().prefix(), !lines.is_empty());
        tidy(value, 0);
        let long = {
            let mut bare = value.clone();
            *bare.decor_mut() = Decor::new("", "");
            bare.to_string().contains('\n')
        };
        lines.push(Line {
            apart: before.starts_with('\n') || before.ends_with("\n\n"),
            width,
            long,
        });
        key.leaf_decor_mut().set_prefix(before);
    });
    let widths = aligned(&lines);
    let mut index = 0;
    each_line(table, 0, &mut |width, mut key, value| {
        let gap = widths[index] - width + 1;
        index += 1;
        key.leaf_decor_mut().set_suffix(" ".repeat(gap));
        let after = on_the_line(value.decor().suffix());
        *value.decor_mut() = Decor::new(" ", after);
    });
}

/// For each line the width of the longest key among the lines it stands with.
fn aligned(lines: &[Line]) -> Vec<usize> {
    let mut widths = Vec::with_capacity(lines.len());
    let mut start = 0;
    for (index, line) in lines.iter().enumerate() {
        let ends = line.long || lines.get(index + 1).is_none_or(|it| it.apart || it.long);
        if ends {
            let widest = lines[start..=index].iter().map(|it| it.width).max();
            widths.resize(index + 1, widest.unwrap_or(0));
            start = index + 1;
        }
    }
    widths
}

/// Each `key = value` of a table, with the width of its key; those of dotted keys too.
fn each_line(
    table: &mut Table,
    before: usize,
    act: &mut impl FnMut(usize, KeyMut<'_>, &mut Value),
) {
    for (key, item) in table.iter_mut() {
        let width = before + key.display_repr().chars().count();
        match item {
            Item::Value(value) => act(width, key, value),
            Item::Table(inner) if inner.is_dotted() => each_line(inner, width + 1, act),
            Item::Table(_) | Item::ArrayOfTables(_) | Item::None => {}
        }
    }
}

/// Lays out a value; `depth` is how many lists it stands in that go over several lines.
fn tidy(value: &mut Value, depth: usize) {
    match value {
        Value::Array(array) => tidy_array(array, depth),
        Value::InlineTable(table) => tidy_inline_table(table, depth),
        _ => {}
    }
}

fn breaks(raw: Option<&RawString>) -> bool {
    raw.and_then(RawString::as_str)
        .is_some_and(|it| it.contains('\n'))
}

fn tidy_array(array: &mut Array, depth: usize) {
    let long = breaks(Some(array.trailing()))
        || array
            .iter()
            .any(|it| breaks(it.decor().prefix()) || breaks(it.decor().suffix()));
    if !long {
        for (index, item) in array.iter_mut().enumerate() {
            tidy(item, depth);
            *item.decor_mut() = Decor::new(if index == 0 { "" } else { " " }, "");
        }
        array.set_trailing("");
        array.set_trailing_comma(false);
        return;
    }
    let indent = "  ".repeat(depth + 1);
    // Comments that stand before a comma go behind it.
    let mut held = String::new();
    for (index, item) in array.iter_mut().enumerate() {
        tidy(item, depth + 1);
        let text = |raw: Option<&RawString>| {
            raw.and_then(RawString::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let before = format!("{held}{}", text(item.decor().prefix()));
        held = text(item.decor().suffix());
        *item.decor_mut() = Decor::new(between(&before, &indent, index == 0), "");
    }
    let trailing = array.trailing().as_str().unwrap_or_default();
    let after = between(&format!("{held}{trailing}"), &indent, array.is_empty());
    let after = after.strip_suffix(&indent).unwrap_or(&after);
    array.set_trailing(format!("{after}{}", "  ".repeat(depth)));
    array.set_trailing_comma(!array.is_empty());
}

/// What stands between two items of a list that goes over several lines: the rest
/// of the line, comment lines, and the next item's indentation.
fn between(raw: &str, indent: &str, first: bool) -> String {
    let mut lines: Vec<&str> = raw.split('\n').map(str::trim).collect();
    let rest = if lines.is_empty() {
        ""
    } else {
        lines.remove(0)
    };
    let mut text = if rest.is_empty() {
        String::new()
    } else {
        format!(" {rest}")
    };
    text.push('\n');
    if lines.last().is_some_and(|it| it.is_empty()) {
        lines.pop();
    }
    lines.dedup_by(|next, before| next.is_empty() && before.is_empty());
    for (index, line) in lines.iter().enumerate() {
        if !line.is_empty() {
            text.push_str(indent);
            text.push_str(line);
            text.push('\n');
        } else if !(first && index == 0) {
            text.push('\n');
        }
    }
    text.push_str(indent);
    text
}

fn tidy_inline_table(table: &mut InlineTable, depth: usize) {
    let plain = |raw: Option<&RawString>| {
        raw.and_then(RawString::as_str)
            .is_none_or(|it| it.trim().is_empty() && !it.contains('\n'))
    };
    let simple = plain(Some(table.trailing()))
        && table.iter().all(|(_, value)| {
            plain(value.decor().prefix())
                && plain(value.decor().suffix())
                && !matches!(value, Value::InlineTable(it) if it.is_dotted())
        })
        && table.get_values().iter().all(|(path, _)| {
            path.iter()
                .all(|key| plain(key.leaf_decor().prefix()) && plain(key.leaf_decor().suffix()))
        });
    let count = table.len();
    for (index, (mut key, value)) in table.iter_mut().enumerate() {
        tidy(value, depth);
        // One that goes over several lines, or has dotted keys, stays as its author wrote it.
        if simple {
            *key.leaf_decor_mut() = Decor::new(" ", " ");
            *value.decor_mut() = Decor::new(" ", if index + 1 == count { " " } else { "" });
        }
    }
    if simple {
        table.set_trailing("");
        table.set_trailing_comma(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(text: &str) -> String {
        let source = Source {
            name: "a.toml".to_owned(),
            text: text.to_owned(),
        };
        let once = match format(&source) {
            Ok(once) => once,
            Err(faults) => panic!("{}", faults.render(false)),
        };
        let again = Source {
            name: source.name,
            text: once.clone(),
        };
        assert_eq!(format(&again).as_ref(), Ok(&once), "twice is as once");
        once
    }

    #[test]
    fn tables_stand_in_the_order_a_reader_wants() {
        let text = "# A shop.\n\n[queues.a]\n[[access]]\nfrom='x'\n# The API.\n[apis.a]\nstage='b'\n[accounts.a]\n[apis.a.routes]\n[stack]\nname='s'\n# end\n";
        snapbox::assert_data_eq!(
            formatted(text),
            snapbox::str![[r#"
# A shop.

[stack]
name = 's'

[accounts.a]

# The API.
[apis.a]
stage = 'b'

[apis.a.routes]

[queues.a]

[[access]]
from = 'x'
# end

"#]]
        );
    }

    #[test]
    fn comments_stay_with_the_words_they_stand_at() {
        let text = "[a]\n\n\n  # one\n b=1 # two\n\n\n# three\n\nlonger   =  [ 1,2 ]\nc.d={a=1,b=[{x=1}]}\nlist = [ # four\n  1 # five\n  ,\n\n\n # six\n 2, 3 # seven\n]\nm = { a = 1, # eight\n b = 2 }\n";
        snapbox::assert_data_eq!(
            formatted(text),
            snapbox::str![[r#"
[a]
# one
b = 1 # two

# three

longer = [1, 2]
c.d    = { a = 1, b = [{ x = 1 }] }
list = [ # four
  1, # five

  # six
  2,
  3, # seven
]
m = { a = 1, # eight
 b = 2 }

"#]]
        );
    }

    #[test]
    fn an_empty_file_stays_empty() {
        assert_eq!(formatted(""), "");
        assert_eq!(formatted("\n\n"), "");
        assert_eq!(formatted("# only this\n"), "# only this\n");
    }
}
