//! What something else made, with every setting there is, is taken over and changed in one thing of ours.
//!
//! All else must stay as it is. The names of the settings are held against the SDK's own list where it has
//! one, and against those that this program writes: a setting that is added to either fails here first.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_sqs::types::QueueAttributeName;
use futures::stream;
use provision::cloud::apigateway::{
    CreateDeployment, CreateRestApi, GetApiResources, GetRestApis, GetStages, Patch, PutRestApi,
    UpdateRestApi, UpdateStage,
};
use provision::cloud::iam::{
    AccountDetail, AttachRolePolicy, CreateRole, GetAccountAuthorizationDetails, ListRoles,
    PutRolePolicy,
};
use provision::cloud::sns::{
    CreateTopic, GetSubscriptionAttributes, GetTopicAttributes, ListTopicTags, SetTopicAttributes,
    Subscribe,
};
use provision::cloud::sqs::{CreateQueue, GetQueueAttributes, ListQueueTags, SetQueueAttributes};
use provision::cloud::{Cloud, Request, Seam};
use provision::drift::Finding;
use provision::execute;
use provision::import::{self, AccountEntry, Order};
use provision::kinds::survey;
use provision::kinds::survey::census::census;
use provision::lower::Desired;
use provision::model::{Arn, Place, Tags};
use provision::plan::adopt::{Adopt, take_over};
use provision::plan::{Consent, Plan};
use provision::policy::Document;
use provision::stack::OPTIONAL_OF_TOPICS;
use serde_json::{Value, json};

use crate::world::{coded, drift, wanted};
use crate::{World, json as parsed, map};

crate::scenarios! {
    taking_over_and_changing_one_thing_leaves_every_other_setting,
    what_is_added_after_something_was_taken_over_is_reported,
}

/// What a queue shows and nobody sets.
const SHOWN_OF_QUEUES: [&str; 7] = [
    "All",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "QueueArn",
];

/// Settings of topics that a stack has no words for.
const UNSAID_OF_TOPICS: [&str; 1] = ["MaximumMessageSize"];

/// Settings of subscriptions, those that a stack has no words for among them.
const OF_SUBSCRIPTIONS: [&str; 7] = [
    "DeliveryPolicy",
    "FilterPolicy",
    "FilterPolicyScope",
    "RawMessageDelivery",
    "RedrivePolicy",
    "ReplayPolicy",
    "SubscriptionRoleArn",
];

fn arn(at: &Place, service: &str, name: &str) -> String {
    Arn::regional(at, service, name).to_string()
}

/// A statement of another tool's, for a resource.
fn theirs(at: &Place, action: &str, resource: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "theirs",
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{}:root", at.id) },
            "Action": action,
            "Resource": resource,
        }],
    })
    .to_string()
}

