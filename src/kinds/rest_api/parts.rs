//! What stands in an API beside its resources, and a stack has no words for.
//!
//! An import overwrites: it takes away whatever of this its document does not carry. So an API
//! that something else made is looked through before it is taken over, and one of ours before it is
//! imported again: somebody may have added a part. Five calls.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/api/API_PutRestApi.html>.

use serde_json::Value;

use crate::cloud::apigateway::{
    GetAuthorizers, GetDocumentationParts, GetGatewayResponses, GetModels, GetRequestValidators,
};
use crate::cloud::{self, CallError, Cloud};
use crate::kinds::{Have, Resource, Want};
use crate::model::Place;

/// Something that stands in an API beside its resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiPart {
    /// What it is, as a sentence says it: `model`.
    pub noun: &'static str,
    /// Its name.
    pub name: String,
}

/// Models that API Gateway gives every API.
const GIVEN: [&str; 2] = ["Empty", "Error"];

/// Reads what stands in an API beside its resources.
pub(crate) async fn read(
    cloud: &dyn Cloud,
    at: &Place,
    id: &str,
) -> Result<Vec<ApiPart>, CallError> {
    let mut found = Vec::new();
    macro_rules! add {
        ($noun:literal, $call:ident) => {
            let ask = |position| $call {
                id: id.to_owned(),
                position,
            };
            let names = cloud::all_pages(cloud, at, ask).await?;
            found.extend(names.into_iter().map(|name| ApiPart { noun: $noun, name }));
        };
    }
    add!("authorizer", GetAuthorizers);
    add!("model", GetModels);
    add!("request validator", GetRequestValidators);
    add!("gateway response", GetGatewayResponses);
    add!("documentation part", GetDocumentationParts);
    found.retain(|it| it.noun != "model" || !GIVEN.contains(&it.name.as_str()));
    Ok(found)
}

/// Adds what stands beside its resources to an API that is to be taken over, or imported again.
///
/// Where the author's document changes, what only the old one had goes with it.
pub(crate) async fn add(
    have: Result<Have, CallError>,
    want: &Want,
    cloud: &dyn Cloud,
) -> Result<Have, CallError> {
    let mut have = have?;
    let taken_over = have.mark.is_none() && want.adopts.as_ref() == Some(&have.id);
    let again = match (&want.resource, &have.resource) {
        (Resource::RestApi(wanted), Resource::RestApi(live)) if have.mark.is_some() => {
            let differences = want.resource.differences(want, &have);
            want.owned && differences.has("routes") && wanted.source_digest == live.source_digest
        }
        _ => false,
    };
    if taken_over || again {
        have.parts = read(cloud, &want.place, &have.id).await?;
    }
    Ok(have)
}

impl ApiPart {
    /// Whether the author's document brings it along.
    #[must_use]
    pub fn is_in(&self, document: &Value) -> bool {
        let extension = |name: &str| &document[format!("x-amazon-apigateway-{name}")];
        let components = &document["components"];
        let holders = match self.noun {
            "authorizer" => vec![
                &components["securitySchemes"],
                &document["securityDefinitions"],
            ],
            "model" => vec![&components["schemas"], &document["definitions"]],
            "request validator" => vec![extension("request-validators")],
            "gateway response" => vec![extension("gateway-responses")],
            // Its parts have no names.
            _ => return extension("documentation").is_object(),
        };
        holders.iter().any(|it| it.get(&self.name).is_some())
    }
}
