//! Every field of every call that writes, and the fact that it makes.
//!
//! Each call is taken apart field by field: a new call, or a new field of one, does not
//! compile until it says here what it writes. What is in a map, a list of patches or a
//! document is told by the keys that were really sent.

use std::collections::{BTreeMap, BTreeSet};

use provision::cloud::apigateway::{
    AccessLog, IntegrationRecord, IntegrationResponseRecord, Patch, PatchOp,
};
use provision::cloud::{Request, apigateway, iam, kms, sns, sqs};
use provision::kinds::rest_api::{Method, REDEPLOY, SOURCE};
use provision::kinds::{Key, Queue, RestApi, Role, Stage, Subscription, Topic};
use provision::model::Tags;
use serde_json::Value;

/// A field of a call, and what it makes.
pub(super) type Field = (String, &'static str);

/// What one field of a call makes: one fact, or as many as it has keys.
pub(super) struct Facts(Vec<Field>);

impl From<&'static str> for Facts {
    fn from(fact: &'static str) -> Self {
        Self(vec![(String::new(), fact)])
    }
}

impl From<Vec<Field>> for Facts {
    fn from(fields: Vec<Field>) -> Self {
        Self(fields)
    }
}

macro_rules! calls {
    (
        writes { $( $module:ident :: $call:ident { $( $field:ident : $fact:expr ),* $(,)? } )* }
        reads { $( $read:ident ),* $(,)? }
    ) => {
        /// The calls that write.
        pub(super) const WRITES: &[&str] = &[ $( concat!(stringify!($module), "::", stringify!($call)) ),* ];

        /// A call's own name, and what each of its fields makes.
        pub(super) fn written(request: &Request) -> Option<(&'static str, Vec<Field>)> {
            match request {
                $( Request::$call($module::$call { $( $field ),* }) => {
                    let mut found = Vec::new();
                    $(
                        let _ = $field;
                        let Facts(facts) = Facts::from($fact);
                        found.extend(facts.into_iter().map(|(key, fact)| {
                            let name = stringify!($field);
                            (if key.is_empty() { name.to_owned() } else { format!("{name} {key}") }, fact)
                        }));
                    )*
                    Some((concat!(stringify!($module), "::", stringify!($call)), found))
                } )*
                $( Request::$read(_) )|* => None,
            }
        }
    };
}

