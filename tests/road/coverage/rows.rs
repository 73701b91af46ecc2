//! One row for everything that is written: who reads it back, how it is compared, and what drift says of a change.

use futures::future::LocalBoxFuture;
use provision::cloud::apigateway::{
    CreateDeployment, DeleteRestApi, DeleteStage, GetRestApis, Patch, PutRestApi, TagApi, UntagApi,
    UpdateRestApi, UpdateStage,
};
use provision::cloud::{Cloud, iam, kms, sns, sqs};
use provision::kinds::rest_api::{REDEPLOY, SOURCE, openapi};
use provision::kinds::{Resource, rest_api, stage};
use provision::lower::Desired;
use provision::model::Tags;
use serde_json::{Value, json};

use super::fields::owned;
use crate::operator::{delete_role, role, send};
use crate::world::{address, place};

const OWN: &str = "111111111111";
const FAR: &str = "222222222222";
const NEWS: &str = "arn:aws:sns:eu-west-1:111111111111:news";
const LINE: &str = "arn:aws:sns:eu-west-1:111111111111:line.fifo";
pub(super) const OVERFLOW: &str =
    "arn:aws:iam::111111111111:policy/provision/fleet/provision-fleet.hub.1";
const VAULT: &str = "arn:aws:kms:eu-west-1:111111111111:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const INTEGRATION: &str = "x-amazon-apigateway-integration";

/// Where a deed is done.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) cloud: &'a dyn Cloud,
    pub(super) desired: &'a Desired,
}

type Deed = for<'a> fn(Scene<'a>) -> LocalBoxFuture<'a, ()>;

/// How what is live is held against what is wanted.
pub(super) enum Compared {
    /// Value by value.
    Exactly,
    /// Two that AWS treats alike are no difference.
    ByMeaning(&'static str),
}

/// A fact, and what becomes of a change of it behind the stack's back.
pub(super) enum Row {
    /// It is read back, and a change of it is found.
    Read {
        fact: &'static str,
        what: &'static str,
        /// The calls that bring it back.
        by: &'static [&'static str],
        compared: Compared,
        deed: Deed,
        /// Every finding, by code and address.
        found: &'static [&'static str],
    },
    /// It is written and not compared, and why that loses nothing.
    Unread {
        fact: &'static str,
        what: &'static str,
        why: &'static str,
    },
}

impl Row {
    pub(super) fn fact(&self) -> &'static str {
        match self {
            Self::Read { fact, .. } | Self::Unread { fact, .. } => fact,
        }
    }
}

async fn set_topic(it: Scene<'_>, arn: &str, name: &str, value: &str) {
    let call = sns::SetTopicAttributes {
        arn: arn.to_owned(),
        name: name.to_owned(),
        value: value.to_owned(),
    };
    send(it.cloud, OWN, call).await;
}

async fn set_queue(it: Scene<'_>, queue: &str, attributes: &[(&str, &str)]) {
    let call = sqs::SetQueueAttributes {
        name: queue.to_owned(),
        attributes: owned(attributes),
    };
    send(it.cloud, FAR, call).await;
}

async fn subscription(it: Scene<'_>) -> String {
    let call = sns::ListSubscriptionsByTopic {
        topic: NEWS.to_owned(),
        token: None,
    };
    send(it.cloud, OWN, call).await.items.remove(0).arn
}

async fn set_subscription(it: Scene<'_>, name: &str, value: Option<&str>) {
    let call = sns::SetSubscriptionAttributes {
        arn: subscription(it).await,
        name: name.to_owned(),
        value: value.map(str::to_owned),
    };
    send(it.cloud, FAR, call).await;
}

async fn api_id(it: Scene<'_>, name: &str) -> String {
    let all = send(it.cloud, OWN, GetRestApis { position: None }).await;
    let found = all.items.into_iter().find(|it| it.name == name);
    found.expect("the API").id
}

async fn patch_api(it: Scene<'_>, api: &str, patch: Patch) {
    let call = UpdateRestApi {
        id: api_id(it, api).await,
        patches: vec![patch],
    };
    send(it.cloud, OWN, call).await;
}

async fn patch_stage(it: Scene<'_>, path: &str, value: &str) {
    let call = UpdateStage {
        id: api_id(it, "shop").await,
        stage: "prod".to_owned(),
        patches: vec![Patch::replace(path, value)],
    };
    send(it.cloud, OWN, call).await;
}

