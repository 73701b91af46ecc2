//! Deployments and stages.
//!
//! A deployment is a snapshot of an API's methods and policy; a stage serves one,
//! so a change of an API is inert until it is deployed again.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-deploy-api.html>.

use std::collections::BTreeMap;

use super::Turn;
use super::apigateway::{bad_patch, segments};
use super::refusal::{Answered, bad_request, not_found, refuse};
use super::state::{Deployment, LOWER};
use crate::cloud::apigateway::{
    AccessLog, CACHE_DEFAULTS, Canary, CreateDeployment, DeleteDeployment, DeleteStage,
    DeploymentRecord, GetDeployment, GetDeployments, GetStages, MethodSettings, Patch, PatchOp,
    StageRecord, UpdateStage,
};
use crate::cloud::{CallError, Fault, Page};

const STAGES: usize = 10;
const PAGE: usize = 500;

/// The account's limits, which fill what a setting leaves out.
const RATE: f64 = 10_000.0;
const BURST: u32 = 5000;

impl Turn<'_> {
    pub(super) fn create_deployment(
        &mut self,
        call: CreateDeployment,
    ) -> Answered<DeploymentRecord> {
        let created = self.seconds();
        let api = self.api(&call.id)?;
        let methods: BTreeMap<_, _> = api
            .resources
            .iter()
            .filter(|(_, it)| !it.methods.is_empty())
            .map(|(path, it)| (path.clone(), it.methods.clone()))
            .collect();
        if methods.is_empty() {
            return Err(bad_request("The REST API doesn't contain any methods"));
        }
        if methods
            .values()
            .any(|it| it.values().any(|it| it.integration.is_none()))
        {
            return Err(bad_request("No integration defined for method"));
        }
        if api.about.endpoint_type == "PRIVATE" && api.about.policy.is_none() {
            return Err(bad_request(
                "Private REST API doesn't have a resource policy attached to it",
            ));
        }
        let policy = api.about.policy.clone();
        let is_new = !api.stages.contains_key(&call.stage);
        let stages = api.stages.len();
        if is_new {
            check_stage(&call.stage, &call.variables)?;
            if stages >= STAGES {
                return refuse(
                    Fault::Quota,
                    "LimitExceededException",
                    "Maximum number of Stages for this API has been reached. Please contact AWS \
                     if you need additional Stages.",
                );
            }
        }
        let canary = api.stages.get(&call.stage).map(|it| it.canary.is_some());
        if canary == Some(true) {
            return Err(bad_request(format!(
                "Invalid deployment content specified.Non canary deployment not supported on stage {} because Canary is \
                 enabled. Provide CanarySettings in deploymentInput.",
                call.stage
            )));
        }
        let (id, number) = self.world.fresh_id("deployment", &call.id, LOWER, 6);
        let deployment = Deployment {
            number,
            description: Some(call.description).filter(|it| !it.is_empty()),
            created,
            policy,
            methods,
        };
        // Whether AWS gives a summary here is not known, so nobody may count on one.
        let record = DeploymentRecord {
            summary: BTreeMap::new(),
            ..summarised(&id, &deployment)
        };
        let api = self.api(&call.id)?;
        api.deployments.insert(id.clone(), deployment);
        let stage = api
            .stages
            .entry(call.stage)
            .or_insert_with_key(|name| StageRecord {
                name: name.clone(),
                variables: call.variables,
                ..StageRecord::default()
            });
        stage.deployment = id;
        Ok(record)
    }

    pub(super) fn deployment(&mut self, call: &GetDeployment) -> Answered<DeploymentRecord> {
        match self.api(&call.id)?.deployments.get(&call.deployment) {
            Some(deployment) => Ok(summarised(&call.deployment, deployment)),
            None => Err(not_found("Invalid Deployment identifier specified")),
        }
    }

    pub(super) fn deployments(
        &mut self,
        call: &GetDeployments,
    ) -> Answered<Page<DeploymentRecord>> {
        let all = self.api(&call.id)?.deployments.iter();
        let records = all
            .map(|(id, it)| DeploymentRecord {
                summary: BTreeMap::new(),
                ..summarised(id, it)
            })
            .collect();
        self.page(records, call.position.as_deref(), PAGE)
    }

    pub(super) fn delete_deployment(&mut self, call: &DeleteDeployment) -> Answered<()> {
        let api = self.api(&call.id)?;
        if !api.deployments.contains_key(&call.deployment) {
            return Err(not_found("Invalid Deployment identifier specified"));
        }
        if api
            .stages
            .values()
            .any(|it| it.deployment == call.deployment)
        {
            return refuse(
                Fault::Conflict,
                "BadRequestException",
                "Active stages pointing to this deployment must be moved or deleted",
            );
        }
        let canary = |it: &StageRecord| it.canary.as_ref().map(|it| it.deployment.clone());
        if api
            .stages
            .values()
            .any(|it| canary(it).as_ref() == Some(&call.deployment))
        {
            return refuse(
                Fault::Conflict,
                "BadRequestException",
                "Active stages with canary settings pointing to this deployment must be moved or deleted",
            );
        }
        api.deployments.remove(&call.deployment);
        Ok(())
    }

    pub(super) fn stages(&mut self, call: &GetStages) -> Answered<Vec<StageRecord>> {
        Ok(self.api(&call.id)?.stages.values().cloned().collect())
    }

    pub(super) fn update_stage(&mut self, call: &UpdateStage) -> Answered<()> {
        let api = self.api(&call.id)?;
        let Some(stage) = api.stages.get(&call.stage) else {
            return Err(not_found("Invalid stage identifier specified"));
        };
        let mut changed = stage.clone();
        for patch in &call.patches {
            let segments = segments(&patch.path);
            let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
            if segments.as_slice() == ["deploymentId"] {
                let id = patch.value.clone().unwrap_or_default();
                if !api.deployments.contains_key(&id) {
                    // A bad request on the wire; what it means is that the deployment is gone.
                    return Err(CallError {
                        fault: Fault::Missing,
                        ..bad_request("Deployment id does not exist")
                    });
                }
                changed.deployment = id;
            } else {
                patch_stage(&mut changed, patch, &segments)?;
            }
        }
        if changed
            .access_log
            .as_ref()
            .is_some_and(|it| it.destination.is_empty() || it.format.is_empty())
        {
            return Err(bad_request(
                "Access log settings need both a destination ARN and a format",
            ));
        }
        api.stages.insert(call.stage.clone(), changed);
        Ok(())
    }

    pub(super) fn delete_stage(&mut self, call: &DeleteStage) -> Answered<()> {
        match self.api(&call.id)?.stages.remove(&call.stage) {
            Some(_) => Ok(()),
            None => Err(not_found("Invalid stage identifier specified")),
        }
    }
}