calls! {
    writes {
        iam::CreateRole {
            name: "role.name", path: "role.path", trust: "role.trust", description: "role.description",
            max_session: "role.max_session", boundary: "role.boundary", tags: tagged("role", tags.keys()),
        }
        iam::UpdateRole { name: "role.name", description: "role.description", max_session: "role.max_session" }
        iam::UpdateAssumeRolePolicy { name: "role.name", document: "role.trust" }
        iam::PutRolePolicy { name: "role.name", policy: "role.inline_name", document: "role.inline" }
        iam::DeleteRolePolicy { name: "role.name", policy: "role.inline_name" }
        iam::AttachRolePolicy { name: "role.name", policy: "role.attached" }
        iam::DetachRolePolicy { name: "role.name", policy: "role.attached" }
        iam::PutRolePermissionsBoundary { name: "role.name", boundary: "role.boundary" }
        iam::DeleteRolePermissionsBoundary { name: "role.boundary" }
        iam::TagRole { name: "role.name", tags: tagged("role", tags.keys()) }
        iam::UntagRole { name: "role.name", keys: tagged("role", keys) }
        iam::DeleteRole { name: "role.name" }
        iam::CreatePolicy {
            name: "managed.name", path: "managed.name", document: "managed.document", description: "managed.description",
        }
        iam::CreatePolicyVersion { arn: "managed.name", document: "managed.document" }
        iam::SetDefaultPolicyVersion { arn: "managed.name", version: "managed.document" }
        iam::DeletePolicyVersion { arn: "managed.name", version: "managed.versions" }
        iam::DeletePolicy { arn: "managed.name" }

        kms::PutKeyPolicy { key: "key.arn", policy: "key.policy" }
        sns::CreateTopic { name: "topic.name", attributes: keyed(topic, attributes.keys()), tags: tagged("topic", tags.keys()) }
        sns::SetTopicAttributes { arn: "topic.name", name: "key.attribute", value: keyed(topic, [name]) }
        sns::DeleteTopic { arn: "topic.name" }
        sns::TagTopic { arn: "topic.name", tags: tagged("topic", tags.keys()) }
        sns::UntagTopic { arn: "topic.name", keys: tagged("topic", keys) }
        sns::Subscribe {
            topic: "subscription.topic", protocol: "subscription.protocol", endpoint: "subscription.queue",
            attributes: keyed(subscription, attributes.keys()),
        }
        sns::Unsubscribe { arn: "subscription.queue" }
        sns::SetSubscriptionAttributes { arn: "subscription.queue", name: "key.attribute", value: keyed(subscription, [name]) }

        sqs::CreateQueue { name: "queue.name", attributes: keyed(queue, attributes.keys()), tags: tagged("queue", tags.keys()) }
        sqs::SetQueueAttributes { name: "queue.name", attributes: keyed(queue, attributes.keys()) }
        sqs::DeleteQueue { name: "queue.name" }
        sqs::TagQueue { name: "queue.name", tags: tagged("queue", tags.keys()) }
        sqs::UntagQueue { name: "queue.name", keys: tagged("queue", keys) }

        apigateway::CreateRestApi {
            name: "api.name", description: "api.description", policy: "api.policy", endpoint_type: "api.endpoint",
            vpc_endpoints: "api.vpc_endpoints", binary_media_types: "api.binary_media_types",
            minimum_compression: "api.minimum_compression", api_key_source: "api.api_key_source",
            disable_execute_api: "api.disable_execute_api", tags: tagged("api", tags.keys()),
        }
        apigateway::PutRestApi { id: "api.id", overwrite: "key.overwrite", fail_on_warnings: "key.fail_on_warnings", body: document(body) }
        apigateway::UpdateRestApi { id: "api.id", patches: patched(patches) }
        apigateway::DeleteRestApi { id: "api.id" }
        apigateway::UpdateMethod { id: "api.id", resource: "route.path", verb: "route.path", patches: patched(patches) }
        apigateway::CreateDeployment {
            id: "api.id", stage: "stage.name", description: "stage.deployment", variables: "stage.variables",
        }
        apigateway::DeleteDeployment { id: "api.id", deployment: "stage.superseded" }
        apigateway::UpdateStage { id: "api.id", stage: "stage.name", patches: settings(patches) }
        apigateway::DeleteStage { id: "api.id", stage: "stage.name" }
        apigateway::TagApi { arn: "api.id", tags: tagged(api_or_stage(arn), tags.keys()) }
        apigateway::UntagApi { arn: "api.id", keys: tagged(api_or_stage(arn), keys) }
    }
    reads {
        GetCallerIdentity, GetAccountAuthorizationDetails, GetAccountSummary, ListRoles, GetPolicy, GetPolicyVersion, ListTopics, GetTopicAttributes, ListTopicTags,
        GetSubscriptionAttributes, ListSubscriptions, ListSubscriptionsByTopic, GetQueueAttributes, ListQueues,
        ListQueueTags, DescribeKey, GetKeyPolicy, DescribeOrganization, ListRoots, ListParents, ListPoliciesForTarget, DescribePolicy, GetVpcEndpoint,
        GetRestApis, GetApiResources, GetAuthorizers, GetModels, GetRequestValidators, GetGatewayResponses, GetDocumentationParts, GetDeployment, GetDeployments, GetStages, GetTagged,
    }
}

/// What nobody has said yet: no row has it, and the test says so.
const UNSAID: &str = "unsaid";

fn keyed<'a>(
    fact: fn(&str) -> &'static str,
    keys: impl IntoIterator<Item = &'a String>,
) -> Vec<Field> {
    keys.into_iter().map(|it| (it.clone(), fact(it))).collect()
}

fn topic(attribute: &str) -> &'static str {
    match attribute {
        "FifoTopic" => "topic.fifo",
        "ContentBasedDeduplication" => "topic.content_based_deduplication",
        "FifoThroughputScope" => "topic.message_group_throughput",
        "DisplayName" => "topic.display_name",
        "KmsMasterKeyId" => "topic.kms_key",
        "DeliveryPolicy" => "topic.delivery_policy",
        "SignatureVersion" => "topic.signature_version",
        "TracingConfig" => "topic.tracing",
        "Policy" => "topic.policy",
        "ArchivePolicy" => "topic.archive_policy",
        "SQSSuccessFeedbackSampleRate" => "topic.sample_rate",
        name if name.ends_with("FeedbackRoleArn") => "topic.delivery_logs",
        _ => UNSAID,
    }
}

