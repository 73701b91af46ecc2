//! `OpenAPI` documents that the sandbox refuses, and the check of a stack too: no call is needed to find it.

use super::apigateway::{create_api, put};
use super::refused::{faults, refused};
use super::{Bench, ORDERS, run};
use crate::cloud::Fault;
use crate::cloud::apigateway::{CreateDeployment, CreateRestApi};
use serde_json::{Value, json};
use std::collections::BTreeMap;

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