/// The settings of the topics, by their names.
fn topics(at: &Place) -> Vec<(&'static str, BTreeMap<String, String>)> {
    let role = format!("arn:aws:iam::{}:role/theirs/worker", at.id);
    let policy = theirs(at, "sns:Publish", &arn(at, "sns", "events"));
    let mut events = map([
        ("DisplayName", "Theirs"),
        (
            "DeliveryPolicy",
            r#"{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":5,"maxDelayTarget":9,"numRetries":4}}}"#,
        ),
        ("KmsMasterKeyId", "alias/theirs"),
        ("SignatureVersion", "2"),
        ("TracingConfig", "Active"),
        ("MaximumMessageSize", "2048"),
        ("Policy", &policy),
    ]);
    for (_, name) in OPTIONAL_OF_TOPICS {
        let value = if name.ends_with("SampleRate") {
            "7"
        } else {
            &role
        };
        if name != "ArchivePolicy" {
            events.insert(name.to_owned(), value.to_owned());
        }
    }
    let ordered = map([
        ("FifoTopic", "true"),
        ("ContentBasedDeduplication", "true"),
        ("FifoThroughputScope", "MessageGroup"),
        ("ArchivePolicy", r#"{"MessageRetentionPeriod":"30"}"#),
    ]);
    vec![("events", events), ("ordered.fifo", ordered)]
}

/// The settings of the queues, by their names; a dead-letter queue comes before the one that names it.
fn queues(at: &Place) -> Vec<(&'static str, BTreeMap<String, String>)> {
    let policy = theirs(at, "sqs:SendMessage", &arn(at, "sqs", "jobs"));
    let dead = json!({"redrivePermission": "byQueue", "sourceQueueArns": [arn(at, "sqs", "jobs")]});
    let redrive =
        json!({"deadLetterTargetArn": arn(at, "sqs", "dead"), "maxReceiveCount": 4}).to_string();
    vec![
        (
            "dead",
            map([
                ("SqsManagedSseEnabled", "false"),
                ("RedriveAllowPolicy", &dead.to_string()),
            ]),
        ),
        (
            "jobs",
            map([
                ("DelaySeconds", "5"),
                ("MaximumMessageSize", "2048"),
                ("MessageRetentionPeriod", "3600"),
                ("ReceiveMessageWaitTimeSeconds", "3"),
                ("VisibilityTimeout", "60"),
                ("KmsMasterKeyId", "alias/theirs"),
                ("KmsDataKeyReusePeriodSeconds", "600"),
                ("RedrivePolicy", &redrive),
                ("Policy", &policy),
            ]),
        ),
        (
            "ordered.fifo",
            map([
                ("FifoQueue", "true"),
                ("ContentBasedDeduplication", "true"),
                ("DeduplicationScope", "messageGroup"),
                ("FifoThroughputLimit", "perMessageGroupId"),
            ]),
        ),
    ]
}

/// The settings of the subscriptions, by their topics and queues.
fn subscriptions(at: &Place) -> Vec<([&'static str; 2], BTreeMap<String, String>)> {
    let dead = json!({"deadLetterTargetArn": arn(at, "sqs", "dead")}).to_string();
    let role = format!("arn:aws:iam::{}:role/theirs/worker", at.id);
    let jobs = map([
        ("RawMessageDelivery", "true"),
        (
            "FilterPolicy",
            r#"{"order":{"total":[{"numeric":[">",5]}]}}"#,
        ),
        ("FilterPolicyScope", "MessageBody"),
        ("RedrivePolicy", &dead),
        (
            "DeliveryPolicy",
            r#"{"healthyRetryPolicy":{"minDelayTarget":1,"maxDelayTarget":2,"numRetries":5}}"#,
        ),
        ("SubscriptionRoleArn", &role),
    ]);
    let replay = r#"{"PointType":"Timestamp","StartingPoint":"2026-01-01T00:00:00.000Z"}"#;
    vec![
        (["events", "jobs"], jobs),
        (
            ["ordered.fifo", "ordered.fifo"],
            map([("ReplayPolicy", replay)]),
        ),
    ]
}

/// The settings of the stage, as patches.
fn of_stage(at: &Place) -> Vec<Patch> {
    let logs = format!("arn:aws:logs:{}:{}:log-group:calls", at.region, at.id);
    [
        ("/description", "theirs"),
        ("/tracingEnabled", "true"),
        ("/variables/colour", "blue"),
        ("/accessLogSettings/destinationArn", &logs),
        ("/accessLogSettings/format", "$context.requestId"),
        ("/*/*/metrics/enabled", "true"),
        ("/*/*/logging/loglevel", "INFO"),
        ("/*/*/logging/dataTrace", "true"),
        ("/*/*/throttling/rateLimit", "50"),
        ("/*/*/throttling/burstLimit", "20"),
        ("/*/*/caching/enabled", "true"),
        ("/*/*/caching/ttlInSeconds", "60"),
        ("/*/*/caching/dataEncrypted", "true"),
        ("/*/*/caching/requireAuthorizationForCacheControl", "false"),
        (
            "/*/*/caching/unauthorizedCacheControlHeaderStrategy",
            "FAIL_WITH_403",
        ),
        ("/~1orders/GET/throttling/rateLimit", "1"),
        ("/~1orders/GET/caching/ttlInSeconds", "9"),
    ]
    .map(|(path, value)| Patch::replace(path, value))
    .to_vec()
}

#[test]
fn every_setting_that_there_is_is_set() {
    let at = crate::place("a");
    let keys = |all: &[BTreeMap<String, String>]| -> BTreeSet<String> {
        all.iter().flat_map(|it| it.keys().cloned()).collect()
    };
    let settings = |all: Vec<(&str, BTreeMap<String, String>)>| {
        keys(&all.into_iter().map(|it| it.1).collect::<Vec<_>>())
    };
    let of_sdk = QueueAttributeName::values();
    let of_sdk = of_sdk.iter().filter(|it| !SHOWN_OF_QUEUES.contains(it));
    assert_eq!(
        settings(queues(&at)),
        of_sdk.map(|it| (*it).to_owned()).collect()
    );
    let desired = wanted(&[
        "[stack]\nname = \"one\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"111111111111\"\n\
         [topics.one]\nfifo = true\n",
    ]);
    let written = desired.wants.values().find_map(|it| match &it.resource {
        provision::kinds::Resource::Topic(it) => Some(it.encode().into_keys()),
        _ => None,
    });
    let optional = OPTIONAL_OF_TOPICS.iter().map(|it| it.1.to_owned());
    let mut known: BTreeSet<String> = written.expect("a topic").chain(optional).collect();
    known.extend(UNSAID_OF_TOPICS.map(str::to_owned));
    known.insert("Policy".to_owned());
    assert_eq!(settings(topics(&at)), known);
    let of_subscriptions: Vec<_> = subscriptions(&at).into_iter().map(|it| it.1).collect();
    assert_eq!(
        keys(&of_subscriptions),
        OF_SUBSCRIPTIONS.map(str::to_owned).into()
    );
}

const POLICY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

/// Makes everything; the ids of the subscriptions and of the API.
async fn make(w: &World<'_>) -> (Vec<String>, String) {
    let at = &w.a;
    let tags = map([("team", "theirs"), ("empty", "")]);
    let allowing = |action: &str| {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}).to_string()
    };
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": at.id}},
    }]});
    w.ok(
        at,
        CreateRole {
            name: "worker".to_owned(),
            path: "/theirs/".to_owned(),
            trust: trust.to_string(),
            description: Some("Theirs".to_owned()),
            max_session: 7200,
            boundary: Some(POLICY.to_owned()),
            tags: tags.clone(),
        },
    )
    .await;
    let name = || "worker".to_owned();
    let put = PutRolePolicy {
        name: name(),
        policy: "theirs".to_owned(),
        document: allowing("s3:GetObject"),
    };
    w.ok(at, put).await;
    let attach = AttachRolePolicy {
        name: name(),
        policy: POLICY.to_owned(),
    };
    w.ok(at, attach).await;
    w.settle().await;
    for (name, attributes) in topics(at) {
        let (name, tags) = (name.to_owned(), tags.clone());
        w.ok(
            at,
            CreateTopic {
                name,
                attributes,
                tags,
            },
        )
        .await;
    }
    for (name, attributes) in queues(at) {
        let (name, tags) = (name.to_owned(), tags.clone());
        w.ok(
            at,
            CreateQueue {
                name,
                attributes,
                tags,
            },
        )
        .await;
    }
    let mut made = Vec::new();
    for ([topic, queue], attributes) in subscriptions(at) {
        let call = Subscribe {
            topic: arn(at, "sns", topic),
            protocol: "sqs".to_owned(),
            endpoint: arn(at, "sqs", queue),
            attributes,
        };
        made.push(w.ok(at, call).await);
    }
    (made, make_api(w, &tags).await)
}

