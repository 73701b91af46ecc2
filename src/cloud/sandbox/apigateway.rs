//! REST APIs: making, importing, patching and removing them.
//!
//! A policy is kept as plain JSON with its short resources written out, and
//! given with its quotes and slashes escaped.
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/api/API_Operations.html>.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Turn;
use super::openapi::{self, Definition};
use super::refusal::{Answered, bad_request, not_found, refuse};
use super::state::{Api, LOWER, Part, Resource, World};
use super::tagging::authors;
use crate::cloud::apigateway::{
    CreateRestApi, DeleteRestApi, GetApiResources, GetRestApis, Patch, PatchOp, PutRestApi,
    ResourceRecord, RestApiRecord, TagApi, UntagApi, UpdateMethod, UpdateRestApi,
};
use crate::cloud::{CallError, Fault, Page, Request};
use crate::model::authorization::is_authorization;
use crate::model::definition::{COMPRESSION, bad_compression};
use crate::model::{Partition, Tags};
use crate::policy::{Grammar, Holder};

const DEFINITION_SIZE: usize = 6 * 1024 * 1024;
const TAGS: usize = 50;
const PAGE: usize = 500;

/// The API that a call changes, when it changes one that exists.
pub(super) fn changes(request: &Request) -> Option<String> {
    let id = match request {
        Request::PutRestApi(it) => &it.id,
        Request::UpdateRestApi(it) => &it.id,
        Request::DeleteRestApi(it) => &it.id,
        Request::UpdateMethod(it) => &it.id,
        Request::CreateDeployment(it) => &it.id,
        Request::DeleteDeployment(it) => &it.id,
        Request::UpdateStage(it) => &it.id,
        Request::DeleteStage(it) => &it.id,
        _ => return None,
    };
    Some(id.clone())
}

/// An API with nothing in it but its root.
pub(super) fn fresh_api(about: RestApiRecord, root: Resource) -> Api {
    Api {
        about,
        updating_until: None,
        resources: BTreeMap::from([("/".to_owned(), root)]),
        deployments: BTreeMap::new(),
        stages: BTreeMap::new(),
        parts: BTreeMap::new(),
    }
}

impl World {
    pub(super) fn fresh_resource(&mut self, api: &str, path: &str) -> Resource {
        let (id, _) = self.fresh_id("resource", &format!("{api}{path}"), LOWER, 6);
        Resource {
            id,
            methods: BTreeMap::new(),
        }
    }
}