fn arn_of(api: &str, at_stage: bool) -> String {
    if at_stage {
        stage::arn(&place(OWN), api, "prod")
    } else {
        rest_api::arn(&place(OWN), api)
    }
}

async fn tag_api(it: Scene<'_>, api: &str, at_stage: bool, tags: &[(&str, &str)]) {
    let id = api_id(it, api).await;
    let arn = arn_of(&id, at_stage);
    let tags = owned(tags);
    send(it.cloud, OWN, TagApi { arn, tags }).await;
}

async fn unmark_api(it: Scene<'_>, at_stage: bool) {
    let id = api_id(it, "shop").await;
    let arn = arn_of(&id, at_stage);
    let keys = vec!["provision:stack".to_owned()];
    send(it.cloud, OWN, UntagApi { arn, keys }).await;
}

/// Imports the shop's API once more, with its document changed.
async fn reimport(it: Scene<'_>, change: impl Fn(&mut Value)) {
    let Resource::RestApi(api) = &it.desired.wants[&address("apis.shop")].resource else {
        panic!("an API")
    };
    let mut body = openapi::encode(api, &api.policy, None);
    change(&mut body);
    let call = PutRestApi {
        id: api_id(it, "shop").await,
        overwrite: true,
        fail_on_warnings: false,
        body: body.to_string(),
    };
    send(it.cloud, OWN, call).await;
}

async fn integrate(it: Scene<'_>, (path, verb): (&str, &str), field: &str, value: Value) {
    reimport(it, |body| {
        body["paths"][path][verb][INTEGRATION][field] = value.clone();
    })
    .await;
}

const ORDER: (&str, &str) = ("/orders/{id}", "get");
const LATER: (&str, &str) = ("/later", "post");

/// A row that is read: its deed is an expression about the scene.
macro_rules! read {
    ($fact:literal, $what:literal, [$($by:literal),*], $compared:expr, $it:ident => $deed:expr, [$($found:literal),* $(,)?]) => {
        Row::Read {
            fact: $fact, what: $what, by: &[$($by),*], compared: $compared,
            deed: |$it| Box::pin(async move { $deed; }), found: &[$($found),*],
        }
    };
}

