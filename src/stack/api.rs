//! What an author declares of a REST API: its routes and its stage.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{QueueRef, RoleRef};
use crate::model::{Arn, Tags};

/// A REST API with one stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Api {
    /// The account's name in the stack.
    pub account: String,
    /// The API's name.
    pub name: String,
    /// The id, when something else made the API: then only our statements and its authorizers are ours.
    pub existing: Option<String>,
    /// The description; empty for none.
    pub description: String,
    /// Who can reach it.
    pub endpoint: Endpoint,
    /// VPC endpoints of a private API: the only ways in.
    pub vpc_endpoints: BTreeSet<String>,
    /// What it serves.
    pub surface: Surface,
    /// Media types passed on as bytes.
    pub binary_media_types: BTreeSet<String>,
    /// Smallest body that is compressed, in bytes.
    pub minimum_compression: Option<u32>,
    /// Whether `execute-api` host names are switched off.
    pub disable_execute_api: bool,
    /// The role that integrations use unless a route names one; `None` to have one made where it is needed.
    pub credentials: Option<RoleRef>,
    /// The stage.
    pub stage: Stage,
    /// The author's tags, the stack's included.
    pub tags: Tags,
    /// Refuse every call that does not come over TLS.
    pub tls_only: bool,
    /// Remove statements of the resource policy that this stack does not declare.
    pub exclusive: bool,
    /// Where the files say of a route that anyone may call it, or of the API, as `file:line`.
    pub written_at: BTreeMap<RouteKey, String>,
    /// Where the files name its `OpenAPI` document, as `file:line`.
    pub document_at: Option<String>,
}

/// Who can reach an API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Endpoint {
    /// The region's own host name.
    Regional,
    /// Through `CloudFront`.
    Edge,
    /// Only through VPC endpoints.
    Private,
}

impl Endpoint {
    /// As API Gateway writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regional => "REGIONAL",
            Self::Edge => "EDGE",
            Self::Private => "PRIVATE",
        }
    }
}

/// What an API serves.
#[derive(Clone, Debug, PartialEq)]
pub enum Surface {
    /// Routes of the stack.
    Routes(Vec<Route>),
    /// The author's `OpenAPI` document, and the operations in it that are public on purpose.
    OpenApi {
        /// The document as it was read.
        document: serde_json::Value,
        /// Routes declared `public = true`.
        public: BTreeSet<RouteKey>,
        /// Routes that keep the authorizer that the document gives them.
        kept: BTreeSet<RouteKey>,
    },
    /// Whatever is there: an existing API. Routes declared `public = true` stay as they are.
    Existing {
        /// Routes declared `public = true`.
        public: BTreeSet<RouteKey>,
    },
}

/// A method and path: `GET /orders/{id}`; `ANY` for every method.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RouteKey {
    /// `GET`, …, or `ANY`.
    pub method: String,
    /// The path, `/` first.
    pub path: String,
}

impl std::fmt::Display for RouteKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} {}", self.method, self.path)
    }
}

/// A route of an API.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Its method and path.
    pub key: RouteKey,
    /// Anyone may call it: no authorizer.
    pub public: bool,
    /// What it does.
    pub integration: Integration,
    /// How long the backend may take, in milliseconds.
    pub timeout_ms: Option<u32>,
}

/// What a route does.
#[derive(Clone, Debug, PartialEq)]
pub enum Integration {
    /// Passes the request on to a URL; `{name}` stands for a path parameter.
    Http {
        /// The backend's URL.
        url: String,
        /// The backend's method; `None` for the route's own.
        method: Option<String>,
    },
    /// Invokes a Lambda function, with the whole request.
    Lambda {
        /// The function, or a version or alias of it.
        function: Arn,
        /// The role that invokes it.
        credentials: RouteRole,
    },
    /// Sends the body to a queue.
    Sqs {
        /// The queue.
        queue: QueueRef,
        /// The role that sends.
        credentials: RouteRole,
    },
    /// Answers by itself.
    Mock {
        /// The status code.
        status: u16,
        /// The body.
        body: Option<String>,
    },
}

/// An API's stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The name: the first segment of the URL.
    pub name: String,
    /// The description; empty for none.
    pub description: String,
    /// Stage variables.
    pub variables: BTreeMap<String, String>,
    /// X-Ray traces.
    pub tracing: bool,
    /// Steady rate over all methods, in requests a second.
    pub rate: Option<f64>,
    /// Burst over all methods, in requests.
    pub burst: Option<u32>,
    /// Execution logs.
    pub log_level: LogLevel,
    /// Whether execution logs hold whole requests.
    pub data_trace: bool,
    /// Whether detailed metrics are kept.
    pub metrics: bool,
    /// Access logs: ARN of the log group or delivery stream, and the line's format.
    pub access_log: Option<(Arn, String)>,
}

/// How much a stage logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// Errors.
    Error,
    /// All requests.
    Info,
}

/// The role under which a route calls what is behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteRole {
    /// The API's: the one that it names, or one that is made.
    OfApi,
    /// One that the route names.
    Own(RoleRef),
    /// None: the resource policy of the Lambda function lets API Gateway invoke it.
    None,
}

impl Surface {
    /// Whether what is served brings statements of the API's resource policy: of the document, or for routes without `AWS_IAM`.
    pub(super) fn has_policy(&self) -> bool {
        match self {
            Self::Routes(routes) => routes.iter().any(|it| it.public),
            Self::OpenApi {
                document,
                public,
                kept,
            } => {
                let policy = &document["x-amazon-apigateway-policy"];
                policy.is_object() || !public.is_empty() || !kept.is_empty()
            }
            Self::Existing { .. } => true,
        }
    }
}

impl Api {
    /// Returns the queues of the stack that routes send to, each with the role that they send as: none where one is made.
    pub fn sends_to(&self) -> impl Iterator<Item = (&String, Option<&RoleRef>)> {
        let routes = match &self.surface {
            Surface::Routes(routes) => routes.as_slice(),
            Surface::OpenApi { .. } | Surface::Existing { .. } => &[],
        };
        routes.iter().filter_map(|it| match &it.integration {
            Integration::Sqs {
                queue: QueueRef::Stack(queue),
                credentials: RouteRole::Own(role),
            } => Some((queue, Some(role))),
            Integration::Sqs {
                queue: QueueRef::Stack(queue),
                ..
            } => Some((queue, self.credentials.as_ref())),
            _ => None,
        })
    }
}

impl Integration {
    /// The role that a route names for its own calls.
    #[must_use]
    pub fn credentials(&self) -> Option<&RoleRef> {
        match self {
            Self::Lambda { credentials, .. } | Self::Sqs { credentials, .. } => match credentials {
                RouteRole::Own(role) => Some(role),
                RouteRole::OfApi | RouteRole::None => None,
            },
            Self::Http { .. } | Self::Mock { .. } => None,
        }
    }
}