impl Turn<'_> {
    pub(super) fn rest_apis(&mut self, call: &GetRestApis) -> Answered<Page<RestApiRecord>> {
        let now = self.now;
        let apis = self.regional().apis.values();
        let apis = apis.map(|it| it.shown(now)).collect();
        self.page(apis, call.position.as_deref(), PAGE)
    }

    pub(super) fn create_rest_api(&mut self, call: CreateRestApi) -> Answered<RestApiRecord> {
        if call.name.is_empty() {
            return Err(bad_request("Name cannot be empty"));
        }
        if call.description.as_deref() == Some("") {
            return Err(bad_request("Description cannot be an empty string"));
        }
        check_endpoint(
            &call.endpoint_type,
            &call.vpc_endpoints,
            self.at.partition(),
        )?;
        check_compression(call.minimum_compression)?;
        check_key_source(&call.api_key_source)?;
        check_tags(&call.tags)?;
        // The id is not known before, and a policy names it: a refused one uses none up.
        let checked = call
            .policy
            .as_deref()
            .map(|it| self.checked_api_policy(it, ""));
        checked.transpose()?;
        let name = format!("{}/{}/{}", self.at.id, self.at.region, call.name);
        let (id, _) = self.world.fresh_id("api", &name, LOWER, 10);
        let policy = call
            .policy
            .as_deref()
            .map(|it| self.checked_api_policy(it, &id));
        let about = RestApiRecord {
            id: id.clone(),
            name: call.name,
            description: call.description,
            version: None,
            created: self.seconds(),
            policy: policy.transpose()?,
            tags: call.tags,
            endpoint_type: call.endpoint_type,
            vpc_endpoints: call.vpc_endpoints,
            binary_media_types: call.binary_media_types,
            minimum_compression: call.minimum_compression,
            api_key_source: call.api_key_source,
            disable_execute_api: call.disable_execute_api,
            status: Some("AVAILABLE".to_owned()),
            warnings: Vec::new(),
        };
        let answer = shown(&about);
        let root = self.world.fresh_resource(&id, "/");
        self.regional().apis.insert(id, fresh_api(about, root));
        Ok(answer)
    }

    /// Imports a document: all of it, or nothing when it is refused.
    pub(super) fn put_rest_api(&mut self, call: &PutRestApi) -> Answered<RestApiRecord> {
        if call.body.len() > DEFINITION_SIZE {
            return refuse(
                Fault::Invalid,
                "RequestEntityTooLargeException",
                "Request body too large",
            );
        }
        let mut api = self.api(&call.id)?.clone();
        let definition =
            openapi::parse(&call.body, &api.about.endpoint_type).map_err(bad_request)?;
        let warnings = definition.warnings.clone();
        if call.fail_on_warnings && !warnings.is_empty() {
            let all = warnings.join("\n\t");
            return Err(bad_request(format!(
                "Warnings found during import:\n\t{all}"
            )));
        }
        self.import_root(&mut api, &definition, call.overwrite)?;
        self.import_operations(&mut api, definition, call.overwrite)?;
        let answer = RestApiRecord {
            warnings,
            ..shown(&api.about)
        };
        *self.api(&call.id)? = api;
        Ok(answer)
    }

    fn import_root(&self, api: &mut Api, definition: &Definition, overwrite: bool) -> Answered<()> {
        let about = &mut api.about;
        about.name.clone_from(&definition.name);
        about.version.clone_from(&definition.version);
        if overwrite {
            api.parts.clear();
            about.description = None;
            about.policy = None;
            about.vpc_endpoints = Vec::new();
            about.binary_media_types = Vec::new();
            about.minimum_compression = None;
            "HEADER".clone_into(&mut about.api_key_source);
        }
        for (part, names) in &definition.parts {
            api.parts
                .entry(*part)
                .or_default()
                .extend(names.iter().cloned());
        }
        if let Some(description) = &definition.description {
            about.description = Some(description.clone());
        }
        if let Some(policy) = &definition.policy {
            let text = match policy {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            about.policy = Some(self.checked_api_policy(&text, &about.id)?);
        }
        if let Some(vpc_endpoints) = &definition.vpc_endpoints {
            check_endpoint(&about.endpoint_type, vpc_endpoints, self.at.partition())?;
            about.vpc_endpoints.clone_from(vpc_endpoints);
        }
        if let Some(types) = &definition.binary_media_types {
            about.binary_media_types.clone_from(types);
        }
        if let Some(size) = definition.minimum_compression {
            about.minimum_compression = Some(size);
        }
        if let Some(source) = &definition.api_key_source {
            check_key_source(source)?;
            about.api_key_source.clone_from(source);
        }
        if let Some(disable) = definition.disable_execute_api {
            about.disable_execute_api = disable;
        }
        Ok(())
    }

    /// Puts operations into the tree of resources; a path that stays keeps its resource's id.
    fn import_operations(
        &mut self,
        api: &mut Api,
        definition: Definition,
        overwrite: bool,
    ) -> Answered<()> {
        let mut used = BTreeSet::from(["/".to_owned()]);
        for operation in &definition.operations {
            let mut path = String::new();
            for part in operation.path.split('/').filter(|it| !it.is_empty()) {
                path = format!("{path}/{part}");
                used.insert(path.clone());
            }
        }
        if overwrite {
            api.resources.retain(|path, _| used.contains(path));
            for resource in api.resources.values_mut() {
                resource.methods.clear();
            }
        }
        for path in used {
            if !api.resources.contains_key(&path) {
                check_sibling(api, &path)?;
                let resource = self.world.fresh_resource(&api.about.id, &path);
                api.resources.insert(path, resource);
            }
        }
        if api.resources.len() > self.habits.api_resources {
            return refuse(
                Fault::Quota,
                "LimitExceededException",
                "Maximum number of Resources for this API has been reached. Please contact AWS \
                 if you need additional Resources.",
            );
        }
        for operation in definition.operations {
            if let Some(resource) = api.resources.get_mut(&operation.path) {
                resource
                    .methods
                    .insert(operation.verb.to_owned(), operation.method);
            }
        }
        Ok(())
    }

    pub(super) fn update_rest_api(&mut self, call: &UpdateRestApi) -> Answered<RestApiRecord> {
        let mut about = self.api(&call.id)?.about.clone();
        for patch in &call.patches {
            self.patch_api(&mut about, patch)?;
        }
        let (now, takes) = (self.now, self.habits.migration.as_millis());
        let api = self.api(&call.id)?;
        if api.about.endpoint_type != about.endpoint_type && takes > 0 {
            if api.is_updating(now) {
                return refuse(
                    Fault::Conflict,
                    "ConflictException",
                    "The API is being updated; its endpoint type can be changed again afterwards",
                );
            }
            api.updating_until = Some(now + i64::try_from(takes).unwrap_or(i64::MAX));
        }
        api.about = about;
        Ok(api.shown(now))
    }

    fn patch_api(&self, about: &mut RestApiRecord, patch: &Patch) -> Answered<()> {
        let segments = segments(&patch.path);
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let value = patch.value.clone().filter(|_| patch.op != PatchOp::Remove);
        let sets = patch.op == PatchOp::Replace;
        match segments.as_slice() {
            ["policy"] if patch.op != PatchOp::Add => {
                about.policy = match value.filter(|it| !it.is_empty()) {
                    Some(text) => Some(self.checked_api_policy(&text, &about.id)?),
                    None => None,
                };
            }
            ["name"] if sets => {
                about.name = not_empty("Name", value)?;
            }
            ["description"] if sets => about.description = Some(not_empty("Description", value)?),
            ["description"] if patch.op == PatchOp::Remove => about.description = None,
            ["apiKeySource"] if sets => {
                let source = value.unwrap_or_default();
                check_key_source(&source)?;
                about.api_key_source = source;
            }
            ["minimumCompressionSize"] => {
                let size = value.filter(|it| !it.is_empty()).map(|it| it.parse());
                let size = size.transpose().map_err(|_| bad_patch(patch))?;
                check_compression(size)?;
                about.minimum_compression = size;
            }
            ["disableExecuteApiEndpoint"] if sets => {
                about.disable_execute_api = value.is_some_and(|it| it.eq_ignore_ascii_case("true"));
            }
            ["binaryMediaTypes", kind] => {
                let at = about.binary_media_types.iter().position(|it| it == kind);
                match (patch.op, at) {
                    (PatchOp::Add, None) => about.binary_media_types.push((*kind).to_owned()),
                    (PatchOp::Add, Some(_)) => {}
                    (PatchOp::Remove, Some(at)) => {
                        about.binary_media_types.remove(at);
                    }
                    (PatchOp::Replace, Some(at)) => {
                        about.binary_media_types[at] = value.unwrap_or_default();
                    }
                    (_, None) => return Err(bad_patch(patch)),
                }
            }
            ["endpointConfiguration", "types", ..] if sets => {
                migrate(about, &value.unwrap_or_default(), self.at.partition())?;
            }
            ["endpointConfiguration", "vpcEndpointIds", rest @ ..] => {
                let id = rest
                    .first()
                    .map(|it| (*it).to_owned())
                    .or(patch.value.clone());
                let id = id.ok_or_else(|| bad_patch(patch))?;
                about.vpc_endpoints.retain(|it| *it != id);
                if patch.op != PatchOp::Remove {
                    about.vpc_endpoints.push(id);
                }
                check_endpoint(
                    &about.endpoint_type,
                    &about.vpc_endpoints,
                    self.at.partition(),
                )?;
            }
            _ => return Err(bad_patch(patch)),
        }
        Ok(())
    }

    pub(super) fn delete_rest_api(&mut self, call: &DeleteRestApi) -> Answered<()> {
        self.api(&call.id)?;
        self.regional().apis.remove(&call.id);
        Ok(())
    }

    pub(super) fn api_resources(
        &mut self,
        call: &GetApiResources,
    ) -> Answered<Page<ResourceRecord>> {
        let resources = self.api(&call.id)?.resources.iter();
        let records = resources
            .map(|(path, it)| ResourceRecord {
                id: it.id.clone(),
                path: path.clone(),
                methods: it.methods.clone(),
            })
            .collect();
        self.page(records, call.position.as_deref(), PAGE)
    }

    /// The names of what stands in an API beside its resources, of one kind.
    pub(super) fn parts(
        &mut self,
        id: &str,
        part: Part,
        position: Option<&str>,
    ) -> Answered<Page<String>> {
        let names = self.api(id)?.parts.get(&part).cloned().unwrap_or_default();
        self.page(names.into_iter().collect(), position, PAGE)
    }

    pub(super) fn update_method(&mut self, call: &UpdateMethod) -> Answered<()> {
        let api = self.api(&call.id)?;
        let Some(resource) = api.resources.values_mut().find(|it| it.id == call.resource) else {
            return Err(not_found("Invalid Resource identifier specified"));
        };
        let Some(method) = resource.methods.get_mut(&call.verb) else {
            return Err(not_found("Invalid Method identifier specified"));
        };
        let mut changed = method.clone();
        for patch in &call.patches {
            let value = patch.value.clone().unwrap_or_default();
            match (patch.op, patch.path.as_str()) {
                (PatchOp::Replace, "/authorizationType") => {
                    if !is_authorization(&value) {
                        return Err(bad_request("Invalid authorization type specified"));
                    }
                    changed.authorization = value;
                }
                (PatchOp::Replace, "/apiKeyRequired") => {
                    changed.api_key_required = value.eq_ignore_ascii_case("true");
                }
                _ => return Err(bad_patch(patch)),
            }
        }
        *method = changed;
        Ok(())
    }

    pub(super) fn tag_api(&mut self, call: TagApi) -> Answered<()> {
        let tags = self.tags_of(&call.arn)?;
        let mut changed = authors(tags);
        changed.extend(call.tags);
        check_tags(&changed)?;
        tags.extend(changed);
        Ok(())
    }

    pub(super) fn untag_api(&mut self, call: &UntagApi) -> Answered<()> {
        let tags = self.tags_of(&call.arn)?;
        tags.retain(|key, _| !call.keys.contains(key));
        Ok(())
    }

    /// The tags of `arn:P:apigateway:REGION::/restapis/ID` or `…/stages/NAME`.
    fn tags_of(&mut self, arn: &str) -> Answered<&mut Tags> {
        let prefix = format!(
            "arn:{}:apigateway:{}::/restapis/",
            self.at.partition(),
            self.at.region
        );
        let Some(rest) = arn.strip_prefix(&prefix) else {
            return Err(bad_request("Invalid ARN specified in the request"));
        };
        match rest.split('/').collect::<Vec<_>>().as_slice() {
            [id] => Ok(&mut self.api(id)?.about.tags),
            [id, "stages", name] => match self.api(id)?.stages.get_mut(*name) {
                Some(stage) => Ok(&mut stage.tags),
                None => Err(not_found("Invalid stage identifier specified")),
            },
            _ => Err(bad_request("Invalid ARN specified in the request")),
        }
    }

    pub(super) fn api(&mut self, id: &str) -> Answered<&mut Api> {
        let account = &self.at.id;
        let message = format!("Invalid API identifier specified {account}:{id}");
        let api = self.regional().apis.get_mut(id);
        api.ok_or_else(|| not_found(message))
    }

    /// The policy to store: account ids as root ARNs, and short resources written out.
    ///
    /// API Gateway answers the same whatever is wrong with one, an unknown principal included.
    fn checked_api_policy(&self, text: &str, api: &str) -> Answered<String> {
        let refused = || {
            CallError::new(
                Fault::Unsettled,
                "BadRequestException",
                "Invalid policy document. Please check the policy syntax and ensure that \
                 Principals are valid.",
            )
        };
        let mut document = Grammar::Resource(Holder::Api)
            .read(self.at.partition(), text)
            .map_err(|_| refused())?;
        if document.to_string().len() > self.habits.api_policy {
            return Err(refused());
        }
        let prefix = format!(
            "arn:{}:execute-api:{}:{}:{api}/",
            self.at.partition(),
            self.at.region,
            self.at.id
        );
        write_out(&mut document, &prefix);
        self.sight().settle(&mut document).map_err(|_| refused())?;
        Ok(document.to_string())
    }
}

