//! Writing into a stack file what others put on a resource and may stay.

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table};

use crate::kinds::Extra;
use crate::model::Address;
use crate::stack::KnownContent;

/// Writes a `[[known]]`; one that has expired is replaced.
pub(super) fn know(
    document: &mut DocumentMut,
    address: &Address,
    extra: &Extra,
    (reason, until): (&str, Option<&str>),
) -> Result<(), String> {
    let content = extra.known_as();
    let (field, name) = content.field();
    let all = document
        .entry("known")
        .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let all = all.as_array_of_tables_mut().ok_or_else(|| {
        "`known` is written as a list; write it as `[[known]]` tables first".to_owned()
    })?;
    let on = address.to_string();
    let says =
        |it: &Table, field: &str, text: &str| it.get(field).and_then(Item::as_str) == Some(text);
    all.retain(|it| !(says(it, "on", &on) && says(it, field, name)));
    let mut table = Table::new();
    let mut set = |field: &str, text: &str| {
        table.insert(field, toml_edit::value(text));
    };
    set("on", &on);
    set(field, name);
    if matches!(content, KnownContent::Digest(_)) {
        set("what", &extra.text);
    }
    set("reason", reason);
    if let Some(until) = until {
        set("until", until);
    }
    all.push(table);
    Ok(())
}
