//! A picture of the world in which only what somebody asked for can be seen.
//!
//! Ids that the server chose are replaced by names that rest on what they are
//! the id of; times, deleted names and counts of what was once made are left
//! out. So two runs that arrive at the same end have the same picture, however
//! they came there.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::state::{Api, World};

pub(super) fn of(world: &World) -> Value {
    let names = names(world);
    let mut accounts = Map::new();
    for (id, account) in &world.accounts {
        let mut regions = Map::new();
        for (region, it) in &account.regions {
            let mut topics = json!(it.topics);
            for (name, topic) in &it.topics {
                // In the order of their endpoints, not in that in which they came.
                let mut subscriptions = topic.subscriptions.clone();
                subscriptions
                    .sort_by(|a, b| (&a.protocol, &a.endpoint).cmp(&(&b.protocol, &b.endpoint)));
                topics[name]["subscriptions"] = json!(subscriptions);
            }
            let picture = json!({ "topics": topics, "queues": it.queues, "apis": it.apis });
            let empty = it.topics.is_empty() && it.queues.is_empty() && it.apis.is_empty();
            if !empty {
                regions.insert(region.to_string(), picture);
            }
        }
        let mut picture = json!({ "roles": account.roles, "regions": regions });
        if !account.policies.is_empty() {
            // What is in force, however often it was written.
            let policies = account.policies.iter();
            let in_force = policies.map(|(name, it)| (name, it.versions.get(&it.default)));
            picture["policies"] = json!(in_force.collect::<BTreeMap<_, _>>());
        }
        accounts.insert(id.to_string(), picture);
    }
    renamed(Value::Object(accounts), &names)
}

/// A stable name for every id that the server chose.
fn names(world: &World) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for (id, arn) in &world.ghosts {
        names.insert(id.clone(), format!("(deleted {arn})"));
    }
    for account in world.accounts.values() {
        for role in account.roles.values() {
            names.insert(role.id.clone(), format!("(id of {})", role.arn));
        }
        for region in account.regions.values() {
            for topic in region.topics.values() {
                for it in &topic.subscriptions {
                    let chosen = it.arn.rsplit(':').next().unwrap_or_default();
                    names.insert(chosen.to_owned(), format!("({})", it.endpoint));
                }
            }
            let mut alike: BTreeMap<&str, Vec<&Api>> = BTreeMap::new();
            for api in region.apis.values() {
                alike.entry(&api.about.name).or_default().push(api);
            }
            for (name, mut apis) in alike {
                apis.sort_by_key(|it| (it.about.created, &it.about.id));
                for (index, api) in apis.into_iter().enumerate() {
                    let name = format!("(api {name} {})", index + 1);
                    for (path, resource) in &api.resources {
                        names.insert(resource.id.clone(), format!("{name} {path}"));
                    }
                    let mut deployments: Vec<_> = api.deployments.iter().collect();
                    deployments.sort_by_key(|(_, it)| it.number);
                    for (index, (id, _)) in deployments.into_iter().enumerate() {
                        names.insert(id.clone(), format!("(deployment {})", index + 1));
                    }
                    names.insert(api.about.id.clone(), name);
                }
            }
        }
    }
    names
}

fn renamed(value: Value, names: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => Value::String(rename(text, names)),
        Value::Array(items) => items.into_iter().map(|it| renamed(it, names)).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(name, _)| {
                !matches!(
                    name.as_str(),
                    "created" | "modified" | "number" | "updating_until"
                )
            })
            .map(|(name, value)| (rename(name, names), renamed(value, names)))
            .collect(),
        other => other,
    }
}

fn rename(mut text: String, names: &BTreeMap<String, String>) -> String {
    for (id, name) in names {
        if text.contains(id.as_str()) {
            text = text.replace(id.as_str(), name);
        }
    }
    text
}
