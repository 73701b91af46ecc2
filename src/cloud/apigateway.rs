//! API Gateway, REST APIs (v1).
//!
//! See <https://docs.aws.amazon.com/apigateway/latest/api/API_Operations.html>.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::Tags;

/// The REST APIs of the account in the region: 500 a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetRestApis {
    /// The page's position.
    pub position: Option<String>,
}

/// A REST API, without its methods.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RestApiRecord {
    /// The id AWS chose.
    pub id: String,
    /// The name; not unique.
    pub name: String,
    /// The description, when there is one.
    pub description: Option<String>,
    /// The version that its last document gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// The resource policy as AWS gives it, quotes escaped by backslashes.
    pub policy: Option<String>,
    /// The tags.
    pub tags: Tags,
    /// `REGIONAL`, `EDGE` or `PRIVATE`.
    pub endpoint_type: String,
    /// The VPC endpoints a private API has DNS aliases for.
    pub vpc_endpoints: Vec<String>,
    /// Media types passed on as bytes.
    pub binary_media_types: Vec<String>,
    /// Smallest body that is compressed, in bytes.
    pub minimum_compression: Option<u32>,
    /// `HEADER` or `AUTHORIZER`.
    pub api_key_source: String,
    /// Whether `execute-api` host names are switched off.
    pub disable_execute_api: bool,
    /// `AVAILABLE`, `UPDATING`, `PENDING` or `FAILED`, where AWS says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Parts of a document that an import left out, each with why. Only the answer of an import has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// Makes a REST API. Neither name nor anything else makes a second one fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateRestApi {
    /// The name.
    pub name: String,
    /// The description; `None` for none.
    pub description: Option<String>,
    /// The resource policy, plain JSON.
    pub policy: Option<String>,
    /// `REGIONAL`, `EDGE` or `PRIVATE`.
    pub endpoint_type: String,
    /// VPC endpoints of a private API.
    pub vpc_endpoints: Vec<String>,
    /// Media types passed on as bytes.
    pub binary_media_types: Vec<String>,
    /// Smallest body that is compressed, in bytes.
    pub minimum_compression: Option<u32>,
    /// `HEADER` or `AUTHORIZER`.
    pub api_key_source: String,
    /// Whether `execute-api` host names are switched off.
    pub disable_execute_api: bool,
    /// The tags.
    pub tags: Tags,
}

/// Imports an `OpenAPI` document into an API.
///
/// Overwriting also erases resource policy, VPC endpoints, description, media
/// types, compression and key source that the document does not carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutRestApi {
    /// The API's id.
    pub id: String,
    /// Replace what is there, instead of adding to it.
    pub overwrite: bool,
    /// Import nothing where a part of the document would be left out.
    pub fail_on_warnings: bool,
    /// The document, JSON.
    pub body: String,
}

/// Patches an API: all operations or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateRestApi {
    /// The API's id.
    pub id: String,
    /// The operations.
    pub patches: Vec<Patch>,
}

/// A patch operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// What to do.
    pub op: PatchOp,
    /// The path, `/` written `~1` and `~` written `~0` inside a segment.
    pub path: String,
    /// The value; `None` for `remove`.
    pub value: Option<String>,
}

impl Patch {
    /// Sets a path to a value.
    pub fn replace(path: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            op: PatchOp::Replace,
            path: path.into(),
            value: Some(value.into()),
        }
    }

    /// Adds a value at a path.
    pub fn add(path: impl Into<String>, value: Option<String>) -> Self {
        Self {
            op: PatchOp::Add,
            path: path.into(),
            value,
        }
    }

    /// Removes a path, or a value from the list at it.
    pub fn remove(path: impl Into<String>, value: Option<String>) -> Self {
        Self {
            op: PatchOp::Remove,
            path: path.into(),
            value,
        }
    }
}

/// What a patch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchOp {
    /// `add`
    Add,
    /// `replace`
    Replace,
    /// `remove`
    Remove,
}

/// Removes an API with its methods, stages and deployments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteRestApi {
    /// The API's id.
    pub id: String,
}

/// An API's resources with their methods and integrations: 500 a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetApiResources {
    /// The API's id.
    pub id: String,
    /// The page's position.
    pub position: Option<String>,
}

/// A path of an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceRecord {
    /// The id.
    pub id: String,
    /// The full path, `/` first.
    pub path: String,
    /// Methods by verb; `ANY` for all.
    pub methods: BTreeMap<String, MethodRecord>,
}

/// A method of a path.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MethodRecord {
    /// `NONE`, `AWS_IAM`, `CUSTOM` or `COGNITO_USER_POOLS`.
    pub authorization: String,
    /// Whether an API key is asked for.
    pub api_key_required: bool,
    /// What the method does.
    pub integration: Option<IntegrationRecord>,
    /// Its other settings, those of its integration and answers among them, by AWS's names joined with dots.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub more: BTreeMap<String, Value>,
}

/// What a method does.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IntegrationRecord {
    /// `HTTP`, `HTTP_PROXY`, `AWS`, `AWS_PROXY` or `MOCK`.
    pub kind: String,
    /// The verb of the call to the backend.
    pub http_method: Option<String>,
    /// The backend.
    pub uri: Option<String>,
    /// ARN of the role API Gateway assumes for the call.
    pub credentials: Option<String>,
    /// How long the backend may take, in milliseconds.
    pub timeout_ms: Option<u32>,
    /// `WHEN_NO_MATCH`, `WHEN_NO_TEMPLATES` or `NEVER`.
    pub passthrough: Option<String>,
    /// Where the backend call's parameters come from.
    pub request_parameters: BTreeMap<String, String>,
    /// Body templates by content type.
    pub request_templates: BTreeMap<String, String>,
    /// Answers by status code: selection pattern and body templates.
    pub responses: BTreeMap<String, IntegrationResponseRecord>,
}

