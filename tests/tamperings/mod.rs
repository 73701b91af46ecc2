//! One table of what people do to resources behind the stack's back, and what drift says of it.
//!
//! Each row is done to a stack that was just applied: drift must find just what the row says,
//! code and severity; `--revert` of what was found must leave nothing to find. The deeds are
//! requests across the cloud's seam: `tests/road/` tries them on the sandbox, and `tests/access/`
//! through the SDK on the emulator.

use std::collections::BTreeMap;

use futures::future::LocalBoxFuture;
use futures::stream;
use provision::cloud::apigateway::{Patch, UpdateRestApi, UpdateStage};
use provision::cloud::{Cloud, Seam, iam, kms, sns, sqs};
use provision::drift::Drift;
use provision::drift::revert::{Selector, revert};
use provision::execute;
use provision::kinds::survey::Reading;
use provision::lower::Desired;
use provision::model::KindName;
use serde_json::{Value, json};

use crate::operator::{
    BILLING, ORDERS, QUEUE, SHOP, TOPIC, anybody, api_id, crown, delete_api, delete_deployment,
    delete_role, delete_stage, deploy, deployments, make_queue, make_role, make_topic, remake_role,
    rewrite_topic, send, set_api_policy, subscriptions, unsign,
};
use crate::world::{coded, text_of, wanted};

pub(crate) type Deed = for<'a> fn(&'a dyn Cloud) -> LocalBoxFuture<'a, ()>;

/// Something that was done, and the code, address and severity of all that is found.
pub(crate) struct Tampering {
    pub(crate) name: &'static str,
    pub(crate) of: KindName,
    pub(crate) deed: Deed,
    pub(crate) found: &'static [&'static str],
}

/// The key: its id is the test's choice, on either cloud.
pub(crate) const VAULT: &str =
    "arn:aws:kms:eu-west-1:333333333333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const ACCESS: &str = "provision-marketplace.access";
const INVOICER: &str = "marketplace-orders-for-invoicer";

