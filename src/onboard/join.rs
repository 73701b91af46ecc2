//! The text with a new consumer in it.

use std::collections::BTreeMap;

use super::{Answers, Home, RoleOf};
use crate::stack::edit::{Edit, Fields, Written};
use crate::stack::{Source, Stack, Via};

/// The sources with a consumer added to the one at `into`.
///
/// `None` when that one is not TOML.
#[must_use]
pub fn joined(
    sources: &[Source],
    into: usize,
    stack: &Stack,
    answers: &Answers,
) -> Option<Vec<Source>> {
    let mut edit = Edit::of(&sources.get(into)?.text)?;
    write(&mut edit, stack, answers);
    let mut sources = sources.to_vec();
    if let Some(source) = sources.get_mut(into) {
        source.text = edit.text();
    }
    Some(sources)
}

fn text(it: &str) -> Written {
    Written::Text(it.to_owned())
}

fn write(edit: &mut Edit, stack: &Stack, answers: &Answers) {
    let name = &answers.consumer;
    if let Some(Home::New {
        name,
        id,
        role,
        external_id,
        region,
    }) = &answers.account
    {
        let mut fields: Fields = vec![("id", text(id.as_str()))];
        let more = [
            ("region", region),
            ("role", role),
            ("external_id", external_id),
        ];
        for (field, value) in more {
            fields.extend(value.as_ref().map(|it| (field, text(it))));
        }
        edit.add("accounts", name, &fields);
    }
    let account = answers.account.as_ref().map(|it| it.name().to_owned());
    let standing: Fields = account.iter().map(|it| ("account", text(it))).collect();
    match (&answers.role, &account) {
        (Some(RoleOf::Made { trusted_by }), Some(_)) => {
            let mut fields = standing.clone();
            fields.push(("trusted_by", Written::one_or_many(trusted_by)));
            edit.add("roles", name, &fields);
        }
        (Some(RoleOf::Existing(arn)), Some(_)) => {
            let mut fields = standing.clone();
            fields.push(("existing", text(arn.as_str())));
            edit.add("roles", name, &fields);
        }
        // A role in an account that the stack does not have is let in by its ARN.
        _ => {}
    }
    if !answers.subscribes.is_empty() {
        let fifo = |it: &String| stack.topics.get(it).is_some_and(|it| it.fifo);
        let mut fields = standing;
        // A queue that keeps the order receives from topics that do, and from no others.
        if answers.subscribes.iter().all(fifo) {
            fields.push(("fifo", Written::Flag(true)));
        }
        fields.push(("subscribe", Written::one_or_many(&answers.subscribes)));
        edit.add("queues", name, &fields);
    }
    let from = match (&answers.role, &account) {
        (Some(RoleOf::Existing(arn)), None) => arn.to_string(),
        _ => format!("roles.{name}"),
    };
    let via = match answers.via {
        Via::Auto => None,
        Via::ResourcePolicy => Some("resource-policy"),
        Via::AssumeRole => Some("assume-role"),
    };
    let mut access = |to: String, allow: Option<Written>| {
        let mut fields: Fields = vec![("from", text(&from)), ("to", Written::Text(to))];
        fields.extend(allow.map(|it| ("allow", it)));
        fields.extend(via.map(|it| ("via", text(it))));
        edit.append("access", &fields);
    };
    for calls in &answers.calls {
        access(
            format!("apis.{}", calls.api),
            Some(Written::List(calls.routes.clone())),
        );
    }
    for topic in &answers.publishes {
        access(format!("topics.{topic}"), None);
    }
    let mut queues: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for queue in &answers.sends {
        queues.entry(queue).or_default().push("send".to_owned());
    }
    // What its own queue gets is for its role to receive.
    let own = answers
        .role
        .as_ref()
        .filter(|_| !answers.subscribes.is_empty());
    for queue in answers.receives.iter().chain(own.map(|_| name)) {
        queues.entry(queue).or_default().push("receive".to_owned());
    }
    for (queue, allow) in queues {
        access(
            format!("queues.{queue}"),
            Some(Written::one_or_many(&allow)),
        );
    }
}