/// How an answer of the backend becomes the method's.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct IntegrationResponseRecord {
    /// Which answers this is for; `None` for the rest.
    pub selection: Option<String>,
    /// Body templates by content type.
    pub templates: BTreeMap<String, String>,
}

macro_rules! parts {
    ($( $what:literal $name:ident; )*) => {
        $(
            #[doc = concat!("The names of an API's ", $what, " that somebody made: 500 a page.")]
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub struct $name {
                /// The API's id.
                pub id: String,
                /// The page's position.
                pub position: Option<String>,
            }
        )*
    };
}

parts! {
    "authorizers" GetAuthorizers;
    "models" GetModels;
    "request validators" GetRequestValidators;
    "gateway responses" GetGatewayResponses;
    "documentation parts" GetDocumentationParts;
}

/// Patches a method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateMethod {
    /// The API's id.
    pub id: String,
    /// The resource's id.
    pub resource: String,
    /// The verb.
    pub verb: String,
    /// The operations.
    pub patches: Vec<Patch>,
}

/// Takes a snapshot of an API and points a stage at it; the stage is made when it is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateDeployment {
    /// The API's id.
    pub id: String,
    /// The stage's name.
    pub stage: String,
    /// The deployment's description.
    pub description: String,
    /// The stage's variables, when this makes the stage.
    pub variables: BTreeMap<String, String>,
}

/// One deployment, with a summary of the methods it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetDeployment {
    /// The API's id.
    pub id: String,
    /// The deployment's id.
    pub deployment: String,
}

/// An API's deployments: 500 a page, without summaries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetDeployments {
    /// The API's id.
    pub id: String,
    /// The page's position.
    pub position: Option<String>,
}

/// A deployment.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeploymentRecord {
    /// The id.
    pub id: String,
    /// The description.
    pub description: Option<String>,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// Path to verb to authorization type; empty where AWS gave no summary.
    pub summary: BTreeMap<String, BTreeMap<String, String>>,
}

/// Removes a deployment that no stage serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteDeployment {
    /// The API's id.
    pub id: String,
    /// The deployment's id.
    pub deployment: String,
}

/// An API's stages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetStages {
    /// The API's id.
    pub id: String,
}

/// A stage.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct StageRecord {
    /// The name.
    pub name: String,
    /// The deployment it serves.
    pub deployment: String,
    /// The description, when there is one.
    pub description: Option<String>,
    /// The variables.
    pub variables: BTreeMap<String, String>,
    /// Whether X-Ray traces are taken.
    pub tracing: bool,
    /// Where access logs go, and in which format.
    pub access_log: Option<AccessLog>,
    /// Settings by `path/VERB`; `*/*` is all methods.
    pub methods: BTreeMap<String, MethodSettings>,
    /// A second deployment that some of the calls meet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// The tags.
    pub tags: Tags,
}

impl StageRecord {
    /// Whether any of its calls meet a deployment.
    #[must_use]
    pub fn serves(&self, deployment: &str) -> bool {
        let canary = self.canary.as_ref().map(|it| it.deployment.as_str());
        self.deployment == deployment || canary == Some(deployment)
    }
}

/// A stage's second deployment.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Canary {
    /// The deployment.
    pub deployment: String,
    /// How many of a hundred calls meet it.
    pub percent: f64,
}

/// Where access logs go.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AccessLog {
    /// ARN of the log group or delivery stream.
    pub destination: String,
    /// The line's format.
    pub format: String,
}

/// A stage's settings for some methods.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct MethodSettings {
    /// `OFF`, `ERROR` or `INFO`.
    pub logging: Option<String>,
    /// Whether whole requests are logged.
    pub data_trace: bool,
    /// Whether detailed metrics are kept.
    pub metrics: bool,
    /// Steady rate, in requests a second.
    pub rate: Option<f64>,
    /// Burst, in requests.
    pub burst: Option<u32>,
    /// Settings of the cache that are not API Gateway's defaults, by the ends of their patch paths: `caching/enabled`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub cache: BTreeMap<String, String>,
}

/// What API Gateway takes for a setting of the cache when nothing is said, by the end of its patch path.
pub const CACHE_DEFAULTS: [(&str, &str); 5] = [
    ("caching/enabled", "false"),
    ("caching/ttlInSeconds", "300"),
    ("caching/dataEncrypted", "false"),
    ("caching/requireAuthorizationForCacheControl", "true"),
    (
        "caching/unauthorizedCacheControlHeaderStrategy",
        "SUCCEED_WITH_RESPONSE_HEADER",
    ),
];

impl MethodSettings {
    /// Keeps the value of a setting of the cache; a default is kept by its absence.
    pub fn keep_of_cache(&mut self, setting: &str, value: String) {
        if CACHE_DEFAULTS.contains(&(setting, value.as_str())) {
            self.cache.remove(setting);
        } else {
            self.cache.insert(setting.to_owned(), value);
        }
    }
}

/// Patches a stage: all operations or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateStage {
    /// The API's id.
    pub id: String,
    /// The stage's name.
    pub stage: String,
    /// The operations.
    pub patches: Vec<Patch>,
}

/// Removes a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteStage {
    /// The API's id.
    pub id: String,
    /// The stage's name.
    pub stage: String,
}

/// Adds or replaces the tags of an API or stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagApi {
    /// `arn:P:apigateway:REGION::/restapis/ID` or `…/stages/NAME`.
    pub arn: String,
    /// The tags.
    pub tags: Tags,
}

/// Removes tags of an API or stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UntagApi {
    /// The ARN, as in [`TagApi`].
    pub arn: String,
    /// The tags' keys.
    pub keys: Vec<String>,
}