async fn make_api(w: &World<'_>, tags: &Tags) -> String {
    let at = &w.a;
    let api = CreateRestApi {
        name: "orders".to_owned(),
        description: Some("Theirs".to_owned()),
        policy: Some(theirs(at, "execute-api:Invoke", "execute-api:/*")),
        endpoint_type: "REGIONAL".to_owned(),
        vpc_endpoints: vec![],
        binary_media_types: vec!["image/png".to_owned()],
        minimum_compression: Some(64),
        api_key_source: "HEADER".to_owned(),
        disable_execute_api: true,
        tags: tags.clone(),
    };
    let id = w.ok(at, api).await.id;
    let body = json!({
        "openapi": "3.0.1",
        "info": {"title": "orders", "version": "2024-01-01"},
        "paths": {"/orders": {"get": {
            "responses": {"200": {"description": "200 response"}},
            "security": [{"sigv4": []}],
            "x-amazon-apigateway-auth": {"type": "AWS_IAM"},
            "x-amazon-apigateway-integration": {
                "type": "mock", "passthroughBehavior": "when_no_match",
                "requestTemplates": {"application/json": "{\"statusCode\": 200}"},
                "responses": {"default": {"statusCode": "200"}},
            },
        }}},
        "components": {"securitySchemes": {"sigv4": {
            "type": "apiKey", "name": "Authorization", "in": "header", "x-amazon-apigateway-authtype": "awsSigv4",
        }}},
    });
    let put = PutRestApi {
        id: id.clone(),
        overwrite: false,
        fail_on_warnings: true,
        body: body.to_string(),
    };
    w.ok(at, put).await;
    let deploy = CreateDeployment {
        id: id.clone(),
        stage: "live".to_owned(),
        description: "theirs".to_owned(),
        variables: Tags::new(),
    };
    w.ok(at, deploy).await;
    let set = UpdateStage {
        id: id.clone(),
        stage: "live".to_owned(),
        patches: of_stage(at),
    };
    w.ok(at, set).await;
    id
}