fn document(statement: &Value) -> String {
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

fn allow(action: &str, resource: &str) -> String {
    document(&json!({"Effect": "Allow", "Action": action, "Resource": resource}))
}

async fn put_policy(it: &dyn Cloud, account: &str, role: &str, policy: &str, document: String) {
    let call = iam::PutRolePolicy {
        name: role.to_owned(),
        policy: policy.to_owned(),
        document,
    };
    send(it, account, call).await;
}

async fn attach(it: &dyn Cloud, policy: &str) {
    let call = iam::AttachRolePolicy {
        name: "checkout".to_owned(),
        policy: format!("arn:aws:iam::aws:policy/{policy}"),
    };
    send(it, SHOP, call).await;
}

async fn trust(it: &dyn Cloud, account: &str, role: &str, effect: &str, principal: Value) {
    let statement = json!({"Effect": effect, "Principal": principal, "Action": "sts:AssumeRole"});
    let call = iam::UpdateAssumeRolePolicy {
        name: role.to_owned(),
        document: document(&statement),
    };
    send(it, account, call).await;
}

async fn set_topic(it: &dyn Cloud, name: &str, value: &str) {
    let call = sns::SetTopicAttributes {
        arn: TOPIC.to_owned(),
        name: name.to_owned(),
        value: value.to_owned(),
    };
    send(it, ORDERS, call).await;
}

async fn set_queue(it: &dyn Cloud, name: &str, value: &str) {
    let call = sqs::SetQueueAttributes {
        name: "billing-inbox".to_owned(),
        attributes: [(name.to_owned(), value.to_owned())].into(),
    };
    send(it, BILLING, call).await;
}

fn decrypt(sid: &str, effect: &str, principal: &Value) -> Value {
    json!({"Sid": sid, "Effect": effect, "Principal": principal, "Action": "kms:Decrypt", "Resource": "*"})
}

async fn rewrite_key(it: &dyn Cloud, change: impl Fn(&mut Vec<Value>)) {
    let key = VAULT.to_owned();
    let text = send(it, ORDERS, kms::GetKeyPolicy { key: key.clone() }).await;
    let mut policy: Value = serde_json::from_str(&text).expect("JSON");
    change(policy["Statement"].as_array_mut().expect("a list"));
    let policy = policy.to_string();
    send(it, ORDERS, kms::PutKeyPolicy { key, policy }).await;
}

async fn rewrite_queue(it: &dyn Cloud, change: impl Fn(&mut Vec<Value>)) {
    let name = "billing-inbox".to_owned();
    let found = send(it, BILLING, sqs::GetQueueAttributes { name }).await;
    let mut policy: Value = serde_json::from_str(&found["Policy"]).expect("JSON");
    change(policy["Statement"].as_array_mut().expect("a list"));
    set_queue(it, "Policy", &policy.to_string()).await;
}

async fn set_subscription(it: &dyn Cloud, name: &str, value: &str) {
    let call = sns::SetSubscriptionAttributes {
        arn: subscriptions(it).await.remove(0).arn,
        name: name.to_owned(),
        value: Some(value.to_owned()),
    };
    send(it, BILLING, call).await;
}

async fn patch_api(it: &dyn Cloud, patch: Patch) {
    let id = api_id(it).await;
    let patches = vec![patch];
    send(it, ORDERS, UpdateRestApi { id, patches }).await;
}

async fn patch_stage(it: &dyn Cloud, path: &str, value: &str) {
    let call = UpdateStage {
        id: api_id(it).await,
        stage: "live".to_owned(),
        patches: vec![Patch::replace(path, value)],
    };
    send(it, ORDERS, call).await;
}

async fn open_api(it: &dyn Cloud) {
    let open = json!({
        "Sid": "theirs", "Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke",
        "Resource": "execute-api:/*",
    });
    set_api_policy(it, &document(&open)).await;
}

/// The tags that say: this is the stack's, as that address.
fn mark(address: &str) -> BTreeMap<String, String> {
    [
        ("provision:stack", "marketplace"),
        ("provision:address", address),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

macro_rules! row {
    ($of:ident, $name:literal, $it:ident => $deed:expr, [$($found:literal),* $(,)?]) => {
        Tampering {
            name: $name,
            of: KindName::$of,
            deed: |$it| Box::pin(async move { $deed; }),
            found: &[$($found),*],
        }
    };
}

#[rustfmt::skip]
pub(crate) const TABLE: &[Tampering] = &[
    // The caller's side of an edge, and roles.
    row!(Role, "identity policy removed", it => {
        let (name, policy) = ("checkout".to_owned(), ACCESS.to_owned());
        send(it, SHOP, iam::DeleteRolePolicy { name, policy }).await;
    }, ["PD001 roles.checkout cuts_access"]),
    row!(Role, "identity policy widened", it => put_policy(it, SHOP, "checkout", ACCESS, allow("*", "*")).await, ["PD001 roles.checkout opens_access"]),
    row!(Role, "identity policy narrowed", it => put_policy(it, SHOP, "checkout", ACCESS, allow("sns:Publish", TOPIC)).await, ["PD001 roles.checkout cuts_access"]),
    row!(Role, "foreign inline policy", it => crown(it, SHOP, "checkout", "god").await, ["PD004 roles.checkout opens_access"]),
    row!(Role, "foreign inline policy that says the same", it => put_policy(it, SHOP, "checkout", "same", allow("sns:Publish", TOPIC)).await, ["PD004 roles.checkout cosmetic"]),
    row!(Role, "administrator attached", it => attach(it, "AdministratorAccess").await, ["PD004 roles.checkout opens_access"]),
    row!(Role, "managed policy of AWS's own attached", it => attach(it, "AmazonSQSFullAccess").await, ["PD004 roles.checkout opens_access"]),
    row!(Role, "boundary put", it => {
        let call = iam::PutRolePermissionsBoundary { name: "checkout".to_owned(), boundary: "arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned() };
        send(it, SHOP, call).await;
    }, ["PD004 roles.checkout cuts_access"]),
    row!(Role, "description changed", it => {
        let call = iam::UpdateRole { name: "checkout".to_owned(), description: "theirs".to_owned(), max_session: 3600 };
        send(it, SHOP, call).await;
    }, ["PD001 roles.checkout cosmetic"]),
    row!(Role, "longer sessions", it => {
        let call = iam::UpdateRole { name: "checkout".to_owned(), description: "The shop's checkout, on Lambda".to_owned(), max_session: 7200 };
        send(it, SHOP, call).await;
    }, ["PD001 roles.checkout changes_behaviour"]),
    row!(Role, "tag changed", it => {
        let call = iam::TagRole { name: "checkout".to_owned(), tags: [("team".to_owned(), "theirs".to_owned())].into() };
        send(it, SHOP, call).await;
    }, ["PD001 roles.checkout cosmetic"]),
    row!(Role, "mark removed", it => {
        let call = iam::UntagRole { name: "checkout".to_owned(), keys: vec!["provision:stack".to_owned()] };
        send(it, SHOP, call).await;
    }, ["PD010 roles.checkout changes_behaviour"]),
    row!(Role, "another service trusted", it => trust(it, SHOP, "checkout", "Allow", json!({"Service": ["lambda.amazonaws.com", "ec2.amazonaws.com"]})).await, ["PD001 roles.checkout opens_access"]),
    row!(Role, "deleted", it => drop(delete_role(it, SHOP, "checkout").await), ["PD002 roles.checkout cuts_access"]),
    row!(Role, "made anew under its name", it => remake_role(it, BILLING, "refunds").await, [
        "PD001 roles.refunds cosmetic", "PD005 roles.order-events-for-refunds cuts_access",
        "PD005 roles.orders-for-refunds cuts_access",
    ]),
    row!(Role, "a role with a copied mark", it => {
        make_role(it, ORDERS, "ghost").await;
        send(it, ORDERS, iam::TagRole { name: "ghost".to_owned(), tags: mark("roles.ghost") }).await;
    }, ["PD003 roles.ghost opens_access"]),
    // The access role between.
    row!(Role, "anyone may assume an access role", it => trust(it, ORDERS, INVOICER, "Allow", json!({"AWS": "*"})).await, ["PD001 roles.orders-for-invoicer opens_access"]),
    row!(Role, "a whole account may assume an access role", it => trust(it, ORDERS, INVOICER, "Allow", json!({"AWS": format!("arn:aws:iam::{BILLING}:root")})).await, ["PD001 roles.orders-for-invoicer opens_access"]),
    row!(Role, "nobody may assume an access role", it => trust(it, ORDERS, INVOICER, "Deny", json!({"AWS": "*"})).await, ["PD001 roles.orders-for-invoicer cuts_access"]),
    row!(Role, "access role may do more", it => put_policy(it, ORDERS, INVOICER, ACCESS, allow("execute-api:*", "*")).await, ["PD001 roles.orders-for-invoicer opens_access"]),
    row!(Role, "access role may do nothing", it => {
        let (name, policy) = (INVOICER.to_owned(), ACCESS.to_owned());
        send(it, ORDERS, iam::DeleteRolePolicy { name, policy }).await;
    }, ["PD001 roles.orders-for-invoicer cuts_access"]),
    row!(Role, "foreign inline policy on an access role", it => crown(it, ORDERS, INVOICER, "god").await, ["PD001 roles.orders-for-invoicer opens_access"]),
    row!(Role, "access role deleted", it => drop(delete_role(it, ORDERS, INVOICER).await), ["PD002 roles.orders-for-invoicer cuts_access"]),
    // The key's side.
    row!(Key, "foreign statement of a key for another account", it => rewrite_key(it, |it| it.push(decrypt("theirs", "Allow", &json!({"AWS": format!("arn:aws:iam::{BILLING}:root")})))).await, ["PD004 keys.vault opens_access"]),
    row!(Key, "foreign denial of a key", it => rewrite_key(it, |it| it.push(decrypt("theirs", "Deny", &json!("*")))).await, ["PD004 keys.vault cuts_access"]),
    row!(Key, "our statement of a key for anybody", it => rewrite_key(it, |it| {
        let ours = it.last_mut().expect("ours");
        ours["Principal"] = json!("*");
        ours.as_object_mut().expect("a statement").remove("Condition");
    }).await, ["PD001 keys.vault opens_access"]),
    row!(Key, "our statements of a key removed", it => rewrite_key(it, |it| it.truncate(1)).await, ["PD001 keys.vault cuts_access"]),
    // The topic's side.
    row!(Topic, "our statement for anybody", it => rewrite_topic(it, |it| {
        let ours = it.iter_mut().find(|it| it["Action"].as_str().is_some_and(|it| it.eq_ignore_ascii_case("sns:publish")));
        ours.expect("ours")["Principal"] = json!({"AWS": "*"});
    }).await, ["PD001 topics.order-events opens_access"]),
    row!(Topic, "our statements removed", it => rewrite_topic(it, |it| it.retain(|it| !it.to_string().contains("Subscribe\""))).await, ["PD001 topics.order-events cuts_access"]),
    row!(Topic, "foreign statement for anybody", it => rewrite_topic(it, |it| it.push(anybody("theirs"))).await, ["PD004 topics.order-events opens_access"]),
    row!(Topic, "foreign denial", it => rewrite_topic(it, |it| {
        let mut denial = anybody("theirs");
        denial["Effect"] = json!("Deny");
        it.push(denial);
    }).await, ["PD004 topics.order-events cuts_access"]),
    row!(Topic, "display name", it => set_topic(it, "DisplayName", "theirs").await, ["PD001 topics.order-events cosmetic"]),
    row!(Topic, "other signatures", it => set_topic(it, "SignatureVersion", "2").await, ["PD001 topics.order-events changes_behaviour"]),
    row!(Topic, "traces", it => set_topic(it, "TracingConfig", "Active").await, ["PD001 topics.order-events changes_behaviour"]),
    row!(Topic, "a stranger's subscription", it => {
        make_queue(it, ORDERS, "spy").await;
        let endpoint = QUEUE.replace(BILLING, ORDERS).replace("billing-inbox", "spy");
        let call = sns::Subscribe { topic: TOPIC.to_owned(), protocol: "sqs".to_owned(), endpoint, attributes: BTreeMap::new() };
        send(it, ORDERS, call).await
    }, ["PD004 topics.order-events opens_access"]),
    row!(Topic, "mark removed", it => {
        let call = sns::UntagTopic { arn: TOPIC.to_owned(), keys: vec!["provision:stack".to_owned()] };
        send(it, ORDERS, call).await;
    }, ["PD010 topics.order-events changes_behaviour"]),
    row!(Topic, "deleted", it => send(it, ORDERS, sns::DeleteTopic { arn: TOPIC.to_owned() }).await, ["PD002 topics.order-events cuts_access"]),
    // It carries what SNS gives every topic: its own account's people, who could have made it, and
    // nobody else. So it opens nothing, until somebody writes a policy that does.
    row!(Topic, "a topic with a copied mark", it => {
        make_topic(it, ORDERS, "ghost").await;
        let arn = TOPIC.replace("order-events", "ghost");
        send(it, ORDERS, sns::TagTopic { arn, tags: mark("topics.ghost") }).await;
    }, ["PD003 topics.ghost changes_behaviour"]),
    row!(Topic, "an open topic with a copied mark", it => {
        make_topic(it, ORDERS, "ghost").await;
        let arn = TOPIC.replace("order-events", "ghost");
        send(it, ORDERS, sns::TagTopic { arn: arn.clone(), tags: mark("topics.ghost") }).await;
        let mut open = anybody("theirs");
        open["Resource"] = json!(arn);
        send(it, ORDERS, sns::SetTopicAttributes { arn, name: "Policy".to_owned(), value: document(&open) }).await;
    }, ["PD003 topics.ghost opens_access"]),
    // The queue's side.
    row!(Queue, "anyone may send", it => rewrite_queue(it, |it| it.push(json!({
        "Sid": "theirs", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sqs:SendMessage", "Resource": QUEUE,
    }))).await, ["PD004 queues.billing-inbox opens_access"]),
    row!(Queue, "every topic may deliver", it => rewrite_queue(it, |it| drop(it[0].as_object_mut().expect("a statement").remove("Condition"))).await, ["PD001 queues.billing-inbox opens_access"]),
    row!(Queue, "policy removed", it => set_queue(it, "Policy", "").await, ["PD001 queues.billing-inbox cuts_access"]),
    row!(Queue, "visibility timeout", it => set_queue(it, "VisibilityTimeout", "7").await, ["PD001 queues.billing-inbox changes_behaviour"]),
    row!(Queue, "retention", it => set_queue(it, "MessageRetentionPeriod", "60").await, ["PD001 queues.billing-inbox cuts_access"]),
    row!(Queue, "encryption off", it => set_queue(it, "SqsManagedSseEnabled", "false").await, ["PD001 queues.billing-inbox changes_behaviour"]),
    row!(Queue, "no dead letters", it => set_queue(it, "RedrivePolicy", "").await, ["PD001 queues.billing-inbox changes_behaviour"]),
    row!(Queue, "tag removed", it => {
        let call = sqs::UntagQueue { name: "billing-inbox".to_owned(), keys: vec!["team".to_owned()] };
        send(it, BILLING, call).await;
    }, ["PD001 queues.billing-inbox cosmetic"]),
    row!(Queue, "deleted", it => send(it, BILLING, sqs::DeleteQueue { name: "billing-inbox".to_owned() }).await, ["PD002 queues.billing-inbox cuts_access"]),
    // What joins them.
    row!(Subscription, "deleted", it => {
        let arn = subscriptions(it).await.remove(0).arn;
        send(it, BILLING, sns::Unsubscribe { arn }).await;
    }, ["PD002 subscriptions.billing-inbox.order-events cuts_access"]),
    row!(Subscription, "wrapped", it => set_subscription(it, "RawMessageDelivery", "false").await, ["PD001 subscriptions.billing-inbox.order-events changes_behaviour"]),
    row!(Subscription, "no filter", it => set_subscription(it, "FilterPolicy", "{}").await, ["PD001 subscriptions.billing-inbox.order-events changes_behaviour"]),
    row!(Subscription, "another filter", it => set_subscription(it, "FilterPolicy", r#"{"type":["created"]}"#).await, ["PD001 subscriptions.billing-inbox.order-events changes_behaviour"]),
    row!(Subscription, "filter of the body", it => set_subscription(it, "FilterPolicyScope", "MessageBody").await, ["PD001 subscriptions.billing-inbox.order-events changes_behaviour"]),
    // The API's side.
    row!(RestApi, "method unsigned, not deployed", it => unsign(it, "DELETE", "/orders/{id}").await, ["PD009 apis.orders cuts_access"]),
    row!(RestApi, "method unsigned and deployed", it => {
        unsign(it, "DELETE", "/orders/{id}").await;
        deploy(it, "by hand").await;
    }, ["PD001 apis.orders cuts_access", "PD001 stages.orders.live may_open_access"]),
    row!(RestApi, "policy opened, not deployed", it => open_api(it).await, ["PD004 apis.orders opens_access", "PD009 apis.orders cuts_access"]),
    row!(RestApi, "policy opened and deployed", it => {
        open_api(it).await;
        deploy(it, "by hand").await;
    }, ["PD001 apis.orders cuts_access", "PD001 stages.orders.live may_open_access", "PD004 apis.orders opens_access"]),
    row!(RestApi, "policy removed", it => set_api_policy(it, "").await, ["PD009 apis.orders cuts_access"]),
    row!(RestApi, "description", it => patch_api(it, Patch::replace("/description", "theirs")).await, ["PD001 apis.orders cosmetic"]),
    row!(RestApi, "deleted", it => delete_api(it).await, ["PD002 apis.orders cuts_access"]),
    // What is served.
    row!(Stage, "another deployment", it => {
        let ours = deployments(it).await.remove(0).id;
        deploy(it, "by hand").await;
        delete_deployment(it, &ours).await;
    }, ["PD001 stages.orders.live may_open_access"]),
    row!(Stage, "deleted", it => delete_stage(it).await, ["PD002 stages.orders.live cuts_access"]),
    row!(Stage, "rate", it => patch_stage(it, "/*/*/throttling/rateLimit", "1").await, ["PD001 stages.orders.live changes_behaviour"]),
    row!(Stage, "a rate of 0", it => patch_stage(it, "/*/*/throttling/rateLimit", "0").await, ["PD001 stages.orders.live cuts_access"]),
    row!(Stage, "variable", it => patch_stage(it, "/variables/theirs", "1").await, ["PD001 stages.orders.live changes_behaviour"]),
    row!(Stage, "description", it => patch_stage(it, "/description", "theirs").await, ["PD001 stages.orders.live cosmetic"]),
    row!(Stage, "settings of one method", it => patch_stage(it, "/~1orders/POST/throttling/rateLimit", "1").await, ["PD004 stages.orders.live changes_behaviour"]),
    row!(Stage, "a second one", it => {
        let call = provision::cloud::apigateway::CreateDeployment {
            id: api_id(it).await, stage: "theirs".to_owned(), description: "by hand".to_owned(), variables: BTreeMap::new(),
        };
        send(it, ORDERS, call).await
    }, ["PD004 apis.orders may_open_access"]),
];

pub(crate) fn told(drift: &Drift) -> Vec<String> {
    let of = |it: &provision::drift::Finding| format!("{} {}", coded(it), it.severity.as_str());
    let mut all: Vec<String> = drift.findings.iter().map(of).collect();
    all.sort();
    all
}

/// Puts back all that was found, as `drift --revert` does.
pub(crate) async fn put_back(desired: &Desired, reading: &Reading, drift: &Drift, seam: &Seam<'_>) {
    let all = drift.findings.iter().flat_map(|it| &it.addresses);
    let which: Vec<Selector> = all.cloned().map(Selector::Address).collect();
    let revert = revert(desired, reading, drift, &which).expect("it can be put back");
    assert_eq!(revert.stays, Vec::<String>::new());
    assert_eq!(revert.plan.refusals, []);
    let ids = reading.live.ids();
    let outcomes = execute::run(&revert.plan, seam, ids, stream::pending(), &|_| ()).await;
    assert!(outcomes.all_done(), "{:?}", outcomes.steps);
    for it in &revert.plan.evictions {
        it.extra.what.remove(seam, &it.place).await.expect("gone");
    }
}

/// The stack that is tampered with: the marketplace, and a topic beside it under a key.
pub(crate) fn marketplace() -> Desired {
    wanted(&[&text_of("marketplace.toml"), &sealed()])
}

/// What is laid over the marketplace.
pub(crate) fn sealed() -> String {
    format!(
        "[keys.vault]\nexisting = \"{VAULT}\"\n[topics.sealed]\naccount = \"orders\"\nkms_key = \"keys.vault\"\n\
         [[access]]\nfrom = {{ service = \"s3.amazonaws.com\", source = \"arn:aws:s3:::uploads\", source_account = \"orders\" }}\n\
         to = \"topics.sealed\"\n"
    )
}
