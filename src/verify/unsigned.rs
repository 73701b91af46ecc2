//! Routes without signatures on an API whose policy names AWS principals.

use std::collections::BTreeSet;

use crate::kinds::Resource;
use crate::model::Address;
use crate::policy::MethodAuth;
use crate::stack::{Api, RouteKey};

use super::claim::{Finding, Outcome, Promise};
use super::may::Case;
use super::world::{What, method_auth};

impl Case<'_> {
    /// The routes without `AWS_IAM` of an API whose policy names AWS principals. AWS documents that calls
    /// of them fail; it has not been tried, so neither that they work nor that they fail is claimed.
    ///
    /// See <https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-resource-policies-create-attach.html>.
    pub(super) fn unsigned(&self, address: &Address, api: &Api) -> Option<Finding> {
        let thing = self.world.thing(address)?;
        let What::Api(surface) = &thing.what else {
            return None;
        };
        let named = thing.policy.as_ref()?.document.first_aws_principal()?;
        let unsigned = |it: &str| method_auth(it) != Some(MethodAuth::Iam);
        let mut open: BTreeSet<&RouteKey> = api.written_at.keys().collect();
        let served = surface.methods.iter().filter(|(_, it)| unsigned(it));
        open.extend(served.map(|(key, _)| key));
        // Before anything is deployed, what is wanted of another's API says which of its routes stay so.
        let want = self.desired.wants.get(address).map(|it| &it.resource);
        if let Some(Resource::RestApi(api)) = want {
            open.extend(&api.public);
        }
        let first = open.first()?;
        let routes: Vec<String> = open.iter().map(ToString::to_string).collect();
        let routes = routes.join(", ");
        // The policy of a private API names the access roles as well.
        let mut grants = self.desired.grants.iter();
        let direct = grants.any(|it| it.target == *address && it.role.is_none());
        let or = if direct {
            "let callers in by access roles (`via = \"assume-role\"`), or "
        } else {
            ""
        };
        let reason = format!(
            "the policy of {address} names an AWS principal ({}), and AWS says that routes without AWS_IAM then fail with \
             `User: anonymous is not authorized`: {or}give {routes} an API of its own",
            self.world.named(named)
        );
        Some(Finding {
            claim: format!("{routes} of {address} can be called without a signature"),
            promise: Promise::May,
            subject: address.clone(),
            written_at: api.written_at.get(*first).cloned(),
            steps: Vec::new(),
            outcome: Outcome::Unproven(vec![reason]),
        })
    }
}
