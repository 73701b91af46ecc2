//! API Gateway, REST APIs (v1).
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/api/API_Operations.html>.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_apigateway::Client;
use aws_sdk_apigateway::primitives::{Blob, DateTime};
use aws_sdk_apigateway::types::{
    ApiKeySourceType, Deployment, EndpointConfiguration, EndpointType, Integration, Method,
    MethodSetting, MethodSnapshot, Op, PatchOperation, PutMode, Resource, RestApi, Stage,
};

use serde_json::{Value, json};

use super::fault::Sent;
use crate::cloud::apigateway::{
    AccessLog, CACHE_DEFAULTS, Canary, CreateDeployment, CreateRestApi, DeleteDeployment,
    DeleteRestApi, DeleteStage, DeploymentRecord, GetApiResources, GetAuthorizers, GetDeployment,
    GetDeployments, GetDocumentationParts, GetGatewayResponses, GetModels, GetRequestValidators,
    GetRestApis, GetStages, IntegrationRecord, IntegrationResponseRecord, MethodRecord,
    MethodSettings, Patch, PatchOp, PutRestApi, ResourceRecord, RestApiRecord, StageRecord, TagApi,
    UntagApi, UpdateMethod, UpdateRestApi, UpdateStage,
};
use crate::cloud::{CallError, Page, Service};

/// The most a page may hold; left out, it is 25.
const PAGE: i32 = 500;

const API_GATEWAY: Service = Service::ApiGateway;

/// A REST API out of any of the four types that the SDK has for one.
macro_rules! record {
    ($api:ident) => {{
        let endpoint = $api.endpoint_configuration;
        RestApiRecord {
            id: $api.id.unwrap_or_default(),
            name: $api.name.unwrap_or_default(),
            description: $api.description,
            version: $api.version,
            created: since_1970($api.created_date),
            policy: $api.policy.filter(|it| !it.is_empty()),
            tags: sorted($api.tags),
            endpoint_type: endpoint
                .as_ref()
                .and_then(|it| it.types().first())
                // API Gateway's own default.
                .map_or("EDGE", EndpointType::as_str)
                .to_owned(),
            vpc_endpoints: endpoint
                .and_then(|it| it.vpc_endpoint_ids)
                .unwrap_or_default(),
            binary_media_types: $api.binary_media_types.unwrap_or_default(),
            minimum_compression: $api
                .minimum_compression_size
                .and_then(|it| u32::try_from(it).ok()),
            api_key_source: $api
                .api_key_source
                .map_or("HEADER", |it| match it {
                    ApiKeySourceType::Authorizer => "AUTHORIZER",
                    _ => "HEADER",
                })
                .to_owned(),
            disable_execute_api: $api.disable_execute_api_endpoint,
            status: $api.api_status.map(|it| it.as_str().to_owned()),
            warnings: Vec::new(),
        }
    }};
}

/// A deployment out of any of the three types that the SDK has for one.
macro_rules! deployment {
    ($deployment:ident) => {
        DeploymentRecord {
            id: $deployment.id.unwrap_or_default(),
            description: $deployment.description,
            created: since_1970($deployment.created_date),
            summary: summary($deployment.api_summary),
        }
    };
}

pub(super) async fn get_rest_apis(
    client: &Client,
    call: GetRestApis,
) -> Result<Page<RestApiRecord>, CallError> {
    let page = client
        .get_rest_apis()
        .limit(PAGE)
        .set_position(call.position)
        .send()
        .await
        .sent(API_GATEWAY)?;
    Ok(Page {
        items: all(page.items, |it: RestApi| record!(it)),
        next: page.position,
    })
}

pub(super) async fn create_rest_api(
    client: &Client,
    call: CreateRestApi,
) -> Result<RestApiRecord, CallError> {
    let endpoint = EndpointConfiguration::builder()
        .types(EndpointType::from(call.endpoint_type.as_str()))
        .set_vpc_endpoint_ids(some(call.vpc_endpoints))
        .build();
    let it = client
        .create_rest_api()
        .name(call.name)
        .set_description(call.description)
        .set_policy(call.policy)
        .endpoint_configuration(endpoint)
        .set_binary_media_types(some(call.binary_media_types))
        .set_minimum_compression_size(call.minimum_compression.map(signed))
        .api_key_source(ApiKeySourceType::from(call.api_key_source.as_str()))
        .disable_execute_api_endpoint(call.disable_execute_api)
        .set_tags((!call.tags.is_empty()).then(|| call.tags.into_iter().collect()))
        .send()
        .await
        .sent(API_GATEWAY)?;
    Ok(record!(it))
}

