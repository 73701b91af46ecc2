//! Deliveries of AWS services that no page of AWS describes.

use crate::lower::Grant;
use crate::model::Arn;
use crate::policy::publishers::{Carrier, Documented, delivers, delivers_for};
use crate::stack::{Access, Principal, Target};

use super::claim::{Finding, Outcome, Promise};
use super::may::Case;

impl Case<'_> {
    /// Returns why it is not known that a service delivers to a topic or queue, where it is let in to one.
    pub(super) fn undocumented(&self, access: &Access) -> Vec<String> {
        let (service, sources) = match &access.from {
            Principal::Service(service) => (service, [].as_slice()),
            Principal::ServiceFor {
                service, sources, ..
            } => (service, sources.as_slice()),
            _ => return Vec::new(),
        };
        let arn = match &access.to {
            Target::Topic { name } => &self.stack.topics[name].arn,
            Target::Queue { name, .. } => &self.stack.queues[name].arn,
            Target::Api { .. } => return Vec::new(),
        };
        let to = Carrier { arn };
        let sources = sources.iter().filter_map(|it| Arn::parse(it).ok());
        let all = std::iter::once(delivers(service, &to))
            .chain(sources.map(|it| delivers_for(service, &it, &to)));
        let reason = |it| match it {
            Documented::Unknown(why) => Some(why),
            Documented::Works | Documented::Never(..) => None,
        };
        all.filter_map(reason).collect()
    }

    /// Returns the claim of an access by which a service is let in, where AWS does not describe the delivery.
    pub(super) fn undelivered(&self, access: &Access, grant: &Grant) -> Option<Finding> {
        let reasons = self.undocumented(access);
        (!reasons.is_empty()).then(|| Finding {
            claim: format!("{} may {} {}", grant.who, grant.may, grant.target),
            promise: Promise::May,
            subject: grant.target.clone(),
            written_at: Some(grant.written_at.clone()),
            steps: Vec::new(),
            outcome: Outcome::Unproven(reasons),
        })
    }
}
