//! Requests and grants as sentences: `roles.checkout may publish to topics.order-events`.

use std::collections::BTreeMap;

use crate::kinds::Resource;
use crate::kinds::survey::Live;
use crate::lower::Desired;
use crate::model::{Address, Names};
use crate::policy::normal::root_account;
use crate::policy::patterns::Pattern;
use crate::policy::{PrincipalClause, Principals, Request, Statement, Who};

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
    /// ARNs of the stack's resources, for patterns.
    arns: Vec<(String, Address)>,
    /// Ids of APIs.
    apis: BTreeMap<String, Address>,
    /// Names of accounts, by their ids.
    accounts: BTreeMap<String, String>,
}

/// What a sentence on a request is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    /// The request that shows it.
    pub(super) request: &'a Request,
    /// The statement that lets it through.
    pub(super) by: Option<&'a Statement>,
    /// The statement that refuses it now.
    pub(super) refused_by: Option<&'a Statement>,
    /// The role whose policy says it.
    pub(super) subject: Option<&'a str>,
    /// The resource whose policy says it.
    pub(super) object: Option<&'a str>,
    /// It may be done now, or no longer.
    pub(super) gained: bool,
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
        let arns: Vec<(String, Address)> = by_arn.collect();
        let ids = live.ids().into_iter();
        let places = desired.places.iter();
        Self {
            by_arn: arns.iter().cloned().collect(),
            arns,
            apis: ids.map(|(address, id)| (id, address)).collect(),
            accounts: places
                .map(|it| (it.id.to_string(), it.account.clone()))
                .collect(),
        }
    }

    /// What the stack calls it.
    pub(super) fn name(&self, arn: &str) -> String {
        self.by_arn
            .get(arn)
            .map_or_else(|| arn.to_owned(), ToString::to_string)
    }

    /// An account with its name in the stack, where it has one.
    pub(super) fn account(&self, id: &str) -> String {
        match self.accounts.get(id) {
            Some(name) => format!("account {name} ({id})"),
            None => format!("account {id}"),
        }
    }

    fn arn_of(&self, address: &str) -> Option<&str> {
        let mut all = self.arns.iter();
        let found = all.find(|(_, it)| it.to_string() == address);
        found.map(|(arn, _)| arn.as_str())
    }

    /// Who makes a request, as the statement names them: whom a witness stands for, not the witness.
    fn who(&self, request: &Request, by: Option<&Statement>) -> String {
        let named = by.and_then(|it| it.principal.as_ref());
        let pattern = by
            .into_iter()
            .flat_map(|it| &it.conditions)
            .filter(|(operator, _)| {
                let operator = operator.to_ascii_lowercase();
                ["stringequals", "stringlike", "arnequals", "arnlike"].contains(&operator.as_str())
            })
            .flat_map(|(_, keys)| keys)
            .find(|(key, _)| key.eq_ignore_ascii_case("aws:PrincipalArn"));
        if let Some((_, values)) = pattern {
            let all: Vec<String> = values.iter().map(|it| self.name(it)).collect();
            return all.join(" or ");
        }
        match &request.principal {
            Who::Anonymous => "anyone, without signing,".to_owned(),
            Who::Service(name) => {
                let names = |it: &PrincipalClause| matches!(&it.principals, Principals::Of(types) if types.values().flatten().any(|it| it == name));
                if named.is_none_or(names) {
                    name.clone()
                } else {
                    "any AWS service".to_owned()
                }
            }
            Who::Arn(arn) => {
                let account = arn.split(':').nth(4).unwrap_or_default();
                let values = named.map(PrincipalClause::aws_values).unwrap_or_default();
                let anyone = named.is_some_and(|it| it.principals == Principals::Anyone);
                // To SNS, the source of a signed request is the account that signed it.
                let mut tests = by
                    .into_iter()
                    .flat_map(|it| it.conditions.values().flatten());
                let of_account = tests.any(|(key, values)| {
                    let is_source = ["aws:sourceowner", "aws:sourceaccount"]
                        .contains(&key.to_ascii_lowercase().as_str());
                    is_source && values == &[account]
                });
                if of_account {
                    self.account(account)
                } else if values.iter().any(|it| it == arn) {
                    self.name(arn)
                } else if values.iter().any(|it| root_account(it) == Some(account)) {
                    self.account(account)
                } else if anyone || values.iter().any(|it| it == "*") {
                    "anyone with credentials of AWS".to_owned()
                } else {
                    self.name(arn)
                }
            }
        }
    }

    /// The resource of a request, as the statement names it, and what of the stack that reaches.
    fn target(&self, request: &Request, by: Option<&Statement>) -> String {
        let clause = by.and_then(|it| it.resource.as_ref());
        let pattern = clause.filter(|it| !it.negated).and_then(|it| {
            let mut all = it.values.iter();
            all.find(|it| Pattern::of(it).matches(&request.resource))
        });
        let Some(pattern) = pattern.filter(|it| it.contains(['*', '?'])) else {
            if let Some(clause) = clause.filter(|it| it.negated) {
                return format!("anything but {}", clause.values.join(", "));
            }
            return self.name(&request.resource);
        };
        let all = if pattern == "*" {
            "anything".to_owned()
        } else {
            pattern.clone()
        };
        let service = request.action.split(':').next().unwrap_or_default();
        let service = if service == "sts" { "iam" } else { service };
        let reached: Vec<String> = self
            .arns
            .iter()
            .filter(|(arn, _)| arn.split(':').nth(2) == Some(service) || service == "*")
            .filter(|(arn, _)| Pattern::of(pattern).matches(arn))
            .map(|(_, it)| it.to_string())
            .collect();
        if reached.is_empty() {
            all
        } else {
            format!("{all}, {} among it", reached.join(", "))
        }
    }

    /// The conditions of a statement as a sentence goes on with them.
    fn conditions(by: Option<&Statement>) -> String {
        let conditions = by.into_iter().flat_map(|it| &it.conditions);
        let told: Vec<String> = conditions
            .flat_map(|(operator, keys)| keys.iter().map(move |it| (operator, it)))
            .filter(|(_, (key, _))| !key.eq_ignore_ascii_case("aws:PrincipalArn"))
            .map(|(operator, (key, values))| {
                let values = values.join(" or ");
                match operator.to_ascii_lowercase().as_str() {
                    "stringequals" | "arnequals" | "arnlike" | "stringlike" | "bool" => {
                        format!("{key} is {values}")
                    }
                    _ => format!("{key} {operator} {values}"),
                }
            })
            .collect();
        if told.is_empty() {
            String::new()
        } else {
            format!(", when {}", told.join(" and "))
        }
    }

    /// A request that is let through, or no longer is.
    pub(super) fn of_request(&self, shown: &Shown<'_>) -> Effect {
        let Shown {
            request,
            by,
            subject,
            object,
            gained,
            ..
        } = *shown;
        let who = subject.map_or_else(|| self.who(request, by), str::to_owned);
        let may = if gained { "may" } else { "may no longer" };
        // A trust policy names no resource: what is asked for there is the role that has it.
        let trusts = request.resource == "*" || request.action.starts_with("sts:");
        let target = match object {
            Some(object) if trusts => object.to_owned(),
            Some(object) if !request.action.starts_with("execute-api:") => object.to_owned(),
            _ => self.target(request, by),
        };
        let action = by.and_then(|it| {
            let takes = |it: &&String| {
                Pattern::of(&it.to_ascii_lowercase()).matches(&request.action.to_ascii_lowercase())
            };
            it.action.values.iter().find(takes)
        });
        let action = action.map_or(request.action.as_str(), String::as_str);
        let deed = match request.action.to_ascii_lowercase().as_str() {
            _ if action == "*" => format!("do everything on {target}"),
            "sns:publish" => format!("publish to {target}"),
            "sns:subscribe" => format!("subscribe to {target}"),
            "sqs:sendmessage" => format!("send to {target}"),
            "sqs:receivemessage" => format!("receive from {target}"),
            "sts:assumerole" => format!("assume {target}"),
            "execute-api:invoke" => self.call(request, by),
            _ => format!("do `{action}` on {target}"),
        };
        let conditions = Self::conditions(shown.refused_by.or(by));
        let assumed = shown.request.assumed();
        let own = assumed.map_or_else(String::new, |it| format!(", {}", it.phrase()));
        Effect {
            gained,
            says: format!("{who} {may} {deed}{conditions}{own}"),
            who,
            witness: self.witness(shown),
        }
    }

    /// The request as the stack's own principal and resource would make it; nothing where it would name
    /// somebody or something that neither the stack nor the statement names.
    fn witness(&self, shown: &Shown<'_>) -> Option<Request> {
        let mut request = shown.request.clone();
        if let Some(arn) = shown.subject.and_then(|it| self.arn_of(it)) {
            request.principal = Who::Arn(arn.to_owned());
            request.resource_account = None;
        }
        if let Some(arn) = shown.object.and_then(|it| self.arn_of(it))
            && request.action.starts_with("sts:")
        {
            arn.clone_into(&mut request.resource);
        }
        let named = shown.by.and_then(|it| it.principal.as_ref());
        let names = named.map(PrincipalClause::aws_values).unwrap_or_default();
        if let Who::Arn(arn) = &request.principal
            && shown.subject.is_none()
            && !names.contains(arn)
        {
            // Of an account, no role is known to be there: the account itself is.
            let account = arn.split(':').nth(4).unwrap_or_default();
            let root = names.iter().find(|it| root_account(it) == Some(account))?;
            request.principal = Who::of(root);
        }
        let clause = shown.by.and_then(|it| it.resource.as_ref());
        let resources = clause.map(|it| it.values.as_slice()).unwrap_or_default();
        let exact = resources.contains(&request.resource);
        if exact || shown.object.is_some() {
            return Some(request);
        }
        // An example of a pattern: one of the stack's resources, or none.
        let mut arns = self.arns.iter().map(|(arn, _)| arn);
        let service = request.action.split(':').next().unwrap_or_default();
        let own = arns.find(|arn| {
            arn.split(':').nth(2) == Some(service)
                && resources.iter().any(|it| Pattern::of(it).matches(arn))
        });
        request.resource.clone_from(own?);
        Some(request)
    }

    /// `call POST /orders of apis.orders`, of an ARN of a method or a pattern of such ARNs.
    fn call(&self, request: &Request, by: Option<&Statement>) -> String {
        let clause = by.and_then(|it| it.resource.as_ref());
        let mut patterns = clause.into_iter().flat_map(|it| &it.values);
        let written = patterns.find(|it| Pattern::of(it).matches(&request.resource));
        let resource = written
            .filter(|it| it.matches('/').count() >= 3)
            .unwrap_or(&request.resource);
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