pub(super) async fn put_rest_api(
    client: &Client,
    call: PutRestApi,
) -> Result<RestApiRecord, CallError> {
    let it = client
        .put_rest_api()
        .rest_api_id(call.id)
        .mode(if call.overwrite {
            PutMode::Overwrite
        } else {
            PutMode::Merge
        })
        .fail_on_warnings(call.fail_on_warnings)
        .body(Blob::new(call.body))
        .send()
        .await
        .sent(API_GATEWAY)?;
    let warnings = it.warnings.clone().unwrap_or_default();
    Ok(RestApiRecord {
        warnings,
        ..record!(it)
    })
}

pub(super) async fn update_rest_api(
    client: &Client,
    call: UpdateRestApi,
) -> Result<RestApiRecord, CallError> {
    let it = client
        .update_rest_api()
        .rest_api_id(call.id)
        .set_patch_operations(Some(patches(call.patches)))
        .send()
        .await
        .sent(API_GATEWAY)?;
    Ok(record!(it))
}

pub(super) async fn delete_rest_api(client: &Client, call: DeleteRestApi) -> Result<(), CallError> {
    client
        .delete_rest_api()
        .rest_api_id(call.id)
        .send()
        .await
        .sent(API_GATEWAY)
        .map(drop)
}

pub(super) async fn get_resources(
    client: &Client,
    call: GetApiResources,
) -> Result<Page<ResourceRecord>, CallError> {
    let page = client
        .get_resources()
        .rest_api_id(call.id)
        .limit(PAGE)
        .embed("methods")
        .set_position(call.position)
        .send()
        .await
        .sent(API_GATEWAY)?;
    Ok(Page {
        items: all(page.items, resource),
        next: page.position,
    })
}

pub(super) async fn update_method(client: &Client, call: UpdateMethod) -> Result<(), CallError> {
    client
        .update_method()
        .rest_api_id(call.id)
        .resource_id(call.resource)
        .http_method(call.verb)
        .set_patch_operations(Some(patches(call.patches)))
        .send()
        .await
        .sent(API_GATEWAY)
        .map(drop)
}

pub(super) async fn create_deployment(
    client: &Client,
    call: CreateDeployment,
) -> Result<DeploymentRecord, CallError> {
    let it = client
        .create_deployment()
        .rest_api_id(call.id)
        .stage_name(call.stage)
        .description(call.description)
        // An empty map would be sent, and take an existing stage's variables away.
        .set_variables((!call.variables.is_empty()).then(|| call.variables.into_iter().collect()))
        .send()
        .await
        .sent(API_GATEWAY)?;
    Ok(deployment!(it))
}

pub(super) async fn get_deployment(
    client: &Client,
    call: GetDeployment,
) -> Result<DeploymentRecord, CallError> {
    let it = client
        .get_deployment()
        .rest_api_id(call.id)
        .deployment_id(call.deployment)
        .embed("apisummary")
        .send()
        .await
        .sent(API_GATEWAY)?;
    Ok(deployment!(it))
}

pub(super) async fn get_deployments(
    client: &Client,
    call: GetDeployments,
) -> Result<Page<DeploymentRecord>, CallError> {
    let page = client
        .get_deployments()
        .rest_api_id(call.id)
        .limit(PAGE)
        .set_position(call.position)
        .send()
        .await
        .sent(API_GATEWAY)?;
    Ok(Page {
        items: all(page.items, |it: Deployment| deployment!(it)),
        next: page.position,
    })
}

pub(super) async fn delete_deployment(
    client: &Client,
    call: DeleteDeployment,
) -> Result<(), CallError> {
    client
        .delete_deployment()
        .rest_api_id(call.id)
        .deployment_id(call.deployment)
        .send()
        .await
        .sent(API_GATEWAY)
        .map(drop)
}

pub(super) async fn get_stages(
    client: &Client,
    call: GetStages,
) -> Result<Vec<StageRecord>, CallError> {
    let answer = client
        .get_stages()
        .rest_api_id(call.id)
        .send()
        .await
        .sent(API_GATEWAY)?;
    Ok(all(answer.item, stage))
}

pub(super) async fn update_stage(client: &Client, call: UpdateStage) -> Result<(), CallError> {
    client
        .update_stage()
        .rest_api_id(call.id)
        .stage_name(call.stage)
        .set_patch_operations(Some(patches(call.patches)))
        .send()
        .await
        .sent(API_GATEWAY)
        .map(drop)
}

pub(super) async fn delete_stage(client: &Client, call: DeleteStage) -> Result<(), CallError> {
    client
        .delete_stage()
        .rest_api_id(call.id)
        .stage_name(call.stage)
        .send()
        .await
        .sent(API_GATEWAY)
        .map(drop)
}

