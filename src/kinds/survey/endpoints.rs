//! The policies of the VPC endpoints that a stack names: what comes through an endpoint is let through by them too.
//!
//! A stack names endpoints by id, and an id does not say whose it is. So each is asked for where it is used first, in
//! the account of the API, topic or queue, and then in the accounts of those that call it, up to [`MOST`] accounts.
//! A read that fails fails nothing else; it is named.
//!
//! See <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>.

use std::collections::BTreeMap;

use futures::future::join_all;

use crate::cloud::cloudcontrol::GetVpcEndpoint;
use crate::cloud::{self, CallError, Cloud, Fault};
use crate::model::Place;
use crate::policy::Document;

/// VPC endpoints by their ids, each with the accounts in which it may be.
pub type Asked = BTreeMap<String, Vec<Place>>;

/// The most accounts that are asked for one endpoint.
pub const MOST: usize = 8;

/// What was read of the policies of VPC endpoints.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Endpoints {
    /// What each endpoint's policy says, by its id.
    pub policies: BTreeMap<String, Document>,
    /// What could not be read, and why: a sentence each.
    pub unread: Vec<String>,
}

impl Endpoints {
    /// Returns one word on them for machines; nothing where the stack names none.
    #[must_use]
    pub fn word(&self) -> Option<&'static str> {
        match (self.policies.is_empty(), self.unread.is_empty()) {
            (true, true) => None,
            (false, true) => Some("read"),
            (true, false) => Some("not_read"),
            (false, false) => Some("in_part"),
        }
    }
}

/// Reads the policies of endpoints, each of which may be in any of these accounts.
pub async fn read(cloud: &dyn Cloud, asked: &Asked) -> Endpoints {
    let reads = asked.iter().map(|(id, places)| async move {
        let found = find(cloud, id, places).await;
        (id.clone(), found)
    });
    let mut endpoints = Endpoints::default();
    for (id, found) in join_all(reads).await {
        match found {
            Ok(document) => {
                endpoints.policies.insert(id, document);
            }
            Err(why) => endpoints.unread.push(format!("{id}: {why}")),
        }
    }
    endpoints
}

async fn find(cloud: &dyn Cloud, id: &str, places: &[Place]) -> Result<Document, String> {
    let mut why = Vec::new();
    for place in places.iter().take(MOST) {
        let call = GetVpcEndpoint { id: id.to_owned() };
        match cloud::call(cloud, place, call).await {
            Ok(text) => {
                let read = Document::parse(&text);
                return read.map_err(|error| format!("its policy cannot be understood: {error}"));
            }
            Err(error) if error.fault == Fault::Missing => {}
            Err(error) => why.push(refused(place, &error)),
        }
    }
    if why.is_empty() {
        let accounts: Vec<String> = places
            .iter()
            .take(MOST)
            .map(|it| it.id.to_string())
            .collect();
        why.push(format!(
            "it is in none of the accounts {}",
            accounts.join(", ")
        ));
    }
    Err(why.join("; "))
}

fn refused(place: &Place, error: &CallError) -> String {
    match error.fault {
        Fault::Denied => format!(
            "cloudformation:GetResource or ec2:DescribeVpcEndpoints is denied in account {}",
            place.id
        ),
        _ => format!(
            "cloudformation:GetResource in account {}: {error}",
            place.id
        ),
    }
}
