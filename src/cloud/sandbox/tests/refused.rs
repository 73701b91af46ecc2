//! What the sandbox refuses, whatever is in it, the check of a stack refuses too, at its place in the file.

use super::apigateway::create_api;
use super::sns::create_topic;
use super::sqs::create_queue;
use std::collections::BTreeSet;
use std::sync::Mutex;

use super::{Bench, ORDERS, role, run, tags};
use crate::cloud::apigateway::CreateRestApi;
use crate::cloud::iam::{CreateRole, PutRolePolicy};
use crate::cloud::sns::Subscribe;
use crate::cloud::{Call, CallError, Fault};
use crate::model::{Arn, Region, Tags};
use crate::stack::{Source, check};
use serde_json::{Value, json};

/// What the sandbox answered when it refused a call that a stack's check refuses too.
static HEARD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Returns why the sandbox refuses a call, which it must, and notes its words.
pub(super) async fn refused<C: Call>(bench: &Bench, call: C) -> CallError {
    let error = bench.refused(ORDERS, call).await;
    let words = format!("{}: {}", error.code, error.message);
    HEARD.lock().expect("no test failed").insert(words);
    error
}

/// Returns what was noted so far.
pub(super) fn noted() -> BTreeSet<String> {
    HEARD.lock().expect("no test failed").clone()
}

/// The faults of a stack with this beside one account, by code.
pub(super) fn faults(text: &str, document: &str) -> Vec<&'static str> {
    let source = Source {
        name: "shop.toml".to_owned(),
        text: format!(
            "[stack]\nname = \"shop\"\nregion = \"eu-west-1\"\n[accounts.a]\nid = \"{ORDERS}\"\n{text}"
        ),
    };
    let read = |_: &str| Ok(document.to_owned());
    match check(&source, &[], &read) {
        Ok(_) => Vec::new(),
        Err(found) => found.iter().map(|it| it.code.as_str()).collect(),
    }
}

/// Statements with one thing wrong, on top of a right one.
fn wrong_statements() -> Vec<Value> {
    let fields = [
        json!({"Effect": "allow"}),
        json!({"Sid": "one two"}),
        json!({"Sid": 5}),
        json!({"Action": []}),
        json!({"Action": "publish"}),
        json!({"Action": "sns:Pub:lish"}),
        json!({"Action": "s*:Publish"}),
        json!({"Action": [5]}),
        json!({"NotAction": "sts:*"}),
        json!({"Statement": "x"}),
        json!({"Condition": {"StringEqual": {"aws:x": "a"}}}),
        json!({"Condition": {"DateLessThan": {"aws:CurrentTime": "soon"}}}),
        json!({"Condition": "a"}),
        json!({"Condition": {"Bool": "a"}}),
        json!({"Condition": {"Bool": {"aws:x": {}}}}),
        json!({"Condition": {"StringEquals": {"aws:PrincipalTag/x": "Ж"}}}),
    ];
    fields.into()
}

fn laid_over(right: &Value, wrong: &Value) -> String {
    let mut statement = right.clone();
    for (name, value) in wrong.as_object().into_iter().flatten() {
        statement[name] = value.clone();
    }
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

#[test]
pub(super) fn a_trust_policy_that_the_sandbox_refuses_is_a_fault_of_the_stack() {
    let right = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}});
    let mut wrong = wrong_statements();
    wrong.extend([
        json!({"Resource": "*"}),
        json!({"NotResource": "*"}),
        json!({"Action": "s3:GetObject"}),
        json!({"Action": "sts:TagSessions"}),
        json!({"Principal": {}}),
        json!({"Principal": "x"}),
        json!({"Principal": {"AWS": "arn:aws:iam::222222222222:role/ci-*"}}),
        json!({"Principal": {"AWS": "arn:aws:iam::222222222222:group/x"}}),
        json!({"Principal": {"Service": "lambda"}}),
        json!({"Principal": {"Aws": "*"}}),
        json!({"Principal": {"AWS": "arn:aws-cn:iam::222222222222:root"}}),
        json!({"Principal": {"AWS": "arn:aws:iam::22222222222:root"}}),
        json!({"Principal": {"AWS": "arn:aws:sts::222222222222:assumed-role/ci"}}),
        json!({"Principal": {"Service": "*"}}),
        json!({"Principal": {"Service": "ec2.amazonaws.com.cn"}}),
        json!({"Principal": {"Federated": "github.com"}}),
        json!({"Principal": {"Federated": "arn:aws-cn:iam::222222222222:saml-provider/corp"}}),
        json!({"Principal": {"CanonicalUser": "0123456789abcdef".repeat(4)}}),
        json!({"NotPrincipal": {"AWS": "*"}}),
    ]);
    let text = "[roles.r]\ntrust_policy = \"trust.json\"\n";
    assert_eq!(
        faults(text, &laid_over(&right, &json!({}))),
        Vec::<&str>::new()
    );
    run(async {
        let bench = Bench::quick();
        for wrong in &wrong {
            let document = laid_over(&right, wrong);
            let call = CreateRole {
                trust: document.clone(),
                ..role("r")
            };
            refused(&bench, call).await;
            assert!(!faults(text, &document).is_empty(), "{wrong}");
        }
    });
}

