//! A REST API's stage, with the deployment it serves.
//!
//! A deployment is a snapshot of a whole API: a change of a method, an authorizer or the
//! resource policy does nothing until the stage serves a new one. What the snapshot holds is
//! written on it, as its description: `provision STACK:DIGEST … methods:DIGEST`, for each
//! stack that has something there the digest of its surface ([`super::RestApi::surface_digest`]),
//! and that of all methods. Whoever deploys keeps what is told of the others, for the new
//! snapshot holds that too; of an API of several stacks it is told besides which policy and settings the API
//! had (`api:DIGEST`), so a stack is also recognized where two deployed at once and the later did not know of the other. So a change that was never deployed is seen without state, an
//! unchanged API is never deployed again, and stacks that share an API do not undo each other. Nothing that anybody
//! may write is trusted for authorizers: AWS's own summary of the snapshot must show them.
//!
//! One call makes the stage with its deployment, one writes all its settings, one its
//! tags. A stage with a throttle or logs lets nobody in before it has them ([`rest_api::closing`]). Deployments of ours that no stage serves any more are removed.
//!
//! | field            | patch                                | change |
//! |------------------|--------------------------------------|--------|
//! | `description`    | `/description`                       | update |
//! | `variables`      | `/variables/{name}`                  | update |
//! | `tracing`        | `/tracingEnabled`                    | update |
//! | `rate`, `burst`  | `/*/*/throttling/{rate,burst}Limit`  | update |
//! | `log_level`      | `/*/*/logging/loglevel`              | update |
//! | `data_trace`     | `/*/*/logging/dataTrace`             | update |
//! | `metrics`        | `/*/*/metrics/enabled`               | update |
//! | `access_log`     | `/accessLogSettings/…`               | update |
//! | `deployment`     | none: a new deployment               | update |
//!
//! A stage of an API that something else deploys is that other's: only the deployment
//! must hold our statements and authorizers.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/api/API_Stage.html>.

mod beside;
mod deployment;
pub mod settings;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::rest_api::{self, Methods, REDEPLOY, RestApi, method};
use super::{Context, Extra, Have, Kind, Resource, Stranger, Want, stale_tags, tag_details};
use crate::cloud::apigateway::{
    AccessLog, DeleteStage, DeploymentRecord, GetDeployment, GetDeployments, GetStages,
    RestApiRecord, StageRecord, TagApi, UntagApi, UpdateStage,
};
use crate::cloud::{self, CallError, Cloud, Fault};
use crate::model::change::details_of_maps;
use crate::model::tags::unmarked;
use crate::model::{Address, Change, Cost, Detail, Differences, KindName, Mark, Place, Tags};
use crate::stack::{LogLevel, RouteKey};

pub use beside::beside;
pub(super) use deployment::{ANY, Served};

/// `https://ID.execute-api.REGION.SUFFIX/STAGE`, where a stage is called.
#[must_use]
pub fn url(place: &Place, api_id: &str, stage: &str) -> String {
    format!(
        "https://{api_id}.execute-api.{}.{}/{stage}",
        place.region,
        place.partition().dns_suffix()
    )
}