/// Everything that can be read of what was made, a setting each; but marks, and what AWS counts by itself.
async fn picture(w: &World<'_>, made: &(Vec<String>, String)) -> BTreeMap<String, Value> {
    let at = &w.a;
    let mut all = Value::Null;
    for (name, _) in topics(at) {
        let arn = arn(at, "sns", name);
        all["topics"][name] = json!(w.ok(at, GetTopicAttributes { arn: arn.clone() }).await);
        all["topics"][name]["tags"] = json!(w.ok(at, ListTopicTags { arn }).await);
    }
    for (name, _) in queues(at) {
        let owned = || name.to_owned();
        all["queues"][name] = json!(w.ok(at, GetQueueAttributes { name: owned() }).await);
        all["queues"][name]["tags"] = json!(w.ok(at, ListQueueTags { name: owned() }).await);
    }
    for (number, arn) in made.0.iter().enumerate() {
        let arn = arn.clone();
        let found = w.ok(at, GetSubscriptionAttributes { arn }).await;
        all["subscriptions"][number.to_string()] = json!(found);
    }
    let ask = |marker| GetAccountAuthorizationDetails { marker };
    let roles = w.all(at, ask).await.into_iter();
    for it in roles
        .filter_map(AccountDetail::role)
        .filter(|it| it.name == "worker")
    {
        let plain = |it: &str| Document::parse_encoded(it).expect("a document").to_text();
        let inline: BTreeMap<_, _> = it.inline.iter().map(|it| (it.0, plain(it.1))).collect();
        all["role"] = json!({
            "path": it.path, "id": it.id, "trust": plain(&it.trust), "inline": inline, "attached": it.attached,
            "boundary": it.boundary, "tags": it.tags,
        });
    }
    let ask = |marker| ListRoles {
        path_prefix: "/theirs/".to_owned(),
        marker,
    };
    let listed = w.all(at, ask).await;
    all["role"]["description"] = json!(listed[0].description);
    all["role"]["max_session"] = json!(listed[0].max_session);
    let id = made.1.clone();
    let apis = w.all(at, |position| GetRestApis { position }).await;
    all["api"] = json!(apis.into_iter().find(|it| it.id == id));
    let ask = |position| GetApiResources {
        id: id.clone(),
        position,
    };
    for it in w.all(at, ask).await {
        all["routes"][&it.path] = json!(it.methods);
    }
    all["stage"] = json!(w.ok(at, GetStages { id: made.1.clone() }).await[0]);
    let mut found = BTreeMap::new();
    walk("", &all, &mut found);
    // Statements of ours have a `Sid` that begins so; a document that they come to has the newer version.
    let own = [
        "LastModifiedTimestamp",
        "/Approximate",
        "/provision:",
        "stage/deployment",
        "/Statement/Provision",
        "/Policy/Version",
    ];
    found.retain(|path, _| !own.iter().any(|it| path.contains(it)));
    found
}

/// Every value by its path; texts that hold JSON are taken apart too.
fn walk(path: &str, value: &Value, found: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, it) in fields {
                walk(&format!("{path}/{key}"), it, found);
            }
        }
        Value::String(text) if text.starts_with('{') => {
            walk(path, &parsed(&text.replace("\\\"", "\"")), found);
        }
        Value::Array(items) if path.ends_with("/Statement") => {
            for it in items {
                walk(
                    &format!("{path}/{}", it["Sid"].as_str().unwrap_or_default()),
                    it,
                    found,
                );
            }
        }
        other => {
            found.insert(path.to_owned(), other.clone());
        }
    }
}

