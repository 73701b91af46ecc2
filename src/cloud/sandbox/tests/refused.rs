//! What the sandbox refuses, whatever is in it, the check of a stack refuses too, at its place in the file.

use super::apigateway::{create_api, put};
use super::sns::create_topic;
use super::sqs::create_queue;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use super::{Bench, ORDERS, role, run, tags};
use crate::cloud::apigateway::{CreateDeployment, CreateRestApi};
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
pub(super) fn a_definition_that_the_sandbox_refuses_is_a_fault_of_the_stack() {
    let text = "[apis.x]\nopenapi = \"doc.json\"\n";
    let definition = |version: &str, path: &str, integration: &Value| {
        json!({"openapi": version, "info": {"title": "x", "version": "1"},
            "paths": {path: {"get": {"responses": {"200": {}}, "x-amazon-apigateway-integration": integration}}}})
    };
    let mock = json!({"type": "mock"});
    let with = |name: &str, value: Value| {
        let mut document = definition("3.0.1", "/a", &mock);
        document[name] = value;
        document
    };
    let to_service = |service: &str, kind: Value| {
        let uri = format!("arn:aws:apigateway:eu-west-1:{service}");
        definition(
            "3.0.1",
            "/a",
            &json!({"type": kind, "httpMethod": "POST", "uri": uri}),
        )
    };
    let function = "lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:111111111111:function:f/invocations";
    for taken in [
        definition("3.0.1", "/a,b", &mock),
        with(
            "components",
            json!({"schemas": {"OrderItem2": {"type": "object"}}}),
        ),
        with(
            "x-amazon-apigateway-minimum-compression-size",
            json!(10_485_760),
        ),
        to_service(function, json!("aws_proxy")),
        definition(
            "3.0.1",
            "/a",
            &json!({"type": "aws", "httpMethod": "POST", "uri": "arn:aws:apigateway:eu-west-1:sns:action/Publish",
            "credentials": "arn:aws:iam::111111111111:role/r"}),
        ),
    ] {
        assert_eq!(
            faults(text, &taken.to_string()),
            Vec::<&str>::new(),
            "{taken}"
        );
    }
    run(async {
        let bench = Bench::quick();
        let api = bench.ok(ORDERS, create_api("x")).await;
        bench
            .ok(
                ORDERS,
                put(&api.id, true, &definition("3.0.1", "/a,b", &mock)),
            )
            .await;
        for document in [
            definition("3.2.0", "/a", &mock),
            definition("2.0", "/a", &mock),
            definition("3.0.1", "/a~b", &mock),
            definition("3.0.1", "a", &mock),
            definition("3.0.1", "/a", &json!({"type": "lambda"})),
            definition(
                "3.0.1",
                "/a",
                &json!({"type": "http_proxy", "uri": "https://x.example.com"}),
            ),
            definition(
                "3.0.1",
                "/a",
                &json!({"type": "aws_proxy", "httpMethod": "POST", "uri": {"Ref": "F"}}),
            ),
            definition("3.0.1", "/a", &json!({"type": "mock", "credentials": "me"})),
            definition(
                "3.0.1",
                "/a",
                &json!({"type": "mock", "passthroughBehavior": "x"}),
            ),
            definition(
                "3.0.1",
                "/a",
                &json!({"type": "mock", "timeoutInMillis": 5}),
            ),
            definition(
                "3.0.1",
                "/a",
                &json!({"type": "mock", "responses": {"default": {"statusCode": "500"}}}),
            ),
            definition(
                "3.0.1",
                "/a",
                &json!({"type": "mock", "requestParameters": {"integration.request.path.x": "method.request.path.x"}}),
            ),
            definition("3.0.1", "/a", &json!("mock")),
            definition(
                "3.0.1",
                "/a",
                &json!({"type": "mock", "timeoutInMillis": 300_001}),
            ),
            definition(
                "3.0.1",
                "/a",
                &json!({"type": "http_proxy", "httpMethod": "GET", "uri": "http://x.example.com", "connectionType": "VPC_LINK"}),
            ),
            definition(
                "3.0.1",
                "/a",
                &json!({"type": "mock", "contentHandling": "CONVERT"}),
            ),
            definition(
                "3.0.1",
                "/a",
                &json!({"type": "mock", "requestParameters": {"integration.request.header.x": "static"}}),
            ),
            definition(
                "3.0.1",
                "/a",
                &json!({"type": "mock", "responses": {"default": {"statusCode": "200", "responseParameters": {"method.response.header.x": "'*'"}}}}),
            ),
            json!({"openapi": "3.0.1", "info": {"title": "x"}, "components": {"schemas": {"a": {"$ref": "#/components/schemas/b"}}},
                "paths": {"/a": {"get": {"x-amazon-apigateway-integration": mock}}}}),
            json!({"openapi": "3.0.1", "info": {"title": "x"}}),
            json!({"openapi": "3.0.1", "info": {"title": "x"}, "paths": {"/a": {"$ref": "#/paths/~1b"}}}),
            definition("3.0.1", "/a/{b+}/c", &mock),
            json!({"openapi": "3.0.1", "info": {"title": "x"}, "components": {"parameters": {"a": {"$ref": "b.yaml#/a"}}},
                "paths": {"/a": {"get": {"x-amazon-apigateway-integration": mock}}}}),
            json!({"openapi": "3.0.1", "info": {"title": "x"}, "components": {"parameters": {"a": {"$ref": "#/components/parameters/a"}}},
                "paths": {"/a": {"get": {"x-amazon-apigateway-integration": mock}}}}),
            json!({"openapi": "3.0.1", "info": {"title": "x"}, "x-amazon-apigateway-request-validator": "none",
                "paths": {"/a": {"get": {"x-amazon-apigateway-integration": mock}}}}),
            with(
                "components",
                json!({"schemas": {"Order_Item": {"type": "object"}}}),
            ),
            with(
                "components",
                json!({"schemas": {"My-Model1": {"type": "object"}}}),
            ),
            with(
                "x-amazon-apigateway-minimum-compression-size",
                json!(10_485_761),
            ),
            with("x-amazon-apigateway-minimum-compression-size", json!(-1)),
            json!({"swagger": "2.0", "info": {"title": "x"}, "definitions": {"api.Order": {"type": "object"}},
                "paths": {"/a": {"get": {"x-amazon-apigateway-integration": mock}}}}),
            to_service("sqs:path/111111111111/q", json!("aws")),
            to_service("sns:action/Publish", json!("AWS")),
            to_service("states:action/StartExecution", json!("aws_proxy")),
            json!({"openapi": "3.0.1", "info": {"title": "x"},
                "paths": {"/a": {"get": {"x-amazon-apigateway-auth": {"type": "custom"}, "x-amazon-apigateway-integration": mock}}}}),
        ] {
            let error = refused(&bench, put(&api.id, true, &document)).await;
            assert_eq!(error.fault, Fault::Invalid, "{document}");
            assert!(
                !faults(text, &document.to_string()).is_empty(),
                "{document}"
            );
        }
    });
}