/// A stage, as the stack wants it or as AWS has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The API's address.
    pub api: Address,
    /// Something else made the API: the settings are not ours.
    pub existing: bool,
    /// The name: the first segment of the URL.
    pub name: String,
    /// The description; empty for none.
    pub description: String,
    /// Stage variables.
    pub variables: BTreeMap<String, String>,
    /// X-Ray traces.
    pub tracing: bool,
    /// Steady rate over all methods, in requests a second; `None` for the account's.
    pub rate: Option<f64>,
    /// Burst over all methods, in requests; `None` for the account's.
    pub burst: Option<u32>,
    /// Execution logs.
    pub log_level: LogLevel,
    /// Whether execution logs hold whole requests.
    pub data_trace: bool,
    /// Whether detailed metrics are kept.
    pub metrics: bool,
    /// Access logs.
    pub access_log: Option<AccessLog>,
    /// Settings of the cache for all methods, by the ends of their patch paths. Only read and kept, never wanted.
    pub cache: BTreeMap<String, String>,
    /// The digest of what the deployment holds.
    pub surface: String,
    /// The digest of the methods that the deployment holds; empty where it does not say.
    pub methods: String,
    /// The digest of the statements in the deployed policy that no stack made; empty where it does not say.
    pub policy: String,
    /// Authorization types of the methods in the deployment. Of an existing API none is wanted by name.
    pub deployed: BTreeMap<RouteKey, String>,
    /// Routes of an existing API whose authorizers stay as they are. Only wanted, never read.
    pub public: BTreeSet<RouteKey>,
    /// Deployments of ours that no stage serves; none is wanted.
    pub superseded: BTreeSet<String>,
    /// Whether it serves a policy that names principals which are gone; never wanted.
    pub outdated: bool,
    /// Whether the deployment tells the policy and settings that the API has now. Only read, never wanted.
    pub current: bool,
    /// The deployment that is served. Only read, never wanted.
    pub serves: Option<Serves>,
    /// The digest of the stage as AWS lists it: its deployment, its settings, its canary. Only read, never wanted.
    pub listed: String,
    /// The author's tags.
    pub tags: Tags,
}

/// The deployment that a stage serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serves {
    /// Its id.
    pub id: String,
    /// Its description.
    pub description: String,
    /// Whether it is ours, and no other stage serves it.
    pub ours_alone: bool,
}

/// `arn:P:apigateway:REGION::/restapis/ID/stages/NAME`, which tags are written by.
#[must_use]
pub fn arn(place: &Place, api: &str, stage: &str) -> String {
    format!("{}/stages/{stage}", rest_api::arn(place, api))
}

/// The handle of a stage: `API-ID/STAGE`.
#[must_use]
pub fn handle(api: &str, stage: &str) -> String {
    format!("{api}/{stage}")
}

fn api_of(handle: &str) -> &str {
    handle.split_once('/').map_or(handle, |(api, _)| api)
}

/// The stages of an API that are ours, and the one that is wanted: three calls, and one for each deployment beyond the first.
///
/// Of an API of ours also those that somebody else made come, with the deployment that they serve where it can be read.
///
/// `api` is the API's record in a listing, for it tells whether a deployment is owed.
pub async fn read_all(
    cloud: &dyn Cloud,
    at: &Place,
    stack: &str,
    api: &RestApiRecord,
    address: &Address,
    wanted: Option<&Stage>,
) -> Result<Vec<Have>, CallError> {
    let existing = wanted.is_some_and(|it| it.existing);
    let stages = cloud::call(cloud, at, GetStages { id: api.id.clone() }).await?;
    let ours = |it: &&StageRecord| {
        let wanted = wanted.is_some_and(|stage| stage.name == it.name);
        wanted || (!existing && Mark::read(&it.tags).is_some_and(|it| it.stack == stack))
    };
    let seen = |deployments| Seen {
        stack,
        api,
        address,
        existing,
        stages: &stages,
        deployments,
    };
    let mut deployments = Vec::new();
    if stages.iter().any(|it| ours(&it)) {
        let ask = |position| GetDeployments {
            id: api.id.clone(),
            position,
        };
        deployments = cloud::all_pages(cloud, at, ask).await?;
    }
    let mut read: BTreeMap<&str, Option<DeploymentRecord>> = BTreeMap::new();
    let mut found = Vec::new();
    let (own, others): (Vec<_>, Vec<_>) = stages.iter().partition(ours);
    for record in &own {
        let call = served_by(api, record);
        let served = match cloud::call(cloud, at, call).await {
            Err(error) if error.fault == Fault::Missing => None,
            other => Some(other?),
        };
        found.push(seen(&deployments).decode(record, served.as_ref()));
        read.insert(&record.deployment, served);
    }
    for record in others.into_iter().filter(|_| !existing) {
        // Where no stage is wanted, nothing is asked of what the API serves.
        if wanted.is_some() && !read.contains_key(record.deployment.as_str()) {
            let served = cloud::call(cloud, at, served_by(api, record)).await.ok();
            read.insert(&record.deployment, served);
        }
        let served = read.get(record.deployment.as_str());
        let served = served.and_then(Option::as_ref);
        let mut have = seen(&deployments).decode(record, served);
        // A deployment of ours does not make a stage ours that somebody else made.
        have.mark = Mark::read(&record.tags);
        found.push(have);
    }
    Ok(found)
}

