//! Whom a package is for: a role or queue of the stack, or somebody outside whom an access names.

use crate::model::{AccountId, Address, Arn, KindName};
use crate::stack::{Access, Principal, Stack, nearest};

/// A consumer of what a stack offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// As the stack calls it: `roles.refunds`, an ARN, `account 777777777777`.
    pub name: String,
    /// Who it is.
    pub whom: Whom,
}

/// Who a consumer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// A role of the stack.
    Role(String),
    /// A queue of the stack.
    Queue(String),
    /// A role that the stack does not own.
    OutsideRole(Arn),
    /// Whoever an account that is let in chooses, or its roles.
    OutsideAccount(AccountId),
}

impl Consumer {
    /// The consumer that `text` names, or a sentence that says which there are.
    pub fn find(text: &str, stack: &Stack) -> Result<Self, String> {
        let role = |name: &str| Self {
            name: format!("roles.{name}"),
            whom: Whom::Role(name.to_owned()),
        };
        let queue = |name: &str| Self {
            name: format!("queues.{name}"),
            whom: Whom::Queue(name.to_owned()),
        };
        let bare = text.strip_prefix("account ").unwrap_or(text).trim();
        let found = if let Ok(arn) = Arn::parse(text) {
            let own_role = stack.roles.iter().find(|(_, it)| it.arn == arn);
            let own_queue = stack.queues.iter().find(|(_, it)| it.arn == arn);
            own_role
                .map(|(name, _)| role(name))
                .or_else(|| own_queue.map(|(name, _)| queue(name)))
                .or_else(|| {
                    is_role(&arn).then(|| Self {
                        name: arn.to_string(),
                        whom: Whom::OutsideRole(arn),
                    })
                })
        } else if let Some(id) = AccountId::parse(bare) {
            Some(Self {
                name: format!("account {id}"),
                whom: Whom::OutsideAccount(id),
            })
        } else if let Ok(address) = text.parse::<Address>() {
            match address.kind {
                KindName::Role if stack.roles.contains_key(&address.name) => {
                    Some(role(&address.name))
                }
                KindName::Queue if stack.queues.contains_key(&address.name) => {
                    Some(queue(&address.name))
                }
                KindName::RestApi if stack.apis.contains_key(&address.name) => {
                    return Err(target(text, stack));
                }
                KindName::Topic if stack.topics.contains_key(&address.name) => {
                    return Err(target(text, stack));
                }
                _ => None,
            }
        } else {
            match (
                stack.roles.contains_key(text),
                stack.queues.contains_key(text),
            ) {
                (true, true) => {
                    return Err(format!(
                        "`{text}` is a role and a queue: say `roles.{text}` or `queues.{text}`"
                    ));
                }
                (true, false) => Some(role(text)),
                (false, true) => Some(queue(text)),
                (false, false) => None,
            }
        };
        let Some(found) = found else {
            return Err(unknown(text, stack));
        };
        if matches!(found.whom, Whom::Queue(_))
            || stack.access.iter().any(|it| found.is_let(&it.from, stack))
        {
            return Ok(found);
        }
        match found.whom {
            Whom::Role(_) => Err(format!(
                "`{}` may do nothing yet: write an `[[access]]` with `from = \"{}\"`, and apply it",
                found.name, found.name
            )),
            _ => Err(unknown(text, stack)),
        }
    }

    /// Whether an access for this principal lets the consumer in.
    #[must_use]
    pub fn is_let(&self, from: &Principal, stack: &Stack) -> bool {
        match (&self.whom, from) {
            (Whom::Role(own), Principal::Role(name)) => own == name,
            (Whom::Role(own), Principal::RoleArn(arn)) => stack.roles[own].arn == *arn,
            (Whom::OutsideRole(own), Principal::RoleArn(arn) | Principal::Named(arn)) => own == arn,
            (Whom::OutsideRole(own), Principal::RolePrefix { account, prefix }) => {
                let name = own.resource().strip_prefix("role/");
                own.account() == account.as_str() && name.is_some_and(|it| it.starts_with(prefix))
            }
            (Whom::OutsideRole(own), Principal::Account(id)) => own.account() == id.as_str(),
            (Whom::OutsideAccount(own), Principal::RoleArn(arn) | Principal::Named(arn)) => {
                let ours = stack.roles.values().any(|it| it.arn == *arn);
                arn.account() == own.as_str() && !ours
            }
            (Whom::OutsideAccount(own), Principal::RolePrefix { account, .. }) => own == account,
            (Whom::OutsideAccount(own), Principal::Account(id)) => own == id,
            _ => false,
        }
    }