/// What a field of an API and its document can both say. One refusal has two carriers there, and the check knows both.
#[test]
fn what_a_field_refuses_is_refused_in_a_document_too() {
    let long = "x".repeat(1025);
    let said = |name: &str, value: Value| {
        let mut document = json!({"openapi": "3.0.1", "info": {"title": "x", "version": "1"},
            "paths": {"/a": {"get": {"x-amazon-apigateway-integration": {"type": "mock"}}}}});
        match name {
            "description" => document["info"][name] = value,
            _ => document[format!("x-amazon-apigateway-{name}").as_str()] = value,
        }
        document.to_string()
    };
    let served = "[apis.x]\nopenapi = \"doc.json\"\n";
    for (field, name, value, right) in [
        ("description", "description", json!(long), json!("x")),
        (
            "minimum_compression",
            "minimum-compression-size",
            json!(10_485_761),
            json!(0),
        ),
        (
            "minimum_compression",
            "minimum-compression-size",
            json!(-1),
            json!(5),
        ),
        (
            "minimum_compression",
            "minimum-compression-size",
            json!("many"),
            json!(5),
        ),
        (
            "binary_media_types",
            "binary-media-types",
            json!(["png"]),
            json!(["image/png"]),
        ),
        (
            "binary_media_types",
            "binary-media-types",
            json!([5]),
            json!(["*/*"]),
        ),
    ] {
        let text = format!("{served}{field} = {value}\n");
        assert!(!faults(&text, &said("x", Value::Null)).is_empty(), "{text}");
        assert_eq!(
            faults(served, &said(name, value.clone())),
            ["E0401"],
            "{name} {value}"
        );
        assert!(
            faults(served, &said(name, right.clone())).is_empty(),
            "{name} {right}"
        );
    }
}

/// What AWS says to a document that a stack's check refuses.
#[derive(Debug, PartialEq)]
enum Fate {
    /// It refuses the import.
    Import,
    /// It refuses the deployment.
    Deployment,
    /// It takes it, and the API does not do what the document says.
    Taken,
}