/// The call that reads the deployment of a stage.
fn served_by(api: &RestApiRecord, stage: &StageRecord) -> GetDeployment {
    GetDeployment {
        id: api.id.clone(),
        deployment: stage.deployment.clone(),
    }
}

/// What AWS's answers say of an API's stages.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The stack's name.
    pub stack: &'a str,
    /// The API.
    pub api: &'a RestApiRecord,
    /// The API's address.
    pub address: &'a Address,
    /// Whether something else made the API.
    pub existing: bool,
    /// All its stages.
    pub stages: &'a [StageRecord],
    /// All its deployments.
    pub deployments: &'a [DeploymentRecord],
}

impl Seen<'_> {
    /// One of the stages, with the deployment that it serves.
    #[must_use]
    pub fn decode(&self, record: &StageRecord, served: Option<&DeploymentRecord>) -> Have {
        let description = served
            .and_then(|it| it.description.clone())
            .unwrap_or_default();
        let servers = |deployment: &str| {
            self.stages
                .iter()
                .filter(|it| it.serves(deployment))
                .count()
        };
        let superseded = self.deployments.iter().filter(|it| {
            let description = it.description.as_deref().unwrap_or_default();
            deployment::is_ours(description) && servers(&it.id) == 0
        });
        let settings = record
            .methods
            .get(settings::ALL_METHODS)
            .cloned()
            .unwrap_or_default();
        let stage = Stage {
            api: self.address.clone(),
            existing: self.existing,
            name: record.name.clone(),
            description: record.description.clone().unwrap_or_default(),
            variables: record.variables.clone(),
            tracing: record.tracing,
            rate: settings::rate(settings.rate),
            burst: settings::burst(settings.burst),
            log_level: settings::log_level(settings.logging.as_deref()),
            data_trace: settings.data_trace,
            metrics: settings.metrics,
            access_log: record.access_log.clone().and_then(settings::access_log),
            cache: settings.cache,
            surface: deployment::surface(&description, self.stack),
            methods: deployment::methods(&description),
            policy: deployment::policy(&description),
            outdated: rest_api::owes_deployment(self.api, self.stack),
            current: deployment::listed(&description) == rest_api::listed(self.api),
            deployed: served.map(deployment::authorizations).unwrap_or_default(),
            public: BTreeSet::new(),
            superseded: superseded.map(|it| it.id.clone()).collect(),
            serves: served.map(|it| Serves {
                id: it.id.clone(),
                ours_alone: deployment::is_ours(&description) && servers(&it.id) == 1,
                description: description.clone(),
            }),
            listed: beside::listed(record),
            tags: unmarked(&record.tags),
        };
        let id = handle(&self.api.id, &record.name);
        let mut have = Have::of(Resource::Stage(stage), id, &record.tags);
        if self.existing {
            // It comes off with the API's own.
            have.mark = None;
        } else if have.mark.is_none() && deployment::is_ours(&description) {
            // We died between the call that made the stage and the one that tags it: on our
            // own API, our deployment is mark enough. It has no digest yet.
            have.mark = Some(Mark {
                stack: self.stack.to_owned(),
                address: Address::new(
                    KindName::Stage,
                    format!("{}.{}", self.address.name, record.name),
                ),
                digest: None,
                owned: BTreeSet::new(),
            });
        }
        have.created = served.map(|it| it.created);
        let others = record
            .methods
            .iter()
            .filter(|it| it.0 != settings::ALL_METHODS);
        have.extras.extend(record.canary.as_ref().map(|it| {
            let what = Stranger::Canary {
                api: self.api.id.clone(),
                stage: record.name.clone(),
            };
            let says = format!(
                "a canary of stage `{}`: {} % of its calls meet deployment `{}`, which is not what was judged",
                record.name, it.percent, it.deployment
            );
            Extra::new(what, says)
        }));
        have.extras.extend(others.map(|(method, it)| {
            let what = Stranger::MethodSettings {
                api: self.api.id.clone(),
                stage: record.name.clone(),
                method: method.clone(),
                closed: settings::lets_nothing_through(it.rate, it.burst),
            };
            let says = format!(
                "settings for the method `{method}` of stage `{}`",
                record.name
            );
            Extra::with_content(what, says, &json!(it))
        }));
        have
    }
}

