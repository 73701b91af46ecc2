//! VPC endpoints: only their policies, and only for reading.
//!
//! No call makes one here: it is written into the sandbox's file, or put there by [`Sandbox::put_endpoint`].

use super::refusal::{Answered, refuse};
use super::{Sandbox, Turn};
use crate::cloud::Fault;
use crate::cloud::cloudcontrol::{GetVpcEndpoint, VPC_ENDPOINT};
use crate::model::Place;

impl Sandbox {
    /// Puts a VPC endpoint there with this policy, in place of one with the same id.
    pub fn put_endpoint(&self, at: &Place, id: &str, policy: &str) {
        let mut world = self.world.borrow_mut();
        let account = world.accounts.entry(at.id.clone()).or_default();
        let region = account.regions.entry(at.region.clone()).or_default();
        region.endpoints.insert(id.to_owned(), policy.to_owned());
    }
}

impl Turn<'_> {
    pub(super) fn vpc_endpoint(&mut self, call: &GetVpcEndpoint) -> Answered<String> {
        let id = &call.id;
        if let Some(policy) = self.regional().endpoints.get(id) {
            return Ok(policy.clone());
        }
        let message =
            format!("Resource of type '{VPC_ENDPOINT}' with identifier '{id}' was not found.");
        refuse(Fault::Missing, "ResourceNotFoundException", &message)
    }
}
