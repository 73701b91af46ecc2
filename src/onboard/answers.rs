//! What there is to say of a new consumer, and what is wrong with an answer.
//!
//! An answer is judged here whether a flag gave it or a person did. What only the whole stack
//! can tell (a route that no API has) is told by the check of the text that comes of it.

use crate::model::{AccountId, Arn};
use crate::stack::{self, Stack, Via, nearest};

/// All that is said of a new consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// Its name: of its role, and of its queue.
    pub consumer: String,
    /// Where it stands; `None` of a role in an account that the stack does not have.
    pub account: Option<Home>,
    /// The role it works under; `None` of one that only receives.
    pub role: Option<RoleOf>,
    /// What it calls.
    pub calls: Vec<Calls>,
    /// The topics it publishes to, by name.
    pub publishes: Vec<String>,
    /// The topics a queue of its own receives from, by name.
    pub subscribes: Vec<String>,
    /// The queues it sends to, by name.
    pub sends: Vec<String>,
    /// The queues it receives from, by name, beside its own.
    pub receives: Vec<String>,
    /// The mechanism.
    pub via: Via,
}

impl Answers {
    /// Whether there is anything it may do.
    #[must_use]
    pub fn say_what(&self) -> bool {
        self.need_a_role() || !self.subscribes.is_empty()
    }

    /// Whether it calls, publishes, sends or receives: then somebody has to be let in.
    #[must_use]
    pub fn need_a_role(&self) -> bool {
        !(self.calls.is_empty()
            && self.publishes.is_empty()
            && self.sends.is_empty()
            && self.receives.is_empty())
    }
}

/// An account, of the stack or new to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// One of the stack, by its name there.
    Known(String),
    /// A new one.
    New {
        /// What the stack is to call it.
        name: String,
        /// Its id.
        id: AccountId,
        /// The role that is assumed there.
        role: Option<String>,
        /// The external id which that role asks for.
        external_id: Option<String>,
        /// Its region, where the stack has none for all.
        region: Option<String>,
    },
}

impl Home {
    /// What the stack calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Known(name) | Self::New { name, .. } => name,
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self, stack: &Stack) -> Option<AccountId> {
        match self {
            Self::Known(name) => stack.accounts.get(name).map(|it| it.place.id.clone()),
            Self::New { id, .. } => Some(id.clone()),
        }
    }
}

/// The role that a consumer works under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoleOf {
    /// One that the stack makes.
    Made {
        /// Who may assume it.
        trusted_by: Vec<String>,
    },
    /// One that something else makes.
    Existing(Arn),
}

/// Routes of an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calls {
    /// The API's name.
    pub api: String,
    /// The routes, as the stack spells them.
    pub routes: Vec<String>,
}

/// A new consumer's name.
pub fn consumer(stack: &Stack, text: &str) -> Result<String, String> {
    let name = text.trim();
    let name = name.strip_prefix("roles.").unwrap_or(name);
    if let Some(why) = stack::refuses_name(name) {
        return Err(format!("a consumer cannot be called `{name}`: {why}"));
    }
    for (table, taken) in [
        ("roles", stack.roles.contains_key(name)),
        ("queues", stack.queues.contains_key(name)),
    ] {
        if taken {
            return Err(format!(
                "`{table}.{name}` is in the stack already; choose another name, or give it more by an `[[access]]` of its own"
            ));
        }
    }
    Ok(name.to_owned())
}

/// An account of the stack, by its name or its id.
pub fn account(stack: &Stack, text: &str) -> Result<String, String> {
    let text = text.trim();
    let text = text.strip_prefix("accounts.").unwrap_or(text);
    if stack.accounts.contains_key(text) {
        return Ok(text.to_owned());
    }
    if let Some(id) = AccountId::parse(text) {
        let named: Vec<&str> = stack
            .accounts
            .iter()
            .filter(|(_, it)| it.place.id == id)
            .map(|(name, _)| name.as_str())
            .collect();
        return match named.as_slice() {
            [one] => Ok((*one).to_owned()),
            [] => Err(format!(
                "the stack has no account {id}; a new one needs a name, too"
            )),
            several => Err(format!(
                "account {id} is in the stack as {}; say which",
                listed(several.iter().copied())
            )),
        };
    }
    Err(format!(
        "the stack has no account `{text}`{}",
        like(text, stack.accounts.keys())
    ))
}

