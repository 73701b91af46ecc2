//! What stands in documents for ids that AWS has yet to choose.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Address;
use crate::policy::Document;

/// The text that stands in a document for an API's id until the API exists.
#[must_use]
pub fn pending_id(address: &Address) -> String {
    format!("${{provision:{address}}}")
}

/// A document with the ids known so far in the place of what stands for them.
#[must_use]
pub fn with_ids(document: &Document, ids: &BTreeMap<Address, String>) -> Document {
    let mut document = document.clone();
    for statement in &mut document.statements {
        for resource in statement
            .resource
            .iter_mut()
            .flat_map(|it| it.values.iter_mut())
        {
            if !resource.contains("${provision:") {
                continue;
            }
            for (address, id) in ids {
                *resource = resource.replace(&pending_id(address), id);
            }
        }
    }
    document
}

/// A document as long as it will be: an API's id has ten characters, chosen or not.
#[must_use]
pub fn full_length(document: &Document) -> Document {
    let ids = pending_in(document).into_iter();
    with_ids(
        document,
        &ids.map(|it| (it, "0123456789".to_owned())).collect(),
    )
}

/// The addresses whose ids a document waits for.
#[must_use]
pub fn pending_in(document: &Document) -> BTreeSet<Address> {
    let mut found = BTreeSet::new();
    for statement in &document.statements {
        for resource in statement.resource.iter().flat_map(|it| it.values.iter()) {
            if let Some((_, rest)) = resource.split_once("${provision:")
                && let Some((address, _)) = rest.split_once('}')
                && let Ok(address) = address.parse()
            {
                found.insert(address);
            }
        }
    }
    found
}