/// Replaces `execute-api:/` at the beginning of every resource.
fn write_out(document: &mut Value, prefix: &str) {
    let full = |text: &mut String| {
        if let Some(rest) = text.strip_prefix("execute-api:/") {
            *text = format!("{prefix}{rest}");
        }
    };
    let statements = match document.get_mut("Statement") {
        Some(Value::Array(items)) => items.as_mut_slice(),
        Some(other) => std::slice::from_mut(other),
        None => &mut [],
    };
    for statement in statements {
        for name in ["Resource", "NotResource"] {
            match statement.get_mut(name) {
                Some(Value::String(text)) => full(text),
                Some(Value::Array(items)) => {
                    for item in items {
                        if let Value::String(text) = item {
                            full(text);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

impl Api {
    fn is_updating(&self, now: i64) -> bool {
        self.updating_until.is_some_and(|until| now < until)
    }

    /// The API as it is answered.
    fn shown(&self, now: i64) -> RestApiRecord {
        RestApiRecord {
            status: Some(
                if self.is_updating(now) {
                    "UPDATING"
                } else {
                    "AVAILABLE"
                }
                .to_owned(),
            ),
            ..shown(&self.about)
        }
    }
}

fn shown(about: &RestApiRecord) -> RestApiRecord {
    let escaped = |text: &String| {
        text.replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('/', "\\/")
    };
    RestApiRecord {
        policy: about.policy.as_ref().map(escaped),
        ..about.clone()
    }
}

/// A patch path's segments, unescaped.
pub(super) fn segments(path: &str) -> Vec<String> {
    path.split('/')
        .skip(1)
        .map(|it| it.replace("~1", "/").replace("~0", "~"))
        .collect()
}

pub(super) fn bad_patch(patch: &Patch) -> CallError {
    let op = match patch.op {
        PatchOp::Add => "add",
        PatchOp::Replace => "replace",
        PatchOp::Remove => "remove",
    };
    bad_request(format!(
        "Invalid patch path  '{}' specified for op '{op}'.",
        patch.path
    ))
}

pub(super) fn not_empty(what: &str, value: Option<String>) -> Answered<String> {
    value
        .filter(|it| !it.is_empty())
        .ok_or_else(|| bad_request(format!("{what} cannot be an empty string")))
}

/// Which endpoint may become which: a private API never an edge one.
fn migrate(about: &mut RestApiRecord, to: &str, partition: Partition) -> Answered<()> {
    check_endpoint(to, &[], partition)?;
    if about.endpoint_type == "PRIVATE" && to == "EDGE" {
        return Err(bad_request(
            "Cannot change endpoint type from PRIVATE to EDGE",
        ));
    }
    if to != "PRIVATE" {
        about.vpc_endpoints = Vec::new();
    }
    to.clone_into(&mut about.endpoint_type);
    Ok(())
}

fn check_endpoint(kind: &str, vpc_endpoints: &[String], partition: Partition) -> Answered<()> {
    if kind == "EDGE" && !partition.has_edge_apis() {
        return Err(bad_request(
            "Endpoint Configuration type EDGE is not supported in this region",
        ));
    }
    if !matches!(kind, "REGIONAL" | "EDGE" | "PRIVATE") {
        return refuse(
            Fault::Invalid,
            "ValidationException",
            format!("Invalid endpoint type {kind}"),
        );
    }
    if kind != "PRIVATE" && !vpc_endpoints.is_empty() {
        return Err(bad_request(
            "VPC endpoints can only be specified for PRIVATE endpoint types",
        ));
    }
    if !vpc_endpoints.iter().all(|it| it.starts_with("vpce-")) {
        return Err(bad_request("Invalid VPC endpoint id specified"));
    }
    Ok(())
}

fn check_compression(size: Option<u32>) -> Answered<()> {
    if size.is_some_and(|it| it > COMPRESSION) {
        return Err(bad_request(bad_compression()));
    }
    Ok(())
}

fn check_key_source(source: &str) -> Answered<()> {
    if matches!(source, "HEADER" | "AUTHORIZER") {
        return Ok(());
    }
    refuse(
        Fault::Invalid,
        "ValidationException",
        format!("Invalid API key source {source}"),
    )
}

fn check_tags(tags: &Tags) -> Answered<()> {
    if tags.len() > TAGS {
        return refuse(
            Fault::Quota,
            "LimitExceededException",
            "The number of tags exceeds the limit of 50",
        );
    }
    super::tagging::check(tags).map_err(bad_request)
}

/// A path has one variable part at most below the same parent.
fn check_sibling(api: &Api, path: &str) -> Answered<()> {
    let Some((parent, part)) = path.rsplit_once('/') else {
        return Ok(());
    };
    let other = api
        .resources
        .keys()
        .filter_map(|it| it.rsplit_once('/'))
        .find(|(its_parent, it)| {
            *its_parent == parent && it.starts_with('{') && part.starts_with('{')
        });
    match other {
        None => Ok(()),
        Some((_, other)) => Err(bad_request(format!(
            "Errors found during import:\n\tUnable to create resource at path '{path}': A sibling \
             ({other}) of this resource already has a variable path part -- only one is allowed"
        ))),
    }
}