fn summarised(id: &str, deployment: &Deployment) -> DeploymentRecord {
    let verbs = |it: &BTreeMap<String, crate::cloud::apigateway::MethodRecord>| {
        it.iter()
            .map(|(verb, method)| (verb.clone(), method.authorization.clone()))
            .collect()
    };
    DeploymentRecord {
        id: id.to_owned(),
        description: deployment.description.clone(),
        created: deployment.created,
        summary: deployment
            .methods
            .iter()
            .map(|(path, it)| (path.clone(), verbs(it)))
            .collect(),
    }
}

fn check_stage(name: &str, variables: &BTreeMap<String, String>) -> Answered<()> {
    let allowed = |it: u8| it.is_ascii_alphanumeric() || b"_-".contains(&it);
    if name.is_empty() || name.len() > 128 || !name.bytes().all(allowed) {
        return Err(bad_request(
            "Stage name only allows a-zA-Z0-9_- and must be 1 to 128 characters long",
        ));
    }
    variables
        .iter()
        .try_for_each(|(name, value)| check_variable(name, value))
}

fn check_variable(name: &str, value: &str) -> Answered<()> {
    let allowed_name = |it: u8| it.is_ascii_alphanumeric() || it == b'_';
    let allowed = |it: u8| it.is_ascii_alphanumeric() || b"-._~:/?#&=,".contains(&it);
    if name.is_empty()
        || !name.bytes().all(allowed_name)
        || value.len() > 512
        || !value.bytes().all(allowed)
    {
        return Err(bad_request(format!(
            "Stage variable name {name} or its value has characters that are not allowed"
        )));
    }
    Ok(())
}