fn subscription(attribute: &str) -> &'static str {
    match attribute {
        "RawMessageDelivery" => "subscription.raw",
        "FilterPolicy" => "subscription.filter",
        "FilterPolicyScope" => "subscription.filter_on_body",
        "RedrivePolicy" => "subscription.dead_letter",
        _ => UNSAID,
    }
}

fn queue(attribute: &str) -> &'static str {
    match attribute {
        "FifoQueue" => "queue.fifo",
        "ContentBasedDeduplication" => "queue.content_based_deduplication",
        "DeduplicationScope" => "queue.deduplication_scope",
        "FifoThroughputLimit" => "queue.throughput_limit",
        "DelaySeconds" => "queue.delay",
        "MaximumMessageSize" => "queue.max_message_size",
        "MessageRetentionPeriod" => "queue.retention",
        "ReceiveMessageWaitTimeSeconds" => "queue.receive_wait",
        "VisibilityTimeout" => "queue.visibility_timeout",
        "SqsManagedSseEnabled" => "queue.encryption",
        "KmsMasterKeyId" => "queue.kms_key",
        "KmsDataKeyReusePeriodSeconds" => "queue.kms_reuse",
        "RedrivePolicy" => "queue.dead_letter",
        "RedriveAllowPolicy" => "queue.redrive_allow",
        "Policy" => "queue.policy",
        _ => UNSAID,
    }
}

fn api_or_stage(arn: &str) -> &'static str {
    if arn.contains("/stages/") {
        "stage"
    } else {
        "api"
    }
}

/// Tags: each of the mark's is a fact of its own, and the author's are one.
fn tagged<'a>(kind: &str, keys: impl IntoIterator<Item = &'a String>) -> Vec<Field> {
    let fact = |key: &str| match (kind, key) {
        ("api", SOURCE) => "api.document",
        ("api", REDEPLOY) => "api.redeploy",
        (_, "provision:digest") => "mark.digest",
        (_, "provision:owned") => "mark.owned",
        ("role", "provision:stack" | "provision:address") => "role.mark",
        ("topic", "provision:stack" | "provision:address") => "topic.mark",
        ("queue", "provision:stack" | "provision:address") => "queue.mark",
        ("api", "provision:stack" | "provision:address") => "api.mark",
        ("stage", "provision:stack" | "provision:address") => "stage.mark",
        (_, other) if other.starts_with("provision:") => UNSAID,
        ("role", _) => "role.tags",
        ("topic", _) => "topic.tags",
        ("queue", _) => "queue.tags",
        ("api", _) => "api.tags",
        ("stage", _) => "stage.tags",
        _ => UNSAID,
    };
    let name = |key: &String| {
        if key.starts_with("provision:") {
            key.clone()
        } else {
            String::new()
        }
    };
    let all: BTreeSet<Field> = keys.into_iter().map(|it| (name(it), fact(it))).collect();
    all.into_iter().collect()
}

fn patched(patches: &[Patch]) -> Vec<Field> {
    let fact = |it: &Patch| match it.path.as_str() {
        "/name" => "api.name",
        "/description" => "api.description",
        "/endpointConfiguration/vpcEndpointIds" => "api.vpc_endpoints",
        "/minimumCompressionSize" => "api.minimum_compression",
        "/apiKeySource" => "api.api_key_source",
        "/disableExecuteApiEndpoint" => "api.disable_execute_api",
        "/policy" => "api.policy",
        "/authorizationType" => "route.authorization",
        other if other.starts_with("/endpointConfiguration/types/") => "api.endpoint",
        other if other.starts_with("/binaryMediaTypes/") => "api.binary_media_types",
        _ => UNSAID,
    };
    told(patches, fact)
}

