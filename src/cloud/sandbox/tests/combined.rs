//! What the sandbox refuses for what stands beside each other, the check of a stack refuses too.

use std::collections::BTreeMap;

use serde_json::json;

use super::apigateway::{create_api, put};
use super::deployments::deployed;
use super::refused::{both, faults, refused};
use super::sns::create_topic;
use super::sqs::create_queue;
use super::{Bench, ORDERS, role, run, tags};
use crate::cloud::apigateway::{CreateDeployment, CreateRestApi, Patch, UpdateStage};
use crate::cloud::sns::Subscribe;
use crate::model::{Arn, Tags};

#[test]
pub(super) fn what_stands_beside_each_other_and_the_sandbox_refuses_is_a_fault_of_the_stack() {
    run(async {
        let bench = Bench::quick();
        let many = |join: &str| {
            (0..51)
                .map(|it| format!("k{it}{join}\"v\""))
                .collect::<Vec<_>>()
        };
        let many = many(" = ").join(", ");
        let too_many: Tags = (0..51)
            .map(|it| (format!("k{it}"), "v".to_owned()))
            .collect();
        let mut call = role("r");
        call.tags = too_many.clone();
        let text = format!("[roles.r]\ntrusted_by = \"ec2.amazonaws.com\"\ntags = {{ {many} }}\n");
        both(&bench, call, &text).await;
        let mut call = create_topic("a", Tags::new());
        call.tags = too_many.clone();
        both(&bench, call, &format!("[topics.a]\ntags = {{ {many} }}\n")).await;
        let mut call = create_queue("a", Tags::new());
        call.tags = too_many.clone();
        both(&bench, call, &format!("[queues.a]\ntags = {{ {many} }}\n")).await;
        let mut call = create_api("x");
        call.tags = too_many;
        let served = "[apis.x]\nroutes = { \"GET /\" = { mock = 200 } }\n";
        both(&bench, call, &format!("{served}tags = {{ {many} }}\n")).await;
        for (key, value) in [("x", "\u{1}"), ("\u{1}", "x")] {
            let mut call = create_topic("a", Tags::new());
            call.tags = tags([(key, value)]);
            let text = format!(
                "[topics.a]\ntags = {{ {} = {} }}\n",
                json!(key),
                json!(value)
            );
            both(&bench, call, &text).await;
        }

        let api = deployed(&bench, create_api("x")).await;
        let deploy = |stage: &str, variables: &[(&str, &str)]| CreateDeployment {
            id: api.clone(),
            stage: stage.to_owned(),
            description: String::new(),
            variables: variables
                .iter()
                .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
                .collect(),
        };
        both(
            &bench,
            deploy("a b", &[]),
            &format!("{served}stage = \"a b\"\n"),
        )
        .await;
        let text = format!("{served}stage = {{ variables = {{ \"a-b\" = \"c\" }} }}\n");
        both(&bench, deploy("s", &[("a-b", "c")]), &text).await;
        let call = UpdateStage {
            id: api.clone(),
            stage: "prod".to_owned(),
            patches: vec![Patch::replace("/accessLogSettings/destinationArn", "x")],
        };
        let text = format!("{served}stage = {{ access_log = {{ destination = \"x\" }} }}\n");
        both(&bench, call, &text).await;
        let call = UpdateStage {
            id: api,
            stage: "prod".to_owned(),
            patches: vec![Patch::replace(
                "/accessLogSettings/destinationArn",
                "arn:aws:logs:eu-west-1:333333333333:log-group:x",
            )],
        };
        let destination = "arn:aws:logs:eu-west-1:333333333333:log-group:x";
        let text = format!(
            "{served}stage = {{ access_log = {{ destination = \"{destination}\", format = \"\" }} }}\n"
        );
        both(&bench, call, &text).await;
        let empty = bench.ok(ORDERS, create_api("empty")).await;
        let call = CreateDeployment {
            id: empty.id.clone(),
            stage: "s".to_owned(),
            description: String::new(),
            variables: BTreeMap::new(),
        };
        both(&bench, call, "[apis.x]\nroutes = {}\n").await;
        let mock = json!({"get": {"responses": {"200": {}}, "x-amazon-apigateway-integration": {"type": "mock"}}});
        let siblings = json!({"openapi": "3.0.1", "info": {"title": "x", "version": "1"},
            "paths": {"/{a}": mock, "/{b}": mock}});
        refused(&bench, put(&empty.id, true, &siblings)).await;
        let text = "[apis.x]\nopenapi = \"doc.json\"\n";
        assert!(!faults(text, &siblings.to_string()).is_empty());
        let bare = json!({"openapi": "3.0.1", "info": {"title": "x", "version": "1"},
            "paths": {"/a": {"get": {"responses": {"200": {}}}}}});
        bench.ok(ORDERS, put(&empty.id, true, &bare)).await;
        let call = CreateDeployment {
            id: empty.id.clone(),
            stage: "s".to_owned(),
            description: String::new(),
            variables: BTreeMap::new(),
        };
        refused(&bench, call).await;
        assert!(!faults(text, &bare.to_string()).is_empty());
        let mut large = json!({"openapi": "3.0.1", "info": {"title": "x", "version": "1"}, "paths": {"/a": mock}});
        large["info"]["description"] = json!("x".repeat(6 * 1024 * 1024));
        refused(&bench, put(&empty.id, true, &large)).await;
        assert!(!faults(text, &large.to_string()).is_empty());
        let mut keyed = json!({"openapi": "3.0.1", "info": {"title": "x", "version": "1"}, "paths": {"/a": mock}});
        keyed["x-amazon-apigateway-api-key-source"] = json!("BODY");
        let call = CreateRestApi {
            api_key_source: "BODY".to_owned(),
            ..create_api("x")
        };
        refused(&bench, call).await;
        assert!(!faults(text, &keyed.to_string()).is_empty());

        // A statement that is written out, of each kind of resource.
        let wrong = json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"});
        let in_toml = "{ Effect = \"Allow\", Principal = \"*\", Action = \"s3:GetObject\" }";
        let on = |of: &str| format!("[[statement]]\non = \"{of}\"\nstatement = {in_toml}\n");
        let document = |resource: String| {
            let mut wrong = wrong.clone();
            wrong["Resource"] = json!(resource);
            json!({"Version": "2012-10-17", "Statement": [wrong]}).to_string()
        };
        let policy = document(format!("arn:aws:sns:eu-west-1:{ORDERS}:p"));
        let text = format!("[topics.p]\n{}", on("topics.p"));
        both(
            &bench,
            create_topic("p", tags([("Policy", &*policy)])),
            &text,
        )
        .await;
        let policy = document(format!("arn:aws:sns:eu-west-1:{ORDERS}:p")).replace(
            "s3:GetObject\"",
            "sns:Publish\",\"Condition\":{\"StringEqual\":{\"aws:x\":\"a\"}}",
        );
        let text = format!("[topics.p]\n{}", on("topics.p")).replace(
            "s3:GetObject\"",
            "sns:Publish\", Condition = { StringEqual = { \"aws:x\" = \"a\" } }",
        );
        both(
            &bench,
            create_topic("p", tags([("Policy", &*policy)])),
            &text,
        )
        .await;
        let policy = document(format!("arn:aws:sqs:eu-west-1:{ORDERS}:p"));
        let text = format!("[queues.p]\n{}", on("queues.p"));
        both(
            &bench,
            create_queue("p", tags([("Policy", &*policy)])),
            &text,
        )
        .await;
        let call = CreateRestApi {
            policy: Some(document("execute-api:/*".to_owned())),
            ..create_api("x")
        };
        both(&bench, call, &format!("{served}{}", on("apis.x"))).await;
        let call = create_topic("r", tags([("MaximumMessageSize", "5")]));
        both(&bench, call, "[topics.r]\nmax_message_size = 5\n").await;

        let private = "[apis.x]\nendpoint = \"private\"\nroutes = { \"GET /\" = { mock = 200 } }\n";
        let call = CreateRestApi {
            endpoint_type: "PRIVATE".to_owned(),
            vpc_endpoints: vec!["x".to_owned()],
            ..create_api("x")
        };
        both(&bench, call, &format!("{private}vpc_endpoints = \"x\"\n")).await;

        bench.ok(ORDERS, create_topic("t", Tags::new())).await;
        let call = Subscribe {
            topic: Arn::regional(&super::place(ORDERS), "sns", "t").to_string(),
            protocol: "sqs".to_owned(),
            endpoint: format!("arn:aws:sqs:eu-west-1:{ORDERS}:q.fifo"),
            attributes: Tags::new(),
        };
        let text = "[topics.t]\n[queues.q]\nfifo = true\nsubscribe = \"t\"\n";
        both(&bench, call, text).await;
        let call = create_topic(
            "u",
            tags([("ArchivePolicy", r#"{"MessageRetentionPeriod":"5"}"#)]),
        );
        both(
            &bench,
            call,
            "[topics.u]\narchive_policy = { MessageRetentionPeriod = \"5\" }\n",
        )
        .await;
    });
}
