//! Whether the tag index can be believed.
//!
//! It alone shows topics and queues that left the stack, and it lags behind. That it does is seen where it lacks what is
//! there and bears the mark. Of a stack that wants nothing that could tell, one listing of APIs does, for it carries their
//! tags.

use std::collections::{BTreeMap, BTreeSet};

use super::{Have, Reading, Survey, rest_api};
use crate::kinds::Resource;
use crate::model::{Address, KindName, Place, Tags};

/// An account and region whose tag index lacks what is there and bears the stack's mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The account and region.
    pub place: Place,
    /// What the index lacks, by the addresses that its mark says.
    pub lacks: Vec<Address>,
}

impl Survey<'_> {
    /// Whether the APIs of a region are listed: some are wanted or tagged, or nothing else could tell whether the index,
    /// which shows nothing, is to be believed.
    pub(super) fn lists_apis(&self, place: &Place, index: &BTreeMap<String, Tags>) -> bool {
        let is_indexed = |it: &Address| {
            matches!(
                it.kind,
                KindName::Topic | KindName::Queue | KindName::RestApi
            )
        };
        self.wanted(KindName::RestApi, place).next().is_some()
            || index.keys().any(|it| it.contains(":apigateway:"))
            || index.is_empty() && !self.wants.keys().any(is_indexed)
    }

    /// Notes what the index lacks of what was read, and reads the APIs that it may lack as well.
    pub(super) async fn confirm(
        &self,
        place: &Place,
        index: &BTreeMap<String, Tags>,
        listed: bool,
        reading: &mut Reading,
    ) {
        let lacked = |reading: &Reading| -> Vec<Address> {
            let live = &reading.live;
            let orphans = live.orphans.iter().map(|it| &it.have);
            let all = live.have.values().chain(orphans);
            let unknown = all.filter(|it| {
                arn_of(place, it).is_some_and(|arn| !index.contains_key(&arn))
                    && self.is_ours(it.mark.as_ref())
            });
            let addresses = unknown.filter_map(|it| Some(it.mark.as_ref()?.address.clone()));
            addresses.collect::<BTreeSet<_>>().into_iter().collect()
        };
        if !listed && !lacked(reading).is_empty() {
            // Whoever may not list APIs has none of this stack's.
            if let Ok(apis) = self.apis(place, index, true).await {
                reading.take(apis);
            }
        }
        let lacks = lacked(reading);
        if !lacks.is_empty() {
            let place = place.clone();
            reading.live.doubts.push(Doubt { place, lacks });
        }
    }
}

/// The ARN by which the index shows a topic, a queue or an API.
fn arn_of(place: &Place, have: &Have) -> Option<String> {
    match &have.resource {
        Resource::Topic(_) | Resource::Queue(_) => Some(have.id.clone()),
        Resource::RestApi(_) => Some(rest_api::arn(place, &have.id)),
        _ => None,
    }
}