#[test]
pub(super) fn a_role_policy_that_the_sandbox_refuses_is_a_fault_of_the_stack() {
    let right = json!({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"});
    let mut wrong = wrong_statements();
    wrong.extend([
        json!({"Principal": "*"}),
        json!({"Resource": []}),
        json!({"Resource": "queues.q"}),
        json!({"Resource": "arn:aws:s3::bucket"}),
        json!({"Resource": "arn:aws-cn:s3:::bucket"}),
        json!({"Resource": "arn:aws:iam:eu-west-1:111111111111:role/r"}),
        json!({"NotResource": "*"}),
    ]);
    let text = "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\npolicies = { p = \"p.json\" }\n";
    assert_eq!(
        faults(text, &laid_over(&right, &json!({}))),
        Vec::<&str>::new()
    );
    run(async {
        let bench = Bench::quick();
        bench.role(ORDERS, "r").await;
        for wrong in &wrong {
            let document = laid_over(&right, wrong);
            let call = PutRolePolicy {
                name: "r".to_owned(),
                policy: "p".to_owned(),
                document: document.clone(),
            };
            let error = refused(&bench, call).await;
            assert_eq!(error.fault, Fault::Invalid, "{wrong}");
            assert!(!faults(text, &document).is_empty(), "{wrong}");
        }
    });
}

#[test]
pub(super) fn a_filter_or_delivery_policy_that_the_sandbox_refuses_is_a_fault_of_the_stack() {
    run(async {
        let bench = Bench::quick();
        bench.ok(ORDERS, create_topic("t", Tags::new())).await;
        for (on_body, filter) in [
            (false, r#"{"a":"x"}"#),
            (false, r#"{"a":[]}"#),
            (false, r#"{"a":{"b":["c"]}}"#),
            (false, r#"{"a":[{"exists":"yes"}]}"#),
            (false, r#"{"a":[{"numeric":["about",5]}]}"#),
            (false, r#"{"a":[1e12]}"#),
            (false, r#"{"a":[{"cidr":"10.0.0.0/99"}]}"#),
            (false, r#"{"a":[{"wildcard":"a*b*c*d*"}]}"#),
            (
                false,
                r#"{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}"#,
            ),
            (
                true,
                r#"{"a":{"b":{"c":[1,2,3,4,5]}},"d":{"e":{"f":[1,2,3,4,5]}}}"#,
            ),
        ] {
            let scope = if on_body {
                "MessageBody"
            } else {
                "MessageAttributes"
            };
            let call = Subscribe {
                topic: Arn::regional(&super::place(ORDERS), "sns", "t").to_string(),
                protocol: "sqs".to_owned(),
                endpoint: format!("arn:aws:sqs:eu-west-1:{ORDERS}:q"),
                attributes: tags([("FilterPolicy", filter), ("FilterPolicyScope", scope)]),
            };
            assert_eq!(refused(&bench, call).await.code, "InvalidParameter");
            let in_toml = filter.replace("\":", "\" = ");
            let text = format!(
                "[topics.t]\n[queues.q]\nsubscribe = {{ topic = \"t\", filter_on_body = {on_body}, filter = {in_toml} }}\n"
            );
            assert_eq!(faults(&text, ""), ["E0102"], "{filter}");
        }
        for policy in [
            r#"{"http":{"retries":3}}"#,
            r#"{"http":{"defaultHealthyRetryPolicy":{"numRetries":101}}}"#,
        ] {
            let call = create_topic("u", tags([("DeliveryPolicy", policy)]));
            assert_eq!(refused(&bench, call).await.code, "InvalidParameter");
            let in_toml = policy.replace("\":", "\" = ");
            let text = format!("[topics.u]\ndelivery_policy = {in_toml}\n");
            assert_eq!(faults(&text, ""), ["E0102"], "{policy}");
        }
    });
}

#[test]
pub(super) fn an_edge_optimized_api_is_refused_where_there_is_none() {
    run(async {
        let bench = Bench::quick();
        let mut china = super::place(ORDERS);
        china.region = Region::parse("cn-north-1").expect("a region");
        let edge = CreateRestApi {
            endpoint_type: "EDGE".to_owned(),
            ..create_api("x")
        };
        bench.ok(ORDERS, edge.clone()).await;
        let error = crate::cloud::call(&bench.cloud, &china, edge)
            .await
            .expect_err("no edge");
        HEARD
            .lock()
            .expect("no test failed")
            .insert(error.message.clone());
        let served = "[accounts.cn]\nid = \"444444444444\"\nregion = \"cn-north-1\"\n\
             [apis.x]\naccount = \"cn\"\nroutes = { \"GET /\" = { mock = 200 } }\n";
        let of = |endpoint: &str| faults(&format!("{served}endpoint = \"{endpoint}\"\n"), "");
        assert!(of("edge").len() > of("regional").len());
        assert_eq!(
            error.message,
            "Endpoint Configuration type EDGE is not supported in this region"
        );
    });
}

/// Fails unless the sandbox refuses a call and the check refuses the table that would make it.
pub(super) async fn both<C: Call>(bench: &Bench, call: C, text: &str) {
    refused(bench, call).await;
    assert!(!faults(text, "").is_empty(), "{text}");
}

#[test]
pub(super) fn a_name_or_number_that_the_sandbox_refuses_is_a_fault_of_the_stack() {
    run(async {
        let bench = Bench::quick();
        let on_role = |change: &dyn Fn(&mut CreateRole)| {
            let mut call = role("r");
            change(&mut call);
            call
        };
        let trusted = "[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\n";
        let long = "x".repeat(65);
        both(
            &bench,
            on_role(&|it| it.name.clone_from(&long)),
            &format!("{trusted}name = \"{long}\"\n"),
        )
        .await;
        both(
            &bench,
            on_role(&|it| "a b".clone_into(&mut it.name)),
            &format!("{trusted}name = \"a b\"\n"),
        )
        .await;
        both(
            &bench,
            on_role(&|it| "team".clone_into(&mut it.path)),
            &format!("{trusted}path = \"team\"\n"),
        )
        .await;
        both(
            &bench,
            on_role(&|it| it.max_session = 60),
            &format!("{trusted}max_session = \"1m\"\n"),
        )
        .await;
        both(
            &bench,
            on_role(&|it| it.description = Some("Ж".to_owned())),
            &format!("{trusted}description = \"Ж\"\n"),
        )
        .await;
        both(
            &bench,
            on_role(&|it| it.boundary = Some("x".to_owned())),
            &format!("{trusted}boundary = \"x\"\n"),
        )
        .await;
        both(
            &bench,
            on_role(&|it| it.tags = tags([("aws:x", "1")])),
            &format!("{trusted}tags = {{ \"aws:x\" = \"1\" }}\n"),
        )
        .await;
        both(
            &bench,
            on_role(&|it| it.tags = tags([("Team", "1"), ("team", "2")])),
            &format!("{trusted}tags = {{ Team = \"1\", team = \"2\" }}\n"),
        )
        .await;

        let mut api = create_api("t");
        api.tags = tags([("a", "b&c")]);
        let served = "[apis.t]\nroutes = { \"GET /\" = { mock = 200 } }\n";
        both(&bench, api, &format!("{served}tags = {{ a = \"b&c\" }}\n")).await;

        let long = "x".repeat(101);
        for (name, attributes, field) in [
            ("a.b", tags([]), "name = \"a.b\"".to_owned()),
            ("a.fifo", tags([]), "name = \"a.fifo\"".to_owned()),
            (
                "a",
                tags([("FifoTopic", "true")]),
                "name = \"a\"\nfifo = true".to_owned(),
            ),
            (
                "a",
                tags([("DisplayName", &*long)]),
                format!("display_name = \"{long}\""),
            ),
            (
                "a",
                tags([("SignatureVersion", "3")]),
                "signature_version = 3".to_owned(),
            ),
            (
                "a",
                tags([("ContentBasedDeduplication", "true")]),
                "content_based_deduplication = true".to_owned(),
            ),
            (
                "a",
                tags([("FifoThroughputScope", "MessageGroup")]),
                "message_group_throughput = true".to_owned(),
            ),
        ] {
            both(
                &bench,
                create_topic(name, attributes),
                &format!("[topics.a]\n{field}\n"),
            )
            .await;
        }

        bench.ok(ORDERS, create_queue("dead", Tags::new())).await;
        let redrive = |count: u32| {
            let target = format!("arn:aws:sqs:eu-west-1:{ORDERS}:dead");
            json!({"deadLetterTargetArn": target, "maxReceiveCount": count}).to_string()
        };
        let (never, often, right) = (redrive(0), redrive(1001), redrive(5));
        for (name, attributes, field) in [
            ("a b", tags([]), "name = \"a b\""),
            (
                "a",
                tags([("FifoQueue", "true")]),
                "name = \"a\"\nfifo = true",
            ),
            ("a", tags([("DelaySeconds", "901")]), "delay = 901"),
            (
                "a",
                tags([("MaximumMessageSize", "1023")]),
                "max_message_size = 1023",
            ),
            (
                "a",
                tags([("MaximumMessageSize", "1048577")]),
                "max_message_size = 1048577",
            ),
            (
                "a",
                tags([("MessageRetentionPeriod", "59")]),
                "retention = 59",
            ),
            (
                "a",
                tags([("ReceiveMessageWaitTimeSeconds", "21")]),
                "receive_wait = 21",
            ),
            (
                "a",
                tags([("VisibilityTimeout", "43201")]),
                "visibility_timeout = 43201",
            ),
            (
                "a",
                tags([
                    ("KmsMasterKeyId", "k"),
                    ("KmsDataKeyReusePeriodSeconds", "59"),
                ]),
                "encryption = { kms = \"k\", reuse = 59 }",
            ),
            (
                "a",
                tags([("ContentBasedDeduplication", "true")]),
                "content_based_deduplication = true",
            ),
            (
                "a",
                tags([("DeduplicationScope", "messageGroup")]),
                "message_group_throughput = true",
            ),
            (
                "a",
                tags([(
                    "RedriveAllowPolicy",
                    r#"{"redrivePermission":"byQueue","sourceQueueArns":[]}"#,
                )]),
                "redrive_allow = []",
            ),
            (
                "a",
                tags([("RedrivePolicy", &*never)]),
                "dead_letter = { queue = \"dead\", max_receives = 0 }",
            ),
            (
                "a",
                tags([("RedrivePolicy", &*often)]),
                "dead_letter = { queue = \"dead\", max_receives = 1001 }",
            ),
            (
                "a.fifo",
                tags([("FifoQueue", "true"), ("RedrivePolicy", &*right)]),
                "fifo = true\ndead_letter = \"dead\"",
            ),
        ] {
            let text = format!("[queues.dead]\n[queues.a]\n{field}\n");
            both(&bench, create_queue(name, attributes), &text).await;
        }

        let on_api = |change: &dyn Fn(&mut CreateRestApi)| {
            let mut call = create_api("x");
            change(&mut call);
            call
        };
        let served = "[apis.x]\nroutes = { \"GET /\" = { mock = 200 } }\n";
        both(
            &bench,
            on_api(&|it| it.name.clear()),
            &format!("{served}name = \"\"\n"),
        )
        .await;
        both(
            &bench,
            on_api(&|it| "LOCAL".clone_into(&mut it.endpoint_type)),
            &format!("{served}endpoint = \"local\"\n"),
        )
        .await;
        both(
            &bench,
            on_api(&|it| it.vpc_endpoints = vec!["vpce-1".to_owned()]),
            &format!("{served}vpc_endpoints = \"vpce-1\"\n"),
        )
        .await;
        both(
            &bench,
            on_api(&|it| it.minimum_compression = Some(10_485_761)),
            &format!("{served}minimum_compression = 10485761\n"),
        )
        .await;
    });
}
