//! The text without a consumer.

use std::collections::BTreeSet;

use super::{Candidate, Read, Unfit, accounts_in_use, candidate};
use crate::model::Arn;
use crate::stack::edit::Edit;
use crate::stack::{Invited, Principal, Source, Stack, nearest};

/// What goes with a consumer, and what is left.
#[derive(Clone, Debug)]
pub struct Parting {
    /// Its role in the stack, if it has one there.
    pub role: Option<String>,
    /// Its role's ARN.
    pub arn: Option<Arn>,
    /// The queues that go.
    pub queues: Vec<String>,
    /// Other queues in the same accounts: they stay, and are told.
    pub staying: Vec<String>,
    /// Accounts that nothing of the stack stands in any more: they leave it.
    pub accounts: Vec<String>,
    /// The stack without it.
    pub after: Candidate,
}

/// Why a consumer cannot be taken out.
#[derive(Clone, Debug)]
pub enum Bound {
    /// It is not there, or not so.
    Said(String),
    /// Nothing of that name or like it is there: an earlier run may have let it go.
    Gone(String),
    /// Without it the stack has faults.
    Unfit(Unfit),
}

/// The stack without a consumer: its role, the queues of its name and those named, every
/// access of its, and accounts where nothing is left.
pub fn parted(
    sources: &[Source],
    stack: &Stack,
    (consumer, role): (&str, Option<&Arn>),
    queues: &[String],
    read: Read<'_>,
) -> Result<Parting, Bound> {
    let name = consumer.trim();
    let name = ["roles.", "queues."]
        .iter()
        .find_map(|it| name.strip_prefix(it))
        .unwrap_or(name);
    let by_arn = role.cloned().or_else(|| Arn::parse(name).ok());
    let role = match &by_arn {
        Some(arn) => stack.roles.iter().find(|(_, it)| it.arn == *arn),
        None => stack.roles.get_key_value(name),
    };
    let arn = role.map(|(_, it)| it.arn.clone()).or(by_arn);
    let role = role.map(|(name, _)| name.clone());
    let mut going: BTreeSet<String> = BTreeSet::new();
    going.extend(
        [name, role.as_deref().unwrap_or(name)]
            .into_iter()
            .filter(|it| stack.queues.contains_key(*it))
            .map(str::to_owned),
    );
    let mut missing = None;
    for queue in queues {
        let queue = queue.strip_prefix("queues.").unwrap_or(queue);
        if !stack.queues.contains_key(queue) {
            let near = nearest(queue, stack.queues.keys().map(String::as_str));
            missing = Some(format!(
                "the stack has no queue `{queue}`{}",
                near.map_or_else(String::new, |it| format!("; did you mean `{it}`?"))
            ));
            continue;
        }
        going.insert(queue.to_owned());
    }
    let is_let_in = |arn: &Arn| {
        let names = |it: &Principal| matches!(it, Principal::RoleArn(it) if it == arn);
        stack.access.iter().any(|it| names(&it.from))
    };
    if role.is_none() && going.is_empty() && !arn.as_ref().is_some_and(is_let_in) {
        let offered = arn.as_ref().and_then(|arn| {
            let mut offers = stack.offers.iter();
            offers.find(|it| !matches!(it.to_whom, Invited::Anyone) && it.to_whom.means(arn))
        });
        if let Some(offer) = offered {
            return Err(Bound::Said(format!(
                "`{name}` is of another stack, and is let in by an offer, {}: take that out, or its name from it, and apply",
                offer.written_at
            )));
        }
        let known = stack.roles.keys().chain(stack.queues.keys());
        let near = nearest(name, known.map(String::as_str));
        let none = format!("the stack has no consumer `{name}`: no role or queue of that name");
        let outside = outside(stack);
        return Err(match near {
            Some(it) => Bound::Said(format!("{none}; did you mean `{it}`?{outside}")),
            // The name may be of one whose role is not of the stack.
            None if arn.is_none() && !outside.is_empty() => Bound::Said(none + &outside),
            None => Bound::Gone(none),
        });
    }
    if let Some(missing) = missing {
        return Err(Bound::Said(missing));
    }
    let mut texts: Vec<String> = role.iter().map(|it| format!("roles.{it}")).collect();
    texts.extend(arn.iter().map(ToString::to_string));
    let mut after = Vec::new();
    for source in sources {
        let Some(mut edit) = Edit::of(&source.text) else {
            return Err(Bound::Said(format!("`{}` is not TOML", source.name)));
        };
        take_out(&mut edit, &texts, role.as_deref(), &going);
        after.push(Source {
            text: edit.text(),
            ..source.clone()
        });
    }
    let mut after = candidate(after, read).map_err(Bound::Unfit)?;
    let stood: BTreeSet<&str> = role
        .iter()
        .filter_map(|it| stack.roles.get(it))
        .map(|it| it.account.as_str())
        .chain(going.iter().map(|it| stack.queues[it].account.as_str()))
        .collect();
    let staying = stack
        .queues
        .iter()
        .filter(|(name, it)| !going.contains(*name) && stood.contains(it.account.as_str()))
        .map(|(name, _)| name.clone())
        .collect();
    let mut accounts = Vec::new();
    for name in stood {
        if let Some(without) = without_account(&after, name, read) {
            after = without;
            accounts.push(name.to_owned());
        }
    }
    Ok(Parting {
        role,
        arn,
        queues: going.into_iter().collect(),
        staying,
        accounts,
        after,
    })
}

/// Says how the consumers are named whose roles are not of the stack, where there are some.
fn outside(stack: &Stack) -> String {
    let roles = stack.access.iter().filter_map(|it| match &it.from {
        Principal::RoleArn(arn) => Some(format!("`--role {arn}`")),
        _ => None,
    });
    let roles: BTreeSet<String> = roles.collect();
    if roles.is_empty() {
        return String::new();
    }
    let roles: Vec<String> = roles.into_iter().collect();
    format!(
        "; a consumer whose role is not of the stack is named by it: {}",
        roles.join(" or ")
    )
}

fn take_out(edit: &mut Edit, texts: &[String], role: Option<&str>, queues: &BTreeSet<String>) {
    if let Some(role) = role {
        edit.remove("roles", role);
    }
    for queue in queues {
        edit.remove("queues", queue);
    }
    edit.remove_from("access", "from", texts);
    edit.remove_from("never", "who", texts);
    edit.remove_from_each("roles", "trusted_by", texts);
    let queues: Vec<String> = queues
        .iter()
        .flat_map(|it| [it.clone(), format!("queues.{it}")])
        .collect();
    edit.remove_from_each("queues", "redrive_allow", &queues);
}

/// The stack without an account, if nothing of it is there or speaks of it.
fn without_account(it: &Candidate, name: &str, read: Read<'_>) -> Option<Candidate> {
    if accounts_in_use(&it.stack).contains(name) {
        return None;
    }
    let mut sources = it.sources.clone();
    for source in &mut sources {
        let mut edit = Edit::of(&source.text)?;
        edit.remove("accounts", name);
        source.text = edit.text();
    }
    candidate(sources, read).ok()
}
