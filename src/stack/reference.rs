//! The shapes as Markdown: the stack reference of `docs/stack.md`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::check::ROOT;
use super::shape::{Field, Kind, Shape};

/// What holds for all fields.
const NOTATION: &str = "\
A resource is spoken of by its table and name, `\"queues.inbox\"`; where only one kind can be meant, \
`\"inbox\"` is enough. A duration is whole seconds or a text such as `\"90s\"`, `\"5m\"`, `\"1h30m\"` or \
`\"4d\"`; a size is bytes or a text such as `\"256KiB\"`. Paths of files are seen from the stack's folder.

An overlay (`--with prod.toml`) is laid over the stack: tables merge by key, each `[[access]]`, \
`[[never]]`, `[[known]]` and `[[statement]]` is added, and anything else takes the place of what was there. A route's \
integration and a policy are replaced whole.";

/// Every table and field, as Markdown.
pub(super) fn reference() -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}\n\n{NOTATION}", ROOT.doc);
    let mut told = BTreeSet::new();
    for field in ROOT.fields {
        match &field.kind {
            Kind::Table(shape) => {
                section(&mut text, &format!("[{}]", field.name), shape, &mut told);
            }
            Kind::Named(shape) => {
                section(
                    &mut text,
                    &format!("[{}.NAME]", field.name),
                    shape,
                    &mut told,
                );
            }
            Kind::List(Kind::Table(shape)) => {
                section(&mut text, &format!("[[{}]]", field.name), shape, &mut told);
            }
            _ => {}
        }
    }
    text
}

fn section(
    text: &mut String,
    heading: &str,
    shape: &'static Shape,
    told: &mut BTreeSet<&'static str>,
) {
    if !told.insert(shape.doc) {
        return;
    }
    let _ = write!(text, "\n## `{heading}`\n\n{}\n\n", shape.doc);
    let _ = writeln!(text, "| field | type | default | meaning |");
    let _ = writeln!(text, "| --- | --- | --- | --- |");
    for field in shape.fields {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            field.name,
            type_of(&field.kind).replace('|', "\\|"),
            default_of(field),
            field.doc.replace('|', "\\|"),
        );
    }
    if !shape.one_of.is_empty() {
        let choices: Vec<String> = shape.one_of.iter().map(|it| format!("`{it}`")).collect();
        let _ = writeln!(text, "\nExactly one of {} is written.", choices.join(", "));
    }
    if shape.fields.iter().any(|it| it.name == "existing") {
        let beside: Vec<String> = shape
            .fields
            .iter()
            .filter(|it| it.with_existing && it.name != "existing")
            .map(|it| format!("`{}`", it.name))
            .collect();
        let _ = writeln!(text, "\nBeside `existing` may stand {}.", beside.join(", "));
    }
    for field in shape.fields {
        let inner = match &field.kind {
            Kind::Map(inner) => (
                *inner,
                match *inner {
                    Kind::Table(shape) => {
                        format!("{heading}` `{}.{}", field.name, shape.noun.to_uppercase())
                    }
                    _ => format!("{heading}` `{}.NAME", field.name),
                },
            ),
            kind => (kind, format!("{heading}` `{}", field.name)),
        };
        for shape in shapes_of(inner.0) {
            section(text, &inner.1, shape, told);
        }
    }
}

fn default_of(field: &Field) -> String {
    if field.required {
        "required".to_owned()
    } else if field.default.is_empty() {
        String::new()
    } else {
        format!("`{}`", field.default)
    }
}

fn shapes_of(kind: &Kind) -> Vec<&'static Shape> {
    match kind {
        Kind::Table(shape) => vec![shape],
        Kind::List(item) | Kind::OneOrMany(item) | Kind::Map(item) => shapes_of(item),
        Kind::Either(kinds) => kinds.iter().flat_map(shapes_of).collect(),
        _ => Vec::new(),
    }
}

fn type_of(kind: &Kind) -> String {
    match kind {
        Kind::Text | Kind::Pattern(_) => "text".to_owned(),
        Kind::Flag => "`true`, `false`".to_owned(),
        Kind::Whole(low, high) => format!("{low} to {high}"),
        Kind::Number(low) => format!("number from {low} on"),
        Kind::Seconds(..) | Kind::Millis(..) | Kind::Bytes(..) => kind.range(),
        Kind::OneOf(texts) => texts
            .iter()
            .map(|it| format!("`\"{it}\"`"))
            .collect::<Vec<_>>()
            .join(", "),
        Kind::List(item) => format!("list of {}", type_of(item)),
        Kind::OneOrMany(item) => format!("{}, or a list of such", type_of(item)),
        Kind::Map(item) => format!("by name: {}", type_of(item)),
        Kind::Table(shape) => format!("{} table", shape.noun),
        Kind::Named(shape) => format!("{} tables", shape.noun),
        Kind::Json => "table".to_owned(),
        Kind::Either(kinds) => kinds.iter().map(type_of).collect::<Vec<_>>().join(", or "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn each(
        shape: &'static Shape,
        seen: &mut BTreeSet<&'static str>,
        act: &mut impl FnMut(&Field),
    ) {
        if !seen.insert(shape.doc) {
            return;
        }
        for field in shape.fields {
            act(field);
            for inner in shapes_of(&field.kind) {
                each(inner, seen, act);
            }
        }
    }

    #[test]
    fn every_field_of_every_table_is_told() {
        let text = reference();
        let mut seen = BTreeSet::from([ROOT.doc]);
        for field in ROOT.fields {
            let shape = match &field.kind {
                Kind::Named(shape) => shape,
                kind => shapes_of(kind)[0],
            };
            each(shape, &mut seen, &mut |field| {
                assert!(
                    text.contains(&format!("| `{}` |", field.name)),
                    "{}",
                    field.name
                );
                assert!(field.doc.ends_with('.'), "{}: {}", field.name, field.doc);
            });
        }
        for line in text.lines().filter(|it| it.starts_with('|')) {
            let bars = line.replace("\\|", "").matches('|').count();
            assert_eq!(bars, 5, "{line}");
        }
    }
}