fn settings(patches: &[Patch]) -> Vec<Field> {
    let fact = |it: &Patch| match it.path.as_str() {
        "/description" => "stage.description",
        "/tracingEnabled" => "stage.tracing",
        // A limit goes with its whole entry.
        "/*/*" | "/*/*/throttling/rateLimit" => "stage.rate",
        "/*/*/throttling/burstLimit" => "stage.burst",
        "/*/*/logging/loglevel" => "stage.log_level",
        "/*/*/logging/dataTrace" => "stage.data_trace",
        "/*/*/metrics/enabled" => "stage.metrics",
        "/accessLogSettings" | "/accessLogSettings/destinationArn" => "stage.access_log",
        "/accessLogSettings/format" => "stage.access_log_format",
        "/deploymentId" => "stage.deployment",
        other if other.starts_with("/variables/") => "stage.variables",
        _ => UNSAID,
    };
    told(patches, fact)
}

/// Patches by their paths, with names that an author chose left out.
fn told(patches: &[Patch], fact: impl Fn(&Patch) -> &'static str) -> Vec<Field> {
    let path = |it: &Patch| {
        let mut path = it.path.clone();
        for (head, name) in [
            ("/variables/", "NAME"),
            ("/binaryMediaTypes/", "TYPE"),
            ("/endpointConfiguration/types/", "TYPE"),
        ] {
            if path.starts_with(head) {
                path = format!("{head}{name}");
            }
        }
        match it.op {
            PatchOp::Add | PatchOp::Replace | PatchOp::Remove => path,
        }
    };
    patches.iter().map(|it| (path(it), fact(it))).collect()
}

/// An `OpenAPI` document by its leaves, with names that an author chose left out.
fn document(body: &str) -> Vec<Field> {
    let value: Value = serde_json::from_str(body).expect("JSON");
    let mut leaves = BTreeSet::new();
    leaves_of(&value, &mut Vec::new(), &mut leaves);
    leaves
        .into_iter()
        .map(|it| (it.clone(), leaf(&it)))
        .collect()
}

fn leaves_of(value: &Value, path: &mut Vec<String>, found: &mut BTreeSet<String>) {
    let whole = path
        .last()
        .is_some_and(|it| it == "x-amazon-apigateway-policy");
    match value {
        Value::Object(fields) if !fields.is_empty() && !whole => {
            for (name, value) in fields {
                let chosen = match (path.last().map(String::as_str), path.len()) {
                    (Some("paths"), 1) => "PATH",
                    (Some("PATH"), 2) => "VERB",
                    (Some("responses"), _) => "STATUS",
                    (Some("requestTemplates" | "responseTemplates"), _) => "TYPE",
                    (Some("requestParameters" | "securitySchemes"), _) => "NAME",
                    _ => name,
                };
                path.push(chosen.to_owned());
                leaves_of(value, path, found);
                path.pop();
            }
        }
        Value::Array(items) if !whole && items.iter().any(Value::is_object) => {
            for it in items {
                leaves_of(it, path, found);
            }
        }
        _ => {
            found.insert(path.join("."));
        }
    }
}

fn leaf(path: &str) -> &'static str {
    let integration = "paths.PATH.VERB.x-amazon-apigateway-integration.";
    let endpoint = "servers.x-amazon-apigateway-endpoint-configuration.";
    if let Some(name) = path.strip_prefix(integration) {
        return match name {
            "type" => "route.kind",
            "httpMethod" => "route.http_method",
            "uri" => "route.uri",
            "credentials" => "route.credentials",
            "timeoutInMillis" => "route.timeout",
            "passthroughBehavior" => "route.passthrough",
            "requestParameters.NAME" => "route.request_parameters",
            "requestTemplates.TYPE" => "route.request_templates",
            "responses.STATUS.statusCode" => "route.responses",
            "responses.STATUS.responseTemplates.TYPE" => "route.response_templates",
            _ => UNSAID,
        };
    }
    if let Some(name) = path.strip_prefix(endpoint) {
        return match name {
            "disableExecuteApiEndpoint" => "api.disable_execute_api",
            "vpcEndpointIds" => "api.vpc_endpoints",
            _ => UNSAID,
        };
    }
    match path {
        "openapi" | "info.version" | "servers.url" => "document.form",
        "info.title" => "api.name",
        "info.description" => "api.description",
        "x-amazon-apigateway-policy" => "api.policy",
        "x-amazon-apigateway-binary-media-types" => "api.binary_media_types",
        "x-amazon-apigateway-minimum-compression-size" => "api.minimum_compression",
        "x-amazon-apigateway-api-key-source" => "api.api_key_source",
        "paths.PATH.VERB.x-amazon-apigateway-auth.type" => "route.authorization",
        other if other.starts_with("paths.PATH.VERB.security") => "route.api_key_required",
        other if other.starts_with("paths.PATH.VERB.parameters.") => "document.parameters",
        other if other.starts_with("paths.PATH.VERB.responses.STATUS.") => "document.responses",
        // The author's own document: what the rest of it says is told by its digest alone.
        other if other.starts_with("paths.PATH.") || other.starts_with("components.") => {
            "document.rest"
        }
        other if other.starts_with("info.") || other.starts_with("tags") => "document.rest",
        _ => UNSAID,
    }
}

