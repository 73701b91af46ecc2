//! What the routes of an API mean for its callers, as AWS has them and as a stage serves them.

use super::class::Severity;
use super::documents::{api_name, living, sample};
use super::meaning::{Meaning, Means};
use super::voice::told;
use crate::kinds::{Have, Stage, Want, rest_api, stage};
use crate::model::{Address, Place};
use crate::policy::{Decision, MethodAuth, Policies, Request, Who, decide};
use crate::stack::RouteKey;

impl Means<'_> {
    pub(super) fn methods(
        &self,
        found: &mut Meaning,
        address: &Address,
        want: &Want,
        stack: &rest_api::RestApi,
        live: &rest_api::RestApi,
        have: &Have,
    ) {
        let named = address.to_string();
        for (key, method) in &live.methods {
            let wanted = stack.methods.get(key);
            let open = method.authorization == rest_api::method::NONE;
            let allowed = stack.public.contains(key)
                || wanted.is_some_and(|it| it.authorization == method.authorization);
            if open && !allowed {
                let declared = wanted.is_some();
                self.unsigned(found, &named, &want.place, have, key, declared, None);
            } else if stack.existing.is_none() && wanted.is_none() {
                let says = format!("{named} answers {key}, a route that the stack does not have");
                found.add(
                    Severity::ChangesBehaviour,
                    told(true, "whoever is let through", says),
                );
            }
        }
        if stack.existing.is_some() {
            return;
        }
        for key in stack.methods.keys() {
            if !live.methods.contains_key(key) {
                let says = format!("{key} of {named} answers nobody");
                found.add(Severity::CutsAccess, told(false, "its callers", says));
            }
        }
    }

    /// Whether a method without authorizer lets strangers in, by the judge. `declared` tells whether the stack has the
    /// route: only then does it have callers who can lose it.
    #[expect(
        clippy::too_many_arguments,
        reason = "one method of one API, as it is or as a stage serves it"
    )]
    pub(super) fn unsigned(
        &self,
        found: &mut Meaning,
        named: &str,
        place: &Place,
        api: &Have,
        key: &RouteKey,
        declared: bool,
        deployment: Option<&str>,
    ) {
        let name = api_name(place, &api.id);
        let verb = if key.method == "ANY" {
            "GET"
        } else {
            &key.method
        };
        let path: Vec<String> = key.path.split('/').skip(1).map(sample).collect();
        let stage = self.stage_of(named);
        let resource = format!("{}{stage}/{verb}/{}", name.head(), path.join("/"));
        let mut request = Request::new(Who::Anonymous, "execute-api:Invoke", resource);
        request.method_auth = Some(MethodAuth::None);
        request.resource_account = Some(place.id.to_string());
        let policies = Policies {
            resource: api
                .document
                .clone()
                .filter(|it| !it.statements.is_empty())
                .map(|it| name.expand(&living(it))),
            ..Policies::default()
        };
        let how = deployment.map_or_else(String::new, |it| format!(", as {it}"));
        match decide(&request, &policies).decision {
            Decision::Allow => {
                let says = format!("anyone may call {key} of {named} without signing{how}");
                let mut effect = told(true, "anyone", says);
                effect.witness = Some(request);
                found.add(Severity::OpensAccess, effect);
            }
            Decision::Deny if !declared => {
                let says = format!(
                    "{named} answers {key}{how}, a route that the stack does not have, and its policy refuses every call of it"
                );
                found.add(Severity::ChangesBehaviour, told(true, "callers", says));
            }
            Decision::Deny => {
                let says = format!(
                    "{key} of {named} checks no signature{how}, so that its policy refuses those it names as well"
                );
                found.add(Severity::CutsAccess, told(false, "its callers", says));
            }
            Decision::Unproven => {
                let says = format!("{key} of {named} checks no signature{how}");
                found.add(Severity::MayOpenAccess, told(true, "anyone", says));
            }
        }
    }

    pub(super) fn stage(&self, found: &mut Meaning, want: &Want, stack: &Stage, live: &Stage) {
        for (key, authorization) in &live.deployed {
            let wanted = stack.deployed.get(key);
            let fine = wanted == Some(authorization)
                || stack.public.contains(key)
                || (stack.existing && authorization != rest_api::method::NONE);
            if fine || authorization != rest_api::method::NONE {
                if !fine && wanted.is_none() {
                    let says = format!(
                        "{} serves {key}, a route that the stack does not have",
                        stack.api
                    );
                    found.add(
                        Severity::ChangesBehaviour,
                        told(true, "whoever is let through", says),
                    );
                }
                continue;
            }
            if let Some(api) = self.api {
                self.unsigned(
                    found,
                    &stack.api.to_string(),
                    &want.place,
                    api,
                    key,
                    wanted.is_some(),
                    Some("deployed"),
                );
            }
        }
        for key in stack.deployed.keys() {
            if !live.deployed.is_empty() && !live.deployed.contains_key(key) {
                let says = format!("{key} of {} is not deployed and answers nobody", stack.api);
                found.add(Severity::CutsAccess, told(false, "its callers", says));
            }
        }
        if live.surface != stack.surface {
            found.unsettled(format!(
                "the policy that a deployment holds cannot be read, and what {} serves is not what was deployed from the stack",
                stage::handle(&stack.api.to_string(), &stack.name)
            ));
        } else if live.outdated {
            found.at_least(Severity::CutsAccess);
        }
    }
}
