//! Requests and grants as sentences: `roles.checkout may publish to topics.order-events`.

use std::collections::BTreeMap;

use super::documents::{api_name, sample};
use crate::kinds::Resource;
use crate::kinds::survey::Live;
use crate::kinds::survey::ceilings::{Ceilings, Extent};
use crate::lower::Desired;
use crate::model::{Address, Names};
use crate::policy::actions::is_listed;
use crate::policy::normal::root_account;
use crate::policy::patterns::Pattern;
use crate::policy::{Clause, PrincipalClause, Principals, Request, Statement, Who};

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
    /// ARNs of the stack's routes, with the route and the API.
    routes: Vec<(String, String, Address)>,
    /// Names of accounts, by their ids.
    accounts: BTreeMap<String, String>,
    /// The organization's policies, which may refuse what a document lets through.
    ceilings: Ceilings,
}

/// Most routes of an API, and most actions of a service, that a sentence lists.
const MOST_LISTED: usize = 6;

/// What an action does, for sentences on statements that allow many.
const ACTIONS: [(&str, &str); 18] = [
    ("sns:Publish", "publish to it"),
    ("sns:Subscribe", "subscribe to it"),
    ("sns:SetTopicAttributes", "change its attributes"),
    ("sns:DeleteTopic", "delete it"),
    ("sns:AddPermission", "let others use it"),
    ("sns:ListSubscriptionsByTopic", "list its subscriptions"),
    ("sqs:SendMessage", "send to it"),
    ("sqs:ReceiveMessage", "receive from it"),
    ("sqs:DeleteMessage", "delete its messages"),
    ("sqs:PurgeQueue", "purge it"),
    ("sqs:SetQueueAttributes", "change its attributes"),
    ("sqs:AddPermission", "let others use it"),
    ("sqs:DeleteQueue", "delete it"),
    ("execute-api:Invoke", "call it"),
    ("sts:AssumeRole", "assume it"),
    ("kms:Decrypt", "decrypt with it"),
    ("kms:GenerateDataKey", "encrypt with it"),
    ("kms:PutKeyPolicy", "change its policy"),
];

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
        let arn = |resource: &Resource| resource.arn().map(ToString::to_string);
        let wanted = desired.wants.iter();
        let by_arn = wanted.filter_map(|(address, it)| Some((arn(&it.resource)?, address.clone())));
        // What left the stack and is there still has a name in its mark.
        let orphans = live.orphans.iter();
        let orphans = orphans.filter_map(|it| Some((arn(&it.have.resource)?, it.address.clone())));
        let arns: Vec<(String, Address)> = by_arn.chain(orphans).collect();
        let ids = live.ids();
        let places = desired.places.iter();
        Self {
            by_arn: arns.iter().cloned().collect(),
            arns,
            routes: routes(desired, &ids),
            apis: ids.into_iter().map(|(address, id)| (id, address)).collect(),
            accounts: places
                .map(|it| (it.id.to_string(), it.account.clone()))
                .collect(),
            ceilings: Ceilings::of(&live.above),
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

    /// Returns who makes a request, as the statement names them; never the principal of an example.
    fn who(&self, request: &Request, by: Option<&Statement>) -> String {
        let named = by.and_then(|it| it.principal.as_ref());
        let pattern = by
            .into_iter()
            .flat_map(|it| &it.conditions)
            .filter(|(operator, _)| is_positive(operator))
            .flat_map(|(_, keys)| keys)
            .find(|(key, _)| key.eq_ignore_ascii_case("aws:PrincipalArn"));
        if let Some((_, values)) = pattern {
            let all: Vec<String> = values.iter().map(|it| self.name(it)).collect();
            return all.join(" or ");
        }
        let types = named.and_then(|it| match &it.principals {
            Principals::Of(types) => Some(types),
            Principals::Anyone => None,
        });
        let all = types.into_iter().flat_map(|it| it.values().flatten());
        if named.is_some_and(|it| it.negated) {
            let but: Vec<String> = all.map(|it| self.principal(it)).collect();
            return format!("anyone but {}", but.join(", "));
        }
        let names = |name: &str| all.clone().any(|it| it == name);
        // To SNS, the source of a signed request is the account that signed it.
        let mut tests = by
            .into_iter()
            .flat_map(|it| it.conditions.values().flatten());
        let source = tests.find_map(|(key, values)| match values.as_slice() {
            [one] => ["aws:sourceowner", "aws:sourceaccount"]
                .contains(&key.to_ascii_lowercase().as_str())
                .then_some(one.as_str()),
            _ => None,
        });
        match &request.principal {
            Who::Anonymous => "anyone, without signing,".to_owned(),
            Who::Service(name) if named.is_none() || names(name) => name.clone(),
            Who::Service(_) => match source.filter(|_| request.action.starts_with("sns:")) {
                Some(it) => format!(
                    "any principal of {}, and any AWS service on its behalf,",
                    self.account(it)
                ),
                None => "any AWS service".to_owned(),
            },
            Who::Arn(arn) => {
                let account = arn.split(':').nth(4).unwrap_or_default();
                let of_account = source == Some(account);
                let is_everyone =
                    named.is_none_or(|it| it.principals == Principals::Anyone) || names("*");
                if of_account {
                    self.account(account)
                } else if names(arn) || self.by_arn.get(arn).is_some() {
                    self.name(arn)
                } else if all.clone().any(|it| root_account(it) == Some(account)) {
                    self.account(account)
                } else if is_everyone {
                    "anyone with credentials of AWS".to_owned()
                } else {
                    let all: Vec<String> = all.map(|it| self.principal(it)).collect();
                    all.join(" or ")
                }
            }
        }
    }

    /// Returns a principal as the stack names it: an account by its name, a role by its address.
    fn principal(&self, name: &str) -> String {
        root_account(name).map_or_else(|| self.name(name), |it| self.account(it))
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
        let all = as_written(pattern);
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
        let (mut told, mut plain) = (Vec::new(), false);
        for (operator, keys) in conditions {
            for (key, values) in keys {
                let values = values.join(" or ");
                if key.eq_ignore_ascii_case("aws:PrincipalArn") && is_positive(operator) {
                    continue;
                }
                let is = is_positive(operator) || operator.eq_ignore_ascii_case("bool");
                if is && key.eq_ignore_ascii_case("aws:SecureTransport") && values == "false" {
                    plain = true;
                } else if is {
                    told.push(format!("{key} is {values}"));
                } else {
                    told.push(format!("{key} {operator} {values}"));
                }
            }
        }
        let mut text = String::new();
        if plain {
            text += " in requests without TLS";
        }
        if !told.is_empty() {
            text += &format!(", when {}", told.join(" and "));
        }
        text
    }

    /// A request that is let through, or no longer is.
    pub(super) fn of_request(&self, shown: &Shown<'_>) -> Effect {
        let Shown {
            request,
            by,
            refused_by,
            subject,
            object,
            gained,
        } = *shown;
        let anyone = |it: &Statement| {
            let clause = it.principal.as_ref();
            clause.is_some_and(|it| {
                let all = it.aws_values().iter().any(|it| it == "*");
                !it.negated && (all || it.principals == Principals::Anyone)
            })
        };
        // What a policy only does not refuse, the caller's own policies allow: the refusal says who and what.
        let says = by.or(refused_by);
        let who = match (subject, by, refused_by) {
            (Some(subject), _, _) => subject.to_owned(),
            (None, None, Some(_)) if gained => "whoever its policies let in".to_owned(),
            (None, None, Some(deny)) if anyone(deny) => "anyone".to_owned(),
            _ => self.who(request, says),
        };
        let may = if gained { "may" } else { "may no longer" };
        // A trust policy names no resource: what is asked for there is the role that has it.
        let trusts = request.resource == "*" || request.action.starts_with("sts:");
        let target = match object {
            Some(object) if trusts => object.to_owned(),
            Some(object) if !request.action.starts_with("execute-api:") => object.to_owned(),
            _ => self.target(request, says),
        };
        let takes = |pattern: &str| {
            Pattern::of(&pattern.to_ascii_lowercase()).matches(&request.action.to_ascii_lowercase())
        };
        let clause = says.map(|it| &it.action);
        let action = clause.and_then(|it| it.values.iter().find(|it| takes(it)));
        let action = action.map_or(request.action.as_str(), String::as_str);
        let deeds = deeds(action);
        let deed = match request.action.to_ascii_lowercase().as_str() {
            _ if clause.is_some_and(|it| it.negated) => all_but(clause, request, &target),
            _ if by.is_some() && deeds.len() > 1 => {
                format!("do `{action}` on {target}: {}", deeds.join(", "))
            }
            _ if action == "*" => format!("do everything on {target}"),
            "execute-api:invoke" => self.call(request, says),
            _ if by.is_none() && action.contains('*') => format!("do `{action}` on {target}"),
            "sns:publish" => format!("publish to {target}"),
            "sns:subscribe" => format!("subscribe to {target}"),
            "sqs:sendmessage" => format!("send to {target}"),
            "sqs:receivemessage" => format!("receive from {target}"),
            "sts:assumerole" => format!("assume {target}"),
            _ => format!("do `{action}` on {target}"),
        };
        let conditions = Self::conditions(refused_by.or(by));
        let assumed = request.assumed().filter(|_| says.is_some());
        let own = assumed.map_or_else(String::new, |it| format!(", {}", it.phrase()));
        let witness = self.witness(shown);
        let refused = witness.as_ref().or(Some(request)).filter(|_| gained);
        let refused = refused
            .and_then(|it| self.refused(it))
            .map_or_else(String::new, |it| format!("; today {it}"));
        Effect {
            gained,
            says: format!("{who} {may} {deed}{conditions}{own}{refused}"),
            who,
            witness,
        }
    }

    /// Returns what of the organization refuses a request today. An administrator of the organization may lift it
    /// without a change of this stack, so the finding stays as severe as it is.
    fn refused(&self, request: &Request) -> Option<String> {
        let is_known = matches!(&request.principal, Who::Arn(it) if self.by_arn.get(it).is_some());
        let extent = Extent {
            any_caller: !is_known,
            any_resource: request.action.starts_with("execute-api:"),
        };
        self.ceilings.refuses(request, extent)
    }

    /// What a statement refuses, where no request shows that it does.
    pub(super) fn of_denial(&self, deny: &Statement, object: Option<&str>) -> Effect {
        let clause = deny.resource.as_ref().filter(|it| !it.negated);
        let values = clause.map(|it| it.values.as_slice()).unwrap_or_default();
        let resource = values.first().map_or("*", String::as_str);
        let action = match deny.action.values.first() {
            Some(action) if !deny.action.negated => action.clone(),
            _ => "*".to_owned(),
        };
        let principals = deny.principal.as_ref();
        let first = principals.and_then(|it| it.aws_values().first());
        let who = first.map_or(Who::Anonymous, |it| Who::of(it));
        let request = Request::new(who, action, resource);
        let mut effect = self.of_request(&Shown {
            request: &request,
            by: None,
            refused_by: Some(deny),
            subject: None,
            object,
            gained: false,
        });
        effect.witness = None;
        effect
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
        // An example names no action that its service does not have, and no service that nothing names.
        if is_listed(&request.action) == Some(false) {
            return None;
        }
        let named = shown.by.and_then(|it| it.principal.as_ref());
        let is_named = |name: &String| matches!(named.map(|it| &it.principals), Some(Principals::Of(types)) if types.values().flatten().any(|it| it == name));
        if matches!(&request.principal, Who::Service(name) if !is_named(name)) {
            return None;
        }
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
        if resources.contains(&request.resource) {
            return Some(request);
        }
        if request.action.starts_with("execute-api:") {
            let mut routes = self.routes.iter().map(|(arn, _, _)| arn);
            let own = routes.find(|arn| resources.iter().any(|it| Pattern::of(it).matches(arn)));
            request.resource.clone_from(own?);
            return Some(request);
        }
        if shown.object.is_some() {
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

    /// `call POST /orders of apis.orders`: the routes of the stack that the statement reaches, or its pattern.
    fn call(&self, request: &Request, by: Option<&Statement>) -> String {
        let clause = by.and_then(|it| it.resource.as_ref());
        if let Some(clause) = clause.filter(|it| it.negated) {
            return format!("call anything but {}", clause.values.join(", "));
        }
        let mut patterns = clause.into_iter().flat_map(|it| &it.values);
        let written = patterns.find(|it| Pattern::of(it).matches(&request.resource));
        let resource = written.unwrap_or(&request.resource);
        let mut parts = resource
            .rsplit(':')
            .next()
            .unwrap_or_default()
            .splitn(4, '/');
        let mut next = || parts.next().unwrap_or_default();
        let (api, _stage, verb, path) = (next(), next(), next(), next());
        let own = self.apis.get(api);
        if let Some(address) = own.filter(|_| !verb.is_empty() && !verb.contains(['*', '?'])) {
            return format!("call {verb} /{path} of {address}");
        }
        let pattern = Pattern::of(resource);
        let mut reached: BTreeMap<&Address, Vec<&str>> = BTreeMap::new();
        for (arn, route, address) in &self.routes {
            if pattern.matches(arn) {
                reached.entry(address).or_default().push(route);
            }
        }
        let all = as_written(resource);
        let named: Vec<String> = reached
            .iter()
            .map(|(address, routes)| format!("{} of {address}", listed(routes)))
            .collect();
        match (named.is_empty(), own) {
            (true, Some(address)) => format!("call every route of {address}"),
            (true, None) => format!("call {all}"),
            (false, Some(_)) => format!("call {}", named.join(" and ")),
            (false, None) => format!("call {all}, {} among it", named.join(" and ")),
        }
    }
}

/// Whether a test of this operator names what the request must have.
fn is_positive(operator: &str) -> bool {
    let operator = operator.to_ascii_lowercase();
    ["stringequals", "stringlike", "arnequals", "arnlike"].contains(&operator.as_str())
}

/// Returns the ARNs of all routes of the stack's APIs that are there, as a client calls them.
fn routes(desired: &Desired, ids: &BTreeMap<Address, String>) -> Vec<(String, String, Address)> {
    let mut found = Vec::new();
    for want in desired.wants.values() {
        let Resource::Stage(stage) = &want.resource else {
            continue;
        };
        let Some(id) = ids.get(&stage.api) else {
            continue;
        };
        let head = api_name(&want.place, id).head();
        for key in stage.deployed.keys() {
            let verb = if key.method == "ANY" {
                "GET"
            } else {
                &key.method
            };
            let path: Vec<String> = key.path.split('/').skip(1).map(sample).collect();
            let arn = format!("{head}{}/{verb}/{}", stage.name, path.join("/"));
            found.push((arn, key.to_string(), stage.api.clone()));
        }
    }
    found
}

/// Returns a pattern of resources in words.
fn as_written(pattern: &str) -> String {
    if pattern == "*" {
        "anything".to_owned()
    } else {
        pattern.to_owned()
    }
}

/// Returns the first names of a list, and how many more there are.
fn listed(names: &[&str]) -> String {
    let more = names.len().saturating_sub(MOST_LISTED);
    let some = names[..names.len() - more].join(", ");
    match more {
        0 => some,
        more => format!("{some} and {more} more"),
    }
}

/// Returns what an action with a wildcard does, of a service that a stack has resources of; nothing of `*`.
fn deeds(action: &str) -> Vec<&'static str> {
    let (service, name) = action.split_once(':').unwrap_or((action, ""));
    if service.contains(['*', '?']) || !name.contains(['*', '?']) {
        return Vec::new();
    }
    let pattern = action.to_ascii_lowercase();
    let pattern = Pattern::of(&pattern);
    let all = ACTIONS.into_iter();
    let all = all.filter(|(action, _)| pattern.matches(&action.to_ascii_lowercase()));
    all.map(|(_, does)| does).collect()
}

/// Returns what a statement with `NotAction` is about, with well-known actions of the target's service.
fn all_but(clause: Option<&Clause>, request: &Request, target: &str) -> String {
    let values = clause.map(|it| it.values.as_slice()).unwrap_or_default();
    let service = match request.resource.split(':').nth(2) {
        Some(service) if !service.contains('*') => service,
        _ => request.action.split(':').next().unwrap_or_default(),
    };
    let is_left = |action: &&str| {
        let action = action.to_ascii_lowercase();
        action.starts_with(&format!("{service}:"))
            && !values
                .iter()
                .any(|it| Pattern::of(&it.to_ascii_lowercase()).matches(&action))
    };
    let all = ACTIONS.into_iter().map(|(action, _)| action);
    let left: Vec<&str> = all.filter(is_left).collect();
    let some = match left.as_slice() {
        [] => String::new(),
        left => format!(", {} among it", left.join(", ")),
    };
    format!("do everything but {} on {target}{some}", values.join(", "))
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