/// The stack that an import writes, and what it takes over.
async fn imported(w: &World<'_>) -> (String, Vec<Adopt>) {
    let accounts = [AccountEntry {
        place: w.a.clone(),
        role: None,
    }];
    let places = BTreeSet::from([w.a.clone()]);
    let found = census("ours", &places, &|_| true, w.cloud).await;
    let written = import::write(
        &Order {
            stack: "ours",
            accounts: &accounts,
            names: &BTreeMap::new(),
            lent: &BTreeMap::new(),
        },
        &found.expect("read"),
    )
    .expect("written");
    assert_eq!(written.adopt.len(), 7, "{:?}", written.left_out);
    (written.text, written.adopt)
}

/// Applies; which fields changed, by address.
pub(crate) async fn apply(cloud: &dyn Cloud, desired: &Desired, adopt: &[Adopt]) -> Vec<String> {
    let seam = Seam::around(cloud).unpaced();
    let live = survey::survey(&desired.stack, &desired.wants, &desired.reached(), &seam).await;
    let live = live.expect("read");
    let consent = Consent {
        adopt: adopt.iter().map(|it| it.address.clone()).collect(),
        ..Consent::default()
    };
    let plan = Plan::between(desired, &live, &consent);
    assert_eq!(plan.refusals, []);
    let outcomes = execute::run(&plan, &seam, live.ids(), stream::pending(), &|_| ()).await;
    assert!(outcomes.all_done(), "{outcomes:#?}");
    let steps = plan.to_do().flat_map(|step| {
        let fields = step.changes.iter();
        fields
            .map(|it| format!("{} {}", step.address, it.field))
            .collect::<Vec<_>>()
    });
    steps.collect()
}

/// The paths of what is otherwise now.
fn changed(before: &BTreeMap<String, Value>, after: &BTreeMap<String, Value>) -> Vec<String> {
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs = |it: &&String| before.get(*it) != after.get(*it);
    paths.into_iter().filter(differs).cloned().collect()
}

/// What drift finds: codes and addresses, with what is said of each.
async fn found(w: &World<'_>, desired: &Desired) -> Vec<String> {
    let findings = drift(desired, w.cloud).await.findings;
    let said = |it: &Finding| format!("{}: {}", coded(it), it.lines.join("; "));
    findings.iter().map(said).collect()
}

/// Takes over what was made; the stack that did.
async fn adopted(w: &World<'_>) -> (String, Desired) {
    let (text, adopt) = imported(w).await;
    let mut desired = wanted(&[&text]);
    take_over(&mut desired, &adopt);
    apply(w.cloud, &desired, &adopt).await;
    (text, desired)
}

/// A stack's text with another value for a key of a table.
fn said_otherwise(text: &str, table: &str, key: &str, value: &str) -> String {
    let (before, rest) = text.split_once(&format!("[{table}]\n")).expect("the table");
    let is_it = |it: &&str| it.split_whitespace().next() == Some(key);
    let line = rest.lines().find(is_it).expect("the key");
    let rest = rest.replacen(line, &format!("{key} = {value}"), 1);
    format!("{before}[{table}]\n{rest}")
}

async fn taking_over_and_changing_one_thing_leaves_every_other_setting(w: &World<'_>) {
    let made = make(w).await;
    let before = picture(w, &made).await;
    let (text, desired) = adopted(w).await;
    let adopted = picture(w, &made).await;
    assert_eq!(
        changed(&before, &adopted),
        ["/stage/tags", "/stage/tags/empty", "/stage/tags/team"],
        "{text}"
    );
    assert_eq!(found(w, &desired).await, [""; 0]);
    let mut changed_text = text.clone();
    for (table, key, value) in [
        ("topics.events", "display_name", "\"Ours\""),
        ("queues.jobs", "delay", "\"6s\""),
        ("roles.worker", "description", "\"Ours\""),
    ] {
        changed_text = said_otherwise(&changed_text, table, key, value);
    }
    for gone in ["raw = true, ", "rate = 50, burst = 20, "] {
        assert!(changed_text.contains(gone), "{gone}: {changed_text}");
        changed_text = changed_text.replace(gone, "");
    }
    apply(w.cloud, &wanted(&[&changed_text]), &[]).await;
    let after = picture(w, &made).await;
    assert_eq!(
        changed(&adopted, &after),
        [
            "/queues/jobs/DelaySeconds",
            "/role/description",
            "/stage/methods/*/*/burst",
            "/stage/methods/*/*/rate",
            "/subscriptions/0/RawMessageDelivery",
            "/topics/events/DisplayName",
        ],
        "{changed_text}"
    );
}

