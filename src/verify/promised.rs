//! What other stacks offer, as things with the documents that their contracts promise.
//!
//! What the owner's documents say now cannot be read from here. The contract says what they say
//! as long as the owner keeps to it, and that is what the half of this stack is tried against.

use crate::model::{Address, Arn, KindName, Place};
use crate::policy::{Clause, Document, PrincipalClause, Statement};

use super::paper::Paper;
use super::voice::root;
use super::world::{Surface, Thing, What};

/// A topic of a contract, as its owner promises it to a queue.
pub(super) fn promised_topic(
    arn: &Arn,
    name: &str,
    owner: &str,
    queue: &Arn,
    place: &Place,
) -> Thing {
    let allow = Statement::allow("Offered", Clause::of(["sns:Subscribe"]))
        .to(PrincipalClause::aws([root(place, queue.account())]))
        .on([arn.as_str()])
        .when("StringEquals", "sns:Endpoint", [queue.as_str()]);
    let address = Address::new(KindName::Topic, name);
    promised(&address, owner, arn.as_str(), place, vec![allow])
}

/// What a contract promises on a resource, as a document that says just that.
pub(super) fn promised(
    address: &Address,
    owner: &str,
    arn: &str,
    place: &Place,
    allows: Vec<Statement>,
) -> Thing {
    let address = Address::new(address.kind, format!("{} of stack `{owner}`", address.name));
    let what = match address.kind {
        KindName::RestApi => What::Api(Surface::default()),
        _ => What::Topic {
            key: String::new(),
            receivers: Vec::new(),
        },
    };
    Thing {
        policy: Some(Paper::resource(
            format!("the contract of stack `{owner}`"),
            Document::of(allows),
        )),
        address,
        arn: arn.to_owned(),
        place: place.clone(),
        owned: false,
        what,
    }
}