impl Stage {
    fn live(have: &Have) -> &Self {
        match &have.resource {
            Resource::Stage(it) => it,
            other => unreachable!("a stage was compared with a {}", other.kind().singular()),
        }
    }

    /// What a caller meets in the deployment that should not be there, or misses.
    fn deployed_details(&self, live: &Self) -> Vec<Detail> {
        if live.deployed.is_empty() {
            // AWS gave no summary.
            return Vec::new();
        }
        let mut found = Vec::new();
        for (key, authorization) in &live.deployed {
            let wanted = if !self.existing {
                self.deployed.get(key).map(String::as_str)
            } else if self.public.contains(key) {
                Some(authorization.as_str())
            } else {
                Some(method::AWS_IAM)
            };
            match wanted {
                Some(wanted) if wanted == authorization => {}
                Some(wanted) => found.push(Detail {
                    sign: '~',
                    text: format!(
                        "{key} as deployed: {}",
                        method::authorizer_change(authorization, wanted)
                    ),
                }),
                None => found.push(Detail {
                    sign: '-',
                    text: format!("{key} as deployed ({})", method::authorizer(authorization)),
                }),
            }
        }
        // What the digest vouches for need not be in AWS's summary; what is there must be right.
        let unproven = self
            .deployed
            .iter()
            .filter(|_| live.surface != self.surface);
        for (key, authorization) in unproven {
            if !live.deployed.contains_key(key) {
                found.push(Detail {
                    sign: '+',
                    text: format!("{key} as deployed ({})", method::authorizer(authorization)),
                });
            }
        }
        found
    }

    /// What an API's methods have that the deployment does not hold, route by route.
    ///
    /// AWS's summary shows routes and authorizers. What routes do is compared by the digest that the
    /// deployment tells; one that something else made tells none.
    #[must_use]
    pub fn undeployed(&self, methods: &Methods, policy: &str) -> Vec<Detail> {
        let detail = |sign, text: String| Detail { sign, text };
        let mut found = Vec::new();
        if !self.deployed.is_empty() {
            for (key, method) in methods {
                match self.deployed.get(key) {
                    None => found.push(detail('+', key.to_string())),
                    Some(deployed) if *deployed != method.authorization => {
                        let change = method::authorizer_change(deployed, &method.authorization);
                        found.push(detail('~', format!("{key} {change}")));
                    }
                    Some(_) => {}
                }
            }
            let gone = self.deployed.keys().filter(|it| !methods.contains_key(*it));
            found.extend(gone.map(|it| detail('-', it.to_string())));
        }
        let differs =
            !self.methods.is_empty() && self.methods != RestApi::digest_of_methods(methods);
        if found.is_empty() && differs {
            found.push(detail('~', "what its routes do".to_owned()));
        }
        if !self.policy.is_empty() && self.policy != policy {
            let what = "statements of its resource policy that no stack made";
            found.push(detail('~', what.to_owned()));
        }
        found
    }

