//! The policy documents of the world, for whoever judges what they allow.

use std::collections::{BTreeMap, BTreeSet};

use super::state::{Policy, World};

/// A policy document and what it is attached to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// ARN of the role, key, topic or queue; of an API's stage,
    /// `arn:P:execute-api:REGION:ACCOUNT:API/STAGE`.
    pub by: String,
    /// What it is there.
    pub used: HeldAs,
    /// The document, plain JSON.
    pub text: String,
}

/// What a policy document is to what holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldAs {
    /// A role's trust policy.
    Trust,
    /// A role's inline policy.
    Inline,
    /// A managed policy that is attached to a role, as far as the sandbox has its document.
    Managed,
    /// A key's, topic's or queue's policy.
    Resource,
    /// An API's policy as it was when the stage's deployment was made.
    Deployed,
}

/// A REST API as it is at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldApi {
    /// Its ARN, up to its id.
    pub arn: String,
    /// Its id.
    pub id: String,
    /// Its name, which is not unique.
    pub name: String,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// Its policy, deployed or not, as plain JSON.
    pub policy: Option<String>,
    /// By the name of each stage, the methods that it serves: `GET/orders`.
    pub stages: BTreeMap<String, BTreeSet<String>>,
}

/// Returns every REST API.
pub(super) fn apis_of(world: &World) -> Vec<HeldApi> {
    let mut found = Vec::new();
    for (account, it) in &world.accounts {
        for (region, it) in &it.regions {
            for (id, api) in &it.apis {
                let served = |deployment: &str| {
                    let methods = api.deployments.get(deployment).map(|it| &it.methods);
                    let methods = methods.into_iter().flatten();
                    methods
                        .flat_map(|(path, verbs)| verbs.keys().map(move |it| format!("{it}{path}")))
                        .collect()
                };
                let stages = api.stages.iter();
                found.push(HeldApi {
                    arn: format!(
                        "arn:{}:execute-api:{region}:{account}:{id}",
                        region.partition()
                    ),
                    id: id.clone(),
                    name: api.about.name.clone(),
                    created: api.about.created,
                    policy: api.about.policy.clone(),
                    stages: stages
                        .map(|(name, it)| (name.clone(), served(&it.deployment)))
                        .collect(),
                });
            }
        }
    }
    found
}

pub(super) fn of(world: &World) -> Vec<Held> {
    let mut held = Vec::new();
    let mut add = |by: &str, used, text: &str| {
        held.push(Held {
            by: by.to_owned(),
            used,
            text: text.to_owned(),
        });
    };
    for (id, account) in &world.accounts {
        for role in account.roles.values() {
            add(&role.arn, HeldAs::Trust, &role.trust);
            for document in role.inline.values() {
                add(&role.arn, HeldAs::Inline, document);
            }
            let attached = |it: &&Policy| role.attached.contains(&it.arn);
            for policy in account.policies.values().filter(attached) {
                if let Some(document) = policy.versions.get(&policy.default) {
                    add(&role.arn, HeldAs::Managed, document);
                }
            }
        }
        for (region, it) in &account.regions {
            let partition = region.partition();
            let arn = |service: &str, name: &str| {
                format!("arn:{partition}:{service}:{region}:{id}:{name}")
            };
            for (id, key) in &it.keys {
                add(
                    &arn("kms", &format!("key/{id}")),
                    HeldAs::Resource,
                    &key.policy,
                );
            }
            for (name, topic) in &it.topics {
                add(&arn("sns", name), HeldAs::Resource, &topic.policy);
            }
            for (name, queue) in &it.queues {
                if let Some(policy) = queue.attributes.get("Policy") {
                    add(&arn("sqs", name), HeldAs::Resource, policy);
                }
            }
            for (api_id, api) in &it.apis {
                for (name, stage) in &api.stages {
                    let deployed = api.deployments.get(&stage.deployment);
                    if let Some(policy) = deployed.and_then(|it| it.policy.as_deref()) {
                        let by = arn("execute-api", &format!("{api_id}/{name}"));
                        add(&by, HeldAs::Deployed, policy);
                    }
                }
            }
        }
    }
    held
}
