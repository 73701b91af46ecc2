//! `provision export`

use std::collections::BTreeSet;
use std::fs;

use serde_json::json;

use super::screen::Screen;
use super::session::{Session, load, lowered};
use super::{Ending, Failure};
use super::{args, reading};
use crate::disk::Readers;
use crate::lower;
use crate::model::Address;
use crate::plan::{Consent, Plan};
use crate::report::diff;
use crate::report::style::counted;
use crate::stack::{self, Claimed, Leave, Stack, TopicRef, claims_text};

/// Writes what the stack offers as a contract, or what it claims of another's.
pub(super) async fn export(args: &args::Export, screen: &Screen) -> Result<Ending, Failure> {
    let stack = load(&args.files)?;
    if let Some(out) = &args.out {
        reading::refuse_input(out)?;
    }
    let (text, pending) = match &args.claims {
        Some(name) => (claims(&stack, name)?, Vec::new()),
        None => contract(args, &stack, screen).await?,
    };
    let there = args.out.as_ref().map(|it| fs::read_to_string(it).ok());
    let same = there.as_ref().is_some_and(|it| it.as_ref() == Some(&text));
    let writes = there.is_some() && !same && !args.check;
    if let Some(path) = args.out.as_ref().filter(|_| writes) {
        reading::write(path, &text, Readers::Usual)?;
    }
    if args.json {
        let document = json!({
            "schema": "provision.export/1",
            "stack": stack.name,
            "of": if args.claims.is_some() { "claims" } else { "contract" },
            "contract": args.claims,
            "text": text,
            "file": args.out,
            "same": there.is_some().then_some(same),
            "written": writes,
            "pending": pending,
        });
        screen.result(&format!("{document:#}\n"));
    }
    let Some(path) = &args.out else {
        if !args.json {
            screen.result(&text);
        }
        return Ok(Ending::Done);
    };
    let path = path.display();
    if same {
        screen.talk(&format!("`{path}` says so already"));
        return Ok(Ending::Done);
    }
    if args.check {
        let old = there.flatten();
        if !args.json {
            let difference =
                diff::unified(&path.to_string(), old.as_deref().unwrap_or_default(), &text);
            screen.result(&difference);
        }
        let why = if old.is_some() {
            "is not what would be exported"
        } else {
            "is not there, or cannot be read"
        };
        screen.talk(&format!("`{path}` {why}; export it again without --check"));
        return Ok(Ending::Differences);
    }
    screen.talk(&format!("wrote `{path}`"));
    Ok(Ending::Done)
}

/// What the stack offers, with what AWS has of it now; and what of it is not there yet.
async fn contract(
    args: &args::Export,
    stack: &Stack,
    screen: &Screen,
) -> Result<(String, Vec<String>), Failure> {
    if stack.offers.is_empty() {
        let hint = match stack.contracts.keys().next() {
            Some(name) => format!("; to write what it claims: --claims {name}"),
            None => String::new(),
        };
        screen.talk(&format!(
            "the stack `{}` offers nothing, and whoever claims from this contract is refused{hint}",
            stack.name
        ));
    }
    let desired = lowered(stack)?;
    let session = Session::open(stack, &args.place, screen)?;
    let (desired, live) = session.survey(stack, desired).await?;
    let plan = Plan::between(&desired, &live, &Consent::default());
    let there: BTreeSet<Address> = live.have.keys().cloned().collect();
    let contract = lower::contract(stack, &desired, &live.ids(), &there, &plan.stack_digest);
    let apis = contract.apis.iter().filter(|(_, it)| it.id.is_none());
    let topics = contract.topics.iter().filter(|(_, it)| it.pending);
    let pending: Vec<String> = apis
        .map(|(name, _)| format!("apis.{name}"))
        .chain(topics.map(|(name, _)| format!("topics.{name}")))
        .collect();
    if !pending.is_empty() {
        screen.talk(&format!(
            "not there yet: {}; apply and export again, for the contract says so",
            pending.join(", ")
        ));
    } else if !plan.is_empty() {
        screen.talk(&format!(
            "the stack is not applied as it stands: the contract promises what apply has yet to do ({})",
            counted(plan.to_do().count(), "change")
        ));
    }
    screen.talk(&session.summary());
    Ok((contract.to_text(), pending))
}

/// What the stack claims of a contract, for its owner.
fn claims(stack: &Stack, name: &str) -> Result<String, Failure> {
    let Some(contract) = stack.contracts.get(name) else {
        let hint = match stack::nearest(name, stack.contracts.keys().map(String::as_str)) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => String::new(),
        };
        return Err(Failure::Plain(format!(
            "the stack has no contract `{name}`{hint}"
        )));
    };
    let roles = stack
        .claims
        .iter()
        .filter(|it| it.contract == name)
        .map(|it| Claimed {
            stack: stack.name.clone(),
            to: it.to.clone(),
            leave: it.leave.clone(),
            by: stack.roles[&it.from].arn.clone(),
            written_at: it.written_at.clone(),
        });
    let queues = stack.queues.values().flat_map(|queue| {
        queue.subscribe.iter().filter_map(|it| match &it.topic {
            TopicRef::Contract {
                contract,
                name: topic,
                ..
            } if contract == name => Some(Claimed {
                stack: stack.name.clone(),
                to: Address::new(crate::model::KindName::Topic, topic),
                leave: Leave::Subscribe,
                by: queue.arn.clone(),
                written_at: String::new(),
            }),
            _ => None,
        })
    });
    let claims: Vec<Claimed> = roles.chain(queues).collect();
    Ok(claims_text(&stack.name, contract, &claims))
}