/// The other direction: whatever the check refuses of a document, the sandbox refuses too, unless AWS takes it.
#[test]
fn a_document_that_the_check_refuses_is_refused_by_the_sandbox_where_aws_refuses_it() {
    let mock = json!({"x-amazon-apigateway-integration": {"type": "mock"}});
    let slow =
        json!({"x-amazon-apigateway-integration": {"type": "mock", "timeoutInMillis": 29_001}});
    let by_get = json!({"x-amazon-apigateway-integration": {"type": "aws_proxy", "httpMethod": "GET",
        "uri": "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/f/invocations"}});
    let paths = |paths: Value| json!({"openapi": "3.0.1", "info": {"title": "x", "version": "1"}, "paths": paths});
    let with = |name: &str, value: Value| {
        let mut document = paths(json!({"/a": {"get": mock}}));
        document[name] = value;
        document
    };
    let large = "x".repeat(6 * 1024 * 1024);
    run(async {
        let bench = Bench::quick();
        for (document, endpoint, fate) in [
            (
                paths(json!({"/a": {"get": mock}, "/b": {"$ref": "#/paths/~1c"}})),
                "regional",
                Fate::Import,
            ),
            (
                paths(json!({"/a/{b+}/c": {"get": mock}})),
                "regional",
                Fate::Import,
            ),
            (
                paths(json!({"/a/{b}": {"get": mock}, "/a/{c}/d": {"get": mock}})),
                "regional",
                Fate::Import,
            ),
            (paths(json!({"/a": {"get": slow}})), "edge", Fate::Import),
            (
                with("x-amazon-apigateway-api-key-source", json!("QUERY")),
                "regional",
                Fate::Import,
            ),
            (
                with(
                    "x-amazon-apigateway-policy",
                    json!({"Statement": {"Effect": "allow", "Action": "a:b"}}),
                ),
                "regional",
                Fate::Import,
            ),
            (with("x-large", json!(large)), "regional", Fate::Import),
            (
                paths(json!({"/a": {"get": {}}})),
                "regional",
                Fate::Deployment,
            ),
            (paths(json!({})), "regional", Fate::Deployment),
            // A function answers to POST only, so each request fails.
            (
                paths(json!({"/a": {"get": by_get}})),
                "regional",
                Fate::Taken,
            ),
            // Neither is a method that AWS serves, so nothing comes of it.
            (
                paths(json!({"/a": {"get": mock}, "/b": {"$ref": "#/paths/~1a"}})),
                "regional",
                Fate::Taken,
            ),
            (
                paths(json!({"/a": {"get": mock, "trace": mock}})),
                "regional",
                Fate::Taken,
            ),
            // AWS answers these by itself, for its health checks.
            (
                paths(json!({"/ping": {"get": mock}})),
                "regional",
                Fate::Taken,
            ),
        ] {
            let text = format!("[apis.x]\nopenapi = \"doc.json\"\nendpoint = \"{endpoint}\"\n");
            let shown = document["paths"].to_string();
            assert!(!faults(&text, &document.to_string()).is_empty(), "{shown}");
            let create = CreateRestApi {
                endpoint_type: endpoint.to_uppercase(),
                ..create_api("x")
            };
            let api = bench.ok(ORDERS, create).await;
            let import = put(&api.id, true, &document);
            let import = crate::cloud::call(&bench.cloud, &super::place(ORDERS), import).await;
            let deploy = CreateDeployment {
                id: api.id,
                stage: "live".to_owned(),
                description: String::new(),
                variables: BTreeMap::new(),
            };
            let deploy = crate::cloud::call(&bench.cloud, &super::place(ORDERS), deploy).await;
            let found = match (import, deploy) {
                // A policy that AWS refuses may still name somebody who comes to be.
                (Err(error), _) if matches!(error.fault, Fault::Invalid | Fault::Unsettled) => {
                    Fate::Import
                }
                (Ok(_), Err(error)) if error.fault == Fault::Invalid => Fate::Deployment,
                (Ok(_), Ok(_)) => Fate::Taken,
                other => panic!("{shown}: {other:?}"),
            };
            assert_eq!(found, fate, "{shown}");
        }
        let slow = paths(json!({"/a": {"get": slow}}));
        let text = "[apis.x]\nopenapi = \"doc.json\"\n";
        assert_eq!(faults(text, &slow.to_string()), Vec::<&str>::new());
        let api = bench.ok(ORDERS, create_api("x")).await;
        bench.ok(ORDERS, put(&api.id, true, &slow)).await;
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