    fn needs_deployment(&self, want: &Want, live: &Self) -> bool {
        want.repin
            || live.outdated
            || live.surface != self.surface
            || !self.deployed_details(live).is_empty()
    }

    fn deployment_change(&self, want: &Want, live: &Self) -> Option<Change> {
        self.needs_deployment(want, live).then(|| Change {
            field: "deployment".to_owned(),
            from: match (live.surface.as_str(), live.outdated) {
                ("", _) => None,
                (surface, false) => Some(surface.to_owned()),
                (surface, true) => Some(format!("{surface} (names deleted principals)")),
            },
            to: Some(self.surface.clone()),
            details: self.deployed_details(live),
            cost: Cost::Update,
        })
    }
}

/// What is there, unless it is the stage of an API that this run has replaced.
fn still_there<'a>(have: Option<&'a Have>, api: &str) -> Option<&'a Have> {
    have.filter(|it| api_of(&it.id) == api)
}

impl Kind for Stage {
    fn differences(&self, want: &Want, have: &Have) -> Differences {
        let live = Self::live(have);
        let mut found = Differences::default();
        if !self.existing {
            found = settings::differences(self, live)
                .list(
                    "variables",
                    details_of_maps(&live.variables, &self.variables),
                )
                .list(
                    "tags",
                    tag_details(&self.tags, &live.tags, have.mark.as_ref()),
                );
            if have.mark.as_ref().is_none_or(|it| it.digest.is_none()) {
                found.push(Change {
                    field: "mark".to_owned(),
                    from: None,
                    to: Some("this stack's".to_owned()),
                    details: Vec::new(),
                    cost: Cost::Update,
                });
            }
        }
        if let Some(change) = self.deployment_change(want, live) {
            found.push(change);
        }
        let superseded = live.superseded.iter().map(|it| Detail {
            sign: '-',
            text: it.clone(),
        });
        found.list("superseded deployments", superseded.collect())
    }

    async fn read(&self, want: &Want, cx: &Context<'_>) -> Result<Option<Have>, CallError> {
        let apis = rest_api::read_all(cx.cloud, &want.place).await?;
        let known = cx.ids.borrow().get(&self.api).cloned();
        let api = match known {
            Some(id) => apis.iter().find(|it| it.id == id),
            None => rest_api::marked(&apis, cx.stack, &self.api),
        };
        let Some(api) = api else { return Ok(None) };
        let stages = read_all(cx.cloud, &want.place, cx.stack, api, &self.api, Some(self)).await?;
        Ok(stages
            .into_iter()
            .find(|it| Self::live(it).name == self.name))
    }

    async fn exist(
        &self,
        want: &Want,
        have: Option<&Have>,
        cx: &Context<'_>,
    ) -> Result<String, CallError> {
        let api = cx.id(&self.api)?;
        let place = &want.place;
        let have = still_there(have, &api);
        let live = have.map(Self::live);
        // A stage that is there gets its settings before it serves what they are for. A new one
        // cannot have any before it is made: it is made closed.
        let mut serves = live.and_then(|it| it.serves.clone());
        let closed = match live {
            None => self.is_guarded() && cx.closed.is_some(),
            Some(live) => live.surface == deployment::CLOSED,
        };
        if live.is_none() {
            if closed {
                let of_stage = (self.name.as_str(), want.quotas.api_policy);
                rest_api::closing::close(place, cx, (&self.api, &api), of_stage).await?;
            }
            let surface = if closed {
                deployment::CLOSED
            } else {
                &self.surface
            };
            serves = Some(self.deploy(place, cx, (&api, surface), None).await?);
        }
        if !self.existing {
            let patches = settings::patches(self, live);
            if !patches.is_empty() {
                let call = UpdateStage {
                    id: api.clone(),
                    stage: self.name.clone(),
                    patches,
                };
                cloud::call(cx.cloud, place, call).await?;
            }
        }
        if closed {
            rest_api::closing::open(place, cx, (&self.api, &api)).await?;
        }
        if closed || live.is_some_and(|it| self.needs_deployment(want, it)) {
            let made = (api.as_str(), self.surface.as_str());
            self.deploy(place, cx, made, serves.as_ref()).await?;
        }
        if !self.existing {
            self.tag(want, have, cx, &api).await?;
        }
        // An older API may have deployments of a stage that is gone, and no survey saw them.
        let found = match live {
            None if want.repin => self.read(want, cx).await?,
            _ => None,
        };
        let left = live.or(found.as_ref().map(Self::live));
        for id in left.into_iter().flat_map(|it| &it.superseded) {
            deployment::remove(cx.cloud, place, &api, id).await?;
        }
        Ok(handle(&api, &self.name))
    }

