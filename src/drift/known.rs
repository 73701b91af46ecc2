//! What others put on a resource and may stay: what repeats the stack, and what a stack file says of the rest.

use std::collections::BTreeSet;

use toml_edit::{ArrayOfTables, DocumentMut, Item, Table};

use crate::escape::toml::edited;
use crate::kinds::extra::statement_digest;
use crate::kinds::{Extra, Have, Resource, Stranger, Want};
use crate::model::Address;
use crate::policy::normal::normal;
use crate::policy::{ApiName, Document, Statement};
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
    let on = address.of_table().to_string();
    let says =
        |it: &Table, field: &str, text: &str| it.get(field).and_then(Item::as_str) == Some(text);
    // Of a stage, what was known before it changed is of no use any more.
    let of_stage = matches!(extra.what, Stranger::Stage { .. });
    let is_it = |it: &Table| says(it, field, name) || of_stage && says(it, "what", &extra.text);
    all.retain(|it| !(says(it, "on", &on) && is_it(it)));
    let mut table = Table::new();
    let mut set = |field: &str, text: &str| {
        table.insert(field, Item::Value(edited(text)));
    };
    set("on", &on);
    set(field, name);
    if let Some(document) = &extra.document {
        set("document", document);
    }
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

/// Digests of statements of others that repeat one of the stack's word for word, whatever their `Sid`.
pub(super) fn repeated(want: &Want, have: &Have) -> BTreeSet<String> {
    let Some(policy) = want.resource.policy() else {
        return BTreeSet::new();
    };
    let expand = |it: &Statement| {
        let mut document = Document::of(vec![it.clone()]);
        if matches!(want.resource, Resource::RestApi(_)) {
            document = ApiName {
                partition: want.place.partition().as_str(),
                region: want.place.region.as_str(),
                account: want.place.id.as_str(),
                api: &have.id,
            }
            .expand(&document);
        }
        let mut form = normal(&document);
        for it in &mut form.statements {
            it.sid = None;
        }
        form
    };
    let ours: BTreeSet<_> = policy.statements.iter().map(expand).collect();
    let repeats = |it: &&Statement| ours.contains(&expand(it));
    let theirs = have.foreign.iter().filter(repeats);
    theirs.map(statement_digest).collect()
}
