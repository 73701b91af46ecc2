//! Documents and names as drift compares them.

use crate::model::Place;
use crate::policy::own::{is_ghost, without_principals};
use crate::policy::{ApiName, Clause, Document, Statement};

/// The document without principals that are gone: an id is never given out again, so nobody has it.
pub(super) fn living(document: Document) -> Document {
    without_principals(document, is_ghost)
}

/// Everything that everybody may do: what an administrator's policy says.
pub(super) fn everything() -> Document {
    Document::of(vec![Statement::allow("", Clause::of(["*"])).on(["*"])])
}

/// The name of an API in ARNs.
pub(super) fn api_name<'a>(place: &'a Place, id: &'a str) -> ApiName<'a> {
    ApiName {
        partition: place.partition().as_str(),
        region: place.region.as_str(),
        account: place.id.as_str(),
        api: id,
    }
}

/// A segment as somebody may call it.
pub(super) fn sample(segment: &str) -> String {
    if segment.starts_with('{') {
        "x".to_owned()
    } else {
        segment.to_owned()
    }
}