    async fn settle(&self, _: &Want, _: Option<&Have>, _: &Context<'_>) -> Result<(), CallError> {
        Ok(())
    }

    async fn remove(&self, place: &Place, have: &Have, cx: &Context<'_>) -> Result<(), CallError> {
        if self.existing {
            // The stage stays. It serves our statements until it is deployed without them,
            // also when they left the API already and we died before that.
            return rest_api::withdraw(place, api_of(&have.id), cx).await;
        }
        let api = api_of(&have.id).to_owned();
        let call = DeleteStage {
            id: api.clone(),
            stage: self.name.clone(),
        };
        match cloud::call(cx.cloud, place, call).await {
            // Gone, and perhaps the API with it. A deployment that is left is found by the next survey.
            Err(error) if error.fault == Fault::Missing => return Ok(()),
            other => other?,
        }
        match &self.serves {
            Some(serves) if serves.ours_alone => {
                deployment::remove(cx.cloud, place, &api, &serves.id).await
            }
            _ => Ok(()),
        }
    }

    fn to_value(&self) -> Value {
        json!({
            "api": self.api,
            "existing": self.existing,
            "name": self.name,
            "settings": settings::to_value(self),
            "variables": self.variables,
            "surface": self.surface,
            "deployed": self.deployed.iter().map(|(key, it)| (key.to_string(), it)).collect::<BTreeMap<_, _>>(),
            "public": self.public.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "tags": self.tags,
        })
    }
}

impl Stage {
    /// Whether the stage has settings that it must not serve without: a limit, or logs.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        let logs = self.log_level != LogLevel::Off || self.data_trace || self.access_log.is_some();
        !self.existing && (self.rate.is_some() || self.burst.is_some() || logs)
    }

    async fn tag(
        &self,
        want: &Want,
        have: Option<&Have>,
        cx: &Context<'_>,
        api: &str,
    ) -> Result<(), CallError> {
        let place = &want.place;
        let arn = arn(place, api, &self.name);
        let keys = have.map(|it| stale_tags(want, it)).unwrap_or_default();
        if !keys.is_empty() {
            cloud::call(
                cx.cloud,
                place,
                UntagApi {
                    arn: arn.clone(),
                    keys,
                },
            )
            .await?;
        }
        let tags = cx.marked(want);
        let live = have.map(Self::live);
        let there = have.is_some_and(|it| Mark::read(&tags) == it.mark)
            && live.is_some_and(|live| {
                self.tags
                    .iter()
                    .all(|(key, value)| live.tags.get(key) == Some(value))
            });
        if !there {
            cloud::call(cx.cloud, place, TagApi { arn, tags }).await?;
        }
        // The API said that it owed a deployment; it has it now.
        if want.repin || live.is_some_and(|it| it.outdated) {
            let call = UntagApi {
                arn: rest_api::arn(place, api),
                keys: vec![REDEPLOY.to_owned()],
            };
            cloud::call(cx.cloud, place, call).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
