//! What somebody added to an API beside its resources: models, request validators, gateway responses, authorizers,
//! documentation.
//!
//! Five calls an API, so only `drift` looks.

use futures::future::join_all;

use super::{Reading, Wants};
use crate::cloud::Cloud;
use crate::kinds::extra::{Extra, Stranger};
use crate::kinds::{Resource, rest_api};

/// Adds to what was read of the stack's own APIs the parts that its document does not have.
pub async fn add_parts(reading: &mut Reading, wants: &Wants, cloud: &dyn Cloud) {
    let apis = wants.iter().filter(|(_, want)| want.owned);
    let apis = apis.filter_map(|(address, want)| {
        let Resource::RestApi(api) = &want.resource else {
            return None;
        };
        let have = reading.live.have.get(address)?;
        have.mark.as_ref()?;
        Some((address.clone(), want, api.source.clone(), have.id.clone()))
    });
    let read = apis.map(async |(address, want, source, id)| {
        let parts = rest_api::read_parts(cloud, &want.place, &id).await;
        (address, &want.place, source, id, parts)
    });
    let found = join_all(read).await;
    for (address, place, source, api, parts) in found {
        let parts = match parts {
            Ok(parts) => parts,
            Err(error) => {
                reading.lacks(place, error, [address].into());
                continue;
            }
        };
        let added = parts.into_iter().filter(|part| {
            let carried = source.as_ref().is_some_and(|it| part.is_in(it));
            !carried
        });
        let added = added.map(|part| {
            let text = format!(
                "{} `{}`, which the next import of the API would take away",
                part.noun, part.name
            );
            Extra::new(Stranger::Part { api: api.clone() }, text)
        });
        let added: Vec<Extra> = added.collect();
        if let Some(have) = reading.live.have.get_mut(&address) {
            have.extras.extend(added);
        }
    }
}