/// A policy that allows anything.
pub(super) fn anything() -> String {
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

use Compared::{ByMeaning, Exactly};

const ALIKE: Compared = ByMeaning(
    "as documents: order, scalars and lists, root ARNs and account ids, letter case of actions are no difference",
);
const JSON: Compared = ByMeaning("as JSON, without what AWS adds to every one");
const TAGS: Compared =
    ByMeaning("keys of the stack, and keys that were the stack's; others are somebody else's");
const GONE: Compared = Exactly;

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    // ---- Roles.
    read!("role.name", "name", ["iam:GetAccountAuthorizationDetails"], GONE, it => delete_role(it.cloud, OWN, "worker").await, [
        "PD002 roles.worker",
    ]),
    read!("role.path", "path", ["iam:GetAccountAuthorizationDetails"], Exactly, it => {
        let old = delete_role(it.cloud, OWN, "worker").await;
        let trust = percent_encoding::percent_decode_str(&old.trust).decode_utf8().expect("UTF-8").into_owned();
        let call = iam::CreateRole {
            name: old.name, path: "/".to_owned(), trust, description: Some("works".to_owned()), max_session: 7200,
            boundary: old.boundary, tags: old.tags,
        };
        send(it.cloud, OWN, call).await;
    }, ["PD001 roles.worker", "PD005 apis.shop", "PD005 queues.line", "PD005 stages.shop.prod", "PD005 topics.news"]),
    read!("role.trust", "trust policy", ["iam:GetAccountAuthorizationDetails"], ALIKE, it => {
        let document = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"},
        ]});
        send(it.cloud, OWN, iam::UpdateAssumeRolePolicy { name: "worker".to_owned(), document: document.to_string() }).await;
    }, ["PD001 roles.worker"]),
    read!("role.description", "description", ["iam:ListRoles"], Exactly, it => send(it.cloud, OWN, iam::UpdateRole {
        name: "worker".to_owned(), description: "theirs".to_owned(), max_session: 7200,
    }).await, ["PD001 roles.worker"]),
    read!("role.max_session", "longest session", ["iam:ListRoles"], Exactly, it => send(it.cloud, OWN, iam::UpdateRole {
        name: "worker".to_owned(), description: "works".to_owned(), max_session: 3600,
    }).await, ["PD001 roles.worker"]),
    read!("role.inline", "inline policy", ["iam:GetAccountAuthorizationDetails"], ALIKE, it => {
        send(it.cloud, OWN, iam::PutRolePolicy {
            name: "worker".to_owned(), policy: "provision-all.extra".to_owned(), document: anything(),
        }).await;
    }, ["PD001 roles.worker"]),
    read!("role.inline_name", "inline policy's name", ["iam:GetAccountAuthorizationDetails"], Exactly, it => {
        let document = role(it.cloud, OWN, "worker").await.inline["provision-all.extra"].clone();
        let document = percent_encoding::percent_decode_str(&document).decode_utf8().expect("UTF-8").into_owned();
        let name = "worker".to_owned();
        send(it.cloud, OWN, iam::DeleteRolePolicy { name: name.clone(), policy: "provision-all.extra".to_owned() }).await;
        send(it.cloud, OWN, iam::PutRolePolicy { name, policy: "provision-all.other".to_owned(), document }).await;
    }, ["PD001 roles.worker"]),
    read!("role.attached", "managed policies", ["iam:GetAccountAuthorizationDetails"], Exactly, it => send(it.cloud, OWN, iam::DetachRolePolicy {
        name: "worker".to_owned(), policy: "arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned(),
    }).await, ["PD001 roles.worker"]),
    read!("role.boundary", "permissions boundary", ["iam:GetAccountAuthorizationDetails"], Exactly, it => send(it.cloud, OWN, iam::DeleteRolePermissionsBoundary {
        name: "worker".to_owned(),
    }).await, ["PD001 roles.worker"]),
    read!("role.tags", "tags", ["iam:GetAccountAuthorizationDetails"], TAGS, it => send(it.cloud, OWN, iam::TagRole {
        name: "worker".to_owned(), tags: owned(&[("owner", "them")]),
    }).await, ["PD001 roles.worker"]),
    read!("role.mark", "mark", ["iam:GetAccountAuthorizationDetails"], Exactly, it => send(it.cloud, OWN, iam::UntagRole {
        name: "worker".to_owned(), keys: vec!["provision:stack".to_owned()],
    }).await, ["PD010 roles.worker"]),
    // ---- Policies of a role that overflows.
    read!("managed.name", "name and path", ["iam:GetAccountAuthorizationDetails"], GONE, it => {
        let (name, policy, arn) = ("hub".to_owned(), OVERFLOW.to_owned(), OVERFLOW.to_owned());
        send(it.cloud, OWN, iam::DetachRolePolicy { name, policy }).await;
        send(it.cloud, OWN, iam::DeletePolicy { arn }).await;
    }, ["PD001 roles.hub"]),
    read!("managed.document", "document in force", ["iam:GetAccountAuthorizationDetails"], ALIKE, it => {
        send(it.cloud, OWN, iam::CreatePolicyVersion { arn: OVERFLOW.to_owned(), document: anything() }).await;
    }, ["PD001 roles.hub"]),
    Row::Unread { fact: "managed.versions", what: "versions that are not in force", why: "which one is in force is read, and what it says is compared; the others give nothing to anybody, and the oldest goes when there are five" },
    Row::Unread { fact: "managed.description", what: "description", why: "IAM fixes it when the policy is made" },
    // ---- KMS keys.
    Row::Unread { fact: "key.arn", what: "which key", why: "the stack names it; a key that is not there is refused before anything is written" },
    read!("key.policy", "key policy", ["kms:GetKeyPolicy"], ALIKE, it => {
        let all = |sid: &str, who: &str| json!({"Sid": sid, "Effect": "Allow", "Principal": {"AWS": who}, "Action": "kms:*", "Resource": "*"});
        let policy = json!({"Version": "2012-10-17", "Statement": [all("first", OWN), all("theirs", FAR)]});
        send(it.cloud, OWN, kms::PutKeyPolicy { key: VAULT.to_owned(), policy: policy.to_string() }).await;
    }, ["PD001 keys.vault", "PD004 keys.vault"]),
    // ---- Topics.
    read!("topic.name", "name", ["sns:GetTopicAttributes"], GONE, it => send(it.cloud, OWN, sns::DeleteTopic { arn: NEWS.to_owned() }).await, ["PD002 topics.news"]),
    Row::Unread { fact: "topic.fifo", what: "first in, first out", why: "read back from `GetTopicAttributes` and compared; nobody can change it, for SNS fixes it at creation and ties it to the end of the name" },
    read!("topic.content_based_deduplication", "deduplication by content", ["sns:GetTopicAttributes"], Exactly, it => set_topic(it, LINE, "ContentBasedDeduplication", "false").await, ["PD001 topics.line"]),
    read!("topic.message_group_throughput", "throughput by message group", ["sns:GetTopicAttributes"], Exactly, it => set_topic(it, LINE, "FifoThroughputScope", "Topic").await, ["PD001 topics.line"]),
    read!("topic.display_name", "display name", ["sns:GetTopicAttributes"], Exactly, it => set_topic(it, NEWS, "DisplayName", "theirs").await, ["PD001 topics.news"]),
    read!("topic.kms_key", "KMS key", ["sns:GetTopicAttributes"], Exactly, it => set_topic(it, NEWS, "KmsMasterKeyId", "").await, ["PD001 topics.news"]),
    read!("topic.delivery_policy", "delivery policy", ["sns:GetTopicAttributes"], JSON, it => set_topic(it, NEWS, "DeliveryPolicy", "").await, ["PD001 topics.news"]),
    read!("topic.signature_version", "signature version", ["sns:GetTopicAttributes"], Exactly, it => set_topic(it, NEWS, "SignatureVersion", "1").await, ["PD001 topics.news"]),
    read!("topic.tracing", "tracing", ["sns:GetTopicAttributes"], Exactly, it => set_topic(it, NEWS, "TracingConfig", "PassThrough").await, ["PD001 topics.news"]),
    read!("topic.delivery_logs", "roles that log deliveries, where set", ["sns:GetTopicAttributes"], Exactly, it => set_topic(it, NEWS, "SQSFailureFeedbackRoleArn", "").await, ["PD001 topics.news"]),
    read!("topic.sample_rate", "rate of logged deliveries, where set", ["sns:GetTopicAttributes"], Exactly, it => set_topic(it, NEWS, "SQSSuccessFeedbackSampleRate", "1").await, ["PD001 topics.news"]),
    read!("topic.archive_policy", "archive policy, where set", ["sns:GetTopicAttributes"], JSON, it => set_topic(it, LINE, "ArchivePolicy", "{}").await, ["PD001 topics.line"]),
    read!("topic.policy", "access policy", ["sns:GetTopicAttributes"], ALIKE, it => {
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Sid": "theirs", "Effect": "Allow", "Principal": {"AWS": OWN}, "Action": "sns:Publish", "Resource": NEWS}]});
        set_topic(it, NEWS, "Policy", &policy.to_string()).await;
    }, ["PD001 topics.news", "PD004 topics.news"]),
    read!("topic.tags", "tags", ["sns:ListTagsForResource"], TAGS, it => send(it.cloud, OWN, sns::TagTopic {
        arn: NEWS.to_owned(), tags: owned(&[("owner", "them")]),
    }).await, ["PD001 topics.news"]),
    read!("topic.mark", "mark", ["sns:ListTagsForResource"], Exactly, it => send(it.cloud, OWN, sns::UntagTopic {
        arn: NEWS.to_owned(), keys: vec!["provision:stack".to_owned()],
    }).await, ["PD010 topics.news"]),
    // ---- Queues.
    read!("queue.name", "name", ["sqs:GetQueueAttributes"], GONE, it => send(it.cloud, FAR, sqs::DeleteQueue { name: "inbox".to_owned() }).await, ["PD002 queues.inbox"]),
    Row::Unread { fact: "queue.fifo", what: "first in, first out", why: "read back from `GetQueueAttributes` and compared; nobody can change it, for SQS fixes it at creation and ties it to the end of the name" },
    read!("queue.content_based_deduplication", "deduplication by content", ["sqs:GetQueueAttributes"], Exactly, it => set_queue(it, "line.fifo", &[("ContentBasedDeduplication", "false")]).await, ["PD001 queues.line"]),
    read!("queue.deduplication_scope", "deduplication by message group", ["sqs:GetQueueAttributes"], Exactly, it => set_queue(it, "line.fifo", &[("DeduplicationScope", "queue"), ("FifoThroughputLimit", "perQueue")]).await, ["PD001 queues.line"]),
    read!("queue.throughput_limit", "throughput by message group", ["sqs:GetQueueAttributes"], Exactly, it => set_queue(it, "line.fifo", &[("FifoThroughputLimit", "perQueue")]).await, ["PD001 queues.line"]),
    read!("queue.delay", "delay", ["sqs:GetQueueAttributes"], Exactly, it => set_queue(it, "inbox", &[("DelaySeconds", "0")]).await, ["PD001 queues.inbox"]),
    read!("queue.max_message_size", "largest message", ["sqs:GetQueueAttributes"], Exactly, it => set_queue(it, "inbox", &[("MaximumMessageSize", "1024")]).await, ["PD001 queues.inbox"]),
    read!("queue.retention", "retention", ["sqs:GetQueueAttributes"], Exactly, it => set_queue(it, "inbox", &[("MessageRetentionPeriod", "60")]).await, ["PD001 queues.inbox"]),
    read!("queue.receive_wait", "wait of a receive", ["sqs:GetQueueAttributes"], Exactly, it => set_queue(it, "inbox", &[("ReceiveMessageWaitTimeSeconds", "0")]).await, ["PD001 queues.inbox"]),
    read!("queue.visibility_timeout", "visibility timeout", ["sqs:GetQueueAttributes"], Exactly, it => set_queue(it, "inbox", &[("VisibilityTimeout", "7")]).await, ["PD001 queues.inbox"]),
    read!("queue.encryption", "encryption by keys of SQS", ["sqs:GetQueueAttributes"], Exactly, it => set_queue(it, "dead", &[("SqsManagedSseEnabled", "true")]).await, ["PD001 queues.dead"]),
    read!("queue.kms_key", "KMS key", ["sqs:GetQueueAttributes"], Exactly, it => set_queue(it, "inbox", &[("KmsMasterKeyId", "alias/theirs")]).await, ["PD001 queues.inbox"]),
    read!("queue.kms_reuse", "reuse of data keys", ["sqs:GetQueueAttributes"], Exactly, it => set_queue(it, "inbox", &[("KmsDataKeyReusePeriodSeconds", "60")]).await, ["PD001 queues.inbox"]),
    read!("queue.dead_letter", "dead-letter queue", ["sqs:GetQueueAttributes"], JSON, it => {
        let dead = json!({"deadLetterTargetArn": format!("arn:aws:sqs:eu-west-1:{FAR}:dead"), "maxReceiveCount": 9});
        set_queue(it, "inbox", &[("RedrivePolicy", &dead.to_string())]).await;
    }, ["PD001 queues.inbox"]),
    read!("queue.redrive_allow", "who may use it for dead letters", ["sqs:GetQueueAttributes"], JSON, it => set_queue(it, "inbox", &[("RedriveAllowPolicy", "{\"redrivePermission\":\"allowAll\"}")]).await, ["PD001 queues.inbox"]),
    read!("queue.policy", "access policy", ["sqs:GetQueueAttributes"], ALIKE, it => set_queue(it, "inbox", &[("Policy", "")]).await, ["PD001 queues.inbox"]),
    read!("queue.tags", "tags", ["sqs:ListQueueTags"], TAGS, it => send(it.cloud, FAR, sqs::TagQueue {
        name: "inbox".to_owned(), tags: owned(&[("owner", "them")]),
    }).await, ["PD001 queues.inbox"]),
    read!("queue.mark", "mark", ["sqs:ListQueueTags"], Exactly, it => send(it.cloud, FAR, sqs::UntagQueue {
        name: "inbox".to_owned(), keys: vec!["provision:stack".to_owned()],
    }).await, ["PD010 queues.inbox"]),
    // ---- Subscriptions.
    read!("subscription.topic", "topic", ["sns:ListSubscriptionsByTopic"], GONE, it => {
        let arn = subscription(it).await;
        send(it.cloud, FAR, sns::Unsubscribe { arn }).await;
    }, ["PD002 subscriptions.inbox.news"]),
    read!("subscription.queue", "queue", ["sns:ListSubscriptionsByTopic"], GONE, it => {
        let arn = subscription(it).await;
        send(it.cloud, FAR, sns::Unsubscribe { arn }).await;
    }, ["PD002 subscriptions.inbox.news"]),
    Row::Unread { fact: "subscription.protocol", what: "protocol", why: "always `sqs`; a subscription of another protocol has another endpoint, and is found as somebody else's (PD004)" },
    read!("subscription.raw", "raw delivery", ["sns:GetSubscriptionAttributes"], Exactly, it => set_subscription(it, "RawMessageDelivery", Some("false")).await, ["PD001 subscriptions.inbox.news"]),
    read!("subscription.filter", "filter", ["sns:GetSubscriptionAttributes"], JSON, it => set_subscription(it, "FilterPolicy", Some("{\"type\":[\"gone\"]}")).await, ["PD001 subscriptions.inbox.news"]),
    read!("subscription.filter_on_body", "what the filter reads", ["sns:GetSubscriptionAttributes"], Exactly, it => set_subscription(it, "FilterPolicyScope", Some("MessageAttributes")).await, ["PD001 subscriptions.inbox.news"]),
    read!("subscription.dead_letter", "dead-letter queue", ["sns:GetSubscriptionAttributes"], JSON, it => set_subscription(it, "RedrivePolicy", None).await, ["PD001 subscriptions.inbox.news"]),
    // ---- REST APIs.
    read!("api.id", "the API itself", ["apigateway:GetRestApis"], GONE, it => {
        let id = api_id(it, "inner").await;
        send(it.cloud, OWN, DeleteRestApi { id }).await;
    }, ["PD002 apis.inner"]),
    read!("api.name", "name", ["apigateway:GetRestApis"], Exactly, it => patch_api(it, "shop", Patch::replace("/name", "theirs")).await, ["PD001 apis.shop"]),
    read!("api.description", "description", ["apigateway:GetRestApis"], Exactly, it => patch_api(it, "shop", Patch::replace("/description", "theirs")).await, ["PD001 apis.shop"]),
    read!("api.endpoint", "endpoint type", ["apigateway:GetRestApis"], Exactly, it => patch_api(it, "shop", Patch::replace("/endpointConfiguration/types/REGIONAL", "EDGE")).await, ["PD001 apis.shop"]),
    read!("api.vpc_endpoints", "VPC endpoints", ["apigateway:GetRestApis"], ByMeaning("as a set"), it => patch_api(it, "inner", Patch::add("/endpointConfiguration/vpcEndpointIds", Some("vpce-0fedcba9876543210".to_owned()))).await, ["PD001 apis.inner"]),
    read!("api.binary_media_types", "binary media types", ["apigateway:GetRestApis"], ByMeaning("as a set"), it => patch_api(it, "shop", Patch::add("/binaryMediaTypes/image~1gif", None)).await, ["PD001 apis.shop"]),
    read!("api.minimum_compression", "smallest compressed body", ["apigateway:GetRestApis"], Exactly, it => patch_api(it, "shop", Patch::replace("/minimumCompressionSize", "2")).await, ["PD001 apis.shop"]),
    read!("api.api_key_source", "source of API keys", ["apigateway:GetRestApis"], Exactly, it => patch_api(it, "shop", Patch::replace("/apiKeySource", "AUTHORIZER")).await, ["PD001 apis.shop"]),
    read!("api.disable_execute_api", "host name switched off", ["apigateway:GetRestApis"], Exactly, it => patch_api(it, "shop", Patch::replace("/disableExecuteApiEndpoint", "false")).await, ["PD001 apis.shop"]),
    read!("api.policy", "resource policy", ["apigateway:GetRestApis"], ALIKE, it => patch_api(it, "shop", Patch::replace("/policy", "")).await, ["PD009 apis.shop"]),
    read!("api.tags", "tags", ["apigateway:GetRestApis"], TAGS, it => tag_api(it, "shop", false, &[("owner", "them")]).await, ["PD001 apis.shop"]),
    read!("api.mark", "mark", ["apigateway:GetRestApis"], Exactly, it => unmark_api(it, false).await, ["PD010 apis.shop"]),
    read!("api.document", "digest of the author's OpenAPI document", ["apigateway:GetRestApis"], Exactly, it => tag_api(it, "drawn", false, &[(SOURCE, "theirs")]).await, ["PD009 apis.drawn"]),
    read!("api.redeploy", "that a deployment is owed", ["apigateway:GetRestApis"], Exactly, it => tag_api(it, "shop", false, &[(REDEPLOY, "policy")]).await, ["PD005 stages.shop.prod"]),
    // ---- Routes.
    read!("route.path", "method and path", ["apigateway:GetResources"], Exactly, it => reimport(it, |body| {
        body["paths"].as_object_mut().expect("paths").remove("/health");
    }).await, ["PD009 apis.shop"]),
    read!("route.authorization", "authorizer", ["apigateway:GetResources"], Exactly, it => reimport(it, |body| {
        body["paths"]["/health"]["get"]["x-amazon-apigateway-auth"]["type"] = json!("NONE");
    }).await, ["PD009 apis.shop"]),
    read!("route.api_key_required", "API key", ["apigateway:GetResources"], Exactly, it => reimport(it, |body| {
        body["components"] = json!({"securitySchemes": {"key": {"type": "apiKey", "name": "x-api-key", "in": "header"}}});
        body["paths"]["/health"]["get"]["security"] = json!([{"key": []}]);
    }).await, ["PD009 apis.shop"]),
    read!("route.kind", "kind of integration", ["apigateway:GetResources"], Exactly, it => reimport(it, |body| {
        body["paths"]["/health"]["get"] = body["paths"]["/orders"]["post"].clone();
    }).await, ["PD009 apis.shop"]),
    read!("route.http_method", "method of the backend's call", ["apigateway:GetResources"], Exactly, it => integrate(it, ORDER, "httpMethod", json!("POST")).await, ["PD009 apis.shop"]),
    read!("route.uri", "backend", ["apigateway:GetResources"], Exactly, it => integrate(it, ORDER, "uri", json!("https://theirs.example.com/{id}")).await, ["PD009 apis.shop"]),
    read!("route.credentials", "role of the backend's call", ["apigateway:GetResources"], Exactly, it => integrate(it, LATER, "credentials", json!("arn:aws:iam::111111111111:role/theirs")).await, ["PD009 apis.shop"]),
    read!("route.timeout", "timeout", ["apigateway:GetResources"], Exactly, it => integrate(it, ORDER, "timeoutInMillis", json!(50)).await, ["PD009 apis.shop"]),
    read!("route.passthrough", "bodies no template is for", ["apigateway:GetResources"], Exactly, it => integrate(it, LATER, "passthroughBehavior", json!("WHEN_NO_MATCH")).await, ["PD009 apis.shop"]),
    read!("route.request_parameters", "parameters of the backend's call", ["apigateway:GetResources"], Exactly, it => integrate(it, ORDER, "requestParameters", json!({})).await, ["PD009 apis.shop"]),
    read!("route.request_templates", "templates of the backend's body", ["apigateway:GetResources"], Exactly, it => integrate(it, LATER, "requestTemplates", json!({"application/json": "Action=SendMessage"})).await, ["PD009 apis.shop"]),
    read!("route.responses", "status codes of answers", ["apigateway:GetResources"], Exactly, it => reimport(it, |body| {
        let health = &mut body["paths"]["/health"]["get"];
        health["responses"]["503"] = json!({"description": "503 response"});
        health[INTEGRATION]["responses"]["5.."] = json!({"statusCode": "503"});
    }).await, ["PD009 apis.shop"]),
    read!("route.response_templates", "templates of answers", ["apigateway:GetResources"], Exactly, it => reimport(it, |body| {
        body["paths"]["/health"]["get"][INTEGRATION]["responses"]["default"]["responseTemplates"] = json!({"application/json": "{}"});
    }).await, ["PD009 apis.shop"]),
    // ---- Stages.
    read!("stage.name", "name", ["apigateway:GetStages"], GONE, it => {
        let id = api_id(it, "shop").await;
        send(it.cloud, OWN, DeleteStage { id, stage: "prod".to_owned() }).await;
    }, ["PD002 stages.shop.prod"]),
    read!("stage.description", "description", ["apigateway:GetStages"], Exactly, it => patch_stage(it, "/description", "theirs").await, ["PD001 stages.shop.prod"]),
    read!("stage.variables", "variables", ["apigateway:GetStages"], Exactly, it => patch_stage(it, "/variables/colour", "red").await, ["PD001 stages.shop.prod"]),
    read!("stage.tracing", "tracing", ["apigateway:GetStages"], Exactly, it => patch_stage(it, "/tracingEnabled", "false").await, ["PD001 stages.shop.prod"]),
    read!("stage.rate", "rate", ["apigateway:GetStages"], ByMeaning("the account's own rate is none"), it => patch_stage(it, "/*/*/throttling/rateLimit", "1").await, ["PD001 stages.shop.prod"]),
    read!("stage.burst", "burst", ["apigateway:GetStages"], ByMeaning("the account's own burst is none"), it => patch_stage(it, "/*/*/throttling/burstLimit", "1").await, ["PD001 stages.shop.prod"]),
    read!("stage.log_level", "log level", ["apigateway:GetStages"], Exactly, it => patch_stage(it, "/*/*/logging/loglevel", "INFO").await, ["PD001 stages.shop.prod"]),
    read!("stage.data_trace", "whole requests in logs", ["apigateway:GetStages"], Exactly, it => patch_stage(it, "/*/*/logging/dataTrace", "false").await, ["PD001 stages.shop.prod"]),
    read!("stage.metrics", "metrics", ["apigateway:GetStages"], Exactly, it => patch_stage(it, "/*/*/metrics/enabled", "false").await, ["PD001 stages.shop.prod"]),
    read!("stage.access_log", "where access logs go", ["apigateway:GetStages"], ByMeaning("a log group with and without `:*` is one"), it => patch_stage(it, "/accessLogSettings/destinationArn", "arn:aws:logs:eu-west-1:111111111111:log-group:theirs").await, ["PD001 stages.shop.prod"]),
    read!("stage.access_log_format", "format of access logs", ["apigateway:GetStages"], Exactly, it => patch_stage(it, "/accessLogSettings/format", "$context.extendedRequestId").await, ["PD001 stages.shop.prod"]),
    read!("stage.deployment", "what is deployed", ["apigateway:GetDeployment"], ByMeaning("the digest that our own deployment is described by, and AWS's summary of each method's authorizer"), it => {
        let id = api_id(it, "shop").await;
        send(it.cloud, OWN, CreateDeployment { id, stage: "prod".to_owned(), description: "by hand".to_owned(), variables: Tags::new() }).await;
    }, ["PD001 stages.shop.prod"]),
    read!("stage.superseded", "deployments that no stage serves", ["apigateway:GetDeployments"], Exactly, it => {
        let id = api_id(it, "shop").await;
        let again = |description: &str| CreateDeployment { id: id.clone(), stage: "prod".to_owned(), description: description.to_owned(), variables: Tags::new() };
        let Resource::Stage(want) = &it.desired.wants[&address("stages.shop.prod")].resource else { panic!("a stage") };
        let ours = format!("provision {}", want.surface);
        send(it.cloud, OWN, again(&ours)).await;
    }, ["PD001 stages.shop.prod"]),
    read!("stage.tags", "tags", ["apigateway:GetStages"], TAGS, it => tag_api(it, "shop", true, &[("owner", "them")]).await, ["PD001 stages.shop.prod"]),
    read!("stage.mark", "mark", ["apigateway:GetStages"], Exactly, it => unmark_api(it, true).await, ["PD001 stages.shop.prod"]),
    // ---- What is not compared, and why.
    Row::Unread { fact: "mark.digest", what: "digest of what was last applied", why: "it is not compared but asked: it tells whether AWS moved or the stack did. One that is gone or another's is written again by the next apply" },
    Row::Unread { fact: "mark.owned", what: "which tags and policies were the stack's", why: "it is not compared but asked, when a tag or managed policy leaves the stack. Without it the next apply leaves them where they are, and shows them as somebody else's (PD004)" },
    Row::Unread { fact: "key.attribute", what: "an attribute's name", why: "it says which field is set; the field has a row of its own" },
    Row::Unread { fact: "key.overwrite", what: "that an import overwrites", why: "it says how to write, and nothing of it stays" },
    Row::Unread { fact: "key.fail_on_warnings", what: "that an import fails where AWS would leave something out", why: "it says how to write, and nothing of it stays" },
    Row::Unread { fact: "document.form", what: "OpenAPI's version, the document's own version, and a server without an address", why: "a document has to say them; API Gateway makes nothing of them" },
    Row::Unread { fact: "document.parameters", what: "path parameters of a method", why: "they follow from the path, and are written with it; taking one away by hand is not seen, as long as the integration that uses it is as it was" },
    Row::Unread { fact: "document.responses", what: "status codes a method declares", why: "each stands beside an integration's answer of the same status, which is read and compared; taking the declaration alone away by hand is not seen" },
    Row::Unread { fact: "document.rest", what: "models, parameters, and what else an author's own OpenAPI document says", why: "`GetResources` does not show it. A change of the document is seen by its digest (`api.document`); routes, authorizers, integrations and policy are read and compared as those of any API" },
];