fn patch_stage(stage: &mut StageRecord, patch: &Patch, segments: &[&str]) -> Answered<()> {
    let sets = patch.op == PatchOp::Replace;
    let removes = patch.op == PatchOp::Remove;
    let value = patch.value.clone().unwrap_or_default();
    match segments {
        // Only an empty text clears it: `remove` is for blocks and for entries of maps.
        ["description"] if sets => stage.description = Some(value).filter(|it| !it.is_empty()),
        ["variables", name] if sets => {
            check_variable(name, &value)?;
            stage.variables.insert((*name).to_owned(), value);
        }
        ["variables", name] if removes => {
            stage.variables.remove(*name);
        }
        ["tracingEnabled"] if sets => stage.tracing = value.eq_ignore_ascii_case("true"),
        ["accessLogSettings"] if removes => stage.access_log = None,
        ["canarySettings"] if removes => stage.canary = None,
        // A canary begins with the deployment that the stage serves.
        ["canarySettings", "percentTraffic"] if sets => {
            let percent = value.parse::<f64>().ok();
            let percent = percent.filter(|it| (0.0..=100.0).contains(it));
            let canary = stage.canary.get_or_insert_with(|| Canary {
                deployment: stage.deployment.clone(),
                percent: 0.0,
            });
            canary.percent = percent.ok_or_else(|| bad_patch(patch))?;
        }
        ["accessLogSettings", "destinationArn"] if sets => {
            if !value.starts_with("arn:") {
                return Err(bad_request("Invalid ARN specified in the request"));
            }
            stage
                .access_log
                .get_or_insert_with(AccessLog::default)
                .destination = value;
        }
        ["accessLogSettings", "format"] if sets => {
            stage
                .access_log
                .get_or_insert_with(AccessLog::default)
                .format = value;
        }
        [_, _] if removes && stage.methods.remove(&settings_key(patch)).is_some() => {}
        [_, ..] if removes => {
            return Err(bad_request(format!(
                "Cannot remove method setting {} because there is no method setting for this method ",
                patch.path.trim_start_matches('/')
            )));
        }
        [_, _, group, name] if sets => {
            let settings = stage
                .methods
                .entry(settings_key(patch))
                .or_insert(MethodSettings {
                    logging: None,
                    data_trace: false,
                    metrics: false,
                    rate: Some(RATE),
                    burst: Some(BURST),
                    cache: BTreeMap::new(),
                });
            patch_settings(settings, patch, [group, name], value)?;
        }
        _ => return Err(bad_patch(patch)),
    }
    Ok(())
}

/// The first two segments as they were sent: a path in them stays escaped, `~1orders/GET`.
fn settings_key(patch: &Patch) -> String {
    let sent: Vec<&str> = patch.path.split('/').skip(1).take(2).collect();
    sent.join("/")
}

fn patch_settings(
    settings: &mut MethodSettings,
    patch: &Patch,
    setting: [&str; 2],
    value: String,
) -> Answered<()> {
    let truth = || match value.as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(bad_patch(patch)),
    };
    match setting {
        ["logging", "loglevel"] => {
            if !matches!(value.as_str(), "OFF" | "ERROR" | "INFO") {
                return Err(bad_patch(patch));
            }
            settings.logging = Some(value);
        }
        ["logging", "dataTrace"] => settings.data_trace = truth()?,
        ["metrics", "enabled"] => settings.metrics = truth()?,
        ["throttling", "rateLimit"] => {
            let rate = value
                .parse::<f64>()
                .ok()
                .filter(|it| it.is_finite() && *it >= 0.0);
            settings.rate = Some(rate.ok_or_else(|| bad_patch(patch))?);
        }
        ["throttling", "burstLimit"] => {
            settings.burst = Some(value.parse().map_err(|_| bad_patch(patch))?);
        }
        ["caching", name] => {
            let setting = format!("caching/{name}");
            if !CACHE_DEFAULTS.iter().any(|it| it.0 == setting) {
                return Err(bad_patch(patch));
            }
            settings.keep_of_cache(&setting, value);
        }
        _ => return Err(bad_patch(patch)),
    }
    Ok(())
}