async fn what_is_added_after_something_was_taken_over_is_reported(w: &World<'_>) {
    let (_, api) = make(w).await;
    let (_, desired) = adopted(w).await;
    let mut before = found(w, &desired).await;
    assert_eq!(before, [""; 0]);
    let at = &w.a;
    let name = |it: &str| it.to_owned();
    let anybody =
        |action: &str, resource: &str| theirs(at, action, resource).replace("theirs", "more");
    let topic = arn(at, "sns", "events");
    let set_topic = |attribute: &str, value: String| {
        Request::SetTopicAttributes(SetTopicAttributes {
            arn: topic.clone(),
            name: attribute.to_owned(),
            value,
        })
    };
    let set_queue = |queue: &str, attribute: &str, value: String| {
        Request::SetQueueAttributes(SetQueueAttributes {
            name: queue.to_owned(),
            attributes: map([(attribute, &value)]),
        })
    };
    let patch = |path: &str, value: &str| {
        Request::UpdateStage(UpdateStage {
            id: api.clone(),
            stage: name("live"),
            patches: vec![Patch::replace(path, value)],
        })
    };
    // Added beside what is there, as by hand.
    let part = |name: &str, value: Value| {
        let mut document = json!({"openapi": "3.0.1", "info": {"title": "orders"}, "paths": {}});
        document[name] = value;
        Request::PutRestApi(PutRestApi {
            id: api.clone(),
            overwrite: false,
            fail_on_warnings: false,
            body: document.to_string(),
        })
    };
    let all = [
        ("model `Order`", part("components", json!({"schemas": {"Order": {"type": "object"}}}))),
        ("request validator `body`", part("x-amazon-apigateway-request-validators", json!({"body": {"validateRequestBody": true}}))),
        ("gateway response `DEFAULT_4XX`", part("x-amazon-apigateway-gateway-responses", json!({"DEFAULT_4XX": {"statusCode": 400}}))),
        ("roles.worker", Request::PutRolePolicy(PutRolePolicy {
            name: name("worker"),
            policy: name("more"),
            document: json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}]}).to_string(),
        })),
        ("roles.worker", Request::AttachRolePolicy(AttachRolePolicy {
            name: name("worker"),
            policy: "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole".to_owned(),
        })),
        ("topics.events", set_topic("SQSSuccessFeedbackSampleRate", name("8"))),
        ("topics.events", set_topic("Policy", anybody("sns:Publish", &topic))),
        ("queues.dead", set_queue("dead", "MessageRetentionPeriod", name("600"))),
        ("queues.jobs", set_queue("jobs", "Policy", anybody("sqs:SendMessage", &arn(at, "sqs", "jobs")))),
        ("subscriptions.dead.events", Request::Subscribe(Subscribe {
            topic: topic.clone(),
            protocol: name("sqs"),
            endpoint: arn(at, "sqs", "dead"),
            attributes: map([]),
        })),
        ("stages.orders.live", patch("/~1orders/GET/throttling/rateLimit", "2")),
        ("stages.orders.live", patch("/variables/more", "1")),
        ("apis.orders", Request::UpdateRestApi(UpdateRestApi {
            id: api.clone(),
            patches: vec![Patch::replace("/policy", theirs(at, "execute-api:Invoke", "execute-api:/live/GET/orders"))],
        })),
        ("apis.orders", Request::CreateDeployment(CreateDeployment {
            id: api.clone(),
            stage: name("more"),
            description: name("by hand"),
            variables: map([]),
        })),
    ];
    for (of, call) in all {
        let said = format!("{call:?}");
        w.cloud.send(at, call).await.expect("it comes off");
        let after = found(w, &desired).await;
        let new = after
            .iter()
            .find(|it| !before.contains(it) && it.contains(of));
        assert!(new.is_some(), "{said}: {after:#?}");
        before = after;
    }
}
