//! `provision output`

use std::collections::BTreeMap;

use super::args;
use super::screen::Screen;
use super::session::{Session, load, lowered};
use super::{Ending, Failure};
use crate::escape::screen::line;
use crate::kinds::survey::Live;
use crate::kinds::{Resource, queue, rest_api, stage};
use crate::lower::Desired;
use crate::model::KindName;

/// Prints ARNs, ids and URLs of what is there.
pub(super) async fn output(args: &args::Output, screen: &Screen) -> Result<Ending, Failure> {
    let stack = load(&args.files)?;
    let desired = lowered(&stack)?;
    let session = Session::open(&stack, &args.place, screen)?;
    let (desired, live) = session.survey(&stack, desired).await?;
    let values = values(&desired, &live);
    if let Some(name) = &args.raw {
        let Some(value) = values.get(name) else {
            let known: Vec<&str> = values.keys().map(String::as_str).collect();
            let near = crate::stack::nearest(name, known.iter().copied());
            let hint = near.map_or_else(String::new, |it| format!("; did you mean `{it}`?"));
            return Err(Failure::Plain(format!(
                "nothing is called `{name}`, or it is not there yet{hint}"
            )));
        };
        screen.result(&format!("{value}\n"));
        return Ok(Ending::Done);
    }
    if args.json {
        let document = serde_json::json!({"schema": "provision.output/1", "stack": desired.stack, "values": values});
        screen.result(&format!("{document:#}\n"));
        return Ok(Ending::Done);
    }
    let width = values.keys().map(String::len).max().unwrap_or(0);
    let lines: String = values
        .iter()
        .map(|(name, value)| format!("{name:width$}  {}\n", line(value)))
        .collect();
    screen.result(&lines);
    if values.is_empty() {
        screen.talk("nothing of this stack is there yet");
    }
    Ok(Ending::Done)
}

/// What can be printed of what is there, by name.
fn values(desired: &Desired, live: &Live) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (address, have) in &live.have {
        let Some(want) = desired.wants.get(address) else {
            continue;
        };
        let place = &want.place;
        match &have.resource {
            Resource::Role(it) => {
                found.insert(format!("{address}.arn"), it.arn.to_string());
            }
            Resource::Topic(it) => {
                found.insert(format!("{address}.arn"), it.arn.to_string());
            }
            Resource::Queue(it) => {
                found.insert(format!("{address}.arn"), it.arn.to_string());
                found.insert(format!("{address}.url"), queue::url(&it.arn));
            }
            Resource::Key(_) | Resource::Subscription(_) => {
                found.insert(format!("{address}.arn"), have.id.clone());
            }
            Resource::RestApi(_) => {
                found.insert(format!("{address}.id"), have.id.clone());
                found.insert(format!("{address}.arn"), rest_api::arn(place, &have.id));
            }
            Resource::Stage(it) => {
                if let Some(api) = live.have.get(&it.api) {
                    let url = stage::url(place, &api.id, &it.name);
                    found.insert(format!("{}.url", it.api), url);
                }
            }
        }
    }
    found.extend(contracts(desired));
    found
}

/// What callers need of other stacks, as their contracts say it.
fn contracts(desired: &Desired) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for it in &desired.claims {
        if let Some(url) = &it.url {
            found.insert(format!("{}.url", it.target), url.clone());
        }
        if it.claim.to.kind == KindName::Topic
            && let Some(topic) = &it.topic
        {
            found.insert(format!("{}.arn", it.target), topic.to_string());
        }
        let by = format!("{}.for.{}", it.target, it.from.name);
        if let Some(role) = &it.role {
            found.insert(format!("{by}.role"), role.to_string());
        }
        if let Some(id) = &it.claim.offered.external_id {
            found.insert(format!("{by}.external_id"), id.clone());
        }
    }
    found
}