pub(super) async fn tag_api(client: &Client, call: TagApi) -> Result<(), CallError> {
    client
        .tag_resource()
        .resource_arn(call.arn)
        .set_tags(Some(call.tags.into_iter().collect()))
        .send()
        .await
        .sent(API_GATEWAY)
        .map(drop)
}

pub(super) async fn untag_api(client: &Client, call: UntagApi) -> Result<(), CallError> {
    client
        .untag_resource()
        .resource_arn(call.arn)
        .set_tag_keys(Some(call.keys))
        .send()
        .await
        .sent(API_GATEWAY)
        .map(drop)
}

fn resource(it: Resource) -> ResourceRecord {
    ResourceRecord {
        id: it.id.unwrap_or_default(),
        path: it.path.unwrap_or_default(),
        methods: it
            .resource_methods
            .unwrap_or_default()
            .into_iter()
            .map(|(verb, it)| (verb, method(it)))
            .collect(),
    }
}

/// Lists the names of what stands in an API beside its resources, a call a kind.
macro_rules! parts {
    ($( $call:ident $name:ident $names:expr; )*) => {
        $(
            pub(super) async fn $name(client: &Client, call: $call) -> Result<Page<String>, CallError> {
                let page = client
                    .$name()
                    .rest_api_id(call.id)
                    .limit(PAGE)
                    .set_position(call.position)
                    .send()
                    .await
                    .sent(API_GATEWAY)?;
                let items = page.items.unwrap_or_default().into_iter().filter_map($names);
                Ok(Page { items: items.collect(), next: page.position })
            }
        )*
    };
}

