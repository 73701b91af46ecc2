//! Requests and grants as sentences: `roles.checkout may publish to topics.order-events`.

use std::collections::BTreeMap;

use crate::kinds::Resource;
use crate::kinds::survey::Live;
use crate::lower::Desired;
use crate::model::{Address, Names};
use crate::policy::{Request, Who};

/// Somebody who gains or loses by a finding.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Effect {
    /// They may do more than the stack says, or less.
    pub gained: bool,
    /// Who.
    pub who: String,
    /// The whole sentence.
    pub says: String,
    /// A request that shows it, where the policies alone decide.
    pub witness: Option<Request>,
}

/// Names of the stack for names of AWS.
#[derive(Clone, Debug)]
pub(super) struct Voice {
    by_arn: Names<Address>,
    /// Ids of APIs.
    apis: BTreeMap<String, Address>,
}

impl Voice {
    pub(super) fn of(desired: &Desired, live: &Live) -> Self {
        let arn = |resource: &Resource| match resource {
            Resource::Role(it) => Some(it.arn.to_string()),
            Resource::Topic(it) => Some(it.arn.to_string()),
            Resource::Queue(it) => Some(it.arn.to_string()),
            Resource::Subscription(_) | Resource::RestApi(_) | Resource::Stage(_) => None,
        };
        let wanted = desired.wants.iter();
        let by_arn = wanted.filter_map(|(address, it)| Some((arn(&it.resource)?, address.clone())));
        let ids = live.ids().into_iter();
        Self {
            by_arn: by_arn.collect(),
            apis: ids.map(|(address, id)| (id, address)).collect(),
        }
    }

    /// What the stack calls it.
    pub(super) fn name(&self, arn: &str) -> String {
        self.by_arn
            .get(arn)
            .map_or_else(|| arn.to_owned(), ToString::to_string)
    }

    fn who(&self, who: &Who) -> String {
        match who {
            Who::Arn(arn) => self.name(arn),
            Who::Service(name) => name.clone(),
            Who::Anonymous => "anyone, without signing,".to_owned(),
        }
    }

    /// A request that is let through, or no longer is.
    pub(super) fn of_request(
        &self,
        request: &Request,
        subject: Option<&str>,
        object: Option<&str>,
        gained: bool,
    ) -> Effect {
        let who = subject.map_or_else(|| self.who(&request.principal), str::to_owned);
        let may = if gained { "may" } else { "may no longer" };
        // A trust policy names no resource: what is asked for there is the role that has it.
        let trusts = request.resource == "*" || request.action.starts_with("sts:");
        let target = match object {
            Some(object) if trusts => object.to_owned(),
            _ => self.name(&request.resource),
        };
        let deed = match request.action.to_ascii_lowercase().as_str() {
            "sns:publish" => format!("publish to {target}"),
            "sns:subscribe" => format!("subscribe to {target}"),
            "sqs:sendmessage" => format!("send to {target}"),
            "sqs:receivemessage" => format!("receive from {target}"),
            "sts:assumerole" => format!("assume {target}"),
            "execute-api:invoke" => self.call(&request.resource),
            _ => format!("do `{}` on {target}", request.action),
        };
        let mut says = format!("{who} {may} {deed}");
        let conditions: Vec<String> = request
            .context
            .iter()
            .filter(|(key, _)| !key.eq_ignore_ascii_case("aws:PrincipalArn"))
            .map(|(key, values)| format!("{key} is {}", values.join(" or ")))
            .collect();
        if !conditions.is_empty() {
            says += &format!(", when {}", conditions.join(" and "));
        }
        if let Some(own) = request.assumed() {
            says += &format!(", {}", own.phrase());
        }
        Effect {
            gained,
            who,
            says,
            witness: Some(request.clone()),
        }
    }

    /// `call POST /orders of apis.orders`, of an ARN of a method.
    fn call(&self, resource: &str) -> String {
        let mut parts = resource
            .rsplit(':')
            .next()
            .unwrap_or_default()
            .splitn(4, '/');
        let mut next = || parts.next().unwrap_or_default();
        let (api, _stage, verb, path) = (next(), next(), next(), next());
        match self.apis.get(api) {
            Some(address) if !verb.is_empty() => format!("call {verb} /{path} of {address}"),
            _ => format!("call {resource}"),
        }
    }
}

/// What no request shows.
pub(super) fn told(gained: bool, who: impl Into<String>, says: impl Into<String>) -> Effect {
    Effect {
        gained,
        who: who.into(),
        says: says.into(),
        witness: None,
    }
}
