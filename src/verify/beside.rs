//! What serves an API, and who receives from a topic: the stack's, and others beside it.

use std::collections::{BTreeMap, BTreeSet};

use crate::kinds::{Have, Resource, Stage, Stranger};
use crate::stack::RouteKey;

/// What an API serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surface {
    /// The stage's name.
    pub stage: String,
    /// The authorization type of each method: as deployed, where a cloud was asked.
    pub methods: BTreeMap<RouteKey, String>,
    /// Methods that ask for an API key beside that.
    pub keyed: BTreeSet<RouteKey>,
    /// Whether only VPC endpoints reach it.
    pub private: bool,
    /// Its VPC endpoints.
    pub endpoints: BTreeSet<String>,
    /// Callers that do not reach it as a cloud has it, and would reach it as the stack says.
    pub closed_to: Vec<&'static str>,
    /// What the stage serves is older than what the API has; nothing where no cloud was asked.
    pub behind: Option<String>,
    /// What of a deployment that is served could not be read.
    pub unread: Option<String>,
    /// That a throttle of 0 refuses every call of the stage.
    pub throttled: Option<String>,
    /// The same of routes with settings of their own, which stand in place of the stage's.
    pub settings: BTreeMap<RouteKey, Option<String>>,
    /// Stages beside the stack's that serve the API too, without others of their own.
    pub others: Vec<OtherStage>,
}

/// A stage beside the stack's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherStage {
    /// Its name.
    pub name: String,
    /// The authorization type of each method that it serves.
    pub methods: BTreeMap<RouteKey, String>,
    /// What of its deployment could not be read.
    pub unread: Option<String>,
}

impl OtherStage {
    /// What a cloud has of a stage, where the stack deploys `wanted`.
    pub(super) fn of(have: &Have, wanted: &Stage) -> Option<Self> {
        let Resource::Stage(it) = &have.resource else {
            return None;
        };
        if it.api != wanted.api || it.name == wanted.name {
            return None;
        }
        let mut extras = have.extras.iter();
        let canary = extras.find(|it| matches!(it.what, Stranger::Canary { .. }));
        let unread = if it.deployed.is_empty() {
            Some(format!("what stage `{}` serves cannot be read", it.name))
        } else if let Some(canary) = canary {
            Some(canary.to_string())
        } else {
            (it.surface != wanted.surface).then(|| {
                format!(
                    "the policy that stage `{}` serves cannot be read: its deployment is older, or somebody else's",
                    it.name
                )
            })
        };
        Some(Self {
            name: it.name.clone(),
            methods: it.deployed.clone(),
            unread,
        })
    }
}

impl Surface {
    /// What of the deployments that its stages serve could not be read.
    pub fn all_unread(&self) -> impl Iterator<Item = &String> {
        let others = self.others.iter().filter_map(|it| it.unread.as_ref());
        self.unread.iter().chain(others)
    }

    /// Why no call of a route gets through, whatever the policies say.
    #[must_use]
    pub fn refuses(&self, route: &RouteKey) -> Option<&String> {
        let whole = self.throttled.as_ref();
        self.settings.get(route).map_or(whole, Option::as_ref)
    }

    /// The same API as another stage serves it.
    #[must_use]
    pub fn on(&self, other: &OtherStage) -> Self {
        Self {
            stage: other.name.clone(),
            methods: other.methods.clone(),
            unread: other.unread.clone(),
            behind: None,
            others: Vec::new(),
            ..self.clone()
        }
    }
}

/// A subscription of a topic that the stack does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Where it delivers.
    pub endpoint: String,
    /// What it is, in a sentence.
    pub text: String,
    /// Whether it waits for its confirmation.
    pub pending: bool,
}

/// The subscriptions of a topic that the stack does not have.
pub(super) fn receivers(topic: &Have) -> Vec<Receiver> {
    let extras = topic.extras.iter();
    let receivers = extras.filter_map(|it| match &it.what {
        Stranger::Subscription { arn, endpoint } => Some(Receiver {
            endpoint: endpoint.clone(),
            text: it.text.clone(),
            pending: !arn.starts_with("arn:"),
        }),
        _ => None,
    });
    receivers.collect()
}