parts! {
    GetAuthorizers get_authorizers |it| it.name;
    GetModels get_models |it| it.name;
    GetRequestValidators get_request_validators |it| it.name;
    // API Gateway lists those that nobody made as well.
    GetGatewayResponses get_gateway_responses |it| {
        it.response_type.filter(|_| !it.default_response).map(|it| it.as_str().to_owned())
    };
    GetDocumentationParts get_documentation_parts |it| {
        let location = it.location?;
        let path = location.path.unwrap_or_default();
        Some(format!("{} {path}", location.r#type.as_str()))
    };
}

/// The settings of a method that its record has no field for.
fn more(it: &Method) -> BTreeMap<String, Value> {
    let mut more = BTreeMap::new();
    let mut set = |name: String, value: Value| {
        more.insert(name, value);
    };
    set("authorizerId".to_owned(), json!(it.authorizer_id));
    set(
        "authorizationScopes".to_owned(),
        json!(it.authorization_scopes),
    );
    set(
        "requestValidatorId".to_owned(),
        json!(it.request_validator_id),
    );
    set("operationName".to_owned(), json!(it.operation_name));
    set("requestParameters".to_owned(), json!(it.request_parameters));
    set("requestModels".to_owned(), json!(it.request_models));
    for (status, answer) in it.method_responses.iter().flatten() {
        let name = |field: &str| format!("methodResponses.{status}.{field}");
        set(
            name("responseParameters"),
            json!(answer.response_parameters),
        );
        set(name("responseModels"), json!(answer.response_models));
    }
    let Some(it) = &it.method_integration else {
        return more;
    };
    let name = |field: &str| format!("integration.{field}");
    set(
        name("connectionType"),
        json!(
            it.connection_type
                .as_ref()
                .map(aws_sdk_apigateway::types::ConnectionType::as_str)
        ),
    );
    set(name("connectionId"), json!(it.connection_id));
    set(
        name("contentHandling"),
        json!(
            it.content_handling
                .as_ref()
                .map(aws_sdk_apigateway::types::ContentHandlingStrategy::as_str)
        ),
    );
    let mode = it.response_transfer_mode.as_ref();
    set(
        name("responseTransferMode"),
        json!(mode.map(aws_sdk_apigateway::types::ResponseTransferMode::as_str)),
    );
    set(name("integrationTarget"), json!(it.integration_target));
    set(name("cacheNamespace"), json!(it.cache_namespace));
    set(name("cacheKeyParameters"), json!(it.cache_key_parameters));
    let tls = it.tls_config.as_ref();
    set(
        name("tlsConfig"),
        json!({"insecureSkipVerification": tls.is_some_and(|it| it.insecure_skip_verification)}),
    );
    for (status, answer) in it.integration_responses.iter().flatten() {
        let name = |field: &str| format!("integration.responses.{status}.{field}");
        set(
            name("responseParameters"),
            json!(answer.response_parameters),
        );
        let handling = answer.content_handling.as_ref();
        set(
            name("contentHandling"),
            json!(handling.map(aws_sdk_apigateway::types::ContentHandlingStrategy::as_str)),
        );
    }
    more
}

fn method(it: Method) -> MethodRecord {
    let more = more(&it);
    MethodRecord {
        more,
        authorization: it.authorization_type.unwrap_or_default(),
        api_key_required: it.api_key_required.unwrap_or_default(),
        integration: it.method_integration.map(integration),
    }
}

fn integration(it: Integration) -> IntegrationRecord {
    IntegrationRecord {
        kind: it
            .r#type
            .map(|it| it.as_str().to_owned())
            .unwrap_or_default(),
        http_method: it.http_method,
        uri: it.uri,
        credentials: it.credentials,
        timeout_ms: u32::try_from(it.timeout_in_millis)
            .ok()
            .filter(|it| *it > 0),
        passthrough: it.passthrough_behavior,
        request_parameters: sorted(it.request_parameters),
        request_templates: sorted(it.request_templates),
        responses: it
            .integration_responses
            .unwrap_or_default()
            .into_iter()
            .map(|(status, it)| {
                let record = IntegrationResponseRecord {
                    selection: it.selection_pattern,
                    templates: sorted(it.response_templates),
                };
                (status, record)
            })
            .collect(),
    }
}

fn stage(it: Stage) -> StageRecord {
    StageRecord {
        name: it.stage_name.unwrap_or_default(),
        deployment: it.deployment_id.unwrap_or_default(),
        description: it.description,
        variables: sorted(it.variables),
        tracing: it.tracing_enabled,
        // No destination is no log, also where an empty object is sent for it.
        access_log: it.access_log_settings.and_then(|it| {
            Some(AccessLog {
                destination: it.destination_arn?,
                format: it.format.unwrap_or_default(),
            })
        }),
        methods: it
            .method_settings
            .unwrap_or_default()
            .into_iter()
            .map(|(key, it)| (key, settings(it)))
            .collect(),
        canary: it.canary_settings.map(|it| Canary {
            deployment: it.deployment_id.unwrap_or_default(),
            percent: it.percent_traffic,
        }),
        tags: sorted(it.tags),
    }
}

fn settings(it: MethodSetting) -> MethodSettings {
    let strategy = it.unauthorized_cache_control_header_strategy;
    let cache = [
        it.caching_enabled.to_string(),
        it.cache_ttl_in_seconds.to_string(),
        it.cache_data_encrypted.to_string(),
        it.require_authorization_for_cache_control.to_string(),
        strategy.map_or_else(|| CACHE_DEFAULTS[4].1.to_owned(), |it| it.to_string()),
    ];
    let mut settings = MethodSettings {
        logging: it.logging_level,
        data_trace: it.data_trace_enabled,
        metrics: it.metrics_enabled,
        // A negative limit is how API Gateway writes that there is none.
        rate: Some(it.throttling_rate_limit).filter(|it| *it >= 0.0),
        burst: u32::try_from(it.throttling_burst_limit).ok(),
        cache: BTreeMap::new(),
    };
    for ((setting, _), value) in CACHE_DEFAULTS.into_iter().zip(cache) {
        settings.keep_of_cache(setting, value);
    }
    settings
}

type Snapshots = HashMap<String, HashMap<String, MethodSnapshot>>;

fn summary(snapshots: Option<Snapshots>) -> BTreeMap<String, BTreeMap<String, String>> {
    snapshots
        .unwrap_or_default()
        .into_iter()
        .map(|(path, methods)| {
            let methods = methods
                .into_iter()
                .map(|(verb, it)| (verb, it.authorization_type.unwrap_or_default()))
                .collect();
            (path, methods)
        })
        .collect()
}

fn patches(patches: Vec<Patch>) -> Vec<PatchOperation> {
    patches
        .into_iter()
        .map(|it| {
            PatchOperation::builder()
                .op(match it.op {
                    PatchOp::Add => Op::Add,
                    PatchOp::Replace => Op::Replace,
                    PatchOp::Remove => Op::Remove,
                })
                .path(it.path)
                .set_value(it.value)
                .build()
        })
        .collect()
}

fn all<T, U>(items: Option<Vec<T>>, each: impl FnMut(T) -> U) -> Vec<U> {
    items.unwrap_or_default().into_iter().map(each).collect()
}

fn some<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}

fn sorted(map: Option<HashMap<String, String>>) -> BTreeMap<String, String> {
    map.unwrap_or_default().into_iter().collect()
}

fn since_1970(at: Option<DateTime>) -> i64 {
    at.map_or(0, |it| it.secs())
}

fn signed(size: u32) -> i32 {
    i32::try_from(size).unwrap_or(i32::MAX)
}