    /// Which part of the consumer a principal is; `None` when it is all of it.
    #[must_use]
    pub fn part(&self, from: &Principal) -> Option<String> {
        match (&self.whom, from) {
            (Whom::OutsideAccount(_), Principal::RoleArn(arn) | Principal::Named(arn)) => {
                Some(arn.to_string())
            }
            (Whom::OutsideAccount(_), Principal::RolePrefix { prefix, .. }) => Some(format!(
                "every role whose path and name begin with `{prefix}`"
            )),
            _ => None,
        }
    }

    /// The consumer's ARN, where it is one thing.
    #[must_use]
    pub fn arn<'a>(&'a self, stack: &'a Stack) -> Option<&'a Arn> {
        match &self.whom {
            Whom::Role(name) => stack.roles.get(name).map(|it| &it.arn),
            Whom::Queue(name) => stack.queues.get(name).map(|it| &it.arn),
            Whom::OutsideRole(arn) => Some(arn),
            Whom::OutsideAccount(_) => None,
        }
    }

    /// The account it is in.
    #[must_use]
    pub fn account<'a>(&'a self, stack: &'a Stack) -> &'a str {
        match &self.whom {
            Whom::OutsideAccount(id) => id.as_str(),
            _ => self.arn(stack).map_or("", Arn::account),
        }
    }
}

fn is_role(arn: &Arn) -> bool {
    arn.service() == "iam" && arn.resource().starts_with("role/")
}

/// Everybody whom a package can be made for, as one names them.
fn known(stack: &Stack) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for access in &stack.access {
        names.push(match &access.from {
            Principal::Role(name) => format!("roles.{name}"),
            Principal::RoleArn(arn) | Principal::Named(arn) => arn.to_string(),
            Principal::RolePrefix { account, .. } | Principal::Account(account) => {
                account.to_string()
            }
            Principal::Service(_)
            | Principal::ServiceFor { .. }
            | Principal::Organization { .. }
            | Principal::Oidc { .. }
            | Principal::Network(_) => continue,
        });
    }
    names.extend(stack.queues.keys().map(|it| format!("queues.{it}")));
    names.sort();
    names.dedup();
    names
}

fn unknown(text: &str, stack: &Stack) -> String {
    let is_service = |it: &Access| match &it.from {
        Principal::Service(service) | Principal::ServiceFor { service, .. } => service == text,
        _ => false,
    };
    if stack.access.iter().any(is_service) {
        return format!(
            "there is nothing to hand over to `{text}`: an AWS service needs no policy of its own, what it uses lets it in"
        );
    }
    let known = known(stack);
    // Whoever leaves the table out means one that is there.
    let bare = known
        .iter()
        .filter_map(|it| it.split_once('.').map(|(_, it)| it));
    let near = nearest(text, known.iter().map(String::as_str).chain(bare));
    match near {
        Some(near) => {
            format!("no consumer of this stack is called `{text}`; did you mean `{near}`?")
        }
        None if known.is_empty() => {
            format!(
                "no consumer of this stack is called `{text}`: it has no `[[access]]` and no queue"
            )
        }
        None => format!(
            "no consumer of this stack is called `{text}`; there are {}",
            known.join(", ")
        ),
    }
}

/// Somebody asks for what is consumed instead of for who consumes it.
fn target(text: &str, stack: &Stack) -> String {
    let mut users: Vec<String> = Vec::new();
    for access in &stack.access {
        let to = match &access.to {
            crate::stack::Target::Api { name, .. } => format!("apis.{name}"),
            crate::stack::Target::Topic { name } => format!("topics.{name}"),
            crate::stack::Target::Queue { name, .. } => format!("queues.{name}"),
        };
        if to == text {
            users.push(match &access.from {
                Principal::Role(name) => format!("roles.{name}"),
                Principal::RoleArn(arn) | Principal::Named(arn) => arn.to_string(),
                Principal::RolePrefix { account, .. } | Principal::Account(account) => {
                    account.to_string()
                }
                Principal::Service(_)
                | Principal::ServiceFor { .. }
                | Principal::Organization { .. }
                | Principal::Oidc { .. }
                | Principal::Network(_) => continue,
            });
        }
    }
    users.sort();
    users.dedup();
    if users.is_empty() {
        format!("`{text}` is what others use, and nobody does yet; name a role or a queue")
    } else {
        format!(
            "`{text}` is what others use; name one of them: {}",
            users.join(", ")
        )
    }
}