/// A role that something else makes, seen from where the consumer stands.
pub fn existing_role(stack: &Stack, home: Option<&Home>, text: &str) -> Result<Arn, String> {
    let text = text.trim();
    let arn = Arn::parse(text)
        .ok()
        .filter(|it| it.service() == "iam" && it.resource().starts_with("role/"))
        .filter(|it| it.account_id().is_some())
        .ok_or_else(|| {
            format!("`{text}` is not a role's ARN; one is `arn:aws:iam::ACCOUNT:role/NAME`")
        })?;
    let known = match home {
        Some(Home::Known(name)) => stack.accounts.get(name),
        _ => None,
    };
    let partition = known
        .or_else(|| stack.accounts.values().next())
        .map(|it| it.place.partition());
    if let Some(partition) = partition.filter(|it| it.as_str() != arn.partition()) {
        return Err(format!(
            "`{arn}` is in the partition `{}`, and the stack is in `{}`: AWS keeps them apart",
            arn.partition(),
            partition.as_str()
        ));
    }
    if let Some(home) = home
        && let Some(id) = home.id(stack)
        && arn.account() != id.as_str()
    {
        return Err(format!(
            "`{arn}` is in account {}, and `{}` is {id}; correct one of them",
            arn.account(),
            home.name()
        ));
    }
    if let Some((name, _)) = stack.roles.iter().find(|(_, it)| it.arn == arn) {
        return Err(format!(
            "`{arn}` is in the stack already, as `roles.{name}`; give it more by an `[[access]]` of its own"
        ));
    }
    Ok(arn)
}

/// `apis.orders: GET /orders/*, POST /orders`; with one API in the stack, its name may be left out.
pub fn calls(stack: &Stack, text: &str) -> Result<Calls, String> {
    let (api, routes) = match text.split_once(':') {
        Some((api, routes)) if !api.contains(' ') && !api.contains('/') => (api.trim(), routes),
        _ => match stack.apis.keys().collect::<Vec<_>>().as_slice() {
            [one] => (one.as_str(), text),
            [] => return Err("the stack has no API".to_owned()),
            _ => {
                return Err(format!(
                    "`{}` does not say of which API; write `apis.NAME: METHOD /path`, of {}",
                    text.trim(),
                    listed(stack.apis.keys().map(String::as_str))
                ));
            }
        },
    };
    let api = api.strip_prefix("apis.").unwrap_or(api);
    if !stack.apis.contains_key(api) {
        return Err(format!(
            "the stack has no API `{api}`{}",
            like(api, stack.apis.keys())
        ));
    }
    let routes: Vec<String> = routes
        .split(',')
        .map(|it| it.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|it| !it.is_empty())
        .collect();
    if routes.is_empty() {
        return Err(format!(
            "which routes of `apis.{api}`? Write `apis.{api}: METHOD /path`; `*` is every route"
        ));
    }
    Ok(Calls {
        api: api.to_owned(),
        routes,
    })
}

/// A topic of the stack.
pub fn topic(stack: &Stack, text: &str) -> Result<String, String> {
    let text = text.trim();
    let name = text.strip_prefix("topics.").unwrap_or(text);
    if stack.topics.contains_key(name) {
        return Ok(name.to_owned());
    }
    if stack.apis.contains_key(name) || text.starts_with("apis.") {
        return Err(format!(
            "`{text}` is an API, which is called: `--calls 'apis.{}: METHOD /path'`",
            name.strip_prefix("apis.").unwrap_or(name)
        ));
    }
    Err(format!(
        "the stack has no topic `{name}`{}",
        like(name, stack.topics.keys())
    ))
}

/// A queue of the stack.
pub fn queue(stack: &Stack, text: &str) -> Result<String, String> {
    let text = text.trim();
    let name = text.strip_prefix("queues.").unwrap_or(text);
    if stack.queues.contains_key(name) {
        return Ok(name.to_owned());
    }
    if stack.topics.contains_key(name) || text.starts_with("topics.") {
        let name = name.strip_prefix("topics.").unwrap_or(name);
        return Err(format!(
            "`{text}` is a topic: `--publishes topics.{name}` sends to it, `--subscribes topics.{name}` receives from it"
        ));
    }
    Err(format!(
        "the stack has no queue `{name}`{}",
        like(name, stack.queues.keys())
    ))
}

/// `; did you mean …?`, or what there is.
fn like<'a>(text: &str, names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    match nearest(text, names.iter().copied()) {
        Some(near) => format!("; did you mean `{near}`?"),
        None if names.is_empty() => "; it has none at all".to_owned(),
        None => format!("; it has {}", listed(names)),
    }
}

fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|it| format!("`{it}`")).collect();
    match names.as_slice() {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        _ => names.concat(),
    }
}