/// What is a matter of course in one of our types, and is never written.
type Why = &'static str;

/// A field of a type: the facts it is written as, or why it is none.
pub(super) type OfType = (String, Result<&'static [&'static str], Why>);

macro_rules! of_type {
    ($found:ident, $type:ident { $( $field:ident : $says:expr ),* $(,)? }) => {
        // Taken apart, so that a new field does not compile until it is here.
        const _: fn(&$type) = |$type { $( $field: _ ),* }| ();
        $( $found.push((format!("{}.{}", stringify!($type), stringify!($field)), $says)); )*
    };
}

/// Every field of every kind, and the facts that it stands for.
pub(super) fn of_types() -> Vec<OfType> {
    let mut found: Vec<OfType> = Vec::new();
    of_type!(
        found,
        Role {
            arn: Ok(&["role.name"]),
            path: Ok(&["role.path"]),
            trust: Ok(&["role.trust"]),
            inline: Ok(&["role.inline", "role.inline_name"]),
            managed: Ok(&["managed.name", "managed.document"]),
            attached: Ok(&["role.attached"]),
            boundary: Ok(&["role.boundary"]),
            description: Ok(&["role.description"]),
            max_session: Ok(&["role.max_session"]),
            tags: Ok(&["role.tags"]),
        }
    );
    of_type!(
        found,
        Key {
            arn: Ok(&["key.arn"]),
            policy: Ok(&["key.policy"]),
        }
    );
    of_type!(
        found,
        Topic {
            arn: Ok(&["topic.name"]),
            fifo: Ok(&["topic.fifo"]),
            content_based_deduplication: Ok(&["topic.content_based_deduplication"]),
            message_group_throughput: Ok(&["topic.message_group_throughput"]),
            display_name: Ok(&["topic.display_name"]),
            kms_key: Ok(&["topic.kms_key"]),
            delivery_policy: Ok(&["topic.delivery_policy"]),
            signature_version: Ok(&["topic.signature_version"]),
            tracing: Ok(&["topic.tracing"]),
            optional: Ok(&[
                "topic.delivery_logs",
                "topic.sample_rate",
                "topic.archive_policy"
            ]),
            policy: Ok(&["topic.policy"]),
            tags: Ok(&["topic.tags"]),
        }
    );
    of_type!(
        found,
        Queue {
            arn: Ok(&["queue.name"]),
            fifo: Ok(&["queue.fifo"]),
            content_based_deduplication: Ok(&["queue.content_based_deduplication"]),
            message_group_deduplication: Ok(&["queue.deduplication_scope"]),
            message_group_throughput: Ok(&["queue.throughput_limit"]),
            delay: Ok(&["queue.delay"]),
            max_message_size: Ok(&["queue.max_message_size"]),
            retention: Ok(&["queue.retention"]),
            receive_wait: Ok(&["queue.receive_wait"]),
            visibility_timeout: Ok(&["queue.visibility_timeout"]),
            encryption: Ok(&["queue.encryption", "queue.kms_key", "queue.kms_reuse"]),
            dead_letter: Ok(&["queue.dead_letter"]),
            redrive_allow: Ok(&["queue.redrive_allow"]),
            policy: Ok(&["queue.policy"]),
            tags: Ok(&["queue.tags"]),
        }
    );
    of_type!(
        found,
        Subscription {
            topic: Ok(&["subscription.topic"]),
            queue: Ok(&["subscription.queue"]),
            raw: Ok(&["subscription.raw"]),
            filter: Ok(&["subscription.filter"]),
            filter_on_body: Ok(&["subscription.filter_on_body"]),
            dead_letter: Ok(&["subscription.dead_letter"]),
        }
    );
    of_type!(
        found,
        RestApi {
            name: Ok(&["api.name"]),
            existing: Err("which API of another's is meant"),
            description: Ok(&["api.description"]),
            endpoint: Ok(&["api.endpoint"]),
            vpc_endpoints: Ok(&["api.vpc_endpoints"]),
            binary_media_types: Ok(&["api.binary_media_types"]),
            minimum_compression: Ok(&["api.minimum_compression"]),
            api_key_source: Ok(&["api.api_key_source"]),
            disable_execute_api: Ok(&["api.disable_execute_api"]),
            policy: Ok(&["api.policy"]),
            methods: Ok(&["route.path"]),
            version: Err("which version its last document gave it: only read, for the next one"),
            updating: Err(
                "whether AWS still carries out an earlier change: only read, and waited for"
            ),
            owes: Err(
                "which stages of another's API are still to be deployed without the stack's statements: only read"
            ),
            public: Err("which authorizers of another's API stay as they are"),
            source: Ok(&["document.rest"]),
            source_digest: Ok(&["api.document"]),
            closed_stage: Err("which stage lets nobody in before it has its settings"),
            tags: Ok(&["api.tags"]),
        }
    );
    of_type!(
        found,
        Method {
            authorization: Ok(&["route.authorization"]),
            api_key_required: Ok(&["route.api_key_required"]),
            integration: Ok(&["route.kind"]),
            more: Err("what no route says: a difference is told, and none is ever written"),
        }
    );
    of_type!(
        found,
        IntegrationRecord {
            kind: Ok(&["route.kind"]),
            http_method: Ok(&["route.http_method"]),
            uri: Ok(&["route.uri"]),
            credentials: Ok(&["route.credentials"]),
            timeout_ms: Ok(&["route.timeout"]),
            passthrough: Ok(&["route.passthrough"]),
            request_parameters: Ok(&["route.request_parameters"]),
            request_templates: Ok(&["route.request_templates"]),
            responses: Ok(&["route.responses"]),
        }
    );
    of_type!(
        found,
        IntegrationResponseRecord {
            selection: Ok(&["route.responses"]),
            templates: Ok(&["route.response_templates"]),
        }
    );
    of_type!(
        found,
        Stage {
            api: Ok(&["api.id"]),
            existing: Err("whether the API is another's"),
            name: Ok(&["stage.name"]),
            description: Ok(&["stage.description"]),
            variables: Ok(&["stage.variables"]),
            tracing: Ok(&["stage.tracing"]),
            rate: Ok(&["stage.rate"]),
            burst: Ok(&["stage.burst"]),
            log_level: Ok(&["stage.log_level"]),
            data_trace: Ok(&["stage.data_trace"]),
            metrics: Ok(&["stage.metrics"]),
            access_log: Ok(&["stage.access_log"]),
            cache: Err(
                "the cache of all methods: only read, to be kept where their limits are lifted"
            ),
            surface: Ok(&["stage.deployment"]),
            policy: Err(
                "which statements of others the deployment holds: told, and compared for what a deployment publishes"
            ),
            methods: Ok(&["stage.deployment"]),
            deployed: Ok(&["stage.deployment"]),
            public: Err("which authorizers of another's API stay as they are"),
            superseded: Ok(&["stage.superseded"]),
            outdated: Ok(&["api.redeploy"]),
            current: Err(
                "whether the deployment tells the policy that the API has now: only read, compared by what is deployed"
            ),
            serves: Err("which deployment is there: only read, for cleaning up"),
            listed: Err("what a stage of others serves: only read, to know it by"),
            tags: Ok(&["stage.tags"]),
        }
    );
    of_type!(
        found,
        AccessLog {
            destination: Ok(&["stage.access_log"]),
            format: Ok(&["stage.access_log_format"]),
        }
    );
    found
}

/// The author's tags and variables take any name.
pub(super) fn owned(tags: &[(&str, &str)]) -> Tags {
    let pairs = tags.iter();
    pairs
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect::<BTreeMap<_, _>>()
}
